#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"
#include "zone/version.h"

enum { SOA_NUMBERS_LEN = 20 }; /* serial and four more at the end of SOA rdata */

struct zone_iterator {
	const struct zone_snapshot *snapshot;
	bool nsec3_left; /* the NSEC3 tree comes when the walk ends */
	struct zone_walk walk;
};

/* ---- snapshots ---- */

struct zone_snapshot *zone_snapshot_new(const struct zone *z, uint64_t version, const struct zone_root *root)
{
	struct zone_snapshot *s = mem_calloc(1, sizeof(*s));
	if (!s) {
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->version = version;
	s->origin = z->origin.data;
	s->origin_labels = z->origin.label_count;
	s->root = *root;
	s->apex = zone_trie_find(root->trees[ZONE_TREE_NAMES], z->origin.data);

	const struct zone_rrset *soa = s->apex ? zone_node_rrset(s->apex, DNS_TYPE_SOA) : NULL;
	const uint8_t *rdata;
	uint16_t len;
	size_t offset = 0;
	if (soa && zone_rrset_next(soa, &offset, &rdata, &len) && len >= SOA_NUMBERS_LEN) {
		s->serial = bytes_load_u32(rdata + len - SOA_NUMBERS_LEN);
	}
	return s;
}

struct zone_snapshot *zone_snapshot_ref(struct zone_snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void zone_snapshot_unref(struct zone_snapshot *s)
{
	if (s) {
		atomic_fetch_sub_explicit(&s->refs, 1, memory_order_release);
	}
}

uint64_t zone_snapshot_version(const struct zone_snapshot *s)
{
	return s->version;
}

const uint8_t *zone_snapshot_origin(const struct zone_snapshot *s)
{
	return s->origin;
}

const struct zone_node *zone_snapshot_apex(const struct zone_snapshot *s)
{
	return s->apex;
}

uint32_t zone_snapshot_serial(const struct zone_snapshot *s)
{
	return s->serial;
}

size_t zone_snapshot_node_count(const struct zone_snapshot *s)
{
	return s->root.node_count;
}

size_t zone_snapshot_record_count(const struct zone_snapshot *s)
{
	return s->root.record_count;
}

bool zone_snapshot_has_nsec3(const struct zone_snapshot *s)
{
	return s->root.trees[ZONE_TREE_NSEC3] && s->apex && zone_node_rrset(s->apex, DNS_TYPE_NSEC3PARAM);
}

struct zone_features zone_snapshot_features(const struct zone_snapshot *s)
{
	return s->root.features;
}

/* ---- searching ---- */

void zone_search(const struct zone_snapshot *s, const uint8_t *name, struct zone_match *ret_match)
{
	zone_trie_search(s->root.trees[ZONE_TREE_NAMES], name, s->origin_labels, ret_match);
}

const struct zone_node *zone_find(const struct zone_snapshot *s, const uint8_t *name)
{
	return zone_trie_find(s->root.trees[ZONE_TREE_NAMES], name);
}

const struct zone_node *zone_find_before(const struct zone_snapshot *s, const uint8_t *name)
{
	return zone_trie_before(s->root.trees[ZONE_TREE_NAMES], name);
}

/* The owner name of a hash (RFC 5155 3): its base32hex form as a label in front of the origin. */
static bool nsec3_name(const uint8_t *origin, const uint8_t *hash, size_t hash_len, uint8_t name[DNS_NAME_MAX])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	size_t label_len = (hash_len * 8 + 4) / 5;
	size_t origin_len = wire_name_len(origin);
	if (label_len == 0 || label_len > DNS_LABEL_MAX || 1 + label_len + origin_len > DNS_NAME_MAX) {
		return false;
	}
	name[0] = (uint8_t)label_len;
	for (size_t i = 0; i < label_len; i++) {
		size_t byte = i * 5 / 8;
		unsigned pair = (unsigned)hash[byte] << 8 | (byte + 1 < hash_len ? hash[byte + 1] : 0u);
		name[1 + i] = (uint8_t)digits[pair >> (11 - i * 5 % 8) & 31];
	}
	memcpy(name + 1 + label_len, origin, origin_len);
	return true;
}

const struct zone_node *zone_find_nsec3(const struct zone_snapshot *s, const uint8_t *hash, size_t hash_len,
                                        bool *ret_exact)
{
	uint8_t name[DNS_NAME_MAX];
	zone_slot tree = s->root.trees[ZONE_TREE_NSEC3];
	*ret_exact = false;
	if (!tree || !nsec3_name(s->origin, hash, hash_len, name)) {
		return NULL;
	}
	const struct zone_node *node = zone_trie_before(tree, name);
	if (!node) {
		return zone_trie_last(tree);
	}
	*ret_exact = wire_name_equal(zone_node_name(node), name);
	return node;
}

struct zone_iterator *zone_iterate(const struct zone_snapshot *s, const uint8_t *top)
{
	struct zone_iterator *i = mem_alloc(sizeof(*i));
	if (!i) {
		return NULL;
	}
	zone_slot names = s->root.trees[ZONE_TREE_NAMES];
	i->snapshot = s;
	i->nsec3_left = top == NULL;
	zone_walk_init(&i->walk, top ? zone_trie_subtree(names, top) : names);
	return i;
}

const struct zone_node *zone_iterator_next(struct zone_iterator *i)
{
	const struct zone_node *node = zone_walk_next(&i->walk);
	if (!node && i->nsec3_left) {
		i->nsec3_left = false;
		zone_walk_init(&i->walk, i->snapshot->root.trees[ZONE_TREE_NSEC3]);
		node = zone_walk_next(&i->walk);
	}
	return node;
}

void zone_iterator_free(struct zone_iterator *i)
{
	mem_free(i);
}

/* ---- zones ---- */

struct zone *zone_new(const uint8_t *origin)
{
	static const struct zone_root empty;
	struct zone *z = mem_calloc(1, sizeof(*z));
	if (!z) {
		return NULL;
	}
	wire_name_set(&z->origin, origin);
	z->newest = zone_snapshot_new(z, 1, &empty);
	if (!z->newest) {
		mem_free(z);
		return NULL;
	}
	z->oldest = z->newest;
	return z;
}

/* Free the oldest version's own memory: what no newer one holds. */
static void drop_oldest(struct zone *z)
{
	struct zone_snapshot *s = z->oldest;
	z->oldest = s->newer;
	zone_heap_sweep(&z->heap, s->garbage, s->garbage_count);
	mem_free(s);
}

void zone_free(struct zone *z)
{
	if (!z) {
		return;
	}
	zone_txn_abort(z->txn);
	while (z->oldest != z->newest) {
		drop_oldest(z);
	}
	for (size_t i = 0; i < ZONE_TREES; i++) {
		zone_trie_free(&z->heap, z->newest->root.trees[i]);
	}
	mem_free(z->newest);
	mem_free(z->heap.garbage);
	mem_free(z);
}

const uint8_t *zone_origin(const struct zone *z)
{
	return z->origin.data;
}

struct zone_snapshot *zone_current(struct zone *z)
{
	return zone_snapshot_ref(z->newest);
}

void zone_collect(struct zone *z)
{
	/* An older version may hold what a newer one dropped, so they go in order. */
	while (z->oldest != z->newest && atomic_load_explicit(&z->oldest->refs, memory_order_acquire) == 0) {
		drop_oldest(z);
	}
}

size_t zone_memory(const struct zone *z)
{
	size_t bytes = sizeof(*z) + z->heap.memory + z->heap.garbage_cap * sizeof(uintptr_t);
	for (const struct zone_snapshot *s = z->oldest; s; s = s->newer) {
		bytes += sizeof(*s) + s->garbage_count * sizeof(uintptr_t);
	}
	return bytes;
}
