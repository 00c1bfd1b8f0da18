#include "serve_help.h"

#include "wire/rdata.h"

#include "../zone/zone_text.h"

static struct {
	struct world world;
	struct zone *parent, *child;
	struct zone_snapshot *parent_first, *child_first;
} f;

static const char parent_text[] = "example. 300 SOA ns h 1 2 3 4 5\n"
                                  "example. 300 NS ns\n"
                                  "ns 300 A 192.0.2.1\n"
                                  "a 300 A 192.0.2.2\n"
                                  "a 300 TXT one\n"
                                  "c 300 CNAME a\n"
                                  "*.w 300 A 192.0.2.3\n"
                                  "d 300 DNAME a\n"
                                  "sub 300 NS ns\n"
                                  "sub 300 DS 1 8 99 00\n"
                                  "sub 300 DS 2 8 99 00\n";

static struct zone *make_child(void)
{
	struct zone *z = zone_new(name_of("sub").data);
	struct zone_txn *t = zone_txn_new(z);
	test_lines("sub 300 SOA ns h 1 2 3 4 5\nsub 300 NS ns\nx.sub 300 A 192.0.2.9\n", test_add, t);
	assert_int_equal(zone_txn_commit_load(t), 0);
	return z;
}

static void configure(bool with_child)
{
	const struct serve_zone_setup zones[] = {{1, f.parent_first, &f.world.open}, {2, f.child_first, &f.world.open}};
	assert_int_equal(serve_configure(f.world.serve, zones, with_child ? 2 : 1, &f.world.limits), 0);
}

static int setup(void **state)
{
	(void)state;
	world_init(&f.world);
	f.parent = test_zone(parent_text);
	f.child = make_child();
	f.parent_first = zone_current(f.parent);
	f.child_first = zone_current(f.child);
	configure(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_done(&f.world);
	zone_snapshot_unref(f.parent_first);
	zone_snapshot_unref(f.child_first);
	zone_free(f.parent);
	zone_free(f.child);
	return 0;
}

static void publish(const char *removals, const char *additions)
{
	struct zone_changeset *c = test_change(f.parent, removals, additions);
	assert_non_null(c);
	serve_publish(f.world.serve, 1, c);
	zone_changeset_unref(c);
}

static struct client *client(size_t i)
{
	struct client *c = &f.world.clients[i];
	if (!c->stream) {
		client_connect(&f.world, c, 65536);
		world_settle(&f.world);
	}
	return c;
}

static struct sub *ask(struct client *c, const char *text, uint16_t type)
{
	struct sub *s = client_subscribe(c, text, type);
	world_settle(&f.world);
	return s;
}

static void expect_newest(struct zone *z, const struct sub *s)
{
	struct zone_snapshot *newest = zone_current(z);
	uint64_t print = 0;
	assert_int_equal(s->state, SUB_OPEN);
	assert_true(view_print(newest, &s->question, &print));
	assert_int_equal(print, sub_print(s));
	zone_snapshot_unref(newest);
}

/* PUSH-070: an initial PUSH right after the response, none for an empty set. */
static void a_subscription_starts_with_what_there_is(void **state)
{
	(void)state;
	struct client *c = client(0);
	const struct sub *full = ask(c, "a", DNS_TYPE_ANY);
	assert_int_equal(full->state, SUB_OPEN);
	assert_int_equal(full->held_count, 2);
	assert_int_equal(c->push_count, 1);
	const struct sub *empty = ask(c, "nothing", DNS_TYPE_A);
	assert_int_equal(empty->state, SUB_OPEN);
	assert_int_equal(c->push_count, 1);
	publish("a 300 TXT one\n", "a 300 A 192.0.2.7\nnothing 60 A 192.0.2.8\n");
	world_settle(&f.world);
	assert_int_equal(c->push_count, 2);
	expect_newest(f.parent, full);
	expect_newest(f.parent, empty);
	/* What nobody asked for goes to nobody. */
	publish("", "other 300 A 192.0.2.9\n");
	world_settle(&f.world);
	assert_int_equal(c->push_count, 2);
	client_unsubscribe(c, c->subs);
	world_settle(&f.world);
	assert_int_equal(serve_session_subscription_count(c->session), 1);
	assert_int_equal(serve_counters(f.world.serve)->unsubscribes, 1);
}

/* PUSH-081: one change that concerns two subscriptions goes out once; both sessions get the same bytes. */
/* PUSH-104: a client may end its subscriptions by ending the session; nothing of them is left. */
static void the_end_of_a_session_frees_its_subscriptions(void **state)
{
	struct client *a = &f.world.clients[0], *b = &f.world.clients[1];
	(void)state;
	client_connect(&f.world, a, 65536);
	client_connect(&f.world, b, 65536);
	client_subscribe(a, "a", DNS_TYPE_A);
	client_subscribe(a, "a", DNS_TYPE_TXT);
	client_subscribe(a, "new", DNS_TYPE_ANY);
	client_subscribe(b, "a", DNS_TYPE_A);
	world_settle(&f.world);
	assert_int_equal(serve_stats(f.world.serve).subscription_count, 4);
	client_drop(a);
	world_settle(&f.world);
	assert_null(a->conn);
	assert_int_equal(serve_stats(f.world.serve).subscription_count, 1);
	assert_int_equal(f.world.accounted, 1);
	client_drop(b);
	world_settle(&f.world);
	assert_int_equal(serve_stats(f.world.serve).subscription_count, 0);
	assert_int_equal(f.world.accounted, 0);
}

static void overlapping_subscriptions_share(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ask(client(i), "a", DNS_TYPE_A);
		ask(client(i), "a", DNS_TYPE_ANY);
		client(i)->change_count = 0;
	}
	uint64_t before = serve_counters(f.world.serve)->encodings;
	publish("", "a 300 A 192.0.2.8\n");
	world_settle(&f.world);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(client(i)->change_count, 1);
		expect_newest(f.parent, &client(i)->subs[0]);
		expect_newest(f.parent, &client(i)->subs[1]);
	}
	assert_int_equal(serve_counters(f.world.serve)->encodings - before, 1);
	/* PUSH-083: an empty name is one removal. */
	client(0)->change_count = 0;
	publish("a 300 A 192.0.2.2\na 300 A 192.0.2.8\na 300 TXT one\n", "");
	world_settle(&f.world);
	assert_int_equal(client(0)->change_count, 1);
	assert_int_equal(client(0)->remove_class_count, 1);
	assert_int_equal(client(0)->subs[1].held_count, 0);
}

