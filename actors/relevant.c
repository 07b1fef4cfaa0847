/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/relevant.c - the message embedded, what is near it searched for, and the best of both kinds shown by time. What the
 * prompt shows anyway is passed over. The provider waits for a model of its own run.
 */
#include "actors/relevant.h"

#include <errno.h>

#include "actors/model.h"
#include "actors/provider.h"
#include "actors/turn.h"
#include "actors/text.h"

#define TEXT_BYTES_MAX 1000u /* of one memory; more is cut */
#define HITS_MAX (WEFT__RELEVANT_SHOWN + WEFT__FACTS_SHOWN)
#define DATE_BYTES 10u

/* Until the model has answered. */
struct reminder {
	struct weft__model_ask ask;
	weft_provider_call *call;
};

/* ---- what is shown anyway ------------------------------------------------------ */

struct shown {
	weft_uuid facts[WEFT__FACTS_SHOWN];
	uint32_t fact_count;
	int64_t messages_from_ms; /* the oldest of the newest ones */
};

static bool see_fact(const weft_memory *m, void *user)
{
	struct shown *s = user;

	s->facts[s->fact_count++] = m->id;
	return true;
}

static bool see_message(const weft_memory *m, void *user)
{
	((struct shown *)user)->messages_from_ms = m->created_ms;
	return true;
}

static struct shown what_is_shown(const weft_turn *turn)
{
	weft_uuid room = turn->message.room_id;
	struct shown s = { .messages_from_ms = INT64_MIN };

	weft_store_visit_recent(turn->store, room, WEFT_MEMORY_MESSAGE, WEFT__RECENT_MESSAGES - 1, 1, see_message, &s);
	weft_store_visit_recent(turn->store, room, WEFT_MEMORY_FACT, 0, WEFT__FACTS_SHOWN, see_fact, &s);
	return s;
}

static bool is_shown(const struct shown *s, weft_uuid id)
{
	for (uint32_t i = 0; i < s->fact_count; i++) {
		if (weft_uuid_eq(s->facts[i], id))
			return true;
	}
	return false;
}

static bool is_worth_asking(const weft_turn *turn)
{
	weft_uuid room = turn->message.room_id;

	return turn->message.text.len_bytes && weft__models_have(turn->run->agent->def->opt.models, WEFT_MODEL_TEXT_EMBEDDING) &&
	       (weft_store_count_embedded(turn->store, room, WEFT_MEMORY_MESSAGE) > WEFT__RECENT_MESSAGES ||
	        weft_store_count_embedded(turn->store, room, WEFT_MEMORY_FACT) > WEFT__FACTS_SHOWN);
}

/* ---- what is found -------------------------------------------------------------- */

struct found {
	weft_search_hit hits[HITS_MAX];
	int count;
};

static int find(const weft_turn *turn, const weft_model_response *r, uint32_t types, int64_t to_ms, struct found *f)
{
	weft_recall what = WEFT_RECALL_INIT;

	what.room_id = turn->message.room_id;
	what.types = types;
	what.from_ms = INT64_MIN;
	what.to_ms = to_ms;
	f->count = weft_store_recall(turn->store, &what, r->embedding, r->embedding_dims, HITS_MAX, f->hits);
	return f->count < 0 ? f->count : 0;
}

/* The better one of two lists that are sorted. */
static const weft_search_hit *next_best(struct found *a, int *at_a, struct found *b, int *at_b)
{
	if (*at_a < a->count && (*at_b >= b->count || a->hits[*at_a].score >= b->hits[*at_b].score))
		return &a->hits[(*at_a)++];
	return *at_b < b->count ? &b->hits[(*at_b)++] : NULL;
}

/* The memories themselves, by time. How many, or -ENOMEM. */
static int collect(const weft_turn *turn, const struct shown *shown, struct found *messages, struct found *facts,
                   weft_memory *ret)
{
	const weft_search_hit *hit;
	int at_m = 0, at_f = 0, n = 0;

	while (n < (int)WEFT__RELEVANT_SHOWN && (hit = next_best(messages, &at_m, facts, &at_f)) != NULL) {
		weft_memory m;
		int r, at = n;

		if (is_shown(shown, hit->id))
			continue;
		r = weft_store_get(turn->store, hit->id, turn->arena, &m);
		if (r == -ENOENT)
			continue; /* deleted at this moment */
		if (r < 0)
			return r;
		for (; at && ret[at - 1].created_ms > m.created_ms; at--)
			ret[at] = ret[at - 1];
		ret[at] = m;
		n++;
	}
	return n;
}

