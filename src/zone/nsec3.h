/*
 * The hash of NSEC3 (RFC 5155 5).
 */
#ifndef ZONE_NSEC3_H
#define ZONE_NSEC3_H

#include <stddef.h>
#include <stdint.h>

#include "zone/store.h"

enum {
	ZONE_NSEC3_HASH_LEN = 20,
	/* Validators take more for insecure (RFC 9276 3.2), so nobody needs the work. */
	ZONE_NSEC3_ITERATIONS_MAX = 150,
};

struct zone_nsec3_params {
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt; /* into the snapshot */
};

/*
 * The parameters of the zone's chain, from the NSEC3PARAM at the apex. False
 * without a chain, with a hash other than SHA-1, or past the cap of iterations.
 */
bool zone_nsec3_params(const struct zone_snapshot *s, struct zone_nsec3_params *ret_params);

/* Hash a name, letter case aside. False if the hash is not to be had. */
bool zone_nsec3_hash(const struct zone_nsec3_params *params, const uint8_t *name,
                     uint8_t ret_hash[ZONE_NSEC3_HASH_LEN]);

#endif
