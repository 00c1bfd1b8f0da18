/*
 * libdnspush: one session at a time to one server, brought up and kept up, with the
 * push client above it. See include/dnspush.h for what callers see.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/events.h"
#include "conn/pump.h"
#include "dnspush.h"
#include "net/crypto.h"
#include "net/tls.h"
#include "push/client.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "wire/text.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	STALL_TIMEOUT_MS = 60000,
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_MAX_MS = 60000,
	STABLE_MS = 10000,   /* a connection that worked for so long is no repeated failure when it drops (DSO-082) */
	NO_DSO_MS = 3600000, /* an instance that broke the protocol is left alone (DSO-081, DSO-082) */
	ADDRESSES_MAX = 16,
	REQUESTS_MAX = 1000,
	KEEPALIVE_MS = 3600000,
};

/* What the connection is up to. */
enum state {
	STATE_IDLE,       /* nothing to do, or waiting for `retry` */
	STATE_CONNECTING, /* TCP and TLS under way */
	STATE_OPEN,       /* TLS is up, perhaps no DSO session yet */
	STATE_CLOSED,     /* for good */
};

/* A message of dnspush_send(): waiting for the connection or for its answer. */
struct request {
	struct request *next;
	uint32_t id;
	uint16_t own_id;  /* the caller's, given back in the answer */
	uint16_t wire_id; /* of the session, once sent */
	bool sent;
	size_t len;
	uint8_t message[];
};

struct dnspush {
	char *server; /* NAME@PORT for events */
	char error[512];
	struct net_loop *loop;
	struct net_tls *tls;
	struct dso_config dso;
	struct conn_config conn_config;
	struct net_address addresses[ADDRESSES_MAX];
	size_t address_count;
	size_t next_address;
	enum state state;
	struct conn *conn;
	struct push_client *push;
	struct timers_entry retry; /* next connection attempt */
	struct timers_entry tick;  /* of the push client */
	unsigned failures;         /* attempts in a row without progress */
	bool progressed;           /* this connection got a session or an answer, */
	uint64_t progress_ms;      /* first at this time */
	bool told_delay;           /* the server said Retry Delay */
	uint32_t delay_ms;
	bool asked;  /* a Keepalive went out on this connection */
	bool no_dso; /* the server refused DSO on this connection */
	bool closing;
	struct request *requests;
	uint32_t next_request;
	size_t request_count;
	bool broken;            /* memory ended under an event: what was reported is no longer all there is */
	uint64_t not_before_ms; /* the server is not contacted sooner (DSO-069) */
	struct events events;
};

static int fail(struct dnspush *h, int code, const char *words)
{
	snprintf(h->error, sizeof(h->error), "%s", words);
	return code;
}

static int public_error(int err)
{
	switch (err) {
	case 0:
		return DNSPUSH_OK;
	case ERR_NOMEM:
		return DNSPUSH_E_MEMORY;
	case ERR_LIMIT:
		return DNSPUSH_E_LIMIT;
	case ERR_STATE:
		return DNSPUSH_E_STATE;
	case ERR_SYSTEM:
		return DNSPUSH_E_SYSTEM;
	case ERR_TLS:
		return DNSPUSH_E_TLS;
	default:
		return DNSPUSH_E_ARGUMENT;
	}
}

const char *dnspush_error(const struct dnspush *h)
{
	return h->error;
}

/* ---- making and resolving ---- */

/* HOST[@PORT] into its parts. */
static int split_server(const char *server, char *host, size_t host_size, char port[8])
{
	const char *at = strrchr(server, '@');
	size_t len = at ? (size_t)(at - server) : strlen(server);
	if (len == 0 || len >= host_size || (at && (strlen(at + 1) == 0 || strlen(at + 1) > 5))) {
		return ERR_SYNTAX;
	}
	memcpy(host, server, len);
	host[len] = '\0';
	snprintf(port, 8, "%s", at ? at + 1 : "853");
	return strspn(port, "0123456789") == strlen(port) ? 0 : ERR_SYNTAX;
}

