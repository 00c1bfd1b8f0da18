#include "update/rfc2136.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/dns.h"
#include "wire/rdata.h"

enum {
	TYPE_WKS = 11,
	WKS_KEY_LEN = 5,      /* address and protocol tell services apart (RFC 2136 3.4.2.2) */
	SOA_NUMBERS_LEN = 20, /* serial, refresh, retry, expire, minimum at the end of SOA rdata */
};

/* One RR of the message with owner and rdata expanded. */
struct update_rr {
	union {
		size_t owner_at; /* while reading: offset in the buffer */
		const uint8_t *owner;
	};
	union {
		size_t rdata_at;
		const uint8_t *rdata;
	};
	uint32_t ttl;
	uint16_t rdata_len;
	uint16_t type;
	uint16_t dns_class;
};

/* The RRs of one section. */
struct update_rrs {
	struct buf bytes;
	struct update_rr *items;
	size_t count;
	size_t cap;
};

int update_zone(const struct wire_message *m, struct wire_question *ret_zone)
{
	if (m->header.qdcount != 1 || m->question.type != DNS_TYPE_SOA || m->question.dns_class != DNS_CLASS_IN) {
		return ERR_FORMERR;
	}
	*ret_zone = m->question;
	return 0;
}

/* ---- reading a section ---- */

static void rrs_init(struct update_rrs *rrs)
{
	buf_init(&rrs->bytes, 0);
	rrs->items = NULL;
	rrs->count = 0;
	rrs->cap = 0;
}

static void rrs_done(struct update_rrs *rrs)
{
	buf_done(&rrs->bytes);
	mem_free(rrs->items);
}

/* Append the rdata, expanded and, where the class gives it a meaning, checked. */
static int read_rdata(struct wire_rr *rr, bool checked, uint8_t *scratch, struct update_rrs *rrs, uint16_t *ret_len)
{
	if (!checked) {
		*ret_len = (uint16_t)bytes_left(&rr->rdata);
		return 0;
	}
	struct bytes_writer w;
	bytes_writer_init(&w, scratch, UINT16_MAX);
	if (wire_rdata_read(&rr->rdata, rr->type, &w)) {
		return ERR_FORMERR;
	}
	*ret_len = (uint16_t)w.len;
	return w.len ? buf_append(&rrs->bytes, scratch, w.len) : 0;
}

/*
 * The checks that hold for prerequisites and updates alike, in the order of
 * RFC 2136 3.2.5 and 3.4.1.3.
 */
static int check_rr(const struct wire_rr *rr, const uint8_t *origin, bool prerequisite)
{
	bool empty = bytes_left(&rr->rdata) == 0;
	if (prerequisite && rr->ttl != 0) {
		return ERR_FORMERR;
	}
	if (!wire_name_is_under(rr->owner.data, origin)) {
		return ERR_NOTZONE;
	}
	bool meta = wire_type_is_meta(rr->type);
	switch (rr->dns_class) {
	case DNS_CLASS_IN:
		return meta ? ERR_FORMERR : 0;
	case DNS_CLASS_ANY:
		return rr->ttl != 0 || !empty || (meta && rr->type != DNS_TYPE_ANY) ? ERR_FORMERR : 0;
	case DNS_CLASS_NONE:
		if (prerequisite) {
			return !empty || (meta && rr->type != DNS_TYPE_ANY) ? ERR_FORMERR : 0;
		}
		return rr->ttl != 0 || meta ? ERR_FORMERR : 0;
	default:
		return ERR_FORMERR;
	}
}

static int read_rr(struct bytes_reader *r, const uint8_t *origin, bool prerequisite, uint8_t *scratch,
                   struct update_rrs *rrs)
{
	struct wire_rr rr;
	if (wire_rr_read(r, &rr)) {
		return ERR_FORMERR;
	}
	int err = check_rr(&rr, origin, prerequisite);
	if (err) {
		return err;
	}
	err = mem_grow(&rrs->items, &rrs->cap, rrs->count + 1, sizeof(*rrs->items));
	if (err) {
		return err;
	}
	struct update_rr *item = &rrs->items[rrs->count];
	item->type = rr.type;
	item->dns_class = rr.dns_class;
	item->ttl = rr.ttl; /* the store makes 0 of one with the top bit set (RFC 2181 8) */
	item->owner_at = buf_len(&rrs->bytes);
	err = buf_append(&rrs->bytes, rr.owner.data, rr.owner.len);
	if (err) {
		return err;
	}
	item->rdata_at = buf_len(&rrs->bytes);
	bool has_rdata = rr.dns_class == DNS_CLASS_IN || (rr.dns_class == DNS_CLASS_NONE && !prerequisite);
	err = read_rdata(&rr, has_rdata, scratch, rrs, &item->rdata_len);
	if (!err) {
		rrs->count++;
	}
	return err;
}

