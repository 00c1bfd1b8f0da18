/* What bad input gets, row by row of dso.md: an error and a live session, or a reset. */
#include <stdio.h>

#include "harness.h"

static const char wrong_counts[][33] = {
        "000130000001000000000000",
        "000130000000000100000000",
        "000130000000000000010000",
        "000130000000000000000001",
};

/* DSO-002: a request with any count that is not 0: FORMERR, same ID, 12 bytes; the session goes on. Server. */
static void counts_in_request_dso_002(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct peer p;
		char m[256];
		server_up(&p);
		snprintf(m, sizeof(m), "%s %s 00030000", wrong_counts[i], ka(1, 2));
		feed(&p, m);
		expect_out(&p, msg(1, 0xb001, ""));
		expect_alive(&p);
		peer_done(&p);
	}
}

/* DSO-101: a count that is not 0 with ID 0, or in a response: reset. Server and client. */
static void counts_elsewhere_dso_101(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct peer p;
		uint16_t id;
		char m[256];
		server_up(&p);
		snprintf(m, sizeof(m), "0000%s 00420002 0001", wrong_counts[i] + 4);
		feed(&p, m);
		expect_abort(&p, DSO_REASON_COUNTS);
		peer_done(&p);

		client_up(&p, 15000, 3600000);
		snprintf(m, sizeof(m), "0000%s f8010000", wrong_counts[i] + 4);
		feed(&p, m);
		expect_abort(&p, DSO_REASON_COUNTS);
		peer_done(&p);

		client_up(&p, 15000, 3600000);
		assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), 0);
		snprintf(m, sizeof(m), "%04xb000%s", id, wrong_counts[i] + 8);
		feed(&p, m);
		expect_abort(&p, DSO_REASON_COUNTS);
		peer_done(&p);
	}
}

/* Every message of the list resets the client / the server in an established session. */
static void resets(enum dso_side side, unsigned id, unsigned flags, const char *tlvs, enum dso_reason reason)
{
	struct peer p;
	if (side == DSO_SERVER) {
		server_up(&p);
	} else {
		client_up(&p, 15000, 3600000);
	}
	feed(&p, msg(id, flags, tlvs));
	expect_abort(&p, reason);
	peer_done(&p);
}

