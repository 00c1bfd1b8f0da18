/* Writing to the journal: groups of changesets, whole zones, what the zone file says, trimming. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "disk/journal_private.h"
#include "wire/dns.h"
#include "wire/rdata.h"

/* A zone at work in a transaction. */
struct work {
	struct journal *j;
	MDB_txn *txn;
	const uint8_t *origin;
	struct journal_head head;
};

/* ---- what differs, record by record ---- */

typedef int (*record_fn)(void *context, bool added, const struct journal_record *r);

/* The next record of an RRset into *r; r->rdata is NULL at the end. */
static void step(const struct zone_rrset *set, size_t *at, struct journal_record *r)
{
	if (!set || !zone_rrset_next(set, at, &r->rdata, &r->len)) {
		r->rdata = NULL;
	}
}

static bool same_record(const struct journal_record *a, const struct journal_record *b)
{
	return a->ttl == b->ttl && a->len == b->len && memcmp(a->rdata, b->rdata, a->len) == 0;
}

/* Records of `before` that are not in `after` as removed, the other way round as added; both for another TTL or other
 * letters. */
static int each_difference(const uint8_t *owner, const struct zone_rrset *before, const struct zone_rrset *after,
                           record_fn each, void *context)
{
	struct journal_record b = {.owner = owner, .type = before ? before->type : after->type};
	struct journal_record a = b;
	size_t b_at = 0, a_at = 0;
	int err = 0;

	b.ttl = before ? before->ttl : 0;
	a.ttl = after ? after->ttl : 0;
	step(before, &b_at, &b);
	step(after, &a_at, &a);
	while (!err && (b.rdata || a.rdata)) {
		int order = !b.rdata ? 1 : !a.rdata ? -1 : wire_rdata_compare(b.type, b.rdata, b.len, a.rdata, a.len);
		bool same = order == 0 && same_record(&b, &a);
		if (order <= 0 && !same) {
			err = each(context, false, &b);
		}
		if (order >= 0 && !same && !err) {
			err = each(context, true, &a);
		}
		if (order <= 0) {
			step(before, &b_at, &b);
		}
		if (order >= 0) {
			step(after, &a_at, &a);
		}
	}
	return err;
}

static bool node_in_nsec3_tree(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_node_rrset_at(node, 0);
	const uint8_t *rdata;
	uint16_t len;
	size_t at = 0;
	return set->type == DNS_TYPE_NSEC3 || (set->type == DNS_TYPE_RRSIG && zone_rrset_next(set, &at, &rdata, &len) &&
	                                       len >= 2 && bytes_load_u16(rdata) == DNS_TYPE_NSEC3);
}

/* The order of zone_iterate(). */
static int compare_nodes(const struct zone_node *a, const struct zone_node *b)
{
	bool a_nsec3 = node_in_nsec3_tree(a), b_nsec3 = node_in_nsec3_tree(b);
	if (a_nsec3 != b_nsec3) {
		return a_nsec3 ? 1 : -1;
	}
	return wire_name_compare(zone_node_name(a), zone_node_name(b));
}

static int node_differences(const struct zone_node *before, const struct zone_node *after, record_fn each,
                            void *context)
{
	size_t before_count = before ? zone_node_rrset_count(before) : 0;
	size_t after_count = after ? zone_node_rrset_count(after) : 0;
	int err = 0;
	for (size_t i = 0; i < before_count && !err; i++) {
		const struct zone_rrset *b = zone_node_rrset_at(before, i);
		const struct zone_rrset *a = after ? zone_node_rrset(after, b->type) : NULL;
		err = a == b ? 0 : each_difference(zone_node_name(before), b, a, each, context);
	}
	for (size_t i = 0; i < after_count && !err; i++) {
		const struct zone_rrset *a = zone_node_rrset_at(after, i);
		if (!before || !zone_node_rrset(before, a->type)) {
			err = each_difference(zone_node_name(after), NULL, a, each, context);
		}
	}
	return err;
}

