/*
 * The writer's side of the zones that this server is primary for: loading,
 * merging an edited zone file, applying updates. One thread, the one that owns
 * all `struct zone`.
 */
#ifndef ROLES_AUTHORITATIVE_ZONES_H
#define ROLES_AUTHORITATIVE_ZONES_H

#include "disk/zonefile.h"
#include "update/rfc2136.h"
#include "wire/message.h"
#include "zone/store.h"

struct auth_zone;

/*
 * Load a zone from its master file. Faults go to `fault`. 0, ERR_SYNTAX,
 * ERR_SYSTEM or ERR_NOMEM.
 */
int auth_zone_load(const struct wire_name *origin, const char *file, zonefile_fault_fn fault, void *context,
                   struct auth_zone **ret_zone);
/*
 * A zone that was restored from storage: `zone` (owned from now on, unless it fails) and what its file
 * said when it was last read: a version of `zone`, NULL if not known. 0 or ERR_NOMEM.
 */
int auth_zone_restore(struct zone *zone, struct zone_snapshot *file, struct auth_zone **ret_zone);
/* All snapshots must have been released. NULL is fine. */
void auth_zone_free(struct auth_zone *a);

const uint8_t *auth_zone_origin(const struct auth_zone *a);
/* The newest version, with a reference for the caller. */
struct zone_snapshot *auth_zone_current(struct auth_zone *a);
/* Bytes of heap of all versions. */
size_t auth_zone_memory(const struct auth_zone *a);
/* Free what no reader needs any more. */
void auth_zone_collect(struct auth_zone *a);

/*
 * Read the zone file again (`file` may be another one) and merge what was edited
 * since it was last read into the zone, so that updates made meanwhile stay. The
 * serial becomes the file's if that is newer, else the next one. A faulty file
 * changes nothing, nor does one whose edits cannot stand beside what updates did: a
 * CNAME beside other data, two CNAME or DNAME records of one name, no NS left at the
 * apex (ERR_SYNTAX; the faults name the owner). *ret_changeset is NULL when nothing differs. Errors as of load.
 */
int auth_zone_reload(struct auth_zone *a, const char *file, zonefile_fault_fn fault, void *context,
                     struct zone_changeset **ret_changeset);

/*
 * What must succeed before a reload counts, e.g. writing it to disk: `changeset` (NULL: nothing
 * differs), the zone with it, and what the file says. All borrowed. If it fails the zone stays as
 * it was and the reload returns its error.
 */
typedef int (*auth_zone_durable_fn)(void *context, struct zone_changeset *changeset, struct zone_snapshot *zone,
                                    struct zone_snapshot *file);
/* Ask `durable` at each reload from now on; NULL for nobody. */
void auth_zone_set_durable(struct auth_zone *a, auth_zone_durable_fn durable, void *context);
bool auth_zone_is_durable(const struct auth_zone *a);

/*
 * Go back to an earlier version, because what came after could not be kept: the zone has its contents again
 * (under a new number). ERR_NOMEM: it could not; then every update and reload is refused until this has been
 * done, which each of them tries first.
 */
int auth_zone_revert(struct auth_zone *a, struct zone_snapshot *to);

/* Apply an authorised UPDATE: 0 or an error whose err_rcode() is the answer. *ret_changeset is NULL when nothing
 * differs. */
int auth_zone_update(struct auth_zone *a, const struct wire_message *m, const struct update_limits *limits,
                     struct zone_changeset **ret_changeset);

#endif
