/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/budget.h - what a run may use, and what it has used: tokens, and money by the prices of its models.
 *
 * Before a handler is called: what the request alone will use, estimated, must fit; and the answer is allowed what is
 * left, by lowering max_tokens. After: what was used in truth. Calls of a run that are under way beside each other
 * do not know of each other, so they may exceed it together, each by less than its own answer.
 *
 * Money is counted in millionths of a millionth: a price for a million tokens, in millionths, times tokens. All in the
 * agent's thread.
 */
#ifndef WEFT_ACTORS_BUDGET_H
#define WEFT_ACTORS_BUDGET_H

#include <weft/model.h>

struct weft__model_ask;
struct weft__model_handler;
struct weft__run;

struct weft__spending {
	weft_budget limit;
	uint64_t tokens, picos; /* spent */
};

/** May this handler be asked? Lowers the request's max_tokens. @return 0, or WEFT_EBUDGET with the reason in ask->error */
int weft__budget_check(struct weft__model_ask *ask, const struct weft__model_handler *h);

/** What a call used. */
void weft__budget_spend(struct weft__spending *s, const struct weft__model_handler *h, const weft_model_usage *usage);

/** Of what is not zero in more. */
void weft__budget_set(weft_budget *budget, const weft_budget *more);

#endif
