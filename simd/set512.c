/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/set512.c - the kernels in 512 bits, built three times: with the AVX-512 of the first servers that had it, with
 * the multiplication of bytes and the count of bits that came next, and with that of bf16.
 */
#include "simd/simd.h"

#if defined(WEFT__SET_AVX512BF16)
#define POINTER weft__simd_avx512bf16
#if defined(__AVX512BF16__) && defined(__AVX512VNNI__) && defined(__AVX512VPOPCNTDQ__)
#define SET      avx512bf16
#define SET_NAME "avx512bf16"
#endif
#elif defined(WEFT__SET_AVX512VNNI)
#define POINTER weft__simd_avx512vnni
#if defined(__AVX512VNNI__) && defined(__AVX512VPOPCNTDQ__)
#define SET      avx512vnni
#define SET_NAME "avx512vnni"
#endif
#else
#define POINTER weft__simd_avx512
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define SET      avx512
#define SET_NAME "avx512"
#endif
#endif

#if defined(SET)
#include "simd/lanes512.h"

#include "simd/kernels.h"

const struct weft__simd *const POINTER = &SET;
#else
const struct weft__simd *const POINTER = NULL;
#endif
