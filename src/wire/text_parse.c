#include "wire/text_fields.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "wire/svcb.h"
#include "wire/text.h"

struct mnemonic {
	const char *name;
	uint16_t value;
};

/* IANA "DNS Security Algorithm Numbers". */
static const struct mnemonic algorithms[] = {
        {"RSAMD5", 1},
        {"DH", 2},
        {"DSA", 3},
        {"RSASHA1", 5},
        {"DSA-NSEC3-SHA1", 6},
        {"NSEC3DSA", 6},
        {"RSASHA1-NSEC3-SHA1", 7},
        {"NSEC3RSASHA1", 7},
        {"RSASHA256", 8},
        {"RSASHA512", 10},
        {"ECC-GOST", 12},
        {"ECCGOST", 12},
        {"ECDSAP256SHA256", 13},
        {"ECDSAP384SHA384", 14},
        {"ED25519", 15},
        {"ED448", 16},
        {"INDIRECT", 252},
        {"PRIVATEDNS", 253},
        {"PRIVATEOID", 254},
        {NULL, 0},
};

/* RFC 4398 2.1. */
static const struct mnemonic cert_types[] = {
        {"PKIX", 1},   {"SPKI", 2},    {"PGP", 3},   {"IPKIX", 4}, {"ISPKI", 5}, {"IPGP", 6},
        {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254}, {NULL, 0},
};

/* RFC 9859 7.2. */
static const struct mnemonic schemes[] = {{"NOTIFY", 1}, {NULL, 0}};

static const struct mnemonic protocols[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {NULL, 0}};

/* The services one meets in WKS of old zones. */
static const struct mnemonic services[] = {
        {"echo", 7},    {"discard", 9}, {"daytime", 13}, {"ftp-data", 20}, {"ftp", 21},    {"ssh", 22},
        {"telnet", 23}, {"smtp", 25},   {"time", 37},    {"whois", 43},    {"domain", 53}, {"gopher", 70},
        {"finger", 79}, {"http", 80},   {"pop3", 110},   {"sunrpc", 111},  {"nntp", 119},  {"ntp", 123},
        {"imap2", 143}, {"snmp", 161},  {"https", 443},  {NULL, 0},
};

const char *wire_cert_type_name(uint16_t type)
{
	for (const struct mnemonic *m = cert_types; m->name; m++) {
		if (m->value == type) {
			return m->name;
		}
	}
	return NULL;
}

/* A number up to `max`, or a name of the list. */
static int parse_named(struct wire_scanner *s, const struct mnemonic *names, uint64_t max, uint64_t *ret_number)
{
	struct wire_token token;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	for (const struct mnemonic *m = names; m && m->name; m++) {
		if (strlen(m->name) == token.len && strncasecmp(m->name, token.text, token.len) == 0) {
			*ret_number = m->value;
			return 0;
		}
	}
	return wire_token_number(token.text, token.len, max, ret_number);
}

static int parse_u8(struct wire_scanner *s, const struct mnemonic *names, struct bytes_writer *out)
{
	uint64_t number;
	int err = parse_named(s, names, UINT8_MAX, &number);
	if (!err) {
		bytes_put_u8(out, (uint8_t)number);
	}
	return err;
}

static int parse_u16(struct wire_scanner *s, const struct mnemonic *names, struct bytes_writer *out)
{
	uint64_t number;
	int err = parse_named(s, names, UINT16_MAX, &number);
	if (!err) {
		bytes_put_u16(out, (uint16_t)number);
	}
	return err;
}

static int parse_u32(struct wire_scanner *s, struct bytes_writer *out)
{
	uint64_t number;
	int err = parse_named(s, NULL, UINT32_MAX, &number);
	if (!err) {
		bytes_put_u32(out, (uint32_t)number);
	}
	return err;
}

static int parse_u48(struct wire_scanner *s, struct bytes_writer *out)
{
	uint64_t number;
	int err = parse_named(s, NULL, (1ull << 48) - 1, &number);
	if (!err) {
		bytes_put_u48(out, number);
	}
	return err;
}

