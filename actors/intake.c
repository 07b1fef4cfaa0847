/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/intake.c - where turns begin and end: room policies, the deadline, the answer.
 *
 *   queue     a room that is being handled keeps later messages, in order
 *   latest    a later message ends the turn before it with WEFT_ESUPERSEDED
 *   parallel  every message at once
 *
 * What an agent holds beyond its mailbox is bounded by queue_msgs: past it a
 * request is answered -EAGAIN at once. A turn that never waits needs neither a
 * place in the room table nor a timer.
 */
#include <errno.h>

#include "actors/pipeline.h"
#include "actors/provider.h"
#include "actors/rooms.h"

/* ---- beginning ----------------------------------------------------------- */

static const weft_str out_of_memory = {"out of memory", sizeof("out of memory") - 1};
static const weft_str canceled = {"canceled", sizeof("canceled") - 1};
static const weft_str full = {"too many messages wait", sizeof("too many messages wait") - 1};

static void refuse(struct weft__agent *agent, weft_msg *request, int status, weft_str why)
{
	struct weft__run *run = weft__run_begin(agent, request);

	if (!run) {
		weft_msg_destroy(request); /* NOREPLY */
		return;
	}
	run->result.status = status;
	run->result.error = why;
	weft__run_end(run);
}

static void turn_cancel(struct weft__run *run);

static void turn_gone(struct weft__run *run)
{
	if (run->part)
		weft__turn_fini(run->part);
}

static void turn_init(weft_turn *turn, struct weft__run *run, const struct weft__handle_body *body)
{
	struct weft__agent *agent = run->agent;

	turn->run = run;
	turn->def = agent->def;
	turn->plan = agent->def->plan;
	turn->arena = run->arena;
	turn->rt = agent->rt;
	turn->store = agent->def->store;
	turn->agent_id = agent->id;
	turn->agent_name = weft__def_name(agent->def);
	turn->message = body->message; /* strings in the request, which the run owns */
	turn->message.type = WEFT_MEMORY_MESSAGE;
	if (weft_uuid_is_nil(turn->message.id))
		turn->message.id = weft_uuid_v7();
	if (weft_uuid_is_nil(turn->message.agent_id))
		turn->message.agent_id = agent->id; /* who remembers it: found by its searches, counted for it */
	turn->mentions_agent = body->mentions_agent;
	turn->replies_to_agent = body->replies_to_agent;
	turn->open_stage = WEFT__NO_STAGE;
	run->result.message_id = turn->message.id;
	run->part = turn;
	run->release = turn_gone;
	run->cancel = turn_cancel;
}

/* NULL: out of memory, and the request is answered. */
static weft_turn *turn_create(struct weft__agent *agent, weft_msg *request)
{
	struct weft__run *run = weft__run_begin(agent, request);
	weft_turn *turn;

	if (!run) {
		weft_msg_destroy(request); /* NOREPLY */
		return NULL;
	}
	turn = weft_arena_calloc(run->arena, sizeof(*turn));
	if (!turn) {
		run->result.status = -ENOMEM;
		run->result.error = out_of_memory;
		weft__run_end(run);
		return NULL;
	}
	turn_init(turn, run, weft_msg_data(request));
	weft__turn_event(turn, WEFT_SCOPE_WORKFLOW, WEFT_EVENT_STARTED, turn->agent_name,
	                 WEFT_STR("RUN_STARTED"), NULL, 0);
	return turn;
}

/* ---- ending -------------------------------------------------------------- */

