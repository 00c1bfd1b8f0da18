/* Token buckets for many sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "daemon/rates.h"

static bool take(struct rates *r, const char *source, uint64_t now_ms)
{
	return rates_take(r, source, strlen(source), 2, 1, now_ms);
}

static bool take_number(struct rates *r, uint32_t number)
{
	return rates_take(r, &number, sizeof(number), 1, 0, 0);
}

static void each_source_has_its_tokens(void **state)
{
	(void)state;
	struct rates *r = rates_new();
	assert_non_null(r);
	assert_true(take(r, "a", 1000));
	assert_true(take(r, "a", 1000));
	assert_false(take(r, "a", 1000));
	assert_true(take(r, "b", 1000));
	assert_true(take(r, "b", 1000));
	assert_false(take(r, "b", 1999));
	/* One a second. */
	assert_true(take(r, "a", 2000));
	assert_false(take(r, "a", 2000));
	/* Full again after a long time, but not more than full. */
	assert_true(take(r, "a", 100000));
	assert_true(take(r, "a", 100000));
	assert_false(take(r, "a", 100000));
	rates_free(r);
	rates_free(NULL);
}

static void sources_differ_by_every_byte_and_by_length(void **state)
{
	(void)state;
	struct rates *r = rates_new();
	uint8_t source[255] = {0};
	assert_true(rates_take(r, source, 0, 1, 0, 0));
	assert_false(rates_take(r, source, 0, 1, 0, 0));
	assert_true(rates_take(r, source, 1, 1, 0, 0));
	assert_true(rates_take(r, source, 255, 1, 0, 0));
	assert_false(rates_take(r, source, 255, 1, 0, 0));
	source[254] = 1;
	assert_true(rates_take(r, source, 255, 1, 0, 0));
	/* It keeps a copy. */
	memset(source, 0, sizeof(source));
	assert_false(rates_take(r, source, 255, 1, 0, 0));
	assert_false(rates_take(r, source, 1, 1, 0, 0));
	rates_free(r);
}

static void a_burst_of_none_lets_nobody_through(void **state)
{
	(void)state;
	struct rates *r = rates_new();
	assert_false(rates_take(r, "a", 1, 0, 0, 0));
	assert_false(rates_take(r, "a", 1, 0, 5, 100000));
	rates_free(r);
}

/* However many ask, the last RATES_SOURCES_MAX are known; of these none gets a second token. */
static void who_asked_longest_ago_is_forgotten(void **state)
{
	(void)state;
	struct rates *r = rates_new();
	for (uint32_t i = 0; i < RATES_SOURCES_MAX; i++) {
		assert_true(take_number(r, i));
	}
	/* All are known, and the first is the newest now. */
	assert_false(take_number(r, 0));
	/* One more: 1 was used longest ago. */
	assert_true(take_number(r, RATES_SOURCES_MAX));
	assert_false(take_number(r, 0));
	assert_false(take_number(r, 2));
	assert_false(take_number(r, RATES_SOURCES_MAX - 1));
	/* Forgotten means full; in its place 3 goes, the oldest now. */
	assert_true(take_number(r, 1));
	assert_true(take_number(r, 3));
	assert_false(take_number(r, 5));
	assert_true(take_number(r, 4));
	rates_free(r);
}

/* Better too many than nobody. */
static void memory_may_end(void **state)
{
	(void)state;
	mem_fail_after(0);
	assert_null(rates_new());
	mem_fail_after(-1);
	struct rates *r = rates_new();
	long after = 0;
	for (bool failed = true; failed; after++) {
		assert_true(after < 20);
		mem_fail_after(after);
		bool taken = take_number(r, 7);
		failed = mem_failed();
		mem_fail_after(-1);
		assert_true(taken);
	}
	/* The bucket, the table and what the table holds. */
	assert_int_equal(after, 4);
	assert_false(take_number(r, 7));
	/* A source that is known already, with its table gone: nothing is lost but the count. */
	mem_fail_after(0);
	assert_true(take_number(r, 7));
	assert_true(mem_failed());
	mem_fail_after(-1);
	assert_true(take_number(r, 7));
	assert_false(take_number(r, 7));
	rates_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_source_has_its_tokens),
	        cmocka_unit_test(sources_differ_by_every_byte_and_by_length),
	        cmocka_unit_test(a_burst_of_none_lets_nobody_through),
	        cmocka_unit_test(who_asked_longest_ago_is_forgotten),
	        cmocka_unit_test(memory_may_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
