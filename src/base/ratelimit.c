#include "base/ratelimit.h"

enum { MILLI = 1000 };

static uint64_t full(const struct ratelimit *r)
{
	return (uint64_t)r->burst * MILLI;
}

void ratelimit_init(struct ratelimit *r, uint32_t burst, uint32_t per_second, uint64_t now_ms)
{
	r->burst = burst;
	r->per_second = per_second;
	r->millitokens = full(r);
	r->last_ms = now_ms;
}

static void refill(struct ratelimit *r, uint64_t now_ms)
{
	/* A clock that went back gives nothing, and counts on from where it is now. */
	uint64_t elapsed_ms = now_ms > r->last_ms ? now_ms - r->last_ms : 0;
	uint64_t missing = full(r) - r->millitokens;

	r->last_ms = now_ms;
	if (r->per_second == 0) {
		return;
	}
	/* One token a second is one millitoken a millisecond. Divided first, so nothing overflows. */
	if (elapsed_ms > missing / r->per_second) {
		r->millitokens = full(r);
	} else {
		r->millitokens += elapsed_ms * r->per_second;
	}
}

bool ratelimit_take(struct ratelimit *r, uint64_t now_ms)
{
	refill(r, now_ms);
	if (r->millitokens < MILLI) {
		return false;
	}
	r->millitokens -= MILLI;
	return true;
}
