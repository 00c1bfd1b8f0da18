/*
 * Message IDs in use in one direction of a session: requests not yet answered,
 * long-lived operations, and IDs that drain (RFC 8490 5.4.1, dso.md A6). A hash
 * table by ID that holds no memory while it is empty. Not thread-safe.
 */
#ifndef DSO_REQUESTS_H
#define DSO_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dso_request_state {
	DSO_REQUEST_FREE,       /* slot not used */
	DSO_REQUEST_UNANSWERED, /* its response is to come */
	DSO_REQUEST_LONG_LIVED, /* answered NOERROR, the operation goes on */
	DSO_REQUEST_DRAINING,   /* ended by us; stray responses may still be under way (A6) */
};

enum dso_request_flags {
	DSO_REQUEST_F_LONG = 0x01,     /* NOERROR makes it long-lived */
	DSO_REQUEST_F_QUERY = 0x02,    /* an ordinary message, not DSO */
	DSO_REQUEST_F_FIRST = 0x04,    /* its RCODE decides about DSO on this connection (DSO-027) */
	DSO_REQUEST_F_PADDED = 0x08,   /* its response must be padded */
	DSO_REQUEST_F_AWAITING = 0x10, /* draining, and its own response has not come */
	DSO_REQUEST_F_PASSIVE = 0x20,  /* does not hold the inactivity timer (Keepalive) */
};

struct dso_request {
	uint16_t id;
	uint16_t type;  /* primary TLV; 0 for a query */
	uint8_t state;  /* enum dso_request_state */
	uint8_t flags;  /* enum dso_request_flags */
	uint32_t order; /* draining: the number of the last request sent before it ended; else its own number */
};

struct dso_requests {
	struct dso_request *slots; /* NULL while empty; a power of two of them */
	uint32_t cap;
	uint32_t count;      /* IDs in use */
	uint32_t busy;       /* of them, those that hold the inactivity timer */
	uint32_t unanswered; /* of them, DSO_REQUEST_UNANSWERED */
	uint32_t draining;   /* of them, DSO_REQUEST_DRAINING */
};

/* The entry of `id`, or NULL. Valid until the next add or remove. */
struct dso_request *dso_requests_find(const struct dso_requests *t, uint16_t id);

/* Enter `id`, which is not in use, as unanswered. 0 or ERR_NOMEM. */
int dso_requests_add(struct dso_requests *t, uint16_t id, uint16_t type, unsigned flags, uint32_t order);

/* Change the state of an entry (not to FREE), keeping the counts. */
void dso_requests_set(struct dso_requests *t, struct dso_request *r, enum dso_request_state state);
/* A draining entry: its own response came. */
void dso_requests_arrived(struct dso_requests *t, struct dso_request *r);
/* Free the ID. */
void dso_requests_remove(struct dso_requests *t, struct dso_request *r);

/*
 * The first ID from *next_id on that is neither 0 nor in use; *next_id moves
 * behind it. 0, or ERR_LIMIT when all 65,535 are in use.
 */
int dso_requests_pick(const struct dso_requests *t, uint16_t *next_id, uint16_t *ret_id);

/* A response to the request numbered `order` came: free what drained since before it (A6). */
void dso_requests_fence(struct dso_requests *t, uint32_t order);

/* True if a DSO request (not a query) has not been answered, given up or not. Looks at every entry. */
bool dso_requests_await_dso(const struct dso_requests *t);

/* Forget all and release the memory. */
void dso_requests_done(struct dso_requests *t);

#endif
