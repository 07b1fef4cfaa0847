/* SPDX-License-Identifier: Apache-2.0 */
/* actors/gather.c - embeddings that are asked for at the same time go together: gather.h. */
#include "actors/gather.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "actors/pause.h"

#define LOOK_NS 20000u /* between two looks at whether a handler has returned */

struct batch;

struct list {
	struct member *first, **last;
};

struct member { /* one text; in its ask's arena */
	struct weft__model_ask *ask;
	struct weft__gather *gather;
	struct batch *batch; /* NULL: in the line */
	struct member *next, **prev; /* prev NULL: taken out, somebody finishes the ask */
	struct list *list;
	uint32_t row;
};

struct batch {
	struct weft__model_ask ask; /* first; loose */
	struct weft__gather *gather;
	weft_models *models; /* one reference: the gather and its handler are in it */
	weft_arena *arena;
	struct list members;
	uint64_t bytes; /* of all texts */
	uint32_t refs; /* the handler's, of go() while it calls, and of one who tells it; under the lock */
	bool calling; /* the handler's function has not returned; under the lock */
};

struct weft__gather {
	pthread_mutex_t lock; /* of all below, and of the members of batches */
	struct list line;
	bool busy; /* a batch is under way */
	weft_model_fn fn; /* the handler's; handlers move when one is added */
	void *user;
	uint32_t texts_max;
};

static weft_str text_of(const weft_model_request *request)
{
	return request->input_count ? request->inputs[0] : request->prompt;
}

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

/* Under the lock. */
static void list_add(struct list *l, struct member *m)
{
	m->list = l;
	m->next = NULL;
	m->prev = l->last;
	*l->last = m;
	l->last = &m->next;
}

static void list_remove(struct member *m)
{
	*m->prev = m->next;
	if (m->next)
		m->next->prev = m->prev;
	else
		m->list->last = m->prev;
	m->prev = NULL;
}

/* ---- a batch ------------------------------------------------------------------------------ */

static void batch_unref(struct batch *b)
{
	struct weft__gather *g = b->gather;
	bool gone;

	pthread_mutex_lock(&g->lock);
	gone = --b->refs == 0;
	pthread_mutex_unlock(&g->lock);
	if (!gone)
		return;
	weft_models_unref(b->models); /* the gather may go with it */
	weft_arena_destroy(b->arena);
	weft_free(b);
}

static bool go_together(const struct weft__model_ask *a, const struct weft__model_ask *b)
{
	return a->call.rt == b->call.rt && a->request.embedding_dims == b->request.embedding_dims &&
	       weft_str_eq(a->request.model, b->request.model);
}

/* From the line into the batch. Under the lock; texts are copied, since any of the askers may go. */
static int batch_fill(struct batch *b, struct weft__gather *g)
{
	const weft_model_request *first = &g->line.first->ask->request;
	weft_str *inputs = weft_arena_calloc(b->arena, g->texts_max * sizeof(*inputs));
	weft_model_request *request = &b->ask.request;
	struct member *next;

	if (!inputs)
		return -ENOMEM;
	*request = (weft_model_request){ .type = WEFT_MODEL_TEXT_EMBEDDING, .inputs = inputs,
		                         .embedding_dims = first->embedding_dims };
	request->model = weft_arena_dup(b->arena, first->model);
	if (first->model.len_bytes && !request->model.ptr)
		return -ENOMEM;
	for (struct member *m = g->line.first; m && request->input_count < g->texts_max; m = next) {
		weft_str text;

		next = m->next;
		if (!go_together(m->ask, &b->ask))
			continue;
		text = weft_arena_dup(b->arena, text_of(&m->ask->request));
		if (!text.ptr)
			break;
		list_remove(m);
		list_add(&b->members, m);
		m->batch = b;
		m->row = request->input_count;
		inputs[request->input_count++] = text;
		b->bytes += text.len_bytes;
	}
	return request->input_count ? 0 : -ENOMEM;
}

static void batch_back(struct weft__op *op);

