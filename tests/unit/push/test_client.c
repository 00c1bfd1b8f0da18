#include "end.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "push/client.h"
#include "vectors.h"

static struct end end;
static struct push_client *client;

static void on_event(struct end *e, const struct dso_event *event)
{
	push_client_handle(client, event, e->now_ms);
}

/* The session exists after the Keepalive exchange that a client starts with. */
static void establish(void)
{
	uint8_t message[65535];
	uint16_t id;
	assert_int_equal(dso_session_keepalive(end.session, end.now_ms, &id), 0);
	assert_true(end_take(&end, message) > 0);
	bytes_store_u16(message, id);
	from_hex("b00000000000000000000001000800003a980036ee80", message + 2);
	end_feed_bytes(&end, message, 24, false);
	assert_true(dso_session_established(end.session));
}

static void connect_session(void)
{
	end_start(&end, DSO_CLIENT);
	push_client_attach(client, end.session, end.now_ms);
	establish();
}

static void disconnect_session(void)
{
	push_client_detach(client, end.now_ms);
	end_stop(&end);
}

static int setup_max(size_t records_max)
{
	memset(&end, 0, sizeof(end));
	end.now_ms = 1000;
	end.handle = on_event;
	client = push_client_new(records_max);
	assert_non_null(client);
	connect_session();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_max(0);
}

static int teardown(void **state)
{
	(void)state;
	mem_fail_after(-1);
	if (end.session) {
		disconnect_session();
	}
	push_client_free(client);
	return 0;
}

static void restart(void)
{
	teardown(NULL);
	setup(NULL);
}

static void pass(uint64_t ms)
{
	end.now_ms += ms;
	push_client_tick(client, end.now_ms);
}

static uint32_t want(const char *name, uint16_t type)
{
	struct push_question q = question_of(name, type);
	uint32_t handle = 0;
	assert_int_equal(push_client_subscribe(client, &q, end.now_ms, &handle), 0);
	assert_int_not_equal(handle, 0);
	return handle;
}

/* The next thing sent is a SUBSCRIBE for this; its ID. */
static uint16_t take_subscribe(const char *name, uint16_t type)
{
	uint8_t message[65535];
	uint16_t tlv;
	struct push_question q;
	struct wire_name want_name = name_of(name);
	size_t len = end_take(&end, message);
	assert_true(len > TEST_DATA_AT);
	struct bytes_reader data = primary_data(message, len, &tlv);
	assert_int_equal(tlv, PUSH_TLV_SUBSCRIBE);
	assert_int_equal(bytes_load_u16(message + 2), 0x3000);
	assert_int_equal(push_subscribe_read(&data, &q), 0);
	assert_true(wire_name_equal(q.name.data, want_name.data));
	assert_int_equal(q.type, type);
	assert_int_equal(q.dns_class, DNS_CLASS_IN);
	assert_int_not_equal(bytes_load_u16(message), 0);
	return bytes_load_u16(message);
}

static void take_unsubscribe(uint16_t id)
{
	uint8_t message[65535];
	assert_int_equal(end_take(&end, message), 18);
	assert_memory_equal(message, "\0\0\x30\0\0\0\0\0\0\0\0\0\0\x42\0\2", 16);
	assert_int_equal(bytes_load_u16(message + 16), id);
}

#define NO_TLV 0xfffffffeu

static void respond(uint16_t id, unsigned rcode, uint32_t delay_ms)
{
	uint8_t message[20] = {0};
	bytes_store_u16(message, id);
	bytes_store_u16(message + 2, (uint16_t)(0xb000 | rcode));
	bytes_store_u16(message + 12, 2);
	bytes_store_u16(message + 14, 4);
	bytes_store_u32(message + 16, delay_ms);
	end_feed_bytes(&end, message, delay_ms == NO_TLV ? 12 : 20, false);
}

static struct push_client_event expect(enum push_client_event_type type)
{
	struct push_client_event event = {0};
	assert_true(push_client_next_event(client, &event));
	assert_int_equal(event.type, type);
	return event;
}

static void expect_nothing(void)
{
	struct push_client_event event;
	assert_false(push_client_next_event(client, &event));
}

static void expect_active(uint32_t handle)
{
	assert_int_equal(expect(PUSH_CLIENT_ACTIVE).handle, handle);
}

static void expect_refused(uint32_t handle, unsigned rcode, uint32_t delay_ms)
{
	struct push_client_event event = expect(PUSH_CLIENT_REFUSED);
	assert_int_equal(event.handle, handle);
	assert_int_equal(event.rcode, rcode);
	assert_int_equal(event.retry_delay_ms, delay_ms);
}

static void expect_batch(size_t changes)
{
	assert_int_equal(expect(PUSH_CLIENT_BATCH).changes, changes);
}

/* An A record's change; `last` is the last byte of its address. */
static struct push_client_event expect_a(enum feed_op op, const char *name, uint8_t last, uint32_t ttl)
{
	struct wire_name owner = name_of(name);
	struct push_client_event event = expect(PUSH_CLIENT_CHANGE);
	assert_int_equal(event.change.op, op);
	assert_true(wire_name_equal(event.change.owner, owner.data));
	assert_int_equal(event.change.type, DNS_TYPE_A);
	assert_int_equal(event.change.rdata_len, 4);
	assert_int_equal(event.change.rdata[3], last);
	assert_int_equal(event.change.ttl, ttl);
	return event;
}

/* Changes that go into one PUSH. */
static struct feed_change changes[16];
static struct wire_name owners[16];
static uint8_t addresses[16][4];
static size_t change_count;

static void add_change(enum feed_op op, const char *name, uint16_t type, uint32_t ttl, const void *rdata, size_t len)
{
	owners[change_count] = name_of(name);
	changes[change_count] = change_of(op, &owners[change_count], type, ttl, rdata, len);
	change_count++;
}

