/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/simd.h - the kernels of semantic memory, and nothing else.
 *
 * The kernels are written once (kernels.h) over a vocabulary of registers (lanes128.h, lanes256.h, lanes512.h), and
 * compiled once an instruction set; dispatch.c chooses at the first call by what the CPU has.
 * WEFT_SIMD=baseline|sse42|avx2|avxvnni|avx512|avx512vnni|avx512bf16, on arm64 neon|i8mm, overrides, downwards only.
 *
 * Types: f32; f16 (IEEE half) and bf16 (the upper half of an f32), both stored as uint16_t, with f32 sums; bytes as
 * quantise.c makes them; bits in words of 64.
 * Errors: a float sum is off by at most WEFT__SIMD_ERROR(n) of the sum of its terms' absolute values, and by 2^-149
 * a term where terms are too small to be normal (bf16: 2^-126, such values may count as zero). NaN and Inf go through
 * as in plain arithmetic; which NaN comes out is not said. Sums of bytes and bits are exact for n <= 65536.
 * Sets differ in the last bits, since they add in other orders; one set always gives the same.
 * Pointers need no alignment but that of their type, rows may overlap, n may be anything, and nothing beyond n is read.
 * Threads: any. Tests: tests/unit/simd, every set that the machine has, against wider sums.
 */
#ifndef WEFT_SIMD_SIMD_H
#define WEFT_SIMD_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include <weft/vector.h>

/* At least 8 sums run side by side, and each addition rounds: n / 8 of them, then those that bring the sums together. */
#define WEFT__SIMD_ERROR(n) WEFT_VECTOR_ERROR(n)

struct weft__simd {
	const char *name; /* as WEFT_SIMD has it */

	/* sum of a[i] * b[i] */
	float (*dot_f32)(const float *a, const float *b, size_t n);
	float (*dot_f16)(const uint16_t *a, const uint16_t *b, size_t n);
	float (*dot_bf16)(const uint16_t *a, const uint16_t *b, size_t n);
	/* sum of q[i] * codes[i]: the query is signed, codes are not; quantise.c says what they stand for */
	int32_t (*dot_i8)(const int8_t *q, const uint8_t *codes, size_t n);

	/* sum of q[i] * ((codes[i] - 128) * 65536 + rests[i]): rows of 24 bits in two parts, see weft__quantise_fine */
	float (*dot_fine)(const float *q, const uint8_t *codes, const int16_t *rests, size_t n);

	/* dot of q with 4 rows at once: each value of q is loaded once */
	void (*dot4_f32)(const float *q, const float *const rows[4], size_t n, float ret[4]);
	void (*dot4_f16)(const uint16_t *q, const uint16_t *const rows[4], size_t n, float ret[4]);
	void (*dot4_bf16)(const uint16_t *q, const uint16_t *const rows[4], size_t n, float ret[4]);
	void (*dot4_i8)(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4]);

	/* sum of (a[i] - b[i])^2; of codes with one scale for i8 */
	float (*l2sq_f32)(const float *a, const float *b, size_t n);
	float (*l2sq_f16)(const uint16_t *a, const uint16_t *b, size_t n);
	float (*l2sq_bf16)(const uint16_t *a, const uint16_t *b, size_t n);
	uint32_t (*l2sq_i8)(const uint8_t *a, const uint8_t *b, size_t n);

	/* a . b, a . a and b . b in one reading: a cosine and both norms */
	void (*products_f32)(const float *a, const float *b, size_t n, float ret[3]);
	void (*products_f16)(const uint16_t *a, const uint16_t *b, size_t n, float ret[3]);
	void (*products_bf16)(const uint16_t *a, const uint16_t *b, size_t n, float ret[3]);

	/* the bits in which a and b differ */
	uint64_t (*hamming)(const uint64_t *a, const uint64_t *b, size_t words);

	/* the largest |v[i]|; Inf or NaN when one of them is that */
	float (*largest_f32)(const float *v, size_t n);
	/* the first i with low <= v[i] <= high, or n; a NaN is never inside */
	size_t (*inside_f32)(const float *v, size_t n, float low, float high);
	/* the first i that is not inside, or n */
	size_t (*outside_f32)(const float *v, size_t n, float low, float high);
	/* ret[i] = v[i] * per, rounded to the nearest, + zero; |v[i] * per| <= 127 */
	void (*encode_i8)(const float *v, size_t n, float per, uint8_t zero, uint8_t *ret);
};

/* The kernels for this CPU. */
const struct weft__simd *weft__simd(void);

/* The sets that are built and that this CPU can run, weakest first; NULL past the last. For tests and benches. */
const struct weft__simd *weft__simd_at(unsigned index);

/* Ask for the bytes of a row that is read soon: a few cache misses at once instead of one after the other. */
static inline void weft__prefetch(const void *row, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 64)
		__builtin_prefetch((const char *)row + at);
}

/* ---- derived.c: what is made from them ---------------------------------------------------- */

/*
 * a . b / (|a| |b|), within -1..1; 0 when either is the zero vector, NaN when either has a value that is not finite.
 * Off by at most 2 * WEFT__SIMD_ERROR(n). Huge and denormal values are right too.
 */
float weft__cosine_f32(const float *a, const float *b, size_t n);
float weft__cosine_f16(const uint16_t *a, const uint16_t *b, size_t n);
float weft__cosine_bf16(const uint16_t *a, const uint16_t *b, size_t n);

