/* Inactivity, keepalive, idle and grace timers of whole sessions. */
#include "base/err.h"
#include "harness.h"

/* The session is alive one millisecond before `ms` from now and ends with `reason` at `ms`. */
static void ends_at(struct peer *p, uint64_t ms, enum dso_event_type type, enum dso_reason reason)
{
	advance(p, ms - 1);
	expect_no_event(p);
	assert_false(dso_session_is_over(p->s));
	advance(p, 1);
	if (type == DSO_EVENT_ABORT) {
		expect_abort(p, reason);
	} else {
		expect_close(p, reason);
	}
	peer_done(p);
}

/* Server with these values granted. */
static void server_with(struct peer *p, uint32_t inactivity_ms, uint32_t keepalive_ms)
{
	dso_config_init(&p->config, DSO_SERVER);
	p->config.types = test_types;
	p->config.type_count = test_type_count;
	p->config.inactivity_ms = inactivity_ms;
	p->config.keepalive_ms = keepalive_ms;
	peer_start(p);
	feed(p, msg(1, 0x3000, ka(inactivity_ms, keepalive_ms)));
	expect_event(p, DSO_EVENT_ESTABLISHED);
	drain(p);
}

/* Server, established by a SUBSCRIBE that was ended again: the defaults are in force. */
static void server_without_keepalive(struct peer *p)
{
	peer_init(p, DSO_SERVER);
	feed(p, msg(2, 0x3000, "00400000"));
	expect_event(p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p->s, 2, 0, true, DSO_NO_DELAY, p->now_ms), 0);
	pump(p);
	expect_event(p, DSO_EVENT_ESTABLISHED);
	drain(p);
}

/* DSO-036: both timeouts 15 s until a Keepalive exchange. Server: reset at 30 s. */
static void defaults_server_dso_036(void **state)
{
	struct peer p;
	(void)state;
	server_without_keepalive(&p);
	feed(&p, msg(0, 0x3000, "00420002 0002"));
	expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	assert_int_equal(dso_session_operation_end(p.s, 2, p.now_ms), 0);
	ends_at(&p, 30000, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
	/* With the subscription open the keepalive timer counts. */
	server_without_keepalive(&p);
	ends_at(&p, 30000, DSO_EVENT_ABORT, DSO_REASON_KEEPALIVE);
}

/* DSO-036. Client: Keepalive after 15 s with a subscription, close after 15 s without. */
static void defaults_client_dso_036(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, NULL, 0, true, p.now_ms, &id), 0);
	drain(&p);
	feed(&p, msg(id, 0xb000, ""));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	expect_event(&p, DSO_EVENT_RESPONSE);
	advance(&p, 14999);
	expect_silent(&p);
	advance(&p, 1);
	expect_out(&p, msg(2, 0x3000, ka(15000, 3600000)));
	assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), 0);
	ends_at(&p, 15000, DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);
}

/* DSO-037: a Keepalive every 5 s restarts only the keepalive timer: reset at 30 s all the same. Server. */
static void keepalives_do_not_count_dso_037(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	for (unsigned i = 0; i < 5; i++) {
		advance(&p, 5000);
		feed(&p, msg(2 + i, 0x3000, ka(15000, 3600000)));
		drain(&p);
		expect_no_event(&p);
	}
	ends_at(&p, 5000, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
}

/* DSO-037: any other message restarts both, received or sent, ordinary or DSO, a rejected one too (A23). Server. */
static void messages_restart_timers_dso_037(void **state)
{
	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		struct peer p;
		server_up(&p);
		advance(&p, 29000);
		switch (kind) {
		case 0:
			feed(&p, msg(0, 0x3000, "f8010000"));
			expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
			break;
		case 1:
			feed(&p, msg(5, 0x3000, "f8ff0000"));
			break;
		case 2:
			assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), 0);
			break;
		case 3:
			dso_session_note_sent(p.s, p.now_ms);
			break;
		case 4:
			feed(&p, ordinary(6, 0x8000, false));
			break;
		default:
			assert_int_equal(dso_session_send(p.s, (const uint8_t *)"\0", 1, p.now_ms), 0);
			break;
		}
		drain(&p);
		ends_at(&p, 30000, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
	}
}

