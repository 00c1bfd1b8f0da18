#include "disk/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <libzscanner/error.h>
#include <libzscanner/scanner.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "disk/zonefile_private.h"
#include "disk/zonefile_text.h"
#include "wire/dns.h"
#include "wire/rdata.h"
#include "wire/text.h"

/*
 * How a file is read: zonefile_text cuts it into records. Directives are carried
 * out here; every other record goes to libzscanner, one at a time, so that a
 * fault in one does not spread and its place in the file is known. The scanner
 * takes ASCII with plain newlines only, so bytes of UTF-8 become \DDD first; what
 * it refuses wire/text may still take.
 */

enum {
	FAULTS_MAX = 100,
	INCLUDE_DEPTH_MAX = 16,
	MESSAGE_MAX = 512,
	SHOWN_MAX = 64, /* characters of a word in a message */
};

/* No TTL stated: the scanner gives this for a record that has none where no $TTL was. */
static const uint32_t ttl_none = UINT32_MAX;

/* A file being read; `parent` includes it. */
struct source {
	const char *path;
	struct source *parent;
	unsigned depth;
	bool in_memory;
	dev_t device;
	ino_t inode;
	struct zonefile_text text;
};

struct loader {
	struct zone_txn *txn;
	zonefile_fault_fn fault;
	void *context;
	unsigned faults;
	zs_scanner_t *scanner; /* 206 kB: on the heap */
	char *feed;            /* a record as the scanner gets it */
	size_t feed_cap;
};

/* ---- faults ---- */

static void report(struct loader *l, const char *file, unsigned long line, unsigned long column, const char *message)
{
	if (l->faults < FAULTS_MAX) {
		l->faults++;
		l->fault(l->context, file, line, column, message);
	}
}

/* A fault at an offset of a record. */
__attribute__((format(printf, 5, 6))) static void report_at(struct loader *l, const struct source *src,
                                                            const struct zonefile_record *r, size_t offset,
                                                            const char *format, ...)
{
	char message[MESSAGE_MAX];
	unsigned long line, column;
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	zonefile_record_where(r, offset, &line, &column);
	report(l, src->path, line, column, message);
}

/* A word of the file, made fit to print and not too long. */
struct shown {
	char text[SHOWN_MAX * 4 + 4];
};

static const char *show(struct shown *s, const char *text, size_t len)
{
	size_t end = 0;
	for (size_t i = 0; i < len && i < SHOWN_MAX; i++) {
		uint8_t c = (uint8_t)text[i];
		if (c < ' ' || c >= 0x7f) {
			end += (size_t)snprintf(s->text + end, 5, "\\%03u", c);
		} else {
			s->text[end++] = (char)c;
		}
	}
	memcpy(s->text + end, len > SHOWN_MAX ? "..." : "", len > SHOWN_MAX ? 4 : 1);
	return s->text;
}

static const char *show_name(struct shown *s, const uint8_t *wire)
{
	char text[WIRE_NAME_TEXT_MAX];
	size_t len = wire_name_to_text(wire, text, sizeof(text));
	return show(s, text, len);
}

/* ---- the scanner ---- */

/* A scanner as new, but with the origin, owner and TTL of before. 0 or ERR_NOMEM. */
static int reset_scanner(zs_scanner_t *s, const uint8_t *origin, uint32_t default_ttl)
{
	if (zs_init(s, ".", DNS_CLASS_IN, default_ttl)) {
		return ERR_NOMEM;
	}
	s->zone_origin_length = (uint32_t)wire_name_len(origin);
	memcpy(s->zone_origin, origin, s->zone_origin_length);
	return 0;
}

/* A serious fault leaves the scanner unusable. */
static int recover_scanner(zs_scanner_t *s)
{
	uint8_t origin[DNS_NAME_MAX];
	uint8_t owner[sizeof(s->r_owner)];
	uint32_t owner_len = s->r_owner_length;
	uint32_t default_ttl = s->default_ttl;
	memcpy(origin, s->zone_origin, s->zone_origin_length);
	memcpy(owner, s->r_owner, sizeof(owner));
	zs_deinit(s);
	int err = reset_scanner(s, origin, default_ttl);
	memcpy(s->r_owner, owner, sizeof(owner));
	s->r_owner_length = owner_len;
	return err;
}

