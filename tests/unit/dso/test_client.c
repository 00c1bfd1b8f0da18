/* The client end. */
#include "base/err.h"
#include "harness.h"

static uint16_t request(struct peer *p, unsigned type, bool long_lived)
{
	uint16_t id = 0;
	assert_int_equal(dso_session_request(p->s, (uint16_t)type, NULL, 0, long_lived, p->now_ms, &id), 0);
	return id;
}

/* DSO-001 DSO-003 DSO-004 DSO-005 DSO-008 DSO-093 DSO-018 DSO-031: requests go out without waiting, IDs differ. Client.
 */
static void requests_are_pipelined_dso_018_dso_004_dso_093(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	assert_int_equal(request(&p, T_SUBSCRIBE, true), 2);
	assert_int_equal(request(&p, T_SUBSCRIBE, true), 3);
	expect_out(&p, msg(1, 0x3000, ka(15000, 3600000)), msg(2, 0x3000, "00400000"), msg(3, 0x3000, "00400000"));
	/* The search for an ID wraps and skips those in use, of any kind. */
	p.s->next_id = 0xffff;
	assert_int_equal(request(&p, T_PING, false), 0xffff);
	assert_int_equal(request(&p, T_PING, false), 4);
	peer_done(&p);
}

/* DSO-024 DSO-025: unidirectional messages only after a NOERROR was received. Client. */
static void no_unidirectional_before_session_dso_024_dso_025(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	assert_int_equal(dso_session_unidirectional(p.s, T_UNSUBSCRIBE, "\0\1", 2, p.now_ms), ERR_STATE);
	request(&p, T_SUBSCRIBE, true);
	drain(&p);
	assert_int_equal(dso_session_unidirectional(p.s, T_UNSUBSCRIBE, "\0\1", 2, p.now_ms), ERR_STATE);
	expect_silent(&p);
	feed(&p, msg(1, 0xb000, ""));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->id, 1);
	assert_int_equal(dso_session_unidirectional(p.s, T_UNSUBSCRIBE, "\0\1", 2, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, "00420002 0001"));
	peer_done(&p);
}

/* DSO-027: RCODE other than 0 and 11 to the first request: no DSO here any more, plain DNS goes on. Client. */
static void refused_means_no_dso_dso_027(void **state)
{
	static const unsigned rcodes[] = {1, 2, 4, 5, 9, 15};
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (int keepalive = 0; keepalive < 2; keepalive++) {
			struct peer p;
			uint16_t id;
			peer_init(&p, DSO_CLIENT);
			if (keepalive) {
				assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
			} else {
				request(&p, T_SUBSCRIBE, true);
			}
			drain(&p);
			feed(&p, msg(1, 0xb000 | rcodes[i], ""));
			assert_int_equal(expect_event(&p, DSO_EVENT_NO_DSO)->rcode, rcodes[i]);
			if (!keepalive) {
				assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->rcode, rcodes[i]);
			}
			expect_no_event(&p);
			assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), ERR_STATE);
			assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), ERR_STATE);
			assert_int_equal(dso_session_unidirectional(p.s, T_NOTE, NULL, 0, p.now_ms), ERR_STATE);
			expect_alive(&p);
			advance(&p, 30000); /* no wait for a session is left over */
			expect_close(&p, DSO_REASON_IDLE);
			peer_done(&p);
		}
	}
}

/* DSO-028: after DSOTYPENI Keepalive may be tried, and makes a session. Client. */
static void dsotypeni_then_keepalive_dso_028(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	request(&p, T_SUBSCRIBE, true);
	feed(&p, msg(1, 0xb00b, ""));
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->rcode, 11);
	expect_no_event(&p);
	assert_false(dso_session_established(p.s));
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	feed(&p, msg(id, 0xb000, ka(15000, 3600000)));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	expect_event(&p, DSO_EVENT_FENCE);
	peer_done(&p);

	/* Another request is still unanswered, and makes the session. */
	peer_init(&p, DSO_CLIENT);
	request(&p, T_SUBSCRIBE, true);
	request(&p, T_PING, false);
	feed(&p, msg(1, 0xb00b, ""), msg(2, 0xb000, "f8000000"));
	expect_event(&p, DSO_EVENT_RESPONSE);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->tlv_type, T_PING);
	peer_done(&p);

	/* A server that does not know Keepalive. */
	peer_init(&p, DSO_CLIENT);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	feed(&p, msg(id, 0xb00b, ""));
	assert_int_equal(expect_event(&p, DSO_EVENT_NO_DSO)->rcode, 11);
	expect_no_event(&p);
	peer_done(&p);
}

