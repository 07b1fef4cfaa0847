/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/lanes256.h - the vocabulary of kernels.h in registers of 256 bits: AVX2, FMA and F16C; AVX-VNNI where there is.
 *
 * What each function means is said once, in lanes512.h. Floats at the end of a row are read by a masked load;
 * shorter values by way of a filled copy.
 */
#ifndef WEFT_SIMD_LANES256_H
#define WEFT_SIMD_LANES256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8u

typedef __m256 vf;
typedef __m256i vi;
typedef __m256i vw; /* words of 64 bits */

static inline vf vf_zero(void)
{
	return _mm256_setzero_ps();
}

static inline vf vf_add(vf a, vf b)
{
	return _mm256_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
	return _mm256_sub_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf sum)
{
	return _mm256_fmadd_ps(a, b, sum);
}

static inline uint32_t vf_inside(vf v, vf low, vf high)
{
	return (uint32_t)_mm256_movemask_ps(
		_mm256_and_ps(_mm256_cmp_ps(v, low, _CMP_GE_OQ), _mm256_cmp_ps(v, high, _CMP_LE_OQ)));
}

static inline vf vf_all(float x)
{
	return _mm256_set1_ps(x);
}

static inline float vf_sum(vf v)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline void vf_sum4(vf a, vf b, vf c, vf d, float ret[4])
{
	vf v = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));

	_mm_storeu_ps(ret, _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
}

/* ---- f32 ------------------------------------------------------------------------------ */

static inline vf f32_load(const void *p)
{
	return _mm256_loadu_ps(p);
}

static inline vf f32_part(const void *p, size_t count)
{
	static const int32_t first[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

	return _mm256_maskload_ps(p, _mm256_loadu_si256((const void *)(first + 8 - count)));
}

/* ---- f16, as f32 ---------------------------------------------------------------------- */

/* The first count values of size bytes, 16 bytes in all, and zeros. */
static inline __m128i filled(const void *p, size_t count, size_t size)
{
	uint8_t copy[16] = { 0 };

	for (size_t i = 0; i < count * size; i++)
		copy[i] = ((const uint8_t *)p)[i];
	return _mm_loadu_si128((const void *)copy);
}

static inline vf f16_load(const void *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128(p));
}

static inline vf f16_part(const void *p, size_t count)
{
	return _mm256_cvtph_ps(filled(p, count, 2));
}

/* ---- bf16: two a lane ------------------------------------------------------------------- */

static inline vf bf16_load(const void *p)
{
	return _mm256_loadu_ps(p);
}

static inline vf bf16_part(const void *p, size_t count)
{
	uint16_t copy[16] = { 0 };

	for (size_t i = 0; i < count; i++)
		copy[i] = ((const uint16_t *)p)[i];
	return _mm256_castsi256_ps(_mm256_loadu_si256((const void *)copy));
}

static inline vf bf16_low(vf v)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16));
}

static inline vf bf16_high(vf v)
{
	return _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32((int)0xffff0000)));
}

/* ---- whole numbers of 32 bits ------------------------------------------------------------ */

static inline vi vi_zero(void)
{
	return _mm256_setzero_si256();
}

static inline vi vi_add(vi a, vi b)
{
	return _mm256_add_epi32(a, b);
}

static inline int32_t vi_sum(vi v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static inline void vi_sum4(vi a, vi b, vi c, vi d, int32_t ret[4])
{
	vi v = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));

	_mm_storeu_si128((void *)ret, _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

/* 16 bytes, 16 bits each. */
static inline vi wide_load(const void *p)
{
	return _mm256_cvtepu8_epi16(_mm_loadu_si128(p));
}

static inline vi wide_part(const void *p, size_t count)
{
	return _mm256_cvtepu8_epi16(filled(p, count, 1));
}

#define GAP_BYTES 16u

/* ---- 24 bits ---------------------------------------------------------------------------- */

static inline vf fine_of(vi codes, vi rests)
{
	rests = vi_add(rests, _mm256_set1_epi32(-128 * 65536));
	return _mm256_cvtepi32_ps(vi_add(_mm256_slli_epi32(codes, 16), rests));
}

static inline vf fine_load(const void *codes, const void *rests)
{
	return fine_of(_mm256_cvtepu8_epi32(_mm_loadl_epi64(codes)), _mm256_cvtepi16_epi32(_mm_loadu_si128(rests)));
}

static inline vf fine_part(const void *codes, const void *rests, size_t count)
{
	return fine_of(_mm256_cvtepu8_epi32(filled(codes, count, 1)), _mm256_cvtepi16_epi32(filled(rests, count, 2)));
}

/* ---- bytes ------------------------------------------------------------------------------ */

#if defined(__AVXVNNI__)
#define BYTES 32u

static inline vi bytes_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

static inline vi bytes_part(const void *p, size_t count)
{
	uint8_t copy[32] = { 0 };

	for (size_t i = 0; i < count; i++)
		copy[i] = ((const uint8_t *)p)[i];
	return bytes_load(copy);
}

#define codes_load  bytes_load
#define codes_part  bytes_part
#define signed_load bytes_load
#define signed_part bytes_part

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return _mm256_dpbusd_avx_epi32(sum, codes, q);
}
#else
#define BYTES      GAP_BYTES
#define codes_load wide_load
#define codes_part wide_part

static inline vi signed_load(const void *p)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
}

static inline vi signed_part(const void *p, size_t count)
{
	return _mm256_cvtepi8_epi16(filled(p, count, 1));
}

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return _mm256_add_epi32(sum, _mm256_madd_epi16(q, codes));
}
#endif

static inline vi wide_gap(vi a, vi b, vi sum)
{
	vi d = _mm256_sub_epi16(a, b);

	return _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
}

/* ---- bits ------------------------------------------------------------------------------ */

#define WORDS 4u

static inline vw vw_zero(void)
{
	return _mm256_setzero_si256();
}

static inline vw vw_load(const uint64_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

static inline vw vw_part(const uint64_t *p, size_t count)
{
	static const int64_t first[8] = { -1, -1, -1, -1 };

	return _mm256_maskload_epi64((const void *)p, _mm256_loadu_si256((const void *)(first + 4 - count)));
}

static inline vw vw_differ(vw a, vw b, vw sum)
{
	const vw table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
	const vw half = _mm256_set1_epi8(15);
	vw v = _mm256_xor_si256(a, b);
	vw low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, half));
	vw high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));

	return _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
}

static inline uint64_t vw_sum(vw v)
{
	uint64_t part[4];

	_mm256_storeu_si256((void *)part, v);
	return part[0] + part[1] + part[2] + part[3];
}

#endif
