#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ratelimit.h"

static unsigned take_all(struct ratelimit *r, uint64_t now_ms)
{
	unsigned count = 0;

	while (count < 100000 && ratelimit_take(r, now_ms)) {
		count++;
	}
	return count;
}

static void a_full_bucket_gives_its_burst(void **state)
{
	(void)state;
	struct ratelimit r;

	ratelimit_init(&r, 5, 10, 1000);
	assert_int_equal(take_all(&r, 1000), 5);
	assert_false(ratelimit_take(&r, 1099));
	assert_true(ratelimit_take(&r, 1100));
	assert_false(ratelimit_take(&r, 1100));
	/* Ten a second, counted across uneven steps without losing the fractions. */
	unsigned count = 0;

	for (uint64_t now = 1100; now <= 3100; now += 7) {
		count += ratelimit_take(&r, now);
	}
	assert_in_range(count, 19, 20);
}

static void never_more_than_the_burst(void **state)
{
	(void)state;
	struct ratelimit r;

	ratelimit_init(&r, 3, 1000, 0);
	assert_int_equal(take_all(&r, 0), 3);
	assert_int_equal(take_all(&r, 1000000), 3);
	assert_int_equal(take_all(&r, UINT64_MAX), 3);
}

static void large_numbers_do_not_overflow(void **state)
{
	(void)state;
	struct ratelimit r;

	ratelimit_init(&r, UINT32_MAX, UINT32_MAX, 0);
	r.millitokens = 0;
	assert_true(ratelimit_take(&r, UINT64_MAX));
	assert_int_equal(r.millitokens, (uint64_t)UINT32_MAX * 1000 - 1000);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
	(void)state;
	struct ratelimit r;

	ratelimit_init(&r, 1, 1, 100000);
	assert_true(ratelimit_take(&r, 100000));
	assert_false(ratelimit_take(&r, 5000));
	assert_false(ratelimit_take(&r, 5999));
	/* It counts from where the clock is now. */
	assert_true(ratelimit_take(&r, 6000));
}

static void without_refill_the_burst_is_all(void **state)
{
	(void)state;
	struct ratelimit r;

	ratelimit_init(&r, 2, 0, 0);
	assert_int_equal(take_all(&r, 0), 2);
	assert_int_equal(take_all(&r, UINT64_MAX), 0);
	ratelimit_init(&r, 0, 10, 0);
	assert_int_equal(take_all(&r, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_full_bucket_gives_its_burst),
	        cmocka_unit_test(never_more_than_the_burst),
	        cmocka_unit_test(large_numbers_do_not_overflow),
	        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
	        cmocka_unit_test(without_refill_the_burst_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
