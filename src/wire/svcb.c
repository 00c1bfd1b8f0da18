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
