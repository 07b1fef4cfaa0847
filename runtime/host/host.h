/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/host/host.h - what ports, futures and guests share: helping while waiting.
 */
#ifndef WEFT_RUNTIME_HOST_HOST_H
#define WEFT_RUNTIME_HOST_HOST_H

#include <weft/port.h>

#include "runtime/actor/core.h"

/* What a waiter says between any two tasks. */
enum weft__progress {
	WEFT__NOT_YET = 0,
	WEFT__ENOUGH, /* something is there: go on only with work that is at hand */
	WEFT__ALL     /* stop */
};

/* Cheap. */
typedef enum weft__progress (*weft__done_fn)(void *what);

/*
 * Run actors on this foreign thread until done, until there is nothing to do for a
 * while, or until the deadline. Does nothing when no guest place is free. The
 * caller then sleeps, if it still has to.
 */
void weft__help(uint32_t rt_slot, weft__done_fn done, void *what, uint64_t deadline_ns);

/* May this thread wait? 0, or -EDEADLK on a worker, inside an actor, or in a function that answers. */
int weft__may_wait(void);

#endif
