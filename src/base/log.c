#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

/* A line longer than this is cut at the end of a value; one write() of it is atomic on a pipe (PIPE_BUF). */
enum { LINE_MAX_LEN = 4096, LINE_TAIL = 4 };

static _Atomic int log_level_now = LOG_LEVEL_INFO;
static _Atomic int log_format_now = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
        [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
        [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

enum { LEVEL_COUNT = sizeof(level_names) / sizeof(level_names[0]) };

void log_setup(enum log_level level, enum log_format format)
{
	atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
	atomic_store_explicit(&log_format_now, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < LEVEL_COUNT ? level_names[level] : "unknown";
}

int log_level_parse(const char *word, enum log_level *ret_level)
{
	for (unsigned i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(word, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

struct line {
	char text[LINE_MAX_LEN];
	size_t len;
	bool full;
	bool json;
};

/* Append all of it or, once something did not fit, nothing any more. The tail stays free for the line's end. */
static void put(struct line *l, const char *text, size_t len)
{
	if (l->full || len > sizeof(l->text) - LINE_TAIL - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* Length of the UTF-8 character at `s` and its code point, 0 if there is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s, uint32_t *ret_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80             ? 1
	             : (s[0] & 0xe0) == 0xc0 ? 2
	             : (s[0] & 0xf0) == 0xe0 ? 3
	             : (s[0] & 0xf8) == 0xf0 ? 4
	                                     : 0;
	uint32_t point = len <= 1 ? s[0] : s[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
		point = point << 6 | (s[i] & 0x3f);
	}
	if (len == 0 || point < least[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
		return 0;
	}
	*ret_point = point;
	return len;
}

/* Characters that change what a terminal shows instead of being shown: controls, line ends, writing direction. */
static bool is_deceptive(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c || point == 0x200e ||
	       point == 0x200f || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static void put_escaped(struct line *l, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	while (*s != '\0' && !l->full) {
		char escape[16];
		uint32_t point;
		size_t len = utf8_length(s, &point);

		if (len == 0) {
			/* Not a character. JSON has no escape for a byte: there it is the same text, itself escaped. */
			snprintf(escape, sizeof(escape), l->json ? "\\\\x%02x" : "\\x%02x", *s);
			put_text(l, escape);
			len = 1;
		} else if (point == '"' || point == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", (char)point);
			put_text(l, escape);
		} else if (point == '\n') {
			put_text(l, "\\n");
		} else if (is_deceptive(point)) {
			snprintf(escape, sizeof(escape), "\\u%04x", point);
			put_text(l, escape);
		} else {
			put(l, (const char *)s, len);
		}
		s += len;
	}
}

static bool needs_quotes(const char *value)
{
	for (const char *s = value; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f || *s == '=' || *s == '"' || *s == '\\') {
			return true;
		}
	}
	return *value == '\0';
}

static void put_field(struct line *l, const char *key, const char *value)
{
	bool quoted = l->json || needs_quotes(value);
	size_t start = l->len;

	if (l->len > (l->json ? 1 : 0)) {
		put(l, l->json ? "," : " ", 1);
	}
	put_text(l, l->json ? "\"" : "");
	put_text(l, key);
	put_text(l, l->json ? "\":" : "=");
	put_text(l, quoted ? "\"" : "");
	if (l->full) {
		/* Not even its beginning fits: leave it out. */
		l->len = start;
		return;
	}
	put_escaped(l, value);
	if (quoted) {
		/* A value cut short is closed as well: this room is in the tail. */
		l->text[l->len++] = '"';
	}
}

static void put_time(struct line *l)
{
	struct timespec now;
	struct tm tm;
	char text[48];
	char whole[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03ldZ", text, now.tv_nsec / 1000000);
	put_field(l, "time", whole);
}

void log_event(enum log_level level, const char *event, ...)
{
	struct line l;
	va_list fields;
	const char *key;

	if (!log_enabled(level)) {
		return;
	}
	l.len = 0;
	l.full = false;
	l.json = atomic_load_explicit(&log_format_now, memory_order_relaxed) == LOG_FORMAT_JSON;
	if (l.json) {
		put(&l, "{", 1);
	}
	put_time(&l);
	put_field(&l, "level", log_level_name(level));
	put_field(&l, "event", event);
	va_start(fields, event);
	while ((key = va_arg(fields, const char *)) != NULL && !l.full) {
		const char *value = va_arg(fields, const char *);

		put_field(&l, key, value != NULL ? value : "");
	}
	va_end(fields);
	if (l.json) {
		l.text[l.len++] = '}';
	}
	l.text[l.len++] = '\n';
	/* A log that cannot be written has nobody to tell; the program's work goes on. */
	ssize_t written;

	do {
		written = write(STDERR_FILENO, l.text, l.len);
	} while (written < 0 && errno == EINTR);
}
