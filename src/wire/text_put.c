#include "wire/text_fields.h"

#include <string.h>

#include "base/err.h"
#include "wire/svcb.h"
#include "wire/text.h"

static void put_space(struct bytes_writer *out)
{
	bytes_put_u8(out, ' ');
}

static int put_name(struct bytes_reader *r, struct bytes_writer *out)
{
	struct wire_name name;
	char text[WIRE_NAME_TEXT_MAX];

	int err = wire_name_read(r, WIRE_NAME_PLAIN, &name);
	if (err) {
		return err;
	}
	bytes_put(out, text, wire_name_to_text(name.data, text, sizeof(text)));
	return 0;
}

static void put_type(uint16_t type, struct bytes_writer *out)
{
	char text[WIRE_TYPE_TEXT_MAX];
	wire_text_put(out, wire_type_to_text(type, text));
}

static void put_cert_type(uint16_t value, struct bytes_writer *out)
{
	const char *name = wire_cert_type_name(value);
	if (name) {
		wire_text_put(out, name);
	} else {
		wire_text_printf(out, "%u", value);
	}
}

static void put_string(struct bytes_reader *r, struct bytes_writer *out)
{
	size_t len = bytes_u8(r);
	const uint8_t *p = bytes_take(r, len);
	if (p) {
		wire_text_put_quoted(out, p, len);
	}
}

static void put_strings(struct bytes_reader *r, struct bytes_writer *out)
{
	put_string(r, out);
	while (bytes_left(r) > 0) {
		put_space(out);
		put_string(r, out);
	}
}

/* CAA tag: letters and digits only, so no quotes. */
static void put_tag(struct bytes_reader *r, struct bytes_writer *out)
{
	size_t len = bytes_u8(r);
	const uint8_t *p = bytes_take(r, len);
	if (p) {
		bytes_put(out, p, len);
	}
}

/* "-" stands for no bytes. */
static void put_hex_or_dash(struct bytes_reader *r, size_t len, struct bytes_writer *out)
{
	const uint8_t *p = bytes_take(r, len);
	if (!p || len == 0) {
		bytes_put_u8(out, '-');
	} else {
		wire_text_put_hex(out, p, len);
	}
}

static void put_base32(struct bytes_reader *r, struct bytes_writer *out)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	unsigned bits = 0;
	unsigned bit_count = 0;

	for (size_t len = bytes_u8(r); len > 0; len--) {
		bits = (bits & 0xff) << 8 | bytes_u8(r);
		bit_count += 8;
		while (bit_count >= 5) {
			bit_count -= 5;
			bytes_put_u8(out, (uint8_t)digits[bits >> bit_count & 31]);
		}
	}
	if (bit_count > 0) {
		bytes_put_u8(out, (uint8_t)digits[bits << (5 - bit_count) & 31]);
	}
}

/* Length, then the bytes if there are any (TSIG, TKEY). */
static void put_counted(struct bytes_reader *r, bool hex, struct bytes_writer *out)
{
	size_t len = bytes_u16(r);
	const uint8_t *p = bytes_take(r, len);
	wire_text_printf(out, "%zu", len);
	if (!p || len == 0) {
		return;
	}
	put_space(out);
	if (hex) {
		wire_text_put_hex(out, p, len);
	} else {
		wire_base64_put(p, len, out);
	}
}

static void put_bits(unsigned first, const uint8_t *bits, size_t len, bool *first_word, struct bytes_writer *out)
{
	for (unsigned i = 0; i < len * 8; i++) {
		if ((bits[i / 8] & 0x80 >> i % 8) == 0) {
			continue;
		}
		if (!*first_word) {
			put_space(out);
		}
		*first_word = false;
		put_type((uint16_t)(first + i), out);
	}
}

static void put_bitmap(struct bytes_reader *r, struct bytes_writer *out)
{
	bool first_word = true;
	while (bytes_left(r) > 0) {
		unsigned window = bytes_u8(r);
		size_t len = bytes_u8(r);
		const uint8_t *p = bytes_take(r, len);
		if (!p) {
			return;
		}
		put_bits(window * 256, p, len, &first_word, out);
	}
}

static void put_nxt(struct bytes_reader *r, struct bytes_writer *out)
{
	bool first_word = true;
	size_t len = bytes_left(r);
	const uint8_t *p = bytes_take(r, len);
	if (p) {
		put_bits(0, p, len, &first_word, out);
	}
}

/* 16-bit groups joined by colons (ILNP) or bytes joined by hyphens (EUI). */
static void put_groups(struct bytes_reader *r, size_t count, bool wide, struct bytes_writer *out)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			bytes_put_u8(out, wide ? ':' : '-');
		}
		if (wide) {
			wire_text_printf(out, "%04x", bytes_u16(r));
		} else {
			wire_text_printf(out, "%02x", bytes_u8(r));
		}
	}
}

