#include "daemon/store.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/rates.h"
#include "daemon/storage.h"
#include "roles/authoritative/zones.h"

enum {
	WAITING_CHANGES_MAX = 50000, /* RRsets of one group commit, about: a message changes a few thousand at most */
	STOP_GRACE_MS = 4000,        /* of the 5 s that an orderly end may take */
};

/* A zone that is served; the id stays as long as the zone does. */
struct store_zone {
	uint32_t id;
	struct auth_zone *zone;
	bool reverted; /* in the commit under way: what was applied could not be kept */
};

struct store {
	char *config_path;
	struct process *process;
	struct net_loop *loop;
	struct mailbox *mailbox;
	struct epoch *epoch;
	struct store_zone *zones;
	size_t zone_count;
	uint32_t next_id;
	struct worker **workers;
	size_t worker_count;
	struct rates *update_rates;
	struct storage *storage;     /* NULL: nothing is to be written (--check) */
	struct publication *waiting; /* updates applied and not yet on disk, in order */
	struct publication **last_waiting;
	size_t waiting_changes; /* RRsets that they change */
};

/* A version on its way to every worker. */
struct publication {
	struct mailbox_message message; /* back to the store when all have it */
	atomic_uint pending;            /* workers that do not have it yet */
	uint32_t zone_id;
	struct zone_changeset *changeset; /* NULL: nothing differs, only an answer waits */
	struct publication *next;         /* among those waiting for the disk */
	struct update_job *job;           /* to be answered when all have it; NULL for a reload */
	struct store *store;
	struct publication_part {
		struct mailbox_message message;
		struct publication *publication;
	} parts[];
};

static void report_fault(void *context, const char *file, unsigned long line, unsigned long column, const char *message)
{
	(void)context;
	if (line == 0) {
		fprintf(stderr, "dnspushd: %s: %s\n", file, message);
	} else {
		fprintf(stderr, "dnspushd: %s:%lu:%lu: %s\n", file, line, column, message);
	}
}

static struct store_zone *find_zone(struct store_zone *zones, size_t count, const uint8_t *origin)
{
	for (size_t i = 0; i < count; i++) {
		if (wire_name_equal(auth_zone_origin(zones[i].zone), origin)) {
			return &zones[i];
		}
	}
	return NULL;
}

static struct store_zone *find_id(struct store *s, uint32_t id)
{
	for (size_t i = 0; i < s->zone_count; i++) {
		if (s->zones[i].id == id) {
			return &s->zones[i];
		}
	}
	return NULL;
}

/* ---- epochs ---- */

/* Everything of a configuration but its zones' contents. Owns `config`, also on failure. */
static int make_epoch(struct config *config, struct epoch **ret_epoch)
{
	struct epoch *e = mem_calloc(1, sizeof(*e));
	if (!e) {
		config_free(config);
		return ERR_NOMEM;
	}
	atomic_init(&e->references, 1);
	e->config = config;
	e->policies = mem_calloc(config->zone_count, sizeof(*e->policies));
	e->zone_ids = mem_calloc(config->zone_count, sizeof(*e->zone_ids));
	e->updates_queued = mem_calloc(config->zone_count, sizeof(*e->updates_queued));
	if (!e->policies || !e->zone_ids || !e->updates_queued) {
		epoch_unref(e);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < config->zone_count; i++) {
		e->policies[i] = (struct serve_policy){.query = config->zones[i].query,
		                                       .subscribe = config->zones[i].subscribe,
		                                       .update = config->zones[i].update};
	}
	if (config->listen.tls_count > 0) {
		struct net_tls_server_options o = {.certificate = config->tls.certificate,
		                                   .key = config->tls.key,
		                                   .client_ca = config->tls.client_ca,
		                                   .client_auth = config->tls.client_auth,
		                                   .tls13_only = config->tls.tls13_only,
		                                   .early_data = config->tls.early_data};
		char error[256];
		if (net_tls_server_new(&o, error, &e->tls)) {
			fprintf(stderr, "dnspushd: tls: %s\n", error);
			epoch_unref(e);
			return ERR_CONFIG;
		}
	}
	*ret_epoch = e;
	return 0;
}

