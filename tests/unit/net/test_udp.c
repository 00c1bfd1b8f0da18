#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "net/stream.h"

struct server {
	int fd;
	struct net_address at;
	int calls;
	struct net_datagram last;
};

static void start(struct server *s, const char *where)
{
	struct net_address a;

	memset(s, 0, sizeof(*s));
	assert_int_equal(net_address_parse(where, 0, &a), 0);
	s->fd = net_bind_udp(&a, false);
	assert_true(s->fd >= 0);
	assert_int_equal(net_local_address(s->fd, &s->at), 0);
}

static void wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

/* A client that has connected, so that it hears only what comes from where it asked. */
static int client_to(const char *host, uint16_t port)
{
	struct net_address a;

	assert_int_equal(net_address_parse(host, port, &a), 0);
	int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	return fd;
}

/* Upside down; "drop" gets nothing. */
static size_t answer(void *context, const struct net_datagram *d, uint8_t *out, size_t cap)
{
	struct server *s = context;

	s->calls++;
	s->last = *d;
	assert_int_equal(cap, 4096);
	if (d->len == 4 && memcmp(d->data, "drop", 4) == 0) {
		return 0;
	}
	for (size_t i = 0; i < d->len; i++) {
		out[i] = d->data[d->len - 1 - i];
	}
	return d->len;
}

static void answers_leave_from_where_the_question_came_to(void **state)
{
	(void)state;
	struct server s;
	static const char *const hosts[] = {"127.0.0.1", "127.0.0.2"};
	char data[16];
	char text[NET_ADDRESS_TEXT_MAX];

	start(&s, "0.0.0.0@0");
	for (int i = 0; i < 2; i++) {
		int fd = client_to(hosts[i], net_address_port(&s.at));

		assert_int_equal(send(fd, "abc", 3, 0), 3);
		wait_for(s.fd);
		net_udp_serve(s.fd, answer, &s);
		wait_for(fd);
		assert_int_equal(recv(fd, data, sizeof(data), 0), 3);
		assert_memory_equal(data, "cba", 3);
		assert_non_null(strstr(net_address_text(&s.last.local, text), hosts[i]));
		assert_int_equal(s.last.len, 3);
		/* A later answer, by itself. */
		assert_int_equal(net_udp_send(s.fd, &s.last.peer, &s.last.local, (const uint8_t *)"late", 4), 0);
		wait_for(fd);
		assert_int_equal(recv(fd, data, sizeof(data), 0), 4);
		close(fd);
	}
	close(s.fd);
}

static void version_six_as_well(void **state)
{
	(void)state;
	struct server s;
	struct net_address a;
	char data[16];

	assert_int_equal(net_address_parse("::1@0", 0, &a), 0);
	int probe = net_bind_udp(&a, true);

	if (probe < 0) {
		skip();
	}
	close(probe);
	start(&s, "::@0");
	int fd = client_to("::1", net_address_port(&s.at));

	assert_int_equal(send(fd, "abc", 3, 0), 3);
	wait_for(s.fd);
	net_udp_serve(s.fd, answer, &s);
	wait_for(fd);
	assert_int_equal(recv(fd, data, sizeof(data), 0), 3);
	assert_memory_equal(data, "cba", 3);
	assert_int_equal(net_udp_send(s.fd, &s.last.peer, &s.last.local, (const uint8_t *)"late", 4), 0);
	close(fd);
	close(s.fd);
}

static void batches_are_bounded_and_lose_nothing(void **state)
{
	(void)state;
	enum { MANY = 70 };
	struct server s;
	uint8_t data[16];
	bool seen[MANY] = {false};

	start(&s, "127.0.0.1@0");
	int fd = client_to("127.0.0.1", net_address_port(&s.at));

	for (uint8_t i = 0; i < MANY; i++) {
		const uint8_t question[2] = {i, 0xff};

		assert_int_equal(send(fd, question, 2, 0), 2);
	}
	wait_for(s.fd);
	net_udp_serve(s.fd, answer, &s);
	assert_int_equal(s.calls, 64);
	net_udp_serve(s.fd, answer, &s);
	assert_int_equal(s.calls, MANY);
	for (int i = 0; i < MANY; i++) {
		wait_for(fd);
		assert_int_equal(recv(fd, data, sizeof(data), 0), 2);
		assert_true(data[1] < MANY && !seen[data[1]]);
		seen[data[1]] = true;
	}
	close(fd);
	close(s.fd);
}

static void what_gets_no_answer_does_not_hold_up_others(void **state)
{
	(void)state;
	static uint8_t large[5000];
	struct server s;
	char data[16];

	start(&s, "127.0.0.1@0");
	int fd = client_to("127.0.0.1", net_address_port(&s.at));

	assert_int_equal(send(fd, "drop", 4, 0), 4);
	assert_int_equal(send(fd, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(send(fd, "ab", 2, 0), 2);
	wait_for(s.fd);
	net_udp_serve(s.fd, answer, &s);
	/* The one too long is not even shown. */
	assert_int_equal(s.calls, 2);
	wait_for(fd);
	assert_int_equal(recv(fd, data, sizeof(data), 0), 2);
	assert_memory_equal(data, "ba", 2);
	assert_int_equal(recv(fd, data, sizeof(data), 0), -1);
	close(fd);
	close(s.fd);
}

static void failures_are_told(void **state)
{
	(void)state;
	struct server s;
	struct net_address none = {0};
	struct net_address foreign;

	assert_int_equal(net_address_parse("192.0.2.1@0", 0, &foreign), 0);
	assert_int_equal(net_bind_udp(&foreign, false), ERR_SYSTEM);
	assert_int_equal(errno, EADDRNOTAVAIL);
	start(&s, "127.0.0.1@0");
	/* An address to send from that is not ours. */
	assert_int_equal(net_udp_send(s.fd, &s.at, &foreign, (const uint8_t *)"x", 1), ERR_SYSTEM);
	assert_int_equal(net_udp_send(s.fd, &s.at, &none, (const uint8_t *)"x", 1), 0);
	close(s.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(answers_leave_from_where_the_question_came_to),
	        cmocka_unit_test(version_six_as_well),
	        cmocka_unit_test(batches_are_bounded_and_lose_nothing),
	        cmocka_unit_test(what_gets_no_answer_does_not_hold_up_others),
	        cmocka_unit_test(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
