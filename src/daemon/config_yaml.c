#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config_read.h"

struct config_place config_place_of(const yaml_node_t *node)
{
	return (struct config_place){(uint32_t)node->start_mark.line + 1, (uint32_t)node->start_mark.column + 1};
}

static const char *kind_of(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "a single value";
	}
}

/* YAML writes nothing, `~` or `null` for no value. */
static bool is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp((const char *)node->data.scalar.value, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

const char *config_scalar(struct config_reader *r, const yaml_node_t *node, const char *expected, size_t *ret_len)
{
	const char *text;
	size_t len;

	if (node->type != YAML_SCALAR_NODE || is_null(node)) {
		config_fault(r, config_place_of(node), "expected %s, found %s", expected,
		             is_null(node) ? "no value" : kind_of(node));
		return NULL;
	}
	text = (const char *)node->data.scalar.value;
	len = node->data.scalar.length;
	if (memchr(text, '\0', len)) {
		config_fault(r, config_place_of(node), "the value holds a NUL character");
		return NULL;
	}
	*ret_len = len;
	return text;
}

/* As config_scalar(), but not in quotes: counts and booleans. */
static const char *bare_scalar(struct config_reader *r, const yaml_node_t *node, const char *expected, size_t *ret_len)
{
	const char *text = config_scalar(r, node, expected, ret_len);

	if (text && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		config_fault(r, config_place_of(node), "expected %s, found text in quotes", expected);
		return NULL;
	}
	return text;
}

size_t config_list(struct config_reader *r, const yaml_node_t *node, const char *expected)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		config_fault(r, config_place_of(node), "expected %s, found %s", expected,
		             is_null(node) ? "no value" : kind_of(node));
		return 0;
	}
	return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

yaml_node_t *config_item(struct config_reader *r, const yaml_node_t *list, size_t i)
{
	return yaml_document_get_node(r->document, list->data.sequence.items.start[i]);
}

/* ---- the nearest word ---- */

enum { WORD_MAX = 64 };

/* Edits (insert, delete, replace, swap neighbours) from `a` to `b`; both at most WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++) {
		above[j] = j;
		before[j] = 0;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best) {
				best = before[j - 2] + 1;
			}
			row[j] = best;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

const char *config_nearest(const char *word, size_t len, const char *(*nth)(const void *context, size_t i),
                           const void *context, size_t count)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	len = len > WORD_MAX ? WORD_MAX : len;
	for (size_t i = 0; i < count; i++) {
		const char *candidate = nth(context, i);
		size_t candidate_len = strlen(candidate);
		size_t distance =
		        edit_distance(word, len, candidate, candidate_len > WORD_MAX ? WORD_MAX : candidate_len);

		if (distance < best) {
			best = distance;
			nearest = candidate;
		}
	}
	return nearest;
}

/* ---- mappings ---- */

static const char *field_name(const void *context, size_t i)
{
	return ((const struct config_map *)context)->fields[i].name;
}

static const struct config_field *find_field(const struct config_map *map, const yaml_node_t *key)
{
	for (size_t i = 0; i < map->count; i++) {
		if (strlen(map->fields[i].name) == key->data.scalar.length &&
		    memcmp(map->fields[i].name, key->data.scalar.value, key->data.scalar.length) == 0) {
			return &map->fields[i];
		}
	}
	return NULL;
}

/* The field that a key of the file names, or NULL with a fault. */
static const struct config_field *field_of_key(struct config_reader *r, const struct config_map *map,
                                               const yaml_node_t *key)
{
	const struct config_field *field;
	char quoted[CONFIG_QUOTE_MAX];
	const char *text;

	if (key->type != YAML_SCALAR_NODE) {
		config_fault(r, config_place_of(key), "expected the name of a key of %s, found %s", map->what,
		             kind_of(key));
		return NULL;
	}
	field = find_field(map, key);
	if (!field) {
		text = (const char *)key->data.scalar.value;
		config_fault(r, config_place_of(key), "unknown key \"%s\" in %s; the nearest valid key is \"%s\"",
		             config_quote(text, key->data.scalar.length, quoted), map->what,
		             config_nearest(text, key->data.scalar.length, field_name, map, map->count));
	}
	return field;
}

enum { FIELDS_MAX = 32 };

