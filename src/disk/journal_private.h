/* What the files of the journal share. Private to this folder; doc/journal-format.md has the layout. */
#ifndef DISK_JOURNAL_PRIVATE_H
#define DISK_JOURNAL_PRIVATE_H

#include <lmdb.h>

#include "disk/journal.h"

enum journal_kind {
	JOURNAL_KIND_FORMAT = 1,
	JOURNAL_KIND_HEAD = 2,
	JOURNAL_KIND_CHANGESET = 3,
	JOURNAL_KIND_RECORD = 4,
};

enum {
	JOURNAL_FORMAT = 1,
	JOURNAL_HASH_LEN = 32,
	JOURNAL_CHECK_LEN = 8,                       /* of a record */
	JOURNAL_NUMBER_END = 9,                      /* where the number behind the kind ends in a key */
	JOURNAL_KEY_MAX = 511,                       /* of LMDB */
	JOURNAL_RECORD_MAX = 4 + 255 + 65535 + 8,    /* bytes of a record's value */
	JOURNAL_CHANGESET_HEAD = 4 + 4 + 4 + 8 + 32, /* bytes in front of its records */
	JOURNAL_CHUNK = 1 << 20,                     /* bytes that one transaction of an import writes, about */
};

/* A zone at rest, from its head. */
struct journal_head {
	uint64_t number;
	uint64_t generation;
	uint64_t file_generation;
	uint32_t serial;
	bool has_file;
	uint64_t count;
	uint8_t sum[JOURNAL_HASH_LEN];
	uint64_t file_count;
	uint8_t file_sum[JOURNAL_HASH_LEN];
	uint64_t first; /* sequences of history: first up to, not including, next */
	uint64_t next;
	uint64_t history_size;
	uint8_t chain[JOURNAL_HASH_LEN];
};

/* How a zone was left by what this process did last. */
struct journal_known {
	struct wire_name origin; /* lower case */
	uint8_t chain[JOURNAL_HASH_LEN];
	bool unsure; /* found otherwise after an I/O error: its owner has to load it again */
};

struct journal {
	char *state_dir;
	char *path;
	int lock_fd;
	MDB_env *env; /* NULL: broken, to be opened again */
	MDB_dbi dbi;
	size_t map_size;
	struct journal_options options;
	bool full; /* the last failure was a full map */
	struct journal_known *known;
	size_t known_count, known_cap;
	char error[JOURNAL_ERROR_MAX];
	uint8_t value[JOURNAL_RECORD_MAX]; /* scratch: a record's value being made */
	uint8_t other[JOURNAL_RECORD_MAX]; /* scratch: a copy of a stored one */
	uint8_t file_value[JOURNAL_RECORD_MAX];
};

struct journal_key {
	size_t len;
	uint8_t data[JOURNAL_KEY_MAX];
};

/* A record in memory or in a value. */
struct journal_record {
	const uint8_t *owner; /* NULL: the value says absent */
	const uint8_t *rdata;
	uint32_t ttl;
	uint16_t type;
	uint16_t len;
};

/* ---- journal_format.c: keys and values ---- */

void journal_store_u64(uint8_t *p, uint64_t v);
uint64_t journal_load_u64(const uint8_t *p);
/* sum += hash, sum -= hash, modulo 2^256. */
void journal_sum_add(uint8_t *sum, const uint8_t *hash);
void journal_sum_subtract(uint8_t *sum, const uint8_t *hash);
/* hash(a, b) over two runs of bytes. */
void journal_hash(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *ret_hash);

void journal_head_key(const uint8_t *origin, struct journal_key *ret_key);
void journal_changeset_key(uint64_t number, uint64_t sequence, struct journal_key *ret_key);
void journal_record_key(uint64_t generation, const struct journal_record *r, struct journal_key *ret_key);
MDB_val journal_val(const struct journal_key *key);

enum { JOURNAL_HEAD_LEN = 3 * 8 + 4 + 1 + 2 * (8 + JOURNAL_HASH_LEN) + 3 * 8 + 2 * JOURNAL_HASH_LEN };
void journal_head_put(const struct journal_key *key, const struct journal_head *h, uint8_t value[JOURNAL_HEAD_LEN]);
/* 0 or ERR_INVALID. */
int journal_head_read(const MDB_val *key, const MDB_val *value, struct journal_head *ret_head);

/*
 * Make the value of a record (`r` NULL: absent) in `value` of JOURNAL_RECORD_MAX bytes. Returns its length; its
 * hash, of which the check is the first bytes, goes into *ret_hash.
 */
size_t journal_record_put(bool file, const struct journal_key *key, const struct journal_record *r, uint8_t *value,
                          uint8_t *ret_hash);
/* Verify and take apart. `ret_hash` as above. 0 or ERR_INVALID. */
int journal_record_read(bool file, const MDB_val *key, const MDB_val *value, struct journal_record *ret_record,
                        uint8_t *ret_hash);

/* A changeset's value taken apart. */
struct journal_changeset {
	uint32_t serial_from;
	uint32_t serial_to;
	uint32_t count;
	const uint8_t *before; /* the chain before it */
	const uint8_t *check;  /* the chain after it */
	const uint8_t *records;
	size_t records_len;
};
/* Verify check, lengths and every record. 0 or ERR_INVALID. */
int journal_changeset_read(const MDB_val *key, const MDB_val *value, struct journal_changeset *ret_changeset);
/* The next record; false at the end or where nothing readable is left. */
bool journal_change_read(struct bytes_reader *r, struct journal_change *ret_change);

/* ---- journal_open.c: files and transactions ---- */

/* Set the words and return `err`. */
int journal_fail(struct journal *j, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a return code of LMDB. */
int journal_fail_mdb(struct journal *j, int rc, const char *what);
/* Damage of a zone: its name is put in front of the words. Returns ERR_INVALID. */
int journal_damaged(struct journal *j, const uint8_t *origin, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Begin; opens the journal again if it is broken. */
int journal_txn_begin(struct journal *j, bool write, MDB_txn **ret_txn);
/* Commit; the transaction is gone in any case. */
int journal_txn_commit(struct journal *j, MDB_txn *txn);
/* Run `body` in a write transaction, again with a larger map while that is full. */
typedef int (*journal_body_fn)(struct journal *j, MDB_txn *txn, void *context);
int journal_write(struct journal *j, journal_body_fn body, void *context);
/* Make the map at least `size` bytes, and at least twice what it is. No transaction may be open. */
int journal_grow(struct journal *j, size_t size);
/* A number for a zone or generation that none had before. */
int journal_take_number(struct journal *j, MDB_txn *txn, uint64_t *ret_number);

/* ERR_NOT_FOUND without words. */
int journal_get_head(struct journal *j, MDB_txn *txn, const uint8_t *origin, struct journal_head *ret_head);
int journal_put_head(struct journal *j, MDB_txn *txn, const uint8_t *origin, const struct journal_head *h);
/* Remove generations and histories that no head names. */
int journal_sweep(struct journal *j);

/* Room to know how a zone was left; NULL when memory ends. */
struct journal_known *journal_know(struct journal *j, const uint8_t *origin);

/* ---- journal_check.c ---- */

/*
 * Check the structure of an LMDB file without LMDB. 0; ERR_CONFIG: none, or of another version; ERR_INVALID: damaged;
 * ERR_SYSTEM, ERR_NOMEM. `words` says what, without the file's name.
 */
int journal_check_file(const char *path, char words[JOURNAL_ERROR_MAX]);

#endif