static void all_ways_to_answer_a_name_are_followed(void **state)
{
	(void)state;
	struct client *c = client(0);
	const struct sub *wildcard = ask(c, "x.w", DNS_TYPE_A);
	const struct sub *alias = ask(c, "c", DNS_TYPE_A);
	const struct sub *below = ask(c, "y.d", DNS_TYPE_A);
	assert_int_equal(wildcard->held_count, 1);
	assert_int_equal(alias->held[0].type, DNS_TYPE_CNAME);
	assert_int_equal(below->held[0].type, DNS_TYPE_CNAME);
	publish("*.w 300 A 192.0.2.3\nc 300 CNAME a\nd 300 DNAME a\n", "*.w 60 A 192.0.2.4\nc 60 A 192.0.2.5\n"
	                                                               "d 60 DNAME ns\n");
	world_settle(&f.world);
	expect_newest(f.parent, wildcard);
	expect_newest(f.parent, alias);
	expect_newest(f.parent, below);
	/* A name of its own stands before the wildcard. */
	publish("", "x.w 60 TXT here\n");
	world_settle(&f.world);
	assert_int_equal(wildcard->held_count, 0);
}

/* PUSH-061: a name that falls below a zone cut is no longer ours: a second response, and nothing for it after that. */
static void a_delegation_ends_what_is_below(void **state)
{
	(void)state;
	struct client *c = client(0);
	const struct sub *below = ask(c, "x.w", DNS_TYPE_A);
	const struct sub *other = ask(c, "a", DNS_TYPE_A);
	assert_int_equal(ask(c, "n.sub", DNS_TYPE_A)->rcode, DNS_RCODE_NOTAUTH);
	publish("", "w 300 NS ns\n");
	world_settle(&f.world);
	assert_int_equal(below->state, SUB_CANCELLED);
	assert_int_equal(below->rcode, DNS_RCODE_NOTAUTH);
	assert_true(below->delay_ms > 0);
	assert_int_equal(f.world.accounted, 1);
	size_t pushes = c->push_count;
	publish("w 300 NS ns\n", "x.w 300 A 192.0.2.77\n");
	world_settle(&f.world);
	assert_int_equal(c->push_count, pushes);
	expect_newest(f.parent, other);
}

