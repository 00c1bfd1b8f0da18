#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <time.h>
#include <uv.h>

#include "base/err.h"
#include "base/mem.h"

struct net_loop_signal {
	uv_signal_t handle;
	struct net_loop *loop;
	net_signal_fn signalled;
	void *context;
	struct net_loop_signal *next;
};

struct net_watch {
	uv_poll_t handle;
	struct net_loop *loop;
	net_watch_fn ready;
	void *context;
	unsigned events; /* wanted */
};

struct net_loop {
	uv_loop_t uv;
	uv_timer_t timer;
	uv_async_t async;
	struct timers timers;
	struct net_loop_callbacks callbacks;
	void *context;
	struct net_deferred *deferred_first;
	struct net_deferred *deferred_last;
	struct net_loop_signal *signals;
	size_t handle_count; /* not yet closed */
	uint64_t now_ms;
	bool began;     /* this turn's clock and deadlines are done */
	bool woken;     /* the wake-up came in this turn */
	bool unsettled; /* watches changed since the kernel was last told */
	bool stopped;
};

uint64_t net_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t net_clock_ms(void)
{
	return net_clock_us() / 1000;
}

/* First thing after waiting: deadlines run before the first ready descriptor. */
static void begin_turn(struct net_loop *l)
{
	struct timers_entry *entry;

	if (l->began) {
		return;
	}
	l->began = true;
	uv_update_time(&l->uv);
	l->now_ms = uv_now(&l->uv);
	/* An entry re-armed for the same moment waits for the next turn: this ends. */
	for (size_t left = l->timers.count; left > 0 && (entry = timers_expired(&l->timers, l->now_ms)) != NULL;
	     left--) {
		l->callbacks.expired(l->context, entry, l->now_ms);
	}
}

static void on_timer(uv_timer_t *timer)
{
	/* Only ends the wait; without this the library would go on to wait for descriptors. */
	uv_stop(timer->loop);
}

static void on_async(uv_async_t *async)
{
	struct net_loop *l = async->data;

	l->woken = true;
}

static void on_closed(uv_handle_t *handle)
{
	struct net_loop *l = handle->data;

	l->handle_count--;
}

static void on_signal_closed(uv_handle_t *handle)
{
	mem_free(handle->data);
}

/* Close the loop's own handles and let the library finish every close that is under way. */
static void drain(struct net_loop *l)
{
	while (l->signals != NULL) {
		struct net_loop_signal *s = l->signals;

		l->signals = s->next;
		uv_close((uv_handle_t *)&s->handle, on_signal_closed);
	}
	uv_run(&l->uv, UV_RUN_DEFAULT);
	int err = uv_loop_close(&l->uv);

	assert(err == 0);
	(void)err;
}

static int init_handles(struct net_loop *l)
{
	if (uv_timer_init(&l->uv, &l->timer) != 0) {
		return ERR_SYSTEM;
	}
	l->timer.data = l;
	l->handle_count++;
	if (uv_async_init(&l->uv, &l->async, on_async) != 0) {
		uv_close((uv_handle_t *)&l->timer, on_closed);
		return ERR_SYSTEM;
	}
	l->async.data = l;
	l->handle_count++;
	return 0;
}

struct net_loop *net_loop_new(const struct net_loop_callbacks *callbacks, void *context)
{
	struct net_loop *l = mem_calloc(1, sizeof(*l));

	if (l == NULL) {
		return NULL;
	}
	if (uv_loop_init(&l->uv) != 0) {
		mem_free(l);
		return NULL;
	}
	if (init_handles(l) < 0) {
		drain(l);
		mem_free(l);
		return NULL;
	}
	timers_init(&l->timers);
	l->callbacks = *callbacks;
	l->context = context;
	l->now_ms = uv_now(&l->uv);
	return l;
}

static void run_deferred(struct net_loop *l)
{
	struct net_deferred *d = l->deferred_first;

	/* What these defer in turn waits for the next turn. */
	l->deferred_first = NULL;
	l->deferred_last = NULL;
	while (d != NULL) {
		struct net_deferred *next = d->next;

		d->next = NULL;
		d->waiting = false;
		d->run(d);
		d = next;
	}
}

void net_loop_free(struct net_loop *l)
{
	if (l == NULL) {
		return;
	}
	while (l->deferred_first != NULL) {
		run_deferred(l);
	}
	uv_close((uv_handle_t *)&l->timer, on_closed);
	uv_close((uv_handle_t *)&l->async, on_closed);
	drain(l);
	assert(l->handle_count == 0);
	timers_done(&l->timers);
	mem_free(l);
}

/* How long to wait: at most `wait_ms` (UINT64_MAX: no limit). */
static uint64_t wait_time(const struct net_loop *l, uint64_t wait_ms)
{
	uint64_t next_ms = timers_next_ms(&l->timers);
	uint64_t now_ms = uv_now(&l->uv);

	if (l->deferred_first != NULL || l->stopped || next_ms <= now_ms) {
		return 0;
	}
	if (next_ms != UINT64_MAX && next_ms - now_ms < wait_ms) {
		return next_ms - now_ms;
	}
	return wait_ms;
}

