#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "disk/zonefile_private.h"
#include "disk/zonefile_text.h"
#include "wire/dns.h"

/* A folder for what is written. */
static char folder[] = "/tmp/test_zonefile.XXXXXX";

static const uint8_t origin[] = "\7example";

/* What was reported, one line a fault: "file:line:column: message". */
struct faults {
	unsigned count;
	char text[16384];
};

static void note(void *context, const char *file, unsigned long line, unsigned long column, const char *message)
{
	struct faults *f = context;
	const char *slash = strrchr(file, '/');
	size_t len = strlen(f->text);
	f->count++;
	snprintf(f->text + len, sizeof(f->text) - len, "%s:%lu:%lu: %s\n", slash ? slash + 1 : file, line, column,
	         message);
}

/* Load into a fresh zone; NULL unless it went well. */
static struct zone *load(const char *path, struct faults *faults, int *ret_err)
{
	struct zone *z = zone_new(origin);
	struct zone_txn *t = zone_txn_new(z);
	memset(faults, 0, sizeof(*faults));
	*ret_err = zonefile_load(path, t, note, faults);
	if (*ret_err == 0 && zone_txn_commit_load(t) == 0) {
		return z;
	}
	if (*ret_err) {
		zone_txn_abort(t);
	}
	zone_free(z);
	return NULL;
}

static struct zone *load_text(const char *text, struct faults *faults, int *ret_err)
{
	struct zone *z = zone_new(origin);
	struct zone_txn *t = zone_txn_new(z);
	memset(faults, 0, sizeof(*faults));
	*ret_err = zonefile_load_text("text", text, strlen(text), t, note, faults);
	if (*ret_err == 0 && zone_txn_commit_load(t) == 0) {
		return z;
	}
	zone_txn_abort(t);
	zone_free(z);
	return NULL;
}

static const uint8_t *name(const char *text)
{
	static struct wire_name n;
	assert_int_equal(wire_name_from_text(text, strlen(text), NULL, &n), 0);
	return n.data;
}

static const struct zone_rrset *rrset(const struct zone_snapshot *s, const char *owner, uint16_t type)
{
	const struct zone_node *node = zone_find(s, name(owner));
	assert_non_null(node);
	const struct zone_rrset *set = zone_node_rrset(node, type);
	assert_non_null(set);
	return set;
}

static void check_good(const struct zone_snapshot *s)
{
	assert_int_equal(zone_snapshot_serial(s), 2026112301);
	assert_int_equal(zone_snapshot_record_count(s), 19);
	assert_int_equal(rrset(s, "example.", DNS_TYPE_SOA)->ttl, 3600);
	assert_int_equal(rrset(s, "example.", DNS_TYPE_NS)->count, 2);
	const struct zone_rrset *a = rrset(s, "ns.example.", DNS_TYPE_A);
	assert_int_equal(a->count, 2);
	assert_int_equal(a->ttl, 300);
	assert_memory_equal(zone_node_name(zone_find(s, name("ns.example."))), "\2Ns\7example", 12);
	assert_int_equal(rrset(s, "ns.example.", DNS_TYPE_AAAA)->ttl, 3600);

	/* UTF-8 stays what it is, in names and strings; ";" and "(" in quotes are text. */
	rrset(s,
	      "K\xc3\xbc"
	      "che\\032Drucker._ipp._tcp.example.",
	      DNS_TYPE_SRV);
	const struct zone_rrset *txt = rrset(s,
	                                     "k\xc3\xbc"
	                                     "che\\032drucker._ipp._tcp.example.",
	                                     DNS_TYPE_TXT);
	static const uint8_t strings[] = "\7\xc3\xbc=\xc3\xa4;(\3a b\3c;d\1\"";
	assert_int_equal(txt->size, 2 + sizeof(strings) - 1);
	assert_memory_equal(txt->data + 2, strings, sizeof(strings) - 1);
	assert_int_equal(rrset(s, "*.wild.example.", DNS_TYPE_TXT)->size, 2 + 8);
	rrset(s, "x.sub.example.", DNS_TYPE_A);
	rrset(s, "at.example.", DNS_TYPE_A);
	assert_int_equal(rrset(s, "odd\\000\\255\\.\\046.example.", 65280)->size, 2 + 3);
	rrset(s, "alias.example.", DNS_TYPE_CNAME);
	assert_null(zone_find(s, name("80.example.")));
}

