#include "push_test.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "vectors.h"

static uint8_t scratch[65535];

/* Primary data of a message given in hex; the bytes stay in `memory`. */
static struct bytes_reader data_of(const char *hex, uint8_t *memory, size_t *ret_len)
{
	uint16_t type;
	*ret_len = from_hex(hex, memory);
	return primary_data(memory, *ret_len, &type);
}

static int check_hex(const char *hex)
{
	uint8_t memory[1024];
	size_t len;
	struct bytes_reader data = data_of(hex, memory, &len);
	return push_read_check(data, len);
}

/* A reader over hex data that stands behind a header and a TLV header. */
static struct bytes_reader raw_of(const char *hex, uint8_t *memory)
{
	struct bytes_reader r;
	memset(memory, 0, TEST_DATA_AT);
	size_t len = from_hex(hex, memory + TEST_DATA_AT);
	bytes_reader_init(&r, memory, TEST_DATA_AT + len);
	bytes_take(&r, TEST_DATA_AT);
	return r;
}

static int check_raw(const char *hex)
{
	uint8_t memory[1024];
	struct bytes_reader data = raw_of(hex, memory);
	return push_read_check(data, bytes_offset(&data) + bytes_left(&data));
}

/* The table of default delays, one line an RCODE. */
static void test_default_delays(void **state)
{
	(void)state;
	assert_int_equal(push_default_delay_ms(DNS_RCODE_FORMERR), 0x000493E0);
	assert_int_equal(push_default_delay_ms(DNS_RCODE_SERVFAIL), 0x0000EA60);
	assert_int_equal(push_default_delay_ms(DNS_RCODE_NOTIMP), 0x0036EE80);
	assert_int_equal(push_default_delay_ms(DNS_RCODE_REFUSED), 0x000493E0);
	assert_int_equal(push_default_delay_ms(DNS_RCODE_NOTAUTH), 0x000493E0);
	assert_int_equal(push_default_delay_ms(DNS_RCODE_DSOTYPENI), 0x0036EE80);
	assert_int_equal(push_default_delay_ms(13), 0x000493E0);
}

static void test_matching(void **state)
{
	(void)state;
	assert_true(push_matches(DNS_TYPE_A, 1, DNS_TYPE_A, 1));
	assert_false(push_matches(DNS_TYPE_A, 1, DNS_TYPE_AAAA, 1));
	assert_false(push_matches(DNS_TYPE_A, 1, DNS_TYPE_A, 3));
	assert_true(push_matches(DNS_TYPE_A, 255, DNS_TYPE_A, 3));
	assert_true(push_matches(DNS_TYPE_ANY, 1, DNS_TYPE_TXT, 1));
	assert_true(push_matches(DNS_TYPE_A, 1, DNS_TYPE_CNAME, 1));
	/* PUSH-046: CNAME asks for nothing but CNAME. */
	assert_false(push_matches(DNS_TYPE_CNAME, 1, DNS_TYPE_A, 1));
}

static void test_subscribe_vector(void **state)
{
	(void)state;
	uint8_t memory[128];
	size_t len;
	struct bytes_reader data = data_of(VECTOR_SUBSCRIBE, memory, &len);
	struct push_question q;
	assert_int_equal(push_subscribe_read(&data, &q), 0);
	struct wire_name name = name_of("_ipp._tcp.example.com.");
	assert_true(wire_name_equal(q.name.data, name.data));
	assert_int_equal(q.type, DNS_TYPE_PTR);
	assert_int_equal(q.dns_class, DNS_CLASS_IN);

	/* PUSH-040: one name, type and class, nothing else. */
	uint8_t out[PUSH_SUBSCRIBE_MAX];
	struct bytes_writer w;
	bytes_writer_init(&w, out, sizeof(out));
	push_subscribe_write(&w, &q);
	assert_int_equal(w.len, name.len + 4);
	assert_memory_equal(out, memory + TEST_DATA_AT, w.len);
}

static int read_subscribe(const char *hex)
{
	uint8_t memory[1024];
	struct bytes_reader data = raw_of(hex, memory);
	struct push_question q;
	return push_subscribe_read(&data, &q);
}