/* DSO-029: no response in 30 s: reset. Client. */
static void establishment_times_out_dso_029(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	advance(&p, 1000);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	drain(&p);
	advance(&p, 10000);
	request(&p, T_SUBSCRIBE, true); /* does not prolong the wait */
	drain(&p);
	advance(&p, 19999);
	expect_no_event(&p);
	advance(&p, 1);
	expect_abort(&p, DSO_REASON_ESTABLISH);
	peer_done(&p);
}

/* DSO-033 DSO-035 DSO-014: an error reply to one operation leaves the session. Client. */
static void error_leaves_session_dso_035(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	for (unsigned rcode = 1; rcode < 16; rcode++) {
		uint16_t id = request(&p, T_SUBSCRIBE, true);
		drain(&p);
		feed(&p, msg(id, 0xb000 | rcode, "00020004 000493e0"));
		const struct dso_event *e = expect_event(&p, DSO_EVENT_RESPONSE);
		assert_int_equal(e->rcode, rcode);
		assert_true(e->has_retry_delay); /* DSO-074 */
		assert_int_equal(e->retry_delay_ms, 300000);
		expect_alive(&p);
	}
	peer_done(&p);
}

/* DSO-022: a second response, nonzero, ends that operation alone and frees its ID. Client. */
static void cancelled_dso_022(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t a = request(&p, T_SUBSCRIBE, true);
	uint16_t b = request(&p, T_SUBSCRIBE, true);
	feed(&p, msg(a, 0xb000, ""), msg(b, 0xb000, ""), msg(a, 0xb009, "00020004 00000001"));
	expect_event(&p, DSO_EVENT_RESPONSE);
	expect_event(&p, DSO_EVENT_RESPONSE);
	const struct dso_event *e = expect_event(&p, DSO_EVENT_CANCELLED);
	assert_int_equal(e->id, a);
	assert_int_equal(e->rcode, 9);
	assert_int_equal(e->retry_delay_ms, 1);
	assert_int_equal(dso_session_operation_end(p.s, a, p.now_ms), ERR_NOT_FOUND);
	p.s->next_id = a;
	assert_int_equal(request(&p, T_SUBSCRIBE, true), a);
	drain(&p);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-120: a second NOERROR response resets, while the operation is open and while it drains. Client. */
static void second_noerror_dso_120(void **state)
{
	(void)state;
	for (int ended = 0; ended < 2; ended++) {
		struct peer p;
		client_up(&p, 15000, 3600000);
		uint16_t id = request(&p, T_SUBSCRIBE, true);
		drain(&p);
		feed(&p, msg(id, 0xb000, ""));
		expect_event(&p, DSO_EVENT_RESPONSE);
		if (ended) {
			assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), 0);
		}
		feed(&p, msg(id, 0xb000, ""));
		expect_abort(&p, DSO_REASON_RESPONSE);
		peer_done(&p);
	}
}

/* A6, DSO-103: a cancel that crosses UNSUBSCRIBE is ignored; the ID is not used until a later request was answered. */
static void ended_id_drains_dso_103(void **state)
{
	struct peer p;
	uint16_t fence;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_SUBSCRIBE, true);
	feed(&p, msg(id, 0xb000, ""));
	expect_event(&p, DSO_EVENT_RESPONSE);
	uint16_t before = request(&p, T_PING, false);
	assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), 0);
	feed(&p, msg(id, 0xb005, ""));
	expect_no_event(&p);
	/* The reply to a request sent before the end proves nothing. */
	feed(&p, msg(before, 0xb000, "f8000000"));
	expect_event(&p, DSO_EVENT_RESPONSE);
	p.s->next_id = id;
	assert_int_not_equal(request(&p, T_PING, false), id);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &fence), 0);
	feed(&p, msg(fence, 0xb000, ka(15000, 3600000)));
	assert_int_equal(expect_event(&p, DSO_EVENT_FENCE)->id, fence);
	p.s->next_id = id;
	drain(&p);
	feed(&p, msg(id, 0xb005, ""));
	expect_abort(&p, DSO_REASON_RESPONSE);
	peer_done(&p);
}

