/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/bias.h - a lock that costs its owner two plain stores and one load.
 *
 * For words that one thread uses all the time and others nearly never: a worker's LIFO
 * slot, which a thief may take when its worker sits in a long activation. Each side stores
 * its own word and loads the other's, so a full fence has to lie between the two:
 *
 *     owner   inside = 1       (A1)            thief   claimed = 1      (A2)
 *             light fence      (A1f)                   heavy fence      (A2f)
 *             claimed? wait    (A1')                   inside? wait     (A2')
 *             ...                                      ...
 *             inside = 0       (A3)                    claimed = 0      (A4)
 *
 * A locked instruction costs the owner 5 ns each time. Here the thief pays for both: membarrier(2) makes each
 * running thread of the process execute a full fence, at whatever instruction it is, for microseconds of the
 * thief's time. So the light fence only keeps the compiler from reordering. Either the owner's
 * fence lies before A1, then A1' sees the claim, or behind it, then A2' sees the owner. Where the
 * kernel has no membarrier, or a sandbox forbids it, both fences are real ones.
 *
 *   field     written by    read by
 *   inside    the owner     thieves
 *   claimed   thieves       the owner, thieves
 *
 * Which calls may overlap (X):     enter, leave   claim, release
 *   enter, leave: the owner             -               X
 *   claim, release: any thread          X               X
 *
 * Invariant: the owner between enter and leave, or one thief between claim and release, never two of them.
 * Linearization: enter at A1' that sees no claim; claim at A2' that sees nobody. Progress: each waits for the
 * other while it is inside, which is a few instructions, unless it was preempted there. An owner that finds a claim steps
 * back, a thief does not: both stepping back could go on for ever. A second thief is sent away. Does not nest. Memory: the words live as long as their worker.
 *
 * Source: D. Dice, M. Moir, W. Scherer, "Quickly Reacquirable Locks", 2003; membarrier(2).
 * Tests: tests/model/test_bias.c, test_steal.c, test_outbox.c, tests/stress/test_bursts.c.
 */
#ifndef WEFT_RUNTIME_BASE_BIAS_H
#define WEFT_RUNTIME_BASE_BIAS_H

#include "runtime/base/atomic.h"

struct weft__bias {
	_Atomic(uint32_t) inside;
	_Atomic(uint32_t) claimed;
};

/* Before the first lock is used. Any thread, any number of times. */
void weft__bias_init(void);

#ifdef WEFT_MODEL
static inline void weft__fence_light(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void weft__fence_heavy(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}
#else
/* Set once, before there are workers: the kernel makes fences for us. */
extern bool weft__fence_by_kernel;

static inline void weft__fence_light(void)
{
	if (__builtin_expect(weft__fence_by_kernel, 1))
		atomic_signal_fence(memory_order_seq_cst);
	else
		atomic_thread_fence(memory_order_seq_cst);
}

void weft__fence_heavy(void);
#endif

/* The owner. */
static inline void weft__bias_enter(struct weft__bias *bias)
{
	for (;;) {
		weft__store_relaxed(&bias->inside, 1u); /* A1; ordered by the fence */
		weft__fence_light();
		/* A1' acquire: what the last thief did, A4 */
		if (__builtin_expect(!weft__load_acquire(&bias->claimed), 1))
			return;
		weft__store_relaxed(&bias->inside, 0u); /* relaxed: nothing was done inside */
		while (weft__load_relaxed(&bias->claimed)) /* relaxed: looked at again */
			weft__spin();
	}
}

static inline void weft__bias_leave(struct weft__bias *bias)
{
	weft__store_release(&bias->inside, 0u); /* A3 -> A2': what the owner did inside */
}

/* A thief. False: another one is at it. */
static inline bool weft__bias_claim(struct weft__bias *bias)
{
	uint32_t nobody = 0;

	if (!weft__cas_acq_rel(&bias->claimed, &nobody, 1u)) /* A2; acquire: what the last thief did, A4 */
		return false;
	weft__fence_heavy();
	while (weft__load_acquire(&bias->inside)) /* A2' */
		weft__spin();
	return true;
}

static inline void weft__bias_release(struct weft__bias *bias)
{
	weft__store_release(&bias->claimed, 0u); /* A4 -> A1', A2: what the thief did */
}

#endif
