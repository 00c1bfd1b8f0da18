#include "net/tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/crypto.h"
#include "net/openssl.h"

enum {
	PIN_LEN = 32,
	PIN_TEXT = 45, /* base64 and its end */
	EARLY_MAX = 4096,
	NAMES_TEXT = 120,
};

static const unsigned char alpn_dot[] = {3, 'd', 'o', 't'};

struct net_tls {
	_Atomic unsigned refs;
	SSL_CTX *context;
	bool server;
	bool early_data;
	bool insecure;
	bool has_pin;
	bool by_address; /* hostname is an IP address: verified as such, and no SNI */
	uint8_t pin[PIN_LEN];
	char *hostname;
	int keylog; /* descriptor of SSLKEYLOGFILE, -1 without */
};

/* Data that came before the handshake was over, until read() takes it. */
struct early {
	size_t len;
	size_t taken;
	uint8_t data[EARLY_MAX];
};

struct tls {
	struct net_stream base;
	SSL *ssl;
	struct net_tls *rules;
	struct early *early;
	bool connecting : 1;  /* TCP is not through yet */
	bool open : 1;        /* the handshake is done, or early data can be read */
	bool early_phase : 1; /* the client may still be sending early data */
	bool finishing : 1;   /* early data has ended, the handshake has not */
	bool failed : 1;      /* the library must not be used any more */
	bool shut : 1;        /* shutdown was asked for */
	bool shut_done : 1;   /* close_notify and FIN are out */
	bool read_wants : 1;  /* the last read() waits for room to write */
	bool write_wants : 1; /* the last write() waits for bytes to read */
	uint8_t pin[PIN_LEN]; /* client: what the server's key hashes to, for the words of a failure */
	int verify_error;     /* client: X509_V_ERR_ of the check that failed */
};

/* ---- descriptors below TLS ----
 *
 * The library's own socket layer writes without MSG_NOSIGNAL, and a program that
 * only uses our client library need not have ignored SIGPIPE.
 */

