/*
 * Access rules: who may do something, by address, TSIG key and client
 * certificate. A rule matches when each kind that it lists matches (one of its
 * addresses AND one of its keys AND one of its certificates); a list of rules
 * matches when one of them does. Rules are built once and never change, so any
 * thread may ask.
 */
#ifndef NET_ACL_H
#define NET_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/stream.h"

/* The name of a TSIG key: uncompressed wire bytes, compared ignoring ASCII case. */
struct net_acl_key {
	const uint8_t *name;
	size_t name_len;
};

/* One rule. The arrays are borrowed. A rule that lists nothing matches nobody. */
struct net_acl_rule {
	const struct net_prefix *prefixes;
	size_t prefix_count;
	const struct net_acl_key *keys;
	size_t key_count;
	const char *const *certificates; /* patterns as net_tls_peer_matches() takes them */
	size_t certificate_count;
};

/* A list of rules; borrowed. All zero: nobody. */
struct net_acl {
	bool any; /* the built-in rule `any` is in the list: everybody */
	const struct net_acl_rule *const *rules;
	size_t rule_count;
};

/* Who asks. What is not known is NULL and matches no rule that lists that kind. */
struct net_acl_subject {
	const struct net_address *address;
	const uint8_t *key; /* name of the TSIG key that has verified the message: uncompressed wire bytes */
	size_t key_len;
	const struct net_stream *stream; /* whose verified client certificate counts */
};

/* May they? Cheap kinds are looked at first. */
bool net_acl_match(const struct net_acl *acl, const struct net_acl_subject *who);

#endif
