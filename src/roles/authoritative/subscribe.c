/* Sessions of one worker: their subscriptions, and how each is kept equal to a version of the zones. */
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "push/server.h"
#include "roles/authoritative/internal.h"
#include "wire/dns.h"
#include "zone/view.h"

enum {
	LAG_CHECK = 1024,  /* batches between two looks at who is behind */
	LAG_MAX = 1 << 16, /* versions that a session may be behind: they all are kept for it */
};

/* A session that is behind in a zone: the version that its peer has. */
struct cursor {
	struct cursor *next;
	uint32_t zone_id;
	struct zone_snapshot *snapshot;
};

struct serve_session {
	struct fanout_session fan; /* first: the fan-out knows sessions by it */
	struct serve_session *before, *after;
	struct serve *serve;
	struct conn *conn;
	struct push_server *push;
	struct cursor *cursors;
	struct ratelimit subscribe_rate;
	bool oversized; /* a batch brought a record that fits into no PUSH message: see to it after the batch */
};

/* Views whose synthesized records a batch still points to. */
struct serve_views {
	struct serve_views *next;
	struct zone_view before;
	struct zone_view after;
};

static uint64_t now_ms(const struct serve *s)
{
	return s->callbacks.now_ms(s->context);
}

static struct serve_zone *zone_of_key(const struct serve *s, const struct fanout_key *key)
{
	return serve_find_zone(s, fanout_key_name(key), key->type);
}

struct serve_session *serve_session_new(struct serve *s, struct conn *c)
{
	struct serve_session *ss = mem_calloc(1, sizeof(*ss));
	if (!ss) {
		return NULL;
	}
	ss->push = push_server_new(conn_session(c));
	if (!ss->push) {
		mem_free(ss);
		return NULL;
	}
	ss->serve = s;
	ss->conn = c;
	ratelimit_init(&ss->subscribe_rate, s->limits.subscribe_burst, s->limits.subscribe_per_second, now_ms(s));
	ss->after = s->sessions;
	if (ss->after) {
		ss->after->before = ss;
	}
	s->sessions = ss;
	return ss;
}

static void drop_cursor(struct serve_session *ss)
{
	struct cursor *cursor = ss->cursors;
	ss->cursors = cursor->next;
	zone_snapshot_unref(cursor->snapshot);
	mem_free(cursor);
}

/* A subscription is over; its key may go with it. */
static void forget(struct serve_session *ss, struct fanout_key *key)
{
	fanout_remove(ss->serve->index, key, &ss->fan);
	ss->serve->callbacks.account(ss->serve->context, -1);
}

void serve_session_free(struct serve_session *ss)
{
	if (!ss) {
		return;
	}
	for (size_t i = 0; i < push_server_count(ss->push); i++) {
		uint16_t id;
		forget(ss, push_server_key(ss->push, i, &id));
	}
	while (ss->cursors) {
		drop_cursor(ss);
	}
	if (ss->after) {
		ss->after->before = ss->before;
	}
	if (ss->before) {
		ss->before->after = ss->after;
	} else {
		ss->serve->sessions = ss->after;
	}
	push_server_free(ss->push);
	mem_free(ss);
}

size_t serve_session_subscription_count(const struct serve_session *ss)
{
	return push_server_count(ss->push);
}

/* This session cannot be kept right: send it away, it may come back. */
static void shed(struct serve_session *ss)
{
	if (dso_session_is_over(conn_session(ss->conn))) {
		return;
	}
	ss->serve->counters.shed++;
	dso_session_retry_delay(conn_session(ss->conn), DNS_RCODE_SERVFAIL, push_default_delay_ms(DNS_RCODE_SERVFAIL),
	                        now_ms(ss->serve));
	conn_flush(ss->conn);
}

void serve_shed_subscribers(struct serve *s)
{
	for (struct serve_session *ss = s->sessions; ss; ss = ss->after) {
		if (push_server_count(ss->push) > 0) {
			shed(ss);
		}
	}
}

/* ---- one change, all sessions ---- */

void serve_views_free(struct serve *s)
{
	while (s->batch_views) {
		struct serve_views *v = s->batch_views;
		s->batch_views = v->next;
		zone_view_done(&v->before);
		zone_view_done(&v->after);
		mem_free(v);
	}
}

