/*
 * The events that a handle has for its owner, each with its own copies of all texts.
 */
#ifndef CLIENT_EVENTS_H
#define CLIENT_EVENTS_H

#include <stdbool.h>

#include "dnspush.h"
#include "push/client.h"

struct events_item;

struct events {
	struct events_item *first;
	struct events_item *last;
	struct events_item *shown; /* the one given out last, freed by the next call */
};

void events_init(struct events *e);
void events_done(struct events *e);

/* Append a copy of an event, texts and message included. 0 or ERR_NOMEM. */
int events_add(struct events *e, const struct dnspush_event *event);
/* Append an event of the push client in presentation form. 0 or ERR_NOMEM. */
int events_add_push(struct events *e, const struct push_client_event *event);
/* Take the next one out; its texts are valid until the next call. False when there is none. */
bool events_next(struct events *e, struct dnspush_event *ret_event);

#endif
