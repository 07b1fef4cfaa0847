/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/json.h - how a document lies in memory; what the JSON files share. Read
 * by the C++ shim too.
 *
 * simdjson leaves a tape of 64-bit words and a buffer of strings behind, in a layout
 * that it documents (doc/tape.md). A weft_json is the document and an index into the
 * tape, so reading is a few loads in C and the shim is left with parsing only.
 *
 *   tape word   tag (high 8 bits), payload (low 56)
 *     r          the ends of the tape; the root value is at 1
 *     [ {        payload: index behind the matching end (low 32), count (next 24, saturating)
 *     ] }        payload: index of the matching start
 *     "          payload: offset into strings of a 32-bit length, the bytes, a NUL
 *     l u d      an int64_t, uint64_t (over INT64_MAX), double in the next word
 *     n t f      null, true, false
 */
#ifndef WEFT_NET_JSON_JSON_H
#define WEFT_NET_JSON_JSON_H

#include <string.h>

#include <weft/json.h>

WEFT_BEGIN_DECLS

#define WEFT__JSON_DEPTH_MAX 64

struct weft_json_doc {
	const uint64_t *tape;   /* the parser's, until the next parse */
	const uint8_t *strings; /* the parser's */
	char *text;             /* owned; padded for simdjson */
	size_t len_bytes, cap_bytes;
	void *parser;           /* owned; see shim.cc */
	bool secret;            /* overwritten before it is used again or goes */
	weft_json_doc *next;    /* in a pool */
};

/* ---- shim.cc: simdjson ----------------------------------------------------------- */

#define WEFT__JSON_PADDING 64u /* readable bytes behind the text */

/* What weft__json_parser_run says. */
enum {
	WEFT__JSON_OK = 0,
	WEFT__JSON_NO_MEMORY,
	WEFT__JSON_TOO_DEEP,
	WEFT__JSON_TOO_LONG, /* over 4 GiB */
	WEFT__JSON_WRONG
};

void *weft__json_parser_create(void); /* NULL: out of memory */
void weft__json_parser_destroy(void *parser);
/* Overwrites the strings of what was parsed last. */
void weft__json_parser_wipe(void *parser);
/* Parses doc->text, sets doc->tape and doc->strings. */
int weft__json_parser_run(weft_json_doc *doc);
/* The shortest text that reads back as value, which is finite; at most 32 bytes. @return its length */
size_t weft__json_double_text(double value, char *to);
/* A register at a time; json.h has the inline one, which knows short plain text. */
bool weft__json_is_utf8_long(weft_str text);

/* ---- doc.c ----------------------------------------------------------------------- */

/*
 * weft_json_parse of what holds secrets: no copy is left when the document is released. name, when not NULL, is the file that errors
 * begin with.
 */
int weft__json_parse_secret(weft_str text, const char *name, weft_json_doc **ret_doc, weft_error *err);

/* ---- writer.c -------------------------------------------------------------------- */

/* What is written holds secrets: it is overwritten before its memory goes. Of a new one. */
void weft__json_writer_is_secret(weft_json_writer *writer);

/* ---- locate.c -------------------------------------------------------------------- */

/**
 * Why and where text is not JSON: the first place that a strict reader cannot go on
 * from. For error messages only. NULL when it finds nothing wrong.
 */
const char *weft__json_find_error(weft_str text, uint32_t *ret_line, uint32_t *ret_column);

/**
 * Walking over JSON that has been parsed, beside its tape, where the text itself is wanted: behind white space, and
 * behind the value that begins at at. Only for text that is known to be valid.
 */
const char *weft__json_skip_space(const char *at);
const char *weft__json_skip_value(const char *at);
/* The same for a string whose value has so many bytes. */
const char *weft__json_skip_string(const char *at, size_t len_bytes);

/* ---- keys.c, check.c ------------------------------------------------------------- */

/* Is a key of the object at at given twice? 0, 1 with the key, or -ENOMEM. */
int weft__json_object_repeats(const weft_json_doc *doc, uint64_t at, weft_str *ret_key);

/**
 * Does the value fit, and is no key of it given twice? As weft_json_schema_check and weft_json_check_keys, in one pass:
 * the properties of a schema are counted as they are met.
 * @return 0, or not: which of the two, and why, is theirs to say
 */
