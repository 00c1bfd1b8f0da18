/*
 * The stream as frames: a 16-bit length and that many bytes of DNS message
 * (RFC 1035 4.2.2, RFC 7766 8). Holds bytes until a whole frame is there, and
 * no memory while nothing is held. Not thread-safe.
 */
#ifndef DSO_FRAME_H
#define DSO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { DSO_FRAME_PREFIX_LEN = 2 };

struct dso_frames {
	struct buf in;
	size_t early_len;  /* of the bytes held, this many came first and as early data */
	uint64_t begun_ms; /* when the first byte of the incomplete frame at the front came */
};

void dso_frames_init(struct dso_frames *f);
void dso_frames_done(struct dso_frames *f);

/* Append bytes from the peer. 0 or ERR_NOMEM. */
int dso_frames_feed(struct dso_frames *f, const uint8_t *data, size_t len, bool early, uint64_t now_ms);

/* The frame at the front, if it is whole: its message without the prefix. Valid until the next call but this one. */
bool dso_frames_peek(const struct dso_frames *f, const uint8_t **ret_message, size_t *ret_len);
/* True if any byte of the frame at the front was early data. */
bool dso_frames_is_early(const struct dso_frames *f);
/* Drop the whole frame at the front; what follows it counts as begun now. */
void dso_frames_drop(struct dso_frames *f, uint64_t now_ms);
/* True if a frame was begun and is not whole. */
bool dso_frames_is_partial(const struct dso_frames *f);

#endif
