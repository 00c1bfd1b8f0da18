#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config_read.h"

/* ---- memory that lives as long as the configuration ---- */

struct config_block {
	struct config_block *next;
	size_t len;
	max_align_t data[];
};

void *config_alloc(struct config_reader *r, size_t count, size_t size)
{
	struct config_block *block;
	size_t len;

	if (r->error) {
		return NULL;
	}
	block = __builtin_mul_overflow(count, size, &len) || len > SIZE_MAX - sizeof(*block)
	                ? NULL
	                : mem_calloc(1, sizeof(*block) + len);
	if (!block) {
		r->error = ERR_NOMEM;
		return NULL;
	}
	block->len = len;
	block->next = r->config->blocks;
	r->config->blocks = block;
	return block->data;
}

char *config_string(struct config_reader *r, const char *text, size_t len)
{
	char *copy = config_alloc(r, len + 1, 1);

	if (copy) {
		memcpy(copy, text, len);
	}
	return copy;
}

void config_free(struct config *c)
{
	struct config_block *block, *next;

	if (!c) {
		return;
	}
	for (block = c->blocks; block; block = next) {
		next = block->next;
		explicit_bzero(block->data, block->len); /* keys are among it */
		mem_free(block);
	}
	mem_free(c);
}

/* ---- faults ---- */

const char *config_quote(const char *text, size_t len, char quoted[CONFIG_QUOTE_MAX])
{
	enum { ROOM = CONFIG_QUOTE_MAX - sizeof("\\xff...") };
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (at > ROOM) {
			memcpy(quoted + at, "...", 3);
			at += 3;
			break;
		}
		if (c >= 0x20 && c < 0x7f) {
			quoted[at++] = (char)c;
		} else {
			at += (size_t)snprintf(quoted + at, sizeof("\\xff"), "\\x%02x", c);
		}
	}
	quoted[at] = '\0';
	return quoted;
}

/* Add one fault to the list. 0 or ERR_NOMEM. */
static int add_fault(struct config_faults *f, struct config_place at, const char *text)
{
	char *copy;

	if (f->count >= CONFIG_FAULTS_MAX) {
		f->more++;
		return 0;
	}
	copy = mem_strdup(text);
	if (!copy || mem_grow(&f->list, &f->cap, f->count + 1, sizeof(*f->list)) != 0) {
		mem_free(copy);
		return ERR_NOMEM;
	}
	f->list[f->count++] = (struct config_fault){at.line, at.column, copy};
	return 0;
}

void config_fault(struct config_reader *r, struct config_place at, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (r->error) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	r->error = add_fault(r->faults, at, text);
}

static int compare_faults(const void *a, const void *b)
{
	const struct config_fault *x = a, *y = b;

	if (x->line != y->line) {
		return x->line < y->line ? -1 : 1;
	}
	if (x->column != y->column) {
		return x->column < y->column ? -1 : 1;
	}
	return strcmp(x->text, y->text); /* so that the same file always tells the same */
}

void config_faults_done(struct config_faults *f)
{
	for (size_t i = 0; i < f->count; i++) {
		mem_free(f->list[i].text);
	}
	mem_free(f->list);
	mem_free(f->file);
	*f = (struct config_faults){0};
}

void config_faults_print(const struct config_faults *f, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct config_fault *fault = &f->list[i];

		if (fault->line) {
			fprintf(out, "%s%s:%u:%u: %s\n", prefix, f->file, fault->line, fault->column, fault->text);
		} else {
			fprintf(out, "%s%s: %s\n", prefix, f->file, fault->text);
		}
	}
	if (f->more) {
		fprintf(out, "%s%s: and %zu more faults\n", prefix, f->file, f->more);
	}
}

/* ---- from text to document ---- */

