/*
 * TSIG (RFC 8945): signing and checking of messages. No clock and no crypto
 * library here: time and the HMAC come in as arguments.
 */
#ifndef WIRE_SIGN_H
#define WIRE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/message.h"

enum wire_tsig_algorithm {
	WIRE_TSIG_HMAC_MD5,
	WIRE_TSIG_HMAC_SHA1,
	WIRE_TSIG_HMAC_SHA224,
	WIRE_TSIG_HMAC_SHA256,
	WIRE_TSIG_HMAC_SHA384,
	WIRE_TSIG_HMAC_SHA512,
};
enum { WIRE_TSIG_MAC_MAX = 64, WIRE_TSIG_FUDGE_S = 300 };

struct wire_tsig_key {
	struct wire_name name;
	enum wire_tsig_algorithm algorithm;
	uint8_t secret[512];
	size_t secret_len;
};

struct wire_tsig_part {
	const void *data;
	size_t len;
};
/*
 * HMAC over the concatenated parts; writes the full MAC to `mac` (room for
 * WIRE_TSIG_MAC_MAX) and returns its length, or ERR_NOMEM/ERR_SYSTEM.
 */
typedef int (*wire_hmac_fn)(enum wire_tsig_algorithm algorithm, const uint8_t *key, size_t key_len,
                            const struct wire_tsig_part *parts, size_t count, uint8_t *mac);

/* "hmac-sha256" (also with the final dot) <-> algorithm. ERR_NOT_FOUND. */
int wire_tsig_algorithm_from_text(const char *text, size_t len, enum wire_tsig_algorithm *ret_algorithm);
const char *wire_tsig_algorithm_to_text(enum wire_tsig_algorithm algorithm);

/* What is kept between a request and its answer, and between messages of a stream. */
struct wire_tsig_state {
	const struct wire_tsig_key *key; /* borrowed; NULL: unsigned or key unknown */
	uint8_t mac[WIRE_TSIG_MAC_MAX];  /* of the request (or of the last signed message) */
	size_t mac_len;
	uint16_t error;            /* TSIG error to report in the answer: 0, BADSIG, BADKEY, BADTIME, BADTRUNC */
	uint64_t request_time;     /* time signed of the request, seconds */
	struct wire_name key_name; /* as the request named it, for unsigned error answers */
	struct wire_name algorithm_name;
	uint16_t original_id;
	bool later; /* an answer went by: the next one of the stream covers only timers (RFC 8945 5.3.1) */
};

typedef const struct wire_tsig_key *(*wire_tsig_find_fn)(void *context, const struct wire_name *key_name);

/*
 * Check a request whose TSIG wire_message_read found: key, algorithm, MAC
 * (constant time), then time, then truncation: a MAC cut to a size RFC 8945
 * 5.2.2.1 permits is checked, but as no key asks for cut MACs the answer is
 * BADTRUNC. *ret_state is always set, for the answer; its key only once the MAC
 * was right. 0, ERR_BADKEY, ERR_BADSIG, ERR_BADTIME, ERR_BADTRUNC, ERR_FORMERR
 * (TSIG rdata or MAC size broken: the answer is unsigned), or the HMAC's error.
 */
int wire_tsig_check_request(const struct wire_message *m, wire_tsig_find_fn find, void *context, wire_hmac_fn hmac,
                            uint64_t now_s, struct wire_tsig_state *ret_state);

/*
 * Check the answer to a request signed with `state` (which holds its MAC); moves
 * the state on, so that the next message of a stream can be checked (each of
 * them must be signed). 0; ERR_FORMERR; ERR_BADSIG also for an answer without
 * TSIG; ERR_BADKEY, ERR_BADTIME, ERR_BADTRUNC, also when the answer itself says
 * so, and then state->error is set (BADKEY and BADSIG come unsigned: anybody may
 * have said so); or the HMAC's error.
 */
int wire_tsig_check_answer(const struct wire_message *m, wire_hmac_fn hmac, uint64_t now_s,
                           struct wire_tsig_state *state);

/* Bytes that signing will add at most: what to reserve in a builder. */
size_t wire_tsig_space(const struct wire_tsig_state *state);

/*
 * Append a TSIG to a finished message of `len` bytes in memory of `size`;
 * *ret_len is the new length. For a request `is_request`, *state is filled with
 * key set by the caller. For an answer the request's MAC is covered and an
 * error state gives the error forms of RFC 8945 5.3 (no MAC for BADSIG and
 * BADKEY, other-time for BADTIME); a state with neither key nor error adds
 * nothing. 0, ERR_SPACE or the HMAC's error, and then the message is as before.
 */
int wire_tsig_sign(uint8_t *message, size_t len, size_t size, bool is_request, struct wire_tsig_state *state,
                   wire_hmac_fn hmac, uint64_t now_s, size_t *ret_len);

#endif
