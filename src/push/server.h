/*
 * The server half of DNS Push Notifications on one DSO session (RFC 8765 6):
 * which subscriptions are open, by message ID, and the rules about them. It
 * decides nothing about data: what a name and type mean is the `key` that the
 * owner gives, one per distinct (name, type, class) ignoring case, so that equal
 * keys are duplicates.
 */
#ifndef PUSH_SERVER_H
#define PUSH_SERVER_H

#include "push/codec.h"

struct push_server;

/* Subscriptions of one session, none yet. `session` is borrowed and outlives it. NULL when memory ends. */
struct push_server *push_server_new(struct dso_session *session);
/* NULL is fine. Does not report the open subscriptions: walk them first. */
void push_server_free(struct push_server *p);
/* Bytes of heap held now, itself included. */
size_t push_server_memory(const struct push_server *p);

enum push_server_event_type {
	PUSH_SERVER_NONE,        /* nothing for the owner to do (answered, ignored or aborted) */
	PUSH_SERVER_SUBSCRIBE,   /* `id`, `question`: accept or refuse it, now or later */
	PUSH_SERVER_UNSUBSCRIBE, /* the subscription `id` with `key` has ended; key NULL: drop the work on a pending one
	                          */
	PUSH_SERVER_RECONFIRM,   /* `reconfirm` */
};

struct push_server_event {
	enum push_server_event_type type;
	uint16_t id;
	void *key;                     /* UNSUBSCRIBE; NULL for one not yet accepted */
	struct push_question question; /* SUBSCRIBE */
	struct bytes_reader reconfirm; /* RECONFIRM: data, checked; read it with push_reconfirm_read() */
};

/*
 * Handle a DSO_EVENT_REQUEST or DSO_EVENT_UNIDIRECTIONAL of the session: checks
 * the message, answers FORMERR or aborts by itself where push.md part 3 says so.
 */
void push_server_handle(struct push_server *p, const struct dso_event *event, uint64_t now_ms,
                        struct push_server_event *ret_event);

/*
 * Accept the SUBSCRIBE `id`: NOERROR goes out, the subscription is open. If the
 * session has one with the same key already: the session is aborted (PUSH-043)
 * and ERR_PROTOCOL returned. ERR_NOT_FOUND if no such SUBSCRIBE waits: it was
 * unsubscribed meanwhile, NOERROR went out then, nothing is opened (B3); since
 * its ID may be in use anew, the owner must forget it at PUSH_SERVER_UNSUBSCRIBE.
 * ERR_NOMEM: SERVFAIL went out, if that could be sent. `key` is not NULL.
 */
int push_server_accept(struct push_server *p, uint16_t id, void *key, uint64_t now_ms);
/* True if an open subscription with this key exists. */
bool push_server_has(const struct push_server *p, const void *key);
/*
 * Refuse the SUBSCRIBE `id` with `rcode` and a Retry Delay of `delay_ms`, or with DSO_NO_DELAY the default one of that
 * RCODE. ERR_NOT_FOUND as for accept, ERR_NOMEM.
 */
int push_server_refuse(struct push_server *p, uint16_t id, unsigned rcode, uint32_t delay_ms, uint64_t now_ms);
/*
 * Cancel an open subscription by a second response (PUSH-061); delay as for refuse. *ret_key (may be NULL) is its
 * key. ERR_NOT_FOUND, or ERR_NOMEM: it stays open.
 */
int push_server_cancel(struct push_server *p, uint16_t id, unsigned rcode, uint32_t delay_ms, uint64_t now_ms,
                       void **ret_key);
/* Cancel the open subscription that has `key`. ERR_NOT_FOUND. */
int push_server_cancel_key(struct push_server *p, const void *key, unsigned rcode, uint32_t delay_ms, uint64_t now_ms);

/* Open subscriptions. */
size_t push_server_count(const struct push_server *p);
/* The i-th of them, in no particular order; i < count. Valid until one is opened or ends. */
void *push_server_key(const struct push_server *p, size_t i, uint16_t *ret_id);

#endif
