/*
 * The zone store: versions of a zone as immutable snapshots of a copy-on-write
 * trie in DNSSEC canonical order.
 *
 * One writer thread owns a `struct zone` and builds the next version in a
 * transaction; any thread reads snapshots that it holds a reference to. What a
 * snapshot gives (nodes, RRsets, names, rdata) is immutable and valid while the
 * reference is held. Memory that a newer version no longer uses is freed by the
 * writer once every older snapshot has been released.
 *
 * NSEC3 owners (with their RRSIGs) live in a tree of their own, so that they
 * neither exist as names nor answer for queries (RFC 5155 7.2.8).
 */
#ifndef ZONE_STORE_H
#define ZONE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

/* Records of one owner, type and class IN in canonical order, without duplicates. Immutable. */
struct zone_rrset {
	uint32_t ttl; /* 0..2^31-1; a TTL with the top bit set is stored as 0 (RFC 2181 8) */
	uint16_t type;
	uint16_t count; /* records */
	uint32_t size;  /* bytes of data */
	uint8_t data[]; /* count times: u16 length in host order (unaligned), rdata uncompressed */
};

/* Walk the records: start with *offset 0; false at the end. */
bool zone_rrset_next(const struct zone_rrset *set, size_t *offset, const uint8_t **ret_rdata, uint16_t *ret_len);
/* Does it hold this rdata (names compared without case)? */
bool zone_rrset_has(const struct zone_rrset *set, const uint8_t *rdata, size_t len);
/* Same records (rdata), TTL aside? NULL counts as empty. */
bool zone_rrset_same_records(const struct zone_rrset *a, const struct zone_rrset *b);

/* An owner name that has records. */
struct zone_node;
/* Its name as wire bytes, in the letters it was first given. */
const uint8_t *zone_node_name(const struct zone_node *node);
/* The RRset of a type, or NULL. */
const struct zone_rrset *zone_node_rrset(const struct zone_node *node, uint16_t type);
size_t zone_node_rrset_count(const struct zone_node *node);
/* The i-th RRset, ascending by type. */
const struct zone_rrset *zone_node_rrset_at(const struct zone_node *node, size_t i);

struct zone_snapshot;
/* Thread-safe. */
struct zone_snapshot *zone_snapshot_ref(struct zone_snapshot *s);
/* Thread-safe; NULL is fine. The memory goes back at a later zone_collect() or commit of the writer. */
void zone_snapshot_unref(struct zone_snapshot *s);
/* Number of the version: 1 for the first, growing by one a commit. */
uint64_t zone_snapshot_version(const struct zone_snapshot *s);
const uint8_t *zone_snapshot_origin(const struct zone_snapshot *s);
/* The node of the zone's own name; NULL in an empty zone. */
const struct zone_node *zone_snapshot_apex(const struct zone_snapshot *s);
/* Serial of the SOA; 0 without one. */
uint32_t zone_snapshot_serial(const struct zone_snapshot *s);
size_t zone_snapshot_node_count(const struct zone_snapshot *s); /* NSEC3 nodes included */
size_t zone_snapshot_record_count(const struct zone_snapshot *s);
/* True if the zone has an NSEC3 chain (NSEC3PARAM at the apex and NSEC3 nodes). */
bool zone_snapshot_has_nsec3(const struct zone_snapshot *s);
/* True if any node of the zone is a wildcard, has a DNAME, or (apex aside) an NS: lets a caller skip that work. */
struct zone_features {
	size_t wildcard_count;
	size_t dname_count;
	size_t cut_count;
};
struct zone_features zone_snapshot_features(const struct zone_snapshot *s);

/* What a search finds out about a name in the zone. */
struct zone_match {
	const struct zone_node *node; /* the name's own records, or NULL */
	bool exists;                  /* has records or is an empty non-terminal */
	unsigned encloser_labels; /* labels of the closest encloser: the longest existing ancestor or the name itself */
	unsigned ancestor_count;  /* nodes with records strictly above the name, apex first */
	const struct zone_node *ancestors[128];
};
/* `name` must be at or under the origin. One descent of the trie. */
void zone_search(const struct zone_snapshot *s, const uint8_t *name, struct zone_match *ret_match);
/* Exactly this name's node, or NULL. */
const struct zone_node *zone_find(const struct zone_snapshot *s, const uint8_t *name);
/* Last node in canonical order at or before `name`; NULL if none. For NSEC proofs. */
const struct zone_node *zone_find_before(const struct zone_snapshot *s, const uint8_t *name);

/*
 * The NSEC3 node whose hash equals `hash` (then *ret_exact), else the one that
 * covers it (the last before, or the very last one around the ring). NULL without a chain.
 */
