/* Frames in and out, pauses, early data. */
#include "base/mem.h"
#include "harness.h"

/* A query between Keepalives arrives byte by byte: the same events and bytes as in one piece. */
static void bytewise_equals_whole(void **state)
{
	struct peer a, b;
	(void)state;
	peer_init(&a, DSO_SERVER);
	peer_init(&b, DSO_SERVER);
	uint8_t stream[512];
	const char *messages[] = {msg(1, 0x3000, ka(15000, 3600000)), ordinary(9, 0x0100, false),
	                          msg(2, 0x3000, "00400000"), msg(0, 0x3000, "00420002 0002")};
	size_t len = 0;
	for (size_t i = 0; i < 4; i++) {
		size_t one = unhex(messages[i], stream + len + 2, sizeof(stream) - len - 2);
		bytes_store_u16(stream + len, (uint16_t)one);
		len += one + 2;
	}
	assert_int_equal(dso_session_feed(a.s, stream, len, false, a.now_ms), 0);
	pump(&a);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(dso_session_feed(b.s, stream + i, 1, false, b.now_ms), 0);
		pump(&b);
	}
	assert_int_equal(a.count, 4);
	assert_int_equal(b.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(a.events[i].type, b.events[i].type);
		assert_int_equal(a.events[i].id, b.events[i].id);
		assert_int_equal(a.events[i].tlv_type, b.events[i].tlv_type);
		assert_int_equal(a.data_len[i], b.data_len[i]);
		assert_memory_equal(a.data[i], b.data[i], a.data_len[i]);
	}
	expect_out(&b, msg(1, 0xb000, ka(15000, 3600000)));
	peer_done(&a);
	peer_done(&b);
}

/* DSO-100 (A1): every length below a header, either side, also an ordinary message: reset. */
static void short_frame_resets_dso_100(void **state)
{
	(void)state;
	for (unsigned len = 0; len < 12; len++) {
		for (int side = 0; side < 2; side++) {
			struct peer p;
			uint8_t bytes[14] = {0, (uint8_t)len, 0, 1, side ? 0x30 : 0x01};
			peer_init(&p, side ? DSO_SERVER : DSO_CLIENT);
			assert_int_equal(dso_session_feed(p.s, bytes, 2 + len, false, p.now_ms), 0);
			pump(&p);
			expect_abort(&p, DSO_REASON_FRAME);
			peer_done(&p);
		}
	}
}

static void message_must_end_in_time(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed_raw(&p, "00 18 0001");
	advance(&p, 4999);
	assert_false(dso_session_is_over(p.s));
	advance(&p, 1);
	expect_abort(&p, DSO_REASON_MESSAGE_TIMEOUT);
	peer_done(&p);

	/* A message that ends stops the clock; the next one has its own. */
	server_up(&p);
	feed_raw(&p, "00 1e 1234 0100 0001 0000 0000 0000 0765 7861 6d70");
	advance(&p, 4000);
	feed_raw(&p, "6c65 0363 6f6d 0000 0100 0100");
	expect_event(&p, DSO_EVENT_MESSAGE);
	advance(&p, 4000);
	assert_false(dso_session_is_over(p.s));
	peer_done(&p);

	/* No limit. */
	peer_init(&p, DSO_SERVER);
	peer_done(&p);
	p.config.message_timeout_ms = 0;
	p.config.idle_ms = 0;
	peer_start(&p);
	feed_raw(&p, "00 18 0001");
	assert_true(dso_session_deadline_ms(p.s) == UINT64_MAX);
	peer_done(&p);
}

/* While the peer is not read, the clock of its half message stands still. */
static void pause_stops_message_clock(void **state)
{
	struct peer p;
	static uint8_t big[70000];
	(void)state;
	server_up(&p);
	feed(&p, msg(5, 0x3000, "00400000")); /* stays open, so that the session is not inactive */
	expect_event(&p, DSO_EVENT_REQUEST);
	feed_raw(&p, "00 18 0001");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 40000, p.now_ms), 0);
	}
	assert_false(dso_session_wants_input(p.s));
	pump(&p);
	advance(&p, 60000);
	expect_no_event(&p);
	drain(&p);
	assert_true(dso_session_wants_input(p.s));
	pump(&p);
	advance(&p, 4999);
	expect_no_event(&p);
	advance(&p, 1);
	expect_abort(&p, DSO_REASON_MESSAGE_TIMEOUT);
	peer_done(&p);
}