static void test_good_zone(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	struct zone *z = load(TEST_DATA "/good.zone", &faults, &err);
	assert_string_equal(faults.text, "");
	assert_int_equal(err, 0);
	struct zone_snapshot *s = zone_current(z);
	check_good(s);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* For each file all that is wrong with it, in order. */
static void test_faults_have_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		const char *faults;
	} cases[] = {
	        {"bad_address.zone", "bad_address.zone:5:7: data of type A, at '1.2.3.999': invalid IPv4 address\n"
	                             "bad_address.zone:7:8: data of type AAAA, at '::zz': invalid address character\n"},
	        {"bad_class.zone", "bad_class.zone:5:3: class CH: only class IN can be served\n"
	                           "bad_class.zone:6:6: class CLASS3: only class IN can be served\n"},
	        {"bad_directive.zone", "bad_directive.zone:5:1: $GENERATE is not supported: write the records out\n"
	                               "bad_directive.zone:6:1: '$FOO' is no directive that is known here\n"
	                               "bad_directive.zone:7:1: $TTL needs a value\n"
	                               "bad_directive.zone:8:6: $TTL 'bar': not a number of seconds up to 2147483647\n"
	                               "bad_directive.zone:9:9: $ORIGIN 'a..b': bad label in a name\n"
	                               "bad_directive.zone:10:8: unexpected text behind $TTL\n"
	                               "bad_directive.zone:11:1: $INCLUDE needs a value\n"
	                               "bad_directive.zone:12:14: unexpected text behind $INCLUDE\n"
	                               "bad_directive.zone:13:12: $INCLUDE: its second value is no domain name\n"},
	        {"bad_escape.zone",
	         "bad_escape.zone:5:2: after a backslash comes one character, or a number from 000 to 255\n"
	         "bad_escape.zone:6:8: after a backslash comes one character, or a number from 000 to 255\n"},
	        {"bad_name.zone",
	         "bad_name.zone:5:1: owner 'b..c': invalid domain name character\n"
	         "bad_name.zone:8:2: data of type MX, at 'bad..name': invalid domain name character\n"},
	        {"bad_parentheses.zone", "bad_parentheses.zone:5:15: a closing parenthesis that nothing opens\n"
	                                 "bad_parentheses.zone:6:7: this parenthesis is never closed\n"},
	        {"bad_text.zone", "bad_text.zone:5:7: data of type TXT, at 'abc': invalid text character\n"
	                          "bad_text.zone:6:6: data of type A, at '1.2.3': invalid IPv4 address\n"
	                          "bad_text.zone:7:15: data of type A, at 'junk': unexpected data\n"
	                          "bad_text.zone:8:3: type A: the data is missing\n"},
	        {"bad_type.zone", "bad_type.zone:5:3: 'BLAH' is no type, class or TTL that is known here\n"
	                          "bad_type.zone:6:3: type NULL: write the record as TYPE10 \\# LENGTH HEX\n"
	                          "bad_type.zone:7:1: type OPT is never stored in a zone\n"},
	        {"cname.zone", "cname.zone:6:1: a.example.: a record at a name that has a CNAME record\n"
	                       "cname.zone:7:1: ns.example.: a CNAME record at a name that has other records\n"
	                       "cname.zone:8:1: a.example.: a second CNAME record at this name\n"
	                       "cname.zone:11:1: d.example.: a second DNAME record at this name\n"},
	        {"crlf.zone", "crlf.zone:6:5: data of type A, at '192.0.2': invalid IPv4 address\n"},
	        {"include.zone", "hosts.zone:3:9: data of type A, at '192.0.2': invalid IPv4 address\n"
	                         "more.zone:2:9: data of type A, at '192': invalid IPv4 address\n"
	                         "include.zone:7:10: $INCLUDE 'sub/no\\ ne.zone': No such file or directory\n"
	                         "include.zone:8:10: $INCLUDE 'sub': not a regular file\n"},
	        {"loop.zone", "loop.zone:3:10: $INCLUDE '../loop.zone': the file includes itself\n"},
	        {"no_soa.zone", "no_soa.zone:0:0: the zone has no SOA record at example.\n"
	                        "no_soa.zone:0:0: the zone has no NS record at example.\n"},
	        {"no_ttl.zone", "no_ttl.zone:1:1: no TTL: give one, or put $TTL or the SOA record in front\n"
	                        "no_ttl.zone:4:2: 'b' is no type, class or TTL that is known here\n"},
	        {"outside.zone", "outside.zone:6:1: other.test. is not in the zone example.\n"
	                         "outside.zone:9:2: other.test. is not in the zone example.\n"},
	        {"rdata.zone", "rdata.zone:5:1: the data does not fit type DS\n"
	                       "rdata.zone:6:1: the data does not fit type A\n"
	                       "rdata.zone:7:1: the data does not fit type A\n"},
	        {"soa.zone", "soa.zone:5:1: example.: a second SOA record\n"
	                     "soa.zone:6:1: s.example.: an SOA record that is not at the zone's own name\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[512];
		struct faults faults;
		int err;
		snprintf(path, sizeof(path), "%s/%s", TEST_DATA, cases[i].file);
		assert_null(load(path, &faults, &err));
		assert_string_equal(faults.text, cases[i].faults);
		assert_int_equal(err, ERR_SYNTAX);
	}
}

