/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent waits for, with the thread that finishes it, in every way. Goal: an op comes back once, by its handler's
 * return or by its promise; what the finisher wrote is seen; a handler is not told once its finish has returned; who
 * speaks for it never meets a runtime that has gone; and the run goes with the last of them. Method: the real op.c; T1 is
 * the agent, T2 finishes; the run, the promise, the runtime and what a handler was told with are blocks, counted at the
 * end, so that a late access is found.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <weft/sim.h>

#include "actors/agent.h"
#include "actors/op.h"
#include "runtime/actor/core.h"
#include "tests/model/explore.h"

/* A run with its one op, as its arena would hold it. */
struct asked {
	struct weft__run run;
	struct weft__op op;
	uint32_t response; /* the finisher's */
};

static struct weft__agent agent;
static struct asked *asked;
static uint32_t *told_with; /* freed by the handler when its finish has returned */
static uint32_t *runtime;   /* what events go to; freed when the agent has ended */
static weft_msg *arrived;
static _Atomic(uint32_t) under_way, sent;
static uint32_t backs, promises_refused;

/* ---- the world around op.c ------------------------------------------------------------------ */

void weft__run_ref(struct weft__run *run)
{
	weft__refs_take(&run->refs);
}

void weft__run_unref(struct weft__run *run)
{
	if (weft__refs_drop(&run->refs))
		explore_free(run);
}

weft_reply_to weft_reply_to_actor(weft_ref actor, uint64_t token)
{
	(void)actor;
	return (weft_reply_to){ .token = token };
}

int weft_promise_create(weft_reply_to reply_to, weft_msg **ret_promise)
{
	if (promises_refused)
		return -ENOMEM;
	*ret_promise = explore_alloc(sizeof(**ret_promise), 16);
	(*ret_promise)->token = reply_to.token;
	return 0;
}

void weft__promise_drop(weft_msg *promise)
{
	explore_free(promise);
}

/* To the agent's mailbox. */
void weft_promise_finish(weft_msg *promise, uint32_t kind, int status)
{
	(void)kind;
	(void)status;
	arrived = promise;
	weft__store_release(&sent, 1u);
}

uint64_t weft_msg_token(const weft_msg *msg)
{
	return msg->token;
}

int weft_sim_sleep(uint64_t ns)
{
	(void)ns;
	weft__spin();
	return 0;
}

void weft_sim_local(void *at, size_t bytes)
{
	explore_thread_local(at, bytes);
}

/* ---- the agent ------------------------------------------------------------------------------ */

static void back(struct weft__op *op)
{
	backs++;
	explore_assert(op->status == -7);
	explore_assert(asked->response == 42);
	weft__run_unref(op->run);
}

static void begin(void)
{
	weft__op_simulated();
	asked = explore_alloc(sizeof(*asked), 64);
	memset(asked, 0, sizeof(*asked));
	asked->run.agent = &agent;
	weft__refs_init(&asked->run.refs, 1);
	told_with = explore_alloc(sizeof(*told_with), 16);
	runtime = explore_alloc(sizeof(*runtime), 16);
	*told_with = *runtime = 0;
	arrived = NULL;
	backs = promises_refused = 0;
	weft__store_relaxed(&under_way, 0u);
	weft__store_relaxed(&sent, 0u);
	explore_name(asked, sizeof(*asked), "run");
	explore_name(told_with, sizeof(*told_with), "told with");
	explore_name(runtime, sizeof(*runtime), "runtime");
}

static void tell(void *user)
{
	++*(uint32_t *)user;
}

/* A handler that another thread works for from here on. @return as weft__op_returned */
static int handler(bool wants_to_know)
{
	weft__op_begin(&asked->op, &asked->run, back);
	if (wants_to_know)
		explore_assert(weft__op_on_cancel(&asked->op, tell, told_with) == 0);
	weft__store_release(&under_way, 1u);
	return weft__op_returned(&asked->op, WEFT_PENDING);
}