static struct config_place place_of_mark(yaml_mark_t mark)
{
	return (struct config_place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* Line and column of a byte: where the reader meets bytes that are no text it knows no more. */
static struct config_place place_of_byte(const char *text, size_t offset)
{
	struct config_place at = {1, 1};

	for (size_t i = 0; i < offset; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			at = (struct config_place){at.line + 1, 1};
		} else if ((c & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* Why libyaml stopped. */
static void syntax_fault(struct config_reader *r, const yaml_parser_t *parser, const char *text, size_t len)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR) {
		r->error = ERR_NOMEM;
		return;
	}
	if (parser->error == YAML_READER_ERROR) {
		size_t offset = parser->problem_offset < len ? parser->problem_offset : len;

		config_fault(r, place_of_byte(text, offset), "not valid UTF-8 text: %s", problem);
		return;
	}
	if (parser->context) {
		config_fault(r, place_of_mark(parser->problem_mark), "not valid YAML: %s (%s, from line %zu)", problem,
		             parser->context, parser->context_mark.line + 1);
		return;
	}
	config_fault(r, place_of_mark(parser->problem_mark), "not valid YAML: %s", problem);
}

static void start_parser(yaml_parser_t *parser, const char *text, size_t len)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
}

/* What YAML allows and a configuration does not need: it only serves to blow up or to hide things. */
static void check_event(struct config_reader *r, const yaml_event_t *event, unsigned *depth, unsigned *documents)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++*documents == 2) {
			config_fault(r, place_of_mark(event->start_mark),
			             "a second document starts; only one is allowed");
		}
		break;
	case YAML_ALIAS_EVENT:
		config_fault(r, place_of_mark(event->start_mark), "aliases (*name) are not allowed");
		break;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		++*depth;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		++*depth;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		--*depth;
		break;
	default:
		break;
	}
	if (anchor) {
		config_fault(r, place_of_mark(event->start_mark), "anchors (&name) are not allowed");
	}
	if (tag) {
		config_fault(r, place_of_mark(event->start_mark), "tags (!name) are not allowed");
	}
}

/* First reading: is it YAML, and of the plain kind? Faults are noted. */
static void check_syntax(struct config_reader *r, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	unsigned depth = 0, documents = 0;
	bool over = false;

	if (!yaml_parser_initialize(&parser)) {
		r->error = ERR_NOMEM;
		return;
	}
	start_parser(&parser, text, len);
	while (!over && !r->error) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_fault(r, &parser, text, len);
			break;
		}
		check_event(r, &event, &depth, &documents);
		if (depth > CONFIG_DEPTH_MAX) {
			config_fault(r, place_of_mark(event.start_mark), "nested deeper than %d levels",
			             CONFIG_DEPTH_MAX);
			over = true;
		}
		over = over || event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

/* Secrets do not stay behind in freed memory. */
static void wipe_scalars(yaml_document_t *document)
{
	for (yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++) {
		if (node->type == YAML_SCALAR_NODE) {
			explicit_bzero(node->data.scalar.value, node->data.scalar.length);
		}
	}
}

/* Second reading: the document, key by key. */
static void read_document(struct config_reader *r, const char *text, size_t len)
{
	yaml_document_t document;
	yaml_parser_t parser;
	yaml_node_t *root;

	if (!yaml_parser_initialize(&parser)) {
		r->error = ERR_NOMEM;
		return;
	}
	start_parser(&parser, text, len);
	if (!yaml_parser_load(&parser, &document)) {
		syntax_fault(r, &parser, text, len);
		yaml_parser_delete(&parser);
		return;
	}
	root = yaml_document_get_root_node(&document);
	r->document = &document;
	if (root) {
		config_read_root(r, root);
	} else {
		config_fault(r, (struct config_place){0, 0}, "the file holds no configuration");
	}
	r->document = NULL;
	wipe_scalars(&document);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
}

