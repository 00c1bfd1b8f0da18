#include "wire/message.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "wire/dns.h"

enum {
	EDNS_OPTION_TCP_KEEPALIVE = 11, /* RFC 7828 */
	EDNS_FLAG_DO = 0x8000,
	POINTER_MAX = 0x3fff, /* the furthest place a pointer can aim at */
	PROBES_MAX = 16,      /* slots looked at for one suffix */
};

unsigned wire_header_opcode(const struct wire_header *h)
{
	return (h->flags & DNS_FLAGS_OPCODE) >> 11;
}

unsigned wire_header_rcode(const struct wire_header *h)
{
	return h->flags & DNS_FLAGS_RCODE;
}

int wire_header_read(struct bytes_reader *r, struct wire_header *ret_header)
{
	struct wire_header header = {
	        .id = bytes_u16(r),
	};
	header.flags = bytes_u16(r);
	header.qdcount = bytes_u16(r);
	header.ancount = bytes_u16(r);
	header.nscount = bytes_u16(r);
	header.arcount = bytes_u16(r);
	if (r->failed) {
		return ERR_TRUNCATED;
	}
	*ret_header = header;
	return 0;
}

int wire_question_read(struct bytes_reader *r, struct wire_question *ret_question)
{
	struct wire_question question;
	int err = wire_name_read(r, WIRE_NAME_COMPRESSED, &question.name);
	if (err) {
		return err;
	}
	question.type = bytes_u16(r);
	question.dns_class = bytes_u16(r);
	if (r->failed) {
		return ERR_TRUNCATED;
	}
	*ret_question = question;
	return 0;
}

int wire_rr_read(struct bytes_reader *r, struct wire_rr *ret_rr)
{
	struct wire_rr rr;
	rr.offset = bytes_offset(r);
	int err = wire_name_read(r, WIRE_NAME_COMPRESSED, &rr.owner);
	if (err) {
		return err;
	}
	rr.type = bytes_u16(r);
	rr.dns_class = bytes_u16(r);
	rr.ttl = bytes_u32(r);
	rr.rdata = bytes_sub(r, bytes_u16(r));
	if (r->failed) {
		return ERR_TRUNCATED;
	}
	*ret_rr = rr;
	return 0;
}

/* Take in an OPT (RFC 6891 6.1): root owner, options framed exactly. */
static int edns_read(const struct wire_rr *rr, struct wire_edns *ret_edns)
{
	struct wire_edns edns = {
	        .present = true,
	        .udp_size = rr->dns_class,
	        .extended_rcode = (uint8_t)(rr->ttl >> 24),
	        .version = (uint8_t)(rr->ttl >> 16),
	        .dnssec_ok = (rr->ttl & EDNS_FLAG_DO) != 0,
	        .options = rr->rdata,
	};
	struct bytes_reader options = rr->rdata;

	while (bytes_left(&options) > 0) {
		uint16_t code = bytes_u16(&options);
		bytes_sub(&options, bytes_u16(&options));
		edns.tcp_keepalive |= code == EDNS_OPTION_TCP_KEEPALIVE;
	}
	if (options.failed || rr->owner.len != 1) {
		return ERR_FORMERR;
	}
	*ret_edns = edns;
	return 0;
}

/* RRs that mean something for the whole message and may stand in one place only. */
static int note_meta_rr(const struct wire_rr *rr, bool additional, bool last, struct wire_message *m)
{
	if (rr->type == DNS_TYPE_OPT) {
		return additional && !m->edns.present ? edns_read(rr, &m->edns) : ERR_FORMERR;
	}
	if (rr->type == DNS_TYPE_TSIG) {
		if (!additional || !last || rr->dns_class != DNS_CLASS_ANY || rr->ttl != 0) {
			return ERR_FORMERR;
		}
		m->has_tsig = true;
		m->tsig = *rr;
	}
	return 0;
}

/* Walk one section; *ret_section begins at its first RR and ends behind its last one. */
static int section_read(struct bytes_reader *r, unsigned count, bool additional, struct wire_message *m,
                        struct bytes_reader *ret_section)
{
	struct bytes_reader section = *r;
	struct wire_rr rr;

	for (unsigned i = 0; i < count; i++) {
		int err = wire_rr_read(r, &rr);
		if (!err) {
			err = note_meta_rr(&rr, additional, i + 1 == count, m);
		}
		if (err) {
			return err;
		}
	}
	section.end = r->pos;
	*ret_section = section;
	return 0;
}

static int questions_read(struct bytes_reader *r, struct wire_message *m)
{
	for (unsigned i = 0; i < m->header.qdcount; i++) {
		struct wire_question further;
		int err = wire_question_read(r, i == 0 ? &m->question : &further);
		if (err) {
			return err;
		}
	}
	return 0;
}

