#include "base/bytes.h"
#include "base/err.h"
#include "dso/machine.h"
#include "wire/dns.h"
#include "wire/message.h"
#include "wire/tlv.h"

enum {
	PAD_BLOCK_CLIENT = 128, /* RFC 8467 4.1 */
	PAD_BLOCK_SERVER = 468,
	PAD_LIMIT = 16382, /* no message is padded beyond this */
	EDNS_TCP_KEEPALIVE = 11,
};

/* Data bytes of the padding TLV behind `len` bytes of message. */
static size_t padding_len(enum dso_side side, size_t len)
{
	size_t block = side == DSO_CLIENT ? PAD_BLOCK_CLIENT : PAD_BLOCK_SERVER;
	size_t bare = len + WIRE_TLV_HEADER_LEN;
	size_t target = (bare + block - 1) / block * block;
	if (target > PAD_LIMIT) {
		target = PAD_LIMIT;
	}
	return target > bare ? target - bare : 0;
}

/* Room for a frame with `len` bytes of message; a writer over the message. The session is aborted without it. */
static int open_frame(struct dso_session *s, size_t len, struct bytes_writer *ret_writer)
{
	size_t whole = DSO_FRAME_PREFIX_LEN + len;
	size_t max = s->config->output_hard_max;
	if (max && (whole > max || buf_len(&s->out) - s->out_exempt > max - whole)) {
		dso_end_abort(s, DSO_REASON_OUTPUT_LIMIT);
		return ERR_LIMIT;
	}
	uint8_t *room = buf_reserve(&s->out, whole);
	if (!room) {
		dso_end_abort(s, DSO_REASON_MEMORY);
		return ERR_NOMEM;
	}
	bytes_writer_init(ret_writer, room, whole);
	bytes_put_u16(ret_writer, (uint16_t)len);
	return 0;
}

static void put_zeros(struct bytes_writer *w, size_t len)
{
	while (len-- > 0) {
		bytes_put_u8(w, 0);
	}
}

int dso_send(struct dso_session *s, uint16_t id, uint16_t flags, const struct dso_out_tlv *tlvs, size_t count, bool pad,
             uint64_t now_ms)
{
	size_t len = DNS_HEADER_LEN;
	for (size_t i = 0; i < count; i++) {
		if (tlvs[i].len > WIRE_TLV_DATA_MAX) {
			return ERR_INVALID;
		}
		len += WIRE_TLV_HEADER_LEN + tlvs[i].len;
	}
	size_t zeros = pad ? padding_len(s->config->side, len) : 0;
	len += pad ? WIRE_TLV_HEADER_LEN + zeros : 0;
	if (len > DNS_MESSAGE_MAX) {
		return ERR_INVALID;
	}
	struct bytes_writer w;
	int err = open_frame(s, len, &w);
	if (err) {
		return err;
	}
	bytes_put_u16(&w, id);
	bytes_put_u16(&w, flags);
	put_zeros(&w, 8);
	for (size_t i = 0; i < count; i++) {
		wire_tlv_write(&w, tlvs[i].type, tlvs[i].data, tlvs[i].len);
	}
	if (pad) {
		bytes_put_u16(&w, DSO_TLV_PADDING);
		bytes_put_u16(&w, (uint16_t)zeros);
		put_zeros(&w, zeros);
	}
	buf_commit(&s->out, w.len);
	s->spoke_dso = true;
	dso_note_message(s, count > 0 && tlvs[0].type == DSO_TLV_KEEPALIVE, now_ms);
	return 0;
}

int dso_send_header(struct dso_session *s, uint16_t id, uint16_t flags, uint64_t now_ms)
{
	return dso_send(s, id, flags, NULL, 0, false, now_ms);
}

int dso_send_retry_delay(struct dso_session *s, unsigned rcode, uint32_t delay_ms, uint64_t now_ms)
{
	uint8_t data[DSO_RETRY_DELAY_LEN];
	bytes_store_u32(data, delay_ms);
	struct dso_out_tlv tlv = {DSO_TLV_RETRY_DELAY, data, sizeof(data)};
	return dso_send(s, 0, (uint16_t)(DSO_FLAGS_REQUEST | (rcode & DNS_FLAGS_RCODE)), &tlv, 1, false, now_ms);
}

int dso_send_keepalive(struct dso_session *s, uint16_t id, uint16_t flags, uint32_t inactivity_ms,
                       uint32_t keepalive_ms, bool pad, uint64_t now_ms)
{
	uint8_t data[DSO_KEEPALIVE_LEN];
	bytes_store_u32(data, inactivity_ms);
	bytes_store_u32(data + 4, keepalive_ms);
	struct dso_out_tlv tlv = {DSO_TLV_KEEPALIVE, data, sizeof(data)};
	return dso_send(s, id, flags, &tlv, 1, pad, now_ms);
}

bool dso_has_edns_keepalive(const uint8_t *message, size_t len)
{
	struct wire_message m;
	return wire_message_read(message, len, &m) == 0 && m.edns.tcp_keepalive;
}

/*
 * Find the edns-tcp-keepalive option: offsets in the message of the option and
 * of the length of the options before it. False if there is none.
 */
static bool find_edns_keepalive(const uint8_t *message, size_t len, size_t *ret_rdlen, size_t *ret_option,
                                size_t *ret_option_len)
{
	struct wire_message m;
	if (wire_message_read(message, len, &m) || !m.edns.present || !m.edns.tcp_keepalive) {
		return false;
	}
	struct bytes_reader options = m.edns.options;
	size_t rdlen = bytes_offset(&options) - 2;
	while (bytes_left(&options) > 0) {
		size_t at = bytes_offset(&options);
		uint16_t code = bytes_u16(&options);
		uint16_t option_len = bytes_u16(&options);
		if (!bytes_take(&options, option_len)) {
			return false;
		}
		if (code == EDNS_TCP_KEEPALIVE) {
			*ret_rdlen = rdlen;
			*ret_option = at;
			*ret_option_len = WIRE_TLV_HEADER_LEN + (size_t)option_len;
			return true;
		}
	}
	return false;
}

int dso_send_message(struct dso_session *s, const uint8_t *message, size_t len, int id, bool strip, uint64_t now_ms)
{
	size_t rdlen = 0;
	size_t option = 0;
	size_t option_len = 0;
	bool found = strip && find_edns_keepalive(message, len, &rdlen, &option, &option_len);
	struct bytes_writer w;
	int err = open_frame(s, len - option_len, &w);
	if (err) {
		return err;
	}
	size_t start = w.len;
	if (found) {
		bytes_put(&w, message, option);
		bytes_put(&w, message + option + option_len, len - option - option_len);
		uint16_t old = bytes_load_u16(message + rdlen);
		bytes_patch_u16(&w, start + rdlen, (uint16_t)(old - option_len));
	} else {
		bytes_put(&w, message, len);
	}
	if (id >= 0) {
		bytes_patch_u16(&w, start, (uint16_t)id);
	}
	buf_commit(&s->out, w.len);
	dso_note_message(s, false, now_ms);
	return 0;
}