/* A6: ended before its response came: the response is awaited and not reported. */
static void ended_before_response(void **state)
{
	struct peer p;
	uint16_t fence;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_SUBSCRIBE, true);
	assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), 0);
	assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), ERR_NOT_FOUND);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &fence), 0);
	feed(&p, msg(fence, 0xb000, ka(15000, 3600000)));
	expect_event(&p, DSO_EVENT_FENCE);
	assert_non_null(dso_requests_find(&p.s->sent, id));
	feed(&p, msg(id, 0xb000, ""));
	expect_no_event(&p);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &fence), 0);
	feed(&p, msg(fence, 0xb000, ka(15000, 3600000)));
	expect_event(&p, DSO_EVENT_FENCE);
	assert_null(dso_requests_find(&p.s->sent, id));
	peer_done(&p);
}

/* A request that is not long-lived has no operation to end. */
static void short_request_has_no_end(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_PING, false);
	assert_int_equal(dso_session_operation_end(p.s, id, p.now_ms), ERR_NOT_FOUND);
	assert_int_equal(dso_session_operation_end(p.s, 999, p.now_ms), ERR_NOT_FOUND);
	peer_done(&p);
}

/* DSO-011: unknown TLVs in a response are skipped; a SUBSCRIBE TLV in a SUBSCRIBE response too (A4). Client. */
static void unknown_in_response_is_skipped_dso_011(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_PING, false);
	feed(&p, msg(id, 0xb000, "f8ff0002abcd f8000001ee 00030001ff f8020000 f8ff0000"));
	const struct dso_event *e = expect_event(&p, DSO_EVENT_RESPONSE);
	assert_int_equal(e->tlv_type, T_PING);
	assert_int_equal(bytes_left(&e->data), 1);
	id = request(&p, T_SUBSCRIBE, true);
	feed(&p, msg(id, 0xb000, "00400003aabbcc"));
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->tlv_type, 0);
	drain(&p);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-003 DSO-007: Z bits and, but in Retry Delay, the RCODE of what the server sends are ignored. Client. */
static void z_bits_are_ignored_dso_003_dso_007(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_PING, false);
	feed(&p, msg(id, 0xb7f0, "f8000000"), msg(0, 0x37f5, "f8010000"));
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->rcode, 0);
	assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_NOTE);
	peer_done(&p);
}

/* DSO-121: a Retry Delay TLV with NOERROR is ignored. Client. */
static void delay_with_success_dso_121(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t id = request(&p, T_SUBSCRIBE, true);
	feed(&p, msg(id, 0xb000, "00020004 00001000"));
	assert_false(expect_event(&p, DSO_EVENT_RESPONSE)->has_retry_delay);
	peer_done(&p);
}

/* DSO-122 DSO-009 DSO-002: the server's unknown request gets DSOTYPENI, its malformed one FORMERR. Client. */
static void server_request_dso_122_dso_002(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	feed(&p, msg(5, 0x3000, "f8ff0004deadbeef"));
	expect_out(&p, "0005b00b0000000000000000");
	feed(&p, "0006 3000 0001 0000 0000 0000 f8000000", msg(7, 0x3000, ""), msg(8, 0x3000, "f8000001"));
	expect_out(&p, msg(6, 0xb001, ""), msg(7, 0xb001, ""), msg(8, 0xb001, ""));
	feed(&p, msg(5, 0x3000, "f8000001aa f8ff0000 f8020000")); /* DSO-010 */
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->tlv_type, T_PING);
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), ERR_INVALID);
	assert_int_equal(dso_session_respond(p.s, 5, 2, false, 7, p.now_ms), 0);
	expect_out(&p, msg(5, 0xb002, "00020004 00000007"));
	/* DSO-076: padded if asked, to 128 bytes. Client. */
	uint8_t out[256];
	feed(&p, msg(9, 0x3000, "f8ff0000 00030000"));
	assert_int_equal(take_out(&p, out, sizeof(out)), 128);
	assert_int_equal(bytes_load_u16(out + 12), 3);
	peer_done(&p);
}

/* DSO-064 DSO-067: any RCODE: told, then close at once; nothing more is sent, not even what waited. Client. */
static void retry_delay_dso_064_dso_067(void **state)
{
	(void)state;
	for (unsigned rcode = 0; rcode < 16; rcode++) {
		struct peer p;
		uint16_t id;
		client_up(&p, 15000, 3600000);
		request(&p, T_SUBSCRIBE, true);
		feed(&p, msg(0, 0x3000 | rcode, "00020004 0000ea60 00030001ff"), msg(0, 0x3000, "f8010000"));
		const struct dso_event *e = expect_event(&p, DSO_EVENT_RETRY_DELAY);
		assert_int_equal(e->rcode, rcode);
		assert_int_equal(e->retry_delay_ms, 60000);
		expect_silent(&p);
		expect_close(&p, DSO_REASON_RETRY_DELAY);
		assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), ERR_STATE);
		peer_done(&p);
	}
}

