#include "dso/states.h"

/* Short names keep the table readable; columns are the phases in their order. */
enum {
	imposs = DSO_ACTION_IMPOSSIBLE,
	handle = DSO_ACTION_HANDLE,
	ignore = DSO_ACTION_IGNORE,
	refuse = DSO_ACTION_REFUSE,
	notimp = DSO_ACTION_NOTIMP,
	close_ = DSO_ACTION_CLOSE,
	abort_ = DSO_ACTION_ABORT,
};

/* clang-format off */
static const uint8_t client_table[DSO_INPUT_COUNT][DSO_PHASE_COUNT] = {
	/*                          plain   connect establi decline session no_dso  leaving over */
	[DSO_IN_SHORT]           = {abort_, abort_, abort_, abort_, abort_, abort_, imposs, ignore},
	[DSO_IN_MESSAGE]         = {ignore, ignore, ignore, ignore, handle, ignore, imposs, ignore},
	[DSO_IN_REPLY]           = {handle, handle, handle, handle, handle, handle, imposs, ignore},
	[DSO_IN_REQUEST]         = {notimp, abort_, abort_, abort_, handle, abort_, imposs, ignore},
	[DSO_IN_UNIDIRECTIONAL]  = {abort_, abort_, abort_, abort_, handle, abort_, imposs, ignore},
	[DSO_IN_RESPONSE]        = {abort_, abort_, handle, abort_, handle, handle, imposs, ignore},
	[DSO_IN_END]             = {close_, close_, close_, close_, close_, close_, imposs, ignore},
	[DSO_DO_REQUEST]         = {refuse, handle, handle, handle, handle, refuse, imposs, refuse},
	[DSO_DO_UNIDIRECTIONAL]  = {refuse, refuse, refuse, refuse, handle, refuse, imposs, refuse},
	[DSO_DO_QUERY]           = {handle, handle, handle, handle, handle, handle, imposs, refuse},
	[DSO_DO_RESPOND]         = {refuse, refuse, refuse, refuse, handle, refuse, imposs, refuse},
	[DSO_DO_ANSWER]          = {refuse, refuse, refuse, refuse, refuse, refuse, imposs, refuse},
	[DSO_DO_CANCEL]          = {refuse, refuse, refuse, refuse, refuse, refuse, imposs, refuse},
	[DSO_DO_OPERATION_END]   = {refuse, refuse, handle, refuse, handle, handle, imposs, refuse},
	[DSO_DO_REVISE]          = {refuse, refuse, refuse, refuse, refuse, refuse, imposs, refuse},
	[DSO_DO_RETRY_DELAY]     = {ignore, ignore, ignore, ignore, ignore, ignore, imposs, ignore},
	[DSO_DO_CLOSE]           = {close_, close_, close_, close_, close_, close_, imposs, ignore},
	[DSO_DO_ABORT]           = {abort_, abort_, abort_, abort_, abort_, abort_, imposs, ignore},
	[DSO_ON_MESSAGE_TIMEOUT] = {abort_, abort_, abort_, abort_, abort_, abort_, imposs, ignore},
	[DSO_ON_ESTABLISH]       = {imposs, imposs, abort_, imposs, imposs, imposs, imposs, ignore},
	[DSO_ON_IDLE]            = {close_, close_, imposs, close_, imposs, close_, imposs, ignore},
	[DSO_ON_INACTIVE]        = {imposs, imposs, imposs, imposs, close_, imposs, imposs, ignore},
	[DSO_ON_KEEPALIVE]       = {imposs, imposs, imposs, imposs, handle, imposs, imposs, ignore},
	[DSO_ON_GRACE]           = {imposs, imposs, imposs, imposs, imposs, imposs, imposs, ignore},
};

static const uint8_t server_table[DSO_INPUT_COUNT][DSO_PHASE_COUNT] = {
	/*                          plain   connect establi decline session no_dso  leaving over */
	[DSO_IN_SHORT]           = {abort_, abort_, abort_, imposs, abort_, imposs, ignore, ignore},
	[DSO_IN_MESSAGE]         = {handle, handle, handle, imposs, handle, imposs, ignore, ignore},
	[DSO_IN_REPLY]           = {ignore, ignore, ignore, imposs, handle, imposs, ignore, ignore},
	[DSO_IN_REQUEST]         = {notimp, handle, handle, imposs, handle, imposs, ignore, ignore},
	[DSO_IN_UNIDIRECTIONAL]  = {notimp, abort_, handle, imposs, handle, imposs, ignore, ignore},
	[DSO_IN_RESPONSE]        = {ignore, abort_, abort_, imposs, handle, imposs, ignore, ignore},
	[DSO_IN_END]             = {close_, close_, close_, imposs, close_, imposs, close_, ignore},
	[DSO_DO_REQUEST]         = {refuse, refuse, refuse, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_UNIDIRECTIONAL]  = {refuse, refuse, refuse, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_QUERY]           = {refuse, refuse, refuse, imposs, refuse, imposs, refuse, refuse},
	[DSO_DO_RESPOND]         = {refuse, refuse, handle, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_ANSWER]          = {handle, handle, handle, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_CANCEL]          = {refuse, refuse, refuse, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_OPERATION_END]   = {refuse, refuse, refuse, imposs, handle, imposs, refuse, refuse},
	[DSO_DO_REVISE]          = {ignore, ignore, ignore, imposs, handle, imposs, ignore, ignore},
	[DSO_DO_RETRY_DELAY]     = {abort_, abort_, abort_, imposs, handle, imposs, ignore, ignore},
	[DSO_DO_CLOSE]           = {close_, close_, close_, imposs, abort_, imposs, ignore, ignore},
	[DSO_DO_ABORT]           = {abort_, abort_, abort_, imposs, abort_, imposs, abort_, ignore},
	[DSO_ON_MESSAGE_TIMEOUT] = {abort_, abort_, abort_, imposs, abort_, imposs, imposs, ignore},
	[DSO_ON_ESTABLISH]       = {imposs, imposs, imposs, imposs, imposs, imposs, imposs, ignore},
	[DSO_ON_IDLE]            = {close_, close_, close_, imposs, imposs, imposs, imposs, ignore},
	[DSO_ON_INACTIVE]        = {imposs, imposs, imposs, imposs, abort_, imposs, imposs, ignore},
	[DSO_ON_KEEPALIVE]       = {imposs, imposs, imposs, imposs, abort_, imposs, imposs, ignore},
	[DSO_ON_GRACE]           = {imposs, imposs, imposs, imposs, imposs, imposs, abort_, ignore},
};
/* clang-format on */

