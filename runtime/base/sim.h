/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/sim.h - the one seam between the runtime and a simulated machine.
 *
 * weft__sim is NULL on a real machine. In a simulation (runtime/sim) it is a table of what
 * the machine does otherwise: threads, waiting, chance. Code of the runtime never
 * asks for it by itself: it calls thread.h, clock.h, rng.h, alloc.h and loop.h, which
 * do, outside of every hot path.
 *
 * Set and cleared while one thread uses weft, so a plain pointer does.
 */
#ifndef WEFT_RUNTIME_BASE_SIM_H
#define WEFT_RUNTIME_BASE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft__sim_ops {
	/* Chance: 0 .. n-1; n must not be 0. */
	uint64_t (*below)(uint64_t n);
	/* Shall this go wrong now? fault: one WEFT_SIM_* of weft/sim.h. */
	bool (*fault)(uint32_t fault);

	/* Another thread may run now; nothing else. */
	void (*point)(void);
	/* As point, and called so often that most calls do nothing: tests/sim/interrupt.c. */
	void (*interrupt)(void);
	/* Another thread should run: this one waits for what only another can do. */
	void (*yield)(void);
	/*
	 * Sleep until somebody wakes key or until_ns has come; it may return early. Nobody
	 * runs between the caller's look at what it waits for and this call.
	 */
	void (*wait)(uintptr_t key, uint64_t until_ns);
	void (*wake)(uintptr_t key);

	/* 0, -ENOMEM, -EAGAIN. */
	int (*start)(const char *name, void *(*fn)(void *arg), void *arg, uintptr_t *ret_thread);
	void (*join)(uintptr_t thread);
	/* at: a thread-local variable, zeros in each new thread; told once or more. */
	void (*local)(void *at, size_t bytes);
	uint32_t cpus;
};

extern const struct weft__sim_ops *weft__sim;

static inline bool weft__sim_is_on(void)
{
	return __builtin_expect(weft__sim != NULL, 0);
}

/* Where a simulation may switch threads although nobody waits. */
static inline void weft__sim_point(void)
{
	if (weft__sim_is_on())
		weft__sim->point();
}

/* Each simulated thread has its own *at. Cheap, and nothing outside of a simulation. */
static inline void weft__sim_local(void *at, size_t bytes)
{
	if (weft__sim_is_on())
		weft__sim->local(at, bytes);
}

#endif
