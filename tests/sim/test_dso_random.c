/*
 * A client and a server session in simulated time: random requests, responses,
 * queries, keepalives, cancels and revisions, over a link that cuts the stream
 * at random points and delays it. Both ends keep the rules, so no abort may
 * happen, every request gets exactly one response with the RCODE that was
 * chosen for it, and the session ends when and only when it is inactive.
 *
 * DSO_SEED=n runs scenario n alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dso/machine.h"
#include "dso/session.h"

enum {
	T_SUBSCRIBE = 0x0040,
	T_UNSUBSCRIBE = 0x0042,
	T_PING = 0xf800,
	T_NOTE = 0xf801,
	SCENARIOS = 10000,
	STEPS = 60,
	LINK_MAX = 65536,
	CHUNKS = 256,
	LATENCY_MS = 200,
	PENDING = 64,
	ANSWER_DELAY_MS = 3000,
	SUBSCRIBED = 0x8000, /* mark of a live subscription in `open` */
};

static const struct dso_type types[] = {
        {T_SUBSCRIBE, DSO_C_PRIMARY | DSO_EARLY_DATA | DSO_RESPONSE_SKIP},
        {T_UNSUBSCRIBE, DSO_C_UNIDIRECTIONAL},
        {T_PING, DSO_C_PRIMARY | DSO_CR_PRIMARY | DSO_S_PRIMARY | DSO_SR_PRIMARY},
        {T_NOTE, DSO_C_UNIDIRECTIONAL | DSO_S_UNIDIRECTIONAL},
};

/* Bytes under way in one direction. */
struct link {
	uint8_t bytes[LINK_MAX];
	size_t len;
	struct {
		size_t len;
		uint64_t arrives_ms;
	} chunks[CHUNKS];
	size_t count;
};

/* Something the owner of an end has to answer. */
struct pending {
	bool is_message;
	uint16_t id;
	uint32_t token;
	uint8_t rcode;
	bool long_lived;
	uint64_t due_ms;
};

struct end {
	struct dso_config config;
	struct dso_session *s;
	struct link *out;
	struct pending pending[PENDING];
	size_t pending_count;
	uint16_t open[65536]; /* by our ID: 0 none, 0x100 | RCODE awaited, SUBSCRIBED */
	size_t open_count;
	size_t live_count;   /* subscriptions of the client */
	uint64_t touched_ms; /* last call or event that is an activity */
	bool closed;
};

static struct {
	uint32_t seed;
	uint64_t random;
	uint64_t now_ms;
	struct end client, server;
	struct link to_server, to_client;
} world;
static size_t answered; /* over all scenarios */

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			print_error("DSO_SEED=%u at %llu ms\n", world.seed, (unsigned long long)world.now_ms);         \
			assert_true(condition);                                                                        \
		}                                                                                                      \
	} while (0)

static uint32_t pick(uint32_t below)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return (uint32_t)(world.random >> 32) % below;
}

/* --- the link --- */

static void send_some(struct end *e)
{
	size_t len;
	const uint8_t *out = dso_session_output(e->s, &len);
	while (len > 0 && e->out->count < CHUNKS && e->out->len < LINK_MAX) {
		size_t n = 1 + pick(pick(4) ? 40 : 2000);
		n = n < len ? n : len;
		n = n < LINK_MAX - e->out->len ? n : LINK_MAX - e->out->len;
		uint64_t last = e->out->count ? e->out->chunks[e->out->count - 1].arrives_ms : world.now_ms;
		uint64_t arrives = world.now_ms + pick(LATENCY_MS);
		memcpy(e->out->bytes + e->out->len, out, n);
		e->out->len += n;
		e->out->chunks[e->out->count].len = n;
		e->out->chunks[e->out->count++].arrives_ms = arrives > last ? arrives : last;
		dso_session_output_sent(e->s, n);
		out = dso_session_output(e->s, &len);
	}
}

