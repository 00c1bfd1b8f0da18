#include "conn/pump.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum {
	READ_CHUNK = 16384, /* one TLS record */
	READ_TURN = 65536,  /* bytes read from one connection a turn, so that others have theirs */
	LINGER_MS = 5000,   /* from our FIN to the peer's */
};

enum conn_state {
	CONN_OPENING,   /* connecting, TLS handshake */
	CONN_RUNNING,   /* the session lives */
	CONN_FLUSHING,  /* to be closed: what is unsent goes out first; input is thrown away */
	CONN_LINGERING, /* our FIN is out; waiting for the peer's */
	CONN_OVER,      /* nothing is done any more; freed at the end of the turn */
};

struct conn {
	struct timers_entry timer;
	struct net_deferred deferred;
	struct net_loop *loop;
	const struct conn_config *config;
	struct net_stream *stream;
	struct net_watch *watch; /* NULL for a pipe in memory */
	struct dso_session *session;
	void *context;
	struct buf rest;   /* of a shared message, goes out before the session's output */
	uint64_t step_ms;  /* deadline of the handshake, or of lingering */
	uint64_t stall_ms; /* deadline of the next progress of waiting output */
	enum conn_state state;
	int error; /* for `closed` */
	enum dso_reason reason;
	bool reset : 1;      /* close by RST */
	bool blocked : 1;    /* the stream took no more: wait until it is writable */
	bool owed : 1;       /* `drained` is to be called */
	bool resume : 1;     /* read on in the next turn without the descriptor being ready */
	bool pumping : 1;    /* a round is on the stack */
	bool peer_ended : 1; /* FIN seen */
	bool no_reply : 1;   /* a message without a reply was handled in this round */
	bool wrote : 1;      /* something was sent in this round */
};

static struct conn *conn_of_timer(struct timers_entry *entry)
{
	return (struct conn *)((char *)entry - offsetof(struct conn, timer));
}

static struct conn *conn_of_deferred(struct net_deferred *d)
{
	return (struct conn *)((char *)d - offsetof(struct conn, deferred));
}

static bool has_ended(const struct conn *c)
{
	return c->state == CONN_OVER;
}

/* ---- the end ---- */

/* The connection is over; owner and memory see it at the end of the turn, when nobody is inside it any more. */
static void end(struct conn *c, int error, bool reset)
{
	if (has_ended(c)) {
		return;
	}
	c->state = CONN_OVER;
	c->error = error;
	c->reset = reset;
	net_watch_free(c->watch);
	c->watch = NULL;
	net_loop_timer(c->loop, &c->timer, UINT64_MAX);
	net_loop_defer(c->loop, &c->deferred);
}

static void release(struct conn *c)
{
	if (c->stream->fd < 0) {
		net_memory_notify(c->stream, NULL, NULL);
	}
	c->config->callbacks->closed(c->context, c, c->error, c->reason);
	c->stream->ops->close(c->stream, c->reset);
	dso_session_free(c->session);
	buf_done(&c->rest);
	mem_free(c);
}

/* The error code that goes with the session's reason to abort. */
static int error_of_reason(enum dso_reason reason)
{
	switch (reason) {
	case DSO_REASON_INACTIVE:
	case DSO_REASON_KEEPALIVE:
	case DSO_REASON_ESTABLISH:
	case DSO_REASON_IDLE:
	case DSO_REASON_MESSAGE_TIMEOUT:
	case DSO_REASON_RETRY_DELAY:
		return ERR_TIMEOUT;
	case DSO_REASON_MALFORMED_LIMIT:
	case DSO_REASON_OUTPUT_LIMIT:
		return ERR_LIMIT;
	case DSO_REASON_MEMORY:
		return ERR_NOMEM;
	case DSO_REASON_APPLICATION:
	case DSO_REASON_NONE:
		return ERR_CLOSED;
	default:
		return ERR_PROTOCOL;
	}
}

