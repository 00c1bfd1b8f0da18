/*
 * Service parameters of SVCB and HTTPS (RFC 9460): a run of keys with values,
 * keys strictly ascending. Private to wire/rdata and wire/text.
 */
#ifndef WIRE_SVCB_H
#define WIRE_SVCB_H

#include "base/bytes.h"
#include "wire/token.h"

/*
 * Check the parameters that fill `r`, which is moved to its end: framing, order
 * of the keys, the form of the values of known keys, every mandatory key present
 * (RFC 9460 8), alpn present with no-default-alpn (7.1.1). 0, ERR_TRUNCATED or ERR_RDATA.
 */
int wire_svcb_check(struct bytes_reader *r);

/* Write checked parameters, separated by spaces. 0 or ERR_RDATA. */
int wire_svcb_to_text(struct bytes_reader *r, struct bytes_writer *out);

/*
 * Parse the rest of `s` as parameters in any order and append them to `out` in
 * wire order. What wire_svcb_check() checks is not checked here. 0, ERR_SYNTAX,
 * or ERR_RDATA for a key that is there twice.
 */
int wire_svcb_from_text(struct wire_scanner *s, struct bytes_writer *out);

#endif
