#include "roles/authoritative/zones.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"

enum {
	DETACH_CHECK = 1024,        /* collections between two looks at what the baseline costs */
	DETACH_SLACK = 1024 * 1024, /* bytes that it may cost in any case */
	CONFLICTS_MAX = 100,        /* reported of one file */
};

/* An SOA record by value. */
struct soa {
	uint32_t ttl;
	uint16_t len;
	uint8_t rdata[2 * DNS_NAME_MAX + 20];
};

struct auth_zone {
	struct zone *zone;
	/*
	 * What the file said when it was last read. At first this is one of the zone's
	 * own versions and costs only what differs; but such a version keeps all later
	 * ones too, so when these have come to cost as much as the zone itself, and at a
	 * reload after updates, the file's contents are kept apart.
	 */
	struct zone_snapshot *baseline;
	struct zone *baseline_zone; /* owner of the baseline if it is not `zone` */
	size_t baseline_memory;     /* of the zone when the baseline was its newest version */
	unsigned collect_count;
	struct soa file_soa; /* the file's own, which may lag behind the zone's serial */
	auth_zone_durable_fn durable;
	void *durable_context;
	struct zone_snapshot *revert_to; /* a revert that is still to be done; NULL: none */
};

/* The next serial, RFC 1982; 0 is passed over, as some software takes it for "unset". */
static uint32_t next_serial(uint32_t serial)
{
	return serial + 1 ? serial + 1 : 1;
}

/* Serial and the four numbers behind it stand at the end of an SOA. */
static uint8_t *serial_of(struct soa *soa)
{
	return soa->rdata + soa->len - 20;
}

/* The first record of an SOA RRset by value; all zero if there is none. */
static struct soa soa_of(const struct zone_rrset *set)
{
	struct soa soa = {0};
	size_t at = 0;
	const uint8_t *rdata;
	uint16_t len;

	if (set && zone_rrset_next(set, &at, &rdata, &len) && len <= sizeof(soa.rdata)) {
		soa.ttl = set->ttl;
		soa.len = len;
		memcpy(soa.rdata, rdata, len);
	}
	return soa;
}

static struct soa snapshot_soa(const struct zone_snapshot *s)
{
	const struct zone_node *apex = zone_snapshot_apex(s);
	return soa_of(apex ? zone_node_rrset(apex, DNS_TYPE_SOA) : NULL);
}

static bool soa_equal(const struct soa *a, const struct soa *b)
{
	return a->ttl == b->ttl && a->len == b->len && memcmp(a->rdata, b->rdata, a->len) == 0;
}

void auth_zone_free(struct auth_zone *a)
{
	if (!a) {
		return;
	}
	zone_snapshot_unref(a->revert_to);
	zone_snapshot_unref(a->baseline);
	zone_free(a->baseline_zone);
	zone_free(a->zone);
	mem_free(a);
}

/* A zone as the file has it. */
static int load_file(const uint8_t *origin, const char *file, zonefile_fault_fn fault, void *context,
                     struct zone **ret_zone)
{
	struct zone *z = zone_new(origin);
	struct zone_txn *txn = z ? zone_txn_new(z) : NULL;
	if (!txn) {
		zone_free(z);
		return ERR_NOMEM;
	}
	int err = zonefile_load(file, txn, fault, context);
	if (err) {
		zone_txn_abort(txn);
	} else {
		err = zone_txn_commit_load(txn);
	}
	if (err) {
		zone_free(z);
		return err;
	}
	*ret_zone = z;
	return 0;
}

int auth_zone_load(const struct wire_name *origin, const char *file, zonefile_fault_fn fault, void *context,
                   struct auth_zone **ret_zone)
{
	struct auth_zone *a = mem_calloc(1, sizeof(*a));
	if (!a) {
		return ERR_NOMEM;
	}
	int err = load_file(origin->data, file, fault, context, &a->zone);
	if (err) {
		mem_free(a);
		return err;
	}
	a->baseline = zone_current(a->zone);
	a->baseline_memory = zone_memory(a->zone);
	a->file_soa = snapshot_soa(a->baseline);
	*ret_zone = a;
	return 0;
}

