#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "zone/answer.h"
#include "zone_text.h"

/* The answer as text: flags, then each section behind its letter. */
static char reply[65536];
static uint8_t message[65535];

static char *add_section(char *at, const char *title, struct bytes_reader r, unsigned count)
{
	at += sprintf(at, "%s", title);
	for (unsigned i = 0; i < count; i++) {
		struct wire_rr rr;
		uint8_t rdata[65535];
		struct bytes_writer w;
		bytes_writer_init(&w, rdata, sizeof(rdata));
		assert_int_equal(wire_rr_read(&r, &rr), 0);
		assert_int_equal(wire_rdata_read(&rr.rdata, rr.type, &w), 0);
		if (rr.type != DNS_TYPE_OPT) {
			at = test_record_text(at, (size_t)(reply + sizeof(reply) - at), rr.owner.data, rr.ttl, rr.type,
			                      rdata, w.len);
		}
	}
	return at;
}

static const char *ask_limit(const struct zone *zone, const char *name, uint16_t type, bool dnssec_ok, size_t limit)
{
	struct zone_snapshot *s = zone_current((struct zone *)zone);
	struct wire_question q = {.name = test_name(name), .type = type, .dns_class = DNS_CLASS_IN};
	struct wire_builder b;
	wire_build_init(&b, message, limit, 1, DNS_FLAG_QR);
	assert_int_equal(wire_build_question(&b, q.name.data, q.type, q.dns_class), 0);
	uint16_t flags = 0xffff;
	assert_int_equal(zone_answer(s, &q, dnssec_ok, &b, &flags), 0);
	size_t len = wire_build_finish(&b, (uint16_t)(DNS_FLAG_QR | flags));
	assert_true(len <= limit);
	zone_snapshot_unref(s);

	struct wire_message m;
	assert_int_equal(wire_message_read(message, len, &m), 0);
	assert_int_equal(flags & ~(DNS_FLAG_AA | DNS_FLAG_TC | DNS_FLAGS_RCODE), 0);
	char *at = reply;
	char rcode[WIRE_TYPE_TEXT_MAX];
	at += sprintf(at, "%s%s%s\n", wire_rcode_to_text(flags & DNS_FLAGS_RCODE, rcode),
	              flags & DNS_FLAG_AA ? " AA" : "", flags & DNS_FLAG_TC ? " TC" : "");
	at = add_section(at, "", m.answer, m.header.ancount);
	at = add_section(at, "authority\n", m.authority, m.header.nscount);
	add_section(at, "additional\n", m.additional, m.header.arcount);
	return reply;
}

static const char *ask(const struct zone *zone, const char *name, uint16_t type)
{
	return ask_limit(zone, name, type, false, sizeof(message));
}

static const char *ask_signed(const struct zone *zone, const char *name, uint16_t type)
{
	return ask_limit(zone, name, type, true, sizeof(message));
}

#define SOA_LINE "example. 300 SOA ns.example. hostmaster.example. 1 7200 900 1209600 300\n"

static const char plain_records[] = "@ 3600 SOA ns hostmaster 1 7200 900 1209600 300\n"
                                    "@ 3600 NS ns\n"
                                    "ns 3600 A 192.0.2.1\n"
                                    "ns 1800 AAAA 2001:db8::1\n"
                                    "mail 3600 A 192.0.2.2\n"
                                    "mx 3600 MX 10 mail\n"
                                    "mx 3600 MX 20 mail.example.com.\n"
                                    "mx 3600 MX 30 foo.wild\n"
                                    "srv 3600 SRV 0 0 80 ns\n"
                                    "svcb 3600 SVCB 0 pool\n"
                                    "pool 3600 SVCB 1 ns\n"
                                    "pool 3600 A 192.0.2.3\n"
                                    "www 3600 CNAME mail\n"
                                    "two 60 CNAME www\n"
                                    "out 3600 CNAME www.example.com.\n"
                                    "nx 3600 CNAME nosuch\n"
                                    "nodata 3600 CNAME ent\n"
                                    "loop1 3600 CNAME loop2\n"
                                    "loop2 3600 CNAME loop1\n"
                                    "tosub 3600 CNAME x.sub\n"
                                    "a.ent 3600 TXT \"below\"\n"
                                    "*.wild 3600 A 192.0.2.4\n"
                                    "*.calias 3600 CNAME mail\n"
                                    "*.cloop 3600 CNAME x.cloop\n"
                                    "dn 900 DNAME wild\n"
                                    "dnlong 900 DNAME "
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
                                    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
                                    "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
                                    "ddddddddddddddddddddddddddddddddddddddddddd.example.\n"
                                    "sub 3600 NS ns.sub\n"
                                    "sub 3600 NS ns\n"
                                    "ns.sub 3600 A 192.0.2.5\n"
                                    "bare 3600 NS ns.example.net.\n";

