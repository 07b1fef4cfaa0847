/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/asked.c - a run's request, and a definition, as members of their lines and back. The hash of a request leaves
 * out the ids of room and speaker, so a replay finds the run that was asked the same.
 */
#include "actors/record/asked.h"

#include <errno.h>

#include "actors/agent.h"
#include "actors/record/permits.h"

static void put_uuid(struct weft__scribe *s, const char *key, weft_uuid id)
{
	char text[WEFT_UUID_TEXT_LEN];

	weft_uuid_format(id, text);
	weft__scribe_plain(s, key, (weft_str){ text, sizeof(text) });
}

static void put_message(struct weft__scribe *s, const struct weft__handle_body *h)
{
	weft__scribe_plain(s, "kind", WEFT_STR("message"));
	weft__scribe_str(s, "text", h->message.text);
	weft__scribe_str(s, "source", h->message.source);
	weft__scribe_true(s, "mentions_agent", h->mentions_agent);
	weft__scribe_true(s, "replies_to_agent", h->replies_to_agent);
	weft__scribe_uint(s, "attachments", h->message.attachment_count);
}

static void put_budget(struct weft__scribe *s, const weft_budget *budget)
{
	weft__scribe_uint(s, "budget_tokens", budget->tokens);
	weft__scribe_uint(s, "budget_micros", budget->micros);
}

static void put_ask(struct weft__scribe *s, const struct weft__ask_body *a)
{
	weft__scribe_plain(s, "kind", WEFT_STR("ask"));
	weft__scribe_str(s, "input", a->input);
	weft__scribe_str(s, "json_schema", a->json_schema);
	put_budget(s, &a->budget);
	weft__scribe_true(s, "resumed", !weft_uuid_is_nil(a->resume));
	if (!weft_uuid_is_nil(a->resume))
		put_uuid(s, "suspended", a->resume);
	if (a->history_count)
		weft__scribe_messages(s, "history", a->history, a->history_count);
}

static bool is_message(weft_msg *request)
{
	return weft_msg_kind(request) == WEFT__KIND_HANDLE;
}

void weft__scribe_asked(struct weft__scribe *s, weft_msg *request)
{
	const struct weft__handle_body *h = weft_msg_data(request);

	if (!is_message(request)) {
		put_ask(s, weft_msg_data(request));
		return;
	}
	put_message(s, h);
	put_uuid(s, "room", h->message.room_id);
	put_uuid(s, "entity", h->message.entity_id);
}

void weft__scribe_ended(struct weft__scribe *s, const weft_agent_result *result, uint32_t steps)
{
	weft__scribe_uint(s, "steps", steps);
	weft__scribe_status(s, result->status);
	weft__scribe_str(s, "why", result->error);
	weft__scribe_str(s, "text", result->text);
}

int weft__asked_hash(struct weft__scribe *s, weft_msg *request, weft_hash128 *ret_hash)
{
	weft_json_doc *doc;
	weft_str text;
	int r;

	weft__scribe_begin(s, "asked", 0, 0);
	if (is_message(request))
		put_message(s, weft_msg_data(request));
	else
		put_ask(s, weft_msg_data(request));
	r = weft__scribe_end(s, &text);
	if (r == 0)
		r = weft_json_parse(text, &doc, NULL);
	if (r < 0)
		return -ENOMEM; /* what a scribe writes is JSON */
	*ret_hash = weft_json_canonical_hash(weft_json_root(doc));
	weft_json_release(doc);
	return 0;
}

/* ---- definitions ----------------------------------------------------------- */

static void put_list(struct weft__scribe *s, const char *key, const weft_str *list, uint32_t count)
{
	weft_json_key(s->w, weft_str_from(key));
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < count; i++)
		weft_json_put_str(s->w, weft__redact(s->redact, list[i], s->scratch));
	weft_json_end_array(s->w);
}

/* As a character file has it. */
static void put_character(struct weft__scribe *s, const weft_character *c)
{
	weft_json_key(s->w, WEFT_STR("character"));
	weft_json_begin_object(s->w);
	weft__scribe_str(s, "name", c->name);
	weft__scribe_str(s, "system", c->system);
	put_list(s, "bio", c->bio, c->bio_count);
	put_list(s, "topics", c->topics, c->topic_count);
	weft_json_key(s->w, WEFT_STR("style"));
	weft_json_begin_object(s->w);
	put_list(s, "all", c->style_all, c->style_all_count);
	put_list(s, "chat", c->style_chat, c->style_chat_count);
	put_list(s, "post", c->style_post, c->style_post_count);
	weft_json_end_object(s->w);
	weft_json_end_object(s->w);
}

static void put_pipeline(struct weft__scribe *s, const weft_agent_options *o)
{
	weft__scribe_uint(s, "room_policy", o->room_policy);
	weft__scribe_true(s, "check_should_respond", o->check_should_respond);
	weft__scribe_true(s, "autonomous", o->autonomous);
	weft__scribe_true(s, "multi_step", o->multi_step);
	weft__scribe_true(s, "bare", o->bare);
	weft__scribe_true(s, "no_embeddings", o->no_embeddings);
	weft__scribe_true(s, "recall_always", o->recall_always);
	weft__scribe_uint(s, "multi_step_rounds", o->multi_step_rounds);
	weft__scribe_uint(s, "parse_tries", o->parse_tries);
	weft__scribe_uint(s, "context_tokens", o->context_tokens);
}

