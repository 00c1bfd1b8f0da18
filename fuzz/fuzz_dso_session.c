/*
 * A DSO session fed with hostile bytes. The first byte chooses side and
 * configuration; the rest is the stream. One session gets it whole, another
 * byte by byte: events and output must be the same. The owner answers what it
 * is asked, in a way that depends on the message only.
 */
#include "dso/session.h"
#include "fuzz.h"

enum { NOW_MS = 1000 };

static const struct dso_type types[] = {
        {0x0040, DSO_C_PRIMARY | DSO_EARLY_DATA | DSO_RESPONSE_SKIP},
        {0x0041, DSO_S_UNIDIRECTIONAL},
        {0x0042, DSO_C_UNIDIRECTIONAL},
        {0x0043, DSO_C_UNIDIRECTIONAL},
        {0xf800, DSO_C_PRIMARY | DSO_CR_PRIMARY | DSO_S_PRIMARY | DSO_SR_PRIMARY},
};

/* One session and a digest of all that came out of it. */
struct end {
	struct dso_session *s;
	uint64_t digest;
	unsigned ends;
};

static void digest(struct end *e, const void *data, size_t len)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < len; i++) {
		e->digest = (e->digest ^ p[i]) * UINT64_C(1099511628211);
	}
}

static void digest_event(struct end *e, const struct dso_event *ev)
{
	uint32_t fields[] = {ev->type,     ev->reason,        ev->id,          ev->token, ev->rcode, ev->retry_delay_ms,
	                     ev->tlv_type, ev->inactivity_ms, ev->keepalive_ms};
	digest(e, fields, sizeof(fields));
	if (ev->data.base) {
		struct bytes_reader r = ev->data;
		size_t len = bytes_left(&r);
		digest(e, bytes_take(&r, len), len);
	}
}

static void answer(struct end *e, const struct dso_event *ev)
{
	uint8_t reply[12] = {(uint8_t)(ev->id >> 8), (uint8_t)ev->id, 0x80};
	switch (ev->type) {
	case DSO_EVENT_MESSAGE:
		dso_session_answer(e->s, ev->token, ev->id & 1 ? reply : NULL, sizeof(reply), NOW_MS);
		break;
	case DSO_EVENT_REQUEST:
		if (ev->id & 0x10) {
			break; /* stays open */
		}
		dso_session_respond(e->s, ev->id, ev->id & 7 ? 0 : 5, ev->id & 0x20, DSO_NO_DELAY, NOW_MS);
		break;
	case DSO_EVENT_UNIDIRECTIONAL:
		dso_session_operation_end(e->s, ev->tlv_type == 0x0042 ? 0x21 : 2, NOW_MS);
		break;
	case DSO_EVENT_CLOSE:
	case DSO_EVENT_ABORT:
		e->ends++;
		break;
	default:
		break;
	}
}

static void pump(struct end *e)
{
	struct dso_event ev;
	while (dso_session_next_event(e->s, NOW_MS, &ev)) {
		FUZZ_REQUIRE(e->ends == 0);
		digest_event(e, &ev);
		answer(e, &ev);
	}
}

static void drain(struct end *e)
{
	size_t len;
	const uint8_t *out = dso_session_output(e->s, &len);
	if (len > 0) {
		digest(e, out, len);
		dso_session_output_sent(e->s, len);
	}
}

static void begin(struct end *e, const struct dso_config *config)
{
	uint16_t id;
	static const uint8_t query[12] = {0};
	*e = (struct end){.s = dso_session_new(config, NOW_MS), .digest = UINT64_C(14695981039346656037)};
	FUZZ_REQUIRE(e->s);
	if (config->side == DSO_CLIENT) {
		dso_session_keepalive(e->s, NOW_MS, &id);
		dso_session_request(e->s, 0x0040, "x", 1, true, NOW_MS, &id);
		dso_session_request(e->s, 0xf800, "x", 1, false, NOW_MS, &id);
		dso_session_query(e->s, query, sizeof(query), NOW_MS, &id);
	}
}

static uint64_t finish(struct end *e)
{
	dso_session_end_of_input(e->s, NOW_MS);
	pump(e);
	/* What waits to be sent at a reset is thrown away, so it is compared only here. */
	drain(e);
	FUZZ_REQUIRE(e->ends <= 1);
	FUZZ_REQUIRE(dso_session_deadline_ms(e->s) >= NOW_MS);
	dso_session_free(e->s);
	return e->digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dso_config config;
	struct end whole, pieces;
	if (size == 0 || size > 20000) {
		return 0;
	}
	dso_config_init(&config, data[0] & 1 ? DSO_SERVER : DSO_CLIENT);
	config.types = types;
	config.type_count = sizeof(types) / sizeof(types[0]);
	config.tls = !(data[0] & 2);
	config.implicit = data[0] & 4;
	config.pad = data[0] & 8;
	bool early = data[0] & 16;
	begin(&whole, &config);
	begin(&pieces, &config);
	dso_session_feed(whole.s, data + 1, size - 1, early, NOW_MS);
	pump(&whole);
	for (size_t i = 1; i < size; i++) {
		dso_session_feed(pieces.s, data + i, 1, early, NOW_MS);
		pump(&pieces);
	}
	if (early) {
		dso_session_feed(whole.s, NULL, 0, false, NOW_MS);
		dso_session_feed(pieces.s, NULL, 0, false, NOW_MS);
		pump(&whole);
		pump(&pieces);
	}
	FUZZ_REQUIRE(finish(&whole) == finish(&pieces));
	return 0;
}
