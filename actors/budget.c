/* SPDX-License-Identifier: Apache-2.0 */
/* actors/budget.c - what a run may use, and what it has used: budget.h. */
#include "actors/budget.h"

#include <inttypes.h>

#include "actors/agent.h"
#include "actors/model.h"

#define MILLION UINT64_C(1000000)

static uint64_t prompt_tokens(const weft_model_request *r)
{
	size_t bytes = r->prompt.len_bytes + r->tools_json.len_bytes + r->json_schema.len_bytes;

	for (uint32_t i = 0; i < r->message_count; i++)
		bytes += r->messages[i].content.len_bytes;
	for (uint32_t i = 0; i < r->input_count; i++)
		bytes += r->inputs[i].len_bytes;
	return weft__tokens_of(bytes);
}

static uint64_t picos_of(uint64_t tokens, uint64_t micros)
{
	unsigned __int128 picos = (unsigned __int128)tokens * micros;

	return picos < UINT64_MAX / 2 ? (uint64_t)picos : UINT64_MAX / 2;
}

/* How much of limit is left when more is used; 0: nothing, and more does not fit either. */
static uint64_t left_of(uint64_t limit, uint64_t spent, uint64_t more)
{
	return spent + more < limit ? limit - spent - more : 0;
}

static int refuse_tokens(struct weft__model_ask *ask, const struct weft__spending *s, uint64_t prompt)
{
	return weft_error_set(&ask->error, WEFT_EBUDGET,
	                      "the run's budget of %" PRIu64 " tokens: %" PRIu64 " are used, and the next request has %" PRIu64,
	                      s->limit.tokens, s->tokens, prompt);
}

static int refuse_money(struct weft__model_ask *ask, const struct weft__spending *s, uint64_t picos)
{
	uint64_t spent = s->picos / MILLION, next = picos / MILLION;

	return weft_error_set(&ask->error, WEFT_EBUDGET,
	                      "the run's budget of %" PRIu64 ".%06" PRIu64 ": %" PRIu64 ".%06" PRIu64
	                      " is spent, and the next request costs %" PRIu64 ".%06" PRIu64,
	                      s->limit.micros / MILLION, s->limit.micros % MILLION, spent / MILLION, spent % MILLION,
	                      next / MILLION, next % MILLION);
}

int weft__budget_check(struct weft__model_ask *ask, const struct weft__model_handler *h)
{
	const struct weft__spending *s = &ask->run->spending;
	uint64_t prompt, left, picos, limit_picos, answer = UINT64_MAX;

	if (__builtin_expect(!s->limit.tokens && !s->limit.micros, 1))
		return 0;
	prompt = prompt_tokens(&ask->request);
	if (s->limit.tokens) {
		answer = left_of(s->limit.tokens, s->tokens, prompt);
		if (!answer)
			return refuse_tokens(ask, s, prompt);
	}
	if (s->limit.micros) {
		picos = picos_of(prompt, h->price.prompt_micros);
		limit_picos = s->limit.micros < UINT64_MAX / 2 / MILLION ? s->limit.micros * MILLION : UINT64_MAX / 2;
		left = left_of(limit_picos, s->picos, picos);
		if (!left)
			return refuse_money(ask, s, picos);
		if (h->price.completion_micros && left / h->price.completion_micros < answer)
			answer = left / h->price.completion_micros;
		if (!answer)
			return refuse_money(ask, s, picos);
	}
	if (ask->request.type != WEFT_MODEL_TEXT_EMBEDDING && (!ask->request.max_tokens || ask->request.max_tokens > answer))
		ask->request.max_tokens = answer < UINT32_MAX ? (uint32_t)answer : ask->request.max_tokens;
	return 0;
}

void weft__budget_spend(struct weft__spending *s, const struct weft__model_handler *h, const weft_model_usage *usage)
{
	s->tokens += (uint64_t)usage->prompt_tokens + usage->completion_tokens;
	if (h->price.prompt_micros || h->price.completion_micros)
		s->picos += picos_of(usage->prompt_tokens, h->price.prompt_micros) +
		            picos_of(usage->completion_tokens, h->price.completion_micros);
}

void weft__budget_set(weft_budget *budget, const weft_budget *more)
{
	budget->tokens = more->tokens ? more->tokens : budget->tokens;
	budget->micros = more->micros ? more->micros : budget->micros;
}
