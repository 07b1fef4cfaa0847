/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/anthropic/write.c - a request as the body of the messages API.
 *
 * Turns alternate there: what follows with the same role is put into the same turn, and the
 * answers of tools are blocks of the user's. Empty texts are left out, since they are refused.
 */
#include <errno.h>
#include <string.h>

#include "actors/anthropic/wire.h"
#include "actors/remote/wire.h"

static void block_begin(weft_json_writer *w, weft_str type)
{
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("type"), type);
}

static void put_text_block(weft_json_writer *w, weft_str text)
{
	if (!text.len_bytes)
		return;
	block_begin(w, WEFT_STR("text"));
	weft__wire_put(w, WEFT_STR("text"), text);
	weft_json_end_object(w);
}

static void put_cache_mark(weft_json_writer *w)
{
	weft_json_key(w, WEFT_STR("cache_control"));
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("type"), WEFT_STR("ephemeral"));
	weft_json_end_object(w);
}

/* ---- instructions ------------------------------------------------------------------- */

static bool has_instructions(const weft_model_request *req)
{
	for (uint32_t i = 0; i < req->message_count; i++) {
		if (req->messages[i].role == WEFT_ROLE_SYSTEM && req->messages[i].content.len_bytes)
			return true;
	}
	return req->json_schema.len_bytes > 0;
}

