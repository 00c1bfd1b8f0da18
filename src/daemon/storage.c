#include "daemon/storage.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "disk/journal.h"

struct storage {
	struct journal *journal;
	struct journal_group *group; /* under way; NULL: none */
};

struct storage *storage_new(void)
{
	return mem_calloc(1, sizeof(struct storage));
}

void storage_free(struct storage *s)
{
	if (s) {
		journal_abort(s->group);
		journal_close(s->journal);
		mem_free(s);
	}
}

/* ---- opening ---- */

static bool may_be_updated(const struct config_zone *z)
{
	return z->update.any || z->update.rule_count > 0;
}

static bool journal_exists(const char *state_dir)
{
	char path[4096];
	return (size_t)snprintf(path, sizeof(path), "%s/journal.mdb", state_dir) < sizeof(path) &&
	       access(path, F_OK) == 0;
}

/*
 * The files belong to the user that we are going to be: they are opened, and later opened again, as that
 * user. Returns 0, or -1 with errno set.
 */
static int become_for_files(const struct config_server *c)
{
	const struct passwd *p = c->user && geteuid() == 0 ? getpwnam(c->user) : NULL;
	struct stat status;
	if (!p) {
		return 0;
	}
	if (mkdir(c->state_dir, 0700) == 0 || (stat(c->state_dir, &status) == 0 && status.st_uid == 0)) {
		if (chown(c->state_dir, p->pw_uid, p->pw_gid)) {
			return -1;
		}
	}
	return setegid(p->pw_gid) || seteuid(p->pw_uid) ? -1 : 0;
}

static int become_root_again(void)
{
	return getuid() != 0 || (seteuid(0) == 0 && setegid(0) == 0) ? 0 : -1;
}

static int open_journal(struct storage *s, const struct config *c)
{
	struct journal_options o = {.history_size = c->limits.journal_size,
	                            .history_changes = c->limits.journal_changes};
	char error[JOURNAL_ERROR_MAX];
	if (s->journal) {
		return 0;
	}
	if (become_for_files(&c->server)) {
		fprintf(stderr, "dnspushd: %s: %s\n", c->server.state_dir, strerror(errno));
		return ERR_CONFIG;
	}
	int err = journal_open(c->server.state_dir, &o, error, &s->journal);
	if (become_root_again()) {
		fprintf(stderr, "dnspushd: cannot go on as root: %s\n", strerror(errno));
		return ERR_CONFIG;
	}
	if (err) {
		fprintf(stderr, "dnspushd: server.state-dir %s: %s\n", c->server.state_dir, error);
		return err == ERR_NOMEM || err == ERR_CONFIG ? err : ERR_SYSTEM;
	}
	return 0;
}

void storage_configure(struct storage *s, const struct config *c)
{
	if (s->journal) {
		journal_set_limits(s->journal, c->limits.journal_size, c->limits.journal_changes);
	}
}

/* ---- zones ---- */

static int report(struct storage *s, const char *event, const uint8_t *origin, int err)
{
	char name[WIRE_NAME_TEXT_MAX];
	wire_name_to_text(origin, name, sizeof(name));
	log_event(LOG_LEVEL_ERROR, event, "zone", name, "reason", journal_words(s->journal), NULL);
	return err == ERR_NOMEM ? err : ERR_CONFIG;
}

/* A reload of a stored zone: the difference and what the file says become durable together. */
static int keep_reload(void *context, struct zone_changeset *changeset, struct zone_snapshot *zone,
                       struct zone_snapshot *file)
{
	struct storage *s = context;
	struct journal_group *g = journal_begin(s->journal);
	int err = g ? 0 : ERR_NOMEM;
	if (!err && changeset) {
		err = journal_append(g, changeset);
	}
	err = err ? err : journal_set_file(g, zone, file);
	if (err) {
		journal_abort(g);
		if (err == ERR_LIMIT) {
			/* Too much for one group: as a whole, with a history that begins anew. */
			err = journal_import(s->journal, zone, file);
		}
	} else {
		err = journal_commit(g);
	}
	if (err) {
		report(s, "reload-not-kept", zone_snapshot_origin(zone), err);
	}
	return err;
}

