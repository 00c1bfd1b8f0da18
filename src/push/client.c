#include "push/client.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "push/view.h"
#include "wire/dns.h"

enum {
	RECORDS_MAX_DEFAULT = 1000000,
	REQUESTED_MAX = 256, /* SUBSCRIBEs without a response, so that the output of the session stays small */
	RETRY_MS = 1000,     /* after a local failure to send or to queue events */
	SCRATCH_LEN = 65535,
};

/* What a question is to the server, as far as this side knows. */
enum wanted_state {
	WANTED_WAITING,   /* to be sent once a session is there and the server may be asked */
	WANTED_REQUESTED, /* SUBSCRIBE sent */
	WANTED_ACTIVE,    /* answered NOERROR */
	WANTED_REFUSED,   /* failed, or cancelled later; waits again at retry_ms */
	WANTED_STATE_COUNT,
};

/* How far the search for stale records of an active question has come (B18). */
enum fence_state {
	FENCE_NONE,
	FENCE_NEEDED, /* a Keepalive is to be sent */
	FENCE_SENT,   /* its reply shows that the initial set has been seen whole */
};

struct user {
	struct push_link link;
	struct user *next;
	struct push_wanted *wanted;
	uint32_t handle;
};

/* A question that has users. */
struct push_wanted {
	struct push_link link; /* by ID, while requested or active */
	TAILQ_ENTRY(push_wanted) in_state;
	struct push_owner *owner;
	struct push_wanted *next; /* at the same owner */
	struct user *users;
	uint64_t retry_ms;
	uint16_t type;
	uint16_t dns_class;
	uint16_t id;
	uint16_t rcode;
	uint8_t state; /* enum wanted_state */
	uint8_t fence; /* enum fence_state */
};

TAILQ_HEAD(wanted_list, push_wanted);

struct event {
	struct push_record *record;
	size_t changes;
	uint32_t handle;
	uint32_t ttl;
	uint32_t delay_ms;
	uint16_t rcode;
	uint8_t type; /* enum push_client_event_type */
	uint8_t op;   /* enum feed_op */
};

struct push_client {
	struct dso_session *session;
	size_t records_max;
	uint32_t session_serial;
	uint32_t last_handle;
	bool has_subscribed; /* in this session */
	bool fence_needed;
	uint16_t fence_id;   /* of the Keepalive on its way, 0: none */
	uint64_t blocked_ms; /* no SUBSCRIBE before */
	uint64_t retry_ms;   /* what failed here is not tried before */
	uint64_t refused_ms; /* no refused question is due before */
	size_t wanted_count;
	size_t requested_count;
	struct wanted_list lists[WANTED_STATE_COUNT];
	struct push_table by_id;
	struct push_table users;

	struct event *events; /* a queue: `event_count` from `event_head` on */
	size_t event_head;
	size_t event_count;
	size_t event_cap;
	size_t batch_changes;
	struct push_record *shown; /* what the event given out last points to */

	struct push_view view;
	uint8_t scratch[SCRATCH_LEN];
};

struct push_client *push_client_new(size_t records_max)
{
	struct push_client *c = mem_calloc(1, sizeof(*c));
	if (!c) {
		return NULL;
	}
	c->records_max = records_max > 0 ? records_max : RECORDS_MAX_DEFAULT;
	c->refused_ms = UINT64_MAX;
	for (unsigned i = 0; i < WANTED_STATE_COUNT; i++) {
		TAILQ_INIT(&c->lists[i]);
	}
	push_view_init(&c->view);
	return c;
}

static void drop_shown(struct push_client *c)
{
	if (c->shown) {
		push_view_unref(&c->view, c->shown);
		c->shown = NULL;
	}
}

static void free_wanted(struct push_client *c, struct push_wanted *w)
{
	for (struct user *u = w->users, *next; u; u = next) {
		next = u->next;
		mem_free(u);
	}
	push_view_unref_owner(&c->view, w->owner);
	mem_free(w);
}

