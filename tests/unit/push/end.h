/*
 * One end of a session in memory, for tests: DSO messages go in as bytes, and
 * what the session sends comes out as whole messages.
 */
#ifndef PUSH_TEST_END_H
#define PUSH_TEST_END_H

#include "push_test.h"

#include "dso/session.h"

struct end {
	struct dso_config config;
	struct dso_session *session;
	uint64_t now_ms;
	bool aborted;
	bool closed;
	enum dso_reason reason;
	void (*handle)(struct end *e, const struct dso_event *event); /* what is not about the session's end */
	void *context;
};

static inline void end_start(struct end *e, enum dso_side side)
{
	dso_config_init(&e->config, side);
	e->config.tls = true;
	e->config.types = push_types;
	e->config.type_count = push_type_count;
	e->session = dso_session_new(&e->config, e->now_ms);
	e->aborted = false;
	e->closed = false;
	assert_non_null(e->session);
}

static inline void end_stop(struct end *e)
{
	dso_session_free(e->session);
	e->session = NULL;
}

/* Handle the events that wait. */
static inline void end_run(struct end *e)
{
	struct dso_event event;
	while (dso_session_next_event(e->session, e->now_ms, &event)) {
		if (event.type == DSO_EVENT_ABORT || event.type == DSO_EVENT_CLOSE) {
			e->aborted = event.type == DSO_EVENT_ABORT;
			e->closed = event.type == DSO_EVENT_CLOSE;
			e->reason = event.reason;
			return;
		}
		e->handle(e, &event);
	}
}

static inline void end_feed_bytes(struct end *e, const uint8_t *message, size_t len, bool early)
{
	uint8_t prefix[2];
	bytes_store_u16(prefix, (uint16_t)len);
	dso_session_feed(e->session, prefix, 2, early, e->now_ms);
	dso_session_feed(e->session, message, len, early, e->now_ms);
	end_run(e);
}

static inline void end_feed(struct end *e, const char *hex)
{
	uint8_t message[16384];
	size_t len = from_hex(hex, message);
	end_feed_bytes(e, message, len, false);
}

/* The next message the session sends; 0 when there is none. */
static inline size_t end_take(struct end *e, uint8_t *message)
{
	size_t len;
	const uint8_t *bytes = dso_session_output(e->session, &len);
	if (len == 0) {
		return 0;
	}
	size_t message_len = bytes_load_u16(bytes);
	assert_true(len >= 2 + message_len);
	memcpy(message, bytes + 2, message_len);
	dso_session_output_sent(e->session, 2 + message_len);
	return message_len;
}

static inline void end_assert_sent(struct end *e, const char *hex)
{
	uint8_t want[16384];
	uint8_t got[65535];
	size_t want_len = from_hex(hex, want);
	size_t len = end_take(e, got);
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
}

static inline void end_assert_silent(struct end *e)
{
	uint8_t got[65535];
	assert_int_equal(end_take(e, got), 0);
	assert_false(e->aborted);
	assert_false(e->closed);
}

/* The session was reset and sent nothing for what it was reset for. */
static inline void end_assert_reset(struct end *e)
{
	uint8_t got[65535];
	assert_true(e->aborted);
	assert_int_equal(end_take(e, got), 0);
}

#endif
