#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "hmac.h"
#include "wire/dns.h"
#include "wire/sign.h"

/*
 * Messages made by dnspython 2.3: a query for www.example.org A, ID 0x1234,
 * signed with each algorithm at time NOW_S with key "Key.Example" of the secret
 * below; the answer to the SHA-256 one, signed; the same as a stream of two
 * messages; the answers that report BADTIME (1000 seconds later) and BADTRUNC.
 */
static const uint8_t request_md5[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x3a, 0x08, 0x48, 0x4d, 0x41, 0x43, 0x2d, 0x4d, 0x44, 0x35, 0x07, 0x53, 0x49,
        0x47, 0x2d, 0x41, 0x4c, 0x47, 0x03, 0x52, 0x45, 0x47, 0x03, 0x49, 0x4e, 0x54, 0x00, 0x00, 0x00, 0x65,
        0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x10, 0x2d, 0xc3, 0x5e, 0x9c, 0x7c, 0xf9, 0xbf, 0x21, 0xd1, 0xe6,
        0x34, 0x22, 0x0e, 0x1a, 0x5a, 0xcc, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t request_sha1[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07, 0x65,
        0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03, 0x4b, 0x65,
        0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x2f, 0x09, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x31, 0x00, 0x00, 0x00, 0x65, 0x53, 0xf1,
        0x00, 0x01, 0x2c, 0x00, 0x14, 0x79, 0xc3, 0x97, 0x29, 0x60, 0x2a, 0xfa, 0xb3, 0xce, 0xf3, 0x0b, 0x32, 0x06,
        0xa7, 0x11, 0x1d, 0x05, 0x07, 0x03, 0x96, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t request_sha224[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x39, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x32, 0x34,
        0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x1c, 0xcd, 0x0a, 0x43, 0x80, 0x2b, 0xc5,
        0x86, 0x7f, 0xfd, 0x33, 0x61, 0xb1, 0xfc, 0x0d, 0x21, 0x88, 0x34, 0x40, 0x4c, 0x3e, 0x36, 0xd9, 0xb9,
        0x4b, 0xa2, 0x11, 0x19, 0x71, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t request_sha256[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x3d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35, 0x36,
        0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0xc5, 0x09, 0x69, 0x18, 0xf6, 0x1b,
        0x41, 0xce, 0xf5, 0x34, 0x6f, 0x49, 0xa3, 0x3c, 0xcd, 0xc4, 0x7d, 0x5f, 0xbf, 0x22, 0x93, 0xee, 0x59,
        0x22, 0xb5, 0x97, 0x9d, 0xfa, 0x9e, 0xb8, 0x42, 0x28, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t request_sha384[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x4d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x33, 0x38, 0x34,
        0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x30, 0xe0, 0xa8, 0x49, 0x0f, 0xc0, 0x8f,
        0x83, 0x2b, 0x0f, 0x45, 0x90, 0x30, 0xc5, 0x96, 0x3d, 0x81, 0xf4, 0x5d, 0xc3, 0x27, 0xe0, 0x71, 0x2c,
        0x08, 0x9c, 0x3d, 0xa8, 0x12, 0x10, 0x2a, 0xde, 0x93, 0x78, 0x3f, 0x39, 0xda, 0xe8, 0x02, 0x5a, 0x88,
        0xe6, 0xb9, 0x04, 0xa0, 0x1c, 0x78, 0xa5, 0x8d, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t request_sha512[] = {
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x5d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x35, 0x31, 0x32,
        0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x40, 0x97, 0x25, 0xca, 0xf8, 0x7a, 0xef,
        0xc4, 0x7b, 0x15, 0x42, 0x63, 0x1d, 0x27, 0x7c, 0x86, 0x09, 0x6a, 0xa4, 0xd6, 0x20, 0x77, 0x12, 0xf6,
        0x40, 0x8a, 0xde, 0x0a, 0x8d, 0xa5, 0xd5, 0x7a, 0xf1, 0xa9, 0x41, 0x56, 0xe3, 0x76, 0x6f, 0x74, 0x95,
        0x8a, 0xd7, 0xf7, 0x93, 0xfc, 0x75, 0x77, 0x95, 0x75, 0x13, 0x0a, 0x18, 0x40, 0xed, 0x06, 0xef, 0x0b,
        0x69, 0xb5, 0xa5, 0x91, 0x32, 0x62, 0x82, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t answer_sha256[] = {
        0x12, 0x34, 0x81, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0xc0,
        0x0c, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x04, 0xc0, 0x00, 0x02, 0x01, 0x03, 0x4b,
        0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x3d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35, 0x36, 0x00,
        0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0xa0, 0xf5, 0xab, 0x61, 0xbc, 0x87, 0xc1,
        0xad, 0x2c, 0x68, 0xba, 0x35, 0xc4, 0x96, 0x43, 0x93, 0x53, 0xa2, 0xbb, 0x2e, 0x45, 0xb4, 0xe8, 0xc7,
        0xa0, 0xa4, 0x0d, 0xf0, 0x0a, 0xc7, 0xfb, 0xaf, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t stream_1[] = {
        0x12, 0x34, 0x81, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x01,
        0x61, 0xc0, 0x10, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x04, 0xc0, 0x00, 0x02, 0x01,
        0x03, 0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x3d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35,
        0x36, 0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0xf4, 0x26, 0x13, 0x60, 0xbe,
        0x1a, 0xd0, 0xaa, 0x83, 0xcc, 0xf7, 0x06, 0x2e, 0x5c, 0xce, 0xdf, 0xfe, 0x1a, 0x96, 0x6b, 0x60, 0x6b,
        0x6d, 0xf1, 0xeb, 0xc5, 0x85, 0xd1, 0x56, 0xf7, 0xb9, 0x8e, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t stream_2[] = {
        0x12, 0x34, 0x81, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x01,
        0x62, 0xc0, 0x10, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x04, 0xc0, 0x00, 0x02, 0x02,
        0x03, 0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x3d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35,
        0x36, 0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0x43, 0x58, 0xac, 0xf2, 0xbe,
        0xb6, 0xda, 0x72, 0x55, 0xb7, 0xc0, 0x5f, 0x21, 0x25, 0xe3, 0x10, 0xa0, 0x1b, 0x23, 0xd6, 0x6b, 0x07,
        0xf6, 0x0e, 0x50, 0xce, 0x5d, 0xe0, 0x8a, 0x25, 0x64, 0xe7, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t answer_badtime[] = {
        0x12, 0x34, 0x81, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07, 0x65,
        0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03, 0x4b, 0x65,
        0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35, 0x36, 0x00, 0x00, 0x00, 0x65,
        0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0xea, 0xc9, 0xe5, 0x22, 0x59, 0x64, 0x40, 0x65, 0xc9, 0xfd, 0x17,
        0xe4, 0x13, 0x88, 0xe4, 0x88, 0x5c, 0xcb, 0x38, 0x63, 0x76, 0x9b, 0xeb, 0xaf, 0x22, 0x75, 0xd2, 0x26, 0xf0,
        0xef, 0xdc, 0xbe, 0x12, 0x34, 0x00, 0x12, 0x00, 0x06, 0x00, 0x00, 0x65, 0x53, 0xf4, 0xe8,
};
static const uint8_t answer_badtrunc[] = {
        0x12, 0x34, 0x81, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x77, 0x77, 0x77, 0x07,
        0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x03, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x01, 0x00, 0x01, 0x03,
        0x4b, 0x65, 0x79, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0xfa, 0x00, 0xff, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x3d, 0x0b, 0x68, 0x6d, 0x61, 0x63, 0x2d, 0x73, 0x68, 0x61, 0x32, 0x35, 0x36,
        0x00, 0x00, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x01, 0x2c, 0x00, 0x20, 0xdb, 0x61, 0x1f, 0xb2, 0x8b, 0xb1,
        0x98, 0xa4, 0xd8, 0x6b, 0x5d, 0x71, 0xf1, 0xaa, 0xc9, 0x9c, 0x20, 0x9a, 0x9a, 0x4e, 0xaf, 0xf6, 0x15,
        0x9d, 0x5e, 0x7c, 0xca, 0x07, 0x37, 0xce, 0x69, 0xa8, 0x12, 0x34, 0x00, 0x16, 0x00, 0x00,
};

enum { NOW_S = 1700000000, UNSIGNED_LEN = 33, TSIG_OWNER_LEN = 13 };

#define SECRET "0123456789abcdef0123456789abcdef"

static const struct {
	enum wire_tsig_algorithm algorithm;
	const uint8_t *request;
	size_t len;
	size_t mac_len;
} vectors[] = {
        {WIRE_TSIG_HMAC_MD5, request_md5, sizeof(request_md5), 16},
        {WIRE_TSIG_HMAC_SHA1, request_sha1, sizeof(request_sha1), 20},
        {WIRE_TSIG_HMAC_SHA224, request_sha224, sizeof(request_sha224), 28},
        {WIRE_TSIG_HMAC_SHA256, request_sha256, sizeof(request_sha256), 32},
        {WIRE_TSIG_HMAC_SHA384, request_sha384, sizeof(request_sha384), 48},
        {WIRE_TSIG_HMAC_SHA512, request_sha512, sizeof(request_sha512), 64},
};
enum { VECTOR_COUNT = sizeof(vectors) / sizeof(vectors[0]) };

static struct wire_tsig_key key;
static struct wire_tsig_state tsig;
static struct wire_message m;
static uint8_t message[1024];
static int hmac_calls;

static int hmac(enum wire_tsig_algorithm algorithm, const uint8_t *secret, size_t secret_len,
                const struct wire_tsig_part *parts, size_t count, uint8_t *mac)
{
	hmac_calls++;
	return hmac_openssl(algorithm, secret, secret_len, parts, count, mac);
}

static int broken_hmac(enum wire_tsig_algorithm algorithm, const uint8_t *secret, size_t secret_len,
                       const struct wire_tsig_part *parts, size_t count, uint8_t *mac)
{
	(void)algorithm;
	(void)secret;
	(void)secret_len;
	(void)parts;
	(void)count;
	(void)mac;
	return ERR_NOMEM;
}

static const struct wire_tsig_key *find(void *context, const struct wire_name *key_name)
{
	return context && wire_name_equal(key.name.data, key_name->data) ? context : NULL;
}

static void use_key(enum wire_tsig_algorithm algorithm)
{
	memset(&key, 0, sizeof(key));
	assert_int_equal(wire_name_from_text("Key.Example", 11, NULL, &key.name), 0);
	key.algorithm = algorithm;
	memcpy(key.secret, SECRET, 32);
	key.secret_len = 32;
	hmac_calls = 0;
}

static int setup(void **state)
{
	(void)state;
	use_key(WIRE_TSIG_HMAC_SHA256);
	memset(&tsig, 0xee, sizeof(tsig));
	return 0;
}

static int check_at(const uint8_t *data, size_t len, uint64_t now_s)
{
	assert_int_equal(wire_message_read(data, len, &m), 0);
	return wire_tsig_check_request(&m, find, &key, hmac, now_s, &tsig);
}

/* The SHA-256 request in `message`, to be spoiled. */
static size_t take_request(void)
{
	memcpy(message, request_sha256, sizeof(request_sha256));
	return sizeof(request_sha256);
}

/* Where the fields of its TSIG stand. */
enum {
	RDATA_LEN_AT = UNSIGNED_LEN + TSIG_OWNER_LEN + 8,
	ALGORITHM_AT = RDATA_LEN_AT + 2,
	TIME_AT = ALGORITHM_AT + 13,
	FUDGE_AT = TIME_AT + 6,
	MAC_LEN_AT = FUDGE_AT + 2,
	MAC_AT = MAC_LEN_AT + 2,
	ORIGINAL_ID_AT = MAC_AT + 32,
	ERROR_AT = ORIGINAL_ID_AT + 2,
	OTHER_LEN_AT = ERROR_AT + 2,
	REQUEST_LEN = OTHER_LEN_AT + 2,
};

/* Cut or stretch the MAC of the request in `message`. */
static size_t resize_mac(size_t mac_len)
{
	size_t len = take_request();
	memmove(message + MAC_AT + mac_len, message + ORIGINAL_ID_AT, len - ORIGINAL_ID_AT);
	bytes_store_u16(message + MAC_LEN_AT, (uint16_t)mac_len);
	bytes_store_u16(message + RDATA_LEN_AT, (uint16_t)(bytes_load_u16(message + RDATA_LEN_AT) + mac_len - 32));
	return len + mac_len - 32;
}

static void algorithms_have_names(void **state)
{
	(void)state;
	static const char *const texts[] = {"hmac-md5",    "hmac-sha1",   "hmac-sha224",
	                                    "hmac-sha256", "hmac-sha384", "hmac-sha512"};
	enum wire_tsig_algorithm algorithm;
	for (unsigned i = 0; i < 6; i++) {
		char dotted[20];
		assert_string_equal(wire_tsig_algorithm_to_text(i), texts[i]);
		assert_int_equal(wire_tsig_algorithm_from_text(texts[i], strlen(texts[i]), &algorithm), 0);
		assert_int_equal(algorithm, i);
		strcpy(dotted, texts[i]);
		strcat(dotted, ".");
		assert_int_equal(wire_tsig_algorithm_from_text(dotted, strlen(dotted), &algorithm), 0);
		assert_int_equal(algorithm, i);
	}
	assert_int_equal(wire_tsig_algorithm_from_text("HMAC-MD5.sig-alg.reg.int.", 25, &algorithm), 0);
	assert_int_equal(algorithm, WIRE_TSIG_HMAC_MD5);
	assert_int_equal(wire_tsig_algorithm_from_text("HMAC-SHA512", 11, &algorithm), 0);
	assert_int_equal(algorithm, WIRE_TSIG_HMAC_SHA512);
	algorithm = WIRE_TSIG_HMAC_SHA1;
	assert_int_equal(wire_tsig_algorithm_from_text("hmac-sha25", 10, &algorithm), ERR_NOT_FOUND);
	assert_int_equal(wire_tsig_algorithm_from_text("", 0, &algorithm), ERR_NOT_FOUND);
	assert_int_equal(wire_tsig_algorithm_from_text("hmac-sha256.x", 13, &algorithm), ERR_NOT_FOUND);
	assert_int_equal(algorithm, WIRE_TSIG_HMAC_SHA1);
}

static void requests_of_every_algorithm_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		use_key(vectors[i].algorithm);
		assert_int_equal(check_at(vectors[i].request, vectors[i].len, NOW_S), 0);
		assert_ptr_equal(tsig.key, &key);
		assert_int_equal(tsig.mac_len, vectors[i].mac_len);
		assert_int_equal(tsig.error, 0);
		assert_int_equal(tsig.original_id, 0x1234);
		assert_int_equal(tsig.request_time, NOW_S);
		assert_true(wire_name_equal(tsig.key_name.data, key.name.data));
	}
}

static void requests_are_signed_as_others_sign_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const uint8_t *want = vectors[i].request;
		size_t len;
		use_key(vectors[i].algorithm);
		tsig.key = &key;
		memcpy(message, want, UNSIGNED_LEN);
		bytes_store_u16(message + 10, 0);
		assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, vectors[i].len, true, &tsig, hmac, NOW_S, &len),
		                 0);
		assert_int_equal(len, vectors[i].len);
		/* That the algorithm's name is written in other letters does not count. */
		size_t name_at = ALGORITHM_AT;
		size_t rest_at = name_at + wire_name_len(want + name_at);
		assert_memory_equal(message, want, name_at);
		assert_true(wire_name_equal(message + name_at, want + name_at));
		assert_memory_equal(message + rest_at, want + rest_at, len - rest_at);
		assert_int_equal(tsig.mac_len, vectors[i].mac_len);
		assert_false(tsig.later);
	}
}

static void signing_needs_all_its_room(void **state)
{
	(void)state;
	uint8_t before[UNSIGNED_LEN];
	memcpy(message, request_sha256, UNSIGNED_LEN);
	bytes_store_u16(message + 10, 0);
	memcpy(before, message, UNSIGNED_LEN);
	for (size_t size = UNSIGNED_LEN; size < REQUEST_LEN; size++) {
		size_t len = 77;
		tsig.key = &key;
		assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, size, true, &tsig, hmac, NOW_S, &len),
		                 ERR_SPACE);
		assert_int_equal(len, 77);
		assert_memory_equal(message, before, UNSIGNED_LEN);
	}
	memset(&tsig, 0, sizeof(tsig));
	tsig.key = &key;
	assert_in_range(wire_tsig_space(&tsig), REQUEST_LEN - UNSIGNED_LEN, REQUEST_LEN - UNSIGNED_LEN + 6);
}

static void answers_are_signed_as_others_sign_them(void **state)
{
	(void)state;
	size_t len;
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S + 300), 0);
	size_t unsigned_len = sizeof(answer_sha256) - (REQUEST_LEN - UNSIGNED_LEN);
	memcpy(message, answer_sha256, unsigned_len);
	bytes_store_u16(message + 10, 0);
	assert_in_range(wire_tsig_space(&tsig), REQUEST_LEN - UNSIGNED_LEN, REQUEST_LEN - UNSIGNED_LEN + 6);
	assert_int_equal(wire_tsig_sign(message, unsigned_len, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, sizeof(answer_sha256));
	assert_memory_equal(message, answer_sha256, len);
}

