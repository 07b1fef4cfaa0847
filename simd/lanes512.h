/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/lanes512.h - the vocabulary of kernels.h in registers of 512 bits: AVX-512 F, BW, DQ and VL.
 *
 * VNNI multiplies bytes four a lane, BF16 multiplies halves two a lane, VPOPCNTDQ counts bits; each is used
 * where the file is compiled for it, and done in longer ways elsewhere. Ends of rows are read by masked loads.
 */
#ifndef WEFT_SIMD_LANES512_H
#define WEFT_SIMD_LANES512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 16u /* floats in a vf */

typedef __m512 vf;
typedef __m512i vi; /* sums of 32 bits, or what is multiplied into them */
typedef __m512i vw; /* words of 64 bits */

static inline vf vf_zero(void)
{
	return _mm512_setzero_ps();
}

static inline vf vf_add(vf a, vf b)
{
	return _mm512_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
	return _mm512_sub_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf sum)
{
	return _mm512_fmadd_ps(a, b, sum);
}

/* A bit for each lane with low <= v <= high. */
static inline uint32_t vf_inside(vf v, vf low, vf high)
{
	return _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(v, low, _CMP_GE_OQ), v, high, _CMP_LE_OQ);
}

static inline vf vf_all(float x)
{
	return _mm512_set1_ps(x);
}

static inline float vf_sum(vf v)
{
	return _mm512_reduce_add_ps(v);
}

/* The first value of each quarter. */
static inline __m512i quarters(void)
{
	return _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
}

/* Four sums at once: each addition folds two of them, so the shuffles are shared. */
static inline void vf_sum4(vf a, vf b, vf c, vf d, float ret[4])
{
	vf ab = vf_add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
	vf cd = vf_add(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
	vf v = vf_add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd)); /* a, b, c, d: 4 each */

	v = vf_add(v, _mm512_permute_ps(v, 0x4e));
	v = vf_add(v, _mm512_permute_ps(v, 0xb1));
	_mm_storeu_ps(ret, _mm512_castps512_ps128(_mm512_permutexvar_ps(quarters(), v)));
}

/* ---- f32 ------------------------------------------------------------------------------ */

static inline vf f32_load(const void *p)
{
	return _mm512_loadu_ps(p);
}

/* The first count values, and zeros; count < LANES. */
static inline vf f32_part(const void *p, size_t count)
{
	return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

/* ---- f16, as f32 ---------------------------------------------------------------------- */

static inline vf f16_load(const void *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

static inline vf f16_part(const void *p, size_t count)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p));
}

/* ---- bf16: two a lane, as they lie in memory ---------------------------------------------- */

static inline vf bf16_load(const void *p)
{
	return _mm512_loadu_ps(p);
}

/* count < 2 * LANES */
static inline vf bf16_part(const void *p, size_t count)
{
	return _mm512_castsi512_ps(_mm512_maskz_loadu_epi16((__mmask32)((1ull << count) - 1), p));
}

/* The lower value of each lane, as f32. */
static inline vf bf16_low(vf v)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 16));
}

static inline vf bf16_high(vf v)
{
	return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32((int)0xffff0000)));
}

#if defined(__AVX512BF16__)
#define HAVE_BF16_PRODUCT 1

