#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "zone/answer.h"
#include "zone/view.h"
#include "zone_text.h"

static char text[65536];

/* Changes as lines: "+ OWNER TTL TYPE RDATA", "- OWNER TYPE RDATA", "-- OWNER TYPE". */
static const char *list_text(const struct feed_list *list)
{
	char *at = text;
	*at = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct feed_change *c = &list->items[i];
		assert_int_equal(c->dns_class, DNS_CLASS_IN);
		char name[WIRE_NAME_TEXT_MAX];
		char type[WIRE_TYPE_TEXT_MAX];
		wire_name_to_text(c->owner, name, sizeof(name));
		switch (c->op) {
		case FEED_ADD:
		case FEED_REMOVE:
			at += sprintf(at, c->op == FEED_ADD ? "+ " : "- ");
			at = test_record_text(at, (size_t)(text + sizeof(text) - at), c->owner, c->ttl, c->type,
			                      c->rdata, c->rdata_len);
			break;
		case FEED_REMOVE_RRSET:
		case FEED_REMOVE_CLASS:
			assert_null(c->rdata);
			at += sprintf(at, "%s %s %s\n", c->op == FEED_REMOVE_RRSET ? "--" : "---", name,
			              wire_type_to_text(c->type, type));
			break;
		default:
			fail_msg("unexpected op %d", c->op);
		}
	}
	return text;
}

/* A question held against successive versions. */
struct watch {
	struct wire_name name;
	uint16_t type;
	struct zone_snapshot *snapshot;
	struct zone_view view;
};

static void watch_start(struct watch *w, struct zone *z, const char *name, uint16_t type)
{
	w->name = test_name(name);
	w->type = type;
	w->snapshot = zone_current(z);
	zone_view_init(&w->view);
	assert_int_equal(zone_view_fill(&w->view, w->snapshot, w->name.data, type, DNS_CLASS_IN), 0);
}

static void watch_stop(struct watch *w)
{
	zone_view_done(&w->view);
	zone_snapshot_unref(w->snapshot);
}

/* What a change of the zone pushes. */
static const char *watch_change(struct watch *w, struct zone *z, const char *removals, const char *additions)
{
	zone_changeset_unref(test_change(z, removals, additions));
	struct watch next = {.name = w->name};
	next.type = w->type;
	next.snapshot = zone_current(z);
	zone_view_init(&next.view);
	assert_int_equal(zone_view_fill(&next.view, next.snapshot, w->name.data, w->type, DNS_CLASS_IN), 0);
	struct feed_list changes;
	feed_list_init(&changes);
	assert_int_equal(zone_view_diff(&w->view, &next.view, &changes), 0);
	list_text(&changes);
	feed_list_done(&changes);
	watch_stop(w);
	w->snapshot = next.snapshot;
	w->view = next.view;
	/* Owners point to the name of the watch itself from now on. */
	for (size_t i = 0; i < w->view.records.count; i++) {
		w->view.records.items[i].owner = w->name.data;
		if (w->view.records.items[i].rdata == next.view.synthesized.data) {
			w->view.records.items[i].rdata = w->view.synthesized.data;
		}
	}
	return text;
}

static const char *view_text(struct zone *z, const char *name, uint16_t type)
{
	struct watch w;
	watch_start(&w, z, name, type);
	list_text(&w.view.records);
	watch_stop(&w);
	return text;
}

#define SOA "@ 60 SOA ns hostmaster 1 1 1 1 1\n"

static const char records[] = SOA "host 60 A 192.0.2.1\n"
                                  "host 60 A 192.0.2.2\n"
                                  "host 30 TXT \"text\"\n"
                                  "host 60 RRSIG TXT 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
                                  "host 60 NSEC www A TXT RRSIG NSEC\n"
                                  "www 60 CNAME host\n"
                                  "a.ent 60 TXT \"x\"\n"
                                  "*.wild 60 A 192.0.2.3\n"
                                  "*.wild 60 TXT \"w\"\n"
                                  "*.alias 60 CNAME host\n"
                                  "here.wild 60 TXT \"here\"\n"
                                  "dn 90 DNAME wild\n"
                                  "sub 60 NS ns.sub\n"
                                  "sub 60 DS 1 13 200 00FF\n"
                                  "ns.sub 60 A 192.0.2.4\n";

