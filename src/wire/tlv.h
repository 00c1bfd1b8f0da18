/*
 * The TLVs of DSO messages (RFC 8490 5.4.4): a 16-bit type, a 16-bit length,
 * that many bytes of data, one after another to the exact end of the message.
 */
#ifndef WIRE_TLV_H
#define WIRE_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* IANA "DSO Type Codes" (RFC 8490 10.3, RFC 8765 10.2). */
enum dso_tlv_type {
	DSO_TLV_KEEPALIVE = 0x0001,
	DSO_TLV_RETRY_DELAY = 0x0002,
	DSO_TLV_PADDING = 0x0003,
	DSO_TLV_SUBSCRIBE = 0x0040,
	DSO_TLV_PUSH = 0x0041,
	DSO_TLV_UNSUBSCRIBE = 0x0042,
	DSO_TLV_RECONFIRM = 0x0043,
};

enum {
	WIRE_TLV_HEADER_LEN = 4,
	WIRE_TLV_DATA_MAX = 65535,
	DSO_KEEPALIVE_LEN = 8,   /* data of a Keepalive TLV: two 32-bit times in milliseconds (RFC 8490 7.1) */
	DSO_RETRY_DELAY_LEN = 4, /* data of a Retry Delay TLV: 32 bits in milliseconds (RFC 8490 7.2) */
	DSO_UNSUBSCRIBE_LEN = 2, /* data of an UNSUBSCRIBE TLV: a message ID (RFC 8765 6.4.1) */
};

/* One TLV as it stands in a message. */
struct wire_tlv {
	uint16_t type;            /* enum dso_tlv_type or any other number */
	struct bytes_reader data; /* exactly the data; its base is that of the message */
};

/*
 * Take the next TLV off the cursor: `while (bytes_left(&r) > 0)` until all are
 * read, so a run of TLVs that does not end exactly at the end is found out.
 * 0, or ERR_TRUNCATED when the header or the data is cut short; then the
 * reader is failed and *ret_tlv untouched.
 */
int wire_tlv_read(struct bytes_reader *r, struct wire_tlv *ret_tlv);

/*
 * Check that the rest of the cursor, which stays where it is, is a run of whole
 * TLVs (possibly none) that ends exactly at the end. 0 or ERR_TRUNCATED.
 */
int wire_tlv_check(const struct bytes_reader *r);

/*
 * Append a TLV with `len` bytes of `data` (NULL when `len` is 0). 0, or
 * ERR_SPACE with the writer as it was before.
 */
int wire_tlv_write(struct bytes_writer *w, uint16_t type, const void *data, size_t len);

/*
 * A TLV whose data is written piece by piece: open writes the header and
 * returns where it stands; close fills in the length of all that was written
 * since. A writer that has no room is failed (as ever with struct bytes_writer);
 * close returns 0, or ERR_SPACE if the writer failed or the data exceeds
 * WIRE_TLV_DATA_MAX.
 */
size_t wire_tlv_open(struct bytes_writer *w, uint16_t type);
int wire_tlv_close(struct bytes_writer *w, size_t at);

#endif
