/* SPDX-License-Identifier: Apache-2.0 */
/* documents: what is accepted and refused and why, pooling, threads, running out of memory. */
#include <pthread.h>

#include "json_test.h"
#include "net/json/json.h"

static void refused(const char *text, size_t len, uint32_t line, uint32_t column, const char *reason)
{
	weft_json_doc *doc = NULL;
	weft_error err = { 0 };

	cr_expect_eq(weft_json_parse((weft_str){ text, len }, &doc, &err), WEFT_EPARSE, "%s", text);
	cr_expect_null(doc);
	cr_expect_eq(err.code, WEFT_EPARSE);
	cr_expect_eq(err.line, line, "%s: line %u", text, err.line);
	cr_expect_eq(err.column, column, "%s: column %u", text, err.column);
	cr_expect(strstr(err.message, reason), "%s: %s", text, err.message);
}

#define REFUSED(text, line, column, reason) refused(text, sizeof(text) - 1, line, column, reason)

Test(doc, parse__refuses_what_is_not_json_and_says_where)
{
	REFUSED("", 1, 1, "ends too early");
	REFUSED(" \n ", 2, 2, "ends too early");
	REFUSED("{\n  \"a\": 1,\n}", 3, 1, "expected a string");
	REFUSED("{\"a\" 1}", 1, 6, "expected ':'");
	REFUSED("{\"a\":1 \"b\":2}", 1, 8, "expected ',' or '}'");
	REFUSED("{a:1}", 1, 2, "expected a string");
	REFUSED("[1,]", 1, 4, "expected a value");
	REFUSED("[1 2]", 1, 4, "expected ',' or ']'");
	REFUSED("[1", 1, 3, "ends too early");
	REFUSED("nul", 1, 1, "expected a value");
	REFUSED("1 2", 1, 3, "behind the end");
	REFUSED("'a'", 1, 1, "expected a value");
	REFUSED("[\0]", 1, 2, "expected a value");
	REFUSED("// a\n1", 1, 1, "expected a value");
	REFUSED("\xef\xbb\xbf{}", 1, 1, "byte order mark");
}

Test(doc, parse__refuses_bad_numbers)
{
	REFUSED("01", 1, 2, "behind the end");
	REFUSED("-", 1, 2, "expected a digit");
	REFUSED("1.", 1, 3, "expected a digit");
	REFUSED(".5", 1, 1, "expected a value");
	REFUSED("1e", 1, 3, "expected a digit");
	REFUSED("+1", 1, 1, "expected a value");
	REFUSED("NaN", 1, 1, "expected a value");
	REFUSED("18446744073709551616", 1, 1, "does not fit 64 bits");
	REFUSED("[-9223372036854775809]", 1, 2, "does not fit 64 bits");
	REFUSED("[1, 1e309]", 1, 5, "too large");
	REFUSED("-1E+999", 1, 1, "too large");
}

Test(doc, parse__refuses_bad_strings)
{
	REFUSED("\"abc", 1, 5, "ends inside a string");
	REFUSED("\"a\tb\"", 1, 3, "control character");
	REFUSED("\"\\x\"", 1, 2, "unknown escape");
	REFUSED("\"\\u12g4\"", 1, 2, "four hexadecimal digits");
	REFUSED("\"\\ud800\"", 1, 2, "surrogate");
	REFUSED("\"a\\udc00\"", 1, 3, "surrogate");
	REFUSED("\"\\ud800\\u0041\"", 1, 2, "surrogate");
	REFUSED("\"\xff\"", 1, 2, "UTF-8");
	REFUSED("\"\xc0\xaf\"", 1, 2, "UTF-8");         /* overlong */
	REFUSED("\"\xed\xa0\x80\"", 1, 2, "UTF-8");     /* a surrogate */
	REFUSED("\"\xf4\x90\x80\x80\"", 1, 2, "UTF-8"); /* beyond U+10FFFF */
	REFUSED("\"\xe2\x82\"", 1, 2, "UTF-8");         /* cut */
}

static size_t nested(char *buf, int depth)
{
	memset(buf, '[', (size_t)depth);
	buf[depth] = '1';
	memset(buf + depth + 1, ']', (size_t)depth);
	return 2 * (size_t)depth + 1;
}

Test(doc, parse__takes_64_levels_and_no_more)
{
	char buf[256];
	weft_json_doc *doc;

	cr_assert_eq(weft_json_parse((weft_str){ buf, nested(buf, 64) }, &doc, NULL), 0);
	weft_json_release(doc);
	refused(buf, nested(buf, 65), 1, 65, "nested more than 64 deep");
	refused(buf, nested(buf, 120), 1, 65, "nested more than 64 deep");
}

Test(doc, parse__checks_its_arguments)
{
	weft_json_doc *doc;

	cr_assert_eq(weft_json_parse(str("1"), NULL, NULL), -EINVAL);
	cr_assert_eq(weft_json_parse((weft_str){ NULL, 3 }, &doc, NULL), -EINVAL);
	cr_assert_eq(weft_json_parse((weft_str){ NULL, 0 }, &doc, NULL), WEFT_EPARSE);
	weft_json_release(NULL);
	cr_assert_null(weft_json_root(NULL).doc);
	cr_assert_eq(weft_json_text(NULL).len_bytes, 0);
}

Test(doc, text__is_a_copy)
{
	char text[] = "[ 1, 2 ]";
	weft_json_doc *doc = doc_of(text);

	memset(text, 'x', sizeof(text) - 1);
	cr_assert(weft_str_eq(weft_json_text(doc), WEFT_STR("[ 1, 2 ]")));
	cr_assert_eq(weft_json_count(weft_json_root(doc)), 2);
	weft_json_release(doc);
}