/* DSO-037: the keepalive timer of the client is restarted by what it sends and what it gets. */
static void messages_restart_client_keepalive_dso_037(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, DSO_INFINITE, 10000);
	advance(&p, 9000);
	expect_silent(&p);
	feed(&p, msg(0, 0x3000, "f8010000"));
	expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	advance(&p, 9000);
	assert_int_equal(dso_session_unidirectional(p.s, T_NOTE, NULL, 0, p.now_ms), 0);
	drain(&p);
	advance(&p, 9999);
	expect_silent(&p);
	advance(&p, 1);
	expect_out(&p, msg(2, 0x3000, ka(15000, 3600000)));
	peer_done(&p);
}

/* DSO-038: inactivity is held while an operation is open. Server: a subscription, a request, a query. */
static void open_operations_hold_dso_038(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(5, 0x3000, "00400000"), msg(6, 0x3000, "f8000000"), ordinary(7, 0, false));
	expect_event(&p, DSO_EVENT_REQUEST);
	expect_event(&p, DSO_EVENT_REQUEST);
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	assert_false(over_after(&p, 60000));
	assert_int_equal(dso_session_respond(p.s, 6, 0, false, DSO_NO_DELAY, p.now_ms), 0);
	assert_false(over_after(&p, 60000));
	assert_int_equal(dso_session_operation_end(p.s, 5, p.now_ms), 0);
	assert_false(over_after(&p, 60000));
	assert_int_equal(dso_session_answer(p.s, token, NULL, 0, p.now_ms), 0);
	drain(&p);
	ends_at(&p, 30000, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
}

/* DSO-038. Client: an unanswered request, a subscription, a query hold it; a Keepalive does not. */
static void open_operations_hold_client_dso_038(void **state)
{
	struct peer p;
	uint16_t sub, query;
	uint8_t bytes[64];
	(void)state;
	client_up(&p, 1000, DSO_INFINITE);
	assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, NULL, 0, true, p.now_ms, &sub), 0);
	assert_false(over_after(&p, 5000));
	feed(&p, msg(sub, 0xb000, ""));
	expect_event(&p, DSO_EVENT_RESPONSE);
	assert_false(over_after(&p, 5000));
	size_t len = unhex(ordinary(0, 0, false), bytes, sizeof(bytes));
	assert_int_equal(dso_session_query(p.s, bytes, len, p.now_ms, &query), 0);
	assert_int_equal(dso_session_operation_end(p.s, sub, p.now_ms), 0);
	assert_false(over_after(&p, 5000));
	feed(&p, ordinary(query, 0x8000, false));
	expect_event(&p, DSO_EVENT_ANSWER);
	advance(&p, 500);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &query), 0);
	drain(&p);
	ends_at(&p, 500, DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);
}

/* DSO-039: the client closes at I. DSO-042: at once for 0. */
static void client_closes_dso_039_dso_042(void **state)
{
	static const uint32_t limits[] = {1, 999, 15000, 100000, DSO_INFINITE - 1};
	struct peer p;
	uint16_t id;
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		client_up(&p, limits[i], DSO_INFINITE);
		ends_at(&p, limits[i], DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);
	}
	/* 0: open until the last operation ends, then at once. */
	client_up(&p, 0, 3600000);
	assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), 0);
	drain(&p);
	assert_false(over_after(&p, 20000));
	feed(&p, msg(id, 0xb000, "f8000000"));
	expect_event(&p, DSO_EVENT_RESPONSE);
	assert_true(dso_session_deadline_ms(p.s) <= p.now_ms);
	advance(&p, 0);
	expect_close(&p, DSO_REASON_INACTIVE);
	peer_done(&p);
}

