/*
 * Rdata: the first two bytes are the type, the rest the rdata. What is read is
 * compared with itself, taken apart and put together, printed and parsed again.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "wire/rdata.h"
#include "wire/text.h"

static uint8_t expanded[UINT16_MAX];
static uint8_t again[UINT16_MAX];
static char text[WIRE_RDATA_TEXT_MAX];

static int collect(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	struct bytes_writer *out = context;
	FUZZ_REQUIRE(len > 0);
	FUZZ_REQUIRE(!is_name || wire_name_len(bytes) == len);
	bytes_put(out, bytes, len);
	return 0;
}

static void check_parts(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct bytes_writer out;
	bytes_writer_init(&out, again, sizeof(again));
	FUZZ_REQUIRE(wire_rdata_parts(type, rdata, len, collect, &out) == 0);
	FUZZ_REQUIRE(out.len == len && (len == 0 || memcmp(again, rdata, len) == 0));
}

static void check_text(uint16_t type, const uint8_t *rdata, size_t len)
{
	size_t again_len = 0;
	int text_len = wire_rdata_to_text(type, rdata, len, text, sizeof(text));
	FUZZ_REQUIRE(text_len >= 0 && (size_t)text_len == strlen(text));
	for (int i = 0; i < text_len; i++) {
		FUZZ_REQUIRE(text[i] >= 0x20 && text[i] < 0x7f);
	}
	FUZZ_REQUIRE(wire_rdata_from_text(type, text, (size_t)text_len, NULL, again, sizeof(again), &again_len, NULL) ==
	             0);
	FUZZ_REQUIRE(again_len == len && (len == 0 || memcmp(again, rdata, len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r;
	struct bytes_writer out;

	if (size < 2 || size > UINT16_MAX) {
		return 0;
	}
	uint16_t type = bytes_load_u16(data);
	bytes_reader_init(&r, data, size); /* pointers count from the type on, so they can aim at the rdata */
	bytes_take(&r, 2);
	bytes_writer_init(&out, expanded, sizeof(expanded));
	int plain_err = wire_rdata_check(type, data + 2, size - 2);
	FUZZ_REQUIRE(plain_err == 0 || plain_err == ERR_RDATA || plain_err == ERR_LABEL || plain_err == ERR_POINTER ||
	             plain_err == ERR_NAME_LONG);
	if (wire_rdata_read(&r, type, &out)) {
		FUZZ_REQUIRE(out.len == 0 && !out.failed && plain_err);
		return 0;
	}
	FUZZ_REQUIRE(bytes_complete(&r));
	FUZZ_REQUIRE(plain_err || (out.len == size - 2 && memcmp(expanded, data + 2, size - 2) == 0));
	FUZZ_REQUIRE(wire_rdata_check(type, expanded, out.len) == 0);
	FUZZ_REQUIRE(wire_rdata_compare(type, expanded, out.len, expanded, out.len) == 0);
	check_parts(type, expanded, out.len);
	check_text(type, expanded, out.len);
	return 0;
}