enum dso_action dso_state_action(enum dso_side side, enum dso_phase phase, enum dso_input input)
{
	if ((unsigned)phase >= DSO_PHASE_COUNT || (unsigned)input >= DSO_INPUT_COUNT) {
		return DSO_ACTION_IMPOSSIBLE;
	}
	return side == DSO_CLIENT ? client_table[input][phase] : server_table[input][phase];
}

enum dso_reason dso_state_reason(enum dso_input input)
{
	static const uint8_t reasons[DSO_INPUT_COUNT] = {
	        [DSO_IN_SHORT] = DSO_REASON_FRAME,
	        [DSO_IN_REQUEST] = DSO_REASON_NO_SESSION,
	        [DSO_IN_UNIDIRECTIONAL] = DSO_REASON_NO_SESSION,
	        [DSO_IN_RESPONSE] = DSO_REASON_RESPONSE,
	        [DSO_DO_RETRY_DELAY] = DSO_REASON_APPLICATION,
	        [DSO_DO_CLOSE] = DSO_REASON_APPLICATION,
	        [DSO_DO_ABORT] = DSO_REASON_APPLICATION,
	        [DSO_ON_MESSAGE_TIMEOUT] = DSO_REASON_MESSAGE_TIMEOUT,
	        [DSO_ON_ESTABLISH] = DSO_REASON_ESTABLISH,
	        [DSO_ON_IDLE] = DSO_REASON_IDLE,
	        [DSO_ON_INACTIVE] = DSO_REASON_INACTIVE,
	        [DSO_ON_KEEPALIVE] = DSO_REASON_KEEPALIVE,
	        [DSO_ON_GRACE] = DSO_REASON_RETRY_DELAY,
	};
	return (unsigned)input < DSO_INPUT_COUNT ? reasons[input] : DSO_REASON_NONE;
}

const char *dso_phase_name(enum dso_phase phase)
{
	static const char *const names[DSO_PHASE_COUNT] = {
	        [DSO_PHASE_PLAIN] = "plain",
	        [DSO_PHASE_CONNECTED] = "connected",
	        [DSO_PHASE_ESTABLISHING] = "establishing",
	        [DSO_PHASE_DECLINED] = "declined",
	        [DSO_PHASE_ESTABLISHED] = "established",
	        [DSO_PHASE_NO_DSO] = "no DSO",
	        [DSO_PHASE_LEAVING] = "leaving",
	        [DSO_PHASE_OVER] = "over",
	};
	return (unsigned)phase < DSO_PHASE_COUNT ? names[phase] : "?";
}

const char *dso_input_name(enum dso_input input)
{
	static const char *const names[DSO_INPUT_COUNT] = {
	        [DSO_IN_SHORT] = "frame shorter than a header",
	        [DSO_IN_MESSAGE] = "ordinary message",
	        [DSO_IN_REPLY] = "ordinary reply",
	        [DSO_IN_REQUEST] = "DSO request",
	        [DSO_IN_UNIDIRECTIONAL] = "DSO unidirectional",
	        [DSO_IN_RESPONSE] = "DSO response",
	        [DSO_IN_END] = "end of input",
	        [DSO_DO_REQUEST] = "send request",
	        [DSO_DO_UNIDIRECTIONAL] = "send unidirectional",
	        [DSO_DO_QUERY] = "send query",
	        [DSO_DO_RESPOND] = "respond",
	        [DSO_DO_ANSWER] = "answer message",
	        [DSO_DO_CANCEL] = "cancel operation",
	        [DSO_DO_OPERATION_END] = "operation ended",
	        [DSO_DO_REVISE] = "revise timers",
	        [DSO_DO_RETRY_DELAY] = "retry delay",
	        [DSO_DO_CLOSE] = "close",
	        [DSO_DO_ABORT] = "abort",
	        [DSO_ON_MESSAGE_TIMEOUT] = "message timeout",
	        [DSO_ON_ESTABLISH] = "establishment timeout",
	        [DSO_ON_IDLE] = "idle timeout",
	        [DSO_ON_INACTIVE] = "inactivity timer",
	        [DSO_ON_KEEPALIVE] = "keepalive timer",
	        [DSO_ON_GRACE] = "grace timeout",
	};
	return (unsigned)input < DSO_INPUT_COUNT ? names[input] : "?";
}

const char *dso_action_name(enum dso_action action)
{
	static const char *const names[DSO_ACTION_COUNT] = {
	        [DSO_ACTION_IMPOSSIBLE] = "-",  [DSO_ACTION_HANDLE] = "handle", [DSO_ACTION_IGNORE] = "ignore",
	        [DSO_ACTION_REFUSE] = "refuse", [DSO_ACTION_NOTIMP] = "NOTIMP", [DSO_ACTION_CLOSE] = "close",
	        [DSO_ACTION_ABORT] = "abort",
	};
	return (unsigned)action < DSO_ACTION_COUNT ? names[action] : "?";
}
