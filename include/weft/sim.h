/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/sim.h - run actors, host threads and a whole runtime on one thread, from a seed.
 *
 * Between weft_sim_begin and weft_sim_end this process has a simulated machine under
 * it: a runtime's workers are stacks that take turns on the calling thread, and the seed
 * decides who runs next, what time it is, and what goes wrong. The runtime is the same
 * code, the calls are the same calls. The same seed and program give the same run, which
 * weft_sim_hash proves; another seed gives another one.
 *
 *     weft_sim_begin(&opt);            opt.seed = 42
 *     weft_runtime_create(...); weft_runtime_start(rt); ... as always ...
 *     weft_future_wait_until(...)      meanwhile the workers run
 *     weft_runtime_stop(rt, ns); weft_runtime_join(rt); weft_runtime_destroy(rt);
 *     weft_sim_end();
 *
 * Threads change places only where one waits, sends a wake-up, or a worker looks around between
 * two activations: an activation by itself is not interrupted. Time passes at those
 * places, and leaps when everybody sleeps, so an hour of timers takes milliseconds.
 *
 * For tests and tools. One simulation a process at a time, and no other thread may use
 * weft meanwhile. What a run depends on besides the seed (memory that an earlier
 * simulation of the process left in pools, for one) is the caller's affair: a fresh
 * process a seed, as `weft sim` does it, depends on nothing.
 *
 * Source: docs/decisions/0006-simulation.md.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* What may go wrong. The seed decides which of those allowed do, and how often. */
enum {
	WEFT_SIM_ALLOC = 1u << 0,  /* memory is not to be had */
	WEFT_SIM_THREAD = 1u << 1, /* threads and I/O loops cannot be made */
	WEFT_SIM_CLOCK = 1u << 2,  /* time leaps forward (a suspended machine), the wall clock back too */
	WEFT_SIM_EARLY = 1u << 3,  /* waits end early, for no reason */
	WEFT_SIM_IO = 1u << 4,     /* short reads and writes, EAGAIN, EIO, ENOSPC, failed syncs; connections refused and broken */
	WEFT_SIM_ALL = (1u << 5) - 1
};

typedef struct weft_sim_options {
	uint32_t size;      /* set by WEFT_SIM_OPTIONS_INIT */
	uint32_t faults;    /* WEFT_SIM_*: what may go wrong from the beginning */
	uint64_t seed;
	uint64_t steps_max; /* more steps are a failure: something goes on for ever; 0 = 10,000,000 */
	/*
	 * The run cannot go on: all threads wait for each other, or steps_max is over. Called
	 * on the stack of the thread that noticed, with a line of text. Must not return:
	 * exit, or fail the test. Required.
	 */
	void (*stuck)(const char *why, void *user);
	/* Gets a line for each step, for a human eye; may be NULL. */
	void (*trace)(const char *line, void *user);
	void *user;
} weft_sim_options;

#define WEFT_SIM_OPTIONS_INIT                                                                              \
	{                                                                                                  \
		.size = sizeof(weft_sim_options)                                                           \
	}

/** The machine is simulated from here. @return 0, -EINVAL, -EBUSY (it is already), -ENOMEM. */
WEFT_API int weft_sim_begin(const weft_sim_options *opt);
/** The machine is itself again. @return 0, -EINVAL (it was not simulated), -EBUSY (a simulated thread has not ended). */
WEFT_API int weft_sim_end(void);
WEFT_API bool weft_sim_is_on(void);

/* From any simulated thread; outside of a simulation they do nothing and give 0. */

/** A choice of the seed: 0 .. below-1. below must not be 0. */
WEFT_API uint64_t weft_sim_choose(uint64_t below);
/** Something happened that a replay must see again: it goes into the hash. */
WEFT_API void weft_sim_note(uint64_t what);
/** All choices and notes so far, in their order. */
WEFT_API uint64_t weft_sim_hash(void);
/** How often a thread was chosen so far. */
WEFT_API uint64_t weft_sim_steps(void);
/** Change what may go wrong (WEFT_SIM_*). @return what might until now */
WEFT_API uint32_t weft_sim_faults(uint32_t faults);
/** Others run for ns of simulated time. @return 0, or -ENOSYS outside of a simulation */
WEFT_API int weft_sim_sleep(uint64_t ns);

/**
 * A foreign thread, simulated: fn runs beside the caller and the workers, and may use weft
 * as any thread of a host. It ends when fn returns and must be joined once.
 * @return 0, -EINVAL, -ENOSYS, -ENOMEM, -EAGAIN (64 threads there are)
 */
WEFT_API int weft_sim_thread_start(void *(*fn)(void *user), void *user, uint64_t *ret_thread);
WEFT_API void weft_sim_thread_join(uint64_t thread);

/**
 * at is a thread-local variable: each simulated thread shall have its own, zeros at first.
 * To be told in every simulation, once or more. Does nothing outside of one.
 */
WEFT_API void weft_sim_local(void *at, size_t bytes);

/*
 * The disk of a simulation, which is there as long as the process: what a store is opened on inside of one. A
 * folder needs no making there, and a name has at most 63 bytes.
 */

/**
 * All files are closed and every operation fails from here on, until go_on. power: what was not synced
 * is lost, or torn, as the seed says; else the process alone has died, and nothing is lost.
 */
WEFT_API void weft_sim_disk_stop(bool power);
WEFT_API void weft_sim_disk_go_on(void);
WEFT_API void weft_sim_disk_clear(void);
/** Turn one bit of a file over, for good. @return false: it has no such bit */
WEFT_API bool weft_sim_disk_flip(const char *name, uint64_t bit);

WEFT_END_DECLS

#endif
