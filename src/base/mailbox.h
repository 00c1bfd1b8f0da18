/*
 * Messages from any thread to one reading thread, in order per sender.
 *
 * The message is an intrusive node: no allocation, so posting cannot fail. The
 * reader is woken through a callback given at creation (an eventfd write or
 * uv_async_send), once for any number of posts between two drains.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stddef.h>

struct mailbox;

struct mailbox_message {
	struct mailbox_message *next; /* owned by the mailbox while posted */
	/* Called in the reading thread; owns the message from then on. */
	void (*run)(struct mailbox_message *message, void *reader);
};

typedef void (*mailbox_wake_fn)(void *context);

/* NULL when memory ends. `wake` is called from posting threads and must be thread-safe. */
struct mailbox *mailbox_new(mailbox_wake_fn wake, void *wake_context);
/* Free an empty mailbox that nobody posts to any more; NULL is fine. */
void mailbox_free(struct mailbox *m);

/* Post from any thread. The message belongs to the mailbox until run. */
void mailbox_post(struct mailbox *m, struct mailbox_message *message);

/* Run what is there, in order, in the reading thread; returns how many. `reader` is passed on. */
size_t mailbox_drain(struct mailbox *m, void *reader);

#endif
