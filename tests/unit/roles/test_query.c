/* Ordinary messages: what is answered, what is refused, how long an answer may be, and who signs it. */
#include "serve_help.h"

#include "conn/hmac.h"
#include "wire/message.h"

#include "../zone/zone_text.h"

enum { EDNS_NONE = -1 };

static struct {
	struct world world;
	struct zone *zone;
	struct zone_snapshot *first;
	struct net_address peer;
	struct wire_tsig_key key;
	/* one message and its answer */
	uint8_t message[2048];
	size_t len;
	struct wire_tsig_state tsig; /* of the request */
	struct serve_update *update;
	uint8_t *answer;
	size_t answer_len;
	struct wire_message read;
} f;

static const char zone_lines[] = "example. 300 SOA ns h 7 2 3 4 5\n"
                                 "example. 300 NS ns\n"
                                 "ns 300 A 192.0.2.1\n"
                                 "c 300 CNAME a.elsewhere.\n";

/* A TXT record of `count` strings of 100 bytes. */
static void add_text(struct zone_txn *t, const char *owner, size_t count)
{
	uint8_t rdata[4096];
	for (size_t i = 0; i < count; i++) {
		rdata[i * 101] = 100;
		memset(rdata + i * 101 + 1, 'x', 100);
	}
	assert_int_equal(zone_txn_add(t, name_of(owner).data, DNS_TYPE_TXT, 300, rdata, count * 101), 0);
}

