/* SPDX-License-Identifier: Apache-2.0 */
/* token: answers of token and registration endpoints, when to renew, what is saved and for whom it counts. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/oauth/metadata.h"
#include "net/oauth/token.h"

static struct weft__oauth_grant g;
static weft_error err;

static void end(void)
{
	weft__oauth_grant_fini(&g);
}

TestSuite(token, .fini = end);

static int read_token(const char *text)
{
	return weft__oauth_token_read(weft_str_from(text), 1000, WEFT_STR("a b"), &g, &err);
}

Test(token, read__all_of_it)
{
	cr_assert_eq(read_token("{\"access_token\":\"at\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"rt\",\"scope\":\"a\"}"), 0);
	cr_assert_str_eq(g.access, "at");
	cr_assert_str_eq(g.refresh, "rt");
	cr_assert_str_eq(g.scope, "a b", "what was asked for: else less that was granted would be asked for again and again");
	cr_assert_eq(g.renew_s, 1000 + 3600 - 60);
	cr_assert(!weft__oauth_is_over(&g, 4539));
	cr_assert(weft__oauth_is_over(&g, 4540));
}

Test(token, read__a_refresh_token_that_is_left_out_stays)
{
	cr_assert_eq(read_token("{\"access_token\":\"1\",\"token_type\":\"Bearer\",\"refresh_token\":\"rt\"}"), 0);
	cr_assert_eq(g.renew_s, 0);
	cr_assert(!weft__oauth_is_over(&g, INT64_MAX), "it did not say when");
	cr_assert_eq(read_token("{\"access_token\":\"2\",\"token_type\":\"Bearer\"}"), 0);
	cr_assert_str_eq(g.access, "2");
	cr_assert_str_eq(g.refresh, "rt");
}

Test(token, read__lives_of_every_kind)
{
	static const struct {
		const char *json;
		int64_t renew_s;
	} lives[] = { { "10", 1009 },   { "\"100\"", 1090 }, { "1.5", 1001 },  { "0", 0 },         { "-5", 0 },
		      { "null", 0 },    { "\"soon\"", 0 },   { "true", 0 },    { "9e99", 1000 + INT64_C(10) * 366 * 86400 - 60 },
		      { "\"99999999999999999\"", 1000 + INT64_C(10) * 366 * 86400 - 60 } };
	char text[160];

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		sprintf(text, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":%s}", lives[i].json);
		cr_assert_eq(read_token(text), 0, "%s", text);
		cr_assert_eq(g.renew_s, lives[i].renew_s, "%s: %lld", text, (long long)g.renew_s);
	}
}

Test(token, read__what_is_none_changes_nothing)
{
	static const char *const wrong[] = { "",
		                             "[]",
		                             "{}",
		                             "{\"access_token\":7,\"token_type\":\"Bearer\"}",
		                             "{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
		                             "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"token_type\":\"Bearer\"}",
		                             "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}",
		                             "{\"access_token\":\"t\"}",
		                             "{\"access_token\":\"t\",\"token_type\":\"mac\"}",
		                             "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"refresh_token\":\"a b\"}",
		                             "{\"access_token\":\"t\",\"access_token\":\"u\",\"token_type\":\"Bearer\"}" };

	cr_assert_eq(read_token("{\"access_token\":\"old\",\"token_type\":\"Bearer\",\"refresh_token\":\"rt\"}"), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_assert_eq(read_token(wrong[i]), -EACCES, "%s", wrong[i]);
		cr_assert_str_eq(g.access, "old");
		cr_assert_str_eq(g.refresh, "rt");
	}
}

Test(token, read__too_long_for_a_head)
{
	static char text[WEFT__OAUTH_TOKEN_BYTES_MAX + 200];
	size_t n = (size_t)sprintf(text, "{\"token_type\":\"Bearer\",\"access_token\":\"");

	memset(text + n, 'x', WEFT__OAUTH_TOKEN_BYTES_MAX + 1);
	strcpy(text + n + WEFT__OAUTH_TOKEN_BYTES_MAX + 1, "\"}");
	cr_assert_eq(read_token(text), -EACCES);
	strcpy(text + n + WEFT__OAUTH_TOKEN_BYTES_MAX, "\"}");
	cr_assert_eq(read_token(text), 0);
}

static int read_client(const char *text)
{
	return weft__oauth_client_read(weft_str_from(text), WEFT_STR("http://127.0.0.1:7/callback"), &g, &err);
}

Test(token, client__registered)
{
	cr_assert_eq(read_client("{\"client_id\":\"c\",\"client_secret\":\"s\",\"token_endpoint_auth_method\":\"client_secret_post\"}"), 0);
	cr_assert_str_eq(g.client_id, "c");
	cr_assert_str_eq(g.client_secret, "s");
	cr_assert_str_eq(g.redirect, "http://127.0.0.1:7/callback");
	cr_assert_eq(g.client_way, WEFT__OAUTH_BY_POST);
	cr_assert_eq(read_client("{\"client_secret\":\"s\"}"), -EACCES);
	cr_assert_str_eq(g.client_id, "c");
	cr_assert_eq(read_client("{\"client_id\":\"d\"}"), 0);
	cr_assert_null(g.client_secret);
	cr_assert_eq(g.client_way, 0);
}

Test(token, grant__there_and_back)
{
	struct weft__oauth_grant back = { 0 };
	struct weft__secret text = { 0 };

	cr_assert_eq(read_token("{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"expires_in\":100,\"refresh_token\":\"rt\"}"), 0);
	cr_assert_eq(read_client("{\"client_id\":\"c\",\"client_secret\":\"s\",\"token_endpoint_auth_method\":\"client_secret_basic\"}"), 0);
	g.issuer = weft__secret_dup(WEFT_STR("https://a"));
	cr_assert_eq(weft__oauth_grant_write(&g, WEFT_STR("https://h/mcp"), &text), 0);
	cr_assert_eq(weft__oauth_grant_read(weft__secret_text(&text), WEFT_STR("https://h/mcp"), &back), 0);
	cr_assert_str_eq(back.issuer, "https://a");
	cr_assert_str_eq(back.access, "at");
	cr_assert_str_eq(back.refresh, "rt");
	cr_assert_str_eq(back.client_id, "c");
	cr_assert_str_eq(back.client_secret, "s");
	cr_assert_str_eq(back.redirect, g.redirect);
	cr_assert_str_eq(back.scope, "a b");
	cr_assert_eq(back.renew_s, 1090);
	cr_assert_eq(back.client_way, WEFT__OAUTH_BY_BASIC);
	cr_assert_eq(weft__oauth_grant_read(weft__secret_text(&text), WEFT_STR("https://h/other"), &back), -EBADMSG, "another server's");
	cr_assert_str_eq(back.access, "at", "nothing has changed");
	weft__oauth_grant_fini(&back);
	for (size_t n = 0; n < text.len; n++)
		cr_assert_eq(weft__oauth_grant_read((weft_str){ text.at, n }, WEFT_STR("https://h/mcp"), &back), -EBADMSG);
	cr_assert_eq(weft__oauth_grant_read(WEFT_STR("{\"resource\":\"r\",\"access_token\":\"t\"}"), WEFT_STR("r"), &back), -EBADMSG, "of no issuer");
	cr_assert_eq(weft__oauth_grant_read(WEFT_STR("{\"resource\":\"r\",\"issuer\":\"i\",\"access_token\":\"a\\nb\"}"), WEFT_STR("r"), &back), -EBADMSG);
	weft__secret_fini(&text);
}

Test(token, error__only_words_of_the_protocol)
{
	char error[48];

	weft__oauth_error_read(WEFT_STR("{\"error\":\"invalid_grant\",\"error_description\":\"x\"}"), error);
	cr_assert_str_eq(error, "invalid_grant");
	weft__oauth_error_read(WEFT_STR("{\"error\":\"eyJhbGciOi.Secret\"}"), error);
	cr_assert_str_eq(error, "", "a secret that comes back would end up in a log");
	weft__oauth_error_read(WEFT_STR("{\"error\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"), error);
	cr_assert_str_eq(error, "");
	weft__oauth_error_read(WEFT_STR("<html>"), error);
	cr_assert_str_eq(error, "");
}
