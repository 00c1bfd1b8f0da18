#include "base/err.h"
#include "base/mem.h"
#include "zone/version.h"

/* A growing list of changes. */
struct change_list {
	struct zone_change *changes;
	size_t count;
	size_t cap;
	bool nsec3; /* which tree is walked */
};

/* Two walks side by side, on the heap for their size. */
struct pair {
	struct zone_walk from;
	struct zone_walk to;
};

static int add_change(struct change_list *l, const uint8_t *owner, const struct zone_rrset *before,
                      const struct zone_rrset *after)
{
	if (mem_grow(&l->changes, &l->cap, l->count + 1, sizeof(*l->changes))) {
		return ERR_NOMEM;
	}
	l->changes[l->count++] = (struct zone_change){
	        .owner = owner,
	        .before = before,
	        .after = after,
	        .type = before ? before->type : after->type,
	        .nsec3 = l->nsec3,
	};
	return 0;
}

/* What differs at one name; either node may be NULL. */
static int diff_nodes(struct change_list *l, const struct zone_node *from, const struct zone_node *to)
{
	const uint8_t *owner = zone_node_name(to ? to : from);
	size_t from_count = from ? from->rrset_count : 0;
	size_t to_count = to ? to->rrset_count : 0;
	size_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < from_count || j < to_count)) {
		const struct zone_rrset *before = i < from_count ? zone_node_rrset_at(from, i) : NULL;
		const struct zone_rrset *after = j < to_count ? zone_node_rrset_at(to, j) : NULL;
		if (before && after && before->type != after->type) {
			if (before->type < after->type) {
				after = NULL;
			} else {
				before = NULL;
			}
		}
		i += before != NULL;
		j += after != NULL;
		if (!before || !after || !zone_rrset_identical(before, after)) {
			err = add_change(l, owner, before, after);
		}
	}
	return err;
}

/* Both fronts are leaves, or one walk has ended: take the one that comes first, or both of one name. */
static int diff_leaves(struct change_list *l, struct pair *p, zone_slot from, zone_slot to)
{
	const struct zone_node *from_node = from ? zone_slot_node(from) : NULL;
	const struct zone_node *to_node = to ? zone_slot_node(to) : NULL;
	if (from_node && to_node) {
		int order = wire_name_compare(zone_node_name(from_node), zone_node_name(to_node));
		if (order < 0) {
			to_node = NULL;
		} else if (order > 0) {
			from_node = NULL;
		}
	}
	if (from_node) {
		zone_walk_skip(&p->from);
	}
	if (to_node) {
		zone_walk_skip(&p->to);
	}
	return diff_nodes(l, from_node, to_node);
}

/* One step of the walk: pass over what is shared, go into the larger subtree, or compare leaves. */
static int diff_step(struct change_list *l, struct pair *p, zone_slot from, zone_slot to)
{
	bool from_branch = from && !zone_slot_is_leaf(from);
	bool to_branch = to && !zone_slot_is_leaf(to);
	if ((from & ~(zone_slot)ZONE_SLOT_FRESH) == (to & ~(zone_slot)ZONE_SLOT_FRESH)) {
		zone_walk_skip(&p->from);
		zone_walk_skip(&p->to);
		return 0;
	}
	if (!from_branch && !to_branch) {
		return diff_leaves(l, p, from, to);
	}
	unsigned from_at = from_branch ? zone_slot_position(from) : UINT16_MAX;
	unsigned to_at = to_branch ? zone_slot_position(to) : UINT16_MAX;
	if (from_at <= to_at) {
		zone_walk_enter(&p->from);
	}
	if (to_at <= from_at) {
		zone_walk_enter(&p->to);
	}
	return 0;
}

int zone_diff(const struct zone_root *from, const struct zone_root *to, struct zone_change **ret_changes,
              size_t *ret_count)
{
	struct change_list list = {0};
	int err = 0;
	struct pair *pair = mem_alloc(sizeof(*pair));
	if (!pair) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; !err && i < ZONE_TREES; i++) {
		list.nsec3 = i == ZONE_TREE_NSEC3;
		zone_walk_init(&pair->from, from->trees[i]);
		zone_walk_init(&pair->to, to->trees[i]);
		for (;;) {
			zone_slot from_front = zone_walk_front(&pair->from);
			zone_slot to_front = zone_walk_front(&pair->to);
			if (err || (!from_front && !to_front)) {
				break;
			}
			err = diff_step(&list, pair, from_front, to_front);
		}
	}
	mem_free(pair);
	if (err) {
		mem_free(list.changes);
		return err;
	}
	*ret_changes = list.changes;
	*ret_count = list.count;
	return 0;
}

/* ---- changesets ---- */

/* The public part comes first, so that a pointer to it is one to the whole. */
struct shared_changeset {
	struct zone_changeset shown;
	atomic_size_t refs;
};

struct zone_changeset *zone_changeset_new(struct zone_snapshot *from, struct zone_snapshot *to,
                                          struct zone_change *changes, size_t count)
{
	struct shared_changeset *c = mem_alloc(sizeof(*c));
	if (!c) {
		return NULL;
	}
	atomic_init(&c->refs, 1);
	c->shown.from = zone_snapshot_ref(from);
	c->shown.to = zone_snapshot_ref(to);
	c->shown.changes = changes;
	c->shown.count = count;
	return &c->shown;
}

struct zone_changeset *zone_changeset_ref(struct zone_changeset *c)
{
	struct shared_changeset *shared = (struct shared_changeset *)c;
	atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
	return c;
}

void zone_changeset_unref(struct zone_changeset *c)
{
	struct shared_changeset *shared = (struct shared_changeset *)c;
	if (!c || atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	zone_snapshot_unref(c->from);
	zone_snapshot_unref(c->to);
	mem_free(c->changes);
	mem_free(shared);
}