static void configure(const struct serve_policy *policy)
{
	const struct serve_zone_setup zone = {5, f.first, policy};
	assert_int_equal(serve_configure(f.world.serve, &zone, 1, &f.world.limits), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	world_init(&f.world);
	f.zone = zone_new((const uint8_t *)"\7example");
	struct zone_txn *t = zone_txn_new(f.zone);
	test_lines(zone_lines, test_add, t);
	add_text(t, "mid", 6);
	add_text(t, "big", 13);
	assert_int_equal(zone_txn_commit_load(t), 0);
	f.first = zone_current(f.zone);
	f.key = (struct wire_tsig_key){.name = name_of("key."), .algorithm = WIRE_TSIG_HMAC_SHA256, .secret_len = 32};
	memset(f.key.secret, 'k', 32);
	f.world.key = &f.key;
	assert_int_equal(net_address_parse("192.0.2.1@5353", 0, &f.peer), 0);
	configure(&f.world.open);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(f.answer);
	serve_update_free(f.update);
	world_done(&f.world);
	zone_snapshot_unref(f.first);
	zone_free(f.zone);
	return 0;
}

static const struct serve_counters *counters(void)
{
	return serve_counters(f.world.serve);
}

/* ---- asking ---- */

static void make(uint16_t flags, const char *name, uint16_t type, uint16_t dns_class, int edns_size)
{
	struct wire_builder b;
	wire_build_init(&b, f.message, sizeof(f.message), 0x1234, flags);
	if (name) {
		wire_build_question(&b, name_of(name).data, type, dns_class);
	}
	if (edns_size != EDNS_NONE) {
		wire_build_section(&b, WIRE_SECTION_ADDITIONAL);
		wire_build_opt(&b, (uint16_t)edns_size, false, 0);
	}
	f.len = wire_build_finish(&b, flags);
}

static void sign(const struct wire_tsig_key *key)
{
	memset(&f.tsig, 0, sizeof(f.tsig));
	f.tsig.key = key;
	assert_int_equal(
	        wire_tsig_sign(f.message, f.len, sizeof(f.message), true, &f.tsig, conn_hmac, f.world.now_s, &f.len),
	        0);
}

/* Keep the answer in memory of its own size, so that nobody reads behind it. */
static void keep_answer(size_t (*get)(uint8_t *out, size_t cap), size_t cap)
{
	uint8_t *out = malloc(cap);
	size_t len = get(out, cap);
	assert_true(len <= cap);
	free(f.answer);
	f.answer = malloc(len + 1);
	memcpy(f.answer, out, len);
	f.answer_len = len;
	free(out);
	if (len > 0) {
		assert_int_equal(wire_message_read(f.answer, len, &f.read), 0);
		assert_true(f.read.header.flags & DNS_FLAG_QR);
		assert_int_equal(f.read.header.id, bytes_load_u16(f.message));
	}
}

static struct net_stream fake_stream; /* asked for nothing but being there */
static bool by_stream;

static size_t get_query(uint8_t *out, size_t cap)
{
	const struct serve_request r = {
	        .data = f.message, .len = f.len, .peer = &f.peer, .stream = by_stream ? &fake_stream : NULL};
	serve_update_free(f.update);
	f.update = NULL;
	return serve_query(f.world.serve, &r, out, cap, &f.update);
}

static size_t get_update_answer(uint8_t *out, size_t cap)
{
	return serve_update_answer(f.world.serve, f.update, out, cap);
}

static size_t send_udp(void)
{
	by_stream = false;
	keep_answer(get_query, DNS_MESSAGE_MAX);
	return f.answer_len;
}

static size_t send_stream(size_t cap)
{
	by_stream = true;
	keep_answer(get_query, cap);
	return f.answer_len;
}

/* The whole RCODE, with the bits of EDNS. */
static unsigned rcode(void)
{
	return wire_header_rcode(&f.read.header) | (f.read.edns.present ? f.read.edns.extended_rcode << 4U : 0);
}

static unsigned ask(const char *name, uint16_t type, uint16_t dns_class)
{
	make(DNS_FLAG_RD, name, type, dns_class, EDNS_NONE);
	assert_true(send_udp() > 0);
	return rcode();
}

static bool truncated(void)
{
	return f.read.header.flags & DNS_FLAG_TC;
}

/* ---- what cannot be read ---- */

static void garbage_is_answered_by_a_header_or_not_at_all(void **state)
{
	(void)state;
	make(DNS_FLAG_RD, "ns", DNS_TYPE_A, DNS_CLASS_IN, 1232);
	size_t full = f.len;
	for (f.len = 0; f.len < full; f.len++) {
		/* A message in memory of its own size. */
		uint8_t *copy = malloc(f.len + 1);
		memcpy(copy, f.message, f.len);
		uint8_t out[512];
		const struct serve_request r = {.data = f.len ? copy : NULL, .len = f.len, .peer = &f.peer};
		size_t len = serve_query(f.world.serve, &r, out, sizeof(out), &f.update);
		free(copy);
		assert_int_equal(len, f.len < DNS_HEADER_LEN ? 0 : DNS_HEADER_LEN);
		if (len > 0) {
			assert_int_equal(bytes_load_u16(out), 0x1234);
			assert_int_equal(bytes_load_u16(out + 2), DNS_FLAG_QR | DNS_FLAG_RD | DNS_RCODE_FORMERR);
			assert_memory_equal(out + 4, "\0\0\0\0\0\0\0\0", 8);
		}
	}
	assert_int_equal(counters()->malformed, full);
	assert_int_equal(counters()->queries_udp, 0);
	/* Bytes behind the end. */
	f.len = full + 1;
	assert_int_equal(send_udp(), DNS_HEADER_LEN);
	assert_int_equal(rcode(), DNS_RCODE_FORMERR);
}

static void random_bytes_do_no_harm(void **state)
{
	(void)state;
	uint32_t random = 1;
	for (int i = 0; i < 20000; i++) {
		make(0, "mid", DNS_TYPE_TXT, DNS_CLASS_IN, 1232);
		if (i % 3 == 0) {
			sign(&f.key);
		}
		for (int k = 0; k < 1 + i % 4; k++) {
			random = random * 1664525 + 1013904223;
			f.message[(random >> 8) % f.len] = (uint8_t)(random >> 24);
		}
		bool response = bytes_load_u16(f.message + 2) & DNS_FLAG_QR;
		size_t len = send_udp();
		assert_int_equal(len == 0, response || f.update);
		assert_true(len <= 1232);
	}
}

static void a_response_is_not_answered(void **state)
{
	(void)state;
	make(DNS_FLAG_QR, "ns", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(send_udp(), 0);
	make(DNS_FLAG_QR | DNS_OPCODE_UPDATE << 11, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(send_udp(), 0);
	assert_null(f.update);
	make(DNS_FLAG_QR | 15 << 11, NULL, 0, 0, EDNS_NONE);
	assert_int_equal(send_udp(), 0);
	assert_int_equal(counters()->malformed, 3);
}

static void only_two_opcodes_are_implemented(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 16; opcode++) {
		if (opcode == DNS_OPCODE_QUERY || opcode == DNS_OPCODE_UPDATE) {
			continue;
		}
		make((uint16_t)(DNS_FLAG_RD | opcode << 11), "ns", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
		assert_int_equal(send_udp(), DNS_HEADER_LEN);
		assert_int_equal(f.read.header.flags, DNS_FLAG_QR | DNS_FLAG_RD | opcode << 11 | DNS_RCODE_NOTIMP);
	}
	assert_int_equal(counters()->not_implemented, 14);
}

/* ---- questions ---- */

static void a_question_is_answered(void **state)
{
	(void)state;
	assert_int_equal(ask("nS", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_NOERROR);
	assert_int_equal(f.read.header.flags, DNS_FLAG_QR | DNS_FLAG_AA | DNS_FLAG_RD);
	assert_int_equal(f.read.header.ancount, 1);
	assert_int_equal(f.read.header.arcount, 0);
	assert_memory_equal(f.read.question.name.data, "\2nS\7example", 12);
	assert_int_equal(f.read.question.type, DNS_TYPE_A);
	assert_int_equal(ask("nothing", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_NXDOMAIN);
	assert_int_equal(f.read.header.nscount, 1);
	assert_int_equal(ask("ns", DNS_TYPE_ANY, DNS_CLASS_IN), DNS_RCODE_NOERROR);
	assert_int_equal(counters()->queries_udp, 3);
	send_stream(DNS_MESSAGE_MAX);
	assert_int_equal(counters()->queries_tcp, 1);
	const struct serve_request r = {
	        .data = f.message, .len = f.len, .peer = &f.peer, .stream = &fake_stream, .tls = true};
	uint8_t out[512];
	assert_true(serve_query(f.world.serve, &r, out, sizeof(out), &f.update) > 0);
	assert_int_equal(counters()->queries_tls, 1);
	assert_int_equal(counters()->queries_tcp, 1);
}

static void there_must_be_one_question(void **state)
{
	(void)state;
	assert_int_equal(ask(NULL, 0, 0), DNS_RCODE_FORMERR);
	assert_int_equal(f.read.header.qdcount, 0);
	assert_int_equal(counters()->malformed, 1);
	for (unsigned opcode = 0; opcode <= DNS_OPCODE_UPDATE; opcode += DNS_OPCODE_UPDATE) {
		struct wire_builder b;
		wire_build_init(&b, f.message, sizeof(f.message), 0x1234, 0);
		for (int i = 0; i < 2; i++) {
			wire_build_question(&b, name_of("example.").data, DNS_TYPE_SOA, DNS_CLASS_IN);
		}
		f.len = wire_build_finish(&b, (uint16_t)(opcode << 11));
		assert_true(send_udp() > 0);
		assert_int_equal(rcode(), DNS_RCODE_FORMERR);
		assert_int_equal(f.read.header.ancount, 0);
		assert_null(f.update);
	}
	assert_int_equal(counters()->malformed, 3);
	make(DNS_OPCODE_UPDATE << 11, NULL, 0, 0, EDNS_NONE);
	assert_true(send_udp() > 0);
	assert_int_equal(rcode(), DNS_RCODE_FORMERR);
	assert_null(f.update);
}

static void types_that_are_no_data(void **state)
{
	(void)state;
	static const uint16_t transfers[] = {DNS_TYPE_IXFR, DNS_TYPE_AXFR, DNS_TYPE_MAILB, DNS_TYPE_MAILA};
	static const uint16_t others[] = {DNS_TYPE_OPT, DNS_TYPE_TKEY, DNS_TYPE_TSIG};
	for (size_t i = 0; i < sizeof(transfers) / sizeof(transfers[0]); i++) {
		assert_int_equal(ask("example.", transfers[i], DNS_CLASS_IN), DNS_RCODE_NOTIMP);
		assert_int_equal(f.read.header.ancount, 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(ask("example.", others[i], DNS_CLASS_IN), DNS_RCODE_FORMERR);
	}
	assert_int_equal(counters()->not_implemented, 7);
	/* A type that nobody knows is data all the same. */
	assert_int_equal(ask("ns", 65280, DNS_CLASS_IN), DNS_RCODE_NOERROR);
	assert_int_equal(f.read.header.ancount, 0);
}

static void classes(void **state)
{
	(void)state;
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_CH), DNS_RCODE_REFUSED);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_HS), DNS_RCODE_REFUSED);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_NONE), DNS_RCODE_REFUSED);
	assert_int_equal(ask("ns", DNS_TYPE_A, 0), DNS_RCODE_REFUSED);
	assert_int_equal(counters()->refused, 4);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_ANY), DNS_RCODE_NOERROR);
	assert_int_equal(f.read.header.ancount, 1);
}

