/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c: a key given twice is found wherever it stands and however it is spelled, and nothing else is. */
#include "json_test.h"
#include "net/json/json.h"
#include "tests/support/seed.h"

static int check(const char *text, weft_error *err)
{
	weft_json_doc *doc = doc_of(text);
	int r = weft_json_check_keys(weft_json_root(doc), err);

	weft_json_release(doc);
	return r;
}

Test(keys, given_once_are_fine)
{
	static const char *const once[] = {
		"{}", "[]", "7", "null", "\"a\"", "{\"a\":1,\"b\":2}", "{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":1}]",
		"{\"a\":\"a\",\"b\":\"a\"}", "{\"\":1,\"\\u0000\":2,\"\\u0000\\u0000\":3}", "{\"ab\":1,\"ba\":2,\"aB\":3}",
		"{\"a\":9007199254740993,\"b\":1.5,\"c\":18446744073709551615}",
	};

	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		cr_expect_eq(check(once[i], NULL), 0, "%s", once[i]);
	cr_expect_eq(weft_json_check_keys((weft_json){ 0 }, NULL), 0);
}

Test(keys, given_twice_are_named)
{
	static const char *const twice[] = {
		"{\"path\":1,\"path\":2}", "{\"path\":1,\"b\":{\"x\":[1,2]},\"path\":2}", "{\"path\":1,\"\\u0070ath\":1}",
		"[1.5,[{\"a\":{\"path\":1,\"x\":18446744073709551615,\"path\":2}}]]", "{\"a\":[{\"a\":1},{\"path\":1,\"path\":1}]}",
	};
	weft_error err;

	for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++) {
		cr_expect_eq(check(twice[i], &err), WEFT_EPARSE, "%s", twice[i]);
		cr_expect_not_null(strstr(err.message, "the key 'path' is given twice"), "%s", err.message);
	}
	cr_expect_eq(check("{\"\":1,\"\":2}", NULL), WEFT_EPARSE);
}

/* A value is looked at, not what stands beside it. */
Test(keys, of_a_part)
{
	weft_json_doc *doc = doc_of("{\"good\":{\"a\":1},\"bad\":{\"a\":1,\"a\":2},\"last\":[]}");

	cr_expect_eq(weft_json_check_keys(weft_json_find(weft_json_root(doc), str("good")), NULL), 0);
	cr_expect_eq(weft_json_check_keys(weft_json_find(weft_json_root(doc), str("bad")), NULL), WEFT_EPARSE);
	cr_expect_eq(weft_json_check_keys(weft_json_find(weft_json_root(doc), str("last")), NULL), 0);
	weft_json_release(doc);
}

/* An object of n keys "0" .. "n-1"; two of them the same where i < j. */
static weft_json_doc *numbered(uint32_t n, uint32_t i, uint32_t j)
{
	size_t at = 0, room = 24 * (size_t)n + 3;
	char *text = malloc(room);
	weft_json_doc *doc;

	cr_assert_not_null(text);
	text[at++] = '{';
	for (uint32_t k = 0; k < n; k++)
		at += (size_t)snprintf(text + at, room - at, "%s\"%u\":[%u]", k ? "," : "", i < j && k == j ? i : k, k);
	snprintf(text + at, room - at, "}");
	doc = doc_of(text);
	free(text);
	return doc;
}

Test(keys, any_two_of_any_number)
{
	static const uint32_t sizes[] = { 2, 3, 8, 15, 16, 17, 18, 100, 20000 };
	uint64_t seed = test_seed("keys");
	weft_json_doc *doc;

	for (uint32_t n = 0; n < 400; n++) {
		uint32_t size = sizes[test_below(&seed, n < 4 ? 9 : 8)], j = 1 + test_below(&seed, size - 1), i = test_below(&seed, j);

		doc = numbered(size, i, j);
		cr_assert_eq(weft_json_check_keys(weft_json_root(doc), NULL), WEFT_EPARSE, "%u and %u of %u", i, j, size);
		weft_json_release(doc);
		doc = numbered(size, 0, 0);
		cr_assert_eq(weft_json_check_keys(weft_json_root(doc), NULL), 0, "%u", size);
		weft_json_release(doc);
	}
}

/* Few members need no memory; for many it may be missing, which is not the same as fine. */
Test(keys, without_memory)
{
	weft_json_doc *few, *many;

	allocator_replace();
	few = numbered(16, 3, 12);
	many = numbered(17, 0, 0);
	allocations_left = 0;
	cr_expect_eq(weft_json_check_keys(weft_json_root(few), NULL), WEFT_EPARSE);
	cr_expect_eq(weft_json_check_keys(weft_json_root(many), NULL), -ENOMEM);
	allocations_left = -1;
	weft_json_release(few);
	weft_json_release(many);
}

