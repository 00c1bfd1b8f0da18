/*
 * The answer of an authoritative server to one query, section by section.
 */
#ifndef ZONE_ANSWER_H
#define ZONE_ANSWER_H

#include "wire/message.h"
#include "zone/lookup.h"

/*
 * Fill answer, authority and additional for a question inside the zone: CNAME
 * chains inside the zone, wildcards, DNAME with synthesized CNAME, referrals
 * with glue, NODATA and NXDOMAIN with the SOA at its negative TTL (RFC 2308),
 * ANY (all RRsets), additional addresses of NS, MX, SRV targets, and with `dnssec_ok`
 * RRSIG, DS, NSEC or NSEC3 proofs. The builder has the question already.
 * *ret_flags gets AA, TC and the RCODE. An answer or authority RRset that does
 * not fit sets TC; additional data is left out silently unless it is required
 * glue. Always 0 but for ERR_NOMEM.
 */
int zone_answer(const struct zone_snapshot *s, const struct wire_question *q, bool dnssec_ok, struct wire_builder *b,
                uint16_t *ret_flags);

#endif
