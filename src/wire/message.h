/*
 * DNS messages: reading a hostile one, building a compressed one.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/name.h"
#include "wire/rdata.h"

struct wire_header {
	uint16_t id;
	uint16_t flags; /* DNS_FLAG_*, opcode and rcode bits as on the wire */
	uint16_t qdcount, ancount, nscount, arcount;
};

unsigned wire_header_opcode(const struct wire_header *h);
unsigned wire_header_rcode(const struct wire_header *h);

/* Read 12 bytes. 0 or ERR_TRUNCATED. */
int wire_header_read(struct bytes_reader *r, struct wire_header *ret_header);

struct wire_question {
	struct wire_name name;
	uint16_t type;
	uint16_t dns_class;
};
/* 0, ERR_TRUNCATED or a name error. */
int wire_question_read(struct bytes_reader *r, struct wire_question *ret_question);

/* One RR as it stands in a message; rdata is still compressed. */
struct wire_rr {
	struct wire_name owner;
	uint16_t type;
	uint16_t dns_class;
	uint32_t ttl;
	struct bytes_reader rdata; /* exactly the rdata; its base is the message */
	size_t offset;             /* of the owner, from the start of the message */
};
/* Read one RR without looking into its rdata. 0, ERR_TRUNCATED or a name error. */
int wire_rr_read(struct bytes_reader *r, struct wire_rr *ret_rr);

/* EDNS (RFC 6891) as found in a message. */
struct wire_edns {
	bool present;
	uint16_t udp_size;      /* as sent */
	uint8_t extended_rcode; /* upper 8 bits */
	uint8_t version;
	bool dnssec_ok;     /* DO */
	bool tcp_keepalive; /* option 11 present */
	struct bytes_reader options;
};

/*
 * A whole message, checked section by section (RRs framed, rdata not looked
 * into, one OPT at most and only in additional with root owner, TSIG only last
 * in additional with class ANY and TTL 0, no bytes left behind). Any opcode but
 * DSO, whose messages go on behind the header with TLVs (see tlv.h).
 */
struct wire_message {
	struct wire_header header;
	const uint8_t *data;
	size_t len;
	struct wire_question question;                     /* the first, if qdcount > 0 */
	struct bytes_reader answer, authority, additional; /* from the first RR of each section to its end */
	struct wire_edns edns;
	bool has_tsig;
	struct wire_rr tsig; /* the TSIG RR, if has_tsig */
};
/*
 * 0; ERR_TRUNCATED, ERR_TRAILING, ERR_FORMERR or a name error. Borrow of `data`.
 * The header (if 12 bytes are there) is set even on failure, so that FORMERR
 * can be answered. Work is linear in `len`.
 */
int wire_message_read(const uint8_t *data, size_t len, struct wire_message *ret_message);

/*
 * A message under construction in caller's memory. Names are compressed
 * against everything written before, suffixes matched byte for byte so that
 * letter case survives (push.md B23). An RR that does not fit is undone and
 * ERR_SPACE returned; what was written stays valid.
 */
enum { WIRE_BUILDER_NAMES = 512 };
struct wire_builder {
	struct bytes_writer out;
	size_t limit;    /* bytes of message allowed now */
	size_t reserved; /* bytes kept free for OPT and TSIG */
	uint16_t counts[4];
	unsigned section;    /* section that RRs go into: 1 answer, 2 authority, 3 additional */
	uint16_t name_count; /* compression table, a bounded hash of suffix offsets */
	uint16_t table[WIRE_BUILDER_NAMES];
	uint16_t order[WIRE_BUILDER_NAMES / 2]; /* slots in order of entry, for undo */
};

enum wire_section { WIRE_SECTION_QUESTION, WIRE_SECTION_ANSWER, WIRE_SECTION_AUTHORITY, WIRE_SECTION_ADDITIONAL };

/* Start with a header in memory of `limit` >= 12 bytes; counts are filled in by wire_build_finish(). */
void wire_build_init(struct wire_builder *b, void *memory, size_t limit, uint16_t id, uint16_t flags);
/* A builder whose names may be used by DSO too: no header is written, `out` continues after `offset` bytes that are
 * there. */
void wire_build_init_at(struct wire_builder *b, void *memory, size_t limit, size_t offset);
int wire_build_question(struct wire_builder *b, const uint8_t *name, uint16_t type, uint16_t dns_class);
/* Choose the section of the RRs that follow; never backwards. */
void wire_build_section(struct wire_builder *b, enum wire_section section);
/* One RR with checked uncompressed rdata. 0 or ERR_SPACE. */
int wire_build_rr(struct wire_builder *b, const uint8_t *owner, uint16_t type, uint16_t dns_class, uint32_t ttl,
                  const uint8_t *rdata, size_t rdata_len, enum wire_compress compress);
/* A name, compressed where `compress`. 0 or ERR_SPACE. */
int wire_build_name(struct wire_builder *b, const uint8_t *name, bool compress);
/* A place to come back to: undo drops everything written since. */
struct wire_builder_mark {
	size_t len;
	uint16_t name_count;
	uint16_t counts[4];
	unsigned section;
};
struct wire_builder_mark wire_build_mark(const struct wire_builder *b);
void wire_build_undo(struct wire_builder *b, const struct wire_builder_mark *mark);
/* Keep `len` more bytes free for what must come last. */
void wire_build_reserve(struct wire_builder *b, size_t len);
/*
 * Write OPT into additional (releases WIRE_OPT_LEN bytes of the reservation):
 * our UDP size, DO as given, the upper bits of the extended rcode (the lower
 * four go into the flags of wire_build_finish()). 0 or ERR_SPACE. WIRE_OPT_LEN
 * bytes without options.
 */
enum { WIRE_OPT_LEN = 11 };
int wire_build_opt(struct wire_builder *b, uint16_t udp_size, bool dnssec_ok, unsigned rcode);
/* Fill in the counts and flags; returns the length of the message. Only after wire_build_init(). */
size_t wire_build_finish(struct wire_builder *b, uint16_t flags);

#endif