/* A session that does not read costs a version held, not a queue; it gets the net difference. */
static void who_lags_gets_the_net_difference(void **state)
{
	(void)state;
	struct client *c = client(0);
	client_drop(c);
	world_settle(&f.world);
	client_connect(&f.world, c, 64);
	world_settle(&f.world);
	const struct sub *a = ask(c, "a", DNS_TYPE_ANY);
	const struct sub *b = ask(c, "b", DNS_TYPE_A);
	size_t pushes = c->push_count;
	c->blocked = true;
	size_t memory = 0;
	for (int i = 0; i < 200; i++) {
		char was[64], is[64];
		was[0] = '\0';
		if (i > 0) {
			snprintf(was, sizeof(was), "b 300 A 10.0.0.%d\n", i - 1);
		}
		snprintf(is, sizeof(is), "b 300 A 10.0.0.%d\n", i);
		publish(was, is);
		world_settle(&f.world);
		if (i == 10) {
			memory = conn_memory(c->conn);
		}
	}
	assert_true(conn_memory(c->conn) <= memory);
	assert_int_equal(serve_counters(f.world.serve)->lagged, 1);
	c->blocked = false;
	world_settle(&f.world);
	expect_newest(f.parent, a);
	expect_newest(f.parent, b);
	assert_int_equal(b->held_count, 1);
	assert_true(c->push_count - pushes <= 5);
	assert_int_equal(serve_counters(f.world.serve)->caught_up, 1);
}

/* A version held keeps all later ones: who does not catch up for too long is sent away, touched by them or not. */
static void who_lags_for_ever_is_shed(void **state)
{
	(void)state;
	struct client *c = client(0);
	client_drop(c);
	world_settle(&f.world);
	client_connect(&f.world, c, 64);
	world_settle(&f.world);
	ask(c, "a", DNS_TYPE_ANY);
	c->blocked = true;
	for (int i = 0; i < 40; i++) {
		publish(i % 2 ? "a 300 A 10.0.0.1\n" : "", i % 2 ? "" : "a 300 A 10.0.0.1\n");
		world_settle(&f.world);
	}
	assert_int_equal(serve_counters(f.world.serve)->lagged, 1);
	for (int i = 0; i < 65000; i++) {
		publish(i % 2 ? "b 300 A 10.0.0.1\n" : "", i % 2 ? "" : "b 300 A 10.0.0.1\n");
	}
	assert_int_equal(serve_counters(f.world.serve)->shed, 0);
	for (int i = 0; i < 2000; i++) {
		publish(i % 2 ? "b 300 A 10.0.0.1\n" : "", i % 2 ? "" : "b 300 A 10.0.0.1\n");
	}
	assert_int_equal(serve_counters(f.world.serve)->shed, 1);
}

/* A record that fits into no PUSH ends the subscriptions that hold it; the others of the session miss nothing. */
static void a_record_too_big(void **state)
{
	(void)state;
	static char big[20000];
	size_t at = (size_t)sprintf(big, "b 300 TXT");
	for (int i = 0; i < 66; i++) {
		at += (size_t)sprintf(big + at, " %0250d", i);
	}
	struct client *c = client(0);
	const struct sub *a = ask(c, "a", DNS_TYPE_A);
	const struct sub *b = ask(c, "b", DNS_TYPE_ANY);
	const struct sub *other = ask(client(1), "b", DNS_TYPE_TXT);
	static uint8_t rdata[17000];
	size_t len;
	assert_int_equal(wire_rdata_from_text(DNS_TYPE_TXT, big + 10, at - 10, NULL, rdata, sizeof(rdata), &len, NULL),
	                 0);
	struct zone_txn *t = zone_txn_new(f.parent);
	struct zone_changeset *change = NULL;
	assert_int_equal(zone_txn_add(t, name_of("b").data, DNS_TYPE_TXT, 300, rdata, len), 0);
	test_lines("a 300 A 192.0.2.99\n", test_add, t);
	assert_int_equal(zone_txn_commit(t, &change), 0);
	serve_publish(f.world.serve, 1, change);
	zone_changeset_unref(change);
	world_settle(&f.world);
	assert_int_equal(b->state, SUB_CANCELLED);
	assert_int_equal(b->rcode, DNS_RCODE_SERVFAIL);
	assert_int_equal(other->state, SUB_CANCELLED);
	expect_newest(f.parent, a);
	assert_int_equal(ask(c, "b", DNS_TYPE_TXT)->rcode, DNS_RCODE_SERVFAIL);
	assert_int_equal(ask(c, "b", DNS_TYPE_A)->state, SUB_OPEN);
	publish("", "a 300 A 192.0.2.100\n");
	world_settle(&f.world);
	expect_newest(f.parent, a);
}

