/* SPDX-License-Identifier: Apache-2.0 */
/* simd/set256.c - the kernels in 256 bits, built with -mavx2 -mfma -mf16c where the compiler has them. */
#include "simd/simd.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define SET      avx2
#define SET_NAME "avx2"

#include "simd/lanes256.h"

#include "simd/kernels.h"

const struct weft__simd *const weft__simd_avx2 = &SET;
#else
const struct weft__simd *const weft__simd_avx2 = NULL;
#endif
