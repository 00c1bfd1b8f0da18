#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/loop.h"

struct fixture {
	struct net_loop *loop;
	struct timers_entry *rearm; /* this entry is armed again when it expires */
	char trace[64];             /* what ran, in order */
	struct net_watch *watch;
	int fds[2];
	int signum;
};

static void note(struct fixture *f, char what)
{
	size_t len = strlen(f->trace);

	assert_true(len + 1 < sizeof(f->trace));
	f->trace[len] = what;
	f->trace[len + 1] = '\0';
}

static void expired(void *context, struct timers_entry *entry, uint64_t now_ms)
{
	struct fixture *f = context;

	note(f, 'T');
	assert_true(entry->deadline_ms <= now_ms);
	assert_int_equal(now_ms, net_loop_now_ms(f->loop));
	if (entry == f->rearm) {
		net_loop_timer(f->loop, entry, now_ms);
	}
}

static void woken(void *context)
{
	note(context, 'W');
	net_loop_stop(((struct fixture *)context)->loop);
}

static void turn(void *context)
{
	note(context, '.');
}

static int setup(void **state)
{
	static struct fixture f;
	const struct net_loop_callbacks callbacks = {expired, woken, turn};

	memset(&f, 0, sizeof(f));
	f.loop = net_loop_new(&callbacks, &f);
	*state = &f;
	return f.loop == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f.fds);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	net_loop_free(f->loop);
	close(f->fds[0]);
	close(f->fds[1]);
	return 0;
}

static void deadlines_run_when_due(void **state)
{
	struct fixture *f = *state;
	struct timers_entry a = {0};
	struct timers_entry b = {0};

	assert_int_equal(net_loop_timer(f->loop, &a, net_loop_now_ms(f->loop)), 0);
	assert_int_equal(net_loop_timer(f->loop, &b, net_loop_now_ms(f->loop) + 1000000), 0);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, "T.");
	/* Waiting is cut short by a deadline in the future too. */
	net_loop_timer(f->loop, &b, net_clock_ms() + 3);
	for (int i = 0; i < 100 && strcmp(f->trace, "T.") == 0; i++) {
		f->trace[2] = '\0';
		net_loop_run_once(f->loop, 10000);
		if (strchr(f->trace + 2, 'T') != NULL) {
			break;
		}
		f->trace[2] = '\0';
	}
	assert_string_equal(f->trace + 2, "T.");
	assert_true(net_clock_us() / 1000 >= net_loop_now_ms(f->loop));
}

static void a_deadline_rearmed_for_now_does_not_hold_up_the_turn(void **state)
{
	struct fixture *f = *state;
	struct timers_entry a = {0};

	f->rearm = &a;
	net_loop_timer(f->loop, &a, net_loop_now_ms(f->loop));
	net_loop_run_once(f->loop, 10000);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, "T.T.");
	net_loop_timer(f->loop, &a, UINT64_MAX);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, "T.T..");
}

static void on_ready(void *context, unsigned events)
{
	struct fixture *f = context;

	note(f, events == NET_READABLE ? 'r' : events == NET_WRITABLE ? 'w' : 'b');
}

static void readiness_follows_what_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct net_watch *w = net_watch_new(f->loop, f->fds[0], NET_READABLE, on_ready, f);

	assert_non_null(w);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, ".");
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, ".r.");
	net_watch_set(w, 0);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, ".r..");
	net_watch_set(w, NET_WRITABLE);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, ".r..w.");
	net_watch_set(w, NET_READABLE | NET_WRITABLE);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, ".r..w.b.");
	net_watch_free(w);
	net_watch_free(NULL);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, ".r..w.b..");
}

static void free_in_ready(void *context, unsigned events)
{
	struct fixture *f = context;

	(void)events;
	note(f, 'r');
	net_watch_free(f->watch);
	f->watch = NULL;
	/* The number is free for others at once. */
	close(f->fds[0]);
	f->fds[0] = dup(f->fds[1]);
}

static void a_watch_may_end_itself(void **state)
{
	struct fixture *f = *state;

	f->watch = net_watch_new(f->loop, f->fds[0], NET_READABLE | NET_WRITABLE, free_in_ready, f);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	net_loop_run_once(f->loop, 10000);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, "r..");
}

static void deadlines_come_before_descriptors(void **state)
{
	struct fixture *f = *state;
	struct timers_entry a = {0};
	struct net_watch *w = net_watch_new(f->loop, f->fds[0], NET_READABLE, on_ready, f);

	assert_int_equal(write(f->fds[1], "x", 1), 1);
	net_loop_timer(f->loop, &a, net_loop_now_ms(f->loop));
	net_loop_wake(f->loop);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, "TrW.");
	net_watch_free(w);
}