static int socket_write(BIO *bio, const char *data, int len)
{
	int fd = (int)(intptr_t)BIO_get_data(bio);
	ssize_t sent;

	BIO_clear_retry_flags(bio);
	do {
		sent = send(fd, data, (size_t)len, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN) {
		BIO_set_retry_write(bio);
	}
	return (int)sent;
}

static int socket_read(BIO *bio, char *data, int len)
{
	int fd = (int)(intptr_t)BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	do {
		got = recv(fd, data, (size_t)len, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		BIO_set_retry_read(bio);
	}
	if (got == 0) {
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	}
	return (int)got;
}

static long socket_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

static BIO_METHOD *socket_method;
static CRYPTO_ONCE socket_once = CRYPTO_ONCE_STATIC_INIT;

static void socket_method_free(void)
{
	BIO_meth_free(socket_method);
	socket_method = NULL;
}

static void socket_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");

	if (m != NULL) {
		BIO_meth_set_write(m, socket_write);
		BIO_meth_set_read(m, socket_read);
		BIO_meth_set_ctrl(m, socket_ctrl);
		OPENSSL_atexit(socket_method_free);
	}
	socket_method = m;
}

static BIO *socket_new(int fd)
{
	if (!CRYPTO_THREAD_run_once(&socket_once, socket_method_new) || socket_method == NULL) {
		return NULL;
	}
	BIO *bio = BIO_new(socket_method);

	if (bio != NULL) {
		BIO_set_data(bio, (void *)(intptr_t)fd);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* ---- words ---- */

/* Text of a certificate is a stranger's: what is not plain is shown as '?'. */
static void append_plain(char *out, size_t size, const char *text, size_t len)
{
	size_t at = strlen(out);

	for (size_t i = 0; i < len && at + 1 < size; i++) {
		out[at++] = isgraph((unsigned char)text[i]) ? text[i] : '?';
	}
	out[at] = '\0';
}

/* The names a certificate is for, "a.example, 192.0.2.1"; `first` gets the first DNS name alone. */
static void list_names(X509 *certificate, char *out, size_t size, char *first, size_t first_size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	out[0] = '\0';
	first[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char text[INET6_ADDRSTRLEN] = "";
		const char *shown = text;
		size_t len;

		if (name->type == GEN_DNS) {
			shown = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
			len = (size_t)ASN1_STRING_length(name->d.dNSName);
			if (first[0] == '\0') {
				append_plain(first, first_size, shown, len);
			}
		} else if (name->type == GEN_IPADD) {
			int bytes = ASN1_STRING_length(name->d.iPAddress);

			if (bytes != 4 && bytes != 16) {
				continue;
			}
			inet_ntop(bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
			          sizeof(text));
			len = strlen(text);
		} else {
			continue;
		}
		if (strlen(out) + len + 3 > size) {
			append_plain(out, size, "...", 3);
			break;
		}
		if (out[0] != '\0') {
			strcat(out, ", ");
		}
		append_plain(out, size, shown, len);
	}
	GENERAL_NAMES_free(names);
}

static void pin_text(const uint8_t *pin, char text[PIN_TEXT])
{
	EVP_EncodeBlock((unsigned char *)text, pin, PIN_LEN);
}

static bool pin_of(X509 *certificate, uint8_t pin[PIN_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	unsigned hash_len = 0;

	if (len <= 0) {
		return false;
	}
	bool good = EVP_Digest(der, (size_t)len, pin, &hash_len, EVP_sha256(), NULL) == 1 && hash_len == PIN_LEN;

	OPENSSL_free(der);
	return good;
}

static void issuer_text(X509 *certificate, char *out, size_t size)
{
	char name[100] = "";

	X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName, name, sizeof(name));
	out[0] = '\0';
	append_plain(out, size, name[0] != '\0' ? name : "unnamed", name[0] != '\0' ? strlen(name) : 7);
}

static void time_text(const ASN1_TIME *when, char *out, size_t size)
{
	struct tm tm = {0};

	ASN1_TIME_to_tm(when, &tm);
	strftime(out, size, "%Y-%m-%d %H:%M UTC", &tm);
}

/* Why the server was not believed, and what would change that. */
static int authentication_failure(struct tls *t, X509 *certificate)
{
	struct net_stream *s = &t->base;
	char names[NAMES_TEXT];
	char first[64];
	char text[PIN_TEXT];
	char other[PIN_TEXT];
	char when[40];
	char issuer[64];

	pin_text(t->pin, text);
	switch (t->verify_error) {
	case X509_V_ERR_APPLICATION_VERIFICATION:
		pin_text(t->rules->pin, other);
		return net_stream_fail(s, ERR_TLS,
		                       "the server's key has pin %s, not %s: give --tls-pin %s if it is right", text,
		                       other, text);
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		list_names(certificate, names, sizeof(names), first, sizeof(first));
		if (first[0] == '\0') {
			return net_stream_fail(s, ERR_TLS, "certificate is for [%s], not %.60s: use --tls-pin %s",
			                       names, t->rules->hostname, text);
		}
		return net_stream_fail(s, ERR_TLS, "certificate is for [%s], not %.60s: use --tls-hostname %s", names,
		                       t->rules->hostname, first);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		issuer_text(certificate, issuer, sizeof(issuer));
		return net_stream_fail(
		        s, ERR_TLS, "certificate is signed by an unknown CA (%s): give --tls-ca FILE or --tls-pin %s",
		        issuer, text);
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		time_text(t->verify_error == X509_V_ERR_CERT_HAS_EXPIRED ? X509_get0_notAfter(certificate)
		                                                         : X509_get0_notBefore(certificate),
		          when, sizeof(when));
		return net_stream_fail(s, ERR_TLS, "certificate %s %s: renew it, check the clock, or give --tls-pin %s",
		                       t->verify_error == X509_V_ERR_CERT_HAS_EXPIRED ? "expired on"
		                                                                      : "is not valid before",
		                       when, text);
	default:
		return net_stream_fail(s, ERR_TLS, "certificate refused (%s): give --tls-pin %s to trust this key",
		                       X509_verify_cert_error_string(t->verify_error), text);
	}
}

/* Take the library's last error as words. */
static int library_failure(struct tls *t, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
	const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;
	char peer[NET_ADDRESS_TEXT_MAX];

	t->failed = true;
	if (t->verify_error != 0) {
		/* The check that failed has said why in better words. */
		return ERR_TLS;
	}
	net_address_text(&t->base.peer, peer);
	if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	    reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
	    reason == SSL_R_RECORD_LENGTH_MISMATCH) {
		return net_stream_fail(&t->base, ERR_TLS, "%s: %s does not speak TLS on this port", what, peer);
	}
	if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL || reason == SSL_R_NO_APPLICATION_PROTOCOL) {
		return net_stream_fail(&t->base, ERR_TLS, "%s: no common ALPN protocol with %s (\"dot\" is needed)",
		                       what, peer);
	}
	return net_stream_fail(&t->base, ERR_TLS, "%s with %s: %s", what, peer, text != NULL ? text : "unknown error");
}

/* What became of a library call that did not succeed; ERR_AGAIN with *ret_wants_write telling for what. */
static int outcome(struct tls *t, int result, const char *what, bool *ret_wants_write)
{
	int error = errno;
	char peer[NET_ADDRESS_TEXT_MAX];

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*ret_wants_write = false;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*ret_wants_write = true;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_CLOSED;
	case SSL_ERROR_SYSCALL:
		t->failed = true;
		net_address_text(&t->base.peer, peer);
		if (error == 0) {
			return net_stream_fail(&t->base, ERR_CLOSED, "%s: %s closed the connection", what, peer);
		}
		net_stream_fail(&t->base, ERR_SYSTEM, "%s with %s: %s", what, peer, strerror(error));
		errno = error;
		return error == ETIMEDOUT ? ERR_TIMEOUT : ERR_SYSTEM;
	default:
		return library_failure(t, what);
	}
}

