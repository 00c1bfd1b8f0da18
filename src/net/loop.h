/*
 * The event loop of one thread (wraps libuv): clock, deadlines, wake-ups from
 * other threads, readiness of descriptors, signals. Everything of a loop belongs
 * to the thread that runs it, except net_loop_wake().
 *
 * One turn: wait for readiness or the soonest deadline; update the clock; run
 * expired deadlines; run ready descriptors; run the wake callback; run the
 * end-of-turn callback; free what was closed.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timers.h"

struct net_loop;

struct net_loop_callbacks {
	void (*expired)(void *context, struct timers_entry *entry,
	                uint64_t now_ms); /* a deadline of net_loop_timer() came */
	void (*woken)(void *context);     /* after net_loop_wake(), in the loop's thread */
	void (*turn)(void *context);      /* end of each turn; may be NULL */
};

/* NULL when memory or descriptors end. `callbacks` is copied. */
struct net_loop *net_loop_new(const struct net_loop_callbacks *callbacks, void *context);
/* Not while running. NULL is fine. All watches must be gone. */
void net_loop_free(struct net_loop *l);
/* Run until net_loop_stop(). 0 or ERR_SYSTEM. */
int net_loop_run(struct net_loop *l);
/* One turn; waits at most `wait_ms` (0: does not wait). */
int net_loop_run_once(struct net_loop *l, uint64_t wait_ms);
/* End the loop after this turn; only from its thread. */
void net_loop_stop(struct net_loop *l);
/* Make `woken` run soon. Any thread, signal-safe not required. */
void net_loop_wake(struct net_loop *l);
/* Monotonic milliseconds, read once a turn. */
uint64_t net_loop_now_ms(const struct net_loop *l);
/* Monotonic milliseconds read now, for start-up and measuring. Any thread. */
uint64_t net_clock_ms(void);
/* Monotonic microseconds read now. Any thread. */
uint64_t net_clock_us(void);
/* Arm, re-arm or (UINT64_MAX) disarm a deadline. */
int net_loop_timer(struct net_loop *l, struct timers_entry *entry, uint64_t deadline_ms);

/*
 * Something to do at the end of this turn, after everything else: the safe point
 * to free what callbacks may still be using. Intrusive, so it cannot fail.
 */
struct net_deferred {
	struct net_deferred *next; /* owned by the loop while waiting */
	void (*run)(struct net_deferred *d);
	bool waiting; /* zero-initialise */
};
/* Run `d->run` once at the end of this turn (of the next one outside a turn); no-op while it waits already. */
void net_loop_defer(struct net_loop *l, struct net_deferred *d);

/* Readiness of a descriptor. */
enum { NET_READABLE = 1, NET_WRITABLE = 2 };
struct net_watch;
typedef void (*net_watch_fn)(void *context, unsigned events);
/* Watch `fd` for `events` (0: none yet). NULL on failure. The fd stays the caller's. */
struct net_watch *net_watch_new(struct net_loop *l, int fd, unsigned events, net_watch_fn ready, void *context);
/* Change the events. No system call if they are the same. */
void net_watch_set(struct net_watch *w, unsigned events);
/* Stop; `ready` is never called again; safe inside `ready`. The fd may be closed at once. NULL is fine. */
void net_watch_free(struct net_watch *w);

/* Call `signalled` in the loop's thread for SIGHUP, SIGTERM, SIGINT and the like. 0 or ERR_SYSTEM. Ends with the loop.
 */
typedef void (*net_signal_fn)(void *context, int signum);
int net_loop_signal(struct net_loop *l, int signum, net_signal_fn signalled, void *context);

/* The poll descriptor and timeout (ms, -1 for none) for embedding the loop in another one. */
int net_loop_fd(const struct net_loop *l);
int net_loop_timeout_ms(const struct net_loop *l);

#endif
