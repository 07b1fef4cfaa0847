/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/explore.h - runs a small concurrent program in every way there is.
 *
 * A model is two to four short threads over code of ours. The code is compiled once
 * more, as it stands, with the thread sanitizer's instrumentation, and linked with
 * tests/model/hooks.c instead of the sanitizer: each atomic operation and each plain
 * access comes by here. Threads are fibers on one real thread. Before each atomic
 * operation the explorer decides who goes on, and at each load which of the stores
 * that C11 allows it to see it sees (memory.h); it then comes back for the other
 * decisions until there are none left. What it finds: a broken assertion, a data
 * race on plain data, a use after free, threads that wait for each other.
 *
 * Two orders of operations that cannot tell the difference are run once (search.h).
 * Nothing else is left out: when explore() says true, there is no failing execution of
 * that model under the rules of memory.h. Why so: docs/internals/model-checking.md.
 *
 * A failure prints each step and a replay string: WEFT_MODEL_REPLAY=<string> runs just
 * that execution again.
 */
#ifndef WEFT_TESTS_MODEL_EXPLORE_H
#define WEFT_TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_THREADS_MAX 4

struct explore_model {
	const char *name;
	void (*init)(void);                        /* before each execution, alone */
	void (*thread[EXPLORE_THREADS_MAX])(void); /* NULL after the last */
	void (*check)(void);                       /* after each execution, alone; may be NULL */
	uint64_t executions_max;                   /* more are a failure; 0: five million */
	bool everything;                           /* no shortcuts: to see that they leave nothing out */
	bool quiet;
};

/* All executions of m. True when none failed; prints one line, or the failure. */
bool explore(const struct explore_model *m);

/* ---- for the code under test; between init and check ----------------------------------- */

/* This execution is wrong. */
_Noreturn void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define explore_assert(cond) ((cond) ? (void)0 : explore_fail("%s:%d: %s", __FILE__, __LINE__, #cond))

/* 1 for thread[0], and so on; 0 in init and check. */
unsigned explore_self(void);

/* A decision of the model's own: each of 0 .. below-1 is tried. */
unsigned explore_choose(unsigned below);

/*
 * An operation of the outside world (a lock, a futex, an eventfd) that is one step: waits until
 * ready(arg) and then goes on. ready looks only at what other steps on the same object change.
 * NULL: always ready. Orders nothing; see explore_release.
 */
void explore_step(const void *object, bool (*ready)(const void *arg), const void *arg, const char *what);

/* What a lock does: everything before release happens before what comes after acquire. */
void explore_release(const void *object);
void explore_acquire(const void *object);

/* A spin loop: does nothing until one of the words it read since the last time has changed. */
void explore_spin(void);
/*
 * A sleep with a time limit, and a step on object: goes on when ready(arg), when others did anything since the last
 * one, or when not everything it read since then was new.
 */
void explore_nap(const void *object, bool (*ready)(const void *arg), const void *arg, const char *what);

/* Memory that is watched: freed blocks stay freed until the execution ends. NULL never comes back. */
void *explore_alloc(size_t bytes, size_t alignment);
void explore_free(void *block);
/* Blocks that are allocated now. */
unsigned explore_blocks(void);

/* In init: what the trace calls this memory. name must live on. */
void explore_name(const void *at, size_t bytes, const char *name);

/* In init: a thread-local variable of the code under test, at most 8 bytes; each fiber has its own. */
void explore_thread_local(void *variable, size_t bytes);

#endif
