#include "feed/change.h"

#include "base/mem.h"

void feed_list_init(struct feed_list *l)
{
	*l = (struct feed_list){0};
}

void feed_list_done(struct feed_list *l)
{
	mem_free(l->items);
	feed_list_init(l);
}

int feed_list_add(struct feed_list *l, const struct feed_change *change)
{
	int err = mem_grow(&l->items, &l->cap, l->count + 1, sizeof(l->items[0]));
	if (err) {
		return err;
	}
	l->items[l->count++] = *change;
	return 0;
}
