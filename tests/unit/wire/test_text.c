#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/err.h"
#include "rdata_samples.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "wire/text.h"

static const uint8_t origin[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static char text_memory[WIRE_RDATA_TEXT_MAX];
static uint8_t rdata_memory[UINT16_MAX + 1];

static size_t unhex(const char *hex, uint8_t *bytes, size_t size)
{
	size_t len = strlen(hex) / 2;
	assert_true(len <= size);
	for (size_t i = 0; i < len; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return len;
}

/* Parse text in memory of exactly its size. */
static int parse(uint16_t type, const char *text, size_t text_len, size_t *ret_len, size_t *ret_where)
{
	char *exact = malloc(text_len ? text_len : 1);
	assert_non_null(exact);
	memcpy(exact, text, text_len);
	int err = wire_rdata_from_text(type, exact, text_len, origin, rdata_memory, sizeof(rdata_memory), ret_len,
	                               ret_where);
	free(exact);
	return err;
}

static void assert_parsed(uint16_t type, const char *text, const char *hex)
{
	uint8_t expected[512];
	size_t expected_len = unhex(hex, expected, sizeof(expected));
	size_t len = SIZE_MAX;
	size_t where = SIZE_MAX;
	int err = parse(type, text, strlen(text), &len, &where);
	if (err) {
		fail_msg("%s: %s at %zu", text, err_name(err), where);
	}
	assert_int_equal(where, SIZE_MAX); /* written only on failure */
	if (len != expected_len || memcmp(rdata_memory, expected, len) != 0) {
		fail_msg("%s: other bytes", text);
	}
}

static void assert_printed(uint16_t type, const char *hex, const char *text)
{
	uint8_t rdata[512];
	size_t len = unhex(hex, rdata, sizeof(rdata));
	int text_len = wire_rdata_to_text(type, rdata, len, text_memory, sizeof(text_memory));
	assert_string_equal(text_memory, text);
	assert_int_equal(text_len, strlen(text));
}

static void samples_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		assert_parsed(rdata_samples[i].type, rdata_samples[i].text, rdata_samples[i].hex);
	}
}

static void samples_are_printed(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		assert_printed(rdata_samples[i].type, rdata_samples[i].hex, rdata_samples[i].text);
	}
}

