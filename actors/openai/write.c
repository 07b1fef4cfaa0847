/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/openai/write.c - a request as the body of a chat completion or of embeddings.
 *
 * A member that the request leaves open is not written: then the server's own default holds.
 */
#include "actors/openai/wire.h"

#include <errno.h>

#include "actors/remote/wire.h"

/* Written by a person or a program, maybe wrong: what goes out must be JSON all the same. */
static int put_checked(weft_json_writer *w, weft_str key, weft_str json, weft_json_type type, weft_error *err)
{
	weft_json_doc *doc;
	weft_error why;
	int r = weft_json_parse(json, &doc, &why);

	if (r < 0)
		return weft_error_set(err, r == -ENOMEM ? r : -EINVAL, "%.*s: %s", WEFT_STR_ARG(key), why.message);
	if (weft_json_typeof(weft_json_root(doc)) == type) {
		weft_json_key(w, key);
		weft_json_put_value(w, weft_json_root(doc));
	} else {
		r = weft_error_set(err, -EINVAL, "%.*s: not %s", WEFT_STR_ARG(key), type == WEFT_JSON_ARRAY ? "an array" : "an object");
	}
	weft_json_release(doc);
	return r;
}

/* ---- messages ------------------------------------------------------------------------ */

static void put_image(weft_json_writer *w, weft_str url)
{
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("type"), WEFT_STR("image_url"));
	weft_json_key(w, WEFT_STR("image_url"));
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("url"), url);
	weft_json_end_object(w);
	weft_json_end_object(w);
}

/* A text, or with images a list of parts. */
static void put_content(weft_json_writer *w, weft_str text, const weft_str *images, uint32_t image_count)
{
	weft_json_key(w, WEFT_STR("content"));
	if (!image_count) {
		weft_json_put_str(w, text);
		return;
	}
	weft_json_begin_array(w);
	if (text.len_bytes) {
		weft_json_begin_object(w);
		weft__wire_put(w, WEFT_STR("type"), WEFT_STR("text"));
		weft__wire_put(w, WEFT_STR("text"), text);
		weft_json_end_object(w);
	}
	for (uint32_t i = 0; i < image_count; i++)
		put_image(w, images[i]);
	weft_json_end_array(w);
}

static void put_calls(weft_json_writer *w, const weft_chat_message *m)
{
	weft_json_key(w, WEFT_STR("tool_calls"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < m->tool_call_count; i++) {
		weft_json_begin_object(w);
		weft__wire_put(w, WEFT_STR("id"), m->tool_calls[i].id);
		weft__wire_put(w, WEFT_STR("type"), WEFT_STR("function"));
		weft_json_key(w, WEFT_STR("function"));
		weft_json_begin_object(w);
		weft__wire_put(w, WEFT_STR("name"), m->tool_calls[i].name);
		weft__wire_put(w, WEFT_STR("arguments"), m->tool_calls[i].arguments_json);
		weft_json_end_object(w);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

static void put_message(weft_json_writer *w, const weft_chat_message *m, const struct weft__openai_accent *accent)
{
	bool instructs = m->role == WEFT_ROLE_SYSTEM && accent->developer;

	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("role"), instructs ? WEFT_STR("developer") : weft_str_from(weft_role_name(m->role)));
	if (m->role == WEFT_ROLE_ASSISTANT && m->tool_call_count && !m->content.len_bytes) {
		weft_json_key(w, WEFT_STR("content"));
		weft_json_put_null(w);
	} else {
		put_content(w, m->content, m->image_urls, m->role == WEFT_ROLE_USER ? m->image_url_count : 0);
	}
	if (m->role == WEFT_ROLE_ASSISTANT && m->tool_call_count)
		put_calls(w, m);
	if (m->role == WEFT_ROLE_TOOL)
		weft__wire_put(w, WEFT_STR("tool_call_id"), m->tool_call_id);
	weft_json_end_object(w);
}

/* The conversation, or the one prompt as what a user says, with the image that is asked about. */
static void put_messages(weft_json_writer *w, const weft_model_request *req, const struct weft__openai_accent *accent)
{
	weft_json_key(w, WEFT_STR("messages"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < req->message_count; i++)
		put_message(w, &req->messages[i], accent);
	if (!req->message_count) {
		weft_json_begin_object(w);
		weft__wire_put(w, WEFT_STR("role"), WEFT_STR("user"));
		put_content(w, req->prompt, &req->image_url, req->image_url.len_bytes ? 1 : 0);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
}

/* ---- what else a request says ------------------------------------------------------------ */

static void put_tool_choice(weft_json_writer *w, weft_str choice)
{
	weft_json_key(w, WEFT_STR("tool_choice"));
	if (weft_str_eq(choice, WEFT_STR("auto")) || weft_str_eq(choice, WEFT_STR("none")) ||
	    weft_str_eq(choice, WEFT_STR("required"))) {
		weft_json_put_str(w, choice);
		return;
	}
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("type"), WEFT_STR("function"));
	weft_json_key(w, WEFT_STR("function"));
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("name"), choice);
	weft_json_end_object(w);
	weft_json_end_object(w);
}

static int put_tools(weft_json_writer *w, const weft_model_request *req, weft_error *err)
{
	int r;

	if (!req->tools_json.len_bytes)
		return 0;
	r = put_checked(w, WEFT_STR("tools"), req->tools_json, WEFT_JSON_ARRAY, err);
	if (r == 0 && req->tool_choice.len_bytes)
		put_tool_choice(w, req->tool_choice);
	if (r == 0 && req->serial_tool_calls) {
		weft_json_key(w, WEFT_STR("parallel_tool_calls"));
		weft_json_put_bool(w, false);
	}
	return r;
}

static int put_format(weft_json_writer *w, const weft_model_request *req, weft_error *err)
{
	weft_str name = req->json_schema_name.len_bytes ? req->json_schema_name : WEFT_STR("answer");
	int r;

	if (!req->json_schema.len_bytes)
		return 0;
	weft_json_key(w, WEFT_STR("response_format"));
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("type"), WEFT_STR("json_schema"));
	weft_json_key(w, WEFT_STR("json_schema"));
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("name"), name);
	r = put_checked(w, WEFT_STR("schema"), req->json_schema, WEFT_JSON_OBJECT, err);
	weft_json_end_object(w);
	weft_json_end_object(w);
	return r;
}

