#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "wire/dns.h"
#include "wire/name.h"

static struct wire_name name(const char *text)
{
	struct wire_name n;
	assert_int_equal(wire_name_from_text(text, strlen(text), NULL, &n), 0);
	return n;
}

static int read_at(const uint8_t *data, size_t len, size_t at, enum wire_name_pointers pointers, struct wire_name *ret,
                   size_t *ret_behind)
{
	struct bytes_reader r;
	bytes_reader_init(&r, data, len);
	bytes_take(&r, at);
	memset(ret, 0xee, sizeof(*ret));
	int err = wire_name_read(&r, pointers, ret);
	*ret_behind = bytes_offset(&r);
	assert_int_equal(r.failed, err != 0);
	if (err) {
		assert_int_equal(ret->len, 0xee); /* untouched */
	}
	return err;
}

static void assert_read(const uint8_t *data, size_t len, size_t at, const char *text, size_t behind)
{
	struct wire_name n;
	char got[WIRE_NAME_TEXT_MAX];
	size_t got_behind;
	assert_int_equal(read_at(data, len, at, WIRE_NAME_COMPRESSED, &n, &got_behind), 0);
	wire_name_to_text(n.data, got, sizeof(got));
	assert_string_equal(got, text);
	assert_int_equal(got_behind, behind);
	assert_int_equal(n.len, wire_name_len(n.data));
	assert_int_equal(n.label_count, wire_name_labels(n.data));
}

static void assert_refused(const uint8_t *data, size_t len, size_t at, enum wire_name_pointers pointers, int want)
{
	struct wire_name n;
	size_t behind;
	/* From memory of the exact size, so that a sanitizer sees a read past the end. */
	uint8_t *exact = test_malloc(len ? len : 1);
	memcpy(exact, data, len);
	assert_int_equal(read_at(exact, len, at, pointers, &n, &behind), want);
	test_free(exact);
}

#define HEADER 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static void reads_labels_and_moves_behind_them(void **state)
{
	(void)state;
	static const uint8_t data[] = {3, 'w', 'W', 'w', 7, 'E', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 9};
	assert_read(data, sizeof(data), 0, "wWw.Example.", 13);
	assert_read(data, sizeof(data), 13, ".", 14);
	assert_read(data, sizeof(data), 4, "Example.", 13);
}

static void follows_pointers_backward(void **state)
{
	(void)state;
	static const uint8_t data[] = {HEADER, 1, 'a', 1, 'b', 0, 1, 'c', 0xc0, 14, 1, 'd', 0xc0, 17, 0xc0, 21, 7};
	assert_read(data, sizeof(data), 17, "c.b.", 21);
	assert_read(data, sizeof(data), 21, "d.c.b.", 25);
	assert_read(data, sizeof(data), 25, "d.c.b.", 27);
}

