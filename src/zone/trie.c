#include "zone/trie.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "zone/rrset.h"

/* A branch: 48 bits of symbols that occur, 16 bits of position (4 * byte + stage), and a slot for each symbol. */
struct zone_branch {
	uint64_t bits : 48;
	uint64_t position : 16;
	zone_slot twigs[];
};

enum { CLASS_COUNT = 47 };
_Static_assert(CLASS_COUNT <= 48, "a branch has 48 bits");

enum stage { STAGE_CLASS, STAGE_UPPER, STAGE_LOWER, STAGES = 4 };

/*
 * Class of a byte, in the order of bytes. Of their own: 0, 1, space, '-', digits,
 * '_', '`', letters; upper case does not occur in keys.
 */
static const uint8_t class_of[256] = {
        /* clang-format off */
	0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 6,
	7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17, 17, 17, 17, 17,
	17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
	17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34,
	35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
	46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
        /* clang-format on */
};

void zone_key_set(struct zone_key *key, const uint8_t *name)
{
	key->len = wire_name_key(name, key->bytes);
}

static uint8_t key_byte(const struct zone_key *key, size_t i)
{
	return i < key->len ? key->bytes[i] : 0;
}

static unsigned key_symbol(const struct zone_key *key, unsigned position)
{
	uint8_t c = key_byte(key, position / STAGES);
	switch (position % STAGES) {
	case STAGE_CLASS:
		return class_of[c];
	case STAGE_UPPER:
		return c >> 4;
	default:
		return c & 15;
	}
}

/* First position at which two keys differ; false if they are equal. */
static bool keys_differ(const struct zone_key *a, const struct zone_key *b, unsigned *ret_position)
{
	size_t longer = a->len > b->len ? a->len : b->len;
	for (size_t i = 0; i < longer; i++) {
		uint8_t x = key_byte(a, i);
		uint8_t y = key_byte(b, i);
		if (x == y) {
			continue;
		}
		unsigned stage = class_of[x] != class_of[y] ? STAGE_CLASS
		                 : x >> 4 != y >> 4         ? STAGE_UPPER
		                                            : STAGE_LOWER;
		*ret_position = (unsigned)i * STAGES + stage;
		return true;
	}
	return false;
}

/* ---- slots and branches ---- */

static struct zone_branch *slot_branch(zone_slot slot)
{
	return (struct zone_branch *)(slot & ~(zone_slot)ZONE_SLOT_TAGS);
}

unsigned zone_slot_position(zone_slot slot)
{
	return slot_branch(slot)->position;
}

/* Without a processor's own instruction, which not all have, the builtin is a call that costs more than this. */
static inline unsigned count_bits(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555u;
	bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (unsigned)(bits * 0x0101010101010101u >> 56);
}

static unsigned branch_count(const struct zone_branch *b)
{
	return count_bits(b->bits);
}

static bool branch_has(const struct zone_branch *b, unsigned symbol)
{
	return b->bits >> symbol & 1;
}

/* Twigs with a smaller symbol: the index of the twig of `symbol`, if it has one. */
static unsigned branch_index(const struct zone_branch *b, unsigned symbol)
{
	return count_bits(b->bits & (((uint64_t)1 << symbol) - 1));
}

/* Bytes of a branch: room for an even number of twigs, as the allocator gives steps of 16. */
static size_t branch_len(unsigned count)
{
	return sizeof(struct zone_branch) + (count + 1u) / 2 * 2 * sizeof(zone_slot);
}

void zone_branch_free(struct zone_heap *heap, struct zone_branch *branch)
{
	zone_heap_free(heap, branch, branch_len(branch_count(branch)));
}

/* ---- nodes ---- */

static size_t node_len(size_t rrset_count, size_t name_len)
{
	return sizeof(struct zone_node) + rrset_count * sizeof(zone_slot) + name_len;
}

static uint8_t *node_name(struct zone_node *node)
{
	return (uint8_t *)(node->rrsets + node->rrset_count);
}

const uint8_t *zone_node_name(const struct zone_node *node)
{
	return (const uint8_t *)(node->rrsets + node->rrset_count);
}

size_t zone_node_rrset_count(const struct zone_node *node)
{
	return node->rrset_count;
}

const struct zone_rrset *zone_node_rrset_at(const struct zone_node *node, size_t i)
{
	assert(i < node->rrset_count);
	return (const struct zone_rrset *)(node->rrsets[i] & ~(zone_slot)ZONE_SLOT_TAGS);
}

