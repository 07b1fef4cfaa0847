/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors that watch, link, unlink and die at random, in cells that are used again and again. Goal: each
 * accepted monitor is answered exactly once; nobody survives a linked one that failed, but who traps;
 * what is linked is let go of. Method: a crowd that is replaced as it dies, driven by messages among
 * its members from one seed; two foreign threads that monitor as well; at the end everybody is told to die,
 * and accepted == DOWN.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define CROWD 40u
#define STEPS 60000u

static _Atomic(uint64_t) refs[CROWD];
static _Atomic(uint64_t) accepted, told, steps, alive;
static _Atomic(bool) closing;
static weft_runtime *rt;

struct member {
	uint64_t rnd;
};

static const weft_actor_class plain_class, trap_class;

static void down(weft_msg *msg, void *user)
{
	(void)user;
	cr_assert_eq(weft_msg_kind(msg), WEFT_KIND_DOWN);
	told++;
	weft_msg_destroy(msg);
}

static void monitor_one(uint64_t *rnd)
{
	weft_ref who = { refs[test_below(rnd, CROWD)] };
	int r = weft_actor_monitor(who, weft_reply_to_call(down, NULL));

	cr_assert(r == 0 || r == -ESRCH, "%s", weft_strerror(r));
	accepted += r == 0;
	if (r == 0 && test_below(rnd, 4) == 0)
		(void)weft_actor_demonitor(who, weft_reply_to_call(down, NULL));
}

/* A new one in place number i, if the one there is dead: whoever lives is in its place, or was told to end. */
static void fill(uint32_t i, uint64_t seed)
{
	struct member m = { seed };
	uint64_t old = refs[i];
	weft_ref ref;

	if (weft_actor_is_alive((weft_ref){ old }))
		return;
	alive++;
	if (weft_actor_spawn(rt, seed & 1 ? &plain_class : &trap_class, &m, &ref) < 0)
		alive--;
	else if (!atomic_compare_exchange_strong(&refs[i], &old, ref.id))
		(void)weft_actor_stop(ref); /* somebody else filled it meanwhile */
}

static int member_behaviour(weft_actor *self, weft_msg *msg)
{
	struct member *m = weft_actor_state(self);
	uint32_t i = test_below(&m->rnd, CROWD);
	weft_ref other = { refs[i] };

	if (weft_msg_kind(msg) == WEFT_KIND_EXIT)
		return 0;
	if (closing || ++steps > STEPS) {
		weft_actor_exit(self, 0);
		return 0;
	}
	switch (test_below(&m->rnd, 8)) {
	case 0:
	case 1:
		monitor_one(&m->rnd);
		break;
	case 2:
		if (other.id != weft_actor_ref(self).id)
			(void)weft_actor_link(self, other);
		break;
	case 3:
		(void)weft_actor_unlink(self, other);
		break;
	case 4:
		weft_actor_exit(self, test_below(&m->rnd, 2) ? -EIO : 0);
		break;
	case 5:
		fill(i, test_random(&m->rnd));
		break;
	default:
		break;
	}
	if (weft_send((weft_ref){ refs[test_below(&m->rnd, CROWD)] }, msg) < 0)
		return 0; /* the driver sends more */
	return 0;
}

static void member_fini(weft_actor *self)
{
	(void)self;
	alive--;
}

#define MEMBER(more)                                                                                       \
	{                                                                                                  \
		.size = sizeof(weft_actor_class), .name = "member", .behaviour = member_behaviour, .fini = member_fini, \
		.state_bytes = sizeof(struct member), .flags = (more)                                              \
	}

static const weft_actor_class plain_class = MEMBER(0), trap_class = MEMBER(WEFT_ACTOR_TRAP_EXIT);

static void *outside(void *arg)
{
	uint64_t rnd = *(uint64_t *)arg;
	struct timespec rest = { .tv_nsec = 20000 };

	while (steps < STEPS) {
		monitor_one(&rnd);
		if (test_below(&rnd, 16) == 0)
			nanosleep(&rest, NULL);
	}
	return NULL;
}

/* Keep the crowd full and messages going round until all steps are done. */
static void drive(uint64_t *rnd)
{
	uint64_t until = weft_now_ns() + 2 * TEST_LONG;
	struct timespec rest = { .tv_nsec = 50000 };

	while (steps < STEPS && weft_now_ns() < until) {
		uint32_t i = test_below(rnd, CROWD);
		weft_msg *m;

		fill(i, test_random(rnd));
		m = weft_msg_create(1, 0);
		if (weft_send((weft_ref){ refs[i] }, m) < 0)
			weft_msg_destroy(m);
		if (test_below(rnd, 8) == 0)
			nanosleep(&rest, NULL);
	}
	cr_assert_geq(steps, STEPS, "the crowd stands still after %lu steps", (unsigned long)steps);
}

Test(stress_watch, each_monitor__is_answered_once, .timeout = 180)
{
	uint64_t rnd = test_seed("watch"), seeds[2] = { test_random(&rnd), test_random(&rnd) };
	pthread_t threads[2];
	uint64_t until;

	rt = test_runtime(0);
	for (uint32_t i = 0; i < CROWD; i++)
		fill(i, test_random(&rnd));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, outside, &seeds[i]);
	drive(&rnd);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	closing = true;
	until = weft_now_ns() + TEST_LONG;
	while ((alive || told < accepted) && weft_now_ns() < until) {
		for (uint32_t i = 0; i < CROWD; i++)
			(void)weft_actor_stop((weft_ref){ refs[i] });
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	cr_assert_gt(accepted, 1000);
	cr_assert_eq(told, accepted, "accepted %lu, told %lu", (unsigned long)accepted, (unsigned long)told);
	cr_assert_eq(alive, 0);
	test_runtime_end(rt);
}
