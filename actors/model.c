/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/model.c - the model registry, and asking: the handler of the highest
 * priority first, the next one when it fails, whether at once or later.
 */
#include "actors/model.h"

#include <errno.h>
#include <string.h>

#include "actors/agent.h"
#include "actors/text.h"

#define FIRST_BYTES 100u /* of an answer that llm.completed shows */

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
	m->refs = 1;
	*ret_models = m;
	return 0;
}

weft_models *weft_models_ref(weft_models *models)
{
	__atomic_fetch_add(&models->refs, 1, __ATOMIC_RELAXED); /* relaxed: the caller holds one */
	return models;
}

void weft_models_unref(weft_models *models)
{
	if (!models || __atomic_fetch_sub(&models->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (int type = 0; type < WEFT_MODEL_TYPE_COUNT; type++) {
		for (uint32_t i = 0; i < models->counts[type]; i++) {
			struct weft__model_handler *h = &models->handlers[type][i];

			if (h->destroy)
				h->destroy(h->user);
			weft_free(h->name);
		}
		weft_free(models->handlers[type]);
	}
	weft_free(models);
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

/* "agent:llm:N". Made for every call: a chunk may come from a thread that must not look at the agent. */
static int component_make(struct weft__model_ask *ask)
{
	weft_str name = weft__def_name(ask->run->agent->def);
	struct weft__buf b = weft__buf_begin(ask->run->arena, name.len_bytes + 16);

	weft__buf_put(&b, name);
	weft__buf_put(&b, WEFT_STR(":llm:"));
	weft__buf_put_uint(&b, ask->number);
	return weft__buf_end(&b, &ask->component);
}

static void emit(const struct weft__model_ask *ask, weft_event_type type, weft_str message,
                 const weft_event_field *fields, uint32_t count)
{
	weft_event_desc desc = { .scope = WEFT_SCOPE_LLM,
		                 .type = type,
		                 .component_id = ask->component,
		                 .workflow_id = ask->run->workflow_id,
		                 .parent_workflow_id = ask->run->parent_workflow_id,
		                 .message = message,
		                 .fields = fields,
		                 .field_count = count };

	weft_event_emit(ask->call.rt, &desc);
}

/* {messages}: the conversation as JSON, or the one rendered prompt and the model's type. */
static void emit_started(const struct weft__model_ask *ask)
{
	const weft_model_request *req = &ask->request;
	weft_event_field fields[2] = { { .key = WEFT_STR("messages"), .kind = WEFT_FIELD_JSON, .str = ask->messages_json },
		                       { .key = WEFT_STR("type"),
		                         .kind = WEFT_FIELD_STR,
		                         .str = weft_str_from(weft_model_type_name(req->type)) } };
	weft_json_writer *w = ask->run->writer;

	if (req->message_count == 0) {
		fields[0] = (weft_event_field){ .key = WEFT_STR("prompt"), .kind = WEFT_FIELD_STR, .str = req->prompt };
		emit(ask, WEFT_EVENT_STARTED, (weft_str){ 0 }, fields, 2);
		return;
	}
	if (ask->messages_json.len_bytes) {
		emit(ask, WEFT_EVENT_STARTED, (weft_str){ 0 }, fields, 1);
		return;
	}
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
	if (weft_json_writer_text(w, &fields[0].str) == 0)
		emit(ask, WEFT_EVENT_STARTED, (weft_str){ 0 }, fields, 2);
}

static void emit_completed(const struct weft__model_ask *ask)
{
	const weft_model_response *res = &ask->response;
	weft_str text = res->text;
	weft_event_field fields[4];

	if (text.len_bytes > FIRST_BYTES)
		text.len_bytes = FIRST_BYTES;
	fields[0] = (weft_event_field){ .key = WEFT_STR("response"), .kind = WEFT_FIELD_STR, .str = text };
	fields[1] = (weft_event_field){ .key = WEFT_STR("has_tool_calls"),
		                        .kind = WEFT_FIELD_BOOL,
		                        .num.b = res->tool_call_count > 0 };
	fields[2] = (weft_event_field){ .key = WEFT_STR("prompt_tokens"),
		                        .kind = WEFT_FIELD_INT,
		                        .num.i = res->usage.prompt_tokens };
	fields[3] = (weft_event_field){ .key = WEFT_STR("completion_tokens"),
		                        .kind = WEFT_FIELD_INT,
		                        .num.i = res->usage.completion_tokens };
	emit(ask, WEFT_EVENT_COMPLETED, (weft_str){ 0 }, fields, 4);
}

/* ---- asking ----------------------------------------------------------------------- */

static void estimate_usage(const weft_model_request *req, weft_model_response *res)
{
	size_t prompt = req->prompt.len_bytes;

	if (res->usage.prompt_tokens || res->usage.completion_tokens)
		return;
	for (uint32_t i = 0; i < req->message_count; i++)
		prompt += req->messages[i].content.len_bytes;
	res->usage.prompt_tokens = weft__tokens_of(prompt);
	res->usage.completion_tokens = weft__tokens_of(res->text.len_bytes);
	res->usage.estimated = true;
}

static int over(struct weft__model_ask *ask, int status)
{
	bool wanted = weft_events_wanted(ask->call.rt);

	if (status < 0)
		ask->why = weft__op_is_lost(&ask->op) ? WEFT_STR("out of memory") : weft_str_from(ask->error.message);
	if (status == 0) {
		estimate_usage(&ask->request, &ask->response);
		if (wanted)
			emit_completed(ask);
	} else if (wanted) {
		emit(ask, WEFT_EVENT_FAILED, ask->why, NULL, 0);
	}
	return status;
}

static void handler_back(struct weft__op *op);

/* Ask the handlers from ask->handler on. */
static int ask_from(struct weft__model_ask *ask)
{
	weft_agent_def *def = ask->run->agent->def;
	const weft_models *models = def->models;
	weft_model_type type = ask->request.type;

	for (; ask->handler < models->counts[type]; ask->handler++) {
		struct weft__model_handler *h = &models->handlers[type][ask->handler];
		int r;

		memset(&ask->response, 0, sizeof(ask->response));
		ask->error.code = 0;
		ask->error.message[0] = '\0';
		weft__op_begin(&ask->op, ask->run, handler_back);
		r = weft__op_returned(&ask->op, h->fn(&ask->call, h->user));
		if (r >= 0)
			return r;
		weft__def_count(def, WEFT__STAT_MODEL_FAILURES, 1);
		if (weft__op_is_lost(&ask->op))
			break; /* it may answer yet: the response is not the next one's to fill */
		if (!ask->error.message[0])
			weft_error_set(&ask->error, r, "%s: %s", h->name, weft_strerror(r));
	}
	return WEFT_EMODEL;
}

static void handler_back(struct weft__op *op)
{
	struct weft__model_ask *ask = weft__op_owner(op, struct weft__model_ask, op);
	weft_agent_def *def = ask->run->agent->def;
	int r = op->status;

	if (r < 0) {
		weft__def_count(def, WEFT__STAT_MODEL_FAILURES, 1);
		if (!ask->error.message[0])
			weft_error_set(&ask->error, r, "%s: %s",
			               def->models->handlers[ask->request.type][ask->handler].name, weft_strerror(r));
		ask->handler++;
		r = ask_from(ask);
	}
	if (r != WEFT_PENDING)
		ask->back(ask, over(ask, r));
}

int weft__model_ask(struct weft__model_ask *ask, struct weft__run *run)
{
	weft_agent_def *def = run->agent->def;
	int r;

	ask->run = run;
	ask->handler = 0;
	ask->call = (weft_model_call){ .request = &ask->request,
		                       .response = &ask->response,
		                       .arena = ask->arena ? ask->arena : run->arena,
		                       .rt = run->agent->rt,
		                       .error = &ask->error };
	weft__def_count(def, WEFT__STAT_MODEL_CALLS, 1);
	if (component_make(ask) < 0) {
		ask->why = WEFT_STR("out of memory");
		return -ENOMEM;
	}
	if (weft_events_wanted(run->agent->rt))
		emit_started(ask);
	if (!weft__models_have(def->models, ask->request.type)) {
		weft_error_set(&ask->error, WEFT_ENOMODEL, "no model handler for %s",
		               weft_model_type_name(ask->request.type));
		return over(ask, WEFT_ENOMODEL);
	}
	r = ask_from(ask);
	return r == WEFT_PENDING ? r : over(ask, r);
}

void weft_model_finish(weft_model_call *call, int status)
{
	if (call)
		weft__op_finish(&((struct weft__model_ask *)call)->op, status);
}

void weft_model_chunk(weft_model_call *call, weft_str chunk)
{
	struct weft__model_ask *ask = (struct weft__model_ask *)call;
	weft_event_field field = { .key = WEFT_STR("chunk"), .kind = WEFT_FIELD_STR, .str = chunk };

	/* a call of weft_models_call belongs to no run */
	if (ask && ask->run && weft_events_wanted(call->rt))
		emit(ask, WEFT_EVENT_PROGRESS, (weft_str){ 0 }, &field, 1);
}

/* ---- without an agent ------------------------------------------------------------- */

int weft_models_call(const weft_models *models, const weft_model_request *request, weft_arena *arena,
                     weft_model_response *ret_response, weft_error *err)
{
	struct weft__model_ask ask = { .run = NULL };

	if (!models || !request || !arena || !ret_response || (unsigned)request->type >= WEFT_MODEL_TYPE_COUNT)
		return -EINVAL;
	if (!models->counts[request->type])
		return weft_error_set(err, WEFT_ENOMODEL, "no model handler for %s", weft_model_type_name(request->type));
	for (uint32_t i = 0; i < models->counts[request->type]; i++) {
		struct weft__model_handler *h = &models->handlers[request->type][i];
		int r;

		ask.response = (weft_model_response){ 0 };
		ask.error.message[0] = '\0';
		ask.call = (weft_model_call){
			.request = request, .response = &ask.response, .arena = arena, .error = &ask.error
		};
		weft__op_begin(&ask.op, NULL, NULL);
		r = weft__op_wait(&ask.op, h->fn(&ask.call, h->user));
		if (r == 0) {
			estimate_usage(request, &ask.response);
			*ret_response = ask.response;
			return 0;
		}
		weft_error_set(err, WEFT_EMODEL, "%s: %s", h->name,
		               ask.error.message[0] ? ask.error.message : weft_strerror(r));
	}
	return WEFT_EMODEL;
}
