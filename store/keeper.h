/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/keeper.h - snapshots that nobody asks for: made when the log has grown by as much as was allowed.
 *
 * The log's thread notices, and starts a thread for the one snapshot, so that nobody who uses the store waits
 * for it. A log that grows by as much again meanwhile has that thread make another one. The next thread joins the last one; what is
 * left is joined when the store is closed, which a snapshot under way does not hold up: it gives up.
 */
#ifndef WEFT_STORE_KEEPER_H
#define WEFT_STORE_KEEPER_H

#include <stdbool.h>

#include <weft/durable.h>

#include "runtime/base/atomic.h"
#include "runtime/base/thread.h"

struct weft__keeper {
	weft__thread thread;
	_Atomic(uint32_t) state; /* keeper.c */
	bool started; /* thread is to be joined */
};

/* Of the log, on its thread. user: the store. */
void weft__keeper_grown(void *user);
/* The log is closed: nobody starts another one. */
void weft__keeper_join(struct weft__keeper *keeper);

#endif
