#include "store_help.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "zone/version.h"

static struct zone *zone_with_apex(void)
{
	struct zone *z = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_soa(t, "example.", 1), 0);
	assert_int_equal(add_name(t, "example.", DNS_TYPE_NS, "ns.example."), 0);
	assert_int_equal(add_a(t, "ns.example.", 1), 0);
	assert_int_equal(add_a(t, "ns.example.", 2), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	return z;
}

static void test_refusals(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	assert_null(zone_txn_new(z)); /* one at a time */
	assert_int_equal(add_a(t, "example.org.", 1), ERR_NOTZONE);
	assert_int_equal(add_a(t, ".", 1), ERR_NOTZONE);
	assert_int_equal(add_a(t, "anexample.", 1), ERR_NOTZONE);
	assert_int_equal(zone_txn_set_rrset(t, name("org."), DNS_TYPE_A, zone_txn_rrset(t, name("ns.example."), 1)),
	                 ERR_NOTZONE);
	assert_int_equal(zone_txn_add(t, name("example."), DNS_TYPE_ANY, 1, NULL, 0), ERR_INVALID);
	assert_int_equal(zone_txn_add(t, name("example."), DNS_TYPE_OPT, 1, NULL, 0), ERR_INVALID);
	assert_int_equal(zone_txn_set_rrset(t, name("example."), DNS_TYPE_TSIG, NULL), ERR_INVALID);
	/* What is not there is no error. */
	assert_int_equal(remove_a(t, "example.org.", 1), 0);
	assert_int_equal(remove_a(t, "none.example.", 1), 0);
	assert_int_equal(remove_a(t, "ns.example.", 77), 0);
	assert_int_equal(zone_txn_remove_rrset(t, name("ns.example."), DNS_TYPE_TXT), 0);
	assert_int_equal(zone_txn_remove_rrset(t, name("org."), DNS_TYPE_TXT), 0);
	assert_int_equal(zone_txn_remove_name(t, name("none.example.")), 0);
	assert_int_equal(zone_txn_remove_name(t, name("org.")), 0);
	assert_false(zone_txn_changed(t));
	assert_null(zone_txn_find(t, name("none.example.")));
	assert_memory_equal(zone_txn_origin(t), "\7example", 9);
	zone_txn_abort(t);
	zone_txn_abort(NULL);
	zone_free(z);
}

static void test_ttl_of_an_rrset(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	const uint8_t *ns = name("ns.example.");
	static const uint8_t one[] = {192, 0, 0, 1}, three[] = {192, 0, 0, 3};

	assert_int_equal(zone_txn_add(t, ns, DNS_TYPE_A, 300, one, 4), 0);
	assert_false(zone_txn_changed(t));
	assert_int_equal(zone_txn_add(t, ns, DNS_TYPE_A, 60, one, 4), 0);
	assert_true(zone_txn_changed(t));
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->ttl, 60);
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->count, 2);
	assert_int_equal(zone_txn_add(t, ns, DNS_TYPE_A, 61, three, 4), 0);
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->ttl, 61);
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->count, 3);
	/* RFC 2181 8: with the top bit set it counts as zero. */
	assert_int_equal(zone_txn_add(t, ns, DNS_TYPE_A, 0x80000000, one, 4), 0);
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->ttl, 0);
	assert_int_equal(zone_txn_add(t, ns, DNS_TYPE_A, 0x7fffffff, one, 4), 0);
	assert_int_equal(zone_txn_rrset(t, ns, DNS_TYPE_A)->ttl, 0x7fffffff);
	zone_txn_abort(t);
	zone_free(z);
}

static void test_letters_are_kept(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_a(t, "WwW.example.", 1), 0);
	assert_int_equal(add_a(t, "www.EXAMPLE.", 2), 0);
	const struct zone_node *node = zone_txn_find(t, name("www.example."));
	assert_memory_equal(zone_node_name(node), "\3WwW\7example", 13);
	assert_int_equal(zone_node_rrset(node, DNS_TYPE_A)->count, 2);
	zone_txn_abort(t);
	zone_free(z);
}

