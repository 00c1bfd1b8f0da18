#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/tls.h"
#include "pki.h"

static struct pki pki;

struct ends {
	struct net_stream *client;
	struct net_stream *server;
	int client_err; /* of open(): 0, or why the handshake failed */
	int server_err;
};

static int group_setup(void **state)
{
	(void)state;
	unsetenv("SSLKEYLOGFILE");
	pki_init(&pki);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	pki_done(&pki);
	return 0;
}

static struct net_tls_server_options server_options(void)
{
	return (struct net_tls_server_options){.certificate = pki.server, .key = pki.server_key};
}

static struct net_tls *server_rules(const struct net_tls_server_options *o)
{
	struct net_tls *t = NULL;
	char error[256] = "";
	int err = net_tls_server_new(o, error, &t);

	if (err != 0) {
		fail_msg("%s", error);
	}
	return t;
}

static struct net_tls_client_options client_options(void)
{
	return (struct net_tls_client_options){.ca = pki.ca, .hostname = "server.example"};
}

static struct net_tls *client_rules(const struct net_tls_client_options *o)
{
	struct net_tls *t = NULL;
	char error[256] = "";
	int err = net_tls_client_new(o, error, &t);

	if (err != 0) {
		fail_msg("%s", error);
	}
	return t;
}