void push_client_free(struct push_client *c)
{
	if (!c) {
		return;
	}
	drop_shown(c);
	for (size_t i = 0; i < c->event_count; i++) {
		struct event *e = &c->events[c->event_head + i];
		if (e->record) {
			push_view_unref(&c->view, e->record);
		}
	}
	for (unsigned i = 0; i < WANTED_STATE_COUNT; i++) {
		struct push_wanted *w;
		while ((w = TAILQ_FIRST(&c->lists[i]))) {
			TAILQ_REMOVE(&c->lists[i], w, in_state);
			free_wanted(c, w);
		}
	}
	push_view_done(&c->view);
	push_table_done(&c->by_id);
	push_table_done(&c->users);
	mem_free(c->events);
	mem_free(c);
}

/* Room for `count` more events. 0 or ERR_NOMEM. */
static int reserve_events(struct push_client *c, size_t count)
{
	if (c->event_head > 0 && c->event_head >= c->event_count) {
		if (c->event_count > 0) {
			memcpy(c->events, c->events + c->event_head, c->event_count * sizeof(c->events[0]));
		}
		c->event_head = 0;
	}
	return mem_grow(&c->events, &c->event_cap, c->event_head + c->event_count + count, sizeof(c->events[0]));
}

static void emit(struct push_client *c, struct event event)
{
	c->events[c->event_head + c->event_count++] = event;
}

/* Queue one change; room for it and for the end of the batch was reserved. `handle` 0: for everybody. */
static void emit_change(struct push_client *c, uint32_t handle, struct push_record *r, enum feed_op op)
{
	push_view_ref(r);
	emit(c, (struct event){
	                .type = PUSH_CLIENT_CHANGE, .handle = handle, .record = r, .op = (uint8_t)op, .ttl = r->ttl});
	c->batch_changes++;
}

static void end_batch(struct push_client *c, uint32_t handle)
{
	if (c->batch_changes > 0) {
		emit(c, (struct event){.type = PUSH_CLIENT_BATCH, .handle = handle, .changes = c->batch_changes});
		c->batch_changes = 0;
	}
}

/* Tell each user of a question; if that fails, the session ends and a new one starts over. */
static void tell_users(struct push_client *c, const struct push_wanted *w, struct event event)
{
	for (const struct user *u = w->users; u; u = u->next) {
		if (reserve_events(c, 1)) {
			dso_session_abort(c->session, DSO_REASON_MEMORY);
			return;
		}
		event.handle = u->handle;
		emit(c, event);
	}
}

static bool can_send(const struct push_client *c)
{
	return c->session && dso_session_established(c->session) && !dso_session_is_over(c->session);
}

static void set_state(struct push_client *c, struct push_wanted *w, enum wanted_state state)
{
	c->requested_count -= w->state == WANTED_REQUESTED;
	TAILQ_REMOVE(&c->lists[w->state], w, in_state);
	w->state = (uint8_t)state;
	TAILQ_INSERT_TAIL(&c->lists[state], w, in_state);
	c->requested_count += state == WANTED_REQUESTED;
}

static bool has_id(const struct push_wanted *w)
{
	return w->state == WANTED_REQUESTED || w->state == WANTED_ACTIVE;
}

/* The question has no operation any more; `state` follows. */
static void leave_operation(struct push_client *c, struct push_wanted *w, enum wanted_state state)
{
	if (has_id(w)) {
		push_table_remove(&c->by_id, &w->link);
	}
	w->fence = FENCE_NONE;
	set_state(c, w, state);
}

static struct push_wanted *find_id(const struct push_client *c, uint16_t id)
{
	struct push_link *link = push_table_first(&c->by_id, id);
	return link ? PUSH_ENTRY(link, struct push_wanted, link) : NULL;
}

static struct user *find_user(const struct push_client *c, uint32_t handle)
{
	struct push_link *link = push_table_first(&c->users, handle);
	return link ? PUSH_ENTRY(link, struct user, link) : NULL;
}