static void test_abort_leaves_all_as_before(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct dump before = dump_current(z);
	size_t memory = zone_memory(z);
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(remove_a(t, "ns.example.", 1), 0);
	assert_int_equal(zone_txn_remove_name(t, name("example.")), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(add_a(t, "many.example.", i * 37 % 100), 0);
		assert_int_equal(add_a(t, i % 2 ? "a.b.c.example." : "d.c.example.", i), 0);
	}
	zone_txn_abort(t);
	struct dump after = dump_current(z);
	assert_true(dump_same(&before, &after));
	/* The garbage list may have grown; what it listed is not gone. */
	assert_true(zone_memory(z) - z->heap.garbage_cap * sizeof(uintptr_t) == memory);
	free(before.data);
	free(after.data);
	zone_free(z);
}

static void test_nothing_changed_is_no_version(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_changeset *c = (struct zone_changeset *)1;
	struct zone_snapshot *before = zone_current(z);
	assert_int_equal(zone_txn_commit(zone_txn_new(z), &c), 0);
	assert_null(c);
	assert_int_equal(zone_txn_commit_load(zone_txn_new(z)), 0);

	/* There and back again. */
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_a(t, "x.example.", 1), 0);
	assert_int_equal(remove_a(t, "ns.example.", 1), 0);
	assert_int_equal(remove_a(t, "x.example.", 1), 0);
	assert_int_equal(add_a(t, "ns.example.", 1), 0);
	assert_true(zone_txn_changed(t));
	c = (struct zone_changeset *)1;
	assert_int_equal(zone_txn_commit(t, &c), 0);
	assert_null(c);
	struct zone_snapshot *after = zone_current(z);
	assert_ptr_equal(before, after);
	zone_snapshot_unref(before);
	zone_snapshot_unref(after);
	zone_free(z);
}

static void test_signatures_of_nsec3(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	const uint8_t *owner = name("80.example.");
	assert_int_equal(add_rrsig(t, "80.example.", DNS_TYPE_NSEC3, 1), 0);
	assert_null(zone_txn_find(t, owner));
	assert_int_equal(zone_txn_rrset(t, owner, DNS_TYPE_RRSIG)->count, 1);
	assert_int_equal(add_rrsig(t, "80.example.", DNS_TYPE_A, 2), 0);
	assert_int_equal(add_rrsig(t, "80.example.", DNS_TYPE_TXT, 3), 0);
	const struct zone_rrset *both = zone_txn_rrset(t, owner, DNS_TYPE_RRSIG);
	assert_int_equal(both->count, 2);

	/* A set with both sorts is parted. */
	assert_int_equal(add_rrsig(t, "mix.example.", DNS_TYPE_A, 4), 0);
	size_t size = both->size;
	struct zone_rrset *mixed = calloc(1, sizeof(*mixed) + 3 * size);
	*mixed = *both;
	memcpy(mixed->data, both->data, size);
	memcpy(mixed->data + size, both->data, size / 2);
	mixed->data[size + 2] = 0;
	mixed->data[size + 3] = DNS_TYPE_NSEC3;
	mixed->size = (uint32_t)(size + size / 2);
	mixed->count = 3;
	assert_int_equal(zone_txn_set_rrset(t, name("mix.example."), DNS_TYPE_RRSIG, mixed), 0);
	assert_int_equal(zone_txn_rrset(t, name("mix.example."), DNS_TYPE_RRSIG)->count, 2);
	assert_int_equal(zone_txn_remove_rrset(t, name("mix.example."), DNS_TYPE_RRSIG), 0);
	assert_null(zone_txn_rrset(t, name("mix.example."), DNS_TYPE_RRSIG));
	free(mixed);

	uint8_t rdata[20] = {0, DNS_TYPE_A, 13, 2};
	rdata[19] = 2;
	assert_int_equal(zone_txn_remove(t, owner, DNS_TYPE_RRSIG, rdata, sizeof(rdata)), 0);
	rdata[1] = DNS_TYPE_NSEC3;
	rdata[19] = 1;
	assert_int_equal(zone_txn_remove(t, owner, DNS_TYPE_RRSIG, rdata, sizeof(rdata)), 0);
	assert_int_equal(zone_txn_rrset(t, owner, DNS_TYPE_RRSIG)->count, 1);
	assert_int_equal(zone_txn_remove_name(t, owner), 0);
	assert_null(zone_txn_rrset(t, owner, DNS_TYPE_RRSIG));
	zone_txn_abort(t);
	zone_free(z);
}