static int snapshot_differences(const struct zone_snapshot *before, const struct zone_snapshot *after, record_fn each,
                                void *context)
{
	if (before == after) {
		return 0;
	}
	struct zone_iterator *b_walk = zone_iterate(before, NULL), *a_walk = zone_iterate(after, NULL);
	int err = b_walk && a_walk ? 0 : ERR_NOMEM;
	const struct zone_node *b = err ? NULL : zone_iterator_next(b_walk);
	const struct zone_node *a = err ? NULL : zone_iterator_next(a_walk);
	while (!err && (b || a)) {
		int order = !b ? 1 : !a ? -1 : a == b ? 0 : compare_nodes(b, a);
		if (a != b) {
			err = node_differences(order <= 0 ? b : NULL, order >= 0 ? a : NULL, each, context);
		}
		b = order <= 0 ? zone_iterator_next(b_walk) : b;
		a = order >= 0 ? zone_iterator_next(a_walk) : a;
	}
	zone_iterator_free(b_walk);
	zone_iterator_free(a_walk);
	return err;
}

/* ---- records of generations ---- */

static int get(struct work *w, const struct journal_key *key, MDB_val *ret_value)
{
	MDB_val k = journal_val(key);
	int rc = mdb_get(w->txn, w->j->dbi, &k, ret_value);
	return rc == MDB_NOTFOUND ? ERR_NOT_FOUND : rc ? journal_fail_mdb(w->j, rc, "cannot be read") : 0;
}

static int put(struct work *w, const struct journal_key *key, const void *value, size_t len)
{
	MDB_val k = journal_val(key), v = {.mv_size = len, .mv_data = (void *)value};
	int rc = mdb_put(w->txn, w->j->dbi, &k, &v, 0);
	return rc ? journal_fail_mdb(w->j, rc, "cannot be written") : 0;
}

static int delete (struct work *w, const struct journal_key *key)
{
	MDB_val k = journal_val(key);
	int rc = mdb_del(w->txn, w->j->dbi, &k, NULL);
	return rc ? journal_fail_mdb(w->j, rc, "cannot be written") : 0;
}

static int damaged_record(struct work *w, const struct journal_record *r)
{
	char owner[WIRE_NAME_TEXT_MAX];
	wire_name_to_text(r->owner, owner, sizeof(owner));
	return journal_damaged(w->j, w->origin, "the record of type %u at %.180s is missing or not intact",
	                       (unsigned)r->type, owner);
}

/* The stored value at a place with its hash; *ret_value is empty without one. */
static int get_record(struct work *w, bool file, const struct journal_key *key, const struct journal_record *r,
                      MDB_val *ret_value, uint8_t *ret_hash)
{
	struct journal_record stored;
	MDB_val k = journal_val(key);
	int err = get(w, key, ret_value);
	if (err == ERR_NOT_FOUND) {
		*ret_value = (MDB_val){0, NULL};
		return 0;
	}
	if (!err && journal_record_read(file, &k, ret_value, &stored, ret_hash)) {
		err = damaged_record(w, r);
	}
	return err;
}

/* From now on the file has at this place what `r` says (`present`), or nothing. */
static int put_file_record(struct work *w, const struct journal_record *r, bool present)
{
	struct journal_key key;
	uint8_t hash[JOURNAL_HASH_LEN], old_hash[JOURNAL_HASH_LEN];
	MDB_val old;

	journal_record_key(w->head.file_generation, r, &key);
	int err = get_record(w, true, &key, r, &old, old_hash);
	if (err) {
		return err;
	}
	if (old.mv_data) {
		journal_sum_subtract(w->head.file_sum, old_hash);
		w->head.file_count--;
	}
	size_t len = journal_record_put(true, &key, present ? r : NULL, w->j->other, hash);
	journal_sum_add(w->head.file_sum, hash);
	w->head.file_count++;
	return put(w, &key, w->j->other, len);
}

/*
 * The place of `r` holds `old` (a value, or empty) and is about to hold `next` (the same): keep
 * what the file has there if that will differ from the zone, and only then.
 */
