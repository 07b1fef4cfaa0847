/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mock.c - the deterministic model: what it answers follows from the request
 * alone, so that a test can expect it and a bench measures weft and not a model.
 *
 * Three kinds of answer: a structured one in the order of request->fields, the next step
 * of a scripted conversation, or a fixed text. Only fail_first and invalid_first
 * remember anything between calls.
 */
#include <weft/model.h>

#include <errno.h>
#include <string.h>

#include "actors/embed_words.h"
#include "actors/pause.h"
#include "actors/text.h"
#include "runtime/base/refs.h"

#define CALLS_MAX 8u
#define FIXED_TEXT "This is a fixed benchmark response."
#define ROUND_MARK "This is round " /* of the multi-step prompt; prompts.c */

struct step {
	weft_str text;
	weft_tool_request calls[CALLS_MAX]; /* without ids */
	uint32_t call_count;
};

struct mock {
	weft__refs refs; /* one a handler in the registry */
	_Atomic(uint32_t) calls, embeddings, structured; /* so far, while the *_first options want to know */
	weft_arena *arena;
	struct step *steps;
	uint32_t step_count;
	weft_str actions, text, text_escaped;
	uint64_t delay_ns;
	uint32_t rounds, fail_first, invalid_first, chunk_bytes;
};

/* ---- structured answers ---------------------------------------------------------- */

static void put_escaped(struct weft__buf *b, weft_str s)
{
	for (size_t i = 0; i < s.len_bytes; i++) {
		if (s.ptr[i] == '<')
			weft__buf_put(b, WEFT_STR("&lt;"));
		else if (s.ptr[i] == '>')
			weft__buf_put(b, WEFT_STR("&gt;"));
		else if (s.ptr[i] == '&')
			weft__buf_put(b, WEFT_STR("&amp;"));
		else
			weft__buf_put_char(b, s.ptr[i]);
	}
}

static bool has_field(const weft_model_request *req, weft_str name)
{
	for (uint32_t i = 0; i < req->field_count; i++) {
		if (weft_str_eq(req->fields[i].name, name))
			return true;
	}
	return false;
}

/* The round that a multi-step prompt says it is; 1 when it does not say. */
static uint32_t round_of(weft_str prompt)
{
	const size_t len = sizeof(ROUND_MARK) - 1;
	const char *at = prompt.len_bytes ? memmem(prompt.ptr, prompt.len_bytes, ROUND_MARK, len) : NULL;
	const char *end = prompt.ptr + prompt.len_bytes;
	uint32_t round = 0;

	if (!at)
		return 1;
	for (at += len; at < end && *at >= '0' && *at <= '9' && round < 1000000; at++)
		round = round * 10 + (uint32_t)(*at - '0');
	return round;
}

static weft_str value_of(const struct mock *m, const weft_model_request *req, weft_str field)
{
	bool multi_step = has_field(req, WEFT_STR("is_finish"));
	bool finished = multi_step && round_of(req->prompt) >= m->rounds;

	if (weft_str_eq(field, WEFT_STR("text")))
		return m->text_escaped;
	if (weft_str_eq(field, WEFT_STR("thought")))
		return WEFT_STR("The answer is known.");
	if (weft_str_eq(field, WEFT_STR("reasoning")))
		return WEFT_STR("The message is meant for the agent.");
	if (weft_str_eq(field, WEFT_STR("name")))
		return WEFT_STR("mock");
	if (weft_str_eq(field, WEFT_STR("providers")) || weft_str_eq(field, WEFT_STR("parameters")))
		return (weft_str){ 0 };
	if (weft_str_eq(field, WEFT_STR("actions")))
		return m->actions;
	if (weft_str_eq(field, WEFT_STR("action")))
		return !multi_step ? WEFT_STR("RESPOND") : finished ? (weft_str){ 0 } : m->actions;
	if (weft_str_eq(field, WEFT_STR("simple")))
		return weft_str_eq(m->actions, WEFT_STR("REPLY")) ? WEFT_STR("true") : WEFT_STR("false");
	if (weft_str_eq(field, WEFT_STR("is_finish")))
		return finished ? WEFT_STR("true") : WEFT_STR("false");
	return field; /* a parameter somebody asks for: its own name is as good as any */
}