static int parse_u64(struct wire_scanner *s, struct bytes_writer *out)
{
	uint64_t number;
	int err = parse_named(s, NULL, UINT64_MAX, &number);
	if (!err) {
		bytes_put_u32(out, (uint32_t)(number >> 32));
		bytes_put_u32(out, (uint32_t)number);
	}
	return err;
}

static int parse_name(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	struct wire_name name;
	int err = wire_token_next(s, &token);
	err = err ? err : wire_name_from_text(token.text, token.len, s->origin, &name);
	if (!err) {
		bytes_put(out, name.data, name.len);
	}
	return err;
}

/* A plain number of the whole 32 bits, or with units. */
static int parse_ttl(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	uint64_t number;
	uint32_t ttl = 0;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (wire_token_number(token.text, token.len, UINT32_MAX, &number) == 0) {
		ttl = (uint32_t)number;
	} else if (wire_ttl_from_text(token.text, token.len, &ttl)) {
		return ERR_SYNTAX;
	}
	bytes_put_u32(out, ttl);
	return 0;
}

static int parse_type(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	uint16_t type;
	int err = wire_token_next(s, &token);
	err = err ? err : wire_type_from_text(token.text, token.len, &type);
	if (!err) {
		bytes_put_u16(out, type);
	}
	return err;
}

/* A date, or seconds as a number of up to ten digits (RFC 4034 3.2). */
static int parse_time(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	uint64_t number;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (token.len == 14) {
		int64_t time = wire_date_parse(token.text);
		if (time < 0 || time > UINT32_MAX) {
			return ERR_SYNTAX;
		}
		number = (uint64_t)time;
	} else if (wire_token_number(token.text, token.len, UINT32_MAX, &number)) {
		return ERR_SYNTAX;
	}
	bytes_put_u32(out, (uint32_t)number);
	return 0;
}

static int parse_string(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	size_t at = out->len;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	bytes_put_u8(out, 0);
	err = wire_token_bytes(&token, out);
	if (err || out->failed) {
		return err;
	}
	if (out->len - at - 1 > 255) {
		return ERR_RDATA;
	}
	out->base[at] = (uint8_t)(out->len - at - 1);
	return 0;
}

static int parse_strings(struct wire_scanner *s, struct bytes_writer *out)
{
	do {
		int err = parse_string(s, out);
		if (err) {
			return err;
		}
	} while (!wire_token_at_end(s) && !out->failed);
	return 0;
}

static int parse_text(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	int err = wire_token_next(s, &token);
	return err ? err : wire_token_bytes(&token, out);
}

/* All tokens that are left. */
static int parse_base64(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_base64 state = {0};
	while (!wire_token_at_end(s)) {
		struct wire_token token;
		int err = wire_token_next(s, &token);
		err = err ? err : wire_base64_feed(&state, token.text, token.len, out);
		if (err) {
			return err;
		}
	}
	return wire_base64_end(&state);
}

static int parse_base64_dash(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_scanner ahead = *s;
	struct wire_token token;
	int err = wire_token_next(&ahead, &token);
	if (err) {
		return err;
	}
	if (token.len == 1 && token.text[0] == '-') {
		*s = ahead;
		return 0;
	}
	return parse_base64(s, out);
}

static int parse_hex_token(const struct wire_token *token, struct bytes_writer *out)
{
	int half = -1;
	int err = wire_hex_feed(token->text, token->len, &half, out);
	return err == 0 && half >= 0 ? ERR_SYNTAX : err;
}

static int parse_hex(struct wire_scanner *s, struct bytes_writer *out)
{
	int half = -1;
	while (!wire_token_at_end(s)) {
		struct wire_token token;
		int err = wire_token_next(s, &token);
		err = err ? err : wire_hex_feed(token.text, token.len, &half, out);
		if (err) {
			return err;
		}
	}
	return half >= 0 ? ERR_SYNTAX : 0;
}

