#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static _Thread_local long fail_after = -1;
static _Thread_local bool has_failed;

static bool must_fail(void)
{
	if (__builtin_expect(fail_after < 0, 1)) {
		return false;
	}
	if (fail_after-- == 0) {
		has_failed = true;
		return true;
	}
	return false;
}

void mem_fail_after(long after)
{
	fail_after = after;
	has_failed = false;
}

bool mem_failed(void)
{
	return has_failed;
}

void *mem_alloc(size_t size)
{
	return must_fail() ? NULL : malloc(size ? size : 1);
}

void *mem_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *mem_realloc(void *p, size_t size)
{
	return must_fail() ? NULL : realloc(p, size ? size : 1);
}

void mem_free(void *p)
{
	free(p);
}

void *mem_dup(const void *p, size_t len)
{
	void *copy = mem_alloc(len);
	if (copy && len > 0) {
		memcpy(copy, p, len);
	}
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

int mem_grow(void *array_pointer, size_t *cap, size_t count, size_t size)
{
	if (count <= *cap) {
		return 0;
	}
	size_t want = *cap ? *cap : 8;
	while (want < count) {
		if (want > SIZE_MAX / 2) {
			return ERR_NOMEM;
		}
		want *= 2;
	}
	if (size > 0 && want > SIZE_MAX / size) {
		return ERR_NOMEM;
	}
	void *old;
	memcpy(&old, array_pointer, sizeof(old));
	void *moved = mem_realloc(old, want * size);
	if (!moved) {
		return ERR_NOMEM;
	}
	memcpy(array_pointer, &moved, sizeof(moved));
	*cap = want;
	return 0;
}
