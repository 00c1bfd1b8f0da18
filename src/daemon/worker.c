#include "daemon/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/crypto.h"
#include "push/codec.h"
#include "wire/dns.h"

enum {
	ACCEPT_PAUSE_MS = 100, /* after descriptors ran out */
	ACCEPTS_PER_TURN = 64,
	GOODBYE_MIN_MS = 1000,    /* Retry Delays of a shutdown are spread from here */
	GOODBYE_SPREAD_MS = 9000, /* over this, so that clients do not come back at once (DSO-071) */
	LOG_BURST = 10,           /* lines about misbehaving peers */
	LOG_PER_SECOND = 1,
};

/* What a listening descriptor is for. */
enum port { PORT_UDP, PORT_TCP, PORT_TLS };

struct listener {
	struct worker *worker;
	enum port port;
	int fd;
	struct net_watch *watch;
};

/* A connection in its slot. A slot is found again by number and generation. */
struct link {
	TAILQ_ENTRY(link) opening; /* among those whose handshake is under way, oldest first */
	struct worker *worker;
	struct conn *conn;
	struct serve_session *session;
	uint32_t slot;
	uint32_t generation;
	enum port port;
	bool opened;
};

struct slot {
	struct link *link;
	uint32_t generation;
	uint32_t next_free;
};

struct worker {
	unsigned number;
	struct process *process;
	worker_job_fn store_run_job;
	struct epoch *epoch;
	struct net_loop *loop;
	struct mailbox *mailbox;
	struct serve *serve;
	struct listener *listeners;
	size_t listener_count;
	struct timers_entry accept_pause;
	struct dso_config dso_tls, dso_tcp;
	struct conn_config conn_tls, conn_tcp;
	struct slot *slots;
	size_t slot_count, slot_cap;
	uint32_t free_slot;
	size_t link_count;
	size_t opening_count;
	TAILQ_HEAD(, link) opening;
	struct ratelimit log_rate;
	uint64_t log_suppressed;
	bool stopping;
	struct mailbox_message stop_message; /* part of the worker, so that stopping needs no memory */
	uint32_t stop_grace_ms;
	struct timers_entry stop_deadline;
	struct worker_totals totals;
	pthread_t thread;
	bool running;
	uint8_t out[DNS_MESSAGE_MAX];
};

#define NO_SLOT UINT32_MAX

static uint64_t now_ms(void *context)
{
	const struct worker *w = context;
	return w->loop ? net_loop_now_ms(w->loop) : net_clock_ms();
}

static uint64_t now_s(void *context)
{
	(void)context;
	return (uint64_t)time(NULL);
}

static const struct wire_tsig_key *find_key(void *context, const struct wire_name *name)
{
	const struct worker *w = context;
	return config_find_key(w->epoch->config, name->data);
}

static bool account(void *context, long subscriptions)
{
	struct worker *w = context;
	long now = atomic_fetch_add_explicit(&w->process->subscriptions, subscriptions, memory_order_relaxed) +
	           subscriptions;
	if (subscriptions > 0 && now > (long)w->epoch->config->limits.subscriptions) {
		atomic_fetch_sub_explicit(&w->process->subscriptions, subscriptions, memory_order_relaxed);
		return false;
	}
	return true;
}

static const struct serve_callbacks serve_callbacks = {
        .find_key = find_key,
        .account = account,
        .now_ms = now_ms,
        .now_s = now_s,
};

/* A peer's misbehaviour, a line at most a second (after a burst), with the number of those not shown. */
static void log_peer(struct worker *w, const char *event, const struct net_address *peer, const char *why)
{
	char address[NET_ADDRESS_TEXT_MAX];
	char suppressed[24];

	if (!ratelimit_take(&w->log_rate, now_ms(w))) {
		w->log_suppressed++;
		return;
	}
	snprintf(suppressed, sizeof(suppressed), "%llu", (unsigned long long)w->log_suppressed);
	log_event(LOG_LEVEL_INFO, event, "peer", net_address_text(peer, address), "reason", why, "suppressed",
	          suppressed, NULL);
	w->log_suppressed = 0;
}

/* ---- slots ---- */