static bool matches(const struct push_wanted *w, uint16_t type, uint16_t dns_class)
{
	return push_matches(w->type, w->dns_class, type, dns_class);
}

static bool matches_record(const struct push_wanted *w, const struct push_record *r)
{
	return matches(w, r->type, r->dns_class);
}

/* True if an active question asks for such records (PUSH-088). */
static bool is_asked(const struct push_owner *owner, uint16_t type, uint16_t dns_class)
{
	for (const struct push_wanted *w = owner->wanted; w; w = w->next) {
		if (w->state == WANTED_ACTIVE && matches(w, type, dns_class)) {
			return true;
		}
	}
	return false;
}

/* Take a record out of the view and report it. */
static void remove_record(struct push_client *c, struct push_record *r)
{
	emit_change(c, 0, r, FEED_REMOVE);
	push_view_remove(&c->view, r);
}

/* Drop what has reached its age. */
static void sweep(struct push_client *c, uint64_t now_ms)
{
	if (c->view.ageing_ms > now_ms) {
		return;
	}
	bool failed = false;
	for (struct push_record *r = TAILQ_FIRST(&c->view.ageing), *next; r && !failed; r = next) {
		next = TAILQ_NEXT(r, at_ageing);
		if (r->expires_ms > now_ms) {
			continue;
		}
		failed = reserve_events(c, 2) != 0;
		if (!failed) {
			remove_record(c, r);
		}
	}
	end_batch(c, 0);
	push_view_update_ageing(&c->view);
	if (failed) {
		c->view.ageing_ms = now_ms + RETRY_MS;
	}
}

/* A question of this type and class ended: what no other active one asks for starts to age (PUSH-121). */
static void age_records(struct push_client *c, struct push_owner *owner, uint16_t type, uint16_t dns_class,
                        uint64_t now_ms)
{
	struct push_record *r;
	TAILQ_FOREACH(r, &owner->records, at_owner)
	{
		if (push_matches(type, dns_class, r->type, r->dns_class) && !is_asked(owner, r->type, r->dns_class)) {
			push_view_age(&c->view, r, now_ms);
		}
	}
}

static int send_subscribe(struct push_client *c, struct push_wanted *w, uint64_t now_ms)
{
	struct push_question question = {.type = w->type, .dns_class = w->dns_class};
	uint8_t data[PUSH_SUBSCRIBE_MAX];
	struct bytes_writer out;

	wire_name_set(&question.name, w->owner->name);
	bytes_writer_init(&out, data, sizeof(data));
	push_subscribe_write(&out, &question);
	int err = push_table_reserve(&c->by_id);
	if (!err) {
		err = dso_session_request(c->session, PUSH_TLV_SUBSCRIBE, data, out.len, true, now_ms, &w->id);
	}
	if (err) {
		return err;
	}
	push_table_add(&c->by_id, &w->link, w->id);
	set_state(c, w, WANTED_REQUESTED);
	c->has_subscribed = true;
	return 0;
}

/* Ask what waits to be asked, as far as allowed now. */
static void send_waiting(struct push_client *c, uint64_t now_ms)
{
	struct push_wanted *w;
	if (!can_send(c) || now_ms < c->blocked_ms || now_ms < c->retry_ms) {
		return;
	}
	while ((w = TAILQ_FIRST(&c->lists[WANTED_WAITING])) && c->requested_count < REQUESTED_MAX) {
		if (send_subscribe(c, w, now_ms)) {
			c->retry_ms = now_ms + RETRY_MS;
			return;
		}
	}
}

/* One Keepalive at a time serves all questions that became active before it. */
static void send_fence(struct push_client *c, uint64_t now_ms)
{
	struct push_wanted *w;
	if (!c->fence_needed || c->fence_id != 0 || !can_send(c) || now_ms < c->retry_ms) {
		return;
	}
	if (dso_session_keepalive(c->session, now_ms, &c->fence_id)) {
		c->fence_id = 0;
		c->retry_ms = now_ms + RETRY_MS;
		return;
	}
	c->fence_needed = false;
	TAILQ_FOREACH(w, &c->lists[WANTED_ACTIVE], in_state)
	{
		if (w->fence == FENCE_NEEDED) {
			w->fence = FENCE_SENT;
		}
	}
}