/* The question's own letters are the owner's; types come in ascending order. */
static void test_records_of_one_type(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	assert_string_equal(view_text(z, "HOST", DNS_TYPE_A),
	                    "+ HOST.example. 60 A 192.0.2.1\n+ HOST.example. 60 A 192.0.2.2\n");
	assert_string_equal(view_text(z, "host", DNS_TYPE_AAAA), "");
	zone_free(z);
}

/* PUSH-005: a CNAME matches every type; PUSH-046: TYPE=CNAME only CNAME, and the alias is not followed. */
static void test_push_005_push_046_cname(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	assert_string_equal(view_text(z, "www", DNS_TYPE_A), "+ www.example. 60 CNAME host.example.\n");
	assert_string_equal(view_text(z, "www", DNS_TYPE_CNAME), "+ www.example. 60 CNAME host.example.\n");
	assert_string_equal(view_text(z, "www", DNS_TYPE_ANY), "+ www.example. 60 CNAME host.example.\n");
	assert_string_equal(view_text(z, "www", DNS_TYPE_RRSIG), "+ www.example. 60 CNAME host.example.\n");
	assert_string_equal(view_text(z, "host", DNS_TYPE_CNAME), "");
	assert_string_equal(view_text(z, "x.alias", DNS_TYPE_TXT), "+ x.alias.example. 60 CNAME host.example.\n");
	struct watch w;
	watch_start(&w, z, "www", DNS_TYPE_A);
	/* The alias's target changes: not a word. */
	assert_string_equal(watch_change(&w, z, "host 60 A 192.0.2.1\n", ""), "");
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-045: "*" in a question is a label like any other. */
static void test_push_045_literal_wildcard(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	assert_string_equal(view_text(z, "*.wild", DNS_TYPE_A), "+ *.wild.example. 60 A 192.0.2.3\n");
	assert_string_equal(view_text(z, "*.ent", DNS_TYPE_TXT), "");
	zone_free(z);
}

/* PUSH-003 with B11: what a wildcard or a DNAME makes for a name is pushed as polling would show it. */
static void test_push_003_synthesized(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	assert_string_equal(view_text(z, "x.wild", DNS_TYPE_A), "+ x.wild.example. 60 A 192.0.2.3\n");
	assert_string_equal(view_text(z, "x.y.wild", DNS_TYPE_ANY),
	                    "+ x.y.wild.example. 60 A 192.0.2.3\n+ x.y.wild.example. 60 TXT \"w\"\n");
	assert_string_equal(view_text(z, "here.wild", DNS_TYPE_A), "");
	assert_string_equal(view_text(z, "x.here.wild", DNS_TYPE_A), "");
	assert_string_equal(view_text(z, "x.dn", DNS_TYPE_A), "+ x.dn.example. 90 CNAME x.wild.example.\n");
	assert_string_equal(view_text(z, "x.dn", DNS_TYPE_CNAME), "+ x.dn.example. 90 CNAME x.wild.example.\n");
	assert_string_equal(view_text(z, "dn", DNS_TYPE_A), "");
	zone_free(z);
}

/* PUSH-003 over time: the name comes up over the wildcard, and goes. */
static void test_push_003_wildcard_withdrawn(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	struct watch w;
	watch_start(&w, z, "x.wild", DNS_TYPE_A);
	assert_string_equal(watch_change(&w, z, "", "x.wild 60 A 192.0.2.9\n"),
	                    "- x.wild.example. 0 A 192.0.2.3\n+ x.wild.example. 60 A 192.0.2.9\n");
	assert_string_equal(watch_change(&w, z, "x.wild 60 A 192.0.2.9\n", "x.wild 60 TXT \"t\"\n"),
	                    "- x.wild.example. 0 A 192.0.2.9\n");
	assert_string_equal(watch_change(&w, z, "x.wild 60 TXT \"t\"\n", ""), "+ x.wild.example. 60 A 192.0.2.3\n");
	/* A name below makes it an empty non-terminal. */
	assert_string_equal(watch_change(&w, z, "", "a.x.wild 60 TXT \"t\"\n"), "- x.wild.example. 0 A 192.0.2.3\n");
	assert_string_equal(watch_change(&w, z, "a.x.wild 60 TXT \"t\"\n", ""), "+ x.wild.example. 60 A 192.0.2.3\n");
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-047: a name or type that is not there is no error, and its records come later. */
static void test_push_047_unknown_name(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	struct watch w;
	watch_start(&w, z, "later", DNS_TYPE_AAAA);
	assert_true(w.view.authoritative);
	assert_true(w.view.name_empty);
	assert_int_equal(w.view.records.count, 0);
	assert_string_equal(watch_change(&w, z, "", "later 60 A 192.0.2.1\n"), "");
	assert_false(w.view.name_empty);
	assert_string_equal(watch_change(&w, z, "", "later 60 AAAA 2001:db8::1\n"),
	                    "+ later.example. 60 AAAA 2001:db8::1\n");
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-048: ANY is all types; class ANY is class IN here. B22: DNSSEC records come only to who asks. */
static void test_push_048_any(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	static const char rrsig[] =
	        "+ host.example. 30 RRSIG TXT 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n";
	char expected[1024];
	sprintf(expected,
	        "+ host.example. 60 A 192.0.2.1\n+ host.example. 60 A 192.0.2.2\n+ host.example. 30 TXT \"text\"\n"
	        "%s+ host.example. 60 NSEC www.example. A TXT RRSIG NSEC\n",
	        rrsig);
	assert_string_equal(view_text(z, "host", DNS_TYPE_ANY), expected);
	/* A signature has the TTL of what it signs. */
	assert_string_equal(view_text(z, "host", DNS_TYPE_RRSIG), rrsig);
	assert_string_equal(view_text(z, "host", DNS_TYPE_TXT), "+ host.example. 30 TXT \"text\"\n");
	assert_string_equal(view_text(z, "ent", DNS_TYPE_ANY), "");

	struct zone_snapshot *s = zone_current(z);
	struct wire_name name = test_name("host");
	struct zone_view v;
	zone_view_init(&v);
	assert_int_equal(zone_view_fill(&v, s, name.data, DNS_TYPE_A, DNS_CLASS_ANY), 0);
	assert_int_equal(v.records.count, 2);
	/* A view can be filled again; another class has no records. */
	assert_int_equal(zone_view_fill(&v, s, name.data, DNS_TYPE_A, DNS_CLASS_CH), 0);
	assert_int_equal(v.records.count, 0);
	assert_true(v.authoritative);
	zone_view_done(&v);
	zone_snapshot_unref(s);

	struct watch w;
	watch_start(&w, z, "five", DNS_TYPE_ANY);
	watch_change(&w, z, "",
	             "five 60 A 192.0.2.1\nfive 60 AAAA ::1\nfive 60 TXT \"t\"\nfive 60 MX 1 host\nfive 60 TYPE300 \\# "
	             "1 00\n");
	assert_int_equal(w.view.records.count, 5);
	assert_string_equal(text, "+ five.example. 60 A 192.0.2.1\n+ five.example. 60 MX 1 host.example.\n"
	                          "+ five.example. 60 TXT \"t\"\n+ five.example. 60 AAAA ::1\n"
	                          "+ five.example. 60 TYPE300 \\# 1 00\n");
	watch_stop(&w);
	zone_free(z);
}

/* B8: what polling would refer elsewhere is not ours to push, but the DS at a cut is. */
static void test_below_a_cut(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	struct watch w;
	const char *names[] = {"sub", "ns.sub", "x.y.sub"};
	for (size_t i = 0; i < 3; i++) {
		watch_start(&w, z, names[i], DNS_TYPE_ANY);
		assert_false(w.view.authoritative);
		assert_int_equal(w.view.records.count, 0);
		watch_stop(&w);
	}
	watch_start(&w, z, "sub", DNS_TYPE_DS);
	assert_true(w.view.authoritative);
	assert_int_equal(w.view.records.count, 1);
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-091, B5: a TTL above 2^31-1 is 0. */
static void test_push_091_reserved_ttl(void **state)
{
	(void)state;
	struct zone *z = zone_new((const uint8_t *)"\7example");
	struct zone_txn *t = zone_txn_new(z);
	struct wire_name name = test_name("host");
	assert_int_equal(zone_txn_add(t, name.data, DNS_TYPE_A, UINT32_MAX, (const uint8_t *)"\300\0\2\1", 4), 0);
	assert_int_equal(zone_txn_commit_load(t), 0);
	assert_string_equal(view_text(z, "host", DNS_TYPE_A), "+ host.example. 0 A 192.0.2.1\n");
	zone_free(z);
}

/* ---- differences ---- */

/* PUSH-093: a changed TTL is an add with the new one. */
static void test_push_093_ttl_change(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	struct watch w;
	watch_start(&w, z, "host", DNS_TYPE_ANY);
	assert_string_equal(watch_change(&w, z, "", "host 77 TXT \"text\"\n"),
	                    "+ host.example. 77 TXT \"text\"\n"
	                    "+ host.example. 77 RRSIG TXT 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n");
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-082: an RRset that goes is one removal; one record of several is its own. */
static void test_push_082_rrset_gone(void **state)
{
	(void)state;
	struct zone *z =
	        test_zone(SOA "h 60 AAAA ::1\nh 60 AAAA ::2\nh 60 AAAA ::3\nh 60 TXT \"t\"\nh 60 A 192.0.2.1\n");
	struct watch w;
	watch_start(&w, z, "h", DNS_TYPE_ANY);
	assert_string_equal(watch_change(&w, z, "h 60 AAAA ::2\n", ""), "- h.example. 0 AAAA ::2\n");
	assert_string_equal(watch_change(&w, z, "h 60 AAAA ::1\nh 60 AAAA ::3\n", "h 60 A 192.0.2.2\n"),
	                    "-- h.example. AAAA\n+ h.example. 60 A 192.0.2.2\n");
	assert_string_equal(watch_change(&w, z, "h 60 TXT \"t\"\n", ""), "- h.example. 0 TXT \"t\"\n");
	watch_stop(&w);
	zone_free(z);
}

/* PUSH-083: a name that becomes empty is one removal of the class (B13), whatever type was asked for. */
static void test_push_083_name_gone(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA "h 60 SRV 0 0 80 ns\nh 60 TXT \"t\"\ng 60 A 192.0.2.1\ng 60 A 192.0.2.2\n"
	                               "f 60 A 192.0.2.3\n");
	struct watch w;
	watch_start(&w, z, "h", DNS_TYPE_ANY);
	assert_string_equal(watch_change(&w, z, "h 60 SRV 0 0 80 ns\nh 60 TXT \"t\"\n", ""), "--- h.example. ANY\n");
	watch_stop(&w);
	watch_start(&w, z, "g", DNS_TYPE_A);
	assert_string_equal(watch_change(&w, z, "g 60 A 192.0.2.1\ng 60 A 192.0.2.2\n", ""), "--- g.example. ANY\n");
	watch_stop(&w);
	/* One record needs no collective form. */
	watch_start(&w, z, "f", DNS_TYPE_ANY);
	assert_string_equal(watch_change(&w, z, "f 60 A 192.0.2.3\n", ""), "- f.example. 0 A 192.0.2.3\n");
	watch_stop(&w);
	zone_free(z);
}

/* B12: a CNAME in place of data: removals first. B11: a DNAME above does the same. */
static void test_cname_arrives(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA "h 60 A 192.0.2.1\nh 60 A 192.0.2.2\nx.d 60 A 192.0.2.3\n");
	struct watch w;
	watch_start(&w, z, "h", DNS_TYPE_A);
	assert_string_equal(watch_change(&w, z, "h 60 A 192.0.2.1\nh 60 A 192.0.2.2\n", "h 60 CNAME x\n"),
	                    "-- h.example. A\n+ h.example. 60 CNAME x.example.\n");
	watch_stop(&w);
	watch_start(&w, z, "x.d", DNS_TYPE_A);
	assert_string_equal(watch_change(&w, z, "", "d 60 DNAME h\n"),
	                    "- x.d.example. 0 A 192.0.2.3\n+ x.d.example. 60 CNAME x.h.example.\n");
	assert_string_equal(watch_change(&w, z, "d 60 DNAME h\n", "d 60 DNAME i\n"),
	                    "- x.d.example. 0 CNAME x.h.example.\n+ x.d.example. 60 CNAME x.i.example.\n");
	watch_stop(&w);
	zone_free(z);
}

/* Letters in rdata count: the old spelling goes, the new one comes. */
static void test_letter_case_of_rdata(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA "h 60 MX 1 Mail\nh 60 MX 2 x\n");
	struct watch w;
	watch_start(&w, z, "h", DNS_TYPE_MX);
	assert_string_equal(watch_change(&w, z, "h 60 MX 1 Mail\n", "h 60 MX 1 mail\n"),
	                    "- h.example. 0 MX 1 Mail.example.\n+ h.example. 60 MX 1 mail.example.\n");
	watch_stop(&w);
	zone_free(z);
}

/* NULL stands for an empty view: everything comes, or goes type by type. */
static void test_null_views(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA "h 60 A 192.0.2.1\nh 60 A 192.0.2.2\nh 60 TXT \"t\"\n");
	struct watch w;
	watch_start(&w, z, "h", DNS_TYPE_ANY);
	struct feed_list changes;
	feed_list_init(&changes);
	assert_int_equal(zone_view_diff(NULL, &w.view, &changes), 0);
	assert_string_equal(list_text(&changes), "+ h.example. 60 A 192.0.2.1\n+ h.example. 60 A 192.0.2.2\n"
	                                         "+ h.example. 60 TXT \"t\"\n");
	changes.count = 0;
	assert_int_equal(zone_view_diff(&w.view, NULL, &changes), 0);
	assert_string_equal(list_text(&changes), "-- h.example. A\n- h.example. 0 TXT \"t\"\n");
	changes.count = 0;
	assert_int_equal(zone_view_diff(&w.view, &w.view, &changes), 0);
	assert_int_equal(zone_view_diff(NULL, NULL, &changes), 0);
	assert_int_equal(changes.count, 0);
	feed_list_done(&changes);
	watch_stop(&w);
	zone_free(z);
}

/* ---- names that a changeset concerns ---- */

static int note_affected(void *context, const uint8_t *name, bool subtree)
{
	char name_text[WIRE_NAME_TEXT_MAX];
	wire_name_to_text(name, name_text, sizeof(name_text));
	char *at = context;
	sprintf(at + strlen(at), "%s%s ", name_text, subtree ? "+" : "");
	return 0;
}

static const char *affected(struct zone *z, const char *removals, const char *additions)
{
	struct zone_changeset *c = test_change(z, removals, additions);
	text[0] = 0;
	assert_non_null(c);
	assert_int_equal(zone_affected(c, note_affected, text), 0);
	zone_changeset_unref(c);
	return text;
}

static void test_affected(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA "h 60 A 192.0.2.1\n");
	/* Each owner once, however many types; nothing else in a plain zone. */
	assert_string_equal(affected(z, "h 60 A 192.0.2.1\n", "h 60 TXT \"t\"\na.b.c 60 TXT \"t\"\n"),
	                    "a.b.c.example. h.example. ");
	/* A wildcard concerns what is beside it. */
	assert_string_equal(affected(z, "", "*.w 60 TXT \"t\"\n"), "*.w.example. w.example.+ ");
	/* A name over a wildcard hides it from all below the first new label. */
	assert_string_equal(affected(z, "", "a.b.w 60 TXT \"t\"\n"), "a.b.w.example. b.w.example.+ ");
	/* No name comes or goes: only the owner. */
	assert_string_equal(affected(z, "a.b.w 60 TXT \"t\"\n", "a.b.w 60 TXT \"u\"\n"), "a.b.w.example. ");
	assert_string_equal(affected(z, "", "b.w 60 TXT \"t\"\n"), "b.w.example. ");
	assert_string_equal(affected(z, "b.w 60 TXT \"t\"\na.b.w 60 TXT \"u\"\n", ""),
	                    "b.w.example. b.w.example.+ a.b.w.example. ");
	/* Elsewhere the wildcard does not matter. */
	assert_string_equal(affected(z, "", "x 60 TXT \"t\"\n"), "x.example. ");
	/* DNAME and zone cuts concern what is below. */
	assert_string_equal(affected(z, "", "d 60 DNAME h\n"), "d.example. d.example.+ ");
	assert_string_equal(affected(z, "d 60 DNAME h\n", "d 60 DNAME w\n"), "d.example. d.example.+ ");
	assert_string_equal(affected(z, "d 60 DNAME w\n", ""), "d.example. d.example.+ ");
	assert_string_equal(affected(z, "", "s 60 NS ns.s\nns.s 60 A 192.0.2.1\n"),
	                    "s.example. s.example.+ ns.s.example. ");
	assert_string_equal(affected(z, "", "s 60 NS h\n"), "s.example. ");
	assert_string_equal(affected(z, "s 60 NS h\ns 60 NS ns.s\n", ""), "s.example. s.example.+ ");
	/* The apex NS is no cut. */
	assert_string_equal(affected(z, "", "@ 60 NS h\n"), "example. ");
	/* NSEC3 owners are not names. */
	assert_string_equal(affected(z, "",
	                             "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 60 NSEC3 1 0 0 - "
	                             "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom\nx 60 A 192.0.2.1\n"),
	                    "x.example. ");
	zone_free(z);
}