uint64_t config_read_map(struct config_reader *r, yaml_node_t *node, const struct config_map *map, void *base)
{
	const yaml_node_t *keys[FIELDS_MAX] = {NULL};
	yaml_node_t *values[FIELDS_MAX] = {NULL};
	uint64_t present = 0;

	if (node->type != YAML_MAPPING_NODE) {
		config_fault(r, config_place_of(node), "expected a mapping (the keys of %s), found %s", map->what,
		             is_null(node) ? "no value" : kind_of(node));
		return UINT64_MAX;
	}
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(r->document, p->key);
		const struct config_field *field = field_of_key(r, map, key);
		size_t i = field ? (size_t)(field - map->fields) : 0;

		if (!field) {
			continue;
		}
		if (keys[i]) {
			config_fault(r, config_place_of(key), "key \"%s\" is given twice; the first is in line %u",
			             field->name, config_place_of(keys[i]).line);
			continue;
		}
		keys[i] = key;
		values[i] = yaml_document_get_node(r->document, p->value);
		present |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < map->count && !r->error; i++) {
		const struct config_field *field = &map->fields[i];

		if (!values[i]) {
			if (field->required) {
				config_fault(r, config_place_of(node), "key \"%s\" is missing in %s", field->name,
				             map->what);
			}
			continue;
		}
		if (field->place) {
			*(struct config_place *)((char *)r + field->place) = config_place_of(values[i]);
		}
		field->read(r, field->read == config_read_unsupported ? (yaml_node_t *)keys[i] : values[i], field,
		            (char *)base + field->offset);
	}
	return present;
}

void config_read_section(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	config_read_map(r, node, field->detail, value);
}

void config_read_unsupported(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	(void)value;
	r->unsupported = true;
	config_fault(r, config_place_of(node), "\"%s\" (%s) is not supported by this version", field->name,
	             (const char *)field->detail);
}

/* ---- numbers ---- */

/* Leading digits; *ret_used of them. False where there are none or they do not fit. */
static bool parse_digits(const char *text, size_t len, uint64_t *ret_number, size_t *ret_used)
{
	uint64_t number = 0;
	size_t used = 0;

	for (; used < len && text[used] >= '0' && text[used] <= '9'; used++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text[used] - '0'), &number)) {
			number = UINT64_MAX; /* out of every range; go on to the unit */
			while (used + 1 < len && text[used + 1] >= '0' && text[used + 1] <= '9') {
				used++;
			}
		}
	}
	*ret_number = number;
	*ret_used = used;
	return used > 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits and one of the units, saturating. */
static bool parse_with_unit(const char *text, size_t len, const struct unit *units, uint64_t *ret_number)
{
	uint64_t number;
	size_t used;

	if (!parse_digits(text, len, &number, &used)) {
		return false;
	}
	for (const struct unit *u = units; u->name; u++) {
		if (strlen(u->name) == len - used && memcmp(u->name, text + used, len - used) == 0) {
			*ret_number = __builtin_mul_overflow(number, u->factor, &number) ? UINT64_MAX : number;
			return true;
		}
	}
	return false;
}

