/*
 * The journal: what is stored comes back, what fails leaves nothing, and damage is never taken for data.
 * Faults 1, 3, 4, 8, 9 and 11 of the reliability list.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../zone/store_help.h"
#include "disk/journal.h"

static char dir[64];
static char words[JOURNAL_ERROR_MAX];
static uint32_t seed = 20261123;

static const struct journal_options roomy = {.history_size = 64 << 20, .history_changes = 1000};

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/dnspush-journal-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	run(command);
	return 0;
}

static const char *file_path(const char *file)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static struct journal *open_with(const struct journal_options *o)
{
	struct journal *j = NULL;
	int err = journal_open(dir, o, words, &j);
	if (err) {
		print_message("%s\n", words);
	}
	assert_int_equal(err, 0);
	return j;
}

static struct journal *open_journal(void)
{
	return open_with(&roomy);
}

/* ---- a disk that fails ---- */

static bool sync_fails; /* the next data sync */
static bool head_fails; /* the next writes of LMDB's head, which are done all the same */

/* In place of the C library's, for LMDB too. */
int fdatasync(int fd)
{
	if (sync_fails) {
		sync_fails = false;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* Named so here because headers may give pwrite() another name. */
ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite");
ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	/* Pages are written whole; a head is less. */
	if (head_fails && len < 512 && offset < 2 * 4096) {
		static unsigned writes;
		/* The first goes to the disk, the one that takes it back does not. */
		if (writes++ % 2 == 0) {
			syscall(SYS_pwrite64, fd, data, len, offset);
		}
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

/* ---- zones ---- */

static void set_serial(struct zone_txn *t, const char *origin, uint32_t serial)
{
	assert_int_equal(zone_txn_remove_rrset(t, name(origin), DNS_TYPE_SOA), 0);
	assert_int_equal(add_soa(t, origin, serial), 0);
}

static void random_owner(const char *origin, char *text, size_t size)
{
	unsigned n = random_next(&seed) % 60;
	if (n < 3) {
		/* A name whose sort key is longer than a key of the database. */
		char label[260] = "";
		for (unsigned i = 0; i < 60; i++) {
			strcat(label, "\\000");
		}
		label[4 * (57 + n)] = 0;
		snprintf(text, size, "%s.%s.%s.%s.%s", label, label, label, label, origin);
	} else {
		snprintf(text, size, n % 3 ? "h%u.%s" : "a.B%u.%s", n, origin);
	}
}

static void random_write(struct zone_txn *t, const char *origin)
{
	char owner[1200];
	random_owner(origin, owner, sizeof(owner));
	unsigned what = random_next(&seed) % 8, n = random_next(&seed) % 40;
	if (what < 3) {
		assert_int_equal(add_a(t, owner, n), 0);
	} else if (what == 3) {
		assert_int_equal(remove_a(t, owner, n), 0);
	} else if (what == 4) {
		assert_int_equal(zone_txn_remove_name(t, name(owner)), 0);
	} else if (what == 5) {
		uint8_t rdata[4] = {192, 0, 0, 1};
		assert_int_equal(zone_txn_add(t, name(owner), DNS_TYPE_A, 60 + n, rdata, 4), 0);
	} else if (what == 6) {
		assert_int_equal(add_name(t, owner, DNS_TYPE_PTR, n % 2 ? "Target.example." : "tARGET.example."), 0);
	} else {
		char hashed[64];
		snprintf(hashed, sizeof(hashed), "HASH%u.%s", n % 5, origin);
		assert_int_equal(add_nsec3(t, hashed, (uint8_t)n), 0);
		assert_int_equal(add_rrsig(t, hashed, DNS_TYPE_NSEC3, (uint8_t)n), 0);
		assert_int_equal(add_rrsig(t, hashed, DNS_TYPE_A, (uint8_t)n), 0);
	}
}

static struct zone *new_zone(const char *origin, uint32_t serial, unsigned writes)
{
	struct zone *z = zone_new(name(origin));
	assert_non_null(z);
	struct zone_txn *t = zone_txn_new(z);
	set_serial(t, origin, serial);
	assert_int_equal(add_name(t, origin, DNS_TYPE_NS, "ns.example."), 0);
	for (unsigned i = 0; i < writes; i++) {
		random_write(t, origin);
	}
	assert_int_equal(zone_txn_commit_load(t), 0);
	return z;
}

static uint32_t serial_of(struct zone *z)
{
	struct zone_snapshot *s = zone_current(z);
	uint32_t serial = zone_snapshot_serial(s);
	zone_snapshot_unref(s);
	return serial;
}

/* The next version, by some random writes. */
static struct zone_changeset *change(struct zone *z, const char *origin, unsigned writes)
{
	struct zone_changeset *c = NULL;
	struct zone_txn *t = zone_txn_new(z);
	for (unsigned i = 0; i < writes; i++) {
		random_write(t, origin);
	}
	set_serial(t, origin, serial_of(z) + 1);
	assert_int_equal(zone_txn_commit(t, &c), 0);
	assert_non_null(c);
	return c;
}

static int import(struct journal *j, struct zone *z, bool with_file)
{
	struct zone_snapshot *s = zone_current(z);
	int err = journal_import(j, s, with_file ? s : NULL);
	zone_snapshot_unref(s);
	return err;
}

static int commit_one(struct journal *j, struct zone_changeset *c)
{
	struct journal_group *g = journal_begin(j);
	assert_non_null(g);
	assert_int_equal(journal_append(g, c), 0);
	return journal_commit(g);
}

/* Owner names in lower case, so that two dumps differ only where the records do. */
static struct dump plain_dump(const struct zone_snapshot *s)
{
	struct dump d = {NULL, 0};
	struct zone_iterator *walk = zone_iterate(s, NULL);
	for (const struct zone_node *node; (node = zone_iterator_next(walk));) {
		struct wire_name owner;
		wire_name_set(&owner, zone_node_name(node));
		wire_name_lower(owner.data);
		dump_put(&d, owner.data, owner.len);
		for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
			const struct zone_rrset *set = zone_node_rrset_at(node, i);
			dump_put(&d, set, sizeof(*set) + set->size);
		}
	}
	zone_iterator_free(walk);
	dump_put(&d, "", 1);
	return d;
}

static void assert_same(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	struct dump x = plain_dump(a), y = plain_dump(b);
	assert_true(dump_same(&x, &y));
	free(x.data);
	free(y.data);
}

/* Load a zone; its snapshot and what its file says are compared with `zone` and `file` (NULL: not known). */
static void assert_stored(struct journal *j, struct zone *zone, const struct zone_snapshot *file)
{
	struct zone *loaded = zone_new(zone_origin(zone));
	struct journal_loaded l;
	int err = journal_load(j, loaded, &l);
	if (err) {
		print_message("%s\n", journal_words(j));
	}
	assert_int_equal(err, 0);
	assert_false(l.history_damaged);
	struct zone_snapshot *a = zone_current(zone), *b = zone_current(loaded);
	assert_int_equal(l.serial, zone_snapshot_serial(a));
	assert_same(a, b);
	assert_int_equal(l.file != NULL, file != NULL);
	if (file) {
		assert_same(file, l.file);
	}
	zone_snapshot_unref(l.file);
	zone_snapshot_unref(a);
	zone_snapshot_unref(b);
	zone_free(loaded);
}

/* ---- what is stored comes back ---- */

static void test_changes_survive_reopening(void **state)
{
	(void)state;
	struct zone *z[2] = {new_zone("example.", 1, 300), new_zone("other.test.", 7, 100)};
	const char *origins[2] = {"example.", "other.test."};
	struct zone_snapshot *file = zone_current(z[0]);
	struct journal *j = open_journal();
	assert_int_equal(import(j, z[0], true), 0);
	assert_int_equal(import(j, z[1], false), 0);

	for (unsigned round = 0; round < 40; round++) {
		struct journal_group *g = journal_begin(j);
		for (unsigned i = random_next(&seed) % 5; i < 6; i++) {
			unsigned which = random_next(&seed) % 2;
			struct zone_changeset *c = change(z[which], origins[which], random_next(&seed) % 20);
			assert_int_equal(journal_append(g, c), 0);
			zone_changeset_unref(c);
		}
		assert_int_equal(journal_commit(g), 0);
		if (round % 4 == 0) {
			journal_close(j);
			j = open_journal();
			assert_stored(j, z[0], file);
			assert_stored(j, z[1], NULL);
		}
	}
	journal_close(j);
	zone_snapshot_unref(file);
	zone_free(z[0]);
	zone_free(z[1]);
}

/* What the zone file says is kept apart from what updates made of the zone, and is free while they agree. */
static void test_file_is_kept_apart(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 100);
	struct zone *edited = new_zone("example.", 50, 120);
	struct zone_snapshot *first = zone_current(z), *file = zone_current(edited);
	struct journal *j = open_journal();
	assert_int_equal(import(j, z, true), 0);
	for (unsigned round = 0; round < 10; round++) {
		struct zone_changeset *c = change(z, "example.", 15);
		assert_int_equal(commit_one(j, c), 0);
		zone_changeset_unref(c);
		assert_stored(j, z, first);
	}
	/* A reload: a change and the file's new contents in one group. */
	struct zone_changeset *c = change(z, "example.", 15);
	struct zone_snapshot *now = zone_current(z);
	struct journal_group *g = journal_begin(j);
	assert_int_equal(journal_append(g, c), 0);
	assert_int_equal(journal_set_file(g, now, file), 0);
	assert_int_equal(journal_commit(g), 0);
	assert_stored(j, z, file);
	zone_changeset_unref(c);
	zone_snapshot_unref(now);

	/* Updates that lead to what the file says, and a whole import with another file. */
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(zone_txn_become(t, file), 0);
	assert_int_equal(zone_txn_commit(t, &c), 0);
	assert_int_equal(commit_one(j, c), 0);
	zone_changeset_unref(c);
	assert_stored(j, z, file);
	now = zone_current(z);
	assert_int_equal(journal_import(j, now, first), 0);
	zone_snapshot_unref(now);
	assert_stored(j, z, first);

	journal_close(j);
	zone_snapshot_unref(first);
	zone_snapshot_unref(file);
	zone_free(edited);
	zone_free(z);
}

static void test_zones_are_found_and_forgotten(void **state)
{
	(void)state;
	struct zone *z = new_zone("Example.", 5, 30);
	struct journal *j = open_journal();
	struct journal_zone found;
	struct journal_loaded l;
	assert_int_equal(journal_find(j, name("example."), &found), ERR_NOT_FOUND);
	assert_int_equal(journal_load(j, z, &l), ERR_NOT_FOUND);
	assert_int_equal(import(j, z, true), 0);
	assert_int_equal(journal_find(j, name("eXample."), &found), 0);
	assert_true(wire_name_equal(found.origin.data, name("example.")));
	assert_int_equal(found.serial, 5);
	assert_true(found.has_file);
	assert_int_equal(found.history_count, 0);
	assert_int_equal(journal_forget(j, name("example.")), 0);
	assert_int_equal(journal_forget(j, name("example.")), 0);
	assert_int_equal(journal_find(j, name("example."), &found), ERR_NOT_FOUND);
	struct zone_changeset *c = change(z, "Example.", 3);
	assert_int_equal(commit_one(j, c), ERR_STATE);
	assert_non_null(strstr(journal_words(j), "not stored"));
	zone_changeset_unref(c);
	journal_close(j);
	zone_free(z);
}

/* ---- groups and history ---- */

static void test_group_is_all_or_nothing(void **state)
{
	(void)state;
	struct zone *a = new_zone("a.test.", 1, 50), *b = new_zone("b.test.", 1, 50);
	struct zone *stored = new_zone("a.test.", 1, 0);
	struct zone_snapshot *before = zone_current(a);
	struct zone_txn *t = zone_txn_new(stored);
	assert_int_equal(zone_txn_become(t, before), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_snapshot_unref(before);

	struct journal *j = open_journal();
	assert_int_equal(import(j, a, false), 0);
	assert_int_equal(import(j, b, false), 0);
	struct zone_changeset *good = change(a, "a.test.", 10), *skipped = change(b, "b.test.", 1);
	struct zone_changeset *late = change(b, "b.test.", 10);
	struct journal_group *g = journal_begin(j);
	assert_int_equal(journal_append(g, good), 0);
	assert_int_equal(journal_append(g, late), 0);
	assert_int_equal(journal_commit(g), ERR_STATE);
	assert_non_null(strstr(journal_words(j), "b.test. is stored at serial 1, the change is from 2"));
	assert_stored(j, stored, NULL);
	/* The journal goes on. */
	assert_int_equal(commit_one(j, good), 0);
	assert_stored(j, a, NULL);
	assert_int_equal(commit_one(j, skipped), 0);
	assert_int_equal(commit_one(j, late), 0);
	assert_stored(j, b, NULL);
	g = journal_begin(j);
	assert_int_equal(journal_commit(g), 0);
	zone_changeset_unref(good);
	zone_changeset_unref(skipped);
	zone_changeset_unref(late);
	journal_close(j);
	zone_free(stored);
	zone_free(a);
	zone_free(b);
}

static int replay(void *context, const struct journal_change *c)
{
	struct zone_txn *t = context;
	return c->added ? zone_txn_add(t, c->owner, c->type, c->ttl, c->rdata, c->len)
	                : zone_txn_remove(t, c->owner, c->type, c->rdata, c->len);
}

static int stop_at_once(void *context, const struct journal_change *c)
{
	(void)c;
	return *(int *)context;
}

/* History makes the newest version out of the one that it starts from; trimmed, it does not reach back. */
static void test_history_replays_and_is_trimmed(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 10, 200), *copy = new_zone("example.", 1, 0);
	struct journal *j = open_journal();
	struct zone_snapshot *s = zone_current(z);
	struct zone_txn *t = zone_txn_new(copy);
	assert_int_equal(zone_txn_become(t, s), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_snapshot_unref(s);
	assert_int_equal(import(j, z, true), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct zone_changeset *c = change(z, "example.", 10);
		assert_int_equal(commit_one(j, c), 0);
		zone_changeset_unref(c);
	}
	t = zone_txn_new(copy);
	assert_int_equal(journal_history(j, name("example."), 10, replay, t), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct zone_snapshot *a = zone_current(z), *b = zone_current(copy);
	assert_same(a, b);
	zone_snapshot_unref(a);
	zone_snapshot_unref(b);
	int stop = 42;
	assert_int_equal(journal_history(j, name("example."), 10, stop_at_once, &stop), 42);
	assert_int_equal(journal_history(j, name("example."), 30, stop_at_once, &stop), 0);
	assert_int_equal(journal_history(j, name("example."), 9, stop_at_once, &stop), ERR_NOT_FOUND);
	assert_int_equal(journal_history(j, name("no."), 9, stop_at_once, &stop), ERR_NOT_FOUND);

	struct journal_zone found;
	assert_int_equal(journal_trim(j, UINT64_MAX, 5), 0);
	assert_int_equal(journal_find(j, name("example."), &found), 0);
	assert_int_equal(found.history_count, 5);
	assert_int_equal(journal_history(j, name("example."), 24, stop_at_once, &stop), ERR_NOT_FOUND);
	assert_int_equal(journal_history(j, name("example."), 25, stop_at_once, &stop), 42);
	uint64_t size = found.history_size;
	assert_int_equal(journal_trim(j, size - 1, 5), 0);
	assert_int_equal(journal_find(j, name("example."), &found), 0);
	assert_int_equal(found.history_count, 4);
	assert_true(found.history_size < size);

	/* Commits keep to the limits, also with a change that is larger than all of them. */
	journal_set_limits(j, 64 << 20, 2);
	struct zone_changeset *c = change(z, "example.", 10);
	assert_int_equal(commit_one(j, c), 0);
	zone_changeset_unref(c);
	assert_int_equal(journal_find(j, name("example."), &found), 0);
	assert_int_equal(found.history_count, 2);
	journal_set_limits(j, 100, 2);
	c = change(z, "example.", 10);
	assert_int_equal(commit_one(j, c), 0);
	zone_changeset_unref(c);
	assert_int_equal(journal_find(j, name("example."), &found), 0);
	assert_int_equal(found.history_count, 0);
	assert_int_equal(found.history_size, 0);
	journal_set_limits(j, 64 << 20, 2);
	c = change(z, "example.", 10);
	assert_int_equal(commit_one(j, c), 0);
	zone_changeset_unref(c);
	assert_int_equal(journal_history(j, name("example."), 32, stop_at_once, &stop), 42);
	journal_close(j);
	zone_free(z);
	zone_free(copy);
}

/* ---- other processes, other files ---- */

static int open_fails(void)
{
	struct journal *j = NULL;
	int err = journal_open(dir, &roomy, words, &j);
	assert_null(j);
	assert_true(words[0] != 0);
	return err;
}

static void test_second_process_is_refused(void **state)
{
	(void)state;
	struct journal *j = open_journal();
	pid_t child = fork();
	if (child == 0) {
		struct journal *second = NULL;
		int err = journal_open(dir, &roomy, words, &second);
		_exit(err == ERR_EXISTS && strstr(words, "in use by another process") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	journal_close(j);
	j = open_journal();
	journal_close(j);
}

static size_t read_file(const char *path, uint8_t **ret_data)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*ret_data = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, *ret_data, (size_t)st.st_size), st.st_size);
	close(fd);
	return (size_t)st.st_size;
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* Opening gives `err` and leaves the file as it is. */
static void assert_refused(int err)
{
	uint8_t *before, *after;
	char path[128];
	snprintf(path, sizeof(path), "%s/journal.mdb", dir);
	size_t before_len = read_file(path, &before);
	assert_int_equal(open_fails(), err);
	size_t after_len = read_file(path, &after);
	assert_int_equal(before_len, after_len);
	assert_memory_equal(before, after, before_len);
	free(before);
	free(after);
}

/* Put a value into the database behind the journal's back. */
static void poke(const void *key, size_t key_len, size_t at, uint8_t bits)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {key_len, (void *)key}, v;
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, file_path("journal.mdb"), MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
	uint8_t *copy = malloc(v.mv_size);
	memcpy(copy, v.mv_data, v.mv_size);
	copy[at % v.mv_size] ^= bits;
	v.mv_data = copy;
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	free(copy);
}

static void test_foreign_and_newer_are_left_alone(void **state)
{
	(void)state;
	uint8_t format_key = 1;
	journal_close(open_journal());
	poke(&format_key, 1, 19, 2);
	assert_refused(ERR_CONFIG);
	assert_non_null(strstr(words, "format 3"));
	poke(&format_key, 1, 19, 2);
	poke(&format_key, 1, 24, 1);
	assert_refused(ERR_INVALID);
	poke(&format_key, 1, 24, 1);
	poke(&format_key, 1, 3, 0x20);
	assert_refused(ERR_CONFIG);
	assert_non_null(strstr(words, "some other program"));

	write_file(file_path("journal.mdb"), (const uint8_t *)"not a database, but a text\n", 27);
	assert_refused(ERR_CONFIG);
	uint8_t noise[8192];
	for (size_t i = 0; i < sizeof(noise); i++) {
		noise[i] = (uint8_t)random_next(&seed);
	}
	write_file(file_path("journal.mdb"), noise, sizeof(noise));
	assert_refused(ERR_CONFIG);
	write_file(file_path("journal.mdb"), noise, 0);
	assert_refused(ERR_INVALID);
	assert_non_null(strstr(words, "empty"));
}

/* ---- damage ---- */

/*
 * After damage: the very same data, or an error with words. Never other data. If it is the same, a change (NULL: none)
 * is stored as well, or refused.
 */
static bool loads_right(const struct zone_snapshot *own, const struct zone_snapshot *file, struct zone_changeset *next)
{
	struct journal *j = NULL;
	int err = journal_open(dir, &roomy, words, &j);
	if (err) {
		assert_true(err == ERR_INVALID || err == ERR_CONFIG);
		assert_true(words[0] != 0);
		return false;
	}
	struct zone *loaded = zone_new(zone_snapshot_origin(own));
	struct journal_loaded l;
	err = journal_load(j, loaded, &l);
	if (err) {
		assert_true(err == ERR_INVALID || err == ERR_NOT_FOUND);
		assert_true(journal_words(j)[0] != 0);
	} else {
		struct zone_snapshot *b = zone_current(loaded);
		assert_same(own, b);
		assert_same(file, l.file);
		zone_snapshot_unref(b);
		zone_snapshot_unref(l.file);
		err = l.history_damaged ? ERR_INVALID : 0;
		int written = next ? commit_one(j, next) : 0;
		assert_true(written == 0 || written == ERR_INVALID || written == ERR_SYSTEM);
	}
	zone_free(loaded);
	journal_close(j);
	return err == 0;
}

static void test_damaged_values_are_noticed(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 60);
	struct zone_snapshot *file = zone_current(z);
	struct journal *j = open_journal();
	assert_int_equal(import(j, z, true), 0);
	for (unsigned i = 0; i < 5; i++) {
		struct zone_changeset *c = change(z, "example.", 10);
		assert_int_equal(commit_one(j, c), 0);
		zone_changeset_unref(c);
	}
	journal_close(j);

	/* All keys. */
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val k, v;
	static struct {
		size_t len;
		uint8_t data[511];
	} keys[1000];
	size_t count = 0;
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, file_path("journal.mdb"), MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0 && count < 1000) {
		keys[count].len = k.mv_size;
		memcpy(keys[count++].data, k.mv_data, k.mv_size);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	assert_true(count > 50 && count < 1000);

	struct zone_snapshot *own = zone_current(z);
	assert_true(loads_right(own, file, NULL));
	for (size_t i = 0; i < count; i += i < 12 ? 1 : 7) {
		size_t at = random_next(&seed) % 1000;
		uint8_t bit = (uint8_t)(1u << (random_next(&seed) % 8));
		poke(keys[i].data, keys[i].len, at, bit);
		assert_false(loads_right(own, file, NULL));
		if (keys[i].data[0] > 1) {
			assert_true(strstr(words, "damaged") || words[0] == 0);
		}
		poke(keys[i].data, keys[i].len, at, bit);
	}
	assert_true(loads_right(own, file, NULL));
	zone_snapshot_unref(own);
	zone_snapshot_unref(file);
	zone_free(z);
}

/* Bits and sectors of the file: LMDB by itself gives wrong data for most of them. */
static void test_damaged_file_is_noticed_or_harmless(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 300);
	struct zone_snapshot *file = zone_current(z);
	struct journal *j = open_journal();
	uint8_t *good;
	unsigned noticed = 0;
	assert_int_equal(import(j, z, true), 0);
	for (unsigned i = 0; i < 10; i++) {
		struct zone_changeset *c = change(z, "example.", 20);
		assert_int_equal(commit_one(j, c), 0);
		zone_changeset_unref(c);
	}
	journal_close(j);
	size_t len = read_file(file_path("journal.mdb"), &good);
	uint8_t *bad = malloc(len);
	struct zone_snapshot *own = zone_current(z);
	struct zone_changeset *next = change(z, "example.", 20);
	for (unsigned round = 0; round < 300; round++) {
		memcpy(bad, good, len);
		size_t cut = len;
		if (round % 3 == 0) {
			memset(bad + random_next(&seed) % (len / 512) * 512, 0, 512);
		} else if (round % 10 == 1) {
			cut = random_next(&seed) % len;
		} else {
			bad[random_next(&seed) % len] ^= (uint8_t)(1u << (random_next(&seed) % 8));
		}
		write_file(file_path("journal.mdb"), bad, cut);
		noticed += !loads_right(own, file, next);
	}
	assert_true(noticed > 20);
	write_file(file_path("journal.mdb"), good, len);
	assert_true(loads_right(own, file, next));
	zone_changeset_unref(next);
	zone_snapshot_unref(own);
	free(bad);
	free(good);
	zone_snapshot_unref(file);
	zone_free(z);
}

