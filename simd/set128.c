/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/set128.c - the kernels in 128 bits, built twice on x86: for what every CPU of the architecture has (SSE2;
 * NEON on arm64), and with -msse4.2 -mpopcnt.
 */
#include "simd/simd.h"

#if defined(WEFT__SET_SSE42)
#if defined(__SSE4_2__) && defined(__POPCNT__)
#define SET      sse42
#define SET_NAME "sse42"
#endif
#elif defined(__aarch64__)
#define SET      baseline
#define SET_NAME "neon"
#else
#define SET      baseline
#define SET_NAME "baseline"
#endif

#if defined(SET)
#include "simd/lanes128.h"

#include "simd/kernels.h"
#endif

#if !defined(WEFT__SET_SSE42)
const struct weft__simd *const weft__simd_baseline = &SET;
#elif defined(SET)
const struct weft__simd *const weft__simd_sse42 = &SET;
#else
const struct weft__simd *const weft__simd_sse42 = NULL;
#endif
