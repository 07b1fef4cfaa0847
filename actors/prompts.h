/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/prompts.h - the words of the pipeline's five questions to a model, the
 * names that may stand in their holes, and the fields that their answers hold; and
 * what is asked about an image.
 */
#ifndef WEFT_ACTORS_PROMPTS_H
#define WEFT_ACTORS_PROMPTS_H

#include <weft/base.h>
#include <weft/model.h>

#include "actors/template.h"

/* Holes that are filled while a message is handled. */
enum weft__slot_id {
	WEFT__SLOT_STATE = 0, /* the sections of the composed state */
	WEFT__SLOT_COMPLAINT, /* why the answer before was not taken */
	WEFT__SLOT_ROUND,     /* multi-step: 1, 2, ... */
	WEFT__SLOT_ROUNDS_MAX,
	WEFT__SLOT_TRACE,   /* multi-step: what was done so far */
	WEFT__SLOT_ACTION,  /* repair: the action */
	WEFT__SLOT_MISSING, /* repair: names of its missing parameters */
	WEFT__SLOT_MESSAGE, /* the text that is being answered */
	WEFT__SLOT_COUNT
};

enum weft__question {
	WEFT__ASK_MESSAGE = 0, /* what to say and do */
	WEFT__ASK_RESPOND,     /* whether to answer at all */
	WEFT__ASK_DECISION,    /* multi-step: what to do next */
	WEFT__ASK_SUMMARY,     /* multi-step: what to say in the end */
	WEFT__ASK_REPAIR,      /* parameters that an action needs and did not get */
	WEFT__QUESTION_COUNT
};

struct weft__question_spec {
	const char *name;
	weft_str source;                 /* template text */
	const weft_answer_field *fields; /* REPAIR: none; they are the missing parameters */
	uint32_t field_count;
	weft_model_type model;
};

extern const struct weft__question_spec weft__questions[WEFT__QUESTION_COUNT];

/* About one attachment, not about the state: no holes, and an answer in plain words is one. */
extern const struct weft__question_spec weft__image_question;

#endif