/* 0; ERR_CONFIG: a fault of the file was reported; others. */
static int load_zone(struct store *s, const struct config *c, const struct config_zone *z, struct auth_zone **ret_zone)
{
	if (s->storage) {
		return storage_load(s->storage, c, z, report_fault, NULL, ret_zone);
	}
	int err = auth_zone_load(&z->origin, z->file, report_fault, NULL, ret_zone);
	return err == 0 || err == ERR_NOMEM ? err : ERR_CONFIG;
}

/* Undo load_zones(). */
static void free_new_zones(struct store *s, const struct config *c, struct store_zone *zones)
{
	for (size_t i = 0; zones && i < c->zone_count; i++) {
		if (!find_zone(s->zones, s->zone_count, c->zones[i].origin.data)) {
			auth_zone_free(zones[i].zone);
		}
	}
	mem_free(zones);
}

/*
 * The zones of a configuration: those that the store has keep their data, new ones are
 * loaded. Every fault is reported. On failure the new ones are gone, old ones untouched.
 */
static int load_zones(struct store *s, struct epoch *e, struct store_zone **ret_zones)
{
	const struct config *c = e->config;
	struct store_zone *zones = mem_calloc(c->zone_count, sizeof(*zones));
	int result = zones ? 0 : ERR_NOMEM;

	for (size_t i = 0; zones && i < c->zone_count; i++) {
		const struct store_zone *old = find_zone(s->zones, s->zone_count, c->zones[i].origin.data);
		if (old) {
			zones[i] = *old;
			int err = s->storage ? storage_keep(s->storage, c, &c->zones[i], old->zone) : 0;
			result = err ? err : result;
		} else {
			int err = load_zone(s, c, &c->zones[i], &zones[i].zone);
			zones[i].id = s->next_id + (uint32_t)i;
			result = err ? err : result;
		}
		e->zone_ids[i] = zones[i].id;
	}
	if (result) {
		free_new_zones(s, c, zones);
		return result;
	}
	s->next_id += (uint32_t)c->zone_count;
	*ret_zones = zones;
	return 0;
}

static struct worker_setup *make_setup(struct epoch *e, struct store_zone *zones)
{
	struct worker_setup *setup = worker_setup_new(e);
	for (size_t i = 0; setup && i < setup->zone_count; i++) {
		setup->snapshots[i] = auth_zone_current(zones[i].zone);
	}
	return setup;
}

/* ---- publishing ---- */

/* In the store: everybody has the version; what only the old ones used can go. */
static void run_published(struct mailbox_message *message, void *store)
{
	struct publication *p = (struct publication *)message;
	struct store_zone *z = find_id(store, p->zone_id);
	zone_changeset_unref(p->changeset);
	mem_free(p);
	if (z) {
		auth_zone_collect(z->zone);
	}
}

static void finish_job(struct store *s, struct update_job *job)
{
	atomic_fetch_sub(&s->process->updates_queued, 1);
	atomic_fetch_sub(job->queued, 1);
	job->message.run = worker_run_job;
	mailbox_post(worker_mailbox(job->worker), &job->message);
}

/* In a worker: move on to the version. The last one sees to the answer. */
static void run_part(struct mailbox_message *message, void *worker)
{
	struct publication *p = ((struct publication_part *)message)->publication;
	worker_publish(worker, p->zone_id, p->changeset);
	if (atomic_fetch_sub_explicit(&p->pending, 1, memory_order_acq_rel) > 1) {
		return;
	}
	if (p->job) {
		finish_job(p->store, p->job);
	}
	p->message.run = run_published;
	mailbox_post(p->store->mailbox, &p->message);
}

static struct publication *new_publication(struct store *s)
{
	struct publication *p = mem_calloc(1, sizeof(*p) + s->worker_count * sizeof(p->parts[0]));
	if (p) {
		p->store = s;
	}
	return p;
}

/* Owns changeset and job from now on. */
static void publish(struct publication *p, uint32_t zone_id, struct zone_changeset *changeset, struct update_job *job)
{
	struct store *s = p->store;
	p->zone_id = zone_id;
	p->changeset = changeset;
	p->job = job;
	atomic_init(&p->pending, (unsigned)s->worker_count);
	for (size_t i = 0; i < s->worker_count; i++) {
		p->parts[i].message.run = run_part;
		p->parts[i].publication = p;
		mailbox_post(worker_mailbox(s->workers[i]), &p->parts[i].message);
	}
}

/* ---- updates ---- */

