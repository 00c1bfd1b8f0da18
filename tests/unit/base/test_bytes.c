#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"

static void reads_big_endian_integers(void **state)
{
	(void)state;
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
	struct bytes_reader r;

	bytes_reader_init(&r, data, sizeof(data));
	assert_int_equal(bytes_left(&r), 13);
	assert_int_equal(bytes_u8(&r), 1);
	assert_int_equal(bytes_u16(&r), 0x0203);
	assert_int_equal(bytes_u32(&r), 0x04050607);
	assert_int_equal(bytes_u48(&r), 0x08090a0b0c0dULL);
	assert_int_equal(bytes_offset(&r), 13);
	assert_true(bytes_complete(&r));
}

static void first_read_past_the_end_sticks(void **state)
{
	(void)state;
	static const uint8_t data[] = {0xff, 0xff, 0xff};
	struct bytes_reader r;

	bytes_reader_init(&r, data, sizeof(data));
	assert_int_equal(bytes_u16(&r), 0xffff);
	assert_int_equal(bytes_u16(&r), 0);
	assert_true(r.failed);
	assert_int_equal(bytes_offset(&r), 2);
	/* One byte is still there, but a failed reader gives nothing. */
	assert_int_equal(bytes_u8(&r), 0);
	assert_int_equal(bytes_left(&r), 0);
	assert_null(bytes_take(&r, 0));
	assert_int_equal(bytes_offset(&r), 2);
	assert_false(bytes_complete(&r));
}

static void each_width_fails_one_byte_short(void **state)
{
	(void)state;
	static const uint8_t data[] = {1, 2, 3, 4, 5};
	struct bytes_reader r;

	bytes_reader_init(&r, data, 0);
	assert_int_equal(bytes_u8(&r), 0);
	assert_true(r.failed);
	bytes_reader_init(&r, data, 1);
	assert_int_equal(bytes_u16(&r), 0);
	assert_true(r.failed);
	bytes_reader_init(&r, data, 3);
	assert_int_equal(bytes_u32(&r), 0);
	assert_true(r.failed);
	bytes_reader_init(&r, data, 5);
	assert_int_equal(bytes_u48(&r), 0);
	assert_true(r.failed);
}

static void a_reader_over_nothing_is_complete(void **state)
{
	(void)state;
	struct bytes_reader r;
	bytes_reader_init(&r, NULL, 0);
	assert_true(bytes_complete(&r));
	assert_non_null(bytes_take(&r, 0));
	assert_null(bytes_take(&r, 1));
}

static void take_gives_bytes_in_place(void **state)
{
	(void)state;
	static const uint8_t data[] = {1, 2, 3};
	struct bytes_reader r;
	bytes_reader_init(&r, data, sizeof(data));
	assert_ptr_equal(bytes_take(&r, 2), data);
	assert_null(bytes_take(&r, 2));
	assert_null(bytes_take(&r, SIZE_MAX));
	assert_true(r.failed);
}

static void a_sub_reader_ends_at_its_own_end_and_keeps_the_base(void **state)
{
	(void)state;
	static const uint8_t data[] = {1, 2, 3, 4, 5};
	struct bytes_reader r;

	bytes_reader_init(&r, data, sizeof(data));
	bytes_u8(&r);
	struct bytes_reader sub = bytes_sub(&r, 2);
	assert_int_equal(bytes_offset(&r), 3);
	assert_int_equal(bytes_offset(&sub), 1);
	assert_ptr_equal(sub.base, data);
	assert_int_equal(bytes_u16(&sub), 0x0203);
	assert_true(bytes_complete(&sub));
	bytes_u8(&sub);
	assert_true(sub.failed);
	assert_false(r.failed);
	assert_int_equal(bytes_u16(&r), 0x0405);
}

static void a_sub_reader_longer_than_the_rest_fails_both(void **state)
{
	(void)state;
	static const uint8_t data[] = {1, 2, 3};
	struct bytes_reader r;
	bytes_reader_init(&r, data, sizeof(data));
	struct bytes_reader sub = bytes_sub(&r, 4);
	assert_true(r.failed);
	assert_true(sub.failed);
	assert_int_equal(bytes_left(&sub), 0);
	assert_false(bytes_complete(&sub));
}

static void writes_big_endian_integers(void **state)
{
	(void)state;
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t data[15];
	struct bytes_writer w;

	bytes_writer_init(&w, data, sizeof(data));
	bytes_put_u8(&w, 1);
	bytes_put_u16(&w, 0x0203);
	bytes_put_u32(&w, 0x04050607);
	bytes_put_u48(&w, 0xff08090a0b0c0dULL); /* what exceeds 48 bits is not written */
	bytes_put(&w, NULL, 0);
	bytes_put(&w, want + 13, 2);
	assert_false(w.failed);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(data, want, sizeof(want));
}

static void a_full_writer_fails_and_writes_nothing_more(void **state)
{
	(void)state;
	uint8_t data[4] = {9, 9, 9, 9};
	struct bytes_writer w;

	bytes_writer_init(&w, data, 3);
	bytes_put_u16(&w, 1);
	bytes_put_u16(&w, 0xffff);
	assert_true(w.failed);
	assert_int_equal(w.len, 2);
	bytes_put_u8(&w, 7); /* it would fit, but what came before it is missing */
	assert_int_equal(w.len, 2);
	assert_int_equal(data[2], 9);
	bytes_writer_init(&w, data, 3);
	bytes_put_u32(&w, 1);
	assert_true(w.failed);
	bytes_writer_init(&w, data, 3);
	bytes_put_u48(&w, 1);
	assert_true(w.failed);
	bytes_writer_init(&w, data, 3);
	bytes_put(&w, data, SIZE_MAX);
	assert_true(w.failed);
	assert_int_equal(data[3], 9);
}

static void patch_touches_only_what_was_written(void **state)
{
	(void)state;
	uint8_t data[4] = {0};
	struct bytes_writer w;

	bytes_writer_init(&w, data, sizeof(data));
	bytes_patch_u16(&w, 0, 0xffff);
	bytes_put_u16(&w, 0);
	bytes_put_u8(&w, 0);
	bytes_patch_u16(&w, 1, 0x1234);
	bytes_patch_u16(&w, 2, 0xffff);
	assert_memory_equal(data, ((uint8_t[]){0, 0x12, 0x34, 0}), 4);
}

static void load_and_store_are_inverse(void **state)
{
	(void)state;
	uint8_t p[4];
	bytes_store_u16(p, 0xfedc);
	assert_int_equal(p[0], 0xfe);
	assert_int_equal(bytes_load_u16(p), 0xfedc);
	bytes_store_u32(p, 0xfedcba98);
	assert_int_equal(p[3], 0x98);
	assert_int_equal(bytes_load_u32(p), 0xfedcba98);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_big_endian_integers),
	        cmocka_unit_test(first_read_past_the_end_sticks),
	        cmocka_unit_test(each_width_fails_one_byte_short),
	        cmocka_unit_test(a_reader_over_nothing_is_complete),
	        cmocka_unit_test(take_gives_bytes_in_place),
	        cmocka_unit_test(a_sub_reader_ends_at_its_own_end_and_keeps_the_base),
	        cmocka_unit_test(a_sub_reader_longer_than_the_rest_fails_both),
	        cmocka_unit_test(writes_big_endian_integers),
	        cmocka_unit_test(a_full_writer_fails_and_writes_nothing_more),
	        cmocka_unit_test(patch_touches_only_what_was_written),
	        cmocka_unit_test(load_and_store_are_inverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