static int keep_file_record(struct work *w, const struct journal_record *r, MDB_val old, MDB_val next)
{
	struct journal_key key;
	uint8_t hash[JOURNAL_HASH_LEN];
	MDB_val kept;

	journal_record_key(w->head.file_generation, r, &key);
	int err = get_record(w, true, &key, r, &kept, hash);
	if (err) {
		return err;
	}
	MDB_val file = kept.mv_data ? kept : old;
	size_t file_len = file.mv_data ? file.mv_size - JOURNAL_CHECK_LEN : 0;
	size_t next_len = next.mv_data ? next.mv_size - JOURNAL_CHECK_LEN : 0;
	if (file_len == next_len && (file_len == 0 || memcmp(file.mv_data, next.mv_data, file_len) == 0)) {
		if (!kept.mv_data) {
			return 0;
		}
		journal_sum_subtract(w->head.file_sum, hash);
		w->head.file_count--;
		return delete (w, &key);
	}
	if (kept.mv_data) {
		return 0;
	}
	struct journal_record before = {0};
	struct journal_key zone_key;
	journal_record_key(w->head.generation, r, &zone_key);
	MDB_val k = journal_val(&zone_key);
	if (old.mv_data) {
		/* The value moves when the next one is written. */
		memcpy(w->j->other, old.mv_data, old.mv_size);
		old.mv_data = w->j->other;
		if (journal_record_read(false, &k, &old, &before, hash)) {
			return damaged_record(w, r);
		}
	}
	size_t len = journal_record_put(true, &key, old.mv_data ? &before : NULL, w->j->file_value, hash);
	journal_sum_add(w->head.file_sum, hash);
	w->head.file_count++;
	return put(w, &key, w->j->file_value, len);
}

/* Do one step of a changeset to the stored records. */
static int change_record(struct work *w, bool added, const struct journal_record *r)
{
	struct journal_key key;
	uint8_t hash[JOURNAL_HASH_LEN], old_hash[JOURNAL_HASH_LEN];
	MDB_val old, next = {0, NULL};

	journal_record_key(w->head.generation, r, &key);
	int err = get_record(w, false, &key, r, &old, old_hash);
	if (!err && !added != !!old.mv_data) {
		err = damaged_record(w, r);
	}
	if (err) {
		return err;
	}
	if (added) {
		next = (MDB_val){journal_record_put(false, &key, r, w->j->value, hash), w->j->value};
	}
	if (w->head.has_file) {
		err = keep_file_record(w, r, old, next);
	}
	if (err) {
		return err;
	}
	if (added) {
		journal_sum_add(w->head.sum, hash);
		w->head.count++;
		return put(w, &key, next.mv_data, next.mv_size);
	}
	journal_sum_subtract(w->head.sum, old_hash);
	w->head.count--;
	return delete (w, &key);
}

/* ---- changesets ---- */

/* A changeset's value in the making. */
struct encoding {
	struct work *work;
	struct buf buf;
	uint32_t count;
};

static int encode_record(void *context, bool added, const struct journal_record *r)
{
	struct encoding *e = context;
	uint8_t head[1 + 255 + 8];
	struct bytes_writer w;
	bytes_writer_init(&w, head, sizeof(head));
	bytes_put_u8(&w, added);
	bytes_put(&w, r->owner, wire_name_len(r->owner));
	bytes_put_u16(&w, r->type);
	bytes_put_u32(&w, r->ttl);
	bytes_put_u16(&w, r->len);
	e->count++;
	int err = buf_append(&e->buf, head, w.len);
	if (!err) {
		err = buf_append(&e->buf, r->rdata, r->len);
	}
	return err ? journal_fail(e->work->j, ERR_NOMEM, "%s: out of memory", e->work->j->path)
	           : change_record(e->work, added, r);
}

static int delete_oldest(struct work *w)
{
	struct journal_key key;
	MDB_val value;
	journal_changeset_key(w->head.number, w->head.first, &key);
	int err = get(w, &key, &value);
	if (err && err != ERR_NOT_FOUND) {
		return err;
	}
	if (!err) {
		w->head.history_size -= value.mv_size < w->head.history_size ? value.mv_size : w->head.history_size;
		err = delete (w, &key);
	} else {
		err = 0;
	}
	w->head.first++;
	return err;
}

static int trim(struct work *w, uint64_t size, uint64_t changes)
{
	int err = 0;
	while (!err && w->head.first < w->head.next &&
	       (w->head.next - w->head.first > changes || w->head.history_size > size)) {
		err = delete_oldest(w);
	}
	return err;
}

