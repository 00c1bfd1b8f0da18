/* The writer's side: zones from files, updates, and files that were edited while updates went on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "roles/authoritative/zones.h"
#include "wire/dns.h"

#include "../zone/zone_text.h"

#define SOA_LINE(serial) "@ 300 IN SOA ns h " #serial " 3600 900 604800 60\n"
#define NS_LINE          "@ 300 IN NS ns\n"
/* NS_LINE as expect() writes it. */
#define NS_TEXT "example. 300 NS ns.example.\n"

static struct {
	char path[64];
	struct auth_zone *zone;
	unsigned faults;
	char fault[1024]; /* the last one */
	char fault_file[64];
	unsigned long fault_line;
} f;

static void on_fault(void *context, const char *file, unsigned long line, unsigned long column, const char *message)
{
	(void)column;
	assert_ptr_equal(context, &f);
	f.faults++;
	f.fault_line = line;
	snprintf(f.fault, sizeof(f.fault), "%s", message);
	snprintf(f.fault_file, sizeof(f.fault_file), "%s", file);
}

static void write_file(const char *text)
{
	FILE *file = fopen(f.path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int try_load(void)
{
	const struct wire_name origin = test_name("example.");
	f.faults = 0;
	return auth_zone_load(&origin, f.path, on_fault, &f, &f.zone);
}

static void load(const char *text)
{
	write_file(text);
	assert_int_equal(try_load(), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	strcpy(f.path, "/tmp/dnspush-zones-XXXXXX");
	int fd = mkstemp(f.path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	auth_zone_free(f.zone);
	return unlink(f.path);
}

/* Reload; returns how many RRsets changed, or the error. */
static long reload(const char *text)
{
	struct zone_changeset *changeset = NULL;
	struct zone_snapshot *before = auth_zone_current(f.zone);
	write_file(text);
	f.faults = 0;
	int err = auth_zone_reload(f.zone, f.path, on_fault, &f, &changeset);
	struct zone_snapshot *after = auth_zone_current(f.zone);
	long count = 0;
	if (changeset) {
		assert_ptr_equal(changeset->from, before);
		assert_ptr_equal(changeset->to, after);
		assert_true(changeset->count > 0);
		count = (long)changeset->count;
	} else {
		assert_ptr_equal(before, after);
	}
	zone_changeset_unref(changeset);
	zone_snapshot_unref(before);
	zone_snapshot_unref(after);
	auth_zone_collect(f.zone);
	return err ? err : count;
}

/* ---- updates ---- */

struct update {
	uint8_t bytes[2048];
	struct bytes_writer w;
	struct wire_message message;
	uint16_t count;
};

static void put_lines(struct update *u, const char *text, uint16_t dns_class)
{
	while (*text) {
		char line[512];
		size_t len = strcspn(text, "\n");
		assert_true(len < sizeof(line));
		memcpy(line, text, len);
		line[len] = 0;
		struct test_record r = test_record(line);
		bytes_put(&u->w, r.owner.data, r.owner.len);
		bytes_put_u16(&u->w, r.type);
		bytes_put_u16(&u->w, dns_class);
		bytes_put_u32(&u->w, dns_class == DNS_CLASS_IN ? r.ttl : 0);
		bytes_put_u16(&u->w, (uint16_t)r.len);
		bytes_put(&u->w, r.rdata, r.len);
		u->count++;
		text += len + 1;
	}
}

/* The UPDATE that removes and adds these records. */
static void make_update(struct update *u, const char *removals, const char *additions)
{
	static const uint8_t zone[] = "\7example";
	u->count = 0;
	bytes_writer_init(&u->w, u->bytes, sizeof(u->bytes));
	bytes_put_u16(&u->w, 1);
	bytes_put_u16(&u->w, DNS_OPCODE_UPDATE << 11);
	bytes_put_u16(&u->w, 1);
	for (int i = 0; i < 3; i++) {
		bytes_put_u16(&u->w, 0);
	}
	bytes_put(&u->w, zone, sizeof(zone));
	bytes_put_u16(&u->w, DNS_TYPE_SOA);
	bytes_put_u16(&u->w, DNS_CLASS_IN);
	put_lines(u, removals, DNS_CLASS_NONE);
	put_lines(u, additions, DNS_CLASS_IN);
	bytes_store_u16(u->bytes + 8, u->count);
	assert_int_equal(wire_message_read(u->bytes, u->w.len, &u->message), 0);
}

static const struct update_limits limits = {.records_per_rrset = 3, .types_per_name = 3};

/* Returns how many RRsets changed, or the error. */
static long update(const char *removals, const char *additions)
{
	struct update u;
	struct zone_changeset *changeset = NULL;
	make_update(&u, removals, additions);
	int err = auth_zone_update(f.zone, &u.message, &limits, &changeset);
	long count = changeset ? (long)changeset->count : 0;
	zone_changeset_unref(changeset);
	auth_zone_collect(f.zone);
	return err ? err : count;
}

/* ---- what the zone holds ---- */

static uint32_t serial(void)
{
	struct zone_snapshot *s = auth_zone_current(f.zone);
	uint32_t n = zone_snapshot_serial(s);
	zone_snapshot_unref(s);
	return n;
}

static uint64_t version(void)
{
	struct zone_snapshot *s = auth_zone_current(f.zone);
	uint64_t n = zone_snapshot_version(s);
	zone_snapshot_unref(s);
	return n;
}

static char *node_text(char *text, const char *end, const struct zone_node *node, bool with_soa)
{
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct zone_rrset *set = zone_node_rrset_at(node, i);
		const uint8_t *rdata;
		uint16_t len;
		for (size_t at = 0; zone_rrset_next(set, &at, &rdata, &len);) {
			if (with_soa || set->type != DNS_TYPE_SOA) {
				text = test_record_text(text, (size_t)(end - text), zone_node_name(node), set->ttl,
				                        set->type, rdata, len);
			}
		}
	}
	return text;
}

static void zone_text(char *text, size_t size, bool with_soa)
{
	struct zone_snapshot *s = auth_zone_current(f.zone);
	struct zone_iterator *nodes = zone_iterate(s, NULL);
	const struct zone_node *node;
	char *at = text;
	assert_non_null(nodes);
	*at = 0;
	while ((node = zone_iterator_next(nodes)) != NULL) {
		at = node_text(at, text + size, node, with_soa);
	}
	zone_iterator_free(nodes);
	zone_snapshot_unref(s);
	/* Without the quotes of strings. */
	for (at = text; *text; text++) {
		if (*text != '"') {
			*at++ = *text;
		}
	}
	*at = 0;
}

/* All but the SOA, in canonical order, behind the NS of the apex. */
static void expect(const char *text)
{
	char held[4096];
	zone_text(held, sizeof(held), false);
	assert_int_equal(strncmp(held, NS_TEXT, strlen(NS_TEXT)), 0);
	assert_string_equal(held + strlen(NS_TEXT), text);
}

/* ---- loading ---- */

static void a_file_becomes_a_zone(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	assert_memory_equal(auth_zone_origin(f.zone), "\7example", 9);
	assert_int_equal(serial(), 7);
	assert_int_equal(f.faults, 0);
	assert_true(auth_zone_memory(f.zone) > 0);
	expect("a.example. 60 A 192.0.2.1\n");
}

static void a_faulty_file_becomes_none(void **state)
{
	(void)state;
	write_file(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.999\n");
	assert_int_equal(try_load(), ERR_SYNTAX);
	assert_null(f.zone);
	assert_int_equal(f.faults, 1);
	assert_int_equal(f.fault_line, 3);
	write_file(NS_LINE);
	assert_int_equal(try_load(), ERR_SYNTAX);
	assert_true(f.faults > 0);
	const struct wire_name origin = test_name("example.");
	assert_int_equal(auth_zone_load(&origin, "/nonexistent/zone", on_fault, &f, &f.zone), ERR_SYSTEM);
	assert_string_equal(f.fault_file, "/nonexistent/zone");
	assert_null(f.zone);
}

/* ---- reloading ---- */

static void a_reload_takes_what_was_edited(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\nb 60 IN A 192.0.2.2\nb 60 IN TXT x\n");
	/* Added, removed, TTL, type gone, letters of no account. */
	assert_int_equal(reload(SOA_LINE(8) NS_LINE "a 90 IN A 192.0.2.1\nb 60 IN A 192.0.2.3\nc 60 IN PTR A\n"), 5);
	expect("a.example. 90 A 192.0.2.1\nb.example. 60 A 192.0.2.3\nc.example. 60 PTR A.example.\n");
	assert_int_equal(serial(), 8);
	assert_int_equal(reload(SOA_LINE(8) NS_LINE "A 90 IN A 192.0.2.1\nb 60 IN A 192.0.2.3\nc 60 IN PTR a\n"), 0);
	/* The whole name. */
	assert_int_equal(reload(SOA_LINE(9) NS_LINE), 4);
	expect("");
}

static void updates_stay_over_a_reload(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\na 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.3\n");
	/* SOA and three sets. */
	assert_int_equal(update("a 60 A 192.0.2.1\nb 60 A 192.0.2.3\n", "a 60 A 192.0.2.9\nu 60 TXT u\n"), 4);
	assert_int_equal(serial(), 8);
	/* The file as it was: what updates did stays, and so does the version. */
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\na 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.3\n"),
	                 0);
	assert_int_equal(serial(), 8);
	/* In the same RRsets and elsewhere: .4 comes, .2 goes; .1 and b, removed by the update, do not return. */
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\na 60 IN A 192.0.2.4\nb 60 IN A 192.0.2.3\n"
	                                            "b 60 IN TXT b\n"),
	                 3);
	expect("a.example. 60 A 192.0.2.4\na.example. 60 A 192.0.2.9\nb.example. 60 TXT b\nu.example. 60 TXT u\n");
	assert_int_equal(serial(), 9);
	/* From here on the file of the last reload counts: what leaves it leaves the zone, what updates added does not.
	 */
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "b 60 IN A 192.0.2.3\n"), 3);
	expect("a.example. 60 A 192.0.2.9\nu.example. 60 TXT u\n");
	/* Taken out of the file and put in again, it returns. */
	assert_int_equal(reload(SOA_LINE(7) NS_LINE), 0);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "b 60 IN A 192.0.2.3\n"), 2);
	expect("a.example. 60 A 192.0.2.9\nb.example. 60 A 192.0.2.3\nu.example. 60 TXT u\n");
}