/* ---- crashes ---- */

/* Under a sanitizer each fork copies its shadow: minutes for what takes a second. clang says it by a feature. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
enum { CRASH_ROUNDS = 4, IMPORT_CRASH_ROUNDS = 0 };
#else
enum { CRASH_ROUNDS = 50, IMPORT_CRASH_ROUNDS = 50 };
#endif

/* In a child: commit changes that add a counter, telling the parent of each that is acknowledged. */
static void child_commits(int fd)
{
	struct journal *j = open_journal();
	struct zone *z = zone_new(name("example."));
	struct journal_loaded l;
	assert_int_equal(journal_load(j, z, &l), 0);
	zone_snapshot_unref(l.file);
	for (;;) {
		struct zone_changeset *c = NULL;
		struct zone_txn *t = zone_txn_new(z);
		uint32_t serial = serial_of(z) + 1;
		set_serial(t, "example.", serial);
		assert_int_equal(zone_txn_remove_rrset(t, name("counter.example."), DNS_TYPE_A), 0);
		assert_int_equal(add_a(t, "counter.example.", serial & 0xffff), 0);
		assert_int_equal(zone_txn_commit(t, &c), 0);
		if (commit_one(j, c) || write(fd, &serial, sizeof(serial)) != sizeof(serial)) {
			_exit(1);
		}
		zone_changeset_unref(c);
	}
}