static void refuses_pointers_that_do_not_aim_strictly_backward(void **state)
{
	(void)state;
	static const uint8_t self[] = {HEADER, 0xc0, 12};
	static const uint8_t own_run[] = {HEADER, 1, 'a', 0xc0, 12};
	static const uint8_t own_middle[] = {HEADER, 1, 'a', 1, 'b', 0xc0, 14};
	static const uint8_t forward[] = {HEADER, 0xc0, 14, 1, 'a', 0};
	static const uint8_t past[] = {HEADER, 0xff, 0xff};
	static const uint8_t loop[] = {HEADER, 1, 'a', 0xc0, 16, 1, 'b', 0xc0, 12};
	assert_refused(self, sizeof(self), 12, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(own_run, sizeof(own_run), 12, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(own_middle, sizeof(own_middle), 12, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(forward, sizeof(forward), 12, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(past, sizeof(past), 12, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(loop, sizeof(loop), 16, WIRE_NAME_COMPRESSED, ERR_POINTER);
}

static void a_run_reached_by_pointer_may_not_come_back_to_itself(void **state)
{
	(void)state;
	/* 15 points to 13, whose run goes on over 15 again: that pointer aims at its own run's start. */
	static const uint8_t data[] = {HEADER, 9, 1, 'a', 0xc0, 13};
	assert_refused(data, sizeof(data), 15, WIRE_NAME_COMPRESSED, ERR_POINTER);
	/* 17 points to 12, which points forward to 14: before 17, but not before 12. */
	static const uint8_t forward[] = {HEADER, 0xc0, 14, 1, 'z', 0, 0xc0, 12};
	assert_refused(forward, sizeof(forward), 17, WIRE_NAME_COMPRESSED, ERR_POINTER);
}

/* A label that begins before the pointer and reaches over it would mean something else in another place. */
static void what_a_pointer_leads_to_ends_before_it(void **state)
{
	(void)state;
	static const uint8_t data[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xc0, 13, 'x', 0};
	assert_refused(data, sizeof(data), 14, WIRE_NAME_COMPRESSED, ERR_POINTER);
}

static void refuses_pointers_into_the_header(void **state)
{
	(void)state;
	static const uint8_t data[] = {HEADER, 0, 0xc0, 11, 0xc0, 0, 0xc0, 12};
	assert_refused(data, sizeof(data), 13, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_refused(data, sizeof(data), 15, WIRE_NAME_COMPRESSED, ERR_POINTER);
	assert_read(data, sizeof(data), 17, ".", 19);
}

static void refuses_pointers_where_none_may_be(void **state)
{
	(void)state;
	static const uint8_t data[] = {HEADER, 1, 'a', 0, 1, 'b', 0xc0, 12};
	assert_refused(data, sizeof(data), 15, WIRE_NAME_PLAIN, ERR_POINTER);
	assert_read(data, sizeof(data), 15, "b.a.", 19);
}

static void refuses_label_types_that_are_neither(void **state)
{
	(void)state;
	for (unsigned first = 0x40; first < 0xc0; first++) {
		uint8_t data[80] = {(uint8_t)first};
		assert_refused(data, sizeof(data), 0, WIRE_NAME_COMPRESSED, ERR_LABEL);
	}
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	static const uint8_t data[] = {HEADER, 2, 'a', 'b', 0, 1, 'c', 0xc0, 12};
	for (size_t len = 12; len < 16; len++) {
		assert_refused(data, len, 12, WIRE_NAME_COMPRESSED, ERR_TRUNCATED);
	}
	for (size_t len = 16; len < 20; len++) {
		assert_refused(data, len, 16, WIRE_NAME_COMPRESSED, ERR_TRUNCATED);
	}
}

/* 255 bytes: three labels of 63, one of `last`, the root. */
static size_t long_name(uint8_t *data, uint8_t last)
{
	size_t len = 0;
	for (int i = 0; i < 4; i++) {
		uint8_t label = i < 3 ? 63 : last;
		data[len++] = label;
		memset(data + len, 'x', label);
		len += label;
	}
	data[len++] = 0;
	return len;
}

static void takes_255_bytes_and_not_256(void **state)
{
	(void)state;
	uint8_t data[300];
	struct wire_name n;
	size_t behind;
	size_t len = long_name(data, 61);
	assert_int_equal(len, 255);
	assert_int_equal(read_at(data, len, 0, WIRE_NAME_PLAIN, &n, &behind), 0);
	assert_int_equal(n.len, 255);
	assert_int_equal(n.label_count, 4);
	len = long_name(data, 62);
	assert_refused(data, len, 0, WIRE_NAME_PLAIN, ERR_NAME_LONG);
}

static void the_length_counts_over_pointers(void **state)
{
	(void)state;
	uint8_t data[400] = {0};
	size_t len = 12 + long_name(data + 12, 59);
	data[len] = 1;
	data[len + 1] = 'a';
	data[len + 2] = 0xc0;
	data[len + 3] = 12;
	struct wire_name n;
	size_t behind;
	assert_int_equal(read_at(data, len + 4, len, WIRE_NAME_COMPRESSED, &n, &behind), 0);
	assert_int_equal(n.len, 255);
	len = 12 + long_name(data + 12, 60);
	data[len] = 1;
	data[len + 1] = 'a';
	data[len + 2] = 0xc0;
	data[len + 3] = 12;
	assert_refused(data, len + 4, len, WIRE_NAME_COMPRESSED, ERR_NAME_LONG);
}

static void takes_127_labels_by_127_pointers_but_no_longer_chain(void **state)
{
	(void)state;
	/* Each label points at the one before it: as many jumps as labels. */
	uint8_t data[1024] = {HEADER, 0};
	size_t len = 13;
	size_t previous = 12;
	for (int i = 0; i < 127; i++) {
		size_t at = len;
		data[len++] = 1;
		data[len++] = 'a';
		data[len++] = (uint8_t)(0xc0 | previous >> 8);
		data[len++] = (uint8_t)previous;
		previous = at;
	}
	struct wire_name n;
	size_t behind;
	assert_int_equal(read_at(data, len, previous, WIRE_NAME_COMPRESSED, &n, &behind), 0);
	assert_int_equal(n.label_count, 127);
	assert_int_equal(n.len, 255);
	assert_int_equal(behind, len);

	/* Bare pointers to pointers: one jump too many, in whatever message. */
	len = 13;
	previous = 12;
	for (int i = 0; i < 128; i++) {
		data[len] = (uint8_t)(0xc0 | previous >> 8);
		data[len + 1] = (uint8_t)previous;
		previous = len;
		len += 2;
	}
	assert_read(data, len, previous - 2, ".", previous);
	assert_refused(data, len, previous, WIRE_NAME_COMPRESSED, ERR_POINTER);
}

static void a_name_ends_at_the_end_of_its_reader(void **state)
{
	(void)state;
	/* The rdata ends within the name, though the message goes on. */
	static const uint8_t data[] = {HEADER, 1, 'a', 1, 'b', 0};
	struct bytes_reader r;
	struct wire_name n;
	bytes_reader_init(&r, data, sizeof(data));
	bytes_take(&r, 12);
	struct bytes_reader rdata = bytes_sub(&r, 4);
	assert_int_equal(wire_name_read(&rdata, WIRE_NAME_COMPRESSED, &n), ERR_TRUNCATED);
}

static void equality_ignores_ascii_case_only(void **state)
{
	(void)state;
	assert_true(wire_name_equal(name("Example.COM").data, name("eXAMPLE.com").data));
	assert_false(wire_name_equal(name("example.com").data, name("example.co").data));
	assert_false(wire_name_equal(name("example.com").data, name("example.com.x").data));
	assert_false(wire_name_equal(name("a[").data, name("a{").data));
	assert_false(wire_name_equal(name("\\195\\132").data, name("\\195\\164").data)); /* Ä and ä in UTF-8 */
	assert_true(wire_name_equal(name(".").data, name(".").data));
	/* Same bytes, other labels. */
	assert_false(wire_name_equal(name("a\\001b").data, name("a.b").data));
}

static void order_is_canonical(void **state)
{
	(void)state;
	/* The example of RFC 4034 6.1, with two more. */
	static const char *const order[] = {
	        ".",
	        "example.",
	        "a.example.",
	        "yljkjljk.a.example.",
	        "Z.a.example.",
	        "zABC.a.EXAMPLE.",
	        "z.example.",
	        "\\001.z.example.",
	        "*.z.example.",
	        "*\\000.z.example.",
	        "\\200.z.example.",
	};
	enum { COUNT = sizeof(order) / sizeof(order[0]) };
	for (size_t i = 0; i < COUNT; i++) {
		struct wire_name a = name(order[i]);
		uint8_t a_key[WIRE_NAME_KEY_MAX];
		size_t a_len = wire_name_key(a.data, a_key);
		for (size_t j = 0; j < COUNT; j++) {
			struct wire_name b = name(order[j]);
			uint8_t b_key[WIRE_NAME_KEY_MAX];
			size_t b_len = wire_name_key(b.data, b_key);
			int diff = wire_name_compare(a.data, b.data);
			assert_int_equal(diff < 0, i < j);
			assert_int_equal(diff > 0, i > j);
			int key_diff = memcmp(a_key, b_key, a_len < b_len ? a_len : b_len);
			key_diff = key_diff ? key_diff : (int)a_len - (int)b_len;
			assert_int_equal(key_diff < 0, i < j);
			assert_int_equal(key_diff > 0, i > j);
		}
	}
}

static void keys_of_names_below_begin_with_the_key(void **state)
{
	(void)state;
	uint8_t above[WIRE_NAME_KEY_MAX];
	uint8_t below[WIRE_NAME_KEY_MAX];
	uint8_t beside[WIRE_NAME_KEY_MAX];
	size_t len = wire_name_key(name("Ex.com").data, above);
	assert_memory_equal(above, "com\0ex\0", 7);
	assert_int_equal(len, 7);
	assert_int_equal(wire_name_key(name("a\\000\\001\\002.ex.COM").data, below), 14);
	assert_memory_equal(below, "com\0ex\0a\1\1\1\2\2\0", 14);
	wire_name_key(name("ex2.com").data, beside);
	assert_memory_not_equal(beside, above, len);
	assert_int_equal(wire_name_key(name(".").data, above), 0);
}

static void the_longest_key_fits(void **state)
{
	(void)state;
	uint8_t wire[DNS_NAME_MAX];
	uint8_t key[WIRE_NAME_KEY_MAX];
	size_t len = long_name(wire, 61);
	for (size_t i = 0; i < len; i++) {
		wire[i] = wire[i] == 'x' ? 0 : wire[i];
	}
	assert_int_equal(wire_name_key(wire, key), 2 * 250 + 4);
}

static void knows_what_is_under_what(void **state)
{
	(void)state;
	assert_true(wire_name_is_under(name("a.Example.com").data, name("example.COM").data));
	assert_true(wire_name_is_under(name("example.com").data, name("example.com").data));
	assert_true(wire_name_is_under(name("example.com").data, name(".").data));
	assert_false(wire_name_is_under(name("com").data, name("example.com").data));
	assert_false(wire_name_is_under(name("anexample.com").data, name("example.com").data));
	assert_false(wire_name_is_under(name("a.example.org").data, name("example.com").data));
}

static void strips_labels_in_front(void **state)
{
	(void)state;
	struct wire_name n = name("a.bc.def");
	assert_ptr_equal(wire_name_strip(n.data, 0), n.data);
	assert_ptr_equal(wire_name_strip(n.data, 1), n.data + 2);
	assert_ptr_equal(wire_name_strip(n.data, 3), n.data + n.len - 1);
}

static void wildcards(void **state)
{
	(void)state;
	struct wire_name n;
	uint8_t data[DNS_NAME_MAX];
	assert_true(wire_name_is_wildcard(name("*.example").data));
	assert_true(wire_name_is_wildcard(name("*").data));
	assert_false(wire_name_is_wildcard(name("**.example").data));
	assert_false(wire_name_is_wildcard(name("a.*.example").data));
	assert_false(wire_name_is_wildcard(name(".").data));
	assert_int_equal(wire_name_wildcard(name("Example").data, &n), 0);
	assert_true(n.len == 11 && n.label_count == 2);
	assert_memory_equal(n.data, "\1*\7Example", 11);
	long_name(data, 59);
	assert_int_equal(wire_name_wildcard(data, &n), 0);
	assert_int_equal(n.len, 255);
	long_name(data, 60);
	assert_int_equal(wire_name_wildcard(data, &n), ERR_NAME_LONG);
	assert_int_equal(n.len, 255);
}

static void replaces_suffixes(void **state)
{
	(void)state;
	struct wire_name n;
	uint8_t data[DNS_NAME_MAX];
	assert_int_equal(wire_name_replace_suffix(name("A.b.old.Example").data, name("old.example").data,
	                                          name("New.org").data, &n),
	                 0);
	assert_memory_equal(n.data, "\1A\1b\3New\3org", n.len);
	assert_int_equal(n.label_count, 4);
	assert_int_equal(wire_name_replace_suffix(name("x").data, name("X").data, name(".").data, &n), 0);
	assert_int_equal(n.len, 1);
	long_name(data, 61);
	assert_int_equal(wire_name_replace_suffix(name("a.b").data, name("b").data, data, &n), ERR_NAME_LONG);
	/* In place: the result over one of its sources. */
	n = name("a.b");
	assert_int_equal(wire_name_replace_suffix(n.data, name("b").data, name("ccc").data, &n), 0);
	assert_memory_equal(n.data, "\1a\3ccc", 7);
}

static void lowers_letters_only(void **state)
{
	(void)state;
	struct wire_name n = name("AZ[@`az.\\193Q");
	wire_name_lower(n.data);
	assert_memory_equal(n.data, "\7az[@`az\2\301q", n.len);
}

static void hashes_ignore_case(void **state)
{
	(void)state;
	assert_true(wire_name_hash(name("Example.COM").data) == wire_name_hash(name("eXample.com").data));
	assert_true(wire_name_hash(name("example.com").data) != wire_name_hash(name("example.org").data));
}

static void prints_what_needs_it_escaped(void **state)
{
	(void)state;
	static const uint8_t wire[] = {14,  'a', '.', '\\', '"',  '(', ')', ';', '@',
	                               '$', ' ', 0,   0x7f, 0xc3, '!', 1,   'B', 0};
	char text[WIRE_NAME_TEXT_MAX];
	size_t len = wire_name_to_text(wire, text, sizeof(text));
	assert_string_equal(text, "a\\.\\\\\\\"\\(\\)\\;\\@\\$\\032\\000\\127\\195!.B.");
	assert_int_equal(len, strlen(text));
	assert_int_equal(wire_name_to_text((const uint8_t *)"", text, sizeof(text)), 1);
	assert_string_equal(text, ".");
}

static void printing_is_cut_to_the_space(void **state)
{
	(void)state;
	static const uint8_t wire[] = {3, 'a', ' ', 'b', 0};
	char text[16];
	for (size_t size = 0; size <= 9; size++) {
		memset(text, '#', sizeof(text));
		size_t len = wire_name_to_text(wire, text, size);
		assert_int_equal(text[size], '#');
		if (size > 0) {
			assert_int_equal(strlen(text), len);
			assert_int_equal(strncmp(text, "a\\032b.", len), 0);
			assert_true(len < size);
		}
		/* An escape is there as a whole or not at all. */
		assert_int_equal(len, size < 2 ? 0 : size < 6 ? 1 : size < 8 ? size - 1 : 7);
	}
}

static void the_longest_text_fits(void **state)
{
	(void)state;
	uint8_t wire[DNS_NAME_MAX];
	char text[WIRE_NAME_TEXT_MAX];
	size_t len = long_name(wire, 61);
	for (size_t i = 0; i < len; i++) {
		wire[i] = wire[i] == 'x' ? 1 : wire[i];
	}
	assert_int_equal(wire_name_to_text(wire, text, sizeof(text)), 4 * 250 + 4);
}

static void parses_text(void **state)
{
	(void)state;
	struct wire_name n = name("a\\.b.\\065\\255.\xc3\xa4.");
	static const uint8_t wire[] = {3, 'a', '.', 'b', 2, 'A', 0xff, 2, 0xc3, 0xa4, 0};
	assert_int_equal(n.len, sizeof(wire));
	assert_memory_equal(n.data, wire, sizeof(wire));
	assert_int_equal(n.label_count, 3);
	n = name(".");
	assert_int_equal(n.len, 1);
	assert_int_equal(n.label_count, 0);
	n = name("\\@");
	assert_memory_equal(n.data, "\1@", 3);
}

static void completes_relative_names(void **state)
{
	(void)state;
	struct wire_name origin = name("Example.com");
	struct wire_name n;
	assert_int_equal(wire_name_from_text("www", 3, origin.data, &n), 0);
	assert_true(wire_name_equal(n.data, name("www.example.com").data));
	assert_int_equal(wire_name_from_text("www.", 4, origin.data, &n), 0);
	assert_true(wire_name_equal(n.data, name("www").data));
	assert_int_equal(wire_name_from_text("@", 1, origin.data, &n), 0);
	assert_true(wire_name_equal(n.data, origin.data));
	assert_int_equal(wire_name_from_text("@", 1, NULL, &n), 0);
	assert_int_equal(n.len, 1);
	assert_int_equal(wire_name_from_text(".", 1, origin.data, &n), 0);
	assert_int_equal(n.len, 1);
	/* A dot that is escaped is not final. */
	assert_int_equal(wire_name_from_text("a\\.", 3, origin.data, &n), 0);
	assert_int_equal(n.label_count, 3);
}

static void refuses_text_that_is_no_name(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want;
	} bad[] = {
	        {"", ERR_SYNTAX},
	        {"a b", ERR_SYNTAX},
	        {"a\tb", ERR_SYNTAX},
	        {"a\x7f", ERR_SYNTAX},
	        {"a\\", ERR_SYNTAX},
	        {"a\\25", ERR_SYNTAX},
	        {"a\\256", ERR_SYNTAX},
	        {"a\\2x5", ERR_SYNTAX},
	        {"a..b", ERR_LABEL},
	        {".a", ERR_LABEL},
	        {"..", ERR_LABEL},
	        {"a..", ERR_LABEL},
	        {"0123456789012345678901234567890123456789012345678901234567890123", ERR_LABEL},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_name n;
		n.len = 77;
		assert_int_equal(wire_name_from_text(bad[i].text, strlen(bad[i].text), NULL, &n), bad[i].want);
		assert_int_equal(n.len, 77);
	}
	struct wire_name n;
	assert_int_equal(wire_name_from_text("a\0b", 3, NULL, &n), ERR_SYNTAX);
	name("012345678901234567890123456789012345678901234567890123456789012"); /* 63 */
}

static void text_of_more_than_255_bytes_is_refused(void **state)
{
	(void)state;
	char text[300];
	struct wire_name n;
	memset(text, 'a', sizeof(text));
	for (size_t i = 1; i < sizeof(text); i += 2) {
		text[i] = '.';
	}
	assert_int_equal(wire_name_from_text(text, 254, NULL, &n), 0);
	assert_int_equal(n.len, 255);
	assert_int_equal(n.label_count, 127);
	assert_int_equal(wire_name_from_text(text, 255, NULL, &n), ERR_NAME_LONG);
	assert_int_equal(wire_name_from_text(text, 253, (const uint8_t *)"\1b", &n), ERR_NAME_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_labels_and_moves_behind_them),
	        cmocka_unit_test(follows_pointers_backward),
	        cmocka_unit_test(refuses_pointers_that_do_not_aim_strictly_backward),
	        cmocka_unit_test(a_run_reached_by_pointer_may_not_come_back_to_itself),
	        cmocka_unit_test(what_a_pointer_leads_to_ends_before_it),
	        cmocka_unit_test(refuses_pointers_into_the_header),
	        cmocka_unit_test(refuses_pointers_where_none_may_be),
	        cmocka_unit_test(refuses_label_types_that_are_neither),
	        cmocka_unit_test(every_cut_is_noticed),
	        cmocka_unit_test(takes_255_bytes_and_not_256),
	        cmocka_unit_test(the_length_counts_over_pointers),
	        cmocka_unit_test(takes_127_labels_by_127_pointers_but_no_longer_chain),
	        cmocka_unit_test(a_name_ends_at_the_end_of_its_reader),
	        cmocka_unit_test(equality_ignores_ascii_case_only),
	        cmocka_unit_test(order_is_canonical),
	        cmocka_unit_test(keys_of_names_below_begin_with_the_key),
	        cmocka_unit_test(the_longest_key_fits),
	        cmocka_unit_test(knows_what_is_under_what),
	        cmocka_unit_test(strips_labels_in_front),
	        cmocka_unit_test(wildcards),
	        cmocka_unit_test(replaces_suffixes),
	        cmocka_unit_test(lowers_letters_only),
	        cmocka_unit_test(hashes_ignore_case),
	        cmocka_unit_test(prints_what_needs_it_escaped),
	        cmocka_unit_test(printing_is_cut_to_the_space),
	        cmocka_unit_test(the_longest_text_fits),
	        cmocka_unit_test(parses_text),
	        cmocka_unit_test(completes_relative_names),
	        cmocka_unit_test(refuses_text_that_is_no_name),
	        cmocka_unit_test(text_of_more_than_255_bytes_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
