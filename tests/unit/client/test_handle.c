/*
 * A handle against a small server in the same thread: the two loops run in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../net/pki.h"
#include "base/err.h"
#include "base/mem.h"
#include "conn/pump.h"
#include "dnspush.h"
#include "net/tls.h"
#include "push/server.h"
#include "wire/dns.h"
#include "wire/text.h"

enum { PEERS_MAX = 8, RECORDS_MAX = 8, HOUR_MS = 3600000 };

static struct pki pki;

/* A connection as the server sees it. */
struct peer {
	struct conn *conn;
	struct push_server *push;
	struct net_stream_ops ops; /* the stream's own with another read() */
	uint8_t in[4096];          /* what came, deciphered */
	size_t in_len;
};

static struct fixture {
	struct net_loop *loop;
	struct net_tls *tls;
	struct net_watch *watch;
	struct dso_config dso;
	struct conn_config config;
	struct net_address at;
	int listener;
	int accept_count;
	struct peer peers[PEERS_MAX];
	unsigned refuse_rcode; /* nonzero: SUBSCRIBEs are refused with it */
	uint32_t refuse_ms;
	bool silent;     /* SUBSCRIBEs and queries get no answer */
	bool drop_early; /* cut with the first bytes that come */
	struct feed_change records[RECORDS_MAX];
	size_t record_count;
	char seen[4096]; /* by the server */
	struct dnspush *h;
	char got[8192]; /* events of the handle */
	uint32_t retry_ms;
	int process_error;
} f;

static void add_text(char *text, size_t size, const char *line)
{
	size_t len = strlen(text);

	assert_true(len + strlen(line) + 2 < size);
	snprintf(text + len, size - len, "%s\n", line);
}

/* ---- the server ---- */

static const struct net_stream_ops *inner_ops;

static struct peer *peer_of(const struct net_stream *s)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (s->ops == &f.peers[i].ops) {
			return &f.peers[i];
		}
	}
	return NULL;
}

static int spy_read(struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len, bool *ret_early)
{
	struct peer *p = peer_of(s);
	int err = inner_ops->read(s, data, cap, ret_len, ret_early);

	if (err == 0) {
		assert_true(p->in_len + *ret_len <= sizeof(p->in));
		memcpy(p->in + p->in_len, data, *ret_len);
		p->in_len += *ret_len;
		if (f.drop_early) {
			return ERR_SYSTEM;
		}
	}
	return err;
}

static void opened(void *context, struct conn *c)
{
	struct peer *p = context;

	add_text(f.seen, sizeof(f.seen), "opened");
	p->push = push_server_new(conn_session(c));
	assert_non_null(p->push);
}

static void send_changes(struct peer *p, const struct feed_change *changes, size_t count)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(push_encode(changes, count, false, &out), 0);
	if (buf_len(&out) > 0) {
		assert_int_equal(
		        dso_session_send(conn_session(p->conn), buf_data(&out), buf_len(&out), net_loop_now_ms(f.loop)),
		        0);
		conn_flush(p->conn);
	}
	buf_done(&out);
}

static void subscribe(struct peer *p, const struct push_server_event *e)
{
	struct feed_change some[RECORDS_MAX];
	size_t count = 0;
	uint64_t now_ms = net_loop_now_ms(f.loop);
	char name[WIRE_NAME_TEXT_MAX], type[WIRE_TYPE_TEXT_MAX], line[400];

	wire_name_to_text(e->question.name.data, name, sizeof(name));
	snprintf(line, sizeof(line), "subscribe %.300s %s", name, wire_type_to_text(e->question.type, type));
	add_text(f.seen, sizeof(f.seen), line);
	if (f.silent) {
		return;
	}
	if (f.refuse_rcode) {
		assert_int_equal(push_server_refuse(p->push, e->id, f.refuse_rcode, f.refuse_ms, now_ms), 0);
		return;
	}
	/* Questions are never repeated within a session here, so any key of its own does. */
	assert_int_equal(push_server_accept(p->push, e->id, &f.seen[e->id % sizeof(f.seen)], now_ms), 0);
	for (size_t i = 0; i < f.record_count; i++) {
		const struct feed_change *r = &f.records[i];

		if (wire_name_equal(r->owner, e->question.name.data) &&
		    push_matches(e->question.type, e->question.dns_class, r->type, r->dns_class)) {
			some[count++] = *r;
		}
	}
	send_changes(p, some, count);
}

