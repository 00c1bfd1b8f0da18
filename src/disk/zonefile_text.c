#include "disk/zonefile_text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

enum { WINDOW = 256 << 10 }; /* bytes in memory to begin with */

void zonefile_text_open(struct zonefile_text *t, int fd)
{
	*t = (struct zonefile_text){.fd = fd, .line = 1};
}

void zonefile_text_set(struct zonefile_text *t, const char *data, size_t len)
{
	*t = (struct zonefile_text){.fd = -1, .data = (char *)data, .len = len, .line = 1, .ended = true};
}

void zonefile_text_close(struct zonefile_text *t)
{
	if (t->fd >= 0) {
		close(t->fd);
		mem_free(t->data);
	}
	*t = (struct zonefile_text){.fd = -1, .ended = true};
}

/* Get more of the file into memory, behind what is left of it. */
static int fill(struct zonefile_text *t)
{
	if (t->at > 0) {
		memmove(t->data, t->data + t->at, t->len - t->at);
		t->len -= t->at;
		t->at = 0;
	}
	if (t->len == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : WINDOW;
		char *data = mem_realloc(t->data, cap);
		if (!data) {
			return ERR_NOMEM;
		}
		t->data = data;
		t->cap = cap;
	}
	ssize_t got;
	do {
		got = read(t->fd, t->data + t->len, t->cap - t->len);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return ERR_SYSTEM;
	}
	t->len += (size_t)got;
	t->ended = got == 0;
	return 0;
}

/* What the search for the end of a record has seen. */
struct scan {
	size_t end;  /* characters looked at, from the record's first */
	size_t open; /* offset of the first open parenthesis */
	unsigned depth;
	bool quoted;
	bool comment;
	unsigned lines;
	size_t fault; /* of an escape that is none */
	bool has_fault;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Pass over an escape at `p`, which has `left` characters up to the end of what is in memory. */
static size_t scan_escape(struct scan *s, const char *p, size_t left)
{
	if (left < 2 || p[1] == '\n') {
		return 1;
	}
	if (!is_digit(p[1])) {
		return 2;
	}
	bool three = left >= 4 && is_digit(p[2]) && is_digit(p[3]);
	if (!three || (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0') > 255) {
		s->fault = s->has_fault ? s->fault : s->end;
		s->has_fault = true;
	}
	return three ? 4 : 2;
}

/* Look at one character. True if the record ends with it. */
static bool scan_one(struct scan *s, const char *p, size_t left)
{
	size_t step = 1;
	switch (*p) {
	case '\n':
		s->lines++;
		s->comment = false;
		s->quoted = false;
		s->end++;
		return s->depth == 0;
	case '\\':
		step = s->comment ? 1 : scan_escape(s, p, left);
		break;
	case '"':
		s->quoted = s->comment ? s->quoted : !s->quoted;
		break;
	case ';':
		s->comment = s->comment || !s->quoted;
		break;
	case '(':
		if (!s->comment && !s->quoted && s->depth++ == 0) {
			s->open = s->end;
		}
		break;
	case ')':
		if (!s->comment && !s->quoted && s->depth > 0) {
			s->depth--;
		}
		break;
	default:
		break;
	}
	s->end += step;
	return false;
}

/* Find the end of the record that begins at t->at. An escape is looked at when all of it is in memory. */
static int scan_record(struct zonefile_text *t, struct scan *s)
{
	for (;;) {
		size_t have = t->len - t->at;
		while (s->end < have && (t->ended || have - s->end >= 4)) {
			if (scan_one(s, t->data + t->at + s->end, have - s->end)) {
				return 0;
			}
		}
		if (s->end > ZONEFILE_RECORD_MAX) {
			return ERR_LIMIT;
		}
		if (t->ended) {
			s->end = have;
			return s->depth > 0 ? ERR_LIMIT : have > 0 ? 0 : ERR_NOT_FOUND;
		}
		int err = fill(t);
		if (err) {
			return err;
		}
	}
}

int zonefile_text_next(struct zonefile_text *t, struct zonefile_record *ret_record)
{
	struct scan s = {0};
	int err = scan_record(t, &s);
	if (err && err != ERR_LIMIT) {
		return err;
	}
	ret_record->text = t->data + t->at;
	ret_record->len = s.end;
	ret_record->line = t->line;
	ret_record->fault = 0;
	ret_record->fault_text = NULL;
	if (s.depth > 0) {
		ret_record->fault = s.open;
		ret_record->fault_text = "this parenthesis is never closed";
	} else if (err) {
		ret_record->fault_text = "the record is longer than 1 MiB";
	} else if (s.has_fault) {
		ret_record->fault = s.fault;
		ret_record->fault_text = "after a backslash comes one character, or a number from 000 to 255";
		err = ERR_SYNTAX;
	}
	if (err == ERR_LIMIT) {
		t->at = t->len;
		t->ended = true;
		return err;
	}
	t->at += s.end;
	t->line += s.lines;
	return err;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')';
}

/* First offset from `at` that is neither white space nor in a comment. */
static size_t skip_space(const struct zonefile_record *r, size_t at)
{
	bool comment = false;
	for (; at < r->len; at++) {
		char c = r->text[at];
		comment = c == ';' || (comment && c != '\n');
		if (!comment && !is_space(c)) {
			break;
		}
	}
	return at;
}

bool zonefile_word_next(const struct zonefile_record *r, size_t *offset, struct zonefile_word *ret_word)
{
	size_t at = skip_space(r, *offset);
	if (at >= r->len) {
		*offset = r->len;
		return false;
	}
	bool quoted = r->text[at] == '"';
	size_t start = at + quoted;
	size_t end = start;
	while (end < r->len && r->text[end] != '\n') {
		char c = r->text[end];
		if (quoted ? c == '"' : is_space(c) || c == ';') {
			break;
		}
		end += c == '\\' && end + 1 < r->len && r->text[end + 1] != '\n' ? 2 : 1;
	}
	ret_word->text = r->text + start;
	ret_word->len = end - start;
	ret_word->offset = at;
	*offset = end + (quoted && end < r->len && r->text[end] == '"');
	return true;
}

void zonefile_record_where(const struct zonefile_record *r, size_t offset, unsigned long *ret_line,
                           unsigned long *ret_column)
{
	size_t start = 0;
	*ret_line = r->line;
	for (size_t i = 0; i < offset && i < r->len; i++) {
		if (r->text[i] == '\n') {
			++*ret_line;
			start = i + 1;
		}
	}
	*ret_column = offset - start + 1;
}