static int resolve(struct dnspush *h, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int result = getaddrinfo(host, port, &hints, &found);
	if (result) {
		snprintf(h->error, sizeof(h->error), "cannot resolve %s: %s", host,
		         result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
		return ERR_SYSTEM;
	}
	for (struct addrinfo *a = found; a && h->address_count < ADDRESSES_MAX; a = a->ai_next) {
		struct net_address *to = &h->addresses[h->address_count];
		if (a->ai_addrlen <= sizeof(to->in6)) {
			memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
			to->len = a->ai_addrlen;
			h->address_count++;
		}
	}
	freeaddrinfo(found);
	return h->address_count ? 0 : fail(h, ERR_SYSTEM, "the server has no usable address");
}

static int make_tls(struct dnspush *h, const struct dnspush_options *o, const char *host)
{
	struct net_tls_client_options tls = {.ca = o->tls_ca,
	                                     .hostname = o->tls_hostname ? o->tls_hostname : host,
	                                     .pin = o->tls_pin,
	                                     .insecure = o->insecure != 0,
	                                     .certificate = o->tls_cert,
	                                     .key = o->tls_key};
	char error[256] = "";
	int err = net_tls_client_new(&tls, error, &h->tls);
	if (err) {
		fail(h, err, error[0] ? error : err_text(err));
	}
	return err;
}

static void on_expired(void *context, struct timers_entry *entry, uint64_t now_ms);
static const struct conn_callbacks conn_callbacks;

static int set_up(struct dnspush *h, const struct dnspush_options *o)
{
	static const struct net_loop_callbacks callbacks = {.expired = on_expired};
	char host[256], port[8];

	events_init(&h->events);
	if (!o->server || split_server(o->server, host, sizeof(host), port)) {
		return fail(h, ERR_SYNTAX, "the server is not of the form HOST[@PORT]");
	}
	int err = resolve(h, host, port);
	err = err ? err : make_tls(h, o, host);
	if (err) {
		return err;
	}
	h->server = mem_alloc(strlen(host) + 8);
	h->loop = net_loop_new(&callbacks, h);
	h->push = push_client_new(0);
	if (!h->server || !h->loop || !h->push) {
		return fail(h, ERR_NOMEM, err_text(ERR_NOMEM));
	}
	snprintf(h->server, strlen(host) + 8, "%s@%s", host, port);
	dso_config_init(&h->dso, DSO_CLIENT);
	h->dso.tls = true;
	h->dso.types = push_types;
	h->dso.type_count = push_type_count;
	h->dso.keepalive_ms = KEEPALIVE_MS;
	h->conn_config = (struct conn_config){.dso = &h->dso,
	                                      .callbacks = &conn_callbacks,
	                                      .handshake_timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms
	                                                                                    : CONNECT_TIMEOUT_MS,
	                                      .stall_timeout_ms = STALL_TIMEOUT_MS};
	return 0;
}

int dnspush_new(const struct dnspush_options *options, char *error, size_t error_size, struct dnspush **ret_handle)
{
	struct dnspush *h = mem_calloc(1, sizeof(*h));
	int err = h ? set_up(h, options) : ERR_NOMEM;
	if (err) {
		if (error && error_size) {
			snprintf(error, error_size, "%s", h ? h->error : err_text(err));
		}
		dnspush_free(h);
		return public_error(err);
	}
	*ret_handle = h;
	return 0;
}

void dnspush_free(struct dnspush *h)
{
	if (!h) {
		return;
	}
	h->state = STATE_CLOSED;
	if (h->conn) {
		conn_close(h->conn);
		/* Whatever still has to be said fits into one turn or is left unsaid. */
		net_loop_run_once(h->loop, 0);
		if (h->conn) {
			conn_abort(h->conn);
			net_loop_run_once(h->loop, 0);
		}
	}
	while (h->requests) {
		struct request *r = h->requests;
		h->requests = r->next;
		mem_free(r);
	}
	events_done(&h->events);
	push_client_free(h->push);
	net_loop_free(h->loop);
	net_tls_unref(h->tls);
	mem_free(h->server);
	mem_free(h);
}

/* ---- connecting ---- */

static uint64_t now_of(const struct dnspush *h)
{
	return net_loop_now_ms(h->loop);
}

static bool wanted(const struct dnspush *h)
{
	return h->requests || push_client_wanted_count(h->push) > 0;
}

/* Full jitter would contact a server earlier than others; half of it spreads enough. */
static uint32_t jittered(uint32_t ms)
{
	uint32_t random = 0;
	net_random(&random, sizeof(random));
	return ms / 2 + random % (ms / 2 + 1);
}

/* How long to wait before the next attempt, after `h->failures` in a row without progress. */
static uint32_t backoff_ms(const struct dnspush *h)
{
	if (h->told_delay) {
		return h->delay_ms;
	}
	if (h->failures <= 1 && h->progressed) {
		return 0; /* an unexplained drop of a session that worked: at once (DSO-082) */
	}
	uint32_t ms = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < h->failures && ms < BACKOFF_MAX_MS; i++) {
		ms *= 2;
	}
	return jittered(ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
}

static void arm_tick(struct dnspush *h)
{
	net_loop_timer(h->loop, &h->tick, push_client_deadline_ms(h->push));
}

static void tell(struct dnspush *h, const struct dnspush_event *e)
{
	if (events_add(&h->events, e)) {
		h->broken = true;
	}
}

static void note_progress(struct dnspush *h)
{
	if (!h->progressed) {
		h->progressed = true;
		h->progress_ms = now_of(h);
	}
}

/* The server is left alone for so long, whoever asks. */
static void leave_alone(struct dnspush *h, uint32_t ms)
{
	h->not_before_ms = ms == DSO_INFINITE ? UINT64_MAX : now_of(h) + ms;
}

static void disconnected(struct dnspush *h, const char *reason, uint32_t retry_ms, bool untrusted)
{
	struct dnspush_event e = {.event = DNSPUSH_EVENT_DISCONNECTED,
	                          .server = h->server,
	                          .reason = reason,
	                          .retry_after_ms = retry_ms,
	                          .untrusted = untrusted};
	tell(h, &e);
	leave_alone(h, retry_ms);
	if (net_loop_timer(h->loop, &h->retry, h->not_before_ms)) {
		h->broken = true; /* nothing would ever wake it */
	}
}

static void connect_next(struct dnspush *h)
{
	const struct net_address *a = &h->addresses[h->next_address++ % h->address_count];
	h->progressed = false;
	h->told_delay = false;
	h->asked = false;
	h->no_dso = false;
	int fd = net_connect(a);
	if (fd < 0) {
		h->failures++;
		disconnected(h, strerror(errno), backoff_ms(h), false);
		return;
	}
	struct net_stream *stream = net_tls_stream_new(h->tls, fd, a, true);
	h->conn = stream ? conn_new(h->loop, &h->conn_config, stream, h) : NULL;
	if (!h->conn) {
		h->failures++;
		disconnected(h, err_text(ERR_NOMEM), backoff_ms(h), false);
		return;
	}
	h->state = STATE_CONNECTING;
}

static void send_requests(struct dnspush *h)
{
	struct request **link = &h->requests;
	while (*link) {
		struct request *r = *link;
		int err =
		        r->sent ? 0
		                : dso_session_query(conn_session(h->conn), r->message, r->len, now_of(h), &r->wire_id);
		r->sent = r->sent || !err;
		if (!err || err == ERR_STATE) {
			link = &r->next; /* a session that is over sends nothing: the next one will */
			continue;
		}
		struct dnspush_event e = {.event = DNSPUSH_EVENT_FAILED, .id = r->id, .reason = err_text(err)};
		tell(h, &e);
		*link = r->next;
		h->request_count--;
		mem_free(r);
	}
}

/* A DSO session always starts with a Keepalive (DSO-031); the SUBSCRIBEs follow once it is there. */
static void ask_for_session(struct dnspush *h, struct dso_session *session)
{
	uint16_t id;
	push_client_attach(h->push, session, now_of(h));
	if (dso_session_keepalive(session, now_of(h), &id) == ERR_NOMEM) {
		dso_session_abort(session, DSO_REASON_MEMORY);
	} else {
		h->asked = true;
	}
}

static void on_opened(void *context, struct conn *c)
{
	struct dnspush *h = context;
	h->state = STATE_OPEN;
	if (push_client_wanted_count(h->push) > 0) {
		ask_for_session(h, conn_session(c));
	}
	send_requests(h);
	conn_flush(c);
}

static void connected(struct dnspush *h, bool push)
{
	const struct net_stream_info *info = &conn_stream(h->conn)->info;
	struct dnspush_event e = {.event = DNSPUSH_EVENT_CONNECTED,
	                          .server = h->server,
	                          .tls = info->tls_version,
	                          .authenticated = info->authenticated,
	                          .push = push};
	tell(h, &e);
}

/* Take over what the push client has to say, as text. */
static void take_changes(struct dnspush *h)
{
	struct push_client_event e;
	while (push_client_next_event(h->push, &e)) {
		if (events_add_push(&h->events, &e)) {
			h->broken = true;
		}
	}
	arm_tick(h);
}

static void answered(struct dnspush *h, const struct dso_event *event)
{
	struct request **link = &h->requests;
	while (*link && !((*link)->sent && (*link)->wire_id == event->id)) {
		link = &(*link)->next;
	}
	struct request *r = *link;
	if (!r) {
		return;
	}
	*link = r->next;
	h->request_count--;
	note_progress(h);
	size_t len = bytes_left(&event->data);
	uint8_t *copy = mem_dup(event->data.pos, len);
	if (!copy) {
		h->broken = true;
	} else {
		bytes_store_u16(copy, r->own_id);
		struct dnspush_event e = {
		        .event = DNSPUSH_EVENT_ANSWER, .id = r->id, .message = copy, .message_len = len};
		tell(h, &e);
	}
	mem_free(copy);
	mem_free(r);
}

static void on_event(void *context, struct conn *c, const struct dso_event *event)
{
	struct dnspush *h = context;
	switch (event->type) {
	case DSO_EVENT_ANSWER:
		answered(h, event);
		return;
	case DSO_EVENT_ESTABLISHED:
		note_progress(h);
		connected(h, true);
		break;
	case DSO_EVENT_RETRY_DELAY:
		h->told_delay = true;
		h->delay_ms = event->retry_delay_ms;
		break;
	case DSO_EVENT_NO_DSO:
		h->no_dso = true;
		connected(h, false);
		if (!h->requests) {
			conn_close(c);
		}
		break;
	default:
		break;
	}
	push_client_handle(h->push, event, now_of(h));
	take_changes(h);
}

static void on_drained(void *context, struct conn *c)
{
	(void)context;
	(void)c;
}

/* Requests that were sent get no answer any more; those that were not wait for the next connection. */
static void fail_requests(struct dnspush *h, const char *reason, bool all)
{
	struct request **link = &h->requests;
	while (*link) {
		struct request *r = *link;
		if (!r->sent && !all) {
			link = &r->next;
			continue;
		}
		struct dnspush_event e = {.event = DNSPUSH_EVENT_FAILED, .id = r->id, .reason = reason};
		tell(h, &e);
		*link = r->next;
		h->request_count--;
		mem_free(r);
	}
}

static void on_closed(void *context, struct conn *c, int error, enum dso_reason reason)
{
	struct dnspush *h = context;
	bool untrusted = error == ERR_TLS && h->state == STATE_CONNECTING;
	/* The server broke the protocol, or sent more than is held (DSO-081). */
	bool own_abort = error == ERR_PROTOCOL || error == ERR_LIMIT || reason == DSO_REASON_APPLICATION;
	char words[320];

	snprintf(words, sizeof(words), "%s",
	         conn_error(c)[0] ? conn_error(c)
	         : h->no_dso      ? "the server does not offer DNS Stateful Operations"
	         : reason         ? dso_reason_text(reason)
	         : error          ? err_text(error)
	                          : "the server closed the connection");
	push_client_detach(h->push, now_of(h));
	take_changes(h);
	h->conn = NULL;
	if (h->state == STATE_CLOSED) {
		return;
	}
	h->state = STATE_IDLE;
	if (h->closing) {
		struct dnspush_event e = {.event = DNSPUSH_EVENT_CLOSED};
		tell(h, &e);
		return;
	}
	fail_requests(h, words, false);
	/* Dropped while the session was being set up: most likely by a server that knows no DSO (DSO-029, DSO-030). */
	bool dropped_early = h->asked && !h->progressed && !h->told_delay && error != ERR_NOMEM;
	bool no_dso = h->no_dso || own_abort || dropped_early;
	if (!wanted(h)) {
		/* The inactivity timer ended it: nobody misses it. What the server asked for holds all the same. */
		if (no_dso || h->told_delay) {
			leave_alone(h, no_dso ? NO_DSO_MS : h->delay_ms);
		}
		return;
	}
	if (h->progressed && now_of(h) - h->progress_ms >= STABLE_MS) {
		h->failures = 0;
	}
	h->failures += h->told_delay ? 0 : 1;
	uint32_t retry_ms = no_dso ? NO_DSO_MS : backoff_ms(h);
	disconnected(h, words, retry_ms, untrusted);
}

static const struct conn_callbacks conn_callbacks = {
        .opened = on_opened,
        .event = on_event,
        .drained = on_drained,
        .closed = on_closed,
};

static void on_expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	struct dnspush *h = context;
	if (entry == &h->retry) {
		if (h->state == STATE_IDLE && wanted(h) && !h->closing) {
			connect_next(h);
		}
	} else if (entry == &h->tick) {
		push_client_tick(h->push, now_ms);
		take_changes(h);
		if (h->conn && conn_session(h->conn)) {
			conn_flush(h->conn);
		}
	} else {
		conn_expired(entry, now_ms);
	}
}

