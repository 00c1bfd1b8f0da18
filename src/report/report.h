/*
 * Events of a subscription for people and for programs: the lines of `dnspush watch`.
 * Names and rdata are in presentation form already, which is safe to print.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dnspush.h"

/* Wall clock in microseconds since 1970. */
uint64_t report_now_us(void);

/*
 * One JSON object for an event at that time, without a line end; heap, to be released by
 * free(). NULL when memory ends or the event is none that a watcher is told of.
 */
char *report_json(const struct dnspush_event *e, uint64_t time_us);

/*
 * One line for a person: local time, + or -, name, TTL, class, type, rdata; for other
 * events a note after "#". Coloured on request. Nothing for events that people do not need.
 */
void report_text(const struct dnspush_event *e, uint64_t time_us, bool colour, FILE *out);

#endif
