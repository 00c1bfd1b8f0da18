/* Each allocation of a busy session is made to fail in turn: no crash, no leak, an abort that says why. */
#include "base/mem.h"
#include "harness.h"

/* Run `scenario` again and again, failing a later allocation each time, until it runs through. */
static void fail_each(enum dso_side side, void (*scenario)(struct peer *p))
{
	for (long n = 0;; n++) {
		struct peer p;
		assert_true(n < 1000);
		peer_init(&p, side);
		mem_fail_after(n);
		scenario(&p);
		bool failed = mem_failed();
		mem_fail_after(-1);
		pump(&p);
		bool aborted = false;
		for (; p.count > 0; p.count--, p.first++) {
			const struct dso_event *e = &p.events[p.first];
			assert_false(aborted); /* nothing after it */
			aborted = e->type == DSO_EVENT_ABORT;
			assert_true(!aborted || e->reason == DSO_REASON_MEMORY);
		}
		assert_true(failed || !aborted);
		/* A failure that was no abort was told to the caller, and left the session as it was. */
		assert_int_equal(aborted, dso_session_is_over(p.s));
		if (aborted) {
			expect_silent(&p);
		}
		peer_done(&p);
		if (!failed) {
			return;
		}
	}
}

static void push_in(struct peer *p, const char *hex)
{
	uint8_t bytes[512];
	size_t len = unhex(hex, bytes + 2, sizeof(bytes) - 2);
	bytes_store_u16(bytes, (uint16_t)len);
	for (size_t i = 0; i < len + 2; i++) {
		dso_session_feed(p->s, bytes + i, 1, false, p->now_ms);
		pump(p);
	}
}

static void server_scenario(struct peer *p)
{
	uint8_t reply[12] = {0, 1, 0x80};
	uint16_t id;
	push_in(p, msg(1, 0x3000, ka(15000, 3600000)));
	for (unsigned i = 10; i < 30; i++) {
		push_in(p, msg(i, 0x3000, "00400000"));
		push_in(p, ordinary(i, 0, false));
		dso_session_respond(p->s, (uint16_t)i, 0, true, DSO_NO_DELAY, p->now_ms);
		dso_session_answer(p->s, i - 10, reply, sizeof(reply), p->now_ms);
	}
	dso_session_cancel(p->s, 12, 5, 1, p->now_ms);
	dso_session_request(p->s, T_PING, "x", 1, false, p->now_ms, &id);
	push_in(p, msg(100, 0x3000, ""));
	push_in(p, msg(101, 0x3000, "f8ff0000"));
	dso_session_unidirectional(p->s, T_PUSH, "x", 1, p->now_ms);
	dso_session_send(p->s, reply, sizeof(reply), p->now_ms);
	dso_session_revise(p->s, 20000, 20000, p->now_ms);
	for (unsigned i = 10; i < 30; i++) {
		dso_session_operation_end(p->s, (uint16_t)i, p->now_ms);
	}
}

static void client_scenario(struct peer *p)
{
	uint8_t query[64];
	uint16_t id;
	if (dso_session_keepalive(p->s, p->now_ms, &id)) {
		return;
	}
	push_in(p, msg(id, 0xb000, ka(15000, 3600000)));
	size_t len = unhex(ordinary(0, 0, false), query, sizeof(query));
	for (unsigned i = 0; i < 20; i++) {
		if (dso_session_request(p->s, T_SUBSCRIBE, "x", 1, true, p->now_ms, &id) == 0) {
			push_in(p, msg(id, 0xb000, ""));
		}
		if (dso_session_query(p->s, query, len, p->now_ms, &id) == 0) {
			push_in(p, ordinary(id, 0x8000, false));
		}
	}
	push_in(p, msg(5, 0x3000, "f8000000"));
	dso_session_respond(p->s, 5, 0, false, DSO_NO_DELAY, p->now_ms);
	for (unsigned i = 0; i < 60; i++) {
		dso_session_operation_end(p->s, (uint16_t)i, p->now_ms);
	}
	if (dso_session_keepalive(p->s, p->now_ms, &id) == 0) {
		push_in(p, msg(id, 0xb000, ka(15000, 3600000)));
	}
}

static void server_survives(void **state)
{
	(void)state;
	fail_each(DSO_SERVER, server_scenario);
}

static void client_survives(void **state)
{
	(void)state;
	fail_each(DSO_CLIENT, client_scenario);
}

static void new_may_fail(void **state)
{
	struct dso_config config;
	(void)state;
	dso_config_init(&config, DSO_SERVER);
	mem_fail_after(0);
	assert_null(dso_session_new(&config, 0));
	mem_fail_after(-1);
	dso_session_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(server_survives),
	        cmocka_unit_test(client_survives),
	        cmocka_unit_test(new_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
