/* SPDX-License-Identifier: Apache-2.0 */
/* actors/near.c - answers to questions that mean nearly the same: near.h. */
#include "actors/near.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <weft/index.h>
#include <weft/runtime.h>
#include <weft/vector.h>

#include "actors/agent.h"
#include "actors/request.h"

#define ANSWER_BYTES_MAX (256u * 1024u) /* a longer one is not kept */

struct place { /* an answer; all in its arena */
	weft_arena *arena; /* NULL: empty */
	uint64_t born_ns;
	weft_str context;
	const float *vector;
	weft_model_response response;
};

struct weft__near {
	pthread_mutex_t lock; /* of all below */
	weft_index *index; /* made with the first vector, whose length it has */
	uint32_t dims;
	float min;
	uint64_t age_max_ns, hits;
	uint32_t count, next; /* places; the one that is written next */
	struct place places[];
};

/* What an ask knows of its question; in its arena. */
struct weft__near_question {
	struct weft__model_ask ask; /* first; for the embedding */
	struct weft__near *near;
	struct weft__model_ask *of;
	weft_str context;
	uint64_t hash;
	void (*then)(struct weft__model_ask *ask, int status);
};

/* ---- the ring; under the lock --------------------------------------------------------- */

static void place_empty(struct weft__near *n, uint32_t i)
{
	if (!n->places[i].arena)
		return;
	weft_index_delete(n->index, i);
	weft_arena_destroy(n->places[i].arena);
	n->places[i] = (struct place){ 0 };
}

/* The index may be a step ahead or behind, and hashes may collide: what counts is what lies in the place. */
static bool is_near(const struct weft__near *n, const struct place *p, const struct weft__near_question *q)
{
	const float *vector = q->ask.response.embedding;

	return p->arena && weft_str_eq(p->context, q->context) && weft_now_ns() - p->born_ns <= n->age_max_ns &&
	       weft_vector_cosine(p->vector, vector, n->dims) >= n->min;
}

/* The index takes no lock for a search; it stays as long as n. */
static weft_index *index_of(struct weft__near *n, uint32_t dims)
{
	weft_index *index;

	pthread_mutex_lock(&n->lock);
	index = n->dims == dims ? n->index : NULL;
	pthread_mutex_unlock(&n->lock);
	return index;
}

static int find(struct weft__near *n, struct weft__near_question *q)
{
	weft_index_filter filter = { .fields = WEFT_INDEX_BY_ROOM, .room = q->hash };
	weft_index *index = index_of(n, q->ask.response.embedding_dims);
	weft_index_query query = WEFT_INDEX_QUERY_INIT;
	weft_index_hit hit;
	int r = -ENOENT;

	query.filter = &filter;
	if (!index || weft_index_search(index, q->ask.response.embedding, 1, &query, &hit) != 1 || hit.id >= n->count)
		return -ENOENT;
	pthread_mutex_lock(&n->lock);
	if (is_near(n, &n->places[hit.id], q))
		r = weft__response_copy(q->of->call.arena, &n->places[hit.id].response, &q->of->response);
	n->hits += r == 0;
	pthread_mutex_unlock(&n->lock);
	return r == 0 ? 0 : -ENOENT;
}

/* ---- the question ------------------------------------------------------------------------- */

static const weft_chat_message *last_of(const weft_model_request *r)
{
	return r->message_count ? &r->messages[r->message_count - 1] : NULL;
}

/* A chat whose last word is the user's, in text. */
static bool is_question(const struct weft__model_ask *ask)
{
	const weft_chat_message *last = last_of(&ask->request);

	return ask->run && last && last->role == WEFT_ROLE_USER && last->content.len_bytes && !last->image_url_count &&
	       weft__models_have(ask->models, WEFT_MODEL_TEXT_EMBEDDING) && !ask->run->agent->def->tape;
}

/* The request's key without its last message's text. */
static int context_of(struct weft__model_ask *ask, weft_str *ret_context)
{
	weft_model_request r = ask->request;
	weft_chat_message *messages = weft_arena_alloc(ask->call.arena, r.message_count * sizeof(*messages));

	if (!messages)
		return -ENOMEM;
	memcpy(messages, r.messages, r.message_count * sizeof(*messages));
	messages[r.message_count - 1].content = (weft_str){ 0 };
	r.messages = messages;
	return weft__request_key(ask->call.arena, &r, ret_context);
}

static int embedded(struct weft__near_question *q, int status)
{
	int r = status == 0 && q->ask.response.embedding ? find(q->near, q) : -ENOENT;

	if (status < 0 || !q->ask.response.embedding)
		q->of->question = NULL; /* without a vector nothing is kept either */
	return r;
}

