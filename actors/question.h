/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/question.h - asking a model one of the pipeline's questions, and taking
 * only an answer that holds what was asked for.
 *
 * The prompt is rendered from the composed state. One longer than 85% of the
 * model's context loses the oldest lines of the conversation. An answer that does not
 * parse or lacks a required field is asked for again, with the reason, up to
 * parse_tries times in all.
 */
#ifndef WEFT_ACTORS_QUESTION_H
#define WEFT_ACTORS_QUESTION_H

#include "actors/turn.h"

/**
 * Render and ask. @return 0: turn->answer_text is there; WEFT_PENDING; negative: the turn has failed and says why
 */
int weft__question_ask(weft_turn *turn, enum weft__question question);

/**
 * Read the answer into turn->answer.
 * @return true: valid. false: either asked_by is the next phase, or the turn has failed
 */
bool weft__question_read(weft_turn *turn, enum weft__phase asked_by);

/** The trimmed text of a field; empty when there is none. */
weft_str weft__question_field(const struct weft__answer *answer, weft_str name);

/** Which required field the answer lacks; empty: none. */
weft_str weft__question_lacks(const struct weft__answer *answer, const weft_answer_field *fields,
                              uint32_t count);

#endif