static void add_a(enum feed_op op, const char *name, uint8_t last, uint32_t ttl)
{
	uint8_t *address = addresses[change_count];
	memcpy(address, "\xc0\0\2", 3);
	address[3] = last;
	add_change(op, name, DNS_TYPE_A, ttl, address, 4);
}

static void send_push(void)
{
	struct buf out;
	buf_init(&out, 0);
	assert_int_equal(push_encode(changes, change_count, false, &out), 0);
	change_count = 0;
	dso_session_feed(end.session, buf_data(&out), buf_len(&out), false, end.now_ms);
	buf_done(&out);
	end_run(&end);
}

static void push_a(enum feed_op op, const char *name, uint8_t last, uint32_t ttl)
{
	add_a(op, name, last, ttl);
	send_push();
}

/* Wanted and accepted; the ID of the SUBSCRIBE. */
static uint16_t open_question(const char *name, uint16_t type, uint32_t *ret_handle)
{
	uint32_t handle = want(name, type);
	uint16_t id = take_subscribe(name, type);
	respond(id, 0, NO_TLV);
	expect_active(handle);
	if (ret_handle) {
		*ret_handle = handle;
	}
	return id;
}

/* The next thing sent is a Keepalive; its reply is given. */
static void answer_fence(void)
{
	uint8_t message[65535];
	uint16_t id;
	size_t len = end_take(&end, message);
	assert_true(len >= 24);
	assert_int_equal(bytes_load_u16(message + 12), 1);
	id = bytes_load_u16(message);
	from_hex("b00000000000000000000001000800003a980036ee80", message + 2);
	bytes_store_u16(message, id);
	end_feed_bytes(&end, message, 24, false);
}

/* PUSH-042: users of one question, whatever the letter case, share one SUBSCRIBE. */
static void test_shared_question(void **state)
{
	(void)state;
	uint32_t first = want("_ipp._tcp.example.com.", DNS_TYPE_PTR);
	uint32_t second = want("_IPP._tcp.Example.COM.", DNS_TYPE_PTR);
	assert_int_not_equal(first, second);
	assert_int_equal(push_client_wanted_count(client), 1);
	uint16_t id = take_subscribe("_ipp._tcp.example.com.", DNS_TYPE_PTR);
	end_assert_silent(&end);
	respond(id, 0, NO_TLV);
	struct push_client_event event = expect(PUSH_CLIENT_ACTIVE);
	assert_int_equal(event.handle, second);
	assert_int_equal(event.question.type, DNS_TYPE_PTR);
	expect_active(first);
	uint32_t third = want("_ipp._tcp.example.com.", DNS_TYPE_PTR);
	expect_active(third);
	expect_nothing();
	end_assert_silent(&end);
	/* PUSH-008: UNSUBSCRIBE when the last user leaves, and not before. */
	assert_int_equal(push_client_unsubscribe(client, first, end.now_ms), 0);
	assert_int_equal(push_client_unsubscribe(client, third, end.now_ms), 0);
	end_assert_silent(&end);
	assert_int_equal(push_client_unsubscribe(client, second, end.now_ms), 0);
	take_unsubscribe(id);
	assert_int_equal(push_client_wanted_count(client), 0);
	assert_int_equal(push_client_unsubscribe(client, second, end.now_ms), ERR_NOT_FOUND);
}

static void test_cannot_subscribe(void **state)
{
	(void)state;
	static const uint16_t types[] = {0, 41, 249, 252, 254};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct push_question q = question_of("a.", types[i]);
		uint32_t handle;
		assert_int_equal(push_client_subscribe(client, &q, end.now_ms, &handle), ERR_INVALID);
	}
	assert_int_equal(push_client_wanted_count(client), 0);
	end_assert_silent(&end);
}

/* DSO-024: what is wanted waits for the session to be established. PUSH-041: each under an ID of its own. */
static void test_wait_for_session(void **state)
{
	(void)state;
	disconnect_session();
	want("a.", DNS_TYPE_A);
	end_start(&end, DSO_CLIENT);
	push_client_attach(client, end.session, end.now_ms);
	want("b.", DNS_TYPE_A);
	end_assert_silent(&end);
	establish();
	uint16_t first = take_subscribe("a.", DNS_TYPE_A);
	assert_int_not_equal(first, take_subscribe("b.", DNS_TYPE_A));
	end_assert_silent(&end);
}

/* PUSH-071, PUSH-073, PUSH-088, PUSH-090: what matches is applied, the rest skipped; no reply. */
static void test_push_vectors(void **state)
{
	(void)state;
	struct wire_name instance = name_of("Office\\032Printer._ipp._tcp.example.com.");
	open_question("_ipp._tcp.example.com.", DNS_TYPE_PTR, NULL);
	end_feed(&end, VECTOR_PUSH_ADD_PTR_SRV_TXT);
	struct push_client_event event = expect(PUSH_CLIENT_CHANGE);
	assert_int_equal(event.change.op, FEED_ADD);
	assert_int_equal(event.change.type, DNS_TYPE_PTR);
	assert_int_equal(event.change.ttl, 4500);
	assert_memory_equal(event.change.rdata, instance.data, instance.len);
	expect_batch(1);
	expect_nothing();
	end_assert_silent(&end);

	open_question("Office\\032Printer._ipp._tcp.example.com.", DNS_TYPE_ANY, NULL);
	end_feed(&end, VECTOR_PUSH_ADD_PTR_SRV_TXT);
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_SRV);
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_TXT);
	expect_batch(2);
	assert_int_equal(push_client_record_count(client), 3);

	/* PUSH-074. */
	end_feed(&end, VECTOR_PUSH_REMOVE_ONE);
	event = expect(PUSH_CLIENT_CHANGE);
	assert_int_equal(event.change.op, FEED_REMOVE);
	assert_int_equal(event.change.type, DNS_TYPE_PTR);
	expect_batch(1);
	/* PUSH-075: a class. */
	end_feed(&end, VECTOR_PUSH_REMOVE_CLASS);
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_SRV);
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_TXT);
	expect_batch(2);
	assert_int_equal(push_client_record_count(client), 0);
	expect_nothing();
	end_assert_silent(&end);
}