static void a_ttl_edit_brings_back_nothing(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\na 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.3\n");
	assert_int_equal(update("a 60 A 192.0.2.1\nb 60 A 192.0.2.3\n", "a 60 A 192.0.2.9\n"), 3);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 90 IN A 192.0.2.1\na 90 IN A 192.0.2.2\nb 90 IN A 192.0.2.3\n"),
	                 2);
	expect("a.example. 90 A 192.0.2.2\na.example. 90 A 192.0.2.9\n");
	/* Together with a new record. */
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 30 IN A 192.0.2.1\na 30 IN A 192.0.2.2\nb 30 IN A 192.0.2.3\n"
	                                            "b 30 IN A 192.0.2.4\n"),
	                 3);
	expect("a.example. 30 A 192.0.2.2\na.example. 30 A 192.0.2.9\nb.example. 30 A 192.0.2.4\n");
	/* Nothing of the file's is left of the RRset: its TTL is the business of updates. */
	assert_int_equal(update("a 30 A 192.0.2.2\n", ""), 2);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 10 IN A 192.0.2.1\na 10 IN A 192.0.2.2\nb 30 IN A 192.0.2.3\n"
	                                            "b 30 IN A 192.0.2.4\n"),
	                 0);
	expect("a.example. 30 A 192.0.2.9\nb.example. 30 A 192.0.2.4\n");
}

