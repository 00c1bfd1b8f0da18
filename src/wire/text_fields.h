/*
 * One field of rdata as text and back. Private to wire/text.
 */
#ifndef WIRE_TEXT_FIELDS_H
#define WIRE_TEXT_FIELDS_H

#include "base/bytes.h"
#include "wire/rdata.h"
#include "wire/token.h"

/*
 * Write the field at the cursor of checked, uncompressed rdata; nothing at all
 * if it is an empty one that has no text. 0, or ERR_INVALID if the value is
 * legal but has no presentation form that would give the same bytes again.
 */
int wire_field_to_text(enum wire_field field, struct bytes_reader *r, struct bytes_writer *out);

/*
 * Parse the tokens of one field and append its bytes. Only the form is checked,
 * wire_rdata_check() does the rest. 0, ERR_SYNTAX, ERR_NOT_FOUND where the text
 * ends too early, ERR_RDATA or a name error.
 */
int wire_field_from_text(enum wire_field field, struct wire_scanner *s, struct bytes_writer *out);

/* LOC as a whole, as the two above. */
int wire_loc_to_text(struct bytes_reader *r, struct bytes_writer *out);
int wire_loc_from_text(struct wire_scanner *s, struct bytes_writer *out);

/* Mnemonic of a CERT type (RFC 4398 2.1), or NULL. */
const char *wire_cert_type_name(uint16_t type);

#endif