int auth_zone_restore(struct zone *zone, struct zone_snapshot *file, struct auth_zone **ret_zone)
{
	struct auth_zone *a = mem_calloc(1, sizeof(*a));
	if (!a) {
		return ERR_NOMEM;
	}
	a->zone = zone;
	a->baseline = file ? zone_snapshot_ref(file) : zone_current(zone);
	a->baseline_memory = zone_memory(zone);
	a->file_soa = snapshot_soa(a->baseline);
	*ret_zone = a;
	return 0;
}

const uint8_t *auth_zone_origin(const struct auth_zone *a)
{
	return zone_origin(a->zone);
}

struct zone_snapshot *auth_zone_current(struct auth_zone *a)
{
	return zone_current(a->zone);
}

size_t auth_zone_memory(const struct auth_zone *a)
{
	return zone_memory(a->zone) + (a->baseline_zone ? zone_memory(a->baseline_zone) : 0);
}

static int copy_node(struct zone_txn *txn, const struct zone_node *node)
{
	int err = 0;
	for (size_t i = 0; i < zone_node_rrset_count(node) && !err; i++) {
		const struct zone_rrset *set = zone_node_rrset_at(node, i);
		const uint8_t *rdata;
		uint16_t len;
		for (size_t at = 0; !err && zone_rrset_next(set, &at, &rdata, &len);) {
			err = zone_txn_add(txn, zone_node_name(node), set->type, set->ttl, rdata, len);
		}
	}
	return err;
}

/* A zone of its own with what a version holds. */
static int copy_snapshot(const struct zone_snapshot *s, struct zone **ret_zone)
{
	struct zone *z = zone_new(zone_snapshot_origin(s));
	struct zone_txn *txn = z ? zone_txn_new(z) : NULL;
	struct zone_iterator *nodes = zone_iterate(s, NULL);
	const struct zone_node *node;
	int err = txn && nodes ? 0 : ERR_NOMEM;

	while (!err && (node = zone_iterator_next(nodes)) != NULL) {
		err = copy_node(txn, node);
	}
	zone_iterator_free(nodes);
	if (err) {
		zone_txn_abort(txn);
	} else {
		err = zone_txn_commit_load(txn);
	}
	if (err) {
		zone_free(z);
		return err;
	}
	*ret_zone = z;
	return 0;
}

/* Keep the baseline apart if it has become dear. Without memory for that it stays as it is until the next look. */
static void maybe_detach_baseline(struct auth_zone *a)
{
	struct zone *copy = NULL;
	if (a->baseline_zone || ++a->collect_count % DETACH_CHECK != 0 ||
	    zone_memory(a->zone) < 2 * a->baseline_memory + DETACH_SLACK || copy_snapshot(a->baseline, &copy)) {
		return;
	}
	zone_snapshot_unref(a->baseline);
	a->baseline = zone_current(copy);
	a->baseline_zone = copy;
}

void auth_zone_collect(struct auth_zone *a)
{
	maybe_detach_baseline(a);
	zone_collect(a->zone);
}

/* ---- merging an edited file ---- */

