/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: jobs, alarms and residents as loop.h promises: each job run once in order or refused, one wake a sleep, alarms neither
 * early nor lost, residents closed once before the loop goes. Method: one thread where one is enough; posters against a loop
 * that sleeps all the time and against one that retires, with the law posted = run + refused.
 */
#include "runtime/io/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/io/backend.h"
#include "tests/support/seed.h"
#include "tests/support/backends.h"

struct note {
	struct weft__job job;
	struct weft__loop *loop;
	int number, again;
};

static int order[64], ran;

static void note_run(struct weft__job *job)
{
	struct note *n = (struct note *)job;

	if (ran < 64)
		order[ran] = n->number;
	ran++;
	if (n->again-- > 0)
		cr_assert_eq(weft__loop_post(n->loop, &n->job), 0);
}

static struct note note_make(struct weft__loop *loop, int number)
{
	return (struct note){ .job = { .run = note_run }, .loop = loop, .number = number };
}

/* ---- jobs ---------------------------------------------------------------------- */

static void jobs_run_in_order_inside_wait(struct weft__loop *loop)
{
	struct note notes[10];

	ran = 0;
	for (int i = 0; i < 10; i++) {
		notes[i] = note_make(loop, i);
		cr_assert_eq(weft__loop_post(loop, &notes[i].job), 0);
	}
	cr_expect_eq(ran, 0, "never inside post");
	cr_expect(weft__loop_has_work(loop));
	cr_expect_geq(weft__loop_wait(loop, UINT64_MAX), 10, "and no sleep before them");
	cr_expect_eq(ran, 10);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(order[i], i);
	cr_expect_not(weft__loop_has_work(loop));
}

static void job_may_be_posted_again_by_itself(struct weft__loop *loop)
{
	struct note n = note_make(loop, 0);

	ran = 0;
	n.again = 5;
	cr_assert_eq(weft__loop_post(loop, &n.job), 0);
	turn_until(loop, &ran, 6);
	settle(loop);
	cr_expect_eq(ran, 6);
}

static void later_runs_in_the_next_turn(struct weft__loop *loop)
{
	struct note a = note_make(loop, 1), b = note_make(loop, 2);

	ran = 0;
	weft__loop_later(loop, &a.job);
	weft__loop_later(loop, &b.job);
	cr_expect_eq(ran, 0, "never inside later");
	cr_expect(weft__loop_has_work(loop));
	weft__loop_wait(loop, UINT64_MAX);
	cr_expect_eq(ran, 2);
	cr_expect_eq(order[0], 1);
}

