/* The vectors of the specification as they are, and two real ends talking to each other. */
#include "base/err.h"
#include "harness.h"

/* Vectors keepalive-request and keepalive-response, from both ends. DSO-001 DSO-025 DSO-026 DSO-055 DSO-093. */
static void keepalive_vectors_dso_001_dso_025_dso_093(void **state)
{
	static const char request[] = "0001300000000000000000000001000800003a980036ee80";
	static const char response[] = "0001b00000000000000000000001000800003a980036ee80";
	struct peer p;
	uint16_t id;
	uint8_t out[600];
	(void)state;
	peer_init(&p, DSO_SERVER);
	assert_false(dso_session_established(p.s));
	feed(&p, request);
	assert_true(dso_session_established(p.s));
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	expect_out(&p, response);
	feed(&p, "0002300000000000000000000001000800003a980036ee80 0003000400000000");
	size_t len = take_out(&p, out, sizeof(out));
	assert_true(len > 24 + 4);
	assert_int_equal(bytes_load_u16(out + 24), 3);
	assert_int_equal(bytes_load_u16(out + 26), len - 28);
	peer_done(&p);

	peer_init(&p, DSO_CLIENT);
	assert_int_equal(dso_session_keepalive(p.s, p.now_ms, &id), 0);
	expect_out(&p, request);
	feed(&p, response);
	expect_event(&p, DSO_EVENT_ESTABLISHED);
	const struct dso_event *e = expect_event(&p, DSO_EVENT_FENCE);
	assert_int_equal(e->inactivity_ms, 15000);
	assert_int_equal(e->keepalive_ms, 3600000);
	expect_silent(&p);
	peer_done(&p);
}

/* Vector retry-delay, from both ends. DSO-061 DSO-064 DSO-109. */
static void retry_delay_vector_dso_064_dso_109(void **state)
{
	static const char vector[] = "000030020000000000000000000200040000ea60";
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	feed(&p, vector);
	const struct dso_event *e = expect_event(&p, DSO_EVENT_RETRY_DELAY);
	assert_int_equal(e->rcode, 2);
	assert_int_equal(e->retry_delay_ms, 60000);
	expect_silent(&p);
	expect_close(&p, DSO_REASON_RETRY_DELAY);
	peer_done(&p);
	server_up(&p);
	feed(&p, vector);
	expect_abort(&p, DSO_REASON_CONTEXT);
	peer_done(&p);
	server_up(&p);
	dso_session_retry_delay(p.s, 2, 60000, p.now_ms);
	expect_out(&p, vector);
	peer_done(&p);
}

/* Vectors subscribe, subscribe-response, subscribe-response-notauth, unsubscribe as DSO sees them. DSO-074. */
static void subscribe_vectors_dso_074(void **state)
{
	static const char name[] = "045f697070045f746370076578616d706c6503636f6d00000c0001";
	struct peer p;
	uint8_t data[64];
	uint16_t id;
	(void)state;
	size_t len = unhex(name, data, sizeof(data));
	client_up(&p, 15000, 3600000);
	assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, data, len, true, p.now_ms, &id), 0);
	expect_out(&p, "0002300000000000000000000040001b045f697070045f746370076578616d706c6503636f6d00000c0001");
	feed(&p, "0002b0000000000000000000");
	assert_int_equal(expect_event(&p, DSO_EVENT_RESPONSE)->rcode, 0);
	assert_int_equal(dso_session_request(p.s, T_SUBSCRIBE, data, len, true, p.now_ms, &id), 0);
	feed(&p, "0003b009000000000000000000020004000493e0");
	const struct dso_event *e = expect_event(&p, DSO_EVENT_RESPONSE);
	assert_int_equal(e->id, 3);
	assert_int_equal(e->rcode, 9);
	assert_int_equal(e->retry_delay_ms, 300000);
	drain(&p);
	assert_int_equal(dso_session_unidirectional(p.s, T_UNSUBSCRIBE, "\0\2", 2, p.now_ms), 0);
	expect_out(&p, "000030000000000000000000004200020002");
	expect_alive(&p);
	peer_done(&p);

	server_up(&p);
	feed(&p, "0002300000000000000000000040001b045f697070045f746370076578616d706c6503636f6d00000c0001",
	     "0003300000000000000000000040001b045f697070045f746370076578616d706c6503636f6d00000c0001");
	assert_memory_equal(p.data[p.first], data, len);
	assert_int_equal(p.data_len[p.first], len);
	expect_event(&p, DSO_EVENT_REQUEST);
	expect_event(&p, DSO_EVENT_REQUEST);
	assert_int_equal(dso_session_respond(p.s, 2, 0, true, DSO_NO_DELAY, p.now_ms), 0);
	assert_int_equal(dso_session_respond(p.s, 3, 9, true, 300000, p.now_ms), 0);
	expect_out(&p, "0002b0000000000000000000", "0003b009000000000000000000020004000493e0");
	peer_done(&p);
}

