#include "base/mem.h"
#include "daemon/worker.h"

struct epoch *epoch_ref(struct epoch *e)
{
	atomic_fetch_add_explicit(&e->references, 1, memory_order_relaxed);
	return e;
}

void epoch_unref(struct epoch *e)
{
	if (!e || atomic_fetch_sub_explicit(&e->references, 1, memory_order_acq_rel) > 1) {
		return;
	}
	net_tls_unref(e->tls);
	mem_free(e->policies);
	mem_free(e->zone_ids);
	mem_free(e->updates_queued);
	config_free(e->config);
	mem_free(e);
}