static void limits_hold_at_the_last_one(void **state)
{
	(void)state;
	f.world.limits.subscriptions_per_session = 2;
	configure(false);
	struct client *c = client(0);
	assert_int_equal(ask(c, "a", DNS_TYPE_A)->state, SUB_OPEN);
	assert_int_equal(ask(c, "b", DNS_TYPE_A)->state, SUB_OPEN);
	const struct sub *third = ask(c, "c", DNS_TYPE_A);
	assert_int_equal(third->rcode, DNS_RCODE_SERVFAIL);
	/* PUSH-055: with the delay of the table. */
	assert_int_equal(third->delay_ms, push_default_delay_ms(DNS_RCODE_SERVFAIL));
	f.world.account_max = 3;
	assert_int_equal(ask(client(1), "a", DNS_TYPE_A)->state, SUB_OPEN);
	assert_int_equal(ask(client(1), "b", DNS_TYPE_A)->rcode, DNS_RCODE_SERVFAIL);
	client_unsubscribe(c, &c->subs[0]);
	world_settle(&f.world);
	assert_int_equal(ask(client(1), "b", DNS_TYPE_A)->state, SUB_OPEN);
	assert_int_equal(serve_counters(f.world.serve)->subscribes_limited, 2);
	/* The rate of one session. */
	f.world.account_max = 1000;
	f.world.limits.subscribe_burst = 1;
	f.world.limits.subscribe_per_second = 0;
	configure(false);
	assert_int_equal(ask(client(2), "a", DNS_TYPE_A)->state, SUB_OPEN);
	assert_int_equal(ask(client(2), "b", DNS_TYPE_A)->rcode, DNS_RCODE_SERVFAIL);
}

static void policy_and_zones_decide(void **state)
{
	(void)state;
	struct client *c = client(0);
	const struct push_question chaos = {name_of("a"), DNS_TYPE_A, DNS_CLASS_CH};
	assert_int_equal(ask(c, "a.elsewhere.", DNS_TYPE_A)->rcode, DNS_RCODE_NOTAUTH);
	const struct sub *s = client_subscribe_question(c, &chaos);
	world_settle(&f.world);
	assert_int_equal(s->rcode, DNS_RCODE_NOTAUTH);
	f.world.open.subscribe.any = false;
	assert_int_equal(ask(c, "a", DNS_TYPE_A)->rcode, DNS_RCODE_REFUSED);
	assert_int_equal(serve_counters(f.world.serve)->subscribes_refused, 3);
	f.world.open.subscribe.any = true;
	/* PUSH-059: what was refused leaves the rest alone. */
	assert_int_equal(ask(c, "a", DNS_TYPE_A)->state, SUB_OPEN);
}

/* PUSH-043: asking twice for the same, letters aside, ends the session. */
static void asking_twice_is_fatal(void **state)
{
	(void)state;
	struct client *c = client(0);
	ask(c, "a", DNS_TYPE_A);
	ask(c, "A", DNS_TYPE_A);
	assert_true(c->reset);
	assert_int_equal(f.world.accounted, 0);
}

