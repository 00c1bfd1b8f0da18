#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static void copies_are_copies(void **state)
{
	(void)state;
	char text[] = "name";
	char *copy = mem_strdup(text);
	char *bytes = mem_dup(text, 2);
	text[0] = 'x';
	assert_string_equal(copy, "name");
	assert_memory_equal(bytes, "na", 2);
	mem_free(copy);
	mem_free(bytes);
	mem_free(NULL);
}

static void no_bytes_are_memory_too(void **state)
{
	(void)state;
	void *all[] = {mem_alloc(0), mem_calloc(0, 8), mem_calloc(8, 0), mem_dup(NULL, 0), mem_realloc(NULL, 0)};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_non_null(all[i]);
		mem_free(all[i]);
	}
}

static void calloc_clears(void **state)
{
	(void)state;
	static const uint8_t zero[64];
	uint8_t *p = mem_calloc(8, 8);
	assert_memory_equal(p, zero, 64);
	mem_free(p);
}

static void grow_keeps_what_is_there(void **state)
{
	(void)state;
	uint32_t *array = NULL;
	size_t cap = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(mem_grow(&array, &cap, i + 1, sizeof(*array)), 0);
		assert_true(cap > i);
		array[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(array[i], i);
	}
	assert_int_equal(cap, 1024);
	mem_free(array);
}

static void grow_refuses_what_cannot_be_counted(void **state)
{
	(void)state;
	uint64_t *array = NULL;
	size_t cap = 0;
	assert_int_equal(mem_grow(&array, &cap, SIZE_MAX, sizeof(*array)), ERR_NOMEM);
	assert_int_equal(mem_grow(&array, &cap, SIZE_MAX / 4, sizeof(*array)), ERR_NOMEM);
	assert_null(array);
	assert_int_equal(cap, 0);
}

static void a_failed_grow_leaves_all_as_it_was(void **state)
{
	(void)state;
	char *array = NULL;
	size_t cap = 0;
	assert_int_equal(mem_grow(&array, &cap, 4, 1), 0);
	memcpy(array, "abcd", 4);
	char *before = array;
	size_t cap_before = cap;
	mem_fail_after(0);
	assert_int_equal(mem_grow(&array, &cap, 100, 1), ERR_NOMEM);
	mem_fail_after(-1);
	assert_ptr_equal(array, before);
	assert_int_equal(cap, cap_before);
	assert_memory_equal(array, "abcd", 4);
	mem_free(array);
}

static void one_failure_is_injected_where_asked(void **state)
{
	(void)state;
	mem_fail_after(2);
	void *first = mem_alloc(1);
	void *second = mem_calloc(1, 1);
	assert_false(mem_failed());
	void *third = mem_alloc(1);
	assert_true(mem_failed());
	void *fourth = mem_alloc(1);
	assert_non_null(first);
	assert_non_null(second);
	assert_null(third);
	assert_non_null(fourth);
	mem_fail_after(0);
	assert_null(mem_strdup("x"));
	mem_fail_after(0);
	assert_null(mem_dup("x", 1));
	mem_fail_after(0);
	assert_null(mem_realloc(first, 100));
	mem_fail_after(0);
	assert_null(mem_calloc(1, 1));
	mem_fail_after(-1);
	assert_false(mem_failed());
	mem_free(first);
	mem_free(second);
	mem_free(fourth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(copies_are_copies),
	        cmocka_unit_test(no_bytes_are_memory_too),
	        cmocka_unit_test(calloc_clears),
	        cmocka_unit_test(grow_keeps_what_is_there),
	        cmocka_unit_test(grow_refuses_what_cannot_be_counted),
	        cmocka_unit_test(a_failed_grow_leaves_all_as_it_was),
	        cmocka_unit_test(one_failure_is_injected_where_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