/* The same to the letter? Nearly all of a zone is, so this comes before anything that looks into rdata. */
static bool rrset_equal(const struct zone_rrset *a, const struct zone_rrset *b)
{
	return a->ttl == b->ttl && a->count == b->count && a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* A merge under way. */
struct merge {
	struct zone_txn *txn;
	const char *file;
	zonefile_fault_fn fault;
	void *context;
	unsigned conflicts;
	bool edited; /* the file differs from what it said before, SOA aside */
};

/* What the file wants cannot stand beside what updates did at this name. */
static void report_conflict(struct merge *m, const uint8_t *owner, const char *what)
{
	char name[WIRE_NAME_TEXT_MAX];
	char message[WIRE_NAME_TEXT_MAX + 128];
	m->conflicts++;
	wire_name_to_text(owner, name, sizeof(name));
	snprintf(message, sizeof(message), "%s: %s", name, what);
	m->fault(m->context, m->file, 0, 0, message);
}

/* Types that stand beside a CNAME: they speak of it (RFC 4035 2.5, RFC 3007 for KEY). */
static bool beside_cname(uint16_t type)
{
	return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_KEY || type == DNS_TYPE_SIG;
}

/* Neither the file nor updates alone make such a name, but both together can. */
static void check_node(struct merge *m, const uint8_t *owner)
{
	const struct zone_node *node = zone_txn_find(m->txn, owner);
	const struct zone_rrset *cname = node ? zone_node_rrset(node, DNS_TYPE_CNAME) : NULL;
	const struct zone_rrset *dname = node ? zone_node_rrset(node, DNS_TYPE_DNAME) : NULL;

	if ((cname && cname->count > 1) || (dname && dname->count > 1)) {
		report_conflict(m, owner, "updates changed the CNAME or DNAME record that the file changes too");
		return;
	}
	for (size_t i = 0; cname && i < zone_node_rrset_count(node); i++) {
		uint16_t type = zone_node_rrset_at(node, i)->type;
		if (type != DNS_TYPE_CNAME && !beside_cname(type)) {
			report_conflict(m, owner,
			                "with what updates added, a CNAME record would be beside other records");
			return;
		}
	}
}

/* With a new TTL the records that were in the file before go in again, but not those that an update took out. */
static bool still_there(struct zone_txn *txn, const uint8_t *owner, uint16_t type, const uint8_t *rdata, uint16_t len)
{
	const struct zone_rrset *set = zone_txn_rrset(txn, owner, type);
	return set && zone_rrset_has(set, rdata, len);
}

/*
 * Make the transaction differ by what differs between two RRsets, record by record, so that others' records stay.
 * *added is set if anything was put in.
 */
static int merge_rrset(struct zone_txn *txn, const uint8_t *owner, const struct zone_rrset *before,
                       const struct zone_rrset *after, bool *added)
{
	const uint8_t *rdata;
	uint16_t len;
	int err = 0;

	if (before && after && rrset_equal(before, after)) {
		return 0;
	}
	for (size_t at = 0; before && !err && zone_rrset_next(before, &at, &rdata, &len);) {
		if (!after || !zone_rrset_has(after, rdata, len)) {
			err = zone_txn_remove(txn, owner, before->type, rdata, len);
		}
	}
	bool new_ttl = before && after && before->ttl != after->ttl;
	for (size_t at = 0; after && !err && zone_rrset_next(after, &at, &rdata, &len);) {
		bool is_new = !before || !zone_rrset_has(before, rdata, len);
		if (is_new || (new_ttl && still_there(txn, owner, after->type, rdata, len))) {
			err = zone_txn_add(txn, owner, after->type, after->ttl, rdata, len);
			*added = true;
		}
	}
	return err;
}

/* Merge one name; either node may be NULL. The apex SOA is settled by itself. */
static int merge_node(struct merge *m, const struct zone_node *before, const struct zone_node *after)
{
	const uint8_t *owner = zone_node_name(before ? before : after);
	bool apex = wire_name_equal(owner, zone_txn_origin(m->txn));
	size_t count = before ? zone_node_rrset_count(before) : 0;
	bool added = false;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct zone_rrset *set = zone_node_rrset_at(before, i);
		const struct zone_rrset *now = after ? zone_node_rrset(after, set->type) : NULL;
		if (!(apex && set->type == DNS_TYPE_SOA)) {
			m->edited = m->edited || !now || !rrset_equal(set, now);
			err = merge_rrset(m->txn, owner, set, now, &added);
		}
	}
	count = after ? zone_node_rrset_count(after) : 0;
	for (size_t i = 0; i < count && !err; i++) {
		const struct zone_rrset *set = zone_node_rrset_at(after, i);
		if (!(before && zone_node_rrset(before, set->type)) && !(apex && set->type == DNS_TYPE_SOA)) {
			m->edited = true;
			err = merge_rrset(m->txn, owner, NULL, set, &added);
		}
	}
	if (!err && added) {
		check_node(m, owner);
	}
	return err;
}