static void parent_and_child_answer_for_their_own(void **state)
{
	(void)state;
	configure(true);
	struct client *c = client(0);
	const struct sub *child = ask(c, "x.sub", DNS_TYPE_A);
	const struct sub *apex = ask(c, "sub", DNS_TYPE_SOA);
	const struct sub *ds = ask(c, "sub", DNS_TYPE_DS);
	const struct sub *parent = ask(c, "a", DNS_TYPE_A);
	expect_newest(f.child, child);
	expect_newest(f.child, apex);
	expect_newest(f.parent, ds);
	assert_int_equal(ds->held_count, 2);
	/* The parent's side of the cut goes; the child's records at that name stay. */
	publish("sub 300 NS ns\nsub 300 DS 1 8 99 00\nsub 300 DS 2 8 99 00\n", "");
	world_settle(&f.world);
	assert_int_equal(ds->held_count, 0);
	assert_int_equal(c->remove_class_count, 0);
	expect_newest(f.child, apex);
	/* The parent answers now, with another view: who was with the child asks again. */
	configure(false);
	world_settle(&f.world);
	assert_int_equal(child->state, SUB_CANCELLED);
	assert_int_equal(child->rcode, DNS_RCODE_SERVFAIL);
	assert_int_equal(apex->state, SUB_CANCELLED);
	expect_newest(f.parent, parent);
	/* PUSH-061: no zone at all. */
	assert_int_equal(serve_configure(f.world.serve, NULL, 0, &f.world.limits), 0);
	world_settle(&f.world);
	assert_int_equal(parent->state, SUB_CANCELLED);
	assert_int_equal(parent->rcode, DNS_RCODE_NOTAUTH);
	assert_int_equal(f.world.accounted, 0);
}

/* Each allocation in turn fails: the session is right, or it is sent away. */
static void memory_may_end(void **state)
{
	(void)state;
	size_t right = 0, gone = 0;
	bool failed = true;
	for (long after = 0; failed && after < 500; after++) {
		struct client *c = client(0);
		ask(c, "a", DNS_TYPE_ANY);
		struct zone_changeset *change = test_change(f.parent, after % 2 ? "a 60 AAAA 2001:db8::1\n" : "",
		                                            after % 2 ? "" : "a 60 AAAA 2001:db8::1\n");
		mem_fail_after(after);
		serve_publish(f.world.serve, 1, change);
		failed = mem_failed();
		mem_fail_after(-1);
		zone_changeset_unref(change);
		world_settle(&f.world);
		if (c->over) {
			gone++;
		} else {
			expect_newest(f.parent, &c->subs[0]);
			right++;
			client_drop(c);
		}
		world_settle(&f.world);
	}
	assert_false(failed);
	assert_true(right > 0 && gone > 0);
	failed = true;
	for (long after = 0; failed && after < 500; after++) {
		struct client *c = client(0);
		struct sub *s = client_subscribe(c, "a", DNS_TYPE_ANY);
		client_pump(c);
		mem_fail_after(after);
		net_loop_run_once(f.world.loop, 0);
		net_loop_run_once(f.world.loop, 0);
		failed = mem_failed();
		mem_fail_after(-1);
		world_settle(&f.world);
		if (!c->over && s->state == SUB_OPEN) {
			expect_newest(f.parent, s);
		} else if (!c->over) {
			assert_int_equal(s->rcode, DNS_RCODE_SERVFAIL);
		}
		client_drop(c);
		world_settle(&f.world);
		assert_int_equal(f.world.accounted, 0);
	}
	assert_false(failed);
	for (long after = 0; after < 3; after++) {
		mem_fail_after(after);
		const struct serve_zone_setup zone = {1, f.parent_first, &f.world.open};
		int err = serve_configure(f.world.serve, &zone, 1, &f.world.limits);
		assert_int_equal(err, mem_failed() ? ERR_NOMEM : 0);
		mem_fail_after(-1);
	}
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_WORLD(a_subscription_starts_with_what_there_is),
	        WITH_WORLD(the_end_of_a_session_frees_its_subscriptions),
	        WITH_WORLD(overlapping_subscriptions_share),
	        WITH_WORLD(all_ways_to_answer_a_name_are_followed),
	        WITH_WORLD(a_delegation_ends_what_is_below),
	        WITH_WORLD(who_lags_gets_the_net_difference),
	        WITH_WORLD(who_lags_for_ever_is_shed),
	        WITH_WORLD(a_record_too_big),
	        WITH_WORLD(limits_hold_at_the_last_one),
	        WITH_WORLD(policy_and_zones_decide),
	        WITH_WORLD(asking_twice_is_fatal),
	        WITH_WORLD(parent_and_child_answer_for_their_own),
	        WITH_WORLD(memory_may_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
