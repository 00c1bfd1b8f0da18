/*
 * The journal: zones and the changes made to them, on disk, so that an update
 * that was answered survives any crash. The format is in doc/journal-format.md.
 *
 * All calls on one journal come from one thread at a time (the writer's). The
 * usual life of a zone in it:
 *
 *   start     journal_open(), then for each zone journal_load() into a new zone;
 *             on ERR_NOT_FOUND read the zone file and journal_import().
 *   update    zone_txn_commit() gives a changeset; journal_begin(),
 *             journal_append() for each of those that waited, journal_commit().
 *             Only then is anything published or answered. If it fails, each
 *             zone goes back: zone_txn_become(txn, changeset->from) and commit.
 *   reload    as update, plus journal_set_file() in the same group.
 *   shutdown  journal_close(); nothing needs to be written.
 *
 * Errors of all calls, unless said otherwise:
 *   ERR_NOMEM    memory ended.
 *   ERR_SYSTEM   the system refused (full disk, I/O error, no room for the map).
 *   ERR_INVALID  the journal is damaged; words name the zone and what is lost.
 *   ERR_STATE    what is stored does not go with what was given, see each call.
 * journal_words() says it for people. After any error the journal holds what it
 * held before the call, with one exception: after an I/O error in the sync
 * itself nobody knows. The journal is then closed and opened again by itself before
 * its next use, never synced again; zones that turn out to hold the change after
 * all are refused with ERR_STATE until journal_load() has given their contents.
 */
#ifndef DISK_JOURNAL_H
#define DISK_JOURNAL_H

#include "zone/store.h"

enum {
	JOURNAL_ERROR_MAX = 768,    /* bytes of words, NUL included */
	JOURNAL_GROUP_MAX = 200000, /* RRsets that the changesets of a group change at most; more: journal_import() */
};

struct journal_options {
	uint64_t history_size;    /* bytes of changesets kept for each zone (limits.journal.size) */
	uint64_t history_changes; /* changesets kept for each zone (limits.journal.changes) */
	size_t map_size;          /* bytes of address space to begin with; 0: 256 MiB. Grows by itself. */
};

struct journal;

/*
 * Open the journal in `state_dir` (made if only it is missing), make one if there
 * is none, and remove what a crash left unfinished. Every page's structure is checked. `error` gets words for any
 * failure: ERR_EXISTS: another process has it open; ERR_CONFIG: what is there is no journal of this format
 * (foreign or newer); and those above. The journal's files are not written to if it fails on what they hold.
 */
int journal_open(const char *state_dir, const struct journal_options *options, char error[JOURNAL_ERROR_MAX],
                 struct journal **ret_journal);
/* Nothing is written. NULL is fine. */
void journal_close(struct journal *j);
/* What the last call that failed failed on: one line, no full stop. Valid until the next call. */
const char *journal_words(const struct journal *j);
/* New limits of history, used from the next commit on. */
void journal_set_limits(struct journal *j, uint64_t history_size, uint64_t history_changes);

/* ---- whole zones ---- */

/* What is known of a stored zone without reading its records. */
struct journal_zone {
	struct wire_name origin; /* in lower case */
	uint32_t serial;
	uint64_t record_count;
	uint64_t history_count; /* changesets */
	uint64_t history_size;  /* bytes of them */
	bool has_file;          /* what the zone file said is known */
};
/* ERR_NOT_FOUND if it is not stored. */
int journal_find(struct journal *j, const uint8_t *origin, struct journal_zone *ret_zone);
/* Every stored zone, in no special order. Stops at and returns the first result of `each` that is not 0. `each` must
 * not call the journal. */
typedef int (*journal_zone_fn)(void *context, const struct journal_zone *zone);
int journal_each_zone(struct journal *j, journal_zone_fn each, void *context);

struct journal_loaded {
	/*
	 * What the zone file said when it was last read, its own SOA included: a version of the zone that
	 * was loaded, so it costs only what differs. A reference for the caller; NULL if not known.
	 */
	struct zone_snapshot *file;
	uint32_t serial;
	/*
	 * The zone is whole, but some of its changesets are damaged; journal_words() names the serials. They can only
	 * be missed for transfers: journal_history() over them fails.
	 */
	bool history_damaged;
};
/*
 * Fill an empty zone (fresh of zone_new()) with what is stored under its origin. Everything
 * is verified. ERR_NOT_FOUND if it is not stored; ERR_INVALID: damaged, nothing of it may be served. After a
 * failure the zone is of no use but to be freed.
 */
int journal_load(struct journal *j, struct zone *zone, struct journal_loaded *ret_loaded);

/*
 * Store a whole zone in place of what was stored of it, at once or not at all. `file` is what the
 * zone file says (may be the same snapshot; NULL: no file). History begins anew. Also the way
 * out of a damaged zone. Takes one sync for every MiB or so. Both snapshots have one origin; ERR_STATE if the zone has
 * no SOA.
 */
int journal_import(struct journal *j, const struct zone_snapshot *zone, const struct zone_snapshot *file);
/* Remove a zone with its history; what is not there is no error. */
int journal_forget(struct journal *j, const uint8_t *origin);
/* Shorten the history of every zone to these limits. Commits do so with those of the journal. */
int journal_trim(struct journal *j, uint64_t history_size, uint64_t history_changes);

/* ---- changes ---- */

/* Changes that become durable together, by one sync, or not at all. */
struct journal_group;
/* NULL when memory ends. Nothing is locked or written before commit. */
struct journal_group *journal_begin(struct journal *j);
/*
 * Add a changeset; a reference is taken. Those of one zone come in their order. 0, ERR_NOMEM, or
 * ERR_LIMIT past JOURNAL_GROUP_MAX; the group is as before then, and still good.
 */
int journal_append(struct journal_group *g, struct zone_changeset *changeset);
/*
 * The zone file was read: from now on it is known to say `file`. `zone` is the zone
 * with all that was appended for it so far, reload included. References are taken.
 */
int journal_set_file(struct journal_group *g, struct zone_snapshot *zone, struct zone_snapshot *file);
/*
 * Make the group durable; it is freed in any case. 0: all of it is on disk. Else nothing of it is (but see
 * above). ERR_STATE: a zone is not stored, or not at the serial that its changeset starts from. An empty group is no
 * work.
 */
int journal_commit(struct journal_group *g);
/* Throw a group away. NULL is fine. */
void journal_abort(struct journal_group *g);

/* ---- history ---- */

/* One record that a changeset removed or added. Valid during the call. */
struct journal_change {
	uint32_t serial_from; /* of its changeset */
	uint32_t serial_to;
	const uint8_t *owner; /* wire bytes */
	const uint8_t *rdata; /* uncompressed */
	uint32_t ttl;
	uint16_t type;
	uint16_t len; /* of rdata */
	bool added;
};
/*
 * Every record of every changeset from the one that starts at `serial` to the newest, in order (what IXFR sends).
 * Verified as a whole before the first call. Stops at and returns the first result of `each` that is not 0.
 * ERR_NOT_FOUND: history does not reach back to that serial, or there is no such zone. `each` must not call the
 * journal.
 */
typedef int (*journal_change_fn)(void *context, const struct journal_change *change);
int journal_history(struct journal *j, const uint8_t *origin, uint32_t serial, journal_change_fn each, void *context);

#endif
