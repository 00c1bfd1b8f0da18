#include "roles/authoritative/serve.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "roles/authoritative/internal.h"
#include "wire/dns.h"
#include "zone/view.h"

struct serve *serve_new(const struct serve_callbacks *callbacks, void *context)
{
	struct serve *s = mem_calloc(1, sizeof(*s));
	if (!s) {
		return NULL;
	}
	s->callbacks = *callbacks;
	s->context = context;
	s->index = fanout_index_new();
	s->batch = s->index ? fanout_batch_new(s->index, &serve_fanout_callbacks, s) : NULL;
	if (!s->batch) {
		serve_free(s);
		return NULL;
	}
	return s;
}

static void free_zone(struct serve_zone *z)
{
	zone_snapshot_unref(z->snapshot);
	mem_free(z);
}

void serve_free(struct serve *s)
{
	if (!s) {
		return;
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		free_zone(s->zones[i]);
	}
	mem_free(s->zones);
	fanout_batch_free(s->batch);
	fanout_index_free(s->index);
	mem_free(s);
}

struct serve_counters *serve_counters(struct serve *s)
{
	return &s->counters;
}

struct fanout_stats serve_stats(const struct serve *s)
{
	return fanout_index_stats(s->index);
}

static const uint8_t *origin_of(const struct serve_zone *z)
{
	return zone_snapshot_origin(z->snapshot);
}

static struct serve_zone *find_exact(const struct serve *s, const uint8_t *origin)
{
	size_t low = 0, high = s->zone_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = wire_name_compare(origin_of(s->zones[middle]), origin);
		if (order == 0) {
			return s->zones[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

static struct serve_zone *find_longest(const struct serve *s, const uint8_t *name, unsigned skip)
{
	unsigned labels = wire_name_labels(name);
	for (unsigned strip = skip; strip <= labels; strip++) {
		struct serve_zone *z = find_exact(s, wire_name_strip(name, strip));
		if (z) {
			return z;
		}
	}
	return NULL;
}

struct serve_zone *serve_find_zone(const struct serve *s, const uint8_t *name, uint16_t type)
{
	struct serve_zone *parent = type == DNS_TYPE_DS && name[0] ? find_longest(s, name, 1) : NULL;
	return parent ? parent : find_longest(s, name, 0);
}

struct serve_zone *serve_find_zone_id(const struct serve *s, uint32_t id)
{
	for (size_t i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->id == id) {
			return s->zones[i];
		}
	}
	return NULL;
}

static int by_origin(const void *a, const void *b)
{
	return wire_name_compare(origin_of(*(struct serve_zone *const *)a), origin_of(*(struct serve_zone *const *)b));
}

/* New entries for all zones; one that is served already keeps the version that was delivered. */
static int make_zones(const struct serve *s, const struct serve_zone_setup *zones, size_t count,
                      struct serve_zone **made)
{
	for (size_t i = 0; i < count; i++) {
		struct serve_zone *old = serve_find_zone_id(s, zones[i].id);
		made[i] = mem_calloc(1, sizeof(**made));
		if (!made[i]) {
			while (i-- > 0) {
				free_zone(made[i]);
			}
			return ERR_NOMEM;
		}
		made[i]->id = zones[i].id;
		made[i]->policy = zones[i].policy;
		made[i]->snapshot = zone_snapshot_ref(old ? old->snapshot : zones[i].snapshot);
	}
	qsort(made, count, sizeof(*made), by_origin);
	return 0;
}

int serve_configure(struct serve *s, const struct serve_zone_setup *zones, size_t count,
                    const struct serve_limits *limits)
{
	struct serve_zone **made = mem_calloc(count, sizeof(struct serve_zone *));
	if (!made) {
		return ERR_NOMEM;
	}
	int err = make_zones(s, zones, count, made);
	if (err) {
		mem_free(made);
		return err;
	}
	const struct serve before = {.zones = s->zones, .zone_count = s->zone_count};
	s->zones = made;
	s->zone_count = count;
	s->limits = *limits;
	serve_cancel_orphans(s, &before);
	for (size_t i = 0; i < before.zone_count; i++) {
		free_zone(before.zones[i]);
	}
	mem_free(before.zones);
	return 0;
}

static int touch(void *context, const uint8_t *name, bool subtree)
{
	return fanout_batch_touch(context, name, subtree);
}

void serve_publish(struct serve *s, uint32_t id, const struct zone_changeset *changeset)
{
	struct serve_zone *z = serve_find_zone_id(s, id);
	if (!z) {
		return;
	}
	s->batch_zone = z;
	s->batch_changeset = changeset;
	fanout_batch_begin(s->batch);
	s->counters.batches++;
	if (zone_affected(changeset, touch, s->batch)) {
		/* Memory ended before every key was looked at: nobody may be left with half a version. */
		serve_shed_subscribers(s);
	} else {
		fanout_batch_deliver(s->batch);
		s->counters.encodings += fanout_batch_stats(s->batch).encoding_count;
	}
	struct zone_snapshot *old = z->snapshot;
	z->snapshot = zone_snapshot_ref(changeset->to);
	zone_snapshot_unref(old);
	serve_views_free(s);
	s->batch_zone = NULL;
	s->batch_changeset = NULL;
	serve_after_batch(s);
}
