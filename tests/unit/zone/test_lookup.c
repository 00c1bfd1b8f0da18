#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zone/lookup.h"
#include "zone_text.h"

static const char records[] = "@ 3600 SOA ns hostmaster 1 7200 900 1209600 300\n"
                              "@ 3600 NS ns\n"
                              "ns 3600 A 192.0.2.1\n"
                              "www 3600 CNAME ns\n"
                              "a.b.ent 3600 TXT \"below\"\n"
                              "*.wild 3600 TXT \"wild\"\n"
                              "*.wild 3600 A 192.0.2.2\n"
                              "here.wild 3600 TXT \"here\"\n"
                              "sub.below.wild 3600 TXT \"here\"\n"
                              "*.alias 3600 CNAME ns\n"
                              "x.*.odd 3600 TXT \"the wildcard is an empty non-terminal\"\n"
                              "*.cut 3600 NS ns\n"
                              "dn 3600 DNAME wild\n"
                              "dn 3600 A 192.0.2.3\n"
                              "x.dn 3600 A 192.0.2.9\n"
                              "sub 3600 NS ns.sub\n"
                              "sub 3600 DS 1 13 200 00FF\n"
                              "ns.sub 3600 A 192.0.2.4\n"
                              "deep.sub 3600 NS ns.sub\n"
                              "d.deep.sub 3600 DNAME wild\n";

struct expectation {
	const char *name;
	uint16_t type;
	enum zone_result result;
	const char *node; /* NULL: none */
	uint16_t rrset;   /* type of the RRset; 0: none */
	bool wildcard;
	unsigned encloser_labels;
};

