/*
 * The configuration. data/fault-*.yaml hold what is wrong and, in lines "#! LINE:COLUMN text", every fault that
 * must be told, in order; data/full.yaml gives every key a value of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config.h"

static char *read_data(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	*ret_len = fread(text, 1, 65535, f);
	fclose(f);
	return text;
}

static struct config *parse_good(const char *text)
{
	struct config_faults faults;
	struct config *c = NULL;
	int err = config_parse(text, strlen(text), "etc/test.yaml", &c, &faults);

	if (err) {
		config_faults_print(&faults, "", stderr);
	}
	assert_int_equal(err, 0);
	assert_non_null(c);
	assert_int_equal(faults.count, 0);
	config_faults_done(&faults);
	return c;
}

static void test_defaults(void **state)
{
	struct config *c = parse_good("listen: {dns: [\"127.0.0.1@5300\"]}\n");

	(void)state;
	assert_true(c->server.workers >= 1);
	assert_string_equal(c->server.state_dir, "/var/lib/dnspush");
	assert_string_equal(c->server.control, "/run/dnspush/control.sock");
	assert_null(c->server.user);
	assert_int_equal(c->server.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->server.log_format, LOG_FORMAT_LOGFMT);
	assert_null(c->tls.certificate);
	assert_int_equal(c->tls.client_auth, NET_TLS_CLIENT_NONE);
	assert_false(c->tls.tls13_only);
	assert_false(c->tls.early_data);
	assert_int_equal(c->dso.inactivity_ms, 15000);
	assert_int_equal(c->dso.keepalive_ms, 3600000);
	assert_true(c->dso.push);
	assert_int_equal(c->limits.sessions, 100000);
	assert_int_equal(c->limits.sessions_per_address, 100);
	assert_int_equal(c->limits.handshakes, 2000);
	assert_int_equal(c->limits.handshake_timeout_ms, 5000);
	assert_int_equal(c->limits.message_timeout_ms, 5000);
	assert_int_equal(c->limits.open_requests, 64);
	assert_int_equal(c->limits.subscriptions, 1000000);
	assert_int_equal(c->limits.subscriptions_per_session, 1000);
	assert_int_equal(c->limits.subscribe_rate.burst, 1000);
	assert_int_equal(c->limits.subscribe_rate.per_second, 100);
	assert_int_equal(c->limits.output_soft, 65536);
	assert_int_equal(c->limits.output_hard, 262144);
	assert_int_equal(c->limits.output_stall_ms, 60000);
	assert_int_equal(c->limits.updates_queued_zone, 100);
	assert_int_equal(c->limits.updates_queued_total, 1000);
	assert_int_equal(c->limits.update_rate.burst, 400);
	assert_int_equal(c->limits.update_rate.per_second, 200);
	assert_int_equal(c->limits.records_per_rrset, 10000);
	assert_int_equal(c->limits.types_per_name, 100);
	assert_int_equal(c->limits.transfers_in, 10);
	assert_int_equal(c->limits.journal_size, 67108864);
	assert_int_equal(c->limits.journal_changes, 1000);
	assert_int_equal(c->limits.signature_checks.burst, 40);
	assert_int_equal(c->limits.signature_checks.per_second, 20);
	assert_int_equal(c->limits.memory_percent, 75);
	assert_int_equal(c->limits.memory_bytes, 0);
	assert_int_equal(c->key_count, 0);
	assert_int_equal(c->acl_count, 0);
	assert_int_equal(c->zone_count, 0);
	config_free(c);
}

static void assert_address(const struct net_address *a, const char *expected)
{
	char text[NET_ADDRESS_TEXT_MAX];

	assert_string_equal(net_address_text(a, text), expected);
}

static void assert_name(const uint8_t *wire, const char *expected)
{
	char text[WIRE_NAME_TEXT_MAX];

	wire_name_to_text(wire, text, sizeof(text));
	assert_string_equal(text, expected);
}

static struct config *parse_full(void)
{
	struct config *c;
	size_t len;
	char *text = read_data(TEST_DATA "/full.yaml", &len);

	c = parse_good(text);
	free(text);
	return c;
}

static void test_full_sections(void **state)
{
	struct config *c = parse_full();

	(void)state;
	assert_int_equal(c->server.workers, 3);
	assert_string_equal(c->server.state_dir, "etc/state");
	assert_string_equal(c->server.control, "/run/control.sock");
	assert_string_equal(c->server.user, "nobody");
	assert_int_equal(c->server.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->server.log_format, LOG_FORMAT_JSON);
	assert_int_equal(c->listen.dns_count, 3);
	assert_address(&c->listen.dns[0], "127.0.0.1@5300");
	assert_address(&c->listen.dns[1], "::1@5300");
	assert_address(&c->listen.dns[2], "192.0.2.1@53");
	assert_int_equal(c->listen.tls_count, 1);
	assert_address(&c->listen.tls[0], "127.0.0.1@8853");
	assert_string_equal(c->tls.certificate, "etc/server.pem");
	assert_string_equal(c->tls.key, "etc/tls/server.key");
	assert_string_equal(c->tls.client_ca, "/etc/clients.pem");
	assert_int_equal(c->tls.client_auth, NET_TLS_CLIENT_OPTIONAL);
	assert_true(c->tls.tls13_only);
	assert_true(c->tls.early_data);
	assert_int_equal(c->dso.inactivity_ms, CONFIG_INFINITE_MS);
	assert_int_equal(c->dso.keepalive_ms, 10000);
	assert_false(c->dso.push);
	config_free(c);
}

static void test_full_limits(void **state)
{
	struct config *c = parse_full();

	(void)state;
	assert_int_equal(c->limits.sessions, 1);
	assert_int_equal(c->limits.sessions_per_address, 2);
	assert_int_equal(c->limits.handshakes, 3);
	assert_int_equal(c->limits.handshake_timeout_ms, 400);
	assert_int_equal(c->limits.message_timeout_ms, 600000);
	assert_int_equal(c->limits.open_requests, 6);
	assert_int_equal(c->limits.subscriptions, 7);
	assert_int_equal(c->limits.subscriptions_per_session, 8);
	assert_int_equal(c->limits.subscribe_rate.burst, 9);
	assert_int_equal(c->limits.subscribe_rate.per_second, 10);
	assert_int_equal(c->limits.output_soft, 11 * 1024);
	assert_int_equal(c->limits.output_hard, 12 * 1024 * 1024);
	assert_int_equal(c->limits.output_stall_ms, 13000);
	assert_int_equal(c->limits.updates_queued_zone, 14);
	assert_int_equal(c->limits.updates_queued_total, 15);
	assert_int_equal(c->limits.update_rate.burst, 16);
	assert_int_equal(c->limits.update_rate.per_second, 17);
	assert_int_equal(c->limits.records_per_rrset, 18);
	assert_int_equal(c->limits.types_per_name, 19);
	assert_int_equal(c->limits.transfers_in, 20);
	assert_int_equal(c->limits.journal_size, 21 * 1024 * 1024);
	assert_int_equal(c->limits.journal_changes, 22);
	assert_int_equal(c->limits.signature_checks.burst, 23);
	assert_int_equal(c->limits.signature_checks.per_second, 24);
	assert_int_equal(c->limits.memory_percent, 0);
	assert_int_equal(c->limits.memory_bytes, UINT64_C(2) << 30);
	config_free(c);
}

static void test_full_keys_and_acls(void **state)
{
	struct config *c = parse_full();
	const struct wire_tsig_key *key;
	const struct net_acl_rule *rule;

	(void)state;
	assert_int_equal(c->key_count, 2);
	key = config_find_key(c, (const uint8_t *)"\x06UPDATE\x07"
	                                          "example\x03"
	                                          "com");
	assert_non_null(key);
	assert_int_equal(key->algorithm, WIRE_TSIG_HMAC_SHA256);
	assert_int_equal(key->secret_len, 6);
	assert_memory_equal(key->secret, "secret", 6);
	key = config_find_key(c, (const uint8_t *)"\x02zz\x07"
	                                          "example\x03"
	                                          "com");
	assert_non_null(key);
	assert_int_equal(key->algorithm, WIRE_TSIG_HMAC_SHA512);
	assert_int_equal(key->secret_len, 4);
	assert_memory_equal(key->secret, "\0\1\2\3", 4);
	assert_null(config_find_key(c, (const uint8_t *)"\x07"
	                                                "example\x03"
	                                                "com"));

	assert_int_equal(c->acl_count, 1);
	assert_string_equal(c->acls[0].name, "office");
	rule = &c->acls[0].rule;
	assert_int_equal(rule->prefix_count, 2);
	assert_int_equal(rule->prefixes[0].length, 24);
	assert_false(rule->prefixes[0].v6);
	assert_int_equal(rule->prefixes[1].length, 32);
	assert_true(rule->prefixes[1].v6);
	assert_int_equal(rule->key_count, 1);
	assert_name(rule->keys[0].name, "update.example.com.");
	assert_int_equal(rule->keys[0].name_len, 20);
	assert_int_equal(rule->certificate_count, 2);
	assert_string_equal(rule->certificates[0], "*.clients.example.com");
	assert_string_equal(rule->certificates[1], "host.example.com");
	config_free(c);
}

static void test_full_zones(void **state)
{
	struct config *c = parse_full();
	const struct config_zone *z = &c->zones[0];

	(void)state;
	assert_int_equal(c->zone_count, 3);
	assert_name(z->origin.data, "example.com.");
	assert_string_equal(z->file, "etc/example.com.zone");
	assert_int_equal(z->line, 3);
	assert_int_equal(z->column, 5);
	assert_false(z->update.any);
	assert_int_equal(z->update.rule_count, 2);
	assert_ptr_equal(z->update.rules[0], &c->acls[0].rule);
	assert_int_equal(z->update.rules[1]->prefix_count, 1);
	assert_int_equal(z->update.rules[1]->key_count, 1);
	assert_int_equal(z->update.rules[1]->certificate_count, 0);
	assert_true(z->transfer.any);
	assert_int_equal(z->transfer.rule_count, 1);
	assert_string_equal(z->transfer.rules[0]->certificates[0], "*.backup.example.com");
	assert_false(z->subscribe.any);
	assert_int_equal(z->subscribe.rule_count, 0);
	assert_false(z->query.any);
	assert_int_equal(z->query.rule_count, 1);
	assert_int_equal(z->notify_count, 2);
	assert_address(&z->notify[0].address, "192.0.2.53@53");
	assert_null(z->notify[0].key);
	assert_address(&z->notify[1].address, "2001:db8::53@5353");
	assert_ptr_equal(z->notify[1].key, &c->keys[0]);

	z = &c->zones[1];
	assert_name(z->origin.data, "*.Example.NET.");
	assert_string_equal(z->file, "/srv/zones/net.zone");
	/* Absent lists: open for reading, closed for changing and copying. */
	assert_false(z->update.any);
	assert_int_equal(z->update.rule_count, 0);
	assert_false(z->transfer.any);
	assert_int_equal(z->transfer.rule_count, 0);
	assert_true(z->subscribe.any);
	assert_true(z->query.any);
	assert_int_equal(z->notify_count, 0);
	assert_memory_equal(c->zones[2].origin.data,
	                    "\x0e"
	                    "Building 1.a b",
	                    15);
	config_free(c);
}

