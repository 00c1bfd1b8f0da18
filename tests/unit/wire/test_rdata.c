#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "rdata_samples.h"
#include "wire/dns.h"
#include "wire/rdata.h"

/* Bytes of `hex` in memory of exactly their size, so that a sanitizer sees a read past them. Free it. */
static uint8_t *unhex(const char *hex, size_t *ret_len)
{
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = malloc(len ? len : 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	*ret_len = len;
	return bytes;
}

/*
 * Read `len` bytes in memory of their own. Success must give the same bytes (nothing
 * is compressed here), failure must leave the writer as it was.
 */
static int read_plain(uint16_t type, const uint8_t *rdata, size_t len)
{
	static uint8_t memory[UINT16_MAX];
	struct bytes_reader r;
	struct bytes_writer out;
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, rdata, len);
	bytes_reader_init(&r, exact, len);
	bytes_writer_init(&out, memory, sizeof(memory));
	bytes_put_u8(&out, 0x55);
	int err = wire_rdata_read(&r, type, &out);
	int check_err = wire_rdata_check(type, exact, len);
	assert_false(out.failed);
	if (err) {
		assert_int_equal(out.len, 1);
		assert_int_equal(check_err, err == ERR_TRUNCATED || err == ERR_TRAILING ? ERR_RDATA : err);
	} else {
		assert_int_equal(check_err, 0);
		assert_true(bytes_complete(&r));
		assert_int_equal(out.len, 1 + len);
		assert_memory_equal(memory + 1, exact, len);
	}
	free(exact);
	return err;
}

static int read_hex(uint16_t type, const char *hex)
{
	size_t len;
	uint8_t *rdata = unhex(hex, &len);
	int err = read_plain(type, rdata, len);
	free(rdata);
	return err;
}

static void good_samples_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		const struct rdata_sample *s = &rdata_samples[i];
		assert_int_equal(read_hex(s->type, s->hex), 0);
	}
}

static void truncated_samples_fail_or_are_other_rdata(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		const struct rdata_sample *s = &rdata_samples[i];
		size_t len;
		unsigned good = 0;
		uint8_t *rdata = unhex(s->hex, &len);
		for (size_t cut = 0; cut < len; cut++) {
			int err = read_plain(s->type, rdata, cut);
			good += err == 0;
			assert_true(err == 0 || err == ERR_TRUNCATED || err == ERR_RDATA);
			if (err == 0) {
				assert_true(wire_rdata_compare(s->type, rdata, cut, rdata, len) < 0);
				assert_true(wire_rdata_compare(s->type, rdata, len, rdata, cut) > 0);
			}
		}
		if (good != s->shorter) {
			fail_msg("%s %s: %u good when cut short", s->mnemonic, s->text, good);
		}
		free(rdata);
	}
}

static void one_byte_more_fails_or_is_other_rdata(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		const struct rdata_sample *s = &rdata_samples[i];
		uint8_t longer[512];
		size_t len;
		unsigned good = 0;
		uint8_t *rdata = unhex(s->hex, &len);
		assert_true(len < sizeof(longer));
		memcpy(longer, rdata, len);
		for (uint8_t byte = 0; byte < 2; byte++) {
			longer[len] = byte;
			good += read_plain(s->type, longer, len + 1) == 0;
		}
		if (good != s->longer) {
			fail_msg("%s %s: %u good with a byte more", s->mnemonic, s->text, good);
		}
		free(rdata);
	}
}

