#include "push/codec.h"

#include <string.h>

#include "base/err.h"
#include "wire/dns.h"
#include "wire/message.h"
#include "wire/rdata.h"

enum {
	FRAME_PREFIX_LEN = 2,
	TLV_HEADER_LEN = 4,
	PUSH_DATA_AT = DNS_HEADER_LEN + TLV_HEADER_LEN, /* first change, from the start of the message */
	RR_FIXED_LEN = 10,                              /* TYPE, CLASS, TTL, RDLEN */
	DSO_FLAGS = DNS_OPCODE_DSO << 11,
	TLV_PADDING = 0x0003,
	PADDING_BLOCK = 468, /* A13 */
	TTL_MAX = 0x7fffffff,
	RDATA_MAX = 65535,
	MINUTE_MS = 60 * 1000,
};

const struct dso_type push_types[] = {
        {PUSH_TLV_SUBSCRIBE, DSO_C_PRIMARY | DSO_EARLY_DATA | DSO_RESPONSE_SKIP},
        {PUSH_TLV_PUSH, DSO_S_UNIDIRECTIONAL},
        {PUSH_TLV_UNSUBSCRIBE, DSO_C_UNIDIRECTIONAL},
        {PUSH_TLV_RECONFIRM, DSO_C_UNIDIRECTIONAL},
};
const size_t push_type_count = sizeof(push_types) / sizeof(push_types[0]);

uint32_t push_default_delay_ms(unsigned rcode)
{
	switch (rcode) {
	case DNS_RCODE_SERVFAIL:
		return MINUTE_MS;
	case DNS_RCODE_NOTIMP:
	case DNS_RCODE_DSOTYPENI:
		return 60 * MINUTE_MS;
	default:
		return 5 * MINUTE_MS;
	}
}

bool push_type_is_subscribable(uint16_t type)
{
	return type != 0 && type != DNS_TYPE_OPT && (type < DNS_TYPE_TKEY || type >= DNS_TYPE_ANY);
}

bool push_matches(uint16_t q_type, uint16_t q_class, uint16_t type, uint16_t dns_class)
{
	return (q_class == DNS_CLASS_ANY || q_class == dns_class) &&
	       (q_type == DNS_TYPE_ANY || q_type == type || type == DNS_TYPE_CNAME);
}

int push_subscribe_read(struct bytes_reader *data, struct push_question *ret_question)
{
	struct push_question question;
	int err = wire_name_read(data, WIRE_NAME_PLAIN, &question.name);
	if (err) {
		return err;
	}
	question.type = bytes_u16(data);
	question.dns_class = bytes_u16(data);
	if (!bytes_complete(data)) {
		return data->failed ? ERR_TRUNCATED : ERR_TRAILING;
	}
	if (!push_type_is_subscribable(question.type)) {
		return ERR_FORMERR;
	}
	*ret_question = question;
	return 0;
}

void push_subscribe_write(struct bytes_writer *w, const struct push_question *q)
{
	bytes_put(w, q->name.data, q->name.len);
	bytes_put_u16(w, q->type);
	bytes_put_u16(w, q->dns_class);
}

int push_unsubscribe_read(struct bytes_reader *data, uint16_t *ret_id)
{
	uint16_t id = bytes_u16(data);
	if (!bytes_complete(data)) {
		return data->failed ? ERR_TRUNCATED : ERR_TRAILING;
	}
	*ret_id = id;
	return 0;
}

void push_unsubscribe_write(struct bytes_writer *w, uint16_t id)
{
	bytes_put_u16(w, id);
}

int push_reconfirm_read(struct bytes_reader *data, struct push_reconfirm *ret_record)
{
	struct wire_name name;
	struct bytes_writer w;

	int err = wire_name_read(data, WIRE_NAME_COMPRESSED, &name);
	if (err) {
		return err;
	}
	uint16_t type = bytes_u16(data);
	uint16_t dns_class = bytes_u16(data);
	if (data->failed) {
		return ERR_TRUNCATED;
	}
	if (type == DNS_TYPE_ANY || dns_class == DNS_CLASS_ANY) {
		return ERR_PROTOCOL;
	}
	bytes_writer_init(&w, ret_record->rdata, sizeof(ret_record->rdata));
	err = wire_rdata_read(data, type, &w);
	if (err) {
		return err == ERR_SPACE ? ERR_RDATA : err;
	}
	ret_record->name = name;
	ret_record->type = type;
	ret_record->dns_class = dns_class;
	ret_record->rdata_len = (uint16_t)w.len;
	return 0;
}

int push_reconfirm_write(struct bytes_writer *w, const uint8_t *name, uint16_t type, uint16_t dns_class,
                         const uint8_t *rdata, size_t rdata_len)
{
	if (type == DNS_TYPE_ANY || dns_class == DNS_CLASS_ANY) {
		return ERR_INVALID;
	}
	int err = wire_rdata_check(type, rdata, rdata_len);
	if (err) {
		return err;
	}
	bytes_put(w, name, wire_name_len(name));
	bytes_put_u16(w, type);
	bytes_put_u16(w, dns_class);
	bytes_put(w, rdata, rdata_len);
	return w->failed ? ERR_SPACE : 0;
}

