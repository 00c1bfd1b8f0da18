/*
 * The configuration of dnspushd: a YAML file becomes a checked struct with every
 * default filled in, or a list of all its faults, each with line and column.
 *
 * A configuration never changes once loaded; a reload makes a new one. Reading it
 * is safe from any thread until config_free().
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "net/acl.h"
#include "net/address.h"
#include "net/tls.h"
#include "wire/name.h"
#include "wire/sign.h"

enum {
	CONFIG_FILE_MAX = 16 << 20, /* bytes of a configuration file */
	CONFIG_DEPTH_MAX = 16,      /* nesting of lists and mappings */
	CONFIG_FAULTS_MAX = 100,    /* faults kept; later ones are only counted */
	CONFIG_WORKERS_MAX = 1024,
};

/* `infinite`, in fields that allow it (see dnspushd.yaml(5)). */
#define CONFIG_INFINITE_MS UINT32_MAX

/* Token bucket: `burst` at once, `per_second` sustained. Both at least 1. */
struct config_rate {
	uint32_t burst;
	uint32_t per_second;
};

struct config_server {
	uint32_t workers; /* threads that serve sessions; `auto`: one a usable processor. At least 1 */
	char *state_dir;
	char *control; /* path of the control socket */
	char *user;    /* to become after binding; NULL: stay who we are */
	enum log_level log_level;
	enum log_format log_format;
};

/* Addresses to serve; ports are never 0. At least one of the two lists is not empty. */
struct config_listen {
	struct net_address *dns; /* UDP and TCP */
	size_t dns_count;
	struct net_address *tls; /* DNS over TLS, DSO, Push */
	size_t tls_count;
};

/* Certificate and key are set where listen.tls is not empty. Paths; all may be NULL. */
struct config_tls {
	char *certificate;
	char *key;
	char *client_ca; /* set where client_auth is not NET_TLS_CLIENT_NONE */
	enum net_tls_client_auth client_auth;
	bool tls13_only;
	bool early_data;
};

struct config_dso {
	uint32_t inactivity_ms; /* CONFIG_INFINITE_MS: never */
	uint32_t keepalive_ms;  /* at least 10000; CONFIG_INFINITE_MS: never */
	bool push;              /* false: SUBSCRIBE is answered DSOTYPENI */
};

/* What each does beyond its cap: dnspushd.yaml(5). Counts are at least 1. */
struct config_limits {
	uint32_t sessions;
	uint32_t sessions_per_address;
	uint32_t handshakes;
	uint32_t handshake_timeout_ms;
	uint32_t message_timeout_ms;
	uint32_t open_requests;
	uint32_t subscriptions;
	uint32_t subscriptions_per_session;
	struct config_rate subscribe_rate;
	uint64_t output_soft;     /* bytes; at most output_hard */
	uint64_t output_hard;     /* bytes */
	uint32_t output_stall_ms; /* without any progress */
	uint32_t updates_queued_zone;
	uint32_t updates_queued_total;
	struct config_rate update_rate;
	uint32_t records_per_rrset;
	uint32_t types_per_name;
	uint32_t transfers_in;
	uint64_t journal_size; /* bytes */
	uint32_t journal_changes;
	struct config_rate signature_checks;
	uint32_t memory_percent; /* of the control group or the machine; 0: memory_bytes counts */
	uint64_t memory_bytes;   /* 0: memory_percent counts */
};

/* A named ACL of the file. Zones refer to its rule. */
struct config_acl {
	char *name;
	struct net_acl_rule rule;
};

/* Where a NOTIFY goes. */
struct config_notify {
	struct net_address address;
	const struct wire_tsig_key *key; /* to sign with; NULL: unsigned */
};

/* A primary zone. */
struct config_zone {
	struct wire_name origin;
	char *file;            /* master file */
	struct net_acl update; /* absent in the file: nobody */
	struct net_acl transfer;
	struct net_acl subscribe; /* absent in the file: everybody */
	struct net_acl query;
	struct config_notify *notify;
	size_t notify_count;
	uint32_t line; /* where the file names it, for faults found later */
	uint32_t column;
};

struct config {
	struct config_server server;
	struct config_listen listen;
	struct config_tls tls;
	struct config_dso dso;
	struct config_limits limits;
	struct wire_tsig_key *keys; /* names differ, ignoring case */
	size_t key_count;
	struct config_acl *acls;
	size_t acl_count;
	struct config_zone *zones; /* origins differ, ignoring case */
	size_t zone_count;
	struct config_block *blocks; /* the memory behind all of it; private */
};

/* What is wrong and where. Lines and columns count from 1; 0: the file as a whole. */
struct config_fault {
	uint32_t line;
	uint32_t column;
	char *text; /* for people: printable, one line */
};

/* All that is wrong with one file, in order of line and column. */
struct config_faults {
	char *file; /* as it was named */
	struct config_fault *list;
	size_t count;
	size_t cap;
	size_t more; /* faults beyond CONFIG_FAULTS_MAX, not kept */
};

/*
 * Read, parse and check a file. Beyond config_parse() it looks at the files that
 * the configuration names: key files that others may read, a configuration with
 * TSIG secrets that others may read, missing certificate files and an unknown
 * user are faults. Zone files are not opened. *ret_config is set on 0 only;
 * *ret_faults always (config_faults_done() it). 0; ERR_CONFIG with at least one
 * fault (an unreadable file too); ERR_NOMEM.
 */
int config_load(const char *path, struct config **ret_config, struct config_faults *ret_faults);

/*
 * The same from memory, without touching any file. `path` is for messages and
 * for resolving relative paths: they are relative to its folder.
 */
int config_parse(const char *text, size_t len, const char *path, struct config **ret_config,
                 struct config_faults *ret_faults);

/* Release it; secrets are wiped. NULL is fine. */
void config_free(struct config *c);

/* Release the faults. */
void config_faults_done(struct config_faults *f);

/* Write "FILE:LINE:COL: what is wrong" lines, each after `prefix` ("dnspushd: "), and a last one for those not kept. */
void config_faults_print(const struct config_faults *f, const char *prefix, FILE *out);

/* The TSIG key with this name (wire bytes, any case); NULL if there is none. */
const struct wire_tsig_key *config_find_key(const struct config *c, const uint8_t *name);

#endif
