/*
 * The keys of dnspushd.yaml, one table a mapping. A new key: an entry here, its
 * default in config_defaults(), its field in config.h, its paragraph in
 * doc/man/dnspushd.yaml.5.scd, and a case in tests/unit/daemon/test_config.c.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config_read.h"
#include "net/crypto.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PLACE(member)   .place = offsetof(struct config_reader, member)

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	HOUR_MS = 60 * MINUTE_MS,
	DAY_MS = 24 * HOUR_MS,
	KEEPALIVE_FLOOR_MS = 10 * SECOND_MS, /* RFC 8490 7.1 */
	LISTEN_MAX = 256,                    /* addresses of one list */
};
static const uint64_t kib = 1024, mib = 1024 * 1024;

/* ---- server ---- */

static uint32_t usable_processors(void)
{
	cpu_set_t set;
	int count;

	CPU_ZERO(&set);
	count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < 1 ? 1 : (uint32_t)count;
}

static void read_workers(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	if (node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, "auto") == 0) {
		*(uint32_t *)value = usable_processors();
		return;
	}
	config_read_count(r, node, field, value);
}

static const struct config_word log_levels[] = {{"error", LOG_LEVEL_ERROR},   {"warning", LOG_LEVEL_WARNING},
                                                {"notice", LOG_LEVEL_NOTICE}, {"info", LOG_LEVEL_INFO},
                                                {"debug", LOG_LEVEL_DEBUG},   {NULL, 0}};
static const struct config_word log_formats[] = {{"logfmt", LOG_FORMAT_LOGFMT}, {"json", LOG_FORMAT_JSON}, {NULL, 0}};

static const struct config_field log_fields[] = {
        {"level", config_read_word, offsetof(struct config_server, log_level), .detail = log_levels},
        {"format", config_read_word, offsetof(struct config_server, log_format), .detail = log_formats},
};
static const struct config_map log_map = {"log", log_fields, COUNT_OF(log_fields)};

static const struct config_field server_fields[] = {
        {"workers", read_workers, offsetof(struct config_server, workers), 1, CONFIG_WORKERS_MAX},
        {"state-dir", config_read_path, offsetof(struct config_server, state_dir)},
        {"control", config_read_path, offsetof(struct config_server, control)},
        {"user", config_read_string, offsetof(struct config_server, user), PLACE(user)},
        {"log", config_read_section, 0, .detail = &log_map},
};
static const struct config_map server_map = {"server", server_fields, COUNT_OF(server_fields)};

/* ---- listen ---- */

/* ADDRESS@PORT. False with a fault otherwise. */
static bool read_address(struct config_reader *r, yaml_node_t *node, uint16_t default_port,
                         struct net_address *ret_address)
{
	static const char expected[] = "ADDRESS@PORT such as \"192.0.2.1@53\"";
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = config_scalar(r, node, expected, &len);

	if (!text) {
		return false;
	}
	if (net_address_parse(text, default_port, ret_address) != 0) {
		config_fault(r, config_place_of(node), "expected %s, found \"%s\"", expected,
		             config_quote(text, len, quoted));
		return false;
	}
	if (net_address_port(ret_address) == 0) {
		config_fault(r, config_place_of(node), "port 0 cannot be used");
		return false;
	}
	return true;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Addresses that differ from each other. */
static size_t read_addresses(struct config_reader *r, yaml_node_t *node, uint16_t default_port,
                             struct net_address **ret_list)
{
	size_t count = config_list(r, node, "a list of ADDRESS@PORT"), good = 0;
	struct net_address *list;
	struct config_named *named;
	char *texts;