/* Relative paths follow the folder of the file, whatever form its name has. */
static void test_paths(void **state)
{
	static const char text[] = "listen: {dns: [\"127.0.0.1@5300\"]}\nserver: {state-dir: here}\n";
	static const char *const cases[][2] = {
	        {"a.yaml", "here"}, {"/a.yaml", "/here"}, {"x/y/a.yaml", "x/y/here"}, {"./a.yaml", "./here"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config_faults faults;
		struct config *c;

		assert_int_equal(config_parse(text, strlen(text), cases[i][0], &c, &faults), 0);
		assert_string_equal(c->server.state_dir, cases[i][1]);
		config_free(c);
		config_faults_done(&faults);
	}
}

/* What the "#!" lines of a file say, as config_faults_print() would print them. */
static void expected_faults(const char *path, char *text, char *out, size_t size)
{
	char *rest = text;
	char *line;
	size_t at = 0;

	while ((line = strsep(&rest, "\n"))) {
		unsigned number, column;
		int used = 0;

		if (sscanf(line, "#! %u:%u %n", &number, &column, &used) < 2) {
			continue;
		}
		at += (size_t)(number ? snprintf(out + at, size - at, "%s:%u:%u: %s\n", path, number, column,
		                                 line + used)
		                      : snprintf(out + at, size - at, "%s: %s\n", path, line + used));
		assert_true(at < size);
	}
}

static void check_fault_file(const char *path)
{
	char expected[16384] = "", told[16384] = "";
	struct config_faults faults;
	struct config *c = NULL;
	size_t len;
	char *text = read_data(path, &len);
	FILE *out = fmemopen(told, sizeof(told), "w");
	char *words;
	int err;

	assert_non_null(out);
	err = config_parse(text, len, path, &c, &faults);
	config_faults_print(&faults, "", out);
	fclose(out);
	expected_faults(path, text, expected, sizeof(expected));
	/* The words about broken YAML are the library's: only their place is held to. */
	words = strstr(expected, "not valid YAML\n");
	if (words) {
		size_t same = (size_t)(words - expected) + strlen("not valid YAML");

		expected[same] = '\0';
		told[same] = '\0';
	}
	if (strcmp(told, expected) != 0) { /* cmocka would cut the texts */
		fprintf(stderr, "told:\n%s\nexpected:\n%s\n", told, expected);
		fail();
	}
	assert_int_equal(err, ERR_CONFIG);
	assert_null(c);
	config_faults_done(&faults);
	free(text);
}

static void test_faults(void **state)
{
	glob_t files;

	(void)state;
	assert_int_equal(glob(TEST_DATA "/fault-*.yaml", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 20);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		check_fault_file(files.gl_pathv[i]);
	}
	globfree(&files);
}

/* Past the cap faults are counted, and the last line says how many. */
static void test_many_faults(void **state)
{
	char text[8192] = "listen: {dns: [\"127.0.0.1@5300\"]}\nserver:\n", told[32768] = "";
	struct config_faults faults;
	struct config *c = NULL;
	FILE *out = fmemopen(told, sizeof(told), "w");

	(void)state;
	for (int i = 0; i < CONFIG_FAULTS_MAX + 7; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "  bad%d: 1\n", i);
	}
	assert_int_equal(config_parse(text, strlen(text), "x.yaml", &c, &faults), ERR_CONFIG);
	assert_int_equal(faults.count, CONFIG_FAULTS_MAX);
	assert_int_equal(faults.more, 7);
	config_faults_print(&faults, "dnspushd: ", out);
	fclose(out);
	assert_non_null(strstr(
	        told, "dnspushd: x.yaml:3:3: unknown key \"bad0\" in server; the nearest valid key is \"user\""));
	assert_non_null(strstr(told, "dnspushd: x.yaml: and 7 more faults\n"));
	config_faults_done(&faults);
}

