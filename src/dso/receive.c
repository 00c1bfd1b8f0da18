#include "base/err.h"
#include "base/mem.h"
#include "dso/machine.h"
#include "wire/dns.h"
#include "wire/tlv.h"

/* One whole message and what is known of it. */
struct incoming {
	const uint8_t *data;
	size_t len;
	uint16_t id;
	uint16_t flags;
	uint64_t now_ms;
};

static enum dso_reason reason_of(enum dso_fault fault)
{
	static const uint8_t reasons[] = {
	        [DSO_FAULT_NONE] = DSO_REASON_NONE,       [DSO_FAULT_COUNTS] = DSO_REASON_COUNTS,
	        [DSO_FAULT_NO_TLV] = DSO_REASON_TLV,      [DSO_FAULT_UNKNOWN] = DSO_REASON_UNKNOWN_TYPE,
	        [DSO_FAULT_CONTEXT] = DSO_REASON_CONTEXT, [DSO_FAULT_NOT_FIRST] = DSO_REASON_CONTEXT,
	        [DSO_FAULT_TLV] = DSO_REASON_TLV,         [DSO_FAULT_MISPLACED] = DSO_REASON_CONTEXT,
	        [DSO_FAULT_LENGTH] = DSO_REASON_TLV,
	};
	return reasons[fault];
}

/* The edns-tcp-keepalive option may not come inside a session (7.1.2). True if it did: aborted. */
static bool breaks_edns_rule(struct dso_session *s, const struct incoming *in)
{
	if (s->phase != DSO_PHASE_ESTABLISHED || !dso_has_edns_keepalive(in->data, in->len)) {
		return false;
	}
	dso_end_abort(s, DSO_REASON_EDNS_KEEPALIVE);
	return true;
}

static bool handle_message(struct dso_session *s, const struct incoming *in, struct dso_event *ret_event)
{
	if (breaks_edns_rule(s, in)) {
		return false;
	}
	dso_note_message(s, false, in->now_ms);
	if (s->config->side == DSO_CLIENT) {
		return false;
	}
	size_t cap = s->message_cap;
	if (mem_grow(&s->messages, &cap, (size_t)s->message_count + 1, sizeof(*s->messages))) {
		dso_end_abort(s, DSO_REASON_MEMORY);
		return false;
	}
	s->message_cap = (uint32_t)cap;
	s->messages[s->message_count++] = s->next_token;
	*ret_event = (struct dso_event){.type = DSO_EVENT_MESSAGE, .id = in->id, .token = s->next_token++};
	bytes_reader_init(&ret_event->data, in->data, in->len);
	return true;
}

static bool handle_reply(struct dso_session *s, const struct incoming *in, struct dso_event *ret_event)
{
	if (breaks_edns_rule(s, in)) {
		return false;
	}
	dso_note_message(s, false, in->now_ms);
	struct dso_request *r = dso_requests_find(&s->sent, in->id);
	if (!r || !(r->flags & DSO_REQUEST_F_QUERY)) {
		return false;
	}
	dso_request_done(s, &s->sent, r, in->now_ms);
	*ret_event = (struct dso_event){.type = DSO_EVENT_ANSWER, .id = in->id, .rcode = in->flags & DNS_FLAGS_RCODE};
	bytes_reader_init(&ret_event->data, in->data, in->len);
	return true;
}

/* A client asks for timers: grant what we allow (A22). */
static void grant_keepalive(struct dso_session *s, const struct dso_message *m, uint64_t now_ms)
{
	uint32_t keepalive_ms = m->keepalive_ms < s->grant_k_ms ? m->keepalive_ms : s->grant_k_ms;
	if (keepalive_ms < DSO_KEEPALIVE_MIN_MS) {
		keepalive_ms = DSO_KEEPALIVE_MIN_MS;
	}
	if (dso_send_keepalive(s, m->id, DSO_FLAGS_RESPONSE, s->grant_i_ms, keepalive_ms, m->has_padding, now_ms)) {
		return;
	}
	dso_establish(s, now_ms);
	dso_timers_revise(&s->timers, s->grant_i_ms, keepalive_ms, now_ms);
}

