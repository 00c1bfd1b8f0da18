#include <assert.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "zone/version.h"

struct zone_txn {
	struct zone *zone;
	struct zone_root root;
	struct zone_rrset_index index;
	bool changed;
	bool failed; /* memory ended: what is built may be half done */
};

/* One name in one tree, as the functions below pass it on. */
struct place {
	enum zone_tree tree;
	struct wire_name owner; /* a copy: the caller's may be in a node that goes */
	struct zone_key key;
	const struct zone_node *node; /* NULL: no records */
};

static const struct zone_rrset *slot_rrset(zone_slot slot)
{
	return (const struct zone_rrset *)(slot & ~(zone_slot)ZONE_SLOT_TAGS);
}

static int fail(struct zone_txn *t)
{
	t->failed = true;
	return ERR_NOMEM;
}

/* ---- beginning and end ---- */

struct zone_txn *zone_txn_new(struct zone *z)
{
	struct zone_txn *t = z->txn ? NULL : mem_calloc(1, sizeof(*t));
	if (!t) {
		return NULL;
	}
	t->zone = z;
	t->root = z->newest->root;
	for (size_t i = 0; i < ZONE_TREES; i++) {
		t->root.trees[i] &= ~(zone_slot)ZONE_SLOT_FRESH;
	}
	z->txn = t;
	return t;
}

static void end_txn(struct zone_txn *t)
{
	zone_rrset_index_done(&t->index);
	t->zone->txn = NULL;
	mem_free(t);
}

void zone_txn_abort(struct zone_txn *t)
{
	if (!t) {
		return;
	}
	for (size_t i = 0; i < ZONE_TREES; i++) {
		zone_trie_abort(&t->zone->heap, t->root.trees[i]);
	}
	/* What was taken out is still in the newest version. */
	t->zone->heap.garbage_count = 0;
	end_txn(t);
}

/* Make `next` the newest version; takes the reference of the caller. */
static void publish(struct zone_txn *t, struct zone_snapshot *next)
{
	struct zone *z = t->zone;
	struct zone_snapshot *before = z->newest;
	before->garbage = z->heap.garbage;
	before->garbage_count = z->heap.garbage_count;
	before->newer = next;
	z->heap.garbage = NULL;
	z->heap.garbage_count = 0;
	z->heap.garbage_cap = 0;
	z->newest = next;
	end_txn(t);
	zone_snapshot_unref(before);
	zone_collect(z);
}

int zone_txn_commit(struct zone_txn *t, struct zone_changeset **ret_changeset)
{
	struct zone_snapshot *before = t->zone->newest;
	struct zone_snapshot *next = NULL;
	struct zone_changeset *changeset = NULL;
	struct zone_change *changes = NULL;
	size_t count = 0;
	int err = t->failed ? ERR_NOMEM : zone_diff(&before->root, &t->root, &changes, &count);

	if (!err && count > 0) {
		next = zone_snapshot_new(t->zone, before->version + 1, &t->root);
		err = next ? 0 : ERR_NOMEM;
	}
	if (next && ret_changeset) {
		changeset = zone_changeset_new(before, next, changes, count);
		err = changeset ? 0 : ERR_NOMEM;
	}
	if (!changeset) {
		mem_free(changes);
	}
	if (err || !next) {
		mem_free(next);
		zone_txn_abort(t);
	} else {
		publish(t, next);
	}
	if (!err && ret_changeset) {
		*ret_changeset = changeset;
	}
	return err;
}

int zone_txn_commit_load(struct zone_txn *t)
{
	if (t->failed || !t->changed) {
		int err = t->failed ? ERR_NOMEM : 0;
		zone_txn_abort(t);
		return err;
	}
	struct zone_snapshot *next = zone_snapshot_new(t->zone, t->zone->newest->version + 1, &t->root);
	if (!next) {
		zone_txn_abort(t);
		return ERR_NOMEM;
	}
	publish(t, next);
	return 0;
}

/* ---- reading ---- */

const uint8_t *zone_txn_origin(const struct zone_txn *t)
{
	return t->zone->origin.data;
}

bool zone_txn_changed(const struct zone_txn *t)
{
	return t->changed;
}

const struct zone_node *zone_txn_find(struct zone_txn *t, const uint8_t *owner)
{
	return zone_trie_find(t->root.trees[ZONE_TREE_NAMES], owner);
}

