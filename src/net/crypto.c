#include "net/crypto.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

#include "base/err.h"
#include "net/openssl.h"

enum { MAC_MAX = 64 };

int net_hmac(const char *digest, const uint8_t *key, size_t key_len, const struct net_crypto_part *parts, size_t count,
             uint8_t *mac)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
	                             OSSL_PARAM_construct_end()};
	/* An empty key is a key; NULL would mean "the one set before". */
	bool good =
	        context != NULL && EVP_MAC_init(context, key_len > 0 ? key : (const uint8_t *)"", key_len, params) == 1;
	size_t len = 0;

	for (size_t i = 0; good && i < count; i++) {
		good = EVP_MAC_update(context, parts[i].data, parts[i].len) == 1;
	}
	good = good && EVP_MAC_final(context, mac, &len, MAC_MAX) == 1;
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(hmac);
	return good ? (int)len : ERR_SYSTEM;
}

int net_random(void *data, size_t len)
{
	uint8_t *out = data;

	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return ERR_SYSTEM;
		}
		out += got;
		len -= (size_t)got;
	}
	return 0;
}

/* 0 to 63, or -1. */
static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int net_base64_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *ret_len)
{
	uint32_t bits = 0;
	unsigned held = 0;  /* bits not yet put out */
	size_t symbols = 0; /* letters and padding */
	size_t padding = 0;
	size_t written = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_space(text[i])) {
			continue;
		}
		symbols++;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		int value = sextet(text[i]);

		if (value < 0 || padding > 0) {
			return ERR_SYNTAX;
		}
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			if (written == size) {
				return ERR_SPACE;
			}
			out[written++] = (uint8_t)(bits >> held);
			bits &= (1U << held) - 1;
		}
	}
	/* Whole quartets, at most two of padding, and no bits left over in the last letter. */
	if (symbols % 4 != 0 || padding > 2 || bits != 0) {
		return ERR_SYNTAX;
	}
	*ret_len = written;
	return 0;
}
