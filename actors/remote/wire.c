/* SPDX-License-Identifier: Apache-2.0 */
/* actors/remote/wire.c - members put and found in one call each; what is absent or of another type is nothing. */
#include "actors/remote/wire.h"

void weft__wire_put(weft_json_writer *w, weft_str key, weft_str value)
{
	weft_json_key(w, key);
	weft_json_put_str(w, value);
}

void weft__wire_put_float(weft_json_writer *w, weft_str key, float value)
{
	double scaled = (double)value * 1e4;

	weft_json_key(w, key);
	weft_json_put_double(w, (double)(int64_t)(scaled + (value < 0 ? -0.5 : 0.5)) / 1e4);
}

void weft__wire_put_list(weft_json_writer *w, weft_str key, const weft_str *values, uint32_t count)
{
	weft_json_key(w, key);
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < count; i++)
		weft_json_put_str(w, values[i]);
	weft_json_end_array(w);
}

int weft__wire_put_members(weft_json_writer *w, weft_str json, weft_error *err)
{
	weft_json_doc *doc;
	weft_json_iter it;
	int r;

	if (!json.len_bytes)
		return 0;
	r = weft_json_parse(json, &doc, err);
	if (r < 0)
		return r;
	it = weft_json_iter_begin(weft_json_root(doc));
	while (weft_json_iter_next(&it)) {
		weft_json_key(w, it.key);
		weft_json_put_value(w, it.value);
	}
	weft_json_release(doc);
	return 0;
}

int weft__wire_end(weft_json_writer *w, weft_str *ret_body, weft_error *err)
{
	int r;

	weft_json_end_object(w);
	r = weft_json_writer_text(w, ret_body);
	return r < 0 ? weft_error_set(err, r, "the request could not be written: %s", weft_strerror(r)) : 0;
}

bool weft__wire_find(weft_json v, weft_str key, weft_str *ret)
{
	weft_str text;

	if (!weft_json_get_str(weft_json_find(v, key), &text) || !text.len_bytes)
		return false;
	*ret = text;
	return true;
}

weft_str weft__wire_text(weft_json v, weft_str key)
{
	weft_str text = { 0 };

	(void)weft__wire_find(v, key, &text);
	return text;
}

uint32_t weft__wire_count(weft_json v, weft_str key)
{
	int64_t n;

	return weft_json_get_int(weft_json_find(v, key), &n) && n > 0 ? (n > UINT32_MAX ? UINT32_MAX : (uint32_t)n) : 0;
}
