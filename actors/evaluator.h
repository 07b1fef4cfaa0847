/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/evaluator.h - what looks at a message before anything is remembered,
 * and what looks at the answer after it was given.
 */
#ifndef WEFT_ACTORS_EVALUATOR_H
#define WEFT_ACTORS_EVALUATOR_H

#include "actors/turn.h"

/**
 * Run the pre-evaluators in order; each sees the text as the ones before rewrote it.
 * @param ret_reason  set when blocked
 * @return true: the message is blocked
 */
bool weft__pre_evaluate(weft_turn *turn, weft_str *ret_reason);

/** Ask all validators, then start those that want to run. @return 0: done; WEFT_PENDING; -ENOMEM */
int weft__evaluate(weft_turn *turn);

/** What the agent waits for while this call is pending. */
struct weft__op *weft__evaluator_op(weft_evaluator_call *call);

/** It has ended, well or not. On the agent's thread. */
bool weft__evaluator_is_over(const weft_evaluator_call *call);

#endif
