#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "wire/dns.h"
#include "wire/name.h"
#include "wire/text.h"

/* 2023-11-14T22:13:20.000042Z */
#define NOW_US UINT64_C(1700000000000042)

static void expect_json(const struct dnspush_event *e, const char *want)
{
	char *text = report_json(e, NOW_US);
	json_error_t error;

	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	json_t *got = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	json_t *wanted = json_loads(want, 0, &error);

	assert_non_null(got);
	assert_non_null(wanted);
	json_object_set_new(wanted, "time", json_string("2023-11-14T22:13:20.000042Z"));
	if (!json_equal(got, wanted)) {
		fail_msg("%s is not %s", text, want);
	}
	json_decref(got);
	json_decref(wanted);
	free(text);
}

static void expect_text(const struct dnspush_event *e, bool colour, const char *want)
{
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	report_text(e, NOW_US, colour, out);
	fclose(out);
	assert_string_equal(text, want);
}

static void every_event_has_its_members(void **state)
{
	(void)state;
	/* Members that an event does not have are set all the same: they must not show. */
	struct dnspush_event e = {.id = 7,
	                          .name = "www.example.com.",
	                          .type = "A",
	                          .dns_class = "IN",
	                          .ttl = 120,
	                          .rdata = "192.0.2.1",
	                          .changes = 3,
	                          .rcode = "NOTAUTH",
	                          .retry_after_ms = 300000,
	                          .server = "ns.example.com@853",
	                          .tls = "TLSv1.3",
	                          .authenticated = "pkix",
	                          .push = 1,
	                          .reason = "gone"};

	e.event = DNSPUSH_EVENT_CONNECTED;
	expect_json(&e, "{\"event\":\"connected\",\"server\":\"ns.example.com@853\",\"tls\":\"TLSv1.3\","
	                "\"authenticated\":\"pkix\",\"mode\":\"push\"}");
	e.event = DNSPUSH_EVENT_SUBSCRIBED;
	expect_json(&e, "{\"event\":\"subscribed\",\"name\":\"www.example.com.\",\"type\":\"A\",\"class\":\"IN\"}");
	e.event = DNSPUSH_EVENT_ADD;
	expect_json(&e, "{\"event\":\"add\",\"name\":\"www.example.com.\",\"type\":\"A\",\"class\":\"IN\","
	                "\"ttl\":120,\"rdata\":\"192.0.2.1\"}");
	e.event = DNSPUSH_EVENT_REMOVE;
	expect_json(&e, "{\"event\":\"remove\",\"name\":\"www.example.com.\",\"type\":\"A\",\"class\":\"IN\","
	                "\"ttl\":120,\"rdata\":\"192.0.2.1\"}");
	e.event = DNSPUSH_EVENT_BATCH;
	expect_json(&e, "{\"event\":\"batch\",\"changes\":3}");
	e.event = DNSPUSH_EVENT_REFUSED;
	expect_json(&e, "{\"event\":\"refused\",\"name\":\"www.example.com.\",\"type\":\"A\",\"rcode\":\"NOTAUTH\","
	                "\"retry_after\":300}");
	e.event = DNSPUSH_EVENT_DISCONNECTED;
	expect_json(&e, "{\"event\":\"disconnected\",\"reason\":\"gone\",\"retry_after\":300}");
}

static void others_are_not_told(void **state)
{
	const enum dnspush_event_type none[] = {DNSPUSH_EVENT_ANSWER, DNSPUSH_EVENT_FAILED, DNSPUSH_EVENT_CLOSED};
	char text[64] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		const struct dnspush_event e = {.event = none[i], .reason = "x"};
		FILE *out = fmemopen(text, sizeof(text), "w");

		assert_null(report_json(&e, NOW_US));
		report_text(&e, NOW_US, true, out);
		fclose(out);
		assert_string_equal(text, "");
	}
}

