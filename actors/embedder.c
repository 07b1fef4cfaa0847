/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/embedder.c - an actor that embeds what was remembered, beside the turns.
 *
 *   mailbox -> queue (kept messages, bounded) -> seats (WEFT__EMBED_BATCH) -> store
 *
 * A seat is one question to the model, with a run out of the pool. With a model that
 * answers at once there is never more than one seat taken.
 */
#include "actors/embedder.h"

#include <errno.h>

#include "actors/model.h"
#include "actors/rooms.h"

#define KIND_EMBED 0x77650010u

struct embed_body { /* the payload of KIND_EMBED; the text follows it */
	weft_uuid id;
	size_t text_bytes;
};

struct seat {
	struct weft__run *run;       /* one reference; NULL: the seat is free */
	struct weft__model_ask *ask; /* in the run's arena: a handler may hold it longer than we live */
	weft_msg *msg;               /* owned by the run */
	uint32_t tries;
	struct embedder *embedder;
};

struct queued {
	weft_msg *msg;
	struct queued *next;
};

struct embedder {
	struct weft__agent as_agent; /* what runs and models see; def holds one reference */
	struct seat *seats;          /* WEFT__EMBED_BATCH of them, made at the first message */
	uint32_t taken;
	struct queued *head, **tail;
	uint32_t count;
	bool ending;
};

static void seat_back(struct weft__model_ask *ask, int status);

static void count(struct embedder *e, enum weft__stat stat)
{
	weft__def_count(e->as_agent.def, stat, 1);
}

/* ---- one question -------------------------------------------------------- */

static weft_str text_of(weft_msg *msg)
{
	struct embed_body *body = weft_msg_data(msg);

	return (weft_str){(const char *)(body + 1), body->text_bytes};
}

static int seat_ask(struct seat *seat)
{
	seat->tries++;
	seat->ask = weft_arena_calloc(seat->run->arena, sizeof(*seat->ask));
	if (!seat->ask)
		return -ENOMEM;
	seat->ask->request.type = WEFT_MODEL_TEXT_EMBEDDING;
	seat->ask->request.prompt = text_of(seat->msg);
	seat->ask->number = seat->tries;
	seat->ask->back = seat_back;
	seat->ask->user = seat;
	return weft__model_ask(seat->ask, seat->run);
}

static int seat_keep(struct seat *seat)
{
	struct embed_body *body = weft_msg_data(seat->msg);
	const weft_model_response *response = &seat->ask->response;

	if (!response->embedding || response->embedding_dims == 0)
		return WEFT_ESCHEMA;
	return weft_store_set_embedding(seat->embedder->as_agent.def->store, body->id, response->embedding,
	                                response->embedding_dims);
}

/* The question's text lives in the message: it goes when nobody can look at it any more. */
static void run_gone(struct weft__run *run)
{
	weft_msg_destroy(run->part);
	run->part = NULL;
}

/* Ask until it waits, succeeds, or has had its tries. status is the last try's. */
static void seat_go_on(struct seat *seat, int status)
{
	for (;;) {
		if (status == 0)
			status = seat_keep(seat);
		if (status == WEFT_PENDING)
			return;
		if (status == 0 || status == -ENOENT || seat->tries >= WEFT__EMBED_TRIES || seat->run->lent)
			break;
		status = seat_ask(seat);
	}
	count(seat->embedder, status == 0 ? WEFT__STAT_EMBEDDINGS_DONE : WEFT__STAT_EMBEDDINGS_DROPPED);
	weft__run_unref(seat->run);
	seat->run = NULL;
	seat->embedder->taken--;
}

/* ---- the queue ----------------------------------------------------------- */

static struct seat *seat_free(struct embedder *e)
{
	if (!e->seats)
		e->seats = weft_calloc(WEFT__EMBED_BATCH, sizeof(*e->seats));
	for (uint32_t i = 0; e->seats && i < WEFT__EMBED_BATCH; i++) {
		if (!e->seats[i].run)
			return &e->seats[i];
	}
	return NULL;
}

static void drop(struct embedder *e, weft_msg *msg)
{
	count(e, WEFT__STAT_EMBEDDINGS_DROPPED);
	weft_msg_destroy(msg);
}

static void seat_take(struct embedder *e, weft_msg *msg)
{
	struct seat *seat = seat_free(e);
	struct weft__run *run = seat ? weft__run_bare(&e->as_agent) : NULL;

	if (!run) {
		drop(e, msg);
		return;
	}
	run->part = msg;
	run->release = run_gone;
	*seat = (struct seat){.run = run, .msg = msg, .embedder = e};
	e->taken++;
	seat_go_on(seat, seat_ask(seat));
}

