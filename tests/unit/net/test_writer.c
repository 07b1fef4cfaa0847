/* SPDX-License-Identifier: Apache-2.0 */
/* writer: what it writes, escapes, numbers, indentation, misuse, memory. */
#include <math.h>

#include "json_test.h"
#include "net/json/json.h"
#include "tests/support/looking_alloc.h"

static weft_json_writer *w;

static void setup(void)
{
	cr_assert_eq(weft_json_writer_create(0, &w), 0);
}

static void teardown(void)
{
	weft_json_writer_destroy(w);
}

static void wrote(const char *expected)
{
	weft_str text = { 0 };

	cr_assert_eq(weft_json_writer_text(w, &text), 0, "%s", expected);
	cr_assert_str_eq(text.ptr, expected);
	cr_assert_eq(text.len_bytes, strlen(expected));
	weft_json_writer_reset(w);
}

static void refused(void)
{
	weft_str text = { 0 };

	cr_assert_eq(weft_json_writer_text(w, &text), -EINVAL);
	cr_assert_null(text.ptr);
	weft_json_writer_reset(w);
}

TestSuite(writer, .init = setup, .fini = teardown);

static void put_everything(void)
{
	weft_json_begin_object(w);
	weft_json_key(w, str("a"));
	weft_json_begin_array(w);
	weft_json_put_int(w, -1);
	weft_json_put_null(w);
	weft_json_put_bool(w, true);
	weft_json_end_array(w);
	weft_json_key(w, str("e"));
	weft_json_begin_object(w);
	weft_json_end_object(w);
	weft_json_key(w, str("f"));
	weft_json_begin_array(w);
	weft_json_end_array(w);
	weft_json_key(w, str("r"));
	weft_json_put_raw(w, str("{\"x\":1}"));
	weft_json_end_object(w);
}

Test(writer, compact)
{
	put_everything();
	wrote("{\"a\":[-1,null,true],\"e\":{},\"f\":[],\"r\":{\"x\":1}}");
}

Test(writer, indented)
{
	weft_json_writer_destroy(w);
	cr_assert_eq(weft_json_writer_create(2, &w), 0);
	put_everything();
	wrote("{\n  \"a\": [\n    -1,\n    null,\n    true\n  ],\n  \"e\": {},\n  \"f\": [],\n  \"r\": {\"x\":1}\n}");
}

