#include "store_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "zone/trie.h"

/*
 * The model: a sorted array of names with the number of the one address each
 * has. Every search of the store is repeated on it in the plainest way.
 */
enum { MODEL_MAX = 400, ROUNDS = 6000, HELD = 6 };

struct model {
	size_t count;
	struct wire_name names[MODEL_MAX];
	unsigned numbers[MODEL_MAX];
};

static const uint8_t origin[] = {2, 'e', 'X', 0};

static size_t model_place(const struct model *m, const uint8_t *wire, bool *ret_found)
{
	size_t i = 0;
	*ret_found = false;
	for (; i < m->count; i++) {
		int order = wire_name_compare(m->names[i].data, wire);
		if (order >= 0) {
			*ret_found = order == 0;
			break;
		}
	}
	return i;
}

static void model_set(struct model *m, const struct wire_name *n, unsigned number)
{
	bool found;
	size_t i = model_place(m, n->data, &found);
	if (!found) {
		memmove(m->names + i + 1, m->names + i, (m->count - i) * sizeof(m->names[0]));
		memmove(m->numbers + i + 1, m->numbers + i, (m->count - i) * sizeof(m->numbers[0]));
		m->names[i] = *n;
		m->count++;
	}
	m->numbers[i] = number;
}

static void model_remove(struct model *m, const struct wire_name *n)
{
	bool found;
	size_t i = model_place(m, n->data, &found);
	if (found) {
		m->count--;
		memmove(m->names + i, m->names + i + 1, (m->count - i) * sizeof(m->names[0]));
		memmove(m->numbers + i, m->numbers + i + 1, (m->count - i) * sizeof(m->numbers[0]));
	}
}

static bool model_exists(const struct model *m, const uint8_t *wire)
{
	for (size_t i = 0; i < m->count; i++) {
		if (wire_name_is_under(m->names[i].data, wire)) {
			return true;
		}
	}
	return false;
}

/* A name of the sort that is drawn: few letters, so that names meet; odd bytes; both cases; now and then very deep. */
static void draw_name(uint32_t *seed, struct wire_name *ret_name)
{
	static const uint8_t letters[] = {'a', 'b', 'B', 'z', '0', '-', '_', ' ', 0,
	                                  1,   2,   255, 254, '*', '`', '{', 0x81};
	uint8_t wire[DNS_NAME_MAX];
	size_t len = 0;
	unsigned labels = random_next(seed) % 5;
	if (random_next(seed) % 16 == 0) {
		labels = random_next(seed) % 126;
	}
	for (unsigned i = 0; i < labels; i++) {
		size_t label_len = labels > 8 ? 1 : 1 + random_next(seed) % 3;
		if (random_next(seed) % 64 == 0) {
			label_len = 63;
		}
		if (len + 1 + label_len + sizeof(origin) > sizeof(wire)) {
			break;
		}
		wire[len++] = (uint8_t)label_len;
		uint8_t filler = letters[random_next(seed) % sizeof(letters)];
		for (size_t j = 0; j < label_len; j++) {
			bool same = labels > 8 || label_len == 63;
			wire[len++] = same ? filler : letters[random_next(seed) % sizeof(letters)];
			if (labels > 8 && random_next(seed) % 8) {
				wire[len - 1] = 'a';
			}
		}
	}
	memcpy(wire + len, origin, sizeof(origin));
	wire_name_set(ret_name, wire);
}

/* A name to ask for: one of the model, one above or below it, or any. */
static void draw_question(uint32_t *seed, const struct model *m, struct wire_name *ret_name)
{
	draw_name(seed, ret_name);
	if (m->count == 0 || random_next(seed) % 3 == 0) {
		return;
	}
	struct wire_name known = m->names[random_next(seed) % m->count];
	unsigned spare = known.label_count - 1u;
	wire_name_set(ret_name, wire_name_strip(known.data, spare ? random_next(seed) % (spare + 1) : 0));
	if (random_next(seed) % 3 == 0 && ret_name->len < 250) {
		uint8_t wire[DNS_NAME_MAX] = {1, (uint8_t)random_next(seed)};
		memcpy(wire + 2, ret_name->data, ret_name->len);
		wire_name_set(ret_name, wire);
	}
}

static unsigned number_of(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_node_rrset(node, DNS_TYPE_A);
	const uint8_t *rdata;
	uint16_t len;
	size_t offset = 0;
	assert_non_null(set);
	assert_int_equal(set->count, 1);
	assert_true(zone_rrset_next(set, &offset, &rdata, &len));
	assert_int_equal(len, 4);
	return (unsigned)rdata[2] << 8 | rdata[3];
}