static const struct {
	uint16_t type;
	int err;
	const char *hex;
	const char *why;
} bad_rdata[] = {
        {1, ERR_TRUNCATED, "", "A of nothing"},
        {1, ERR_TRUNCATED, "c00002", "A of 3 bytes"},
        {1, ERR_TRAILING, "c000020100", "A of 5 bytes"},
        {2, ERR_LABEL, "8000", "NS with a reserved label type"},
        {2, ERR_TRAILING, "0000", "NS with a byte behind the name"},
        {6, ERR_TRAILING,
         "0000"
         "0000000000000000000000000000000000000000"
         "00",
         "SOA too long"},
        {11, ERR_TRUNCATED, "c0000201", "WKS without protocol"},
        {16, ERR_TRUNCATED, "", "TXT without a string"},
        {16, ERR_TRUNCATED, "0261", "TXT with a string past the end"},
        {16, ERR_TRUNCATED, "016102", "TXT with a second string past the end"},
        {19, ERR_RDATA, "0433313061", "X25 with a letter"},
        {19, ERR_RDATA, "03333130", "X25 of 3 digits"},
        {20, ERR_TRAILING,
         "0131"
         "0132"
         "0133",
         "ISDN with three strings"},
        {25, ERR_RDATA, "02000308", "KEY without key, flags say there is one"},
        {25, ERR_RDATA, "c000030001", "KEY with key, flags say there is none"},
        {22, ERR_TRUNCATED, "", "NSAP of nothing"},
        {28, ERR_TRUNCATED, "20010db80000000000000000000000", "AAAA too short"},
        {29, ERR_RDATA,
         "00a21613"
         "80000000"
         "80000000"
         "00989680",
         "LOC size with mantissa 10"},
        {29, ERR_RDATA,
         "001a1613"
         "80000000"
         "80000000"
         "00989680",
         "LOC size with power 10"},
        {29, ERR_RDATA,
         "0012a013"
         "80000000"
         "80000000"
         "00989680",
         "LOC horizontal precision"},
        {29, ERR_RDATA,
         "0012160a"
         "80000000"
         "80000000"
         "00989680",
         "LOC vertical precision"},
        {29, ERR_RDATA,
         "00121613"
         "934fd901"
         "80000000"
         "00989680",
         "LOC north of the pole"},
        {29, ERR_RDATA,
         "00121613"
         "6cb026ff"
         "80000000"
         "00989680",
         "LOC south of the pole"},
        {29, ERR_RDATA,
         "00121613"
         "80000000"
         "a69fb201"
         "00989680",
         "LOC beyond 180 degrees east"},
        {29, ERR_RDATA,
         "00121613"
         "80000000"
         "59604dff"
         "00989680",
         "LOC beyond 180 degrees west"},
        {29, ERR_TRAILING,
         "00121613"
         "80000000"
         "80000000"
         "00989680"
         "00",
         "LOC with a byte more"},
        {30, ERR_RDATA,
         "00"
         "80",
         "NXT with bit 0"},
        {30, ERR_RDATA,
         "00"
         "4000",
         "NXT with a zero byte at the end"},
        {30, ERR_RDATA,
         "00"
         "4000000000000000000000000000000001",
         "NXT of 17 bytes"},
        {34, ERR_TRUNCATED, "00", "ATMA without address"},
        {34, ERR_RDATA, "013161", "ATMA number with a letter"},
        {38, ERR_RDATA, "8100", "A6 prefix of 129"},
        {38, ERR_RDATA,
         "41"
         "8000000000000000"
         "00",
         "A6 suffix with a bit of the prefix"},
        {38, ERR_TRUNCATED,
         "40"
         "00000000000000",
         "A6 suffix too short"},
        {38, ERR_TRAILING,
         "00"
         "00000000000000000000000000000001"
         "00",
         "A6 with a name but no prefix"},
        {41, ERR_TRUNCATED, "000b0002ff", "OPT option past the end"},
        {41, ERR_TRUNCATED, "000b00", "OPT option header cut"},
        {42, ERR_RDATA, "0001210400000001", "APL IPv4 prefix of 33"},
        {42, ERR_RDATA, "000120050102030405", "APL IPv4 of 5 bytes"},
        {42, ERR_RDATA, "0002810101", "APL IPv6 prefix of 129"},
        {42, ERR_RDATA, "000208110102030405060708090a0b0c0d0e0f1011", "APL IPv6 of 17 bytes"},
        {42, ERR_RDATA, "000108020a00", "APL with a zero byte at the end of the address"},
        {42, ERR_TRUNCATED, "000108040a", "APL item past the end"},
        {43, ERR_RDATA, "ec45050100", "DS with a short SHA-1 digest"},
        {43, ERR_RDATA, "ec45050200", "DS with a short SHA-256 digest"},
        {43, ERR_TRUNCATED, "ec4505ff", "DS without digest"},
        {44, ERR_RDATA, "020200", "SSHFP with a short SHA-256 digest"},
        {45, ERR_RDATA, "0a0402aa", "IPSECKEY with gateway type 4"},
        {45, ERR_TRUNCATED, "0a0102c00002", "IPSECKEY with half an address"},
        {47, ERR_RDATA,
         "00"
         "00000140",
         "NSEC with an empty window"},
        {47, ERR_RDATA,
         "00"
         "000140"
         "000140",
         "NSEC with the same window twice"},
        {47, ERR_RDATA,
         "00"
         "010140"
         "000140",
         "NSEC with windows descending"},
        {47, ERR_RDATA,
         "00"
         "00024000",
         "NSEC window with a zero byte at the end"},
        {47, ERR_RDATA,
         "00"
         "0021ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "NSEC window of 33 bytes"},
        {47, ERR_TRUNCATED,
         "00"
         "000240",
         "NSEC window past the end"},
        {48, ERR_TRUNCATED, "01000305", "DNSKEY without key"},
        {50, ERR_RDATA,
         "01000000"
         "0000",
         "NSEC3 with an empty hash"},
        {50, ERR_TRUNCATED,
         "01000000"
         "02aa",
         "NSEC3 with salt past the end"},
        {51, ERR_TRAILING,
         "0100000000"
         "00",
         "NSEC3PARAM with a byte more"},
        {55, ERR_RDATA, "00020001aa", "HIP without a tag"},
        {55, ERR_RDATA, "01020000aa", "HIP without a key"},
        {55, ERR_TRUNCATED, "01020002aabb", "HIP key past the end"},
        {55, ERR_TRUNCATED,
         "01020001aabb"
         "0161",
         "HIP server without root label"},
        {62, ERR_RDATA,
         "000000420003"
         "000100",
         "CSYNC with a zero byte at the end of a window"},
        {63, ERR_RDATA,
         "7848b91c"
         "0101"
         "000102030405060708090a0b0c0d",
         "ZONEMD with a short SHA-384 digest"},
        {63, ERR_RDATA,
         "7848b91c"
         "01f0"
         "000102030405060708090a",
         "ZONEMD with a digest of 11 bytes"},
        {64, ERR_RDATA,
         "000100"
         "000300020035"
         "0001000302"
         "6832",
         "SVCB with keys descending"},
        {64, ERR_RDATA,
         "000100"
         "000300020035"
         "000300020035",
         "SVCB with the same key twice"},
        {64, ERR_TRUNCATED,
         "000100"
         "0003000200",
         "SVCB value past the end"},
        {64, ERR_TRUNCATED,
         "000100"
         "000300",
         "SVCB key without length"},
        {64, ERR_RDATA,
         "000100"
         "0003000100",
         "SVCB port of 1 byte"},
        {64, ERR_RDATA,
         "000100"
         "00010000",
         "SVCB alpn without protocol"},
        {64, ERR_RDATA,
         "000100"
         "0001000100",
         "SVCB alpn with an empty protocol"},
        {64, ERR_RDATA,
         "000100"
         "000100020268",
         "SVCB alpn protocol past the end"},
        {64, ERR_RDATA,
         "000100"
         "00020000",
         "SVCB no-default-alpn without alpn"},
        {64, ERR_RDATA,
         "000100"
         "0001000302"
         "6832"
         "0002000100",
         "SVCB no-default-alpn with a value"},
        {64, ERR_RDATA,
         "000100"
         "00040000",
         "SVCB ipv4hint without address"},
        {64, ERR_RDATA,
         "000100"
         "00040005c000020100",
         "SVCB ipv4hint of 5 bytes"},
        {64, ERR_RDATA,
         "000100"
         "00060004c0000201",
         "SVCB ipv6hint of 4 bytes"},
        {64, ERR_RDATA,
         "000100"
         "00050000",
         "SVCB ech without value"},
        {64, ERR_RDATA,
         "000100"
         "00070000",
         "SVCB dohpath without value"},
        {64, ERR_RDATA,
         "000100"
         "0008000100",
         "SVCB ohttp with a value"},
        {64, ERR_RDATA,
         "000100"
         "00000000",
         "SVCB mandatory without key"},
        {64, ERR_RDATA,
         "000100"
         "0000000100",
         "SVCB mandatory of 1 byte"},
        {64, ERR_RDATA,
         "000100"
         "000000020000",
         "SVCB mandatory names itself"},
        {64, ERR_RDATA,
         "000100"
         "000000020003",
         "SVCB mandatory names a key that is not there"},
        {64, ERR_RDATA,
         "000100"
         "0000000400040003"
         "000300020035"
         "00040004c0000201",
         "SVCB mandatory descending"},
        {65, ERR_RDATA,
         "000100"
         "0003000100",
         "HTTPS port of 1 byte"},
        {108, ERR_TRUNCATED, "00005e0053", "EUI48 of 5 bytes"},
        {109, ERR_TRAILING, "00005eef100000002a", "EUI64 of 9 bytes"},
        {250, ERR_TRAILING,
         "00"
         "000000000000"
         "012c"
         "0000"
         "1234"
         "0000"
         "0000"
         "00",
         "TSIG with a byte more"},
        {256, ERR_TRUNCATED, "000a0001", "URI without target"},
        {257, ERR_RDATA,
         "0000"
         "61",
         "CAA with an empty tag"},
        {257, ERR_RDATA,
         "0005"
         "6973732d65",
         "CAA tag with a hyphen"},
        {257, ERR_TRUNCATED,
         "0005"
         "697373",
         "CAA tag past the end"},
        {259, ERR_TRUNCATED,
         "00000000"
         "00000001"
         "03"
         "0461",
         "DOA media type past the end"},
        {260, ERR_TRUNCATED, "0a01c00002", "AMTRELAY with half an address"},
        {260, ERR_TRAILING, "0a0000", "AMTRELAY with a relay of type none"},
        {264, ERR_TRUNCATED, "00000000000000", "IPN of 7 bytes"},
};

static void bad_rdata_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rdata) / sizeof(bad_rdata[0]); i++) {
		int err = read_hex(bad_rdata[i].type, bad_rdata[i].hex);
		if (err != bad_rdata[i].err) {
			fail_msg("%s: %s", bad_rdata[i].why, err_name(err));
		}
	}
}

