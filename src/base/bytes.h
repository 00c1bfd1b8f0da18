/*
 * Bounded cursors: the only code that indexes untrusted memory.
 *
 * A reader has a sticky error: after the first read past its end every further
 * read yields zero and moves nothing, so a caller reads a run of fields and
 * checks once. A sub-reader shares the base of its parent, because compression
 * pointers count from there. A writer is the same for output.
 *
 * All integers are big endian. Not thread-safe; no allocation; no failure
 * other than the sticky flag.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_reader {
	const uint8_t *base; /* first byte of the message: what compression pointers count from */
	const uint8_t *pos;  /* next byte to read */
	const uint8_t *end;  /* one past the last byte that may be read */
	bool failed;         /* a read went past the end */
};

/* Read over `len` bytes at `data` (borrowed; must outlive the reader). */
void bytes_reader_init(struct bytes_reader *r, const void *data, size_t len);

/* Bytes left before the end; 0 once failed. */
size_t bytes_left(const struct bytes_reader *r);

/* Offset of the cursor from the base, in bytes. */
size_t bytes_offset(const struct bytes_reader *r);

uint8_t bytes_u8(struct bytes_reader *r);
uint16_t bytes_u16(struct bytes_reader *r);
uint32_t bytes_u32(struct bytes_reader *r);
uint64_t bytes_u48(struct bytes_reader *r);

/* `len` bytes in place, or NULL (and failed) if there are fewer. */
const uint8_t *bytes_take(struct bytes_reader *r, size_t len);

/*
 * A reader for the next `len` bytes, which `r` moves past. If there are fewer,
 * both fail and the sub-reader is empty. The base is inherited.
 */
struct bytes_reader bytes_sub(struct bytes_reader *r, size_t len);

/* True if nothing failed and nothing is left: the block ended exactly here. */
bool bytes_complete(const struct bytes_reader *r);

struct bytes_writer {
	uint8_t *base;
	size_t len; /* bytes written */
	size_t cap; /* bytes that fit */
	bool failed;
};

/* Write into caller's memory of `cap` bytes. */
void bytes_writer_init(struct bytes_writer *w, void *data, size_t cap);

void bytes_put_u8(struct bytes_writer *w, uint8_t v);
void bytes_put_u16(struct bytes_writer *w, uint16_t v);
void bytes_put_u32(struct bytes_writer *w, uint32_t v);
void bytes_put_u48(struct bytes_writer *w, uint64_t v);
/* `data` may be NULL when `len` is 0. */
void bytes_put(struct bytes_writer *w, const void *data, size_t len);

/* Overwrite two bytes already written at `offset`. */
void bytes_patch_u16(struct bytes_writer *w, size_t offset, uint16_t v);

/* Plain big-endian access to trusted memory. */
uint16_t bytes_load_u16(const uint8_t *p);
uint32_t bytes_load_u32(const uint8_t *p);
void bytes_store_u16(uint8_t *p, uint16_t v);
void bytes_store_u32(uint8_t *p, uint32_t v);

#endif
