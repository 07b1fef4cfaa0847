/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sim/sim.c - a machine of one thread: it chooses who runs, tells the time, and makes
 * things go wrong, all from one seed. weft/sim.h says what it is for.
 *
 * A thread is a fiber. It runs until it calls in here: at a point it may be set aside, in a
 * yield it should be, in a wait it sleeps until its key is woken or its time has
 * come. Each call is a step; the clock moves a little with each, and leaps to the next
 * deadline when all sleep. If there is none, nothing can ever happen again: stuck.
 *
 * How the next thread is chosen is itself a choice of the seed, once a run, because
 * different bugs like different machines:
 *   fair     any that can run
 *   sticky   mostly the same one: long turns, rare surprises
 *   ranked   the highest rank, with a new last place for the running one now and then: some
 *            threads are all but stopped for long, as under an overloaded kernel
 *
 * Source of "ranked": Burckhardt et al. 2010, probabilistic concurrency testing.
 */
#include <weft/sim.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>
#include <weft/runtime.h>

#include "runtime/base/assert.h"
#include "runtime/base/clock.h"
#include "runtime/base/rng.h"
#include "runtime/base/sim.h"
#include "runtime/mem/fault.h"
#include "runtime/sim/fiber.h"

#define THREADS_MAX 64u
#define STACK_BYTES (512u << 10)
#define STEPS_DEFAULT 10000000u
#define FAULTS 5u
#define LOCALS_MAX 8u
#define LOCAL_BYTES_MAX 128u
#define READ_NS 20u           /* what looking at the clock takes */
#define START_NS 1000000000u  /* of the monotonic clock */
#define START_WALL_MS INT64_C(1750000000000)
#define LEAP_NS_MAX 200000000u
#define LEAPS_MAX 64u
#define WALL_BACK_MS 3600000u
#define EARLY_NS_MAX 100000u
#define CPUS_MAX 4u

enum { FREE = 0, READY, ASLEEP, ENDED };
enum { FAIR = 0, STICKY, RANKED, POLICIES };

struct thread {
	struct weft__fiber fiber;
	char name[16];
	uint32_t state;
	int64_t rank;
	uintptr_t key;    /* ASLEEP: what it waits for; 0: the time alone */
	uint64_t until_ns;
	char locals[LOCAL_BYTES_MAX];
};

struct sim {
	weft_sim_options opt;
	struct weft__rng rng;
	uint64_t hash, steps, now_ns;
	int64_t wall_off_ms;
	struct thread threads[THREADS_MAX];
	struct thread *current;

	uint32_t policy;
	uint64_t sticky_one_in; /* STICKY: change threads, RANKED: ranks */
	uint64_t interrupt_one_in;
	uint32_t leaps_left;    /* a machine is not suspended all the time: nothing would ever come to rest */
	int64_t rank_last;
	uint64_t grain_ns;      /* a step takes up to twice that */
	uint32_t faults;
	uint64_t fault_one_in[FAULTS];

	struct local {
		void *at;
		size_t bytes, offset;
	} locals[LOCALS_MAX];
	uint32_t local_count;
	size_t local_bytes;
};

static struct sim *sim; /* the one there is */

/* ---- chance ------------------------------------------------------------------------ */

static void note(uint64_t what)
{
	sim->hash = weft__mix2(sim->hash, what);
}

/* Not in the hash: what follows from it is. */
static uint64_t below(uint64_t n)
{
	return weft__rng_below(&sim->rng, n);
}

static bool fault(uint32_t which)
{
	WEFT_ASSERT(which && !(which & (which - 1)));
	return (sim->faults & which) && below(sim->fault_one_in[__builtin_ctz(which)]) == 0;
}

static bool refuse_memory(void)
{
	return fault(WEFT_SIM_ALLOC);
}

static uint64_t entropy(void *user)
{
	(void)user;
	return weft__rng_next(&sim->rng);
}

/* ---- time -------------------------------------------------------------------------- */

