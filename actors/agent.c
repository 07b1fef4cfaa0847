/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/agent.c - the actor behind an agent: requests become runs, ops that come
 * back go to theirs, and an agent that was asked to stop ends with its last run.
 */
#include "actors/agent.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "store/attachment.h"

#define POOL_RUNS_MAX 32u      /* a thread keeps at most so many */
#define ARENA_BYTES 8192u      /* an ask with a few tool calls fits */
#define POOL_ARENA_MAX 65536u  /* and none that grew past this */

/* ---- the pool of runs, a thread -------------------------------------------------- */

static _Thread_local struct {
	struct weft__run *free;
	uint32_t count;
	bool watched; /* the thread's end drains it */
} pool;

static pthread_key_t pool_key;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void run_free(struct weft__run *run)
{
	weft_json_writer_destroy(run->writer);
	weft_arena_destroy(run->arena);
	weft_free(run);
}

static void pool_drain(void *unused)
{
	(void)unused;
	while (pool.free) {
		struct weft__run *run = pool.free;

		pool.free = run->next;
		run_free(run);
	}
	pool.count = 0;
	pool.watched = false; /* another destructor may still recycle a run */
}

static void pool_key_make(void)
{
	pthread_key_create(&pool_key, pool_drain);
}

static struct weft__run *run_new(void)
{
	struct weft__run *run = pool.free;

	if (run) {
		pool.free = run->next;
		pool.count--;
		return run;
	}
	run = weft_calloc(1, sizeof(*run));
	if (!run)
		return NULL;
	if (weft_arena_create(ARENA_BYTES, &run->arena) < 0) {
		weft_free(run);
		return NULL;
	}
	return run;
}

static void run_recycle(struct weft__run *run)
{
	if (run->release)
		run->release(run);
	if (run->tape)
		run->tape->tape->fns->released(run);
	weft_msg_destroy(run->request); /* if it was not answered: NOREPLY */
	run->request = NULL;
	if (pool.count >= POOL_RUNS_MAX || weft_arena_bytes(run->arena) > POOL_ARENA_MAX) {
		run_free(run);
		return;
	}
	if (!pool.watched) {
		pthread_once(&pool_once, pool_key_make);
		pool.watched = pthread_setspecific(pool_key, &pool) == 0;
	}
	weft_arena_reset(run->arena);
	run->next = pool.free;
	pool.free = run;
	pool.count++;
}

/* ---- runs ------------------------------------------------------------------------- */

void weft__run_ref(struct weft__run *run)
{
	weft__refs_take(&run->refs);
}

void weft__run_unref(struct weft__run *run)
{
	if (weft__refs_drop(&run->refs))
		run_recycle(run);
}

static void run_link(struct weft__agent *agent, struct weft__run *run)
{
	run->next = agent->runs;
	run->prev = &agent->runs;
	if (run->next)
		run->next->prev = &run->next;
	agent->runs = run;
	agent->active++;
}

static void run_unlink(struct weft__run *run)
{
	*run->prev = run->next;
	if (run->next)
		run->next->prev = run->prev;
	run->prev = NULL;
}

struct weft__run *weft__run_bare(struct weft__agent *agent)
{
	struct weft__run *run = run_new();
	weft_json_writer *writer;
	weft_arena *arena;

	if (!run)
		return NULL;
	arena = run->arena;
	writer = run->writer;
	memset(run, 0, sizeof(*run));
	run->arena = arena;
	run->writer = writer;
	run->agent = agent;
	run->spending.limit = agent->def->opt.budget;
	weft__refs_init(&run->refs, 1);
	return run;
}

uint64_t weft__request_workflow(weft_msg *request)
{
	if (weft_msg_kind(request) == WEFT__KIND_HANDLE)
		return ((const struct weft__handle_body *)weft_msg_data(request))->workflow_id;
	return ((const struct weft__ask_body *)weft_msg_data(request))->workflow_id;
}

struct weft__run *weft__run_begin(struct weft__agent *agent, weft_msg *request)
{
	struct weft__run *run = weft__run_bare(agent);