static void kill_after(pid_t child, long microseconds)
{
	struct timespec pause = {0, microseconds * 1000};
	nanosleep(&pause, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Every acknowledged change is there; at most one more, that was being acknowledged; never a mixture. */
static void test_kill_in_commit_loses_nothing(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 0);
	struct journal *j = open_journal();
	uint32_t acknowledged = 1, total = 0;
	assert_int_equal(import(j, z, true), 0);
	journal_close(j);
	zone_free(z);
	for (unsigned round = 0; round < CRASH_ROUNDS; round++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0) {
			close(ends[0]);
			child_commits(ends[1]);
		}
		close(ends[1]);
		kill_after(child, random_next(&seed) % 30000);
		for (uint32_t serial; read(ends[0], &serial, sizeof(serial)) == sizeof(serial);) {
			acknowledged = serial;
			total++;
		}
		close(ends[0]);
		j = open_journal();
		z = zone_new(name("example."));
		struct journal_loaded l;
		assert_int_equal(journal_load(j, z, &l), 0);
		assert_false(l.history_damaged);
		zone_snapshot_unref(l.file);
		assert_true(l.serial == acknowledged || l.serial == acknowledged + 1);
		acknowledged = l.serial;
		if (l.serial > 1) {
			struct zone_snapshot *s = zone_current(z);
			const struct zone_node *node = zone_find(s, name("counter.example."));
			const struct zone_rrset *set = node ? zone_node_rrset(node, DNS_TYPE_A) : NULL;
			assert_non_null(set);
			uint8_t rdata[4] = {192, 0, (uint8_t)(l.serial >> 8), (uint8_t)l.serial};
			assert_int_equal(set->count, 1);
			assert_true(zone_rrset_has(set, rdata, sizeof(rdata)));
			zone_snapshot_unref(s);
		}
		journal_close(j);
		zone_free(z);
	}
	assert_true(total > 0);
}