/* Neither control characters nor endless values of the file get to the terminal. */
static void test_hostile_text(void **state)
{
	static const char text[] =
	        "\"\\e[2J\\n\\u202e\": 1\nserver: {user: \"\"}\n"
	        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	        "0123456789: 1\n";
	struct config_faults faults;
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_parse(text, strlen(text), "x.yaml", &c, &faults), ERR_CONFIG);
	assert_int_equal(faults.count, 4);
	for (size_t i = 0; i < faults.count; i++) {
		assert_true(strlen(faults.list[i].text) < 256);
		for (const char *p = faults.list[i].text; *p; p++) {
			assert_in_range(*p, 0x20, 0x7e);
		}
	}
	assert_non_null(strstr(faults.list[0].text, "missing"));
	assert_non_null(strstr(faults.list[1].text, "\"\\x1b[2J\\x0a\\xe2\\x80\\xae\""));
	assert_non_null(strstr(faults.list[3].text, "...\""));
	config_faults_done(&faults);
}

static void test_not_utf8(void **state)
{
	static const char text[] = "# ok\nserver: {user: \"\xc3\xa9\xff\"}\n";
	struct config_faults faults;
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_parse(text, strlen(text), "x.yaml", &c, &faults), ERR_CONFIG);
	assert_int_equal(faults.count, 1);
	assert_int_equal(faults.list[0].line, 2);
	assert_int_equal(faults.list[0].column, 18);
	assert_non_null(strstr(faults.list[0].text, "not valid UTF-8"));
	config_faults_done(&faults);
}