static void retry_after_is_in_seconds(void **state)
{
	struct dnspush_event e = {.event = DNSPUSH_EVENT_DISCONNECTED, .reason = "gone"};

	(void)state;
	expect_json(&e, "{\"event\":\"disconnected\",\"reason\":\"gone\",\"retry_after\":0}");
	e.retry_after_ms = 1500;
	expect_json(&e, "{\"event\":\"disconnected\",\"reason\":\"gone\",\"retry_after\":1.5}");
	e.retry_after_ms = 3600000;
	expect_json(&e, "{\"event\":\"disconnected\",\"reason\":\"gone\",\"retry_after\":3600}");
}

static void the_time_has_six_digits(void **state)
{
	const struct dnspush_event e = {.event = DNSPUSH_EVENT_BATCH, .changes = 1};
	static const struct {
		uint64_t time_us;
		const char *want;
	} cases[] = {
	        {0, "\"1970-01-01T00:00:00.000000Z\""},
	        {999999, "\"1970-01-01T00:00:00.999999Z\""},
	        {UINT64_C(951782400000001), "\"2000-02-29T00:00:00.000001Z\""},
	        {UINT64_C(4294967296100000), "\"2106-02-07T06:28:16.100000Z\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = report_json(&e, cases[i].time_us);

		assert_non_null(text);
		assert_non_null(strstr(text, cases[i].want));
		free(text);
	}
}

static void the_clock_is_the_wall_clock(void **state)
{
	(void)state;
	uint64_t before_us = (uint64_t)time(NULL) * 1000000;
	uint64_t now_us = report_now_us();

	assert_true(now_us + 1000000 >= before_us);
	assert_true(now_us <= ((uint64_t)time(NULL) + 2) * 1000000);
}

/* ESC, quotes, line ends, a right-to-left override, bytes that are no UTF-8: as a server may put them into data. */
static const char hostile[] = "\033[2J\"\\\r\n\xe2\x80\xae\xff\x7f";

static void make_hostile(char name[WIRE_NAME_TEXT_MAX], char *rdata, size_t size)
{
	const size_t len = sizeof(hostile) - 1;
	uint8_t owner[64] = {(uint8_t)len};
	uint8_t txt[64] = {(uint8_t)len};

	memcpy(owner + 1, hostile, len);
	owner[1 + len] = 0;
	memcpy(txt + 1, hostile, len);
	wire_name_to_text(owner, name, WIRE_NAME_TEXT_MAX);
	assert_true(wire_rdata_to_text(DNS_TYPE_TXT, txt, (uint16_t)(1 + len), rdata, size) >= 0);
}

static void expect_printable(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		assert_in_range((unsigned char)*at, 0x20, 0x7e);
	}
}

static void hostile_data_stays_harmless_in_json(void **state)
{
	char name[WIRE_NAME_TEXT_MAX];
	char rdata[512];
	json_error_t error;

	(void)state;
	make_hostile(name, rdata, sizeof(rdata));
	const struct dnspush_event e = {
	        .event = DNSPUSH_EVENT_ADD, .name = name, .type = "TXT", .dns_class = "IN", .rdata = rdata};
	char *text = report_json(&e, NOW_US);

	assert_non_null(text);
	expect_printable(text);
	json_t *got = json_loads(text, 0, &error);

	assert_non_null(got);
	assert_string_equal(json_string_value(json_object_get(got, "name")), name);
	assert_string_equal(json_string_value(json_object_get(got, "rdata")), rdata);
	assert_non_null(strstr(name, "\\027[2J"));
	json_decref(got);
	free(text);
}

/* Words may quote the system or a certificate: they neither cost the event a member nor steer a terminal. */
static void hostile_words_stay_harmless(void **state)
{
	const struct dnspush_event e = {.event = DNSPUSH_EVENT_DISCONNECTED, .reason = "a\xff\"\n\033z"};
	json_error_t error;
	char *text = report_json(&e, NOW_US);

	(void)state;
	assert_non_null(text);
	json_t *got = json_loads(text, 0, &error);

	assert_non_null(got);
	assert_string_equal(json_string_value(json_object_get(got, "reason")), "a?\"??z");
	json_decref(got);
	free(text);
	expect_text(&e, false, "22:13:20.000 # disconnected: a?\"??z; next attempt in 0.0 s\n");
}

