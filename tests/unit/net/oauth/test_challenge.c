/* SPDX-License-Identifier: Apache-2.0 */
/* challenge: WWW-Authenticate as servers write it, as they should not, and as nobody should. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "net/oauth/challenge.h"

static struct weft__oauth_challenge c;

static void read_one(const char *value)
{
	struct weft__http_field fields[] = { { WEFT_STR("Content-Type"), WEFT_STR("text/plain") },
		                             { WEFT_STR("www-authenticate"), weft_str_from(value) } };

	weft__oauth_challenge_read(fields, 2, &c);
}

static void expect(const char *metadata, const char *scope, const char *error)
{
	cr_assert(c.is_bearer);
	cr_assert_str_eq(c.resource_metadata, metadata);
	cr_assert_str_eq(c.scope, scope);
	cr_assert_str_eq(c.error, error);
}

Test(challenge, read__parameters_in_any_order_and_form)
{
	read_one("Bearer resource_metadata=\"https://h/.well-known/oauth-protected-resource\", scope=\"a b\"");
	expect("https://h/.well-known/oauth-protected-resource", "a b", "");
	read_one("bearer error=insufficient_scope , SCOPE = \"a\",error_description=\"one, \\\"two\\\" = x\",resource_metadata=\"u\"");
	expect("u", "a", "insufficient_scope");
	read_one("Bearer");
	expect("", "", "");
	read_one("Bearer realm=\"x\",,, scope=b");
	expect("", "b", "");
}

Test(challenge, read__finds_it_among_others)
{
	read_one("Basic realm=\"Bearer scope=no\", Bearer scope=\"yes\", Digest scope=\"later\"");
	expect("", "yes", "");
	read_one("Negotiate YWJj==, Bearer scope=yes");
	expect("", "yes", "");
	read_one("Basic scope=no");
	cr_assert(!c.is_bearer);
	cr_assert_str_eq(c.scope, "");
}

Test(challenge, read__two_fields)
{
	struct weft__http_field fields[] = { { WEFT_STR("WWW-Authenticate"), WEFT_STR("Basic realm=x") },
		                             { WEFT_STR("WWW-Authenticate"), WEFT_STR("Bearer scope=x") } };

	weft__oauth_challenge_read(fields, 2, &c);
	expect("", "x", "");
	weft__oauth_challenge_read(fields, 1, &c);
	cr_assert(!c.is_bearer);
	weft__oauth_challenge_read(NULL, 0, &c);
	cr_assert(!c.is_bearer);
}

Test(challenge, read__what_is_no_scope_or_comes_twice_is_passed_over)
{
	read_one("Bearer scope=\"a  b\", error=\"x\\\"y\"");
	expect("", "", "");
	read_one("Bearer scope=a, scope=b");
	expect("", "a", "");
	read_one("Bearer scope=\"\", resource_metadata=\"\"");
	expect("", "", "");
}

Test(challenge, read__ends_without_its_quote)
{
	read_one("Bearer scope=a, resource_metadata=\"https://h");
	expect("", "a", "");
	read_one("Bearer resource_metadata=\"x\\");
	expect("", "", "");
}

Test(challenge, read__too_long_is_as_if_it_were_not_there)
{
	static char value[3 * WEFT__OAUTH_SCOPE_BYTES_MAX];
	char *at = value + sprintf(value, "Bearer resource_metadata=\"");

	memset(at, 'u', WEFT__OAUTH_URL_BYTES_MAX);
	at += WEFT__OAUTH_URL_BYTES_MAX;
	at += sprintf(at, "\", scope=\"");
	memset(at, 's', WEFT__OAUTH_SCOPE_BYTES_MAX + 1);
	at += WEFT__OAUTH_SCOPE_BYTES_MAX + 1;
	sprintf(at, "\", error=e");
	read_one(value);
	expect("", "", "e");
	value[sizeof("Bearer resource_metadata=\"") - 1 + WEFT__OAUTH_URL_BYTES_MAX - 1] = '"'; /* one shorter */
	value[sizeof("Bearer resource_metadata=\"") - 1 + WEFT__OAUTH_URL_BYTES_MAX] = ',';
	read_one(value);
	cr_assert_eq(strlen(c.resource_metadata), WEFT__OAUTH_URL_BYTES_MAX - 1);
}

/* Any bytes end the reading somewhere, and nothing of it is outside its room (the sanitizers look). */
Test(challenge, read__every_end_of_a_text)
{
	static const char text[] = "Basic a=\"b\\\"\", Bearer x==, scope=\"a b\" , error=e\\,\"";
	char cut[sizeof(text)];

	for (size_t n = 0; n < sizeof(text); n++) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		read_one(cut);
	}
}