static bool needs_copy(const struct zonefile_record *r)
{
	if (r->len == 0 || r->text[r->len - 1] != '\n') {
		return true;
	}
	for (size_t i = 0; i < r->len; i++) {
		if ((uint8_t)r->text[i] >= 0x80 || r->text[i] == '\r') {
			return true;
		}
	}
	return false;
}

/* A record as the scanner takes it: *ret_text is the record's own text where that will do. 0 or ERR_NOMEM. */
static int make_feed(struct loader *l, const struct zonefile_record *r, const char **ret_text, size_t *ret_len)
{
	if (!needs_copy(r)) {
		*ret_text = r->text;
		*ret_len = r->len;
		return 0;
	}
	if (mem_grow(&l->feed, &l->feed_cap, r->len * 4 + 1, 1)) {
		return ERR_NOMEM;
	}
	size_t end = 0;
	bool escaped = false; /* behind a backslash that is not itself escaped */
	for (size_t i = 0; i < r->len; i++) {
		uint8_t c = (uint8_t)r->text[i];
		if (c >= 0x80) {
			l->feed[end] = '\\';
			end += !escaped;
			l->feed[end++] = (char)('0' + c / 100);
			l->feed[end++] = (char)('0' + c / 10 % 10);
			l->feed[end++] = (char)('0' + c % 10);
		} else {
			bool line_end = c == '\r' && (i + 1 == r->len || r->text[i + 1] == '\n');
			l->feed[end++] = line_end ? ' ' : (char)c;
		}
		escaped = c == '\\' && !escaped;
	}
	if (end == 0 || l->feed[end - 1] != '\n') {
		l->feed[end++] = '\n';
	}
	*ret_text = l->feed;
	*ret_len = end;
	return 0;
}

/* Offset in the record of an offset in what was fed. */
static size_t unfed_offset(const struct zonefile_record *r, size_t fed)
{
	size_t i = 0;
	for (size_t at = 0; i < r->len && at < fed; i++) {
		at += (uint8_t)r->text[i] >= 0x80 ? 4 : 1;
	}
	return i;
}

/* ---- what the scanner refused ---- */

/* What the words in front of a fault say. */
struct head {
	struct zonefile_word word; /* the one at fault */
	unsigned index;            /* which it is: the first one is 0 */
	size_t fault;              /* offset at which reading stopped: in the word or behind it */
	bool has_type;             /* a type stands before it */
	uint16_t type;
};

/* Find the word that holds, or ends last before, an offset. False if the record has no words. */
static bool find_word(const struct zonefile_record *r, size_t fault, struct head *ret_head)
{
	struct zonefile_word word;
	size_t offset = 0;
	bool owner = r->len > 0 && r->text[0] != ' ' && r->text[0] != '\t';
	bool any = false;
	*ret_head = (struct head){.fault = fault};
	while (zonefile_word_next(r, &offset, &word) && (!any || word.offset <= fault)) {
		uint16_t number;
		uint32_t ttl;
		const struct zonefile_word *last = &ret_head->word;
		if (any && !ret_head->has_type && !(owner && ret_head->index == 0) &&
		    wire_class_from_text(last->text, last->len, &number) != 0 &&
		    wire_ttl_from_text(last->text, last->len, &ttl) != 0 &&
		    wire_type_from_text(last->text, last->len, &number) == 0) {
			ret_head->has_type = true;
			ret_head->type = number;
		}
		ret_head->index += any;
		ret_head->word = word;
		any = true;
	}
	return any;
}

/* Say what is wrong with a word where TTL, class or type should be. */
static void report_head(struct loader *l, const struct source *src, const struct zonefile_record *r,
                        const struct head *head)
{
	struct shown shown;
	uint16_t number;
	const struct zonefile_word *w = &head->word;
	const char *text = show(&shown, w->text, w->len);
	if (wire_class_from_text(w->text, w->len, &number) == 0 && number != DNS_CLASS_IN) {
		report_at(l, src, r, w->offset, "class %s: only class IN can be served", text);
	} else if (wire_type_from_text(w->text, w->len, &number) == 0 && wire_type_is_meta(number)) {
		report_at(l, src, r, w->offset, "type %s is never stored in a zone", text);
	} else if (wire_type_from_text(w->text, w->len, &number) != 0) {
		report_at(l, src, r, w->offset, "'%s' is no type, class or TTL that is known here", text);
	} else if (head->fault < w->offset + w->len) {
		report_at(l, src, r, w->offset, "type %s: write the record as TYPE%u \\# LENGTH HEX", text, number);
	} else {
		report_at(l, src, r, w->offset, "type %s: the data is missing", text);
	}
}