/* PUSH-074, PUSH-075, PUSH-076: an RRset, everything, and siblings that stay. */
static void test_push_removals(void **state)
{
	(void)state;
	static const uint8_t aaaa[16] = {0x20, 1};
	open_question("printer.example.com.", DNS_TYPE_ANY, NULL);
	for (int round = 0; round < 2; round++) {
		add_a(FEED_ADD, "printer.example.com.", 1, 120);
		add_a(FEED_ADD, "printer.example.com.", 2, 120);
		add_change(FEED_ADD, "printer.example.com.", DNS_TYPE_AAAA, 120, aaaa, 16);
		send_push();
		expect_a(FEED_ADD, "printer.example.com.", 1, 120);
		expect_a(FEED_ADD, "printer.example.com.", 2, 120);
		assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_AAAA);
		expect_batch(3);
		push_a(FEED_REMOVE, "printer.example.com.", 1, 0);
		expect_a(FEED_REMOVE, "printer.example.com.", 1, 120);
		expect_batch(1);
		end_feed(&end, VECTOR_PUSH_REMOVE_RRSET);
		assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_AAAA);
		expect_batch(1);
		end_feed(&end, round == 0 ? VECTOR_PUSH_REMOVE_ALL
		                          : "0000300000000000000000000041001f077072696e746572076578616d706c6503636f6d00"
		                            "001000fffffffffe0000");
		expect_a(FEED_REMOVE, "printer.example.com.", 2, 120);
		expect_batch(1);
		expect_nothing();
	}
}

/* PUSH-211. */
static void test_push_reserved_ttl(void **state)
{
	(void)state;
	open_question("printer.example.com.", DNS_TYPE_A, NULL);
	end_feed(&end, VECTOR_PUSH_RESERVED_TTL);
	expect_a(FEED_ADD, "printer.example.com.", 2, 120);
	expect_batch(1);
	expect_nothing();
	end_assert_silent(&end);
}

/* PUSH-077: an empty record is a record. */
static void test_push_empty_rdata(void **state)
{
	(void)state;
	open_question("a.", 42, NULL);
	add_change(FEED_ADD, "a.", 42, 60, NULL, 0);
	send_push();
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.rdata_len, 0);
	expect_batch(1);
	add_change(FEED_REMOVE, "a.", 42, 0, NULL, 0);
	send_push();
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.op, FEED_REMOVE);
	expect_batch(1);
	assert_int_equal(push_client_record_count(client), 0);
}

/* PUSH-004: names compare without regard to case, in rdata too. */
static void test_push_case(void **state)
{
	(void)state;
	struct wire_name lower = name_of("target.example.");
	struct wire_name upper = name_of("TARGET.example.");
	open_question("EXAMPLE.com.", DNS_TYPE_PTR, NULL);
	add_change(FEED_ADD, "example.COM.", DNS_TYPE_PTR, 60, lower.data, lower.len);
	send_push();
	expect(PUSH_CLIENT_CHANGE);
	expect_batch(1);
	add_change(FEED_ADD, "example.com.", DNS_TYPE_PTR, 60, upper.data, upper.len);
	send_push();
	expect_nothing();
	add_change(FEED_REMOVE, "example.com.", DNS_TYPE_PTR, 60, upper.data, upper.len);
	send_push();
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.op, FEED_REMOVE);
	expect_batch(1);
}

/* PUSH-005: a CNAME matches any type. PUSH-046: TYPE CNAME only that. */
static void test_push_cname(void **state)
{
	(void)state;
	struct wire_name target = name_of("b.");
	open_question("a.", DNS_TYPE_A, NULL);
	add_change(FEED_ADD, "a.", DNS_TYPE_CNAME, 60, target.data, target.len);
	send_push();
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_CNAME);
	expect_batch(1);
	open_question("c.", DNS_TYPE_CNAME, NULL);
	push_a(FEED_ADD, "c.", 1, 60);
	expect_nothing();
	assert_int_equal(push_client_record_count(client), 1);
}

/* PUSH-217: a known record again, and the removal of an unknown one, change nothing; another TTL does (B10). */
static void test_push_idempotent(void **state)
{
	(void)state;
	open_question("a.", DNS_TYPE_A, NULL);
	push_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_batch(1);
	push_a(FEED_ADD, "a.", 1, 60);
	push_a(FEED_REMOVE, "a.", 2, 0);
	expect_nothing();
	push_a(FEED_ADD, "a.", 1, 90);
	expect_a(FEED_ADD, "a.", 1, 90);
	expect_batch(1);
	expect_nothing();
	assert_int_equal(push_client_record_count(client), 1);
	end_assert_silent(&end);
}

/* PUSH-089: a collective removal counts if a record that it removes is subscribed, and not otherwise. */
static void test_push_collective_match(void **state)
{
	(void)state;
	static const uint8_t aaaa[16] = {0x20, 1};
	uint32_t handle;
	open_question("a.", DNS_TYPE_A, NULL);
	open_question("a.", DNS_TYPE_AAAA, &handle);
	add_a(FEED_ADD, "a.", 1, 60);
	add_change(FEED_ADD, "a.", DNS_TYPE_AAAA, 60, aaaa, 16);
	send_push();
	expect_a(FEED_ADD, "a.", 1, 60);
	expect(PUSH_CLIENT_CHANGE);
	expect_batch(2);
	uint8_t message[64];
	assert_int_equal(push_client_unsubscribe(client, handle, end.now_ms), 0);
	assert_int_equal(end_take(&end, message), 18);
	/* Only the AAAA, which nobody asks for any more. */
	add_change(FEED_REMOVE_RRSET, "a.", DNS_TYPE_AAAA, 0, NULL, 0);
	send_push();
	expect_nothing();
	/* The A too: all of what this session told of goes. */
	add_change(FEED_REMOVE_CLASS, "a.", DNS_TYPE_ANY, 0, NULL, 0);
	send_push();
	expect_a(FEED_REMOVE, "a.", 1, 60);
	assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.type, DNS_TYPE_AAAA);
	expect_batch(2);
	/* PUSH-090: another name, another class. */
	push_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_batch(1);
	add_change(FEED_REMOVE_CLASS, "b.", DNS_TYPE_ANY, 0, NULL, 0);
	add_change(FEED_REMOVE_CLASS, "a.", DNS_TYPE_ANY, 0, NULL, 0);
	changes[1].dns_class = DNS_CLASS_CH;
	send_push();
	expect_nothing();
	end_assert_silent(&end);
}