/*
 * The views of a key in two versions of its zone `z`, kept until the batch is over. NULL when memory ends.
 */
static struct serve_views *fill_views(struct serve *s, const struct serve_zone *z, const struct zone_snapshot *from,
                                      const struct zone_snapshot *to, const struct fanout_key *key)
{
	struct serve_views *v = mem_alloc(sizeof(*v));
	if (!v) {
		return NULL;
	}
	zone_view_init(&v->before);
	zone_view_init(&v->after);
	v->next = s->batch_views;
	s->batch_views = v;
	const uint8_t *name = fanout_key_name(key);
	if ((from && zone_view_fill(&v->before, from, name, key->type, key->dns_class)) ||
	    zone_view_fill(&v->after, to, name, key->type, key->dns_class)) {
		return NULL;
	}
	if (key->type == DNS_TYPE_DS && serve_find_zone(s, name, DNS_TYPE_ANY) != z) {
		/* At a cut the child has records too: "all of this name is gone" would take them along. */
		v->after.name_empty = false;
	}
	return v;
}

static int batch_diff(void *context, const struct fanout_key *key, struct feed_list *ret_changes,
                      struct fanout_outcome *ret_outcome)
{
	struct serve *s = context;
	if (zone_of_key(s, key) != s->batch_zone) {
		return 0; /* a zone of its own below this one answers for the name */
	}
	struct serve_views *v = fill_views(s, s->batch_zone, s->batch_changeset->from, s->batch_changeset->to, key);
	if (!v) {
		return ERR_NOMEM;
	}
	ret_outcome->name_empty = v->after.name_empty;
	ret_outcome->lost = !v->after.authoritative;
	return ret_outcome->lost ? 0 : zone_view_diff(&v->before, &v->after, ret_changes);
}

static bool batch_pads(void *context, const struct fanout_session *session)
{
	(void)context;
	const struct serve_session *ss = (const struct serve_session *)session;
	return dso_session_pads(conn_session(ss->conn));
}

/* Remember the version that the peer has, unless an older one is remembered already. */
static int fall_behind(struct serve_session *ss, uint32_t zone_id, struct zone_snapshot *snapshot)
{
	for (struct cursor *c = ss->cursors; c; c = c->next) {
		if (c->zone_id == zone_id) {
			return 0;
		}
	}
	struct cursor *c = mem_alloc(sizeof(*c));
	if (!c) {
		return ERR_NOMEM;
	}
	*c = (struct cursor){.next = ss->cursors, .zone_id = zone_id, .snapshot = zone_snapshot_ref(snapshot)};
	ss->cursors = c;
	ss->serve->counters.lagged++;
	return 0;
}

/*
 * Cancel one open subscription and forget it. Where that cannot be said the session has to go; its
 * subscriptions stay until it is freed, so that the index and the session agree.
 */
static void cancel(struct serve_session *ss, struct fanout_key *key, unsigned rcode)
{
	struct serve *s = ss->serve;
	if (push_server_cancel_key(ss->push, key, rcode, DSO_NO_DELAY, now_ms(s))) {
		shed(ss);
		return;
	}
	s->counters.cancelled++;
	forget(ss, key);
}

/* Does the view of this key hold a record that fits into no PUSH message? 1, 0 or ERR_NOMEM. */
static int is_oversized(const struct serve *s, const struct fanout_key *key)
{
	const struct serve_zone *z = zone_of_key(s, key);
	struct zone_view view;
	struct buf bytes;
	zone_view_init(&view);
	buf_init(&bytes, 0);
	int err = z ? zone_view_fill(&view, z->snapshot, fanout_key_name(key), key->type, key->dns_class) : 0;
	if (!err) {
		err = push_encode(view.records.items, view.records.count, false, &bytes);
	}
	buf_done(&bytes);
	zone_view_done(&view);
	return err == ERR_SPACE ? 1 : err;
}

/* Cancel the subscriptions whose view holds a record that fits into no PUSH message (push.md B15). Not in a batch. */
static void cancel_oversized(struct serve_session *ss)
{
	for (size_t i = push_server_count(ss->push); i-- > 0 && !dso_session_is_over(conn_session(ss->conn));) {
		uint16_t id;
		struct fanout_key *key = push_server_key(ss->push, i, &id);
		int oversized = is_oversized(ss->serve, key);
		if (oversized < 0) {
			shed(ss);
		} else if (oversized) {
			cancel(ss, key, DNS_RCODE_SERVFAIL);
		}
	}
}