	if (!run)
		return NULL;
	run->request = request;
	run->started = weft_ticks();
	if (weft_msg_kind(request) == WEFT__KIND_HANDLE)
		run->start_ns = weft_now_ns();
	run->workflow_id = weft__request_workflow(request);
	if (!run->workflow_id)
		run->workflow_id = weft_workflow_id(agent->rt);
	run->result.workflow_id = run->workflow_id;
	if (agent->def->tape)
		agent->def->tape->fns->run_begin(agent->def->tape, run);
	run_link(agent, run);
	weft__def_count(agent->def, WEFT__STAT_RUNS_STARTED, 1);
	return run;
}

/* ---- the answer --------------------------------------------------------------------- */

static size_t padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static size_t history_bytes(const weft_chat_message *history, uint32_t count)
{
	size_t bytes = count * sizeof(weft_chat_message);

	for (uint32_t i = 0; i < count; i++) {
		const weft_chat_message *m = &history[i];

		bytes += m->content.len_bytes + 1 + m->tool_call_id.len_bytes + 1 + m->carry_json.len_bytes + 1;
		bytes += m->image_url_count * sizeof(weft_str) + 8;
		for (uint32_t j = 0; j < m->image_url_count; j++)
			bytes += m->image_urls[j].len_bytes + 1;
		bytes += m->tool_call_count * sizeof(weft_tool_request) + 8;
		for (uint32_t j = 0; j < m->tool_call_count; j++)
			bytes += m->tool_calls[j].id.len_bytes + m->tool_calls[j].name.len_bytes +
			         m->tool_calls[j].arguments_json.len_bytes + 3;
	}
	return bytes;
}

static size_t result_bytes(const weft_agent_result *r)
{
	size_t bytes = padded(sizeof(*r)) + r->error.len_bytes + r->text.len_bytes + r->content_type.len_bytes +
	               r->thought.len_bytes + 4;

	bytes = padded(bytes) + r->approval_count * sizeof(weft_approval);
	for (uint32_t i = 0; i < r->approval_count; i++)
		bytes += r->approvals[i].agent.len_bytes + r->approvals[i].tool.len_bytes +
		         r->approvals[i].arguments.len_bytes + r->approvals[i].why.len_bytes + 4;
	bytes = padded(bytes) + r->action_count * sizeof(weft_action_result);
	for (uint32_t i = 0; i < r->action_count; i++)
		bytes += r->actions[i].name.len_bytes + r->actions[i].text.len_bytes + r->actions[i].error.len_bytes + 3;
	return padded(bytes) + history_bytes(r->history, r->history_count) + 8;
}

/* Copies behind each other into the answer's payload. */
struct packer {
	char *at;
};

static weft_str pack_str(struct packer *p, weft_str s)
{
	weft_str out = { p->at, s.len_bytes };

	if (s.len_bytes)
		memcpy(p->at, s.ptr, s.len_bytes);
	p->at[s.len_bytes] = '\0';
	p->at += s.len_bytes + 1;
	return out;
}

static void *pack_array(struct packer *p, const void *from, size_t bytes)
{
	void *out;

	p->at = (char *)(((uintptr_t)p->at + 7) & ~(uintptr_t)7);
	out = p->at;
	if (bytes)
		memcpy(out, from, bytes);
	p->at += bytes;
	return out;
}

static const weft_str *pack_strs(struct packer *p, const weft_str *from, uint32_t count)
{
	weft_str *list = pack_array(p, from, count * sizeof(*list));

	for (uint32_t i = 0; i < count; i++)
		list[i] = pack_str(p, list[i]);
	return list;
}