/* B13: a collective removal touches only what this session told of. */
static void test_push_collective_scope(void **state)
{
	(void)state;
	want("a.", DNS_TYPE_A);
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	push_a(FEED_ADD, "a.", 1, 60);
	disconnect_session();
	connect_session();
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	push_a(FEED_ADD, "a.", 2, 60);
	struct push_client_event event;
	while (push_client_next_event(client, &event)) {
	}
	add_change(FEED_REMOVE_RRSET, "a.", DNS_TYPE_A, 0, NULL, 0);
	send_push();
	expect_a(FEED_REMOVE, "a.", 2, 60);
	expect_batch(1);
	expect_nothing();
	answer_fence();
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
}

static const char good_record[] = "01610000010001000000780004c0000201";

/* A PUSH of a good record and then `hex`. */
static void feed_good_and(const char *hex)
{
	char all[256];
	snprintf(all, sizeof(all), "0000300000000000000000000041%04zx%s%s", (strlen(good_record) + strlen(hex)) / 2,
	         good_record, hex);
	end_feed(&end, all);
}

/* PUSH-206, PUSH-207, PUSH-209, PUSH-210: the session is reset and nothing of the PUSH applied. */
static void test_bad_push(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "01610000010001fffffffe000101", /* collective with rdata */
	        "01610000ff0001fffffffe000101",
	        "016100000000fffffffffe000101",
	        "01610000010001000000780004c00002", /* cut */
	        "0161000001000100000078",
	        "0261",
	        "01610000010001000000780003c00002", /* rdata of A */
	        "c02100010001000000780004c0000202", /* pointer to itself */
	        "c08000010001000000780004c0000202", /* pointer forward */
	        "c00000010001000000780004c0000202", /* pointer into the header */
	        "01610000ff0001000000780000",       /* add of ANY */
	        "016100000100ff000000780004c0000202",
	        "01610000ff0001ffffffff0000",
	        "016100000100ffffffffff0004c0000201",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		open_question("a.", DNS_TYPE_A, NULL);
		feed_good_and(bad[i]);
		end_assert_reset(&end);
		expect_nothing();
		assert_int_equal(push_client_record_count(client), 0);
	}
	restart();
	open_question("a.", DNS_TYPE_A, NULL);
	feed_good_and("");
	end_assert_silent(&end);
	assert_int_equal(push_client_record_count(client), 1);
	end_feed(&end, VECTOR_PUSH_EMPTY);
	end_assert_reset(&end);
	restart();
	open_question("printer.example.com.", DNS_TYPE_AAAA, NULL);
	end_feed(&end, VECTOR_PUSH_COLLECTIVE_RDLEN);
	end_assert_reset(&end);
}

/* PUSH-208: one byte more than a PUSH may have. */
static void test_push_too_long(void **state)
{
	(void)state;
	for (size_t excess = 0; excess < 2; excess++) {
		static uint8_t message[16384];
		size_t len = PUSH_MESSAGE_MAX + excess;
		restart();
		open_question("a.", 65280, NULL);
		memset(message, 0, sizeof(message));
		message[2] = 0x30;
		bytes_store_u16(message + 12, PUSH_TLV_PUSH);
		bytes_store_u16(message + 14, (uint16_t)(len - 16));
		from_hex("016100ff00000100000078", message + 16);
		bytes_store_u16(message + 27, (uint16_t)(len - 29));
		end_feed_bytes(&end, message, len, false);
		assert_int_equal(end.aborted, excess == 1);
		assert_int_equal(push_client_record_count(client), 1 - excess);
	}
}

/* PUSH-208: padding counts in the length of the message. */
static void test_push_too_long_by_padding(void **state)
{
	(void)state;
	for (size_t excess = 0; excess < 2; excess++) {
		static uint8_t message[16384];
		size_t len = PUSH_MESSAGE_MAX + excess;
		restart();
		open_question("a.", DNS_TYPE_A, NULL);
		memset(message, 0, sizeof(message));
		message[2] = 0x30;
		from_hex("0041001101610000010001000000780004c0000201", message + 12);
		bytes_store_u16(message + 33, 3);
		bytes_store_u16(message + 35, (uint16_t)(len - 37));
		end_feed_bytes(&end, message, len, false);
		assert_int_equal(end.aborted, excess == 1);
		assert_int_equal(push_client_record_count(client), 1 - excess);
	}
}