/* |v|, also where |v|^2 is no float. */
double weft__norm_f32(const float *v, size_t n);

/*
 * Scale v to length 1. 0, or -EINVAL: not finite, or of length zero; v is untouched then.
 * Huge and denormal vectors normalise too.
 */
int weft__normalise_f32(float *v, size_t n);

/* ---- halves.c: values of 16 bits ----------------------------------------------------------- */

/* To the nearest, ties to even; NaN stays NaN; f16 has no more than 65504, beyond (from 65520) is Inf. */
void weft__f16_from_f32(const float *v, size_t n, uint16_t *ret);
void weft__bf16_from_f32(const float *v, size_t n, uint16_t *ret);
/* Exact. */
void weft__f16_to_f32(const uint16_t *v, size_t n, float *ret);
void weft__bf16_to_f32(const uint16_t *v, size_t n, float *ret);

/* ---- quantise.c: a byte a value -------------------------------------------------------- */

/*
 * A row as codes: v[i] is about (codes[i] - 128) * scale, off by scale / 2 at most (and a rounding of v[i]), and scale
 * is the largest |v[i]| / 127. All zeros, smaller than 2^-120, or anything not finite: codes of 128, scale 0.
 * Returns scale.
 */
float weft__quantise_row(const float *v, size_t n, uint8_t *ret_codes);

struct weft__query_i8 {
	float scale;
	int32_t offset; /* 128 * the sum of its codes: what the rows' codes add to a dot product */
};

/* A query as signed codes of the same kind. */
struct weft__query_i8 weft__quantise_query(const float *v, size_t n, int8_t *ret_codes);

/*
 * The dot product that an integer one stands for. For rows and query of length 1 it is off by at most
 * (row_scale + query.scale) / 2 * sqrt(n) + n / 4 * row_scale * query.scale; typically a twentieth of that.
 */
static inline float weft__i8_score(int32_t dot, struct weft__query_i8 query, float row_scale)
{
	return (float)(dot - query.offset) * query.scale * row_scale;
}

/* ---- quantise.c: 24 bits a value, of which a byte is enough to search by ------------------ */

#define WEFT__FINE_STEPS (127 * 65536) /* what the largest value of a row is */

/*
 * A row as codes, which are those of weft__quantise_row, and as what those leave over: v[i] is
 * ((codes[i] - 128) * 65536 + rests[i]) * largest / WEFT__FINE_STEPS, off by half a step at most: 6.01e-8 of largest. A dot product
 * is off by the sum of |q[i]| times that, so with q of length 1 by sqrt(n) * 6.01e-8 * largest at most, and by 3.5e-8 * largest in the root
 * mean square: less than what adding floats up is off by. rests may be NULL: the codes alone.
 * What comes out of weft__fine_to_f32 gives the same codes, rests and largest again.
 * Nothing to tell apart (see above): codes of 128, rests of 0, and 0. Returns largest, of all |v[i]|.
 */
float weft__quantise_fine(const float *v, size_t n, uint8_t *ret_codes, int16_t *ret_rests);
/* rests may be NULL. */
void weft__fine_to_f32(const uint8_t *codes, const int16_t *rests, float largest, size_t n, float *ret);

/* As weft__i8_score, for a row of weft__quantise_fine. */
static inline float weft__code_score(int32_t dot, struct weft__query_i8 query, float largest)
{
	return weft__i8_score(dot, query, largest * (1 / 127.0f));
}

/* The dot product that one of weft__simd.dot_fine stands for. */
static inline float weft__fine_score(float dot, float largest)
{
	return dot * (largest * (1.0f / WEFT__FINE_STEPS));
}

/* ---- topk.c: the best of many scores ------------------------------------------------------- */

/*
 * The best k so far: higher scores first, of equal ones the lower id; NaN never. Owned by one thread.
 * A heap with the worst on top; scores that cannot get in are passed over a register at a time.
 */
struct weft__topk {
	weft_vector_hit *best; /* the caller's, room for k */
	uint32_t k, count;
};

static inline struct weft__topk weft__topk_begin(weft_vector_hit *best, uint32_t k)
{
	return (struct weft__topk){ .best = best, .k = k };
}

/* Offer n scores; ids[i] is the id (a hit's `at`) of scores[i], or first_id + i where ids is NULL. */
void weft__topk_offer(struct weft__topk *t, const float *scores, size_t n, const uint32_t *ids, uint32_t first_id);

/* Put them in order, best first; returns how many. Nothing is offered after that. */
uint32_t weft__topk_end(struct weft__topk *t);

/* All three: the best k of n scores into ret; returns how many, which is less than k when there are too few. */
uint32_t weft__topk(const float *scores, const uint32_t *ids, size_t n, uint32_t k, weft_vector_hit *ret);

/* ---- the sets, for dispatch; NULL where the build has none ---------------------------------- */

extern const struct weft__simd *const weft__simd_baseline; /* always there */
extern const struct weft__simd *const weft__simd_sse42;
extern const struct weft__simd *const weft__simd_i8mm;
extern const struct weft__simd *const weft__simd_avx2;
extern const struct weft__simd *const weft__simd_avxvnni;
extern const struct weft__simd *const weft__simd_avx512;
extern const struct weft__simd *const weft__simd_avx512vnni;
extern const struct weft__simd *const weft__simd_avx512bf16;

#endif
