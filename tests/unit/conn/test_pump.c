#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../net/pki.h"
#include "base/err.h"
#include "base/mem.h"
#include "conn/pump.h"
#include "net/tls.h"

enum { T_REQUEST = 0xf800, T_NOTE = 0xf801, BODY = 4000 };

static const struct dso_type types[] = {
        {T_REQUEST, DSO_C_PRIMARY},
        {T_NOTE, DSO_S_UNIDIRECTIONAL | DSO_C_UNIDIRECTIONAL},
};

static struct pki pki;

/* One end under the pump, with what happened to it. */
struct end {
	struct conn *conn;
	struct dso_config dso;
	struct conn_config config;
	struct fixture *fixture;
	char trace[128];
	uint16_t request_ids[8];
	size_t request_count;
	bool counts_notes; /* counts unidirectional messages in place of tracing them */
	size_t note_count;
	bool answers;  /* responds to requests inside the event */
	char close_in; /* close in this callback, as the trace names it */
	char abort_in; /* abort in it */
	int error;
	enum dso_reason reason;
	char words[256];
};

struct fixture {
	struct net_loop *loop;
	struct end server;
	struct end client;
};

static void note(struct end *e, char what)
{
	size_t len = strlen(e->trace);

	assert_true(len + 1 < sizeof(e->trace));
	e->trace[len] = what;
	e->trace[len + 1] = '\0';
	if (what == e->close_in) {
		conn_close(e->conn);
		conn_close(e->conn);
		conn_flush(e->conn);
	}
	if (what == e->abort_in) {
		conn_abort(e->conn);
		conn_abort(e->conn);
		conn_close(e->conn);
		conn_flush(e->conn);
	}
}

static void opened(void *context, struct conn *c)
{
	struct end *e = context;

	assert_ptr_equal(e->conn, c);
	assert_non_null(conn_session(c));
	note(e, 'O');
}

static char letter(enum dso_event_type type)
{
	switch (type) {
	case DSO_EVENT_ESTABLISHED:
		return 'E';
	case DSO_EVENT_MESSAGE:
		return 'M';
	case DSO_EVENT_REQUEST:
		return 'Q';
	case DSO_EVENT_UNIDIRECTIONAL:
		return 'U';
	case DSO_EVENT_RESPONSE:
		return 'R';
	case DSO_EVENT_FENCE:
		return 'F';
	default:
		return '?';
	}
}

static void event(void *context, struct conn *c, const struct dso_event *ev)
{
	struct end *e = context;

	if (ev->type == DSO_EVENT_REQUEST) {
		if (e->request_count < 8) {
			e->request_ids[e->request_count++] = ev->id;
		}
		if (e->answers) {
			assert_int_equal(dso_session_respond(conn_session(c), ev->id, 0, false, DSO_NO_DELAY,
			                                     net_loop_now_ms(e->fixture->loop)),
			                 0);
			conn_flush(c);
		}
	}
	if (ev->type == DSO_EVENT_UNIDIRECTIONAL && e->counts_notes) {
		e->note_count++;
		return;
	}
	note(e, letter(ev->type));
}

static void drained(void *context, struct conn *c)
{
	struct end *e = context;

	assert_false(conn_is_busy(c));
	note(e, 'D');
}

static void closed(void *context, struct conn *c, int error, enum dso_reason reason)
{
	struct end *e = context;

	note(e, 'C');
	e->error = error;
	e->reason = reason;
	snprintf(e->words, sizeof(e->words), "%s", conn_error(c));
	e->conn = NULL;
}

static const struct conn_callbacks callbacks = {opened, event, drained, closed};

static void expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	(void)context;
	conn_expired(entry, now_ms);
}

static void end_init(struct fixture *f, struct end *e, enum dso_side side)
{
	e->fixture = f;
	dso_config_init(&e->dso, side);
	e->dso.types = types;
	e->dso.type_count = sizeof(types) / sizeof(types[0]);
	e->dso.tls = true;
	e->config = (struct conn_config){&e->dso, &callbacks, 20000, 20000};
}