static const struct expectation table[] = {
        {"example.", DNS_TYPE_SOA, ZONE_RESULT_FOUND, "example.", DNS_TYPE_SOA, false, 1},
        {"EXAMPLE.", DNS_TYPE_NS, ZONE_RESULT_FOUND, "example.", DNS_TYPE_NS, false, 1},
        {"example.", DNS_TYPE_A, ZONE_RESULT_NODATA, "example.", 0, false, 1},
        {"example.", DNS_TYPE_ANY, ZONE_RESULT_FOUND, "example.", 0, false, 1},
        {"example.", DNS_TYPE_DS, ZONE_RESULT_NODATA, "example.", 0, false, 1},
        {"Ns", DNS_TYPE_A, ZONE_RESULT_FOUND, "ns", DNS_TYPE_A, false, 2},
        {"ns", DNS_TYPE_AAAA, ZONE_RESULT_NODATA, "ns", 0, false, 2},
        {"nosuch", DNS_TYPE_A, ZONE_RESULT_NXDOMAIN, NULL, 0, false, 1},
        {"x.ns", DNS_TYPE_A, ZONE_RESULT_NXDOMAIN, NULL, 0, false, 2},
        {"www", DNS_TYPE_A, ZONE_RESULT_CNAME, "www", DNS_TYPE_CNAME, false, 2},
        {"www", DNS_TYPE_CNAME, ZONE_RESULT_FOUND, "www", DNS_TYPE_CNAME, false, 2},
        {"www", DNS_TYPE_ANY, ZONE_RESULT_FOUND, "www", 0, false, 2},
        {"www", DNS_TYPE_RRSIG, ZONE_RESULT_NODATA, "www", 0, false, 2},
        {"www", DNS_TYPE_NSEC, ZONE_RESULT_NODATA, "www", 0, false, 2},
        {"ent", DNS_TYPE_A, ZONE_RESULT_NODATA, NULL, 0, false, 2},
        {"b.ent", DNS_TYPE_ANY, ZONE_RESULT_NODATA, NULL, 0, false, 3},
        {"c.b.ent", DNS_TYPE_A, ZONE_RESULT_NXDOMAIN, NULL, 0, false, 3},
        {"x.wild", DNS_TYPE_A, ZONE_RESULT_FOUND, "*.wild", DNS_TYPE_A, true, 2},
        {"x.y.wild", DNS_TYPE_TXT, ZONE_RESULT_FOUND, "*.wild", DNS_TYPE_TXT, true, 2},
        {"x.wild", DNS_TYPE_ANY, ZONE_RESULT_FOUND, "*.wild", 0, true, 2},
        {"x.wild", DNS_TYPE_MX, ZONE_RESULT_NODATA, "*.wild", 0, true, 2},
        {"*.wild", DNS_TYPE_A, ZONE_RESULT_FOUND, "*.wild", DNS_TYPE_A, false, 3},
        {"here.wild", DNS_TYPE_A, ZONE_RESULT_NODATA, "here.wild", 0, false, 3},
        {"x.here.wild", DNS_TYPE_A, ZONE_RESULT_NXDOMAIN, NULL, 0, false, 3},
        {"x.below.wild", DNS_TYPE_A, ZONE_RESULT_NXDOMAIN, NULL, 0, false, 3},
        {"wild", DNS_TYPE_A, ZONE_RESULT_NODATA, NULL, 0, false, 2},
        {"x.alias", DNS_TYPE_A, ZONE_RESULT_CNAME, "*.alias", DNS_TYPE_CNAME, true, 2},
        {"x.odd", DNS_TYPE_A, ZONE_RESULT_NODATA, NULL, 0, true, 2},
        {"x.cut", DNS_TYPE_NS, ZONE_RESULT_FOUND, "*.cut", DNS_TYPE_NS, true, 2},
        {"x.cut", DNS_TYPE_A, ZONE_RESULT_NODATA, "*.cut", 0, true, 2},
        {"dn", DNS_TYPE_A, ZONE_RESULT_FOUND, "dn", DNS_TYPE_A, false, 2},
        {"dn", DNS_TYPE_DNAME, ZONE_RESULT_FOUND, "dn", DNS_TYPE_DNAME, false, 2},
        {"y.dn", DNS_TYPE_A, ZONE_RESULT_DNAME, "dn", DNS_TYPE_DNAME, false, 2},
        {"x.dn", DNS_TYPE_A, ZONE_RESULT_DNAME, "dn", DNS_TYPE_DNAME, false, 3},
        {"sub", DNS_TYPE_A, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 2},
        {"sub", DNS_TYPE_NS, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 2},
        {"sub", DNS_TYPE_ANY, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 2},
        {"sub", DNS_TYPE_DS, ZONE_RESULT_FOUND, "sub", DNS_TYPE_DS, false, 2},
        {"ns.sub", DNS_TYPE_A, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 3},
        {"deep.sub", DNS_TYPE_DS, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 3},
        {"x.d.deep.sub", DNS_TYPE_A, ZONE_RESULT_DELEGATION, "sub", DNS_TYPE_NS, false, 4},
};

static void test_table(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	struct zone_snapshot *s = zone_current(z);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expectation *e = &table[i];
		struct wire_name name = test_name(e->name);
		struct zone_lookup l;
		zone_lookup(s, name.data, e->type, &l);
		if (l.result != e->result || l.wildcard != e->wildcard || l.encloser_labels != e->encloser_labels) {
			fail_msg("%s type %u: result %d wildcard %d encloser %u", e->name, e->type, (int)l.result,
			         (int)l.wildcard, l.encloser_labels);
		}
		struct wire_name node = test_name(e->node ? e->node : ".");
		if (!l.node != !e->node || (l.node && !wire_name_equal(zone_node_name(l.node), node.data))) {
			fail_msg("%s type %u: wrong node", e->name, e->type);
		}
		if ((l.rrset ? l.rrset->type : 0) != e->rrset) {
			fail_msg("%s type %u: wrong RRset", e->name, e->type);
		}
	}
	zone_snapshot_unref(s);
	zone_free(z);
}

static void test_empty_zone(void **state)
{
	(void)state;
	struct zone *z = zone_new((const uint8_t *)"\7example");
	struct zone_snapshot *s = zone_current(z);
	struct wire_name name = test_name("x");
	struct zone_lookup l;
	zone_lookup(s, name.data, DNS_TYPE_A, &l);
	assert_int_equal(l.result, ZONE_RESULT_NXDOMAIN);
	assert_null(l.node);
	zone_snapshot_unref(s);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_table),
	        cmocka_unit_test(test_empty_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
