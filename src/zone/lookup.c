#include "zone/lookup.h"

#include "wire/dns.h"

/* Types that are answered at a CNAME's own name instead of following it: they belong to the CNAME (RFC 4035 2.5). */
static bool type_stays_at_cname(uint16_t type)
{
	return type == DNS_TYPE_CNAME || type == DNS_TYPE_ANY || type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC;
}

static bool is_apex(const struct zone_snapshot *s, const struct zone_node *node)
{
	return node == zone_snapshot_apex(s);
}

/* The topmost DNAME or zone cut strictly above the name, if any: what is below it is not answered from. */
static bool lookup_ancestors(const struct zone_snapshot *s, struct zone_lookup *l)
{
	struct zone_features features = zone_snapshot_features(s);
	if (features.dname_count == 0 && features.cut_count == 0) {
		return false;
	}
	for (unsigned i = 0; i < l->match.ancestor_count; i++) {
		const struct zone_node *node = l->match.ancestors[i];
		const struct zone_rrset *set = zone_node_rrset(node, DNS_TYPE_DNAME);
		if (set) {
			l->result = ZONE_RESULT_DNAME;
		} else if (!is_apex(s, node) && (set = zone_node_rrset(node, DNS_TYPE_NS))) {
			l->result = ZONE_RESULT_DELEGATION;
		} else {
			continue;
		}
		l->node = node;
		l->rrset = set;
		return true;
	}
	return false;
}

/* The answer from a node that exists; NULL is an empty non-terminal. */
static void lookup_node(const struct zone_snapshot *s, const struct zone_node *node, uint16_t type,
                        struct zone_lookup *l)
{
	l->node = node;
	l->result = ZONE_RESULT_NODATA;
	if (!node) {
		return;
	}
	/* A wildcard NS is plain data: RFC 4592 4.2 leaves it undefined, and no name is cut off by it. */
	if (!l->wildcard && !is_apex(s, node) && type != DNS_TYPE_DS) {
		l->rrset = zone_node_rrset(node, DNS_TYPE_NS);
		if (l->rrset) {
			l->result = ZONE_RESULT_DELEGATION;
			return;
		}
	}
	if (!type_stays_at_cname(type)) {
		l->rrset = zone_node_rrset(node, DNS_TYPE_CNAME);
		if (l->rrset) {
			l->result = ZONE_RESULT_CNAME;
			return;
		}
	}
	if (type == DNS_TYPE_ANY) {
		l->result = ZONE_RESULT_FOUND;
		return;
	}
	l->rrset = zone_node_rrset(node, type);
	if (l->rrset) {
		l->result = ZONE_RESULT_FOUND;
	}
}

void zone_lookup(const struct zone_snapshot *s, const uint8_t *name, uint16_t type, struct zone_lookup *ret_lookup)
{
	struct zone_lookup *l = ret_lookup;
	l->result = ZONE_RESULT_NXDOMAIN;
	l->node = NULL;
	l->rrset = NULL;
	l->wildcard = false;
	zone_search(s, name, &l->match);
	l->encloser_labels = l->match.encloser_labels;

	if (lookup_ancestors(s, l)) {
		return;
	}
	if (l->match.exists) {
		lookup_node(s, l->match.node, type, l);
		return;
	}
	/* Asked even in a zone without wildcard nodes: "*.x" may be an empty non-terminal (RFC 4592 2.2.2). */
	const uint8_t *encloser = wire_name_strip(name, wire_name_labels(name) - l->encloser_labels);
	struct wire_name wildcard;
	if (wire_name_wildcard(encloser, &wildcard)) {
		return;
	}
	struct zone_match match;
	zone_search(s, wildcard.data, &match);
	if (match.exists) {
		l->wildcard = true;
		lookup_node(s, match.node, type, l);
	}
}
