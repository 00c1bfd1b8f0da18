#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/dns.h"
#include "wire/message.h"

#define NAME(bytes) ((const uint8_t *)(bytes)) /* the literal's NUL is the root label */

static struct wire_message m;
static struct wire_builder b;
static uint8_t memory[DNS_MESSAGE_MAX];

/* A message of a header with these counts and of what follows it, in memory of its exact size. */
static int read_message(uint16_t flags, const uint16_t counts[4], const void *rest, size_t rest_len)
{
	size_t len = DNS_HEADER_LEN + rest_len;
	uint8_t *data = test_malloc(len);
	bytes_store_u16(data, 0x1234);
	bytes_store_u16(data + 2, flags);
	for (int i = 0; i < 4; i++) {
		bytes_store_u16(data + 4 + 2 * i, counts[i]);
	}
	memcpy(data + DNS_HEADER_LEN, rest, rest_len);
	int err = wire_message_read(data, len, &m);
	assert_int_equal(m.header.id, 0x1234); /* always there to answer with */
	assert_int_equal(m.header.flags, flags);
	test_free(data);
	return err;
}

#define READ(flags, qd, an, ns, ar, rest)                                                                              \
	read_message(flags, (const uint16_t[]){qd, an, ns, ar}, rest, sizeof(rest) - 1)

#define OPT        "\0\0\x29\x04\xd0\0\0\x80\0\0\0"
#define OPT_EMPTY  "\0\0\x29\x04\xd0\0\0\0\0\0\0"
#define TSIG       "\1k\0\0\xfa\0\xff\0\0\0\0\0\0"
#define A_RR       "\1a\0\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define A_QUESTION "\1q\0\0\1\0\1"

static void reads_headers(void **state)
{
	(void)state;
	static const uint8_t data[] = {0xab, 0xcd, 0xb5, 0x8a, 0, 1, 0, 2, 0, 3, 0, 4};
	struct wire_header h = {.id = 7};
	struct bytes_reader r;

	for (size_t len = 0; len < sizeof(data); len++) {
		bytes_reader_init(&r, data, len);
		assert_int_equal(wire_header_read(&r, &h), ERR_TRUNCATED);
		assert_int_equal(h.id, 7);
	}
	bytes_reader_init(&r, data, sizeof(data));
	assert_int_equal(wire_header_read(&r, &h), 0);
	assert_int_equal(h.id, 0xabcd);
	assert_int_equal(wire_header_opcode(&h), DNS_OPCODE_DSO);
	assert_int_equal(wire_header_rcode(&h), DNS_RCODE_NOTZONE);
	assert_true(h.qdcount == 1 && h.ancount == 2 && h.nscount == 3 && h.arcount == 4);
}

static void a_cut_header_is_truncated(void **state)
{
	(void)state;
	static const uint8_t data[11] = {0xff, 0xff};
	assert_int_equal(wire_message_read(data, sizeof(data), &m), ERR_TRUNCATED);
	assert_int_equal(m.header.id, 0);
	assert_int_equal(wire_message_read(NULL, 0, &m), ERR_TRUNCATED);
}

static void reads_a_query(void **state)
{
	(void)state;
	assert_int_equal(READ(DNS_FLAG_RD, 1, 0, 0, 0, "\4_ipp\4_tcp\0\0\x0c\0\1"), 0);
	assert_memory_equal(m.question.name.data, "\4_ipp\4_tcp", 11);
	assert_int_equal(m.question.type, DNS_TYPE_PTR);
	assert_int_equal(m.question.dns_class, DNS_CLASS_IN);
	assert_false(m.edns.present);
	assert_false(m.has_tsig);
	assert_true(bytes_complete(&m.answer) && bytes_complete(&m.authority) && bytes_complete(&m.additional));
}

