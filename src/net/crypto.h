/*
 * The few cryptographic calls outside TLS, so that no other folder needs the library.
 */
#ifndef NET_CRYPTO_H
#define NET_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

struct net_crypto_part {
	const void *data;
	size_t len;
};
/* HMAC with the named digest ("SHA256", "MD5"...) over the parts; returns the length of the MAC (<= 64) or ERR_SYSTEM.
 */
int net_hmac(const char *digest, const uint8_t *key, size_t key_len, const struct net_crypto_part *parts, size_t count,
             uint8_t *mac);
/* Random bytes from the kernel. 0 or ERR_SYSTEM. */
int net_random(void *data, size_t len);
/* Base64 (RFC 4648), white space ignored; *ret_len bytes into out of `size`. ERR_SYNTAX, ERR_SPACE. */
int net_base64_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *ret_len);

#endif
