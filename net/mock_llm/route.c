/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/route.c - which request is whose, whether it may pass, and what goes wrong with it on purpose.
 *
 * What is drawn for a request depends on the seed and on the request's number, or, with by_request, on what it asks
 * and on its x-stainless-retry-count, by which OpenAI's own clients tell a second try from the first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/mock_llm/mock.h"
#include "runtime/base/hash.h"

#define S WEFT_STR
#define ARENA_BYTES 4096u

int weft__mock_put_json(struct weft__mock_node *node)
{
	weft_str text;
	int r = weft_json_writer_text(node->json, &text);

	if (r == 0)
		weft__mock_put(node, text);
	return r;
}

#define ID_BYTES 20u

/* "req_" and 16 digits; each answer has one, and printf would be a fiftieth of a short answer's cost. */
static weft_str make_id(char to[ID_BYTES], uint64_t number)
{
	memcpy(to, "req_", 4);
	for (unsigned i = ID_BYTES; i-- > 4; number >>= 4)
		to[i] = "0123456789abcdef"[number & 15];
	return (weft_str){ to, ID_BYTES };
}

static void respond(struct weft__http_exchange *x, struct weft__mock_node *node, int status, uint32_t retry_after_s)
{
	char seconds[16], id[ID_BYTES];
	struct weft__http_field fields[3] = { { S("Content-Type"), S("application/json") } };
	uint64_t number = weft__mix64(node->mock->options.seed ^ ((uint64_t)(node - node->mock->nodes) << 48 ^ ++node->answers));
	uint32_t count = 2;

	fields[1] = (struct weft__http_field){ S("x-request-id"), make_id(id, number) };
	if (retry_after_s) {
		int n = snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
		fields[count++] = (struct weft__http_field){ S("Retry-After"), { seconds, (size_t)n } };
	}
	if (node->out.status < 0)
		weft__http_abort(x);
	else
		weft__http_respond(x, status, fields, count, (weft_str){ node->out.ptr, node->out.len });
}

void weft__mock_respond_json(struct weft__http_exchange *x, struct weft__mock_node *node, int status)
{
	respond(x, node, status, 0);
}

void weft__mock_fault(struct weft__http_exchange *x, struct weft__mock_node *node, const struct weft__dialect *dialect,
                      const struct weft__fault *fault)
{
	weft__http_writer_reset(&node->out);
	if (dialect->error(node, fault) < 0)
		weft__http_abort(x);
	else
		respond(x, node, fault->status, fault->retry_after_s);
}

static void refuse(struct weft__http_exchange *x, struct weft__mock_node *node, const struct weft__dialect *dialect,
                   const struct weft__fault *fault)
{
	weft__count(&node->refused, 1u);
	weft__mock_fault(x, node, dialect, fault);
}

/* ---- fate ----------------------------------------------------------------------------- */

static uint64_t draw_key(struct weft__http_exchange *x, struct weft_mock_llm *mock, weft_json body)
{
	weft_str retry = weft__http_find(x->fields, x->field_count, S("x-stainless-retry-count"));
	uint64_t key = weft__fetch_add_relaxed(&mock->number, 1u); /* relaxed: only a number */

	if (!mock->options.by_request)
		return key;
	key = weft_json_canonical_hash(body).lo;
	for (size_t i = 0; i < retry.len_bytes; i++)
		key = weft__mix2(key, (uint8_t)retry.ptr[i] + 1u);
	return key;
}

/* Sets fault or drop of a request that is to go wrong. Always one draw, so that rates do not shift what else is drawn. */
static void draw_fate(struct weft__mock_run *run)
{
	const weft_mock_llm_options *o = &run->node->mock->options;
	const double rates[] = { o->rate_429, o->rate_500, o->rate_503, o->rate_drop_before, o->rate_drop_middle };
	const int statuses[] = { 429, 500, 503 };
	double u = weft__draw_unit(&run->rng);
	int i = 0;

	for (; i < 5 && u >= rates[i]; i++)
		u -= rates[i];
	if (i < 3) {
		run->dialect->overload(&run->fault, statuses[i]);
		run->fault.retry_after_s = i == 1 ? 0 : o->retry_after_s;
		run->due_ns = 0;
	} else if (i < 5) {
		run->drop = i == 3 ? WEFT__DROP_BEFORE : WEFT__DROP_MIDDLE;
	}
}

