/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/pkce.c - see pkce.h. */
#include "net/oauth/pkce.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "net/oauth/crypto.h"

static int put(const uint8_t bytes[32], char *to)
{
	struct weft__secret text = {0};
	int r = 0;

	weft__secret_put_base64url(&text, bytes, 32);
	if (text.failed)
		r = -ENOMEM;
	else
		memcpy(to, text.at, WEFT__PKCE_BYTES + 1);
	weft__secret_fini(&text);
	return r;
}

/* Not weft__entropy: that falls back to a clock where the kernel gives nothing, which is no secret. */
static int draw(char *to)
{
	uint8_t bytes[32];
	int r = getentropy(bytes, sizeof(bytes)) < 0 ? -errno : put(bytes, to);

	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

int weft__pkce_challenge(weft_str verifier, char *to)
{
	uint8_t hash[32];
	int r = weft__oauth_sha256(verifier, hash);

	return r < 0 ? r : put(hash, to);
}

int weft__pkce_make(struct weft__pkce *ret)
{
	int r = draw(ret->verifier);

	if (r == 0)
		r = draw(ret->state);
	if (r == 0)
		r = weft__pkce_challenge((weft_str){ret->verifier, WEFT__PKCE_BYTES}, ret->challenge);
	if (r < 0)
		weft__pkce_wipe(ret);
	return r;
}

void weft__pkce_wipe(struct weft__pkce *pkce)
{
	explicit_bzero(pkce, sizeof(*pkce));
}
