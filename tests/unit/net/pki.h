/*
 * Certificates made when the test starts, in a directory of their own.
 */
#ifndef TEST_NET_PKI_H
#define TEST_NET_PKI_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/openssl.h"

struct pki {
	char dir[64];
	char ca[96];       /* the CA that signed everything but `stranger` */
	char other_ca[96]; /* one that signed nothing */
	char server[96];   /* for server.example, alias.example and 127.0.0.1 */
	char server_key[96];
	char expired[96]; /* the same names and key, but over */
	char client[96];  /* for host.clients.example */
	char client_key[96];
	char stranger[96]; /* signed by itself, for server.example */
	char stranger_key[96];
	char pin[48];           /* of the server's key */
	char client_common[96]; /* only a common name: old.clients.example */
};

static void pki_path(const struct pki *p, char path[96], const char *name)
{
	snprintf(path, 96, "%s/%s.pem", p->dir, name);
}

static void pki_write(const char *path, X509 *certificate, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		abort();
	}
	if (certificate != NULL) {
		PEM_write_X509(f, certificate);
	}
	if (key != NULL) {
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	}
	fclose(f);
}

static void pki_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (e == NULL) {
		abort();
	}
	X509_add_ext(certificate, e, -1);
	X509_EXTENSION_free(e);
}

/* A certificate for `key`, signed by `signer_key` under `issuer` (NULL: by itself). */
static X509 *pki_certificate(const char *common, const char *names, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer_key,
                             long starts_s, long ends_s)
{
	static long serial = 1;
	X509 *c = X509_new();
	X509_NAME *subject = X509_get_subject_name(c);

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c), starts_s);
	X509_gmtime_adj(X509_getm_notAfter(c), ends_s);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
	X509_set_issuer_name(c, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(c, key);
	if (names != NULL) {
		pki_extension(c, NID_subject_alt_name, names);
	} else if (issuer == NULL) {
		pki_extension(c, NID_basic_constraints, "critical,CA:TRUE");
	}
	if (X509_sign(c, signer_key, EVP_sha256()) == 0) {
		abort();
	}
	return c;
}

static void pki_pin(EVP_PKEY *key, char pin[48])
{
	unsigned char *der = NULL;
	unsigned char hash[32];
	int len = i2d_PUBKEY(key, &der);

	EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL);
	EVP_EncodeBlock((unsigned char *)pin, hash, sizeof(hash));
	OPENSSL_free(der);
}

static void pki_init(struct pki *p)
{
	const long day = 86400;
	EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY *client_key = EVP_EC_gen("P-256");
	const char *names = "DNS:server.example,DNS:alias.example,IP:127.0.0.1";
	X509 *ca = pki_certificate("Test CA", NULL, ca_key, NULL, ca_key, -day, day);
	X509 *other = pki_certificate("Other CA", NULL, client_key, NULL, client_key, -day, day);
	X509 *server = pki_certificate("server", names, key, ca, ca_key, -day, day);
	X509 *expired = pki_certificate("server", names, key, ca, ca_key, -2 * day, -day);
	X509 *client = pki_certificate("client", "DNS:host.clients.example", client_key, ca, ca_key, -day, day);
	X509 *common = pki_certificate("old.clients.example", "email:a@example", client_key, ca, ca_key, -day, day);
	X509 *stranger = pki_certificate("stranger", "DNS:server.example", client_key, NULL, client_key, -day, day);

	strcpy(p->dir, "/tmp/dnspush-pki-XXXXXX");
	if (mkdtemp(p->dir) == NULL) {
		abort();
	}
	pki_path(p, p->ca, "ca");
	pki_path(p, p->other_ca, "other-ca");
	pki_path(p, p->server, "server");
	pki_path(p, p->server_key, "server-key");
	pki_path(p, p->expired, "expired");
	pki_path(p, p->client, "client");
	pki_path(p, p->client_common, "client-common");
	pki_path(p, p->client_key, "client-key");
	pki_path(p, p->stranger, "stranger");
	pki_path(p, p->stranger_key, "stranger-key");
	pki_write(p->ca, ca, NULL);
	pki_write(p->other_ca, other, NULL);
	pki_write(p->server, server, NULL);
	pki_write(p->server_key, NULL, key);
	pki_write(p->expired, expired, NULL);
	pki_write(p->client, client, NULL);
	pki_write(p->client_common, common, NULL);
	pki_write(p->client_key, NULL, client_key);
	pki_write(p->stranger, stranger, NULL);
	pki_write(p->stranger_key, NULL, client_key);
	pki_pin(key, p->pin);
	X509_free(ca);
	X509_free(other);
	X509_free(server);
	X509_free(expired);
	X509_free(client);
	X509_free(common);
	X509_free(stranger);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(client_key);
}

static void pki_done(struct pki *p)
{
	const char *const files[] = {p->ca,     p->other_ca,      p->server,     p->server_key, p->expired,
	                             p->client, p->client_common, p->client_key, p->stranger,   p->stranger_key};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		unlink(files[i]);
	}
	rmdir(p->dir);
}

#endif
