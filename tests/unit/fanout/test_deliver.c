#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fanout/deliver.h"
#include "wire/dns.h"

enum { SESSIONS = 6 };

static struct peer {
	struct fanout_session session; /* first */
	bool pads;
	unsigned sends;
	const uint8_t *bytes;
	uint64_t sum; /* of the bytes, as they are gone after the call */
	size_t len;
	size_t changes;
	int err;
} peers[SESSIONS];

static struct fanout_index *x;
static struct fanout_batch *batch;
static unsigned lost_count, diff_count;
static size_t rdata_len;

static const uint8_t name_a[] = {1, 'a', 0};
static const uint8_t name_ba[] = {1, 'b', 1, 'a', 0};
static const uint8_t rdata[17000];

/* A key of type A gets one A record; ANY that one and a TXT; NS is lost; SOA does not change; PTR fails. */
static int diff(void *context, const struct fanout_key *key, struct feed_list *ret_changes,
                struct fanout_outcome *ret_outcome)
{
	struct feed_change c = {.owner = fanout_key_name(key),
	                        .rdata = rdata,
	                        .ttl = 60,
	                        .rdata_len = 4,
	                        .type = DNS_TYPE_A,
	                        .dns_class = DNS_CLASS_IN,
	                        .op = FEED_ADD};
	(void)context;
	diff_count++;
	if (key->type == DNS_TYPE_NS) {
		ret_outcome->lost = true;
		return 0;
	}
	if (key->type == DNS_TYPE_SOA) {
		return 0;
	}
	if (key->type == DNS_TYPE_PTR) {
		return ERR_NOMEM;
	}
	int err = feed_list_add(ret_changes, &c);
	if (!err && key->type == DNS_TYPE_ANY) {
		c.type = 10 /* NULL */;
		c.rdata_len = (uint16_t)rdata_len;
		err = feed_list_add(ret_changes, &c);
	}
	return err;
}

static bool pads(void *context, const struct fanout_session *session)
{
	(void)context;
	return ((const struct peer *)session)->pads;
}

static void send(void *context, struct fanout_session *session, const uint8_t *bytes, size_t len, size_t changes,
                 int err)
{
	struct peer *p = (struct peer *)session;
	(void)context;
	assert_int_equal(lost_count, 0);
	assert_true((bytes == NULL) == (err != 0));
	p->sends++;
	p->bytes = bytes;
	p->len = len;
	p->changes = changes;
	p->err = err;
	p->sum = 0;
	for (size_t i = 0; bytes && i < len; i++) {
		p->sum = p->sum * 31 + bytes[i];
	}
}

static void lost(void *context, struct fanout_key *key)
{
	(void)context;
	assert_int_equal(key->type, DNS_TYPE_NS);
	lost_count++;
	while (key->count > 1) {
		fanout_remove(x, key, key->subscribers[0]);
	}
	fanout_remove(x, key, key->subscribers[0]);
}

static int setup(void **state)
{
	static const struct fanout_callbacks callbacks = {diff, pads, send, lost};
	(void)state;
	memset(peers, 0, sizeof(peers));
	lost_count = diff_count = 0;
	rdata_len = 20;
	x = fanout_index_new();
	batch = fanout_batch_new(x, &callbacks, NULL);
	return !batch;
}

static int drop_all(void *context, struct fanout_key *key)
{
	*(struct fanout_key **)context = key;
	return 1;
}

static int teardown(void **state)
{
	struct fanout_key *key;
	(void)state;
	while (fanout_index_walk(x, (const uint8_t *)"", true, drop_all, &key)) {
		fanout_remove(x, key, key->subscribers[0]);
	}
	fanout_batch_free(batch);
	fanout_batch_free(NULL);
	fanout_index_free(x);
	return 0;
}

static void enter(unsigned peer, const uint8_t *name, uint16_t type)
{
	assert_int_equal(fanout_add(x, fanout_key_get(x, name, type, DNS_CLASS_IN), &peers[peer].session), 0);
}