/* Each form that is read but never written, with the form that is. */
static const struct {
	uint16_t type;
	const char *text, *canonical;
} other_forms[] = {
        /* tokens */
        {15, "  10\t mail.example. ", "10 mail.example."},
        {15, "( 10 ; preference\n mail ; relative\n )", "10 mail.example."},
        {15, "10 @", "10 example."},
        {15, "10 mail;comment", "10 mail.example."},
        {2, "a\\.b\\065", "a\\.bA.example."},
        {16, "bare words", "\"bare\" \"words\""},
        {16, "\"a\"\"b\"", "\"a\" \"b\""},
        {16, "a\\ b\\;c\\\"d\\065", "\"a b;c\\\"dA\""},
        {16, "\"(a;b)\" ; c", "\"(a;b)\""},
        {16, "\"tab\there\"", "\"tab\\009here\""},
        {16, "caf\xc3\xa9", "\"caf\\195\\169\""},
        {13, "(PC\nBSD)", "\"PC\" \"BSD\""},
        /* numbers */
        {6, "ns host 1 2h 1h30m 2w 1d1s", "ns.example. host.example. 1 7200 5400 1209600 86401"},
        {6, ". . 4294967295 4294967295 0 00 1", ". . 4294967295 4294967295 0 0 1"},
        {46, "TYPE1 RSASHA256 1 1h 4294967295 0 1 . 3q2+7w==", "A 8 1 3600 21060207062815 19700101000000 1 . 3q2+7w=="},
        {46, "a ed25519 1 1 20000229000000 20231231235960 1 . 3q2+7w==",
         "A 15 1 1 20000229000000 20240101000000 1 . 3q2+7w=="},
        {48, "257 3 ECDSAP256SHA256 3q2+ 7w==", "257 3 13 3q2+7w=="},
        {48, "257 3 13 ( 3 q2\n+7w== )", "257 3 13 3q2+7w=="},
        {37, "pgp 0 0 3q2+7w==", "PGP 0 0 3q2+7w=="},
        {37, "254 0 0 3q2+7w==", "OID 0 0 3q2+7w=="},
        {66, "TYPE59 1 53 @", "CDS NOTIFY 53 example."},
        /* hexadecimal and addresses */
        {43, "1 8 9 a b0 c", "1 8 9 AB0C"},
        {22, "0X47.0005.80", "0x47000580"},
        {34, "39.24.6f", "39246F"},
        {28, "2001:DB8:0:0::1", "2001:db8::1"},
        {28, "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {104, "1 14:4FFF:f:0", "1 0014:4fff:000f:0000"},
        {108, "00-00-5E-00-53-2A", "00-00-5e-00-53-2a"},
        {50, "1 1 1 aa 2t7b4g4vsa5smi47k61mv5bv1a22bojr TXT A TYPE1",
         "1 1 1 AA 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A TXT"},
        {11, "192.0.2.1 TCP smtp domain 25", "192.0.2.1 6 25 53"},
        {11, "192.0.2.1 17", "192.0.2.1 17"},
        {38, "64 2001:db8::1 p.", "64 ::1 p."},
        {38, "9 ffff::1 p.", "9 7f::1 p."},
        {42, " ", ""},
        {42, "1:192.0.2.1/8", "1:192.0.2.1/8"},
        /* LOC */
        {29, "52 N 13 E 34", "52 0 0.000 N 13 0 0.000 E 34.00m 1.00m 10000.00m 10.00m"},
        {29, "52 31 n 13 24 w -34.5m 0", "52 31 0.000 N 13 24 0.000 W -34.50m 0.00m 10000.00m 10.00m"},
        {29, "0 0 0.001 S 180 0 0 W 42849672.95m 90000000m 0.09m 123.45m",
         "0 0 0.001 S 180 0 0.000 W 42849672.95m 90000000.00m 0.09m 100.00m"},
        /* service parameters */
        {64, "1 svc port=53 alpn=h2", "1 svc.example. alpn=\"h2\" port=53"},
        {64, "1 . ipv4hint=192.0.2.1 key9=x mandatory=port,alpn alpn=\"h2\" port=\"1\"",
         "1 . mandatory=alpn,port alpn=\"h2\" port=1 ipv4hint=192.0.2.1 key9=\"x\""},
        {64, "1 . KEY3=\\000\\053", "1 . port=53"},
        {64, "1 . key1=\"\\002h2\" no-default-alpn=\"\"", "1 . alpn=\"h2\" no-default-alpn"},
        {64, "1 . alpn=f\\\\\\092oo\\092,bar,h2", "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\""},
        {64, "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "1 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\""},
        {64, "1 . key667=\"a b;(c)\"", "1 . key667=\"a b;(c)\""},
        {64, "1 . key667=", "1 . key667"},
        {64, "1 . ( key5=\\001 ; x\n key0=\\000\\005 )", "1 . mandatory=ech ech=AQ=="},
        /* other */
        {257, "0 ISSUE letsencrypt.example", "0 ISSUE \"letsencrypt.example\""},
        {256, "1 2 http://a/", "1 2 \"http://a/\""},
        {259, "1 2 3 a -", "1 2 3 \"a\" -"},
        {19, "311061700956", "\"311061700956\""},
        /* RFC 3597 */
        {1, "\\# 4 C0000201", "192.0.2.1"},
        {1, "\\# 4 (c0 000\n201 ) ; x", "192.0.2.1"},
        {65280, "\\# 0", "\\# 0"},
        {65280, "\\# 3 a bcd ef", "\\# 3 ABCDEF"},
};

static void other_forms_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(other_forms) / sizeof(other_forms[0]); i++) {
		const char *text = other_forms[i].text;
		size_t len = 0;
		size_t where = 0;
		int err = parse(other_forms[i].type, text, strlen(text), &len, &where);
		if (err) {
			fail_msg("%s: %s at %zu", text, err_name(err), where);
		}
		assert_true(wire_rdata_to_text(other_forms[i].type, rdata_memory, len, text_memory,
		                               sizeof(text_memory)) >= 0);
		assert_string_equal(text_memory, other_forms[i].canonical);
	}
}