static void runtime_goes(void)
{
	++*runtime;
	explore_free(runtime);
}

/* The behaviour that takes the answer of the handler at once, or lets it come as a message. */
static void agent_waits(void)
{
	int r = handler(false);

	if (r == WEFT_PENDING) {
		while (!weft__load_acquire(&sent))
			weft__spin();
		weft__op_arrived(arrived);
		explore_free(arrived);
	} else {
		explore_assert(r == -7);
		back(&asked->op);
	}
	runtime_goes();
}

/* The run is over, its op is not: the handler is told, and comes back or has come. */
static void agent_cancels(void)
{
	int r = handler(true);

	if (r == WEFT_PENDING) {
		weft__ops_cancel(&asked->run);
		while (!weft__load_acquire(&sent))
			weft__spin();
		weft__op_arrived(arrived);
		explore_free(arrived);
	} else {
		back(&asked->op);
	}
	runtime_goes();
}

/* The agent ends with its op under way; a message that is on its way goes with its mailbox. */
static void agent_ends(void)
{
	int r = handler(true);

	if (r == WEFT_PENDING)
		(void)weft__ops_abandon(&asked->run);
	weft__run_unref(&asked->run);
	runtime_goes();
}

static void agent_without_memory(void)
{
	int r;

	promises_refused = 1;
	r = handler(false);
	explore_assert(r == -7 || r == -ENOMEM);
	if (r == -7)
		explore_assert(asked->response == 42);
	weft__run_unref(&asked->run);
	runtime_goes();
}

/* ---- the finisher ---------------------------------------------------------------------------- */

static void work(void)
{
	while (!weft__load_acquire(&under_way))
		weft__spin();
}

static void finish(void)
{
	asked->response = 42;
	weft__op_finish(&asked->op, -7);
	explore_free(told_with); /* the handler's own: nobody tells it any more */
}

static void finishes(void)
{
	work();
	finish();
}

static void speaks_and_finishes(void)
{
	work();
	if (weft__op_speak_begin(&asked->op)) {
		explore_assert(*runtime == 0);
		weft__op_speak_end(&asked->op);
	}
	finish();
}

/* ---- the laws -------------------------------------------------------------------------------- */

static void came_back_once(void)
{
	explore_assert(backs == 1);
	explore_assert(explore_blocks() == 0);
}

/* Nobody takes what is in the mailbox of an actor that has gone. */
static void run_is_gone(void)
{
	if (weft__load_relaxed(&sent))
		explore_free(arrived);
	explore_assert(backs == 0);
	explore_assert(explore_blocks() == 0);
}

#define MODEL(about, law, ...)                                                                                           \
	static const struct explore_model m = {                                                                          \
		.name = "op, " about, .init = begin, .thread = { __VA_ARGS__ }, .check = law                             \
	};                                                                                                               \
	cr_assert(explore(&m))

Test(model_op, finished_by_another_thread__comes_back_once)
{
	MODEL("finish", came_back_once, agent_waits, finishes);
}

Test(model_op, canceled__is_told_before_its_finish_returns_or_not_at_all)
{
	MODEL("cancel", came_back_once, agent_cancels, finishes);
}

Test(model_op, agent_ends__the_last_holder_frees_the_run)
{
	MODEL("abandon", run_is_gone, agent_ends, finishes);
}

Test(model_op, agent_ends__who_speaks_meets_no_runtime_that_has_gone)
{
	MODEL("speak, abandon", run_is_gone, agent_ends, speaks_and_finishes);
}

Test(model_op, spoken_for__comes_back_once)
{
	MODEL("speak", came_back_once, agent_waits, speaks_and_finishes);
}

Test(model_op, no_memory_for_the_way_back__the_finisher_lets_go_of_the_run)
{
	MODEL("no memory", run_is_gone, agent_without_memory, speaks_and_finishes);
}