/* The request gets FORMERR with nothing else, is not executed, and the session goes on. */
static void formerr(const char *tlvs)
{
	struct peer p;
	server_up(&p);
	uint32_t inactivity_ms = p.s->timers.inactivity_ms;
	uint32_t keepalive_ms = p.s->timers.keepalive_ms;
	feed(&p, msg(6, 0x3000, tlvs));
	expect_out(&p, msg(6, 0xb001, ""));
	assert_int_equal(p.s->timers.inactivity_ms, inactivity_ms);
	assert_int_equal(p.s->timers.keepalive_ms, keepalive_ms);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-102 DSO-103: responses with ID 0 or matching nothing. */
static void responses_dso_102_dso_103(void **state)
{
	(void)state;
	resets(DSO_SERVER, 0, 0xb000, "", DSO_REASON_RESPONSE);
	resets(DSO_CLIENT, 0, 0xb000, "", DSO_REASON_RESPONSE);
	resets(DSO_SERVER, 77, 0xb000, "", DSO_REASON_RESPONSE);
	resets(DSO_CLIENT, 77, 0xb000, "", DSO_REASON_RESPONSE);
	resets(DSO_CLIENT, 77, 0xb005, ka(1, 2), DSO_REASON_RESPONSE);
	/* Before any request of the connection. */
	struct peer p;
	for (int side = 0; side < 2; side++) {
		peer_init(&p, side ? DSO_SERVER : DSO_CLIENT);
		feed(&p, msg(1, 0xb000, ka(15000, 3600000)));
		expect_abort(&p, DSO_REASON_RESPONSE);
		peer_done(&p);
	}
}

/* DSO-104 DSO-008: a header alone with QR=0. Server and client. */
static void no_tlv_dso_104_dso_008(void **state)
{
	(void)state;
	formerr("");
	resets(DSO_SERVER, 0, 0x3000, "", DSO_REASON_TLV);
	resets(DSO_CLIENT, 0, 0x3000, "", DSO_REASON_TLV);
}

/* DSO-105: TLVs that are cut, in the header or in the data, the first or a later one. */
static void cut_tlvs_dso_105(void **state)
{
	static const char *const cut[] = {
	        "00",
	        "0001",
	        "000100",
	        "00010008",
	        "00010008 00003a98 00",
	        "0001ffff 00003a98 0036ee80",
	        "00010008 00003a98 0036ee80 00",
	        "00010008 00003a98 0036ee80 0003",
	        "00010008 00003a98 0036ee80 000300",
	        "00010008 00003a98 0036ee80 00030001",
	        "00010008 00003a98 0036ee80 00030000 f8ff0005 00000000",
	};
	static const char *const cut_note[] = {"f8", "f80100", "f8010001", "f8010000 00", "f8010000 0003 0002 00"};
	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		formerr(cut[i]);
	}
	for (size_t i = 0; i < sizeof(cut_note) / sizeof(cut_note[0]); i++) {
		resets(DSO_SERVER, 0, 0x3000, cut_note[i], DSO_REASON_TLV);
		resets(DSO_CLIENT, 0, 0x3000, cut_note[i], DSO_REASON_TLV);
		struct peer p;
		uint16_t id;
		client_up(&p, 15000, 3600000);
		assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), 0);
		feed(&p, msg(id, 0xb000, cut_note[i] + (i > 2 ? 9 : 0)));
		expect_abort(&p, DSO_REASON_TLV);
		peer_done(&p);
	}
}

/* DSO-106: an unknown unidirectional message, either side. */
static void unknown_unidirectional_dso_106(void **state)
{
	(void)state;
	resets(DSO_SERVER, 0, 0x3000, "f8ff0004deadbeef", DSO_REASON_UNKNOWN_TYPE);
	resets(DSO_CLIENT, 0, 0x3000, "f8ff0004deadbeef", DSO_REASON_UNKNOWN_TYPE);
	resets(DSO_SERVER, 0, 0x3000, "00000000", DSO_REASON_UNKNOWN_TYPE);
}

/* DSO-107 DSO-108 DSO-053: Keepalive in the wrong direction for its ID. */
static void keepalive_id_class_dso_107_dso_108(void **state)
{
	(void)state;
	resets(DSO_SERVER, 0, 0x3000, ka(15000, 3600000), DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 9, 0x3000, ka(15000, 3600000), DSO_REASON_CONTEXT);
}

/* DSO-109: Retry Delay from a client, any ID; the vector retry-delay. */
static void retry_delay_from_client_dso_109(void **state)
{
	(void)state;
	resets(DSO_SERVER, 0, 0x3002, "00020004 0000ea60", DSO_REASON_CONTEXT);
	resets(DSO_SERVER, 9, 0x3000, "00020004 0000ea60", DSO_REASON_CONTEXT);
	/* DSO-110: and from a server as a request. */
	resets(DSO_CLIENT, 9, 0x3000, "00020004 0000ea60", DSO_REASON_CONTEXT);
}

/* DSO-110 DSO-118: type and ID class disagree, or the type is not one this side takes. */
static void id_class_dso_110_dso_118(void **state)
{
	(void)state;
	resets(DSO_SERVER, 9, 0x3000, "00420002 0001", DSO_REASON_CONTEXT);
	resets(DSO_SERVER, 0, 0x3000, "00400000", DSO_REASON_CONTEXT);
	resets(DSO_SERVER, 0, 0x3000, "00410000", DSO_REASON_CONTEXT);
	resets(DSO_SERVER, 9, 0x3000, "00410000", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 9, 0x3000, "00410000", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 0, 0x3000, "00420002 0001", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 9, 0x3000, "00400000", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 0, 0x3000, "f8000000", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 9, 0x3000, "f8010000", DSO_REASON_CONTEXT);
}

