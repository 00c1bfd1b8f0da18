/* dnspushd: options, sockets, privileges; then the store runs. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/store.h"

#define DEFAULT_CONFIG "/etc/dnspush/dnspushd.yaml"

enum { EXIT_DONE = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

static const char usage[] =
        "Usage: dnspushd [-c FILE] [--check]\n"
        "\n"
        "Serve DNS zones and push every change to subscribers at once (RFC 8765).\n"
        "\n"
        "  -c, --config FILE   configuration (default " DEFAULT_CONFIG ")\n"
        "      --check         check the configuration and every zone file, then exit\n"
        "      --foreground    accepted and of no effect: dnspushd never daemonises\n"
        "  -h, --help          this text\n"
        "  -V, --version       version\n"
        "\n"
        "Signals: HUP rereads configuration, zone files and certificates; TERM ends in an orderly way.\n"
        "Exit status: 0 done, 1 failed at run time, 2 wrong usage or configuration.\n"
        "See dnspushd(8) and dnspushd.yaml(5).\n";

struct options {
	const char *config;
	bool check;
};

static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"foreground", no_argument, NULL, 'f'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
};

/* -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int option;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'f':
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		case 'V':
			puts("dnspushd " DNSPUSH_VERSION);
			return EXIT_DONE;
		default:
			fprintf(stderr,
			        "dnspushd: %s: unknown option or missing value: options are -c FILE, --check, --help, "
			        "--version\n",
			        argv[optind - 1]);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "dnspushd: %s: unexpected argument: the configuration is given by -c FILE\n",
		        argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* ---- sockets ---- */

static int bind_all(const struct net_address *addresses, size_t count,
                    int (*bind_one)(const struct net_address *, bool), const char *what, int *fds)
{
	for (size_t i = 0; i < count; i++) {
		fds[i] = bind_one(&addresses[i], true);
		if (fds[i] < 0) {
			char text[NET_ADDRESS_TEXT_MAX];
			fprintf(stderr, "dnspushd: cannot listen on %s (%s): %s\n",
			        net_address_text(&addresses[i], text), what, strerror(errno));
			return ERR_SYSTEM;
		}
	}
	return 0;
}

/*
 * With SO_REUSEPORT a second daemon of the same user would silently share the
 * addresses; so each is first bound without it.
 */
static int check_free(const struct config_listen *l)
{
	for (size_t i = 0; i < l->dns_count + l->tls_count; i++) {
		const struct net_address *a = i < l->dns_count ? &l->dns[i] : &l->tls[i - l->dns_count];
		int fds[2] = {net_listen_tcp(a, false), i < l->dns_count ? net_bind_udp(a, false) : 0};
		int error = errno;
		for (int k = 0; k < 2; k++) {
			if (fds[k] > 0) {
				close(fds[k]);
			}
		}
		if (fds[0] < 0 || fds[1] < 0) {
			char text[NET_ADDRESS_TEXT_MAX];
			fprintf(stderr, "dnspushd: cannot listen on %s: %s\n", net_address_text(a, text),
			        strerror(error));
			return ERR_SYSTEM;
		}
	}
	return 0;
}

static int bind_worker(const struct config_listen *l, struct worker_sockets *sockets)
{
	sockets->udp = mem_calloc(l->dns_count, sizeof(int));
	sockets->tcp = mem_calloc(l->dns_count, sizeof(int));
	sockets->tls = mem_calloc(l->tls_count, sizeof(int));
	if (!sockets->udp || !sockets->tcp || !sockets->tls) {
		return ERR_NOMEM;
	}
	int err = bind_all(l->dns, l->dns_count, net_bind_udp, "UDP", sockets->udp);
	err = err ? err : bind_all(l->dns, l->dns_count, net_listen_tcp, "TCP", sockets->tcp);
	return err ? err : bind_all(l->tls, l->tls_count, net_listen_tcp, "TLS", sockets->tls);
}

static void free_sockets(struct worker_sockets *sockets, size_t count)
{
	for (size_t i = 0; sockets && i < count; i++) {
		mem_free(sockets[i].udp);
		mem_free(sockets[i].tcp);
		mem_free(sockets[i].tls);
	}
	mem_free(sockets);
}

/* ---- privileges ---- */

static int drop_privileges(const char *user)
{
	if (!user || geteuid() != 0) {
		return 0;
	}
	const struct passwd *p = getpwnam(user);
	if (!p || initgroups(p->pw_name, p->pw_gid) || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid)) {
		fprintf(stderr, "dnspushd: cannot become user %s: %s\n", user, p ? strerror(errno) : "no such user");
		return ERR_SYSTEM;
	}
	return 0;
}

