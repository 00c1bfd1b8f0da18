/* dnspush watch: follow records until told to stop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/report.h"
#include "wire/text.h"

struct watch {
	const struct cli_options *options;
	struct cli_run run;
	bool colour;
	uint64_t changes;
	bool accepted;  /* at least one subscription was */
	bool connected; /* at least once */
	int status;     /* decided early: else -1 */
	/* JSON lines of the batch under way, for --exec */
	char *batch;
	size_t batch_len;
	size_t batch_cap;
};

/* Is the whole word a record type? */
static bool is_type(const char *word)
{
	uint16_t type;
	return wire_type_from_text(word, strlen(word), &type) == 0;
}

static int subscribe(struct watch *w, const char *name, const char *type)
{
	uint32_t id;
	return dnspush_subscribe(w->run.handle, name, type, &id) ? cli_wrong("watch", dnspush_error(w->run.handle)) : 0;
}

/* NAME/TYPE; the last slash counts, as names may hold one. */
static int subscribe_pair(struct watch *w, char *word)
{
	char *slash = strrchr(word, '/');
	if (!slash || !is_type(slash + 1)) {
		return subscribe(w, word, NULL);
	}
	*slash = '\0';
	int status = subscribe(w, word, slash + 1);
	*slash = '/';
	return status;
}

/* NAME [TYPE]..., or NAME/TYPE pairs. */
static int subscribe_all(struct watch *w)
{
	const struct cli_options *o = w->options;
	int status = 0;
	if (o->word_count == 0) {
		return cli_wrong("watch", "needs the NAME to follow; see dnspush watch --help");
	}
	bool types = o->word_count > 1;
	for (int i = 1; i < o->word_count; i++) {
		types = types && is_type(o->words[i]);
	}
	if (!types) {
		for (int i = 0; i < o->word_count && !status; i++) {
			status = i > 0 && is_type(o->words[i])
			                 ? cli_wrong(o->words[i], "a record type among names: write NAME/TYPE pairs")
			                 : subscribe_pair(w, o->words[i]);
		}
		return status;
	}
	for (int i = 1; i < o->word_count && !status; i++) {
		status = subscribe(w, o->words[0], o->words[i]);
	}
	return status;
}

/* ---- --exec ---- */

static void keep_for_exec(struct watch *w, const char *json)
{
	size_t len = strlen(json);
	if (mem_grow(&w->batch, &w->batch_cap, w->batch_len + len + 1, 1)) {
		cli_error("--exec", "out of memory, a record is left out");
		return;
	}
	memcpy(w->batch + w->batch_len, json, len);
	w->batch[w->batch_len + len] = '\n';
	w->batch_len += len + 1;
}

static void feed_child(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break; /* it did not want to read on, which is its right */
		}
		data += n;
		len -= (size_t)n;
	}
}

/* One run a batch, one after the other. */
static void run_exec(struct watch *w)
{
	int pipe_fds[2];
	if (w->batch_len == 0 || pipe2(pipe_fds, O_CLOEXEC)) {
		return;
	}
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		/* With standard input closed at the start the pipe may be 0 itself: dup2 would leave it close-on-exec.
		 */
		if (pipe_fds[0] == STDIN_FILENO) {
			fcntl(STDIN_FILENO, F_SETFD, 0);
		} else {
			dup2(pipe_fds[0], STDIN_FILENO);
		}
		execl("/bin/sh", "sh", "-c", w->options->exec, (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[0]);
	int status = 0;
	if (child > 0) {
		feed_child(pipe_fds[1], w->batch, w->batch_len);
		close(pipe_fds[1]);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
		}
	} else {
		close(pipe_fds[1]);
	}
	if (child < 0) {
		cli_error(w->options->exec, strerror(errno));
	} else if (status) {
		char why[64];
		snprintf(why, sizeof(why), "ended with status %d",
		         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		cli_error(w->options->exec, why);
	}
	w->batch_len = 0;
}

/* ---- events ---- */

static void show(struct watch *w, const struct dnspush_event *e)
{
	uint64_t now = report_now_us();
	bool is_change = e->event == DNSPUSH_EVENT_ADD || e->event == DNSPUSH_EVENT_REMOVE;
	char *json = w->options->json || (w->options->exec && is_change) ? report_json(e, now) : NULL;

	if (json && w->options->exec && is_change) {
		keep_for_exec(w, json);
	}
	if (json && w->options->json) {
		puts(json);
	} else if (!w->options->json && is_change) {
		report_text(e, now, w->colour, stdout);
	} else if (!w->options->json) {
		bool note = w->options->verbose || e->event == DNSPUSH_EVENT_REFUSED ||
		            e->event == DNSPUSH_EVENT_DISCONNECTED;
		if (note) {
			fflush(stdout);
			report_text(e, now, false, stderr);
		}
	}
	free(json);
}

/* False: that is the end. */
static bool take_event(struct watch *w, const struct dnspush_event *e)
{
	show(w, e);
	switch (e->event) {
	case DNSPUSH_EVENT_CONNECTED:
		w->connected = true;
		if (!e->push) {
			cli_error(e->server, "offers no DNS Stateful Operations, so nothing can be followed there");
			w->status = CLI_FAILED;
		}
		break;
	case DNSPUSH_EVENT_SUBSCRIBED:
		w->accepted = true;
		break;
	case DNSPUSH_EVENT_ADD:
	case DNSPUSH_EVENT_REMOVE:
		w->changes++;
		return true; /* the batch goes out together */
	case DNSPUSH_EVENT_BATCH:
		fflush(stdout);
		if (w->options->exec) {
			run_exec(w);
		}
		if (w->options->count && w->changes >= w->options->count) {
			w->status = CLI_DONE;
		}
		break;
	case DNSPUSH_EVENT_DISCONNECTED:
		if (e->untrusted && !w->connected) {
			cli_error(w->options->connection.server, e->reason);
			w->status = CLI_FAILED;
		}
		break;
	default:
		break;
	}
	fflush(stdout);
	return w->status < 0;
}

int cli_watch(const struct cli_options *o)
{
	struct watch w = {.options = o, .status = -1};
	struct dnspush_event e;

	if (o->has_tsig) {
		return cli_wrong("--tsig", "signs queries and updates; a subscription cannot be signed");
	}
	w.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	int status = cli_run_init(&w.run, o, 0);
	if (!status) {
		status = subscribe_all(&w);
	}
	if (status) {
		cli_run_done(&w.run);
		return status;
	}
	while (cli_run_next(&w.run, &e) && take_event(&w, &e)) {
	}
	if (w.run.failed) {
		w.status = CLI_FAILED;
	}
	if (w.status < 0) {
		w.status = w.run.interrupted || w.accepted ? CLI_DONE : CLI_FAILED;
		if (w.status) {
			cli_error("watch",
			          w.connected ? "no subscription was accepted" : "no server was reached in time");
		}
	}
	cli_run_done(&w.run);
	mem_free(w.batch);
	return w.status;
}