/* Where a node stands in the walk of zone_iterate(): NSEC3 nodes after all others. */
static int walk_order(const struct zone_node *a, const struct zone_node *b)
{
	bool a_nsec3 = zone_node_rrset(a, DNS_TYPE_NSEC3) != NULL;
	bool b_nsec3 = zone_node_rrset(b, DNS_TYPE_NSEC3) != NULL;
	if (a_nsec3 != b_nsec3) {
		return a_nsec3 ? 1 : -1;
	}
	return wire_name_compare(zone_node_name(a), zone_node_name(b));
}

static int merge_walk(struct merge *m, struct zone_iterator *before, struct zone_iterator *after)
{
	const struct zone_node *b = zone_iterator_next(before);
	const struct zone_node *a = zone_iterator_next(after);
	int err = 0;

	while (!err && (b || a) && m->conflicts < CONFLICTS_MAX) {
		int order = !b ? 1 : !a ? -1 : walk_order(b, a);
		err = merge_node(m, order <= 0 ? b : NULL, order >= 0 ? a : NULL);
		if (order <= 0) {
			b = zone_iterator_next(before);
		}
		if (order >= 0) {
			a = zone_iterator_next(after);
		}
	}
	return err;
}

/* The file's SOA, with its serial if that is newer than ours, else with our next one; only if anything differs. */
static int merge_soa(struct zone_txn *txn, const struct soa *old_file, const struct soa *file)
{
	const uint8_t *origin = zone_txn_origin(txn);
	struct soa ours = soa_of(zone_txn_rrset(txn, origin, DNS_TYPE_SOA));
	struct soa merged = soa_equal(old_file, file) ? ours : *file;

	if (file->len == 0 || ours.len == 0) {
		return ERR_SYNTAX;
	}
	if (soa_equal(old_file, file) && !zone_txn_changed(txn)) {
		return 0;
	}
	uint32_t our_serial = bytes_load_u32(serial_of(&ours));
	uint32_t file_serial = bytes_load_u32(file->rdata + file->len - 20);
	bool newer = (int32_t)(file_serial - our_serial) > 0;
	bytes_store_u32(serial_of(&merged), newer ? file_serial : next_serial(our_serial));
	int err = zone_txn_remove_rrset(txn, origin, DNS_TYPE_SOA);
	return err ? err : zone_txn_add(txn, origin, DNS_TYPE_SOA, merged.ttl, merged.rdata, merged.len);
}

static int merge(struct merge *m, const struct zone_snapshot *before, const struct zone_snapshot *after,
                 const struct soa *old_file, const struct soa *file)
{
	const uint8_t *origin = zone_txn_origin(m->txn);
	struct zone_iterator *b = zone_iterate(before, NULL);
	struct zone_iterator *a = zone_iterate(after, NULL);
	int err = b && a ? merge_walk(m, b, a) : ERR_NOMEM;

	zone_iterator_free(a);
	zone_iterator_free(b);
	if (err) {
		return err;
	}
	if (!zone_txn_rrset(m->txn, origin, DNS_TYPE_NS)) {
		report_conflict(m, origin, "updates and the file together removed all NS records");
	}
	return m->conflicts > 0 ? ERR_SYNTAX : merge_soa(m->txn, old_file, file);
}

/* From now on the file is known to say `from_file`; keep that in the cheapest way. */
static void set_baseline(struct auth_zone *a, struct zone *from_file, bool same_as_current)
{
	zone_snapshot_unref(a->baseline);
	zone_free(a->baseline_zone);
	if (same_as_current) {
		a->baseline = zone_current(a->zone);
		a->baseline_zone = NULL;
		a->baseline_memory = zone_memory(a->zone);
		zone_free(from_file);
	} else {
		a->baseline = zone_current(from_file);
		a->baseline_zone = from_file;
	}
}

void auth_zone_set_durable(struct auth_zone *a, auth_zone_durable_fn durable, void *context)
{
	a->durable = durable;
	a->durable_context = context;
}

bool auth_zone_is_durable(const struct auth_zone *a)
{
	return a->durable != NULL;
}

