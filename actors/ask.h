/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/ask.h - a run of the tool loop, as the files that share its work see it: ask.c drives it, permit.c says
 * which calls may be made, suspend.c puts it away and takes it up again.
 */
#ifndef WEFT_ACTORS_ASK_H
#define WEFT_ACTORS_ASK_H

#include "actors/agent.h"
#include "actors/approval.h"
#include "actors/loopguard.h"
#include "actors/text.h"

struct weft__ask {
	struct weft__run *run;
	const struct weft__ask_body *body;
	weft_chat_message *messages; /* the conversation, grows in the arena */
	uint32_t count, cap;
	uint32_t own; /* messages before it are the asker's: the loop guard looks at the others */
	struct weft__model_ask model;
	struct weft__buf json; /* messages[0..json_count) as a JSON array, for events; grows with them */
	uint32_t json_count;
	struct weft__loopguard guard;
	struct weft__tool_run *calls; /* of this turn */
	uint32_t call_count, call_next; /* next to start */
	uint32_t calls_out;             /* under way */
	uint32_t waiting;               /* calls of this turn that need an approval */
	uint32_t tool_calls;            /* in the whole run */
	bool events;                    /* somebody listened when the run began */
	bool lost;                      /* a call of this turn cannot come back: the run ends when the others are */
	weft_str name;                  /* the agent's; owned by its definition */
	weft_uuid resumed;              /* the suspended run that this one goes on with; nil: none */
	weft_approvals *book;           /* where that one is kept, one reference; NULL: none */
};

/* ---- permit.c ------------------------------------------------------------- */

/** By the rules: the call stays as it is, waits for an approval, or is refused. Only of a definition with permissions, or with a tape. */
void weft__ask_permit(struct weft__ask *a, struct weft__tool_run *t);
/** The call is refused: the model is told. */
void weft__ask_refuse(struct weft__ask *a, struct weft__tool_run *t, const char *decision, weft_str text);
/** Only of a definition with an audit. */
void weft__ask_audit(const struct weft__ask *a, const struct weft__tool_run *t);

/* ---- suspend.c ------------------------------------------------------------- */

/** Keep the run, whose waiting calls are its last; result says so. @return 0, -ENOSPC (nothing was kept), or why not */
int weft__ask_suspend(struct weft__ask *a);
/** Take up a suspended run: conversation, counts, and the calls of its last turn, with what was said of them.
 *  @return 0, or why not, with a sentence where there is more to say than the code does */
int weft__ask_restore(struct weft__ask *a, weft_uuid run, weft_str *ret_why);

#endif
