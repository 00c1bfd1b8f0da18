/* Rules between keys, and what the configuration names outside itself: files and a user. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_read.h"

void config_check(struct config_reader *r)
{
	const struct config *c = r->config;

	if (c->listen.dns_count == 0 && c->listen.tls_count == 0) {
		config_fault(r, r->listen, "listen has no address; give at least one under dns or tls");
	}
	if (c->listen.tls_count && !c->tls.certificate) {
		config_fault(r, r->tls.line ? r->tls : r->listen_tls,
		             "listen.tls needs tls.certificate, the server's certificate chain in PEM");
	}
	if (c->listen.tls_count && !c->tls.key) {
		config_fault(r, r->tls.line ? r->tls : r->listen_tls,
		             "listen.tls needs tls.key, the private key in PEM");
	}
	if (c->tls.client_auth != NET_TLS_CLIENT_NONE && !c->tls.client_ca) {
		config_fault(r, r->client_auth,
		             "client-auth needs client-ca, the authorities to check clients against");
	}
	if (c->limits.output_soft > c->limits.output_hard) {
		config_fault(r, r->output, "output.soft (%llu bytes) is above output.hard (%llu bytes)",
		             (unsigned long long)c->limits.output_soft, (unsigned long long)c->limits.output_hard);
	}
	if (c->limits.updates_queued_zone > c->limits.updates_queued_total) {
		config_fault(r, r->updates_queued, "updates-queued.zone (%u) is above updates-queued.total (%u)",
		             c->limits.updates_queued_zone, c->limits.updates_queued_total);
	}
}

enum { OTHERS = S_IROTH | S_IWOTH | S_IXOTH };

/* A file that must be there and readable; a private one only by its owner and group. */
static void check_file(struct config_reader *r, struct config_place at, const char *what, const char *path,
                       bool private)
{
	char quoted[CONFIG_QUOTE_MAX];
	struct stat status;
	int fd;

	if (!path) {
		return;
	}
	config_quote(path, strlen(path), quoted);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) != 0) {
		config_fault(r, at, "cannot read the %s %s: %s", what, quoted, strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		config_fault(r, at, "cannot read the %s %s: it is not a regular file", what, quoted);
	} else if (private && (status.st_mode & OTHERS)) {
		config_fault(r, at, "everybody on this machine may use the %s %s (mode %04o): chmod 0640 or 0600 it",
		             what, quoted, (unsigned)status.st_mode & 07777);
	}
	if (fd >= 0) {
		close(fd);
	}
}

void config_check_files(struct config_reader *r, unsigned mode)
{
	const struct config *c = r->config;
	char quoted[CONFIG_QUOTE_MAX];

	if (r->secret.line && (mode & OTHERS)) {
		config_fault(
		        r, r->secret,
		        "this file holds TSIG secrets and everybody on this machine may use it (mode %04o): chmod 0640 "
		        "or 0600 it",
		        mode);
	}
	check_file(r, r->certificate, "certificate", c->tls.certificate, false);
	check_file(r, r->key, "private key", c->tls.key, true);
	check_file(r, r->client_ca, "client authorities", c->tls.client_ca, false);
	if (c->server.user) {
		errno = 0;
		if (!getpwnam(c->server.user)) {
			config_fault(r, r->user, "there is no user \"%s\"%s%s",
			             config_quote(c->server.user, strlen(c->server.user), quoted), errno ? ": " : "",
			             errno ? strerror(errno) : "");
		}
	}
}