static void answer(struct conn *c, const struct dso_event *event)
{
	uint8_t message[512];
	size_t len = bytes_left(&event->data);

	add_text(f.seen, sizeof(f.seen), "query");
	if (!f.silent) {
		assert_true(len <= sizeof(message));
		memcpy(message, event->data.pos, len);
		message[2] |= 0x80;
		assert_int_equal(
		        dso_session_answer(conn_session(c), event->token, message, len, net_loop_now_ms(f.loop)), 0);
	}
}

static void event(void *context, struct conn *c, const struct dso_event *ev)
{
	struct peer *p = context;
	struct push_server_event e;

	switch (ev->type) {
	case DSO_EVENT_ESTABLISHED:
		add_text(f.seen, sizeof(f.seen), "established");
		break;
	case DSO_EVENT_MESSAGE:
		answer(c, ev);
		break;
	case DSO_EVENT_REQUEST:
	case DSO_EVENT_UNIDIRECTIONAL:
		push_server_handle(p->push, ev, net_loop_now_ms(f.loop), &e);
		if (e.type == PUSH_SERVER_SUBSCRIBE) {
			subscribe(p, &e);
		} else if (e.type == PUSH_SERVER_UNSUBSCRIBE) {
			add_text(f.seen, sizeof(f.seen), "unsubscribe");
		} else if (e.type == PUSH_SERVER_RECONFIRM) {
			add_text(f.seen, sizeof(f.seen), "reconfirm");
		}
		break;
	default:
		break;
	}
}

static void drained(void *context, struct conn *c)
{
	(void)context;
	(void)c;
}

static void closed(void *context, struct conn *c, int error, enum dso_reason reason)
{
	struct peer *p = context;

	(void)c;
	(void)reason;
	add_text(f.seen, sizeof(f.seen), error ? "cut" : "closed");
	push_server_free(p->push);
	p->push = NULL;
	p->conn = NULL;
}

static void accepting(void *context, unsigned events)
{
	struct net_address from;
	int fd;

	(void)context;
	(void)events;
	while ((fd = net_accept(f.listener, &from)) >= 0) {
		struct peer *p = &f.peers[f.accept_count++];
		static const struct conn_callbacks callbacks = {opened, event, drained, closed};

		assert_true(f.accept_count <= PEERS_MAX);
		struct net_stream *s = net_tls_stream_new(f.tls, fd, &from, false);

		assert_non_null(s);
		inner_ops = s->ops;
		p->ops = *s->ops;
		p->ops.read = spy_read;
		s->ops = &p->ops;
		f.config = (struct conn_config){&f.dso, &callbacks, 20000, 20000};
		p->conn = conn_new(f.loop, &f.config, s, p);
		assert_non_null(p->conn);
	}
}

static void expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	(void)context;
	conn_expired(entry, now_ms);
}

static struct feed_change record(const uint8_t *owner, const char *last)
{
	return (struct feed_change){.owner = owner,
	                            .rdata = (const uint8_t *)last,
	                            .rdata_len = 4,
	                            .ttl = 3600,
	                            .type = DNS_TYPE_A,
	                            .dns_class = DNS_CLASS_IN,
	                            .op = FEED_ADD};
}

static const uint8_t www[] = "\3www\7example";

static const char one[] = "\xc0\0\2\1", two[] = "\xc0\0\2\2", three[] = "\xc0\0\2\3";

static void set_records(const char *first, const char *second)
{
	f.records[0] = record(www, first);
	f.records[1] = record(www, second);
	f.record_count = 2;
}

static struct peer *newest(void)
{
	return &f.peers[f.accept_count - 1];
}

