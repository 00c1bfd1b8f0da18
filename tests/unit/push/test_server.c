#include "end.h"

#include "base/err.h"
#include "base/mem.h"
#include "push/server.h"
#include "vectors.h"

struct fixture {
	struct end end;
	struct push_server *server;
	struct push_server_event events[64]; /* what the owner was told and did not handle yet */
	struct push_reconfirm reconfirm;
	size_t event_count;
};

static struct fixture f;
static int keys[8192]; /* stand for the names and types of the owner */

static void on_event(struct end *e, const struct dso_event *event)
{
	struct push_server_event *told = &f.events[f.event_count];
	push_server_handle(f.server, event, e->now_ms, told);
	if (told->type == PUSH_SERVER_RECONFIRM) {
		assert_int_equal(push_reconfirm_read(&told->reconfirm, &f.reconfirm), 0);
	}
	if (told->type != PUSH_SERVER_NONE) {
		f.event_count++;
		assert_true(f.event_count < sizeof(f.events) / sizeof(f.events[0]));
	}
}

static void start(void)
{
	memset(&f.end, 0, sizeof(f.end));
	f.end.now_ms = 1000;
	f.end.handle = on_event;
	f.event_count = 0;
	end_start(&f.end, DSO_SERVER);
	f.server = push_server_new(f.end.session);
	assert_non_null(f.server);
}

static void stop(void)
{
	push_server_free(f.server);
	end_stop(&f.end);
}

static void assert_alive(void)
{
	end_assert_silent(&f.end);
	end_feed(&f.end, "7fff300000000000000000000001000800003a980036ee80");
	end_assert_sent(&f.end, "7fffb00000000000000000000001000800003a980036ee80");
}

static int setup(void **state)
{
	(void)state;
	start();
	assert_alive();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mem_fail_after(-1);
	stop();
	return 0;
}

static void restart(void)
{
	stop();
	start();
	assert_alive();
}

/* The one event since the last call. */
static struct push_server_event told(enum push_server_event_type type, uint16_t id)
{
	assert_int_equal(f.event_count, 1);
	f.event_count = 0;
	assert_int_equal(f.events[0].type, type);
	assert_int_equal(f.events[0].id, id);
	return f.events[0];
}

static void told_nothing(void)
{
	assert_int_equal(f.event_count, 0);
}

static void feed_subscribe(uint16_t id, const char *name, uint16_t type)
{
	struct push_question q = question_of(name, type);
	uint8_t message[512] = {0};
	struct bytes_writer w;
	bytes_writer_init(&w, message, sizeof(message));
	bytes_put_u16(&w, id);
	bytes_put(&w, "\x30\0\0\0\0\0\0\0\0\0\0\x40", 12);
	bytes_put_u16(&w, (uint16_t)(q.name.len + 4));
	push_subscribe_write(&w, &q);
	end_feed_bytes(&f.end, message, w.len, false);
}

static void feed_unsubscribe(uint16_t id)
{
	uint8_t message[] = {0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0, 2, 0, 0};
	bytes_store_u16(message + 16, id);
	end_feed_bytes(&f.end, message, sizeof(message), false);
}

static void assert_response(uint16_t id, unsigned rcode, uint32_t delay_ms)
{
	uint8_t message[65535];
	size_t len = end_take(&f.end, message);
	assert_int_equal(len, rcode ? 20 : 12);
	assert_int_equal(bytes_load_u16(message), id);
	assert_int_equal(bytes_load_u16(message + 2), 0xb000 | rcode);
	assert_memory_equal(message + 4, "\0\0\0\0\0\0\0\0", 8);
	if (rcode) {
		assert_memory_equal(message + 12, "\0\2\0\4", 4);
		assert_int_equal(bytes_load_u32(message + 16), delay_ms);
	}
}

static void open_subscription(uint16_t id, const char *name, uint16_t type, void *key)
{
	feed_subscribe(id, name, type);
	told(PUSH_SERVER_SUBSCRIBE, id);
	assert_int_equal(push_server_accept(f.server, id, key, f.end.now_ms), 0);
	assert_response(id, 0, 0);
}

