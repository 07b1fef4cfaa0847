/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/scribe.c - requests, answers and messages as members of a line of JSON, each text redacted; hashes of the
 * same; and the way back from a line.
 */
#include "actors/record/scribe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- a line ------------------------------------------------------------------- */

int weft__scribe_init(struct weft__scribe *s, struct weft__redact *redact)
{
	int r;

	*s = (struct weft__scribe){ .redact = redact };
	r = weft_json_writer_create(0, &s->w);
	if (r == 0)
		r = weft_json_writer_create(0, &s->part);
	return r < 0 ? r : weft_arena_create(0, &s->scratch);
}

void weft__scribe_fini(struct weft__scribe *s)
{
	weft_json_writer_destroy(s->w);
	weft_json_writer_destroy(s->part);
	weft_arena_destroy(s->scratch);
	*s = (struct weft__scribe){ 0 };
}

void weft__scribe_begin(struct weft__scribe *s, const char *type, uint64_t run, uint32_t step)
{
	weft_arena_reset(s->scratch);
	weft_json_writer_reset(s->w);
	weft_json_begin_object(s->w);
	weft__scribe_plain(s, "type", weft_str_from(type));
	weft__scribe_uint(s, "run", run);
	weft__scribe_uint(s, "step", step);
}

int weft__scribe_end(struct weft__scribe *s, weft_str *ret_line)
{
	weft_json_end_object(s->w);
	return weft_json_writer_text(s->w, ret_line);
}

static void key(struct weft__scribe *s, const char *name)
{
	weft_json_key(s->w, weft_str_from(name));
}

static weft_str clean(struct weft__scribe *s, weft_str text)
{
	return weft__redact(s->redact, text, s->scratch);
}

void weft__scribe_plain(struct weft__scribe *s, const char *name, weft_str text)
{
	key(s, name);
	weft_json_put_str(s->w, text);
}

void weft__scribe_str(struct weft__scribe *s, const char *name, weft_str text)
{
	if (text.len_bytes)
		weft__scribe_plain(s, name, clean(s, text));
}

void weft__scribe_uint(struct weft__scribe *s, const char *name, uint64_t value)
{
	if (!value)
		return;
	key(s, name);
	weft_json_put_uint(s->w, value);
}

void weft__scribe_true(struct weft__scribe *s, const char *name, bool value)
{
	if (!value)
		return;
	key(s, name);
	weft_json_put_bool(s->w, true);
}

void weft__scribe_status(struct weft__scribe *s, int status)
{
	if (status >= 0)
		return;
	key(s, "status");
	weft_json_put_int(s->w, status);
	weft__scribe_plain(s, "error", weft_str_from(weft_errname(status)));
}

void weft__hash_text(weft_hash128 hash, char *ret_text)
{
	for (int i = 0; i < 16; i++) {
		ret_text[i] = "0123456789abcdef"[hash.hi >> (60 - 4 * i) & 15];
		ret_text[16 + i] = "0123456789abcdef"[hash.lo >> (60 - 4 * i) & 15];
	}
	ret_text[32] = '\0';
}

void weft__scribe_hash(struct weft__scribe *s, const char *name, weft_hash128 hash)
{
	char text[WEFT__HASH_TEXT];

	weft__hash_text(hash, text);
	weft__scribe_plain(s, name, weft_str_from(text));
}

static void put_value(struct weft__scribe *s, weft_json value)
{
	weft_json_iter it = weft_json_iter_begin(value);
	weft_str text;

	if (weft_json_typeof(value) == WEFT_JSON_OBJECT) {
		weft_json_begin_object(s->w);
		while (weft_json_iter_next(&it)) {
			weft_json_key(s->w, it.key);
			put_value(s, it.value); /* no deeper than the parser lets it be */
		}
		weft_json_end_object(s->w);
	} else if (weft_json_typeof(value) == WEFT_JSON_ARRAY) {
		weft_json_begin_array(s->w);
		while (weft_json_iter_next(&it))
			put_value(s, it.value);
		weft_json_end_array(s->w);
	} else if (weft_json_get_str(value, &text)) {
		weft_json_put_str(s->w, clean(s, text));
	} else {
		weft_json_put_value(s->w, value);
	}
}

void weft__scribe_value(struct weft__scribe *s, const char *name, weft_json value)
{
	key(s, name);
	put_value(s, value);
}

