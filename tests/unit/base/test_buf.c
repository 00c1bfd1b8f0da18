#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

static void appends_behind_and_consumes_in_front(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 0);
	assert_int_equal(buf_len(&b), 0);
	assert_null(buf_data(&b));
	assert_int_equal(buf_append(&b, "hello ", 6), 0);
	assert_int_equal(buf_append(&b, "world", 5), 0);
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(buf_len(&b), 11);
	assert_memory_equal(buf_data(&b), "hello world", 11);
	buf_consume(&b, 6);
	assert_int_equal(buf_len(&b), 5);
	assert_memory_equal(buf_data(&b), "world", 5);
	buf_done(&b);
}

static void an_emptied_buffer_gives_its_memory_back(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 100);
	assert_int_equal(buf_append(&b, "abc", 3), 0);
	buf_consume(&b, 3);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	assert_int_equal(b.max, 100);
	assert_int_equal(buf_append(&b, "def", 3), 0);
	assert_memory_equal(buf_data(&b), "def", 3);
	buf_done(&b);
	assert_int_equal(buf_len(&b), 0);
}

static void the_cap_counts_what_is_held_not_what_went_through(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 8);
	assert_int_equal(buf_append(&b, "12345678", 8), 0);
	assert_int_equal(buf_append(&b, "9", 1), ERR_LIMIT);
	assert_null(buf_reserve(&b, 1));
	assert_int_equal(buf_len(&b), 8);
	buf_consume(&b, 3);
	assert_int_equal(buf_append(&b, "9abc", 4), ERR_LIMIT);
	assert_int_equal(buf_append(&b, "9ab", 3), 0);
	assert_memory_equal(buf_data(&b), "456789ab", 8);
	assert_int_equal(buf_append(&b, "", SIZE_MAX), ERR_LIMIT);
	buf_done(&b);
}

static void consumed_room_is_used_again_before_memory_grows(void **state)
{
	(void)state;
	struct buf b;
	uint8_t block[64];

	memset(block, 'x', sizeof(block));
	buf_init(&b, 0);
	assert_int_equal(buf_append(&b, block, sizeof(block)), 0);
	size_t cap = b.cap;
	for (int i = 0; i < 100; i++) {
		buf_consume(&b, 40);
		assert_int_equal(buf_append(&b, block, 40), 0);
	}
	assert_int_equal(b.cap, cap);
	assert_int_equal(buf_len(&b), 64);
	buf_done(&b);
}

static void reserved_room_counts_once_committed(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 0);
	uint8_t *room = buf_reserve(&b, 10);
	assert_non_null(room);
	assert_int_equal(buf_len(&b), 0);
	memcpy(room, "abcd", 4);
	buf_commit(&b, 4);
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "abcd", 4);
	buf_done(&b);
}

static void without_memory_nothing_changes(void **state)
{
	(void)state;
	struct buf b;
	uint8_t block[200] = {0};

	buf_init(&b, 0);
	mem_fail_after(0);
	assert_int_equal(buf_append(&b, "abc", 3), ERR_NOMEM);
	assert_true(mem_failed());
	mem_fail_after(-1);
	assert_int_equal(buf_len(&b), 0);

	assert_int_equal(buf_append(&b, "abcdef", 6), 0);
	buf_consume(&b, 2);
	mem_fail_after(0);
	assert_int_equal(buf_append(&b, block, sizeof(block)), ERR_NOMEM);
	mem_fail_after(0);
	assert_null(buf_reserve(&b, sizeof(block)));
	mem_fail_after(-1);
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "cdef", 4);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(appends_behind_and_consumes_in_front),
	        cmocka_unit_test(an_emptied_buffer_gives_its_memory_back),
	        cmocka_unit_test(the_cap_counts_what_is_held_not_what_went_through),
	        cmocka_unit_test(consumed_room_is_used_again_before_memory_grows),
	        cmocka_unit_test(reserved_room_counts_once_committed),
	        cmocka_unit_test(without_memory_nothing_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
