/* dnspush update: DNS UPDATE (RFC 2136) from the command line or from nsupdate-style lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "wire/dns.h"
#include "wire/message.h"
#include "wire/text.h"

/* An UPDATE being put together. The words of a prerequisite or change are parsed one group at a time. */
struct update {
	struct wire_builder builder;
	uint8_t message[DNS_MESSAGE_MAX];
	bool updates_begun; /* prerequisites come first */
	unsigned count;
	const struct cli_options *options;
	struct wire_name zone;
	const char *where; /* "standard input:LINE" or the command */
};

static int wrong(const struct update *u, const char *word, const char *why)
{
	fprintf(stderr, "dnspush: %s: %s: %s\n", u->where, word, why);
	return CLI_USAGE;
}

/* Split off the next word at white space; NULL at the end. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r\n");
	if (!*word) {
		return NULL;
	}
	size_t len = strcspn(word, " \t\r\n");
	*rest = word + len;
	if (word[len]) {
		word[len] = '\0';
		(*rest)++;
	}
	return word;
}

static int add_rr(struct update *u, enum wire_section section, const struct wire_name *owner, uint16_t type,
                  uint16_t dns_class, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	wire_build_section(&u->builder, section);
	if (wire_build_rr(&u->builder, owner->data, type, dns_class, ttl, rdata, len, WIRE_COMPRESS_NONE)) {
		return wrong(u, "update", "does not fit into one message");
	}
	u->count++;
	return 0;
}

static int parse_rdata(const struct update *u, uint16_t type, const char *text, uint8_t *rdata, size_t size,
                       size_t *ret_len)
{
	size_t where = 0;
	int err = wire_rdata_from_text(type, text, strlen(text), NULL, rdata, size, ret_len, &where);
	return err ? wrong(u, text + (where < strlen(text) ? where : 0), err_text(err)) : 0;
}

/* The words that a record may have in front of its rdata. */
struct record {
	struct wire_name owner;
	bool has_ttl;
	uint32_t ttl;
	bool has_type;
	uint16_t type;
	const char *rdata; /* the rest; "" if none */
};

/* NAME [TTL] [CLASS] [TYPE [RDATA]] */
static int parse_record(const struct update *u, char *text, struct record *r)
{
	char *rest = text;
	char *word = next_word(&rest);
	uint16_t dns_class;

	*r = (struct record){.rdata = ""};
	if (!word) {
		return wrong(u, "update", "a NAME is missing");
	}
	if (wire_name_from_text(word, strlen(word), NULL, &r->owner)) {
		return wrong(u, word, "not a domain name");
	}
	word = next_word(&rest);
	if (word && wire_ttl_from_text(word, strlen(word), &r->ttl) == 0) {
		r->has_ttl = true;
		word = next_word(&rest);
	}
	if (word && wire_class_from_text(word, strlen(word), &dns_class) == 0 && strcasecmp(word, "ANY") != 0) {
		if (dns_class != DNS_CLASS_IN) {
			return wrong(u, word, "only class IN is served");
		}
		word = next_word(&rest);
	}
	if (word) {
		if (wire_type_from_text(word, strlen(word), &r->type)) {
			return wrong(u, word, r->has_ttl ? "not a record type" : "neither a TTL nor a record type");
		}
		r->has_type = true;
		r->rdata = rest + strspn(rest, " \t\r\n");
	}
	return 0;
}

static int add(struct update *u, char *text)
{
	static uint8_t rdata[DNS_MESSAGE_MAX];
	struct record r;
	size_t len;
	int status = parse_record(u, text, &r);
	if (status) {
		return status;
	}
	if (!r.has_ttl || !r.has_type) {
		return wrong(u, "add", "needs NAME TTL TYPE RDATA");
	}
	status = parse_rdata(u, r.type, r.rdata, rdata, sizeof(rdata), &len);
	u->updates_begun = true;
	return status ? status : add_rr(u, WIRE_SECTION_AUTHORITY, &r.owner, r.type, DNS_CLASS_IN, r.ttl, rdata, len);
}

static int delete_records(struct update *u, char *text)
{
	static uint8_t rdata[DNS_MESSAGE_MAX];
	struct record r;
	size_t len = 0;
	int status = parse_record(u, text, &r);
	if (status) {
		return status;
	}
	u->updates_begun = true;
	if (!r.has_type || !*r.rdata) {
		return add_rr(u, WIRE_SECTION_AUTHORITY, &r.owner, r.has_type ? r.type : DNS_TYPE_ANY, DNS_CLASS_ANY, 0,
		              NULL, 0);
	}
	status = parse_rdata(u, r.type, r.rdata, rdata, sizeof(rdata), &len);
	return status ? status : add_rr(u, WIRE_SECTION_AUTHORITY, &r.owner, r.type, DNS_CLASS_NONE, 0, rdata, len);
}

