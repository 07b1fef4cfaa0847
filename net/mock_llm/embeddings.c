/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/embeddings.c - vectors that depend on the text alone, and are near for texts that share words.
 *
 * Each word gives each dimension +1 or -1 by its hash; the sum of all words' has its length made 1.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/mock_llm/mock.h"
#include "runtime/base/hash.h"

#define S WEFT_STR
#define INPUTS_MAX 2048u
#define DIMENSIONS_MAX 8192u

struct embedding {
	struct weft__mock_node *node;
	struct weft__fault *fault;
	float *vector; /* owned */
	char *text;    /* owned: its base64 */
	uint32_t dimensions;
	bool base64;
	uint64_t tokens, count;
};

static int wrong(struct weft__fault *f, const char *param, const char *what)
{
	return weft__fault_set(f, 400, "invalid_request_error", NULL, param, "Invalid '%s': %s.", param, what);
}

static void add_word(float *vector, uint32_t dimensions, uint64_t hash)
{
	struct weft__rng rng;
	uint64_t bits = 0;

	weft__rng_seed(&rng, hash);
	for (uint32_t i = 0; i < dimensions; i++) {
		if (i % 64 == 0)
			bits = weft__rng_next(&rng);
		vector[i] += bits >> (i % 64) & 1 ? 1.0f : -1.0f;
	}
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static void add_text(struct embedding *e, weft_str text)
{
	size_t at = 0;

	while (at < text.len_bytes) {
		uint64_t hash = 0;

		for (; at < text.len_bytes && is_word((uint8_t)text.ptr[at]); at++)
			hash = weft__mix2(hash, (uint64_t)((uint8_t)text.ptr[at] | 0x20) + 1);
		if (hash)
			add_word(e->vector, e->dimensions, hash);
		at++;
	}
	e->tokens += weft__tokens_of(text.len_bytes);
}

static void make_length_one(struct embedding *e)
{
	double sum = 0;
	float by;

	for (uint32_t i = 0; i < e->dimensions; i++)
		sum += (double)e->vector[i] * (double)e->vector[i];
	if (sum == 0) {
		e->vector[0] = 1; /* no words at all */
		return;
	}
	by = (float)(1 / sqrt(sum));
	for (uint32_t i = 0; i < e->dimensions; i++)
		e->vector[i] *= by;
}

static size_t base64(const uint8_t *from, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = to;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t n = (uint32_t)from[i] << 16 | (i + 1 < len ? (uint32_t)from[i + 1] << 8 : 0) | (i + 2 < len ? from[i + 2] : 0u);

		*at++ = digits[n >> 18];
		*at++ = digits[n >> 12 & 63];
		*at++ = i + 1 < len ? digits[n >> 6 & 63] : '=';
		*at++ = i + 2 < len ? digits[n & 63] : '=';
	}
	return (size_t)(at - to);
}

/* floats are little-endian on every machine that weft runs on. */
static void put_vector(struct embedding *e)
{
	weft_json_writer *w = e->node->json;

	if (e->base64) {
		weft_json_put_str(w, (weft_str){ e->text, base64((const uint8_t *)e->vector, e->dimensions * sizeof(float), e->text) });
		return;
	}
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < e->dimensions; i++)
		weft_json_put_double(w, (double)e->vector[i]);
	weft_json_end_array(w);
}

/* A string, or a list of token numbers. */
static int put_input(struct embedding *e, weft_json input, uint32_t index)
{
	weft_json_writer *w = e->node->json;
	weft_json_iter it = weft_json_iter_begin(input);
	weft_str text;
	int64_t token;

	memset(e->vector, 0, e->dimensions * sizeof(float));
	if (weft_json_get_str(input, &text)) {
		if (!text.len_bytes)
			return wrong(e->fault, "input", "an input is empty");
		add_text(e, text);
	} else {
		if (!weft_json_count(input))
			return wrong(e->fault, "input", "want a string, or an array of strings or tokens");
		while (weft_json_iter_next(&it)) {
			if (!weft_json_get_int(it.value, &token))
				return wrong(e->fault, "input", "want a string, or an array of strings or tokens");
			add_word(e->vector, e->dimensions, weft__mix64((uint64_t)token + 1));
			e->tokens++;
		}
	}
	make_length_one(e);
	e->count++;
	weft_json_begin_object(w);
	weft_json_key(w, S("object"));
	weft_json_put_str(w, S("embedding"));
	weft_json_key(w, S("index"));
	weft_json_put_uint(w, index);
	weft_json_key(w, S("embedding"));
	put_vector(e);
	weft_json_end_object(w);
	return 0;
}