/* PUSH-204: what the server answers FORMERR. */
static void test_subscribe_malformed(void **state)
{
	(void)state;
	assert_int_equal(read_subscribe("016100000c0001"), 0);
	assert_int_equal(read_subscribe("01610000ff00ff"), 0);
	assert_int_equal(read_subscribe(""), ERR_TRUNCATED);
	assert_int_equal(read_subscribe("016100000c00"), ERR_TRUNCATED);
	assert_int_equal(read_subscribe("016100"), ERR_TRUNCATED);
	assert_int_equal(read_subscribe("0261"), ERR_TRUNCATED);
	assert_int_equal(read_subscribe("016100000c000100"), ERR_TRAILING);
	assert_int_equal(read_subscribe("416100000c0001"), ERR_LABEL);
	assert_int_equal(read_subscribe("0161c010000c0001"), ERR_POINTER);
	static const uint16_t types[] = {0, 41, 249, 250, 251, 252, 253, 254};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char hex[32];
		snprintf(hex, sizeof(hex), "016100%04x0001", types[i]);
		assert_int_equal(read_subscribe(hex), ERR_FORMERR);
	}
}

/* PUSH-100: two bytes of ID. */
static void test_unsubscribe(void **state)
{
	(void)state;
	uint8_t memory[64];
	size_t len;
	uint16_t id;
	struct bytes_reader data = data_of(VECTOR_UNSUBSCRIBE, memory, &len);
	assert_int_equal(push_unsubscribe_read(&data, &id), 0);
	assert_int_equal(id, 2);
	static const char *const bad[] = {"", "00", "000200", "016100000c0001"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		data = raw_of(bad[i], memory);
		assert_int_not_equal(push_unsubscribe_read(&data, &id), 0);
	}
	struct bytes_writer w;
	bytes_writer_init(&w, memory, sizeof(memory));
	push_unsubscribe_write(&w, 0x1234);
	assert_int_equal(w.len, 2);
	assert_int_equal(bytes_load_u16(memory), 0x1234);
}

static struct push_reconfirm record;

static void test_reconfirm_vector(void **state)
{
	(void)state;
	uint8_t memory[256];
	size_t len;
	struct bytes_reader data = data_of(VECTOR_RECONFIRM_PADDED, memory, &len);
	assert_int_equal(push_reconfirm_read(&data, &record), 0);
	struct wire_name name = name_of("_ipp._tcp.example.com.");
	struct wire_name target = name_of("Office\\032Printer._ipp._tcp.example.com.");
	assert_true(wire_name_equal(record.name.data, name.data));
	assert_int_equal(record.type, DNS_TYPE_PTR);
	assert_int_equal(record.dns_class, DNS_CLASS_IN);
	assert_int_equal(record.rdata_len, target.len);
	assert_memory_equal(record.rdata, target.data, target.len);

	/* PUSH-110: one record without TTL and RDLEN, as in the vector. */
	uint8_t out[512];
	struct bytes_writer w;
	bytes_writer_init(&w, out, sizeof(out));
	assert_int_equal(push_reconfirm_write(&w, name.data, DNS_TYPE_PTR, 1, target.data, target.len), 0);
	assert_int_equal(w.len, 0x41);
	assert_memory_equal(out, memory + TEST_DATA_AT, w.len);
	bytes_writer_init(&w, out, 10);
	assert_int_equal(push_reconfirm_write(&w, name.data, DNS_TYPE_PTR, 1, target.data, target.len), ERR_SPACE);
	assert_int_equal(push_reconfirm_write(&w, name.data, DNS_TYPE_A, 1, target.data, 3), ERR_RDATA);
}

