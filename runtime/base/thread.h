/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/thread.h - the one seam to threads: starting, joining, and waiting.
 *
 * Whatever in the runtime waits for another thread waits here (or in the I/O loop, or
 * in weft__cpu_relax), so that a simulation can run all threads on one. Short
 * critical sections under a mutex stay with pthread: nobody waits inside.
 */
#ifndef WEFT_RUNTIME_BASE_THREAD_H
#define WEFT_RUNTIME_BASE_THREAD_H

#include <stdint.h>

#include "runtime/base/atomic.h"

typedef struct weft__thread {
	uintptr_t id;
} weft__thread;

/* name: at most 15 characters; what fn returns is ignored. 0 or -EAGAIN, -ENOMEM. */
int weft__thread_start(const char *name, void *(*fn)(void *arg), void *arg, weft__thread *ret_thread);
/* Once for each thread that was started and not detached. */
void weft__thread_join(weft__thread thread);
/* Nobody will join it: it goes when fn returns. Not in a simulation. */
void weft__thread_detach(weft__thread thread);

/* Let others run: what is waited for is near, but not a few instructions away. */
void weft__thread_yield(void);
void weft__thread_pause(uint64_t ns);

/*
 * Sleep while *word is value, until somebody changes it and calls wake, or until
 * deadline_ns of weft_now_ns (UINT64_MAX: none). May return early.
 */
void weft__word_wait(_Atomic(uint32_t) *word, uint32_t value, uint64_t deadline_ns);
/* Wake all that sleep on word. */
void weft__word_wake(_Atomic(uint32_t) *word);

/* An eventfd: sleep until it is readable or deadline_ns has come. May return early. */
void weft__fd_wait(int fd, uint64_t deadline_ns);
/* Make it readable. 0 or -Exxx. */
int weft__fd_signal(int fd);

#endif