static struct link *new_link(struct worker *w, enum port port)
{
	struct link *l = mem_calloc(1, sizeof(*l));
	if (!l) {
		return NULL;
	}
	if (w->free_slot == NO_SLOT) {
		if (mem_grow(&w->slots, &w->slot_cap, w->slot_count + 1, sizeof(*w->slots))) {
			mem_free(l);
			return NULL;
		}
		w->slots[w->slot_count] = (struct slot){.next_free = NO_SLOT};
		w->free_slot = (uint32_t)w->slot_count++;
	}
	l->worker = w;
	l->port = port;
	l->slot = w->free_slot;
	struct slot *slot = &w->slots[l->slot];
	w->free_slot = slot->next_free;
	slot->link = l;
	l->generation = ++slot->generation;
	TAILQ_INSERT_TAIL(&w->opening, l, opening);
	w->opening_count++;
	w->link_count++;
	return l;
}

static void no_longer_opening(struct link *l)
{
	if (!l->opened) {
		l->opened = true;
		TAILQ_REMOVE(&l->worker->opening, l, opening);
		l->worker->opening_count--;
	}
}

static void free_link(struct link *l)
{
	struct worker *w = l->worker;
	no_longer_opening(l);
	struct slot *slot = &w->slots[l->slot];
	slot->link = NULL;
	slot->next_free = w->free_slot;
	w->free_slot = l->slot;
	w->link_count--;
	mem_free(l);
}

static struct link *find_link(struct worker *w, uint32_t slot, uint32_t generation)
{
	struct link *l = slot < w->slot_count ? w->slots[slot].link : NULL;
	return l && l->generation == generation ? l : NULL;
}

/* ---- connections ---- */

static void on_opened(void *context, struct conn *c)
{
	struct link *l = context;
	no_longer_opening(l);
	if (l->worker->stopping) {
		conn_abort(c);
		return;
	}
	if (l->port == PORT_TLS) {
		l->session = serve_session_new(l->worker->serve, c);
		if (!l->session) {
			conn_abort(c);
		}
	}
}

/* Where the UPDATEs of a zone are counted. The zone is one of the epoch's. */
static atomic_long *queue_of(const struct epoch *e, uint32_t zone_id)
{
	size_t i = 0;
	while (i + 1 < e->config->zone_count && e->zone_ids[i] != zone_id) {
		i++;
	}
	return &e->updates_queued[i];
}

/* Give an authorised UPDATE to the writer; false when too many wait already, in all or for its zone. */
static bool submit(struct worker *w, struct update_job *job)
{
	const struct config_limits *limits = &w->epoch->config->limits;
	atomic_long *queued = queue_of(w->epoch, job->update->zone_id);
	if (atomic_fetch_add(&w->process->updates_queued, 1) >= (long)limits->updates_queued_total) {
		atomic_fetch_sub(&w->process->updates_queued, 1);
		return false;
	}
	if (atomic_fetch_add(queued, 1) >= (long)limits->updates_queued_zone) {
		atomic_fetch_sub(queued, 1);
		atomic_fetch_sub(&w->process->updates_queued, 1);
		return false;
	}
	job->epoch = epoch_ref(w->epoch);
	job->queued = queued;
	job->message.run = w->store_run_job;
	mailbox_post(w->process->store, &job->message);
	return true;
}

static struct update_job *new_job(struct worker *w, struct serve_update *u)
{
	struct update_job *job = mem_calloc(1, sizeof(*job));
	if (!job) {
		serve_update_free(u);
		return NULL;
	}
	job->worker = w;
	job->update = u;
	return job;
}

/* A job that will not reach the writer: answer SERVFAIL at once. Frees it; returns the length of the answer in w->out.
 */
static size_t fail_job(struct worker *w, struct update_job *job)
{
	job->update->result = ERR_SERVFAIL;
	w->totals.updates_limited++;
	size_t len = serve_update_answer(w->serve, job->update, w->out, sizeof(w->out));
	serve_update_free(job->update);
	mem_free(job);
	return len;
}

static void answer_message(struct link *l, const struct dso_event *e)
{
	struct worker *w = l->worker;
	const struct net_stream *stream = conn_stream(l->conn);
	struct serve_update *u = NULL;
	struct serve_request r = {.data = e->data.pos,
	                          .len = bytes_left(&e->data),
	                          .peer = &stream->peer,
	                          .stream = stream,
	                          .tls = l->port == PORT_TLS};
	size_t len = serve_query(w->serve, &r, w->out, sizeof(w->out), &u);
	if (u) {
		struct update_job *job = new_job(w, u);
		if (job) {
			job->slot = l->slot;
			job->generation = l->generation;
			job->token = e->token;
			if (submit(w, job)) {
				return;
			}
			len = fail_job(w, job);
		}
	}
	dso_session_answer(conn_session(l->conn), e->token, len ? w->out : NULL, len, now_ms(w));
}

