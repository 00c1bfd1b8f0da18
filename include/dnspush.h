/*
 * libdnspush: follow DNS records live (RFC 8765) from any program.
 *
 * A handle holds one session with one server and any number of subscriptions. It has
 * no thread, no global state and takes no signals: it is driven by its owner, who
 * waits until dnspush_fd() is readable or dnspush_timeout_ms() has passed, calls
 * dnspush_process(), and then takes events by dnspush_next_event() until there are no
 * more. It connects when there is something to do and reconnects by itself. What it
 * knows of a name outlives a session: after a reconnect only differences are reported;
 * while there is no session, records whose TTL passes are reported as removed.
 *
 * Threads: one handle, one thread at a time; different handles are independent.
 * Strings given are copied; strings in events are valid until the next call on the
 * handle. Functions that can fail return 0 or a negative DNSPUSH_E... code;
 * dnspush_error() has words for people. *ret_... are written on success only.
 */
#ifndef DNSPUSH_H
#define DNSPUSH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dnspush_error_code {
	DNSPUSH_OK = 0,
	DNSPUSH_E_MEMORY = -1,   /* memory ended; the call had no effect */
	DNSPUSH_E_ARGUMENT = -2, /* a name, type, option, rdata or id is no good, or the server cannot be resolved */
	DNSPUSH_E_STATE = -3,    /* not possible now: no session, or the handle was closed */
	DNSPUSH_E_SYSTEM = -4,   /* the operating system refused; errno */
	DNSPUSH_E_TLS = -5,      /* certificate, key or CA file cannot be used */
	DNSPUSH_E_LIMIT = -6,    /* too many subscriptions, or 1000 requests under way */
};

/*
 * How to reach and trust a server. A host name is resolved once, by dnspush_new(), which may wait
 * for that; an address never waits. Zero-initialise; NULL means the default.
 */
struct dnspush_options {
	const char *server;       /* required: HOST[@PORT], port 853 by default; an address or a name */
	const char *tls_ca;       /* PEM file of trusted CAs; default: the system's */
	const char *tls_hostname; /* name the certificate must be for; default: the host of `server` */
	const char *tls_pin;      /* base64 SHA-256 of the server's public key (RFC 7858); replaces the CA check */
	const char *tls_cert;     /* client certificate and its key, PEM files */
	const char *tls_key;
	int insecure;                /* nonzero: nothing is authenticated */
	uint32_t connect_timeout_ms; /* for connecting and handshake; 0: 5000 */
};

struct dnspush;

/*
 * A handle that will connect as soon as there is something to do. Files are read here, once. On failure `error`
 * (may be NULL) gets words: DNSPUSH_E_ARGUMENT, _TLS, _MEMORY, _SYSTEM.
 */
int dnspush_new(const struct dnspush_options *options, char *error, size_t error_size, struct dnspush **ret_handle);
/* Close the session in an orderly way as far as that needs no waiting, and free all. NULL is fine. */
void dnspush_free(struct dnspush *h);

/* Readable when dnspush_process() has something to do; the same for the life of the handle. */
int dnspush_fd(const struct dnspush *h);
/* Milliseconds until dnspush_process() must be called anyway; -1: no limit. */
int dnspush_timeout_ms(const struct dnspush *h);
/*
 * Do what can be done without waiting. That a connection fails is no failure of this call but an event.
 * DNSPUSH_E_MEMORY, from then on always, once memory ended under an event: events are missing, free the handle.
 */
int dnspush_process(struct dnspush *h);
/* Words about the last call that failed; "" if none did. */
const char *dnspush_error(const struct dnspush *h);

/*
 * Follow `name` and `type` ("A", "ANY", "TYPE65280"; NULL: ANY) in class IN. *ret_id names the subscription in
 * DNSPUSH_EVENT_SUBSCRIBED and _REFUSED. A refused one is asked again by itself. DNSPUSH_E_ARGUMENT, _STATE, _LIMIT,
 * _MEMORY.
 */
