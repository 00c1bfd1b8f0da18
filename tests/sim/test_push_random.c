/*
 * A push server and a push client, each on its own DSO session, joined by two
 * byte queues in simulated time. A toy zone changes at random, questions come
 * and go, the stream is delivered in pieces of any size and cut at any point.
 * When all has come to rest, what the client was told must be what the zone
 * holds. No session may end but by a cut.
 *
 * Each scenario is a function of its seed: test_sim_push_random SEED runs one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dso/session.h"
#include "push/client.h"
#include "push/server.h"
#include "wire/dns.h"

enum {
	SCENARIOS = 10000,
	STEPS_MAX = 60,
	NAMES = 3,
	TYPES = 3,
	VALUES = 4,
	QUESTIONS = NAMES * (TYPES + 1), /* each type, and ANY */
	USERS_MAX = 8,
	PENDING_MAX = 64,
	ABSENT = -1,
	DELAY_MAX_MS = 2000,
	OLDEST_MS = 121 * 1000, /* longer than any TTL of the zone */
};

static const uint16_t types[TYPES + 1] = {DNS_TYPE_A, DNS_TYPE_TXT, DNS_TYPE_CNAME, DNS_TYPE_ANY};
static struct wire_name names[NAMES];

/* Which records exist, with their TTL. */
struct records {
	int ttl[NAMES][TYPES][VALUES];
};

struct question {
	unsigned name;
	unsigned type; /* index into types */
};

struct sim {
	uint64_t seed;
	uint64_t random;
	uint64_t now_ms;
	struct dso_config client_config;
	struct dso_config server_config;

	struct dso_session *server_session; /* NULL: not connected */
	struct dso_session *client_session;
	struct push_server *server;
	struct buf to_client;
	struct buf to_server;
	bool calm; /* the server takes everything at once */
	size_t pending_count;
	struct {
		uint16_t id;
		struct question *question;
	} pending[PENDING_MAX];
	struct question questions[QUESTIONS]; /* their addresses are the keys */
	struct records zone;

	struct push_client *client;
	struct records told; /* what the events amount to */
	size_t user_count;
	struct {
		uint32_t handle;
		struct question *question;
	} users[USERS_MAX];
};

static struct sim sim;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "seed %llu: ", (unsigned long long)sim.seed);                                  \
			fail_msg("%s", #condition);                                                                    \
		}                                                                                                      \
	} while (0)

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = sim.random += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned pick(unsigned count)
{
	return (unsigned)(next_random() % count);
}

static bool chance(unsigned percent)
{
	return pick(100) < percent;
}

static void clear_records(struct records *r)
{
	for (size_t i = 0; i < NAMES * TYPES * VALUES; i++) {
		(&r->ttl[0][0][0])[i] = ABSENT;
	}
}

static bool asks_for(const struct question *q, unsigned name, unsigned type)
{
	return q->name == name && push_matches(types[q->type], DNS_CLASS_IN, types[type], DNS_CLASS_IN);
}

static struct feed_change change_of(enum feed_op op, unsigned name, unsigned type, unsigned value, int ttl)
{
	static const uint8_t address[VALUES][4] = {{192, 0, 2, 0}, {192, 0, 2, 1}, {192, 0, 2, 2}, {192, 0, 2, 3}};
	static const uint8_t text[VALUES][2] = {{1, 'a'}, {1, 'b'}, {1, 'c'}, {1, 'd'}};
	static const uint8_t target[VALUES][3] = {{1, 'a', 0}, {1, 'b', 0}, {1, 'c', 0}, {1, 'd', 0}};
	static const uint8_t lens[TYPES] = {4, 2, 3};
	const uint8_t *rdata[TYPES] = {address[value], text[value], target[value]};
	struct feed_change c = {.owner = names[name].data, .dns_class = DNS_CLASS_IN, .op = (uint8_t)op};
	c.type = op == FEED_REMOVE_CLASS ? DNS_TYPE_ANY : op == FEED_REMOVE_ALL ? 0 : types[type];
	if (op == FEED_REMOVE_ALL) {
		c.dns_class = DNS_CLASS_ANY;
	}
	if (op == FEED_ADD || op == FEED_REMOVE) {
		c.rdata = rdata[type];
		c.rdata_len = lens[type];
		c.ttl = op == FEED_ADD ? (uint32_t)ttl : 0;
	}
	return c;
}