static struct zone *many_records(uint32_t serial, unsigned count)
{
	struct zone *z = new_zone("example.", serial, 0);
	struct zone_txn *t = zone_txn_new(z);
	char owner[64];
	for (unsigned i = 0; i < count; i++) {
		snprintf(owner, sizeof(owner), "host-%u-%u.example.", (unsigned)serial, i);
		assert_int_equal(add_a(t, owner, i & 0xffff), 0);
	}
	assert_int_equal(zone_txn_commit_load(t), 0);
	return z;
}

/* The old zone or the new one, whole; what was written of another is gone after the next start. */
static void test_kill_in_import_leaves_old_or_new(void **state)
{
	(void)state;
	if (IMPORT_CRASH_ROUNDS == 0) {
		print_message("an import in a fork takes 15 s under a sanitizer: the plain build runs this\n");
		skip();
	}
	struct zone *zones[2] = {many_records(1, 20000), many_records(2, 20000)};
	unsigned now = 0, changed = 0;
	struct journal *j = open_journal();
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(import(j, zones[0], true), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	journal_close(j);
	/* Kill up to twice as late as an import takes, so that both outcomes happen however slow the machine is. */
	uint32_t span = (uint32_t)((end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000) * 2;
	span = span < 1000 ? 1000 : span > 900000 ? 900000 : span;
	for (int round = 0; round < IMPORT_CRASH_ROUNDS; round++) {
		unsigned next = (now + 1) % 2;
		pid_t child = fork();
		if (child == 0) {
			_exit(import(open_journal(), zones[next], true) ? 1 : 0);
		}
		kill_after(child, random_next(&seed) % span);
		j = open_journal();
		struct journal_zone found;
		assert_int_equal(journal_find(j, name("example."), &found), 0);
		assert_true(found.serial == now + 1 || found.serial == next + 1);
		changed += found.serial == next + 1;
		now = found.serial - 1;
		if (round % 10 == 0) {
			struct zone_snapshot *file = zone_current(zones[now]);
			assert_stored(j, zones[now], file);
			zone_snapshot_unref(file);
		}
		journal_close(j);
	}
	/* How many got through is the machine's business; each was whole. */
	print_message("%u of %u imports finished before the kill\n", changed, (unsigned)IMPORT_CRASH_ROUNDS);
	zone_free(zones[0]);
	zone_free(zones[1]);
}

/* ---- no room, no memory ---- */

static void test_full_map_grows(void **state)
{
	(void)state;
	struct journal_options tiny = roomy;
	tiny.map_size = 64 << 10;
	struct zone *z = many_records(1, 5000);
	struct zone_snapshot *file = zone_current(z);
	struct journal *j = open_with(&tiny);
	assert_int_equal(import(j, z, true), 0);
	for (unsigned i = 0; i < 60; i++) {
		struct zone_changeset *c = change(z, "example.", 500);
		assert_int_equal(commit_one(j, c), 0);
		zone_changeset_unref(c);
	}
	assert_stored(j, z, file);
	journal_close(j);
	j = open_with(&tiny);
	assert_stored(j, z, file);
	journal_close(j);
	zone_snapshot_unref(file);
	zone_free(z);
}

/* Each allocation of an update and of a load fails once: nothing is written or leaked, and it works afterwards. */
static void test_failing_memory(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 40);
	struct zone_snapshot *file = zone_current(z);
	struct journal *j = NULL;
	int err;
	long at = 0;
	do {
		mem_fail_after(at++);
		err = journal_open(dir, &roomy, words, &j);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NOMEM);
	} while (err);
	assert_int_equal(import(j, z, true), 0);
	struct zone_changeset *c = change(z, "example.", 10);
	at = 0;
	do {
		mem_fail_after(at++);
		struct journal_group *g = journal_begin(j);
		err = g ? journal_append(g, c) : ERR_NOMEM;
		if (err) {
			journal_abort(g);
		} else {
			err = journal_commit(g);
		}
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NOMEM);
	} while (err);
	assert_true(at > 3);
	zone_changeset_unref(c);
	at = 0;
	do {
		struct zone *loaded = zone_new(name("example."));
		struct journal_loaded l = {0};
		mem_fail_after(at++);
		err = journal_load(j, loaded, &l);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NOMEM);
		zone_snapshot_unref(l.file);
		zone_free(loaded);
	} while (err);
	at = 0;
	do {
		struct zone_snapshot *s = zone_current(z);
		mem_fail_after(at++);
		err = journal_import(j, s, file);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NOMEM);
		zone_snapshot_unref(s);
	} while (err);
	assert_stored(j, z, file);
	journal_close(j);
	zone_snapshot_unref(file);
	zone_free(z);
}

