/* The server end: what it answers, when there is a session, how it ends one. */
#include "base/err.h"
#include <stdio.h>

#include "harness.h"

/* DSO-001 DSO-003 DSO-006 DSO-017: opcode 6, zero counts, Z bits zero though the request had them, same ID. Server. */
static void response_header_dso_001_dso_003_dso_006(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, msg(0x1234, 0x37f0, ka(15000, 3600000)));
	expect_out(&p, "1234b0000000000000000000 00010008 00003a98 0036ee80");
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	feed(&p, msg(0x1235, 0x37ff, "f8ff0000"));
	expect_out(&p, "1235b00b0000000000000000");
	peer_done(&p);
}

/* DSO-007: the RCODE of a request is ignored. Server. */
static void request_rcode_is_ignored_dso_007(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, msg(3, 0x3005, ka(15000, 3600000)));
	expect_out(&p, msg(3, 0xb000, ka(15000, 3600000)));
	peer_done(&p);
}

/* DSO-009 DSO-033: unknown primary type: DSOTYPENI, same ID, no TLV; padded if asked; the session goes on. Server. */
static void unknown_request_dso_009_dso_033(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(5, 0x3000, "f8ff0004deadbeef"));
	expect_out(&p, "0005b00b0000000000000000");
	/* Reserved and unassigned types are unknown as well. */
	feed(&p, msg(6, 0x3000, "00000000"), msg(7, 0x3000, "00440000"), msg(8, 0x3000, "fc000000"));
	expect_out(&p, msg(6, 0xb00b, ""), msg(7, 0xb00b, ""), msg(8, 0xb00b, ""));
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-010: unknown additional TLVs are skipped. Server. */
static void unknown_additional_is_skipped_dso_010(void **state)
{
	struct peer p;
	char tlvs[128];
	(void)state;
	server_up(&p);
	snprintf(tlvs, sizeof(tlvs), "%s f8ff0003aabbcc 00000000", ka(15000, 3600000));
	feed(&p, msg(5, 0x3000, tlvs));
	expect_out(&p, msg(5, 0xb000, ka(15000, 3600000)));
	feed(&p, msg(6, 0x3000, "00400002abcd f8ff0000"), msg(0, 0x3000, "00420002 0006 f8ff0001aa f8020000"));
	const struct dso_event *e = expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(e->tlv_type, T_SUBSCRIBE);
	assert_int_equal(bytes_offset(&e->data), 16); /* counted from the start of the message */
	e = expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	assert_int_equal(e->tlv_type, T_UNSUBSCRIBE);
	peer_done(&p);
}

/* DSO-013 DSO-019: a unidirectional message gets no response; messages are given out as they came. Server. */
static void unidirectional_is_silent_dso_013_dso_019(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(2, 0x3000, "00400000"), msg(0, 0x3000, "00420002 0002"), msg(3, 0x3000, "00400000"));
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 2);
	assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_UNSUBSCRIBE);
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 3);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-014 DSO-020: each request is answered once, in any order; a second answer is refused. Server. */
static void one_response_each_dso_014_dso_020(void **state)
{
	struct peer p;
	uint8_t reply[64];
	(void)state;
	server_up(&p);
	feed(&p, msg(2, 0x3000, "00400000"), msg(3, 0x3000, "00400000"), ordinary(2, 0, false));
	expect_event(&p, DSO_EVENT_REQUEST);
	expect_event(&p, DSO_EVENT_REQUEST);
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	size_t len = unhex(ordinary(2, 0x8400, false), reply, sizeof(reply));
	assert_int_equal(dso_session_answer(p.s, token, reply, len, p.now_ms), 0);
	assert_int_equal(dso_session_answer(p.s, token, reply, len, p.now_ms), ERR_NOT_FOUND);
	assert_int_equal(dso_session_respond(p.s, 3, 0, false, DSO_NO_DELAY, p.now_ms), 0);
	assert_int_equal(dso_session_respond(p.s, 3, 0, false, DSO_NO_DELAY, p.now_ms), ERR_NOT_FOUND);
	assert_int_equal(dso_session_respond(p.s, 2, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	assert_int_equal(dso_session_respond(p.s, 2, 0, true, DSO_NO_DELAY, p.now_ms), ERR_NOT_FOUND);
	expect_out(&p, ordinary(2, 0x8400, false), msg(3, 0xb000, ""), msg(2, 0xb000, ""));
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-016: the same ID both ways at once. DSO-005 DSO-015. Server. */
static void ids_are_per_direction_dso_016_dso_005(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	server_up(&p);
	assert_int_equal(dso_session_request(p.s, T_PING, "\1", 1, false, p.now_ms, &id), 0);
	assert_int_equal(id, 1);
	expect_out(&p, msg(1, 0x3000, "f800000101"));
	feed(&p, msg(1, 0x3000, "f800000102"));
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 1);
	feed(&p, msg(1, 0xb000, "f800000103"));
	const struct dso_event *e = expect_event(&p, DSO_EVENT_RESPONSE);
	assert_int_equal(e->id, 1);
	assert_int_equal(e->tlv_type, T_PING);
	assert_int_equal(dso_session_respond(p.s, 1, 0, false, DSO_NO_DELAY, p.now_ms), 0);
	expect_out(&p, msg(1, 0xb000, ""));
	/* A unidirectional message goes out with ID 0. */
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, "\7", 1, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, "0041000107"));
	assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, true, p.now_ms, &id), ERR_INVALID);
	peer_done(&p);
}

