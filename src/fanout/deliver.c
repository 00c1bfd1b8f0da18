#include "fanout/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "push/codec.h"
#include "wire/dns.h"

#define NONE UINT32_MAX /* end of a chain of entries */

/* A key whose view changed, with its part of the list of all changes. */
struct touched {
	struct fanout_key *key;
	uint32_t from;
	uint32_t to;
	bool name_empty;
	bool lost;
};

/* "This session is concerned by this key": the entries of a session are chained. */
struct entry {
	uint32_t touched;
	uint32_t next;
};

/* A session of the batch and the digest of what it is owed. */
struct recipient {
	struct fanout_session *session;
	uint64_t digest;
};

struct fanout_batch {
	struct fanout_index *index;
	struct fanout_callbacks callbacks;
	void *context;
	uint32_t stamp;
	struct feed_list changes;
	struct feed_list merged;
	struct touched *touched;
	size_t touched_count, touched_cap;
	struct entry *entries;
	size_t entry_count, entry_cap;
	struct recipient *recipients;
	size_t recipient_count, recipient_cap;
	const uint8_t **empty_names;
	size_t empty_cap;
	struct fanout_batch_stats stats;
};

struct fanout_batch *fanout_batch_new(struct fanout_index *x, const struct fanout_callbacks *callbacks, void *context)
{
	struct fanout_batch *b = mem_calloc(1, sizeof(*b));
	if (b) {
		b->index = x;
		b->callbacks = *callbacks;
		b->context = context;
	}
	return b;
}

void fanout_batch_free(struct fanout_batch *b)
{
	if (!b) {
		return;
	}
	feed_list_done(&b->changes);
	feed_list_done(&b->merged);
	mem_free(b->touched);
	mem_free(b->entries);
	mem_free(b->recipients);
	mem_free(b->empty_names);
	mem_free(b);
}

static int forget_stamps(void *context, struct fanout_key *key)
{
	(void)context;
	key->stamp = 0;
	for (uint32_t i = 0; i < key->count; i++) {
		key->subscribers[i]->stamp = 0;
	}
	return 0;
}

void fanout_batch_begin(struct fanout_batch *b)
{
	if (++b->stamp == 0) {
		/* The numbers start over: what was touched long ago must not look as if it were just now. */
		fanout_index_walk(b->index, (const uint8_t *)"", true, forget_stamps, b);
		b->stamp = 1;
	}
	b->changes.count = 0;
	b->touched_count = 0;
	b->entry_count = 0;
	b->recipient_count = 0;
	b->stats = (struct fanout_batch_stats){0};
}

/* Chain one more touched key to each subscriber of it. */
static int touch_subscribers(struct fanout_batch *b, const struct fanout_key *key, uint32_t touched)
{
	int err = mem_grow(&b->entries, &b->entry_cap, b->entry_count + key->count, sizeof(*b->entries));
	if (!err) {
		err = mem_grow(&b->recipients, &b->recipient_cap, b->recipient_count + key->count,
		               sizeof(*b->recipients));
	}
	if (err) {
		return err;
	}
	for (uint32_t i = 0; i < key->count; i++) {
		struct fanout_session *s = key->subscribers[i];
		if (s->stamp != b->stamp) {
			s->stamp = b->stamp;
			s->first = NONE;
			b->recipients[b->recipient_count++].session = s;
		}
		b->entries[b->entry_count] = (struct entry){.touched = touched, .next = s->first};
		s->first = (uint32_t)b->entry_count++;
	}
	return 0;
}

static int touch_key(void *context, struct fanout_key *key)
{
	struct fanout_batch *b = context;
	if (key->stamp == b->stamp) {
		return 0;
	}
	key->stamp = b->stamp;

	int err = mem_grow(&b->touched, &b->touched_cap, b->touched_count + 1, sizeof(*b->touched));
	if (err) {
		return err;
	}
	struct fanout_outcome outcome = {0};
	size_t from = b->changes.count;
	err = b->callbacks.diff(b->context, key, &b->changes, &outcome);
	if (err) {
		return err;
	}
	if (b->changes.count == from && !outcome.lost) {
		return 0;
	}
	b->touched[b->touched_count] = (struct touched){.key = key,
	                                                .from = (uint32_t)from,
	                                                .to = (uint32_t)b->changes.count,
	                                                .name_empty = outcome.name_empty,
	                                                .lost = outcome.lost};
	if (b->changes.count > from) {
		err = touch_subscribers(b, key, (uint32_t)b->touched_count);
	}
	b->touched_count++;
	return err;
}

int fanout_batch_touch(struct fanout_batch *b, const uint8_t *name, bool subtree)
{
	return fanout_index_walk(b->index, name, subtree, touch_key, b);
}

/* Sessions with the same touched keys (entered in the same order) and padding get the same digest. */
static void set_digests(struct fanout_batch *b)
{
	for (size_t i = 0; i < b->recipient_count; i++) {
		struct recipient *r = &b->recipients[i];
		uint64_t digest = b->callbacks.pads(b->context, r->session) ? 1 : 2;
		for (uint32_t e = r->session->first; e != NONE; e = b->entries[e].next) {
			uint64_t link[2] = {digest, b->entries[e].touched};
			digest = b->entry_count == b->recipient_count ? digest | (link[1] + 1) << 2
			                                              : hash_bytes(link, sizeof(link));
		}
		r->digest = digest;
	}
}

static int by_digest(const void *a, const void *b)
{
	uint64_t x = ((const struct recipient *)a)->digest;
	uint64_t y = ((const struct recipient *)b)->digest;
	return (x > y) - (x < y);
}