/* What waits first, and what goes with it. Under the lock. NULL: out of memory */
static struct batch *batch_next(struct weft__gather *g)
{
	const struct weft__model_ask *ask = g->line.first->ask;
	struct batch *b = weft_calloc(1, sizeof(*b));

	if (!b || weft_arena_create(0, &b->arena) < 0) {
		weft_free(b);
		return NULL;
	}
	list_init(&b->members);
	b->gather = g;
	b->refs = 2;
	b->calling = true;
	b->ask.models = ask->models;
	b->ask.call = (weft_model_call){ .request = &b->ask.request,
		                         .response = &b->ask.response,
		                         .arena = b->arena,
		                         .rt = ask->call.rt,
		                         .error = &b->ask.error };
	if (batch_fill(b, g) < 0) {
		weft_arena_destroy(b->arena);
		weft_free(b);
		return NULL;
	}
	b->models = weft_models_ref((weft_models *)(uintptr_t)ask->models);
	return b;
}

/* ---- what came back ------------------------------------------------------------------------- */

/* Its share of the tokens, by bytes; the shares add up but for what is rounded away. */
static uint32_t share(uint32_t tokens, size_t bytes, uint64_t all)
{
	return all ? (uint32_t)(tokens * (uint64_t)bytes / all) : 0;
}

static int give_row(const struct batch *b, struct member *m, int status)
{
	const weft_model_response *res = &b->ask.response;
	weft_model_response *to = &m->ask->response;
	size_t bytes = res->embedding_dims * sizeof(float);
	float *row;

	if (status < 0) {
		m->ask->error = b->ask.error;
		return status == -ECANCELED ? -ECONNABORTED : status; /* whoever canceled that, it was not this ask */
	}
	row = weft_arena_alloc(m->ask->call.arena, bytes);
	if (!row)
		return -ENOMEM;
	memcpy(row, res->embedding + (size_t)m->row * res->embedding_dims, bytes);
	to->embedding = row;
	to->embedding_dims = res->embedding_dims;
	to->embedding_count = 1;
	to->usage = res->usage;
	to->usage.prompt_tokens = share(res->usage.prompt_tokens, text_of(&m->ask->request).len_bytes, b->bytes);
	return 0;
}

static int check(struct batch *b, int status)
{
	const weft_model_response *res = &b->ask.response;
	uint32_t rows = res->embedding_count ? res->embedding_count : 1;

	if (status < 0)
		return status;
	if (!res->embedding || !res->embedding_dims || rows != b->ask.request.input_count)
		return weft_error_set(&b->ask.error, WEFT_ESCHEMA, "%u embeddings for %u texts",
		                      res->embedding ? rows : 0, b->ask.request.input_count);
	return 0;
}

/* All members get their rows; own, if it is one of them, by what this returns. */
static int batch_over(struct batch *b, int status, const struct member *own)
{
	struct weft__gather *g = b->gather;
	struct member *m, *next;
	int r, own_status = WEFT_PENDING;

	status = check(b, status);
	pthread_mutex_lock(&g->lock);
	m = b->members.first;
	list_init(&b->members);
	for (struct member *i = m; i; i = i->next)
		i->prev = NULL;
	pthread_mutex_unlock(&g->lock);
	for (; m; m = next) {
		next = m->next; /* before its ask is finished: the member goes with it */
		r = give_row(b, m, status);
		if (m == own)
			own_status = r;
		else
			weft__op_finish(&m->ask->op, r);
	}
	batch_unref(b);
	return own_status;
}

/* Nothing can be sent: whoever is first in the line hears of it, so that the line moves on. Under the lock. */
static struct member *give_up_first(struct weft__gather *g)
{
	struct member *m = g->line.first;

	list_remove(m);
	return m;
}

/* The handler's function has returned: whoever waits to tell it may. */
static void batch_called(struct batch *b)
{
	pthread_mutex_lock(&b->gather->lock);
	b->calling = false;
	pthread_mutex_unlock(&b->gather->lock);
}