static void report_refused(struct loader *l, const struct source *src, const struct zonefile_record *r, size_t fed)
{
	struct head head;
	struct shown shown;
	char type[WIRE_TYPE_TEXT_MAX];
	int code = l->scanner->error.code;
	bool owner = r->text[0] != ' ' && r->text[0] != '\t';
	size_t offset = unfed_offset(r, fed);

	if (!find_word(r, offset, &head)) {
		report_at(l, src, r, offset, "%s", zs_strerror(code));
	} else if (code == ZS_RIGHT_PARENTHESIS) {
		report_at(l, src, r, offset, "a closing parenthesis that nothing opens");
	} else if (code == ZS_BAD_PREVIOUS_OWNER) {
		report_at(l, src, r, head.word.offset, "no owner: the record above has none either");
	} else if (owner && head.index == 0) {
		report_at(l, src, r, head.word.offset, "owner '%s': %s", show(&shown, head.word.text, head.word.len),
		          zs_strerror(code));
	} else if (!head.has_type) {
		report_head(l, src, r, &head);
	} else {
		report_at(l, src, r, head.word.offset, "data of type %s, at '%s': %s",
		          wire_type_to_text(head.type, type), show(&shown, head.word.text, head.word.len),
		          zs_strerror(code));
	}
}

/* ---- records ---- */

/* May a type be at a name that has a CNAME (RFC 4035 2.5, RFC 3007 3.1.2)? */
static bool goes_with_cname(uint16_t type)
{
	return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_KEY || type == DNS_TYPE_SIG;
}

/* What is wrong with one more record at a name, or NULL. */
static const char *find_conflict(struct zone_txn *txn, const uint8_t *owner, uint16_t type, const uint8_t *rdata,
                                 size_t len)
{
	if (type == DNS_TYPE_SOA && !wire_name_equal(owner, zone_txn_origin(txn))) {
		return "an SOA record that is not at the zone's own name";
	}
	const struct zone_node *node = zone_txn_find(txn, owner);
	if (!node) {
		return NULL;
	}
	if (type == DNS_TYPE_SOA || type == DNS_TYPE_CNAME || type == DNS_TYPE_DNAME) {
		const struct zone_rrset *same = zone_node_rrset(node, type);
		if (same && !zone_rrset_has(same, rdata, len)) {
			return type == DNS_TYPE_SOA     ? "a second SOA record"
			       : type == DNS_TYPE_CNAME ? "a second CNAME record at this name"
			                                : "a second DNAME record at this name";
		}
	}
	for (size_t i = 0; type == DNS_TYPE_CNAME && i < zone_node_rrset_count(node); i++) {
		uint16_t other = zone_node_rrset_at(node, i)->type;
		if (other != DNS_TYPE_CNAME && !goes_with_cname(other)) {
			return "a CNAME record at a name that has other records";
		}
	}
	if (type != DNS_TYPE_CNAME && !goes_with_cname(type) && zone_node_rrset(node, DNS_TYPE_CNAME)) {
		return "a record at a name that has a CNAME record";
	}
	return NULL;
}

/* The TTL of the record that was read; false if nothing says one. */
static bool find_ttl(zs_scanner_t *s, uint32_t *ret_ttl)
{
	bool is_soa = s->r_type == DNS_TYPE_SOA && s->r_data_length >= 4;
	/* Where there is a default the scanner fills it in, so the same number was written out by somebody. */
	bool is_stated = s->r_ttl != ttl_none || s->default_ttl != ttl_none;
	if (is_soa && s->default_ttl == ttl_none) {
		uint32_t minimum = bytes_load_u32(s->r_data + s->r_data_length - 4);
		s->default_ttl = minimum > INT32_MAX ? 0 : minimum;
	}
	*ret_ttl = is_stated ? s->r_ttl : s->default_ttl;
	return is_stated || s->default_ttl != ttl_none;
}