/* PUSH-111: neither TYPE nor CLASS 255 is sent. PUSH-215: nor is it or a cut record accepted. */
static void test_reconfirm_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "",
	        "016100",
	        "0161000001",
	        "01610000010001c00002",     /* A of 3 bytes */
	        "01610000010001c000020101", /* A of 5 bytes */
	        "01610000ff0001c0000201",
	        "016100000100ffc0000201",
	        "c01000010001c0000201", /* pointer to itself */
	};
	uint8_t memory[128];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bytes_reader data = raw_of(bad[i], memory);
		assert_int_not_equal(push_reconfirm_read(&data, &record), 0);
	}
	struct bytes_writer w;
	struct wire_name name = name_of("a.");
	bytes_writer_init(&w, memory, sizeof(memory));
	assert_int_equal(push_reconfirm_write(&w, name.data, 255, 1, NULL, 0), ERR_INVALID);
	assert_int_equal(push_reconfirm_write(&w, name.data, 1, 255, name.data, 4), ERR_INVALID);
	assert_int_equal(w.len, 0);
}

static struct push_read reader;

static void start_read(const char *hex, uint8_t *memory)
{
	size_t len;
	struct bytes_reader data = data_of(hex, memory, &len);
	assert_int_equal(push_read_check(data, len), 0);
	push_read_init(&reader, data, scratch);
}

static void assert_change(const struct feed_change *c, enum feed_op op, const char *owner, uint16_t type,
                          uint16_t dns_class, uint32_t ttl)
{
	struct wire_name name = name_of(owner);
	assert_int_equal(c->op, op);
	assert_memory_equal(c->owner, name.data, name.len);
	assert_int_equal(c->type, type);
	assert_int_equal(c->dns_class, dns_class);
	assert_int_equal(c->ttl, ttl);
}

/* PUSH-096: names are expanded with pointers across the whole message. */
static void test_read_adds(void **state)
{
	(void)state;
	uint8_t memory[256];
	struct feed_change c;
	struct wire_name instance = name_of("Office\\032Printer._ipp._tcp.example.com.");
	struct wire_name host = name_of("printer.example.com.");

	start_read(VECTOR_PUSH_ADD_PTR_SRV_TXT, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_ADD, "_ipp._tcp.example.com.", DNS_TYPE_PTR, 1, 4500);
	assert_int_equal(c.rdata_len, instance.len);
	assert_memory_equal(c.rdata, instance.data, instance.len);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_ADD, "Office\\032Printer._ipp._tcp.example.com.", DNS_TYPE_SRV, 1, 120);
	assert_int_equal(c.rdata_len, 6 + host.len);
	assert_memory_equal(c.rdata, "\0\0\0\0\2\x77", 6);
	assert_memory_equal(c.rdata + 6, host.data, host.len);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_ADD, "Office\\032Printer._ipp._tcp.example.com.", DNS_TYPE_TXT, 1, 4500);
	assert_int_equal(c.rdata_len, 23);
	assert_false(push_read_next(&reader, &c));
}

/* PUSH-074, PUSH-075: removals of one record, an RRset, a class and everything. */
static void test_read_removals(void **state)
{
	(void)state;
	uint8_t memory[256];
	struct feed_change c;

	start_read(VECTOR_PUSH_REMOVE_ONE, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE, "_ipp._tcp.example.com.", DNS_TYPE_PTR, 1, 0);
	assert_false(push_read_next(&reader, &c));
	start_read(VECTOR_PUSH_REMOVE_RRSET, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE_RRSET, "printer.example.com.", DNS_TYPE_AAAA, 1, 0);
	assert_null(c.rdata);
	start_read(VECTOR_PUSH_REMOVE_CLASS, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE_CLASS, "Office\\032Printer._ipp._tcp.example.com.", 255, 1, 0);
	start_read(VECTOR_PUSH_REMOVE_ALL, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE_ALL, "printer.example.com.", 0, 255, 0);
}

/* PUSH-076: with CLASS 255 the TYPE does not matter. */
static void test_read_remove_all_ignores_type(void **state)
{
	(void)state;
	uint8_t memory[256];
	struct feed_change c;
	struct bytes_reader data = raw_of("016100001000fffffffffe0000", memory);
	assert_int_equal(push_read_check(data, 64), 0);
	push_read_init(&reader, data, scratch);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE_ALL, "a.", 0, 255, 0);
}

