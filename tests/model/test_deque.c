/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deque with its owner and thieves, in every way. Goal: each task is taken once, with what was
 * written into it before; the owner gets the newest, thieves the oldest. Method: 2 slots, just below the
 * wrap of the counters, so that slots are used again; the race for the last task; full.
 */
#include <criterion/criterion.h>

#include "runtime/queue/deque.h"
#include "tests/model/explore.h"

#define JOBS 4u

struct job {
	struct weft__task task; /* first */
	uint32_t payload;       /* plain: published by the push */
	uint32_t takers;
};

static struct weft__deque d;
static struct job jobs[JOBS];
static uint32_t taken[EXPLORE_THREADS_MAX + 1]; /* by each thread */
static uint32_t pushed;

static void begin(void)
{
	static const char *const names[JOBS] = { "job 0", "job 1", "job 2", "job 3" };

	weft__deque_init(&d);
	weft__store_relaxed(&d.top, 0u - 1);
	weft__store_relaxed(&d.bottom, 0u - 1);
	pushed = 0;
	explore_name(&d.top, sizeof(d.top), "top");
	explore_name(&d.bottom, sizeof(d.bottom), "bottom");
	explore_name(d.slots, sizeof(d.slots), "slots");
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){ 0 };
		explore_name(&jobs[i], sizeof(jobs[i]), names[i]);
	}
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		taken[i] = 0;
}

/* False: full, and the task is not in. */
static bool push_one(void)
{
	jobs[pushed].payload = 100 + pushed;
	if (!weft__deque_push(&d, &jobs[pushed].task))
		return false;
	pushed++;
	return true;
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

/* Everything that is left, the newest first. */
static void pop_all(void)
{
	struct weft__task *task;
	int64_t last = JOBS;

	while ((task = weft__deque_pop(&d))) {
		int64_t number = take(task);

		explore_assert(number < last);
		last = number;
	}
}

static void steal_one(void)
{
	struct weft__task *task = weft__deque_steal(&d);

	if (task)
		take(task);
}

/* A thief's second is newer than its first. */
static void steal_two(void)
{
	struct weft__task *one = weft__deque_steal(&d), *two = weft__deque_steal(&d);
	int64_t first = one ? (int64_t)take(one) : -1;

	if (two)
		explore_assert((int64_t)take(two) > first);
}

static void each_once(void)
{
	uint32_t sum = 0;

	pop_all(); /* what a thief lost to another */
	for (uint32_t i = 0; i < pushed; i++)
		explore_assert(jobs[i].takers == 1);
	for (uint32_t i = 0; i <= EXPLORE_THREADS_MAX; i++)
		sum += taken[i];
	explore_assert(sum == pushed);
	explore_assert(weft__deque_depth(&d) == 0);
}

static void one_then_pop(void)
{
	explore_assert(push_one());
	pop_all();
}

Test(model_deque, last_task__is_the_owners_or_one_thiefs)
{
	static const struct explore_model m = {
		.name = "deque, 1 pushed, 2 thieves", .init = begin, .thread = { one_then_pop, steal_one, steal_one },
		.check = each_once
	};

	cr_assert(explore(&m));
}

static void two_then_pop(void)
{
	explore_assert(push_one());
	explore_assert(push_one());
	pop_all();
}

Test(model_deque, two_tasks__go_to_owner_and_thief_once)
{
	static const struct explore_model m = {
		.name = "deque, 2 pushed, a thief of 2", .init = begin, .thread = { two_then_pop, steal_two },
		.check = each_once
	};

	cr_assert(explore(&m));
}

/* The owner uses a slot again while a thief has it in its hand. */
static void around(void)
{
	one_then_pop();
	push_one();
	push_one();
	push_one(); /* full, unless a thief was here */
}

Test(model_deque, slots_used_again__do_not_fool_a_slow_thief)
{
	static const struct explore_model m = {
		.name = "deque, around the slots", .init = begin, .thread = { around, steal_two }, .check = each_once
	};

	cr_assert(explore(&m));
}