/* Offset of the first word of a record. */
static size_t first_word(const struct zonefile_record *r)
{
	struct head head;
	return find_word(r, 0, &head) ? head.word.offset : 0;
}

/* Take the record that the scanner has read. 0 or ERR_NOMEM. */
static int add_record(struct loader *l, const struct source *src, const struct zonefile_record *r)
{
	zs_scanner_t *s = l->scanner;
	struct shown shown, shown_zone;
	char type[WIRE_TYPE_TEXT_MAX];
	uint32_t ttl;
	const uint8_t *origin = zone_txn_origin(l->txn);

	if (!wire_name_is_under(s->r_owner, origin)) {
		report_at(l, src, r, first_word(r), "%s is not in the zone %s", show_name(&shown, s->r_owner),
		          show_name(&shown_zone, origin));
		return 0;
	}
	if (wire_type_is_meta(s->r_type)) {
		report_at(l, src, r, first_word(r), "type %s is never stored in a zone",
		          wire_type_to_text(s->r_type, type));
		return 0;
	}
	if (wire_rdata_check(s->r_type, s->r_data, s->r_data_length) != 0) {
		report_at(l, src, r, first_word(r), "the data does not fit type %s",
		          wire_type_to_text(s->r_type, type));
		return 0;
	}
	const char *conflict = find_conflict(l->txn, s->r_owner, s->r_type, s->r_data, s->r_data_length);
	if (conflict) {
		report_at(l, src, r, first_word(r), "%s: %s", show_name(&shown, s->r_owner), conflict);
		return 0;
	}
	if (!find_ttl(s, &ttl)) {
		report_at(l, src, r, first_word(r), "no TTL: give one, or put $TTL or the SOA record in front");
		return 0;
	}
	int err = zone_txn_add(l->txn, s->r_owner, s->r_type, ttl, s->r_data, s->r_data_length);
	if (err && err != ERR_NOMEM) {
		report_at(l, src, r, first_word(r), "%s %s: more records than one RRset can hold",
		          show_name(&shown, s->r_owner), wire_type_to_text(s->r_type, type));
		err = 0;
	}
	return err;
}

/* ---- what the scanner does not know ---- */

/*
 * The text from an offset on as one line without comments, in l->feed. 0 or ERR_NOMEM.
 */
static int make_line(struct loader *l, const struct zonefile_record *r, size_t start, size_t *ret_len)
{
	bool quoted = false, comment = false;
	size_t end = 0;
	if (mem_grow(&l->feed, &l->feed_cap, r->len + 1, 1)) {
		return ERR_NOMEM;
	}
	for (size_t i = start; i < r->len; i++) {
		char c = r->text[i];
		bool line_end = c == '\n' || (c == '\r' && (i + 1 == r->len || r->text[i + 1] == '\n'));
		comment = !line_end && (comment || (c == ';' && !quoted));
		if (comment) {
			continue;
		}
		quoted = c == '"' ? !quoted : quoted && c != '\n';
		l->feed[end++] = line_end ? ' ' : c;
		if (c == '\\' && i + 1 < r->len && r->text[i + 1] != '\n') {
			l->feed[end++] = r->text[++i];
		}
	}
	*ret_len = end;
	return 0;
}

/* Owner, TTL and type of a record into the scanner; *ret_offset is behind the type. False if they are not clear. */
static bool read_head(zs_scanner_t *s, const struct zonefile_record *r, size_t *ret_offset)
{
	struct zonefile_word word;
	struct wire_name owner;
	size_t offset = 0;
	uint16_t number;
	bool has_ttl = false, has_class = false;
	if (r->text[0] != ' ' && r->text[0] != '\t') {
		if (!zonefile_word_next(r, &offset, &word) ||
		    wire_name_from_text(word.text, word.len, s->zone_origin, &owner)) {
			return false;
		}
		memcpy(s->r_owner, owner.data, owner.len);
		s->r_owner_length = owner.len;
	}
	s->r_ttl = s->default_ttl;
	while (s->r_owner_length > 0 && zonefile_word_next(r, &offset, &word)) {
		if (!has_ttl && wire_ttl_from_text(word.text, word.len, &s->r_ttl) == 0) {
			has_ttl = true;
		} else if (!has_class && wire_class_from_text(word.text, word.len, &number) == 0 &&
		           number == DNS_CLASS_IN) {
			has_class = true;
		} else {
			*ret_offset = offset;
			return wire_type_from_text(word.text, word.len, &s->r_type) == 0;
		}
	}
	return false;
}