static void put_system(weft_json_writer *w, const weft_model_request *req, const struct weft__anthropic_manner *manner)
{
	weft_str last = { 0 };

	if (!has_instructions(req))
		return;
	weft_json_key(w, WEFT_STR("system"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < req->message_count; i++) {
		if (req->messages[i].role != WEFT_ROLE_SYSTEM || !req->messages[i].content.len_bytes)
			continue;
		put_text_block(w, last);
		last = req->messages[i].content;
	}
	if (last.len_bytes) { /* the mark stands on the last one and means all before it */
		block_begin(w, WEFT_STR("text"));
		weft__wire_put(w, WEFT_STR("text"), last);
		if (manner->cache)
			put_cache_mark(w);
		weft_json_end_object(w);
	}
	if (req->json_schema.len_bytes) {
		put_text_block(w, WEFT_STR("Answer with one JSON value and nothing else, neither prose nor a code fence. "
		                           "It must be valid by this JSON Schema:"));
		put_text_block(w, req->json_schema);
	}
	weft_json_end_array(w);
}

/* ---- turns ---------------------------------------------------------------------------- */

/* data:image/png;base64,... is sent as what it holds, anything else as where it is. */
static void put_image(weft_json_writer *w, weft_str url)
{
	const char *comma = memchr(url.ptr, ',', url.len_bytes);
	const size_t scheme = sizeof("data:") - 1, coding = sizeof(";base64") - 1;
	size_t head = comma ? (size_t)(comma - url.ptr) : 0;

	block_begin(w, WEFT_STR("image"));
	weft_json_key(w, WEFT_STR("source"));
	if (head > scheme + coding && memcmp(url.ptr, "data:", scheme) == 0 &&
	    memcmp(comma - coding, ";base64", coding) == 0) {
		block_begin(w, WEFT_STR("base64"));
		weft__wire_put(w, WEFT_STR("media_type"), (weft_str){ url.ptr + scheme, head - scheme - coding });
		weft__wire_put(w, WEFT_STR("data"), (weft_str){ comma + 1, url.len_bytes - head - 1 });
	} else {
		block_begin(w, WEFT_STR("url"));
		weft__wire_put(w, WEFT_STR("url"), url);
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
}

/* The arguments as the object they must be here; what is none is shown to the model as what it wrote. */
static void put_input(weft_json_writer *w, weft_str arguments)
{
	weft_json_doc *doc = NULL;

	weft_json_key(w, WEFT_STR("input"));
	if (weft_json_parse(arguments, &doc, NULL) == 0 && weft_json_typeof(weft_json_root(doc)) == WEFT_JSON_OBJECT) {
		weft_json_put_value(w, weft_json_root(doc));
	} else {
		weft_json_begin_object(w);
		weft__wire_put(w, WEFT_STR("not_an_object"), arguments);
		weft_json_end_object(w);
	}
	weft_json_release(doc);
}

static void put_tool_use(weft_json_writer *w, const weft_tool_request *call)
{
	block_begin(w, WEFT_STR("tool_use"));
	weft__wire_put(w, WEFT_STR("id"), call->id);
	weft__wire_put(w, WEFT_STR("name"), call->name);
	put_input(w, call->arguments_json);
	weft_json_end_object(w);
}

/* The blocks of thoughts go back as they came; what another provider left there is not ours to send. */
static void put_carried(weft_json_writer *w, weft_str carry)
{
	weft_json_doc *doc;
	weft_json_iter it;

	if (!carry.len_bytes || weft_json_parse(carry, &doc, NULL) < 0)
		return;
	it = weft_json_iter_begin(weft_json_root(doc));
	while (weft_json_iter_next(&it)) {
		if (weft_json_typeof(it.value) == WEFT_JSON_OBJECT)
			weft_json_put_value(w, it.value);
	}
	weft_json_release(doc);
}

static void put_blocks(weft_json_writer *w, const weft_chat_message *m)
{
	if (m->role == WEFT_ROLE_TOOL) {
		block_begin(w, WEFT_STR("tool_result"));
		weft__wire_put(w, WEFT_STR("tool_use_id"), m->tool_call_id);
		weft__wire_put(w, WEFT_STR("content"), m->content);
		weft_json_end_object(w);
		return;
	}
	if (m->role == WEFT_ROLE_ASSISTANT)
		put_carried(w, m->carry_json);
	put_text_block(w, m->content);
	for (uint32_t i = 0; m->role == WEFT_ROLE_USER && i < m->image_url_count; i++)
		put_image(w, m->image_urls[i]);
	for (uint32_t i = 0; m->role == WEFT_ROLE_ASSISTANT && i < m->tool_call_count; i++)
		put_tool_use(w, &m->tool_calls[i]);
}

static bool is_empty(const weft_chat_message *m)
{
	return m->role == WEFT_ROLE_SYSTEM ||
	       (m->role != WEFT_ROLE_TOOL && !m->content.len_bytes && !m->image_url_count && !m->tool_call_count);
}

static void turn_begin(weft_json_writer *w, bool assistant)
{
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("role"), assistant ? WEFT_STR("assistant") : WEFT_STR("user"));
	weft_json_key(w, WEFT_STR("content"));
	weft_json_begin_array(w);
}

static void turn_end(weft_json_writer *w)
{
	weft_json_end_array(w);
	weft_json_end_object(w);
}

static void put_messages(weft_json_writer *w, const weft_model_request *req)
{
	enum { NOBODY, USER, ASSISTANT } speaks = NOBODY, role;

	weft_json_key(w, WEFT_STR("messages"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < req->message_count; i++) {
		if (is_empty(&req->messages[i]))
			continue;
		role = req->messages[i].role == WEFT_ROLE_ASSISTANT ? ASSISTANT : USER;
		if (role != speaks) {
			if (speaks != NOBODY)
				turn_end(w);
			turn_begin(w, role == ASSISTANT);
			speaks = role;
		}
		put_blocks(w, &req->messages[i]);
	}
	if (!req->message_count) {
		turn_begin(w, false);
		put_text_block(w, req->prompt);
		if (req->image_url.len_bytes)
			put_image(w, req->image_url);
		turn_end(w);
	} else if (speaks != NOBODY) {
		turn_end(w);
	}
	weft_json_end_array(w);
}

/* ---- tools ------------------------------------------------------------------------------- */

/* An OpenAI function as a tool of this API. */
static void put_tool(weft_json_writer *w, weft_json function, bool mark)
{
	weft_json parameters = weft_json_find(function, WEFT_STR("parameters"));
	weft_str text = { 0 };

	weft_json_begin_object(w);
	(void)weft_json_get_str(weft_json_find(function, WEFT_STR("name")), &text);
	weft__wire_put(w, WEFT_STR("name"), text);
	if (weft_json_get_str(weft_json_find(function, WEFT_STR("description")), &text))
		weft__wire_put(w, WEFT_STR("description"), text);
	weft_json_key(w, WEFT_STR("input_schema"));
	if (weft_json_typeof(parameters) == WEFT_JSON_OBJECT)
		weft_json_put_value(w, parameters);
	else
		weft_json_put_raw(w, WEFT_STR("{\"type\":\"object\"}"));
	if (mark)
		put_cache_mark(w);
	weft_json_end_object(w);
}

static void put_tool_choice(weft_json_writer *w, const weft_model_request *req)
{
	weft_str choice = req->tool_choice;
	bool none = weft_str_eq(choice, WEFT_STR("none"));

	if (!choice.len_bytes && !req->serial_tool_calls)
		return;
	weft_json_key(w, WEFT_STR("tool_choice"));
	if (!choice.len_bytes || weft_str_eq(choice, WEFT_STR("auto"))) {
		block_begin(w, WEFT_STR("auto"));
	} else if (none) {
		block_begin(w, WEFT_STR("none"));
	} else if (weft_str_eq(choice, WEFT_STR("required"))) {
		block_begin(w, WEFT_STR("any"));
	} else {
		block_begin(w, WEFT_STR("tool"));
		weft__wire_put(w, WEFT_STR("name"), choice);
	}
	if (req->serial_tool_calls && !none) {
		weft_json_key(w, WEFT_STR("disable_parallel_tool_use"));
		weft_json_put_bool(w, true);
	}
	weft_json_end_object(w);
}

static int put_tools(weft_json_writer *w, const weft_model_request *req, const struct weft__anthropic_manner *manner,
                     weft_error *err)
{
	weft_json_doc *doc;
	weft_json_iter it;
	weft_error why;
	size_t left;
	int r;

	if (!req->tools_json.len_bytes)
		return 0;
	r = weft_json_parse(req->tools_json, &doc, &why);
	if (r < 0)
		return weft_error_set(err, r == -ENOMEM ? r : -EINVAL, "tools: %s", why.message);
	if (weft_json_typeof(weft_json_root(doc)) != WEFT_JSON_ARRAY) {
		weft_json_release(doc);
		return weft_error_set(err, -EINVAL, "tools: not an array");
	}
	weft_json_key(w, WEFT_STR("tools"));
	weft_json_begin_array(w);
	left = weft_json_count(weft_json_root(doc));
	it = weft_json_iter_begin(weft_json_root(doc));
	while (weft_json_iter_next(&it))
		put_tool(w, weft_json_find(it.value, WEFT_STR("function")), --left == 0 && manner->cache);
	weft_json_end_array(w);
	weft_json_release(doc);
	put_tool_choice(w, req);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static uint32_t tokens_of(const weft_model_request *req, const struct weft__anthropic_manner *manner)
{
	uint64_t tokens = req->max_tokens ? req->max_tokens : WEFT__ANTHROPIC_TOKENS;

	tokens += manner->thinking_tokens; /* the limit counts thoughts: what the request means is the answer */
	return tokens > UINT32_MAX ? UINT32_MAX : (uint32_t)tokens;
}

static void put_sampling(weft_json_writer *w, const weft_model_request *req, const struct weft__anthropic_manner *manner)
{
	weft_json_key(w, WEFT_STR("max_tokens"));
	weft_json_put_uint(w, tokens_of(req, manner));
	if (manner->thinking_tokens) { /* which is refused beside a temperature */
		weft_json_key(w, WEFT_STR("thinking"));
		block_begin(w, WEFT_STR("enabled"));
		weft_json_key(w, WEFT_STR("budget_tokens"));
		weft_json_put_uint(w, manner->thinking_tokens);
		weft_json_end_object(w);
	} else if (req->temperature >= 0) { /* up to 1 here; one of the two is taken */
		weft__wire_put_float(w, WEFT_STR("temperature"), req->temperature > 1 ? 1 : req->temperature);
	} else if (req->top_p > 0) {
		weft__wire_put_float(w, WEFT_STR("top_p"), req->top_p);
	}
	if (req->stop_count)
		weft__wire_put_list(w, WEFT_STR("stop_sequences"), req->stop, req->stop_count);
}

int weft__anthropic_write(weft_json_writer *w, const weft_model_request *req, const struct weft__anthropic_manner *manner,
                          weft_str model, bool stream, weft_str *ret_body, weft_error *err)
{
	int r;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("model"), req->model.len_bytes ? req->model : model);
	put_sampling(w, req, manner);
	put_system(w, req, manner);
	put_messages(w, req);
	r = put_tools(w, req, manner, err);
	if (r == 0)
		r = weft__wire_put_members(w, manner->extra_json, err);
	if (r < 0)
		return r;
	if (stream) {
		weft_json_key(w, WEFT_STR("stream"));
		weft_json_put_bool(w, true);
	}
	return weft__wire_end(w, ret_body, err);
}