/* PUSH-200, PUSH-202, PUSH-203: Push messages that a server must not send. PUSH-212: PUSH that nobody asked for. */
static void test_bad_messages(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        VECTOR_SUBSCRIBE,
	        VECTOR_UNSUBSCRIBE,
	        VECTOR_RECONFIRM_PADDED,
	        "00003000000000000000000000400007016100000c0001",
	        "000930000000000000000000004200020002",
	        "0009300000000000000000000041001101610000010001000000780004c0000201",
	        "0000b00000000000000000000041001101610000010001000000780004c0000201",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restart();
		open_question("a.", DNS_TYPE_A, NULL);
		end_feed(&end, bad[i]);
		end_assert_reset(&end);
		assert_int_equal(push_client_record_count(client), 0);
	}
	/* A PUSH TLV as the primary one of the response to a SUBSCRIBE. */
	restart();
	want("a.", DNS_TYPE_A);
	uint8_t message[128];
	uint16_t id = take_subscribe("a.", DNS_TYPE_A);
	size_t len = from_hex("0009b00000000000000000000041001101610000010001000000780004c0000201", message);
	bytes_store_u16(message, id);
	end_feed_bytes(&end, message, len, false);
	end_assert_reset(&end);
	restart();
	end_feed(&end, "0000300000000000000000000041001101610000010001000000780004c0000201");
	end_assert_reset(&end);
}

/* PUSH-053: a SUBSCRIBE TLV in the response does no harm. */
static void test_response_with_subscribe(void **state)
{
	(void)state;
	uint8_t message[128];
	uint32_t handle = want("a.", DNS_TYPE_A);
	uint16_t id = take_subscribe("a.", DNS_TYPE_A);
	size_t len = from_hex("0000b00000000000000000000040000701610000010001", message);
	bytes_store_u16(message, id);
	end_feed_bytes(&end, message, len, false);
	expect_active(handle);
	end_assert_silent(&end);
}

/* PUSH-100, PUSH-103, PUSH-120, PUSH-121: the TTL counts only once the subscription has ended. */
static void test_ageing(void **state)
{
	(void)state;
	uint32_t handle;
	uint16_t id = open_question("a.", DNS_TYPE_A, &handle);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "a.", 2, 120);
	add_a(FEED_ADD, "a.", 3, 0);
	send_push();
	for (uint8_t i = 1; i <= 3; i++) {
		expect_a(FEED_ADD, "a.", i, i == 3 ? 0 : i * 60u);
	}
	expect_batch(3);
	assert_true(push_client_deadline_ms(client) == UINT64_MAX);
	pass(1000 * 1000);
	expect_nothing();
	assert_int_equal(push_client_record_count(client), 3);

	assert_int_equal(push_client_unsubscribe(client, handle, end.now_ms), 0);
	take_unsubscribe(id);
	expect_a(FEED_REMOVE, "a.", 3, 0);
	expect_batch(1);
	push_a(FEED_ADD, "a.", 9, 60);
	expect_nothing();
	assert_true(push_client_deadline_ms(client) == end.now_ms + 60000);
	pass(59999);
	expect_nothing();
	pass(1);
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
	pass(60000);
	expect_a(FEED_REMOVE, "a.", 2, 120);
	expect_batch(1);
	assert_int_equal(push_client_record_count(client), 0);
	assert_true(push_client_deadline_ms(client) == UINT64_MAX);
	end_assert_silent(&end);
}

/* PUSH-121, B10: what another subscription covers lives on. */
static void test_overlap(void **state)
{
	(void)state;
	uint32_t specific;
	uint32_t any;
	open_question("a.", DNS_TYPE_A, &specific);
	push_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_batch(1);
	any = want("a.", DNS_TYPE_ANY);
	assert_int_equal(push_client_wanted_count(client), 2);
	/* The late question is told of what is held; its initial set then changes nothing. */
	assert_int_equal(expect_a(FEED_ADD, "a.", 1, 60).handle, any);
	assert_int_equal(expect(PUSH_CLIENT_BATCH).handle, any);
	respond(take_subscribe("a.", DNS_TYPE_ANY), 0, NO_TLV);
	expect_active(any);
	push_a(FEED_ADD, "a.", 1, 60);
	expect_nothing();
	push_a(FEED_ADD, "a.", 2, 0);
	assert_int_equal(expect_a(FEED_ADD, "a.", 2, 0).handle, 0);
	expect_batch(1);
	assert_int_equal(push_client_unsubscribe(client, specific, end.now_ms), 0);
	pass(100000);
	expect_nothing();
	assert_int_equal(push_client_record_count(client), 2);
	assert_int_equal(push_client_unsubscribe(client, any, end.now_ms), 0);
	expect_a(FEED_REMOVE, "a.", 2, 0);
	expect_batch(1);
	pass(60000);
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
}

/* PUSH-009, PUSH-105: a subscription keeps the session; after the last UNSUBSCRIBE it is closed when idle. */
static void test_idle_after_unsubscribe(void **state)
{
	(void)state;
	uint32_t handle;
	uint16_t id = open_question("a.", DNS_TYPE_A, &handle);
	end.now_ms += 60000;
	dso_session_tick(end.session, end.now_ms);
	end_run(&end);
	end_assert_silent(&end);
	assert_int_equal(push_client_unsubscribe(client, handle, end.now_ms), 0);
	take_unsubscribe(id);
	/* A cancel that crossed it is no surprise (A6). */
	respond(id, DNS_RCODE_SERVFAIL, NO_TLV);
	expect_nothing();
	end_assert_silent(&end);
	end.now_ms += 15000;
	dso_session_tick(end.session, end.now_ms);
	end_run(&end);
	assert_true(end.closed);
}

/* B24: a late user gets what is held; one that left gets nothing of what still waits. */
static void test_late_user(void **state)
{
	(void)state;
	open_question("a.", DNS_TYPE_A, NULL);
	push_a(FEED_ADD, "a.", 1, 60);
	push_a(FEED_ADD, "a.", 2, 60);
	for (uint8_t i = 1; i <= 2; i++) {
		expect_a(FEED_ADD, "a.", i, 60);
		expect_batch(1);
	}
	uint32_t late = want("A.", DNS_TYPE_A);
	uint32_t gone = want("a.", DNS_TYPE_A);
	end_assert_silent(&end);
	assert_int_equal(push_client_unsubscribe(client, gone, end.now_ms), 0);
	expect_active(late);
	assert_int_equal(expect_a(FEED_ADD, "a.", 1, 60).handle, late);
	assert_int_equal(expect_a(FEED_ADD, "a.", 2, 60).handle, late);
	struct push_client_event event = expect(PUSH_CLIENT_BATCH);
	assert_int_equal(event.handle, late);
	assert_int_equal(event.changes, 2);
	expect_nothing();
	end_assert_silent(&end);
}