static void on_event(void *context, struct conn *c, const struct dso_event *e)
{
	struct link *l = context;
	(void)c;
	switch (e->type) {
	case DSO_EVENT_MESSAGE:
		answer_message(l, e);
		break;
	case DSO_EVENT_REQUEST:
	case DSO_EVENT_UNIDIRECTIONAL:
		if (l->session) {
			serve_session_event(l->session, e);
		}
		break;
	default: /* the rest concerns clients */
		break;
	}
}

static void on_drained(void *context, struct conn *c)
{
	struct link *l = context;
	(void)c;
	if (l->session) {
		serve_session_drained(l->session);
	}
}

static void maybe_finished(struct worker *w)
{
	if (w->stopping && w->link_count == 0) {
		net_loop_stop(w->loop);
	}
}

static void on_closed(void *context, struct conn *c, int error, enum dso_reason reason)
{
	struct link *l = context;
	struct worker *w = l->worker;
	const struct net_address *peer = &conn_stream(c)->peer;

	if (!l->opened) {
		w->totals.handshakes_failed++;
		if (error && conn_error(c)[0]) {
			log_peer(w, "handshake-failed", peer, conn_error(c));
		}
	} else if (reason != DSO_REASON_NONE && reason != DSO_REASON_IDLE && reason != DSO_REASON_RETRY_DELAY) {
		w->totals.aborted++;
		w->totals.reasons[reason]++;
		log_peer(w, "session-aborted", peer, dso_reason_text(reason));
	} else if (reason == DSO_REASON_NONE && error == ERR_TIMEOUT) {
		/* It took nothing of what was sent. */
		w->totals.aborted++;
		log_peer(w, "session-aborted", peer, conn_error(c));
	}
	w->totals.closed++;
	conn_quota_give(w->process->quota, peer);
	serve_session_free(l->session);
	free_link(l);
	maybe_finished(w);
}

static const struct conn_callbacks conn_callbacks = {
        .opened = on_opened,
        .event = on_event,
        .drained = on_drained,
        .closed = on_closed,
};

/* ---- accepting ---- */

static void reset(int fd)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

/* Too many handshakes under way: the oldest goes. */
static void bound_handshakes(struct worker *w)
{
	const struct config *config = w->epoch->config;
	size_t most = config->limits.handshakes / config->server.workers;
	while (w->opening_count > (most ? most : 1)) {
		struct link *oldest = TAILQ_FIRST(&w->opening);
		w->totals.limited++;
		no_longer_opening(oldest);
		conn_abort(oldest->conn);
	}
}

static void take_connection(struct listener *listener, int fd, const struct net_address *peer)
{
	struct worker *w = listener->worker;
	if (w->stopping || conn_quota_take(w->process->quota, peer)) {
		w->totals.limited++;
		log_peer(w, "connection-refused", peer, "too many connections, in all or from this address");
		reset(fd);
		return;
	}
	struct link *l = new_link(w, listener->port);
	struct net_stream *stream = NULL;
	if (l) {
		stream = listener->port == PORT_TLS ? net_tls_stream_new(w->epoch->tls, fd, peer, false)
		                                    : net_tcp_stream_new(fd, peer, false);
	} else {
		reset(fd);
	}
	if (stream) {
		l->conn = conn_new(w->loop, listener->port == PORT_TLS ? &w->conn_tls : &w->conn_tcp, stream, l);
	}
	if (!l || !l->conn) {
		conn_quota_give(w->process->quota, peer);
		if (l) {
			free_link(l);
		}
		return;
	}
	w->totals.accepted++;
	bound_handshakes(w);
}

static void pause_accepting(struct worker *w)
{
	for (size_t i = 0; i < w->listener_count; i++) {
		if (w->listeners[i].port != PORT_UDP && w->listeners[i].watch) {
			net_watch_set(w->listeners[i].watch, 0);
		}
	}
	net_loop_timer(w->loop, &w->accept_pause, now_ms(w) + ACCEPT_PAUSE_MS);
	if (ratelimit_take(&w->log_rate, now_ms(w))) {
		log_event(LOG_LEVEL_WARNING, "accept-paused", "reason", "no descriptors left", NULL);
	}
}

