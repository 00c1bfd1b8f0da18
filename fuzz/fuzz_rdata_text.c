/*
 * Rdata text: the first two bytes are the type, the rest is the text. What is
 * parsed must be good rdata whose text gives the same bytes again.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "fuzz.h"
#include "wire/rdata.h"
#include "wire/text.h"

static const uint8_t origin[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
static uint8_t parsed[UINT16_MAX];
static uint8_t again[UINT16_MAX];
static char text[WIRE_RDATA_TEXT_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = 0;
	size_t where = SIZE_MAX;
	size_t again_len = 0;

	if (size < 2) {
		return 0;
	}
	uint16_t type = bytes_load_u16(data);
	int err = wire_rdata_from_text(type, (const char *)data + 2, size - 2, origin, parsed, sizeof(parsed), &len,
	                               &where);
	if (err) {
		FUZZ_REQUIRE(err < 0 && err != ERR_NOT_FOUND && where <= size - 2);
		return 0;
	}
	FUZZ_REQUIRE(wire_rdata_check(type, parsed, len) == 0);
	int text_len = wire_rdata_to_text(type, parsed, len, text, sizeof(text));
	FUZZ_REQUIRE(text_len >= 0 && (size_t)text_len == strlen(text));
	FUZZ_REQUIRE(wire_rdata_from_text(type, text, (size_t)text_len, NULL, again, sizeof(again), &again_len, NULL) ==
	             0);
	FUZZ_REQUIRE(again_len == len && (len == 0 || memcmp(again, parsed, len) == 0));
	return 0;
}
