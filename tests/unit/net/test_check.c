/* SPDX-License-Identifier: Apache-2.0 */
/* check: each keyword accepts and rejects, and what the message says. */
#include "json_test.h"

static weft_json_schema *schema;
static weft_error err;

static void given(const char *text)
{
	weft_json_doc *doc = doc_of(text);

	weft_json_schema_destroy(schema);
	schema = NULL;
	memset(&err, 0, sizeof(err));
	cr_assert_eq(weft_json_schema_compile(weft_json_root(doc), &schema, &err), 0, "%s", err.message);
	weft_json_release(doc);
}

static void accepts(const char *value)
{
	weft_json_doc *doc = doc_of(value);

	err.message[0] = '\0';
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), 0, "%s: %s", value, err.message);
	weft_json_release(doc);
}

static void rejects(const char *value, const char *message)
{
	weft_json_doc *doc = doc_of(value);

	err.message[0] = '\0';
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), WEFT_ESCHEMA, "%s", value);
	cr_expect_str_eq(err.message, message);
	cr_expect_eq(err.code, WEFT_ESCHEMA);
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), NULL), WEFT_ESCHEMA);
	weft_json_release(doc);
}

static void teardown(void)
{
	weft_json_schema_destroy(schema);
	schema = NULL;
}

TestSuite(check, .fini = teardown);

Test(check, type)
{
	given("{\"type\":\"integer\"}");
	accepts("1");
	accepts("1.0");
	accepts("1e3");
	rejects("1.5", "at /: expected integer, found number");
	rejects("\"1\"", "at /: expected integer, found string");
	given("{\"type\":\"number\"}");
	accepts("1");
	accepts("1.5");
	accepts("18446744073709551615");
	rejects("true", "at /: expected number, found boolean");
	given("{\"type\":[\"string\",\"null\"]}");
	accepts("\"\"");
	accepts("null");
	rejects("[]", "at /: expected string or null, found array");
	given("{\"type\":\"object\"}");
	accepts("{}");
	rejects("null", "at /: expected object, found null");
	given("{\"type\":\"array\"}");
	accepts("[]");
	rejects("{}", "at /: expected array, found object");
	given("{\"type\":\"boolean\"}");
	accepts("false");
	rejects("0", "at /: expected boolean, found integer");
}

Test(check, properties_and_required)
{
	given("{\"type\":\"object\",\"properties\":{\"operation\":{\"type\":\"string\",\"enum\":[\"add\",\"sub\"]},"
	      "\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},\"required\":[\"operation\",\"a\",\"b\"],"
	      "\"additionalProperties\":false}");
	accepts("{\"operation\":\"add\",\"a\":5,\"b\":3}");
	accepts("{\"b\":3,\"a\":5,\"operation\":\"sub\"}");
	rejects("{\"operation\":\"add\",\"a\":5}", "at /: 'b' is required");
	rejects("{\"operation\":\"mul\",\"a\":5,\"b\":3}", "at /operation: expected one of [\"add\",\"sub\"]");
	rejects("{\"operation\":\"add\",\"a\":\"5\",\"b\":3}", "at /a: expected number, found string");
	rejects("{\"operation\":\"add\",\"a\":5,\"b\":3,\"c\":1}", "at /c: there is no such property");
	rejects("{\"operation\":\"add\",\"a\":5,\"a\":6}", "at /: 'b' is required");
}

Test(check, required__without_properties)
{
	given("{\"required\":[\"x\"]}");
	accepts("{\"x\":1}");
	accepts("3");
	rejects("{}", "at /: 'x' is required");
	given("{\"required\":[\"x\"],\"additionalProperties\":false}");
	rejects("{\"x\":1}", "at /x: there is no such property");
}

Test(check, required__more_than_sixty_four)
{
	char text[2000] = "{\"required\":[", value[2000] = "{";

	for (int i = 0; i < 80; i++) {
		sprintf(text + strlen(text), "%s\"k%d\"", i ? "," : "", i);
		sprintf(value + strlen(value), "%s\"k%d\":%d", i ? "," : "", i, i);
	}
	strcat(text, "]}");
	given(text);
	strcat(value, "}");
	accepts(value);
	strcpy(strstr(value, ",\"k79\""), "}");
	rejects(value, "at /: 'k79' is required");
}

