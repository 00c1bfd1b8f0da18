#include "dso/session.h"

#include "base/err.h"
#include "base/mem.h"
#include "dso/machine.h"
#include "wire/dns.h"
#include "wire/tlv.h"

enum {
	MALFORMED_DELAY_MS = 300000, /* for a client that sends too much nonsense (A1) */
};

void dso_config_init(struct dso_config *c, enum dso_side side)
{
	*c = (struct dso_config){
	        .side = side,
	        .tls = true,
	        .inactivity_ms = DSO_DEFAULT_MS,
	        .keepalive_ms = 3600000,
	        .establish_ms = 30000,
	        .idle_ms = 15000,
	        .close_grace_ms = 5000,
	        .message_timeout_ms = 5000,
	        .malformed_max = 8,
	        .open_requests_max = 64,
	        .output_max = 65536,
	        .output_hard_max = 262144,
	};
}

struct dso_session *dso_session_new(const struct dso_config *config, uint64_t now_ms)
{
	struct dso_session *s = mem_calloc(1, sizeof(*s));
	if (!s) {
		return NULL;
	}
	s->config = config;
	dso_frames_init(&s->frames);
	buf_init(&s->out, 0);
	dso_timers_init(&s->timers, now_ms);
	s->grant_i_ms = config->inactivity_ms;
	s->grant_k_ms = config->keepalive_ms;
	s->next_id = 1;
	s->phase = config->tls ? DSO_PHASE_CONNECTED : DSO_PHASE_PLAIN;
	if (config->tls && config->implicit) {
		dso_establish(s, now_ms);
	}
	return s;
}

void dso_session_free(struct dso_session *s)
{
	if (!s) {
		return;
	}
	dso_frames_done(&s->frames);
	buf_done(&s->out);
	dso_requests_done(&s->sent);
	dso_requests_done(&s->received);
	mem_free(s->messages);
	mem_free(s);
}

size_t dso_session_memory(const struct dso_session *s)
{
	return sizeof(*s) + s->frames.in.cap + s->out.cap + s->message_cap * sizeof(*s->messages) +
	       ((size_t)s->sent.cap + s->received.cap) * sizeof(struct dso_request);
}

/* --- the end, and what all parts share --- */

void dso_drop_output(struct dso_session *s)
{
	buf_done(&s->out);
	s->out_exempt = 0;
}

static void end(struct dso_session *s, bool is_abort, enum dso_reason reason)
{
	if (s->phase == DSO_PHASE_OVER) {
		return;
	}
	s->phase = DSO_PHASE_OVER;
	s->end_abort = is_abort;
	s->end_reason = (uint8_t)reason;
	if (is_abort) {
		dso_drop_output(s);
		s->tell_established = false;
	}
}

void dso_end_close(struct dso_session *s, enum dso_reason reason)
{
	end(s, false, reason);
}

void dso_end_abort(struct dso_session *s, enum dso_reason reason)
{
	end(s, true, reason);
}

enum dso_action dso_decide(struct dso_session *s, enum dso_input input)
{
	enum dso_action action = dso_state_action(s->config->side, s->phase, input);
	enum dso_reason reason = s->phase == DSO_PHASE_LEAVING ? DSO_REASON_RETRY_DELAY : dso_state_reason(input);
	switch (action) {
	case DSO_ACTION_IMPOSSIBLE:
	case DSO_ACTION_ABORT:
		dso_end_abort(s, reason);
		break;
	case DSO_ACTION_CLOSE:
		dso_end_close(s, reason);
		break;
	default:
		break;
	}
	return action;
}

/* What a call returns when the table says anything but HANDLE. */
static int refusal(enum dso_action action)
{
	return action == DSO_ACTION_IGNORE ? 0 : ERR_STATE;
}

void dso_establish(struct dso_session *s, uint64_t now_ms)
{
	if (s->phase == DSO_PHASE_ESTABLISHED) {
		return;
	}
	s->phase = DSO_PHASE_ESTABLISHED;
	/* Both are timers of the session: they start with it (6.2, 6.3). */
	dso_timers_init(&s->timers, now_ms);
	s->tell_established = true;
}

