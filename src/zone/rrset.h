/*
 * Making and editing RRsets (private to zone/). An RRset made by the running
 * transaction is "owned" and edited in place; any other is copied.
 */
#ifndef ZONE_RRSET_H
#define ZONE_RRSET_H

#include "zone/heap.h"
#include "zone/store.h"

enum { ZONE_RRSET_SIZE_MAX = 16 << 20, ZONE_RRSET_COUNT_MAX = 65535 };

/* An RRset of one record. NULL when memory ends. */
struct zone_rrset *zone_rrset_make(struct zone_heap *heap, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                                   size_t len);
/* A copy with another type and TTL. NULL when memory ends. */
struct zone_rrset *zone_rrset_copy(struct zone_heap *heap, const struct zone_rrset *set, uint16_t type, uint32_t ttl);
/* The records whose rdata begins with the type NSEC3 (of an RRSIG RRset), or all others. NULL when memory ends. */
struct zone_rrset *zone_rrset_split(struct zone_heap *heap, const struct zone_rrset *set, uint32_t ttl, bool nsec3);
void zone_rrset_free(struct zone_heap *heap, struct zone_rrset *set);

/* Does this RRSIG rdata cover NSEC3? */
bool zone_rrsig_covers_nsec3(const uint8_t *rdata, size_t len);

/* The TTL that is stored for one that was given (RFC 2181 8). */
uint32_t zone_ttl(uint32_t ttl);

/* Same TTL and, letters included, the same records? */
bool zone_rrset_identical(const struct zone_rrset *a, const struct zone_rrset *b);

/* Where the records of the large RRset begin that was searched last, so that a run of adds needs no walk each. */
struct zone_rrset_index {
	const struct zone_rrset *set; /* NULL: of none */
	uint32_t *offsets;
	size_t cap;
};
void zone_rrset_index_done(struct zone_rrset_index *index);

/* A place in an RRset: of the record itself, or where it would have to be put. */
struct zone_rrset_spot {
	uint32_t offset; /* bytes into data */
	uint32_t at;     /* records before */
	bool found;
};
/* Find rdata in canonical order. 0 or ERR_NOMEM. */
int zone_rrset_locate(struct zone_rrset_index *index, const struct zone_rrset *set, const uint8_t *rdata, size_t len,
                      struct zone_rrset_spot *ret_spot);

/*
 * Put a record at the spot / take the one at the spot out. Gives the RRset that
 * has to be used from now on: the same, moved, if `owned`, else a copy. NULL when
 * memory ends, and then nothing has changed; removal of an owned one never fails.
 */
struct zone_rrset *zone_rrset_insert(struct zone_heap *heap, struct zone_rrset_index *index,
                                     const struct zone_rrset *set, bool owned, const struct zone_rrset_spot *spot,
                                     const uint8_t *rdata, size_t len);
struct zone_rrset *zone_rrset_remove(struct zone_heap *heap, struct zone_rrset_index *index,
                                     const struct zone_rrset *set, bool owned, const struct zone_rrset_spot *spot);

#endif
