/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/memory.h - what the items of `weft bench --suite memory` share.
 *
 *   history.c   messages of rooms: append, read the last ones or those of a time, many rooms
 *   log.c       durable stores: commits beside a bare loop of writes, opening
 *   recall.c    a store's search by meaning
 *   search.c    an index: built, searched exactly, at a recall, through a filter; its bytes
 *   change.c    an index that changes: rows replaced, repeated, read while it is written
 *   saved.c     an index saved and opened
 *   index.c     what those three share
 *   kernels.c   arithmetic on vectors, by the level of the cache that holds them
 *   data.c      the sets of vectors: read from a folder, or made
 *
 * Each item makes what it works on, outside of the measured time, and checks what comes out: a wrong answer fails
 * it, and a search says its recall beside its time.
 */
#ifndef WEFT_BENCH_MEMORY_H
#define WEFT_BENCH_MEMORY_H

#include "bench/bench.h"
#include "tests/support/vectors.h"

#define MEMORY_SEED UINT64_C(20250101) /* of sets that are made; bench/peers/vectors/sets.c has it, too */
#define MEMORY_TOP 10u /* nearest rows that a search is asked for */

struct memory_detail {
	const char *set;      /* of vectors, from the data folder; NULL: one that is made, of so many */
	uint32_t count, dims; /* rows (or messages, or rooms) and their dimensions */
	uint32_t kept;        /* messages of a room; 0: all */
	double aim;           /* recall to reach */
	uint32_t percent;     /* of the rows, that a filter allows; 0: no filter */
	bool codes_only;      /* no floats are kept */
	bool strange;         /* queries that have little to do with the rows */
	bool of_room;         /* one room's memories are asked for */
	const struct memory_kernel *kernel; /* what is measured, over rows of dims values in so much memory */
	uint32_t kib;
};

typedef void memory_item_fn(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);

memory_item_fn memory_history_append, memory_history_read, memory_history_range, memory_rooms_add, memory_rooms_read,
        memory_room_bytes;
memory_item_fn memory_log_commit, memory_log_bare, memory_log_recover;
memory_item_fn memory_store_search, memory_store_recall, memory_store_open;
memory_item_fn memory_exact, memory_build, memory_search, memory_search_chosen, memory_filter, memory_bytes;
memory_item_fn memory_delete, memory_replace, memory_repeated, memory_mixed_alone, memory_mixed, memory_mixed_write;
memory_item_fn memory_save, memory_open;
memory_item_fn memory_kernels, memory_topk, memory_validate;

/* kernels.c: four rows a call; one by one; lengths too; two bytes a value, one, and a bit. */
extern const struct memory_kernel memory_kernel_f32, memory_kernel_one, memory_kernel_cosine;
extern const struct memory_kernel memory_kernel_f16, memory_kernel_bf16, memory_kernel_i8, memory_kernel_bits;

/* ---- data.c ------------------------------------------------------------------------------- */

/* The item's vectors, fewer of them with --quick; nearest rows may not be known. 0, or negative: out may say why. */
int memory_set_read(const struct bench_options *opt, const struct bench_micro *self, struct vectors *ret, struct bench_outcome *out);
/* The same with at least MEMORY_TOP nearest rows a query. */
int memory_set_open(const struct bench_options *opt, const struct bench_micro *self, struct vectors *ret, struct bench_outcome *out);

/* ---- what they share ------------------------------------------------------------------------ */

static inline const struct memory_detail *memory_detail(const struct bench_micro *self)
{
	return self->detail;
}

/* A new folder below TMPDIR, or /tmp: a file system in memory has nothing to tell of disks. 0 or -errno */
int memory_folder_make(char *ret_folder, size_t size);
/* With the files in it. */
void memory_folder_remove(const char *path);
/* Iterations and warm-up, and memory at the start. */
void memory_begin(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);
/* One iteration: ops operations since start_ns; those of the warm-up are not counted. */
void memory_add(struct bench_outcome *out, uint32_t iteration, uint64_t start_ns, uint64_t ops);
/* Memory at the end; a negative r fails the item unless it said why itself. */
void memory_end(struct bench_outcome *out, int r);

/* ---- index.c -------------------------------------------------------------------------------- */

struct memory_index {
	struct vectors v;
	weft_index *index;
	weft_index_query query;   /* ef and filter of the next searches */
	weft_index_filter filter;
	uint64_t window_ns;       /* of searches that are timed, an iteration */
};

/* The item's vectors and an empty index for them; judged: with their nearest rows, which may have to be found. 0, or negative: out may say why. */
int memory_index_open(const struct bench_options *opt, const struct bench_micro *self, weft_index_kind kind, bool judged,
                      struct memory_index *ret, struct bench_outcome *out);
void memory_index_close(struct memory_index *m);
/* Rows from .. to-1 by so many threads, ids as rows. */
int memory_index_fill(struct memory_index *m, uint32_t from, uint32_t to, uint32_t threads);
/* An index and all rows in it, as fast as this machine does that. */
int memory_index_ready(const struct bench_options *opt, const struct bench_micro *self, weft_index_kind kind, bool judged,
                       struct memory_index *ret, struct bench_outcome *out);
/* A row is allowed by chance, the same for everybody (bench/peers/vectors/harness.h). */
bool memory_is_allowed(uint32_t row, uint32_t percent);
/* The nearest of a query. @return how many, or negative */
int memory_ask(const struct memory_index *m, uint32_t query, weft_index_hit *ret_hits);
/* The share of right answers to all queries, or negative. */
double memory_recall(const struct memory_index *m);
/* Set ef to the least that reaches the recall, or to a wider one that is faster. 0, or -1: out says what was reached instead. */
int memory_find_ef(struct memory_index *m, double aim, struct bench_outcome *out);
/* Search by so many threads, a window an iteration; the recall of it all goes to out. 0 or negative */
int memory_time_searches(struct memory_index *m, uint32_t threads, struct bench_outcome *out);

/* Threads that a search or a build uses: as many as were asked for, or one. */
static inline uint32_t memory_threads(const struct bench_options *opt)
{
	return opt->workers ? opt->workers : 1;
}

#endif