/* ---- the handle ---- */

static void note_event(const struct dnspush_event *e)
{
	char line[512] = "";

	switch (e->event) {
	case DNSPUSH_EVENT_CONNECTED:
		snprintf(line, sizeof(line), "connected %s push=%d", e->authenticated, e->push);
		assert_non_null(e->tls);
		assert_non_null(e->server);
		break;
	case DNSPUSH_EVENT_SUBSCRIBED:
		snprintf(line, sizeof(line), "subscribed %u %s %s", e->id, e->name, e->type);
		break;
	case DNSPUSH_EVENT_ADD:
	case DNSPUSH_EVENT_REMOVE:
		snprintf(line, sizeof(line), "%c %s %s", e->event == DNSPUSH_EVENT_ADD ? '+' : '-', e->name, e->rdata);
		break;
	case DNSPUSH_EVENT_BATCH:
		snprintf(line, sizeof(line), "batch %zu", e->changes);
		break;
	case DNSPUSH_EVENT_REFUSED:
		snprintf(line, sizeof(line), "refused %u %s %u", e->id, e->rcode, e->retry_after_ms);
		break;
	case DNSPUSH_EVENT_ANSWER:
		snprintf(line, sizeof(line), "answer %u %04x %zu", e->id, bytes_load_u16(e->message), e->message_len);
		break;
	case DNSPUSH_EVENT_FAILED:
		snprintf(line, sizeof(line), "failed %u", e->id);
		assert_true(e->reason && e->reason[0]);
		break;
	case DNSPUSH_EVENT_DISCONNECTED:
		snprintf(line, sizeof(line), "disconnected untrusted=%d", e->untrusted);
		f.retry_ms = e->retry_after_ms;
		assert_true(e->reason && e->reason[0]);
		break;
	case DNSPUSH_EVENT_CLOSED:
		snprintf(line, sizeof(line), "end");
		break;
	}
	add_text(f.got, sizeof(f.got), line);
}

static void turn(void)
{
	struct dnspush_event e;
	int err = dnspush_process(f.h);

	f.process_error = err ? err : f.process_error;
	while (dnspush_next_event(f.h, &e)) {
		note_event(&e);
	}
	net_loop_run_once(f.loop, 1);
}

static void until_in(const char *text, const char *line)
{
	for (int i = 0; i < 20000 && !strstr(text, line); i++) {
		turn();
	}
	if (!strstr(text, line)) {
		fail_msg("no \"%s\"; events:\n%s\nthe server saw:\n%s", line, f.got, f.seen);
	}
}

static void until(const char *line)
{
	until_in(f.got, line);
}

/* Turns enough for whatever is under way. */
static void settle(void)
{
	for (int i = 0; i < 50; i++) {
		turn();
	}
}

static void forget(void)
{
	f.got[0] = '\0';
	f.seen[0] = '\0';
}

static int new_handle(const char *ca, struct dnspush **ret_handle)
{
	char server[NET_ADDRESS_TEXT_MAX];
	const struct dnspush_options o = {
	        .server = net_address_text(&f.at, server), .tls_ca = ca, .connect_timeout_ms = 20000};

	return dnspush_new(&o, NULL, 0, ret_handle);
}

static uint32_t follow(const char *name, const char *type)
{
	uint32_t id = 0;

	assert_int_equal(dnspush_subscribe(f.h, name, type, &id), 0);
	return id;
}

/* Up, following www.example/A with two records. */
static void start(void)
{
	set_records(one, two);
	follow("www.example", "A");
	until("batch 2\n");
	assert_non_null(strstr(f.got, "connected pkix push=1\n"));
	assert_int_equal(f.accept_count, 1);
}

/* Whatever is asked for: no other connection comes. */
static void expect_left_alone(uint32_t delay_ms)
{
	int before = f.accept_count;

	settle();
	int timeout_ms = dnspush_timeout_ms(f.h);

	if (delay_ms == UINT32_MAX) {
		assert_int_equal(timeout_ms, -1);
	} else {
		assert_in_range(timeout_ms, delay_ms - 60000, delay_ms);
	}
	follow("late.example", "A");
	settle();
	assert_int_equal(f.accept_count, before);
}

