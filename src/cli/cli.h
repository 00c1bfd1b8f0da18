/* What the commands of `dnspush` share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnspush.h"
#include "wire/sign.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* The options that are common to all commands, and the words that are left. */
struct cli_options {
	struct dnspush_options connection;
	bool json;
	bool verbose;
	bool has_timeout;
	uint64_t timeout_ms;
	uint64_t count; /* stop after that many changes; 0: never */
	const char *exec;
	bool has_tsig;
	struct wire_tsig_key tsig;
	/* words after the command, options taken out; from `--` on everything stands as it was */
	int word_count;
	char **words;
};

/* Runs with its words; returns the exit status. */
typedef int (*cli_command_fn)(const struct cli_options *o);

int cli_watch(const struct cli_options *o);
int cli_query(const struct cli_options *o);
int cli_update(const struct cli_options *o);
int cli_reconfirm(const struct cli_options *o);

/* "dnspush: what: why" on stderr. */
void cli_error(const char *what, const char *why);
/* As cli_error, for wrong usage: returns CLI_USAGE. */
int cli_wrong(const char *what, const char *why);

/* Parse argv behind the command. 0; CLI_USAGE after telling what is wrong; -1 when --help was asked for. */
int cli_parse_options(int argc, char **argv, struct cli_options *ret_options);
/* A duration: 15s, 2m, 1h, 500ms, plain seconds. 0 or CLI_USAGE-worthy: false. */
bool cli_parse_duration(const char *text, uint64_t *ret_ms);
/* The candidate nearest to a word, or NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *candidates, size_t count);

/* ---- running a handle ---- */

struct cli_run {
	struct dnspush *handle;
	int signals;          /* a descriptor that is readable on SIGINT or SIGTERM */
	uint64_t deadline_ms; /* monotonic; UINT64_MAX: none */
	bool interrupted;
	bool timed_out;
	bool failed; /* the handle cannot go on; told already */
};

/* Make the handle; tells the error itself: 0 or an exit status. `default_timeout_ms` applies without --timeout; 0:
 * none. */
int cli_run_init(struct cli_run *r, const struct cli_options *o, uint64_t default_timeout_ms);
/* The next event, waiting for it; false at a signal or the deadline. */
bool cli_run_next(struct cli_run *r, struct dnspush_event *ret_event);
/* Orderly close: waits for it, a second at most; then frees all. */
void cli_run_done(struct cli_run *r);

/*
 * Send one message, signed if asked, and wait for its answer, whose TSIG is checked. *ret_answer is
 * heap of *ret_len bytes. 0, or an exit status after telling why.
 */
int cli_exchange(const struct cli_options *o, const uint8_t *message, size_t len, uint8_t **ret_answer,
                 size_t *ret_len);

#endif