/* One change as it stands in a PUSH. */
struct notification {
	uint16_t type;
	uint16_t dns_class;
	uint32_t ttl;
	struct bytes_reader rdata;
};

static int read_notification(struct bytes_reader *data, struct wire_name *owner, struct notification *n)
{
	int err = wire_name_read(data, WIRE_NAME_COMPRESSED, owner);
	if (err) {
		return err;
	}
	n->type = bytes_u16(data);
	n->dns_class = bytes_u16(data);
	n->ttl = bytes_u32(data);
	n->rdata = bytes_sub(data, bytes_u16(data));
	return data->failed ? ERR_TRUNCATED : 0;
}

static bool is_reserved(const struct notification *n)
{
	return n->ttl > TTL_MAX && n->ttl < PUSH_TTL_COLLECTIVE;
}

/* Expand the rdata of an add or single removal. */
static int expand_rdata(struct notification *n, uint8_t *scratch, size_t *ret_len)
{
	struct bytes_writer w;
	bytes_writer_init(&w, scratch, RDATA_MAX);
	int err = wire_rdata_read(&n->rdata, n->type, &w);
	if (err) {
		return err == ERR_SPACE ? ERR_RDATA : err;
	}
	*ret_len = w.len;
	return 0;
}

static int check_notification(struct notification *n, uint8_t *scratch)
{
	size_t len;
	if (is_reserved(n)) {
		return 0;
	}
	if (n->ttl == PUSH_TTL_COLLECTIVE) {
		return bytes_left(&n->rdata) == 0 ? 0 : ERR_PROTOCOL;
	}
	if (n->type == DNS_TYPE_ANY || n->dns_class == DNS_CLASS_ANY) {
		return ERR_PROTOCOL;
	}
	return expand_rdata(n, scratch, &len);
}

int push_read_check(struct bytes_reader data, size_t message_len)
{
	uint8_t scratch[RDATA_MAX];
	struct wire_name owner;
	struct notification n;

	if (message_len > PUSH_MESSAGE_MAX || data.failed || bytes_left(&data) == 0) {
		return ERR_PROTOCOL;
	}
	while (bytes_left(&data) > 0) {
		int err = read_notification(&data, &owner, &n);
		if (!err) {
			err = check_notification(&n, scratch);
		}
		if (err) {
			return err;
		}
	}
	return 0;
}

void push_read_init(struct push_read *r, struct bytes_reader data, uint8_t *scratch)
{
	r->data = data;
	r->scratch = scratch;
}

/* What a checked notification with a TTL that is not reserved means. */
static int decode(struct push_read *r, struct notification *n, struct feed_change *change)
{
	size_t rdata_len = 0;

	*change = (struct feed_change){.owner = r->owner.data, .type = n->type, .dns_class = n->dns_class};
	if (n->ttl != PUSH_TTL_COLLECTIVE) {
		change->op = n->ttl == PUSH_TTL_REMOVE ? FEED_REMOVE : FEED_ADD;
		change->ttl = change->op == FEED_ADD ? n->ttl : 0;
		change->rdata = r->scratch;
		int err = expand_rdata(n, r->scratch, &rdata_len);
		change->rdata_len = (uint16_t)rdata_len;
		return err;
	}
	if (n->dns_class == DNS_CLASS_ANY) {
		change->op = FEED_REMOVE_ALL;
		change->type = 0;
	} else {
		change->op = n->type == DNS_TYPE_ANY ? FEED_REMOVE_CLASS : FEED_REMOVE_RRSET;
	}
	return 0;
}

bool push_read_next(struct push_read *r, struct feed_change *ret_change)
{
	struct notification n;
	do {
		if (bytes_left(&r->data) == 0 || read_notification(&r->data, &r->owner, &n)) {
			return false;
		}
	} while (is_reserved(&n));
	return decode(r, &n, ret_change) == 0;
}

/* PUSH messages under construction: one at a time in `frame`, whole ones in `out`. */
struct encoder {
	struct wire_builder builder;
	struct buf *out;
	size_t limit; /* bytes of message before padding */
	bool pad;
	uint8_t frame[FRAME_PREFIX_LEN + PUSH_MESSAGE_MAX];
};

static uint8_t *message_of(struct encoder *e)
{
	return e->frame + FRAME_PREFIX_LEN;
}

static bool is_empty(const struct encoder *e)
{
	return e->builder.out.len == PUSH_DATA_AT;
}

static void start_message(struct encoder *e)
{
	wire_build_init_at(&e->builder, message_of(e), e->limit, PUSH_DATA_AT);
}