static void a_peer_that_is_gone_is_told(void **state)
{
	struct fixture *f = *state;
	struct net_watch *w = net_watch_new(f->loop, f->fds[0], NET_READABLE, on_ready, f);

	close(f->fds[1]);
	f->fds[1] = dup(f->fds[0]);
	net_loop_run_once(f->loop, 10000);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, "r.r.");
	net_watch_free(w);
}

struct deferred {
	struct net_deferred d;
	struct fixture *f;
	int again;
};

static void run_deferred(struct net_deferred *d)
{
	struct deferred *x = (struct deferred *)d;

	note(x->f, 'd');
	if (x->again-- > 0) {
		net_loop_defer(x->f->loop, d);
	}
}

static void deferred_work_ends_the_turn(void **state)
{
	struct fixture *f = *state;
	struct deferred x = {.d.run = run_deferred, .f = f, .again = 1};

	net_loop_defer(f->loop, &x.d);
	net_loop_defer(f->loop, &x.d);
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, ".d");
	net_loop_run_once(f->loop, 10000);
	assert_string_equal(f->trace, ".d.d");
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, ".d.d.");
}

static void *wake_it(void *loop)
{
	net_loop_wake(loop);
	return NULL;
}

static void another_thread_wakes_it(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wake_it, f->loop), 0);
	assert_int_equal(net_loop_run(f->loop), 0);
	pthread_join(thread, NULL);
	assert_string_equal(f->trace, "W.");
}

static void on_signal(void *context, int signum)
{
	struct fixture *f = context;

	f->signum = signum;
	net_loop_stop(f->loop);
}

static void signals_arrive_in_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(net_loop_signal(f->loop, SIGHUP, on_signal, f), 0);
	assert_int_equal(net_loop_signal(f->loop, SIGTERM, on_signal, f), 0);
	raise(SIGHUP);
	assert_int_equal(net_loop_run(f->loop), 0);
	assert_int_equal(f->signum, SIGHUP);
	raise(SIGTERM);
	assert_int_equal(net_loop_run(f->loop), 0);
	assert_int_equal(f->signum, SIGTERM);
	assert_int_equal(net_loop_signal(f->loop, SIGKILL, on_signal, f), ERR_SYSTEM);
}

static void embeds_in_another_loop(void **state)
{
	struct fixture *f = *state;
	struct timers_entry a = {0};

	net_loop_run_once(f->loop, 0);
	assert_int_equal(net_loop_timeout_ms(f->loop), -1);
	net_loop_timer(f->loop, &a, net_clock_ms() + 100000);
	assert_in_range(net_loop_timeout_ms(f->loop), 1, 100001);
	struct net_watch *w = net_watch_new(f->loop, f->fds[0], NET_READABLE, on_ready, f);

	/* The kernel has to be told of the new descriptor first. */
	assert_int_equal(net_loop_timeout_ms(f->loop), 0);
	net_loop_run_once(f->loop, 0);
	assert_in_range(net_loop_timeout_ms(f->loop), 1, 100001);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	struct pollfd p = {.fd = net_loop_fd(f->loop), .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	net_loop_run_once(f->loop, 0);
	assert_string_equal(f->trace, "..r.");
	net_loop_timer(f->loop, &a, 0);
	assert_int_equal(net_loop_timeout_ms(f->loop), 0);
	/* The entry lives on this stack, the loop goes on in the teardown. */
	net_loop_timer(f->loop, &a, UINT64_MAX);
	net_watch_free(w);
}

static void memory_may_end(void **state)
{
	struct fixture *f = *state;
	const struct net_loop_callbacks callbacks = {expired, woken, NULL};
	struct timers_entry a = {0};

	mem_fail_after(0);
	assert_null(net_loop_new(&callbacks, f));
	mem_fail_after(0);
	assert_null(net_watch_new(f->loop, f->fds[0], NET_READABLE, on_ready, f));
	mem_fail_after(0);
	assert_int_equal(net_loop_signal(f->loop, SIGHUP, on_signal, f), ERR_NOMEM);
	mem_fail_after(0);
	assert_int_equal(net_loop_timer(f->loop, &a, 0), ERR_NOMEM);
	mem_fail_after(-1);
	/* Not a descriptor, and one that cannot be polled. */
	assert_null(net_watch_new(f->loop, -1, NET_READABLE, on_ready, f));
	net_loop_free(NULL);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(deadlines_run_when_due),
	        WITH_LOOP(a_deadline_rearmed_for_now_does_not_hold_up_the_turn),
	        WITH_LOOP(readiness_follows_what_is_wanted),
	        WITH_LOOP(a_watch_may_end_itself),
	        WITH_LOOP(deadlines_come_before_descriptors),
	        WITH_LOOP(a_peer_that_is_gone_is_told),
	        WITH_LOOP(deferred_work_ends_the_turn),
	        WITH_LOOP(another_thread_wakes_it),
	        WITH_LOOP(signals_arrive_in_the_loop),
	        WITH_LOOP(embeds_in_another_loop),
	        WITH_LOOP(memory_may_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
