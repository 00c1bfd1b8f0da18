/* The journal's files: made, locked, checked, opened; transactions and what becomes of their failures. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "disk/journal_private.h"

enum {
	MAP_SIZE = 256 << 20,
	MAGIC_LEN = 16,
	FORMAT_LEN = MAGIC_LEN + 4 + 8 + JOURNAL_HASH_LEN,
	SWEEP_COUNT = 20000, /* entries that one transaction removes of leftovers */
};

static const uint8_t magic[MAGIC_LEN] = "dnspush journal";
static const struct journal_key format_key = {.len = 1, .data = {JOURNAL_KIND_FORMAT}};

/* ---- words ---- */

int journal_fail(struct journal *j, int err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(j->error, sizeof(j->error), format, args);
	va_end(args);
	return err;
}

int journal_fail_mdb(struct journal *j, int rc, const char *what)
{
	switch (rc) {
	case ENOMEM:
		return journal_fail(j, ERR_NOMEM, "%s: %s: out of memory", j->path, what);
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		j->full = rc == MDB_MAP_FULL;
		return journal_fail(j, ERR_SYSTEM, "%s: %s: %s", j->path, what, mdb_strerror(rc));
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_BAD_TXN:
	case MDB_BAD_VALSIZE:
		return journal_fail(j, ERR_INVALID, "%s is damaged: %s: %s", j->path, what, mdb_strerror(rc));
	default:
		return journal_fail(j, ERR_SYSTEM, "%s: %s: %s", j->path, what, mdb_strerror(rc));
	}
}

int journal_damaged(struct journal *j, const uint8_t *origin, const char *format, ...)
{
	char name[WIRE_NAME_TEXT_MAX], what[256];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	wire_name_to_text(origin, name, sizeof(name));
	return journal_fail(j, ERR_INVALID, "%s is damaged: zone %.300s: %s", j->path, name, what);
}

const char *journal_words(const struct journal *j)
{
	return j->error;
}

/* ---- transactions ---- */

static int open_env(struct journal *j, const char *path)
{
	int rc = mdb_env_create(&j->env);
	if (!rc) {
		rc = mdb_env_set_mapsize(j->env, j->map_size);
	}
	if (!rc) {
		rc = mdb_env_open(j->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
	}
	if (rc) {
		int err = journal_fail_mdb(j, rc, "cannot be opened");
		mdb_env_close(j->env);
		j->env = NULL;
		return err;
	}
	MDB_envinfo info;
	mdb_env_info(j->env, &info);
	j->map_size = info.me_mapsize;
	return 0;
}

static void close_env(struct journal *j)
{
	if (j->env) {
		mdb_env_close(j->env);
		j->env = NULL;
	}
}

/* Check the structure of journal.mdb, then open it. */
static int open_checked(struct journal *j)
{
	char words[JOURNAL_ERROR_MAX];
	int err = journal_check_file(j->path, words);
	if (err) {
		return journal_fail(j, err, "%s %.500s", j->path, words);
	}
	err = open_env(j, j->path);
	if (err) {
		return err;
	}
	MDB_txn *txn;
	int rc = mdb_txn_begin(j->env, NULL, MDB_RDONLY, &txn);
	if (!rc) {
		rc = mdb_dbi_open(txn, NULL, 0, &j->dbi);
		mdb_txn_abort(txn);
	}
	if (rc) {
		err = journal_fail_mdb(j, rc, "cannot be read");
		close_env(j);
	}
	return err;
}

/* After an I/O error: what is on the disk is adopted, and zones that are not as they were left are marked. */
static int open_again(struct journal *j)
{
	MDB_txn *txn;
	int err = open_checked(j);
	if (err) {
		return err;
	}
	int rc = mdb_txn_begin(j->env, NULL, MDB_RDONLY, &txn);
	if (rc) {
		err = journal_fail_mdb(j, rc, "cannot be read");
		close_env(j);
		return err;
	}
	for (size_t i = 0; i < j->known_count && !err; i++) {
		struct journal_known *k = &j->known[i];
		struct journal_head h;
		int got = journal_get_head(j, txn, k->origin.data, &h);
		if (got == ERR_NOT_FOUND || (!got && memcmp(h.chain, k->chain, sizeof(k->chain)) != 0)) {
			k->unsure = true;
		} else {
			err = got;
		}
	}
	mdb_txn_abort(txn);
	if (err) {
		close_env(j);
	}
	return err;
}

int journal_txn_begin(struct journal *j, bool write, MDB_txn **ret_txn)
{
	j->full = false;
	for (int attempt = 0;; attempt++) {
		int err = j->env ? 0 : open_again(j);
		if (err) {
			return err;
		}
		int rc = mdb_txn_begin(j->env, NULL, write ? 0 : MDB_RDONLY, ret_txn);
		if (!rc) {
			return 0;
		}
		if (rc != MDB_PANIC || attempt > 0) {
			return journal_fail_mdb(j, rc, "cannot begin a transaction");
		}
		/* LMDB could not take a half-written meta page back: ask the disk. */
		close_env(j);
	}
}

int journal_txn_commit(struct journal *j, MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn);
	if (!rc) {
		return 0;
	}
	int err = journal_fail_mdb(j, rc, "cannot be written");
	if (rc != ENOSPC && rc != EDQUOT && rc != ENOMEM && rc != MDB_MAP_FULL && rc != MDB_TXN_FULL) {
		close_env(j);
	}
	return err;
}