static bool deliver(struct link *link, struct end *to)
{
	if (link->count == 0 || link->chunks[0].arrives_ms > world.now_ms) {
		return false;
	}
	size_t n = link->chunks[0].len;
	CHECK(dso_session_feed(to->s, link->bytes, n, false, world.now_ms) == 0);
	memmove(link->bytes, link->bytes + n, link->len - n);
	link->len -= n;
	memmove(link->chunks, link->chunks + 1, --link->count * sizeof(link->chunks[0]));
	return true;
}

/* --- the owners --- */

static void enqueue(struct end *e, const struct dso_event *ev)
{
	struct bytes_reader r = ev->data;
	CHECK(e->pending_count < PENDING);
	struct pending *p = &e->pending[e->pending_count++];
	*p = (struct pending){.id = ev->id, .token = ev->token, .due_ms = world.now_ms + pick(ANSWER_DELAY_MS)};
	p->is_message = ev->type == DSO_EVENT_MESSAGE;
	if (!p->is_message) {
		p->rcode = bytes_u8(&r);
		p->long_lived = ev->tlv_type == T_SUBSCRIBE;
		CHECK(bytes_complete(&r));
	}
}

static void answer_due(struct end *e)
{
	for (size_t i = 0; i < e->pending_count; i++) {
		struct pending p = e->pending[i];
		if (p.due_ms > world.now_ms || dso_session_is_over(e->s)) {
			continue;
		}
		e->pending[i--] = e->pending[--e->pending_count];
		if (p.is_message) {
			uint8_t reply[12] = {(uint8_t)(p.id >> 8), (uint8_t)p.id, 0x80};
			CHECK(dso_session_answer(e->s, p.token, reply, sizeof(reply), world.now_ms) == 0);
		} else {
			CHECK(dso_session_respond(e->s, p.id, p.rcode, p.long_lived, DSO_NO_DELAY, world.now_ms) == 0);
		}
		e->touched_ms = world.now_ms;
	}
}

static void got_response(struct end *e, const struct dso_event *ev)
{
	uint16_t *open = &e->open[ev->id];
	CHECK(*open & 0x100);
	CHECK((*open & 0xf) == ev->rcode);
	bool subscribed = (*open & 0x200) && ev->rcode == 0;
	*open = subscribed ? SUBSCRIBED : 0;
	e->open_count--;
	e->live_count += subscribed;
	answered++;
}

static void got_unidirectional(struct end *e, const struct dso_event *ev)
{
	if (ev->tlv_type == T_UNSUBSCRIBE) {
		struct bytes_reader r = ev->data;
		dso_session_operation_end(e->s, bytes_u16(&r), world.now_ms);
	}
}

static void got_end(struct end *e, const struct dso_event *ev)
{
	if (ev->type != DSO_EVENT_CLOSE) {
		print_error("%s: %s\n", e == &world.client ? "client" : "server", dso_reason_text(ev->reason));
	}
	CHECK(ev->type == DSO_EVENT_CLOSE); /* no abort is explained */
	CHECK(!e->closed);
	e->closed = true;
	if (e == &world.client) {
		CHECK(ev->reason == DSO_REASON_INACTIVE);
		CHECK(e->open_count == 0 && e->live_count == 0);
		CHECK(world.now_ms - e->touched_ms >= e->s->timers.inactivity_ms);
	} else {
		CHECK(ev->reason == DSO_REASON_NONE && world.client.closed);
	}
}

static void handle(struct end *e, const struct dso_event *ev)
{
	CHECK(!e->closed);
	if (ev->type != DSO_EVENT_FENCE && ev->type != DSO_EVENT_CLOSE && ev->type != DSO_EVENT_ABORT) {
		e->touched_ms = world.now_ms;
	}
	switch (ev->type) {
	case DSO_EVENT_REQUEST:
	case DSO_EVENT_MESSAGE:
		enqueue(e, ev);
		break;
	case DSO_EVENT_RESPONSE:
	case DSO_EVENT_ANSWER:
		got_response(e, ev);
		break;
	case DSO_EVENT_CANCELLED:
		CHECK(e->open[ev->id] == SUBSCRIBED);
		e->open[ev->id] = 0;
		e->live_count--;
		break;
	case DSO_EVENT_UNIDIRECTIONAL:
		got_unidirectional(e, ev);
		break;
	case DSO_EVENT_ESTABLISHED:
	case DSO_EVENT_FENCE:
		CHECK(dso_session_established(e->s));
		break;
	default:
		got_end(e, ev);
		break;
	}
}

