/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/model.c - the model registry, and asking: the handler of the highest
 * priority first, the next one when it fails, whether at once or later.
 */
#include "actors/model.h"

#include <errno.h>
#include <string.h>

#include "actors/agent.h"
#include "actors/budget.h"
#include "actors/cache.h"
#include "actors/gather.h"
#include "actors/near.h"
#include "actors/structured.h"
#include "actors/text.h"

#define FIRST_BYTES 100u /* of an answer that llm.completed shows */
#define SCHEMA_RETRIES 2u

static const char *const type_names[WEFT_MODEL_TYPE_COUNT] = {
	[WEFT_MODEL_TEXT_SMALL] = "TEXT_SMALL",
	[WEFT_MODEL_TEXT_LARGE] = "TEXT_LARGE",
	[WEFT_MODEL_TEXT_EMBEDDING] = "TEXT_EMBEDDING",
	[WEFT_MODEL_TEXT_REASONING_SMALL] = "TEXT_REASONING_SMALL",
	[WEFT_MODEL_TEXT_REASONING_LARGE] = "TEXT_REASONING_LARGE",
	[WEFT_MODEL_IMAGE_DESCRIPTION] = "IMAGE_DESCRIPTION",
};

const char *weft_model_type_name(weft_model_type type)
{
	return (unsigned)type < WEFT_MODEL_TYPE_COUNT ? type_names[type] : "UNKNOWN";
}

const char *weft_role_name(weft_role role)
{
	static const char *const names[] = { "system", "user", "assistant", "tool" };

	return (unsigned)role < 4 ? names[role] : "unknown";
}

const char *weft_finish_name(weft_finish finish)
{
	static const char *const names[] = { "unknown", "stop", "tool_calls", "length", "content_filter", "refusal", "other" };

	return (unsigned)finish < sizeof(names) / sizeof(names[0]) ? names[finish] : "unknown";
}

uint32_t weft__tokens_of(size_t bytes)
{
	return (uint32_t)((bytes + 3) / 4);
}

/* ---- registry ----------------------------------------------------------------- */

int weft_models_create(weft_models **ret_models)
{
	weft_models *m;

	if (!ret_models)
		return -EINVAL;
	m = weft_calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	weft__refs_init(&m->refs, 1);
	*ret_models = m;
	return 0;
}

weft_models *weft_models_ref(weft_models *models)
{
	weft__refs_take(&models->refs);
	return models;
}

void weft_models_unref(weft_models *models)
{
	if (!models || !weft__refs_drop(&models->refs))
		return;
	for (int type = 0; type < WEFT_MODEL_TYPE_COUNT; type++) {
		for (uint32_t i = 0; i < models->counts[type]; i++) {
			struct weft__model_handler *h = &models->handlers[type][i];

			weft__gather_destroy(h->gather);
			if (h->destroy)
				h->destroy(h->user);
			weft_free(h->name);
		}
		weft_free(models->handlers[type]);
	}
	weft_cache_unref(models->cache);
	weft_free(models);
}

static int gather_add(struct weft__model_handler *h, uint32_t texts_max)
{
	weft__gather_destroy(h->gather);
	h->gather = texts_max ? weft__gather_create(h->fn, h->user, texts_max) : NULL;
	return texts_max && !h->gather ? -ENOMEM : 0;
}