/* What looks odd but is allowed. */
static void unusual_rdata_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_hex(10, ""), 0); /* NULL */
	assert_int_equal(read_hex(10, "00ff"), 0);
	assert_int_equal(read_hex(29, "01aabb"), 0); /* LOC of another version */
	assert_int_equal(read_hex(29, "00121613"
	                              "934fd900"
	                              "a69fb200"
	                              "00989680"),
	                 0);                     /* the pole, 180 degrees */
	assert_int_equal(read_hex(30, "00"), 0); /* NXT with no type */
	assert_int_equal(read_hex(41, ""), 0);   /* OPT without options */
	assert_int_equal(read_hex(41, "000b00020064"
	                              "00030000"),
	                 0);
	assert_int_equal(read_hex(42, "0003ff03aabbcc"), 0); /* APL of another family */
	assert_int_equal(read_hex(43, "ec450509aa"), 0);     /* DS with an unknown digest */
	assert_int_equal(read_hex(47, "00"), 0);             /* NSEC with no type */
	assert_int_equal(read_hex(64, "000000"
	                              "ffff0000"),
	                 0); /* SVCB key 65535 */
	/* SVCB with mandatory before the alpn that no-default-alpn needs */
	assert_int_equal(read_hex(64, "000100000000020002000100030268320002"
	                              "0000"),
	                 0);
	assert_int_equal(read_hex(260, "0a04aabb"), 0); /* AMTRELAY of another kind */
	assert_int_equal(read_hex(128, "aabb"), 0);     /* a name, no layout: opaque */
	assert_int_equal(read_hex(65280, ""), 0);
	assert_int_equal(read_hex(65280, "c00c"), 0);
}