/* ---- what is said ----------------------------------------------------------------- */

static weft_str speaker(const weft_turn *turn, weft_uuid id)
{
	weft_entity e;

	if (weft_uuid_eq(id, turn->agent_id))
		return turn->agent_name;
	return weft_store_get_entity(turn->store, id, turn->arena, &e) == 0 ? e.name : (weft_str){ 0 };
}

static void put_memory(const weft_turn *turn, struct weft__buf *b, const weft_memory *m)
{
	size_t bytes = weft__str_cut(m->text, TEXT_BYTES_MAX);
	char date[24];
	weft_str name = m->type == WEFT_MEMORY_MESSAGE ? speaker(turn, m->entity_id) : (weft_str){ 0 };

	weft__buf_put(b, WEFT_STR("\n- "));
	weft__format_utc(m->created_ms, date);
	weft__buf_put(b, (weft_str){ date, DATE_BYTES });
	weft__buf_put_char(b, ' ');
	if (name.len_bytes) {
		weft__buf_put(b, name);
		weft__buf_put(b, WEFT_STR(": "));
	}
	weft__buf_put(b, (weft_str){ m->text.ptr, bytes });
	if (bytes < m->text.len_bytes)
		weft__buf_put(b, WEFT_STR("..."));
}

/* Is there one that could be found, and is not shown? A search costs the same whether it finds something or not. */
static bool has_more_facts(const weft_turn *turn, const struct shown *shown)
{
	weft_uuid room = turn->message.room_id;

	return weft_store_count(turn->store, room, WEFT_MEMORY_FACT) > shown->fact_count &&
	       weft_store_count_embedded(turn->store, room, WEFT_MEMORY_FACT) > 0;
}

/* From the model's answer to the section. On the agent's worker. */
static int show(weft_provider_call *call, const weft_model_response *response)
{
	weft_turn *turn = call->turn;
	struct shown shown = what_is_shown(turn);
	struct found messages = { .count = 0 }, facts = { .count = 0 };
	weft_memory memories[WEFT__RELEVANT_SHOWN];
	struct weft__buf b = { .arena = turn->arena };
	int n = 0;

	if (!response->embedding)
		return WEFT_ESCHEMA;
	if (shown.messages_from_ms > INT64_MIN)
		n = find(turn, response, 1u << WEFT_MEMORY_MESSAGE, shown.messages_from_ms - 1, &messages);
	if (n == 0 && has_more_facts(turn, &shown))
		n = find(turn, response, 1u << WEFT_MEMORY_FACT, 0, &facts);
	if (n == 0)
		n = collect(turn, &shown, &messages, &facts, memories);
	if (n <= 0)
		return n;
	weft__buf_put(&b, WEFT_STR("# Remembered from before"));
	for (int i = 0; i < n; i++)
		put_memory(turn, &b, &memories[i]);
	return weft__buf_end(&b, &call->text);
}

/* ---- the provider ------------------------------------------------------------------ */

static void embedded(struct weft__model_ask *ask, int status)
{
	struct reminder *r = ask->user;
	bool awaited = !r->call->turn->ended && !weft__op_is_lost(weft__provider_op(r->call));

	if (status == 0 && awaited) /* else the turn went on, and its arena may be a model's now */
		status = show(r->call, &ask->response);
	weft_provider_finish(r->call, status);
}

int weft__relevant(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct reminder *r;
	int status;

	(void)user;
	if (!is_worth_asking(turn))
		return 0;
	r = weft_arena_calloc(turn->arena, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->call = call;
	r->ask.request.type = WEFT_MODEL_TEXT_EMBEDDING;
	r->ask.request.prompt = turn->message.text;
	r->ask.number = ++turn->run->result.iterations;
	r->ask.arena = weft__turn_aside(turn); /* other providers may wait beside us */
	r->ask.back = embedded;
	r->ask.user = r;
	if (!r->ask.arena)
		return -ENOMEM;
	weft__provider_op(call)->inner = true;
	status = weft__model_ask(&r->ask, turn->run);
	return status == 0 ? show(call, &r->ask.response) : status;
}
