/*
 * A growing byte buffer with a cap: bytes are appended at the back and
 * consumed at the front. Memory is released when it becomes empty.
 * Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t start; /* first byte not yet consumed */
	size_t end;   /* one past the last byte */
	size_t cap;   /* bytes allocated */
	size_t max;   /* bytes it may hold at most; 0: no limit */
};

/* An empty buffer without memory of its own. */
void buf_init(struct buf *b, size_t max);
/* Release the memory; the buffer is empty and usable again. */
void buf_done(struct buf *b);

size_t buf_len(const struct buf *b);
/* First unconsumed byte; valid until the next call that appends, consumes or releases. */
const uint8_t *buf_data(const struct buf *b);

/* Append `len` bytes. 0; ERR_LIMIT past `max` or ERR_NOMEM, and then nothing is appended. */
int buf_append(struct buf *b, const void *data, size_t len);
/* Room for `len` bytes at the back to write into; NULL on failure. Follow with buf_commit(). */
uint8_t *buf_reserve(struct buf *b, size_t len);
/* The first `len` bytes of the reserved room were written. */
void buf_commit(struct buf *b, size_t len);
/* Drop `len` bytes (at most buf_len()) from the front. */
void buf_consume(struct buf *b, size_t len);

#endif
