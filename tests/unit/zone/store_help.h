/*
 * What the tests of the store share: names and records from text, and a plain
 * random number generator with a seed.
 */
#ifndef TESTS_ZONE_STORE_HELP_H
#define TESTS_ZONE_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"
#include "zone/store.h"

/* Wire bytes of a name in text; valid for the next 16 calls. */
static inline const uint8_t *name(const char *text)
{
	static struct wire_name ring[16];
	static unsigned next;
	struct wire_name *n = &ring[next++ % 16];
	assert_int_equal(wire_name_from_text(text, strlen(text), NULL, n), 0);
	return n->data;
}

/* An address record 192.0.x.y; 0 or the error. */
static inline int add_a(struct zone_txn *t, const char *owner, unsigned number)
{
	uint8_t rdata[4] = {192, 0, (uint8_t)(number >> 8), (uint8_t)number};
	return zone_txn_add(t, name(owner), DNS_TYPE_A, 300, rdata, sizeof(rdata));
}

static inline int remove_a(struct zone_txn *t, const char *owner, unsigned number)
{
	uint8_t rdata[4] = {192, 0, (uint8_t)(number >> 8), (uint8_t)number};
	return zone_txn_remove(t, name(owner), DNS_TYPE_A, rdata, sizeof(rdata));
}

static inline int add_name(struct zone_txn *t, const char *owner, uint16_t type, const char *target)
{
	const uint8_t *rdata = name(target);
	return zone_txn_add(t, name(owner), type, 300, rdata, wire_name_len(rdata));
}

static inline int add_soa(struct zone_txn *t, const char *owner, uint32_t serial)
{
	uint8_t rdata[22] = {
	        0, 0, (uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8), (uint8_t)serial};
	return zone_txn_add(t, name(owner), DNS_TYPE_SOA, 300, rdata, sizeof(rdata));
}

/* A signature that covers a type, with a tag in it to tell two apart. */
static inline int add_rrsig(struct zone_txn *t, const char *owner, uint16_t covered, uint8_t tag)
{
	uint8_t rdata[20] = {(uint8_t)(covered >> 8), (uint8_t)covered, 13, 2};
	rdata[19] = tag; /* the signature; the signer's name is the root */
	return zone_txn_add(t, name(owner), DNS_TYPE_RRSIG, 300, rdata, sizeof(rdata));
}

static inline int add_nsec3(struct zone_txn *t, const char *owner, uint8_t next)
{
	uint8_t rdata[] = {1, 0, 0, 0, 0, 1, next, 0, 1, 0x40};
	return zone_txn_add(t, name(owner), DNS_TYPE_NSEC3, 300, rdata, sizeof(rdata));
}

static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* All that a version holds, as bytes to compare. Made with plain malloc, so that tests of failing memory can use it. */
struct dump {
	uint8_t *data;
	size_t len;
};

static inline void dump_put(struct dump *d, const void *data, size_t len)
{
	d->data = realloc(d->data, d->len + len + 1);
	assert_non_null(d->data);
	memcpy(d->data + d->len, data, len);
	d->len += len;
}

static inline struct dump dump_zone(const struct zone_snapshot *s)
{
	struct dump d = {NULL, 0};
	size_t nodes = 0, records = 0;
	struct zone_iterator *walk = zone_iterate(s, NULL);
	assert_non_null(walk);
	for (const struct zone_node *node; (node = zone_iterator_next(walk));) {
		nodes++;
		dump_put(&d, zone_node_name(node), wire_name_len(zone_node_name(node)));
		assert_true(zone_node_rrset_count(node) > 0);
		for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
			const struct zone_rrset *set = zone_node_rrset_at(node, i);
			assert_true(i == 0 || zone_node_rrset_at(node, i - 1)->type < set->type);
			assert_ptr_equal(zone_node_rrset(node, set->type), set);
			records += set->count;
			dump_put(&d, set, sizeof(*set) + set->size);
		}
	}
	zone_iterator_free(walk);
	assert_int_equal(nodes, zone_snapshot_node_count(s));
	assert_int_equal(records, zone_snapshot_record_count(s));
	dump_put(&d, "", 1);
	return d;
}

static inline bool dump_same(const struct dump *a, const struct dump *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The dump of the newest version. */
static inline struct dump dump_current(struct zone *z)
{
	struct zone_snapshot *s = zone_current(z);
	struct dump d = dump_zone(s);
	zone_snapshot_unref(s);
	return d;
}

#endif
