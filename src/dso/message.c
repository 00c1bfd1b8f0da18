#include "dso/message.h"

#include "wire/dns.h"
#include "wire/tlv.h"

enum {
	PRIMARY_ANY = DSO_C_PRIMARY | DSO_C_UNIDIRECTIONAL | DSO_S_PRIMARY | DSO_S_UNIDIRECTIONAL,
};

/* Types of DSO itself (8.2). */
static const struct dso_type own_types[] = {
        {DSO_TLV_KEEPALIVE, DSO_C_PRIMARY | DSO_CR_PRIMARY | DSO_S_UNIDIRECTIONAL | DSO_EARLY_DATA},
        {DSO_TLV_RETRY_DELAY, DSO_CR_ADDITIONAL | DSO_S_UNIDIRECTIONAL | DSO_SR_ADDITIONAL},
        {DSO_TLV_PADDING, DSO_C_ADDITIONAL | DSO_CR_ADDITIONAL | DSO_S_ADDITIONAL | DSO_SR_ADDITIONAL},
};

unsigned dso_type_contexts(const struct dso_config *c, uint16_t type)
{
	for (size_t i = 0; i < sizeof(own_types) / sizeof(own_types[0]); i++) {
		if (own_types[i].type == type) {
			return own_types[i].contexts;
		}
	}
	for (size_t i = 0; i < c->type_count; i++) {
		if (c->types[i].type == type) {
			return c->types[i].contexts;
		}
	}
	return 0;
}

static bool read_header(struct bytes_reader *r, struct dso_message *m)
{
	m->id = bytes_u16(r);
	m->flags = bytes_u16(r);
	m->is_request = !(m->flags & DNS_FLAG_QR) && m->id != 0;
	uint64_t counts = bytes_u32(r);
	counts |= bytes_u32(r);
	return counts == 0;
}

/* What is wrong with the primary TLV of a message with QR=0 (dso.md part 1). */
static enum dso_fault check_primary(const struct dso_config *c, const struct dso_message *m, unsigned contexts)
{
	if (contexts == 0) {
		return DSO_FAULT_UNKNOWN;
	}
	if (!(contexts & PRIMARY_ANY)) {
		return DSO_FAULT_NOT_FIRST;
	}
	unsigned wanted;
	if (c->side == DSO_SERVER) {
		wanted = m->is_request ? DSO_C_PRIMARY : DSO_C_UNIDIRECTIONAL;
	} else {
		wanted = m->is_request ? DSO_S_PRIMARY : DSO_S_UNIDIRECTIONAL;
	}
	return contexts & wanted ? DSO_FAULT_NONE : DSO_FAULT_CONTEXT;
}

/* Walk the TLVs behind the primary one. */
static enum dso_fault read_additional(const struct dso_config *c, struct bytes_reader *r, struct dso_message *m)
{
	unsigned allowed = c->side == DSO_SERVER ? DSO_C_ADDITIONAL : DSO_S_ADDITIONAL;
	enum dso_fault fault = DSO_FAULT_NONE;
	bool padding = false;
	while (bytes_left(r) > 0) {
		struct wire_tlv tlv;
		if (wire_tlv_read(r, &tlv)) {
			return DSO_FAULT_TLV;
		}
		unsigned contexts = dso_type_contexts(c, tlv.type);
		padding |= tlv.type == DSO_TLV_PADDING;
		if (contexts && !(contexts & allowed)) {
			fault = DSO_FAULT_MISPLACED;
		}
	}
	m->has_padding = padding;
	return fault;
}

static bool read_keepalive(struct bytes_reader data, struct dso_message *m)
{
	m->inactivity_ms = bytes_u32(&data);
	m->keepalive_ms = bytes_u32(&data);
	return bytes_complete(&data);
}

static bool read_retry_delay(struct bytes_reader data, struct dso_message *m)
{
	m->retry_delay_ms = bytes_u32(&data);
	m->has_retry_delay = bytes_complete(&data);
	return m->has_retry_delay;
}

/* The data of the TLVs that are ours; types of protocols above are checked there. */
static bool read_own(struct dso_message *m)
{
	switch (m->type) {
	case DSO_TLV_KEEPALIVE:
		return read_keepalive(m->data, m);
	case DSO_TLV_RETRY_DELAY:
		return read_retry_delay(m->data, m);
	default:
		return true;
	}
}

