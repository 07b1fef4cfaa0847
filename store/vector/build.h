/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/build.h - from a scan to a graph, a few rows after each put.
 *
 *     BEGUN ----------> CATCH UP ---------------> LAST ----------> READY
 *     each new row      each put also links       whoever still    searches
 *     is linked         some of the old ones      links finishes   may use it
 *
 * A put that began before the graph was there leaves its row unlinked: so the old rows are gone through after a
 * grace period. Each of them is linked under its vector's lock, as a put does it, by whoever sets LINKED first.
 */
#ifndef WEFT_STORE_VECTOR_BUILD_H
#define WEFT_STORE_VECTOR_BUILD_H

#include "store/vector/vector.h"

enum weft__build_stage {
	WEFT__BUILD_BEGUN = 0,
	WEFT__BUILD_CATCH_UP,
	WEFT__BUILD_LAST,
	WEFT__BUILD_READY
};

struct weft__build {
	struct weft__lock turn;
	_Atomic(uint32_t) stage; /* written under turn */
	uint32_t cursor, end;    /* rows of CATCH UP; under turn */
	uint64_t stamp;
};

/* After a put, with no lock held and outside of the grace counters: begin, or go on. */
void weft__build_step(weft_index *index, struct weft__searcher *s);
/* Until the graph that was begun is ready. Waits for searches and puts that run. 0 or -ENOMEM. */
int weft__build_all(weft_index *index, struct weft__searcher *s);

#endif