int journal_grow(struct journal *j, size_t size)
{
	size_t want = j->map_size;
	do {
		if (want > SIZE_MAX / 4) {
			return journal_fail(j, ERR_SYSTEM, "%s: the map cannot grow any more", j->path);
		}
		want *= 2;
	} while (want < size);
	int rc = mdb_env_set_mapsize(j->env, want);
	if (rc) {
		/* The old map is gone by now in some versions: start over with the old size. */
		int err = journal_fail_mdb(j, rc, "the map cannot grow");
		close_env(j);
		return err;
	}
	j->map_size = want;
	return 0;
}

int journal_write(struct journal *j, journal_body_fn body, void *context)
{
	for (;;) {
		MDB_txn *txn;
		int err = journal_txn_begin(j, true, &txn);
		if (err) {
			return err;
		}
		err = body(j, txn, context);
		if (err) {
			mdb_txn_abort(txn);
		} else {
			err = journal_txn_commit(j, txn);
		}
		if (!err || !j->full) {
			return err;
		}
		err = journal_grow(j, 0);
		if (err) {
			return err;
		}
	}
}

/* ---- the format record ---- */

static int put_format(struct journal *j, MDB_txn *txn, uint64_t next_number)
{
	uint8_t value[FORMAT_LEN];
	memcpy(value, magic, MAGIC_LEN);
	bytes_store_u32(value + MAGIC_LEN, JOURNAL_FORMAT);
	journal_store_u64(value + MAGIC_LEN + 4, next_number);
	journal_hash(format_key.data, format_key.len, value, MAGIC_LEN + 12, value + MAGIC_LEN + 12);

	MDB_val key = journal_val(&format_key);
	MDB_val data = {.mv_size = sizeof(value), .mv_data = value};
	int rc = mdb_put(txn, j->dbi, &key, &data, 0);
	return rc ? journal_fail_mdb(j, rc, "cannot be written") : 0;
}