/* An I/O error in the sync: the update fails, the journal is opened again by itself and holds what it held. */
static void test_failed_sync_leaves_nothing(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 100), *old = zone_new(name("example."));
	struct journal *j = open_journal();
	struct journal_loaded l;
	assert_int_equal(import(j, z, false), 0);
	assert_int_equal(journal_load(j, old, &l), 0);
	struct zone_changeset *c = change(z, "example.", 20);
	sync_fails = true;
	assert_int_equal(commit_one(j, c), ERR_SYSTEM);
	assert_false(sync_fails);
	assert_non_null(strstr(journal_words(j), strerror(EIO)));
	assert_stored(j, old, NULL);
	assert_int_equal(commit_one(j, c), 0);
	assert_stored(j, z, NULL);
	zone_changeset_unref(c);
	journal_close(j);
	zone_free(old);
	zone_free(z);
}

/* The last write of a commit is reported as failed but happened: the zone is refused until it was loaded again. */
static void test_failed_head_is_asked_of_the_disk(void **state)
{
	(void)state;
	struct zone *z = new_zone("example.", 1, 100);
	struct journal *j = open_journal();
	assert_int_equal(import(j, z, false), 0);
	struct zone_changeset *c = change(z, "example.", 20), *next = change(z, "example.", 20);
	head_fails = true;
	assert_int_equal(commit_one(j, c), ERR_SYSTEM);
	head_fails = false;
	assert_int_equal(commit_one(j, c), ERR_STATE);
	assert_non_null(strstr(journal_words(j), "load it again"));
	struct zone *loaded = zone_new(name("example."));
	struct journal_loaded l;
	assert_int_equal(journal_load(j, loaded, &l), 0);
	assert_int_equal(l.serial, 2);
	assert_int_equal(commit_one(j, next), 0);
	assert_stored(j, z, NULL);
	zone_changeset_unref(c);
	zone_changeset_unref(next);
	journal_close(j);
	zone_free(loaded);
	zone_free(z);
}

