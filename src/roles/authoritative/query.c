/* Ordinary messages: queries and the way of an UPDATE to the writer and back. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "conn/hmac.h"
#include "roles/authoritative/internal.h"
#include "update/rfc2136.h"
#include "wire/dns.h"
#include "zone/answer.h"

enum { UDP_SIZE = 1232 }; /* what we announce and the most that we send over UDP (no fragments, RFC 9715) */

/* One exchange on its way. */
struct exchange {
	struct serve *serve;
	const struct serve_request *request;
	struct wire_message message;
	struct wire_tsig_state tsig;
	bool has_tsig;
	bool has_edns;
	uint8_t *out;
	size_t limit; /* of the answer in bytes */
};

/* Flags of an answer that the query decides: QR, opcode, RD. */
static uint16_t base_flags(const struct wire_header *h)
{
	return (uint16_t)(DNS_FLAG_QR | (h->flags & (DNS_FLAGS_OPCODE | DNS_FLAG_RD)));
}

/* A bare header, for what could not be read. */
static size_t answer_header(const struct wire_header *h, unsigned rcode, uint8_t *out)
{
	struct bytes_writer w;
	bytes_writer_init(&w, out, DNS_HEADER_LEN);
	bytes_put_u16(&w, h->id);
	bytes_put_u16(&w, (uint16_t)(base_flags(h) | rcode));
	for (int i = 0; i < 4; i++) {
		bytes_put_u16(&w, 0);
	}
	return w.len;
}

static uint64_t now_s(const struct serve *s)
{
	return s->callbacks.now_s(s->context);
}

/* Question echoed; room kept for OPT and TSIG. */
static void start_answer(struct exchange *x, struct wire_builder *b)
{
	const struct wire_message *m = &x->message;
	wire_build_init(b, x->out, x->limit, m->header.id, base_flags(&m->header));
	if (m->header.qdcount == 1) {
		wire_build_question(b, m->question.name.data, m->question.type, m->question.dns_class);
	}
	wire_build_reserve(b, (x->has_edns ? WIRE_OPT_LEN : 0) + (x->has_tsig ? wire_tsig_space(&x->tsig) : 0));
}

static int sign(struct exchange *x, size_t *len)
{
	return wire_tsig_sign(x->out, *len, x->limit, false, &x->tsig, conn_hmac, now_s(x->serve), len);
}

/* OPT, counts, TSIG. Returns the length of the answer. */
static size_t finish_answer(struct exchange *x, struct wire_builder *b, uint16_t flags, unsigned rcode)
{
	flags = (uint16_t)((flags & ~DNS_FLAGS_RCODE) | base_flags(&x->message.header) | (rcode & DNS_FLAGS_RCODE));
	if (x->has_edns) {
		wire_build_section(b, WIRE_SECTION_ADDITIONAL);
		wire_build_opt(b, UDP_SIZE, x->message.edns.dnssec_ok, rcode);
	}
	size_t len = wire_build_finish(b, flags);
	if (!x->has_tsig || !sign(x, &len)) {
		return len;
	}
	/* The TSIG of long names leaves no room in a small datagram: a bare truncated answer (RFC 8945 5.3). */
	wire_build_init(b, x->out, x->limit, x->message.header.id, flags);
	len = wire_build_finish(b, (uint16_t)(flags | DNS_FLAG_TC));
	return sign(x, &len) ? 0 : len;
}

static size_t answer_rcode(struct exchange *x, unsigned rcode)
{
	struct wire_builder b;
	start_answer(x, &b);
	return finish_answer(x, &b, 0, rcode);
}

static struct net_acl_subject subject(const struct exchange *x)
{
	return (struct net_acl_subject){
	        .address = x->request->peer,
	        .stream = x->request->stream,
	        .key = x->has_tsig && x->tsig.key ? x->tsig.key->name.data : NULL,
	        .key_len = x->has_tsig && x->tsig.key ? x->tsig.key->name.len : 0,
	};
}

static size_t refuse(struct exchange *x, unsigned rcode)
{
	x->serve->counters.refused++;
	return answer_rcode(x, rcode);
}

static size_t answer_query(struct exchange *x)
{
	struct serve *s = x->serve;
	const struct wire_question *q = &x->message.question;

	if (x->message.header.qdcount != 1) {
		s->counters.malformed++;
		return answer_rcode(x, DNS_RCODE_FORMERR);
	}
	if (q->type != DNS_TYPE_ANY && wire_type_is_meta(q->type)) {
		/* Transfers and mail types that we do not give; OPT, TSIG and their like are no question at all. */
		bool askable = q->type >= DNS_TYPE_IXFR && q->type <= DNS_TYPE_MAILA;
		s->counters.not_implemented++;
		return answer_rcode(x, askable ? DNS_RCODE_NOTIMP : DNS_RCODE_FORMERR);
	}
	if (q->dns_class != DNS_CLASS_IN && q->dns_class != DNS_CLASS_ANY) {
		return refuse(x, DNS_RCODE_REFUSED);
	}
	struct serve_zone *z = serve_find_zone(s, q->name.data, q->type);
	struct net_acl_subject who = subject(x);
	if (!z || !net_acl_match(&z->policy->query, &who)) {
		return refuse(x, DNS_RCODE_REFUSED);
	}
	struct wire_builder b;
	uint16_t flags = 0;
	start_answer(x, &b);
	if (zone_answer(z->snapshot, q, x->has_edns && x->message.edns.dnssec_ok, &b, &flags)) {
		return answer_rcode(x, DNS_RCODE_SERVFAIL);
	}
	return finish_answer(x, &b, flags, flags & DNS_FLAGS_RCODE);
}