static void questions_may_be_none_or_many(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 0, ""), 0);
	assert_int_equal(m.question.name.len, 0);
	assert_int_equal(READ(0, 3, 0, 0, 0, A_QUESTION "\1b\xc0\x0c\0\x1c\0\3\xc0\x0c\0\2\0\1"), 0);
	assert_memory_equal(m.question.name.data, "\1q", 3); /* the first */
	assert_int_equal(m.question.type, DNS_TYPE_A);
	assert_int_equal(READ(0, 2, 0, 0, 0, A_QUESTION), ERR_TRUNCATED);
	assert_int_equal(READ(0, 2, 0, 0, 0, A_QUESTION "\1b\0\0\1\0"), ERR_TRUNCATED);
	assert_int_equal(READ(0, 1, 0, 0, 0, "\xc0\x0c\0\1\0\1"), ERR_POINTER);
	assert_int_equal(READ(0, 1, 0, 0, 0, "\x40"), ERR_LABEL);
}

static void sections_hold_their_own_rrs(void **state)
{
	(void)state;
	struct wire_rr rr;
	static const char data[] = "\1q\0\0\1\0\1"
	                           "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\1\2\3\4"
	                           "\1n\xc0\x0c\0\2\0\1\0\0\2\0\0\2\xc0\x0c"
	                           "\1x\0\0\1\0\1\0\0\3\0\0\4\5\6\7\x08";
	static uint8_t whole[DNS_HEADER_LEN + sizeof(data) - 1] = {0, 1, 0x84, 0, 0, 1, 0, 1, 0, 1, 0, 1};
	memcpy(whole + DNS_HEADER_LEN, data, sizeof(data) - 1);
	assert_int_equal(wire_message_read(whole, sizeof(whole), &m), 0);

	assert_int_equal(wire_rr_read(&m.answer, &rr), 0);
	assert_memory_equal(rr.owner.data, "\1q", 3);
	assert_true(rr.type == DNS_TYPE_A && rr.dns_class == DNS_CLASS_IN && rr.ttl == 256);
	assert_int_equal(rr.offset, 19);
	assert_int_equal(bytes_u32(&rr.rdata), 0x01020304);
	assert_true(bytes_complete(&rr.rdata));
	assert_true(bytes_complete(&m.answer));

	assert_int_equal(wire_rr_read(&m.authority, &rr), 0);
	assert_memory_equal(rr.owner.data, "\1n\1q", 5);
	assert_int_equal(rr.type, DNS_TYPE_NS);
	struct wire_name target;
	assert_int_equal(wire_name_read(&rr.rdata, WIRE_NAME_COMPRESSED, &target), 0); /* base is the message */
	assert_memory_equal(target.data, "\1q", 3);
	assert_true(bytes_complete(&m.authority));

	assert_int_equal(wire_rr_read(&m.additional, &rr), 0);
	assert_memory_equal(rr.owner.data, "\1x", 3);
	assert_int_equal(rr.offset, 35 + 16);
	assert_true(bytes_complete(&m.additional));
	assert_int_equal(wire_rr_read(&m.additional, &rr), ERR_TRUNCATED);
}

static void every_cut_and_every_byte_too_many_is_noticed(void **state)
{
	(void)state;
	static const char data[] = A_QUESTION A_RR OPT;
	static const uint16_t counts[] = {1, 1, 0, 1};
	for (size_t len = 0; len < sizeof(data) - 1; len++) {
		assert_int_equal(read_message(0, counts, data, len), ERR_TRUNCATED);
	}
	assert_int_equal(read_message(0, counts, data, sizeof(data) - 1), 0);
	assert_int_equal(read_message(0, counts, data, sizeof(data)), ERR_TRAILING);
	assert_int_equal(READ(0, 0, 0, 0, 0, "\0"), ERR_TRAILING);
}

static void counts_that_lie_are_refused(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 65535, 65535, 65535, 65535, A_QUESTION), ERR_TRUNCATED);
	assert_int_equal(READ(0, 1, 1, 0, 0, A_QUESTION), ERR_TRUNCATED);
	assert_int_equal(READ(0, 0, 0, 1, 0, ""), ERR_TRUNCATED);
	assert_int_equal(READ(0, 0, 0, 0, 1, ""), ERR_TRUNCATED);
	assert_int_equal(READ(0, 0, 1, 0, 0, A_RR A_RR), ERR_TRAILING);
}