static const struct {
	uint16_t type;
	int err;
	size_t where;
	const char *text;
} bad_texts[] = {
        {1, ERR_SYNTAX, 0, ""},
        {1, ERR_SYNTAX, 0, "192.0.2"},
        {1, ERR_SYNTAX, 0, "192.0.2.256"},
        {1, ERR_SYNTAX, 10, "192.0.2.1 x"},
        {1, ERR_SYNTAX, 0, "a-long-word-that-is-longer-than-any-address-could-ever-be"},
        {28, ERR_SYNTAX, 0, "2001:db8::1::2"},
        {2, ERR_SYNTAX, 10, "; comment "},
        {2, ERR_LABEL, 0, "a..b"},
        {2, ERR_SYNTAX, 0, "a\\"},
        {15, ERR_SYNTAX, 0, "65536 mail"},
        {15, ERR_SYNTAX, 0, "-1 mail"},
        {15, ERR_SYNTAX, 2, "10"},
        {6, ERR_SYNTAX, 7, "ns h 1 1h1 1 1 1"},
        {6, ERR_SYNTAX, 7, "ns h 1 4294967296 1 1 1"},
        {6, ERR_SYNTAX, 7, "ns h 1 4000w 1 1 1"},
        {16, ERR_SYNTAX, 0, ""},
        {16, ERR_SYNTAX, 0, "\"open"},
        {16, ERR_SYNTAX, 0, "\"open\\\""},
        {16, ERR_SYNTAX, 0, "\"two\nlines\""},
        {16, ERR_SYNTAX, 0, "\"a\"b"},
        {16, ERR_SYNTAX, 0, "a\"b\""},
        {16, ERR_SYNTAX, 0, "\\256"},
        {16, ERR_SYNTAX, 0, "\\25"},
        {16, ERR_SYNTAX, 2, "a \\1b2"},
        {20, ERR_SYNTAX, 8, "\"1\" \"2\" \"3\""},
        {46, ERR_SYNTAX, 11, "A 8 1 3600 20230229000000 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 0, "NOTYPE 8 1 3600 20230228000000 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 2, "A RSASHA3 1 3600 20230228000000 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 8, "A 8 1 1 19691231235959 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 8, "A 8 1 1 21060207062816 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 8, "A 8 1 1 20231301000000 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 8, "A 8 1 1 20230101240000 20230101000000 1 . AAAA"},
        {46, ERR_SYNTAX, 8, "A 8 1 1 2023010100000x 20230101000000 1 . AAAA"},
        {48, ERR_SYNTAX, 8, "257 3 8 AQ=A"},
        {48, ERR_SYNTAX, 8, "257 3 8 AAA"},
        {48, ERR_SYNTAX, 8, "257 3 8 AQ===="},
        {48, ERR_SYNTAX, 8, "257 3 8 A==="},
        {48, ERR_SYNTAX, 8, "257 3 8 AB=="},
        {48, ERR_SYNTAX, 13, "257 3 8 AQ== AQ=="},
        {48, ERR_SYNTAX, 8, "257 3 8 A_AA"},
        {48, ERR_RDATA, 6, "257 3 8"},
        {43, ERR_SYNTAX, 6, "1 8 9 abc"},
        {43, ERR_SYNTAX, 6, "1 8 9 ag"},
        {43, ERR_RDATA, 6, "1 8 2 abcd"},
        {47, ERR_SYNTAX, 4, "n A BOGUS"},
        {30, ERR_RDATA, 2, "n TYPE128"},
        {50, ERR_SYNTAX, 6, "1 1 1 a 2T7B"},
        {50, ERR_SYNTAX, 8, "1 1 1 - 2T7"},
        {50, ERR_SYNTAX, 8, "1 1 1 - 2T7Z"},
        {50, ERR_SYNTAX, 8, "1 1 1 - 01"},
        {22, ERR_SYNTAX, 0, "47000580"},
        {22, ERR_SYNTAX, 0, "0x470"},
        {22, ERR_SYNTAX, 0, "0x4.7"},
        {22, ERR_RDATA, 0, "0x"},
        {34, ERR_SYNTAX, 0, "+61a"},
        {34, ERR_RDATA, 0, "+"},
        {19, ERR_RDATA, 0, "12a4"},
        {29, ERR_SYNTAX, 3, "52 X 13 E 34"},
        {29, ERR_SYNTAX, 0, "N 13 E 34"},
        {29, ERR_SYNTAX, 3, "52 60 N 13 E 34"},
        {29, ERR_SYNTAX, 5, "52 1 60 N 13 E 34"},
        {29, ERR_SYNTAX, 5, "52 1 0.0001 N 13 E 34"},
        {29, ERR_SYNTAX, 7, "52 1 1 1 N 13 E 34"},
        {29, ERR_SYNTAX, 10, "52 N 13 E -100000.01"},
        {29, ERR_SYNTAX, 10, "52 N 13 E 42849672.96"},
        {29, ERR_SYNTAX, 12, "52 N 13 E 1 90000000.01m"},
        {29, ERR_SYNTAX, 18, "52 N 13 E 1 1 1 1 1"},
        {29, ERR_RDATA, 12, "90 1 N 13 E 1"},
        {29, ERR_SYNTAX, 9, "52 N 13 E"},
        {38, ERR_SYNTAX, 0, "129 ::1 a"},
        {38, ERR_SYNTAX, 6, "0 ::1 a"},
        {42, ERR_SYNTAX, 0, "3:10/8"},
        {42, ERR_SYNTAX, 0, "1:10.0.0.0"},
        {42, ERR_SYNTAX, 0, "1:10.0.0.0/33"},
        {42, ERR_SYNTAX, 0, "!2:::/129"},
        {42, ERR_SYNTAX, 0, "!"},
        {45, ERR_SYNTAX, 2, "1 4 2 . AAAA"},
        {45, ERR_SYNTAX, 6, "1 0 2 a AAAA"},
        {45, ERR_SYNTAX, 6, "1 2 2 192.0.2.1 AAAA"},
        {260, ERR_SYNTAX, 2, "1 2 0 ."},
        {260, ERR_SYNTAX, 4, "1 0 4 ."},
        {55, ERR_SYNTAX, 2, "1 a AAAA"},
        {55, ERR_SYNTAX, 5, "1 ab AAA"},
        {11, ERR_SYNTAX, 10, "192.0.2.1 foo"},
        {11, ERR_SYNTAX, 14, "192.0.2.1 tcp 65536"},
        {104, ERR_SYNTAX, 2, "1 1:2:3"},
        {104, ERR_SYNTAX, 2, "1 1:2:3:4:5"},
        {104, ERR_SYNTAX, 2, "1 1:2::4"},
        {104, ERR_SYNTAX, 2, "1 1:2:3:00004"},
        {108, ERR_SYNTAX, 0, "00:00:5e:00:53:2a"},
        {108, ERR_SYNTAX, 0, "0-00-5e-00-53-2a"},
        {108, ERR_SYNTAX, 0, "00-00-5e-00-53"},
        {250, ERR_SYNTAX, 9, "a. 1 2 3 AAA= 1 2 0"},
        {250, ERR_SYNTAX, 20, "a. 1 2 2 AAA= 1 2 1 0000"},
        {250, ERR_SYNTAX, 3, "a. 281474976710656 2 0 1 2 0"},
        {264, ERR_SYNTAX, 0, "18446744073709551616"},
        {64, ERR_SYNTAX, 4, "1 . nokey=1"},
        {64, ERR_SYNTAX, 4, "1 . key65536"},
        {64, ERR_SYNTAX, 4, "1 . key01"},
        {64, ERR_SYNTAX, 4, "1 . key"},
        {64, ERR_SYNTAX, 4, "1 . port=65536"},
        {64, ERR_RDATA, 4, "1 . port"},
        {64, ERR_RDATA, 11, "1 . port=1 port=1"},
        {64, ERR_RDATA, 4, "1 . alpn=h2,,h3"},
        {64, ERR_SYNTAX, 4, "1 . alpn=\"h2"},
        {64, ERR_SYNTAX, 4, "1 . alpn=\"h2\"x"},
        {64, ERR_SYNTAX, 4, "1 . al\"pn"},
        {64, ERR_SYNTAX, 4, "1 . \"alpn=h2\""},
        {64, ERR_SYNTAX, 4, "1 . alpn=a\\\\b"},
        {64, ERR_SYNTAX, 4, "1 . alpn=a\\\\"},
        {64, ERR_SYNTAX, 4, "1 . ipv4hint=192.0.2.1,"},
        {64, ERR_SYNTAX, 4, "1 . ipv6hint=192.0.2.1"},
        {64, ERR_SYNTAX, 4, "1 . ech=a"},
        {64, ERR_SYNTAX, 4, "1 . mandatory=foo"},
        {64, ERR_RDATA, 4, "1 . mandatory=port"},
        {64, ERR_RDATA, 25, "1 . mandatory=port,port  port=1"},
        {64, ERR_RDATA, 4, "1 . no-default-alpn"},
        {257, ERR_RDATA, 6, "0 a-b \"\""},
        {257, ERR_SYNTAX, 7, "0 issue"},
        {256, ERR_RDATA, 4, "1 2 \"\""},
        {1, ERR_SYNTAX, 5, "\\# 4 C00002"},
        {1, ERR_SYNTAX, 5, "\\# 3 C0000201"},
        {1, ERR_RDATA, 5, "\\# 3 C00002"},
        {1, ERR_SYNTAX, 2, "\\#"},
        {1, ERR_SYNTAX, 3, "\\# 65536 00"},
        {1, ERR_SYNTAX, 5, "\\# 1 0"},
        {2, ERR_POINTER, 5, "\\# 2 C00C"},
        {10, ERR_SYNTAX, 0, "00"},
        {41, ERR_SYNTAX, 0, "00"},
        {255, ERR_SYNTAX, 0, "00"},
        {65280, ERR_SYNTAX, 0, "00"},
};