/* Two connected sockets; the client's side may still be connecting. */
static void connect_sockets(int *ret_client, int *ret_server, struct net_address *ret_at)
{
	struct net_address any;
	struct net_address peer;
	int listener;

	assert_int_equal(net_address_parse("127.0.0.1@0", 0, &any), 0);
	listener = net_listen_tcp(&any, false);
	assert_int_equal(net_local_address(listener, ret_at), 0);
	*ret_client = net_connect(ret_at);
	assert_true(*ret_client >= 0);
	struct pollfd p = {.fd = listener, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	*ret_server = net_accept(listener, &peer);
	assert_true(*ret_server >= 0);
	close(listener);
}

static void wait_for(const struct net_stream *s, unsigned events)
{
	struct pollfd p = {
	        .fd = s->fd,
	        .events = (short)((events & NET_READABLE ? POLLIN : 0) | (events & NET_WRITABLE ? POLLOUT : 0))};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

/* Run both handshakes to their ends. */
static void shake_hands(struct ends *e)
{
	e->client_err = ERR_AGAIN;
	e->server_err = ERR_AGAIN;
	for (int i = 0; i < 1000 && (e->client_err == ERR_AGAIN || e->server_err == ERR_AGAIN); i++) {
		if (e->client_err == ERR_AGAIN) {
			e->client_err = e->client->ops->open(e->client);
		}
		if (e->server_err == ERR_AGAIN) {
			e->server_err = e->server->ops->open(e->server);
		}
		struct pollfd p[2] = {{.fd = e->client->fd, .events = POLLIN}, {.fd = e->server->fd, .events = POLLIN}};

		if (e->client_err == ERR_AGAIN && e->server_err == ERR_AGAIN) {
			poll(p, 2, 1000);
		} else if (e->client_err == ERR_AGAIN || e->server_err == ERR_AGAIN) {
			poll(e->client_err == ERR_AGAIN ? p : p + 1, 1, 1000);
		}
		if ((e->client_err < 0 && e->client_err != ERR_AGAIN) ||
		    (e->server_err < 0 && e->server_err != ERR_AGAIN)) {
			/* One has given up. What it said may be on its way; then the other one's view is fetched. */
			break;
		}
	}
	struct net_stream *other = e->client_err == ERR_AGAIN ? e->client : e->server;
	int *other_err = e->client_err == ERR_AGAIN ? &e->client_err : &e->server_err;

	for (int i = 0; i < 10 && *other_err == ERR_AGAIN; i++) {
		wait_for(other, NET_READABLE);
		*other_err = other->ops->open(other);
	}
}

static void connect_ends(struct ends *e, struct net_tls *client, struct net_tls *server)
{
	struct net_address at;
	int client_fd;
	int server_fd;

	connect_sockets(&client_fd, &server_fd, &at);
	e->client = net_tls_stream_new(client, client_fd, &at, true);
	e->server = net_tls_stream_new(server, server_fd, &at, false);
	assert_non_null(e->client);
	assert_non_null(e->server);
	assert_int_equal(e->client->ops->needs(e->client), NET_WRITABLE);
	assert_int_equal(e->server->ops->needs(e->server), NET_READABLE);
	shake_hands(e);
}

static void close_ends(struct ends *e)
{
	e->client->ops->close(e->client, false);
	e->server->ops->close(e->server, false);
}

/* Both ends with these options; the rules are let go at once, as a reload does with sessions alive. */
static void open_with(struct ends *e, const struct net_tls_client_options *c, const struct net_tls_server_options *s)
{
	struct net_tls *client = client_rules(c);
	struct net_tls *server = server_rules(s);

	connect_ends(e, client, server);
	net_tls_unref(client);
	net_tls_unref(server);
}

static int read_some(struct net_stream *s, char *data, size_t cap, size_t *ret_len)
{
	bool early = true;
	int err;

	while ((err = s->ops->read(s, (uint8_t *)data, cap, ret_len, &early)) == ERR_AGAIN) {
		wait_for(s, NET_READABLE);
	}
	if (err == 0) {
		assert_false(early);
	}
	return err;
}

static void exchange(struct ends *e)
{
	char data[16];
	size_t len = 0;

	assert_int_equal(e->client->ops->write(e->client, (const uint8_t *)"hello", 5, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(read_some(e->server, data, sizeof(data), &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	assert_int_equal(e->server->ops->write(e->server, (const uint8_t *)"world", 5, &len), 0);
	assert_int_equal(read_some(e->client, data, 3, &len), 0);
	assert_int_equal(len, 3);
	/* The rest is inside TLS, where no descriptor tells of it. */
	assert_true(e->client->ops->pending(e->client));
	assert_int_equal(read_some(e->client, data, 3, &len), 0);
	assert_memory_equal(data, "ld", 2);
	assert_false(e->client->ops->pending(e->client));
	assert_int_equal(e->client->ops->needs(e->client), 0);
}

static void authenticated_by_name(void **state)
{
	(void)state;
	struct ends e;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	open_with(&e, &c, &s);
	assert_int_equal(e.client_err, 0);
	assert_int_equal(e.server_err, 0);
	assert_string_equal(e.client->info.tls_version, "TLSv1.3");
	assert_string_equal(e.client->info.authenticated, "pkix");
	assert_non_null(e.client->info.cipher);
	assert_false(e.server->info.peer_certificate);
	assert_false(net_tls_peer_matches(e.server, "*"));
	exchange(&e);
	close_ends(&e);
	/* Other names of the certificate, the address itself, and a final dot. */
	static const char *const names[] = {"alias.example", "127.0.0.1", "SERVER.example."};

	for (int i = 0; i < 3; i++) {
		c.hostname = names[i];
		open_with(&e, &c, &s);
		assert_int_equal(e.client_err, 0);
		close_ends(&e);
	}
}

/* The failure of a client's handshake: both sides see it, and nothing but the alert was sent. */
static void refused_with(const struct net_tls_client_options *c, const struct net_tls_server_options *s,
                         const char *const *words)
{
	struct ends e;
	size_t len;
	char data[16];
	bool early;

	open_with(&e, c, s);
	assert_int_equal(e.client_err, ERR_TLS);
	assert_int_equal(e.server_err, ERR_TLS);
	assert_non_null(strstr(e.server->error, "alert"));
	for (; *words != NULL; words++) {
		if (strstr(e.client->error, *words) == NULL) {
			fail_msg("\"%s\" is not in \"%s\"", *words, e.client->error);
		}
	}
	/* It stays refused: no byte of DNS goes out or comes in. */
	assert_int_equal(e.client->ops->write(e.client, (const uint8_t *)"x", 1, &len), ERR_TLS);
	assert_int_equal(e.client->ops->open(e.client), ERR_TLS);
	assert_int_equal(e.client->ops->read(e.client, (uint8_t *)data, 1, &len, &early), ERR_TLS);
	assert_int_equal(e.server->ops->read(e.server, (uint8_t *)data, 1, &len, &early), ERR_TLS);
	close_ends(&e);
}

/* PUSH-002: a server that cannot be authenticated gets an alert and not one byte of DNS. */
static void what_cannot_be_authenticated_is_refused(void **state)
{
	(void)state;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	c.ca = pki.other_ca;
	refused_with(&c, &s,
	             (const char *const[]){"unknown CA (Test?CA)", "--tls-ca FILE", "--tls-pin", pki.pin, NULL});
	c = client_options();
	c.hostname = "wrong.example";
	refused_with(&c, &s,
	             (const char *const[]){"certificate is for [server.example, alias.example, 127.0.0.1]",
	                                   "not wrong.example", "--tls-hostname server.example", NULL});
	c.hostname = "127.0.0.2";
	refused_with(&c, &s, (const char *const[]){"certificate is for [", "not 127.0.0.2", NULL});
	c = client_options();
	s.certificate = pki.stranger;
	s.key = pki.stranger_key;
	refused_with(&c, &s, (const char *const[]){"unknown CA (stranger)", "--tls-pin", NULL});
	/* The common name does not count where names are given. */
	c.hostname = "server";
	s = server_options();
	refused_with(&c, &s, (const char *const[]){"not server:", NULL});
}

/* PUSH-002: the same for a key that was pinned. */
static void pins_decide_alone(void **state)
{
	(void)state;
	struct ends e;
	struct net_tls_client_options c = {.pin = pki.pin};
	struct net_tls_server_options s = server_options();

	open_with(&e, &c, &s);
	assert_int_equal(e.client_err, 0);
	assert_string_equal(e.client->info.authenticated, "pin");
	exchange(&e);
	close_ends(&e);
	/* Neither the CA nor the name matters then. */
	c = (struct net_tls_client_options){.pin = pki.pin, .ca = pki.other_ca, .hostname = "wrong.example"};
	open_with(&e, &c, &s);
	assert_int_equal(e.client_err, 0);
	close_ends(&e);
	/* And a right certificate does not help against a wrong pin. */
	c = client_options();
	c.pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	refused_with(&c, &s, (const char *const[]){"has pin", pki.pin, "not AAAAAAAA", "--tls-pin", NULL});
}

static void insecure_believes_anyone(void **state)
{
	(void)state;
	struct ends e;
	struct net_tls_client_options c = {.insecure = true};
	struct net_tls_server_options s = {.certificate = pki.stranger, .key = pki.stranger_key};

	open_with(&e, &c, &s);
	assert_int_equal(e.client_err, 0);
	assert_string_equal(e.client->info.authenticated, "none");
	exchange(&e);
	close_ends(&e);
}

static void client_certificates(void **state)
{
	(void)state;
	struct ends e;
	char data[8];
	size_t len;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	s.client_ca = pki.ca;
	s.client_auth = NET_TLS_CLIENT_OPTIONAL;
	open_with(&e, &c, &s);
	assert_int_equal(e.server_err, 0);
	assert_false(e.server->info.peer_certificate);
	close_ends(&e);
	c.certificate = pki.client;
	c.key = pki.client_key;
	open_with(&e, &c, &s);
	assert_int_equal(e.server_err, 0);
	assert_true(e.server->info.peer_certificate);
	assert_true(net_tls_peer_matches(e.server, "host.clients.example"));
	assert_true(net_tls_peer_matches(e.server, "*.Clients.example"));
	assert_false(net_tls_peer_matches(e.server, "clients.example"));
	assert_false(net_tls_peer_matches(e.server, "*.host.clients.example"));
	assert_false(net_tls_peer_matches(e.server, "host.clients.exampl"));
	/* The common name counts only where there is no DNS name. */
	assert_false(net_tls_peer_matches(e.server, "client"));
	close_ends(&e);
	c.certificate = pki.client_common;
	open_with(&e, &c, &s);
	assert_true(net_tls_peer_matches(e.server, "*.clients.example"));
	close_ends(&e);
	/* Required and not shown; shown by somebody unknown. */
	s.client_auth = NET_TLS_CLIENT_REQUIRED;
	for (int i = 0; i < 2; i++) {
		c = client_options();
		if (i == 1) {
			c.certificate = pki.stranger;
			c.key = pki.stranger_key;
		}
		open_with(&e, &c, &s);
		assert_int_equal(e.server_err, ERR_TLS);
		/* In TLS 1.3 the client learns of it when it first reads. */
		assert_int_equal(read_some(e.client, data, sizeof(data), &len), ERR_TLS);
		assert_non_null(strstr(e.client->error, "alert"));
		close_ends(&e);
	}
}

static void an_orderly_end_is_close_notify_and_fin(void **state)
{
	(void)state;
	struct ends e;
	char data[8];
	size_t len;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	/* DSO-079: the server's TLS hears close_notify, its socket the end; what it still says arrives. */
	open_with(&e, &c, &s);
	e.client->ops->shutdown(e.client);
	e.client->ops->shutdown(e.client);
	assert_int_equal(e.client->ops->write(e.client, (const uint8_t *)"x", 1, &len), ERR_CLOSED);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), ERR_CLOSED);
	/* Behind the close_notify there is the FIN and nothing else. */
	wait_for(e.server, NET_READABLE);
	assert_int_equal(recv(e.server->fd, data, sizeof(data), 0), 0);
	assert_int_equal(e.server->ops->write(e.server, (const uint8_t *)"late", 4, &len), 0);
	assert_int_equal(read_some(e.client, data, sizeof(data), &len), 0);
	assert_int_equal(len, 4);
	e.server->ops->shutdown(e.server);
	assert_int_equal(read_some(e.client, data, sizeof(data), &len), ERR_CLOSED);
	close_ends(&e);
	/* A FIN alone is an end too. */
	open_with(&e, &c, &s);
	shutdown(e.client->fd, SHUT_WR);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), ERR_CLOSED);
	close_ends(&e);
}

/* DSO-080: an abort is a reset, without close_notify before it. */
static void an_abort_is_a_reset(void **state)
{
	(void)state;
	struct ends e;
	char data[8];
	size_t len;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	open_with(&e, &c, &s);
	e.client->ops->close(e.client, true);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), ERR_SYSTEM);
	assert_int_equal(errno, ECONNRESET);
	assert_non_null(strstr(e.server->error, "Connection reset by peer"));
	assert_int_equal(e.server->ops->write(e.server, (const uint8_t *)"x", 1, &len), ERR_TLS);
	e.server->ops->close(e.server, false);
}