/* 10,000 and more in one RRset, in any order, each in its place; then gone again one by one. */
static void test_large_rrset(void **state)
{
	(void)state;
	enum { COUNT = 12007 };
	struct zone *z = zone_with_apex();
	for (int round = 0; round < 2; round++) {
		struct zone_txn *t = zone_txn_new(z);
		for (unsigned i = 0; i < COUNT; i++) {
			if (i % 2 == (unsigned)round) {
				assert_int_equal(add_a(t, "ns.example.", i * 7919 % COUNT + 10), 0);
			}
		}
		assert_int_equal(zone_txn_commit(t, NULL), 0);
	}
	struct zone_snapshot *s = zone_current(z);
	const struct zone_rrset *set = zone_node_rrset(zone_find(s, name("ns.example.")), DNS_TYPE_A);
	assert_int_equal(set->count, COUNT + 2);
	const uint8_t *rdata;
	uint16_t len;
	size_t offset = 0;
	for (unsigned i = 0; i < COUNT + 2u; i++) {
		assert_true(zone_rrset_next(set, &offset, &rdata, &len));
		assert_int_equal(rdata[2] << 8 | rdata[3], i < 2 ? i + 1 : i + 8);
	}
	struct zone_txn *t = zone_txn_new(z);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(remove_a(t, "ns.example.", i * 5003 % COUNT + 10), 0);
		if (i % 1000 == 0) {
			/* Others in between. */
			assert_int_equal(add_name(t, "example.", DNS_TYPE_NS, "ns2.example."), 0);
			assert_int_equal(zone_txn_remove_rrset(t, name("example."), DNS_TYPE_NS), 0);
		}
	}
	assert_int_equal(zone_txn_rrset(t, name("ns.example."), DNS_TYPE_A)->count, 2);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	assert_int_equal(set->count, COUNT + 2); /* still pinned */
	zone_snapshot_unref(s);
	zone_collect(z);
	zone_free(z);
}