static void streams_are_signed_as_others_sign_them(void **state)
{
	(void)state;
	size_t len;
	size_t unsigned_len = sizeof(stream_1) - (REQUEST_LEN - UNSIGNED_LEN);
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S), 0);
	memcpy(message, stream_1, unsigned_len);
	bytes_store_u16(message + 10, 0);
	assert_int_equal(wire_tsig_sign(message, unsigned_len, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, sizeof(stream_1));
	assert_memory_equal(message, stream_1, len);
	memcpy(message, stream_2, unsigned_len);
	bytes_store_u16(message + 10, 0);
	assert_int_equal(wire_tsig_sign(message, unsigned_len, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, sizeof(stream_2));
	assert_memory_equal(message, stream_2, len);
}

static void a_forwarded_request_is_checked_with_its_original_id(void **state)
{
	(void)state;
	size_t len = take_request();
	bytes_store_u16(message, 0xabcd);
	assert_int_equal(check_at(message, len, NOW_S), 0);
	assert_int_equal(tsig.original_id, 0x1234);
	bytes_store_u16(message + ORIGINAL_ID_AT, 0xabcd);
	assert_int_equal(check_at(message, len, NOW_S), ERR_BADSIG);
}

static void names_in_other_letters_are_the_same_names(void **state)
{
	(void)state;
	size_t len = take_request();
	message[UNSIGNED_LEN + 1] = 'k';
	message[ALGORITHM_AT + 1] = 'H';
	assert_int_equal(check_at(message, len, NOW_S), 0);
}

static void unknown_keys_are_badkey_before_all_else(void **state)
{
	(void)state;
	size_t len = take_request();
	message[UNSIGNED_LEN + 1] = 'X';
	message[MAC_AT] ^= 1;
	assert_int_equal(check_at(message, len, NOW_S + 100000), ERR_BADKEY);
	assert_null(tsig.key);
	assert_int_equal(tsig.error, DNS_RCODE_BADKEY);
	assert_int_equal(hmac_calls, 0);
	/* A key we have, with another algorithm or an unknown one. */
	use_key(WIRE_TSIG_HMAC_SHA512);
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S), ERR_BADKEY);
	use_key(WIRE_TSIG_HMAC_SHA256);
	take_request();
	message[ALGORITHM_AT + 3] = 'x';
	assert_int_equal(check_at(message, len, NOW_S), ERR_BADKEY);
	assert_int_equal(hmac_calls, 0);
}

