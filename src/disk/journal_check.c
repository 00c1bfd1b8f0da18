/*
 * The structure of an LMDB file, checked without LMDB, which trusts what it maps: a flipped bit in a page
 * number or a cut file would end the process, or show pages of another tree.
 *
 * A file is pages of one size. The first two are meta pages; the one with the higher transaction number
 * counts. It names the roots of two trees: the free list (keys are transaction numbers, values lists of free
 * pages) and the main one. Integers are as the machine has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "disk/journal_private.h"

enum {
	PAGE_HEAD = 16,
	PAGE_BRANCH = 1,
	PAGE_LEAF = 2,
	PAGE_OVERFLOW = 4,
	PAGE_META = 8,
	NODE_HEAD = 8,
	NODE_OVERFLOW = 1, /* the value is on pages of its own */
	TREE_FLAGS = 0x7f, /* above them the free list's head has flags of the environment */
	DEPTH_MAX = 32,
	META_MAGIC = PAGE_HEAD,
	META_VERSION = META_MAGIC + 4,
	META_TREES = META_VERSION + 4 + 16,
	TREE_LEN = 48,
	META_LAST_PAGE = META_TREES + 2 * TREE_LEN,
	META_TRANSACTION = META_LAST_PAGE + 8,
	META_END = META_TRANSACTION + 8,
	LOOSE_MAX = 1 << 16, /* pages at the end that were taken but never written */
};
static const uint32_t lmdb_magic = 0xBEEFC0DE;
static const uint64_t no_page = UINT64_MAX;

struct tree {
	bool free_list;
	uint64_t depth;
	uint64_t root;
	uint64_t entries; /* as counted */
};

struct check {
	const uint8_t *data;
	size_t page_size;
	uint64_t pages; /* in the file */
	uint64_t last;  /* highest page that was ever taken */
	uint8_t *used;  /* one bit a page */
	char *words;
};

struct run {
	const uint8_t *data; /* NULL: no bound */
	size_t len;
};

static int damaged(struct check *c, const char *what, uint64_t page)
{
	snprintf(c->words, JOURNAL_ERROR_MAX, "is damaged: page %llu: %s", (unsigned long long)page, what);
	return ERR_INVALID;
}

static uint16_t get_u16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Note that a page (below `last`) is in use or free; false if it was noted already. */
static bool note_page(struct check *c, uint64_t page)
{
	uint8_t bit = (uint8_t)(1u << (page & 7));
	bool fresh = !(c->used[page >> 3] & bit);
	c->used[page >> 3] |= bit;
	return fresh;
}

/* A page of this kind that nothing else uses; `count` pages in a row for an overflow. */
static int enter_page(struct check *c, uint64_t page, unsigned kind, uint64_t count)
{
	if (page < 2 || page >= c->pages || page > c->last || count > c->pages - page) {
		return damaged(c, "it is behind the end of the file", page);
	}
	const uint8_t *p = c->data + page * c->page_size;
	if (get_u64(p) != page || get_u16(p + 10) != kind || (kind == PAGE_OVERFLOW && get_u32(p + 12) != count)) {
		return damaged(c, "it is not what it should be", page);
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!note_page(c, page + i)) {
			return damaged(c, "it is used twice", page + i);
		}
	}
	return 0;
}

static int compare_keys(const struct tree *t, struct run a, struct run b)
{
	if (t->free_list) {
		uint64_t x = get_u64(a.data), y = get_u64(b.data);
		return x < y ? -1 : x > y;
	}
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* The pages that an entry of the free list names. */
static int check_free(struct check *c, struct run list, uint64_t page)
{
	uint64_t count = list.len >= 8 ? get_u64(list.data) : UINT64_MAX;
	if (count > list.len / 8 - (list.len >= 8)) {
		return damaged(c, "its list of free pages is too short", page);
	}
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t each = get_u64(list.data + 8 * i);
		if (each < 2 || each > c->last) {
			return damaged(c, "it lists a free page that does not exist", page);
		}
		if (!note_page(c, each)) {
			return damaged(c, "it is used and free, or free twice", each);
		}
	}
	return 0;
}