/* Largest unit first: the printing of a range takes the first that divides. */
static const struct unit duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                             {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit size_units[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

static const char *with_unit(uint64_t number, const struct unit *units, char text[32])
{
	const struct unit *u = units;

	while (u[1].name && (number == 0 || number % u->factor != 0)) {
		u++;
	}
	snprintf(text, 32, "%llu%s", (unsigned long long)(number / u->factor), u->name);
	return text;
}

/* A number of these units within the field's range. False with a fault otherwise. */
static bool read_number(struct config_reader *r, const yaml_node_t *node, const struct config_field *field,
                        const char *expected, const struct unit *units, uint64_t *ret_number)
{
	char quoted[CONFIG_QUOTE_MAX], low[32], high[32];
	uint64_t number;
	size_t len;
	/* A count in quotes is text; with a unit it is text anyway, in quotes or not. */
	const char *text =
	        units == count_units ? bare_scalar(r, node, expected, &len) : config_scalar(r, node, expected, &len);

	if (!text) {
		return false;
	}
	if (!parse_with_unit(text, len, units, &number)) {
		config_fault(r, config_place_of(node), "expected %s, found \"%s\"", expected,
		             config_quote(text, len, quoted));
		return false;
	}
	if (number < field->min || number > field->max) {
		config_fault(r, config_place_of(node), "%s of %s is out of range: from %s to %s",
		             config_quote(text, len, quoted), field->name, with_unit(field->min, units, low),
		             with_unit(field->max, units, high));
		return false;
	}
	*ret_number = number;
	return true;
}

void config_read_count(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	uint64_t number;

	if (read_number(r, node, field, "a whole number", count_units, &number)) {
		*(uint32_t *)value = (uint32_t)number;
	}
}

void config_read_size(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	uint64_t number;

	if (read_number(r, node, field, "a size such as 64K or 8M", size_units, &number)) {
		*(uint64_t *)value = number;
	}
}

bool config_parse_size(const char *text, size_t len, uint64_t *ret_size)
{
	return parse_with_unit(text, len, size_units, ret_size);
}

void config_read_duration(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	bool may_be_infinite = field->detail != NULL;
	uint64_t number;

	if (may_be_infinite && node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen("infinite") &&
	    memcmp(node->data.scalar.value, "infinite", strlen("infinite")) == 0) {
		*(uint32_t *)value = CONFIG_INFINITE_MS;
		return;
	}
	if (read_number(r, node, field,
	                may_be_infinite ? "a duration such as 15s or 2m, or infinite" : "a duration such as 15s or 2m",
	                duration_units, &number)) {
		*(uint32_t *)value = (uint32_t)number;
	}
}

/* ---- words and text ---- */

void config_read_bool(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	static const struct config_word words[] = {{"true", 1}, {"false", 0}, {"yes", 1}, {"no", 0},
	                                           {"on", 1},   {"off", 0},   {NULL, 0}};
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = bare_scalar(r, node, "true or false", &len);

	if (!text) {
		return;
	}
	for (const struct config_word *w = words; w->word; w++) {
		if (strcmp(w->word, text) == 0) {
			*(bool *)value = w->value != 0;
			return;
		}
	}
	config_fault(r, config_place_of(node), "expected true or false for %s, found \"%s\"", field->name,
	             config_quote(text, len, quoted));
}

/* The number of a word of the field's list. False with a fault that names them all. */
static bool read_word(struct config_reader *r, const yaml_node_t *node, const struct config_field *field,
                      int *ret_value)
{
	const struct config_word *words = field->detail;
	char quoted[CONFIG_QUOTE_MAX], all[128] = "";
	size_t len;
	const char *text = config_scalar(r, node, "one word", &len);

	if (!text) {
		return false;
	}
	for (const struct config_word *w = words; w->word; w++) {
		if (strcmp(w->word, text) == 0) {
			*ret_value = w->value;
			return true;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", w == words ? "" : ", ", w->word);
	}
	config_fault(r, config_place_of(node), "\"%s\" is no value of %s; valid are: %s",
	             config_quote(text, len, quoted), field->name, all);
	return false;
}

void config_read_word(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	int number;

	if (read_word(r, node, field, &number)) {
		memcpy(value, &number, sizeof(number));
	}
}

void config_read_flag(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	int number;

	if (read_word(r, node, field, &number)) {
		*(bool *)value = number != 0;
	}
}

void config_read_string(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t len;
	const char *text = config_scalar(r, node, "text", &len);

	if (!text) {
		return;
	}
	if (len == 0) {
		config_fault(r, config_place_of(node), "%s is empty", field->name);
		return;
	}
	*(char **)value = config_string(r, text, len);
}

void config_read_path(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	size_t len, folder_len = strlen(r->folder);
	const char *text = config_scalar(r, node, "the path of a file", &len);
	char *path;

	if (!text) {
		return;
	}
	if (len == 0) {
		config_fault(r, config_place_of(node), "%s is empty", field->name);
		return;
	}
	if (text[0] == '/') {
		*(char **)value = config_string(r, text, len);
		return;
	}
	path = config_alloc(r, folder_len + len + 1, 1);
	if (path) {
		memcpy(path, r->folder, folder_len);
		memcpy(path + folder_len, text, len);
		*(char **)value = path;
	}
}

/*
 * A domain name, in which a space needs no backslash: DNS-SD names have them, and
 * in YAML nothing follows. 0 or what wire_name_from_text() returns.
 */
static int parse_name(const char *text, size_t len, struct wire_name *ret_name)
{
	char escaped[2 * WIRE_NAME_TEXT_MAX];
	size_t at = 0;

	if (len == 0) {
		return ERR_SYNTAX;
	}
	if (len > WIRE_NAME_TEXT_MAX) {
		return ERR_NAME_LONG;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len) {
			escaped[at++] = text[i++];
		} else if (text[i] == ' ') {
			escaped[at++] = '\\';
		}
		escaped[at++] = text[i];
	}
	return wire_name_from_text(escaped, at, NULL, ret_name);
}

void config_read_name(struct config_reader *r, yaml_node_t *node, const struct config_field *field, void *value)
{
	char quoted[CONFIG_QUOTE_MAX];
	size_t len;
	const char *text = config_scalar(r, node, "a domain name", &len);
	int err;

	if (!text) {
		return;
	}
	err = parse_name(text, len, value);
	if (err) {
		config_fault(r, config_place_of(node), "\"%s\" of %s is no domain name: %s",
		             config_quote(text, len, quoted), field->name, err_text(err));
	}
}
