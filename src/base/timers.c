#include "base/timers.h"

#include <assert.h>

#include "base/mem.h"

void timers_init(struct timers *t)
{
	*t = (struct timers){0};
}

void timers_done(struct timers *t)
{
	for (size_t i = 0; i < t->count; i++) {
		t->heap[i]->place = 0;
	}
	mem_free(t->heap);
	timers_init(t);
}

static void put(struct timers *t, size_t index, struct timers_entry *e)
{
	t->heap[index] = e;
	e->place = index + 1;
}

static void sift_up(struct timers *t, size_t index, struct timers_entry *e)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (t->heap[parent]->key_ms <= e->key_ms) {
			break;
		}
		put(t, index, t->heap[parent]);
		index = parent;
	}
	put(t, index, e);
}

static void sift_down(struct timers *t, size_t index, struct timers_entry *e)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= t->count) {
			break;
		}
		if (child + 1 < t->count && t->heap[child + 1]->key_ms < t->heap[child]->key_ms) {
			child++;
		}
		if (t->heap[child]->key_ms >= e->key_ms) {
			break;
		}
		put(t, index, t->heap[child]);
		index = child;
	}
	put(t, index, e);
}

int timers_set(struct timers *t, struct timers_entry *e, uint64_t deadline_ms)
{
	if (deadline_ms == UINT64_MAX) {
		timers_cancel(t, e);
		return 0;
	}
	if (e->place != 0) {
		e->deadline_ms = deadline_ms;
		/* A later deadline leaves the heap alone until the old one comes up. */
		if (deadline_ms < e->key_ms) {
			e->key_ms = deadline_ms;
			sift_up(t, e->place - 1, e);
		}
		return 0;
	}
	int err = mem_grow(&t->heap, &t->cap, t->count + 1, sizeof(struct timers_entry *));

	if (err < 0) {
		return err;
	}
	e->deadline_ms = deadline_ms;
	e->key_ms = deadline_ms;
	t->count++;
	sift_up(t, t->count - 1, e);
	return 0;
}

void timers_cancel(struct timers *t, struct timers_entry *e)
{
	if (e->place == 0) {
		return;
	}
	size_t index = e->place - 1;

	assert(index < t->count && t->heap[index] == e);
	e->place = 0;
	struct timers_entry *last = t->heap[--t->count];

	if (last == e) {
		return;
	}
	/* The last one fills the gap: it may belong above or below it. */
	if (index > 0 && t->heap[(index - 1) / 2]->key_ms > last->key_ms) {
		sift_up(t, index, last);
	} else {
		sift_down(t, index, last);
	}
}

uint64_t timers_next_ms(const struct timers *t)
{
	return t->count == 0 ? UINT64_MAX : t->heap[0]->key_ms;
}

struct timers_entry *timers_expired(struct timers *t, uint64_t now_ms)
{
	while (t->count > 0 && t->heap[0]->key_ms <= now_ms) {
		struct timers_entry *e = t->heap[0];

		if (e->key_ms == e->deadline_ms) {
			timers_cancel(t, e);
			return e;
		}
		/* Re-armed later meanwhile: now it gets its place, and with it the order among the due ones. */
		e->key_ms = e->deadline_ms;
		sift_down(t, 0, e);
	}
	return NULL;
}
