/*
 * Runs every file of the directories given through one fuzz target, so that the
 * corpus is tested by any compiler. Fails if there is no file to run.
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	uint8_t *data = malloc(INPUT_MAX);
	size_t len = data ? fread(data, 1, INPUT_MAX, file) : 0;
	int failed = !data || ferror(file);
	fclose(file);
	/* In memory of its exact size, so that a sanitizer sees one byte too many. */
	uint8_t *exact = malloc(len ? len : 1);
	if (!failed && exact) {
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput(exact, len);
	}
	failed |= !exact;
	free(exact);
	free(data);
	return failed ? -1 : 0;
}

static int replay_directory(const char *directory, unsigned *count)
{
	DIR *dir = opendir(directory);
	if (!dir) {
		perror(directory);
		return -1;
	}
	int err = 0;
	for (struct dirent *entry = readdir(dir); entry && !err; entry = readdir(dir)) {
		char path[4096];
		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		err = replay_file(path);
		++*count;
	}
	closedir(dir);
	return err;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	for (int i = 1; i < argc; i++) {
		if (replay_directory(argv[i], &count)) {
			return 1;
		}
	}
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1;
}