static int get_format(struct journal *j, MDB_txn *txn, uint64_t *ret_next_number)
{
	MDB_val key = journal_val(&format_key), data;
	uint8_t check[JOURNAL_HASH_LEN];
	int rc = mdb_get(txn, j->dbi, &key, &data);

	if (rc == MDB_NOTFOUND ||
	    (!rc && (data.mv_size < MAGIC_LEN + 4 || memcmp(data.mv_data, magic, MAGIC_LEN) != 0))) {
		return journal_fail(j, ERR_CONFIG,
		                    "%s is a database of some other program; it was left alone: move it away, "
		                    "or set another state-dir",
		                    j->path);
	}
	if (rc) {
		return journal_fail_mdb(j, rc, "cannot be read");
	}
	const uint8_t *value = data.mv_data;
	uint32_t format = bytes_load_u32(value + MAGIC_LEN);
	if (format > JOURNAL_FORMAT) {
		return journal_fail(j, ERR_CONFIG,
		                    "%s has format %u, this program knows up to %d; it was left alone: use the "
		                    "newer program that wrote it",
		                    j->path, (unsigned)format, JOURNAL_FORMAT);
	}
	if (data.mv_size == FORMAT_LEN) {
		journal_hash(format_key.data, format_key.len, value, MAGIC_LEN + 12, check);
	}
	if (data.mv_size != FORMAT_LEN || memcmp(check, value + MAGIC_LEN + 12, sizeof(check)) != 0) {
		return journal_fail(j, ERR_INVALID, "%s is damaged: its format record is not intact", j->path);
	}
	*ret_next_number = journal_load_u64(value + MAGIC_LEN + 4);
	return 0;
}

int journal_take_number(struct journal *j, MDB_txn *txn, uint64_t *ret_number)
{
	uint64_t number = 0;
	int err = get_format(j, txn, &number);
	if (!err) {
		err = put_format(j, txn, number + 1);
	}
	if (!err) {
		*ret_number = number;
	}
	return err;
}

/* ---- heads ---- */

int journal_get_head(struct journal *j, MDB_txn *txn, const uint8_t *origin, struct journal_head *ret_head)
{
	struct journal_key key;
	MDB_val data;
	journal_head_key(origin, &key);
	MDB_val k = journal_val(&key);
	int rc = mdb_get(txn, j->dbi, &k, &data);
	if (rc) {
		return rc == MDB_NOTFOUND ? ERR_NOT_FOUND : journal_fail_mdb(j, rc, "cannot be read");
	}
	return journal_head_read(&k, &data, ret_head) ? journal_damaged(j, origin, "its head is not intact") : 0;
}

int journal_put_head(struct journal *j, MDB_txn *txn, const uint8_t *origin, const struct journal_head *h)
{
	struct journal_key key;
	uint8_t value[JOURNAL_HEAD_LEN];
	journal_head_key(origin, &key);
	journal_head_put(&key, h, value);
	MDB_val k = journal_val(&key), data = {.mv_size = sizeof(value), .mv_data = value};
	int rc = mdb_put(txn, j->dbi, &k, &data, 0);
	return rc ? journal_fail_mdb(j, rc, "cannot be written") : 0;
}

struct journal_known *journal_know(struct journal *j, const uint8_t *origin)
{
	for (size_t i = 0; i < j->known_count; i++) {
		if (wire_name_equal(j->known[i].origin.data, origin)) {
			return &j->known[i];
		}
	}
	if (mem_grow(&j->known, &j->known_cap, j->known_count + 1, sizeof(*j->known))) {
		return NULL;
	}
	struct journal_known *k = &j->known[j->known_count++];
	*k = (struct journal_known){.unsure = false};
	wire_name_set(&k->origin, origin);
	wire_name_lower(k->origin.data);
	return k;
}

/* ---- leftovers ---- */

/* The numbers that heads name, of zones and generations alike. */
struct numbers {
	uint64_t *numbers;
	size_t count, cap;
};

static bool named(const struct numbers *n, uint64_t number)
{
	for (size_t i = 0; i < n->count; i++) {
		if (n->numbers[i] == number) {
			return true;
		}
	}
	return false;
}

/* A damaged head keeps everything: what it named is not known. */
static int collect_numbers(struct journal *j, MDB_txn *txn, struct numbers *n)
{
	MDB_cursor *cursor;
	uint8_t first = JOURNAL_KIND_HEAD;
	MDB_val key = {.mv_size = 1, .mv_data = &first}, data;
	int err = 0;
	int rc = mdb_cursor_open(txn, j->dbi, &cursor);
	if (rc) {
		return journal_fail_mdb(j, rc, "cannot be read");
	}
	for (rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE); !rc && !err;
	     rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) {
		struct journal_head h;
		if (*(const uint8_t *)key.mv_data != JOURNAL_KIND_HEAD) {
			break;
		}
		if (journal_head_read(&key, &data, &h)) {
			err = ERR_INVALID;
		} else if (mem_grow(&n->numbers, &n->cap, n->count + 3, sizeof(*n->numbers))) {
			err = journal_fail(j, ERR_NOMEM, "%s: out of memory", j->path);
		} else {
			n->numbers[n->count++] = h.number;
			n->numbers[n->count++] = h.generation;
			n->numbers[n->count++] = h.file_generation;
		}
	}
	mdb_cursor_close(cursor);
	return err ? err : !rc || rc == MDB_NOTFOUND ? 0 : journal_fail_mdb(j, rc, "cannot be read");
}

