/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/seeds/tasks.c - jobs by themselves: spawned, pending and finished, at once, gathered, mapped with a limit; a semaphore; a
 * switch between two actors.
 *
 * gather, map and task group are joined by a foreign thread that is a guest, as a service would. Their jobs do what tasks are for:
 * each asks an actor something and ends with its answer, so that the limit of the map limits something.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/actors/actors.h"
#include "bench/seeds/seeds.h"

#define JOIN_NS UINT64_C(60000000000)

struct joint {
	weft_runtime *rt;
	weft_future *future;
	weft_group *group; /* of the batch under way, if it is one that has to be destroyed */
};

static int joint_up(struct joint *j, const struct bench_options *opt)
{
	int r = bench_runtime_up(opt, &j->rt);

	return r == 0 ? weft_future_create(j->rt, &j->future) : r;
}

static void joint_down(struct joint *j)
{
	weft_future_destroy(j->future);
	weft_runtime_destroy(j->rt);
}

/* Wait for a group's answer, helping; all of its jobs have to have succeeded. */
static int join(struct joint *j, uint32_t jobs, struct bench_outcome *out)
{
	const weft_group_result *result;
	weft_msg *answer = NULL;
	int r = weft_future_wait_until(j->future, &answer, weft_now_ns() + JOIN_NS);

	if (r < 0)
		return r;
	result = weft_group_result_of(answer);
	if (!result || result->succeeded != jobs)
		r = bench_fail(out, "%u of %u jobs succeeded", result ? result->succeeded : 0, jobs);
	weft_msg_destroy(answer);
	return r;
}

static int nothing(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static void per_op(uint64_t t0, uint64_t n, double *ret_ms, uint64_t *ret_ops)
{
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
}

/* ---- one by one -------------------------------------------------------------------------------- */

/* A job that spawns so many; they run on the same worker. */
static int spawner(weft_job *job, void *arg)
{
	int r = 0;

	for (uint64_t n = *(uint64_t *)arg; n && r == 0; n--)
		r = weft_group_spawn(weft_job_group(job), nothing, NULL);
	return r;
}

int seeds_task_spawn(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 10000 : 200000, t0;
	struct bench_options one = *opt;
	struct joint j = { .rt = NULL };
	weft_group *g = NULL;
	int r;

	one.workers = 1;
	r = joint_up(&j, &one);
	if (r == 0)
		r = weft_group_create(j.rt, NULL, &g);
	t0 = weft_now_ns();
	if (r == 0)
		r = weft_group_spawn(g, spawner, &n);
	if (r == 0)
		r = weft_group_join(g, weft_reply_to_future(j.future));
	if (r == 0)
		r = join(&j, (uint32_t)n + 1, out);
	per_op(t0, n, ret_ms, ret_ops);
	weft_group_destroy(g);
	joint_down(&j);
	return r;
}

/* The answer is there before it is waited for. */
static int await_done(weft_job *job, void *arg)
{
	(void)arg;
	weft_job_finish(job, 0);
	return WEFT_PENDING;
}

int seeds_task_await(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	weft_map_work work = { .fn = await_done, .count = opt->quick ? 20000 : 200000 };
	weft_group_options limit = WEFT_GROUP_OPTIONS_INIT;
	struct bench_options one = *opt;
	struct joint j = { .rt = NULL };
	uint64_t t0;
	int r;

	one.workers = 1;
	limit.limit = 64;
	r = joint_up(&j, &one);
	t0 = weft_now_ns();
	if (r == 0)
		r = weft_map(j.rt, &work, &limit, weft_reply_to_future(j.future), NULL);
	if (r == 0)
		r = join(&j, work.count, out);
	per_op(t0, work.count, ret_ms, ret_ops);
	joint_down(&j);
	return r;
}

/* A message to the other one and one back are two switches. */
int seeds_task_switch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	int r = micro_ping_pong_same(opt, ret_ms, ret_ops, out);

	*ret_ms /= 2;
	*ret_ops *= 2;
	return r;
}

int seeds_semaphore(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 100000 : 1000000, t0;
	weft_semaphore *s = NULL;
	int r = weft_semaphore_create(4, &s);

	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		r = weft_semaphore_acquire(s, weft_reply_to_none(), NULL);
		weft_semaphore_release(s);
	}
	per_op(t0, n, ret_ms, ret_ops);
	if (r == 0 && weft_semaphore_free(s) != 4)
		r = bench_fail(out, "%u permits instead of 4", weft_semaphore_free(s));
	weft_semaphore_destroy(s);
	return r;
}

/* ---- at once -------------------------------------------------------------------------------------- */

struct crowd {
	weft_job **jobs; /* by index, once pending */
	uint32_t count;
	_Atomic(uint32_t) pending;
};

static int wait_with_others(weft_job *job, void *arg)
{
	struct crowd *c = arg;

	c->jobs[weft_job_index(job)] = job;
	c->pending++;
	return WEFT_PENDING;
}

