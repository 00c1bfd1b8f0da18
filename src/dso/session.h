/*
 * A DSO session (RFC 8490), both ends, as a pure state machine: bytes and a
 * time go in, events and bytes come out. It frames the stream, tells ordinary
 * DNS messages from DSO, matches requests and responses, runs the inactivity
 * and keepalive timers and decides when to close or abort.
 *
 * One event, from byte to answer:
 *   the transport reads bytes -> dso_session_feed(); then, until it returns
 *   false, dso_session_next_event(): the session parses one more frame and says
 *   what it means. For a DSO_EVENT_REQUEST the owner of the session calls
 *   dso_session_respond(), for a DSO_EVENT_MESSAGE dso_session_answer(). Bytes
 *   to send pile up in dso_session_output(); the transport sends them and calls
 *   dso_session_output_sent(). After each round it arms one timer for
 *   dso_session_deadline_ms() and calls dso_session_tick() when that comes.
 *
 * Time: `now_ms` is a monotonic clock in milliseconds, never going back, of any
 * origin. Threads: a session belongs to one thread. No function calls back.
 * After DSO_EVENT_CLOSE or DSO_EVENT_ABORT the session is over: the owner closes
 * the transport (CLOSE: send what is in the output, TLS close_notify, FIN;
 * ABORT: RST, nothing sent) and frees the session; further calls do nothing.
 */
#ifndef DSO_SESSION_H
#define DSO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum dso_side { DSO_CLIENT, DSO_SERVER };

/* Where a TLV type may stand (the context table of RFC 8490 8.2 / dso.md). */
enum dso_context {
	DSO_C_PRIMARY = 0x001,        /* client request, primary */
	DSO_C_UNIDIRECTIONAL = 0x002, /* client unidirectional, primary */
	DSO_C_ADDITIONAL = 0x004,
	DSO_CR_PRIMARY = 0x008, /* response to the client, primary */
	DSO_CR_ADDITIONAL = 0x010,
	DSO_S_PRIMARY = 0x020, /* server request, primary */
	DSO_S_UNIDIRECTIONAL = 0x040,
	DSO_S_ADDITIONAL = 0x080,
	DSO_SR_PRIMARY = 0x100,
	DSO_SR_ADDITIONAL = 0x200,
	DSO_EARLY_DATA = 0x400,    /* allowed in TLS early data */
	DSO_RESPONSE_SKIP = 0x800, /* in a response: skipped although known (SUBSCRIBE, PUSH-053) */
};

/* A TLV type of a protocol above DSO. Keepalive, Retry Delay and Padding are built in. */
struct dso_type {
	uint16_t type;
	uint16_t contexts; /* enum dso_context, or-ed */
};

enum {
	DSO_DEFAULT_MS = 15000,       /* both timeouts before a Keepalive exchange (6.2) */
	DSO_KEEPALIVE_MIN_MS = 10000, /* floor of the keepalive interval (6.5.2) */
};

/* A timeout that never comes. Not an enumerator, since those are int. */
#define DSO_INFINITE UINT32_C(0xffffffff)

/* Configuration shared by many sessions; the session borrows it. */
struct dso_config {
	enum dso_side side;
	const struct dso_type *types; /* of protocols above; static */
	size_t type_count;
	bool tls;                    /* false: opcode 6 is answered NOTIMP, no DSO is sent (DSO-090, PUSH-001) */
	bool implicit;               /* both ends agreed by configuration: a session from connect on (DSO-032) */
	bool pad;                    /* client: pad requests (A13) */
	uint32_t inactivity_ms;      /* server: what it grants; client: what it asks for */
	uint32_t keepalive_ms;       /* server: the most it grants; client: what it asks for */
	uint32_t establish_ms;       /* client: wait for the first response; 30000 (DSO-029) */
	uint32_t idle_ms;            /* connection without session; 15000 (A18) */
	uint32_t close_grace_ms;     /* server: from its Retry Delay to RST; 5000 (DSO-063) */
	uint32_t message_timeout_ms; /* first byte of a message to its last; 5000; 0: none */
	uint32_t malformed_max;      /* malformed requests before the session is ended; 8 (A1) */
	uint32_t open_requests_max;  /* unanswered ones beyond which the session is not read; 64 */
	size_t output_max;           /* unsent bytes beyond which dso_session_wants_input() is false; 65536 */
	size_t output_hard_max;      /* unsent bytes beyond which the session is aborted; 262144 */
};
/* The values named above; 15 s and 60 min for the timers. */
void dso_config_init(struct dso_config *c, enum dso_side side);

