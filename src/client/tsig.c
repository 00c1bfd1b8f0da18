#include "client/tsig.h"

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "conn/hmac.h"
#include "net/crypto.h"

int client_tsig_parse(const char *text, struct wire_tsig_key *ret_key, const char **ret_why)
{
	const char *first = strchr(text, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;
	const char *name = second ? first + 1 : text;
	const char *secret = second ? second + 1 : first ? first + 1 : NULL;
	struct wire_tsig_key key = {.algorithm = WIRE_TSIG_HMAC_SHA256};

	*ret_why = NULL;
	if (!secret) {
		*ret_why = "is of the form [ALGORITHM:]NAME:SECRET";
	} else if (second && wire_tsig_algorithm_from_text(text, (size_t)(first - text), &key.algorithm)) {
		*ret_why = "unknown algorithm; known are hmac-sha256, hmac-sha512 and their like";
	} else if (wire_name_from_text(name, (size_t)(secret - 1 - name), NULL, &key.name)) {
		*ret_why = "the key's name is not a domain name";
	} else if (net_base64_decode(secret, strlen(secret), key.secret, sizeof(key.secret), &key.secret_len) ||
	           key.secret_len == 0) {
		*ret_why = "the secret is not base64";
	}
	if (*ret_why) {
		return ERR_SYNTAX;
	}
	*ret_key = key;
	return 0;
}

int client_tsig_sign(const struct wire_tsig_key *key, uint8_t *message, size_t len, size_t size,
                     struct wire_tsig_state *ret_state, size_t *ret_len)
{
	struct wire_tsig_state state = {.key = key};
	int err = wire_tsig_sign(message, len, size, true, &state, conn_hmac, (uint64_t)time(NULL), ret_len);
	if (!err) {
		*ret_state = state;
	}
	return err;
}

int client_tsig_check(const struct wire_message *answer, struct wire_tsig_state *state)
{
	if (!answer->has_tsig) {
		return ERR_BADSIG;
	}
	return wire_tsig_check_answer(answer, conn_hmac, (uint64_t)time(NULL), state);
}