static void test_not_a_file(void **state)
{
	(void)state;
	struct faults faults;
	char path[128];
	int err;
	snprintf(path, sizeof(path), "%s/none", folder);
	errno = 0;
	assert_null(load(path, &faults, &err));
	assert_int_equal(err, ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(faults.text, "none:0:0: No such file or directory\n");

	/* Must not wait for a writer. */
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(load(path, &faults, &err));
	assert_int_equal(err, ERR_SYSTEM);
	assert_string_equal(faults.text, "fifo:0:0: not a regular file\n");
	unlink(path);
	assert_null(load(folder, &faults, &err));
	assert_int_equal(err, ERR_SYSTEM);
}

static void write_file(const char *leaf, const char *text, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, leaf);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

/* File n includes file n + 1: sixteen below the first are read, the next is not. */
static void test_include_depth(void **state)
{
	(void)state;
	char path[128], text[64], leaf[32];
	struct faults faults;
	int err;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "a%u 1 A 192.0.2.1\n$INCLUDE f%u\n", i, i + 1);
		snprintf(leaf, sizeof(leaf), "f%u", i);
		write_file(leaf, text, path);
	}
	snprintf(path, sizeof(path), "%s/f0", folder);
	assert_null(load(path, &faults, &err));
	assert_int_equal(err, ERR_SYNTAX);
	assert_string_equal(faults.text, "f16:2:10: $INCLUDE 'f17': more than 16 files deep\n"
	                                 "f0:0:0: the zone has no SOA record at example.\n"
	                                 "f0:0:0: the zone has no NS record at example.\n");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "%s/f%u", folder, i);
		unlink(path);
	}
}