int dnspush_subscribe(struct dnspush *h, const char *name, const char *type, uint32_t *ret_id);
/*
 * Follow it no longer. Records that no other subscription vouches for are reported as removed when their TTL has
 * passed. DNSPUSH_E_ARGUMENT if there is no such id.
 */
int dnspush_unsubscribe(struct dnspush *h, uint32_t id);
/*
 * Ask the server to verify a record (RECONFIRM); there is no answer. DNSPUSH_E_STATE without a session, which exists
 * from DNSPUSH_EVENT_CONNECTED on; DNSPUSH_E_ARGUMENT for a type such as ANY or rdata that is not of the type.
 */
int dnspush_reconfirm(struct dnspush *h, const char *name, const char *type, const char *rdata);

/*
 * Send one DNS message (a query, an UPDATE; wire form, any ID) over the session; the answer comes
 * as DNSPUSH_EVENT_ANSWER with *ret_id. The copy sent bears another ID (which TSIG allows); the answer
 * is given back with the ID of the message given. It waits for the connection if there is none yet;
 * if the connection ends before the answer comes, DNSPUSH_EVENT_FAILED says so, and nothing is sent
 * twice. DNSPUSH_E_ARGUMENT, _STATE, _LIMIT, _MEMORY.
 */
int dnspush_send(struct dnspush *h, const void *message, size_t len, uint32_t *ret_id);

/*
 * No more reconnects: say goodbye (close_notify) and go quiet; DNSPUSH_EVENT_CLOSED comes when it is done. Requests
 * without an answer fail. Only dnspush_process(), dnspush_next_event() and dnspush_free() make sense afterwards.
 */
void dnspush_close(struct dnspush *h);

enum dnspush_event_type {
	/* A DSO session is there, so only if something is followed: `server`, `tls`, `authenticated`, `push` (0: the
	   server does not offer DSO). */
	DNSPUSH_EVENT_CONNECTED,
	DNSPUSH_EVENT_SUBSCRIBED, /* `id`, `name`, `type`, `dns_class`: NOERROR; what there is follows as ADD */
	/* One record: `name`, `type`, `dns_class`, `ttl`, `rdata`; also when only its TTL changed. Told once,
	   however many subscriptions it matches. */
	DNSPUSH_EVENT_ADD,
	DNSPUSH_EVENT_REMOVE,       /* one record, with the TTL that it had; a collective removal is unfolded */
	DNSPUSH_EVENT_BATCH,        /* end of the changes that arrived together; `changes` */
	DNSPUSH_EVENT_REFUSED,      /* `id`, `name`, `type`, `rcode`, `retry_after_ms`; also if cancelled later */
	DNSPUSH_EVENT_ANSWER,       /* `id`, `message`, `message_len` */
	DNSPUSH_EVENT_FAILED,       /* the request `id` of dnspush_send() will get no answer; `reason` */
	DNSPUSH_EVENT_DISCONNECTED, /* `server`, `reason`, `untrusted`, `retry_after_ms`: tried again then by itself */
	DNSPUSH_EVENT_CLOSED,       /* after dnspush_close() */
};

struct dnspush_event {
	enum dnspush_event_type event;
	uint32_t id;
	const char *name; /* presentation form, final dot */
	const char *type;
	const char *dns_class;
	uint32_t ttl;
	const char *rdata; /* presentation form */
	size_t changes;
	const char *rcode;         /* mnemonic */
	uint32_t retry_after_ms;   /* DISCONNECTED: UINT32_MAX is never, as the server asked for */
	const char *server;        /* HOST@PORT */
	const char *tls;           /* "TLSv1.3" */
	const char *authenticated; /* "pkix", "pin", "none" */
	int push;
	const char *reason; /* for people */
	int untrusted;      /* DISCONNECTED: the server could not be authenticated */
	const void *message;
	size_t message_len;
};

/* The next event: 1, or 0 when there is none. */
int dnspush_next_event(struct dnspush *h, struct dnspush_event *ret_event);

#ifdef __cplusplus
}
#endif

#endif
