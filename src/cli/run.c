#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "client/tsig.h"
#include "wire/dns.h"
#include "wire/message.h"

enum { CLOSE_WAIT_MS = 1000, EXCHANGE_TIMEOUT_MS = 10000 };

static uint64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int cli_run_init(struct cli_run *r, const struct cli_options *o, uint64_t default_timeout_ms)
{
	char error[512];
	sigset_t set;

	*r = (struct cli_run){.signals = -1, .deadline_ms = UINT64_MAX};
	if (!o->connection.server) {
		return cli_wrong("--server", "is needed: HOST[@PORT] of a server that offers DNS Push");
	}
	int err = dnspush_new(&o->connection, error, sizeof(error), &r->handle);
	if (err) {
		cli_error(o->connection.server, error);
		return err == DNSPUSH_E_ARGUMENT || err == DNSPUSH_E_TLS ? CLI_USAGE : CLI_FAILED;
	}
	if (o->connection.insecure) {
		fputs("dnspush: WARNING: --insecure: nothing is authenticated, anybody may answer for the server\n",
		      stderr);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	uint64_t timeout = o->has_timeout ? o->timeout_ms : default_timeout_ms;
	if (timeout || o->has_timeout) {
		r->deadline_ms = clock_ms() + timeout;
	}
	return 0;
}

/* Wait for the handle, a signal or the deadline. False for the latter two. */
static bool wait_for_work(struct cli_run *r)
{
	struct pollfd fds[2] = {{.fd = dnspush_fd(r->handle), .events = POLLIN}, {.fd = r->signals, .events = POLLIN}};
	int timeout = dnspush_timeout_ms(r->handle);
	uint64_t now = clock_ms();

	if (now >= r->deadline_ms) {
		r->timed_out = true;
		return false;
	}
	uint64_t left = r->deadline_ms - now;
	if (left < 0x7fffffff && (timeout < 0 || left < (uint64_t)timeout)) {
		timeout = (int)left;
	}
	poll(fds, 2, timeout);
	if (fds[1].revents) {
		struct signalfd_siginfo info;
		r->interrupted = read(r->signals, &info, sizeof(info)) > 0;
	}
	return !r->interrupted;
}

bool cli_run_next(struct cli_run *r, struct dnspush_event *ret_event)
{
	while (!dnspush_next_event(r->handle, ret_event)) {
		if (!wait_for_work(r)) {
			return false;
		}
		if (dnspush_process(r->handle)) {
			cli_error("cannot go on", dnspush_error(r->handle));
			r->failed = true;
			return false;
		}
	}
	return true;
}

void cli_run_done(struct cli_run *r)
{
	struct dnspush_event e = {0};
	if (r->handle) {
		dnspush_close(r->handle);
		r->deadline_ms = clock_ms() + CLOSE_WAIT_MS;
		while (cli_run_next(r, &e) && e.event != DNSPUSH_EVENT_CLOSED) {
		}
	}
	dnspush_free(r->handle);
	if (r->signals >= 0) {
		close(r->signals);
	}
}

/* The answer to one request, as a copy; exit status. */
static int await_answer(struct cli_run *r, uint32_t id, uint8_t **ret_answer, size_t *ret_len)
{
	struct dnspush_event e;
	while (cli_run_next(r, &e)) {
		if (e.event == DNSPUSH_EVENT_ANSWER && e.id == id) {
			*ret_answer = mem_dup(e.message, e.message_len);
			*ret_len = e.message_len;
			return *ret_answer ? CLI_DONE : CLI_FAILED;
		}
		if (e.event == DNSPUSH_EVENT_FAILED || e.event == DNSPUSH_EVENT_DISCONNECTED) {
			cli_error("no answer", e.reason);
			return CLI_FAILED;
		}
	}
	cli_error("no answer", r->interrupted ? "interrupted" : "timed out");
	return CLI_FAILED;
}

static int check_answer(const uint8_t *answer, size_t len, struct wire_tsig_state *tsig)
{
	struct wire_message m;
	int err = wire_message_read(answer, len, &m);
	if (!err && tsig) {
		err = client_tsig_check(&m, tsig);
	}
	if (err) {
		cli_error("the answer cannot be used", err_text(err));
		return CLI_FAILED;
	}
	return CLI_DONE;
}

int cli_exchange(const struct cli_options *o, const uint8_t *message, size_t len, uint8_t **ret_answer, size_t *ret_len)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	struct wire_tsig_state tsig;
	struct cli_run r;
	uint32_t id;

	memcpy(bytes, message, len);
	if (o->has_tsig && client_tsig_sign(&o->tsig, bytes, len, sizeof(bytes), &tsig, &len)) {
		cli_error("--tsig", "the message could not be signed");
		return CLI_FAILED;
	}
	int status = cli_run_init(&r, o, EXCHANGE_TIMEOUT_MS);
	if (status) {
		return status;
	}
	if (dnspush_send(r.handle, bytes, len, &id)) {
		cli_error("cannot send", dnspush_error(r.handle));
		status = CLI_FAILED;
	} else {
		status = await_answer(&r, id, ret_answer, ret_len);
	}
	cli_run_done(&r);
	if (status == CLI_DONE) {
		status = check_answer(*ret_answer, *ret_len, o->has_tsig ? &tsig : NULL);
	}
	return status;
}
