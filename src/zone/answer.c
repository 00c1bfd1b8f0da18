#include "zone/answer.h"

#include "base/bytes.h"
#include "base/err.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "zone/proof.h"

enum {
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	SOA_NUMBERS_LEN = 20, /* serial, refresh, retry, expire, minimum at the end of SOA rdata */
	/* CNAMEs and DNAMEs followed: more than anybody needs; a loop ends sooner. */
	CHAIN_MAX = 16,
	/* RRsets in a message that are remembered, so that none is put twice. */
	PLACED_MAX = 256,
	/* RRsets whose targets' addresses are added. */
	TARGETS_MAX = 32,
};

/* An RRset that stands in the message. */
struct placed {
	const uint8_t *owner;
	const struct zone_rrset *set;
};

/* One answer under construction. */
struct answer {
	const struct zone_snapshot *snapshot;
	struct wire_builder *builder;
	uint16_t qtype;
	bool dnssec_ok;
	bool sigs_apart; /* ANY gets the signatures as an RRset of their own */
	bool truncated;
	unsigned rcode;
	bool authoritative;

	const uint8_t *name; /* what is looked up now: the question or the end of a chain */
	unsigned chain_count;
	const uint8_t *chain[CHAIN_MAX];         /* owners of the chain so far */
	struct wire_name synthesized[CHAIN_MAX]; /* targets of CNAMEs made from DNAMEs */
	struct zone_proof proof;                 /* of the wildcards used, then of the end */

	size_t placed_count;
	struct placed placed[PLACED_MAX];
	size_t targets_count;
	struct placed targets[TARGETS_MAX];
	const uint8_t *cut; /* zone cut of a referral: addresses below it are required */
};

/* ---- RRsets into the message ---- */

static bool is_placed(const struct answer *a, const uint8_t *owner, const struct zone_rrset *set)
{
	for (size_t i = 0; i < a->placed_count; i++) {
		if (a->placed[i].set == set && wire_name_equal(a->placed[i].owner, owner)) {
			return true;
		}
	}
	return false;
}

static bool has_targets(uint16_t type)
{
	return type == DNS_TYPE_NS || type == DNS_TYPE_MX || type == DNS_TYPE_SRV || type == TYPE_SVCB ||
	       type == TYPE_HTTPS;
}

static void remember(struct answer *a, const uint8_t *owner, const struct zone_rrset *set)
{
	struct placed placed = {.owner = owner, .set = set};
	if (a->placed_count < PLACED_MAX) {
		a->placed[a->placed_count++] = placed;
	}
	if (has_targets(set->type) && a->builder->section != WIRE_SECTION_ADDITIONAL &&
	    a->targets_count < TARGETS_MAX) {
		a->targets[a->targets_count++] = placed;
	}
}

static int put_rr(struct answer *a, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	return wire_build_rr(a->builder, owner, type, DNS_CLASS_IN, ttl, rdata, len, WIRE_COMPRESS_STANDARD);
}

static uint16_t covered_type(const uint8_t *rrsig_rdata)
{
	return bytes_load_u16(rrsig_rdata);
}

/* The signatures of one type at the node, with the TTL of what they sign (RFC 4034 3). */
static int put_signatures(struct answer *a, const uint8_t *owner, const struct zone_node *node, uint16_t type,
                          uint32_t ttl)
{
	const struct zone_rrset *set = zone_node_rrset(node, DNS_TYPE_RRSIG);
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (set && zone_rrset_next(set, &offset, &rdata, &len)) {
		if (covered_type(rdata) == type) {
			int err = put_rr(a, owner, DNS_TYPE_RRSIG, ttl, rdata, len);
			if (err) {
				return err;
			}
		}
	}
	return 0;
}