/* True if something is held for the question that nothing vouches for in this session. */
static bool has_stale(const struct push_wanted *w)
{
	const struct push_record *r;
	TAILQ_FOREACH(r, &w->owner->records, at_owner)
	{
		if (!push_view_is_live(r) && matches_record(w, r)) {
			return true;
		}
	}
	return false;
}

/* The initial set of a question has been seen whole: what it did not bring again is gone. */
static int drop_stale(struct push_client *c, struct push_wanted *w)
{
	w->fence = FENCE_NONE;
	for (struct push_record *r = TAILQ_FIRST(&w->owner->records), *next; r; r = next) {
		next = TAILQ_NEXT(r, at_owner);
		if (push_view_is_live(r) || !matches_record(w, r)) {
			continue;
		}
		if (reserve_events(c, 2)) {
			return ERR_NOMEM;
		}
		remove_record(c, r);
	}
	return 0;
}

static void handle_fence(struct push_client *c, uint16_t id, uint64_t now_ms)
{
	struct push_wanted *w;
	int err = 0;
	if (c->fence_id == 0 || id != c->fence_id) {
		return;
	}
	c->fence_id = 0;
	TAILQ_FOREACH(w, &c->lists[WANTED_ACTIVE], in_state)
	{
		if (w->fence == FENCE_SENT && !err) {
			err = drop_stale(c, w);
		}
	}
	end_batch(c, 0);
	if (err) {
		dso_session_abort(c->session, DSO_REASON_MEMORY);
		return;
	}
	send_fence(c, now_ms);
}

/* The server does not serve the question (any more). Only NOTAUTH is about the name alone (PUSH-057). */
static void refuse(struct push_client *c, struct push_wanted *w, const struct dso_event *event, uint64_t now_ms)
{
	uint32_t delay_ms = event->has_retry_delay ? event->retry_delay_ms : push_default_delay_ms(event->rcode);

	leave_operation(c, w, WANTED_REFUSED);
	w->rcode = event->rcode;
	w->retry_ms = now_ms + delay_ms;
	if (w->retry_ms < c->refused_ms) {
		c->refused_ms = w->retry_ms;
	}
	if (event->rcode != DNS_RCODE_NOTAUTH && w->retry_ms > c->blocked_ms) {
		c->blocked_ms = w->retry_ms;
	}
	tell_users(c, w, (struct event){.type = PUSH_CLIENT_REFUSED, .rcode = event->rcode, .delay_ms = delay_ms});
}

static void handle_response(struct push_client *c, const struct dso_event *event, uint64_t now_ms)
{
	struct push_wanted *w = find_id(c, event->id);
	if (!w || w->state != WANTED_REQUESTED) {
		return;
	}
	if (event->rcode != DNS_RCODE_NOERROR) {
		refuse(c, w, event, now_ms);
	} else {
		set_state(c, w, WANTED_ACTIVE);
		if (has_stale(w)) {
			w->fence = FENCE_NEEDED;
			c->fence_needed = true;
		}
		tell_users(c, w, (struct event){.type = PUSH_CLIENT_ACTIVE});
		send_fence(c, now_ms);
	}
	send_waiting(c, now_ms);
}

static void handle_cancelled(struct push_client *c, const struct dso_event *event, uint64_t now_ms)
{
	struct push_wanted *w = find_id(c, event->id);
	if (!w) {
		return;
	}
	refuse(c, w, event, now_ms);
	age_records(c, w->owner, w->type, w->dns_class, now_ms);
	sweep(c, now_ms);
	send_waiting(c, now_ms);
}

