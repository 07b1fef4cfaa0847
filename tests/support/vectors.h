/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/vectors.h - sets of vectors with queries whose nearest rows are known: read from a folder in the layout
 * of tests/data, or made from a seed.
 *
 * Rows and queries are normalised, so a cosine is a dot product. Tests read them here, and so do the memory suite of
 * `weft bench` and the programs it is compared with: all see the same numbers.
 */
#ifndef WEFT_TESTS_SUPPORT_VECTORS_H
#define WEFT_TESTS_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An answer is right when its true cosine is at least the k-th one less this: sets have near duplicates. */
#define VECTORS_TIE 1e-5

struct vectors_meta { /* of one row; as it is stored */
	uint64_t time_ms;
	uint32_t source; /* which note */
	uint16_t room;
	uint16_t kind; /* 0: a whole note, 1: a part of one */
};

struct vectors {
	uint32_t count, query_count, dims;
	uint32_t truth_k;                       /* nearest rows known of each query; 0: none */
	float *rows, *queries;                  /* normalised, one after another */
	uint32_t *truth_ids;                    /* truth_k a query, best first; VECTORS_NONE behind the last where there are fewer */
	float *truth_scores;
	struct vectors_meta *meta, *query_meta; /* one a row; NULL: the set has none */
};

#define VECTORS_NONE UINT32_MAX

/**
 * Read FOLDER/SET. All of *ret is owned by the caller.
 * @param why  names the file and what is wrong with it; may be NULL
 * @return 0, -ENOENT (no such set there), -EBADMSG (not what the format says), another -errno
 */
int vectors_load(struct vectors *ret, const char *folder, const char *set, char *why, size_t why_size);

/**
 * Make a set: rows in clusters of uneven size whose numbers depend on few dimensions, as those of embeddings do. The same
 * seed gives the same set. Without truth. @return 0, -ENOMEM
 */
int vectors_make(struct vectors *ret, uint32_t count, uint32_t query_count, uint32_t dims, uint64_t seed);

/**
 * Let five rows stand in the place of every second one, as memories do that are kept again and again. What the truth was no
 * longer holds.
 */
void vectors_repeat(struct vectors *v, uint64_t seed);

/* Turn the queries halfway to nowhere, as those are that have little to do with what is kept. What the truth was no longer holds. */
void vectors_stray(struct vectors *v, uint64_t seed);

/* Two rows trade their vectors. What the truth was no longer holds. */
void vectors_swap(struct vectors *v, uint32_t a, uint32_t b);

/* NULL is fine, and so is a zeroed one. */
void vectors_free(struct vectors *v);

/* Which rows count; NULL: all. */
typedef bool (*vectors_allows)(const struct vectors *v, uint32_t row, void *user);

/**
 * Compute the k nearest rows of each query anew, among those allowed, by a double loop in double precision.
 * @return 0, -ENOMEM
 */
int vectors_find_truth(struct vectors *v, uint32_t k, vectors_allows allows, void *user);

/* The cosine of a row and a query, in double precision. */
double vectors_cosine(const struct vectors *v, uint32_t row, uint32_t query);

/**
 * How many of the k ids found for a query are right. VECTORS_NONE and ids past the end are wrong, and so is one that comes
 * twice. That a filter allows them is the caller's to check. @param k  at most truth_k
 */
uint32_t vectors_right(const struct vectors *v, uint32_t query, const uint32_t *ids, uint32_t k);

/* How many there are to find: k, or fewer where not so many rows are allowed. */
uint32_t vectors_wanted(const struct vectors *v, uint32_t query, uint32_t k);

static inline const float *vectors_row(const struct vectors *v, uint32_t row)
{
	return v->rows + (size_t)row * v->dims;
}

static inline const float *vectors_query(const struct vectors *v, uint32_t query)
{
	return v->queries + (size_t)query * v->dims;
}

/* splitmix64, for what follows from a seed. */
static inline uint64_t vectors_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#ifdef __cplusplus
}
#endif

#endif