static const weft_chat_message *pack_history(struct packer *p, const weft_chat_message *history, uint32_t count)
{
	weft_chat_message *list = pack_array(p, history, count * sizeof(*list));

	for (uint32_t i = 0; i < count; i++) {
		weft_chat_message *m = &list[i];
		weft_tool_request *calls;

		m->content = pack_str(p, m->content);
		m->tool_call_id = pack_str(p, m->tool_call_id);
		m->carry_json = pack_str(p, m->carry_json);
		m->image_urls = m->image_url_count ? pack_strs(p, m->image_urls, m->image_url_count) : NULL;
		calls = pack_array(p, m->tool_calls, m->tool_call_count * sizeof(*calls));
		for (uint32_t j = 0; j < m->tool_call_count; j++) {
			calls[j].id = pack_str(p, calls[j].id);
			calls[j].name = pack_str(p, calls[j].name);
			calls[j].arguments_json = pack_str(p, calls[j].arguments_json);
		}
		m->tool_calls = calls;
	}
	return list;
}

static void pack_actions(struct packer *p, weft_agent_result *r)
{
	weft_action_result *list = pack_array(p, r->actions, r->action_count * sizeof(*list));

	for (uint32_t i = 0; i < r->action_count; i++) {
		list[i].name = pack_str(p, list[i].name);
		list[i].text = pack_str(p, list[i].text);
		list[i].error = pack_str(p, list[i].error);
	}
	r->actions = list;
}

static void pack_approvals(struct packer *p, weft_agent_result *r)
{
	weft_approval *list = pack_array(p, r->approvals, r->approval_count * sizeof(*list));

	for (uint32_t i = 0; i < r->approval_count; i++) {
		list[i].agent = pack_str(p, list[i].agent);
		list[i].tool = pack_str(p, list[i].tool);
		list[i].arguments = pack_str(p, list[i].arguments);
		list[i].why = pack_str(p, list[i].why);
	}
	r->approvals = list;
}

static void result_pack(const weft_agent_result *from, char *payload)
{
	weft_agent_result *r = (weft_agent_result *)payload;
	struct packer p = { payload + padded(sizeof(*r)) };

	*r = *from;
	r->error = pack_str(&p, r->error);
	r->text = pack_str(&p, r->text);
	r->content_type = pack_str(&p, r->content_type);
	r->thought = pack_str(&p, r->thought);
	if (r->approval_count)
		pack_approvals(&p, r);
	if (r->action_count)
		pack_actions(&p, r);
	if (r->history_count)
		r->history = pack_history(&p, r->history, r->history_count);
}

/* Too much to answer with: what is left is the reason. */
static void result_shrink(weft_agent_result *r)
{
	*r = (weft_agent_result){ .status = -EMSGSIZE,
		                  .error = WEFT_STR("the answer is larger than a message can be"),
		                  .workflow_id = r->workflow_id,
		                  .duration_ns = r->duration_ns };
}

static void answer(struct weft__run *run)
{
	weft_msg *request = run->request, *reply;
	size_t bytes;

	if (!weft_msg_wants_reply(request))
		return;
	bytes = result_bytes(&run->result);
	if (bytes > WEFT_MSG_BYTES_MAX) {
		result_shrink(&run->result);
		bytes = result_bytes(&run->result);
	}
	reply = weft_msg_create(WEFT__KIND_RESULT, bytes);
	if (reply) {
		result_pack(&run->result, weft_msg_data(reply));
		weft_msg_set_status(reply, run->result.status);
		if (weft_reply(request, reply) < 0)
			weft_msg_destroy(reply);
	}
}

static enum weft__stat outcome(int status)
{
	if (status == -ECANCELED)
		return WEFT__STAT_RUNS_CANCELED;
	if (status == WEFT_EAPPROVAL)
		return WEFT__STAT_RUNS_SUSPENDED;
	return status < 0 ? WEFT__STAT_RUNS_FAILED : WEFT__STAT_RUNS_COMPLETED;
}

void weft__run_end(struct weft__run *run)
{
	struct weft__agent *agent = run->agent;

	if (run->answered)
		return;
	run->answered = true;
	if (!run->result.duration_ns)
		run->result.duration_ns = weft_ticks_to_ns(weft_ticks() - run->started);
	run->result.spent_micros = run->spending.picos / 1000000u;
	if (run->tape)
		run->tape->tape->fns->run_end(run);
	weft__def_count(agent->def, outcome(run->result.status), 1);
	answer(run);
	if (run->ops && !run->trails)
		weft__ops_cancel(run); /* they work for nobody */
	agent->active--;
	if (!run->ops) { /* else an orphan: stays until its ops are back */
		run_unlink(run);
		weft__run_unref(run);
	}
}

