/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/keeper.c - the thread that makes snapshots. state says whether there is one, and whether the log has grown again since it
 * began: only a thread that nobody has told so ends.
 */
#include "store/keeper.h"

#include "store/log/wal.h"
#include "store/store.h"

enum { IDLE, AT_WORK, AGAIN };

static void *keeper_main(void *arg)
{
	weft_store *store = arg;
	uint32_t was;

	do {
		weft__store_relaxed(&store->keeper.state, (uint32_t)AT_WORK); /* relaxed: what has grown is in the log, under its lock */
		weft__snapshot_make(store, true);                             /* how it went is in the log's statistics */
		was = AT_WORK;
		/* release: all of it was before the join that sees this */
	} while (!weft__cas_acq_rel(&store->keeper.state, &was, (uint32_t)IDLE));
	return NULL;
}

void weft__keeper_join(struct weft__keeper *keeper)
{
	if (keeper->started)
		weft__thread_join(keeper->thread);
	keeper->started = false;
}

void weft__keeper_grown(void *user)
{
	weft_store *store = user;
	struct weft__keeper *k = &store->keeper;
	uint32_t state = AT_WORK;
	int r;

	/* acquire: IDLE is the last that the thread wrote; it ends at once, and is joined without a wait */
	if (weft__cas_acq_rel(&k->state, &state, (uint32_t)AGAIN) || state == AGAIN)
		return;
	weft__keeper_join(k);
	weft__store_relaxed(&k->state, (uint32_t)AT_WORK); /* relaxed: of the thread that does not run yet */
	r = weft__thread_start("weft-snapshot", keeper_main, store, &k->thread);
	k->started = r == 0;
	if (r < 0) { /* after as much again it is tried again */
		weft__store_relaxed(&k->state, (uint32_t)IDLE); /* relaxed: there is no thread */
		weft__wal_snapshot_ended(store->wal, r, 0);
	}
}