struct question {
	const char *name;
	uint16_t type;
	const char *expected;
};

static void check_table(const char *records, const struct question *table, size_t count, bool dnssec_ok)
{
	struct zone *z = test_zone(records);
	for (size_t i = 0; i < count; i++) {
		const char *text = ask_limit(z, table[i].name, table[i].type, dnssec_ok, sizeof(message));
		if (strcmp(text, table[i].expected) != 0) {
			fail_msg("%s type %u:\n%sinstead of\n%s", table[i].name, table[i].type, text,
			         table[i].expected);
		}
	}
	zone_free(z);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct question plain_table[] = {
        {"mail", DNS_TYPE_A, "NOERROR AA\nmail.example. 3600 A 192.0.2.2\nauthority\nadditional\n"},
        {"mail", DNS_TYPE_AAAA, "NOERROR AA\nauthority\n" SOA_LINE "additional\n"},
        {"ent", DNS_TYPE_A, "NOERROR AA\nauthority\n" SOA_LINE "additional\n"},
        {"nosuch", DNS_TYPE_A, "NXDOMAIN AA\nauthority\n" SOA_LINE "additional\n"},
        {"example.", DNS_TYPE_NS,
         "NOERROR AA\nexample. 3600 NS ns.example.\nauthority\nadditional\n"
         "ns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\n"},
        {"ns", DNS_TYPE_ANY,
         "NOERROR AA\nns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\nauthority\nadditional\n"},
        {"mx", DNS_TYPE_MX,
         "NOERROR AA\nmx.example. 3600 MX 10 mail.example.\nmx.example. 3600 MX 20 mail.example.com.\n"
         "mx.example. 3600 MX 30 foo.wild.example.\nauthority\nadditional\n"
         "mail.example. 3600 A 192.0.2.2\nfoo.wild.example. 3600 A 192.0.2.4\n"},
        {"srv", DNS_TYPE_SRV,
         "NOERROR AA\nsrv.example. 3600 SRV 0 0 80 ns.example.\nauthority\nadditional\n"
         "ns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\n"},
        {"svcb", 64,
         "NOERROR AA\nsvcb.example. 3600 SVCB 0 pool.example.\nauthority\nadditional\n"
         "pool.example. 3600 A 192.0.2.3\npool.example. 3600 SVCB 1 ns.example.\n"},
        {"two", DNS_TYPE_A,
         "NOERROR AA\ntwo.example. 60 CNAME www.example.\nwww.example. 3600 CNAME mail.example.\n"
         "mail.example. 3600 A 192.0.2.2\nauthority\nadditional\n"},
        {"www", DNS_TYPE_CNAME, "NOERROR AA\nwww.example. 3600 CNAME mail.example.\nauthority\nadditional\n"},
        {"out", DNS_TYPE_A, "NOERROR AA\nout.example. 3600 CNAME www.example.com.\nauthority\nadditional\n"},
        {"nx", DNS_TYPE_A, "NXDOMAIN AA\nnx.example. 3600 CNAME nosuch.example.\nauthority\n" SOA_LINE "additional\n"},
        {"nodata", DNS_TYPE_A,
         "NOERROR AA\nnodata.example. 3600 CNAME ent.example.\nauthority\n" SOA_LINE "additional\n"},
        {"loop1", DNS_TYPE_A,
         "NOERROR AA\nloop1.example. 3600 CNAME loop2.example.\nloop2.example. 3600 CNAME loop1.example.\n"
         "authority\nadditional\n"},
        {"tosub", DNS_TYPE_A,
         "NOERROR AA\ntosub.example. 3600 CNAME x.sub.example.\nauthority\n"
         "sub.example. 3600 NS ns.sub.example.\nsub.example. 3600 NS ns.example.\nadditional\n"
         "ns.sub.example. 3600 A 192.0.2.5\nns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\n"},
        {"foo.wild", DNS_TYPE_A, "NOERROR AA\nfoo.wild.example. 3600 A 192.0.2.4\nauthority\nadditional\n"},
        {"foo.wild", DNS_TYPE_MX, "NOERROR AA\nauthority\n" SOA_LINE "additional\n"},
        {"foo.calias", DNS_TYPE_A,
         "NOERROR AA\nfoo.calias.example. 3600 CNAME mail.example.\nmail.example. 3600 A 192.0.2.2\n"
         "authority\nadditional\n"},
        {"foo.cloop", DNS_TYPE_A,
         "NOERROR AA\nfoo.cloop.example. 3600 CNAME x.cloop.example.\nx.cloop.example. 3600 CNAME x.cloop.example.\n"
         "authority\nadditional\n"},
        {"foo.dn", DNS_TYPE_A,
         "NOERROR AA\ndn.example. 900 DNAME wild.example.\nfoo.dn.example. 900 CNAME foo.wild.example.\n"
         "foo.wild.example. 3600 A 192.0.2.4\nauthority\nadditional\n"},
        {"sub", DNS_TYPE_A,
         "NOERROR\nauthority\nsub.example. 3600 NS ns.sub.example.\nsub.example. 3600 NS ns.example.\n"
         "additional\nns.sub.example. 3600 A 192.0.2.5\n"
         "ns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\n"},
        {"ns.sub", DNS_TYPE_A,
         "NOERROR\nauthority\nsub.example. 3600 NS ns.sub.example.\nsub.example. 3600 NS ns.example.\n"
         "additional\nns.sub.example. 3600 A 192.0.2.5\n"
         "ns.example. 3600 A 192.0.2.1\nns.example. 1800 AAAA 2001:db8::1\n"},
        {"sub", DNS_TYPE_DS, "NOERROR AA\nauthority\n" SOA_LINE "additional\n"},
        {"x.bare", DNS_TYPE_A, "NOERROR\nauthority\nbare.example. 3600 NS ns.example.net.\nadditional\n"},
};

static void test_plain(void **state)
{
	(void)state;
	check_table(plain_records, plain_table, COUNT(plain_table), false);
	/* DO changes nothing in a zone without signatures. */
	check_table(plain_records, plain_table, COUNT(plain_table), true);
}

/* The SOA's own TTL limits the denial if it is the smaller one (RFC 2308 3). */
static void test_negative_ttl(void **state)
{
	(void)state;
	struct zone *z = test_zone("@ 100 SOA ns hostmaster 1 7200 900 1209600 300\n");
	assert_string_equal(ask(z, "x", DNS_TYPE_A),
	                    "NXDOMAIN AA\nauthority\n"
	                    "example. 100 SOA ns.example. hostmaster.example. 1 7200 900 1209600 300\nadditional\n");
	zone_free(z);
}

/* A question's letter case comes back in the owner, the zone's in the target. */
static void test_letter_case(void **state)
{
	(void)state;
	struct zone *z = test_zone("@ 100 SOA ns hostmaster 1 7200 900 1209600 300\nMail 60 A 192.0.2.1\n"
	                           "www 60 CNAME MAIL\n");
	assert_string_equal(ask(z, "WwW", DNS_TYPE_A), "NOERROR AA\nWwW.example. 60 CNAME MAIL.example.\n"
	                                               "MAIL.example. 60 A 192.0.2.1\nauthority\nadditional\n");
	zone_free(z);
}

static void test_dname_too_long(void **state)
{
	(void)state;
	struct zone *z = test_zone(plain_records);
	const char *text = ask(z, "a-label-that-makes-it-too-long.dnlong", DNS_TYPE_A);
	assert_memory_equal(text, "YXDOMAIN AA\ndnlong.example. 900 DNAME aaa", 41);
	assert_null(strstr(text, "CNAME"));
	assert_non_null(strstr(text, "\nauthority\nadditional\n"));
	zone_free(z);
}

/* Sixteen links are followed, the rest is left to the resolver. */
static void test_chain_cap(void **state)
{
	(void)state;
	char records[4096];
	char *at = records;
	for (int i = 0; i < 20; i++) {
		at += sprintf(at, "c%d 60 CNAME c%d\n", i, i + 1);
	}
	sprintf(at, "c20 60 A 192.0.2.1\n");
	struct zone *z = test_zone(records);
	assert_null(strstr(ask(z, "c4", DNS_TYPE_A), "192.0.2.1"));
	assert_non_null(strstr(reply, "c19.example. 60 CNAME c20"));
	assert_non_null(strstr(ask(z, "c5", DNS_TYPE_A), "c20.example. 60 A 192.0.2.1"));
	assert_null(strstr(ask(z, "c3", DNS_TYPE_A), "c19.example. 60 CNAME"));
	assert_non_null(strstr(reply, "c18.example. 60 CNAME c19"));
	zone_free(z);
}

/* ---- truncation ---- */

static void test_answer_does_not_fit(void **state)
{
	(void)state;
	char records[2048];
	char *at = records + sprintf(records, "@ 100 SOA ns hostmaster 1 7200 900 1209600 300\nalias 60 CNAME big\n");
	for (int i = 0; i < 40; i++) {
		at += sprintf(at, "big 60 A 192.0.2.%d\n", i);
	}
	struct zone *z = test_zone(records);
	assert_string_equal(ask_limit(z, "big", DNS_TYPE_A, false, 512), "NOERROR AA TC\nauthority\nadditional\n");
	assert_string_equal(ask_limit(z, "alias", DNS_TYPE_A, false, 512),
	                    "NOERROR AA TC\nalias.example. 60 CNAME big.example.\nauthority\nadditional\n");
	/* 12 header, 17 question, 40 records of 16 bytes. */
	assert_null(strstr(ask_limit(z, "big", DNS_TYPE_A, false, 669), " TC"));
	assert_non_null(strstr(ask_limit(z, "big", DNS_TYPE_A, false, 668), " TC"));
	/* The SOA of a denial is part of the answer. */
	assert_string_equal(ask_limit(z, "nosuch", DNS_TYPE_A, false, 50), "NXDOMAIN AA TC\nauthority\nadditional\n");
	zone_free(z);
}

static void test_glue_is_required(void **state)
{
	(void)state;
	struct zone *z = test_zone("sub 60 NS a.sub\nsub 60 NS ns\na.sub 60 A 192.0.2.1\na.sub 60 AAAA 2001:db8::1\n"
	                           "ns 60 AAAA 2001:db8::2\n");
	const char *whole = ask_limit(z, "x.sub", DNS_TYPE_A, false, 512);
	assert_non_null(strstr(whole, "ns.example. 60 AAAA"));
	assert_null(strstr(whole, " TC"));
	/* Addresses of a server outside the cut may go. */
	whole = ask_limit(z, "x.sub", DNS_TYPE_A, false, 120);
	assert_null(strstr(whole, "ns.example. 60 AAAA"));
	assert_non_null(strstr(whole, "a.sub.example. 60 AAAA"));
	assert_null(strstr(whole, " TC"));
	/* Those of one below it may not. */
	whole = ask_limit(z, "x.sub", DNS_TYPE_A, false, 90);
	assert_non_null(strstr(whole, " TC"));
	zone_free(z);
}

static void test_additional_may_be_left_out(void **state)
{
	(void)state;
	struct zone *z = test_zone("mx 60 MX 1 a\na 60 A 192.0.2.1\na 60 AAAA 2001:db8::1\n");
	assert_string_equal(ask_limit(z, "mx", DNS_TYPE_MX, false, 70),
	                    "NOERROR AA\nmx.example. 60 MX 1 a.example.\nauthority\nadditional\n"
	                    "a.example. 60 A 192.0.2.1\n");
	zone_free(z);
}

/* ---- NSEC ---- */

#define SIG(owner, ttl, type) owner " " #ttl " RRSIG " type " 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
#define SIG_OUT(owner, ttl, type)                                                                                      \
	owner ".example. " #ttl " RRSIG " type " 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
#define SOA_SIG    "example. 300 RRSIG SOA 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
#define SIGNED_SOA "authority\n" SOA_LINE SOA_SIG
#define APEX_NSEC                                                                                                      \
	"example. 300 NSEC a.ent.example. NS SOA RRSIG NSEC\n"                                                         \
	"example. 300 RRSIG NSEC 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
#define ENT_NSEC  "a.ent.example. 300 NSEC ns.example. TXT RRSIG NSEC\n" SIG_OUT("a.ent", 300, "NSEC")
#define NS_NSEC   "ns.example. 300 NSEC safe.example. A RRSIG NSEC\n" SIG_OUT("ns", 300, "NSEC")
#define SUB_NSEC  "sub.example. 300 NSEC *.wild.example. NS RRSIG NSEC\n" SIG_OUT("sub", 300, "NSEC")
#define WILD_NSEC "*.wild.example. 300 NSEC here.wild.example. A RRSIG NSEC\n" SIG_OUT("*.wild", 300, "NSEC")
#define HERE_NSEC "here.wild.example. 300 NSEC example. A RRSIG NSEC\n" SIG_OUT("here.wild", 300, "NSEC")

/* Signatures have the TTL that the store keeps for their RRset: 3600; what comes out is that of what they sign. */
static const char nsec_records[] =
        "@ 3600 SOA ns hostmaster 1 7200 900 1209600 300\n"
        "@ 3600 NS ns\n"
        "@ 300 NSEC a.ent NS SOA RRSIG NSEC\n" SIG("@", 3600, "SOA") SIG("@", 3600, "NS") SIG(
                "@", 3600,
                "NSEC") "ns 60 A 192.0.2.1\n"
                        "ns 300 NSEC safe A RRSIG NSEC\n" SIG("ns", 3600, "A") SIG(
                                "ns", 3600,
                                "NSEC") "a.ent 60 TXT \"x\"\n"
                                        "a.ent 300 NSEC ns TXT RRSIG NSEC\n" SIG("a.ent", 3600, "TXT") SIG(
                                                "a.ent", 3600,
                                                "NSEC") "safe 3600 NS ns.safe\n"
                                                        "safe 3600 DS 1 13 200 00FF\n"
                                                        "safe 300 NSEC sub NS DS RRSIG NSEC\n" SIG("safe", 3600, "DS")
                                                                SIG("safe", 3600,
                                                                    "NSEC") "ns.safe 3600 A 192.0.2.2\n"
                                                                            "sub 3600 NS ns.sub\n"
                                                                            "sub 300 NSEC *.wild NS RRSIG NSEC\n" SIG(
                                                                                    "sub", 3600,
                                                                                    "NSEC") "ns.sub 3600 A 192.0.2.3\n"
                                                                                            "*.wild 60 A 192.0.2.4\n"
                                                                                            "*.wild 300 NSEC here.wild "
                                                                                            "A RRSIG NSEC\n" SIG(
                                                                                                    "*.wild", 3600, "A")
                                                                                                    SIG("*.wild", 3600,
                                                                                                        "NSEC") "here."
                                                                                                                "wild "
                                                                                                                "60 A "
                                                                                                                "192.0."
                                                                                                                "2.5\n"
                                                                                                                "here."
                                                                                                                "wild "
                                                                                                                "300 "
                                                                                                                "NSEC "
                                                                                                                "@ A "
                                                                                                                "RRSIG "
                                                                                                                "NSEC"
                                                                                                                "\n" SIG(
                                                                                                                        "here.wild",
                                                                                                                        3600,
                                                                                                                        "A")
                                                                                                                        SIG("here.wild",
                                                                                                                            3600,
                                                                                                                            "NSEC");

static const struct question nsec_table[] = {
        {"ns", DNS_TYPE_A, "NOERROR AA\nns.example. 60 A 192.0.2.1\n" SIG_OUT("ns", 60, "A") "authority\nadditional\n"},
        /* All signatures, each with the TTL of what it signs. */
        {"ns", DNS_TYPE_RRSIG,
         "NOERROR AA\n" SIG_OUT("ns", 60, "A") SIG_OUT("ns", 300, "NSEC") "authority\nadditional\n"},
        {"ns", DNS_TYPE_ANY,
         "NOERROR AA\nns.example. 60 A 192.0.2.1\n" SIG_OUT("ns", 60, "A")
                 SIG_OUT("ns", 300, "NSEC") "ns.example. 300 NSEC safe.example. A RRSIG NSEC\nauthority\nadditional\n"},
        {"ns", DNS_TYPE_TXT, "NOERROR AA\n" SIGNED_SOA NS_NSEC "additional\n"},
        {"ent", DNS_TYPE_A, "NOERROR AA\n" SIGNED_SOA APEX_NSEC "additional\n"},
        {"b", DNS_TYPE_A, "NXDOMAIN AA\n" SIGNED_SOA APEX_NSEC "additional\n"},
        {"o", DNS_TYPE_A, "NXDOMAIN AA\n" SIGNED_SOA NS_NSEC APEX_NSEC "additional\n"},
        /* The last name before is glue: its cut proves instead. */
        {"t", DNS_TYPE_A, "NXDOMAIN AA\n" SIGNED_SOA SUB_NSEC APEX_NSEC "additional\n"},
        {"b.ent", DNS_TYPE_A, "NXDOMAIN AA\n" SIGNED_SOA ENT_NSEC APEX_NSEC "additional\n"},
        {"x.wild", DNS_TYPE_A,
         "NOERROR AA\nx.wild.example. 60 A 192.0.2.4\n" SIG_OUT("x.wild", 60, "A") "authority\n" HERE_NSEC
                                                                                   "additional\n"},
        {"x.wild", DNS_TYPE_TXT, "NOERROR AA\n" SIGNED_SOA HERE_NSEC WILD_NSEC "additional\n"},
        {"x.safe", DNS_TYPE_A,
         "NOERROR\nauthority\nsafe.example. 3600 NS ns.safe.example.\nsafe.example. 3600 DS 1 13 200 00FF\n" SIG_OUT(
                 "safe", 3600, "DS") "additional\nns.safe.example. 3600 A 192.0.2.2\n"},
        {"safe", DNS_TYPE_DS,
         "NOERROR AA\nsafe.example. 3600 DS 1 13 200 00FF\n" SIG_OUT("safe", 3600, "DS") "authority\nadditional\n"},
        {"x.sub", DNS_TYPE_A,
         "NOERROR\nauthority\nsub.example. 3600 NS ns.sub.example.\n" SUB_NSEC
         "additional\nns.sub.example. 3600 A 192.0.2.3\n"},
        {"sub", DNS_TYPE_DS, "NOERROR AA\n" SIGNED_SOA SUB_NSEC "additional\n"},
        {"example.", DNS_TYPE_NS,
         "NOERROR AA\nexample. 3600 NS ns.example.\n"
         "example. 3600 RRSIG NS 13 2 3600 20300101000000 20200101000000 7 example. AAAA\n"
         "authority\nadditional\nns.example. 60 A 192.0.2.1\n" SIG_OUT("ns", 60, "A")},
};

static void test_nsec(void **state)
{
	(void)state;
	check_table(nsec_records, nsec_table, COUNT(nsec_table), true);
}

/* Without DO no DNSSEC record appears that was not asked for. */
static void test_nsec_without_do(void **state)
{
	(void)state;
	struct zone *z = test_zone(nsec_records);
	assert_string_equal(ask(z, "ns", DNS_TYPE_A),
	                    "NOERROR AA\nns.example. 60 A 192.0.2.1\nauthority\nadditional\n");
	assert_string_equal(ask(z, "x.wild", DNS_TYPE_A),
	                    "NOERROR AA\nx.wild.example. 60 A 192.0.2.4\nauthority\nadditional\n");
	assert_string_equal(ask(z, "o", DNS_TYPE_A), "NXDOMAIN AA\nauthority\n" SOA_LINE "additional\n");
	assert_string_equal(ask(z, "x.safe", DNS_TYPE_A), "NOERROR\nauthority\nsafe.example. 3600 NS ns.safe.example.\n"
	                                                  "additional\nns.safe.example. 3600 A 192.0.2.2\n");
	zone_free(z);
}

/* ---- NSEC3: the zone of RFC 5155 A and its answers B ---- */

static const char nsec3_records[] =
        "@ 3600 SOA ns1 bugs.x.w 1 3600 300 3600000 3600\n"
        "@ 3600 NS ns1\n"
        "@ 3600 NS ns2\n"
        "@ 3600 MX 1 xx\n"
        "@ 3600 NSEC3PARAM 1 0 12 aabbccdd\n" SIG(
                "@", 3600,
                "SOA") "a 3600 NS ns1.a\n"
                       "a 3600 NS ns2.a\n"
                       "a 3600 DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C\n"
                       "ns1.a 3600 A 192.0.2.5\n"
                       "ns2.a 3600 A 192.0.2.6\n"
                       "ai 3600 A 192.0.2.9\n"
                       "c 3600 NS ns1.c\n"
                       "c 3600 NS ns2.c\n"
                       "ns1.c 3600 A 192.0.2.7\n"
                       "ns2.c 3600 A 192.0.2.8\n"
                       "ns1 3600 A 192.0.2.1\n"
                       "ns2 3600 A 192.0.2.2\n"
                       "*.w 3600 MX 1 ai\n"
                       "x.w 3600 MX 1 xx\n"
                       "x.y.w 3600 MX 1 xx\n"
                       "xx 3600 A 192.0.2.10\n"
                       "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 3600 NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr "
                       "NS SOA MX "
                       "RRSIG DNSKEY NSEC3PARAM\n"
                       "2t7b4g4vsa5smi47k61mv5bv1a22bojr 3600 NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A "
                       "RRSIG\n"
                       "2vptu5timamqttgl4luu9kg21e0aor3s 3600 NSEC3 1 1 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl "
                       "MX RRSIG\n"
                       "35mthgpgcu1qg68fab165klnsnk3dpvl 3600 NSEC3 1 1 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 "
                       "NS DS RRSIG\n"
                       "b4um86eghhds6nea196smvmlo4ors995 3600 NSEC3 1 1 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi "
                       "MX RRSIG\n"
                       "gjeqe526plbf1g8mklp59enfd789njgi 3600 NSEC3 1 1 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc A "
                       "HINFO AAAA "
                       "RRSIG\n"
                       "ji6neoaepv8b5o6k4ev33abha8ht9fgc 3600 NSEC3 1 1 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h\n"
                       "k8udemvp1j2f7eg6jebps17vp3n8i58h 3600 NSEC3 1 1 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r\n"
                       "q04jkcevqvmu85r014c7dkba38o0ji5r 3600 NSEC3 1 1 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A "
                       "RRSIG\n"
                       "r53bq7cc2uvmubfu5ocmm6pers9tk9en 3600 NSEC3 1 1 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv "
                       "MX RRSIG\n"
                       "t644ebqk9bibcna874givr6joj62mlhv 3600 NSEC3 1 1 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A "
                       "HINFO AAAA "
                       "RRSIG\n";

/* The first letters of the NSEC3 owners in the authority section, in order. */
static const char *nsec3_owners(const struct zone *z, const char *name, uint16_t type)
{
	static char owners[256];
	char *out = owners;
	for (const char *line = ask_signed(z, name, type); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *end = strchr(line, '\n');
		const char *nsec3 = strstr(line, " NSEC3 ");
		if (end && nsec3 && nsec3 < end) {
			out += sprintf(out, "%.4s ", line);
		}
	}
	*out = 0;
	return owners;
}

static void test_nsec3(void **state)
{
	(void)state;
	struct zone *z = test_zone(nsec3_records);
	/* B.1: closest encloser x.w, next closer c.x.w, wildcard *.x.w. */
	assert_string_equal(nsec3_owners(z, "a.c.x.w", DNS_TYPE_A), "b4um 0p9m 35mt ");
	assert_memory_equal(reply, "NXDOMAIN AA\n", 12);
	/* B.2, B.2.1: NODATA of a name and of an empty non-terminal. */
	assert_string_equal(nsec3_owners(z, "ns1", DNS_TYPE_MX), "2t7b ");
	assert_string_equal(nsec3_owners(z, "y.w", DNS_TYPE_A), "ji6n ");
	assert_memory_equal(reply, "NOERROR AA\n", 11);
	/* B.3: referral to a zone that opt-out left out, closest provable encloser the apex. */
	assert_string_equal(nsec3_owners(z, "mc.c", DNS_TYPE_MX), "0p9m 35mt ");
	assert_memory_equal(reply, "NOERROR\nauthority\nc.example. 3600 NS", 36);
	/* The same as an answer about the DS itself. */
	assert_string_equal(nsec3_owners(z, "c", DNS_TYPE_DS), "0p9m 35mt ");
	assert_memory_equal(reply, "NOERROR AA\nauthority\nexample. 3600 SOA", 38);
	/* B.4: wildcard answer, next closer z.w. */
	assert_string_equal(nsec3_owners(z, "a.z.w", DNS_TYPE_MX), "q04j ");
	assert_memory_equal(reply, "NOERROR AA\na.z.w.example. 3600 MX 1 ai", 38);
	/* B.5: wildcard NODATA. */
	assert_string_equal(nsec3_owners(z, "a.z.w", DNS_TYPE_AAAA), "k8ud q04j r53b ");
	/* B.6: DS at the apex. */
	assert_string_equal(nsec3_owners(z, "example.", DNS_TYPE_DS), "0p9m ");
	/* A signed referral needs no NSEC3. */
	assert_string_equal(nsec3_owners(z, "x.a", DNS_TYPE_A), "");
	assert_non_null(strstr(reply, "a.example. 3600 DS 58470"));
	/* Hashed names are not names (RFC 5155 7.2.8). */
	assert_memory_equal(ask(z, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", DNS_TYPE_NSEC3), "NXDOMAIN AA\n", 12);
	/* Without DO there is no proof. */
	assert_null(strstr(ask(z, "a.c.x.w", DNS_TYPE_A), "NSEC3"));
	zone_free(z);
}

/* Past the cap of iterations the answer comes without a proof. */
static void test_nsec3_iterations(void **state)
{
	(void)state;
	struct zone *z = test_zone("@ 3600 SOA ns1 h 1 3600 300 3600000 3600\n@ 3600 NSEC3PARAM 1 0 151 -\n"
	                           "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 3600 NSEC3 1 0 151 - "
	                           "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom SOA\n");
	assert_string_equal(nsec3_owners(z, "nosuch", DNS_TYPE_A), "");
	assert_memory_equal(reply, "NXDOMAIN AA\nauthority\nexample. 3600 SOA", 39);
	zone_free(z);
}

static void test_empty_zone(void **state)
{
	(void)state;
	struct zone *z = zone_new((const uint8_t *)"\7example");
	assert_string_equal(ask_signed(z, "example.", DNS_TYPE_A), "NXDOMAIN AA\nauthority\nadditional\n");
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plain),
	        cmocka_unit_test(test_negative_ttl),
	        cmocka_unit_test(test_letter_case),
	        cmocka_unit_test(test_dname_too_long),
	        cmocka_unit_test(test_chain_cap),
	        cmocka_unit_test(test_answer_does_not_fit),
	        cmocka_unit_test(test_glue_is_required),
	        cmocka_unit_test(test_additional_may_be_left_out),
	        cmocka_unit_test(test_nsec),
	        cmocka_unit_test(test_nsec_without_do),
	        cmocka_unit_test(test_nsec3),
	        cmocka_unit_test(test_nsec3_iterations),
	        cmocka_unit_test(test_empty_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