/*
 * The scanner lacks some types and, in names, some characters that others take
 * and that DNS-SD uses, such as '&'. So what it refuses is read by wire/text too.
 * *ret_done if that went well; the record is the scanner's then. 0 or ERR_NOMEM.
 */
static int read_otherwise(struct loader *l, const struct zonefile_record *r, bool *ret_done)
{
	zs_scanner_t *s = l->scanner;
	size_t offset, line_len, len;
	*ret_done = false;
	if (s->error.code == ZS_RIGHT_PARENTHESIS || !read_head(s, r, &offset)) {
		return 0;
	}
	if (make_line(l, r, offset, &line_len)) {
		return ERR_NOMEM;
	}
	if (wire_rdata_from_text(s->r_type, l->feed, line_len, s->zone_origin, s->r_data, sizeof(s->r_data), &len,
	                         NULL) == 0) {
		s->r_data_length = (uint32_t)len;
		*ret_done = true;
	}
	return 0;
}

/* A record that the scanner stopped in at an offset of what it was fed. 0 or ERR_NOMEM. */
static int refused(struct loader *l, const struct source *src, const struct zonefile_record *r, size_t fed)
{
	bool done;
	int err = read_otherwise(l, r, &done);
	if (err) {
		return err;
	}
	if (done) {
		err = add_record(l, src, r);
	} else {
		report_refused(l, src, r, fed);
	}
	int recovered = recover_scanner(l->scanner);
	return err ? err : recovered;
}

/* Let the scanner read a record. 0 or ERR_NOMEM. */
static int scan_record(struct loader *l, const struct source *src, const struct zonefile_record *r)
{
	zs_scanner_t *s = l->scanner;
	const char *text;
	size_t len;
	int err = make_feed(l, r, &text, &len);
	if (err) {
		return err;
	}
	s->multiline = false;
	s->error.code = ZS_OK;
	if (zs_set_input_string(s, text, len)) {
		return ERR_NOMEM;
	}
	for (;;) {
		if (zs_parse_record(s) || s->state == ZS_STATE_ERROR) {
			/* It stops at the end of the line and keeps what it did not read, ended with a zero. */
			size_t stop = s->input.start == text ? (size_t)(s->input.current - text) : len;
			size_t rest = s->buffer_length > 0 ? s->buffer_length - 1 : 0;
			return refused(l, src, r, stop > rest ? stop - rest : 0);
		}
		if (s->state != ZS_STATE_DATA) {
			return 0;
		}
		err = add_record(l, src, r);
		if (err) {
			return err;
		}
	}
}

/* ---- directives ---- */

static int read_source(struct loader *l, struct source *src);

/* Open a file for reading, which has to be a regular one. 0 or an errno; -1: not regular. */
static int open_source(struct source *src)
{
	struct stat st;
	int fd = open(src->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return errno;
	}
	int failure = fstat(fd, &st) ? errno : S_ISREG(st.st_mode) ? 0 : -1;
	if (failure) {
		close(fd);
		return failure;
	}
	src->device = st.st_dev;
	src->inode = st.st_ino;
	zonefile_text_open(&src->text, fd);
	return 0;
}

static const char *open_failure(int failure)
{
	return failure < 0 ? "not a regular file" : strerror(failure);
}

/* The path that a file name in `including` means, without escapes. NULL when memory ends. */
static char *include_path(const char *including, const struct zonefile_word *name)
{
	const char *slash = strrchr(including, '/');
	size_t folder = name->len > 0 && name->text[0] == '/' ? 0 : slash ? (size_t)(slash - including) + 1 : 0;
	char *path = mem_alloc(folder + name->len + 1);
	if (!path) {
		return NULL;
	}
	memcpy(path, including, folder);
	size_t end = folder;
	for (size_t i = 0; i < name->len; i++) {
		i += name->text[i] == '\\' && i + 1 < name->len;
		path[end++] = name->text[i];
	}
	path[end] = '\0';
	return path;
}