static void any_changed_bit_is_badsig(void **state)
{
	(void)state;
	/* ID (it is the original one that counts), section counts, key and algorithm name, and frame left alone. */
	static const size_t covered[] = {2,
	                                 3,
	                                 13,
	                                 UNSIGNED_LEN - 1,
	                                 TIME_AT + 5,
	                                 FUDGE_AT,
	                                 FUDGE_AT + 1,
	                                 ERROR_AT + 1,
	                                 MAC_AT,
	                                 MAC_AT + 31,
	                                 ORIGINAL_ID_AT};
	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]); i++) {
		size_t len = take_request();
		message[covered[i]] ^= 1;
		assert_int_equal(check_at(message, len, NOW_S), ERR_BADSIG);
		assert_int_equal(tsig.error, DNS_RCODE_BADSIG);
		assert_null(tsig.key); /* nobody to trust, nothing to sign with */
	}
	key.secret[31] ^= 1;
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S), ERR_BADSIG);
}

static void a_wrong_mac_counts_before_a_wrong_time(void **state)
{
	(void)state;
	size_t len = take_request();
	message[MAC_AT] ^= 1;
	assert_int_equal(check_at(message, len, NOW_S + 100000), ERR_BADSIG);
}

static void time_may_be_off_by_the_fudge_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S + 300), 0);
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S - 300), 0);
	static const uint64_t bad[] = {NOW_S + 301, NOW_S - 301, 0, UINT64_MAX};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check_at(request_sha256, sizeof(request_sha256), bad[i]), ERR_BADTIME);
		assert_int_equal(tsig.error, DNS_RCODE_BADTIME);
		assert_ptr_equal(tsig.key, &key); /* the answer is signed */
	}
}

