/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/simd.h - the kernels of semantic memory, and nothing else.
 *
 * Each kernel exists once an instruction set (scalar.c, avx2.c, avx512.c, written with
 * simde); dispatch.c chooses at the first call by what the CPU has. WEFT_SIMD=
 * scalar|avx2|avx512 overrides, downwards only.
 *
 * Errors: sums are kept in 16 or more partial sums, so the relative error of a dot
 * product is at most n / 8 * 2^-24 of the sum of absolute products. NaN and Inf go
 * through as in plain arithmetic. Pointers need no alignment; n may be anything.
 * Threads: any. Tests: tests/unit/simd/test_simd.c, against doubles.
 */
#ifndef WEFT_SIMD_SIMD_H
#define WEFT_SIMD_SIMD_H

#include <stddef.h>
#include <stdint.h>

struct weft__simd {
	const char *name; /* "scalar", "avx2", "avx512" */
	/* sum of a[i] * b[i] */
	float (*dot_f32)(const float *a, const float *b, size_t n);
	/* dot of q with 4 rows at once: each value of q is loaded once */
	void (*dot4_f32)(const float *q, const float *const rows[4], size_t n, float ret[4]);
	/* sum of (a[i] - b[i])^2 */
	float (*l2sq_f32)(const float *a, const float *b, size_t n);
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

/* The sets, for dispatch and tests; NULL where the build has none. */
extern const struct weft__simd weft__simd_scalar;
extern const struct weft__simd *const weft__simd_avx2;
extern const struct weft__simd *const weft__simd_avx512;

#endif