void dso_note_message(struct dso_session *s, bool is_keepalive, uint64_t now_ms)
{
	dso_timers_message(&s->timers, is_keepalive, now_ms);
}

size_t dso_busy_count(const struct dso_session *s)
{
	return (size_t)s->sent.busy + s->received.busy + s->message_count;
}

/* The inactivity timer stood at zero while something was open, and starts as the last of it ends (6.3). */
static void operation_done(struct dso_session *s, uint64_t now_ms)
{
	if (dso_busy_count(s) == 0) {
		s->timers.activity_ms = now_ms;
	}
}

void dso_request_done(struct dso_session *s, struct dso_requests *t, struct dso_request *r, uint64_t now_ms)
{
	bool held = !(r->flags & DSO_REQUEST_F_PASSIVE);
	dso_requests_remove(t, r);
	if (held) {
		operation_done(s, now_ms);
	}
}

/* --- input and events --- */

bool dso_session_established(const struct dso_session *s)
{
	return s->phase == DSO_PHASE_ESTABLISHED;
}

bool dso_session_is_over(const struct dso_session *s)
{
	return s->phase == DSO_PHASE_OVER || s->phase == DSO_PHASE_LEAVING;
}

bool dso_session_wants_input(const struct dso_session *s)
{
	size_t open = (size_t)s->received.unanswered + s->message_count;
	if (s->phase == DSO_PHASE_OVER) {
		return false;
	}
	return s->phase == DSO_PHASE_LEAVING ||
	       (open < s->config->open_requests_max && buf_len(&s->out) <= s->config->output_max);
}

/* Keep the clock of a message half read from running while the peer is not read. */
static void watch_pause(struct dso_session *s, uint64_t now_ms)
{
	bool paused = !dso_session_wants_input(s);
	if (s->paused && !paused) {
		s->frames.begun_ms = now_ms;
	}
	s->paused = paused;
}

int dso_session_feed(struct dso_session *s, const uint8_t *data, size_t len, bool early, uint64_t now_ms)
{
	if (s->drop_frame) {
		s->drop_frame = false;
		dso_frames_drop(&s->frames, now_ms);
	}
	if (dso_session_is_over(s)) {
		return 0;
	}
	watch_pause(s, now_ms);
	s->early = early;
	int err = dso_frames_feed(&s->frames, data, len, early, now_ms);
	if (err) {
		dso_end_abort(s, DSO_REASON_MEMORY);
	}
	return err;
}

void dso_session_end_of_input(struct dso_session *s, uint64_t now_ms)
{
	(void)now_ms;
	s->input_ended = true;
}

/* The frame at the front waits for the end of the TLS handshake (A14). */
static bool is_held_early(const struct dso_session *s, const uint8_t *message, size_t len)
{
	struct bytes_reader r;
	bytes_reader_init(&r, message, len);
	bytes_u16(&r);
	unsigned opcode = (bytes_u16(&r) & DNS_FLAGS_OPCODE) >> 11;
	return s->early && !r.failed && opcode != DNS_OPCODE_DSO;
}

static bool tell_established(struct dso_session *s, struct dso_event *ret_event)
{
	s->tell_established = false;
	*ret_event = (struct dso_event){
	        .type = DSO_EVENT_ESTABLISHED,
	        .inactivity_ms = s->timers.inactivity_ms,
	        .keepalive_ms = s->timers.keepalive_ms,
	};
	return true;
}

static bool tell_end(struct dso_session *s, struct dso_event *ret_event)
{
	dso_frames_done(&s->frames);
	if (s->end_reported) {
		return false;
	}
	s->end_reported = true;
	*ret_event = (struct dso_event){
	        .type = s->end_abort ? DSO_EVENT_ABORT : DSO_EVENT_CLOSE,
	        .reason = s->end_reason,
	};
	return true;
}