int wire_message_read(const uint8_t *data, size_t len, struct wire_message *ret_message)
{
	struct wire_message *m = ret_message;
	struct bytes_reader r;

	memset(m, 0, sizeof(*m));
	m->data = data;
	m->len = len;
	bytes_reader_init(&r, data, len);
	int err = wire_header_read(&r, &m->header);
	if (!err) {
		err = questions_read(&r, m);
	}
	if (!err) {
		err = section_read(&r, m->header.ancount, false, m, &m->answer);
	}
	if (!err) {
		err = section_read(&r, m->header.nscount, false, m, &m->authority);
	}
	if (!err) {
		err = section_read(&r, m->header.arcount, true, m, &m->additional);
	}
	if (err) {
		return err;
	}
	return bytes_complete(&r) ? 0 : ERR_TRAILING;
}

/* The writer's end is the limit less what is reserved, but never before what is written. */
static void set_cap(struct wire_builder *b)
{
	size_t cap = b->limit > b->reserved ? b->limit - b->reserved : 0;
	b->out.cap = cap > b->out.len ? cap : b->out.len;
}

void wire_build_init_at(struct wire_builder *b, void *memory, size_t limit, size_t offset)
{
	assert(offset <= limit);
	limit = limit < DNS_MESSAGE_MAX ? limit : DNS_MESSAGE_MAX;
	memset(b, 0, sizeof(*b));
	bytes_writer_init(&b->out, memory, limit);
	b->out.len = offset;
	b->limit = limit;
	b->section = WIRE_SECTION_ANSWER;
}

void wire_build_init(struct wire_builder *b, void *memory, size_t limit, uint16_t id, uint16_t flags)
{
	assert(limit >= DNS_HEADER_LEN);
	wire_build_init_at(b, memory, limit, 0);
	bytes_put_u16(&b->out, id);
	bytes_put_u16(&b->out, flags);
	bytes_put_u32(&b->out, 0);
	bytes_put_u32(&b->out, 0);
}

struct wire_builder_mark wire_build_mark(const struct wire_builder *b)
{
	struct wire_builder_mark mark = {.len = b->out.len, .name_count = b->name_count, .section = b->section};
	memcpy(mark.counts, b->counts, sizeof(mark.counts));
	return mark;
}

void wire_build_undo(struct wire_builder *b, const struct wire_builder_mark *mark)
{
	assert(mark->len <= b->out.len && mark->name_count <= b->name_count);
	/* Taken out in reverse order, the slots are again what they were: no probe ran past a later entry. */
	while (b->name_count > mark->name_count) {
		b->table[b->order[--b->name_count]] = 0;
	}
	b->out.len = mark->len;
	b->out.failed = false;
	b->section = mark->section;
	memcpy(b->counts, mark->counts, sizeof(b->counts));
	set_cap(b);
}

void wire_build_reserve(struct wire_builder *b, size_t len)
{
	b->reserved += len;
	set_cap(b);
}

/* Byte-exact: is the name that stands at `offset` of our own output this one? */
static bool stands_at(const struct wire_builder *b, size_t offset, const uint8_t *wire)
{
	const uint8_t *there = b->out.base + offset;
	for (;;) {
		if (*there >= 0xc0) {
			there = b->out.base + (bytes_load_u16(there) & POINTER_MAX);
			continue;
		}
		if (*there != *wire || memcmp(there + 1, wire + 1, *wire) != 0) {
			return false;
		}
		if (*wire == 0) {
			return true;
		}
		there += 1u + *wire;
		wire += 1u + *wire;
	}
}

/*
 * Look a suffix up. Returns the offset at which it stands, or 0 with the free
 * slot to enter it at, or with WIRE_BUILDER_NAMES if there is none near.
 */
static size_t find_suffix(const struct wire_builder *b, const uint8_t *suffix, uint32_t hash, unsigned *ret_slot)
{
	*ret_slot = WIRE_BUILDER_NAMES;
	for (unsigned probe = 0; probe < PROBES_MAX; probe++) {
		unsigned slot = (hash + probe) % WIRE_BUILDER_NAMES;
		if (b->table[slot] == 0) {
			*ret_slot = slot;
			return 0;
		}
		if (stands_at(b, b->table[slot], suffix)) {
			return b->table[slot];
		}
	}
	return 0;
}

/* Remember that `suffix` stands at `offset`, if a pointer can reach it and there is room. */
static void enter_suffix(struct wire_builder *b, const uint8_t *suffix, uint32_t hash, size_t offset)
{
	unsigned slot;
	if (offset < DNS_HEADER_LEN || offset > POINTER_MAX ||
	    b->name_count == sizeof(b->order) / sizeof(b->order[0]) || find_suffix(b, suffix, hash, &slot) != 0 ||
	    slot == WIRE_BUILDER_NAMES) {
		return;
	}
	b->table[slot] = (uint16_t)offset;
	b->order[b->name_count++] = (uint16_t)slot;
}

struct suffix {
	uint8_t start; /* in the name */
	uint32_t hash;
};

/* All suffixes of a name but the root, longest first, each with its hash. Returns how many. */
static unsigned list_suffixes(const uint8_t *name, struct suffix suffixes[DNS_LABELS_MAX])
{
	unsigned count = 0;
	for (size_t at = 0; name[at]; at += 1u + name[at]) {
		suffixes[count++].start = (uint8_t)at;
	}
	uint32_t hash = 0x811c9dc5;
	for (unsigned i = count; i > 0; i--) {
		const uint8_t *label = name + suffixes[i - 1].start;
		for (unsigned j = 0; j <= label[0]; j++) {
			hash = (hash ^ label[j]) * 0x01000193;
		}
		suffixes[i - 1].hash = hash ^ hash >> 15;
	}
	return count;
}

