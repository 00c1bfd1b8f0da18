/*
 * For tests of the serving side: a struct serve with connections over pipes in
 * memory, and clients that keep, subscription by subscription, what they were
 * told. A client reads only when it is not blocked.
 */
#ifndef TESTS_ROLES_SERVE_HELP_H
#define TESTS_ROLES_SERVE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "push/codec.h"
#include "roles/authoritative/serve.h"
#include "wire/dns.h"
#include "zone/view.h"

enum { HELD_MAX = 64, SUBS_MAX = 48, CLIENTS_MAX = 10, TRACE_MAX = 64 };

/* A record of a subscription: `full` covers the TTL too. */
struct held {
	uint64_t record;
	uint64_t full;
	uint16_t type;
};

enum sub_state { SUB_FREE, SUB_ASKED, SUB_OPEN, SUB_REFUSED, SUB_CANCELLED };

struct sub {
	enum sub_state state;
	uint16_t id;
	unsigned rcode;
	uint32_t delay_ms;
	struct push_question question;
	unsigned tag; /* for the test */
	size_t held_count;
	struct held held[HELD_MAX];
};

struct world;

struct client {
	struct world *world;
	struct net_stream *stream; /* NULL: not connected */
	struct dso_session *dso;
	struct conn *conn; /* the server's end; NULL once closed */
	struct serve_session *session;
	bool blocked;
	bool over;  /* said goodbye to, or cut */
	bool reset; /* the server cut it without a word */
	unsigned goodbye_rcode;
	size_t push_count; /* messages */
	size_t push_bytes;
	size_t change_count;
	size_t remove_class_count;
	struct sub subs[SUBS_MAX];
	uint64_t last[2]; /* for the test */
};

struct world {
	struct net_loop *loop;
	struct serve *serve;
	struct serve_limits limits;
	struct serve_policy open; /* everybody may do everything */
	struct dso_config server_dso;
	struct dso_config client_dso;
	struct conn_config conn_config;
	struct client clients[CLIENTS_MAX];
	long accounted;
	long account_max;
	uint64_t now_s;
	const struct wire_tsig_key *key;
	void (*pushed)(struct client *c); /* after each PUSH message */
};

/* ---- the server's end ---- */

static inline const struct wire_tsig_key *world_find_key(void *context, const struct wire_name *key_name)
{
	struct world *w = context;
	return w->key && wire_name_equal(w->key->name.data, key_name->data) ? w->key : NULL;
}

static inline bool world_account(void *context, long subscriptions)
{
	struct world *w = context;
	if (subscriptions > 0 && w->accounted + subscriptions > w->account_max) {
		return false;
	}
	w->accounted += subscriptions;
	return true;
}

static inline uint64_t world_now_ms(void *context)
{
	return net_loop_now_ms(((struct world *)context)->loop);
}

static inline uint64_t world_now_s(void *context)
{
	return ((struct world *)context)->now_s;
}

static inline void server_opened(void *context, struct conn *conn)
{
	struct client *c = context;
	c->session = serve_session_new(c->world->serve, conn);
	if (!c->session) {
		conn_abort(conn);
	}
}

static inline void server_event(void *context, struct conn *conn, const struct dso_event *event)
{
	struct client *c = context;
	(void)conn;
	if (c->session && (event->type == DSO_EVENT_REQUEST || event->type == DSO_EVENT_UNIDIRECTIONAL)) {
		serve_session_event(c->session, event);
	}
}

static inline void server_drained(void *context, struct conn *conn)
{
	struct client *c = context;
	(void)conn;
	serve_session_drained(c->session);
}

static inline void server_closed(void *context, struct conn *conn, int error, enum dso_reason reason)
{
	struct client *c = context;
	(void)conn;
	(void)error;
	(void)reason;
	serve_session_free(c->session);
	c->session = NULL;
	c->conn = NULL;
}

