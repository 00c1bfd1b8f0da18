/*
 * What the store keeps on disk: zones that may be updated, so that an update that was
 * answered is there after a restart. Zones that only their files change need no storage.
 * Used by the writer's thread alone. Failures are logged here, with the journal's words.
 */
#ifndef DAEMON_STORAGE_H
#define DAEMON_STORAGE_H

#include "daemon/config.h"
#include "disk/zonefile.h"
#include "roles/authoritative/zones.h"

struct storage;

/* Nothing is opened before it is needed. NULL when memory ends. */
struct storage *storage_new(void);
/* NULL is fine. */
void storage_free(struct storage *s);

/*
 * The zone of a configuration: as it is stored, with what was edited in its file since; else from
 * its file, and then stored if it may be updated. Faults of the file go to `fault`. 0; ERR_CONFIG (what is on
 * disk is faulty) or ERR_SYSTEM (it cannot be used), both reported; ERR_NOMEM.
 */
int storage_load(struct storage *s, const struct config *c, const struct config_zone *z, zonefile_fault_fn fault,
                 void *context, struct auth_zone **ret_zone);
/*
 * A zone that is served already under a new configuration: stored from now on if it may be updated. 0; ERR_CONFIG:
 * reported; ERR_NOMEM.
 */
int storage_keep(struct storage *s, const struct config *c, const struct config_zone *z, struct auth_zone *zone);
/* New limits of the history. */
void storage_configure(struct storage *s, const struct config *c);

/* Add a changeset to those that become durable at the next storage_commit(). 0, ERR_NOMEM, ERR_LIMIT (commit first). */
int storage_append(struct storage *s, struct zone_changeset *changeset);
/* Make them durable, by one sync: 0, or an error after which none of them is. */
int storage_commit(struct storage *s);

#endif