static int setup(void **state)
{
	static const struct net_loop_callbacks loop_callbacks = {expired, NULL, NULL};
	const struct net_tls_server_options tls = {.certificate = pki.server, .key = pki.server_key};
	char error[256];

	(void)state;
	memset(&f, 0, sizeof(f));
	f.loop = net_loop_new(&loop_callbacks, NULL);
	if (!f.loop || net_tls_server_new(&tls, error, &f.tls) || net_address_parse("127.0.0.1@0", 0, &f.at)) {
		return -1;
	}
	f.listener = net_listen_tcp(&f.at, false);
	if (f.listener < 0 || net_local_address(f.listener, &f.at)) {
		return -1;
	}
	f.watch = net_watch_new(f.loop, f.listener, NET_READABLE, accepting, NULL);
	dso_config_init(&f.dso, DSO_SERVER);
	f.dso.tls = true;
	f.dso.types = push_types;
	f.dso.type_count = push_type_count;
	return new_handle(pki.ca, &f.h);
}

static int teardown(void **state)
{
	(void)state;
	dnspush_free(f.h);
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (f.peers[i].conn) {
			conn_abort(f.peers[i].conn);
		}
	}
	net_loop_run_once(f.loop, 0);
	net_watch_free(f.watch);
	close(f.listener);
	net_loop_free(f.loop);
	net_tls_unref(f.tls);
	return 0;
}

/* ---- tests ---- */

/* DSO-031: the first message is a Keepalive request; SUBSCRIBEs come behind its answer. */
static void a_session_begins_with_a_keepalive(void **state)
{
	(void)state;
	start();
	const uint8_t *in = newest()->in;

	assert_int_equal(in[4] & 0xf8, 0x30);
	assert_true(bytes_load_u16(in + 2) != 0);
	assert_int_equal(bytes_load_u16(in + 14), 1);
	assert_true(strstr(f.seen, "established\n") < strstr(f.seen, "subscribe www.example. A\n"));
}

static void changes_become_events(void **state)
{
	struct feed_change change;

	(void)state;
	start();
	assert_non_null(strstr(f.got, "subscribed 1 www.example. A\n"));
	assert_non_null(strstr(f.got, "+ www.example. 192.0.2.1\n"));
	assert_non_null(strstr(f.got, "+ www.example. 192.0.2.2\n"));
	forget();
	change = record(www, one);
	change.op = FEED_REMOVE;
	send_changes(newest(), &change, 1);
	until("batch 1\n");
	assert_string_equal(f.got, "- www.example. 192.0.2.1\nbatch 1\n");
	forget();
	change = (struct feed_change){.owner = www, .type = 255, .dns_class = DNS_CLASS_IN, .op = FEED_REMOVE_CLASS};
	send_changes(newest(), &change, 1);
	until("batch 1\n");
	assert_string_equal(f.got, "- www.example. 192.0.2.2\nbatch 1\n");
}

static void a_refusal_is_told_and_asked_again(void **state)
{
	(void)state;
	f.refuse_rcode = DNS_RCODE_NOTAUTH;
	f.refuse_ms = 20;
	follow("www.example", "A");
	until("refused 1 NOTAUTH 20\n");
	f.refuse_rcode = 0;
	until("subscribed 1 www.example. A\n");
	assert_int_equal(f.accept_count, 1);
}

