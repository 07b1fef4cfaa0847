/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/match.h - which of 64 numbers are what is asked for: a bit each, for filters over columns.
 *
 * `wanted` says which are asked at all; the others' bits are 0. A kernel may read them nevertheless, and throws
 * away what it read: they must be readable, and may be written meanwhile. (A build with thread sanitizer takes the
 * plain ones, which do not read them.)
 * v needs the alignment of its type. Threads: any. Tests: tests/unit/simd/test_match.c.
 */
#ifndef WEFT_SIMD_MATCH_H
#define WEFT_SIMD_MATCH_H

#include <stdint.h>

struct weft__match_kernels {
	uint64_t (*equal64)(const uint64_t v[64], uint64_t key, uint64_t wanted);
	uint64_t (*within64)(const int64_t v[64], int64_t min, int64_t max, uint64_t wanted); /* both ends in */
	uint64_t (*any64)(const uint64_t v[64], uint64_t of, uint64_t wanted); /* a bit of `of` is set */
	uint64_t (*all64)(const uint64_t v[64], uint64_t of, uint64_t wanted); /* every bit of `of` is set */
};

/* For this CPU, as weft__simd() has it. */
const struct weft__match_kernels *weft__match_kernels(void);

/* Each, for dispatch and tests; those of a set that the build has not are plain. */
extern const struct weft__match_kernels weft__match_scalar, weft__match_avx2, weft__match_avx512;

#endif
