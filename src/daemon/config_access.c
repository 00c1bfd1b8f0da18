/* Who may do what: the list `acls`, and the lists of ACLs of a zone. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "daemon/config_read.h"

/* ---- unique names ---- */

struct unique_order {
	int (*compare)(const void *a, const void *b);
};

static int compare_named(const void *a, const void *b, void *context)
{
	const struct config_named *x = a, *y = b;
	int order = ((const struct unique_order *)context)->compare(x->name, y->name);

	if (order != 0) {
		return order;
	}
	if (x->at.line != y->at.line) {
		return x->at.line < y->at.line ? -1 : 1;
	}
	return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}

void config_check_unique(struct config_reader *r, const char *what, struct config_named *list, size_t count,
                         int (*compare)(const void *a, const void *b))
{
	struct unique_order order = {compare};

	if (count < 2) {
		return;
	}
	qsort_r(list, count, sizeof(*list), compare_named, &order);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (compare(list[first].name, list[i].name) == 0) {
			config_fault(r, list[i].at, "this %s is there already, in line %u", what, list[first].at.line);
		} else {
			first = i;
		}
	}
}

/* ---- one rule ---- */

static void read_prefix(struct config_reader *r, yaml_node_t *node, struct net_prefix *prefix)
{
	static const char expected[] = "an address or a prefix such as 192.0.2.0/24";
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = config_scalar(r, node, expected, &len);
	int err;

	if (!text) {
		return;
	}
	err = net_prefix_parse(text, prefix);
	if (err == ERR_INVALID) {
		config_fault(r, config_place_of(node), "\"%s\" has bits set beyond its prefix length",
		             config_quote(text, len, quoted));
	} else if (err) {
		config_fault(r, config_place_of(node), "expected %s, found \"%s\"", expected,
		             config_quote(text, len, quoted));
	}
}

void config_read_key_reference(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                               void *value)
{
	static const struct config_field key = {.name = "key"};
	struct wire_name name = {0};
	const struct wire_tsig_key *found;
	char quoted[CONFIG_QUOTE_MAX];

	config_read_name(r, node, field ? field : &key, &name);
	if (name.len == 0) {
		return;
	}
	found = config_find_key(r->config, name.data);
	if (!found) {
		config_fault(r, config_place_of(node), "there is no key \"%s\" under keys",
		             config_quote((const char *)node->data.scalar.value, node->data.scalar.length, quoted));
		return;
	}
	*(const struct wire_tsig_key **)value = found;
}

static void read_acl_key(struct config_reader *r, yaml_node_t *node, struct net_acl_key *key)
{
	const struct wire_tsig_key *found = NULL;

	config_read_key_reference(r, node, NULL, &found);
	if (found) {
		*key = (struct net_acl_key){found->name.data, found->name.len};
	}
}

/* A host name, or "*." and a host name. */
static void read_pattern(struct config_reader *r, yaml_node_t *node, const char **pattern)
{
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = config_scalar(r, node, "the name of a certificate such as \"*.clients.example.com\"", &len);
	const char *rest;

	if (!text) {
		return;
	}
	rest = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
	if (rest[0] == '\0' || rest[0] == '.' || strchr(rest, '*') || strpbrk(rest, " \t\r\n")) {
		config_fault(r, config_place_of(node),
		             "\"%s\" is no name of a certificate; a wildcard can only be its first label",
		             config_quote(text, len, quoted));
		return;
	}
	*pattern = config_string(r, text, len);
}

/* Lists of the kinds of an ACL; each fills its part of a struct net_acl_rule. */

/* As config_list(), but an empty one is a fault: whether it narrows or widens the rule is anybody's guess. */
static size_t list_of_kind(struct config_reader *r, yaml_node_t *node, const char *expected)
{
	size_t count = config_list(r, node, expected);

	if (count == 0 && node->type == YAML_SEQUENCE_NODE) {
		config_fault(r, config_place_of(node), "expected %s, found an empty one", expected);
	}
	return count;
}

static void read_prefixes(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	size_t count = list_of_kind(r, node, "a list of addresses and prefixes");
	struct net_prefix *prefixes = config_alloc(r, count, sizeof(*prefixes));

	(void)field;
	for (size_t i = 0; prefixes && i < count; i++) {
		read_prefix(r, config_item(r, node, i), &prefixes[i]);
	}
	rule->prefixes = prefixes;
	rule->prefix_count = prefixes ? count : 0;
}