/* Read and check `count` RRs of the section at `r`. */
static int read_section(struct bytes_reader r, unsigned count, const uint8_t *origin, bool prerequisite,
                        struct update_rrs *rrs)
{
	uint8_t *scratch = mem_alloc(UINT16_MAX);
	if (!scratch) {
		return ERR_NOMEM;
	}
	int err = 0;
	for (unsigned i = 0; i < count && !err; i++) {
		err = read_rr(&r, origin, prerequisite, scratch, rrs);
	}
	mem_free(scratch);
	if (err) {
		return err;
	}
	const uint8_t *bytes = buf_data(&rrs->bytes);
	for (size_t i = 0; i < rrs->count; i++) {
		struct update_rr *item = &rrs->items[i];
		item->owner = bytes + item->owner_at;
		item->rdata = bytes + item->rdata_at;
	}
	return 0;
}

/* ---- prerequisites, RFC 2136 3.2 ---- */

static int check_existence(struct zone_txn *txn, const struct update_rr *rr)
{
	bool any = rr->type == DNS_TYPE_ANY;
	bool exists = any ? zone_txn_find(txn, rr->owner) != NULL : zone_txn_rrset(txn, rr->owner, rr->type) != NULL;
	if (rr->dns_class == DNS_CLASS_ANY && !exists) {
		return any ? ERR_NXDOMAIN : ERR_NXRRSET;
	}
	if (rr->dns_class == DNS_CLASS_NONE && exists) {
		return any ? ERR_YXDOMAIN : ERR_YXRRSET;
	}
	return 0;
}

/* By owner and type, then in canonical order of rdata, as RRsets in the zone are. */
static int compare_rrs(const void *pa, const void *pb)
{
	const struct update_rr *a = pa;
	const struct update_rr *b = pb;
	int order = wire_name_compare(a->owner, b->owner);
	if (order) {
		return order;
	}
	if (a->type != b->type) {
		return a->type < b->type ? -1 : 1;
	}
	return wire_rdata_compare(a->type, a->rdata, a->rdata_len, b->rdata, b->rdata_len);
}

static bool same_rrset(const struct update_rr *a, const struct update_rr *b)
{
	return a->type == b->type && wire_name_equal(a->owner, b->owner);
}

/* Is the RRset in the zone exactly the `count` sorted ones (repeated ones count once)? */
static bool rrset_equals(const struct zone_rrset *set, const struct update_rr *items, size_t count)
{
	size_t i = 0;
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (set && zone_rrset_next(set, &offset, &rdata, &len)) {
		if (i == count || wire_rdata_compare(set->type, rdata, len, items[i].rdata, items[i].rdata_len) != 0) {
			return false;
		}
		do {
			i++;
		} while (i < count && compare_rrs(&items[i - 1], &items[i]) == 0);
	}
	return i == count;
}

/* RRsets that have to exist with exactly these records (RFC 2136 2.4.2). The list is sorted by this. */
static int check_values(struct zone_txn *txn, struct update_rr *items, size_t count)
{
	if (count > 0) {
		qsort(items, count, sizeof(*items), compare_rrs);
	}
	for (size_t i = 0; i < count;) {
		size_t n = 1;
		while (i + n < count && same_rrset(&items[i], &items[i + n])) {
			n++;
		}
		if (!rrset_equals(zone_txn_rrset(txn, items[i].owner, items[i].type), &items[i], n)) {
			return ERR_NXRRSET;
		}
		i += n;
	}
	return 0;
}

static int check_prerequisites(struct zone_txn *txn, const struct wire_message *m)
{
	struct update_rrs rrs;
	rrs_init(&rrs);
	size_t value_count = 0;
	int err = read_section(m->answer, m->header.ancount, zone_txn_origin(txn), true, &rrs);
	for (size_t i = 0; i < rrs.count && !err; i++) {
		if (rrs.items[i].dns_class == DNS_CLASS_IN) {
			rrs.items[value_count++] = rrs.items[i];
		} else {
			err = check_existence(txn, &rrs.items[i]);
		}
	}
	if (!err) {
		err = check_values(txn, rrs.items, value_count);
	}
	rrs_done(&rrs);
	return err;
}

