/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run queue with its owner and thieves, in every way. Goal: each task is taken once, with what was
 * written into it before; the owner gets its own in order. Method: a ring of 4 slots (3 usable), just below
 * the wrap of its counters; pushes that overflow into the list, a refill, two thieves.
 */
#include <criterion/criterion.h>

#include "runtime/queue/runq.h"
#include "tests/model/explore.h"

#define JOBS 6u

struct job {
	struct weft__task task; /* first */
	uint32_t payload;       /* plain: published by the push */
	uint32_t takers;
};

static struct weft__runq q;
static struct job jobs[JOBS];
static uint32_t taken[EXPLORE_THREADS_MAX + 1]; /* by each thread */
static uint32_t pushed;

static void begin(void)
{
	static const char *const names[JOBS] = { "job 0", "job 1", "job 2", "job 3", "job 4", "job 5" };

	weft__runq_init(&q);
	q.ring.c_head = q.ring.p_head = q.ring.p_tail = 0u - 2;
	pushed = 0;
	explore_name(&q, sizeof(q), "runq");
	explore_name(&q.ring.c_head, sizeof(q.ring.c_head), "c_head");
	explore_name(&q.ring.p_tail, sizeof(q.ring.p_tail), "p_tail");
	explore_name(q.slots, sizeof(q.slots), "slots");
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){ 0 };
		explore_name(&jobs[i], sizeof(jobs[i]), names[i]);
	}
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		taken[i] = 0;
}

static void push(uint32_t n)
{
	for (; n; n--, pushed++) {
		jobs[pushed].payload = 100 + pushed;
		weft__runq_push(&q, &jobs[pushed].task);
	}
}

/* The job's number. */
static uint32_t take(struct weft__task *task)
{
	struct job *j = (struct job *)task;

	explore_assert(j->payload == 100 + (uint32_t)(j - jobs));
	j->takers++; /* plain: a second taker is a race or counts two */
	taken[explore_self()]++;
	return (uint32_t)(j - jobs);
}

/* Everything that is left, in order. */
static void pop_all(void)
{
	struct weft__task *task;
	int64_t last = -1;

	while ((task = weft__runq_pop(&q))) {
		int64_t number = take(task);

		explore_assert(number > last);
		last = number;
	}
}

static void steal_one(void)
{
	struct weft__task *task = weft__runq_steal(&q);

	if (task)
		take(task);
}

static void steal_two(void)
{
	steal_one();
	steal_one();
}

static void steal_three(void)
{
	steal_two();
	steal_one();
}

static void each_once(void)
{
	uint32_t sum = 0;

	pop_all(); /* nothing, when the owner has done so */
	for (uint32_t i = 0; i < pushed; i++)
		explore_assert(jobs[i].takers == 1);
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		sum += taken[i];
	explore_assert(sum == pushed);
	explore_assert(weft__runq_depth(&q) == 0);
}

static void two_then_pop(void)
{
	push(2);
	pop_all();
}

Test(model_runq, two_thieves__and_the_owner_take_each_task_once)
{
	static const struct explore_model m = {
		.name = "runq, 2 pushed, 2 thieves", .init = begin, .thread = { two_then_pop, steal_one, steal_one },
		.check = each_once
	};

	cr_assert(explore(&m));
}

/* Slots are used again while a thief sleeps between its look and its swap. */
static void around_the_ring(void)
{
	push(2);
	pop_all();
	push(2);
	pop_all();
}

Test(model_runq, slots_used_again__do_not_fool_a_slow_thief)
{
	static const struct explore_model m = {
		.name = "runq, around the ring", .init = begin, .thread = { around_the_ring, steal_two }, .check = each_once
	};

	cr_assert(explore(&m));
}

static void overflow(void)
{
	push(5); /* three in the ring, two in the list */
	pop_all();
}

Test(model_runq, overflow__is_refilled_while_others_steal)
{
	static const struct explore_model m = {
		.name = "runq, overflow", .init = begin, .thread = { overflow, steal_two }, .check = each_once
	};

	cr_assert(explore(&m));
}

/* The ring runs empty under the owner's hand while the list is not. */
static void overflow_by_one(void)
{
	push(4);
	pop_all();
}

Test(model_runq, overflow__while_thieves_empty_the_ring)
{
	static const struct explore_model m = {
		.name = "runq, overflow, a thief of 3", .init = begin, .thread = { overflow_by_one, steal_three },
		.check = each_once
	};

	cr_assert(explore(&m));
}

static void look(void)
{
	uint32_t depth = weft__runq_depth(&q), stealable = weft__runq_stealable(&q);

	explore_assert(stealable < WEFT__RUNQ_SLOTS);
	explore_assert(depth <= JOBS + WEFT__RUNQ_SLOTS); /* a hint, but never nonsense */
}

Test(model_runq, depth__is_a_hint_to_anybody)
{
	static const struct explore_model m = {
		.name = "runq, depth", .init = begin, .thread = { overflow, look }, .check = each_once
	};

	cr_assert(explore(&m));
}