enum dso_fault dso_message_read(const struct dso_config *c, const uint8_t *data, size_t len,
                                struct dso_message *ret_message)
{
	struct dso_message *m = ret_message;
	*m = (struct dso_message){0};
	struct bytes_reader r;
	bytes_reader_init(&r, data, len);
	if (!read_header(&r, m)) {
		return DSO_FAULT_COUNTS;
	}
	struct wire_tlv primary;
	if (wire_tlv_read(&r, &primary)) {
		return DSO_FAULT_NO_TLV;
	}
	unsigned contexts = dso_type_contexts(c, primary.type);
	m->has_primary = true;
	m->type = primary.type;
	m->data = primary.data;
	m->is_early_allowed = contexts & DSO_EARLY_DATA;
	enum dso_fault fault = check_primary(c, m, contexts);
	/* Walked in any case, since the answer to an unknown type may have to be padded. */
	enum dso_fault later = read_additional(c, &r, m);
	if (fault == DSO_FAULT_NOT_FIRST && later != DSO_FAULT_TLV) {
		m->has_padding |= primary.type == DSO_TLV_PADDING;
	}
	if (fault || later) {
		return fault ? fault : later;
	}
	return read_own(m) ? DSO_FAULT_NONE : DSO_FAULT_LENGTH;
}

/* One TLV of a response (A4, A8, DSO-112..116). */
static enum dso_fault read_response_tlv(const struct dso_config *c, const struct wire_tlv *tlv, uint16_t request_type,
                                        struct dso_message *m)
{
	unsigned contexts = dso_type_contexts(c, tlv->type);
	unsigned primary = c->side == DSO_CLIENT ? DSO_CR_PRIMARY : DSO_SR_PRIMARY;
	unsigned additional = c->side == DSO_CLIENT ? DSO_CR_ADDITIONAL : DSO_SR_ADDITIONAL;
	if (contexts == 0 || ((contexts & DSO_RESPONSE_SKIP) && tlv->type == request_type)) {
		return DSO_FAULT_NONE;
	}
	if (tlv->type == request_type && (contexts & primary)) {
		if (!m->has_primary) {
			m->has_primary = true;
			m->type = tlv->type;
			m->data = tlv->data;
		}
		if (tlv->type == DSO_TLV_KEEPALIVE) {
			m->keepalive_count++;
			return read_keepalive(tlv->data, m) ? DSO_FAULT_NONE : DSO_FAULT_LENGTH;
		}
		return DSO_FAULT_NONE;
	}
	if (!(contexts & additional)) {
		return DSO_FAULT_MISPLACED;
	}
	if (tlv->type == DSO_TLV_RETRY_DELAY) {
		return !m->has_retry_delay && read_retry_delay(tlv->data, m) ? DSO_FAULT_NONE : DSO_FAULT_LENGTH;
	}
	m->has_padding |= tlv->type == DSO_TLV_PADDING;
	return DSO_FAULT_NONE;
}

enum dso_fault dso_message_read_response(const struct dso_config *c, const uint8_t *data, size_t len,
                                         uint16_t request_type, struct dso_message *ret_message)
{
	struct dso_message *m = ret_message;
	*m = (struct dso_message){0};
	struct bytes_reader r;
	bytes_reader_init(&r, data, len);
	if (!read_header(&r, m)) {
		return DSO_FAULT_COUNTS;
	}
	while (bytes_left(&r) > 0) {
		struct wire_tlv tlv;
		if (wire_tlv_read(&r, &tlv)) {
			return DSO_FAULT_TLV;
		}
		enum dso_fault fault = read_response_tlv(c, &tlv, request_type, m);
		if (fault) {
			return fault;
		}
	}
	/* A granted Keepalive says exactly once what was granted (7.1). */
	if (request_type == DSO_TLV_KEEPALIVE && (m->flags & DNS_FLAGS_RCODE) == 0 && m->keepalive_count != 1) {
		return DSO_FAULT_LENGTH;
	}
	return DSO_FAULT_NONE;
}