static void say_ended(weft_turn *turn)
{
	struct weft__run *run = turn->run;
	uint64_t now = weft_now_ns();
	bool failed = run->result.status < 0;
	weft_event_field fields[] = {
	        {.key = WEFT_STR("start"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)run->start_ns},
	        {.key = WEFT_STR("end"), .kind = WEFT_FIELD_INT, .num.i = (int64_t)now},
	        {.key = WEFT_STR("duration"),
	         .kind = WEFT_FIELD_INT,
	         .num.i = (int64_t)(now - run->start_ns)},
	        {.key = WEFT_STR("status"),
	         .kind = WEFT_FIELD_STR,
	         .str = failed ? weft_str_from(weft_errname(run->result.status)) : WEFT_STR("completed")},
	};

	if (run->result.status == -ETIMEDOUT)
		weft__turn_event(turn, WEFT_SCOPE_WORKFLOW, WEFT_EVENT_FAILED, turn->agent_name,
		                 WEFT_STR("RUN_TIMEOUT"), fields, 4);
	weft__turn_event(turn, WEFT_SCOPE_WORKFLOW,
	                 run->result.status == -ECANCELED ? WEFT_EVENT_CANCELED :
	                 failed                           ? WEFT_EVENT_FAILED :
	                                                    WEFT_EVENT_COMPLETED,
	                 turn->agent_name, WEFT_STR("RUN_ENDED"), fields, 4);
}

/* Answer. The turn may be gone after this; with evaluators at work it stays until they are back. */
static void turn_end(weft_turn *turn)
{
	struct weft__run *run = turn->run;
	weft_actor *self = weft_actor_self();

	turn->ended = true;
	run->trails = turn->waiting && run->result.status == 0; /* anything else it waits for before it ends */
	turn->phase = WEFT__PHASE_END;
	weft__turn_stages_end(turn);
	if (turn->deadline.id && self)
		(void)weft_timer_cancel(self, turn->deadline);
	turn->deadline.id = 0;
	run->result.responded = turn->did_respond && run->result.status == 0;
	run->result.text = turn->reply_text;
	run->result.content_type = WEFT_STR("text/plain");
	run->result.actions = turn->results;
	run->result.action_count = turn->result_count;
	if (!run->trails && weft_events_wanted(turn->rt))
		say_ended(turn);
	weft__run_end(run);
}

/* ---- rooms --------------------------------------------------------------- */

/* Start the next one that waits; those that answer at once are done on the spot. */
static void room_go_on(struct weft__agent *agent, struct weft__room *slot)
{
	weft_msg *request;

	while ((request = weft__room_pop(agent->rooms, slot))) {
		weft_turn *turn = turn_create(agent, request);

		if (!turn)
			continue;
		weft__turn_go(turn);
		if (turn->phase != WEFT__PHASE_END) {
			slot->turn = turn;
			turn->slot = slot;
			weft__turn_waits(turn);
			return;
		}
		turn_end(turn);
	}
	weft__rooms_remove(agent->rooms, slot);
}

/* The turn leaves its room, and the next may come in. */
static void turn_leave(weft_turn *turn)
{
	struct weft__agent *agent = turn->run->agent;
	struct weft__room *slot = turn->slot;

	turn->slot = NULL;
	turn_end(turn);
	if (slot)
		room_go_on(agent, slot);
}

static void turn_cancel(struct weft__run *run)
{
	weft_turn *turn = run->part;

	weft__turn_fail(turn, -ECANCELED, "canceled");
	turn_leave(turn);
}

void weft__turn_waits(weft_turn *turn)
{
	uint64_t start = turn->run->start_ns, timeout = turn->def->opt.run_timeout_ns;

	if (turn->deadline.id)
		return;
	/* Without memory for a timer the turn goes on without a deadline. */
	(void)weft_timer_start_at(weft_actor_self(), timeout < UINT64_MAX - start ? start + timeout : UINT64_MAX,
	                          turn->run->workflow_id, &turn->deadline);
}

void weft__turn_child_done(weft_turn *turn)
{
	if (--turn->waiting)
		return;
	if (turn->run->trails && weft_events_wanted(turn->rt))
		say_ended(turn);
	if (turn->ended)
		return;
	weft__turn_go(turn);
	if (turn->phase == WEFT__PHASE_END)
		turn_leave(turn);
}