static void read_keys(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	size_t count = list_of_kind(r, node, "a list of names of keys");
	struct net_acl_key *keys = config_alloc(r, count, sizeof(*keys));

	(void)field;
	for (size_t i = 0; keys && i < count; i++) {
		read_acl_key(r, config_item(r, node, i), &keys[i]);
	}
	rule->keys = keys;
	rule->key_count = keys ? count : 0;
}

static void read_patterns(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	size_t count = list_of_kind(r, node, "a list of names of certificates");
	const char **patterns = config_alloc(r, count, sizeof(*patterns));

	(void)field;
	for (size_t i = 0; patterns && i < count; i++) {
		read_pattern(r, config_item(r, node, i), &patterns[i]);
	}
	rule->certificates = patterns;
	rule->certificate_count = patterns ? count : 0;
}

/* Inline rules list one of each kind. */

static void read_one_prefix(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	struct net_prefix *prefix = config_alloc(r, 1, sizeof(*prefix));

	(void)field;
	if (prefix) {
		read_prefix(r, node, prefix);
		rule->prefixes = prefix;
		rule->prefix_count = 1;
	}
}

static void read_one_key(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	struct net_acl_key *key = config_alloc(r, 1, sizeof(*key));

	(void)field;
	if (key) {
		read_acl_key(r, node, key);
		rule->keys = key;
		rule->key_count = 1;
	}
}

static void read_one_pattern(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct net_acl_rule *rule = value;
	const char **pattern = config_alloc(r, 1, sizeof(*pattern));

	(void)field;
	if (pattern) {
		read_pattern(r, node, pattern);
		rule->certificates = pattern;
		rule->certificate_count = 1;
	}
}

/* A rule without any kind would match nobody: surely not what was meant. */
static void check_rule(struct config_reader *r, const yaml_node_t *node, uint64_t present, uint64_t kinds,
                       const char *expected)
{
	if ((present & kinds) == 0) {
		config_fault(r, config_place_of(node), "this rule matches nobody; give at least one of %s", expected);
	}
}

/* ---- acls: ---- */

enum { ACL_NAME, ACL_ADDRESSES, ACL_KEYS, ACL_CERTIFICATES };

static void read_acl_name(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t len;

	config_read_string(r, node, field, value);
	if (node->type == YAML_SCALAR_NODE) {
		len = node->data.scalar.length;
		if ((len == 3 && memcmp(node->data.scalar.value, "any", 3) == 0) ||
		    (len == 4 && memcmp(node->data.scalar.value, "none", 4) == 0)) {
			config_fault(r, config_place_of(node), "any and none are built in; choose another name");
		}
	}
}

static const struct config_field acl_fields[] = {
        [ACL_NAME] = {"name", read_acl_name, offsetof(struct config_acl, name), .required = true},
        [ACL_ADDRESSES] = {"addresses", read_prefixes, offsetof(struct config_acl, rule)},
        [ACL_KEYS] = {"keys", read_keys, offsetof(struct config_acl, rule)},
        [ACL_CERTIFICATES] = {"certificates", read_patterns, offsetof(struct config_acl, rule)},
};
static const struct config_map acl_map = {"an ACL", acl_fields, sizeof(acl_fields) / sizeof(acl_fields[0])};