static uint64_t now_ns(void *user)
{
	(void)user;
	return sim->now_ns += READ_NS;
}

static int64_t wall_ms(void *user)
{
	(void)user;
	return START_WALL_MS + sim->wall_off_ms + (int64_t)(sim->now_ns / 1000000u);
}

static void pass_time(uint64_t grains)
{
	sim->now_ns += below(2 * grains * sim->grain_ns);
	if (!sim->leaps_left || !fault(WEFT_SIM_CLOCK))
		return;
	sim->leaps_left--;
	if (below(2))
		sim->now_ns += below(LEAP_NS_MAX);
	else
		sim->wall_off_ms += (int64_t)below(2 * WALL_BACK_MS) - (int64_t)WALL_BACK_MS;
}

/* ---- who runs next ------------------------------------------------------------------- */

static _Noreturn void stuck(const char *why)
{
	sim->opt.stuck(why, sim->opt.user);
	weft__assert_fail("weft_sim_options.stuck must not return", __FILE__, __LINE__);
}

static uint32_t collect_ready(struct thread **ret_ready)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &sim->threads[i];

		if (t->state == ASLEEP && t->until_ns <= sim->now_ns)
			t->state = READY;
		if (t->state == READY)
			ret_ready[n++] = t;
	}
	return n;
}

/* All sleep: time leaps to the first that wakes by itself. */
static void leap(void)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &sim->threads[i];

		if (t->state == ASLEEP && t->until_ns < first)
			first = t->until_ns;
	}
	if (first == UINT64_MAX)
		stuck("all threads wait for each other");
	WEFT_ASSERT(first > sim->now_ns);
	sim->now_ns = first;
}

static struct thread *highest(struct thread **ready, uint32_t n)
{
	struct thread *best = ready[0];

	for (uint32_t i = 1; i < n; i++) {
		if (ready[i]->rank > best->rank)
			best = ready[i];
	}
	return best;
}

/* willing: the running thread has no need to give way. */
static struct thread *choose(bool willing)
{
	struct thread *ready[THREADS_MAX], *me = sim->current;
	uint32_t n;

	while ((n = collect_ready(ready)) == 0)
		leap();
	if (n == 1)
		return ready[0];
	if (sim->policy == RANKED) {
		if (!willing || below(sim->sticky_one_in) == 0)
			me->rank = --sim->rank_last;
		return highest(ready, n);
	}
	if (sim->policy == STICKY && willing && me->state == READY && below(sim->sticky_one_in))
		return me;
	/* who yields gives way: to any other */
	for (;;) {
		struct thread *t = ready[below(n)];

		if (willing || t != me)
			return t;
	}
}

static void trace(const char *what)
{
	char line[96];

	snprintf(line, sizeof(line), "%8" PRIu64 " %14" PRIu64 " %-15s %s", sim->steps, sim->now_ns, sim->current->name, what);
	sim->opt.trace(line, sim->opt.user);
}

static void locals_change(struct thread *from, struct thread *to)
{
	for (uint32_t i = 0; i < sim->local_count; i++) {
		const struct local *l = &sim->locals[i];

		memcpy(from->locals + l->offset, l->at, l->bytes);
		memcpy(l->at, to->locals + l->offset, l->bytes);
	}
}

static void step(const char *what, bool willing)
{
	struct thread *from = sim->current, *to;

	if (sim->opt.trace)
		trace(what);
	if (++sim->steps > sim->opt.steps_max)
		stuck("it goes on for ever: steps_max is over");
	pass_time(willing ? 1 : 4);
	to = choose(willing);
	note((uint64_t)(to - sim->threads) << 56 ^ sim->now_ns);
	if (to == from)
		return;
	locals_change(from, to);
	sim->current = to;
	weft__fiber_switch(&from->fiber, &to->fiber, from->state == ENDED);
}

/* ---- what the runtime calls (runtime/base/sim.h) ----------------------------------------- */