/* PUSH-101, DSO-019: UNSUBSCRIBE before the response, and the same question again behind it. */
static void test_unsubscribe_before_response(void **state)
{
	(void)state;
	uint32_t handle = want("a.", DNS_TYPE_A);
	uint16_t first = take_subscribe("a.", DNS_TYPE_A);
	assert_int_equal(push_client_unsubscribe(client, handle, end.now_ms), 0);
	take_unsubscribe(first);
	handle = want("a.", DNS_TYPE_A);
	uint16_t second = take_subscribe("a.", DNS_TYPE_A);
	assert_int_not_equal(first, second);
	respond(first, 0, NO_TLV);
	/* PUSH-103: this one is for the subscription that has ended. */
	push_a(FEED_ADD, "a.", 1, 60);
	expect_nothing();
	respond(second, 0, NO_TLV);
	expect_active(handle);
	push_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_batch(1);
	end_assert_silent(&end);
}

/* PUSH-054, PUSH-056, PUSH-057, PUSH-062: any RCODE; the delay given or assumed; the server is left alone until then.
 */
static void test_refused(void **state)
{
	(void)state;
	static const struct {
		unsigned rcode;
		uint32_t sent, delay;
	} refusals[] = {
	        {1, NO_TLV, 300000},  {2, NO_TLV, 60000},    {4, NO_TLV, 3600000}, {5, NO_TLV, 300000},
	        {13, NO_TLV, 300000}, {11, NO_TLV, 3600000}, {2, 5000, 5000},      {5, 700000, 700000},
	};
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		restart();
		uint32_t kept;
		open_question("kept.", DNS_TYPE_A, &kept);
		uint32_t handle = want("a.", DNS_TYPE_A);
		respond(take_subscribe("a.", DNS_TYPE_A), refusals[i].rcode, refusals[i].sent);
		expect_refused(handle, refusals[i].rcode, refusals[i].delay);
		/* PUSH-059: what was accepted stays. */
		push_a(FEED_ADD, "kept.", 1, 60);
		expect_a(FEED_ADD, "kept.", 1, 60);
		expect_batch(1);
		want("b.", DNS_TYPE_A);
		uint64_t due_ms = end.now_ms + refusals[i].delay;
		assert_true(push_client_deadline_ms(client) == due_ms);
		pass(refusals[i].delay - 1);
		end_assert_silent(&end);
		/* Nor on another connection. */
		disconnect_session();
		connect_session();
		end_assert_silent(&end);
		pass(1);
		take_subscribe("b.", DNS_TYPE_A);
		take_subscribe("kept.", DNS_TYPE_A);
		take_subscribe("a.", DNS_TYPE_A);
		end_assert_silent(&end);
	}
}

/* PUSH-059, PUSH-060: a refusal that a Retry Delay message follows: the session ends, what is wanted waits for the
 * next. */
static void test_refused_with_retry_delay(void **state)
{
	(void)state;
	uint32_t handle;
	open_question("kept.", DNS_TYPE_A, &handle);
	uint32_t refused = want("a.", DNS_TYPE_A);
	respond(take_subscribe("a.", DNS_TYPE_A), DNS_RCODE_NOTAUTH, 1000);
	expect_refused(refused, DNS_RCODE_NOTAUTH, 1000);
	end_feed(&end, "000030020000000000000000000200040000ea60");
	assert_true(end.closed);
	disconnect_session();
	pass(60000);
	connect_session();
	respond(take_subscribe("kept.", DNS_TYPE_A), 0, NO_TLV);
	expect_active(handle);
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	expect_active(refused);
	end_assert_silent(&end);
}

/* PUSH-057: NOTAUTH is about the name; the rest of the server may be asked. */
static void test_refused_notauth(void **state)
{
	(void)state;
	uint8_t message[64];
	uint32_t handle = want("a.", DNS_TYPE_A);
	uint16_t id = take_subscribe("a.", DNS_TYPE_A);
	size_t len = from_hex(VECTOR_SUBSCRIBE_RESPONSE_NOTAUTH, message);
	bytes_store_u16(message, id);
	end_feed_bytes(&end, message, len, false);
	expect_refused(handle, DNS_RCODE_NOTAUTH, 300000);
	want("b.", DNS_TYPE_A);
	respond(take_subscribe("b.", DNS_TYPE_A), 0, NO_TLV);
	expect(PUSH_CLIENT_ACTIVE);
	/* A user that comes meanwhile is told, with what is left of the delay. */
	pass(100000);
	uint32_t late = want("a.", DNS_TYPE_A);
	expect_refused(late, DNS_RCODE_NOTAUTH, 200000);
	pass(199999);
	end_assert_silent(&end);
	pass(1);
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	expect_active(late);
	expect_active(handle);
	end_assert_silent(&end);
}

/* PUSH-058: another server is not bound by the delays of the last one. */
static void test_forget_delays(void **state)
{
	(void)state;
	want("a.", DNS_TYPE_A);
	respond(take_subscribe("a.", DNS_TYPE_A), DNS_RCODE_REFUSED, NO_TLV);
	disconnect_session();
	push_client_forget_delays(client);
	connect_session();
	take_subscribe("a.", DNS_TYPE_A);
}