/* The value of a leaf's node, which begins at `at` of the page. */
static int check_value(struct check *c, struct tree *t, uint64_t page, size_t at, size_t key_len)
{
	const uint8_t *p = c->data + page * c->page_size;
	uint64_t len = get_u16(p + at) | (uint64_t)get_u16(p + at + 2) << 16;
	unsigned flags = get_u16(p + at + 4);
	size_t start = at + NODE_HEAD + key_len;
	struct run value = {.data = p + start, .len = len};

	if (flags & ~(unsigned)NODE_OVERFLOW) {
		snprintf(c->words, JOURNAL_ERROR_MAX,
		         "is a database of some other program, or damaged at page %llu; it was left alone",
		         (unsigned long long)page);
		return ERR_CONFIG;
	}

	if (flags & NODE_OVERFLOW) {
		if (start + 8 > c->page_size) {
			return damaged(c, "a value is behind its end", page);
		}
		uint64_t first = get_u64(p + start);
		int err = enter_page(c, first, PAGE_OVERFLOW, (PAGE_HEAD + len + c->page_size - 1) / c->page_size);
		if (err) {
			return err;
		}
		value.data = c->data + first * c->page_size + PAGE_HEAD;
	} else if (len > c->page_size - start) {
		return damaged(c, "a value is behind its end", page);
	}
	t->entries++;
	return t->free_list ? check_free(c, value, page) : 0;
}

/* Key of node i of a page whose head was checked. */
static int get_key(struct check *c, const struct tree *t, uint64_t page, size_t i, size_t *ret_at, struct run *ret_key)
{
	const uint8_t *p = c->data + page * c->page_size;
	size_t upper = get_u16(p + 14);
	size_t at = get_u16(p + PAGE_HEAD + 2 * i);
	if (at < upper || at % 2 || at + NODE_HEAD > c->page_size) {
		return damaged(c, "an entry is behind its end", page);
	}
	size_t len = get_u16(p + at + 6);
	if (at + NODE_HEAD + len > c->page_size) {
		return damaged(c, "a key is behind its end", page);
	}
	bool counts = i > 0 || (get_u16(p + 10) & PAGE_LEAF);
	if (counts && (t->free_list ? len != 8 : len == 0 || len > JOURNAL_KEY_MAX)) {
		return damaged(c, "a key is too long", page);
	}
	*ret_at = at;
	*ret_key = (struct run){p + at + NODE_HEAD, len};
	return 0;
}

/* A page and all below it: keys from `low` up to, not including, `high`. */
static int check_page(struct check *c, struct tree *t, uint64_t page, unsigned depth, struct run low, struct run high)
{
	bool leaf = depth + 1 == t->depth;
	int err = enter_page(c, page, leaf ? PAGE_LEAF : PAGE_BRANCH, 1);
	if (err) {
		return err;
	}
	const uint8_t *p = c->data + page * c->page_size;
	size_t lower = get_u16(p + 12), upper = get_u16(p + 14);
	if (lower <= PAGE_HEAD || lower > upper || upper > c->page_size || lower % 2 ||
	    (!leaf && !t->free_list && lower < PAGE_HEAD + 4)) {
		return damaged(c, "its head is not right", page);
	}
	size_t count = (lower - PAGE_HEAD) / 2;
	struct run before = {NULL, 0};
	for (size_t i = 0; i < count && !err; i++) {
		struct run key, next = high;
		size_t at, next_at;
		err = get_key(c, t, page, i, &at, &key);
		/* The first key of a branch is not used: it stands for all that is lower. */
		if (!leaf && i == 0) {
			key = low;
		}
		if (!err && !leaf && i + 1 < count) {
			err = get_key(c, t, page, i + 1, &next_at, &next);
		}
		if (err) {
			break;
		}
		if ((before.data && compare_keys(t, before, key) >= 0) || (low.data && compare_keys(t, key, low) < 0) ||
		    (high.data && key.data && compare_keys(t, key, high) >= 0)) {
			return damaged(c, "its keys are not in order", page);
		}
		before = key;
		if (leaf) {
			err = check_value(c, t, page, at, key.len);
		} else {
			uint64_t child = get_u16(p + at) | (uint64_t)get_u16(p + at + 2) << 16 |
			                 (uint64_t)get_u16(p + at + 4) << 32;
			err = check_page(c, t, child, depth + 1, key, next);
		}
	}
	return err;
}

