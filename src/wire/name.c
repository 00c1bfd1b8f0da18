#include "wire/name.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "wire/dns.h"

/*
 * A label run that ends in a pointer has at least one label in any message a
 * compressor writes, so a name needs fewer jumps than it may have labels. The
 * bound keeps chains of bare pointers from making the work quadratic.
 */
enum { JUMPS_MAX = 127 };

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Append one label to a name under construction, leaving room for the root label. */
static int add_label(struct wire_name *name, const uint8_t *label, size_t len)
{
	if (name->len + 1 + len + 1 > DNS_NAME_MAX) {
		return ERR_NAME_LONG;
	}
	name->data[name->len] = (uint8_t)len;
	memcpy(name->data + name->len + 1, label, len);
	name->len = (uint8_t)(name->len + 1 + len);
	name->label_count++;
	return 0;
}

static void add_root(struct wire_name *name)
{
	name->data[name->len++] = 0;
}

/*
 * Follow the pointer whose first byte is `first`: *run moves from the run of
 * labels that began at *run_start to its target. What is read there ends before
 * the run that pointed: only earlier names are pointed to, and so a name means the
 * same whatever stands behind it.
 */
static int follow_pointer(struct bytes_reader *run, uint8_t first, size_t *run_start)
{
	size_t target = (size_t)(first & 0x3f) << 8 | bytes_u8(run);
	if (run->failed) {
		return ERR_TRUNCATED;
	}
	if (target < DNS_HEADER_LEN || target >= *run_start) {
		return ERR_POINTER;
	}
	run->end = run->base + *run_start;
	run->pos = run->base + target;
	*run_start = target;
	return 0;
}

/* Read labels and pointers at the cursor, which moves behind the name's own bytes. */
static int read_name(struct bytes_reader *r, enum wire_name_pointers pointers, struct wire_name *name)
{
	struct bytes_reader run = *r;
	size_t run_start = bytes_offset(&run);
	const uint8_t *behind = NULL;
	unsigned jumps = 0;

	for (;;) {
		uint8_t first = bytes_u8(&run);
		int err = 0;
		if (run.failed) {
			return jumps ? ERR_POINTER : ERR_TRUNCATED;
		}
		if (first == 0) {
			break;
		}
		if (first <= DNS_LABEL_MAX) {
			const uint8_t *label = bytes_take(&run, first);
			err = label ? add_label(name, label, first) : jumps ? ERR_POINTER : ERR_TRUNCATED;
		} else if (first < 0xc0) {
			err = ERR_LABEL;
		} else if (pointers == WIRE_NAME_PLAIN || jumps++ == JUMPS_MAX) {
			err = ERR_POINTER;
		} else {
			const uint8_t *second = run.pos;
			err = follow_pointer(&run, first, &run_start);
			behind = behind || err ? behind : second + 1;
		}
		if (err) {
			return err;
		}
	}
	add_root(name);
	r->pos = behind ? behind : run.pos;
	return 0;
}

int wire_name_read(struct bytes_reader *r, enum wire_name_pointers pointers, struct wire_name *ret_name)
{
	struct wire_name name;
	name.len = 0;
	name.label_count = 0;

	int err = read_name(r, pointers, &name);
	if (err) {
		r->failed = true;
		return err;
	}
	ret_name->len = name.len;
	ret_name->label_count = name.label_count;
	memcpy(ret_name->data, name.data, name.len);
	return 0;
}

/* Length and label count of checked wire bytes. */
static size_t measure(const uint8_t *wire, unsigned *ret_labels)
{
	size_t len = 0;
	unsigned labels = 0;
	while (wire[len]) {
		len += 1u + wire[len];
		labels++;
	}
	*ret_labels = labels;
	return len + 1;
}

void wire_name_set(struct wire_name *name, const uint8_t *wire)
{
	unsigned labels;
	size_t len = measure(wire, &labels);
	assert(len <= DNS_NAME_MAX);
	memmove(name->data, wire, len);
	name->len = (uint8_t)len;
	name->label_count = (uint8_t)labels;
}

size_t wire_name_len(const uint8_t *wire)
{
	unsigned labels;
	return measure(wire, &labels);
}