/* All RRSIGs of a node as an answer of their own, each with the TTL of what it signs. */
static int put_records_rrsig(struct answer *a, const uint8_t *owner, const struct zone_node *node,
                             const struct zone_rrset *set)
{
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (zone_rrset_next(set, &offset, &rdata, &len)) {
		const struct zone_rrset *signed_set = zone_node_rrset(node, covered_type(rdata));
		int err = put_rr(a, owner, DNS_TYPE_RRSIG, signed_set ? signed_set->ttl : set->ttl, rdata, len);
		if (err) {
			return err;
		}
	}
	return 0;
}

static int put_records(struct answer *a, const uint8_t *owner, const struct zone_rrset *set, uint32_t ttl)
{
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (zone_rrset_next(set, &offset, &rdata, &len)) {
		int err = put_rr(a, owner, set->type, ttl, rdata, len);
		if (err) {
			return err;
		}
	}
	return 0;
}

/*
 * Put an RRset of the node with its signatures, all or nothing; `owner` differs
 * from the node's name where a wildcard is expanded. False if it does not fit.
 */
static bool put_set_ttl(struct answer *a, const uint8_t *owner, const struct zone_node *node,
                        const struct zone_rrset *set, uint32_t ttl)
{
	if (is_placed(a, owner, set)) {
		return true;
	}
	struct wire_builder_mark mark = wire_build_mark(a->builder);
	int err;
	if (set->type == DNS_TYPE_RRSIG) {
		err = put_records_rrsig(a, owner, node, set);
	} else {
		err = put_records(a, owner, set, ttl);
		if (!err && a->dnssec_ok && !a->sigs_apart) {
			err = put_signatures(a, owner, node, set->type, ttl);
		}
	}
	if (err) {
		wire_build_undo(a->builder, &mark);
		return false;
	}
	remember(a, owner, set);
	return true;
}

static bool put_set(struct answer *a, const uint8_t *owner, const struct zone_node *node, const struct zone_rrset *set)
{
	return put_set_ttl(a, owner, node, set, set->ttl);
}

/* As put_set() for what the answer cannot do without: sets TC if it does not fit. */
static void put_required(struct answer *a, const uint8_t *owner, const struct zone_node *node,
                         const struct zone_rrset *set)
{
	if (!a->truncated && !put_set(a, owner, node, set)) {
		a->truncated = true;
	}
}

/* ---- the answer section ---- */

static void answer_found(struct answer *a, const struct zone_lookup *l)
{
	if (l->wildcard && a->dnssec_ok) {
		zone_prove_wildcard(&a->proof, a->snapshot, a->name, l);
	}
	if (l->rrset) {
		put_required(a, a->name, l->node, l->rrset);
		return;
	}
	a->sigs_apart = true;
	for (size_t i = 0; i < zone_node_rrset_count(l->node); i++) {
		put_required(a, a->name, l->node, zone_node_rrset_at(l->node, i));
	}
	a->sigs_apart = false;
}

/* First record of an RRset that has one by its type. */
static const uint8_t *single_rdata(const struct zone_rrset *set)
{
	size_t offset = 0;
	const uint8_t *rdata = NULL;
	uint16_t len;
	zone_rrset_next(set, &offset, &rdata, &len);
	return rdata;
}

/* Go on with the target: false if it leaves the zone, was there before, or the chain is too long. */
static bool follow(struct answer *a, const uint8_t *target)
{
	if (a->truncated || a->chain_count == CHAIN_MAX ||
	    !wire_name_is_under(target, zone_snapshot_origin(a->snapshot))) {
		return false;
	}
	for (unsigned i = 0; i < a->chain_count; i++) {
		if (wire_name_equal(a->chain[i], target)) {
			return false;
		}
	}
	a->name = target;
	return true;
}

static bool answer_cname(struct answer *a, const struct zone_lookup *l)
{
	a->chain[a->chain_count++] = a->name;
	if (l->wildcard && a->dnssec_ok) {
		zone_prove_wildcard(&a->proof, a->snapshot, a->name, l);
	}
	put_required(a, a->name, l->node, l->rrset);
	return follow(a, single_rdata(l->rrset));
}