static void put_sampling(weft_json_writer *w, const weft_model_request *req, const struct weft__openai_accent *accent)
{
	if (req->max_tokens) {
		weft_json_key(w, accent->completion_tokens ? WEFT_STR("max_completion_tokens") : WEFT_STR("max_tokens"));
		weft_json_put_uint(w, req->max_tokens);
	}
	if (req->temperature >= 0 && !accent->no_temperature)
		weft__wire_put_float(w, WEFT_STR("temperature"), req->temperature);
	if (req->top_p > 0 && !accent->no_temperature)
		weft__wire_put_float(w, WEFT_STR("top_p"), req->top_p);
	if (req->has_seed) {
		weft_json_key(w, WEFT_STR("seed"));
		weft_json_put_int(w, req->seed);
	}
	if (req->reasoning_effort.len_bytes)
		weft__wire_put(w, WEFT_STR("reasoning_effort"), req->reasoning_effort);
	if (req->stop_count)
		weft__wire_put_list(w, WEFT_STR("stop"), req->stop, req->stop_count);
}

int weft__openai_write_chat(weft_json_writer *w, const weft_model_request *req, const struct weft__openai_accent *accent,
                            weft_str model, bool stream, weft_str *ret_body, weft_error *err)
{
	int r;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("model"), req->model.len_bytes ? req->model : model);
	put_messages(w, req, accent);
	put_sampling(w, req, accent);
	r = put_tools(w, req, err);
	if (r == 0)
		r = put_format(w, req, err);
	if (r == 0)
		r = weft__wire_put_members(w, accent->extra_json, err); /* what is said twice counts as said last, with most servers */
	if (r < 0)
		return r;
	if (stream) {
		weft_json_key(w, WEFT_STR("stream"));
		weft_json_put_bool(w, true);
	}
	if (stream && !accent->no_usage) {
		weft_json_key(w, WEFT_STR("stream_options"));
		weft_json_begin_object(w);
		weft_json_key(w, WEFT_STR("include_usage"));
		weft_json_put_bool(w, true);
		weft_json_end_object(w);
	}
	return weft__wire_end(w, ret_body, err);
}

int weft__openai_write_embeddings(weft_json_writer *w, const weft_model_request *req,
                                  const struct weft__openai_accent *accent, weft_str model, weft_str *ret_body,
                                  weft_error *err)
{
	int r;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft__wire_put(w, WEFT_STR("model"), req->model.len_bytes ? req->model : model);
	weft_json_key(w, WEFT_STR("input"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < req->input_count; i++)
		weft_json_put_str(w, req->inputs[i]);
	if (!req->input_count)
		weft_json_put_str(w, req->prompt);
	weft_json_end_array(w);
	weft__wire_put(w, WEFT_STR("encoding_format"), accent->float_embeddings ? WEFT_STR("float") : WEFT_STR("base64"));
	if (req->embedding_dims) {
		weft_json_key(w, WEFT_STR("dimensions"));
		weft_json_put_uint(w, req->embedding_dims);
	}
	r = weft__wire_put_members(w, accent->extra_json, err);
	return r < 0 ? r : weft__wire_end(w, ret_body, err);
}
