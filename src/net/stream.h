/*
 * A byte stream to a peer, whatever carries it: TCP, TLS over TCP, or a pipe in
 * memory for tests. Non-blocking. One thread.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"

struct net_stream;

/* What each transport fills in. */
struct net_stream_ops {
	/* Go on with connecting and handshake: 0 when open, ERR_AGAIN, or why it failed. */
	int (*open)(struct net_stream *s);
	/* Up to `cap` bytes. 0 with *ret_len > 0; ERR_AGAIN; ERR_CLOSED at an orderly end; others. *ret_early: 0-RTT
	 * data. */
	int (*read)(struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len, bool *ret_early);
	/* Some of `len` bytes. 0 with *ret_len > 0; ERR_AGAIN (retry with the same bytes, from anywhere); others. */
	int (*write)(struct net_stream *s, const uint8_t *data, size_t len, size_t *ret_len);
	/* What the transport must wait for to go on, beyond what the caller wants: NET_READABLE/NET_WRITABLE. */
	unsigned (*needs)(const struct net_stream *s);
	/* Bytes that read() would give without the descriptor becoming readable (TLS buffered data). */
	bool (*pending)(const struct net_stream *s);
	/* close_notify (TLS) and FIN; reading may go on to the peer's end. */
	void (*shutdown)(struct net_stream *s);
	/* Release everything; with `reset` the peer gets RST and no close_notify. */
	void (*close)(struct net_stream *s, bool reset);
};

/* Facts about an open stream, for output, the log and ACLs. */
struct net_stream_info {
	const char *tls_version; /* "TLSv1.3", NULL without TLS */
	const char *cipher;
	const char *authenticated; /* client: how the server was: "pkix", "pin", "dane", "none" */
	bool peer_certificate;     /* server: the client showed a verified one */
	bool resumed;
};

/* First member of every transport's own struct. */
struct net_stream {
	const struct net_stream_ops *ops;
	int fd; /* -1 for memory */
	struct net_address peer;
	struct net_stream_info info;
	char error[256]; /* the last failure in words for people: which check failed, why, what would make it pass */
};

/* A TCP stream over an accepted or connecting non-blocking socket, which it owns then. NULL when memory ends (fd
 * closed). */
struct net_stream *net_tcp_stream_new(int fd, const struct net_address *peer, bool connecting);
/* Two ends of a pipe in memory holding at most `cap` bytes each way; for tests. 0 or ERR_NOMEM. */
int net_memory_pair(size_t cap, struct net_stream **ret_a, struct net_stream **ret_b);
/*
 * A pipe has no descriptor: `ready` is called instead when the other end wrote,
 * read, shut down or closed. It is called from inside the other end's operation,
 * so it must only note that there is something to do. NULL ends it.
 */
void net_memory_notify(struct net_stream *s, void (*ready)(void *context), void *context);

/*
 * Tell the transport that what was just read gets no reply (RFC 8490 5.5.1): a
 * one-shot TCP_QUICKACK, so that the peer need not wait for a delayed ACK.
 */
void net_stream_no_reply(struct net_stream *s);

/* Put words into s->error (printf); returns `err`, so that a failure is told and returned in one go. */
int net_stream_fail(struct net_stream *s, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* For transports over TCP: has the connection come about? 0, ERR_AGAIN, or why not with words in s->error. */
int net_tcp_connected(struct net_stream *s);
/* For transports over TCP: close the descriptor, by RST if `reset`. */
void net_tcp_close(int fd, bool reset);

/*
 * ---- sockets ----
 *
 * TCP_NODELAY is set on both sides. RFC 8490 5.5.1 and 9.5 advise to leave
 * Nagle's algorithm on; that advice is not followed, deliberately: everything at
 * hand is written at once, so there are no runs of small writes to merge, while
 * with Nagle a PUSH would wait a round trip for the ACK of the one before it.
 * Delayed ACK is left on. TCP Fast Open is never asked for (RFC 8490 5.1).
 */

/* Non-blocking, bound, SO_REUSEADDR (and SO_REUSEPORT where asked), IPV6_V6ONLY. The fd, or ERR_SYSTEM with errno set.
 */
int net_listen_tcp(const struct net_address *a, bool reuse_port);
int net_bind_udp(const struct net_address *a, bool reuse_port);
/* The address a socket is bound to (port 0 resolved). */
int net_local_address(int fd, struct net_address *ret_address);
/* Accept one: the fd (non-blocking, close-on-exec, keepalive 60/15/2, USER_TIMEOUT 90 s, small send buffer), ERR_AGAIN,
 * ERR_LIMIT (EMFILE...), ERR_SYSTEM. */
int net_accept(int listen_fd, struct net_address *ret_peer);
/* Start connecting: the fd, or ERR_SYSTEM with errno set. */
int net_connect(const struct net_address *a);

/* ---- datagrams ---- */

struct net_datagram {
	const uint8_t *data;
	size_t len;
	struct net_address peer;
	struct net_address local; /* where it came to, so that the answer leaves from there (wildcard sockets) */
};
/* For each datagram waiting (batches of recvmmsg): `answer` writes up to `cap` bytes into `out` and returns their
 * number, 0 for none. Answers are sent in batches. */
typedef size_t (*net_datagram_fn)(void *context, const struct net_datagram *d, uint8_t *out, size_t cap);
/* Datagrams over 4096 bytes are dropped; `cap` is 4096. Returns after some batches even if more wait. */
void net_udp_serve(int fd, net_datagram_fn answer, void *context);
/*
 * A UDP socket's own send, for answers that come later. `local` as the datagram had it. 0, ERR_AGAIN, ERR_SYSTEM.
 */
int net_udp_send(int fd, const struct net_address *peer, const struct net_address *local, const uint8_t *data,
                 size_t len);

#endif