static void a_cut_mac_is_checked_and_then_badtrunc(void **state)
{
	(void)state;
	for (size_t mac_len = 16; mac_len < 32; mac_len++) {
		size_t len = resize_mac(mac_len);
		assert_int_equal(check_at(message, len, NOW_S), ERR_BADTRUNC);
		assert_int_equal(tsig.error, DNS_RCODE_BADTRUNC);
		assert_ptr_equal(tsig.key, &key);
		assert_int_equal(tsig.mac_len, mac_len);
		assert_int_equal(check_at(message, len, NOW_S + 301), ERR_BADTIME);
		message[MAC_AT + mac_len - 1] ^= 1;
		assert_int_equal(check_at(message, len, NOW_S), ERR_BADSIG);
	}
}

static void a_mac_of_impossible_size_is_formerr(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 9, 15, 33, 64};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t len = resize_mac(sizes[i]);
		assert_int_equal(check_at(message, len, NOW_S), ERR_FORMERR);
		assert_null(tsig.key);
		assert_int_equal(tsig.error, 0);
	}
}

static void short_hashes_keep_ten_bytes_of_mac(void **state)
{
	(void)state;
	/* Half of MD5 would be 8. */
	size_t mac_at = sizeof(request_md5) - 6 - 16;
	use_key(WIRE_TSIG_HMAC_MD5);
	for (size_t mac_len = 8; mac_len <= 10; mac_len++) {
		memcpy(message, request_md5, sizeof(request_md5));
		memmove(message + mac_at + mac_len, message + mac_at + 16, 6);
		bytes_store_u16(message + mac_at - 2, (uint16_t)mac_len);
		message[RDATA_LEN_AT + 1] = (uint8_t)(message[RDATA_LEN_AT + 1] - 16 + mac_len);
		assert_int_equal(check_at(message, sizeof(request_md5) - 16 + mac_len, NOW_S),
		                 mac_len < 10 ? ERR_FORMERR : ERR_BADTRUNC);
	}
}

