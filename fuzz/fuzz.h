/*
 * What every fuzz target shares. A target is a file fuzz_<reader>.c with one
 * function; it is built with libFuzzer (option fuzz) and, for the tests, with
 * replay_main.c, which feeds it the files of fuzz/corpus/<reader>/.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Read `size` bytes as hostile input and check what came of it. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input; unlike assert() never compiled out. */
#define FUZZ_REQUIRE(condition)                                                                                        \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

#endif
