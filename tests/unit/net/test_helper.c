/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errands: all are worked at, once each, on other threads, and come back to the loop; one that blocks does
 * not hold up the rest; too many are refused; those that are left are dropped, also when there is no loop any
 * more.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/helper/helper.h"
#include "runtime/base/thread.h"
#include "tests/support/sanitized.h"
#include "tests/support/seed.h"
#include "tests/support/turn.h"

struct one {
	struct weft__errand errand;
	pthread_t by;
	uint32_t worked, done, dropped;
};

static _Atomic(uint32_t) worked, may_go, stuck, dropped;
static int done;

static void add(_Atomic(uint32_t) *word)
{
	weft__fetch_add_acq_rel(word, 1u);
	weft__word_wake(word);
}

static void wait_until(_Atomic(uint32_t) *word, uint32_t least)
{
	uint32_t now;

	while ((now = weft__load_acquire(word)) < least)
		weft__word_wait(word, now, UINT64_MAX);
}

static void on_work(struct weft__errand *errand)
{
	struct one *one = (struct one *)errand;

	one->by = pthread_self();
	one->worked++;
	add(&worked);
}

static void on_work_blocked(struct weft__errand *errand)
{
	add(&stuck);
	wait_until(&may_go, 1);
	on_work(errand);
}

static void on_done(struct weft__errand *errand)
{
	((struct one *)errand)->done++;
	done++;
}

static void on_drop(struct weft__errand *errand)
{
	((struct one *)errand)->dropped++;
	add(&dropped);
}

static int send(struct weft__loop *loop, struct one *one, void (*work)(struct weft__errand *errand))
{
	one->errand.work = work;
	one->errand.done = on_done;
	one->errand.drop = on_drop;
	return weft__errand_send(loop, &one->errand);
}

Test(helper, works_at_each_errand_once_elsewhere_and_comes_back, .timeout = 120)
{
	enum { N = 500 };
	struct weft__loop *loop = test_loop();
	struct one *all = calloc(N, sizeof(*all));

	for (int i = 0; i < N; i++)
		cr_assert_eq(send(loop, &all[i], on_work), 0);
	cr_expect_eq(done, 0, "never inside send");
	test_turn(loop, &done, N);
	for (int i = 0; i < N; i++) {
		cr_expect_eq(all[i].worked, 1u);
		cr_expect_eq(all[i].done, 1u);
		cr_expect_eq(all[i].dropped, 0u);
		cr_expect_not(pthread_equal(all[i].by, pthread_self()));
	}
	weft__loop_close(loop);
	free(all);
}

Test(helper, one_that_blocks_holds_up_nobody_and_too_many_are_refused, .timeout = 120)
{
	enum { BLOCKED = WEFT__HELPER_THREADS_MAX - 1, MORE = WEFT__HELPER_ERRANDS_MAX + 1 };
	struct weft__loop *loop = test_loop();
	struct one *blocked = calloc(WEFT__HELPER_THREADS_MAX, sizeof(*blocked)), quick = {.worked = 0};
	struct one *many = calloc(MORE, sizeof(*many));

	for (uint32_t i = 0; i < BLOCKED; i++)
		cr_assert_eq(send(loop, &blocked[i], on_work_blocked), 0);
	wait_until(&stuck, BLOCKED);
	cr_assert_eq(send(loop, &quick, on_work), 0);
	test_turn(loop, &done, 1);
	cr_assert_eq(send(loop, &blocked[BLOCKED], on_work_blocked), 0);
	wait_until(&stuck, BLOCKED + 1);
	for (uint32_t i = 0; i < MORE; i++)
		cr_expect_eq(send(loop, &many[i], on_work), i < WEFT__HELPER_ERRANDS_MAX ? 0 : -ENOBUFS);
	add(&may_go);
	test_turn(loop, &done, 1 + WEFT__HELPER_THREADS_MAX + WEFT__HELPER_ERRANDS_MAX);
	cr_expect_eq(many[MORE - 1].worked, 0u, "the refused one is still its owner's");
	weft__loop_close(loop);
	free(blocked);
	free(many);
}

