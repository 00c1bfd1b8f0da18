#include "wire/svcb.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"

enum svcb_key {
	SVCB_MANDATORY = 0,
	SVCB_ALPN = 1,
	SVCB_NO_DEFAULT_ALPN = 2,
	SVCB_PORT = 3,
	SVCB_IPV4HINT = 4,
	SVCB_ECH = 5,
	SVCB_IPV6HINT = 6,
	SVCB_DOHPATH = 7, /* RFC 9461 */
	SVCB_OHTTP = 8,   /* RFC 9540 */
};

static const char *const key_names[] = {
        "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp",
};
enum { KEY_NAME_COUNT = sizeof(key_names) / sizeof(key_names[0]) };

/* Find a key in parameters that are framed well. */
static bool has_key(struct bytes_reader params, uint16_t key)
{
	while (bytes_left(&params) > 0) {
		uint16_t found = bytes_u16(&params);
		if (found >= key) {
			return found == key && !params.failed;
		}
		bytes_take(&params, bytes_u16(&params));
	}
	return false;
}

/* RFC 9460 8: keys ascending, not "mandatory" itself, each one there. */
static int check_mandatory(struct bytes_reader value, struct bytes_reader params)
{
	int last = SVCB_MANDATORY;
	if (bytes_left(&value) == 0) {
		return ERR_RDATA;
	}
	/* Both lists ascend, so one pass over the parameters finds all. */
	while (bytes_left(&value) > 0) {
		uint16_t key = bytes_u16(&value);
		if (value.failed || key <= last) {
			return ERR_RDATA;
		}
		uint16_t found = 0;
		while (bytes_left(&params) > 0 && found < key) {
			found = bytes_u16(&params);
			bytes_take(&params, bytes_u16(&params));
		}
		if (found != key) {
			return ERR_RDATA;
		}
		last = key;
	}
	return 0;
}

static int check_alpn(struct bytes_reader value)
{
	do {
		size_t len = bytes_u8(&value);
		bytes_take(&value, len);
		if (value.failed || len == 0) {
			return ERR_RDATA;
		}
	} while (bytes_left(&value) > 0);
	return 0;
}

/* The value of one parameter; `params` stands before the first one. */
static int check_value(uint16_t key, struct bytes_reader value, struct bytes_reader params)
{
	size_t len = bytes_left(&value);
	bool ok;

	switch (key) {
	case SVCB_MANDATORY:
		return check_mandatory(value, params);
	case SVCB_ALPN:
		return check_alpn(value);
	case SVCB_NO_DEFAULT_ALPN:
		ok = len == 0 && has_key(params, SVCB_ALPN);
		break;
	case SVCB_PORT:
		ok = len == 2;
		break;
	case SVCB_IPV4HINT:
		ok = len > 0 && len % 4 == 0;
		break;
	case SVCB_IPV6HINT:
		ok = len > 0 && len % 16 == 0;
		break;
	case SVCB_ECH:
	case SVCB_DOHPATH:
		ok = len > 0;
		break;
	case SVCB_OHTTP:
		ok = len == 0;
		break;
	default:
		ok = true;
		break;
	}
	return ok ? 0 : ERR_RDATA;
}

int wire_svcb_check(struct bytes_reader *r)
{
	const struct bytes_reader params = *r;
	int last = -1;

	while (bytes_left(r) > 0) {
		uint16_t key = bytes_u16(r);
		struct bytes_reader value = bytes_sub(r, bytes_u16(r));
		if (r->failed) {
			return ERR_TRUNCATED;
		}
		if (key <= last) {
			return ERR_RDATA;
		}
		int err = check_value(key, value, params);
		if (err) {
			return err;
		}
		last = key;
	}
	return 0;
}

static void put_key(struct bytes_writer *out, uint16_t key)
{
	if (key < KEY_NAME_COUNT) {
		wire_text_put(out, key_names[key]);
	} else {
		wire_text_printf(out, "key%u", key);
	}
}

/* A list of strings within quotes: commas and backslashes of the strings are escaped twice (RFC 9460 A.1). */
static void put_alpn(struct bytes_writer *out, struct bytes_reader value)
{
	bytes_put_u8(out, '"');
	while (bytes_left(&value) > 0) {
		size_t len = bytes_u8(&value);
		const uint8_t *p = bytes_take(&value, len);
		for (size_t i = 0; p && i < len; i++) {
			if (p[i] == ',' || p[i] == '\\') {
				wire_text_put(out, "\\\\");
			}
			wire_text_put_char(out, p[i]);
		}
		if (bytes_left(&value) > 0) {
			bytes_put_u8(out, ',');
		}
	}
	bytes_put_u8(out, '"');
}

