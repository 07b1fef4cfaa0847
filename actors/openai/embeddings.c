/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openai/embeddings.c - a body of embeddings read: as lists of numbers, or as base64 of
 * little-endian floats, a quarter of the bytes. A server answers in whichever it knows.
 */
#include <errno.h>
#include <math.h>

#include "actors/openai/wire.h"
#include "actors/remote/fault.h"
#include "actors/remote/wire.h"

#define DIMS_MAX 65536u

struct rows {
	weft_arena *arena;
	weft_error *err;
	float *at; /* count x dims, once the first row has said how wide they are */
	bool *filled;
	uint32_t count, dims;
};

static int bad(const struct rows *rows, const char *why)
{
	return weft_error_set(rows->err, WEFT_EPARSE, "embeddings: %s", why);
}

static int no_memory(const struct rows *rows)
{
	return weft_error_set(rows->err, -ENOMEM, "out of memory");
}

/* The first row decides how wide they are. */
static int widen(struct rows *rows, size_t dims)
{
	if (rows->dims)
		return dims == rows->dims ? 0 : bad(rows, "rows of different length");
	if (!dims || dims > DIMS_MAX)
		return bad(rows, "a row is empty or too long");
	rows->at = weft_arena_alloc(rows->arena, rows->count * dims * sizeof(*rows->at));
	rows->dims = (uint32_t)dims;
	return rows->at ? 0 : no_memory(rows);
}

static int row_of_numbers(struct rows *rows, uint32_t i, weft_json list)
{
	weft_json_iter it = weft_json_iter_begin(list);
	int r = widen(rows, weft_json_count(list));
	float *at;
	double d;

	if (r < 0)
		return r;
	for (at = rows->at + (size_t)i * rows->dims; weft_json_iter_next(&it); at++) {
		if (!weft_json_get_double(it.value, &d) || fabs(d) > 3.4e38)
			return bad(rows, "a row holds something that is no number");
		*at = (float)d;
	}
	return 0;
}

/* 0..63; -1: no letter of base64, in either alphabet. */
static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static int row_of_base64(struct rows *rows, uint32_t i, weft_str text)
{
	uint32_t bits = 0, have = 0, word = 0, bytes = 0;
	float *at;
	int r;

	while (text.len_bytes && text.ptr[text.len_bytes - 1] == '=')
		text.len_bytes--;
	if (text.len_bytes * 6 / 8 % 4)
		return bad(rows, "base64 that is no list of floats");
	r = widen(rows, text.len_bytes * 6 / 32);
	if (r < 0)
		return r;
	at = rows->at + (size_t)i * rows->dims;
	for (size_t n = 0; n < text.len_bytes; n++) {
		int six = sextet(text.ptr[n]);

		if (six < 0)
			return bad(rows, "a letter that is not base64");
		bits = bits << 6 | (uint32_t)six;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		word |= (bits >> have & 0xff) << bytes * 8; /* the lowest byte comes first */
		if (++bytes < 4)
			continue;
		memcpy(at, &word, sizeof(word));
		if (!isfinite(*at))
			return bad(rows, "a row holds something that is no number");
		at++;
		word = bytes = 0;
	}
	return 0;
}

/* One of data[]: its index says which input it is of; without one it is of the n-th. */
static int row_read(struct rows *rows, weft_json item, uint32_t n)
{
	weft_json embedding = weft_json_find(item, WEFT_STR("embedding"));
	int64_t index = n;
	weft_str text;
	int r;

	(void)weft_json_get_int(weft_json_find(item, WEFT_STR("index")), &index);
	if (index < 0 || index >= rows->count)
		return bad(rows, "a row of an input that was not asked about");
	if (rows->filled[index])
		return bad(rows, "two rows of one input");
	if (weft_json_get_str(embedding, &text))
		r = row_of_base64(rows, (uint32_t)index, text);
	else if (weft_json_typeof(embedding) == WEFT_JSON_ARRAY)
		r = row_of_numbers(rows, (uint32_t)index, embedding);
	else
		r = bad(rows, "a row is neither a list nor base64");
	rows->filled[index] = true;
	return r;
}

static int rows_read(struct rows *rows, weft_json data)
{
	weft_json_iter it = weft_json_iter_begin(data);
	uint32_t n = 0;
	int r = 0;

	if (weft_json_typeof(data) != WEFT_JSON_ARRAY)
		return bad(rows, "no data in the answer");
	if (weft_json_count(data) != rows->count)
		return bad(rows, "not one row an input");
	while (r == 0 && weft_json_iter_next(&it))
		r = row_read(rows, it.value, n++);
	return r; /* as many as asked for, each of another input: all are filled */
}

int weft__openai_read_embeddings(weft_arena *arena, weft_str body, uint32_t inputs, weft_str key,
                                 weft_model_response *ret_response, weft_error *err)
{
	struct rows rows = { .arena = arena, .err = err, .count = inputs };
	weft_model_response res = { .finish = WEFT_FINISH_STOP };
	weft_json_doc *doc;
	int r = weft_json_parse(body, &doc, NULL);

	if (r < 0)
		return weft_error_set(err, r, r == -ENOMEM ? "out of memory" : "embeddings: the answer is not JSON");
	rows.filled = weft_arena_calloc(arena, inputs * sizeof(*rows.filled));
	if (!rows.filled)
		r = no_memory(&rows);
	else if (weft__fault_is(weft_json_root(doc)))
		r = weft__fault_json(err, 0, weft_json_root(doc), key);
	else
		r = rows_read(&rows, weft_json_find(weft_json_root(doc), WEFT_STR("data")));
	res.usage.prompt_tokens = weft__wire_count(weft_json_find(weft_json_root(doc), WEFT_STR("usage")), WEFT_STR("prompt_tokens"));
	weft_json_release(doc);
	if (r < 0)
		return r;
	res.embedding = rows.at;
	res.embedding_dims = rows.dims;
	res.embedding_count = inputs;
	*ret_response = res;
	return 0;
}
