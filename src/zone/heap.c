#include "zone/heap.h"

#include "base/err.h"
#include "base/mem.h"
#include "zone/rrset.h"
#include "zone/trie.h"

enum { KIND_MASK = 3 };

/* What a chunk of the usual allocator costs: 8 bytes more, in steps of 16, 32 at least. */
static size_t cost(size_t size)
{
	size_t chunk = (size + 8 + 15) & ~(size_t)15;
	return chunk < 32 ? 32 : chunk;
}

void *zone_heap_alloc(struct zone_heap *heap, size_t size)
{
	void *p = mem_alloc(size);
	if (p) {
		heap->memory += cost(size);
	}
	return p;
}

void *zone_heap_realloc(struct zone_heap *heap, void *p, size_t old_size, size_t new_size)
{
	void *moved = mem_realloc(p, new_size);
	if (moved) {
		heap->memory += cost(new_size) - cost(old_size);
	}
	return moved;
}

void *zone_heap_shrink(struct zone_heap *heap, void *p, size_t old_size, size_t new_size)
{
	void *moved = mem_realloc(p, new_size);
	heap->memory -= cost(old_size) - cost(new_size);
	return moved ? moved : p;
}

void zone_heap_free(struct zone_heap *heap, void *p, size_t size)
{
	heap->memory -= cost(size);
	mem_free(p);
}

int zone_heap_discard(struct zone_heap *heap, enum zone_garbage_kind kind, const void *p)
{
	if (mem_grow(&heap->garbage, &heap->garbage_cap, heap->garbage_count + 1, sizeof(*heap->garbage))) {
		return ERR_NOMEM;
	}
	heap->garbage[heap->garbage_count++] = (uintptr_t)p | (uintptr_t)kind;
	return 0;
}

void zone_heap_sweep(struct zone_heap *heap, uintptr_t *garbage, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *p = (void *)(garbage[i] & ~(uintptr_t)KIND_MASK);
		switch ((enum zone_garbage_kind)(garbage[i] & KIND_MASK)) {
		case ZONE_GARBAGE_RRSET:
			zone_rrset_free(heap, p);
			break;
		case ZONE_GARBAGE_NODE:
			zone_node_free(heap, p);
			break;
		case ZONE_GARBAGE_BRANCH:
			zone_branch_free(heap, p);
			break;
		}
	}
	mem_free(garbage);
}
