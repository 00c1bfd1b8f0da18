/*
 * A chained hash table of intrusive links, private to push/: no allocation an
 * entry, and a table that cannot grow only gets slower.
 */
#ifndef PUSH_TABLE_H
#define PUSH_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct push_link {
	struct push_link *next;
	uint64_t hash;
};

struct push_table {
	struct push_link **slots;
	size_t size; /* of slots, a power of 2; 0 before the first entry */
	size_t count;
};

/* The object whose member `member` is at `link`. */
#define PUSH_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Release the slots; the entries belong to the caller. */
void push_table_done(struct push_table *t);
/* Make sure that one more entry can be added. 0 or ERR_NOMEM. */
int push_table_reserve(struct push_table *t);
/* Add an entry; room for it was reserved. */
void push_table_add(struct push_table *t, struct push_link *link, uint64_t hash);
/* Take out an entry that is in the table. */
void push_table_remove(struct push_table *t, struct push_link *link);
/* First entry with this hash, and the one after it; NULL: none. */
struct push_link *push_table_first(const struct push_table *t, uint64_t hash);
struct push_link *push_table_next(const struct push_link *link);

#endif
