/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/permits.c - what a replayed run may do: its rules are asked again, people are not.
 *
 * Rules are part of the definition, so they decide anew, and another word than the recorded one is a difference. Whether
 * there was somebody to ask, who a suspended run is, and what was said of it came from outside: that is taken from the
 * recording.
 */
#include <errno.h>
#include <string.h>

#include "actors/record/permits.h"
#include "actors/replay/run.h"

/* A recorded line; a run without memory for it has diverged. */
static bool open_line(struct weft__replayed *rp, uint32_t line, uint32_t number, weft_json_doc **ret_doc)
{
	if (weft__tape_file_line(&weft__replay_of(rp)->file, line, ret_doc) == 0)
		return true;
	weft__replayed_diverge(rp, line, "step %u: out of memory", number);
	return false;
}

/* ---- rules ------------------------------------------------------------------------ */

static bool rules_were_recorded(const struct weft__replayed *rp)
{
	const struct weft__tape_file_run *rec = rp->rec;

	return rec && rp->steps < rec->step_count && rec->steps[rp->steps].kind == WEFT__STEP_PERMIT;
}

/* A rule cannot see what was taken out of its arguments: what was said then holds. */
static bool is_redacted(weft_str arguments)
{
	return arguments.len_bytes && memmem(arguments.ptr, arguments.len_bytes, WEFT__REDACTED, strlen(WEFT__REDACTED));
}

static void compare_verdict(struct weft__replayed *rp, const struct weft__tape_step *step, uint32_t number,
                            const weft_tool_call *call, const struct weft__verdict *then, struct weft__verdict *now)
{
	struct weft__verdict shown = *now;

	if (now->permit != then->permit) {
		weft__replayed_diverge(rp, step->begin, "step %u: of tool '%.*s': recorded %s by rule '%.*s', now %s by rule '%.*s'",
		                       number, WEFT_STR_ARG(call->name), weft_permit_name(then->permit), WEFT_STR_ARG(then->rule),
		                       weft_permit_name(now->permit), WEFT_STR_ARG(now->rule));
		return;
	}
	now->waits = shown.waits = then->waits;
	shown.rule = then->rule; /* another that says the same is no difference */
	weft__scribe_begin(&rp->scribe, "permit", 0, 0);
	weft__scribe_verdict(&rp->scribe, call, &shown);
	weft__replayed_compare(rp, step->begin, number);
}

void weft__replay_permitted(struct weft__run *run, const struct weft__tool_run *t, struct weft__verdict *verdict)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft__verdict then;
	struct weft__tape_step *step;
	weft_json_doc *doc;
	uint32_t number;

	if (weft__replay_of(rp)->file.version < WEFT__RECORDING_PERMITS ||
	    (verdict->permit == WEFT_PERMIT_ALLOW && !rules_were_recorded(rp)))
		return;
	step = weft__replayed_next(rp, WEFT__STEP_PERMIT, &number);
	if (!step || !open_line(rp, step->begin, number, &doc))
		return;
	if (weft__read_verdict(weft_json_root(doc), run->arena, &then) < 0)
		weft__replayed_diverge(rp, step->begin, "step %u: what the rules said cannot be read", number);
	else if (is_redacted(t->call.arguments_text))
		*verdict = then;
	else
		compare_verdict(rp, step, number, &t->call, &then, verdict);
	weft_json_release(doc);
}

/* ---- approvals ---------------------------------------------------------------------- */

/* The recorded run that waits, or was taken. @return 0, or the status there was in its place */
static int read_suspended(struct weft__replayed *rp, const struct weft__tape_step *step, uint32_t number, weft_arena *arena,
                          struct weft__suspended *ret, weft_str *ret_why)
{
	weft_json_doc *doc;
	int status;

	if (!open_line(rp, step->begin, number, &doc))
		return -ECANCELED;
	status = (int)weft__read_int(weft_json_root(doc), "status");
	if (status < 0) {
		*ret_why = weft_arena_dup(arena, weft__read_str(weft_json_root(doc), "why"));
	} else if (weft__read_suspended(weft_json_root(doc), arena, ret) < 0) {
		weft__replayed_diverge(rp, step->begin, "step %u: the suspended run cannot be read", number);
		status = -ECANCELED;
	}
	weft_json_release(doc);
	return status;
}

/* Ids and times are what they were. */
static void take_over(struct weft__suspended *now, const struct weft__suspended *then)
{
	now->run = then->run;
	now->asked_ms = then->asked_ms;
	now->expires_ms = then->expires_ms;
	for (uint32_t i = 0; i < now->count && i < then->count; i++)
		now->approvals[i].id = then->approvals[i].id;
}

int weft__replay_suspended(struct weft__run *run, struct weft__suspended *s, int r)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft__suspended then;
	struct weft__tape_step *step;
	weft_str why;
	uint32_t number;

	if (r < 0 || weft__replay_of(rp)->file.version < WEFT__RECORDING_PERMITS)
		return r;
	step = weft__replayed_next(rp, WEFT__STEP_SUSPENDED, &number);
	if (!step)
		return -ECANCELED;
	r = read_suspended(rp, step, number, run->arena, &then, &why);
	if (r < 0)
		return r;
	take_over(s, &then);
	weft__scribe_begin(&rp->scribe, "suspended", 0, 0);
	if (weft__scribe_suspended(&rp->scribe, s, false) < 0)
		return -ENOMEM;
	weft__replayed_compare(rp, step->begin, number);
	return rp->error.code ? -ECANCELED : 0;
}

int weft__replay_resumed(struct weft__run *run, struct weft__suspended *s, int r, weft_str *why)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft__tape_step *step;
	uint32_t number;

	(void)r; /* of a book that a replay does not have */
	step = weft__replayed_next(rp, WEFT__STEP_RESUMED, &number);
	*why = (weft_str){ 0 };
	return step ? read_suspended(rp, step, number, run->arena, s, why) : -ECANCELED;
}
