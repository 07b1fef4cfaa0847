/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each lock-free queue with real threads. Goal: nothing lost, nothing twice, order
 * where it is promised. Method: producers push numbered items, consumers note what
 * they got; afterwards pushed == taken and every item was seen once.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/queue/deque.h"
#include "runtime/queue/inject.h"
#include "runtime/queue/mailbox.h"
#include "runtime/queue/runq.h"
#include "tests/support/seed.h"

#define PRODUCERS 3u
#define PER_PRODUCER 30000u
#define ITEMS (PRODUCERS * PER_PRODUCER)

static uint64_t seed;

static void pause_sometimes(uint64_t *state)
{
	if (test_below(state, 64) == 0)
		sched_yield();
}

/* ---- mailbox: many senders, a receiver that is whoever was told to schedule ------- */

struct letter {
	struct weft_msg msg; /* first */
	uint32_t producer, number;
};

static struct {
	struct weft__mailbox mailbox;
	struct weft__mailbox_stub stub;
	_Atomic(uint32_t) handled;
	_Atomic(uint32_t) receivers; /* at most one at a time */
	uint32_t next[PRODUCERS];    /* receiver's: order within one sender */
	uint8_t *seen;
	struct letter *letters;
} box;

static void note(struct letter *l)
{
	cr_assert_eq(l->number, box.next[l->producer], "order broken for producer %u", l->producer);
	box.next[l->producer]++;
	cr_assert_eq(box.seen[l->producer * PER_PRODUCER + l->number]++, 0);
	weft__fetch_add_relaxed(&box.handled, 1u);
}

/* Be the receiver until the mailbox is idle. Detaches now and then, as a moving behaviour does. */
static void receive(struct weft_msg *m, uint64_t *rnd)
{
	cr_assert_eq(weft__fetch_add_acq_rel(&box.receivers, 1u), 0, "two receivers at once");
	for (;;) {
		struct weft_msg *node = m, *next;

		note((struct letter *)m);
		if (test_below(rnd, 3) == 0) {
			node = weft__mailbox_detach(&box.mailbox, m, &box.stub, &next);
			if (node)
				next = weft__mailbox_next(node);
			memset(&m->next, 0x5a, sizeof(m->next)); /* the message is ours: nobody may read its link */
		} else {
			next = weft__mailbox_next(m);
		}
		if (!next) {
			weft__fetch_sub_acq_rel(&box.receivers, 1u);
			if (weft__mailbox_try_idle(&box.mailbox, node))
				return;
			weft__fetch_add_acq_rel(&box.receivers, 1u);
			next = weft__mailbox_next_wait(node);
		}
		m = next;
	}
}

static void *mailbox_producer(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	uint64_t rnd = seed + id;

	for (uint32_t i = 0; i < PER_PRODUCER; i++) {
		struct letter *l = &box.letters[id * PER_PRODUCER + i];

		l->producer = id;
		l->number = i;
		if (weft__mailbox_push(&box.mailbox, &l->msg))
			receive(&l->msg, &rnd);
		pause_sometimes(&rnd);
	}
	return NULL;
}

Test(stress_queues, mailbox__loses_nothing_and_keeps_each_senders_order)
{
	pthread_t threads[PRODUCERS];

	seed = test_seed("mailbox");
	box.letters = calloc(ITEMS, sizeof(*box.letters));
	box.seen = calloc(ITEMS, 1);
	for (uint32_t i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, mailbox_producer, (void *)(uintptr_t)i);
	for (uint32_t i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(box.handled, ITEMS, "pushed %u, handled %u", ITEMS, box.handled);
	free(box.letters);
	free(box.seen);
}

/* ---- run queue: an owner, two thieves ------------------------------------------------ */

struct job {
	struct weft__task task; /* first */
	_Atomic(uint32_t) taken;
};

static struct {
	struct weft__runq q;
	struct job *jobs;
	_Atomic(uint32_t) taken;
	_Atomic(bool) pushed_all;
} run;

static void take_job(struct weft__task *task)
{
	struct job *job = (struct job *)task;

	cr_assert_eq(weft__fetch_add_relaxed(&job->taken, 1u), 0, "a task was run twice");
	weft__fetch_add_relaxed(&run.taken, 1u);
}

static void *thief(void *arg)
{
	uint64_t rnd = seed ^ (uintptr_t)arg;

	while (!weft__load_acquire(&run.pushed_all) || weft__load_relaxed(&run.taken) < ITEMS) {
		struct weft__task *task = weft__runq_steal(&run.q);

		if (task)
			take_job(task);
		else
			sched_yield();
		pause_sometimes(&rnd);
	}
	return NULL;
}

Test(stress_queues, runq__gives_each_task_to_exactly_one_taker)
{
	pthread_t thieves[2];
	uint64_t rnd = seed = test_seed("runq");
	uint32_t next = 0;

	weft__runq_init(&run.q);
	run.jobs = calloc(ITEMS, sizeof(*run.jobs));
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&thieves[i], NULL, thief, (void *)(i + 1));
	while (next < ITEMS) {
		uint32_t burst = 1 + test_below(&rnd, 400); /* over a ring's size now and then */

		for (; burst && next < ITEMS; burst--)
			weft__runq_push(&run.q, &run.jobs[next++].task);
		for (uint32_t n = test_below(&rnd, 300); n; n--) {
			struct weft__task *task = weft__runq_pop(&run.q);

			if (!task)
				break;
			take_job(task);
		}
	}
	weft__store_release(&run.pushed_all, true);
	for (struct weft__task *task; (task = weft__runq_pop(&run.q));)
		take_job(task);
	for (int i = 0; i < 2; i++)
		pthread_join(thieves[i], NULL);
	cr_assert_eq(run.taken, ITEMS, "pushed %u, taken %u", ITEMS, run.taken);
	free(run.jobs);
}

