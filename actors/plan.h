/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/plan.h - what a definition's pipeline can know before the first message:
 * compiled templates and the sections that never change.
 */
#ifndef WEFT_ACTORS_PLAN_H
#define WEFT_ACTORS_PLAN_H

#include <weft/agent.h>

#include "actors/prompts.h"

struct weft__plan {
	weft_arena *arena; /* owned: everything below */
	const struct weft__template *templates[WEFT__QUESTION_COUNT];
	weft_str character;    /* CHARACTER's section */
	weft_str providers;    /* PROVIDERS' section: those that a model may ask for by name; may be empty */
	weft_str actions;      /* ACTIONS' section when no action has a validator; else empty */
	weft_str action_names; /* the same, as a comma list */
	bool actions_vary;
};

struct weft__buf;
/** One action as the ACTIONS section shows it. */
void weft__plan_put_action(struct weft__buf *b, const weft_action *action);

#endif