size_t zone_node_locate(const struct zone_node *node, uint16_t type, bool *ret_found)
{
	size_t low = 0, high = node->rrset_count;
	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		uint16_t here = zone_node_rrset_at(node, middle)->type;
		if (here == type) {
			*ret_found = true;
			return middle;
		}
		if (here < type) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

const struct zone_rrset *zone_node_rrset(const struct zone_node *node, uint16_t type)
{
	bool found;
	size_t i = zone_node_locate(node, type, &found);
	return found ? zone_node_rrset_at(node, i) : NULL;
}

static struct zone_node *new_node(struct zone_heap *heap, size_t rrset_count, const uint8_t *name, size_t name_len)
{
	struct zone_node *node = zone_heap_alloc(heap, node_len(rrset_count, name_len));
	if (node) {
		node->rrset_count = (uint16_t)rrset_count;
		node->name_len = (uint8_t)name_len;
		memcpy(node_name(node), name, name_len);
	}
	return node;
}

struct zone_node *zone_node_make(struct zone_heap *heap, const uint8_t *name, const struct zone_rrset *set)
{
	struct zone_node *node = new_node(heap, 1, name, wire_name_len(name));
	if (node) {
		node->rrsets[0] = (zone_slot)set | ZONE_SLOT_FRESH;
	}
	return node;
}

struct zone_node *zone_node_copy(struct zone_heap *heap, const struct zone_node *node, bool keep_tags)
{
	struct zone_node *copy = new_node(heap, node->rrset_count, zone_node_name(node), node->name_len);
	for (size_t i = 0; copy && i < node->rrset_count; i++) {
		copy->rrsets[i] = keep_tags ? node->rrsets[i] : node->rrsets[i] & ~(zone_slot)ZONE_SLOT_TAGS;
	}
	return copy;
}

struct zone_node *zone_node_with(struct zone_heap *heap, const struct zone_node *node, size_t at,
                                 const struct zone_rrset *set)
{
	size_t behind = node->rrset_count - at;
	struct zone_node *copy = new_node(heap, node->rrset_count + 1u, zone_node_name(node), node->name_len);
	if (copy) {
		memcpy(copy->rrsets, node->rrsets, at * sizeof(zone_slot));
		copy->rrsets[at] = (zone_slot)set | ZONE_SLOT_FRESH;
		memcpy(copy->rrsets + at + 1, node->rrsets + at, behind * sizeof(zone_slot));
	}
	return copy;
}

struct zone_node *zone_node_without(struct zone_heap *heap, const struct zone_node *node, size_t at)
{
	size_t behind = node->rrset_count - at - 1;
	struct zone_node *copy = new_node(heap, node->rrset_count - 1u, zone_node_name(node), node->name_len);
	if (copy) {
		memcpy(copy->rrsets, node->rrsets, at * sizeof(zone_slot));
		memcpy(copy->rrsets + at, node->rrsets + at + 1, behind * sizeof(zone_slot));
	}
	return copy;
}

void zone_node_free(struct zone_heap *heap, struct zone_node *node)
{
	zone_heap_free(heap, node, node_len(node->rrset_count, node->name_len));
}

/* ---- reading ---- */

/*
 * A leaf whose key has no shorter beginning in common with `key` than any other
 * leaf's: at each branch the way of the key, or any where the key has none.
 */
static const struct zone_node *closest(zone_slot slot, const struct zone_key *key)
{
	while (!zone_slot_is_leaf(slot)) {
		const struct zone_branch *b = slot_branch(slot);
		unsigned symbol = key_symbol(key, b->position);
		slot = b->twigs[branch_has(b, symbol) ? branch_index(b, symbol) : 0];
	}
	return zone_slot_node(slot);
}

static zone_slot first_leaf(zone_slot slot)
{
	while (!zone_slot_is_leaf(slot)) {
		slot = slot_branch(slot)->twigs[0];
	}
	return slot;
}

const struct zone_node *zone_trie_last(zone_slot root)
{
	if (!root) {
		return NULL;
	}
	while (!zone_slot_is_leaf(root)) {
		const struct zone_branch *b = slot_branch(root);
		root = b->twigs[branch_count(b) - 1];
	}
	return zone_slot_node(root);
}

const struct zone_node *zone_trie_find_key(zone_slot root, const struct zone_key *key, const uint8_t *name)
{
	const struct zone_node *node = root ? closest(root, key) : NULL;
	return node && wire_name_equal(zone_node_name(node), name) ? node : NULL;
}

const struct zone_node *zone_trie_find(zone_slot root, const uint8_t *name)
{
	struct zone_key key;
	zone_key_set(&key, name);
	return zone_trie_find_key(root, &key, name);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool same_label(const uint8_t *a, const uint8_t *b)
{
	bool same = a[0] == b[0];
	for (size_t i = 1; same && i <= a[0]; i++) {
		same = lower(a[i]) == lower(b[i]);
	}
	return same;
}

/* Labels that two names have in common, counted from the root. */
static unsigned common_labels(const uint8_t *a, unsigned a_labels, const uint8_t *b, unsigned b_labels)
{
	unsigned left = a_labels < b_labels ? a_labels : b_labels;
	unsigned common = left;
	a = wire_name_strip(a, a_labels - left);
	b = wire_name_strip(b, b_labels - left);
	for (; left > 0; left--) {
		if (!same_label(a, b)) {
			common = left - 1;
		}
		a += 1u + a[0];
		b += 1u + b[0];
	}
	return common;
}

/* Labels that end before byte `end` of the key. */
static unsigned count_labels(const struct zone_key *key, size_t start, size_t end)
{
	unsigned labels = 0;
	for (size_t i = start; i < end; i++) {
		labels += key->bytes[i] == 0;
	}
	return labels;
}

void zone_trie_search(zone_slot root, const uint8_t *name, unsigned origin_labels, struct zone_match *ret_match)
{
	struct zone_key key;
	unsigned labels = 0; /* of the key, up to byte `seen` */
	size_t seen = 0;
	unsigned depths[128];

	ret_match->node = NULL;
	ret_match->exists = false;
	ret_match->encloser_labels = origin_labels;
	ret_match->ancestor_count = 0;
	if (!root) {
		return;
	}
	zone_key_set(&key, name);
	zone_slot slot = root;
	while (!zone_slot_is_leaf(slot)) {
		const struct zone_branch *b = slot_branch(slot);
		unsigned symbol = key_symbol(&key, b->position);
		size_t byte = b->position / STAGES;
		/* Where a label begins, the twig of byte 0 is the key that ends here: an ancestor's. */
		if (b->position % STAGES == STAGE_CLASS && symbol != 0 && branch_has(b, 0) &&
		    (byte == 0 || key.bytes[byte - 1] == 0) && zone_slot_is_leaf(b->twigs[0])) {
			labels += count_labels(&key, seen, byte);
			seen = byte;
			depths[ret_match->ancestor_count] = labels;
			ret_match->ancestors[ret_match->ancestor_count++] = zone_slot_node(b->twigs[0]);
		}
		slot = b->twigs[branch_has(b, symbol) ? branch_index(b, symbol) : 0];
	}
	const struct zone_node *leaf = zone_slot_node(slot);
	unsigned name_labels = wire_name_labels(name);
	unsigned leaf_labels = wire_name_labels(zone_node_name(leaf));
	unsigned common = common_labels(name, name_labels, zone_node_name(leaf), leaf_labels);

	/* The way was found without looking at all of the key: what is below a difference is no ancestor. */
	while (ret_match->ancestor_count > 0 && depths[ret_match->ancestor_count - 1] > common) {
		ret_match->ancestor_count--;
	}
	ret_match->encloser_labels = common > origin_labels ? common : origin_labels;
	ret_match->exists = common == name_labels;
	if (leaf_labels != common) {
		return;
	}
	if (common == name_labels) {
		ret_match->node = leaf;
	} else if (ret_match->ancestor_count == 0 || ret_match->ancestors[ret_match->ancestor_count - 1] != leaf) {
		ret_match->ancestors[ret_match->ancestor_count++] = leaf;
	}
}

const struct zone_node *zone_trie_before(zone_slot root, const uint8_t *name)
{
	struct zone_key key, near_key;
	unsigned differ;
	if (!root) {
		return NULL;
	}
	zone_key_set(&key, name);
	const struct zone_node *near = closest(root, &key);
	zone_key_set(&near_key, zone_node_name(near));
	if (!keys_differ(&key, &near_key, &differ)) {
		return near;
	}
	/* Down to where the key would branch off; `left` is the nearest subtree before the way. */
	zone_slot left = 0;
	zone_slot slot = root;
	while (!zone_slot_is_leaf(slot) && slot_branch(slot)->position <= differ) {
		const struct zone_branch *b = slot_branch(slot);
		unsigned symbol = key_symbol(&key, b->position);
		unsigned index = branch_index(b, symbol);
		left = index > 0 ? b->twigs[index - 1] : left;
		if (b->position == differ) {
			return zone_trie_last(left);
		}
		slot = b->twigs[index];
	}
	/* All keys below agree with the near one at the difference. */
	return zone_trie_last(key_symbol(&near_key, differ) < key_symbol(&key, differ) ? slot : left);
}

zone_slot zone_trie_subtree(zone_slot root, const uint8_t *top)
{
	struct zone_key key;
	if (!root) {
		return 0;
	}
	zone_key_set(&key, top);
	zone_slot slot = root;
	while (!zone_slot_is_leaf(slot) && slot_branch(slot)->position < key.len * STAGES) {
		const struct zone_branch *b = slot_branch(slot);
		unsigned symbol = key_symbol(&key, b->position);
		if (!branch_has(b, symbol)) {
			return 0;
		}
		slot = b->twigs[branch_index(b, symbol)];
	}
	return wire_name_is_under(zone_node_name(zone_slot_node(first_leaf(slot))), top) ? slot : 0;
}

void zone_walk_init(struct zone_walk *w, zone_slot root)
{
	w->root = root;
	w->depth = 0;
}

zone_slot zone_walk_front(const struct zone_walk *w)
{
	return w->depth == 0 ? w->root : w->branches[w->depth - 1]->twigs[w->at[w->depth - 1]];
}

void zone_walk_enter(struct zone_walk *w)
{
	const struct zone_branch *b = slot_branch(zone_walk_front(w));
	assert(w->depth < ZONE_TRIE_DEPTH_MAX);
	w->branches[w->depth] = b;
	w->at[w->depth++] = 0;
}

void zone_walk_skip(struct zone_walk *w)
{
	for (; w->depth > 0; w->depth--) {
		if (++w->at[w->depth - 1] < branch_count(w->branches[w->depth - 1])) {
			return;
		}
	}
	w->root = 0;
}

const struct zone_node *zone_walk_next(struct zone_walk *w)
{
	zone_slot slot = zone_walk_front(w);
	if (!slot) {
		return NULL;
	}
	while (!zone_slot_is_leaf(slot)) {
		zone_walk_enter(w);
		slot = zone_walk_front(w);
	}
	zone_walk_skip(w);
	return zone_slot_node(slot);
}

/* ---- writing ---- */

/* Make the branch in a slot of the writer's own the writer's, too. */
static int own_branch(struct zone_heap *heap, zone_slot *slot)
{
	if (*slot & ZONE_SLOT_FRESH) {
		return 0;
	}
	const struct zone_branch *b = slot_branch(*slot);
	unsigned count = branch_count(b);
	int err = zone_heap_discard(heap, ZONE_GARBAGE_BRANCH, b);
	struct zone_branch *copy = err ? NULL : zone_heap_alloc(heap, branch_len(count));
	if (!copy) {
		return ERR_NOMEM;
	}
	copy->bits = b->bits;
	copy->position = b->position;
	for (unsigned i = 0; i < count; i++) {
		copy->twigs[i] = b->twigs[i] & ~(zone_slot)ZONE_SLOT_FRESH;
	}
	*slot = (zone_slot)copy | ZONE_SLOT_FRESH;
	return 0;
}

int zone_trie_own(struct zone_heap *heap, zone_slot *root, const struct zone_key *key, zone_slot **ret_leaf)
{
	zone_slot *slot = root;
	while (!zone_slot_is_leaf(*slot)) {
		if (own_branch(heap, slot)) {
			return ERR_NOMEM;
		}
		struct zone_branch *b = slot_branch(*slot);
		slot = &b->twigs[branch_index(b, key_symbol(key, b->position))];
	}
	*ret_leaf = slot;
	return 0;
}

/* Put a twig more into an own branch. */
static int add_twig(struct zone_heap *heap, zone_slot *slot, unsigned symbol, zone_slot twig)
{
	struct zone_branch *b = slot_branch(*slot);
	unsigned count = branch_count(b);
	unsigned index = branch_index(b, symbol);
	if (branch_len(count) != branch_len(count + 1)) {
		b = zone_heap_realloc(heap, b, branch_len(count), branch_len(count + 1));
		if (!b) {
			return ERR_NOMEM;
		}
		*slot = (zone_slot)b | ZONE_SLOT_FRESH;
	}
	memmove(b->twigs + index + 1, b->twigs + index, (count - index) * sizeof(zone_slot));
	b->twigs[index] = twig;
	b->bits |= (uint64_t)1 << symbol;
	return 0;
}

/* Put a branch of two twigs in a slot: what is there and a new one. */
static int split_slot(struct zone_heap *heap, zone_slot *slot, unsigned position, unsigned old_symbol,
                      unsigned new_symbol, zone_slot twig)
{
	struct zone_branch *b = zone_heap_alloc(heap, branch_len(2));
	if (!b) {
		return ERR_NOMEM;
	}
	b->bits = (uint64_t)1 << old_symbol | (uint64_t)1 << new_symbol;
	b->position = position;
	b->twigs[old_symbol > new_symbol] = *slot;
	b->twigs[new_symbol > old_symbol] = twig;
	*slot = (zone_slot)b | ZONE_SLOT_FRESH;
	return 0;
}

int zone_trie_insert(struct zone_heap *heap, zone_slot *root, const struct zone_key *key, const struct zone_node *node)
{
	zone_slot twig = (zone_slot)node | ZONE_SLOT_LEAF | ZONE_SLOT_FRESH;
	struct zone_key near_key;
	unsigned differ = 0;
	if (!*root) {
		*root = twig;
		return 0;
	}
	zone_key_set(&near_key, zone_node_name(closest(*root, key)));
	bool differs = keys_differ(key, &near_key, &differ);
	assert(differs);
	(void)differs;

	zone_slot *slot = root;
	while (!zone_slot_is_leaf(*slot) && slot_branch(*slot)->position <= differ) {
		if (own_branch(heap, slot)) {
			return ERR_NOMEM;
		}
		struct zone_branch *b = slot_branch(*slot);
		if (b->position == differ) {
			return add_twig(heap, slot, key_symbol(key, differ), twig);
		}
		slot = &b->twigs[branch_index(b, key_symbol(key, b->position))];
	}
	return split_slot(heap, slot, differ, key_symbol(&near_key, differ), key_symbol(key, differ), twig);
}

int zone_trie_remove(struct zone_heap *heap, zone_slot *root, const struct zone_key *key)
{
	zone_slot *parent = NULL;
	zone_slot *slot = root;
	while (!zone_slot_is_leaf(*slot)) {
		if (own_branch(heap, slot)) {
			return ERR_NOMEM;
		}
		struct zone_branch *b = slot_branch(*slot);
		parent = slot;
		slot = &b->twigs[branch_index(b, key_symbol(key, b->position))];
	}
	if (!parent) {
		*root = 0;
		return 0;
	}
	struct zone_branch *b = slot_branch(*parent);
	unsigned symbol = key_symbol(key, b->position);
	unsigned index = branch_index(b, symbol);
	unsigned count = branch_count(b);
	if (count == 2) {
		*parent = b->twigs[1 - index];
		zone_branch_free(heap, b);
		return 0;
	}
	memmove(b->twigs + index, b->twigs + index + 1, (count - index - 1) * sizeof(zone_slot));
	b->bits &= ~((uint64_t)1 << symbol);
	if (branch_len(count) != branch_len(count - 1)) {
		b = zone_heap_shrink(heap, b, branch_len(count), branch_len(count - 1));
		*parent = (zone_slot)b | ZONE_SLOT_FRESH;
	}
	return 0;
}

static void free_node(struct zone_heap *heap, struct zone_node *node, bool all)
{
	for (size_t i = 0; i < node->rrset_count; i++) {
		if (all || node->rrsets[i] & ZONE_SLOT_FRESH) {
			zone_rrset_free(heap, (struct zone_rrset *)(node->rrsets[i] & ~(zone_slot)ZONE_SLOT_TAGS));
		}
	}
	zone_node_free(heap, node);
}

/* Recursion is as deep as the trie, at most ZONE_TRIE_DEPTH_MAX small frames. */
static void free_slot(struct zone_heap *heap, zone_slot slot, bool all)
{
	if (!slot || !(all || slot & ZONE_SLOT_FRESH)) {
		return;
	}
	if (zone_slot_is_leaf(slot)) {
		free_node(heap, zone_slot_node(slot), all);
		return;
	}
	struct zone_branch *b = slot_branch(slot);
	for (unsigned i = 0, count = branch_count(b); i < count; i++) {
		free_slot(heap, b->twigs[i], all);
	}
	zone_branch_free(heap, b);
}

void zone_trie_abort(struct zone_heap *heap, zone_slot root)
{
	free_slot(heap, root, false);
}

void zone_trie_free(struct zone_heap *heap, zone_slot root)
{
	free_slot(heap, root, true);
}