static void a_zone_that_is_not_served(void **state)
{
	(void)state;
	assert_int_equal(ask("ns.elsewhere.", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_REFUSED);
	assert_int_equal(ask(".", DNS_TYPE_NS, DNS_CLASS_IN), DNS_RCODE_REFUSED);
	assert_int_equal(f.read.header.flags & DNS_FLAG_AA, 0);
	assert_int_equal(counters()->refused, 2);
	assert_int_equal(serve_configure(f.world.serve, NULL, 0, &f.world.limits), 0);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_REFUSED);
}

/* ---- EDNS and sizes ---- */

static size_t size_of(const char *name, int edns_size)
{
	make(0, name, DNS_TYPE_TXT, DNS_CLASS_IN, edns_size);
	size_t len = send_udp();
	assert_int_equal(f.read.edns.present, edns_size != EDNS_NONE);
	if (f.read.edns.present) {
		assert_int_equal(f.read.edns.udp_size, 1232);
		assert_int_equal(f.read.edns.version, 0);
	}
	assert_int_equal(f.read.header.ancount, !truncated());
	return len;
}

static void a_datagram_holds_what_was_agreed(void **state)
{
	(void)state;
	static const int small[] = {EDNS_NONE, 0, 511, 512, 600};
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		assert_true(size_of("mid", small[i]) <= 512);
		assert_true(truncated());
	}
	size_t len = size_of("mid", 1232);
	assert_false(truncated());
	assert_true(len > 600);
	/* Exactly its length, and one byte less. */
	assert_int_equal(size_of("mid", (int)len), len);
	assert_false(truncated());
	assert_true(size_of("mid", (int)len - 1) < len);
	assert_true(truncated());
	/* Never more than 1232 over UDP, all of it on a stream, never more than the caller has room for. */
	assert_true(size_of("big", 65535) <= 1232);
	assert_true(truncated());
	assert_true(send_stream(DNS_MESSAGE_MAX) > 1232);
	assert_false(truncated());
	assert_true(send_stream(700) <= 700);
	assert_true(truncated());
	make(0, "big", DNS_TYPE_TXT, DNS_CLASS_IN, EDNS_NONE);
	assert_true(send_stream(DNS_MESSAGE_MAX) > 1232);
	assert_false(truncated());
	assert_false(f.read.edns.present);
}