static void test_rrset_limits(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	uint8_t rdata[4] = {10};
	for (unsigned i = 0; i < ZONE_RRSET_COUNT_MAX; i++) {
		rdata[2] = (uint8_t)(i >> 8);
		rdata[3] = (uint8_t)i;
		assert_int_equal(zone_txn_add(t, name("x.example."), DNS_TYPE_A, 1, rdata, 4), 0);
	}
	rdata[0] = 11;
	assert_int_equal(zone_txn_add(t, name("x.example."), DNS_TYPE_A, 1, rdata, 4), ERR_LIMIT);
	assert_int_equal(zone_txn_rrset(t, name("x.example."), DNS_TYPE_A)->count, ZONE_RRSET_COUNT_MAX);

	uint8_t *large = calloc(1, 65535);
	int err = 0;
	unsigned count = 0;
	for (; !err && count < 300; count++) {
		large[0] = (uint8_t)(count >> 8);
		large[1] = (uint8_t)count;
		err = zone_txn_add(t, name("y.example."), 65280, 1, large, 65535);
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_int_equal(count, ZONE_RRSET_SIZE_MAX / 65537 + 1);
	assert_int_equal(zone_txn_add(t, name("y.example."), 65281, 1, large, 65536), ERR_LIMIT);
	free(large);
	zone_txn_abort(t);
	zone_free(z);
}

/* Arguments that lie in what is changed. */
static void test_arguments_inside_the_zone(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_a(t, "*.example.", 1), 0);
	assert_int_equal(add_rrsig(t, "*.example.", DNS_TYPE_A, 1), 0);
	assert_int_equal(add_rrsig(t, "*.example.", DNS_TYPE_NSEC3, 1), 0);
	const uint8_t *owner = zone_node_name(zone_txn_find(t, name("*.example.")));
	assert_int_equal(zone_txn_add(t, owner, DNS_TYPE_TXT, 1, (const uint8_t *)"\1a", 2), 0);
	owner = zone_node_name(zone_txn_find(t, name("*.example.")));
	assert_int_equal(zone_txn_set_rrset(t, owner, DNS_TYPE_RRSIG, zone_txn_rrset(t, owner, DNS_TYPE_RRSIG)), 0);
	owner = zone_node_name(zone_txn_find(t, name("*.example.")));
	assert_int_equal(zone_txn_remove_rrset(t, owner, DNS_TYPE_RRSIG), 0);
	assert_null(zone_txn_rrset(t, name("*.example."), DNS_TYPE_RRSIG));

	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(add_a(t, "*.example.", i), 0);
	}
	while (zone_txn_find(t, name("*.example.")) && zone_txn_rrset(t, name("*.example."), DNS_TYPE_A)) {
		const struct zone_node *node = zone_txn_find(t, name("*.example."));
		const uint8_t *rdata;
		uint16_t len;
		size_t offset = 0;
		assert_true(zone_rrset_next(zone_node_rrset(node, DNS_TYPE_A), &offset, &rdata, &len));
		assert_int_equal(zone_txn_remove(t, zone_node_name(node), DNS_TYPE_A, rdata, len), 0);
	}
	const struct zone_node *node = zone_txn_find(t, name("*.example."));
	assert_int_equal(zone_node_rrset_count(node), 1);
	assert_int_equal(zone_txn_remove_name(t, zone_node_name(node)), 0);
	assert_null(zone_txn_find(t, name("*.example.")));
	zone_txn_abort(t);
	zone_free(z);
}

static void test_memory_goes_back(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	size_t empty = zone_memory(z);
	struct zone_txn *t = zone_txn_new(z);
	char owner[32];
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(owner, sizeof(owner), "h%u.example.", i);
		assert_int_equal(add_a(t, owner, i), 0);
	}
	assert_int_equal(zone_txn_commit_load(t), 0);
	size_t full = zone_memory(z);
	/* Knot takes about 200 bytes a record for such a zone. */
	assert_in_range((full - empty) / 2000, 50, 150);

	struct zone_snapshot *pinned = zone_current(z);
	t = zone_txn_new(z);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(owner, sizeof(owner), "H%u.example.", i);
		assert_int_equal(zone_txn_remove_name(t, name(owner)), 0);
	}
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_collect(z);
	assert_true(zone_memory(z) >= full);
	zone_snapshot_unref(pinned);
	zone_collect(z);
	assert_int_equal(zone_memory(z), empty);
	zone_free(z);
}

/* An older version that is still read keeps what newer ones, already released, dropped. */
static void test_versions_are_freed_in_order(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_snapshot *old = zone_current(z);
	struct dump before = dump_zone(old);
	for (unsigned i = 0; i < 50; i++) {
		struct zone_txn *t = zone_txn_new(z);
		assert_int_equal(remove_a(t, "ns.example.", i + 1), 0);
		assert_int_equal(add_a(t, "ns.example.", i + 3), 0);
		assert_int_equal(zone_txn_commit(t, NULL), 0);
	}
	struct dump after = dump_zone(old);
	assert_true(dump_same(&before, &after));
	assert_ptr_equal(z->oldest, old);
	zone_snapshot_unref(old);
	zone_collect(z);
	assert_ptr_equal(z->oldest, z->newest);
	assert_int_equal(zone_snapshot_version(z->newest), 52);
	free(before.data);
	free(after.data);
	zone_free(z);
}

/* ---- become ---- */

