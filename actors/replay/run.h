/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/run.h - a run that is compared with a recorded one, step by step. replay.c has its life, models and
 * tools; permits.c what it was permitted. The agent's thread.
 */
#ifndef WEFT_ACTORS_REPLAY_RUN_H
#define WEFT_ACTORS_REPLAY_RUN_H

#include "actors/agent.h"
#include "actors/record/scribe.h"
#include "actors/replay/replay.h"

struct weft__replayed {
	struct weft__tape_run base; /* first */
	struct weft__scribe scribe;
	struct weft__digest before;
	struct weft__tape_file_run *rec; /* NULL: none was asked the same */
	uint32_t steps;
	bool over; /* where the recorded run was ended from outside: so does this one */
	weft_error error; /* code 0: nothing has differed yet */
};

static inline struct weft_replay *weft__replay_of(const struct weft__replayed *rp)
{
	return (struct weft_replay *)rp->base.tape;
}

static inline struct weft__replayed *weft__replayed_of(const struct weft__run *run)
{
	return (struct weft__replayed *)run->tape;
}

/** The run differs from the recorded one here. The first time is the one to tell. */
void weft__replayed_diverge(struct weft__replayed *rp, uint32_t line, const char *fmt, ...) WEFT_PRINTF(3, 4);
/** It begins its next step. NULL: it has diverged, now or before, or is over. */
struct weft__tape_step *weft__replayed_next(struct weft__replayed *rp, uint8_t kind, uint32_t *ret_number);
/** The scribe's line against a recorded one of this step. Diverges when they differ. */
void weft__replayed_compare(struct weft__replayed *rp, uint32_t line, uint32_t step);
/** The same tool and arguments? Diverges when not. */
void weft__replayed_compare_call(struct weft__replayed *rp, const struct weft__tape_step *step, uint32_t number,
                                 const weft_tool_call *call);

/* permits.c: the tape's. */
void weft__replay_permitted(struct weft__run *run, const struct weft__tool_run *t, struct weft__verdict *verdict);
int weft__replay_suspended(struct weft__run *run, struct weft__suspended *s, int r);
int weft__replay_resumed(struct weft__run *run, struct weft__suspended *s, int r, weft_str *why);

#endif