static void an_abort_in_the_handshake_is_a_reset_too(void **state)
{
	(void)state;
	struct net_address at;
	int client_fd;
	int server_fd;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();
	struct net_tls *client = client_rules(&c);
	struct net_tls *server = server_rules(&s);

	connect_sockets(&client_fd, &server_fd, &at);
	struct net_stream *a = net_tls_stream_new(client, client_fd, &at, true);
	struct net_stream *b = net_tls_stream_new(server, server_fd, &at, false);

	wait_for(a, NET_WRITABLE);
	assert_int_equal(a->ops->open(a), ERR_AGAIN);
	assert_int_equal(a->ops->needs(a), NET_READABLE);
	wait_for(b, NET_READABLE);
	assert_int_equal(b->ops->open(b), ERR_AGAIN);
	a->ops->close(a, true);
	wait_for(b, NET_READABLE);
	assert_int_equal(b->ops->open(b), ERR_SYSTEM);
	assert_int_equal(errno, ECONNRESET);
	b->ops->close(b, true);
	net_tls_unref(client);
	net_tls_unref(server);
}

/* DSO-090: against a TLS port clear text gets no answer but an alert, and a TLS client says nothing in clear. */
static void clear_text_and_tls_do_not_mix(void **state)
{
	(void)state;
	struct net_address at;
	int client_fd;
	int server_fd;
	uint8_t data[64];
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();
	struct net_tls *client = client_rules(&c);
	struct net_tls *server = server_rules(&s);
	/* A DSO Keepalive request, as it would be over TLS. */
	static const uint8_t keepalive[] = {0, 24, 0, 1, 0x30, 0, 0, 0,    0,    0, 0, 0,    0,
	                                    0, 0,  1, 0, 8,    0, 0, 0x3a, 0x98, 0, 0, 0x3a, 0x98};

	connect_sockets(&client_fd, &server_fd, &at);
	struct net_stream *b = net_tls_stream_new(server, server_fd, &at, false);

	assert_int_equal(send(client_fd, keepalive, sizeof(keepalive), 0), sizeof(keepalive));
	wait_for(b, NET_READABLE);
	assert_int_equal(b->ops->open(b), ERR_TLS);
	assert_non_null(strstr(b->error, "does not speak TLS"));
	b->ops->close(b, false);
	/* An alert (21) and the end, or just the end. */
	struct pollfd p = {.fd = client_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	ssize_t got = recv(client_fd, data, sizeof(data), 0);

	assert_true(got < 0 || got == 0 || (got == 7 && data[0] == 21));
	close(client_fd);

	/* The other way round: the first and only thing a client sends is a ClientHello (22). */
	connect_sockets(&client_fd, &server_fd, &at);
	struct net_stream *a = net_tls_stream_new(client, client_fd, &at, true);

	wait_for(a, NET_WRITABLE);
	assert_int_equal(a->ops->open(a), ERR_AGAIN);
	p.fd = server_fd;
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(recv(server_fd, data, 1, 0) == 1 && data[0] == 22);
	assert_int_equal(send(server_fd, keepalive, sizeof(keepalive), 0), sizeof(keepalive));
	wait_for(a, NET_READABLE);
	assert_int_equal(a->ops->open(a), ERR_TLS);
	assert_non_null(strstr(a->error, "does not speak TLS"));
	a->ops->close(a, false);
	close(server_fd);
	net_tls_unref(client);
	net_tls_unref(server);
}

static void a_peer_that_hangs_up_in_the_handshake_is_told(void **state)
{
	(void)state;
	struct net_address at;
	int client_fd;
	int server_fd;
	struct net_tls_client_options c = client_options();
	struct net_tls *client = client_rules(&c);

	connect_sockets(&client_fd, &server_fd, &at);
	struct net_stream *a = net_tls_stream_new(client, client_fd, &at, true);

	shutdown(server_fd, SHUT_WR);
	wait_for(a, NET_WRITABLE);
	int err = a->ops->open(a);

	while (err == ERR_AGAIN) {
		wait_for(a, NET_READABLE);
		err = a->ops->open(a);
	}
	assert_true(err == ERR_TLS || err == ERR_CLOSED);
	assert_non_null(strstr(a->error, "closed the connection"));
	a->ops->close(a, false);
	close(server_fd);
	net_tls_unref(client);
}

/* A bare client of the library's, to send what ours never would. */
static int bare_handshake(struct net_tls *server, const char *alpn, size_t alpn_len, int max_version, char *version,
                          const char *ciphers)
{
	struct net_address at;
	int client_fd;
	int server_fd;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_max_proto_version(context, max_version);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_security_level(context, 0);
	if (ciphers != NULL) {
		assert_int_equal(SSL_CTX_set_cipher_list(context, ciphers), 1);
	}
	if (alpn != NULL) {
		SSL_CTX_set_alpn_protos(context, (const unsigned char *)alpn, (unsigned)alpn_len);
	}
	connect_sockets(&client_fd, &server_fd, &at);
	struct net_stream *b = net_tls_stream_new(server, server_fd, &at, false);
	SSL *ssl = SSL_new(context);

	SSL_set_fd(ssl, client_fd);
	SSL_set_connect_state(ssl);
	int server_err = ERR_AGAIN;
	bool client_done = false;

	for (int i = 0; i < 100 && (!client_done || server_err == ERR_AGAIN); i++) {
		int result = client_done ? 1 : SSL_do_handshake(ssl);

		client_done = result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_SSL;
		if (server_err == ERR_AGAIN) {
			server_err = b->ops->open(b);
		}
		struct pollfd p[2] = {{.fd = server_fd, .events = POLLIN}, {.fd = client_fd, .events = POLLIN}};

		poll(server_err == ERR_AGAIN ? p : p + 1, 1, client_done ? 0 : 20);
	}
	if (server_err == 0) {
		const unsigned char *selected = NULL;
		unsigned len = 0;

		snprintf(version, 16, "%s", SSL_get_version(ssl));
		SSL_get0_alpn_selected(ssl, &selected, &len);
		if (alpn != NULL) {
			assert_int_equal(len, 3);
			assert_memory_equal(selected, "dot", 3);
		} else {
			assert_int_equal(len, 0);
		}
	} else {
		snprintf(version, 80, "%s", ERR_reason_error_string(ERR_peek_last_error()));
	}
	b->ops->close(b, false);
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(client_fd);
	ERR_clear_error();
	return server_err;
}

static void the_server_wants_dot_and_strong_ciphers(void **state)
{
	(void)state;
	struct net_tls_server_options s = server_options();
	struct net_tls *server = server_rules(&s);
	char said[80];

	assert_int_equal(bare_handshake(server, "\3dot", 4, TLS1_3_VERSION, said, NULL), 0);
	assert_string_equal(said, "TLSv1.3");
	assert_int_equal(bare_handshake(server, "\2h2\3dot", 7, TLS1_3_VERSION, said, NULL), 0);
	/* None offered is accepted; others without "dot" are not. */
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_3_VERSION, said, NULL), 0);
	assert_int_equal(bare_handshake(server, "\2h2", 3, TLS1_3_VERSION, said, NULL), ERR_TLS);
	assert_non_null(strstr(said, "no application protocol"));
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_2_VERSION, said, NULL), 0);
	assert_string_equal(said, "TLSv1.2");
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_2_VERSION, said, "ECDHE-ECDSA-AES128-SHA256"), ERR_TLS);
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_1_VERSION, said, NULL), ERR_TLS);
	net_tls_unref(server);
	s.tls13_only = true;
	server = server_rules(&s);
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_2_VERSION, said, NULL), ERR_TLS);
	assert_int_equal(bare_handshake(server, NULL, 0, TLS1_3_VERSION, said, NULL), 0);
	net_tls_unref(server);
}

