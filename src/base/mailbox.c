#include "base/mailbox.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/mem.h"

/*
 * Posting pushes onto a list whose head is the newest; draining takes the whole
 * list at once and turns it round. Nothing is ever popped singly, so a node that
 * comes back at the same address does no harm.
 */
struct mailbox {
	_Atomic(struct mailbox_message *) newest;
	mailbox_wake_fn wake;
	void *wake_context;
};

struct mailbox *mailbox_new(mailbox_wake_fn wake, void *wake_context)
{
	struct mailbox *m = mem_calloc(1, sizeof(*m));

	if (m == NULL) {
		return NULL;
	}
	atomic_init(&m->newest, NULL);
	m->wake = wake;
	m->wake_context = wake_context;
	return m;
}

void mailbox_free(struct mailbox *m)
{
	assert(m == NULL || atomic_load(&m->newest) == NULL);
	mem_free(m);
}

void mailbox_post(struct mailbox *m, struct mailbox_message *message)
{
	struct mailbox_message *older = atomic_load_explicit(&m->newest, memory_order_relaxed);
	/* Once it is posted the mailbox may be drained and freed by the reader: nothing of it is touched after. */
	mailbox_wake_fn wake = m->wake;
	void *wake_context = m->wake_context;

	do {
		message->next = older;
	} while (!atomic_compare_exchange_weak_explicit(&m->newest, &older, message, memory_order_release,
	                                                memory_order_relaxed));
	if (older == NULL) {
		wake(wake_context);
	}
}

size_t mailbox_drain(struct mailbox *m, void *reader)
{
	struct mailbox_message *newest = atomic_exchange_explicit(&m->newest, NULL, memory_order_acquire);
	struct mailbox_message *oldest = NULL;
	size_t count = 0;

	while (newest != NULL) {
		struct mailbox_message *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	while (oldest != NULL) {
		struct mailbox_message *message = oldest;

		oldest = message->next;
		message->next = NULL;
		message->run(message, reader);
		count++;
	}
	return count;
}