/* PUSH-211: a record with a reserved TTL is skipped, whatever its rdata, and the next one counts. */
static void test_read_reserved_ttl(void **state)
{
	(void)state;
	uint8_t memory[256];
	struct feed_change c;
	start_read(VECTOR_PUSH_RESERVED_TTL, memory);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_ADD, "printer.example.com.", DNS_TYPE_A, 1, 120);
	assert_memory_equal(c.rdata, "\xc0\0\2\2", 4);
	assert_false(push_read_next(&reader, &c));
	assert_int_equal(check_raw("01610000010001fffffffd000101"), 0);
	assert_int_equal(check_raw("01610000ff00ff80000000000101"), 0);
	/* PUSH-209: but not one that is cut. */
	assert_int_equal(check_raw("01610000010001fffffffd000201"), ERR_TRUNCATED);
}

/* PUSH-206..210: what makes the client abort. */
static void test_check_refuses(void **state)
{
	(void)state;
	assert_int_not_equal(check_hex(VECTOR_PUSH_EMPTY), 0);            /* PUSH-206 */
	assert_int_not_equal(check_hex(VECTOR_PUSH_COLLECTIVE_RDLEN), 0); /* PUSH-207 */
	/* PUSH-207: all three forms. */
	assert_int_not_equal(check_raw("01610000ff0001fffffffe000101"), 0);
	assert_int_not_equal(check_raw("016100000000fffffffffe000101"), 0);
	/* PUSH-210: ANY in an add or a single removal. */
	assert_int_not_equal(check_raw("01610000ff0001000000780000"), 0);
	assert_int_not_equal(check_raw("016100000100ff000000780004c0000201"), 0);
	assert_int_not_equal(check_raw("01610000ff0001ffffffff0000"), 0);
	assert_int_not_equal(check_raw("016100000100ffffffffff0004c0000201"), 0);
	/* PUSH-209: cut anywhere; rdata that does not fit; bad pointers. */
	char hex[] = "01610000010001000000780004c0000201";
	assert_int_equal(check_raw(hex), 0);
	for (size_t len = strlen(hex) - 2; len > 0; len -= 2) {
		hex[len] = '\0';
		assert_int_not_equal(check_raw(hex), 0);
	}
	assert_int_not_equal(check_raw("01610000010001000000780003c00002"), 0);
	assert_int_not_equal(check_raw("c01000010001000000780004c0000201"), 0);
	assert_int_not_equal(check_raw("c01200010001000000780004c0000201"), 0);
	assert_int_not_equal(check_raw("c00000010001000000780004c0000201"), 0); /* PUSH-096: into the header */
	assert_int_not_equal(check_raw("016100000c0001000000780002c040"), 0);   /* forward */
	/* PUSH-208: size. */
	uint8_t memory[64];
	struct bytes_reader data = raw_of("01610000010001000000780004c0000201", memory);
	assert_int_equal(push_read_check(data, 16382), 0);
	assert_int_not_equal(push_read_check(data, 16383), 0);
}

static struct buf out;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&out);
	mem_fail_after(-1);
	return 0;
}

/* The next framed message of `out`, checked for its header. */
static size_t take_frame(uint8_t *message)
{
	assert_true(buf_len(&out) >= 2);
	size_t len = bytes_load_u16(buf_data(&out));
	assert_true(buf_len(&out) >= 2 + len);
	memcpy(message, buf_data(&out) + 2, len);
	buf_consume(&out, 2 + len);
	/* PUSH-071: ID 0. */
	assert_memory_equal(message, "\0\0\x30\0\0\0\0\0\0\0\0\0\0\x41", 14);
	return len;
}

static void assert_frame(const char *hex)
{
	uint8_t want[1024];
	uint8_t got[65535];
	size_t want_len = from_hex(hex, want);
	size_t len = take_frame(got);
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
}