/* Origin, owner and TTL of an included file end with it. */
static void test_include_scope(void **state)
{
	(void)state;
	char inner[128], path[128];
	struct faults faults;
	int err;
	write_file("inner", "$ORIGIN else.example.\n$TTL 5\nx A 192.0.2.1\n", inner);
	write_file("outer", "$TTL 9\n@ SOA . . 1 2 3 4 5\n NS .\n$INCLUDE inner sub\n TXT a\ny A 192.0.2.1\n", path);
	struct zone *z = load(path, &faults, &err);
	assert_string_equal(faults.text, "");
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(rrset(s, "x.else.example.", DNS_TYPE_A)->ttl, 5);
	assert_int_equal(rrset(s, "y.example.", DNS_TYPE_A)->ttl, 9);
	rrset(s, "example.", DNS_TYPE_TXT);
	zone_snapshot_unref(s);
	zone_free(z);
	unlink(inner);
	unlink(path);
}

static void test_no_include_from_memory(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	assert_null(load_text("@ SOA . . 1 2 3 4 5\n@ NS .\n$INCLUDE /etc/passwd\n", &faults, &err));
	assert_string_equal(faults.text, "text:3:10: $INCLUDE is not possible here\n");
}

static void test_at_most_100_faults(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	char *text = malloc(150 * 16 + 1);
	text[0] = '\0';
	for (unsigned i = 0; i < 150; i++) {
		strcat(text, "x A 1.2.3\n");
	}
	assert_null(load_text(text, &faults, &err));
	assert_int_equal(err, ERR_SYNTAX);
	assert_int_equal(faults.count, 100);
	free(text);
}

/* One endless word or record is a fault at its line, and does not fill the memory. */
static void test_record_too_long(void **state)
{
	(void)state;
	char path[128];
	struct faults faults;
	int err;
	snprintf(path, sizeof(path), "%s/long", folder);
	FILE *f = fopen(path, "w");
	fputs("@ 1 SOA . . 1 2 3 4 5\n@ 1 NS .\nx 1 TXT \"", f);
	for (unsigned i = 0; i < 5 * ZONEFILE_RECORD_MAX / 64; i++) {
		fprintf(f, "%064u", i);
	}
	fputs("\"\n", f);
	fclose(f);
	assert_null(load(path, &faults, &err));
	assert_int_equal(err, ERR_SYNTAX);
	assert_string_equal(faults.text, "long:3:1: the record is longer than 1 MiB\n");
	unlink(path);
}

/* Records on the edges of what is read at once come out whole. */
static void test_records_across_reads(void **state)
{
	(void)state;
	enum { COUNT = 30000 };
	char path[128];
	struct faults faults;
	int err;
	snprintf(path, sizeof(path), "%s/many", folder);
	FILE *f = fopen(path, "w");
	fputs("$TTL 1\n@ SOA . . 1 2 3 4 5\n@ NS .\n", f);
	for (unsigned i = 0; i < COUNT; i++) {
		fprintf(f, i % 3 ? "h%u TXT \"\\065\xc3\xa4%u\"\n" : "h%u TXT ( \"\\066\"\n\t%u )\n", i, i);
	}
	fputs("bad A 1\nlast A 192.0.2.1", f);
	fclose(f);
	assert_null(load(path, &faults, &err));
	snprintf(path, sizeof(path), "many:%u:7: data of type A, at '1': invalid IPv4 address\n",
	         3 + COUNT + COUNT / 3 + 1);
	assert_string_equal(faults.text, path);
	snprintf(path, sizeof(path), "%s/many", folder);
	f = fopen(path, "r+");
	fseek(f, -(long)strlen("bad A 1\nlast A 192.0.2.1"), SEEK_END);
	fputs("bad A 192.0.2.10 ; no end of line at the end, last A 192.0.2.1", f);
	fclose(f);
	struct zone *z = load(path, &faults, &err);
	assert_string_equal(faults.text, "");
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(zone_snapshot_record_count(s), COUNT + 3);
	for (unsigned i = 0; i < COUNT; i++) {
		char owner[32];
		snprintf(owner, sizeof(owner), "h%u.example.", i);
		const struct zone_rrset *txt = rrset(s, owner, DNS_TYPE_TXT);
		assert_int_equal(txt->data[3], i % 3 ? 'A' : 'B');
	}
	zone_snapshot_unref(s);
	zone_free(z);
	unlink(path);
}

