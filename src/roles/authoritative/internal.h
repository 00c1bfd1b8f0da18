/* What the files of the serving side share. Private to this folder. */
#ifndef ROLES_AUTHORITATIVE_INTERNAL_H
#define ROLES_AUTHORITATIVE_INTERNAL_H

#include "fanout/deliver.h"
#include "roles/authoritative/serve.h"

/* A zone as one worker sees it. */
struct serve_zone {
	uint32_t id;
	struct zone_snapshot *snapshot; /* the version delivered last */
	const struct serve_policy *policy;
};

struct serve {
	struct serve_callbacks callbacks;
	void *context;
	struct serve_limits limits;
	struct serve_counters counters;
	struct serve_zone **zones; /* sorted by origin, canonical order */
	size_t zone_count;
	struct serve_session *sessions; /* all of them */
	struct fanout_index *index;
	struct fanout_batch *batch;
	/* of the changeset being delivered */
	struct serve_zone *batch_zone;
	const struct zone_changeset *batch_changeset;
	struct serve_views *batch_views;
	bool oversized; /* for some session it brought a record that fits into no PUSH message */
};

/*
 * The zone that answers for a question: the longest origin at or above `name`, for DS
 * strictly above it if there is one (the parent's side of a cut, RFC 4035 3.1.4.1). NULL if none.
 */
struct serve_zone *serve_find_zone(const struct serve *s, const uint8_t *name, uint16_t type);

/* The zone with this id, or NULL. */
struct serve_zone *serve_find_zone_id(const struct serve *s, uint32_t id);

/* Callbacks for the batch. */
extern const struct fanout_callbacks serve_fanout_callbacks;
/* Free the views that a batch kept alive. */
void serve_views_free(struct serve *s);

/*
 * After a reconfiguration (`before`: the zones until then): cancel the subscriptions whose names belong
 * to no zone any more (NOTAUTH) or to another one (SERVFAIL: asked again, that one's view is given).
 */
void serve_cancel_orphans(struct serve *s, const struct serve *before);
/* After a batch, with the zone at its new version: what could not be done while keys had to stay. */
void serve_after_batch(struct serve *s);

/* End every session that has subscriptions, by Retry Delay SERVFAIL: its view cannot be kept right. */
void serve_shed_subscribers(struct serve *s);

#endif