static int apply_add(struct push_client *c, struct push_owner *owner, const struct feed_change *change)
{
	struct push_record *r = push_view_find(&c->view, owner, change);
	bool known = r && r->ttl == change->ttl;

	if (!known && reserve_events(c, 2)) {
		return ERR_NOMEM;
	}
	if (!r) {
		if (c->view.records.count >= c->records_max) {
			return ERR_LIMIT;
		}
		r = push_view_add(&c->view, owner, change);
		if (!r) {
			return ERR_NOMEM;
		}
	}
	push_view_revive(&c->view, r);
	r->session = c->session_serial;
	r->ttl = change->ttl;
	if (!known) {
		emit_change(c, 0, r, FEED_ADD);
	}
	return 0;
}

static int apply_remove(struct push_client *c, struct push_owner *owner, const struct feed_change *change)
{
	struct push_record *r = push_view_find(&c->view, owner, change);
	if (!r) {
		return 0;
	}
	if (reserve_events(c, 2)) {
		return ERR_NOMEM;
	}
	remove_record(c, r);
	return 0;
}

/* True if the collective removal covers the record and this session told of it (B13). */
static bool in_scope(const struct push_client *c, const struct feed_change *change, const struct push_record *r)
{
	if (r->session != c->session_serial) {
		return false;
	}
	switch (change->op) {
	case FEED_REMOVE_ALL:
		return true;
	case FEED_REMOVE_CLASS:
		return r->dns_class == change->dns_class;
	default:
		return r->dns_class == change->dns_class && r->type == change->type;
	}
}

static int apply_collective(struct push_client *c, struct push_owner *owner, const struct feed_change *change)
{
	struct push_record *r;
	bool concerns = false;
	size_t count = 0;

	TAILQ_FOREACH(r, &owner->records, at_owner)
	{
		if (in_scope(c, change, r)) {
			count++;
			concerns = concerns || is_asked(owner, r->type, r->dns_class);
		}
	}
	if (!concerns) {
		return 0;
	}
	if (reserve_events(c, count + 1)) {
		return ERR_NOMEM;
	}
	for (struct push_record *next = r = TAILQ_FIRST(&owner->records); r; r = next) {
		next = TAILQ_NEXT(r, at_owner);
		if (in_scope(c, change, r)) {
			remove_record(c, r);
		}
	}
	return 0;
}

static int apply_change(struct push_client *c, const struct feed_change *change)
{
	struct push_owner *owner = push_view_find_owner(&c->view, change->owner);
	if (!owner) {
		return 0;
	}
	if (change->op != FEED_ADD && change->op != FEED_REMOVE) {
		return apply_collective(c, owner, change);
	}
	if (!is_asked(owner, change->type, change->dns_class)) {
		return 0;
	}
	return change->op == FEED_ADD ? apply_add(c, owner, change) : apply_remove(c, owner, change);
}

static void handle_push(struct push_client *c, const struct dso_event *event)
{
	struct push_read reader;
	struct feed_change change;
	int err = 0;

	if (!c->has_subscribed) {
		dso_session_abort(c->session, DSO_REASON_APPLICATION);
		return;
	}
	if (push_read_check(event->data, event->message_len)) {
		dso_session_abort(c->session, DSO_REASON_TLV);
		return;
	}
	push_read_init(&reader, event->data, c->scratch);
	while (!err && push_read_next(&reader, &change)) {
		err = apply_change(c, &change);
	}
	end_batch(c, 0);
	if (err) {
		dso_session_abort(c->session, err == ERR_NOMEM ? DSO_REASON_MEMORY : DSO_REASON_APPLICATION);
	}
}

void push_client_handle(struct push_client *c, const struct dso_event *event, uint64_t now_ms)
{
	if (!c->session) {
		return;
	}
	switch (event->type) {
	case DSO_EVENT_ESTABLISHED:
		send_waiting(c, now_ms);
		break;
	case DSO_EVENT_RESPONSE:
		handle_response(c, event, now_ms);
		break;
	case DSO_EVENT_CANCELLED:
		handle_cancelled(c, event, now_ms);
		break;
	case DSO_EVENT_FENCE:
		handle_fence(c, event->id, now_ms);
		break;
	case DSO_EVENT_UNIDIRECTIONAL:
		if (event->tlv_type == PUSH_TLV_PUSH) {
			handle_push(c, event);
		}
		break;
	default:
		break;
	}
}

