#include "wire/rdata.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "wire/dns.h"
#include "wire/svcb.h"

#define F(field) WIRE_FIELD_##field

/*
 * The IANA RR TYPE registry, indexed by type. A line without fields is a type
 * that has a name but no rdata of its own: for the rest of the code it is opaque.
 */
static const struct wire_rdata_layout registry[] = {
        [1] = {1, "A", {F(IPV4)}},
        [2] = {2, "NS", {F(NAME)}},
        [3] = {3, "MD", {F(NAME)}},
        [4] = {4, "MF", {F(NAME)}},
        [5] = {5, "CNAME", {F(NAME)}},
        [6] = {6, "SOA", {F(NAME), F(NAME), F(U32), F(TTL), F(TTL), F(TTL), F(TTL)}},
        [7] = {7, "MB", {F(NAME)}},
        [8] = {8, "MG", {F(NAME)}},
        [9] = {9, "MR", {F(NAME)}},
        [10] = {10, "NULL", {F(OPAQUE)}},
        [11] = {11, "WKS", {F(IPV4), F(WKS)}},
        [12] = {12, "PTR", {F(NAME)}},
        [13] = {13, "HINFO", {F(STRING), F(STRING)}},
        [14] = {14, "MINFO", {F(NAME), F(NAME)}},
        [15] = {15, "MX", {F(U16), F(NAME)}},
        [16] = {16, "TXT", {F(STRINGS)}},
        [17] = {17, "RP", {F(NAME), F(NAME)}},
        [18] = {18, "AFSDB", {F(U16), F(NAME)}},
        [19] = {19, "X25", {F(X25)}},
        [20] = {20, "ISDN", {F(STRING), F(STRING_OPTIONAL)}},
        [21] = {21, "RT", {F(U16), F(NAME)}},
        [22] = {22, "NSAP", {F(NSAP)}},
        [23] = {23, "NSAP-PTR", {F(NAME)}},
        [24] = {24, "SIG", {F(TYPE), F(ALGORITHM), F(U8), F(TTL), F(TIME), F(TIME), F(U16), F(NAME), F(BASE64)}},
        [25] = {25, "KEY", {F(U16), F(U8), F(ALGORITHM), F(BASE64_ANY)}},
        [26] = {26, "PX", {F(U16), F(NAME), F(NAME)}},
        [27] = {27, "GPOS", {F(STRING), F(STRING), F(STRING)}},
        [28] = {28, "AAAA", {F(IPV6)}},
        [29] = {29, "LOC", {F(LOC)}},
        [30] = {30, "NXT", {F(NAME), F(NXT)}},
        [31] = {31, "EID", {F(HEX)}},
        [32] = {32, "NIMLOC", {F(HEX)}},
        [33] = {33, "SRV", {F(U16), F(U16), F(U16), F(NAME)}},
        [34] = {34, "ATMA", {F(ATMA)}},
        [35] = {35, "NAPTR", {F(U16), F(U16), F(STRING), F(STRING), F(STRING), F(NAME)}},
        [36] = {36, "KX", {F(U16), F(NAME)}},
        [37] = {37, "CERT", {F(CERT_TYPE), F(U16), F(ALGORITHM), F(BASE64)}},
        [38] = {38, "A6", {F(A6)}},
        [39] = {39, "DNAME", {F(NAME)}},
        [40] = {40, "SINK", {F(U8), F(U8), F(U8), F(BASE64_ANY)}},
        [41] = {41, "OPT", {F(OPTIONS)}},
        [42] = {42, "APL", {F(APL)}},
        [43] = {43, "DS", {F(U16), F(ALGORITHM), F(U8), F(HEX)}},
        [44] = {44, "SSHFP", {F(U8), F(U8), F(HEX)}},
        [45] = {45, "IPSECKEY", {F(U8), F(IPSECKEY), F(BASE64_ANY)}},
        [46] = {46, "RRSIG", {F(TYPE), F(ALGORITHM), F(U8), F(TTL), F(TIME), F(TIME), F(U16), F(NAME), F(BASE64)}},
        [47] = {47, "NSEC", {F(NAME), F(BITMAP)}},
        [48] = {48, "DNSKEY", {F(U16), F(U8), F(ALGORITHM), F(BASE64)}},
        [49] = {49, "DHCID", {F(BASE64)}},
        [50] = {50, "NSEC3", {F(U8), F(U8), F(U16), F(HEX_U8), F(BASE32_U8), F(BITMAP)}},
        [51] = {51, "NSEC3PARAM", {F(U8), F(U8), F(U16), F(HEX_U8)}},
        [52] = {52, "TLSA", {F(U8), F(U8), F(U8), F(HEX)}},
        [53] = {53, "SMIMEA", {F(U8), F(U8), F(U8), F(HEX)}},
        [55] = {55, "HIP", {F(HIP)}},
        [56] = {56, "NINFO", {F(STRINGS)}},
        [57] = {57, "RKEY", {F(U16), F(U8), F(ALGORITHM), F(BASE64)}},
        [58] = {58, "TALINK", {F(NAME), F(NAME)}},
        [59] = {59, "CDS", {F(U16), F(ALGORITHM), F(U8), F(HEX)}},
        [60] = {60, "CDNSKEY", {F(U16), F(U8), F(ALGORITHM), F(BASE64)}},
        [61] = {61, "OPENPGPKEY", {F(BASE64)}},
        [62] = {62, "CSYNC", {F(U32), F(U16), F(BITMAP)}},
        [63] = {63, "ZONEMD", {F(U32), F(U8), F(U8), F(HEX)}},
        [64] = {64, "SVCB", {F(U16), F(NAME), F(SVCPARAMS)}},
        [65] = {65, "HTTPS", {F(U16), F(NAME), F(SVCPARAMS)}},
        [66] = {66, "DSYNC", {F(TYPE), F(SCHEME), F(U16), F(NAME)}},
        [67] = {67, "HHIT", {F(BASE64)}},
        [68] = {68, "BRID", {F(BASE64)}},
        [99] = {99, "SPF", {F(STRINGS)}},
        [100] = {100, "UINFO", {F(END)}},
        [101] = {101, "UID", {F(END)}},
        [102] = {102, "GID", {F(END)}},
        [103] = {103, "UNSPEC", {F(END)}},
        [104] = {104, "NID", {F(U16), F(ILNP64)}},
        [105] = {105, "L32", {F(U16), F(IPV4)}},
        [106] = {106, "L64", {F(U16), F(ILNP64)}},
        [107] = {107, "LP", {F(U16), F(NAME)}},
        [108] = {108, "EUI48", {F(EUI48)}},
        [109] = {109, "EUI64", {F(EUI64)}},
        [128] = {128, "NXNAME", {F(END)}},
        [249] = {249, "TKEY", {F(NAME), F(TIME), F(TIME), F(U16), F(U16), F(BASE64_U16), F(HEX_U16)}},
        [250] = {250, "TSIG", {F(NAME), F(U48), F(U16), F(BASE64_U16), F(U16), F(U16), F(HEX_U16)}},
        [251] = {251, "IXFR", {F(END)}},
        [252] = {252, "AXFR", {F(END)}},
        [253] = {253, "MAILB", {F(END)}},
        [254] = {254, "MAILA", {F(END)}},
        [255] = {255, "ANY", {F(END)}},
        [256] = {256, "URI", {F(U16), F(U16), F(URI)}},
        [257] = {257, "CAA", {F(U8), F(TAG), F(TEXT)}},
        [258] = {258, "AVC", {F(STRINGS)}},
        [259] = {259, "DOA", {F(U32), F(U32), F(U8), F(STRING), F(BASE64_DASH)}},
        [260] = {260, "AMTRELAY", {F(U8), F(AMTRELAY)}},
        [261] = {261, "RESINFO", {F(STRINGS)}},
        [262] = {262, "WALLET", {F(STRINGS)}},
        [263] = {263, "CLA", {F(STRINGS)}},
        [264] = {264, "IPN", {F(U64)}},
};