/* The OPT of `f.message`: root, type, size, then extended rcode, version, flags. */
static void set_opt(size_t at, uint8_t value)
{
	f.message[f.len - WIRE_OPT_LEN + at] = value;
}

static void the_version_of_edns(void **state)
{
	(void)state;
	static const uint16_t opcodes[] = {DNS_OPCODE_QUERY, DNS_OPCODE_UPDATE};
	for (size_t i = 0; i < 2; i++) {
		make((uint16_t)(opcodes[i] << 11), "example.", DNS_TYPE_SOA, DNS_CLASS_IN, 4096);
		set_opt(6, 1);
		assert_true(send_udp() > 0);
		assert_int_equal(rcode(), DNS_RCODE_BADVERS);
		assert_int_equal(f.read.edns.version, 0);
		assert_int_equal(f.read.header.ancount, 0);
		assert_null(f.update);
	}
	/* DO comes back. */
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, 4096);
	set_opt(7, 0x80);
	send_udp();
	assert_int_equal(rcode(), DNS_RCODE_NOERROR);
	assert_true(f.read.edns.dnssec_ok);
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, 4096);
	send_udp();
	assert_false(f.read.edns.dnssec_ok);
	/* Two of them. */
	memcpy(f.message + f.len, f.message + f.len - WIRE_OPT_LEN, WIRE_OPT_LEN);
	f.len += WIRE_OPT_LEN;
	bytes_store_u16(f.message + 10, 2);
	assert_int_equal(send_udp(), DNS_HEADER_LEN);
	assert_int_equal(rcode(), DNS_RCODE_FORMERR);
}

/* ---- TSIG ---- */

/* What the one who asked makes of the answer. */
static int check_answer(void)
{
	return wire_tsig_check_answer(&f.read, conn_hmac, f.world.now_s, &f.tsig);
}

