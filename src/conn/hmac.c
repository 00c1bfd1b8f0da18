#include "conn/hmac.h"

#include "base/err.h"
#include "net/crypto.h"

int conn_hmac(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len,
              const struct wire_tsig_part *parts, size_t count, uint8_t *mac)
{
	static const char *const digests[] = {
	        [WIRE_TSIG_HMAC_MD5] = "MD5",       [WIRE_TSIG_HMAC_SHA1] = "SHA1",
	        [WIRE_TSIG_HMAC_SHA224] = "SHA224", [WIRE_TSIG_HMAC_SHA256] = "SHA256",
	        [WIRE_TSIG_HMAC_SHA384] = "SHA384", [WIRE_TSIG_HMAC_SHA512] = "SHA512",
	};
	enum { PARTS_MAX = 16 };
	struct net_crypto_part copy[PARTS_MAX];
	if (count > PARTS_MAX || (size_t)algorithm >= sizeof(digests) / sizeof(digests[0])) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < count; i++) {
		copy[i] = (struct net_crypto_part){parts[i].data, parts[i].len};
	}
	return net_hmac(digests[algorithm], key, key_len, copy, count, mac);
}
