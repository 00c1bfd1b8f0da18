#include "wire/token.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')';
}

static bool is_end_of_token(const struct wire_scanner *s)
{
	return s->pos == s->len || is_space(s->text[s->pos]) || s->text[s->pos] == ';';
}

static void skip_space(struct wire_scanner *s)
{
	while (s->pos < s->len) {
		if (s->text[s->pos] == ';') {
			const char *end = memchr(s->text + s->pos, '\n', s->len - s->pos);
			s->pos = end ? (size_t)(end - s->text) : s->len;
		} else if (is_space(s->text[s->pos])) {
			s->pos++;
		} else {
			return;
		}
	}
}

bool wire_token_at_end(struct wire_scanner *s)
{
	skip_space(s);
	return s->pos == s->len;
}

/* Move from an opening quote past the closing one. */
static int skip_quoted(struct wire_scanner *s)
{
	for (s->pos++; s->pos < s->len; s->pos++) {
		char c = s->text[s->pos];
		if (c == '"') {
			s->pos++;
			return 0;
		}
		if (c == '\n') {
			break;
		}
		if (c == '\\') {
			s->pos++;
		}
	}
	s->pos = s->pos > s->len ? s->len : s->pos;
	return ERR_SYNTAX;
}

static int next_quoted(struct wire_scanner *s, struct wire_token *ret_token)
{
	size_t start = s->pos + 1;
	int err = skip_quoted(s);
	if (err) {
		return err;
	}
	if (!is_end_of_token(s) && s->text[s->pos] != '"') {
		return ERR_SYNTAX;
	}
	*ret_token = (struct wire_token){s->text + start, s->pos - 1 - start, true};
	return 0;
}

static int next_plain(struct wire_scanner *s, bool pair, struct wire_token *ret_token)
{
	size_t start = s->pos;
	while (!is_end_of_token(s)) {
		char c = s->text[s->pos];
		if (c == '"') {
			if (!pair || s->pos == start || s->text[s->pos - 1] != '=' || skip_quoted(s) ||
			    !is_end_of_token(s)) {
				return ERR_SYNTAX;
			}
			break;
		}
		s->pos++;
		if (c == '\\') {
			if (s->pos == s->len) {
				return ERR_SYNTAX;
			}
			s->pos++;
		}
	}
	*ret_token = (struct wire_token){s->text + start, s->pos - start, false};
	return 0;
}

int wire_token_next(struct wire_scanner *s, struct wire_token *ret_token)
{
	skip_space(s);
	s->where = s->pos;
	if (s->pos == s->len) {
		return ERR_NOT_FOUND;
	}
	return s->text[s->pos] == '"' ? next_quoted(s, ret_token) : next_plain(s, false, ret_token);
}

int wire_token_next_pair(struct wire_scanner *s, struct wire_token *ret_token)
{
	skip_space(s);
	s->where = s->pos;
	return s->pos == s->len ? ERR_NOT_FOUND : next_plain(s, true, ret_token);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int wire_token_char(const struct wire_token *token, size_t *pos, uint8_t *ret_byte, bool *ret_escaped)
{
	const char *p = token->text + *pos;
	size_t left = token->len - *pos;

	*ret_escaped = p[0] == '\\';
	if (p[0] != '\\') {
		*ret_byte = (uint8_t)p[0];
		*pos += 1;
		return 0;
	}
	if (left < 2) {
		return ERR_SYNTAX;
	}
	if (!is_digit(p[1])) {
		*ret_byte = (uint8_t)p[1];
		*pos += 2;
		return 0;
	}
	if (left < 4 || !is_digit(p[2]) || !is_digit(p[3])) {
		return ERR_SYNTAX;
	}
	int value = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
	if (value > 255) {
		return ERR_SYNTAX;
	}
	*ret_byte = (uint8_t)value;
	*pos += 4;
	return 0;
}

int wire_token_bytes(const struct wire_token *token, struct bytes_writer *out)
{
	size_t pos = 0;
	while (pos < token->len) {
		uint8_t byte;
		bool escaped;
		int err = wire_token_char(token, &pos, &byte, &escaped);
		if (err) {
			return err;
		}
		bytes_put_u8(out, byte);
	}
	return 0;
}

int wire_token_number(const char *text, size_t len, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (len == 0) {
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i])) {
			return ERR_SYNTAX;
		}
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (number > (max - digit) / 10 || digit > max) {
			return ERR_SYNTAX;
		}
		number = number * 10 + digit;
	}
	*ret_number = number;
	return 0;
}