static void a_slow_reader_stops_the_writer_and_loses_nothing(void **state)
{
	(void)state;
	enum { TOTAL = 8 << 20 };
	struct ends e;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();
	uint8_t *block = mem_alloc(TOTAL);
	static uint8_t data[40000];
	size_t sent = 0;
	size_t received = 0;
	size_t len = 0;
	bool stopped = false;

	for (size_t i = 0; i < TOTAL; i++) {
		block[i] = (uint8_t)(i * 7 + i / 251);
	}
	open_with(&e, &c, &s);
	while (received < TOTAL) {
		int err = 0;

		while (sent < TOTAL && err == 0) {
			/* From another place in memory each time: what waits may move. */
			size_t offer = TOTAL - sent < 50000 ? TOTAL - sent : 50000;
			uint8_t *copy = mem_dup(block + sent, offer);

			err = e.server->ops->write(e.server, copy, offer, &len);
			mem_free(copy);
			sent += err == 0 ? len : 0;
		}
		if (err == ERR_AGAIN) {
			stopped = true;
		}
		bool early;

		while ((err = e.client->ops->read(e.client, data, sizeof(data), &len, &early)) == 0) {
			assert_true(received + len <= TOTAL);
			assert_memory_equal(data, block + received, len);
			received += len;
		}
		assert_int_equal(err, ERR_AGAIN);
	}
	assert_true(stopped);
	mem_free(block);
	close_ends(&e);
}

