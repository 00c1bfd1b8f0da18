/*
 * Eight sessions and two zones, at random: records, wildcards, CNAMEs, DNAMEs
 * and zone cuts come and go, subscriptions and connections too, some peers do
 * not read for a while, some allocations fail. After every PUSH message the view
 * of a session is that of one version of each zone, and versions never go back;
 * when all has come to rest it is that of the newest one.
 *
 * Each scenario is a function of its seed: test_roles_serve_random SEED runs one.
 */
#include "serve_help.h"

enum { SCENARIOS = 2000, CLIENTS = 8, ZONES = 2, VERSIONS_MAX = 64, NAMES = 20, TYPES = 6 };

static const char *const texts[NAMES] = {
        "@",   "a",     "b",       "*.w", "x.w", "y.x.w", "w",     "d",     "x.d",   "y.x.d",
        "cut", "n.cut", "h.n.cut", "*",   "e.f", "sub",   "a.sub", "*.sub", "z.sub", "q.z.sub",
};
static const uint16_t asked_types[TYPES] = {DNS_TYPE_A,  DNS_TYPE_TXT, DNS_TYPE_CNAME,
                                            DNS_TYPE_NS, DNS_TYPE_ANY, DNS_TYPE_DNAME};
static struct wire_name names[NAMES];
static struct wire_name upper[NAMES]; /* the same in other letters */

/* What a version answers to a question; worked out when it is asked for. */
struct print {
	bool known;
	bool authoritative;
	uint64_t print;
};

