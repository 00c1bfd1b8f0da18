#include "zone/rrset.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"
#include "wire/rdata.h"

enum {
	ENTRY_HEAD = 2,   /* length in front of each rdata */
	INDEX_COUNT = 24, /* records from which on the index pays */
};

static uint16_t entry_len(const struct zone_rrset *set, size_t offset)
{
	uint16_t len;
	memcpy(&len, set->data + offset, sizeof(len));
	return len;
}

/* Write one entry; returns the offset behind it. */
static size_t put_entry(struct zone_rrset *set, size_t offset, const uint8_t *rdata, size_t len)
{
	uint16_t head = (uint16_t)len;
	memcpy(set->data + offset, &head, sizeof(head));
	if (len > 0) {
		memcpy(set->data + offset + ENTRY_HEAD, rdata, len);
	}
	return offset + ENTRY_HEAD + len;
}

/* Bytes to ask the heap for: large RRsets get up to an eighth more, so that adds rarely move them. */
static size_t alloc_len(size_t data_size)
{
	size_t len = sizeof(struct zone_rrset) + data_size;
	size_t step = 1;
	if (len <= 256) {
		return len;
	}
	while (step * 16 <= len) {
		step *= 2;
	}
	return (len + step - 1) / step * step;
}

bool zone_rrset_next(const struct zone_rrset *set, size_t *offset, const uint8_t **ret_rdata, uint16_t *ret_len)
{
	if (*offset >= set->size) {
		return false;
	}
	*ret_len = entry_len(set, *offset);
	*ret_rdata = set->data + *offset + ENTRY_HEAD;
	*offset += ENTRY_HEAD + (size_t)*ret_len;
	return true;
}

bool zone_rrset_has(const struct zone_rrset *set, const uint8_t *rdata, size_t len)
{
	const uint8_t *each;
	uint16_t each_len;
	for (size_t offset = 0; zone_rrset_next(set, &offset, &each, &each_len);) {
		/* Letters aside two equal rdata are of one length. */
		if (each_len == len && wire_rdata_compare(set->type, each, each_len, rdata, len) == 0) {
			return true;
		}
	}
	return false;
}

bool zone_rrset_same_records(const struct zone_rrset *a, const struct zone_rrset *b)
{
	unsigned a_count = a ? a->count : 0;
	unsigned b_count = b ? b->count : 0;
	if (a_count != b_count || a_count == 0) {
		return a_count == b_count;
	}
	if (a->type != b->type || a->size != b->size) {
		return false;
	}
	size_t a_at = 0, b_at = 0;
	const uint8_t *a_rdata, *b_rdata;
	uint16_t a_len, b_len;
	while (zone_rrset_next(a, &a_at, &a_rdata, &a_len) && zone_rrset_next(b, &b_at, &b_rdata, &b_len)) {
		if (wire_rdata_compare(a->type, a_rdata, a_len, b_rdata, b_len) != 0) {
			return false;
		}
	}
	return true;
}

bool zone_rrset_identical(const struct zone_rrset *a, const struct zone_rrset *b)
{
	return a == b || (a->ttl == b->ttl && a->type == b->type && a->count == b->count && a->size == b->size &&
	                  memcmp(a->data, b->data, a->size) == 0);
}

bool zone_rrsig_covers_nsec3(const uint8_t *rdata, size_t len)
{
	return len >= 2 && bytes_load_u16(rdata) == DNS_TYPE_NSEC3;
}

uint32_t zone_ttl(uint32_t ttl)
{
	return ttl > INT32_MAX ? 0 : ttl;
}

static struct zone_rrset *new_set(struct zone_heap *heap, uint16_t type, uint32_t ttl, size_t size)
{
	struct zone_rrset *set = zone_heap_alloc(heap, alloc_len(size));
	if (set) {
		set->ttl = ttl;
		set->type = type;
		set->count = 0;
		set->size = (uint32_t)size;
	}
	return set;
}

