/*
 * Presentation form of types, classes, RCODEs, TTLs and rdata, both ways
 * (RFC 1035 5, RFC 3597, RFC 9460 and each type's own). Output is safe to print:
 * unprintable and non-ASCII bytes are \DDD.
 */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_TYPE_TEXT_MAX = 16, WIRE_RDATA_TEXT_MAX = 65535 * 4 + 64 };

/* "AAAA" or "TYPE65280"; written to `text`, returned. */
const char *wire_type_to_text(uint16_t type, char text[WIRE_TYPE_TEXT_MAX]);
/* Mnemonic in any case, TYPEnnn, or ANY. ERR_SYNTAX otherwise. */
int wire_type_from_text(const char *text, size_t len, uint16_t *ret_type);
/* "IN", "ANY", "CLASS32". */
const char *wire_class_to_text(uint16_t dns_class, char text[WIRE_TYPE_TEXT_MAX]);
int wire_class_from_text(const char *text, size_t len, uint16_t *ret_class);
/* "NXDOMAIN"; "RCODE14" for unassigned. Extended RCODEs included; 16 is BADVERS. */
const char *wire_rcode_to_text(unsigned rcode, char text[WIRE_TYPE_TEXT_MAX]);
/* Number or 1w2d3h4m5s. ERR_SYNTAX; above 2^31-1 ERR_INVALID. */
int wire_ttl_from_text(const char *text, size_t len, uint32_t *ret_ttl);

/*
 * Rdata (checked, uncompressed) as text. Falls back to the \# form of RFC 3597
 * when the type has no layout, the bytes do not fit it, or no other text would
 * give the same bytes again. Returns the length without NUL, or ERR_SPACE; never
 * ERR_SPACE with WIRE_RDATA_TEXT_MAX, as \# also stands in for longer text (a
 * huge type bitmap). wire_rdata_from_text() of the result gives the same bytes.
 */
int wire_rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, char *text, size_t size);

/*
 * Parse rdata text (one line; parentheses are white space, ";" starts a
 * comment). Names without a final dot are completed with `origin` (wire bytes;
 * NULL: root). Accepts \# for every type. *ret_len gets the bytes written.
 * 0; ERR_SYNTAX, ERR_RDATA (fails wire_rdata_check(), or exceeds 65535 bytes or a
 * field's length byte), ERR_SPACE or a name error; *ret_where (may be NULL)
 * is then the offset in bytes at which it went wrong.
 */
int wire_rdata_from_text(uint16_t type, const char *text, size_t text_len, const uint8_t *origin, uint8_t *rdata,
                         size_t size, size_t *ret_len, size_t *ret_where);

#endif
