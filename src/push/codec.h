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
};
/* TTLs with a meaning of their own (6.3.1). */
#define PUSH_TTL_REMOVE     0xffffffffu
#define PUSH_TTL_COLLECTIVE 0xfffffffeu

/* DSO TLV types of Push. */
enum push_tlv {
	PUSH_TLV_SUBSCRIBE = 0x0040,
	PUSH_TLV_PUSH = 0x0041,
	PUSH_TLV_UNSUBSCRIBE = 0x0042,
	PUSH_TLV_RECONFIRM = 0x0043,
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

/* True if `type` may be subscribed: not 0, OPT or 249..254; ANY may (B6). */
bool push_type_is_subscribable(uint16_t type);
/* True if a record of `type` and `dns_class` belongs to a subscription of `q_type` and `q_class` at its name (part 2).
 */
bool push_matches(uint16_t q_type, uint16_t q_class, uint16_t type, uint16_t dns_class);

/* SUBSCRIBE data, PLAIN name, exact end; TYPE 0, 41, 249..254 refused. 0 or an error (answer FORMERR). */
int push_subscribe_read(struct bytes_reader *data, struct push_question *ret_question);
/* Append SUBSCRIBE data; at most PUSH_SUBSCRIBE_MAX bytes. */
enum { PUSH_SUBSCRIBE_MAX = 259 };
void push_subscribe_write(struct bytes_writer *w, const struct push_question *q);

/* UNSUBSCRIBE data: exactly two bytes. */
int push_unsubscribe_read(struct bytes_reader *data, uint16_t *ret_id);
/* Append UNSUBSCRIBE data, two bytes. */
void push_unsubscribe_write(struct bytes_writer *w, uint16_t id);

struct push_reconfirm {
	struct wire_name name;
	uint16_t type;
	uint16_t dns_class;
	uint16_t rdata_len;
	uint8_t rdata[65535]; /* uncompressed */
};
/* RECONFIRM data; TYPE or CLASS 255 and rdata that does not fit are errors (abort, PUSH-215). */
int push_reconfirm_read(struct bytes_reader *data, struct push_reconfirm *ret_record);
/* Append RECONFIRM data. 0; ERR_INVALID for TYPE or CLASS 255, an rdata error, or ERR_SPACE. */
int push_reconfirm_write(struct bytes_writer *w, const uint8_t *name, uint16_t type, uint16_t dns_class,
                         const uint8_t *rdata, size_t rdata_len);

/*
 * PUSH data: checks the whole message first (PUSH-206..211), then gives the
 * changes one by one: push_read_check() walks all, push_read_next() yields the
 * next one that is not to be skipped (reserved TTL), rdata expanded into
 * `scratch` of 65535 bytes. `message_len` is that of the DNS message.
 * push_read_check(): 0, or an error of the protocol class (abort the session).
 */
int push_read_check(struct bytes_reader data, size_t message_len);
struct push_read {
	struct bytes_reader data;
	struct wire_name owner;
	uint8_t *scratch;
};
/* Start over the same data that was checked. */
void push_read_init(struct push_read *r, struct bytes_reader data, uint8_t *scratch);
/* False at the end. The change points into *r and scratch until the next call. Only after push_read_check() said 0. */
bool push_read_next(struct push_read *r, struct feed_change *ret_change);

/*
 * Encode changes, in order, as framed PUSH messages (u16 length, 12 bytes of
 * header, TLV): as few as fit under 16,382 bytes each (PUSH-086/087), a change
 * of one RRset not split unless it must be (B14), owners and listed rdata names
 * compressed (PUSH-084/085), padded to a multiple of 468 when `pad` (A13).
 * A TTL above 2^31-1 goes out as 0 (PUSH-091); collective removals get the TYPE
 * and CLASS of their form (PUSH-075/076).
 * Appends to `out`. 0, ERR_NOMEM, ERR_LIMIT (cap of `out`), or ERR_SPACE when a
 * single record cannot fit (B15); after an error nothing is appended. No
 * changes: nothing is appended (PUSH-072).
 */
int push_encode(const struct feed_change *changes, size_t count, bool pad, struct buf *out);

#endif