/* ---- the transport ---- */

static void move_output(struct dso_session *s, struct buf *to)
{
	size_t len;
	const uint8_t *bytes = dso_session_output(s, &len);
	CHECK(buf_append(to, bytes, len) == 0);
	dso_session_output_sent(s, len);
}

static void send_push(const struct feed_list *list)
{
	if (list->count == 0) {
		return;
	}
	struct buf frames;
	buf_init(&frames, 0);
	CHECK(push_encode(list->items, list->count, chance(20), &frames) == 0);
	if (chance(50)) {
		CHECK(dso_session_send(sim.server_session, buf_data(&frames), buf_len(&frames), sim.now_ms) == 0);
	} else {
		/* As bytes shared by many sessions go: past the output, once that is empty. */
		move_output(sim.server_session, &sim.to_client);
		CHECK(buf_append(&sim.to_client, buf_data(&frames), buf_len(&frames)) == 0);
		dso_session_note_sent(sim.server_session, sim.now_ms);
	}
	buf_done(&frames);
}

/* ---- the server ---- */

static void accept_pending(size_t i)
{
	struct question *q = sim.pending[i].question;
	uint16_t id = sim.pending[i].id;
	struct feed_list list;

	sim.pending[i] = sim.pending[--sim.pending_count];
	if (!sim.calm && chance(10)) {
		unsigned rcode = chance(50) ? DNS_RCODE_NOTAUTH : DNS_RCODE_SERVFAIL;
		CHECK(push_server_refuse(sim.server, id, rcode, pick(DELAY_MAX_MS), sim.now_ms) == 0);
		return;
	}
	CHECK(push_server_accept(sim.server, id, q, sim.now_ms) == 0);
	feed_list_init(&list);
	for (unsigned t = 0; t < TYPES; t++) {
		for (unsigned v = 0; v < VALUES; v++) {
			int ttl = sim.zone.ttl[q->name][t][v];
			struct feed_change c = change_of(FEED_ADD, q->name, t, v, ttl);
			if (ttl != ABSENT && asks_for(q, q->name, t)) {
				CHECK(feed_list_add(&list, &c) == 0);
			}
		}
	}
	send_push(&list);
	feed_list_done(&list);
}

static struct question *find_question(const struct push_question *asked)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct question *q = &sim.questions[i];
		if (wire_name_equal(names[q->name].data, asked->name.data) && types[q->type] == asked->type) {
			return q;
		}
	}
	CHECK(!"a question that nobody has");
	return NULL;
}

static void handle_at_server(const struct dso_event *event)
{
	struct push_server_event told;
	push_server_handle(sim.server, event, sim.now_ms, &told);
	if (told.type == PUSH_SERVER_SUBSCRIBE) {
		CHECK(sim.pending_count < PENDING_MAX);
		sim.pending[sim.pending_count].id = told.id;
		sim.pending[sim.pending_count++].question = find_question(&told.question);
		if (sim.calm || chance(70)) {
			accept_pending(sim.pending_count - 1);
		}
	} else if (told.type == PUSH_SERVER_UNSUBSCRIBE && !told.key) {
		size_t i = 0;
		while (sim.pending[i].id != told.id) {
			CHECK(++i < sim.pending_count);
		}
		sim.pending[i] = sim.pending[--sim.pending_count];
	}
}

static void cancel_one(void)
{
	size_t count = push_server_count(sim.server);
	uint16_t id;
	if (count > 0) {
		push_server_key(sim.server, pick((unsigned)count), &id);
		CHECK(push_server_cancel(sim.server, id, chance(50) ? DNS_RCODE_NOTAUTH : DNS_RCODE_SERVFAIL,
		                         pick(DELAY_MAX_MS), sim.now_ms, NULL) == 0);
	}
}