/* DSO-111: a Keepalive request of the wrong length: FORMERR, values as before. */
static void keepalive_request_length_dso_111(void **state)
{
	(void)state;
	formerr("00010000");
	formerr("00010007 00000000000000");
	formerr("00010009 000000010000271000");
}

/* DSO-112: wrong lengths from a server reset. */
static void server_lengths_dso_112(void **state)
{
	static const char *const bad[] = {"00010007 00000000000000", "00010009 000000000000000000", "00010000",
	                                  "00020003 000000",         "00020005 0000000000",         "00020000"};
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct peer p;
		uint16_t id;
		resets(DSO_CLIENT, 0, 0x3000, bad[i], DSO_REASON_TLV);
		client_up(&p, 15000, 3600000);
		assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
		feed(&p, msg(id, i < 3 ? 0xb000 : 0xb002, bad[i]));
		expect_abort(&p, DSO_REASON_TLV);
		peer_done(&p);
	}
}

/* DSO-113: a NOERROR response to Keepalive with no or two Keepalive TLVs. DSO-047: K under 10 s. */
static void keepalive_responses_dso_113_dso_047(void **state)
{
	static const struct {
		const char *tlvs;
		enum dso_reason reason;
	} bad[] = {
	        {"", DSO_REASON_TLV},
	        {"00030000", DSO_REASON_TLV},
	        {"f8ff0000", DSO_REASON_TLV},
	        {"00010008 00003a98 0036ee80 00010008 00003a98 0036ee80", DSO_REASON_TLV},
	        {"00010008 00003a98 0000270f", DSO_REASON_KEEPALIVE_VALUE},
	        {"00010008 00003a98 00000000", DSO_REASON_KEEPALIVE_VALUE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (int first = 0; first < 2; first++) {
			struct peer p;
			uint16_t id;
			if (first) {
				peer_init(&p, DSO_CLIENT);
			} else {
				client_up(&p, 15000, 3600000);
			}
			assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
			feed(&p, msg(id, 0xb000, bad[i].tlvs));
			expect_abort(&p, bad[i].reason);
			peer_done(&p);
		}
	}
	resets(DSO_CLIENT, 0, 0x3000, ka(15000, 9999), DSO_REASON_KEEPALIVE_VALUE);
	/* Exactly the floor is fine. */
	struct peer p;
	client_up(&p, 15000, 10000);
	feed(&p, msg(0, 0x3000, ka(15000, 10000)));
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-114: a Keepalive TLV in another response, two Retry Delay TLVs. DSO-116: other known TLVs in a response. */
static void misplaced_in_response_dso_114_dso_116(void **state)
{
	static const struct {
		unsigned flags;
		const char *tlvs;
		enum dso_reason reason;
	} bad[] = {
	        {0xb000, "00010008 00003a98 0036ee80", DSO_REASON_CONTEXT},
	        {0xb001, "00010008 00003a98 0036ee80", DSO_REASON_CONTEXT},
	        {0xb002, "00020004 00000001 00020004 00000001", DSO_REASON_TLV},
	        {0xb000, "00410000", DSO_REASON_CONTEXT},
	        {0xb000, "f8000000", DSO_REASON_CONTEXT}, /* primary of another request */
	        {0xb000, "f8010000", DSO_REASON_CONTEXT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;
		uint16_t id;
		client_up(&p, 15000, 3600000);
		assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, NULL, 0, true, p.now_ms, &id), 0);
		feed(&p, msg(id, bad[i].flags, bad[i].tlvs));
		expect_abort(&p, bad[i].reason);
		peer_done(&p);
	}
	/* The SUBSCRIBE TLV is skipped in the response to SUBSCRIBE only. */
	struct peer p;
	uint16_t id;
	client_up(&p, 15000, 3600000);
	assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), 0);
	feed(&p, msg(id, 0xb000, "00400000"));
	expect_abort(&p, DSO_REASON_CONTEXT);
	peer_done(&p);
}

