#include "base/hash.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

static unsigned char key[crypto_shorthash_KEYBYTES];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
	randombytes_buf(key, sizeof(key));
}

uint64_t hash_bytes(const void *data, size_t len)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t value;

	pthread_once(&key_once, draw_key);
	crypto_shorthash(out, data, len, key);
	memcpy(&value, out, sizeof(value));
	return value;
}