const weft_agent_result *weft_agent_result_of(const weft_msg *reply)
{
	if (!reply || weft_msg_kind(reply) != WEFT__KIND_RESULT)
		return NULL;
	return weft_msg_data((weft_msg *)(uintptr_t)reply); /* the payload of a constant message: only read */
}

void weft__promise_drop(weft_msg *promise)
{
	weft_msg_destroy(promise); /* reaches the agent as WEFT_KIND_NOREPLY, which it passes over */
}

/* ---- the actor ----------------------------------------------------------------------- */

static bool is_trailed(const struct weft__agent *agent)
{
	const struct weft__run *run = agent->runs;

	while (run && !run->trails)
		run = run->next;
	return run;
}

void weft__agent_settle(struct weft__agent *agent)
{
	weft_actor *self = weft_actor_self();

	if (agent->ending && !agent->active && self && weft__pipeline_is_idle(agent) && !is_trailed(agent))
		weft_actor_exit(self, 0);
}

/* Keep the request and answer it with an error, without a run of its own kind. */
static void refuse(struct weft__agent *agent, weft_msg *request, int status, weft_str why)
{
	struct weft__run *run = weft__run_begin(agent, request);

	if (!run) {
		weft_msg_destroy(request);
		return;
	}
	run->result.status = status;
	run->result.error = why;
	weft__run_end(run);
}

static void on_request(struct weft__agent *agent, weft_actor *self, weft_msg *msg)
{
	uint32_t kind = weft_msg_kind(msg);
	struct weft__run *run;

	weft_msg_keep(self, msg);
	if (agent->ending) {
		refuse(agent, msg, -ESHUTDOWN, WEFT_STR("the agent is ending"));
		return;
	}
	if (kind == WEFT__KIND_HANDLE) {
		weft__pipeline_handle(agent, msg);
		return;
	}
	run = weft__run_begin(agent, msg);
	if (!run) {
		weft_msg_destroy(msg); /* NOREPLY */
		return;
	}
	weft__ask_start(run);
}

static void on_op(weft_msg *msg)
{
	struct weft__op *op = (struct weft__op *)(uintptr_t)weft_msg_token(msg);
	struct weft__run *run = op->run;

	weft__run_ref(run); /* the run may end in here */
	weft__op_arrived(msg);
	if (run->answered && !run->ops && run->prev) { /* an orphan's last op */
		run_unlink(run);
		weft__run_unref(run);
	}
	weft__run_unref(run);
}

/* The run, under way, of this id; any for 0. */
static struct weft__run *run_find(const struct weft__agent *agent, uint64_t workflow_id)
{
	for (struct weft__run *run = agent->runs; run; run = run->next) {
		if (!run->answered && run->cancel && (!workflow_id || run->workflow_id == workflow_id))
			return run;
	}
	return NULL;
}

/* Those that wait first: the end of the one before them would let them begin. */
static void on_cancel(struct weft__agent *agent, uint64_t workflow_id)
{
	struct weft__run *run;

	if (weft__pipeline_cancel(agent, workflow_id) && workflow_id)
		return;
	while ((run = run_find(agent, workflow_id))) {
		run->cancel(run);
		if (workflow_id)
			return;
	}
}

