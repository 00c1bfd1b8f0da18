/* dnspush reconfirm: ask the server to verify a record. */
#include "cli/cli.h"

int cli_reconfirm(const struct cli_options *o)
{
	struct cli_run r;
	struct dnspush_event e;
	uint32_t id;
	int status;

	if (o->word_count != 3) {
		return cli_wrong("reconfirm", "needs NAME TYPE RDATA (quote rdata that holds spaces)");
	}
	status = cli_run_init(&r, o, 10000);
	if (status) {
		return status;
	}
	/* A session exists once the server has answered a request: following the record is one that serves. */
	if (dnspush_subscribe(r.handle, o->words[0], o->words[1], &id)) {
		status = cli_wrong("reconfirm", dnspush_error(r.handle));
		cli_run_done(&r);
		return status;
	}
	status = CLI_FAILED;
	while (cli_run_next(&r, &e)) {
		if (e.event == DNSPUSH_EVENT_SUBSCRIBED) {
			int err = dnspush_reconfirm(r.handle, o->words[0], o->words[1], o->words[2]);
			status = !err                        ? CLI_DONE
			         : err == DNSPUSH_E_ARGUMENT ? cli_wrong("reconfirm", dnspush_error(r.handle))
			                                     : CLI_FAILED;
			break;
		}
		if (e.event == DNSPUSH_EVENT_REFUSED || e.event == DNSPUSH_EVENT_DISCONNECTED) {
			cli_error("reconfirm", e.event == DNSPUSH_EVENT_REFUSED ? e.rcode : e.reason);
			break;
		}
	}
	cli_run_done(&r);
	return status;
}