/* After the last whole frame: whoever closed after a question still gets the answer. */
static bool must_end(const struct dso_session *s)
{
	return s->input_ended && (s->message_count == 0 || dso_session_is_over(s));
}

bool dso_session_next_event(struct dso_session *s, uint64_t now_ms, struct dso_event *ret_event)
{
	for (;;) {
		if (s->drop_frame) {
			s->drop_frame = false;
			dso_frames_drop(&s->frames, now_ms);
		}
		if (s->tell_established) {
			return tell_established(s, ret_event);
		}
		if (s->phase == DSO_PHASE_OVER) {
			return tell_end(s, ret_event);
		}
		if (s->phase == DSO_PHASE_LEAVING) {
			dso_frames_done(&s->frames);
		}
		watch_pause(s, now_ms);
		if (s->paused) {
			return false;
		}
		const uint8_t *message;
		size_t len;
		if (!dso_frames_peek(&s->frames, &message, &len) || is_held_early(s, message, len)) {
			if (!must_end(s)) {
				return false;
			}
			dso_decide(s, DSO_IN_END);
			continue;
		}
		s->drop_frame = true;
		if (dso_receive(s, message, len, now_ms, ret_event)) {
			return true;
		}
	}
}

/* --- output --- */

const uint8_t *dso_session_output(const struct dso_session *s, size_t *ret_len)
{
	*ret_len = s->early ? 0 : buf_len(&s->out);
	return buf_data(&s->out);
}

void dso_session_output_sent(struct dso_session *s, size_t len)
{
	size_t held = buf_len(&s->out);
	buf_consume(&s->out, len < held ? len : held);
	held = buf_len(&s->out);
	s->out_exempt = s->out_exempt < held ? s->out_exempt : held;
}

/* --- timers --- */

static uint64_t message_due(const struct dso_session *s)
{
	uint32_t limit_ms = s->config->message_timeout_ms;
	if (limit_ms == 0 || s->paused || dso_session_is_over(s) || !dso_frames_is_partial(&s->frames)) {
		return UINT64_MAX;
	}
	return s->frames.begun_ms + limit_ms;
}

static uint64_t establish_due(const struct dso_session *s)
{
	bool waits = s->config->side == DSO_CLIENT && s->phase == DSO_PHASE_ESTABLISHING;
	return waits ? s->due_ms : UINT64_MAX;
}

static uint64_t idle_due(const struct dso_session *s)
{
	bool applies = dso_state_action(s->config->side, s->phase, DSO_ON_IDLE) == DSO_ACTION_CLOSE;
	if (!applies || s->config->idle_ms == 0 || dso_busy_count(s) > 0) {
		return UINT64_MAX;
	}
	return s->timers.activity_ms + s->config->idle_ms;
}

static uint64_t inactive_due(const struct dso_session *s)
{
	if (s->phase != DSO_PHASE_ESTABLISHED || dso_busy_count(s) > 0) {
		return UINT64_MAX;
	}
	return dso_timers_inactive_ms(&s->timers, s->config->side);
}

static uint64_t keepalive_due(const struct dso_session *s)
{
	return s->phase == DSO_PHASE_ESTABLISHED ? dso_timers_keepalive_ms(&s->timers, s->config->side) : UINT64_MAX;
}

static uint64_t grace_due(const struct dso_session *s)
{
	return s->phase == DSO_PHASE_LEAVING ? s->due_ms : UINT64_MAX;
}

/* In the order in which they are looked at: a session that ends needs no Keepalive. */
static const struct timer {
	enum dso_input input;
	uint64_t (*due)(const struct dso_session *s);
} timers[] = {
        {DSO_ON_MESSAGE_TIMEOUT, message_due}, {DSO_ON_ESTABLISH, establish_due}, {DSO_ON_IDLE, idle_due},
        {DSO_ON_INACTIVE, inactive_due},       {DSO_ON_KEEPALIVE, keepalive_due}, {DSO_ON_GRACE, grace_due},
};

uint64_t dso_session_deadline_ms(const struct dso_session *s)
{
	uint64_t first = UINT64_MAX;
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		uint64_t due = timers[i].due(s);
		first = due < first ? due : first;
	}
	return first;
}

