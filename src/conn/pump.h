/*
 * A connection: the only code that knows both a stream and a DSO session. It
 * moves bytes between them, keeps the deadline, and gives the session's events
 * to its owner.
 *
 * Everything happens in the loop's thread. Inside a callback any conn_ call is
 * allowed, closing too: the connection is marked and freed at the end of the turn.
 */
#ifndef CONN_PUMP_H
#define CONN_PUMP_H

#include "dso/session.h"
#include "net/loop.h"
#include "net/stream.h"

struct conn;

struct conn_callbacks {
	/* The stream is open (handshake done); conn_session() exists from here on. */
	void (*opened)(void *context, struct conn *c);
	/* An event of the session, except CLOSE and ABORT, which the pump carries out itself. */
	void (*event)(void *context, struct conn *c, const struct dso_event *event);
	/* Everything unsent has gone out after conn_send_shared() said ERR_AGAIN or output was waiting. */
	void (*drained)(void *context, struct conn *c);
	/* The connection is over, for whatever reason; the last call. `error` is 0 for an orderly end; `reason` of the
	 * session, words in conn_error(). */
	void (*closed)(void *context, struct conn *c, int error, enum dso_reason reason);
};

struct conn_config {
	const struct dso_config *dso;
	const struct conn_callbacks *callbacks;
	uint32_t handshake_timeout_ms; /* from now to open; 5000 */
	uint32_t stall_timeout_ms;     /* output waiting without any progress; 60000 */
};

/*
 * Run a stream (owned from now on, closed on failure too). `config` is borrowed.
 * NULL when memory ends.
 */
struct conn *conn_new(struct net_loop *loop, const struct conn_config *config, struct net_stream *stream,
                      void *context);

void *conn_context(const struct conn *c);
void conn_set_context(struct conn *c, void *context);
/* The session; NULL until opened. */
struct dso_session *conn_session(const struct conn *c);
const struct net_stream *conn_stream(const struct conn *c);
/* Words for people about the failure; "" if none. */
const char *conn_error(const struct conn *c);
/* Bytes of heap, TLS aside. */
size_t conn_memory(const struct conn *c);

/* After calls on the session outside of `event` (answers, requests): send what it has to say and re-arm its deadline.
 */
void conn_flush(struct conn *c);

/*
 * Send framed DSO bytes shared with other sessions (PUSH), without a copy if the
 * stream takes them at once; a rest that it does not take is copied. 0: accepted,
 * timers noted. ERR_AGAIN: output is waiting already, nothing was taken: `drained`
 * will be called. ERR_STATE: not established or over.
 */
int conn_send_shared(struct conn *c, const uint8_t *data, size_t len);
/* True while output waits. */
bool conn_is_busy(const struct conn *c);

/* End it: by close_notify and FIN, or by RST. `closed` follows in this or a later turn. */
void conn_close(struct conn *c);
void conn_abort(struct conn *c);

/* To be called by the loop's `expired` callback for entries of connections: the conn that embeds the entry. */
void conn_expired(struct timers_entry *entry, uint64_t now_ms);

#endif