static void rdata_longer_than_a_message_is_refused(void **state)
{
	(void)state;
	uint8_t *rdata = calloc(1, UINT16_MAX + 1);
	assert_non_null(rdata);
	assert_int_equal(wire_rdata_check(65280, rdata, UINT16_MAX), 0);
	assert_int_equal(wire_rdata_check(65280, rdata, UINT16_MAX + 1), ERR_RDATA);
	free(rdata);
}

/* A message with "Example.test." at 12 and rdata behind it at 26. */
enum { NAME_AT = 12, RDATA_AT = 26 };
struct compressed {
	uint8_t message[512];
	size_t len;
};

static struct compressed compressed(const char *rdata_hex)
{
	struct compressed c = {.len = RDATA_AT};
	size_t len;
	uint8_t *rdata = unhex(rdata_hex, &len);
	memcpy(c.message + NAME_AT, "\7Example\4test", RDATA_AT - NAME_AT);
	assert_true(len <= sizeof(c.message) - RDATA_AT);
	memcpy(c.message + RDATA_AT, rdata, len);
	c.len += len;
	free(rdata);
	return c;
}

static int read_compressed(const struct compressed *c, uint16_t type, struct bytes_writer *out)
{
	struct bytes_reader r;
	bytes_reader_init(&r, c->message, c->len);
	bytes_take(&r, RDATA_AT);
	struct bytes_reader rdata = bytes_sub(&r, c->len - RDATA_AT);
	return wire_rdata_read(&rdata, type, out);
}

