/*
 * Who wants to know of which name: a worker's index from owner names to
 * subscription keys and from keys to the sessions that subscribed.
 *
 * Names form a tree by their labels, so that all names below another can be
 * walked (wildcards, DNAME and zone cuts concern whole subtrees); each name is
 * stored once however many keys and sessions share it. One thread.
 */
#ifndef FANOUT_INDEX_H
#define FANOUT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

struct fanout_index;
struct fanout_name;

/* Whoever subscribes; embedded in the owner's own struct, which must call fanout_remove() for all its keys before it
 * goes. */
struct fanout_session {
	uint32_t stamp; /* batch in which it was last touched */
	uint32_t first; /* its first entry among the touches of that batch */
};

/* One distinct (name, type, class), case of the name ignored: what equal subscriptions share. */
struct fanout_key {
	struct fanout_name *name;
	struct fanout_key *next;             /* others of the same name */
	struct fanout_session **subscribers; /* no order */
	uint32_t count;
	uint32_t cap;
	uint32_t stamp; /* batch in which it was last looked at */
	uint16_t type;
	uint16_t dns_class;
};

/* NULL when memory ends. */
struct fanout_index *fanout_index_new(void);
/* All keys must be gone. NULL is fine. */
void fanout_index_free(struct fanout_index *x);

/* The name of a key as wire bytes, in the letters of its first subscriber; valid while the key is. */
const uint8_t *fanout_key_name(const struct fanout_key *key);

/* The key of a question, made if it is new (it has no subscriber then: add one or release it). NULL when memory ends.
 */
struct fanout_key *fanout_key_get(struct fanout_index *x, const uint8_t *name, uint16_t type, uint16_t dns_class);
/* Free the key if it has no subscriber. */
void fanout_key_release(struct fanout_index *x, struct fanout_key *key);

/* Enter a session under a key. 0 or ERR_NOMEM. */
int fanout_add(struct fanout_index *x, struct fanout_key *key, struct fanout_session *session);
/* Take it out; the key goes with its last subscriber. */
void fanout_remove(struct fanout_index *x, struct fanout_key *key, struct fanout_session *session);

/*
 * Call `each` for every key at `name`, or with `subtree` at and below it. Stops at the
 * first nonzero result and returns it. `each` must not add or remove keys.
 */
typedef int (*fanout_key_fn)(void *context, struct fanout_key *key);
int fanout_index_walk(struct fanout_index *x, const uint8_t *name, bool subtree, fanout_key_fn each, void *context);

/* Entries (a session under a key), distinct keys, distinct names (ancestors kept for the tree included), bytes of heap.
 */
struct fanout_stats {
	size_t subscription_count;
	size_t key_count;
	size_t name_count;
	size_t memory;
};
struct fanout_stats fanout_index_stats(const struct fanout_index *x);

#endif