/* Every library call is preceded by this, or it would be judged by another one's failure. */
static void forget_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

/* ---- authentication ---- */

/* Decide about the server's chain: a false one is answered with an alert, and no byte of DNS is sent (RFC 8765 7). */
static int verify_server(X509_STORE_CTX *store, void *argument)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	X509 *certificate = X509_STORE_CTX_get0_cert(store);

	(void)argument;
	if (!pin_of(certificate, t->pin)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
		return 0;
	}
	if (t->rules->insecure) {
		t->base.info.authenticated = "none";
		return 1;
	}
	if (t->rules->has_pin) {
		if (CRYPTO_memcmp(t->pin, t->rules->pin, PIN_LEN) != 0) {
			X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
			t->verify_error = X509_V_ERR_APPLICATION_VERIFICATION;
			authentication_failure(t, certificate);
			return 0;
		}
		t->base.info.authenticated = "pin";
		return 1;
	}
	if (X509_verify_cert(store) != 1) {
		t->verify_error = X509_STORE_CTX_get_error(store);
		authentication_failure(t, certificate);
		return 0;
	}
	t->base.info.authenticated = "pkix";
	return 1;
}

static bool name_matches(const char *pattern, const char *name, size_t len)
{
	/* A NUL inside a name would make it look like another one. */
	if (memchr(name, '\0', len) != NULL) {
		return false;
	}
	if (pattern[0] == '*' && pattern[1] == '.') {
		size_t tail = strlen(pattern + 1);

		return len > tail && strncasecmp(name + len - tail, pattern + 1, tail) == 0;
	}
	return strlen(pattern) == len && strncasecmp(name, pattern, len) == 0;
}

static bool common_name_matches(X509 *certificate, const char *pattern)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;

	if (at < 0) {
		return false;
	}
	int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	bool match = len > 0 && name_matches(pattern, (const char *)text, (size_t)len);

	OPENSSL_free(text);
	return match;
}

bool net_tls_peer_matches(const struct net_stream *s, const char *pattern)
{
	const struct tls *t = (const struct tls *)s;
	X509 *certificate = s->info.peer_certificate ? SSL_get0_peer_certificate(t->ssl) : NULL;
	bool match = false;
	bool has_dns = false;

	if (certificate == NULL) {
		return false;
	}
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !match; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS) {
			has_dns = true;
			match = name_matches(pattern, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
			                     (size_t)ASN1_STRING_length(name->d.dNSName));
		}
	}
	GENERAL_NAMES_free(names);
	return match || (!has_dns && common_name_matches(certificate, pattern));
}

/* ---- the stream ---- */

/* Fill in what is known after the handshake. */
static void note_info(struct tls *t)
{
	t->base.info.tls_version = SSL_get_version(t->ssl);
	t->base.info.cipher = SSL_get_cipher_name(t->ssl);
	t->base.info.resumed = SSL_session_reused(t->ssl) == 1;
	t->base.info.peer_certificate = t->rules->server && SSL_get0_peer_certificate(t->ssl) != NULL &&
	                                SSL_get_verify_result(t->ssl) == X509_V_OK;
}