static void bad_texts_are_refused_where_they_are_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		const char *text = bad_texts[i].text;
		size_t len = 4711;
		size_t where = SIZE_MAX;
		int err = parse(bad_texts[i].type, text, strlen(text), &len, &where);
		if (err != bad_texts[i].err || where != bad_texts[i].where) {
			fail_msg("type %u, %s: %s at %zu", bad_texts[i].type, text, err ? err_name(err) : "OK", where);
		}
		assert_int_equal(len, 4711);
		assert_int_equal(parse(bad_texts[i].type, text, strlen(text), &len, NULL), err);
	}
}

static void strings_hold_255_bytes(void **state)
{
	(void)state;
	char text[300];
	size_t len = 0;
	size_t where = 0;
	memset(text, 'a', sizeof(text));
	assert_int_equal(parse(16, text, 255, &len, &where), 0);
	assert_int_equal(len, 256);
	assert_int_equal(parse(16, text, 256, &len, &where), ERR_RDATA);
	assert_int_equal(parse(51, "1 1 1 ", 6, &len, &where), ERR_SYNTAX);
	char salt[6 + 512] = "1 1 1 ";
	memset(salt + 6, 'a', 512);
	assert_int_equal(parse(51, salt, 6 + 510, &len, &where), 0);
	assert_int_equal(len, 5 + 255);
	assert_int_equal(parse(51, salt, 6 + 512, &len, &where), ERR_RDATA);
	char hash[8 + 410] = "1 1 1 - ";
	memset(hash + 8, '0', 410);
	assert_int_equal(parse(50, hash, 8 + 408, &len, &where), 0);
	assert_int_equal(len, 4 + 1 + 1 + 255);
	assert_int_equal(parse(50, hash, 8 + 410, &len, &where), ERR_RDATA);
	char tag[2 + 512 + 5] = "1 ";
	memset(tag + 2, 'a', 512);
	memcpy(tag + 2 + 510, " AAAA", 5);
	assert_int_equal(parse(55, tag, 2 + 510 + 5, &len, &where), 0);
	memcpy(tag + 2 + 510, "aa AAAA", 7);
	assert_int_equal(parse(55, tag, 2 + 512 + 5, &len, &where), ERR_RDATA);
	char alpn[11 + 256] = "1 . alpn=b,";
	memset(alpn + 11, 'a', 256);
	assert_int_equal(parse(64, alpn, 11 + 255, &len, &where), 0);
	assert_int_equal(parse(64, alpn, 11 + 256, &len, &where), ERR_RDATA);
}

