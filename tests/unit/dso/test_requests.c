/* The table of message IDs. */
#include "base/err.h"
#include "base/mem.h"
#include "harness.h"

/* DSO-004: IDs picked are never 0 and never in use, around the wrap too; a full table says so. */
static void picks_free_ids_dso_004(void **state)
{
	struct dso_requests t = {0};
	uint16_t next = 0xfffe;
	uint16_t id;
	(void)state;
	static const uint16_t want[] = {0xfffe, 0xffff, 1, 2};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(dso_requests_pick(&t, &next, &id), 0);
		assert_int_equal(id, want[i]);
		assert_int_equal(dso_requests_add(&t, id, 0, 0, 0), 0);
	}
	next = 0xfffe;
	assert_int_equal(dso_requests_pick(&t, &next, &id), 0);
	assert_int_equal(id, 3);
	for (unsigned i = 3; i < 0xfffe; i++) {
		assert_int_equal(dso_requests_add(&t, (uint16_t)i, 0, 0, 0), 0);
	}
	assert_int_equal(t.count, 65535);
	assert_int_equal(dso_requests_pick(&t, &next, &id), ERR_LIMIT);
	dso_requests_remove(&t, dso_requests_find(&t, 777));
	assert_int_equal(dso_requests_pick(&t, &next, &id), 0);
	assert_int_equal(id, 777);
	dso_requests_done(&t);
	assert_null(t.slots);
}

/* Entries that collide are all found while others are taken out in any order; memory goes with the last one. */
static void collisions_survive_removal(void **state)
{
	struct dso_requests t = {0};
	uint32_t seed = 12345;
	bool in[1024] = {false};
	size_t held = 0;
	(void)state;
	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		/* Few distinct low bits: long runs of collisions. */
		unsigned i = seed >> 22;
		uint16_t id = (uint16_t)((i % 8) * 8192 + i / 8 + 1);
		struct dso_request *r = dso_requests_find(&t, id);
		assert_int_equal(r != NULL, in[i]);
		if (r && (seed >> 20 & 1)) {
			assert_int_equal(r->type, i);
			dso_requests_remove(&t, r);
			in[i] = false;
			held--;
		} else if (!r) {
			assert_int_equal(dso_requests_add(&t, id, (uint16_t)i, 0, 0), 0);
			in[i] = true;
			held++;
		}
		assert_int_equal(t.count, held);
	}
	for (unsigned i = 0; i < 1024; i++) {
		struct dso_request *r = dso_requests_find(&t, (uint16_t)((i % 8) * 8192 + i / 8 + 1));
		assert_int_equal(r != NULL, in[i]);
		if (r) {
			dso_requests_remove(&t, r);
		}
	}
	assert_null(t.slots);
	assert_int_equal(t.cap, 0);
}

static void counts_follow_states(void **state)
{
	struct dso_requests t = {0};
	(void)state;
	assert_int_equal(dso_requests_add(&t, 1, 0x40, DSO_REQUEST_F_LONG, 1), 0);
	assert_int_equal(dso_requests_add(&t, 2, 1, DSO_REQUEST_F_PASSIVE, 2), 0);
	assert_int_equal(t.busy, 1);
	assert_int_equal(t.unanswered, 2);
	dso_requests_set(&t, dso_requests_find(&t, 1), DSO_REQUEST_LONG_LIVED);
	assert_int_equal(t.busy, 1);
	assert_int_equal(t.unanswered, 1);
	dso_requests_set(&t, dso_requests_find(&t, 1), DSO_REQUEST_DRAINING);
	assert_int_equal(t.busy, 0);
	assert_int_equal(t.draining, 1);
	dso_requests_done(&t);

	/* One that drains before its own response still waits for it. */
	assert_int_equal(dso_requests_add(&t, 1, 0x40, DSO_REQUEST_F_LONG, 1), 0);
	dso_requests_set(&t, dso_requests_find(&t, 1), DSO_REQUEST_DRAINING);
	assert_int_equal(t.busy, 1);
	assert_true(dso_requests_await_dso(&t));
	dso_requests_fence(&t, 9);
	assert_non_null(dso_requests_find(&t, 1));
	dso_requests_arrived(&t, dso_requests_find(&t, 1));
	assert_false(dso_requests_await_dso(&t));
	assert_int_equal(t.busy, 0);
	dso_requests_fence(&t, 1); /* not a later request */
	assert_non_null(dso_requests_find(&t, 1));
	dso_requests_fence(&t, 2);
	assert_null(dso_requests_find(&t, 1));
	assert_int_equal(t.count, 0);
}

/* Request numbers wrap around. */
static void fence_compares_across_wrap(void **state)
{
	struct dso_requests t = {0};
	(void)state;
	for (uint16_t id = 1; id <= 100; id++) {
		assert_int_equal(dso_requests_add(&t, id, 0x40, 0, UINT32_MAX - 50 + id), 0);
		dso_requests_set(&t, dso_requests_find(&t, id), DSO_REQUEST_LONG_LIVED);
		dso_requests_set(&t, dso_requests_find(&t, id), DSO_REQUEST_DRAINING);
	}
	dso_requests_fence(&t, 10); /* 10 - (UINT32_MAX - 50) is 61: those numbered below it go */
	assert_int_equal(t.draining, 100 - 60);
	assert_null(dso_requests_find(&t, 60));
	assert_non_null(dso_requests_find(&t, 61));
	dso_requests_done(&t);
}

static void failed_growth_changes_nothing(void **state)
{
	struct dso_requests t = {0};
	(void)state;
	mem_fail_after(0);
	assert_int_equal(dso_requests_add(&t, 1, 0, 0, 0), ERR_NOMEM);
	assert_int_equal(t.count, 0);
	for (uint16_t id = 1; id <= 3; id++) {
		assert_int_equal(dso_requests_add(&t, id, 0, 0, 0), 0);
	}
	mem_fail_after(0);
	assert_int_equal(dso_requests_add(&t, 4, 0, 0, 0), ERR_NOMEM);
	mem_fail_after(-1);
	for (uint16_t id = 1; id <= 3; id++) {
		assert_non_null(dso_requests_find(&t, id));
	}
	assert_null(dso_requests_find(&t, 4));
	dso_requests_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(picks_free_ids_dso_004),        cmocka_unit_test(collisions_survive_removal),
	        cmocka_unit_test(counts_follow_states),          cmocka_unit_test(fence_compares_across_wrap),
	        cmocka_unit_test(failed_growth_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
