/*
 * Rdata layout: what fields the rdata of each type has, in a table, and what
 * follows from it: checking, expansion of compressed names, comparison,
 * compression on output. Types that the table does not know are opaque (RFC 3597).
 */
#ifndef WIRE_RDATA_H
#define WIRE_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/name.h"

enum wire_field {
	WIRE_FIELD_END,
	WIRE_FIELD_NAME, /* a name */
	WIRE_FIELD_U8,
	WIRE_FIELD_U16,
	WIRE_FIELD_U32,
	WIRE_FIELD_U48,
	WIRE_FIELD_TTL,       /* u32, accepts 1h30m in text */
	WIRE_FIELD_TIME,      /* u32, YYYYMMDDHHmmSS in text (RRSIG) */
	WIRE_FIELD_TYPE,      /* u16, RR type mnemonic */
	WIRE_FIELD_ALGORITHM, /* u8, DNSSEC algorithm */
	WIRE_FIELD_CERT_TYPE, /* u16, mnemonic or number */
	WIRE_FIELD_IPV4,
	WIRE_FIELD_IPV6,
	WIRE_FIELD_STRING,     /* one character-string */
	WIRE_FIELD_STRINGS,    /* one or more character-strings to the end */
	WIRE_FIELD_TEXT,       /* bytes to the end as one quoted string (CAA, URI) */
	WIRE_FIELD_BASE64,     /* bytes to the end */
	WIRE_FIELD_HEX,        /* bytes to the end */
	WIRE_FIELD_HEX_U8,     /* u8 length + bytes, "-" when empty (NSEC3 salt) */
	WIRE_FIELD_BASE32_U8,  /* u8 length + bytes, base32hex (NSEC3 next hash) */
	WIRE_FIELD_BASE64_U16, /* u16 length + bytes */
	WIRE_FIELD_HEX_U16,    /* u16 length + bytes */
	WIRE_FIELD_BITMAP,     /* type bitmap to the end (RFC 4034 4.1.2) */
	WIRE_FIELD_EUI48,
	WIRE_FIELD_EUI64,
	WIRE_FIELD_ILNP64,    /* NID, L64 */
	WIRE_FIELD_NSAP,      /* 0x hex to the end */
	WIRE_FIELD_TAG,       /* character-string, unquoted (CAA tag) */
	WIRE_FIELD_X25,       /* character-string of digits */
	WIRE_FIELD_LOC,       /* all of LOC (RFC 1876) */
	WIRE_FIELD_APL,       /* all of APL, may be empty (RFC 3123) */
	WIRE_FIELD_WKS,       /* protocol and bit map behind an address */
	WIRE_FIELD_IPSECKEY,  /* gateway type, algorithm, gateway */
	WIRE_FIELD_AMTRELAY,  /* discovery bit, relay type, relay */
	WIRE_FIELD_HIP,       /* all of HIP (RFC 8005) */
	WIRE_FIELD_SVCPARAMS, /* keys and values to the end (RFC 9460) */
	WIRE_FIELD_A6,        /* prefix length, suffix, prefix name */
	WIRE_FIELD_OPAQUE,    /* bytes to the end, \# form only (NULL) */
	WIRE_FIELD_OPTIONS,   /* EDNS options to the end, \# form only (OPT) */
	WIRE_FIELD_U64,
	WIRE_FIELD_STRING_OPTIONAL, /* none or one character-string at the end (ISDN) */
	WIRE_FIELD_URI,             /* as TEXT, but never empty (RFC 7553 4.4) */
	WIRE_FIELD_BASE64_ANY,      /* as BASE64, but may be empty: then nothing in text */
	WIRE_FIELD_BASE64_DASH,     /* as BASE64, but may be empty: then "-" in text (DOA) */
	WIRE_FIELD_NXT,             /* type bit map of RFC 2535 5.2, types 1 to 127 */
	WIRE_FIELD_ATMA,            /* format and ATM address */
	WIRE_FIELD_SCHEME,          /* u8, DSYNC scheme (RFC 9859) */
};

/* Who may compress a name in rdata. */
enum wire_compress {
	WIRE_COMPRESS_NONE,
	WIRE_COMPRESS_STANDARD, /* the types of RFC 1035 only (RFC 3597 4) */
	WIRE_COMPRESS_PUSH, /* the list of RFC 8765 6.3.1 (RFC 6762 18.14): NS CNAME PTR DNAME SOA MX AFSDB RT KX RP PX
	                       SRV NSEC */
};

struct wire_rdata_layout {
	uint16_t type;
	const char *mnemonic;
	uint8_t fields[10]; /* enum wire_field, ended by WIRE_FIELD_END */
};

/* Name of a type in the IANA registry ("ANY" for 255), or NULL if it has none. Static. */
const char *wire_type_mnemonic(uint16_t type);
/* The type of that name in any case: 0 or ERR_NOT_FOUND. */
int wire_type_by_mnemonic(const char *text, size_t len, uint16_t *ret_type);

/* Layout of a type, or NULL if it has none. Static. */
const struct wire_rdata_layout *wire_rdata_layout(uint16_t type);

/* True if names in the rdata of `type` may be compressed on output in this mode. */
bool wire_rdata_compressible(uint16_t type, enum wire_compress mode);

/* Meta types, never stored in a zone: OPT, TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY, 0 and 249..255. */
bool wire_type_is_meta(uint16_t type);

/*
 * Read the rdata that fills the reader `r` to its very end (a sub-reader of the
 * message), expand compressed names (accepted in every type with names on input),
 * check it against the layout and append the uncompressed form to `out`.
 * 0; ERR_RDATA, ERR_TRUNCATED, ERR_TRAILING, name errors, or ERR_SPACE.
 * `out` is as before after a failure.
 */
int wire_rdata_read(struct bytes_reader *r, uint16_t type, struct bytes_writer *out);

/* Check uncompressed rdata: 0, ERR_RDATA or a name error. */
int wire_rdata_check(uint16_t type, const uint8_t *rdata, size_t len);

/*
 * Compare two checked uncompressed rdata of one type in canonical order (RFC
 * 4034 6.3); ASCII case in names of known layouts does not count. <0, 0, >0.
 */
int wire_rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/*
 * Walk the names in checked uncompressed rdata: calls `each` with plain runs of
 * bytes and with names, in order, so that a writer can compress the names. Stops
 * and returns the first nonzero result.
 */
typedef int (*wire_rdata_part_fn)(void *context, bool is_name, const uint8_t *bytes, size_t len);
int wire_rdata_parts(uint16_t type, const uint8_t *rdata, size_t len, wire_rdata_part_fn each, void *context);

#endif
