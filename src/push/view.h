/*
 * The records a push client holds: by owner name, and each by name, type, class
 * and rdata. A record is live (an active subscription vouches for it) or ageing
 * (none does; it is dropped when its TTL has passed, push.md PUSH-121).
 *
 * Lifetime: names and records are counted. A held record holds its name; an
 * event that mentions a record holds the record, also after its removal.
 */
#ifndef PUSH_VIEW_H
#define PUSH_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "feed/change.h"
#include "push/table.h"
#include "wire/name.h"

struct push_wanted;

TAILQ_HEAD(push_record_list, push_record);

/* An owner name: what is held there, and (for the client) what is wanted there. */
struct push_owner {
	struct push_link link;
	unsigned refs;
	struct push_record_list records; /* held ones */
	struct push_wanted *wanted;      /* belongs to the client */
	uint8_t name[];                  /* wire bytes */
};

struct push_record {
	struct push_link link;
	TAILQ_ENTRY(push_record) at_owner;
	TAILQ_ENTRY(push_record) at_ageing;
	struct push_owner *owner;
	uint64_t expires_ms; /* UINT64_MAX: live */
	uint32_t ttl;
	uint32_t session; /* serial of the session that told of it last */
	unsigned refs;
	uint16_t type;
	uint16_t dns_class;
	uint16_t rdata_len;
	uint8_t rdata[];
};

struct push_view {
	struct push_table owners;
	struct push_table records;
	struct push_record_list ageing;
	uint64_t ageing_ms;     /* no ageing record expires before */
	uint8_t key[66 * 1024]; /* scratch to hash a record in */
};

void push_view_init(struct push_view *v);
/* All owner references other than those of held records must be gone. */
void push_view_done(struct push_view *v);

/* The owner `name` (wire bytes) or NULL; no reference is taken. */
struct push_owner *push_view_find_owner(const struct push_view *v, const uint8_t *name);
/* The same, made if needed, with a reference for the caller. NULL when memory ends. */
struct push_owner *push_view_ref_owner(struct push_view *v, const uint8_t *name);
void push_view_unref_owner(struct push_view *v, struct push_owner *owner);

/* The held record at `owner` that the change names (rdata compared as DNS does), or NULL. */
struct push_record *push_view_find(struct push_view *v, const struct push_owner *owner,
                                   const struct feed_change *change);
/* Hold a new record, live. NULL when memory ends. Valid until it is removed and unreferenced. */
struct push_record *push_view_add(struct push_view *v, struct push_owner *owner, const struct feed_change *change);
/* Hold it no longer. */
void push_view_remove(struct push_view *v, struct push_record *record);
void push_view_ref(struct push_record *record);
void push_view_unref(struct push_view *v, struct push_record *record);

bool push_view_is_live(const struct push_record *record);
/* Start the life of a live record from its TTL; no-op if it is ageing already. */
void push_view_age(struct push_view *v, struct push_record *record, uint64_t now_ms);
/* Something vouches for the record again. */
void push_view_revive(struct push_view *v, struct push_record *record);
/* Recompute ageing_ms after records were dropped. */
void push_view_update_ageing(struct push_view *v);

#endif
