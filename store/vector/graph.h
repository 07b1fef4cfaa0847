/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/graph.h - HNSW over the rows: each row leads to a few near ones that lie in different directions.
 *
 *     floor 2        a ------------------- f              entry: the row on the top floor
 *     floor 1        a ------- c --------- f    h         m links a row, in blocks of their own
 *     ground floor   a - b - c - d - e - f - g - h        2m links a row, beside the rows (rows.h)
 *
 * A list of links is an array of words, ended by WEFT__NONE when it is not full. A search goes down greedily
 * and spreads out on the ground floor, best first, keeping the ef best in one sorted pool.
 *
 * Readers take no lock. Each link is a word that names a row whose contents are there (L1), so a list that is read
 * while it changes is a mix of old and new links, all of them good. A row becomes reachable when its own lists are
 * complete, and first on the ground floor (L2): nobody gets stuck on it.
 *
 * | word                  | written by                                | read by |
 * |-----------------------|-------------------------------------------|---------|
 * | links, before L1      | who puts the row in                       | nobody  |
 * | links, after          | the holder of the row's lock              | all     |
 * | entry                 | the holder of the entry's lock            | all     |
 *
 * L1 release when a link is stored -> acquire when it is loaded: vector, codes, scale and lists of the row it names.
 * A row that is taken out (sweep.c) is reused when nothing leads to it and a grace period is over.
 * One row's lock is held at a time, and nothing is waited for meanwhile.
 * Source: Malkov and Yashunin, 2016; docs/internals/vector.md. Tests: tests/api/test_index.c, tests/stress/test_index.c.
 */
#ifndef WEFT_STORE_VECTOR_GRAPH_H
#define WEFT_STORE_VECTOR_GRAPH_H

#include "store/vector/build.h"
#include "store/vector/calibrate.h"
#include "store/vector/sweep.h"

#define WEFT__GRAPH_LOCKS 1024u
#define WEFT__GRAPH_FLOORS 12u /* above the ground floor, at most */
#define WEFT__LINKS_MAX (2 * WEFT_INDEX_M_MAX)

struct weft__graph {
	_Atomic(uint64_t) entry; /* row, and its top floor << 32; WEFT__GRAPH_EMPTY */
	struct weft__lock entry_lock;
	struct weft__slab uppers; /* blocks of m links; a row has one a floor, in a row */
	_Atomic(uint32_t) linked; /* rows in the graph, dead ones too */
	_Atomic(uint32_t) dead;   /* of them, without an id, and not condemned yet */
	struct weft__build build;
	struct weft__sweep sweep;
	struct weft__calibration calibration;
	struct weft__lock locks[WEFT__GRAPH_LOCKS]; /* of the rows' lists, by number */
};

#define WEFT__GRAPH_EMPTY UINT64_MAX

/* A list of links. */
struct weft__links {
	_Atomic(uint32_t) *words;
	uint32_t cap;
};

/* An empty one, for the index to take. 0 or -ENOMEM. */
int weft__graph_create(weft_index *index, struct weft__graph **ret_graph);
void weft__graph_destroy(struct weft__graph *graph);

/* May searches use it? */
static inline bool weft__graph_is_ready(const struct weft__graph *g)
{
	/* acquire: every row's links */
	return weft__load_acquire(&((struct weft__graph *)g)->build.stage) == WEFT__BUILD_READY;
}

/*
 * Put a row in whose vector the searcher holds; its head need not be there yet. Nothing happens when it is in.
 * The searcher is ready for ef_construction. Between enter and leave.
 */
void weft__graph_link(weft_index *index, struct weft__searcher *s, uint32_t row);

/* More neighbours for a row of whose list little stays. The same conditions, and the searcher's vector changes. */
void weft__graph_relink(weft_index *index, struct weft__searcher *s, uint32_t row);

/* The nearest rows that pass, as a walk with ef finds them. The searcher is ready. Between enter and leave. */
void weft__graph_search(weft_index *index, struct weft__searcher *s, uint32_t ef, struct weft__hits *hits);

/* The ef nearest rows to the searcher's vector, in its pool; dead ones too. Between enter and leave. */
void weft__graph_walk(weft_index *index, struct weft__searcher *s, uint32_t ef);

/* The same, from the entry and over the ground floor alone, as reachability is meant. False: the graph is empty. */
bool weft__graph_walk_ground(weft_index *index, struct weft__searcher *s, uint32_t ef);

/* ---- shared by the graph's files ---------------------------------------------------------------- */

struct weft__links weft__graph_links(const weft_index *index, uint32_t row, uint32_t floor);
/* Under the row's lock, or before it is published. The first: how many there are. */
uint32_t weft__graph_read(struct weft__links links, uint32_t *ret_rows);
void weft__graph_write(struct weft__links links, const struct weft__near *near, uint32_t n);

static inline _Atomic(uint32_t) *weft__graph_state(const weft_index *index, uint32_t row)
{
	return weft__row_state(&index->rows, weft__slab_chunk(&index->rows.slab, row), row);
}

static inline bool weft__graph_is_condemned(const weft_index *index, uint32_t row)
{
	/* acquire: who entered after the sweep's stamp sees the mark */
	return weft__load_acquire(weft__graph_state(index, row)) & WEFT__ROW_CONDEMNED;
}

/* Down to this floor, and the ef nearest there in the pool. False: the graph is empty. */
bool weft__graph_descend(weft_index *index, struct weft__searcher *s, uint32_t floor, uint32_t ef);
/* From what is in the pool, the ef nearest on this floor. */
void weft__graph_spread(weft_index *index, struct weft__searcher *s, uint32_t floor, uint32_t ef);

/*
 * Of candidates, nearest first, the ones that are nearer to the base than to any chosen before: at most max.
 * Their scores are those to the base. The chosen come first in their order; how many.
 */
uint32_t weft__graph_choose(weft_index *index, struct weft__searcher *s, struct weft__near *candidates, uint32_t count,
                            uint32_t max);

/* Is a row nearer to one of the chosen than its score says it is to the base? */
bool weft__graph_is_behind(weft_index *index, struct weft__searcher *s, struct weft__near row,
                           const struct weft__near *chosen, uint32_t n);

/* The scores of rows to a row, which becomes the searcher's probe. */
void weft__graph_score_from(weft_index *index, struct weft__searcher *s, uint32_t from, const uint32_t *rows, uint32_t n,
                            float *ret);
void weft__graph_sort(struct weft__near *near, uint32_t count);

static inline struct weft__lock *weft__graph_lock(struct weft__graph *g, uint32_t row)
{
	return &g->locks[row % WEFT__GRAPH_LOCKS];
}

#endif