/* The DNAME and the CNAME made from it, which has its TTL and no signature (RFC 6672 3.1, 5.3.1). */
static bool answer_dname(struct answer *a, const struct zone_lookup *l)
{
	const uint8_t *owner = zone_node_name(l->node);
	put_required(a, owner, l->node, l->rrset);
	struct wire_name *target = &a->synthesized[a->chain_count];
	if (wire_name_replace_suffix(a->name, owner, single_rdata(l->rrset), target)) {
		a->rcode = DNS_RCODE_YXDOMAIN;
		return false;
	}
	a->chain[a->chain_count++] = a->name;
	if (!a->truncated && put_rr(a, a->name, DNS_TYPE_CNAME, l->rrset->ttl, target->data, target->len)) {
		a->truncated = true;
	}
	/* The CNAME itself may be what was asked for. */
	return a->qtype != DNS_TYPE_CNAME && follow(a, target->data);
}

/* ---- the authority section ---- */

static void put_proof(struct answer *a)
{
	for (size_t i = 0; i < a->proof.count; i++) {
		const struct zone_node *node = a->proof.nodes[i];
		put_required(a, zone_node_name(node), node, zone_node_rrset(node, a->proof.type));
	}
}

/* The SOA with the TTL that a resolver keeps the denial for (RFC 2308 3). */
static void put_soa(struct answer *a)
{
	const struct zone_node *apex = zone_snapshot_apex(a->snapshot);
	const struct zone_rrset *soa = apex ? zone_node_rrset(apex, DNS_TYPE_SOA) : NULL;
	if (!soa || a->truncated) {
		return;
	}
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	uint32_t ttl = soa->ttl;
	if (zone_rrset_next(soa, &offset, &rdata, &len) && len >= SOA_NUMBERS_LEN) {
		uint32_t minimum = bytes_load_u32(rdata + len - 4);
		ttl = minimum < ttl ? minimum : ttl;
	}
	if (!put_set_ttl(a, zone_node_name(apex), apex, soa, ttl)) {
		a->truncated = true;
	}
}

/* Is the zone signed? Only then a DS means anything. */
static bool is_signed(const struct zone_snapshot *s)
{
	const struct zone_node *apex = zone_snapshot_apex(s);
	return apex && zone_node_rrset(apex, DNS_TYPE_RRSIG);
}

/* NS of the cut, and what proves how its child is signed (RFC 4035 3.1.4). */
static void put_referral(struct answer *a, const struct zone_lookup *l)
{
	a->cut = zone_node_name(l->node);
	put_required(a, a->cut, l->node, l->rrset);
	if (!a->dnssec_ok || !is_signed(a->snapshot)) {
		return;
	}
	const struct zone_rrset *ds = zone_node_rrset(l->node, DNS_TYPE_DS);
	if (ds) {
		put_required(a, a->cut, l->node, ds);
	} else {
		zone_prove_no_ds(&a->proof, a->snapshot, l->node);
	}
}

static void put_authority(struct answer *a, const struct zone_lookup *l)
{
	wire_build_section(a->builder, WIRE_SECTION_AUTHORITY);
	switch (l->result) {
	case ZONE_RESULT_NXDOMAIN:
		a->rcode = DNS_RCODE_NXDOMAIN;
		put_soa(a);
		if (a->dnssec_ok) {
			zone_prove_nxdomain(&a->proof, a->snapshot, a->name, l);
		}
		break;
	case ZONE_RESULT_NODATA:
		put_soa(a);
		if (a->dnssec_ok) {
			zone_prove_nodata(&a->proof, a->snapshot, a->name, l);
		}
		break;
	case ZONE_RESULT_DELEGATION:
		/* Below a chain the answer section is ours, so AA stays (RFC 1034 4.3.2, RFC 2181 10.1). */
		a->authoritative = a->chain_count > 0;
		put_referral(a, l);
		break;
	case ZONE_RESULT_FOUND:
	case ZONE_RESULT_CNAME:
	case ZONE_RESULT_DNAME:
		break;
	}
	if (a->dnssec_ok) {
		put_proof(a);
	}
}

/* ---- the additional section ---- */