/* ---- going back ---- */

static int become(struct zone *z, const struct zone_snapshot *wanted)
{
	struct zone_txn *txn = zone_txn_new(z);
	int err = txn ? zone_txn_become(txn, wanted) : ERR_NOMEM;
	if (err) {
		zone_txn_abort(txn);
		return err;
	}
	return zone_txn_commit(txn, NULL);
}

/* Do a revert that could not be done before. */
static int settle(struct auth_zone *a)
{
	if (!a->revert_to) {
		return 0;
	}
	int err = become(a->zone, a->revert_to);
	if (!err) {
		zone_snapshot_unref(a->revert_to);
		a->revert_to = NULL;
	}
	return err;
}

int auth_zone_revert(struct auth_zone *a, struct zone_snapshot *to)
{
	if (!a->revert_to) {
		a->revert_to = zone_snapshot_ref(to);
	}
	return settle(a);
}

/* ---- the writer's calls ---- */

/* Merge what the file says now into the zone. */
static int merge_file(struct auth_zone *a, struct merge *m, const struct zone_snapshot *wanted,
                      const struct soa *file_soa, struct zone_changeset **ret_changeset)
{
	struct zone_txn *txn = zone_txn_new(a->zone);
	m->txn = txn;
	int err = txn ? merge(m, a->baseline, wanted, &a->file_soa, file_soa) : ERR_NOMEM;
	if (err) {
		zone_txn_abort(txn);
		return err;
	}
	return zone_txn_commit(txn, ret_changeset);
}

/* Have it kept; what cannot be kept is undone. */
static int keep(struct auth_zone *a, struct zone_changeset *changeset, struct zone_snapshot *wanted)
{
	if (!a->durable) {
		return 0;
	}
	struct zone_snapshot *current = zone_current(a->zone);
	int err = a->durable(a->durable_context, changeset, current, wanted);
	zone_snapshot_unref(current);
	if (err && changeset) {
		auth_zone_revert(a, changeset->from);
	}
	return err;
}

int auth_zone_reload(struct auth_zone *a, const char *file, zonefile_fault_fn fault, void *context,
                     struct zone_changeset **ret_changeset)
{
	struct zone *from_file = NULL;
	int err = settle(a);
	err = err ? err : load_file(zone_origin(a->zone), file, fault, context, &from_file);
	if (err) {
		return err;
	}
	struct zone_snapshot *wanted = zone_current(from_file);
	struct zone_snapshot *current = zone_current(a->zone);
	bool only_file_edits = !a->baseline_zone && a->baseline == current;
	zone_snapshot_unref(current);

	struct zone_changeset *changeset = NULL;
	struct merge m = {.file = file, .fault = fault, .context = context};
	struct soa file_soa = snapshot_soa(wanted);
	err = merge_file(a, &m, wanted, &file_soa, &changeset);
	bool same_file = !m.edited && soa_equal(&file_soa, &a->file_soa);
	err = err || same_file ? err : keep(a, changeset, wanted);
	zone_snapshot_unref(wanted);
	if (err || same_file) {
		/* Nothing new: what is known of the file stays, at no cost. */
		zone_changeset_unref(changeset);
		zone_free(from_file);
		return err;
	}
	set_baseline(a, from_file, only_file_edits);
	a->file_soa = file_soa;
	*ret_changeset = changeset;
	return 0;
}

int auth_zone_update(struct auth_zone *a, const struct wire_message *m, const struct update_limits *limits,
                     struct zone_changeset **ret_changeset)
{
	struct zone_changeset *changeset = NULL;
	bool changed = false;
	int err = settle(a);
	struct zone_txn *txn = err ? NULL : zone_txn_new(a->zone);
	if (!txn) {
		return err ? err : ERR_NOMEM;
	}
	err = update_apply(txn, m, limits, &changed);
	if (err || !changed) {
		zone_txn_abort(txn);
	} else {
		err = zone_txn_commit(txn, &changeset);
	}
	if (!err) {
		*ret_changeset = changeset;
	}
	return err;
}
