/*
 * Which NSEC or NSEC3 nodes prove a negative answer, a wildcard answer or an
 * unsigned delegation (RFC 4035 3.1.3, RFC 5155 7.2).
 */
#ifndef ZONE_PROOF_H
#define ZONE_PROOF_H

#include "zone/lookup.h"

/* Enough for the wildcards of the longest CNAME chain and the proof of its end. */
enum { ZONE_PROOF_MAX = 48 };

/* The owners of the records that prove it, without duplicates; empty in an unsigned zone. */
struct zone_proof {
	uint16_t type; /* NSEC or NSEC3 */
	size_t count;
	const struct zone_node *nodes[ZONE_PROOF_MAX];
};
/* An empty proof of the kind that the zone has. */
void zone_proof_init(struct zone_proof *p, const struct zone_snapshot *s);

/* Add to the proof: `name` does not exist and no wildcard answers for it. `l` is its lookup. */
void zone_prove_nxdomain(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                         const struct zone_lookup *l);
/* The name, or the wildcard that answers for it, does not have the type. */
void zone_prove_nodata(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                       const struct zone_lookup *l);
/* The wildcard was right to answer: there is no closer match. */
void zone_prove_wildcard(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                         const struct zone_lookup *l);
/* The zone cut has no DS. */
void zone_prove_no_ds(struct zone_proof *p, const struct zone_snapshot *s, const struct zone_node *cut);

#endif