/* nxdomain, yxdomain NAME; nxrrset, yxrrset NAME TYPE [RDATA] */
static int prerequisite(struct update *u, char *text)
{
	static uint8_t rdata[DNS_MESSAGE_MAX];
	char *rest = text;
	char *kind = next_word(&rest);
	struct record r;
	size_t len = 0;

	if (!kind) {
		return wrong(u, "prereq", "needs nxdomain, yxdomain, nxrrset or yxrrset");
	}
	if (u->updates_begun) {
		return wrong(u, kind, "prerequisites come before the changes");
	}
	bool not = strncasecmp(kind, "nx", 2) == 0;
	bool domain = strcasecmp(kind + (strlen(kind) > 2 ? 2 : 0), "domain") == 0;
	bool rrset = strcasecmp(kind + (strlen(kind) > 2 ? 2 : 0), "rrset") == 0;
	if ((!not &&strncasecmp(kind, "yx", 2) != 0) || (!domain && !rrset)) {
		return wrong(u, kind, "not one of nxdomain, yxdomain, nxrrset, yxrrset");
	}
	int status = parse_record(u, rest, &r);
	if (status) {
		return status;
	}
	if (rrset && !r.has_type) {
		return wrong(u, kind, "needs NAME TYPE");
	}
	if (rrset && !not &&*r.rdata) {
		status = parse_rdata(u, r.type, r.rdata, rdata, sizeof(rdata), &len);
		return status ? status : add_rr(u, WIRE_SECTION_ANSWER, &r.owner, r.type, DNS_CLASS_IN, 0, rdata, len);
	}
	return add_rr(u, WIRE_SECTION_ANSWER, &r.owner, domain ? DNS_TYPE_ANY : r.type,
	              not ? DNS_CLASS_NONE : DNS_CLASS_ANY, 0, NULL, 0);
}

/* An empty message for the zone. Room is left for a TSIG. */
static void begin(struct update *u)
{
	enum { TSIG_SPACE = 1024 };
	u->count = 0;
	u->updates_begun = false;
	wire_build_init(&u->builder, u->message, sizeof(u->message) - TSIG_SPACE, 0, DNS_OPCODE_UPDATE << 11);
	wire_build_question(&u->builder, u->zone.data, DNS_TYPE_SOA, DNS_CLASS_IN);
}

static int report(const struct update *u, unsigned rcode)
{
	char text[WIRE_TYPE_TEXT_MAX], zone[WIRE_NAME_TEXT_MAX];
	wire_rcode_to_text(rcode, text);
	wire_name_to_text(u->zone.data, zone, sizeof(zone));
	if (u->options->json) {
		json_t *object = json_pack("{s:s, s:s}", "zone", zone, "rcode", text);
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(object);
	}
	if (rcode != DNS_RCODE_NOERROR) {
		cli_error(zone, text);
		return CLI_FAILED;
	}
	return CLI_DONE;
}

/* Send what was put together, say how it went, and begin anew. Nothing to send is no fault. */
static int transact(struct update *u)
{
	uint8_t *answer = NULL;
	struct wire_message m;
	size_t len;
	if (u->count == 0) {
		return CLI_DONE;
	}
	len = wire_build_finish(&u->builder, DNS_OPCODE_UPDATE << 11);
	int status = cli_exchange(u->options, u->message, len, &answer, &len);
	if (status == CLI_DONE) {
		status = wire_message_read(answer, len, &m) ? CLI_FAILED : report(u, wire_header_rcode(&m.header));
	}
	mem_free(answer);
	begin(u);
	return status;
}

/* One line or group: [update] add|delete ..., prereq ... */
static int command(struct update *u, char *text)
{
	char *rest = text;
	char *word = next_word(&rest);

	if (word && strcasecmp(word, "update") == 0) {
		word = next_word(&rest);
	}
	if (!word || *word == ';' || *word == '#') {
		return 0;
	}
	if (strcasecmp(word, "add") == 0) {
		return add(u, rest);
	}
	if (strcasecmp(word, "delete") == 0 || strcasecmp(word, "del") == 0) {
		return delete_records(u, rest);
	}
	if (strcasecmp(word, "prereq") == 0) {
		return prerequisite(u, rest);
	}
	if (strcasecmp(word, "send") == 0) {
		return transact(u);
	}
	if (strcasecmp(word, "server") == 0 || strcasecmp(word, "zone") == 0 || strcasecmp(word, "key") == 0) {
		return wrong(u, word, "server, zone and key are given on the command line");
	}
	return wrong(u, word, "not one of add, delete, prereq, send");
}

static int read_lines(struct update *u)
{
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	int status = 0;
	char where[40];

	u->where = where;
	while (!status && getline(&line, &size, stdin) >= 0) {
		snprintf(where, sizeof(where), "standard input:%u", ++number);
		status = command(u, line);
	}
	if (!status && ferror(stdin)) {
		cli_error("standard input", strerror(errno));
		status = CLI_FAILED;
	}
	u->where = "update";
	free(line);
	return status;
}

/* Groups of words, each behind a "--". Words hold no NUL, so a group is joined by blanks. */
static int read_groups(struct update *u, char *const *words, int count)
{
	int status = 0;
	for (int i = 0; i < count && !status;) {
		char text[8192];
		size_t len = 0;
		if (strcmp(words[i], "--") != 0) {
			return wrong(u, words[i], "changes are given behind --, each group by one of its own");
		}
		for (i++; i < count && strcmp(words[i], "--") != 0; i++) {
			int n = snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "", words[i]);
			if (n < 0 || (size_t)n >= sizeof(text) - len) {
				return wrong(u, "update", "this group is too long; use - and standard input");
			}
			len += (size_t)n;
		}
		text[len] = '\0';
		status = command(u, text);
	}
	return status;
}

int cli_update(const struct cli_options *o)
{
	static struct update u;

	if (o->word_count < 2) {
		return cli_wrong("update", "needs ZONE -- add|delete NAME [TTL] TYPE [RDATA], or ZONE -");
	}
	if (wire_name_from_text(o->words[0], strlen(o->words[0]), NULL, &u.zone)) {
		return cli_wrong(o->words[0], "not a domain name");
	}
	u.options = o;
	u.where = "update";
	begin(&u);
	if (o->word_count == 2 && strcmp(o->words[1], "-") == 0) {
		int status = read_lines(&u);
		return status ? status : transact(&u);
	}
	int status = read_groups(&u, o->words + 1, o->word_count - 1);
	if (!status && u.count == 0) {
		return cli_wrong("update", "there is nothing to do");
	}
	return status ? status : transact(&u);
}