static void check_walk(const struct model *m, const struct zone_snapshot *s, const uint8_t *top)
{
	struct zone_iterator *walk = zone_iterate(s, top);
	assert_non_null(walk);
	for (size_t i = 0; i < m->count; i++) {
		if (top && !wire_name_is_under(m->names[i].data, top)) {
			continue;
		}
		const struct zone_node *node = zone_iterator_next(walk);
		assert_non_null(node);
		/* The letters are those first given, which the model keeps too. */
		assert_memory_equal(zone_node_name(node), m->names[i].data, m->names[i].len);
		assert_int_equal(number_of(node), m->numbers[i]);
	}
	assert_null(zone_iterator_next(walk));
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
}

static void check_search(const struct model *m, const struct zone_snapshot *s, const uint8_t *wire)
{
	struct zone_match match;
	bool found;
	size_t at = model_place(m, wire, &found);
	unsigned labels = wire_name_labels(wire);
	unsigned ancestors = 0;
	unsigned encloser = 1;

	zone_search(s, wire, &match);
	assert_true(found == (match.node != NULL));
	assert_ptr_equal(zone_find(s, wire), match.node);
	if (found) {
		assert_int_equal(number_of(match.node), m->numbers[at]);
	}
	assert_true(match.exists == model_exists(m, wire));
	for (unsigned i = 1; i <= labels; i++) {
		const uint8_t *above = wire_name_strip(wire, labels - i);
		bool is_node;
		model_place(m, above, &is_node);
		encloser = model_exists(m, above) ? i : encloser;
		if (i < labels && is_node) {
			assert_true(ancestors < match.ancestor_count);
			assert_true(wire_name_equal(zone_node_name(match.ancestors[ancestors]), above));
			ancestors++;
		}
	}
	assert_int_equal(match.ancestor_count, ancestors);
	assert_int_equal(match.encloser_labels, encloser);

	const struct zone_node *before = zone_find_before(s, wire);
	size_t last = found ? at + 1 : at;
	assert_true((last == 0) == (before == NULL));
	if (before) {
		assert_true(wire_name_equal(zone_node_name(before), m->names[last - 1].data));
	}
}

/* One step of a transaction, on both sides. */
static void random_write(uint32_t *seed, struct zone_txn *t, struct model *m)
{
	struct wire_name n;
	draw_name(seed, &n);
	if (m->count > 0 && random_next(seed) % 3 == 0) {
		n = m->names[random_next(seed) % m->count];
	}
	bool remove = m->count >= MODEL_MAX - 1 || random_next(seed) % 5 < 2;
	if (remove) {
		assert_int_equal(zone_txn_remove_name(t, n.data), 0);
		model_remove(m, &n);
		return;
	}
	uint8_t rdata[4] = {192, 0, (uint8_t)random_next(seed), (uint8_t)random_next(seed)};
	assert_int_equal(zone_txn_remove_rrset(t, n.data, DNS_TYPE_A), 0);
	bool found;
	size_t at = model_place(m, n.data, &found);
	if (found) {
		/* The name went with its only RRset and comes back in these letters. */
		m->names[at] = n;
	}
	assert_int_equal(zone_txn_add(t, n.data, DNS_TYPE_A, 300, rdata, sizeof(rdata)), 0);
	model_set(m, &n, (unsigned)rdata[2] << 8 | rdata[3]);
}

struct held {
	struct zone_snapshot *snapshot;
	struct model *model;
};

static void check_whole(uint32_t *seed, const struct model *m, const struct zone_snapshot *s)
{
	struct wire_name question;
	assert_int_equal(zone_snapshot_node_count(s), m->count);
	assert_int_equal(zone_snapshot_record_count(s), m->count);
	check_walk(m, s, NULL);
	for (int i = 0; i < 12; i++) {
		draw_question(seed, m, &question);
		check_search(m, s, question.data);
		if (i < 3) {
			check_walk(m, s, question.data);
		}
	}
}