void dso_session_tick(struct dso_session *s, uint64_t now_ms)
{
	watch_pause(s, now_ms);
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		if (timers[i].due(s) > now_ms) {
			continue;
		}
		if (dso_decide(s, timers[i].input) == DSO_ACTION_HANDLE) {
			uint16_t id;
			dso_session_keepalive(s, now_ms, &id);
		}
	}
}

/* --- requests of our own --- */

/* Send a DSO request whose ID is entered in the table; takes it out again on failure. */
static int send_request(struct dso_session *s, const struct dso_out_tlv *tlv, unsigned flags, uint64_t now_ms,
                        uint16_t *ret_id)
{
	uint16_t id;
	bool first = s->phase != DSO_PHASE_ESTABLISHED && s->phase != DSO_PHASE_ESTABLISHING;
	int err = dso_requests_pick(&s->sent, &s->next_id, &id);
	if (err) {
		return err;
	}
	err = dso_requests_add(&s->sent, id, tlv->type, flags | (first ? DSO_REQUEST_F_FIRST : 0), s->order + 1);
	if (err) {
		return err;
	}
	bool pad = s->config->side == DSO_CLIENT ? s->config->pad : s->peer_pads;
	err = dso_send(s, id, DSO_FLAGS_REQUEST, tlv, 1, pad, now_ms);
	if (err) {
		dso_requests_remove(&s->sent, dso_requests_find(&s->sent, id));
		return err;
	}
	s->order++;
	if (first) {
		s->phase = DSO_PHASE_ESTABLISHING;
		s->due_ms = now_ms + s->config->establish_ms;
	}
	*ret_id = id;
	return 0;
}

int dso_session_request(struct dso_session *s, uint16_t type, const void *data, size_t len, bool long_lived,
                        uint64_t now_ms, uint16_t *ret_id)
{
	enum dso_action action = dso_decide(s, DSO_DO_REQUEST);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	if (long_lived && s->config->side == DSO_SERVER) {
		return ERR_INVALID;
	}
	struct dso_out_tlv tlv = {type, data, len};
	return send_request(s, &tlv, long_lived ? DSO_REQUEST_F_LONG : 0, now_ms, ret_id);
}

int dso_session_keepalive(struct dso_session *s, uint64_t now_ms, uint16_t *ret_id)
{
	enum dso_action action = s->config->side == DSO_CLIENT ? dso_decide(s, DSO_DO_REQUEST) : DSO_ACTION_REFUSE;
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	uint8_t data[DSO_KEEPALIVE_LEN];
	bytes_store_u32(data, s->config->inactivity_ms);
	bytes_store_u32(data + 4, s->config->keepalive_ms);
	struct dso_out_tlv tlv = {DSO_TLV_KEEPALIVE, data, sizeof(data)};
	return send_request(s, &tlv, DSO_REQUEST_F_PASSIVE, now_ms, ret_id);
}

static bool is_ordinary(const uint8_t *message, size_t len, bool response)
{
	struct bytes_reader r;
	bytes_reader_init(&r, message, len);
	bytes_u16(&r);
	uint16_t flags = bytes_u16(&r);
	return len >= DNS_HEADER_LEN && len <= DNS_MESSAGE_MAX && !!(flags & DNS_FLAG_QR) == response &&
	       (flags & DNS_FLAGS_OPCODE) >> 11 != DNS_OPCODE_DSO;
}

int dso_session_query(struct dso_session *s, const uint8_t *message, size_t len, uint64_t now_ms, uint16_t *ret_id)
{
	enum dso_action action = dso_decide(s, DSO_DO_QUERY);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	if (!is_ordinary(message, len, false) || (s->spoke_dso && dso_has_edns_keepalive(message, len))) {
		return ERR_INVALID;
	}
	uint16_t id;
	int err = dso_requests_pick(&s->sent, &s->next_id, &id);
	if (err) {
		return err;
	}
	err = dso_requests_add(&s->sent, id, 0, DSO_REQUEST_F_QUERY, s->order + 1);
	if (err) {
		return err;
	}
	err = dso_send_message(s, message, len, id, false, now_ms);
	if (err) {
		dso_requests_remove(&s->sent, dso_requests_find(&s->sent, id));
		return err;
	}
	s->order++;
	*ret_id = id;
	return 0;
}