static int setup(void **state)
{
	static struct fixture f;
	const struct net_loop_callbacks loop_callbacks = {expired, NULL, NULL};

	memset(&f, 0, sizeof(f));
	f.loop = net_loop_new(&loop_callbacks, &f);
	end_init(&f, &f.server, DSO_SERVER);
	end_init(&f, &f.client, DSO_CLIENT);
	*state = &f;
	return f.loop == NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->server.conn != NULL) {
		conn_abort(f->server.conn);
	}
	if (f->client.conn != NULL) {
		conn_abort(f->client.conn);
	}
	net_loop_free(f->loop);
	return 0;
}

static void start(struct end *e, struct net_stream *s)
{
	e->conn = conn_new(e->fixture->loop, &e->config, s, e);
	assert_non_null(e->conn);
	assert_ptr_equal(conn_context(e->conn), e);
	assert_ptr_equal(conn_stream(e->conn), s);
	assert_null(conn_session(e->conn));
}

/* Turn until this has happened. */
static void until(struct end *e, char what)
{
	for (int i = 0; i < 10000 && strchr(e->trace, what) == NULL; i++) {
		net_loop_run_once(e->fixture->loop, 10000);
	}
	if (strchr(e->trace, what) == NULL) {
		fail_msg("%c does not follow on \"%s\"", what, e->trace);
	}
}

/* Turns enough for whatever is under way without waiting. */
static void settle(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		net_loop_run_once(f->loop, 0);
	}
}

/* ---- transports ---- */

enum transport { MEMORY, TCP, TLS, TRANSPORT_COUNT };

