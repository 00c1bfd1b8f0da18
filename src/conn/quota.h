/*
 * How many connections there may be: in all, and from one address (an IPv4 address,
 * an IPv6 /56). One account from accept to close, shared by all threads.
 */
#ifndef CONN_QUOTA_H
#define CONN_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct conn_quota;

/* NULL when memory ends. */
struct conn_quota *conn_quota_new(size_t total_max, size_t per_address_max);
void conn_quota_free(struct conn_quota *q);
/* New limits from now on; connections beyond them stay. Thread-safe. */
void conn_quota_configure(struct conn_quota *q, size_t total_max, size_t per_address_max);
/* Count one in: 0; ERR_LIMIT (and not counted); ERR_NOMEM. Thread-safe. */
int conn_quota_take(struct conn_quota *q, const struct net_address *peer);
/* Count one out that was counted in. Thread-safe. */
void conn_quota_give(struct conn_quota *q, const struct net_address *peer);
/* Connections now. Thread-safe. */
size_t conn_quota_count(struct conn_quota *q);

#endif
