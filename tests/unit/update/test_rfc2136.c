#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../zone/zone_text.h"
#include "base/err.h"
#include "base/mem.h"
#include "update/rfc2136.h"

static uint8_t packet[65535];
static struct wire_builder builder;

/* ---- messages from text ---- */

static void start(void)
{
	wire_build_init(&builder, packet, sizeof(packet), 1, DNS_OPCODE_UPDATE << 11);
	assert_int_equal(wire_build_question(&builder, (const uint8_t *)"\7example", DNS_TYPE_SOA, DNS_CLASS_IN), 0);
}

static void put(const char *owner, uint16_t type, uint16_t dns_class, uint32_t ttl, const void *rdata, size_t len)
{
	struct wire_name name = test_name(owner);
	assert_int_equal(wire_build_rr(&builder, name.data, type, dns_class, ttl, rdata, len, WIRE_COMPRESS_STANDARD),
	                 0);
}

/*
 * One line: "add OWNER TTL TYPE RDATA", "del OWNER TYPE RDATA" (one record), "delset OWNER TYPE", "delname OWNER";
 * prerequisites "equal OWNER TYPE RDATA", "yxset", "nxset" OWNER TYPE, "yxname", "nxname" OWNER.
 */
static void put_line(struct zone_txn *unused, const char *line)
{
	(void)unused;
	char verb[16];
	char owner[256] = "";
	char type_text[16] = "ANY";
	char record[4096];
	int at = 0;
	assert_true(sscanf(line, "%15s %255s %n%15s", verb, owner, &at, type_text) >= 2);
	if (strcmp(verb, "add") == 0) {
		struct test_record r = test_record(line + 4);
		put(owner, r.type, DNS_CLASS_IN, r.ttl, r.rdata, r.len);
		return;
	}
	if (strcmp(verb, "del") == 0 || strcmp(verb, "equal") == 0) {
		snprintf(record, sizeof(record), "%s 0 %s", owner, line + at);
		struct test_record r = test_record(record);
		put(owner, r.type, verb[0] == 'd' ? DNS_CLASS_NONE : DNS_CLASS_IN, 0, r.rdata, r.len);
		return;
	}
	uint16_t type;
	assert_int_equal(wire_type_from_text(type_text, strlen(type_text), &type), 0);
	bool none = strncmp(verb, "nx", 2) == 0;
	put(owner, type, none ? DNS_CLASS_NONE : DNS_CLASS_ANY, 0, NULL, 0);
}

static int apply_limits(struct zone *z, const struct update_limits *limits, bool *changed)
{
	size_t len = wire_build_finish(&builder, DNS_OPCODE_UPDATE << 11);
	struct wire_message m;
	assert_int_equal(wire_message_read(packet, len, &m), 0);
	struct wire_question zone;
	assert_int_equal(update_zone(&m, &zone), 0);
	struct zone_txn *t = zone_txn_new(z);
	if (!t) {
		return ERR_NOMEM;
	}
	int err = update_apply(t, &m, limits, changed);
	if (err) {
		zone_txn_abort(t);
		return err;
	}
	return zone_txn_commit(t, NULL);
}

static const struct update_limits limits = {.records_per_rrset = 10000, .types_per_name = 100};

/* Apply prerequisites and updates given as lines. */
static int apply(struct zone *z, const char *prerequisites, const char *updates, bool *changed)
{
	start();
	wire_build_section(&builder, WIRE_SECTION_ANSWER);
	test_lines(prerequisites, put_line, NULL);
	wire_build_section(&builder, WIRE_SECTION_AUTHORITY);
	test_lines(updates, put_line, NULL);
	return apply_limits(z, &limits, changed);
}

/* The whole zone as text. */
static const char *zone_text(struct zone *z)
{
	static char text[65536];
	struct zone_snapshot *s = zone_current(z);
	struct zone_iterator *i = zone_iterate(s, NULL);
	assert_non_null(i);
	char *at = text;
	*at = 0;
	const struct zone_node *node;
	while ((node = zone_iterator_next(i))) {
		for (size_t k = 0; k < zone_node_rrset_count(node); k++) {
			const struct zone_rrset *set = zone_node_rrset_at(node, k);
			size_t offset = 0;
			const uint8_t *rdata;
			uint16_t len;
			while (zone_rrset_next(set, &offset, &rdata, &len)) {
				at = test_record_text(at, (size_t)(text + sizeof(text) - at), zone_node_name(node),
				                      set->ttl, set->type, rdata, len);
			}
		}
	}
	zone_iterator_free(i);
	zone_snapshot_unref(s);
	return text;
}

