#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/timers.h"

static void expires_in_order_of_deadline(void **state)
{
	(void)state;
	struct timers t;
	struct timers_entry e[5] = {0};
	const uint64_t at[5] = {50, 10, 40, 20, 30};

	timers_init(&t);
	assert_int_equal(timers_next_ms(&t), UINT64_MAX);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(timers_set(&t, &e[i], at[i]), 0);
	}
	assert_int_equal(timers_next_ms(&t), 10);
	assert_null(timers_expired(&t, 9));
	assert_ptr_equal(timers_expired(&t, 30), &e[1]);
	assert_ptr_equal(timers_expired(&t, 30), &e[3]);
	assert_ptr_equal(timers_expired(&t, 30), &e[4]);
	assert_null(timers_expired(&t, 30));
	assert_int_equal(timers_next_ms(&t), 40);
	timers_cancel(&t, &e[2]);
	timers_cancel(&t, &e[2]);
	assert_int_equal(timers_next_ms(&t), 50);
	assert_int_equal(timers_set(&t, &e[0], UINT64_MAX), 0);
	assert_int_equal(timers_next_ms(&t), UINT64_MAX);
	timers_done(&t);
}

static void a_later_deadline_is_kept_to(void **state)
{
	(void)state;
	struct timers t;
	struct timers_entry a = {0};
	struct timers_entry b = {0};

	timers_init(&t);
	timers_set(&t, &a, 10);
	timers_set(&t, &b, 20);
	timers_set(&t, &a, 30);
	/* Looking again at the old time is allowed; expiring then is not. */
	assert_true(timers_next_ms(&t) <= 20);
	assert_null(timers_expired(&t, 10));
	assert_int_equal(timers_next_ms(&t), 20);
	assert_ptr_equal(timers_expired(&t, 40), &b);
	assert_ptr_equal(timers_expired(&t, 40), &a);
	/* And back to sooner. */
	timers_set(&t, &a, 90);
	timers_set(&t, &a, 95);
	timers_set(&t, &a, 50);
	assert_int_equal(timers_next_ms(&t), 50);
	assert_ptr_equal(timers_expired(&t, 50), &a);
	timers_done(&t);
}

static void running_out_of_memory_leaves_it_disarmed(void **state)
{
	(void)state;
	struct timers t;
	struct timers_entry e = {0};

	timers_init(&t);
	mem_fail_after(0);
	assert_int_equal(timers_set(&t, &e, 10), ERR_NOMEM);
	mem_fail_after(-1);
	assert_int_equal(e.place, 0);
	assert_int_equal(timers_next_ms(&t), UINT64_MAX);
	timers_cancel(&t, &e);
	timers_done(&t);
}

static void done_forgets_the_entries(void **state)
{
	(void)state;
	struct timers t;
	struct timers_entry e = {0};

	timers_init(&t);
	timers_set(&t, &e, 10);
	timers_done(&t);
	assert_int_equal(e.place, 0);
}

enum { MANY = 300 };

/* Against a plain array: whatever is armed, moved and cancelled, what comes out is always the soonest due one. */
static void agrees_with_a_plain_array(void **state)
{
	(void)state;
	struct timers t;
	static struct timers_entry e[MANY];
	uint64_t at[MANY];
	uint32_t seed = 12345;
	uint64_t now = 0;

	timers_init(&t);
	for (int i = 0; i < MANY; i++) {
		at[i] = UINT64_MAX;
	}
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		int i = (int)(seed >> 8) % MANY;

		if (seed >> 30 == 0) {
			at[i] = UINT64_MAX;
			timers_cancel(&t, &e[i]);
		} else {
			at[i] = now + (seed >> 20) % 500;
			assert_int_equal(timers_set(&t, &e[i], at[i]), 0);
		}
		if (round % 10 != 0) {
			continue;
		}
		now += 7;
		struct timers_entry *out;

		while ((out = timers_expired(&t, now)) != NULL) {
			uint64_t soonest = UINT64_MAX;

			for (int k = 0; k < MANY; k++) {
				soonest = at[k] < soonest ? at[k] : soonest;
			}
			assert_int_equal(at[out - e], soonest);
			assert_true(soonest <= now);
			at[out - e] = UINT64_MAX;
		}
		for (int k = 0; k < MANY; k++) {
			assert_true(at[k] > now);
		}
	}
	timers_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(expires_in_order_of_deadline),
	        cmocka_unit_test(a_later_deadline_is_kept_to),
	        cmocka_unit_test(running_out_of_memory_leaves_it_disarmed),
	        cmocka_unit_test(done_forgets_the_entries),
	        cmocka_unit_test(agrees_with_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
