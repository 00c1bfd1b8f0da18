/*
 * DNS UPDATE (RFC 2136): prerequisites and updates of one message against one
 * transaction. Who may do it was decided before.
 */
#ifndef UPDATE_RFC2136_H
#define UPDATE_RFC2136_H

#include "wire/message.h"
#include "zone/store.h"

struct update_limits {
	uint32_t records_per_rrset; /* 10000; beyond: REFUSED */
	uint32_t types_per_name;    /* 100; beyond: REFUSED */
};

/*
 * The zone section of an UPDATE: exactly one question, type SOA, class IN.
 * 0 or ERR_FORMERR.
 */
int update_zone(const struct wire_message *m, struct wire_question *ret_zone);

/*
 * Check the prerequisites (RFC 2136 3.2), prescan (3.4.1) and apply the updates
 * (3.4.2) to the transaction; where anything changed and the update did not
 * itself raise it, the SOA serial is raised by one (RFC 1982; never to 0). The
 * caller commits on 0 and aborts on anything else: all or nothing. *ret_changed
 * says whether the zone differs (no change: no new version). 0, or an error whose
 * err_rcode() is the answer: FORMERR, NOTZONE, NXDOMAIN, YXDOMAIN, NXRRSET,
 * YXRRSET, REFUSED (limits), SERVFAIL.
 */
int update_apply(struct zone_txn *txn, const struct wire_message *m, const struct update_limits *limits,
                 bool *ret_changed);

#endif
