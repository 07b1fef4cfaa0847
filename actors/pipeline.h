/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/pipeline.h - the phases of a turn, and where a turn begins and ends.
 * What the agent calls (weft__pipeline_handle and its kin) is declared in agent.h.
 */
#ifndef WEFT_ACTORS_PIPELINE_H
#define WEFT_ACTORS_PIPELINE_H

#include "actors/turn.h"

/**
 * A phase. Sets turn->phase to what comes next before it starts anything that may wait.
 * @return 0: go on; WEFT_PENDING: wait; negative: out of memory, or the turn has failed and said why
 */
typedef int (*weft__phase_fn)(weft_turn *turn);

/* Multi-step mode, in rounds.c. */
int weft__phase_round(weft_turn *turn);
int weft__phase_round_answer(weft_turn *turn);
int weft__phase_round_act(weft_turn *turn);
int weft__phase_round_end(weft_turn *turn);
int weft__phase_summary(weft_turn *turn);
int weft__phase_summary_answer(weft_turn *turn);

/** The turn waits for the first time: from now on it has a deadline. */
void weft__turn_waits(weft_turn *turn);

/** Thought, text, and the comma lists out of turn->answer. @return 0 or -ENOMEM */
int weft__decision_read(weft_turn *turn);
/** Apply the rules for IGNORE and simple. */
void weft__decision_normalise(struct weft__decision *d);

#endif
