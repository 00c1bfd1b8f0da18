/*
 * Domain names in wire form (RFC 1035 3.1): a run of labels that ends with the
 * root label. Letters are kept as they came; comparison ignores ASCII case
 * (RFC 4343). A name in memory that is not a struct wire_name is given as a
 * pointer to uncompressed wire bytes that were checked before ("wire bytes").
 */
#ifndef WIRE_NAME_H
#define WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* A checked, uncompressed name by value. */
struct wire_name {
	uint8_t len;         /* bytes used, root label included: 1..255 */
	uint8_t label_count; /* labels without the root: 0..127 */
	uint8_t data[255];
};

enum wire_name_pointers {
	WIRE_NAME_PLAIN,      /* compression pointers are refused (SUBSCRIBE, TSIG algorithm, SRV...) */
	WIRE_NAME_COMPRESSED, /* pointers to an earlier place, after the header, are followed */
};

/*
 * Read a name at the cursor, which moves past it. Pointers must aim strictly
 * backward of the name (or of the label run) that holds them, at or after byte 12
 * of the message, and what they lead to ends before that run. 0; ERR_TRUNCATED, ERR_LABEL, ERR_POINTER or
 * ERR_NAME_LONG, and then the reader is failed and *ret_name untouched.
 */
int wire_name_read(struct bytes_reader *r, enum wire_name_pointers pointers, struct wire_name *ret_name);

/* Copy checked wire bytes into a value. */
void wire_name_set(struct wire_name *name, const uint8_t *wire);

/* Length in bytes of checked wire bytes, root label included. */
size_t wire_name_len(const uint8_t *wire);
/* Labels of checked wire bytes, without the root. */
unsigned wire_name_labels(const uint8_t *wire);

/* Equal ignoring ASCII case. */
bool wire_name_equal(const uint8_t *a, const uint8_t *b);

/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int wire_name_compare(const uint8_t *a, const uint8_t *b);

/* True if `name` is `ancestor` or below it. */
bool wire_name_is_under(const uint8_t *name, const uint8_t *ancestor);

/* Wire bytes of `name` without its first `count` labels (a pointer into it). count <= labels. */
const uint8_t *wire_name_strip(const uint8_t *name, unsigned count);

/* True if the first label is exactly "*". */
bool wire_name_is_wildcard(const uint8_t *name);

/* *ret = "*" + ancestor. ERR_NAME_LONG if it does not fit. */
int wire_name_wildcard(const uint8_t *ancestor, struct wire_name *ret_name);

/*
 * Replace the suffix: `name` is under `from`; *ret_name = its labels above
 * `from` put in front of `to` (DNAME, RFC 6672; wildcard expansion).
 * ERR_NAME_LONG if the result exceeds 255 bytes.
 */
int wire_name_replace_suffix(const uint8_t *name, const uint8_t *from, const uint8_t *to, struct wire_name *ret_name);

/* ASCII letters to lower case, in place. */
void wire_name_lower(uint8_t *wire);

/*
 * The sort key of a name: labels from the root down, lower-cased, each byte
 * escaped so that plain memcmp of keys (shorter first) is canonical order and
 * a name's key is a prefix of the keys of all names below it. Label bytes 0
 * and 1 become 01 01 and 01 02, each label ends with 00.
 * Returns the length; at most WIRE_NAME_KEY_MAX.
 */
enum { WIRE_NAME_KEY_MAX = 512 };
size_t wire_name_key(const uint8_t *wire, uint8_t key[WIRE_NAME_KEY_MAX]);

/* Keyed hash of a name ignoring ASCII case. */
uint64_t wire_name_hash(const uint8_t *wire);

/*
 * Presentation form (RFC 1035 5.1): labels joined by dots, final dot always,
 * special and unprintable bytes as \X or \DDD. Returns the length without the
 * NUL. `size` >= WIRE_NAME_TEXT_MAX always suffices; a smaller space is cut and
 * ended with NUL.
 */
enum { WIRE_NAME_TEXT_MAX = 1024 };
size_t wire_name_to_text(const uint8_t *wire, char *text, size_t size);

/*
 * Parse presentation form. A name without a final dot is completed with
 * `origin` (wire bytes; NULL: with the root); "@" is the origin. UTF-8 bytes
 * are taken as they are. 0; ERR_SYNTAX, ERR_LABEL or ERR_NAME_LONG.
 */
int wire_name_from_text(const char *text, size_t len, const uint8_t *origin, struct wire_name *ret_name);

#endif
