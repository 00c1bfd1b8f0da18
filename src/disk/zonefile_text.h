/*
 * The text of a master file cut into records: lines, or several lines held
 * together by parentheses. Only what is needed for that is understood here:
 * comments, quotes, escapes (private to disk/).
 */
#ifndef DISK_ZONEFILE_TEXT_H
#define DISK_ZONEFILE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest record, in bytes: the largest rdata with each byte as \DDD is a quarter of it. */
enum { ZONEFILE_RECORD_MAX = 1 << 20 };

struct zonefile_text {
	int fd;     /* -1: all the text is there */
	char *data; /* the part of the file that is in memory; borrowed if there is no fd */
	size_t len;
	size_t cap;
	size_t at;          /* where the next record begins */
	unsigned long line; /* number of the line that begins there, from 1 */
	bool ended;         /* the rest of the file is in memory */
};

/* One record with its line ends. Valid until the next one is read. */
struct zonefile_record {
	const char *text;
	size_t len;
	unsigned long line;
	size_t fault; /* ERR_SYNTAX: offset of what is wrong */
	const char *fault_text;
};

/* Read from a descriptor, which becomes the text's, or from memory, which must outlive it. */
void zonefile_text_open(struct zonefile_text *t, int fd);
void zonefile_text_set(struct zonefile_text *t, const char *data, size_t len);
void zonefile_text_close(struct zonefile_text *t);

/*
 * The next record. 0; ERR_NOT_FOUND at the end; ERR_SYNTAX with what is wrong, the
 * record being passed over; ERR_LIMIT for a record past ZONEFILE_RECORD_MAX or
 * a parenthesis never closed (`fault` is its offset), after which reading cannot go
 * on; ERR_SYSTEM (errno), ERR_NOMEM.
 */
int zonefile_text_next(struct zonefile_text *t, struct zonefile_record *ret_record);

/* A word of a record: up to white space, a parenthesis or a comment; quotes hold one together. */
struct zonefile_word {
	const char *text; /* without the quotes */
	size_t len;
	size_t offset; /* into the record, of its first character, quote included */
};
/* The word at or after *offset, which moves behind it; false at the end of the record. */
bool zonefile_word_next(const struct zonefile_record *r, size_t *offset, struct zonefile_word *ret_word);

/* Line and column, both from 1, of an offset into the record. */
void zonefile_record_where(const struct zonefile_record *r, size_t offset, unsigned long *ret_line,
                           unsigned long *ret_column);

#endif