/* Something is wanted: make sure that there is, or will be, a connection with what it takes. */
static void need_connection(struct dnspush *h)
{
	arm_tick(h);
	if (h->state == STATE_IDLE && h->retry.place == 0) {
		net_loop_timer(h->loop, &h->retry, h->not_before_ms > now_of(h) ? h->not_before_ms : now_of(h));
	} else if (h->state == STATE_OPEN) {
		struct dso_session *session = conn_session(h->conn);
		if (push_client_wanted_count(h->push) > 0 && !h->no_dso && !h->asked) {
			ask_for_session(h, session);
		}
		send_requests(h);
		conn_flush(h->conn);
	}
}

/* ---- what callers do ---- */

int dnspush_fd(const struct dnspush *h)
{
	return net_loop_fd(h->loop);
}

int dnspush_timeout_ms(const struct dnspush *h)
{
	return h->events.first ? 0 : net_loop_timeout_ms(h->loop);
}

int dnspush_process(struct dnspush *h)
{
	int err = net_loop_run_once(h->loop, 0);
	return h->broken ? fail(h, DNSPUSH_E_MEMORY, err_text(ERR_NOMEM)) : public_error(err);
}

static int parse_question(struct dnspush *h, const char *name, const char *type, struct push_question *ret_question)
{
	struct push_question q = {.type = DNS_TYPE_ANY, .dns_class = DNS_CLASS_IN};
	if (wire_name_from_text(name, strlen(name), NULL, &q.name)) {
		snprintf(h->error, sizeof(h->error), "%.200s: not a domain name", name);
		return ERR_SYNTAX;
	}
	if (type && wire_type_from_text(type, strlen(type), &q.type)) {
		snprintf(h->error, sizeof(h->error), "%.100s: not a record type", type);
		return ERR_SYNTAX;
	}
	if (q.type != DNS_TYPE_ANY && wire_type_is_meta(q.type)) {
		snprintf(h->error, sizeof(h->error), "%.100s: no type that records have", type);
		return ERR_SYNTAX;
	}
	*ret_question = q;
	return 0;
}