static void abort_by_session(struct conn *c, enum dso_reason reason)
{
	c->reason = reason;
	end(c, net_stream_fail(c->stream, error_of_reason(reason), "session aborted: %s", dso_reason_text(reason)),
	    true);
}

/* ---- deadlines and readiness ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_waiting_for_output(const struct conn *c)
{
	size_t len = 0;

	if (buf_len(&c->rest) > 0) {
		return true;
	}
	if (c->session != NULL) {
		dso_session_output(c->session, &len);
	}
	return len > 0;
}

static unsigned wanted_events(const struct conn *c)
{
	unsigned events = c->stream->ops->needs(c->stream);

	if (c->blocked) {
		events |= NET_WRITABLE;
	}
	if (c->state == CONN_RUNNING && !c->peer_ended && dso_session_wants_input(c->session)) {
		events |= NET_READABLE;
	}
	if ((c->state == CONN_FLUSHING || c->state == CONN_LINGERING) && !c->peer_ended) {
		events |= NET_READABLE;
	}
	return events;
}

static void rearm(struct conn *c)
{
	uint64_t deadline_ms = sooner(c->step_ms, c->stall_ms);

	if (has_ended(c)) {
		return;
	}
	if (c->state == CONN_RUNNING) {
		deadline_ms = sooner(deadline_ms, dso_session_deadline_ms(c->session));
	}
	if (c->resume) {
		deadline_ms = net_loop_now_ms(c->loop);
	}
	if (c->watch != NULL) {
		net_watch_set(c->watch, wanted_events(c));
	}
	if (net_loop_timer(c->loop, &c->timer, deadline_ms) < 0) {
		end(c, net_stream_fail(c->stream, ERR_NOMEM, "%s", err_text(ERR_NOMEM)), true);
	}
}

/* ---- output ---- */

/* Offer `len` bytes: how many went; fewer than all means blocked, or over. */
static size_t offer(struct conn *c, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t sent = 0;
		int err = c->stream->ops->write(c->stream, data + done, len - done, &sent);

		if (err == ERR_AGAIN) {
			c->blocked = true;
			break;
		}
		if (err < 0) {
			end(c, err, false);
			break;
		}
		c->wrote = true;
		done += sent;
	}
	/* Any progress starts the clock anew. */
	if (done > 0 || (c->blocked && c->stall_ms == UINT64_MAX)) {
		c->stall_ms = net_loop_now_ms(c->loop) + c->config->stall_timeout_ms;
	}
	return done;
}

/* Send what waits, as far as it goes. */
static void write_out(struct conn *c)
{
	if (buf_len(&c->rest) > 0 && !c->blocked) {
		buf_consume(&c->rest, offer(c, buf_data(&c->rest), buf_len(&c->rest)));
	}
	if (has_ended(c)) {
		return;
	}
	if (!c->blocked && c->session != NULL) {
		size_t len = 0;
		const uint8_t *data = dso_session_output(c->session, &len);

		if (len > 0) {
			dso_session_output_sent(c->session, offer(c, data, len));
		}
	}
	if (has_ended(c)) {
		return;
	}
	if (c->blocked) {
		c->owed = true;
	} else {
		c->stall_ms = UINT64_MAX;
	}
}

/* ---- closing ---- */

/* Go on with an orderly end: output, then close_notify and FIN, then the peer's end. */
static void go_on_closing(struct conn *c)
{
	if (c->state == CONN_FLUSHING) {
		write_out(c);
		if (has_ended(c) || is_waiting_for_output(c)) {
			return;
		}
		c->stream->ops->shutdown(c->stream);
		c->state = CONN_LINGERING;
		c->step_ms = net_loop_now_ms(c->loop) + LINGER_MS;
	}
	if (c->state == CONN_LINGERING && c->peer_ended) {
		end(c, c->error, false);
	}
}