int weft__agent_behaviour(weft_actor *self, weft_msg *msg)
{
	struct weft__agent *agent = weft_actor_state(self);

	if (!agent->known) {
		agent->rt = weft_actor_runtime(self);
		agent->ref = weft_actor_ref(self);
		agent->known = true;
	}
	switch (weft_msg_kind(msg)) {
	case WEFT__KIND_ASK:
	case WEFT__KIND_HANDLE:
		on_request(agent, self, msg);
		break;
	case WEFT__KIND_OP:
		on_op(msg);
		break;
	case WEFT__KIND_CANCEL:
		on_cancel(agent, weft_msg_token(msg));
		break;
	case WEFT_KIND_TIMER:
		weft__pipeline_timer(agent, weft_msg_token(msg));
		break;
	case WEFT_KIND_STOP:
		agent->ending = true;
		break;
	default:
		break; /* not ours: a request among them is answered NOREPLY */
	}
	weft__agent_settle(agent);
	return 0;
}

void weft__agent_fini(weft_actor *self)
{
	struct weft__agent *agent = weft_actor_state(self);

	weft__pipeline_fini(agent);
	while (agent->runs) {
		struct weft__run *run = agent->runs;

		run_unlink(run);
		if (!run->answered) {
			run->result.status = -ECANCELED;
			run->result.error = WEFT_STR("the agent has ended");
			weft__def_count(agent->def, WEFT__STAT_RUNS_CANCELED, 1);
			if (run->tape)
				run->tape->tape->fns->run_end(run);
		}
		weft__ops_abandon(run);
		if (!run->answered)
			answer(run); /* the request stays with those who still work on it, the asker need not wait for them */
		run->agent = NULL;
		weft__run_unref(run);
	}
	weft_agent_def_unref(agent->def);
}

/* ---- the public side -------------------------------------------------------------------- */

int weft_agent_spawn(weft_runtime *rt, weft_agent_def *def, const weft_uuid *id, weft_ref *ret_agent)
{
	struct weft__agent state = { 0 };
	int r;

	if (!rt || !def || !ret_agent)
		return -EINVAL;
	weft__op_simulated();
	r = weft__def_freeze(def);
	if (r < 0)
		return r;
	state.def = weft_agent_def_ref(def);
	state.id = id ? *id : weft_uuid_v7();
	r = weft_actor_spawn(rt, &def->cls, &state, ret_agent);
	if (r < 0)
		weft_agent_def_unref(def);
	return r;
}

/* Send a request that was built; it is released when it is not accepted. */
static int submit(weft_ref agent, weft_msg *msg, weft_reply_to reply_to)
{
	int r = weft_request(agent, msg, reply_to);

	if (r < 0)
		weft_msg_destroy(msg);
	return r;
}

int weft_agent_ask(weft_ref agent, const weft_ask *ask, weft_reply_to reply_to)
{
	struct weft__ask_body *body;
	struct packer p;
	size_t bytes;
	weft_msg *msg;

	if (!ask || ask->size != sizeof(*ask) || (ask->history_count && !ask->history))
		return -EINVAL;
	bytes = padded(sizeof(*body) + ask->input.len_bytes + 1 + ask->json_schema.len_bytes + 1);
	if (ask->history_count)
		bytes += history_bytes(ask->history, ask->history_count) + 8;
	if (bytes > WEFT_MSG_BYTES_MAX)
		return -EMSGSIZE;
	msg = weft_msg_create(WEFT__KIND_ASK, bytes);
	if (!msg)
		return -ENOMEM;
	body = weft_msg_data(msg);
	p.at = (char *)(body + 1);
	body->input = pack_str(&p, ask->input);
	body->json_schema = pack_str(&p, ask->json_schema);
	body->resume = (weft_uuid){ 0 };
	body->workflow_id = ask->workflow_id;
	body->parent_workflow_id = ask->parent_workflow_id;
	body->end_after = ask->end_after;
	body->want_history = ask->want_history;
	body->budget = ask->budget;
	body->history_count = ask->history_count;
	body->history = ask->history_count ? pack_history(&p, ask->history, ask->history_count) : NULL;
	return submit(agent, msg, reply_to);
}

int weft_agent_resume(weft_ref agent, weft_uuid run, weft_reply_to reply_to)
{
	struct weft__ask_body *body;
	weft_msg *msg;

	if (weft_uuid_is_nil(run))
		return -EINVAL;
	msg = weft_msg_create(WEFT__KIND_ASK, sizeof(*body));
	if (!msg)
		return -ENOMEM;
	body = weft_msg_data(msg);
	*body = (struct weft__ask_body){ .resume = run };
	return submit(agent, msg, reply_to);
}

