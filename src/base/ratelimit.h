/*
 * Token bucket in milliseconds: `burst` at once, `per_second` sustained.
 * Survives clocks that stand still or go backwards, and overflow. Not thread-safe.
 */
#ifndef BASE_RATELIMIT_H
#define BASE_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
	uint32_t burst;      /* tokens a full bucket holds */
	uint32_t per_second; /* tokens that come back each second */
	uint64_t millitokens;
	uint64_t last_ms;
};

/* A full bucket. */
void ratelimit_init(struct ratelimit *r, uint32_t burst, uint32_t per_second, uint64_t now_ms);

/* Take one token: true if there was one. */
bool ratelimit_take(struct ratelimit *r, uint64_t now_ms);

#endif