int weft_models_add(weft_models *models, weft_model_type type, int priority, const char *name, weft_model_fn fn,
                    void *user, void (*destroy)(void *user))
{
	struct weft__model_handler *list;
	uint32_t n, at = 0;
	char *copy;

	if (!models || (unsigned)type >= WEFT_MODEL_TYPE_COUNT || !name || !fn)
		return -EINVAL;
	if (models->held)
		return -EBUSY;
	n = models->counts[type];
	list = weft_realloc(models->handlers[type], (n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	models->handlers[type] = list;
	copy = weft_strndup(name, strlen(name));
	if (!copy)
		return -ENOMEM;
	while (at < n && list[at].priority >= priority)
		at++;
	memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
	list[at] = (struct weft__model_handler){
		.priority = priority, .name = copy, .fn = fn, .user = user, .destroy = destroy
	};
	models->counts[type] = n + 1;
	if (type == WEFT_MODEL_TEXT_EMBEDDING && models->gather_texts)
		(void)gather_add(&list[at], models->gather_texts); /* without memory it is asked text by text */
	return 0;
}

int weft_models_gather_embeddings(weft_models *models, uint32_t texts_max)
{
	int r = 0;

	if (!models || texts_max > WEFT__GATHER_TEXTS_MAX)
		return -EINVAL;
	if (models->held)
		return -EBUSY;
	for (uint32_t i = 0; i < models->counts[WEFT_MODEL_TEXT_EMBEDDING] && r == 0; i++)
		r = gather_add(&models->handlers[WEFT_MODEL_TEXT_EMBEDDING][i], texts_max);
	models->gather_texts = r == 0 ? texts_max : 0;
	return r;
}

int weft_models_set_price(weft_models *models, const char *handler, const weft_price *price)
{
	int r = -ENOENT;

	if (!models || !price)
		return -EINVAL;
	if (models->held)
		return -EBUSY;
	for (int type = 0; type < WEFT_MODEL_TYPE_COUNT; type++) {
		for (uint32_t i = 0; i < models->counts[type]; i++) {
			struct weft__model_handler *h = &models->handlers[type][i];

			if (handler && strcmp(handler, h->name) != 0)
				continue;
			h->price = *price;
			r = 0;
		}
	}
	return r;
}

int weft_models_set_budget(weft_models *models, const weft_budget *budget)
{
	if (!models || !budget)
		return -EINVAL;
	if (models->held)
		return -EBUSY;
	models->budget = *budget;
	return 0;
}

int weft_models_set_cache(weft_models *models, weft_cache *cache)
{
	if (!models)
		return -EINVAL;
	if (models->held)
		return -EBUSY;
	if (cache)
		weft_cache_ref(cache);
	weft_cache_unref(models->cache);
	models->cache = cache;
	return 0;
}

size_t weft_models_count(const weft_models *models, weft_model_type type)
{
	return models && (unsigned)type < WEFT_MODEL_TYPE_COUNT ? models->counts[type] : 0;
}

bool weft__models_have(const weft_models *models, weft_model_type type)
{
	return weft_models_count(models, type) > 0;
}

/* ---- events -------------------------------------------------------------------- */

/*
 * Of "agent:llm:N". Who speaks from another thread may look at the agent too, since the agent's end waits for those
 * who speak (op.h).
 */
static void emit(const struct weft__model_ask *ask, const weft_event_form *form, weft_event_values v)
{
	v.component_id = weft__def_name(ask->run->agent->def);
	v.step = ask->number;
	v.workflow_id = ask->run->workflow_id;
	v.parent_workflow_id = ask->run->parent_workflow_id;
	weft_event_emit_form(ask->call.rt, form, &v);
}

#define LLM_FORM .scope = WEFT_SCOPE_LLM, .step_prefix = { ":llm:", 5 }

static void emit_prompt(const struct weft__model_ask *ask)
{
	static const weft_event_form form = { LLM_FORM, .text_count = 2,
		                              .keys = { WEFT_EVENT_KEY("prompt", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("type", WEFT_FIELD_STR) } };
	const weft_str texts[] = { ask->request.prompt, weft_str_from(weft_model_type_name(ask->request.type)) };

	emit(ask, &form, (weft_event_values){ .type = WEFT_EVENT_STARTED, .texts = texts });
}

/* The conversation of a tool loop, which has just said what came before. */
static void emit_conversation(const struct weft__model_ask *ask)
{
	static const weft_event_form form = { LLM_FORM, .text_count = 1,
		                              .keys = { WEFT_EVENT_KEY("messages", WEFT_FIELD_JSON) } };

	emit(ask, &form, (weft_event_values){ .type = WEFT_EVENT_STARTED, .follows = true, .texts = &ask->messages_json });
}

static void emit_messages(const struct weft__model_ask *ask)
{
	static const weft_event_form form = { LLM_FORM, .text_count = 2,
		                              .keys = { WEFT_EVENT_KEY("messages", WEFT_FIELD_JSON),
		                                        WEFT_EVENT_KEY("type", WEFT_FIELD_STR) } };
	const weft_model_request *req = &ask->request;
	weft_str texts[] = { { NULL, 0 }, weft_str_from(weft_model_type_name(req->type)) };
	weft_json_writer *w = ask->run->writer;

	if (!w && weft_json_writer_create(0, &ask->run->writer) < 0)
		return;
	w = ask->run->writer;
	weft_json_writer_reset(w);
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < req->message_count; i++) {
		weft_json_begin_object(w);
		weft_json_key(w, WEFT_STR("role"));
		weft_json_put_str(w, weft_str_from(weft_role_name(req->messages[i].role)));
		weft_json_key(w, WEFT_STR("content"));
		weft_json_put_str(w, req->messages[i].content);
		weft_json_end_object(w);
	}
	weft_json_end_array(w);
	if (weft_json_writer_text(w, &texts[0]) == 0)
		emit(ask, &form, (weft_event_values){ .type = WEFT_EVENT_STARTED, .texts = texts });
}

/* {messages}: the conversation as JSON, or the one rendered prompt and the model's type. */
static void emit_started(const struct weft__model_ask *ask)
{
	if (ask->request.message_count == 0)
		emit_prompt(ask);
	else if (ask->messages_json.len_bytes)
		emit_conversation(ask);
	else
		emit_messages(ask);
}

#define COMPLETED_KEYS                                                                                     \
	WEFT_EVENT_KEY("response", WEFT_FIELD_STR), WEFT_EVENT_KEY("has_tool_calls", WEFT_FIELD_BOOL),     \
		WEFT_EVENT_KEY("prompt_tokens", WEFT_FIELD_INT), WEFT_EVENT_KEY("completion_tokens", WEFT_FIELD_INT)

static void emit_completed(const struct weft__model_ask *ask)
{
	static const weft_event_form form = { LLM_FORM, .text_count = 1, .number_count = 3, .keys = { COMPLETED_KEYS } };
	static const weft_event_form cached = { LLM_FORM, .text_count = 1, .number_count = 4,
		                                .keys = { COMPLETED_KEYS, WEFT_EVENT_KEY("cached", WEFT_FIELD_BOOL) } };
	const weft_model_response *res = &ask->response;
	const weft_event_number numbers[] = { { .b = res->tool_call_count > 0 },
		                              { .i = res->usage.prompt_tokens },
		                              { .i = res->usage.completion_tokens },
		                              { .b = true } };
	weft_str text = res->text;

	text.len_bytes = weft__str_cut(text, FIRST_BYTES);
	emit(ask, res->cached ? &cached : &form,
	     (weft_event_values){ .type = WEFT_EVENT_COMPLETED, .texts = &text, .numbers = numbers });
}

static void emit_failed(const struct weft__model_ask *ask, weft_event_type type)
{
	static const weft_event_form form = { LLM_FORM };

	emit(ask, &form, (weft_event_values){ .type = type, .message = ask->why });
}

/* ---- asking ----------------------------------------------------------------------- */

static void estimate_usage(const weft_model_request *req, weft_model_response *res)
{
	size_t prompt = req->prompt.len_bytes;

	if (res->usage.prompt_tokens || res->usage.completion_tokens || res->cached)
		return;
	for (uint32_t i = 0; i < req->message_count; i++)
		prompt += req->messages[i].content.len_bytes;
	res->usage.prompt_tokens = weft__tokens_of(prompt);
	res->usage.completion_tokens = weft__tokens_of(res->text.len_bytes);
	res->usage.estimated = true;
}

static int over(struct weft__model_ask *ask, int status)
{
	struct weft__tape *tape = ask->run->agent->def->tape;
	bool wanted = weft_events_wanted(ask->call.rt);
	bool unwanted = ask->run->answered; /* the run has ended meanwhile */

	if (status < 0)
		ask->why = weft__op_is_lost(&ask->op) ? WEFT_STR("out of memory") : weft_str_from(ask->error.message);
	if (status == 0 && ask->response.cached)
		weft__def_count(ask->run->agent->def, WEFT__STAT_MODEL_CACHED, 1);
	if (status == 0)
		estimate_usage(&ask->request, &ask->response);
	if (__builtin_expect(tape != NULL, 0))
		status = tape->fns->answered(ask, status);
	if (status == 0) {
		if (wanted)
			emit_completed(ask);
	} else if (wanted) {
		emit_failed(ask, unwanted ? WEFT_EVENT_CANCELED : WEFT_EVENT_FAILED);
	}
	return status;
}

static void handler_back(struct weft__op *op);

static void count_failure(const struct weft__model_ask *ask)
{
	if (ask->run)
		weft__def_count(ask->run->agent->def, WEFT__STAT_MODEL_FAILURES, 1);
}

/* For who asks nearly the same. */
static void keep_near(struct weft__model_ask *ask)
{
	weft_cache *cache = ask->models->cache;

	if (ask->question && !ask->response.cached &&
	    weft__cache_is_worth(cache, &ask->request, &ask->response, ask->call.arena))
		weft__near_keep(weft__cache_near(cache), ask);
}

/* The handler has answered: does the answer fit? @return 0, WEFT_ESCHEMA: it is to be asked again; or why not */
static int answer_check(struct weft__model_ask *ask)
{
	uint32_t retries = ask->request.schema_retries ? ask->request.schema_retries : SCHEMA_RETRIES;
	weft_error why;
	int r;

	estimate_usage(&ask->request, &ask->response);
	if (ask->run)
		weft__budget_spend(&ask->run->spending, &ask->models->handlers[ask->request.type][ask->handler],
		                   &ask->response.usage);
	r = weft__structured_check(&ask->request, &ask->response, ask->call.arena, &why);

	if (r == 0) {
		keep_near(ask);
		weft__usage_add(&ask->response.usage, &ask->spent);
		return 0;
	}
	weft__usage_add(&ask->spent, &ask->response.usage);
	if (r == WEFT_ESCHEMA && ask->schema_tries++ < retries)
		return weft__structured_ask_again(&ask->request, &ask->response, ask->call.arena, &why) < 0 ? -ENOMEM : r;
	ask->error = why;
	return r == WEFT_ESCHEMA ? -EPROTO : r;
}

/* The handler has failed. True: the next one may be asked. */
static bool go_on(struct weft__model_ask *ask, int r)
{
	count_failure(ask);
	if (!ask->error.message[0])
		weft_error_set(&ask->error, r, "%s: %s", ask->models->handlers[ask->request.type][ask->handler].name,
		               weft_strerror(r));
	ask->handler++;
	/* of a request that is at fault, and of a budget that is spent, another one would say the same */
	return !ask->shown && r != -ECANCELED && r != -EINVAL && r != WEFT_EBUDGET;
}

/* The status of an ask that no handler answered; the last one's reason is in error. */
static int failed(struct weft__model_ask *ask, int r)
{
	weft_error why;

	if (r == -ECANCELED || r == WEFT_EBUDGET)
		return r;
	if (!ask->shown)
		return WEFT_EMODEL;
	why = ask->error;
	return weft_error_set(&ask->error, WEFT_EBROKEN, "the answer broke off: %s", why.message);
}

int weft__model_call_handler(struct weft__model_ask *ask, struct weft__model_handler *h)
{
	return h->gather && ask->models->gather_texts && weft__gather_takes(&ask->request) ?
	               weft__gather_call(h->gather, ask) :
	               h->fn(&ask->call, h->user);
}

static void one_begin(struct weft__model_ask *ask, struct weft__run *run, void (*back)(struct weft__op *op))
{
	memset(&ask->response, 0, sizeof(ask->response));
	ask->error.code = 0;
	ask->error.message[0] = '\0';
	weft__op_begin(&ask->op, run, back);
}

int weft__model_loose(struct weft__model_ask *ask, struct weft__model_handler *h, void (*back)(struct weft__op *op))
{
	one_begin(ask, NULL, back);
	return weft__op_loose_returned(&ask->op, weft__model_call_handler(ask, h));
}

int weft__model_loose_fn(struct weft__model_ask *ask, weft_model_fn fn, void *user, void (*back)(struct weft__op *op))
{
	one_begin(ask, NULL, back);
	return weft__op_loose_returned(&ask->op, fn(&ask->call, user));
}

/* By the run that it is of: one whose arena is somebody's has none to give. */
static int may_ask(struct weft__model_ask *ask, const struct weft__model_handler *h)
{
	if (!ask->run)
		return 0;
	return ask->run->lent ? -ENOMEM : weft__budget_check(ask, h);
}

static int ask_one(struct weft__model_ask *ask)
{
	struct weft__model_handler *h = &ask->models->handlers[ask->request.type][ask->handler];
	weft_cache *cache = ask->models->cache;
	int r;

	one_begin(ask, ask->run, handler_back);
	r = may_ask(ask, h);
	if (r < 0)
		return weft__op_returned(&ask->op, r);
	r = cache ? weft__cache_call(cache, ask, h) : weft__model_call_handler(ask, h);
	return ask->run ? weft__op_returned(&ask->op, r) : weft__op_wait(&ask->op, r);
}

/* WEFT_ESCHEMA is answer_check's, for "ask again": a handler that says it has failed. */
static int handlers_word(int r)
{
	return r == WEFT_ESCHEMA ? -EPROTO : r;
}

/* Ask the handlers from ask->handler on. r: how the one before has ended, WEFT_ESCHEMA when there was none. */
static int ask_from(struct weft__model_ask *ask, int r)
{
	for (;;) {
		if (r < 0 && r != WEFT_ESCHEMA && !go_on(ask, r))
			return failed(ask, r);
		if (ask->handler >= ask->models->counts[ask->request.type])
			return failed(ask, r);
		r = handlers_word(ask_one(ask));
		if (r == WEFT_PENDING)
			return r;
		if (weft__op_is_lost(&ask->op)) { /* it may answer yet: the response is not the next one's to fill, nor the arena */
			ask->run->lent |= ask->call.arena == ask->run->arena;
			count_failure(ask);
			return WEFT_EMODEL;
		}
		if (r == 0)
			r = answer_check(ask);
		if (r == 0)
			return 0;
	}
}

static void handler_back(struct weft__op *op)
{
	struct weft__model_ask *ask = weft__op_owner(op, struct weft__model_ask, op);
	int r = handlers_word(op->status);

	if (ask->run->answered) { /* the run has ended meanwhile: nobody else is asked */
		if (r < 0)
			weft_error_set(&ask->error, r, "nobody waits for the answer any more");
		ask->back(ask, over(ask, r));
		return;
	}
	if (r == 0)
		r = answer_check(ask);
	if (r < 0)
		r = ask_from(ask, r);
	if (r != WEFT_PENDING)
		ask->back(ask, over(ask, r));
}

/* Whether there is a near answer is known now. */
static int after_near(struct weft__model_ask *ask, int status)
{
	if (status == 0)
		weft__cache_stream(ask);
	return status == 0 ? 0 : ask_from(ask, WEFT_ESCHEMA);
}

static void near_back(struct weft__model_ask *ask, int status)
{
	int r;

	if (ask->run->answered)
		r = weft_error_set(&ask->error, -ECANCELED, "nobody waits for the answer any more");
	else
		r = after_near(ask, status);
	if (r != WEFT_PENDING)
		ask->back(ask, over(ask, r));
}

static int near_or_from(struct weft__model_ask *ask)
{
	weft_cache *cache = ask->models->cache;
	struct weft__near *near = cache ? weft__cache_near(cache) : NULL;
	int r;

	if (!near || weft__cache_has(cache, ask))
		return ask_from(ask, WEFT_ESCHEMA);
	r = weft__near_begin(near, ask, near_back);
	return r == WEFT_PENDING ? r : after_near(ask, r);
}

int weft__model_ask(struct weft__model_ask *ask, struct weft__run *run)
{
	weft_agent_def *def = run->agent->def;
	int r;

	ask->run = run;
	ask->models = def->models;
	ask->handler = ask->schema_tries = 0;
	ask->spent = (weft_model_usage){ 0 };
	ask->shown = false;
	ask->question = NULL;
	ask->call = (weft_model_call){ .request = &ask->request,
		                       .response = &ask->response,
		                       .arena = ask->arena ? ask->arena : run->arena,
		                       .rt = run->agent->rt,
		                       .error = &ask->error };
	weft__def_count(def, WEFT__STAT_MODEL_CALLS, 1);
	if (weft_events_wanted(run->agent->rt))
		emit_started(ask);
	if (__builtin_expect(def->tape != NULL, 0))
		def->tape->fns->asked(def->tape, ask);
	if (!weft__models_have(def->models, ask->request.type)) {
		weft_error_set(&ask->error, WEFT_ENOMODEL, "no model handler for %s",
		               weft_model_type_name(ask->request.type));
		return over(ask, WEFT_ENOMODEL);
	}
	r = near_or_from(ask);
	return r == WEFT_PENDING ? r : over(ask, r);
}

void weft_model_finish(weft_model_call *call, int status)
{
	if (call)
		weft__op_finish(&((struct weft__model_ask *)call)->op, status);
}

int weft_model_on_cancel(weft_model_call *call, void (*fn)(void *user), void *user)
{
	return call ? weft__op_on_cancel(&((struct weft__model_ask *)call)->op, fn, user) : -EINVAL;
}

static void emit_chunk(struct weft__model_ask *ask, weft_str chunk)
{
	static const weft_event_form form = { LLM_FORM, .text_count = 1, .keys = { WEFT_EVENT_KEY("chunk", WEFT_FIELD_STR) } };

	if (ask->run->tape)
		ask->run->tape->tape->fns->chunk(ask, chunk);
	if (!weft_events_wanted(ask->call.rt))
		return;
	ask->shown = true;
	emit(ask, &form, (weft_event_values){ .type = WEFT_EVENT_PROGRESS, .texts = &chunk });
}

void weft_model_chunk(weft_model_call *call, weft_str chunk)
{
	struct weft__model_ask *ask = (struct weft__model_ask *)call;

	if (ask && ask->on_chunk) {
		ask->shown = true;
		ask->on_chunk(ask, chunk);
		return;
	}
	/* a call of weft_models_call belongs to no run; an answer that must fit a schema may be asked for again */
	if (!ask || !ask->run || ask->request.json_schema.len_bytes || !weft__op_speak_begin(&ask->op))
		return;
	emit_chunk(ask, chunk);
	weft__op_speak_end(&ask->op);
}

/* ---- without an agent ------------------------------------------------------------- */

int weft_models_call(const weft_models *models, const weft_model_request *request, weft_arena *arena,
                     weft_model_response *ret_response, weft_error *err)
{
	struct weft__model_ask ask = { .models = models };
	int r;

	if (!models || !request || !arena || !ret_response || (unsigned)request->type >= WEFT_MODEL_TYPE_COUNT)
		return -EINVAL;
	if (!models->counts[request->type])
		return weft_error_set(err, WEFT_ENOMODEL, "no model handler for %s", weft_model_type_name(request->type));
	ask.request = *request;
	ask.call = (weft_model_call){ .request = &ask.request, .response = &ask.response, .arena = arena, .error = &ask.error };
	r = ask_from(&ask, WEFT_ESCHEMA);
	if (r < 0)
		return weft_error_set(err, r, "%s", ask.error.message);
	estimate_usage(&ask.request, &ask.response);
	*ret_response = ask.response;
	return 0;
}