static void batch_send(void *context, struct fanout_session *session, const uint8_t *bytes, size_t len, size_t changes,
                       int err)
{
	struct serve *s = context;
	struct serve_session *ss = (struct serve_session *)session;

	if (err == ERR_SPACE) {
		/* Keys must stay until the batch is over; then the rest of its subscriptions get the net difference. */
		ss->oversized = true;
		s->oversized = true;
	} else if (ss->cursors) {
		/* Behind in some zone: it gets the net difference when it reads again. */
		err = ERR_AGAIN;
	} else if (!err) {
		err = conn_send_shared(ss->conn, bytes, len);
	}
	if (err == ERR_AGAIN || err == ERR_SPACE) {
		err = fall_behind(ss, s->batch_zone->id, s->batch_changeset->from);
	} else if (!err) {
		s->counters.pushes++;
		s->counters.push_bytes += len;
		s->counters.pushed_changes += changes;
	}
	if (err == ERR_NOMEM) {
		shed(ss);
	}
	/* ERR_STATE: its connection is at its end, nothing is owed any more. */
}

static void batch_lost(void *context, struct fanout_key *key)
{
	(void)context;
	/* The key goes with its last subscriber; one that could not be told stays until its session ends. */
	for (uint32_t left = key->count; left > 0; left--) {
		struct serve_session *ss = (struct serve_session *)key->subscribers[left - 1];
		cancel(ss, key, DNS_RCODE_NOTAUTH);
		conn_flush(ss->conn);
	}
}

const struct fanout_callbacks serve_fanout_callbacks = {
        .diff = batch_diff,
        .pads = batch_pads,
        .send = batch_send,
        .lost = batch_lost,
};

/* Versions of zones that are gone must not be held any longer. */
static void drop_orphan_cursors(struct serve_session *ss)
{
	struct cursor *kept = NULL;
	while (ss->cursors) {
		struct cursor *c = ss->cursors;
		if (serve_find_zone_id(ss->serve, c->zone_id)) {
			ss->cursors = c->next;
			c->next = kept;
			kept = c;
		} else {
			drop_cursor(ss);
		}
	}
	ss->cursors = kept;
}

void serve_cancel_orphans(struct serve *s, const struct serve *before)
{
	for (struct serve_session *ss = s->sessions; ss; ss = ss->after) {
		drop_orphan_cursors(ss);
		for (size_t i = push_server_count(ss->push); i-- > 0;) {
			uint16_t id;
			struct fanout_key *key = push_server_key(ss->push, i, &id);
			const struct serve_zone *was = zone_of_key(before, key);
			const struct serve_zone *is = zone_of_key(s, key);
			if (!is) {
				cancel(ss, key, DNS_RCODE_NOTAUTH);
			} else if (!was || was->id != is->id) {
				/* Another zone answers now: what the peer holds is of no version of that. */
				cancel(ss, key, DNS_RCODE_SERVFAIL);
			}
		}
		conn_flush(ss->conn);
	}
}

/* ---- one session catches up ---- */

/* What all subscriptions of the session in one zone are owed from a version to the newest. */
static int net_difference(struct serve_session *ss, const struct serve_zone *z, const struct zone_snapshot *from,
                          struct feed_list *changes)
{
	struct serve *s = ss->serve;
	const uint8_t **empty = mem_calloc(push_server_count(ss->push) + 1, sizeof(*empty));
	size_t empty_count = 0;
	int err = empty ? 0 : ERR_NOMEM;

	for (size_t i = 0; !err && i < push_server_count(ss->push); i++) {
		uint16_t id;
		const struct fanout_key *key = push_server_key(ss->push, i, &id);
		if (zone_of_key(s, key) != z) {
			continue;
		}
		struct serve_views *v = fill_views(s, z, from, z->snapshot, key);
		err = v ? zone_view_diff(&v->before, &v->after, changes) : ERR_NOMEM;
		if (!err && v->after.name_empty) {
			empty[empty_count++] = fanout_key_name(key);
		}
	}
	if (!err) {
		fanout_merge(changes, empty, empty_count);
	}
	mem_free(empty);
	return err;
}