static void origin_may_be_the_root(void **state)
{
	(void)state;
	size_t len = 0;
	assert_int_equal(wire_rdata_from_text(2, "ns", 2, NULL, rdata_memory, sizeof(rdata_memory), &len, NULL), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(rdata_memory, "\2ns", 4);
	assert_int_equal(wire_rdata_from_text(2, "@", 1, NULL, rdata_memory, sizeof(rdata_memory), &len, NULL), 0);
	assert_int_equal(len, 1);
}

/* Rdata without a presentation form that would give the same bytes again. */
static void what_has_no_text_is_printed_generic(void **state)
{
	static const struct {
		uint16_t type;
		const char *hex, *text;
	} cases[] = {
	        {65280, "", "\\# 0"},
	        {65280, "00ab", "\\# 2 00AB"},
	        {10, "61", "\\# 1 61"},
	        {41, "000b00020064", "\\# 6 000B00020064"},
	        {128, "61", "\\# 1 61"},
	        {1, "c00002", "\\# 3 C00002"},              /* not an address */
	        {2, "c00c", "\\# 2 C00C"},                  /* not plain */
	        {11, "c00002010600", "\\# 6 C00002010600"}, /* zero byte at the end */
	        {29, "01aabb", "\\# 3 01AABB"},             /* another version */
	        {29, "00011613800000008000000000989680", "\\# 16 00011613800000008000000000989680"}, /* 0e1 cm */
	        {34, "0261", "\\# 2 0261"},             /* another format */
	        {42, "00030801aa", "\\# 5 00030801AA"}, /* another family */
	        {260, "0a04aa", "\\# 3 0A04AA"},        /* another kind of relay */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_printed(cases[i].type, cases[i].hex, cases[i].text);
		if (cases[i].type != 1 && cases[i].type != 2) {
			assert_parsed(cases[i].type, cases[i].text, cases[i].hex);
		}
	}
}

static void text_that_does_not_fit_is_not_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		const struct rdata_sample *s = &rdata_samples[i];
		uint8_t rdata[512];
		size_t len = unhex(s->hex, rdata, sizeof(rdata));
		size_t needed = strlen(s->text) + 1;
		for (size_t size = 0; size < needed; size++) {
			char *exact = malloc(size ? size : 1);
			assert_non_null(exact);
			assert_int_equal(wire_rdata_to_text(s->type, rdata, len, exact, size), ERR_SPACE);
			free(exact);
		}
		char *exact = malloc(needed);
		assert_non_null(exact);
		assert_int_equal(wire_rdata_to_text(s->type, rdata, len, exact, needed), needed - 1);
		assert_string_equal(exact, s->text);
		free(exact);
	}
}

