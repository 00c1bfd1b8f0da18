/*
 * Tokens of rdata in presentation form (RFC 1035 5.1). Private to wire/text.
 */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* A cursor over text. Parentheses and line ends are white space, ";" starts a comment up to the end of the line. */
struct wire_scanner {
	const char *text;
	size_t len;
	size_t pos;
	size_t where;          /* start of the token read last: where an error is reported */
	const uint8_t *origin; /* wire bytes, or NULL for the root */
};

/* One token as written: escapes still in it, quotes around it stripped. */
struct wire_token {
	const char *text;
	size_t len;
	bool quoted;
};

/* The next token. 0, ERR_NOT_FOUND at the end, or ERR_SYNTAX for a quote that is out of place or not closed. */
int wire_token_next(struct wire_scanner *s, struct wire_token *ret_token);
/* As wire_token_next(), but a token may have a quoted part behind "=" (SVCB), and is returned with its quotes. */
int wire_token_next_pair(struct wire_scanner *s, struct wire_token *ret_token);
/* True if there is no token left. */
bool wire_token_at_end(struct wire_scanner *s);

/*
 * The character at *pos of a token, escapes resolved; *pos moves past it.
 * *ret_escaped tells that it was escaped. 0 or ERR_SYNTAX.
 */
int wire_token_char(const struct wire_token *token, size_t *pos, uint8_t *ret_byte, bool *ret_escaped);
/* All characters of a token, escapes resolved, appended to `out`. 0 or ERR_SYNTAX. */
int wire_token_bytes(const struct wire_token *token, struct bytes_writer *out);
/* A decimal number up to `max`. ERR_SYNTAX otherwise. */
int wire_token_number(const char *text, size_t len, uint64_t max, uint64_t *ret_number);
/* Value of a hexadecimal digit, or -1. */
int wire_hex_digit(char c);

/*
 * Hexadecimal text that may come in pieces: *half keeps the first digit of a
 * pair between calls, -1 if there is none. 0 or ERR_SYNTAX.
 */
int wire_hex_feed(const char *text, size_t len, int *half, struct bytes_writer *out);

/* Base64 text that may come in pieces (RFC 4648 4). */
struct wire_base64 {
	uint32_t bits;
	unsigned count;   /* characters of the group of four read so far, padding included */
	unsigned padding; /* "=" read */
};
/* 0 or ERR_SYNTAX. Start with a zeroed state. */
int wire_base64_feed(struct wire_base64 *state, const char *text, size_t len, struct bytes_writer *out);
/* 0, or ERR_SYNTAX if a group is not complete. */
int wire_base64_end(const struct wire_base64 *state);
void wire_base64_put(const uint8_t *data, size_t len, struct bytes_writer *out);

/* Addresses. Parsing: 0 or ERR_SYNTAX. */
void wire_ipv4_put(const uint8_t address[4], struct bytes_writer *out);
void wire_ipv6_put(const uint8_t address[16], struct bytes_writer *out);
int wire_ipv4_parse(const char *text, size_t len, uint8_t ret_address[4]);
int wire_ipv6_parse(const char *text, size_t len, uint8_t ret_address[16]);

/* YYYYMMDDHHmmSS, 14 characters, as seconds since 1970; -1 if it is not a date from then on. */
int64_t wire_date_parse(const char *text);
/* Seconds since 1970, unsigned, as YYYYMMDDHHmmSS. */
void wire_date_put(uint32_t time, struct bytes_writer *out);

/* Formatted output. */
void wire_text_put(struct bytes_writer *out, const char *text);
__attribute__((format(printf, 2, 3))) void wire_text_printf(struct bytes_writer *out, const char *format, ...);
/* One byte inside quotes: quote, backslash and unprintable ones escaped. */
void wire_text_put_char(struct bytes_writer *out, uint8_t byte);
void wire_text_put_quoted(struct bytes_writer *out, const uint8_t *data, size_t len);
/* Upper-case hexadecimal. */
void wire_text_put_hex(struct bytes_writer *out, const uint8_t *data, size_t len);

#endif
