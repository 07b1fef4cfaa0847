/* SPDX-License-Identifier: Apache-2.0 */
/* content: every kind of block as text, structured results, bounds, what is no result; forms and their defaults. */
#include "mcp_test.h"
#include "net/mcp/content.h"
#include "net/mcp/elicit.h"

static weft_arena *arena;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(content, .init = setup, .fini = teardown);

static int text_of(const char *json, size_t bytes_max, weft_str *text, bool *failed)
{
	weft_json_doc *doc = NULL;
	int r;

	cr_assert_eq(weft_json_parse(weft_str_from(json), &doc, NULL), 0, "%s", json);
	r = weft__mcp_content_text(weft_json_root(doc), bytes_max, arena, text, failed);
	weft_json_release(doc);
	return r;
}

static void expect_text(const char *json, const char *expected)
{
	bool failed = true;
	weft_str text = { 0 };

	cr_assert_eq(text_of(json, 1000, &text, &failed), 0);
	cr_assert_str_eq(text.ptr, expected);
	cr_assert_eq(text.len_bytes, strlen(expected));
	cr_assert_not(failed);
}

Test(content, blocks)
{
	expect_text("{\"content\":[]}", "");
	expect_text("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\\nc\"}]}", "a\nb\nc");
	expect_text("{\"content\":[{\"type\":\"image\",\"data\":\"AAAA\",\"mimeType\":\"image/png\"},"
	            "{\"type\":\"audio\",\"data\":\"AA==\"}]}",
	            "[image: image/png, 3 bytes]\n[audio: unknown type, 1 bytes]");
	expect_text("{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///a\",\"text\":\"words\"}},"
	            "{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///b\",\"blob\":\"AAA=\",\"mimeType\":\"x/y\"}}]}",
	            "[resource file:///a]\nwords\n[resource file:///b] [data: x/y, 2 bytes]");
	expect_text("{\"content\":[{\"type\":\"resource_link\",\"uri\":\"u:1\",\"name\":\"n\",\"description\":\"d\"},"
	            "{\"type\":\"dance\"},{}]}",
	            "[link u:1] n: d\n[dance]\n[something without a type]");
}

Test(content, structured_only_when_nothing_says_it_in_text)
{
	expect_text("{\"structuredContent\":{\"t\":21}}", "{\"t\":21}");
	expect_text("{\"content\":[],\"structuredContent\":{\"t\":21}}", "{\"t\":21}");
	expect_text("{\"content\":[{\"type\":\"text\",\"text\":\"21\"}],\"structuredContent\":{\"t\":21}}", "21");
	expect_text("{\"content\":[{\"type\":\"image\",\"data\":\"\"}],\"structuredContent\":{\"t\":21}}",
	            "[image: unknown type, 0 bytes]\n{\"t\":21}");
}

Test(content, failure_and_what_is_no_result)
{
	weft_str text = { 0 };
	bool failed = false;

	cr_assert_eq(text_of("{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true}", 100, &text, &failed), 0);
	cr_assert(failed);
	cr_assert_eq(text_of("{\"answer\":1}", 100, &text, &failed), -EBADMSG);
	cr_assert_eq(text_of("{\"content\":\"words\"}", 100, &text, &failed), -EBADMSG);
}

Test(content, bounded_between_characters)
{
	weft_str text = { 0 };
	bool failed;

	cr_assert_eq(text_of("{\"content\":[{\"type\":\"text\",\"text\":\"ab\xc3\xa4" "cd\"}]}", 3, &text, &failed), 0);
	cr_assert_str_eq(text.ptr, "ab\n[4 more bytes left out]");
	cr_assert_eq(text_of("{\"content\":[{\"type\":\"text\",\"text\":\"abc\"}]}", 3, &text, &failed), 0);
	cr_assert_str_eq(text.ptr, "abc");
	cr_assert_eq(text_of("{\"content\":[{\"type\":\"text\",\"text\":\"abc\"}]}", 0, &text, &failed), 0);
	cr_assert_str_eq(text.ptr, "\n[3 more bytes left out]");
}

static void form(const char *params, const char *answer, int status, const char *expected)
{
	weft_json_doc *p = NULL, *a = NULL;
	weft_json_writer *w = NULL;
	weft_str text;

	cr_assert_eq(weft_json_parse(weft_str_from(params), &p, NULL), 0);
	cr_assert_eq(weft_json_parse(weft_str_from(answer), &a, NULL), 0);
	cr_assert_eq(weft__mcp_elicit_check(weft_json_root(p), weft_json_root(a), NULL), status, "%s", answer);
	if (status == 0) {
		weft_json_writer_create(0, &w);
		weft__mcp_elicit_put(w, weft_json_root(p), weft_json_root(a));
		cr_assert_eq(weft_json_writer_text(w, &text), 0);
		cr_assert(same_json(text.ptr, expected), "%s", text.ptr);
		weft_json_writer_destroy(w);
	}
	weft_json_release(p);
	weft_json_release(a);
}

Test(content, forms_get_their_defaults)
{
	static const char params[] = "{\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\","
	                             "\"default\":\"Ann\"},\"age\":{\"type\":\"integer\",\"default\":30}},\"required\":[\"age\"]}}";

	form(params, "{\"action\":\"accept\"}", 0, "{\"action\":\"accept\",\"content\":{\"name\":\"Ann\",\"age\":30}}");
	form(params, "{\"action\":\"accept\",\"content\":{\"age\":4}}", 0,
	     "{\"action\":\"accept\",\"content\":{\"name\":\"Ann\",\"age\":4}}");
	form(params, "{\"action\":\"accept\",\"content\":{\"age\":\"four\"}}", WEFT_ESCHEMA, NULL);
	form(params, "{\"action\":\"decline\",\"content\":{\"age\":\"four\"}}", 0, "{\"action\":\"decline\"}");
	form(params, "{\"action\":\"dance\"}", WEFT_ESCHEMA, NULL);
	form(params, "{}", WEFT_ESCHEMA, NULL);
	form("{}", "{\"action\":\"accept\",\"content\":{\"a\":1}}", 0, "{\"action\":\"accept\",\"content\":{\"a\":1}}");
}