static int put_apl(struct bytes_reader *r, struct bytes_writer *out)
{
	for (bool first = true; bytes_left(r) > 0; first = false) {
		uint16_t family = bytes_u16(r);
		uint8_t prefix = bytes_u8(r);
		uint8_t flags = bytes_u8(r);
		uint8_t address[16] = {0};
		size_t len = flags & 0x7f;
		const uint8_t *p = bytes_take(r, len);
		if (!p || len > sizeof(address) || family < 1 || family > 2) {
			return ERR_INVALID;
		}
		memcpy(address, p, len);
		wire_text_printf(out, "%s%s%u:", first ? "" : " ", (flags & 0x80) != 0 ? "!" : "", family);
		if (family == 1) {
			wire_ipv4_put(address, out);
		} else {
			wire_ipv6_put(address, out);
		}
		wire_text_printf(out, "/%u", prefix);
	}
	return 0;
}

static int put_wks(struct bytes_reader *r, struct bytes_writer *out)
{
	wire_text_printf(out, "%u", bytes_u8(r));
	size_t len = bytes_left(r);
	const uint8_t *p = bytes_take(r, len);
	if (!p || (len > 0 && p[len - 1] == 0)) {
		return ERR_INVALID; /* zero bytes at the end have no text */
	}
	for (unsigned i = 0; i < len * 8; i++) {
		if ((p[i / 8] & 0x80 >> i % 8) != 0) {
			wire_text_printf(out, " %u", i);
		}
	}
	return 0;
}

static int put_gateway(struct bytes_reader *r, unsigned kind, struct bytes_writer *out)
{
	const uint8_t *p;

	switch (kind) {
	case 0:
		bytes_put_u8(out, '.');
		return 0;
	case 1:
		p = bytes_take(r, 4);
		if (p) {
			wire_ipv4_put(p, out);
		}
		return 0;
	case 2:
		p = bytes_take(r, 16);
		if (p) {
			wire_ipv6_put(p, out);
		}
		return 0;
	case 3:
		return put_name(r, out);
	default:
		return ERR_INVALID;
	}
}

static int put_ipseckey(struct bytes_reader *r, struct bytes_writer *out)
{
	uint8_t kind = bytes_u8(r);
	wire_text_printf(out, "%u %u ", kind, bytes_u8(r));
	return put_gateway(r, kind, out);
}

static int put_amtrelay(struct bytes_reader *r, struct bytes_writer *out)
{
	uint8_t kind = bytes_u8(r);
	wire_text_printf(out, "%u %u ", kind >> 7, kind & 0x7f);
	return put_gateway(r, kind & 0x7f, out);
}

static int put_hip(struct bytes_reader *r, struct bytes_writer *out)
{
	size_t hit_len = bytes_u8(r);
	wire_text_printf(out, "%u ", bytes_u8(r));
	size_t key_len = bytes_u16(r);
	const uint8_t *hit = bytes_take(r, hit_len);
	const uint8_t *key = bytes_take(r, key_len);
	if (!hit || !key) {
		return ERR_INVALID;
	}
	wire_text_put_hex(out, hit, hit_len);
	put_space(out);
	wire_base64_put(key, key_len, out);
	while (bytes_left(r) > 0) {
		put_space(out);
		int err = put_name(r, out);
		if (err) {
			return err;
		}
	}
	return 0;
}

static int put_a6(struct bytes_reader *r, struct bytes_writer *out)
{
	unsigned prefix = bytes_u8(r);
	size_t len = prefix > 128 ? 0 : (128 - prefix + 7) / 8;
	uint8_t address[16] = {0};
	const uint8_t *p = bytes_take(r, len);
	if (!p) {
		return ERR_INVALID;
	}
	wire_text_printf(out, "%u", prefix);
	if (len > 0) {
		memcpy(address + 16 - len, p, len);
		put_space(out);
		wire_ipv6_put(address, out);
	}
	if (prefix == 0) {
		return 0;
	}
	put_space(out);
	return put_name(r, out);
}

/* Format 0: an ATM end system address in hex; format 1: a telephone number. */
static int put_atma(struct bytes_reader *r, struct bytes_writer *out)
{
	uint8_t format = bytes_u8(r);
	size_t len = bytes_left(r);
	const uint8_t *p = bytes_take(r, len);
	if (!p || format > 1) {
		return ERR_INVALID;
	}
	if (format == 0) {
		wire_text_put_hex(out, p, len);
		return 0;
	}
	bytes_put_u8(out, '+');
	bytes_put(out, p, len);
	return 0;
}

static void put_scheme(uint8_t scheme, struct bytes_writer *out)
{
	if (scheme == 1) {
		wire_text_put(out, "NOTIFY");
	} else {
		wire_text_printf(out, "%u", scheme);
	}
}

/* All that is left of the rdata in one piece. */
static void put_rest(enum wire_field field, struct bytes_reader *r, struct bytes_writer *out)
{
	size_t len = bytes_left(r);
	const uint8_t *p = bytes_take(r, len);
	if (!p) {
		return;
	}
	switch (field) {
	case WIRE_FIELD_TEXT:
	case WIRE_FIELD_URI:
		wire_text_put_quoted(out, p, len);
		break;
	case WIRE_FIELD_NSAP:
		wire_text_put(out, "0x");
		wire_text_put_hex(out, p, len);
		break;
	case WIRE_FIELD_HEX:
		wire_text_put_hex(out, p, len);
		break;
	default:
		wire_base64_put(p, len, out);
		break;
	}
}