/* What the fixture's entry says of faults and time takes the place of what was drawn. */
static void set_fate(struct weft__mock_run *run, const struct weft__fixture_entry *e)
{
	run->due_ns += e->delay_ms * 1000000u;
	if (!e->drop && !e->status)
		return; /* it keeps what was drawn */
	run->drop = e->drop;
	run->fault.status = e->status;
	if (!e->status)
		return;
	run->dialect->overload(&run->fault, e->status);
	run->fault.status = e->status;
	if (e->error_message.ptr)
		snprintf(run->fault.message, sizeof(run->fault.message), "%.*s", WEFT_STR_ARG(e->error_message));
	/* Strings of the document have a NUL behind them. */
	run->fault.type = e->error_type.ptr ? e->error_type.ptr : run->fault.type;
	run->fault.code = e->error_code.ptr ? e->error_code.ptr : run->fault.code;
	run->fault.retry_after_s = (uint32_t)e->retry_after_s;
}

/* ---- answers of models ---------------------------------------------------------------- */

static int read_question(struct weft__mock_run *run, struct weft__fault *fault)
{
	struct weft_mock_llm *mock = run->node->mock;
	int r = run->dialect->ask(weft_json_root(run->doc), mock, run->arena, &run->ask, fault);

	if (r < 0)
		return r;
	if (!weft__fixture_has_model(&mock->fixture, run->ask.model))
		return weft__fault_set(fault, 404, "invalid_request_error", "model_not_found", "model", "The model '%.*s' does not exist.",
		                       run->ask.model.len_bytes < 100 ? (int)run->ask.model.len_bytes : 100, run->ask.model.ptr);
	return 0;
}

/* The pieces of all choices, as if they were written at the same time. */
static int merge_pieces(struct weft__mock_run *run)
{
	uint32_t at = 0;

	run->pieces = weft_arena_alloc(run->arena, (run->piece_count + 1u) * sizeof(*run->pieces));
	if (!run->pieces)
		return -ENOMEM;
	for (uint32_t turn = 0; at < run->piece_count; turn++) {
		for (uint32_t i = 0; i < run->ask.choices; i++) {
			if (turn >= run->replies[i].piece_count)
				continue;
			run->pieces[at] = run->replies[i].pieces[turn];
			run->pieces[at++].choice = (uint8_t)i;
		}
	}
	return 0;
}

static int make_replies(struct weft__mock_run *run, const struct weft__fixture_entry *entry)
{
	struct weft__mock_node *node = run->node;
	int r = 0;

	run->replies = weft_arena_calloc(run->arena, run->ask.choices * sizeof(*run->replies));
	if (!run->replies)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < run->ask.choices; i++) {
		r = weft__reply_make(&run->ask, entry, node->mock->options.answer_tokens, &run->rng, node->json, run->arena, &run->replies[i]);
		run->piece_count += run->replies[i].piece_count;
		run->completion_tokens += run->replies[i].completion_tokens;
	}
	run->pieces = run->replies->pieces;
	return r == 0 && run->ask.choices > 1 ? merge_pieces(run) : r;
}

static int make_answer(struct weft__mock_run *run)
{
	struct weft_mock_llm *mock = run->node->mock;
	const struct weft__ask *ask = &run->ask;
	const struct weft__fixture_question q = { ask->user, ask->tool_result, ask->system, ask->model, ask->turn, ask->stream };
	const struct weft__fixture_entry *entry = ask->silent ? NULL : weft__fixture_find(&mock->fixture, &q);

	weft__rng_seed(&run->rng, mock->options.seed ^ weft__mix64(draw_key(run->x, mock, weft_json_root(run->doc))));
	run->due_ns = weft__draw_time_ns(&mock->latency, &run->rng);
	draw_fate(run);
	if (entry)
		set_fate(run, entry);
	run->due_ns += weft_now_ns();
	run->id = weft_arena_printf(run->arena, "%s%016llx", run->dialect->id_prefix, (unsigned long long)weft__rng_next(&run->rng));
	run->created_s = weft_wall_ms() / 1000;
	if (!run->id.ptr)
		return -ENOMEM;
	return make_replies(run, entry);
}