static void log_update(struct store *s, const struct update_job *job, const struct auth_zone *zone,
                       const struct zone_changeset *changeset)
{
	char name[WIRE_NAME_TEXT_MAX], peer[NET_ADDRESS_TEXT_MAX], serial[16], changes[24];
	(void)s;
	if (!log_enabled(LOG_LEVEL_DEBUG)) {
		return;
	}
	wire_name_to_text(auth_zone_origin(zone), name, sizeof(name));
	snprintf(serial, sizeof(serial), "%u", changeset ? zone_snapshot_serial(changeset->to) : 0);
	snprintf(changes, sizeof(changes), "%zu", changeset ? changeset->count : 0);
	log_event(LOG_LEVEL_DEBUG, "update", "zone", name, "peer", net_address_text(&job->update->peer, peer), "serial",
	          serial, "rrsets", changes, "result", err_name(job->update->result), NULL);
}

/* What an update rate counts: the key, or the address without one. */
static bool within_rate(struct store *s, const struct serve_update *u)
{
	const struct config_rate *rate = &s->epoch->config->limits.update_rate;
	uint64_t now = net_loop_now_ms(s->loop);
	if (u->has_tsig && u->tsig.key) {
		return rates_take(s->update_rates, u->tsig.key_name.data, u->tsig.key_name.len, rate->burst,
		                  rate->per_second, now);
	}
	const struct net_address *peer = &u->peer;
	return peer->sa.sa_family == AF_INET
	               ? rates_take(s->update_rates, &peer->in.sin_addr, 4, rate->burst, rate->per_second, now)
	               : rates_take(s->update_rates, &peer->in6.sin6_addr, 8, rate->burst, rate->per_second, now);
}

/* One UPDATE: changeset or error. */
static int apply(struct store *s, struct serve_update *u, struct store_zone *z, struct zone_changeset **ret_changeset)
{
	const struct config_limits *l = &s->epoch->config->limits;
	struct update_limits limits = {.records_per_rrset = l->records_per_rrset, .types_per_name = l->types_per_name};
	struct wire_message m;
	if (!within_rate(s, u)) {
		return ERR_SERVFAIL;
	}
	int err = wire_message_read(u->message, u->len, &m);
	return err ? err : auth_zone_update(z->zone, &m, &limits, ret_changeset);
}

/* ---- group commit ---- */

/* Nothing of the zone's part of the group was kept: it goes back to before its first change. */
static void undo(struct store *s, const struct publication *p)
{
	struct store_zone *z = find_id(s, p->zone_id);
	if (z && p->changeset && !z->reverted) {
		z->reverted = true;
		auth_zone_revert(z->zone, p->changeset->from);
	}
}

/* One waiting update, after the disk has spoken. What was seen of a zone that went back does not count. */
static void finish_waiting(struct store *s, struct publication *p, bool kept)
{
	struct store_zone *z = find_id(s, p->zone_id);
	if (!kept && z && z->reverted) {
		p->job->update->result = ERR_SERVFAIL;
	}
	if (kept && p->changeset) {
		publish(p, p->zone_id, p->changeset, p->job);
		return;
	}
	zone_changeset_unref(p->changeset);
	finish_job(s, p->job);
	mem_free(p);
}

/* Durable before visible: one sync for all updates that wait, then they are published and answered. */
static int commit_waiting(struct store *s)
{
	struct publication *first = s->waiting;
	int err = s->storage ? storage_commit(s->storage) : 0;

	s->waiting = NULL;
	s->last_waiting = &s->waiting;
	s->waiting_changes = 0;
	for (struct publication *p = first; err && p; p = p->next) {
		undo(s, p);
	}
	while (first) {
		struct publication *p = first;
		first = p->next;
		finish_waiting(s, p, !err);
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		s->zones[i].reverted = false;
	}
	return err;
}

/* Hand a changeset to the disk. On failure the zone is as before it. */
static int keep_update(struct store *s, struct store_zone *z, struct zone_changeset *changeset)
{
	int err = s->storage ? storage_append(s->storage, changeset) : 0;
	if (err) {
		auth_zone_revert(z->zone, changeset->from);
	}
	s->waiting_changes += changeset->count;
	return err;
}