static void a_session_is_resumed_with_early_data(void **state)
{
	(void)state;
	struct net_tls_server_options s = server_options();
	struct net_address at;
	struct net_tls *server;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;

	s.early_data = true;
	server = server_rules(&s);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
	for (int connection = 0; connection < 2; connection++) {
		int client_fd;
		int server_fd;
		uint8_t data[64];
		size_t len = 0;
		bool early = false;
		int err = ERR_AGAIN;

		connect_sockets(&client_fd, &server_fd, &at);
		struct net_stream *b = net_tls_stream_new(server, server_fd, &at, false);
		SSL *ssl = SSL_new(context);

		SSL_set_fd(ssl, client_fd);
		SSL_set_connect_state(ssl);
		if (session != NULL) {
			assert_int_equal(SSL_set_session(ssl, session), 1);
			assert_true(SSL_SESSION_get_max_early_data(session) > 0);
			assert_int_equal(SSL_write_early_data(ssl, "early", 5, &len), 1);
			wait_for(b, NET_READABLE);
			/* It is there before the client has finished, and marked. */
			while ((err = b->ops->open(b)) == ERR_AGAIN) {
				wait_for(b, NET_READABLE);
			}
			assert_int_equal(err, 0);
			assert_true(b->ops->pending(b));
			assert_int_equal(b->ops->read(b, data, sizeof(data), &len, &early), 0);
			assert_true(early);
			assert_int_equal(len, 5);
			assert_memory_equal(data, "early", 5);
			assert_int_equal(b->ops->write(b, (const uint8_t *)"soon", 4, &len), 0);
		}
		for (int i = 0; i < 100 && SSL_is_init_finished(ssl) == 0; i++) {
			SSL_do_handshake(ssl);
			if (session == NULL && err == ERR_AGAIN) {
				err = b->ops->open(b);
			}
			struct pollfd p = {.fd = client_fd, .events = POLLIN};

			poll(&p, 1, 10);
		}
		assert_int_equal(SSL_is_init_finished(ssl), 1);
		assert_int_equal(SSL_write_ex(ssl, "late", 4, &len), 1);
		while (err == ERR_AGAIN && (err = b->ops->open(b)) == ERR_AGAIN) {
			wait_for(b, NET_READABLE);
		}
		assert_int_equal(err, 0);
		while ((err = b->ops->read(b, data, sizeof(data), &len, &early)) == ERR_AGAIN) {
			wait_for(b, NET_READABLE);
		}
		assert_int_equal(err, 0);
		assert_false(early);
		assert_memory_equal(data, "late", 4);
		assert_int_equal(b->info.resumed, connection == 1);
		assert_int_equal(b->ops->write(b, (const uint8_t *)"over", 4, &len), 0);
		size_t got = 0;

		while (got < (connection == 1 ? 8 : 4)) {
			if (SSL_read_ex(ssl, data + got, sizeof(data) - got, &len) == 1) {
				got += len;
			} else {
				struct pollfd p = {.fd = client_fd, .events = POLLIN};

				assert_int_equal(poll(&p, 1, 10000), 1);
			}
		}
		assert_memory_equal(data, connection == 1 ? "soonover" : "over", got);
		if (session == NULL) {
			session = SSL_get1_session(ssl);
			assert_int_equal(SSL_SESSION_is_resumable(session), 1);
		}
		b->ops->close(b, false);
		SSL_shutdown(ssl);
		SSL_free(ssl);
		close(client_fd);
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(context);
	net_tls_unref(server);
}

static void server_fails(const struct net_tls_server_options *o, const char *first, const char *second)
{
	struct net_tls *t = NULL;
	char error[256] = "";

	assert_int_equal(net_tls_server_new(o, error, &t), ERR_TLS);
	assert_null(t);
	if (strstr(error, first) == NULL || strstr(error, second) == NULL) {
		fail_msg("\"%s\" or \"%s\" is not in \"%s\"", first, second, error);
	}
}

static void faulty_files_are_named(void **state)
{
	(void)state;
	struct net_tls_server_options s = server_options();

	s.certificate = "/nonexistent/cert.pem";
	server_fails(&s, "/nonexistent/cert.pem", "No such file");
	s = server_options();
	s.key = "/nonexistent/key.pem";
	server_fails(&s, "/nonexistent/key.pem", "No such file");
	s.key = pki.client_key;
	server_fails(&s, "does not belong", pki.server);
	s.key = pki.server;
	server_fails(&s, "key", pki.server);
	s = server_options();
	s.certificate = pki.server_key;
	server_fails(&s, "certificate", pki.server_key);
	s.certificate = pki.expired;
	server_fails(&s, "expired on", pki.expired);
	s = server_options();
	s.client_auth = NET_TLS_CLIENT_REQUIRED;
	server_fails(&s, "client certificates", "no CA");
	s.client_ca = pki.server_key;
	server_fails(&s, "client CA", pki.server_key);
}

static void client_fails(const struct net_tls_client_options *o, const char *words)
{
	struct net_tls *t = NULL;
	char error[256] = "";

	assert_int_equal(net_tls_client_new(o, error, &t), ERR_TLS);
	assert_null(t);
	assert_non_null(strstr(error, words));
}

/* PUSH-002: without anything to authenticate by there is no connection to begin with. */
static void faulty_client_options_are_named(void **state)
{
	(void)state;
	struct net_tls_client_options c = {.ca = pki.ca};

	client_fails(&c, "nothing to authenticate");
	c = client_options();
	c.pin = "AAAA";
	client_fails(&c, "is not the base64");
	c.pin = "not base64 at all, but long enough for one!!";
	client_fails(&c, "is not the base64");
	c = client_options();
	c.ca = "/nonexistent/ca.pem";
	client_fails(&c, "/nonexistent/ca.pem");
	c = client_options();
	c.certificate = pki.client;
	c.key = pki.server_key;
	client_fails(&c, "does not belong");
}

static void secrets_are_logged_where_asked(void **state)
{
	(void)state;
	struct ends e;
	char path[96];
	char text[4096] = "";
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();

	snprintf(path, sizeof(path), "%s/keylog", pki.dir);
	setenv("SSLKEYLOGFILE", path, 1);
	open_with(&e, &c, &s);
	unsetenv("SSLKEYLOGFILE");
	assert_int_equal(e.client_err, 0);
	close_ends(&e);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "CLIENT_TRAFFIC_SECRET_0 "));
	assert_int_equal(text[strlen(text) - 1], '\n');
	close(fd);
	unlink(path);
}