static void a_signed_question_has_a_signed_answer(void **state)
{
	(void)state;
	for (int edns = 0; edns < 2; edns++) {
		make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, edns ? 1232 : EDNS_NONE);
		sign(&f.key);
		send_udp();
		assert_int_equal(rcode(), DNS_RCODE_NOERROR);
		assert_int_equal(f.read.header.ancount, 1);
		assert_int_equal(f.read.edns.present, edns);
		assert_true(f.read.has_tsig);
		assert_int_equal(check_answer(), 0);
	}
	/* Refusals are signed too, and room is kept for the TSIG of what is cut. */
	make(0, "ns.elsewhere.", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	send_udp();
	assert_int_equal(rcode(), DNS_RCODE_REFUSED);
	assert_int_equal(check_answer(), 0);
	make(0, "mid", DNS_TYPE_TXT, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	assert_true(send_udp() <= 512);
	assert_true(truncated());
	assert_int_equal(check_answer(), 0);
	/* What would fit unsigned: cut, but with its question. */
	size_t len = size_of("mid", 1232);
	make(0, "mid", DNS_TYPE_TXT, DNS_CLASS_IN, (int)len);
	sign(&f.key);
	assert_true(send_udp() <= len);
	assert_true(truncated());
	assert_int_equal(f.read.header.qdcount, 1);
	assert_int_equal(check_answer(), 0);
	assert_int_equal(counters()->tsig_failed, 0);
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, 1232);
	send_udp();
	assert_false(f.read.has_tsig);
}

/* The answer to `f.message` must be NOTAUTH without data, with this error in its TSIG. */
static void expect_tsig_error(int err)
{
	uint64_t failed = counters()->tsig_failed;
	assert_true(send_udp() > 0);
	assert_int_equal(rcode(), DNS_RCODE_NOTAUTH);
	assert_int_equal(f.read.header.ancount, 0);
	assert_null(f.update);
	assert_true(f.read.has_tsig);
	assert_int_equal(check_answer(), err);
	assert_int_equal(-err - 100, f.tsig.error);
	assert_int_equal(counters()->tsig_failed, failed + 1);
}