static int put_inputs(struct embedding *e, weft_json input)
{
	weft_json_iter it = weft_json_iter_begin(input);
	uint32_t index = 0;
	bool is_list;
	int r = 0;

	/* A list of strings or of lists; a list of numbers is one input. */
	is_list = weft_json_typeof(input) == WEFT_JSON_ARRAY && weft_json_iter_next(&it) && weft_json_typeof(it.value) != WEFT_JSON_INT;
	if (!is_list)
		return put_input(e, input, 0);
	if (weft_json_count(input) > INPUTS_MAX)
		return wrong(e->fault, "input", "more than 2048 inputs");
	it = weft_json_iter_begin(input);
	while (r == 0 && weft_json_iter_next(&it))
		r = put_input(e, it.value, index++);
	return r;
}

static int read_options(struct embedding *e, weft_json body, weft_str *ret_model)
{
	weft_json format = weft_json_find(body, S("encoding_format")), dimensions = weft_json_find(body, S("dimensions"));
	weft_str s;
	int64_t n;

	if (!weft_json_get_str(weft_json_find(body, S("model")), ret_model))
		return wrong(e->fault, "model", "it is required");
	if (weft_json_typeof(weft_json_find(body, S("input"))) == WEFT_JSON_NONE)
		return wrong(e->fault, "input", "it is required");
	if (weft_json_typeof(format) != WEFT_JSON_NONE && weft_json_typeof(format) != WEFT_JSON_NULL) {
		if (!weft_json_get_str(format, &s) || !(weft_str_eq(s, S("float")) || weft_str_eq(s, S("base64"))))
			return wrong(e->fault, "encoding_format", "want float or base64");
		e->base64 = weft_str_eq(s, S("base64"));
	}
	if (weft_json_typeof(dimensions) != WEFT_JSON_NONE && weft_json_typeof(dimensions) != WEFT_JSON_NULL) {
		if (!weft_json_get_int(dimensions, &n) || n < 1 || n > DIMENSIONS_MAX)
			return wrong(e->fault, "dimensions", "want a number from 1 to 8192");
		e->dimensions = (uint32_t)n;
	}
	return 0;
}

static int put_answer(struct embedding *e, weft_json input, weft_str model)
{
	weft_json_writer *w = e->node->json;
	int r;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft_json_key(w, S("object"));
	weft_json_put_str(w, S("list"));
	weft_json_key(w, S("data"));
	weft_json_begin_array(w);
	r = put_inputs(e, input);
	if (r < 0)
		return r;
	weft_json_end_array(w);
	weft_json_key(w, S("model"));
	weft_json_put_str(w, model);
	weft_json_key(w, S("usage"));
	weft_json_begin_object(w);
	weft_json_key(w, S("prompt_tokens"));
	weft_json_put_uint(w, e->tokens);
	weft_json_key(w, S("total_tokens"));
	weft_json_put_uint(w, e->tokens);
	weft_json_end_object(w);
	weft_json_end_object(w);
	return weft__mock_put_json(e->node);
}

static int ask_embeddings(weft_json body, const struct weft_mock_llm *mock, weft_arena *arena, struct weft__ask *ret,
                          struct weft__fault *fault)
{
	struct embedding e = { .fault = fault };

	(void)mock;
	(void)arena;
	*ret = (struct weft__ask){ .silent = true, .choices = 1 };
	if (weft_json_typeof(body) != WEFT_JSON_OBJECT)
		return wrong(fault, "input", "the body is not a JSON object");
	return read_options(&e, body, &ret->model);
}

static int whole(struct weft__mock_run *run)
{
	struct weft__mock_node *node = run->node;
	weft_json body = weft_json_root(run->doc);
	struct embedding e = { .node = node, .fault = &run->fault, .dimensions = node->mock->options.dimensions };
	int r = read_options(&e, body, &run->ask.model);

	if (r < 0)
		return r;
	e.vector = weft_malloc(e.dimensions * sizeof(float));
	e.text = e.base64 ? weft_malloc((e.dimensions * sizeof(float) + 2) / 3 * 4) : NULL;
	if (!e.vector || (e.base64 && !e.text))
		r = -ENOMEM;
	if (r == 0)
		r = put_answer(&e, weft_json_find(body, S("input")), run->ask.model);
	weft__count(&node->embeddings, e.count);
	weft_free(e.vector);
	weft_free(e.text);
	return r;
}

static int error_embeddings(struct weft__mock_node *node, const struct weft__fault *fault)
{
	return weft__dialect_openai.error(node, fault);
}

static int overload(struct weft__fault *fault, int status)
{
	return weft__dialect_openai.overload(fault, status);
}

const struct weft__dialect weft__dialect_embeddings = {
	.id_prefix = "", .ask = ask_embeddings, .whole = whole, .error = error_embeddings, .overload = overload,
};
