#include "hmac.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

int hmac_openssl(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len,
                 const struct wire_tsig_part *parts, size_t count, uint8_t *mac)
{
	static const char *const digests[] = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
	char digest[16];
	strcpy(digest, digests[algorithm]);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
	EVP_MAC *method = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(method);
	size_t len = 0;

	int ok = EVP_MAC_init(context, key, key_len, params);
	for (size_t i = 0; ok && i < count; i++) {
		ok = EVP_MAC_update(context, parts[i].data, parts[i].len);
	}
	ok = ok && EVP_MAC_final(context, mac, &len, WIRE_TSIG_MAC_MAX);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(method);
	return ok ? (int)len : -1;
}
