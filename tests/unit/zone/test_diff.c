#include "store_help.h"

#include <stdio.h>

#include "zone/version.h"

static const char *const owners[] = {"example.",       "a.example.",   "*.example.",  "b.a.example.", "c.b.a.example.",
                                     "x.y.z.example.", "y.z.example.", "80.example.", "h0.example.",  "h1.example."};

static void scribble(struct zone_txn *t, uint32_t *seed, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		char owner[40];
		unsigned number = random_next(seed) % 8;
		snprintf(owner, sizeof(owner), "%s", owners[random_next(seed) % 10]);
		if (random_next(seed) % 2) {
			snprintf(owner, sizeof(owner), "n%u.example.", random_next(seed) % 300);
		}
		uint32_t what = random_next(seed) % 8;
		uint8_t rdata[4] = {192, 0, 0, (uint8_t)number};
		int err = what < 3   ? zone_txn_add(t, name(owner), DNS_TYPE_A, 300 + number % 2, rdata, 4)
		          : what < 5 ? add_name(t, owner, DNS_TYPE_PTR, owners[number])
		          : what < 6 ? add_nsec3(t, owner, (uint8_t)number)
		          : what < 7 ? zone_txn_remove_rrset(t, name(owner), number % 2 ? DNS_TYPE_A : DNS_TYPE_PTR)
		                     : zone_txn_remove_name(t, name(owner));
		assert_int_equal(err, 0);
	}
}

/* The RRset of a version, found in the plainest way. */
static const struct zone_rrset *look_up(const struct zone_snapshot *s, const uint8_t *owner, uint16_t type, bool nsec3)
{
	const struct zone_rrset *found = NULL;
	struct zone_iterator *walk = zone_iterate(s, NULL);
	const uint8_t *last = NULL;
	bool in_nsec3 = false;
	for (const struct zone_node *node; (node = zone_iterator_next(walk));) {
		/* The NSEC3 tree begins where the order does, or at the first node with NSEC3. */
		in_nsec3 = in_nsec3 || zone_node_rrset(node, DNS_TYPE_NSEC3) != NULL ||
		           (last && wire_name_compare(last, zone_node_name(node)) >= 0);
		last = zone_node_name(node);
		if (in_nsec3 == nsec3 && wire_name_equal(last, owner)) {
			found = zone_node_rrset(node, type);
		}
	}
	zone_iterator_free(walk);
	return found;
}

static void check_changeset(const struct zone_changeset *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct zone_change *change = &c->changes[i];
		assert_ptr_equal(change->before, look_up(c->from, change->owner, change->type, change->nsec3));
		assert_ptr_equal(change->after, look_up(c->to, change->owner, change->type, change->nsec3));
		assert_true(change->before || change->after);
		assert_true(change->nsec3 == (change->type == DNS_TYPE_NSEC3));
		if (change->before && change->after) {
			assert_false(zone_rrset_identical(change->before, change->after));
		}
		if (i == 0) {
			continue;
		}
		const struct zone_change *last = change - 1;
		int order = wire_name_compare(last->owner, change->owner);
		assert_true(last->nsec3 < change->nsec3 ||
		            (last->nsec3 == change->nsec3 && (order < 0 || (order == 0 && last->type < change->type))));
	}
}

/* Carried out on a copy of the old version it makes the new one: nothing is missing. */
static void check_complete(const struct zone_changeset *c)
{
	struct zone *copy = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(copy);
	assert_int_equal(zone_txn_become(t, c->from), 0);
	for (size_t i = 0; i < c->count; i++) {
		const struct zone_change *change = &c->changes[i];
		assert_int_equal(zone_txn_set_rrset(t, change->owner, change->type, change->after), 0);
	}
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct dump made = dump_current(copy);
	struct dump wanted = dump_zone(c->to);
	assert_true(dump_same(&made, &wanted));
	free(made.data);
	free(wanted.data);
	zone_free(copy);
}