static void memory_may_end(void **state)
{
	(void)state;
	struct net_tls_client_options c = client_options();
	struct net_tls_server_options s = server_options();
	struct net_tls *t = NULL;
	struct net_address at = {0};
	char error[256];

	mem_fail_after(0);
	assert_int_equal(net_tls_server_new(&s, error, &t), ERR_NOMEM);
	for (int i = 0; i < 2; i++) {
		mem_fail_after(i);
		assert_int_equal(net_tls_client_new(&c, error, &t), ERR_NOMEM);
	}
	mem_fail_after(-1);
	t = server_rules(&s);
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	mem_fail_after(0);
	assert_null(net_tls_stream_new(t, fd, &at, false));
	mem_fail_after(-1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	net_tls_unref(t);
	net_tls_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(authenticated_by_name),
	        cmocka_unit_test(what_cannot_be_authenticated_is_refused),
	        cmocka_unit_test(pins_decide_alone),
	        cmocka_unit_test(insecure_believes_anyone),
	        cmocka_unit_test(client_certificates),
	        cmocka_unit_test(an_orderly_end_is_close_notify_and_fin),
	        cmocka_unit_test(an_abort_is_a_reset),
	        cmocka_unit_test(an_abort_in_the_handshake_is_a_reset_too),
	        cmocka_unit_test(clear_text_and_tls_do_not_mix),
	        cmocka_unit_test(a_peer_that_hangs_up_in_the_handshake_is_told),
	        cmocka_unit_test(the_server_wants_dot_and_strong_ciphers),
	        cmocka_unit_test(a_slow_reader_stops_the_writer_and_loses_nothing),
	        cmocka_unit_test(a_session_is_resumed_with_early_data),
	        cmocka_unit_test(faulty_files_are_named),
	        cmocka_unit_test(faulty_client_options_are_named),
	        cmocka_unit_test(secrets_are_logged_where_asked),
	        cmocka_unit_test(memory_may_end),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
