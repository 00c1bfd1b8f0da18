/*
 * The writer: the one thread that changes zones. It loads and reloads files,
 * applies updates one by one, and publishes every new version to all workers.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include "daemon/worker.h"
#include "net/loop.h"

struct store;

/*
 * Load everything that a configuration names: certificates and zones. The
 * configuration is owned from now on, also on failure. With `keep` zones that may be updated
 * come from, and are kept in, the state directory; without it nothing is written. Every fault of a zone file is
 * written to stderr as "dnspushd: FILE:LINE:COL: ...". 0; ERR_CONFIG (faults were
 * reported), ERR_NOMEM, ERR_SYSTEM.
 */
int store_new(const char *config_path, struct config *config, struct process *process, bool keep,
              struct store **ret_store);
/* All workers are joined and freed. NULL is fine. */
void store_free(struct store *s);

/* Make the workers (not running yet) on sockets bound before. `sockets` has config->server.workers entries. */
int store_make_workers(struct store *s, const struct worker_sockets *sockets);
/*
 * Run workers and writer until SIGTERM or SIGINT; SIGHUP reloads. `ready` is called
 * once everything serves. 0 or ERR_SYSTEM.
 */
int store_run(struct store *s, void (*ready)(void *context), void *context);

const struct config *store_config(const struct store *s);
size_t store_zone_count(const struct store *s);
size_t store_record_count(struct store *s);
/* What all workers counted; only after store_run(). */
void store_add_totals(struct store *s, struct worker_totals *sum);

#endif