#define EXAMPLE                                                                                                        \
	"074578616d706c650474657374"                                                                                   \
	"00"

static void compressed_names_are_expanded_in_every_type(void **state)
{
	static const struct {
		uint16_t type;
		const char *packed, *plain;
	} cases[] = {
	        {2, "c00c", EXAMPLE},
	        {12, "0161c00c", "0161" EXAMPLE},
	        {15, "000ac014", "000a047465737400"},
	        {6,
	         "c00c0161c014"
	         "0000000100000002000000030000000400000005",
	         EXAMPLE "0161047465737400"
	                 "0000000100000002000000030000000400000005"},
	        {33, "000000051467c00c", "000000051467" EXAMPLE},
	        {39, "c00c", EXAMPLE},
	        {17, "c00cc00c", EXAMPLE EXAMPLE},
	        {47, "c00c000140", EXAMPLE "000140"},
	        {46,
	         "00010502"
	         "00000e10"
	         "00000001"
	         "00000002"
	         "3039c014aabb",
	         "00010502"
	         "00000e10"
	         "00000001"
	         "00000002"
	         "3039047465737400"
	         "aabb"},
	        {55, "01020001aabbc00cc01e", NULL}, /* the second points at bytes that are no name */
	        {55, "01020001aabbc00cc014", "01020001aabb" EXAMPLE "047465737400"},
	        {45, "0a0302c00caabb", "0a0302" EXAMPLE "aabb"},
	        {260, "0a83c00c", "0a83" EXAMPLE},
	        {38, "80c00c", "80" EXAMPLE},
	        {64, "0001c00c000300020035", "0001" EXAMPLE "000300020035"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t memory[512];
		struct bytes_writer out;
		struct compressed c = compressed(cases[i].packed);
		bytes_writer_init(&out, memory, sizeof(memory));
		int err = read_compressed(&c, cases[i].type, &out);
		if (!cases[i].plain) {
			assert_true(err < 0);
			assert_int_equal(out.len, 0);
			continue;
		}
		size_t len;
		uint8_t *plain = unhex(cases[i].plain, &len);
		assert_int_equal(err, 0);
		assert_int_equal(out.len, len);
		assert_memory_equal(memory, plain, len);
		assert_int_equal(wire_rdata_check(cases[i].type, plain, len), 0);
		assert_int_equal(wire_rdata_check(cases[i].type, c.message + RDATA_AT, c.len - RDATA_AT), ERR_POINTER);
		free(plain);
	}
}

static void pointers_may_not_aim_forward(void **state)
{
	(void)state;
	uint8_t memory[64];
	struct bytes_writer out;
	struct compressed c = compressed("c01c"
	                                 "00");
	bytes_writer_init(&out, memory, sizeof(memory));
	assert_int_equal(read_compressed(&c, DNS_TYPE_NS, &out), ERR_POINTER);
	assert_int_equal(out.len, 0);
}

static void rdata_that_does_not_fit_leaves_the_writer_alone(void **state)
{
	(void)state;
	uint8_t memory[64];
	const struct compressed c = compressed("c00c0161c00c"
	                                       "0000000100000002000000030000000400000005");
	const size_t needed = 14 + 16 + 20;

	for (size_t cap = 3; cap < 3 + needed; cap++) {
		struct bytes_writer out;
		bytes_writer_init(&out, memory, cap);
		bytes_put(&out, "abc", 3);
		assert_int_equal(read_compressed(&c, DNS_TYPE_SOA, &out), ERR_SPACE);
		assert_int_equal(out.len, 3);
		assert_false(out.failed);
	}
	struct bytes_writer out;
	bytes_writer_init(&out, memory, needed);
	assert_int_equal(read_compressed(&c, DNS_TYPE_SOA, &out), 0);
	out.failed = true;
	assert_int_equal(read_compressed(&c, DNS_TYPE_SOA, &out), ERR_SPACE);
	assert_int_equal(out.len, needed);
}

/* Servers of HIP: a few bytes of pointers could grow beyond what rdata can hold. */
static void rdata_may_not_grow_past_its_limit(void **state)
{
	(void)state;
	enum { NAME_LEN = 255, POINTERS = 400, ROOM = 200000 };
	static uint8_t message[12 + NAME_LEN + 6 + 2 * POINTERS];
	static uint8_t memory[ROOM];
	struct bytes_writer w;
	struct bytes_reader r;
	bytes_writer_init(&w, message, sizeof(message));
	bytes_put(&w, memory, 12);
	for (size_t i = 0; i < 127; i++) {
		bytes_put(&w, "\1a", 2);
	}
	bytes_put_u8(&w, 0);
	bytes_put(&w, "\1\2\0\1AB", 6);
	for (size_t i = 0; i < POINTERS; i++) {
		bytes_put_u16(&w, 0xc00c);
	}
	assert_false(w.failed);
	bytes_reader_init(&r, message, w.len);
	bytes_take(&r, 12 + NAME_LEN);
	struct bytes_reader rdata = r;
	bytes_writer_init(&w, memory, ROOM);
	assert_int_equal(wire_rdata_read(&rdata, 55, &w), ERR_RDATA);
	assert_int_equal(w.len, 0);
	rdata = r;
	rdata.end = rdata.pos + 6 + 2 * 256; /* 6 + 256 * 255 bytes fit */
	assert_int_equal(wire_rdata_read(&rdata, 55, &w), 0);
	assert_int_equal(w.len, 6 + 256 * 255);
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void rdata_has_canonical_order(void **state)
{
	static const struct {
		uint16_t type;
		const char *a, *b;
		int order;
	} cases[] = {
	        {1, "c0000201", "c0000201", 0},
	        {1, "c0000201", "c0000202", -1},
	        {1, "01000000", "ff000000", -1},
	        {2,
	         "02"
	         "4e53" EXAMPLE,
	         "02"
	         "6e73" EXAMPLE,
	         0}, /* NS against ns */
	        {2,
	         "01"
	         "41"
	         "00",
	         "01"
	         "5b"
	         "00",
	         1}, /* 'A' counts as 'a', above '[' */
	        {2,
	         "01"
	         "61"
	         "00",
	         "02"
	         "6161"
	         "00",
	         -1}, /* bytes, not name order */
	        {6,
	         "0141000161"
	         "00"
	         "0000000100000002000000030000000400000005",
	         "0161000141"
	         "00"
	         "0000000100000002000000030000000400000005",
	         0},
	        {6,
	         "0141000161"
	         "00"
	         "0000000100000002000000030000000400000005",
	         "0161000141"
	         "00"
	         "0000000100000002000000030000000400000006",
	         -1},
	        {16, "0141", "0161", -1}, /* strings are not folded */
	        {16, "0161", "01610162", -1},
	        {15,
	         "0001"
	         "0141"
	         "00",
	         "0001"
	         "0161"
	         "00",
	         0},
	        {15,
	         "0100"
	         "00",
	         "0001"
	         "00",
	         1},
	        {15,
	         "4100"
	         "00",
	         "6100"
	         "00",
	         -1}, /* a number that looks like a letter */
	        {33,
	         "000000001467"
	         "0158"
	         "00",
	         "000000001467"
	         "0178"
	         "00",
	         0},
	        {45,
	         "0a0302"
	         "0141"
	         "00"
	         "41",
	         "0a0302"
	         "0161"
	         "00"
	         "41",
	         0},
	        {45,
	         "0a0302"
	         "0141"
	         "00"
	         "41",
	         "0a0302"
	         "0141"
	         "00"
	         "61",
	         -1}, /* the key is not folded */
	        {47,
	         "0141"
	         "00"
	         "000141",
	         "0161"
	         "00"
	         "000141",
	         0},
	        {47,
	         "0141"
	         "00"
	         "000141",
	         "0161"
	         "00"
	         "000161",
	         -1},
	        {55,
	         "01020001"
	         "4142"
	         "0141"
	         "00",
	         "01020001"
	         "4142"
	         "0161"
	         "00",
	         0},
	        {55,
	         "01020001"
	         "4142"
	         "0141"
	         "00",
	         "01020001"
	         "4142"
	         "0161"
	         "00"
	         "00",
	         -1},
	        {64,
	         "0001"
	         "0141"
	         "00"
	         "0001000302"
	         "4841",
	         "0001"
	         "0161"
	         "00"
	         "0001000302"
	         "6841",
	         -1},
	        {65280, "0141", "0161", -1}, /* opaque */
	        {65280, "", "", 0},
	        {65280, "", "00", -1},
	        {42, "", "00010000", -1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t a_len, b_len;
		uint8_t *a = unhex(cases[i].a, &a_len);
		uint8_t *b = unhex(cases[i].b, &b_len);
		if (sign(wire_rdata_compare(cases[i].type, a, a_len, b, b_len)) != cases[i].order ||
		    sign(wire_rdata_compare(cases[i].type, b, b_len, a, a_len)) != -cases[i].order) {
			fail_msg("type %u: %s against %s", cases[i].type, cases[i].a, cases[i].b);
		}
		free(a);
		free(b);
	}
}

static bool in_list(const uint16_t *list, uint16_t type)
{
	for (; *list != 0; list++) {
		if (*list == type) {
			return true;
		}
	}
	return false;
}

/* RFC 3597 4: only the types of RFC 1035. RFC 8765 6.3.1: the list of RFC 6762 18.14. */
static void only_listed_types_are_compressed(void **state)
{
	static const uint16_t standard[] = {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 0};
	static const uint16_t push[] = {2, 5, 12, 39, 6, 15, 18, 21, 36, 17, 26, 33, 47, 0};
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		uint16_t t = (uint16_t)type;
		assert_false(wire_rdata_compressible(t, WIRE_COMPRESS_NONE));
		assert_int_equal(wire_rdata_compressible(t, WIRE_COMPRESS_STANDARD), in_list(standard, t));
		assert_int_equal(wire_rdata_compressible(t, WIRE_COMPRESS_PUSH), in_list(push, t));
	}
}

static void meta_types_are_known(void **state)
{
	static const uint16_t meta[] = {41, 249, 250, 251, 252, 253, 254, 255, 0};
	(void)state;
	assert_true(wire_type_is_meta(0));
	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		assert_int_equal(wire_type_is_meta((uint16_t)type), in_list(meta, (uint16_t)type));
	}
}

static void layouts_stand_at_their_number(void **state)
{
	(void)state;
	unsigned count = 0;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		const struct wire_rdata_layout *layout = wire_rdata_layout((uint16_t)type);
		if (!layout) {
			continue;
		}
		count++;
		assert_int_equal(layout->type, type);
		assert_ptr_equal(layout->mnemonic, wire_type_mnemonic((uint16_t)type));
		assert_int_not_equal(layout->fields[0], WIRE_FIELD_END);
		assert_int_equal(layout->fields[sizeof(layout->fields) - 1], WIRE_FIELD_END);
		uint16_t found = 0;
		assert_int_equal(wire_type_by_mnemonic(layout->mnemonic, strlen(layout->mnemonic), &found), 0);
		assert_int_equal(found, type);
	}
	assert_int_equal(count, 87);
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		assert_non_null(wire_rdata_layout(rdata_samples[i].type));
		assert_string_equal(wire_type_mnemonic(rdata_samples[i].type), rdata_samples[i].mnemonic);
	}
	assert_null(wire_rdata_layout(DNS_TYPE_ANY));
	assert_string_equal(wire_type_mnemonic(DNS_TYPE_ANY), "ANY");
	assert_null(wire_type_mnemonic(0));
	assert_null(wire_type_mnemonic(54));
	assert_null(wire_type_mnemonic(265));
	assert_null(wire_type_mnemonic(32767));
	assert_null(wire_type_mnemonic(32770));
	uint16_t type = 7;
	assert_int_equal(wire_type_by_mnemonic("", 0, &type), ERR_NOT_FOUND);
	assert_int_equal(wire_type_by_mnemonic("AA", 2, &type), ERR_NOT_FOUND);
	assert_int_equal(wire_type_by_mnemonic("A\0A", 3, &type), ERR_NOT_FOUND);
	assert_int_equal(type, 7);
}

