#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/events.h"
#include "wire/dns.h"

static void texts_are_copies_and_come_in_order(void **state)
{
	char name[] = "a.example.";
	uint8_t message[] = {1, 2, 3};
	struct events e;
	struct dnspush_event got;
	const struct dnspush_event first = {.event = DNSPUSH_EVENT_ADD,
	                                    .name = name,
	                                    .type = "A",
	                                    .dns_class = "IN",
	                                    .ttl = 9,
	                                    .rdata = "192.0.2.1",
	                                    .rcode = "REFUSED",
	                                    .server = "s@853",
	                                    .tls = "TLSv1.3",
	                                    .authenticated = "pin",
	                                    .reason = ""};
	const struct dnspush_event second = {
	        .event = DNSPUSH_EVENT_ANSWER, .id = 4, .message = message, .message_len = sizeof(message)};

	(void)state;
	events_init(&e);
	assert_false(events_next(&e, &got));
	assert_int_equal(events_add(&e, &first), 0);
	assert_int_equal(events_add(&e, &second), 0);
	memset(name, 'x', sizeof(name) - 1);
	memset(message, 9, sizeof(message));
	assert_true(events_next(&e, &got));
	assert_int_equal(got.event, DNSPUSH_EVENT_ADD);
	assert_string_equal(got.name, "a.example.");
	assert_string_equal(got.type, "A");
	assert_string_equal(got.dns_class, "IN");
	assert_int_equal(got.ttl, 9);
	assert_string_equal(got.rdata, "192.0.2.1");
	assert_string_equal(got.rcode, "REFUSED");
	assert_string_equal(got.server, "s@853");
	assert_string_equal(got.tls, "TLSv1.3");
	assert_string_equal(got.authenticated, "pin");
	assert_string_equal(got.reason, "");
	assert_true(events_next(&e, &got));
	assert_int_equal(got.event, DNSPUSH_EVENT_ANSWER);
	assert_int_equal(got.id, 4);
	assert_null(got.name);
	assert_int_equal(got.message_len, 3);
	assert_memory_equal(got.message, "\1\2\3", 3);
	assert_false(events_next(&e, &got));
	/* Empty again, it takes more. */
	assert_int_equal(events_add(&e, &first), 0);
	assert_true(events_next(&e, &got));
	assert_int_equal(events_add(&e, &first), 0);
	events_done(&e);
	assert_false(events_next(&e, &got));
}

static const uint8_t owner[] = "\1a\7example";
static const uint8_t address[] = {192, 0, 2, 1};

static struct push_client_event change_event(uint8_t op)
{
	return (struct push_client_event){.type = PUSH_CLIENT_CHANGE,
	                                  .change = {.owner = owner,
	                                             .rdata = address,
	                                             .rdata_len = 4,
	                                             .ttl = 60,
	                                             .type = DNS_TYPE_A,
	                                             .dns_class = DNS_CLASS_IN,
	                                             .op = op}};
}

static void push_events_become_text(void **state)
{
	struct events e;
	struct dnspush_event got;
	struct push_client_event p = change_event(FEED_ADD);

	(void)state;
	events_init(&e);
	assert_int_equal(events_add_push(&e, &p), 0);
	p = change_event(FEED_REMOVE);
	assert_int_equal(events_add_push(&e, &p), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(events_next(&e, &got));
		assert_int_equal(got.event, i == 0 ? DNSPUSH_EVENT_ADD : DNSPUSH_EVENT_REMOVE);
		assert_string_equal(got.name, "a.example.");
		assert_string_equal(got.type, "A");
		assert_string_equal(got.dns_class, "IN");
		assert_string_equal(got.rdata, "192.0.2.1");
		assert_int_equal(got.ttl, 60);
	}
	p = (struct push_client_event){.type = PUSH_CLIENT_BATCH, .changes = 5};
	assert_int_equal(events_add_push(&e, &p), 0);
	assert_true(events_next(&e, &got));
	assert_int_equal(got.event, DNSPUSH_EVENT_BATCH);
	assert_int_equal(got.changes, 5);
	p = (struct push_client_event){.type = PUSH_CLIENT_ACTIVE, .handle = 3};
	assert_int_equal(wire_name_from_text("b.example.", 10, NULL, &p.question.name), 0);
	p.question.type = 65280;
	p.question.dns_class = DNS_CLASS_IN;
	assert_int_equal(events_add_push(&e, &p), 0);
	p.type = PUSH_CLIENT_REFUSED;
	p.rcode = 9;
	p.retry_delay_ms = 1234;
	assert_int_equal(events_add_push(&e, &p), 0);
	assert_true(events_next(&e, &got));
	assert_int_equal(got.event, DNSPUSH_EVENT_SUBSCRIBED);
	assert_int_equal(got.id, 3);
	assert_string_equal(got.name, "b.example.");
	assert_string_equal(got.type, "TYPE65280");
	assert_string_equal(got.dns_class, "IN");
	assert_true(events_next(&e, &got));
	assert_int_equal(got.event, DNSPUSH_EVENT_REFUSED);
	assert_string_equal(got.rcode, "NOTAUTH");
	assert_int_equal(got.retry_after_ms, 1234);
	events_done(&e);
}

static void the_longest_data_has_room(void **state)
{
	static uint8_t rdata[65535];
	struct events e;
	struct dnspush_event got;
	struct push_client_event p = change_event(FEED_ADD);

	(void)state;
	/* Strings of 255 bytes, each of which becomes four characters. */
	for (size_t at = 0; at < sizeof(rdata); at += 256) {
		memset(rdata + at, 7, sizeof(rdata) - at < 256 ? sizeof(rdata) - at : 256);
		rdata[at] = (uint8_t)(sizeof(rdata) - at < 256 ? sizeof(rdata) - at - 1 : 255);
	}
	p.change.type = DNS_TYPE_TXT;
	p.change.rdata = rdata;
	p.change.rdata_len = sizeof(rdata);
	events_init(&e);
	assert_int_equal(events_add_push(&e, &p), 0);
	assert_true(events_next(&e, &got));
	assert_true(strlen(got.rdata) > 4 * 65000);
	events_done(&e);
}

static void memory_may_end(void **state)
{
	struct events e;
	struct dnspush_event got;
	const struct push_client_event p = change_event(FEED_ADD);

	(void)state;
	events_init(&e);
	for (int after = 0; after < 2; after++) {
		mem_fail_after(after);
		assert_int_equal(events_add_push(&e, &p), ERR_NOMEM);
		assert_true(mem_failed());
		mem_fail_after(-1);
		assert_false(events_next(&e, &got));
	}
	assert_int_equal(events_add_push(&e, &p), 0);
	assert_true(events_next(&e, &got));
	events_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_are_copies_and_come_in_order),
	        cmocka_unit_test(push_events_become_text),
	        cmocka_unit_test(the_longest_data_has_room),
	        cmocka_unit_test(memory_may_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