static void broken_rdata_is_formerr(void **state)
{
	(void)state;
	size_t full = REQUEST_LEN - ALGORITHM_AT;
	for (size_t rdata_len = 0; rdata_len < full; rdata_len++) {
		take_request();
		bytes_store_u16(message + RDATA_LEN_AT, (uint16_t)rdata_len);
		assert_int_equal(check_at(message, ALGORITHM_AT + rdata_len, NOW_S), ERR_FORMERR);
		assert_null(tsig.key);
		assert_int_equal(tsig.error, 0);
	}
	size_t len = take_request();
	message[len] = 0; /* one byte more than its fields */
	bytes_store_u16(message + RDATA_LEN_AT, (uint16_t)(full + 1));
	assert_int_equal(check_at(message, len + 1, NOW_S), ERR_FORMERR);
	take_request();
	bytes_store_u16(message + ALGORITHM_AT, 0xc00c); /* a compressed algorithm name */
	assert_int_equal(check_at(message, len, NOW_S), ERR_FORMERR);
	assert_int_equal(hmac_calls, 0);
}

static void hmac_failures_come_through(void **state)
{
	(void)state;
	size_t len = 77;
	assert_int_equal(wire_message_read(request_sha256, sizeof(request_sha256), &m), 0);
	assert_int_equal(wire_tsig_check_request(&m, find, &key, broken_hmac, NOW_S, &tsig), ERR_NOMEM);
	assert_null(tsig.key);
	tsig.key = &key;
	assert_int_equal(wire_tsig_check_answer(&m, broken_hmac, NOW_S, &tsig), ERR_NOMEM);
	memcpy(message, request_sha256, UNSIGNED_LEN);
	bytes_store_u16(message + 10, 0);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, sizeof(message), true, &tsig, broken_hmac, NOW_S, &len),
	                 ERR_NOMEM);
	assert_int_equal(len, 77);
	assert_int_equal(message[11], 0);
}