/* What a file is called: "bee.png" of https://a/x/bee.png?w=7. */
static weft_str file_of(weft_str url)
{
	size_t end = 0, begin;

	if (url.len_bytes < 5 || !memcmp(url.ptr, "data:", 5))
		return WEFT_STR("an image");
	while (end < url.len_bytes && url.ptr[end] != '?' && url.ptr[end] != '#')
		end++;
	for (begin = end; begin && url.ptr[begin - 1] != '/';)
		begin--;
	return begin < end ? (weft_str){ url.ptr + begin, end - begin } : WEFT_STR("an image");
}

/* It has no eyes: it tells what the address tells. */
static void put_seen(struct weft__buf *b, const weft_model_request *req, weft_str field)
{
	if (weft_str_eq(field, WEFT_STR("text")))
		return;
	if (weft_str_eq(field, WEFT_STR("description")))
		weft__buf_put(b, WEFT_STR("What is to be seen: "));
	put_escaped(b, file_of(req->image_url));
}

/* True for the first `first` callers. Counts no further than it must: the line stays unshared later. */
static bool is_among_first(_Atomic(uint32_t) *count, uint32_t first)
{
	/* relaxed: which caller gets which number does not matter */
	if (!first || weft__load_relaxed(count) >= first)
		return false;
	return weft__fetch_add_relaxed(count, 1) < first;
}

static int answer_structured(struct mock *m, weft_model_call *call)
{
	const weft_model_request *req = call->request;
	bool omit = is_among_first(&m->structured, m->invalid_first);
	struct weft__buf b = weft__buf_begin(call->arena, 256 + m->text_escaped.len_bytes);

	weft__buf_put(&b, WEFT_STR("<response>\n"));
	for (uint32_t i = 0; i < req->field_count; i++) {
		weft_str name = req->fields[i].name;

		if (omit && req->fields[i].required) {
			omit = false; /* this one is missing */
			continue;
		}
		weft__buf_put(&b, WEFT_STR("  <"));
		weft__buf_put(&b, name);
		weft__buf_put_char(&b, '>');
		if (req->type == WEFT_MODEL_IMAGE_DESCRIPTION)
			put_seen(&b, req, name);
		else
			weft__buf_put(&b, value_of(m, req, name));
		weft__buf_put(&b, WEFT_STR("</"));
		weft__buf_put(&b, name);
		weft__buf_put(&b, WEFT_STR(">\n"));
	}
	weft__buf_put(&b, WEFT_STR("</response>"));
	return weft__buf_end(&b, &call->response->text);
}

/* ---- scripted answers -------------------------------------------------------------- */

/* "call_<messages so far>_<index>": no two calls of a conversation share an id. */
static weft_str call_id(weft_arena *arena, uint32_t messages, uint32_t index)
{
	struct weft__buf b = weft__buf_begin(arena, 24);
	weft_str id = { 0 };

	weft__buf_put(&b, WEFT_STR("call_"));
	weft__buf_put_uint(&b, messages);
	weft__buf_put_char(&b, '_');
	weft__buf_put_uint(&b, index);
	(void)weft__buf_end(&b, &id);
	return id;
}

static int answer_step(const struct mock *m, weft_model_call *call)
{
	const weft_model_request *req = call->request;
	const struct step *step;
	weft_tool_request *calls;
	uint32_t turn = 0;

	for (uint32_t i = req->message_count; i > 0 && req->messages[i - 1].role != WEFT_ROLE_USER; i--)
		turn += req->messages[i - 1].role == WEFT_ROLE_ASSISTANT;
	step = &m->steps[turn < m->step_count ? turn : m->step_count - 1];
	call->response->text = step->text;
	if (!step->call_count || weft_str_eq(req->tool_choice, WEFT_STR("none")))
		return 0;
	calls = weft_arena_alloc(call->arena, step->call_count * sizeof(*calls));
	if (!calls)
		return -ENOMEM;
	for (uint32_t i = 0; i < step->call_count; i++) {
		calls[i] = step->calls[i];
		calls[i].id = call_id(call->arena, req->message_count, i);
		if (!calls[i].id.ptr)
			return -ENOMEM;
	}
	call->response->tool_calls = calls;
	call->response->tool_call_count = step->call_count;
	return 0;
}