static void run_turn(struct net_loop *l, uint64_t wait_ms)
{
	uv_update_time(&l->uv);
	wait_ms = wait_time(l, wait_ms);
	l->began = false;
	l->unsettled = false;
	if (wait_ms != 0 && wait_ms != UINT64_MAX) {
		uv_timer_start(&l->timer, on_timer, wait_ms, 0);
	}
	uv_run(&l->uv, wait_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
	uv_timer_stop(&l->timer);
	begin_turn(l);
	if (l->woken) {
		l->woken = false;
		l->callbacks.woken(l->context);
	}
	if (l->callbacks.turn != NULL) {
		l->callbacks.turn(l->context);
	}
	run_deferred(l);
}

int net_loop_run(struct net_loop *l)
{
	l->stopped = false;
	while (!l->stopped) {
		run_turn(l, UINT64_MAX);
	}
	return 0;
}

int net_loop_run_once(struct net_loop *l, uint64_t wait_ms)
{
	l->stopped = false;
	run_turn(l, wait_ms);
	return 0;
}

void net_loop_stop(struct net_loop *l)
{
	l->stopped = true;
}

void net_loop_wake(struct net_loop *l)
{
	uv_async_send(&l->async);
}

uint64_t net_loop_now_ms(const struct net_loop *l)
{
	return l->now_ms;
}

int net_loop_timer(struct net_loop *l, struct timers_entry *entry, uint64_t deadline_ms)
{
	return timers_set(&l->timers, entry, deadline_ms);
}

void net_loop_defer(struct net_loop *l, struct net_deferred *d)
{
	if (d->waiting) {
		return;
	}
	d->waiting = true;
	d->next = NULL;
	if (l->deferred_last != NULL) {
		l->deferred_last->next = d;
	} else {
		l->deferred_first = d;
	}
	l->deferred_last = d;
}

/* ---- descriptors ---- */

static void on_poll(uv_poll_t *handle, int status, int events);

static void restart(struct net_watch *w)
{
	int events = (w->events & NET_READABLE ? UV_READABLE : 0) | (w->events & NET_WRITABLE ? UV_WRITABLE : 0);

	w->loop->unsettled = true;
	if (events == 0) {
		uv_poll_stop(&w->handle);
	} else {
		uv_poll_start(&w->handle, events, on_poll);
	}
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct net_watch *w = handle->data;
	unsigned ready = (events & UV_READABLE ? NET_READABLE : 0) | (events & UV_WRITABLE ? NET_WRITABLE : 0);

	if (status < 0) {
		/* An error waits on the descriptor, and the library has stopped. Reading or writing will tell which. */
		ready = NET_READABLE | NET_WRITABLE;
		restart(w);
	}
	begin_turn(w->loop);
	/* A deadline that ran just now may have stopped it. */
	if (!uv_is_closing((uv_handle_t *)handle) && (ready & w->events) != 0) {
		w->ready(w->context, ready & w->events);
	}
}

struct net_watch *net_watch_new(struct net_loop *l, int fd, unsigned events, net_watch_fn ready, void *context)
{
	struct net_watch *w = mem_calloc(1, sizeof(*w));

	if (w == NULL) {
		return NULL;
	}
	if (uv_poll_init(&l->uv, &w->handle, fd) != 0) {
		mem_free(w);
		return NULL;
	}
	w->handle.data = w;
	w->loop = l;
	w->ready = ready;
	w->context = context;
	l->handle_count++;
	net_watch_set(w, events);
	return w;
}

void net_watch_set(struct net_watch *w, unsigned events)
{
	if (w->events != events) {
		w->events = events;
		restart(w);
	}
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct net_watch *w = handle->data;

	w->loop->handle_count--;
	mem_free(w);
}

void net_watch_free(struct net_watch *w)
{
	if (w != NULL) {
		w->events = 0;
		w->loop->unsettled = true;
		uv_close((uv_handle_t *)&w->handle, on_watch_closed);
	}
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
	struct net_loop_signal *s = handle->data;
	struct net_loop *l = s->loop;

	begin_turn(l);
	s->signalled(s->context, signum);
}

int net_loop_signal(struct net_loop *l, int signum, net_signal_fn signalled, void *context)
{
	struct net_loop_signal *s = mem_calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_NOMEM;
	}
	if (uv_signal_init(&l->uv, &s->handle) != 0) {
		mem_free(s);
		return ERR_SYSTEM;
	}
	s->handle.data = s;
	s->loop = l;
	s->signalled = signalled;
	s->context = context;
	s->next = l->signals;
	l->signals = s;
	return uv_signal_start(&s->handle, on_signal, signum) == 0 ? 0 : ERR_SYSTEM;
}

/* ---- embedding ---- */

int net_loop_fd(const struct net_loop *l)
{
	return uv_backend_fd(&l->uv);
}

int net_loop_timeout_ms(const struct net_loop *l)
{
	uint64_t next_ms = timers_next_ms(&l->timers);
	/* The library's clock stands still while the embedding loop waits. */
	uint64_t now_ms = uv_hrtime() / 1000000;

	if (l->unsettled || l->deferred_first != NULL || next_ms <= now_ms) {
		return 0;
	}
	if (next_ms == UINT64_MAX) {
		return -1;
	}
	return next_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(next_ms - now_ms);
}