static void sockets(int *ret_client, int *ret_server, struct net_address *ret_at)
{
	struct net_address peer;

	assert_int_equal(net_address_parse("127.0.0.1@0", 0, ret_at), 0);
	int listener = net_listen_tcp(ret_at, false);

	assert_int_equal(net_local_address(listener, ret_at), 0);
	*ret_client = net_connect(ret_at);
	struct pollfd p = {.fd = listener, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	*ret_server = net_accept(listener, &peer);
	assert_true(*ret_server >= 0);
	close(listener);
}

static struct net_tls *tls_rules(bool server)
{
	const struct net_tls_server_options s = {.certificate = pki.server, .key = pki.server_key};
	const struct net_tls_client_options c = {.ca = pki.ca, .hostname = "server.example"};
	struct net_tls *t = NULL;
	char error[256];

	assert_int_equal(server ? net_tls_server_new(&s, error, &t) : net_tls_client_new(&c, error, &t), 0);
	return t;
}

static void streams(enum transport transport, struct net_stream **ret_client, struct net_stream **ret_server)
{
	struct net_address at;
	int client_fd;
	int server_fd;

	if (transport == MEMORY) {
		assert_int_equal(net_memory_pair(BODY, ret_client, ret_server), 0);
		return;
	}
	sockets(&client_fd, &server_fd, &at);
	if (transport == TCP) {
		*ret_client = net_tcp_stream_new(client_fd, &at, true);
		*ret_server = net_tcp_stream_new(server_fd, &at, false);
		return;
	}
	struct net_tls *c = tls_rules(false);
	struct net_tls *s = tls_rules(true);

	*ret_client = net_tls_stream_new(c, client_fd, &at, true);
	*ret_server = net_tls_stream_new(s, server_fd, &at, false);
	net_tls_unref(c);
	net_tls_unref(s);
}

/* The server under the pump; the client by hand, handshake done. */
static struct net_stream *start_server(struct fixture *f, enum transport transport)
{
	struct net_stream *client;
	struct net_stream *server;
	int err = ERR_AGAIN;

	streams(transport, &client, &server);
	start(&f->server, server);
	for (int i = 0; i < 10000 && (err == ERR_AGAIN || strchr(f->server.trace, 'O') == NULL); i++) {
		err = client->ops->open(client);
		net_loop_run_once(f->loop, 1);
	}
	assert_int_equal(err, 0);
	assert_string_equal(f->server.trace, "O");
	return client;
}

static void send_all(struct net_stream *s, const uint8_t *data, size_t len)
{
	size_t sent = 0;

	assert_int_equal(s->ops->write(s, data, len, &sent), 0);
	assert_int_equal(sent, len);
}

/* One read, turning until there is something. */
static int receive(struct fixture *f, struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len)
{
	int err = ERR_AGAIN;
	bool early;

	for (int i = 0; i < 10000 && err == ERR_AGAIN; i++) {
		net_loop_run_once(f->loop, 1);
		err = s->ops->read(s, data, cap, ret_len, &early);
	}
	return err;
}

/* Until the peer's end: how it ended. */
static int receive_end(struct fixture *f, struct net_stream *s)
{
	uint8_t data[512];
	size_t len;
	int err;

	while ((err = receive(f, s, data, sizeof(data), &len)) == 0) {
	}
	return err;
}

/* A request of our toy type with this message ID, framed: 18 bytes. */
static void request(uint8_t *out, uint8_t id)
{
	const uint8_t message[18] = {0, 16, 0, id, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0, 0, 0};

	memcpy(out, message, sizeof(message));
}

enum { REQUEST_LEN = 18, RESPONSE_LEN = 14 };

static void expect_response(const uint8_t *got, uint8_t id)
{
	const uint8_t message[RESPONSE_LEN] = {0, 12, 0, id, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	assert_memory_equal(got, message, RESPONSE_LEN);
}

/* A framed unidirectional message of `len` bytes in all, as a shared PUSH is. */
static void note_message(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = (uint8_t)(i * 31);
	}
	memset(out, 0, 18);
	bytes_store_u16(out, (uint16_t)(len - 2));
	out[4] = 0x30;
	bytes_store_u16(out + 14, T_NOTE);
	bytes_store_u16(out + 16, (uint16_t)(len - 18));
}

static void establish(struct fixture *f, struct net_stream *client)
{
	uint8_t message[REQUEST_LEN];
	uint8_t data[64];
	size_t len;

	f->server.answers = true;
	request(message, 1);
	send_all(client, message, sizeof(message));
	assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
	assert_int_equal(len, RESPONSE_LEN);
	assert_true(dso_session_established(conn_session(f->server.conn)));
}

/* ---- tests ---- */

static void sessions_come_and_go_over_every_transport(void **state)
{
	struct fixture *f = *state;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct net_stream *client;
		struct net_stream *server;
		uint16_t id;

		f->server.trace[0] = '\0';
		f->client.trace[0] = '\0';
		f->server.answers = true;
		streams((enum transport)transport, &client, &server);
		start(&f->server, server);
		start(&f->client, client);
		until(&f->client, 'O');
		struct dso_session *s = conn_session(f->client.conn);

		assert_int_equal(dso_session_request(s, T_REQUEST, NULL, 0, false, net_loop_now_ms(f->loop), &id), 0);
		conn_flush(f->client.conn);
		until(&f->client, 'R');
		assert_true(conn_memory(f->client.conn) > 0);
		assert_true(dso_session_established(s));
		dso_session_close(s, net_loop_now_ms(f->loop));
		conn_flush(f->client.conn);
		until(&f->client, 'C');
		until(&f->server, 'C');
		assert_int_equal(f->client.error, 0);
		assert_int_equal(f->server.error, 0);
		assert_non_null(strchr(f->server.trace, 'Q'));
	}
}