/* In the store: a job of a worker. It is answered when everything that it has seen is on disk. */
static void run_job(struct mailbox_message *message, void *store)
{
	struct update_job *job = (struct update_job *)message;
	struct store *s = store;
	struct store_zone *z = find_id(s, job->update->zone_id);
	if (s->waiting_changes >= WAITING_CHANGES_MAX) {
		commit_waiting(s);
	}
	/* Taken first, so that nothing can fail once the zone has changed. */
	struct publication *p = new_publication(s);

	if (!z || !p) {
		job->update->result = z ? ERR_NOMEM : ERR_NOTAUTH;
		mem_free(p);
		finish_job(s, job);
		return;
	}
	p->job = job;
	p->zone_id = z->id;
	job->update->result = apply(s, job->update, z, &p->changeset);
	log_update(s, job, z->zone, p->changeset);
	if (p->changeset) {
		int err = keep_update(s, z, p->changeset);
		if (err) {
			job->update->result = ERR_SERVFAIL;
			zone_changeset_unref(p->changeset);
			p->changeset = NULL;
		}
	}
	*s->last_waiting = p;
	s->last_waiting = &p->next;
}

/* ---- reload ---- */

static bool same_addresses(const struct net_address *a, size_t a_count, const struct net_address *b, size_t b_count)
{
	bool same = a_count == b_count;
	for (size_t i = 0; same && i < a_count; i++) {
		same = a[i].len == b[i].len && memcmp(&a[i].sa, &b[i].sa, a[i].len) == 0;
	}
	return same;
}

/* What can only change by a restart keeps its old value; say so. */
static bool check_fixed(const struct config *old, const struct config *new)
{
	bool same =
	        old->server.workers == new->server.workers &&same_addresses(old->listen.dns, old->listen.dns_count,
	                                                                    new->listen.dns, new->listen.dns_count) &&
	        same_addresses(old->listen.tls, old->listen.tls_count, new->listen.tls, new->listen.tls_count);
	if (!same) {
		log_event(LOG_LEVEL_ERROR, "reload-refused", "reason",
		          "listen: and server.workers can only be changed by a restart; nothing was changed", NULL);
	}
	return same;
}

/* Merge the edits of one zone's file and publish them. False if the file is faulty: the zone stays as it was. */
static bool reload_zone(struct store *s, struct store_zone *z, const char *file)
{
	char name[WIRE_NAME_TEXT_MAX], serial[16], count[24];
	struct zone_changeset *changeset = NULL;
	struct publication *p = new_publication(s);
	int err = p ? auth_zone_reload(z->zone, file, report_fault, NULL, &changeset) : ERR_NOMEM;

	wire_name_to_text(auth_zone_origin(z->zone), name, sizeof(name));
	if (err) {
		log_event(LOG_LEVEL_ERROR, "zone-kept", "zone", name, "file", file, "reason", err_text(err), NULL);
	} else if (changeset) {
		snprintf(serial, sizeof(serial), "%u", zone_snapshot_serial(changeset->to));
		snprintf(count, sizeof(count), "%zu", changeset->count);
		log_event(LOG_LEVEL_INFO, "zone-reloaded", "zone", name, "serial", serial, "rrsets", count, NULL);
		publish(p, z->id, changeset, NULL);
		return true;
	}
	mem_free(p);
	return err == 0;
}

/* The zones that a reload took out: freed once no worker holds a version of them. */
struct retirement {
	struct worker_setup_group group; /* first: its message comes back */
	size_t zone_count;
	struct auth_zone *zones[];
};

/* In the store: every worker has adopted the epoch. */
static void run_adopted(struct mailbox_message *message, void *store)
{
	struct retirement *r = (struct retirement *)message;
	(void)store;
	for (size_t i = 0; i < r->zone_count && !atomic_load(&r->group.failed); i++) {
		auth_zone_free(r->zones[i]);
	}
	mem_free(r);
}

static struct retirement *new_retirement(struct store *s)
{
	struct retirement *r = mem_calloc(1, sizeof(*r) + s->zone_count * sizeof(r->zones[0]));
	if (r) {
		r->group.message.run = run_adopted;
		r->group.store = s->mailbox;
		atomic_init(&r->group.pending, (unsigned)s->worker_count);
		atomic_init(&r->group.failed, false);
	}
	return r;
}

/*
 * Take over the zones of the new epoch and tell the workers. Nothing can fail any more but single zone files: returns
 * how many zones stay as they were because theirs is faulty.
 */
