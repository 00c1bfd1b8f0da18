#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* Decimal 1 to 65535 (0 too: a port the kernel picks), digits only. */
static int parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long port = 0;

	if (*text == '\0' || strlen(text) > 5) {
		return ERR_SYNTAX;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			return ERR_SYNTAX;
		}
		port = port * 10 + (unsigned long)(*text - '0');
	}
	if (port > UINT16_MAX) {
		return ERR_SYNTAX;
	}
	*ret_port = (uint16_t)port;
	return 0;
}

static int parse_scoped(char *host, struct sockaddr_in6 *in6)
{
	char *zone = strchr(host, '%');

	if (zone != NULL) {
		*zone++ = '\0';
		in6->sin6_scope_id = if_nametoindex(zone);
		if (in6->sin6_scope_id == 0) {
			char *end;
			unsigned long index = strtoul(zone, &end, 10);

			if (*zone < '0' || *zone > '9' || *end != '\0' || index == 0 || index > UINT32_MAX) {
				return ERR_SYNTAX;
			}
			in6->sin6_scope_id = (uint32_t)index;
		}
	}
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : ERR_SYNTAX;
}

int net_address_parse(const char *text, uint16_t default_port, struct net_address *ret_address)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const char *at = strchr(text, '@');
	size_t host_len = at != NULL ? (size_t)(at - text) : strlen(text);
	struct net_address a = {0};
	uint16_t port = default_port;

	if (host_len >= sizeof(host) || (at == NULL && default_port == 0)) {
		return ERR_SYNTAX;
	}
	if (at != NULL && parse_port(at + 1, &port) < 0) {
		return ERR_SYNTAX;
	}
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (strchr(host, ':') != NULL) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		a.len = sizeof(a.in6);
		if (parse_scoped(host, &a.in6) < 0) {
			return ERR_SYNTAX;
		}
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		a.len = sizeof(a.in);
		if (inet_pton(AF_INET, host, &a.in.sin_addr) != 1) {
			return ERR_SYNTAX;
		}
	}
	*ret_address = a;
	return 0;
}

const char *net_address_text(const struct net_address *a, char *text)
{
	char host[INET6_ADDRSTRLEN];
	char zone[IF_NAMESIZE + 1] = "";
	char name[IF_NAMESIZE];

	if (a->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	} else if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		if (a->in6.sin6_scope_id != 0 && if_indextoname(a->in6.sin6_scope_id, name) != NULL) {
			snprintf(zone, sizeof(zone), "%%%s", name);
		} else if (a->in6.sin6_scope_id != 0) {
			snprintf(zone, sizeof(zone), "%%%u", a->in6.sin6_scope_id);
		}
	} else {
		/* A pipe in memory has no address. */
		snprintf(text, NET_ADDRESS_TEXT_MAX, "-");
		return text;
	}
	snprintf(text, NET_ADDRESS_TEXT_MAX, "%s%s@%u", host, zone, net_address_port(a));
	return text;
}

uint16_t net_address_port(const struct net_address *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return ntohs(a->in.sin_port);
	case AF_INET6:
		return ntohs(a->in6.sin6_port);
	default:
		return 0;
	}
}

/* No bit set past the prefix's length? */
static bool is_masked(const struct net_prefix *p, unsigned width)
{
	for (unsigned bit = p->length; bit < width; bit++) {
		if (p->bytes[bit / 8] & (0x80U >> bit % 8)) {
			return false;
		}
	}
	return true;
}

int net_prefix_parse(const char *text, struct net_prefix *ret_prefix)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t host_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct net_prefix p = {0};

	if (host_len >= sizeof(host)) {
		return ERR_SYNTAX;
	}
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	p.v6 = strchr(host, ':') != NULL;
	if (inet_pton(p.v6 ? AF_INET6 : AF_INET, host, p.bytes) != 1) {
		return ERR_SYNTAX;
	}
	uint16_t width = p.v6 ? 128 : 32;
	uint16_t length = width;

	if (slash != NULL && (parse_port(slash + 1, &length) < 0 || length > width)) {
		return ERR_SYNTAX;
	}
	p.length = (uint8_t)length;
	if (!is_masked(&p, width)) {
		return ERR_INVALID;
	}
	*ret_prefix = p;
	return 0;
}

bool net_prefix_contains(const struct net_prefix *p, const struct net_address *a)
{
	const uint8_t *bytes;
	bool v6 = a->sa.sa_family == AF_INET6;

	if (v6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
		bytes = a->in6.sin6_addr.s6_addr + 12;
		v6 = false;
	} else if (v6) {
		bytes = a->in6.sin6_addr.s6_addr;
	} else if (a->sa.sa_family == AF_INET) {
		bytes = (const uint8_t *)&a->in.sin_addr;
	} else {
		return false;
	}
	if (v6 != p->v6 || memcmp(bytes, p->bytes, p->length / 8) != 0) {
		return false;
	}
	unsigned rest = p->length % 8;

	return rest == 0 || ((bytes[p->length / 8] ^ p->bytes[p->length / 8]) >> (8 - rest)) == 0;
}