int wire_hex_digit(char c)
{
	if (is_digit(c)) {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int wire_hex_feed(const char *text, size_t len, int *half, struct bytes_writer *out)
{
	for (size_t i = 0; i < len; i++) {
		int digit = wire_hex_digit(text[i]);
		if (digit < 0) {
			return ERR_SYNTAX;
		}
		if (*half < 0) {
			*half = digit;
		} else {
			bytes_put_u8(out, (uint8_t)(*half << 4 | digit));
			*half = -1;
		}
	}
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (is_digit(c)) {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A group of four is complete: 3 bytes, less one for each "=". Bits that encode nothing must be zero. */
static int base64_group(struct wire_base64 *state, struct bytes_writer *out)
{
	if (state->padding > 2 || (state->padding > 0 && (state->bits & (0xffffu >> (16 - 8 * state->padding))) != 0)) {
		return ERR_SYNTAX;
	}
	for (unsigned i = 0; i < 3 - state->padding; i++) {
		bytes_put_u8(out, (uint8_t)(state->bits >> (16 - 8 * i)));
	}
	state->count = 0;
	state->bits = 0;
	return 0;
}

int wire_base64_feed(struct wire_base64 *state, const char *text, size_t len, struct bytes_writer *out)
{
	for (size_t i = 0; i < len; i++) {
		int digit = text[i] == '=' ? 0 : base64_digit(text[i]);
		if (digit < 0 || (state->padding > 0 && (text[i] != '=' || state->count == 0))) {
			return ERR_SYNTAX;
		}
		state->padding += text[i] == '=';
		state->bits = state->bits << 6 | (uint32_t)digit;
		state->count++;
		if (state->count == 4 && base64_group(state, out)) {
			return ERR_SYNTAX;
		}
	}
	return 0;
}

int wire_base64_end(const struct wire_base64 *state)
{
	return state->count == 0 ? 0 : ERR_SYNTAX;
}

void wire_base64_put(const uint8_t *data, size_t len, struct bytes_writer *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)data[i] << 16;
		bits |= have > 1 ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= have > 2 ? data[i + 2] : 0;
		char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63], '=', '='};
		if (have > 1) {
			group[2] = digits[bits >> 6 & 63];
		}
		if (have > 2) {
			group[3] = digits[bits & 63];
		}
		bytes_put(out, group, 4);
	}
}

void wire_ipv4_put(const uint8_t address[4], struct bytes_writer *out)
{
	wire_text_printf(out, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
}

void wire_ipv6_put(const uint8_t address[16], struct bytes_writer *out)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(AF_INET6, address, text, sizeof(text));
	wire_text_put(out, text);
}

static int parse_address(int family, const char *text, size_t len, uint8_t *ret_address)
{
	char copy[INET6_ADDRSTRLEN];
	if (len >= sizeof(copy) || memchr(text, '\0', len)) {
		return ERR_SYNTAX;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(family, copy, ret_address) == 1 ? 0 : ERR_SYNTAX;
}

int wire_ipv4_parse(const char *text, size_t len, uint8_t ret_address[4])
{
	return parse_address(AF_INET, text, len, ret_address);
}

int wire_ipv6_parse(const char *text, size_t len, uint8_t ret_address[16])
{
	return parse_address(AF_INET6, text, len, ret_address);
}

void wire_text_put(struct bytes_writer *out, const char *text)
{
	bytes_put(out, text, strlen(text));
}

void wire_text_printf(struct bytes_writer *out, const char *format, ...)
{
	char text[128];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	wire_text_put(out, text);
}

void wire_text_put_char(struct bytes_writer *out, uint8_t byte)
{
	if (byte < 0x20 || byte >= 0x7f) {
		char escape[4] = {'\\', (char)('0' + byte / 100), (char)('0' + byte / 10 % 10),
		                  (char)('0' + byte % 10)};
		bytes_put(out, escape, sizeof(escape));
		return;
	}
	if (byte == '"' || byte == '\\') {
		bytes_put_u8(out, '\\');
	}
	bytes_put_u8(out, byte);
}

void wire_text_put_quoted(struct bytes_writer *out, const uint8_t *data, size_t len)
{
	bytes_put_u8(out, '"');
	for (size_t i = 0; i < len; i++) {
		wire_text_put_char(out, data[i]);
	}
	bytes_put_u8(out, '"');
}

void wire_text_put_hex(struct bytes_writer *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		bytes_put_u8(out, (uint8_t)digits[data[i] >> 4]);
		bytes_put_u8(out, (uint8_t)digits[data[i] & 15]);
	}
}
