/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/crypto.c - see crypto.h. JSON web signatures of elliptic curves are two numbers of fixed size,
 * not OpenSSL's DER.
 */
#include "net/oauth/crypto.h"

#include <errno.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <weft/alloc.h>

#include "net/tls/openssl.h"

#define SIGNATURE_BYTES_MAX 1024u /* RSA of 8192 bits */
#define PEM_BYTES_MAX (32u << 10)

struct weft__oauth_key {
	EVP_PKEY *pkey;
	const char *algorithm; /* static */
	uint32_t half;         /* of an elliptic signature, in bytes; 0: RSA */
};

int weft__oauth_sha256(weft_str text, uint8_t ret[32])
{
	unsigned int len = 32;
	int r;

	if (!weft__tls_enter())
		return -ESHUTDOWN;
	r = EVP_Digest(text.ptr, text.len_bytes, ret, &len, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
	weft__tls_leave();
	return r;
}

/* Never a password: nobody is there to type one. */
static int no_password(char *to, int room, int writing, void *user)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)user;
	return -1;
}

static int kind_of(struct weft__oauth_key *key, weft_error *err)
{
	int type = EVP_PKEY_get_base_id(key->pkey), bits = EVP_PKEY_get_bits(key->pkey);

	if (type == EVP_PKEY_EC && (bits == 256 || bits == 384)) {
		key->algorithm = bits == 256 ? "ES256" : "ES384";
		key->half = (uint32_t)bits / 8;
		return 0;
	}
	if (type == EVP_PKEY_RSA && bits >= 2048 && bits <= (int)SIGNATURE_BYTES_MAX * 8) {
		key->algorithm = "RS256";
		return 0;
	}
	return weft_error_set(err, -EINVAL,
	                      "the private key is none of P-256, P-384 and RSA from 2048 bits on");
}

static int pem_read(weft_str pem, struct weft__oauth_key *key, weft_error *err)
{
	BIO *bio = pem.len_bytes <= PEM_BYTES_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len_bytes) : NULL;

	key->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return key->pkey ? kind_of(key, err)
	                 : weft_error_set(err, -EINVAL, "the private key is not PEM without a password");
}

int weft__oauth_key_read(weft_str pem, struct weft__oauth_key **ret_key, weft_error *err)
{
	struct weft__oauth_key *key = weft_calloc(1, sizeof(*key));
	int r;

	if (!key)
		return weft_error_set(err, -ENOMEM, "out of memory");
	r = weft__tls_enter() ? 0 : weft_error_set(err, -ESHUTDOWN, "the process ends");
	if (r == 0) {
		r = pem_read(pem, key, err);
		weft__tls_leave();
	}
	if (r < 0) {
		weft__oauth_key_free(key);
		return r;
	}
	*ret_key = key;
	return 0;
}

void weft__oauth_key_free(struct weft__oauth_key *key)
{
	if (!key)
		return;
	if (key->pkey && weft__tls_enter()) {
		EVP_PKEY_free(key->pkey);
		weft__tls_leave();
	}
	weft_free(key);
}

const char *weft__oauth_key_algorithm(const struct weft__oauth_key *key)
{
	return key->algorithm;
}

/* DER in, r and s out. False: it is none. */
static bool halves(const uint8_t *der, size_t len, uint32_t half, uint8_t *to)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool fits = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)half) == (int)half &&
	            BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + half, (int)half) == (int)half;

	ECDSA_SIG_free(sig);
	return fits;
}

/* A signature as OpenSSL makes it. der: SIGNATURE_BYTES_MAX. */
static bool sign(struct weft__oauth_key *key, weft_str text, uint8_t *der, size_t *ret_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx &&
	            EVP_DigestSignInit(ctx, NULL, key->half == 48 ? EVP_sha384() : EVP_sha256(), NULL,
	                               key->pkey) == 1 &&
	            EVP_DigestSign(ctx, der, ret_len, (const uint8_t *)text.ptr, text.len_bytes) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return done;
}

int weft__oauth_key_sign(struct weft__oauth_key *key, weft_str text, struct weft__secret *to)
{
	uint8_t der[SIGNATURE_BYTES_MAX], pair[96];
	size_t len = sizeof(der);
	bool done;

	if (!weft__tls_enter())
		return -ESHUTDOWN;
	done = sign(key, text, der, &len) && (!key->half || halves(der, len, key->half, pair));
	weft__tls_leave();
	if (!done)
		return -ENOMEM;
	if (key->half)
		weft__secret_put_base64url(to, pair, 2 * (size_t)key->half);
	else
		weft__secret_put_base64url(to, der, len);
	return to->failed ? -ENOMEM : 0;
}