struct zone_rrset *zone_rrset_make(struct zone_heap *heap, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                                   size_t len)
{
	struct zone_rrset *set = new_set(heap, type, ttl, ENTRY_HEAD + len);
	if (set) {
		put_entry(set, 0, rdata, len);
		set->count = 1;
	}
	return set;
}

struct zone_rrset *zone_rrset_copy(struct zone_heap *heap, const struct zone_rrset *set, uint16_t type, uint32_t ttl)
{
	struct zone_rrset *copy = new_set(heap, type, ttl, set->size);
	if (copy) {
		memcpy(copy->data, set->data, set->size);
		copy->count = set->count;
	}
	return copy;
}

struct zone_rrset *zone_rrset_split(struct zone_heap *heap, const struct zone_rrset *set, uint32_t ttl, bool nsec3)
{
	const uint8_t *rdata;
	uint16_t len;
	size_t size = 0;
	for (size_t offset = 0; zone_rrset_next(set, &offset, &rdata, &len);) {
		size += zone_rrsig_covers_nsec3(rdata, len) == nsec3 ? ENTRY_HEAD + (size_t)len : 0;
	}
	struct zone_rrset *part = new_set(heap, set->type, ttl, size);
	if (!part) {
		return NULL;
	}
	size_t end = 0;
	for (size_t offset = 0; zone_rrset_next(set, &offset, &rdata, &len);) {
		if (zone_rrsig_covers_nsec3(rdata, len) == nsec3) {
			end = put_entry(part, end, rdata, len);
			part->count++;
		}
	}
	return part;
}

void zone_rrset_free(struct zone_heap *heap, struct zone_rrset *set)
{
	if (set) {
		zone_heap_free(heap, set, alloc_len(set->size));
	}
}

void zone_rrset_index_done(struct zone_rrset_index *index)
{
	mem_free(index->offsets);
	*index = (struct zone_rrset_index){0};
}

/* Make the index that of `set`. */
static int build_index(struct zone_rrset_index *index, const struct zone_rrset *set)
{
	if (index->set == set) {
		return 0;
	}
	index->set = NULL;
	if (mem_grow(&index->offsets, &index->cap, set->count, sizeof(*index->offsets))) {
		return ERR_NOMEM;
	}
	uint32_t offset = 0;
	for (size_t i = 0; i < set->count; i++) {
		index->offsets[i] = offset;
		offset += ENTRY_HEAD + (uint32_t)entry_len(set, offset);
	}
	index->set = set;
	return 0;
}

static int compare_at(const struct zone_rrset *set, size_t offset, const uint8_t *rdata, size_t len)
{
	return wire_rdata_compare(set->type, set->data + offset + ENTRY_HEAD, entry_len(set, offset), rdata, len);
}

static void locate_walking(const struct zone_rrset *set, const uint8_t *rdata, size_t len,
                           struct zone_rrset_spot *ret_spot)
{
	struct zone_rrset_spot spot = {0};
	for (; spot.at < set->count; spot.at++) {
		int order = compare_at(set, spot.offset, rdata, len);
		if (order >= 0) {
			spot.found = order == 0;
			break;
		}
		spot.offset += ENTRY_HEAD + (uint32_t)entry_len(set, spot.offset);
	}
	*ret_spot = spot;
}

int zone_rrset_locate(struct zone_rrset_index *index, const struct zone_rrset *set, const uint8_t *rdata, size_t len,
                      struct zone_rrset_spot *ret_spot)
{
	if (set->count < INDEX_COUNT) {
		locate_walking(set, rdata, len, ret_spot);
		return 0;
	}
	if (build_index(index, set)) {
		return ERR_NOMEM;
	}
	uint32_t low = 0, high = set->count;
	bool found = false;
	/* Records often come in order: look behind the last one first. */
	if (compare_at(set, index->offsets[high - 1], rdata, len) < 0) {
		low = high;
	}
	while (low < high && !found) {
		uint32_t middle = (low + high) / 2;
		int order = compare_at(set, index->offsets[middle], rdata, len);
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
			found = order == 0;
		}
	}
	ret_spot->at = found ? high : low;
	ret_spot->offset = ret_spot->at < set->count ? index->offsets[ret_spot->at] : set->size;
	ret_spot->found = found;
	return 0;
}

