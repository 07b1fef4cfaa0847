/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/tape.h - where the runs of a definition are watched: by a recorder, or by a replay.
 *
 * A definition has at most one tape. Without one each place below costs a branch on a pointer that is NULL. With one,
 * everything comes on the agent's thread, in the order in which the run does it; only chunks come from where
 * the model's handler is.
 *
 *   run_begin -> (asked -> chunk* -> answered | permitted | called -> returned | draw)* -> run_end -> released
 *
 * Exchanges overlap where the run lets them: tools of a turn are called one after another and return in any order.
 * Each has a step, a number that grows with the order of the calls, which is the same each time the run does the same.
 * A run that waits for approvals ends with suspended before run_end; one that goes on with it begins with resumed.
 * After run_end an exchange may still come back, for nobody. released is last: no handler knows the run any more.
 */
#ifndef WEFT_ACTORS_RECORD_TAPE_H
#define WEFT_ACTORS_RECORD_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <weft/base.h>

#include "runtime/base/refs.h"

struct weft__run;
struct weft__model_ask;
struct weft__tool_run;
struct weft__verdict;
struct weft__suspended;
struct weft_agent_def;

/* Values that a run takes from outside of itself. */
enum weft__draw {
	WEFT__DRAW_TIME = 0, /* weft_wall_ms() that a prompt shows */
	WEFT__DRAW_DEADLINE  /* the run's timer ran out; the value: after so many ms */
};

struct weft__tape {
	const struct weft__tape_fns *fns;
	weft__refs refs;
};

/* What a tape knows of a run, in weft__run.tape; first in the tape's own. One reference on the tape. */
struct weft__tape_run {
	struct weft__tape *tape;
};

/* An exchange under way, embedded in an ask or a tool run. Zeros when it begins. */
struct weft__taped {
	uint32_t step; /* 0: not on the tape */
	struct weft__taped *next, **prev; /* the run's list of those that are out; the agent's thread */
	uint64_t began_ns;
	struct weft__streamed *streamed; /* chunks so far; the handler's thread, then the agent's */
};

struct weft__tape_fns {
	/* A definition is about to have this tape. @return 0 or a negative error */
	int (*bind)(struct weft__tape *tape, struct weft_agent_def *def);
	/* The run has its request and its id; sets run->tape, or leaves it NULL: not watched. */
	void (*run_begin)(struct weft__tape *tape, struct weft__run *run);
	/* The result is complete and about to be sent; may be changed. */
	void (*run_end)(struct weft__run *run);
	void (*released)(struct weft__run *run);
	void (*asked)(struct weft__tape *tape, struct weft__model_ask *ask);
	void (*chunk)(struct weft__model_ask *ask, weft_str chunk);
	/* @return the status the exchange ends with: status, or what the tape says instead */
	int (*answered)(struct weft__model_ask *ask, int status);
	/* The rules have spoken of a call that could be made; a replay says what they said then. Also without rules. */
	void (*permitted)(struct weft__run *run, const struct weft__tool_run *t, struct weft__verdict *verdict);
	/* The run is kept, r is 0, or could not be. @return r; a replay: what it was, with ids and times in *s */
	int (*suspended)(struct weft__run *run, struct weft__suspended *s, int r);
	/* A suspended run was taken, r is 0 and *s is it, or could not be. @return r; a replay: what it was, with *s and *why */
	int (*resumed)(struct weft__run *run, struct weft__suspended *s, int r, weft_str *why);
	/* True: the tape has answered in place of the handler, which is not called, with *ret_r */
	bool (*called)(struct weft__run *run, struct weft__tool_run *t, int *ret_r);
	/* status: what the handler said, 0 or an error */
	void (*returned)(struct weft__run *run, struct weft__tool_run *t, int status);
	int64_t (*draw)(struct weft__run *run, enum weft__draw what, int64_t value);
	void (*destroy)(struct weft__tape *tape);
};

static inline struct weft__tape *weft__tape_ref(struct weft__tape *tape)
{
	weft__refs_take(&tape->refs);
	return tape;
}

static inline void weft__tape_unref(struct weft__tape *tape)
{
	if (tape && weft__refs_drop(&tape->refs))
		tape->fns->destroy(tape);
}

static inline void weft__taped_add(struct weft__taped **list, struct weft__taped *t)
{
	t->next = *list;
	t->prev = list;
	if (t->next)
		t->next->prev = &t->next;
	*list = t;
}

static inline void weft__taped_remove(struct weft__taped *t)
{
	if (!t->prev)
		return;
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = NULL;
}

#endif