/* PUSH-073, PUSH-079, PUSH-084, PUSH-085, PUSH-095: one message, compressed, byte for byte the vector. */
static void test_encode_adds(void **state)
{
	(void)state;
	struct wire_name service = name_of("_ipp._tcp.example.com.");
	struct wire_name instance = name_of("Office\\032Printer._ipp._tcp.example.com.");
	struct wire_name host = name_of("printer.example.com.");
	uint8_t srv[300] = {0, 0, 0, 0, 2, 0x77};
	static const char txt[] = "\x09txtvers=1\x0crp=ipp/print";
	memcpy(srv + 6, host.data, host.len);
	struct feed_change changes[] = {
	        change_of(FEED_ADD, &service, DNS_TYPE_PTR, 4500, instance.data, instance.len),
	        change_of(FEED_ADD, &instance, DNS_TYPE_SRV, 120, srv, 6 + host.len),
	        change_of(FEED_ADD, &instance, DNS_TYPE_TXT, 4500, txt, sizeof(txt) - 1),
	};
	assert_int_equal(push_encode(changes, 3, false, &out), 0);
	assert_frame(VECTOR_PUSH_ADD_PTR_SRV_TXT);
	assert_int_equal(buf_len(&out), 0);
}

/* PUSH-074, PUSH-075, PUSH-076 on the sending side. */
static void test_encode_removals(void **state)
{
	(void)state;
	struct wire_name service = name_of("_ipp._tcp.example.com.");
	struct wire_name instance = name_of("Office\\032Printer._ipp._tcp.example.com.");
	struct wire_name host = name_of("printer.example.com.");
	struct feed_change c = change_of(FEED_REMOVE, &service, DNS_TYPE_PTR, 77, instance.data, instance.len);
	assert_int_equal(push_encode(&c, 1, false, &out), 0);
	assert_frame(VECTOR_PUSH_REMOVE_ONE);
	c = change_of(FEED_REMOVE_RRSET, &host, DNS_TYPE_AAAA, 0, NULL, 0);
	assert_int_equal(push_encode(&c, 1, false, &out), 0);
	assert_frame(VECTOR_PUSH_REMOVE_RRSET);
	c = change_of(FEED_REMOVE_CLASS, &instance, DNS_TYPE_ANY, 0, NULL, 0);
	assert_int_equal(push_encode(&c, 1, false, &out), 0);
	assert_frame(VECTOR_PUSH_REMOVE_CLASS);
	c = change_of(FEED_REMOVE_ALL, &host, 0, 0, NULL, 0);
	c.dns_class = DNS_CLASS_ANY;
	assert_int_equal(push_encode(&c, 1, false, &out), 0);
	assert_frame(VECTOR_PUSH_REMOVE_ALL);
}

/* PUSH-077: an empty APL is added and removed like any other record. */
static void test_empty_rdata(void **state)
{
	(void)state;
	struct wire_name name = name_of("a.");
	struct feed_change changes[] = {change_of(FEED_ADD, &name, 42, 60, NULL, 0),
	                                change_of(FEED_REMOVE, &name, 42, 0, NULL, 0)};
	uint8_t message[65535];
	uint16_t type;
	struct feed_change c;
	assert_int_equal(push_encode(changes, 2, false, &out), 0);
	size_t len = take_frame(message);
	struct bytes_reader data = primary_data(message, len, &type);
	assert_int_equal(push_read_check(data, len), 0);
	push_read_init(&reader, data, scratch);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_ADD, "a.", 42, 1, 60);
	assert_true(push_read_next(&reader, &c));
	assert_change(&c, FEED_REMOVE, "a.", 42, 1, 0);
}

/* PUSH-091: a TTL with the top bit set goes out as 0. */
static void test_encode_large_ttl(void **state)
{
	(void)state;
	static const uint32_t ttls[][2] = {
	        {0, 0}, {0x7fffffff, 0x7fffffff}, {0x80000000, 0}, {0xfffffffe, 0}, {0xffffffff, 0}};
	struct wire_name name = name_of("a.");
	for (size_t i = 0; i < sizeof(ttls) / sizeof(ttls[0]); i++) {
		struct feed_change c = change_of(FEED_ADD, &name, DNS_TYPE_A, ttls[i][0], "\1\2\3\4", 4);
		uint8_t message[65535];
		assert_int_equal(push_encode(&c, 1, false, &out), 0);
		take_frame(message);
		assert_int_equal(bytes_load_u32(message + TEST_DATA_AT + name.len + 4), ttls[i][1]);
	}
}