static void nsec3_nodes_are_merged_too(void **state)
{
	(void)state;
	static const char with[] = SOA_LINE(7) NS_LINE
	        "@ 300 IN NSEC3PARAM 1 0 0 -\n"
	        "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 60 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA\n"
	        "2t7b4g4vsa5smi47k61mv5bv1a22bojr 60 IN NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n"
	        "a 60 IN A 192.0.2.1\nz 60 IN A 192.0.2.1\n";
	load(with);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\nz 60 IN A 192.0.2.1\n"), 4);
	expect("a.example. 60 A 192.0.2.1\nz.example. 60 A 192.0.2.1\n");
	assert_int_equal(reload(with), 4);
	assert_int_equal(reload(with), 0);
	struct zone_snapshot *s = auth_zone_current(f.zone);
	assert_true(zone_snapshot_has_nsec3(s));
	zone_snapshot_unref(s);
}

static void the_newer_serial_counts(void **state)
{
	(void)state;
	load(SOA_LINE(10) NS_LINE);
	/* The file's is newer: by one, by much, across the end of the numbers. */
	assert_int_equal(reload(SOA_LINE(11) NS_LINE), 1);
	assert_int_equal(serial(), 11);
	assert_int_equal(reload(SOA_LINE(2147483658) NS_LINE), 1);
	assert_int_equal(serial(), 2147483658);
	assert_int_equal(reload(SOA_LINE(4294967295) NS_LINE), 1);
	assert_int_equal(reload(SOA_LINE(5) NS_LINE), 1);
	assert_int_equal(serial(), 5);
	/* It is not: an edit without a new serial, one with an old serial. Never again for the same file. */
	assert_int_equal(reload(SOA_LINE(5) NS_LINE "a 60 IN A 192.0.2.1\n"), 2);
	assert_int_equal(serial(), 6);
	assert_int_equal(reload(SOA_LINE(3) NS_LINE "a 60 IN A 192.0.2.1\n"), 1);
	assert_int_equal(serial(), 7);
	uint64_t v = version();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reload(SOA_LINE(3) NS_LINE "a 60 IN A 192.0.2.1\n"), 0);
	}
	assert_int_equal(serial(), 7);
	assert_int_equal(version(), v);
	/* Other numbers of the SOA and its TTL. */
	assert_int_equal(reload("@ 30 IN SOA ns2 h 3 1 2 3 4\n" NS_LINE "a 60 IN A 192.0.2.1\n"), 1);
	assert_int_equal(serial(), 8);
	char held[4096];
	zone_text(held, sizeof(held), true);
	assert_non_null(strstr(held, "example. 30 SOA ns2.example. h.example. 8 1 2 3 4\n"));
	/* An update ran ahead of the file; the file overtakes it. */
	assert_int_equal(update("", "u 60 TXT u\n"), 2);
	assert_int_equal(update("u 60 TXT u\n", "v 60 TXT v\n"), 3);
	assert_int_equal(serial(), 10);
	assert_int_equal(reload("@ 30 IN SOA ns2 h 10 1 2 3 4\n" NS_LINE "a 60 IN A 192.0.2.1\n"), 1);
	assert_int_equal(serial(), 11);
	assert_int_equal(reload("@ 30 IN SOA ns2 h 20 1 2 3 4\n" NS_LINE "a 60 IN A 192.0.2.1\n"), 1);
	assert_int_equal(serial(), 20);
	expect("a.example. 60 A 192.0.2.1\nv.example. 60 TXT v\n");
}