const struct zone_node *zone_find_nsec3(const struct zone_snapshot *s, const uint8_t *hash, size_t hash_len,
                                        bool *ret_exact);

/* Ordered walk over all nodes at or under `top` (NULL: whole zone, then NSEC3 nodes too, last). */
struct zone_iterator;
struct zone_iterator *zone_iterate(const struct zone_snapshot *s, const uint8_t *top); /* NULL when memory ends */
const struct zone_node *zone_iterator_next(struct zone_iterator *i);                   /* NULL at the end */
void zone_iterator_free(struct zone_iterator *i);

/* ---- the writer's side: one thread ---- */

struct zone;
/* An empty zone, version 1. NULL when memory ends. */
struct zone *zone_new(const uint8_t *origin);
/* All snapshots must have been released. NULL is fine. */
void zone_free(struct zone *z);
const uint8_t *zone_origin(const struct zone *z);
/* The newest snapshot, with a reference for the caller. */
struct zone_snapshot *zone_current(struct zone *z);
/* Free what no snapshot needs any more. Also done by each commit. */
void zone_collect(struct zone *z);
/* Bytes of heap that all versions hold together. */
size_t zone_memory(const struct zone *z);

/* One RRset that differs between two versions. */
struct zone_change {
	const uint8_t *owner;            /* wire bytes, from the node */
	const struct zone_rrset *before; /* NULL: was not there */
	const struct zone_rrset *after;  /* NULL: is not there */
	uint16_t type;
	bool nsec3; /* in the NSEC3 tree */
};
/*
 * The difference of two versions; holds a reference to both. In canonical order
 * of owners, then by type; what is in the NSEC3 tree comes after all else.
 */
struct zone_changeset {
	struct zone_snapshot *from;
	struct zone_snapshot *to;
	size_t count;
	struct zone_change *changes;
};
/* Thread-safe release; NULL is fine. */
struct zone_changeset *zone_changeset_ref(struct zone_changeset *c);
void zone_changeset_unref(struct zone_changeset *c);

/* A version under construction: reads see its own writes. One at a time. */
struct zone_txn;
/* NULL when memory ends or a transaction is open. */
struct zone_txn *zone_txn_new(struct zone *z);
/* Throw it away; the zone is as before. NULL is fine. */
void zone_txn_abort(struct zone_txn *t);
/*
 * Publish: *ret_changeset (may be NULL) gets the difference, NULL if nothing
 * differs (no version is made then). The transaction is gone in any case; after
 * ERR_NOMEM the zone is as before.
 */
int zone_txn_commit(struct zone_txn *t, struct zone_changeset **ret_changeset);
/* As commit, for a first load: no changeset is built. */
int zone_txn_commit_load(struct zone_txn *t);

const uint8_t *zone_txn_origin(const struct zone_txn *t);
/* The node of a name as the transaction sees it, NULL if it has no records. Valid until the next write. */
const struct zone_node *zone_txn_find(struct zone_txn *t, const uint8_t *owner);
/* Its RRset of a type; of NSEC3 and, where the name has none, of RRSIG the one in the NSEC3 tree. */
const struct zone_rrset *zone_txn_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type);

/*
 * Add a record with checked uncompressed rdata; the RRset takes the new TTL. A
 * record that is there already (letters in names aside) only changes the TTL. ERR_NOTZONE outside the
 * zone, ERR_INVALID for a meta type, ERR_LIMIT past 65,535 records or 16 MiB in
 * an RRset, ERR_NOMEM. After any failure of memory only abort is allowed.
 */
int zone_txn_add(struct zone_txn *t, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                 size_t len);
/* Remove one record, an RRset, or all of a name, NSEC3 included. What is not there is no error. 0 or ERR_NOMEM. */
int zone_txn_remove(struct zone_txn *t, const uint8_t *owner, uint16_t type, const uint8_t *rdata, size_t len);
int zone_txn_remove_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type);
int zone_txn_remove_name(struct zone_txn *t, const uint8_t *owner);
/*
 * Put a whole RRset (copied) in place of what is there; NULL or an empty one removes.
 * Of RRSIGs those that cover NSEC3 go to the NSEC3 tree: a set of only such ones
 * leaves the name's other signatures alone, and the other way round.
 */
int zone_txn_set_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type, const struct zone_rrset *set);
/* True if something was written that differs so far. */
bool zone_txn_changed(const struct zone_txn *t);

/*
 * Make the transaction equal to `wanted` (a snapshot of any zone with the same
 * origin): writes only what differs. Letters of owner names that are there remain. 0 or ERR_NOMEM.
 */
int zone_txn_become(struct zone_txn *t, const struct zone_snapshot *wanted);

#endif
