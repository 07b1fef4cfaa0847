/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping, in every way. Goal: a stop reaches a worker that falls asleep at that moment, the drain ends once, and
 * the last worker out ends the world only when no guest is inside. Method: the real sched.c, park.c, run.c
 * and guest.c; the world is a plain word that guests read and the end writes.
 */
#include <criterion/criterion.h>

#include "runtime/sched/sched.c"

#include "runtime/host/host.h"
#include "tests/model/workers.h"

static struct weft_runtime rt;
static uint32_t world;  /* plain: 1 until it is ended */
static uint32_t ended;

/* ---- what the scheduler calls, and does not matter here ----------------------------------- */

uint32_t weft__cpus_usable(int *ret_cpus, uint32_t max)
{
	for (uint32_t i = 0; i < max; i++)
		ret_cpus[i] = (int)i;
	return 1;
}

int weft__loop_open(weft_io_backend want, struct weft__loop **ret_loop, const char **ret_why)
{
	(void)want;
	(void)ret_loop;
	(void)ret_why;
	return -ENOSYS;
}

void weft__loop_close(struct weft__loop *loop)
{
	(void)loop;
}

void weft__loop_retire(struct weft__loop *loop)
{
	(void)loop;
}

const char *weft__loop_name(const struct weft__loop *loop)
{
	(void)loop;
	return "model";
}

void weft__log(const struct weft__log *log, weft_log_level level, const char *fmt, ...)
{
	(void)log;
	(void)level;
	(void)fmt;
}

void weft__msgcache_drain(struct weft__msgcache *cache)
{
	(void)cache;
}

int weft__thread_start(const char *name, void *(*fn)(void *arg), void *arg, weft__thread *ret_thread)
{
	(void)name;
	(void)fn;
	(void)arg;
	(void)ret_thread;
	return -EAGAIN;
}

void weft__thread_join(weft__thread thread)
{
	(void)thread;
}

uint64_t weft__entropy(void)
{
	return 1;
}

struct weft_runtime *weft__registry_enter(uint32_t slot)
{
	(void)slot;
	return NULL;
}

void weft__registry_leave(uint32_t slot)
{
	(void)slot;
}

void weft__timers_hand_over(struct weft__worker *w)
{
	(void)w;
}

/* ---- the model ----------------------------------------------------------------------------- */

static void halted(struct weft_runtime *of)
{
	(void)of;
	explore_assert(world == 1);
	world = 0;
	ended++;
}

static const struct weft__sched_hooks stop_hooks = { .requests_open = nothing_open, .halted = halted };

static void begin_with(uint32_t worker_count, uint32_t guest_count)
{
	sched_begin(worker_count);
	waits_begin();
	world = 1;
	ended = 0;
	sched.hooks = &stop_hooks;
	sched.guest_count = guest_count;
	sched.threads_started = worker_count;
	sched.started = true;
	memset(&rt, 0, sizeof(rt));
	for (uint32_t i = worker_count; i < worker_count + guest_count; i++) {
		workers[i].sched = &sched;
		workers[i].guest = true;
		workers[i].rt = &rt;
		weft__rng_seed(&workers[i].rng, i);
		weft__runq_init(&workers[i].runq);
		weft__inject_init(&workers[i].inject);
		weft__inject_init(&workers[i].inject_pinned);
		weft__inject_init(&workers[i].inject_timers);
		explore_name(&workers[i], sizeof(workers[i]), "guest");
		explore_name(&workers[i].active, sizeof(workers[i].active), "active");
	}
	for (uint32_t i = 0; i < worker_count; i++)
		loops[i].naps = guest_count > 0;
}

static void begin_one(void)
{
	begin_with(1, 0);
}

/* The stop is under way, and its deadline has passed. */
static void begin_two_late(void)
{
	begin_with(2, 0);
	weft__sched_stop(&sched, 0);
	stand_ins_time(1000);
}

static void begin_guest(void)
{
	begin_with(1, 1);
}

/* The clock goes on, past any deadline. */
static void begin_guest_late(void)
{
	begin_guest();
	stand_ins_time(1000);
}

static void be_worker(uint32_t id)
{
	work_as(id);
	leave(&workers[id]);
}

static void worker_0(void)
{
	be_worker(0);
}

static void worker_1(void)
{
	be_worker(1);
}

static void stops(void)
{
	weft__sched_stop(&sched, 1000); /* far away: the clock stands still */
}

static void stops_at_once(void)
{
	weft__sched_stop(&sched, 0); /* the deadline has passed: whatever is still to be done is not */
}

/* What a guest runs: all that counts here is that the world is there. */
static void look_at_world(struct weft__worker *w, struct weft__task *task)
{
	(void)w;
	(void)task;
	explore_assert(world == 1);
}

static void do_nothing(struct weft__worker *w, struct weft__task *task)
{
	(void)w;
	(void)task;
}

static enum weft__progress not_yet(void *what)
{
	(void)what;
	return WEFT__NOT_YET;
}

static void guest(void)
{
	struct weft__worker *w = &workers[1];

	weft__self = w;
	jobs[0].task.run = look_at_world;
	weft__schedule(w, &jobs[0].task);
	weft__help(0, not_yet, NULL, UINT64_MAX);
	weft__self = NULL;
}

static void ended_once(void)
{
	explore_assert(ended == 1);
	explore_assert(weft__load_relaxed(&sched.phase) == WEFT__PHASE_HALT);
	explore_assert(weft__load_relaxed(&sched.sleepers) == 0);
}

static void drained(void)
{
	ended_once();
	explore_assert(weft__load_relaxed(&sched.drained));
}

#define MODEL(about, first, last, ...)                                                                           \
	static const struct explore_model m = {                                                              \
		.name = "stop, " about, .init = first, .thread = { __VA_ARGS__ }, .check = last        \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_stop, one_worker__is_reached_when_it_falls_asleep)
{
	MODEL("1 worker", begin_one, drained, worker_0, stops);
}

Test(model_stop, two_workers__the_last_one_out_ends_the_world)
{
	MODEL("2 workers", begin_two_late, ended_once, worker_0, worker_1);
}

/* The worker halts between two tasks, and leaves without another look. */
static void begin_busy(void)
{
	begin_guest_late();
	weft__sched_stop(&sched, 0);
	jobs[1].task.run = do_nothing;
	weft__runq_push(&workers[0].runq, &jobs[1].task);
}

Test(model_stop, world__has_no_guest_inside_when_a_busy_worker_halts)
{
	MODEL("guest, busy worker", begin_busy, ended_once, worker_0, guest);
}

/* The largest by far, and the last by name: what a smaller one finds is found before it. */
Test(model_stop, world__has_no_guest_inside_when_it_ends)
{
	MODEL("guest", begin_guest_late, ended_once, worker_0, guest, stops_at_once);
}