void push_client_attach(struct push_client *c, struct dso_session *session, uint64_t now_ms)
{
	push_client_detach(c, now_ms);
	c->session = session;
	c->session_serial++;
	send_waiting(c, now_ms);
}

void push_client_detach(struct push_client *c, uint64_t now_ms)
{
	struct push_wanted *w;
	if (!c->session) {
		return;
	}
	c->session = NULL;
	c->has_subscribed = false;
	c->fence_needed = false;
	c->fence_id = 0;
	c->retry_ms = 0;
	while ((w = TAILQ_FIRST(&c->lists[WANTED_ACTIVE])) || (w = TAILQ_FIRST(&c->lists[WANTED_REQUESTED]))) {
		leave_operation(c, w, WANTED_WAITING);
	}
	for (size_t i = 0; i < c->view.records.size; i++) {
		for (struct push_link *link = c->view.records.slots[i]; link; link = link->next) {
			push_view_age(&c->view, PUSH_ENTRY(link, struct push_record, link), now_ms);
		}
	}
	sweep(c, now_ms);
}

void push_client_forget_delays(struct push_client *c)
{
	struct push_wanted *w;
	c->blocked_ms = 0;
	c->refused_ms = UINT64_MAX;
	while ((w = TAILQ_FIRST(&c->lists[WANTED_REFUSED]))) {
		set_state(c, w, WANTED_WAITING);
	}
}

static struct push_wanted *find_wanted(const struct push_owner *owner, uint16_t type, uint16_t dns_class)
{
	struct push_wanted *w = owner->wanted;
	while (w && (w->type != type || w->dns_class != dns_class)) {
		w = w->next;
	}
	return w;
}

/* The wanted question at `owner`, new if needed. NULL when memory ends. */
static struct push_wanted *get_wanted(struct push_client *c, struct push_owner *owner,
                                      const struct push_question *question)
{
	struct push_wanted *w = find_wanted(owner, question->type, question->dns_class);
	if (w) {
		return w;
	}
	w = mem_calloc(1, sizeof(*w));
	if (w) {
		w->type = question->type;
		w->dns_class = question->dns_class;
		w->state = WANTED_WAITING;
		w->owner = owner;
		owner->refs++;
		w->next = owner->wanted;
		owner->wanted = w;
		TAILQ_INSERT_TAIL(&c->lists[WANTED_WAITING], w, in_state);
		c->wanted_count++;
	}
	return w;
}

/* Nobody wants the question any more, and the server knows. */
static void forget_wanted(struct push_client *c, struct push_wanted *w)
{
	struct push_wanted **at = &w->owner->wanted;
	while (*at != w) {
		at = &(*at)->next;
	}
	*at = w->next;
	leave_operation(c, w, WANTED_WAITING);
	TAILQ_REMOVE(&c->lists[WANTED_WAITING], w, in_state);
	c->wanted_count--;
	free_wanted(c, w);
}

static uint32_t new_handle(struct push_client *c)
{
	do {
		c->last_handle++;
	} while (c->last_handle == 0 || find_user(c, c->last_handle));
	return c->last_handle;
}

/* A user of a question, with room for all events it gets at once. NULL when memory ends. */
static struct user *add_user(struct push_client *c, struct push_wanted *w)
{
	const struct push_record *r;
	size_t events = 2; /* state and end of batch */
	TAILQ_FOREACH(r, &w->owner->records, at_owner)
	{
		events += matches_record(w, r);
	}
	struct user *u = NULL;
	if (push_table_reserve(&c->users) || reserve_events(c, events) || !(u = mem_calloc(1, sizeof(*u)))) {
		return NULL;
	}
	u->handle = new_handle(c);
	u->wanted = w;
	u->next = w->users;
	w->users = u;
	push_table_add(&c->users, &u->link, u->handle);
	return u;
}