static int stop_at_second(void *context, const uint8_t *name, bool subtree)
{
	(void)name;
	(void)subtree;
	return ++*(int *)context == 2 ? 17 : 0;
}

static void test_affected_stops(void **state)
{
	(void)state;
	struct zone *z = test_zone(SOA);
	struct zone_changeset *c = test_change(z, "", "a 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1\n");
	int calls = 0;
	assert_int_equal(zone_affected(c, stop_at_second, &calls), 17);
	assert_int_equal(calls, 2);
	zone_changeset_unref(c);
	c = test_change(z, "", "*.w 60 A 192.0.2.1\n");
	calls = 0;
	assert_int_equal(zone_affected(c, stop_at_second, &calls), 17);
	zone_changeset_unref(c);
	zone_free(z);
}

/*
 * Every name whose view differs between two versions is among the affected:
 * random changes of a zone full of wildcards, DNAMEs, cuts and empty
 * non-terminals, all views compared.
 */
enum { NAMES = 4 + 16 + 64 };

static void make_name(unsigned i, char *name)
{
	static const char *labels[] = {"a", "b", "*", "c"};
	if (i < 4) {
		sprintf(name, "%s", labels[i]);
	} else if (i < 20) {
		sprintf(name, "%s.%s", labels[(i - 4) % 4], labels[(i - 4) / 4]);
	} else {
		sprintf(name, "%s.%s.%s", labels[(i - 20) % 4], labels[(i - 20) / 4 % 4], labels[(i - 20) / 16]);
	}
}

