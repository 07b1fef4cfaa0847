/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of all kinds on real threads, from a printed seed. Goal: each job that was accepted ends exactly once, each group that was
 * joined answers exactly once, and permits are conserved, whatever fails, is canceled, runs out of time or halts meanwhile.
 * Method: groups with random options filled from foreign threads, whose jobs return, fail, wait for a finisher thread, spawn, or take
 * a permit; the sums of all results are held against what the jobs counted themselves.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define THREADS 3u
#define LINE 4096u

/* What all jobs of a run count. */
static _Atomic(uint64_t) accepted, ran, ended_ok, ended_bad, told, permits_taken, permits_back;
static weft_semaphore *permits;

/* ---- jobs that are pending, and who finishes them ----------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	weft_job *jobs[LINE];
	int status[LINE];
	uint32_t count;
	bool stop;
} later = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void finished(int status)
{
	if (status < 0)
		ended_bad++;
	else
		ended_ok++;
}

/* False: there is no room; the job may as well return. */
static bool finish_later(weft_job *job, int status)
{
	bool there;

	pthread_mutex_lock(&later.lock);
	there = later.count < LINE;
	if (there) {
		later.jobs[later.count] = job;
		later.status[later.count++] = status;
	}
	pthread_mutex_unlock(&later.lock);
	return there;
}

static void *finisher(void *arg)
{
	uint64_t rnd = *(uint64_t *)arg;

	for (;;) {
		weft_job *job = NULL;
		bool stop;
		int status = 0;

		pthread_mutex_lock(&later.lock);
		stop = later.stop;
		if (later.count) {
			uint32_t i = test_below(&rnd, later.count);

			job = later.jobs[i];
			status = later.status[i];
			later.jobs[i] = later.jobs[--later.count];
			later.status[i] = later.status[later.count];
		}
		pthread_mutex_unlock(&later.lock);
		if (job) {
			finished(status);
			weft_job_finish(job, status);
		} else if (stop) {
			return NULL;
		} else {
			sched_yield();
		}
	}
}

static void count_told(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	told++;
}

/* ---- jobs ------------------------------------------------------------------------------------------ */

static int job_any(weft_job *job, void *arg);

static int at_once(int status)
{
	finished(status);
	return status;
}

static void with_permit(weft_msg *msg, void *user)
{
	int status = weft_semaphore_take(msg);

	weft_msg_destroy(msg);
	if (status == 0) {
		permits_taken++;
		permits_back++;
		weft_semaphore_release(permits);
	}
	finished(status);
	weft_job_finish(user, status);
}

static int take_permit(weft_job *job)
{
	int r = weft_semaphore_acquire(permits, weft_reply_to_call(with_permit, job), NULL);

	if (r == WEFT_PENDING)
		return r;
	if (r == 0) {
		permits_taken++;
		sched_yield();
		permits_back++;
		weft_semaphore_release(permits);
	}
	return at_once(r);
}

/* arg: random bits that say what to do, the lowest ones a depth. */
static int job_any(weft_job *job, void *arg)
{
	uint64_t rnd = (uintptr_t)arg;
	uint32_t depth = (uint32_t)rnd & 3;
	int status;

	ran++;
	test_random(&rnd);
	status = test_below(&rnd, 20) ? 0 : -EIO;
	for (uint32_t i = test_below(&rnd, 3); depth && i; i--) {
		if (weft_group_spawn(weft_job_group(job), job_any, (void *)(uintptr_t)((test_random(&rnd) & ~UINT64_C(3)) | (depth - 1))) == 0)
			accepted++;
	}
	switch (test_below(&rnd, 8)) {
	case 0:
	case 1:
		if (rnd & 1)
			weft_job_on_cancel(job, count_told);
		return finish_later(job, status) ? WEFT_PENDING : at_once(status);
	case 2:
		return take_permit(job);
	case 3:
		if (!test_below(&rnd, 50))
			weft_group_cancel(weft_job_group(job), -EINTR);
		return at_once(status);
	default:
		return at_once(status);
	}
}

/* ---- groups ------------------------------------------------------------------------------------------ */

static _Atomic(uint64_t) jobs, succeeded, failed, canceled, answers;

static void add_result(weft_msg *answer)
{
	const weft_group_result *r = weft_group_result_of(answer);

	cr_assert_not_null(r);
	cr_assert_eq(r->jobs, r->succeeded + r->failed + r->canceled);
	jobs += r->jobs;
	succeeded += r->succeeded;
	failed += r->failed;
	canceled += r->canceled;
	answers++;
	weft_group_destroy((weft_group *)(uintptr_t)weft_msg_token(answer)); /* 0: it was before */
	weft_msg_destroy(answer);
}

struct filler {
	pthread_t thread;
	weft_runtime *rt;
	uint64_t rnd;
	uint32_t groups, made; /* made: that owe an answer */
	bool may_stop; /* the runtime halts meanwhile: refusals are expected, and then there are no more groups */
	bool stopped;
};

static weft_group_options some_options(uint64_t *rnd)
{
	weft_group_options o = WEFT_GROUP_OPTIONS_INIT;

	o.policy = test_below(rnd, 3);
	o.limit = test_below(rnd, 2) ? 0 : 1 + test_below(rnd, 5);
	o.timeout_ns = test_below(rnd, 8) ? 0 : test_below(rnd, 300000);
	return o;
}

