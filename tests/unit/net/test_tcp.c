#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/stream.h"

struct ends {
	struct net_stream *client;
	struct net_stream *server;
};

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static int listen_somewhere(struct net_address *ret_address)
{
	struct net_address any;
	int fd;

	assert_int_equal(net_address_parse("127.0.0.1@0", 0, &any), 0);
	fd = net_listen_tcp(&any, false);
	assert_true(fd >= 0);
	assert_int_equal(net_local_address(fd, ret_address), 0);
	assert_int_not_equal(net_address_port(ret_address), 0);
	return fd;
}

static void connect_ends(struct ends *e)
{
	struct net_address at;
	struct net_address peer;
	int listener = listen_somewhere(&at);

	assert_int_equal(net_accept(listener, &peer), ERR_AGAIN);
	int fd = net_connect(&at);

	assert_true(fd >= 0);
	e->client = net_tcp_stream_new(fd, &at, true);
	assert_non_null(e->client);
	assert_int_equal(e->client->ops->needs(e->client), NET_WRITABLE);
	wait_for(fd, POLLOUT);
	assert_int_equal(e->client->ops->open(e->client), 0);
	assert_int_equal(e->client->ops->needs(e->client), 0);
	wait_for(listener, POLLIN);
	fd = net_accept(listener, &peer);
	assert_true(fd >= 0);
	e->server = net_tcp_stream_new(fd, &peer, false);
	assert_non_null(e->server);
	assert_int_equal(e->server->ops->open(e->server), 0);
	close(listener);
}

static int read_some(struct net_stream *s, char *data, size_t cap, size_t *ret_len)
{
	bool early = true;
	int err;

	wait_for(s->fd, POLLIN);
	err = s->ops->read(s, (uint8_t *)data, cap, ret_len, &early);
	if (err == 0) {
		assert_false(early);
	}
	return err;
}

static void carries_bytes_both_ways(void **state)
{
	(void)state;
	struct ends e;
	char data[16];
	size_t len = 0;
	bool early;

	connect_ends(&e);
	assert_int_equal(e.server->ops->read(e.server, (uint8_t *)data, sizeof(data), &len, &early), ERR_AGAIN);
	assert_int_equal(e.client->ops->write(e.client, (const uint8_t *)"hello", 5, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	assert_false(e.server->ops->pending(e.server));
	net_stream_no_reply(e.server);
	e.client->ops->shutdown(e.client);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), ERR_CLOSED);
	/* The other direction still works. */
	assert_int_equal(e.server->ops->write(e.server, (const uint8_t *)"bye", 3, &len), 0);
	assert_int_equal(read_some(e.client, data, sizeof(data), &len), 0);
	assert_int_equal(len, 3);
	e.client->ops->close(e.client, false);
	e.server->ops->close(e.server, false);
}

/* DSO-080: what the peer sees of an abort is a reset. */
static void an_abort_is_a_reset(void **state)
{
	(void)state;
	struct ends e;
	char data[16];
	size_t len = 0;

	connect_ends(&e);
	e.client->ops->close(e.client, true);
	assert_int_equal(read_some(e.server, data, sizeof(data), &len), ERR_SYSTEM);
	assert_int_equal(errno, ECONNRESET);
	assert_non_null(strstr(e.server->error, "Connection reset by peer"));
	assert_non_null(strstr(e.server->error, "127.0.0.1@"));
	/* Writing to nobody is an error and no signal. */
	assert_int_equal(e.server->ops->write(e.server, (const uint8_t *)"x", 1, &len), ERR_SYSTEM);
	e.server->ops->close(e.server, false);
}

static void a_reader_that_stands_still_stops_the_writer(void **state)
{
	(void)state;
	static uint8_t block[65536];
	struct ends e;
	size_t len = 0;
	size_t total = 0;
	int err;

	connect_ends(&e);
	while ((err = e.server->ops->write(e.server, block, sizeof(block), &len)) == 0) {
		total += len;
		assert_true(total < 64U << 20);
	}
	assert_int_equal(err, ERR_AGAIN);
	e.client->ops->close(e.client, true);
	e.server->ops->close(e.server, true);
}

static void nobody_listening_is_told(void **state)
{
	(void)state;
	struct net_address at;

	close(listen_somewhere(&at));
	int fd = net_connect(&at);

	assert_true(fd >= 0);
	struct net_stream *s = net_tcp_stream_new(fd, &at, true);

	wait_for(fd, POLLOUT);
	assert_int_equal(s->ops->open(s), ERR_SYSTEM);
	assert_int_equal(errno, ECONNREFUSED);
	assert_non_null(strstr(s->error, "cannot connect to 127.0.0.1@"));
	assert_non_null(strstr(s->error, "Connection refused"));
	s->ops->close(s, false);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* DSO-089: no Fast Open. And what every connection is to have, on both sides. */
static void sockets_have_their_options(void **state)
{
	(void)state;
	struct net_address at;
	struct ends e;
	int listener = listen_somewhere(&at);

	assert_int_equal(option(listener, IPPROTO_TCP, TCP_FASTOPEN), 0);
	close(listener);
	connect_ends(&e);
	const int fds[] = {e.client->fd, e.server->fd};

	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(option(fds[i], SOL_SOCKET, SO_KEEPALIVE), 0);
		assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_KEEPIDLE), 60);
		assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_KEEPINTVL), 15);
		assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_KEEPCNT), 2);
		assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 90000);
		assert_int_not_equal(option(fds[i], IPPROTO_TCP, TCP_NODELAY), 0);
		assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 0);
		assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(option(e.server->fd, SOL_SOCKET, SO_SNDBUF), 32768);
	e.client->ops->close(e.client, false);
	e.server->ops->close(e.server, false);
}

