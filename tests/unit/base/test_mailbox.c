#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "base/mem.h"

enum { SENDERS = 4, EACH = 5000 };

struct item {
	struct mailbox_message message;
	int sender;
	int number;
};

struct reader {
	int next[SENDERS];
	int count;
	bool out_of_order;
	struct mailbox *box;
	struct item *again; /* posted from inside run */
};

static void run(struct mailbox_message *message, void *context)
{
	struct item *item = (struct item *)message;
	struct reader *r = context;

	r->out_of_order = r->out_of_order || item->number != r->next[item->sender];
	r->next[item->sender]++;
	r->count++;
	if (r->again != NULL) {
		struct item *again = r->again;

		r->again = NULL;
		mailbox_post(r->box, &again->message);
	}
}

static void count_wake(void *context)
{
	(*(int *)context)++;
}

static void runs_in_order_and_wakes_once(void **state)
{
	(void)state;
	int wakes = 0;
	struct mailbox *m = mailbox_new(count_wake, &wakes);
	struct item items[3];
	struct reader r = {0};

	assert_non_null(m);
	assert_int_equal(mailbox_drain(m, &r), 0);
	for (int i = 0; i < 3; i++) {
		items[i] = (struct item){.message.run = run, .number = i};
		mailbox_post(m, &items[i].message);
	}
	assert_int_equal(wakes, 1);
	assert_int_equal(mailbox_drain(m, &r), 3);
	assert_int_equal(r.count, 3);
	assert_false(r.out_of_order);
	mailbox_post(m, &items[0].message);
	assert_int_equal(wakes, 2);
	r.next[0] = 0;
	assert_int_equal(mailbox_drain(m, &r), 1);
	assert_false(r.out_of_order);
	mailbox_free(m);
	mailbox_free(NULL);
}

static void a_message_may_be_posted_while_draining(void **state)
{
	(void)state;
	int wakes = 0;
	struct mailbox *m = mailbox_new(count_wake, &wakes);
	struct item first = {.message.run = run, .number = 0};
	struct item second = {.message.run = run, .number = 1};
	struct reader r = {.box = m, .again = &second};

	mailbox_post(m, &first.message);
	assert_int_equal(mailbox_drain(m, &r), 1);
	assert_int_equal(wakes, 2);
	assert_int_equal(mailbox_drain(m, &r), 1);
	assert_false(r.out_of_order);
	mailbox_free(m);
}

static void creation_fails_without_memory(void **state)
{
	(void)state;
	int wakes = 0;

	mem_fail_after(0);
	assert_null(mailbox_new(count_wake, &wakes));
	mem_fail_after(-1);
}

struct sender {
	struct mailbox *box;
	struct item *items;
};

static void *send_all(void *context)
{
	struct sender *s = context;

	for (int i = 0; i < EACH; i++) {
		mailbox_post(s->box, &s->items[i].message);
	}
	return NULL;
}

static void wake_eventfd(void *context)
{
	uint64_t one = 1;

	assert_int_equal(write(*(int *)context, &one, sizeof(one)), sizeof(one));
}

static void many_threads_lose_nothing_and_keep_their_order(void **state)
{
	(void)state;
	static struct item items[SENDERS][EACH];
	int fd = eventfd(0, EFD_CLOEXEC);
	struct mailbox *m = mailbox_new(wake_eventfd, &fd);
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	struct reader r = {0};

	for (int s = 0; s < SENDERS; s++) {
		for (int i = 0; i < EACH; i++) {
			items[s][i] = (struct item){.message.run = run, .sender = s, .number = i};
		}
		senders[s] = (struct sender){.box = m, .items = items[s]};
		assert_int_equal(pthread_create(&threads[s], NULL, send_all, &senders[s]), 0);
	}
	/* Sleeping until woken and draining then must be enough: a lost wake-up hangs here. */
	while (r.count < SENDERS * EACH) {
		uint64_t wakes;

		assert_int_equal(read(fd, &wakes, sizeof(wakes)), sizeof(wakes));
		mailbox_drain(m, &r);
	}
	for (int s = 0; s < SENDERS; s++) {
		pthread_join(threads[s], NULL);
		assert_int_equal(r.next[s], EACH);
	}
	assert_false(r.out_of_order);
	mailbox_free(m);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(runs_in_order_and_wakes_once),
	        cmocka_unit_test(a_message_may_be_posted_while_draining),
	        cmocka_unit_test(creation_fails_without_memory),
	        cmocka_unit_test(many_threads_lose_nothing_and_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