static inline void world_expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	(void)context;
	conn_expired(entry, now_ms);
}

static inline void world_init(struct world *w)
{
	static const struct conn_callbacks conn_callbacks = {server_opened, server_event, server_drained,
	                                                     server_closed};
	static const struct net_loop_callbacks loop_callbacks = {world_expired, NULL, NULL};
	const struct serve_callbacks callbacks = {world_find_key, world_account, world_now_ms, world_now_s};

	memset(w, 0, sizeof(*w));
	w->account_max = 1000000;
	w->now_s = 1700000000;
	w->limits = (struct serve_limits){SUBS_MAX, 1000000, 1000000, 1000000};
	w->open = (struct serve_policy){{.any = true}, {.any = true}, {.any = true}};
	dso_config_init(&w->server_dso, DSO_SERVER);
	dso_config_init(&w->client_dso, DSO_CLIENT);
	w->server_dso.tls = w->client_dso.tls = true;
	w->server_dso.types = w->client_dso.types = push_types;
	w->server_dso.type_count = w->client_dso.type_count = push_type_count;
	w->server_dso.inactivity_ms = w->server_dso.keepalive_ms = DSO_INFINITE;
	w->server_dso.idle_ms = 3600000;
	w->server_dso.message_timeout_ms = w->client_dso.message_timeout_ms = 0;
	w->conn_config = (struct conn_config){&w->server_dso, &conn_callbacks, 3600000, 3600000};
	w->loop = net_loop_new(&loop_callbacks, w);
	assert_non_null(w->loop);
	w->serve = serve_new(&callbacks, w);
	assert_non_null(w->serve);
}

/* ---- the client's end ---- */

static inline struct wire_name name_of(const char *text)
{
	struct wire_name name;
	assert_int_equal(wire_name_from_text(text, strlen(text), (const uint8_t *)"\7example", &name), 0);
	return name;
}

static inline struct held held_of(const struct feed_change *c)
{
	uint8_t bytes[8 + 512];
	struct held h = {.type = c->type};
	size_t len = c->rdata_len < 500 ? c->rdata_len : 500;
	memcpy(bytes, &c->ttl, 4);
	bytes_store_u16(bytes + 4, c->type);
	bytes_store_u16(bytes + 6, c->rdata_len);
	memcpy(bytes + 8, c->rdata, len);
	if (c->type == DNS_TYPE_CNAME || c->type == DNS_TYPE_NS || c->type == DNS_TYPE_DNAME) {
		wire_name_lower(bytes + 8); /* compression may change letters */
	}
	h.record = hash_bytes(bytes + 4, 4 + len);
	h.full = hash_bytes(bytes, 8 + len);
	return h;
}

/* Order does not matter for it. */
static inline uint64_t sub_print(const struct sub *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->held_count; i++) {
		sum += s->held[i].full;
	}
	return sum;
}

/* The same of the answer of a version; false if that is not authoritative for the name. */
static inline bool view_print(const struct zone_snapshot *snapshot, const struct push_question *q, uint64_t *ret_print)
{
	struct zone_view view;
	zone_view_init(&view);
	assert_int_equal(zone_view_fill(&view, snapshot, q->name.data, q->type, q->dns_class), 0);
	bool authoritative = view.authoritative;
	*ret_print = 0;
	for (size_t i = 0; i < view.records.count; i++) {
		*ret_print += held_of(&view.records.items[i]).full;
	}
	zone_view_done(&view);
	return authoritative;
}