/* An answer without records but with this RCODE, to be signed by the state. */
static size_t build_answer(unsigned rcode)
{
	memcpy(message, request_sha256, UNSIGNED_LEN);
	bytes_store_u16(message + 2, (uint16_t)(DNS_FLAG_QR | DNS_FLAG_RD | rcode));
	bytes_store_u16(message + 10, 0);
	return UNSIGNED_LEN;
}

static void badkey_and_badsig_are_answered_unsigned(void **state)
{
	(void)state;
	static const uint8_t want[] = "\3Xey\7Example\0\0\xfa\0\xff\0\0\0\0\0\x1d"
	                              "\x0bhmac-sha256\0\0\0\x65\x53\xf1\x05\x01\x2c\0\0\x12\x34\0\x11\0";
	size_t len = take_request();
	size_t space;
	message[UNSIGNED_LEN + 1] = 'X';
	assert_int_equal(check_at(message, len, NOW_S), ERR_BADKEY);
	hmac_calls = 0;
	build_answer(DNS_RCODE_NOTAUTH);
	space = wire_tsig_space(&tsig);
	assert_int_equal(
	        wire_tsig_sign(message, UNSIGNED_LEN, UNSIGNED_LEN + space, false, &tsig, hmac, NOW_S + 5, &len), 0);
	assert_int_equal(len, UNSIGNED_LEN + sizeof(want));
	assert_memory_equal(message + UNSIGNED_LEN, want, sizeof(want));
	assert_int_equal(message[11], 1);

	take_request();
	message[MAC_AT] ^= 1;
	assert_int_equal(check_at(message, REQUEST_LEN, NOW_S), ERR_BADSIG);
	hmac_calls = 0;
	build_answer(DNS_RCODE_NOTAUTH);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, UNSIGNED_LEN + sizeof(want));
	assert_int_equal(message[len - 3], DNS_RCODE_BADSIG);
	assert_int_equal(hmac_calls, 0);
}

static void badtime_is_answered_signed_with_both_times(void **state)
{
	(void)state;
	size_t len;
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S + 1000), ERR_BADTIME);
	build_answer(DNS_RCODE_NOTAUTH);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, UNSIGNED_LEN + wire_tsig_space(&tsig), false, &tsig,
	                                hmac, NOW_S + 1000, &len),
	                 0);
	assert_int_equal(len, sizeof(answer_badtime));
	assert_memory_equal(message, answer_badtime, len);
}