/* PUSH-051, PUSH-052: one response with the same ID and without a SUBSCRIBE TLV. */
static void test_subscribe_vector(void **state)
{
	(void)state;
	uint16_t id;
	end_feed(&f.end, VECTOR_SUBSCRIBE);
	struct push_server_event event = told(PUSH_SERVER_SUBSCRIBE, 2);
	struct wire_name name = name_of("_ipp._tcp.example.com.");
	assert_true(wire_name_equal(event.question.name.data, name.data));
	assert_int_equal(event.question.type, DNS_TYPE_PTR);
	assert_int_equal(event.question.dns_class, DNS_CLASS_IN);
	end_assert_silent(&f.end);
	assert_int_equal(push_server_count(f.server), 0);
	assert_false(push_server_has(f.server, &keys[0]));

	assert_int_equal(push_server_accept(f.server, 2, &keys[0], f.end.now_ms), 0);
	end_assert_sent(&f.end, VECTOR_SUBSCRIBE_RESPONSE);
	end_assert_silent(&f.end);
	assert_int_equal(push_server_count(f.server), 1);
	assert_true(push_server_has(f.server, &keys[0]));
	assert_ptr_equal(push_server_key(f.server, 0, &id), &keys[0]);
	assert_int_equal(id, 2);
	assert_int_equal(push_server_accept(f.server, 2, &keys[0], f.end.now_ms), ERR_NOT_FOUND);
}

/* PUSH-204: FORMERR with five minutes of delay, and the session goes on. */
static void test_subscribe_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "00093000000000000000000000400006016100000c00",     /* short */
	        "00093000000000000000000000400008016100000c000100", /* trailing byte */
	        "00093000000000000000000000400007416100000c0001",   /* bad label */
	        "000930000000000000000000004000080161c010000c0001", /* compressed */
	        "0009300000000000000000000040000701610000000001",   /* TYPE 0 */
	        "0009300000000000000000000040000701610000290001",   /* OPT */
	        "0009300000000000000000000040000701610000f90001",   /* TKEY */
	        "0009300000000000000000000040000701610000fe0001",   /* MAILA */
	        "00093000000000000000000000400000",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		end_feed(&f.end, bad[i]);
		told_nothing();
		assert_response(9, DNS_RCODE_FORMERR, 300000);
		assert_alive();
		assert_int_equal(push_server_count(f.server), 0);
	}
}

/* PUSH-043, PUSH-205: a second subscription with the same key resets the session. */
static void test_duplicate(void **state)
{
	(void)state;
	open_subscription(2, "_ipp._tcp.example.com.", DNS_TYPE_PTR, &keys[0]);
	feed_subscribe(3, "_IPP._tcp.EXAMPLE.com.", DNS_TYPE_PTR);
	told(PUSH_SERVER_SUBSCRIBE, 3);
	assert_int_equal(push_server_accept(f.server, 3, &keys[0], f.end.now_ms), ERR_PROTOCOL);
	end_run(&f.end);
	end_assert_reset(&f.end);
	/* What was open can still be walked. */
	assert_int_equal(push_server_count(f.server), 1);
}

static void test_duplicate_of_pending(void **state)
{
	(void)state;
	feed_subscribe(2, "a.", DNS_TYPE_A);
	told(PUSH_SERVER_SUBSCRIBE, 2);
	feed_subscribe(3, "A.", DNS_TYPE_A);
	told(PUSH_SERVER_SUBSCRIBE, 3);
	assert_int_equal(push_server_accept(f.server, 3, &keys[0], f.end.now_ms), 0);
	assert_response(3, 0, 0);
	assert_int_equal(push_server_accept(f.server, 2, &keys[0], f.end.now_ms), ERR_PROTOCOL);
	end_run(&f.end);
	end_assert_reset(&f.end);
}

/* PUSH-044: ANY beside a specific type is fine, and so is asking again after a cancel or a failure. */
static void test_no_duplicate(void **state)
{
	(void)state;
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	open_subscription(3, "a.", DNS_TYPE_ANY, &keys[1]);
	assert_int_equal(push_server_cancel_key(f.server, &keys[0], DNS_RCODE_SERVFAIL, DSO_NO_DELAY, f.end.now_ms), 0);
	assert_response(2, DNS_RCODE_SERVFAIL, 60000);
	open_subscription(4, "a.", DNS_TYPE_A, &keys[0]);
	feed_subscribe(5, "b.", DNS_TYPE_A);
	told(PUSH_SERVER_SUBSCRIBE, 5);
	assert_int_equal(push_server_refuse(f.server, 5, DNS_RCODE_REFUSED, DSO_NO_DELAY, f.end.now_ms), 0);
	assert_response(5, DNS_RCODE_REFUSED, 300000);
	open_subscription(6, "b.", DNS_TYPE_A, &keys[2]);
	assert_alive();
	assert_int_equal(push_server_count(f.server), 3);
}

