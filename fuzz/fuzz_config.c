/*
 * The configuration: any text is either a configuration that keeps the promises
 * of its header, or at least one printable fault inside the text; and the same
 * text is always answered alike.
 */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config.h"
#include "fuzz.h"

static void check_acl(const struct config *c, const struct net_acl *acl)
{

	for (size_t i = 0; i < acl->rule_count; i++) {
		const struct net_acl_rule *rule = acl->rules[i];

		FUZZ_REQUIRE(rule->prefix_count + rule->key_count + rule->certificate_count > 0);
		for (size_t k = 0; k < rule->key_count; k++) {
			FUZZ_REQUIRE(config_find_key(c, rule->keys[k].name) != NULL);
			FUZZ_REQUIRE(rule->keys[k].name_len == wire_name_len(rule->keys[k].name));
		}
		for (size_t k = 0; k < rule->certificate_count; k++) {
			FUZZ_REQUIRE(rule->certificates[k][0] != '\0');
		}
	}
}

static void check_config(const struct config *c)
{
	FUZZ_REQUIRE(c->server.workers >= 1 && c->server.workers <= CONFIG_WORKERS_MAX);
	FUZZ_REQUIRE(c->server.state_dir && c->server.control);
	FUZZ_REQUIRE(c->listen.dns_count + c->listen.tls_count > 0);
	FUZZ_REQUIRE(c->listen.tls_count == 0 || (c->tls.certificate && c->tls.key));
	FUZZ_REQUIRE(c->tls.client_auth == NET_TLS_CLIENT_NONE || c->tls.client_ca);
	FUZZ_REQUIRE(c->dso.keepalive_ms >= 10000);
	FUZZ_REQUIRE(c->limits.output_soft <= c->limits.output_hard);
	FUZZ_REQUIRE((c->limits.memory_percent == 0) != (c->limits.memory_bytes == 0));
	for (size_t i = 0; i < c->listen.dns_count; i++) {
		FUZZ_REQUIRE(net_address_port(&c->listen.dns[i]) != 0);
	}
	for (size_t i = 0; i < c->key_count; i++) {
		FUZZ_REQUIRE(c->keys[i].secret_len > 0 && c->keys[i].secret_len <= sizeof(c->keys[i].secret));
		FUZZ_REQUIRE(i == 0 || wire_name_compare(c->keys[i - 1].name.data, c->keys[i].name.data) < 0);
	}
	for (size_t i = 0; i < c->zone_count; i++) {
		const struct config_zone *zone = &c->zones[i];

		FUZZ_REQUIRE(zone->origin.len > 0 && zone->file && zone->line > 0 && zone->column > 0);
		check_acl(c, &zone->update);
		check_acl(c, &zone->transfer);
		check_acl(c, &zone->subscribe);
		check_acl(c, &zone->query);
		for (size_t k = 0; k < zone->notify_count; k++) {
			FUZZ_REQUIRE(net_address_port(&zone->notify[k].address) != 0);
		}
	}
}

static void check_faults(const struct config_faults *f, size_t lines)
{
	FUZZ_REQUIRE(f->count > 0 && f->count <= CONFIG_FAULTS_MAX);
	FUZZ_REQUIRE(f->more == 0 || f->count == CONFIG_FAULTS_MAX);
	for (size_t i = 0; i < f->count; i++) {
		const struct config_fault *fault = &f->list[i];

		FUZZ_REQUIRE((fault->line == 0) == (fault->column == 0));
		FUZZ_REQUIRE(fault->line <= lines + 1);
		FUZZ_REQUIRE(fault->text[0] != '\0');
		for (const char *p = fault->text; *p; p++) {
			FUZZ_REQUIRE(*p >= 0x20 && *p < 0x7f);
		}
		FUZZ_REQUIRE(i == 0 || f->list[i - 1].line < fault->line ||
		             (f->list[i - 1].line == fault->line && f->list[i - 1].column <= fault->column));
	}
}

static void require_same(const struct config_faults *a, const struct config_faults *b)
{
	FUZZ_REQUIRE(a->count == b->count && a->more == b->more);
	for (size_t i = 0; i < a->count; i++) {
		FUZZ_REQUIRE(a->list[i].line == b->list[i].line && a->list[i].column == b->list[i].column);
		FUZZ_REQUIRE(strcmp(a->list[i].text, b->list[i].text) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_faults faults, again;
	struct config *c = NULL;
	size_t lines = 1;
	int err;

	for (size_t i = 0; i < size; i++) {
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80; /* YAML knows breaks beyond ASCII */
	}
	err = config_parse((const char *)data, size, "fuzz/x.yaml", &c, &faults);
	FUZZ_REQUIRE((err == 0) == (c != NULL));
	if (err) {
		FUZZ_REQUIRE(err == ERR_CONFIG);
		check_faults(&faults, lines);
	} else {
		FUZZ_REQUIRE(faults.count == 0);
		check_config(c);
	}
	config_free(c);
	c = NULL;
	FUZZ_REQUIRE(config_parse((const char *)data, size, "fuzz/x.yaml", &c, &again) == err);
	require_same(&faults, &again);
	config_free(c);
	config_faults_done(&again);
	config_faults_done(&faults);

	/* And when memory ends somewhere on the way. */
	c = NULL;
	mem_fail_after((long)(size % 61));
	err = config_parse((const char *)data, size, "fuzz/x.yaml", &c, &faults);
	FUZZ_REQUIRE(!mem_failed() || err == ERR_NOMEM);
	mem_fail_after(-1);
	config_free(c);
	config_faults_done(&faults);
	return 0;
}