/* ---- the zone's SOA ---- */

static bool is_apex(struct zone_txn *txn, const uint8_t *name)
{
	return wire_name_equal(name, zone_txn_origin(txn));
}

/* First record of the RRset, or NULL. */
static const uint8_t *first_rdata(const struct zone_rrset *set, uint16_t *ret_len)
{
	size_t offset = 0;
	const uint8_t *rdata;
	return set && zone_rrset_next(set, &offset, &rdata, ret_len) ? rdata : NULL;
}

static uint32_t soa_serial(const uint8_t *rdata, size_t len)
{
	return bytes_load_u32(rdata + len - SOA_NUMBERS_LEN);
}

/* RFC 1982: is `a` later than `b`? */
static bool serial_greater(uint32_t a, uint32_t b)
{
	return a != b && (uint32_t)(a - b) < 0x80000000U;
}

static int replace_rrset(struct zone_txn *txn, const struct update_rr *rr)
{
	int err = zone_txn_remove_rrset(txn, rr->owner, rr->type);
	return err ? err : zone_txn_add(txn, rr->owner, rr->type, rr->ttl, rr->rdata, rr->rdata_len);
}

/* Serial of the zone's SOA; false without one. */
static bool zone_serial(struct zone_txn *txn, uint32_t *ret_serial)
{
	uint16_t len = 0;
	const uint8_t *rdata = first_rdata(zone_txn_rrset(txn, zone_txn_origin(txn), DNS_TYPE_SOA), &len);
	if (!rdata) {
		return false;
	}
	*ret_serial = soa_serial(rdata, len);
	return true;
}

static int raise_serial(struct zone_txn *txn)
{
	uint8_t soa[2 * DNS_NAME_MAX + SOA_NUMBERS_LEN];
	const struct zone_rrset *set = zone_txn_rrset(txn, zone_txn_origin(txn), DNS_TYPE_SOA);
	uint16_t len = 0;
	const uint8_t *rdata = first_rdata(set, &len);
	memcpy(soa, rdata, len);
	uint32_t serial = soa_serial(soa, len) + 1;
	bytes_store_u32(soa + len - SOA_NUMBERS_LEN, serial ? serial : 1);
	struct update_rr rr = {
	        .owner = zone_txn_origin(txn),
	        .rdata = soa,
	        .ttl = set->ttl,
	        .rdata_len = len,
	        .type = DNS_TYPE_SOA,
	};
	return replace_rrset(txn, &rr);
}

/* ---- updates, RFC 2136 3.4.2 ---- */

/* Types that stand beside a CNAME: they speak of it (RFC 4035 2.5, RFC 3007 for KEY). */
static bool beside_cname(uint16_t type)
{
	return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_KEY || type == DNS_TYPE_SIG;
}

/* Would adding put a CNAME beside other data? Such an RR is ignored silently. */
static bool clashes_with_cname(const struct zone_node *node, uint16_t type)
{
	if (!node || beside_cname(type)) {
		return false;
	}
	if (type != DNS_TYPE_CNAME) {
		return zone_node_rrset(node, DNS_TYPE_CNAME) != NULL;
	}
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		uint16_t other = zone_node_rrset_at(node, i)->type;
		if (other != DNS_TYPE_CNAME && !beside_cname(other)) {
			return true;
		}
	}
	return false;
}

/* A new SOA counts only at the apex and with a later serial. */
static bool soa_is_newer(struct zone_txn *txn, const struct update_rr *rr)
{
	uint32_t serial;
	return is_apex(txn, rr->owner) && zone_serial(txn, &serial) &&
	       serial_greater(soa_serial(rr->rdata, rr->rdata_len), serial);
}

/* Remove the WKS of the same address and protocol, which the new one replaces. */
static int remove_same_wks(struct zone_txn *txn, const struct update_rr *rr)
{
	const struct zone_rrset *set = zone_txn_rrset(txn, rr->owner, TYPE_WKS);
	size_t offset = 0;
	const uint8_t *rdata;
	uint16_t len;
	while (set && zone_rrset_next(set, &offset, &rdata, &len)) {
		if (len >= WKS_KEY_LEN && rr->rdata_len >= WKS_KEY_LEN && memcmp(rdata, rr->rdata, WKS_KEY_LEN) == 0) {
			return zone_txn_remove(txn, rr->owner, TYPE_WKS, rdata, len);
		}
	}
	return 0;
}