/* Early data may hold only requests of the types marked for it (DSO-088). True if this one may not: aborted. */
static bool breaks_early_rule(struct dso_session *s, const struct dso_message *m)
{
	if (!dso_frames_is_early(&s->frames) || (m->is_request && (!m->has_primary || m->is_early_allowed))) {
		return false;
	}
	dso_end_abort(s, DSO_REASON_EARLY_DATA);
	return true;
}

/* Answer or abort for a request that cannot be executed. */
static void reject_request(struct dso_session *s, const struct dso_message *m, enum dso_fault fault, uint64_t now_ms)
{
	if (fault == DSO_FAULT_CONTEXT) {
		dso_end_abort(s, reason_of(fault));
		return;
	}
	unsigned rcode = fault == DSO_FAULT_UNKNOWN ? DNS_RCODE_DSOTYPENI : DNS_RCODE_FORMERR;
	dso_reply(s, m->id, rcode, DSO_NO_DELAY, m->has_padding, now_ms);
}

static bool handle_request(struct dso_session *s, const struct incoming *in, struct dso_event *ret_event)
{
	/* Before all else: an error reply would look like the end of the operation that has this ID. */
	if (dso_requests_find(&s->received, in->id)) {
		dso_end_abort(s, DSO_REASON_ID_IN_USE);
		return false;
	}
	struct dso_message m;
	enum dso_fault fault = dso_message_read(s->config, in->data, in->len, &m);
	if (breaks_early_rule(s, &m)) {
		return false;
	}
	if (s->phase == DSO_PHASE_CONNECTED) {
		s->phase = DSO_PHASE_ESTABLISHING;
	}
	s->peer_pads |= m.has_padding;
	dso_note_message(s, m.has_primary && m.type == DSO_TLV_KEEPALIVE, in->now_ms);
	if (fault) {
		reject_request(s, &m, fault, in->now_ms);
		return false;
	}
	if (m.type == DSO_TLV_KEEPALIVE) {
		grant_keepalive(s, &m, in->now_ms);
		return false;
	}
	if (dso_requests_add(&s->received, m.id, m.type, m.has_padding ? DSO_REQUEST_F_PADDED : 0, 0)) {
		dso_end_abort(s, DSO_REASON_MEMORY);
		return false;
	}
	*ret_event = (struct dso_event){
	        .type = DSO_EVENT_REQUEST, .id = m.id, .tlv_type = m.type, .data = m.data, .message_len = in->len};
	return true;
}

/* The server revises the timers (7.1). */
static void obey_keepalive(struct dso_session *s, const struct dso_message *m, uint64_t now_ms)
{
	if (m->keepalive_ms < DSO_KEEPALIVE_MIN_MS) {
		dso_end_abort(s, DSO_REASON_KEEPALIVE_VALUE);
		return;
	}
	dso_timers_revise(&s->timers, m->inactivity_ms, m->keepalive_ms, now_ms);
}

static bool handle_unidirectional(struct dso_session *s, const struct incoming *in, struct dso_event *ret_event)
{
	struct dso_message m;
	enum dso_fault fault = dso_message_read(s->config, in->data, in->len, &m);
	if (breaks_early_rule(s, &m)) {
		return false;
	}
	if (fault) {
		dso_end_abort(s, reason_of(fault));
		return false;
	}
	s->peer_pads |= m.has_padding;
	dso_note_message(s, m.type == DSO_TLV_KEEPALIVE, in->now_ms);
	if (m.type == DSO_TLV_KEEPALIVE) {
		obey_keepalive(s, &m, in->now_ms);
		return false;
	}
	if (m.type == DSO_TLV_RETRY_DELAY) {
		*ret_event = (struct dso_event){
		        .type = DSO_EVENT_RETRY_DELAY,
		        .reason = DSO_REASON_RETRY_DELAY,
		        .rcode = in->flags & DNS_FLAGS_RCODE,
		        .has_retry_delay = true,
		        .retry_delay_ms = m.retry_delay_ms,
		};
		/* Nothing but the close may follow, not even what is waiting to be sent (6.6.1). */
		dso_drop_output(s);
		dso_end_close(s, DSO_REASON_RETRY_DELAY);
		return true;
	}
	*ret_event = (struct dso_event){
	        .type = DSO_EVENT_UNIDIRECTIONAL, .tlv_type = m.type, .data = m.data, .message_len = in->len};
	return true;
}

