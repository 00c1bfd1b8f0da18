#include "client/events.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/name.h"
#include "wire/text.h"

struct events_item {
	struct events_item *next;
	struct dnspush_event event;
	char storage[]; /* the texts and the message */
};

void events_init(struct events *e)
{
	*e = (struct events){0};
}

void events_done(struct events *e)
{
	struct dnspush_event ignored;
	while (events_next(e, &ignored)) {
	}
	mem_free(e->shown);
	events_init(e);
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copy a text behind the others and let the event point there. */
static char *keep(char *to, const char **text)
{
	size_t size = text_size(*text);
	if (size == 0) {
		return to;
	}
	memcpy(to, *text, size);
	*text = to;
	return to + size;
}

int events_add(struct events *e, const struct dnspush_event *event)
{
	size_t size = text_size(event->name) + text_size(event->type) + text_size(event->dns_class) +
	              text_size(event->rdata) + text_size(event->rcode) + text_size(event->server) +
	              text_size(event->tls) + text_size(event->authenticated) + text_size(event->reason) +
	              event->message_len;
	struct events_item *item = mem_alloc(sizeof(*item) + size);
	if (!item) {
		return ERR_NOMEM;
	}
	item->next = NULL;
	item->event = *event;
	char *to = item->storage;
	to = keep(to, &item->event.name);
	to = keep(to, &item->event.type);
	to = keep(to, &item->event.dns_class);
	to = keep(to, &item->event.rdata);
	to = keep(to, &item->event.rcode);
	to = keep(to, &item->event.server);
	to = keep(to, &item->event.tls);
	to = keep(to, &item->event.authenticated);
	to = keep(to, &item->event.reason);
	if (event->message_len > 0) {
		memcpy(to, event->message, event->message_len);
		item->event.message = to;
	}
	if (e->last) {
		e->last->next = item;
	} else {
		e->first = item;
	}
	e->last = item;
	return 0;
}

bool events_next(struct events *e, struct dnspush_event *ret_event)
{
	mem_free(e->shown);
	e->shown = e->first;
	if (!e->shown) {
		return false;
	}
	e->first = e->shown->next;
	if (!e->first) {
		e->last = NULL;
	}
	*ret_event = e->shown->event;
	return true;
}

/* Rdata as text of its own; NULL when memory ends. */
static char *rdata_text(const struct feed_change *c)
{
	for (size_t size = 4 * (size_t)c->rdata_len + 256;; size *= 4) {
		char *text = mem_alloc(size);
		if (!text || wire_rdata_to_text(c->type, c->rdata, c->rdata_len, text, size) >= 0) {
			return text;
		}
		mem_free(text);
	}
}

static int add_change(struct events *e, const struct feed_change *c)
{
	char name[WIRE_NAME_TEXT_MAX], type[WIRE_TYPE_TEXT_MAX], dns_class[WIRE_TYPE_TEXT_MAX];
	struct dnspush_event event = {.event = c->op == FEED_ADD ? DNSPUSH_EVENT_ADD : DNSPUSH_EVENT_REMOVE,
	                              .ttl = c->ttl};
	char *rdata = rdata_text(c);
	if (!rdata) {
		return ERR_NOMEM;
	}
	wire_name_to_text(c->owner, name, sizeof(name));
	event.name = name;
	event.type = wire_type_to_text(c->type, type);
	event.dns_class = wire_class_to_text(c->dns_class, dns_class);
	event.rdata = rdata;
	int err = events_add(e, &event);
	mem_free(rdata);
	return err;
}

int events_add_push(struct events *e, const struct push_client_event *p)
{
	char name[WIRE_NAME_TEXT_MAX], type[WIRE_TYPE_TEXT_MAX], dns_class[WIRE_TYPE_TEXT_MAX],
	        rcode[WIRE_TYPE_TEXT_MAX];
	struct dnspush_event event = {.id = p->handle, .changes = p->changes};

	if (p->type == PUSH_CLIENT_CHANGE) {
		return add_change(e, &p->change);
	}
	if (p->type == PUSH_CLIENT_BATCH) {
		event.event = DNSPUSH_EVENT_BATCH;
		return events_add(e, &event);
	}
	event.event = p->type == PUSH_CLIENT_ACTIVE ? DNSPUSH_EVENT_SUBSCRIBED : DNSPUSH_EVENT_REFUSED;
	wire_name_to_text(p->question.name.data, name, sizeof(name));
	event.name = name;
	event.type = wire_type_to_text(p->question.type, type);
	event.dns_class = wire_class_to_text(p->question.dns_class, dns_class);
	if (event.event == DNSPUSH_EVENT_REFUSED) {
		event.rcode = wire_rcode_to_text(p->rcode, rcode);
		event.retry_after_ms = p->retry_delay_ms;
	}
	return events_add(e, &event);
}