static void resume_accepting(struct worker *w)
{
	for (size_t i = 0; i < w->listener_count; i++) {
		if (w->listeners[i].watch) {
			net_watch_set(w->listeners[i].watch, NET_READABLE);
		}
	}
}

static void on_acceptable(void *context, unsigned events)
{
	struct listener *listener = context;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct net_address peer;
		int fd = net_accept(listener->fd, &peer);
		if (fd == ERR_LIMIT) {
			pause_accepting(listener->worker);
		}
		if (fd < 0) {
			return;
		}
		take_connection(listener, fd, &peer);
	}
}

/* ---- datagrams ---- */

static size_t answer_datagram(void *context, const struct net_datagram *d, uint8_t *out, size_t cap)
{
	struct listener *listener = context;
	struct worker *w = listener->worker;
	struct serve_update *u = NULL;
	struct serve_request r = {.data = d->data, .len = d->len, .peer = &d->peer};
	size_t len = serve_query(w->serve, &r, out, cap, &u);
	if (!u) {
		return len;
	}
	struct update_job *job = new_job(w, u);
	if (!job) {
		return 0;
	}
	job->datagram = true;
	job->udp_fd = listener->fd;
	job->local = d->local;
	if (submit(w, job)) {
		return 0;
	}
	len = fail_job(w, job);
	len = len <= cap ? len : 0;
	memcpy(out, w->out, len);
	return len;
}

static void on_datagrams(void *context, unsigned events)
{
	struct listener *listener = context;
	(void)events;
	net_udp_serve(listener->fd, answer_datagram, listener);
}

void worker_run_job(struct mailbox_message *message, void *worker)
{
	struct update_job *job = (struct update_job *)message;
	struct worker *w = worker;
	size_t len = serve_update_answer(w->serve, job->update, w->out, sizeof(w->out));
	epoch_unref(job->epoch);

	if (job->datagram) {
		if (len) {
			net_udp_send(job->udp_fd, &job->update->peer, &job->local, w->out, len);
		}
	} else {
		struct link *l = find_link(w, job->slot, job->generation);
		if (l && conn_session(l->conn)) {
			dso_session_answer(conn_session(l->conn), job->token, len ? w->out : NULL, len, now_ms(w));
			conn_flush(l->conn);
		}
	}
	serve_update_free(job->update);
	mem_free(job);
}

/* ---- configuration ---- */

static void set_dso(struct dso_config *d, const struct config *c, bool tls)
{
	dso_config_init(d, DSO_SERVER);
	d->tls = tls;
	d->types = push_types;
	d->type_count = c->dso.push ? push_type_count : 0;
	d->inactivity_ms = c->dso.inactivity_ms;
	d->keepalive_ms = c->dso.keepalive_ms;
	d->message_timeout_ms = c->limits.message_timeout_ms;
	d->open_requests_max = c->limits.open_requests;
	d->output_max = c->limits.output_soft;
	d->output_hard_max = c->limits.output_hard;
}

static void set_conn(struct conn_config *conn, const struct dso_config *d, const struct config *c)
{
	*conn = (struct conn_config){.dso = d,
	                             .callbacks = &conn_callbacks,
	                             .handshake_timeout_ms = c->limits.handshake_timeout_ms,
	                             .stall_timeout_ms = c->limits.output_stall_ms};
}

/* New timer values go to the sessions that live (interface: changed `dso:` values). */
static void revise_sessions(struct worker *w)
{
	for (size_t i = 0; i < w->slot_count; i++) {
		struct link *l = w->slots[i].link;
		if (l && l->opened && l->session && conn_session(l->conn)) {
			dso_session_revise(conn_session(l->conn), w->dso_tls.inactivity_ms, w->dso_tls.keepalive_ms,
			                   now_ms(w));
			conn_flush(l->conn);
		}
	}
}

struct worker_setup *worker_setup_new(struct epoch *epoch)
{
	size_t count = epoch->config->zone_count;
	struct worker_setup *setup = mem_calloc(1, sizeof(*setup) + count * sizeof(setup->snapshots[0]));
	if (setup) {
		setup->message.run = worker_run_setup;
		setup->epoch = epoch_ref(epoch);
		setup->zone_count = count;
	}
	return setup;
}

void worker_setup_free(struct worker_setup *setup)
{
	if (!setup) {
		return;
	}
	for (size_t i = 0; i < setup->zone_count; i++) {
		zone_snapshot_unref(setup->snapshots[i]);
	}
	epoch_unref(setup->epoch);
	mem_free(setup);
}

