#include "store_help.h"

/* Reading: RRsets, nodes, snapshots, NSEC3. */

static struct zone_snapshot *signed_zone(struct zone *z)
{
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_soa(t, "example.", 7), 0);
	assert_int_equal(add_name(t, "example.", DNS_TYPE_NS, "ns.example."), 0);
	static const uint8_t param[] = {1, 0, 0, 0, 0};
	assert_int_equal(zone_txn_add(t, name("example."), DNS_TYPE_NSEC3PARAM, 0, param, sizeof(param)), 0);
	assert_int_equal(add_a(t, "ns.Example.", 1), 0);
	/* Hashes 00, 40 and 80 of one byte: base32hex 00, 80, g0. */
	assert_int_equal(add_nsec3(t, "00.example.", 0x40), 0);
	assert_int_equal(add_nsec3(t, "80.example.", 0x80), 0);
	assert_int_equal(add_nsec3(t, "G0.example.", 0x00), 0);
	assert_int_equal(add_rrsig(t, "80.example.", DNS_TYPE_NSEC3, 1), 0);
	assert_int_equal(add_rrsig(t, "ns.example.", DNS_TYPE_A, 2), 0);
	assert_int_equal(zone_txn_commit_load(t), 0);
	return zone_current(z);
}

static void test_nsec3_lives_apart(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = signed_zone(z);
	struct zone_match match;

	zone_search(s, name("80.example."), &match);
	assert_null(match.node);
	assert_false(match.exists);
	assert_int_equal(match.encloser_labels, 1);
	assert_null(zone_find(s, name("00.example.")));
	assert_true(zone_snapshot_has_nsec3(s));
	assert_int_equal(zone_snapshot_node_count(s), 5);
	assert_int_equal(zone_snapshot_record_count(s), 9);

	/* The walk has names first, then the chain; below a top only names. */
	static const char *const order[] = {"example.", "ns.example.", "00.example.", "80.example.", "g0.example."};
	struct zone_iterator *walk = zone_iterate(s, NULL);
	for (size_t i = 0; i < 5; i++) {
		assert_true(wire_name_equal(zone_node_name(zone_iterator_next(walk)), name(order[i])));
	}
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
	walk = zone_iterate(s, name("example."));
	assert_non_null(zone_iterator_next(walk));
	assert_non_null(zone_iterator_next(walk));
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
	zone_snapshot_unref(s);
	zone_free(z);
}

static void check_hash(const struct zone_snapshot *s, uint8_t hash, const char *owner, bool exact)
{
	bool is_exact = !exact;
	const struct zone_node *node = zone_find_nsec3(s, &hash, 1, &is_exact);
	assert_non_null(node);
	assert_true(wire_name_equal(zone_node_name(node), name(owner)));
	assert_true(is_exact == exact);
	assert_non_null(zone_node_rrset(node, DNS_TYPE_NSEC3));
}