struct marks {
	struct wire_name names[NAMES];
	bool marked[NAMES];
};

static int mark_affected(void *context, const uint8_t *name, bool subtree)
{
	struct marks *m = context;
	for (unsigned i = 0; i < NAMES; i++) {
		if (subtree ? wire_name_is_under(m->names[i].data, name) : wire_name_equal(m->names[i].data, name)) {
			m->marked[i] = true;
		}
	}
	return 0;
}

static void check_unmarked(const struct marks *m, const struct zone_changeset *c, uint16_t type)
{
	struct zone_view before;
	struct zone_view after;
	zone_view_init(&before);
	zone_view_init(&after);
	struct feed_list changes;
	feed_list_init(&changes);
	for (unsigned i = 0; i < NAMES; i++) {
		if (m->marked[i]) {
			continue;
		}
		assert_int_equal(zone_view_fill(&before, c->from, m->names[i].data, type, DNS_CLASS_IN), 0);
		assert_int_equal(zone_view_fill(&after, c->to, m->names[i].data, type, DNS_CLASS_IN), 0);
		assert_int_equal(zone_view_diff(&before, &after, &changes), 0);
		if (changes.count > 0 || before.authoritative != after.authoritative) {
			fail_msg("not told: %s", list_text(&changes));
		}
	}
	feed_list_done(&changes);
	zone_view_done(&before);
	zone_view_done(&after);
}