/* Whether anybody wrote a wake that no wait has used up. */
static bool wake_is_written(const struct weft__loop *loop)
{
	struct pollfd p = { .fd = loop->wake_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void post_to_a_loop_that_is_awake_makes_no_call(struct weft__loop *loop)
{
	struct note n = note_make(loop, 0);

	weft__loop_wait(loop, 0);
	ran = 0;
	cr_assert_eq(weft__loop_post(loop, &n.job), 0);
	cr_expect_not(wake_is_written(loop));
	weft__loop_wait(loop, 0);
	cr_expect_eq(ran, 1);
}

/* A stopped sleeper: fall_asleep without the sleep, so that what posters write stays to be seen. */
static void one_sleep_one_wake(struct weft__loop *loop)
{
	struct note notes[3];

	ran = 0;
	cr_assert(weft__posts_fall_asleep(loop));
	for (int i = 0; i < 3; i++) {
		notes[i] = note_make(loop, i);
		cr_assert_eq(weft__loop_post(loop, &notes[i].job), 0);
		cr_expect_eq(weft__load_seq_cst(&loop->asleep), 0, "the first poster took it");
	}
	cr_expect_not(weft__posts_fall_asleep(loop), "something is there");
	weft__loop_wait(loop, UINT64_MAX);
	cr_expect_eq(ran, 3);
}

struct poster {
	struct weft__loop *loop;
	pthread_t thread;
	uint64_t seed;
	_Atomic(int) *live;
	int posted, refused;
};

struct counted {
	struct weft__job job;
	_Atomic(int) *ran;
	_Atomic(int) used;
};

static _Atomic(int) counted_ran;

static void counted_run(struct weft__job *job)
{
	struct counted *c = (struct counted *)job;

	weft__fetch_add_relaxed(&counted_ran, 1);
	weft__store_release(&c->used, 0);
}

#define POSTS 20000

/* One job at a time each: the next is posted when the last was run, so the loop sleeps in between all the time. */
static void *post_one_by_one(void *arg)
{
	struct poster *p = arg;
	struct counted c = { .job = { .run = counted_run } };

	for (int i = 0; i < POSTS / 10; i++) {
		weft__store_relaxed(&c.used, 1);
		if (weft__loop_post(p->loop, &c.job) < 0) {
			p->refused++;
			break;
		}
		p->posted++;
		while (weft__load_acquire(&c.used))
			sched_yield();
	}
	weft__fetch_sub_acq_rel(p->live, 1);
	weft__loop_wake(p->loop);
	return NULL;
}

static void no_wake_is_lost(struct weft__loop *loop)
{
	_Atomic(int) live = 2;
	struct poster posters[2];

	weft__store_relaxed(&counted_ran, 0);
	for (int i = 0; i < 2; i++) {
		posters[i] = (struct poster){ .loop = loop, .live = &live };
		cr_assert_eq(pthread_create(&posters[i].thread, NULL, post_one_by_one, &posters[i]), 0);
	}
	while (weft__load_acquire(&live)) /* a lost one: for ever */
		weft__loop_wait(loop, UINT64_MAX);
	for (int i = 0; i < 2; i++)
		pthread_join(posters[i].thread, NULL);
	cr_expect_eq(weft__load_relaxed(&counted_ran), 2 * (POSTS / 10));
}

static struct counted many[2][POSTS];

static void *post_many(void *arg)
{
	struct poster *p = arg;
	struct counted *mine = many[p->seed];

	for (int i = 0; i < POSTS; i++) {
		mine[i] = (struct counted){ .job = { .run = counted_run }, .used = 1 };
		if (weft__loop_post(p->loop, &mine[i].job) == 0)
			p->posted++;
		else
			p->refused++;
	}
	weft__fetch_sub_acq_rel(p->live, 1);
	return NULL;
}

/* Posters go on while the loop goes: each job was run, or its poster was told. */
static void retire_runs_or_refuses_each(weft_io_backend backend)
{
	uint64_t seed = test_seed("post retire");
	_Atomic(int) live = 2;
	struct poster posters[2];
	struct weft__loop *loop = loop_make(backend);

	weft__store_relaxed(&counted_ran, 0);
	for (unsigned i = 0; i < 2; i++) {
		posters[i] = (struct poster){ .loop = loop, .live = &live, .seed = i };
		cr_assert_eq(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
	}
	for (uint64_t i = seed % 50; i > 0; i--)
		weft__loop_wait(loop, MS / 100);
	weft__loop_retire(loop);
	for (int i = 0; i < 2; i++)
		pthread_join(posters[i].thread, NULL);
	cr_expect_eq(weft__load_relaxed(&counted_ran), posters[0].posted + posters[1].posted);
	cr_expect_eq(posters[0].posted + posters[0].refused, POSTS);
	cr_expect_eq(weft__loop_post(loop, &many[0][0].job), -ESHUTDOWN);
	weft__loop_close(loop);
}

Test(post_uring, retire_runs_or_refuses_each_job, .timeout = 120)
{
	retire_runs_or_refuses_each(WEFT_IO_URING);
}

Test(post_epoll, retire_runs_or_refuses_each_job, .timeout = 120)
{
	retire_runs_or_refuses_each(WEFT_IO_EPOLL);
}

static void never_done(struct weft__io *io)
{
	(void)io;
	cr_assert(false, "it was not taken");
}

static void *submit_elsewhere(void *arg)
{
	struct weft__io io = { .done = never_done, .op = WEFT__IO_NOP };

	return (void *)(intptr_t)weft__loop_submit(arg, &io);
}

/* Pitfall 10: a ring takes entries from one thread alone. */
static void submit_from_another_thread_is_refused(struct weft__loop *loop)
{
	pthread_t thread;
	void *r;

	cr_assert_eq(pthread_create(&thread, NULL, submit_elsewhere, loop), 0);
	pthread_join(thread, &r);
	cr_expect_eq((int)(intptr_t)r, -EPERM);
	cr_expect_eq(weft__loop_in_flight(loop), 0);
}

/* ---- alarms ------------------------------------------------------------------------- */

struct bell {
	struct weft__alarm alarm;
	uint64_t due_ns;
	int rang;
};

static void ring_bell(struct weft__alarm *alarm)
{
	struct bell *b = (struct bell *)alarm;

	cr_assert_not(weft__alarm_is_on(alarm));
	cr_assert_geq(weft_now_ns(), b->due_ns, "early");
	b->rang++;
}

static void arm(struct weft__loop *loop, struct bell *b, uint64_t in_ns)
{
	b->due_ns = weft_now_ns() + in_ns;
	weft__loop_alarm(loop, &b->alarm, b->due_ns, ring_bell);
}

static void alarms_ring_in_a_wait_without_limit(struct weft__loop *loop)
{
	static const uint64_t in_ns[] = { 0, 50000, 700000, 3 * MS, 11 * MS };
	struct bell bells[5] = { 0 };

	for (int i = 0; i < 5; i++)
		arm(loop, &bells[i], in_ns[i]);
	cr_expect(weft__loop_has_work(loop));
	for (int i = 0; i < 5; i++) {
		while (!bells[i].rang)
			weft__loop_wait(loop, UINT64_MAX);
	}
	settle(loop);
	for (int i = 0; i < 5; i++)
		cr_expect_eq(bells[i].rang, 1);
	cr_expect_not(weft__loop_has_work(loop));
}

static void alarm_off_and_moved(struct weft__loop *loop)
{
	struct bell off = { 0 }, moved = { 0 }, never = { 0 };

	weft__loop_alarm_off(loop, &never.alarm);
	arm(loop, &off, MS);
	arm(loop, &moved, MS);
	arm(loop, &moved, 4 * MS);
	weft__loop_alarm_off(loop, &off.alarm);
	cr_expect_not(weft__alarm_is_on(&off.alarm));
	turn_until(loop, &moved.rang, 1);
	weft__loop_alarm(loop, &never.alarm, UINT64_MAX, ring_bell);
	settle(loop);
	cr_expect_eq(off.rang, 0);
	cr_expect_eq(moved.rang, 1);
	cr_expect_eq(never.rang, 0);
	weft__loop_alarm_off(loop, &never.alarm);
}

/* A wait sleeps until the alarm, not in steps towards it. */
static void alarm_costs_few_turns(struct weft__loop *loop)
{
	struct bell b = { 0 };
	int turns = 0;

	arm(loop, &b, 30 * MS);
	for (; !b.rang && turns < 100; turns++)
		weft__loop_wait(loop, UINT64_MAX);
	cr_expect_leq(turns, 6, "%d turns", turns);
}

/* ---- residents ------------------------------------------------------------------------ */

struct lodger {
	struct weft__resident resident;
	struct weft__loop *loop;
	struct weft__io io;
	struct note note;
	int fd, closed, ended;
};

static void lodger_done(struct weft__io *io)
{
	struct lodger *l = (struct lodger *)((char *)io - offsetof(struct lodger, io));

	l->ended++;
}

static void lodger_close(struct weft__resident *r)
{
	struct lodger *l = (struct lodger *)r;

	l->closed++;
	weft__loop_cancel(l->loop, &l->io);
	weft__loop_later(l->loop, &l->note.job);
	cr_expect_eq(weft__loop_post(l->loop, &l->note.job), -ESHUTDOWN, "posts are over by then");
	cr_expect_eq(weft__loop_attach(l->loop, r), -ESHUTDOWN);
}

static void residents_are_closed_before_the_loop_goes(weft_io_backend backend)
{
	static const int key_of[2];
	struct weft__loop *loop = loop_make(backend);
	struct lodger lodgers[2];
	char c;

	ran = 0;
	for (int i = 0; i < 2; i++) {
		int fds[2];

		cr_assert_eq(pipe(fds), 0);
		lodgers[i] = (struct lodger){ .resident = { .close = lodger_close, .key = &key_of[i] }, .loop = loop,
			                      .note = note_make(loop, i), .fd = fds[0] };
		lodgers[i].io = (struct weft__io){ .done = lodger_done, .op = WEFT__IO_READ, .fd = fds[0], .buf = &c, .len_bytes = 1 };
		cr_assert_eq(weft__loop_submit(loop, &lodgers[i].io), 0);
		cr_assert_eq(weft__loop_attach(loop, &lodgers[i].resident), 0);
	}
	cr_expect_eq(weft__loop_find(loop, &key_of[0]), &lodgers[0].resident);
	cr_expect_eq(weft__loop_find(loop, &key_of[1]), &lodgers[1].resident);
	cr_expect_null(weft__loop_find(loop, &c));
	cr_expect_null(weft__loop_find(loop, NULL));
	weft__loop_detach(loop, &lodgers[1].resident);
	weft__loop_detach(loop, &lodgers[1].resident);
	weft__loop_cancel(loop, &lodgers[1].io);
	weft__loop_retire(loop);
	cr_expect_eq(lodgers[0].closed, 1);
	cr_expect_eq(lodgers[0].ended, 1);
	cr_expect_eq(lodgers[0].io.result, -ECANCELED);
	cr_expect_eq(lodgers[1].closed, 0, "it left before");
	cr_expect_eq(ran, 1, "what came later was run");
	weft__loop_close(loop);
}

Test(post_uring, residents_are_closed_before_the_loop_goes, .timeout = 120)
{
	residents_are_closed_before_the_loop_goes(WEFT_IO_URING);
}

Test(post_epoll, residents_are_closed_before_the_loop_goes, .timeout = 120)
{
	residents_are_closed_before_the_loop_goes(WEFT_IO_EPOLL);
}

ON_BOTH(post, jobs_run_in_order_inside_wait)
ON_BOTH(post, job_may_be_posted_again_by_itself)
ON_BOTH(post, later_runs_in_the_next_turn)
ON_BOTH(post, post_to_a_loop_that_is_awake_makes_no_call)
ON_BOTH(post, one_sleep_one_wake)
ON_BOTH(post, no_wake_is_lost)
ON_BOTH(post, submit_from_another_thread_is_refused)
ON_BOTH(post, alarms_ring_in_a_wait_without_limit)
ON_BOTH(post, alarm_off_and_moved)
ON_BOTH(post, alarm_costs_few_turns)
