#include "push/server.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"

/*
 * The table: two parallel arrays of `cap` in one block, keys then IDs, ten bytes
 * an entry. Entries [0, open) are open subscriptions, [open, count) are
 * SUBSCRIBEs without a response yet, whose keys are NULL. Beyond INDEX_FROM
 * entries two hash tables of positions find an entry by ID and by key; they are
 * open-addressed, three quarters full at most, and a removal shifts entries
 * back, so no tombstones.
 */
enum {
	CAP_MIN = 4,
	CAP_MAX = 65535, /* as many as there are IDs */
	INDEX_FROM = 16,
	NO_ENTRY = 0xffff, /* an empty slot; positions end at 65534 */
};

struct push_server {
	struct dso_session *session;
	void **keys;
	uint16_t *ids;
	uint32_t open;
	uint32_t count;
	uint32_t cap;
	uint32_t index_size; /* slots of each table, a power of 2; 0: no index */
	uint16_t *by_id;
	uint16_t *by_key;
};

struct push_server *push_server_new(struct dso_session *session)
{
	struct push_server *p = mem_calloc(1, sizeof(*p));
	if (p) {
		p->session = session;
	}
	return p;
}

void push_server_free(struct push_server *p)
{
	if (p) {
		mem_free(p->keys);
		mem_free(p->by_id);
		mem_free(p);
	}
}

size_t push_server_memory(const struct push_server *p)
{
	return sizeof(*p) + p->cap * (sizeof(p->keys[0]) + sizeof(p->ids[0])) +
	       2 * (size_t)p->index_size * sizeof(p->by_id[0]);
}

/*
 * Bits 15 and up of the product suffice for the largest table. The peer chooses
 * the IDs, but there are only 65,535: the worst it gets is a probe of so many
 * two-byte slots.
 */
static uint32_t id_hash(uint16_t id)
{
	return (uint32_t)id * 0x9e3779b1u >> 15;
}