unsigned wire_name_labels(const uint8_t *wire)
{
	unsigned labels;
	measure(wire, &labels);
	return labels;
}

bool wire_name_equal(const uint8_t *a, const uint8_t *b)
{
	/* Length bytes are below 64 and so never letters: plain bytes can be compared throughout. */
	for (;;) {
		size_t len = *a;
		if (len != *b) {
			return false;
		}
		if (len == 0) {
			return true;
		}
		for (size_t i = 1; i <= len; i++) {
			if (lower(a[i]) != lower(b[i])) {
				return false;
			}
		}
		a += 1 + len;
		b += 1 + len;
	}
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	size_t shorter = a[0] < b[0] ? a[0] : b[0];
	for (size_t i = 1; i <= shorter; i++) {
		int diff = lower(a[i]) - lower(b[i]);
		if (diff) {
			return diff;
		}
	}
	return a[0] - b[0];
}

/* Where each label starts, first label first. Returns how many there are. */
static unsigned find_labels(const uint8_t *wire, uint8_t starts[DNS_LABELS_MAX])
{
	unsigned count = 0;
	for (size_t at = 0; wire[at]; at += 1u + wire[at]) {
		starts[count++] = (uint8_t)at;
	}
	return count;
}

int wire_name_compare(const uint8_t *a, const uint8_t *b)
{
	uint8_t a_starts[DNS_LABELS_MAX];
	uint8_t b_starts[DNS_LABELS_MAX];
	unsigned a_count = find_labels(a, a_starts);
	unsigned b_count = find_labels(b, b_starts);
	unsigned common = a_count < b_count ? a_count : b_count;

	for (unsigned i = 1; i <= common; i++) {
		int diff = compare_labels(a + a_starts[a_count - i], b + b_starts[b_count - i]);
		if (diff) {
			return diff;
		}
	}
	return (int)a_count - (int)b_count;
}

bool wire_name_is_under(const uint8_t *name, const uint8_t *ancestor)
{
	unsigned labels = wire_name_labels(name);
	unsigned kept = wire_name_labels(ancestor);
	return labels >= kept && wire_name_equal(wire_name_strip(name, labels - kept), ancestor);
}

const uint8_t *wire_name_strip(const uint8_t *name, unsigned count)
{
	while (count-- > 0) {
		assert(*name);
		name += 1u + *name;
	}
	return name;
}

bool wire_name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* Concatenate a run of `head_len` label bytes and a whole name. */
static int join(const uint8_t *head, size_t head_len, const uint8_t *tail, struct wire_name *ret_name)
{
	uint8_t joined[DNS_NAME_MAX];
	size_t tail_len = wire_name_len(tail);
	if (head_len + tail_len > sizeof(joined)) {
		return ERR_NAME_LONG;
	}
	memcpy(joined, head, head_len);
	memcpy(joined + head_len, tail, tail_len);
	wire_name_set(ret_name, joined);
	return 0;
}

int wire_name_wildcard(const uint8_t *ancestor, struct wire_name *ret_name)
{
	static const uint8_t star[] = {1, '*'};
	return join(star, sizeof(star), ancestor, ret_name);
}

int wire_name_replace_suffix(const uint8_t *name, const uint8_t *from, const uint8_t *to, struct wire_name *ret_name)
{
	assert(wire_name_is_under(name, from));
	return join(name, wire_name_len(name) - wire_name_len(from), to, ret_name);
}

void wire_name_lower(uint8_t *wire)
{
	for (size_t len = wire_name_len(wire); len > 0; len--) {
		*wire = lower(*wire);
		wire++;
	}
}

size_t wire_name_key(const uint8_t *wire, uint8_t key[WIRE_NAME_KEY_MAX])
{
	uint8_t starts[DNS_LABELS_MAX];
	size_t len = 0;

	for (unsigned i = find_labels(wire, starts); i > 0; i--) {
		const uint8_t *label = wire + starts[i - 1];
		for (size_t j = 1; j <= label[0]; j++) {
			uint8_t c = lower(label[j]);
			if (c <= 1) {
				key[len++] = 1;
				c++;
			}
			key[len++] = c;
		}
		key[len++] = 0;
	}
	return len;
}

