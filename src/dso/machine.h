/*
 * Inside of a session, shared by session.c (calls, events, timers), receive.c
 * (frames in) and send.c (frames out). Nobody else includes this, but tests.
 */
#ifndef DSO_MACHINE_H
#define DSO_MACHINE_H

#include "base/buf.h"
#include "dso/frame.h"
#include "dso/keepalive.h"
#include "dso/message.h"
#include "dso/requests.h"
#include "dso/session.h"
#include "dso/states.h"

struct dso_session {
	const struct dso_config *config;
	struct dso_frames frames;
	struct buf out;
	size_t out_exempt;            /* of the bytes in `out`, those that output_hard_max does not count */
	struct dso_requests sent;     /* by our message IDs */
	struct dso_requests received; /* by the peer's */
	uint32_t *messages;           /* tokens of ordinary messages not yet answered; NULL while none */
	uint32_t message_count;
	uint32_t message_cap;
	struct dso_timers timers;
	uint64_t due_ms;       /* ESTABLISHING: of the first response; LEAVING: of the abort */
	uint32_t grant_i_ms;   /* server: inactivity timeout it grants */
	uint32_t grant_k_ms;   /* server: the most keepalive it grants */
	uint32_t order;        /* number of the last request sent */
	uint32_t next_token;   /* of ordinary messages */
	uint16_t next_id;      /* where the search for a free message ID starts */
	uint16_t malformed;    /* requests answered FORMERR */
	uint8_t phase;         /* enum dso_phase */
	uint8_t end_reason;    /* enum dso_reason of the end */
	bool end_abort;        /* the end is ABORT, not CLOSE */
	bool end_reported;     /* the last event was given */
	bool tell_established; /* DSO_EVENT_ESTABLISHED is to be given next */
	bool drop_frame;       /* the frame at the front was handled and is dropped by the next call */
	bool spoke_dso;        /* a DSO message was sent: no edns-tcp-keepalive from now on (7.1.2) */
	bool peer_pads;
	bool input_ended;
	bool paused; /* input was not wanted; the clock of a message half read stands still */
	bool early;  /* the TLS handshake is not complete: ordinary messages and output are held (A14, DSO-091) */
};

/*
 * Look `input` up in the table for the phase of now, and carry out what needs no
 * function of its own: the end of the session. The caller acts on HANDLE and NOTIMP.
 */
enum dso_action dso_decide(struct dso_session *s, enum dso_input input);

/* Decide the end; the first decision stands. */
void dso_end_close(struct dso_session *s, enum dso_reason reason);
void dso_end_abort(struct dso_session *s, enum dso_reason reason);

/* Throw away what waits to be sent. */
void dso_drop_output(struct dso_session *s);

/* The session exists from now on. */
void dso_establish(struct dso_session *s, uint64_t now_ms);
/* A message went either way. */
void dso_note_message(struct dso_session *s, bool is_keepalive, uint64_t now_ms);
/* Operations that hold the inactivity timer. */
size_t dso_busy_count(const struct dso_session *s);
/* Forget a request of the peer / of ours. The inactivity timer counts from here. */
void dso_request_done(struct dso_session *s, struct dso_requests *t, struct dso_request *r, uint64_t now_ms);
/*
 * Answer a request with an error or success and the TLV that goes with it. A
 * FORMERR counts, and ends the session if it was one too many (A1).
 */
int dso_reply(struct dso_session *s, uint16_t id, unsigned rcode, uint32_t retry_delay_ms, bool pad, uint64_t now_ms);

/* receive.c: handle the whole message at the front. True if it made an event. */
bool dso_receive(struct dso_session *s, const uint8_t *message, size_t len, uint64_t now_ms,
                 struct dso_event *ret_event);

/* send.c */
struct dso_out_tlv {
	uint16_t type;
	const void *data;
	size_t len;
};
enum {
	DSO_FLAGS_REQUEST = 0x3000, /* opcode 6; also unidirectional */
	DSO_FLAGS_RESPONSE = 0xb000,
};
/*
 * Frame a DSO message into the output, padded if `pad` (A13), and restart the
 * timers. 0; ERR_INVALID if it is too long; ERR_LIMIT or ERR_NOMEM and then the session
 * is aborted.
 */
int dso_send(struct dso_session *s, uint16_t id, uint16_t flags, const struct dso_out_tlv *tlvs, size_t count, bool pad,
             uint64_t now_ms);
/* Frame an ordinary message; `id` replaces its own if not negative; edns-tcp-keepalive is taken out if `strip`. */
int dso_send_message(struct dso_session *s, const uint8_t *message, size_t len, int id, bool strip, uint64_t now_ms);
/* A header alone, such as an error. */
int dso_send_header(struct dso_session *s, uint16_t id, uint16_t flags, uint64_t now_ms);
/* Retry Delay as primary, RFC 8490 7.2.1. */
int dso_send_retry_delay(struct dso_session *s, unsigned rcode, uint32_t delay_ms, uint64_t now_ms);
/* Keepalive with these values: request or response by `id` and `flags`, server push by ID 0. */
int dso_send_keepalive(struct dso_session *s, uint16_t id, uint16_t flags, uint32_t inactivity_ms,
                       uint32_t keepalive_ms, bool pad, uint64_t now_ms);
/* True if the message holds the EDNS option 11. */
bool dso_has_edns_keepalive(const uint8_t *message, size_t len);

#endif