static void badtrunc_is_answered_signed(void **state)
{
	(void)state;
	/* The vector covers the whole MAC of the request, so that is what the state is given. */
	size_t len;
	assert_int_equal(check_at(request_sha256, sizeof(request_sha256), NOW_S), 0);
	tsig.error = DNS_RCODE_BADTRUNC;
	build_answer(DNS_RCODE_NOTAUTH);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, sizeof(answer_badtrunc));
	assert_memory_equal(message, answer_badtrunc, len);
}

static void without_key_and_error_nothing_is_added(void **state)
{
	(void)state;
	size_t len;
	memset(&tsig, 0, sizeof(tsig));
	assert_int_equal(wire_tsig_space(&tsig), 0);
	build_answer(DNS_RCODE_NOERROR);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, sizeof(message), false, &tsig, hmac, NOW_S, &len), 0);
	assert_int_equal(len, UNSIGNED_LEN);
	assert_int_equal(message[11], 0);
}

/* The client's side: sign the request of the vectors. */
static void send_request(void)
{
	size_t len;
	memset(&tsig, 0, sizeof(tsig));
	tsig.key = &key;
	memcpy(message, request_sha256, UNSIGNED_LEN);
	bytes_store_u16(message + 10, 0);
	assert_int_equal(wire_tsig_sign(message, UNSIGNED_LEN, sizeof(message), true, &tsig, hmac, NOW_S, &len), 0);
}

static int check_answer(const uint8_t *data, size_t len, uint64_t now_s)
{
	assert_int_equal(wire_message_read(data, len, &m), 0);
	return wire_tsig_check_answer(&m, hmac, now_s, &tsig);
}

static void answers_of_others_check(void **state)
{
	(void)state;
	send_request();
	assert_int_equal(check_answer(answer_sha256, sizeof(answer_sha256), NOW_S + 300), 0);
	/* It is bound to its request: as an answer to another one it is worth nothing. */
	send_request();
	tsig.mac[0] ^= 1;
	assert_int_equal(check_answer(answer_sha256, sizeof(answer_sha256), NOW_S), ERR_BADSIG);
	send_request();
	assert_int_equal(check_answer(answer_sha256, sizeof(answer_sha256), NOW_S + 301), ERR_BADTIME);
	assert_int_equal(tsig.error, 0);
}

static void streams_of_others_check(void **state)
{
	(void)state;
	send_request();
	assert_int_equal(check_answer(stream_1, sizeof(stream_1), NOW_S), 0);
	assert_int_equal(check_answer(stream_2, sizeof(stream_2), NOW_S), 0);
	assert_int_equal(check_answer(stream_2, sizeof(stream_2), NOW_S), ERR_BADSIG); /* replayed */
	send_request();
	assert_int_equal(check_answer(stream_2, sizeof(stream_2), NOW_S), ERR_BADSIG); /* out of order */
}

static void answers_that_are_not_ours_are_refused(void **state)
{
	(void)state;
	size_t len = build_answer(0);
	uint8_t unsigned_answer[UNSIGNED_LEN];
	memcpy(unsigned_answer, message, len);
	send_request();
	assert_int_equal(check_answer(unsigned_answer, len, NOW_S), ERR_BADSIG);

	memcpy(message, answer_sha256, sizeof(answer_sha256));
	len = sizeof(answer_sha256);
	size_t owner_at = len - (REQUEST_LEN - UNSIGNED_LEN);
	message[owner_at + 1] = 'X';
	assert_int_equal(check_answer(message, len, NOW_S), ERR_BADKEY);
	message[owner_at + 1] = 'K';
	message[owner_at + TSIG_OWNER_LEN + 10 + 1] = 'x';
	assert_int_equal(check_answer(message, len, NOW_S), ERR_BADKEY);
	message[owner_at + TSIG_OWNER_LEN + 10 + 1] = 'h';
	message[len - 1] = 1; /* other data that is not there */
	assert_int_equal(check_answer(message, len, NOW_S), ERR_FORMERR);
	message[len - 1] = 0;
	message[owner_at - 1] ^= 1;
	assert_int_equal(check_answer(message, len, NOW_S), ERR_BADSIG);
	message[owner_at - 1] ^= 1;
	/* None of these moved the state on. */
	assert_int_equal(check_answer(message, len, NOW_S), 0);
}

