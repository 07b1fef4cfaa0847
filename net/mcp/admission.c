/* SPDX-License-Identifier: Apache-2.0 */
/* net/mcp/admission.c - see admission.h. */
#include "net/mcp/admission.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#define SCHEME "Bearer "
#define UNAUTHORIZED_MAX 1u
#define STEPS_MAX 2u

void weft__mcp_admission_fini(struct weft__mcp_admission *a, struct weft__oauth *oauth)
{
	if (oauth)
		weft__oauth_withdraw(oauth, &a->waiter);
	weft__secret_fini(&a->shown);
	weft_free(a->challenge);
	a->challenge = NULL;
}

int weft__mcp_admission_show(struct weft__mcp_admission *a, const struct weft__oauth *oauth)
{
	weft_str token;

	weft__secret_fini(&a->shown);
	if (!oauth)
		return 0;
	token = weft__oauth_token(oauth);
	a->serial = weft__oauth_serial(oauth);
	if (!token.len_bytes)
		return 0;
	weft__secret_put(&a->shown, WEFT_STR(SCHEME));
	weft__secret_put(&a->shown, token);
	return a->shown.failed ? -ENOMEM : 0;
}

bool weft__mcp_admission_is_told(const struct weft__mcp_admission *a, weft_str text)
{
	size_t scheme = sizeof(SCHEME) - 1;

	return text.len_bytes && a->shown.len > scheme &&
	       memmem(text.ptr, text.len_bytes, a->shown.at + scheme, a->shown.len - scheme);
}

bool weft__mcp_admission_renews(struct weft__mcp_admission *a, struct weft__oauth *oauth)
{
	if (!oauth || !weft__oauth_is_stale(oauth))
		return false;
	weft__oauth_want(oauth, &a->waiter, WEFT__OAUTH_STALE, NULL, weft__oauth_serial(oauth));
	return true;
}

void weft__mcp_admission_head(struct weft__mcp_admission *a, const struct weft__oauth *oauth, int status,
                              const struct weft__http_field *fields, uint32_t n)
{
	if (!oauth || (status != 401 && status != 403))
		return;
	if (!a->challenge)
		a->challenge = weft_malloc(sizeof(*a->challenge));
	if (a->challenge) /* out of memory: as if the server had said nothing */
		weft__oauth_challenge_read(fields, n, a->challenge);
}

bool weft__mcp_admission_asks(struct weft__mcp_admission *a, struct weft__oauth *oauth, int status)
{
	if (!oauth)
		return false;
	if (status == 401 && a->unauthorized < UNAUTHORIZED_MAX) {
		a->unauthorized++;
		weft__oauth_want(oauth, &a->waiter, WEFT__OAUTH_UNAUTHORIZED, a->challenge, a->serial);
		return true;
	}
	if (status == 401)
		weft__oauth_reject(oauth, a->serial);
	if (status != 403 || !a->challenge || strcmp(a->challenge->error, "insufficient_scope") != 0 ||
	    a->stepped >= STEPS_MAX)
		return false;
	a->stepped++;
	weft__oauth_want(oauth, &a->waiter, WEFT__OAUTH_MORE_SCOPE, a->challenge, a->serial);
	return true;
}
