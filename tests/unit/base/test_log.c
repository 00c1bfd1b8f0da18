#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static int saved_stderr;
static int captured;

static int capture(void **state)
{
	(void)state;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		return -1;
	}
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	captured = ends[0];
	return 0;
}

static int release(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(captured);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	return 0;
}

/* What was written, its time left out; "" if nothing. */
static const char *line(void)
{
	static char text[8192];
	ssize_t len = read(captured, text, sizeof(text) - 1);

	if (len <= 0) {
		return "";
	}
	text[len] = '\0';
	/* time=2026-01-01T00:00:00.000Z or {"time":"2026-01-01T00:00:00.000Z" */
	size_t skip = text[0] == '{' ? strlen("{'time':'2026-01-01T00:00:00.000Z',")
	                             : strlen("time=2026-01-01T00:00:00.000Z ");

	assert_true((size_t)len > skip);
	assert_int_equal(text[skip - 2 - (text[0] == '{')], 'Z');
	return text + skip;
}

static void logfmt_lines(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_event(LOG_LEVEL_INFO, "ready", "zones", "3", NULL);
	assert_string_equal(line(), "level=info event=ready zones=3\n");
	log_event(LOG_LEVEL_ERROR, "stop", "why", "a b", "empty", "", "none", (const char *)NULL, NULL);
	assert_string_equal(line(), "level=error event=stop why=\"a b\" empty=\"\" none=\"\"\n");
}

static void json_lines(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_event(LOG_LEVEL_WARNING, "odd", "text", "a\"b\\c\nd\te", NULL);
	assert_string_equal(line(), "\"level\":\"warning\",\"event\":\"odd\",\"text\":\"a\\\"b\\\\c\\nd\\u0009e\"}\n");
}

static void hostile_values_cannot_forge_or_hide(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_event(LOG_LEVEL_INFO, "x", "name", "a\nlevel=error event=fake", NULL);
	assert_string_equal(line(), "level=info event=x name=\"a\\nlevel=error event=fake\"\n");
	log_event(LOG_LEVEL_INFO, "x", "name", "\x1b[31m\x7f", NULL);
	assert_string_equal(line(), "level=info event=x name=\"\\u001b[31m\\u007f\"\n");
	/* Right-to-left override, a stray continuation byte, an overlong slash, a surrogate, C1. */
	log_event(LOG_LEVEL_INFO, "x", "name", "\xe2\x80\xae\x80\xc0\xaf\xed\xa0\x80\xc2\x9b", NULL);
	assert_string_equal(line(), "level=info event=x name=\"\\u202e\\x80\\xc0\\xaf\\xed\\xa0\\x80\\u009b\"\n");
	log_event(LOG_LEVEL_INFO, "x", "name", "Z\xc3\xbcrich \xf0\x9f\x98\x80", NULL);
	assert_string_equal(line(), "level=info event=x name=\"Z\xc3\xbcrich \xf0\x9f\x98\x80\"\n");
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_event(LOG_LEVEL_INFO, "x", "name", "\xff", NULL);
	assert_string_equal(line(), "\"level\":\"info\",\"event\":\"x\",\"name\":\"\\\\xff\"}\n");
	/* Cut in the middle of a character at the string's end. */
	log_event(LOG_LEVEL_INFO, "x", "name", "\xe2\x80", NULL);
	assert_string_equal(line(), "\"level\":\"info\",\"event\":\"x\",\"name\":\"\\\\xe2\\\\x80\"}\n");
}

static void a_long_line_is_cut_but_whole(void **state)
{
	(void)state;
	char value[6000];

	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int json = 0; json < 2; json++) {
		log_setup(LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
		/* Two quotes each way, so that the cut falls at every phase of an escape. */
		for (int shift = 0; shift < 4; shift++) {
			value[shift] = '"';
			log_event(LOG_LEVEL_INFO, "x", "long", value, "after", "never", NULL);
			const char *text = line();
			size_t len = strlen(text);

			assert_true(len > 3900 && len <= 4096);
			assert_string_equal(text + len - (json ? 3 : 2), json ? "\"}\n" : "\"\n");
			assert_null(strstr(text, "after"));
		}
	}
}

static void levels_filter(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_WARNING, LOG_FORMAT_LOGFMT);
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	assert_true(log_enabled(LOG_LEVEL_WARNING));
	assert_false(log_enabled(LOG_LEVEL_NOTICE));
	log_event(LOG_LEVEL_NOTICE, "quiet", NULL);
	assert_string_equal(line(), "");
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	log_event(LOG_LEVEL_DEBUG, "loud", NULL);
	assert_string_equal(line(), "level=debug event=loud\n");
}

static void level_names_go_both_ways(void **state)
{
	(void)state;
	enum log_level level = LOG_LEVEL_DEBUG;

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("loud", &level), ERR_INVALID);
	assert_int_equal(log_level_parse("", &level), ERR_INVALID);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(logfmt_lines, capture, release),
	        cmocka_unit_test_setup_teardown(json_lines, capture, release),
	        cmocka_unit_test_setup_teardown(hostile_values_cannot_forge_or_hide, capture, release),
	        cmocka_unit_test_setup_teardown(a_long_line_is_cut_but_whole, capture, release),
	        cmocka_unit_test_setup_teardown(levels_filter, capture, release),
	        cmocka_unit_test(level_names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
