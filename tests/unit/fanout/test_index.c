#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fanout/index.h"

enum { NAMES = 12, TYPES = 3, KEYS = NAMES * TYPES, SESSIONS = 6 };

static const char *const texts[NAMES] = {".",      "a.", "b.a.", "c.b.a.", "d.b.a.", "B2.a.",
                                         "x.y.z.", "z.", "w.z.", "y.z.",   "aa.",    "q.x.y.z."};
static struct wire_name names[NAMES];
static struct fanout_session sessions[SESSIONS];

static uint32_t random_state;

static uint32_t pick(uint32_t count)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % count;
}

/* The model: which session is under which key. */
static struct {
	struct fanout_key *key[KEYS];
	bool has[KEYS][SESSIONS];
	unsigned seen[KEYS];
} model;

static size_t subscribers(unsigned k)
{
	size_t count = 0;
	for (unsigned s = 0; s < SESSIONS; s++) {
		count += model.has[k][s];
	}
	return count;
}

static int see(void *context, struct fanout_key *key)
{
	(void)context;
	for (unsigned k = 0; k < KEYS; k++) {
		if (model.key[k] == key) {
			model.seen[k]++;
			return 0;
		}
	}
	fail_msg("a key that is not there");
	return 0;
}

static void check_walk(struct fanout_index *x, unsigned name, bool subtree)
{
	memset(model.seen, 0, sizeof(model.seen));
	assert_int_equal(fanout_index_walk(x, names[name].data, subtree, see, NULL), 0);
	for (unsigned k = 0; k < KEYS; k++) {
		const uint8_t *at = names[k / TYPES].data;
		bool wanted =
		        subtree ? wire_name_is_under(at, names[name].data) : wire_name_equal(at, names[name].data);
		assert_int_equal(model.seen[k], wanted && model.key[k] ? 1 : 0);
	}
}

static void check_counts(const struct fanout_index *x)
{
	struct fanout_stats stats = fanout_index_stats(x);
	size_t keys = 0, entries = 0;
	for (unsigned k = 0; k < KEYS; k++) {
		keys += model.key[k] != NULL;
		entries += subscribers(k);
		if (model.key[k]) {
			assert_int_equal(model.key[k]->count, subscribers(k));
			assert_true(wire_name_equal(fanout_key_name(model.key[k]), names[k / TYPES].data));
		}
	}
	assert_int_equal(stats.key_count, keys);
	assert_int_equal(stats.subscription_count, entries);
}

static void it_holds_what_a_plain_list_holds(void **state)
{
	(void)state;
	struct fanout_index *x = fanout_index_new();
	const size_t empty = fanout_index_stats(x).memory;
	random_state = 4711;
	for (unsigned step = 0; step < 20000; step++) {
		unsigned k = pick(KEYS), s = pick(SESSIONS);
		/* Letters do not matter. */
		struct wire_name name = names[k / TYPES];
		if (pick(2)) {
			wire_name_lower(name.data);
		}
		if (!model.has[k][s] && pick(5) < 2) {
			struct fanout_key *key = fanout_key_get(x, name.data, (uint16_t)(k % TYPES), 1);
			assert_true(key && (!model.key[k] || model.key[k] == key));
			if (pick(10) == 0) {
				fanout_key_release(x, key); /* goes only if nobody is there */
			} else {
				assert_int_equal(fanout_add(x, key, &sessions[s]), 0);
				model.key[k] = key;
				model.has[k][s] = true;
			}
		} else if (model.has[k][s]) {
			model.has[k][s] = false;
			fanout_remove(x, model.key[k], &sessions[s]);
			if (subscribers(k) == 0) {
				model.key[k] = NULL;
			}
		}
		check_counts(x);
		check_walk(x, pick(NAMES), pick(2));
	}
	for (unsigned k = 0; k < KEYS; k++) {
		for (unsigned s = 0; s < SESSIONS; s++) {
			if (model.has[k][s]) {
				model.has[k][s] = false;
				fanout_remove(x, model.key[k], &sessions[s]);
			}
		}
		model.key[k] = NULL;
	}
	check_counts(x);
	assert_int_equal(fanout_index_stats(x).name_count, 0);
	assert_int_equal(fanout_index_stats(x).memory, empty);
	fanout_index_free(x);
}