/* At any moment between send and done; then the loop goes at once. Each errand is done or dropped, once. */
Test(helper, those_left_are_dropped_and_the_loop_may_go, .timeout = 120)
{
	enum { ROUNDS = 200, N = 8 };
	uint64_t seed = test_seed("helper leave");

	for (int round = 0; round < ROUNDS; round++) {
		struct weft__loop *loop = test_loop();
		struct one *all = calloc(N, sizeof(*all));
		int left = 0;
		uint32_t dropped_before = weft__load_acquire(&dropped);

		done = 0;
		for (int i = 0; i < N; i++)
			cr_assert_eq(send(loop, &all[i], on_work), 0);
		for (uint32_t spins = test_below(&seed, 4) * test_below(&seed, 2000); spins; spins--)
			weft__cpu_relax();
		if (test_below(&seed, 2))
			weft__loop_wait(loop, 0);
		for (int i = 0; i < N; i++) {
			if (!all[i].done) {
				weft__errand_leave(&all[i].errand);
				left++;
			}
		}
		weft__loop_close(loop);
		wait_until(&dropped, dropped_before + (uint32_t)left);
		cr_assert_eq(done + left, N);
		for (int i = 0; i < N; i++)
			cr_assert_eq(all[i].done + all[i].dropped, 1u);
		free(all);
	}
}

Test(helper, a_child_after_fork_has_threads_of_its_own, .timeout = 120)
{
	struct weft__loop *loop = test_loop();
	struct one before = {.worked = 0}, after = {.worked = 0};
	int status = -1;
	pid_t pid;

#if TEST_TSAN
	cr_skip_test("the thread sanitizer cannot follow a thread that is started after fork");
#endif
	cr_assert_eq(send(loop, &before, on_work), 0);
	test_turn(loop, &done, 1);
	pid = fork();
	if (pid == 0) {
		struct weft__loop *mine = test_loop();

		if (send(mine, &after, on_work) == 0)
			test_turn(mine, &done, 2);
		_exit(after.done == 1 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	weft__loop_close(loop);
}

static _Atomic(uint32_t) enough;

static void on_own_done(struct weft__errand *errand)
{
	((struct one *)errand)->done++; /* the loop's thread alone */
}

/* Sends one errand again and again, without allocating, so that the lock is held as often as can be. */
static void *send_often(void *arg)
{
	struct weft__loop *loop = test_loop();
	struct one one = {.errand = {.work = on_work, .done = on_own_done, .drop = on_drop}};

	(void)arg;
	for (uint32_t n = 1; !weft__load_acquire(&enough); n++) {
		cr_assert_eq(weft__errand_send(loop, &one.errand), 0);
		while (one.done < n)
			weft__loop_wait(loop, TEST_MS);
	}
	weft__loop_close(loop);
	return NULL;
}

static void use_helper_in_child(void)
{
	struct weft__loop *loop = test_loop();
	struct one one = {.worked = 0};
	uint32_t before = weft__load_acquire(&worked);

	alarm(100); /* ends a child that hangs */
	if (send(loop, &one, on_work) < 0)
		_exit(1);
	wait_until(&worked, before + 1);
	_exit(0);
}

Test(helper, a_child_begins_anew_whoever_held_the_lock_at_fork, .timeout = 120)
{
	enum { THREADS = 3, FORKS = 60 };
	pthread_t threads[THREADS];
	int status;

#if TEST_TSAN
	cr_skip_test("the thread sanitizer cannot follow a thread that is started after fork");
#endif
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, send_often, NULL), 0);
	wait_until(&worked, 1000); /* there are as many helpers as there will be */
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			use_helper_in_child();
		status = -1;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "fork %d: status %d", i, status);
	}
	add(&enough);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