int weft__json_schema_check_strictly(const weft_json_schema *schema, weft_json value);

/* ---- the tape -------------------------------------------------------------------- */

static inline char weft__json_tag(const weft_json_doc *doc, uint64_t at)
{
	return (char)(doc->tape[at] >> 56);
}

extern const uint8_t weft__json_type_of_tag[256]; /* value.c */

static inline weft_json_type weft__json_type(const weft_json_doc *doc, uint64_t at)
{
	return (weft_json_type)weft__json_type_of_tag[doc->tape[at] >> 56];
}

static inline uint64_t weft__json_payload(const weft_json_doc *doc, uint64_t at)
{
	return doc->tape[at] & 0x00ffffffffffffffu;
}

/* The index behind the value at at. */
static inline uint64_t weft__json_after(const weft_json_doc *doc, uint64_t at)
{
	switch (weft__json_tag(doc, at)) {
	case '[':
	case '{':
		return (uint32_t)doc->tape[at];
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

/* For a '[' or '{' at at: where its ']' or '}' is. */
static inline uint64_t weft__json_end(const weft_json_doc *doc, uint64_t at)
{
	return (uint64_t)(uint32_t)doc->tape[at] - 1;
}

/* For a '"' at at. */
static inline weft_str weft__json_str(const weft_json_doc *doc, uint64_t at)
{
	const uint8_t *s = doc->strings + weft__json_payload(doc, at);
	weft_str ret;
	uint32_t len;

	memcpy(&len, s, sizeof(len));
	ret.ptr = (const char *)s + sizeof(len);
	ret.len_bytes = len;
	return ret;
}

static inline int64_t weft__json_int(const weft_json_doc *doc, uint64_t at)
{
	return (int64_t)doc->tape[at + 1];
}

static inline double weft__json_double(const weft_json_doc *doc, uint64_t at)
{
	double d;

	memcpy(&d, &doc->tape[at + 1], sizeof(d));
	return d;
}

/* What a handle's document is. */
static inline const weft_json_doc *weft__json_doc_of(weft_json v)
{
	return (const weft_json_doc *)v.doc;
}

static inline char weft__json_tag_of(weft_json v)
{
	return v.doc ? weft__json_tag(weft__json_doc_of(v), v.index) : '\0';
}

/* Most text is short and ASCII. */
static inline bool weft__json_is_utf8(weft_str text)
{
	uint64_t bits = 0, x;
	size_t at = 0;

	if (text.len_bytes > 64)
		return weft__json_is_utf8_long(text);
	for (; at + sizeof(x) <= text.len_bytes; at += sizeof(x)) {
		memcpy(&x, text.ptr + at, sizeof(x));
		bits |= x;
	}
	for (; at < text.len_bytes; at++)
		bits |= (unsigned char)text.ptr[at] * UINT64_C(0x0101010101010101);
	return !(bits & UINT64_C(0x8080808080808080)) || weft__json_is_utf8_long(text);
}

/* Short keys are compared inline: two loads a side that overlap, no call. */
static inline bool weft__json_key_eq(weft_str a, weft_str b)
{
	uint64_t a1 = 0, a2 = 0, b1 = 0, b2 = 0;
	size_t n = a.len_bytes;

	if (n != b.len_bytes)
		return false;
	if (n > 16)
		return memcmp(a.ptr, b.ptr, n) == 0;
	if (n >= 8) {
		memcpy(&a1, a.ptr, 8);
		memcpy(&b1, b.ptr, 8);
		memcpy(&a2, a.ptr + n - 8, 8);
		memcpy(&b2, b.ptr + n - 8, 8);
	} else if (n >= 4) {
		memcpy(&a1, a.ptr, 4);
		memcpy(&b1, b.ptr, 4);
		memcpy(&a2, a.ptr + n - 4, 4);
		memcpy(&b2, b.ptr + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++) {
			if (a.ptr[i] != b.ptr[i])
				return false;
		}
	}
	return ((a1 ^ b1) | (a2 ^ b2)) == 0;
}

WEFT_END_DECLS

#endif