static void an_update_is_rrs_of_any_class_and_no_rdata(void **state)
{
	(void)state;
	struct wire_rr rr;
	uint16_t flags = DNS_OPCODE_UPDATE << 11;
	static const char data[] = "\1z\0\0\6\0\1"
	                           "\1a\xc0\x0c\0\xff\0\xff\0\0\0\0\0\0"
	                           "\1b\xc0\x0c\0\1\0\xfe\0\0\0\0\0\4\1\2\3\4"
	                           "\1c\xc0\x0c\0\1\0\xff\0\0\0\0\0\0";
	static uint8_t whole[DNS_HEADER_LEN + sizeof(data) - 1] = {0, 1, DNS_OPCODE_UPDATE << 3, 0, 0, 1, 0, 1, 0, 2};
	assert_int_equal(READ(flags, 1, 1, 2, 0, data), 0);
	memcpy(whole + DNS_HEADER_LEN, data, sizeof(data) - 1);
	assert_int_equal(wire_message_read(whole, sizeof(whole), &m), 0);
	assert_int_equal(wire_header_opcode(&m.header), DNS_OPCODE_UPDATE);
	assert_int_equal(m.question.type, DNS_TYPE_SOA);
	assert_int_equal(wire_rr_read(&m.answer, &rr), 0);
	assert_true(rr.type == DNS_TYPE_ANY && rr.dns_class == DNS_CLASS_ANY && bytes_complete(&rr.rdata));
	assert_int_equal(wire_rr_read(&m.authority, &rr), 0);
	assert_true(rr.dns_class == DNS_CLASS_NONE && bytes_left(&rr.rdata) == 4);
	assert_int_equal(wire_rr_read(&m.authority, &rr), 0);
	assert_true(rr.type == DNS_TYPE_A && rr.dns_class == DNS_CLASS_ANY && bytes_complete(&rr.rdata));
}

static void reads_edns(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 1, OPT), 0);
	assert_true(m.edns.present && m.edns.dnssec_ok && !m.edns.tcp_keepalive);
	assert_int_equal(m.edns.udp_size, 1232);
	assert_int_equal(m.edns.version, 0);
	/* Any place in additional will do. */
	assert_int_equal(READ(0, 0, 0, 0, 2, OPT A_RR), 0);
	assert_true(m.edns.present);
	assert_int_equal(READ(0, 0, 0, 0, 2, A_RR "\0\0\x29\0\0\xab\xcd\x7f\xff\0\0"), 0);
	assert_true(m.edns.present && !m.edns.dnssec_ok);
	assert_int_equal(m.edns.extended_rcode, 0xab);
	assert_int_equal(m.edns.version, 0xcd);
	assert_int_equal(m.edns.udp_size, 0);
}

static void notices_tcp_keepalive_among_the_options(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 1, "\0\0\x29\0\0\0\0\0\0\0\x0e\0\x0a\0\2xy\0\x0b\0\0\0\x0c\0\0"), 0);
	assert_true(m.edns.tcp_keepalive);
	assert_int_equal(READ(0, 0, 0, 0, 1, "\0\0\x29\0\0\0\0\0\0\0\6\0\x0a\0\2\0\x0b"), 0);
	assert_false(m.edns.tcp_keepalive);
}

static void options_that_do_not_end_at_the_end_are_formerr(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 1, "\0\0\x29\0\0\0\0\0\0\0\1\0"), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 0, 1, "\0\0\x29\0\0\0\0\0\0\0\3\0\x0b\0"), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 0, 1, "\0\0\x29\0\0\0\0\0\0\0\5\0\x0b\0\2x"), ERR_FORMERR);
}

static void an_opt_in_the_wrong_place_is_formerr(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 2, OPT OPT_EMPTY), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 1, 0, 0, OPT), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 1, 0, OPT), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 0, 1, "\1a\0\0\x29\x04\xd0\0\0\0\0\0\0"), ERR_FORMERR);
}

