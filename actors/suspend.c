/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/suspend.c - a run of the tool loop as text, and back.
 *
 * A run is suspended between a turn's calls and the next turn of the model: nothing is under way then, so
 * all there is of it are its messages, a few counts, and what came of the calls that were made. What
 * follows from those (which calls repeat earlier ones) is not written but found again.
 */
#include <errno.h>
#include <string.h>

#include "actors/ask.h"

/* ---- writing ------------------------------------------------------------------------- */

static void put_text(weft_json_writer *w, const char *key, weft_str text)
{
	if (!text.len_bytes)
		return;
	weft_json_key(w, weft_str_from(key));
	weft_json_put_str(w, text);
}

static void put_uint(weft_json_writer *w, const char *key, uint64_t value)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_uint(w, value);
}

/* With all 64 bits: a JSON reader has a sign and 63. */
static void put_bits(weft_json_writer *w, const char *key, uint64_t value)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_int(w, (int64_t)value);
}

static void put_bool(weft_json_writer *w, const char *key, bool value)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_bool(w, value);
}

static void put_message(weft_json_writer *w, const weft_chat_message *m)
{
	weft_json_begin_object(w);
	put_uint(w, "role", m->role);
	put_text(w, "content", m->content);
	put_text(w, "tool_call_id", m->tool_call_id);
	put_text(w, "carry", m->carry_json);
	if (m->image_url_count) {
		weft_json_key(w, WEFT_STR("images"));
		weft_json_begin_array(w);
		for (uint32_t i = 0; i < m->image_url_count; i++)
			weft_json_put_str(w, m->image_urls[i]);
		weft_json_end_array(w);
	}
	if (m->tool_call_count) {
		weft_json_key(w, WEFT_STR("calls"));
		weft_json_begin_array(w);
		for (uint32_t i = 0; i < m->tool_call_count; i++) {
			weft_json_begin_object(w);
			put_text(w, "id", m->tool_calls[i].id);
			put_text(w, "name", m->tool_calls[i].name);
			put_text(w, "arguments", m->tool_calls[i].arguments_json);
			weft_json_end_object(w);
		}
		weft_json_end_array(w);
	}
	weft_json_end_object(w);
}

/* A call that is over has its status and text; one that is not is made, or asked about, when the run goes on. */
static void put_call(weft_json_writer *w, const struct weft__ask *a, uint32_t i)
{
	const struct weft__tool_run *t = &a->calls[i];

	weft_json_begin_object(w);
	if (i < a->call_next && !t->waits && !t->repeated) {
		weft_json_key(w, WEFT_STR("status"));
		weft_json_put_int(w, t->status);
		put_text(w, "text", t->text);
	}
	weft_json_end_object(w);
}

/* What was asked, and what was used so far. */
static void put_counts(weft_json_writer *w, const struct weft__ask *a)
{
	const weft_agent_result *res = &a->run->result;

	put_bits(w, "parent_workflow", a->run->parent_workflow_id);
	put_bits(w, "budget_tokens", a->body->budget.tokens);
	put_bits(w, "budget_micros", a->body->budget.micros);
	put_bits(w, "spent_tokens", a->run->spending.tokens);
	put_bits(w, "spent_picos", a->run->spending.picos);
	put_uint(w, "iterations", res->iterations);
	put_uint(w, "tool_calls", a->tool_calls);
	put_uint(w, "own", a->own);
	put_uint(w, "prompt_tokens", res->usage.prompt_tokens);
	put_uint(w, "completion_tokens", res->usage.completion_tokens);
	put_uint(w, "reasoning_tokens", res->usage.reasoning_tokens);
	put_uint(w, "cached_tokens", res->usage.cached_tokens);
	put_bool(w, "estimated", res->usage.estimated);
	put_bool(w, "end_after", a->body->end_after);
	put_bool(w, "want_history", a->body->want_history);
	put_text(w, "json_schema", a->body->json_schema);
}

static int write_state(const struct weft__ask *a, weft_str *ret_json)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put_counts(w, a);
	weft_json_key(w, WEFT_STR("messages"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < a->count; i++)
		put_message(w, &a->messages[i]);
	weft_json_end_array(w);
	weft_json_key(w, WEFT_STR("calls"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < a->call_count; i++)
		put_call(w, a, i);
	weft_json_end_array(w);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0) {
		*ret_json = weft_arena_dup(a->run->arena, text);
		r = ret_json->ptr ? 0 : -ENOMEM;
	}
	weft_json_writer_destroy(w);
	return r;
}