static int shake_hands(struct tls *t)
{
	bool wants_write = false;

	forget_errors();
	int result = SSL_do_handshake(t->ssl);

	if (result == 1) {
		t->finishing = false;
		note_info(t);
		return 0;
	}
	int err = outcome(t, result, "TLS handshake", &wants_write);

	t->read_wants = err == ERR_AGAIN && wants_write;
	if (err == ERR_CLOSED) {
		t->failed = true;
		return net_stream_fail(&t->base, ERR_TLS, "TLS handshake: the peer closed the connection");
	}
	return err;
}

/* Read early data until there is some, or it has ended; then go on with the handshake. */
static int read_early(struct tls *t, uint8_t *data, size_t cap, size_t *ret_len)
{
	bool wants_write = false;
	size_t len = 0;

	forget_errors();
	switch (SSL_read_early_data(t->ssl, data, cap, &len)) {
	case SSL_READ_EARLY_DATA_SUCCESS:
		*ret_len = len;
		return 0;
	case SSL_READ_EARLY_DATA_FINISH:
		t->early_phase = false;
		t->finishing = true;
		*ret_len = 0;
		return 0;
	default:
		break;
	}
	int err = outcome(t, 0, "TLS handshake", &wants_write);

	t->read_wants = err == ERR_AGAIN && wants_write;
	return err;
}

static int open_early(struct tls *t)
{
	size_t len = 0;

	if (t->early == NULL) {
		t->early = mem_calloc(1, sizeof(*t->early));
		if (t->early == NULL) {
			return net_stream_fail(&t->base, ERR_NOMEM, "TLS handshake: %s", err_text(ERR_NOMEM));
		}
	}
	int err = read_early(t, t->early->data, sizeof(t->early->data), &len);

	if (err < 0) {
		return err;
	}
	t->early->len = len;
	if (len > 0) {
		/* The stream can be used now; the handshake's rest goes on below read(). */
		note_info(t);
		t->open = true;
		return 0;
	}
	mem_free(t->early);
	t->early = NULL;
	return ERR_AGAIN;
}

static int tls_open(struct net_stream *s)
{
	struct tls *t = (struct tls *)s;
	int err;

	if (t->open) {
		return 0;
	}
	if (t->failed) {
		return ERR_TLS;
	}
	if (t->connecting) {
		err = net_tcp_connected(s);
		if (err < 0) {
			return err;
		}
		t->connecting = false;
	}
	if (t->early_phase) {
		err = open_early(t);
		/* AGAIN with early data over: the handshake goes on at once. */
		if (err != ERR_AGAIN || t->early_phase) {
			return err;
		}
	}
	err = shake_hands(t);
	t->open = err == 0;
	return err;
}

/* close_notify and FIN, tried again until the first has room. */
static void finish_shutdown(struct tls *t)
{
	if (t->open && !t->failed && !t->early_phase && !t->finishing) {
		bool wants_write = false;

		forget_errors();
		int result = SSL_shutdown(t->ssl);

		if (result < 0 && outcome(t, result, "TLS shutdown", &wants_write) == ERR_AGAIN && wants_write) {
			return;
		}
	}
	t->shut_done = true;
	shutdown(t->base.fd, SHUT_WR);
}

/* Bytes that came before the handshake was over; 0 with *ret_len 0 when it is over. */
static int read_before_finished(struct tls *t, uint8_t *data, size_t cap, size_t *ret_len)
{
	struct early *e = t->early;

	*ret_len = 0;
	if (e != NULL) {
		size_t len = e->len - e->taken < cap ? e->len - e->taken : cap;

		memcpy(data, e->data + e->taken, len);
		e->taken += len;
		*ret_len = len;
		if (e->taken == e->len) {
			mem_free(e);
			t->early = NULL;
		}
		return 0;
	}
	if (t->early_phase) {
		int err = read_early(t, data, cap, ret_len);

		if (err < 0 || *ret_len > 0) {
			return err;
		}
	}
	return t->finishing ? shake_hands(t) : 0;
}