static int run(const uint8_t *name, bool subtree)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		peers[i].sends = 0;
	}
	fanout_batch_begin(batch);
	int err = fanout_batch_touch(batch, name, subtree);
	if (!err) {
		err = fanout_batch_touch(batch, name, subtree); /* seen before: passed over */
	}
	if (!err) {
		fanout_batch_deliver(batch);
	}
	return err;
}

/* One encoding a group: who touched the same keys shares bytes, padding goes apart. */
static void equal_sessions_share_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		enter(i, name_a, DNS_TYPE_A);
	}
	peers[3].pads = true;
	enter(4, name_a, DNS_TYPE_ANY);
	enter(5, name_a, DNS_TYPE_SOA);
	assert_int_equal(run(name_a, false), 0);
	struct fanout_batch_stats stats = fanout_batch_stats(batch);
	assert_int_equal(stats.encoding_count, 3);
	assert_int_equal(stats.session_count, 5);
	assert_int_equal(stats.key_count, 2);
	assert_int_equal(diff_count, 3);
	for (unsigned i = 0; i < SESSIONS; i++) {
		assert_int_equal(peers[i].sends, i < 5 ? 1 : 0);
	}
	assert_ptr_equal(peers[0].bytes, peers[1].bytes);
	assert_ptr_equal(peers[0].bytes, peers[2].bytes);
	assert_int_equal(peers[0].sum, peers[2].sum);
	assert_int_equal(peers[0].changes, 1);
	assert_int_equal(peers[3].len - 2, 468);
	assert_int_equal(peers[4].changes, 2);
	/* Several keys each: the same ones share again, in whatever order they were entered. */
	enter(1, name_ba, DNS_TYPE_A);
	enter(0, name_ba, DNS_TYPE_A);
	assert_int_equal(run(name_a, true), 0);
	assert_int_equal(fanout_batch_stats(batch).encoding_count, 4);
	assert_ptr_equal(peers[0].bytes, peers[1].bytes);
	assert_int_equal(peers[0].changes, 2);
	assert_int_equal(peers[2].changes, 1);
	/* Nobody there: nothing happens. */
	assert_int_equal(run((const uint8_t *)"\1z", true), 0);
	assert_int_equal(fanout_batch_stats(batch).session_count, 0);
}

/* PUSH-081: a change that several subscriptions of a session match stands once in its message. */
static void overlapping_keys_give_a_change_once(void **state)
{
	(void)state;
	enter(0, name_a, DNS_TYPE_A);
	enter(0, name_a, DNS_TYPE_ANY);
	assert_int_equal(run(name_a, false), 0);
	assert_int_equal(peers[0].sends, 1);
	assert_int_equal(peers[0].changes, 2);
}

static void lost_keys_come_after_all_sends(void **state)
{
	(void)state;
	enter(0, name_a, DNS_TYPE_A);
	enter(0, name_a, DNS_TYPE_NS);
	enter(1, name_a, DNS_TYPE_NS);
	assert_int_equal(run(name_a, false), 0);
	assert_int_equal(lost_count, 1);
	assert_int_equal(peers[0].sends, 1);
	assert_int_equal(peers[1].sends, 0);
	assert_int_equal(fanout_index_stats(x).key_count, 1);
}

static void errors_are_told(void **state)
{
	(void)state;
	rdata_len = sizeof(rdata);
	enter(0, name_a, DNS_TYPE_ANY);
	enter(1, name_a, DNS_TYPE_A);
	assert_int_equal(run(name_a, false), 0);
	assert_int_equal(peers[0].err, ERR_SPACE);
	assert_int_equal(peers[1].err, 0);
	enter(2, name_ba, DNS_TYPE_PTR);
	assert_int_equal(run(name_a, true), ERR_NOMEM);
}