/* The bytes of a request for this message, or why it is none. */
static int64_t handle_bytes(const weft_memory *m)
{
	size_t bytes = sizeof(struct weft__handle_body);
	int r;

	if (weft_uuid_is_nil(m->room_id) || weft_uuid_is_nil(m->entity_id))
		return -EINVAL;
	if (m->text.len_bytes > WEFT_MEMORY_TEXT_MAX)
		return -EMSGSIZE;
	bytes += m->text.len_bytes + m->thought.len_bytes + m->actions.len_bytes + m->source.len_bytes + 4;
	if (m->attachment_count) {
		r = weft_attachments_check(m->attachments, m->attachment_count, NULL);
		if (r < 0)
			return r;
		bytes = padded(bytes) + weft__attachments_bytes(m->attachments, m->attachment_count);
	}
	return bytes <= WEFT_MSG_BYTES_MAX ? (int64_t)bytes : -EMSGSIZE;
}

static void handle_pack(struct weft__handle_body *body, const weft_incoming *incoming)
{
	const weft_memory *m = &incoming->message;
	struct packer p = { (char *)(body + 1) };

	body->message = *m;
	body->workflow_id = incoming->workflow_id;
	body->mentions_agent = incoming->mentions_agent;
	body->replies_to_agent = incoming->replies_to_agent;
	body->message.text = pack_str(&p, m->text);
	body->message.thought = pack_str(&p, m->thought);
	body->message.actions = pack_str(&p, m->actions);
	body->message.source = pack_str(&p, m->source);
	body->message.embedding = NULL;
	body->message.embedding_dims = 0;
	if (m->attachment_count)
		body->message.attachments =
			weft__attachments_put(pack_array(&p, NULL, 0), m->attachments, m->attachment_count);
}

int weft_agent_handle_message(weft_ref agent, const weft_incoming *incoming, weft_reply_to reply_to)
{
	int64_t bytes;
	weft_msg *msg;

	if (!incoming || incoming->size != sizeof(*incoming))
		return -EINVAL;
	bytes = handle_bytes(&incoming->message);
	if (bytes < 0)
		return (int)bytes;
	msg = weft_msg_create(WEFT__KIND_HANDLE, (size_t)bytes);
	if (!msg)
		return -ENOMEM;
	handle_pack(weft_msg_data(msg), incoming);
	return submit(agent, msg, reply_to);
}

/* As the answer to a promise: that needs no place in the mailbox, and leaves after what was sent before. */
int weft_agent_cancel(weft_ref agent, uint64_t workflow_id)
{
	weft_msg *promise;
	int r;

	if (!weft_actor_is_alive(agent))
		return -ESRCH;
	r = weft_promise_create(weft_reply_to_actor(agent, workflow_id), &promise);
	if (r == 0)
		weft_promise_finish(promise, WEFT__KIND_CANCEL, 0);
	return r;
}

const char *weft_stage_name(weft_stage stage)
{
	static const char *const names[WEFT_STAGE_COUNT] = {
		[WEFT_STAGE_REMEMBER] = "memory_create",     [WEFT_STAGE_SHOULD_RESPOND] = "should_respond",
		[WEFT_STAGE_COMPOSE] = "compose_state",      [WEFT_STAGE_PROVIDERS] = "provider_execution",
		[WEFT_STAGE_RENDER] = "state_serialization", [WEFT_STAGE_MODEL] = "model_call",
		[WEFT_STAGE_PARSE] = "parse",                [WEFT_STAGE_ACTIONS] = "action_dispatch",
		[WEFT_STAGE_EVALUATE] = "evaluator",         [WEFT_STAGE_RECALL] = "memory_get",
		[WEFT_STAGE_ATTACHMENTS] = "process_attachments",
	};

	return (unsigned)stage < WEFT_STAGE_COUNT ? names[stage] : "unknown";
}
