/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/action.h - from the names in an answer to actions that run.
 *
 * A name means an action when it is its name, one of its similes, or its name but
 * for case, spaces, underscores and hyphens. Nothing is guessed from parts of a name. What
 * no action answers to is a recorded failure and the others go on. Actions run one
 * after another, each seeing the results of those before.
 */
#ifndef WEFT_ACTORS_ACTION_H
#define WEFT_ACTORS_ACTION_H

#include "actors/turn.h"

/** The action a name means, or NULL. */
const weft_action *weft__action_resolve(weft_action *const *actions, uint32_t count, weft_str name);

/**
 * Make turn->planned of names, each with its parameters out of the answer; what they
 * lack is listed in turn->missing. @return 0 or -ENOMEM
 */
int weft__actions_plan(weft_turn *turn, const weft_str *names, uint32_t count);
/** Take missing parameters out of the repair answer. @return 0 or -ENOMEM */
int weft__actions_repair(weft_turn *turn, const struct weft__answer *answer);

/**
 * Run planned actions from turn->planned_next on.
 * @return 0: all are done; WEFT_PENDING: one waits, call again when it is back; -ENOMEM
 */
int weft__actions_run(weft_turn *turn);

/** Record a result. @return 0 or -ENOMEM */
int weft__action_record(weft_turn *turn, const weft_action_result *result);

/** Say text to whoever asked; `save` makes it a message of the room too. @return 0 or an error of the store */
int weft__turn_say(weft_turn *turn, weft_str text, bool save);

/** Let go of what the arena does not hold. */
void weft__actions_fini(weft_turn *turn);

#endif
