/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/calibrate.h - which ef gives which recall on the rows that are there.
 *
 * A sample of queries is answered exactly and then with one ef after another; how much of the exact answer each
 * found is kept. A search that asks for recall=0.95 takes the smallest ef that found so much and a little more. Done
 * after the graph is ready, again when it has grown by half, and once more when enough is known of what is asked:
 * one query after each write, all of them in a sweep.
 *
 * The queries: at first made from stored rows, half of them a row with noise (like the data), half between two rows
 * (off-topic, harder). How hard real ones are differs by ten times in ef between data sets, so now and then
 * a search leaves its own behind, and those are used as soon as there is a whole sample of them.
 */
#ifndef WEFT_STORE_VECTOR_CALIBRATE_H
#define WEFT_STORE_VECTOR_CALIBRATE_H

#include "store/vector/vector.h"

#define WEFT__CALIBRATE_EFS 12u
#define WEFT__CALIBRATE_K 10u
#define WEFT__CALIBRATE_QUERIES 128u

struct weft__calibration {
	struct weft__lock turn;
	_Atomic(uint32_t) rows;                        /* in the graph when it was done last; 0: never */
	_Atomic(uint32_t) found[WEFT__CALIBRATE_EFS];  /* by that one, in millionths of what there was to find */
	uint32_t asked;                                /* queries of the one that runs; under turn, like what follows */
	uint32_t wanted, got[WEFT__CALIBRATE_EFS];
	uint64_t seed;
	bool uses_kept;                                /* the one that runs; under turn */
	_Atomic(uint32_t) from_kept;                   /* the last one that was done */
	float *kept;                                   /* owned, of searches: WEFT__CALIBRATE_QUERIES of length 1; NULL: none yet */
	uint32_t kept_next;                            /* the place of the next one */
	_Atomic(uint32_t) is_full;                     /* all places are taken; the oldest goes next */
};

/* The ef for a search of k rows; a guess while nothing was measured. */
uint32_t weft__calibrate_ef(weft_index *index, float recall, uint32_t k);
/* After a search that asked for a recall: what it asked for, now and then. s holds its query. */
void weft__calibrate_keep(weft_index *index, struct weft__searcher *s);
/* After a write, with no lock held and outside of the grace counters: ask one query, if there is need. */
void weft__calibrate_step(weft_index *index, struct weft__searcher *s);
/* The same until there is no need any more. */
void weft__calibrate_all(weft_index *index, struct weft__searcher *s);

#endif