static bool is_open(const struct source *src, const struct source *other)
{
	for (; src; src = src->parent) {
		if (src->device == other->device && src->inode == other->inode) {
			return true;
		}
	}
	return false;
}

/* Read another file in the place of the directive; origin, owner and TTL are then as before (RFC 1035 5.1). */
static int include(struct loader *l, struct source *src, const struct zonefile_record *r,
                   const struct zonefile_word *file, const struct wire_name *origin)
{
	zs_scanner_t *s = l->scanner;
	struct shown shown;
	struct source child = {.parent = src, .depth = src->depth + 1};
	const char *name = show(&shown, file->text, file->len);
	if (src->in_memory) {
		report_at(l, src, r, file->offset, "$INCLUDE is not possible here");
		return 0;
	}
	if (child.depth > INCLUDE_DEPTH_MAX) {
		report_at(l, src, r, file->offset, "$INCLUDE '%s': more than %d files deep", name, INCLUDE_DEPTH_MAX);
		return 0;
	}
	char *path = include_path(src->path, file);
	if (!path) {
		return ERR_NOMEM;
	}
	child.path = path;
	int err = 0;
	int failure = open_source(&child);
	if (failure) {
		report_at(l, src, r, file->offset, "$INCLUDE '%s': %s", name, open_failure(failure));
	} else if (is_open(src, &child)) {
		report_at(l, src, r, file->offset, "$INCLUDE '%s': the file includes itself", name);
		zonefile_text_close(&child.text);
	} else {
		struct wire_name old_origin, owner;
		bool has_owner = s->r_owner_length > 0;
		uint32_t default_ttl = s->default_ttl;
		wire_name_set(&old_origin, s->zone_origin);
		if (has_owner) {
			wire_name_set(&owner, s->r_owner);
		}
		memcpy(s->zone_origin, origin->data, origin->len);
		s->zone_origin_length = origin->len;
		err = read_source(l, &child);
		zonefile_text_close(&child.text);
		memcpy(s->zone_origin, old_origin.data, old_origin.len);
		s->zone_origin_length = old_origin.len;
		s->r_owner_length = has_owner ? owner.len : 0;
		memcpy(s->r_owner, owner.data, s->r_owner_length);
		/* The SOA record in the included file is as good as here for records without a TTL. */
		s->default_ttl = default_ttl == ttl_none ? s->default_ttl : default_ttl;
	}
	mem_free(path);
	return err;
}

/* The directives that have an effect at once. */
static void set_origin(struct loader *l, const struct source *src, const struct zonefile_record *r,
                       const struct zonefile_word *value)
{
	struct wire_name origin;
	struct shown shown;
	int err = wire_name_from_text(value->text, value->len, l->scanner->zone_origin, &origin);
	if (err) {
		report_at(l, src, r, value->offset, "$ORIGIN '%s': %s", show(&shown, value->text, value->len),
		          err_text(err));
		return;
	}
	memcpy(l->scanner->zone_origin, origin.data, origin.len);
	l->scanner->zone_origin_length = origin.len;
}

static void set_ttl(struct loader *l, const struct source *src, const struct zonefile_record *r,
                    const struct zonefile_word *value)
{
	struct shown shown;
	if (wire_ttl_from_text(value->text, value->len, &l->scanner->default_ttl)) {
		report_at(l, src, r, value->offset, "$TTL '%s': not a number of seconds up to 2147483647",
		          show(&shown, value->text, value->len));
	}
}

static bool is_word(const struct zonefile_word *w, const char *text)
{
	return w->len == strlen(text) && strncasecmp(w->text, text, w->len) == 0;
}

