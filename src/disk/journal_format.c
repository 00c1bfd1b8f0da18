#include <sodium.h>
#include <string.h>

#include "base/err.h"
#include "disk/journal_private.h"
#include "wire/dns.h"
#include "wire/rdata.h"

enum { NAME_KEY_WHOLE = 480, NAME_KEY_KEPT = 448, RDATA_HASH_LEN = 16 };

void journal_store_u64(uint8_t *p, uint64_t v)
{
	bytes_store_u32(p, (uint32_t)(v >> 32));
	bytes_store_u32(p + 4, (uint32_t)v);
}

uint64_t journal_load_u64(const uint8_t *p)
{
	return (uint64_t)bytes_load_u32(p) << 32 | bytes_load_u32(p + 4);
}

static uint64_t read_u64(struct bytes_reader *r)
{
	uint64_t high = bytes_u32(r);
	return high << 32 | bytes_u32(r);
}

void journal_sum_add(uint8_t *sum, const uint8_t *hash)
{
	uint64_t carry = 0;
	for (int at = JOURNAL_HASH_LEN - 4; at >= 0; at -= 4) {
		carry += (uint64_t)bytes_load_u32(sum + at) + bytes_load_u32(hash + at);
		bytes_store_u32(sum + at, (uint32_t)carry);
		carry >>= 32;
	}
}

void journal_sum_subtract(uint8_t *sum, const uint8_t *hash)
{
	uint64_t borrow = 0;
	for (int at = JOURNAL_HASH_LEN - 4; at >= 0; at -= 4) {
		uint64_t difference = (uint64_t)bytes_load_u32(sum + at) - bytes_load_u32(hash + at) - borrow;
		bytes_store_u32(sum + at, (uint32_t)difference);
		borrow = difference >> 63;
	}
}

void journal_hash(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *ret_hash)
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, JOURNAL_HASH_LEN);
	crypto_generichash_update(&state, a, a_len);
	crypto_generichash_update(&state, b, b_len);
	crypto_generichash_final(&state, ret_hash, JOURNAL_HASH_LEN);
}

/* ---- keys ---- */

MDB_val journal_val(const struct journal_key *key)
{
	return (MDB_val){.mv_size = key->len, .mv_data = (void *)key->data};
}

void journal_head_key(const uint8_t *origin, struct journal_key *ret_key)
{
	size_t len = wire_name_len(origin);
	ret_key->data[0] = JOURNAL_KIND_HEAD;
	memcpy(ret_key->data + 1, origin, len);
	wire_name_lower(ret_key->data + 1);
	ret_key->len = 1 + len;
}

void journal_changeset_key(uint64_t number, uint64_t sequence, struct journal_key *ret_key)
{
	ret_key->data[0] = JOURNAL_KIND_CHANGESET;
	journal_store_u64(ret_key->data + 1, number);
	journal_store_u64(ret_key->data + JOURNAL_NUMBER_END, sequence);
	ret_key->len = JOURNAL_NUMBER_END + 8;
}

/* The name's part of a place; returns its length. */
static size_t put_name_key(const uint8_t *owner, uint8_t *out)
{
	uint8_t key[WIRE_NAME_KEY_MAX];
	size_t len = wire_name_key(owner, key);
	if (len <= NAME_KEY_WHOLE) {
		memcpy(out, key, len);
		return len;
	}
	struct wire_name lower;
	wire_name_set(&lower, owner);
	wire_name_lower(lower.data);
	memcpy(out, key, NAME_KEY_KEPT);
	out[NAME_KEY_KEPT] = 1;
	journal_hash(lower.data, lower.len, NULL, 0, out + NAME_KEY_KEPT + 1);
	return NAME_KEY_KEPT + 1 + JOURNAL_HASH_LEN;
}

static bool in_nsec3_tree(const struct journal_record *r)
{
	return r->type == DNS_TYPE_NSEC3 ||
	       (r->type == DNS_TYPE_RRSIG && r->len >= 2 && bytes_load_u16(r->rdata) == DNS_TYPE_NSEC3);
}