static void serial_zero_is_passed_over(void **state)
{
	(void)state;
	load(SOA_LINE(4294967295) NS_LINE);
	assert_int_equal(reload(SOA_LINE(4294967295) NS_LINE "a 60 IN A 192.0.2.1\n"), 2);
	assert_int_equal(serial(), 1);
}

/* An SOA that an update gave stays as long as the file's own is the same. */
static void an_updated_soa_stays(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE);
	assert_int_equal(update("", "example. 77 SOA other h 50 1 2 3 4\n"), 1);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE), 0);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n"), 2);
	char held[4096];
	zone_text(held, sizeof(held), true);
	assert_non_null(strstr(held, "example. 77 SOA other.example. h.example. 51 1 2 3 4\n"));
}

static void a_faulty_file_keeps_the_zone(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	assert_int_equal(update("", "u 60 TXT u\n"), 2);
	uint64_t v = version();
	assert_int_equal(reload(SOA_LINE(9) NS_LINE "a 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.999\n"), ERR_SYNTAX);
	assert_int_equal(f.faults, 1);
	assert_int_equal(reload(SOA_LINE(9) "a 60 IN A 192.0.2.2\n"), ERR_SYNTAX);
	struct zone_changeset *changeset = NULL;
	assert_int_equal(auth_zone_reload(f.zone, "/nonexistent/zone", on_fault, &f, &changeset), ERR_SYSTEM);
	assert_null(changeset);
	assert_int_equal(version(), v);
	assert_int_equal(serial(), 8);
	expect("a.example. 60 A 192.0.2.1\nu.example. 60 TXT u\n");
	/* What was read at the start still is what edits are measured against. */
	assert_int_equal(reload(SOA_LINE(9) NS_LINE), 2);
	expect("u.example. 60 TXT u\n");
}