static int tls_read(struct net_stream *s, uint8_t *data, size_t cap, size_t *ret_len, bool *ret_early)
{
	struct tls *t = (struct tls *)s;
	bool wants_write = false;

	if (t->shut && !t->shut_done) {
		finish_shutdown(t);
	}
	if (t->failed) {
		return ERR_TLS;
	}
	t->read_wants = false;
	if (t->early != NULL || t->early_phase || t->finishing) {
		size_t len;
		int err = read_before_finished(t, data, cap, &len);

		if (err < 0) {
			return err;
		}
		if (len > 0) {
			*ret_len = len;
			*ret_early = true;
			return 0;
		}
	}
	forget_errors();
	int result = SSL_read_ex(t->ssl, data, cap, ret_len);

	if (result == 1) {
		*ret_early = false;
		return 0;
	}
	int err = outcome(t, result, "TLS read", &wants_write);

	t->read_wants = err == ERR_AGAIN && wants_write;
	return err;
}

static int tls_write(struct net_stream *s, const uint8_t *data, size_t len, size_t *ret_len)
{
	struct tls *t = (struct tls *)s;
	bool wants_write = true;

	if (t->failed || t->shut) {
		return t->failed ? ERR_TLS : ERR_CLOSED;
	}
	t->write_wants = false;
	forget_errors();
	/* Before the client's Finished the answer goes out under keys that only it can have (RFC 8446 4.4.4). */
	int result = t->early_phase || t->finishing ? SSL_write_early_data(t->ssl, data, len, ret_len)
	                                            : SSL_write_ex(t->ssl, data, len, ret_len);

	if (result == 1) {
		return 0;
	}
	int err = outcome(t, result, "TLS write", &wants_write);

	t->write_wants = err == ERR_AGAIN && !wants_write;
	return err;
}

static unsigned tls_needs(const struct net_stream *s)
{
	const struct tls *t = (const struct tls *)s;
	unsigned needs = 0;

	if (t->connecting || t->read_wants || (t->shut && !t->shut_done)) {
		needs |= NET_WRITABLE;
	}
	if (t->write_wants || (!t->connecting && !t->open && !t->read_wants)) {
		needs |= NET_READABLE;
	}
	return needs;
}

static bool tls_pending(const struct net_stream *s)
{
	const struct tls *t = (const struct tls *)s;

	return t->early != NULL || (!t->failed && SSL_pending(t->ssl) > 0);
}

static void tls_shutdown(struct net_stream *s)
{
	struct tls *t = (struct tls *)s;

	if (!t->shut) {
		t->shut = true;
		finish_shutdown(t);
	}
}

static void tls_close(struct net_stream *s, bool reset)
{
	struct tls *t = (struct tls *)s;

	if (t->open && !t->failed) {
		/* An end without close_notify is no reason to forget the session: it may be resumed (RFC 8446 4.6.1).
		 */
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	}
	SSL_free(t->ssl);
	net_tcp_close(s->fd, reset);
	net_tls_unref(t->rules);
	mem_free(t->early);
	mem_free(t);
}

static const struct net_stream_ops tls_ops = {
        .open = tls_open,
        .read = tls_read,
        .write = tls_write,
        .needs = tls_needs,
        .pending = tls_pending,
        .shutdown = tls_shutdown,
        .close = tls_close,
};

static bool prepare_client(struct tls *t)
{
	const struct net_tls *rules = t->rules;

	SSL_set_connect_state(t->ssl);
	if (rules->hostname == NULL) {
		return true;
	}
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (rules->by_address) {
		return X509_VERIFY_PARAM_set1_ip_asc(param, rules->hostname) == 1;
	}
	/* RFC 8310 8.1: names in subjectAltName only, wildcards whole. */
	X509_VERIFY_PARAM_set_hostflags(param,
	                                X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, rules->hostname, 0) == 1 &&
	       SSL_set_tlsext_host_name(t->ssl, rules->hostname) == 1;
}

struct net_stream *net_tls_stream_new(struct net_tls *rules, int fd, const struct net_address *peer, bool connecting)
{
	struct tls *t = mem_calloc(1, sizeof(*t));
	BIO *bio = socket_new(fd);
	SSL *ssl = SSL_new(rules->context);

