/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: runtime/loops.h gives the loop it says: this worker's, one of a runtime's, the process's own. Method: jobs that
 * ask where they run; runtimes that stop with something living on their loops; forks.
 */
#include "runtime/loops.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/weft.h>

#include "runtime/base/atomic.h"
#include "runtime/base/thread.h"
#include "runtime/io/loop.h"
#include "tests/support/sanitized.h"

struct ask {
	struct weft__job job;
	struct weft__loop *here;
	_Atomic(uint32_t) done;
};

static void ask_run(struct weft__job *job)
{
	struct ask *a = (struct ask *)job;

	a->here = weft__loop_here();
	weft__store_release(&a->done, 1u);
	weft__word_wake(&a->done);
}

/* Where a job of that loop runs. */
static struct weft__loop *where(struct weft__loop *loop)
{
	struct ask a = { .job = { .run = ask_run } };

	cr_assert_eq(weft__loop_post(loop, &a.job), 0);
	while (!weft__load_acquire(&a.done))
		weft__word_wait(&a.done, 0, UINT64_MAX);
	return a.here;
}

static weft_runtime *runtime_make(uint32_t workers)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;

	opt.workers = workers;
	opt.log_level = WEFT_LOG_ERROR;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	return rt;
}

static void runtime_end(weft_runtime *rt)
{
	cr_assert_eq(weft_runtime_stop(rt, UINT64_C(60000000000)), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
}

Test(loops, of__each_worker_has_one)
{
	weft_runtime *rt = runtime_make(2);
	struct weft__loop *first = weft__loop_of(rt, 0), *second = weft__loop_of(rt, 1);

	cr_assert_not_null(first);
	cr_assert_neq(first, second);
	cr_expect_eq(weft__loop_of(rt, 2), first);
	cr_expect_null(weft__loop_here());
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(where(first), first);
		cr_assert_eq(where(second), second);
	}
	cr_expect_neq(weft__loop_any(rt), weft__loop_any(rt), "by turns");
	runtime_end(rt);
	weft_runtime_destroy(rt);
}

struct lodger {
	struct weft__job job;
	struct weft__resident resident;
	struct weft__loop *loop;
	struct weft__io io;
	struct weft__alarm alarm;
	char byte;
	_Atomic(uint32_t) rang, was_read;
	int closed, result;
	struct weft__loop *closed_at;
};

#define LODGER(ptr, member) ((struct lodger *)((char *)(ptr) - offsetof(struct lodger, member)))

static void lodger_closed(struct weft__resident *r)
{
	LODGER(r, resident)->closed++;
	LODGER(r, resident)->closed_at = weft__loop_here();
	weft__loop_cancel(LODGER(r, resident)->loop, &LODGER(r, resident)->io);
}

static void lodger_read(struct weft__io *io)
{
	LODGER(io, io)->result = io->result;
	weft__store_release(&LODGER(io, io)->was_read, 1u);
}

static void lodger_rang(struct weft__alarm *alarm)
{
	struct lodger *l = LODGER(alarm, alarm);

	weft__store_release(&l->rang, weft__load_relaxed(&l->rang) + 1);
	weft__word_wake(&l->rang);
}

static void move_in(struct weft__job *job)
{
	struct lodger *l = LODGER(job, job);

	weft__loop_attach(l->loop, &l->resident);
	weft__loop_submit(l->loop, &l->io);
	weft__loop_alarm(l->loop, &l->alarm, weft_now_ns() + 3000000, lodger_rang);
}

Test(loops, worker_closes_what_lives_on_its_loop)
{
	weft_runtime *rt = runtime_make(1);
	struct lodger l = { .job = { .run = move_in }, .resident = { .close = lodger_closed }, .loop = weft__loop_of(rt, 0) };
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	l.io = (struct weft__io){ .done = lodger_read, .op = WEFT__IO_READ, .fd = fds[0], .buf = &l.byte, .len_bytes = 1 };
	cr_assert_eq(weft__loop_post(l.loop, &l.job), 0);
	while (!weft__load_acquire(&l.rang)) /* the worker sleeps until then, without limit */
		weft__word_wait(&l.rang, 0, UINT64_MAX);
	runtime_end(rt);
	cr_expect_eq(weft__load_relaxed(&l.rang), 1);
	cr_expect_eq(l.closed, 1);
	cr_expect_eq(l.closed_at, l.loop, "in its own thread");
	cr_expect_eq(l.result, -ECANCELED);
	cr_expect_eq(weft__loop_post(l.loop, &l.job), -ESHUTDOWN);
	weft_runtime_destroy(rt);
}

/* ---- a worker that is busy ------------------------------------------------------------- */

static _Atomic(uint32_t) stop_it;

/* Sends itself a message for each it handles, until it is told to stop. */
static int busy_behaviour(weft_actor *self, weft_msg *msg)
{
	(void)msg;
	if (!weft__load_relaxed(&stop_it))
		return weft_send(weft_actor_ref(self), weft_msg_create(1, 0));
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class busy = { .size = sizeof(busy), .name = "busy", .behaviour = busy_behaviour };

static void busy_start(weft_runtime *rt)
{
	weft_ref ref;

	cr_assert_eq(weft_actor_spawn(rt, &busy, NULL, &ref), 0);
	cr_assert_eq(weft_send(ref, weft_msg_create(1, 0)), 0);
}

/* Pitfall 11: a ring that nobody enters completes nothing. Actors that never rest leave the loop its turn. */
Test(loops, busy_worker_looks_at_its_loop, .timeout = 120)
{
	weft_runtime *rt = runtime_make(1);
	struct lodger l = { .job = { .run = move_in }, .resident = { .close = lodger_closed }, .loop = weft__loop_of(rt, 0) };
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	l.io = (struct weft__io){ .done = lodger_read, .op = WEFT__IO_READ, .fd = fds[0], .buf = &l.byte, .len_bytes = 1 };
	weft__store_relaxed(&stop_it, 0u);
	busy_start(rt);
	cr_assert_eq(weft__loop_post(l.loop, &l.job), 0);
	while (!weft__load_acquire(&l.rang))
		weft__word_wait(&l.rang, 0, UINT64_MAX);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	while (where(l.loop) == l.loop && !weft__load_acquire(&l.was_read))
		;
	weft__store_relaxed(&stop_it, 1u);
	runtime_end(rt);
	cr_expect_eq(l.result, 1);
	cr_expect_eq(l.closed, 1);
	weft_runtime_destroy(rt);
}

/* ---- the own loop ------------------------------------------------------------------------ */

Test(loops, own__is_one_and_runs_jobs)
{
	struct weft__loop *own = weft__loop_own();

	cr_assert_not_null(own);
	cr_expect_eq(weft__loop_own(), own);
	cr_expect_null(weft__loop_here());
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(where(own), own);
}

/* The child has no such thread: it gets a loop of its own, and ends without waiting for one that is not there. */
Test(loops, own__after_fork_is_another, .timeout = 120)
{
	struct weft__loop *own = weft__loop_own();
	int status = -1;
	pid_t child;

	cr_assert_eq(where(own), own);
#if TEST_TSAN
	cr_skip_test("the thread sanitizer cannot follow a thread that is started after fork");
#endif
	child = fork();
	if (child == 0) {
		struct weft__loop *mine = weft__loop_own();

		if (!mine || mine == own || where(mine) != mine)
			_exit(1);
		exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	child = fork();
	if (child == 0)
		exit(0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	cr_expect_eq(where(own), own);
}