/* DSO-022, PUSH-121: a cancel ends that subscription alone, its records age, and it is asked for again in time. */
static void test_cancelled(void **state)
{
	(void)state;
	uint32_t handle;
	uint16_t id = open_question("a.", DNS_TYPE_A, &handle);
	open_question("b.", DNS_TYPE_A, NULL);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "b.", 2, 0);
	send_push();
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "b.", 2, 0);
	expect_batch(2);
	respond(id, DNS_RCODE_NOTAUTH, 90000);
	expect_refused(handle, DNS_RCODE_NOTAUTH, 90000);
	push_a(FEED_ADD, "a.", 3, 60);
	expect_nothing();
	pass(60000);
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
	pass(30000);
	take_subscribe("a.", DNS_TYPE_A);
	assert_int_equal(push_client_record_count(client), 1);
	end_assert_silent(&end);
}

/* B18, PUSH-133: after a reconnect all is asked again and only differences are reported. */
static void test_reconnect(void **state)
{
	(void)state;
	uint32_t handle;
	open_question("a.", DNS_TYPE_A, &handle);
	for (uint8_t i = 1; i <= 3; i++) {
		push_a(FEED_ADD, "a.", i, 60);
		expect_a(FEED_ADD, "a.", i, 60);
		expect_batch(1);
	}
	disconnect_session();
	expect_nothing();
	assert_int_equal(push_client_record_count(client), 3);
	pass(5000);
	connect_session();
	uint16_t id = take_subscribe("a.", DNS_TYPE_A);
	end_assert_silent(&end);
	respond(id, 0, NO_TLV);
	expect_active(handle);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "a.", 3, 90);
	add_a(FEED_ADD, "a.", 4, 60);
	send_push();
	expect_a(FEED_ADD, "a.", 3, 90);
	expect_a(FEED_ADD, "a.", 4, 60);
	expect_batch(2);
	answer_fence();
	expect_a(FEED_REMOVE, "a.", 2, 60);
	expect_batch(1);
	expect_nothing();
	/* Nothing ages any more, and there is nothing more to ask. */
	assert_true(push_client_deadline_ms(client) == UINT64_MAX);
	end_assert_silent(&end);
}

/* B18: no initial PUSH at all may mean that nothing is there. */
static void test_reconnect_empty(void **state)
{
	(void)state;
	open_question("a.", DNS_TYPE_A, NULL);
	open_question("b.", DNS_TYPE_A, NULL);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "b.", 2, 60);
	send_push();
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "b.", 2, 60);
	expect_batch(2);
	disconnect_session();
	connect_session();
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	uint16_t second = take_subscribe("b.", DNS_TYPE_A);
	expect(PUSH_CLIENT_ACTIVE);
	/* The response for b comes after the first Keepalive went out, so b waits for the next. */
	respond(second, 0, NO_TLV);
	expect(PUSH_CLIENT_ACTIVE);
	answer_fence();
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
	expect_nothing();
	answer_fence();
	expect_a(FEED_REMOVE, "b.", 2, 60);
	expect_batch(1);
	expect_nothing();
	end_assert_silent(&end);
}

/* PUSH-121: without a session the TTL counts too. */
static void test_detached_ageing(void **state)
{
	(void)state;
	open_question("a.", DNS_TYPE_A, NULL);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "a.", 2, 0);
	send_push();
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 2, 0);
	expect_batch(2);
	disconnect_session();
	expect_a(FEED_REMOVE, "a.", 2, 0);
	expect_batch(1);
	pass(60000);
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
	connect_session();
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	/* Nothing stale, no Keepalive. */
	end_assert_silent(&end);
}

/* A question wanted again while its records age: the same differences. */
static void test_resubscribe_ageing(void **state)
{
	(void)state;
	uint32_t handle;
	uint16_t id = open_question("a.", DNS_TYPE_A, &handle);
	add_a(FEED_ADD, "a.", 1, 60);
	add_a(FEED_ADD, "a.", 2, 60);
	send_push();
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 2, 60);
	expect_batch(2);
	assert_int_equal(push_client_unsubscribe(client, handle, end.now_ms), 0);
	take_unsubscribe(id);
	pass(1000);
	handle = want("a.", DNS_TYPE_A);
	expect_a(FEED_ADD, "a.", 1, 60);
	expect_a(FEED_ADD, "a.", 2, 60);
	expect_batch(2);
	respond(take_subscribe("a.", DNS_TYPE_A), 0, NO_TLV);
	expect_active(handle);
	push_a(FEED_ADD, "a.", 2, 60);
	expect_nothing();
	answer_fence();
	expect_a(FEED_REMOVE, "a.", 1, 60);
	expect_batch(1);
	end_assert_silent(&end);
}

/* PUSH-110, PUSH-111: the vector without its padding; nothing without a session. */
static void test_reconfirm(void **state)
{
	(void)state;
	struct wire_name name = name_of("_ipp._tcp.example.com.");
	struct wire_name target = name_of("Office\\032Printer._ipp._tcp.example.com.");
	uint8_t want_bytes[128];
	uint8_t message[65535];
	from_hex(VECTOR_RECONFIRM_PADDED, want_bytes);
	assert_int_equal(push_client_reconfirm(client, name.data, DNS_TYPE_PTR, 1, target.data, target.len, end.now_ms),
	                 0);
	assert_int_equal(end_take(&end, message), 16 + 0x41);
	assert_memory_equal(message, want_bytes, 16 + 0x41);
	assert_int_equal(push_client_reconfirm(client, name.data, 255, 1, target.data, target.len, end.now_ms),
	                 ERR_INVALID);
	assert_int_equal(push_client_reconfirm(client, name.data, 12, 255, target.data, target.len, end.now_ms),
	                 ERR_INVALID);
	assert_int_equal(push_client_reconfirm(client, name.data, DNS_TYPE_A, 1, target.data, 3, end.now_ms),
	                 ERR_RDATA);
	end_assert_silent(&end);
	disconnect_session();
	assert_int_equal(push_client_reconfirm(client, name.data, DNS_TYPE_PTR, 1, target.data, target.len, end.now_ms),
	                 ERR_STATE);
}