/* A user that comes late learns what the others know already (B24). */
static void brief_user(struct push_client *c, const struct user *u, uint64_t now_ms)
{
	const struct push_wanted *w = u->wanted;
	struct push_record *r;

	if (w->state == WANTED_ACTIVE) {
		emit(c, (struct event){.type = PUSH_CLIENT_ACTIVE, .handle = u->handle});
	} else if (w->state == WANTED_REFUSED) {
		uint32_t delay_ms = w->retry_ms > now_ms ? (uint32_t)(w->retry_ms - now_ms) : 0;
		emit(c, (struct event){.type = PUSH_CLIENT_REFUSED,
		                       .handle = u->handle,
		                       .rcode = w->rcode,
		                       .delay_ms = delay_ms});
	}
	TAILQ_FOREACH(r, &w->owner->records, at_owner)
	{
		if (matches_record(w, r)) {
			emit_change(c, u->handle, r, FEED_ADD);
		}
	}
	end_batch(c, u->handle);
}

int push_client_subscribe(struct push_client *c, const struct push_question *question, uint64_t now_ms,
                          uint32_t *ret_handle)
{
	if (!push_type_is_subscribable(question->type)) {
		return ERR_INVALID;
	}
	if (c->users.count == UINT32_MAX - 1) {
		return ERR_LIMIT;
	}
	struct push_owner *owner = push_view_ref_owner(&c->view, question->name.data);
	if (!owner) {
		return ERR_NOMEM;
	}
	struct push_wanted *w = get_wanted(c, owner, question);
	struct user *u = w ? add_user(c, w) : NULL;
	if (!u && w && !w->users) {
		forget_wanted(c, w);
	}
	push_view_unref_owner(&c->view, owner);
	if (!u) {
		return ERR_NOMEM;
	}
	brief_user(c, u, now_ms);
	*ret_handle = u->handle;
	send_waiting(c, now_ms);
	return 0;
}

/* Tell the server that a question has ended; the ID drains in the session (A6). */
static void send_unsubscribe(struct push_client *c, const struct push_wanted *w, uint64_t now_ms)
{
	uint8_t data[2];
	struct bytes_writer out;

	if (!has_id(w) || !can_send(c)) {
		return;
	}
	bytes_writer_init(&out, data, sizeof(data));
	push_unsubscribe_write(&out, w->id);
	if (dso_session_unidirectional(c->session, PUSH_TLV_UNSUBSCRIBE, data, out.len, now_ms)) {
		/* The server would go on with it: only a new session makes both agree again. */
		dso_session_abort(c->session, DSO_REASON_MEMORY);
		return;
	}
	dso_session_operation_end(c->session, w->id, now_ms);
}

static void remove_user(struct push_client *c, struct user *u)
{
	struct user **at = &u->wanted->users;
	while (*at != u) {
		at = &(*at)->next;
	}
	*at = u->next;
	push_table_remove(&c->users, &u->link);
	mem_free(u);
}

int push_client_unsubscribe(struct push_client *c, uint32_t handle, uint64_t now_ms)
{
	struct user *u = find_user(c, handle);
	if (!u) {
		return ERR_NOT_FOUND;
	}
	struct push_wanted *w = u->wanted;
	remove_user(c, u);
	if (w->users) {
		return 0;
	}
	struct push_owner *owner = w->owner;
	uint16_t type = w->type;
	uint16_t dns_class = w->dns_class;
	owner->refs++;
	send_unsubscribe(c, w, now_ms);
	forget_wanted(c, w);
	age_records(c, owner, type, dns_class, now_ms);
	push_view_unref_owner(&c->view, owner);
	sweep(c, now_ms);
	send_waiting(c, now_ms);
	return 0;
}

