/*
 * What a zone, a version of it and a transaction are made of (private to zone/).
 */
#ifndef ZONE_VERSION_H
#define ZONE_VERSION_H

#include <stdatomic.h>

#include "zone/heap.h"
#include "zone/rrset.h"
#include "zone/store.h"
#include "zone/trie.h"

enum zone_tree { ZONE_TREE_NAMES, ZONE_TREE_NSEC3, ZONE_TREES };

/* The whole contents of one version. */
struct zone_root {
	zone_slot trees[ZONE_TREES];
	size_t node_count;
	size_t record_count;
	struct zone_features features;
};

struct zone_snapshot {
	atomic_size_t refs; /* one of them the zone's, while it is the newest */
	uint64_t version;
	const uint8_t *origin; /* the zone's */
	unsigned origin_labels;
	uint32_t serial;
	const struct zone_node *apex;
	struct zone_root root;
	/* The rest is the writer's. */
	struct zone_snapshot *newer;
	uintptr_t *garbage; /* what the next version does not hold */
	size_t garbage_count;
};

struct zone {
	struct wire_name origin;
	struct zone_heap heap;
	struct zone_snapshot *oldest; /* the first of a list that ends with `newest` */
	struct zone_snapshot *newest;
	struct zone_txn *txn; /* the open one, or NULL */
};

/* A snapshot of this root with one reference, in no list. NULL when memory ends. */
struct zone_snapshot *zone_snapshot_new(const struct zone *z, uint64_t version, const struct zone_root *root);

/*
 * The RRsets that differ, in letters too, between two roots: names in order,
 * then NSEC3 owners. Parts that both share are not visited. The list is one block
 * for mem_free(), NULL if nothing differs. 0 or ERR_NOMEM.
 */
int zone_diff(const struct zone_root *from, const struct zone_root *to, struct zone_change **ret_changes,
              size_t *ret_count);

/* A changeset with one reference; takes `changes` and references to both snapshots. NULL when memory ends. */
struct zone_changeset *zone_changeset_new(struct zone_snapshot *from, struct zone_snapshot *to,
                                          struct zone_change *changes, size_t count);

#endif