/* ---- suspend ----------------------------------------------------------------------------- */

static int list_waiting(struct weft__ask *a, struct weft__suspended *s)
{
	s->approvals = weft_arena_calloc(a->run->arena, a->waiting * sizeof(*s->approvals));
	if (!s->approvals)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->call_count; i++) {
		const struct weft__tool_run *t = &a->calls[i];

		if (t->waits)
			s->approvals[s->count++] = (struct weft__approval){ .call = i,
				                                            .tool = t->call.name,
				                                            .arguments = t->call.arguments_text,
				                                            .why = t->why };
	}
	return 0;
}

static int fill_result(struct weft__ask *a, const struct weft__suspended *s)
{
	weft_agent_result *res = &a->run->result;
	weft_approval *list = weft_arena_calloc(a->run->arena, s->count * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->count; i++)
		list[i] = (weft_approval){ .id = s->approvals[i].id, .run = s->run, .agent = s->agent,
			                   .tool = s->approvals[i].tool, .arguments = s->approvals[i].arguments,
			                   .why = s->approvals[i].why, .asked_ms = s->asked_ms };
	res->approvals = list;
	res->approval_count = s->count;
	res->suspended_run = s->run;
	res->status = WEFT_EAPPROVAL;
	res->error = weft_arena_printf(a->run->arena, "the call of tool '%.*s'%s for approval",
	                               WEFT_STR_ARG(s->approvals[0].tool), s->count > 1 ? " and others wait" : " waits");
	return 0;
}

int weft__ask_suspend(struct weft__ask *a)
{
	weft_approvals *book = a->run->agent->def->approvals;
	struct weft__suspended s = { .agent = a->name };
	int r = list_waiting(a, &s);

	if (r == 0)
		r = write_state(a, &s.state_json);
	if (r == 0 && book)
		r = weft__approvals_keep(book, &s);
	if (a->run->tape)
		r = a->run->tape->tape->fns->suspended(a->run, &s, r);
	if (r == 0)
		r = fill_result(a, &s);
	if (!book)
		return r; /* a replay asks nobody */
	if (r == 0)
		weft__approvals_tell(book, &s);
	else if (!weft_uuid_is_nil(s.run))
		weft__approvals_done(book, s.run);
	return r;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What is read must be of the right type; what is missing is nothing. False: damaged, or no memory. */
static bool get_text(weft_arena *arena, weft_json object, const char *key, weft_str *ret)
{
	weft_json value = weft_json_find(object, weft_str_from(key));
	weft_str text = { 0 };

	if (weft_json_typeof(value) != WEFT_JSON_NONE && !weft_json_get_str(value, &text))
		return false;
	*ret = text.len_bytes ? weft_arena_dup(arena, text) : (weft_str){ 0 };
	return !text.len_bytes || ret->ptr;
}

static bool get_u32(weft_json object, const char *key, uint32_t *ret)
{
	int64_t n;

	if (!weft_json_get_int(weft_json_find(object, weft_str_from(key)), &n) || n < 0 || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool get_bits(weft_json object, const char *key, uint64_t *ret)
{
	weft_json value = weft_json_find(object, weft_str_from(key));
	int64_t n = 0;

	if (weft_json_typeof(value) != WEFT_JSON_NONE && !weft_json_get_int(value, &n))
		return false;
	*ret = (uint64_t)n;
	return true;
}

static bool get_bool(weft_json object, const char *key, bool *ret)
{
	return weft_json_get_bool(weft_json_find(object, weft_str_from(key)), ret);
}

static bool get_images(weft_arena *arena, weft_json list, weft_chat_message *m)
{
	weft_json_iter it;
	weft_str *urls;

	if (weft_json_typeof(list) == WEFT_JSON_NONE)
		return true;
	urls = weft_arena_calloc(arena, (weft_json_count(list) + 1) * sizeof(*urls));
	if (!urls)
		return false;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		weft_str url;

		if (!weft_json_get_str(it.value, &url))
			return false;
		urls[m->image_url_count] = weft_arena_dup(arena, url);
		if (!urls[m->image_url_count++].ptr)
			return false;
	}
	m->image_urls = urls;
	return true;
}

static bool get_requests(weft_arena *arena, weft_json list, weft_chat_message *m)
{
	weft_tool_request *calls;
	weft_json_iter it;

	if (weft_json_typeof(list) == WEFT_JSON_NONE)
		return true;
	calls = weft_arena_calloc(arena, (weft_json_count(list) + 1) * sizeof(*calls));
	if (!calls)
		return false;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		weft_tool_request *c = &calls[m->tool_call_count++];

		if (!get_text(arena, it.value, "id", &c->id) || !get_text(arena, it.value, "name", &c->name) ||
		    !get_text(arena, it.value, "arguments", &c->arguments_json))
			return false;
	}
	m->tool_calls = calls;
	return true;
}

static bool get_message(weft_arena *arena, weft_json object, weft_chat_message *m)
{
	uint32_t role;

	if (!get_u32(object, "role", &role) || role > WEFT_ROLE_TOOL)
		return false;
	m->role = (weft_role)role;
	return get_text(arena, object, "content", &m->content) && get_text(arena, object, "tool_call_id", &m->tool_call_id) &&
	       get_text(arena, object, "carry", &m->carry_json) &&
	       get_images(arena, weft_json_find(object, WEFT_STR("images")), m) &&
	       get_requests(arena, weft_json_find(object, WEFT_STR("calls")), m);
}

static bool get_messages(struct weft__ask *a, weft_json list)
{
	weft_json_iter it;

	a->cap = (uint32_t)weft_json_count(list) + 8;
	a->messages = weft_arena_calloc(a->run->arena, a->cap * sizeof(*a->messages));
	if (!a->messages || weft_json_typeof(list) != WEFT_JSON_ARRAY)
		return false;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		if (!get_message(a->run->arena, it.value, &a->messages[a->count++]))
			return false;
	}
	return a->count > 0 && a->own <= a->count && a->messages[a->count - 1].role == WEFT_ROLE_ASSISTANT;
}