Test(check, additional_properties__with_a_schema)
{
	given("{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"string\"}}");
	accepts("{\"a\":1,\"b\":\"x\"}");
	rejects("{\"a\":1,\"b\":2}", "at /b: expected string, found integer");
}

Test(check, pointers__are_json_pointers)
{
	given("{\"properties\":{\"a/b\":{\"items\":{\"properties\":{\"m~n\":{\"type\":\"null\"}}}}}}");
	accepts("{\"a/b\":[{\"m~n\":null}]}");
	rejects("{\"x\":[[1],{\"y\":2}],\"a/b\":[{},{\"x\":1},{\"m~n\":1}]}", "at /a~1b/2/m~0n: expected null, found integer");
}

Test(check, pointers__begin_at_the_value_checked)
{
	weft_json_doc *doc = doc_of("{\"arguments\":{\"a\":[0,\"x\"]}}");

	given("{\"properties\":{\"a\":{\"items\":{\"type\":\"integer\"}}}}");
	cr_assert_eq(weft_json_schema_check(schema, weft_json_find(weft_json_root(doc), WEFT_STR("arguments")), &err),
	             WEFT_ESCHEMA);
	cr_assert_str_eq(err.message, "at /a/1: expected integer, found string");
	weft_json_release(doc);
}

Test(check, enum_and_const)
{
	given("{\"enum\":[1,\"a\",null,{\"x\":[1,2]}]}");
	accepts("1");
	accepts("1.0");
	accepts("\"a\"");
	accepts("null");
	accepts("{\"x\":[1,2.0]}");
	rejects("2", "at /: expected one of [1,\"a\",null,{\"x\":[1,2]}]");
	rejects("\"1\"", "at /: expected one of [1,\"a\",null,{\"x\":[1,2]}]");
	rejects("{\"x\":[2,1]}", "at /: expected one of [1,\"a\",null,{\"x\":[1,2]}]");
	given("{\"const\":\"yes\"}");
	accepts("\"yes\"");
	rejects("\"yess\"", "at /: expected \"yes\"");
	given("{\"const\":null}");
	accepts("null");
	rejects("false", "at /: expected null");
}

Test(check, items)
{
	given("{\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"integer\"}],\"items\":{\"type\":\"boolean\"}}");
	accepts("[]");
	accepts("[\"a\",1,true,false]");
	rejects("[\"a\",\"b\"]", "at /1: expected integer, found string");
	rejects("[\"a\",1,true,0]", "at /3: expected boolean, found integer");
	given("{\"prefixItems\":[true],\"items\":false}");
	accepts("[1]");
	rejects("[1,2]", "at /1: nothing is allowed here");
	given("{\"minItems\":1,\"maxItems\":2}");
	accepts("[[1,2,3]]");
	accepts("\"xxxx\"");
	rejects("[]", "at /: fewer than 1 items");
	rejects("[1,2,3]", "at /: more than 2 items");
}