static inline void sub_apply(struct sub *s, const struct feed_change *change)
{
	struct held h = {0};
	size_t kept = 0;
	if (!wire_name_equal(change->owner, s->question.name.data)) {
		return;
	}
	if (change->op == FEED_ADD || change->op == FEED_REMOVE) {
		if (!push_matches(s->question.type, s->question.dns_class, change->type, change->dns_class)) {
			return;
		}
		h = held_of(change);
	}
	for (size_t i = 0; i < s->held_count; i++) {
		bool goes = change->op == FEED_REMOVE_CLASS || change->op == FEED_REMOVE_ALL ||
		            (change->op == FEED_REMOVE_RRSET && s->held[i].type == change->type) ||
		            (h.record && s->held[i].record == h.record);
		if (!goes) {
			s->held[kept++] = s->held[i];
		}
	}
	if (change->op == FEED_ADD) {
		assert_true(kept < HELD_MAX);
		s->held[kept++] = h;
	}
	s->held_count = kept;
}

static inline struct sub *client_sub(struct client *c, uint16_t id)
{
	for (size_t i = 0; i < SUBS_MAX; i++) {
		if (c->subs[i].id == id && (c->subs[i].state == SUB_ASKED || c->subs[i].state == SUB_OPEN)) {
			return &c->subs[i];
		}
	}
	return NULL;
}

static inline void client_push(struct client *c, const struct dso_event *event)
{
	static uint8_t scratch[65535];
	struct push_read reader;
	struct feed_change change;
	bool adding = false;

	assert_int_equal(push_read_check(event->data, event->message_len), 0);
	c->push_count++;
	c->push_bytes += event->message_len;
	push_read_init(&reader, event->data, scratch);
	while (push_read_next(&reader, &change)) {
		/* Removals first (push.md B14). */
		adding = adding || change.op == FEED_ADD;
		assert_int_equal(adding, change.op == FEED_ADD);
		c->change_count++;
		c->remove_class_count += change.op == FEED_REMOVE_CLASS;
		for (size_t i = 0; i < SUBS_MAX; i++) {
			if (c->subs[i].state == SUB_OPEN) {
				sub_apply(&c->subs[i], &change);
			}
		}
	}
	if (c->world->pushed) {
		c->world->pushed(c);
	}
}

static inline void client_event(struct client *c, const struct dso_event *event)
{
	struct sub *s = client_sub(c, event->id);
	switch (event->type) {
	case DSO_EVENT_RESPONSE:
		/* The answer to one that was given up meanwhile is of no interest. */
		if (s) {
			s->rcode = event->rcode;
			s->delay_ms = event->has_retry_delay ? event->retry_delay_ms : 0;
			s->state = event->rcode ? SUB_REFUSED : SUB_OPEN;
		}
		break;
	case DSO_EVENT_CANCELLED:
		assert_non_null(s);
		s->rcode = event->rcode;
		s->delay_ms = event->has_retry_delay ? event->retry_delay_ms : 0;
		s->state = SUB_CANCELLED;
		break;
	case DSO_EVENT_UNIDIRECTIONAL:
		assert_int_equal(event->tlv_type, PUSH_TLV_PUSH);
		client_push(c, event);
		break;
	case DSO_EVENT_RETRY_DELAY:
		c->goodbye_rcode = event->rcode;
		c->over = true;
		break;
	case DSO_EVENT_CLOSE:
		c->over = true;
		break;
	case DSO_EVENT_ABORT:
		fail_msg("the server broke the protocol: %s", dso_reason_text(event->reason));
		break;
	default:
		break;
	}
}

static inline void client_connect(struct world *w, struct client *c, size_t pipe)
{
	struct net_stream *server;
	memset(c, 0, sizeof(*c));
	c->world = w;
	assert_int_equal(net_memory_pair(pipe, &c->stream, &server), 0);
	c->dso = dso_session_new(&w->client_dso, net_loop_now_ms(w->loop));
	assert_non_null(c->dso);
	c->conn = conn_new(w->loop, &w->conn_config, server, c);
	assert_non_null(c->conn);
	/* First of all a request that is not refused, as that would mean "no DSO here". */
	uint16_t id;
	assert_int_equal(dso_session_keepalive(c->dso, net_loop_now_ms(w->loop), &id), 0);
}

