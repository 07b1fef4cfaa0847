/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/summary.c - what a long conversation was about, kept and shown in place of what prompts no longer show.
 *
 *     | ... summed up ... | behind the window | the newest 64, which prompts show |
 *     ^ the last summary's created_ms         ^ created_ms of the oldest of those
 *
 * The evaluator SUMMARIZE runs when a message was answered, so nobody waits for a summary. It hands what lies behind the window and
 * after the last summary to the host's function, or asks the small model, and keeps the text as a memory whose
 * created_ms is that of the last message it stands for. The provider SUMMARY shows the newest one.
 */
#include <errno.h>
#include <stdio.h>

#include "actors/def.h"
#include "actors/evaluator.h"
#include "actors/model.h"
#include "actors/text.h"
#include "actors/turn.h"

#define AFTER_DEFAULT 50u
#define LINE_BYTES_MAX 2000u /* of one message, in the model's prompt */

struct summary_run {
	weft_summary_call call; /* first: what the host holds */
	struct weft__model_ask ask;
	weft_evaluator_call *evaluator;
	int64_t up_to_ms;
	char *text; /* owned; the result */
	size_t text_bytes;
};

/* ---- what lies behind ---------------------------------------------------------------- */

static bool see_time(const weft_memory *m, void *user)
{
	*(int64_t *)user = m->created_ms;
	return true;
}

/* Messages between the last summary and those that prompts show: from .. to. False: there are none. */
static bool gap_of(const weft_turn *turn, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
	weft_uuid room = turn->message.room_id;
	int64_t summed_up = INT64_MIN, window = INT64_MIN;

	if (weft_store_count(turn->store, room, WEFT_MEMORY_MESSAGE) <= WEFT__RECENT_MESSAGES)
		return false;
	weft_store_visit_recent(turn->store, room, WEFT_MEMORY_MESSAGE, WEFT__RECENT_MESSAGES - 1, 1, see_time, &window);
	weft_store_visit_recent(turn->store, room, WEFT_MEMORY_SUMMARY, 0, 1, see_time, &summed_up);
	*ret_from_ms = summed_up == INT64_MIN ? INT64_MIN : summed_up + 1;
	*ret_to_ms = window - 1;
	return window > INT64_MIN && *ret_from_ms <= *ret_to_ms;
}

static bool count_one(const weft_memory *m, void *user)
{
	(void)m;
	++*(uint32_t *)user;
	return true;
}

/* An earlier message of the room has begun one, which nobody has waited for. Only turns trail. */
static bool is_under_way(const weft_turn *turn)
{
	for (const struct weft__run *run = turn->run->agent->runs; run; run = run->next) {
		const weft_turn *other = run->trails ? run->part : NULL;

		if (other && other->sums_up && !weft__evaluator_is_over(other->sums_up) &&
		    weft_uuid_eq(other->message.room_id, turn->message.room_id))
			return true;
	}
	return false;
}

static bool is_due(const weft_turn *turn, void *user)
{
	uint32_t after = turn->def->summarizer.after_messages, n = 0;
	int64_t from, to;

	(void)user;
	if (is_under_way(turn) || !gap_of(turn, &from, &to))
		return false;
	weft_store_visit_between(turn->store, turn->message.room_id, WEFT_MEMORY_MESSAGE, from, to, after, count_one, &n);
	return n == after;
}

struct copying {
	weft_arena *arena;
	weft_memory *list; /* from its end to its beginning */
	uint32_t left;
};

static bool copy_one(const weft_memory *m, void *user)
{
	struct copying *c = user;
	weft_memory *to = &c->list[c->left - 1];

	*to = (weft_memory){ .id = m->id,
		             .type = m->type,
		             .room_id = m->room_id,
		             .entity_id = m->entity_id,
		             .agent_id = m->agent_id,
		             .in_reply_to = m->in_reply_to,
		             .created_ms = m->created_ms,
		             .text = weft_arena_dup(c->arena, m->text) };
	if (!to->text.ptr)
		return false;
	c->left--;
	return true;
}

struct previous {
	weft_arena *arena;
	weft_str text;
	bool failed;
};

static bool copy_previous(const weft_memory *m, void *user)
{
	struct previous *p = user;

	p->text = weft_arena_dup(p->arena, m->text);
	p->failed = !p->text.ptr;
	return true;
}

