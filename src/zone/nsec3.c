#include "zone/nsec3.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/dns.h"

_Static_assert((int)ZONE_NSEC3_HASH_LEN == SHA_DIGEST_LENGTH, "NSEC3 hashes are SHA-1");

enum { NSEC3_HASH_SHA1 = 1, NSEC3_SALT_MAX = 255 };

bool zone_nsec3_params(const struct zone_snapshot *s, struct zone_nsec3_params *ret_params)
{
	const struct zone_node *apex = zone_snapshot_apex(s);
	const struct zone_rrset *set = apex ? zone_node_rrset(apex, DNS_TYPE_NSEC3PARAM) : NULL;
	if (!set || !zone_snapshot_has_nsec3(s)) {
		return false;
	}
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (zone_rrset_next(set, &offset, &rdata, &len)) {
		struct bytes_reader r;
		bytes_reader_init(&r, rdata, len);
		uint8_t algorithm = bytes_u8(&r);
		uint8_t flags = bytes_u8(&r);
		struct zone_nsec3_params params;
		params.iterations = bytes_u16(&r);
		params.salt_len = bytes_u8(&r);
		params.salt = bytes_take(&r, params.salt_len);
		/* Flags other than 0 mark a chain that is not complete (RFC 5155 4.1.2). */
		if (bytes_complete(&r) && algorithm == NSEC3_HASH_SHA1 && flags == 0 &&
		    params.iterations <= ZONE_NSEC3_ITERATIONS_MAX) {
			*ret_params = params;
			return true;
		}
	}
	return false;
}

bool zone_nsec3_hash(const struct zone_nsec3_params *params, const uint8_t *name, uint8_t ret_hash[ZONE_NSEC3_HASH_LEN])
{
	uint8_t input[DNS_NAME_MAX + NSEC3_SALT_MAX];
	size_t len = wire_name_len(name);
	memcpy(input, name, len);
	wire_name_lower(input);
	uint8_t hash[ZONE_NSEC3_HASH_LEN];
	for (unsigned i = 0; i <= params->iterations; i++) {
		if (params->salt_len > 0) {
			memcpy(input + len, params->salt, params->salt_len);
		}
		if (!SHA1(input, len + params->salt_len, hash)) {
			return false;
		}
		len = sizeof(hash);
		memcpy(input, hash, len);
	}
	memcpy(ret_hash, hash, sizeof(hash));
	return true;
}