/* The few names far away from the others. */
static const struct wire_rdata_layout registry_far[] = {
        {32768, "TA", {F(U16), F(ALGORITHM), F(U8), F(HEX)}},
        {32769, "DLV", {F(U16), F(ALGORITHM), F(U8), F(HEX)}},
};

enum {
	REGISTRY_COUNT = sizeof(registry) / sizeof(registry[0]),
	REGISTRY_FAR_FIRST = 32768,
	REGISTRY_FAR_COUNT = sizeof(registry_far) / sizeof(registry_far[0]),
};

/* Bytes of the fields whose length never varies. */
static const uint8_t fixed_len[] = {
        [F(U8)] = 1,        [F(U16)] = 2,    [F(U32)] = 4,    [F(U48)] = 6,       [F(U64)] = 8,   [F(TTL)] = 4,
        [F(TIME)] = 4,      [F(TYPE)] = 2,   [F(IPV4)] = 4,   [F(IPV6)] = 16,     [F(EUI48)] = 6, [F(EUI64)] = 8,
        [F(CERT_TYPE)] = 2, [F(ILNP64)] = 8, [F(SCHEME)] = 1, [F(ALGORITHM)] = 1,
};

static const struct wire_rdata_layout *registry_line(uint16_t type)
{
	if (type < REGISTRY_COUNT) {
		return registry[type].mnemonic ? &registry[type] : NULL;
	}
	if (type >= REGISTRY_FAR_FIRST && type - REGISTRY_FAR_FIRST < REGISTRY_FAR_COUNT) {
		return &registry_far[type - REGISTRY_FAR_FIRST];
	}
	return NULL;
}