static void stream(const struct mock *m, weft_model_call *call)
{
	weft_str rest = call->response->text;

	while (m->chunk_bytes && rest.len_bytes) {
		size_t n = rest.len_bytes < m->chunk_bytes ? rest.len_bytes : m->chunk_bytes;

		weft_model_chunk(call, (weft_str){ rest.ptr, n });
		rest = (weft_str){ rest.ptr + n, rest.len_bytes - n };
	}
}

/* The text ends before the first of the request's stop texts. */
static void stop_at(weft_model_call *call)
{
	weft_str *text = &call->response->text;

	for (uint32_t i = 0; i < call->request->stop_count; i++) {
		weft_str stop = call->request->stop[i];
		const char *at = stop.len_bytes && text->len_bytes ? memmem(text->ptr, text->len_bytes, stop.ptr, stop.len_bytes) : NULL;

		if (at)
			text->len_bytes = (size_t)(at - text->ptr);
	}
}

static int answer_text(struct mock *m, weft_model_call *call)
{
	int r = 0;

	if (is_among_first(&m->calls, m->fail_first))
		return weft_error_set(call->error, -EIO, "the mock was told to fail");
	if (call->request->fields)
		r = answer_structured(m, call);
	else if (m->step_count && call->request->message_count)
		r = answer_step(m, call);
	else
		call->response->text = m->text;
	if (r < 0)
		return r;
	call->response->finish = call->response->tool_call_count ? WEFT_FINISH_TOOL_CALLS : WEFT_FINISH_STOP;
	stop_at(call);
	stream(m, call);
	return 0;
}

static int answer_embedding(struct mock *m, weft_model_call *call)
{
	const weft_model_request *req = call->request;
	uint32_t rows = req->input_count ? req->input_count : 1;
	float *v;

	if (is_among_first(&m->embeddings, m->fail_first))
		return weft_error_set(call->error, -EIO, "the mock was told to fail");
	v = weft_arena_alloc(call->arena, (size_t)rows * WEFT_MOCK_EMBEDDING_DIMS * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows; i++)
		weft__embed_words(req->input_count ? req->inputs[i] : req->prompt, v + (size_t)i * WEFT_MOCK_EMBEDDING_DIMS,
		                  WEFT_MOCK_EMBEDDING_DIMS);
	call->response->embedding = v;
	call->response->embedding_dims = WEFT_MOCK_EMBEDDING_DIMS;
	call->response->embedding_count = rows;
	return 0;
}

static int answer(struct mock *m, weft_model_call *call)
{
	return call->request->type == WEFT_MODEL_TEXT_EMBEDDING ? answer_embedding(m, call) : answer_text(m, call);
}

/* ---- delay: one small actor a call, that lives until its timer -------------------------- */

#define KIND_BEGIN 0x6d6f6301u

struct delayed {
	struct mock *mock;     /* lives: the registry lives while a call of it is pending */
	weft_model_call *call; /* NULL once finished */
};

static int delayed_behaviour(weft_actor *self, weft_msg *msg)
{
	struct delayed *d = weft_actor_state(self);
	weft_model_call *call = d->call;

	if (weft_msg_kind(msg) == KIND_BEGIN)
		return weft_timer_start(self, d->mock->delay_ns, 0, NULL); /* cannot: fini ends the call */
	if (weft_msg_kind(msg) == WEFT_KIND_TIMER && call) {
		d->call = NULL;
		weft_model_finish(call, answer(d->mock, call));
		weft_actor_exit(self, 0);
	}
	return 0;
}

static void delayed_fini(weft_actor *self)
{
	struct delayed *d = weft_actor_state(self);

	if (d->call)
		weft_model_finish(d->call, -ECANCELED);
}

static const weft_actor_class delayed_class = { .size = sizeof(weft_actor_class),
	                                        .name = "mock-delay",
	                                        .behaviour = delayed_behaviour,
	                                        .fini = delayed_fini,
	                                        .state_bytes = sizeof(struct delayed),
	                                        .mailbox_msgs = 2 };

static int answer_later(struct mock *m, weft_model_call *call)
{
	struct delayed state = { .mock = m, .call = call };
	weft_msg *begin = weft_msg_create(KIND_BEGIN, 0);
	weft_ref ref;
	int r = begin ? weft_actor_spawn(call->rt, &delayed_class, &state, &ref) : -ENOMEM;

	if (r < 0) {
		weft_msg_destroy(begin);
		return r;
	}
	if (weft_send(ref, begin) < 0) { /* only a runtime that halts refuses: then fini ends the call */
		weft_msg_destroy(begin);
		(void)weft_actor_stop(ref);
	}
	return WEFT_PENDING;
}

