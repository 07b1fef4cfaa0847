/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/calibrate.h - which ef gives which recall on the rows that are there.
 *
 * A sample of queries, made from stored rows, is answered exactly and then with one ef after another; how much of
 * the exact answer each found is kept. A search that asks for recall=0.95 takes the smallest ef that found so much
 * and a little more. Done after the graph is ready and again when it has grown by half, one query after each write.
 *
 * The queries: half of them a row with noise (like the data), half between two rows (off-topic, harder).
 */
#ifndef WEFT_STORE_VECTOR_CALIBRATE_H
#define WEFT_STORE_VECTOR_CALIBRATE_H

#include "store/vector/vector.h"

#define WEFT__CALIBRATE_EFS 12u
#define WEFT__CALIBRATE_K 10u

struct weft__calibration {
	struct weft__lock turn;
	_Atomic(uint32_t) rows;                        /* in the graph when it was done last; 0: never */
	_Atomic(uint32_t) found[WEFT__CALIBRATE_EFS];  /* by that one, in millionths of what there was to find */
	uint32_t asked;                                /* queries of the one that runs; under turn, like what follows */
	uint32_t wanted, got[WEFT__CALIBRATE_EFS];
	uint64_t seed;
};

/* The ef for a search of k rows; a guess while nothing was measured. */
uint32_t weft__calibrate_ef(weft_index *index, float recall, uint32_t k);
/* After a write, with no lock held and outside of the grace counters: ask one query, if there is need. */
void weft__calibrate_step(weft_index *index, struct weft__searcher *s);

#endif
