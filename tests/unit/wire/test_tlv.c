#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "wire/tlv.h"

static void reads_one_after_another_to_the_exact_end(void **state)
{
	(void)state;
	static const uint8_t data[] = {0, 1, 0, 2, 0xaa, 0xbb, 0, 3, 0, 0, 0xf8, 0, 0, 1, 0xcc};
	struct bytes_reader r;
	struct wire_tlv tlv;

	bytes_reader_init(&r, data, sizeof(data));
	assert_int_equal(wire_tlv_check(&r), 0);
	assert_int_equal(bytes_offset(&r), 0); /* checking moves nothing */
	assert_int_equal(wire_tlv_read(&r, &tlv), 0);
	assert_int_equal(tlv.type, DSO_TLV_KEEPALIVE);
	assert_int_equal(bytes_u16(&tlv.data), 0xaabb);
	assert_true(bytes_complete(&tlv.data));
	assert_ptr_equal(tlv.data.base, data);
	assert_int_equal(wire_tlv_read(&r, &tlv), 0);
	assert_int_equal(tlv.type, DSO_TLV_PADDING);
	assert_int_equal(bytes_left(&tlv.data), 0);
	assert_int_equal(wire_tlv_read(&r, &tlv), 0);
	assert_int_equal(tlv.type, 0xf800);
	assert_true(bytes_complete(&r));
	assert_int_equal(wire_tlv_read(&r, &tlv), ERR_TRUNCATED);
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	static const uint8_t data[] = {0, 1, 0, 3, 1, 2, 3, 0, 2, 0, 1, 9};
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct bytes_reader r;
		struct wire_tlv tlv = {.type = 77};
		bytes_reader_init(&r, data, len);
		bool whole = len == 0 || len == 7 || len == sizeof(data);
		assert_int_equal(wire_tlv_check(&r), whole ? 0 : ERR_TRUNCATED);
		if (len > 0 && len < 7) {
			assert_int_equal(wire_tlv_read(&r, &tlv), ERR_TRUNCATED);
			assert_true(r.failed);
			assert_int_equal(tlv.type, 77);
			assert_int_equal(wire_tlv_check(&r), ERR_TRUNCATED);
		}
	}
}

static void writes_type_length_and_data(void **state)
{
	(void)state;
	static const uint8_t want[] = {0, 0x42, 0, 2, 0x12, 0x34, 0, 3, 0, 0};
	uint8_t data[16];
	struct bytes_writer w;
	bytes_writer_init(&w, data, sizeof(want));
	assert_int_equal(wire_tlv_write(&w, DSO_TLV_UNSUBSCRIBE, want + 4, 2), 0);
	assert_int_equal(wire_tlv_write(&w, DSO_TLV_PADDING, NULL, 0), 0);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(data, want, sizeof(want));
}

static void what_does_not_fit_is_not_written_at_all(void **state)
{
	(void)state;
	uint8_t data[8];
	struct bytes_writer w;
	bytes_writer_init(&w, data, sizeof(data));
	assert_int_equal(wire_tlv_write(&w, 1, "12345", 5), ERR_SPACE);
	assert_int_equal(w.len, 0);
	assert_false(w.failed);
	assert_int_equal(wire_tlv_write(&w, 1, "1234", 4), 0);
	assert_int_equal(wire_tlv_write(&w, 1, NULL, 0), ERR_SPACE);
	assert_int_equal(wire_tlv_write(&w, 1, data, SIZE_MAX), ERR_SPACE);
	bytes_put_u8(&w, 0);
	assert_true(w.failed);
	assert_int_equal(wire_tlv_write(&w, 1, NULL, 0), ERR_SPACE);

	/* With room, but no length that could say it. */
	static uint8_t large[70000];
	static const uint8_t zeros[WIRE_TLV_DATA_MAX + 1];
	bytes_writer_init(&w, large, sizeof(large));
	assert_int_equal(wire_tlv_write(&w, 1, zeros, WIRE_TLV_DATA_MAX + 1), ERR_SPACE);
	assert_int_equal(w.len, 0);
	assert_int_equal(wire_tlv_write(&w, 1, zeros, WIRE_TLV_DATA_MAX), 0);
}

static void an_open_tlv_gets_its_length_when_closed(void **state)
{
	(void)state;
	static const uint8_t want[] = {9, 0, 0x41, 0, 3, 1, 2, 3, 0, 2, 0, 0};
	uint8_t data[32];
	struct bytes_writer w;
	bytes_writer_init(&w, data, sizeof(data));
	bytes_put_u8(&w, 9);
	size_t at = wire_tlv_open(&w, DSO_TLV_PUSH);
	bytes_put_u8(&w, 1);
	bytes_put_u16(&w, 0x0203);
	assert_int_equal(wire_tlv_close(&w, at), 0);
	at = wire_tlv_open(&w, DSO_TLV_RETRY_DELAY);
	assert_int_equal(wire_tlv_close(&w, at), 0);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(data, want, sizeof(want));
}

static void closing_tells_of_missing_room(void **state)
{
	(void)state;
	static uint8_t data[4 + 65536];
	struct bytes_writer w;

	bytes_writer_init(&w, data, 3);
	size_t at = wire_tlv_open(&w, 1);
	assert_int_equal(wire_tlv_close(&w, at), ERR_SPACE);

	bytes_writer_init(&w, data, sizeof(data));
	at = wire_tlv_open(&w, 1);
	bytes_put_u8(&w, 0);
	for (int i = 0; i < 65535; i++) {
		bytes_put_u8(&w, 0);
	}
	assert_int_equal(wire_tlv_close(&w, at), ERR_SPACE);
	w.len--;
	assert_int_equal(wire_tlv_close(&w, at), 0);
	assert_int_equal(bytes_load_u16(data + 2), 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_one_after_another_to_the_exact_end),
	        cmocka_unit_test(every_cut_is_noticed),
	        cmocka_unit_test(writes_type_length_and_data),
	        cmocka_unit_test(what_does_not_fit_is_not_written_at_all),
	        cmocka_unit_test(an_open_tlv_gets_its_length_when_closed),
	        cmocka_unit_test(closing_tells_of_missing_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