/* Start it. What the stream cannot do before it is open is left out. */
static void begin_closing(struct conn *c)
{
	if (c->state == CONN_OPENING) {
		end(c, 0, false);
	} else if (c->state == CONN_RUNNING) {
		c->state = CONN_FLUSHING;
		go_on_closing(c);
	}
}

/* Input after the decision to close is thrown away; only its end matters. */
static void discard_input(struct conn *c)
{
	uint8_t data[READ_CHUNK];
	size_t budget = READ_TURN;

	while (!c->peer_ended && budget > 0) {
		size_t len = 0;
		bool early;
		int err = c->stream->ops->read(c->stream, data, sizeof(data), &len, &early);

		if (err == ERR_AGAIN) {
			return;
		}
		if (err < 0) {
			/* A reset ends it just as well: everything that had to be said was. */
			c->peer_ended = true;
			return;
		}
		budget -= len < budget ? len : budget;
	}
	c->resume = c->resume || (!c->peer_ended && c->stream->ops->pending(c->stream));
}

/* ---- the session ---- */

static void handle_event(struct conn *c, const struct dso_event *event)
{
	switch (event->type) {
	case DSO_EVENT_CLOSE:
		c->reason = event->reason;
		begin_closing(c);
		return;
	case DSO_EVENT_ABORT:
		abort_by_session(c, event->reason);
		return;
	case DSO_EVENT_ANSWER:
	case DSO_EVENT_UNIDIRECTIONAL:
	case DSO_EVENT_RESPONSE:
	case DSO_EVENT_CANCELLED:
	case DSO_EVENT_FENCE:
	case DSO_EVENT_RETRY_DELAY:
		c->no_reply = true;
		break;
	default:
		break;
	}
	c->config->callbacks->event(c->context, c, event);
}

static void drain_events(struct conn *c)
{
	struct dso_event event;

	while (c->state == CONN_RUNNING && dso_session_next_event(c->session, net_loop_now_ms(c->loop), &event)) {
		handle_event(c, &event);
	}
}

/* Read once and hand it on; false if there is nothing more now. */
static bool read_some(struct conn *c, size_t *budget)
{
	uint8_t data[READ_CHUNK];
	size_t len = 0;
	bool early = false;
	int err = c->stream->ops->read(c->stream, data, sizeof(data), &len, &early);

	if (err == ERR_AGAIN) {
		return false;
	}
	if (err == ERR_CLOSED) {
		c->peer_ended = true;
		dso_session_end_of_input(c->session, net_loop_now_ms(c->loop));
		return false;
	}
	if (err < 0) {
		end(c, err, false);
		return false;
	}
	*budget -= len < *budget ? len : *budget;
	/* Without memory the session says ABORT next. */
	dso_session_feed(c->session, data, len, early, net_loop_now_ms(c->loop));
	return true;
}

static void run_session(struct conn *c, bool may_read)
{
	size_t budget = READ_TURN;
	bool held_up;

	do {
		drain_events(c);
		while (may_read && !c->peer_ended && budget > 0 && c->state == CONN_RUNNING &&
		       dso_session_wants_input(c->session)) {
			may_read = read_some(c, &budget);
			drain_events(c);
		}
		if (c->state != CONN_RUNNING) {
			return;
		}
		/* All answers of the round leave together: one record where they fit. */
		held_up = !dso_session_wants_input(c->session);
		write_out(c);
		/* Messages may have waited inside the session for room in its output. */
	} while (c->state == CONN_RUNNING && held_up && dso_session_wants_input(c->session));
	if (c->state == CONN_RUNNING && may_read && dso_session_wants_input(c->session)) {
		/* The budget is used up. A pipe and bytes inside TLS do not make a descriptor readable. */
		c->resume = c->stream->ops->pending(c->stream);
	}
}