static void push(struct embedder *e, weft_msg *msg)
{
	struct queued *q = e->count < WEFT__EMBED_QUEUE ? weft_malloc(sizeof(*q)) : NULL;

	if (!q) {
		drop(e, msg);
		return;
	}
	*q = (struct queued){msg, NULL};
	*e->tail = q;
	e->tail = &q->next;
	e->count++;
}

static weft_msg *pop(struct embedder *e)
{
	struct queued *q = e->head;
	weft_msg *msg = q->msg;

	e->head = q->next;
	if (!e->head)
		e->tail = &e->head;
	e->count--;
	weft_free(q);
	return msg;
}

static void go_on(struct embedder *e)
{
	while (e->count && e->taken < WEFT__EMBED_BATCH)
		seat_take(e, pop(e));
}

static void seat_back(struct weft__model_ask *ask, int status)
{
	struct seat *seat = ask->user;

	seat_go_on(seat, status);
	go_on(seat->embedder);
}

/* ---- the actor ----------------------------------------------------------- */

static int behaviour(weft_actor *self, weft_msg *msg)
{
	struct embedder *e = weft_actor_state(self);

	if (!e->tail) {
		e->tail = &e->head;
		e->as_agent.rt = weft_actor_runtime(self);
		e->as_agent.ref = weft_actor_ref(self);
	}
	switch (weft_msg_kind(msg)) {
	case KIND_EMBED:
		weft_msg_keep(self, msg);
		if (e->taken < WEFT__EMBED_BATCH)
			seat_take(e, msg);
		else
			push(e, msg);
		break;
	case WEFT__KIND_OP:
		weft__op_arrived(msg);
		break;
	case WEFT_KIND_STOP:
		e->ending = true;
		break;
	default:
		break;
	}
	if (e->ending && !e->taken)
		weft_actor_exit(self, 0);
	return 0;
}

static void fini(weft_actor *self)
{
	struct embedder *e = weft_actor_state(self);

	while (e->count)
		drop(e, pop(e));
	for (uint32_t i = 0; e->seats && i < WEFT__EMBED_BATCH; i++) {
		struct seat *seat = &e->seats[i];

		if (!seat->run)
			continue;
		count(e, WEFT__STAT_EMBEDDINGS_DROPPED);
		weft__ops_abandon(seat->run); /* before it has no agent: whoever speaks for it looks there */
		seat->run->agent = NULL;
		weft__run_unref(seat->run);
	}
	weft_free(e->seats);
	weft_agent_def_unref(e->as_agent.def);
}

static const weft_actor_class embedder_class = {
        .size = sizeof(weft_actor_class),
        .name = "embedder",
        .behaviour = behaviour,
        .fini = fini,
        .state_bytes = sizeof(struct embedder),
        .mailbox_msgs = WEFT__EMBED_QUEUE,
        .flags = WEFT_ACTOR_TRAP_STOP,
};

/* ---- the agent's side ---------------------------------------------------- */

static bool embedder_start(struct weft__agent *agent)
{
	struct embedder state = {.as_agent.def = weft_agent_def_ref(agent->def)};

	if (weft_actor_spawn(agent->rt, &embedder_class, &state, &agent->rooms->embedder) == 0)
		return true;
	agent->rooms->embedder_failed = true;
	weft_agent_def_unref(agent->def);
	return false;
}

void weft__embed_later(weft_turn *turn)
{
	struct weft__agent *agent = turn->run->agent;
	weft_str text = turn->message.text;
	struct embed_body *body;
	weft_msg *msg;

	if (text.len_bytes == 0 || agent->rooms->embedder_failed ||
	    !weft__models_have(agent->def->models, WEFT_MODEL_TEXT_EMBEDDING))
		return;
	if (!agent->rooms->embedder.id && !embedder_start(agent))
		return;
	msg = weft_msg_create(KIND_EMBED, sizeof(*body) + text.len_bytes);
	if (msg) {
		body = weft_msg_data(msg);
		body->id = turn->message.id;
		body->text_bytes = text.len_bytes;
		if (text.len_bytes)
			memcpy(body + 1, text.ptr, text.len_bytes);
	}
	if (msg && weft_send(agent->rooms->embedder, msg) == 0) {
		weft__def_count(agent->def, WEFT__STAT_EMBEDDINGS_QUEUED, 1);
		return;
	}
	weft_msg_destroy(msg);
	weft__def_count(agent->def, WEFT__STAT_EMBEDDINGS_DROPPED, 1);
}
