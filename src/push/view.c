#include "push/view.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/rdata.h"

enum { RECORD_KEY_FIXED_LEN = 8 + 2 + 2 }; /* hash of the owner, type, class */

void push_view_init(struct push_view *v)
{
	v->owners = (struct push_table){0};
	v->records = (struct push_table){0};
	TAILQ_INIT(&v->ageing);
	v->ageing_ms = UINT64_MAX;
}

void push_view_done(struct push_view *v)
{
	for (size_t i = 0; i < v->records.size; i++) {
		while (v->records.slots[i]) {
			push_view_remove(v, PUSH_ENTRY(v->records.slots[i], struct push_record, link));
		}
	}
	push_table_done(&v->records);
	push_table_done(&v->owners);
}

static struct push_owner *find_owner(const struct push_view *v, const uint8_t *name, uint64_t hash)
{
	struct push_link *link = push_table_first(&v->owners, hash);
	while (link && !wire_name_equal(PUSH_ENTRY(link, struct push_owner, link)->name, name)) {
		link = push_table_next(link);
	}
	return link ? PUSH_ENTRY(link, struct push_owner, link) : NULL;
}

struct push_owner *push_view_find_owner(const struct push_view *v, const uint8_t *name)
{
	return v->owners.count > 0 ? find_owner(v, name, wire_name_hash(name)) : NULL;
}

struct push_owner *push_view_ref_owner(struct push_view *v, const uint8_t *name)
{
	uint64_t hash = wire_name_hash(name);
	struct push_owner *owner = find_owner(v, name, hash);
	if (!owner) {
		size_t len = wire_name_len(name);
		if (push_table_reserve(&v->owners) || !(owner = mem_alloc(sizeof(*owner) + len))) {
			return NULL;
		}
		owner->refs = 0;
		owner->wanted = NULL;
		TAILQ_INIT(&owner->records);
		memcpy(owner->name, name, len);
		push_table_add(&v->owners, &owner->link, hash);
	}
	owner->refs++;
	return owner;
}

void push_view_unref_owner(struct push_view *v, struct push_owner *owner)
{
	if (--owner->refs == 0) {
		push_table_remove(&v->owners, &owner->link);
		mem_free(owner);
	}
}

struct key {
	uint8_t *data;
	size_t len;
};

/* Rdata with the letters of its names folded, so that equal records have equal keys. */
static int add_part(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	struct key *key = context;
	memcpy(key->data + key->len, bytes, len);
	if (is_name) {
		wire_name_lower(key->data + key->len);
	}
	key->len += len;
	return 0;
}

static uint64_t hash_record(struct push_view *v, const struct push_owner *owner, const struct feed_change *change)
{
	struct key key = {v->key, RECORD_KEY_FIXED_LEN};
	memcpy(key.data, &owner->link.hash, 8);
	memcpy(key.data + 8, &change->type, 2);
	memcpy(key.data + 10, &change->dns_class, 2);
	if (change->rdata_len > 0) {
		wire_rdata_parts(change->type, change->rdata, change->rdata_len, add_part, &key);
	}
	return hash_bytes(key.data, key.len);
}

static bool is_same(const struct push_record *r, const struct push_owner *owner, const struct feed_change *c)
{
	return r->owner == owner && r->type == c->type && r->dns_class == c->dns_class &&
	       wire_rdata_compare(c->type, r->rdata, r->rdata_len, c->rdata, c->rdata_len) == 0;
}

struct push_record *push_view_find(struct push_view *v, const struct push_owner *owner,
                                   const struct feed_change *change)
{
	struct push_link *link = push_table_first(&v->records, hash_record(v, owner, change));
	while (link && !is_same(PUSH_ENTRY(link, struct push_record, link), owner, change)) {
		link = push_table_next(link);
	}
	return link ? PUSH_ENTRY(link, struct push_record, link) : NULL;
}

struct push_record *push_view_add(struct push_view *v, struct push_owner *owner, const struct feed_change *change)
{
	struct push_record *r;
	if (push_table_reserve(&v->records) || !(r = mem_alloc(sizeof(*r) + change->rdata_len))) {
		return NULL;
	}
	r->owner = owner;
	r->expires_ms = UINT64_MAX;
	r->ttl = change->ttl;
	r->session = 0;
	r->refs = 1;
	r->type = change->type;
	r->dns_class = change->dns_class;
	r->rdata_len = change->rdata_len;
	if (change->rdata_len > 0) {
		memcpy(r->rdata, change->rdata, change->rdata_len);
	}
	owner->refs++;
	TAILQ_INSERT_TAIL(&owner->records, r, at_owner);
	push_table_add(&v->records, &r->link, hash_record(v, owner, change));
	return r;
}

void push_view_ref(struct push_record *record)
{
	record->refs++;
}

void push_view_unref(struct push_view *v, struct push_record *record)
{
	if (--record->refs == 0) {
		push_view_unref_owner(v, record->owner);
		mem_free(record);
	}
}

void push_view_remove(struct push_view *v, struct push_record *record)
{
	push_view_revive(v, record);
	TAILQ_REMOVE(&record->owner->records, record, at_owner);
	push_table_remove(&v->records, &record->link);
	push_view_unref(v, record);
}

bool push_view_is_live(const struct push_record *record)
{
	return record->expires_ms == UINT64_MAX;
}

void push_view_age(struct push_view *v, struct push_record *record, uint64_t now_ms)
{
	if (!push_view_is_live(record)) {
		return;
	}
	record->expires_ms = now_ms + (uint64_t)record->ttl * 1000;
	TAILQ_INSERT_TAIL(&v->ageing, record, at_ageing);
	if (record->expires_ms < v->ageing_ms) {
		v->ageing_ms = record->expires_ms;
	}
}

void push_view_revive(struct push_view *v, struct push_record *record)
{
	if (!push_view_is_live(record)) {
		record->expires_ms = UINT64_MAX;
		TAILQ_REMOVE(&v->ageing, record, at_ageing);
		if (TAILQ_EMPTY(&v->ageing)) {
			v->ageing_ms = UINT64_MAX;
		}
	}
}

void push_view_update_ageing(struct push_view *v)
{
	struct push_record *r;
	v->ageing_ms = UINT64_MAX;
	TAILQ_FOREACH(r, &v->ageing, at_ageing)
	{
		if (r->expires_ms < v->ageing_ms) {
			v->ageing_ms = r->expires_ms;
		}
	}
}