static int check_tree(struct check *c, const uint8_t *meta, bool free_list)
{
	const uint8_t *p = meta + META_TREES + (free_list ? 0 : TREE_LEN);
	struct tree t = {.free_list = free_list, .depth = get_u16(p + 6), .root = get_u64(p + 40)};
	int err = 0;
	if ((get_u16(p + 4) & TREE_FLAGS) != (free_list ? MDB_INTEGERKEY : 0) || t.depth > DEPTH_MAX ||
	    (t.root == no_page) != (t.depth == 0)) {
		return damaged(c, "a tree's head is not right", 0);
	}
	if (t.root != no_page) {
		err = check_page(c, &t, t.root, 0, (struct run){NULL, 0}, (struct run){NULL, 0});
	}
	if (!err && t.entries != get_u64(p + 32)) {
		err = damaged(c, "a tree's head has another number of entries", 0);
	}
	return err;
}

/* Magic, version and kind of one meta page. */
static int check_meta(struct check *c, uint64_t page)
{
	const uint8_t *p = c->data + page * c->page_size;
	if (get_u32(p + META_MAGIC) != lmdb_magic) {
		snprintf(c->words, JOURNAL_ERROR_MAX,
		         "is no journal (or its head is destroyed); it was left alone: move it away");
		return page == 0 ? ERR_CONFIG : damaged(c, "it is no head", page);
	}
	if ((get_u32(p + META_VERSION) & 0x7fffffff) != 1) {
		snprintf(c->words, JOURNAL_ERROR_MAX, "is of LMDB data version %u, not 1; it was left alone",
		         (unsigned)get_u32(p + META_VERSION));
		return ERR_CONFIG;
	}
	if (get_u64(p) != page || !(get_u16(p + 10) & PAGE_META)) {
		return damaged(c, "it is no head", page);
	}
	return 0;
}

static int check_data(struct check *c, size_t len)
{
	if (len == 0) {
		snprintf(c->words, JOURNAL_ERROR_MAX, "is damaged: it is empty, all zones in it are lost");
		return ERR_INVALID;
	}
	c->page_size = 512;
	if (len >= META_END && get_u32(c->data + META_MAGIC) == lmdb_magic) {
		c->page_size = get_u32(c->data + META_TREES);
	}
	if (c->page_size < 512 || c->page_size > 65536 || (c->page_size & (c->page_size - 1))) {
		return damaged(c, "its page size is not right", 0);
	}
	c->pages = len / c->page_size;
	if (len < META_END || c->pages < 2) {
		snprintf(c->words, JOURNAL_ERROR_MAX,
		         "is cut off (or no journal); it was left alone: all zones in it are lost if it was one");
		return len >= META_END && get_u32(c->data + META_MAGIC) == lmdb_magic ? ERR_INVALID : ERR_CONFIG;
	}
	int err = check_meta(c, 0);
	if (!err) {
		err = check_meta(c, 1);
	}
	if (err) {
		return err;
	}
	const uint8_t *meta = c->data, *second = c->data + c->page_size;
	if (get_u32(second + META_TREES) != c->page_size) {
		return damaged(c, "its page size is not right", 1);
	}
	if (get_u64(meta + META_TRANSACTION) < get_u64(second + META_TRANSACTION)) {
		meta = second;
	}
	c->last = get_u64(meta + META_LAST_PAGE);
	if (c->last < 1 || c->last >= c->pages + LOOSE_MAX) {
		return damaged(c, "the file is cut off", c->last);
	}
	c->used = mem_calloc(1, c->last / 8 + 1);
	if (!c->used) {
		snprintf(c->words, JOURNAL_ERROR_MAX, "cannot be checked: out of memory");
		return ERR_NOMEM;
	}
	err = check_tree(c, meta, false);
	return err ? err : check_tree(c, meta, true);
}

int journal_check_file(const char *path, char words[JOURNAL_ERROR_MAX])
{
	struct check c = {.words = words};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;
	if (fd < 0 || fstat(fd, &st)) {
		snprintf(words, JOURNAL_ERROR_MAX, "cannot be read: %s", strerror(errno));
		err = ERR_SYSTEM;
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(words, JOURNAL_ERROR_MAX, "is not a regular file");
		err = ERR_CONFIG;
	} else if (st.st_size > 0) {
		void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (data == MAP_FAILED) {
			snprintf(words, JOURNAL_ERROR_MAX, "cannot be read: %s", strerror(errno));
			err = ERR_SYSTEM;
		} else {
			c.data = data;
			err = check_data(&c, (size_t)st.st_size);
			munmap(data, (size_t)st.st_size);
		}
	} else {
		err = check_data(&c, 0);
	}
	if (fd >= 0) {
		close(fd);
	}
	mem_free(c.used);
	return err;
}
