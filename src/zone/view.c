#include "zone/view.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "zone/lookup.h"

void zone_view_init(struct zone_view *v)
{
	feed_list_init(&v->records);
	v->authoritative = true;
	v->name_empty = true;
	v->synthesized.len = 0;
}

void zone_view_done(struct zone_view *v)
{
	feed_list_done(&v->records);
}

static int add_record(struct zone_view *v, const uint8_t *name, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                      uint16_t len)
{
	struct feed_change change = {
	        .owner = name,
	        .rdata = rdata,
	        .ttl = ttl,
	        .rdata_len = len,
	        .type = type,
	        .dns_class = DNS_CLASS_IN,
	        .op = FEED_ADD,
	};
	return feed_list_add(&v->records, &change);
}

/* The TTL of one record: a signature has that of what it signs (RFC 4034 3). */
static uint32_t record_ttl(const struct zone_node *node, const struct zone_rrset *set, const uint8_t *rdata)
{
	if (set->type == DNS_TYPE_RRSIG) {
		const struct zone_rrset *signed_set = zone_node_rrset(node, bytes_load_u16(rdata));
		return signed_set ? signed_set->ttl : set->ttl;
	}
	return set->ttl;
}

/* Add what the question asks for of the node's records: its type or all, and a CNAME always (PUSH-005). */
static int add_node(struct zone_view *v, const uint8_t *name, const struct zone_node *node, uint16_t type)
{
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct zone_rrset *set = zone_node_rrset_at(node, i);
		if (type != DNS_TYPE_ANY && set->type != type && set->type != DNS_TYPE_CNAME) {
			continue;
		}
		size_t offset = 0;
		const uint8_t *rdata;
		uint16_t len;
		while (zone_rrset_next(set, &offset, &rdata, &len)) {
			int err = add_record(v, name, set->type, record_ttl(node, set, rdata), rdata, len);
			if (err) {
				return err;
			}
		}
	}
	return 0;
}

/* The CNAME that a DNAME above makes for the name; none if it would be too long (then polling gives YXDOMAIN). */
static int add_synthesized(struct zone_view *v, const uint8_t *name, const struct zone_lookup *l, bool wanted)
{
	size_t offset = 0;
	const uint8_t *target;
	uint16_t len;
	zone_rrset_next(l->rrset, &offset, &target, &len);
	if (wire_name_replace_suffix(name, zone_node_name(l->node), target, &v->synthesized)) {
		return 0;
	}
	v->name_empty = false;
	if (!wanted) {
		return 0;
	}
	return add_record(v, name, DNS_TYPE_CNAME, l->rrset->ttl, v->synthesized.data, v->synthesized.len);
}

int zone_view_fill(struct zone_view *v, const struct zone_snapshot *s, const uint8_t *name, uint16_t type,
                   uint16_t dns_class)
{
	v->records.count = 0;
	v->authoritative = true;
	v->name_empty = true;
	bool wanted = dns_class == DNS_CLASS_IN || dns_class == DNS_CLASS_ANY;

	struct zone_lookup l;
	zone_lookup(s, name, type, &l);
	switch (l.result) {
	case ZONE_RESULT_DELEGATION:
		v->authoritative = false;
		v->name_empty = false;
		return 0;
	case ZONE_RESULT_DNAME:
		return add_synthesized(v, name, &l, wanted);
	case ZONE_RESULT_FOUND:
	case ZONE_RESULT_CNAME:
	case ZONE_RESULT_NODATA:
		if (!l.node) {
			return 0;
		}
		v->name_empty = false;
		return wanted ? add_node(v, name, l.node, type) : 0;
	case ZONE_RESULT_NXDOMAIN:
		break;
	}
	return 0;
}

/* ---- the difference of two views ---- */

/* Records of one type in a view: a run, as they are sorted by type. */
struct run {
	const struct feed_change *items;
	size_t count;
};

static const struct feed_list no_records;

static const struct feed_list *records_of(const struct zone_view *v)
{
	return v ? &v->records : &no_records;
}

static struct run run_at(const struct feed_list *l, size_t first)
{
	struct run run = {.items = l->items + first, .count = 1};
	while (first + run.count < l->count && run.items[run.count].type == run.items[0].type) {
		run.count++;
	}
	return run;
}

static struct run run_of_type(const struct feed_list *l, uint16_t type)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].type == type) {
			return run_at(l, i);
		}
	}
	return (struct run){.items = NULL, .count = 0};
}

/* Letter case counts: a client keeps and shows it. */
static bool same_rdata(const struct feed_change *a, const struct feed_change *b)
{
	return a->rdata_len == b->rdata_len && (a->rdata_len == 0 || memcmp(a->rdata, b->rdata, a->rdata_len) == 0);
}

/*
 * Call for each record of `of` what the other run has at the same place in
 * canonical order: NULL if nothing. Both runs are sorted, so one pass does.
 */
typedef int (*pair_fn)(const struct feed_change *item, const struct feed_change *other, struct feed_list *list);

static int each_pair(struct run of, struct run in, pair_fn each, struct feed_list *list)
{
	size_t j = 0;
	for (size_t i = 0; i < of.count; i++) {
		const struct feed_change *item = &of.items[i];
		int order = -1;
		while (j < in.count) {
			order = wire_rdata_compare(item->type, item->rdata, item->rdata_len, in.items[j].rdata,
			                           in.items[j].rdata_len);
			if (order <= 0) {
				break;
			}
			j++;
		}
		const struct feed_change *other =
		        j < in.count && order == 0 && same_rdata(item, &in.items[j]) ? &in.items[j] : NULL;
		int err = each(item, other, list);
		if (err) {
			return err;
		}
	}
	return 0;
}