/* DSO-040: the server resets at max(5 s, 2*I). DSO-042. Products beyond 32 bits. */
static void server_aborts_dso_040_dso_042(void **state)
{
	static const struct {
		uint32_t limit;
		uint64_t ends;
	} cases[] = {{0, 5000},
	             {1, 5000},
	             {1000, 5000},
	             {2500, 5000},
	             {2501, 5002},
	             {15000, 30000},
	             {DSO_INFINITE - 1, 2 * (uint64_t)(DSO_INFINITE - 1)}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p;
		server_with(&p, cases[i].limit, DSO_INFINITE);
		ends_at(&p, cases[i].ends, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
	}
}

/* DSO-043: the infinite value disables a timer until revised. Server and client. */
static void infinite_dso_043(void **state)
{
	struct peer p;
	(void)state;
	server_with(&p, DSO_INFINITE, DSO_INFINITE);
	assert_true(dso_session_deadline_ms(p.s) == UINT64_MAX);
	advance(&p, 1000000000);
	assert_int_equal(dso_session_revise(p.s, 1000, 10000, p.now_ms), 0);
	drain(&p);
	/* Elapsed is far beyond: grace of 5 s. */
	ends_at(&p, 5000, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);

	client_up(&p, DSO_INFINITE, DSO_INFINITE);
	assert_true(dso_session_deadline_ms(p.s) == UINT64_MAX);
	advance(&p, 1000000000);
	expect_alive(&p);
	feed(&p, msg(0, 0x3000, ka(1000, DSO_INFINITE)));
	ends_at(&p, 1000, DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);
}

/* DSO-044: the client sends Keepalive when K passes, again and again, answered or not. */
static void client_keepalives_dso_044(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, DSO_INFINITE, 10000);
	for (unsigned i = 0; i < 5; i++) {
		advance(&p, 9999);
		expect_silent(&p);
		advance(&p, 1);
		expect_out(&p, msg(2 + i, 0x3000, ka(15000, 3600000)));
		if (i != 2) {
			feed(&p, msg(2 + i, 0xb000, ka(DSO_INFINITE, 10000)));
			expect_event(&p, DSO_EVENT_FENCE);
		}
	}
	peer_done(&p);
}

/* DSO-045: the server resets at 2*K without traffic, with subscriptions too. */
static void server_keepalive_dso_045(void **state)
{
	static const uint32_t limits[] = {10000, 15000, 3600000, DSO_INFINITE - 1};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct peer p;
		server_with(&p, DSO_INFINITE, limits[i]);
		feed(&p, msg(5, 0x3000, "00400000"));
		expect_event(&p, DSO_EVENT_REQUEST);
		assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
		drain(&p);
		ends_at(&p, 2 * (uint64_t)limits[i], DSO_EVENT_ABORT, DSO_REASON_KEEPALIVE);
	}
}

/* DSO-049 DSO-051: a new limit at or below what has elapsed closes at once; above it, elapsed time counts. Client. */
static void lower_limit_client_dso_051_dso_049(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 60000, 3600000);
	advance(&p, 20000);
	feed(&p, msg(0, 0x3000, ka(20000, 3600000)));
	assert_true(dso_session_deadline_ms(p.s) <= p.now_ms);
	advance(&p, 0);
	expect_silent(&p);
	expect_close(&p, DSO_REASON_INACTIVE);
	peer_done(&p);

	client_up(&p, 60000, 3600000);
	advance(&p, 20000);
	feed(&p, msg(0, 0x3000, ka(25000, 3600000)));
	ends_at(&p, 5000, DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);

	/* The same from the response to our own Keepalive. */
	uint16_t id;
	client_up(&p, 60000, 3600000);
	advance(&p, 20000);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	drain(&p);
	feed(&p, msg(id, 0xb000, ka(25000, 3600000)));
	expect_event(&p, DSO_EVENT_FENCE);
	ends_at(&p, 5000, DSO_EVENT_CLOSE, DSO_REASON_INACTIVE);
}