static struct {
	struct world world;
	uint64_t seed, random;
	struct zone *zones[ZONES];
	struct zone_snapshot *versions[ZONES][VERSIONS_MAX];
	size_t version_count[ZONES];
	struct print prints[ZONES][VERSIONS_MAX][NAMES * TYPES];
	bool failures; /* allocations fail in this scenario */
} sim;
static size_t lagged, shed, pushes, cancelled;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			mem_fail_after(-1);                                                                            \
			fail_msg("seed %llu: %s", (unsigned long long)sim.seed, #condition);                           \
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

/* The child zone is `sub`. */
static unsigned zone_of(unsigned name)
{
	return name >= 15;
}

static const struct print *print_of(unsigned zone, size_t version, unsigned tag)
{
	struct print *p = &sim.prints[zone][version][tag];
	if (!p->known) {
		const struct push_question q = {names[tag / TYPES], asked_types[tag % TYPES], DNS_CLASS_IN};
		p->authoritative = view_print(sim.versions[zone][version], &q, &p->print);
		p->known = true;
	}
	return p;
}

/*
 * Does a client's view equal that of a version in all its subscriptions of the zone? One that a zone cut took
 * away is told so behind the PUSH for the others; until then (not `at_rest`) it does not count.
 */
static bool is_version(const struct client *c, unsigned zone, size_t version, bool at_rest)
{
	for (size_t i = 0; i < SUBS_MAX; i++) {
		const struct sub *s = &c->subs[i];
		if (s->state == SUB_OPEN && zone_of(s->tag / TYPES) == zone) {
			const struct print *p = print_of(zone, version, s->tag);
			if (p->authoritative ? p->print != sub_print(s) : at_rest) {
				return false;
			}
		}
	}
	return true;
}

static void after_push(struct client *c)
{
	pushes++;
	for (unsigned zone = 0; zone < ZONES; zone++) {
		uint64_t v = c->last[zone];
		while (v < sim.version_count[zone] && !is_version(c, zone, v, false)) {
			v++;
		}
		CHECK(v < sim.version_count[zone]);
		c->last[zone] = v;
	}
}

/* ---- zones that change ---- */

static int put(struct zone_txn *t, unsigned name, uint16_t type)
{
	uint8_t rdata[64] = {192, 0, 2, (uint8_t)pick(4)};
	size_t len = 4;
	if (type == DNS_TYPE_TXT) {
		len = (size_t)snprintf((char *)rdata, sizeof(rdata), "%c%0*u", 30, 30, pick(4));
	} else if (type != DNS_TYPE_A) {
		const struct wire_name *target = &names[pick(NAMES)];
		len = target->len;
		memcpy(rdata, target->data, len);
	}
	return zone_txn_add(t, names[name].data, type, 300 + 300 * pick(2), rdata, len);
}

static int one_edit(struct zone_txn *t, unsigned zone)
{
	static const uint16_t held_types[] = {DNS_TYPE_A, DNS_TYPE_A, DNS_TYPE_A, DNS_TYPE_TXT, DNS_TYPE_CNAME};
	unsigned name = zone ? 15 + pick(5) : pick(15);
	bool apex = name == 0 || name == 15;
	uint16_t type = held_types[pick(5)];
	if (name == 10 && chance(30)) {
		type = DNS_TYPE_NS;
	} else if ((name == 7 || name == 2) && chance(40)) {
		type = DNS_TYPE_DNAME;
	}
	if (apex && type == DNS_TYPE_CNAME) {
		type = DNS_TYPE_TXT;
	}
	if (!apex && chance(15)) {
		return zone_txn_remove_name(t, names[name].data);
	}
	if (chance(25)) {
		return zone_txn_remove_rrset(t, names[name].data, type);
	}
	/* A CNAME stands alone. */
	int err = 0;
	if (type == DNS_TYPE_CNAME) {
		err = zone_txn_remove_name(t, names[name].data);
	} else {
		err = zone_txn_remove_rrset(t, names[name].data, DNS_TYPE_CNAME);
	}
	if (!err && type == DNS_TYPE_DNAME) {
		err = zone_txn_remove_rrset(t, names[name].data, type);
	}
	return err ? err : put(t, name, type);
}

static void maybe_fail(void)
{
	if (sim.failures && chance(15)) {
		mem_fail_after((long)pick(60));
	}
}

static void change(unsigned zone)
{
	struct zone_changeset *c = NULL;
	struct zone_txn *t = zone_txn_new(sim.zones[zone]);
	CHECK(t != NULL && sim.version_count[zone] < VERSIONS_MAX);
	for (unsigned edits = 1 + pick(4); edits > 0; edits--) {
		CHECK(one_edit(t, zone) == 0);
	}
	CHECK(zone_txn_commit(t, &c) == 0);
	if (!c) {
		return;
	}
	sim.versions[zone][sim.version_count[zone]++] = zone_snapshot_ref(c->to);
	maybe_fail();
	serve_publish(sim.world.serve, zone, c);
	mem_fail_after(-1);
	zone_changeset_unref(c);
}

static void make_zone(unsigned zone)
{
	const uint8_t soa[22] = {0};
	const uint8_t *origin = names[zone ? 15 : 0].data;
	sim.zones[zone] = zone_new(origin);
	struct zone_txn *t = zone_txn_new(sim.zones[zone]);
	CHECK(zone_txn_add(t, origin, DNS_TYPE_SOA, 300, soa, sizeof(soa)) == 0);
	CHECK(zone_txn_add(t, origin, DNS_TYPE_NS, 300, names[1].data, names[1].len) == 0);
	for (unsigned edits = pick(12); edits > 0; edits--) {
		CHECK(one_edit(t, zone) == 0);
	}
	CHECK(zone_txn_commit_load(t) == 0);
	sim.version_count[zone] = 1;
	sim.versions[zone][0] = zone_current(sim.zones[zone]);
}

/* ---- clients ---- */

static void subscribe(struct client *c)
{
	unsigned tag = pick(NAMES * TYPES);
	if (chance(50)) {
		tag = (tag / TYPES) * TYPES + (chance(50) ? 0 : 4); /* mostly A and ANY, so that they overlap */
	}
	for (size_t i = 0; i < SUBS_MAX; i++) {
		if (c->subs[i].tag == tag && (c->subs[i].state == SUB_ASKED || c->subs[i].state == SUB_OPEN)) {
			return; /* asking twice is an error */
		}
	}
	const struct wire_name *name = chance(20) ? &upper[tag / TYPES] : &names[tag / TYPES];
	const struct push_question q = {*name, asked_types[tag % TYPES], DNS_CLASS_IN};
	client_subscribe_question(c, &q)->tag = tag;
}

static void unsubscribe(struct client *c)
{
	struct sub *s = &c->subs[pick(SUBS_MAX)];
	for (unsigned tries = 0; tries < 4 && s->state != SUB_OPEN; tries++) {
		s = &c->subs[pick(12)];
	}
	if ((s->state == SUB_OPEN || s->state == SUB_ASKED) && dso_session_established(c->dso)) {
		client_unsubscribe(c, s);
	}
}

static void connect_client(struct client *c)
{
	static const size_t pipes[] = {40, 100, 300, 65536};
	client_connect(&sim.world, c, pipes[pick(4)]);
}

static void turn(void)
{
	maybe_fail();
	net_loop_run_once(sim.world.loop, 0);
	mem_fail_after(-1);
	for (size_t i = 0; i < CLIENTS; i++) {
		client_pump(&sim.world.clients[i]);
	}
}

static void step(void)
{
	struct client *c = &sim.world.clients[pick(CLIENTS)];
	unsigned what = pick(100);
	if (!c->stream) {
		if (!c->conn) {
			connect_client(c);
		}
	} else if (what < 35) {
		subscribe(c);
	} else if (what < 45) {
		unsubscribe(c);
	} else if (what < 60) {
		c->blocked = !c->blocked || chance(40);
	} else if (what < 62) {
		client_drop(c);
	}
	if (chance(50) && sim.version_count[0] < VERSIONS_MAX && sim.version_count[1] < VERSIONS_MAX) {
		change(chance(25));
	}
	for (unsigned turns = pick(4); turns > 0; turns--) {
		turn();
	}
}

static void check_refusals(const struct client *c)
{
	for (size_t i = 0; i < SUBS_MAX; i++) {
		const struct sub *s = &c->subs[i];
		if (s->state != SUB_REFUSED && s->state != SUB_CANCELLED) {
			continue;
		}
		cancelled += s->state == SUB_CANCELLED;
		if (s->rcode == DNS_RCODE_SERVFAIL && sim.failures) {
			continue;
		}
		CHECK(s->rcode == DNS_RCODE_NOTAUTH);
		unsigned zone = zone_of(s->tag / TYPES);
		bool below_cut = false;
		for (size_t v = 0; v < sim.version_count[zone]; v++) {
			below_cut = below_cut || !print_of(zone, v, s->tag)->authoritative;
		}
		CHECK(below_cut);
	}
}

static void at_rest(void)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		sim.world.clients[i].blocked = false;
	}
	world_settle(&sim.world);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &sim.world.clients[i];
		size_t open = 0;
		CHECK(sim.failures || !c->over);
		check_refusals(c);
		if (!c->stream) {
			continue;
		}
		for (size_t k = 0; k < SUBS_MAX; k++) {
			CHECK(c->subs[k].state != SUB_ASKED);
			open += c->subs[k].state == SUB_OPEN;
		}
		CHECK(open == serve_session_subscription_count(c->session));
		for (unsigned zone = 0; zone < ZONES; zone++) {
			CHECK(is_version(c, zone, sim.version_count[zone] - 1, true));
		}
	}
}