	if (t == NULL || bio == NULL || ssl == NULL) {
		goto failed;
	}
	t->base.ops = &tls_ops;
	t->base.fd = fd;
	t->base.peer = *peer;
	t->connecting = connecting;
	t->early_phase = rules->early_data;
	t->ssl = ssl;
	t->rules = rules;
	SSL_set_bio(ssl, bio, bio);
	bio = NULL;
	SSL_set_app_data(ssl, t);
	if (rules->server) {
		SSL_set_accept_state(ssl);
	} else if (!prepare_client(t)) {
		goto failed;
	}
	net_tls_ref(rules);
	return &t->base;
failed:
	BIO_free(bio);
	SSL_free(ssl);
	mem_free(t);
	close(fd);
	return NULL;
}

/* ---- rules ---- */

struct net_tls *net_tls_ref(struct net_tls *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void net_tls_unref(struct net_tls *t)
{
	if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	SSL_CTX_free(t->context);
	if (t->keylog >= 0) {
		close(t->keylog);
	}
	mem_free(t->hostname);
	mem_free(t);
}

/* A key under a password would make the library ask on the terminal. */
static int no_password(char *out, int size, int writing, void *argument)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)argument;
	return 0;
}

static int complain(char error[256], const char *what, const char *file)
{
	unsigned long code = ERR_peek_last_error();
	unsigned long first = ERR_peek_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	/* Below a failure of the system's the library heaps up what it makes of it. */
	if (ERR_SYSTEM_ERROR(first)) {
		reason = strerror(ERR_GET_REASON(first));
	}
	snprintf(error, 256, "%s %.150s: %s", what, file, reason != NULL ? reason : "no usable PEM data");
	return ERR_TLS;
}

static struct net_tls *rules_new(const SSL_METHOD *method, bool tls13_only)
{
	struct net_tls *t = mem_calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	atomic_init(&t->refs, 1);
	t->keylog = -1;
	t->context = SSL_CTX_new(method);
	if (t->context == NULL) {
		mem_free(t);
		return NULL;
	}
	SSL_CTX_set_min_proto_version(t->context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(t->context, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!aNULL");
	SSL_CTX_set1_groups_list(t->context, "X25519:P-256:P-384");
	/* A FIN without close_notify ends the input as well: DNS messages carry their own length, none can be cut
	 * unseen. */
	SSL_CTX_set_options(t->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
	                                        SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* Released buffers are 9 of 23 KB a session. One encoded message may be offered again from another place. */
	SSL_CTX_set_mode(t->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(t->context, no_password);
	return t;
}

static int load_pair(SSL_CTX *context, const char *certificate, const char *key, char error[256])
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
		return complain(error, "certificate", certificate);
	}
	ERR_clear_error();
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
		    ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH) {
			snprintf(error, 256, "key %.100s does not belong to certificate %.100s", key, certificate);
			return ERR_TLS;
		}
		return complain(error, "key", key);
	}
	if (SSL_CTX_check_private_key(context) != 1) {
		snprintf(error, 256, "key %.100s does not belong to certificate %.100s", key, certificate);
		return ERR_TLS;
	}
	const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));

	if (X509_cmp_current_time(end) < 0) {
		char when[40];

		time_text(end, when, sizeof(when));
		snprintf(error, 256, "certificate %.150s expired on %s", certificate, when);
		return ERR_TLS;
	}
	return 0;
}