/* PUSH-011, PUSH-050, PUSH-055, PUSH-059: each is refused for itself, with the delay of its RCODE or the one given. */
static void test_refuse(void **state)
{
	(void)state;
	static const struct {
		unsigned rcode;
		uint32_t given, sent;
	} refusals[] = {
	        {1, DSO_NO_DELAY, 300000},  {2, DSO_NO_DELAY, 60000},  {4, DSO_NO_DELAY, 3600000},
	        {5, DSO_NO_DELAY, 300000},  {9, DSO_NO_DELAY, 300000}, {11, DSO_NO_DELAY, 3600000},
	        {13, DSO_NO_DELAY, 300000}, {2, 1234, 1234},           {9, 0, 0},
	};
	open_subscription(1, "kept.", DNS_TYPE_A, &keys[0]);
	for (uint16_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		uint16_t id = (uint16_t)(10 + i);
		feed_subscribe(id, "a.", DNS_TYPE_A);
		told(PUSH_SERVER_SUBSCRIBE, id);
		assert_int_equal(push_server_refuse(f.server, id, refusals[i].rcode, refusals[i].given, f.end.now_ms),
		                 0);
		assert_response(id, refusals[i].rcode, refusals[i].sent);
		assert_int_equal(push_server_refuse(f.server, id, 2, 0, f.end.now_ms), ERR_NOT_FOUND);
	}
	assert_alive();
	assert_true(push_server_has(f.server, &keys[0]));
	assert_int_equal(push_server_refuse(f.server, 1, 2, 0, f.end.now_ms), ERR_NOT_FOUND);
}

/* The vector of a refusal. */
static void test_refuse_vector(void **state)
{
	(void)state;
	feed_subscribe(3, "elsewhere.", DNS_TYPE_A);
	assert_int_equal(push_server_refuse(f.server, 3, DNS_RCODE_NOTAUTH, DSO_NO_DELAY, f.end.now_ms), 0);
	end_assert_sent(&f.end, VECTOR_SUBSCRIBE_RESPONSE_NOTAUTH);
}

/* PUSH-061: a second response ends an open subscription. */
static void test_cancel(void **state)
{
	(void)state;
	void *key = NULL;
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	open_subscription(3, "b.", DNS_TYPE_A, &keys[1]);
	assert_int_equal(push_server_cancel(f.server, 2, DNS_RCODE_NOTAUTH, 5000, f.end.now_ms, &key), 0);
	assert_response(2, DNS_RCODE_NOTAUTH, 5000);
	assert_ptr_equal(key, &keys[0]);
	assert_false(push_server_has(f.server, &keys[0]));
	assert_true(push_server_has(f.server, &keys[1]));
	assert_int_equal(push_server_cancel(f.server, 2, 2, 0, f.end.now_ms, NULL), ERR_NOT_FOUND);
	assert_int_equal(push_server_cancel_key(f.server, &keys[0], 2, 0, f.end.now_ms), ERR_NOT_FOUND);
	/* The late UNSUBSCRIBE of a client that did not know yet is ignored. */
	feed_unsubscribe(2);
	told_nothing();
	assert_alive();
}

/* PUSH-092, PUSH-102: no reply; the owner learns whose it was; the ID is free at once. */
static void test_unsubscribe_vector(void **state)
{
	(void)state;
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	end_feed(&f.end, VECTOR_UNSUBSCRIBE);
	assert_ptr_equal(told(PUSH_SERVER_UNSUBSCRIBE, 2).key, &keys[0]);
	assert_alive();
	assert_int_equal(push_server_count(f.server), 0);
	assert_false(push_server_has(f.server, &keys[0]));
	open_subscription(2, "b.", DNS_TYPE_A, &keys[1]);
	open_subscription(3, "a.", DNS_TYPE_A, &keys[0]);
	assert_alive();
}

/* PUSH-102, PUSH-214: an unknown ID, 0 too, is ignored. */
static void test_unsubscribe_unknown(void **state)
{
	(void)state;
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	feed_unsubscribe(0);
	feed_unsubscribe(77);
	told_nothing();
	assert_alive();
	assert_int_equal(push_server_count(f.server), 1);
}