/* DSO-021 DSO-095: cancel sends a second response, nonzero, and frees the ID for use at once. Server. */
static void cancel_dso_021_dso_095(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_cancel(p.s, 5, 9, 1000, p.now_ms), ERR_NOT_FOUND);
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	assert_int_equal(dso_session_cancel(p.s, 5, 0, 1000, p.now_ms), ERR_INVALID);
	assert_int_equal(dso_session_cancel(p.s, 5, 9, 1000, p.now_ms), 0);
	assert_int_equal(dso_session_cancel(p.s, 5, 9, 1000, p.now_ms), ERR_NOT_FOUND);
	expect_out(&p, msg(5, 0xb000, ""), msg(5, 0xb009, "00020004000003e8"));
	/* Reuse after a cancel, after UNSUBSCRIBE, after an error. */
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	feed(&p, msg(0, 0x3000, "00420002 0005"));
	expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	assert_int_equal(dso_session_operation_end(p.s, 5, p.now_ms), 0);
	assert_int_equal(dso_session_operation_end(p.s, 5, p.now_ms), ERR_NOT_FOUND);
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 5, 5, true, DSO_NO_DELAY, p.now_ms), 0);
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	expect_out(&p, msg(5, 0xb000, ""), msg(5, 0xb005, ""), msg(5, 0xb000, ""));
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-023 DSO-025: nothing of the server's own before a NOERROR was sent; an error does not make a session. Server. */
static void no_session_before_noerror_dso_023_dso_025(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	peer_init(&p, DSO_SERVER);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), ERR_STATE);
		assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), ERR_STATE);
		assert_int_equal(dso_session_send(p.s, (const uint8_t *)"", 0, p.now_ms), ERR_STATE);
		assert_int_equal(dso_session_revise(p.s, 15000, 3600000, p.now_ms), 0);
		expect_silent(&p);
		assert_false(dso_session_established(p.s));
		/* Second time: after a refused request. */
		feed(&p, msg((unsigned)i + 2, 0x3000, "00400000"));
		expect_event(&p, DSO_EVENT_REQUEST);
		assert_int_equal(dso_session_respond(p.s, (uint16_t)(i + 2), 9, true, 5, p.now_ms), 0);
		expect_out(&p, msg((unsigned)i + 2, 0xb009, "00020004 00000005"));
		expect_no_event(&p);
	}
	feed(&p, msg(4, 0x3000, "f8ff0000"));
	expect_out(&p, msg(4, 0xb00b, ""));
	assert_false(dso_session_established(p.s));
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	pump(&p);
	const struct dso_event *e = expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(e->inactivity_ms, 15000);
	assert_int_equal(e->keepalive_ms, 15000);
	assert_true(dso_session_established(p.s));
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), 0);
	expect_out(&p, msg(5, 0xb000, ""), msg(0, 0x3000, "00410000"));
	peer_done(&p);
}

