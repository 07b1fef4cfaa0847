/* SPDX-License-Identifier: Apache-2.0 */
/* net/json/value.c - reading values off the tape (net/json/json.h). A few loads each, nothing allocated. */
#include "net/json/json.h"

#define COUNT_SATURATED 0xffffffu

const uint8_t weft__json_type_of_tag[256] = {
	['n'] = WEFT_JSON_NULL,
	['t'] = WEFT_JSON_BOOL,
	['f'] = WEFT_JSON_BOOL,
	['l'] = WEFT_JSON_INT,
	['u'] = WEFT_JSON_DOUBLE, /* over INT64_MAX */
	['d'] = WEFT_JSON_DOUBLE,
	['"'] = WEFT_JSON_STRING,
	['['] = WEFT_JSON_ARRAY,
	['{'] = WEFT_JSON_OBJECT,
};

weft_json_type weft_json_typeof(weft_json v)
{
	return v.doc ? weft__json_type(weft__json_doc_of(v), v.index) : WEFT_JSON_NONE;
}

bool weft_json_get_bool(weft_json v, bool *ret)
{
	char tag = weft__json_tag_of(v);

	if (tag != 't' && tag != 'f')
		return false;
	*ret = tag == 't';
	return true;
}

bool weft_json_get_int(weft_json v, int64_t *ret)
{
	if (weft__json_tag_of(v) != 'l')
		return false;
	*ret = weft__json_int(weft__json_doc_of(v), v.index);
	return true;
}

bool weft_json_get_double(weft_json v, double *ret)
{
	switch (weft__json_tag_of(v)) {
	case 'd':
		*ret = weft__json_double(weft__json_doc_of(v), v.index);
		return true;
	case 'l':
		*ret = (double)weft__json_int(weft__json_doc_of(v), v.index);
		return true;
	case 'u':
		*ret = (double)(uint64_t)weft__json_int(weft__json_doc_of(v), v.index);
		return true;
	default:
		return false;
	}
}

bool weft_json_get_str(weft_json v, weft_str *ret)
{
	if (weft__json_tag_of(v) != '"')
		return false;
	*ret = weft__json_str(weft__json_doc_of(v), v.index);
	return true;
}

weft_json weft_json_find(weft_json v, weft_str key)
{
	const weft_json_doc *doc = weft__json_doc_of(v);
	uint64_t end;

	if (weft__json_tag_of(v) != '{')
		return (weft_json){ NULL, 0 };
	end = weft__json_end(doc, v.index);
	for (uint64_t at = v.index + 1; at < end; at = weft__json_after(doc, at + 1)) {
		if (weft__json_key_eq(weft__json_str(doc, at), key))
			return (weft_json){ doc, at + 1 };
	}
	return (weft_json){ NULL, 0 };
}

size_t weft_json_count(weft_json v)
{
	char tag = weft__json_tag_of(v);
	weft_json_iter it;
	size_t n;

	if (tag != '[' && tag != '{')
		return 0;
	n = weft__json_payload(weft__json_doc_of(v), v.index) >> 32;
	if (n < COUNT_SATURATED)
		return n;
	n = 0;
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);)
		n++;
	return n;
}

/* private_: where the next is, where the end is, 1 in an object. value.doc is set from the start. */
weft_json_iter weft_json_iter_begin(weft_json v)
{
	weft_json_iter it = { .value = { v.doc, 0 } };
	char tag = weft__json_tag_of(v);

	if (tag == '[' || tag == '{') {
		it.private_[0] = v.index + 1;
		it.private_[1] = weft__json_end(weft__json_doc_of(v), v.index);
		it.private_[2] = tag == '{';
	}
	return it;
}

bool weft_json_iter_next(weft_json_iter *it)
{
	const weft_json_doc *doc = weft__json_doc_of(it->value);
	uint64_t at = it->private_[0];

	if (at >= it->private_[1])
		return false;
	if (it->private_[2])
		it->key = weft__json_str(doc, at++);
	it->value.index = at;
	it->private_[0] = weft__json_after(doc, at);
	return true;
}
