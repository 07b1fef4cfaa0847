/* SPDX-License-Identifier: Apache-2.0 */
/* schema: what compiles, what is refused and where, references. */
#include "json_test.h"

/* Compiles a schema that must be one. */
static weft_json_schema *schema_of(const char *text)
{
	weft_json_doc *doc = doc_of(text);
	weft_json_schema *schema = NULL;
	weft_error err = { 0 };
	int r = weft_json_schema_compile(weft_json_root(doc), &schema, &err);

	weft_json_release(doc); /* the schema keeps its own */
	cr_assert_eq(r, 0, "%s: %s", text, err.message);
	return schema;
}

static void refused(const char *text, const char *message)
{
	weft_json_doc *doc = doc_of(text);
	weft_json_schema *schema = NULL;
	weft_error err = { 0 };

	cr_expect_eq(weft_json_schema_compile(weft_json_root(doc), &schema, &err), WEFT_ESCHEMA, "%s", text);
	cr_expect_null(schema);
	cr_expect_str_eq(err.message, message);
	cr_expect_eq(weft_json_schema_compile(weft_json_root(doc), &schema, NULL), WEFT_ESCHEMA);
	weft_json_release(doc);
}

static int check(const weft_json_schema *schema, const char *value)
{
	weft_json_doc *doc = doc_of(value);
	int r = weft_json_schema_check(schema, weft_json_root(doc), NULL);

	weft_json_release(doc);
	return r;
}

Test(schema, unknown_keywords__are_refused_by_their_place)
{
	refused("{\"typ\":\"object\"}", "schema at /typ: this keyword is not supported");
	refused("{\"properties\":{\"a\":{\"uniqueItems\":true}}}",
	        "schema at /properties/a/uniqueItems: this keyword is not supported");
	refused("{\"anyOf\":[true,{\"if\":true}]}", "schema at /anyOf/1/if: this keyword is not supported");
	refused("{\"$defs\":{\"x\":{\"contains\":1}}}", "schema at /$defs/x/contains: this keyword is not supported");
}

Test(schema, malformed_keywords__are_refused)
{
	refused("1", "schema at /: a schema is an object, true or false");
	refused("{\"type\":\"text\"}", "schema at /type: unknown type");
	refused("{\"type\":[]}", "schema at /type: type must be a name or an array of names");
	refused("{\"type\":[\"string\",1]}", "schema at /type: unknown type");
	refused("{\"properties\":[]}", "schema at /properties: properties must be an object");
	refused("{\"properties\":{\"a\":3}}", "schema at /properties/a: a schema is an object, true or false");
	refused("{\"required\":\"a\"}", "schema at /required: required must be an array of names");
	refused("{\"required\":[1]}", "schema at /required: required must be an array of names");
	refused("{\"enum\":[]}", "schema at /enum: enum must be a non-empty array");
	refused("{\"items\":[{}]}", "schema at /items: a schema is an object, true or false");
	refused("{\"prefixItems\":{}}", "schema at /prefixItems: must be a non-empty array of schemas");
	refused("{\"allOf\":[]}", "schema at /allOf: must be a non-empty array of schemas");
	refused("{\"minItems\":-1}", "schema at /minItems: must be a whole number, not negative");
	refused("{\"maxLength\":1.5}", "schema at /maxLength: must be a whole number, not negative");
	refused("{\"minimum\":\"1\"}", "schema at /minimum: must be a number");
	refused("{\"exclusiveMinimum\":true}", "schema at /exclusiveMinimum: must be a number");
	refused("{\"multipleOf\":0}", "schema at /multipleOf: must be a number over 0");
	refused("{\"pattern\":1}", "schema at /pattern: pattern must be a string");
	refused("{\"pattern\":\"(\"}", "schema at /pattern: the pattern is not a regular expression");
	refused("{\"pattern\":\"(?i)a\"}", "schema at /pattern: the pattern has an unsupported group");
	refused("{\"$ref\":\"http://x/y\"}", "schema at /$ref: $ref must lead into this schema: #/...");
	refused("{\"$ref\":\"#/$defs/x\"}", "schema at /#/$defs/x: this $ref leads nowhere");
	refused("{\"$defs\":1}", "schema at /$defs: must be an object of schemas");
}

Test(schema, annotations__are_ignored)
{
	weft_json_schema *s = schema_of("{\"$schema\":\"x\",\"$id\":\"x\",\"title\":\"t\",\"description\":\"d\",\"default\":1,"
	                                "\"examples\":[1],\"format\":\"date\",\"deprecated\":true,\"$comment\":\"c\"}");

	cr_assert_eq(check(s, "\"not a date\""), 0);
	weft_json_schema_destroy(s);
}