/* DSO-026 DSO-046 DSO-048 DSO-055 DSO-012: every wish gets NOERROR with one Keepalive TLV, first, K clamped. Server. */
static void keepalive_grants_dso_026_dso_046_dso_048_dso_055(void **state)
{
	static const struct {
		uint32_t wish_i, wish_k, max_k, k;
	} cases[] = {
	        {15000, 3600000, 3600000, 3600000},
	        {0, 0, 3600000, 10000},
	        {1, 1, 3600000, 10000},
	        {1, 9999, 3600000, 10000},
	        {1, 10000, 3600000, 10000},
	        {1, 10001, 3600000, 10001},
	        {7, DSO_INFINITE, 3600000, 3600000},
	        {7, DSO_INFINITE, DSO_INFINITE, DSO_INFINITE},
	        {7, 20000, 5000, 10000},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p;
		char tlvs[64];
		uint8_t out[600];
		dso_config_init(&p.config, DSO_SERVER);
		assert_int_equal(p.config.keepalive_ms, 3600000);
		p.config.keepalive_ms = cases[i].max_k;
		peer_start(&p);
		feed(&p, msg(1, 0x3000, ka(cases[i].wish_i, cases[i].wish_k)));
		expect_out(&p, msg(1, 0xb000, ka(15000, cases[i].k)));
		/* With padding: the Keepalive TLV still stands first. */
		snprintf(tlvs, sizeof(tlvs), "%s00030000", ka(cases[i].wish_i, cases[i].wish_k));
		feed(&p, msg(2, 0x3000, tlvs));
		assert_int_equal(take_out(&p, out, sizeof(out)), 468);
		assert_int_equal(bytes_load_u16(out + 12), 1);
		assert_int_equal(bytes_load_u32(out + 20), cases[i].k);
		assert_int_equal(bytes_load_u16(out + 24), 3);
		peer_done(&p);
	}
}

/* DSO-056: an answer to another request holds no Keepalive TLV. Server. */
static void no_keepalive_tlv_elsewhere_dso_056(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, msg(2, 0x3000, "00400000"), msg(3, 0x3000, "f8000000"));
	dso_session_respond(p.s, 2, 0, true, DSO_NO_DELAY, p.now_ms);
	dso_session_respond(p.s, 3, 5, false, 77, p.now_ms);
	expect_out(&p, msg(2, 0xb000, ""), msg(3, 0xb005, "00020004 0000004d"));
	peer_done(&p);
}

/* DSO-032: a session from connect on by configuration; any allowed message at once. Server. */
static void implicit_session_dso_032(void **state)
{
	struct peer p;
	(void)state;
	dso_config_init(&p.config, DSO_SERVER);
	p.config.types = test_types;
	p.config.type_count = test_type_count;
	p.config.implicit = true;
	peer_start(&p);
	pump(&p);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, "00410000"));
	feed(&p, msg(0, 0x3000, "00420002 0001"));
	expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	peer_done(&p);
}

/*
 * DSO-061 DSO-062 DSO-066 DSO-005 DSO-034: after Retry Delay nothing is sent or executed, whatever comes or
 * is asked. DSO-063 DSO-080: reset after 5 s. Server.
 */
static void retry_delay_dso_061_dso_062_dso_063_dso_066(void **state)
{
	static const unsigned rcodes[] = {0, 1, 2, 5, 9};
	(void)state;
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		struct peer p;
		uint8_t reply[12] = {0, 9, 0x80};
		server_up(&p);
		feed(&p, msg(5, 0x3000, "00400000"), ordinary(9, 0, false));
		expect_event(&p, DSO_EVENT_REQUEST);
		uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
		assert_int_equal(dso_session_respond(p.s, 5, 2, true, DSO_NO_DELAY, p.now_ms), 0);
		dso_session_retry_delay(p.s, rcodes[i], 60000, p.now_ms);
		expect_out(&p, msg(5, 0xb002, ""), msg(0, 0x3000 | rcodes[i], "00020004 0000ea60"));
		assert_true(dso_session_is_over(p.s));
		assert_true(dso_session_wants_input(p.s));
		feed(&p, ordinary(10, 0, false), msg(6, 0x3000, ka(0, 0)), msg(0, 0xb000, ""));
		dso_session_retry_delay(p.s, 0, 1, p.now_ms);
		dso_session_close(p.s, p.now_ms);
		dso_session_note_sent(p.s, p.now_ms);
		assert_int_equal(dso_session_answer(p.s, token, reply, sizeof(reply), p.now_ms), ERR_STATE);
		assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), ERR_STATE);
		assert_int_equal(dso_session_revise(p.s, 1, 2, p.now_ms), 0);
		expect_silent(&p);
		expect_no_event(&p);
		advance(&p, 4999);
		expect_no_event(&p);
		advance(&p, 1);
		expect_abort(&p, DSO_REASON_RETRY_DELAY);
		peer_done(&p);
	}
}

