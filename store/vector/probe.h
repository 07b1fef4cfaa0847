/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/probe.h - the scores of many rows to one vector: codes where there are any, floats else, four rows
 * at a time, their memory asked for before it is needed.
 */
#ifndef WEFT_STORE_VECTOR_PROBE_H
#define WEFT_STORE_VECTOR_PROBE_H

#include "store/vector/vector.h"

struct weft__probe {
	const float *vector; /* or: */
	const int8_t *codes;
	struct weft__query_i8 coded;
};

static inline struct weft__probe weft__probe_of_searcher(const struct weft__searcher *s)
{
	return (struct weft__probe){ .vector = s->query, .codes = s->codes, .coded = s->coded };
}

/* A stored row as a probe; its codes, made signed, are in the searcher until the next one. */
struct weft__probe weft__probe_of_row(const weft_index *index, struct weft__searcher *s, uint32_t row);

/* Approximate cosines. table: weft__slab_table, loaded after the rows' numbers were learnt. */
void weft__probe_score(const weft_index *index, char *const *table, const struct weft__probe *p, const uint32_t *rows,
                       uint32_t n, float *ret);

#endif