static void start(struct weft__agent *agent, weft_msg *request, struct weft__room *slot)
{
	weft_turn *turn = turn_create(agent, request);
	bool alone = agent->def->opt.room_policy != WEFT_ROOM_PARALLEL;

	if (!turn) {
		if (slot)
			room_go_on(agent, slot);
		return;
	}
	turn->slot = slot;
	if (slot)
		slot->turn = turn;
	weft__turn_go(turn);
	if (turn->phase == WEFT__PHASE_END) {
		turn_leave(turn);
		return;
	}
	if (alone && !slot) {
		turn->slot = weft__rooms_add(agent->rooms, turn->message.room_id, turn);
		if (!turn->slot) {
			weft__turn_fail(turn, -ENOMEM, "out of memory");
			turn_end(turn);
			return;
		}
	}
	weft__turn_waits(turn);
}

/* The turn that was at work ends here; the place in the room goes to the newcomer. */
static void supersede(struct weft__agent *agent, struct weft__room *slot, weft_msg *request)
{
	weft_turn *old = slot->turn;

	old->slot = NULL;
	weft__turn_fail(old, WEFT_ESUPERSEDED, "a newer message of the room took over");
	turn_end(old);
	start(agent, request, slot);
}

static void enqueue(struct weft__agent *agent, struct weft__room *slot, weft_msg *request)
{
	if (agent->rooms->waiting >= agent->def->opt.queue_msgs)
		refuse(agent, request, -EAGAIN, full);
	else if (weft__room_push(agent->rooms, slot, request) < 0)
		refuse(agent, request, -ENOMEM, out_of_memory);
}

void weft__pipeline_handle(struct weft__agent *agent, weft_msg *request)
{
	const struct weft__handle_body *body = weft_msg_data(request);
	uint8_t policy = agent->def->opt.room_policy;
	struct weft__room *slot;

	if (!agent->def->plan) {
		refuse(agent, request, -EINVAL,
		       agent->def->store ? WEFT_STR("the definition has no character") : WEFT_STR("the definition has no store"));
		return;
	}
	if (!agent->rooms)
		agent->rooms = weft__rooms_create();
	if (!agent->rooms) {
		refuse(agent, request, -ENOMEM, out_of_memory);
		return;
	}
	slot = policy == WEFT_ROOM_PARALLEL ? NULL : weft__rooms_find(agent->rooms, body->message.room_id);
	if (slot && policy == WEFT_ROOM_QUEUE)
		enqueue(agent, slot, request);
	else if (slot)
		supersede(agent, slot, request);
	else if (policy == WEFT_ROOM_PARALLEL && agent->active >= agent->def->opt.queue_msgs)
		refuse(agent, request, -EAGAIN, full);
	else
		start(agent, request, NULL);
}

/* ---- what else the agent calls ------------------------------------------- */

void weft__pipeline_timer(struct weft__agent *agent, uint64_t token)
{
	for (struct weft__run *run = agent->runs; run; run = run->next) {
		weft_turn *turn = run->part;

		if (run->workflow_id != token || run->answered || run->release != turn_gone)
			continue;
		turn->deadline.id = 0;
		(void)weft__run_draw(run, WEFT__DRAW_DEADLINE, (int64_t)(turn->def->opt.run_timeout_ns / 1000000));
		weft__turn_fail(turn, -ETIMEDOUT, "no answer within %llu ms",
		                (unsigned long long)(turn->def->opt.run_timeout_ns / 1000000));
		turn_leave(turn);
		return;
	}
}

bool weft__pipeline_cancel(struct weft__agent *agent, uint64_t workflow_id)
{
	bool any = false;
	weft_msg *request;

	while (agent->rooms && agent->rooms->waiting && (request = weft__rooms_take(agent->rooms, workflow_id))) {
		refuse(agent, request, -ECANCELED, canceled);
		any = true;
		if (workflow_id)
			break;
	}
	return any;
}

bool weft__pipeline_is_idle(const struct weft__agent *agent)
{
	return !agent->rooms || agent->rooms->waiting == 0;
}

void weft__pipeline_fini(struct weft__agent *agent)
{
	if (!agent->rooms)
		return;
	if (agent->rooms->embedder.id)
		(void)weft_actor_stop(agent->rooms->embedder); /* it ends when its queue is empty */
	weft__rooms_destroy(agent->rooms);
	agent->rooms = NULL;
}