struct dso_session;

/* A new session at connect time. `config` is borrowed and outlives it. NULL when memory ends. */
struct dso_session *dso_session_new(const struct dso_config *config, uint64_t now_ms);
/* NULL is fine. */
void dso_session_free(struct dso_session *s);
/* Bytes of heap the session holds now, itself included. */
size_t dso_session_memory(const struct dso_session *s);

enum dso_event_type {
	/* The session exists from now on (5.1.2). */
	DSO_EVENT_ESTABLISHED,
	/* A whole ordinary (opcode not 6) message with QR=0: answer or drop it by its token. Server side. */
	DSO_EVENT_MESSAGE,
	/* The answer to dso_session_query(): `id` as that call gave. Client side. */
	DSO_EVENT_ANSWER,
	/* A DSO request whose primary TLV belongs to the protocol above: respond by `id`. */
	DSO_EVENT_REQUEST,
	/* A unidirectional message of the protocol above. */
	DSO_EVENT_UNIDIRECTIONAL,
	/* The response to dso_session_request(); `rcode`, primary TLV if it has one, retry delay if it has one. */
	DSO_EVENT_RESPONSE,
	/* A second, nonzero response: the long-lived operation `id` has ended (DSO-021). */
	DSO_EVENT_CANCELLED,
	/* The reply to our Keepalive request `id` arrived: everything the peer sent before it has been seen. Client
	   side. */
	DSO_EVENT_FENCE,
	/* The first DSO request was refused for good: no DSO on this connection (DSO-027); `rcode`. Client side. */
	DSO_EVENT_NO_DSO,
	/* The server said goodbye: `rcode`, `retry_delay_ms`. DSO_EVENT_CLOSE follows. Client side. */
	DSO_EVENT_RETRY_DELAY,
	/* Send what is left, then close gracefully. `reason` says why. */
	DSO_EVENT_CLOSE,
	/* Reset the connection. `reason` says why. */
	DSO_EVENT_ABORT,
};

/* Why a session ended or a message was answered with an error; for counters and the log. */
enum dso_reason {
	DSO_REASON_NONE,
	DSO_REASON_FRAME,        /* frame shorter than a header */
	DSO_REASON_COUNTS,       /* nonzero counts */
	DSO_REASON_TLV,          /* TLV cut, missing or malformed */
	DSO_REASON_CONTEXT,      /* TLV where it may not stand, type and ID disagree */
	DSO_REASON_UNKNOWN_TYPE, /* unknown unidirectional */
	DSO_REASON_RESPONSE,     /* response that matches nothing, or with ID 0 */
	DSO_REASON_ID_IN_USE,
	DSO_REASON_NO_SESSION,      /* unidirectional before a session */
	DSO_REASON_EDNS_KEEPALIVE,  /* edns-tcp-keepalive inside a session */
	DSO_REASON_KEEPALIVE_VALUE, /* keepalive interval under 10 s */
	DSO_REASON_EARLY_DATA,
	DSO_REASON_INACTIVE,
	DSO_REASON_KEEPALIVE, /* peer silent past its keepalive */
	DSO_REASON_ESTABLISH, /* no response in 30 s */
	DSO_REASON_IDLE,      /* no session and nothing to do (RFC 7766) */
	DSO_REASON_MESSAGE_TIMEOUT,
	DSO_REASON_RETRY_DELAY, /* told to go, or did not go when told */
	DSO_REASON_MALFORMED_LIMIT,
	DSO_REASON_OUTPUT_LIMIT,
	DSO_REASON_MEMORY,
	DSO_REASON_APPLICATION, /* the protocol above asked for it */
	DSO_REASON_COUNT,
};
/* Short static text for people. */
const char *dso_reason_text(enum dso_reason reason);
/* Short static word for metrics: "frame", "counts", ... */
const char *dso_reason_name(enum dso_reason reason);

