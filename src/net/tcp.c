#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/stream.h"

enum {
	KEEPALIVE_IDLE_S = 60,
	KEEPALIVE_INTERVAL_S = 15,
	KEEPALIVE_PROBES = 2,
	USER_TIMEOUT_MS = 90000,
	/* The kernel doubles it. Bounds what a peer that does not read costs. */
	SERVER_BUFFER = 16384,
};

/* ---- the stream ---- */

struct tcp {
	struct net_stream base;
	bool connecting;
};

int net_stream_fail(struct net_stream *s, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->error, sizeof(s->error), format, args);
	va_end(args);
	return err;
}

void net_stream_no_reply(struct net_stream *s)
{
	if (s->fd >= 0) {
		const int on = 1;

		setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	}
}

/* The error code for a failed system call on the stream, with words. */
static int system_failure(struct net_stream *s, const char *what, int error)
{
	char peer[NET_ADDRESS_TEXT_MAX];
	int err = error == ETIMEDOUT ? ERR_TIMEOUT : ERR_SYSTEM;

	net_stream_fail(s, err, "cannot %s %s: %s", what, net_address_text(&s->peer, peer), strerror(error));
	errno = error;
	return err;
}

int net_tcp_connected(struct net_stream *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&p, 1, 0) <= 0) {
		return ERR_AGAIN;
	}
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
		error = errno;
	}
	return error == 0 ? 0 : system_failure(s, "connect to", error);
}

static int tcp_open(struct net_stream *s)
{
	struct tcp *t = (struct tcp *)s;

	if (t->connecting) {
		int err = net_tcp_connected(s);

		if (err < 0) {
			return err;
		}
		t->connecting = false;
	}
	return 0;
}

static int tcp_read(struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len, bool *ret_early)
{
	ssize_t got;

	do {
		got = recv(s->fd, data, cap, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		*ret_len = (size_t)got;
		*ret_early = false;
		return 0;
	}
	if (got == 0) {
		return ERR_CLOSED;
	}
	return errno == EAGAIN ? ERR_AGAIN : system_failure(s, "read from", errno);
}

static int tcp_write(struct net_stream *s, const uint8_t *data, size_t len, size_t *ret_len)
{
	ssize_t sent;

	do {
		sent = send(s->fd, data, len, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0) {
		*ret_len = (size_t)sent;
		return 0;
	}
	return errno == EAGAIN ? ERR_AGAIN : system_failure(s, "write to", errno);
}

static unsigned tcp_needs(const struct net_stream *s)
{
	return ((const struct tcp *)s)->connecting ? NET_WRITABLE : 0;
}

static bool tcp_pending(const struct net_stream *s)
{
	(void)s;
	return false;
}

static void tcp_shutdown(struct net_stream *s)
{
	shutdown(s->fd, SHUT_WR);
}

void net_tcp_close(int fd, bool reset)
{
	if (reset) {
		const struct linger linger = {.l_onoff = 1, .l_linger = 0};

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
	close(fd);
}

static void tcp_close(struct net_stream *s, bool reset)
{
	net_tcp_close(s->fd, reset);
	mem_free(s);
}

static const struct net_stream_ops tcp_ops = {
        .open = tcp_open,
        .read = tcp_read,
        .write = tcp_write,
        .needs = tcp_needs,
        .pending = tcp_pending,
        .shutdown = tcp_shutdown,
        .close = tcp_close,
};

struct net_stream *net_tcp_stream_new(int fd, const struct net_address *peer, bool connecting)
{
	struct tcp *t = mem_calloc(1, sizeof(*t));

	if (t == NULL) {
		close(fd);
		return NULL;
	}
	t->base.ops = &tcp_ops;
	t->base.fd = fd;
	t->base.peer = *peer;
	t->connecting = connecting;
	return &t->base;
}

/* ---- sockets ---- */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* Close without losing errno, which tells why. */
static int give_up(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return ERR_SYSTEM;
}

/* What every TCP connection has; an accepted one inherits it from its listener. */
static int set_tcp_options(int fd)
{
	if (set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) != 0 || set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) != 0 ||
	    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) != 0 ||
	    set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) != 0 ||
	    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS) != 0 || set(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0) {
		return ERR_SYSTEM;
	}
	return 0;
}

int net_listen_tcp(const struct net_address *a, bool reuse_port)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	/* The buffers are set before listen(), as the window's scale is settled with the first packet. */
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || (reuse_port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) ||
	    (a->sa.sa_family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) || set_tcp_options(fd) < 0 ||
	    set(fd, SOL_SOCKET, SO_SNDBUF, SERVER_BUFFER) != 0 || set(fd, SOL_SOCKET, SO_RCVBUF, SERVER_BUFFER) != 0 ||
	    bind(fd, &a->sa, a->len) != 0 || listen(fd, SOMAXCONN) != 0) {
		return give_up(fd);
	}
	return fd;
}

int net_local_address(int fd, struct net_address *ret_address)
{
	struct net_address a = {0};

	a.len = sizeof(a.in6);
	if (getsockname(fd, &a.sa, &a.len) != 0) {
		return ERR_SYSTEM;
	}
	*ret_address = a;
	return 0;
}

int net_accept(int listen_fd, struct net_address *ret_peer)
{
	for (;;) {
		struct net_address peer = {0};

		peer.len = sizeof(peer.in6);
		int fd = accept4(listen_fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			*ret_peer = peer;
			return fd;
		}
		switch (errno) {
		case EAGAIN:
			return ERR_AGAIN;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			return ERR_LIMIT;
		/* One connection broke before it was taken, or its network did: the next may be well. */
		case EINTR:
		case ECONNABORTED:
		case EPROTO:
		case EPERM:
		case ENETDOWN:
		case ENOPROTOOPT:
		case EHOSTDOWN:
		case ENONET:
		case EHOSTUNREACH:
		case ENETUNREACH:
			continue;
		default:
			return ERR_SYSTEM;
		}
	}
}

int net_connect(const struct net_address *a)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	if (set_tcp_options(fd) < 0 || (connect(fd, &a->sa, a->len) != 0 && errno != EINPROGRESS && errno != EINTR)) {
		return give_up(fd);
	}
	return fd;
}