static void test_random_changesets(void **state)
{
	(void)state;
	uint32_t seed = 20261123;
	struct zone *z = zone_new(name("example."));
	size_t seen = 0;
	for (unsigned round = 0; round < 150; round++) {
		struct zone_changeset *c = NULL;
		struct zone_snapshot *from = zone_current(z);
		struct zone_txn *t = zone_txn_new(z);
		scribble(t, &seed, round == 0 ? 500 : 1 + random_next(&seed) % 12);
		assert_int_equal(zone_txn_commit(t, &c), 0);
		struct zone_snapshot *to = zone_current(z);
		assert_true((c == NULL) == (from == to));
		if (c) {
			assert_ptr_equal(c->from, from);
			assert_ptr_equal(c->to, to);
			assert_true(c->count > 0);
			seen += c->count;
			check_changeset(c);
			check_complete(c);
		}
		zone_snapshot_unref(from);
		zone_snapshot_unref(to);
		zone_changeset_unref(c);
	}
	assert_true(seen > 500);
	zone_free(z);
}

static void test_ttl_and_letters_are_differences(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone *y = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	struct zone_changeset *c = NULL;
	assert_int_equal(add_a(t, "a.example.", 1), 0);
	assert_int_equal(add_name(t, "p.example.", DNS_TYPE_PTR, "a.example."), 0);
	assert_int_equal(add_name(t, "same.example.", DNS_TYPE_PTR, "a.example."), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);

	static const uint8_t rdata[4] = {192, 0, 0, 1};
	t = zone_txn_new(y);
	assert_int_equal(zone_txn_add(t, name("a.example."), DNS_TYPE_A, 301, rdata, 4), 0);
	assert_int_equal(add_name(t, "p.example.", DNS_TYPE_PTR, "A.example."), 0);
	assert_int_equal(add_name(t, "SAME.example.", DNS_TYPE_PTR, "a.example."), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct zone_snapshot *wanted = zone_current(y);
	t = zone_txn_new(z);
	assert_int_equal(zone_txn_become(t, wanted), 0);
	assert_int_equal(zone_txn_commit(t, &c), 0);
	zone_snapshot_unref(wanted);

	assert_int_equal(c->count, 2);
	assert_true(wire_name_equal(c->changes[0].owner, name("a.example.")));
	assert_int_equal(c->changes[0].before->ttl, 300);
	assert_int_equal(c->changes[0].after->ttl, 301);
	assert_true(zone_rrset_same_records(c->changes[0].before, c->changes[0].after));
	assert_true(wire_name_equal(c->changes[1].owner, name("p.example.")));
	zone_changeset_unref(c);
	zone_free(z);
	zone_free(y);
}

/* A changeset keeps both versions until its last reference goes. */
static void test_changeset_holds_versions(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_changeset *first = NULL, *second = NULL;
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_a(t, "a.example.", 1), 0);
	assert_int_equal(zone_txn_commit(t, &first), 0);
	t = zone_txn_new(z);
	assert_int_equal(zone_txn_remove_name(t, name("a.example.")), 0);
	assert_int_equal(zone_txn_commit(t, &second), 0);
	assert_ptr_equal(first->to, second->from);
	assert_null(second->changes[0].after);
	assert_ptr_equal(first->changes[0].after, second->changes[0].before);

	assert_ptr_equal(zone_changeset_ref(first), first);
	zone_changeset_unref(first);
	zone_collect(z);
	assert_int_equal(zone_snapshot_version(z->oldest), 1);
	assert_int_equal(first->changes[0].after->count, 1);
	zone_changeset_unref(first);
	zone_collect(z);
	assert_int_equal(zone_snapshot_version(z->oldest), 2);
	zone_changeset_unref(second);
	zone_changeset_unref(NULL);
	zone_collect(z);
	assert_int_equal(zone_snapshot_version(z->oldest), 3);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random_changesets),
	        cmocka_unit_test(test_ttl_and_letters_are_differences),
	        cmocka_unit_test(test_changeset_holds_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
