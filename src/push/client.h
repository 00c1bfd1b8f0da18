/*
 * The client half of DNS Push Notifications (RFC 8765 6): what is wanted, what
 * the server accepted, and the set of records held because of it. It outlives
 * sessions: after a reconnect it asks again for all that is wanted and reports
 * only the differences (push.md B18).
 *
 * Pure state machine: it talks through the dso_session it is attached to.
 * Threads: one at a time.
 */
#ifndef PUSH_CLIENT_H
#define PUSH_CLIENT_H

#include "push/codec.h"

struct push_client;

/*
 * NULL when memory ends. `records_max` caps the records held over all (0:
 * 1,000,000); beyond it the session is aborted.
 */
struct push_client *push_client_new(size_t records_max);
/* NULL is fine. The session, if one is attached, is left as it is. */
void push_client_free(struct push_client *c);

/*
 * Want the records of a question from now on. *ret_handle names it. Users of the same
 * question (case ignored) share one SUBSCRIBE and get one handle each (B24); a late one
 * gets the held records as PUSH_CLIENT_CHANGE events of its own. Sent as soon as a session is attached
 * and established. 0, ERR_NOMEM, ERR_LIMIT, ERR_INVALID for a TYPE that cannot be subscribed.
 */
int push_client_subscribe(struct push_client *c, const struct push_question *question, uint64_t now_ms,
                          uint32_t *ret_handle);
/* End it: UNSUBSCRIBE goes out when the last user left; its records start to age
 * (PUSH-121) and are reported removed when they are too old. ERR_NOT_FOUND. */
int push_client_unsubscribe(struct push_client *c, uint32_t handle, uint64_t now_ms);
/* Send RECONFIRM for a record. ERR_STATE without an established session, ERR_INVALID for TYPE or CLASS 255, ERR_RDATA,
 * ERR_SPACE, ERR_NOMEM. */
int push_client_reconfirm(struct push_client *c, const uint8_t *name, uint16_t type, uint16_t dns_class,
                          const uint8_t *rdata, size_t rdata_len, uint64_t now_ms);

/* A session is there (client side, with push_types): borrowed until detached. SUBSCRIBEs are sent once it is
 * established. */
void push_client_attach(struct push_client *c, struct dso_session *session, uint64_t now_ms);
/*
 * The session is gone: records stay held as long as their TTL lasts (PUSH-121:
 * TTL 0 ends at once), wanted questions are asked again on the next one, refused
 * ones not before their delay. Call it before the session is freed.
 */
void push_client_detach(struct push_client *c, uint64_t now_ms);
/* The next session is with another server: delays that the last one set do not count (PUSH-058). Call while detached.
 */
void push_client_forget_delays(struct push_client *c);

/* Hand over each event of the attached session that is not ANSWER, CLOSE or ABORT. Follow with
 * push_client_next_event(). */
void push_client_handle(struct push_client *c, const struct dso_event *event, uint64_t now_ms);

enum push_client_event_type {
	PUSH_CLIENT_ACTIVE,  /* `handle`: the server said NOERROR */
	PUSH_CLIENT_REFUSED, /* `handle`, `rcode`, `retry_delay_ms`: refused, or cancelled later; retried by itself then
	                      */
	PUSH_CLIENT_CHANGE,  /* one record added (also: TTL changed) or removed; FEED_ADD or FEED_REMOVE only */
	PUSH_CLIENT_BATCH,   /* end of the changes that arrived together; `changes` says how many */
};
struct push_client_event {
	enum push_client_event_type type;
	/* ACTIVE, REFUSED: each handle of the question gets its own event. CHANGE, BATCH: 0, or the late user that
	   alone is told of records held before. A record is told of once, however many questions it matches. */
	uint32_t handle;
	struct push_question question; /* that of `handle`, if not 0 */
	unsigned rcode;
	uint32_t retry_delay_ms;
	struct feed_change change; /* CHANGE: points into the client until the next call */
	size_t changes;
};
/* The next event, false when none is left. None names a handle that was unsubscribed. A PUSH becomes CHANGE... BATCH; a
 * collective removal is unfolded into one FEED_REMOVE a record held. */
bool push_client_next_event(struct push_client *c, struct push_client_event *ret_event);

/* When push_client_tick() is due (a retry, records that age out), UINT64_MAX for never. */
uint64_t push_client_deadline_ms(const struct push_client *c);
void push_client_tick(struct push_client *c, uint64_t now_ms);

/* Questions wanted; 0 means that the session may be closed. */
size_t push_client_wanted_count(const struct push_client *c);
/* Records held now. */
size_t push_client_record_count(const struct push_client *c);

#endif
