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

#endif
