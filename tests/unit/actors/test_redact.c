/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a secret, what does not, and that redacting twice is redacting once. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/record/redact.h"

static struct weft__redact r;
static weft_arena *arena;

static void setup(void)
{
	setenv("WEFT_TEST_API_KEY", "value-of-the-environment", 1);
	setenv("WEFT_TEST_PASSWORD", "short", 1);
	setenv("WEFT_TEST_SECRET", "/dev/null", 1);
	setenv("WEFT_TEST_ACCESS_KEY", "/aB+cd/no/path", 1);
	setenv("WEFT_TESTPASSWORD", "of-the-database", 1);
	setenv("WEFT_TEST_URL", "postgres://ann:in-an-address@db/x", 1);
	setenv("WEFT_TEST_KEYS", "not-this-one-either", 1);
	cr_assert_eq(weft__redact_init(&r, NULL, NULL), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
	weft__redact_fini(&r);
}

TestSuite(redact, .init = setup, .fini = teardown);

static void becomes(const char *text, const char *expected)
{
	weft_str once = weft__redact(&r, weft_str_from(text), arena), twice;

	cr_assert(weft_str_eq(once, weft_str_from(expected)), "%s -> %.*s", text, WEFT_STR_ARG(once));
	twice = weft__redact(&r, once, arena);
	cr_assert(weft_str_eq(twice, once), "%s -> %.*s -> %.*s", text, WEFT_STR_ARG(once), WEFT_STR_ARG(twice));
}

Test(redact, values_of_the_environment)
{
	becomes("a value-of-the-environment.", "a [redacted].");
	becomes("value-of-the-environmentvalue-of-the-environment", "[redacted][redacted]");
	becomes("short /dev/null not-this-one-either", "short /dev/null not-this-one-either");
	becomes("/aB+cd/no/path of-the-database in-an-address", "[redacted] [redacted] [redacted]");
}

/* The first look at a byte, or at a name's end, passes by none of them, in small letters or large. */
Test(redact, every_beginning_and_every_name)
{
	static const char *const keys[] = { "sk-",  "sk_live_", "sk_test_",    "rk_live_", "rk_test_", "ghp_", "gho_", "ghs_", "ghu_",
		                            "ghr_", "xoxb-",    "github_pat_", "glpat-",   "xoxp-",    "xai-", "gsk_", "AIza", "hf_",
		                            "npm_", "eyJhbGciOi" };
	static const char *const names[] = { "authorization", "password",   "passwd",     "passphrase", "pwd",       "api_key",
		                             "api-key",       "apikey",     "access_key", "access-key", "accesskey", "secret_key",
		                             "secret-key",    "secretkey",  "private_key", "private-key", "privatekey", "secret",
		                             "token",         "cookie",     "credentials", "PASSWORD",  "X-Token",   "userToken" };
	char text[96], expected[96];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text), "a %s0123456789abcdef b", keys[i]);
		becomes(text, "a [redacted] b");
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "a {\"%s\":\"hidden\"}", names[i]);
		snprintf(expected, sizeof(expected), "a {\"%s\":\"[redacted]\"}", names[i]);
		becomes(text, expected);
	}
}

Test(redact, keys_of_services)
{
	becomes("use sk-proj-abcdefghijklmnop now", "use [redacted] now");
	becomes("ghp_0123456789abcdef0123,AKIA0123456789ABCDEF", "[redacted],[redacted]");
	becomes("ASIA0123456789ABCDEF ghu_0123456789abcdef gsk_0123456789abcdef xai-0123456789abcdef rk_live_0123456789abcdef",
	        "[redacted] [redacted] [redacted] [redacted] [redacted]");
	becomes("ASIA-PACIFIC-SOUTHEAST AKIAN-WORDS-ARE-LONG", "ASIA-PACIFIC-SOUTHEAST AKIAN-WORDS-ARE-LONG");
	becomes("eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiIxIn0.c2ln eyJpZCI6MTIzNDU2Nzg5MH0", "[redacted] eyJpZCI6MTIzNDU2Nzg5MH0");
	becomes("sk-short risk-taking-is-not-a-key", "sk-short risk-taking-is-not-a-key");
	becomes("x\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\ny", "x\n[redacted]\ny");
	becomes("-----BEGIN PRIVATE KEY-----\nabc", "[redacted]");
	becomes("-----BEGIN CERTIFICATE-----\nabc", "-----BEGIN CERTIFICATE-----\nabc");
}