/* Every allocation fails once: no crash, no leak, no half configuration. */
static void fail_each_allocation(const char *path, int wanted)
{
	size_t len;
	char *text = read_data(path, &len);
	bool failed = true;
	long n;

	for (n = 0; failed; n++) {
		struct config_faults faults;
		struct config *c = NULL;
		int err;

		mem_fail_after(n);
		err = config_parse(text, len, path, &c, &faults);
		failed = mem_failed();
		mem_fail_after(-1);
		assert_int_equal(err, failed ? ERR_NOMEM : wanted);
		assert_true((c != NULL) == (err == 0));
		config_free(c);
		config_faults_done(&faults);
	}
	assert_true(n > 10);
	free(text);
}

static void test_memory_ends(void **state)
{
	(void)state;
	fail_each_allocation(TEST_DATA "/full.yaml", 0);
	fail_each_allocation(TEST_DATA "/fault-acls.yaml", ERR_CONFIG);
}

/* ---- files ---- */

struct folder {
	char path[64];
	char file[128];
};

static void put(struct folder *f, const char *name, const char *text, mode_t mode)
{
	FILE *out;

	snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	out = fopen(f->file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(f->file, mode), 0);
}

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f) {
		return -1;
	}
	strcpy(f->path, "/tmp/dnspush-config-XXXXXX");
	*state = f;
	return mkdtemp(f->path) ? 0 : -1;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
	free(f);
	return system(command);
}