/* DSO-083 */
static void everything_shares_one_connection(void **state)
{
	static const uint8_t query[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
	uint32_t id;

	(void)state;
	start();
	follow("other.test", "TXT");
	uint32_t third = follow("third.test", NULL);

	assert_int_equal(dnspush_send(f.h, query, sizeof(query), &id), 0);
	assert_int_equal(dnspush_reconfirm(f.h, "www.example", "A", "192.0.2.1"), 0);
	until("subscribed 3 third.test. ANY\n");
	/* The answer bears the ID of the message that was given. */
	until("answer 1 abcd 19\n");
	until_in(f.seen, "reconfirm\n");
	assert_int_equal(dnspush_unsubscribe(f.h, third), 0);
	until_in(f.seen, "unsubscribe\n");
	assert_int_equal(dnspush_unsubscribe(f.h, third), DNSPUSH_E_ARGUMENT);
	assert_int_equal(f.accept_count, 1);
}

/* B18: what was known before the connection broke is not told again. */
static void a_reconnect_tells_the_differences(void **state)
{
	(void)state;
	start();
	forget();
	set_records(two, three);
	conn_abort(newest()->conn);
	until("- www.example. 192.0.2.1\n");
	settle();
	assert_int_equal(f.accept_count, 2);
	assert_non_null(strstr(f.got, "+ www.example. 192.0.2.3\n"));
	assert_null(strstr(f.got, "192.0.2.2\n"));
}

/* DSO-068: requests without an answer count as failed, and a SUBSCRIBE among them is sent again. */
static void unanswered_requests_are_failed_or_sent_again(void **state)
{
	static const uint8_t query[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
	uint32_t id;

	(void)state;
	f.silent = true;
	follow("www.example", "A");
	assert_int_equal(dnspush_send(f.h, query, sizeof(query), &id), 0);
	until_in(f.seen, "subscribe www.example. A\n");
	until_in(f.seen, "query\n");
	forget();
	f.silent = false;
	conn_abort(newest()->conn);
	until("subscribed 1 www.example. A\n");
	assert_non_null(strstr(f.got, "failed 1\n"));
	settle();
	assert_int_equal(f.accept_count, 2);
	/* Nothing is sent twice on the caller's behalf. */
	assert_null(strstr(f.seen, "query\n"));
}

static void say_goodbye(uint32_t delay_ms)
{
	dso_session_retry_delay(conn_session(newest()->conn), 0, delay_ms, net_loop_now_ms(f.loop));
	conn_flush(newest()->conn);
}

/* DSO-069 */
static void the_retry_delay_is_obeyed(void **state)
{
	(void)state;
	start();
	say_goodbye(HOUR_MS);
	until("disconnected");
	assert_int_equal(f.retry_ms, HOUR_MS);
	/* The records are held for an hour too; their end is no later. */
	expect_left_alone(HOUR_MS);
}

/* DSO-069, also by who needed nothing when the server said so. */
static void the_retry_delay_holds_without_subscriptions(void **state)
{
	(void)state;
	uint32_t id = follow("none.example", "A");

	until("subscribed");
	assert_int_equal(dnspush_unsubscribe(f.h, id), 0);
	say_goodbye(HOUR_MS);
	until_in(f.seen, "closed\n");
	settle();
	follow("none.example", "A");
	expect_left_alone(HOUR_MS);
}

/* DSO-069 */
static void never_is_never(void **state)
{
	(void)state;
	follow("none.example", "A");
	until("subscribed");
	say_goodbye(UINT32_MAX);
	until("disconnected");
	assert_int_equal(f.retry_ms, UINT32_MAX);
	expect_left_alone(UINT32_MAX);
}

/* DSO-070, and DSO-069 for a delay that passes. */
static void after_the_delay_it_comes_back(void **state)
{
	(void)state;
	follow("none.example", "A");
	until("subscribed");
	forget();
	uint64_t before_ms = net_clock_ms();

	say_goodbye(50);
	until("subscribed");
	assert_true(net_clock_ms() - before_ms >= 50);
	assert_int_equal(f.accept_count, 2);
}

/* DSO-081 */
static void a_server_that_breaks_the_protocol_is_left_alone(void **state)
{
	/* A DSO message with a question. */
	static const uint8_t bad[] = {0, 12, 0, 0, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	size_t sent;

	(void)state;
	follow("none.example", "A");
	until("subscribed");
	struct net_stream *s = (struct net_stream *)conn_stream(newest()->conn);

	assert_int_equal(s->ops->write(s, bad, sizeof(bad), &sent), 0);
	until("disconnected");
	assert_int_equal(f.retry_ms, HOUR_MS);
	expect_left_alone(HOUR_MS);
}

/* DSO-030 */
static void a_drop_during_set_up_means_no_dso(void **state)
{
	(void)state;
	f.drop_early = true;
	follow("none.example", "A");
	until("disconnected");
	assert_int_equal(f.retry_ms, HOUR_MS);
	assert_true(newest()->in_len > 0);
	f.drop_early = false;
	expect_left_alone(HOUR_MS);
}

/* DSO-082 */
static void the_second_drop_in_a_row_is_waited_for(void **state)
{
	(void)state;
	follow("none.example", "A");
	until("subscribed");
	forget();
	conn_abort(newest()->conn);
	until("disconnected");
	assert_int_equal(f.retry_ms, 0);
	until("subscribed");
	assert_int_equal(f.accept_count, 2);
	forget();
	conn_abort(newest()->conn);
	until("disconnected");
	assert_in_range(f.retry_ms, 1000, 2000);
}

static void a_server_without_dso(void **state)
{
	(void)state;
	f.dso.tls = false;
	follow("none.example", "A");
	until("connected pkix push=0\n");
	until("disconnected");
	assert_int_equal(f.retry_ms, HOUR_MS);
	expect_left_alone(HOUR_MS);
}

/* PUSH-002: not a byte of DNS goes to a server that cannot be authenticated. */
static void an_untrusted_server_gets_nothing(void **state)
{
	(void)state;
	dnspush_free(f.h);
	assert_int_equal(new_handle(pki.other_ca, &f.h), 0);
	follow("none.example", "A");
	until("disconnected untrusted=1\n");
	assert_null(strstr(f.got, "push="));
	until_in(f.seen, "cut\n");
	assert_null(strstr(f.seen, "opened"));
	assert_int_equal(newest()->in_len, 0);
}

static void a_request_that_is_none_fails(void **state)
{
	static const uint8_t response[12] = {0xab, 0xcd, 0x80};
	uint32_t id;

	(void)state;
	assert_int_equal(dnspush_send(f.h, response, 11, &id), DNSPUSH_E_ARGUMENT);
	assert_int_equal(dnspush_send(f.h, response, sizeof(response), &id), 0);
	until("failed 1\n");
}

static void closing_is_orderly(void **state)
{
	static const uint8_t query[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
	uint32_t id;

	(void)state;
	start();
	forget();
	assert_int_equal(dnspush_send(f.h, query, sizeof(query), &id), 0);
	dnspush_close(f.h);
	dnspush_close(f.h);
	until("end\n");
	assert_non_null(strstr(f.got, "failed 1\n"));
	until_in(f.seen, "closed\n");
	assert_int_equal(dnspush_subscribe(f.h, "a", "A", &id), DNSPUSH_E_STATE);
	assert_int_equal(dnspush_send(f.h, query, sizeof(query), &id), DNSPUSH_E_STATE);
	settle();
	assert_int_equal(f.accept_count, 1);
}

static void arguments_are_checked(void **state)
{
	struct dnspush_options o = {.server = "127.0.0.1@x"};
	struct dnspush *h = NULL;
	char error[128] = "";
	uint32_t id;

	(void)state;
	assert_int_equal(dnspush_new(&o, error, sizeof(error), &h), DNSPUSH_E_ARGUMENT);
	assert_true(error[0] != '\0');
	o.server = "127.0.0.1";
	o.tls_ca = "/nonexistent";
	assert_int_equal(dnspush_new(&o, error, sizeof(error), &h), DNSPUSH_E_TLS);
	assert_null(h);
	assert_int_equal(dnspush_subscribe(f.h, "a..b", "A", &id), DNSPUSH_E_ARGUMENT);
	assert_true(dnspush_error(f.h)[0] != '\0');
	assert_int_equal(dnspush_subscribe(f.h, "a", "NOTYPE", &id), DNSPUSH_E_ARGUMENT);
	assert_int_equal(dnspush_subscribe(f.h, "a", "AXFR", &id), DNSPUSH_E_ARGUMENT);
	assert_int_equal(dnspush_reconfirm(f.h, "a", "A", "192.0.2.1"), DNSPUSH_E_STATE);
	assert_int_equal(dnspush_reconfirm(f.h, "a", "ANY", "x"), DNSPUSH_E_ARGUMENT);
	assert_int_equal(dnspush_reconfirm(f.h, "a", "A", "x"), DNSPUSH_E_ARGUMENT);
	assert_int_equal(dnspush_timeout_ms(f.h), -1);
	dnspush_free(NULL);
}

static void calls_without_memory_have_no_effect(void **state)
{
	struct dnspush *h = NULL;
	uint8_t query[12] = {0};
	uint32_t id = 0;
	int err = DNSPUSH_E_MEMORY;

	(void)state;
	for (int after = 0; err; after++) {
		mem_fail_after(after);
		err = new_handle(pki.ca, &h);
		mem_fail_after(-1);
		assert_true(err == 0 || err == DNSPUSH_E_MEMORY);
	}
	dnspush_free(h);
	mem_fail_after(0);
	assert_int_equal(dnspush_send(f.h, query, sizeof(query), &id), DNSPUSH_E_MEMORY);
	mem_fail_after(0);
	assert_int_equal(dnspush_subscribe(f.h, "none.example", "A", &id), DNSPUSH_E_MEMORY);
	mem_fail_after(-1);
	assert_int_equal(id, 0);
	settle();
	assert_int_equal(f.accept_count, 0);
}

/* Wherever memory ends while a PUSH is handled: all that it said is told in the end, or the failure is, for ever. */
static void nothing_is_lost_in_silence(void **state)
{
	bool told = false;

	(void)state;
	for (int after = 0; after < 16; after++) {
		teardown(state);
		assert_int_equal(setup(state), 0);
		start();
		forget();
		f.records[f.record_count++] = record(www, three);
		send_changes(newest(), &f.records[2], 1);
		for (int i = 0; i < 3; i++) {
			net_loop_run_once(f.loop, 0);
		}
		mem_fail_after(after);
		int err = dnspush_process(f.h);
		mem_fail_after(-1);
		if (err) {
			assert_int_equal(err, DNSPUSH_E_MEMORY);
			assert_int_equal(dnspush_process(f.h), DNSPUSH_E_MEMORY);
			assert_true(dnspush_error(f.h)[0] != '\0');
			told = true;
		} else {
			until("+ www.example. 192.0.2.3\n");
		}
	}
	assert_true(told);
}

static int group_setup(void **state)
{
	(void)state;
	pki_init(&pki);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	pki_done(&pki);
	return 0;
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SERVER(a_session_begins_with_a_keepalive),
	        WITH_SERVER(changes_become_events),
	        WITH_SERVER(a_refusal_is_told_and_asked_again),
	        WITH_SERVER(everything_shares_one_connection),
	        WITH_SERVER(a_reconnect_tells_the_differences),
	        WITH_SERVER(unanswered_requests_are_failed_or_sent_again),
	        WITH_SERVER(the_retry_delay_is_obeyed),
	        WITH_SERVER(the_retry_delay_holds_without_subscriptions),
	        WITH_SERVER(never_is_never),
	        WITH_SERVER(after_the_delay_it_comes_back),
	        WITH_SERVER(a_server_that_breaks_the_protocol_is_left_alone),
	        WITH_SERVER(a_drop_during_set_up_means_no_dso),
	        WITH_SERVER(the_second_drop_in_a_row_is_waited_for),
	        WITH_SERVER(a_server_without_dso),
	        WITH_SERVER(an_untrusted_server_gets_nothing),
	        WITH_SERVER(a_request_that_is_none_fails),
	        WITH_SERVER(closing_is_orderly),
	        WITH_SERVER(arguments_are_checked),
	        WITH_SERVER(calls_without_memory_have_no_effect),
	        WITH_SERVER(nothing_is_lost_in_silence),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
