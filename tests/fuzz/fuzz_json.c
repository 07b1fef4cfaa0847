/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text: what is refused has a place and a reason, and the walker that finds them agrees with
 * simdjson about what JSON is; what is taken survives writing and reading, hash and all.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "net/json/json.h"

static void check_refused(weft_str text, const weft_error *err)
{
	uint32_t line = 0, column = 0;

	FUZZ_CHECK(err->code == WEFT_EPARSE);
	FUZZ_CHECK(err->line >= 1 && err->column >= 1);
	FUZZ_CHECK(weft__json_find_error(text, &line, &column) != NULL);
	FUZZ_CHECK(line == err->line && column == err->column);
}

/* The walker may be stricter by one level: simdjson lets an empty innermost one pass. */
static void check_accepted(weft_str text)
{
	uint32_t line = 0, column = 0;
	const char *what = weft__json_find_error(text, &line, &column);

	FUZZ_CHECK(!what || strstr(what, "64 deep") || strstr(what, "too large"));
}

/* Walks are finite, count what they pass, and find what they saw. */
static size_t walk(weft_json v)
{
	weft_json_iter it;
	size_t n = 0, all = 1;
	uint32_t line, column;

	FUZZ_CHECK(weft_json_typeof(v) != WEFT_JSON_NONE);
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it); n++) {
		if (weft_json_typeof(v) == WEFT_JSON_OBJECT)
			FUZZ_CHECK(weft_json_find(v, it.key).index <= it.value.index && weft_json_find(v, it.key).doc);
		all += walk(it.value);
	}
	FUZZ_CHECK(weft_json_count(v) == n);
	(void)weft_json_locate(WEFT_STR("{\"a\":[1]}"), WEFT_STR("/a/0"), &line, &column);
	return all;
}

static weft_json_doc *written_and_read(weft_json_writer *w, weft_json v)
{
	weft_json_doc *doc = NULL;
	weft_str text;

	weft_json_writer_reset(w);
	weft_json_put_value(w, v);
	FUZZ_CHECK(weft_json_writer_text(w, &text) == 0);
	FUZZ_CHECK(weft_json_parse(text, &doc, NULL) == 0);
	return doc;
}

static void check_round_trip(weft_json_doc *doc, uint32_t indent)
{
	weft_json_writer *w;
	weft_json_doc *again;
	weft_hash128 x = weft_json_canonical_hash(weft_json_root(doc)), y;

	FUZZ_CHECK(weft_json_writer_create(indent, &w) == 0);
	again = written_and_read(w, weft_json_root(doc));
	y = weft_json_canonical_hash(weft_json_root(again));
	FUZZ_CHECK(x.lo == y.lo && x.hi == y.hi);
	FUZZ_CHECK(walk(weft_json_root(doc)) == walk(weft_json_root(again)));
	weft_json_release(again);
	weft_json_writer_destroy(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	weft_str text = { (const char *)data, size };
	weft_json_doc *doc = NULL;
	uint32_t line, column;
	weft_error err = { 0 };

	(void)weft_json_locate(text, WEFT_STR("/a/0/b"), &line, &column);
	if (weft_json_parse(text, &doc, &err) != 0) {
		check_refused(text, &err);
		return 0;
	}
	check_accepted(text);
	check_round_trip(doc, size & 1 ? 0 : 2);
	weft_json_release(doc);
	return 0;
}