static bool get_counts(struct weft__ask *a, struct weft__ask_body *body, weft_json root)
{
	weft_agent_result *res = &a->run->result;
	struct weft__spending *spent = &a->run->spending;

	if (!get_bits(root, "parent_workflow", &body->parent_workflow_id) ||
	    !get_bits(root, "budget_tokens", &body->budget.tokens) || !get_bits(root, "budget_micros", &body->budget.micros) ||
	    !get_bits(root, "spent_tokens", &spent->tokens) || !get_bits(root, "spent_picos", &spent->picos))
		return false;
	a->run->parent_workflow_id = body->parent_workflow_id;
	weft__budget_set(&spent->limit, &body->budget);
	return get_u32(root, "iterations", &res->iterations) && get_u32(root, "tool_calls", &a->tool_calls) &&
	       get_u32(root, "own", &a->own) && get_u32(root, "prompt_tokens", &res->usage.prompt_tokens) &&
	       get_u32(root, "completion_tokens", &res->usage.completion_tokens) &&
	       get_u32(root, "reasoning_tokens", &res->usage.reasoning_tokens) &&
	       get_u32(root, "cached_tokens", &res->usage.cached_tokens) &&
	       get_bool(root, "estimated", &res->usage.estimated) && get_bool(root, "end_after", &body->end_after) &&
	       get_bool(root, "want_history", &body->want_history) &&
	       get_text(a->run->arena, root, "json_schema", &body->json_schema);
}

/* ---- the calls of the last turn ------------------------------------------------------------------ */

static bool restore_over(struct weft__ask *a, struct weft__tool_run *t, weft_json saved)
{
	int64_t status;

	if (!weft_json_get_int(weft_json_find(saved, WEFT_STR("status")), &status))
		return true; /* it was not over */
	if (status > 0 || status < INT32_MIN || !get_text(a->run->arena, saved, "text", &t->text))
		return false;
	t->status = (int)status;
	t->restored = true;
	return true;
}

/* Anew with other arguments. What the model wrote stays in the conversation. */
static bool change_arguments(struct weft__ask *a, struct weft__tool_run *t, weft_str arguments)
{
	weft_tool_request *request = weft_arena_alloc(a->run->arena, sizeof(*request));

	if (!request)
		return false;
	*request = *t->request;
	request->arguments_json = arguments;
	weft__tool_done(t);
	weft__tool_prepare(t, a->run->agent->def->tools, request, a->run->arena, a->run->agent->rt);
	t->changed = true;
	return true;
}