/* PUSH-003: what the answer to a query says of its own name is what the view says. */
static void check_polling(const struct zone_snapshot *s, const struct wire_name *name, uint16_t type)
{
	static uint8_t packet[65535];
	struct wire_question q = {.name = *name, .type = type, .dns_class = DNS_CLASS_IN};
	struct wire_builder b;
	wire_build_init(&b, packet, sizeof(packet), 1, DNS_FLAG_QR);
	assert_int_equal(wire_build_question(&b, q.name.data, type, DNS_CLASS_IN), 0);
	uint16_t flags;
	assert_int_equal(zone_answer(s, &q, false, &b, &flags), 0);
	struct wire_message m;
	assert_int_equal(wire_message_read(packet, wire_build_finish(&b, DNS_FLAG_QR | flags), &m), 0);

	struct zone_view v;
	zone_view_init(&v);
	assert_int_equal(zone_view_fill(&v, s, name->data, type, DNS_CLASS_IN), 0);
	assert_int_equal(v.authoritative, (flags & DNS_FLAG_AA) != 0);
	size_t count = 0;
	for (unsigned i = 0; i < m.header.ancount; i++) {
		struct wire_rr rr;
		uint8_t rdata[1024];
		struct bytes_writer w;
		bytes_writer_init(&w, rdata, sizeof(rdata));
		assert_int_equal(wire_rr_read(&m.answer, &rr), 0);
		assert_int_equal(wire_rdata_read(&rr.rdata, rr.type, &w), 0);
		if (!wire_name_equal(rr.owner.data, name->data)) {
			continue;
		}
		assert_true(count < v.records.count);
		const struct feed_change *c = &v.records.items[count++];
		assert_int_equal(c->type, rr.type);
		assert_int_equal(c->ttl, rr.ttl);
		assert_int_equal(c->rdata_len, w.len);
		assert_memory_equal(c->rdata, rdata, w.len);
	}
	assert_int_equal(count, v.records.count);
	zone_view_done(&v);
}

