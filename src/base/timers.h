/*
 * Deadlines of many objects in one heap: the owner arms one real timer for the
 * soonest. Intrusive: no allocation per timer but the heap array's growth.
 * Re-arming later is lazy and cheap: only the entry changes, and it is put in
 * its new place when its old one comes up. Not thread-safe.
 */
#ifndef BASE_TIMERS_H
#define BASE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* Embed one in the object; zero-initialised means not armed. */
struct timers_entry {
	uint64_t deadline_ms; /* when it is due */
	uint64_t key_ms;      /* what the heap is ordered by: at most deadline_ms */
	size_t place;         /* index in the heap + 1; 0: not armed */
};

struct timers {
	struct timers_entry **heap;
	size_t count;
	size_t cap;
};

void timers_init(struct timers *t);
/* Entries left are just forgotten. */
void timers_done(struct timers *t);
/* Arm or re-arm; UINT64_MAX disarms. 0 or ERR_NOMEM (then disarmed). */
int timers_set(struct timers *t, struct timers_entry *e, uint64_t deadline_ms);
/* Disarm; an entry not armed is fine. */
void timers_cancel(struct timers *t, struct timers_entry *e);
/* When to look again: the soonest deadline, or sooner after a deadline was moved back; UINT64_MAX if none. */
uint64_t timers_next_ms(const struct timers *t);
/* Take out one entry whose deadline is at or before `now_ms`, soonest first; NULL if none. */
struct timers_entry *timers_expired(struct timers *t, uint64_t now_ms);

#endif
