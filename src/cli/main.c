/* dnspush: the table of commands. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

struct command {
	const char *name;
	cli_command_fn run;
	const char *arguments;
	const char *does;
};

static const struct command commands[] = {
        {"watch", cli_watch, "NAME [TYPE]... | NAME/TYPE...", "follow records: every change, as it happens"},
        {"query", cli_query, "NAME [TYPE]", "ask once, over the session"},
        {"update", cli_update, "ZONE -- add|delete NAME [TTL] TYPE [RDATA] [-- ...] | ZONE -",
         "change records (DNS UPDATE); - reads lines from standard input"},
        {"reconfirm", cli_reconfirm, "NAME TYPE RDATA", "ask the server to verify a record"},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char common_options[] =
        "Options:\n"
        "      --server HOST[@PORT]   server to talk to (port 853 unless given)\n"
        "      --tls-ca FILE          trust the CAs in this PEM file (default: the system's)\n"
        "      --tls-hostname NAME    name that the server's certificate must be for\n"
        "      --tls-pin SHA256       base64 SHA-256 of the server's public key, instead of a CA\n"
        "      --tls-cert FILE, --tls-key FILE   show this client certificate\n"
        "      --insecure             authenticate nothing (says so loudly)\n"
        "  -y, --tsig [ALG:]NAME:SECRET          sign query or update (hmac-sha256 unless given)\n"
        "      --json                 one JSON object a line\n"
        "      --timeout DURATION     give up or stop after 15s, 2m, 1h\n"
        "      --count N              watch: stop after N changes\n"
        "      --exec COMMAND         watch: run by /bin/sh on each batch, records on stdin as JSON lines\n"
        "      --no-poll              fail rather than fall back to polling\n"
        "  -v, --verbose              say more\n"
        "  -h, --help                 this text\n";

static void print_help(FILE *out)
{
	fputs("Usage: dnspush COMMAND ... [OPTION]...\n\nFollow DNS records live (DNS Push Notifications, RFC "
	      "8765).\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(out, "  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].does);
	}
	fputs("\n", out);
	fputs(common_options, out);
	fputs("  -V, --version              version\n", out);
	fputs("\nExit status: 0 done, 1 failed at run time, 2 wrong usage.\nExample: dnspush watch "
	      "_ipp._tcp.example.com "
	      "PTR --server ns1.example.com\n",
	      out);
}

static const struct command *find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static int unknown_command(const char *word)
{
	const char *names[COMMANDS];
	char why[128];
	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
	}
	const char *nearest = cli_nearest(word, names, COMMANDS);
	snprintf(why, sizeof(why), "unknown command%s%s%s", nearest ? "; did you mean " : "; see dnspush --help",
	         nearest ? nearest : "", nearest ? "?" : "");
	return cli_wrong(word, why);
}

int main(int argc, char **argv)
{
	struct cli_options options = {0};
	const char *word = argc > 1 ? argv[1] : NULL;

	signal(SIGPIPE, SIG_IGN);
	if (!word) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		print_help(stdout);
		return CLI_DONE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		puts("dnspush " DNSPUSH_VERSION);
		return CLI_DONE;
	}
	const struct command *command = find(word);
	if (!command) {
		return unknown_command(word);
	}
	int status = cli_parse_options(argc - 2, argv + 2, &options);
	if (status < 0) {
		printf("Usage: dnspush %s %s [OPTION]...\n\n%s.\n\n%s", command->name, command->arguments,
		       command->does, common_options);
		return CLI_DONE;
	}
	return status ? status : command->run(&options);
}