/* A list of `size` byte items. */
static void put_list(struct bytes_writer *out, struct bytes_reader value, size_t size)
{
	while (bytes_left(&value) >= size) {
		const uint8_t *item = bytes_take(&value, size);
		if (size == 2) {
			put_key(out, bytes_load_u16(item));
		} else if (size == 4) {
			wire_ipv4_put(item, out);
		} else {
			wire_ipv6_put(item, out);
		}
		if (bytes_left(&value) > 0) {
			bytes_put_u8(out, ',');
		}
	}
}

static void put_value(struct bytes_writer *out, uint16_t key, struct bytes_reader value)
{
	size_t len = bytes_left(&value);
	if (len == 0) {
		return;
	}
	bytes_put_u8(out, '=');
	switch (key) {
	case SVCB_MANDATORY:
		put_list(out, value, 2);
		break;
	case SVCB_ALPN:
		put_alpn(out, value);
		break;
	case SVCB_PORT:
		wire_text_printf(out, "%u", bytes_u16(&value));
		break;
	case SVCB_IPV4HINT:
		put_list(out, value, 4);
		break;
	case SVCB_ECH:
		wire_base64_put(bytes_take(&value, len), len, out);
		break;
	case SVCB_IPV6HINT:
		put_list(out, value, 16);
		break;
	default:
		wire_text_put_quoted(out, bytes_take(&value, len), len);
		break;
	}
}

int wire_svcb_to_text(struct bytes_reader *r, struct bytes_writer *out)
{
	for (bool first = true; bytes_left(r) > 0; first = false) {
		uint16_t key = bytes_u16(r);
		struct bytes_reader value = bytes_sub(r, bytes_u16(r));
		if (r->failed) {
			return ERR_RDATA;
		}
		if (!first) {
			bytes_put_u8(out, ' ');
		}
		put_key(out, key);
		put_value(out, key, value);
	}
	return 0;
}

/* *ret_generic: written as keyNNNNN, so its value is given byte for byte even if the key has a form of its own. */
static int parse_key(const char *text, size_t len, uint16_t *ret_key, bool *ret_generic)
{
	for (size_t i = 0; i < KEY_NAME_COUNT; i++) {
		if (strlen(key_names[i]) == len && strncasecmp(key_names[i], text, len) == 0) {
			*ret_key = (uint16_t)i;
			*ret_generic = false;
			return 0;
		}
	}
	uint64_t number;
	if (len < 4 || strncasecmp(text, "key", 3) != 0 || (text[3] == '0' && len > 4) ||
	    wire_token_number(text + 3, len - 3, UINT16_MAX, &number)) {
		return ERR_SYNTAX;
	}
	*ret_key = (uint16_t)number;
	*ret_generic = true;
	return 0;
}

/* Append a key to the list that begins at `start`, in its place by number. */
static void insert_key(struct bytes_writer *out, size_t start, uint16_t key)
{
	size_t at = out->len;
	bytes_put_u16(out, key);
	if (out->failed) {
		return;
	}
	while (at > start && bytes_load_u16(out->base + at - 2) > key) {
		bytes_patch_u16(out, at, bytes_load_u16(out->base + at - 2));
		at -= 2;
	}
	bytes_patch_u16(out, at, key);
}

/* One item of a comma-separated list. */
static int parse_item(uint16_t key, const char *text, size_t len, size_t start, struct bytes_writer *out)
{
	uint8_t address[16];
	uint16_t named;
	bool generic;
	int err;

	switch (key) {
	case SVCB_MANDATORY:
		err = parse_key(text, len, &named, &generic);
		if (!err) {
			insert_key(out, start, named);
		}
		return err;
	case SVCB_IPV4HINT:
		err = wire_ipv4_parse(text, len, address);
		if (!err) {
			bytes_put(out, address, 4);
		}
		return err;
	default:
		err = wire_ipv6_parse(text, len, address);
		if (!err) {
			bytes_put(out, address, 16);
		}
		return err;
	}
}

static int parse_list(uint16_t key, const struct wire_token *value, struct bytes_writer *out)
{
	size_t start = out->len;
	const char *text = value->text;
	size_t left = value->len;

	for (;;) {
		const char *comma = memchr(text, ',', left);
		size_t len = comma ? (size_t)(comma - text) : left;
		int err = parse_item(key, text, len, start, out);
		if (err || !comma) {
			return err;
		}
		text += len + 1;
		left -= len + 1;
	}
}

/* Set the length byte at `at` of the string behind it. */
static int end_string(struct bytes_writer *out, size_t at)
{
	if (out->failed) {
		return 0;
	}
	if (out->len - at - 1 > 255) {
		return ERR_RDATA;
	}
	out->base[at] = (uint8_t)(out->len - at - 1);
	return 0;
}

