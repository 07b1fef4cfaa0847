/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/keys.c - is a key given twice?
 *
 * Readers disagree about such an object: some take the first member, some the last, so what one has
 * checked another would not do. The tape is walked flat, whatever the depth. The keys of a small object
 * are marked in one word, and compared only where two have the same mark; those of a large one are sorted.
 */
#include "net/json/json.h"

#include <errno.h>
#include <stdlib.h>

#define MEMBERS_FEW 16u
#define KEY_SHOWN 64u

/* One bit of 64. An empty key has a NUL behind it to look at. */
static inline uint64_t mark_of(weft_str key)
{
	size_t n = key.len_bytes, last = n ? n - 1 : 0;
	uint32_t sum = (uint8_t)key.ptr[0] + 5u * (uint8_t)key.ptr[n / 2] + 11u * (uint8_t)key.ptr[last];

	return UINT64_C(1) << ((sum + 23u * n) & 63);
}

/* Has one of the members at begin up to at the key of the one at at? */
static bool is_before(const weft_json_doc *doc, uint64_t begin, uint64_t at)
{
	weft_str key = weft__json_str(doc, at);

	for (; begin < at; begin = weft__json_after(doc, begin + 1)) {
		if (weft__json_key_eq(weft__json_str(doc, begin), key))
			return true;
	}
	return false;
}

static bool few_repeat(const weft_json_doc *doc, uint64_t begin, uint64_t end, weft_str *ret_key)
{
	uint64_t marks = 0;

	for (uint64_t at = begin; at < end; at = weft__json_after(doc, at + 1)) {
		weft_str key = weft__json_str(doc, at);
		uint64_t mark = mark_of(key);

		if ((marks & mark) && is_before(doc, begin, at)) {
			*ret_key = key;
			return true;
		}
		marks |= mark;
	}
	return false;
}

static int by_key(const void *a, const void *b)
{
	const weft_str *x = a, *y = b;

	if (x->len_bytes != y->len_bytes)
		return x->len_bytes < y->len_bytes ? -1 : 1;
	return memcmp(x->ptr, y->ptr, x->len_bytes);
}

/* -ENOMEM, or is there one? */
static int many_repeat(const weft_json_doc *doc, uint64_t begin, uint64_t end, size_t count, weft_str *ret_key)
{
	weft_str *keys = weft_malloc(count * sizeof(*keys));
	size_t n = 0;
	int r = 0;

	if (!keys)
		return -ENOMEM;
	for (uint64_t at = begin; at < end; at = weft__json_after(doc, at + 1))
		keys[n++] = weft__json_str(doc, at);
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 1; r == 0 && i < n; i++) {
		if (by_key(&keys[i - 1], &keys[i]) == 0) {
			*ret_key = keys[i];
			r = 1;
		}
	}
	weft_free(keys);
	return r;
}

int weft__json_object_repeats(const weft_json_doc *doc, uint64_t at, weft_str *ret_key)
{
	size_t count = weft_json_count((weft_json){ doc, at });
	uint64_t end = weft__json_end(doc, at);

	if (count <= MEMBERS_FEW)
		return few_repeat(doc, at + 1, end, ret_key);
	return many_repeat(doc, at + 1, end, count, ret_key);
}

int weft_json_check_keys(weft_json v, weft_error *err)
{
	const weft_json_doc *doc = weft__json_doc_of(v);
	uint64_t end = doc ? weft__json_after(doc, v.index) : 0;
	weft_str key = { 0 };
	int r = 0;

	for (uint64_t at = v.index; r == 0 && at < end;) {
		char tag = weft__json_tag(doc, at);

		if (tag == '{')
			r = weft__json_object_repeats(doc, at, &key);
		at = tag == '{' || tag == '[' ? at + 1 : weft__json_after(doc, at); /* into what holds others */
	}
	if (r == 0)
		return 0;
	if (r < 0)
		return weft_error_set(err, r, "out of memory");
	return weft_error_set(err, WEFT_EPARSE, "the key '%.*s' is given twice",
	                      (int)(key.len_bytes < KEY_SHOWN ? key.len_bytes : KEY_SHOWN), key.ptr);
}