static void tsig_stands_last_in_additional_or_is_formerr(void **state)
{
	(void)state;
	assert_int_equal(READ(0, 0, 0, 0, 2, OPT TSIG), 0);
	assert_true(m.has_tsig && m.edns.present);
	assert_int_equal(m.tsig.offset, 12 + 11);
	assert_memory_equal(m.tsig.owner.data, "\1k", 3);
	assert_int_equal(READ(0, 0, 0, 0, 2, TSIG OPT), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 0, 2, TSIG TSIG), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 1, 0, 0, TSIG), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 1, 0, TSIG), ERR_FORMERR);
	assert_int_equal(READ(0, 0, 0, 0, 1, "\1k\0\0\xfa\0\1\0\0\0\0\0\0"), ERR_FORMERR);   /* class IN */
	assert_int_equal(READ(0, 0, 0, 0, 1, "\1k\0\0\xfa\0\xff\0\0\0\1\0\0"), ERR_FORMERR); /* TTL 1 */
}

static int add_a(const char *owner)
{
	return wire_build_rr(&b, NAME(owner), DNS_TYPE_A, DNS_CLASS_IN, 60, NAME("\1\2\3\4"), 4, WIRE_COMPRESS_NONE);
}

static void builds_what_was_asked_with_its_counts(void **state)
{
	(void)state;
	static const uint8_t want[] = "\x12\x34\x84\x05\0\1\0\1\0\1\0\2"
	                              "\1q\2ex\0\0\1\0\1"
	                              "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
	                              "\xc0\x0e\0\2\0\1\0\0\x0e\x10\0\5\2ns\xc0\x0e"
	                              "\xc0\x32\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
	                              "\0\0\x29\x04\xd0\1\0\x80\0\0\0";
	wire_build_init(&b, memory, sizeof(memory), 0x1234, 0);
	assert_int_equal(wire_build_question(&b, NAME("\1q\2ex"), DNS_TYPE_A, DNS_CLASS_IN), 0);
	assert_int_equal(add_a("\1q\2ex"), 0);
	wire_build_section(&b, WIRE_SECTION_AUTHORITY);
	assert_int_equal(wire_build_rr(&b, NAME("\2ex"), DNS_TYPE_NS, DNS_CLASS_IN, 3600, NAME("\2ns\2ex"), 7,
	                               WIRE_COMPRESS_STANDARD),
	                 0);
	wire_build_section(&b, WIRE_SECTION_ADDITIONAL);
	assert_int_equal(add_a("\2ns\2ex"), 0);
	assert_int_equal(wire_build_opt(&b, 1232, true, 0x15), 0);
	size_t len = wire_build_finish(&b, DNS_FLAG_QR | DNS_FLAG_AA | 0x5);
	assert_int_equal(len, sizeof(want) - 1);
	assert_memory_equal(memory, want, len);
	assert_int_equal(wire_message_read(memory, len, &m), 0);
}

static size_t name_written(const char *name, bool compress)
{
	size_t before = b.out.len;
	assert_int_equal(wire_build_name(&b, NAME(name), compress), 0);
	return b.out.len - before;
}

static void names_are_compressed_against_the_longest_suffix(void **state)
{
	(void)state;
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(name_written("\1a\1b\1c", true), 7);
	assert_int_equal(name_written("\1a\1b\1c", true), 2);
	assert_int_equal(name_written("\1x\1b\1c", true), 4);
	assert_int_equal(name_written("\1y\1x\1b\1c", true), 4);
	assert_int_equal(name_written("\1c", true), 2);
	assert_int_equal(name_written("\1a\1b", true), 5); /* no suffix, though a prefix */
	assert_int_equal(name_written("", true), 1);
	assert_memory_equal(memory + 12, "\1a\1b\1c\0\xc0\x0c\1x\xc0\x0e\1y\xc0\x15\xc0\x10\1a\1b\0\0", b.out.len - 12);
}

static void letter_case_is_kept_so_other_case_is_another_name(void **state)
{
	(void)state;
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(name_written("\3www\2Ex", true), 8);
	assert_int_equal(name_written("\3WWW\2Ex", true), 6);
	assert_int_equal(name_written("\3www\2ex", true), 8);
	assert_int_equal(name_written("\3WWW\2Ex", true), 2);
}