/* DSO-052 DSO-053 DSO-049: the server's own Keepalive has ID 0; a cut limit gives grace of max(5 s, I'/4). A11. */
static void lower_limit_server_dso_052_dso_053(void **state)
{
	static const struct {
		uint64_t elapsed;
		uint32_t limit;
		uint64_t more; /* from the change to the reset */
	} cases[] = {
	        {100000, 1000, 5000},   /* far beyond: 5 s */
	        {100000, 40000, 10000}, /* beyond twice: I'/4 */
	        {100000, 49000, 12250}, /* just beyond twice */
	        {100000, 52000, 13000}, /* between half and whole: I'/4 is later than 2*I' - e */
	        {100000, 80000, 60000}, /* twice I' is later */
	        {1000, 30000, 59000},   /* little elapsed */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p;
		server_with(&p, 120000, DSO_INFINITE);
		advance(&p, cases[i].elapsed);
		assert_int_equal(dso_session_revise(p.s, cases[i].limit, DSO_INFINITE, p.now_ms), 0);
		expect_out(&p, msg(0, 0x3000, ka(cases[i].limit, DSO_INFINITE)));
		ends_at(&p, cases[i].more, DSO_EVENT_ABORT, DSO_REASON_INACTIVE);
	}
}

/* Revised values are what later Keepalive requests get; K is raised to the floor (DSO-046). Server. */
static void revised_values_stay_dso_046(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	assert_int_equal(dso_session_revise(p.s, 7000, 1, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, ka(7000, 10000)));
	feed(&p, msg(5, 0x3000, ka(15000, 3600000)));
	expect_out(&p, msg(5, 0xb000, ka(7000, 10000)));
	/* K starts anew with the exchange. */
	feed(&p, msg(6, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	ends_at(&p, 20000, DSO_EVENT_ABORT, DSO_REASON_KEEPALIVE);
}

/* A18: a connection without a session is closed when idle; while something is open it is not. */
static void idle_connection_closes(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	ends_at(&p, 15000, DSO_EVENT_CLOSE, DSO_REASON_IDLE);
	peer_init(&p, DSO_SERVER);
	feed(&p, ordinary(5, 0, false), msg(1, 0x3000, "00400000"));
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_false(over_after(&p, 100000));
	assert_int_equal(dso_session_answer(p.s, token, NULL, 0, p.now_ms), 0);
	assert_false(over_after(&p, 100000));
	assert_int_equal(dso_session_respond(p.s, 1, 5, true, DSO_NO_DELAY, p.now_ms), 0);
	drain(&p);
	ends_at(&p, 15000, DSO_EVENT_CLOSE, DSO_REASON_IDLE);
	peer_init(&p, DSO_CLIENT);
	ends_at(&p, 15000, DSO_EVENT_CLOSE, DSO_REASON_IDLE);
	dso_config_init(&p.config, DSO_SERVER);
	p.config.tls = false;
	peer_start(&p);
	ends_at(&p, 15000, DSO_EVENT_CLOSE, DSO_REASON_IDLE);
}

/* A tick before its time changes nothing. */
static void early_tick_is_harmless(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	for (int i = 0; i < 100; i++) {
		dso_session_tick(p.s, p.now_ms);
	}
	pump(&p);
	expect_alive(&p);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(defaults_server_dso_036),
	        cmocka_unit_test(defaults_client_dso_036),
	        cmocka_unit_test(keepalives_do_not_count_dso_037),
	        cmocka_unit_test(messages_restart_timers_dso_037),
	        cmocka_unit_test(messages_restart_client_keepalive_dso_037),
	        cmocka_unit_test(open_operations_hold_dso_038),
	        cmocka_unit_test(open_operations_hold_client_dso_038),
	        cmocka_unit_test(client_closes_dso_039_dso_042),
	        cmocka_unit_test(server_aborts_dso_040_dso_042),
	        cmocka_unit_test(infinite_dso_043),
	        cmocka_unit_test(client_keepalives_dso_044),
	        cmocka_unit_test(server_keepalive_dso_045),
	        cmocka_unit_test(lower_limit_client_dso_051_dso_049),
	        cmocka_unit_test(lower_limit_server_dso_052_dso_053),
	        cmocka_unit_test(revised_values_stay_dso_046),
	        cmocka_unit_test(idle_connection_closes),
	        cmocka_unit_test(early_tick_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