/* A full disk: the update fails with words, nothing of it is there, and it works again once there is room. */
static void test_full_disk_heals(void **state)
{
	(void)state;
	if (mount("none", dir, "tmpfs", 0, "size=2m,mode=0700")) {
		print_message("skipped, cannot mount a small disk: %s\n", strerror(errno));
		skip();
	}
	struct zone *z = new_zone("example.", 1, 100);
	struct zone_snapshot *file = zone_current(z);
	struct journal *j = open_journal();
	assert_int_equal(import(j, z, true), 0);
	char ballast[128];
	snprintf(ballast, sizeof(ballast), "head -c 8M /dev/zero >%s/ballast 2>/dev/null; true", dir);
	struct zone_snapshot *before = zone_current(z);
	run(ballast);
	struct zone_changeset *c = change(z, "example.", 400);
	int err = commit_one(j, c);
	for (unsigned i = 0; !err && i < 100; i++) {
		/* Free pages of the file take a few. */
		zone_changeset_unref(c);
		zone_snapshot_unref(before);
		before = zone_current(z);
		c = change(z, "example.", 400);
		err = commit_one(j, c);
	}
	assert_int_equal(err, ERR_SYSTEM);
	assert_non_null(strstr(journal_words(j), "journal.mdb"));
	struct journal_zone found;
	assert_int_equal(journal_find(j, name("example."), &found), 0);
	assert_int_equal(found.serial, zone_snapshot_serial(before));
	assert_int_equal(unlink(file_path("ballast")), 0);
	assert_int_equal(commit_one(j, c), 0);
	assert_stored(j, z, file);
	zone_changeset_unref(c);
	zone_snapshot_unref(before);
	zone_snapshot_unref(file);
	journal_close(j);
	zone_free(z);
	assert_int_equal(umount(dir), 0);
}

