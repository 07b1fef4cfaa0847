/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/loops.h - which I/O loop to use: a worker's, or the process's own.
 *
 * What talks to the outside lives on one loop and in that loop's thread for its whole life; other threads
 * reach it by weft__loop_post. A loop of a runtime is open until the runtime is destroyed, and refuses posts
 * (-ESHUTDOWN) once its worker has gone.
 */
#ifndef WEFT_RUNTIME_LOOPS_H
#define WEFT_RUNTIME_LOOPS_H

#include <stdint.h>

#include <weft/runtime.h>

struct weft__loop;

/* The loop whose thread this is: a worker's or the own one. NULL on guests and foreign threads. */
struct weft__loop *weft__loop_here(void);

/* That of worker n modulo their number. Of a runtime that was started; NULL when it could not be. */
struct weft__loop *weft__loop_of(weft_runtime *rt, uint32_t n);

/* The loop of this thread when it is one of rt's, else they come by turns. As weft__loop_of. */
struct weft__loop *weft__loop_any(weft_runtime *rt);

/*
 * The one loop of this process that has a thread of its own, for calls without a runtime. The first call starts it. NULL:
 * there is no memory, descriptor or thread for it now, or the machine is simulated. It ends with the process. A
 * child after fork starts another one with its first call.
 */
struct weft__loop *weft__loop_own(void);

#endif
