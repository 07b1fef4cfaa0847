/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/params.h - the parameters of an action, out of a model's answer: the
 * object in its "parameters" field, and children that carry a parameter's name.
 */
#ifndef WEFT_ACTORS_PARAMS_H
#define WEFT_ACTORS_PARAMS_H

#include "actors/turn.h"

/** True when object has the member and it is neither null nor an empty string. */
bool weft__params_has(weft_json object, weft_str name);

/**
 * Merge what the answer gives for planned->action into planned->parameters.
 * What is there already stays. @return 0 or -ENOMEM; text that is no object gives nothing
 */
int weft__params_collect(weft_turn *turn, struct weft__planned_action *planned,
                         const struct weft__answer *answer);

#endif