int main(int argc, char **argv)
{
#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
	        JOURNAL_TEST(test_changes_survive_reopening),
	        JOURNAL_TEST(test_file_is_kept_apart),
	        JOURNAL_TEST(test_zones_are_found_and_forgotten),
	        JOURNAL_TEST(test_group_is_all_or_nothing),
	        JOURNAL_TEST(test_history_replays_and_is_trimmed),
	        JOURNAL_TEST(test_second_process_is_refused),
	        JOURNAL_TEST(test_foreign_and_newer_are_left_alone),
	        JOURNAL_TEST(test_damaged_values_are_noticed),
	        JOURNAL_TEST(test_damaged_file_is_noticed_or_harmless),
	        JOURNAL_TEST(test_kill_in_commit_loses_nothing),
	        JOURNAL_TEST(test_kill_in_import_leaves_old_or_new),
	        JOURNAL_TEST(test_full_map_grows),
	        JOURNAL_TEST(test_failing_memory),
	        JOURNAL_TEST(test_failed_sync_leaves_nothing),
	        JOURNAL_TEST(test_failed_head_is_asked_of_the_disk),
	        JOURNAL_TEST(test_full_disk_heals),
	};
	if (argc > 1) {
		cmocka_set_test_filter(argv[1]);
	}
	if (argc > 2) {
		seed = (uint32_t)strtoul(argv[2], NULL, 10) | 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