/* Authorise before memory: only what may change the zone is copied for the writer. */
static size_t accept_update(struct exchange *x, struct serve_update **ret_update)
{
	struct serve *s = x->serve;
	struct wire_question zone;
	int err = update_zone(&x->message, &zone);
	if (err) {
		s->counters.malformed++;
		return answer_rcode(x, err_rcode(err));
	}
	struct serve_zone *z = serve_find_zone(s, zone.name.data, DNS_TYPE_SOA);
	if (!z || !wire_name_equal(zone_snapshot_origin(z->snapshot), zone.name.data)) {
		s->counters.updates_refused++;
		return answer_rcode(x, DNS_RCODE_NOTAUTH);
	}
	struct net_acl_subject who = subject(x);
	if (!net_acl_match(&z->policy->update, &who)) {
		s->counters.updates_refused++;
		return answer_rcode(x, DNS_RCODE_REFUSED);
	}
	struct serve_update *u = mem_alloc(sizeof(*u) + x->request->len);
	if (!u) {
		return answer_rcode(x, DNS_RCODE_SERVFAIL);
	}
	*u = (struct serve_update){
	        .zone_id = z->id,
	        .tsig = x->tsig,
	        .has_tsig = x->has_tsig,
	        .has_edns = x->has_edns,
	        .by_stream = x->request->stream != NULL,
	        .peer = *x->request->peer,
	        .len = x->request->len,
	};
	memcpy(u->message, x->request->data, u->len);
	s->counters.updates++;
	*ret_update = u;
	return 0;
}

void serve_update_free(struct serve_update *u)
{
	mem_free(u);
}

/* The limit of an answer: EDNS and our own size over UDP, what fits on a stream. */
static size_t answer_limit(const struct exchange *x, size_t cap)
{
	size_t limit = DNS_MESSAGE_MAX;
	if (!x->request->stream) {
		limit = DNS_UDP_DEFAULT;
		if (x->has_edns && x->message.edns.udp_size > limit) {
			limit = x->message.edns.udp_size < UDP_SIZE ? x->message.edns.udp_size : UDP_SIZE;
		}
	}
	return limit < cap ? limit : cap;
}

/* False if the TSIG is not good; the answer says why. */
static bool check_tsig(struct exchange *x, int *ret_err)
{
	struct serve *s = x->serve;
	x->has_tsig = true;
	int err =
	        wire_tsig_check_request(&x->message, s->callbacks.find_key, s->context, conn_hmac, now_s(s), &x->tsig);
	if (err) {
		s->counters.tsig_failed++;
		if (err == ERR_FORMERR || err_class(err) == ERR_CLASS_LOCAL) {
			x->has_tsig = false; /* nothing to sign with and nothing to say about it */
		}
	}
	*ret_err = err;
	return err == 0;
}

static void count_query(struct serve *s, const struct serve_request *r)
{
	if (!r->stream) {
		s->counters.queries_udp++;
	} else if (r->tls) {
		s->counters.queries_tls++;
	} else {
		s->counters.queries_tcp++;
	}
}

size_t serve_query(struct serve *s, const struct serve_request *r, uint8_t *out, size_t cap,
                   struct serve_update **ret_update)
{
	struct exchange x = {.serve = s, .request = r, .out = out};
	int err = wire_message_read(r->data, r->len, &x.message);
	const struct wire_header *h = &x.message.header;

	if (r->len < DNS_HEADER_LEN || h->flags & DNS_FLAG_QR) {
		s->counters.malformed++;
		return 0;
	}
	unsigned opcode = wire_header_opcode(h);
	if (opcode != DNS_OPCODE_QUERY && opcode != DNS_OPCODE_UPDATE) {
		s->counters.not_implemented++;
		return answer_header(h, DNS_RCODE_NOTIMP, out);
	}
	if (err) {
		s->counters.malformed++;
		return answer_header(h, DNS_RCODE_FORMERR, out);
	}
	x.has_edns = x.message.edns.present;
	x.limit = answer_limit(&x, cap);
	count_query(s, r);
	if (x.message.has_tsig && !check_tsig(&x, &err)) {
		return answer_rcode(&x, err_rcode(err));
	}
	if (x.has_edns && x.message.edns.version != 0) {
		return answer_rcode(&x, DNS_RCODE_BADVERS);
	}
	return opcode == DNS_OPCODE_UPDATE ? accept_update(&x, ret_update) : answer_query(&x);
}

size_t serve_update_answer(struct serve *s, struct serve_update *u, uint8_t *out, size_t cap)
{
	struct serve_request r = {.data = u->message, .len = u->len, .peer = &u->peer};
	struct exchange x = {.serve = s,
	                     .request = &r,
	                     .tsig = u->tsig,
	                     .has_tsig = u->has_tsig,
	                     .has_edns = u->has_edns,
	                     .out = out};
	if (wire_message_read(u->message, u->len, &x.message)) {
		return 0;
	}
	/* The names of zone and key together may need more than a plain datagram holds. */
	x.limit = u->by_stream ? cap : answer_limit(&x, cap);
	return answer_rcode(&x, err_rcode(u->result));
}