static int parse_salt(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	size_t at = out->len;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	bytes_put_u8(out, 0);
	if (token.len == 1 && token.text[0] == '-') {
		return 0;
	}
	err = parse_hex_token(&token, out);
	if (err || out->failed) {
		return err;
	}
	if (out->len - at - 1 > 255) {
		return ERR_RDATA;
	}
	out->base[at] = (uint8_t)(out->len - at - 1);
	return 0;
}

static int base32_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

/* Base32hex without padding (RFC 5155 3.3). */
static int parse_base32(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	unsigned bits = 0;
	unsigned bit_count = 0;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (token.len * 5 / 8 > 255) {
		return ERR_RDATA;
	}
	bytes_put_u8(out, (uint8_t)(token.len * 5 / 8));
	for (size_t i = 0; i < token.len; i++) {
		int digit = base32_digit(token.text[i]);
		if (digit < 0) {
			return ERR_SYNTAX;
		}
		bits = (bits << 5 | (unsigned)digit) & 0xfff;
		bit_count += 5;
		if (bit_count >= 8) {
			bit_count -= 8;
			bytes_put_u8(out, (uint8_t)(bits >> bit_count));
		}
	}
	return bit_count >= 5 || (bits & ((1u << bit_count) - 1)) != 0 ? ERR_SYNTAX : 0;
}

/* A length, then as many bytes if it is not 0 (TSIG, TKEY). */
static int parse_counted(struct wire_scanner *s, bool hex, struct bytes_writer *out)
{
	uint64_t number;
	struct wire_token token;
	struct wire_base64 state = {0};

	int err = parse_named(s, NULL, UINT16_MAX, &number);
	if (err) {
		return err;
	}
	bytes_put_u16(out, (uint16_t)number);
	if (number == 0) {
		return 0;
	}
	size_t at = out->len;
	err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (hex) {
		err = parse_hex_token(&token, out);
	} else {
		err = wire_base64_feed(&state, token.text, token.len, out);
		err = err ? err : wire_base64_end(&state);
	}
	return err == 0 && !out->failed && out->len - at != number ? ERR_SYNTAX : err;
}

/* Type names to the end as a set of bits. *ret_last is -1 for none. */
static int parse_types(struct wire_scanner *s, uint8_t bits[8192], int *ret_last)
{
	memset(bits, 0, 8192);
	*ret_last = -1;
	while (!wire_token_at_end(s)) {
		struct wire_token token;
		uint16_t type;
		int err = wire_token_next(s, &token);
		err = err ? err : wire_type_from_text(token.text, token.len, &type);
		if (err) {
			return err;
		}
		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		*ret_last = type > *ret_last ? type : *ret_last;
	}
	return 0;
}

static int parse_bitmap(struct wire_scanner *s, struct bytes_writer *out)
{
	uint8_t bits[8192];
	int last;
	int err = parse_types(s, bits, &last);

	for (int window = 0; err == 0 && window * 256 <= last; window++) {
		const uint8_t *p = bits + (size_t)window * 32;
		uint8_t len = 32;
		while (len > 0 && p[len - 1] == 0) {
			len--;
		}
		if (len > 0) {
			bytes_put_u8(out, (uint8_t)window);
			bytes_put_u8(out, len);
			bytes_put(out, p, len);
		}
	}
	return err;
}

static int parse_nxt(struct wire_scanner *s, struct bytes_writer *out)
{
	uint8_t bits[8192];
	int last;
	int err = parse_types(s, bits, &last);
	if (err == 0 && last > 127) {
		return ERR_RDATA;
	}
	if (err == 0) {
		bytes_put(out, bits, (size_t)(last + 8) / 8);
	}
	return err;
}

/* Groups of `digits` hexadecimal digits (or fewer, where `wide`) with a mark between them. */
static int parse_groups(struct wire_scanner *s, size_t count, bool wide, struct bytes_writer *out)
{
	struct wire_token token;
	size_t pos = 0;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	for (size_t i = 0; i < count; i++) {
		unsigned value = 0;
		size_t digits = 0;
		if (i > 0 && (pos == token.len || token.text[pos++] != (wide ? ':' : '-'))) {
			return ERR_SYNTAX;
		}
		for (; pos < token.len && wire_hex_digit(token.text[pos]) >= 0 && digits < 4; digits++) {
			value = value << 4 | (unsigned)wire_hex_digit(token.text[pos++]);
		}
		if (wide ? digits == 0 : digits != 2) {
			return ERR_SYNTAX;
		}
		if (wide) {
			bytes_put_u16(out, (uint16_t)value);
		} else {
			bytes_put_u8(out, (uint8_t)value);
		}
	}
	return pos == token.len ? 0 : ERR_SYNTAX;
}

static int parse_address(struct wire_scanner *s, size_t len, struct bytes_writer *out)
{
	struct wire_token token;
	uint8_t address[16];
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	err = len == 4 ? wire_ipv4_parse(token.text, token.len, address)
	               : wire_ipv6_parse(token.text, token.len, address);
	if (!err) {
		bytes_put(out, address, len);
	}
	return err;
}

/* Hexadecimal digits with dots anywhere between the bytes. */
static int parse_dotted_hex(const char *text, size_t len, struct bytes_writer *out)
{
	int half = -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && half < 0) {
			continue;
		}
		if (wire_hex_feed(text + i, 1, &half, out)) {
			return ERR_SYNTAX;
		}
	}
	return half >= 0 ? ERR_SYNTAX : 0;
}

static int parse_nsap(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (token.len < 2 || token.text[0] != '0' || (token.text[1] | 0x20) != 'x') {
		return ERR_SYNTAX;
	}
	return parse_dotted_hex(token.text + 2, token.len - 2, out);
}

static int parse_atma(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	if (token.len == 0 || token.text[0] != '+') {
		bytes_put_u8(out, 0);
		return parse_dotted_hex(token.text, token.len, out);
	}
	bytes_put_u8(out, 1);
	for (size_t i = 1; i < token.len; i++) {
		if (token.text[i] < '0' || token.text[i] > '9') {
			return ERR_SYNTAX;
		}
	}
	bytes_put(out, token.text + 1, token.len - 1);
	return 0;
}

/* "address/prefix" behind "[!]family:" (RFC 3123 5). */
static int parse_apl_item(const struct wire_token *token, struct bytes_writer *out)
{
	const char *text = token->text;
	size_t len = token->len;
	uint8_t negated = len > 0 && text[0] == '!' ? 0x80 : 0;
	uint8_t address[16];
	uint64_t prefix;

	text += negated ? 1 : 0;
	len -= negated ? 1 : 0;
	if (len < 2 || (text[0] != '1' && text[0] != '2') || text[1] != ':') {
		return ERR_SYNTAX;
	}
	bool is_ipv4 = text[0] == '1';
	text += 2;
	len -= 2;
	const char *slash = memchr(text, '/', len);
	if (!slash) {
		return ERR_SYNTAX;
	}
	size_t address_len = (size_t)(slash - text);
	int err = is_ipv4 ? wire_ipv4_parse(text, address_len, address) : wire_ipv6_parse(text, address_len, address);
	err = err ? err : wire_token_number(slash + 1, len - address_len - 1, is_ipv4 ? 32 : 128, &prefix);
	if (err) {
		return err;
	}
	uint8_t used = is_ipv4 ? 4 : 16;
	while (used > 0 && address[used - 1] == 0) {
		used--;
	}
	bytes_put_u16(out, is_ipv4 ? 1 : 2);
	bytes_put_u8(out, (uint8_t)prefix);
	bytes_put_u8(out, negated | used);
	bytes_put(out, address, used);
	return 0;
}

static int parse_apl(struct wire_scanner *s, struct bytes_writer *out)
{
	while (!wire_token_at_end(s)) {
		struct wire_token token;
		int err = wire_token_next(s, &token);
		err = err ? err : parse_apl_item(&token, out);
		if (err) {
			return err;
		}
	}
	return 0;
}

