#include "dso/requests.h"

#include <assert.h>

#include "base/err.h"
#include "base/mem.h"

enum { CAP_MIN = 4 };

/*
 * The ID itself is the hash: IDs are usually given out in sequence, which
 * then never collide, and a peer that picks them badly cannot have more than
 * 65,535 of them.
 */
static uint32_t slot_of(const struct dso_requests *t, uint16_t id)
{
	return id & (t->cap - 1);
}

struct dso_request *dso_requests_find(const struct dso_requests *t, uint16_t id)
{
	if (t->count == 0) {
		return NULL;
	}
	for (uint32_t i = slot_of(t, id); t->slots[i].state != DSO_REQUEST_FREE; i = (i + 1) & (t->cap - 1)) {
		if (t->slots[i].id == id) {
			return &t->slots[i];
		}
	}
	return NULL;
}

static struct dso_request *place(struct dso_requests *t, const struct dso_request *r)
{
	uint32_t i = slot_of(t, r->id);
	while (t->slots[i].state != DSO_REQUEST_FREE) {
		i = (i + 1) & (t->cap - 1);
	}
	t->slots[i] = *r;
	return &t->slots[i];
}

static int resize(struct dso_requests *t, uint32_t cap)
{
	struct dso_request *old = t->slots;
	uint32_t old_cap = t->cap;
	struct dso_request *slots = mem_calloc(cap, sizeof(*slots));
	if (!slots) {
		return ERR_NOMEM;
	}
	t->slots = slots;
	t->cap = cap;
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i].state != DSO_REQUEST_FREE) {
			place(t, &old[i]);
		}
	}
	mem_free(old);
	return 0;
}

static bool is_busy(const struct dso_request *r)
{
	if (r->flags & DSO_REQUEST_F_PASSIVE) {
		return false;
	}
	return r->state != DSO_REQUEST_DRAINING || (r->flags & DSO_REQUEST_F_AWAITING);
}

/* Add an entry to the counts, or take it away. */
static void count(struct dso_requests *t, const struct dso_request *r, uint32_t by)
{
	t->count += by;
	t->busy += is_busy(r) ? by : 0;
	t->unanswered += r->state == DSO_REQUEST_UNANSWERED ? by : 0;
	t->draining += r->state == DSO_REQUEST_DRAINING ? by : 0;
}

int dso_requests_add(struct dso_requests *t, uint16_t id, uint16_t type, unsigned flags, uint32_t order)
{
	/* At most three quarters full, so that a search always ends. */
	if ((t->count + 1) * 4 > t->cap * 3) {
		int err = resize(t, t->cap ? t->cap * 2 : CAP_MIN);
		if (err) {
			return err;
		}
	}
	struct dso_request r = {
	        .id = id, .type = type, .state = DSO_REQUEST_UNANSWERED, .flags = (uint8_t)flags, .order = order};
	place(t, &r);
	count(t, &r, 1);
	return 0;
}

void dso_requests_set(struct dso_requests *t, struct dso_request *r, enum dso_request_state state)
{
	assert(state != DSO_REQUEST_FREE);
	count(t, r, UINT32_MAX);
	if (state == DSO_REQUEST_DRAINING && r->state == DSO_REQUEST_UNANSWERED) {
		r->flags |= DSO_REQUEST_F_AWAITING;
	}
	r->state = (uint8_t)state;
	count(t, r, 1);
}

void dso_requests_arrived(struct dso_requests *t, struct dso_request *r)
{
	count(t, r, UINT32_MAX);
	r->flags &= (uint8_t)~DSO_REQUEST_F_AWAITING;
	count(t, r, 1);
}

/* Close the gap at slot `hole`, so that every entry is still found from its own slot on. */
static void close_gap(struct dso_requests *t, uint32_t hole)
{
	uint32_t mask = t->cap - 1;
	for (uint32_t i = (hole + 1) & mask; t->slots[i].state != DSO_REQUEST_FREE; i = (i + 1) & mask) {
		uint32_t home = slot_of(t, t->slots[i].id);
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct dso_request){.state = DSO_REQUEST_FREE};
}

/* Give memory back once the table is mostly empty. Failing to do so does no harm. */
static void shrink(struct dso_requests *t)
{
	if (t->count == 0) {
		dso_requests_done(t);
	} else if (t->cap > CAP_MIN && t->count * 8 < t->cap) {
		resize(t, t->cap / 2);
	}
}

void dso_requests_remove(struct dso_requests *t, struct dso_request *r)
{
	count(t, r, UINT32_MAX);
	close_gap(t, (uint32_t)(r - t->slots));
	shrink(t);
}

int dso_requests_pick(const struct dso_requests *t, uint16_t *next_id, uint16_t *ret_id)
{
	uint16_t id = *next_id;
	for (uint32_t tried = 0; tried <= UINT16_MAX; tried++, id++) {
		if (id != 0 && !dso_requests_find(t, id)) {
			*next_id = (uint16_t)(id + 1);
			*ret_id = id;
			return 0;
		}
	}
	return ERR_LIMIT;
}

static bool is_drained(const struct dso_request *r, uint32_t order)
{
	/* Numbers wrap; the difference tells which is later. */
	return r->state == DSO_REQUEST_DRAINING && !(r->flags & DSO_REQUEST_F_AWAITING) &&
	       (int32_t)(order - r->order) > 0;
}

void dso_requests_fence(struct dso_requests *t, uint32_t order)
{
	if (t->draining == 0) {
		return;
	}
	for (uint32_t i = 0; i < t->cap;) {
		if (is_drained(&t->slots[i], order)) {
			/* The gap is filled from behind: look at this slot again. */
			count(t, &t->slots[i], UINT32_MAX);
			close_gap(t, i);
		} else {
			i++;
		}
	}
	shrink(t);
}

bool dso_requests_await_dso(const struct dso_requests *t)
{
	for (uint32_t i = 0; i < t->cap; i++) {
		const struct dso_request *r = &t->slots[i];
		bool awaits = r->state == DSO_REQUEST_UNANSWERED || (r->flags & DSO_REQUEST_F_AWAITING);
		if (r->state != DSO_REQUEST_FREE && awaits && !(r->flags & DSO_REQUEST_F_QUERY)) {
			return true;
		}
	}
	return false;
}

void dso_requests_done(struct dso_requests *t)
{
	mem_free(t->slots);
	*t = (struct dso_requests){0};
}