static bool apply_answer(struct weft__ask *a, const struct weft__approval *answer)
{
	struct weft__tool_run *t = &a->calls[answer->call];
	bool by = answer->by.len_bytes > 0, reason = answer->reason.len_bytes > 0;

	if (answer->state == WEFT_APPROVAL_APPROVED) {
		if (answer->arguments_now.len_bytes && !change_arguments(a, t, answer->arguments_now))
			return false;
		t->decision = "approved";
	} else if (answer->state == WEFT_APPROVAL_EXPIRED) {
		weft__ask_refuse(a, t, "expired", weft_arena_printf(a->run->arena, "Error: the call of tool '%.*s' was not approved in time",
		                                                    WEFT_STR_ARG(t->call.name)));
	} else {
		weft__ask_refuse(a, t, "denied",
		                 weft_arena_printf(a->run->arena, "Error: the call of tool '%.*s' was denied%s%.*s%s%.*s",
		                                   WEFT_STR_ARG(t->call.name), by ? " by " : "", WEFT_STR_ARG(answer->by),
		                                   reason ? ": " : "", WEFT_STR_ARG(answer->reason)));
	}
	t->by = answer->by;
	t->why = answer->reason;
	t->answered = true;
	return true;
}

static bool restore_calls(struct weft__ask *a, weft_json list, const struct weft__suspended *s)
{
	const weft_chat_message *turn = &a->messages[a->count - 1];
	weft_json_iter it = weft_json_iter_begin(list);

	if (!turn->tool_call_count || weft_json_count(list) != turn->tool_call_count)
		return false;
	a->calls = weft_arena_calloc(a->run->arena, turn->tool_call_count * sizeof(*a->calls));
	if (!a->calls)
		return false;
	while (weft_json_iter_next(&it)) {
		struct weft__tool_run *t = &a->calls[a->call_count];

		weft__tool_prepare(t, a->run->agent->def->tools, &turn->tool_calls[a->call_count], a->run->arena,
		                   a->run->agent->rt);
		a->call_count++;
		if (!restore_over(a, t, it.value))
			return false;
	}
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->approvals[i].call >= a->call_count || !apply_answer(a, &s->approvals[i]))
			return false;
	}
	return true;
}

static int read_state(struct weft__ask *a, const struct weft__suspended *s)
{
	struct weft__ask_body *body = weft_arena_calloc(a->run->arena, sizeof(*body));
	weft_json_doc *doc;
	weft_json root;
	int r;

	if (!body)
		return -ENOMEM;
	r = weft_json_parse(s->state_json, &doc, NULL);
	if (r < 0)
		return r;
	root = weft_json_root(doc);
	if (!get_counts(a, body, root) || !get_messages(a, weft_json_find(root, WEFT_STR("messages"))) ||
	    !restore_calls(a, weft_json_find(root, WEFT_STR("calls")), s))
		r = WEFT_EDAMAGED;
	weft_json_release(doc);
	if (r == 0)
		a->body = body;
	return r;
}

/* Out of the book; in a replay, out of the recording. */
static int take(struct weft__ask *a, struct weft__suspended *s, weft_str *ret_why)
{
	weft_approvals *book = a->run->agent->def->approvals;
	int r = -ENOENT;

	if (book)
		r = weft__approvals_take(book, s->run, a->run->arena, s, ret_why);
	else
		*ret_why = WEFT_STR("the agent's definition has no approvals");
	return a->run->tape ? a->run->tape->tape->fns->resumed(a->run, s, r, ret_why) : r;
}

int weft__ask_restore(struct weft__ask *a, weft_uuid run, weft_str *ret_why)
{
	weft_approvals *book = a->run->agent->def->approvals;
	struct weft__suspended s = { .run = run };
	int r = take(a, &s, ret_why);

	if (r < 0)
		return r;
	if (weft_str_eq(s.agent, a->name)) {
		r = read_state(a, &s);
	} else {
		*ret_why = weft_arena_printf(a->run->arena, "it is a run of agent '%.*s', this is '%.*s'", WEFT_STR_ARG(s.agent),
		                             WEFT_STR_ARG(a->name));
		r = -EINVAL;
	}
	if (r == 0) {
		a->resumed = run;
		a->book = book ? weft_approvals_ref(book) : NULL;
	} else if (book) {
		weft__approvals_put_back(book, run);
	}
	return r;
}