/*
 * Bring the index from `before` over to `after`, which has a record more (or less)
 * at the spot. Without memory for it the index is of no set.
 */
static void move_index(struct zone_rrset_index *index, const struct zone_rrset *before, const struct zone_rrset *after,
                       const struct zone_rrset_spot *spot)
{
	if (index->set != before) {
		return;
	}
	index->set = NULL;
	uint32_t *offsets = index->offsets;
	size_t count = after->count;
	if (spot->found) {
		uint32_t gone = spot->at < count ? offsets[spot->at + 1] - offsets[spot->at] : 0;
		for (size_t i = spot->at; i < count; i++) {
			offsets[i] = offsets[i + 1] - gone;
		}
	} else {
		if (mem_grow(&index->offsets, &index->cap, count, sizeof(*index->offsets))) {
			return;
		}
		offsets = index->offsets;
		uint32_t more = ENTRY_HEAD + (uint32_t)entry_len(after, spot->offset);
		for (size_t i = count - 1; i > spot->at; i--) {
			offsets[i] = offsets[i - 1] + more;
		}
		offsets[spot->at] = spot->offset;
	}
	index->set = after;
}

struct zone_rrset *zone_rrset_insert(struct zone_heap *heap, struct zone_rrset_index *index,
                                     const struct zone_rrset *set, bool owned, const struct zone_rrset_spot *spot,
                                     const uint8_t *rdata, size_t len)
{
	assert(!spot->found && set->count < ZONE_RRSET_COUNT_MAX);
	size_t more = ENTRY_HEAD + len;
	size_t tail = set->size - spot->offset;
	size_t old_len = alloc_len(set->size);
	size_t new_len = alloc_len(set->size + more);
	struct zone_rrset *result = (struct zone_rrset *)set;

	if (!owned) {
		result = new_set(heap, set->type, set->ttl, set->size + more);
		if (!result) {
			return NULL;
		}
		result->count = set->count;
		memcpy(result->data, set->data, spot->offset);
		memcpy(result->data + spot->offset + more, set->data + spot->offset, tail);
	} else {
		if (new_len != old_len) {
			bool indexed = index->set == set;
			result = zone_heap_realloc(heap, result, old_len, new_len);
			if (!result) {
				return NULL;
			}
			index->set = indexed ? result : index->set;
		}
		set = result;
		memmove(result->data + spot->offset + more, result->data + spot->offset, tail);
		result->size += (uint32_t)more;
	}
	put_entry(result, spot->offset, rdata, len);
	result->count++;
	move_index(index, set, result, spot);
	return result;
}

struct zone_rrset *zone_rrset_remove(struct zone_heap *heap, struct zone_rrset_index *index,
                                     const struct zone_rrset *set, bool owned, const struct zone_rrset_spot *spot)
{
	assert(spot->found && set->count > 1);
	size_t less = ENTRY_HEAD + (size_t)entry_len(set, spot->offset);
	size_t behind = spot->offset + less;
	size_t old_len = alloc_len(set->size);
	size_t new_len = alloc_len(set->size - less);

	if (!owned) {
		struct zone_rrset *copy = new_set(heap, set->type, set->ttl, set->size - less);
		if (!copy) {
			return NULL;
		}
		copy->count = (uint16_t)(set->count - 1);
		memcpy(copy->data, set->data, spot->offset);
		memcpy(copy->data + spot->offset, set->data + behind, set->size - behind);
		move_index(index, set, copy, spot);
		return copy;
	}
	struct zone_rrset *result = (struct zone_rrset *)set;
	memmove(result->data + spot->offset, result->data + behind, result->size - behind);
	result->size -= (uint32_t)less;
	result->count--;
	move_index(index, result, result, spot);
	if (new_len != old_len) {
		bool indexed = index->set == result;
		result = zone_heap_shrink(heap, result, old_len, new_len);
		index->set = indexed ? result : index->set;
	}
	return result;
}
