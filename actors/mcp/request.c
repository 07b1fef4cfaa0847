/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/request.c - what a host asks of a server, and what the server asks of the host.
 *
 * Both cross threads as jobs. Lists are put together from all their pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/mcp/client.h"
#include "net/mcp/elicit.h"
#include "runtime/loops.h"

/* ---- asking ---------------------------------------------------------------------------- */

struct request {
	struct weft__job job; /* first */
	struct weft__mcp_task task;
	struct weft__rpc_call rpc;
	struct weft__mcp_list list;
	weft_mcp *client; /* held */
	weft_str method;  /* behind this struct */
	weft_json_doc *params; /* owned; NULL: none */
	uint64_t timeout_ns;
	weft_json_writer *writer; /* of a list */
	weft_mcp_done_fn fn;
	void *user;
};

static const struct {
	const char *method, *member;
	enum weft__mcp_listed what;
} lists[] = {
	{ "tools/list", "tools", WEFT__MCP_LIST_TOOLS },
	{ "resources/list", "resources", WEFT__MCP_LIST_RESOURCES },
	{ "resources/templates/list", "resourceTemplates", WEFT__MCP_LIST_TEMPLATES },
	{ "prompts/list", "prompts", WEFT__MCP_LIST_PROMPTS },
};

static struct request *of_task(struct weft__mcp_task *task)
{
	return (struct request *)((char *)task - offsetof(struct request, task));
}

static void request_free(struct request *q)
{
	weft_json_writer_destroy(q->writer);
	weft_json_release(q->params);
	weft__mcp_release(q->client);
	weft_free(q);
}

static void request_over(struct request *q, int status, weft_str text)
{
	q->fn(status, text, q->user);
	request_free(q);
}

static void on_done(struct weft__rpc_call *rpc, const struct weft__rpc_answer *answer)
{
	struct request *q = (struct request *)((char *)rpc - offsetof(struct request, rpc));
	weft_str text = answer->message;
	int r = answer->status;

	if (r == 0)
		r = weft_json_writer_create(0, &q->writer);
	if (r == 0) {
		weft_json_put_value(q->writer, answer->result);
		r = weft_json_writer_text(q->writer, &text);
	}
	request_over(q, r, r == -ENOMEM ? WEFT_STR("out of memory") : text);
}

static int on_item(struct weft__mcp_list *list, weft_json item)
{
	struct request *q = (struct request *)((char *)list - offsetof(struct request, list));

	weft_json_put_value(q->writer, item);
	return 0;
}

static void on_listed(struct weft__mcp_list *list, int status, weft_str why)
{
	struct request *q = (struct request *)((char *)list - offsetof(struct request, list));
	weft_str text = why;

	if (status == 0) {
		weft_json_end_array(q->writer);
		weft_json_end_object(q->writer);
		status = weft_json_writer_text(q->writer, &text);
	}
	request_over(q, status, text);
}

static int list_go(struct request *q, struct weft__mcp_session *session, size_t which)
{
	int r = weft_json_writer_create(0, &q->writer);

	if (r < 0)
		return r;
	weft_json_begin_object(q->writer);
	weft_json_key(q->writer, weft_str_from(lists[which].member));
	weft_json_begin_array(q->writer);
	q->list = (struct weft__mcp_list){ .item = on_item, .done = on_listed };
	return weft__mcp_list_start(session, &q->list, lists[which].what);
}

static int on_go(struct weft__mcp_task *task, struct weft__mcp_session *session)
{
	struct request *q = of_task(task);
	weft_json_writer *w;
	weft_json_iter it;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (weft_str_eq(q->method, weft_str_from(lists[i].method)))
			return list_go(q, session, i);
	}
	q->rpc = (struct weft__rpc_call){ .timeout_ns = q->timeout_ns, .total_ns = q->timeout_ns, .done = on_done };
	w = weft__mcp_open(session, &q->rpc, q->method);
	if (q->params) {
		for (it = weft_json_iter_begin(weft_json_root(q->params)); weft_json_iter_next(&it);) {
			weft_json_key(w, it.key);
			weft_json_put_value(w, it.value);
		}
	}
	return weft__mcp_commit(session);
}

static void on_fail(struct weft__mcp_task *task, int status, weft_str why)
{
	request_over(of_task(task), status, why);
}

static void run_request(struct weft__job *job)
{
	struct request *q = (struct request *)job;

	weft__mcp_client_submit(&q->client->engine, &q->task);
}

static int params_take(struct request *q, weft_str json)
{
	int r;

	if (!json.len_bytes)
		return 0;
	r = weft_json_parse(json, &q->params, NULL);
	if (r < 0)
		return r;
	return weft_json_typeof(weft_json_root(q->params)) == WEFT_JSON_OBJECT ? 0 : -EINVAL;
}

int weft_mcp_request(weft_mcp *m, weft_str method, weft_str params_json, uint64_t timeout_ns, weft_mcp_done_fn fn,
                     void *user)
{
	struct request *q;
	int r;

	if (!m || !method.len_bytes || !fn)
		return -EINVAL;
	q = weft_calloc(1, sizeof(*q) + method.len_bytes);
	if (!q)
		return -ENOMEM;
	memcpy(q + 1, method.ptr, method.len_bytes);
	q->method = (weft_str){ (char *)(q + 1), method.len_bytes };
	q->client = m;
	weft__mcp_hold(m);
	q->timeout_ns = timeout_ns ? timeout_ns : m->options.call_ns;
	q->fn = fn;
	q->user = user;
	q->job.run = run_request;
	q->task = (struct weft__mcp_task){ .go = on_go, .fail = on_fail, .until_ns = weft__mcp_patience(m) };
	r = params_take(q, params_json);
	if (r == 0)
		r = weft__mcp_post(m, &q->job);
	if (r < 0)
		request_free(q);
	return r;
}

