/* The HMAC of TSIG by known vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "conn/hmac.h"

/* Key and data are repeated bytes (`key_fill`, `data_fill`) or texts. */
struct vector {
	const char *key, *data;
	uint8_t key_fill, data_fill;
	uint8_t key_len, data_len;
	const char *sha224, *sha256, *sha384, *sha512;
};

#define COUNTED "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31"
#define LONG_DATA                                                                                                      \
	"This is a test using a larger than block-size key and a larger than block-size data. "                        \
	"The key needs to be hashed before being used by the HMAC algorithm."

/* RFC 4231 4.2 to 4.5, 4.7, 4.8. */
static const struct vector vectors[] = {
        {NULL, "Hi There", 0x0b, 0, 20, 8, "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4"
         "be9d914eeb61f1702e696c203a126854"},
        {"Jefe", "what do ya want for nothing?", 0, 0, 4, 28,
         "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
         "caeab1a34d4a6b4b636e070a38bce737"},
        {NULL, NULL, 0xaa, 0xdd, 20, 50, "7fb3cb3588c6c1f6ffa9694d7d6ad2649365b0c1f65d69d1ec8333ea",
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
         "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
         "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807"
         "b946a337bee8942674278859e13292fb"},
        {COUNTED, NULL, 0, 0xcd, 25, 50, "6c11506874013cac6a2abc1bb382627cec6a90d86efc012de7afec5a",
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
         "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
         "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063"
         "a5f19741120c4f2de2adebeb10a298dd"},
        {NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0xaa, 0, 131, 54,
         "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
         "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52"
         "95e64f73f63f0aec8b915a985d786598"},
        {NULL, LONG_DATA, 0xaa, 0, 131, sizeof(LONG_DATA) - 1,
         "3a854166ac5d9f023f54d517d0b39dbd946770db9c2b95c9f6f565d1",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
         "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
         "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15"
         "134676fb6de0446065c97440fa8c6a58"},
};

/* The data in one part and cut into several, empty ones among them. */
static void expect_mac(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len, const uint8_t *data,
                       size_t data_len, const char *hex)
{
	for (size_t parts_count = 1; parts_count <= 16; parts_count += 5) {
		struct wire_tsig_part parts[16];
		uint8_t mac[WIRE_TSIG_MAC_MAX];
		char text[2 * WIRE_TSIG_MAC_MAX + 1] = "";
		for (size_t i = 0; i < parts_count; i++) {
			size_t from = data_len * i / parts_count, to = data_len * (i + 1) / parts_count;
			parts[i] = (struct wire_tsig_part){data + from, to - from};
		}
		int len = conn_hmac(algorithm, key, key_len, parts, parts_count, mac);
		assert_true(len > 0 && len <= WIRE_TSIG_MAC_MAX);
		for (int i = 0; i < len; i++) {
			snprintf(text + 2 * i, 3, "%02x", mac[i]);
		}
		assert_string_equal(text, hex);
	}
}

static void sha2_as_in_rfc_4231(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t key[256], data[256];
		memset(key, v->key_fill, sizeof(key));
		memset(data, v->data_fill, sizeof(data));
		if (v->key) {
			memcpy(key, v->key, v->key_len);
		}
		if (v->data) {
			memcpy(data, v->data, v->data_len);
		}
		expect_mac(WIRE_TSIG_HMAC_SHA224, key, v->key_len, data, v->data_len, v->sha224);
		expect_mac(WIRE_TSIG_HMAC_SHA256, key, v->key_len, data, v->data_len, v->sha256);
		expect_mac(WIRE_TSIG_HMAC_SHA384, key, v->key_len, data, v->data_len, v->sha384);
		expect_mac(WIRE_TSIG_HMAC_SHA512, key, v->key_len, data, v->data_len, v->sha512);
	}
}

/* RFC 2202 2 and 3, first case each. */
static void md5_and_sha1_as_in_rfc_2202(void **state)
{
	(void)state;
	uint8_t key[20];
	memset(key, 0x0b, sizeof(key));
	expect_mac(WIRE_TSIG_HMAC_MD5, key, 16, (const uint8_t *)"Hi There", 8, "9294727a3638bb1c13f48ef8158bfc9d");
	expect_mac(WIRE_TSIG_HMAC_SHA1, key, 20, (const uint8_t *)"Hi There", 8,
	           "b617318655057264e28bc0b6fb378c8ef146be00");
}

static void nothing_has_a_mac_too(void **state)
{
	(void)state;
	expect_mac(WIRE_TSIG_HMAC_SHA256, NULL, 0, (const uint8_t *)"", 0,
	           "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void what_it_does_not_take(void **state)
{
	(void)state;
	struct wire_tsig_part parts[17] = {{"", 0}};
	uint8_t mac[WIRE_TSIG_MAC_MAX] = {0};
	assert_int_equal(conn_hmac(WIRE_TSIG_HMAC_SHA256, mac, 0, parts, 17, mac), ERR_INVALID);
	assert_int_equal(conn_hmac((enum wire_tsig_algorithm)(WIRE_TSIG_HMAC_SHA512 + 1), mac, 0, parts, 1, mac),
	                 ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sha2_as_in_rfc_4231),
	        cmocka_unit_test(md5_and_sha1_as_in_rfc_2202),
	        cmocka_unit_test(nothing_has_a_mac_too),
	        cmocka_unit_test(what_it_does_not_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
