#include "dso/keepalive.h"

enum {
	GRACE_MIN_MS = 5000, /* the server never aborts for inactivity sooner (6.4.1) */
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void dso_timers_init(struct dso_timers *t, uint64_t now_ms)
{
	*t = (struct dso_timers){
	        .activity_ms = now_ms,
	        .traffic_ms = now_ms,
	        .inactivity_ms = DSO_DEFAULT_MS,
	        .keepalive_ms = DSO_DEFAULT_MS,
	};
}

void dso_timers_message(struct dso_timers *t, bool is_keepalive, uint64_t now_ms)
{
	t->traffic_ms = now_ms;
	if (!is_keepalive) {
		t->activity_ms = now_ms;
	}
}

void dso_timers_revise(struct dso_timers *t, uint32_t inactivity_ms, uint32_t keepalive_ms, uint64_t now_ms)
{
	/* Only a lower limit can catch the client by surprise; repeating the same one must not buy it time. */
	if (inactivity_ms < t->inactivity_ms) {
		t->cut_ms = now_ms;
		t->was_cut = true;
	}
	t->inactivity_ms = inactivity_ms;
	t->keepalive_ms = keepalive_ms;
	t->traffic_ms = now_ms;
}

uint64_t dso_timers_inactive_ms(const struct dso_timers *t, enum dso_side side)
{
	if (t->inactivity_ms == DSO_INFINITE) {
		return UINT64_MAX;
	}
	if (side == DSO_CLIENT) {
		return t->activity_ms + t->inactivity_ms;
	}
	uint64_t due = t->activity_ms + later(GRACE_MIN_MS, 2 * (uint64_t)t->inactivity_ms);
	if (t->was_cut) {
		due = later(due, t->cut_ms + later(GRACE_MIN_MS, t->inactivity_ms / 4));
	}
	return due;
}

uint64_t dso_timers_keepalive_ms(const struct dso_timers *t, enum dso_side side)
{
	if (t->keepalive_ms == DSO_INFINITE) {
		return UINT64_MAX;
	}
	return t->traffic_ms + (side == DSO_CLIENT ? 1 : 2) * (uint64_t)t->keepalive_ms;
}