static bool batch_is_calling(struct batch *b)
{
	bool calling;

	pthread_mutex_lock(&b->gather->lock);
	calling = b->calling;
	pthread_mutex_unlock(&b->gather->lock);
	return calling;
}

/*
 * All members have left. A handler's function that is just being called, on another thread, may use the runtime they are
 * of, and has not said yet whether it wants to be told: not before it has returned.
 */
static void batch_unwanted(struct batch *b)
{
	while (batch_is_calling(b))
		weft__pause(LOOK_NS);
	weft__op_loose_cancel(&b->ask.op);
}

/* ---- the line --------------------------------------------------------------------------------- */

/* Calls while something waits and calls end at once. The gather is held. @return of own, if it ended in here */
static int go(struct weft__gather *g, const struct member *own)
{
	int own_status = WEFT_PENDING, r;
	bool pending;

	for (;;) {
		struct member *failed = NULL;
		struct batch *b = NULL;

		pthread_mutex_lock(&g->lock);
		if (g->line.first) {
			b = batch_next(g);
			failed = b ? NULL : give_up_first(g);
		}
		g->busy = b || failed;
		pthread_mutex_unlock(&g->lock);
		if (failed && failed != own)
			weft__op_finish(&failed->ask->op, -ENOMEM);
		if (failed == own && failed)
			own_status = -ENOMEM;
		if (!b && !failed)
			return own_status;
		if (!b)
			continue;
		r = weft__model_loose_fn(&b->ask, g->fn, g->user, batch_back);
		batch_called(b);
		pending = r == WEFT_PENDING;
		if (!pending)
			r = batch_over(b, r, own);
		batch_unref(b);
		if (pending)
			return own_status;
		if (r != WEFT_PENDING)
			own_status = r;
	}
}

static void batch_back(struct weft__op *op)
{
	struct batch *b = (struct batch *)weft__op_owner(op, struct weft__model_ask, op);
	weft_models *models = weft_models_ref(b->models);
	struct weft__gather *g = b->gather;

	batch_over(b, op->status, NULL);
	go(g, NULL);
	weft_models_unref(models);
}

/* Whoever waits here does so no longer. On the ask's thread; the last of a batch takes the call with it. */
static void member_cancel(void *user)
{
	struct member *m = user;
	struct weft__gather *g = m->gather;
	struct batch *b = NULL;
	bool mine;

	pthread_mutex_lock(&g->lock);
	mine = m->prev != NULL;
	if (mine) {
		list_remove(m);
		b = m->batch;
		b = b && !b->members.first ? b : NULL;
		if (b)
			b->refs++;
	}
	pthread_mutex_unlock(&g->lock);
	if (mine)
		weft__op_finish(&m->ask->op, -ECANCELED);
	if (!b)
		return;
	batch_unwanted(b);
	batch_unref(b);
}

int weft__gather_call(struct weft__gather *g, struct weft__model_ask *ask)
{
	struct member *m = weft_arena_calloc(ask->call.arena, sizeof(*m));
	bool busy;

	if (!m)
		return g->fn(&ask->call, g->user);
	m->ask = ask;
	m->gather = g;
	weft__op_on_cancel(&ask->op, member_cancel, m);
	pthread_mutex_lock(&g->lock);
	list_add(&g->line, m);
	busy = g->busy;
	g->busy = true;
	pthread_mutex_unlock(&g->lock);
	return busy ? WEFT_PENDING : go(g, m);
}

bool weft__gather_takes(const weft_model_request *request)
{
	return request->type == WEFT_MODEL_TEXT_EMBEDDING && request->input_count <= 1 && text_of(request).len_bytes;
}

/* ---- the handler's --------------------------------------------------------------------------------- */

struct weft__gather *weft__gather_create(weft_model_fn fn, void *user, uint32_t texts_max)
{
	struct weft__gather *g = weft_calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->fn = fn;
	g->user = user;
	g->texts_max = texts_max;
	list_init(&g->line);
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void weft__gather_destroy(struct weft__gather *g)
{
	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	weft_free(g);
}
