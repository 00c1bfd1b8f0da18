#include "harness.h"

#include <stdio.h>

#include "base/err.h"

const struct dso_type test_types[] = {
        {T_SUBSCRIBE, DSO_C_PRIMARY | DSO_EARLY_DATA | DSO_RESPONSE_SKIP},
        {T_PUSH, DSO_S_UNIDIRECTIONAL},
        {T_UNSUBSCRIBE, DSO_C_UNIDIRECTIONAL},
        {T_RECONFIRM, DSO_C_UNIDIRECTIONAL},
        {T_PING, DSO_C_PRIMARY | DSO_CR_PRIMARY | DSO_S_PRIMARY | DSO_SR_PRIMARY},
        {T_NOTE, DSO_C_UNIDIRECTIONAL | DSO_S_UNIDIRECTIONAL},
        {T_EXTRA, DSO_C_ADDITIONAL | DSO_CR_ADDITIONAL | DSO_S_ADDITIONAL | DSO_SR_ADDITIONAL},
};
const size_t test_type_count = sizeof(test_types) / sizeof(test_types[0]);

void peer_start(struct peer *p)
{
	p->now_ms = 1000000;
	p->first = 0;
	p->count = 0;
	p->s = dso_session_new(&p->config, p->now_ms);
	assert_non_null(p->s);
}

void peer_init(struct peer *p, enum dso_side side)
{
	dso_config_init(&p->config, side);
	p->config.types = test_types;
	p->config.type_count = test_type_count;
	peer_start(p);
}