/*
 * The response decides whether there is a session (5.1). True if it did: the
 * frame stays at the front, and is handled as any other response after the
 * owner has been told.
 */
static bool settle_session(struct dso_session *s, const struct dso_request *r, const struct dso_message *m,
                           uint64_t now_ms)
{
	unsigned rcode = m->flags & DNS_FLAGS_RCODE;
	if (s->phase != DSO_PHASE_ESTABLISHING) {
		return false;
	}
	if (rcode == DNS_RCODE_NOERROR) {
		dso_establish(s, now_ms);
		if (r->type == DSO_TLV_KEEPALIVE) {
			dso_timers_revise(&s->timers, m->inactivity_ms, m->keepalive_ms, now_ms);
		}
		s->drop_frame = false;
		return true;
	}
	/* A server that does not know even Keepalive has no DSO to offer. */
	if ((r->flags & DSO_REQUEST_F_FIRST) && (rcode != DNS_RCODE_DSOTYPENI || r->type == DSO_TLV_KEEPALIVE)) {
		s->phase = DSO_PHASE_NO_DSO;
		s->drop_frame = false;
		return true;
	}
	return false;
}

static void fill_response(const struct dso_request *r, const struct dso_message *m, struct dso_event *ret_event)
{
	unsigned rcode = m->flags & DNS_FLAGS_RCODE;
	*ret_event = (struct dso_event){
	        .type = r->state == DSO_REQUEST_LONG_LIVED ? DSO_EVENT_CANCELLED : DSO_EVENT_RESPONSE,
	        .id = r->id,
	        .rcode = (uint16_t)rcode,
	        .tlv_type = m->has_primary ? m->type : 0,
	        .data = m->data,
	};
	/* A delay makes no sense with success (A8). */
	if (rcode != DNS_RCODE_NOERROR && m->has_retry_delay) {
		ret_event->has_retry_delay = true;
		ret_event->retry_delay_ms = m->retry_delay_ms;
	}
}

/* Our Keepalive was answered; an error leaves the old values (A16). */
static bool keepalive_answered(struct dso_session *s, const struct dso_message *m, uint64_t now_ms,
                               struct dso_event *ret_event)
{
	if (s->phase != DSO_PHASE_ESTABLISHED) {
		return false;
	}
	unsigned rcode = m->flags & DNS_FLAGS_RCODE;
	if (rcode == DNS_RCODE_NOERROR) {
		dso_timers_revise(&s->timers, m->inactivity_ms, m->keepalive_ms, now_ms);
	}
	*ret_event = (struct dso_event){
	        .type = DSO_EVENT_FENCE,
	        .id = m->id,
	        .rcode = (uint16_t)rcode,
	        .inactivity_ms = s->timers.inactivity_ms,
	        .keepalive_ms = s->timers.keepalive_ms,
	};
	return true;
}

/* The first response to a request. */
static bool request_answered(struct dso_session *s, struct dso_request *r, const struct dso_message *m, uint64_t now_ms,
                             struct dso_event *ret_event)
{
	uint32_t order = r->order;
	bool keeps_open = (r->flags & DSO_REQUEST_F_LONG) && (m->flags & DNS_FLAGS_RCODE) == DNS_RCODE_NOERROR;
	bool has_event = true;
	if (r->type == DSO_TLV_KEEPALIVE) {
		has_event = keepalive_answered(s, m, now_ms, ret_event);
	} else {
		fill_response(r, m, ret_event);
	}
	if (keeps_open) {
		dso_requests_set(&s->sent, r, DSO_REQUEST_LONG_LIVED);
	} else {
		dso_request_done(s, &s->sent, r, now_ms);
	}
	dso_requests_fence(&s->sent, order);
	return has_event;
}

/* A response to a request that was answered before, or given up. */
static bool late_response(struct dso_session *s, struct dso_request *r, const struct dso_message *m, uint64_t now_ms,
                          struct dso_event *ret_event)
{
	bool success = (m->flags & DNS_FLAGS_RCODE) == DNS_RCODE_NOERROR;
	if (r->state == DSO_REQUEST_DRAINING && (r->flags & DSO_REQUEST_F_AWAITING)) {
		dso_requests_arrived(&s->sent, r);
		return false;
	}
	if (success) {
		dso_end_abort(s, DSO_REASON_RESPONSE);
		return false;
	}
	if (r->state == DSO_REQUEST_DRAINING) {
		return false;
	}
	fill_response(r, m, ret_event);
	dso_request_done(s, &s->sent, r, now_ms);
	return true;
}

