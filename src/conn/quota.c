#include "conn/quota.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

/* Connections of one address; chained by hash. */
struct account {
	struct account *chain;
	size_t count;
	uint8_t key[8]; /* family, then 4 bytes of IPv4 or 7 of IPv6 */
};

enum { BUCKETS = 4096 };

struct conn_quota {
	pthread_mutex_t lock; /* taken at accept and close only, never on the way of a change */
	size_t total_max;
	size_t per_address_max;
	size_t total;
	struct account *buckets[BUCKETS];
};

struct conn_quota *conn_quota_new(size_t total_max, size_t per_address_max)
{
	struct conn_quota *q = mem_calloc(1, sizeof(*q));
	if (q) {
		pthread_mutex_init(&q->lock, NULL);
		q->total_max = total_max;
		q->per_address_max = per_address_max;
	}
	return q;
}

void conn_quota_free(struct conn_quota *q)
{
	if (!q) {
		return;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		while (q->buckets[i]) {
			struct account *a = q->buckets[i];
			q->buckets[i] = a->chain;
			mem_free(a);
		}
	}
	pthread_mutex_destroy(&q->lock);
	mem_free(q);
}

void conn_quota_configure(struct conn_quota *q, size_t total_max, size_t per_address_max)
{
	pthread_mutex_lock(&q->lock);
	q->total_max = total_max;
	q->per_address_max = per_address_max;
	pthread_mutex_unlock(&q->lock);
}

static void make_key(const struct net_address *peer, uint8_t key[8])
{
	memset(key, 0, 8);
	if (peer->sa.sa_family == AF_INET) {
		key[0] = 4;
		memcpy(key + 1, &peer->in.sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr)) {
		key[0] = 4;
		memcpy(key + 1, peer->in6.sin6_addr.s6_addr + 12, 4);
	} else {
		key[0] = 6;
		memcpy(key + 1, peer->in6.sin6_addr.s6_addr, 7);
	}
}

/* The link that points to the account of a key, or to where it would go. */
static struct account **find(struct conn_quota *q, const uint8_t key[8])
{
	struct account **link = &q->buckets[hash_bytes(key, 8) % BUCKETS];
	while (*link && memcmp((*link)->key, key, 8) != 0) {
		link = &(*link)->chain;
	}
	return link;
}

static int take_locked(struct conn_quota *q, const uint8_t key[8])
{
	if (q->total >= q->total_max) {
		return ERR_LIMIT;
	}
	struct account **link = find(q, key);
	if ((*link ? (*link)->count : 0) >= q->per_address_max) {
		return ERR_LIMIT;
	}
	if (!*link) {
		struct account *a = mem_calloc(1, sizeof(*a));
		if (!a) {
			return ERR_NOMEM;
		}
		memcpy(a->key, key, 8);
		*link = a;
	}
	(*link)->count++;
	q->total++;
	return 0;
}

int conn_quota_take(struct conn_quota *q, const struct net_address *peer)
{
	uint8_t key[8];
	make_key(peer, key);
	pthread_mutex_lock(&q->lock);
	int err = take_locked(q, key);
	pthread_mutex_unlock(&q->lock);
	return err;
}

void conn_quota_give(struct conn_quota *q, const struct net_address *peer)
{
	uint8_t key[8];
	make_key(peer, key);
	pthread_mutex_lock(&q->lock);
	struct account **link = find(q, key);
	if (*link) {
		struct account *a = *link;
		q->total--;
		if (--a->count == 0) {
			*link = a->chain;
			mem_free(a);
		}
	}
	pthread_mutex_unlock(&q->lock);
}

size_t conn_quota_count(struct conn_quota *q)
{
	pthread_mutex_lock(&q->lock);
	size_t count = q->total;
	pthread_mutex_unlock(&q->lock);
	return count;
}