/* PUSH-072: no change, no message. */
static void test_encode_nothing(void **state)
{
	(void)state;
	assert_int_equal(push_encode(NULL, 0, true, &out), 0);
	assert_int_equal(buf_len(&out), 0);
}

/* PUSH-085: rdata names are compressed in the listed types and in no other. */
static void test_encode_rdata_compression(void **state)
{
	(void)state;
	static const struct {
		uint16_t type;
		size_t prefix; /* bytes in front of the names */
		unsigned names;
		size_t suffix;
		bool compressed;
	} types[] = {
	        {2, 0, 1, 0, true},    {5, 0, 1, 0, true},    {12, 0, 1, 0, true},  {39, 0, 1, 0, true},
	        {6, 0, 2, 20, true},   {15, 2, 1, 0, true},   {18, 2, 1, 0, true},  {21, 2, 1, 0, true},
	        {36, 2, 1, 0, true},   {17, 0, 2, 0, true},   {26, 2, 2, 0, true},  {33, 6, 1, 0, true},
	        {47, 0, 1, 0, true},   {3, 0, 1, 0, false},   {7, 0, 1, 0, false},  {14, 0, 2, 0, false},
	        {23, 0, 1, 0, false},  {107, 2, 1, 0, false}, {64, 2, 1, 0, false}, {35, 7, 1, 0, false},
	        {46, 18, 1, 1, false},
	};
	struct wire_name owner = name_of("owner.example.");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint8_t rdata[256] = {0};
		uint8_t message[65535];
		size_t len = types[i].prefix;
		for (unsigned n = 0; n < types[i].names; n++) {
			memcpy(rdata + len, owner.data, owner.len);
			len += owner.len;
		}
		len += types[i].suffix;
		struct feed_change c = change_of(FEED_ADD, &owner, types[i].type, 60, rdata, len);
		assert_int_equal(push_encode(&c, 1, false, &out), 0);
		size_t message_len = take_frame(message);
		size_t rdata_len = bytes_load_u16(message + TEST_DATA_AT + owner.len + 8);
		size_t want = types[i].compressed ? len - types[i].names * (owner.len - 2u) : len;
		/* PUSH-095: RDLEN and DSO-LENGTH count the bytes as they stand there. */
		assert_int_equal(rdata_len, want);
		assert_int_equal(message_len, TEST_DATA_AT + owner.len + 10 + want);
		assert_int_equal(bytes_load_u16(message + 14), message_len - TEST_DATA_AT);
	}
}

/* B23: suffixes are shared byte for byte, so each name keeps its letter case. */
static void test_encode_keeps_case(void **state)
{
	(void)state;
	struct wire_name lower = name_of("a.example.");
	struct wire_name upper = name_of("B.EXAMPLE.");
	struct feed_change changes[] = {change_of(FEED_ADD, &lower, DNS_TYPE_A, 1, "\1\2\3\4", 4),
	                                change_of(FEED_ADD, &upper, DNS_TYPE_A, 1, "\1\2\3\4", 4)};
	uint8_t message[65535];
	uint16_t type;
	struct feed_change c;
	assert_int_equal(push_encode(changes, 2, false, &out), 0);
	size_t len = take_frame(message);
	push_read_init(&reader, primary_data(message, len, &type), scratch);
	assert_true(push_read_next(&reader, &c));
	assert_memory_equal(c.owner, lower.data, lower.len);
	assert_true(push_read_next(&reader, &c));
	assert_memory_equal(c.owner, upper.data, upper.len);
}

enum { MANY = 5000 };