/* ---- the zone section ---- */

static int zone_section(uint16_t type, uint16_t dns_class, unsigned count)
{
	wire_build_init(&builder, packet, sizeof(packet), 1, DNS_OPCODE_UPDATE << 11);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(wire_build_question(&builder, (const uint8_t *)"\7example", type, dns_class), 0);
	}
	struct wire_message m;
	assert_int_equal(wire_message_read(packet, wire_build_finish(&builder, DNS_OPCODE_UPDATE << 11), &m), 0);
	struct wire_question zone = {.type = 0};
	int err = update_zone(&m, &zone);
	assert_int_equal(zone.type, err ? 0 : DNS_TYPE_SOA);
	return err;
}

static void test_zone_section(void **state)
{
	(void)state;
	assert_int_equal(zone_section(DNS_TYPE_SOA, DNS_CLASS_IN, 1), 0);
	assert_int_equal(zone_section(DNS_TYPE_SOA, DNS_CLASS_IN, 0), ERR_FORMERR);
	assert_int_equal(zone_section(DNS_TYPE_SOA, DNS_CLASS_IN, 2), ERR_FORMERR);
	assert_int_equal(zone_section(DNS_TYPE_NS, DNS_CLASS_IN, 1), ERR_FORMERR);
	assert_int_equal(zone_section(DNS_TYPE_SOA, DNS_CLASS_CH, 1), ERR_FORMERR);
	assert_int_equal(zone_section(DNS_TYPE_SOA, DNS_CLASS_ANY, 1), ERR_FORMERR);
}

/* ---- prerequisites ---- */

#define SOA_RDATA(serial) "SOA ns hostmaster " serial " 7200 900 1209600 300"

static const char records[] = "@ 3600 " SOA_RDATA("10") "\n"
                                                        "@ 3600 NS ns\n"
                                                        "@ 3600 TXT \"apex\"\n"
                                                        "ns 3600 A 192.0.2.1\n"
                                                        "host 3600 A 192.0.2.2\n"
                                                        "host 3600 A 192.0.2.3\n"
                                                        "host 3600 TXT \"text\"\n"
                                                        "mx 3600 MX 10 Host\n"
                                                        "www 3600 CNAME host\n"
                                                        "a.ent 3600 TXT \"below\"\n";

struct prerequisite {
	const char *lines;
	int err;
};

/* RFC 2136 2.4, each form met and not met. */
static const struct prerequisite prerequisites[] = {
        {"", 0},
        /* 2.4.1 RRset exists (value independent) */
        {"yxset host A\n", 0},
        {"yxset HOST A\n", 0},
        {"yxset host AAAA\n", ERR_NXRRSET},
        {"yxset ent TXT\n", ERR_NXRRSET},
        {"yxset nosuch A\n", ERR_NXRRSET},
        /* 2.4.2 RRset exists (value dependent) */
        {"equal host A 192.0.2.3\nequal host A 192.0.2.2\n", 0},
        {"equal host A 192.0.2.3\nequal host TXT \"text\"\nequal HOST A 192.0.2.2\n", 0},
        {"equal host A 192.0.2.3\nequal host A 192.0.2.2\nequal host A 192.0.2.3\n", 0},
        {"equal mx MX 10 hosT\n", 0},
        {"equal host A 192.0.2.2\n", ERR_NXRRSET},
        {"equal host A 192.0.2.2\nequal host A 192.0.2.3\nequal host A 192.0.2.4\n", ERR_NXRRSET},
        {"equal host A 192.0.2.2\nequal host A 192.0.2.4\n", ERR_NXRRSET},
        {"equal host AAAA 2001:db8::1\n", ERR_NXRRSET},
        {"equal nosuch A 192.0.2.2\n", ERR_NXRRSET},
        {"equal host A 192.0.2.3\nequal host A 192.0.2.2\nequal host TXT \"other\"\n", ERR_NXRRSET},
        /* 2.4.3 RRset does not exist */
        {"nxset host AAAA\n", 0},
        {"nxset nosuch A\n", 0},
        {"nxset host A\n", ERR_YXRRSET},
        /* 2.4.4 name is in use */
        {"yxname host\n", 0},
        {"yxname @\n", 0},
        {"yxname nosuch\n", ERR_NXDOMAIN},
        {"yxname ent\n", ERR_NXDOMAIN},
        /* 2.4.5 name is not in use */
        {"nxname nosuch\n", 0},
        {"nxname ent\n", 0},
        {"nxname host\n", ERR_YXDOMAIN},
        /* several: the first that fails decides */
        {"yxname host\nnxset host A\nyxname nosuch\n", ERR_YXRRSET},
        {"yxname host\nyxset host A\nnxname nosuch\nequal ns A 192.0.2.1\n", 0},
};

