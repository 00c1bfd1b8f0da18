#include "push/table.h"

#include "base/err.h"
#include "base/mem.h"

enum { SIZE_MIN = 16 };

void push_table_done(struct push_table *t)
{
	mem_free(t->slots);
	*t = (struct push_table){0};
}

static struct push_link **slot_of(const struct push_table *t, uint64_t hash)
{
	return &t->slots[hash & (t->size - 1)];
}

static void put(struct push_table *t, struct push_link *link)
{
	struct push_link **slot = slot_of(t, link->hash);
	link->next = *slot;
	*slot = link;
}

int push_table_reserve(struct push_table *t)
{
	if (t->count < t->size) {
		return 0;
	}
	struct push_table larger = {.size = t->size > 0 ? 2 * t->size : SIZE_MIN, .count = t->count};
	larger.slots = mem_calloc(larger.size, sizeof(larger.slots[0]));
	if (!larger.slots) {
		return t->size > 0 ? 0 : ERR_NOMEM;
	}
	for (size_t i = 0; i < t->size; i++) {
		for (struct push_link *link = t->slots[i], *next; link; link = next) {
			next = link->next;
			put(&larger, link);
		}
	}
	mem_free(t->slots);
	*t = larger;
	return 0;
}

void push_table_add(struct push_table *t, struct push_link *link, uint64_t hash)
{
	link->hash = hash;
	put(t, link);
	t->count++;
}

void push_table_remove(struct push_table *t, struct push_link *link)
{
	struct push_link **at = slot_of(t, link->hash);
	while (*at != link) {
		at = &(*at)->next;
	}
	*at = link->next;
	t->count--;
}

struct push_link *push_table_first(const struct push_table *t, uint64_t hash)
{
	struct push_link *link = t->size > 0 ? *slot_of(t, hash) : NULL;
	while (link && link->hash != hash) {
		link = link->next;
	}
	return link;
}

struct push_link *push_table_next(const struct push_link *link)
{
	uint64_t hash = link->hash;
	do {
		link = link->next;
	} while (link && link->hash != hash);
	return (struct push_link *)(uintptr_t)link;
}