int dso_session_unidirectional(struct dso_session *s, uint16_t type, const void *data, size_t len, uint64_t now_ms)
{
	enum dso_action action = dso_decide(s, DSO_DO_UNIDIRECTIONAL);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	struct dso_out_tlv tlv = {type, data, len};
	bool pad = s->config->side == DSO_CLIENT ? s->config->pad : s->peer_pads;
	return dso_send(s, 0, DSO_FLAGS_REQUEST, &tlv, 1, pad, now_ms);
}

/* --- answers to the peer --- */

/* The last malformed request that is taken was answered (A1). */
static void end_malformed(struct dso_session *s, uint64_t now_ms)
{
	if (s->config->side == DSO_CLIENT) {
		dso_end_abort(s, DSO_REASON_MALFORMED_LIMIT);
	} else if (s->phase == DSO_PHASE_ESTABLISHED) {
		dso_session_retry_delay(s, DNS_RCODE_FORMERR, MALFORMED_DELAY_MS, now_ms);
	} else {
		dso_end_close(s, DSO_REASON_MALFORMED_LIMIT);
	}
}

int dso_reply(struct dso_session *s, uint16_t id, unsigned rcode, uint32_t retry_delay_ms, bool pad, uint64_t now_ms)
{
	bool last = false;
	if (rcode == DNS_RCODE_FORMERR && s->config->malformed_max > 0) {
		last = ++s->malformed >= s->config->malformed_max;
		if (last && s->phase != DSO_PHASE_ESTABLISHED) {
			/* No Retry Delay message without a session (A10): the reply says it. */
			retry_delay_ms = MALFORMED_DELAY_MS;
		}
	}
	uint8_t data[DSO_RETRY_DELAY_LEN];
	bytes_store_u32(data, retry_delay_ms);
	struct dso_out_tlv tlv = {DSO_TLV_RETRY_DELAY, data, sizeof(data)};
	bool delays = rcode != DNS_RCODE_NOERROR && retry_delay_ms != DSO_NO_DELAY;
	uint16_t flags = (uint16_t)(DSO_FLAGS_RESPONSE | (rcode & DNS_FLAGS_RCODE));
	int err = dso_send(s, id, flags, &tlv, delays ? 1 : 0, pad, now_ms);
	if (!err && last) {
		end_malformed(s, now_ms);
	}
	return err;
}

int dso_session_respond(struct dso_session *s, uint16_t id, unsigned rcode, bool long_lived, uint32_t retry_delay_ms,
                        uint64_t now_ms)
{
	enum dso_action action = dso_decide(s, DSO_DO_RESPOND);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	struct dso_request *r = dso_requests_find(&s->received, id);
	if (!r || r->state != DSO_REQUEST_UNANSWERED) {
		return ERR_NOT_FOUND;
	}
	if (long_lived && s->config->side == DSO_CLIENT) {
		return ERR_INVALID;
	}
	bool padded = r->flags & DSO_REQUEST_F_PADDED;
	if (rcode == DNS_RCODE_NOERROR && long_lived) {
		dso_requests_set(&s->received, r, DSO_REQUEST_LONG_LIVED);
	} else {
		dso_request_done(s, &s->received, r, now_ms);
	}
	int err = dso_reply(s, id, rcode, retry_delay_ms, padded, now_ms);
	if (!err && rcode == DNS_RCODE_NOERROR) {
		dso_establish(s, now_ms);
	}
	return err;
}

