/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/tasks.c - a batch of short tasks, joined; an operation is a batch. Each task is an actor that computes for
 * about 100 ns, answers and ends. tasks: joined by another actor. tasks-foreign: by a thread of the host, as a
 * guest that helps while it waits.
 */
#include <errno.h>
#include <string.h>

#include "bench/actors/actors.h"

/* 60 rounds: 110 ns at 2.6 GHz, the same in every language. */
static uint64_t compute(void)
{
	uint64_t x = 88172645463325252u;

	__asm__ volatile("" : "+r"(x)); /* not at compile time */
	for (int i = 0; i < 60; i++)
		actors_random(&x);
	return x;
}

static int task_behaviour(weft_actor *self, weft_msg *msg)
{
	uint64_t x = compute();

	weft_actor_exit(self, 0);
	memcpy(weft_msg_data(msg), &x, sizeof(x));
	return weft_msg_wants_reply(msg) ? weft_reply(msg, msg) : weft_send(weft_msg_sender(msg), msg);
}

static const weft_actor_class task_class = { .size = sizeof(task_class), .name = "task", .behaviour = task_behaviour };

/* ---- joined inside ----------------------------------------------------------------------------- */

struct joiner {
	struct actors_clock clock;
	uint32_t tasks, left;
	uint64_t batches, result, wrong;
};

static int start_batch(struct joiner *j, weft_actor *self)
{
	int r = 0;

	j->left = j->tasks;
	for (uint32_t i = 0; r == 0 && i < j->tasks; i++) {
		weft_ref ref;

		r = weft_actor_spawn(weft_actor_runtime(self), &task_class, NULL, &ref);
		if (r == 0)
			r = actors_send(ref, actors_msg(ACTORS_PLAY, NULL, sizeof(uint64_t)));
	}
	return r;
}

static int joiner_behaviour(weft_actor *self, weft_msg *msg)
{
	struct joiner *j = weft_actor_state(self);
	uint64_t x;

	if (weft_msg_kind(msg) == ACTORS_GO) {
		actors_clock_start(&j->clock, self, msg);
		return start_batch(j, self);
	}
	memcpy(&x, weft_msg_data(msg), sizeof(x));
	j->wrong += x != j->result;
	if (--j->left)
		return 0;
	if (--j->batches)
		return start_batch(j, self);
	return j->wrong ? -EINVAL : actors_clock_stop(&j->clock);
}

static const weft_actor_class joiner_class = {
	.size = sizeof(joiner_class), .name = "joiner", .behaviour = joiner_behaviour, .state_bytes = sizeof(struct joiner)
};

static int tasks(uint32_t n, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	struct joiner j = { .tasks = n, .batches = opt->quick ? 200 : 4000, .result = compute() };

	return actors_run_one(opt, &joiner_class, &j, j.batches, ret_ms, ret_ops, out);
}

/* ---- joined by a foreign thread ------------------------------------------------------------------- */

static int ask_all(weft_runtime *rt, weft_port *port, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		weft_msg *m = weft_msg_create(ACTORS_PLAY, sizeof(uint64_t));
		weft_ref ref;

		r = m ? weft_actor_spawn(rt, &task_class, NULL, &ref) : -ENOMEM;
		if (r == 0)
			r = weft_request(ref, m, weft_reply_to_port(port, i));
		if (r < 0)
			weft_msg_destroy(m);
	}
	return r;
}

static int join_all(weft_port *port, uint32_t n)
{
	weft_msg *answers[50];
	uint64_t until = weft_now_ns() + MICRO_WAIT_NS;

	while (n) {
		int got = weft_port_wait_until(port, answers, n, until);

		if (got <= 0)
			return got < 0 ? got : -ETIMEDOUT;
		for (int i = 0; i < got; i++)
			weft_msg_destroy(answers[i]);
		n -= (uint32_t)got;
	}
	return 0;
}

static int foreign(uint32_t n, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t batches = opt->quick ? 100 : 2000, t0;
	weft_runtime *rt = NULL;
	weft_port *port = NULL;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_port_create(rt, NULL, &port);
	if (r == 0)
		r = weft_guest_enter(rt);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < batches; i++) {
		r = ask_all(rt, port, n);
		if (r == 0)
			r = join_all(port, n);
	}
	t0 = weft_now_ns() - t0;
	if (r < 0)
		bench_fail(out, "a batch was not joined: %s", weft_strerror(r));
	weft_guest_leave(rt);
	weft_port_destroy(port);
	return actors_end(rt, r, t0, batches, ret_ms, ret_ops);
}

#define TASKS(n)                                                                                                       \
	int actors_tasks_##n(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out) \
	{                                                                                                              \
		return tasks(n, opt, ret_ms, ret_ops, out);                                                            \
	}                                                                                                              \
	int actors_foreign_##n(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops,                     \
	                       struct bench_outcome *out)                                                              \
	{                                                                                                              \
		return foreign(n, opt, ret_ms, ret_ops, out);                                                          \
	}

TASKS(1)
TASKS(5)
TASKS(10)
TASKS(20)
TASKS(50)
