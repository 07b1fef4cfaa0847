/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/shim.cc - simdjson and std::to_chars for C. The one C++ file of the project.
 *
 * What is C++ about a document is its parser: its buffers come from operator new
 * (nothrow), not from weft/alloc.h, and grow to the largest text it has seen. Nothing
 * is thrown out of here.
 */
#include "net/json/json.h"

#include <simdjson.h>

#include <charconv>
#include <cstring>
#include <new>

using simdjson::dom::parser;

/* simdjson counts a level more, except for one that is empty. */
static constexpr std::size_t depth_max = WEFT__JSON_DEPTH_MAX + 1;
static constexpr std::size_t capacity_min = 1024;

static_assert(WEFT__JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads past the end of the text");

static std::size_t capacity_for(std::size_t len_bytes)
{
	const std::size_t want = len_bytes + len_bytes / 4;

	if (want > simdjson::SIMDJSON_MAXSIZE_BYTES)
		return len_bytes;
	return want < capacity_min ? capacity_min : want;
}

extern "C" void *weft__json_parser_create(void)
{
	return new (std::nothrow) parser;
}

extern "C" void weft__json_parser_destroy(void *p)
{
	delete static_cast<parser *>(p);
}

extern "C" void weft__json_parser_wipe(void *p)
{
	parser *of = static_cast<parser *>(p);

	if (of->doc.string_buf) /* as large as simdjson makes it: a quote and a length more for each three bytes */
		explicit_bzero(of->doc.string_buf.get(), 5 * of->doc.capacity() / 3);
}

extern "C" int weft__json_parser_run(weft_json_doc *doc)
{
	parser *p = static_cast<parser *>(doc->parser);
	simdjson::error_code code = simdjson::SUCCESS;

	if (doc->len_bytes > simdjson::SIMDJSON_MAXSIZE_BYTES)
		return WEFT__JSON_TOO_LONG;
	if (p->capacity() < doc->len_bytes || p->capacity() == 0) {
		code = p->doc.allocate(capacity_for(doc->len_bytes));
		if (code == simdjson::SUCCESS)
			code = p->allocate(capacity_for(doc->len_bytes), depth_max);
	}
	if (code == simdjson::SUCCESS)
		code = p->parse(doc->text, doc->len_bytes, false).error();
	doc->tape = p->doc.tape.get();
	doc->strings = p->doc.string_buf.get();
	switch (code) {
	case simdjson::SUCCESS:
		return WEFT__JSON_OK;
	case simdjson::MEMALLOC:
		return WEFT__JSON_NO_MEMORY;
	case simdjson::DEPTH_ERROR:
		return WEFT__JSON_TOO_DEEP;
	case simdjson::CAPACITY:
		return WEFT__JSON_TOO_LONG;
	default:
		return WEFT__JSON_WRONG;
	}
}

extern "C" size_t weft__json_double_text(double value, char *to)
{
	return static_cast<std::size_t>(std::to_chars(to, to + 32, value).ptr - to);
}

extern "C" bool weft__json_is_utf8_long(weft_str text)
{
	return text.len_bytes == 0 || simdjson::validate_utf8(text.ptr, text.len_bytes);
}
