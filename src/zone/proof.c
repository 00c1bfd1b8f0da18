#include "zone/proof.h"

#include "wire/dns.h"
#include "zone/nsec3.h"

void zone_proof_init(struct zone_proof *p, const struct zone_snapshot *s)
{
	p->type = zone_snapshot_has_nsec3(s) ? DNS_TYPE_NSEC3 : DNS_TYPE_NSEC;
	p->count = 0;
}

static void add_node(struct zone_proof *p, const struct zone_node *node)
{
	if (!node || !zone_node_rrset(node, p->type) || p->count == ZONE_PROOF_MAX) {
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		if (p->nodes[i] == node) {
			return;
		}
	}
	p->nodes[p->count++] = node;
}

/* ---- NSEC ---- */

/*
 * The node that a lookup would stop at above or at `node`, because it is a zone
 * cut or a DNAME: what is below is not part of the chain, but it is, as the last
 * one before all that.
 */
static const struct zone_node *chain_node(const struct zone_snapshot *s, const struct zone_node *node)
{
	struct zone_match m;
	zone_search(s, zone_node_name(node), &m);
	for (unsigned i = 0; i < m.ancestor_count; i++) {
		const struct zone_node *ancestor = m.ancestors[i];
		bool apex = ancestor == zone_snapshot_apex(s);
		if (zone_node_rrset(ancestor, DNS_TYPE_DNAME) || (!apex && zone_node_rrset(ancestor, DNS_TYPE_NS))) {
			return ancestor;
		}
	}
	return node;
}

/* The NSEC that matches or covers the name. */
static void add_nsec_cover(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name)
{
	const struct zone_node *node = zone_find_before(s, name);
	if (node && !zone_node_rrset(node, DNS_TYPE_NSEC)) {
		node = chain_node(s, node);
	}
	add_node(p, node);
}

static const uint8_t *ancestor_of(const uint8_t *name, unsigned labels)
{
	return wire_name_strip(name, wire_name_labels(name) - labels);
}

static void nsec_nxdomain(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                          const struct zone_lookup *l)
{
	add_nsec_cover(p, s, name);
	struct wire_name wildcard;
	if (wire_name_wildcard(ancestor_of(name, l->encloser_labels), &wildcard) == 0) {
		add_nsec_cover(p, s, wildcard.data);
	}
}

static void nsec_nodata(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                        const struct zone_lookup *l)
{
	if (l->wildcard) {
		nsec_nxdomain(p, s, name, l);
	} else if (l->node) {
		add_node(p, l->node);
	} else {
		add_nsec_cover(p, s, name);
	}
}

/* ---- NSEC3 ---- */

/* The NSEC3 that matches the name (true), else the one that covers it. */
static bool find_nsec3(const struct zone_snapshot *s, const struct zone_nsec3_params *params, const uint8_t *name,
                       const struct zone_node **ret_node)
{
	uint8_t hash[ZONE_NSEC3_HASH_LEN];
	bool exact = false;
	*ret_node = NULL;
	if (zone_nsec3_hash(params, name, hash)) {
		*ret_node = zone_find_nsec3(s, hash, sizeof(hash), &exact);
	}
	return *ret_node && exact;
}

/* Add the NSEC3 that matches if `match`, that covers otherwise; the other kind proves nothing. */
static bool add_nsec3(struct zone_proof *p, const struct zone_snapshot *s, const struct zone_nsec3_params *params,
                      const uint8_t *name, bool match)
{
	const struct zone_node *node;
	if (find_nsec3(s, params, name, &node) != match || !node) {
		return false;
	}
	add_node(p, node);
	return true;
}

/*
 * The closest encloser proof (RFC 5155 7.2.1), from an ancestor with `labels`
 * upward: with opt-out an ancestor may have no NSEC3. Returns the labels of the
 * encloser that can be proved.
 */
static unsigned nsec3_encloser(struct zone_proof *p, const struct zone_snapshot *s,
                               const struct zone_nsec3_params *params, const uint8_t *name, unsigned labels,
                               bool with_match)
{
	unsigned origin_labels = wire_name_labels(zone_snapshot_origin(s));
	for (;; labels--) {
		const struct zone_node *node;
		if (find_nsec3(s, params, ancestor_of(name, labels), &node) || labels <= origin_labels) {
			if (with_match) {
				add_node(p, node);
			}
			break;
		}
	}
	add_nsec3(p, s, params, ancestor_of(name, labels + 1), false);
	return labels;
}

/* Add the NSEC3 for "*.<encloser>". */
static void nsec3_wildcard(struct zone_proof *p, const struct zone_snapshot *s, const struct zone_nsec3_params *params,
                           const uint8_t *name, unsigned encloser_labels, bool match)
{
	struct wire_name wildcard;
	if (wire_name_wildcard(ancestor_of(name, encloser_labels), &wildcard) == 0) {
		add_nsec3(p, s, params, wildcard.data, match);
	}
}

static void nsec3_nodata(struct zone_proof *p, const struct zone_snapshot *s, const struct zone_nsec3_params *params,
                         const uint8_t *name, const struct zone_lookup *l)
{
	if (l->wildcard) {
		unsigned labels = nsec3_encloser(p, s, params, name, l->encloser_labels, true);
		nsec3_wildcard(p, s, params, name, labels, true);
		return;
	}
	/* Without a match the name is there only for delegations that opt-out left out (RFC 5155 7.2.4). */
	unsigned labels = wire_name_labels(name);
	if (!add_nsec3(p, s, params, name, true) && labels > wire_name_labels(zone_snapshot_origin(s))) {
		nsec3_encloser(p, s, params, name, labels - 1, true);
	}
}

/* ---- either ---- */

void zone_prove_nxdomain(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                         const struct zone_lookup *l)
{
	struct zone_nsec3_params params;
	if (p->type == DNS_TYPE_NSEC) {
		nsec_nxdomain(p, s, name, l);
	} else if (zone_nsec3_params(s, &params)) {
		unsigned labels = nsec3_encloser(p, s, &params, name, l->encloser_labels, true);
		nsec3_wildcard(p, s, &params, name, labels, false);
	}
}

void zone_prove_nodata(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                       const struct zone_lookup *l)
{
	struct zone_nsec3_params params;
	if (p->type == DNS_TYPE_NSEC) {
		nsec_nodata(p, s, name, l);
	} else if (zone_nsec3_params(s, &params)) {
		nsec3_nodata(p, s, &params, name, l);
	}
}

void zone_prove_wildcard(struct zone_proof *p, const struct zone_snapshot *s, const uint8_t *name,
                         const struct zone_lookup *l)
{
	struct zone_nsec3_params params;
	if (p->type == DNS_TYPE_NSEC) {
		add_nsec_cover(p, s, name);
	} else if (zone_nsec3_params(s, &params)) {
		/* The signature's label count already names the encloser (RFC 5155 7.2.6). */
		nsec3_encloser(p, s, &params, name, l->encloser_labels, false);
	}
}

void zone_prove_no_ds(struct zone_proof *p, const struct zone_snapshot *s, const struct zone_node *cut)
{
	struct zone_lookup l = {.result = ZONE_RESULT_NODATA, .node = cut};
	zone_prove_nodata(p, s, zone_node_name(cut), &l);
}
