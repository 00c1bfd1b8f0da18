/*
 * The HMAC for tests of TSIG. In a file of its own, because OpenSSL's ERR_STATE
 * and ours cannot be seen together.
 */
#ifndef TESTS_WIRE_HMAC_H
#define TESTS_WIRE_HMAC_H

#include "wire/sign.h"

/* A wire_hmac_fn over OpenSSL; -1 if that fails. */
int hmac_openssl(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len,
                 const struct wire_tsig_part *parts, size_t count, uint8_t *mac);

#endif