static void test_prerequisites(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	for (size_t i = 0; i < sizeof(prerequisites) / sizeof(prerequisites[0]); i++) {
		bool changed = true;
		int err = apply(z, prerequisites[i].lines, "", &changed);
		if (err != prerequisites[i].err || (!err && changed)) {
			fail_msg("%s gives %s", prerequisites[i].lines, err_name(err));
		}
	}
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(zone_snapshot_serial(s), 10);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* A prerequisite that fails keeps the updates from happening. */
static void test_prerequisite_guards_update(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	bool changed;
	assert_int_equal(apply(z, "yxname nosuch\n", "delname host\n", &changed), ERR_NXDOMAIN);
	assert_non_null(strstr(zone_text(z), "host.example. 3600 A 192.0.2.2"));
	assert_int_equal(apply(z, "yxname host\n", "delname host\n", &changed), 0);
	assert_null(strstr(zone_text(z), "host.example. 3600 A 192.0.2.2"));
	zone_free(z);
}

/* ---- malformed sections ---- */

struct raw {
	const char *owner;
	uint16_t type;
	uint16_t dns_class;
	uint32_t ttl;
	const char *rdata;
	size_t len;
	int err;
};

static int apply_raw(struct zone *z, enum wire_section section, const struct raw *raw)
{
	bool changed;
	start();
	wire_build_section(&builder, section);
	struct wire_name name = test_name(raw->owner);
	assert_int_equal(wire_build_rr(&builder, name.data, raw->type, raw->dns_class, raw->ttl,
	                               (const uint8_t *)raw->rdata, raw->len, WIRE_COMPRESS_NONE),
	                 0);
	return apply_limits(z, &limits, &changed);
}

static const struct raw bad_prerequisites[] = {
        {"host", DNS_TYPE_A, DNS_CLASS_ANY, 1, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_NONE, 1, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_IN, 1, "\300\0\2\2", 4, ERR_FORMERR},
        {"host.example.com.", DNS_TYPE_A, DNS_CLASS_ANY, 0, NULL, 0, ERR_NOTZONE},
        {"com.", DNS_TYPE_ANY, DNS_CLASS_NONE, 0, NULL, 0, ERR_NOTZONE},
        {"host.example.com.", DNS_TYPE_A, DNS_CLASS_IN, 0, "\300\0\2\2", 4, ERR_NOTZONE},
        {"host", DNS_TYPE_A, DNS_CLASS_ANY, 0, "\300\0\2\2", 4, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_NONE, 0, "\300\0\2\2", 4, ERR_FORMERR},
        {"host", DNS_TYPE_AXFR, DNS_CLASS_ANY, 0, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_MAILB, DNS_CLASS_NONE, 0, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_ANY, DNS_CLASS_IN, 0, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_IN, 0, "\300\0\2", 3, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_CH, 0, NULL, 0, ERR_FORMERR},
};

static const struct raw bad_updates[] = {
        {"host.example.com.", DNS_TYPE_A, DNS_CLASS_IN, 60, "\300\0\2\2", 4, ERR_NOTZONE},
        {"com.", DNS_TYPE_ANY, DNS_CLASS_ANY, 0, NULL, 0, ERR_NOTZONE},
        {"xexample.", DNS_TYPE_A, DNS_CLASS_NONE, 0, "\300\0\2\2", 4, ERR_NOTZONE},
        {"host", DNS_TYPE_ANY, DNS_CLASS_IN, 60, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_AXFR, DNS_CLASS_IN, 60, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_IN, 60, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_IN, 60, "\300\0\2\2\2", 5, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_ANY, 60, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_ANY, 0, "\300\0\2\2", 4, ERR_FORMERR},
        {"host", DNS_TYPE_MAILA, DNS_CLASS_ANY, 0, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_NONE, 60, "\300\0\2\2", 4, ERR_FORMERR},
        {"host", DNS_TYPE_ANY, DNS_CLASS_NONE, 0, NULL, 0, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_NONE, 0, "\300\0\2", 3, ERR_FORMERR},
        {"host", DNS_TYPE_A, DNS_CLASS_CH, 60, "\300\0\2\2", 4, ERR_FORMERR},
};

static void test_malformed(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	char before[8192];
	snprintf(before, sizeof(before), "%s", zone_text(z));
	for (size_t i = 0; i < sizeof(bad_prerequisites) / sizeof(bad_prerequisites[0]); i++) {
		int err = apply_raw(z, WIRE_SECTION_ANSWER, &bad_prerequisites[i]);
		if (err != bad_prerequisites[i].err) {
			fail_msg("prerequisite %zu gives %s", i, err_name(err));
		}
	}
	for (size_t i = 0; i < sizeof(bad_updates) / sizeof(bad_updates[0]); i++) {
		int err = apply_raw(z, WIRE_SECTION_AUTHORITY, &bad_updates[i]);
		if (err != bad_updates[i].err) {
			fail_msg("update %zu gives %s", i, err_name(err));
		}
	}
	assert_string_equal(zone_text(z), before);
	zone_free(z);
}

/* All or nothing: the prescan looks at every RR before the first is applied. */
static void test_prescan_comes_first(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	start();
	wire_build_section(&builder, WIRE_SECTION_AUTHORITY);
	put("new", DNS_TYPE_A, DNS_CLASS_IN, 60, "\300\0\2\2", 4);
	put("com.", DNS_TYPE_A, DNS_CLASS_IN, 60, "\300\0\2\2", 4);
	struct wire_message m;
	assert_int_equal(wire_message_read(packet, wire_build_finish(&builder, DNS_OPCODE_UPDATE << 11), &m), 0);
	struct zone_txn *t = zone_txn_new(z);
	bool changed = false;
	assert_int_equal(update_apply(t, &m, &limits, &changed), ERR_NOTZONE);
	assert_false(zone_txn_changed(t));
	zone_txn_abort(t);
	zone_free(z);
}

/* ---- updates ---- */

struct update {
	const char *zone; /* besides SOA and NS */
	const char *updates;
	const char *after; /* besides them; NULL: nothing changed */
};

/* RFC 2136 2.5 and 3.4.2. */
static const struct update updates[] = {
        /* 2.5.1 add to an RRset */
        {"", "add h 60 A 192.0.2.1\n", "h.example. 60 A 192.0.2.1\n"},
        {"", "add H 60 A 192.0.2.1\nadd h 60 A 192.0.2.2\n", "H.example. 60 A 192.0.2.1\nH.example. 60 A 192.0.2.2\n"},
        {"h 60 A 192.0.2.1\n", "add h 60 A 192.0.2.1\n", NULL},
        {"h 60 A 192.0.2.1\nh 60 A 192.0.2.2\n", "add h 30 A 192.0.2.1\n",
         "h.example. 30 A 192.0.2.1\nh.example. 30 A 192.0.2.2\n"},
        /* TTL with the top bit set: 0 */
        {"", "add h 4294967295 A 192.0.2.1\n", "h.example. 0 A 192.0.2.1\n"},
        /* 2.5.2 delete an RRset */
        {"h 60 A 192.0.2.1\nh 60 A 192.0.2.2\nh 60 TXT \"t\"\n", "delset h A\n", "h.example. 60 TXT \"t\"\n"},
        {"h 60 A 192.0.2.1\n", "delset h AAAA\ndelset nosuch A\n", NULL},
        /* 2.5.3 delete all RRsets from a name */
        {"h 60 A 192.0.2.1\nh 60 TXT \"t\"\nx.h 60 TXT \"t\"\n", "delname H\n", "x.h.example. 60 TXT \"t\"\n"},
        {"h 60 A 192.0.2.1\n", "delname nosuch\n", NULL},
        {"@ 60 A 192.0.2.1\n@ 60 TXT \"t\"\n", "delname @\n", ""},
        {"", "delname @\n", NULL},
        /* 2.5.4 delete an RR from an RRset */
        {"h 60 A 192.0.2.1\nh 60 A 192.0.2.2\n", "del h A 192.0.2.1\n", "h.example. 60 A 192.0.2.2\n"},
        {"h 60 A 192.0.2.1\n", "del h A 192.0.2.2\ndel nosuch A 192.0.2.1\n", NULL},
        {"h 60 MX 1 Mail\n", "del H MX 1 mAIL\n", ""},
        /* the apex keeps its SOA and its last NS */
        {"", "delset @ SOA\ndelset @ NS\n", NULL},
        {"", "del @ " SOA_RDATA("10") "\n", NULL},
        {"", "del @ NS ns\n", NULL},
        {"", "add @ 3600 NS ns2\ndel @ NS ns\ndel @ NS ns2\n", "example. 3600 NS ns2.example.\n"},
        {"s 60 NS ns\n", "delset s NS\n", ""},
        {"s 60 NS ns\n", "del s NS ns\n", ""},
        /* CNAME and other data: what comes later is ignored */
        {"h 60 A 192.0.2.1\n", "add h 60 CNAME x\n", NULL},
        {"h 60 CNAME x\n", "add h 60 A 192.0.2.1\n", NULL},
        {"h 60 CNAME x\n", "add h 60 CNAME y\n", "h.example. 60 CNAME y.example.\n"},
        {"h 60 CNAME x\n", "add h 30 CNAME x\n", "h.example. 30 CNAME x.example.\n"},
        {"h 60 CNAME x\n", "delset h CNAME\nadd h 60 A 192.0.2.1\n", "h.example. 60 A 192.0.2.1\n"},
        {"h 60 A 192.0.2.1\n", "delname h\nadd h 60 CNAME x\n", "h.example. 60 CNAME x.example.\n"},
        {"h 60 CNAME x\n", "add h 60 NSEC x CNAME NSEC\n",
         "h.example. 60 CNAME x.example.\nh.example. 60 NSEC x.example. CNAME NSEC\n"},
        {"h 60 NSEC x NSEC\n", "add h 60 CNAME x\n",
         "h.example. 60 CNAME x.example.\nh.example. 60 NSEC x.example. NSEC\n"},
        {"", "add @ 60 CNAME x\n", NULL},
        /* one DNAME a name (RFC 6672 5.2) */
        {"h 60 DNAME x\n", "add h 60 DNAME y\n", "h.example. 60 DNAME y.example.\n"},
        /* one WKS for each address and protocol */
        {"h 60 WKS 192.0.2.1 6 25\nh 60 WKS 192.0.2.1 17 53\n", "add h 60 WKS 192.0.2.1 6 80\n",
         "h.example. 60 WKS 192.0.2.1 6 80\nh.example. 60 WKS 192.0.2.1 17 53\n"},
        /* an SOA away from the apex is ignored, as is one that is not later */
        {"", "add h 60 " SOA_RDATA("99") "\n", NULL},
        {"", "add @ 3600 " SOA_RDATA("10") "\n", NULL},
        {"", "add @ 3600 " SOA_RDATA("9") "\n", NULL},
        {"", "add @ 3600 " SOA_RDATA("2147483659") "\n", NULL},
        /* undone in the same message: written all the same, so a new serial */
        {"", "add h 60 A 192.0.2.1\ndelname h\n", ""},
        /* in the order of the message */
        {"h 60 A 192.0.2.1\n", "delset h A\nadd h 60 A 192.0.2.2\n", "h.example. 60 A 192.0.2.2\n"},
        {"h 60 A 192.0.2.1\n", "add h 60 A 192.0.2.2\ndelset h A\n", ""},
};

/* The zone without its SOA and the NS that every zone of the table starts with. */
static const char *interesting_text(struct zone *z)
{
	static char text[65536];
	char *at = text;
	*at = 0;
	static const char soa[] = "example. 3600 SOA ns.example. ";
	static const char ns[] = "example. 3600 NS ns.example.";
	for (const char *line = zone_text(z); *line;) {
		size_t len = strcspn(line, "\n") + 1;
		if (strncmp(line, soa, sizeof(soa) - 1) != 0 && strncmp(line, ns, sizeof(ns) - 1) != 0) {
			memcpy(at, line, len);
			at += len;
		}
		line += len;
	}
	*at = 0;
	return text;
}

static void test_updates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		const struct update *u = &updates[i];
		char text[2048];
		snprintf(text, sizeof(text), "@ 3600 " SOA_RDATA("10") "\n@ 3600 NS ns\n%s", u->zone);
		struct zone *z = test_zone(text);
		char before[4096];
		snprintf(before, sizeof(before), "%s", zone_text(z));
		bool changed = u->after == NULL;
		assert_int_equal(apply(z, "", u->updates, &changed), 0);
		if (changed != (u->after != NULL)) {
			fail_msg("%s changed: %d", u->updates, (int)changed);
		}
		if (u->after ? strcmp(interesting_text(z), u->after) != 0 : strcmp(zone_text(z), before) != 0) {
			fail_msg("%s gives\n%s", u->updates, zone_text(z));
		}
		struct zone_snapshot *s = zone_current(z);
		assert_int_equal(zone_snapshot_serial(s), u->after ? 11 : 10);
		zone_snapshot_unref(s);
		zone_free(z);
	}
}

