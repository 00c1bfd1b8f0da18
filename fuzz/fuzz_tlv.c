/*
 * TLVs: a run that reads to its exact end, written again both ways, is the same
 * bytes; one that does not is found out by the check as by the walk.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r;
	struct bytes_writer whole;
	struct bytes_writer pieces;
	struct wire_tlv tlv;
	uint8_t *memory = size > 0 ? malloc(2 * size) : NULL;

	if (!memory) {
		return 0;
	}
	bytes_reader_init(&r, data, size);
	bytes_writer_init(&whole, memory, size);
	bytes_writer_init(&pieces, memory + size, size);
	int check = wire_tlv_check(&r);
	int err = 0;
	while (!err && bytes_left(&r) > 0) {
		err = wire_tlv_read(&r, &tlv);
		if (err) {
			break;
		}
		size_t len = bytes_left(&tlv.data);
		const uint8_t *bytes = bytes_take(&tlv.data, len);
		FUZZ_REQUIRE(wire_tlv_write(&whole, tlv.type, bytes, len) == 0);
		size_t at = wire_tlv_open(&pieces, tlv.type);
		bytes_put(&pieces, bytes, len);
		FUZZ_REQUIRE(wire_tlv_close(&pieces, at) == 0);
		FUZZ_REQUIRE(whole.len == bytes_offset(&r));
	}
	FUZZ_REQUIRE(err == check && bytes_complete(&r) == !err);
	FUZZ_REQUIRE(err || whole.len == size);
	FUZZ_REQUIRE(memcmp(memory, data, whole.len) == 0);
	FUZZ_REQUIRE(pieces.len == whole.len && memcmp(memory + size, data, pieces.len) == 0);
	/* What is left over fits nowhere. */
	FUZZ_REQUIRE(err || wire_tlv_write(&whole, DSO_TLV_PADDING, NULL, 0) != 0);
	free(memory);
	return 0;
}
