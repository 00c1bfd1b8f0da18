/* ACLs. The client certificate is this file's own: what TLS makes of one is tested with TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/acl.h"
#include "net/tls.h"

static const char *certificate_name;
static unsigned certificate_questions;

bool net_tls_peer_matches(const struct net_stream *s, const char *pattern)
{
	assert_true(s->info.peer_certificate);
	certificate_questions++;
	return strcmp(certificate_name, pattern) == 0;
}

static struct net_address address(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(text, 53, &a), 0);
	return a;
}

static struct net_prefix prefix(const char *text)
{
	struct net_prefix p;

	assert_int_equal(net_prefix_parse(text, &p), 0);
	return p;
}

#define KEY(text) ((const uint8_t *)(text)), sizeof(text)

static bool match(const struct net_acl_rule *const *rules, size_t count, const struct net_acl_subject *who)
{
	const struct net_acl acl = {.rules = rules, .rule_count = count};

	return net_acl_match(&acl, who);
}

static bool match_one(const struct net_acl_rule *rule, const struct net_acl_subject *who)
{
	return match(&rule, 1, who);
}

static void test_any_and_nobody(void **state)
{
	const struct net_acl any = {.any = true}, none = {0};
	const struct net_acl_rule nothing = {0};
	struct net_address a = address("192.0.2.1");
	const struct net_acl_subject stranger = {0}, known = {.address = &a};

	(void)state;
	assert_true(net_acl_match(&any, &stranger));
	assert_true(net_acl_match(&any, &known));
	assert_false(net_acl_match(&none, &stranger));
	assert_false(net_acl_match(&none, &known));
	assert_false(match_one(&nothing, &known));
}

static void test_address(void **state)
{
	struct net_prefix prefixes[] = {prefix("192.0.2.0/24"), prefix("2001:db8::/32"), prefix("198.51.100.7")};
	const struct net_acl_rule rule = {.prefixes = prefixes, .prefix_count = 3};
	static const struct {
		const char *address;
		bool inside;
	} cases[] = {
	        {"192.0.2.0", true},    {"192.0.2.255", true},      {"192.0.3.0", false},  {"192.0.1.255", false},
	        {"198.51.100.7", true}, {"198.51.100.8", false},    {"2001:db8::1", true}, {"2001:db9::1", false},
	        {"::1", false},         {"::ffff:192.0.2.9", true},
	};
	const struct net_acl_subject unknown = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_address a = address(cases[i].address);
		const struct net_acl_subject who = {.address = &a};

		assert_int_equal(match_one(&rule, &who), cases[i].inside);
	}
	assert_false(match_one(&rule, &unknown));
}

static void test_key(void **state)
{
	const struct net_acl_key keys[] = {{KEY("\x01"
	                                        "a\x07"
	                                        "Example")},
	                                   {KEY("\x01"
	                                        "b\x07"
	                                        "example")}};
	const struct net_acl_rule rule = {.keys = keys, .key_count = 2};
	const struct net_acl_subject unsigned_one = {0};
	struct net_acl_subject who = {0};

	(void)state;
	who = (struct net_acl_subject){.key = (const uint8_t *)"\x01"
	                                                       "A\x07"
	                                                       "exAMPLE",
	                               .key_len = 11};
	assert_true(match_one(&rule, &who));
	who = (struct net_acl_subject){.key = (const uint8_t *)"\x01"
	                                                       "b\x07"
	                                                       "example",
	                               .key_len = 11};
	assert_true(match_one(&rule, &who));
	who = (struct net_acl_subject){.key = (const uint8_t *)"\x01"
	                                                       "c\x07"
	                                                       "example",
	                               .key_len = 11};
	assert_false(match_one(&rule, &who));
	who = (struct net_acl_subject){.key = (const uint8_t *)"\x01"
	                                                       "a",
	                               .key_len = 3};
	assert_false(match_one(&rule, &who));
	assert_false(match_one(&rule, &unsigned_one));
}

static void test_certificate(void **state)
{
	static const char *const patterns[] = {"a.example", "b.example"};
	const struct net_acl_rule rule = {.certificates = patterns, .certificate_count = 2};
	struct net_stream s = {.fd = -1};
	struct net_acl_subject who = {.stream = &s};

	(void)state;
	certificate_name = "b.example";
	assert_false(match_one(&rule, &who)); /* none shown */
	s.info.peer_certificate = true;
	assert_true(match_one(&rule, &who));
	certificate_name = "c.example";
	assert_false(match_one(&rule, &who));
	who.stream = NULL;
	assert_false(match_one(&rule, &who));
}

/* Each kind that a rule lists must match: all eight combinations of what matches. */
static void test_kinds_are_joined(void **state)
{
	struct net_prefix prefixes[] = {prefix("192.0.2.0/24")};
	const struct net_acl_key keys[] = {{KEY("\x01"
	                                        "a")}};
	static const char *const patterns[] = {"a.example"};
	const struct net_acl_rule rule = {prefixes, 1, keys, 1, patterns, 1};
	struct net_address inside = address("192.0.2.1"), outside = address("192.0.3.1");
	struct net_stream s = {.fd = -1, .info = {.peer_certificate = true}};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		const struct net_acl_subject who = {.address = i & 1 ? &inside : &outside,
		                                    .key = (const uint8_t *)(i & 2 ? "\x01"
		                                                                     "a"
		                                                                   : "\x01"
		                                                                     "b"),
		                                    .key_len = 3,
		                                    .stream = &s};

		certificate_name = i & 4 ? "a.example" : "b.example";
		assert_int_equal(match_one(&rule, &who), i == 7);
	}
	/* Certificates cost most and are not asked for once another kind has failed. */
	certificate_questions = 0;
	assert_false(match_one(&rule, &(const struct net_acl_subject){.address = &outside, .stream = &s}));
	assert_int_equal(certificate_questions, 0);
}

/* One rule of a list is enough, wherever it stands. */
static void test_rules_are_alternatives(void **state)
{
	struct net_prefix prefixes[] = {prefix("192.0.2.0/24")};
	const struct net_acl_key keys[] = {{KEY("\x01"
	                                        "a")}};
	const struct net_acl_rule by_address = {.prefixes = prefixes, .prefix_count = 1};
	const struct net_acl_rule by_key = {.keys = keys, .key_count = 1};
	const struct net_acl_rule *const rules[] = {&by_address, &by_key};
	struct net_address inside = address("192.0.2.1"), outside = address("192.0.3.1");
	const struct net_acl_subject first = {.address = &inside};
	const struct net_acl_subject second = {.address = &outside,
	                                       .key = (const uint8_t *)"\x01"
	                                                               "A",
	                                       .key_len = 3};
	const struct net_acl_subject neither = {.address = &outside};

	(void)state;
	assert_true(match(rules, 2, &first));
	assert_true(match(rules, 2, &second));
	assert_false(match(rules, 2, &neither));
	assert_false(match(rules, 1, &second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_any_and_nobody),
	        cmocka_unit_test(test_address),
	        cmocka_unit_test(test_key),
	        cmocka_unit_test(test_certificate),
	        cmocka_unit_test(test_kinds_are_joined),
	        cmocka_unit_test(test_rules_are_alternatives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