static const char *const owners[] = {"example.",       "a.example.",   "*.example.",  "b.a.example.", "c.b.a.example.",
                                     "x.y.z.example.", "y.z.example.", "80.example.", "h0.example.",  "h1.example."};

static void scribble(struct zone_txn *t, uint32_t *seed, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		const char *owner = owners[random_next(seed) % 10];
		unsigned number = random_next(seed) % 40;
		uint32_t what = random_next(seed) % 9;
		int err = what < 4     ? add_a(t, owner, number)
		          : what == 4  ? add_name(t, owner, DNS_TYPE_PTR, owners[number % 10])
		          : what == 5  ? add_rrsig(t, owner, number % 2 ? DNS_TYPE_NSEC3 : DNS_TYPE_A, (uint8_t)number)
		          : what == 6  ? remove_a(t, owner, number)
		          : what == 7  ? zone_txn_remove_rrset(t, name(owner), number % 2 ? DNS_TYPE_A : DNS_TYPE_RRSIG)
		          : number % 3 ? add_nsec3(t, owner, (uint8_t)number)
		                       : zone_txn_remove_name(t, name(owner));
		assert_int_equal(err, 0);
	}
}

static void test_become_any_other(void **state)
{
	(void)state;
	uint32_t seed = 4711;
	for (unsigned round = 0; round < 400; round++) {
		struct zone *a = zone_new(name("example."));
		struct zone *b = zone_new(name("example."));
		struct zone_txn *t = zone_txn_new(a);
		scribble(t, &seed, random_next(&seed) % 120);
		assert_int_equal(zone_txn_commit(t, NULL), 0);
		t = zone_txn_new(b);
		scribble(t, &seed, random_next(&seed) % 120);
		assert_int_equal(zone_txn_commit(t, NULL), 0);
		struct zone_snapshot *wanted = zone_current(b);
		struct dump target = dump_zone(wanted);

		/* Also from what the transaction has itself begun. */
		t = zone_txn_new(a);
		scribble(t, &seed, random_next(&seed) % 30);
		assert_int_equal(zone_txn_become(t, wanted), 0);
		assert_int_equal(zone_txn_commit(t, NULL), 0);
		struct dump reached = dump_current(a);
		assert_true(dump_same(&target, &reached));
		t = zone_txn_new(a);
		assert_int_equal(zone_txn_become(t, wanted), 0);
		assert_false(zone_txn_changed(t));
		zone_txn_abort(t);

		free(target.data);
		free(reached.data);
		zone_snapshot_unref(wanted);
		zone_free(a);
		zone_free(b);
	}
}