/* Vector reconfirm-padded: what is given out ends at DSO-LENGTH. DSO-013 DSO-077. */
static void reconfirm_vector_dso_077(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, "00003000000000000000000000430041045f697070045f746370076578616d706c6503636f6d00000c00010e4f66666963652"
	         "05072"
	         "696e746572045f697070045f746370076578616d706c6503636f6d00000300080000000000000000");
	assert_int_equal(p.data_len[p.first], 0x41);
	assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_RECONFIRM);
	expect_alive(&p);
	assert_true(dso_session_pads(p.s));
	peer_done(&p);
}

/* Vectors nonzero-qdcount, unknown-primary-request, unknown-unidirectional, truncated-tlv. DSO-002 DSO-009 DSO-105. */
static void bad_vectors_dso_002_dso_009_dso_105_dso_106(void **state)
{
	struct peer p;
	(void)state;
	server_up(&p);
	feed(&p, "0004300000010000000000000001000800003a980036ee80");
	expect_out(&p, "0004b0010000000000000000");
	feed(&p, "000530000000000000000000f8ff0004deadbeef");
	expect_out(&p, "0005b00b0000000000000000");
	feed(&p, "0006300000000000000000000001000800003a9800");
	expect_out(&p, "0006b0010000000000000000");
	expect_alive(&p);
	feed(&p, "000030000000000000000000f8ff0004deadbeef");
	expect_abort(&p, DSO_REASON_UNKNOWN_TYPE);
	peer_done(&p);
	client_up(&p, 15000, 3600000);
	feed(&p, "000530000000000000000000f8ff0004deadbeef");
	expect_out(&p, "0005b00b0000000000000000");
	expect_alive(&p);
	feed(&p, "000030000000000000000000f8ff0004deadbeef");
	expect_abort(&p, DSO_REASON_UNKNOWN_TYPE);
	peer_done(&p);
	server_up(&p);
	feed(&p, "0000300000010000000000000001000800003a980036ee80");
	expect_abort(&p, DSO_REASON_COUNTS);
	peer_done(&p);
}

/* Vectors of PUSH reach the client whole, in order. DSO-019. */
static void push_vectors_dso_019(void **state)
{
	struct peer p;
	(void)state;
	client_up(&p, 15000, 3600000);
	feed(&p,
	     "000030000000000000000000004100300e4f6666696365205072696e746572045f697070045f746370076578616d706c6503636f6"
	     "d0000ff"
	     "0001fffffffe0000",
	     "00003000000000000000000000410000");
	assert_int_equal(p.data_len[p.first], 0x30);
	assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_PUSH);
	assert_int_equal(p.data_len[p.first], 0);
	assert_int_equal(expect_event(&p, DSO_EVENT_UNIDIRECTIONAL)->tlv_type, T_PUSH);
	expect_silent(&p);
	peer_done(&p);
}

/* Carry bytes both ways until nothing moves. */
static void talk(struct peer *a, struct peer *b)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (int turn = 0; turn < 2; turn++) {
			struct peer *from = turn ? b : a;
			struct peer *to = turn ? a : b;
			size_t len;
			const uint8_t *out = dso_session_output(from->s, &len);
			if (len > 0) {
				assert_int_equal(dso_session_feed(to->s, out, len, false, to->now_ms), 0);
				dso_session_output_sent(from->s, len);
				pump(to);
				moved = true;
			}
		}
	}
}