/* ---- deque: an owner, two thieves ------------------------------------------------------- */

static struct weft__deque deque;

static void *deque_thief(void *arg)
{
	uint64_t rnd = seed ^ (uintptr_t)arg;

	while (!weft__load_acquire(&run.pushed_all) || weft__load_relaxed(&run.taken) < ITEMS) {
		struct weft__task *task = weft__deque_steal(&deque);

		if (task)
			take_job(task);
		else
			sched_yield();
		pause_sometimes(&rnd);
	}
	return NULL;
}

/* Bursts of one or two, mostly: the race is for the last task. */
Test(stress_queues, deque__gives_each_task_to_exactly_one_taker)
{
	pthread_t thieves[2];
	uint64_t rnd = seed = test_seed("deque");
	uint32_t next = 0;

	weft__deque_init(&deque);
	run.jobs = calloc(ITEMS, sizeof(*run.jobs));
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&thieves[i], NULL, deque_thief, (void *)(i + 1));
	while (next < ITEMS) {
		uint32_t burst = test_below(&rnd, 8) ? 1 + test_below(&rnd, 2) : test_below(&rnd, 400);
		struct weft__task *task;

		while (burst-- && next < ITEMS && weft__deque_push(&deque, &run.jobs[next].task))
			next++;
		for (uint32_t n = 1 + test_below(&rnd, 300); n && (task = weft__deque_pop(&deque)); n--)
			take_job(task);
	}
	weft__store_release(&run.pushed_all, true);
	for (struct weft__task *task; (task = weft__deque_pop(&deque));)
		take_job(task);
	for (int i = 0; i < 2; i++)
		pthread_join(thieves[i], NULL);
	cr_assert_eq(run.taken, ITEMS, "pushed %u, taken %u", ITEMS, run.taken);
	free(run.jobs);
}

/* ---- injection: many pushers, two takers ----------------------------------------------- */

struct note {
	ck_stack_entry_t link; /* first */
	uint32_t producer, number;
};

static struct {
	struct weft__inject in;
	struct note *notes;
	_Atomic(uint32_t) taken;
	_Atomic(uint32_t) producers_left;
	uint8_t *seen;
} inj;

static void *inject_producer(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	uint64_t rnd = seed + id;

	for (uint32_t i = 0; i < PER_PRODUCER; i++) {
		struct note *n = &inj.notes[id * PER_PRODUCER + i];

		n->producer = id;
		n->number = i;
		weft__inject_push(&inj.in, &n->link);
		pause_sometimes(&rnd);
	}
	weft__fetch_sub_acq_rel(&inj.producers_left, 1u);
	return NULL;
}

static void *inject_taker(void *arg)
{
	(void)arg;
	while (weft__load_acquire(&inj.producers_left) || !weft__inject_is_empty(&inj.in)) {
		uint32_t last[PRODUCERS] = { 0 };
		bool any[PRODUCERS] = { false };
		ck_stack_entry_t *e = weft__inject_take_all(&inj.in);

		for (; e; e = e->next) {
			struct note *n = (struct note *)e;

			cr_assert(!any[n->producer] || n->number > last[n->producer], "order within a batch");
			any[n->producer] = true;
			last[n->producer] = n->number;
			cr_assert_eq(__atomic_fetch_add(&inj.seen[n->producer * PER_PRODUCER + n->number], 1,
			                                __ATOMIC_RELAXED), 0);
			weft__fetch_add_relaxed(&inj.taken, 1u);
		}
		sched_yield();
	}
	return NULL;
}

Test(stress_queues, inject__loses_nothing_with_two_takers)
{
	pthread_t threads[PRODUCERS + 2];

	seed = test_seed("inject");
	weft__inject_init(&inj.in);
	inj.notes = calloc(ITEMS, sizeof(*inj.notes));
	inj.seen = calloc(ITEMS, 1);
	inj.producers_left = PRODUCERS;
	for (uint32_t i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, inject_producer, (void *)(uintptr_t)i);
	for (uint32_t i = 0; i < 2; i++)
		pthread_create(&threads[PRODUCERS + i], NULL, inject_taker, NULL);
	for (uint32_t i = 0; i < PRODUCERS + 2; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(inj.taken, ITEMS, "pushed %u, taken %u", ITEMS, inj.taken);
	free(inj.notes);
	free(inj.seen);
}