/* The client closes as told; DSO-072: also with delay 0. Server. */
static void retry_delay_then_close_dso_072(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	dso_session_retry_delay(p.s, 0, 0, p.now_ms);
	expect_out(&p, msg(0, 0x3000, "00020004 00000000"));
	dso_session_end_of_input(p.s, p.now_ms);
	pump(&p);
	expect_close(&p, DSO_REASON_RETRY_DELAY);
	peer_done(&p);
}

/* DSO-075: right after establishment. Server. */
static void retry_delay_at_once_dso_075(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, msg(1, 0x3000, ka(15000, 3600000)));
	dso_session_retry_delay(p.s, 5, 86400000, p.now_ms);
	expect_out(&p, msg(1, 0xb000, ka(15000, 3600000)), msg(0, 0x3005, "00020004 05265c00"));
	peer_done(&p);
}

/* A10: before a session there is no Retry Delay, just a reset. */
static void retry_delay_without_session_aborts(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, msg(2, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	dso_session_retry_delay(p.s, 0, 1, p.now_ms);
	pump(&p);
	expect_abort(&p, DSO_REASON_APPLICATION);
	peer_done(&p);
}

/* DSO-074: a Retry Delay TLV on a refused request; never with NOERROR. Server. */
static void delay_in_response_dso_074(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(2, 0x3000, "00400000"), msg(3, 0x3000, "00400000"));
	assert_int_equal(dso_session_respond(p.s, 2, 2, true, DSO_INFINITE, p.now_ms), 0);
	assert_int_equal(dso_session_respond(p.s, 3, 0, true, 5000, p.now_ms), 0);
	expect_out(&p, msg(2, 0xb002, "00020004 ffffffff"), msg(3, 0xb000, ""));
	peer_done(&p);
}

/*
 * DSO-076 DSO-078: a padded request gets a padded response, errors too; an unpadded one does not. A FORMERR
 * before the TLV walk is bare (A13). Server. Sizes: a multiple of 468.
 */
static void padding_is_answered_dso_076_dso_078(void **state)
{
	struct peer p;
	uint8_t out[1000];
	char tlvs[64];
	(void)state;
	server_up(&p);
	assert_false(dso_session_pads(p.s));
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), 0);
	expect_out(&p, msg(0, 0x3000, "00410000"));
	static const char *const padded[] = {
	        "f8ff0000 00030000",                /* unknown type */
	        "f8ff0001aa 00030002ffff f8ff0000", /* padding amid */
	        "0001000700000000000000 00030000",  /* wrong length */
	        "00030000",                         /* padding as primary */
	        "00400000 00410000 00030000",       /* misplaced TLV */
	};
	static const unsigned rcodes[] = {11, 11, 1, 1, 1};
	for (size_t i = 0; i < 5; i++) {
		feed(&p, msg(20, 0x3000, padded[i]));
		assert_int_equal(take_out(&p, out, sizeof(out)), 468);
		assert_int_equal(bytes_load_u16(out + 2), 0xb000 | rcodes[i]);
		assert_int_equal(bytes_load_u16(out + 12), 3);
		assert_int_equal(bytes_load_u16(out + 14), 468 - 16);
		for (size_t k = 16; k < 468; k++) {
			assert_int_equal(out[k], 0);
		}
	}
	feed(&p, msg(21, 0x3000, "00010008 0000 00030000"), msg(22, 0x3000, "f8ff0000 00030001"));
	expect_out(&p, msg(21, 0xb001, ""), msg(22, 0xb00b, ""));
	/* Answered later, with a second TLV. */
	feed(&p, msg(23, 0x3000, "00400000 00030003aabbcc"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 23, 5, true, 1000, p.now_ms), 0);
	assert_int_equal(take_out(&p, out, sizeof(out)), 468);
	assert_int_equal(bytes_load_u16(out + 12), 2);
	assert_int_equal(bytes_load_u16(out + 20), 3);
	/* PUSH is padded now; a full one gets an empty TLV. */
	assert_true(dso_session_pads(p.s));
	static uint8_t big[16382];
	static uint8_t large[17000];
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 16380 - 16, p.now_ms), 0);
	assert_int_equal(take_out(&p, large, sizeof(large)), 16380 + 4);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1, p.now_ms), 0);
	assert_int_equal(take_out(&p, large, sizeof(large)), 468);
	/* One that would grow past the limit is filled up to it only. */
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 16381 - 16 - 4, p.now_ms), 0);
	assert_int_equal(take_out(&p, large, sizeof(large)), 16382);
	snprintf(tlvs, sizeof(tlvs), "%s", ka(15000, 3600000));
	feed(&p, msg(24, 0x3000, tlvs));
	expect_out(&p, msg(24, 0xb000, tlvs));
	peer_done(&p);
}

