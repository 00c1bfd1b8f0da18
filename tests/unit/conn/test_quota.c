/* How many connections there may be, in all and from one address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/err.h"
#include "base/mem.h"
#include "conn/quota.h"

static struct net_address address(const char *text)
{
	struct net_address a;
	assert_int_equal(net_address_parse(text, 53, &a), 0);
	return a;
}

static int take(struct conn_quota *q, const char *text)
{
	const struct net_address a = address(text);
	return conn_quota_take(q, &a);
}

static void give(struct conn_quota *q, const char *text)
{
	const struct net_address a = address(text);
	conn_quota_give(q, &a);
}

static void each_address_has_its_share(void **state)
{
	(void)state;
	struct conn_quota *q = conn_quota_new(100, 2);
	assert_non_null(q);
	assert_int_equal(take(q, "192.0.2.1@1"), 0);
	assert_int_equal(take(q, "192.0.2.1@2"), 0);
	assert_int_equal(take(q, "192.0.2.1@3"), ERR_LIMIT);
	assert_int_equal(conn_quota_count(q), 2);
	assert_int_equal(take(q, "192.0.2.2"), 0);
	give(q, "192.0.2.1@2");
	assert_int_equal(conn_quota_count(q), 2);
	assert_int_equal(take(q, "192.0.2.1@3"), 0);
	assert_int_equal(take(q, "192.0.2.1@3"), ERR_LIMIT);
	/* All of one address go, then it starts anew. */
	give(q, "192.0.2.1");
	give(q, "192.0.2.1");
	assert_int_equal(take(q, "192.0.2.1"), 0);
	assert_int_equal(take(q, "192.0.2.1"), 0);
	assert_int_equal(take(q, "192.0.2.1"), ERR_LIMIT);
	conn_quota_free(q);
}

static void what_counts_as_one_address(void **state)
{
	(void)state;
	struct conn_quota *q = conn_quota_new(100, 1);
	/* The same /56, to its last bit, and the next ones. */
	assert_int_equal(take(q, "2001:db8:0:100::1"), 0);
	assert_int_equal(take(q, "2001:db8:0:1ff:ffff:ffff:ffff:ffff"), ERR_LIMIT);
	assert_int_equal(take(q, "2001:db8:0:200::1"), 0);
	assert_int_equal(take(q, "2001:db8:0:ff::1"), 0);
	/* IPv4 however it comes. */
	assert_int_equal(take(q, "192.0.2.1"), 0);
	assert_int_equal(take(q, "::ffff:192.0.2.1"), ERR_LIMIT);
	assert_int_equal(take(q, "::ffff:192.0.2.2"), 0);
	assert_int_equal(take(q, "192.0.2.2"), ERR_LIMIT);
	give(q, "192.0.2.2");
	assert_int_equal(take(q, "192.0.2.2"), 0);
	/* An IPv6 prefix whose first bytes are those of an IPv4 address is another. */
	assert_int_equal(take(q, "c000:201::1"), 0);
	assert_int_equal(conn_quota_count(q), 6);
	conn_quota_free(q);
}

static void there_is_a_limit_in_all(void **state)
{
	(void)state;
	struct conn_quota *q = conn_quota_new(2, 10);
	assert_int_equal(take(q, "192.0.2.1"), 0);
	assert_int_equal(take(q, "192.0.2.2"), 0);
	assert_int_equal(take(q, "192.0.2.3"), ERR_LIMIT);
	assert_int_equal(take(q, "192.0.2.1"), ERR_LIMIT);
	/* One that was never counted in changes nothing. */
	give(q, "192.0.2.3");
	assert_int_equal(conn_quota_count(q), 2);
	give(q, "192.0.2.1");
	assert_int_equal(take(q, "192.0.2.3"), 0);
	/* Fewer: those that are there stay. */
	conn_quota_configure(q, 1, 1);
	assert_int_equal(conn_quota_count(q), 2);
	give(q, "192.0.2.2");
	assert_int_equal(take(q, "192.0.2.2"), ERR_LIMIT);
	give(q, "192.0.2.3");
	assert_int_equal(take(q, "192.0.2.2"), 0);
	conn_quota_configure(q, 3, 2);
	assert_int_equal(take(q, "192.0.2.2"), 0);
	assert_int_equal(take(q, "192.0.2.2"), ERR_LIMIT);
	conn_quota_free(q);
	conn_quota_free(NULL);
}

/* Who is refused costs nothing. */
static void none_at_all(void **state)
{
	(void)state;
	struct conn_quota *q = conn_quota_new(10, 0);
	mem_fail_after(0);
	assert_int_equal(take(q, "192.0.2.1"), ERR_LIMIT);
	assert_false(mem_failed());
	mem_fail_after(-1);
	give(q, "192.0.2.1");
	assert_int_equal(conn_quota_count(q), 0);
	conn_quota_free(q);
}

/* So many that they share buckets. */
static void many_addresses(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	struct conn_quota *q = conn_quota_new(COUNT, 1);
	struct net_address a = address("10.0.0.0");
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			a.in.sin_addr.s_addr = htonl(0x0a000000 + i);
			assert_int_equal(conn_quota_take(q, &a), 0);
		}
		assert_int_equal(conn_quota_count(q), COUNT);
		for (uint32_t i = 0; i < COUNT; i++) {
			a.in.sin_addr.s_addr = htonl(0x0a000000 + (i * 7919) % COUNT);
			conn_quota_give(q, &a);
		}
		assert_int_equal(conn_quota_count(q), 0);
	}
	conn_quota_free(q);
}

static void memory_may_end(void **state)
{
	(void)state;
	mem_fail_after(0);
	assert_null(conn_quota_new(1, 1));
	mem_fail_after(-1);
	struct conn_quota *q = conn_quota_new(1, 1);
	mem_fail_after(0);
	assert_int_equal(take(q, "192.0.2.1"), ERR_NOMEM);
	mem_fail_after(-1);
	assert_int_equal(conn_quota_count(q), 0);
	assert_int_equal(take(q, "192.0.2.1"), 0);
	/* Nothing is kept of an address that has left: it costs memory anew. */
	give(q, "192.0.2.1");
	mem_fail_after(0);
	assert_int_equal(take(q, "192.0.2.1"), ERR_NOMEM);
	mem_fail_after(-1);
	conn_quota_free(q);
}

static void *take_and_give(void *context)
{
	struct conn_quota *q = context;
	struct net_address a;
	net_address_parse("192.0.2.1", 53, &a);
	size_t taken = 0;
	for (int i = 0; i < 10000; i++) {
		if (conn_quota_take(q, &a) == 0) {
			taken++;
			conn_quota_give(q, &a);
		}
	}
	/* The last one stays. */
	return (void *)(uintptr_t)(conn_quota_take(q, &a) == 0 && taken > 0);
}

static void threads_share_it(void **state)
{
	(void)state;
	struct conn_quota *q = conn_quota_new(4, 4);
	pthread_t threads[4];
	void *result;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, q), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_true((uintptr_t)result);
	}
	assert_int_equal(conn_quota_count(q), 4);
	assert_int_equal(take(q, "192.0.2.1"), ERR_LIMIT);
	conn_quota_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_address_has_its_share),
	        cmocka_unit_test(what_counts_as_one_address),
	        cmocka_unit_test(there_is_a_limit_in_all),
	        cmocka_unit_test(none_at_all),
	        cmocka_unit_test(many_addresses),
	        cmocka_unit_test(memory_may_end),
	        cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