static uint32_t key_hash(const void *key)
{
	return (uint32_t)((uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15ull >> 32);
}

static uint32_t entry_hash(const struct push_server *p, const uint16_t *table, uint32_t at)
{
	return table == p->by_id ? id_hash(p->ids[at]) : key_hash(p->keys[at]);
}

/* Slot of `table` that holds the entry `at`, or with NO_ENTRY the first free one of that hash. */
static uint32_t find_slot(const struct push_server *p, const uint16_t *table, uint32_t hash, uint32_t at)
{
	uint32_t slot = hash & (p->index_size - 1);
	while (table[slot] != at) {
		slot = (slot + 1) & (p->index_size - 1);
	}
	return slot;
}

static void index_add(struct push_server *p, uint16_t *table, uint32_t at)
{
	if (p->index_size > 0) {
		table[find_slot(p, table, entry_hash(p, table, at), NO_ENTRY)] = (uint16_t)at;
	}
}

/* Take the entry `at` out and close the gap, so that every probe still ends at its entry. */
static void index_remove(struct push_server *p, uint16_t *table, uint32_t at)
{
	if (p->index_size == 0) {
		return;
	}
	uint32_t mask = p->index_size - 1;
	uint32_t gap = find_slot(p, table, entry_hash(p, table, at), at);
	for (uint32_t slot = (gap + 1) & mask; table[slot] != NO_ENTRY; slot = (slot + 1) & mask) {
		uint32_t home = entry_hash(p, table, table[slot]) & mask;
		if (((slot - home) & mask) >= ((slot - gap) & mask)) {
			table[gap] = table[slot];
			gap = slot;
		}
	}
	table[gap] = NO_ENTRY;
}

/* Build both tables anew with `size` slots each. */
static int reindex(struct push_server *p, uint32_t size)
{
	uint16_t *tables = mem_alloc(2 * (size_t)size * sizeof(*tables));
	if (!tables) {
		return ERR_NOMEM;
	}
	memset(tables, 0xff, 2 * (size_t)size * sizeof(*tables));
	mem_free(p->by_id);
	p->by_id = tables;
	p->by_key = tables + size;
	p->index_size = size;
	for (uint32_t at = 0; at < p->count; at++) {
		index_add(p, p->by_id, at);
		if (at < p->open) {
			index_add(p, p->by_key, at);
		}
	}
	return 0;
}

/* Give the arrays room for `cap` entries. */
static int resize(struct push_server *p, uint32_t cap)
{
	void **keys = mem_alloc(cap * (sizeof(p->keys[0]) + sizeof(p->ids[0])));
	if (!keys) {
		return ERR_NOMEM;
	}
	uint16_t *ids = (uint16_t *)(keys + cap);
	if (p->count > 0) {
		memcpy(keys, p->keys, p->count * sizeof(keys[0]));
		memcpy(ids, p->ids, p->count * sizeof(ids[0]));
	}
	mem_free(p->keys);
	p->keys = keys;
	p->ids = ids;
	p->cap = cap;
	return 0;
}

/* Three quarters full is the most, as ever more steps lead to an entry beyond that. */
static bool index_suffices(uint32_t size, uint32_t count)
{
	return 4 * count <= 3 * size;
}

/* Make sure that one more entry, open or not, needs no memory. */
static int reserve(struct push_server *p)
{
	if (p->count == p->cap) {
		uint32_t cap = p->cap < CAP_MIN ? CAP_MIN : p->cap + p->cap / 4 + 1;
		if (p->cap == CAP_MAX) {
			return ERR_LIMIT;
		}
		int err = resize(p, cap < CAP_MAX ? cap : CAP_MAX);
		if (err) {
			return err;
		}
	}
	if (p->count >= INDEX_FROM && !index_suffices(p->index_size, p->count + 1)) {
		return reindex(p, p->index_size > 0 ? 2 * p->index_size : 2 * INDEX_FROM);
	}
	return 0;
}

/* Give back what a session that once had many subscriptions does not need any more. A failure does no harm. */
static void shrink(struct push_server *p)
{
	if (p->count == 0) {
		mem_free(p->keys);
		mem_free(p->by_id);
		*p = (struct push_server){.session = p->session};
	} else if (p->cap > 4 * INDEX_FROM && p->count < p->cap / 4) {
		if (index_suffices(p->index_size / 2, p->count)) {
			reindex(p, p->index_size / 2);
		}
		resize(p, p->cap / 2);
	}
}

/* Position of the entry with this ID, or NO_ENTRY. */
static uint32_t find_id(const struct push_server *p, uint16_t id)
{
	if (p->index_size > 0) {
		uint32_t mask = p->index_size - 1;
		uint32_t slot = id_hash(id) & mask;
		while (p->by_id[slot] != NO_ENTRY && p->ids[p->by_id[slot]] != id) {
			slot = (slot + 1) & mask;
		}
		return p->by_id[slot];
	}
	for (uint32_t at = 0; at < p->count; at++) {
		if (p->ids[at] == id) {
			return at;
		}
	}
	return NO_ENTRY;
}

/* Position of the open subscription with this key, or NO_ENTRY. */
static uint32_t find_key(const struct push_server *p, const void *key)
{
	if (p->index_size > 0) {
		uint32_t mask = p->index_size - 1;
		uint32_t slot = key_hash(key) & mask;
		while (p->by_key[slot] != NO_ENTRY && p->keys[p->by_key[slot]] != key) {
			slot = (slot + 1) & mask;
		}
		return p->by_key[slot];
	}
	for (uint32_t at = 0; at < p->open; at++) {
		if (p->keys[at] == key) {
			return at;
		}
	}
	return NO_ENTRY;
}

static uint32_t find_pending(const struct push_server *p, uint16_t id)
{
	uint32_t at = find_id(p, id);
	return at != NO_ENTRY && at >= p->open ? at : NO_ENTRY;
}

static uint32_t find_open(const struct push_server *p, uint16_t id)
{
	uint32_t at = find_id(p, id);
	return at != NO_ENTRY && at < p->open ? at : NO_ENTRY;
}

/* Add a SUBSCRIBE that has no response yet; reserve() went before. */
static void add_pending(struct push_server *p, uint16_t id)
{
	uint32_t at = p->count++;
	p->keys[at] = NULL;
	p->ids[at] = id;
	index_add(p, p->by_id, at);
}

/* Move the entry `from` to the place `to`, whose own entry is gone from the index. */
static void move_entry(struct push_server *p, uint32_t from, uint32_t to)
{
	if (from == to) {
		return;
	}
	bool was_open = from < p->open;
	index_remove(p, p->by_id, from);
	if (was_open) {
		index_remove(p, p->by_key, from);
	}
	p->ids[to] = p->ids[from];
	p->keys[to] = p->keys[from];
	index_add(p, p->by_id, to);
	if (was_open) {
		index_add(p, p->by_key, to);
	}
}

/* Drop the entry `at`, open or not. */
static void remove_entry(struct push_server *p, uint32_t at)
{
	index_remove(p, p->by_id, at);
	if (at < p->open) {
		index_remove(p, p->by_key, at);
		move_entry(p, p->open - 1, at);
		at = --p->open;
	}
	move_entry(p, p->count - 1, at);
	p->count--;
	shrink(p);
}

/* The SUBSCRIBE at `at` was accepted: it changes places with the first one that was not. */
static void open_entry(struct push_server *p, uint32_t at, void *key)
{
	uint16_t id = p->ids[at];
	index_remove(p, p->by_id, at);
	move_entry(p, p->open, at);
	at = p->open++;
	p->ids[at] = id;
	p->keys[at] = key;
	index_add(p, p->by_id, at);
	index_add(p, p->by_key, at);
}

static void respond_error(struct push_server *p, uint16_t id, unsigned rcode, uint64_t now_ms)
{
	dso_session_respond(p->session, id, rcode, false, push_default_delay_ms(rcode), now_ms);
}

static void handle_subscribe(struct push_server *p, const struct dso_event *event, uint64_t now_ms,
                             struct push_server_event *ret_event)
{
	struct bytes_reader data = event->data;
	if (push_subscribe_read(&data, &ret_event->question)) {
		respond_error(p, event->id, DNS_RCODE_FORMERR, now_ms);
		return;
	}
	if (reserve(p)) {
		respond_error(p, event->id, DNS_RCODE_SERVFAIL, now_ms);
		return;
	}
	add_pending(p, event->id);
	ret_event->type = PUSH_SERVER_SUBSCRIBE;
	ret_event->id = event->id;
}

static void handle_unsubscribe(struct push_server *p, const struct dso_event *event, uint64_t now_ms,
                               struct push_server_event *ret_event)
{
	struct bytes_reader data = event->data;
	uint16_t id;
	if (push_unsubscribe_read(&data, &id)) {
		dso_session_abort(p->session, DSO_REASON_TLV);
		return;
	}
	uint32_t at = find_id(p, id);
	if (at == NO_ENTRY) {
		return;
	}
	if (at < p->open) {
		dso_session_operation_end(p->session, id, now_ms);
	} else {
		/* A response is owed to the SUBSCRIBE even so; nothing stays open behind it (B3). */
		dso_session_respond(p->session, id, DNS_RCODE_NOERROR, false, DSO_NO_DELAY, now_ms);
	}
	ret_event->type = PUSH_SERVER_UNSUBSCRIBE;
	ret_event->id = id;
	ret_event->key = p->keys[at];
	remove_entry(p, at);
}

/* Apart from its caller for the sake of the stack: a record in full is large. */
static __attribute__((noinline)) int check_reconfirm(struct bytes_reader data)
{
	struct push_reconfirm record;
	return push_reconfirm_read(&data, &record);
}

static void handle_reconfirm(struct push_server *p, const struct dso_event *event, struct push_server_event *ret_event)
{
	if (check_reconfirm(event->data)) {
		dso_session_abort(p->session, DSO_REASON_TLV);
		return;
	}
	ret_event->type = PUSH_SERVER_RECONFIRM;
	ret_event->reconfirm = event->data;
}

void push_server_handle(struct push_server *p, const struct dso_event *event, uint64_t now_ms,
                        struct push_server_event *ret_event)
{
	ret_event->type = PUSH_SERVER_NONE;
	ret_event->id = 0;
	ret_event->key = NULL;
	if (event->type == DSO_EVENT_REQUEST && event->tlv_type == PUSH_TLV_SUBSCRIBE) {
		handle_subscribe(p, event, now_ms, ret_event);
	} else if (event->type == DSO_EVENT_UNIDIRECTIONAL && event->tlv_type == PUSH_TLV_UNSUBSCRIBE) {
		handle_unsubscribe(p, event, now_ms, ret_event);
	} else if (event->type == DSO_EVENT_UNIDIRECTIONAL && event->tlv_type == PUSH_TLV_RECONFIRM) {
		handle_reconfirm(p, event, ret_event);
	}
}

int push_server_accept(struct push_server *p, uint16_t id, void *key, uint64_t now_ms)
{
	uint32_t at = find_pending(p, id);
	if (at == NO_ENTRY) {
		return ERR_NOT_FOUND;
	}
	if (find_key(p, key) != NO_ENTRY) {
		remove_entry(p, at);
		dso_session_abort(p->session, DSO_REASON_APPLICATION);
		return ERR_PROTOCOL;
	}
	int err = dso_session_respond(p->session, id, DNS_RCODE_NOERROR, true, DSO_NO_DELAY, now_ms);
	if (err) {
		remove_entry(p, at);
		respond_error(p, id, DNS_RCODE_SERVFAIL, now_ms);
		return err;
	}
	open_entry(p, at, key);
	return 0;
}

bool push_server_has(const struct push_server *p, const void *key)
{
	return find_key(p, key) != NO_ENTRY;
}

int push_server_refuse(struct push_server *p, uint16_t id, unsigned rcode, uint32_t delay_ms, uint64_t now_ms)
{
	uint32_t at = find_pending(p, id);
	if (at == NO_ENTRY) {
		return ERR_NOT_FOUND;
	}
	remove_entry(p, at);
	delay_ms = delay_ms == DSO_NO_DELAY ? push_default_delay_ms(rcode) : delay_ms;
	return dso_session_respond(p->session, id, rcode, false, delay_ms, now_ms);
}

int push_server_cancel(struct push_server *p, uint16_t id, unsigned rcode, uint32_t delay_ms, uint64_t now_ms,
                       void **ret_key)
{
	uint32_t at = find_open(p, id);
	if (at == NO_ENTRY) {
		return ERR_NOT_FOUND;
	}
	void *key = p->keys[at];
	delay_ms = delay_ms == DSO_NO_DELAY ? push_default_delay_ms(rcode) : delay_ms;
	int err = dso_session_cancel(p->session, id, rcode, delay_ms, now_ms);
	if (err) {
		return err;
	}
	remove_entry(p, at);
	if (ret_key) {
		*ret_key = key;
	}
	return 0;
}

int push_server_cancel_key(struct push_server *p, const void *key, unsigned rcode, uint32_t delay_ms, uint64_t now_ms)
{
	uint32_t at = find_key(p, key);
	if (at == NO_ENTRY) {
		return ERR_NOT_FOUND;
	}
	return push_server_cancel(p, p->ids[at], rcode, delay_ms, now_ms, NULL);
}

size_t push_server_count(const struct push_server *p)
{
	return p->open;
}

void *push_server_key(const struct push_server *p, size_t i, uint16_t *ret_id)
{
	*ret_id = p->ids[i];
	return p->keys[i];
}