static void bytes_may_come_one_by_one(void **state)
{
	struct fixture *f = *state;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct net_stream *client;
		uint8_t message[REQUEST_LEN];
		uint8_t data[64];
		size_t len;

		f->server.trace[0] = '\0';
		client = start_server(f, (enum transport)transport);
		f->server.answers = true;
		request(message, 9);
		for (size_t i = 0; i < sizeof(message); i++) {
			assert_null(strchr(f->server.trace, 'Q'));
			send_all(client, message + i, 1);
			settle(f);
		}
		assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
		assert_int_equal(len, RESPONSE_LEN);
		expect_response(data, 9);
		client->ops->close(client, true);
		until(&f->server, 'C');
	}
}

static void answers_of_a_round_share_a_record(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client = start_server(f, TLS);
	uint8_t messages[3 * REQUEST_LEN];
	uint8_t data[512];
	size_t len;

	f->server.answers = true;
	for (uint8_t i = 0; i < 3; i++) {
		request(messages + i * REQUEST_LEN, (uint8_t)(i + 1));
	}
	/* Several messages in one record; the answers come in one record too, as one read gives one record at most. */
	send_all(client, messages, sizeof(messages));
	assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
	assert_int_equal(len, 3 * RESPONSE_LEN);
	for (uint8_t i = 0; i < 3; i++) {
		expect_response(data + i * RESPONSE_LEN, (uint8_t)(i + 1));
	}
	/* Length and body in records of their own, and the seam inside the length. */
	request(messages, 5);
	send_all(client, messages, 2);
	send_all(client, messages + 2, REQUEST_LEN - 2);
	assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
	expect_response(data, 5);
	request(messages, 6);
	send_all(client, messages, 1);
	send_all(client, messages + 1, REQUEST_LEN - 1);
	assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
	expect_response(data, 6);
	client->ops->close(client, true);
	until(&f->server, 'C');
}

static void a_slow_reader_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client = start_server(f, MEMORY);
	static uint8_t message[3000];
	static uint8_t got[16000];
	size_t total = 0;
	size_t len;

	note_message(message, sizeof(message));
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), ERR_STATE);
	establish(f, client);
	f->server.trace[0] = '\0';
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	assert_false(conn_is_busy(f->server.conn));
	/* The pipe holds 4000: the rest of this one waits, and with it everything after. */
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	assert_true(conn_is_busy(f->server.conn));
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), ERR_AGAIN);
	settle(f);
	assert_string_equal(f->server.trace, "");
	while (total < 2 * sizeof(message)) {
		assert_int_equal(receive(f, client, got + total, sizeof(got) - total, &len), 0);
		total += len;
	}
	assert_memory_equal(got, message, sizeof(message));
	assert_memory_equal(got + sizeof(message), message, sizeof(message));
	until(&f->server, 'D');
	settle(f);
	assert_string_equal(f->server.trace, "D");
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	/* What is unsent still goes out before the end. */
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	conn_close(f->server.conn);
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), ERR_STATE);
	for (total = 0; total < 2 * sizeof(message); total += len) {
		assert_int_equal(receive(f, client, got, sizeof(got), &len), 0);
	}
	assert_int_equal(total, 2 * sizeof(message));
	assert_int_equal(receive_end(f, client), ERR_CLOSED);
	client->ops->close(client, false);
	until(&f->server, 'C');
	assert_int_equal(f->server.error, 0);
}

static void a_slow_reader_over_tls(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client = start_server(f, TLS);
	static uint8_t message[60000];
	static uint8_t got[60000];
	size_t taken = 0;
	size_t at = 0;
	size_t len;
	int err;

	establish(f, client);
	note_message(message, sizeof(message));
	while ((err = conn_send_shared(f->server.conn, message, sizeof(message))) == 0) {
		taken++;
		assert_true(taken < 1000);
	}
	assert_int_equal(err, ERR_AGAIN);
	f->server.trace[0] = '\0';
	for (size_t total = 0; total < taken * sizeof(message); total += len) {
		assert_int_equal(receive(f, client, got, sizeof(message) - at, &len), 0);
		assert_memory_equal(got, message + at, len);
		at = (at + len) % sizeof(message);
	}
	until(&f->server, 'D');
	client->ops->close(client, true);
	until(&f->server, 'C');
}