static struct weft__mock_run *run_create(struct weft__http_exchange *x, struct weft__mock_node *node,
                                         const struct weft__dialect *dialect, weft_json_doc *doc)
{
	weft_arena *arena;
	struct weft__mock_run *run;

	if (weft_arena_create(ARENA_BYTES, &arena) < 0)
		return NULL;
	run = weft_arena_calloc(arena, sizeof(*run));
	if (!run) {
		weft_arena_destroy(arena);
		return NULL;
	}
	*run = (struct weft__mock_run){ .x = x, .node = node, .dialect = dialect, .arena = arena, .doc = doc };
	return run;
}

/* doc is the run's, whatever comes of it. */
static void answer(struct weft__http_exchange *x, struct weft__mock_node *node, const struct weft__dialect *dialect, weft_json_doc *doc)
{
	struct weft__mock_run *run = run_create(x, node, dialect, doc);
	struct weft__fault fault = { .status = 0 };
	int r;

	if (!run) {
		weft_json_release(doc);
		weft__http_abort(x);
		return;
	}
	r = read_question(run, &fault);
	if (r == 0)
		r = make_answer(run);
	if (r == 0) {
		weft__mock_run_start(run);
		return;
	}
	weft__mock_run_free(run);
	if (fault.status)
		refuse(x, node, dialect, &fault);
	else
		weft__http_abort(x);
}

/* ---- the small ones ------------------------------------------------------------------- */

static void put_model(weft_json_writer *w, weft_str id)
{
	weft_json_begin_object(w);
	weft_json_key(w, S("id"));
	weft_json_put_str(w, id);
	weft_json_key(w, S("object"));
	weft_json_put_str(w, S("model"));
	weft_json_key(w, S("created"));
	weft_json_put_int(w, 1700000000);
	weft_json_key(w, S("owned_by"));
	weft_json_put_str(w, S("weft"));
	weft_json_end_object(w);
}

static void answer_models(struct weft__http_exchange *x, struct weft__mock_node *node)
{
	weft_json models = node->mock->fixture.models;
	weft_json_iter it = weft_json_iter_begin(models);
	weft_json_writer *w = node->json;
	weft_str id;

	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft_json_key(w, S("object"));
	weft_json_put_str(w, S("list"));
	weft_json_key(w, S("data"));
	weft_json_begin_array(w);
	if (weft_json_typeof(models) == WEFT_JSON_NONE) {
		put_model(w, S("mock"));
		put_model(w, S("mock-embedding"));
	}
	while (weft_json_iter_next(&it)) {
		if (weft_json_get_str(it.value, &id))
			put_model(w, id);
	}
	weft_json_end_array(w);
	weft_json_end_object(w);
	weft__http_writer_reset(&node->out);
	if (weft__mock_put_json(node) < 0)
		weft__http_abort(x);
	else
		weft__mock_respond_json(x, node, 200);
}

static void answer_model(struct weft__http_exchange *x, struct weft__mock_node *node, weft_str id)
{
	struct weft__fault fault;

	if (!weft__fixture_has_model(&node->mock->fixture, id)) {
		weft__fault_set(&fault, 404, "invalid_request_error", "model_not_found", "model", "There is no such model.");
		refuse(x, node, &weft__dialect_openai, &fault);
		return;
	}
	weft_json_writer_reset(node->json);
	put_model(node->json, id);
	weft__http_writer_reset(&node->out);
	if (weft__mock_put_json(node) < 0)
		weft__http_abort(x);
	else
		weft__mock_respond_json(x, node, 200);
}

static void answer_health(struct weft__http_exchange *x, struct weft__mock_node *node)
{
	weft__http_writer_reset(&node->out);
	weft__mock_put(node, S("{\"status\":\"ok\"}"));
	weft__mock_respond_json(x, node, 200);
}

/* ---- routes --------------------------------------------------------------------------- */

