#include "daemon/rates.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/ratelimit.h"

#define HASH_NONFATAL_OOM              1
#define uthash_malloc(size)            mem_alloc(size)
#define uthash_free(p, size)           mem_free(p)
#define HASH_FUNCTION(key, len, value) ((value) = (unsigned)hash_bytes((key), (len)))
#include <uthash.h>

struct bucket {
	UT_hash_handle hh;
	struct ratelimit limit;
	uint8_t source[]; /* the hash keeps order of entry: re-entered at each use, the first is the oldest */
};

struct rates {
	struct bucket *buckets;
};

struct rates *rates_new(void)
{
	return mem_calloc(1, sizeof(struct rates));
}

static void forget(struct rates *r, struct bucket *b)
{
	HASH_DEL(r->buckets, b);
	mem_free(b);
}

void rates_free(struct rates *r)
{
	while (r && r->buckets) {
		forget(r, r->buckets);
	}
	mem_free(r);
}

bool rates_take(struct rates *r, const void *source, size_t len, uint32_t burst, uint32_t per_second, uint64_t now_ms)
{
	struct bucket *b = NULL;
	HASH_FIND(hh, r->buckets, source, len, b);
	if (b) {
		HASH_DEL(r->buckets, b);
	} else {
		b = mem_calloc(1, sizeof(*b) + len);
		if (!b) {
			return true;
		}
		memcpy(b->source, source, len);
		ratelimit_init(&b->limit, burst, per_second, now_ms);
	}
	bool taken = ratelimit_take(&b->limit, now_ms);
	HASH_ADD_KEYPTR(hh, r->buckets, b->source, len, b);
	if (!b->hh.tbl) {
		mem_free(b);
		return true;
	}
	if (HASH_COUNT(r->buckets) > RATES_SOURCES_MAX) {
		forget(r, r->buckets);
	}
	return taken;
}
