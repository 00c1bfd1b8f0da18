/*
 * One session under test, its peer being bytes made by hand (in hex), with a
 * clock of its own.
 */
#ifndef TEST_DSO_HARNESS_H
#define TEST_DSO_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dso/machine.h"
#include "dso/session.h"

/* TLV types as Push has them, and toys for what Push does not use. */
enum {
	T_SUBSCRIBE = 0x0040,
	T_PUSH = 0x0041,
	T_UNSUBSCRIBE = 0x0042,
	T_RECONFIRM = 0x0043,
	T_PING = 0xf800,  /* a request either way; its response has a primary TLV */
	T_NOTE = 0xf801,  /* unidirectional either way */
	T_EXTRA = 0xf802, /* additional everywhere */
};
extern const struct dso_type test_types[];
extern const size_t test_type_count;

enum { PEER_EVENTS = 512, PEER_DATA = 96 };

struct peer {
	struct dso_config config;
	struct dso_session *s;
	uint64_t now_ms;
	struct dso_event events[PEER_EVENTS];
	uint8_t data[PEER_EVENTS][PEER_DATA]; /* what the event's reader held, cut */
	size_t data_len[PEER_EVENTS];
	size_t first, count;
};

/* A session with default configuration and the types above, at time 1000000. */
void peer_init(struct peer *p, enum dso_side side);
/* As init, but the caller set p->config. */
void peer_start(struct peer *p);
void peer_done(struct peer *p);

/* "0001 3000 ..." to bytes; returns the length. */
size_t unhex(const char *text, uint8_t *bytes, size_t size);
/* Hex of a DSO message: header with zero counts, then the TLVs given in hex. Good for eight calls. */
const char *msg(unsigned id, unsigned flags, const char *tlvs);
/* Hex of a Keepalive TLV. Good for eight calls. */
const char *ka(uint32_t inactivity_ms, uint32_t keepalive_ms);
/* Hex of an ordinary message: query (flags 0) or reply for example.com A, with option 11 if `keepalive_option`. */
const char *ordinary(unsigned id, unsigned flags, bool keepalive_option);

/* Feed framed messages given in hex, NULL at the end of the list; then take in all events. */
void feed_early(struct peer *p, int early, ...);
#define feed(p, ...) feed_early((p), false, __VA_ARGS__, NULL)
/* Feed bytes as they are. */
void feed_raw(struct peer *p, const char *hex);
/* Take in all events there are. */
void pump(struct peer *p);
/* Let time pass, running every timer that comes due on the way. */
void advance(struct peer *p, uint64_t ms);
/* Only ticks and pumps at `ms` from now; true if the session is over then. */
bool over_after(struct peer *p, uint64_t ms);

/* The next event taken in must be of this type. */
const struct dso_event *expect_event(struct peer *p, enum dso_event_type type);
void expect_no_event(struct peer *p);
/* The output is exactly these messages (hex), NULL at the end of the list; it is then sent. */
void expect_out_list(struct peer *p, ...);
#define expect_out(p, ...) expect_out_list((p), __VA_ARGS__, NULL)
void expect_silent(struct peer *p);
/* Throw away what waits to be sent. */
void drain(struct peer *p);
/* The output of one message: its bytes, its length; sent. */
size_t take_out(struct peer *p, uint8_t *message, size_t size);

/* The session ended by a reset: no bytes, one ABORT event with this reason. */
void expect_abort(struct peer *p, enum dso_reason reason);
void expect_close(struct peer *p, enum dso_reason reason);
/* Server: a Keepalive request gets NOERROR, and nothing else is waiting. Client: a query can be sent. */
void expect_alive(struct peer *p);

/* Server, established by a Keepalive exchange (ID 1), inactivity 15 s, keepalive 60 min; nothing waiting. */
void server_up(struct peer *p);
/* Client, established by a Keepalive exchange granted these values; our ID 1 was used. */
void client_up(struct peer *p, uint32_t inactivity_ms, uint32_t keepalive_ms);

#endif
