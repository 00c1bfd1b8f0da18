/*
 * Zone text: what loads is written, loaded again and must be the same zone. The
 * zone is "example."; faults have to lie inside the text.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "disk/zonefile_private.h"
#include "fuzz.h"

static const uint8_t origin[] = "\7example";

struct limits {
	unsigned long lines;
	size_t longest;
	unsigned faults;
};

static void check_fault(void *context, const char *file, unsigned long line, unsigned long column, const char *message)
{
	struct limits *l = context;
	FUZZ_REQUIRE(strcmp(file, "text") == 0);
	FUZZ_REQUIRE(message[0] != '\0');
	FUZZ_REQUIRE(line <= l->lines && column <= l->longest + 1);
	for (const char *c = message; *c; c++) {
		FUZZ_REQUIRE(*c >= ' ' && *c < 0x7f);
	}
	l->faults++;
	FUZZ_REQUIRE(l->faults <= 100);
}

static struct zone *load(const char *text, size_t len, int *ret_err)
{
	struct limits limits = {.lines = 1, .longest = len};
	for (size_t i = 0; i < len; i++) {
		limits.lines += text[i] == '\n';
	}
	struct zone *z = zone_new(origin);
	struct zone_txn *t = zone_txn_new(z);
	*ret_err = zonefile_load_text("text", text, len, t, check_fault, &limits);
	FUZZ_REQUIRE(*ret_err == (limits.faults ? ERR_SYNTAX : 0));
	FUZZ_REQUIRE(zone_txn_commit_load(t) == 0);
	return z;
}

/* The text of a zone; free it. */
static char *write_text(struct zone *z, size_t *ret_len)
{
	struct zone_snapshot *s = zone_current(z);
	int fd = memfd_create("zone", MFD_CLOEXEC);
	FUZZ_REQUIRE(fd >= 0);
	FUZZ_REQUIRE(zonefile_write_fd(fd, s) == 0);
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = malloc((size_t)len + 1);
	FUZZ_REQUIRE(text && pread(fd, text, (size_t)len, 0) == len);
	close(fd);
	zone_snapshot_unref(s);
	*ret_len = (size_t)len;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int err;
	size_t len;
	struct zone *first = load((const char *)data, size, &err);
	if (err) {
		zone_free(first);
		return 0;
	}
	char *text = write_text(first, &len);
	struct zone *second = load(text, len, &err);
	FUZZ_REQUIRE(err == 0);
	struct zone_snapshot *wanted = zone_current(first);
	struct zone_txn *t = zone_txn_new(second);
	FUZZ_REQUIRE(zone_txn_become(t, wanted) == 0);
	FUZZ_REQUIRE(!zone_txn_changed(t));
	zone_txn_abort(t);
	zone_snapshot_unref(wanted);
	zone_free(first);
	zone_free(second);
	free(text);
	return 0;
}