void weft__scribe_def(struct weft__scribe *s, const weft_agent_def *def)
{
	const weft_agent_options *o = &def->opt;
	weft_str tools = weft_tools_json(def->tools);

	weft__scribe_str(s, "name", weft__def_name(def));
	weft__scribe_str(s, "system", weft__def_system(def));
	weft__scribe_uint(s, "max_tokens", o->max_tokens);
	weft_json_key(s->w, WEFT_STR("temperature"));
	weft_json_put_double(s->w, (double)o->temperature);
	weft__scribe_true(s, "strip_think", o->strip_think);
	weft__scribe_uint(s, "max_tool_iterations", o->max_tool_iterations);
	weft__scribe_true(s, "serial_tool_calls", o->serial_tool_calls);
	put_budget(s, &o->budget);
	weft__scribe_uint(s, "loop_policy", o->loop_policy);
	weft__scribe_str(s, "loop_message", weft_str_from(def->loop_message));
	if (tools.len_bytes) {
		weft_json_key(s->w, WEFT_STR("tools"));
		weft_json_put_raw(s->w, weft__redact(s->redact, tools, s->scratch));
	}
	weft__scribe_permissions(s, def->permissions);
	if (def->character)
		put_character(s, def->character);
	if (def->character && def->store)
		put_pipeline(s, o);
}

/* Money is left out: prices belong to the models, and a replay has others. */
static weft_budget read_budget(weft_json line)
{
	return (weft_budget){ .tokens = weft__read_uint(line, "budget_tokens") };
}

void weft__read_def(weft_json line, weft_agent_options *ret_opt)
{
	weft_agent_options o = WEFT_AGENT_OPTIONS_INIT;
	double temperature = -1;

	(void)weft_json_get_double(weft_json_find(line, WEFT_STR("temperature")), &temperature);
	o.temperature = (float)temperature;
	o.max_tokens = (uint32_t)weft__read_uint(line, "max_tokens");
	o.strip_think = weft__read_bool(line, "strip_think");
	o.max_tool_iterations = (uint32_t)weft__read_uint(line, "max_tool_iterations");
	o.serial_tool_calls = weft__read_bool(line, "serial_tool_calls");
	o.budget = read_budget(line);
	o.loop_policy = (uint8_t)weft__read_uint(line, "loop_policy");
	o.room_policy = (uint8_t)weft__read_uint(line, "room_policy");
	o.check_should_respond = weft__read_bool(line, "check_should_respond");
	o.autonomous = weft__read_bool(line, "autonomous");
	o.multi_step = weft__read_bool(line, "multi_step");
	o.bare = weft__read_bool(line, "bare");
	o.no_embeddings = weft__read_bool(line, "no_embeddings");
	o.recall_always = weft__read_bool(line, "recall_always");
	o.multi_step_rounds = (uint32_t)weft__read_uint(line, "multi_step_rounds");
	o.parse_tries = (uint32_t)weft__read_uint(line, "parse_tries");
	o.context_tokens = (uint32_t)weft__read_uint(line, "context_tokens");
	*ret_opt = o;
}

/* ---- reading back ------------------------------------------------------------- */

bool weft__read_is_message(weft_json line)
{
	return weft_str_eq(weft__read_str(line, "kind"), WEFT_STR("message"));
}

int weft__read_ask(weft_json line, weft_arena *arena, weft_ask *ret_ask)
{
	weft_json array = weft_json_find(line, WEFT_STR("history"));
	weft_ask ask = WEFT_ASK_INIT;
	weft_chat_message *history = NULL;
	int r = 0;

	ask.input = weft__read_copy(line, "input", arena, &r);
	ask.json_schema = weft__read_copy(line, "json_schema", arena, &r);
	ask.budget = read_budget(line);
	if (r == 0)
		r = weft__read_messages(array, arena, &history, &ask.history_count);
	ask.history = history;
	if (r == 0)
		*ret_ask = ask;
	return r;
}

int weft__read_incoming(weft_json line, weft_arena *arena, weft_incoming *ret_in)
{
	weft_incoming in = WEFT_INCOMING_INIT;
	int r = 0;

	in.message.text = weft__read_copy(line, "text", arena, &r);
	in.message.source = weft__read_copy(line, "source", arena, &r);
	in.mentions_agent = weft__read_bool(line, "mentions_agent");
	in.replies_to_agent = weft__read_bool(line, "replies_to_agent");
	if (r == 0)
		r = weft_uuid_parse(weft__read_str(line, "room"), &in.message.room_id);
	if (r == 0)
		r = weft_uuid_parse(weft__read_str(line, "entity"), &in.message.entity_id);
	if (r == 0)
		*ret_in = in;
	return r;
}