/* Numbers and what else is always one value. */
static void put_number(enum wire_field field, struct bytes_reader *r, struct bytes_writer *out)
{
	uint64_t number;

	switch (field) {
	case WIRE_FIELD_U8:
	case WIRE_FIELD_ALGORITHM:
		number = bytes_u8(r);
		break;
	case WIRE_FIELD_U16:
		number = bytes_u16(r);
		break;
	case WIRE_FIELD_U48:
		number = bytes_u48(r);
		break;
	case WIRE_FIELD_U64:
		number = (uint64_t)bytes_u32(r) << 32;
		number |= bytes_u32(r);
		break;
	default:
		number = bytes_u32(r);
		break;
	}
	wire_text_printf(out, "%llu", (unsigned long long)number);
}

static void put_address(struct bytes_reader *r, size_t len, struct bytes_writer *out)
{
	const uint8_t *p = bytes_take(r, len);
	if (p && len == 4) {
		wire_ipv4_put(p, out);
	} else if (p) {
		wire_ipv6_put(p, out);
	}
}

/* Fields that can be put into text whatever their bytes are. */
static void put_simple(enum wire_field field, struct bytes_reader *r, struct bytes_writer *out)
{
	switch (field) {
	case WIRE_FIELD_TYPE:
		put_type(bytes_u16(r), out);
		break;
	case WIRE_FIELD_TIME:
		wire_date_put(bytes_u32(r), out);
		break;
	case WIRE_FIELD_CERT_TYPE:
		put_cert_type(bytes_u16(r), out);
		break;
	case WIRE_FIELD_SCHEME:
		put_scheme(bytes_u8(r), out);
		break;
	case WIRE_FIELD_IPV4:
		put_address(r, 4, out);
		break;
	case WIRE_FIELD_IPV6:
		put_address(r, 16, out);
		break;
	case WIRE_FIELD_EUI48:
		put_groups(r, 6, false, out);
		break;
	case WIRE_FIELD_EUI64:
		put_groups(r, 8, false, out);
		break;
	case WIRE_FIELD_ILNP64:
		put_groups(r, 4, true, out);
		break;
	case WIRE_FIELD_STRING:
	case WIRE_FIELD_X25:
		put_string(r, out);
		break;
	case WIRE_FIELD_STRINGS:
		put_strings(r, out);
		break;
	case WIRE_FIELD_TAG:
		put_tag(r, out);
		break;
	case WIRE_FIELD_HEX_U8:
		put_hex_or_dash(r, bytes_u8(r), out);
		break;
	case WIRE_FIELD_BASE32_U8:
		put_base32(r, out);
		break;
	case WIRE_FIELD_BASE64_U16:
		put_counted(r, false, out);
		break;
	case WIRE_FIELD_HEX_U16:
		put_counted(r, true, out);
		break;
	case WIRE_FIELD_BITMAP:
		put_bitmap(r, out);
		break;
	case WIRE_FIELD_NXT:
		put_nxt(r, out);
		break;
	default:
		put_number(field, r, out);
		break;
	}
}

int wire_field_to_text(enum wire_field field, struct bytes_reader *r, struct bytes_writer *out)
{
	switch (field) {
	case WIRE_FIELD_NAME:
		return put_name(r, out);
	case WIRE_FIELD_LOC:
		return wire_loc_to_text(r, out);
	case WIRE_FIELD_APL:
		return put_apl(r, out);
	case WIRE_FIELD_WKS:
		return put_wks(r, out);
	case WIRE_FIELD_IPSECKEY:
		return put_ipseckey(r, out);
	case WIRE_FIELD_AMTRELAY:
		return put_amtrelay(r, out);
	case WIRE_FIELD_HIP:
		return put_hip(r, out);
	case WIRE_FIELD_A6:
		return put_a6(r, out);
	case WIRE_FIELD_ATMA:
		return put_atma(r, out);
	case WIRE_FIELD_SVCPARAMS:
		return wire_svcb_to_text(r, out);
	case WIRE_FIELD_STRING_OPTIONAL:
		if (bytes_left(r) > 0) {
			put_string(r, out);
		}
		return 0;
	case WIRE_FIELD_BASE64_DASH:
		if (bytes_left(r) == 0) {
			bytes_put_u8(out, '-');
		}
		put_rest(field, r, out);
		return 0;
	case WIRE_FIELD_TEXT:
	case WIRE_FIELD_URI:
	case WIRE_FIELD_BASE64:
	case WIRE_FIELD_BASE64_ANY:
	case WIRE_FIELD_HEX:
	case WIRE_FIELD_NSAP:
		put_rest(field, r, out);
		return 0;
	case WIRE_FIELD_OPAQUE:
	case WIRE_FIELD_OPTIONS:
		return ERR_INVALID;
	default:
		put_simple(field, r, out);
		return 0;
	}
}