/* Load f->file; the faults must be just these lines, "%s" for the file's name. */
static void load(struct folder *f, int wanted, const char *expected_format)
{
	char expected[2048], told[2048] = "";
	struct config_faults faults;
	struct config *c = NULL;
	FILE *out = fmemopen(told, sizeof(told), "w");
	const char *from = expected_format;
	size_t at = 0;

	for (; *from; from++) { /* '@' stands for the file, '&' for its folder */
		if (*from == '@' || *from == '&') {
			at += (size_t)snprintf(expected + at, sizeof(expected) - at, "%s",
			                       *from == '@' ? f->file : f->path);
		} else {
			expected[at++] = *from;
		}
	}
	expected[at] = '\0';
	assert_int_equal(config_load(f->file, &c, &faults), wanted);
	config_faults_print(&faults, "", out);
	fclose(out);
	assert_string_equal(told, expected);
	config_free(c);
	config_faults_done(&faults);
}

static const char with_secret[] = "listen: {dns: [\"127.0.0.1@5300\"]}\n"
                                  "keys:\n"
                                  "  - {name: a.example., algorithm: hmac-sha256, secret: \"c2VjcmV0\"}\n";

static void test_secrets_are_private(void **state)
{
	struct folder *f = *state;

	put(f, "a.yaml", with_secret, 0644);
	load(f, ERR_CONFIG,
	     "@:3:56: this file holds TSIG secrets and everybody on this machine may use it (mode 0644): chmod 0640 or "
	     "0600 "
	     "it\n");
	put(f, "a.yaml", with_secret, 0602);
	load(f, ERR_CONFIG,
	     "@:3:56: this file holds TSIG secrets and everybody on this machine may use it (mode 0602): chmod 0640 or "
	     "0600 "
	     "it\n");
	put(f, "a.yaml", with_secret, 0640);
	load(f, 0, "");
	put(f, "a.yaml", "listen: {dns: [\"127.0.0.1@5300\"]}\n", 0644);
	load(f, 0, "");
}

