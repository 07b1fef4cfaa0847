/* SPDX-License-Identifier: Apache-2.0 */
/* secret: the encodings against the examples of RFC 4648, forms, growing, bounds, comparing. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/oauth/secret.h"

static void expect(struct weft__secret *s, const char *text)
{
	cr_assert(!s->failed);
	cr_assert_str_eq(s->at, text);
	cr_assert_eq(s->len, strlen(text));
	weft__secret_fini(s);
}

Test(secret, base64__examples_of_rfc_4648)
{
	static const char *const plain[] = { "f", "fo", "foo", "foob", "fooba", "foobar" };
	static const char *const padded[] = { "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	static const char *const bare[] = { "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy" };
	struct weft__secret s = { 0 };

	for (size_t i = 0; i < 6; i++) {
		weft__secret_put_base64(&s, plain[i], strlen(plain[i]));
		expect(&s, padded[i]);
		weft__secret_put_base64url(&s, plain[i], strlen(plain[i]));
		expect(&s, bare[i]);
	}
	weft__secret_put_base64url(&s, "\xfb\xff\xbf", 3);
	expect(&s, "-_-_");
	weft__secret_put_base64(&s, "\xfb\xff\xbf", 3);
	expect(&s, "+/+/");
}

Test(secret, put_pair__encodes_and_leaves_out_what_is_empty)
{
	struct weft__secret s = { 0 };

	weft__secret_put_pair(&s, '?', WEFT_STR("a"), WEFT_STR("x y&z=\xc3\xa9~-._"));
	weft__secret_put_pair(&s, '&', WEFT_STR("none"), WEFT_STR(""));
	weft__secret_put_pair(&s, '&', WEFT_STR("b"), WEFT_STR("https://h/p?q"));
	expect(&s, "?a=x%20y%26z%3D%C3%A9~-._&b=https%3A%2F%2Fh%2Fp%3Fq");
}

Test(secret, put__grows_and_stops_at_the_bound)
{
	struct weft__secret s = { 0 };
	char piece[1000];

	memset(piece, 'x', sizeof(piece));
	for (size_t n = 0; n + sizeof(piece) <= WEFT__SECRET_BYTES_MAX; n += sizeof(piece))
		weft__secret_put(&s, (weft_str){ piece, sizeof(piece) });
	cr_assert(!s.failed);
	cr_assert_eq(s.len, WEFT__SECRET_BYTES_MAX / sizeof(piece) * sizeof(piece));
	cr_assert_eq(s.at[s.len], '\0');
	weft__secret_put(&s, (weft_str){ piece, sizeof(piece) });
	cr_assert(s.failed);
	weft__secret_fini(&s);
	cr_assert_null(s.at);
	cr_assert(!s.failed);
}

Test(secret, eq__tells_apart)
{
	cr_assert(weft__secret_eq(WEFT_STR(""), (weft_str){ 0 }));
	cr_assert(weft__secret_eq(WEFT_STR("abc"), WEFT_STR("abc")));
	cr_assert(!weft__secret_eq(WEFT_STR("abc"), WEFT_STR("abd")));
	cr_assert(!weft__secret_eq(WEFT_STR("abc"), WEFT_STR("Abc")));
	cr_assert(!weft__secret_eq(WEFT_STR("abc"), WEFT_STR("ab")));
	cr_assert(!weft__secret_eq(WEFT_STR("a\x80"), WEFT_STR("a\x00")));
}