/* ---- messages ------------------------------------------------------------------- */

static void put_calls(struct weft__scribe *s, const weft_tool_request *calls, uint32_t count)
{
	if (!count)
		return;
	key(s, "tool_calls");
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < count; i++) {
		weft_json_begin_object(s->w);
		weft__scribe_str(s, "id", calls[i].id);
		weft__scribe_str(s, "name", calls[i].name);
		weft__scribe_str(s, "arguments", calls[i].arguments_json);
		weft_json_end_object(s->w);
	}
	weft_json_end_array(s->w);
}

void weft__scribe_call(struct weft__scribe *s, const weft_tool_call *call)
{
	weft__scribe_str(s, "name", call->name);
	weft__scribe_str(s, "id", call->id);
	weft__scribe_str(s, "arguments", call->arguments_text);
}

static void put_strings(struct weft__scribe *s, const char *name, const weft_str *list, uint32_t count)
{
	if (!count)
		return;
	key(s, name);
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < count; i++)
		weft_json_put_str(s->w, clean(s, list[i]));
	weft_json_end_array(s->w);
}

static void put_message(struct weft__scribe *s, const weft_chat_message *m)
{
	weft_json_begin_object(s->w);
	weft__scribe_plain(s, "role", weft_str_from(weft_role_name(m->role)));
	weft__scribe_str(s, "content", m->content);
	weft__scribe_str(s, "tool_call_id", m->tool_call_id);
	put_calls(s, m->tool_calls, m->tool_call_count);
	put_strings(s, "image_urls", m->image_urls, m->image_url_count);
	weft__scribe_str(s, "carry_json", m->carry_json);
	weft_json_end_object(s->w);
}

void weft__scribe_messages(struct weft__scribe *s, const char *name, const weft_chat_message *list, uint32_t count)
{
	key(s, name);
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < count; i++)
		put_message(s, &list[i]);
	weft_json_end_array(s->w);
}

/* ---- requests and answers ---------------------------------------------------------- */

static void put_fields(struct weft__scribe *s, const weft_answer_field *fields, uint32_t count)
{
	if (!count)
		return;
	key(s, "fields");
	weft_json_begin_object(s->w);
	for (uint32_t i = 0; i < count; i++) {
		weft_json_key(s->w, fields[i].name);
		weft_json_put_bool(s->w, fields[i].required);
	}
	weft_json_end_object(s->w);
}

static bool json_hash(weft_str json, weft_hash128 *ret_hash)
{
	weft_json_doc *doc;

	if (!json.len_bytes || weft_json_parse(json, &doc, NULL) < 0)
		return false;
	*ret_hash = weft_json_canonical_hash(weft_json_root(doc));
	weft_json_release(doc);
	return true;
}

/* JSON that is hashed without regard to the order of its keys; what does not parse, as text. */
static void put_json_hash(struct weft__scribe *s, const char *name, weft_str json)
{
	weft_hash128 hash;

	if (json_hash(json, &hash))
		weft__scribe_hash(s, name, hash);
	else
		weft__scribe_str(s, name, json);
}

bool weft__scribe_tools_hash(struct weft__scribe *s, weft_str tools_json, weft_hash128 *ret_hash)
{
	weft_arena_reset(s->scratch);
	return json_hash(clean(s, tools_json), ret_hash);
}

/* The same for each request of an agent, mostly. */
static void put_tools(struct weft__scribe *s, weft_str tools)
{
	if (tools.len_bytes && tools.ptr == s->tools.ptr && tools.len_bytes == s->tools.len_bytes)
		weft__scribe_hash(s, "tools", s->tools_hash);
	else
		put_json_hash(s, "tools", clean(s, tools));
}

static void put_double(struct weft__scribe *s, const char *name, double value)
{
	key(s, name);
	weft_json_put_double(s->w, value);
}

