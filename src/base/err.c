#include "base/err.h"

#include <stddef.h>

struct err_entry {
	int code;
	enum err_class class;
	const char *name;
	const char *text;
};

static const struct err_entry entries[] = {
#define ERR_X(name, number, class, text) {(number), (class), #name, (text)},
        ERR_LIST(ERR_X)
#undef ERR_X
};

static const struct err_entry *find(int err)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (entries[i].code == err) {
			return &entries[i];
		}
	}
	return NULL;
}

enum err_class err_class(int err)
{
	const struct err_entry *e = find(err);
	return e ? e->class : ERR_CLASS_NONE;
}

const char *err_name(int err)
{
	const struct err_entry *e = find(err);
	return e ? e->name : err == 0 ? "OK" : "ERR_UNKNOWN";
}

const char *err_text(int err)
{
	const struct err_entry *e = find(err);
	return e ? e->text : err == 0 ? "success" : "unknown error";
}

unsigned err_rcode(int err)
{
	switch (err_class(err)) {
	case ERR_CLASS_NONE:
		return 0;
	case ERR_CLASS_REFUSED:
		if (err <= ERR_BADSIG) {
			return 9; /* NOTAUTH, the TSIG record itself carries the detail */
		}
		return (unsigned)(-err - 100);
	case ERR_CLASS_PROTOCOL:
		return 1; /* FORMERR */
	case ERR_CLASS_LOCAL:
		break;
	}
	return 2; /* SERVFAIL */
}
