/* SPDX-License-Identifier: Apache-2.0 */
/* values: types, getters that leave their result alone, members, walks. */
#include "json_test.h"

static weft_json_doc *doc;

static weft_json at(const char *key)
{
	return weft_json_find(weft_json_root(doc), weft_str_from(key));
}

static void teardown(void)
{
	weft_json_release(doc);
	doc = NULL;
}

TestSuite(value, .fini = teardown);

Test(value, typeof__names_each)
{
	weft_json none = { 0 };

	doc = doc_of("{\"n\":null,\"t\":true,\"f\":false,\"i\":-1,\"u\":18446744073709551615,\"d\":1.5,\"s\":\"x\",\"a\":[],\"o\":{}}");
	cr_expect_eq(weft_json_typeof(weft_json_root(doc)), WEFT_JSON_OBJECT);
	cr_expect_eq(weft_json_typeof(at("n")), WEFT_JSON_NULL);
	cr_expect_eq(weft_json_typeof(at("t")), WEFT_JSON_BOOL);
	cr_expect_eq(weft_json_typeof(at("f")), WEFT_JSON_BOOL);
	cr_expect_eq(weft_json_typeof(at("i")), WEFT_JSON_INT);
	cr_expect_eq(weft_json_typeof(at("u")), WEFT_JSON_DOUBLE);
	cr_expect_eq(weft_json_typeof(at("d")), WEFT_JSON_DOUBLE);
	cr_expect_eq(weft_json_typeof(at("s")), WEFT_JSON_STRING);
	cr_expect_eq(weft_json_typeof(at("a")), WEFT_JSON_ARRAY);
	cr_expect_eq(weft_json_typeof(at("o")), WEFT_JSON_OBJECT);
	cr_expect_eq(weft_json_typeof(at("missing")), WEFT_JSON_NONE);
	cr_expect_eq(weft_json_typeof(none), WEFT_JSON_NONE);
}

Test(value, getters__take_their_type_only)
{
	int64_t i = 77;
	double d = 77;
	bool b = true;
	weft_str s = WEFT_STR("untouched");

	doc = doc_of("{\"i\":5,\"u\":9223372036854775808,\"d\":1.5,\"s\":\"x\",\"f\":false}");
	cr_expect_not(weft_json_get_int(at("d"), &i));
	cr_expect_not(weft_json_get_int(at("u"), &i));
	cr_expect_not(weft_json_get_int(at("s"), &i));
	cr_expect_not(weft_json_get_int(at("missing"), &i));
	cr_expect_not(weft_json_get_double(at("s"), &d));
	cr_expect_not(weft_json_get_bool(at("i"), &b));
	cr_expect_not(weft_json_get_str(at("i"), &s));
	cr_expect(i == 77 && d == 77 && b && weft_str_eq(s, WEFT_STR("untouched")));
	cr_expect(weft_json_get_int(at("i"), &i) && i == 5);
	cr_expect(weft_json_get_double(at("i"), &d) && d == 5);
	cr_expect(weft_json_get_double(at("d"), &d) && d == 1.5);
	cr_expect(weft_json_get_double(at("u"), &d) && d == 0x1p63);
	cr_expect(weft_json_get_bool(at("f"), &b) && !b);
	cr_expect(weft_json_get_str(at("s"), &s) && weft_str_eq(s, WEFT_STR("x")));
}

Test(value, numbers__at_the_edges)
{
	int64_t i = 0;
	double d = 0;

	doc = doc_of("{\"min\":-9223372036854775808,\"max\":9223372036854775807,\"zero\":-0,\"tiny\":1e-999,\"big\":1.7976931348623157e308}");
	cr_expect(weft_json_get_int(at("min"), &i) && i == INT64_MIN);
	cr_expect(weft_json_get_int(at("max"), &i) && i == INT64_MAX);
	cr_expect(weft_json_get_int(at("zero"), &i) && i == 0);
	cr_expect(weft_json_get_double(at("tiny"), &d) && d == 0);
	cr_expect(weft_json_get_double(at("big"), &d) && d == 1.7976931348623157e308);
}

Test(value, strings__are_decoded_and_ended)
{
	weft_str s = { 0 };

	doc = doc_of("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000z\"]");
	weft_json_iter it = weft_json_iter_begin(weft_json_root(doc));
	cr_assert(weft_json_iter_next(&it) && weft_json_get_str(it.value, &s));
	cr_assert(weft_str_eq(s, WEFT_STR("\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0z")));
	cr_assert_eq(s.ptr[s.len_bytes], '\0');
}

Test(value, find__compares_keys_of_every_length)
{
	char key[40] = "", text[64];

	for (size_t n = 0; n < sizeof(key) - 1; n++) {
		weft_json root;
		int64_t i = 0;

		memset(key, 'k', n);
		snprintf(text, sizeof(text), "{\"x\":0,\"%s\":1,\"\":2}", key);
		doc = doc_of(text);
		root = weft_json_root(doc);
		cr_assert(weft_json_get_int(weft_json_find(root, weft_str_from(key)), &i) && i == 1);
		if (n) {
			key[n - 1] = 'x';
			cr_assert(n == 1 || !weft_json_find(root, weft_str_from(key)).doc);
			key[n - 1] = 'k';
			key[0] = 'x';
			cr_assert(n == 1 || !weft_json_find(root, weft_str_from(key)).doc);
			key[0] = 'k';
			cr_assert_null(weft_json_find(root, (weft_str){ "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", n + 1 }).doc);
		}
		weft_json_release(doc);
	}
	doc = NULL;
}

Test(value, find__skips_nested_values_and_takes_the_first_of_two)
{
	int64_t i = 0;

	doc = doc_of("{\"a\":{\"b\":1,\"c\":[{\"b\":2}]},\"d\":[[],{}],\"u\":1.5,\"b\":3,\"b\":4}");
	cr_assert(weft_json_get_int(at("b"), &i) && i == 3);
	cr_assert_null(at("c").doc);
	cr_assert_null(weft_json_find(at("d"), WEFT_STR("b")).doc);
	cr_assert_null(weft_json_find((weft_json){ 0 }, WEFT_STR("b")).doc);
	cr_assert_eq(weft_json_count(weft_json_root(doc)), 5);
}

Test(value, iter__walks_arrays_and_objects_in_order)
{
	int64_t i = 0, sum = 0;
	weft_json_iter it;
	char keys[8] = "";

	doc = doc_of("{\"a\":[1,[100,200],2,{\"x\":300},3],\"b\":2.5,\"c\":\"s\",\"d\":{}}");
	for (it = weft_json_iter_begin(weft_json_root(doc)); weft_json_iter_next(&it);)
		strncat(keys, it.key.ptr, it.key.len_bytes);
	cr_assert_str_eq(keys, "abcd");
	for (it = weft_json_iter_begin(at("a")); weft_json_iter_next(&it);) {
		cr_assert_eq(it.key.len_bytes, 0);
		if (weft_json_get_int(it.value, &i))
			sum = sum * 10 + i;
	}
	cr_assert_eq(sum, 123);
	cr_assert_not(weft_json_iter_next(&it)); /* stays at its end */
	it = weft_json_iter_begin(at("c"));
	cr_assert_not(weft_json_iter_next(&it));
	it = weft_json_iter_begin(at("d"));
	cr_assert_not(weft_json_iter_next(&it));
	it = weft_json_iter_begin((weft_json){ 0 });
	cr_assert_not(weft_json_iter_next(&it));
	cr_assert_eq(weft_json_count(at("a")), 5);
	cr_assert_eq(weft_json_count(at("c")), 0);
}