static void uncompressed_names_are_whole_but_can_be_pointed_at(void **state)
{
	(void)state;
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(name_written("\1a\2ex", true), 6);
	assert_int_equal(name_written("\1b\2ex", false), 6);
	assert_memory_equal(memory + 18, "\1b\2ex", 6);
	assert_int_equal(name_written("\1c\1b\2ex", true), 4);
	assert_memory_equal(memory + 24, "\1c\xc0\x12", 4);
}

static void rdata_is_compressed_only_for_types_of_the_list(void **state)
{
	(void)state;
	static const uint8_t srv[] = "\0\0\0\0\0\x50\1a\2ex";
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(name_written("\1a\2ex", true), 6);
	assert_int_equal(wire_build_rr(&b, NAME("\1a\2ex"), DNS_TYPE_SRV, DNS_CLASS_IN, 0, srv, sizeof(srv),
	                               WIRE_COMPRESS_STANDARD),
	                 0);
	assert_int_equal(bytes_load_u16(memory + 18 + 10), 12);
	size_t before = b.out.len;
	assert_int_equal(
	        wire_build_rr(&b, NAME("\1a\2ex"), DNS_TYPE_SRV, DNS_CLASS_IN, 0, srv, sizeof(srv), WIRE_COMPRESS_PUSH),
	        0);
	assert_int_equal(bytes_load_u16(memory + before + 10), 8);
	assert_memory_equal(memory + before + 12, "\0\0\0\0\0\x50\xc0\x0c", 8);
	before = b.out.len;
	assert_int_equal(
	        wire_build_rr(&b, NAME("\1a\2ex"), DNS_TYPE_PTR, DNS_CLASS_IN, 0, srv + 6, 6, WIRE_COMPRESS_NONE), 0);
	assert_int_equal(bytes_load_u16(memory + before + 10), 6);
}

static void empty_rdata_is_written_for_any_type(void **state)
{
	(void)state;
	wire_build_init(&b, memory, sizeof(memory), 0, DNS_OPCODE_UPDATE << 11);
	wire_build_section(&b, WIRE_SECTION_AUTHORITY);
	assert_int_equal(
	        wire_build_rr(&b, NAME("\1a"), DNS_TYPE_SOA, DNS_CLASS_ANY, 0, NULL, 0, WIRE_COMPRESS_STANDARD), 0);
	size_t len = wire_build_finish(&b, DNS_OPCODE_UPDATE << 11);
	assert_int_equal(len, 12 + 3 + 10);
	assert_int_equal(wire_message_read(memory, len, &m), 0);
	assert_int_equal(m.header.nscount, 1);
}

static void an_rr_that_does_not_fit_leaves_no_trace(void **state)
{
	(void)state;
	uint8_t before[100];
	/* Room for the first RR; the second one would need 23 bytes. */
	for (size_t room = 0; room < 23; room++) {
		uint8_t *exact = test_malloc(12 + 17 + room);
		wire_build_init(&b, exact, 12 + 17 + room, 1, 0);
		assert_int_equal(add_a("\1a"), 0);
		struct wire_builder kept = b;
		memcpy(before, exact, 29);
		assert_int_equal(wire_build_rr(&b, NAME("\3new\1a"), DNS_TYPE_PTR, DNS_CLASS_IN, 1,
		                               NAME("\4ppp2\3new\1a"), 12, WIRE_COMPRESS_STANDARD),
		                 ERR_SPACE);
		assert_int_equal(b.out.len, kept.out.len);
		assert_false(b.out.failed);
		assert_memory_equal(&b.table, &kept.table, sizeof(b.table));
		assert_int_equal(b.name_count, kept.name_count);
		assert_memory_equal(b.counts, kept.counts, sizeof(b.counts));
		assert_int_equal(wire_build_question(&b, NAME("\x14xxxxxxxxxxxxxxxxxxxx"), 1, 1), ERR_SPACE);
		assert_int_equal(b.out.len, kept.out.len);
		assert_int_equal(wire_build_finish(&b, 0), 29);
		assert_memory_equal(exact + 12, before + 12, 17);
		assert_int_equal(wire_message_read(exact, 29, &m), 0);
		test_free(exact);
	}
	wire_build_init(&b, memory, 12 + 17 + 23, 1, 0);
	assert_int_equal(add_a("\1a"), 0);
	assert_int_equal(wire_build_rr(&b, NAME("\3new\1a"), DNS_TYPE_PTR, DNS_CLASS_IN, 1, NAME("\4ppp2\3new\1a"), 12,
	                               WIRE_COMPRESS_STANDARD),
	                 0);
	assert_int_equal(b.out.len, b.limit);
}

