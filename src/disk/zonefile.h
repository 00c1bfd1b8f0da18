/*
 * Master files (RFC 1035 5): reading into a transaction, writing from a snapshot.
 */
#ifndef DISK_ZONEFILE_H
#define DISK_ZONEFILE_H

#include "zone/store.h"

/* One fault: file (of $INCLUDE too), line and column in bytes from 1 (0: unknown), and what is wrong, for people. */
typedef void (*zonefile_fault_fn)(void *context, const char *file, unsigned long line, unsigned long column,
                                  const char *message);

/*
 * Read the file into the (empty) transaction and check the zone: an SOA and NS at
 * the apex, nothing outside the zone, no CNAME beside other data, rdata that fits.
 * Every fault is reported (at most 100), not only the first. A record that says no
 * TTL has that of $TTL, else the minimum of the SOA. UTF-8 is accepted raw. 0; ERR_SYNTAX when faults were reported,
 * ERR_NOMEM, ERR_SYSTEM (cannot be read; reported too: not a regular file, permissions, errno).
 */
int zonefile_load(const char *path, struct zone_txn *txn, zonefile_fault_fn fault, void *context);

/* Write all records of a snapshot to `path` by way of a temporary file, fsync and rename. 0, ERR_SYSTEM (errno),
 * ERR_NOMEM. */
int zonefile_write(const char *path, const struct zone_snapshot *s);

#endif
