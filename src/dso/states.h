/*
 * The phases of a DSO session and what each of them does with everything that
 * can happen to it, as one table (doc/states.md shows it; RFC 8490 5.1, 6).
 * Pure data; no state of its own.
 */
#ifndef DSO_STATES_H
#define DSO_STATES_H

#include "dso/session.h"

enum dso_phase {
	/* A connection on which there is no DSO: not TLS. */
	DSO_PHASE_PLAIN,
	/* Nothing of DSO has been sent by the client. */
	DSO_PHASE_CONNECTED,
	/* The client has sent a DSO request; no NOERROR response yet. The server stays here after refusals, too. */
	DSO_PHASE_ESTABLISHING,
	/* Client: the first request was answered DSOTYPENI; another, such as Keepalive, may be tried (DSO-028). */
	DSO_PHASE_DECLINED,
	/* The session exists (5.1.2). */
	DSO_PHASE_ESTABLISHED,
	/* Client: the first request was refused; plain DNS only (DSO-027). */
	DSO_PHASE_NO_DSO,
	/* Server: Retry Delay was sent; waiting for the client to close, deaf and dumb (DSO-062). */
	DSO_PHASE_LEAVING,
	/* CLOSE or ABORT has been decided. */
	DSO_PHASE_OVER,
	DSO_PHASE_COUNT,
};

/* What can happen to a session: a message comes in, its owner wants something, a timer runs out. */
enum dso_input {
	DSO_IN_SHORT,          /* a frame shorter than a DNS header */
	DSO_IN_MESSAGE,        /* ordinary message, QR=0 */
	DSO_IN_REPLY,          /* ordinary message, QR=1 */
	DSO_IN_REQUEST,        /* DSO, QR=0, ID not 0 */
	DSO_IN_UNIDIRECTIONAL, /* DSO, QR=0, ID 0 */
	DSO_IN_RESPONSE,       /* DSO, QR=1 */
	DSO_IN_END,            /* the peer closed its side */
	DSO_DO_REQUEST,        /* dso_session_request(), dso_session_keepalive() */
	DSO_DO_UNIDIRECTIONAL,
	DSO_DO_QUERY,
	DSO_DO_RESPOND,
	DSO_DO_ANSWER,
	DSO_DO_CANCEL,
	DSO_DO_OPERATION_END,
	DSO_DO_REVISE,
	DSO_DO_RETRY_DELAY,
	DSO_DO_CLOSE,
	DSO_DO_ABORT,
	DSO_ON_MESSAGE_TIMEOUT, /* a message was begun and not ended in time */
	DSO_ON_ESTABLISH,       /* client: no response to the first request in time */
	DSO_ON_IDLE,            /* no session and nothing to do */
	DSO_ON_INACTIVE,        /* inactivity timer */
	DSO_ON_KEEPALIVE,       /* keepalive timer */
	DSO_ON_GRACE,           /* server: the client did not close after Retry Delay */
	DSO_INPUT_COUNT,
};

enum dso_action {
	DSO_ACTION_IMPOSSIBLE, /* cannot happen; if it does, the session is aborted */
	DSO_ACTION_HANDLE,     /* has a function of its own */
	DSO_ACTION_IGNORE,     /* nothing happens; a call returns 0 */
	DSO_ACTION_REFUSE,     /* a call returns ERR_STATE, nothing happens */
	DSO_ACTION_NOTIMP,     /* answered NOTIMP as by a server without DSO */
	DSO_ACTION_CLOSE,      /* the session ends by DSO_EVENT_CLOSE */
	DSO_ACTION_ABORT,      /* the session ends by DSO_EVENT_ABORT */
	DSO_ACTION_COUNT,
};

/* The cell of the table. */
enum dso_action dso_state_action(enum dso_side side, enum dso_phase phase, enum dso_input input);
/* The reason that goes with CLOSE, ABORT and IMPOSSIBLE. */
enum dso_reason dso_state_reason(enum dso_input input);

/* Words for doc/states.md and the log. Static. */
const char *dso_phase_name(enum dso_phase phase);
const char *dso_input_name(enum dso_input input);
const char *dso_action_name(enum dso_action action);

#endif