static void running_out_of_descriptors_is_a_limit(void **state)
{
	(void)state;
	struct net_address at;
	struct net_address peer;
	struct rlimit before;
	int listener = listen_somewhere(&at);
	int fd = net_connect(&at);

	wait_for(listener, POLLIN);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	/* No number at or above the highest one in use may be given out. */
	struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int err = net_accept(listener, &peer);
	int connected = net_connect(&at);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(err, ERR_LIMIT);
	assert_int_equal(connected, ERR_SYSTEM);
	int accepted = net_accept(listener, &peer);

	assert_true(accepted >= 0);
	close(accepted);
	close(fd);
	close(listener);
	assert_int_equal(net_accept(listener, &peer), ERR_SYSTEM);
}

static void listening_fails_with_a_reason(void **state)
{
	(void)state;
	struct net_address at;
	struct net_address not_ours;
	int first = listen_somewhere(&at);

	assert_int_equal(net_listen_tcp(&at, false), ERR_SYSTEM);
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	assert_int_equal(net_address_parse("192.0.2.1@0", 0, &not_ours), 0);
	assert_int_equal(net_listen_tcp(&not_ours, true), ERR_SYSTEM);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_int_equal(net_local_address(-1, &at), ERR_SYSTEM);
	/* With a shared port two listen. */
	assert_int_equal(net_address_parse("::1@0", 0, &at), 0);
	first = net_listen_tcp(&at, true);
	if (first >= 0) {
		assert_int_equal(net_local_address(first, &at), 0);
		int second = net_listen_tcp(&at, true);

		assert_true(second >= 0);
		close(second);
		close(first);
	}
}

static void without_memory_the_descriptor_is_closed(void **state)
{
	(void)state;
	struct net_address at;
	int fd = listen_somewhere(&at);

	mem_fail_after(0);
	assert_null(net_tcp_stream_new(fd, &at, false));
	mem_fail_after(-1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void count(void *context)
{
	(*(int *)context)++;
}

static void a_pipe_in_memory_is_a_stream(void **state)
{
	(void)state;
	struct net_stream *a;
	struct net_stream *b;
	uint8_t data[8];
	size_t len = 0;
	bool early = true;
	int ready = 0;

	assert_int_equal(net_memory_pair(4, &a, &b), 0);
	net_memory_notify(b, count, &ready);
	assert_int_equal(a->ops->open(a), 0);
	assert_int_equal(a->ops->needs(a), 0);
	assert_int_equal(b->ops->read(b, data, 8, &len, &early), ERR_AGAIN);
	assert_int_equal(a->ops->write(a, (const uint8_t *)"abcdef", 6, &len), 0);
	assert_int_equal(len, 4);
	assert_int_equal(ready, 1);
	assert_true(b->ops->pending(b));
	assert_int_equal(a->ops->write(a, (const uint8_t *)"ef", 2, &len), ERR_AGAIN);
	assert_int_equal(b->ops->read(b, data, 3, &len, &early), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "abc", 3);
	assert_false(early);
	a->ops->shutdown(a);
	assert_int_equal(ready, 2);
	assert_int_equal(b->ops->read(b, data, 3, &len, &early), 0);
	assert_int_equal(b->ops->read(b, data, 3, &len, &early), ERR_CLOSED);
	a->ops->close(a, true);
	assert_int_equal(ready, 3);
	assert_int_equal(b->ops->read(b, data, 3, &len, &early), ERR_SYSTEM);
	assert_int_equal(b->ops->write(b, data, 3, &len), ERR_SYSTEM);
	assert_non_null(strstr(b->error, "reset"));
	b->ops->close(b, false);
	for (int i = 0; i < 2; i++) {
		mem_fail_after(i);
		assert_int_equal(net_memory_pair(4, &a, &b), ERR_NOMEM);
	}
	mem_fail_after(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(carries_bytes_both_ways),
	        cmocka_unit_test(an_abort_is_a_reset),
	        cmocka_unit_test(a_reader_that_stands_still_stops_the_writer),
	        cmocka_unit_test(nobody_listening_is_told),
	        cmocka_unit_test(sockets_have_their_options),
	        cmocka_unit_test(running_out_of_descriptors_is_a_limit),
	        cmocka_unit_test(listening_fails_with_a_reason),
	        cmocka_unit_test(without_memory_the_descriptor_is_closed),
	        cmocka_unit_test(a_pipe_in_memory_is_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
