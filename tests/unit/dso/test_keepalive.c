/* The arithmetic of the two timers. */
#include "harness.h"

/* DSO-036: 15 s each at the start; DSO-039 DSO-040 DSO-044 DSO-045: factors of client and server. */
static void starts_with_defaults_dso_036(void **state)
{
	struct dso_timers t;
	(void)state;
	dso_timers_init(&t, 1000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_CLIENT), 16000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_SERVER), 31000);
	assert_int_equal(dso_timers_keepalive_ms(&t, DSO_CLIENT), 16000);
	assert_int_equal(dso_timers_keepalive_ms(&t, DSO_SERVER), 31000);
}

/* DSO-037: a Keepalive restarts one timer, any other message both. */
static void messages_dso_037(void **state)
{
	struct dso_timers t;
	(void)state;
	dso_timers_init(&t, 0);
	dso_timers_message(&t, true, 5000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_CLIENT), 15000);
	assert_int_equal(dso_timers_keepalive_ms(&t, DSO_CLIENT), 20000);
	dso_timers_message(&t, false, 6000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_CLIENT), 21000);
	assert_int_equal(dso_timers_keepalive_ms(&t, DSO_CLIENT), 21000);
}

/* Only a cut buys grace; repeating the same value, or a higher one, does not (DSO-037, A11). */
static void only_cuts_give_grace(void **state)
{
	struct dso_timers t;
	(void)state;
	dso_timers_init(&t, 0);
	dso_timers_revise(&t, 15000, 15000, 29000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_SERVER), 30000);
	dso_timers_revise(&t, 20000, 15000, 29500);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_SERVER), 40000);
	dso_timers_revise(&t, 1000, 15000, 39000);
	assert_int_equal(dso_timers_inactive_ms(&t, DSO_SERVER), 44000);
}

/* DSO-043: infinity and its neighbour, without overflow. */
static void extremes_dso_043(void **state)
{
	struct dso_timers t;
	(void)state;
	dso_timers_init(&t, 7);
	dso_timers_revise(&t, DSO_INFINITE, DSO_INFINITE, 7);
	assert_true(dso_timers_inactive_ms(&t, DSO_SERVER) == UINT64_MAX);
	assert_true(dso_timers_keepalive_ms(&t, DSO_CLIENT) == UINT64_MAX);
	dso_timers_revise(&t, DSO_INFINITE - 1, DSO_INFINITE - 1, 7);
	assert_true(dso_timers_inactive_ms(&t, DSO_SERVER) == UINT64_C(0x1fffffffc) + 7);
	assert_true(dso_timers_keepalive_ms(&t, DSO_SERVER) == UINT64_C(0x1fffffffc) + 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(starts_with_defaults_dso_036),
	        cmocka_unit_test(messages_dso_037),
	        cmocka_unit_test(only_cuts_give_grace),
	        cmocka_unit_test(extremes_dso_043),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