struct dso_event {
	enum dso_event_type type;
	enum dso_reason reason;
	uint16_t id;    /* message ID; for DSO_EVENT_MESSAGE the query's own */
	uint32_t token; /* DSO_EVENT_MESSAGE: names the message for dso_session_answer() */
	uint16_t rcode;
	bool has_retry_delay;
	uint32_t retry_delay_ms;
	uint16_t tlv_type;        /* primary TLV of a request, unidirectional or response; 0: none */
	struct bytes_reader data; /* its data, base is byte 0 of the ID; or the whole ordinary message */
	size_t message_len;       /* of a REQUEST or UNIDIRECTIONAL: the whole message, padding included */
	uint32_t inactivity_ms;   /* DSO_EVENT_ESTABLISHED / _FENCE: values in force */
	uint32_t keepalive_ms;
};

/*
 * Bytes from the peer. They are copied; at most one message (65,537 bytes) and
 * one read's worth are held. 0, or ERR_NOMEM (the session then aborts by event).
 * `early` marks TLS early data (0-RTT), whose rules are stricter (DSO-087/088).
 * Until a call without `early` says that the handshake is complete (`len` may
 * be 0), ordinary messages and all output are held (A14, DSO-091).
 */
int dso_session_feed(struct dso_session *s, const uint8_t *data, size_t len, bool early, uint64_t now_ms);

/*
 * The next event, or false when there is none (now). What it points to is valid
 * until the next call of dso_session_next_event() or dso_session_feed().
 * Returns false too while the session does not want input (cap of open requests
 * or of output), even if whole messages wait; it goes on when answers are out.
 */
bool dso_session_next_event(struct dso_session *s, uint64_t now_ms, struct dso_event *ret_event);

/*
 * The peer closed its side (close_notify or FIN; mid-message is the same: the
 * fragment is never executed). What was fed before is still handled and ordinary
 * messages are still answered; then CLOSE follows as event.
 */
void dso_session_end_of_input(struct dso_session *s, uint64_t now_ms);

/* False while the peer must not be read: too much unanswered or unsent, or over. */
bool dso_session_wants_input(const struct dso_session *s);

/* Bytes to send, framed; *ret_len 0 when none. Valid until the next call on the session. */
const uint8_t *dso_session_output(const struct dso_session *s, size_t *ret_len);
/* The first `len` of them were sent. */
void dso_session_output_sent(struct dso_session *s, size_t len);

/* When dso_session_tick() is due, UINT64_MAX for never. May be sooner than needed, never later. */
uint64_t dso_session_deadline_ms(const struct dso_session *s);
/* Run the timers; events may follow. */
void dso_session_tick(struct dso_session *s, uint64_t now_ms);

bool dso_session_established(const struct dso_session *s);
/* True once CLOSE or ABORT was (or is to be) reported, or the server said Retry Delay. */
bool dso_session_is_over(const struct dso_session *s);

/*
 * Send a DSO request with one primary TLV; *ret_id is its message ID (never 0,
 * not in use, also not draining). `long_lived`: a NOERROR response leaves the
 * operation open (it holds the inactivity timer and the ID) until
 * dso_session_operation_end() or a cancel. 0, ERR_STATE (no DSO here, over),
 * ERR_LIMIT (no free ID), ERR_NOMEM.
 */
int dso_session_request(struct dso_session *s, uint16_t type, const void *data, size_t len, bool long_lived,
                        uint64_t now_ms, uint16_t *ret_id);
/* Client: send a Keepalive request with our wishes now; its reply is a DSO_EVENT_FENCE (and establishes). */
int dso_session_keepalive(struct dso_session *s, uint64_t now_ms, uint16_t *ret_id);
/* Client: send an ordinary message; its ID field is overwritten with a free one. ERR_INVALID if it is no ordinary
 * request or holds edns-tcp-keepalive after a DSO message was sent (DSO-057). */
