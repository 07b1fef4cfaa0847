/* SPDX-License-Identifier: Apache-2.0 */
/* canonical hash: equal for all spellings of a value, different for different values. */
#include "json_test.h"

static weft_hash128 hash_of(const char *text)
{
	weft_json_doc *doc = doc_of(text);
	weft_hash128 h = weft_json_canonical_hash(weft_json_root(doc));

	weft_json_release(doc);
	return h;
}

static bool same(const char *a, const char *b)
{
	weft_hash128 x = hash_of(a), y = hash_of(b);

	return x.lo == y.lo && x.hi == y.hi;
}

Test(canonical, order_and_space_do_not_count)
{
	cr_assert(same("{\"a\":1,\"b\":[1,2]}", " {\n\"b\" : [ 1 , 2 ] , \"a\" : 1 } "));
	cr_assert(same("{\"x\":{\"b\":1,\"a\":2},\"aa\":3}", "{\"aa\":3,\"x\":{\"a\":2,\"b\":1}}"));
	cr_assert(same("\"\\u0041\\/\"", "\"A/\""));
}

Test(canonical, numbers_by_value)
{
	cr_assert(same("1", "1.0"));
	cr_assert(same("1", "1e0"));
	cr_assert(same("100", "1E2"));
	cr_assert(same("0", "-0"));
	cr_assert(same("0", "-0.0"));
	cr_assert(same("0.1", "1e-1"));
	cr_assert(same("9223372036854775808", "9223372036854775808.0"));
	cr_assert(same("-9223372036854775808", "-9223372036854775808.0"));
	cr_assert_not(same("1", "-1"));
	cr_assert_not(same("1", "1.5"));
	cr_assert_not(same("18446744073709551615", "18446744073709551614"));
	cr_assert_not(same("9007199254740993", "9007199254740992"));
	cr_assert_not(same("18446744073709551615", "-1"));
	cr_assert_not(same("1e300", "1e301"));
}

Test(canonical, different_values_differ)
{
	static const char *const all[] = { "null", "true", "false", "0", "1", "\"\"", "\"1\"", "[]", "{}", "[[]]", "[{}]",
		                           "[1]", "[1,2]", "[2,1]", "[[1],2]", "[[1,2]]", "[\"ab\"]", "[\"a\",\"b\"]",
		                           "{\"a\":1}", "{\"a\":2}", "{\"b\":1}", "{\"a\":{}}", "{\"a\":[]}", "[\"a\",1]",
		                           "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", "{\"\":null}", "[{},null]", "[{\"\":null}]" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t j = 0; j < sizeof(all) / sizeof(all[0]); j++)
			cr_expect_eq(same(all[i], all[j]), i == j, "%s and %s", all[i], all[j]);
	}
}

Test(canonical, a_key_given_twice_counts_once)
{
	cr_assert(same("{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":1}"));
	cr_assert_not(same("{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}"));
}

/* An object of n members, forwards or backwards. */
static char *object_text(int n, bool backwards)
{
	char *text = malloc((size_t)n * 64 + 8), *to = text;

	*to++ = '{';
	for (int i = 0; i < n; i++) {
		int k = backwards ? n - 1 - i : i;

		to += sprintf(to, "%s\"key%d\":{\"v\":%d,\"some longer text\":null}", i ? "," : "", k * 7919 % 1000, k * 7919 % 1000);
	}
	strcpy(to, "}");
	return text;
}

Test(canonical, objects_of_any_size)
{
	for (int n = 1; n <= 300; n = n * 3 / 2 + 1) {
		char *a = object_text(n, false), *b = object_text(n, true);

		cr_assert(same(a, b), "%d members", n);
		free(a);
		free(b);
	}
}

Test(canonical, does_not_need_memory)
{
	char *text = object_text(100, true);
	weft_json_doc *doc;
	weft_hash128 with, without;

	allocator_replace();
	doc = doc_of(text);
	with = weft_json_canonical_hash(weft_json_root(doc));
	allocations_left = 0;
	without = weft_json_canonical_hash(weft_json_root(doc));
	allocations_left = -1;
	cr_assert(with.lo == without.lo && with.hi == without.hi);
	weft_json_release(doc);
	free(text);
}

Test(canonical, long_strings)
{
	static char a[3000], b[3000];

	for (size_t n = 1; n < 2900; n += n < 600 ? 7 : 331) {
		memset(a, 'a', n + 1);
		a[0] = a[n + 1] = '"';
		a[n + 2] = '\0';
		memcpy(b, a, n + 3);
		cr_assert(same(a, b), "%zu", n);
		b[n] = 'b';
		cr_assert_not(same(a, b), "%zu", n);
	}
}

Test(canonical, a_part_hashes_as_itself)
{
	weft_json_doc *doc = doc_of("{\"x\":[1,{\"a\":2}]}");
	weft_hash128 part = weft_json_canonical_hash(weft_json_find(weft_json_root(doc), WEFT_STR("x")));
	weft_hash128 whole = hash_of("[1.0,{\"a\":2}]");

	cr_assert(part.lo == whole.lo && part.hi == whole.hi);
	(void)weft_json_canonical_hash((weft_json){ 0 });
	weft_json_release(doc);
}
