#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/stream.h"

/* One end of a pipe. The other end writes into its `in`. */
struct memory {
	struct net_stream base;
	struct memory *other; /* NULL once that is closed */
	struct buf in;
	size_t cap;
	bool ended; /* the other end writes no more */
	bool reset; /* the other end is gone by reset */
	void (*ready)(void *context);
	void *ready_context;
};

static void notify(struct memory *m)
{
	if (m != NULL && m->ready != NULL) {
		m->ready(m->ready_context);
	}
}

static int memory_open(struct net_stream *s)
{
	(void)s;
	return 0;
}

static int memory_read(struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len, bool *ret_early)
{
	struct memory *m = (struct memory *)s;
	size_t len = buf_len(&m->in);

	if (m->reset) {
		return net_stream_fail(s, ERR_SYSTEM, "cannot read: connection reset");
	}
	if (len == 0) {
		return m->ended ? ERR_CLOSED : ERR_AGAIN;
	}
	len = len < cap ? len : cap;
	const uint8_t *from = buf_data(&m->in);

	for (size_t i = 0; i < len; i++) {
		data[i] = from[i];
	}
	buf_consume(&m->in, len);
	*ret_len = len;
	*ret_early = false;
	notify(m->other);
	return 0;
}

static int memory_write(struct net_stream *s, const uint8_t *data, size_t len, size_t *ret_len)
{
	struct memory *m = (struct memory *)s;

	if (m->other == NULL) {
		return net_stream_fail(s, ERR_SYSTEM, "cannot write: connection reset");
	}
	size_t room = m->cap - buf_len(&m->other->in);

	if (room == 0) {
		return ERR_AGAIN;
	}
	len = len < room ? len : room;
	int err = buf_append(&m->other->in, data, len);

	if (err < 0) {
		return net_stream_fail(s, err, "cannot write: %s", err_text(err));
	}
	*ret_len = len;
	notify(m->other);
	return 0;
}

static unsigned memory_needs(const struct net_stream *s)
{
	(void)s;
	return 0;
}

static bool memory_pending(const struct net_stream *s)
{
	return buf_len(&((const struct memory *)s)->in) > 0;
}

static void memory_shutdown(struct net_stream *s)
{
	struct memory *m = (struct memory *)s;

	if (m->other != NULL && !m->other->ended) {
		m->other->ended = true;
		notify(m->other);
	}
}

static void memory_close(struct net_stream *s, bool reset)
{
	struct memory *m = (struct memory *)s;
	struct memory *other = m->other;

	if (other != NULL) {
		other->other = NULL;
		other->ended = true;
		other->reset = reset;
		notify(other);
	}
	buf_done(&m->in);
	mem_free(m);
}

static const struct net_stream_ops memory_ops = {
        .open = memory_open,
        .read = memory_read,
        .write = memory_write,
        .needs = memory_needs,
        .pending = memory_pending,
        .shutdown = memory_shutdown,
        .close = memory_close,
};

static struct memory *memory_new(size_t cap)
{
	struct memory *m = mem_calloc(1, sizeof(*m));

	if (m != NULL) {
		m->base.ops = &memory_ops;
		m->base.fd = -1;
		m->cap = cap;
		buf_init(&m->in, cap);
	}
	return m;
}

int net_memory_pair(size_t cap, struct net_stream **ret_a, struct net_stream **ret_b)
{
	struct memory *a = memory_new(cap);
	struct memory *b = memory_new(cap);

	if (a == NULL || b == NULL) {
		mem_free(a);
		mem_free(b);
		return ERR_NOMEM;
	}
	a->other = b;
	b->other = a;
	*ret_a = &a->base;
	*ret_b = &b->base;
	return 0;
}

void net_memory_notify(struct net_stream *s, void (*ready)(void *context), void *context)
{
	struct memory *m = (struct memory *)s;

	m->ready = ready;
	m->ready_context = context;
}