/* The phase after a refusal: with nothing more under way another request may be tried. */
static void settle_refusal(struct dso_session *s)
{
	if (s->phase == DSO_PHASE_ESTABLISHING && !dso_requests_await_dso(&s->sent)) {
		s->phase = DSO_PHASE_DECLINED;
	}
}

static bool handle_response(struct dso_session *s, const struct incoming *in, struct dso_event *ret_event)
{
	struct dso_request *r = dso_requests_find(&s->sent, in->id);
	if (!r || (r->flags & DSO_REQUEST_F_QUERY)) {
		dso_end_abort(s, DSO_REASON_RESPONSE);
		return false;
	}
	struct dso_message m;
	enum dso_fault fault = dso_message_read_response(s->config, in->data, in->len, r->type, &m);
	if (fault) {
		dso_end_abort(s, reason_of(fault));
		return false;
	}
	if (m.keepalive_count > 0 && (m.flags & DNS_FLAGS_RCODE) == DNS_RCODE_NOERROR &&
	    m.keepalive_ms < DSO_KEEPALIVE_MIN_MS) {
		dso_end_abort(s, DSO_REASON_KEEPALIVE_VALUE);
		return false;
	}
	dso_note_message(s, r->type == DSO_TLV_KEEPALIVE, in->now_ms);
	if (settle_session(s, r, &m, in->now_ms)) {
		*ret_event =
		        (struct dso_event){.type = DSO_EVENT_NO_DSO, .id = m.id, .rcode = m.flags & DNS_FLAGS_RCODE};
		return s->phase == DSO_PHASE_NO_DSO;
	}
	bool has_event = r->state == DSO_REQUEST_UNANSWERED ? request_answered(s, r, &m, in->now_ms, ret_event)
	                                                    : late_response(s, r, &m, in->now_ms, ret_event);
	settle_refusal(s);
	return has_event;
}

static enum dso_input classify(const struct incoming *in)
{
	if (in->len < DNS_HEADER_LEN) {
		return DSO_IN_SHORT;
	}
	bool response = in->flags & DNS_FLAG_QR;
	if ((in->flags & DNS_FLAGS_OPCODE) >> 11 != DNS_OPCODE_DSO) {
		return response ? DSO_IN_REPLY : DSO_IN_MESSAGE;
	}
	if (response) {
		return DSO_IN_RESPONSE;
	}
	return in->id ? DSO_IN_REQUEST : DSO_IN_UNIDIRECTIONAL;
}

static bool dispatch(struct dso_session *s, enum dso_input input, const struct incoming *in,
                     struct dso_event *ret_event)
{
	switch (input) {
	case DSO_IN_MESSAGE:
		return handle_message(s, in, ret_event);
	case DSO_IN_REPLY:
		return handle_reply(s, in, ret_event);
	case DSO_IN_REQUEST:
		return handle_request(s, in, ret_event);
	case DSO_IN_UNIDIRECTIONAL:
		return handle_unidirectional(s, in, ret_event);
	case DSO_IN_RESPONSE:
		return handle_response(s, in, ret_event);
	default:
		return false;
	}
}

bool dso_receive(struct dso_session *s, const uint8_t *message, size_t len, uint64_t now_ms,
                 struct dso_event *ret_event)
{
	struct bytes_reader r;
	bytes_reader_init(&r, message, len);
	struct incoming in = {.data = message, .len = len, .now_ms = now_ms};
	in.id = bytes_u16(&r);
	in.flags = bytes_u16(&r);
	enum dso_input input = classify(&in);
	switch (dso_decide(s, input)) {
	case DSO_ACTION_HANDLE:
		return dispatch(s, input, &in, ret_event);
	case DSO_ACTION_NOTIMP:
		dso_note_message(s, false, now_ms);
		dso_send_header(s, in.id, DSO_FLAGS_RESPONSE | DNS_RCODE_NOTIMP, now_ms);
		return false;
	case DSO_ACTION_IGNORE:
		dso_note_message(s, false, now_ms);
		return false;
	default:
		return false;
	}
}