static void undo_restores_names_counts_and_section(void **state)
{
	(void)state;
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(add_a("\1a\2ex"), 0);
	struct wire_builder kept = b;
	struct wire_builder_mark mark = wire_build_mark(&b);
	for (int i = 0; i < 100; i++) {
		char owner[16] = "\3xxx\2ex";
		owner[1] = (char)i;
		assert_int_equal(add_a(owner), 0);
	}
	wire_build_section(&b, WIRE_SECTION_ADDITIONAL);
	assert_int_equal(add_a("\1b\2ex"), 0);
	wire_build_undo(&b, &mark);
	assert_memory_equal(&b.table, &kept.table, sizeof(b.table));
	assert_memory_equal(b.counts, kept.counts, sizeof(b.counts));
	assert_int_equal(b.section, WIRE_SECTION_ANSWER);
	assert_int_equal(b.out.len, kept.out.len);
	/* What was undone is no longer pointed at. */
	assert_int_equal(name_written("\1b\2ex", true), 4);
}

static void names_beyond_a_pointers_reach_are_not_pointed_at(void **state)
{
	(void)state;
	static const uint8_t filler[0x4000 - 12 - 11 - 6];
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	assert_int_equal(
	        wire_build_rr(&b, NAME(""), 65280, DNS_CLASS_IN, 0, filler, sizeof(filler), WIRE_COMPRESS_PUSH), 0);
	assert_int_equal(b.out.len, 0x4000 - 6);
	assert_int_equal(name_written("\1a\1b\1c\1d", true), 9); /* d stands at 0x4000 */
	assert_int_equal(name_written("\1d", true), 3);
	assert_int_equal(name_written("\1d", true), 3);
	assert_int_equal(name_written("\1c\1d", true), 2);
	assert_int_equal(bytes_load_u16(memory + b.out.len - 2), 0xfffe);
	assert_int_equal(name_written("\1b\1c\1d", true), 2);
}

/* Enter `count` names of one label; returns the bytes written. */
static void write_numbers(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "\7n%06u", i);
		assert_int_equal(wire_build_name(&b, NAME(name), true), 0);
	}
}

static void a_full_table_goes_on_without_new_names(void **state)
{
	(void)state;
	enum { ENTRIES = WIRE_BUILDER_NAMES / 2 };
	wire_build_init(&b, memory, sizeof(memory), 0, 0);
	write_numbers(2 * ENTRIES);
	assert_int_equal(b.name_count, ENTRIES);
	size_t before = b.out.len;
	write_numbers(2 * ENTRIES);
	size_t written = b.out.len - before;
	assert_int_equal(written, ENTRIES * 2 + ENTRIES * 9); /* half of them as pointers */
	struct wire_builder_mark mark = {.len = DNS_HEADER_LEN};
	wire_build_undo(&b, &mark);
	for (unsigned i = 0; i < WIRE_BUILDER_NAMES; i++) {
		assert_int_equal(b.table[i], 0);
	}
}

static void a_builder_inside_a_message_counts_pointers_from_its_start(void **state)
{
	(void)state;
	memset(memory, 0xaa, 32);
	wire_build_init_at(&b, memory, 200, 16);
	assert_int_equal(add_a("\1a\2ex"), 0);
	assert_int_equal(add_a("\1b\2ex"), 0);
	assert_int_equal(memory[15], 0xaa);
	assert_memory_equal(memory + 16, "\1a\2ex\0\0\1\0\1", 10);
	assert_memory_equal(memory + 16 + 20, "\1b\xc0\x12\0\1", 6);
	assert_int_equal(b.out.len, 16 + 20 + 18);
}