static void a_reader_that_stands_still_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client;
	static uint8_t message[3000];

	f->server.config.stall_timeout_ms = 5;
	client = start_server(f, MEMORY);
	establish(f, client);
	note_message(message, sizeof(message));
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	until(&f->server, 'C');
	assert_int_equal(f->server.error, ERR_TIMEOUT);
	assert_non_null(strstr(f->server.words, "took nothing"));
	client->ops->close(client, false);
}

static void who_does_not_shake_hands_is_reset(void **state)
{
	struct fixture *f = *state;
	struct net_address at;
	int client_fd;
	int server_fd;
	char byte;
	struct net_tls *rules = tls_rules(true);

	f->server.config.handshake_timeout_ms = 5;
	sockets(&client_fd, &server_fd, &at);
	start(&f->server, net_tls_stream_new(rules, server_fd, &at, false));
	net_tls_unref(rules);
	until(&f->server, 'C');
	assert_string_equal(f->server.trace, "C");
	assert_int_equal(f->server.error, ERR_TIMEOUT);
	struct pollfd p = {.fd = client_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(recv(client_fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(client_fd);
}

/* DSO-080: what breaks the protocol is answered with a reset, and nothing is said before. */
static void an_abort_is_a_reset(void **state)
{
	struct fixture *f = *state;
	static const uint8_t frame[] = {0, 3, 0, 0, 0};

	for (int transport = TCP; transport <= TLS; transport++) {
		struct net_stream *client;

		f->server.trace[0] = '\0';
		client = start_server(f, (enum transport)transport);
		send_all(client, frame, sizeof(frame));
		assert_int_equal(receive_end(f, client), ERR_SYSTEM);
		assert_int_equal(errno, ECONNRESET);
		until(&f->server, 'C');
		assert_string_equal(f->server.trace, "OC");
		assert_int_equal(f->server.error, ERR_PROTOCOL);
		assert_int_equal(f->server.reason, DSO_REASON_FRAME);
		assert_non_null(strstr(f->server.words, dso_reason_text(DSO_REASON_FRAME)));
		client->ops->close(client, false);
	}
}

/* DSO-079: the client begins an orderly end: close_notify, then FIN, never a reset. */
static void a_close_is_close_notify_and_fin(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client;
	struct net_stream *server;
	uint8_t byte;
	int err = ERR_AGAIN;

	streams(TLS, &client, &server);
	start(&f->client, client);
	for (int i = 0; i < 10000 && (err == ERR_AGAIN || strchr(f->client.trace, 'O') == NULL); i++) {
		err = server->ops->open(server);
		net_loop_run_once(f->loop, 1);
	}
	conn_close(f->client.conn);
	/* close_notify ends TLS; the end of the socket's bytes right behind it is the FIN. */
	assert_int_equal(receive_end(f, server), ERR_CLOSED);
	struct pollfd p = {.fd = server->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(recv(server->fd, &byte, 1, 0), 0);
	/* It waits for our end, throwing away what still comes. */
	assert_string_equal(f->client.trace, "O");
	send_all(server, (const uint8_t *)"late", 4);
	settle(f);
	assert_string_equal(f->client.trace, "O");
	server->ops->shutdown(server);
	until(&f->client, 'C');
	assert_int_equal(f->client.error, 0);
	server->ops->close(server, false);
}

static void the_peer_may_end_at_any_time(void **state)
{
	struct fixture *f = *state;
	uint8_t message[REQUEST_LEN];

	request(message, 1);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct net_stream *client;

		/* In the middle of a message: it is never carried out. */
		f->server.trace[0] = '\0';
		client = start_server(f, (enum transport)transport);
		send_all(client, message, sizeof(message) - 1);
		client->ops->shutdown(client);
		assert_int_equal(receive_end(f, client), ERR_CLOSED);
		until(&f->server, 'C');
		assert_string_equal(f->server.trace, "OC");
		assert_int_equal(f->server.error, 0);
		client->ops->close(client, false);
		/* By reset. */
		f->server.trace[0] = '\0';
		client = start_server(f, (enum transport)transport);
		client->ops->close(client, true);
		until(&f->server, 'C');
		assert_string_equal(f->server.trace, "OC");
		assert_int_equal(f->server.error, ERR_SYSTEM);
		assert_string_not_equal(f->server.words, "");
	}
}

static void callbacks_may_end_it(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"O", "Q"};
	uint8_t messages[2 * REQUEST_LEN];

	request(messages, 1);
	request(messages + REQUEST_LEN, 2);
	for (int i = 0; i < 4; i++) {
		struct net_stream *client;

		f->server.trace[0] = '\0';
		f->server.close_in = i < 2 ? ends[i][0] : '\0';
		f->server.abort_in = i < 2 ? '\0' : ends[i - 2][0];
		if (i % 2 == 0) {
			struct net_stream *server;

			streams(TCP, &client, &server);
			start(&f->server, server);
		} else {
			client = start_server(f, TCP);
			send_all(client, messages, sizeof(messages));
		}
		assert_int_equal(receive_end(f, client), i < 2 ? ERR_CLOSED : ERR_SYSTEM);
		client->ops->close(client, false);
		until(&f->server, 'C');
		/* Nothing happens after the decision but the end, once. */
		assert_string_equal(f->server.trace, i % 2 == 0 ? "OC" : "OQC");
		assert_int_equal(f->server.error, i < 2 ? 0 : ERR_CLOSED);
		settle(f);
	}
	f->server.close_in = '\0';
	f->server.abort_in = '\0';
}

static void who_is_not_answered_is_not_read(void **state)
{
	struct fixture *f = *state;
	uint8_t messages[4 * REQUEST_LEN];
	uint8_t data[128];
	size_t len;

	f->server.dso.open_requests_max = 2;
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct net_stream *client;

		f->server.trace[0] = '\0';
		f->server.request_count = 0;
		client = start_server(f, (enum transport)transport);
		for (uint8_t i = 0; i < 4; i++) {
			request(messages + i * REQUEST_LEN, (uint8_t)(i + 1));
			send_all(client, messages + i * REQUEST_LEN, REQUEST_LEN);
		}
		until(&f->server, 'Q');
		settle(f);
		assert_int_equal(f->server.request_count, 2);
		/* An answer from outside lets the next one in. */
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(dso_session_respond(conn_session(f->server.conn), f->server.request_ids[i], 0,
			                                     false, DSO_NO_DELAY, net_loop_now_ms(f->loop)),
			                 0);
			conn_flush(f->server.conn);
			assert_int_equal(receive(f, client, data, sizeof(data), &len), 0);
			expect_response(data, (uint8_t)(i + 1));
			settle(f);
			assert_int_equal(f->server.request_count, i + 3 < 4 ? i + 3 : 4);
		}
		client->ops->close(client, true);
		until(&f->server, 'C');
	}
}