static bool is_subscribed(unsigned name, unsigned type)
{
	size_t count = sim.server ? push_server_count(sim.server) : 0;
	for (size_t i = 0; i < count; i++) {
		uint16_t id;
		if (asks_for(push_server_key(sim.server, i, &id), name, type)) {
			return true;
		}
	}
	return false;
}

/* Change the zone; `list` gets what subscribers are to be told. */
static void change_record(unsigned n, unsigned t, unsigned v, int ttl, struct feed_list *list)
{
	struct feed_change c = change_of(ttl == ABSENT ? FEED_REMOVE : FEED_ADD, n, t, v, ttl);
	if (sim.zone.ttl[n][t][v] != ttl) {
		sim.zone.ttl[n][t][v] = ttl;
		if (is_subscribed(n, t)) {
			CHECK(feed_list_add(list, &c) == 0);
		}
	}
}

static void remove_many(unsigned n, unsigned t, enum feed_op op, struct feed_list *list)
{
	struct feed_change c = change_of(op, n, t, 0, 0);
	bool told = false;
	for (unsigned type = 0; type < TYPES; type++) {
		for (unsigned v = 0; v < VALUES; v++) {
			if ((op != FEED_REMOVE_RRSET || type == t) && sim.zone.ttl[n][type][v] != ABSENT) {
				told = told || is_subscribed(n, type);
				sim.zone.ttl[n][type][v] = ABSENT;
			}
		}
	}
	if (told) {
		CHECK(feed_list_add(list, &c) == 0);
	}
}

static void change_zone(void)
{
	static const int ttls[] = {0, 60, 120, ABSENT, ABSENT};
	struct feed_list list;
	feed_list_init(&list);
	for (unsigned left = 1 + pick(6); left > 0; left--) {
		unsigned n = pick(NAMES);
		unsigned t = pick(TYPES);
		unsigned kind = pick(12);
		if (kind < 9) {
			change_record(n, t, pick(VALUES), ttls[pick(sizeof(ttls) / sizeof(ttls[0]))], &list);
		} else {
			static const enum feed_op ops[] = {FEED_REMOVE_RRSET, FEED_REMOVE_CLASS, FEED_REMOVE_ALL};
			remove_many(n, t, ops[kind - 9], &list);
		}
	}
	if (sim.server) {
		send_push(&list);
	}
	feed_list_done(&list);
}

/* ---- the client ---- */

static void tell(const struct feed_change *c, uint32_t handle)
{
	for (unsigned n = 0; n < NAMES; n++) {
		for (unsigned t = 0; t < TYPES; t++) {
			for (unsigned v = 0; v < VALUES; v++) {
				struct feed_change m = change_of(FEED_ADD, n, t, v, 0);
				if (!wire_name_equal(m.owner, c->owner) || m.type != c->type ||
				    m.rdata_len != c->rdata_len || memcmp(m.rdata, c->rdata, m.rdata_len) != 0) {
					continue;
				}
				int *ttl = &sim.told.ttl[n][t][v];
				if (handle != 0) {
					/* Told to a late user only: what the others know. */
					CHECK(c->op == FEED_ADD && *ttl == (int)c->ttl);
				} else if (c->op == FEED_ADD) {
					CHECK(*ttl != (int)c->ttl);
					*ttl = (int)c->ttl;
				} else {
					CHECK(c->op == FEED_REMOVE && *ttl != ABSENT);
					*ttl = ABSENT;
				}
				return;
			}
		}
	}
	CHECK(!"a change of a record that never was");
}

static void drain_events(void)
{
	struct push_client_event event;
	size_t changes = 0;
	size_t count = 0;
	while (push_client_next_event(sim.client, &event)) {
		if (event.type == PUSH_CLIENT_CHANGE) {
			tell(&event.change, event.handle);
			changes++;
		} else if (event.type == PUSH_CLIENT_BATCH) {
			CHECK(event.changes == changes && changes > 0);
			changes = 0;
		}
	}
	CHECK(changes == 0);
	for (size_t i = 0; i < NAMES * TYPES * VALUES; i++) {
		count += (&sim.told.ttl[0][0][0])[i] != ABSENT;
	}
	CHECK(push_client_record_count(sim.client) == count);
}