/* Where a sweep is: the next kind and number to look at. */
struct sweep {
	struct numbers named;
	uint8_t at[JOURNAL_NUMBER_END];
	bool done;
};

/* Go past a number that is named, or remove up to SWEEP_COUNT entries of one that is not. */
static int sweep_some(struct journal *j, MDB_txn *txn, void *context)
{
	struct sweep *s = context;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, j->dbi, &cursor);
	bool done = false;
	for (int removed = 0; !rc && !done && removed < SWEEP_COUNT;) {
		MDB_val key = {.mv_size = sizeof(s->at), .mv_data = s->at}, data;
		rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
		done = rc == MDB_NOTFOUND;
		if (rc || key.mv_size < JOURNAL_NUMBER_END) {
			rc = done ? 0 : rc ? rc : MDB_CORRUPTED;
			continue;
		}
		memcpy(s->at, key.mv_data, sizeof(s->at));
		uint64_t number = journal_load_u64(s->at + 1);
		if (named(&s->named, number)) {
			journal_store_u64(s->at + 1, number + 1);
		} else {
			rc = mdb_cursor_del(cursor, 0);
			removed++;
		}
	}
	mdb_cursor_close(cursor);
	s->done = done;
	return rc ? journal_fail_mdb(j, rc, "leftovers cannot be removed") : 0;
}

int journal_sweep(struct journal *j)
{
	struct sweep s = {.at = {JOURNAL_KIND_CHANGESET}};
	MDB_txn *txn;
	int err = journal_txn_begin(j, false, &txn);
	if (err) {
		return err;
	}
	err = collect_numbers(j, txn, &s.named);
	mdb_txn_abort(txn);
	while (!err && !s.done) {
		err = journal_write(j, sweep_some, &s);
	}
	mem_free(s.named.numbers);
	return err;
}

/* ---- opening ---- */

static int put_first_format(struct journal *j, MDB_txn *txn, void *context)
{
	(void)context;
	int rc = mdb_dbi_open(txn, NULL, 0, &j->dbi);
	return rc ? journal_fail_mdb(j, rc, "cannot be made") : put_format(j, txn, 1);
}