int dnspush_subscribe(struct dnspush *h, const char *name, const char *type, uint32_t *ret_id)
{
	struct push_question q;
	int err = parse_question(h, name, type, &q);
	if (err) {
		return DNSPUSH_E_ARGUMENT;
	}
	if (h->state == STATE_CLOSED || h->closing) {
		return fail(h, DNSPUSH_E_STATE, "the handle is closed");
	}
	err = push_client_subscribe(h->push, &q, now_of(h), ret_id);
	if (err) {
		return fail(h, public_error(err), err_text(err));
	}
	take_changes(h);
	need_connection(h);
	return 0;
}

int dnspush_unsubscribe(struct dnspush *h, uint32_t id)
{
	int err = push_client_unsubscribe(h->push, id, now_of(h));
	if (err) {
		return fail(h, public_error(err), err_text(err));
	}
	take_changes(h);
	if (h->conn && conn_session(h->conn)) {
		conn_flush(h->conn);
	}
	return 0;
}

int dnspush_reconfirm(struct dnspush *h, const char *name, const char *type, const char *rdata)
{
	struct push_question q;
	uint8_t wire[65535];
	size_t len;
	if (!type || parse_question(h, name, type, &q)) {
		return DNSPUSH_E_ARGUMENT;
	}
	if (wire_rdata_from_text(q.type, rdata, strlen(rdata), NULL, wire, sizeof(wire), &len, NULL)) {
		snprintf(h->error, sizeof(h->error), "%.300s: not the data of a %s record", rdata, type);
		return DNSPUSH_E_ARGUMENT;
	}
	int err = push_client_reconfirm(h->push, q.name.data, q.type, q.dns_class, wire, len, now_of(h));
	if (err) {
		return fail(h, public_error(err), "there is no session");
	}
	conn_flush(h->conn);
	return 0;
}

