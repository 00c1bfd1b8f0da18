/*
 * Keyed hash for tables whose keys a stranger picks (SipHash, random key a process).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of `len` bytes. The key is drawn at the first call. Thread-safe. */
uint64_t hash_bytes(const void *data, size_t len);

#endif