static inline vf bf16_product(vf a, vf b, vf sum)
{
	return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
#endif

/* ---- whole numbers of 32 bits ------------------------------------------------------------------- */

static inline vi vi_zero(void)
{
	return _mm512_setzero_si512();
}

static inline vi vi_add(vi a, vi b)
{
	return _mm512_add_epi32(a, b);
}

/* By steps: gcc's _mm512_reduce_add_epi32 adds ints, and a sum of squares needs all 32 bits. */
static inline int32_t vi_sum(vi v)
{
	__m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static inline void vi_sum4(vi a, vi b, vi c, vi d, int32_t ret[4])
{
	vi ab = vi_add(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
	vi cd = vi_add(_mm512_shuffle_i32x4(c, d, 0x44), _mm512_shuffle_i32x4(c, d, 0xee));
	vi v = vi_add(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xdd));

	v = vi_add(v, _mm512_shuffle_epi32(v, 0x4e));
	v = vi_add(v, _mm512_shuffle_epi32(v, 0xb1));
	_mm_storeu_si128((void *)ret, _mm512_castsi512_si128(_mm512_permutexvar_epi32(quarters(), v)));
}

/* ---- 24 bits: codes and rests, 32 bits each, as whole floats ------------------------------------- */

static inline vf fine_of(vi codes, vi rests)
{
	rests = vi_add(rests, _mm512_set1_epi32(-128 * 65536));
	return _mm512_cvtepi32_ps(vi_add(_mm512_slli_epi32(codes, 16), rests));
}

static inline vf fine_load(const void *codes, const void *rests)
{
	return fine_of(_mm512_cvtepu8_epi32(_mm_loadu_si128(codes)), _mm512_cvtepi16_epi32(_mm256_loadu_si256(rests)));
}

/* The first count, and values that are to be multiplied by zero. */
static inline vf fine_part(const void *codes, const void *rests, size_t count)
{
	__mmask16 first = (__mmask16)((1u << count) - 1);

	return fine_of(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first, codes)),
	               _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(first, rests)));
}

/* ---- bytes: queries signed, codes not, sums of 32 bits ---------------------------------------- */

#if defined(__AVX512VNNI__)
#define BYTES 64u /* bytes a step */

static inline vi bytes_load(const void *p)
{
	return _mm512_loadu_si512(p);
}

static inline vi bytes_part(const void *p, size_t count)
{
	return _mm512_maskz_loadu_epi8((1ull << count) - 1, p);
}

#define codes_load  bytes_load
#define codes_part  bytes_part
#define signed_load bytes_load
#define signed_part bytes_part

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return _mm512_dpbusd_epi32(sum, codes, q);
}
#else
#define BYTES 32u /* bytes a step: each becomes 16 bits */

static inline vi codes_load(const void *p)
{
	return _mm512_cvtepu8_epi16(_mm256_loadu_si256(p));
}

static inline vi codes_part(const void *p, size_t count)
{
	return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1ull << count) - 1), p));
}

static inline vi signed_load(const void *p)
{
	return _mm512_cvtepi8_epi16(_mm256_loadu_si256(p));
}

static inline vi signed_part(const void *p, size_t count)
{
	return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1ull << count) - 1), p));
}

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return _mm512_add_epi32(sum, _mm512_madd_epi16(q, codes));
}
#endif

#define GAP_BYTES 32u

/* 32 codes, 16 bits each, for differences. */
static inline vi wide_load(const void *p)
{
	return _mm512_cvtepu8_epi16(_mm256_loadu_si256(p));
}

static inline vi wide_part(const void *p, size_t count)
{
	return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1ull << count) - 1), p));
}

static inline vi wide_gap(vi a, vi b, vi sum)
{
	vi d = _mm512_sub_epi16(a, b);

	return _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
}

/* ---- bits ------------------------------------------------------------------------------ */

#define WORDS 8u /* words of 64 bits a step */

static inline vw vw_zero(void)
{
	return _mm512_setzero_si512();
}

static inline vw vw_load(const uint64_t *p)
{
	return _mm512_loadu_si512(p);
}

static inline vw vw_part(const uint64_t *p, size_t count)
{
	return _mm512_maskz_loadu_epi64((__mmask8)((1u << count) - 1), p);
}

#if defined(__AVX512VPOPCNTDQ__)
static inline vw bits_of_each(vw v)
{
	return _mm512_popcnt_epi64(v);
}
#else
/* Bits of each half byte by a table of 16, then added up over the bytes of each word. */
static inline vw bits_of_each(vw v)
{
	const vw table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
	const vw half = _mm512_set1_epi8(15);
	vw low = _mm512_shuffle_epi8(table, _mm512_and_si512(v, half));
	vw high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), half));

	return _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512());
}
#endif

/* sum + the bits in which a and b differ */
static inline vw vw_differ(vw a, vw b, vw sum)
{
	return _mm512_add_epi64(sum, bits_of_each(_mm512_xor_si512(a, b)));
}

static inline uint64_t vw_sum(vw v)
{
	return (uint64_t)_mm512_reduce_add_epi64(v);
}

#endif