Test(redact, named_values)
{
	becomes("password=hunter2 and more", "password=[redacted] and more");
	becomes("{\"password\": \"hunter2\", \"n\": 1}", "{\"password\": \"[redacted]\", \"n\": 1}");
	becomes("{\"x-api-key\":\"a\\\"b\",\"n\":1}", "{\"x-api-key\":\"[redacted]\",\"n\":1}");
	becomes("\"{\\\"token\\\":\\\"abc\\\",\\\"n\\\":1}\"", "\"{\\\"token\\\":\\\"[redacted]\\\",\\\"n\\\":1}\"");
	becomes("Authorization: Bearer abc.def\r\nHost: x", "Authorization: Bearer [redacted]\r\nHost: x");
	becomes("AUTHORIZATION=Basic dXNlcjpwYXNz", "AUTHORIZATION=Basic [redacted]");
	becomes("Set-Cookie: a=b; Path=/\nnext", "Set-Cookie: [redacted]\nnext");
	becomes("access_token=abc&x=1", "access_token=[redacted]&x=1");
	becomes("my_secret = 'xyz'", "my_secret = '[redacted]'");
	becomes("{\"accessToken\":\"a\",\"clientSecret\":\"b\",\"secretKey\":\"c\"}",
	        "{\"accessToken\":\"[redacted]\",\"clientSecret\":\"[redacted]\",\"secretKey\":\"[redacted]\"}");
	becomes("aws_secret_access_key=a passphrase: b pwd=c", "aws_secret_access_key=[redacted] passphrase: [redacted] pwd=[redacted]");
	becomes("Authorization: ApiKey abcd efgh\r\nHost: x", "Authorization: [redacted]\r\nHost: x");
	becomes("{\"headers\":{\"Authorization\":[\"ApiKey abcd\"],\"n\":1}}", "{\"headers\":{\"Authorization\":[\"[redacted]\"],\"n\":1}}");
	becomes("{\"token\": [ \"a\", \"b\" ,\"c\"], \"n\": [\"d\"]}", "{\"token\": [ \"[redacted]\"], \"n\": [\"d\"]}");
	becomes("{\\\"token\\\":[\\\"a\\\",\\\"b\\\"]}", "{\\\"token\\\":[\\\"[redacted]\\\"]}");
}

Test(redact, passwords_in_addresses)
{
	becomes("at postgres://ann:secret@db/x now", "at postgres://ann:[redacted]@db/x now");
	becomes("\"redis://:p@ss@h:1\"", "\"redis://:[redacted]@h:1\"");
	becomes("https://h:8080/a@b https://ann@h/ http://h/?q=a:b@c ://", "https://h:8080/a@b https://ann@h/ http://h/?q=a:b@c ://");
}

Test(redact, what_is_none)
{
	becomes("", "");
	becomes("the tokens: 5", "the tokens: 5");
	becomes("{\"max_tokens\":100,\"token\":5,\"password\":{\"type\":\"string\"}}",
	        "{\"max_tokens\":100,\"token\":5,\"password\":{\"type\":\"string\"}}");
	becomes("a secret: ", "a secret: ");
	becomes("password", "password");
	becomes("secretary: Bob", "secretary: Bob");
	becomes("PWD=/home/ann OLDPWD=/tmp", "PWD=/home/ann OLDPWD=/tmp");
	becomes("{\"token\":[1,2],\"secret\":[]}", "{\"token\":[1,2],\"secret\":[]}");
}

/* Pieces put together in any order. */
Test(redact, twice_is_once)
{
	static const char *const pieces[] = { "password", "token", "Authorization", "pwd", "Cookie", "\"", "\\\"", "'", ":", "=", " ", ",", "[", "]",
		                              "://", "@", "a", "/", "Bearer ", "sk-0123456789abcdef", "eyJ0123456789.abcdef", "\n", "[redacted]", "_" };
	uint64_t x = 1;
	char text[256];

	for (int round = 0; round < 50000; round++) {
		weft_str once, twice;
		size_t n = 0;

		for (int i = 0; i < 10; i++) {
			x = x * UINT64_C(6364136223846793005) + 1;
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", pieces[(x >> 33) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		once = weft__redact(&r, weft_str_from(text), arena);
		twice = weft__redact(&r, once, arena);
		cr_assert(weft_str_eq(twice, once), "%s -> %.*s -> %.*s", text, WEFT_STR_ARG(once), WEFT_STR_ARG(twice));
		weft_arena_reset(arena);
	}
}

static weft_str host_redacts(weft_str text, weft_arena *a, void *user)
{
	return weft_str_eq(text, WEFT_STR("mine")) ? weft_arena_dup(a, weft_str_from(user)) : text;
}

Test(redact, the_hosts_own_comes_last)
{
	char hidden[] = "hidden";

	r.host = host_redacts;
	r.host_user = hidden;
	becomes("mine", "hidden");
	becomes("yours", "yours");
	cr_assert_eq(r.found, 0);
	becomes("password=x", "password=[redacted]");
	cr_assert_eq(r.found, 1);
}