uint64_t wire_name_hash(const uint8_t *wire)
{
	uint8_t folded[DNS_NAME_MAX];
	size_t len = wire_name_len(wire);
	assert(len <= sizeof(folded));
	for (size_t i = 0; i < len; i++) {
		folded[i] = lower(wire[i]);
	}
	return hash_bytes(folded, len);
}

/* One byte of a label as text: itself, \X or \DDD. Returns its length. */
static size_t byte_to_text(uint8_t c, char text[4])
{
	if (c <= ' ' || c >= 0x7f) {
		text[0] = '\\';
		text[1] = (char)('0' + c / 100);
		text[2] = (char)('0' + c / 10 % 10);
		text[3] = (char)('0' + c % 10);
		return 4;
	}
	if (strchr(".\\\"();@$", c)) {
		text[0] = '\\';
		text[1] = (char)c;
		return 2;
	}
	text[0] = (char)c;
	return 1;
}

/* Append if all of it fits before the NUL. */
static bool put_text(char *text, size_t size, size_t *len, const char *piece, size_t piece_len)
{
	if (size - *len <= piece_len) {
		return false;
	}
	memcpy(text + *len, piece, piece_len);
	*len += piece_len;
	return true;
}

size_t wire_name_to_text(const uint8_t *wire, char *text, size_t size)
{
	size_t len = 0;
	if (size == 0) {
		return 0;
	}
	bool fits = *wire || put_text(text, size, &len, ".", 1);
	for (; fits && *wire; wire += 1u + *wire) {
		for (size_t i = 1; fits && i <= *wire; i++) {
			char piece[4];
			size_t piece_len = byte_to_text(wire[i], piece);
			fits = put_text(text, size, &len, piece, piece_len);
		}
		fits = fits && put_text(text, size, &len, ".", 1);
	}
	text[len] = '\0';
	return len;
}

/* Read one byte of a label, escapes resolved; *at moves on. ERR_SYNTAX. */
static int byte_from_text(const char *text, size_t len, size_t *at, uint8_t *ret_byte)
{
	uint8_t c = (uint8_t)text[(*at)++];
	if (c <= ' ' || c == 0x7f) {
		return ERR_SYNTAX;
	}
	if (c != '\\') {
		*ret_byte = c;
		return 0;
	}
	if (*at == len) {
		return ERR_SYNTAX;
	}
	c = (uint8_t)text[(*at)++];
	if (c < '0' || c > '9') {
		*ret_byte = c;
		return 0;
	}
	unsigned value = c - '0';
	for (int i = 0; i < 2; i++) {
		if (*at == len || text[*at] < '0' || text[*at] > '9') {
			return ERR_SYNTAX;
		}
		value = value * 10 + (unsigned)(text[(*at)++] - '0');
	}
	if (value > 255) {
		return ERR_SYNTAX;
	}
	*ret_byte = (uint8_t)value;
	return 0;
}

/* Read one label up to its dot or the end of the text; *at is left on that. */
static int label_from_text(const char *text, size_t len, size_t *at, struct wire_name *name)
{
	uint8_t label[DNS_LABEL_MAX];
	size_t label_len = 0;
	while (*at < len && text[*at] != '.') {
		uint8_t c;
		int err = byte_from_text(text, len, at, &c);
		if (err) {
			return err;
		}
		if (label_len == sizeof(label)) {
			return ERR_LABEL;
		}
		label[label_len++] = c;
	}
	return label_len > 0 ? add_label(name, label, label_len) : ERR_LABEL;
}

int wire_name_from_text(const char *text, size_t len, const uint8_t *origin, struct wire_name *ret_name)
{
	static const uint8_t root[] = {0};
	struct wire_name name = {0};
	bool absolute = len == 1 && text[0] == '.';
	bool is_origin = len == 1 && text[0] == '@';
	size_t at = 0;

	if (len == 0) {
		return ERR_SYNTAX;
	}
	while (!absolute && !is_origin && at < len) {
		int err = label_from_text(text, len, &at, &name);
		if (err) {
			return err;
		}
		if (at < len) {
			at++; /* the dot */
			absolute = at == len;
		}
	}
	return join(name.data, name.len, absolute || !origin ? root : origin, ret_name);
}