/* Cut the connection on the client's side. */
static inline void client_drop(struct client *c)
{
	if (c->stream) {
		c->stream->ops->close(c->stream, true);
		c->stream = NULL;
		dso_session_free(c->dso);
		c->dso = NULL;
	}
}

/* Read and write what is possible; true if anything moved. */
static inline bool client_pump(struct client *c)
{
	uint8_t data[4096];
	bool moved = false, early;
	size_t len;

	if (!c->stream || c->over) {
		return false;
	}
	uint64_t now_ms = net_loop_now_ms(c->world->loop);
	while (!c->blocked && !c->over) {
		int err = c->stream->ops->read(c->stream, data, sizeof(data), &len, &early);
		if (err == ERR_AGAIN) {
			break;
		}
		if (err) {
			c->over = true;
			c->reset = !c->goodbye_rcode;
			break;
		}
		moved = true;
		assert_int_equal(dso_session_feed(c->dso, data, len, false, now_ms), 0);
		struct dso_event event;
		while (dso_session_next_event(c->dso, now_ms, &event)) {
			client_event(c, &event);
			if (event.type == DSO_EVENT_CLOSE) {
				break;
			}
		}
	}
	if (c->over) {
		client_drop(c);
		return true;
	}
	const uint8_t *out = dso_session_output(c->dso, &len);
	size_t sent;
	if (len > 0 && c->stream->ops->write(c->stream, out, len, &sent) == 0) {
		dso_session_output_sent(c->dso, sent);
		moved = true;
	}
	return moved;
}

/* Go on until nothing moves any more. */
static inline void world_settle(struct world *w)
{
	for (unsigned idle = 0; idle < 4;) {
		bool moved = false;
		net_loop_run_once(w->loop, 0);
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			moved = client_pump(&w->clients[i]) || moved;
		}
		idle = moved ? 0 : idle + 1;
	}
}

static inline void world_done(struct world *w)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		client_drop(&w->clients[i]);
	}
	world_settle(w);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		assert_null(w->clients[i].conn);
	}
	/* Everything was given back. */
	assert_int_equal(w->accounted, 0);
	assert_int_equal(serve_stats(w->serve).subscription_count, 0);
	assert_int_equal(serve_stats(w->serve).key_count, 0);
	assert_int_equal(serve_stats(w->serve).name_count, 0);
	serve_free(w->serve);
	net_loop_free(w->loop);
}

static inline struct sub *client_subscribe_question(struct client *c, const struct push_question *q)
{
	uint8_t data[PUSH_SUBSCRIBE_MAX];
	struct bytes_writer out;
	struct sub *s = c->subs;
	while (s->state == SUB_ASKED || s->state == SUB_OPEN) {
		s++;
	}
	assert_true(s < c->subs + SUBS_MAX);
	*s = (struct sub){.state = SUB_ASKED, .question = *q};
	bytes_writer_init(&out, data, sizeof(data));
	push_subscribe_write(&out, q);
	assert_int_equal(dso_session_request(c->dso, PUSH_TLV_SUBSCRIBE, data, out.len, true,
	                                     net_loop_now_ms(c->world->loop), &s->id),
	                 0);
	return s;
}

static inline struct sub *client_subscribe(struct client *c, const char *text, uint16_t type)
{
	const struct push_question q = {.name = name_of(text), .type = type, .dns_class = DNS_CLASS_IN};
	return client_subscribe_question(c, &q);
}

static inline void client_unsubscribe(struct client *c, struct sub *s)
{
	uint8_t data[2];
	uint64_t now_ms = net_loop_now_ms(c->world->loop);
	bytes_store_u16(data, s->id);
	assert_int_equal(dso_session_unidirectional(c->dso, PUSH_TLV_UNSUBSCRIBE, data, 2, now_ms), 0);
	dso_session_operation_end(c->dso, s->id, now_ms);
	s->state = SUB_FREE;
}

#endif