/* Read all messages of `out`; seen[n] counts the A record whose address is n. Returns how many messages. */
static size_t read_all(unsigned *seen, bool padded)
{
	static uint8_t message[65535];
	size_t messages = 0;
	while (buf_len(&out) > 0) {
		uint16_t type;
		struct feed_change c;
		size_t len = take_frame(message);
		assert_true(len <= PUSH_MESSAGE_MAX);
		assert_true(!padded || len % 468 == 0 || len == PUSH_MESSAGE_MAX);
		struct bytes_reader data = primary_data(message, len, &type);
		assert_int_equal(push_read_check(data, len), 0);
		push_read_init(&reader, data, scratch);
		while (push_read_next(&reader, &c)) {
			seen[bytes_load_u32(c.rdata)]++;
		}
		messages++;
	}
	return messages;
}

static void encode_many(bool pad)
{
	static struct wire_name names[MANY];
	static uint8_t addresses[MANY][4];
	static struct feed_change changes[MANY];
	static unsigned seen[MANY];
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < MANY; i++) {
		char text[64];
		snprintf(text, sizeof(text), "host-number-%u.example.com.", i);
		names[i] = name_of(text);
		bytes_store_u32(addresses[i], i);
		changes[i] = change_of(FEED_ADD, &names[i], DNS_TYPE_A, 120, addresses[i], 4);
	}
	assert_int_equal(push_encode(changes, MANY, pad, &out), 0);
	size_t bytes = buf_len(&out);
	size_t messages = read_all(seen, pad);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(seen[i], 1);
	}
	/* As few as fit: all but the last are full to within one record. */
	assert_true(messages <= bytes / (PUSH_MESSAGE_MAX - 600) + 1);
	assert_true(messages > 1);
}

/* PUSH-086, PUSH-087: more than fits one message goes out as several, nothing lost. */
static void test_encode_many(void **state)
{
	(void)state;
	encode_many(false);
}

static void test_encode_many_padded(void **state)
{
	(void)state;
	encode_many(true);
}

/* An RRset of `count` TXT records of `len` bytes each is appended to the changes. */
static size_t add_texts(struct feed_change *changes, const struct wire_name *owner, uint8_t (*texts)[256], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		memset(texts[i], 'x', 256);
		texts[i][0] = 255;
		texts[i][1] = (uint8_t)i;
		changes[i] = change_of(FEED_ADD, owner, DNS_TYPE_TXT, 60, texts[i], 256);
	}
	return count;
}

/* B14: an RRset is kept in one message unless it alone is larger than that. */
static void test_encode_keeps_rrsets_together(void **state)
{
	(void)state;
	static uint8_t texts[200][256];
	static uint8_t message[65535];
	struct feed_change changes[200];
	struct wire_name first = name_of("first.example.");
	struct wire_name second = name_of("second.example.");
	size_t count = add_texts(changes, &first, texts, 40);
	count += add_texts(changes + count, &second, texts, 40);
	assert_int_equal(push_encode(changes, count, false, &out), 0);
	size_t records[4] = {0};
	size_t messages = 0;
	while (buf_len(&out) > 0) {
		uint16_t type;
		struct feed_change c;
		size_t len = take_frame(message);
		push_read_init(&reader, primary_data(message, len, &type), scratch);
		while (push_read_next(&reader, &c)) {
			records[messages]++;
		}
		messages++;
	}
	assert_int_equal(messages, 2);
	assert_int_equal(records[0], 40);
	assert_int_equal(records[1], 40);

	/* 100 records of 268 bytes need two messages, and what follows shares the second. */
	count = add_texts(changes, &first, texts, 100);
	count += add_texts(changes + count, &second, texts, 1);
	assert_int_equal(push_encode(changes, count, false, &out), 0);
	size_t total = 0;
	for (messages = 0; buf_len(&out) > 0; messages++) {
		uint16_t type;
		struct feed_change c;
		size_t len = take_frame(message);
		push_read_init(&reader, primary_data(message, len, &type), scratch);
		while (push_read_next(&reader, &c)) {
			total++;
		}
	}
	assert_int_equal(messages, 2);
	assert_int_equal(total, 101);
}

