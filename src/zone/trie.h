/*
 * The trie: owner names in canonical order, copy on write (private to zone/).
 *
 * It is a popcount-compressed radix tree ("qp-trie") over wire_name_key(). A
 * key is read as a string of symbols, three for each byte: its class (the bytes
 * common in names have a class of their own), its upper and its lower four bits;
 * behind its end it goes on with zero bytes, which makes no key a prefix of
 * another. A branch tests the symbol at one position and has a twig for each
 * symbol that occurs there, in order; positions at which all keys below agree
 * have no branch.
 *
 * A slot is a tagged pointer to a branch or to a node. The FRESH tag says: made
 * by the transaction that made the block holding this slot. The writer follows
 * FRESH tags from the root, which starts a transaction without one, so a slot is
 * known to be its own (changeable in place) exactly if all tags on the way are
 * set; in a published version the tags mean nothing and no one has to clear them.
 */
#ifndef ZONE_TRIE_H
#define ZONE_TRIE_H

#include "zone/heap.h"
#include "zone/store.h"

/* Slots; and RRset pointers in nodes, which have the FRESH tag only. */
enum { ZONE_SLOT_LEAF = 1, ZONE_SLOT_FRESH = 2, ZONE_SLOT_TAGS = 3 };
typedef uintptr_t zone_slot; /* 0: an empty tree */

struct zone_key {
	size_t len;
	uint8_t bytes[WIRE_NAME_KEY_MAX];
};
void zone_key_set(struct zone_key *key, const uint8_t *name);

/* ---- nodes ---- */

struct zone_node {
	uint16_t rrset_count;
	uint8_t name_len;
	zone_slot rrsets[]; /* ascending by type; the name follows */
};

/* Index of the RRset of a type, or of the place where it belongs (then *ret_found is false). */
size_t zone_node_locate(const struct zone_node *node, uint16_t type, bool *ret_found);
/* A node with one RRset, tagged fresh. NULL when memory ends. */
struct zone_node *zone_node_make(struct zone_heap *heap, const uint8_t *name, const struct zone_rrset *set);
/* A copy; RRsets keep their FRESH tags if `keep_tags`. NULL when memory ends. */
struct zone_node *zone_node_copy(struct zone_heap *heap, const struct zone_node *node, bool keep_tags);
/* A copy (tags kept) with a fresh RRset more at `at` / without the one at `at`. NULL when memory ends. */
struct zone_node *zone_node_with(struct zone_heap *heap, const struct zone_node *node, size_t at,
                                 const struct zone_rrset *set);
struct zone_node *zone_node_without(struct zone_heap *heap, const struct zone_node *node, size_t at);
/* Free the node alone. */
void zone_node_free(struct zone_heap *heap, struct zone_node *node);

/* ---- reading ---- */

struct zone_branch;
void zone_branch_free(struct zone_heap *heap, struct zone_branch *branch);

const struct zone_node *zone_trie_find(zone_slot root, const uint8_t *name);
/* The same with the key of the name, for who has it. */
const struct zone_node *zone_trie_find_key(zone_slot root, const struct zone_key *key, const uint8_t *name);
/* Fills all of *ret_match; `origin_labels` is what is sure to exist. */
void zone_trie_search(zone_slot root, const uint8_t *name, unsigned origin_labels, struct zone_match *ret_match);
/* Last node at or before the name, or NULL. */
const struct zone_node *zone_trie_before(zone_slot root, const uint8_t *name);
/* Last node of all, or NULL. */
const struct zone_node *zone_trie_last(zone_slot root);
/* The slot under which all nodes at or under `top` are, and no others; 0 if there are none. */
zone_slot zone_trie_subtree(zone_slot root, const uint8_t *top);

/* An ordered walk that can pass over whole subtrees. Its front is the slot that is next. */
enum { ZONE_TRIE_DEPTH_MAX = 3 * WIRE_NAME_KEY_MAX };
struct zone_walk {
	zone_slot root;
	size_t depth;
	uint8_t at[ZONE_TRIE_DEPTH_MAX];
	const struct zone_branch *branches[ZONE_TRIE_DEPTH_MAX];
};
void zone_walk_init(struct zone_walk *w, zone_slot root);
zone_slot zone_walk_front(const struct zone_walk *w); /* 0 at the end */
/* Go into the branch at the front: its first twig is the front then. */
void zone_walk_enter(struct zone_walk *w);
/* Pass over the front. */
void zone_walk_skip(struct zone_walk *w);
/* Pass over the next node; NULL at the end. */
const struct zone_node *zone_walk_next(struct zone_walk *w);

static inline bool zone_slot_is_leaf(zone_slot slot)
{
	return slot & ZONE_SLOT_LEAF;
}

static inline struct zone_node *zone_slot_node(zone_slot slot)
{
	return (struct zone_node *)(slot & ~(zone_slot)ZONE_SLOT_TAGS);
}

/* Position of the symbol that the branch in this slot tests: smaller ones are nearer to the root. */
unsigned zone_slot_position(zone_slot slot);

/* ---- writing; 0 or ERR_NOMEM, after which only zone_trie_abort() is allowed ---- */

/* Make the way to the leaf of a key, which is there, the writer's own. *ret_leaf is its slot, for changing. */
int zone_trie_own(struct zone_heap *heap, zone_slot *root, const struct zone_key *key, zone_slot **ret_leaf);
/* Put a fresh node whose key is not there. */
int zone_trie_insert(struct zone_heap *heap, zone_slot *root, const struct zone_key *key, const struct zone_node *node);
/* Take out the leaf of a key, which is there; the node remains the caller's. */
int zone_trie_remove(struct zone_heap *heap, zone_slot *root, const struct zone_key *key);
/* Free what is fresh: all that the transaction made. */
void zone_trie_abort(struct zone_heap *heap, zone_slot root);
/* Free the whole tree. */
void zone_trie_free(struct zone_heap *heap, zone_slot root);

#endif
