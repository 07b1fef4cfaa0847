/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/races.h - who touched which byte when, and whether that was allowed.
 *
 * Each thread counts its releases; a clock says how far of each thread's count somebody
 * knows. An access is stamped with its thread's count; a later one of another thread that
 * knows less than the stamp is not ordered after it. Of two such, one plain and one a write,
 * C11 says that the program means nothing.
 *
 * Also the memory that models allocate: blocks out of one arena, each with a gap
 * behind it, never given out twice in one execution, so that every use after free is seen.
 */
#ifndef WEFT_TESTS_MODEL_RACES_H
#define WEFT_TESTS_MODEL_RACES_H

#include "tests/model/memory.h"

struct mem_clock {
	uint16_t at[MEM_THREADS];
};

static inline void mem_clock_join(struct mem_clock *to, const struct mem_clock *from)
{
	for (unsigned i = 0; i < MEM_THREADS; i++) {
		if (from->at[i] > to->at[i])
			to->at[i] = from->at[i];
	}
}

void races_reset(void);
void races_plain(unsigned thread, const struct mem_clock *now, const void *at, size_t bytes, bool write);
void races_atomic(unsigned thread, const struct mem_clock *now, const void *at, size_t bytes, bool write);
void races_free(unsigned thread, const struct mem_clock *now, void *block);

#endif