static void bytes_that_do_not_fit_are_not_returned(void **state)
{
	(void)state;
	for (size_t i = 0; i < RDATA_SAMPLE_COUNT; i++) {
		const struct rdata_sample *s = &rdata_samples[i];
		size_t needed = strlen(s->hex) / 2;
		for (size_t size = 0; size <= needed; size++) {
			uint8_t *exact = malloc(size ? size : 1);
			size_t len = 4711;
			assert_non_null(exact);
			int err =
			        wire_rdata_from_text(s->type, s->text, strlen(s->text), NULL, exact, size, &len, NULL);
			assert_int_equal(err, size < needed ? ERR_SPACE : 0);
			assert_int_equal(len, size < needed ? 4711 : needed);
			free(exact);
		}
	}
}

static void rdata_of_more_than_65535_bytes_is_refused(void **state)
{
	(void)state;
	enum { WORDS = 32768 };
	char *text = malloc(2 * WORDS);
	size_t len = 0;
	assert_non_null(text);
	memset(text, ' ', 2 * WORDS);
	for (size_t i = 0; i < WORDS; i++) {
		text[2 * i] = 'a';
	}
	assert_int_equal(parse(16, text, 2 * (WORDS - 1), &len, NULL), 0);
	assert_int_equal(len, UINT16_MAX - 1);
	assert_int_equal(parse(16, text, 2 * WORDS, &len, NULL), ERR_RDATA);
	free(text);
}

/* 655 kB of type names: the only way to print more than four characters a byte. */
static void the_fullest_bitmap_is_printed_generic(void **state)
{
	(void)state;
	static uint8_t rdata[1 + 256 * 34];
	size_t len = 1;
	for (unsigned window = 0; window < 256; window++) {
		rdata[len] = (uint8_t)window;
		rdata[len + 1] = 32;
		memset(rdata + len + 2, 0xff, 32);
		len += 34;
	}
	int text_len = wire_rdata_to_text(47, rdata, len, text_memory, sizeof(text_memory));
	assert_true(text_len > 0);
	assert_memory_equal(text_memory, "\\# 8705 00002", 13);
	size_t again_len = 0;
	assert_int_equal(parse(47, text_memory, (size_t)text_len, &again_len, NULL), 0);
	assert_int_equal(again_len, len);
	assert_memory_equal(rdata_memory, rdata, len);
}