/* ---- edits that cannot stand beside updates ---- */

static void refuses(const char *text, const char *owner, const char *held)
{
	uint64_t v = version();
	assert_int_equal(reload(text), ERR_SYNTAX);
	assert_int_equal(f.faults, 1);
	assert_string_equal(f.fault_file, f.path);
	assert_int_equal(strncmp(f.fault, owner, strlen(owner)), 0);
	assert_int_equal(version(), v);
	expect(held);
}

static void a_cname_beside_updated_records_is_refused(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	assert_int_equal(update("", "u 60 TXT u\na 60 TXT t\n"), 3);
	static const char held[] = "a.example. 60 A 192.0.2.1\na.example. 60 TXT t\nu.example. 60 TXT u\n";
	refuses(SOA_LINE(8) NS_LINE "a 60 IN A 192.0.2.1\nu 60 IN CNAME ns\n", "u.example.: ", held);
	refuses(SOA_LINE(8) NS_LINE "a 60 IN CNAME ns\n", "a.example.: ", held);
	/* All of them are named. */
	assert_int_equal(reload(SOA_LINE(8) NS_LINE "a 60 IN CNAME ns\nu 60 IN CNAME ns\n"), ERR_SYNTAX);
	assert_int_equal(f.faults, 2);
	/* Other names in such a file are not taken over; a file without the conflict is. */
	assert_int_equal(reload(SOA_LINE(8) NS_LINE "b 60 IN CNAME ns\n"), 3);
	expect("a.example. 60 TXT t\nb.example. 60 CNAME ns.example.\nu.example. 60 TXT u\n");
	/* Once the update's record is gone the CNAME may come. */
	assert_int_equal(update("u 60 TXT u\n", ""), 2);
	assert_int_equal(reload(SOA_LINE(20) NS_LINE "b 60 IN CNAME ns\nu 60 IN CNAME ns\n"), 2);
	expect("a.example. 60 TXT t\nb.example. 60 CNAME ns.example.\nu.example. 60 CNAME ns.example.\n");
}

static void records_beside_an_updated_cname_are_refused(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\nc 60 IN CNAME ns\nd 60 IN CNAME ns\n");
	assert_int_equal(update("a 60 A 192.0.2.1\n", "a 60 CNAME x\nc 60 CNAME x\nu 60 CNAME x\n"), 5);
	static const char held[] = "a.example. 60 CNAME x.example.\nc.example. 60 CNAME x.example.\n"
	                           "d.example. 60 CNAME ns.example.\nu.example. 60 CNAME x.example.\n";
#define REST "a 60 IN A 192.0.2.1\nd 60 IN CNAME ns\n"
	refuses(SOA_LINE(8) NS_LINE REST "c 60 IN CNAME ns\nu 60 IN TXT u\n", "u.example.: ", held);
	refuses(SOA_LINE(8) NS_LINE REST "c 60 IN CNAME ns\na 60 IN TXT u\n", "a.example.: ", held);
	refuses(SOA_LINE(8) NS_LINE REST "c 60 IN TXT c\n", "c.example.: ", held);
	/* Both changed the target. */
	refuses(SOA_LINE(8) NS_LINE REST "c 60 IN CNAME y\n", "c.example.: ", held);
	/* The same target is no conflict, nor is a CNAME that only the file touches, or what may be beside one. */
	assert_int_equal(reload(SOA_LINE(8) NS_LINE "a 60 IN A 192.0.2.1\nc 60 IN CNAME x\nd 60 IN TXT d\n"
	                                            "u 60 IN NSEC x A\n"),
	                 4);
	expect("a.example. 60 CNAME x.example.\nc.example. 60 CNAME x.example.\nd.example. 60 TXT d\n"
	       "u.example. 60 CNAME x.example.\nu.example. 60 NSEC x.example. A\n");
#undef REST
}