static void subscribe_one(void)
{
	struct push_question asked = {.dns_class = DNS_CLASS_IN};
	if (sim.user_count == USERS_MAX) {
		return;
	}
	struct question *q = &sim.questions[pick(QUESTIONS)];
	asked.name = names[q->name];
	asked.type = types[q->type];
	sim.users[sim.user_count].question = q;
	CHECK(push_client_subscribe(sim.client, &asked, sim.now_ms, &sim.users[sim.user_count].handle) == 0);
	sim.user_count++;
}

static void unsubscribe_one(void)
{
	if (sim.user_count > 0) {
		unsigned i = pick((unsigned)sim.user_count);
		CHECK(push_client_unsubscribe(sim.client, sim.users[i].handle, sim.now_ms) == 0);
		sim.users[i] = sim.users[--sim.user_count];
	}
}

/* ---- both ---- */

static void run_session(struct dso_session *s, bool is_server)
{
	struct dso_event event;
	while (dso_session_next_event(s, sim.now_ms, &event)) {
		if (event.type == DSO_EVENT_ABORT || event.type == DSO_EVENT_CLOSE) {
			fprintf(stderr, "%s: %s\n", is_server ? "server" : "client", dso_reason_text(event.reason));
			CHECK(!"a session ended by itself");
		}
		if (is_server) {
			handle_at_server(&event);
		} else {
			push_client_handle(sim.client, &event, sim.now_ms);
		}
	}
	move_output(s, is_server ? &sim.to_client : &sim.to_server);
}

static void deliver(struct buf *from, struct dso_session *to, bool is_server, size_t max)
{
	size_t len = buf_len(from) < max ? buf_len(from) : max;
	if (len > 0) {
		CHECK(dso_session_feed(to, buf_data(from), len, false, sim.now_ms) == 0);
		buf_consume(from, len);
	}
	run_session(to, is_server);
}

static void connect_both(void)
{
	uint16_t id;
	sim.server_session = dso_session_new(&sim.server_config, sim.now_ms);
	sim.client_session = dso_session_new(&sim.client_config, sim.now_ms);
	CHECK(sim.server_session && sim.client_session);
	sim.server = push_server_new(sim.server_session);
	CHECK(sim.server);
	CHECK(dso_session_keepalive(sim.client_session, sim.now_ms, &id) == 0);
	push_client_attach(sim.client, sim.client_session, sim.now_ms);
}

/* The connection is lost, with all that was on its way. */
static void cut(void)
{
	push_client_detach(sim.client, sim.now_ms);
	push_server_free(sim.server);
	dso_session_free(sim.server_session);
	dso_session_free(sim.client_session);
	buf_done(&sim.to_client);
	buf_done(&sim.to_server);
	sim.server = NULL;
	sim.server_session = sim.client_session = NULL;
	sim.pending_count = 0;
}

static void pass(uint64_t ms)
{
	sim.now_ms += ms;
	if (sim.client_session) {
		dso_session_tick(sim.client_session, sim.now_ms);
		dso_session_tick(sim.server_session, sim.now_ms);
	}
	if (push_client_deadline_ms(sim.client) <= sim.now_ms) {
		push_client_tick(sim.client, sim.now_ms);
		CHECK(push_client_deadline_ms(sim.client) > sim.now_ms);
	}
}

/* One step of anything. */
static void step(void)
{
	unsigned kind = pick(100);
	if (kind < 25) {
		change_zone();
	} else if (kind < 40) {
		subscribe_one();
	} else if (kind < 50) {
		unsubscribe_one();
	} else if (kind < 60) {
		pass(pick(chance(5) ? 90000 : 1000));
	} else if (!sim.client_session) {
		connect_both();
	} else if (kind < 65) {
		cut();
	} else if (kind < 68) {
		cancel_one();
	} else if (kind < 75 && sim.pending_count > 0) {
		accept_pending(pick((unsigned)sim.pending_count));
	}
	if (sim.client_session) {
		move_output(sim.client_session, &sim.to_server);
		move_output(sim.server_session, &sim.to_client);
		size_t max = chance(50) ? 1 + pick(60) : 100000;
		deliver(&sim.to_server, sim.server_session, true, max);
		max = chance(50) ? 1 + pick(60) : 100000;
		deliver(&sim.to_client, sim.client_session, false, max);
	}
	drain_events();
}

