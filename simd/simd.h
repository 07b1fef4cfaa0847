/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/simd.h - the kernels of semantic memory, and nothing else.
 *
 * Each kernel exists once an instruction set (scalar.c, avx2.c, avx512.c, written with
 * simde; avx512.c is built twice, without VNNI and with it); dispatch.c chooses at the first
 * call by what the CPU has. WEFT_SIMD=scalar|avx2|avx512|avx512vnni overrides, downwards only.
 *
 * Errors: sums are kept in 16 or more partial sums, so the relative error of a dot
 * product is at most n / 8 * 2^-24 of the sum of absolute products. NaN and Inf go
 * through as in plain arithmetic. The i8 kernels are exact for n <= 65536.
 * Pointers need no alignment; n may be anything.
 * Threads: any. Tests: tests/unit/simd/test_simd.c, against doubles.
 */
#ifndef WEFT_SIMD_SIMD_H
#define WEFT_SIMD_SIMD_H

#include <stddef.h>
#include <stdint.h>

struct weft__simd {
	const char *name; /* "scalar", "avx2", "avx512", "avx512vnni" */
	/* sum of a[i] * b[i] */
	float (*dot_f32)(const float *a, const float *b, size_t n);
	/* dot of q with 4 rows at once: each value of q is loaded once */
	void (*dot4_f32)(const float *q, const float *const rows[4], size_t n, float ret[4]);
	/* sum of (a[i] - b[i])^2 */
	float (*l2sq_f32)(const float *a, const float *b, size_t n);
	/* sum of q[i] * codes[i]: the query is signed, codes are not; quantise.c says what they stand for */
	int32_t (*dot_i8)(const int8_t *q, const uint8_t *codes, size_t n);
	/* the same with 4 rows at once */
	void (*dot4_i8)(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4]);
};

/* The kernels for this CPU. */
const struct weft__simd *weft__simd(void);

/* a . b / (|a| |b|); 0 when either is the zero vector. */
float weft__cosine_f32(const float *a, const float *b, size_t n);

/*
 * Scale v to length 1. 0, or -EINVAL: not finite, or of length zero; v is untouched then.
 * Lengths are taken in doubles: huge and denormal vectors normalise too.
 */
int weft__normalise_f32(float *v, size_t n);

/* ---- quantise.c: a byte a value -------------------------------------------------------- */

/*
 * A row as codes: v[i] is about (codes[i] - 128) * scale, off by scale / 2 at most, and scale is the largest
 * |v[i]| / 127. All zeros, or anything not finite: codes of 128, scale 0. Returns scale.
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

/* The sets, for dispatch and tests; NULL where the build has none. */
extern const struct weft__simd weft__simd_scalar;
extern const struct weft__simd *const weft__simd_avx2;
extern const struct weft__simd *const weft__simd_avx512;
extern const struct weft__simd *const weft__simd_avx512vnni;

#endif