static size_t switch_epoch(struct store *s, struct epoch *e, struct store_zone *zones, struct worker_setup **setups,
                           struct retirement *retired)
{
	struct store_zone *old = s->zones;
	size_t old_count = s->zone_count;
	size_t kept = 0;

	s->zones = zones;
	s->zone_count = e->config->zone_count;
	for (size_t i = 0; i < old_count; i++) {
		if (!find_zone(zones, s->zone_count, auth_zone_origin(old[i].zone))) {
			retired->zones[retired->zone_count++] = old[i].zone;
		}
	}
	for (size_t i = 0; i < s->worker_count; i++) {
		setups[i]->group = &retired->group;
		mailbox_post(worker_mailbox(s->workers[i]), &setups[i]->message);
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		if (find_zone(old, old_count, auth_zone_origin(zones[i].zone))) {
			kept += !reload_zone(s, &zones[i], e->config->zones[i].file);
		}
	}
	epoch_unref(s->epoch);
	s->epoch = e;
	storage_configure(s->storage, e->config);
	conn_quota_configure(s->process->quota, e->config->limits.sessions, e->config->limits.sessions_per_address);
	mem_free(old);
	return kept;
}

/* Get everything that the switch needs first, so that it is all or nothing. On failure new zones are freed. */
static int prepare_switch(struct store *s, struct epoch *e, struct store_zone *zones, size_t *ret_kept)
{
	struct retirement *retired = new_retirement(s);
	struct worker_setup **setups = mem_calloc(s->worker_count, sizeof(struct worker_setup *));
	int err = retired && setups ? 0 : ERR_NOMEM;

	for (size_t i = 0; !err && i < s->worker_count; i++) {
		setups[i] = make_setup(e, zones);
		err = setups[i] ? 0 : ERR_NOMEM;
	}
	if (!err) {
		*ret_kept = switch_epoch(s, e, zones, setups, retired);
	} else {
		for (size_t i = 0; setups && i < s->worker_count; i++) {
			worker_setup_free(setups[i]);
		}
		free_new_zones(s, e->config, zones);
		mem_free(retired);
	}
	mem_free(setups);
	return err;
}

static void reload(struct store *s)
{
	struct config *config = NULL;
	struct config_faults faults;
	struct epoch *e = NULL;
	struct store_zone *zones = NULL;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)net_clock_us());
	int err = config_load(s->config_path, &config, &faults);
	if (err) {
		config_faults_print(&faults, "dnspushd: ", stderr);
	}
	config_faults_done(&faults);
	if (!err && !check_fixed(s->epoch->config, config)) {
		config_free(config);
		err = ERR_CONFIG;
	} else if (!err) {
		err = make_epoch(config, &e);
	}
	err = err ? err : load_zones(s, e, &zones);
	size_t kept = 0;
	err = err ? err : prepare_switch(s, e, zones, &kept);
	if (err) {
		log_event(LOG_LEVEL_ERROR, "reload-refused", "reason", err_text(err), NULL);
		epoch_unref(e);
	} else {
		log_setup(e->config->server.log_level, e->config->server.log_format);
		char zones_kept[24];
		snprintf(zones_kept, sizeof(zones_kept), "%zu", kept);
		log_event(kept ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "reloaded", "faulty-zones-kept", zones_kept,
		          NULL);
	}
	sd_notify(0, "READY=1");
}

/* ---- life ---- */

static void on_signal(void *context, int signum)
{
	struct store *s = context;
	if (signum == SIGHUP) {
		reload(s);
	} else {
		log_event(LOG_LEVEL_NOTICE, "stopping", "signal", strsignal(signum), NULL);
		net_loop_stop(s->loop);
	}
}

static void on_woken(void *context)
{
	struct store *s = context;
	mailbox_drain(s->mailbox, s);
	commit_waiting(s);
}

static void on_expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	(void)context;
	(void)entry;
	(void)now_ms;
}

static void wake(void *context)
{
	net_loop_wake(context);
}

