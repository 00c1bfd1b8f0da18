/*
 * The reader's side of an authoritative server, one per worker thread: it pins
 * one version of each zone, answers every query from it, brings subscribers from
 * version to version, and checks who may do what. Nothing here is shared with
 * another worker but immutable data.
 *
 * A change arrives as serve_publish(): the worker computes what each of its
 * subscriptions is owed between the version it has and the new one, sends that,
 * and from then on answers from the new one. A SUBSCRIBE is answered from exactly
 * the version that was delivered last, so there is no gap.
 */
#ifndef ROLES_AUTHORITATIVE_SERVE_H
#define ROLES_AUTHORITATIVE_SERVE_H

#include "base/ratelimit.h"
#include "conn/pump.h"
#include "fanout/index.h"
#include "net/acl.h"
#include "wire/sign.h"
#include "zone/store.h"

/* What is counted, one set a worker; names for metrics and status. X(field, text) */
#define SERVE_COUNTERS(X)                                                                                              \
	X(queries_udp, "queries over UDP")                                                                             \
	X(queries_tcp, "queries over TCP")                                                                             \
	X(queries_tls, "queries over TLS")                                                                             \
	X(updates, "UPDATE messages accepted for processing")                                                          \
	X(updates_refused, "UPDATE messages refused by access control")                                                \
	X(malformed, "malformed messages")                                                                             \
	X(not_implemented, "messages of an opcode or type that is not implemented")                                    \
	X(refused, "queries refused: zone not served or not allowed")                                                  \
	X(tsig_failed, "messages whose TSIG did not verify")                                                           \
	X(subscribes, "SUBSCRIBE requests")                                                                            \
	X(subscribes_refused, "SUBSCRIBE requests refused: zone not served or not allowed")                            \
	X(subscribes_limited, "SUBSCRIBE requests refused at a limit")                                                 \
	X(unsubscribes, "UNSUBSCRIBE messages for open subscriptions")                                                 \
	X(reconfirms, "RECONFIRM messages")                                                                            \
	X(cancelled, "subscriptions cancelled by the server")                                                          \
	X(batches, "changesets delivered")                                                                             \
	X(encodings, "PUSH encodings made")                                                                            \
	X(pushes, "PUSH deliveries")                                                                                   \
	X(push_bytes, "bytes of PUSH deliveries")                                                                      \
	X(pushed_changes, "changes in PUSH deliveries")                                                                \
	X(lagged, "times that a session fell behind")                                                                  \
	X(caught_up, "times that a session was brought up to date by a net difference")                                \
	X(shed, "sessions ended by the server for lack of resources")

struct serve_counters {
#define SERVE_COUNTER_FIELD(field, text) uint64_t field;
	SERVE_COUNTERS(SERVE_COUNTER_FIELD)
#undef SERVE_COUNTER_FIELD
};

/* Who may do what with a zone. Immutable; borrowed. */
struct serve_policy {
	struct net_acl query;
	struct net_acl subscribe;
	struct net_acl update;
};

struct serve_limits {
	uint32_t subscriptions_per_session;
	uint32_t subscriptions;   /* of all workers together */
	uint32_t subscribe_burst; /* per session */
	uint32_t subscribe_per_second;
};

/* What the worker lends to its serve; all called in its thread. */
struct serve_callbacks {
	/* The TSIG key of that name, or NULL; valid until the next serve_configure(). A wire_tsig_find_fn. */
	wire_tsig_find_fn find_key;
	/* Reserve (+1) or give back (-n) subscriptions against the limit of all workers: false if it is reached. */
	bool (*account)(void *context, long subscriptions);
	/* Monotonic and wall clock. */
	uint64_t (*now_ms)(void *context);
	uint64_t (*now_s)(void *context);
};

struct serve;

/* Zones come by serve_configure(). NULL when memory ends. */
struct serve *serve_new(const struct serve_callbacks *callbacks, void *context);
/* All sessions must be gone. NULL is fine. */
void serve_free(struct serve *s);
struct serve_counters *serve_counters(struct serve *s);
struct fanout_stats serve_stats(const struct serve *s);

/* A zone to serve: `id` stays the same over reconfigurations as long as the zone does. */
struct serve_zone_setup {
	uint32_t id;
	struct zone_snapshot *snapshot; /* a reference of its own is taken; used only if the zone is new here */
	const struct serve_policy *policy;
};
/*
 * Serve these zones from now on, with these limits. Subscriptions of zones that are
 * gone are cancelled (NOTAUTH). What the policies point to must stay valid until
 * the next call. 0, or ERR_NOMEM and nothing has changed.
 */
int serve_configure(struct serve *s, const struct serve_zone_setup *zones, size_t count,
                    const struct serve_limits *limits);

/* Deliver a changeset of the zone `id` and move on to its version. */
void serve_publish(struct serve *s, uint32_t id, const struct zone_changeset *changeset);

/* ---- queries and updates ---- */

/* An authorised UPDATE on its way to the writer and back. */
struct serve_update {
	uint32_t zone_id;
	int result;                  /* of the writer: 0 or an error */
	struct wire_tsig_state tsig; /* its key must stay valid until the answer is made */
	bool has_tsig;
	bool has_edns;
	bool by_stream;          /* its answer may be as long as any message */
	struct net_address peer; /* who sent it, for rate limits */
	size_t len;
	uint8_t message[]; /* copy of the UPDATE */
};

struct serve_request {
	const uint8_t *data;
	size_t len;
	const struct net_address *peer;
	const struct net_stream *stream; /* NULL over UDP */
	bool tls;
};

/*
 * Answer one ordinary message: writes at most `cap` bytes (65535 for streams; over UDP
 * the size is bounded by EDNS and 1232) and returns their number; 0: no answer, now or ever. If
 * *ret_update is set (heap; serve_update_free()) it is an UPDATE for the writer and the
 * answer comes from serve_update_answer() later.
 */
size_t serve_query(struct serve *s, const struct serve_request *r, uint8_t *out, size_t cap,
                   struct serve_update **ret_update);
/* The answer of an UPDATE whose `result` is set. */
size_t serve_update_answer(struct serve *s, struct serve_update *u, uint8_t *out, size_t cap);
void serve_update_free(struct serve_update *u);

/* ---- sessions over TLS ---- */

struct serve_session;

/* For a connection that has opened. NULL when memory ends. */
struct serve_session *serve_session_new(struct serve *s, struct conn *c);
/* Its connection is over (or about to be freed): all its subscriptions go. NULL is fine. */
void serve_session_free(struct serve_session *ss);
/* A DSO_EVENT_REQUEST or DSO_EVENT_UNIDIRECTIONAL. */
void serve_session_event(struct serve_session *ss, const struct dso_event *event);
/* Everything unsent went out: bring it up to date. */
void serve_session_drained(struct serve_session *ss);
size_t serve_session_subscription_count(const struct serve_session *ss);

#endif
