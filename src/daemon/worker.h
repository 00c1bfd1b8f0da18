/*
 * A worker: one thread with its own event loop, sockets, sessions and pinned zone
 * versions. It shares nothing that changes with the others; what it must know
 * comes through its mailbox, what must be decided by the writer leaves through the
 * store's.
 *
 * One UPDATE, from byte to answer: the worker checks TSIG and ACL and posts a
 * `struct update_job` to the store; the store applies it and posts a publication to
 * every worker; the last one to adopt the new version posts the job back to the
 * worker where it came from, which answers. So whoever has the answer sees the
 * change at every worker.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdatomic.h>

#include "base/mailbox.h"
#include "conn/quota.h"
#include "daemon/config.h"
#include "net/tls.h"
#include "roles/authoritative/serve.h"

struct worker;
struct store;

/* Counters and caps of the whole process, reached from all threads. */
struct process {
	atomic_long subscriptions;
	atomic_long updates_queued;
	struct conn_quota *quota;
	struct mailbox *store; /* to the writer's thread */
};

/* A configuration in force: shared by all threads, never changed, freed with the last reference. */
struct epoch {
	atomic_uint references;
	struct config *config;
	struct net_tls *tls;           /* NULL without listen.tls */
	struct serve_policy *policies; /* one a zone of the configuration */
	uint32_t *zone_ids;            /* likewise */
	atomic_long *updates_queued;   /* likewise: UPDATEs between worker and answer */
};
struct epoch *epoch_ref(struct epoch *e);
/* NULL is fine. */
void epoch_unref(struct epoch *e);

/* Sockets of one worker, bound before privileges are dropped. */
struct worker_sockets {
	int *udp; /* one each a listen.dns address */
	int *tcp;
	int *tls; /* one a listen.tls address */
};

/* An UPDATE under way; made by a worker, owned by whoever has it. */
struct update_job {
	struct mailbox_message message; /* to the store: store_run_job(); back: worker_run_job() */
	struct worker *worker;
	struct serve_update *update;
	struct epoch *epoch; /* a reference: whose counters it is counted in, whose key signs the answer */
	atomic_long *queued; /* of its zone */
	/* where the answer goes: a connection by slot and generation, or a datagram */
	bool datagram;
	uint32_t slot;
	uint32_t generation;
	uint32_t token;
	int udp_fd;
	struct net_address local;
};

/* What the store does with a job posted to it; set once before workers start. */
typedef void (*worker_job_fn)(struct mailbox_message *message, void *store);

/*
 * A worker that does not run yet. Sockets are owned from now on. NULL with an
 * error logged when memory or descriptors end.
 */
struct worker *worker_new(unsigned number, struct process *process, worker_job_fn store_run_job, struct epoch *epoch,
                          const struct worker_sockets *sockets);
/* After worker_join(), or if it never ran. NULL is fine. */
void worker_free(struct worker *w);
/* Start the thread: 0 or ERR_SYSTEM. */
int worker_start(struct worker *w);
void worker_join(struct worker *w);

/* Where to post messages for this worker; their `run` gets the worker as reader. */
struct mailbox *worker_mailbox(struct worker *w);

/* What all setups of one epoch share: told to the store when every worker is done with its own. */
struct worker_setup_group {
	struct mailbox_message message; /* posted to `store` by the last worker */
	struct mailbox *store;
	atomic_uint pending;
	atomic_bool failed; /* a worker could not adopt it and still holds what it had */
};

/* Snapshots of all zones of an epoch, in the order of its configuration; each with a reference. */
struct worker_setup {
	struct mailbox_message message;
	struct worker_setup_group *group; /* NULL: nobody waits */
	struct epoch *epoch;              /* a reference */
	size_t zone_count;
	struct zone_snapshot *snapshots[];
};
/* Message to adopt an epoch, one a worker. NULL when memory ends. */
struct worker_setup *worker_setup_new(struct epoch *epoch);
void worker_setup_free(struct worker_setup *setup);
/* To be run in the worker's thread (also directly, before it has started). */
void worker_run_setup(struct mailbox_message *message, void *worker);

/* Deliver a changeset; to be called in the worker's thread by a message of the store. */
void worker_publish(struct worker *w, uint32_t zone_id, const struct zone_changeset *changeset);

/* A job that comes back: answer it. */
void worker_run_job(struct mailbox_message *message, void *worker);

/* Stop in an orderly way: no new connections, Retry Delay to each session, end within `grace_ms`. Once; any thread. */
void worker_stop(struct worker *w, uint32_t grace_ms);

/* What a worker counted; only after worker_join(). */
struct worker_totals {
	struct serve_counters serve;
	uint64_t accepted, limited, updates_limited, handshakes_failed, aborted, closed;
	uint64_t reasons[DSO_REASON_COUNT];
};
void worker_add_totals(struct worker *w, struct worker_totals *sum);

#endif