static int add_rr(struct zone_txn *txn, const struct update_rr *rr, const struct update_limits *limits)
{
	const struct zone_node *node = zone_txn_find(txn, rr->owner);
	if (clashes_with_cname(node, rr->type) || (rr->type == DNS_TYPE_SOA && !soa_is_newer(txn, rr))) {
		return 0;
	}
	const struct zone_rrset *set = node ? zone_node_rrset(node, rr->type) : NULL;
	if (set && (rr->type == DNS_TYPE_CNAME || rr->type == DNS_TYPE_SOA || rr->type == DNS_TYPE_DNAME)) {
		return replace_rrset(txn, rr);
	}
	if (!set && (node ? zone_node_rrset_count(node) : 0) >= limits->types_per_name) {
		return ERR_REFUSED;
	}
	uint32_t count = set ? set->count : 0;
	if (rr->type == TYPE_WKS) {
		int err = remove_same_wks(txn, rr);
		if (err) {
			return err;
		}
	}
	int err = zone_txn_add(txn, rr->owner, rr->type, rr->ttl, rr->rdata, rr->rdata_len);
	if (err) {
		return err == ERR_LIMIT ? ERR_REFUSED : err;
	}
	set = zone_txn_rrset(txn, rr->owner, rr->type);
	return set && set->count > count && set->count > limits->records_per_rrset ? ERR_REFUSED : 0;
}

/* "Delete all RRsets from a name": the apex keeps SOA and NS. */
static int delete_name(struct zone_txn *txn, const uint8_t *owner)
{
	if (!is_apex(txn, owner)) {
		return zone_txn_remove_name(txn, owner);
	}
	for (size_t i = 0;;) {
		const struct zone_node *node = zone_txn_find(txn, owner);
		if (!node || i >= zone_node_rrset_count(node)) {
			return 0;
		}
		uint16_t type = zone_node_rrset_at(node, i)->type;
		if (type == DNS_TYPE_SOA || type == DNS_TYPE_NS) {
			i++;
			continue;
		}
		int err = zone_txn_remove_rrset(txn, owner, type);
		if (err) {
			return err;
		}
	}
}

static int delete_rrset(struct zone_txn *txn, const struct update_rr *rr)
{
	if (is_apex(txn, rr->owner) && (rr->type == DNS_TYPE_SOA || rr->type == DNS_TYPE_NS)) {
		return 0;
	}
	return zone_txn_remove_rrset(txn, rr->owner, rr->type);
}

static int delete_rr(struct zone_txn *txn, const struct update_rr *rr)
{
	if (rr->type == DNS_TYPE_SOA) {
		return 0;
	}
	if (rr->type == DNS_TYPE_NS && is_apex(txn, rr->owner)) {
		const struct zone_rrset *set = zone_txn_rrset(txn, rr->owner, rr->type);
		if (set && set->count == 1) {
			return 0;
		}
	}
	return zone_txn_remove(txn, rr->owner, rr->type, rr->rdata, rr->rdata_len);
}

static int apply_rr(struct zone_txn *txn, const struct update_rr *rr, const struct update_limits *limits)
{
	switch (rr->dns_class) {
	case DNS_CLASS_IN:
		return add_rr(txn, rr, limits);
	case DNS_CLASS_ANY:
		return rr->type == DNS_TYPE_ANY ? delete_name(txn, rr->owner) : delete_rrset(txn, rr);
	default:
		return delete_rr(txn, rr);
	}
}

int update_apply(struct zone_txn *txn, const struct wire_message *m, const struct update_limits *limits,
                 bool *ret_changed)
{
	int err = check_prerequisites(txn, m);
	if (err) {
		return err;
	}
	uint32_t before = 0;
	bool has_soa = zone_serial(txn, &before);

	struct update_rrs rrs;
	rrs_init(&rrs);
	err = read_section(m->authority, m->header.nscount, zone_txn_origin(txn), false, &rrs);
	for (size_t i = 0; i < rrs.count && !err; i++) {
		err = apply_rr(txn, &rrs.items[i], limits);
	}
	rrs_done(&rrs);
	if (err) {
		return err;
	}
	bool changed = zone_txn_changed(txn);
	uint32_t after = before;
	if (changed && has_soa && zone_serial(txn, &after) && after == before) {
		err = raise_serial(txn);
		if (err) {
			return err;
		}
	}
	*ret_changed = changed;
	return 0;
}