/* ---- asking, and waiting ------------------------------------------------------------------ */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool over;
	int status;
	weft_arena *arena; /* the waiting thread's: it does nothing else meanwhile */
	weft_str text;
};

static void on_waited(int status, weft_str text, void *user)
{
	struct waiting *w = user;

	pthread_mutex_lock(&w->lock);
	w->text = weft_arena_dup(w->arena, text);
	w->status = status == 0 && !w->text.ptr ? -ENOMEM : status;
	w->over = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

int weft_mcp_request_wait(weft_mcp *m, weft_str method, weft_str params_json, uint64_t timeout_ns, weft_arena *arena,
                          weft_str *ret_text)
{
	struct waiting w = { .arena = arena };
	int r;

	if (!arena || !ret_text)
		return -EINVAL;
	if (weft__loop_here())
		return -EDEADLK;
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.done, NULL);
	r = weft_mcp_request(m, method, params_json, timeout_ns, on_waited, &w);
	if (r == 0) {
		pthread_mutex_lock(&w.lock);
		while (!w.over)
			pthread_cond_wait(&w.done, &w.lock);
		pthread_mutex_unlock(&w.lock);
		r = w.status;
		*ret_text = w.text;
	}
	pthread_cond_destroy(&w.done);
	pthread_mutex_destroy(&w.lock);
	return r;
}

/* ---- being asked ----------------------------------------------------------------------------- */

struct weft_mcp_question {
	struct weft__job job; /* first: the answer on its way */
	weft_mcp *client;     /* held */
	struct weft__mcp_asked *asked; /* the loop's thread; NULL: nobody waits any more */
	weft_str method;       /* static */
	weft_json_doc *params; /* owned: a copy, for any thread */
	weft_json_doc *result; /* owned: the answer; NULL: it is refused */
	char why[120];
};

static void question_free(weft_mcp_question *q)
{
	weft_json_release(q->params);
	weft_json_release(q->result);
	weft__mcp_release(q->client);
	weft_free(q);
}

static weft_mcp_question *question_make(weft_mcp *m, struct weft__mcp_asked *asked)
{
	weft_mcp_question *q = weft_calloc(1, sizeof(*q));
	weft_json_writer *w = NULL;
	weft_str text;

	if (!q)
		return NULL;
	q->client = m;
	weft__mcp_hold(m);
	q->asked = asked;
	q->method = asked->method;
	if (weft_json_writer_create(0, &w) == 0) {
		weft_json_put_value(w, asked->params);
		if (weft_json_writer_text(w, &text) == 0)
			(void)weft_json_parse(text, &q->params, NULL);
	}
	weft_json_writer_destroy(w);
	if (q->params)
		return q;
	question_free(q);
	return NULL;
}

void weft__mcp_question_begin(weft_mcp *m, struct weft__mcp_asked *asked)
{
	weft_mcp_question *q = question_make(m, asked);

	if (!q) {
		weft__mcp_refuse(asked, WEFT__RPC_INTERNAL, WEFT_STR("out of memory"));
		return;
	}
	asked->user = q;
	m->options.hooks.question(m, q, m->options.user);
}

void weft__mcp_question_gone(weft_mcp *m, struct weft__mcp_asked *asked)
{
	weft_mcp_question *q = asked->user;

	q->asked = NULL;
	if (m->options.hooks.question_gone)
		m->options.hooks.question_gone(m, q, m->options.user);
}

weft_str weft_mcp_question_method(const weft_mcp_question *q)
{
	return q->method;
}

weft_json weft_mcp_question_params(const weft_mcp_question *q)
{
	return weft_json_root(q->params);
}

static void run_answer(struct weft__job *job)
{
	weft_mcp_question *q = (weft_mcp_question *)job;

	if (q->asked && q->result && weft__mcp_answer(q->asked, weft_json_root(q->result), NULL) < 0)
		weft__mcp_refuse(q->asked, WEFT__RPC_INTERNAL, WEFT_STR("out of memory")); /* it was checked before */
	else if (q->asked && !q->result)
		weft__mcp_refuse(q->asked, -1, weft_str_from(q->why));
	weft__mcp_client_touched(&q->client->engine);
	question_free(q);
}

static void question_post(weft_mcp_question *q)
{
	q->job.run = run_answer;
	if (weft__mcp_post(q->client, &q->job) < 0)
		question_free(q); /* the session is over, and whoever asked with it */
}

int weft_mcp_answer(weft_mcp_question *q, weft_str result_json, weft_error *err)
{
	weft_json_doc *result = NULL;
	int r = weft_json_parse(result_json, &result, err);

	if (r < 0)
		return r;
	if (weft_json_typeof(weft_json_root(result)) != WEFT_JSON_OBJECT)
		r = weft_error_set(err, WEFT_ESCHEMA, "the answer must be an object");
	else if (weft_str_eq(q->method, WEFT_STR("elicitation/create")))
		r = weft__mcp_elicit_check(weft_json_root(q->params), weft_json_root(result), err);
	if (r < 0) {
		weft_json_release(result);
		return r;
	}
	q->result = result;
	question_post(q);
	return 0;
}

void weft_mcp_decline(weft_mcp_question *q, const char *why)
{
	snprintf(q->why, sizeof(q->why), "%s", why ? why : "declined");
	question_post(q);
}