Test(writer, strings__are_escaped)
{
	weft_json_put_str(w, WEFT_STR("\"\\/\b\f\n\r\t\x01\x1f\x7f\0 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	wrote("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	weft_json_put_str(w, (weft_str){ NULL, 0 });
	wrote("\"\"");
}

Test(writer, strings__that_are_not_utf8_get_replacements)
{
	weft_json_put_str(w, WEFT_STR("a\xff" "b\xc0\xaf" "c\xed\xa0\x80" "d\xe2\x82"));
	wrote("\"a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd" "c\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	      "d\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Every byte at every place of a word: the eight-at-a-time path against the plain rule. */
Test(writer, strings__every_byte_at_every_offset)
{
	char raw[24];

	for (unsigned byte = 1; byte < 0x80; byte++) {
		for (size_t at = 0; at < sizeof(raw); at++) {
			weft_json_doc *doc;
			weft_str text, back;

			memset(raw, '~', sizeof(raw));
			raw[at] = (char)byte;
			weft_json_writer_reset(w);
			weft_json_put_str(w, (weft_str){ raw, sizeof(raw) });
			cr_assert_eq(weft_json_writer_text(w, &text), 0);
			cr_assert_eq(weft_json_parse(text, &doc, NULL), 0, "byte %u at %zu", byte, at);
			cr_assert(weft_json_get_str(weft_json_root(doc), &back));
			cr_assert(weft_str_eq(back, (weft_str){ raw, sizeof(raw) }));
			weft_json_release(doc);
		}
	}
}

Test(writer, integers)
{
	weft_json_begin_array(w);
	weft_json_put_int(w, INT64_MIN);
	weft_json_put_int(w, INT64_MAX);
	weft_json_put_int(w, 0);
	weft_json_put_uint(w, UINT64_MAX);
	weft_json_end_array(w);
	wrote("[-9223372036854775808,9223372036854775807,0,18446744073709551615]");
}

Test(writer, doubles__are_short_and_stay_doubles)
{
	weft_json_begin_array(w);
	weft_json_put_double(w, 0.1);
	weft_json_put_double(w, 5);
	weft_json_put_double(w, -0.0);
	weft_json_put_double(w, 1e22);
	weft_json_put_double(w, 5e-324);
	weft_json_put_double(w, NAN);
	weft_json_put_double(w, -INFINITY);
	weft_json_end_array(w);
	wrote("[0.1,5.0,-0.0,1e+22,5e-324,null,null]");
}

Test(writer, doubles__read_back_the_same)
{
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		weft_json_doc *doc;
		weft_str text;
		double d, back = 0;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		memcpy(&d, &seed, sizeof(d));
		if (!isfinite(d))
			continue;
		weft_json_writer_reset(w);
		weft_json_put_double(w, d);
		cr_assert_eq(weft_json_writer_text(w, &text), 0);
		cr_assert_eq(weft_json_parse(text, &doc, NULL), 0, "%s", text.ptr);
		cr_assert(weft_json_get_double(weft_json_root(doc), &back));
		cr_assert(memcmp(&d, &back, sizeof(d)) == 0, "%s", text.ptr);
		weft_json_release(doc);
	}
}

Test(writer, put_value__copies_exactly)
{
	static const char text[] = "{\"a\":[1,2.5,18446744073709551615,-0.0,true,false,null,\"x\\n\"],\"b\":{\"c\":{}}}";
	weft_json_doc *doc = doc_of(text);

	weft_json_put_value(w, weft_json_root(doc));
	weft_json_release(doc);
	wrote(text);
	weft_json_put_value(w, (weft_json){ 0 });
	wrote("null");
}

Test(writer, misuse__sticks_until_reset)
{
	refused(); /* nothing */
	weft_json_begin_object(w);
	refused(); /* open */
	weft_json_begin_object(w);
	weft_json_end_array(w);
	refused();
	weft_json_end_object(w);
	refused();
	weft_json_begin_object(w);
	weft_json_put_null(w); /* no key */
	weft_json_end_object(w);
	refused();
	weft_json_begin_array(w);
	weft_json_key(w, str("k"));
	weft_json_end_array(w);
	refused();
	weft_json_begin_object(w);
	weft_json_key(w, str("k"));
	weft_json_end_object(w); /* no value */
	refused();
	weft_json_begin_object(w);
	weft_json_key(w, str("k"));
	weft_json_key(w, str("l"));
	refused();
	weft_json_put_null(w);
	weft_json_put_null(w); /* two values */
	refused();
	weft_json_key(w, str("k"));
	refused();
	weft_json_put_raw(w, (weft_str){ 0 });
	refused();
	weft_json_put_int(w, 1);
	wrote("1");
}

Test(writer, depth__is_bounded)
{
	for (int i = 0; i < 128; i++)
		weft_json_begin_array(w);
	for (int i = 0; i < 128; i++)
		weft_json_end_array(w);
	weft_str text;
	cr_assert_eq(weft_json_writer_text(w, &text), 0);
	cr_assert_eq(text.len_bytes, 256);
	weft_json_writer_reset(w);
	for (int i = 0; i < 129; i++)
		weft_json_begin_array(w);
	for (int i = 0; i < 129; i++)
		weft_json_end_array(w);
	refused();
}

Test(writer_memory, out_of_memory__sticks)
{
	weft_json_writer *writer = NULL;
	weft_str text = { 0 };

	allocator_replace();
	allocations_left = 0;
	cr_assert_eq(weft_json_writer_create(0, &writer), -ENOMEM);
	cr_assert_eq(weft_json_writer_create(0, NULL), -EINVAL);
	allocations_left = 2; /* the writer, its first buffer */
	cr_assert_eq(weft_json_writer_create(0, &writer), 0);
	weft_json_begin_array(writer);
	for (int i = 0; i < 100; i++)
		weft_json_put_str(writer, str("a \n\x01 string"));
	allocations_left = -1;
	weft_json_end_array(writer);
	cr_assert_eq(weft_json_writer_text(writer, &text), -ENOMEM);
	weft_json_writer_reset(writer);
	weft_json_put_null(writer);
	cr_assert_eq(weft_json_writer_text(writer, &text), 0);
	cr_assert_str_eq(text.ptr, "null");
	weft_json_writer_destroy(writer);
	weft_json_writer_destroy(NULL);
}

Test(writer_secret, destroy__leaves_nothing)
{
	weft_json_writer *secret;
	char text[300];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	look_for("SECRET");
	cr_assert_eq(weft_json_writer_create(0, &secret), 0);
	weft__json_writer_is_secret(secret);
	weft_json_begin_array(secret);
	for (int i = 0; i < 20; i++) {
		weft_json_put_str(secret, WEFT_STR("SECRET"));
		weft_json_put_str(secret, weft_str_from(text)); /* it grows */
	}
	weft_json_end_array(secret);
	weft_json_writer_reset(secret);
	weft_json_writer_destroy(secret);
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
}