static void pump(struct end *e)
{
	struct dso_event ev;
	while (dso_session_next_event(e->s, world.now_ms, &ev)) {
		handle(e, &ev);
	}
	send_some(e);
}

/* --- random calls --- */

static void ask(struct end *e, uint16_t type, bool long_lived)
{
	uint16_t id;
	uint8_t rcode = pick(3) ? 0 : (uint8_t)(2 + pick(3));
	int err = dso_session_request(e->s, type, &rcode, 1, long_lived, world.now_ms, &id);
	CHECK(err == 0);
	CHECK(id != 0 && e->open[id] == 0);
	e->open[id] = (uint16_t)(0x100 | (long_lived ? 0x200 : 0) | rcode);
	e->open_count++;
}

static void query(struct end *e)
{
	uint8_t message[12] = {0};
	uint16_t id;
	CHECK(dso_session_query(e->s, message, sizeof(message), world.now_ms, &id) == 0);
	CHECK(id != 0 && e->open[id] == 0);
	e->open[id] = 0x100;
	e->open_count++;
}

/* End one of the live subscriptions, looking from a random ID on. */
static void unsubscribe(struct end *e, uint16_t from)
{
	for (uint32_t i = 0; i < 400; i++) {
		uint16_t id = (uint16_t)((from + i) % 400);
		if (e->open[id] != SUBSCRIBED) {
			continue;
		}
		uint8_t data[2] = {(uint8_t)(id >> 8), (uint8_t)id};
		CHECK(dso_session_unidirectional(e->s, T_UNSUBSCRIBE, data, 2, world.now_ms) == 0);
		CHECK(dso_session_operation_end(e->s, id, world.now_ms) == 0);
		e->open[id] = 0;
		e->live_count--;
		e->touched_ms = world.now_ms;
		return;
	}
}

static void client_acts(void)
{
	struct end *c = &world.client;
	uint16_t id;
	if (dso_session_is_over(c->s) || c->open_count > 20) {
		return;
	}
	if (!dso_session_established(c->s)) {
		return;
	}
	uint32_t what = pick(10);
	if (what < 6 || what == 8) {
		c->touched_ms = world.now_ms;
	}
	switch (what) {
	case 0:
	case 1:
	case 2:
		ask(c, T_SUBSCRIBE, true);
		break;
	case 3:
	case 4:
		ask(c, T_PING, false);
		break;
	case 5:
		query(c);
		break;
	case 6:
	case 7:
		unsubscribe(c, (uint16_t)pick(400));
		break;
	case 8:
		CHECK(dso_session_unidirectional(c->s, T_NOTE, "n", 1, world.now_ms) == 0);
		break;
	default:
		CHECK(dso_session_keepalive(c->s, world.now_ms, &id) == 0);
		break;
	}
}

static void server_acts(void)
{
	struct end *s = &world.server;
	if (!dso_session_established(s->s) || s->open_count > 20) {
		return;
	}
	switch (pick(4)) {
	case 0:
		ask(s, T_PING, false);
		break;
	case 1:
		CHECK(dso_session_unidirectional(s->s, T_NOTE, "n", 1, world.now_ms) == 0);
		break;
	case 2:
		CHECK(dso_session_revise(s->s, pick(30000), 10000 + pick(30000), world.now_ms) == 0);
		break;
	default:
		/* Cancel whatever is there; most IDs are not. */
		dso_session_cancel(s->s, (uint16_t)pick(40), 5, 1000, world.now_ms);
		break;
	}
}

/* --- time --- */

static uint64_t next_time(void)
{
	uint64_t next = dso_session_deadline_ms(world.client.s);
	uint64_t due = dso_session_deadline_ms(world.server.s);
	next = due < next ? due : next;
	struct link *links[] = {&world.to_server, &world.to_client};
	struct end *ends[] = {&world.client, &world.server};
	for (size_t i = 0; i < 2; i++) {
		if (links[i]->count && links[i]->chunks[0].arrives_ms < next) {
			next = links[i]->chunks[0].arrives_ms;
		}
		for (size_t k = 0; k < ends[i]->pending_count && !dso_session_is_over(ends[i]->s); k++) {
			next = ends[i]->pending[k].due_ms < next ? ends[i]->pending[k].due_ms : next;
		}
	}
	return next;
}

