/*
 * LOC (RFC 1876): a place on earth, with the size of what is there and the
 * precision of the measurement.
 */
#include <string.h>

#include "base/err.h"
#include "wire/text_fields.h"

/* Latitude or longitude: thousandths of an arc second off 2^31. */
static void put_angle(uint32_t value, char positive, char negative, struct bytes_writer *out)
{
	const uint32_t equator = 1u << 31;
	uint32_t angle = value >= equator ? value - equator : equator - value;
	wire_text_printf(out, "%u %u %u.%03u %c ", angle / 3600000, angle / 60000 % 60, angle / 1000 % 60, angle % 1000,
	                 value >= equator ? positive : negative);
}

static void put_centimetres(uint64_t value, struct bytes_writer *out)
{
	wire_text_printf(out, "%llu.%02llum", (unsigned long long)value / 100, (unsigned long long)value % 100);
}

static uint64_t loc_size(uint8_t size)
{
	uint64_t value = size >> 4;
	for (unsigned i = 0; i < (size & 15); i++) {
		value *= 10;
	}
	return value;
}

int wire_loc_to_text(struct bytes_reader *r, struct bytes_writer *out)
{
	if (bytes_u8(r) != 0) {
		return ERR_INVALID;
	}
	uint8_t sizes[3] = {0};
	for (size_t i = 0; i < 3; i++) {
		sizes[i] = bytes_u8(r);
	}
	put_angle(bytes_u32(r), 'N', 'S', out);
	put_angle(bytes_u32(r), 'E', 'W', out);
	int64_t altitude = (int64_t)bytes_u32(r) - 10000000;
	if (altitude < 0) {
		bytes_put_u8(out, '-');
	}
	put_centimetres((uint64_t)(altitude < 0 ? -altitude : altitude), out);
	for (size_t i = 0; i < 3; i++) {
		if (sizes[i] >> 4 == 0 && sizes[i] != 0) {
			return ERR_INVALID; /* zero times a power of ten: text has one zero only */
		}
		bytes_put_u8(out, ' ');
		put_centimetres(loc_size(sizes[i]), out);
	}
	return 0;
}

/* A number with up to `places` decimals as an integer of the last place. */
static int parse_decimal(const char *text, size_t len, unsigned places, uint64_t max, uint64_t *ret_number)
{
	const char *dot = memchr(text, '.', len);
	size_t whole = dot ? (size_t)(dot - text) : len;
	size_t decimals = dot ? len - whole - 1 : 0;
	uint64_t number, fraction = 0;

	if (decimals > places || wire_token_number(text, whole, UINT32_MAX, &number) ||
	    (decimals > 0 && wire_token_number(dot + 1, decimals, UINT32_MAX, &fraction))) {
		return ERR_SYNTAX;
	}
	for (unsigned i = 0; i < places; i++) {
		number *= 10;
		fraction *= i < places - decimals ? 10 : 1;
	}
	number += fraction;
	if (number > max) {
		return ERR_SYNTAX;
	}
	*ret_number = number;
	return 0;
}

/* Degrees, minutes and seconds, the latter two optional, up to the letter of the hemisphere. */
static int parse_angle(struct wire_scanner *s, char positive, char negative, struct bytes_writer *out)
{
	static const uint32_t unit[] = {3600000, 60000, 1};
	static const uint32_t max[] = {180, 59, 59999};
	const uint32_t equator = 1u << 31;
	uint32_t angle = 0;

	for (size_t i = 0; i <= 3; i++) {
		struct wire_token token;
		uint64_t number;
		int err = wire_token_next(s, &token);
		if (err) {
			return err;
		}
		char letter = token.len == 1 ? (char)(token.text[0] & ~0x20) : 0;
		if (i > 0 && (letter == positive || letter == negative)) {
			bytes_put_u32(out, letter == positive ? equator + angle : equator - angle);
			return 0;
		}
		if (i == 3 || parse_decimal(token.text, token.len, i == 2 ? 3 : 0, max[i], &number)) {
			return ERR_SYNTAX;
		}
		angle += (uint32_t)number * unit[i];
	}
	return ERR_SYNTAX;
}

/* Metres, "m" optional, in centimetres. */
static int parse_metres(const struct wire_token *token, size_t skip, uint64_t max, uint64_t *ret_centimetres)
{
	size_t len = token->len - skip;
	if (len > 0 && (token->text[skip + len - 1] | 0x20) == 'm') {
		len--;
	}
	return parse_decimal(token->text + skip, len, 2, max, ret_centimetres);
}

static int parse_altitude(struct wire_scanner *s, struct bytes_writer *out)
{
	const uint32_t base = 10000000; /* 100 km below the reference */
	struct wire_token token;
	uint64_t number;
	int err = wire_token_next(s, &token);
	if (err) {
		return err;
	}
	bool negative = token.len > 0 && token.text[0] == '-';
	err = parse_metres(&token, negative ? 1 : 0, negative ? base : UINT32_MAX - base, &number);
	if (!err) {
		bytes_put_u32(out, negative ? base - (uint32_t)number : base + (uint32_t)number);
	}
	return err;
}

/* One digit and a power of ten; what does not fit is cut off. */
static int parse_size(struct wire_scanner *s, uint8_t *ret_size)
{
	struct wire_token token;
	uint64_t number;
	uint8_t power = 0;
	int err = wire_token_next(s, &token);
	err = err ? err : parse_metres(&token, 0, 9000000000, &number);
	if (err) {
		return err;
	}
	for (; number > 9; number /= 10) {
		power++;
	}
	*ret_size = (uint8_t)(number << 4 | power);
	return 0;
}

int wire_loc_from_text(struct wire_scanner *s, struct bytes_writer *out)
{
	uint8_t head[] = {0, 0x12, 0x16, 0x13}; /* version; 1 m, 10 km and 10 m unless given */
	uint8_t place[12];
	struct bytes_writer behind;

	bytes_writer_init(&behind, place, sizeof(place));
	int err = parse_angle(s, 'N', 'S', &behind);
	err = err ? err : parse_angle(s, 'E', 'W', &behind);
	err = err ? err : parse_altitude(s, &behind);
	for (size_t i = 1; err == 0 && i <= 3 && !wire_token_at_end(s); i++) {
		err = parse_size(s, &head[i]);
	}
	if (!err) {
		bytes_put(out, head, sizeof(head));
		bytes_put(out, place, sizeof(place));
	}
	return err;
}