struct seen {
	char text[128];
	size_t calls, stop_at;
};

static int note_part(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);
	(void)bytes;
	snprintf(seen->text + used, sizeof(seen->text) - used, "%c%zu ", is_name ? 'n' : 'p', len);
	return ++seen->calls == seen->stop_at ? 42 : 0;
}

static void names_are_told_from_plain_bytes(void **state)
{
	static const struct {
		uint16_t type;
		const char *hex, *parts;
	} cases[] = {
	        {1, "c0000201", "p4 "},
	        {2, EXAMPLE, "n14 "},
	        {6, "0161000000000000000000000000000000000000000000000000", NULL},
	        {6,
	         "016100"
	         "00"
	         "0000000100000002000000030000000400000005",
	         "n3 n1 p20 "},
	        {15, "000a" EXAMPLE, "p2 n14 "},
	        {35,
	         "00640032"
	         "0173"
	         "00"
	         "00" EXAMPLE,
	         "p8 n14 "},
	        {45, "0a0302" EXAMPLE "aabb", "p3 n14 p2 "},
	        {47, EXAMPLE "000140", "n14 p3 "},
	        {55,
	         "01020001aabb"
	         "016100"
	         "00",
	         "p6 n3 n1 "},
	        {38,
	         "80"
	         "016100",
	         "p1 n3 "},
	        {42, "", ""},
	        {65280, "0161", "p2 "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = {0};
		size_t len;
		uint8_t *rdata = unhex(cases[i].hex, &len);
		int err = wire_rdata_parts(cases[i].type, rdata, len, note_part, &seen);
		if (cases[i].parts) {
			assert_int_equal(err, 0);
			assert_string_equal(seen.text, cases[i].parts);
		} else {
			assert_true(err < 0);
		}
		free(rdata);
	}
}

static void the_walk_stops_where_it_is_told_to(void **state)
{
	(void)state;
	size_t len;
	uint8_t *rdata = unhex("016100"
	                       "00"
	                       "0000000100000002000000030000000400000005",
	                       &len);
	for (size_t stop = 1; stop <= 3; stop++) {
		struct seen seen = {.stop_at = stop};
		assert_int_equal(wire_rdata_parts(DNS_TYPE_SOA, rdata, len, note_part, &seen), 42);
		assert_int_equal(seen.calls, stop);
	}
	free(rdata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(good_samples_are_read),
	        cmocka_unit_test(truncated_samples_fail_or_are_other_rdata),
	        cmocka_unit_test(one_byte_more_fails_or_is_other_rdata),
	        cmocka_unit_test(bad_rdata_is_refused),
	        cmocka_unit_test(unusual_rdata_is_read),
	        cmocka_unit_test(rdata_longer_than_a_message_is_refused),
	        cmocka_unit_test(compressed_names_are_expanded_in_every_type),
	        cmocka_unit_test(pointers_may_not_aim_forward),
	        cmocka_unit_test(rdata_that_does_not_fit_leaves_the_writer_alone),
	        cmocka_unit_test(rdata_may_not_grow_past_its_limit),
	        cmocka_unit_test(rdata_has_canonical_order),
	        cmocka_unit_test(only_listed_types_are_compressed),
	        cmocka_unit_test(meta_types_are_known),
	        cmocka_unit_test(layouts_stand_at_their_number),
	        cmocka_unit_test(names_are_told_from_plain_bytes),
	        cmocka_unit_test(the_walk_stops_where_it_is_told_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