static const struct zone_rrset *rrset_in(const struct zone_txn *t, enum zone_tree tree, const uint8_t *owner,
                                         uint16_t type)
{
	const struct zone_node *node = zone_trie_find(t->root.trees[tree], owner);
	return node ? zone_node_rrset(node, type) : NULL;
}

const struct zone_rrset *zone_txn_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type)
{
	const struct zone_rrset *set = rrset_in(t, ZONE_TREE_NAMES, owner, type);
	return set || (type != DNS_TYPE_NSEC3 && type != DNS_TYPE_RRSIG) ? set
	                                                                 : rrset_in(t, ZONE_TREE_NSEC3, owner, type);
}

static void find_place(const struct zone_txn *t, enum zone_tree tree, const uint8_t *owner, struct place *ret_place)
{
	ret_place->tree = tree;
	wire_name_set(&ret_place->owner, owner);
	zone_key_set(&ret_place->key, owner);
	ret_place->node = zone_trie_find_key(t->root.trees[tree], &ret_place->key, owner);
}

/* ---- counting ---- */

static void count_rrset(struct zone_txn *t, const struct place *p, uint16_t type, long change)
{
	if (p->tree != ZONE_TREE_NAMES) {
		return;
	}
	if (type == DNS_TYPE_DNAME) {
		t->root.features.dname_count += (size_t)change;
	}
	if (type == DNS_TYPE_NS && !wire_name_equal(p->owner.data, t->zone->origin.data)) {
		t->root.features.cut_count += (size_t)change;
	}
}

static void count_node(struct zone_txn *t, const struct place *p, long change)
{
	t->root.node_count += (size_t)change;
	if (p->tree == ZONE_TREE_NAMES && wire_name_is_wildcard(p->owner.data)) {
		t->root.features.wildcard_count += (size_t)change;
	}
}

/* ---- writing ---- */

/* The transaction has no more use for a node or an RRset: free it if it is its own, else it is garbage. */
static int drop_rrset(struct zone_txn *t, zone_slot slot)
{
	struct zone_rrset *set = (struct zone_rrset *)slot_rrset(slot);
	if (!(slot & ZONE_SLOT_FRESH)) {
		return zone_heap_discard(&t->zone->heap, ZONE_GARBAGE_RRSET, set);
	}
	if (t->index.set == set) {
		t->index.set = NULL;
	}
	zone_rrset_free(&t->zone->heap, set);
	return 0;
}

/* Make the node of a place, which has one, the transaction's own. *ret_slot is the slot that holds it. */
static int own_node(struct zone_txn *t, const struct place *p, zone_slot **ret_slot)
{
	struct zone_heap *heap = &t->zone->heap;
	zone_slot *slot;
	if (zone_trie_own(heap, &t->root.trees[p->tree], &p->key, &slot)) {
		return ERR_NOMEM;
	}
	if (!(*slot & ZONE_SLOT_FRESH)) {
		int err = zone_heap_discard(heap, ZONE_GARBAGE_NODE, zone_slot_node(*slot));
		struct zone_node *copy = err ? NULL : zone_node_copy(heap, zone_slot_node(*slot), false);
		if (!copy) {
			return ERR_NOMEM;
		}
		*slot = (zone_slot)copy | ZONE_SLOT_LEAF | ZONE_SLOT_FRESH;
	}
	*ret_slot = slot;
	return 0;
}

/* A node for a place that has none. Takes `set` over in any case. */
static int link_node(struct zone_txn *t, const struct place *p, struct zone_rrset *set)
{
	struct zone_heap *heap = &t->zone->heap;
	struct zone_node *node = zone_node_make(heap, p->owner.data, set);
	if (!node || zone_trie_insert(heap, &t->root.trees[p->tree], &p->key, node)) {
		if (node) {
			zone_node_free(heap, node);
		}
		zone_rrset_free(heap, set);
		return fail(t);
	}
	count_node(t, p, 1);
	return 0;
}

/* Put a fresh RRset in a node of the transaction's own, at `at`, where there is none of its type. */
static int insert_rrset(struct zone_txn *t, zone_slot *slot, size_t at, const struct zone_rrset *set)
{
	struct zone_node *node = zone_slot_node(*slot);
	struct zone_node *larger = zone_node_with(&t->zone->heap, node, at, set);
	if (!larger) {
		return ERR_NOMEM;
	}
	*slot = (zone_slot)larger | ZONE_SLOT_LEAF | ZONE_SLOT_FRESH;
	zone_node_free(&t->zone->heap, node);
	return 0;
}