static void test_push_003_affected_misses_nothing(void **state)
{
	(void)state;
	static const char *const rdata[] = {"A 192.0.2.1", "A 192.0.2.2", "TXT \"t\"", "NS ns", "DNAME a", "CNAME b"};
	struct zone *z = test_zone(SOA "ns 60 A 192.0.2.1\n");
	struct marks m;
	for (unsigned i = 0; i < NAMES; i++) {
		char name[16];
		make_name(i, name);
		m.names[i] = test_name(name);
	}
	uint32_t random = 1;
	for (unsigned round = 0; round < 400; round++) {
		struct zone_txn *t = zone_txn_new(z);
		for (unsigned k = 0; k <= round % 3; k++) {
			random = random * 1664525 + 1013904223;
			char line[64];
			make_name((random >> 8) % NAMES, line);
			sprintf(line + strlen(line), " 60 %s", rdata[(random >> 20) % 6]);
			/* Keep the zone thin, so that names come and go. */
			struct test_record r = test_record(line);
			if (zone_txn_find(t, r.owner.data)) {
				assert_int_equal(zone_txn_remove_name(t, r.owner.data), 0);
			} else {
				test_add(t, line);
			}
		}
		struct zone_changeset *c = NULL;
		assert_int_equal(zone_txn_commit(t, &c), 0);
		if (!c) {
			continue;
		}
		memset(m.marked, 0, sizeof(m.marked));
		assert_int_equal(zone_affected(c, mark_affected, &m), 0);
		check_unmarked(&m, c, DNS_TYPE_ANY);
		check_unmarked(&m, c, DNS_TYPE_A);
		for (unsigned i = 0; i < NAMES; i++) {
			check_polling(c->to, &m.names[i], DNS_TYPE_A);
			check_polling(c->to, &m.names[i], DNS_TYPE_CNAME);
			check_polling(c->to, &m.names[i], DNS_TYPE_ANY);
		}
		zone_changeset_unref(c);
	}
	zone_free(z);
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	zone_changeset_unref(test_change(z, "host 60 A 192.0.2.1\nhost 60 TXT \"text\"\n", "host 60 MX 1 www\n"));
	struct zone_snapshot *s = zone_current(z);
	const char *names[] = {"host", "x.dn", "x.wild"};
	for (size_t i = 0; i < 3; i++) {
		struct wire_name name = test_name(names[i]);
		int err = ERR_NOMEM;
		for (long n = 0; err; n++) {
			struct zone_view v;
			struct feed_list changes;
			zone_view_init(&v);
			feed_list_init(&changes);
			mem_fail_after(n);
			err = zone_view_fill(&v, s, name.data, DNS_TYPE_ANY, DNS_CLASS_IN);
			if (!err) {
				err = zone_view_diff(NULL, &v, &changes);
			}
			if (!err) {
				err = zone_view_diff(&v, NULL, &changes);
			}
			mem_fail_after(-1);
			assert_true(err == 0 || err == ERR_NOMEM);
			assert_true(n > 0 || err);
			feed_list_done(&changes);
			zone_view_done(&v);
		}
	}
	zone_snapshot_unref(s);
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_records_of_one_type),
	        cmocka_unit_test(test_push_005_push_046_cname),
	        cmocka_unit_test(test_push_045_literal_wildcard),
	        cmocka_unit_test(test_push_003_synthesized),
	        cmocka_unit_test(test_push_003_wildcard_withdrawn),
	        cmocka_unit_test(test_push_047_unknown_name),
	        cmocka_unit_test(test_push_048_any),
	        cmocka_unit_test(test_below_a_cut),
	        cmocka_unit_test(test_push_091_reserved_ttl),
	        cmocka_unit_test(test_push_093_ttl_change),
	        cmocka_unit_test(test_push_082_rrset_gone),
	        cmocka_unit_test(test_push_083_name_gone),
	        cmocka_unit_test(test_cname_arrives),
	        cmocka_unit_test(test_letter_case_of_rdata),
	        cmocka_unit_test(test_null_views),
	        cmocka_unit_test(test_affected),
	        cmocka_unit_test(test_affected_stops),
	        cmocka_unit_test(test_push_003_affected_misses_nothing),
	        cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