int store_new(const char *config_path, struct config *config, struct process *process, bool keep,
              struct store **ret_store)
{
	static const struct net_loop_callbacks callbacks = {.expired = on_expired, .woken = on_woken};
	struct store *s = mem_calloc(1, sizeof(*s));
	if (!s) {
		config_free(config);
		return ERR_NOMEM;
	}
	s->process = process;
	s->next_id = 1;
	s->last_waiting = &s->waiting;
	int err = make_epoch(config, &s->epoch);
	if (!err && keep) {
		s->storage = storage_new();
		err = s->storage ? 0 : ERR_NOMEM;
	}
	if (!err) {
		struct store_zone *zones = NULL;
		err = load_zones(s, s->epoch, &zones);
		s->zones = zones;
		s->zone_count = err ? 0 : config->zone_count;
	}
	if (!err) {
		s->config_path = mem_strdup(config_path);
		s->update_rates = rates_new();
		s->loop = net_loop_new(&callbacks, s);
		s->mailbox = s->loop ? mailbox_new(wake, s->loop) : NULL;
		err = s->config_path && s->update_rates && s->mailbox ? 0 : ERR_NOMEM;
	}
	if (err) {
		store_free(s);
		return err;
	}
	process->store = s->mailbox;
	*ret_store = s;
	return 0;
}

/* No thread runs any more: what is still on its way between store and workers arrives. */
static void settle(struct store *s)
{
	size_t ran = 1;
	while (s->mailbox && ran > 0) {
		ran = mailbox_drain(s->mailbox, s);
		commit_waiting(s);
		for (size_t i = 0; i < s->worker_count; i++) {
			ran += mailbox_drain(worker_mailbox(s->workers[i]), s->workers[i]);
		}
	}
}

void store_free(struct store *s)
{
	if (!s) {
		return;
	}
	settle(s);
	for (size_t i = 0; i < s->worker_count; i++) {
		worker_free(s->workers[i]);
	}
	mem_free(s->workers);
	if (s->mailbox) {
		mailbox_drain(s->mailbox, s);
	}
	storage_free(s->storage);
	for (size_t i = 0; i < s->zone_count; i++) {
		auth_zone_free(s->zones[i].zone);
	}
	mem_free(s->zones);
	mailbox_free(s->mailbox);
	net_loop_free(s->loop);
	rates_free(s->update_rates);
	epoch_unref(s->epoch);
	mem_free(s->config_path);
	mem_free(s);
}

const struct config *store_config(const struct store *s)
{
	return s->epoch->config;
}

size_t store_zone_count(const struct store *s)
{
	return s->zone_count;
}

size_t store_record_count(struct store *s)
{
	size_t count = 0;
	for (size_t i = 0; i < s->zone_count; i++) {
		struct zone_snapshot *snapshot = auth_zone_current(s->zones[i].zone);
		count += zone_snapshot_record_count(snapshot);
		zone_snapshot_unref(snapshot);
	}
	return count;
}

int store_make_workers(struct store *s, const struct worker_sockets *sockets)
{
	size_t count = s->epoch->config->server.workers;
	s->workers = mem_calloc(count, sizeof(struct worker *));
	if (!s->workers) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct worker *w = worker_new((unsigned)i, s->process, run_job, s->epoch, &sockets[i]);
		struct worker_setup *setup = w ? make_setup(s->epoch, s->zones) : NULL;
		if (!setup) {
			worker_free(w);
			return ERR_NOMEM;
		}
		s->workers[s->worker_count++] = w;
		worker_run_setup(&setup->message, w);
	}
	return 0;
}

/* Workers that run are told to stop, then awaited. What they still post is dealt with by store_free(). */
static void stop_workers(struct store *s)
{
	for (size_t i = 0; i < s->worker_count; i++) {
		worker_stop(s->workers[i], STOP_GRACE_MS);
	}
	for (size_t i = 0; i < s->worker_count; i++) {
		worker_join(s->workers[i]);
	}
}

int store_run(struct store *s, void (*ready)(void *context), void *context)
{
	static const int signals[] = {SIGHUP, SIGTERM, SIGINT};
	int err = 0;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && !err; i++) {
		err = net_loop_signal(s->loop, signals[i], on_signal, s);
	}
	for (size_t i = 0; i < s->worker_count && !err; i++) {
		err = worker_start(s->workers[i]);
	}
	if (!err) {
		ready(context);
		err = net_loop_run(s->loop);
	}
	sd_notify(0, "STOPPING=1");
	stop_workers(s);
	return err;
}

void store_add_totals(struct store *s, struct worker_totals *sum)
{
	for (size_t i = 0; i < s->worker_count; i++) {
		worker_add_totals(s->workers[i], sum);
	}
}
