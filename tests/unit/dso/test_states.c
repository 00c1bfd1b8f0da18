/* Every cell of the table of phases and inputs, and that doc/states.md shows it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "harness.h"

/* Our request that is not answered yet. */
static uint16_t open_id;

/* A session in the phase asked for, brought there as far as possible by messages; false if this side has no such phase.
 */
static bool enter(struct peer *p, enum dso_side side, enum dso_phase phase)
{
	uint16_t id;
	if (phase == DSO_PHASE_PLAIN) {
		dso_config_init(&p->config, side);
		p->config.tls = false;
		peer_start(p);
		return true;
	}
	peer_init(p, side);
	switch (phase) {
	case DSO_PHASE_CONNECTED:
		break;
	case DSO_PHASE_ESTABLISHING:
	case DSO_PHASE_DECLINED:
	case DSO_PHASE_NO_DSO:
		if (side == DSO_SERVER) {
			feed(p, msg(500, 0x3000, "00400000"));
			expect_event(p, DSO_EVENT_REQUEST);
			break;
		}
		assert_int_equal(dso_session_request(p->s, T_SUBSCRIBE, NULL, 0, true, p->now_ms, &id), 0);
		open_id = id;
		if (phase == DSO_PHASE_DECLINED) {
			feed(p, msg(id, 0xb00b, ""));
			expect_event(p, DSO_EVENT_RESPONSE);
		} else if (phase == DSO_PHASE_NO_DSO) {
			assert_int_equal(dso_session_request(p->s, T_SUBSCRIBE, NULL, 0, true, p->now_ms, &open_id), 0);
			feed(p, msg(id, 0xb005, ""));
			expect_event(p, DSO_EVENT_NO_DSO);
			expect_event(p, DSO_EVENT_RESPONSE);
		}
		break;
	default:
		peer_done(p);
		if (side == DSO_SERVER) {
			server_up(p);
			feed(p, msg(500, 0x3000, "00400000"));
			expect_event(p, DSO_EVENT_REQUEST);
			assert_int_equal(dso_session_request(p->s, T_PING, NULL, 0, false, p->now_ms, &open_id), 0);
		} else {
			client_up(p, 15000, 3600000);
			assert_int_equal(dso_session_request(p->s, T_SUBSCRIBE, NULL, 0, true, p->now_ms, &open_id), 0);
		}
		break;
	}
	if (phase == DSO_PHASE_LEAVING && side == DSO_SERVER) {
		dso_session_retry_delay(p->s, 0, 0, p->now_ms);
	} else if (phase == DSO_PHASE_OVER) {
		dso_session_abort(p->s, DSO_REASON_APPLICATION);
		pump(p);
		expect_event(p, DSO_EVENT_ABORT);
	}
	drain(p);
	/* The rest is out of reach from outside: force it, so that its cells are visited too. */
	bool reached = p->s->phase == phase;
	p->s->phase = (uint8_t)phase;
	return reached;
}

/* Do what the input stands for; what a call returned, or 0. */
static int act(struct peer *p, enum dso_input input)
{
	uint8_t bytes[64];
	uint16_t id;
	switch (input) {
	case DSO_IN_SHORT:
		feed_raw(p, "0003 000000");
		return 0;
	case DSO_IN_MESSAGE:
		feed(p, ordinary(600, 0, false));
		return 0;
	case DSO_IN_REPLY:
		feed(p, ordinary(600, 0x8000, false));
		return 0;
	case DSO_IN_REQUEST:
		feed(p, msg(600, 0x3000, "f8000000"));
		return 0;
	case DSO_IN_UNIDIRECTIONAL:
		feed(p, msg(0, 0x3000, "f8010000"));
		return 0;
	case DSO_IN_RESPONSE:
		feed(p, msg(open_id, 0xb002, ""));
		return 0;
	case DSO_IN_END:
		dso_session_end_of_input(p->s, p->now_ms);
		return 0;
	case DSO_DO_REQUEST:
		return dso_session_request(p->s, T_PING, NULL, 0, false, p->now_ms, &id);
	case DSO_DO_UNIDIRECTIONAL:
		return dso_session_unidirectional(p->s, T_NOTE, NULL, 0, p->now_ms);
	case DSO_DO_QUERY:
		return dso_session_query(p->s, bytes, unhex(ordinary(0, 0, false), bytes, 64), p->now_ms, &id);
	case DSO_DO_RESPOND:
		return dso_session_respond(p->s, 500, 0, true, DSO_NO_DELAY, p->now_ms);
	case DSO_DO_ANSWER:
		return dso_session_answer(p->s, 0, NULL, 0, p->now_ms);
	case DSO_DO_CANCEL:
		return dso_session_cancel(p->s, 500, 5, 0, p->now_ms);
	case DSO_DO_OPERATION_END:
		return dso_session_operation_end(p->s, open_id, p->now_ms);
	case DSO_DO_REVISE:
		return dso_session_revise(p->s, 15000, 15000, p->now_ms);
	case DSO_DO_RETRY_DELAY:
		dso_session_retry_delay(p->s, 0, 0, p->now_ms);
		return 0;
	case DSO_DO_CLOSE:
		dso_session_close(p->s, p->now_ms);
		return 0;
	case DSO_DO_ABORT:
		dso_session_abort(p->s, DSO_REASON_APPLICATION);
		return 0;
	default:
		break;
	}
	/* Timers: through the dispatcher, since most cannot come due in most phases. */
	if (dso_decide(p->s, input) == DSO_ACTION_HANDLE) {
		dso_session_keepalive(p->s, p->now_ms, &id);
	}
	return 0;
}

