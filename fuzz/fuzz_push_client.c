/*
 * The client half of Push against a hostile server: a session with two
 * subscriptions, the first of them accepted, reads what the input says. What
 * the events add up to must be what the client holds, and no input may yield
 * more events than its size can explain. The first byte is the size of the
 * pieces in which the rest arrives; 0: all at once.
 */
#include <string.h>

#include "base/bytes.h"
#include "dso/session.h"
#include "fuzz.h"
#include "push/client.h"
#include "wire/dns.h"
#include "wire/rdata.h"

enum { RECORDS_MAX = 500, TICKS_MAX = 2 * RECORDS_MAX + 10 };

static struct push_client *client;
static struct dso_session *session;
static uint64_t now_ms;
static size_t held;  /* by what the events say */
static size_t added; /* adds told of, late users aside */
static bool is_over;

static void drain_client(void)
{
	struct push_client_event event;
	size_t changes = 0;
	while (push_client_next_event(client, &event)) {
		if (event.type == PUSH_CLIENT_BATCH) {
			FUZZ_REQUIRE(event.changes == changes && changes > 0);
			changes = 0;
		} else if (event.type == PUSH_CLIENT_CHANGE) {
			changes++;
			added += event.change.op == FEED_ADD;
			FUZZ_REQUIRE(event.change.op == FEED_ADD || event.change.op == FEED_REMOVE);
			FUZZ_REQUIRE(event.change.ttl <= 0x7fffffff);
			FUZZ_REQUIRE(wire_rdata_check(event.change.type, event.change.rdata, event.change.rdata_len) ==
			             0);
		}
	}
	FUZZ_REQUIRE(changes == 0);
}

/* Adds raise the count by one unless they only change a TTL, so the client's own count is the bound. */
static void run_session(void)
{
	struct dso_event event;
	while (!is_over && dso_session_next_event(session, now_ms, &event)) {
		if (event.type == DSO_EVENT_CLOSE || event.type == DSO_EVENT_ABORT) {
			is_over = true;
		} else {
			push_client_handle(client, &event, now_ms);
		}
		drain_client();
		held = push_client_record_count(client);
		FUZZ_REQUIRE(held <= RECORDS_MAX && held <= added);
	}
}

static void feed(const uint8_t *data, size_t len)
{
	if (!is_over) {
		dso_session_feed(session, data, len, false, now_ms);
		run_session();
	}
}

/* Answer the request that is the next in the output with NOERROR; a Keepalive gets its values back. */
static void answer(void)
{
	size_t len;
	uint8_t response[2 + 24] = {0, 12};
	const uint8_t *output = dso_session_output(session, &len);
	FUZZ_REQUIRE(len >= 2 + DNS_HEADER_LEN + 4);
	size_t message_len = bytes_load_u16(output);
	memcpy(response + 2, output + 2, DNS_HEADER_LEN);
	response[4] |= 0x80;
	if (bytes_load_u16(output + 14) == 1) {
		response[1] = 24;
		memcpy(response + 14, output + 14, 12);
	}
	dso_session_output_sent(session, 2 + message_len);
	feed(response, 2u + response[1]);
}

static void want(const char *name, uint16_t type)
{
	struct push_question q = {.type = type, .dns_class = DNS_CLASS_IN};
	uint32_t handle;
	FUZZ_REQUIRE(wire_name_from_text(name, strlen(name), NULL, &q.name) == 0);
	FUZZ_REQUIRE(push_client_subscribe(client, &q, now_ms, &handle) == 0);
}

/* Without a session everything grows old and goes. */
static void let_age(void)
{
	push_client_detach(client, now_ms);
	drain_client();
	for (unsigned ticks = 0; push_client_record_count(client) > 0; ticks++) {
		FUZZ_REQUIRE(ticks < TICKS_MAX);
		uint64_t deadline_ms = push_client_deadline_ms(client);
		FUZZ_REQUIRE(deadline_ms != UINT64_MAX);
		now_ms = deadline_ms > now_ms ? deadline_ms : now_ms;
		push_client_tick(client, now_ms);
		FUZZ_REQUIRE(push_client_deadline_ms(client) > now_ms);
		drain_client();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dso_config config;
	uint16_t id;

	if (size == 0) {
		return 0;
	}
	dso_config_init(&config, DSO_CLIENT);
	config.tls = true;
	config.types = push_types;
	config.type_count = push_type_count;
	now_ms = 1000;
	held = added = 0;
	is_over = false;
	session = dso_session_new(&config, now_ms);
	client = push_client_new(RECORDS_MAX);
	FUZZ_REQUIRE(session && client);
	want("_ipp._tcp.example.com.", DNS_TYPE_PTR);
	want("printer.example.com.", DNS_TYPE_ANY);
	FUZZ_REQUIRE(dso_session_keepalive(session, now_ms, &id) == 0);
	push_client_attach(client, session, now_ms);
	answer();
	answer();
	FUZZ_REQUIRE(!is_over && dso_session_established(session));

	size_t piece = data[0] > 0 ? data[0] : size;
	for (size_t at = 1; at < size; at += piece) {
		feed(data + at, size - at < piece ? size - at : piece);
	}
	/* The smallest record takes eleven bytes of PUSH. */
	FUZZ_REQUIRE(added <= size / 11 + 1);
	let_age();
	push_client_free(client);
	dso_session_free(session);
	return 0;
}
