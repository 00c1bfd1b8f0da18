/* The growing list of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "feed/change.h"

static const uint8_t owner[] = "\1a\7example";
static const uint8_t rdata[] = {192, 0, 2, 1};

static struct feed_change change(uint32_t ttl)
{
	return (struct feed_change){.owner = owner,
	                            .rdata = rdata,
	                            .ttl = ttl,
	                            .rdata_len = sizeof(rdata),
	                            .type = 1,
	                            .dns_class = 1,
	                            .op = FEED_REMOVE};
}

/* All fields are copied; what they point to is borrowed. */
static void expect(const struct feed_change *c, uint32_t ttl)
{
	assert_ptr_equal(c->owner, owner);
	assert_ptr_equal(c->rdata, rdata);
	assert_int_equal(c->ttl, ttl);
	assert_int_equal(c->rdata_len, sizeof(rdata));
	assert_int_equal(c->type, 1);
	assert_int_equal(c->dns_class, 1);
	assert_int_equal(c->op, FEED_REMOVE);
}

static void an_empty_list_needs_no_memory(void **state)
{
	(void)state;
	struct feed_list l;
	mem_fail_after(0);
	feed_list_init(&l);
	assert_false(mem_failed());
	mem_fail_after(-1);
	assert_null(l.items);
	assert_int_equal(l.count, 0);
	feed_list_done(&l);
}

static void it_grows_in_order(void **state)
{
	(void)state;
	struct feed_list l;
	feed_list_init(&l);
	for (uint32_t i = 0; i < 1000; i++) {
		struct feed_change c = change(i);
		assert_int_equal(feed_list_add(&l, &c), 0);
		c.ttl = 5000; /* the list has a copy */
		assert_int_equal(l.count, i + 1);
		assert_true(l.cap >= l.count);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		expect(&l.items[i], i);
	}
	feed_list_done(&l);
	/* Empty, and of use again. */
	assert_null(l.items);
	assert_int_equal(l.count, 0);
	assert_int_equal(l.cap, 0);
	const struct feed_change c = change(7);
	assert_int_equal(feed_list_add(&l, &c), 0);
	expect(&l.items[0], 7);
	feed_list_done(&l);
}

static void without_memory_it_stays_as_it_is(void **state)
{
	(void)state;
	struct feed_list l;
	unsigned failures = 0;
	feed_list_init(&l);
	for (uint32_t i = 0; i < 100; i++) {
		const struct feed_change c = change(i);
		mem_fail_after(0);
		int err = feed_list_add(&l, &c);
		bool failed = mem_failed();
		mem_fail_after(-1);
		assert_int_equal(err, failed ? ERR_NOMEM : 0);
		if (failed) {
			failures++;
			assert_int_equal(l.count, i);
			assert_int_equal(feed_list_add(&l, &c), 0);
		}
		assert_int_equal(l.count, i + 1);
	}
	assert_true(failures > 1);
	for (uint32_t i = 0; i < 100; i++) {
		expect(&l.items[i], i);
	}
	feed_list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_empty_list_needs_no_memory),
	        cmocka_unit_test(it_grows_in_order),
	        cmocka_unit_test(without_memory_it_stays_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