int dso_session_cancel(struct dso_session *s, uint16_t id, unsigned rcode, uint32_t retry_delay_ms, uint64_t now_ms)
{
	enum dso_action action = dso_decide(s, DSO_DO_CANCEL);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	struct dso_request *r = dso_requests_find(&s->received, id);
	if (!r || r->state != DSO_REQUEST_LONG_LIVED) {
		return ERR_NOT_FOUND;
	}
	if (rcode == DNS_RCODE_NOERROR) {
		return ERR_INVALID;
	}
	bool padded = r->flags & DSO_REQUEST_F_PADDED;
	dso_request_done(s, &s->received, r, now_ms);
	return dso_reply(s, id, rcode, retry_delay_ms, padded, now_ms);
}

int dso_session_operation_end(struct dso_session *s, uint16_t id, uint64_t now_ms)
{
	enum dso_action action = dso_decide(s, DSO_DO_OPERATION_END);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	bool ours = s->config->side == DSO_CLIENT;
	struct dso_request *r = dso_requests_find(ours ? &s->sent : &s->received, id);
	bool gives_up = r && ours && r->state == DSO_REQUEST_UNANSWERED && (r->flags & DSO_REQUEST_F_LONG);
	if (!r || (r->state != DSO_REQUEST_LONG_LIVED && !gives_up)) {
		return ERR_NOT_FOUND;
	}
	if (!ours) {
		dso_request_done(s, &s->received, r, now_ms);
		return 0;
	}
	r->order = s->order;
	dso_requests_set(&s->sent, r, DSO_REQUEST_DRAINING);
	operation_done(s, now_ms);
	return 0;
}

/* Take the token of an ordinary message out of the list. */
static bool take_token(struct dso_session *s, uint32_t token)
{
	uint32_t i = 0;
	while (i < s->message_count && s->messages[i] != token) {
		i++;
	}
	if (i == s->message_count) {
		return false;
	}
	s->messages[i] = s->messages[--s->message_count];
	if (s->message_count == 0) {
		mem_free(s->messages);
		s->messages = NULL;
		s->message_cap = 0;
	}
	return true;
}

int dso_session_answer(struct dso_session *s, uint32_t token, const uint8_t *message, size_t len, uint64_t now_ms)
{
	enum dso_action action = dso_decide(s, DSO_DO_ANSWER);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	if (message && !is_ordinary(message, len, true)) {
		return ERR_INVALID;
	}
	if (!take_token(s, token)) {
		return ERR_NOT_FOUND;
	}
	operation_done(s, now_ms);
	if (!message) {
		return 0;
	}
	return dso_send_message(s, message, len, -1, s->phase == DSO_PHASE_ESTABLISHED, now_ms);
}

/* --- the server's own messages --- */

int dso_session_send(struct dso_session *s, const uint8_t *framed, size_t len, uint64_t now_ms)
{
	enum dso_action action =
	        s->config->side == DSO_SERVER ? dso_decide(s, DSO_DO_UNIDIRECTIONAL) : DSO_ACTION_REFUSE;
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	int err = buf_append(&s->out, framed, len);
	if (err) {
		dso_end_abort(s, DSO_REASON_MEMORY);
		return err;
	}
	s->out_exempt += len;
	dso_note_message(s, false, now_ms);
	return 0;
}

void dso_session_note_sent(struct dso_session *s, uint64_t now_ms)
{
	if (s->phase == DSO_PHASE_ESTABLISHED) {
		dso_note_message(s, false, now_ms);
	}
}

bool dso_session_pads(const struct dso_session *s)
{
	return s->peer_pads;
}

int dso_session_revise(struct dso_session *s, uint32_t inactivity_ms, uint32_t keepalive_ms, uint64_t now_ms)
{
	if (s->config->side == DSO_SERVER && !dso_session_is_over(s)) {
		s->grant_i_ms = inactivity_ms;
		s->grant_k_ms = keepalive_ms;
	}
	enum dso_action action = dso_decide(s, DSO_DO_REVISE);
	if (action != DSO_ACTION_HANDLE) {
		return refusal(action);
	}
	if (keepalive_ms < DSO_KEEPALIVE_MIN_MS) {
		keepalive_ms = DSO_KEEPALIVE_MIN_MS;
	}
	int err = dso_send_keepalive(s, 0, DSO_FLAGS_REQUEST, inactivity_ms, keepalive_ms, false, now_ms);
	if (!err) {
		dso_timers_revise(&s->timers, inactivity_ms, keepalive_ms, now_ms);
	}
	return err;
}

