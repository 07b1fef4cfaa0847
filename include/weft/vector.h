/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/vector.h - arithmetic on vectors, with the widest instructions of this CPU.
 *
 * What an index (weft/index.h) is built on, for hosts that keep vectors of their own. The set of instructions is chosen
 * at the first call; the environment variable WEFT_SIMD can name a lesser one, of those that weft_vector_simd returns.
 *
 * Pointers need no alignment but that of their type; vectors may overlap unless it is said otherwise; nothing beyond
 * dims is read. A sum of floats is off by at most WEFT_VECTOR_ERROR(dims) of the sum of its terms' absolute values, while
 * that fits a float; NaN and Inf go through as in plain arithmetic. Results may differ in the last bits from one CPU to
 * another. Sums of bytes and bits are exact up to WEFT_VECTOR_DIMS_MAX.
 * All functions: Threads: any.   Blocks: never.   Allocates: never.   Not checked: NULL.
 *
 * Source: docs/internals/simd.md.
 */
#ifndef WEFT_VECTOR_H
#define WEFT_VECTOR_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

#define WEFT_VECTOR_DIMS_MAX 65536u /* of what is summed exactly */

/* How far off a sum of dims floats may be, in parts of the sum of its terms' absolute values. */
#define WEFT_VECTOR_ERROR(dims) (((double)(dims) / 8 + 8) / 16777216.0)

/** The instructions in use: "baseline", "sse42", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16"; "neon", "i8mm". Static. */
WEFT_API const char *weft_vector_simd(void);

/* ---- floats --------------------------------------------------------------- */

/** The sum of a[i] * b[i]. */
WEFT_API float weft_vector_dot(const float *a, const float *b, size_t dims);
/** The same of one query with four rows at once, which costs less than four calls. */
WEFT_API void weft_vector_dot4(const float *query, const float *const rows[4], size_t dims, float ret_dots[4]);
/** The squared distance: the sum of (a[i] - b[i])^2. */
WEFT_API float weft_vector_l2sq(const float *a, const float *b, size_t dims);
/** a . b / (|a| |b|), -1..1; 0 when one of them is zero, NaN when one is not finite. Huge and denormal values too. */
WEFT_API float weft_vector_cosine(const float *a, const float *b, size_t dims);
/** The length |v|. Huge and denormal values too. */
WEFT_API double weft_vector_norm(const float *v, size_t dims);
/** Scale v to length 1. @return 0, or -EINVAL: not finite, or of length zero; v is unchanged then. */
WEFT_API int weft_vector_normalise(float *v, size_t dims);

/* ---- 16 bits a value ------------------------------------------------------- */

/** IEEE halves, to the nearest; 65520 and more become Inf. The arrays must not overlap. */
WEFT_API void weft_vector_to_f16(const float *v, size_t dims, uint16_t *ret_values);
/** The upper halves of floats, to the nearest. The arrays must not overlap. */
WEFT_API void weft_vector_to_bf16(const float *v, size_t dims, uint16_t *ret_values);
/** Exact. The arrays must not overlap. */
WEFT_API void weft_vector_from_f16(const uint16_t *v, size_t dims, float *ret_values);
WEFT_API void weft_vector_from_bf16(const uint16_t *v, size_t dims, float *ret_values);
/** Summed as floats. Of bf16, values below 2^-126 may count as zero. */
WEFT_API float weft_vector_dot_f16(const uint16_t *a, const uint16_t *b, size_t dims);
WEFT_API float weft_vector_dot_bf16(const uint16_t *a, const uint16_t *b, size_t dims);
WEFT_API float weft_vector_cosine_f16(const uint16_t *a, const uint16_t *b, size_t dims);
WEFT_API float weft_vector_cosine_bf16(const uint16_t *a, const uint16_t *b, size_t dims);

/* ---- a byte a value --------------------------------------------------------- */

/**
 * A row in bytes: v[i] is (ret_codes[i] - 128) * scale, off by scale / 2 at most. Zero, below 2^-120 or not finite:
 * codes of 128 and scale 0.
 * @return scale
 */
WEFT_API float weft_vector_row_i8(const float *v, size_t dims, uint8_t *ret_codes);

typedef struct weft_vector_i8 {
	float scale;
	int32_t offset; /* what the 128 of the rows' codes add to a sum with this query */
} weft_vector_i8;

/** A query in bytes, signed. */
WEFT_API weft_vector_i8 weft_vector_query_i8(const float *v, size_t dims, int8_t *ret_codes);
/** The sums of query[i] * rows[k][i], exact; (sum - offset) * query's scale * row's scale is the dot product. */
WEFT_API void weft_vector_dot4_i8(const int8_t *query, const uint8_t *const rows[4], size_t dims, int32_t ret_sums[4]);

/* ---- bits, and the best of many ------------------------------------------------ */

/** In how many bits two rows of 64-bit words differ. */
WEFT_API uint64_t weft_vector_hamming(const uint64_t *a, const uint64_t *b, size_t words);

typedef struct weft_vector_hit {
	float score;
	uint32_t at; /* where it stands among the scores */
} weft_vector_hit;

/**
 * The k largest of count scores, best first; of equal ones those that come first; NaN never.
 * @param ret_hits  room for k
 * @return how many: k, or all that are no NaN
 */
WEFT_API uint32_t weft_vector_topk(const float *scores, uint32_t count, uint32_t k, weft_vector_hit *ret_hits);

WEFT_END_DECLS

#endif