static void run_now(void)
{
	struct end *ends[] = {&world.client, &world.server};
	for (bool moved = true; moved;) {
		moved = deliver(&world.to_server, &world.server);
		moved |= deliver(&world.to_client, &world.client);
		for (size_t i = 0; i < 2; i++) {
			pump(ends[i]);
			answer_due(ends[i]);
			pump(ends[i]);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		dso_session_tick(ends[i]->s, world.now_ms);
		pump(ends[i]);
		CHECK(dso_session_deadline_ms(ends[i]->s) > world.now_ms);
	}
	if (world.client.closed && world.to_server.count == 0 && !world.server.closed) {
		dso_session_end_of_input(world.server.s, world.now_ms);
		pump(&world.server);
	}
}

static void advance(uint64_t ms)
{
	uint64_t until = world.now_ms + ms;
	while (next_time() <= until) {
		uint64_t next = next_time();
		world.now_ms = next > world.now_ms ? next : world.now_ms;
		run_now();
	}
	world.now_ms = until;
}

/* --- scenarios --- */

static void begin_end(struct end *e, enum dso_side side, struct link *out)
{
	dso_config_init(&e->config, side);
	e->config.types = types;
	e->config.type_count = sizeof(types) / sizeof(types[0]);
	e->config.inactivity_ms = pick(8) ? 1 + pick(20000) : 0;
	e->config.keepalive_ms = 10000 + pick(20000);
	e->config.pad = pick(2);
	e->s = dso_session_new(&e->config, world.now_ms);
	assert_non_null(e->s);
	e->pending_count = 0;
	memset(e->open, 0, sizeof(e->open));
	e->open_count = 0;
	e->live_count = 0;
	e->touched_ms = world.now_ms;
	e->closed = false;
	e->out = out;
	out->len = 0;
	out->count = 0;
}

static void scenario(uint32_t seed)
{
	uint16_t id;
	world.seed = seed;
	world.random = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	world.now_ms = 1000 + pick(1000);
	begin_end(&world.client, DSO_CLIENT, &world.to_server);
	begin_end(&world.server, DSO_SERVER, &world.to_client);
	CHECK(dso_session_keepalive(world.client.s, world.now_ms, &id) == 0);
	pump(&world.client);
	for (int i = 0; i < STEPS && !world.client.closed; i++) {
		for (uint32_t n = pick(4); n > 0; n--) {
			client_acts();
			pump(&world.client);
			if (pick(2)) {
				server_acts();
				pump(&world.server);
			}
		}
		advance(pick(8) ? pick(300) : pick(40000));
	}
	/* Everything under way arrives and is answered; then the subscriptions end, and inactivity ends the session. */
	advance(ANSWER_DELAY_MS + 4 * LATENCY_MS + ANSWER_DELAY_MS);
	while (world.client.live_count > 0 && !world.client.closed) {
		unsubscribe(&world.client, 0);
		pump(&world.client);
	}
	CHECK(world.client.open_count == 0);
	CHECK(world.client.closed || world.server.open_count == 0);
	advance(31000);
	CHECK(world.client.closed && world.server.closed);
	dso_session_free(world.client.s);
	dso_session_free(world.server.s);
}

/* DSO-004 DSO-014 DSO-016 DSO-020 DSO-037 DSO-038 DSO-039 DSO-044 DSO-049 DSO-051, both ends together. */
static void random_sessions_dso_014_dso_038_dso_039(void **state)
{
	(void)state;
	const char *one = getenv("DSO_SEED");
	if (one) {
		scenario((uint32_t)strtoul(one, NULL, 10));
		return;
	}
	for (uint32_t seed = 1; seed <= SCENARIOS; seed++) {
		scenario(seed);
	}
	/* They were no empty talk. */
	assert_true(answered > SCENARIOS * (size_t)5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(random_sessions_dso_014_dso_038_dso_039),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
