/*
 * The writer's memory: counts what a zone holds and keeps the list of what the
 * running transaction took out of the zone (private to zone/).
 *
 * What a published version can see is never freed at once: it goes on the
 * garbage list, which a commit hands to the version that it replaces and which
 * an abort throws away.
 */
#ifndef ZONE_HEAP_H
#define ZONE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct zone_heap {
	size_t memory; /* bytes, with the allocator's overhead */
	uintptr_t *garbage;
	size_t garbage_count;
	size_t garbage_cap;
};

/* What a piece of garbage is: the low bits of its pointer. */
enum zone_garbage_kind { ZONE_GARBAGE_RRSET, ZONE_GARBAGE_NODE, ZONE_GARBAGE_BRANCH };

/* As mem_alloc, mem_realloc and mem_free, counted. `size` of a free is what was asked for. */
void *zone_heap_alloc(struct zone_heap *heap, size_t size);
void *zone_heap_realloc(struct zone_heap *heap, void *p, size_t old_size, size_t new_size);
/* Make a block smaller; if the allocator cannot, it stays as it is (and counts as the smaller one). */
void *zone_heap_shrink(struct zone_heap *heap, void *p, size_t old_size, size_t new_size);
void zone_heap_free(struct zone_heap *heap, void *p, size_t size);

/* Note that the next version does not hold `p` any more. 0 or ERR_NOMEM. */
int zone_heap_discard(struct zone_heap *heap, enum zone_garbage_kind kind, const void *p);

/* Free the pieces of a list and the list itself. */
void zone_heap_sweep(struct zone_heap *heap, uintptr_t *garbage, size_t count);

#endif
