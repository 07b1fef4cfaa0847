/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/set128.c - the kernels in 128 bits, built three times: for what every CPU of the architecture has (SSE2; NEON on
 * arm64), with -msse4.2 -mpopcnt, and with arm64's multiplication of bytes.
 */
#include "simd/simd.h"

#if defined(WEFT__SET_SSE42)
#define POINTER weft__simd_sse42
#if defined(__SSE4_2__) && defined(__POPCNT__)
#define SET      sse42
#define SET_NAME "sse42"
#endif
#elif defined(WEFT__SET_I8MM)
#define POINTER weft__simd_i8mm
#if defined(__ARM_FEATURE_MATMUL_INT8)
#define SET      i8mm
#define SET_NAME "i8mm"
#endif
#else
#define POINTER weft__simd_baseline
#define SET     baseline
#if defined(__aarch64__)
#define SET_NAME "neon"
#else
#define SET_NAME "baseline"
#endif
#endif

#if defined(SET)
#include "simd/lanes128.h"

#include "simd/kernels.h"

const struct weft__simd *const POINTER = &SET;
#else
const struct weft__simd *const POINTER = NULL;
#endif
