/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/finishers.h - calls that other threads finish, at any moment, and draws for all threads.
 *
 * A handler parks its call and says WEFT_PENDING; two threads take calls from a shared stack and hand each to the
 * test's finish, at once or a moment later, by the seed. One set in a program.
 */
#ifndef WEFT_TESTS_SUPPORT_FINISHERS_H
#define WEFT_TESTS_SUPPORT_FINISHERS_H

#include <criterion/criterion.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/model.h>
#include <weft/tool.h>

#include "tests/support/seed.h"

#define FINISHERS 2

/* One of model and tool, or what the test keeps of it. */
struct parked {
	weft_model_call *model;
	weft_tool_call *tool;
	void *user;
	struct parked *next;
};

static struct {
	uint64_t seed;
	_Atomic(uint64_t) draws;
	_Atomic(struct parked *) stack;
	_Atomic(uint64_t) parked; /* not yet handed to finish */
	_Atomic(bool) ending;
	void (*finish)(struct parked *p);
	pthread_t threads[FINISHERS];
} finishers;

/* A draw any thread may make; the sequence of one thread is not replayed, the mix is. */
static inline uint32_t draw(uint32_t below)
{
	uint64_t state = finishers.seed + finishers.draws++ * 0x9e3779b97f4a7c15u;

	return test_below(&state, below);
}

static inline int park(weft_model_call *model, weft_tool_call *tool, void *user)
{
	struct parked *p = malloc(sizeof(*p));

	*p = (struct parked){ model, tool, user, atomic_load(&finishers.stack) };
	finishers.parked++;
	while (!atomic_compare_exchange_weak(&finishers.stack, &p->next, p))
		;
	return WEFT_PENDING;
}

static inline void finishers_take(struct parked *p)
{
	while (p) {
		struct parked *next = p->next;

		finishers.finish(p);
		free(p);
		finishers.parked--;
		p = next;
	}
}

static inline void *finishers_main(void *unused)
{
	for (;;) {
		bool last = finishers.ending;
		struct parked *p = atomic_exchange(&finishers.stack, NULL);

		if (!p && last)
			return unused;
		if (!p)
			sched_yield();
		else if (draw(8) == 0)
			usleep(draw(300));
		finishers_take(p);
	}
}

/* finish ends the call of p, on one of the threads; p goes with its return. */
static inline void finishers_start(void (*finish)(struct parked *p))
{
	finishers.finish = finish;
	finishers.ending = false;
	for (int i = 0; i < FINISHERS; i++)
		cr_assert_eq(pthread_create(&finishers.threads[i], NULL, finishers_main, NULL), 0);
}

/* Each call that was parked has been finished when this returns. */
static inline void finishers_stop(void)
{
	finishers.ending = true;
	for (int i = 0; i < FINISHERS; i++)
		pthread_join(finishers.threads[i], NULL);
	cr_assert_eq(finishers.parked, 0);
}

#endif