static void errors_the_answer_reports_come_through(void **state)
{
	(void)state;
	send_request();
	assert_int_equal(check_answer(answer_badtime, sizeof(answer_badtime), NOW_S + 100000), ERR_BADTIME);
	assert_int_equal(tsig.error, DNS_RCODE_BADTIME);
	send_request();
	assert_int_equal(check_answer(answer_badtrunc, sizeof(answer_badtrunc), NOW_S), ERR_BADTRUNC);
	assert_int_equal(tsig.error, DNS_RCODE_BADTRUNC);

	static const uint16_t unsigned_errors[][2] = {{DNS_RCODE_BADKEY, (uint16_t)-ERR_BADKEY},
	                                              {DNS_RCODE_BADSIG, (uint16_t)-ERR_BADSIG}};
	for (size_t i = 0; i < 2; i++) {
		static uint8_t answer[256];
		size_t len;
		struct wire_tsig_state server = {.error = unsigned_errors[i][0], .key_name = key.name};
		wire_name_from_text("hmac-sha256", 11, NULL, &server.algorithm_name);
		build_answer(DNS_RCODE_NOTAUTH);
		memcpy(answer, message, UNSIGNED_LEN);
		assert_int_equal(
		        wire_tsig_sign(answer, UNSIGNED_LEN, sizeof(answer), false, &server, hmac, NOW_S, &len), 0);
		send_request();
		assert_int_equal(check_answer(answer, len, NOW_S), -(int)unsigned_errors[i][1]);
		assert_int_equal(tsig.error, unsigned_errors[i][0]);
		/* An empty MAC is for these errors only. */
		answer[len - 3] = DNS_RCODE_BADTIME;
		send_request();
		assert_int_equal(check_answer(answer, len, NOW_S), ERR_FORMERR);
		answer[len - 3] = 0;
		assert_int_equal(check_answer(answer, len, NOW_S), ERR_FORMERR);
	}
}

static void a_cut_answer_is_badtrunc(void **state)
{
	(void)state;
	size_t len = sizeof(answer_sha256);
	send_request();
	memcpy(message, answer_sha256, len);
	size_t tsig_at = len - (REQUEST_LEN - UNSIGNED_LEN);
	size_t shift = tsig_at - UNSIGNED_LEN;
	memmove(message + shift + MAC_AT + 16, message + shift + ORIGINAL_ID_AT, 6);
	bytes_store_u16(message + shift + MAC_LEN_AT, 16);
	bytes_store_u16(message + shift + RDATA_LEN_AT, (uint16_t)(REQUEST_LEN - ALGORITHM_AT - 16));
	assert_int_equal(check_answer(message, len - 16, NOW_S), ERR_BADTRUNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(algorithms_have_names, setup),
	        cmocka_unit_test_setup(requests_of_every_algorithm_check, setup),
	        cmocka_unit_test_setup(requests_are_signed_as_others_sign_them, setup),
	        cmocka_unit_test_setup(signing_needs_all_its_room, setup),
	        cmocka_unit_test_setup(answers_are_signed_as_others_sign_them, setup),
	        cmocka_unit_test_setup(streams_are_signed_as_others_sign_them, setup),
	        cmocka_unit_test_setup(a_forwarded_request_is_checked_with_its_original_id, setup),
	        cmocka_unit_test_setup(names_in_other_letters_are_the_same_names, setup),
	        cmocka_unit_test_setup(unknown_keys_are_badkey_before_all_else, setup),
	        cmocka_unit_test_setup(any_changed_bit_is_badsig, setup),
	        cmocka_unit_test_setup(a_wrong_mac_counts_before_a_wrong_time, setup),
	        cmocka_unit_test_setup(time_may_be_off_by_the_fudge_and_no_more, setup),
	        cmocka_unit_test_setup(a_cut_mac_is_checked_and_then_badtrunc, setup),
	        cmocka_unit_test_setup(a_mac_of_impossible_size_is_formerr, setup),
	        cmocka_unit_test_setup(short_hashes_keep_ten_bytes_of_mac, setup),
	        cmocka_unit_test_setup(broken_rdata_is_formerr, setup),
	        cmocka_unit_test_setup(hmac_failures_come_through, setup),
	        cmocka_unit_test_setup(badkey_and_badsig_are_answered_unsigned, setup),
	        cmocka_unit_test_setup(badtime_is_answered_signed_with_both_times, setup),
	        cmocka_unit_test_setup(badtrunc_is_answered_signed, setup),
	        cmocka_unit_test_setup(without_key_and_error_nothing_is_added, setup),
	        cmocka_unit_test_setup(answers_of_others_check, setup),
	        cmocka_unit_test_setup(streams_of_others_check, setup),
	        cmocka_unit_test_setup(answers_that_are_not_ours_are_refused, setup),
	        cmocka_unit_test_setup(errors_the_answer_reports_come_through, setup),
	        cmocka_unit_test_setup(a_cut_answer_is_badtrunc, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