/* DSO-016 DSO-095 DSO-022: both ends, the same IDs both ways, subscribe, cancel and reuse. */
static void both_ends_dso_016_dso_095(void **state)
{
	struct peer c, s;
	uint16_t id;
	(void)state;
	peer_init(&c, DSO_CLIENT);
	peer_init(&s, DSO_SERVER);
	assert_int_equal(dso_session_keepalive(c.s, c.now_ms, &id), 0);
	talk(&c, &s);
	expect_event(&c, DSO_EVENT_ESTABLISHED);
	expect_event(&c, DSO_EVENT_FENCE);
	expect_event(&s, DSO_EVENT_ESTABLISHED);
	assert_int_equal(dso_session_request(c.s, T_SUBSCRIBE, "q", 1, true, c.now_ms, &id), 0);
	uint16_t back;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dso_session_request(s.s, T_PING, "p", 1, false, s.now_ms, &back), 0);
	}
	assert_int_equal(id, back);
	talk(&c, &s);
	assert_int_equal(expect_event(&s, DSO_EVENT_REQUEST)->id, id);
	assert_int_equal(expect_event(&c, DSO_EVENT_REQUEST)->id, 1);
	assert_int_equal(expect_event(&c, DSO_EVENT_REQUEST)->id, back);
	assert_int_equal(dso_session_respond(s.s, id, 0, true, DSO_NO_DELAY, s.now_ms), 0);
	assert_int_equal(dso_session_respond(c.s, back, 3, false, DSO_NO_DELAY, c.now_ms), 0);
	assert_int_equal(dso_session_respond(c.s, 1, 0, false, DSO_NO_DELAY, c.now_ms), 0);
	talk(&c, &s);
	assert_int_equal(expect_event(&c, DSO_EVENT_RESPONSE)->rcode, 0);
	assert_int_equal(expect_event(&s, DSO_EVENT_RESPONSE)->rcode, 3);
	assert_int_equal(expect_event(&s, DSO_EVENT_RESPONSE)->rcode, 0);
	assert_int_equal(dso_session_cancel(s.s, id, 9, 1000, s.now_ms), 0);
	talk(&c, &s);
	assert_int_equal(expect_event(&c, DSO_EVENT_CANCELLED)->id, id);
	c.s->next_id = id;
	assert_int_equal(dso_session_request(c.s, T_SUBSCRIBE, "r", 1, true, c.now_ms, &back), 0);
	assert_int_equal(back, id);
	talk(&c, &s);
	assert_int_equal(expect_event(&s, DSO_EVENT_REQUEST)->id, id);
	expect_no_event(&c);
	peer_done(&c);
	peer_done(&s);
}

/* After the end nothing happens any more, whatever is called. */
static void over_is_over(void **state)
{
	struct peer p;
	uint16_t id;
	(void)state;
	server_up(&p);
	dso_session_abort(p.s, DSO_REASON_OUTPUT_LIMIT);
	dso_session_abort(p.s, DSO_REASON_MEMORY);
	dso_session_close(p.s, p.now_ms);
	pump(&p);
	expect_abort(&p, DSO_REASON_OUTPUT_LIMIT);
	feed(&p, msg(5, 0x3000, "00400000"), ordinary(5, 0, false), "0000");
	dso_session_end_of_input(p.s, p.now_ms);
	dso_session_tick(p.s, UINT64_MAX - 1);
	dso_session_note_sent(p.s, p.now_ms);
	dso_session_retry_delay(p.s, 0, 0, p.now_ms);
	assert_int_equal(dso_session_request(p.s, T_PING, NULL, 0, false, p.now_ms, &id), ERR_STATE);
	assert_int_equal(dso_session_unidirectional(p.s, T_PUSH, NULL, 0, p.now_ms), ERR_STATE);
	pump(&p);
	expect_no_event(&p);
	expect_silent(&p);
	peer_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keepalive_vectors_dso_001_dso_025_dso_093),
	        cmocka_unit_test(retry_delay_vector_dso_064_dso_109),
	        cmocka_unit_test(subscribe_vectors_dso_074),
	        cmocka_unit_test(reconfirm_vector_dso_077),
	        cmocka_unit_test(bad_vectors_dso_002_dso_009_dso_105_dso_106),
	        cmocka_unit_test(push_vectors_dso_019),
	        cmocka_unit_test(both_ends_dso_016_dso_095),
	        cmocka_unit_test(over_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