/* PUSH-101: UNSUBSCRIBE before the response: that still comes, and nothing is open behind it (B3). */
static void test_unsubscribe_pending(void **state)
{
	(void)state;
	feed_subscribe(2, "a.", DNS_TYPE_A);
	told(PUSH_SERVER_SUBSCRIBE, 2);
	feed_unsubscribe(2);
	assert_null(told(PUSH_SERVER_UNSUBSCRIBE, 2).key);
	assert_response(2, 0, 0);
	assert_alive();
	assert_int_equal(push_server_accept(f.server, 2, &keys[0], f.end.now_ms), ERR_NOT_FOUND);
	assert_int_equal(push_server_refuse(f.server, 2, 2, 0, f.end.now_ms), ERR_NOT_FOUND);
	end_assert_silent(&f.end);
	assert_int_equal(push_server_count(f.server), 0);
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
}

/* PUSH-213: the form of older clients (name, type, class) is no exception. */
static void test_unsubscribe_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "0000300000000000000000000042000100",
	        "00003000000000000000000000420003000200",
	        "00003000000000000000000000420000",
	        "0000300000000000000000000042001b045f697070045f746370076578616d706c6503636f6d00000c0001",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		open_subscription(2, "_ipp._tcp.example.com.", DNS_TYPE_PTR, &keys[0]);
		end_feed(&f.end, bad[i]);
		told_nothing();
		end_assert_reset(&f.end);
	}
}

/* PUSH-113: a RECONFIRM is handed on and not answered, with a subscription or (PUSH-115) without. */
static void test_reconfirm_vector(void **state)
{
	(void)state;
	struct wire_name name = name_of("_ipp._tcp.example.com.");
	end_feed(&f.end, VECTOR_RECONFIRM_PADDED);
	told(PUSH_SERVER_RECONFIRM, 0);
	assert_true(wire_name_equal(f.reconfirm.name.data, name.data));
	assert_int_equal(f.reconfirm.type, DNS_TYPE_PTR);
	assert_int_equal(f.reconfirm.rdata_len, 38);
	assert_alive();
}

/* PUSH-215: cut, or TYPE or CLASS 255. */
static void test_reconfirm_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "00003000000000000000000000430000",
	        "0000300000000000000000000043000401610000",
	        "0000300000000000000000000043000a01610000010001c00002",
	        "0000300000000000000000000043000b01610000ff0001c0000201",
	        "0000300000000000000000000043000b016100000100ffc0000201",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		end_feed(&f.end, bad[i]);
		told_nothing();
		end_assert_reset(&f.end);
	}
}

static const char push_message[] = "0000300000000000000000000041001101610000010001000000780004c0000201";

/* PUSH-201: PUSH from a client. PUSH-202: TLV and ID disagree. PUSH-203: a Push TLV with QR=1. */
static void test_wrong_direction(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        push_message,
	        "000930000000000000000000004200020002",
	        "0009300000000000000000000043000b01610000010001c0000201",
	        "00003000000000000000000000400007016100000c0001",
	        "0002b000000000000000000000400007016100000c0001",
	        "0000b0000000000000000000004200020002",
	        "0002b0000000000000000000004200020002",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		end_feed(&f.end, bad[i]);
		told_nothing();
		end_assert_reset(&f.end);
	}
}

static void feed_early(const char *hex)
{
	uint8_t message[512];
	size_t len = from_hex(hex, message);
	end_feed_bytes(&f.end, message, len, true);
}

/* PUSH-136: in early data only SUBSCRIBE may come (PUSH-010: it may be the first message of all). */
static void test_early_data(void **state)
{
	(void)state;
	stop();
	start();
	feed_early(VECTOR_SUBSCRIBE);
	told(PUSH_SERVER_SUBSCRIBE, 2);
	assert_int_equal(push_server_accept(f.server, 2, &keys[0], f.end.now_ms), 0);
	end_assert_silent(&f.end);
	assert_int_equal(dso_session_feed(f.end.session, NULL, 0, false, f.end.now_ms), 0);
	end_assert_sent(&f.end, VECTOR_SUBSCRIBE_RESPONSE);
	static const char *const bad[] = {VECTOR_UNSUBSCRIBE, VECTOR_RECONFIRM_PADDED, push_message};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		feed_early(bad[i]);
		told_nothing();
		end_assert_reset(&f.end);
		assert_int_equal(f.end.reason, DSO_REASON_EARLY_DATA);
	}
}