/* What the session is owed in one zone goes into its output. */
static int send_difference(struct serve_session *ss, const struct cursor *cursor)
{
	struct serve *s = ss->serve;
	struct dso_session *session = conn_session(ss->conn);
	const struct serve_zone *z = serve_find_zone_id(s, cursor->zone_id);
	struct feed_list changes;
	struct buf bytes;
	feed_list_init(&changes);
	buf_init(&bytes, 0);

	int err = z ? net_difference(ss, z, cursor->snapshot, &changes) : 0;
	if (!err) {
		err = push_encode(changes.items, changes.count, dso_session_pads(session), &bytes);
	}
	if (!err && changes.count > 0) {
		err = dso_session_send(session, buf_data(&bytes), buf_len(&bytes), now_ms(s));
	}
	if (!err && changes.count > 0) {
		s->counters.pushes++;
		s->counters.push_bytes += buf_len(&bytes);
		s->counters.pushed_changes += changes.count;
	}
	buf_done(&bytes);
	feed_list_done(&changes);
	serve_views_free(s);
	return err;
}

/* Everything that the session is owed goes into its output. */
static int catch_up(struct serve_session *ss)
{
	while (ss->cursors) {
		int err = send_difference(ss, ss->cursors);
		if (err == ERR_SPACE) {
			/* Without the subscriptions that can be told of nothing any more. */
			cancel_oversized(ss);
			err = send_difference(ss, ss->cursors);
		}
		if (err) {
			return err;
		}
		drop_cursor(ss);
	}
	ss->serve->counters.caught_up++;
	return 0;
}

/* Catch up outside of a batch; a session that cannot is shed. False if it is over. */
static bool bring_up_to_date(struct serve_session *ss)
{
	int err = ss->cursors && !dso_session_is_over(conn_session(ss->conn)) ? catch_up(ss) : 0;
	if (err) {
		shed(ss);
	}
	if (dso_session_is_over(conn_session(ss->conn))) {
		/* Nothing is owed any more: let go of the versions. */
		while (ss->cursors) {
			drop_cursor(ss);
		}
		return false;
	}
	return true;
}

static void settle_oversized(struct serve *s)
{
	for (struct serve_session *ss = s->sessions; ss; ss = ss->after) {
		if (!ss->oversized) {
			continue;
		}
		ss->oversized = false;
		cancel_oversized(ss);
		conn_flush(ss->conn);
		/* What is still waiting now ends in `drained`. */
		if (!conn_is_busy(ss->conn)) {
			bring_up_to_date(ss);
		}
		conn_flush(ss->conn);
	}
}

/* A peer that reads a byte now and then would keep every later version of a zone: it has to go at some point. */
static void shed_laggards(struct serve *s)
{
	for (struct serve_session *ss = s->sessions; ss; ss = ss->after) {
		for (struct cursor *c = ss->cursors; c; c = c->next) {
			const struct serve_zone *z = serve_find_zone_id(s, c->zone_id);
			if (z && zone_snapshot_version(z->snapshot) - zone_snapshot_version(c->snapshot) > LAG_MAX) {
				shed(ss);
				break;
			}
		}
	}
}

void serve_after_batch(struct serve *s)
{
	if (s->oversized) {
		s->oversized = false;
		settle_oversized(s);
	}
	if (s->counters.batches % LAG_CHECK == 0) {
		shed_laggards(s);
	}
}

void serve_session_drained(struct serve_session *ss)
{
	if (ss->cursors && bring_up_to_date(ss)) {
		conn_flush(ss->conn);
	}
}

/* ---- subscribing ---- */

static void refuse(struct serve_session *ss, uint16_t id, unsigned rcode)
{
	push_server_refuse(ss->push, id, rcode, DSO_NO_DELAY, now_ms(ss->serve));
}