/* Put an RRset made by the transaction in the place of what is there. Takes it over in any case. */
static int link_rrset(struct zone_txn *t, const struct place *p, struct zone_rrset *set)
{
	zone_slot *slot;
	bool found = false;
	size_t before = 0;
	size_t count = set->count;
	uint16_t type = set->type;
	int err;

	if (!p->node) {
		err = link_node(t, p, set);
	} else {
		size_t at = zone_node_locate(p->node, type, &found);
		err = own_node(t, p, &slot);
		if (!err && found) {
			zone_slot old = zone_slot_node(*slot)->rrsets[at];
			before = slot_rrset(old)->count;
			err = drop_rrset(t, old);
			if (!err) {
				zone_slot_node(*slot)->rrsets[at] = (zone_slot)set | ZONE_SLOT_FRESH;
			}
		} else if (!err) {
			err = insert_rrset(t, slot, at, set);
		}
		if (err) {
			zone_rrset_free(&t->zone->heap, set);
			return fail(t);
		}
	}
	if (err) {
		return err;
	}
	t->changed = true;
	t->root.record_count += count - before;
	if (!found) {
		count_rrset(t, p, type, 1);
	}
	return 0;
}

/* Take out a node with all that it has. */
static int unlink_node(struct zone_txn *t, const struct place *p)
{
	struct zone_heap *heap = &t->zone->heap;
	zone_slot *slot;
	if (zone_trie_own(heap, &t->root.trees[p->tree], &p->key, &slot)) {
		return fail(t);
	}
	/* What cannot be freed at once goes first, as that may fail. */
	bool fresh = *slot & ZONE_SLOT_FRESH;
	struct zone_node *node = zone_slot_node(*slot);
	int err = fresh ? 0 : zone_heap_discard(heap, ZONE_GARBAGE_NODE, node);
	for (size_t i = 0; !err && i < node->rrset_count; i++) {
		bool owned = fresh && node->rrsets[i] & ZONE_SLOT_FRESH;
		err = owned ? 0 : zone_heap_discard(heap, ZONE_GARBAGE_RRSET, zone_node_rrset_at(node, i));
	}
	if (err || zone_trie_remove(heap, &t->root.trees[p->tree], &p->key)) {
		return fail(t);
	}
	for (size_t i = 0; i < node->rrset_count; i++) {
		const struct zone_rrset *set = zone_node_rrset_at(node, i);
		t->root.record_count -= set->count;
		count_rrset(t, p, set->type, -1);
		if (fresh && node->rrsets[i] & ZONE_SLOT_FRESH) {
			drop_rrset(t, node->rrsets[i]);
		}
	}
	if (fresh) {
		zone_node_free(heap, node);
	}
	count_node(t, p, -1);
	t->changed = true;
	return 0;
}

/* Take out the RRset of a type, if there is one. */
static int unlink_rrset(struct zone_txn *t, const struct place *p, uint16_t type)
{
	bool found = false;
	size_t at = p->node ? zone_node_locate(p->node, type, &found) : 0;
	if (!found) {
		return 0;
	}
	if (p->node->rrset_count == 1) {
		return unlink_node(t, p);
	}
	zone_slot *slot;
	if (own_node(t, p, &slot)) {
		return fail(t);
	}
	struct zone_node *node = zone_slot_node(*slot);
	zone_slot old = node->rrsets[at];
	size_t count = slot_rrset(old)->count;
	struct zone_node *smaller = zone_node_without(&t->zone->heap, node, at);
	if (!smaller) {
		return fail(t);
	}
	*slot = (zone_slot)smaller | ZONE_SLOT_LEAF | ZONE_SLOT_FRESH;
	zone_node_free(&t->zone->heap, node);
	t->root.record_count -= count;
	count_rrset(t, p, type, -1);
	t->changed = true;
	return drop_rrset(t, old) ? fail(t) : 0;
}

/* What to do to one RRset that is there. */
struct edit {
	uint32_t ttl;
	const struct zone_rrset_spot *spot; /* NULL: only the TTL changes */
	const uint8_t *rdata;               /* NULL: the record at the spot goes */
	size_t len;
};