/* Unanswered messages up to the cap are given out, the next one waits for an answer. */
static void open_requests_are_capped(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	p.config.open_requests_max = 3;
	feed(&p, ordinary(1, 0, false), msg(2, 0x3000, "00400000"), ordinary(3, 0, false), ordinary(4, 0, false));
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	expect_event(&p, DSO_EVENT_REQUEST);
	expect_event(&p, DSO_EVENT_MESSAGE);
	expect_no_event(&p);
	assert_false(dso_session_wants_input(p.s));
	assert_int_equal(dso_session_answer(p.s, token, NULL, 0, p.now_ms), 0);
	assert_true(dso_session_wants_input(p.s));
	pump(&p);
	assert_int_equal(expect_event(&p, DSO_EVENT_MESSAGE)->id, 4);
	expect_no_event(&p);
	/* A long-lived operation is answered and does not count. */
	assert_int_equal(dso_session_respond(p.s, 2, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	assert_true(dso_session_wants_input(p.s));
	peer_done(&p);
}

static void unsent_output_is_capped(void **state)
{
	struct peer p;
	static uint8_t big[65000];
	(void)state;
	server_up(&p);
	p.config.output_max = 1000;
	p.config.output_hard_max = 100000;
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1000 - 18, p.now_ms), 0);
	assert_true(dso_session_wants_input(p.s));
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1, p.now_ms), 0);
	assert_false(dso_session_wants_input(p.s));
	feed(&p, ordinary(1, 0, false));
	expect_no_event(&p);
	drain(&p);
	pump(&p);
	expect_event(&p, DSO_EVENT_MESSAGE);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 65000, p.now_ms), 0);
	/* Exactly to the hard cap and one byte over it. */
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 100000 - 65018 - 18, p.now_ms), 0);
	expect_no_event(&p);
	peer_done(&p);
}

static void output_past_hard_cap_aborts(void **state)
{
	struct peer p;
	static uint8_t big[65000];
	(void)state;
	server_up(&p);
	p.config.output_hard_max = 65018;
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 65000, p.now_ms), 0);
	assert_int_not_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1, p.now_ms), 0);
	pump(&p);
	expect_abort(&p, DSO_REASON_OUTPUT_LIMIT);
	peer_done(&p);

	/* Bytes made elsewhere are outside of the cap, before and after. */
	server_up(&p);
	p.config.output_hard_max = 1000;
	assert_int_equal(dso_session_send(p.s, big, 5000, p.now_ms), 0);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1000 - 18, p.now_ms), 0);
	dso_session_output_sent(p.s, 6000);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 1000 - 18, p.now_ms), 0);
	assert_int_not_equal(dso_session_unidirectional(p.s, T_PUSH, big, 0, p.now_ms), 0);
	peer_done(&p);
}

static void too_long_is_refused(void **state)
{
	struct peer p;
	static uint8_t big[66000];
	uint16_t id;
	(void)state;
	server_up(&p);
	assert_int_not_equal(dso_session_unidirectional(p.s, T_PUSH, big, 65536, p.now_ms), 0);
	assert_int_not_equal(dso_session_unidirectional(p.s, T_PUSH, big, 65520, p.now_ms), 0);
	expect_alive(&p);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, big, 65519, p.now_ms), 0);
	peer_done(&p);
	/* The ID of a request that was not sent is free again. */
	client_up(&p, 15000, 3600000);
	assert_int_not_equal(dso_session_request(p.s, T_SUBSCRIBE, big, 65520, true, p.now_ms, &id), 0);
	assert_int_equal(p.s->sent.count, 0);
	peer_done(&p);
}

/* The fragment at the end is not executed; what came whole before it is. */
static void end_of_input_closes(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed_raw(&p, "00 0c 0001 0100 0000 0000 0000 0000 0018 0001 3000");
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	dso_session_end_of_input(p.s, p.now_ms);
	pump(&p);
	expect_no_event(&p);
	uint8_t reply[12] = {0, 1, 0x80};
	assert_int_equal(dso_session_answer(p.s, token, reply, sizeof(reply), p.now_ms), 0);
	pump(&p);
	expect_out(&p, "000180000000000000000000");
	expect_close(&p, DSO_REASON_NONE);
	peer_done(&p);
}