static void op_point(void)
{
	step("point", true);
}

static void op_interrupt(void)
{
	if (below(sim->interrupt_one_in) == 0)
		step("interrupt", true);
}

static void op_yield(void)
{
	step("yield", false);
}

static void op_wait(uintptr_t key, uint64_t until_ns)
{
	struct thread *me = sim->current;

	if (fault(WEFT_SIM_EARLY)) {
		uint64_t early_ns = sim->now_ns + below(EARLY_NS_MAX);

		if (early_ns < until_ns)
			until_ns = early_ns;
	}
	me->state = ASLEEP;
	me->key = key;
	me->until_ns = until_ns;
	step(key ? "wait" : "sleep", true);
	WEFT_ASSERT(me->state == READY);
}

static void op_wake(uintptr_t key)
{
	WEFT_ASSERT(key);
	for (uint32_t i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &sim->threads[i];

		if (t->state == ASLEEP && t->key == key)
			t->state = READY;
	}
	step("wake", true);
}

static uintptr_t end_key(struct thread *t)
{
	return (uintptr_t)&t->fiber;
}

static void ended(void)
{
	struct thread *me = sim->current;

	me->state = ENDED;
	for (uint32_t i = 0; i < THREADS_MAX; i++) {
		struct thread *t = &sim->threads[i];

		if (t->state == ASLEEP && t->key == end_key(me))
			t->state = READY;
	}
	step("end", true);
}

static int op_start(const char *name, void *(*fn)(void *arg), void *arg, uintptr_t *ret_thread)
{
	struct thread *t = NULL;
	int r;

	if (fault(WEFT_SIM_THREAD))
		return -EAGAIN;
	for (uint32_t i = 0; i < THREADS_MAX && !t; i++) {
		if (sim->threads[i].state == FREE)
			t = &sim->threads[i];
	}
	if (!t)
		return -EAGAIN;
	memset(t, 0, sizeof(*t));
	r = weft__fiber_init(&t->fiber, STACK_BYTES, fn, arg, ended);
	if (r < 0)
		return r;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->state = READY;
	t->rank = (int64_t)below(1u << 20);
	*ret_thread = (uintptr_t)t;
	step("start", true);
	return 0;
}

static void op_join(uintptr_t thread)
{
	struct thread *t = (struct thread *)thread;

	while (t->state != ENDED)
		op_wait(end_key(t), UINT64_MAX);
	weft__fiber_fini(&t->fiber);
	t->state = FREE;
}

static void op_local(void *at, size_t bytes)
{
	struct local *l = &sim->locals[sim->local_count];

	for (uint32_t i = 0; i < sim->local_count; i++) {
		if (sim->locals[i].at == at)
			return;
	}
	if (sim->local_count == LOCALS_MAX || sim->local_bytes + bytes > LOCAL_BYTES_MAX)
		stuck("too many thread-local variables");
	*l = (struct local){ .at = at, .bytes = bytes, .offset = sim->local_bytes };
	sim->local_count++;
	sim->local_bytes += bytes;
}

static struct weft__sim_ops ops = {
	.below = below,
	.fault = fault,
	.point = op_point,
	.interrupt = op_interrupt,
	.yield = op_yield,
	.wait = op_wait,
	.wake = op_wake,
	.start = op_start,
	.join = op_join,
	.local = op_local,
};

static const struct weft__clock_source clock_source = { .now_ns = now_ns, .wall_ms = wall_ms };

/* ---- begin and end ------------------------------------------------------------------------- */

/* The kind of machine that this run is on. */
static void machine_choose(void)
{
	sim->policy = (uint32_t)below(POLICIES);
	sim->sticky_one_in = UINT64_C(4) << below(6);
	sim->grain_ns = UINT64_C(32) << below(7);
	sim->interrupt_one_in = UINT64_C(1) << below(9);
	sim->leaps_left = (uint32_t)below(LEAPS_MAX);
	ops.cpus = 1 + (uint32_t)below(CPUS_MAX);
	for (uint32_t i = 0; i < FAULTS; i++)
		sim->fault_one_in[i] = below(2) ? UINT64_C(16) << below(8) : UINT64_MAX; /* half of them rest */
}