static void a_flood_leaves_the_turn_to_others(void **state)
{
	struct fixture *f = *state;
	enum { MANY = 20000 };
	struct net_stream *client;
	struct net_stream *server;
	uint8_t *flood = mem_alloc(MANY * REQUEST_LEN);
	size_t turns = 0;

	for (size_t i = 0; i < MANY; i++) {
		request(flood + i * REQUEST_LEN, 0);
		/* Unidirectional, so that nothing piles up. */
		flood[i * REQUEST_LEN + 15] = 1;
	}
	assert_int_equal(net_memory_pair(MANY * REQUEST_LEN, &client, &server), 0);
	start(&f->server, server);
	until(&f->server, 'O');
	establish(f, client);
	f->server.counts_notes = true;
	send_all(client, flood, MANY * REQUEST_LEN);
	while (f->server.note_count < MANY && turns < 1000) {
		size_t before = f->server.note_count;

		net_loop_run_once(f->loop, 10000);
		/* 64 KiB a turn, and what the last read of them brought beyond. */
		assert_true(f->server.note_count - before <= (65536 + 16384) / REQUEST_LEN);
		turns++;
	}
	assert_int_equal(f->server.note_count, MANY);
	assert_true(turns >= 4);
	client->ops->close(client, true);
	until(&f->server, 'C');
	mem_free(flood);
}