/* Store a zone that is not stored yet. */
static int import(struct storage *s, struct auth_zone *zone)
{
	struct zone_snapshot *now = auth_zone_current(zone);
	int err = journal_import(s->journal, now, now);
	zone_snapshot_unref(now);
	if (err) {
		return report(s, "zone-not-stored", auth_zone_origin(zone), err);
	}
	auth_zone_set_durable(zone, keep_reload, s);
	return 0;
}

/* The stored zone; ERR_NOT_FOUND if it is not stored. */
static int restore(struct storage *s, const struct config_zone *z, struct auth_zone **ret_zone)
{
	struct zone *zone = zone_new(z->origin.data);
	struct journal_loaded loaded = {0};
	int err = zone ? journal_load(s->journal, zone, &loaded) : ERR_NOMEM;
	if (!err && loaded.history_damaged) {
		report(s, "history-damaged", z->origin.data, ERR_INVALID);
	}
	if (err && err != ERR_NOT_FOUND) {
		char name[WIRE_NAME_TEXT_MAX];
		wire_name_to_text(z->origin.data, name, sizeof(name));
		fprintf(stderr, "dnspushd: zone %s: %s\n", name,
		        err == ERR_NOMEM ? err_text(err) : journal_words(s->journal));
		err = err == ERR_NOMEM ? err : ERR_CONFIG;
	}
	err = err ? err : auth_zone_restore(zone, loaded.file, ret_zone);
	zone_snapshot_unref(loaded.file);
	if (err) {
		zone_free(zone);
		return err;
	}
	auth_zone_set_durable(*ret_zone, keep_reload, s);
	return 0;
}

/* The edits of the file since it was read last, when a stored zone is served again. */
static int merge_edits(const struct config_zone *z, struct auth_zone *zone, zonefile_fault_fn fault, void *context)
{
	struct zone_changeset *changeset = NULL;
	int err = auth_zone_reload(zone, z->file, fault, context, &changeset);
	zone_changeset_unref(changeset);
	return err == ERR_NOMEM || err == 0 ? err : ERR_CONFIG;
}

int storage_load(struct storage *s, const struct config *c, const struct config_zone *z, zonefile_fault_fn fault,
                 void *context, struct auth_zone **ret_zone)
{
	struct auth_zone *zone = NULL;
	int err = may_be_updated(z) || journal_exists(c->server.state_dir) ? open_journal(s, c) : 0;
	if (err) {
		return err;
	}
	err = s->journal ? restore(s, z, &zone) : ERR_NOT_FOUND;
	if (!err) {
		err = merge_edits(z, zone, fault, context);
	} else if (err == ERR_NOT_FOUND) {
		err = auth_zone_load(&z->origin, z->file, fault, context, &zone);
		err = err == 0 || err == ERR_NOMEM ? err : ERR_CONFIG;
		err = err || !may_be_updated(z) ? err : import(s, zone);
	}
	if (err) {
		auth_zone_free(zone);
		return err;
	}
	*ret_zone = zone;
	return 0;
}

int storage_keep(struct storage *s, const struct config *c, const struct config_zone *z, struct auth_zone *zone)
{
	if (!may_be_updated(z) || auth_zone_is_durable(zone)) {
		return 0;
	}
	int err = open_journal(s, c);
	return err ? err : import(s, zone);
}

/* ---- changes ---- */

int storage_append(struct storage *s, struct zone_changeset *changeset)
{
	if (!s->group) {
		s->group = journal_begin(s->journal);
	}
	return s->group ? journal_append(s->group, changeset) : ERR_NOMEM;
}

int storage_commit(struct storage *s)
{
	struct journal_group *g = s->group;
	s->group = NULL;
	int err = g ? journal_commit(g) : 0;
	if (err) {
		log_event(LOG_LEVEL_ERROR, "updates-not-kept", "reason", journal_words(s->journal), NULL);
	}
	return err;
}
