/*
 * The HMAC that TSIG takes as an argument (wire/sign.h), by the crypto library behind net.
 */
#ifndef CONN_HMAC_H
#define CONN_HMAC_H

#include "wire/sign.h"

/* A wire_hmac_fn. Thread-safe. */
int conn_hmac(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len,
              const struct wire_tsig_part *parts, size_t count, uint8_t *mac);

#endif