static int edit_rrset(struct zone_txn *t, const struct place *p, size_t at, const struct edit *edit)
{
	struct zone_heap *heap = &t->zone->heap;
	zone_slot *slot;
	if (own_node(t, p, &slot)) {
		return fail(t);
	}
	zone_slot *place = &zone_slot_node(*slot)->rrsets[at];
	const struct zone_rrset *set = slot_rrset(*place);
	bool owned = *place & ZONE_SLOT_FRESH;
	uint16_t before = set->count;
	struct zone_rrset *edited = (struct zone_rrset *)set;

	if (!owned && zone_heap_discard(heap, ZONE_GARBAGE_RRSET, set)) {
		return fail(t);
	}
	if (!edit->spot) {
		edited = owned ? edited : zone_rrset_copy(heap, set, set->type, edit->ttl);
	} else if (edit->rdata) {
		edited = zone_rrset_insert(heap, &t->index, set, owned, edit->spot, edit->rdata, edit->len);
	} else {
		edited = zone_rrset_remove(heap, &t->index, set, owned, edit->spot);
	}
	if (!edited) {
		return fail(t);
	}
	edited->ttl = edit->ttl;
	*place = (zone_slot)edited | ZONE_SLOT_FRESH;
	t->root.record_count += (size_t)edited->count - before;
	t->changed = true;
	return 0;
}

/* ---- the interface ---- */

/* May the transaction write at this name? 0, ERR_NOMEM or ERR_NOTZONE. */
static int check_owner(const struct zone_txn *t, const uint8_t *owner)
{
	if (t->failed) {
		return ERR_NOMEM;
	}
	return wire_name_is_under(owner, t->zone->origin.data) ? 0 : ERR_NOTZONE;
}

static enum zone_tree tree_of(uint16_t type, const uint8_t *rdata, size_t len)
{
	bool nsec3 = type == DNS_TYPE_NSEC3 || (type == DNS_TYPE_RRSIG && zone_rrsig_covers_nsec3(rdata, len));
	return nsec3 ? ZONE_TREE_NSEC3 : ZONE_TREE_NAMES;
}

int zone_txn_add(struct zone_txn *t, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                 size_t len)
{
	struct place p;
	bool found = false;
	int err = check_owner(t, owner);
	if (err) {
		return err;
	}
	if (wire_type_is_meta(type)) {
		return ERR_INVALID;
	}
	if (len > UINT16_MAX) {
		return ERR_LIMIT;
	}
	ttl = zone_ttl(ttl);
	find_place(t, tree_of(type, rdata, len), owner, &p);
	size_t at = p.node ? zone_node_locate(p.node, type, &found) : 0;
	if (!found) {
		struct zone_rrset *set = zone_rrset_make(&t->zone->heap, type, ttl, rdata, len);
		return set ? link_rrset(t, &p, set) : fail(t);
	}
	const struct zone_rrset *set = zone_node_rrset_at(p.node, at);
	struct zone_rrset_spot spot;
	if (zone_rrset_locate(&t->index, set, rdata, len, &spot)) {
		return fail(t);
	}
	if (spot.found) {
		struct edit edit = {.ttl = ttl};
		return set->ttl == ttl ? 0 : edit_rrset(t, &p, at, &edit);
	}
	if (set->count == ZONE_RRSET_COUNT_MAX || set->size + len + 2 > ZONE_RRSET_SIZE_MAX) {
		return ERR_LIMIT;
	}
	struct edit edit = {.ttl = ttl, .spot = &spot, .rdata = rdata, .len = len};
	return edit_rrset(t, &p, at, &edit);
}

int zone_txn_remove(struct zone_txn *t, const uint8_t *owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct place p;
	struct zone_rrset_spot spot;
	bool found = false;
	int err = check_owner(t, owner);
	if (err) {
		return err == ERR_NOTZONE ? 0 : err;
	}
	find_place(t, tree_of(type, rdata, len), owner, &p);
	size_t at = p.node ? zone_node_locate(p.node, type, &found) : 0;
	if (!found) {
		return 0;
	}
	const struct zone_rrset *set = zone_node_rrset_at(p.node, at);
	if (zone_rrset_locate(&t->index, set, rdata, len, &spot)) {
		return fail(t);
	}
	if (!spot.found) {
		return 0;
	}
	if (set->count == 1) {
		return unlink_rrset(t, &p, type);
	}
	struct edit edit = {.ttl = set->ttl, .spot = &spot};
	return edit_rrset(t, &p, at, &edit);
}