/* So many are under way before the first of them ends. An operation is one of them, from its beginning to its end. */
int seeds_tasks_at_once(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct crowd c = { .count = opt->quick ? 100000 : 1000000 };
	weft_map_work work = { .fn = wait_with_others, .items = &c, .count = c.count };
	struct joint j = { .rt = NULL };
	uint64_t t0, until;
	int r = joint_up(&j, opt);

	c.jobs = calloc(c.count, sizeof(weft_job *));
	r = c.jobs ? r : -ENOMEM;
	t0 = weft_now_ns();
	until = t0 + JOIN_NS;
	if (r == 0)
		r = weft_map(j.rt, &work, NULL, weft_reply_to_future(j.future), NULL);
	while (r == 0 && c.pending < c.count)
		r = weft_now_ns() < until ? 0 : bench_fail(out, "%u of %u are under way", c.pending, c.count);
	for (uint32_t i = 0; r == 0 && i < c.count; i++)
		weft_job_finish(c.jobs[i], 0);
	if (r == 0)
		r = join(&j, c.count, out);
	per_op(t0, c.count, ret_ms, ret_ops);
	joint_down(&j);
	free(c.jobs);
	return r;
}

/* ---- many, joined ------------------------------------------------------------------------------------ */

static int echo(weft_actor *self, weft_msg *msg)
{
	(void)self;
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : 0;
}

static const weft_actor_class echo_class = { .size = sizeof(echo_class), .name = "echo", .behaviour = echo };

static void answered(weft_msg *answer, void *user)
{
	int status = weft_msg_kind(answer) == ACTORS_PLAY ? 0 : weft_msg_status(answer);

	weft_msg_destroy(answer);
	weft_job_finish(user, status);
}

static weft_ref whom; /* the actor that jobs ask; one a process */

static int ask(weft_job *job, void *arg)
{
	weft_msg *m = weft_msg_create(ACTORS_PLAY, 0);
	int r = m ? weft_request(whom, m, weft_reply_to_call(answered, job)) : -ENOMEM;

	(void)arg;
	if (r < 0)
		weft_msg_destroy(m);
	return r < 0 ? r : WEFT_PENDING;
}

/* times batches of so many jobs, each started by start. */
static int batches(const struct bench_options *opt, uint32_t jobs, uint32_t limit, uint32_t times,
                   int (*start)(struct joint *j, uint32_t jobs, uint32_t limit), double *ret_ms, uint64_t *ret_ops,
                   struct bench_outcome *out)
{
	struct joint j = { .rt = NULL };
	int r = joint_up(&j, opt);
	uint64_t t0;

	if (r == 0)
		r = weft_actor_spawn(j.rt, &echo_class, NULL, &whom);
	if (r == 0)
		r = weft_guest_enter(j.rt);
	t0 = weft_now_ns();
	for (uint32_t i = 0; r == 0 && i < times; i++) {
		r = start(&j, jobs, limit);
		if (r == 0)
			r = join(&j, jobs, out);
		weft_group_destroy(j.group);
		j.group = NULL;
	}
	per_op(t0, times, ret_ms, ret_ops);
	weft_guest_leave(j.rt);
	joint_down(&j);
	return r;
}

static int gather(struct joint *j, uint32_t jobs, uint32_t limit)
{
	static weft_call calls[100];

	(void)limit;
	for (uint32_t i = 0; i < jobs; i++)
		calls[i] = (weft_call){ .fn = ask };
	return weft_gather(j->rt, calls, jobs, NULL, weft_reply_to_future(j->future), NULL);
}

static int map(struct joint *j, uint32_t jobs, uint32_t limit)
{
	weft_map_work work = { .fn = ask, .count = jobs };
	weft_group_options o = WEFT_GROUP_OPTIONS_INIT;

	o.limit = limit;
	return weft_map(j->rt, &work, &o, weft_reply_to_future(j->future), NULL);
}

static int group(struct joint *j, uint32_t jobs, uint32_t limit)
{
	weft_group *g = NULL;
	int r = weft_group_create(j->rt, NULL, &g);

	(void)limit;
	for (uint32_t i = 0; r == 0 && i < jobs; i++)
		r = weft_group_spawn(g, ask, NULL);
	if (r == 0)
		r = weft_group_join(g, weft_reply_to_future(j->future));
	j->group = g;
	return r;
}

int seeds_gather_100(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return batches(opt, 100, 0, opt->quick ? 20 : 500, gather, ret_ms, ret_ops, out);
}

int seeds_map_2000(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return batches(opt, 2000, 100, opt->quick ? 2 : 30, map, ret_ms, ret_ops, out);
}

int seeds_group_1000(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return batches(opt, 1000, 0, opt->quick ? 2 : 50, group, ret_ms, ret_ops, out);
}

/* ---- messages checked in parallel ----------------------------------------------------------------------- */

static int check_one(weft_job *job, void *arg)
{
	(void)job;
	return weft_codec_check(arg, NULL);
}

static int check_all(struct joint *j, uint32_t jobs, uint32_t limit)
{
	static weft_codec_message messages[100];
	weft_map_work work = { .fn = check_one, .items = messages, .item_bytes = sizeof(messages[0]), .count = jobs };

	(void)limit;
	for (uint32_t i = 0; i < jobs; i++) {
		messages[i] = (weft_codec_message){ .role = WEFT_ROLE_USER,
			                            .id = weft_uuid_v7(),
			                            .created_ms = 1750000000000 + i,
			                            .text = WEFT_STR("What will the weather be like in Lisbon tomorrow?"),
			                            .source = WEFT_STR("bench"),
			                            .metadata_json = WEFT_STR("{\"channel\":\"general\",\"priority\":1}") };
	}
	return weft_map(j->rt, &work, NULL, weft_reply_to_future(j->future), NULL);
}

int seeds_validate_100(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return batches(opt, 100, 0, opt->quick ? 20 : 200, check_all, ret_ms, ret_ops, out);
}
