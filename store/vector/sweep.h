/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/sweep.h - taking dead rows out of the graph, a slice of work after each write.
 *
 *     IDLE -> CONDEMN -> WAIT -> REPAIR -> (retire) -> REACH -> ATTACH -> IDLE
 *
 * A row whose last id is gone is dead: searches walk through it and do not return it. When there are enough of
 * them, a sweep begins:
 *
 *   CONDEMN  marks the dead: their vector is no longer theirs to be found by, and nothing new may lead to them.
 *            The entry moves to a row that stays.
 *   WAIT     until all writers have left that may not have seen the marks.
 *   REPAIR   each row that leads to a condemned one gets the best of that one's neighbours instead. Then nothing
 *            leads to a condemned row, and all of them retire; readers on them go on.
 *   REACH    walks the ground floor from the entry.
 *   ATTACH   every row the walk missed is led to from the row nearest to it.
 *
 * REACH and ATTACH also run when the graph has grown by half: choosing neighbours may cut a row off, rarely.
 * One thread sweeps at a time; the others go past. No slice waits for anything but row locks.
 */
#ifndef WEFT_STORE_VECTOR_SWEEP_H
#define WEFT_STORE_VECTOR_SWEEP_H

#include "store/vector/vector.h"

enum weft__sweep_stage {
	WEFT__SWEEP_IDLE = 0,
	WEFT__SWEEP_CONDEMN,
	WEFT__SWEEP_WAIT,
	WEFT__SWEEP_REPAIR,
	WEFT__SWEEP_REACH,
	WEFT__SWEEP_ATTACH
};

struct weft__sweep {
	struct weft__lock turn;    /* of what follows */
	_Atomic(uint32_t) stage;   /* read without it, to go past quickly */
	_Atomic(uint32_t) checked; /* rows linked when reachability was checked last */
	uint32_t cursor, end;      /* rows of this stage; REACH and ATTACH: of the bits below */
	uint32_t doomed;           /* chain of the condemned rows */
	uint32_t doomed_count, slice;
	uint64_t stamp;
	uint64_t best_entry;       /* of the rows that stay */
	uint64_t *reached;         /* owned, REACH and ATTACH: a bit a row */
	uint32_t *queue;           /* owned, the same: rows to look behind */
	uint32_t queue_at, queue_count;
};

/* After a write, with no lock held and outside of the grace counters: some work, if there is any. */
void weft__sweep_step(weft_index *index, struct weft__searcher *s);
/* All of it, from condemning whatever is dead now. Waits for readers. 0 or -ENOMEM. */
int weft__sweep_all(weft_index *index, struct weft__searcher *s);

/* The sweep that runs is ended, and none begins until the turn is given back. 0 or -ENOMEM. */
int weft__sweep_hold(weft_index *index, struct weft__searcher *s);

/* ---- reach.c: the last two stages -------------------------------------------------------------- */

/* False: no memory for it, try another time. */
bool weft__reach_begin(weft_index *index, struct weft__sweep *w);
/* Look behind at most n rows. True: done. */
bool weft__reach_walk(weft_index *index, struct weft__sweep *w, uint32_t n);
/* Go past at most n rows, and attach the missed ones. True: done. The searcher is ready. */
bool weft__reach_attach(weft_index *index, struct weft__sweep *w, struct weft__searcher *s, uint32_t n);
void weft__reach_end(struct weft__sweep *w);

#endif