static void random_versions(uint32_t seed)
{
	struct zone *z = zone_new(origin);
	struct model *now = calloc(1, sizeof(*now));
	struct model *next = calloc(1, sizeof(*next));
	struct held held[HELD] = {{NULL, NULL}};
	uint64_t version = 1;
	int writes = 0;

	while (writes < ROUNDS) {
		struct zone_txn *t = zone_txn_new(z);
		int count = 1 + (int)(random_next(&seed) % (random_next(&seed) % 4 ? 6 : 120));
		*next = *now;
		for (int i = 0; i < count; i++) {
			random_write(&seed, t, next);
		}
		writes += count;
		if (random_next(&seed) % 5 == 0) {
			zone_txn_abort(t);
		} else {
			struct zone_snapshot *before = zone_current(z);
			assert_int_equal(zone_txn_commit(t, NULL), 0);
			struct zone_snapshot *after = zone_current(z);
			assert_int_equal(zone_snapshot_version(after), version + (before != after));
			version = zone_snapshot_version(after);
			zone_snapshot_unref(before);
			zone_snapshot_unref(after);
			*now = *next;
		}
		struct zone_snapshot *s = zone_current(z);
		check_whole(&seed, now, s);
		struct held *h = &held[random_next(&seed) % HELD];
		if (h->snapshot) {
			check_whole(&seed, h->model, h->snapshot);
			zone_snapshot_unref(h->snapshot);
			free(h->model);
			h->snapshot = NULL;
			h->model = NULL;
		} else {
			h->snapshot = zone_snapshot_ref(s);
			h->model = malloc(sizeof(*now));
			*h->model = *now;
		}
		zone_snapshot_unref(s);
	}
	for (size_t i = 0; i < HELD; i++) {
		zone_snapshot_unref(held[i].snapshot);
		free(held[i].model);
	}
	zone_free(z);
	free(now);
	free(next);
}

static void test_random_versions_equal_model(void **state)
{
	(void)state;
	random_versions(1);
	random_versions(0x2f6e2b1);
	random_versions(77777);
}

static struct zone_snapshot *snapshot_of(struct zone *z, const char *const *owners)
{
	struct zone_txn *t = zone_txn_new(z);
	for (; *owners; owners++) {
		assert_int_equal(add_a(t, *owners, 1), 0);
	}
	assert_int_equal(zone_txn_commit(t, NULL), 0);
	return zone_current(z);
}

/* The order of RFC 4034 6.1. */
static void test_order_is_canonical(void **state)
{
	(void)state;
	static const char *const owners[] = {"z.example.",
	                                     "\\200.z.example.",
	                                     "a.example.",
	                                     "zABC.a.EXAMPLE.",
	                                     "Z.a.example.",
	                                     "yljkjljk.a.example.",
	                                     "*.z.example.",
	                                     "\\001.z.example.",
	                                     "example.",
	                                     "\\000.z.example.",
	                                     NULL};
	static const char *const sorted[] = {
	        "example.",   "a.example.",       "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
	        "z.example.", "\\000.z.example.", "\\001.z.example.",    "*.z.example.", "\\200.z.example."};
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = snapshot_of(z, owners);
	struct zone_iterator *walk = zone_iterate(s, NULL);
	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
		assert_true(wire_name_equal(zone_node_name(zone_iterator_next(walk)), name(sorted[i])));
	}
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* 127 labels, each a node: the longest chain there can be. */
static void test_deepest_chain(void **state)
{
	(void)state;
	static const uint8_t root[] = {0};
	uint8_t wire[DNS_NAME_MAX];
	struct zone *z = zone_new(root);
	struct zone_txn *t = zone_txn_new(z);
	static const uint8_t rdata[4] = {192, 0, 2, 1};
	for (unsigned i = 0; i < 127; i++) {
		wire[2 * i] = 1;
		wire[2 * i + 1] = 'a';
	}
	wire[254] = 0;
	for (unsigned i = 0; i <= 127; i++) {
		assert_int_equal(zone_txn_add(t, wire + 2 * i, DNS_TYPE_A, 1, rdata, sizeof(rdata)), 0);
	}
	assert_int_equal(zone_txn_commit_load(t), 0);
	struct zone_snapshot *s = zone_current(z);
	struct zone_match match;
	zone_search(s, wire, &match);
	assert_non_null(match.node);
	assert_int_equal(match.ancestor_count, 127);
	for (unsigned i = 0; i < 127; i++) {
		assert_int_equal(wire_name_labels(zone_node_name(match.ancestors[i])), i);
	}
	zone_snapshot_unref(s);
	zone_free(z);
}

static void test_empty_zone(void **state)
{
	(void)state;
	struct zone *z = zone_new(name("example."));
	struct zone_snapshot *s = zone_current(z);
	struct zone_match match;
	zone_search(s, name("www.example."), &match);
	assert_null(match.node);
	assert_false(match.exists);
	assert_int_equal(match.encloser_labels, 1);
	assert_int_equal(match.ancestor_count, 0);
	assert_null(zone_find(s, name("example.")));
	assert_null(zone_find_before(s, name("example.")));
	assert_null(zone_snapshot_apex(s));
	struct zone_iterator *walk = zone_iterate(s, NULL);
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
	walk = zone_iterate(s, name("www.example."));
	assert_null(zone_iterator_next(walk));
	zone_iterator_free(walk);
	zone_snapshot_unref(s);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random_versions_equal_model),
	        cmocka_unit_test(test_order_is_canonical),
	        cmocka_unit_test(test_deepest_chain),
	        cmocka_unit_test(test_empty_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
