/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/memory.h - what the items of `weft bench --suite memory` share.
 *
 *   history.c   messages of rooms: append, read the last ones, many rooms
 *   recall.c    a store's search by meaning
 *   data.c      the sets of vectors: read from a folder, or made
 *
 * Each item makes what it works on, outside of the measured time, and checks what comes out: a wrong answer fails
 * it, and a search says its recall beside its time.
 */
#ifndef WEFT_BENCH_MEMORY_H
#define WEFT_BENCH_MEMORY_H

#include "bench/bench.h"
#include "tests/support/vectors.h"

#define MEMORY_TOP 10u /* nearest rows that a search is asked for */

struct memory_detail {
	const char *set;      /* of vectors, from the data folder; NULL: one that is made, of so many */
	uint32_t count, dims; /* rows (or messages, or rooms) and their dimensions */
	double aim;           /* recall to reach */
	double share;         /* of the rows that a filter allows; 0: no filter */
};

typedef void memory_item_fn(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);

memory_item_fn memory_history_append, memory_history_read, memory_rooms_add, memory_rooms_read, memory_room_bytes;
memory_item_fn memory_store_search;

/* ---- data.c ------------------------------------------------------------------------------- */

/* The item's vectors with at least MEMORY_TOP nearest rows a query; fewer of them with --quick. 0, or -1: out says why. */
int memory_set_open(const struct bench_options *opt, const struct bench_micro *self, struct vectors *ret, struct bench_outcome *out);

/* ---- what they share ------------------------------------------------------------------------ */

static inline const struct memory_detail *memory_detail(const struct bench_micro *self)
{
	return self->detail;
}

/* Iterations and warm-up, and memory at the start. */
void memory_begin(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);
/* One iteration: ops operations since start_ns; those of the warm-up are not counted. */
void memory_add(struct bench_outcome *out, uint32_t iteration, uint64_t start_ns, uint64_t ops);
/* Memory at the end; a negative r fails the item unless it said why itself. */
void memory_end(struct bench_outcome *out, int r);

#endif