static void fill_group(struct filler *f, weft_port *port)
{
	weft_group_options o = some_options(&f->rnd);
	weft_group *g = NULL;
	int r = weft_group_create(f->rt, &o, &g);

	if (r < 0) {
		cr_assert(f->may_stop && r == -ESHUTDOWN, "%s", weft_errname(r));
		f->stopped = true;
		return;
	}
	for (uint32_t i = test_below(&f->rnd, 40); i; i--) {
		r = weft_group_spawn(g, job_any, (void *)(uintptr_t)test_random(&f->rnd));
		accepted += r == 0;
		f->stopped |= r == -ESHUTDOWN;
	}
	if (!test_below(&f->rnd, 6))
		weft_group_cancel(g, -EPIPE);
	if (test_below(&f->rnd, 4)) { /* destroyed when the answer is there */
		cr_assert_eq(weft_group_join(g, weft_reply_to_port(port, (uintptr_t)g)), 0);
	} else {
		cr_assert_eq(weft_group_join(g, weft_reply_to_port(port, 0)), 0);
		weft_group_destroy(g); /* cancels what is left */
	}
	f->made++;
}

#define ITEMS 64u

static void fill_map(struct filler *f, weft_port *port)
{
	weft_group_options o = some_options(&f->rnd);
	uintptr_t arg = test_random(&f->rnd) & ~UINT64_C(3);
	weft_map_work work = { .fn = job_any, .items = (void *)arg, .count = 1 + test_below(&f->rnd, ITEMS) };
	int r = weft_map(f->rt, &work, &o, weft_reply_to_port(port, 0), NULL);

	if (r < 0) {
		cr_assert(f->may_stop && r == -ESHUTDOWN, "%s", weft_errname(r));
		f->stopped = true;
		return;
	}
	accepted += work.count;
	f->made++;
}

static void *filler(void *arg)
{
	struct filler *f = arg;
	weft_port *port = NULL;
	weft_msg *got[16];
	uint32_t back = 0;

	cr_assert_eq(weft_port_create(f->rt, NULL, &port), 0);
	for (uint32_t i = 0; i < f->groups && !f->stopped; i++) {
		if (test_below(&f->rnd, 3))
			fill_group(f, port);
		else
			fill_map(f, port);
	}
	while (back < f->made) {
		int n = weft_port_wait_until(port, got, 16, WEFT_FOREVER);

		cr_assert_gt(n, 0);
		for (int i = 0; i < n; i++)
			add_result(got[i]);
		back += (uint32_t)n;
	}
	weft_port_destroy(port);
	return NULL;
}

static void run(uint64_t seed, uint32_t groups, uint64_t stop_after_ns)
{
	weft_runtime *rt = test_runtime(2);
	struct filler f[THREADS];
	pthread_t last;
	uint64_t made = 0, finishers = test_random(&seed);

	cr_assert_eq(weft_semaphore_create(2, &permits), 0);
	cr_assert_eq(pthread_create(&last, NULL, finisher, &finishers), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		f[i] = (struct filler){ .rt = rt, .rnd = test_random(&seed), .groups = groups, .may_stop = stop_after_ns != 0 };
		cr_assert_eq(pthread_create(&f[i].thread, NULL, filler, &f[i]), 0);
	}
	if (stop_after_ns) {
		uint64_t until = weft_now_ns() + stop_after_ns;

		while (weft_now_ns() < until)
			sched_yield();
		weft_runtime_stop(rt, 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(f[i].thread, NULL);
		made += f[i].made;
	}
	pthread_mutex_lock(&later.lock);
	later.stop = true;
	pthread_mutex_unlock(&later.lock);
	pthread_join(last, NULL);
	cr_assert_eq(answers, made);
	cr_assert_eq(jobs, accepted, "%lu jobs ended, %lu were accepted", (unsigned long)jobs, (unsigned long)accepted);
	cr_assert_eq(succeeded + failed, ran);
	cr_assert_eq(succeeded, ended_ok);
	cr_assert_eq(failed, ended_bad);
	cr_assert_eq(permits_taken, permits_back);
	cr_assert_eq(weft_semaphore_free(permits), 2);
	cr_assert_eq(weft_semaphore_waiting(permits), 0);
	weft_semaphore_destroy(permits);
	if (stop_after_ns)
		weft_runtime_destroy(rt);
	else
		test_runtime_end(rt);
	fprintf(stderr, "%lu groups, %lu jobs: %lu succeeded, %lu failed, %lu canceled; %lu told\n", (unsigned long)answers,
	        (unsigned long)jobs, (unsigned long)succeeded, (unsigned long)failed, (unsigned long)canceled, (unsigned long)told);
}

Test(stress_jobs, groups__of_all_kinds_conserve_jobs_and_permits, .timeout = 120)
{
	run(test_seed("jobs"), 400, 0);
}

Test(stress_jobs, groups__in_a_runtime_that_halts_conserve_them_too, .timeout = 120)
{
	uint64_t seed = test_seed("jobs, halted");

	run(seed, 100000, 1000000 + test_below(&seed, 20000000));
}
