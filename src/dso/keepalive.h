/*
 * The inactivity and keepalive timers of an established session (RFC 8490 6,
 * 7.1; dso.md part 2). Times are absolute milliseconds; UINT64_MAX is never.
 */
#ifndef DSO_KEEPALIVE_H
#define DSO_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "dso/session.h"

struct dso_timers {
	uint64_t activity_ms; /* inactivity counts from here: last message other than Keepalive, or end of an operation
	                       */
	uint64_t traffic_ms;  /* keepalive counts from here: last message either way */
	uint64_t cut_ms;      /* when the inactivity limit was last lowered */
	uint32_t inactivity_ms;
	uint32_t keepalive_ms;
	bool was_cut;
};

/* Both timers at their defaults, counting from now (6.2). */
void dso_timers_init(struct dso_timers *t, uint64_t now_ms);

/* A message was sent or received (6.3, 6.5). */
void dso_timers_message(struct dso_timers *t, bool is_keepalive, uint64_t now_ms);

/*
 * New values are in force (7.1.1): the keepalive timer starts anew, the
 * inactivity timer keeps what has elapsed.
 */
void dso_timers_revise(struct dso_timers *t, uint32_t inactivity_ms, uint32_t keepalive_ms, uint64_t now_ms);

/* When inactivity ends the session: the client at I, the server at twice that or later (6.4.1, A11). */
uint64_t dso_timers_inactive_ms(const struct dso_timers *t, enum dso_side side);

/* When the client sends a Keepalive, or the server gives up on the client (6.5.1). */
uint64_t dso_timers_keepalive_ms(const struct dso_timers *t, enum dso_side side);

#endif