/* DSO-077: any content, length 0, several of them. Server. */
static void padding_is_accepted_dso_077(void **state)
{
	static const char *const paddings[] = {"00030000", "00030004 00000000", "00030003 ffaa01",
	                                       "00030000 00030001ff"};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct peer p;
		char tlvs[128];
		uint8_t out[600];
		server_up(&p);
		snprintf(tlvs, sizeof(tlvs), "%s%s", ka(15000, 3600000), paddings[i]);
		feed(&p, msg(2, 0x3000, tlvs));
		assert_int_equal(take_out(&p, out, sizeof(out)), 468);
		assert_int_equal(bytes_load_u16(out + 2), 0xb000);
		snprintf(tlvs, sizeof(tlvs), "00420002 0009 %s", paddings[i]);
		feed(&p, msg(0, 0x3000, tlvs));
		assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_UNSUBSCRIBE);
		peer_done(&p);
	}
}

/* DSO-058: no edns-tcp-keepalive in a reply once established, even to a query from before. Server. */
static void edns_keepalive_is_taken_out_dso_058(void **state)
{
	struct peer p;
	uint8_t reply[128];
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, ordinary(8, 0, true), ordinary(9, 0, true));
	uint32_t before = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	uint32_t after = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	size_t len = unhex(ordinary(8, 0x8000, true), reply, sizeof(reply));
	assert_int_equal(dso_session_answer(p.s, before, reply, len, p.now_ms), 0);
	expect_out(&p, ordinary(8, 0x8000, true));
	feed(&p, msg(1, 0x3000, ka(15000, 3600000)));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	drain(&p);
	assert_int_equal(dso_session_answer(p.s, after, reply, len, p.now_ms), 0);
	/* The other option stays. */
	expect_out(&p, "0008 8000 0001 0000 0000 0001 07 6578616d706c65 03 636f6d 00 0001 0001"
	               "00 0029 04d0 00000000 0006 000a0002abcd");
	peer_done(&p);
}

/* DSO-059: edns-tcp-keepalive in a session resets. Server. DSO-060: other options do not. */
static void edns_keepalive_resets_dso_059_dso_060(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, "0009 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0006 000a0002abcd");
	assert_int_equal(expect_event(&p, DSO_EVENT_MESSAGE)->id, 9);
	feed(&p, ordinary(8, 0, true));
	expect_abort(&p, DSO_REASON_EDNS_KEEPALIVE);
	peer_done(&p);
}