/* The folder part of a path with its '/'; "" where it has none. NULL when memory ends. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	char *folder = mem_alloc(len + 1);

	if (folder) {
		memcpy(folder, path, len);
		folder[len] = '\0';
	}
	return folder;
}

/* Everything of config_parse(); with `check_files` also what config_load() adds. */
static int parse(const char *text, size_t len, const char *path, bool check_files, unsigned mode,
                 struct config **ret_config, struct config_faults *faults)
{
	struct config_reader r = {.faults = faults, .config = mem_calloc(1, sizeof(struct config)), .folder = NULL};

	r.folder = folder_of(path);
	if (!r.config || !r.folder) {
		r.error = ERR_NOMEM;
	}
	if (!r.error) {
		check_syntax(&r, text, len);
	}
	if (!r.error && faults->count == 0) {
		config_defaults(r.config);
		read_document(&r, text, len);
	}
	if (!r.error && check_files) {
		config_check_files(&r, mode);
	}
	mem_free(r.folder);
	if (!r.error && faults->count == 0) {
		*ret_config = r.config;
		return 0;
	}
	config_free(r.config);
	if (faults->count > 1) {
		qsort(faults->list, faults->count, sizeof(*faults->list), compare_faults);
	}
	return r.error ? r.error : ERR_CONFIG;
}

int config_parse(const char *text, size_t len, const char *path, struct config **ret_config,
                 struct config_faults *ret_faults)
{
	*ret_faults = (struct config_faults){.file = mem_strdup(path)};
	if (!ret_faults->file) {
		return ERR_NOMEM;
	}
	return parse(text, len, path, false, 0, ret_config, ret_faults);
}

/* ---- the file ---- */

/* Note that the file as a whole cannot be used. ERR_CONFIG or ERR_NOMEM. */
static int file_fault(struct config_faults *f, const char *what, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, why);
	return add_fault(f, (struct config_place){0, 0}, text) ? ERR_NOMEM : ERR_CONFIG;
}

/* Read all of an open file, up to CONFIG_FILE_MAX. 0; ERR_LIMIT, ERR_NOMEM, ERR_SYSTEM (errno). */
static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0, cap = 0;
	ssize_t got;
	int err = 0;

	do {
		if (len >= CONFIG_FILE_MAX) {
			err = ERR_LIMIT;
			break;
		}
		err = mem_grow(&text, &cap, len + 65536, 1);
		if (err) {
			break;
		}
		got = read(fd, text + len, 65536);
		if (got < 0 && errno != EINTR) {
			err = ERR_SYSTEM;
			break;
		}
		len += got > 0 ? (size_t)got : 0;
	} while (got != 0);
	if (err) {
		mem_free(text);
		return err;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int config_load(const char *path, struct config **ret_config, struct config_faults *ret_faults)
{
	struct stat status;
	char *text = NULL;
	size_t len = 0;
	int fd, err;

	*ret_faults = (struct config_faults){.file = mem_strdup(path)};
	if (!ret_faults->file) {
		return ERR_NOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return file_fault(ret_faults, "cannot open", strerror(errno));
	}
	if (fstat(fd, &status) != 0) {
		err = file_fault(ret_faults, "cannot look at", strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		err = file_fault(ret_faults, "cannot read", "it is not a regular file");
	} else {
		err = read_all(fd, &text, &len);
		if (err == ERR_LIMIT) {
			err = file_fault(ret_faults, "cannot read", "it is larger than 16 MiB");
		} else if (err == ERR_SYSTEM) {
			err = file_fault(ret_faults, "cannot read", strerror(errno));
		}
	}
	close(fd);
	if (err) {
		return err;
	}
	err = parse(text, len, path, true, status.st_mode & 07777, ret_config, ret_faults);
	explicit_bzero(text, len);
	mem_free(text);
	return err;
}

const struct wire_tsig_key *config_find_key(const struct config *c, const uint8_t *name)
{
	size_t low = 0, high = c->key_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = wire_name_compare(name, c->keys[middle].name.data);

		if (order == 0) {
			return &c->keys[middle];
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}