/* As many descriptors as we may have: each session needs one. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The end is under way: another signal must not cut it short. */
static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- running ---- */

static void tell_ready(void *context)
{
	struct store *s = context;
	char zones[24], records[24], workers[24];
	snprintf(zones, sizeof(zones), "%zu", store_zone_count(s));
	snprintf(records, sizeof(records), "%zu", store_record_count(s));
	snprintf(workers, sizeof(workers), "%u", store_config(s)->server.workers);
	sd_notify(0, "READY=1");
	log_event(LOG_LEVEL_NOTICE, "ready", "version", DNSPUSH_VERSION, "workers", workers, "zones", zones, "records",
	          records, NULL);
}

static void log_totals(struct store *s)
{
	struct worker_totals t = {0};
	char text[24];
	store_add_totals(s, &t);
#define LOG_TOTAL(field, words)                                                                                        \
	if (t.serve.field) {                                                                                           \
		snprintf(text, sizeof(text), "%llu", (unsigned long long)t.serve.field);                               \
		log_event(LOG_LEVEL_INFO, "total", "counter", #field, "value", text, NULL);                            \
	}
	SERVE_COUNTERS(LOG_TOTAL)
#undef LOG_TOTAL
	const struct {
		const char *name;
		uint64_t value;
	} others[] = {
	        {"connections_accepted", t.accepted},
	        {"connections_limited", t.limited},
	        {"handshakes_failed", t.handshakes_failed},
	        {"updates_limited", t.updates_limited},
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i].value) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)others[i].value);
			log_event(LOG_LEVEL_INFO, "total", "counter", others[i].name, "value", text, NULL);
		}
	}
	for (int i = 1; i < DSO_REASON_COUNT; i++) {
		if (t.reasons[i]) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)t.reasons[i]);
			log_event(LOG_LEVEL_INFO, "total", "counter", "sessions_aborted", "reason",
			          dso_reason_name((enum dso_reason)i), "value", text, NULL);
		}
	}
}

static int serve(const char *config_path, struct config *config)
{
	struct process process = {0};
	struct store *store = NULL;
	struct worker_sockets *sockets = NULL;
	size_t workers = config->server.workers;
	int status = EXIT_RUNTIME;

	log_setup(config->server.log_level, config->server.log_format);
	process.quota = conn_quota_new(config->limits.sessions, config->limits.sessions_per_address);
	/* Zones first: a start that cannot succeed holds no address. */
	int err = process.quota ? store_new(config_path, config, &process, true, &store) : ERR_NOMEM;
	if (err) {
		if (err != ERR_CONFIG) {
			fprintf(stderr, "dnspushd: cannot start: %s\n", err_text(err));
		}
		status = err == ERR_CONFIG ? EXIT_USAGE : EXIT_RUNTIME;
		goto out;
	}
	sockets = mem_calloc(workers, sizeof(*sockets));
	err = sockets ? check_free(&config->listen) : ERR_NOMEM;
	for (size_t i = 0; i < workers && !err; i++) {
		err = bind_worker(&config->listen, &sockets[i]);
	}
	err = err ? err : drop_privileges(config->server.user);
	if (err) {
		goto out;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	err = store_make_workers(store, sockets);
	err = err ? err : store_run(store, tell_ready, store);
	block_signals();
	if (err) {
		fprintf(stderr, "dnspushd: cannot run: %s\n", err_text(err));
	} else {
		log_totals(store);
		log_event(LOG_LEVEL_NOTICE, "stopped", NULL);
		status = EXIT_DONE;
	}
out:
	free_sockets(sockets, workers);
	store_free(store);
	conn_quota_free(process.quota);
	return status;
}

/* Everything that a start would read, nothing that it would do. */
static int check(const char *config_path, struct config *config)
{
	struct process process = {0};
	struct store *store = NULL;
	int err = store_new(config_path, config, &process, false, &store);
	if (!err) {
		printf("%s: good: %zu zones, %zu records\n", config_path, store_zone_count(store),
		       store_record_count(store));
	} else if (err != ERR_CONFIG) {
		fprintf(stderr, "dnspushd: %s: %s\n", config_path, err_text(err));
	}
	store_free(store);
	return err ? EXIT_USAGE : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options o = {.config = DEFAULT_CONFIG};
	int status = parse_options(argc, argv, &o);
	if (status >= 0) {
		return status;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();

	struct config *config = NULL;
	struct config_faults faults;
	int err = config_load(o.config, &config, &faults);
	if (err) {
		config_faults_print(&faults, "dnspushd: ", stderr);
	}
	config_faults_done(&faults);
	if (err) {
		return EXIT_USAGE;
	}
	return o.check ? check(o.config, config) : serve(o.config, config);
}