/* Everything but the conversation. */
static void put_rest(struct weft__scribe *s, const weft_model_request *req)
{
	weft__scribe_plain(s, "model_type", weft_str_from(weft_model_type_name(req->type)));
	weft__scribe_str(s, "prompt", req->prompt);
	weft__scribe_str(s, "image_url", req->image_url);
	put_tools(s, req->tools_json);
	put_fields(s, req->fields, req->field_count);
	weft__scribe_uint(s, "max_tokens", req->max_tokens);
	put_double(s, "temperature", (double)req->temperature);
	weft__scribe_str(s, "model", req->model);
	put_strings(s, "inputs", req->inputs, req->input_count);
	weft__scribe_uint(s, "embedding_dims", req->embedding_dims);
	put_strings(s, "stop", req->stop, req->stop_count);
	weft__scribe_str(s, "tool_choice", req->tool_choice);
	put_json_hash(s, "json_schema", clean(s, req->json_schema));
	weft__scribe_str(s, "json_schema_name", req->json_schema_name);
	weft__scribe_str(s, "reasoning_effort", req->reasoning_effort);
	if (req->has_seed) {
		key(s, "seed");
		weft_json_put_int(s->w, req->seed);
	}
	if (req->top_p > 0)
		put_double(s, "top_p", (double)req->top_p);
	weft__scribe_true(s, "serial_tool_calls", req->serial_tool_calls);
}

void weft__scribe_request(struct weft__scribe *s, const weft_model_request *req, uint32_t kept)
{
	put_rest(s, req);
	weft__scribe_uint(s, "kept", kept);
	if (req->message_count)
		weft__scribe_messages(s, "messages", req->messages + kept, req->message_count - kept);
}

static void put_usage(struct weft__scribe *s, const weft_model_usage *u)
{
	key(s, "usage");
	weft_json_begin_object(s->w);
	weft__scribe_uint(s, "prompt_tokens", u->prompt_tokens);
	weft__scribe_uint(s, "completion_tokens", u->completion_tokens);
	weft__scribe_uint(s, "reasoning_tokens", u->reasoning_tokens);
	weft__scribe_uint(s, "cached_tokens", u->cached_tokens);
	weft__scribe_true(s, "estimated", u->estimated);
	weft_json_end_object(s->w);
}

static void put_embedding(struct weft__scribe *s, const weft_model_response *res)
{
	size_t n = (size_t)res->embedding_dims * (res->embedding_count ? res->embedding_count : 1);

	if (!res->embedding)
		return;
	weft__scribe_uint(s, "embedding_dims", res->embedding_dims);
	weft__scribe_uint(s, "embedding_count", res->embedding_count);
	key(s, "embedding");
	weft_json_begin_array(s->w);
	for (size_t i = 0; i < n; i++)
		weft_json_put_double(s->w, (double)res->embedding[i]);
	weft_json_end_array(s->w);
}

void weft__scribe_response(struct weft__scribe *s, const weft_model_response *res)
{
	weft__scribe_str(s, "text", res->text);
	put_calls(s, res->tool_calls, res->tool_call_count);
	put_embedding(s, res);
	weft__scribe_uint(s, "finish", res->finish);
	weft__scribe_str(s, "reasoning", res->reasoning);
	weft__scribe_str(s, "model", res->model);
	weft__scribe_str(s, "carry_json", res->carry_json);
	weft__scribe_true(s, "cached", res->cached);
	put_usage(s, &res->usage);
}

/* ---- hashes ---------------------------------------------------------------------------- */

/* Write with `part` in place of the line. */
static weft_json_writer *aside(struct weft__scribe *s)
{
	weft_json_writer *line = s->w;

	s->w = s->part;
	weft_json_writer_reset(s->w);
	return line;
}

static int hash_written(struct weft__scribe *s, weft_hash128 *ret)
{
	weft_json_doc *doc;
	weft_str text;
	int r = weft_json_writer_text(s->w, &text);

	if (r == 0)
		r = weft_json_parse(text, &doc, NULL);
	if (r < 0)
		return -ENOMEM; /* what a scribe writes is JSON */
	*ret = weft_json_canonical_hash(weft_json_root(doc));
	weft_json_release(doc);
	return 0;
}

static int digest_reserve(struct weft__digest *d, uint32_t count)
{
	weft_hash128 *more;

	if (count <= d->cap)
		return 0;
	more = weft_realloc(d->messages, count * sizeof(*more));
	if (!more)
		return -ENOMEM;
	d->messages = more;
	d->cap = count;
	return 0;
}

/* The hashes of the messages that are known. */
static void digest_begin(struct weft__digest *d, const struct weft__digest *before, uint32_t count_max)
{
	d->count = before && before->count <= count_max ? before->count : 0;
	if (d->count)
		memcpy(d->messages, before->messages, d->count * sizeof(*d->messages));
}