static void scenario(uint64_t seed)
{
	sim.seed = seed;
	sim.random = seed * 0x2545f4914f6cdd1dull + 1;
	memset(sim.prints, 0, sizeof(sim.prints));
	world_init(&sim.world);
	sim.world.pushed = after_push;
	sim.failures = false;
	struct serve_zone_setup setup[ZONES];
	for (unsigned zone = 0; zone < ZONES; zone++) {
		make_zone(zone);
		setup[zone] = (struct serve_zone_setup){zone, sim.versions[zone][0], &sim.world.open};
	}
	CHECK(serve_configure(sim.world.serve, setup, ZONES, &sim.world.limits) == 0);
	sim.failures = chance(30);
	for (size_t i = 0; i < CLIENTS; i++) {
		connect_client(&sim.world.clients[i]);
	}
	for (unsigned steps = 40 + pick(80); steps > 0; steps--) {
		step();
	}
	at_rest();
	lagged += serve_counters(sim.world.serve)->lagged;
	shed += serve_counters(sim.world.serve)->shed;
	world_done(&sim.world);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		for (size_t v = 0; v < sim.version_count[zone]; v++) {
			zone_snapshot_unref(sim.versions[zone][v]);
		}
		zone_free(sim.zones[zone]);
	}
}

/* As told above. */
static void views_are_versions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SCENARIOS; seed++) {
		scenario(seed);
	}
	/* What is to be tested did happen. */
	print_message("%zu pushes, %zu times behind, %zu shed, %zu cancelled\n", pushes, lagged, shed, cancelled);
	assert_true(pushes > 10 * SCENARIOS);
	assert_true(lagged > SCENARIOS);
	assert_true(shed > 0);
	assert_true(cancelled > SCENARIOS / 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(views_are_versions)};
	for (unsigned i = 0; i < NAMES; i++) {
		names[i] = name_of(texts[i]);
		upper[i] = names[i];
		for (uint8_t *p = upper[i].data; p < upper[i].data + upper[i].len; p++) {
			*p = *p >= 'a' && *p <= 'z' ? (uint8_t)(*p - 32) : *p;
		}
	}
	if (argc > 1) {
		scenario(strtoull(argv[1], NULL, 10));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
