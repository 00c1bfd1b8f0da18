/*
 * Reading one DSO message: its header, the walk over its TLVs, and whether each
 * of them may stand where it stands (RFC 8490 5.4, 8.2). Knows no session.
 */
#ifndef DSO_MESSAGE_H
#define DSO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "dso/session.h"

/* The first thing found wrong, in the order in which dso.md part 1 has them checked. */
enum dso_fault {
	DSO_FAULT_NONE,
	DSO_FAULT_COUNTS,    /* a header count is not 0 */
	DSO_FAULT_NO_TLV,    /* QR=0 and not one whole TLV */
	DSO_FAULT_UNKNOWN,   /* the primary TLV is of an unknown type */
	DSO_FAULT_CONTEXT,   /* the primary TLV is wrong for this side or for this kind of ID: always fatal */
	DSO_FAULT_NOT_FIRST, /* a type that is never primary stands first */
	DSO_FAULT_TLV,       /* a later TLV is cut */
	DSO_FAULT_MISPLACED, /* a known type stands as additional or in a response where it may not */
	DSO_FAULT_LENGTH,    /* a TLV of DSO's own has the wrong length, or there are too many of them */
};

struct dso_message {
	uint16_t id;
	uint16_t flags;
	bool is_request;       /* QR=0 and ID not 0 */
	bool is_early_allowed; /* the primary type is marked DSO_EARLY_DATA */
	bool has_primary;
	uint16_t type; /* of the primary TLV, if has_primary */
	struct bytes_reader data;
	bool has_padding;
	bool has_retry_delay; /* in a response */
	uint32_t retry_delay_ms;
	uint32_t inactivity_ms; /* of a Keepalive TLV */
	uint32_t keepalive_ms;
	unsigned keepalive_count; /* Keepalive TLVs in a response */
};

/* Contexts (enum dso_context) of a TLV type; 0 when it is unknown. */
unsigned dso_type_contexts(const struct dso_config *c, uint16_t type);

/*
 * Read a DSO message of at least 12 bytes with QR=0 that the other side sent.
 * *ret_message is filled in as far as possible, has_padding always if the TLVs
 * are whole (A13).
 */
enum dso_fault dso_message_read(const struct dso_config *c, const uint8_t *data, size_t len,
                                struct dso_message *ret_message);

/* The same for QR=1: the response to our request with primary TLV `request_type`. */
enum dso_fault dso_message_read_response(const struct dso_config *c, const uint8_t *data, size_t len,
                                         uint16_t request_type, struct dso_message *ret_message);

#endif