void journal_record_key(uint64_t generation, const struct journal_record *r, struct journal_key *ret_key)
{
	uint8_t *key = ret_key->data;
	uint8_t hash[JOURNAL_HASH_LEN];
	size_t at = JOURNAL_NUMBER_END;

	key[0] = JOURNAL_KIND_RECORD;
	journal_store_u64(key + 1, generation);
	key[at++] = in_nsec3_tree(r);
	at += put_name_key(r->owner, key + at);
	key[at++] = 0;
	bytes_store_u16(key + at, r->type);
	at += 2;
	journal_hash(r->rdata, r->len, NULL, 0, hash);
	memcpy(key + at, hash, RDATA_HASH_LEN);
	ret_key->len = at + RDATA_HASH_LEN;
}

/* ---- heads ---- */

static void put_u64(struct bytes_writer *w, uint64_t v)
{
	bytes_put_u32(w, (uint32_t)(v >> 32));
	bytes_put_u32(w, (uint32_t)v);
}

void journal_head_put(const struct journal_key *key, const struct journal_head *h, uint8_t value[JOURNAL_HEAD_LEN])
{
	struct bytes_writer w;
	uint8_t check[JOURNAL_HASH_LEN];

	bytes_writer_init(&w, value, JOURNAL_HEAD_LEN);
	put_u64(&w, h->number);
	put_u64(&w, h->generation);
	put_u64(&w, h->file_generation);
	bytes_put_u32(&w, h->serial);
	bytes_put_u8(&w, h->has_file);
	put_u64(&w, h->count);
	bytes_put(&w, h->sum, sizeof(h->sum));
	put_u64(&w, h->file_count);
	bytes_put(&w, h->file_sum, sizeof(h->file_sum));
	put_u64(&w, h->first);
	put_u64(&w, h->next);
	put_u64(&w, h->history_size);
	bytes_put(&w, h->chain, sizeof(h->chain));
	journal_hash(key->data, key->len, value, w.len, check);
	bytes_put(&w, check, sizeof(check));
}

static void read_hash(struct bytes_reader *r, uint8_t *ret_hash)
{
	const uint8_t *hash = bytes_take(r, JOURNAL_HASH_LEN);
	if (hash) {
		memcpy(ret_hash, hash, JOURNAL_HASH_LEN);
	}
}

int journal_head_read(const MDB_val *key, const MDB_val *value, struct journal_head *ret_head)
{
	struct journal_head h = {0};
	struct bytes_reader r;
	uint8_t check[JOURNAL_HASH_LEN], stored[JOURNAL_HASH_LEN] = {0};

	if (value->mv_size != JOURNAL_HEAD_LEN) {
		return ERR_INVALID;
	}
	bytes_reader_init(&r, value->mv_data, value->mv_size);
	h.number = read_u64(&r);
	h.generation = read_u64(&r);
	h.file_generation = read_u64(&r);
	h.serial = bytes_u32(&r);
	h.has_file = bytes_u8(&r);
	h.count = read_u64(&r);
	read_hash(&r, h.sum);
	h.file_count = read_u64(&r);
	read_hash(&r, h.file_sum);
	h.first = read_u64(&r);
	h.next = read_u64(&r);
	h.history_size = read_u64(&r);
	read_hash(&r, h.chain);
	journal_hash(key->mv_data, key->mv_size, value->mv_data, bytes_offset(&r), check);
	read_hash(&r, stored);
	if (!bytes_complete(&r) || memcmp(check, stored, sizeof(check)) != 0 || h.first > h.next) {
		return ERR_INVALID;
	}
	*ret_head = h;
	return 0;
}

/* ---- records ---- */

static void record_hash(bool file, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
                        uint8_t *ret_hash)
{
	crypto_generichash_state state;
	uint8_t in_file = file;
	crypto_generichash_init(&state, NULL, 0, JOURNAL_HASH_LEN);
	crypto_generichash_update(&state, &in_file, 1);
	crypto_generichash_update(&state, key + JOURNAL_NUMBER_END, key_len - JOURNAL_NUMBER_END);
	crypto_generichash_update(&state, value, len);
	crypto_generichash_final(&state, ret_hash, JOURNAL_HASH_LEN);
}

size_t journal_record_put(bool file, const struct journal_key *key, const struct journal_record *r, uint8_t *value,
                          uint8_t *ret_hash)
{
	struct bytes_writer w;
	bytes_writer_init(&w, value, JOURNAL_RECORD_MAX);
	if (r) {
		bytes_put_u32(&w, r->ttl);
		bytes_put(&w, r->owner, wire_name_len(r->owner));
		bytes_put(&w, r->rdata, r->len);
	}
	record_hash(file, key->data, key->len, value, w.len, ret_hash);
	bytes_put(&w, ret_hash, JOURNAL_CHECK_LEN);
	return w.len;
}