static bool starts_with(weft_str s, weft_str with)
{
	return s.len_bytes >= with.len_bytes && !memcmp(s.ptr, with.ptr, with.len_bytes);
}

/* The path without the query and without a "/v1" in front. */
static weft_str path_of(weft_str target)
{
	const char *query = memchr(target.ptr, '?', target.len_bytes);

	if (query)
		target.len_bytes = (size_t)(query - target.ptr);
	if (starts_with(target, S("/v1/")))
		target = (weft_str){ target.ptr + 3, target.len_bytes - 3 };
	return target;
}

static bool may_pass(const struct weft__http_exchange *x, const struct weft_mock_llm *mock)
{
	weft_str given = weft__http_find(x->fields, x->field_count, S("x-api-key"));
	weft_str bearer = weft__http_find(x->fields, x->field_count, S("Authorization"));

	if (!mock->api_key)
		return true;
	if (bearer.len_bytes > 7 && weft__http_name_eq((weft_str){ bearer.ptr, 7 }, S("Bearer ")))
		given = (weft_str){ bearer.ptr + 7, bearer.len_bytes - 7 };
	return weft_str_eq(given, weft_str_from(mock->api_key));
}

/* 0 and the document, or the request was refused. */
static int read_body(struct weft__http_exchange *x, struct weft__mock_node *node, const struct weft__dialect *dialect, weft_json_doc **ret)
{
	struct weft__fault fault;
	weft_error err;
	int r;

	if (!weft_str_eq(x->method, S("POST"))) {
		weft__fault_set(&fault, 405, "invalid_request_error", "method_not_supported", NULL, "Not allowed to %.*s here: want POST.",
		                x->method.len_bytes < 20 ? (int)x->method.len_bytes : 20, x->method.ptr);
	} else if (!may_pass(x, node->mock)) {
		weft__fault_set(&fault, 401, dialect == &weft__dialect_anthropic ? "authentication_error" : "invalid_request_error",
		                "invalid_api_key", NULL, "The API key is missing or not the right one.");
	} else {
		r = weft_json_parse(x->body, ret, &err);
		if (r == 0)
			return 0;
		weft__fault_set(&fault, 400, "invalid_request_error", NULL, NULL, "The body is not JSON: %s", err.message);
	}
	refuse(x, node, dialect, &fault);
	return -EINVAL;
}

static bool is_get(const struct weft__http_exchange *x)
{
	return weft_str_eq(x->method, S("GET")) || weft_str_eq(x->method, S("HEAD"));
}

void weft__mock_request(struct weft__http_exchange *x, void *user)
{
	struct weft__mock_node *node = user;
	weft_str path = path_of(x->target);
	struct weft__fault fault;
	weft_json_doc *doc;

	if (weft_str_eq(path, S("/chat/completions"))) {
		if (read_body(x, node, &weft__dialect_openai, &doc) == 0)
			answer(x, node, &weft__dialect_openai, doc);
	} else if (weft_str_eq(path, S("/messages"))) {
		if (read_body(x, node, &weft__dialect_anthropic, &doc) == 0)
			answer(x, node, &weft__dialect_anthropic, doc);
	} else if (weft_str_eq(path, S("/embeddings"))) {
		if (read_body(x, node, &weft__dialect_embeddings, &doc) == 0)
			answer(x, node, &weft__dialect_embeddings, doc);
	} else if (weft_str_eq(path, S("/models")) && is_get(x)) {
		answer_models(x, node);
	} else if (starts_with(path, S("/models/")) && is_get(x)) {
		answer_model(x, node, (weft_str){ path.ptr + 8, path.len_bytes - 8 });
	} else if (weft_str_eq(path, S("/health")) && is_get(x)) {
		answer_health(x, node);
	} else {
		weft__fault_set(&fault, 404, "invalid_request_error", "unknown_url", NULL, "Unknown request URL: %.*s %.*s",
		                x->method.len_bytes < 20 ? (int)x->method.len_bytes : 20, x->method.ptr,
		                path.len_bytes < 100 ? (int)path.len_bytes : 100, path.ptr);
		refuse(x, node, &weft__dialect_openai, &fault);
	}
}
