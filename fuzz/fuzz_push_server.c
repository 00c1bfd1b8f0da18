/*
 * The server half of Push against a hostile client. The owner here accepts a
 * SUBSCRIBE, refuses it or leaves it open, as the first letter of the name
 * says ("r", "p"), and keeps its own list of what is open; both must agree
 * after every event. The first byte is the size of the pieces in which the rest
 * arrives; 0: all at once.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "dso/session.h"
#include "fuzz.h"
#include "push/server.h"
#include "wire/dns.h"

enum { KEYS = 4096 };

static struct dso_session *session;
static struct push_server *server;
static struct push_reconfirm record;
static bool open[65536]; /* by ID */
static uint16_t opened[65536];
static size_t open_count;
static char keys[KEYS]; /* their addresses stand for questions */
static bool key_open[KEYS];
static char *key_of[65536];
static bool is_over;
static uint64_t now_ms;

/* Equal questions get equal keys; a few others do too, and are duplicates then. */
static char *find_key(const struct push_question *q)
{
	struct wire_name name = q->name;
	uint32_t hash = 0x811c9dc5u ^ (uint32_t)q->type << 16 ^ q->dns_class;
	wire_name_lower(name.data);
	for (size_t i = 0; i < name.len; i++) {
		hash = (hash ^ name.data[i]) * 0x01000193u;
	}
	return &keys[hash % KEYS];
}

static void handle_subscribe(const struct push_server_event *told)
{
	uint8_t first = told->question.name.data[1];
	FUZZ_REQUIRE(push_type_is_subscribable(told->question.type));
	FUZZ_REQUIRE(told->id != 0 && !open[told->id]);
	if (told->question.name.len > 1 && first == 'r') {
		FUZZ_REQUIRE(push_server_refuse(server, told->id, DNS_RCODE_REFUSED, DSO_NO_DELAY, now_ms) == 0);
		return;
	}
	if (told->question.name.len > 1 && first == 'p') {
		return;
	}
	char *key = find_key(&told->question);
	int err = push_server_accept(server, told->id, key, now_ms);
	if (key_open[key - keys]) {
		FUZZ_REQUIRE(err == ERR_PROTOCOL);
		return;
	}
	FUZZ_REQUIRE(err == 0);
	key_open[key - keys] = true;
	key_of[told->id] = key;
	open[told->id] = true;
	opened[open_count++] = told->id;
}

static void close_id(uint16_t id)
{
	size_t i = 0;
	while (opened[i] != id) {
		FUZZ_REQUIRE(++i < open_count);
	}
	opened[i] = opened[--open_count];
	open[id] = false;
	key_open[key_of[id] - keys] = false;
}

static void handle(const struct dso_event *event)
{
	struct push_server_event told;
	push_server_handle(server, event, now_ms, &told);
	switch (told.type) {
	case PUSH_SERVER_SUBSCRIBE:
		handle_subscribe(&told);
		break;
	case PUSH_SERVER_UNSUBSCRIBE:
		FUZZ_REQUIRE((told.key != NULL) == open[told.id]);
		FUZZ_REQUIRE(!told.key || told.key == key_of[told.id]);
		if (told.key) {
			close_id(told.id);
		}
		break;
	case PUSH_SERVER_RECONFIRM:
		FUZZ_REQUIRE(push_reconfirm_read(&told.reconfirm, &record) == 0);
		break;
	default:
		break;
	}
	FUZZ_REQUIRE(push_server_count(server) == open_count);
}

static void feed(const uint8_t *data, size_t len)
{
	struct dso_event event;
	size_t sent;
	if (is_over) {
		return;
	}
	dso_session_feed(session, data, len, false, now_ms);
	while (!is_over && dso_session_next_event(session, now_ms, &event)) {
		if (event.type == DSO_EVENT_CLOSE || event.type == DSO_EVENT_ABORT) {
			is_over = true;
		} else if (event.type == DSO_EVENT_MESSAGE) {
			dso_session_answer(session, event.token, NULL, 0, now_ms);
		} else {
			handle(&event);
		}
		dso_session_output(session, &sent);
		dso_session_output_sent(session, sent);
	}
}

static void check_table(void)
{
	for (size_t i = 0; i < push_server_count(server); i++) {
		uint16_t id;
		char *key = push_server_key(server, i, &id);
		FUZZ_REQUIRE(open[id] && key == key_of[id] && push_server_has(server, key));
		close_id(id);
	}
	FUZZ_REQUIRE(open_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t keepalive[] = {0, 24, 0xff, 0xfe, 0x30, 0, 0, 0, 0, 0, 0, 0, 0,
	                                    0, 0,  1,    0,    8,    0, 0, 1, 0, 0, 1, 0, 0};
	struct dso_config config;

	if (size == 0) {
		return 0;
	}
	dso_config_init(&config, DSO_SERVER);
	config.tls = true;
	config.types = push_types;
	config.type_count = push_type_count;
	now_ms = 1000;
	is_over = false;
	session = dso_session_new(&config, now_ms);
	FUZZ_REQUIRE(session);
	server = push_server_new(session);
	FUZZ_REQUIRE(server);
	feed(keepalive, sizeof(keepalive));
	FUZZ_REQUIRE(!is_over && dso_session_established(session));

	size_t piece = data[0] > 0 ? data[0] : size;
	for (size_t at = 1; at < size; at += piece) {
		feed(data + at, size - at < piece ? size - at : piece);
	}
	check_table();
	push_server_free(server);
	dso_session_free(session);
	return 0;
}