static void every_byte_survives_in_a_string(void **state)
{
	(void)state;
	uint8_t rdata[256] = {255};
	for (unsigned i = 1; i < 256; i++) {
		rdata[i] = (uint8_t)i;
	}
	int text_len = wire_rdata_to_text(16, rdata, sizeof(rdata), text_memory, sizeof(text_memory));
	assert_true(text_len > 0);
	for (int i = 0; i < text_len; i++) {
		assert_true(text_memory[i] >= 0x20 && text_memory[i] < 0x7f);
	}
	size_t len = 0;
	assert_int_equal(parse(16, text_memory, (size_t)text_len, &len, NULL), 0);
	assert_int_equal(len, sizeof(rdata));
	assert_memory_equal(rdata_memory, rdata, len);
}

/* Every day that a signature can name, at its last second. */
static void dates_are_what_they_were(void **state)
{
	(void)state;
	uint8_t rdata[] = {0, 1, 8, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xaa};
	char previous[15] = "00000000000000";
	for (uint64_t time = 86399; time <= UINT32_MAX; time += 86400) {
		bytes_store_u32(rdata + 8, (uint32_t)time);
		assert_true(wire_rdata_to_text(46, rdata, sizeof(rdata), text_memory, sizeof(text_memory)) > 0);
		assert_memory_equal(text_memory + 8 + 8, "235959", 6);
		assert_true(memcmp(previous, text_memory + 8, 14) < 0);
		memcpy(previous, text_memory + 8, 14);
		size_t len = 0;
		assert_int_equal(parse(46, text_memory, strlen(text_memory), &len, NULL), 0);
		assert_int_equal(len, sizeof(rdata));
		assert_memory_equal(rdata_memory, rdata, len);
	}
}

static void types_have_names(void **state)
{
	(void)state;
	char text[WIRE_TYPE_TEXT_MAX];
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		uint16_t again = 0;
		char number[WIRE_TYPE_TEXT_MAX];
		const char *name = wire_type_to_text((uint16_t)type, text);
		assert_ptr_equal(name, text);
		assert_int_equal(wire_type_from_text(name, strlen(name), &again), 0);
		assert_int_equal(again, type);
		snprintf(number, sizeof(number), "type%u", type);
		assert_int_equal(wire_type_from_text(number, strlen(number), &again), 0);
		assert_int_equal(again, type);
	}
	static const struct {
		const char *name;
		uint16_t type;
	} names[] = {
	        {"A", 1},        {"nsap-ptr", 23}, {"Aaaa", 28},   {"ANY", 255},
	        {"AXFR", 252},   {"IXFR", 251},    {"MAILB", 253}, {"MAILA", 254},
	        {"NXNAME", 128}, {"UNSPEC", 103},  {"DLV", 32769}, {"TYPE65280", 65280},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint16_t type = 0;
		assert_int_equal(wire_type_from_text(names[i].name, strlen(names[i].name), &type), 0);
		assert_int_equal(type, names[i].type);
		assert_int_equal(strcasecmp(wire_type_to_text(type, text), names[i].name), 0);
	}
	static const char *const bad[] = {"",     "TYPE", "TYPE65536", "TYPE-1", "TYPE1x",
	                                  "TYP1", "AAA",  "AAAAA",     "*",      "28"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint16_t type = 4711;
		assert_int_equal(wire_type_from_text(bad[i], strlen(bad[i]), &type), ERR_SYNTAX);
		assert_int_equal(type, 4711);
	}
}