static int select_alpn(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
                       const unsigned char *offered, unsigned offered_len, void *argument)
{
	(void)ssl;
	(void)argument;
	if (SSL_select_next_proto((unsigned char **)ret_protocol, ret_len, alpn_dot, sizeof(alpn_dot), offered,
	                          offered_len) == OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int load_client_ca(struct net_tls *t, const struct net_tls_server_options *o, char error[256])
{
	if (o->client_ca == NULL) {
		if (o->client_auth != NET_TLS_CLIENT_NONE) {
			snprintf(error, 256, "client certificates are asked for, but no CA for them is given");
			return ERR_TLS;
		}
		return 0;
	}
	ERR_clear_error();
	if (SSL_CTX_load_verify_file(t->context, o->client_ca) != 1) {
		return complain(error, "client CA", o->client_ca);
	}
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->client_ca);

	if (names == NULL) {
		return complain(error, "client CA", o->client_ca);
	}
	SSL_CTX_set_client_CA_list(t->context, names);
	if (o->client_auth == NET_TLS_CLIENT_OPTIONAL) {
		SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	} else if (o->client_auth == NET_TLS_CLIENT_REQUIRED) {
		SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return 0;
}

int net_tls_server_new(const struct net_tls_server_options *o, char error[256], struct net_tls **ret_tls)
{
	struct net_tls *t = rules_new(TLS_server_method(), o->tls13_only);

	if (t == NULL) {
		snprintf(error, 256, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	t->server = true;
	int err = load_pair(t->context, o->certificate, o->key, error);

	if (err == 0) {
		err = load_client_ca(t, o, error);
	}
	if (err < 0) {
		net_tls_unref(t);
		return err;
	}
	SSL_CTX_set_num_tickets(t->context, 1);
	SSL_CTX_set_session_id_context(t->context, (const unsigned char *)"dnspush", 7);
	SSL_CTX_set_alpn_select_cb(t->context, select_alpn, NULL);
	if (o->early_data && o->client_auth == NET_TLS_CLIENT_NONE) {
		/*
		 * The library's protection against replay keeps sessions in its cache. Who has to show a
		 * certificate sends no early data: it would be acted on before the certificate is checked.
		 */
		t->early_data = true;
		SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_SERVER);
		SSL_CTX_set_max_early_data(t->context, EARLY_MAX);
		SSL_CTX_set_recv_max_early_data(t->context, EARLY_MAX);
	}
	*ret_tls = t;
	return 0;
}

static void write_key(const SSL *ssl, const char *line)
{
	struct tls *t = SSL_get_app_data(ssl);
	char text[512];
	int len = snprintf(text, sizeof(text), "%s\n", line);

	/* Appended by one write, so that several connections can share the file; a log that cannot be written is lost.
	 */
	if (len < (int)sizeof(text) && write(t->rules->keylog, text, (size_t)len) < 0) {
		errno = 0;
	}
}

static void open_keylog(struct net_tls *t)
{
	const char *file = secure_getenv("SSLKEYLOGFILE");

	if (file == NULL || *file == '\0') {
		return;
	}
	t->keylog = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (t->keylog >= 0) {
		SSL_CTX_set_keylog_callback(t->context, write_key);
	}
}

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Whom to believe: pin, name, or anyone. */
static int set_trust(struct net_tls *t, const struct net_tls_client_options *o, char error[256])
{
	size_t len = 0;

	if (o->hostname == NULL && o->pin == NULL && !o->insecure) {
		snprintf(error, 256, "nothing to authenticate the server by: give --tls-hostname or --tls-pin");
		return ERR_TLS;
	}
	if (o->pin != NULL) {
		if (net_base64_decode(o->pin, strlen(o->pin), t->pin, PIN_LEN, &len) < 0 || len != PIN_LEN) {
			snprintf(error, 256, "pin %.80s is not the base64 of a SHA-256 hash (44 characters)", o->pin);
			return ERR_TLS;
		}
		t->has_pin = true;
	}
	t->insecure = o->insecure;
	if (o->hostname != NULL) {
		t->hostname = mem_strdup(o->hostname);
		if (t->hostname == NULL) {
			snprintf(error, 256, "%s", err_text(ERR_NOMEM));
			return ERR_NOMEM;
		}
		t->by_address = is_address(t->hostname);
		len = strlen(t->hostname);
		if (len > 1 && t->hostname[len - 1] == '.') {
			t->hostname[len - 1] = '\0';
		}
	}
	if (o->ca != NULL) {
		ERR_clear_error();
		if (SSL_CTX_load_verify_file(t->context, o->ca) != 1) {
			return complain(error, "CA", o->ca);
		}
	} else {
		SSL_CTX_set_default_verify_paths(t->context);
	}
	return 0;
}

int net_tls_client_new(const struct net_tls_client_options *o, char error[256], struct net_tls **ret_tls)
{
	struct net_tls *t = rules_new(TLS_client_method(), false);

	if (t == NULL) {
		snprintf(error, 256, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	int err = set_trust(t, o, error);

	if (err == 0 && o->certificate != NULL) {
		err = load_pair(t->context, o->certificate, o->key != NULL ? o->key : o->certificate, error);
	}
	if (err == 0 && SSL_CTX_set_alpn_protos(t->context, alpn_dot, sizeof(alpn_dot)) != 0) {
		snprintf(error, 256, "%s", err_text(ERR_NOMEM));
		err = ERR_NOMEM;
	}
	if (err < 0) {
		net_tls_unref(t);
		return err;
	}
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(t->context, verify_server, NULL);
	open_keylog(t);
	*ret_tls = t;
	return 0;
}
