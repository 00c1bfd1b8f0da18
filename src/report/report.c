#include "report/report.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

uint64_t report_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* RFC 3339, UTC, microseconds. */
static json_t *time_value(uint64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm utc;
	char text[40], whole[32];
	gmtime_r(&seconds, &utc);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%06uZ", whole, (unsigned)(time_us % 1000000));
	return json_string(text);
}

static const char *event_name(enum dnspush_event_type type)
{
	switch (type) {
	case DNSPUSH_EVENT_CONNECTED:
		return "connected";
	case DNSPUSH_EVENT_SUBSCRIBED:
		return "subscribed";
	case DNSPUSH_EVENT_ADD:
		return "add";
	case DNSPUSH_EVENT_REMOVE:
		return "remove";
	case DNSPUSH_EVENT_BATCH:
		return "batch";
	case DNSPUSH_EVENT_REFUSED:
		return "refused";
	case DNSPUSH_EVENT_DISCONNECTED:
		return "disconnected";
	default:
		return NULL;
	}
}

/*
 * Words for people may quote the system or a certificate: what a terminal would act upon, and what
 * may be no UTF-8, is replaced.
 */
static const char *plain_words(const char *words, char out[512])
{
	size_t len = 0;
	for (; words && words[len] != '\0' && len < 511; len++) {
		out[len] = words[len] >= 0x20 && words[len] < 0x7f ? words[len] : '?';
	}
	out[len] = '\0';
	return out;
}

static void set_text(json_t *object, const char *key, const char *value)
{
	if (value) {
		json_object_set_new(object, key, json_string(value));
	}
}

/* Whole seconds as integers, others exactly. */
static void set_seconds(json_t *object, const char *key, uint32_t ms)
{
	json_object_set_new(object, key, ms % 1000 ? json_real(ms / 1000.0) : json_integer(ms / 1000));
}

char *report_json(const struct dnspush_event *e, uint64_t time_us)
{
	const char *name = event_name(e->event);
	char words[512];
	json_t *o = name ? json_object() : NULL;
	if (!o) {
		return NULL;
	}
	set_text(o, "event", name);
	json_object_set_new(o, "time", time_value(time_us));
	switch (e->event) {
	case DNSPUSH_EVENT_CONNECTED:
		set_text(o, "server", e->server);
		set_text(o, "tls", e->tls);
		set_text(o, "authenticated", e->authenticated);
		set_text(o, "mode", e->push ? "push" : NULL);
		break;
	case DNSPUSH_EVENT_BATCH:
		json_object_set_new(o, "changes", json_integer((json_int_t)e->changes));
		break;
	case DNSPUSH_EVENT_DISCONNECTED:
		set_text(o, "reason", plain_words(e->reason, words));
		set_seconds(o, "retry_after", e->retry_after_ms);
		break;
	default:
		set_text(o, "name", e->name);
		set_text(o, "type", e->type);
		break;
	}
	if (e->event == DNSPUSH_EVENT_SUBSCRIBED || e->event == DNSPUSH_EVENT_ADD || e->event == DNSPUSH_EVENT_REMOVE) {
		set_text(o, "class", e->dns_class);
	}
	if (e->event == DNSPUSH_EVENT_ADD || e->event == DNSPUSH_EVENT_REMOVE) {
		json_object_set_new(o, "ttl", json_integer(e->ttl));
		set_text(o, "rdata", e->rdata);
	}
	if (e->event == DNSPUSH_EVENT_REFUSED) {
		set_text(o, "rcode", e->rcode);
		set_seconds(o, "retry_after", e->retry_after_ms);
	}
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static void put_time(uint64_t time_us, const char *dim, const char *plain, FILE *out)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm local;
	char text[16];
	localtime_r(&seconds, &local);
	strftime(text, sizeof(text), "%H:%M:%S", &local);
	fprintf(out, "%s%s.%03u%s ", dim, text, (unsigned)(time_us % 1000000 / 1000), plain);
}

void report_text(const struct dnspush_event *e, uint64_t time_us, bool colour, FILE *out)
{
	const char *dim = colour ? "\033[2m" : "";
	const char *plain = colour ? "\033[0m" : "";
	bool add = e->event == DNSPUSH_EVENT_ADD;
	char words[512];

	switch (e->event) {
	case DNSPUSH_EVENT_ADD:
	case DNSPUSH_EVENT_REMOVE:
		put_time(time_us, dim, plain, out);
		fprintf(out, "%s%c%s %s %lu %s %s %s%s%s\n", colour ? (add ? "\033[1;32m" : "\033[1;31m") : "",
		        add ? '+' : '-', plain, e->name, (unsigned long)e->ttl, e->dns_class, e->type,
		        colour ? "\033[1m" : "", e->rdata, plain);
		break;
	case DNSPUSH_EVENT_CONNECTED:
		put_time(time_us, dim, plain, out);
		fprintf(out, "# connected to %s, %s, server authenticated by: %s\n", e->server, e->tls,
		        e->authenticated);
		break;
	case DNSPUSH_EVENT_SUBSCRIBED:
		put_time(time_us, dim, plain, out);
		fprintf(out, "# following %s %s\n", e->name, e->type);
		break;
	case DNSPUSH_EVENT_REFUSED:
		put_time(time_us, dim, plain, out);
		fprintf(out, "# %s %s refused: %s, tried again in %u s\n", e->name, e->type, e->rcode,
		        e->retry_after_ms / 1000);
		break;
	case DNSPUSH_EVENT_DISCONNECTED:
		put_time(time_us, dim, plain, out);
		fprintf(out, "# disconnected: %s; ", plain_words(e->reason, words));
		if (e->retry_after_ms == UINT32_MAX) {
			fprintf(out, "not tried again, as the server asked for\n");
		} else {
			fprintf(out, "next attempt in %.1f s\n", e->retry_after_ms / 1000.0);
		}
		break;
	default:
		break;
	}
}
