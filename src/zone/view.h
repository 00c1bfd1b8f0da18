/*
 * What a subscriber sees: the answer of one snapshot to (name, type, class) as
 * records, the difference of two such answers as changes, and which names a
 * changeset can concern (RFC 8765 2: same results as fast enough polling).
 */
#ifndef ZONE_VIEW_H
#define ZONE_VIEW_H

#include "feed/change.h"
#include "zone/store.h"

/*
 * The records that a question gets now: each a FEED_ADD with the question's own
 * name as owner. Records may point into the view itself: it is not to be moved.
 */
struct zone_view {
	struct feed_list records;     /* sorted by type, then canonical rdata order */
	bool authoritative;           /* false: below a zone cut (NOTAUTH, push.md B8); records is empty then */
	bool name_empty;              /* the name has no records at all for anybody (type ANY would give none) */
	struct wire_name synthesized; /* rdata of a CNAME made from a DNAME */
};
void zone_view_init(struct zone_view *v);
void zone_view_done(struct zone_view *v);
/*
 * Fill the view: `name` at or under the origin (borrowed, it becomes the owner of the
 * records), type 255 means ALL; a CNAME at the name, or made for it, matches every
 * type (PUSH-005), TYPE=CNAME only CNAME (PUSH-046). A wildcard that would answer
 * gives its records (B11); a literal `*` label in `name` is just a label. RRSIG and
 * NSEC come only for those types or ANY (B22). Class IN or 255; others give no records.
 * Valid while the snapshot is held. 0 or ERR_NOMEM.
 */
int zone_view_fill(struct zone_view *v, const struct zone_snapshot *s, const uint8_t *name, uint16_t type,
                   uint16_t dns_class);

/*
 * Changes from one view to the next, removals before adds: FEED_REMOVE a record,
 * FEED_REMOVE_RRSET when all records of a type (two or more) went, FEED_REMOVE_CLASS when
 * after.name_empty and more than one record went, FEED_ADD for new records and for changed
 * TTLs (PUSH-093). Appended to `ret_changes`; they point into both snapshots. Either view may be NULL for empty.
 * Only rdata bytes identical in letters too count as the same record. 0 or ERR_NOMEM.
 */
int zone_view_diff(const struct zone_view *before, const struct zone_view *after, struct feed_list *ret_changes);

/*
 * Names whose views a changeset may change: called once for each owner that
 * changed, and, where the change is one of existence, wildcard, DNAME or zone cut
 * that can touch other names, with `subtree` true for the top of all names
 * concerned. Tells too much rather than too little; cheap in zones without
 * wildcards, DNAMEs and cuts. Stops at the first nonzero result and returns it.
 */
typedef int (*zone_affected_fn)(void *context, const uint8_t *name, bool subtree);
int zone_affected(const struct zone_changeset *c, zone_affected_fn each, void *context);

#endif
