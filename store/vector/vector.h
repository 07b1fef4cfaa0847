/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/vector.h - what the files of the index share: the index itself, and a search's own memory.
 *
 *     index.c     put, delete, get, create       search.c  a search: which way, and its hits
 *     scan.c      the exact way                  walk.c    the nearly exact way, over the graph
 *     searcher.c  what a search needs            graph.c, build.c, sweep.c, reach.c, calibrate.c: the graph
 *
 * A search holds a place in the grace counters from its first look at a row to its last; a writer while it
 * holds numbers of rows that it did not lock. Searchers wait for nobody, see rows.h and graph.h.
 */
#ifndef WEFT_STORE_VECTOR_VECTOR_H
#define WEFT_STORE_VECTOR_VECTOR_H

#include <string.h>

#include "runtime/base/refs.h"
#include "simd/match.h"
#include "simd/simd.h"
#include "store/vector/rows.h"

#define WEFT__SEARCHERS_KEPT 32u

/* A row and its score. */
struct weft__near {
	float score;
	uint32_t row; /* in a pool with WEFT__NEAR_DONE set: looked behind already */
};
#define WEFT__NEAR_DONE (UINT32_C(1) << 31)

/* One search's memory, or one put's; kept between searches. */
struct weft__searcher {
	float *query;                 /* owned, one block with the next five: of length 1, padded with zeroes */
	int16_t *row_rests;           /* of a row that is put: what will be kept of query */
	uint8_t *row_codes;
	int8_t *codes;                /* of query */
	int8_t *probe;                /* of whatever row is compared with others */
	int8_t *ones;
	struct weft__query_i8 coded;  /* set when the index has codes */
	struct weft__near *pool;      /* owned, one block with candidates; best first */
	struct weft__near *candidates;
	uint32_t pool_count, pool_cap;
	uint16_t *stamps;             /* owned, one a row: equal to stamp when the row was seen in this walk */
	uint32_t stamps_cap;
	uint16_t stamp;
	uint32_t asked;               /* searches for a recall: weft__calibrate_keep */
	bool links;                   /* a put that links the row it makes: the graph was there when it began */
	struct weft__near *scanned;   /* owned: weft__searcher_scanned */
	uint32_t scanned_cap;
};

struct weft__graph;

struct weft_index {
	struct weft__grace grace;
	struct weft__rows rows;
	struct weft__items items;
	struct weft__lookup by_id, by_vector;
	_Atomic(struct weft__graph *) graph; /* owned; NULL: this index only scans, or still */
	struct weft__lock building; /* the one that makes it */
	const struct weft__simd *simd;
	const struct weft__match_kernels *match;
	weft_index_options opt; /* with the defaults filled in */
	void *map; /* owned, of the file it was opened from; NULL: none */
	size_t map_bytes;
	_Alignas(WEFT_CACHELINE) weft__refs refs;
	_Atomic(uint64_t) ids, live_rows; /* counters, by puts and deletes */
	_Atomic(uint64_t) by_graph, by_scan;
	_Atomic(struct weft__searcher *) idle[WEFT__SEARCHERS_KEPT]; /* owned */
};

static inline struct weft__graph *weft__index_graph(const weft_index *index)
{
	/* acquire: an empty graph at least */
	return weft__load_acquire(&((weft_index *)index)->graph);
}

/* ---- index.c -------------------------------------------------------------------------------------- */

/* with_graph: an empty one that is ready, whatever the kind; a graph that is not built yet is its own. */
int weft__index_create(const weft_index_options *opt, bool with_graph, weft_index **ret_index);

/* ---- searcher.c ----------------------------------------------------------------------------------- */

/* A searcher that holds this vector, of length 1; NULL: none yet. 0, -EINVAL (not finite, or zero), -ENOMEM. */
int weft__searcher_take(weft_index *index, const float *vector, struct weft__searcher **ret);
/* Room for a pool of ef, and for every row there is. 0 or -ENOMEM. */
int weft__searcher_ready(weft_index *index, struct weft__searcher *s, uint32_t ef);
/* It holds the vector of a row now. */
void weft__searcher_load(weft_index *index, struct weft__searcher *s, uint32_t row);
/* It holds this vector now. 0, -EINVAL. */
int weft__searcher_point(weft_index *index, struct weft__searcher *s, const float *vector);
void weft__searcher_give(weft_index *index, struct weft__searcher *s);
void weft__searcher_free(struct weft__searcher *s);
/* Room for so many; what was there is gone. NULL: out of memory. */
struct weft__near *weft__searcher_scanned(struct weft__searcher *s, uint32_t cap);

/* No row has been seen. */
static inline void weft__searcher_forget(struct weft__searcher *s)
{
	if (++s->stamp == 0) {
		memset(s->stamps, 0, s->stamps_cap * sizeof(*s->stamps));
		s->stamp = 1;
	}
}

/* Not seen before? It is now. Rows that came after the searcher was made ready are left out. */
static inline bool weft__searcher_is_new(struct weft__searcher *s, uint32_t row)
{
	bool is;

	if (row >= s->stamps_cap)
		return false;
	is = s->stamps[row] != s->stamp;
	s->stamps[row] = s->stamp; /* again or not: a branch here would be wrong half of the time */
	return is;
}

/* ---- search.c ------------------------------------------------------------------------------------- */

/* The best k so far, in the caller's array, best first, equal ones by id. */
struct weft__hits {
	weft_index_hit *hits;
	uint32_t count, k;
	const weft_index_filter *filter;
};

/* Would a row of this score still come in? */
static inline bool weft__hits_wants(const struct weft__hits *h, float score)
{
	return h->count < h->k || score >= h->hits[h->k - 1].score;
}

/* The items of a row that pass the filter. Between enter and leave. */
void weft__hits_offer(weft_index *index, struct weft__hits *h, uint32_t row, float score);

/* ---- scan.c ----------------------------------------------------------------------------------------- */

/* The best k of all rows that pass the filter, exactly. Between enter and leave. 0, -ENOMEM. */
int weft__scan_search(weft_index *index, struct weft__searcher *query, struct weft__hits *hits);

/* The cosine of a row to the query, as exactly as the index has it. */
float weft__score(const weft_index *index, const struct weft__searcher *query, uint32_t row);
/* It will be asked for. */
void weft__score_soon(const weft_index *index, uint32_t row);

#endif