int dso_session_query(struct dso_session *s, const uint8_t *message, size_t len, uint64_t now_ms, uint16_t *ret_id);
/* Send a unidirectional message with one primary TLV. ERR_STATE before a session exists. */
int dso_session_unidirectional(struct dso_session *s, uint16_t type, const void *data, size_t len, uint64_t now_ms);

/*
 * Answer the DSO request `id`: no primary TLV unless `type` is nonzero; a Retry
 * Delay TLV if `retry_delay_ms` is not DSO_NO_DELAY; padding if the request had
 * it. NOERROR establishes the session; `long_lived` then keeps `id` in use.
 * FORMERR counts against malformed_max. ERR_NOT_FOUND if no such request is open.
 */
#define DSO_NO_DELAY UINT32_C(0xfffffffe)
int dso_session_respond(struct dso_session *s, uint16_t id, unsigned rcode, bool long_lived, uint32_t retry_delay_ms,
                        uint64_t now_ms);
/* Cancel the open long-lived operation `id` with a second response (DSO-021). */
int dso_session_cancel(struct dso_session *s, uint16_t id, unsigned rcode, uint32_t retry_delay_ms, uint64_t now_ms);
/* A long-lived operation ended (UNSUBSCRIBE received or sent). Client: the ID drains first (A6), and if the response
 * to the request has not come, it is awaited but not reported. Unknown IDs: ERR_NOT_FOUND. */
int dso_session_operation_end(struct dso_session *s, uint16_t id, uint64_t now_ms);

/*
 * Answer the ordinary message `token` with `len` bytes (its own header included), or drop it unanswered (NULL, 0).
 * An edns-tcp-keepalive option is taken out of it once the session is established (DSO-058). 0; ERR_INVALID if it is
 * no response; ERR_NOT_FOUND; ERR_STATE; ERR_LIMIT or ERR_NOMEM, and then the session is aborted.
 */
int dso_session_answer(struct dso_session *s, uint32_t token, const uint8_t *message, size_t len, uint64_t now_ms);

/*
 * Server: append framed DSO messages made elsewhere (an initial PUSH, a catch-up) to
 * the output, behind what waits there; the timers count them as sent. Whatever its
 * length it is taken: output_hard_max does not apply to it. Only in an established
 * session: ERR_STATE otherwise; ERR_NOMEM.
 */
int dso_session_send(struct dso_session *s, const uint8_t *framed, size_t len, uint64_t now_ms);

/*
 * Server: the transport sent framed DSO messages (shared PUSH bytes) itself, past
 * the output, which was empty: restart the timers as for any message sent.
 * Only in an established session.
 */
void dso_session_note_sent(struct dso_session *s, uint64_t now_ms);

/* True if a PUSH must be padded: the client padded on this session (A13). */
bool dso_session_pads(const struct dso_session *s);

/* Server: revise the timers of a live session by a unidirectional Keepalive (DSO-053); no-op before establishment. */
int dso_session_revise(struct dso_session *s, uint32_t inactivity_ms, uint32_t keepalive_ms, uint64_t now_ms);

/*
 * Server: say goodbye by Retry Delay; nothing is sent after it, input is thrown
 * away, ABORT follows after close_grace_ms unless the peer closes. Before a
 * session exists the connection is just aborted (A10).
 */
void dso_session_retry_delay(struct dso_session *s, unsigned rcode, uint32_t delay_ms, uint64_t now_ms);

/*
 * Close gracefully now (client), e.g. since nobody needs the session. CLOSE
 * follows. A server may do so only while there is no session; a live one it
 * ends by dso_session_retry_delay(), and this aborts it (5.3).
 */
void dso_session_close(struct dso_session *s, uint64_t now_ms);
/* Abort now, with DSO_REASON_APPLICATION or any other. ABORT follows as the only event left. */
void dso_session_abort(struct dso_session *s, enum dso_reason reason);

#endif