/* Fill in the head of the changeset in `e`, seal it and store it. */
static int store_changeset(struct encoding *e, uint32_t serial_to)
{
	struct work *w = e->work;
	struct journal_head *h = &w->head;
	struct journal_key key;
	struct bytes_writer head;
	uint8_t check[JOURNAL_HASH_LEN];
	uint8_t *value = e->buf.data + e->buf.start;
	size_t len = buf_len(&e->buf);

	journal_changeset_key(h->number, h->next, &key);
	bytes_writer_init(&head, value, JOURNAL_CHANGESET_HEAD);
	bytes_put_u32(&head, h->serial);
	bytes_put_u32(&head, serial_to);
	bytes_put_u32(&head, e->count);
	bytes_put_u32(&head, (uint32_t)((uint64_t)(len - JOURNAL_CHANGESET_HEAD) >> 32));
	bytes_put_u32(&head, (uint32_t)(len - JOURNAL_CHANGESET_HEAD));
	bytes_put(&head, h->chain, sizeof(h->chain));
	journal_hash(key.data, key.len, value, len, check);
	if (buf_append(&e->buf, check, sizeof(check))) {
		return journal_fail(w->j, ERR_NOMEM, "%s: out of memory", w->j->path);
	}
	memcpy(h->chain, check, sizeof(check));
	h->serial = serial_to;
	h->next++;
	len = buf_len(&e->buf);
	if (len > w->j->options.history_size || w->j->options.history_changes == 0) {
		/* It would be trimmed at once, and with it all before it. */
		int err = trim(w, 0, 0);
		h->first = h->next;
		h->history_size = 0;
		return err;
	}
	h->history_size += len;
	int err = put(w, &key, buf_data(&e->buf), len);
	return err ? err : trim(w, w->j->options.history_size, w->j->options.history_changes);
}

static int append_changeset(struct work *w, const struct zone_changeset *c)
{
	static const uint8_t room[JOURNAL_CHANGESET_HEAD];
	struct encoding e = {.work = w};
	uint32_t from = zone_snapshot_serial(c->from);
	if (from != w->head.serial) {
		char name[WIRE_NAME_TEXT_MAX];
		wire_name_to_text(w->origin, name, sizeof(name));
		return journal_fail(w->j, ERR_STATE, "%s: zone %.300s is stored at serial %u, the change is from %u",
		                    w->j->path, name, (unsigned)w->head.serial, (unsigned)from);
	}
	buf_init(&e.buf, 0);
	int err = buf_append(&e.buf, room, sizeof(room));
	if (err) {
		journal_fail(w->j, ERR_NOMEM, "%s: out of memory", w->j->path);
	}
	for (size_t i = 0; i < c->count && !err; i++) {
		const struct zone_change *change = &c->changes[i];
		err = each_difference(change->owner, change->before, change->after, encode_record, &e);
	}
	if (!err) {
		err = store_changeset(&e, zone_snapshot_serial(c->to));
	}
	buf_done(&e.buf);
	return err;
}

/* ---- groups ---- */

struct item {
	struct zone_changeset *changeset; /* or NULL: */
	struct zone_snapshot *zone;
	struct zone_snapshot *file;
	uint8_t chain[JOURNAL_HASH_LEN]; /* of the zone's head, as this item leaves it */
};

struct journal_group {
	struct journal *j;
	struct item *items;
	size_t count, cap;
	size_t changes;
};

struct journal_group *journal_begin(struct journal *j)
{
	struct journal_group *g = mem_calloc(1, sizeof(*g));
	if (g) {
		g->j = j;
	}
	return g;
}

static const uint8_t *item_origin(const struct item *i)
{
	return zone_snapshot_origin(i->changeset ? i->changeset->to : i->zone);
}

/* One more item with nothing in it; its zone can be known. */
static int add_item(struct journal_group *g, const uint8_t *origin, struct item **ret_item)
{
	if (mem_grow(&g->items, &g->cap, g->count + 1, sizeof(*g->items)) || !journal_know(g->j, origin)) {
		return journal_fail(g->j, ERR_NOMEM, "%s: out of memory", g->j->path);
	}
	*ret_item = &g->items[g->count++];
	**ret_item = (struct item){0};
	return 0;
}

