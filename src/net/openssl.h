/*
 * The crypto library's headers. One of its types has the name of an error code
 * of ours; it goes by another one here.
 */
#ifndef NET_OPENSSL_H
#define NET_OPENSSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif
