/* Reading the journal: which zones there are, loading them, history. Everything is verified. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "disk/journal_private.h"

static struct journal_zone describe(const MDB_val *key, const struct journal_head *h)
{
	struct journal_zone z = {
	        .serial = h->serial,
	        .record_count = h->count,
	        .history_count = h->next - h->first,
	        .history_size = h->history_size,
	        .has_file = h->has_file,
	};
	struct bytes_reader r;
	bytes_reader_init(&r, (const uint8_t *)key->mv_data + 1, key->mv_size - 1);
	if (wire_name_read(&r, WIRE_NAME_PLAIN, &z.origin)) {
		z.origin.len = 0;
	}
	return z;
}

int journal_find(struct journal *j, const uint8_t *origin, struct journal_zone *ret_zone)
{
	struct journal_head h;
	struct journal_key key;
	MDB_txn *txn;
	int err = journal_txn_begin(j, false, &txn);
	if (err) {
		return err;
	}
	err = journal_get_head(j, txn, origin, &h);
	mdb_txn_abort(txn);
	if (!err) {
		journal_head_key(origin, &key);
		MDB_val k = journal_val(&key);
		*ret_zone = describe(&k, &h);
	} else if (err == ERR_NOT_FOUND) {
		journal_fail(j, err, "%s: the zone is not stored", j->path);
	}
	return err;
}

int journal_each_zone(struct journal *j, journal_zone_fn each, void *context)
{
	uint8_t first = JOURNAL_KIND_HEAD;
	MDB_val key = {.mv_size = 1, .mv_data = &first}, data;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int err = journal_txn_begin(j, false, &txn);
	if (err) {
		return err;
	}
	int rc = mdb_cursor_open(txn, j->dbi, &cursor);
	if (rc) {
		mdb_txn_abort(txn);
		return journal_fail_mdb(j, rc, "cannot be read");
	}
	rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
	while (!rc && !err && *(const uint8_t *)key.mv_data == JOURNAL_KIND_HEAD) {
		struct journal_head h;
		struct journal_zone zone = {0};
		err = journal_head_read(&key, &data, &h);
		if (!err) {
			zone = describe(&key, &h);
		}
		if (err || zone.origin.len == 0) {
			err = journal_fail(j, ERR_INVALID, "%s is damaged: the head of a zone is not intact", j->path);
		} else {
			err = each(context, &zone);
		}
		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return err || !rc || rc == MDB_NOTFOUND ? err : journal_fail_mdb(j, rc, "cannot be read");
}

/* ---- loading ---- */

/* One generation being walked; at its end `live` is false. */
struct walk {
	MDB_cursor *cursor;
	uint8_t prefix[JOURNAL_NUMBER_END];
	bool file;
	bool live;
	MDB_val key;
	struct journal_record record;
	uint64_t count;
	uint8_t sum[JOURNAL_HASH_LEN];
};

struct load {
	struct journal *j;
	MDB_txn *txn;
	const uint8_t *origin;
	struct journal_head head;
	struct zone *zone;
	struct walk records; /* of the zone */
	struct walk file;    /* of what its file has otherwise */
};

static int damaged(struct load *l, const char *what)
{
	return journal_damaged(l->j, l->origin, "%s; it is not served at serial %u", what, (unsigned)l->head.serial);
}

/* An error of the zone store for a stored record. */
static int store_error(struct load *l, int err)
{
	if (err == ERR_NOMEM) {
		return journal_fail(l->j, err, "%s: out of memory", l->j->path);
	}
	return err ? damaged(l, "a record does not belong there") : 0;
}

/* Take the entry that the cursor is at, `rc` being how it got there. */
static int walk_take(struct load *l, struct walk *w, int rc, MDB_val value)
{
	uint8_t hash[JOURNAL_HASH_LEN];
	w->live =
	        !rc && w->key.mv_size > sizeof(w->prefix) && memcmp(w->key.mv_data, w->prefix, sizeof(w->prefix)) == 0;
	if (!w->live) {
		return !rc || rc == MDB_NOTFOUND ? 0 : journal_fail_mdb(l->j, rc, "cannot be read");
	}
	if (journal_record_read(w->file, &w->key, &value, &w->record, hash)) {
		return damaged(l, "a record is not intact");
	}
	w->count++;
	journal_sum_add(w->sum, hash);
	return 0;
}

static int walk_next(struct load *l, struct walk *w)
{
	MDB_val value;
	return walk_take(l, w, mdb_cursor_get(w->cursor, &w->key, &value, MDB_NEXT), value);
}

static int walk_init(struct load *l, struct walk *w, uint64_t generation, bool file)
{
	MDB_val value = {0, NULL};
	*w = (struct walk){.file = file, .prefix = {JOURNAL_KIND_RECORD}};
	journal_store_u64(w->prefix + 1, generation);
	int rc = mdb_cursor_open(l->txn, l->j->dbi, &w->cursor);
	if (rc) {
		return journal_fail_mdb(l->j, rc, "cannot be read");
	}
	w->key = (MDB_val){.mv_size = sizeof(w->prefix), .mv_data = w->prefix};
	return walk_take(l, w, mdb_cursor_get(w->cursor, &w->key, &value, MDB_SET_RANGE), value);
}

