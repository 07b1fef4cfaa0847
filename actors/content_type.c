/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/content_type.c - content types compared byte by byte, without a table: parameters are cut off first, and a type that
 * says it is text is known by its name or its ending.
 */
#include "actors/content_type.h"

#include <string.h>

#include "actors/text.h"

static bool ends_with(weft_str s, weft_str end)
{
	return s.len_bytes >= end.len_bytes &&
	       weft__str_eq_nocase((weft_str){s.ptr + s.len_bytes - end.len_bytes, end.len_bytes}, end);
}

static bool begins_with(weft_str s, weft_str start)
{
	return s.len_bytes >= start.len_bytes &&
	       weft__str_eq_nocase((weft_str){s.ptr, start.len_bytes}, start);
}

/* "text/plain; charset=utf-8" without what begins at the semicolon. */
static weft_str bare(weft_str type)
{
	const char *end = type.len_bytes ? memchr(type.ptr, ';', type.len_bytes) : NULL;

	return weft__str_trim((weft_str){type.ptr, end ? (size_t)(end - type.ptr) : type.len_bytes});
}

static bool is_part(weft_str s)
{
	for (size_t i = 0; i < s.len_bytes; i++) {
		if ((unsigned char)s.ptr[i] <= ' ' || memchr("/;,*\"", s.ptr[i], 5))
			return false;
	}
	return s.len_bytes > 0;
}

bool weft__content_pattern_is_valid(weft_str pattern)
{
	const char *slash = pattern.len_bytes ? memchr(pattern.ptr, '/', pattern.len_bytes) : NULL;
	weft_str first, second;

	if (!slash)
		return false;
	first = (weft_str){pattern.ptr, (size_t)(slash - pattern.ptr)};
	second = (weft_str){slash + 1, pattern.len_bytes - first.len_bytes - 1};
	if (weft_str_eq(second, WEFT_STR("*")))
		return weft_str_eq(first, WEFT_STR("*")) || is_part(first);
	return is_part(first) && is_part(second);
}

bool weft__content_type_matches(weft_str type, weft_str pattern)
{
	type = bare(type);
	if (weft_str_eq(pattern, WEFT_STR("*/*")))
		return true;
	if (ends_with(pattern, WEFT_STR("/*")))
		return begins_with(type, (weft_str){pattern.ptr, pattern.len_bytes - 1});
	return weft__str_eq_nocase(type, pattern);
}

bool weft__content_type_is_text(weft_str type)
{
	static const char *const readable[] = {
	        "text/*",           "application/json",       "application/xml",      "application/yaml",
	        "application/toml", "application/javascript", "application/x-ndjson", "application/x-yaml",
	        "application/sql",
	};

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
		if (weft__content_type_matches(type, weft_str_from(readable[i])))
			return true;
	}
	type = bare(type);
	return ends_with(type, WEFT_STR("+json")) || ends_with(type, WEFT_STR("+xml")) ||
	       ends_with(type, WEFT_STR("+yaml"));
}