static int configure_serve(struct worker *w, const struct worker_setup *setup)
{
	const struct config_limits *l = &setup->epoch->config->limits;
	struct serve_limits limits = {.subscriptions = l->subscriptions,
	                              .subscriptions_per_session = l->subscriptions_per_session,
	                              .subscribe_burst = l->subscribe_rate.burst,
	                              .subscribe_per_second = l->subscribe_rate.per_second};
	struct serve_zone_setup *zones = mem_calloc(setup->zone_count, sizeof(*zones));
	if (!zones) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < setup->zone_count; i++) {
		zones[i] = (struct serve_zone_setup){.id = setup->epoch->zone_ids[i],
		                                     .snapshot = setup->snapshots[i],
		                                     .policy = &setup->epoch->policies[i]};
	}
	int err = serve_configure(w->serve, zones, setup->zone_count, &limits);
	mem_free(zones);
	return err;
}

void worker_run_setup(struct mailbox_message *message, void *worker)
{
	struct worker_setup *setup = (struct worker_setup *)message;
	struct worker *w = worker;
	int err = configure_serve(w, setup);
	if (err) {
		log_event(LOG_LEVEL_ERROR, "reload-failed", "reason", err_text(err), NULL);
	} else {
		const struct config_dso *old = w->epoch ? &w->epoch->config->dso : NULL;
		const struct config_dso *new = &setup->epoch->config->dso;
		bool revised =
		        old && (old->inactivity_ms != new->inactivity_ms || old->keepalive_ms != new->keepalive_ms);
		struct epoch *previous = w->epoch;
		w->epoch = epoch_ref(setup->epoch);
		set_dso(&w->dso_tls, w->epoch->config, true);
		set_dso(&w->dso_tcp, w->epoch->config, false);
		set_conn(&w->conn_tls, &w->dso_tls, w->epoch->config);
		set_conn(&w->conn_tcp, &w->dso_tcp, w->epoch->config);
		if (revised) {
			revise_sessions(w);
		}
		epoch_unref(previous);
	}
	struct worker_setup_group *group = setup->group;
	worker_setup_free(setup);
	if (group) {
		if (err) {
			atomic_store(&group->failed, true);
		}
		if (atomic_fetch_sub_explicit(&group->pending, 1, memory_order_acq_rel) == 1) {
			mailbox_post(group->store, &group->message);
		}
	}
}

void worker_publish(struct worker *w, uint32_t zone_id, const struct zone_changeset *changeset)
{
	serve_publish(w->serve, zone_id, changeset);
}

/* ---- life ---- */

static void on_woken(void *context)
{
	struct worker *w = context;
	mailbox_drain(w->mailbox, w);
}

static void on_expired(void *context, struct timers_entry *entry, uint64_t now)
{
	struct worker *w = context;
	if (entry == &w->accept_pause) {
		resume_accepting(w);
	} else if (entry == &w->stop_deadline) {
		net_loop_stop(w->loop);
	} else {
		conn_expired(entry, now);
	}
}

static void wake(void *context)
{
	net_loop_wake(context);
}

static int add_listener(struct worker *w, int fd, enum port port)
{
	struct listener *l = &w->listeners[w->listener_count++];
	*l = (struct listener){.worker = w, .port = port, .fd = fd};
	l->watch = net_watch_new(w->loop, fd, NET_READABLE, port == PORT_UDP ? on_datagrams : on_acceptable, l);
	return l->watch ? 0 : ERR_NOMEM;
}

static int add_listeners(struct worker *w, const struct config_listen *listen, const struct worker_sockets *sockets)
{
	int err = 0;
	w->listeners = mem_calloc(2 * listen->dns_count + listen->tls_count, sizeof(*w->listeners));
	if (!w->listeners) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < listen->dns_count && !err; i++) {
		err = add_listener(w, sockets->udp[i], PORT_UDP);
		err = err ? err : add_listener(w, sockets->tcp[i], PORT_TCP);
	}
	for (size_t i = 0; i < listen->tls_count && !err; i++) {
		err = add_listener(w, sockets->tls[i], PORT_TLS);
	}
	return err;
}