/*
 * PUSH-096: the vector push-add-ptr-srv-txt. Its pointers count from the message
 * ID and aim at names in other records; built again, it is the same bytes.
 */
static void the_push_vector_is_read_and_built_byte_for_byte(void **state)
{
	(void)state;
	static const char vector[] = "\0\0\x30\0\0\0\0\0\0\0\0\0\0\x41\0\x71"
	                             "\4_ipp\4_tcp\7example\3com\0\0\x0c\0\1\0\0\x11\x94\0\x11"
	                             "\x0eOffice Printer\xc0\x10"
	                             "\xc0\x31\0\x21\0\1\0\0\0\x78\0\x10\0\0\0\0\2\x77\7printer\xc0\x1a"
	                             "\xc0\x31\0\x10\0\1\0\0\x11\x94\0\x17\x09txtvers=1\x0crp=ipp/print";
	struct bytes_reader r;
	struct bytes_writer rdata;
	struct wire_rr rr;
	uint8_t expanded[256];

	memcpy(memory, vector, 16);
	wire_build_init_at(&b, memory, sizeof(memory), 16);
	bytes_reader_init(&r, vector, sizeof(vector) - 1);
	bytes_take(&r, 16);
	while (bytes_left(&r) > 0) {
		assert_int_equal(wire_rr_read(&r, &rr), 0);
		bytes_writer_init(&rdata, expanded, sizeof(expanded));
		assert_int_equal(wire_rdata_read(&rr.rdata, rr.type, &rdata), 0);
		if (rr.type == DNS_TYPE_SRV) {
			assert_memory_equal(rr.owner.data, "\x0eOffice Printer\4_ipp\4_tcp\7example\3com",
			                    rr.owner.len);
			assert_int_equal(rdata.len, 6 + 21);
			assert_memory_equal(expanded + 6, "\7printer\7example\3com", 21);
		}
		assert_int_equal(wire_build_rr(&b, rr.owner.data, rr.type, rr.dns_class, rr.ttl, expanded, rdata.len,
		                               WIRE_COMPRESS_PUSH),
		                 0);
	}
	assert_true(bytes_complete(&r));
	assert_int_equal(b.out.len, sizeof(vector) - 1);
	assert_memory_equal(memory, vector, b.out.len);
}

static void a_name_at_the_headers_place_is_no_target(void **state)
{
	(void)state;
	wire_build_init_at(&b, memory, 200, 0);
	assert_int_equal(name_written("\1a", true), 3);
	assert_int_equal(name_written("\1a", true), 3);
	assert_int_equal(name_written("\xb"
	                              "abcdefghijk",
	                              true),
	                 13);
	assert_int_equal(name_written("\1a", true), 3); /* at 19 and now in reach */
	assert_int_equal(name_written("\1a", true), 2);
}

static void a_failed_writer_takes_no_more_names(void **state)
{
	(void)state;
	wire_build_init_at(&b, memory, 20, 16);
	bytes_put_u48(&b.out, 0);
	assert_true(b.out.failed);
	assert_int_equal(wire_build_name(&b, NAME(""), true), ERR_SPACE);
	assert_true(b.out.failed);
}

static void reserved_bytes_stay_free_for_opt(void **state)
{
	(void)state;
	wire_build_init(&b, memory, 12 + 17 + WIRE_OPT_LEN + 5, 0, 0);
	wire_build_reserve(&b, WIRE_OPT_LEN);
	wire_build_reserve(&b, 5);
	assert_int_equal(add_a("\1a"), 0);
	assert_int_equal(add_a(""), ERR_SPACE);
	assert_int_equal(wire_build_opt(&b, 1232, false, 0), 0);
	/* What was reserved for a signature is still free. */
	assert_int_equal(wire_build_name(&b, NAME(""), true), ERR_SPACE);
	assert_int_equal(b.out.len, 12 + 17 + WIRE_OPT_LEN);
	assert_int_equal(wire_message_read(memory, wire_build_finish(&b, 0), &m), 0);
	assert_true(m.edns.present && m.header.arcount == 1 && m.header.ancount == 1);
}

