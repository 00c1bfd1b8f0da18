#include "wire/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "wire/text_fields.h"
#include "wire/token.h"

static const struct {
	uint16_t value;
	const char *name;
} classes[] = {
        {DNS_CLASS_IN, "IN"},     {DNS_CLASS_CH, "CH"},   {DNS_CLASS_HS, "HS"},
        {DNS_CLASS_NONE, "NONE"}, {DNS_CLASS_ANY, "ANY"},
};
enum { CLASS_COUNT = sizeof(classes) / sizeof(classes[0]) };

/* IANA "DNS RCODEs", by number. */
static const char *const rcodes[] = {
        [0] = "NOERROR",  [1] = "FORMERR",    [2] = "SERVFAIL", [3] = "NXDOMAIN",  [4] = "NOTIMP",
        [5] = "REFUSED",  [6] = "YXDOMAIN",   [7] = "YXRRSET",  [8] = "NXRRSET",   [9] = "NOTAUTH",
        [10] = "NOTZONE", [11] = "DSOTYPENI", [16] = "BADVERS", [17] = "BADKEY",   [18] = "BADTIME",
        [19] = "BADMODE", [20] = "BADNAME",   [21] = "BADALG",  [22] = "BADTRUNC", [23] = "BADCOOKIE",
};
enum { RCODE_COUNT = sizeof(rcodes) / sizeof(rcodes[0]) };

/* "TYPE123" and "CLASS123": the word in any case, then a number. */
static int parse_numbered(const char *word, const char *text, size_t len, uint16_t *ret_number)
{
	size_t word_len = strlen(word);
	uint64_t number;

	if (len <= word_len || strncasecmp(text, word, word_len) != 0 ||
	    wire_token_number(text + word_len, len - word_len, UINT16_MAX, &number)) {
		return ERR_SYNTAX;
	}
	*ret_number = (uint16_t)number;
	return 0;
}

const char *wire_type_to_text(uint16_t type, char text[WIRE_TYPE_TEXT_MAX])
{
	const char *mnemonic = wire_type_mnemonic(type);
	if (mnemonic) {
		snprintf(text, WIRE_TYPE_TEXT_MAX, "%s", mnemonic);
	} else {
		snprintf(text, WIRE_TYPE_TEXT_MAX, "TYPE%u", type);
	}
	return text;
}

int wire_type_from_text(const char *text, size_t len, uint16_t *ret_type)
{
	if (wire_type_by_mnemonic(text, len, ret_type) == 0) {
		return 0;
	}
	return parse_numbered("TYPE", text, len, ret_type);
}

const char *wire_class_to_text(uint16_t dns_class, char text[WIRE_TYPE_TEXT_MAX])
{
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		if (classes[i].value == dns_class) {
			snprintf(text, WIRE_TYPE_TEXT_MAX, "%s", classes[i].name);
			return text;
		}
	}
	snprintf(text, WIRE_TYPE_TEXT_MAX, "CLASS%u", dns_class);
	return text;
}

int wire_class_from_text(const char *text, size_t len, uint16_t *ret_class)
{
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		if (strlen(classes[i].name) == len && strncasecmp(classes[i].name, text, len) == 0) {
			*ret_class = classes[i].value;
			return 0;
		}
	}
	return parse_numbered("CLASS", text, len, ret_class);
}

const char *wire_rcode_to_text(unsigned rcode, char text[WIRE_TYPE_TEXT_MAX])
{
	if (rcode < RCODE_COUNT && rcodes[rcode]) {
		snprintf(text, WIRE_TYPE_TEXT_MAX, "%s", rcodes[rcode]);
	} else {
		snprintf(text, WIRE_TYPE_TEXT_MAX, "RCODE%u", rcode);
	}
	return text;
}