Test(check, lengths__count_characters)
{
	given("{\"minLength\":2,\"maxLength\":3}");
	accepts("\"ab\"");
	accepts("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	accepts("7");
	rejects("\"\xc3\xa9\"", "at /: shorter than 2 characters");
	rejects("\"abcd\"", "at /: longer than 3 characters");
}

Test(check, pattern)
{
	given("{\"pattern\":\"^\\\\d{3}-[a-z\\\\d]+$\"}");
	accepts("\"123-ab9\"");
	accepts("1");
	rejects("\"12-ab\"", "at /: does not match the pattern ^\\d{3}-[a-z\\d]+$");
	rejects("\"ddd-ab\"", "at /: does not match the pattern ^\\d{3}-[a-z\\d]+$");
	given("{\"pattern\":\"b\"}");
	accepts("\"abc\"");
	accepts("\"a\\u0000b\"");
	rejects("\"a\\u0000c\"", "at /: does not match the pattern b");
}

/* What was not found out is no answer, also where "no" would be the one that is wanted. */
Test(check, pattern_that_takes_too_much__fails_the_check)
{
	static const char *const hidden[] = { "{\"pattern\":\"(a+)+$\"}", "{\"not\":{\"pattern\":\"(a+)+$\"}}",
		                              "{\"anyOf\":[{\"pattern\":\"(a+)+$\"},{\"type\":\"string\"}]}",
		                              "{\"oneOf\":[{\"pattern\":\"(a+)+$\"},{\"type\":\"string\"}]}" };

	for (int i = 0; i < 4; i++) {
		given(hidden[i]);
		rejects("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
		        i ? "at /: the schema asks for too much work" :
		            "at /: takes too much to be matched by the pattern (a+)+$");
	}
}

Test(check, limits_of_numbers)
{
	given("{\"minimum\":-1,\"maximum\":10}");
	accepts("-1");
	accepts("10");
	accepts("10.0");
	accepts("\"x\"");
	rejects("-1.5", "at /: -1.5 is less than the minimum -1");
	rejects("11", "at /: 11 is more than the maximum 10");
	given("{\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}");
	accepts("0.5");
	rejects("0", "at /: 0 is not more than 0");
	rejects("1", "at /: 1 is not less than 1");
}

Test(check, multiple_of)
{
	given("{\"multipleOf\":10}");
	accepts("0");
	accepts("-20");
	accepts("20.0");
	accepts("1000000000000000000");
	rejects("1000000001", "at /: 1e+09 is not a multiple of 10");
	rejects("9223372036854775807", "at /: 9.22337e+18 is not a multiple of 10");
	rejects("20.5", "at /: 20.5 is not a multiple of 10");
	given("{\"multipleOf\":0.01}");
	accepts("19.99");
	accepts("0.07");
	rejects("0.075", "at /: 0.075 is not a multiple of 0.01");
}

Test(check, combinations)
{
	given("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":5}]}");
	accepts("\"x\"");
	accepts("5");
	rejects("4", "at /: fits none of anyOf");
	given("{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}");
	accepts("2");
	accepts("9");
	rejects("6", "at /: fits more than one of oneOf");
	rejects("7", "at /: fits none of oneOf");
	given("{\"allOf\":[{\"minimum\":1},{\"maximum\":2}]}");
	accepts("1.5");
	rejects("3", "at /: 3 is more than the maximum 2");
	given("{\"not\":{\"type\":\"null\"}}");
	accepts("0");
	rejects("null", "at /: fits what is not allowed");
}

Test(check, long_values__make_cut_messages)
{
	static char value[4000] = "{\"";

	memset(value + 2, 'k', 3000);
	strcpy(value + 3002, "\":1}");
	given("{\"additionalProperties\":false}");
	weft_json_doc *doc = doc_of(value);
	cr_assert_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), WEFT_ESCHEMA);
	cr_assert(strncmp(err.message, "at /kkkk", 8) == 0 && strstr(err.message, "there is no such property"));
	weft_json_release(doc);
}

/* Each is below what one may cost, and true; a long list of them is not for the asking. A few are. */
Test(check, dear_matches__are_counted_together)
{
	static const char one[] = "\"aaaaaaaaaaaaaaaaaaa!\",";
	static char list[3000 * sizeof(one)];
	size_t n = 1;

	given("{\"items\":{\"pattern\":\"^(?:a|aa)+$|!$\"}}");
	accepts("[\"aaaaaaaaaaaaaaaaaaa!\",\"aaaaaaaaaaaaaaaaaaa!\"]");
	list[0] = '[';
	for (int i = 0; i < 3000; i++)
		n += (size_t)sprintf(list + n, "%s", one);
	list[n - 1] = ']';
	weft_json_doc *doc = doc_of(list);
	cr_assert_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), WEFT_ESCHEMA);
	cr_assert(strstr(err.message, "takes too much"), "%s", err.message);
	weft_json_release(doc);
}

Test(check, does_not_allocate)
{
	weft_json_doc *doc;

	allocator_replace();
	given("{\"properties\":{\"a\":{\"enum\":[{\"x\":1},2]},\"b\":{\"anyOf\":[{\"type\":\"null\"},{\"maxLength\":3}]}},\"required\":[\"a\"]}");
	doc = doc_of("{\"a\":{\"x\":1.0},\"b\":\"abc\"}");
	allocations_left = 0;
	cr_assert_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), 0);
	allocations_left = -1;
	weft_json_release(doc);
}
