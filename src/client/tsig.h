/*
 * TSIG for programs that send messages through a handle: the key as users write it, signing and checking.
 */
#ifndef CLIENT_TSIG_H
#define CLIENT_TSIG_H

#include "wire/sign.h"

/*
 * Parse [ALGORITHM:]NAME:SECRET (hmac-sha256 by default, the secret in base64). 0 or
 * ERR_SYNTAX, and then *ret_why (static) says what is wrong with it.
 */
int client_tsig_parse(const char *text, struct wire_tsig_key *ret_key, const char **ret_why);

/* Sign a request of `len` bytes in memory of `size` now; *ret_state is for the check. Errors as wire_tsig_sign(). */
int client_tsig_sign(const struct wire_tsig_key *key, uint8_t *message, size_t len, size_t size,
                     struct wire_tsig_state *ret_state, size_t *ret_len);

/* Check the answer to it, now. An unsigned answer is ERR_BADSIG. Errors as wire_tsig_check_answer(). */
int client_tsig_check(const struct wire_message *answer, struct wire_tsig_state *state);

#endif
