/*
 * Token buckets for many sources (keys, addresses) in bounded memory: the source
 * used longest ago is forgotten first. One thread.
 */
#ifndef DAEMON_RATES_H
#define DAEMON_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rates;

enum { RATES_SOURCES_MAX = 10000 };

/* NULL when memory ends. */
struct rates *rates_new(void);
void rates_free(struct rates *r);

/* Take a token of a source (any bytes, at most 255): true if there was one. When memory ends the answer is true. */
bool rates_take(struct rates *r, const void *source, size_t len, uint32_t burst, uint32_t per_second, uint64_t now_ms);

#endif