/* The call, complete. 0 or -ENOMEM. */
static int gather(weft_turn *turn, struct summary_run *run)
{
	struct copying c = { .arena = turn->arena, .left = WEFT_SUMMARY_MESSAGES_MAX };
	struct previous previous = { .arena = turn->arena };
	int64_t from = 0, to = 0;
	int n;

	c.list = weft_arena_calloc(turn->arena, WEFT_SUMMARY_MESSAGES_MAX * sizeof(*c.list));
	if (!c.list)
		return -ENOMEM;
	if (!gap_of(turn, &from, &to))
		return 0;
	n = weft_store_visit_between(turn->store, turn->message.room_id, WEFT_MEMORY_MESSAGE, from, to,
	                             WEFT_SUMMARY_MESSAGES_MAX, copy_one, &c);
	weft_store_visit_recent(turn->store, turn->message.room_id, WEFT_MEMORY_SUMMARY, 0, 1, copy_previous, &previous);
	run->call.turn = turn;
	run->call.previous = previous.text;
	run->call.messages = c.list + c.left;
	run->call.count = WEFT_SUMMARY_MESSAGES_MAX - c.left;
	run->up_to_ms = to;
	return previous.failed || n != (int)run->call.count ? -ENOMEM : 0;
}

/* ---- what was said ----------------------------------------------------------------------- */

/* Keep the summary; from whichever thread has it. */
static int keep(struct summary_run *run)
{
	weft_turn *turn = run->call.turn;
	weft_memory m = { .type = WEFT_MEMORY_SUMMARY,
		          .room_id = turn->message.room_id,
		          .entity_id = turn->agent_id,
		          .agent_id = turn->agent_id,
		          .created_ms = run->up_to_ms,
		          .text = { run->text, run->text_bytes },
		          .source = WEFT_STR("summary") };
	int r = run->text_bytes ? weft_store_add(turn->store, &m, NULL) : WEFT_ESCHEMA;

	weft_free(run->text);
	run->text = NULL;
	return r;
}

int weft_summary_return(weft_summary_call *call, weft_str text)
{
	struct summary_run *run = (struct summary_run *)call;
	char *copy;

	if (!call || !text.ptr || !text.len_bytes)
		return -EINVAL;
	copy = weft_malloc(text.len_bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text.ptr, text.len_bytes);
	weft_free(run->text);
	run->text = copy;
	run->text_bytes = text.len_bytes;
	return 0;
}

static int ended(struct summary_run *run, int status)
{
	if (status >= 0)
		return keep(run);
	weft_free(run->text);
	run->text = NULL;
	return status;
}

/* With the agent its store may go: it is used while somebody waits for the summary, or not at all. */
void weft_summary_finish(weft_summary_call *call, int status)
{
	struct summary_run *run = (struct summary_run *)call;
	struct weft__op *op;

	if (!call)
		return;
	op = weft__evaluator_op(run->evaluator);
	if (weft__op_speak_begin(op)) {
		status = ended(run, status);
		weft__op_speak_end(op);
	} else {
		status = ended(run, -ECANCELED);
	}
	weft_evaluator_finish(run->evaluator, status);
}

/* ---- by the model ------------------------------------------------------------------------- */

static weft_str name_of(const weft_turn *turn, weft_uuid id)
{
	weft_entity e;

	if (weft_uuid_eq(id, turn->agent_id))
		return turn->agent_name;
	return weft_store_get_entity(turn->store, id, turn->arena, &e) == 0 && e.name.len_bytes ? e.name : WEFT_STR("Unknown");
}

static int prompt_of(const struct summary_run *run, weft_str *ret_prompt)
{
	const weft_summary_call *call = &run->call;
	struct weft__buf b = { .arena = call->turn->arena };

	weft__buf_put(&b, WEFT_STR("<task>Sum up this conversation for somebody who goes on with it: who wants what, what was agreed, "
	                           "what is open. At most 200 words, no preface.</task>\n"));
	if (call->previous.len_bytes) {
		weft__buf_put(&b, WEFT_STR("\n<before>\n"));
		weft__buf_put(&b, call->previous);
		weft__buf_put(&b, WEFT_STR("\n</before>\n"));
	}
	weft__buf_put(&b, WEFT_STR("\n<conversation>\n"));
	for (uint32_t i = 0; i < call->count; i++) {
		weft_str text = call->messages[i].text;

		weft__buf_put(&b, name_of(call->turn, call->messages[i].entity_id));
		weft__buf_put(&b, WEFT_STR(": "));
		weft__buf_put(&b, (weft_str){ text.ptr, weft__str_cut(text, LINE_BYTES_MAX) });
		weft__buf_put_char(&b, '\n');
	}
	weft__buf_put(&b, WEFT_STR("</conversation>\n"));
	return weft__buf_end(&b, ret_prompt);
}