static void run_opening(struct conn *c)
{
	int err = c->stream->ops->open(c->stream);

	if (err == ERR_AGAIN) {
		return;
	}
	if (err < 0) {
		end(c, err, false);
		return;
	}
	c->session = dso_session_new(c->config->dso, net_loop_now_ms(c->loop));
	if (c->session == NULL) {
		end(c, net_stream_fail(c->stream, ERR_NOMEM, "%s", err_text(ERR_NOMEM)), true);
		return;
	}
	c->state = CONN_RUNNING;
	c->step_ms = UINT64_MAX;
	c->config->callbacks->opened(c->context, c);
}

static void tell_drained(struct conn *c)
{
	if (c->owed && c->state == CONN_RUNNING && !is_waiting_for_output(c)) {
		c->owed = false;
		c->config->callbacks->drained(c->context, c);
	}
}

/* One round: whatever can be done now, in the order of the states. */
static void round_of(struct conn *c, bool may_read)
{
	if (c->pumping || has_ended(c)) {
		return;
	}
	c->pumping = true;
	may_read = may_read || c->resume;
	c->resume = false;
	c->no_reply = false;
	c->wrote = false;
	if (c->state == CONN_OPENING) {
		run_opening(c);
	}
	if (c->state == CONN_RUNNING) {
		run_session(c, may_read);
		tell_drained(c);
		/* What `opened` and `drained` led to goes out in this round too. */
		if (c->state == CONN_RUNNING) {
			write_out(c);
		}
	}
	if (c->state == CONN_FLUSHING || c->state == CONN_LINGERING) {
		discard_input(c);
		go_on_closing(c);
	}
	if (c->no_reply && !c->wrote && !has_ended(c)) {
		net_stream_no_reply(c->stream);
	}
	c->pumping = false;
	rearm(c);
}

/* ---- what starts a round ---- */

static void on_ready(void *context, unsigned events)
{
	struct conn *c = context;

	/* TLS may need to read before it can write, and the other way round. */
	if ((events & NET_WRITABLE) || (c->stream->ops->needs(c->stream) & events)) {
		c->blocked = false;
	}
	round_of(c, true);
}

static void on_memory_ready(void *context)
{
	struct conn *c = context;

	if (!has_ended(c)) {
		c->resume = true;
		net_loop_timer(c->loop, &c->timer, net_loop_now_ms(c->loop));
	}
}

static void on_deferred(struct net_deferred *d)
{
	struct conn *c = conn_of_deferred(d);

	if (has_ended(c)) {
		release(c);
	} else {
		round_of(c, false);
	}
}

void conn_expired(struct timers_entry *entry, uint64_t now_ms)
{
	struct conn *c = conn_of_timer(entry);

	if (c->state == CONN_OPENING && now_ms >= c->step_ms) {
		end(c,
		    net_stream_fail(c->stream, ERR_TIMEOUT, "no connection after %u ms",
		                    c->config->handshake_timeout_ms),
		    true);
		return;
	}
	if (c->state == CONN_LINGERING && now_ms >= c->step_ms) {
		end(c, c->error, false);
		return;
	}
	if (now_ms >= c->stall_ms) {
		end(c,
		    net_stream_fail(c->stream, ERR_TIMEOUT, "the peer took nothing for %u ms",
		                    c->config->stall_timeout_ms),
		    true);
		return;
	}
	if (c->state == CONN_RUNNING && now_ms >= dso_session_deadline_ms(c->session)) {
		dso_session_tick(c->session, now_ms);
	}
	if (c->stream->fd < 0) {
		c->blocked = false;
	}
	round_of(c, false);
}

/* ---- for the owner ---- */

struct conn *conn_new(struct net_loop *loop, const struct conn_config *config, struct net_stream *stream, void *context)
{
	struct conn *c = mem_calloc(1, sizeof(*c));
	unsigned needs = stream->ops->needs(stream);