static int add_removal(struct feed_list *list, enum feed_op op, const struct feed_change *item)
{
	struct feed_change change = *item;
	change.op = (uint8_t)op;
	change.ttl = 0;
	if (op != FEED_REMOVE) {
		change.rdata = NULL;
		change.rdata_len = 0;
	}
	if (op == FEED_REMOVE_CLASS) {
		change.type = DNS_TYPE_ANY;
	}
	return feed_list_add(list, &change);
}

static int remove_if_gone(const struct feed_change *item, const struct feed_change *other, struct feed_list *list)
{
	return other ? 0 : add_removal(list, FEED_REMOVE, item);
}

static int add_if_new(const struct feed_change *item, const struct feed_change *other, struct feed_list *list)
{
	return other && other->ttl == item->ttl ? 0 : feed_list_add(list, item);
}

static int diff_removals(const struct feed_list *old, const struct feed_list *new, struct feed_list *list)
{
	for (size_t i = 0; i < old->count;) {
		struct run was = run_at(old, i);
		struct run is = run_of_type(new, was.items[0].type);
		i += was.count;
		int err;
		if (is.count == 0 && was.count > 1) {
			err = add_removal(list, FEED_REMOVE_RRSET, &was.items[0]);
		} else {
			err = each_pair(was, is, remove_if_gone, list);
		}
		if (err) {
			return err;
		}
	}
	return 0;
}

static int diff_adds(const struct feed_list *old, const struct feed_list *new, struct feed_list *list)
{
	for (size_t i = 0; i < new->count;) {
		struct run is = run_at(new, i);
		i += is.count;
		int err = each_pair(is, run_of_type(old, is.items[0].type), add_if_new, list);
		if (err) {
			return err;
		}
	}
	return 0;
}

int zone_view_diff(const struct zone_view *before, const struct zone_view *after, struct feed_list *ret_changes)
{
	const struct feed_list *old = records_of(before);
	const struct feed_list *new = records_of(after);
	if (after && after->name_empty && old->count > 1) {
		return add_removal(ret_changes, FEED_REMOVE_CLASS, &old->items[0]);
	}
	int err = diff_removals(old, new, ret_changes);
	return err ? err : diff_adds(old, new, ret_changes);
}

/* ---- which names a changeset concerns ---- */

static bool is_apex(const struct zone_snapshot *s, const uint8_t *name)
{
	return wire_name_equal(name, zone_snapshot_origin(s));
}

/*
 * `owner` has records in one of the versions only; `without` is the other. If
 * the name's coming or going moves names below it out of or into a wildcard's
 * reach, give the top of them.
 */
static bool shadows_wildcard(const struct zone_snapshot *without, const uint8_t *owner, const uint8_t **ret_top)
{
	if (zone_snapshot_features(without).wildcard_count == 0) {
		return false;
	}
	struct zone_match m;
	zone_search(without, owner, &m);
	if (m.exists) {
		return false;
	}
	unsigned above = wire_name_labels(owner) - m.encloser_labels;
	struct wire_name wildcard;
	if (wire_name_wildcard(wire_name_strip(owner, above), &wildcard) || !zone_find(without, wildcard.data)) {
		return false;
	}
	*ret_top = wire_name_strip(owner, above - 1);
	return true;
}

/* The highest name whose view one change may alter besides the owner's own, or NULL. */
static const uint8_t *subtree_of(const struct zone_changeset *c, const struct zone_change *change)
{
	const uint8_t *owner = change->owner;
	if (wire_name_is_wildcard(owner) && !is_apex(c->to, owner)) {
		return wire_name_strip(owner, 1);
	}
	bool cut_moved = change->type == DNS_TYPE_NS && !change->before != !change->after && !is_apex(c->to, owner);
	const uint8_t *top = cut_moved || change->type == DNS_TYPE_DNAME ? owner : NULL;

	bool was = zone_find(c->from, owner) != NULL;
	bool is = zone_find(c->to, owner) != NULL;
	if (was != is) {
		const uint8_t *shadowed;
		if (shadows_wildcard(was ? c->to : c->from, owner, &shadowed)) {
			top = shadowed;
		}
	}
	return top;
}

/* Without wildcards, DNAMEs and cuts in either version a change touches its own owner alone. */
static bool has_wide_features(const struct zone_snapshot *s)
{
	struct zone_features f = zone_snapshot_features(s);
	return f.wildcard_count > 0 || f.dname_count > 0 || f.cut_count > 0;
}

int zone_affected(const struct zone_changeset *c, zone_affected_fn each, void *context)
{
	bool wide = has_wide_features(c->from) || has_wide_features(c->to);
	const uint8_t *last_owner = NULL;
	const uint8_t *last_top = NULL;
	for (size_t i = 0; i < c->count; i++) {
		const struct zone_change *change = &c->changes[i];
		if (change->nsec3) {
			continue;
		}
		if (!last_owner || !wire_name_equal(last_owner, change->owner)) {
			last_owner = change->owner;
			int result = each(context, change->owner, false);
			if (result) {
				return result;
			}
		}
		const uint8_t *top = wide ? subtree_of(c, change) : NULL;
		if (top && (!last_top || !wire_name_is_under(top, last_top))) {
			last_top = top;
			int result = each(context, top, true);
			if (result) {
				return result;
			}
		}
	}
	return 0;
}
