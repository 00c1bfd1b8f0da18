#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "net/crypto.h"

/* RFC 4231 test case 2 and RFC 2202 test case 2, in one part and in three. */
static void hmac_of_the_rfcs(void **state)
{
	(void)state;
	static const uint8_t sha256[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
	                                 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
	                                 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
	static const uint8_t md5[] = {0x75, 0x0c, 0x78, 0x3e, 0x6a, 0xb0, 0xb5, 0x03,
	                              0xea, 0xa8, 0x6e, 0x31, 0x0a, 0x5d, 0xb7, 0x38};
	const uint8_t *key = (const uint8_t *)"Jefe";
	const struct net_crypto_part one[] = {{"what do ya want for nothing?", 28}};
	const struct net_crypto_part three[] = {{"what do ya", 10}, {"", 0}, {" want for nothing?", 18}};
	uint8_t mac[64];

	assert_int_equal(net_hmac("SHA256", key, 4, one, 1, mac), 32);
	assert_memory_equal(mac, sha256, 32);
	memset(mac, 0, sizeof(mac));
	assert_int_equal(net_hmac("SHA256", key, 4, three, 3, mac), 32);
	assert_memory_equal(mac, sha256, 32);
	assert_int_equal(net_hmac("MD5", key, 4, one, 1, mac), 16);
	assert_memory_equal(mac, md5, 16);
	assert_int_equal(net_hmac("SHA512", key, 0, one, 1, mac), 64);
	assert_int_equal(net_hmac("NOSUCH", key, 4, one, 1, mac), ERR_SYSTEM);
}

static void random_bytes_differ(void **state)
{
	(void)state;
	uint8_t a[32] = {0};
	uint8_t b[32] = {0};

	assert_int_equal(net_random(a, sizeof(a)), 0);
	assert_int_equal(net_random(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(net_random(a, 0), 0);
}

static int decode(const char *text, uint8_t *out, size_t size, size_t *ret_len)
{
	return net_base64_decode(text, strlen(text), out, size, ret_len);
}

/* RFC 4648 section 10. */
static void base64_of_the_rfc(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""},
	                                       {"Zg==", "f"},
	                                       {"Zm8=", "fo"},
	                                       {"Zm9v", "foo"},
	                                       {"Zm9vYg==", "foob"},
	                                       {" Zm9v\nYmE=\t", "fooba"},
	                                       {"Zm9vYmFy", "foobar"}};
	uint8_t out[16];
	size_t len = 99;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(decode(pairs[i][0], out, sizeof(out), &len), 0);
		assert_int_equal(len, strlen(pairs[i][1]));
		assert_memory_equal(out, pairs[i][1], len);
	}
	assert_int_equal(decode("+/+/", out, 3, &len), 0);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
}

static void base64_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v!", "Zh==", "Zm9=", "=Zm9"};
	uint8_t out[16];
	size_t len = 99;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(bad[i], out, sizeof(out), &len), ERR_SYNTAX);
	}
	assert_int_equal(decode("Zm9v", out, 2, &len), ERR_SPACE);
	assert_int_equal(len, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(hmac_of_the_rfcs),
	        cmocka_unit_test(random_bytes_differ),
	        cmocka_unit_test(base64_of_the_rfc),
	        cmocka_unit_test(base64_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
