/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/lock.h - a mutex of four bytes, for tables that want hundreds of them.
 *
 * Zeroed is unlocked. A waiter spins a little, then sleeps on the word:
 *
 *     0 free   1 held   2 held, and somebody may sleep
 *
 * Whoever slept takes it as 2, since others may sleep still; so at worst one wake is for
 * nobody, and none is lost. Threads: any; not recursive.
 */
#ifndef WEFT_STORE_VECTOR_LOCK_H
#define WEFT_STORE_VECTOR_LOCK_H

#include "runtime/base/assert.h"
#include "runtime/base/thread.h"

#define WEFT__LOCK_SPINS 100

struct weft__lock {
	_Atomic(uint32_t) word;
};

static inline bool weft__lock_try(struct weft__lock *lock)
{
	uint32_t free = 0;

	return weft__cas_acq_rel(&lock->word, &free, 1);
}

static inline void weft__lock_take(struct weft__lock *lock)
{
	for (int i = 0; i < WEFT__LOCK_SPINS; i++) {
		if (weft__lock_try(lock))
			return;
		weft__cpu_relax();
	}
	while (weft__xchg_acq_rel(&lock->word, 2))
		weft__word_wait(&lock->word, 2, UINT64_MAX);
}

static inline void weft__lock_give(struct weft__lock *lock)
{
	uint32_t was = weft__xchg_acq_rel(&lock->word, 0);

	WEFT_ASSERT(was != 0);
	if (was == 2)
		weft__word_wake(&lock->word);
}

#endif