static void people_get_a_line_an_event(void **state)
{
	struct dnspush_event e = {.name = "www.example.com.",
	                          .type = "A",
	                          .dns_class = "IN",
	                          .ttl = 120,
	                          .rdata = "192.0.2.1",
	                          .rcode = "NOTAUTH",
	                          .retry_after_ms = 300000,
	                          .server = "ns.example.com@853",
	                          .tls = "TLSv1.3",
	                          .authenticated = "pkix",
	                          .push = 1,
	                          .reason = "gone"};

	(void)state;
	e.event = DNSPUSH_EVENT_ADD;
	expect_text(&e, false, "22:13:20.000 + www.example.com. 120 IN A 192.0.2.1\n");
	e.event = DNSPUSH_EVENT_REMOVE;
	expect_text(&e, false, "22:13:20.000 - www.example.com. 120 IN A 192.0.2.1\n");
	e.event = DNSPUSH_EVENT_CONNECTED;
	expect_text(&e, false,
	            "22:13:20.000 # connected to ns.example.com@853, TLSv1.3, server authenticated by: pkix\n");
	e.event = DNSPUSH_EVENT_SUBSCRIBED;
	expect_text(&e, false, "22:13:20.000 # following www.example.com. A\n");
	e.event = DNSPUSH_EVENT_REFUSED;
	expect_text(&e, false, "22:13:20.000 # www.example.com. A refused: NOTAUTH, tried again in 300 s\n");
	e.event = DNSPUSH_EVENT_DISCONNECTED;
	expect_text(&e, false, "22:13:20.000 # disconnected: gone; next attempt in 300.0 s\n");
	e.event = DNSPUSH_EVENT_BATCH;
	expect_text(&e, false, "");
}

static void never_is_said_in_words(void **state)
{
	struct dnspush_event e = {.event = DNSPUSH_EVENT_DISCONNECTED, .retry_after_ms = UINT32_MAX, .reason = "gone"};

	(void)state;
	expect_text(&e, false, "22:13:20.000 # disconnected: gone; not tried again, as the server asked for\n");
}

static void colour_is_on_request(void **state)
{
	struct dnspush_event e = {.event = DNSPUSH_EVENT_ADD,
	                          .name = "a.example.",
	                          .type = "A",
	                          .dns_class = "IN",
	                          .ttl = 5,
	                          .rdata = "192.0.2.1"};

	(void)state;
	expect_text(&e, true,
	            "\033[2m22:13:20.000\033[0m \033[1;32m+\033[0m a.example. 5 IN A \033[1m192.0.2.1\033[0m\n");
	e.event = DNSPUSH_EVENT_REMOVE;
	expect_text(&e, true,
	            "\033[2m22:13:20.000\033[0m \033[1;31m-\033[0m a.example. 5 IN A \033[1m192.0.2.1\033[0m\n");
}

static void hostile_data_is_one_harmless_line(void **state)
{
	char name[WIRE_NAME_TEXT_MAX];
	char rdata[512];
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	make_hostile(name, rdata, sizeof(rdata));
	const struct dnspush_event e = {
	        .event = DNSPUSH_EVENT_ADD, .name = name, .type = "TXT", .dns_class = "IN", .rdata = rdata};

	report_text(&e, NOW_US, false, out);
	fclose(out);
	size_t len = strlen(text);

	assert_int_equal(text[len - 1], '\n');
	text[len - 1] = '\0';
	expect_printable(text);
	assert_non_null(strstr(text, rdata));
}

static int group_setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_event_has_its_members),
	        cmocka_unit_test(others_are_not_told),
	        cmocka_unit_test(retry_after_is_in_seconds),
	        cmocka_unit_test(the_time_has_six_digits),
	        cmocka_unit_test(the_clock_is_the_wall_clock),
	        cmocka_unit_test(hostile_data_stays_harmless_in_json),
	        cmocka_unit_test(hostile_words_stay_harmless),
	        cmocka_unit_test(people_get_a_line_an_event),
	        cmocka_unit_test(never_is_said_in_words),
	        cmocka_unit_test(colour_is_on_request),
	        cmocka_unit_test(hostile_data_is_one_harmless_line),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