/* DSO-115: padding as primary. */
static void padding_first_dso_115(void **state)
{
	struct peer p;
	uint8_t out[600];
	(void)state;
	resets(DSO_SERVER, 0, 0x3000, "00030000", DSO_REASON_CONTEXT);
	resets(DSO_CLIENT, 0, 0x3000, "00030004 00000000", DSO_REASON_CONTEXT);
	server_up(&p);
	feed(&p, msg(3, 0x3000, "00030000"));
	assert_int_equal(take_out(&p, out, sizeof(out)), 468);
	assert_int_equal(bytes_load_u16(out + 2), 0xb001);
	expect_alive(&p);
	peer_done(&p);
	/* Any other type that is never primary. */
	formerr("f8020000");
	resets(DSO_SERVER, 0, 0x3000, "f8020000", DSO_REASON_CONTEXT);
}

/* DSO-116: a known TLV as additional where it may not stand. Server and client. */
static void misplaced_additional_dso_116(void **state)
{
	static const char *const types[] = {"00010008 00003a98 0036ee80",
	                                    "00020004 00000000",
	                                    "00400000",
	                                    "00410000",
	                                    "00420002 0001",
	                                    "00430000",
	                                    "f8000000"};
	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char tlvs[128];
		snprintf(tlvs, sizeof(tlvs), "00010008 00001000 00002710 %s", types[i]);
		formerr(tlvs);
		snprintf(tlvs, sizeof(tlvs), "00400000 %s", types[i]);
		formerr(tlvs);
		snprintf(tlvs, sizeof(tlvs), "f8010000 %s", types[i]);
		resets(DSO_SERVER, 0, 0x3000, tlvs, DSO_REASON_CONTEXT);
		resets(DSO_CLIENT, 0, 0x3000, tlvs, DSO_REASON_CONTEXT);
	}
}

/* DSO-117: an ID unanswered, or of a live operation, even in a message that is malformed otherwise. */
static void id_in_use_dso_117(void **state)
{
	static const char *const seconds[] = {"00400000", "f8ff0000", "00010008 00003a98 0036ee80", "", "0001"};
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (int answered = 0; answered < 2; answered++) {
			struct peer p;
			server_up(&p);
			feed(&p, msg(5, 0x3000, "00400000"));
			expect_event(&p, DSO_EVENT_REQUEST);
			if (answered) {
				assert_int_equal(dso_session_respond(p.s, 5, 0, true, DSO_NO_DELAY, p.now_ms), 0);
				drain(&p);
			}
			feed(&p, msg(5, 0x3000, seconds[i]));
			expect_abort(&p, DSO_REASON_ID_IN_USE);
			peer_done(&p);
		}
	}
	/* Client. */
	struct peer p;
	client_up(&p, 15000, 3600000);
	feed(&p, msg(5, 0x3000, "f8000000"), msg(5, 0x3000, "f8000000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	expect_abort(&p, DSO_REASON_ID_IN_USE);
	peer_done(&p);
}

/* DSO-119: a unidirectional message before any DSO request; A7: after a refused one it is taken. */
static void unidirectional_first_dso_119(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed(&p, ordinary(1, 0, false), msg(0, 0x3000, "00420002 0001"));
	expect_event(&p, DSO_EVENT_MESSAGE);
	expect_abort(&p, DSO_REASON_NO_SESSION);
	peer_done(&p);

	peer_init(&p, DSO_SERVER);
	feed(&p, msg(1, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 1, 5, true, DSO_NO_DELAY, p.now_ms), 0);
	drain(&p);
	feed(&p, msg(0, 0x3000, "00420002 0001"));
	expect_event(&p, DSO_EVENT_UNIDIRECTIONAL);
	expect_alive(&p);
	peer_done(&p);
}

/* DSO-023, seen from the client: a server that speaks first is cut off. */
static void server_speaks_first(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		static const unsigned ids[] = {0, 5};
		for (int i = 0; i < 2; i++) {
			peer_init(&p, DSO_CLIENT);
			if (asked) {
				assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
			}
			feed(&p, msg(ids[i], 0x3000, ids[i] ? "f8000000" : "f8010000"));
			expect_abort(&p, DSO_REASON_NO_SESSION);
			peer_done(&p);
		}
	}
}