/* B15: a record that no message holds is refused, and nothing of the rest goes out. */
static void test_encode_record_too_large(void **state)
{
	(void)state;
	static uint8_t large[16384];
	struct wire_name name = name_of("a.");
	size_t fits = PUSH_MESSAGE_MAX - TEST_DATA_AT - name.len - 10;
	struct feed_change changes[] = {change_of(FEED_ADD, &name, DNS_TYPE_A, 60, "\1\2\3\4", 4),
	                                change_of(FEED_ADD, &name, 65280, 60, large, fits)};
	assert_int_equal(push_encode(changes, 2, false, &out), 0);
	size_t before = buf_len(&out);
	assert_int_equal(before, 2 + TEST_DATA_AT + name.len + 14 + 2 + PUSH_MESSAGE_MAX);
	changes[1].rdata_len++;
	assert_int_equal(push_encode(changes, 2, false, &out), ERR_SPACE);
	assert_int_equal(buf_len(&out), before);
	/* Padding counts: the header of its TLV needs four bytes. */
	changes[1].rdata_len = (uint16_t)(fits - 4);
	assert_int_equal(push_encode(changes, 2, true, &out), 0);
	changes[1].rdata_len++;
	assert_int_equal(push_encode(changes, 2, true, &out), ERR_SPACE);
}

/* A13: padding follows as a TLV of zeros up to a multiple of 468 bytes, and not beyond what a PUSH may have. */
static void test_encode_padding(void **state)
{
	(void)state;
	static uint8_t data[16384];
	static uint8_t message[65535];
	struct wire_name name = name_of("a.");
	for (size_t len = 1; len <= PUSH_MESSAGE_MAX - TEST_DATA_AT - 13 - 4; len += 61) {
		struct feed_change c = change_of(FEED_ADD, &name, 65280, 60, data, len);
		assert_int_equal(push_encode(&c, 1, true, &out), 0);
		size_t message_len = take_frame(message);
		size_t plain = TEST_DATA_AT + name.len + 10 + len;
		assert_true(message_len <= PUSH_MESSAGE_MAX);
		assert_true(message_len % 468 == 0 || message_len == PUSH_MESSAGE_MAX);
		assert_true(message_len - plain < 468 + 4);
		assert_int_equal(bytes_load_u16(message + plain), 3);
		assert_int_equal(bytes_load_u16(message + plain + 2), message_len - plain - 4);
		for (size_t i = plain + 4; i < message_len; i++) {
			assert_int_equal(message[i], 0);
		}
	}
}

static void test_encode_memory_failure(void **state)
{
	(void)state;
	struct wire_name name = name_of("a.");
	struct feed_change c = change_of(FEED_ADD, &name, DNS_TYPE_A, 60, "\1\2\3\4", 4);
	mem_fail_after(0);
	assert_int_equal(push_encode(&c, 1, false, &out), ERR_NOMEM);
	assert_true(mem_failed());
	assert_int_equal(buf_len(&out), 0);
	mem_fail_after(-1);
	buf_done(&out);
	buf_init(&out, 10);
	assert_int_equal(push_encode(&c, 1, false, &out), ERR_LIMIT);
	assert_int_equal(buf_len(&out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_default_delays),
	        cmocka_unit_test(test_matching),
	        cmocka_unit_test(test_subscribe_vector),
	        cmocka_unit_test(test_subscribe_malformed),
	        cmocka_unit_test(test_unsubscribe),
	        cmocka_unit_test(test_reconfirm_vector),
	        cmocka_unit_test(test_reconfirm_malformed),
	        cmocka_unit_test(test_read_adds),
	        cmocka_unit_test(test_read_removals),
	        cmocka_unit_test(test_read_remove_all_ignores_type),
	        cmocka_unit_test(test_read_reserved_ttl),
	        cmocka_unit_test(test_check_refuses),
	        cmocka_unit_test_setup_teardown(test_encode_adds, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_removals, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_empty_rdata, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_large_ttl, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_rdata_compression, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_keeps_case, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_many, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_many_padded, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_keeps_rrsets_together, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_record_too_large, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_padding, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_encode_memory_failure, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