/* The cap of records: the one beyond it ends the session. */
static void test_records_max(void **state)
{
	(void)state;
	teardown(NULL);
	setup_max(2);
	open_question("a.", DNS_TYPE_A, NULL);
	push_a(FEED_ADD, "a.", 1, 60);
	push_a(FEED_ADD, "a.", 2, 60);
	push_a(FEED_ADD, "a.", 1, 90);
	end_assert_silent(&end);
	push_a(FEED_ADD, "a.", 3, 60);
	end_assert_reset(&end);
	assert_int_equal(push_client_record_count(client), 2);
}

/* Many questions at once: a bounded number of SUBSCRIBEs waits for responses. */
static void test_many_questions(void **state)
{
	(void)state;
	static uint16_t ids[600];
	size_t sent = 0;
	uint8_t message[65535];
	for (unsigned i = 0; i < 600; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.", i);
		want(name, DNS_TYPE_A);
	}
	while (end_take(&end, message) > 0) {
		ids[sent++] = bytes_load_u16(message);
	}
	assert_int_equal(sent, 256);
	for (size_t i = 0; i < sent; i++) {
		respond(ids[i], 0, NO_TLV);
		while (end_take(&end, message) > 0) {
			ids[sent++] = bytes_load_u16(message);
		}
	}
	assert_int_equal(sent, 600);
	for (size_t i = 0; i < 600; i++) {
		expect(PUSH_CLIENT_ACTIVE);
	}
	expect_nothing();
}

/* A large set arrives and goes. */
static void test_many_records(void **state)
{
	(void)state;
	enum { COUNT = 3000 };
	static struct feed_change many[COUNT];
	static uint8_t bytes[COUNT][4];
	struct wire_name owner = name_of("a.");
	struct buf out;
	open_question("a.", DNS_TYPE_A, NULL);
	for (uint32_t i = 0; i < COUNT; i++) {
		bytes_store_u32(bytes[i], i);
		many[i] = change_of(FEED_ADD, &owner, DNS_TYPE_A, 60, bytes[i], 4);
	}
	buf_init(&out, 0);
	assert_int_equal(push_encode(many, COUNT, true, &out), 0);
	while (buf_len(&out) > 0) {
		size_t step = buf_len(&out) < 5000 ? buf_len(&out) : 5000;
		assert_int_equal(dso_session_feed(end.session, buf_data(&out), step, false, end.now_ms), 0);
		buf_consume(&out, step);
		end_run(&end);
	}
	assert_int_equal(push_client_record_count(client), COUNT);
	struct push_client_event event;
	size_t adds = 0;
	while (push_client_next_event(client, &event)) {
		adds += event.type == PUSH_CLIENT_CHANGE && event.change.op == FEED_ADD;
	}
	assert_int_equal(adds, COUNT);
	add_change(FEED_REMOVE_RRSET, "a.", DNS_TYPE_A, 0, NULL, 0);
	send_push();
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(expect(PUSH_CLIENT_CHANGE).change.op, FEED_REMOVE);
	}
	expect_batch(COUNT);
	assert_int_equal(push_client_record_count(client), 0);
}

/* What the events say must be what the client holds. */
static size_t drain_count(size_t held)
{
	struct push_client_event event;
	while (push_client_next_event(client, &event)) {
		if (event.type == PUSH_CLIENT_CHANGE && event.handle == 0) {
			held += event.change.op == FEED_ADD ? 1 : (size_t)-1;
		}
	}
	return held;
}

/* Subscribe, hold records, lose the session, and clean up, with one allocation failing. */
static void run_with_failure(long after)
{
	uint8_t message[65535];
	uint32_t handle = 0;
	size_t held = 0;
	struct push_question q = question_of("a.", DNS_TYPE_A);

	mem_fail_after(after);
	int err = push_client_subscribe(client, &q, end.now_ms, &handle);
	assert_true(err == 0 || err == ERR_NOMEM);
	assert_int_equal(push_client_wanted_count(client), err == 0);
	if (!err && end_take(&end, message) > 0) {
		respond(bytes_load_u16(message), 0, NO_TLV);
		for (uint8_t i = 0; i < 12 && !end.aborted; i++) {
			static const uint8_t head[] = {0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0, 17};
			memcpy(message, head, sizeof(head));
			from_hex("016100000100010000003c0004c0000201", message + sizeof(head));
			message[sizeof(head) + 16] = i;
			end_feed_bytes(&end, message, sizeof(head) + 17, false);
		}
		held = drain_count(held);
		assert_int_equal(push_client_record_count(client), held);
		uint32_t late;
		if (!push_client_subscribe(client, &q, end.now_ms, &late)) {
			held = drain_count(held);
			assert_int_equal(push_client_unsubscribe(client, late, end.now_ms), 0);
		}
		push_client_unsubscribe(client, handle, end.now_ms);
		pass(60000);
		pass(1000);
		held = drain_count(held);
		assert_int_equal(held, 0);
		assert_int_equal(push_client_record_count(client), 0);
	}
}

static void test_memory_failure(void **state)
{
	(void)state;
	bool failed = true;
	mem_fail_after(0);
	assert_null(push_client_new(0));
	mem_fail_after(-1);
	for (long after = 0; failed; after++) {
		restart();
		run_with_failure(after);
		failed = mem_failed();
		mem_fail_after(-1);
		assert_true(after < 500);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_shared_question, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cannot_subscribe, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wait_for_session, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_vectors, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_removals, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_reserved_ttl, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_empty_rdata, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_case, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_cname, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_idempotent, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_collective_match, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_collective_scope, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_bad_push, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_too_long, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_push_too_long_by_padding, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_bad_messages, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_response_with_subscribe, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_ageing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_overlap, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_idle_after_unsubscribe, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_late_user, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_unsubscribe_before_response, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refused_with_retry_delay, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_refused_notauth, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_forget_delays, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_reconnect, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_reconnect_empty, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_detached_ageing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_resubscribe_ageing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_reconfirm, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_records_max, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_many_questions, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_many_records, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_memory_failure, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
