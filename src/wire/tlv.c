#include "wire/tlv.h"

#include <assert.h>

#include "base/err.h"

int wire_tlv_read(struct bytes_reader *r, struct wire_tlv *ret_tlv)
{
	uint16_t type = bytes_u16(r);
	struct bytes_reader data = bytes_sub(r, bytes_u16(r));
	if (r->failed) {
		return ERR_TRUNCATED;
	}
	ret_tlv->type = type;
	ret_tlv->data = data;
	return 0;
}

int wire_tlv_check(const struct bytes_reader *r)
{
	struct bytes_reader rest = *r;
	struct wire_tlv tlv;
	int err = r->failed ? ERR_TRUNCATED : 0;

	while (!err && bytes_left(&rest) > 0) {
		err = wire_tlv_read(&rest, &tlv);
	}
	return err;
}

int wire_tlv_write(struct bytes_writer *w, uint16_t type, const void *data, size_t len)
{
	if (w->failed || len > WIRE_TLV_DATA_MAX || w->cap - w->len < WIRE_TLV_HEADER_LEN + len) {
		return ERR_SPACE;
	}
	bytes_put_u16(w, type);
	bytes_put_u16(w, (uint16_t)len);
	bytes_put(w, data, len);
	return 0;
}

size_t wire_tlv_open(struct bytes_writer *w, uint16_t type)
{
	size_t at = w->len;
	bytes_put_u16(w, type);
	bytes_put_u16(w, 0);
	return at;
}

int wire_tlv_close(struct bytes_writer *w, size_t at)
{
	if (w->failed) {
		return ERR_SPACE;
	}
	assert(w->len >= at + WIRE_TLV_HEADER_LEN);
	size_t len = w->len - at - WIRE_TLV_HEADER_LEN;
	if (len > WIRE_TLV_DATA_MAX) {
		return ERR_SPACE;
	}
	bytes_patch_u16(w, at + 2, (uint16_t)len);
	return 0;
}
