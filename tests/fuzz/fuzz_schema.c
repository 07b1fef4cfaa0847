/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema, a line "--", a value: compiling says 0 or why not, checking ends, and says the same
 * whether it has to explain itself or not.
 */
#include <string.h>

#include "fuzz.h"
#include <weft/json.h>

static void check_value(const weft_json_schema *schema, weft_json value)
{
	weft_error err = { 0 };
	int r = weft_json_schema_check(schema, value, &err);

	FUZZ_CHECK(r == 0 || r == WEFT_ESCHEMA);
	FUZZ_CHECK(r == weft_json_schema_check(schema, value, NULL));
	if (r < 0)
		FUZZ_CHECK(err.code == r && strncmp(err.message, "at /", 4) == 0 && strstr(err.message, ": "));
}

static void compile_and_check(weft_json schema, weft_json value)
{
	weft_json_schema *s = NULL;
	weft_error err = { 0 };
	int r = weft_json_schema_compile(schema, &s, &err);

	if (r < 0) {
		FUZZ_CHECK(r == WEFT_ESCHEMA || r == WEFT_EPARSE);
		FUZZ_CHECK(!s);
		FUZZ_CHECK(r != WEFT_ESCHEMA || strncmp(err.message, "schema at /", 11) == 0);
		return;
	}
	check_value(s, value);
	check_value(s, schema);
	weft_json_schema_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *mark = memmem(text, size, "\n--\n", 4);
	size_t len = mark ? (size_t)(mark - text) : size;
	weft_str value = mark ? (weft_str){ mark + 4, size - len - 4 } : WEFT_STR("{}");
	weft_json_doc *schema = NULL, *doc = NULL;

	if (weft_json_parse((weft_str){ text, len }, &schema, NULL) == 0 && weft_json_parse(value, &doc, NULL) == 0)
		compile_and_check(weft_json_root(schema), weft_json_root(doc));
	weft_json_release(schema);
	weft_json_release(doc);
	return 0;
}