/* Seconds of a unit letter, 0 for any other. */
static uint32_t unit_seconds(char c)
{
	switch (c | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

int wire_ttl_from_text(const char *text, size_t len, uint32_t *ret_ttl)
{
	uint64_t total = 0;
	size_t pos = 0;
	bool too_big = false;

	if (len == 0) {
		return ERR_SYNTAX;
	}
	while (pos < len) {
		uint64_t number = 0;
		size_t start = pos;
		for (; pos < len && text[pos] >= '0' && text[pos] <= '9'; pos++) {
			number = number * 10 + (uint64_t)(text[pos] - '0');
			too_big = too_big || number > INT32_MAX;
			number = too_big ? 0 : number;
		}
		/* Only a number that stands alone goes without a unit. */
		uint32_t unit = pos == len && start == 0 ? 1 : 0;
		unit = pos < len ? unit_seconds(text[pos++]) : unit;
		if (unit == 0 || pos == start || text[start] < '0' || text[start] > '9') {
			return ERR_SYNTAX;
		}
		total += number * unit;
		too_big = too_big || total > INT32_MAX;
		total = too_big ? 0 : total;
	}
	if (too_big) {
		return ERR_INVALID;
	}
	*ret_ttl = (uint32_t)total;
	return 0;
}

/* Fields that are nothing at all in text if they have no bytes. */
static bool is_silent(enum wire_field field)
{
	switch (field) {
	case WIRE_FIELD_BITMAP:
	case WIRE_FIELD_NXT:
	case WIRE_FIELD_SVCPARAMS:
	case WIRE_FIELD_BASE64_ANY:
	case WIRE_FIELD_STRING_OPTIONAL:
		return true;
	default:
		return false;
	}
}

/* All fields with a space between them. */
static int fields_to_text(const struct wire_rdata_layout *layout, const uint8_t *rdata, size_t len,
                          struct bytes_writer *out)
{
	struct bytes_reader r;
	bytes_reader_init(&r, rdata, len);

	for (const uint8_t *field = layout->fields; *field != WIRE_FIELD_END; field++) {
		if (bytes_left(&r) == 0 && is_silent((enum wire_field) * field)) {
			continue;
		}
		if (field > layout->fields) {
			bytes_put_u8(out, ' ');
		}
		int err = wire_field_to_text((enum wire_field) * field, &r, out);
		if (err) {
			return err;
		}
	}
	return bytes_complete(&r) ? 0 : ERR_INVALID;
}

static void generic_to_text(const uint8_t *rdata, size_t len, struct bytes_writer *out)
{
	wire_text_printf(out, "\\# %zu", len);
	if (len > 0) {
		bytes_put_u8(out, ' ');
		wire_text_put_hex(out, rdata, len);
	}
}

int wire_rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, char *text, size_t size)
{
	const struct wire_rdata_layout *layout = wire_rdata_layout(type);
	struct bytes_writer out;

	if (size == 0) {
		return ERR_SPACE;
	}
	bytes_writer_init(&out, text, size - 1);
	if (!layout || wire_rdata_check(type, rdata, len) || fields_to_text(layout, rdata, len, &out) ||
	    (out.failed && size >= WIRE_RDATA_TEXT_MAX)) {
		bytes_writer_init(&out, text, size - 1);
		generic_to_text(rdata, len, &out);
	}
	if (out.failed) {
		return ERR_SPACE;
	}
	text[out.len] = '\0';
	return (int)out.len;
}

/* True, and the scanner moved past it, if the text begins with the token \#. */
static bool skip_generic_mark(struct wire_scanner *s)
{
	struct wire_scanner ahead = *s;
	struct wire_token token;
	if (wire_token_next(&ahead, &token) || token.quoted || token.len != 2 || memcmp(token.text, "\\#", 2) != 0) {
		return false;
	}
	*s = ahead;
	return true;
}

/* RFC 3597 5: the number of bytes, then so many bytes in hexadecimal. */
static int generic_from_text(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	uint64_t len;
	int err = wire_token_next(s, &token);
	err = err ? err : wire_token_number(token.text, token.len, UINT16_MAX, &len);
	err = err ? err : wire_field_from_text(WIRE_FIELD_HEX, s, out);
	return err == 0 && !out->failed && out->len != len ? ERR_SYNTAX : err;
}

static int fields_from_text(const struct wire_rdata_layout *layout, struct wire_scanner *s, struct bytes_writer *out)
{
	if (!layout) {
		return ERR_SYNTAX;
	}
	for (const uint8_t *field = layout->fields; *field != WIRE_FIELD_END; field++) {
		int err = wire_field_from_text((enum wire_field) * field, s, out);
		if (err || out->failed) {
			return err;
		}
	}
	if (!wire_token_at_end(s)) {
		s->where = s->pos;
		return ERR_SYNTAX;
	}
	return 0;
}

int wire_rdata_from_text(uint16_t type, const char *text, size_t text_len, const uint8_t *origin, uint8_t *rdata,
                         size_t size, size_t *ret_len, size_t *ret_where)
{
	struct wire_scanner s = {text, text_len, 0, 0, origin};
	struct bytes_writer out;

	bytes_writer_init(&out, rdata, size > UINT16_MAX ? UINT16_MAX : size);
	int err = skip_generic_mark(&s) ? generic_from_text(&s, &out)
	                                : fields_from_text(wire_rdata_layout(type), &s, &out);
	if (err == ERR_NOT_FOUND) {
		err = ERR_SYNTAX;
	}
	if (!err && out.failed) {
		err = size >= UINT16_MAX ? ERR_RDATA : ERR_SPACE;
	}
	err = err ? err : wire_rdata_check(type, rdata, out.len);
	if (err) {
		if (ret_where) {
			*ret_where = s.where;
		}
		return err;
	}
	*ret_len = out.len;
	return 0;
}