/* Back to an older version of the same zone. */
static void test_become_older_version(void **state)
{
	(void)state;
	struct zone *z = zone_with_apex();
	struct zone_snapshot *old = zone_current(z);
	struct dump before = dump_zone(old);
	uint32_t seed = 99;
	struct zone_txn *t = zone_txn_new(z);
	scribble(t, &seed, 200);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	t = zone_txn_new(z);
	assert_int_equal(zone_txn_become(t, old), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_snapshot_unref(old);
	struct dump after = dump_current(z);
	assert_true(dump_same(&before, &after));
	free(before.data);
	free(after.data);
	zone_free(z);
}

/* ---- memory that ends ---- */

/* One transaction with writes of every kind; stops at the first failure, as a caller has to. */
static int write_all(struct zone *z, const struct zone_snapshot *other, bool load)
{
	static const uint8_t ns_a[] = {192, 0, 0, 1};
	struct zone_changeset *c = NULL;
	struct zone_txn *t = zone_txn_new(z);
	int err = t ? 0 : ERR_NOMEM;
	for (unsigned i = 0; !err && i < 30; i++) {
		err = add_a(t, "ns.example.", 100 + i * 11 % 30);
	}
	for (unsigned i = 0; !err && i < 8; i++) {
		err = add_name(t, owners[i], DNS_TYPE_PTR, owners[9 - i]);
	}
	err = err ? err : add_rrsig(t, "80.example.", DNS_TYPE_NSEC3, 1);
	err = err ? err : add_nsec3(t, "80.example.", 1);
	err = err ? err : zone_txn_add(t, name("ns.example."), DNS_TYPE_A, 9, ns_a, 4);
	err = err ? err : remove_a(t, "ns.example.", 2);
	err = err ? err
	          : zone_txn_set_rrset(t, name("s.example."), DNS_TYPE_A, zone_txn_rrset(t, name("ns.example."), 1));
	err = err ? err : zone_txn_remove_rrset(t, name("example."), DNS_TYPE_NS);
	err = err ? err : zone_txn_remove_name(t, name("h.example."));
	err = err ? err : zone_txn_remove_name(t, name("a.example."));
	if (!err && other) {
		err = zone_txn_become(t, other);
	}
	if (err) {
		/* After memory ended nothing but abort is possible; a commit is the same. */
		assert_int_equal(err, ERR_NOMEM);
		if (!t) {
			return err;
		}
		assert_int_equal(add_a(t, "late.example.", 1), ERR_NOMEM);
		if (load) {
			assert_int_equal(zone_txn_commit_load(t), ERR_NOMEM);
		} else {
			zone_txn_abort(t);
		}
		return err;
	}
	err = load ? zone_txn_commit_load(t) : zone_txn_commit(t, &c);
	assert_true(!err || c == NULL);
	zone_changeset_unref(c);
	return err;
}

static struct zone *zone_to_write_in(void)
{
	struct zone *z = zone_with_apex();
	struct zone_txn *t = zone_txn_new(z);
	for (unsigned i = 0; i < 20; i++) {
		char owner[32];
		snprintf(owner, sizeof(owner), "h%u.example.", i);
		assert_int_equal(add_a(t, owner, i), 0);
	}
	assert_int_equal(add_a(t, "h.example.", 1), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	return z;
}

/* Let each allocation in turn fail. Giving memory back and the RRset index cope; all else has to leave the zone alone.
 */
static void fail_everywhere(bool become, bool load)
{
	struct zone *y = zone_with_apex();
	struct zone_txn *t = zone_txn_new(y);
	uint32_t seed = 3;
	scribble(t, &seed, 100);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct zone_snapshot *other = zone_current(y);

	unsigned refused = 0;
	bool failed = true;
	for (long i = 0; failed; i++) {
		struct zone *z = zone_to_write_in();
		struct dump before = dump_current(z);
		size_t memory = z->heap.memory;
		mem_fail_after(i);
		int err = write_all(z, become ? other : NULL, load);
		failed = mem_failed();
		mem_fail_after(-1);
		struct dump after = dump_current(z);
		assert_true(!err || failed);
		assert_true(dump_same(&before, &after) == (err != 0));
		if (err) {
			assert_int_equal(z->heap.memory, memory);
			refused++;
		}
		free(before.data);
		free(after.data);
		zone_free(z);
	}
	assert_true(refused > 60);
	zone_snapshot_unref(other);
	zone_free(y);
}

static void test_memory_ends_anywhere(void **state)
{
	(void)state;
	fail_everywhere(false, false);
	fail_everywhere(false, true);
	fail_everywhere(true, false);
	fail_everywhere(true, true);
}

/* ---- threads ---- */

enum { READERS = 3, COMMITS = 400, SLOTS = 4 };

/* How the writer hands versions over: a mutex, as the store asks for nothing more. */
struct exchange {
	pthread_mutex_t mutex;
	struct zone_snapshot *newest;
	atomic_bool stop;
};

static struct zone_snapshot *take(struct exchange *e)
{
	pthread_mutex_lock(&e->mutex);
	struct zone_snapshot *s = zone_snapshot_ref(e->newest);
	pthread_mutex_unlock(&e->mutex);
	return s;
}

/* In each version all addresses of the ten hosts are the same number: a mix of two would show. */
static unsigned check_version(const struct zone_snapshot *s)
{
	unsigned found = 0;
	unsigned number = 0;
	char owner[32];
	for (unsigned i = 0; i < 10; i++) {
		struct wire_name wire;
		size_t len = (size_t)snprintf(owner, sizeof(owner), "t%u.example.", i);
		if (wire_name_from_text(owner, len, NULL, &wire)) {
			return 0;
		}
		const struct zone_node *node = zone_find(s, wire.data);
		const struct zone_rrset *set = node ? zone_node_rrset(node, DNS_TYPE_A) : NULL;
		const uint8_t *rdata;
		uint16_t rdata_len;
		size_t offset = 0;
		if (set && set->count == 1 && zone_rrset_next(set, &offset, &rdata, &rdata_len)) {
			unsigned here = (unsigned)rdata[2] << 8 | rdata[3];
			found += i == 0 || here == number;
			number = here;
		}
	}
	return found;
}

static void *read_versions(void *argument)
{
	struct exchange *e = argument;
	struct zone_snapshot *held[SLOTS] = {NULL};
	size_t mixed = 0;
	uint64_t last = 0;
	for (unsigned i = 0; !atomic_load(&e->stop); i++) {
		struct zone_snapshot **slot = &held[i % SLOTS];
		if (*slot) {
			mixed += check_version(*slot) != 10;
			zone_snapshot_unref(*slot);
		}
		*slot = take(e);
		mixed += zone_snapshot_version(*slot) < last;
		last = zone_snapshot_version(*slot);
		mixed += check_version(*slot) != 10;
	}
	for (size_t i = 0; i < SLOTS; i++) {
		zone_snapshot_unref(held[i]);
	}
	return (void *)mixed;
}

static void commit_number(struct zone *z, unsigned number)
{
	struct zone_txn *t = zone_txn_new(z);
	char owner[32];
	for (unsigned i = 0; i < 10; i++) {
		snprintf(owner, sizeof(owner), "t%u.example.", i);
		assert_int_equal(zone_txn_remove_name(t, name(owner)), 0);
		assert_int_equal(add_a(t, owner, number), 0);
	}
	snprintf(owner, sizeof(owner), "x%u.example.", number % 50);
	assert_int_equal(number / 50 % 2 ? zone_txn_remove_name(t, name(owner)) : add_a(t, owner, number), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
}

static void test_readers_beside_the_writer(void **state)
{
	(void)state;
	pthread_t threads[READERS];
	struct zone *z = zone_with_apex();
	struct exchange e = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	commit_number(z, 1);
	e.newest = zone_current(z);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_versions, &e), 0);
	}
	for (unsigned i = 2; i < COMMITS; i++) {
		commit_number(z, i);
		pthread_mutex_lock(&e.mutex);
		struct zone_snapshot *old = e.newest;
		e.newest = zone_current(z);
		pthread_mutex_unlock(&e.mutex);
		zone_snapshot_unref(old);
	}
	atomic_store(&e.stop, true);
	for (size_t i = 0; i < READERS; i++) {
		void *mixed = NULL;
		assert_int_equal(pthread_join(threads[i], &mixed), 0);
		assert_null(mixed);
	}
	zone_snapshot_unref(e.newest);
	zone_collect(z);
	assert_ptr_equal(z->oldest, z->newest);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_ttl_of_an_rrset),
	        cmocka_unit_test(test_letters_are_kept),
	        cmocka_unit_test(test_abort_leaves_all_as_before),
	        cmocka_unit_test(test_nothing_changed_is_no_version),
	        cmocka_unit_test(test_signatures_of_nsec3),
	        cmocka_unit_test(test_large_rrset),
	        cmocka_unit_test(test_rrset_limits),
	        cmocka_unit_test(test_arguments_inside_the_zone),
	        cmocka_unit_test(test_memory_goes_back),
	        cmocka_unit_test(test_versions_are_freed_in_order),
	        cmocka_unit_test(test_become_any_other),
	        cmocka_unit_test(test_become_older_version),
	        cmocka_unit_test(test_memory_ends_anywhere),
	        cmocka_unit_test(test_readers_beside_the_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
