/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/set256.c - the kernels in 256 bits, built twice: with -mavx2 -mfma -mf16c, and with -mavxvnni too, the
 * multiplication of bytes of CPUs that have no AVX-512.
 */
#include "simd/simd.h"

#if defined(WEFT__SET_AVXVNNI)
#define POINTER weft__simd_avxvnni
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__AVXVNNI__)
#define SET      avxvnni
#define SET_NAME "avxvnni"
#endif
#else
#define POINTER weft__simd_avx2
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define SET      avx2
#define SET_NAME "avx2"
#endif
#endif

#if defined(SET)
#include "simd/lanes256.h"

#include "simd/kernels.h"

const struct weft__simd *const POINTER = &SET;
#else
const struct weft__simd *const POINTER = NULL;
#endif
