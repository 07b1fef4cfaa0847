/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/json.h - reading, writing, checking and hashing JSON (RFC 8259).
 *
 * A document is parsed once and immutable; a value is a small handle into it,
 * passed by value, valid until the document is released. Parsing is strict:
 * UTF-8 is checked, duplicate keys keep the first found (weft_json_check_keys refuses them),
 * depth is at most 64.
 */
#ifndef WEFT_JSON_H
#define WEFT_JSON_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

/* ---- reading ----------------------------------------------------------- */

typedef struct weft_json_doc weft_json_doc;

typedef struct weft_json {
	const void *doc; /* private; NULL: no value */
	uint64_t index;  /* private */
} weft_json;

typedef enum weft_json_type {
	WEFT_JSON_NONE = 0, /* no such value */
	WEFT_JSON_NULL,
	WEFT_JSON_BOOL,
	WEFT_JSON_INT,    /* fits int64_t */
	WEFT_JSON_DOUBLE, /* any other number */
	WEFT_JSON_STRING,
	WEFT_JSON_ARRAY,
	WEFT_JSON_OBJECT
} weft_json_type;

/**
 * Parse text (copied). @return 0, -ENOMEM, or WEFT_EPARSE with line, column and reason in err (may be NULL).
 * Threads: any; documents are pooled a thread, so a small parse allocates nothing once warm.
 */
WEFT_API int weft_json_parse(weft_str text, weft_json_doc **ret_doc, weft_error *err);
/** Read and parse a file; errors name it. -errno when it cannot be read. */
WEFT_API int weft_json_parse_file(const char *path, weft_json_doc **ret_doc, weft_error *err);
/** NULL is fine. Any thread. */
WEFT_API void weft_json_release(weft_json_doc *doc);
WEFT_API weft_json weft_json_root(const weft_json_doc *doc);
/** The text a document was parsed from; lives as long as the document. */
WEFT_API weft_str weft_json_text(const weft_json_doc *doc);

WEFT_API weft_json_type weft_json_typeof(weft_json v);
/** Each: true and *ret when v has that type; *ret untouched otherwise. get_double takes INT too. */
WEFT_API bool weft_json_get_bool(weft_json v, bool *ret);
WEFT_API bool weft_json_get_int(weft_json v, int64_t *ret);
WEFT_API bool weft_json_get_double(weft_json v, double *ret);
WEFT_API bool weft_json_get_str(weft_json v, weft_str *ret);
/** Elements or members; 0 for anything else. */
WEFT_API size_t weft_json_count(weft_json v);
/** A member by key; type NONE when v is no object or has none. */
WEFT_API weft_json weft_json_find(weft_json v, weft_str key);

/**
 * That no object in v, at any depth, has a key twice: which of the two holds is each reader's own guess, so what is checked
 * here and read elsewhere must not have any. Allocates only for objects of more than 16 members.
 * @return 0, WEFT_EPARSE with the key in err (may be NULL), -ENOMEM
 */
WEFT_API int weft_json_check_keys(weft_json v, weft_error *err);

/** Walk an array or object: for (it = weft_json_iter_begin(v); weft_json_iter_next(&it); ) use it.key, it.value */
typedef struct weft_json_iter {
	weft_str key;    /* empty in an array */
	weft_json value;
	uint64_t private_[4];
} weft_json_iter;

WEFT_API weft_json_iter weft_json_iter_begin(weft_json v);
WEFT_API bool weft_json_iter_next(weft_json_iter *it);

/**
 * Where in the text the value at a JSON pointer ("/style/all/0", "~1" for a '/' in a key, "" is the root)
 * stands: 1-based line and column of the member's key, of the value itself in an
 * array. For error messages; scans the text. -ENOENT when there is none.
 */
WEFT_API int weft_json_locate(weft_str text, weft_str pointer, uint32_t *ret_line, uint32_t *ret_column);

/* ---- writing ----------------------------------------------------------- */

/** Writes compact JSON into memory it grows. Errors stick: check once at the end. */
typedef struct weft_json_writer weft_json_writer;

/** indent: spaces a level, 0 for compact. @return 0 or -ENOMEM */
WEFT_API int weft_json_writer_create(uint32_t indent, weft_json_writer **ret_writer);
WEFT_API void weft_json_writer_destroy(weft_json_writer *w);
/** Forget what was written; keeps the memory. */
WEFT_API void weft_json_writer_reset(weft_json_writer *w);
WEFT_API void weft_json_begin_object(weft_json_writer *w);
WEFT_API void weft_json_end_object(weft_json_writer *w);
WEFT_API void weft_json_begin_array(weft_json_writer *w);
WEFT_API void weft_json_end_array(weft_json_writer *w);
WEFT_API void weft_json_key(weft_json_writer *w, weft_str key);
WEFT_API void weft_json_put_str(weft_json_writer *w, weft_str value); /* invalid UTF-8 becomes U+FFFD */
WEFT_API void weft_json_put_int(weft_json_writer *w, int64_t value);
WEFT_API void weft_json_put_uint(weft_json_writer *w, uint64_t value);
WEFT_API void weft_json_put_double(weft_json_writer *w, double value); /* shortest that reads back as a double (5.0); NaN and Inf become null */
WEFT_API void weft_json_put_bool(weft_json_writer *w, bool value);
WEFT_API void weft_json_put_null(weft_json_writer *w);
WEFT_API void weft_json_put_value(weft_json_writer *w, weft_json value); /* a copy of a parsed value */
WEFT_API void weft_json_put_raw(weft_json_writer *w, weft_str json);     /* already valid JSON */
/** @return 0, -ENOMEM, -EINVAL (unbalanced, empty, two values, a member without key, deeper than 128). ret_text lives until the next write, reset or destroy; a NUL follows it. */
WEFT_API int weft_json_writer_text(weft_json_writer *w, weft_str *ret_text);

/* ---- schema ------------------------------------------------------------ */

/**
 * A compiled JSON Schema (the subset of 2020-12 that tools use: type, properties,
 * required, additionalProperties, enum, const, items, prefixItems, minItems,
 * maxItems, minLength, maxLength, pattern (ECMA 262 with its "u" flag, lookarounds
 * too; \d \w \s \b are ASCII's), minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf, anyOf, oneOf, allOf, not, local $ref into $defs; annotations are
 * ignored). Immutable: share it freely.
 *
 * What compiling and checking cost is bounded, whoever wrote the schema: a pattern that
 * takes more than some milliseconds of a string fails the check, inside a "not" too.
 */
typedef struct weft_json_schema weft_json_schema;

/** @return 0, -ENOMEM, WEFT_EPARSE, or WEFT_ESCHEMA: a keyword is malformed or not supported; err names its pointer */
WEFT_API int weft_json_schema_compile(weft_json schema, weft_json_schema **ret_schema, weft_error *err);
WEFT_API void weft_json_schema_destroy(weft_json_schema *schema);

/** @return 0, or WEFT_ESCHEMA with "at <pointer>: <reason>" in err (may be NULL). Threads: any. Allocates: never on success, but for a "pattern". */
WEFT_API int weft_json_schema_check(const weft_json_schema *schema, weft_json value, weft_error *err);

/* ---- canonical hash ---------------------------------------------------- */

typedef struct weft_hash128 {
	uint64_t lo, hi;
} weft_hash128;

/**
 * A hash that does not depend on key order, white space or how a number is
 * spelled (1, 1.0 and 1e0 are the same). XXH3-128 over a canonical walk; not cryptographic.
 */
WEFT_API weft_hash128 weft_json_canonical_hash(weft_json value);

WEFT_END_DECLS

#endif