int wire_build_name(struct wire_builder *b, const uint8_t *name, bool compress)
{
	struct suffix suffixes[DNS_LABELS_MAX];
	struct wire_builder_mark mark = wire_build_mark(b);
	unsigned count = list_suffixes(name, suffixes);
	unsigned plain = 0; /* labels written out */
	size_t target = 0;
	unsigned slot;

	if (b->out.failed) {
		return ERR_SPACE;
	}
	while (plain < count) {
		if (compress) {
			target = find_suffix(b, name + suffixes[plain].start, suffixes[plain].hash, &slot);
		}
		if (target) {
			break;
		}
		plain++;
	}
	size_t plain_len = plain < count ? suffixes[plain].start : wire_name_len(name) - 1;
	bytes_put(&b->out, name, plain_len);
	if (target) {
		bytes_put_u16(&b->out, (uint16_t)(0xc000 | target));
	} else {
		bytes_put_u8(&b->out, 0);
	}
	if (b->out.failed) {
		wire_build_undo(b, &mark);
		return ERR_SPACE;
	}
	for (unsigned i = 0; i < plain; i++) {
		enter_suffix(b, name + suffixes[i].start, suffixes[i].hash, mark.len + suffixes[i].start);
	}
	return 0;
}

int wire_build_question(struct wire_builder *b, const uint8_t *name, uint16_t type, uint16_t dns_class)
{
	struct wire_builder_mark mark = wire_build_mark(b);
	int err = wire_build_name(b, name, true);
	bytes_put_u16(&b->out, type);
	bytes_put_u16(&b->out, dns_class);
	if (err || b->out.failed) {
		wire_build_undo(b, &mark);
		return ERR_SPACE;
	}
	b->counts[WIRE_SECTION_QUESTION]++;
	return 0;
}

void wire_build_section(struct wire_builder *b, enum wire_section section)
{
	assert((unsigned)section >= b->section);
	b->section = section;
}

static int build_part(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	struct wire_builder *b = context;
	if (is_name) {
		return wire_build_name(b, bytes, true);
	}
	bytes_put(&b->out, bytes, len);
	return b->out.failed ? ERR_SPACE : 0;
}

/* Rdata with its length in front. */
static int build_rdata(struct wire_builder *b, uint16_t type, const uint8_t *rdata, size_t rdata_len,
                       enum wire_compress compress)
{
	size_t length_at = b->out.len;
	int err = 0;

	bytes_put_u16(&b->out, (uint16_t)rdata_len);
	if (rdata_len > 0 && wire_rdata_compressible(type, compress)) {
		err = wire_rdata_parts(type, rdata, rdata_len, build_part, b);
	} else {
		bytes_put(&b->out, rdata, rdata_len);
	}
	if (err || b->out.failed) {
		return ERR_SPACE;
	}
	bytes_patch_u16(&b->out, length_at, (uint16_t)(b->out.len - length_at - 2));
	return 0;
}

int wire_build_rr(struct wire_builder *b, const uint8_t *owner, uint16_t type, uint16_t dns_class, uint32_t ttl,
                  const uint8_t *rdata, size_t rdata_len, enum wire_compress compress)
{
	struct wire_builder_mark mark = wire_build_mark(b);
	int err = wire_build_name(b, owner, true);

	assert(rdata_len <= UINT16_MAX);
	bytes_put_u16(&b->out, type);
	bytes_put_u16(&b->out, dns_class);
	bytes_put_u32(&b->out, ttl);
	if (!err) {
		err = build_rdata(b, type, rdata, rdata_len, compress);
	}
	if (err) {
		wire_build_undo(b, &mark);
		return ERR_SPACE;
	}
	b->counts[b->section]++;
	return 0;
}

int wire_build_opt(struct wire_builder *b, uint16_t udp_size, bool dnssec_ok, unsigned rcode)
{
	static const uint8_t root[] = {0};
	uint32_t ttl = (uint32_t)(rcode >> 4 & 0xff) << 24 | (dnssec_ok ? EDNS_FLAG_DO : 0u);

	b->reserved -= b->reserved < WIRE_OPT_LEN ? b->reserved : WIRE_OPT_LEN;
	set_cap(b);
	wire_build_section(b, WIRE_SECTION_ADDITIONAL);
	return wire_build_rr(b, root, DNS_TYPE_OPT, udp_size, ttl, NULL, 0, WIRE_COMPRESS_NONE);
}

size_t wire_build_finish(struct wire_builder *b, uint16_t flags)
{
	bytes_patch_u16(&b->out, 2, flags);
	for (unsigned i = 0; i < 4; i++) {
		bytes_patch_u16(&b->out, 4 + 2 * i, b->counts[i]);
	}
	return b->out.len;
}
