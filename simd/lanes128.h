/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/lanes128.h - the vocabulary of kernels.h in registers of 128 bits, by simde: SSE4.2 or SSE2 on x86,
 * NEON on arm64, plain C on anything else.
 *
 * What each function means is said once, in lanes512.h.
 */
#ifndef WEFT_SIMD_LANES128_H
#define WEFT_SIMD_LANES128_H

#include <simde/x86/fma.h>
#include <simde/x86/sse4.2.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#define LANES 4u

typedef simde__m128 vf;
typedef simde__m128i vi;

static inline vf vf_zero(void)
{
	return simde_mm_setzero_ps();
}

static inline vf vf_add(vf a, vf b)
{
	return simde_mm_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
	return simde_mm_sub_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf sum)
{
	return simde_mm_fmadd_ps(a, b, sum);
}

static inline uint32_t vf_inside(vf v, vf low, vf high)
{
	return (uint32_t)simde_mm_movemask_ps(simde_mm_and_ps(simde_mm_cmpge_ps(v, low), simde_mm_cmple_ps(v, high)));
}

static inline vf vf_all(float x)
{
	return simde_mm_set1_ps(x);
}

static inline float vf_sum(vf v)
{
	v = simde_mm_add_ps(v, simde_mm_movehl_ps(v, v));
	return simde_mm_cvtss_f32(simde_mm_add_ss(v, simde_mm_shuffle_ps(v, v, 1)));
}

static inline void vf_sum4(vf a, vf b, vf c, vf d, float ret[4])
{
	vf ab = simde_mm_add_ps(simde_mm_unpacklo_ps(a, b), simde_mm_unpackhi_ps(a, b)); /* a0 b0 a1 b1 */
	vf cd = simde_mm_add_ps(simde_mm_unpacklo_ps(c, d), simde_mm_unpackhi_ps(c, d));

	simde_mm_storeu_ps(ret, simde_mm_add_ps(simde_mm_movelh_ps(ab, cd), simde_mm_movehl_ps(cd, ab)));
}

/* The first count bytes of 16, and zeros. */
static inline vi filled(const void *p, size_t count)
{
	uint8_t copy[16] = { 0 };

	for (size_t i = 0; i < count; i++)
		copy[i] = ((const uint8_t *)p)[i];
	return simde_mm_loadu_si128((const void *)copy);
}

/* ---- f32 ------------------------------------------------------------------------------ */

static inline vf f32_load(const void *p)
{
	return simde_mm_loadu_ps(p);
}

static inline vf f32_part(const void *p, size_t count)
{
	return simde_mm_castsi128_ps(filled(p, count * sizeof(float)));
}

/* ---- f16, as f32 ---------------------------------------------------------------------- */

/*
 * Four halves that lie in the lower half of each lane. Their bits, moved up, are an f32 that is too small by 2^112,
 * and multiplying puts that right, for denormals too; an exponent that was all ones has to be made so again.
 */
static inline vf f16_widen(vi h)
{
	vi sign = simde_mm_slli_epi32(simde_mm_and_si128(h, simde_mm_set1_epi32(0x8000)), 16);
	vi bits = simde_mm_slli_epi32(simde_mm_and_si128(h, simde_mm_set1_epi32(0x7fff)), 13);
	vi special = simde_mm_cmpgt_epi32(bits, simde_mm_set1_epi32((0x7c00 << 13) - 1));
	vf v = simde_mm_mul_ps(simde_mm_castsi128_ps(bits), simde_mm_set1_ps(0x1p112f));

	special = simde_mm_and_si128(special, simde_mm_set1_epi32(0x7f800000));
	return simde_mm_castsi128_ps(simde_mm_or_si128(simde_mm_castps_si128(v), simde_mm_or_si128(sign, special)));
}

#if defined(__aarch64__)
static inline vf f16_load(const void *p)
{
	return simde__m128_from_neon_f32(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))));
}
#else
static inline vf f16_load(const void *p)
{
	return f16_widen(simde_mm_cvtepu16_epi32(simde_mm_loadl_epi64(p)));
}
#endif

static inline vf f16_part(const void *p, size_t count)
{
	return f16_widen(simde_mm_cvtepu16_epi32(filled(p, count * sizeof(uint16_t))));
}

/* ---- bf16: two a lane ------------------------------------------------------------------- */

static inline vf bf16_load(const void *p)
{
	return simde_mm_loadu_ps(p);
}

static inline vf bf16_part(const void *p, size_t count)
{
	return simde_mm_castsi128_ps(filled(p, count * sizeof(uint16_t)));
}

static inline vf bf16_low(vf v)
{
	return simde_mm_castsi128_ps(simde_mm_slli_epi32(simde_mm_castps_si128(v), 16));
}