/* ---- the serial ---- */

static uint32_t serial_after(const char *serial, const char *lines)
{
	char text[512];
	snprintf(text, sizeof(text), "@ 3600 SOA ns hostmaster %s 7200 900 1209600 300\n@ 3600 NS ns\n", serial);
	struct zone *z = test_zone(text);
	bool changed = false;
	assert_int_equal(apply(z, "", lines, &changed), 0);
	struct zone_snapshot *s = zone_current(z);
	uint32_t after = zone_snapshot_serial(s);
	assert_int_equal(zone_snapshot_record_count(s), strstr(lines, "A 192") ? 3 : 2);
	zone_snapshot_unref(s);
	zone_free(z);
	return after;
}

static void test_serial(void **state)
{
	(void)state;
	assert_int_equal(serial_after("10", "add h 60 A 192.0.2.1\n"), 11);
	/* Never 0 (RFC 2136 3.6). */
	assert_int_equal(serial_after("4294967295", "add h 60 A 192.0.2.1\n"), 1);
	/* The update's own serial, if later (RFC 1982), stands. */
	assert_int_equal(serial_after("10", "add @ 3600 " SOA_RDATA("20") "\nadd h 60 A 192.0.2.1\n"), 20);
	assert_int_equal(serial_after("10", "add h 60 A 192.0.2.1\nadd @ 3600 " SOA_RDATA("20") "\n"), 20);
	assert_int_equal(serial_after("10", "add @ 3600 " SOA_RDATA("11") "\n"), 11);
	assert_int_equal(serial_after("4294967295", "add @ 3600 " SOA_RDATA("5") "\n"), 5);
	/* One that is not is ignored, and the serial raised as ever. */
	assert_int_equal(serial_after("10", "add @ 3600 " SOA_RDATA("5") "\nadd h 60 A 192.0.2.1\n"), 11);
	/* With a later serial the rest of the SOA changes too. */
	struct zone *z = test_zone(records);
	bool changed;
	assert_int_equal(apply(z, "", "add @ 60 SOA other hostmaster 11 1 2 3 4\n", &changed), 0);
	assert_true(changed);
	assert_non_null(strstr(zone_text(z), "example. 60 SOA other.example. hostmaster.example. 11 1 2 3 4\n"));
	zone_free(z);
}