static void two_dnames_are_refused(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "d 60 IN DNAME a\n");
	assert_int_equal(update("", "d 60 DNAME b\n"), 2);
	refuses(SOA_LINE(8) NS_LINE "d 60 IN DNAME c\n", "d.example.: ", "d.example. 60 DNAME b.example.\n");
}

static void the_last_ns_stays(void **state)
{
	(void)state;
	load(SOA_LINE(7) "@ 300 IN NS other\n" NS_LINE);
	assert_int_equal(update("example. 300 NS other\n", ""), 2);
	refuses(SOA_LINE(8) "@ 300 IN NS other\n", "example.: ", "");
}

static void conflicts_are_counted_out(void **state)
{
	(void)state;
	static char before[8000], after[8000];
	char *b = before + sprintf(before, SOA_LINE(7) NS_LINE);
	char *a = after + sprintf(after, SOA_LINE(8) NS_LINE);
	for (int i = 0; i < 150; i++) {
		b += sprintf(b, "n%03d 60 IN CNAME ns\n", i);
		a += sprintf(a, "n%03d 60 IN TXT x\n", i);
	}
	load(before);
	for (int i = 0; i < 150; i++) {
		char line[64];
		snprintf(line, sizeof(line), "n%03d 60 CNAME x\n", i);
		assert_int_equal(update("", line), 2);
	}
	assert_int_equal(reload(after), ERR_SYNTAX);
	assert_int_equal(f.faults, 100);
}

/* ---- updates ---- */

static void updates_apply_or_do_not(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	assert_int_equal(update("", "a 60 A 192.0.2.1\n"), 0);
	assert_int_equal(serial(), 7);
	assert_int_equal(update("", "a.elsewhere. 60 A 192.0.2.1\n"), ERR_NOTZONE);
	/* One too many for the RRset: none of them. */
	assert_int_equal(update("", "b 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 A 192.0.2.3\na 60 A 192.0.2.4\n"),
	                 ERR_REFUSED);
	expect("a.example. 60 A 192.0.2.1\n");
	assert_int_equal(update("", "a 60 A 192.0.2.2\na 60 A 192.0.2.3\n"), 2);
	expect("a.example. 60 A 192.0.2.1\na.example. 60 A 192.0.2.2\na.example. 60 A 192.0.2.3\n");
	assert_int_equal(serial(), 8);
}

/* What the file said is kept apart when it costs too much as an old version; it is still merged by. */
static void updates_without_a_reload_keep_no_old_versions(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "www 60 IN A 192.0.2.1\n");
	for (int i = 0; i < 20000; i++) {
		const char *was = i == 0  ? "www 60 A 192.0.2.1\n"
		                  : i % 2 ? "www 60 A 192.0.2.100\n"
		                          : "www 60 A 192.0.2.101\n";
		assert_int_equal(update(was, i % 2 ? "www 60 A 192.0.2.101\n" : "www 60 A 192.0.2.100\n"), 2);
	}
	assert_true(auth_zone_memory(f.zone) < 3 * 1024 * 1024);
	assert_int_equal(reload(SOA_LINE(7) NS_LINE "www 60 IN A 192.0.2.1\nmore 60 IN A 192.0.2.2\n"), 2);
	expect("more.example. 60 A 192.0.2.2\nwww.example. 60 A 192.0.2.101\n");
}

/* ---- memory ---- */

enum { ALLOCATIONS = 2000 }; /* more than any one call makes here */