const char *wire_type_mnemonic(uint16_t type)
{
	const struct wire_rdata_layout *line = registry_line(type);
	return line ? line->mnemonic : NULL;
}

static bool is_mnemonic(const struct wire_rdata_layout *line, const char *text, size_t len)
{
	return line->mnemonic && strncasecmp(line->mnemonic, text, len) == 0 && line->mnemonic[len] == '\0';
}

int wire_type_by_mnemonic(const char *text, size_t len, uint16_t *ret_type)
{
	if (len == 0 || memchr(text, '\0', len)) {
		return ERR_NOT_FOUND;
	}
	for (size_t i = 0; i < REGISTRY_COUNT; i++) {
		if (is_mnemonic(&registry[i], text, len)) {
			*ret_type = (uint16_t)i;
			return 0;
		}
	}
	for (size_t i = 0; i < REGISTRY_FAR_COUNT; i++) {
		if (is_mnemonic(&registry_far[i], text, len)) {
			*ret_type = registry_far[i].type;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

const struct wire_rdata_layout *wire_rdata_layout(uint16_t type)
{
	const struct wire_rdata_layout *line = registry_line(type);
	return line && line->fields[0] != F(END) ? line : NULL;
}

bool wire_rdata_compressible(uint16_t type, enum wire_compress mode)
{
	/* NS MD MF CNAME SOA MB MG MR PTR MINFO MX */
	static const uint64_t standard = 1ull << 2 | 1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 | 1ull << 7 |
	                                 1ull << 8 | 1ull << 9 | 1ull << 12 | 1ull << 14 | 1ull << 15;
	/* NS CNAME SOA PTR MX RP AFSDB RT PX SRV KX DNAME NSEC */
	static const uint64_t push = 1ull << 2 | 1ull << 5 | 1ull << 6 | 1ull << 12 | 1ull << 15 | 1ull << 17 |
	                             1ull << 18 | 1ull << 21 | 1ull << 26 | 1ull << 33 | 1ull << 36 | 1ull << 39 |
	                             1ull << 47;

	if (type > 63 || mode == WIRE_COMPRESS_NONE) {
		return false;
	}
	return (mode == WIRE_COMPRESS_PUSH ? push : standard) >> type & 1;
}

bool wire_type_is_meta(uint16_t type)
{
	return type == 0 || type == DNS_TYPE_OPT || (type >= DNS_TYPE_TKEY && type <= DNS_TYPE_ANY);
}

/* One pass over rdata: checks it and hands on its parts. */
struct walk {
	struct bytes_reader *r;
	enum wire_name_pointers pointers;
	wire_rdata_part_fn each; /* NULL: only check */
	void *context;
	const uint8_t *plain; /* start of the bytes not handed on yet */
};

/* Hand on what was read since the last part. */
static int walk_flush(struct walk *w)
{
	size_t len = (size_t)(w->r->pos - w->plain);
	if (!w->each || len == 0) {
		return 0;
	}
	return w->each(w->context, false, w->plain, len);
}

static int walk_name(struct walk *w)
{
	int err = walk_flush(w);
	if (err) {
		return err;
	}
	struct wire_name name;
	const uint8_t *start = w->r->pos;
	err = wire_name_read(w->r, w->pointers, &name);
	if (err) {
		return err;
	}
	w->plain = w->r->pos;
	if (!w->each) {
		return 0;
	}
	return w->each(w->context, true, w->pointers == WIRE_NAME_PLAIN ? start : name.data, name.len);
}

/* The rest of the rdata. */
static const uint8_t *take_rest(struct bytes_reader *r, size_t *ret_len)
{
	*ret_len = bytes_left(r);
	return bytes_take(r, *ret_len);
}

static int check_strings(struct bytes_reader *r)
{
	do {
		bytes_take(r, bytes_u8(r));
	} while (!r->failed && bytes_left(r) > 0);
	return 0;
}

/* At least `min` digits, or letters and digits. */
static int check_characters(struct bytes_reader *r, size_t min, bool letters)
{
	size_t len = bytes_u8(r);
	const uint8_t *p = bytes_take(r, len);
	if (!p) {
		return ERR_TRUNCATED;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t lower = p[i] | 0x20;
		bool digit = p[i] >= '0' && p[i] <= '9';
		if (!digit && !(letters && lower >= 'a' && lower <= 'z')) {
			return ERR_RDATA;
		}
	}
	return len < min ? ERR_RDATA : 0;
}

/* RFC 4034 4.1.2: windows ascending, 1 to 32 bytes each, no zero byte at the end of one. */
static int check_bitmap(struct bytes_reader *r)
{
	int last = -1;
	while (bytes_left(r) > 0) {
		int window = bytes_u8(r);
		size_t len = bytes_u8(r);
		const uint8_t *p = bytes_take(r, len);
		if (!p) {
			return ERR_TRUNCATED;
		}
		if (window <= last || len == 0 || len > 32 || p[len - 1] == 0) {
			return ERR_RDATA;
		}
		last = window;
	}
	return 0;
}

/* RFC 2535 5.2: bit 0 must be clear, or it is a format nobody defined. */
static int check_nxt(struct bytes_reader *r)
{
	size_t len;
	const uint8_t *p = take_rest(r, &len);
	if (!p || len == 0) {
		return 0;
	}
	return (p[0] & 0x80) != 0 || len > 16 || p[len - 1] == 0 ? ERR_RDATA : 0;
}

/* One of the three sizes of LOC: mantissa and power of ten, both digits. */
static bool loc_size_ok(uint8_t size)
{
	return size >> 4 <= 9 && (size & 15) <= 9;
}

static int check_loc(struct bytes_reader *r)
{
	const uint32_t equator = 1u << 31;
	const uint32_t degree = 3600 * 1000;

	if (bytes_u8(r) != 0 && !r->failed) {
		size_t len;
		take_rest(r, &len); /* another version, of unknown form */
		return 0;
	}
	uint8_t size = bytes_u8(r);
	uint8_t horizontal = bytes_u8(r);
	uint8_t vertical = bytes_u8(r);
	uint32_t latitude = bytes_u32(r);
	uint32_t longitude = bytes_u32(r);
	bytes_u32(r);
	if (r->failed) {
		return ERR_TRUNCATED;
	}
	if (!loc_size_ok(size) || !loc_size_ok(horizontal) || !loc_size_ok(vertical)) {
		return ERR_RDATA;
	}
	if (latitude < equator - 90 * degree || latitude > equator + 90 * degree) {
		return ERR_RDATA;
	}
	return longitude < equator - 180 * degree || longitude > equator + 180 * degree ? ERR_RDATA : 0;
}

static int check_apl(struct bytes_reader *r)
{
	while (bytes_left(r) > 0) {
		uint16_t family = bytes_u16(r);
		uint8_t prefix = bytes_u8(r);
		size_t len = bytes_u8(r) & 0x7f;
		const uint8_t *p = bytes_take(r, len);
		if (!p) {
			return ERR_TRUNCATED;
		}
		if (len > 0 && p[len - 1] == 0) {
			return ERR_RDATA; /* RFC 3123 4: trailing zero octets MUST be left out */
		}
		if ((family == 1 && (prefix > 32 || len > 4)) || (family == 2 && (prefix > 128 || len > 16))) {
			return ERR_RDATA;
		}
	}
	return 0;
}

static int check_wks(struct bytes_reader *r)
{
	size_t len;
	bytes_u8(r);
	take_rest(r, &len);
	return len > 65536 / 8 ? ERR_RDATA : 0;
}

static int check_options(struct bytes_reader *r)
{
	while (bytes_left(r) > 0) {
		bytes_u16(r);
		bytes_take(r, bytes_u16(r));
	}
	return 0;
}

/* Format 1 is a telephone number in digits, the others are bytes. */
static int check_atma(struct bytes_reader *r)
{
	uint8_t format = bytes_u8(r);
	size_t len;
	const uint8_t *p = take_rest(r, &len);
	if (!p || len == 0) {
		return ERR_TRUNCATED;
	}
	for (size_t i = 0; format == 1 && i < len; i++) {
		if (p[i] < '0' || p[i] > '9') {
			return ERR_RDATA;
		}
	}
	return 0;
}

/* The address or name of IPSECKEY and AMTRELAY, the same four kinds in both. */
static int walk_gateway(struct walk *w, uint8_t kind)
{
	switch (kind) {
	case 0:
		return 0;
	case 1:
		bytes_take(w->r, 4);
		return 0;
	case 2:
		bytes_take(w->r, 16);
		return 0;
	case 3:
		return walk_name(w);
	default:
		return ERR_RDATA;
	}
}

static int walk_ipseckey(struct walk *w)
{
	uint8_t kind = bytes_u8(w->r);
	bytes_u8(w->r);
	return walk_gateway(w, kind);
}

static int walk_amtrelay(struct walk *w)
{
	uint8_t kind = bytes_u8(w->r) & 0x7f;
	if (kind > 3) {
		size_t len;
		take_rest(w->r, &len); /* RFC 8777 4.2.3: an unassigned kind, of unknown form */
		return 0;
	}
	return walk_gateway(w, kind);
}

/* RFC 8005 5: lengths first, then tag and key, then servers to the end. */
static int walk_hip(struct walk *w)
{
	size_t hit_len = bytes_u8(w->r);
	bytes_u8(w->r);
	size_t key_len = bytes_u16(w->r);
	bytes_take(w->r, hit_len);
	bytes_take(w->r, key_len);
	if (w->r->failed) {
		return ERR_TRUNCATED;
	}
	if (hit_len == 0 || key_len == 0) {
		return ERR_RDATA;
	}
	while (bytes_left(w->r) > 0) {
		int err = walk_name(w);
		if (err) {
			return err;
		}
	}
	return 0;
}

/* RFC 2874 3.1: only the bytes of the address behind the prefix; the bits in front of it are zero. */
static int walk_a6(struct walk *w)
{
	unsigned prefix = bytes_u8(w->r);
	if (prefix > 128) {
		return ERR_RDATA;
	}
	const uint8_t *suffix = bytes_take(w->r, (128 - prefix + 7) / 8);
	if (!suffix) {
		return ERR_TRUNCATED;
	}
	if (prefix % 8 != 0 && suffix[0] >> (8 - prefix % 8) != 0) {
		return ERR_RDATA;
	}
	return prefix > 0 ? walk_name(w) : 0;
}

/* Fields that take all that is left. */
static int walk_rest(struct walk *w, enum wire_field field)
{
	size_t len;
	take_rest(w->r, &len);
	if (len > 0) {
		return 0;
	}
	switch (field) {
	case WIRE_FIELD_BASE64:
	case WIRE_FIELD_HEX:
	case WIRE_FIELD_NSAP:
	case WIRE_FIELD_URI:
		return ERR_TRUNCATED;
	default:
		return 0;
	}
}

static int walk_field(struct walk *w, enum wire_field field)
{
	struct bytes_reader *r = w->r;
	size_t hash_len;

	switch (field) {
	case WIRE_FIELD_NAME:
		return walk_name(w);
	case WIRE_FIELD_STRING:
	case WIRE_FIELD_HEX_U8:
		bytes_take(r, bytes_u8(r));
		return 0;
	case WIRE_FIELD_STRING_OPTIONAL:
		bytes_take(r, bytes_left(r) > 0 ? bytes_u8(r) : 0);
		return 0;
	case WIRE_FIELD_BASE32_U8:
		hash_len = bytes_u8(r);
		bytes_take(r, hash_len);
		return hash_len == 0 ? ERR_RDATA : 0;
	case WIRE_FIELD_BASE64_U16:
	case WIRE_FIELD_HEX_U16:
		bytes_take(r, bytes_u16(r));
		return 0;
	case WIRE_FIELD_STRINGS:
		return check_strings(r);
	case WIRE_FIELD_TAG:
		return check_characters(r, 1, true);
	case WIRE_FIELD_X25:
		return check_characters(r, 4, false); /* RFC 1183 3.1: at least the country code */
	case WIRE_FIELD_BITMAP:
		return check_bitmap(r);
	case WIRE_FIELD_NXT:
		return check_nxt(r);
	case WIRE_FIELD_LOC:
		return check_loc(r);
	case WIRE_FIELD_APL:
		return check_apl(r);
	case WIRE_FIELD_WKS:
		return check_wks(r);
	case WIRE_FIELD_ATMA:
		return check_atma(r);
	case WIRE_FIELD_OPTIONS:
		return check_options(r);
	case WIRE_FIELD_SVCPARAMS:
		return wire_svcb_check(r);
	case WIRE_FIELD_IPSECKEY:
		return walk_ipseckey(w);
	case WIRE_FIELD_AMTRELAY:
		return walk_amtrelay(w);
	case WIRE_FIELD_HIP:
		return walk_hip(w);
	case WIRE_FIELD_A6:
		return walk_a6(w);
	default:
		return walk_rest(w, field);
	}
}

/* Known digests have known lengths; `skip` bytes and the kind stand in front. */
static int check_digest(struct bytes_reader r, size_t skip, const uint8_t *lengths, size_t count)
{
	bytes_take(&r, skip);
	size_t kind = bytes_u8(&r);
	return kind < count && lengths[kind] != 0 && bytes_left(&r) != lengths[kind] ? ERR_RDATA : 0;
}

/* RFC 2535 3.1.2: there is no key if and only if both type bits of the flags are set. */
static int check_key(struct bytes_reader r)
{
	bool no_key = (bytes_u16(&r) & 0xc000) == 0xc000;
	bytes_u16(&r);
	return no_key == (bytes_left(&r) > 0) ? ERR_RDATA : 0;
}

/* What a single field does not show. `start` stands before the whole rdata. */
static int check_type(uint16_t type, struct bytes_reader start)
{
	static const uint8_t ds[] = {0, 20, 32, 32, 48}; /* SHA-1, SHA-256, GOST, SHA-384 */
	static const uint8_t sshfp[] = {0, 20, 32};      /* SHA-1, SHA-256 */
	static const uint8_t zonemd[] = {0, 48, 64};     /* SHA-384, SHA-512 */

	switch (type) {
	case DNS_TYPE_KEY:
		return check_key(start);
	case DNS_TYPE_DS:
	case 59:    /* CDS */
	case 32768: /* TA */
	case 32769: /* DLV */
		return check_digest(start, 3, ds, sizeof(ds));
	case 44: /* SSHFP */
		return check_digest(start, 1, sshfp, sizeof(sshfp));
	case 63: /* ZONEMD */
		/* RFC 8976 2.2.4: a digest shorter than 12 octets MUST be rejected. */
		return bytes_left(&start) < 6 + 12 ? ERR_RDATA : check_digest(start, 5, zonemd, sizeof(zonemd));
	default:
		return 0;
	}
}

/* The whole rdata, to the end of the reader. */
static int walk_rdata(struct walk *w, uint16_t type)
{
	static const struct wire_rdata_layout opaque = {0, NULL, {F(OPAQUE)}};
	const struct wire_rdata_layout *layout = wire_rdata_layout(type);
	const struct bytes_reader start = *w->r;

	if (start.failed) {
		return ERR_TRUNCATED;
	}
	layout = layout ? layout : &opaque;
	for (const uint8_t *field = layout->fields; *field != F(END); field++) {
		int err = 0;
		if (*field < sizeof(fixed_len) && fixed_len[*field] > 0) {
			bytes_take(w->r, fixed_len[*field]);
		} else {
			err = walk_field(w, (enum wire_field) * field);
		}
		if (w->r->failed && (err == 0 || err == ERR_RDATA)) {
			return ERR_TRUNCATED;
		}
		if (err) {
			return err;
		}
	}
	if (!bytes_complete(w->r)) {
		return ERR_TRAILING;
	}
	int err = check_type(type, start);
	return err ? err : walk_flush(w);
}

static int append_part(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	(void)is_name;
	struct bytes_writer *out = context;
	bytes_put(out, bytes, len);
	return out->failed ? ERR_SPACE : 0;
}

int wire_rdata_read(struct bytes_reader *r, uint16_t type, struct bytes_writer *out)
{
	const struct bytes_writer before = *out;
	struct walk w = {r, WIRE_NAME_COMPRESSED, append_part, out, r->pos};

	int err = out->failed ? ERR_SPACE : walk_rdata(&w, type);
	if (!err && out->len - before.len > UINT16_MAX) {
		err = ERR_RDATA; /* only names that were compressed can get it there */
	}
	if (err) {
		*out = before;
	}
	return err;
}

int wire_rdata_check(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct bytes_reader r;
	bytes_reader_init(&r, rdata, len);
	struct walk w = {&r, WIRE_NAME_PLAIN, NULL, NULL, r.pos};

	int err = len > UINT16_MAX ? ERR_RDATA : walk_rdata(&w, type);
	return err == ERR_TRUNCATED || err == ERR_TRAILING ? ERR_RDATA : err;
}

int wire_rdata_parts(uint16_t type, const uint8_t *rdata, size_t len, wire_rdata_part_fn each, void *context)
{
	struct bytes_reader r;
	bytes_reader_init(&r, rdata, len);
	struct walk w = {&r, WIRE_NAME_PLAIN, each, context, r.pos};

	return walk_rdata(&w, type);
}

/* The other side of a comparison, and its outcome. */
struct comparison {
	const uint8_t *b;
	size_t b_len;
	int result;
};

static int fold(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/*
 * Compare one part of `a` with the same stretch of `b`. As long as nothing
 * differed, `b` has a name exactly where `a` has one.
 */
static int compare_part(void *context, bool is_name, const uint8_t *bytes, size_t len)
{
	struct comparison *c = context;
	size_t common = len < c->b_len ? len : c->b_len;

	if (!is_name && common > 0) {
		c->result = memcmp(bytes, c->b, common);
	}
	for (size_t i = 0; is_name && i < common && c->result == 0; i++) {
		c->result = fold(bytes[i]) - fold(c->b[i]);
	}
	if (c->result == 0 && common < len) {
		c->result = 1;
	}
	if (common > 0) {
		c->b += common;
		c->b_len -= common;
	}
	return c->result;
}

/* True if no field of the layout can hold a name. */
static bool is_plain(const struct wire_rdata_layout *layout)
{
	for (const uint8_t *field = layout->fields; *field != F(END); field++) {
		if (*field == F(NAME) || *field == F(IPSECKEY) || *field == F(AMTRELAY) || *field == F(HIP) ||
		    *field == F(A6)) {
			return false;
		}
	}
	return true;
}

int wire_rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	const struct wire_rdata_layout *layout = wire_rdata_layout(type);
	struct comparison c = {b, b_len, 0};

	if (!layout || is_plain(layout)) {
		compare_part(&c, false, a, a_len);
	} else {
		wire_rdata_parts(type, a, a_len, compare_part, &c);
	}
	if (c.result == 0 && c.b_len > 0) {
		c.result = -1;
	}
	return c.result;
}
