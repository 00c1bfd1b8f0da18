#include "base/bytes.h"

#include <string.h>

void bytes_reader_init(struct bytes_reader *r, const void *data, size_t len)
{
	static const uint8_t nothing;
	const uint8_t *p = data && len > 0 ? data : &nothing;
	*r = (struct bytes_reader){.base = p, .pos = p, .end = p + len, .failed = false};
}

size_t bytes_left(const struct bytes_reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->pos);
}

size_t bytes_offset(const struct bytes_reader *r)
{
	return (size_t)(r->pos - r->base);
}

const uint8_t *bytes_take(struct bytes_reader *r, size_t len)
{
	if (r->failed || (size_t)(r->end - r->pos) < len) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *p = r->pos;
	r->pos += len;
	return p;
}

uint8_t bytes_u8(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 1);
	return p ? p[0] : 0;
}

uint16_t bytes_u16(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 2);
	return p ? bytes_load_u16(p) : 0;
}

uint32_t bytes_u32(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 4);
	return p ? bytes_load_u32(p) : 0;
}

uint64_t bytes_u48(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 6);
	return p ? (uint64_t)bytes_load_u16(p) << 32 | bytes_load_u32(p + 2) : 0;
}

struct bytes_reader bytes_sub(struct bytes_reader *r, size_t len)
{
	struct bytes_reader sub = *r;
	if (!bytes_take(r, len)) {
		sub.failed = true;
		sub.end = sub.pos;
		return sub;
	}
	sub.end = sub.pos + len;
	return sub;
}

bool bytes_complete(const struct bytes_reader *r)
{
	return !r->failed && r->pos == r->end;
}

void bytes_writer_init(struct bytes_writer *w, void *data, size_t cap)
{
	*w = (struct bytes_writer){.base = data, .len = 0, .cap = cap, .failed = false};
}

static uint8_t *reserve(struct bytes_writer *w, size_t len)
{
	if (w->failed || w->cap - w->len < len) {
		w->failed = true;
		return NULL;
	}
	uint8_t *p = w->base + w->len;
	w->len += len;
	return p;
}

void bytes_put_u8(struct bytes_writer *w, uint8_t v)
{
	uint8_t *p = reserve(w, 1);
	if (p) {
		p[0] = v;
	}
}

void bytes_put_u16(struct bytes_writer *w, uint16_t v)
{
	uint8_t *p = reserve(w, 2);
	if (p) {
		bytes_store_u16(p, v);
	}
}

void bytes_put_u32(struct bytes_writer *w, uint32_t v)
{
	uint8_t *p = reserve(w, 4);
	if (p) {
		bytes_store_u32(p, v);
	}
}

void bytes_put_u48(struct bytes_writer *w, uint64_t v)
{
	uint8_t *p = reserve(w, 6);
	if (p) {
		bytes_store_u16(p, (uint16_t)(v >> 32));
		bytes_store_u32(p + 2, (uint32_t)v);
	}
}

void bytes_put(struct bytes_writer *w, const void *data, size_t len)
{
	uint8_t *p = reserve(w, len);
	if (p && len > 0) {
		memcpy(p, data, len);
	}
}

void bytes_patch_u16(struct bytes_writer *w, size_t offset, uint16_t v)
{
	if (!w->failed && w->len >= 2 && offset <= w->len - 2) {
		bytes_store_u16(w->base + offset, v);
	}
}

uint16_t bytes_load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t bytes_load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void bytes_store_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void bytes_store_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