/* DSO-065: a client has no way to send Retry Delay. */
static void client_never_sends_retry_delay_dso_065(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	dso_session_retry_delay(p.s, 0, 1, p.now_ms);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-041 DSO-079: closing is graceful, and sends what is left. Client. */
static void close_dso_041_dso_079(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	assert_int_equal(dso_session_unidirectional(p.s, T_UNSUBSCRIBE, "\0\2", 2, p.now_ms), 0);
	dso_session_close(p.s, p.now_ms);
	pump(&p);
	expect_out(&p, msg(0, 0x3000, "00420002 0002"));
	expect_close(&p, DSO_REASON_APPLICATION);
	pump(&p);
	expect_no_event(&p);
	peer_done(&p);
}

/* DSO-078 DSO-076: requests are padded to a multiple of 128 if configured, with zeros, the padding last. Client. */
static void requests_are_padded_dso_078(void **state)
{
	struct peer p;
	uint16_t id;
	uint8_t out[512];
	uint8_t data[128] = {0};
	(void)state;
	dso_config_init(&p.config, DSO_CLIENT);
	p.config.pad = true;
	peer_start(&p);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	assert_int_equal(take_out(&p, out, sizeof(out)), 128);
	assert_int_equal(bytes_load_u16(out + 12), 1);
	assert_int_equal(bytes_load_u16(out + 24), 3);
	assert_int_equal(bytes_load_u16(out + 26), 100);
	for (size_t i = 28; i < 128; i++) {
		assert_int_equal(out[i], 0);
	}
	/* 16 + 108 + 4 is 128 exactly; one more takes another block. */
	assert_int_equal(dso_session_request(p.s, T_PING, data, 108, false, p.now_ms, &id), 0);
	assert_int_equal(take_out(&p, out, sizeof(out)), 128);
	assert_int_equal(dso_session_request(p.s, T_PING, data, 109, false, p.now_ms, &id), 0);
	assert_int_equal(take_out(&p, out, sizeof(out)), 256);
	peer_done(&p);
}

/* DSO-054 DSO-049: a server's Keepalive is obeyed and not answered. Client. */
static void server_keepalive_dso_054_dso_049(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	feed(&p, msg(0, 0x3000, ka(4000, 20000)));
	expect_silent(&p);
	expect_no_event(&p);
	advance(&p, 3999);
	expect_no_event(&p);
	advance(&p, 1);
	expect_close(&p, DSO_REASON_INACTIVE);
	peer_done(&p);
}

/* DSO-050: later Keepalives repeat our own wishes, not what was granted. Client. */
static void wishes_are_repeated_dso_050(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	client_up(&p, 50000, 20000);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	expect_out(&p, msg(id, 0x3000, ka(15000, 3600000)));
	/* A16: an error leaves the values granted before. */
	feed(&p, msg(id, 0xb002, ""));
	const struct dso_event *e = expect_event(&p, DSO_EVENT_FENCE);
	assert_int_equal(e->rcode, 2);
	assert_int_equal(e->inactivity_ms, 50000);
	assert_int_equal(e->keepalive_ms, 20000);
	peer_done(&p);
}

/* DSO-057: no edns-tcp-keepalive once a DSO message was sent; before that it may be. Client. */
static void no_edns_keepalive_dso_057(void **state)
{
	struct peer p;
	uint8_t query[128];
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	size_t len = unhex(ordinary(99, 0, true), query, sizeof(query));
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &id), 0);
	assert_int_equal(id, 1);
	expect_out(&p, ordinary(1, 0, true));
	request(&p, T_SUBSCRIBE, true);
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &id), ERR_INVALID);
	peer_done(&p);
}

/* DSO-059: edns-tcp-keepalive in a reply inside the session resets; before it, it does not. Client. */
static void edns_keepalive_resets_dso_059(void **state)
{
	struct peer p;
	uint8_t query[64];
	uint16_t a, b, id;
	(void)state;
	peer_init(&p, DSO_CLIENT);
	size_t len = unhex(ordinary(0, 0, false), query, sizeof(query));
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &a), 0);
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &b), 0);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	feed(&p, ordinary(a, 0x8000, true));
	expect_event(&p, DSO_EVENT_ANSWER);
	feed(&p, msg(id, 0xb000, ka(15000, 3600000)));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	expect_event(&p, DSO_EVENT_FENCE);
	feed(&p, ordinary(b, 0x8000, true));
	expect_abort(&p, DSO_REASON_EDNS_KEEPALIVE);
	peer_done(&p);
}