Test(schema, booleans)
{
	weft_json_schema *yes = schema_of("true"), *no = schema_of("false");

	cr_assert_eq(check(yes, "[1]"), 0);
	cr_assert_eq(check(no, "[1]"), WEFT_ESCHEMA);
	weft_json_schema_destroy(yes);
	weft_json_schema_destroy(no);
	weft_json_schema_destroy(NULL);
}

Test(schema, ref__leads_anywhere_in_the_schema)
{
	weft_json_schema *s = schema_of("{\"$defs\":{\"n\":{\"type\":\"number\"},\"a/b~c\":{\"type\":\"null\"}},"
	                                "\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"},\"b\":{\"$ref\":\"#/properties/a\"},"
	                                "\"c\":{\"$ref\":\"#/properties/d/anyOf/1\"},\"d\":{\"anyOf\":[false,{\"type\":\"string\"}]},"
	                                "\"e\":{\"$ref\":\"#/$defs/a~1b~0c\"}}}");

	cr_expect_eq(check(s, "{\"a\":1,\"b\":2,\"c\":\"x\",\"d\":\"y\",\"e\":null}"), 0);
	cr_expect_eq(check(s, "{\"a\":\"x\"}"), WEFT_ESCHEMA);
	cr_expect_eq(check(s, "{\"b\":\"x\"}"), WEFT_ESCHEMA);
	cr_expect_eq(check(s, "{\"c\":1}"), WEFT_ESCHEMA);
	cr_expect_eq(check(s, "{\"e\":1}"), WEFT_ESCHEMA);
	weft_json_schema_destroy(s);
}

Test(schema, ref__to_what_no_keyword_compiled)
{
	weft_json_schema *s = schema_of("{\"$ref\":\"#/default\",\"default\":{\"$ref\":\"#/examples/0\"},\"examples\":[{\"type\":\"null\"}]}");

	cr_assert_eq(check(s, "null"), 0);
	cr_assert_eq(check(s, "1"), WEFT_ESCHEMA);
	weft_json_schema_destroy(s);
}

Test(schema, ref__may_be_recursive)
{
	weft_json_schema *s = schema_of("{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},"
	                                "\"next\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#\"}]}},\"required\":[\"v\",\"next\"]}");

	cr_assert_eq(check(s, "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}"), 0);
	cr_assert_eq(check(s, "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":\"3\",\"next\":null}}}"), WEFT_ESCHEMA);
	weft_json_schema_destroy(s);
}

/* Schemas that never end, or not before the sun: refused with a reason, whatever the value is. */
Test(schema, work__is_bounded, .timeout = 120)
{
	static const char *const all[] = {
		"{\"$ref\":\"#\"}",
		"{\"not\":{\"$ref\":\"#\"}}",
		"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
		"{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
		"{\"oneOf\":[{\"not\":{\"$ref\":\"#\"}},{\"not\":{\"$ref\":\"#\"}}]}",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		weft_json_schema *s = schema_of(all[i]);

		cr_expect_eq(check(s, "1"), WEFT_ESCHEMA, "%s", all[i]);
		weft_json_schema_destroy(s);
	}
}

Test(schema, arguments)
{
	weft_json_schema *s = schema_of("true");
	weft_json_doc *doc = doc_of("{}");
	weft_error err = { 0 };

	cr_assert_eq(weft_json_schema_compile((weft_json){ 0 }, &s, NULL), -EINVAL);
	cr_assert_eq(weft_json_schema_compile(weft_json_root(doc), NULL, NULL), -EINVAL);
	cr_assert_eq(weft_json_schema_check(s, (weft_json){ 0 }, &err), WEFT_ESCHEMA);
	cr_assert_eq(weft_json_schema_check(NULL, weft_json_root(doc), &err), WEFT_ESCHEMA);
	weft_json_release(doc);
	weft_json_schema_destroy(s);
}

Test(schema, out_of_memory__leaves_nothing_behind)
{
	static const char text[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"pattern\":\"^a+$\"},{\"enum\":[1,2]}]}},"
				   "\"required\":[\"a\",\"b\"],\"$defs\":{\"x\":{\"$ref\":\"#\"}}}";
	weft_json_schema *s = NULL;
	weft_json_doc *doc;
	int r = -ENOMEM;

	allocator_replace();
	doc = doc_of(text);
	for (long n = 0; r == -ENOMEM; n++) {
		allocations_left = n;
		r = weft_json_schema_compile(weft_json_root(doc), &s, NULL);
		cr_assert(r == 0 || (r == -ENOMEM && !s));
		cr_assert_lt(n, 50);
	}
	allocations_left = -1;
	weft_json_schema_destroy(s);
	weft_json_release(doc);
}
