/*
 * The four messages of DNS Push Notifications (RFC 8765 6) as bytes, both ways.
 */
#ifndef PUSH_CODEC_H
#define PUSH_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "dso/session.h"
#include "feed/change.h"
#include "wire/name.h"

enum {
	PUSH_MESSAGE_MAX = 16382, /* bytes of a PUSH message, without the length prefix (6.3.1) */
	PUSH_TTL_REMOVE = 0xffffffff,
	PUSH_TTL_COLLECTIVE = 0xfffffffe,
};

/* The TLV types of Push and their contexts, for dso_config. */
extern const struct dso_type push_types[];
extern const size_t push_type_count;

struct push_question {
	struct wire_name name;
	uint16_t type;
	uint16_t dns_class;
};

/* Default Retry Delay for a SUBSCRIBE refused with `rcode`, in ms (push.md part 1). */
uint32_t push_default_delay_ms(unsigned rcode);

/* SUBSCRIBE data, PLAIN name, exact end; TYPE 0, 41, 249..254 refused. 0 or an error (answer FORMERR). */
int push_subscribe_read(struct bytes_reader *data, struct push_question *ret_question);
void push_subscribe_write(struct bytes_writer *w, const struct push_question *q);

/* UNSUBSCRIBE data: exactly two bytes. */
int push_unsubscribe_read(struct bytes_reader *data, uint16_t *ret_id);

struct push_reconfirm {
	struct wire_name name;
	uint16_t type;
	uint16_t dns_class;
	uint16_t rdata_len;
	uint8_t rdata[65535]; /* uncompressed */
};
/* RECONFIRM data; TYPE or CLASS 255 and rdata that does not fit are errors (abort, PUSH-215). */
int push_reconfirm_read(struct bytes_reader *data, struct push_reconfirm *ret_record);
int push_reconfirm_write(struct bytes_writer *w, const uint8_t *name, uint16_t type, uint16_t dns_class,
                         const uint8_t *rdata, size_t rdata_len);

/*
 * PUSH data: checks the whole message first (PUSH-206..211), then gives the
 * changes one by one: push_read_check() walks all, push_read_next() yields the
 * next one that is not to be skipped (reserved TTL), rdata expanded into
 * `scratch` of 65535 bytes. `message_len` is that of the DNS message.
 */
int push_read_check(struct bytes_reader data, size_t message_len);
struct push_read {
	struct bytes_reader data;
	struct wire_name owner;
	uint8_t *scratch;
};
void push_read_init(struct push_read *r, struct bytes_reader data, uint8_t *scratch);
/* False at the end. The change points into *r and scratch until the next call. Only after push_read_check() said 0. */
bool push_read_next(struct push_read *r, struct feed_change *ret_change);

/*
 * Encode changes, in order, as framed PUSH messages (u16 length, 12 bytes of
 * header, TLV): as few as fit under 16,382 bytes each (PUSH-086/087), a change
 * of one RRset not split unless it must be (B14), owners and listed rdata names
 * compressed (PUSH-084/085), padded to a multiple of 468 when `pad` (A13).
 * Appends to `out`. 0, ERR_NOMEM, or ERR_SPACE when a single record cannot fit
 * (B15; nothing is appended then). No changes: nothing is appended (PUSH-072).
 */
int push_encode(const struct feed_change *changes, size_t count, bool pad, struct buf *out);

#endif