int weft__digest_make(struct weft__scribe *s, const weft_model_request *req, const struct weft__digest *before,
                      struct weft__digest *d)
{
	weft_json_writer *line;
	int r = digest_reserve(d, req->message_count);

	if (r < 0)
		return r;
	weft_arena_reset(s->scratch);
	line = aside(s);
	for (digest_begin(d, before, req->message_count); r == 0 && d->count < req->message_count; d->count++) {
		weft_json_writer_reset(s->w);
		put_message(s, &req->messages[d->count]);
		r = hash_written(s, &d->messages[d->count]);
	}
	weft_json_writer_reset(s->w);
	weft_json_begin_object(s->w);
	put_rest(s, req);
	key(s, "messages");
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; r == 0 && i < d->count; i++) {
		char text[WEFT__HASH_TEXT];

		weft__hash_text(d->messages[i], text);
		weft_json_put_str(s->w, weft_str_from(text));
	}
	weft_json_end_array(s->w);
	weft_json_end_object(s->w);
	if (r == 0)
		r = hash_written(s, &d->hash);
	s->w = line;
	return r;
}

void weft__digest_keep(struct weft__digest *before, struct weft__digest *now)
{
	if (now->count) {
		weft__digest_fini(before);
		*before = *now;
	} else {
		weft__digest_fini(now);
	}
}

void weft__digest_fini(struct weft__digest *d)
{
	weft_free(d->messages);
	*d = (struct weft__digest){ 0 };
}

uint32_t weft__digest_common(const struct weft__digest *a, const struct weft__digest *b)
{
	uint32_t n = a->count < b->count ? a->count : b->count, i = 0;

	while (i < n && a->messages[i].lo == b->messages[i].lo && a->messages[i].hi == b->messages[i].hi)
		i++;
	return i;
}

/* ---- reading back ------------------------------------------------------------------------- */

weft_str weft__read_str(weft_json object, const char *name)
{
	weft_str s = { 0 };

	(void)weft_json_get_str(weft_json_find(object, weft_str_from(name)), &s);
	return s;
}

int64_t weft__read_int(weft_json object, const char *name)
{
	int64_t n = 0;

	(void)weft_json_get_int(weft_json_find(object, weft_str_from(name)), &n);
	return n;
}

uint64_t weft__read_uint(weft_json object, const char *name)
{
	int64_t n = weft__read_int(object, name);

	return n < 0 ? 0 : (uint64_t)n;
}

bool weft__read_bool(weft_json object, const char *name)
{
	bool b = false;

	(void)weft_json_get_bool(weft_json_find(object, weft_str_from(name)), &b);
	return b;
}

weft_str weft__read_copy(weft_json object, const char *name, weft_arena *arena, int *r)
{
	weft_str s = weft__read_str(object, name);

	if (!s.len_bytes)
		return (weft_str){ 0 };
	s = weft_arena_dup(arena, s);
	if (!s.ptr)
		*r = -ENOMEM;
	return s;
}

static int read_calls(weft_json array, weft_arena *arena, const weft_tool_request **ret, uint32_t *ret_count)
{
	size_t n = weft_json_count(array);
	weft_tool_request *list = n ? weft_arena_calloc(arena, n * sizeof(*list)) : NULL;
	weft_json_iter it = weft_json_iter_begin(array);
	uint32_t i = 0;
	int r = n && !list ? -ENOMEM : 0;

	for (; r == 0 && weft_json_iter_next(&it); i++) {
		list[i].id = weft__read_copy(it.value, "id", arena, &r);
		list[i].name = weft__read_copy(it.value, "name", arena, &r);
		list[i].arguments_json = weft__read_copy(it.value, "arguments", arena, &r);
	}
	*ret = list;
	*ret_count = i;
	return r;
}

static int read_strings(weft_json array, weft_arena *arena, const weft_str **ret, uint32_t *ret_count)
{
	size_t n = weft_json_count(array);
	weft_str *list = n ? weft_arena_calloc(arena, n * sizeof(*list)) : NULL;
	weft_json_iter it = weft_json_iter_begin(array);
	uint32_t i = 0;

	if (n && !list)
		return -ENOMEM;
	for (; weft_json_iter_next(&it); i++) {
		weft_str s = { 0 };

		(void)weft_json_get_str(it.value, &s);
		list[i] = weft_arena_dup(arena, s);
		if (!list[i].ptr)
			return -ENOMEM;
	}
	*ret = list;
	*ret_count = i;
	return 0;
}

