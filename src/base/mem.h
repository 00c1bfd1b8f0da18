/*
 * Heap memory that can be made to fail, so that every out-of-memory path is
 * tested. All heap use of the project goes through here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* As malloc, calloc, realloc, free: NULL on failure, free(NULL) is fine. Thread-safe. */
void *mem_alloc(size_t size);
void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *p, size_t size);
void mem_free(void *p);

/* Copy of `len` bytes / of a string; NULL on failure. */
void *mem_dup(const void *p, size_t len);
char *mem_strdup(const char *s);

/*
 * Make room for `count` elements of `size` bytes in a growing array: *array is
 * moved and *cap raised (doubling) if needed. 0, or ERR_NOMEM with everything
 * left as it was.
 */
int mem_grow(void *array_pointer, size_t *cap, size_t count, size_t size);

/*
 * Tests only: let the allocation after `after` more ones fail (once), -1 to
 * stop. Applies to the calling thread.
 */
void mem_fail_after(long after);
/* Tests only: true if the failure asked for has happened. */
bool mem_failed(void);

#endif