/* An owner's wire bytes in place, or NULL. */
static const uint8_t *read_owner(struct bytes_reader *r)
{
	struct wire_name name;
	const uint8_t *start = r->pos;
	return wire_name_read(r, WIRE_NAME_PLAIN, &name) ? NULL : start;
}

int journal_record_read(bool file, const MDB_val *key, const MDB_val *value, struct journal_record *ret_record,
                        uint8_t *ret_hash)
{
	struct journal_record record = {0};
	struct bytes_reader r;
	enum { AFTER_NAME = 2 + RDATA_HASH_LEN };

	if (value->mv_size < JOURNAL_CHECK_LEN || key->mv_size < JOURNAL_NUMBER_END + 1 + AFTER_NAME) {
		return ERR_INVALID;
	}
	size_t len = value->mv_size - JOURNAL_CHECK_LEN;
	const uint8_t *data = value->mv_data;
	record_hash(file, key->mv_data, key->mv_size, data, len, ret_hash);
	if (memcmp(ret_hash, data + len, JOURNAL_CHECK_LEN) != 0 || (len == 0 && !file)) {
		return ERR_INVALID;
	}
	record.type = bytes_load_u16((const uint8_t *)key->mv_data + key->mv_size - AFTER_NAME);
	if (len > 0) {
		bytes_reader_init(&r, data, len);
		record.ttl = bytes_u32(&r);
		record.owner = read_owner(&r);
		record.len = (uint16_t)bytes_left(&r);
		if (!record.owner || bytes_left(&r) > UINT16_MAX) {
			return ERR_INVALID;
		}
		record.rdata = bytes_take(&r, record.len);
		if (wire_rdata_check(record.type, record.rdata, record.len)) {
			return ERR_INVALID;
		}
	}
	*ret_record = record;
	return 0;
}

/* ---- changesets ---- */

bool journal_change_read(struct bytes_reader *r, struct journal_change *ret_change)
{
	struct journal_change c = {0};
	if (bytes_left(r) == 0) {
		return false;
	}
	c.added = bytes_u8(r);
	c.owner = read_owner(r);
	c.type = bytes_u16(r);
	c.ttl = bytes_u32(r);
	c.len = bytes_u16(r);
	c.rdata = bytes_take(r, c.len);
	if (!c.owner || !c.rdata || wire_rdata_check(c.type, c.rdata, c.len)) {
		return false;
	}
	*ret_change = c;
	return true;
}

int journal_changeset_read(const MDB_val *key, const MDB_val *value, struct journal_changeset *ret_changeset)
{
	struct journal_changeset c;
	struct journal_change change;
	struct bytes_reader r;
	uint8_t check[JOURNAL_HASH_LEN];
	uint32_t count = 0;

	if (value->mv_size < JOURNAL_CHANGESET_HEAD + JOURNAL_HASH_LEN) {
		return ERR_INVALID;
	}
	bytes_reader_init(&r, value->mv_data, value->mv_size);
	c.serial_from = bytes_u32(&r);
	c.serial_to = bytes_u32(&r);
	c.count = bytes_u32(&r);
	uint64_t len = read_u64(&r);
	c.before = bytes_take(&r, JOURNAL_HASH_LEN);
	if (len != bytes_left(&r) - JOURNAL_HASH_LEN) {
		return ERR_INVALID;
	}
	c.records_len = len;
	c.records = bytes_take(&r, c.records_len);
	c.check = bytes_take(&r, JOURNAL_HASH_LEN);
	journal_hash(key->mv_data, key->mv_size, value->mv_data, value->mv_size - JOURNAL_HASH_LEN, check);
	if (memcmp(check, c.check, sizeof(check)) != 0) {
		return ERR_INVALID;
	}
	bytes_reader_init(&r, c.records, c.records_len);
	while (journal_change_read(&r, &change)) {
		count++;
	}
	if (!bytes_complete(&r) || count != c.count) {
		return ERR_INVALID;
	}
	*ret_changeset = c;
	return 0;
}