/* Escapes of strings are resolved first, then those of the list: "\," and "\\" (RFC 9460 A.1). */
static int parse_alpn(const struct wire_token *value, struct bytes_writer *out)
{
	size_t pos = 0;
	size_t at = out->len;
	bytes_put_u8(out, 0);
	while (pos < value->len) {
		uint8_t byte;
		bool escaped;
		int err = wire_token_char(value, &pos, &byte, &escaped);
		if (!err && byte == ',') {
			err = end_string(out, at);
			at = out->len;
			byte = 0;
		} else if (!err && byte == '\\') {
			err = pos < value->len ? wire_token_char(value, &pos, &byte, &escaped) : ERR_SYNTAX;
			err = !err && byte != ',' && byte != '\\' ? ERR_SYNTAX : err;
		}
		if (err) {
			return err;
		}
		bytes_put_u8(out, byte);
	}
	return end_string(out, at);
}

static int parse_ech(const struct wire_token *value, struct bytes_writer *out)
{
	struct wire_base64 state = {0};
	int err = wire_base64_feed(&state, value->text, value->len, out);
	return err ? err : wire_base64_end(&state);
}

static int parse_value(uint16_t key, bool generic, const struct wire_token *value, struct bytes_writer *out)
{
	uint64_t port;
	int err;

	if (value->len == 0) {
		return 0;
	}
	switch (generic ? UINT16_MAX : key) {
	case SVCB_MANDATORY:
	case SVCB_IPV4HINT:
	case SVCB_IPV6HINT:
		return parse_list(key, value, out);
	case SVCB_ALPN:
		return parse_alpn(value, out);
	case SVCB_PORT:
		err = wire_token_number(value->text, value->len, UINT16_MAX, &port);
		if (!err) {
			bytes_put_u16(out, (uint16_t)port);
		}
		return err;
	case SVCB_ECH:
		return parse_ech(value, out);
	default:
		return wire_token_bytes(value, out);
	}
}

static void reverse(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t kept = p[i];
		p[i] = p[len - 1 - i];
		p[len - 1 - i] = kept;
	}
}

/* Move the parameter at `added`, the last one, to its place among those from `first` on. */
static int sort_in(struct bytes_writer *out, size_t first, size_t added)
{
	struct bytes_reader before;
	uint16_t key = bytes_load_u16(out->base + added);
	size_t place = first;

	bytes_reader_init(&before, out->base + first, added - first);
	while (bytes_left(&before) > 0) {
		uint16_t other = bytes_u16(&before);
		if (other == key) {
			return ERR_RDATA;
		}
		if (other > key) {
			break;
		}
		bytes_take(&before, bytes_u16(&before));
		place = first + bytes_offset(&before);
	}
	reverse(out->base + place, added - place);
	reverse(out->base + added, out->len - added);
	reverse(out->base + place, out->len - place);
	return 0;
}

/* Split "key=value" at the first "=" and take quotes off the value. */
static void split_pair(const struct wire_token *pair, struct wire_token *ret_key, struct wire_token *ret_value)
{
	const char *equals = memchr(pair->text, '=', pair->len);
	size_t key_len = equals ? (size_t)(equals - pair->text) : pair->len;

	*ret_key = (struct wire_token){pair->text, key_len, false};
	*ret_value = (struct wire_token){pair->text + pair->len, 0, false};
	if (!equals) {
		return;
	}
	*ret_value = (struct wire_token){equals + 1, pair->len - key_len - 1, false};
	if (ret_value->len >= 2 && ret_value->text[0] == '"') {
		*ret_value = (struct wire_token){ret_value->text + 1, ret_value->len - 2, true};
	}
}

static int parse_param(const struct wire_token *pair, size_t first, struct bytes_writer *out)
{
	struct wire_token name, value;
	uint16_t key;
	bool generic;

	split_pair(pair, &name, &value);
	int err = parse_key(name.text, name.len, &key, &generic);
	if (err) {
		return err;
	}
	size_t added = out->len;
	bytes_put_u16(out, key);
	bytes_put_u16(out, 0);
	err = parse_value(key, generic, &value, out);
	if (err || out->failed) {
		return err;
	}
	if (out->len - added - 4 > UINT16_MAX) {
		return ERR_RDATA;
	}
	bytes_patch_u16(out, added + 2, (uint16_t)(out->len - added - 4));
	return sort_in(out, first, added);
}

int wire_svcb_from_text(struct wire_scanner *s, struct bytes_writer *out)
{
	const size_t first = out->len;

	while (!wire_token_at_end(s) && !out->failed) {
		struct wire_token pair;
		int err = wire_token_next_pair(s, &pair);
		err = err ? err : parse_param(&pair, first, out);
		if (err) {
			return err;
		}
	}
	return 0;
}
