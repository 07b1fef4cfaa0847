/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/oauth/crypto.h - a hash, and signatures of JSON web tokens, by OpenSSL. A build without it refuses
 * (-EPROTONOSUPPORT).
 */
#ifndef WEFT_NET_OAUTH_CRYPTO_H
#define WEFT_NET_OAUTH_CRYPTO_H

#include <weft/error.h>

#include "net/oauth/secret.h"

struct weft__oauth_key;

/* 0, -EPROTONOSUPPORT, -ENOMEM. */
int weft__oauth_sha256(weft_str text, uint8_t ret[32]);

/*
 * A private key, PEM without a password: P-256, P-384, RSA of 2048 bits and more. 0, -EINVAL (err says why),
 * -ENOMEM, -EPROTONOSUPPORT.
 */
int weft__oauth_key_read(weft_str pem, struct weft__oauth_key **ret_key, weft_error *err);
void weft__oauth_key_free(struct weft__oauth_key *key); /* NULL is fine */
/* "ES256", "ES384", "RS256". */
const char *weft__oauth_key_algorithm(const struct weft__oauth_key *key);
/* The signature of text, base64url, is put behind to. 0, or negative. */
int weft__oauth_key_sign(struct weft__oauth_key *key, weft_str text, struct weft__secret *to);

#endif
