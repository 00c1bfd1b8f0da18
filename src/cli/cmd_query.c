/* dnspush query: one question over the session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "wire/dns.h"
#include "wire/message.h"
#include "wire/text.h"

enum { UDP_SIZE = 1232 };

static int build_query(const struct cli_options *o, uint8_t *message, size_t size, size_t *ret_len)
{
	struct wire_name name;
	uint16_t type = DNS_TYPE_A;
	struct wire_builder b;

	if (o->word_count < 1 || o->word_count > 2) {
		return cli_wrong("query", "needs NAME [TYPE]");
	}
	if (wire_name_from_text(o->words[0], strlen(o->words[0]), NULL, &name)) {
		return cli_wrong(o->words[0], "not a domain name");
	}
	if (o->word_count == 2 && wire_type_from_text(o->words[1], strlen(o->words[1]), &type)) {
		return cli_wrong(o->words[1], "not a record type");
	}
	wire_build_init(&b, message, size, 0, 0);
	wire_build_question(&b, name.data, type, DNS_CLASS_IN);
	wire_build_opt(&b, UDP_SIZE, false, 0);
	*ret_len = wire_build_finish(&b, 0);
	return 0;
}

/* Called for each RR of an answer, OPT and TSIG aside. */
typedef void (*show_fn)(void *context, const char *section, const char *owner, uint32_t ttl, const char *dns_class,
                        const char *type, const char *rdata);

static int show_rr(const struct wire_rr *rr, const char *section, show_fn show, void *context)
{
	static uint8_t rdata[DNS_MESSAGE_MAX];
	static char text[WIRE_RDATA_TEXT_MAX];
	char owner[WIRE_NAME_TEXT_MAX], type[WIRE_TYPE_TEXT_MAX], dns_class[WIRE_TYPE_TEXT_MAX];
	struct bytes_writer w;
	struct bytes_reader in = rr->rdata;

	if (rr->type == DNS_TYPE_OPT || rr->type == DNS_TYPE_TSIG) {
		return 0;
	}
	bytes_writer_init(&w, rdata, sizeof(rdata));
	int err = wire_rdata_read(&in, rr->type, &w);
	if (err || wire_rdata_to_text(rr->type, rdata, w.len, text, sizeof(text)) < 0) {
		return err ? err : ERR_SPACE;
	}
	wire_name_to_text(rr->owner.data, owner, sizeof(owner));
	show(context, section, owner, rr->ttl, wire_class_to_text(rr->dns_class, dns_class),
	     wire_type_to_text(rr->type, type), text);
	return 0;
}

static int show_section(struct bytes_reader r, unsigned count, const char *section, show_fn show, void *context)
{
	int err = 0;
	for (unsigned i = 0; i < count && !err; i++) {
		struct wire_rr rr;
		err = wire_rr_read(&r, &rr);
		err = err ? err : show_rr(&rr, section, show, context);
	}
	return err;
}

static int show_all(const struct wire_message *m, show_fn show, void *context)
{
	int err = show_section(m->answer, m->header.ancount, "answer", show, context);
	err = err ? err : show_section(m->authority, m->header.nscount, "authority", show, context);
	return err ? err : show_section(m->additional, m->header.arcount, "additional", show, context);
}

static void show_text(void *context, const char *section, const char *owner, uint32_t ttl, const char *dns_class,
                      const char *type, const char *rdata)
{
	const char **last = context;
	if (*last != section) {
		printf("%s;; %s\n", *last ? "\n" : "", section);
		*last = section;
	}
	printf("%s %lu %s %s %s\n", owner, (unsigned long)ttl, dns_class, type, rdata);
}

static void show_json(void *context, const char *section, const char *owner, uint32_t ttl, const char *dns_class,
                      const char *type, const char *rdata)
{
	json_t *object = context;
	json_t *list = json_object_get(object, section);
	if (!list) {
		list = json_array();
		json_object_set_new(object, section, list);
	}
	json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s, s:s}", "name", owner, "ttl", (json_int_t)ttl,
	                                      "class", dns_class, "type", type, "rdata", rdata));
}

static int print_answer(const struct cli_options *o, const struct wire_message *m)
{
	char rcode[WIRE_TYPE_TEXT_MAX];
	bool aa = m->header.flags & DNS_FLAG_AA, tc = m->header.flags & DNS_FLAG_TC;
	int err;

	wire_rcode_to_text(wire_header_rcode(&m->header) | (unsigned)m->edns.extended_rcode << 4, rcode);
	if (o->json) {
		json_t *object = json_pack("{s:s, s:b, s:b}", "rcode", rcode, "aa", aa, "tc", tc);
		err = show_all(m, show_json, object);
		char *text = json_dumps(object, JSON_COMPACT);
		puts(text ? text : "");
		free(text);
		json_decref(object);
	} else {
		const char *last = NULL;
		printf(";; %s%s%s\n", rcode, aa ? ", authoritative" : "", tc ? ", truncated" : "");
		err = show_all(m, show_text, &last);
	}
	return err;
}

int cli_query(const struct cli_options *o)
{
	uint8_t message[512 + DNS_NAME_MAX];
	uint8_t *answer = NULL;
	size_t len;
	struct wire_message m;

	int status = build_query(o, message, sizeof(message), &len);
	status = status ? status : cli_exchange(o, message, len, &answer, &len);
	if (status) {
		return status;
	}
	int err = wire_message_read(answer, len, &m);
	err = err ? err : print_answer(o, &m);
	if (err) {
		cli_error("the answer cannot be read", err_text(err));
	}
	unsigned rcode = wire_header_rcode(&m.header);
	mem_free(answer);
	return err || (rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN) ? CLI_FAILED : CLI_DONE;
}
