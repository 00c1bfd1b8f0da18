/*
 * The log sink of the programs. Library folders never log; programs log each
 * error once, one line an event, with the fields to join on.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Choose level and format; output goes to stderr. May be called again at any time, from any thread. */
void log_setup(enum log_level level, enum log_format format);

/* True if a line of this level would be written. */
bool log_enabled(enum log_level level);

/*
 * Write one line: time, level, the event's name and then key/value pairs of
 * strings, ended by NULL: log_event(LOG_LEVEL_INFO, "ready", "zones", "3", NULL).
 * Values are escaped (control characters, quotes, non-UTF-8), so hostile data
 * cannot forge a line. Thread-safe; a line is written by one write().
 */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* "error".."debug" <-> level; log_level_parse returns ERR_INVALID for other words. */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *word, enum log_level *ret_level);

#endif