static void opt_without_room_is_refused(void **state)
{
	(void)state;
	wire_build_init(&b, memory, 12 + WIRE_OPT_LEN - 1, 0, 0);
	wire_build_reserve(&b, 100); /* more than there is */
	assert_int_equal(add_a(""), ERR_SPACE);
	assert_int_equal(wire_build_opt(&b, 1232, false, 0), ERR_SPACE);
	assert_int_equal(wire_build_finish(&b, 0), 12);
}

static void the_limit_is_that_of_a_message(void **state)
{
	(void)state;
	static uint8_t large[70000];
	static const uint8_t filler[30000];
	wire_build_init(&b, large, sizeof(large), 0, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		        wire_build_rr(&b, NAME(""), 65280, DNS_CLASS_IN, 0, filler, sizeof(filler), WIRE_COMPRESS_NONE),
		        0);
	}
	assert_int_equal(wire_build_rr(&b, NAME(""), 65280, DNS_CLASS_IN, 0, filler, 6000, WIRE_COMPRESS_NONE),
	                 ERR_SPACE);
	assert_int_equal(wire_build_rr(&b, NAME(""), 65280, DNS_CLASS_IN, 0, filler, DNS_MESSAGE_MAX - b.out.len - 11,
	                               WIRE_COMPRESS_NONE),
	                 0);
	assert_int_equal(wire_build_finish(&b, 0), DNS_MESSAGE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_headers),
	        cmocka_unit_test(a_cut_header_is_truncated),
	        cmocka_unit_test(reads_a_query),
	        cmocka_unit_test(questions_may_be_none_or_many),
	        cmocka_unit_test(sections_hold_their_own_rrs),
	        cmocka_unit_test(every_cut_and_every_byte_too_many_is_noticed),
	        cmocka_unit_test(counts_that_lie_are_refused),
	        cmocka_unit_test(an_update_is_rrs_of_any_class_and_no_rdata),
	        cmocka_unit_test(reads_edns),
	        cmocka_unit_test(notices_tcp_keepalive_among_the_options),
	        cmocka_unit_test(options_that_do_not_end_at_the_end_are_formerr),
	        cmocka_unit_test(an_opt_in_the_wrong_place_is_formerr),
	        cmocka_unit_test(tsig_stands_last_in_additional_or_is_formerr),
	        cmocka_unit_test(builds_what_was_asked_with_its_counts),
	        cmocka_unit_test(names_are_compressed_against_the_longest_suffix),
	        cmocka_unit_test(letter_case_is_kept_so_other_case_is_another_name),
	        cmocka_unit_test(uncompressed_names_are_whole_but_can_be_pointed_at),
	        cmocka_unit_test(rdata_is_compressed_only_for_types_of_the_list),
	        cmocka_unit_test(empty_rdata_is_written_for_any_type),
	        cmocka_unit_test(an_rr_that_does_not_fit_leaves_no_trace),
	        cmocka_unit_test(undo_restores_names_counts_and_section),
	        cmocka_unit_test(names_beyond_a_pointers_reach_are_not_pointed_at),
	        cmocka_unit_test(a_full_table_goes_on_without_new_names),
	        cmocka_unit_test(a_builder_inside_a_message_counts_pointers_from_its_start),
	        cmocka_unit_test(the_push_vector_is_read_and_built_byte_for_byte),
	        cmocka_unit_test(a_name_at_the_headers_place_is_no_target),
	        cmocka_unit_test(a_failed_writer_takes_no_more_names),
	        cmocka_unit_test(reserved_bytes_stay_free_for_opt),
	        cmocka_unit_test(opt_without_room_is_refused),
	        cmocka_unit_test(the_limit_is_that_of_a_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