/* Accepted: from here on the view of this question is the session's business. */
static void accept_subscription(struct serve_session *ss, uint16_t id, struct fanout_key *key,
                                const struct zone_view *view)
{
	struct serve *s = ss->serve;
	struct dso_session *session = conn_session(ss->conn);
	struct buf bytes;
	buf_init(&bytes, 0);

	int err = push_encode(view->records.items, view->records.count, dso_session_pads(session), &bytes);
	if (!err && push_server_has(ss->push, key)) {
		/* A duplicate is fatal (PUSH-043); accepting it says so. */
		push_server_accept(ss->push, id, key, now_ms(s));
		s->callbacks.account(s->context, -1);
		buf_done(&bytes);
		return;
	}
	if (!err) {
		err = fanout_add(s->index, key, &ss->fan);
	}
	if (err) {
		refuse(ss, id, DNS_RCODE_SERVFAIL);
		fanout_key_release(s->index, key);
		s->callbacks.account(s->context, -1);
		buf_done(&bytes);
		return;
	}
	err = push_server_accept(ss->push, id, key, now_ms(s));
	if (err) {
		forget(ss, key);
	} else if (buf_len(&bytes) > 0) {
		if (dso_session_send(session, buf_data(&bytes), buf_len(&bytes), now_ms(s))) {
			shed(ss);
		}
		s->counters.pushes++;
		s->counters.push_bytes += buf_len(&bytes);
		s->counters.pushed_changes += view->records.count;
	}
	buf_done(&bytes);
}

/* Limits before memory: 0 or the RCODE to refuse with. Counts the subscription in when 0. */
static unsigned admit(struct serve_session *ss)
{
	struct serve *s = ss->serve;
	if (push_server_count(ss->push) >= s->limits.subscriptions_per_session ||
	    !ratelimit_take(&ss->subscribe_rate, now_ms(s)) || !s->callbacks.account(s->context, 1)) {
		s->counters.subscribes_limited++;
		return DNS_RCODE_SERVFAIL;
	}
	return DNS_RCODE_NOERROR;
}

static unsigned may_subscribe(struct serve_session *ss, const struct serve_zone *z)
{
	const struct net_stream *stream = conn_stream(ss->conn);
	struct net_acl_subject who = {.address = &stream->peer, .stream = stream};
	if (!z) {
		return DNS_RCODE_NOTAUTH;
	}
	return net_acl_match(&z->policy->subscribe, &who) ? DNS_RCODE_NOERROR : DNS_RCODE_REFUSED;
}

static void subscribe(struct serve_session *ss, uint16_t id, const struct push_question *q)
{
	struct serve *s = ss->serve;
	struct serve_zone *z = serve_find_zone(s, q->name.data, q->type);
	unsigned rcode = q->dns_class != DNS_CLASS_IN && q->dns_class != DNS_CLASS_ANY ? DNS_RCODE_NOTAUTH
	                                                                               : may_subscribe(ss, z);
	s->counters.subscribes++;
	if (rcode) {
		s->counters.subscribes_refused++;
		refuse(ss, id, rcode);
		return;
	}
	if (!bring_up_to_date(ss)) {
		return;
	}
	rcode = admit(ss);
	if (rcode) {
		refuse(ss, id, rcode);
		return;
	}
	struct fanout_key *key = fanout_key_get(s->index, q->name.data, q->type, q->dns_class);
	struct zone_view view;
	zone_view_init(&view);
	int err = key ? zone_view_fill(&view, z->snapshot, fanout_key_name(key), q->type, q->dns_class) : ERR_NOMEM;
	if (err || !view.authoritative) {
		refuse(ss, id, err ? DNS_RCODE_SERVFAIL : DNS_RCODE_NOTAUTH);
		s->counters.subscribes_refused++;
		s->callbacks.account(s->context, -1);
		if (key) {
			fanout_key_release(s->index, key);
		}
	} else {
		accept_subscription(ss, id, key, &view);
	}
	zone_view_done(&view);
}

void serve_session_event(struct serve_session *ss, const struct dso_event *event)
{
	struct push_server_event e;
	push_server_handle(ss->push, event, now_ms(ss->serve), &e);
	switch (e.type) {
	case PUSH_SERVER_SUBSCRIBE:
		subscribe(ss, e.id, &e.question);
		break;
	case PUSH_SERVER_UNSUBSCRIBE:
		ss->serve->counters.unsubscribes++;
		if (e.key) {
			forget(ss, e.key);
		}
		break;
	case PUSH_SERVER_RECONFIRM:
		/* Our own data needs no confirmation by others (push.md B2). */
		ss->serve->counters.reconfirms++;
		break;
	case PUSH_SERVER_NONE:
		break;
	}
}