Test(doc, release__keeps_documents_for_the_next_parse)
{
	weft_json_doc *doc = doc_of("{\"a\":1}"), *again;

	weft_json_release(doc);
	again = doc_of("[1,2,3]");
	cr_assert_eq(again, doc);
	cr_assert_eq(weft_json_count(weft_json_root(again)), 3);
	weft_json_release(again);
}

Test(doc, parse__allocates_nothing_once_warm)
{
	weft_json_doc *doc;

	allocator_replace();
	weft_json_release(doc_of("[]"));
	allocations_left = 0;
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(weft_json_parse(str("{\"operation\":\"add\",\"a\":5,\"b\":3}"), &doc, NULL), 0);
		weft_json_release(doc);
	}
	allocations_left = -1;
}

Test(doc, many_at_once__are_independent_and_the_pool_is_bounded)
{
	enum { COUNT = 100 };
	weft_json_doc *docs[COUNT];
	char text[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < COUNT; i++) {
			snprintf(text, sizeof(text), "[%d]", i);
			docs[i] = doc_of(text);
		}
		for (int i = 0; i < COUNT; i++) {
			weft_json_iter it = weft_json_iter_begin(weft_json_root(docs[i]));
			int64_t n = -1;

			cr_assert(weft_json_iter_next(&it) && weft_json_get_int(it.value, &n));
			cr_assert_eq(n, i);
			weft_json_release(docs[i]);
		}
	}
}

Test(doc, sizes__around_every_block_and_after_a_large_one)
{
	char text[5000];
	weft_json_doc *doc;
	weft_str s;

	for (size_t n = sizeof(text); n >= 2; n -= n > 300 ? 61 : 1) {
		memset(text, 'a', n);
		text[0] = text[n - 1] = '"';
		cr_assert_eq(weft_json_parse((weft_str){ text, n }, &doc, NULL), 0, "%zu bytes", n);
		cr_assert(weft_json_get_str(weft_json_root(doc), &s));
		cr_assert_eq(s.len_bytes, n - 2);
		cr_assert_eq(s.ptr[s.len_bytes], '\0');
		weft_json_release(doc);
	}
}

Test(doc, out_of_memory__is_told_and_nothing_is_lost)
{
	static char text[3000] = "\"";
	weft_json_doc *doc = NULL;
	weft_error err = { 0 };
	int r = -ENOMEM;

	allocator_replace();
	memset(text + 1, 'a', sizeof(text) - 2);
	text[sizeof(text) - 1] = '"';
	for (long n = 0; r == -ENOMEM; n++) {
		allocations_left = n;
		r = weft_json_parse((weft_str){ text, sizeof(text) }, &doc, &err);
		cr_assert(r == 0 || r == -ENOMEM);
		cr_assert(r == 0 || doc == NULL);
		cr_assert_lt(n, 20);
	}
	allocations_left = -1;
	weft_json_release(doc);
}

static void *release_there(void *doc)
{
	weft_json_release(doc);
	weft_json_release(doc_of("[1]"));
	return NULL;
}

/* Its text and its strings; the pool keeps it, so the test may look. */
Test(doc, release__of_a_secret_one_leaves_nothing)
{
	static const char text[] = "{\"SECRET-name\": [\"a SECRET value\", \"SECRET\\u002d\\u002d\"]}";
	weft_json_doc *doc = NULL, *next;
	const uint8_t *strings;

	cr_assert_eq(weft__json_parse_secret(weft_str_from(text), NULL, &doc, NULL), 0);
	strings = doc->strings;
	cr_assert_not_null(memmem(strings, sizeof(text), "a SECRET", 8));
	weft_json_release(doc);
	cr_expect_null(memmem(doc->text, doc->cap_bytes, "SECRET", 6));
	cr_expect_null(memmem(strings, sizeof(text), "SECRET", 6));
	next = doc_of("[1]");
	cr_expect_eq(next, doc);
	cr_expect(!next->secret);
	weft_json_release(next);
	cr_assert_eq(weft__json_parse_secret(WEFT_STR("[\"SECRET\", oh]"), NULL, &doc, NULL), WEFT_EPARSE);
	cr_expect_null(memmem(next->text, next->cap_bytes, "SECRET", 6), "one that is no JSON, too");
}

Test(doc, release__on_another_thread)
{
	for (int i = 0; i < 20; i++) {
		weft_json_doc *doc = doc_of("{\"a\":[1,2,{\"b\":null}]}");
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, release_there, doc), 0);
		pthread_join(thread, NULL);
	}
}

static void *parse_there(void *user)
{
	char text[64];

	for (int i = 0; i < 500; i++) {
		int64_t n = -1;
		weft_json_doc *doc;

		snprintf(text, sizeof(text), "{\"who\":%d,\"i\":%d}", *(int *)user, i);
		doc = doc_of(text);
		cr_assert(weft_json_get_int(weft_json_find(weft_json_root(doc), WEFT_STR("i")), &n));
		cr_assert_eq(n, i);
		weft_json_release(doc);
	}
	return NULL;
}

Test(doc, parse__on_many_threads)
{
	pthread_t threads[4];
	int who[4];

	for (int i = 0; i < 4; i++) {
		who[i] = i;
		cr_assert_eq(pthread_create(&threads[i], NULL, parse_there, &who[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