/* A zone without SOA takes no SOA, and nothing is raised. */
static void test_no_soa(void **state)
{
	(void)state;
	struct zone *z = test_zone("h 60 A 192.0.2.1\n");
	bool changed = false;
	assert_int_equal(apply(z, "", "add @ 3600 " SOA_RDATA("10") "\nadd h 60 A 192.0.2.2\n", &changed), 0);
	assert_true(changed);
	assert_string_equal(zone_text(z), "h.example. 60 A 192.0.2.1\nh.example. 60 A 192.0.2.2\n");
	zone_free(z);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	(void)state;
	static const struct update_limits small = {.records_per_rrset = 2, .types_per_name = 2};
	struct zone *z =
	        test_zone("@ 3600 " SOA_RDATA("10") "\n@ 60 NS ns\n"
	                                            "big 60 A 192.0.2.1\nbig 60 A 192.0.2.2\nbig 60 A 192.0.2.3\n");
	static const struct {
		const char *lines;
		int err;
	} table[] = {
	        {"add h 60 A 192.0.2.1\nadd h 60 A 192.0.2.2\n", 0},
	        {"add h 60 A 192.0.2.3\n", ERR_REFUSED},
	        {"add h 60 A 192.0.2.2\n", 0},
	        {"add h 60 TXT \"t\"\n", 0},
	        {"add h 60 AAAA ::1\n", ERR_REFUSED},
	        {"delset h TXT\nadd h 60 AAAA ::1\n", 0},
	        /* What was too big before may stay and shrink, not grow. */
	        {"add big 30 A 192.0.2.3\n", 0},
	        {"del big A 192.0.2.1\n", 0},
	        {"add big 60 A 192.0.2.4\n", ERR_REFUSED},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool changed;
		start();
		wire_build_section(&builder, WIRE_SECTION_AUTHORITY);
		test_lines(table[i].lines, put_line, NULL);
		int err = apply_limits(z, &small, &changed);
		if (err != table[i].err) {
			fail_msg("%s gives %s", table[i].lines, err_name(err));
		}
	}
	assert_non_null(strstr(zone_text(z), "big.example. 30 A 192.0.2.3\n"));
	assert_null(strstr(zone_text(z), "192.0.2.4"));
	zone_free(z);
}

