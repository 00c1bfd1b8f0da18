/*
 * One batch of changes on its way to the sessions of a worker: which keys it
 * touches, what each session is owed, encoded once for all sessions whose
 * touched subscriptions are the same.
 *
 * How a batch runs: begin; touch() with each name that the changeset may
 * concern, which asks the owner for the difference of every key there; then
 * deliver(), which groups the sessions and hands out shared bytes. Nothing is
 * allocated or encoded per session but one small entry per touched key.
 */
#ifndef FANOUT_DELIVER_H
#define FANOUT_DELIVER_H

#include "fanout/index.h"
#include "feed/change.h"

/* What became of a key's view from the version before to the one after. */
struct fanout_outcome {
	bool name_empty; /* the name has no records at all afterwards */
	bool lost;       /* no longer ours to answer: subscriptions are to be cancelled */
};

struct fanout_callbacks {
	/* Append the changes of this key's view; they must stay valid until deliver() has returned. 0 or an error. */
	int (*diff)(void *context, const struct fanout_key *key, struct feed_list *ret_changes,
	            struct fanout_outcome *ret_outcome);
	/* Must PUSH messages of this session be padded? */
	bool (*pads)(void *context, const struct fanout_session *session);
	/*
	 * Framed bytes owed to a session, shared with others, valid during the call; `changes` of them,
	 * for counting. NULL bytes when they could not be made (`err`).
	 */
	void (*send)(void *context, struct fanout_session *session, const uint8_t *bytes, size_t len, size_t changes,
	             int err);
	/* After all sends: subscriptions of this key are to be cancelled; keys may be removed now. */
	void (*lost)(void *context, struct fanout_key *key);
};

struct fanout_batch;

/* Reusable scratch of one worker. `callbacks` is copied. NULL when memory ends. */
struct fanout_batch *fanout_batch_new(struct fanout_index *x, const struct fanout_callbacks *callbacks, void *context);
void fanout_batch_free(struct fanout_batch *b);

/* Start the next batch. */
void fanout_batch_begin(struct fanout_batch *b);
/* The view of keys at `name` (with `subtree`: and below) may have changed. Keys seen before in this batch are passed
 * over. 0 or ERR_NOMEM. */
int fanout_batch_touch(struct fanout_batch *b, const uint8_t *name, bool subtree);
/*
 * Send to every session touched. If touch() failed for lack of memory the batch is incomplete:
 * do not call this, end the sessions instead.
 */
void fanout_batch_deliver(struct fanout_batch *b);

struct fanout_batch_stats {
	size_t key_count;      /* keys whose view changed */
	size_t session_count;  /* sessions told */
	size_t encoding_count; /* distinct messages made */
};
/* Of the batch delivered last. */
struct fanout_batch_stats fanout_batch_stats(const struct fanout_batch *b);

/*
 * Bring the changes of several keys of one session together, in place: those that
 * stand there twice (overlapping subscriptions) once (PUSH-081), removals first
 * (push.md B14), several removals of a name that is empty now as one (PUSH-083).
 * `empty_names` are wire bytes of names that are empty.
 */
void fanout_merge(struct feed_list *changes, const uint8_t *const *empty_names, size_t empty_count);

#endif
