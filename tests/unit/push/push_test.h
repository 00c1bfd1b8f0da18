/*
 * What the tests of push/ share: bytes from hex, names, changes, and a look into framed messages.
 */
#ifndef PUSH_TEST_H
#define PUSH_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "feed/change.h"
#include "push/codec.h"
#include "wire/dns.h"
#include "wire/name.h"

enum { TEST_DATA_AT = 16 };

static inline size_t from_hex(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;
	for (size_t i = 0; i < len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len;
}

static inline struct wire_name name_of(const char *text)
{
	struct wire_name name;
	assert_int_equal(wire_name_from_text(text, strlen(text), NULL, &name), 0);
	return name;
}

static inline struct push_question question_of(const char *text, uint16_t type)
{
	return (struct push_question){.name = name_of(text), .type = type, .dns_class = DNS_CLASS_IN};
}

/* A change of class IN; the owner and the rdata are borrowed. */
static inline struct feed_change change_of(enum feed_op op, const struct wire_name *owner, uint16_t type, uint32_t ttl,
                                           const void *rdata, size_t rdata_len)
{
	return (struct feed_change){.owner = owner->data,
	                            .rdata = rdata,
	                            .ttl = ttl,
	                            .rdata_len = (uint16_t)rdata_len,
	                            .type = type,
	                            .dns_class = DNS_CLASS_IN,
	                            .op = (uint8_t)op};
}

/* A reader over the data of the primary TLV of a DSO message (without length prefix), its base the message. */
static inline struct bytes_reader primary_data(const uint8_t *message, size_t len, uint16_t *ret_type)
{
	struct bytes_reader r;
	bytes_reader_init(&r, message, len);
	bytes_take(&r, DNS_HEADER_LEN);
	*ret_type = bytes_u16(&r);
	struct bytes_reader data = bytes_sub(&r, bytes_u16(&r));
	assert_false(r.failed);
	return data;
}

#endif