static void a_bad_tsig_is_answered_by_its_error(void **state)
{
	(void)state;
	static const uint16_t opcodes[] = {DNS_OPCODE_QUERY, DNS_OPCODE_UPDATE};
	for (size_t i = 0; i < 2; i++) {
		uint16_t flags = (uint16_t)(opcodes[i] << 11);
		struct wire_tsig_key other = f.key;
		other.name = name_of("other.");
		make(flags, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, 1232);
		sign(&other);
		expect_tsig_error(ERR_BADKEY);
		other = f.key;
		other.algorithm = WIRE_TSIG_HMAC_SHA512;
		make(flags, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, 1232);
		sign(&other);
		expect_tsig_error(ERR_BADKEY);
		other = f.key;
		other.secret[0] ^= 1;
		make(flags, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
		sign(&other);
		expect_tsig_error(ERR_BADSIG);
		/* Signed, but something else was sent. */
		make(flags, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
		sign(&f.key);
		f.message[13] ^= 0x20;
		expect_tsig_error(ERR_BADSIG);
		for (int late = 0; late < 2; late++) {
			make(flags, "example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
			sign(&f.key);
			uint64_t sent = f.world.now_s;
			f.world.now_s = late ? sent + WIRE_TSIG_FUDGE_S + 1 : sent - WIRE_TSIG_FUDGE_S - 1;
			expect_tsig_error(ERR_BADTIME);
			f.world.now_s = sent;
		}
	}
	/* The last second that is in time. */
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	f.world.now_s += WIRE_TSIG_FUDGE_S;
	send_udp();
	assert_int_equal(rcode(), DNS_RCODE_NOERROR);
	assert_int_equal(check_answer(), 0);
}

static void a_broken_tsig_is_malformed(void **state)
{
	(void)state;
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	/* The last two bytes say how long the other data is. */
	f.message[f.len - 1] = 1;
	send_udp();
	assert_int_equal(rcode(), DNS_RCODE_FORMERR);
	assert_false(f.read.has_tsig);
	assert_int_equal(counters()->tsig_failed, 1);
}

/* RFC 8945 5.3: where the TSIG takes all the room, the answer is that it is cut. */
static void the_longest_names_in_a_small_datagram(void **state)
{
	(void)state;
	char label[64], name[300];
	memset(label, 'l', 63);
	label[63] = 0;
	snprintf(name, sizeof(name), "%s.%s.%s.%.53s.", label, label, label, label);
	f.key.name = name_of(name);
	snprintf(name, sizeof(name), "%s.%s.%s.%.45s", label, label, label, label);
	make(0, name, DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	assert_true(send_udp() <= 512);
	assert_true(truncated());
	assert_int_equal(f.read.header.qdcount, 0);
	assert_int_equal(check_answer(), 0);
	make(0, name, DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	send_stream(DNS_MESSAGE_MAX);
	assert_int_equal(rcode(), DNS_RCODE_NXDOMAIN);
	assert_int_equal(f.read.header.qdcount, 1);
	assert_int_equal(check_answer(), 0);
	/* An answer without data says so too. */
	assert_int_equal(serve_configure(f.world.serve, NULL, 0, &f.world.limits), 0);
	make(0, name, DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	assert_true(send_udp() <= 512);
	assert_int_equal(rcode(), DNS_RCODE_REFUSED);
	assert_true(truncated());
	assert_int_equal(check_answer(), 0);
}

/* ---- who may ---- */

static struct net_prefix here;
static struct net_acl_key known;
static const struct net_acl_rule by_address = {.prefixes = &here, .prefix_count = 1};
static const struct net_acl_rule by_key = {.keys = &known, .key_count = 1};
static const struct net_acl_rule *const address_list[] = {&by_address};
static const struct net_acl_rule *const key_list[] = {&by_key};

static void prepare_rules(void)
{
	assert_int_equal(net_prefix_parse("192.0.2.0/24", &here), 0);
	known = (struct net_acl_key){f.key.name.data, f.key.name.len};
}

static void who_may_ask(void **state)
{
	(void)state;
	prepare_rules();
	struct serve_policy policy = {.query = {.rules = address_list, .rule_count = 1}};
	configure(&policy);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_NOERROR);
	assert_int_equal(net_address_parse("198.51.100.1@53", 0, &f.peer), 0);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_REFUSED);
	assert_int_equal(f.read.header.ancount, 0);
	assert_int_equal(counters()->refused, 1);
	policy.query.rules = key_list;
	configure(&policy);
	assert_int_equal(ask("ns", DNS_TYPE_A, DNS_CLASS_IN), DNS_RCODE_REFUSED);
	make(0, "ns", DNS_TYPE_A, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	send_udp();
	assert_int_equal(rcode(), DNS_RCODE_NOERROR);
}

static void make_update(const char *zone, uint16_t type, uint16_t dns_class, int edns_size)
{
	make(DNS_OPCODE_UPDATE << 11, zone, type, dns_class, edns_size);
}

/* Sent to a server without memory: whoever is refused is refused before anything is copied. */
static unsigned refused_update(void)
{
	mem_fail_after(0);
	size_t len = send_udp();
	bool allocated = mem_failed();
	mem_fail_after(-1);
	assert_false(allocated);
	assert_true(len > 0);
	assert_null(f.update);
	return rcode();
}

static void who_may_update(void **state)
{
	(void)state;
	prepare_rules();
	struct serve_policy policy = {.query = {.any = true}, .update = {.rules = key_list, .rule_count = 1}};
	configure(&policy);
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(refused_update(), DNS_RCODE_REFUSED);
	assert_int_equal(wire_header_opcode(&f.read.header), DNS_OPCODE_UPDATE);
	assert_int_equal(counters()->updates_refused, 1);
	/* A good key, but not the one. */
	struct wire_tsig_key other = f.key;
	other.name = name_of("other.");
	f.world.key = &other;
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	sign(&other);
	assert_int_equal(refused_update(), DNS_RCODE_REFUSED);
	assert_int_equal(check_answer(), 0);
	f.world.key = &f.key;
	/* The right one, wrongly used. */
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	f.message[f.len - 20] ^= 1;
	assert_int_equal(refused_update(), DNS_RCODE_NOTAUTH);
	assert_int_equal(counters()->updates, 0);
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	assert_int_equal(send_udp(), 0);
	assert_non_null(f.update);
	assert_int_equal(counters()->updates, 1);
	/* By address. */
	policy.update.rules = address_list;
	configure(&policy);
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(send_udp(), 0);
	assert_non_null(f.update);
	assert_int_equal(net_address_parse("198.51.100.1@53", 0, &f.peer), 0);
	assert_int_equal(refused_update(), DNS_RCODE_REFUSED);
	/* Nobody. */
	policy.update = (struct net_acl){0};
	configure(&policy);
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	assert_int_equal(refused_update(), DNS_RCODE_REFUSED);
	assert_int_equal(counters()->updates_refused, 4);
}

static void an_update_names_a_zone(void **state)
{
	(void)state;
	make_update("elsewhere.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(refused_update(), DNS_RCODE_NOTAUTH);
	make_update("ns", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(refused_update(), DNS_RCODE_NOTAUTH);
	assert_int_equal(counters()->updates_refused, 2);
	make_update("example.", DNS_TYPE_NS, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(refused_update(), DNS_RCODE_FORMERR);
	assert_int_equal(counters()->malformed, 1);
	make_update("EXAMPLE.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	assert_int_equal(send_udp(), 0);
	assert_non_null(f.update);
}

static void an_update_goes_to_the_writer_and_back(void **state)
{
	(void)state;
	static const struct {
		int result;
		unsigned rcode;
	} cases[] = {{0, DNS_RCODE_NOERROR},
	             {ERR_NXRRSET, DNS_RCODE_NXRRSET},
	             {ERR_YXDOMAIN, DNS_RCODE_YXDOMAIN},
	             {ERR_NOTZONE, DNS_RCODE_NOTZONE},
	             {ERR_NOMEM, DNS_RCODE_SERVFAIL}};
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_signed = i & 1, edns = i & 2;
		make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, edns ? 1232 : EDNS_NONE);
		if (is_signed) {
			sign(&f.key);
		}
		assert_int_equal(i % 3 ? send_udp() : send_stream(DNS_MESSAGE_MAX), 0);
		assert_non_null(f.update);
		assert_int_equal(f.update->zone_id, 5);
		assert_int_equal(f.update->len, f.len);
		assert_memory_equal(f.update->message, f.message, f.len);
		assert_memory_equal(&f.update->peer, &f.peer, sizeof(f.peer));
		f.update->result = cases[i / 4].result;
		keep_answer(get_update_answer, DNS_MESSAGE_MAX);
		assert_int_equal(rcode(), cases[i / 4].rcode);
		assert_int_equal(wire_header_opcode(&f.read.header), DNS_OPCODE_UPDATE);
		assert_int_equal(f.read.header.qdcount, 1);
		assert_int_equal(f.read.edns.present, edns);
		assert_int_equal(f.read.has_tsig, is_signed);
		if (is_signed) {
			assert_int_equal(check_answer(), 0);
		}
	}
}

static void memory_may_end_at_an_update(void **state)
{
	(void)state;
	make_update("example.", DNS_TYPE_SOA, DNS_CLASS_IN, EDNS_NONE);
	sign(&f.key);
	mem_fail_after(0);
	send_udp();
	assert_true(mem_failed());
	mem_fail_after(-1);
	assert_null(f.update);
	assert_int_equal(rcode(), DNS_RCODE_SERVFAIL);
	assert_int_equal(check_answer(), 0);
	assert_int_equal(counters()->updates, 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SERVER(garbage_is_answered_by_a_header_or_not_at_all),
	        WITH_SERVER(random_bytes_do_no_harm),
	        WITH_SERVER(a_response_is_not_answered),
	        WITH_SERVER(only_two_opcodes_are_implemented),
	        WITH_SERVER(a_question_is_answered),
	        WITH_SERVER(there_must_be_one_question),
	        WITH_SERVER(types_that_are_no_data),
	        WITH_SERVER(classes),
	        WITH_SERVER(a_zone_that_is_not_served),
	        WITH_SERVER(a_datagram_holds_what_was_agreed),
	        WITH_SERVER(the_version_of_edns),
	        WITH_SERVER(a_signed_question_has_a_signed_answer),
	        WITH_SERVER(a_bad_tsig_is_answered_by_its_error),
	        WITH_SERVER(a_broken_tsig_is_malformed),
	        WITH_SERVER(the_longest_names_in_a_small_datagram),
	        WITH_SERVER(who_may_ask),
	        WITH_SERVER(who_may_update),
	        WITH_SERVER(an_update_names_a_zone),
	        WITH_SERVER(an_update_goes_to_the_writer_and_back),
	        WITH_SERVER(memory_may_end_at_an_update),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