static int mock_fn(weft_model_call *call, void *user)
{
	struct mock *m = user;

	if (m->delay_ns && call->rt)
		return answer_later(m, call);
	if (m->delay_ns) /* without a runtime there is nothing to wait in but here */
		weft__pause(m->delay_ns);
	return answer(m, call);
}

/* ---- making one ----------------------------------------------------------------------------- */

static void mock_unref(void *user)
{
	struct mock *m = user;

	if (!weft__refs_drop(&m->refs))
		return;
	weft_arena_destroy(m->arena);
	weft_free(m);
}

/* NULL stays the empty string. */
static int copy(weft_arena *arena, const char *text, weft_str *ret)
{
	*ret = (weft_str){ 0 };
	if (!text)
		return 0;
	*ret = weft_arena_dup(arena, weft_str_from(text));
	return ret->ptr ? 0 : -ENOMEM;
}

static int copy_steps(struct mock *m, const weft_mock_options *opt)
{
	int r = 0;

	if (!opt->step_count)
		return 0;
	m->steps = weft_arena_calloc(m->arena, opt->step_count * sizeof(*m->steps));
	if (!m->steps)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < opt->step_count; i++) {
		const weft_mock_step *from = &opt->steps[i];
		struct step *to = &m->steps[i];

		r = copy(m->arena, from->text, &to->text);
		for (uint32_t j = 0; r == 0 && j < from->call_count; j++) {
			r = copy(m->arena, from->calls[j].name, &to->calls[j].name);
			if (r == 0)
				r = copy(m->arena, from->calls[j].arguments_json, &to->calls[j].arguments_json);
		}
		to->call_count = from->call_count;
	}
	m->step_count = opt->step_count;
	return r;
}

static int fill(struct mock *m, const weft_mock_options *opt)
{
	struct weft__buf b;
	int r = copy(m->arena, opt->actions ? opt->actions : "REPLY", &m->actions);

	m->delay_ns = opt->delay_ns;
	m->rounds = opt->rounds ? opt->rounds : 1;
	m->fail_first = opt->fail_first;
	m->invalid_first = opt->invalid_first;
	m->chunk_bytes = opt->chunk_bytes;
	if (r == 0)
		r = copy(m->arena, opt->text ? opt->text : FIXED_TEXT, &m->text);
	if (r < 0)
		return r;
	b = weft__buf_begin(m->arena, m->text.len_bytes + 16);
	put_escaped(&b, m->text);
	r = weft__buf_end(&b, &m->text_escaped);
	return r < 0 ? r : copy_steps(m, opt);
}

static bool is_valid(const weft_mock_options *opt)
{
	if (opt->size != sizeof(*opt) || (opt->step_count && !opt->steps))
		return false;
	for (uint32_t i = 0; i < opt->step_count; i++) {
		if (opt->steps[i].call_count > CALLS_MAX)
			return false;
		for (uint32_t j = 0; j < opt->steps[i].call_count; j++) {
			if (!opt->steps[i].calls[j].name)
				return false;
		}
	}
	return true;
}

int weft_models_add_mock(weft_models *models, int priority, const weft_mock_options *opt)
{
	static const weft_model_type types[] = { WEFT_MODEL_TEXT_SMALL, WEFT_MODEL_TEXT_LARGE, WEFT_MODEL_TEXT_EMBEDDING,
		                                   WEFT_MODEL_IMAGE_DESCRIPTION };
	const weft_mock_options plain = WEFT_MOCK_OPTIONS_INIT;
	struct mock *m;
	int r;

	if (!models || (opt && !is_valid(opt)))
		return -EINVAL;
	m = weft_calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	weft__refs_init(&m->refs, 1); /* this function's */
	r = weft_arena_create(0, &m->arena);
	if (r == 0)
		r = fill(m, opt ? opt : &plain);
	for (size_t i = 0; r == 0 && i < sizeof(types) / sizeof(types[0]); i++) {
		weft__refs_take(&m->refs);
		r = weft_models_add(models, types[i], priority, "mock", mock_fn, m, mock_unref);
		if (r < 0)
			mock_unref(m);
	}
	mock_unref(m);
	return r;
}