int journal_append(struct journal_group *g, struct zone_changeset *changeset)
{
	struct item *item;
	if (g->changes + changeset->count > JOURNAL_GROUP_MAX) {
		return journal_fail(g->j, ERR_LIMIT, "%s: the change is too large for the journal's history",
		                    g->j->path);
	}
	int err = add_item(g, zone_snapshot_origin(changeset->to), &item);
	if (!err) {
		item->changeset = zone_changeset_ref(changeset);
		g->changes += changeset->count;
	}
	return err;
}

int journal_set_file(struct journal_group *g, struct zone_snapshot *zone, struct zone_snapshot *file)
{
	struct item *item;
	int err = add_item(g, zone_snapshot_origin(zone), &item);
	if (!err) {
		item->zone = zone_snapshot_ref(zone);
		item->file = zone_snapshot_ref(file);
	}
	return err;
}

void journal_abort(struct journal_group *g)
{
	for (size_t i = 0; g && i < g->count; i++) {
		zone_changeset_unref(g->items[i].changeset);
		zone_snapshot_unref(g->items[i].zone);
		zone_snapshot_unref(g->items[i].file);
	}
	if (g) {
		mem_free(g->items);
	}
	mem_free(g);
}

static int file_difference(void *context, bool added, const struct journal_record *r)
{
	return put_file_record(context, r, added);
}

/* A new file generation; the old one is swept up later. */
static int write_file(struct work *w, const struct item *item)
{
	int err = journal_take_number(w->j, w->txn, &w->head.file_generation);
	if (err) {
		return err;
	}
	w->head.has_file = true;
	w->head.file_count = 0;
	memset(w->head.file_sum, 0, sizeof(w->head.file_sum));
	err = snapshot_differences(item->zone, item->file, file_difference, w);
	return err == ERR_NOMEM ? journal_fail(w->j, err, "%s: out of memory", w->j->path) : err;
}

static int write_item(struct journal *j, MDB_txn *txn, struct item *item)
{
	struct work w = {.j = j, .txn = txn, .origin = item_origin(item)};
	char name[WIRE_NAME_TEXT_MAX];
	wire_name_to_text(w.origin, name, sizeof(name));
	struct journal_known *known = journal_know(j, w.origin);
	if (known && known->unsure) {
		return journal_fail(j, ERR_STATE,
		                    "%s: zone %.300s holds a change whose write seemed to fail: load it again", j->path,
		                    name);
	}
	int err = journal_get_head(j, txn, w.origin, &w.head);
	if (err) {
		return err == ERR_NOT_FOUND ? journal_fail(j, ERR_STATE, "%s: zone %.300s is not stored", j->path, name)
		                            : err;
	}
	if (item->changeset) {
		err = append_changeset(&w, item->changeset);
	} else if (zone_snapshot_serial(item->zone) != w.head.serial) {
		err = journal_fail(j, ERR_STATE, "%s: zone %.300s is stored at serial %u, not %u", j->path, name,
		                   (unsigned)w.head.serial, (unsigned)zone_snapshot_serial(item->zone));
	} else {
		err = write_file(&w, item);
	}
	if (!err) {
		memcpy(item->chain, w.head.chain, sizeof(item->chain));
		err = journal_put_head(j, txn, w.origin, &w.head);
	}
	return err;
}

static int write_group(struct journal *j, MDB_txn *txn, void *context)
{
	struct journal_group *g = context;
	int err = 0;
	for (size_t i = 0; i < g->count && !err; i++) {
		err = write_item(j, txn, &g->items[i]);
	}
	return err;
}

/* What nothing names any more goes; if that fails now, it goes when the journal is opened. */
static void sweep_quietly(struct journal *j)
{
	char kept[JOURNAL_ERROR_MAX];
	memcpy(kept, j->error, sizeof(kept));
	journal_sweep(j);
	memcpy(j->error, kept, sizeof(kept));
}

int journal_commit(struct journal_group *g)
{
	struct journal *j = g->j;
	bool leftovers = false;
	int err = g->count > 0 ? journal_write(j, write_group, g) : 0;
	for (size_t i = 0; i < g->count && !err; i++) {
		struct journal_known *known = journal_know(j, item_origin(&g->items[i]));
		if (known) {
			memcpy(known->chain, g->items[i].chain, sizeof(known->chain));
		}
		leftovers = leftovers || g->items[i].file;
	}
	if (leftovers) {
		sweep_quietly(j);
	}
	journal_abort(g);
	return err;
}