static void walk_done(struct walk *w)
{
	if (w->cursor) {
		mdb_cursor_close(w->cursor);
		w->cursor = NULL;
	}
}

/* The order of two places; one that has ended comes last. */
static int compare_places(const struct walk *a, const struct walk *b)
{
	if (!a->live || !b->live) {
		return !a->live - !b->live;
	}
	size_t a_len = a->key.mv_size - JOURNAL_NUMBER_END, b_len = b->key.mv_size - JOURNAL_NUMBER_END;
	int order = memcmp((const uint8_t *)a->key.mv_data + JOURNAL_NUMBER_END,
	                   (const uint8_t *)b->key.mv_data + JOURNAL_NUMBER_END, a_len < b_len ? a_len : b_len);
	return order ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int add(struct load *l, struct zone_txn *txn, const struct journal_record *r)
{
	return store_error(l, zone_txn_add(txn, r->owner, r->type, r->ttl, r->rdata, r->len));
}

static bool walk_is_whole(const struct walk *w, uint64_t count, const uint8_t *sum)
{
	return w->count == count && memcmp(w->sum, sum, JOURNAL_HASH_LEN) == 0;
}

/* The zone as the file has it: its records with the file's over them. Verifies both generations. */
static int load_file_version(struct load *l, struct zone_txn *txn)
{
	int err = walk_init(l, &l->records, l->head.generation, false);
	if (!err) {
		err = walk_init(l, &l->file, l->head.file_generation, true);
	}
	while (!err && (l->records.live || l->file.live)) {
		int order = compare_places(&l->records, &l->file);
		const struct journal_record *r = order < 0 ? &l->records.record : &l->file.record;
		if (r->owner) {
			err = add(l, txn, r);
		}
		if (!err && order <= 0) {
			err = walk_next(l, &l->records);
		}
		if (!err && order >= 0) {
			err = walk_next(l, &l->file);
		}
	}
	if (!err && !walk_is_whole(&l->records, l->head.count, l->head.sum)) {
		err = damaged(l, "records are missing or of another time");
	}
	if (!err && !walk_is_whole(&l->file, l->head.file_count, l->head.file_sum)) {
		err = damaged(l, "records of its file are missing or of another time");
	}
	walk_done(&l->records);
	walk_done(&l->file);
	return err;
}

/* The zone's own record at the place where the file has another; r->owner is NULL if it has none. */
static int get_own(struct load *l, struct journal_record *r)
{
	struct journal_key key = {.len = l->file.key.mv_size};
	uint8_t hash[JOURNAL_HASH_LEN];
	MDB_val value;
	memcpy(key.data, l->file.key.mv_data, key.len);
	journal_store_u64(key.data + 1, l->head.generation);
	MDB_val k = journal_val(&key);
	int rc = mdb_get(l->txn, l->j->dbi, &k, &value);
	*r = (struct journal_record){0};
	if (rc == MDB_NOTFOUND) {
		return 0;
	}
	if (rc) {
		return journal_fail_mdb(l->j, rc, "cannot be read");
	}
	return journal_record_read(false, &k, &value, r, hash) ? damaged(l, "a record is not intact") : 0;
}

/* From the file's version to the zone's: first what only the file has goes, then what only the zone has comes. */
static int load_own_version(struct load *l, struct zone_txn *txn)
{
	int err = 0;
	for (int adding = 0; adding <= 1 && !err; adding++) {
		err = walk_init(l, &l->file, l->head.file_generation, true);
		while (!err && l->file.live) {
			const struct journal_record *file = &l->file.record;
			struct journal_record own;
			err = get_own(l, &own);
			if (!err && adding && own.owner) {
				err = add(l, txn, &own);
			} else if (!err && !adding && !own.owner && file->owner) {
				err = store_error(
				        l, zone_txn_remove(txn, file->owner, file->type, file->rdata, file->len));
			}
			if (!err) {
				err = walk_next(l, &l->file);
			}
		}
		walk_done(&l->file);
	}
	return err;
}

/* Run one of the above as a version of the zone. */
static int load_version(struct load *l, int (*fill)(struct load *l, struct zone_txn *txn))
{
	struct zone_txn *txn = zone_txn_new(l->zone);
	int err = txn ? fill(l, txn) : store_error(l, ERR_NOMEM);
	if (err) {
		zone_txn_abort(txn);
		return err;
	}
	return store_error(l, zone_txn_commit_load(txn));
}

static int load_records(struct load *l, struct zone_snapshot **ret_file)
{
	int err = load_version(l, load_file_version);
	struct zone_snapshot *file = err || !l->head.has_file ? NULL : zone_current(l->zone);
	if (!err && l->head.file_count > 0) {
		err = load_version(l, load_own_version);
	}
	struct zone_snapshot *own = zone_current(l->zone);
	if (!err && (zone_snapshot_serial(own) != l->head.serial || zone_snapshot_record_count(own) != l->head.count)) {
		err = damaged(l, "it does not have the serial or the records of its last change");
	}
	zone_snapshot_unref(own);
	if (err) {
		zone_snapshot_unref(file);
		return err;
	}
	*ret_file = file;
	return 0;
}

/* ---- history ---- */

static int get_changeset(struct load *l, uint64_t sequence, struct journal_changeset *ret_changeset)
{
	struct journal_key key;
	MDB_val value;
	journal_changeset_key(l->head.number, sequence, &key);
	MDB_val k = journal_val(&key);
	int rc = mdb_get(l->txn, l->j->dbi, &k, &value);
	if (rc && rc != MDB_NOTFOUND) {
		return journal_fail_mdb(l->j, rc, "cannot be read");
	}
	return rc ? ERR_NOT_FOUND : journal_changeset_read(&k, &value, ret_changeset);
}

/*
 * Verify history back from the newest to the changeset that starts at `serial` (NULL: all of it); its
 * sequence goes into *ret_first. ERR_NOT_FOUND if there is none.
 */
static int verify_history(struct load *l, const uint32_t *serial, uint64_t *ret_first)
{
	const uint8_t *chain = l->head.chain;
	uint32_t to = l->head.serial;
	uint64_t at = l->head.next;
	while (at > l->head.first) {
		struct journal_changeset c;
		int err = get_changeset(l, --at, &c);
		if (err == ERR_NOT_FOUND || err == ERR_INVALID) {
			return journal_damaged(
			        l->j, l->origin,
			        "the change that leads to serial %u is %s; what leads from there to %u is "
			        "intact",
			        (unsigned)to, err == ERR_NOT_FOUND ? "missing" : "not intact",
			        (unsigned)l->head.serial);
		}
		if (err) {
			return err;
		}
		if (memcmp(c.check, chain, JOURNAL_HASH_LEN) != 0 || c.serial_to != to) {
			return journal_damaged(l->j, l->origin, "the change to serial %u is not the one before %u",
			                       (unsigned)c.serial_to, (unsigned)to);
		}
		chain = c.before;
		to = c.serial_from;
		if (serial && to == *serial) {
			*ret_first = at;
			return 0;
		}
	}
	*ret_first = at;
	return serial ? ERR_NOT_FOUND : 0;
}

int journal_load(struct journal *j, struct zone *zone, struct journal_loaded *ret_loaded)
{
	struct load l = {.j = j, .origin = zone_origin(zone), .zone = zone};
	struct journal_loaded loaded = {0};
	struct journal_known *known = journal_know(j, l.origin);
	uint64_t first;
	if (!known) {
		return journal_fail(j, ERR_NOMEM, "%s: out of memory", j->path);
	}
	int err = journal_txn_begin(j, false, &l.txn);
	if (err) {
		return err;
	}
	err = journal_get_head(j, l.txn, l.origin, &l.head);
	if (err == ERR_NOT_FOUND) {
		journal_fail(j, err, "%s: the zone is not stored", j->path);
	}
	if (!err) {
		err = load_records(&l, &loaded.file);
	}
	if (!err) {
		int history = verify_history(&l, NULL, &first);
		loaded.history_damaged = history == ERR_INVALID;
		err = loaded.history_damaged ? 0 : history;
	}
	mdb_txn_abort(l.txn);
	if (err) {
		zone_snapshot_unref(loaded.file);
		return err;
	}
	memcpy(known->chain, l.head.chain, sizeof(known->chain));
	known->unsure = false;
	loaded.serial = l.head.serial;
	*ret_loaded = loaded;
	return 0;
}

int journal_history(struct journal *j, const uint8_t *origin, uint32_t serial, journal_change_fn each, void *context)
{
	struct load l = {.j = j, .origin = origin};
	uint64_t at = 0;
	int err = journal_txn_begin(j, false, &l.txn);
	if (err) {
		return err;
	}
	err = journal_get_head(j, l.txn, origin, &l.head);
	if (!err && serial != l.head.serial) {
		err = verify_history(&l, &serial, &at);
	} else {
		at = l.head.next;
	}
	for (; !err && at < l.head.next; at++) {
		struct journal_changeset c;
		struct journal_change change;
		struct bytes_reader r;
		err = get_changeset(&l, at, &c);
		if (err) {
			break;
		}
		bytes_reader_init(&r, c.records, c.records_len);
		while (!err && journal_change_read(&r, &change)) {
			change.serial_from = c.serial_from;
			change.serial_to = c.serial_to;
			err = each(context, &change);
		}
	}
	mdb_txn_abort(l.txn);
	if (err == ERR_NOT_FOUND) {
		journal_fail(j, err, "%s: history does not reach back to serial %u", j->path, (unsigned)serial);
	}
	return err;
}