static bool needs_sort(const struct fanout_batch *b)
{
	for (size_t i = 1; i < b->recipient_count; i++) {
		if (b->recipients[i].digest != b->recipients[0].digest) {
			return true;
		}
	}
	return false;
}

/* All that one session is owed, merged. */
static int collect(struct fanout_batch *b, const struct fanout_session *s)
{
	size_t empty_count = 0;
	b->merged.count = 0;
	for (uint32_t e = s->first; e != NONE; e = b->entries[e].next) {
		const struct touched *t = &b->touched[b->entries[e].touched];
		for (uint32_t i = t->from; i < t->to; i++) {
			int err = feed_list_add(&b->merged, &b->changes.items[i]);
			if (err) {
				return err;
			}
		}
		if (t->name_empty) {
			int err = mem_grow(&b->empty_names, &b->empty_cap, empty_count + 1, sizeof(*b->empty_names));
			if (err) {
				return err;
			}
			b->empty_names[empty_count++] = fanout_key_name(t->key);
		}
	}
	fanout_merge(&b->merged, b->empty_names, empty_count);
	return 0;
}

/* One encoding for recipients[from..to). */
static void send_group(struct fanout_batch *b, size_t from, size_t to)
{
	struct buf bytes;
	buf_init(&bytes, 0);
	struct fanout_session *first = b->recipients[from].session;
	int err = collect(b, first);
	if (!err) {
		err = push_encode(b->merged.items, b->merged.count, b->callbacks.pads(b->context, first), &bytes);
	}
	b->stats.encoding_count++;
	for (size_t i = from; i < to; i++) {
		b->callbacks.send(b->context, b->recipients[i].session, err ? NULL : buf_data(&bytes), buf_len(&bytes),
		                  b->merged.count, err);
	}
	buf_done(&bytes);
}

void fanout_batch_deliver(struct fanout_batch *b)
{
	set_digests(b);
	if (needs_sort(b)) {
		qsort(b->recipients, b->recipient_count, sizeof(*b->recipients), by_digest);
	}
	for (size_t from = 0, to; from < b->recipient_count; from = to) {
		to = from + 1;
		while (to < b->recipient_count && b->recipients[to].digest == b->recipients[from].digest) {
			to++;
		}
		send_group(b, from, to);
	}
	b->stats.key_count = b->touched_count;
	b->stats.session_count = b->recipient_count;
	for (size_t i = 0; i < b->touched_count; i++) {
		if (b->touched[i].lost) {
			b->callbacks.lost(b->context, b->touched[i].key);
		}
	}
}

struct fanout_batch_stats fanout_batch_stats(const struct fanout_batch *b)
{
	return b->stats;
}

static bool is_removal(const struct feed_change *c)
{
	return c->op != FEED_ADD;
}

/* Order of a merged list: removals before adds, then name by name (by the bytes: equal names of one session share
 * letters). */
static int merge_order(const void *pa, const void *pb)
{
	const struct feed_change *a = pa;
	const struct feed_change *b = pb;
	if (is_removal(a) != is_removal(b)) {
		return is_removal(a) ? -1 : 1;
	}
	int order = wire_name_compare(a->owner, b->owner);
	if (order == 0) {
		order = (int)a->type - (int)b->type;
	}
	if (order == 0) {
		order = (int)a->dns_class - (int)b->dns_class;
	}
	if (order == 0) {
		order = (int)a->op - (int)b->op;
	}
	if (order == 0) {
		size_t shorter = a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len;
		order = shorter ? memcmp(a->rdata, b->rdata, shorter) : 0;
	}
	if (order == 0) {
		order = (int)a->rdata_len - (int)b->rdata_len;
	}
	return order;
}

static bool is_empty_name(const uint8_t *owner, const uint8_t *const *empty_names, size_t empty_count)
{
	for (size_t i = 0; i < empty_count; i++) {
		if (wire_name_equal(owner, empty_names[i])) {
			return true;
		}
	}
	return false;
}

/* items[from..to) are removals at one name: several at an empty name become one. Returns how many are left. */
static size_t fold_removals(struct feed_change *items, size_t count, const uint8_t *const *empty_names,
                            size_t empty_count)
{
	if (count < 2 || !is_empty_name(items[0].owner, empty_names, empty_count)) {
		return count;
	}
	items[0] = (struct feed_change){
	        .owner = items[0].owner, .type = DNS_TYPE_ANY, .dns_class = DNS_CLASS_IN, .op = FEED_REMOVE_CLASS};
	return 1;
}

void fanout_merge(struct feed_list *changes, const uint8_t *const *empty_names, size_t empty_count)
{
	struct feed_change *items = changes->items;
	size_t kept = 0;

	if (changes->count < 2) {
		return;
	}
	qsort(items, changes->count, sizeof(*items), merge_order);
	for (size_t i = 1; i < changes->count; i++) {
		if (merge_order(&items[kept], &items[i]) != 0) {
			items[++kept] = items[i];
		}
	}
	changes->count = kept + 1;

	kept = 0;
	for (size_t from = 0, to; from < changes->count; from = to) {
		to = from + 1;
		while (to < changes->count && is_removal(&items[from]) && is_removal(&items[to]) &&
		       wire_name_equal(items[from].owner, items[to].owner)) {
			to++;
		}
		size_t left = is_removal(&items[from])
		                      ? fold_removals(items + from, to - from, empty_names, empty_count)
		                      : to - from;
		memmove(items + kept, items + from, left * sizeof(*items));
		kept += left;
	}
	changes->count = kept;
}
