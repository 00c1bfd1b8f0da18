#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "base/err.h"

static const int codes[] = {
#define CODE(name, number, class, text) name,
        ERR_LIST(CODE)
#undef CODE
};
enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]) };

static void every_code_is_negative_and_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODE_COUNT; i++) {
		assert_true(codes[i] < 0);
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(codes[i], codes[j]);
			assert_string_not_equal(err_name(codes[i]), err_name(codes[j]));
			assert_string_not_equal(err_text(codes[i]), err_text(codes[j]));
		}
	}
}

static void every_code_has_a_name_and_a_short_phrase(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODE_COUNT; i++) {
		const char *text = err_text(codes[i]);
		assert_int_equal(strncmp(err_name(codes[i]), "ERR_", 4), 0);
		assert_in_range(strlen(text), 1, 60);
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
	assert_string_equal(err_name(ERR_NOMEM), "ERR_NOMEM");
	assert_string_equal(err_text(ERR_POINTER), "bad compression pointer");
}

static void success_and_unknown_numbers_have_no_class(void **state)
{
	(void)state;
	assert_int_equal(err_class(0), ERR_CLASS_NONE);
	assert_string_equal(err_name(0), "OK");
	assert_string_equal(err_text(0), "success");
	assert_int_equal(err_class(-9999), ERR_CLASS_NONE);
	assert_string_equal(err_name(-9999), "ERR_UNKNOWN");
	assert_string_equal(err_text(-9999), "unknown error");
	assert_int_equal(err_class(1), ERR_CLASS_NONE);
}

static void classes_say_whose_fault_it_is(void **state)
{
	(void)state;
	assert_int_equal(err_class(ERR_NOMEM), ERR_CLASS_LOCAL);
	assert_int_equal(err_class(ERR_REFUSED), ERR_CLASS_REFUSED);
	assert_int_equal(err_class(ERR_BADTRUNC), ERR_CLASS_REFUSED);
	assert_int_equal(err_class(ERR_TRUNCATED), ERR_CLASS_PROTOCOL);
	assert_int_equal(err_class(ERR_PROTOCOL), ERR_CLASS_PROTOCOL);
}

static void rcodes_answer_the_request(void **state)
{
	(void)state;
	assert_int_equal(err_rcode(0), 0);
	assert_int_equal(err_rcode(ERR_FORMERR), 1);
	assert_int_equal(err_rcode(ERR_SERVFAIL), 2);
	assert_int_equal(err_rcode(ERR_NXDOMAIN), 3);
	assert_int_equal(err_rcode(ERR_NOTIMP), 4);
	assert_int_equal(err_rcode(ERR_REFUSED), 5);
	assert_int_equal(err_rcode(ERR_YXDOMAIN), 6);
	assert_int_equal(err_rcode(ERR_YXRRSET), 7);
	assert_int_equal(err_rcode(ERR_NXRRSET), 8);
	assert_int_equal(err_rcode(ERR_NOTAUTH), 9);
	assert_int_equal(err_rcode(ERR_NOTZONE), 10);
	assert_int_equal(err_rcode(ERR_DSOTYPENI), 11);
	assert_int_equal(err_rcode(ERR_BADSIG), 9);
	assert_int_equal(err_rcode(ERR_BADKEY), 9);
	assert_int_equal(err_rcode(ERR_BADTIME), 9);
	assert_int_equal(err_rcode(ERR_BADTRUNC), 9);
	assert_int_equal(err_rcode(ERR_POINTER), 1);
	assert_int_equal(err_rcode(ERR_RDATA), 1);
	assert_int_equal(err_rcode(ERR_NOMEM), 2);
	assert_int_equal(err_rcode(ERR_TIMEOUT), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_code_is_negative_and_its_own),
	        cmocka_unit_test(every_code_has_a_name_and_a_short_phrase),
	        cmocka_unit_test(success_and_unknown_numbers_have_no_class),
	        cmocka_unit_test(classes_say_whose_fault_it_is),
	        cmocka_unit_test(rcodes_answer_the_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
