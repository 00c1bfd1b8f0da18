/*
 * Messages: what is read is built again, once with each way of compression,
 * and read once more; every question and RR must be the same, letter case of
 * names included.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "wire/dns.h"
#include "wire/message.h"

static uint8_t built[DNS_MESSAGE_MAX];
static uint8_t rdata_memory[2][DNS_MESSAGE_MAX];

static const struct bytes_reader *section_of(const struct wire_message *m, unsigned section)
{
	return section == WIRE_SECTION_ANSWER      ? &m->answer
	       : section == WIRE_SECTION_AUTHORITY ? &m->authority
	                                           : &m->additional;
}

static unsigned count_of(const struct wire_message *m, unsigned section)
{
	return section == WIRE_SECTION_ANSWER      ? m->header.ancount
	       : section == WIRE_SECTION_AUTHORITY ? m->header.nscount
	                                           : m->header.arcount;
}

/* Expanded rdata of an RR; an empty one (RFC 2136) is left empty. */
static int expand(const struct wire_rr *rr, uint8_t *memory, size_t *ret_len)
{
	struct bytes_reader rdata = rr->rdata;
	struct bytes_writer out;
	bytes_writer_init(&out, memory, DNS_MESSAGE_MAX);
	int err = bytes_left(&rdata) > 0 ? wire_rdata_read(&rdata, rr->type, &out) : 0;
	*ret_len = out.len;
	return err;
}

static void skip_header(const struct wire_message *m, struct bytes_reader *ret_reader)
{
	bytes_reader_init(ret_reader, m->data, m->len);
	bytes_take(ret_reader, DNS_HEADER_LEN);
}

/* Copy the message into the builder as far as it goes: until there is no room or rdata is not of its type. */
static int rebuild(const struct wire_message *m, struct wire_builder *b, enum wire_compress compress)
{
	struct bytes_reader r;
	struct wire_question q;
	struct wire_rr rr;
	size_t len;
	int err = 0;

	skip_header(m, &r);
	for (unsigned i = 0; !err && i < m->header.qdcount; i++) {
		FUZZ_REQUIRE(wire_question_read(&r, &q) == 0);
		err = wire_build_question(b, q.name.data, q.type, q.dns_class);
	}
	for (unsigned section = WIRE_SECTION_ANSWER; !err && section <= WIRE_SECTION_ADDITIONAL; section++) {
		wire_build_section(b, section);
		r = *section_of(m, section);
		for (unsigned i = 0; !err && i < count_of(m, section); i++) {
			FUZZ_REQUIRE(wire_rr_read(&r, &rr) == 0);
			err = expand(&rr, rdata_memory[0], &len);
			if (!err) {
				err = wire_build_rr(b, rr.owner.data, rr.type, rr.dns_class, rr.ttl, rdata_memory[0],
				                    len, compress);
				FUZZ_REQUIRE(err == 0 || err == ERR_SPACE);
			}
		}
		FUZZ_REQUIRE(err || bytes_complete(&r));
	}
	return err;
}

static void compare_rr(const struct wire_rr *a, const struct wire_rr *b)
{
	size_t a_len;
	size_t b_len;
	FUZZ_REQUIRE(a->owner.len == b->owner.len && memcmp(a->owner.data, b->owner.data, a->owner.len) == 0);
	FUZZ_REQUIRE(a->type == b->type && a->dns_class == b->dns_class && a->ttl == b->ttl);
	FUZZ_REQUIRE(expand(a, rdata_memory[0], &a_len) == 0 && expand(b, rdata_memory[1], &b_len) == 0);
	FUZZ_REQUIRE(a_len == b_len && memcmp(rdata_memory[0], rdata_memory[1], a_len) == 0);
}

/* `copy` has all that `m` has, in order, up to where building ended. */
static void compare(const struct wire_message *m, const struct wire_message *copy)
{
	struct bytes_reader r[2];
	struct wire_question q[2];
	struct wire_rr rr[2];

	skip_header(m, &r[0]);
	skip_header(copy, &r[1]);
	for (unsigned i = 0; i < copy->header.qdcount; i++) {
		FUZZ_REQUIRE(wire_question_read(&r[0], &q[0]) == 0 && wire_question_read(&r[1], &q[1]) == 0);
		FUZZ_REQUIRE(q[0].name.len == q[1].name.len);
		FUZZ_REQUIRE(memcmp(q[0].name.data, q[1].name.data, q[0].name.len) == 0);
		FUZZ_REQUIRE(q[0].type == q[1].type && q[0].dns_class == q[1].dns_class);
	}
	for (unsigned section = WIRE_SECTION_ANSWER; section <= WIRE_SECTION_ADDITIONAL; section++) {
		r[0] = *section_of(m, section);
		r[1] = *section_of(copy, section);
		FUZZ_REQUIRE(count_of(copy, section) <= count_of(m, section));
		for (unsigned i = 0; i < count_of(copy, section); i++) {
			FUZZ_REQUIRE(wire_rr_read(&r[0], &rr[0]) == 0 && wire_rr_read(&r[1], &rr[1]) == 0);
			compare_rr(&rr[0], &rr[1]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum wire_compress ways[] = {WIRE_COMPRESS_NONE, WIRE_COMPRESS_STANDARD, WIRE_COMPRESS_PUSH};
	struct wire_message m;
	struct wire_message copy;
	struct wire_builder b;

	if (wire_message_read(data, size, &m)) {
		return 0;
	}
	FUZZ_REQUIRE(size >= DNS_HEADER_LEN);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		wire_build_init(&b, built, sizeof(built), m.header.id, 0);
		int err = rebuild(&m, &b, ways[i]);
		size_t len = wire_build_finish(&b, m.header.flags);
		FUZZ_REQUIRE(wire_message_read(built, len, &copy) == 0);
		FUZZ_REQUIRE(copy.header.id == m.header.id && copy.header.flags == m.header.flags);
		compare(&m, &copy);
		FUZZ_REQUIRE(err || memcmp(&copy.header, &m.header, sizeof(m.header)) == 0);
		FUZZ_REQUIRE(err || (copy.has_tsig == m.has_tsig && copy.edns.present == m.edns.present &&
		                     copy.edns.tcp_keepalive == m.edns.tcp_keepalive));
	}
	return 0;
}
