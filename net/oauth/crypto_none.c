/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/crypto_none.c - the crypto of a build without OpenSSL: there is none, and who asks is told so. */
#include "net/oauth/crypto.h"

#include <errno.h>

int weft__oauth_sha256(weft_str text, uint8_t ret[32])
{
	(void)text;
	(void)ret;
	return -EPROTONOSUPPORT;
}

int weft__oauth_key_read(weft_str pem, struct weft__oauth_key **ret_key, weft_error *err)
{
	(void)pem;
	(void)ret_key;
	return weft_error_set(err, -EPROTONOSUPPORT, "this build has no TLS, and no keys");
}

void weft__oauth_key_free(struct weft__oauth_key *key)
{
	(void)key;
}

const char *weft__oauth_key_algorithm(const struct weft__oauth_key *key)
{
	(void)key;
	return "none";
}

int weft__oauth_key_sign(struct weft__oauth_key *key, weft_str text, struct weft__secret *to)
{
	(void)key;
	(void)text;
	(void)to;
	return -EPROTONOSUPPORT;
}
