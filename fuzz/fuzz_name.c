/*
 * Names: the first two bytes say where in the rest, taken as a message, a name
 * is read. What is read is written, read again and compared in all its forms.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "wire/dns.h"
#include "wire/name.h"

static int read_at(const uint8_t *data, size_t size, size_t start, enum wire_name_pointers pointers,
                   struct wire_name *ret_name)
{
	struct bytes_reader r;
	bytes_reader_init(&r, data, size);
	bytes_take(&r, start);
	int err = wire_name_read(&r, pointers, ret_name);
	FUZZ_REQUIRE(err ? r.failed : bytes_offset(&r) > start && bytes_offset(&r) <= size);
	FUZZ_REQUIRE(err <= 0);
	return err;
}

static void check_text(const struct wire_name *name)
{
	char text[WIRE_NAME_TEXT_MAX];
	char cut[16];
	struct wire_name again;

	size_t len = wire_name_to_text(name->data, text, sizeof(text));
	FUZZ_REQUIRE(len == strlen(text) && text[len - 1] == '.');
	FUZZ_REQUIRE(wire_name_from_text(text, len, NULL, &again) == 0);
	FUZZ_REQUIRE(again.len == name->len && memcmp(again.data, name->data, name->len) == 0);
	size_t cut_len = wire_name_to_text(name->data, cut, sizeof(cut));
	FUZZ_REQUIRE(cut_len == strlen(cut) && strncmp(cut, text, cut_len) == 0);
}

static void check_forms(const struct wire_name *name)
{
	struct wire_name folded = *name;
	struct wire_name child;
	uint8_t key[WIRE_NAME_KEY_MAX];
	uint8_t child_key[WIRE_NAME_KEY_MAX];

	wire_name_lower(folded.data);
	FUZZ_REQUIRE(wire_name_equal(name->data, folded.data));
	FUZZ_REQUIRE(wire_name_compare(name->data, folded.data) == 0);
	FUZZ_REQUIRE(wire_name_hash(name->data) == wire_name_hash(folded.data));
	if (wire_name_wildcard(name->data, &child)) {
		FUZZ_REQUIRE(name->len > DNS_NAME_MAX - 2);
		return;
	}
	FUZZ_REQUIRE(wire_name_is_under(child.data, name->data) && !wire_name_is_under(name->data, child.data));
	FUZZ_REQUIRE(wire_name_compare(name->data, child.data) < 0);
	size_t len = wire_name_key(name->data, key);
	size_t child_len = wire_name_key(child.data, child_key);
	FUZZ_REQUIRE(len < child_len && child_len <= sizeof(child_key) && memcmp(key, child_key, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_name name;
	struct wire_name plain;
	struct wire_name again;

	if (size < 3) {
		return 0;
	}
	size_t start = bytes_load_u16(data) % (size - 2);
	data += 2;
	size -= 2;
	int plain_err = read_at(data, size, start, WIRE_NAME_PLAIN, &plain);
	if (read_at(data, size, start, WIRE_NAME_COMPRESSED, &name)) {
		FUZZ_REQUIRE(plain_err);
		return 0;
	}
	FUZZ_REQUIRE(name.len >= 1 && name.len == wire_name_len(name.data));
	FUZZ_REQUIRE(name.label_count == wire_name_labels(name.data));
	FUZZ_REQUIRE(plain_err == 0 || plain_err == ERR_POINTER);
	FUZZ_REQUIRE(plain_err || (plain.len == name.len && memcmp(plain.data, name.data, name.len) == 0));
	FUZZ_REQUIRE(read_at(name.data, name.len, 0, WIRE_NAME_PLAIN, &again) == 0);
	FUZZ_REQUIRE(again.len == name.len && memcmp(again.data, name.data, name.len) == 0);
	check_text(&name);
	check_forms(&name);
	return 0;
}