void dso_session_retry_delay(struct dso_session *s, unsigned rcode, uint32_t delay_ms, uint64_t now_ms)
{
	if (dso_decide(s, DSO_DO_RETRY_DELAY) != DSO_ACTION_HANDLE ||
	    dso_send_retry_delay(s, rcode, delay_ms, now_ms)) {
		return;
	}
	s->phase = DSO_PHASE_LEAVING;
	s->due_ms = now_ms + s->config->close_grace_ms;
	dso_requests_done(&s->sent);
	dso_requests_done(&s->received);
	mem_free(s->messages);
	s->messages = NULL;
	s->message_count = 0;
	s->message_cap = 0;
}

void dso_session_close(struct dso_session *s, uint64_t now_ms)
{
	(void)now_ms;
	dso_decide(s, DSO_DO_CLOSE);
}

void dso_session_abort(struct dso_session *s, enum dso_reason reason)
{
	if (dso_decide(s, DSO_DO_ABORT) == DSO_ACTION_ABORT) {
		s->end_reason = (uint8_t)reason;
	}
}

/* --- words --- */

static const struct {
	const char *name;
	const char *text;
} reasons[DSO_REASON_COUNT] = {
        [DSO_REASON_NONE] = {"none", "the peer closed"},
        [DSO_REASON_FRAME] = {"frame", "message shorter than a DNS header"},
        [DSO_REASON_COUNTS] = {"counts", "DSO message with nonzero counts"},
        [DSO_REASON_TLV] = {"tlv", "malformed DSO TLV"},
        [DSO_REASON_CONTEXT] = {"context", "DSO TLV where it may not stand"},
        [DSO_REASON_UNKNOWN_TYPE] = {"unknown_type", "unidirectional DSO message of unknown type"},
        [DSO_REASON_RESPONSE] = {"response", "DSO response that matches no request"},
        [DSO_REASON_ID_IN_USE] = {"id_in_use", "DSO request with a message ID in use"},
        [DSO_REASON_NO_SESSION] = {"no_session", "DSO message before there is a session"},
        [DSO_REASON_EDNS_KEEPALIVE] = {"edns_keepalive", "edns-tcp-keepalive inside a DSO session"},
        [DSO_REASON_KEEPALIVE_VALUE] = {"keepalive_value", "keepalive interval under 10 seconds"},
        [DSO_REASON_EARLY_DATA] = {"early_data", "message not allowed in TLS early data"},
        [DSO_REASON_INACTIVE] = {"inactive", "inactivity timeout"},
        [DSO_REASON_KEEPALIVE] = {"keepalive", "peer silent past its keepalive interval"},
        [DSO_REASON_ESTABLISH] = {"establish", "no response to the first DSO request"},
        [DSO_REASON_IDLE] = {"idle", "idle connection"},
        [DSO_REASON_MESSAGE_TIMEOUT] = {"message_timeout", "message not completed in time"},
        [DSO_REASON_RETRY_DELAY] = {"retry_delay", "told to close by Retry Delay"},
        [DSO_REASON_MALFORMED_LIMIT] = {"malformed_limit", "too many malformed requests"},
        [DSO_REASON_OUTPUT_LIMIT] = {"output_limit", "peer does not read what is sent"},
        [DSO_REASON_MEMORY] = {"memory", "out of memory"},
        [DSO_REASON_APPLICATION] = {"application", "ended by this side"},
};

const char *dso_reason_text(enum dso_reason reason)
{
	return (unsigned)reason < DSO_REASON_COUNT ? reasons[reason].text : "?";
}

const char *dso_reason_name(enum dso_reason reason)
{
	return (unsigned)reason < DSO_REASON_COUNT ? reasons[reason].name : "?";
}