static int sync_directory(struct journal *j)
{
	int fd = open(j->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? journal_fail(j, ERR_SYSTEM, "%s: %s", j->state_dir, strerror(errno)) : 0;
	if (fd >= 0) {
		close(fd);
	}
	return err;
}

static char *path_in(const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	char *path = mem_alloc(len);
	if (path) {
		snprintf(path, len, "%s/%s", dir, name);
	}
	return path;
}

/* Make an empty journal under another name and rename it when it is whole. */
static int make_new(struct journal *j)
{
	char *path = path_in(j->state_dir, "journal.new");
	char *path_lock = path_in(j->state_dir, "journal.new-lock");
	int err = path && path_lock ? 0 : journal_fail(j, ERR_NOMEM, "%s: out of memory", j->path);
	if (!err) {
		unlink(path);
		unlink(path_lock);
		err = open_env(j, path);
	}
	if (!err) {
		err = journal_write(j, put_first_format, NULL);
		close_env(j);
		unlink(path_lock);
	}
	if (!err && rename(path, j->path)) {
		err = journal_fail(j, ERR_SYSTEM, "%s: %s", j->path, strerror(errno));
	}
	if (err && path) {
		unlink(path);
	}
	mem_free(path);
	mem_free(path_lock);
	return err ? err : sync_directory(j);
}

/* Take the lock file. */
static int take_lock(struct journal *j)
{
	char *path = path_in(j->state_dir, "journal.lock");
	char text[32] = "";
	int err = 0;
	if (!path) {
		return journal_fail(j, ERR_NOMEM, "%s: out of memory", j->state_dir);
	}
	j->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock_fd < 0) {
		err = journal_fail(j, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	} else if (flock(j->lock_fd, LOCK_EX | LOCK_NB)) {
		ssize_t len = pread(j->lock_fd, text, sizeof(text) - 1, 0);
		text[len > 0 ? strcspn(text, "\n") : 0] = 0;
		if (errno == EWOULDBLOCK || errno == EAGAIN || len >= 0) {
			err = journal_fail(j, ERR_EXISTS, "%s is in use by another process%s%.20s: one at a time",
			                   j->state_dir, *text ? ", " : "", text);
		} else {
			err = journal_fail(j, ERR_SYSTEM, "%s: %s", path, strerror(errno));
		}
	} else {
		int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
		/* Only there to be read by people: the lock holds without it, also on a full disk. */
		if (ftruncate(j->lock_fd, 0) == 0) {
			ssize_t ignored = pwrite(j->lock_fd, text, (size_t)len, 0);
			(void)ignored;
		}
	}
	mem_free(path);
	return err;
}

static int check_format(struct journal *j)
{
	MDB_txn *txn;
	uint64_t next_number;
	int err = journal_txn_begin(j, false, &txn);
	if (!err) {
		err = get_format(j, txn, &next_number);
		mdb_txn_abort(txn);
	}
	return err;
}

static int open_files(struct journal *j)
{
	struct stat st;
	if (mkdir(j->state_dir, 0700) && errno != EEXIST) {
		return journal_fail(j, ERR_SYSTEM, "%s: %s", j->state_dir, strerror(errno));
	}
	int err = take_lock(j);
	if (err) {
		return err;
	}
	if (stat(j->path, &st)) {
		err = errno == ENOENT ? make_new(j) : journal_fail(j, ERR_SYSTEM, "%s: %s", j->path, strerror(errno));
	}
	if (!err) {
		err = open_checked(j);
	}
	if (!err) {
		err = check_format(j);
	}
	if (!err) {
		err = journal_sweep(j);
		/* Leftovers do no harm: a disk that is full, or a damaged head, is no reason not to serve. */
		err = err == ERR_SYSTEM || err == ERR_INVALID ? 0 : err;
	}
	return err;
}

int journal_open(const char *state_dir, const struct journal_options *options, char error[JOURNAL_ERROR_MAX],
                 struct journal **ret_journal)
{
	struct journal *j = mem_calloc(1, sizeof(*j));
	int err = j ? 0 : ERR_NOMEM;
	if (j) {
		j->lock_fd = -1;
		j->options = *options;
		j->map_size = options->map_size ? options->map_size : MAP_SIZE;
		j->state_dir = mem_strdup(state_dir);
		j->path = path_in(state_dir, "journal.mdb");
		err = j->state_dir && j->path ? 0 : ERR_NOMEM;
	}
	if (err) {
		snprintf(error, JOURNAL_ERROR_MAX, "%s: out of memory", state_dir);
	} else if (sodium_init() < 0) {
		err = ERR_SYSTEM;
		snprintf(error, JOURNAL_ERROR_MAX, "libsodium does not start");
	} else {
		err = open_files(j);
		snprintf(error, JOURNAL_ERROR_MAX, "%s", j->error);
	}
	if (err) {
		journal_close(j);
		return err;
	}
	j->error[0] = 0;
	*ret_journal = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j) {
		return;
	}
	close_env(j);
	if (j->lock_fd >= 0) {
		close(j->lock_fd);
	}
	mem_free(j->known);
	mem_free(j->path);
	mem_free(j->state_dir);
	mem_free(j);
}

void journal_set_limits(struct journal *j, uint64_t history_size, uint64_t history_changes)
{
	j->options.history_size = history_size;
	j->options.history_changes = history_changes;
}