	if (c == NULL) {
		stream->ops->close(stream, true);
		return NULL;
	}
	c->loop = loop;
	c->config = config;
	c->stream = stream;
	c->context = context;
	c->deferred.run = on_deferred;
	c->step_ms = net_loop_now_ms(loop) + config->handshake_timeout_ms;
	c->stall_ms = UINT64_MAX;
	/* A server's handshake begins with the client's bytes; everything else can begin now. */
	c->resume = needs == 0 || (needs == NET_READABLE && config->dso->side == DSO_CLIENT);
	buf_init(&c->rest, 0);
	if (net_loop_timer(loop, &c->timer, c->resume ? net_loop_now_ms(loop) : c->step_ms) < 0) {
		goto failed;
	}
	if (stream->fd >= 0) {
		c->watch = net_watch_new(loop, stream->fd, needs, on_ready, c);
		if (c->watch == NULL) {
			goto failed;
		}
	} else {
		net_memory_notify(stream, on_memory_ready, c);
	}
	return c;
failed:
	net_loop_timer(loop, &c->timer, UINT64_MAX);
	stream->ops->close(stream, true);
	mem_free(c);
	return NULL;
}

void *conn_context(const struct conn *c)
{
	return c->context;
}

void conn_set_context(struct conn *c, void *context)
{
	c->context = context;
}

struct dso_session *conn_session(const struct conn *c)
{
	return c->session;
}

const struct net_stream *conn_stream(const struct conn *c)
{
	return c->stream;
}

const char *conn_error(const struct conn *c)
{
	return c->stream->error;
}

size_t conn_memory(const struct conn *c)
{
	return sizeof(*c) + sizeof(*c->stream) + c->rest.cap +
	       (c->session != NULL ? dso_session_memory(c->session) : 0);
}

void conn_flush(struct conn *c)
{
	/* Inside a round everything goes out at its end. */
	if (c->pumping || has_ended(c)) {
		return;
	}
	if (c->state == CONN_RUNNING) {
		write_out(c);
	}
	/* The calls may have brought forth events; they come at the end of the turn, not under the owner's hands. */
	if (!has_ended(c)) {
		net_loop_defer(c->loop, &c->deferred);
	}
}

int conn_send_shared(struct conn *c, const uint8_t *data, size_t len)
{
	if (c->state != CONN_RUNNING || !dso_session_established(c->session) || dso_session_is_over(c->session)) {
		return ERR_STATE;
	}
	if (!c->blocked && is_waiting_for_output(c)) {
		write_out(c);
	}
	if (has_ended(c)) {
		return ERR_STATE;
	}
	if (c->blocked || is_waiting_for_output(c)) {
		c->owed = true;
		return ERR_AGAIN;
	}
	size_t sent = offer(c, data, len);

	if (has_ended(c)) {
		return ERR_STATE;
	}
	if (sent == len) {
		c->stall_ms = UINT64_MAX;
	} else if (buf_append(&c->rest, data + sent, len - sent) < 0) {
		/* A cut message cannot be mended. */
		end(c, net_stream_fail(c->stream, ERR_NOMEM, "%s", err_text(ERR_NOMEM)), true);
		return ERR_STATE;
	}
	/* The session's timers only move back by this: its deadline is looked at again when the old one comes. */
	dso_session_note_sent(c->session, net_loop_now_ms(c->loop));
	if (sent < len) {
		c->owed = true;
		rearm(c);
	}
	return has_ended(c) ? ERR_STATE : 0;
}

bool conn_is_busy(const struct conn *c)
{
	return c->blocked || is_waiting_for_output(c);
}

void conn_close(struct conn *c)
{
	begin_closing(c);
	if (!has_ended(c) && !c->pumping) {
		rearm(c);
	}
}

void conn_abort(struct conn *c)
{
	if (!has_ended(c)) {
		c->reason = DSO_REASON_APPLICATION;
		end(c, net_stream_fail(c->stream, ERR_CLOSED, "aborted by this side"), true);
	}
}
