/*
 * Ways into the zone file reader and writer for tests (private to disk/).
 */
#ifndef DISK_ZONEFILE_PRIVATE_H
#define DISK_ZONEFILE_PRIVATE_H

#include "disk/zonefile.h"

/* As zonefile_load(), of text in memory, called `file` in faults. $INCLUDE is a fault. */
int zonefile_load_text(const char *file, const char *text, size_t len, struct zone_txn *txn, zonefile_fault_fn fault,
                       void *context);

/* Write the text of all records to a descriptor. 0, ERR_SYSTEM (errno), ERR_NOMEM. */
int zonefile_write_fd(int fd, const struct zone_snapshot *s);

#endif