/* DSO-090: without TLS opcode 6 gets NOTIMP, no matter what is in it, and the connection goes on. Server. */
static void clear_text_is_notimp_dso_090(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	dso_config_init(&p.config, DSO_SERVER);
	p.config.tls = false;
	p.config.implicit = true;
	peer_start(&p);
	feed(&p, msg(3, 0x3000, ka(15000, 3600000)), "0004 3000 0001 0000 0000 0000", msg(0, 0x3000, "00420000"),
	     msg(5, 0xb000, ""));
	expect_out(&p, msg(3, 0xb004, ""), msg(4, 0xb004, ""), msg(0, 0xb004, ""));
	feed(&p, ordinary(7, 0x0100, true));
	assert_int_equal(expect_event(&p, DSO_EVENT_MESSAGE)->id, 7);
	expect_no_event(&p);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), ERR_STATE);
	assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), ERR_STATE);
	assert_int_equal(dso_session_respond(p.s, 3, 0, false, DSO_NO_DELAY, p.now_ms), ERR_STATE);
	expect_silent(&p);
	assert_false(dso_session_established(p.s));
	peer_done(&p);
}

/* An ordinary reply at a server is never answered, in a session or not. */
static void replies_are_ignored(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, ordinary(7, 0x8000, false), ordinary(0, 0x8180, false));
	expect_alive(&p);
	feed(&p, ordinary(7, 0x8000, false));
	expect_alive(&p);
	peer_done(&p);
}

/* A query and a DSO request may share an ID (A21). */
static void query_shares_id(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, msg(7, 0x3000, "00400000"), ordinary(7, 0, false), ordinary(7, 0, false), ordinary(0, 0, false));
	expect_event(&p, DSO_EVENT_REQUEST);
	uint32_t a = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	uint32_t b = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	assert_int_not_equal(a, b);
	expect_event(&p, DSO_EVENT_MESSAGE);
	expect_alive(&p);
	peer_done(&p);
}

static void bad_answers_are_refused(void **state)
{
	struct peer p;
	uint8_t reply[64];
	(void)state;
	server_up(&p);
	feed(&p, ordinary(7, 0, false));
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	size_t len = unhex(ordinary(7, 0, false), reply, sizeof(reply)); /* QR=0 */
	assert_int_equal(dso_session_answer(p.s, token, reply, len, p.now_ms), ERR_INVALID);
	reply[2] = 0x80;
	assert_int_equal(dso_session_answer(p.s, token, reply, 11, p.now_ms), ERR_INVALID);
	reply[2] = 0xb0; /* DSO */
	assert_int_equal(dso_session_answer(p.s, token, reply, len, p.now_ms), ERR_INVALID);
	reply[2] = 0x80;
	assert_int_equal(dso_session_answer(p.s, token, reply, len, p.now_ms), 0);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(response_header_dso_001_dso_003_dso_006),
	        cmocka_unit_test(request_rcode_is_ignored_dso_007),
	        cmocka_unit_test(unknown_request_dso_009_dso_033),
	        cmocka_unit_test(unknown_additional_is_skipped_dso_010),
	        cmocka_unit_test(unidirectional_is_silent_dso_013_dso_019),
	        cmocka_unit_test(one_response_each_dso_014_dso_020),
	        cmocka_unit_test(ids_are_per_direction_dso_016_dso_005),
	        cmocka_unit_test(cancel_dso_021_dso_095),
	        cmocka_unit_test(no_session_before_noerror_dso_023_dso_025),
	        cmocka_unit_test(keepalive_grants_dso_026_dso_046_dso_048_dso_055),
	        cmocka_unit_test(no_keepalive_tlv_elsewhere_dso_056),
	        cmocka_unit_test(implicit_session_dso_032),
	        cmocka_unit_test(retry_delay_dso_061_dso_062_dso_063_dso_066),
	        cmocka_unit_test(retry_delay_then_close_dso_072),
	        cmocka_unit_test(retry_delay_at_once_dso_075),
	        cmocka_unit_test(retry_delay_without_session_aborts),
	        cmocka_unit_test(delay_in_response_dso_074),
	        cmocka_unit_test(padding_is_answered_dso_076_dso_078),
	        cmocka_unit_test(padding_is_accepted_dso_077),
	        cmocka_unit_test(edns_keepalive_is_taken_out_dso_058),
	        cmocka_unit_test(edns_keepalive_resets_dso_059_dso_060),
	        cmocka_unit_test(clear_text_is_notimp_dso_090),
	        cmocka_unit_test(replies_are_ignored),
	        cmocka_unit_test(query_shares_id),
	        cmocka_unit_test(bad_answers_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
