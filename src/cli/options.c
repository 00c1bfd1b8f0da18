#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"
#include "client/tsig.h"

enum option {
	OPTION_SERVER,
	OPTION_TLS_CA,
	OPTION_TLS_HOSTNAME,
	OPTION_TLS_PIN,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_INSECURE,
	OPTION_TSIG,
	OPTION_JSON,
	OPTION_TIMEOUT,
	OPTION_COUNT,
	OPTION_EXEC,
	OPTION_NO_POLL,
	OPTION_VERBOSE,
	OPTION_HELP,
	OPTIONS,
};

struct option_entry {
	const char *name;
	char letter; /* 0: none */
	bool has_value;
};

static const struct option_entry entries[OPTIONS] = {
        [OPTION_SERVER] = {"--server", 0, true},
        [OPTION_TLS_CA] = {"--tls-ca", 0, true},
        [OPTION_TLS_HOSTNAME] = {"--tls-hostname", 0, true},
        [OPTION_TLS_PIN] = {"--tls-pin", 0, true},
        [OPTION_TLS_CERT] = {"--tls-cert", 0, true},
        [OPTION_TLS_KEY] = {"--tls-key", 0, true},
        [OPTION_INSECURE] = {"--insecure", 0, false},
        [OPTION_TSIG] = {"--tsig", 'y', true},
        [OPTION_JSON] = {"--json", 0, false},
        [OPTION_TIMEOUT] = {"--timeout", 0, true},
        [OPTION_COUNT] = {"--count", 0, true},
        [OPTION_EXEC] = {"--exec", 0, true},
        [OPTION_NO_POLL] = {"--no-poll", 0, false},
        [OPTION_VERBOSE] = {"--verbose", 'v', false},
        [OPTION_HELP] = {"--help", 'h', false},
};

void cli_error(const char *what, const char *why)
{
	fprintf(stderr, "dnspush: %s: %s\n", what, why);
}

int cli_wrong(const char *what, const char *why)
{
	cli_error(what, why);
	return CLI_USAGE;
}

bool cli_parse_duration(const char *text, uint64_t *ret_ms)
{
	char *end;
	if (*text < '0' || *text > '9') {
		return false;
	}
	unsigned long long value = strtoull(text, &end, 10);
	uint64_t unit = strcmp(end, "ms") == 0                  ? 1
	                : strcmp(end, "s") == 0 || *end == '\0' ? 1000
	                : strcmp(end, "m") == 0                 ? 60 * 1000
	                : strcmp(end, "h") == 0                 ? 60 * 60 * 1000
	                                                        : 0;
	if (unit == 0 || value > 1000000000) {
		return false;
	}
	*ret_ms = value * unit;
	return true;
}

/* Edit distance, of words up to 31 letters. */
static size_t distance(const char *a, const char *b)
{
	enum { MOST = 32 };
	size_t row[MOST], a_len = strlen(a), b_len = strlen(b);
	if (a_len >= MOST || b_len >= MOST) {
		return MOST;
	}
	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b_len];
}

const char *cli_nearest(const char *word, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t least = strlen(word) / 2 + 1;
	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, candidates[i]);
		if (d < least) {
			least = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}

static int unknown_option(const char *word)
{
	const char *names[OPTIONS];
	char why[128];
	for (size_t i = 0; i < OPTIONS; i++) {
		names[i] = entries[i].name;
	}
	const char *nearest = cli_nearest(word, names, OPTIONS);
	snprintf(why, sizeof(why), "unknown option%s%s%s", nearest ? "; did you mean " : "; see dnspush --help",
	         nearest ? nearest : "", nearest ? "?" : "");
	return cli_wrong(word, why);
}

static int take_option(struct cli_options *o, enum option option, const char *value)
{
	const char *why;
	char *end;
	switch (option) {
	case OPTION_SERVER:
		o->connection.server = value;
		return 0;
	case OPTION_TLS_CA:
		o->connection.tls_ca = value;
		return 0;
	case OPTION_TLS_HOSTNAME:
		o->connection.tls_hostname = value;
		return 0;
	case OPTION_TLS_PIN:
		o->connection.tls_pin = value;
		return 0;
	case OPTION_TLS_CERT:
		o->connection.tls_cert = value;
		return 0;
	case OPTION_TLS_KEY:
		o->connection.tls_key = value;
		return 0;
	case OPTION_INSECURE:
		o->connection.insecure = 1;
		return 0;
	case OPTION_TSIG:
		o->has_tsig = true;
		return client_tsig_parse(value, &o->tsig, &why) ? cli_wrong("--tsig", why) : 0;
	case OPTION_JSON:
		o->json = true;
		return 0;
	case OPTION_TIMEOUT:
		o->has_timeout = true;
		return cli_parse_duration(value, &o->timeout_ms)
		               ? 0
		               : cli_wrong(value, "not a duration like 15s, 2m or 1h");
	case OPTION_COUNT:
		o->count = strtoull(value, &end, 10);
		return *end == '\0' && *value != '-' && o->count > 0
		               ? 0
		               : cli_wrong(value, "--count takes a whole number from 1");
	case OPTION_EXEC:
		o->exec = value;
		return 0;
	case OPTION_VERBOSE:
		o->verbose = true;
		return 0;
	case OPTION_HELP:
		return -1;
	case OPTION_NO_POLL: /* there is no polling to fall back to without discovery */
	case OPTIONS:
		break;
	}
	return 0;
}

/* The option that a word is, with the place of its value ("--x=y"), or OPTIONS. */
static enum option find_option(const char *word, const char **ret_value)
{
	*ret_value = NULL;
	for (size_t i = 0; i < OPTIONS; i++) {
		size_t len = strlen(entries[i].name);
		if (strncmp(word, entries[i].name, len) == 0 && (word[len] == '\0' || word[len] == '=')) {
			*ret_value = word[len] ? word + len + 1 : NULL;
			return (enum option)i;
		}
		if (entries[i].letter && word[0] == '-' && word[1] == entries[i].letter) {
			*ret_value = word[2] ? word + 2 : NULL;
			return (enum option)i;
		}
	}
	return OPTIONS;
}

int cli_parse_options(int argc, char **argv, struct cli_options *o)
{
	o->words = argv;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		const char *value;
		if (strcmp(word, "--") == 0) {
			while (i < argc) {
				o->words[o->word_count++] = argv[i++];
			}
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			o->words[o->word_count++] = argv[i];
			continue;
		}
		enum option option = find_option(word, &value);
		if (option == OPTIONS) {
			return unknown_option(word);
		}
		if (!entries[option].has_value && value) {
			return cli_wrong(word, "this option takes no value");
		}
		if (entries[option].has_value && !value) {
			if (i + 1 == argc) {
				return cli_wrong(word, "this option needs a value");
			}
			value = argv[++i];
		}
		int status = take_option(o, option, value);
		if (status) {
			return status;
		}
	}
	return 0;
}