/* ---- whole zones ---- */

/* A zone being imported. */
struct import {
	struct work work;
	size_t written; /* bytes in this transaction */
	uint64_t sequence;
};

/* End a transaction that has become large and begin the next. */
static int end_chunk(struct import *im)
{
	struct work *w = &im->work;
	if (im->written < JOURNAL_CHUNK) {
		return 0;
	}
	im->written = 0;
	int err = journal_txn_commit(w->j, w->txn);
	w->txn = NULL;
	return err ? err : journal_txn_begin(w->j, true, &w->txn);
}

static int import_record(void *context, bool added, const struct journal_record *r)
{
	struct import *im = context;
	struct work *w = &im->work;
	struct journal_key key;
	uint8_t hash[JOURNAL_HASH_LEN];

	(void)added;
	journal_record_key(w->head.generation, r, &key);
	MDB_val value = {journal_record_put(false, &key, r, w->j->value, hash), w->j->value};
	MDB_val k = journal_val(&key);
	/* Nearly all come in order, which fills pages whole. */
	int rc = mdb_put(w->txn, w->j->dbi, &k, &value, MDB_APPEND);
	if (rc == MDB_KEYEXIST) {
		rc = mdb_put(w->txn, w->j->dbi, &k, &value, MDB_NOOVERWRITE);
	}
	if (rc) {
		return journal_fail_mdb(w->j, rc, "cannot be written");
	}
	journal_sum_add(w->head.sum, hash);
	w->head.count++;
	im->written += key.len + value.mv_size + 2 * sizeof(uint64_t);
	return end_chunk(im);
}

static int import_file_record(void *context, bool added, const struct journal_record *r)
{
	struct import *im = context;
	int err = put_file_record(&im->work, r, added);
	im->written += (size_t)r->len + 512;
	return err ? err : end_chunk(im);
}

static int import_zone(struct import *im, const struct zone_snapshot *zone)
{
	struct zone_iterator *walk = zone_iterate(zone, NULL);
	int err = walk ? 0 : ERR_NOMEM;
	for (const struct zone_node *node; !err && (node = zone_iterator_next(walk));) {
		err = node_differences(NULL, node, import_record, im);
	}
	zone_iterator_free(walk);
	return err;
}

static int import_head(struct import *im)
{
	struct work *w = &im->work;
	struct journal_head *h = &w->head;
	uint8_t start[6 + 3 * 8] = "import";
	journal_store_u64(start + 6, h->number);
	journal_store_u64(start + 14, h->generation);
	journal_store_u64(start + 22, h->serial);
	journal_hash(start, sizeof(start), h->sum, sizeof(h->sum), h->chain);
	return journal_put_head(w->j, w->txn, w->origin, h);
}

static int try_import(struct journal *j, const struct zone_snapshot *zone, const struct zone_snapshot *file,
                      uint8_t *ret_chain)
{
	struct import im = {.work = {.j = j, .origin = zone_snapshot_origin(zone)}};
	struct work *w = &im.work;
	w->head = (struct journal_head){.serial = zone_snapshot_serial(zone), .has_file = file != NULL};
	int err = journal_txn_begin(j, true, &w->txn);
	if (err) {
		return err;
	}
	err = journal_take_number(j, w->txn, &w->head.number);
	if (!err) {
		err = journal_take_number(j, w->txn, &w->head.generation);
	}
	if (!err) {
		err = journal_take_number(j, w->txn, &w->head.file_generation);
	}
	if (!err) {
		err = import_zone(&im, zone);
	}
	if (!err && file) {
		err = snapshot_differences(zone, file, import_file_record, &im);
	}
	if (!err) {
		err = import_head(&im);
	}
	if (!err) {
		err = journal_txn_commit(j, w->txn);
		w->txn = NULL;
	}
	if (w->txn) {
		mdb_txn_abort(w->txn);
	}
	if (!err) {
		memcpy(ret_chain, w->head.chain, JOURNAL_HASH_LEN);
	}
	return err;
}