/* ---- in one pass with a schema ---------------------------------------------------- */

static const char *const schemas[] = {
	"true", "{}", "{\"type\":\"object\"}", "{\"type\":[\"object\",\"array\",\"integer\"]}",
	"{\"properties\":{\"a\":{},\"b\":true}}",
	"{\"properties\":{\"a\":{\"type\":[\"object\",\"integer\"]},\"b\":{\"properties\":{\"a\":{}}}},\"required\":[\"c\"]}",
	"{\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"additionalProperties\":false}",
	"{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":[\"array\",\"integer\"]}}",
	"{\"items\":{\"properties\":{\"a\":{}}}}", "{\"prefixItems\":[{},{\"type\":\"object\"}]}", "{\"minItems\":1}",
	"{\"properties\":{\"a\":{\"items\":{\"required\":[\"a\"]}}},\"required\":[\"a\"]}",
	"{\"anyOf\":[{\"required\":[\"a\"]},{\"properties\":{\"b\":{\"type\":\"object\"}}}]}",
	"{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}}}}}",
	"{\"not\":{\"required\":[\"d\"]},\"properties\":{\"b\":{}}}", "{\"enum\":[{},7,{\"a\":1}]}",
	"{\"allOf\":[{\"properties\":{\"a\":{}}}],\"properties\":{\"c\":{}}}",
};

/* A value of few keys, so that some are given twice. */
static void random_value(uint64_t *seed, uint32_t depth, char **at)
{
	uint32_t kind = depth ? test_below(seed, 3) : 0, n = test_below(seed, 4);

	if (kind == 0) {
		*at += sprintf(*at, "%u", test_below(seed, 10));
		return;
	}
	*(*at)++ = kind == 1 ? '{' : '[';
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			*(*at)++ = ',';
		if (kind == 1)
			*at += sprintf(*at, test_below(seed, 8) ? "\"%c\":" : "\"\\u00%x\":", 'a' + test_below(seed, 5));
		random_value(seed, depth - 1, at);
	}
	*(*at)++ = kind == 1 ? '}' : ']';
	**at = '\0';
}

static weft_json_schema *schema_of(const char *text)
{
	weft_json_doc *doc = doc_of(text);
	weft_json_schema *schema = NULL;

	cr_assert_eq(weft_json_schema_compile(weft_json_root(doc), &schema, NULL), 0, "%s", text);
	weft_json_release(doc);
	return schema;
}

/* One pass says what two say, whatever the schema looks into. */
Test(keys, and_schema_at_once)
{
	uint64_t seed = test_seed("keys and schema");
	uint32_t fine = 0, twice = 0;
	char text[4096], *at;

	for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
		weft_json_schema *schema = schema_of(schemas[i]);

		for (uint32_t n = 0; n < 500; n++) {
			weft_json_doc *doc;
			bool fits, once;

			at = text;
			random_value(&seed, 4, &at);
			*at = '\0';
			doc = doc_of(text);
			fits = weft_json_schema_check(schema, weft_json_root(doc), NULL) == 0;
			once = weft_json_check_keys(weft_json_root(doc), NULL) == 0;
			cr_assert_eq(weft__json_schema_check_strictly(schema, weft_json_root(doc)) == 0, fits && once, "%s of %s",
			             text, schemas[i]);
			fine += fits && once;
			twice += fits && !once;
			weft_json_release(doc);
		}
		weft_json_schema_destroy(schema);
	}
	cr_expect_gt(fine, 0);
	cr_expect_gt(twice, 0);
}

/* More properties than a word has bits: "0" .. "99", the last ones required. */
Test(keys, and_a_large_schema_at_once)
{
	char text[8192], *to = text;
	weft_json_schema *schema;

	to += sprintf(to, "{\"properties\":{");
	for (int k = 0; k < 100; k++)
		to += sprintf(to, "%s\"%d\":{}", k ? "," : "", k);
	sprintf(to, "},\"required\":[\"3\",\"70\",\"99\"]}");
	schema = schema_of(text);
	for (uint32_t i = 0; i < 100; i++) {
		weft_json_doc *doc = numbered(100, i, i + 1), *without = numbered(i, 0, 0);
		bool once = i == 99;

		cr_expect_eq(weft__json_schema_check_strictly(schema, weft_json_root(doc)) == 0, once, "%u", i);
		cr_expect_neq(weft__json_schema_check_strictly(schema, weft_json_root(without)), 0, "%u", i);
		weft_json_release(doc);
		weft_json_release(without);
	}
	weft_json_schema_destroy(schema);
}