	if (count > LISTEN_MAX) {
		config_fault(r, config_place_of(node), "more than %d addresses", LISTEN_MAX);
		return 0;
	}
	list = config_alloc(r, count, sizeof(*list));
	named = config_alloc(r, count, sizeof(*named));
	texts = config_alloc(r, count, NET_ADDRESS_TEXT_MAX);
	for (size_t i = 0; !r->error && i < count; i++) {
		yaml_node_t *item = config_item(r, node, i);

		if (read_address(r, item, default_port, &list[good])) {
			named[good] = (struct config_named){
			        net_address_text(&list[good], texts + good * NET_ADDRESS_TEXT_MAX),
			        config_place_of(item)};
			good++;
		}
	}
	if (r->error) {
		return 0;
	}
	config_check_unique(r, "address", named, good, compare_text);
	*ret_list = list;
	return good;
}

static void read_listen_dns(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct config_listen *listen = value;

	(void)field;
	listen->dns_count = read_addresses(r, node, 53, &listen->dns);
}

static void read_listen_tls(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct config_listen *listen = value;

	(void)field;
	listen->tls_count = read_addresses(r, node, 853, &listen->tls);
}

static const struct config_field listen_fields[] = {
        {"dns", read_listen_dns, 0},
        {"tls", read_listen_tls, 0, PLACE(listen_tls)},
        {"http", config_read_unsupported, 0, .detail = "metrics and the live page"},
};
static const struct config_map listen_map = {"listen", listen_fields, COUNT_OF(listen_fields)};

/* ---- tls, dso ---- */

static const struct config_word client_auths[] = {{"none", NET_TLS_CLIENT_NONE},
                                                  {"optional", NET_TLS_CLIENT_OPTIONAL},
                                                  {"required", NET_TLS_CLIENT_REQUIRED},
                                                  {NULL, 0}};
static const struct config_word tls_versions[] = {{"1.2", 0}, {"1.3", 1}, {NULL, 0}};

static const struct config_field tls_fields[] = {
        {"certificate", config_read_path, offsetof(struct config_tls, certificate), PLACE(certificate)},
        {"key", config_read_path, offsetof(struct config_tls, key), PLACE(key)},
        {"client-ca", config_read_path, offsetof(struct config_tls, client_ca), PLACE(client_ca)},
        {"client-auth", config_read_word, offsetof(struct config_tls, client_auth), .detail = client_auths,
         PLACE(client_auth)},
        {"min-version", config_read_flag, offsetof(struct config_tls, tls13_only), .detail = tls_versions},
        {"early-data", config_read_bool, offsetof(struct config_tls, early_data)},
};
static const struct config_map tls_map = {"tls", tls_fields, COUNT_OF(tls_fields)};

static const struct config_field dso_fields[] = {
        {"inactivity-timeout", config_read_duration, offsetof(struct config_dso, inactivity_ms), 0,
         49 * (uint64_t)DAY_MS, "infinite"},
        {"keepalive-interval", config_read_duration, offsetof(struct config_dso, keepalive_ms), KEEPALIVE_FLOOR_MS,
         49 * (uint64_t)DAY_MS, "infinite"},
        {"push", config_read_bool, offsetof(struct config_dso, push)},
};
static const struct config_map dso_map = {"dso", dso_fields, COUNT_OF(dso_fields)};

/* ---- limits ---- */

static const struct config_field rate_fields[] = {
        {"burst", config_read_count, offsetof(struct config_rate, burst), 1, 10000000},
        {"per-second", config_read_count, offsetof(struct config_rate, per_second), 1, 10000000},
};
static const struct config_map rate_map = {"a rate", rate_fields, COUNT_OF(rate_fields)};

static const struct config_field output_fields[] = {
        {"soft", config_read_size, offsetof(struct config_limits, output_soft), 4096, 1 << 30},
        {"hard", config_read_size, offsetof(struct config_limits, output_hard), 4096, 1 << 30},
        {"stall", config_read_duration, offsetof(struct config_limits, output_stall_ms), SECOND_MS, HOUR_MS},
};
static const struct config_map output_map = {"output", output_fields, COUNT_OF(output_fields)};

static const struct config_field queued_fields[] = {
        {"zone", config_read_count, offsetof(struct config_limits, updates_queued_zone), 1, 1000000},
        {"total", config_read_count, offsetof(struct config_limits, updates_queued_total), 1, 1000000},
};
static const struct config_map queued_map = {"updates-queued", queued_fields, COUNT_OF(queued_fields)};

static const struct config_field journal_fields[] = {
        {"size", config_read_size, offsetof(struct config_limits, journal_size), 1 << 20, UINT64_C(1) << 40},
        {"changes", config_read_count, offsetof(struct config_limits, journal_changes), 1, 10000000},
};
static const struct config_map journal_map = {"journal", journal_fields, COUNT_OF(journal_fields)};

/* A share of the machine ("75%") or a size. */
static void read_memory(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	static const struct config_field percent = {.name = "memory", .min = 1, .max = 100};
	struct config_limits *limits = value;
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	uint64_t number;
	const char *text = config_scalar(r, node, "a percentage such as 75% or a size such as 2G", &len);

	if (!text) {
		return;
	}
	if (len > 1 && text[len - 1] == '%' && config_parse_size(text, len - 1, &number) && text[len - 2] >= '0' &&
	    text[len - 2] <= '9') {
		if (number < percent.min || number > percent.max) {
			config_fault(r, config_place_of(node), "%s of memory is out of range: from 1%% to 100%%",
			             config_quote(text, len, quoted));
			return;
		}
		limits->memory_percent = (uint32_t)number;
		limits->memory_bytes = 0;
	} else if (config_parse_size(text, len, &number)) {
		if (number < field->min || number > field->max) {
			config_fault(r, config_place_of(node), "%s of memory is out of range: from 16M to 1024G",
			             config_quote(text, len, quoted));
			return;
		}
		limits->memory_percent = 0;
		limits->memory_bytes = number;
	} else {
		config_fault(r, config_place_of(node),
		             "expected a percentage such as 75%% or a size such as 2G, found \"%s\"",
		             config_quote(text, len, quoted));
	}
}

#define LIMIT(member) offsetof(struct config_limits, member)
static const struct config_field limits_fields[] = {
        {"sessions", config_read_count, LIMIT(sessions), 1, 10000000},
        {"sessions-per-address", config_read_count, LIMIT(sessions_per_address), 1, 10000000},
        {"handshakes", config_read_count, LIMIT(handshakes), 1, 1000000},
        {"handshake-timeout", config_read_duration, LIMIT(handshake_timeout_ms), 100, 10 * MINUTE_MS},
        {"message-timeout", config_read_duration, LIMIT(message_timeout_ms), 100, 10 * MINUTE_MS},
        {"open-requests", config_read_count, LIMIT(open_requests), 1, 65535},
        {"subscriptions", config_read_count, LIMIT(subscriptions), 1, 100000000},
        {"subscriptions-per-session", config_read_count, LIMIT(subscriptions_per_session), 1, 65535},
        {"subscribe-rate", config_read_section, LIMIT(subscribe_rate), .detail = &rate_map},
        {"output", config_read_section, 0, .detail = &output_map, PLACE(output)},
        {"updates-queued", config_read_section, 0, .detail = &queued_map, PLACE(updates_queued)},
        {"update-rate", config_read_section, LIMIT(update_rate), .detail = &rate_map},
        {"records-per-rrset", config_read_count, LIMIT(records_per_rrset), 1, 65535},
        {"types-per-name", config_read_count, LIMIT(types_per_name), 1, 65535},
        {"transfers-in", config_read_count, LIMIT(transfers_in), 1, 10000},
        {"journal", config_read_section, 0, .detail = &journal_map},
        {"signature-checks", config_read_section, LIMIT(signature_checks), .detail = &rate_map},
        {"memory", read_memory, 0, 16 << 20, UINT64_C(1) << 40},
};
static const struct config_map limits_map = {"limits", limits_fields, COUNT_OF(limits_fields)};

/* ---- keys ---- */

static void read_algorithm(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = config_scalar(r, node, "a TSIG algorithm such as hmac-sha256", &len);

	(void)field;
	if (text && wire_tsig_algorithm_from_text(text, len, value) != 0) {
		config_fault(r, config_place_of(node),
		             "unknown TSIG algorithm \"%s\"; known are hmac-md5, hmac-sha1, hmac-sha224, "
		             "hmac-sha256, hmac-sha384, hmac-sha512",
		             config_quote(text, len, quoted));
	}
}

/* The secret itself is never repeated in a fault. */
static void read_secret(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	struct wire_tsig_key *key = value;
	size_t len;
	const char *text = config_scalar(r, node, "a secret in base64", &len);
	int err;

	(void)field;
	if (r->secret.line == 0) {
		r->secret = config_place_of(node);
	}
	if (!text) {
		return;
	}
	err = net_base64_decode(text, len, key->secret, sizeof(key->secret), &key->secret_len);
	if (err == ERR_SPACE) {
		config_fault(r, config_place_of(node), "the secret is longer than %zu bytes", sizeof(key->secret));
	} else if (err) {
		config_fault(r, config_place_of(node), "the secret is not valid base64");
	} else if (key->secret_len == 0) {
		config_fault(r, config_place_of(node), "the secret is empty");
	}
}

static const struct config_field key_fields[] = {
        {"name", config_read_name, offsetof(struct wire_tsig_key, name), .required = true},
        {"algorithm", read_algorithm, offsetof(struct wire_tsig_key, algorithm), .required = true},
        {"secret", read_secret, 0, .required = true},
};
static const struct config_map key_map = {"a key", key_fields, COUNT_OF(key_fields)};

static int compare_names(const void *a, const void *b)
{
	return wire_name_compare(a, b);
}

static int compare_keys(const void *a, const void *b)
{
	const struct wire_tsig_key *x = a, *y = b;

	return wire_name_compare(x->name.data, y->name.data);
}

static void read_keys(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t count = config_list(r, node, "a list of keys"), good = 0;
	struct wire_tsig_key *keys = config_alloc(r, count, sizeof(*keys));
	struct config_named *named = config_alloc(r, count, sizeof(*named));

	(void)field;
	(void)value;
	for (size_t i = 0; !r->error && i < count; i++) {
		yaml_node_t *item = config_item(r, node, i);

		config_read_map(r, item, &key_map, &keys[good]);
		if (keys[good].name.len) { /* one without a name is a fault already, and left out */
			named[good] = (struct config_named){keys[good].name.data, config_place_of(item)};
			good++;
		}
	}
	if (r->error) {
		return;
	}
	config_check_unique(r, "key", named, good, compare_names);
	if (good) {
		qsort(keys, good, sizeof(*keys), compare_keys); /* for config_find_key() */
	}
	r->config->keys = keys;
	r->config->key_count = good;
}

/* ---- zones ---- */

static void read_notify_address(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                                void *value)
{
	(void)field;
	read_address(r, node, 53, value);
}

static const struct config_field notify_fields[] = {
        {"address", read_notify_address, offsetof(struct config_notify, address), .required = true},
        {"key", config_read_key_reference, offsetof(struct config_notify, key)},
};
static const struct config_map notify_map = {"a NOTIFY target", notify_fields, COUNT_OF(notify_fields)};

static void read_notify(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t count = config_list(r, node, "a list of ADDRESS@PORT");
	struct config_notify *list = config_alloc(r, count, sizeof(*list));
	struct config_zone *zone = value;

	(void)field;
	for (size_t i = 0; !r->error && i < count; i++) {
		yaml_node_t *item = config_item(r, node, i);

		if (item->type == YAML_MAPPING_NODE) {
			config_read_map(r, item, &notify_map, &list[i]);
		} else {
			read_address(r, item, 53, &list[i].address);
		}
	}
	zone->notify = list;
	zone->notify_count = r->error ? 0 : count;
}

enum { ZONE_NAME, ZONE_FILE };

static const struct config_field zone_fields[] = {
        [ZONE_NAME] = {"zone", config_read_name, offsetof(struct config_zone, origin), .required = true},
        [ZONE_FILE] = {"file", config_read_path, offsetof(struct config_zone, file)},
        {"update", config_read_access, offsetof(struct config_zone, update)},
        {"transfer", config_read_access, offsetof(struct config_zone, transfer)},
        {"notify", read_notify, 0},
        {"subscribe", config_read_access, offsetof(struct config_zone, subscribe)},
        {"query", config_read_access, offsetof(struct config_zone, query)},
        {"primary", config_read_unsupported, 0, .detail = "secondary zones"},
        {"link", config_read_unsupported, 0, .detail = "the discovery proxy"},
        {"hosts", config_read_unsupported, 0, .detail = "the discovery proxy"},
        {"reverse", config_read_unsupported, 0, .detail = "the discovery proxy"},
        {"register", config_read_unsupported, 0, .detail = "service registration"},
};
static const struct config_map zone_map = {"a zone", zone_fields, COUNT_OF(zone_fields)};

static void read_zone(struct config_reader *r, yaml_node_t *node, struct config_zone *zone)
{
	uint64_t present;

	zone->subscribe.any = true;
	zone->query.any = true;
	zone->line = config_place_of(node).line;
	zone->column = config_place_of(node).column;
	r->unsupported = false;
	present = config_read_map(r, node, &zone_map, zone);
	if (!r->unsupported && !(present & 1 << ZONE_FILE)) {
		config_fault(r, config_place_of(node), "key \"file\" is missing in a zone");
	}
}

static void read_zones(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t count = config_list(r, node, "a list of zones"), named_count = 0;
	struct config_zone *zones = config_alloc(r, count, sizeof(*zones));
	struct config_named *named = config_alloc(r, count, sizeof(*named));

	(void)field;
	(void)value;
	for (size_t i = 0; !r->error && i < count; i++) {
		yaml_node_t *item = config_item(r, node, i);

		read_zone(r, item, &zones[i]);
		if (zones[i].origin.len) {
			named[named_count++] = (struct config_named){zones[i].origin.data, config_place_of(item)};
		}
	}
	if (r->error) {
		return;
	}
	config_check_unique(r, "zone", named, named_count, compare_names);
	r->config->zones = zones;
	r->config->zone_count = count;
}

/* ---- the whole ---- */

/* In this order they are read, whatever their order in the file: zones refer to acls, acls to keys. */
static const struct config_field root_fields[] = {
        {"server", config_read_section, offsetof(struct config, server), .detail = &server_map},
        {"listen", config_read_section, offsetof(struct config, listen), .detail = &listen_map, .required = true,
         PLACE(listen)},
        {"tls", config_read_section, offsetof(struct config, tls), .detail = &tls_map, PLACE(tls)},
        {"dso", config_read_section, offsetof(struct config, dso), .detail = &dso_map},
        {"limits", config_read_section, offsetof(struct config, limits), .detail = &limits_map},
        {"keys", read_keys, 0},
        {"acls", config_read_acls, 0},
        {"zones", read_zones, 0},
        {"relay", config_read_unsupported, 0, .detail = "the recursive-resolver role"},
};
static const struct config_map root_map = {"the configuration", root_fields, COUNT_OF(root_fields)};

void config_defaults(struct config *c)
{
	static char state_dir[] = "/var/lib/dnspush", control[] = "/run/dnspush/control.sock";

	c->server = (struct config_server){.workers = usable_processors(),
	                                   .state_dir = state_dir,
	                                   .control = control,
	                                   .log_level = LOG_LEVEL_INFO,
	                                   .log_format = LOG_FORMAT_LOGFMT};
	c->dso = (struct config_dso){.inactivity_ms = 15 * SECOND_MS, .keepalive_ms = HOUR_MS, .push = true};
	c->limits = (struct config_limits){
	        .sessions = 100000,
	        .sessions_per_address = 100,
	        .handshakes = 2000,
	        .handshake_timeout_ms = 5 * SECOND_MS,
	        .message_timeout_ms = 5 * SECOND_MS,
	        .open_requests = 64,
	        .subscriptions = 1000000,
	        .subscriptions_per_session = 1000,
	        .subscribe_rate = {1000, 100},
	        .output_soft = 64 * kib,
	        .output_hard = 256 * kib,
	        .output_stall_ms = MINUTE_MS,
	        .updates_queued_zone = 100,
	        .updates_queued_total = 1000,
	        .update_rate = {400, 200},
	        .records_per_rrset = 10000,
	        .types_per_name = 100,
	        .transfers_in = 10,
	        .journal_size = 64 * mib,
	        .journal_changes = 1000,
	        .signature_checks = {40, 20},
	        .memory_percent = 75,
	};
}

void config_read_root(struct config_reader *r, yaml_node_t *root)
{
	size_t before = r->faults->count;

	config_read_map(r, root, &root_map, r->config);
	/* Where the parts have faults, rules between them would only repeat these in other words. */
	if (!r->error && r->faults->count == before) {
		config_check(r);
	}
}
