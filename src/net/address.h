/*
 * Socket addresses as text and in ACLs.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

enum { NET_ADDRESS_TEXT_MAX = 72 };
/* "192.0.2.1@853", "2001:db8::1@53", also "fe80::1%eth0@53"; without @PORT `default_port` (0: required). ERR_SYNTAX. */
int net_address_parse(const char *text, uint16_t default_port, struct net_address *ret_address);
/* Back to ADDRESS@PORT; `text` of NET_ADDRESS_TEXT_MAX. Returns text. */
const char *net_address_text(const struct net_address *a, char *text);
uint16_t net_address_port(const struct net_address *a);

struct net_prefix {
	uint8_t bytes[16];
	uint8_t length; /* bits */
	bool v6;
};
/* "192.0.2.0/24", "2001:db8::/32", or a bare address. Host bits set are ERR_INVALID. */
int net_prefix_parse(const char *text, struct net_prefix *ret_prefix);
/* Is the address inside? An IPv4-mapped IPv6 address counts as IPv4. */
bool net_prefix_contains(const struct net_prefix *p, const struct net_address *a);

#endif
