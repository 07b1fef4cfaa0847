/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/answering.h - an answer in the making: what the readers of the protocols fill
 * in, piece by piece or all at once, and what becomes a weft_model_response.
 *
 * A reader says what arrived (text, a thought, a piece of a call); here it is put together
 * and bounded. Errors stick: feed on, ask once at the end. All memory is the arena's.
 */
#ifndef WEFT_ACTORS_REMOTE_ANSWERING_H
#define WEFT_ACTORS_REMOTE_ANSWERING_H

#include <weft/json.h>
#include <weft/model.h>

#include "actors/remote/think.h"
#include "actors/text.h"

#define WEFT__ANSWER_CALLS_MAX 128u
#define WEFT__ANSWER_BYTES_MAX (16u << 20) /* of text, thoughts and arguments together */
#define WEFT__CALL_NAME_MAX 256u           /* bytes of a name or an id */

/* A call of a tool, as far as it has arrived. */
struct weft__calling {
	int64_t index; /* the provider's number; -1: it has none */
	weft_str id, name;
	struct weft__buf arguments;
	uint32_t depth;         /* of brackets that are open in arguments */
	bool in_string, escape; /* of what was scanned so far */
	bool whole;             /* arguments are one whole object or array */
};

struct weft__answering {
	weft_arena *arena; /* borrowed: the response leads into it */
	struct weft__buf text, reasoning, refusal, carry;
	struct weft__calling *calls;
	uint32_t call_count, call_cap;
	uint32_t id_salt; /* makes the ids that a provider does not give differ within a conversation */
	size_t bytes;
	struct weft__think think;
	weft_finish finish;
	weft_model_usage usage;
	weft_str model;
	int status; /* the first thing that went wrong; its reason in error */
	weft_error *error;
	void (*said)(void *user, weft_str text); /* visible text, as it arrives; may be NULL */
	void *user;
};

/** opened: the model starts inside <think>. said gets each piece of the visible text, in order. */
void weft__answering_begin(struct weft__answering *a, weft_arena *arena, weft_error *error, bool opened,
                           void (*said)(void *user, weft_str text), void *user);

void weft__answering_text(struct weft__answering *a, weft_str piece);
void weft__answering_reasoning(struct weft__answering *a, weft_str piece);
void weft__answering_refusal(struct weft__answering *a, weft_str piece);
/** Text in which no <think> is looked for. */
void weft__answering_plain(struct weft__answering *a, weft_str piece);

/** The call of that number, or with that id when there is no number; NULL: none yet. */
struct weft__calling *weft__answering_find(struct weft__answering *a, int64_t index, weft_str id);
/** One more call. NULL: too many, or out of memory; said by status. */
struct weft__calling *weft__answering_call(struct weft__answering *a, int64_t index);
/** Set once: a later id is not the call's. */
void weft__calling_id(struct weft__answering *a, struct weft__calling *c, weft_str id);
/** A name, or a piece of it; one that is said again is not said twice. */
void weft__calling_name(struct weft__answering *a, struct weft__calling *c, weft_str name);
/** A piece of the arguments. Behind a whole object a new one is the same said again: it takes the place of the first. */
void weft__calling_arguments(struct weft__answering *a, struct weft__calling *c, weft_str piece);

/** The same from a value: its text as JSON. */
void weft__calling_object(struct weft__answering *a, struct weft__calling *c, weft_json arguments);

/** A piece of something else that counts against the bound; a buffer of its own begins with its first one. */
void weft__answering_keep(struct weft__answering *a, struct weft__buf *b, weft_str piece);
/** A piece of the answer as JSON, for the caller to release. NULL: it is none, which the reader calls wrong; or no memory. */
weft_json_doc *weft__answering_json(struct weft__answering *a, weft_str text, const char *wrong);

/** May so many bytes more be kept? False when it has failed already, or fails by this: too much. */
bool weft__answering_take(struct weft__answering *a, size_t bytes);
/** The name of what answers; the first one stays. */
void weft__answering_model(struct weft__answering *a, weft_str model);
/** The provider says, inside its answer, that something went wrong. key: not to be in the error. */
void weft__answering_fault(struct weft__answering *a, weft_json value, weft_str key);
/** What went wrong; the first one stays. @return code */
int weft__answering_fail(struct weft__answering *a, int code, const char *why);

/** All has arrived. @return 0 and the response (usage all zero when none was given), or what went wrong */
int weft__answering_end(struct weft__answering *a, weft_model_response *ret_response);

#endif