static void memory_may_end(void **state)
{
	(void)state;
	bool failed = true;
	for (unsigned i = 0; i < SESSIONS; i++) {
		enter(i, name_a, i % 2 ? DNS_TYPE_A : DNS_TYPE_ANY);
		enter(i, name_ba, DNS_TYPE_A);
	}
	for (long after = 0; failed; after++) {
		teardown(NULL);
		setup(NULL);
		for (unsigned i = 0; i < SESSIONS; i++) {
			enter(i, name_a, i % 2 ? DNS_TYPE_A : DNS_TYPE_ANY);
		}
		mem_fail_after(after);
		int err = run(name_a, true);
		failed = mem_failed();
		mem_fail_after(-1);
		size_t bad = 0;
		for (unsigned i = 0; i < SESSIONS; i++) {
			assert_int_equal(peers[i].sends, err ? 0 : 1);
			assert_true(peers[i].err == 0 || peers[i].err == ERR_NOMEM);
			bad += peers[i].err != 0;
		}
		assert_true(failed ? err || bad > 0 : !err && bad == 0);
		assert_true(after < 50);
	}
}

/* ---- merging ---- */

static struct feed_change change_of(const uint8_t *owner, enum feed_op op, uint16_t type, const char *text)
{
	return (struct feed_change){.owner = owner,
	                            .rdata = (const uint8_t *)text,
	                            .rdata_len = text ? (uint16_t)strlen(text) : 0,
	                            .type = type,
	                            .dns_class = DNS_CLASS_IN,
	                            .op = (uint8_t)op};
}

static void merge_puts_removals_first_and_doubles_out(void **state)
{
	struct feed_list l;
	const struct feed_change in[] = {
	        change_of(name_ba, FEED_ADD, 16, "x"),      change_of(name_a, FEED_ADD, 1, "aaaa"),
	        change_of(name_a, FEED_REMOVE, 1, "bbbb"),  change_of(name_a, FEED_ADD, 1, "aaaa"),
	        change_of(name_ba, FEED_REMOVE, 16, "xx"),  change_of(name_a, FEED_REMOVE, 1, "bbbb"),
	        change_of(name_ba, FEED_REMOVE, 16, "xxy"),
	};
	(void)state;
	feed_list_init(&l);
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		assert_int_equal(feed_list_add(&l, &in[i]), 0);
	}
	fanout_merge(&l, NULL, 0);
	assert_int_equal(l.count, 5);
	for (size_t i = 0; i < l.count; i++) {
		assert_int_equal(l.items[i].op == FEED_ADD, i >= 3);
	}
	/* Name by name within each part. */
	assert_ptr_equal(l.items[1].owner, l.items[2].owner);
	feed_list_done(&l);
	/* One or none is left as it is. */
	fanout_merge(&l, NULL, 0);
	assert_int_equal(l.count, 0);
}

/* PUSH-083: several removals of a name that is empty now are one; a single one stays what it is. */
static void merge_folds_names_that_are_empty(void **state)
{
	struct feed_list l;
	const uint8_t *const empty[] = {name_a};
	const struct feed_change in[] = {
	        change_of(name_a, FEED_REMOVE, 1, "aaaa"),  change_of(name_a, FEED_REMOVE_RRSET, 16, NULL),
	        change_of(name_ba, FEED_REMOVE, 1, "aaaa"), change_of(name_ba, FEED_REMOVE, 1, "bbbb"),
	        change_of(name_ba, FEED_ADD, 1, "cccc"),
	};
	(void)state;
	feed_list_init(&l);
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		assert_int_equal(feed_list_add(&l, &in[i]), 0);
	}
	fanout_merge(&l, empty, 1);
	assert_int_equal(l.count, 4);
	assert_int_equal(l.items[0].op, FEED_REMOVE_CLASS);
	assert_int_equal(l.items[0].type, DNS_TYPE_ANY);
	assert_true(wire_name_equal(l.items[0].owner, name_a));
	assert_int_equal(l.items[3].op, FEED_ADD);
	l.count = 0;
	assert_int_equal(feed_list_add(&l, &in[0]), 0);
	fanout_merge(&l, empty, 1);
	assert_int_equal(l.items[0].op, FEED_REMOVE);
	feed_list_done(&l);
}

#define WITH_BATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_BATCH(equal_sessions_share_bytes),
	        WITH_BATCH(overlapping_keys_give_a_change_once),
	        WITH_BATCH(lost_keys_come_after_all_sends),
	        WITH_BATCH(errors_are_told),
	        WITH_BATCH(memory_may_end),
	        cmocka_unit_test(merge_puts_removals_first_and_doubles_out),
	        cmocka_unit_test(merge_folds_names_that_are_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
