#include "fanout/index.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* A name that has keys, or is an ancestor of one that has. */
struct fanout_name {
	struct fanout_name *chain; /* next in the hash bucket */
	struct fanout_name *parent;
	struct fanout_name *child;  /* first of the names one label below */
	struct fanout_name *before; /* siblings */
	struct fanout_name *after;
	struct fanout_key *keys;
	uint32_t hash;
	uint8_t wire[];
};

struct fanout_index {
	struct fanout_name **buckets;
	size_t bucket_count; /* a power of two */
	struct fanout_stats stats;
};

enum { FIRST_BUCKETS = 64 };

struct fanout_index *fanout_index_new(void)
{
	struct fanout_index *x = mem_calloc(1, sizeof(*x));
	if (!x) {
		return NULL;
	}
	x->buckets = mem_calloc(FIRST_BUCKETS, sizeof(*x->buckets));
	if (!x->buckets) {
		mem_free(x);
		return NULL;
	}
	x->bucket_count = FIRST_BUCKETS;
	x->stats.memory = sizeof(*x) + FIRST_BUCKETS * sizeof(*x->buckets);
	return x;
}

void fanout_index_free(struct fanout_index *x)
{
	if (x) {
		mem_free(x->buckets);
		mem_free(x);
	}
}

const uint8_t *fanout_key_name(const struct fanout_key *key)
{
	return key->name->wire;
}

static struct fanout_name *find_name(const struct fanout_index *x, const uint8_t *wire, uint32_t hash)
{
	struct fanout_name *n = x->buckets[hash & (x->bucket_count - 1)];
	while (n && !(n->hash == hash && wire_name_equal(n->wire, wire))) {
		n = n->chain;
	}
	return n;
}

/* Growing only makes look-ups cheaper, so a failure to grow is no failure. */
static void maybe_grow(struct fanout_index *x)
{
	if (x->stats.name_count < x->bucket_count) {
		return;
	}
	size_t count = x->bucket_count * 2;
	struct fanout_name **buckets = mem_calloc(count, sizeof(*buckets));
	if (!buckets) {
		return;
	}
	for (size_t i = 0; i < x->bucket_count; i++) {
		struct fanout_name *n = x->buckets[i];
		while (n) {
			struct fanout_name *next = n->chain;
			n->chain = buckets[n->hash & (count - 1)];
			buckets[n->hash & (count - 1)] = n;
			n = next;
		}
	}
	mem_free(x->buckets);
	x->stats.memory += (count - x->bucket_count) * sizeof(*buckets);
	x->buckets = buckets;
	x->bucket_count = count;
}

static void link_name(struct fanout_index *x, struct fanout_name *n, struct fanout_name *parent)
{
	struct fanout_name **bucket = &x->buckets[n->hash & (x->bucket_count - 1)];
	n->chain = *bucket;
	*bucket = n;
	n->parent = parent;
	if (parent) {
		n->after = parent->child;
		if (n->after) {
			n->after->before = n;
		}
		parent->child = n;
	}
}

static void free_name(struct fanout_index *x, struct fanout_name *n)
{
	struct fanout_name **link = &x->buckets[n->hash & (x->bucket_count - 1)];
	while (*link != n) {
		link = &(*link)->chain;
	}
	*link = n->chain;
	if (n->after) {
		n->after->before = n->before;
	}
	if (n->before) {
		n->before->after = n->after;
	} else if (n->parent) {
		n->parent->child = n->after;
	}
	x->stats.name_count--;
	x->stats.memory -= sizeof(*n) + wire_name_len(n->wire);
	mem_free(n);
}

/* Drop a name that nothing needs any more, and then its ancestors likewise. */
static void prune(struct fanout_index *x, struct fanout_name *n)
{
	while (n && !n->keys && !n->child) {
		struct fanout_name *parent = n->parent;
		free_name(x, n);
		n = parent;
	}
}

/* The node of a name, made with its ancestors if need be. From the root down, so that a parent is always there first.
 */