static void embedding_back(struct weft__model_ask *ask, int status)
{
	struct weft__near_question *q = (struct weft__near_question *)ask;

	q->then(q->of, embedded(q, status));
}

int weft__near_begin(struct weft__near *near, struct weft__model_ask *ask, void (*then)(struct weft__model_ask *ask, int status))
{
	struct weft__near_question *q;
	int r;

	ask->question = NULL;
	if (!is_question(ask))
		return -ENOENT;
	q = weft_arena_calloc(ask->call.arena, sizeof(*q));
	if (!q || context_of(ask, &q->context) < 0)
		return -ENOENT;
	q->hash = weft__key_hash(q->context);
	q->near = near;
	q->of = ask;
	q->then = then;
	q->ask.request = (weft_model_request){ .type = WEFT_MODEL_TEXT_EMBEDDING, .prompt = last_of(&ask->request)->content };
	q->ask.arena = ask->call.arena;
	q->ask.number = ask->number;
	q->ask.back = embedding_back;
	ask->question = q;
	r = weft__model_ask(&q->ask, ask->run);
	return r == WEFT_PENDING ? r : embedded(q, r);
}

/* ---- keeping --------------------------------------------------------------------------------- */

static int fill(struct place *p, const struct weft__near_question *q, const weft_model_response *response)
{
	const weft_model_response *embedding = &q->ask.response;
	size_t bytes = embedding->embedding_dims * sizeof(float);
	float *vector;
	int r = weft_arena_create(0, &p->arena);

	if (r < 0)
		return r;
	vector = weft_arena_alloc(p->arena, bytes);
	p->context = weft_arena_dup(p->arena, q->context);
	if (!vector || !p->context.ptr || weft__response_copy(p->arena, response, &p->response) < 0)
		return -ENOMEM;
	memcpy(vector, embedding->embedding, bytes);
	p->vector = vector;
	p->born_ns = weft_now_ns();
	p->response.usage = (weft_model_usage){ 0 };
	p->response.cached = true;
	return weft_arena_bytes(p->arena) <= ANSWER_BYTES_MAX ? 0 : -E2BIG;
}

/* Under the lock. */
static int index_for(struct weft__near *n, uint32_t dims)
{
	weft_index_options o = WEFT_INDEX_OPTIONS_INIT;
	int r;

	if (n->index)
		return dims == n->dims ? 0 : -EINVAL; /* another model than at first: its vectors cannot be compared */
	o.dims = dims;
	r = weft_index_create(&o, &n->index);
	n->dims = r == 0 ? dims : 0;
	return r;
}

void weft__near_keep(struct weft__near *n, struct weft__model_ask *ask)
{
	struct weft__near_question *q = ask->question;
	weft_index_attrs attrs = { 0 };
	struct place p = { 0 };
	uint32_t i;

	if (!q || fill(&p, q, &ask->response) < 0) {
		weft_arena_destroy(p.arena);
		return;
	}
	attrs.room = q->hash;
	pthread_mutex_lock(&n->lock);
	i = n->next;
	place_empty(n, i);
	if (index_for(n, q->ask.response.embedding_dims) == 0 && weft_index_put(n->index, i, p.vector, &attrs) >= 0) {
		n->places[i] = p;
		n->next = (i + 1) % n->count;
		p.arena = NULL;
	}
	pthread_mutex_unlock(&n->lock);
	weft_arena_destroy(p.arena);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

struct weft__near *weft__near_create(float min, uint32_t answers_max, uint64_t age_max_ns)
{
	struct weft__near *n = weft_calloc(1, sizeof(*n) + answers_max * sizeof(n->places[0]));

	if (!n)
		return NULL;
	pthread_mutex_init(&n->lock, NULL);
	n->min = min;
	n->count = answers_max;
	n->age_max_ns = age_max_ns;
	return n;
}

void weft__near_clear(struct weft__near *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	for (uint32_t i = 0; i < n->count; i++)
		place_empty(n, i);
	pthread_mutex_unlock(&n->lock);
}

void weft__near_destroy(struct weft__near *n)
{
	if (!n)
		return;
	weft__near_clear(n);
	weft_index_unref(n->index);
	pthread_mutex_destroy(&n->lock);
	weft_free(n);
}

uint64_t weft__near_hits(struct weft__near *n)
{
	uint64_t hits;

	pthread_mutex_lock(&n->lock);
	hits = n->hits;
	pthread_mutex_unlock(&n->lock);
	return hits;
}