/* Length of the message once padded: up to the next whole block, as far as a PUSH may reach. */
static size_t padded_len(size_t len)
{
	size_t padded = (len + TLV_HEADER_LEN + PADDING_BLOCK - 1) / PADDING_BLOCK * PADDING_BLOCK;
	return padded < PUSH_MESSAGE_MAX ? padded : PUSH_MESSAGE_MAX;
}

/* Complete the message and append it to the output. */
static int flush_message(struct encoder *e)
{
	uint8_t *message = message_of(e);
	size_t len = e->builder.out.len;
	size_t total = e->pad ? padded_len(len) : len;

	memset(message, 0, DNS_HEADER_LEN);
	bytes_store_u16(message + 2, DSO_FLAGS);
	bytes_store_u16(message + DNS_HEADER_LEN, PUSH_TLV_PUSH);
	bytes_store_u16(message + DNS_HEADER_LEN + 2, (uint16_t)(len - PUSH_DATA_AT));
	if (e->pad) {
		memset(message + len, 0, total - len);
		bytes_store_u16(message + len, TLV_PADDING);
		bytes_store_u16(message + len + 2, (uint16_t)(total - len - TLV_HEADER_LEN));
	}
	bytes_store_u16(e->frame, (uint16_t)total);
	return buf_append(e->out, e->frame, FRAME_PREFIX_LEN + total);
}

/* A collective removal has no rdata whatever its type, so it is no RR to the builder. */
static int put_collective(struct encoder *e, const struct feed_change *c)
{
	struct wire_builder *b = &e->builder;
	struct wire_builder_mark mark = wire_build_mark(b);
	bool all = c->op == FEED_REMOVE_ALL;

	int err = wire_build_name(b, c->owner, true);
	if (err) {
		return err;
	}
	if (e->limit - b->out.len < RR_FIXED_LEN) {
		wire_build_undo(b, &mark);
		return ERR_SPACE;
	}
	bytes_put_u16(&b->out, all ? 0 : c->op == FEED_REMOVE_CLASS ? DNS_TYPE_ANY : c->type);
	bytes_put_u16(&b->out, all ? DNS_CLASS_ANY : c->dns_class);
	bytes_put_u32(&b->out, PUSH_TTL_COLLECTIVE);
	bytes_put_u16(&b->out, 0);
	return 0;
}

static int put_change(struct encoder *e, const struct feed_change *c)
{
	if (c->op != FEED_ADD && c->op != FEED_REMOVE) {
		return put_collective(e, c);
	}
	uint32_t ttl = c->op == FEED_REMOVE ? PUSH_TTL_REMOVE : c->ttl <= TTL_MAX ? c->ttl : 0;
	return wire_build_rr(&e->builder, c->owner, c->type, c->dns_class, ttl, c->rdata, c->rdata_len,
	                     WIRE_COMPRESS_PUSH);
}

/* Changes from `c` on that touch the same RRset one after the other. */
static size_t group_len(const struct feed_change *c, size_t count)
{
	size_t n = 1;
	while (n < count && c[n].type == c->type && c[n].dns_class == c->dns_class &&
	       (c[n].owner == c->owner || wire_name_equal(c[n].owner, c->owner))) {
		n++;
	}
	return n;
}

/* How many of the changes fit behind what the message holds. */
static size_t put_some(struct encoder *e, const struct feed_change *c, size_t count)
{
	size_t n = 0;
	while (n < count && put_change(e, &c[n]) == 0) {
		n++;
	}
	return n;
}

/* Write the changes of one RRset: into this message, else into one of their own, else into several. */
static int put_group(struct encoder *e, const struct feed_change *c, size_t count)
{
	struct wire_builder_mark mark = wire_build_mark(&e->builder);
	bool was_empty = is_empty(e);
	size_t done = put_some(e, c, count);

	if (done < count && !was_empty) {
		wire_build_undo(&e->builder, &mark);
		done = 0;
	}
	while (done < count) {
		if (is_empty(e)) {
			return ERR_SPACE;
		}
		int err = flush_message(e);
		if (err) {
			return err;
		}
		start_message(e);
		done += put_some(e, c + done, count - done);
	}
	return 0;
}

int push_encode(const struct feed_change *changes, size_t count, bool pad, struct buf *out)
{
	struct encoder e;
	size_t before = buf_len(out);
	int err = 0;

	if (count == 0) {
		return 0;
	}
	e.out = out;
	e.pad = pad;
	e.limit = pad ? PUSH_MESSAGE_MAX - TLV_HEADER_LEN : PUSH_MESSAGE_MAX;
	start_message(&e);
	for (size_t at = 0; at < count && !err;) {
		size_t n = group_len(changes + at, count - at);
		err = put_group(&e, changes + at, n);
		at += n;
	}
	if (!err) {
		err = flush_message(&e);
	}
	if (err) {
		out->end = out->start + before;
	}
	return err;
}