/* Where the value of a key of a mapping is; the mapping itself where it has no such key. */
static struct config_place place_in_map(struct config_reader *r, const yaml_node_t *node, const char *name)
{
	if (node->type == YAML_MAPPING_NODE) {
		for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
		     p++) {
			const yaml_node_t *key = yaml_document_get_node(r->document, p->key);

			if (key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, name) == 0) {
				return config_place_of(yaml_document_get_node(r->document, p->value));
			}
		}
	}
	return config_place_of(node);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_acls(const void *a, const void *b)
{
	const struct config_acl *x = a, *y = b;

	return strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

void config_read_acls(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	static const uint64_t kinds = 1 << ACL_ADDRESSES | 1 << ACL_KEYS | 1 << ACL_CERTIFICATES;
	size_t count = config_list(r, node, "a list of ACLs"), named_count = 0;
	struct config_acl *acls = config_alloc(r, count, sizeof(*acls));
	struct config_named *named = config_alloc(r, count, sizeof(*named));

	(void)field;
	(void)value;
	if (!acls || !named) {
		return;
	}
	for (size_t i = 0; i < count && !r->error; i++) {
		yaml_node_t *item = config_item(r, node, i);
		uint64_t present = config_read_map(r, item, &acl_map, &acls[i]);

		check_rule(r, item, present, kinds, "addresses, keys, certificates");
		if (acls[i].name) {
			named[named_count++] = (struct config_named){acls[i].name, place_in_map(r, item, "name")};
		}
	}
	config_check_unique(r, "ACL", named, named_count, compare_text);
	/* Sorted, so that the many references of many zones are found quickly. */
	qsort(acls, count, sizeof(*acls), compare_acls);
	r->config->acls = acls;
	r->config->acl_count = count;
}

/* ---- lists of ACLs ---- */

enum { INLINE_ADDRESS, INLINE_KEY, INLINE_CERTIFICATE };

static const struct config_field inline_fields[] = {
        [INLINE_ADDRESS] = {"address", read_one_prefix},
        [INLINE_KEY] = {"key", read_one_key},
        [INLINE_CERTIFICATE] = {"certificate", read_one_pattern},
};
static const struct config_map inline_map = {"an inline ACL", inline_fields,
                                             sizeof(inline_fields) / sizeof(inline_fields[0])};

static const char *acl_name(const void *context, size_t i)
{
	const struct config *c = context;

	if (i < c->acl_count) {
		return c->acls[i].name ? c->acls[i].name : "";
	}
	return i == c->acl_count ? "any" : "none";
}

static const struct net_acl_rule *find_acl(struct config_reader *r, const yaml_node_t *node, char *name)
{
	struct config_acl wanted = {.name = name};
	const struct config_acl *found = NULL;
	char quoted[CONFIG_QUOTE_MAX], nearest[CONFIG_QUOTE_MAX];
	const char *near;

	if (r->config->acl_count) {
		found = bsearch(&wanted, r->config->acls, r->config->acl_count, sizeof(wanted), compare_acls);
	}
	if (found) {
		return &found->rule;
	}
	near = config_nearest(name, strlen(name), acl_name, r->config, r->config->acl_count + 2);
	config_fault(r, config_place_of(node), "there is no ACL \"%s\"; the nearest is \"%s\"",
	             config_quote(name, strlen(name), quoted), config_quote(near, strlen(near), nearest));
	return NULL;
}

static const struct net_acl_rule *read_inline(struct config_reader *r, yaml_node_t *node)
{
	static const uint64_t kinds = 1 << INLINE_ADDRESS | 1 << INLINE_KEY | 1 << INLINE_CERTIFICATE;
	struct net_acl_rule *rule = config_alloc(r, 1, sizeof(*rule));

	if (rule) {
		check_rule(r, node, config_read_map(r, node, &inline_map, rule), kinds, "address, key, certificate");
	}
	return rule;
}

void config_read_access(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t count = config_list(r, node, "a list of ACLs"), len, rule_count = 0;
	const struct net_acl_rule **rules = config_alloc(r, count, sizeof(*rules));
	struct net_acl *acl = value;
	const char *text;

	if (!rules) {
		return;
	}
	*acl = (struct net_acl){0};
	for (size_t i = 0; i < count && !r->error; i++) {
		yaml_node_t *item = config_item(r, node, i);

		if (item->type == YAML_MAPPING_NODE) {
			rules[rule_count++] = read_inline(r, item);
			continue;
		}
		text = config_scalar(r, item, "the name of an ACL or an inline one", &len);
		if (!text) {
			continue;
		}
		if (strcmp(text, "any") == 0) {
			acl->any = true;
		} else if (strcmp(text, "none") == 0) {
			if (count > 1) {
				config_fault(r, config_place_of(item), "none must stand alone in %s", field->name);
			}
		} else {
			rules[rule_count++] = find_acl(r, item, (char *)item->data.scalar.value);
		}
	}
	acl->rules = rules;
	acl->rule_count = rule_count;
}