static int read_role(weft_str name, weft_role *ret)
{
	for (int i = WEFT_ROLE_SYSTEM; i <= WEFT_ROLE_TOOL; i++) {
		if (!weft_str_eq(name, weft_str_from(weft_role_name((weft_role)i))))
			continue;
		*ret = (weft_role)i;
		return 0;
	}
	return -EINVAL;
}

static int read_message(weft_json from, weft_arena *arena, weft_chat_message *m)
{
	int r = read_role(weft__read_str(from, "role"), &m->role);

	if (r < 0)
		return r;
	m->content = weft__read_copy(from, "content", arena, &r);
	m->tool_call_id = weft__read_copy(from, "tool_call_id", arena, &r);
	m->carry_json = weft__read_copy(from, "carry_json", arena, &r);
	if (r == 0)
		r = read_calls(weft_json_find(from, WEFT_STR("tool_calls")), arena, &m->tool_calls, &m->tool_call_count);
	return r < 0 ? r : read_strings(weft_json_find(from, WEFT_STR("image_urls")), arena, &m->image_urls, &m->image_url_count);
}

int weft__read_messages(weft_json array, weft_arena *arena, weft_chat_message **ret_list, uint32_t *ret_count)
{
	size_t n = weft_json_count(array);
	weft_chat_message *list = n ? weft_arena_calloc(arena, n * sizeof(*list)) : NULL;
	weft_json_iter it = weft_json_iter_begin(array);
	uint32_t i = 0;
	int r = n && !list ? -ENOMEM : 0;

	for (; r == 0 && weft_json_iter_next(&it); i++)
		r = read_message(it.value, arena, &list[i]);
	if (r < 0)
		return r;
	*ret_list = list;
	*ret_count = i;
	return 0;
}

static int read_embedding(weft_json line, weft_arena *arena, weft_model_response *res)
{
	weft_json array = weft_json_find(line, WEFT_STR("embedding"));
	weft_json_iter it = weft_json_iter_begin(array);
	size_t n = weft_json_count(array), i = 0;
	float *v;

	if (!n)
		return 0;
	res->embedding_dims = (uint32_t)weft__read_uint(line, "embedding_dims");
	res->embedding_count = (uint32_t)weft__read_uint(line, "embedding_count");
	if (n != (size_t)res->embedding_dims * (res->embedding_count ? res->embedding_count : 1))
		return -EINVAL;
	v = weft_arena_alloc(arena, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (; weft_json_iter_next(&it); i++) {
		double d = 0;

		(void)weft_json_get_double(it.value, &d);
		v[i] = (float)d;
	}
	res->embedding = v;
	return 0;
}

int weft__read_response(weft_json line, weft_arena *arena, weft_model_response *res)
{
	weft_json usage = weft_json_find(line, WEFT_STR("usage"));
	uint64_t finish = weft__read_uint(line, "finish");
	int r = 0;

	*res = (weft_model_response){ 0 };
	res->text = weft__read_copy(line, "text", arena, &r);
	res->reasoning = weft__read_copy(line, "reasoning", arena, &r);
	res->model = weft__read_copy(line, "model", arena, &r);
	res->carry_json = weft__read_copy(line, "carry_json", arena, &r);
	res->cached = weft__read_bool(line, "cached");
	res->finish = finish <= WEFT_FINISH_OTHER ? (weft_finish)finish : WEFT_FINISH_UNKNOWN;
	res->usage = (weft_model_usage){ .prompt_tokens = (uint32_t)weft__read_uint(usage, "prompt_tokens"),
		                         .completion_tokens = (uint32_t)weft__read_uint(usage, "completion_tokens"),
		                         .reasoning_tokens = (uint32_t)weft__read_uint(usage, "reasoning_tokens"),
		                         .cached_tokens = (uint32_t)weft__read_uint(usage, "cached_tokens"),
		                         .estimated = weft__read_bool(usage, "estimated") };
	if (r == 0)
		r = read_calls(weft_json_find(line, WEFT_STR("tool_calls")), arena, &res->tool_calls, &res->tool_call_count);
	return r < 0 ? r : read_embedding(line, arena, res);
}