/* Let everything come to rest, with every question accepted. */
static void settle(void)
{
	sim.calm = true;
	if (!sim.client_session) {
		connect_both();
	}
	while (sim.pending_count > 0) {
		accept_pending(0);
	}
	for (unsigned quiet = 0; quiet < 4;) {
		move_output(sim.client_session, &sim.to_server);
		move_output(sim.server_session, &sim.to_client);
		bool moved = buf_len(&sim.to_server) + buf_len(&sim.to_client) > 0;
		deliver(&sim.to_server, sim.server_session, true, SIZE_MAX);
		deliver(&sim.to_client, sim.client_session, false, SIZE_MAX);
		if (!moved) {
			quiet++;
			pass(DELAY_MAX_MS);
		}
	}
	drain_events();
	sim.calm = false;
}

static bool is_wanted(unsigned name, unsigned type)
{
	for (size_t i = 0; i < sim.user_count; i++) {
		if (asks_for(sim.users[i].question, name, type)) {
			return true;
		}
	}
	return false;
}

/* Of what is wanted the client knows exactly what is there; of the rest nothing that is too old. */
static void compare(bool aged)
{
	for (unsigned n = 0; n < NAMES; n++) {
		for (unsigned t = 0; t < TYPES; t++) {
			for (unsigned v = 0; v < VALUES; v++) {
				if (is_wanted(n, t)) {
					CHECK(sim.told.ttl[n][t][v] == sim.zone.ttl[n][t][v]);
				} else if (aged) {
					CHECK(sim.told.ttl[n][t][v] == ABSENT);
				}
			}
		}
	}
}

static void start(uint64_t seed)
{
	memset(&sim, 0, sizeof(sim));
	sim.seed = sim.random = seed;
	sim.now_ms = 1 + pick(100000);
	dso_config_init(&sim.client_config, DSO_CLIENT);
	dso_config_init(&sim.server_config, DSO_SERVER);
	sim.client_config.tls = sim.server_config.tls = true;
	sim.client_config.types = sim.server_config.types = push_types;
	sim.client_config.type_count = sim.server_config.type_count = push_type_count;
	sim.client_config.inactivity_ms = sim.server_config.inactivity_ms = DSO_INFINITE;
	sim.client_config.pad = chance(20);
	/* The stream stands still at will here, so no timer of the sessions may judge it. */
	sim.client_config.establish_ms = sim.server_config.message_timeout_ms = 0x7fffffff;
	sim.client_config.message_timeout_ms = sim.server_config.idle_ms = 0x7fffffff;
	sim.client_config.idle_ms = 0x7fffffff;
	sim.client = push_client_new(0);
	CHECK(sim.client);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		sim.questions[i] = (struct question){i / (TYPES + 1), i % (TYPES + 1)};
	}
	clear_records(&sim.zone);
	clear_records(&sim.told);
	buf_init(&sim.to_client, 0);
	buf_init(&sim.to_server, 0);
}

static void stop(void)
{
	if (sim.client_session) {
		cut();
	}
	push_client_free(sim.client);
}

static void run_scenario(uint64_t seed)
{
	start(seed);
	for (unsigned rounds = 1 + pick(3); rounds > 0; rounds--) {
		for (unsigned steps = pick(STEPS_MAX); steps > 0; steps--) {
			step();
		}
		settle();
		compare(false);
	}
	if (chance(50)) {
		pass(OLDEST_MS);
		settle();
		compare(true);
	}
	stop();
}

static uint64_t only_seed;

static void test_random_scenarios(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NAMES; i++) {
		char text[] = "n0.example.";
		text[1] = (char)('0' + i);
		assert_int_equal(wire_name_from_text(text, strlen(text), NULL, &names[i]), 0);
	}
	if (only_seed) {
		run_scenario(only_seed);
		return;
	}
	for (uint64_t seed = 1; seed <= SCENARIOS; seed++) {
		run_scenario(seed);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random_scenarios),
	};
	only_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