static int parse_wks(struct wire_scanner *s, struct bytes_writer *out)
{
	uint8_t bits[8192] = {0};
	size_t used = 0;
	int err = parse_u8(s, protocols, out);

	while (err == 0 && !wire_token_at_end(s)) {
		uint64_t port;
		err = parse_named(s, services, UINT16_MAX, &port);
		if (err == 0) {
			bits[port / 8] |= (uint8_t)(0x80 >> port % 8);
			used = port / 8 + 1 > used ? port / 8 + 1 : used;
		}
	}
	bytes_put(out, bits, used);
	return err;
}

static int parse_gateway(struct wire_scanner *s, uint64_t kind, struct bytes_writer *out)
{
	struct wire_token token;
	int err;

	switch (kind) {
	case 0:
		err = wire_token_next(s, &token);
		return err == 0 && (token.len != 1 || token.text[0] != '.') ? ERR_SYNTAX : err;
	case 1:
		return parse_address(s, 4, out);
	case 2:
		return parse_address(s, 16, out);
	case 3:
		return parse_name(s, out);
	default:
		return ERR_SYNTAX;
	}
}

static int parse_ipseckey(struct wire_scanner *s, struct bytes_writer *out)
{
	uint64_t kind;
	int err = parse_named(s, NULL, 3, &kind);
	if (err) {
		return err;
	}
	bytes_put_u8(out, (uint8_t)kind);
	err = parse_u8(s, NULL, out);
	return err ? err : parse_gateway(s, kind, out);
}

static int parse_amtrelay(struct wire_scanner *s, struct bytes_writer *out)
{
	uint64_t discovery, kind;
	int err = parse_named(s, NULL, 1, &discovery);
	err = err ? err : parse_named(s, NULL, 3, &kind);
	if (err) {
		return err;
	}
	bytes_put_u8(out, (uint8_t)(discovery << 7 | kind));
	return parse_gateway(s, kind, out);
}

/* The tag and the key are one token each; the lengths stand in front of both. */
static int parse_hip(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token tag, key;
	struct wire_base64 state = {0};
	size_t at = out->len;

	bytes_put_u8(out, 0);
	int err = parse_u8(s, NULL, out);
	bytes_put_u16(out, 0);
	err = err ? err : wire_token_next(s, &tag);
	err = err ? err : parse_hex_token(&tag, out);
	size_t tag_len = out->len - at - 4;
	err = err ? err : wire_token_next(s, &key);
	err = err ? err : wire_base64_feed(&state, key.text, key.len, out);
	err = err ? err : wire_base64_end(&state);
	if (err || out->failed) {
		return err;
	}
	size_t key_len = out->len - at - 4 - tag_len;
	if (tag_len > UINT8_MAX || key_len > UINT16_MAX) {
		return ERR_RDATA;
	}
	out->base[at] = (uint8_t)tag_len;
	bytes_patch_u16(out, at + 2, (uint16_t)key_len);
	while (!wire_token_at_end(s)) {
		err = parse_name(s, out);
		if (err) {
			return err;
		}
	}
	return 0;
}

/* Prefix length, address unless all of it is prefix, name unless none of it is. */
static int parse_a6(struct wire_scanner *s, struct bytes_writer *out)
{
	struct wire_token token;
	uint8_t address[16];
	uint64_t prefix;
	int err = parse_named(s, NULL, 128, &prefix);
	if (err) {
		return err;
	}
	bytes_put_u8(out, (uint8_t)prefix);
	if (prefix < 128) {
		err = wire_token_next(s, &token);
		err = err ? err : wire_ipv6_parse(token.text, token.len, address);
		if (err) {
			return err;
		}
		/* The bits of the prefix come from the name, so they count as zero. */
		address[prefix / 8] &= (uint8_t)(0xff >> prefix % 8);
		bytes_put(out, address + prefix / 8, 16 - prefix / 8);
	}
	return prefix > 0 ? parse_name(s, out) : 0;
}