int push_client_reconfirm(struct push_client *c, const uint8_t *name, uint16_t type, uint16_t dns_class,
                          const uint8_t *rdata, size_t rdata_len, uint64_t now_ms)
{
	struct bytes_writer out;
	if (!can_send(c)) {
		return ERR_STATE;
	}
	/* The scratch is free between events. */
	bytes_writer_init(&out, c->scratch, sizeof(c->scratch) - DNS_HEADER_LEN - 4);
	int err = push_reconfirm_write(&out, name, type, dns_class, rdata, rdata_len);
	if (err) {
		return err;
	}
	return dso_session_unidirectional(c->session, PUSH_TLV_RECONFIRM, c->scratch, out.len, now_ms);
}

static void fill_event(struct push_client *c, const struct event *e, struct push_client_event *ret_event)
{
	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->type = (enum push_client_event_type)e->type;
	ret_event->handle = e->handle;
	ret_event->rcode = e->rcode;
	ret_event->retry_delay_ms = e->delay_ms;
	ret_event->changes = e->changes;
	if (e->handle) {
		const struct push_wanted *w = find_user(c, e->handle)->wanted;
		wire_name_set(&ret_event->question.name, w->owner->name);
		ret_event->question.type = w->type;
		ret_event->question.dns_class = w->dns_class;
	}
	if (e->record) {
		const struct push_record *r = e->record;
		ret_event->change = (struct feed_change){.owner = r->owner->name,
		                                         .rdata = r->rdata,
		                                         .ttl = e->ttl,
		                                         .rdata_len = r->rdata_len,
		                                         .type = r->type,
		                                         .dns_class = r->dns_class,
		                                         .op = e->op};
	}
}

bool push_client_next_event(struct push_client *c, struct push_client_event *ret_event)
{
	drop_shown(c);
	while (c->event_count > 0) {
		struct event e = c->events[c->event_head++];
		c->event_count--;
		c->shown = e.record;
		if (e.handle == 0 || find_user(c, e.handle)) {
			fill_event(c, &e, ret_event);
			return true;
		}
		drop_shown(c); /* for somebody who has left */
	}
	mem_free(c->events);
	c->events = NULL;
	c->event_head = 0;
	c->event_cap = 0;
	return false;
}

uint64_t push_client_deadline_ms(const struct push_client *c)
{
	uint64_t deadline_ms = c->view.ageing_ms < c->refused_ms ? c->view.ageing_ms : c->refused_ms;
	bool waits = !TAILQ_EMPTY(&c->lists[WANTED_WAITING]) && c->requested_count < REQUESTED_MAX;

	if (can_send(c) && waits) {
		uint64_t send_ms = c->blocked_ms > c->retry_ms ? c->blocked_ms : c->retry_ms;
		deadline_ms = send_ms < deadline_ms ? send_ms : deadline_ms;
	}
	if (can_send(c) && c->fence_needed && c->fence_id == 0 && c->retry_ms < deadline_ms) {
		deadline_ms = c->retry_ms;
	}
	return deadline_ms;
}

/* Questions whose delay has passed wait to be asked again. */
static void wake_refused(struct push_client *c, uint64_t now_ms)
{
	if (c->refused_ms > now_ms) {
		return;
	}
	c->refused_ms = UINT64_MAX;
	for (struct push_wanted *w = TAILQ_FIRST(&c->lists[WANTED_REFUSED]), *next; w; w = next) {
		next = TAILQ_NEXT(w, in_state);
		if (w->retry_ms <= now_ms) {
			set_state(c, w, WANTED_WAITING);
		} else if (w->retry_ms < c->refused_ms) {
			c->refused_ms = w->retry_ms;
		}
	}
}

void push_client_tick(struct push_client *c, uint64_t now_ms)
{
	sweep(c, now_ms);
	wake_refused(c, now_ms);
	send_waiting(c, now_ms);
	send_fence(c, now_ms);
}

size_t push_client_wanted_count(const struct push_client *c)
{
	return c->wanted_count;
}

size_t push_client_record_count(const struct push_client *c)
{
	return c->view.records.count;
}
