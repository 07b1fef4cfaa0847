/* SPDX-License-Identifier: Apache-2.0 */
/* pkce: the example of RFC 7636, appendix B; and that what is drawn is of its form, ties together, and never comes twice. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/oauth/pkce.h"

Test(pkce, challenge__example_of_rfc_7636)
{
	char challenge[WEFT__PKCE_BYTES + 1];

	cr_assert_eq(weft__pkce_challenge(WEFT_STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge), 0);
	cr_assert_str_eq(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

Test(pkce, make__of_its_form_and_never_twice)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct weft__pkce a, b;
	char challenge[WEFT__PKCE_BYTES + 1];

	cr_assert_eq(weft__pkce_make(&a), 0);
	cr_assert_eq(weft__pkce_make(&b), 0);
	cr_assert_eq(strspn(a.verifier, letters), WEFT__PKCE_BYTES);
	cr_assert_eq(strspn(a.state, letters), WEFT__PKCE_BYTES);
	cr_assert_str_neq(a.verifier, b.verifier);
	cr_assert_str_neq(a.state, b.state);
	cr_assert_str_neq(a.state, a.verifier);
	cr_assert_eq(weft__pkce_challenge(weft_str_from(a.verifier), challenge), 0);
	cr_assert_str_eq(challenge, a.challenge);
	weft__pkce_wipe(&a);
	cr_assert_str_eq(a.verifier, "");
}