static struct fanout_name *get_name(struct fanout_index *x, const uint8_t *wire)
{
	struct fanout_name *parent = NULL;
	unsigned labels = wire_name_labels(wire);

	for (unsigned strip = labels + 1; strip-- > 0;) {
		const uint8_t *part = wire_name_strip(wire, strip);
		uint32_t hash = (uint32_t)wire_name_hash(part);
		struct fanout_name *n = find_name(x, part, hash);
		if (!n) {
			size_t len = wire_name_len(part);
			maybe_grow(x);
			n = mem_calloc(1, sizeof(*n) + len);
			if (!n) {
				prune(x, parent);
				return NULL;
			}
			n->hash = hash;
			memcpy(n->wire, part, len);
			link_name(x, n, parent);
			x->stats.name_count++;
			x->stats.memory += sizeof(*n) + len;
		}
		parent = n;
	}
	return parent;
}

struct fanout_key *fanout_key_get(struct fanout_index *x, const uint8_t *name, uint16_t type, uint16_t dns_class)
{
	struct fanout_name *n = get_name(x, name);
	if (!n) {
		return NULL;
	}
	for (struct fanout_key *k = n->keys; k; k = k->next) {
		if (k->type == type && k->dns_class == dns_class) {
			return k;
		}
	}
	struct fanout_key *k = mem_calloc(1, sizeof(*k));
	if (!k) {
		prune(x, n);
		return NULL;
	}
	k->name = n;
	k->type = type;
	k->dns_class = dns_class;
	k->next = n->keys;
	n->keys = k;
	x->stats.key_count++;
	x->stats.memory += sizeof(*k);
	return k;
}

void fanout_key_release(struct fanout_index *x, struct fanout_key *key)
{
	if (key->count > 0) {
		return;
	}
	struct fanout_key **link = &key->name->keys;
	while (*link != key) {
		link = &(*link)->next;
	}
	*link = key->next;
	prune(x, key->name);
	x->stats.key_count--;
	x->stats.memory -= sizeof(*key) + key->cap * sizeof(struct fanout_session *);
	mem_free(key->subscribers);
	mem_free(key);
}

int fanout_add(struct fanout_index *x, struct fanout_key *key, struct fanout_session *session)
{
	if (key->count == key->cap) {
		/* Most keys have one subscriber: start small. */
		uint32_t cap = key->cap ? key->cap * 2 : 1;
		struct fanout_session **grown = mem_realloc(key->subscribers, cap * sizeof(struct fanout_session *));
		if (!grown) {
			return ERR_NOMEM;
		}
		x->stats.memory += (cap - key->cap) * sizeof(struct fanout_session *);
		key->subscribers = grown;
		key->cap = cap;
	}
	key->subscribers[key->count++] = session;
	x->stats.subscription_count++;
	return 0;
}

void fanout_remove(struct fanout_index *x, struct fanout_key *key, struct fanout_session *session)
{
	for (uint32_t i = 0; i < key->count; i++) {
		if (key->subscribers[i] == session) {
			key->subscribers[i] = key->subscribers[--key->count];
			x->stats.subscription_count--;
			break;
		}
	}
	fanout_key_release(x, key);
}

static int walk_keys(struct fanout_name *n, fanout_key_fn each, void *context)
{
	for (struct fanout_key *k = n->keys; k; k = k->next) {
		int result = each(context, k);
		if (result) {
			return result;
		}
	}
	return 0;
}

int fanout_index_walk(struct fanout_index *x, const uint8_t *name, bool subtree, fanout_key_fn each, void *context)
{
	struct fanout_name *top = find_name(x, name, (uint32_t)wire_name_hash(name));
	if (!top) {
		return 0;
	}
	struct fanout_name *n = top;
	for (;;) {
		int result = walk_keys(n, each, context);
		if (result || !subtree) {
			return result;
		}
		if (n->child) {
			n = n->child;
			continue;
		}
		while (n != top && !n->after) {
			n = n->parent;
		}
		if (n == top) {
			return 0;
		}
		n = n->after;
	}
}

struct fanout_stats fanout_index_stats(const struct fanout_index *x)
{
	return x->stats;
}