/* An idle established server session without open operations holds little memory, and no buffers. */
static void idle_session_is_small(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	assert_true(dso_session_memory(p.s) < 400);
	assert_int_equal(dso_session_memory(p.s), sizeof(struct dso_session));
	feed(&p, msg(5, 0x3000, "00400000"), ordinary(6, 0, false));
	expect_event(&p, DSO_EVENT_REQUEST);
	uint32_t token = expect_event(&p, DSO_EVENT_MESSAGE)->token;
	assert_true(dso_session_memory(p.s) > sizeof(struct dso_session));
	dso_session_answer(p.s, token, NULL, 0, p.now_ms);
	dso_session_respond(p.s, 5, 0, false, DSO_NO_DELAY, p.now_ms);
	drain(&p);
	assert_int_equal(dso_session_memory(p.s), sizeof(struct dso_session));
	peer_done(&p);
}

/* DSO-088: a primary TLV that is not marked for early data resets, also an unknown one or a unidirectional message. */
static void early_data_disallowed_dso_088(void **state)
{
	static const struct {
		unsigned id;
		const char *tlvs;
		enum dso_reason reason;
	} bad[] = {
	        {2, "f8000000", DSO_REASON_EARLY_DATA},      {2, "f8ff0000", DSO_REASON_EARLY_DATA},
	        {2, "00030000", DSO_REASON_EARLY_DATA},      {2, "f8000000 00030009", DSO_REASON_EARLY_DATA},
	        {0, "00420002 0002", DSO_REASON_NO_SESSION},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;
		peer_init(&p, DSO_SERVER);
		feed_early(&p, true, msg(bad[i].id, 0x3000, bad[i].tlvs), NULL);
		expect_abort(&p, bad[i].reason);
		peer_done(&p);
	}
	/* A unidirectional message behind an allowed request. */
	struct peer p;
	peer_init(&p, DSO_SERVER);
	feed_early(&p, true, msg(1, 0x3000, ka(0, 0)), msg(0, 0x3000, "00420002 0002"), NULL);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	expect_abort(&p, DSO_REASON_EARLY_DATA);
	peer_done(&p);
}

/*
 * DSO-094: several allowed messages in early data are acted on in order.
 * DSO-091: nothing is sent before the handshake is complete. Server, A14.
 */
static void early_data_allowed_dso_094_dso_091(void **state)
{
	struct peer p;
	(void)state;
	peer_init(&p, DSO_SERVER);
	feed_early(&p, true, msg(1, 0x3000, ka(15000, 3600000)), msg(2, 0x3000, "00400000 00030000"),
	           msg(3, 0x3000, "00400001 aa"), ordinary(7, 0, false), NULL);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 2);
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 3);
	expect_no_event(&p); /* the query is held */
	assert_int_equal(dso_session_respond(p.s, 3, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	expect_silent(&p);
	assert_int_equal(dso_session_feed(p.s, NULL, 0, false, p.now_ms), 0);
	pump(&p);
	assert_int_equal(expect_event(&p, DSO_EVENT_MESSAGE)->id, 7);
	expect_out(&p, msg(1, 0xb000, ka(15000, 3600000)), msg(3, 0xb000, ""));
	/* After the handshake everything is allowed. */
	feed(&p, msg(9, 0x3000, "f8000000"));
	assert_int_equal(expect_event(&p, DSO_EVENT_REQUEST)->id, 9);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bytewise_equals_whole),         cmocka_unit_test(short_frame_resets_dso_100),
	        cmocka_unit_test(message_must_end_in_time),      cmocka_unit_test(pause_stops_message_clock),
	        cmocka_unit_test(open_requests_are_capped),      cmocka_unit_test(unsent_output_is_capped),
	        cmocka_unit_test(output_past_hard_cap_aborts),   cmocka_unit_test(too_long_is_refused),
	        cmocka_unit_test(end_of_input_closes),           cmocka_unit_test(idle_session_is_small),
	        cmocka_unit_test(early_data_disallowed_dso_088), cmocka_unit_test(early_data_allowed_dso_094_dso_091),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
