#include "base/buf.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	mem_free(b->data);
	buf_init(b, b->max);
}

size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

const uint8_t *buf_data(const struct buf *b)
{
	return b->data ? b->data + b->start : NULL;
}

static int make_room(struct buf *b, size_t len)
{
	size_t held = buf_len(b);
	if (b->max && (len > b->max || held > b->max - len)) {
		return ERR_LIMIT;
	}
	if (b->cap - b->end >= len) {
		return 0;
	}
	if (b->start > 0) {
		memmove(b->data, b->data + b->start, held);
		b->start = 0;
		b->end = held;
	}
	return mem_grow(&b->data, &b->cap, held + len, 1);
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
	return make_room(b, len) ? NULL : b->data + b->end;
}

void buf_commit(struct buf *b, size_t len)
{
	b->end += len;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
	if (len == 0) {
		return 0;
	}
	int err = make_room(b, len);
	if (err) {
		return err;
	}
	memcpy(b->data + b->end, data, len);
	b->end += len;
	return 0;
}

void buf_consume(struct buf *b, size_t len)
{
	b->start += len;
	if (b->start == b->end) {
		buf_done(b);
	}
}
