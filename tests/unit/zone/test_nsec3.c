#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zone/nsec3.h"
#include "zone_text.h"

/* Base32hex of 20 bytes, lower case. */
static const char *hash_text(const uint8_t *hash)
{
	static char text[33];
	for (int i = 0; i < 32; i++) {
		int bit = i * 5;
		unsigned pair =
		        (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < ZONE_NSEC3_HASH_LEN ? hash[bit / 8 + 1] : 0);
		text[i] = "0123456789abcdefghijklmnopqrstuv"[pair >> (11 - bit % 8) & 31];
	}
	return text;
}

/* RFC 5155 appendix A. */
static void test_hash(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *hash;
	} table[] = {
	        {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"}, {"a", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
	        {"AI", "gjeqe526plbf1g8mklp59enfd789njgi"},       {"ns1", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	        {"*.w", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},      {"x.w", "b4um86eghhds6nea196smvmlo4ors995"},
	        {"x.y.w", "2vptu5timamqttgl4luu9kg21e0aor3s"},    {"xx", "t644ebqk9bibcna874givr6joj62mlhv"},
	};
	struct zone_nsec3_params params = {
	        .iterations = 12, .salt_len = 4, .salt = (const uint8_t *)"\xaa\xbb\xcc\xdd"};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct wire_name name = test_name(table[i].name);
		uint8_t hash[ZONE_NSEC3_HASH_LEN];
		assert_true(zone_nsec3_hash(&params, name.data, hash));
		assert_string_equal(hash_text(hash), table[i].hash);
	}
}

#define CHAIN "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 60 NSEC3 1 0 1 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom SOA\n"

static bool params_of(const char *records, struct zone_nsec3_params *params)
{
	struct zone *z = test_zone(records);
	struct zone_snapshot *s = zone_current(z);
	bool found = zone_nsec3_params(s, params);
	zone_snapshot_unref(s);
	zone_free(z);
	return found;
}

static void test_params(void **state)
{
	(void)state;
	struct zone_nsec3_params params;
	assert_true(params_of("@ 60 NSEC3PARAM 1 0 5 ab\n" CHAIN, &params));
	assert_int_equal(params.iterations, 5);
	assert_int_equal(params.salt_len, 1);
	assert_true(params_of("@ 60 NSEC3PARAM 1 0 150 -\n" CHAIN, &params));
	/* Too much work, an unknown hash, a chain under construction, no chain, no parameters. */
	assert_false(params_of("@ 60 NSEC3PARAM 1 0 151 -\n" CHAIN, &params));
	assert_false(params_of("@ 60 NSEC3PARAM 2 0 5 -\n" CHAIN, &params));
	assert_false(params_of("@ 60 NSEC3PARAM 1 1 5 -\n" CHAIN, &params));
	assert_false(params_of("@ 60 NSEC3PARAM 1 0 5 -\n", &params));
	assert_false(params_of(CHAIN, &params));
	/* The usable one of two counts. */
	assert_true(params_of("@ 60 NSEC3PARAM 1 0 500 -\n@ 60 NSEC3PARAM 1 0 7 -\n" CHAIN, &params));
	assert_int_equal(params.iterations, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hash),
	        cmocka_unit_test(test_params),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