/* Where the target name stands in the rdata of types that have one. */
static const uint8_t *target_of(uint16_t type, const uint8_t *rdata)
{
	switch (type) {
	case DNS_TYPE_MX:
	case TYPE_SVCB:
	case TYPE_HTTPS:
		return rdata + 2;
	case DNS_TYPE_SRV:
		return rdata + 6;
	default:
		return rdata;
	}
}

/* The node that holds the target's records, glue included; NULL if it has none here. */
static const struct zone_node *target_node(const struct answer *a, const uint8_t *target)
{
	if (!wire_name_is_under(target, zone_snapshot_origin(a->snapshot))) {
		return NULL;
	}
	const struct zone_node *node = zone_find(a->snapshot, target);
	if (node) {
		return node;
	}
	struct zone_lookup l;
	zone_lookup(a->snapshot, target, DNS_TYPE_ANY, &l);
	return l.wildcard ? l.node : NULL;
}

/* A record's target: its addresses, and SVCB or HTTPS leads on to its own kind (RFC 9460 4.1). */
static void put_target(struct answer *a, uint16_t type, const uint8_t *target, bool required)
{
	const struct zone_node *node = target_node(a, target);
	if (!node) {
		return;
	}
	const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, type};
	size_t count = type == TYPE_SVCB || type == TYPE_HTTPS ? 3 : 2;
	for (size_t i = 0; i < count; i++) {
		const struct zone_rrset *set = zone_node_rrset(node, types[i]);
		if (set && !put_set(a, target, node, set) && required) {
			a->truncated = true;
		}
	}
}

/*
 * Addresses of the targets: with `required` only those that a referral cannot
 * do without (RFC 9471: servers named below the cut), otherwise the others.
 */
static void put_targets(struct answer *a, bool required)
{
	for (size_t i = 0; i < a->targets_count; i++) {
		const struct zone_rrset *set = a->targets[i].set;
		size_t offset = 0;
		const uint8_t *rdata;
		uint16_t len;
		while (zone_rrset_next(set, &offset, &rdata, &len)) {
			const uint8_t *target = target_of(set->type, rdata);
			bool below_cut = a->cut && wire_name_is_under(target, a->cut);
			if (below_cut == required) {
				put_target(a, set->type, target, required);
			}
		}
	}
}

static void put_additional(struct answer *a)
{
	wire_build_section(a->builder, WIRE_SECTION_ADDITIONAL);
	if (a->truncated || a->targets_count == 0) {
		return;
	}
	put_targets(a, true);
	if (!a->truncated) {
		put_targets(a, false);
	}
}

int zone_answer(const struct zone_snapshot *s, const struct wire_question *q, bool dnssec_ok, struct wire_builder *b,
                uint16_t *ret_flags)
{
	struct answer a;
	a.snapshot = s;
	a.builder = b;
	a.qtype = q->type;
	a.dnssec_ok = dnssec_ok;
	a.sigs_apart = false;
	a.truncated = false;
	a.rcode = DNS_RCODE_NOERROR;
	a.authoritative = true;
	a.name = q->name.data;
	a.chain_count = 0;
	a.placed_count = 0;
	a.targets_count = 0;
	a.cut = NULL;
	zone_proof_init(&a.proof, s);

	struct zone_lookup l;
	wire_build_section(b, WIRE_SECTION_ANSWER);
	bool again;
	do {
		again = false;
		zone_lookup(s, a.name, q->type, &l);
		if (l.result == ZONE_RESULT_FOUND) {
			answer_found(&a, &l);
		} else if (l.result == ZONE_RESULT_CNAME) {
			again = answer_cname(&a, &l);
		} else if (l.result == ZONE_RESULT_DNAME) {
			again = answer_dname(&a, &l);
		}
	} while (again);
	put_authority(&a, &l);
	put_additional(&a);

	*ret_flags = (uint16_t)((a.authoritative ? DNS_FLAG_AA : 0) | (a.truncated ? DNS_FLAG_TC : 0) | a.rcode);
	return 0;
}