static void timers_of_the_session_run(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client;

	/* A connection without a session is cut off when its time is over. */
	f->server.dso.idle_ms = 5;
	client = start_server(f, MEMORY);
	until(&f->server, 'C');
	assert_int_equal(f->server.reason, DSO_REASON_IDLE);
	client->ops->close(client, false);
}

static void memory_may_end(void **state)
{
	struct fixture *f = *state;
	struct net_stream *client;
	struct net_stream *server;
	static uint8_t message[3000];
	int failures = 0;

	for (int after = 0; after < 10; after++) {
		streams(TCP, &client, &server);
		mem_fail_after(after);
		struct conn *c = conn_new(f->loop, &f->server.config, server, &f->server);
		bool failed = mem_failed();

		mem_fail_after(-1);
		f->server.conn = c;
		if (c != NULL) {
			assert_false(failed);
			conn_abort(c);
			net_loop_run_once(f->loop, 0);
		} else {
			failures++;
		}
		client->ops->close(client, false);
	}
	assert_true(failures >= 2);
	/* No session to be had. */
	f->server.trace[0] = '\0';
	streams(MEMORY, &client, &server);
	start(&f->server, server);
	mem_fail_after(0);
	until(&f->server, 'C');
	mem_fail_after(-1);
	assert_string_equal(f->server.trace, "C");
	assert_int_equal(f->server.error, ERR_NOMEM);
	client->ops->close(client, false);
	/* A message cut in the middle cannot be mended. */
	f->server.trace[0] = '\0';
	client = start_server(f, MEMORY);
	establish(f, client);
	note_message(message, sizeof(message));
	assert_int_equal(conn_send_shared(f->server.conn, message, sizeof(message)), 0);
	/* The first allocation is the pipe's own. */
	for (int after = 0; f->server.conn != NULL && after < 3; after++) {
		mem_fail_after(after);
		int err = conn_send_shared(f->server.conn, message, sizeof(message));

		mem_fail_after(-1);
		if (err == ERR_STATE) {
			break;
		}
	}
	until(&f->server, 'C');
	assert_int_equal(f->server.error, ERR_NOMEM);
	client->ops->close(client, false);
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

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(sessions_come_and_go_over_every_transport),
	        WITH_LOOP(bytes_may_come_one_by_one),
	        WITH_LOOP(answers_of_a_round_share_a_record),
	        WITH_LOOP(a_slow_reader_is_waited_for),
	        WITH_LOOP(a_slow_reader_over_tls),
	        WITH_LOOP(a_reader_that_stands_still_is_cut_off),
	        WITH_LOOP(who_does_not_shake_hands_is_reset),
	        WITH_LOOP(an_abort_is_a_reset),
	        WITH_LOOP(a_close_is_close_notify_and_fin),
	        WITH_LOOP(the_peer_may_end_at_any_time),
	        WITH_LOOP(callbacks_may_end_it),
	        WITH_LOOP(who_is_not_answered_is_not_read),
	        WITH_LOOP(a_flood_leaves_the_turn_to_others),
	        WITH_LOOP(timers_of_the_session_run),
	        WITH_LOOP(memory_may_end),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