static inline vf bf16_high(vf v)
{
	return simde_mm_castsi128_ps(simde_mm_and_si128(simde_mm_castps_si128(v), simde_mm_set1_epi32((int)0xffff0000)));
}

/* ---- whole numbers of 32 bits ------------------------------------------------------------ */

static inline vi vi_zero(void)
{
	return simde_mm_setzero_si128();
}

static inline vi vi_add(vi a, vi b)
{
	return simde_mm_add_epi32(a, b);
}

static inline int32_t vi_sum(vi v)
{
	v = simde_mm_add_epi32(v, simde_mm_shuffle_epi32(v, 0x4e));
	return simde_mm_cvtsi128_si32(simde_mm_add_epi32(v, simde_mm_shuffle_epi32(v, 0xb1)));
}

static inline void vi_sum4(vi a, vi b, vi c, vi d, int32_t ret[4])
{
	vi ab = simde_mm_add_epi32(simde_mm_unpacklo_epi32(a, b), simde_mm_unpackhi_epi32(a, b));
	vi cd = simde_mm_add_epi32(simde_mm_unpacklo_epi32(c, d), simde_mm_unpackhi_epi32(c, d));

	simde_mm_storeu_si128((void *)ret,
	                      simde_mm_add_epi32(simde_mm_unpacklo_epi64(ab, cd), simde_mm_unpackhi_epi64(ab, cd)));
}

/* Eight bytes, 16 bits each. */
static inline vi wide_load(const void *p)
{
	return simde_mm_cvtepu8_epi16(simde_mm_loadl_epi64(p));
}

static inline vi wide_part(const void *p, size_t count)
{
	return simde_mm_cvtepu8_epi16(filled(p, count));
}

#define GAP_BYTES 8u

/* ---- 24 bits ---------------------------------------------------------------------------- */

static inline vf fine_of(vi codes, vi rests)
{
	rests = vi_add(rests, simde_mm_set1_epi32(-128 * 65536));
	return simde_mm_cvtepi32_ps(vi_add(simde_mm_slli_epi32(codes, 16), rests));
}

static inline vf fine_load(const void *codes, const void *rests)
{
	int32_t four;

	memcpy(&four, codes, sizeof(four));
	return fine_of(simde_mm_cvtepu8_epi32(simde_mm_cvtsi32_si128(four)),
	               simde_mm_cvtepi16_epi32(simde_mm_loadl_epi64(rests)));
}

static inline vf fine_part(const void *codes, const void *rests, size_t count)
{
	return fine_of(simde_mm_cvtepu8_epi32(filled(codes, count)),
	               simde_mm_cvtepi16_epi32(filled(rests, count * sizeof(int16_t))));
}

/* ---- bytes ------------------------------------------------------------------------------ */

#if defined(__ARM_FEATURE_MATMUL_INT8)
#define BYTES 16u

static inline vi bytes_load(const void *p)
{
	return simde_mm_loadu_si128(p);
}

#define codes_load  bytes_load
#define codes_part  filled
#define signed_load bytes_load
#define signed_part filled

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return simde__m128i_from_neon_i32(vusdotq_s32(simde__m128i_to_neon_i32(sum), simde__m128i_to_neon_u8(codes),
	                                              simde__m128i_to_neon_i8(q)));
}
#else
#define BYTES      GAP_BYTES
#define codes_load wide_load
#define codes_part wide_part

static inline vi signed_load(const void *p)
{
	return simde_mm_cvtepi8_epi16(simde_mm_loadl_epi64(p));
}

static inline vi signed_part(const void *p, size_t count)
{
	return simde_mm_cvtepi8_epi16(filled(p, count));
}

static inline vi i8_product(vi q, vi codes, vi sum)
{
	return simde_mm_add_epi32(sum, simde_mm_madd_epi16(q, codes));
}
#endif

static inline vi wide_gap(vi a, vi b, vi sum)
{
	vi d = simde_mm_sub_epi16(a, b);

	return simde_mm_add_epi32(sum, simde_mm_madd_epi16(d, d));
}

/* ---- bits: one word at a time; the compiler knows the machine's way of counting ----------------- */

#define WORDS 1u

typedef uint64_t vw;

static inline vw vw_zero(void)
{
	return 0;
}

static inline vw vw_load(const uint64_t *p)
{
	return *p;
}

static inline vw vw_part(const uint64_t *p, size_t count)
{
	return count ? *p : 0;
}

static inline vw vw_differ(vw a, vw b, vw sum)
{
	return sum + (uint64_t)__builtin_popcountll(a ^ b);
}

static inline uint64_t vw_sum(vw v)
{
	return v;
}

#endif
