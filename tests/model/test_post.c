/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posting to a loop that falls asleep, wakes up and closes, in every way. Goal: each job is run once with what was written into
 * it before, or its poster is told; no wake-up is lost; and no more are written than there were sleeps. Method: the real post.c
 * under a loop that sleeps until it is woken; a lost wake-up is a loop that sleeps for ever.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/io/backend.h"
#include "tests/model/explore.h"

#define JOBS 3u

struct model_job {
	struct weft__job job; /* first */
	uint32_t payload;     /* plain */
	uint32_t runs, when;
	int posted; /* what post said */
};

static struct weft__loop loop;
static struct model_job jobs[JOBS];
static uint32_t expected, ran;

/* The eventfd: it orders nothing, so what the loop must see it must see by posted and asleep. */
#define UNSEEN __attribute__((no_sanitize("thread"), noinline))
static bool woken;
static uint32_t sleeps, wakes;

bool weft__loop_is_mine(const struct weft__loop *l)
{
	(void)l;
	return true;
}

UNSEEN void weft__loop_wake(struct weft__loop *l)
{
	explore_step(l, NULL, NULL, "wakes");
	woken = true;
	wakes++;
}

UNSEEN static bool is_woken(const void *arg)
{
	(void)arg;
	return woken;
}

UNSEEN static void falls_asleep(void)
{
	sleeps++;
}

UNSEEN static void sleep_until_woken(void)
{
	explore_step(&loop, is_woken, &loop, "sleeps");
	woken = false;
}

static void run_job(struct weft__job *job)
{
	struct model_job *j = (struct model_job *)job;

	explore_assert(j->payload == 7);
	j->runs++;
	j->when = ++ran;
}

static void begin(void)
{
	static const char *const names[JOBS] = { "a", "b", "c" };

	memset(&loop, 0, sizeof(loop));
	loop.later_end = &loop.later_first;
	explore_name(&loop.posted, sizeof(loop.posted), "posted");
	explore_name(&loop.asleep, sizeof(loop.asleep), "asleep");
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i] = (struct model_job){ .job.run = run_job, .posted = 1 };
		explore_name(&jobs[i], sizeof(jobs[i]), names[i]);
	}
	ran = sleeps = wakes = 0;
	woken = false;
}

static void post(uint32_t i)
{
	jobs[i].payload = 7;
	jobs[i].posted = weft__loop_post(&loop, &jobs[i].job);
}

static void post_a(void)
{
	post(0);
}

static void post_b(void)
{
	post(1);
}

static void post_a_then_c(void)
{
	post(0);
	post(2);
}

/* As weft__loop_wait, until all were run. */
static void sleep_and_run(void)
{
	while (ran < expected) {
		weft__posts_run(&loop);
		if (ran == expected)
			break;
		falls_asleep();
		if (!weft__posts_fall_asleep(&loop))
			continue;
		sleep_until_woken();
		weft__posts_wake_up(&loop);
	}
}

static void run_once_then_close(void)
{
	weft__posts_run(&loop);
	weft__posts_close(&loop);
}

static void each_ran_once(void)
{
	for (uint32_t i = 0; i < expected; i++)
		explore_assert(jobs[i].posted == 0 && jobs[i].runs == 1);
	explore_assert(wakes <= sleeps); /* one that was called off may be woken, too */
}

static void ran_or_refused(void)
{
	for (uint32_t i = 0; i < JOBS; i++)
		explore_assert(jobs[i].posted == 1 ? jobs[i].runs == 0 : jobs[i].runs == (jobs[i].posted == 0));
}

Test(model_post, one_poster)
{
	static const struct explore_model m = {
		.name = "post, 1 poster", .init = begin, .thread = { sleep_and_run, post_a }, .check = each_ran_once
	};

	expected = 1;
	cr_assert(explore(&m));
}

Test(model_post, two_posters)
{
	static const struct explore_model m = {
		.name = "post, 2 posters", .init = begin, .thread = { sleep_and_run, post_a, post_b }, .check = each_ran_once
	};

	expected = 2;
	cr_assert(explore(&m));
}

static void a_then_c(void)
{
	explore_assert(jobs[0].runs == 1 && jobs[2].runs == 1);
	explore_assert(jobs[0].when < jobs[2].when);
	explore_assert(wakes <= sleeps);
}

Test(model_post, two_of_one_poster_in_order)
{
	static const struct explore_model m = {
		.name = "post, 2 of one poster", .init = begin, .thread = { sleep_and_run, post_a_then_c }, .check = a_then_c
	};

	expected = 2;
	cr_assert(explore(&m));
}

Test(model_post, posters_and_a_close)
{
	static const struct explore_model m = {
		.name = "post, 2 posters, close", .init = begin, .thread = { run_once_then_close, post_a_then_c, post_b },
		.check = ran_or_refused
	};

	cr_assert(explore(&m));
}