/* PUSH-010: SUBSCRIBE without a Keepalive before it. */
static void test_subscribe_first(void **state)
{
	(void)state;
	stop();
	start();
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	assert_true(dso_session_established(f.end.session));
	assert_alive();
}

/* PUSH-014: however quiet, a subscription lasts as long as the keepalives go on. */
static void test_quiet_subscription(void **state)
{
	(void)state;
	open_subscription(2, "a.", DNS_TYPE_A, &keys[0]);
	for (int i = 0; i < 10; i++) {
		f.end.now_ms += 60 * 60 * 1000;
		dso_session_tick(f.end.session, f.end.now_ms);
		end_run(&f.end);
		assert_alive();
	}
	assert_true(push_server_has(f.server, &keys[0]));
}

/* A server that takes what it likes; the model is an array by ID. */
static void test_many(void **state)
{
	(void)state;
	static int *model[6000];
	size_t count = 0;
	srand(1);
	memset(model, 0, sizeof(model));
	for (unsigned step = 0; step < 30000; step++) {
		uint16_t id = (uint16_t)(1 + (unsigned)rand() % 5999);
		bool grow = step < 12000 || (step > 20000 && step < 22000);
		if (model[id] && !grow) {
			feed_unsubscribe(id);
			assert_ptr_equal(told(PUSH_SERVER_UNSUBSCRIBE, id).key, model[id]);
			model[id] = NULL;
			count--;
		} else if (!model[id] && grow) {
			model[id] = &keys[(id * 7) % 6000];
			open_subscription(id, "a.", DNS_TYPE_A, model[id]);
			count++;
			assert_true(push_server_has(f.server, model[id]));
		}
		assert_int_equal(push_server_count(f.server), count);
		if (count > 1000) {
			assert_true(push_server_memory(f.server) < count * 100);
		}
	}
	for (size_t i = 0; i < push_server_count(f.server); i++) {
		uint16_t id;
		void *key = push_server_key(f.server, i, &id);
		assert_ptr_equal(key, model[id]);
		model[id] = NULL;
	}
	for (size_t i = 0; i < sizeof(model) / sizeof(model[0]); i++) {
		assert_null(model[i]);
	}
}

/* The table itself costs little for a few, and little more for many. */
static void test_memory(void **state)
{
	(void)state;
	size_t empty = push_server_memory(f.server);
	for (uint16_t i = 1; i <= 4; i++) {
		open_subscription(i, "a.", DNS_TYPE_A, &keys[i]);
	}
	assert_true(push_server_memory(f.server) - empty <= 4 * 10);
	for (uint16_t i = 5; i <= 5000; i++) {
		open_subscription(i, "a.", DNS_TYPE_A, &keys[i]);
	}
	assert_true(push_server_memory(f.server) - empty <= 5000 * 24);
	for (uint16_t i = 1; i <= 5000; i++) {
		feed_unsubscribe(i);
		told(PUSH_SERVER_UNSUBSCRIBE, i);
	}
	assert_int_equal(push_server_memory(f.server), empty);
}

/* Every allocation fails once: SERVFAIL or a reset, never a wrong table. */
static void test_memory_failure(void **state)
{
	(void)state;
	bool failed = true;
	mem_fail_after(0);
	assert_null(push_server_new(f.end.session));
	for (long after = 0; failed; after++) {
		restart();
		uint16_t opened = 0;
		mem_fail_after(after);
		for (uint16_t id = 1; id <= 40 && !f.end.aborted; id++) {
			feed_subscribe(id, "a.", DNS_TYPE_A);
			if (f.event_count == 1) {
				f.event_count = 0;
				opened += push_server_accept(f.server, id, &keys[id], f.end.now_ms) == 0;
			}
			end_run(&f.end);
		}
		failed = mem_failed();
		mem_fail_after(-1);
		assert_int_equal(push_server_count(f.server), opened);
		assert_true(f.end.aborted || opened >= 39);
		assert_true(after < 500);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_subscribe_vector, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_subscribe_malformed, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_duplicate, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_duplicate_of_pending, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_no_duplicate, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refuse, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refuse_vector, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_unsubscribe_vector, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_unsubscribe_unknown, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_unsubscribe_pending, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_unsubscribe_malformed, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_reconfirm_vector, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_reconfirm_malformed, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_direction, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_early_data, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_subscribe_first, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_quiet_subscription, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_memory_failure, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
