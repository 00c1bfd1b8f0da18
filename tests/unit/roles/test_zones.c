/* The writer's side: what the contents of the file cost while updates go on, and that they are still merged by. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roles/authoritative/zones.h"
#include "wire/dns.h"

static const uint8_t origin[] = "\7example\3com";
static const uint8_t www[] = "\3www\7example\3com";
static const uint8_t more[] = "\4more\7example\3com";

#define FILE_TEXT "@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 60\n@ 3600 IN NS ns1\nns1 3600 IN A 192.0.2.53\n"

static void write_file(const char *path, const char *extra)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, FILE_TEXT "%s", extra);
	assert_int_equal(fclose(f), 0);
}

/* An UPDATE that makes the address of www 192.0.2.`last` and nothing else. */
static void set_address(struct auth_zone *a, uint8_t last)
{
	static const struct update_limits limits = {.records_per_rrset = 100, .types_per_name = 100};
	uint8_t bytes[512], address[4] = {192, 0, 2, last};
	struct bytes_writer w;
	struct wire_message m;
	struct zone_changeset *changeset = NULL;

	bytes_writer_init(&w, bytes, sizeof(bytes));
	bytes_put_u16(&w, 1);
	bytes_put_u16(&w, DNS_OPCODE_UPDATE << 11);
	bytes_put_u16(&w, 1);
	bytes_put_u16(&w, 0);
	bytes_put_u16(&w, 2);
	bytes_put_u16(&w, 0);
	bytes_put(&w, origin, sizeof(origin));
	bytes_put_u16(&w, DNS_TYPE_SOA);
	bytes_put_u16(&w, DNS_CLASS_IN);
	for (int i = 0; i < 2; i++) {
		bytes_put(&w, www, sizeof(www));
		bytes_put_u16(&w, DNS_TYPE_A);
		bytes_put_u16(&w, i == 0 ? DNS_CLASS_ANY : DNS_CLASS_IN);
		bytes_put_u16(&w, 0);
		bytes_put_u16(&w, i == 0 ? 0 : 60);
		bytes_put_u16(&w, i == 0 ? 0 : 4);
		bytes_put(&w, address, i == 0 ? 0 : 4);
	}
	assert_int_equal(wire_message_read(bytes, w.len, &m), 0);
	assert_int_equal(auth_zone_update(a, &m, &limits, &changeset), 0);
	assert_non_null(changeset);
	zone_changeset_unref(changeset);
	auth_zone_collect(a);
}

static void test_updates_without_a_reload_keep_no_old_versions(void **state)
{
	(void)state;
	char path[] = "/tmp/dnspush-zones-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "www 60 IN A 192.0.2.1\n");

	struct wire_name name;
	struct auth_zone *a = NULL;
	wire_name_set(&name, origin);
	assert_int_equal(auth_zone_load(&name, path, NULL, NULL, &a), 0);
	for (int i = 0; i < 20000; i++) {
		set_address(a, (uint8_t)(100 + i % 2));
	}
	assert_true(auth_zone_memory(a) < 3 * 1024 * 1024);

	/* The file still counts as read at the start: only what was edited in it changes the zone. */
	write_file(path, "www 60 IN A 192.0.2.1\nmore 60 IN A 192.0.2.2\n");
	struct zone_changeset *changeset = NULL;
	assert_int_equal(auth_zone_reload(a, path, NULL, NULL, &changeset), 0);
	assert_non_null(changeset);
	assert_int_equal(changeset->count, 2); /* the SOA and the new name */
	zone_changeset_unref(changeset);

	struct zone_snapshot *s = auth_zone_current(a);
	assert_non_null(zone_find(s, more));
	const struct zone_rrset *set = zone_node_rrset(zone_find(s, www), DNS_TYPE_A);
	static const uint8_t updated[] = {192, 0, 2, 101};
	assert_int_equal(set->count, 1);
	assert_true(zone_rrset_has(set, updated, sizeof(updated)));
	zone_snapshot_unref(s);
	auth_zone_free(a);
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_updates_without_a_reload_keep_no_old_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