static void test_tls_files(void **state)
{
	struct folder *f = *state;
	static const char text[] = "listen: {tls: [\"127.0.0.1@8853\"]}\n"
	                           "tls: {certificate: c.pem, key: k.pem,\n"
	                           "      client-ca: .}\n";

	put(f, "k.pem", "key", 0604);
	put(f, "a.yaml", text, 0644);
	load(f, ERR_CONFIG,
	     "@:2:20: cannot read the certificate &/c.pem: No such file or directory\n"
	     "@:2:32: everybody on this machine may use the private key &/k.pem (mode 0604): chmod 0640 or 0600 it\n"
	     "@:3:18: cannot read the client authorities &/.: it is not a regular file\n");
	put(f, "k.pem", "key", 0600);
	put(f, "c.pem", "certificate", 0644);
	put(f, "a.yaml", "listen: {tls: [\"127.0.0.1@8853\"]}\ntls: {certificate: c.pem, key: k.pem}\n", 0644);
	load(f, 0, "");
}

static void test_user(void **state)
{
	struct folder *f = *state;

	put(f, "a.yaml", "listen: {dns: [\"127.0.0.1@5300\"]}\nserver: {user: no-such-user-here}\n", 0644);
	load(f, ERR_CONFIG, "@:2:16: there is no user \"no-such-user-here\"\n");
	put(f, "a.yaml", "listen: {dns: [\"127.0.0.1@5300\"]}\nserver: {user: root}\n", 0644);
	load(f, 0, "");
}

/* Zone files are not looked at: that is for who loads them, and one that is broken does not stop the others. */
static void test_zone_file_is_not_opened(void **state)
{
	struct folder *f = *state;

	put(f, "a.yaml", "listen: {dns: [\"127.0.0.1@5300\"]}\nzones: [{zone: example.com, file: gone}]\n", 0644);
	load(f, 0, "");
}

static void test_unusable_files(void **state)
{
	struct folder *f = *state;

	snprintf(f->file, sizeof(f->file), "%s/gone.yaml", f->path);
	load(f, ERR_CONFIG, "@: cannot open: No such file or directory\n");
	snprintf(f->file, sizeof(f->file), "%s/.", f->path);
	load(f, ERR_CONFIG, "@: cannot read: it is not a regular file\n");
	snprintf(f->file, sizeof(f->file), "%s/fifo", f->path);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	load(f, ERR_CONFIG, "@: cannot read: it is not a regular file\n");
	put(f, "large.yaml", "#", 0600);
	assert_int_equal(truncate(f->file, CONFIG_FILE_MAX + 1), 0);
	load(f, ERR_CONFIG, "@: cannot read: it is larger than 16 MiB\n");
	put(f, "empty.yaml", "", 0600);
	load(f, ERR_CONFIG, "@: the file holds no configuration\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_full_sections),
	        cmocka_unit_test(test_full_limits),
	        cmocka_unit_test(test_full_keys_and_acls),
	        cmocka_unit_test(test_full_zones),
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_faults),
	        cmocka_unit_test(test_many_faults),
	        cmocka_unit_test(test_hostile_text),
	        cmocka_unit_test(test_not_utf8),
	        cmocka_unit_test(test_memory_ends),
	        cmocka_unit_test_setup_teardown(test_secrets_are_private, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(test_tls_files, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(test_user, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(test_zone_file_is_not_opened, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(test_unusable_files, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
