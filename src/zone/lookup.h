/*
 * The one lookup over one snapshot that every answer comes from: queries,
 * initial and later PUSH, the event stream (RFC 1034 4.3.2, RFC 4592, RFC 6672).
 */
#ifndef ZONE_LOOKUP_H
#define ZONE_LOOKUP_H

#include "zone/store.h"

enum zone_result {
	ZONE_RESULT_FOUND,      /* `rrset` of `node` (qtype ANY: all of `node`) */
	ZONE_RESULT_CNAME,      /* `rrset` is a CNAME, qtype is another */
	ZONE_RESULT_DNAME,      /* `rrset` is the DNAME of `node` above the name */
	ZONE_RESULT_DELEGATION, /* `node` is the zone cut at or above the name, `rrset` its NS */
	ZONE_RESULT_NODATA,     /* the name exists (or a wildcard does), the type does not */
	ZONE_RESULT_NXDOMAIN,
};

struct zone_lookup {
	enum zone_result result;
	const struct zone_node *node; /* where the data is (the wildcard itself if it matched) */
	const struct zone_rrset *rrset;
	bool wildcard;            /* answered from a wildcard */
	unsigned encloser_labels; /* labels of the closest encloser */
	struct zone_match match;
};

/* Look `name` (at or under the origin) and `type` up. */
void zone_lookup(const struct zone_snapshot *s, const uint8_t *name, uint16_t type, struct zone_lookup *ret_lookup);

#endif