/* A21: an ordinary response that matches nothing is dropped, with ID 0 too; so is a query from the server. */
static void unmatched_reply_is_dropped(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	client_up(&p, 15000, 3600000);
	uint16_t dso = request(&p, T_PING, false);
	drain(&p);
	feed(&p, ordinary(77, 0x8000, false), ordinary(0, 0x8000, false), ordinary(dso, 0x8000, false),
	     ordinary(5, 0, false));
	expect_no_event(&p);
	expect_alive(&p);
	/* The other way round: a DSO response with the ID of a query matches nothing. */
	uint8_t query[64];
	size_t len = unhex(ordinary(0, 0, false), query, sizeof(query));
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &id), 0);
	drain(&p);
	feed(&p, msg(id, 0xb000, ""));
	expect_abort(&p, DSO_REASON_RESPONSE);
	peer_done(&p);
}

/* DSO-090: no DSO in clear; queries work. Client. */
static void clear_text_dso_090(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	dso_config_init(&p.config, DSO_CLIENT);
	p.config.tls = false;
	peer_start(&p);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), ERR_STATE);
	assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, NULL, 0, true, p.now_ms, &id), ERR_STATE);
	assert_int_equal(dso_session_unidirectional(p.s, T_NOTE, NULL, 0, p.now_ms), ERR_STATE);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-032: a session from connect on by configuration. Client. */
static void implicit_session_dso_032(void **state)
{
	struct peer p;
	(void)state;
	dso_config_init(&p.config, DSO_CLIENT);
	p.config.implicit = true;
	peer_start(&p);
	pump(&p);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(dso_session_unidirectional(p.s, T_NOTE, NULL, 0, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, "f8010000"));
	peer_done(&p);
}

static void bad_queries_are_refused(void **state)
{
	struct peer p;
	uint8_t query[64];
	uint16_t id;
	(void)state;
	client_up(&p, 15000, 3600000);
	size_t len = unhex(ordinary(0, 0, false), query, sizeof(query));
	assert_int_equal(dso_session_query(p.s, query, 11, p.now_ms, &id), ERR_INVALID);
	query[2] = 0x80;
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &id), ERR_INVALID);
	query[2] = 0x30;
	assert_int_equal(dso_session_query(p.s, query, len, p.now_ms, &id), ERR_INVALID);
	expect_alive(&p);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(requests_are_pipelined_dso_018_dso_004_dso_093),
	        cmocka_unit_test(no_unidirectional_before_session_dso_024_dso_025),
	        cmocka_unit_test(refused_means_no_dso_dso_027),
	        cmocka_unit_test(dsotypeni_then_keepalive_dso_028),
	        cmocka_unit_test(establishment_times_out_dso_029),
	        cmocka_unit_test(error_leaves_session_dso_035),
	        cmocka_unit_test(cancelled_dso_022),
	        cmocka_unit_test(second_noerror_dso_120),
	        cmocka_unit_test(ended_id_drains_dso_103),
	        cmocka_unit_test(ended_before_response),
	        cmocka_unit_test(short_request_has_no_end),
	        cmocka_unit_test(unknown_in_response_is_skipped_dso_011),
	        cmocka_unit_test(z_bits_are_ignored_dso_003_dso_007),
	        cmocka_unit_test(delay_with_success_dso_121),
	        cmocka_unit_test(server_request_dso_122_dso_002),
	        cmocka_unit_test(retry_delay_dso_064_dso_067),
	        cmocka_unit_test(client_never_sends_retry_delay_dso_065),
	        cmocka_unit_test(close_dso_041_dso_079),
	        cmocka_unit_test(requests_are_padded_dso_078),
	        cmocka_unit_test(server_keepalive_dso_054_dso_049),
	        cmocka_unit_test(wishes_are_repeated_dso_050),
	        cmocka_unit_test(no_edns_keepalive_dso_057),
	        cmocka_unit_test(edns_keepalive_resets_dso_059),
	        cmocka_unit_test(unmatched_reply_is_dropped),
	        cmocka_unit_test(clear_text_dso_090),
	        cmocka_unit_test(implicit_session_dso_032),
	        cmocka_unit_test(bad_queries_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