int dnspush_send(struct dnspush *h, const void *message, size_t len, uint32_t *ret_id)
{
	if (len < DNS_HEADER_LEN || len > DNS_MESSAGE_MAX) {
		return fail(h, DNSPUSH_E_ARGUMENT, "not a DNS message");
	}
	if (h->state == STATE_CLOSED || h->closing) {
		return fail(h, DNSPUSH_E_STATE, "the handle is closed");
	}
	if (h->request_count >= REQUESTS_MAX) {
		return fail(h, DNSPUSH_E_LIMIT, "too many requests under way");
	}
	struct request *r = mem_calloc(1, sizeof(*r) + len);
	if (!r) {
		return fail(h, DNSPUSH_E_MEMORY, err_text(ERR_NOMEM));
	}
	memcpy(r->message, message, len);
	r->len = len;
	r->own_id = bytes_load_u16(r->message);
	r->id = ++h->next_request;
	struct request **link = &h->requests;
	while (*link) {
		link = &(*link)->next;
	}
	*link = r;
	h->request_count++;
	*ret_id = r->id;
	need_connection(h);
	return 0;
}

void dnspush_close(struct dnspush *h)
{
	if (h->closing) {
		return;
	}
	h->closing = true;
	fail_requests(h, "closed", true);
	if (h->conn) {
		if (conn_session(h->conn)) {
			dso_session_close(conn_session(h->conn), now_of(h));
			conn_flush(h->conn);
		} else {
			conn_close(h->conn);
		}
		return;
	}
	struct dnspush_event e = {.event = DNSPUSH_EVENT_CLOSED};
	tell(h, &e);
}

int dnspush_next_event(struct dnspush *h, struct dnspush_event *ret_event)
{
	return events_next(&h->events, ret_event) ? 1 : 0;
}