static void memory_may_end_at_load(void **state)
{
	(void)state;
	write_file(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	long after = 0;
	for (; after < ALLOCATIONS; after++) {
		mem_fail_after(after);
		int err = try_load();
		bool failed = mem_failed();
		mem_fail_after(-1);
		if (!failed) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, ERR_NOMEM);
		assert_null(f.zone);
	}
	assert_true(after > 3 && after < ALLOCATIONS);
}

static void memory_may_end_at_reload(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\nb 60 IN A 192.0.2.2\n");
	assert_int_equal(update("", "a 60 A 192.0.2.9\nu 60 TXT u\n"), 3);
	write_file(SOA_LINE(7) NS_LINE "a 90 IN A 192.0.2.1\na 90 IN A 192.0.2.3\nc 60 IN TXT c\n");
	long after = 0;
	for (; after < ALLOCATIONS; after++) {
		struct zone_changeset *changeset = NULL;
		mem_fail_after(after);
		int err = auth_zone_reload(f.zone, f.path, on_fault, &f, &changeset);
		bool failed = mem_failed();
		mem_fail_after(-1);
		auth_zone_collect(f.zone);
		if (!failed) {
			assert_int_equal(err, 0);
			assert_int_equal(changeset->count, 4);
			zone_changeset_unref(changeset);
			break;
		}
		assert_int_equal(err, ERR_NOMEM);
		assert_null(changeset);
		assert_int_equal(serial(), 8);
		expect("a.example. 60 A 192.0.2.1\na.example. 60 A 192.0.2.9\nb.example. 60 A 192.0.2.2\n"
		       "u.example. 60 TXT u\n");
	}
	assert_true(after > 10 && after < ALLOCATIONS);
	expect("a.example. 90 A 192.0.2.1\na.example. 90 A 192.0.2.3\na.example. 90 A 192.0.2.9\nc.example. 60 TXT c\n"
	       "u.example. 60 TXT u\n");
}

static void memory_may_end_at_update(void **state)
{
	(void)state;
	load(SOA_LINE(7) NS_LINE "a 60 IN A 192.0.2.1\n");
	struct update u;
	make_update(&u, "a 60 A 192.0.2.1\n", "b 60 A 192.0.2.2\n");
	long after = 0;
	for (; after < ALLOCATIONS; after++) {
		struct zone_changeset *changeset = NULL;
		mem_fail_after(after);
		int err = auth_zone_update(f.zone, &u.message, &limits, &changeset);
		bool failed = mem_failed();
		mem_fail_after(-1);
		if (!failed) {
			assert_int_equal(err, 0);
			zone_changeset_unref(changeset);
			break;
		}
		assert_int_equal(err_rcode(err), DNS_RCODE_SERVFAIL);
		assert_null(changeset);
		expect("a.example. 60 A 192.0.2.1\n");
	}
	assert_true(after > 3 && after < ALLOCATIONS);
	expect("b.example. 60 A 192.0.2.2\n");
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_FILE(a_file_becomes_a_zone),
	        WITH_FILE(a_faulty_file_becomes_none),
	        WITH_FILE(a_reload_takes_what_was_edited),
	        WITH_FILE(updates_stay_over_a_reload),
	        WITH_FILE(a_ttl_edit_brings_back_nothing),
	        WITH_FILE(nsec3_nodes_are_merged_too),
	        WITH_FILE(the_newer_serial_counts),
	        WITH_FILE(serial_zero_is_passed_over),
	        WITH_FILE(an_updated_soa_stays),
	        WITH_FILE(a_faulty_file_keeps_the_zone),
	        WITH_FILE(a_cname_beside_updated_records_is_refused),
	        WITH_FILE(records_beside_an_updated_cname_are_refused),
	        WITH_FILE(two_dnames_are_refused),
	        WITH_FILE(the_last_ns_stays),
	        WITH_FILE(conflicts_are_counted_out),
	        WITH_FILE(updates_apply_or_do_not),
	        WITH_FILE(updates_without_a_reload_keep_no_old_versions),
	        WITH_FILE(memory_may_end_at_load),
	        WITH_FILE(memory_may_end_at_reload),
	        WITH_FILE(memory_may_end_at_update),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