/* Names in rdata are expanded: what is stored does not point into the message. */
static void test_compressed_rdata(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	bool changed;
	/* The builder compresses the target against the question and the owner. */
	assert_int_equal(apply(z, "equal mx MX 10 host\n", "del mx MX 10 host\nadd mx 60 MX 20 mx\n", &changed), 0);
	assert_non_null(strstr(zone_text(z), "mx.example. 60 MX 20 mx.example.\n"));
	assert_null(strstr(zone_text(z), "MX 10"));
	zone_free(z);
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
	(void)state;
	struct zone *z = test_zone(records);
	char before[8192];
	snprintf(before, sizeof(before), "%s", zone_text(z));
	static const char lines[] = "add new 60 A 192.0.2.1\nadd a.b.new 60 TXT \"t\"\ndelname host\ndelset mx MX\n"
	                            "add www 60 CNAME x\ndel ns A 192.0.2.1\ndelname @\n";
	int err = ERR_NOMEM;
	long n = 0;
	for (; err; n++) {
		bool changed = false;
		start();
		wire_build_section(&builder, WIRE_SECTION_ANSWER);
		test_lines("yxname host\nequal mx MX 10 host\n", put_line, NULL);
		wire_build_section(&builder, WIRE_SECTION_AUTHORITY);
		test_lines(lines, put_line, NULL);
		mem_fail_after(n);
		err = apply_limits(z, &limits, &changed);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NOMEM);
		if (err) {
			assert_string_equal(zone_text(z), before);
		}
	}
	assert_true(n > 10);
	assert_null(strstr(zone_text(z), "apex"));
	assert_non_null(strstr(zone_text(z), "a.b.new.example. 60 TXT \"t\"\n"));
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_zone_section),
	        cmocka_unit_test(test_prerequisites),
	        cmocka_unit_test(test_prerequisite_guards_update),
	        cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_prescan_comes_first),
	        cmocka_unit_test(test_updates),
	        cmocka_unit_test(test_serial),
	        cmocka_unit_test(test_no_soa),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_compressed_rdata),
	        cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
