#include "wire/sign.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "wire/dns.h"

enum {
	FIXED_LEN = 16,      /* TSIG rdata without its names, MAC and other data */
	RR_FIXED_LEN = 10,   /* type, class, TTL, rdata length */
	OTHER_TIME_LEN = 6,  /* other data of BADTIME */
	MAC_LEN_FLOOR = 10,  /* RFC 8945 5.2.2.1 */
	VARIABLES_MAX = 528, /* key name, class, TTL, algorithm name, time, fudge, error, other length */
};

struct algorithm {
	const char *text;
	const char *wire;
	size_t mac_len;
};

static const struct algorithm algorithms[] = {
        [WIRE_TSIG_HMAC_MD5] = {"hmac-md5", "\x08hmac-md5\x07sig-alg\x03reg\x03int", 16},
        [WIRE_TSIG_HMAC_SHA1] = {"hmac-sha1", "\x09hmac-sha1", 20},
        [WIRE_TSIG_HMAC_SHA224] = {"hmac-sha224", "\x0bhmac-sha224", 28},
        [WIRE_TSIG_HMAC_SHA256] = {"hmac-sha256", "\x0bhmac-sha256", 32},
        [WIRE_TSIG_HMAC_SHA384] = {"hmac-sha384", "\x0bhmac-sha384", 48},
        [WIRE_TSIG_HMAC_SHA512] = {"hmac-sha512", "\x0bhmac-sha512", 64},
};
enum { ALGORITHM_COUNT = sizeof(algorithms) / sizeof(algorithms[0]) };

static const uint8_t *algorithm_name(enum wire_tsig_algorithm algorithm)
{
	return (const uint8_t *)algorithms[algorithm].wire; /* its NUL is the root label */
}