/* Enough map for a zone, as a guess: else its import would start over. */
static int make_room(struct journal *j, const struct zone_snapshot *zone)
{
	enum { RECORD_LEN = 256 };
	MDB_txn *txn;
	MDB_envinfo info;
	MDB_stat stat;
	int err = journal_txn_begin(j, false, &txn);
	if (err) {
		return err;
	}
	mdb_txn_abort(txn);
	mdb_env_info(j->env, &info);
	mdb_env_stat(j->env, &stat);
	size_t want = (info.me_last_pgno + 1) * stat.ms_psize + zone_snapshot_record_count(zone) * RECORD_LEN;
	return want > j->map_size ? journal_grow(j, want) : 0;
}

int journal_import(struct journal *j, const struct zone_snapshot *zone, const struct zone_snapshot *file)
{
	struct journal_known *known = journal_know(j, zone_snapshot_origin(zone));
	uint8_t chain[JOURNAL_HASH_LEN];
	const struct zone_node *apex = zone_snapshot_apex(zone);
	if (!known) {
		return journal_fail(j, ERR_NOMEM, "%s: out of memory", j->path);
	}
	if (!apex || !zone_node_rrset(apex, DNS_TYPE_SOA)) {
		return journal_fail(j, ERR_STATE, "%s: a zone without SOA cannot be stored", j->path);
	}
	int err = make_room(j, zone);
	for (bool again = !err; again;) {
		err = try_import(j, zone, file, chain);
		again = err && j->full;
		if (again) {
			err = journal_grow(j, 0);
			again = !err;
		}
		if (again) {
			sweep_quietly(j);
		}
	}
	if (err == ERR_NOMEM) {
		journal_fail(j, err, "%s: out of memory", j->path);
	}
	if (!err) {
		memcpy(known->chain, chain, sizeof(chain));
		known->unsure = false;
	}
	sweep_quietly(j);
	return err;
}

static int remove_head(struct journal *j, MDB_txn *txn, void *context)
{
	struct journal_key key;
	journal_head_key(context, &key);
	MDB_val k = journal_val(&key);
	int rc = mdb_del(txn, j->dbi, &k, NULL);
	return rc && rc != MDB_NOTFOUND ? journal_fail_mdb(j, rc, "cannot be written") : 0;
}

int journal_forget(struct journal *j, const uint8_t *origin)
{
	struct wire_name name;
	wire_name_set(&name, origin);
	int err = journal_write(j, remove_head, name.data);
	for (size_t i = 0; i < j->known_count && !err; i++) {
		if (wire_name_equal(j->known[i].origin.data, name.data)) {
			j->known[i] = j->known[--j->known_count];
			break;
		}
	}
	if (!err) {
		sweep_quietly(j);
	}
	return err;
}

/* ---- trimming ---- */

struct trimming {
	struct wire_name *origins;
	size_t count, cap;
	uint64_t size;
	uint64_t changes;
};

static int collect_origin(void *context, const struct journal_zone *zone)
{
	struct trimming *t = context;
	if (mem_grow(&t->origins, &t->cap, t->count + 1, sizeof(*t->origins))) {
		return ERR_NOMEM;
	}
	t->origins[t->count++] = zone->origin;
	return 0;
}

static int trim_all(struct journal *j, MDB_txn *txn, void *context)
{
	struct trimming *t = context;
	int err = 0;
	for (size_t i = 0; i < t->count && !err; i++) {
		struct work w = {.j = j, .txn = txn, .origin = t->origins[i].data};
		err = journal_get_head(j, txn, w.origin, &w.head);
		if (!err) {
			err = trim(&w, t->size, t->changes);
		}
		if (!err) {
			err = journal_put_head(j, txn, w.origin, &w.head);
		}
	}
	return err;
}

int journal_trim(struct journal *j, uint64_t history_size, uint64_t history_changes)
{
	struct trimming t = {.size = history_size, .changes = history_changes};
	int err = journal_each_zone(j, collect_origin, &t);
	if (!err && t.count > 0) {
		err = journal_write(j, trim_all, &t);
	}
	if (err == ERR_NOMEM) {
		journal_fail(j, err, "%s: out of memory", j->path);
	}
	mem_free(t.origins);
	return err;
}