/* A1, DSO-066: so many malformed requests and no more: FORMERR, then Retry Delay with FORMERR and five minutes. */
static void too_many_malformed_dso_066(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	for (unsigned i = 1; i < 8; i++) {
		feed(&p, msg(i, 0x3000, ""));
		expect_out(&p, msg(i, 0xb001, ""));
	}
	assert_false(dso_session_is_over(p.s));
	feed(&p, msg(8, 0x3000, "0001"), msg(9, 0x3000, ka(15000, 3600000)));
	expect_out(&p, msg(8, 0xb001, ""), msg(0, 0x3001, "00020004 000493e0"));
	expect_no_event(&p);
	advance(&p, 5000);
	expect_abort(&p, DSO_REASON_RETRY_DELAY);
	peer_done(&p);

	/* One that the owner finds malformed counts too. */
	server_up(&p);
	p.config.malformed_max = 1;
	feed(&p, msg(5, 0x3000, "00400000"));
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 5, 1, true, DSO_NO_DELAY, p.now_ms), 0);
	expect_out(&p, msg(5, 0xb001, ""), msg(0, 0x3001, "00020004 000493e0"));
	peer_done(&p);

	/* Without a session the delay rides on the answer (A10), and the connection is closed. */
	peer_init(&p, DSO_SERVER);
	p.config.malformed_max = 1;
	feed(&p, msg(5, 0x3000, ""));
	expect_out(&p, msg(5, 0xb001, "00020004 000493e0"));
	expect_close(&p, DSO_REASON_MALFORMED_LIMIT);
	peer_done(&p);

	/* A server that sends them is cut off; 0 is no limit. */
	client_up(&p, 15000, 3600000);
	p.config.malformed_max = 2;
	feed(&p, msg(5, 0x3000, ""), msg(6, 0x3000, ""));
	expect_abort(&p, DSO_REASON_MALFORMED_LIMIT);
	peer_done(&p);
	server_up(&p);
	p.config.malformed_max = 0;
	for (unsigned i = 1; i < 100; i++) {
		feed(&p, msg(i, 0x3000, ""));
	}
	drain(&p);
	expect_alive(&p);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(counts_in_request_dso_002),
	        cmocka_unit_test(counts_elsewhere_dso_101),
	        cmocka_unit_test(responses_dso_102_dso_103),
	        cmocka_unit_test(no_tlv_dso_104_dso_008),
	        cmocka_unit_test(cut_tlvs_dso_105),
	        cmocka_unit_test(unknown_unidirectional_dso_106),
	        cmocka_unit_test(keepalive_id_class_dso_107_dso_108),
	        cmocka_unit_test(retry_delay_from_client_dso_109),
	        cmocka_unit_test(id_class_dso_110_dso_118),
	        cmocka_unit_test(keepalive_request_length_dso_111),
	        cmocka_unit_test(server_lengths_dso_112),
	        cmocka_unit_test(keepalive_responses_dso_113_dso_047),
	        cmocka_unit_test(misplaced_in_response_dso_114_dso_116),
	        cmocka_unit_test(padding_first_dso_115),
	        cmocka_unit_test(misplaced_additional_dso_116),
	        cmocka_unit_test(id_in_use_dso_117),
	        cmocka_unit_test(unidirectional_first_dso_119),
	        cmocka_unit_test(server_speaks_first),
	        cmocka_unit_test(too_many_malformed_dso_066),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