/* Carry a line that begins with $ out. */
static int direct(struct loader *l, struct source *src, const struct zonefile_record *r)
{
	struct zonefile_word what, value, more, rest;
	struct shown shown;
	size_t offset = 0;
	zonefile_word_next(r, &offset, &what);
	const char *name = show(&shown, what.text, what.len);
	bool is_include = is_word(&what, "$INCLUDE");

	if (is_word(&what, "$GENERATE")) {
		report_at(l, src, r, 0, "$GENERATE is not supported: write the records out");
		return 0;
	}
	if (!is_include && !is_word(&what, "$ORIGIN") && !is_word(&what, "$TTL")) {
		report_at(l, src, r, 0, "'%s' is no directive that is known here", name);
		return 0;
	}
	if (!zonefile_word_next(r, &offset, &value)) {
		report_at(l, src, r, 0, "%s needs a value", name);
		return 0;
	}
	bool has_more = zonefile_word_next(r, &offset, &more);
	if (has_more && (!is_include || zonefile_word_next(r, &offset, &rest))) {
		report_at(l, src, r, is_include ? rest.offset : more.offset, "unexpected text behind %s", name);
		return 0;
	}
	if (is_include) {
		struct wire_name origin;
		wire_name_set(&origin, l->scanner->zone_origin);
		if (has_more && wire_name_from_text(more.text, more.len, l->scanner->zone_origin, &origin)) {
			report_at(l, src, r, more.offset, "$INCLUDE: its second value is no domain name");
			return 0;
		}
		return include(l, src, r, &value, &origin);
	}
	if (is_word(&what, "$TTL")) {
		set_ttl(l, src, r, &value);
	} else {
		set_origin(l, src, r, &value);
	}
	return 0;
}

/* ---- files ---- */

/* Read all records of a file. 0 (faults or not), ERR_SYSTEM, ERR_NOMEM. */
static int read_source(struct loader *l, struct source *src)
{
	while (l->faults < FAULTS_MAX) {
		struct zonefile_record r;
		struct shown shown;
		int err = zonefile_text_next(&src->text, &r);
		if (err == ERR_NOT_FOUND) {
			return 0;
		}
		if (err == ERR_LIMIT || err == ERR_SYNTAX) {
			report_at(l, src, &r, r.fault, "%s", r.fault_text);
			if (err == ERR_LIMIT) {
				return 0;
			}
			continue;
		}
		if (err == ERR_SYSTEM) {
			const char *why = strerror(errno);
			report(l, src->path, src->text.line, 0, show(&shown, why, strlen(why)));
			return err;
		}
		if (!err) {
			err = r.text[0] == '$' ? direct(l, src, &r) : scan_record(l, src, &r);
		}
		if (err) {
			return err;
		}
	}
	return 0;
}

/* What a zone must have. */
static void check_zone(struct loader *l, const char *file)
{
	char message[MESSAGE_MAX];
	struct shown shown;
	const uint8_t *origin = zone_txn_origin(l->txn);
	const char *name = show_name(&shown, origin);
	if (!zone_txn_rrset(l->txn, origin, DNS_TYPE_SOA)) {
		snprintf(message, sizeof(message), "the zone has no SOA record at %s", name);
		report(l, file, 0, 0, message);
	}
	if (!zone_txn_rrset(l->txn, origin, DNS_TYPE_NS)) {
		snprintf(message, sizeof(message), "the zone has no NS record at %s", name);
		report(l, file, 0, 0, message);
	}
}

static int load(struct source *src, struct zone_txn *txn, zonefile_fault_fn fault, void *context)
{
	struct loader l = {.txn = txn, .fault = fault, .context = context};
	l.scanner = mem_alloc(sizeof(*l.scanner));
	if (!l.scanner) {
		return ERR_NOMEM;
	}
	int err = reset_scanner(l.scanner, zone_txn_origin(txn), ttl_none);
	if (!err) {
		err = read_source(&l, src);
		zs_deinit(l.scanner);
	}
	if (!err) {
		check_zone(&l, src->path);
	}
	mem_free(l.scanner);
	mem_free(l.feed);
	return err ? err : l.faults > 0 ? ERR_SYNTAX : 0;
}

int zonefile_load(const char *path, struct zone_txn *txn, zonefile_fault_fn fault, void *context)
{
	struct source src = {.path = path};
	int failure = open_source(&src);
	if (failure) {
		fault(context, path, 0, 0, open_failure(failure));
		errno = failure > 0 ? failure : EINVAL;
		return ERR_SYSTEM;
	}
	int err = load(&src, txn, fault, context);
	zonefile_text_close(&src.text);
	return err;
}

int zonefile_load_text(const char *file, const char *text, size_t len, struct zone_txn *txn, zonefile_fault_fn fault,
                       void *context)
{
	struct source src = {.path = file, .in_memory = true};
	zonefile_text_set(&src.text, text, len);
	return load(&src, txn, fault, context);
}
