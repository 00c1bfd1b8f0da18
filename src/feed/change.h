/*
 * One change of what an owner name holds, as subscribers are told of it (RFC
 * 8765 6.3.1): the unit that sources produce, push encodes and clients apply.
 */
#ifndef FEED_CHANGE_H
#define FEED_CHANGE_H

#include <stddef.h>
#include <stdint.h>

enum feed_op {
	FEED_ADD,          /* this record is there with this TTL */
	FEED_REMOVE,       /* this record is gone */
	FEED_REMOVE_RRSET, /* all records of owner, type and class are gone */
	FEED_REMOVE_CLASS, /* all records of owner and class are gone; type is 255 */
	FEED_REMOVE_ALL,   /* all records of owner are gone; class 255, type 0 */
};

struct feed_change {
	const uint8_t *owner; /* wire bytes, borrowed */
	const uint8_t *rdata; /* uncompressed, checked; borrowed; NULL for collective removals */
	uint32_t ttl;         /* FEED_ADD: 0..2^31-1; FEED_REMOVE at a client: what the record had; else 0 */
	uint16_t rdata_len;
	uint16_t type;
	uint16_t dns_class;
	uint8_t op; /* enum feed_op */
};

/* A growing list of changes; the caller keeps alive what they point to. */
struct feed_list {
	struct feed_change *items;
	size_t count;
	size_t cap;
};

/* An empty list without memory. */
void feed_list_init(struct feed_list *l);
/* Release the memory of the list (not what the changes point to). */
void feed_list_done(struct feed_list *l);
/* Append a copy of `change`. 0 or ERR_NOMEM. */
int feed_list_add(struct feed_list *l, const struct feed_change *change);

#endif
