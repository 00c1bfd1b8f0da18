#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "net/address.h"

static void goes_both_ways(void **state)
{
	(void)state;
	static const char *const whole[] = {"192.0.2.1@853", "0.0.0.0@0",     "2001:db8::1@53",
	                                    "::@65535",      "fe80::1%lo@53", "::ffff:192.0.2.1@1"};
	char text[NET_ADDRESS_TEXT_MAX];
	struct net_address a;

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		assert_int_equal(net_address_parse(whole[i], 0, &a), 0);
		assert_string_equal(net_address_text(&a, text), whole[i]);
	}
	assert_int_equal(net_address_parse("192.0.2.1", 853, &a), 0);
	assert_int_equal(net_address_port(&a), 853);
	assert_int_equal(a.len, sizeof(struct sockaddr_in));
	assert_int_equal(net_address_parse("fe80::1%4000000000@53", 0, &a), 0);
	assert_string_equal(net_address_text(&a, text), "fe80::1%4000000000@53");
	memset(&a, 0, sizeof(a));
	assert_string_equal(net_address_text(&a, text), "-");
	assert_int_equal(net_address_port(&a), 0);
}

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "",
	        "@53",
	        "192.0.2.1@",
	        "192.0.2.1@65536",
	        "192.0.2.1@123456",
	        "192.0.2.1@-1",
	        "192.0.2.1@ 53",
	        "192.0.2.1@53@53",
	        "192.0.2@53",
	        "192.0.2.1%lo@53",
	        "name.example@53",
	        "2001:db8:::1@53",
	        "fe80::1%@53",
	        "fe80::1%no-such-if@53",
	        "fe80::1%0@53",
	        "[::1]:53",
	        "::1111111111111111111111111111111111111111111111111111111111111111111111111"};
	struct net_address a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(net_address_parse(bad[i], 53, &a), ERR_SYNTAX);
	}
	assert_int_equal(net_address_parse("192.0.2.1", 0, &a), ERR_SYNTAX);
}

static bool inside(const char *prefix, const char *address)
{
	struct net_prefix p;
	struct net_address a;

	assert_int_equal(net_prefix_parse(prefix, &p), 0);
	assert_int_equal(net_address_parse(address, 1, &a), 0);
	return net_prefix_contains(&p, &a);
}

static void prefixes_contain(void **state)
{
	(void)state;
	assert_true(inside("192.0.2.0/24", "192.0.2.255"));
	assert_false(inside("192.0.2.0/24", "192.0.3.0"));
	assert_true(inside("192.0.2.128/25", "192.0.2.129"));
	assert_false(inside("192.0.2.128/25", "192.0.2.127"));
	assert_true(inside("192.0.2.1", "192.0.2.1"));
	assert_false(inside("192.0.2.1", "192.0.2.2"));
	assert_true(inside("0.0.0.0/0", "203.0.113.9"));
	assert_true(inside("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(inside("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(inside("::/0", "::1"));
	/* One and the same host, whichever socket it came through. */
	assert_true(inside("192.0.2.0/24", "::ffff:192.0.2.7"));
	assert_false(inside("::/0", "::ffff:192.0.2.7"));
	assert_false(inside("::/0", "192.0.2.7"));
	assert_false(inside("0.0.0.0/0", "2001:db8::1"));
}

static void nothing_contains_an_address_of_no_family(void **state)
{
	(void)state;
	struct net_prefix p;
	struct net_address none = {0};

	assert_int_equal(net_prefix_parse("0.0.0.0/0", &p), 0);
	assert_false(net_prefix_contains(&p, &none));
}

static void prefixes_refuse(void **state)
{
	(void)state;
	struct net_prefix p;

	assert_int_equal(net_prefix_parse("192.0.2.1/24", &p), ERR_INVALID);
	assert_int_equal(net_prefix_parse("2001:db8::1/64", &p), ERR_INVALID);
	assert_int_equal(net_prefix_parse("192.0.2.0/33", &p), ERR_SYNTAX);
	assert_int_equal(net_prefix_parse("2001:db8::/129", &p), ERR_SYNTAX);
	assert_int_equal(net_prefix_parse("192.0.2.0/", &p), ERR_SYNTAX);
	assert_int_equal(net_prefix_parse("192.0.2.0/x", &p), ERR_SYNTAX);
	assert_int_equal(net_prefix_parse("192.0.2/24", &p), ERR_SYNTAX);
	assert_int_equal(net_prefix_parse("", &p), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(goes_both_ways),   cmocka_unit_test(refuses_what_is_no_address),
	        cmocka_unit_test(prefixes_contain), cmocka_unit_test(nothing_contains_an_address_of_no_family),
	        cmocka_unit_test(prefixes_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