static void classes_have_names(void **state)
{
	(void)state;
	char text[WIRE_TYPE_TEXT_MAX];
	assert_string_equal(wire_class_to_text(1, text), "IN");
	assert_string_equal(wire_class_to_text(3, text), "CH");
	assert_string_equal(wire_class_to_text(4, text), "HS");
	assert_string_equal(wire_class_to_text(254, text), "NONE");
	assert_string_equal(wire_class_to_text(255, text), "ANY");
	assert_string_equal(wire_class_to_text(32, text), "CLASS32");
	assert_string_equal(wire_class_to_text(65535, text), "CLASS65535");
	for (unsigned number = 0; number <= UINT16_MAX; number++) {
		uint16_t again = 0;
		const char *name = wire_class_to_text((uint16_t)number, text);
		assert_int_equal(wire_class_from_text(name, strlen(name), &again), 0);
		assert_int_equal(again, number);
	}
	uint16_t number = 4711;
	assert_int_equal(wire_class_from_text("in", 2, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(wire_class_from_text("class1", 6, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(wire_class_from_text("I", 1, &number), ERR_SYNTAX);
	assert_int_equal(wire_class_from_text("INN", 3, &number), ERR_SYNTAX);
	assert_int_equal(wire_class_from_text("CLASS65536", 10, &number), ERR_SYNTAX);
	assert_int_equal(wire_class_from_text("CLASS", 5, &number), ERR_SYNTAX);
	assert_int_equal(wire_class_from_text("", 0, &number), ERR_SYNTAX);
}

static void rcodes_have_names(void **state)
{
	static const char *const names[] = {
	        "NOERROR", "FORMERR",  "SERVFAIL",  "NXDOMAIN", "NOTIMP",    "REFUSED", "YXDOMAIN",
	        "YXRRSET", "NXRRSET",  "NOTAUTH",   "NOTZONE",  "DSOTYPENI", "RCODE12", "RCODE13",
	        "RCODE14", "RCODE15",  "BADVERS",   "BADKEY",   "BADTIME",   "BADMODE", "BADNAME",
	        "BADALG",  "BADTRUNC", "BADCOOKIE", "RCODE24",
	};
	(void)state;
	char text[WIRE_TYPE_TEXT_MAX];
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_string_equal(wire_rcode_to_text(i, text), names[i]);
	}
	assert_string_equal(wire_rcode_to_text(4095, text), "RCODE4095");
	assert_string_equal(wire_rcode_to_text(UINT32_MAX, text), "RCODE4294967295");
}

static void ttls_have_units(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t ttl;
	} cases[] = {
	        {"0", 0, 0},
	        {"3600", 0, 3600},
	        {"2147483647", 0, 2147483647},
	        {"2147483648", ERR_INVALID, 0},
	        {"99999999999999999999999", ERR_INVALID, 0},
	        {"1w2d3h4m5s", 0, 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5},
	        {"1H30M", 0, 5400},
	        {"90s", 0, 90},
	        {"3550w5d3h14m7s", 0, 2147483647},
	        {"3550w5d3h14m8s", ERR_INVALID, 0},
	        {"9999999999w", ERR_INVALID, 0},
	        {"", ERR_SYNTAX, 0},
	        {"h", ERR_SYNTAX, 0},
	        {"1h30", ERR_SYNTAX, 0},
	        {"1y", ERR_SYNTAX, 0},
	        {"-1", ERR_SYNTAX, 0},
	        {"1h h", ERR_SYNTAX, 0},
	        {"99999999999w5", ERR_SYNTAX, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ttl = 0;
		int err = wire_ttl_from_text(cases[i].text, strlen(cases[i].text), &ttl);
		if (err != cases[i].err || ttl != cases[i].ttl) {
			fail_msg("%s: %s, %u", cases[i].text, err_name(err), ttl);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(samples_are_parsed),
	        cmocka_unit_test(samples_are_printed),
	        cmocka_unit_test(other_forms_are_understood),
	        cmocka_unit_test(bad_texts_are_refused_where_they_are_bad),
	        cmocka_unit_test(strings_hold_255_bytes),
	        cmocka_unit_test(origin_may_be_the_root),
	        cmocka_unit_test(what_has_no_text_is_printed_generic),
	        cmocka_unit_test(text_that_does_not_fit_is_not_written),
	        cmocka_unit_test(bytes_that_do_not_fit_are_not_returned),
	        cmocka_unit_test(rdata_of_more_than_65535_bytes_is_refused),
	        cmocka_unit_test(the_fullest_bitmap_is_printed_generic),
	        cmocka_unit_test(every_byte_survives_in_a_string),
	        cmocka_unit_test(dates_are_what_they_were),
	        cmocka_unit_test(types_have_names),
	        cmocka_unit_test(classes_have_names),
	        cmocka_unit_test(rcodes_have_names),
	        cmocka_unit_test(ttls_have_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
