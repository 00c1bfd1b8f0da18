/*
 * Private to the configuration reader: a YAML document, the tables that say which
 * keys a mapping has, and the list of faults.
 *
 * A table entry names a key, the function that reads its value, and where the
 * value goes. A reader function that meets a fault notes it with its place and
 * returns; reading goes on, so that one run finds every fault. Only memory
 * running out ends the work: `error` is set then and all that follows does nothing.
 */
#ifndef DAEMON_CONFIG_READ_H
#define DAEMON_CONFIG_READ_H

#include <yaml.h>

#include "daemon/config.h"

/* A place in the file, from 1; {0, 0}: the file as a whole. */
struct config_place {
	uint32_t line;
	uint32_t column;
};

struct config_reader {
	yaml_document_t *document;
	char *folder; /* of the file, "" or ending in '/' */
	struct config *config;
	struct config_faults *faults;
	int error;                  /* 0 or ERR_NOMEM */
	bool unsupported;           /* a key of a role that is not built was seen */
	struct config_place secret; /* of the first TSIG secret */
	struct config_place user;
	struct config_place tls; /* these: of the keys of the file with this name; {0, 0} where absent */
	struct config_place certificate;
	struct config_place key;
	struct config_place client_ca;
	struct config_place client_auth;
	struct config_place listen;
	struct config_place listen_tls;
	struct config_place output;
	struct config_place updates_queued;
};

struct config_field;
/* Read `node` into `value` (of the type that the function names). */
typedef void (*config_read_fn)(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                               void *value);

struct config_field {
	const char *name;
	config_read_fn read;
	size_t offset;      /* of the value in what the mapping fills */
	uint64_t min;       /* range of numbers: counts, bytes, milliseconds */
	uint64_t max;       /* likewise */
	const void *detail; /* what the function needs beyond: a table, the words of an enumeration */
	bool required;      /* a fault where absent */
	size_t place;       /* offset in struct config_reader to note the value's place at; 0: not noted */
};

struct config_map {
	const char *what; /* for people: "server", "a zone" */
	const struct config_field *fields;
	size_t count;
};

/* A word and the number that it stands for; a list ends with a NULL word. */
struct config_word {
	const char *word;
	int value;
};

/* Longest value quoted in a fault, with its escapes and the NUL. */
enum { CONFIG_QUOTE_MAX = 96 };

/* ---- faults and memory (config.c) ---- */

/* Note a fault. Past CONFIG_FAULTS_MAX it is only counted. */
void config_fault(struct config_reader *r, struct config_place at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Memory that lives as long as the configuration, zeroed; NULL (and r->error) when there is none. */
void *config_alloc(struct config_reader *r, size_t count, size_t size);
/* A copy of `len` bytes and a NUL, likewise. */
char *config_string(struct config_reader *r, const char *text, size_t len);

/* A printable form of what the file says, cut where it is long. Returns `quoted`. */
const char *config_quote(const char *text, size_t len, char quoted[CONFIG_QUOTE_MAX]);

/* ---- reading of values (config_yaml.c) ---- */

/* Where a node starts. */
struct config_place config_place_of(const yaml_node_t *node);

/*
 * The text of a scalar: never NULL, NUL-terminated, without NUL inside. A list, a mapping,
 * or no value at all is a fault ("expected EXPECTED, found a list") and NULL.
 */
const char *config_scalar(struct config_reader *r, const yaml_node_t *node, const char *expected, size_t *ret_len);

/* Items of a list; anything else is a fault and 0 items. Item i is a node of the document. */
size_t config_list(struct config_reader *r, const yaml_node_t *node, const char *expected);
yaml_node_t *config_item(struct config_reader *r, const yaml_node_t *list, size_t i);

/*
 * Read a mapping by its table, in the table's order: unknown keys (with the nearest valid one), repeated keys and
 * missing required ones are faults. `base` is what offsets count from. Bit i of the result says that field i is there.
 */
uint64_t config_read_map(struct config_reader *r, yaml_node_t *node, const struct config_map *map, void *base);

/* The nearest of `count` words by edit distance; NULL if there are none. */
const char *config_nearest(const char *word, size_t len, const char *(*nth)(const void *context, size_t i),
                           const void *context, size_t count);

/* Functions for tables, with the type of value that they fill. */
void config_read_section(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                         void *value); /* detail: struct config_map */
void config_read_count(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                       void *value); /* uint32_t */
void config_read_size(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* uint64_t, bytes */
void config_read_duration(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                          void *value); /* uint32_t, ms; with any detail `infinite` is allowed */
void config_read_bool(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* bool */
void config_read_word(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* int or enum; detail: struct config_word list */
void config_read_flag(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* bool; detail: struct config_word list */
void config_read_string(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                        void *value); /* char *, not empty */
void config_read_path(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* char *, resolved against the file's folder */
void config_read_name(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                      void *value); /* struct wire_name; label_count and len 0 where faulty */
void config_read_unsupported(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                             void *value); /* always a fault; detail: what it is */

/* Bytes with "K", "M", "G", exact number otherwise. False on a malformed or huge one. */
bool config_parse_size(const char *text, size_t len, uint64_t *ret_size);

/* ---- the keys (config_schema.c) and the rules between them (config_check.c) ---- */

/* Fill in every default. */
void config_defaults(struct config *c);
/* Read the whole document; `root` is its mapping. */
void config_read_root(struct config_reader *r, yaml_node_t *root);
/* Read the list `acls`, and a zone's list of ACLs into a struct net_acl (config_access.c). */
void config_read_acls(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value);
void config_read_access(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value);
/* A reference to a TSIG key by name, read from a scalar: const struct wire_tsig_key *. */
void config_read_key_reference(struct config_reader *r, yaml_node_t *node, const struct config_field *field,
                               void *value);

/* Names that must differ: entries with equal names after the first are faults. */
struct config_named {
	const void *name;
	struct config_place at;
};
/* Reorders `list`. `compare` takes two names. `what`: "zone", "key". */
void config_check_unique(struct config_reader *r, const char *what, struct config_named *list, size_t count,
                         int (*compare)(const void *a, const void *b));

/* Rules between keys: what needs what, what is below what. */
void config_check(struct config_reader *r);
/* The files and the user that the configuration names, and who may read `mode` (the configuration file's own). */
void config_check_files(struct config_reader *r, unsigned mode);

#endif