/* Fields of one token, or of a part of it. */
static int parse_single(enum wire_field field, struct wire_scanner *s, struct bytes_writer *out)
{
	switch (field) {
	case WIRE_FIELD_NAME:
		return parse_name(s, out);
	case WIRE_FIELD_U8:
		return parse_u8(s, NULL, out);
	case WIRE_FIELD_ALGORITHM:
		return parse_u8(s, algorithms, out);
	case WIRE_FIELD_SCHEME:
		return parse_u8(s, schemes, out);
	case WIRE_FIELD_U16:
		return parse_u16(s, NULL, out);
	case WIRE_FIELD_CERT_TYPE:
		return parse_u16(s, cert_types, out);
	case WIRE_FIELD_U32:
		return parse_u32(s, out);
	case WIRE_FIELD_U48:
		return parse_u48(s, out);
	case WIRE_FIELD_U64:
		return parse_u64(s, out);
	case WIRE_FIELD_TTL:
		return parse_ttl(s, out);
	case WIRE_FIELD_TIME:
		return parse_time(s, out);
	case WIRE_FIELD_TYPE:
		return parse_type(s, out);
	case WIRE_FIELD_IPV4:
		return parse_address(s, 4, out);
	case WIRE_FIELD_IPV6:
		return parse_address(s, 16, out);
	case WIRE_FIELD_STRING:
	case WIRE_FIELD_TAG:
	case WIRE_FIELD_X25:
		return parse_string(s, out);
	case WIRE_FIELD_TEXT:
	case WIRE_FIELD_URI:
		return parse_text(s, out);
	case WIRE_FIELD_HEX_U8:
		return parse_salt(s, out);
	case WIRE_FIELD_BASE32_U8:
		return parse_base32(s, out);
	case WIRE_FIELD_EUI48:
		return parse_groups(s, 6, false, out);
	case WIRE_FIELD_EUI64:
		return parse_groups(s, 8, false, out);
	case WIRE_FIELD_ILNP64:
		return parse_groups(s, 4, true, out);
	case WIRE_FIELD_NSAP:
		return parse_nsap(s, out);
	case WIRE_FIELD_ATMA:
		return parse_atma(s, out);
	default:
		return ERR_SYNTAX; /* no form but that of RFC 3597 */
	}
}

int wire_field_from_text(enum wire_field field, struct wire_scanner *s, struct bytes_writer *out)
{
	switch (field) {
	case WIRE_FIELD_STRINGS:
		return parse_strings(s, out);
	case WIRE_FIELD_STRING_OPTIONAL:
		return wire_token_at_end(s) ? 0 : parse_string(s, out);
	case WIRE_FIELD_BASE64:
	case WIRE_FIELD_BASE64_ANY:
		return parse_base64(s, out);
	case WIRE_FIELD_BASE64_DASH:
		return parse_base64_dash(s, out);
	case WIRE_FIELD_HEX:
		return parse_hex(s, out);
	case WIRE_FIELD_BASE64_U16:
		return parse_counted(s, false, out);
	case WIRE_FIELD_HEX_U16:
		return parse_counted(s, true, out);
	case WIRE_FIELD_BITMAP:
		return parse_bitmap(s, out);
	case WIRE_FIELD_NXT:
		return parse_nxt(s, out);
	case WIRE_FIELD_LOC:
		return wire_loc_from_text(s, out);
	case WIRE_FIELD_APL:
		return parse_apl(s, out);
	case WIRE_FIELD_WKS:
		return parse_wks(s, out);
	case WIRE_FIELD_IPSECKEY:
		return parse_ipseckey(s, out);
	case WIRE_FIELD_AMTRELAY:
		return parse_amtrelay(s, out);
	case WIRE_FIELD_HIP:
		return parse_hip(s, out);
	case WIRE_FIELD_A6:
		return parse_a6(s, out);
	case WIRE_FIELD_SVCPARAMS:
		return wire_svcb_from_text(s, out);
	default:
		return parse_single(field, s, out);
	}
}