void peer_done(struct peer *p)
{
	dso_session_free(p->s);
	p->s = NULL;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t unhex(const char *text, uint8_t *bytes, size_t size)
{
	size_t count = 0;
	for (; *text; text++) {
		int d = digit(*text);
		if (d < 0) {
			assert_int_equal(*text, ' ');
			continue;
		}
		assert_true(count / 2 < size);
		bytes[count / 2] = (uint8_t)(count % 2 ? bytes[count / 2] | d : d << 4);
		count++;
	}
	assert_int_equal(count % 2, 0);
	return count / 2;
}

const char *msg(unsigned id, unsigned flags, const char *tlvs)
{
	static char text[8][2048];
	static unsigned turn;
	char *t = text[turn++ % 8];
	snprintf(t, sizeof(text[0]), "%04x%04x0000000000000000%s", id, flags, tlvs);
	return t;
}

const char *ka(uint32_t inactivity_ms, uint32_t keepalive_ms)
{
	static char text[8][32];
	static unsigned turn;
	char *t = text[turn++ % 8];
	snprintf(t, sizeof(text[0]), "00010008%08x%08x", inactivity_ms, keepalive_ms);
	return t;
}

const char *ordinary(unsigned id, unsigned flags, bool keepalive_option)
{
	static char text[8][256];
	static unsigned turn;
	char *t = text[turn++ % 8];
	snprintf(t, sizeof(text[0]), "%04x%04x000100000000%04x076578616d706c6503636f6d0000010001%s", id, flags,
	         keepalive_option, keepalive_option ? "00002904d000000000000a 000b0000 000a0002abcd" : "");
	return t;
}

static void remember(struct peer *p, const struct dso_event *e)
{
	size_t at = (p->first + p->count) % PEER_EVENTS;
	assert_true(p->count < PEER_EVENTS);
	p->events[at] = *e;
	size_t left = e->data.base ? bytes_left(&e->data) : 0;
	p->data_len[at] = left;
	if (left > 0) {
		memcpy(p->data[at], e->data.pos, left < PEER_DATA ? left : PEER_DATA);
	}
	p->count++;
}

void pump(struct peer *p)
{
	struct dso_event e;
	while (dso_session_next_event(p->s, p->now_ms, &e)) {
		remember(p, &e);
	}
}

void feed_early(struct peer *p, int early, ...)
{
	va_list ap;
	va_start(ap, early);
	for (const char *m = va_arg(ap, const char *); m; m = va_arg(ap, const char *)) {
		uint8_t bytes[4096];
		size_t len = unhex(m, bytes + 2, sizeof(bytes) - 2);
		bytes_store_u16(bytes, (uint16_t)len);
		assert_int_equal(dso_session_feed(p->s, bytes, len + 2, early, p->now_ms), 0);
	}
	va_end(ap);
	pump(p);
}

void feed_raw(struct peer *p, const char *hex)
{
	uint8_t bytes[4096];
	size_t len = unhex(hex, bytes, sizeof(bytes));
	assert_int_equal(dso_session_feed(p->s, bytes, len, false, p->now_ms), 0);
	pump(p);
}

void advance(struct peer *p, uint64_t ms)
{
	uint64_t until = p->now_ms + ms;
	for (;;) {
		uint64_t due = dso_session_deadline_ms(p->s);
		if (due > until) {
			break;
		}
		p->now_ms = due > p->now_ms ? due : p->now_ms;
		dso_session_tick(p->s, p->now_ms);
		pump(p);
	}
	p->now_ms = until;
}

bool over_after(struct peer *p, uint64_t ms)
{
	advance(p, ms);
	return dso_session_is_over(p->s);
}

const struct dso_event *expect_event(struct peer *p, enum dso_event_type type)
{
	assert_true(p->count > 0);
	const struct dso_event *e = &p->events[p->first];
	assert_int_equal(e->type, type);
	p->first = (p->first + 1) % PEER_EVENTS;
	p->count--;
	return e;
}

void expect_no_event(struct peer *p)
{
	assert_int_equal(p->count, 0);
}

void expect_out_list(struct peer *p, ...)
{
	uint8_t want[8192];
	size_t len = 0;
	va_list ap;
	va_start(ap, p);
	for (const char *m = va_arg(ap, const char *); m; m = va_arg(ap, const char *)) {
		size_t one = unhex(m, want + len + 2, sizeof(want) - len - 2);
		bytes_store_u16(want + len, (uint16_t)one);
		len += one + 2;
	}
	va_end(ap);
	size_t have;
	const uint8_t *out = dso_session_output(p->s, &have);
	assert_int_equal(have, len);
	assert_memory_equal(out, want, len);
	dso_session_output_sent(p->s, have);
}

void expect_silent(struct peer *p)
{
	size_t len;
	dso_session_output(p->s, &len);
	assert_int_equal(len, 0);
}

void drain(struct peer *p)
{
	size_t len;
	dso_session_output(p->s, &len);
	dso_session_output_sent(p->s, len);
}

size_t take_out(struct peer *p, uint8_t *message, size_t size)
{
	size_t len;
	const uint8_t *out = dso_session_output(p->s, &len);
	assert_true(len >= 2);
	size_t one = bytes_load_u16(out);
	assert_true(one + 2 <= len && one <= size);
	memcpy(message, out + 2, one);
	dso_session_output_sent(p->s, one + 2);
	return one;
}

static void expect_end(struct peer *p, enum dso_event_type type, enum dso_reason reason)
{
	const struct dso_event *e = expect_event(p, type);
	assert_string_equal(dso_reason_name(e->reason), dso_reason_name(reason));
	expect_no_event(p);
	assert_true(dso_session_is_over(p->s));
	assert_false(dso_session_wants_input(p->s));
	assert_true(dso_session_deadline_ms(p->s) == UINT64_MAX);
}

void expect_abort(struct peer *p, enum dso_reason reason)
{
	expect_silent(p);
	expect_end(p, DSO_EVENT_ABORT, reason);
}

void expect_close(struct peer *p, enum dso_reason reason)
{
	expect_end(p, DSO_EVENT_CLOSE, reason);
}

void expect_alive(struct peer *p)
{
	expect_no_event(p);
	expect_silent(p);
	assert_false(dso_session_is_over(p->s));
	if (p->config.side == DSO_SERVER) {
		bool was = dso_session_established(p->s);
		feed(p, msg(0x7777, 0x3000, ka(15000, 3600000)));
		expect_out(p, msg(0x7777, 0xb000, ka(p->config.inactivity_ms, p->config.keepalive_ms)));
		if (!was) {
			expect_event(p, DSO_EVENT_ESTABLISHED);
		}
		expect_no_event(p);
		return;
	}
	uint8_t query[64];
	uint16_t id;
	size_t len = unhex(ordinary(0, 0, false), query, sizeof(query));
	assert_int_equal(dso_session_query(p->s, query, len, p->now_ms, &id), 0);
	expect_out(p, ordinary(id, 0, false));
	feed(p, ordinary(id, 0x8000, false));
	assert_int_equal(expect_event(p, DSO_EVENT_ANSWER)->id, id);
	expect_no_event(p);
}

void server_up(struct peer *p)
{
	peer_init(p, DSO_SERVER);
	feed(p, msg(1, 0x3000, ka(15000, 3600000)));
	expect_out(p, msg(1, 0xb000, ka(15000, 3600000)));
	const struct dso_event *e = expect_event(p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(e->type, DSO_EVENT_ESTABLISHED);
	expect_no_event(p);
}

void client_up(struct peer *p, uint32_t inactivity_ms, uint32_t keepalive_ms)
{
	uint16_t id;
	peer_init(p, DSO_CLIENT);
	assert_int_equal(dso_session_keepalive(p->s, p->now_ms, &id), 0);
	assert_int_equal(id, 1);
	expect_out(p, msg(1, 0x3000, ka(15000, 3600000)));
	feed(p, msg(1, 0xb000, ka(inactivity_ms, keepalive_ms)));
	const struct dso_event *e = expect_event(p, DSO_EVENT_ESTABLISHED);
	assert_int_equal(e->inactivity_ms, inactivity_ms);
	assert_int_equal(e->keepalive_ms, keepalive_ms);
	e = expect_event(p, DSO_EVENT_FENCE);
	assert_int_equal(e->id, 1);
	assert_int_equal(e->inactivity_ms, inactivity_ms);
	expect_no_event(p);
}