int weft_sim_begin(const weft_sim_options *opt)
{
	WEFT_RETURN_IF(!opt || opt->size != sizeof(*opt) || !opt->stuck, -EINVAL);
	WEFT_RETURN_IF(opt->faults & ~(uint32_t)WEFT_SIM_ALL, -EINVAL);
	WEFT_RETURN_IF(sim, -EBUSY);
	sim = weft_calloc(1, sizeof(*sim));
	if (!sim)
		return -ENOMEM;
	sim->opt = *opt;
	if (!sim->opt.steps_max)
		sim->opt.steps_max = STEPS_DEFAULT;
	weft__rng_seed(&sim->rng, opt->seed);
	sim->now_ns = START_NS;
	sim->faults = opt->faults;
	sim->current = &sim->threads[0];
	weft__fiber_init_own(&sim->current->fiber);
	sim->current->state = READY;
	snprintf(sim->current->name, sizeof(sim->current->name), "host");
	machine_choose();
	weft__sim = &ops;
	weft__clock_source_set(&clock_source);
	weft__entropy_source_set(entropy, NULL);
	weft__alloc_refuse_set(refuse_memory);
	return 0;
}

int weft_sim_end(void)
{
	WEFT_RETURN_IF(!sim || sim->current != &sim->threads[0], -EINVAL);
	for (uint32_t i = 1; i < THREADS_MAX; i++)
		WEFT_RETURN_IF(sim->threads[i].state == READY || sim->threads[i].state == ASLEEP, -EBUSY);
	weft__alloc_refuse_set(NULL);
	weft__entropy_source_set(NULL, NULL);
	weft__clock_source_set(NULL);
	weft__sim = NULL;
	for (uint32_t i = 1; i < THREADS_MAX; i++)
		weft__fiber_fini(&sim->threads[i].fiber);
	weft_free(sim);
	sim = NULL;
	return 0;
}

bool weft_sim_is_on(void)
{
	return weft__sim_is_on();
}

/* ---- from simulated threads ------------------------------------------------------------------ */

uint64_t weft_sim_choose(uint64_t below_what)
{
	uint64_t n;

	if (!sim)
		return 0;
	n = below(below_what);
	note(n);
	return n;
}

void weft_sim_note(uint64_t what)
{
	if (sim)
		note(what);
}

uint64_t weft_sim_hash(void)
{
	return sim ? sim->hash : 0;
}

uint64_t weft_sim_steps(void)
{
	return sim ? sim->steps : 0;
}

uint32_t weft_sim_faults(uint32_t faults)
{
	uint32_t before;

	if (!sim)
		return 0;
	before = sim->faults;
	sim->faults = faults & WEFT_SIM_ALL;
	return before;
}

int weft_sim_sleep(uint64_t ns)
{
	WEFT_RETURN_IF(!sim, -ENOSYS);
	op_wait(0, ns > UINT64_MAX - 1 - sim->now_ns ? UINT64_MAX - 1 : sim->now_ns + ns);
	return 0;
}

int weft_sim_thread_start(void *(*fn)(void *user), void *user, uint64_t *ret_thread)
{
	uintptr_t thread;
	int r;

	WEFT_RETURN_IF(!fn || !ret_thread, -EINVAL);
	WEFT_RETURN_IF(!sim, -ENOSYS);
	r = op_start("thread", fn, user, &thread);
	if (r == 0)
		*ret_thread = thread;
	return r;
}

void weft_sim_thread_join(uint64_t thread)
{
	if (sim && thread)
		op_join((uintptr_t)thread);
}

void weft_sim_local(void *at, size_t bytes)
{
	weft__sim_local(at, bytes);
}