int wire_tsig_algorithm_from_text(const char *text, size_t len, enum wire_tsig_algorithm *ret_algorithm)
{
	struct wire_name asked;
	struct wire_name known;

	if (wire_name_from_text(text, len, NULL, &asked)) {
		return ERR_NOT_FOUND;
	}
	for (unsigned i = 0; i < ALGORITHM_COUNT; i++) {
		/* The short form of MD5 is no name of an algorithm, but what everybody writes. */
		int err = wire_name_from_text(algorithms[i].text, strlen(algorithms[i].text), NULL, &known);
		if (wire_name_equal(asked.data, algorithm_name(i)) ||
		    (!err && wire_name_equal(asked.data, known.data))) {
			*ret_algorithm = i;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

const char *wire_tsig_algorithm_to_text(enum wire_tsig_algorithm algorithm)
{
	assert((unsigned)algorithm < ALGORITHM_COUNT);
	return algorithms[algorithm].text;
}

/* Rdata of a TSIG (RFC 8945 4.2). */
struct tsig {
	struct wire_name algorithm;
	uint64_t time_s;
	uint16_t fudge_s;
	const uint8_t *mac;
	size_t mac_len;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *other;
	size_t other_len;
};

static int tsig_read(const struct wire_rr *rr, struct tsig *ret_tsig)
{
	struct bytes_reader r = rr->rdata;
	struct tsig t = {0};

	if (wire_name_read(&r, WIRE_NAME_PLAIN, &t.algorithm)) {
		return ERR_FORMERR;
	}
	t.time_s = bytes_u48(&r);
	t.fudge_s = bytes_u16(&r);
	t.mac_len = bytes_u16(&r);
	t.mac = bytes_take(&r, t.mac_len);
	t.original_id = bytes_u16(&r);
	t.error = bytes_u16(&r);
	t.other_len = bytes_u16(&r);
	t.other = bytes_take(&r, t.other_len);
	if (!bytes_complete(&r)) {
		return ERR_FORMERR;
	}
	*ret_tsig = t;
	return 0;
}

static void put_canonical(struct bytes_writer *w, const uint8_t *name)
{
	struct wire_name folded;
	wire_name_set(&folded, name);
	wire_name_lower(folded.data);
	bytes_put(w, folded.data, folded.len);
}

/* What a MAC covers, in the order of RFC 8945 4.3 and 5.3. */
struct covered {
	const struct wire_tsig_state *before; /* whose MAC comes first, if it has one */
	const uint8_t *message;               /* without TSIG */
	size_t message_len;
	uint16_t arcount; /* without TSIG */
	const uint8_t *key_name;
	const struct tsig *tsig;
};

/* The TSIG variables (4.3.3), or only its timers for later messages of a stream (5.3.1). */
static void put_variables(struct bytes_writer *w, const struct covered *c)
{
	bool all = !c->before->later;
	if (all) {
		put_canonical(w, c->key_name);
		bytes_put_u16(w, DNS_CLASS_ANY);
		bytes_put_u32(w, 0);
		put_canonical(w, c->tsig->algorithm.data);
	}
	bytes_put_u48(w, c->tsig->time_s);
	bytes_put_u16(w, c->tsig->fudge_s);
	if (all) {
		bytes_put_u16(w, c->tsig->error);
		bytes_put_u16(w, (uint16_t)c->tsig->other_len);
	}
}

/* The full MAC into `mac`; returns its length or the HMAC's error. */
static int compute_mac(const struct covered *c, const struct wire_tsig_key *key, wire_hmac_fn hmac,
                       uint8_t mac[WIRE_TSIG_MAC_MAX])
{
	uint8_t before_len[2];
	uint8_t header[DNS_HEADER_LEN];
	uint8_t variables[VARIABLES_MAX];
	struct wire_tsig_part parts[6];
	struct bytes_writer w;
	size_t count = 0;

	if (c->before->mac_len > 0) {
		bytes_store_u16(before_len, (uint16_t)c->before->mac_len);
		parts[count++] = (struct wire_tsig_part){before_len, sizeof(before_len)};
		parts[count++] = (struct wire_tsig_part){c->before->mac, c->before->mac_len};
	}
	/* The message as its first sender made it: his ID, no TSIG counted. */
	memcpy(header, c->message, sizeof(header));
	bytes_store_u16(header, c->tsig->original_id);
	bytes_store_u16(header + 10, c->arcount);
	parts[count++] = (struct wire_tsig_part){header, sizeof(header)};
	parts[count++] = (struct wire_tsig_part){c->message + sizeof(header), c->message_len - sizeof(header)};
	bytes_writer_init(&w, variables, sizeof(variables));
	put_variables(&w, c);
	assert(!w.failed);
	parts[count++] = (struct wire_tsig_part){variables, w.len};
	if (!c->before->later && c->tsig->other_len > 0) {
		parts[count++] = (struct wire_tsig_part){c->tsig->other, c->tsig->other_len};
	}
	return hmac(key->algorithm, key->secret, key->secret_len, parts, count, mac);
}

/* Takes the same time wherever the difference is. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t diff = 0;
	for (size_t i = 0; i < len; i++) {
		diff |= a[i] ^ b[i];
	}
	return diff == 0;
}

/*
 * Check the MAC of a received message (RFC 8945 5.2.2). 0; ERR_FORMERR for a
 * size that no sender may use, ERR_BADSIG, or the HMAC's error.
 * *ret_truncated: the MAC is right, but not all of it is there.
 */
static int check_mac(const struct wire_message *m, const struct tsig *t, const struct wire_tsig_state *before,
                     const struct wire_tsig_key *key, wire_hmac_fn hmac, bool *ret_truncated)
{
	uint8_t mac[WIRE_TSIG_MAC_MAX];
	struct covered covered = {
	        .before = before,
	        .message = m->data,
	        .message_len = m->tsig.offset,
	        .arcount = (uint16_t)(m->header.arcount - 1),
	        .key_name = m->tsig.owner.data,
	        .tsig = t,
	};
	int full = compute_mac(&covered, key, hmac, mac);
	if (full < 0) {
		return full;
	}
	size_t full_len = (size_t)full;
	size_t least = full_len / 2 > MAC_LEN_FLOOR ? full_len / 2 : MAC_LEN_FLOOR;
	if (t->mac_len > full_len || t->mac_len < least) {
		return ERR_FORMERR;
	}
	if (!same_bytes(mac, t->mac, t->mac_len)) {
		return ERR_BADSIG;
	}
	*ret_truncated = t->mac_len < full_len;
	return 0;
}

static bool is_in_time(const struct tsig *t, uint64_t now_s)
{
	uint64_t apart = now_s > t->time_s ? now_s - t->time_s : t->time_s - now_s;
	return apart <= t->fudge_s;
}

static void keep_mac(struct wire_tsig_state *state, const uint8_t *mac, size_t len)
{
	memcpy(state->mac, mac, len);
	state->mac_len = len;
}

static bool fits_key(const struct wire_message *m, const struct tsig *t, const struct wire_tsig_key *key)
{
	return wire_name_equal(m->tsig.owner.data, key->name.data) &&
	       wire_name_equal(t->algorithm.data, algorithm_name(key->algorithm));
}

int wire_tsig_check_request(const struct wire_message *m, wire_tsig_find_fn find, void *context, wire_hmac_fn hmac,
                            uint64_t now_s, struct wire_tsig_state *ret_state)
{
	struct wire_tsig_state *state = ret_state;
	bool truncated;
	struct tsig t;

	assert(m->has_tsig);
	memset(state, 0, sizeof(*state));
	if (tsig_read(&m->tsig, &t)) {
		return ERR_FORMERR;
	}
	state->key_name = m->tsig.owner;
	state->algorithm_name = t.algorithm;
	state->original_id = t.original_id;
	state->request_time = t.time_s;

	const struct wire_tsig_key *key = find(context, &m->tsig.owner);
	if (!key || !fits_key(m, &t, key)) {
		state->error = DNS_RCODE_BADKEY;
		return ERR_BADKEY;
	}
	int err = check_mac(m, &t, state, key, hmac, &truncated);
	if (err) {
		state->error = err == ERR_BADSIG ? DNS_RCODE_BADSIG : 0;
		return err;
	}
	/* Only now is it this key's holder who speaks, and worth a signature. */
	state->key = key;
	keep_mac(state, t.mac, t.mac_len);
	if (!is_in_time(&t, now_s)) {
		state->error = DNS_RCODE_BADTIME;
		return ERR_BADTIME;
	}
	if (truncated) {
		state->error = DNS_RCODE_BADTRUNC;
		return ERR_BADTRUNC;
	}
	return 0;
}

static int error_of(uint16_t tsig_error)
{
	switch (tsig_error) {
	case 0:
		return 0;
	case DNS_RCODE_BADKEY:
		return ERR_BADKEY;
	case DNS_RCODE_BADTIME:
		return ERR_BADTIME;
	case DNS_RCODE_BADTRUNC:
		return ERR_BADTRUNC;
	default:
		return ERR_BADSIG;
	}
}

int wire_tsig_check_answer(const struct wire_message *m, wire_hmac_fn hmac, uint64_t now_s,
                           struct wire_tsig_state *state)
{
	bool truncated;
	struct tsig t;

	assert(state->key);
	if (!m->has_tsig) {
		return ERR_BADSIG;
	}
	if (tsig_read(&m->tsig, &t)) {
		return ERR_FORMERR;
	}
	if (!fits_key(m, &t, state->key)) {
		return ERR_BADKEY;
	}
	if (t.mac_len == 0 && (t.error == DNS_RCODE_BADSIG || t.error == DNS_RCODE_BADKEY)) {
		state->error = t.error;
		return error_of(t.error);
	}
	int err = check_mac(m, &t, state, state->key, hmac, &truncated);
	if (err) {
		return err;
	}
	state->error = t.error;
	/* An answer that says BADTIME carries the request's time, whatever the time is now. */
	if (t.error) {
		return error_of(t.error);
	}
	if (!is_in_time(&t, now_s)) {
		return ERR_BADTIME;
	}
	if (truncated) {
		return ERR_BADTRUNC;
	}
	keep_mac(state, t.mac, t.mac_len);
	state->later = true;
	return 0;
}

/* Does signing with this state give a MAC? */
static bool has_mac(const struct wire_tsig_state *state)
{
	return state->key && state->error != DNS_RCODE_BADSIG && state->error != DNS_RCODE_BADKEY;
}

size_t wire_tsig_space(const struct wire_tsig_state *state)
{
	const struct wire_tsig_key *key = state->key;
	if (!key && !state->error) {
		return 0;
	}
	size_t names = key ? key->name.len + wire_name_len(algorithm_name(key->algorithm))
	                   : (size_t)state->key_name.len + state->algorithm_name.len;
	size_t mac = has_mac(state) ? algorithms[key->algorithm].mac_len : 0;
	return names + RR_FIXED_LEN + FIXED_LEN + mac + OTHER_TIME_LEN;
}

/* Append the RR and count it. */
static int append_tsig(uint8_t *message, size_t len, size_t size, const uint8_t *key_name, const struct tsig *t,
                       size_t *ret_len)
{
	struct bytes_writer w;
	bytes_writer_init(&w, message, size);
	w.len = len;
	bytes_put(&w, key_name, wire_name_len(key_name));
	bytes_put_u16(&w, DNS_TYPE_TSIG);
	bytes_put_u16(&w, DNS_CLASS_ANY);
	bytes_put_u32(&w, 0);
	bytes_put_u16(&w, (uint16_t)(t->algorithm.len + FIXED_LEN + t->mac_len + t->other_len));
	bytes_put(&w, t->algorithm.data, t->algorithm.len);
	bytes_put_u48(&w, t->time_s);
	bytes_put_u16(&w, t->fudge_s);
	bytes_put_u16(&w, (uint16_t)t->mac_len);
	bytes_put(&w, t->mac, t->mac_len);
	bytes_put_u16(&w, t->original_id);
	bytes_put_u16(&w, t->error);
	bytes_put_u16(&w, (uint16_t)t->other_len);
	bytes_put(&w, t->other, t->other_len);
	if (w.failed) {
		return ERR_SPACE;
	}
	bytes_store_u16(message + 10, (uint16_t)(bytes_load_u16(message + 10) + 1));
	*ret_len = w.len;
	return 0;
}

/* Begin the state of a request with the caller's key. */
static void start_request(struct wire_tsig_state *state, uint16_t id, uint64_t now_s)
{
	const struct wire_tsig_key *key = state->key;
	assert(key);
	memset(state, 0, sizeof(*state));
	state->key = key;
	state->key_name = key->name;
	wire_name_set(&state->algorithm_name, algorithm_name(key->algorithm));
	state->original_id = id;
	state->request_time = now_s;
}

int wire_tsig_sign(uint8_t *message, size_t len, size_t size, bool is_request, struct wire_tsig_state *state,
                   wire_hmac_fn hmac, uint64_t now_s, size_t *ret_len)
{
	uint8_t mac[WIRE_TSIG_MAC_MAX];
	uint8_t other[OTHER_TIME_LEN];

	assert(len >= DNS_HEADER_LEN && len <= size);
	if (is_request) {
		start_request(state, bytes_load_u16(message), now_s);
	}
	if (!state->key && !state->error) {
		*ret_len = len;
		return 0;
	}
	struct tsig t = {
	        .algorithm = state->algorithm_name,
	        .time_s = now_s,
	        .fudge_s = WIRE_TSIG_FUDGE_S,
	        .mac = mac,
	        .original_id = bytes_load_u16(message),
	        .error = state->error,
	};
	if (state->error == DNS_RCODE_BADTIME) {
		struct bytes_writer w;
		bytes_writer_init(&w, other, sizeof(other));
		bytes_put_u48(&w, now_s);
		t.time_s = state->request_time;
		t.other = other;
		t.other_len = sizeof(other);
	}
	if (has_mac(state)) {
		struct covered covered = {
		        .before = state,
		        .message = message,
		        .message_len = len,
		        .arcount = bytes_load_u16(message + 10),
		        .key_name = state->key_name.data,
		        .tsig = &t,
		};
		int mac_len = compute_mac(&covered, state->key, hmac, mac);
		if (mac_len < 0) {
			return mac_len;
		}
		t.mac_len = (size_t)mac_len;
	}
	int err = append_tsig(message, len, size < DNS_MESSAGE_MAX ? size : DNS_MESSAGE_MAX, state->key_name.data, &t,
	                      ret_len);
	if (err) {
		return err;
	}
	keep_mac(state, mac, t.mac_len);
	state->later = !is_request;
	return 0;
}