static void test_ttls(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	/* Without $TTL the minimum of the SOA, also for the SOA itself; with the top bit set 0 (RFC 2181 8). */
	struct zone *z =
	        load_text("@ SOA . . 1 2 3 4 77\n@ NS .\na A 192.0.2.1\nb 9 A 192.0.2.1\n$TTL 1h1s\nc A 192.0.2.1\n"
	                  "d 2147483648 A 192.0.2.1\n",
	                  &faults, &err);
	assert_string_equal(faults.text, "");
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(rrset(s, "example.", DNS_TYPE_SOA)->ttl, 77);
	assert_int_equal(rrset(s, "a.example.", DNS_TYPE_A)->ttl, 77);
	assert_int_equal(rrset(s, "b.example.", DNS_TYPE_A)->ttl, 9);
	assert_int_equal(rrset(s, "c.example.", DNS_TYPE_A)->ttl, 3601);
	assert_int_equal(rrset(s, "d.example.", DNS_TYPE_A)->ttl, 0);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* Characters and types that libzscanner does not take, in each place a name can be; comments and lines in between. */
static void test_what_the_scanner_lacks(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	struct zone *z = load_text("$TTL 3\n@ SOA . . 1 2 3 4 5\n@ NS .\n"
	                           "a&b[1]+'c' A 192.0.2.1\n"
	                           " 7 IN AAAA 2001:db8::1\n"
	                           "p PTR K\xc3\xbc"
	                           "che,\\032~{x}\n"
	                           "m IN 9 MX ( 10 ; (one)\r\n\ta&b[1]+'c' ; \"two\n\t)\n"
	                           "n NULL \\# 2 0102\n"
	                           "  AMTRELAY 10 0 1 192.0.2.1",
	                           &faults, &err);
	assert_string_equal(faults.text, "");
	struct zone_snapshot *s = zone_current(z);
	assert_int_equal(rrset(s, "a&b[1]+'c'.example.", DNS_TYPE_A)->ttl, 3);
	assert_int_equal(rrset(s, "a&b[1]+'c'.example.", DNS_TYPE_AAAA)->ttl, 7);
	const uint8_t *target = rrset(s, "p.example.", DNS_TYPE_PTR)->data + 2;
	assert_true(wire_name_equal(target, name("K\xc3\xbc"
	                                         "che,\\032~{x}.example.")));
	const struct zone_rrset *mx = rrset(s, "m.example.", DNS_TYPE_MX);
	assert_int_equal(mx->ttl, 9);
	assert_int_equal(mx->data[3], 10);
	assert_true(wire_name_equal(mx->data + 4, name("a&b[1]+'c'.example.")));
	assert_int_equal(rrset(s, "n.example.", 10)->size, 4);
	assert_int_equal(rrset(s, "n.example.", 260)->size, 2 + 2 + 4);
	zone_snapshot_unref(s);
	zone_free(z);
}

/* After a serious fault the next record still has origin, TTL and owner. */
static void test_goes_on_after_a_fault(void **state)
{
	(void)state;
	struct faults faults;
	int err;
	assert_null(load_text("@ 1 SOA . . 1 2 3 4 5\n@ NS .\n$ORIGIN sub\nx A 192.0.2.1\n A 192.0.2.2 )\n A 192.0.2\n"
	                      "y CNAME q\nx.sub.example. CNAME q\n",
	                      &faults, &err));
	assert_string_equal(faults.text, "text:5:14: a closing parenthesis that nothing opens\n"
	                                 "text:6:4: data of type A, at '192.0.2': invalid IPv4 address\n"
	                                 "text:8:1: x.sub.example.: a CNAME record at a name that has other records\n");
}

static void test_memory_ends(void **state)
{
	(void)state;
	bool failed = true;
	unsigned refused = 0;
	for (long i = 0; failed; i++) {
		struct faults faults;
		struct zone *z = zone_new(origin);
		struct zone_txn *t = zone_txn_new(z);
		memset(&faults, 0, sizeof(faults));
		mem_fail_after(i);
		int err = zonefile_load(TEST_DATA "/good.zone", t, note, &faults);
		failed = mem_failed();
		mem_fail_after(-1);
		assert_int_equal(err, failed ? ERR_NOMEM : 0);
		assert_int_equal(faults.count, 0);
		refused += failed;
		zone_txn_abort(t);
		zone_free(z);
	}
	assert_true(refused > 20);
}

static void test_write_and_read_again(void **state)
{
	(void)state;
	struct faults faults;
	char path[128], leftover[160];
	struct stat st;
	int err;
	struct zone *z = load(TEST_DATA "/good.zone", &faults, &err);
	assert_non_null(z);
	struct zone_snapshot *s = zone_current(z);
	snprintf(path, sizeof(path), "%s/out", folder);
	snprintf(leftover, sizeof(leftover), "%s.new", path);
	FILE *f = fopen(leftover, "w");
	fputs("half of a zone", f);
	fclose(f);
	assert_int_equal(zonefile_write(path, s), 0);
	assert_int_equal(stat(leftover, &st), -1);

	/* All is ASCII: other readers want it so. */
	f = fopen(path, "r");
	for (int c; (c = fgetc(f)) != EOF;) {
		assert_true(c < 0x7f && (c >= ' ' || c == '\n' || c == '\t'));
	}
	fclose(f);
	struct zone *again = load(path, &faults, &err);
	assert_string_equal(faults.text, "");
	struct zone_txn *t = zone_txn_new(again);
	assert_int_equal(zone_txn_become(t, s), 0);
	assert_false(zone_txn_changed(t));
	zone_txn_abort(t);
	struct zone_snapshot *read = zone_current(again);
	check_good(read);
	zone_snapshot_unref(read);
	zone_snapshot_unref(s);
	zone_free(again);
	zone_free(z);
	unlink(path);
}

static void test_write_failures(void **state)
{
	(void)state;
	struct faults faults;
	char path[128];
	struct stat st;
	int err;
	struct zone *z = load(TEST_DATA "/good.zone", &faults, &err);
	struct zone_snapshot *s = zone_current(z);
	snprintf(path, sizeof(path), "%s/none/out", folder);
	errno = 0;
	assert_int_equal(zonefile_write(path, s), ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(full >= 0);
	assert_int_equal(zonefile_write_fd(full, s), ERR_SYSTEM);
	assert_int_equal(errno, ENOSPC);
	close(full);
	snprintf(path, sizeof(path), "%s/out", folder);
	for (long i = 0; i < 4; i++) {
		mem_fail_after(i);
		assert_int_equal(zonefile_write(path, s), ERR_NOMEM);
		mem_fail_after(-1);
		assert_int_equal(stat(path, &st), -1);
	}
	zone_snapshot_unref(s);
	zone_free(z);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good_zone),
	        cmocka_unit_test(test_faults_have_their_place),
	        cmocka_unit_test(test_not_a_file),
	        cmocka_unit_test(test_include_depth),
	        cmocka_unit_test(test_include_scope),
	        cmocka_unit_test(test_no_include_from_memory),
	        cmocka_unit_test(test_at_most_100_faults),
	        cmocka_unit_test(test_record_too_long),
	        cmocka_unit_test(test_records_across_reads),
	        cmocka_unit_test(test_ttls),
	        cmocka_unit_test(test_what_the_scanner_lacks),
	        cmocka_unit_test(test_goes_on_after_a_fault),
	        cmocka_unit_test(test_memory_ends),
	        cmocka_unit_test(test_write_and_read_again),
	        cmocka_unit_test(test_write_failures),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