static int stop(void *context, struct fanout_key *key)
{
	(void)key;
	return ++*(int *)context == 2 ? 77 : 0;
}

static void a_walk_can_be_stopped(void **state)
{
	(void)state;
	struct fanout_index *x = fanout_index_new();
	struct fanout_key *keys[3];
	int calls = 0;
	for (unsigned i = 0; i < 3; i++) {
		keys[i] = fanout_key_get(x, names[2].data, (uint16_t)i, 1);
		assert_int_equal(fanout_add(x, keys[i], &sessions[0]), 0);
	}
	assert_int_equal(fanout_index_walk(x, names[1].data, true, stop, &calls), 77);
	assert_int_equal(calls, 2);
	assert_int_equal(fanout_index_walk(x, names[9].data, true, stop, &calls), 0);
	for (unsigned i = 0; i < 3; i++) {
		fanout_remove(x, keys[i], &sessions[0]);
	}
	fanout_index_free(x);
	fanout_index_free(NULL);
}

/* Many names: the table grows, and what memory says is what is held. */
static void it_grows(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	static struct fanout_key *keys[MANY];
	struct fanout_index *x = fanout_index_new();
	for (unsigned i = 0; i < MANY; i++) {
		const uint8_t wire[] = {3, 'a', (uint8_t)(i >> 8), (uint8_t)i, 0};
		keys[i] = fanout_key_get(x, wire, 1, 1);
		assert_int_equal(fanout_add(x, keys[i], &sessions[0]), 0);
	}
	assert_true(fanout_index_stats(x).memory > MANY * (sizeof(struct fanout_key) + sizeof(void *)));
	for (unsigned i = 0; i < MANY; i++) {
		const uint8_t wire[] = {3, 'a', (uint8_t)(i >> 8), (uint8_t)i, 0};
		if (wire_name_equal(wire, fanout_key_name(keys[i]))) {
			assert_ptr_equal(fanout_key_get(x, wire, 1, 1), keys[i]);
		}
	}
	for (unsigned i = 0; i < MANY; i++) {
		fanout_remove(x, keys[i], &sessions[0]);
	}
	assert_int_equal(fanout_index_stats(x).name_count, 0);
	fanout_index_free(x);
}

static void memory_may_end(void **state)
{
	(void)state;
	bool failed = true;
	for (long after = 0; failed; after++) {
		mem_fail_after(after);
		struct fanout_index *x = fanout_index_new();
		struct fanout_key *key = x ? fanout_key_get(x, names[3].data, 1, 1) : NULL;
		int err = key ? fanout_add(x, key, &sessions[0]) : ERR_NOMEM;
		failed = mem_failed();
		mem_fail_after(-1);
		assert_int_equal(err, failed ? ERR_NOMEM : 0);
		if (x && !key) {
			assert_int_equal(fanout_index_stats(x).name_count, 0);
		}
		if (key && err) {
			fanout_key_release(x, key);
		} else if (key) {
			fanout_remove(x, key, &sessions[0]);
		}
		if (x) {
			assert_int_equal(fanout_index_stats(x).key_count, 0);
			assert_int_equal(fanout_index_stats(x).name_count, 0);
		}
		fanout_index_free(x);
		assert_true(after < 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_holds_what_a_plain_list_holds),
	        cmocka_unit_test(a_walk_can_be_stopped),
	        cmocka_unit_test(it_grows),
	        cmocka_unit_test(memory_may_end),
	};
	for (unsigned i = 0; i < NAMES; i++) {
		if (wire_name_from_text(texts[i], strlen(texts[i]), NULL, &names[i])) {
			return 1;
		}
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