static void test_nsec3_match_and_cover(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = signed_zone(z);
	uint8_t long_hash[64] = {0};
	bool exact = true;

	check_hash(s, 0x00, "00.example.", true);
	check_hash(s, 0x01, "00.example.", false);
	check_hash(s, 0x3f, "00.example.", false);
	check_hash(s, 0x40, "80.example.", true);
	check_hash(s, 0x7f, "80.example.", false);
	check_hash(s, 0x80, "g0.example.", true);
	check_hash(s, 0xff, "g0.example.", false);
	assert_null(zone_find_nsec3(s, long_hash, sizeof(long_hash), &exact));
	assert_false(exact);
	exact = true;
	assert_null(zone_find_nsec3(s, long_hash, 0, &exact));
	assert_false(exact);

	/* Without the first hash a smaller one is covered by the last: the chain is a ring. */
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(zone_txn_remove_name(t, name("00.example.")), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_snapshot_unref(s);
	s = zone_current(z);
	check_hash(s, 0x01, "g0.example.", false);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* RFC 5155 appendix A: H(example) = 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom. */
static void test_nsec3_owner_of_rfc5155(void **state)
{
	(void)state;
	static const uint8_t hash[20] = {0x06, 0x53, 0x68, 0xab, 0xee, 0xd7, 0xec, 0x6e, 0x9f, 0xeb,
	                                 0xa9, 0x6b, 0x8c, 0x8b, 0xc3, 0xe8, 0xb7, 0x91, 0xf7, 0x16};
	struct zone *z = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	bool exact = false;
	assert_int_equal(add_nsec3(t, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", 1), 0);
	assert_int_equal(add_nsec3(t, "0p9mhaveqvm6t7vbl5lop2u3t2rp3ton.example.", 1), 0);
	assert_int_equal(zone_txn_commit_load(t), 0);
	struct zone_snapshot *s = zone_current(z);
	const struct zone_node *node = zone_find_nsec3(s, hash, sizeof(hash), &exact);
	assert_true(exact);
	assert_true(wire_name_equal(zone_node_name(node), name("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.")));
	/* NSEC3 records without NSEC3PARAM at the apex are no chain to prove from. */
	assert_false(zone_snapshot_has_nsec3(s));
	zone_snapshot_unref(s);
	zone_free(z);
}

static void test_no_nsec3(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = zone_current(z);
	bool exact = true;
	assert_null(zone_find_nsec3(s, (const uint8_t *)"x", 1, &exact));
	assert_false(exact);
	assert_false(zone_snapshot_has_nsec3(s));
	zone_snapshot_unref(s);
	zone_free(z);
}

static void test_snapshot_facts(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("Example."));
	struct zone_snapshot *empty = zone_current(z);
	assert_int_equal(zone_snapshot_version(empty), 1);
	assert_int_equal(zone_snapshot_serial(empty), 0);
	assert_memory_equal(zone_origin(z), "\7Example", 9);
	assert_memory_equal(zone_snapshot_origin(empty), "\7Example", 9);

	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_soa(t, "example.", 4294967295), 0);
	assert_int_equal(add_name(t, "example.", DNS_TYPE_NS, "ns.example."), 0);
	assert_int_equal(add_a(t, "*.example.", 1), 0);
	assert_int_equal(add_a(t, "*a.example.", 1), 0);
	assert_int_equal(add_name(t, "d.example.", DNS_TYPE_DNAME, "x."), 0);
	assert_int_equal(add_name(t, "cut.example.", DNS_TYPE_NS, "ns.cut.example."), 0);
	assert_int_equal(add_name(t, "*.cut.example.", DNS_TYPE_NS, "ns.cut.example."), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(zone_snapshot_version(s), 2);
	assert_int_equal(zone_snapshot_serial(s), 4294967295);
	assert_true(wire_name_equal(zone_node_name(zone_snapshot_apex(s)), name("example.")));
	struct zone_features features = zone_snapshot_features(s);
	assert_int_equal(features.wildcard_count, 2);
	assert_int_equal(features.dname_count, 1);
	assert_int_equal(features.cut_count, 2);

	t = zone_txn_new(z);
	assert_int_equal(zone_txn_remove_name(t, name("*.cut.example.")), 0);
	assert_int_equal(zone_txn_remove_rrset(t, name("D.example."), DNS_TYPE_DNAME), 0);
	assert_int_equal(zone_txn_remove_rrset(t, name("example."), DNS_TYPE_NS), 0);
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	zone_snapshot_unref(s);
	s = zone_current(z);
	features = zone_snapshot_features(s);
	assert_int_equal(features.wildcard_count, 1);
	assert_int_equal(features.dname_count, 0);
	assert_int_equal(features.cut_count, 1);
	assert_int_equal(zone_snapshot_node_count(s), 4);

	/* The first version is as it was. */
	assert_null(zone_snapshot_apex(empty));
	assert_int_equal(zone_snapshot_node_count(empty), 0);
	zone_snapshot_unref(empty);
	zone_snapshot_unref(s);
	zone_snapshot_unref(NULL);
	zone_free(z);
	zone_free(NULL);
}

static const struct zone_rrset *rrset(struct zone_txn *t, const char *owner, uint16_t type)
{
	const struct zone_rrset *set = zone_txn_rrset(t, name(owner), type);
	assert_non_null(set);
	return set;
}

static void test_rrset_in_canonical_order(void **state)
{
	(void)state;
	static const char *const targets[] = {"b.example.", "A.example.", "c.example.", "a.example.", "aa.example."};
	static const char *const sorted[] = {"A.example.", "b.example.", "c.example.", "aa.example."};
	struct zone *z = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(add_name(t, "p.example.", DNS_TYPE_PTR, targets[i]), 0);
	}
	const struct zone_rrset *set = rrset(t, "p.example.", DNS_TYPE_PTR);
	const uint8_t *rdata;
	uint16_t len;
	size_t offset = 0;
	assert_int_equal(set->count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(zone_rrset_next(set, &offset, &rdata, &len));
		assert_int_equal(len, wire_name_len(name(sorted[i])));
		assert_memory_equal(rdata, name(sorted[i]), len);
	}
	assert_false(zone_rrset_next(set, &offset, &rdata, &len));
	assert_int_equal(offset, set->size);

	assert_true(zone_rrset_has(set, name("B.EXAMPLE."), 11));
	assert_false(zone_rrset_has(set, name("d.example."), 11));
	assert_false(zone_rrset_has(set, name("bb.example."), 12));
	zone_txn_abort(t);
	zone_free(z);
}

static void test_same_records(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	assert_int_equal(add_name(t, "a.example.", DNS_TYPE_PTR, "X.example."), 0);
	assert_int_equal(zone_txn_add(t, name("b.example."), DNS_TYPE_PTR, 5, name("x.example."), 11), 0);
	assert_int_equal(add_name(t, "c.example.", DNS_TYPE_PTR, "y.example."), 0);
	assert_int_equal(add_name(t, "d.example.", DNS_TYPE_PTR, "x.example."), 0);
	assert_int_equal(add_name(t, "d.example.", DNS_TYPE_PTR, "y.example."), 0);
	assert_int_equal(add_name(t, "e.example.", DNS_TYPE_NS, "x.example."), 0);
	const struct zone_rrset *a = rrset(t, "a.example.", DNS_TYPE_PTR);
	assert_true(zone_rrset_same_records(a, a));
	assert_true(zone_rrset_same_records(a, rrset(t, "b.example.", DNS_TYPE_PTR)));
	assert_false(zone_rrset_same_records(a, rrset(t, "c.example.", DNS_TYPE_PTR)));
	assert_false(zone_rrset_same_records(a, rrset(t, "d.example.", DNS_TYPE_PTR)));
	assert_false(zone_rrset_same_records(a, rrset(t, "e.example.", DNS_TYPE_NS)));
	assert_false(zone_rrset_same_records(a, NULL));
	assert_false(zone_rrset_same_records(NULL, a));
	assert_true(zone_rrset_same_records(NULL, NULL));
	struct zone_rrset empty = {.type = DNS_TYPE_PTR};
	assert_true(zone_rrset_same_records(&empty, NULL));
	zone_txn_abort(t);
	zone_free(z);
}

/* A name with very many types: found by search, in order. */
static void test_many_types(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_txn *t = zone_txn_new(z);
	for (unsigned i = 0; i < 500; i++) {
		uint16_t type = (uint16_t)(1000 + i * 7 % 500);
		assert_int_equal(zone_txn_add(t, name("x.example."), type, 1, (const uint8_t *)"\1", 1), 0);
	}
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	struct zone_snapshot *s = zone_current(z);
	const struct zone_node *node = zone_find(s, name("x.example."));
	assert_int_equal(zone_node_rrset_count(node), 500);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(zone_node_rrset_at(node, i)->type, 1000 + i);
		assert_ptr_equal(zone_node_rrset(node, (uint16_t)(1000 + i)), zone_node_rrset_at(node, i));
	}
	assert_null(zone_node_rrset(node, 999));
	assert_null(zone_node_rrset(node, 1500));
	zone_snapshot_unref(s);
	zone_free(z);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (long i = 0; i < 2; i++) {
		mem_fail_after(i);
		assert_null(zone_new(name("example.")));
		mem_fail_after(-1);
	}
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = zone_current(z);
	mem_fail_after(0);
	assert_null(zone_iterate(s, NULL));
	mem_fail_after(0);
	assert_null(zone_txn_new(z));
	mem_fail_after(-1);
	zone_snapshot_unref(s);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nsec3_lives_apart),
	        cmocka_unit_test(test_nsec3_match_and_cover),
	        cmocka_unit_test(test_nsec3_owner_of_rfc5155),
	        cmocka_unit_test(test_no_nsec3),
	        cmocka_unit_test(test_snapshot_facts),
	        cmocka_unit_test(test_rrset_in_canonical_order),
	        cmocka_unit_test(test_same_records),
	        cmocka_unit_test(test_many_types),
	        cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