struct worker *worker_new(unsigned number, struct process *process, worker_job_fn store_run_job, struct epoch *epoch,
                          const struct worker_sockets *sockets)
{
	static const struct net_loop_callbacks callbacks = {.expired = on_expired, .woken = on_woken};
	struct worker *w = mem_calloc(1, sizeof(*w));
	if (!w) {
		return NULL;
	}
	w->number = number;
	w->process = process;
	w->store_run_job = store_run_job;
	w->free_slot = NO_SLOT;
	TAILQ_INIT(&w->opening);
	ratelimit_init(&w->log_rate, LOG_BURST, LOG_PER_SECOND, net_clock_ms());
	w->loop = net_loop_new(&callbacks, w);
	w->mailbox = w->loop ? mailbox_new(wake, w->loop) : NULL;
	w->serve = w->mailbox ? serve_new(&serve_callbacks, w) : NULL;
	if (!w->serve || add_listeners(w, &epoch->config->listen, sockets)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void worker_free(struct worker *w)
{
	if (!w) {
		return;
	}
	for (size_t i = 0; i < w->listener_count; i++) {
		net_watch_free(w->listeners[i].watch);
		close(w->listeners[i].fd);
	}
	mem_free(w->listeners);
	if (w->mailbox) {
		mailbox_drain(w->mailbox, w);
	}
	mailbox_free(w->mailbox);
	serve_free(w->serve);
	net_loop_free(w->loop);
	epoch_unref(w->epoch);
	mem_free(w->slots);
	mem_free(w);
}

static void *run(void *context)
{
	struct worker *w = context;
	char name[16];
	snprintf(name, sizeof(name), "worker-%u", w->number);
	pthread_setname_np(pthread_self(), name);
	net_loop_run(w->loop);
	/* Who did not go in time is cut off. */
	for (size_t i = 0; i < w->slot_count; i++) {
		if (w->slots[i].link) {
			conn_abort(w->slots[i].link->conn);
		}
	}
	for (int turns = 0; w->link_count > 0 && turns < 100; turns++) {
		net_loop_run_once(w->loop, 0);
	}
	return NULL;
}

int worker_start(struct worker *w)
{
	if (pthread_create(&w->thread, NULL, run, w)) {
		return ERR_SYSTEM;
	}
	w->running = true;
	return 0;
}

void worker_join(struct worker *w)
{
	if (w->running) {
		pthread_join(w->thread, NULL);
		w->running = false;
	}
}

struct mailbox *worker_mailbox(struct worker *w)
{
	return w->mailbox;
}

/* ---- stopping ---- */

static uint32_t goodbye_ms(void)
{
	uint32_t random = 0;
	net_random(&random, sizeof(random));
	return GOODBYE_MIN_MS + random % GOODBYE_SPREAD_MS;
}

static void run_stop(struct mailbox_message *message, void *worker)
{
	struct worker *w = worker;
	(void)message;
	w->stopping = true;
	for (size_t i = 0; i < w->listener_count; i++) {
		net_watch_free(w->listeners[i].watch);
		w->listeners[i].watch = NULL;
	}
	net_loop_timer(w->loop, &w->stop_deadline, now_ms(w) + w->stop_grace_ms);
	for (size_t i = 0; i < w->slot_count; i++) {
		struct link *l = w->slots[i].link;
		if (!l) {
			continue;
		}
		if (l->opened && conn_session(l->conn) && dso_session_established(conn_session(l->conn))) {
			dso_session_retry_delay(conn_session(l->conn), DNS_RCODE_NOERROR, goodbye_ms(), now_ms(w));
			conn_flush(l->conn);
		} else {
			conn_close(l->conn);
		}
	}
	maybe_finished(w);
}

void worker_stop(struct worker *w, uint32_t grace_ms)
{
	w->stop_message.run = run_stop;
	w->stop_grace_ms = grace_ms;
	mailbox_post(w->mailbox, &w->stop_message);
}

void worker_add_totals(struct worker *w, struct worker_totals *sum)
{
	const struct serve_counters *c = serve_counters(w->serve);
#define ADD(field, text) sum->serve.field += c->field;
	SERVE_COUNTERS(ADD)
#undef ADD
	sum->accepted += w->totals.accepted;
	sum->limited += w->totals.limited;
	sum->updates_limited += w->totals.updates_limited;
	sum->handshakes_failed += w->totals.handshakes_failed;
	sum->aborted += w->totals.aborted;
	sum->closed += w->totals.closed;
	for (int i = 0; i < DSO_REASON_COUNT; i++) {
		sum->reasons[i] += w->totals.reasons[i];
	}
}