static int took_answer(struct summary_run *run, int status)
{
	if (status == 0)
		status = weft_summary_return(&run->call, weft__str_trim(weft__strip_think(run->ask.response.text, run->call.turn->arena)));
	return status == -EINVAL ? WEFT_ESCHEMA : status;
}

static void model_back(struct weft__model_ask *ask, int status)
{
	struct summary_run *run = ask->user;

	if (status == 0)
		weft__usage_add(&run->call.turn->run->result.usage, &ask->response.usage);
	weft_summary_finish(&run->call, took_answer(run, status));
}

static int ask_model(weft_summary_call *call, void *user)
{
	struct summary_run *run = (struct summary_run *)call;
	weft_turn *turn = call->turn;
	int r;

	(void)user;
	run->ask.request.type = WEFT_MODEL_TEXT_SMALL;
	run->ask.arena = weft__turn_aside(turn); /* other evaluators may wait beside us */
	if (!run->ask.arena)
		return -ENOMEM;
	r = prompt_of(run, &run->ask.request.prompt);
	if (r < 0)
		return r;
	run->ask.number = ++turn->run->result.iterations;
	run->ask.back = model_back;
	run->ask.user = run;
	weft__evaluator_op(run->evaluator)->inner = true;
	r = weft__model_ask(&run->ask, turn->run);
	if (r == 0)
		weft__usage_add(&turn->run->result.usage, &run->ask.response.usage);
	return r == WEFT_PENDING ? r : took_answer(run, r);
}

/* ---- evaluator and provider ------------------------------------------------------------------ */

static int summarize(weft_evaluator_call *call, void *user)
{
	const weft_summarizer *s = &call->turn->def->summarizer;
	struct summary_run *run = weft_arena_calloc(call->turn->arena, sizeof(*run));
	int r;

	(void)user;
	if (!run)
		return -ENOMEM;
	run->evaluator = call;
	r = gather(call->turn, run);
	if (r < 0 || !run->call.count)
		return r;
	r = s->fn ? s->fn(&run->call, s->user) : ask_model(&run->call, NULL);
	call->turn->sums_up = call;
	return r == WEFT_PENDING ? r : ended(run, r);
}

static int show(weft_provider_call *call, void *user)
{
	weft_turn *turn = call->turn;
	struct previous newest = { .arena = turn->arena };
	struct weft__buf b = { .arena = turn->arena };

	(void)user;
	weft_store_visit_recent(turn->store, turn->message.room_id, WEFT_MEMORY_SUMMARY, 0, 1, copy_previous, &newest);
	if (newest.failed)
		return -ENOMEM;
	if (!newest.text.len_bytes)
		return 0;
	weft__buf_put(&b, WEFT_STR("# Earlier in the conversation\n"));
	weft__buf_put(&b, newest.text);
	return weft__buf_end(&b, &call->text);
}

int weft_agent_def_set_summarizer(weft_agent_def *def, const weft_summarizer *summarizer)
{
	static const weft_provider provider = { .size = sizeof(provider),
		                                .name = "SUMMARY",
		                                .position = 95,
		                                .fn = show,
		                                .description = "what the conversation was about before" };
	static const weft_evaluator evaluator = { .size = sizeof(evaluator),
		                                  .name = "SUMMARIZE",
		                                  .description = "sums up what prompts no longer show",
		                                  .always_run = true,
		                                  .validate = is_due,
		                                  .fn = summarize };
	int r;

	if (!def || !summarizer || summarizer->size != sizeof(*summarizer) ||
	    summarizer->after_messages > WEFT_SUMMARY_MESSAGES_MAX)
		return -EINVAL;
	if (def->summarizer.size)
		return -EEXIST;
	r = weft_agent_def_add_provider(def, &provider);
	if (r == 0)
		r = weft_agent_def_add_evaluator(def, &evaluator);
	if (r < 0)
		return r;
	def->summarizer = *summarizer;
	if (!def->summarizer.after_messages)
		def->summarizer.after_messages = AFTER_DEFAULT;
	return 0;
}
