/*
 * For tests: zones from text lines, and messages as text.
 */
#ifndef TESTS_ZONE_TEXT_H
#define TESTS_ZONE_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/dns.h"
#include "wire/message.h"
#include "wire/rdata.h"
#include "wire/text.h"
#include "zone/store.h"

/* A name; one without a final dot is under "example.". */
static inline struct wire_name test_name(const char *text)
{
	struct wire_name name;
	assert_int_equal(wire_name_from_text(text, strlen(text), (const uint8_t *)"\7example", &name), 0);
	return name;
}

/* One record "OWNER TTL TYPE RDATA" taken apart. */
struct test_record {
	struct wire_name owner;
	uint32_t ttl;
	uint16_t type;
	uint8_t rdata[4096];
	size_t len;
};

static inline struct test_record test_record(const char *line)
{
	struct test_record r;
	char owner[1024];
	char type[16];
	unsigned long ttl;
	int at = 0;
	assert_int_equal(sscanf(line, "%1023s %lu %15s %n", owner, &ttl, type, &at), 3);
	r.owner = test_name(owner);
	r.ttl = (uint32_t)ttl;
	assert_int_equal(wire_type_from_text(type, strlen(type), &r.type), 0);
	const char *text = line + at;
	int err = wire_rdata_from_text(r.type, text, strlen(text), (const uint8_t *)"\7example", r.rdata,
	                               sizeof(r.rdata), &r.len, NULL);
	if (err) {
		fail_msg("bad rdata in \"%s\"", line);
	}
	return r;
}

/* Call for each line of the text. */
static inline void test_lines(const char *text, void (*each)(struct zone_txn *t, const char *line), struct zone_txn *t)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[4096];
		assert_true(len < sizeof(line));
		memcpy(line, text, len);
		line[len] = 0;
		if (len > 0) {
			each(t, line);
		}
		text += len + (text[len] == '\n');
	}
}

static inline void test_add(struct zone_txn *t, const char *line)
{
	struct test_record r = test_record(line);
	assert_int_equal(zone_txn_add(t, r.owner.data, r.type, r.ttl, r.rdata, r.len), 0);
}

static inline void test_remove(struct zone_txn *t, const char *line)
{
	struct test_record r = test_record(line);
	assert_int_equal(zone_txn_remove(t, r.owner.data, r.type, r.rdata, r.len), 0);
}

/* The zone "example." with these records. */
static inline struct zone *test_zone(const char *text)
{
	struct zone *z = zone_new((const uint8_t *)"\7example");
	assert_non_null(z);
	struct zone_txn *t = zone_txn_new(z);
	assert_non_null(t);
	test_lines(text, test_add, t);
	assert_int_equal(zone_txn_commit_load(t), 0);
	return z;
}

/* Commit removals and additions; the changeset is the caller's. */
static inline struct zone_changeset *test_change(struct zone *z, const char *removals, const char *additions)
{
	struct zone_txn *t = zone_txn_new(z);
	assert_non_null(t);
	test_lines(removals, test_remove, t);
	test_lines(additions, test_add, t);
	struct zone_changeset *c = NULL;
	assert_int_equal(zone_txn_commit(t, &c), 0);
	return c;
}

/* "OWNER TTL TYPE RDATA\n" appended at `text`; returns the new end. */
static inline char *test_record_text(char *text, size_t size, const uint8_t *owner, uint32_t ttl, uint16_t type,
                                     const uint8_t *rdata, size_t len)
{
	char name[WIRE_NAME_TEXT_MAX];
	char type_text[WIRE_TYPE_TEXT_MAX];
	static char rdata_text[WIRE_RDATA_TEXT_MAX];
	wire_name_to_text(owner, name, sizeof(name));
	assert_true(wire_rdata_to_text(type, rdata, len, rdata_text, sizeof(rdata_text)) >= 0);
	int n = snprintf(text, size, "%s %u %s %s\n", name, (unsigned)ttl, wire_type_to_text(type, type_text),
	                 rdata_text);
	assert_true(n > 0 && (size_t)n < size);
	return text + n;
}

#endif
