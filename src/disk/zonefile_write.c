#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "disk/zonefile_private.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "wire/text.h"

/* Text on its way to a descriptor. */
struct output {
	int fd;
	int err; /* the first failure */
	size_t len;
	char data[64 << 10];
	char rdata[WIRE_RDATA_TEXT_MAX];
};

static void flush(struct output *o)
{
	for (size_t done = 0; done < o->len && !o->err;) {
		ssize_t n = write(o->fd, o->data + done, o->len - done);
		if (n < 0 && errno != EINTR) {
			o->err = ERR_SYSTEM;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	o->len = 0;
}

static void put(struct output *o, const char *text, size_t len)
{
	while (len > 0 && !o->err) {
		size_t part = sizeof(o->data) - o->len;
		part = part < len ? part : len;
		memcpy(o->data + o->len, text, part);
		o->len += part;
		text += part;
		len -= part;
		if (o->len == sizeof(o->data)) {
			flush(o);
		}
	}
}

/* Types whose mnemonic and text every widespread reader of master files knows, ours included. */
static bool is_common(uint16_t type)
{
	static const char *const common[] = {
	        "A",        "NS",         "CNAME",  "SOA",     "PTR",   "HINFO",      "MINFO",  "MX",
	        "TXT",      "RP",         "AFSDB",  "RT",      "KEY",   "AAAA",       "LOC",    "SRV",
	        "NAPTR",    "KX",         "CERT",   "DNAME",   "APL",   "DS",         "SSHFP",  "NSEC",
	        "IPSECKEY", "RRSIG",      "DNSKEY", "DHCID",   "NSEC3", "TLSA",       "SMIMEA", "CDS",
	        "ZONEMD",   "NSEC3PARAM", "CSYNC",  "CDNSKEY", "SVCB",  "OPENPGPKEY", "HTTPS",  "SPF",
	        "NID",      "L32",        "L64",    "LP",      "EUI48", "EUI64",      "URI",    "CAA"};
	const char *mnemonic = wire_type_mnemonic(type);
	for (size_t i = 0; mnemonic && i < sizeof(common) / sizeof(common[0]); i++) {
		if (strcmp(mnemonic, common[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Does rdata text name a type that others may not know (the bit maps of NSEC and its like, RRSIG)? */
static bool names_rare_type(const char *text)
{
	for (const char *word = text; *word;) {
		uint16_t type;
		size_t len = strcspn(word, " ");
		if (wire_type_by_mnemonic(word, len, &type) == 0 && !is_common(type)) {
			return true;
		}
		word += len + (word[len] == ' ');
	}
	return false;
}

/* An NSEC3 hash that is no whole number of base32 groups, which some readers ask for (SHA-1 is: 20 bytes). */
static bool has_odd_hash(const uint8_t *rdata, size_t len)
{
	size_t at = len > 4 ? 5u + rdata[4] : len;
	return at < len && rdata[at] % 5 != 0;
}

/* The form of RFC 3597 5. */
static void put_generic(struct output *o, const uint8_t *rdata, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char head[32];
	put(o, head, (size_t)snprintf(head, sizeof(head), "\\# %zu%s", len, len ? " " : ""));
	for (size_t i = 0; i < len; i++) {
		char pair[2] = {digits[rdata[i] >> 4], digits[rdata[i] & 15]};
		put(o, pair, sizeof(pair));
	}
}

static void put_record(struct output *o, const char *owner, const struct zone_rrset *set, const uint8_t *rdata,
                       uint16_t len)
{
	char type[WIRE_TYPE_TEXT_MAX];
	char ttl[32];
	bool common = is_common(set->type);
	put(o, owner, strlen(owner));
	put(o, ttl, (size_t)snprintf(ttl, sizeof(ttl), "\t%u\tIN\t", set->ttl));
	if (common) {
		wire_type_to_text(set->type, type);
	} else {
		snprintf(type, sizeof(type), "TYPE%u", set->type);
	}
	put(o, type, strlen(type));
	put(o, "\t", 1);
	int text_len = common ? wire_rdata_to_text(set->type, rdata, len, o->rdata, sizeof(o->rdata)) : ERR_INVALID;
	bool has_types = set->type == DNS_TYPE_NSEC || set->type == DNS_TYPE_NSEC3 || set->type == DNS_TYPE_RRSIG ||
	                 strcmp(type, "CSYNC") == 0;
	if (text_len < 0 || (has_types && names_rare_type(o->rdata)) ||
	    (set->type == DNS_TYPE_NSEC3 && has_odd_hash(rdata, len))) {
		put_generic(o, rdata, len);
	} else {
		put(o, o->rdata, (size_t)text_len);
	}
	put(o, "\n", 1);
}

static void put_rrset(struct output *o, const uint8_t *owner, const struct zone_rrset *set)
{
	char text[WIRE_NAME_TEXT_MAX];
	const uint8_t *rdata;
	uint16_t len;
	wire_name_to_text(owner, text, sizeof(text));
	for (size_t offset = 0; zone_rrset_next(set, &offset, &rdata, &len);) {
		put_record(o, text, set, rdata, len);
	}
}

int zonefile_write_fd(int fd, const struct zone_snapshot *s)
{
	struct output *o = mem_alloc(sizeof(*o));
	struct zone_iterator *walk = zone_iterate(s, NULL);
	int err = ERR_NOMEM;
	if (o && walk) {
		const struct zone_node *apex = zone_snapshot_apex(s);
		const struct zone_rrset *soa = apex ? zone_node_rrset(apex, DNS_TYPE_SOA) : NULL;
		o->fd = fd;
		o->err = 0;
		o->len = 0;
		/* The SOA comes first: some readers want it so. */
		if (soa) {
			put_rrset(o, zone_node_name(apex), soa);
		}
		for (const struct zone_node *node; (node = zone_iterator_next(walk)) && !o->err;) {
			for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
				const struct zone_rrset *set = zone_node_rrset_at(node, i);
				if (set != soa) {
					put_rrset(o, zone_node_name(node), set);
				}
			}
		}
		flush(o);
		err = o->err;
	}
	zone_iterator_free(walk);
	mem_free(o);
	return err;
}

/* Open the folder that a path is in, for fsync. A descriptor, ERR_SYSTEM or ERR_NOMEM. */
static int open_folder(const char *path)
{
	char *copy = mem_strdup(path);
	if (!copy) {
		return ERR_NOMEM;
	}
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mem_free(copy);
	return fd < 0 ? ERR_SYSTEM : fd;
}

/* Write a file that is not there yet and make it last. */
static int write_fresh(const char *path, const struct zone_snapshot *s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		return ERR_SYSTEM;
	}
	int err = zonefile_write_fd(fd, s);
	if (!err && fsync(fd)) {
		err = ERR_SYSTEM;
	}
	int saved = errno;
	if (close(fd) && !err) {
		return ERR_SYSTEM;
	}
	errno = saved;
	return err;
}

int zonefile_write(const char *path, const struct zone_snapshot *s)
{
	static const char suffix[] = ".new";
	size_t len = strlen(path);
	int folder = open_folder(path);
	if (folder < 0) {
		return folder;
	}
	char *fresh = mem_alloc(len + sizeof(suffix));
	int err = ERR_NOMEM;
	if (fresh) {
		memcpy(fresh, path, len);
		memcpy(fresh + len, suffix, sizeof(suffix));
		/* One that is left of a crash is of no use. */
		unlink(fresh);
		err = write_fresh(fresh, s);
		if (!err && rename(fresh, path)) {
			err = ERR_SYSTEM;
		}
		int saved = errno;
		if (err) {
			unlink(fresh);
		}
		errno = saved;
	}
	if (!err && fsync(folder)) {
		err = ERR_SYSTEM;
	}
	int saved = errno;
	close(folder);
	errno = saved;
	mem_free(fresh);
	return err;
}
