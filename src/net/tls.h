/*
 * TLS (OpenSSL behind it): the only place that knows the library. 1.3 preferred,
 * 1.2 with ECDHE and AEAD only, ALPN "dot", buffers released when idle, RFC 9325.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/stream.h"

/* Certificates, keys and rules; shared by streams and threads, replaced whole on reload. */
struct net_tls;

enum net_tls_client_auth { NET_TLS_CLIENT_NONE, NET_TLS_CLIENT_OPTIONAL, NET_TLS_CLIENT_REQUIRED };

struct net_tls_server_options {
	const char *certificate; /* PEM chain */
	const char *key;         /* PEM */
	const char *client_ca;   /* PEM; NULL: none */
	enum net_tls_client_auth client_auth;
	bool tls13_only;
	bool early_data; /* accept 0-RTT; no effect while client certificates are asked for */
};
/*
 * 0, or ERR_TLS/ERR_NOMEM with words in `error`: the file named, a mismatch of key and
 * certificate or an expired certificate told. A client's ALPN list without "dot" is
 * answered with no_application_protocol; one that sends no list is accepted.
 */
int net_tls_server_new(const struct net_tls_server_options *o, char error[256], struct net_tls **ret_tls);

struct net_tls_client_options {
	const char *ca;          /* PEM; NULL: the system's store */
	const char *hostname;    /* to verify and to send as SNI; NULL: none sent, only pin or insecure possible */
	const char *pin;         /* base64 SHA-256 of the SubjectPublicKeyInfo; NULL: none */
	bool insecure;           /* nothing is authenticated */
	const char *certificate; /* client certificate and key; NULL: none */
	const char *key;
};
/*
 * How the server is authenticated: not at all if `insecure`; else by the pin alone if
 * there is one (RFC 7858 4.2); else by its chain and by `hostname` (or address) in its
 * subjectAltName (RFC 8310 8.1). 0, or ERR_TLS/ERR_NOMEM with words in `error`.
 */
int net_tls_client_new(const struct net_tls_client_options *o, char error[256], struct net_tls **ret_tls);

/* Thread-safe. */
struct net_tls *net_tls_ref(struct net_tls *t);
void net_tls_unref(struct net_tls *t);

/* Wrap a socket (owned then; closed on failure). The handshake runs in open(). SSLKEYLOGFILE is honoured by clients. */
struct net_stream *net_tls_stream_new(struct net_tls *t, int fd, const struct net_address *peer, bool connecting);

/* Names (subjectAltName DNS, then CN) of the verified client certificate of a stream matching a pattern "*.x"? */
bool net_tls_peer_matches(const struct net_stream *s, const char *pattern);

#endif
