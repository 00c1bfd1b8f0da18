#include "net/acl.h"

#include "net/tls.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Length bytes of labels are below 64 and so below 'A': folding all bytes alike is right. */
static bool same_key(const struct net_acl_key *key, const uint8_t *name, size_t len)
{
	if (key->name_len != len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (lower(key->name[i]) != lower(name[i])) {
			return false;
		}
	}
	return true;
}

static bool address_listed(const struct net_acl_rule *rule, const struct net_acl_subject *who)
{
	if (!who->address) {
		return false;
	}
	for (size_t i = 0; i < rule->prefix_count; i++) {
		if (net_prefix_contains(&rule->prefixes[i], who->address)) {
			return true;
		}
	}
	return false;
}

static bool key_listed(const struct net_acl_rule *rule, const struct net_acl_subject *who)
{
	if (!who->key) {
		return false;
	}
	for (size_t i = 0; i < rule->key_count; i++) {
		if (same_key(&rule->keys[i], who->key, who->key_len)) {
			return true;
		}
	}
	return false;
}

static bool certificate_listed(const struct net_acl_rule *rule, const struct net_acl_subject *who)
{
	if (!who->stream || !who->stream->info.peer_certificate) {
		return false;
	}
	for (size_t i = 0; i < rule->certificate_count; i++) {
		if (net_tls_peer_matches(who->stream, rule->certificates[i])) {
			return true;
		}
	}
	return false;
}

static bool rule_matches(const struct net_acl_rule *rule, const struct net_acl_subject *who)
{
	if (rule->prefix_count == 0 && rule->key_count == 0 && rule->certificate_count == 0) {
		return false;
	}
	return (rule->prefix_count == 0 || address_listed(rule, who)) &&
	       (rule->key_count == 0 || key_listed(rule, who)) &&
	       (rule->certificate_count == 0 || certificate_listed(rule, who));
}

bool net_acl_match(const struct net_acl *acl, const struct net_acl_subject *who)
{
	if (acl->any) {
		return true;
	}
	for (size_t i = 0; i < acl->rule_count; i++) {
		if (rule_matches(acl->rules[i], who)) {
			return true;
		}
	}
	return false;
}