/* Put a copy of a set in one tree; none or an empty one removes. */
static int put_rrset(struct zone_txn *t, enum zone_tree tree, const uint8_t *owner, uint16_t type,
                     const struct zone_rrset *set)
{
	struct place p;
	find_place(t, tree, owner, &p);
	if (!set || set->count == 0) {
		return unlink_rrset(t, &p, type);
	}
	const struct zone_rrset *old = p.node ? zone_node_rrset(p.node, type) : NULL;
	if (old && zone_rrset_identical(old, set)) {
		return 0;
	}
	struct zone_rrset *copy = zone_rrset_copy(&t->zone->heap, set, type, zone_ttl(set->ttl));
	return copy ? link_rrset(t, &p, copy) : fail(t);
}

/* Signatures: those that cover NSEC3 go to one tree, the others to the other. */
static int put_signatures(struct zone_txn *t, const uint8_t *owner, const struct zone_rrset *set)
{
	struct wire_name name; /* the first write may free the node that `owner` is in */
	int err = 0;
	wire_name_set(&name, owner);
	for (unsigned i = 0; !err && i < ZONE_TREES; i++) {
		struct zone_rrset *part =
		        zone_rrset_split(&t->zone->heap, set, zone_ttl(set->ttl), i == ZONE_TREE_NSEC3);
		if (!part) {
			return fail(t);
		}
		if (part->count > 0) {
			err = put_rrset(t, i, name.data, DNS_TYPE_RRSIG, part);
		}
		zone_rrset_free(&t->zone->heap, part);
	}
	return err;
}

int zone_txn_set_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type, const struct zone_rrset *set)
{
	int err = check_owner(t, owner);
	if (err) {
		return err;
	}
	if (wire_type_is_meta(type)) {
		return ERR_INVALID;
	}
	if (!set || set->count == 0) {
		return zone_txn_remove_rrset(t, owner, type);
	}
	if (type == DNS_TYPE_RRSIG) {
		return put_signatures(t, owner, set);
	}
	return put_rrset(t, type == DNS_TYPE_NSEC3 ? ZONE_TREE_NSEC3 : ZONE_TREE_NAMES, owner, type, set);
}

int zone_txn_remove_rrset(struct zone_txn *t, const uint8_t *owner, uint16_t type)
{
	struct wire_name name;
	int err = check_owner(t, owner);
	if (err) {
		return err == ERR_NOTZONE ? 0 : err;
	}
	wire_name_set(&name, owner);
	for (unsigned i = 0; !err && i < ZONE_TREES; i++) {
		err = put_rrset(t, i, name.data, type, NULL);
	}
	return err;
}

int zone_txn_remove_name(struct zone_txn *t, const uint8_t *owner)
{
	struct wire_name name;
	int err = check_owner(t, owner);
	if (err) {
		return err == ERR_NOTZONE ? 0 : err;
	}
	wire_name_set(&name, owner);
	for (unsigned i = 0; !err && i < ZONE_TREES; i++) {
		struct place p;
		find_place(t, i, name.data, &p);
		err = p.node ? unlink_node(t, &p) : 0;
	}
	return err;
}

int zone_txn_become(struct zone_txn *t, const struct zone_snapshot *wanted)
{
	struct zone_change *changes = NULL;
	size_t count = 0;
	struct wire_name owner;
	assert(wire_name_equal(wanted->origin, t->zone->origin.data));

	int err = t->failed ? ERR_NOMEM : zone_diff(&t->root, &wanted->root, &changes, &count);
	if (err) {
		return fail(t);
	}
	for (size_t i = 0; !err && i < count; i++) {
		const struct zone_change *c = &changes[i];
		/* The first write at a name may free the node that has the name: a run of one owner uses a copy. */
		if (i == 0 || c->owner != c[-1].owner) {
			wire_name_set(&owner, c->owner);
		}
		err = put_rrset(t, c->nsec3 ? ZONE_TREE_NSEC3 : ZONE_TREE_NAMES, owner.data, c->type, c->after);
	}
	mem_free(changes);
	return err;
}