static size_t out_len(struct peer *p)
{
	size_t len;
	dso_session_output(p->s, &len);
	return len;
}

static void check_cell(enum dso_side side, enum dso_phase phase, enum dso_input input)
{
	struct peer p;
	enum dso_action action = dso_state_action(side, phase, input);
	bool reached = enter(&p, side, phase);
	assert_int_equal(p.count, 0);
	if (!reached) {
		/* A phase that this side does not have. */
		assert_int_equal(action, DSO_ACTION_IMPOSSIBLE);
		assert_int_equal(dso_decide(p.s, input), DSO_ACTION_IMPOSSIBLE);
		pump(&p);
		expect_event(&p, DSO_EVENT_ABORT);
		peer_done(&p);
		return;
	}
	int result = act(&p, input);
	enum dso_phase after = p.s->phase;
	pump(&p);
	switch (action) {
	case DSO_ACTION_IMPOSSIBLE:
	case DSO_ACTION_ABORT:
		expect_silent(&p);
		expect_event(&p, DSO_EVENT_ABORT);
		break;
	case DSO_ACTION_CLOSE:
		assert_int_equal(out_len(&p), 0);
		expect_event(&p, DSO_EVENT_CLOSE);
		break;
	case DSO_ACTION_IGNORE:
		assert_int_equal(result, 0);
		assert_int_equal(out_len(&p), 0);
		assert_int_equal(after, phase);
		break;
	case DSO_ACTION_REFUSE:
		assert_int_equal(result, ERR_STATE);
		assert_int_equal(out_len(&p), 0);
		assert_int_equal(after, phase);
		break;
	case DSO_ACTION_NOTIMP: {
		uint8_t out[64];
		assert_int_equal(take_out(&p, out, sizeof(out)), 12);
		assert_int_equal(bytes_load_u16(out + 2), 0xb004);
		assert_int_equal(after, phase);
		break;
	}
	default:
		/* Handled: not refused and not the end, the rest is for the tests by theme. */
		assert_int_not_equal(result, ERR_STATE);
		assert_int_not_equal(after, DSO_PHASE_OVER);
		p.count = 0;
		break;
	}
	expect_no_event(&p);
	peer_done(&p);
}

static void every_cell(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		for (int phase = 0; phase < DSO_PHASE_COUNT; phase++) {
			for (int input = 0; input < DSO_INPUT_COUNT; input++) {
				check_cell(side ? DSO_SERVER : DSO_CLIENT, phase, input);
			}
		}
	}
}

static void out_of_range_is_impossible(void **state)
{
	(void)state;
	assert_int_equal(dso_state_action(DSO_CLIENT, DSO_PHASE_COUNT, DSO_IN_END), DSO_ACTION_IMPOSSIBLE);
	assert_int_equal(dso_state_action(DSO_SERVER, DSO_PHASE_PLAIN, DSO_INPUT_COUNT), DSO_ACTION_IMPOSSIBLE);
	assert_string_equal(dso_phase_name(DSO_PHASE_COUNT), "?");
	assert_string_equal(dso_input_name(DSO_INPUT_COUNT), "?");
	assert_string_equal(dso_action_name(DSO_ACTION_COUNT), "?");
	assert_string_equal(dso_reason_name(DSO_REASON_COUNT), "?");
	assert_string_equal(dso_reason_text(DSO_REASON_COUNT), "?");
	for (int i = 0; i < DSO_REASON_COUNT; i++) {
		assert_true(strlen(dso_reason_name(i)) > 0 && strlen(dso_reason_text(i)) > 0);
	}
}

static void table_to_text(enum dso_side side, FILE *f)
{
	fprintf(f, "| |");
	for (int phase = 0; phase < DSO_PHASE_COUNT; phase++) {
		fprintf(f, " %s |", dso_phase_name(phase));
	}
	fprintf(f, "\n|---|");
	for (int phase = 0; phase < DSO_PHASE_COUNT; phase++) {
		fprintf(f, "---|");
	}
	for (int input = 0; input < DSO_INPUT_COUNT; input++) {
		fprintf(f, "\n| %s |", dso_input_name(input));
		for (int phase = 0; phase < DSO_PHASE_COUNT; phase++) {
			fprintf(f, " %s |", dso_action_name(dso_state_action(side, phase, input)));
		}
	}
	fprintf(f, "\n");
}

/* The tables of doc/states.md are those of the code. With DNSPUSH_PRINT_STATES set they are printed, to be pasted. */
static void document_shows_table(void **state)
{
	static char document[65536];
	(void)state;
	FILE *f = fopen(STATES_MD, "r");
	assert_non_null(f);
	size_t len = fread(document, 1, sizeof(document) - 1, f);
	fclose(f);
	document[len] = '\0';
	for (int side = 0; side < 2; side++) {
		char *text = NULL;
		size_t text_len;
		FILE *memory = open_memstream(&text, &text_len);
		assert_non_null(memory);
		table_to_text(side ? DSO_SERVER : DSO_CLIENT, memory);
		fclose(memory);
		if (getenv("DNSPUSH_PRINT_STATES")) {
			printf("%s\n", text);
		} else {
			assert_non_null(strstr(document, text));
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_cell),
	        cmocka_unit_test(out_of_range_is_impossible),
	        cmocka_unit_test(document_shows_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
