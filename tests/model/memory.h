/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/memory.h - shared memory as C11 describes it, not as this machine does it.
 *
 * Each atomic word keeps all its stores in one order. Each thread has a view: the oldest store of
 * each word that it may still read, and a clock of what happened before it. A store takes
 * along what its order says (release: the whole view), a load brings it in (acquire) and may
 * read any store that is not older than its view:
 *
 *     word      0  ->  1  ->  2  ->  3         stores, oldest to newest
 *                      ^             ^
 *                      view of T1    newest
 *
 * so that T1's load has three outcomes here. A store of T1 may take its place behind any of the three: the
 * machine may have been late with it. A read-modify-write follows the store that it read
 * directly. seq_cst operations on a word also share one view of it: none of them
 * reads what is older than the last of them read or wrote, or writes before that.
 *
 * A plain access is checked against all others: not ordered by the clocks and one of
 * them a write is a data race, which is a failure.
 *
 * This is C11 as repaired by RC11 (Lahav et al., 2017): a load does not read a store that
 * was not executed yet (no load buffering). In one corner it is stricter than C++20: the one order of the
 * seq_cst operations agrees with happens-before, as C11 says and as x86 and arm64 do.
 */
#ifndef WEFT_TESTS_MODEL_MEMORY_H
#define WEFT_TESTS_MODEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_THREADS 5 /* the explorer itself is 0 */

enum mem_kind {
	MEM_LOAD,
	MEM_STORE,
	MEM_XCHG,
	MEM_ADD,
	MEM_SUB,
	MEM_AND,
	MEM_OR,
	MEM_XOR,
	MEM_CAS,
	MEM_FENCE,
	MEM_SPIN, /* explore_spin, explore_nap */
	MEM_STEP, /* explore_step */
};

/* An operation that a thread is about to do; orders are those of __ATOMIC_*. */
struct mem_op {
	enum mem_kind kind;
	uint8_t bytes, order, order_failed;
	void *at;
	uint64_t operand, expected;
};

/* What came of it. */
struct mem_result {
	uint64_t value;  /* what was read */
	unsigned from;   /* the store that was read, as mem_last_store counts them */
	bool wrote;
	bool swapped;    /* CAS */
	unsigned behind; /* how many newer stores there are */
};

/* Forget everything: a new execution. */
void mem_reset(void);
/* Thread begins with what thread 0 has done; at the end thread 0 gets what all have done. */
void mem_thread_begin(unsigned thread);
void mem_join_all(void);

/*
 * Do op. choose(n) says which of n ways it goes, 0 being that of the newest store. unseen: a
 * store (mem_last_store), 0 for none; a read must see that or one executed later.
 */
struct mem_result mem_perform(unsigned thread, const struct mem_op *op, unsigned unseen,
                              unsigned (*choose)(unsigned below));
/* Is there a way for op? */
bool mem_is_possible(unsigned thread, const struct mem_op *op, unsigned unseen);
/* The store executed last. */
unsigned mem_last_store(void);

/* Words that thread loaded since the last mem_spin_done; has any of them a newer store than the one it read? */
bool mem_spin_ready(unsigned thread);
/* Would it perhaps find something else if it looked again? */
bool mem_nap_ready(unsigned thread);
/* Its next loads of those that have see it. */
void mem_spin_done(unsigned thread);

/* A plain access; a race or a freed block fails. */
void mem_plain(unsigned thread, const void *at, size_t bytes, bool write);

/* Edges that no atomic word carries: locks. */
void mem_release(unsigned thread, const void *object);
void mem_acquire(unsigned thread, const void *object);

void *mem_alloc(size_t bytes, size_t alignment);
void mem_free(unsigned thread, void *block);
unsigned mem_blocks(void);

/* "mailbox.head", or the address. Valid until the next call but three. */
const char *mem_name(const void *at);
void mem_name_add(const void *at, size_t bytes, const char *name);
void mem_names_forget(void);

#endif
