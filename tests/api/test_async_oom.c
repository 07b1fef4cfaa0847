/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group, a gather, a map, a graph and a semaphore, the n-th allocation of it all failing, for every n. Law: what was refused has
 * said -ENOMEM and never runs; what was accepted ends once, and its answer comes; nothing is lost to the leak sanitizer.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/actors.h"
#include "tests/support/failing_alloc.h"

static _Atomic(long) countdown = -1; /* allocations until one fails; negative: none will */
static _Atomic(uint32_t) ran;
static _Thread_local bool dry; /* everything fails */

static bool test_alloc_fails(void)
{
	return dry || (countdown >= 0 && countdown-- == 0);
}

static int job(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	ran++;
	return 0;
}

/* Messages come from slabs, which hide failures: use up what there is. */
#define HELD_MAX 8192u

static weft_msg *held[HELD_MAX];
static uint32_t held_count;

static void hold_all(void)
{
	dry = true;
	for (size_t bytes = 0; bytes <= 64; bytes += 64) {
		while (held_count < HELD_MAX && (held[held_count] = weft_msg_create(1, bytes)))
			held_count++;
	}
	dry = false;
}

static void release_all(void)
{
	while (held_count)
		weft_msg_destroy(held[--held_count]);
}

struct sums {
	uint32_t accepted, jobs, refused;
};

static void took(struct sums *s, weft_future *future)
{
	weft_msg *answer = NULL;

	countdown = -1;
	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_assert_not_null(weft_group_result_of(answer));
	s->jobs += weft_group_result_of(answer)->jobs;
	weft_msg_destroy(answer);
}

static bool said(struct sums *s, int r)
{
	cr_assert(r == 0 || r == -ENOMEM, "%s", weft_errname(r));
	s->refused += r < 0;
	return r == 0;
}

static void a_group(weft_runtime *rt, weft_future *future, struct sums *s)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_group *g = NULL;

	opt.timeout_ns = UINT64_MAX;
	if (!said(s, weft_group_create(rt, &opt, &g)))
		return;
	for (int i = 0; i < 20; i++) {
		int r = weft_group_spawn(g, job, NULL);

		s->accepted += r == 0;
		s->refused += r == -ENOMEM;
		cr_assert(r == 0 || r == -ENOMEM || r == -ECANCELED); /* the last: no memory for the group's timer */
	}
	if (!said(s, weft_group_join(g, weft_reply_to_future(future)))) {
		countdown = -1;
		cr_assert_eq(weft_group_join(g, weft_reply_to_future(future)), 0, "the group goes on as before");
	}
	took(s, future);
	weft_group_destroy(g);
}

static void a_gather(weft_runtime *rt, weft_future *future, struct sums *s)
{
	weft_call calls[10];

	for (int i = 0; i < 10; i++)
		calls[i] = (weft_call){ .fn = job };
	if (!said(s, weft_gather(rt, calls, 10, NULL, weft_reply_to_future(future), NULL)))
		return;
	s->accepted += 10;
	took(s, future);
}

static void a_map(weft_runtime *rt, weft_future *future, struct sums *s)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	weft_map_work work = { .fn = job, .count = 1000 };

	opt.limit = 2;
	if (!said(s, weft_map(rt, &work, &opt, weft_reply_to_future(future), NULL)))
		return;
	s->accepted += 1000;
	took(s, future);
}

static void a_graph(weft_runtime *rt, weft_future *future, struct sums *s)
{
	const weft_graph_input inputs[] = { { .node = "a" }, { .node = "b" } };
	weft_graph *g = NULL;
	weft_error err = { 0 };
	bool there;

	if (!said(s, weft_graph_create(&g)))
		return;
	there = said(s, weft_graph_add(g, &(weft_graph_node){ .name = "a", .fn = job }));
	there &= said(s, weft_graph_add(g, &(weft_graph_node){ .name = "b", .fn = job, .inputs = inputs, .input_count = 1 }));
	there &= said(s, weft_graph_add(g, &(weft_graph_node){ .name = "c", .fn = job, .inputs = inputs, .input_count = 2 }));
	if (there && said(s, weft_graph_check(g, &err)) && said(s, weft_graph_run(rt, g, NULL, weft_reply_to_future(future), NULL))) {
		s->accepted += 3;
		took(s, future);
	}
	weft_graph_destroy(g);
}

static void a_semaphore(weft_runtime *rt, weft_future *future, struct sums *s)
{
	weft_semaphore *sem = NULL;
	weft_msg *answer = NULL;
	int r;

	(void)rt;
	if (!said(s, weft_semaphore_create(1, &sem)))
		return;
	cr_assert_eq(weft_semaphore_try_acquire(sem), 0);
	r = weft_semaphore_acquire(sem, weft_reply_to_future(future), NULL);
	cr_assert(r == WEFT_PENDING || r == -ENOMEM);
	countdown = 0; /* needs none */
	weft_semaphore_release(sem);
	countdown = -1;
	if (r == WEFT_PENDING) {
		cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
		cr_assert_eq(weft_semaphore_take(answer), 0);
		weft_semaphore_release(sem);
		weft_msg_destroy(answer);
	}
	s->refused += r == -ENOMEM;
	cr_assert_eq(weft_semaphore_free(sem), 1);
	weft_semaphore_destroy(sem);
}

static void fail_each(void (*fn)(weft_runtime *rt, weft_future *future, struct sums *s), uint32_t allocations)
{
	const weft_allocator allocator = test_failing_allocator();
	weft_future *future = NULL;
	struct sums s = { 0 };
	weft_runtime *rt;

	cr_assert_eq(weft_allocator_set(&allocator), 0);
	rt = test_runtime(1);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (uint32_t n = 0; n < allocations; n++) {
		hold_all();
		countdown = n;
		fn(rt, future, &s);
		countdown = -1;
		release_all();
	}
	cr_expect_gt(s.refused, 0, "nothing failed: the test is blind");
	cr_assert_eq(s.jobs, s.accepted);
	cr_assert_leq(ran, s.accepted);
	weft_future_destroy(future);
	test_runtime_end(rt);
}

Test(async_oom, group__loses_nothing, .timeout = 120)
{
	fail_each(a_group, 40);
}

Test(async_oom, gather__loses_nothing, .timeout = 120)
{
	fail_each(a_gather, 20);
}

Test(async_oom, map__loses_nothing, .timeout = 120)
{
	fail_each(a_map, 20);
}

Test(async_oom, graph__loses_nothing, .timeout = 120)
{
	fail_each(a_graph, 40);
}

Test(async_oom, semaphore__loses_nothing, .timeout = 120)
{
	fail_each(a_semaphore, 8);
}
