/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/avx512.c - the kernels with AVX-512 F, BW and VL, and, built once more, with VNNI, whose dot product of bytes is
 * one instruction. What is left over at the end of a row is filled up with zeros.
 */
#include "simd/simd.h"

#if defined(__AVX512VNNI__)
#define SET_NAME "avx512vnni"
#define SET weft__simd_avx512vnni
#else
#define SET_NAME "avx512"
#define SET weft__simd_avx512
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <string.h>

#include <simde/x86/avx512.h>

/* ---- sums ------------------------------------------------------------------------ */

/* Of each of four: four lanes of a 4 x 4 transposition, added up, in every quarter; then the quarters. */
static simde__m128 sum4(const simde__m512 s[4])
{
	simde__m512 ab = simde_mm512_add_ps(simde_mm512_unpacklo_ps(s[0], s[1]), simde_mm512_unpackhi_ps(s[0], s[1]));
	simde__m512 cd = simde_mm512_add_ps(simde_mm512_unpacklo_ps(s[2], s[3]), simde_mm512_unpackhi_ps(s[2], s[3]));
	simde__m512 lo = simde_mm512_castpd_ps(simde_mm512_unpacklo_pd(simde_mm512_castps_pd(ab), simde_mm512_castps_pd(cd)));
	simde__m512 hi = simde_mm512_castpd_ps(simde_mm512_unpackhi_pd(simde_mm512_castps_pd(ab), simde_mm512_castps_pd(cd)));
	simde__m512 q = simde_mm512_add_ps(lo, hi);

	return simde_mm_add_ps(simde_mm_add_ps(simde_mm512_extractf32x4_ps(q, 0), simde_mm512_extractf32x4_ps(q, 1)),
	                       simde_mm_add_ps(simde_mm512_extractf32x4_ps(q, 2), simde_mm512_extractf32x4_ps(q, 3)));
}

static simde__m128i sum4_i32(const simde__m512i s[4])
{
	simde__m512i ab = simde_mm512_add_epi32(simde_mm512_unpacklo_epi32(s[0], s[1]), simde_mm512_unpackhi_epi32(s[0], s[1]));
	simde__m512i cd = simde_mm512_add_epi32(simde_mm512_unpacklo_epi32(s[2], s[3]), simde_mm512_unpackhi_epi32(s[2], s[3]));
	simde__m512i q = simde_mm512_add_epi32(simde_mm512_unpacklo_epi64(ab, cd), simde_mm512_unpackhi_epi64(ab, cd));

	return simde_mm_add_epi32(
	        simde_mm_add_epi32(simde_mm512_extracti32x4_epi32(q, 0), simde_mm512_extracti32x4_epi32(q, 1)),
	        simde_mm_add_epi32(simde_mm512_extracti32x4_epi32(q, 2), simde_mm512_extracti32x4_epi32(q, 3)));
}

static float sum(simde__m512 v)
{
	simde__m256 h = simde_mm256_add_ps(simde_mm512_castps512_ps256(v),
	                                   simde_mm256_castpd_ps(simde_mm512_extractf64x4_pd(simde_mm512_castps_pd(v), 1)));
	simde__m128 s = simde_mm_add_ps(simde_mm256_castps256_ps128(h), simde_mm256_extractf128_ps(h, 1));

	s = simde_mm_add_ps(s, simde_mm_movehl_ps(s, s));
	s = simde_mm_add_ss(s, simde_mm_shuffle_ps(s, s, 1));
	return simde_mm_cvtss_f32(s);
}

static int32_t sum_i32(simde__m512i v)
{
	simde__m256i h = simde_mm256_add_epi32(simde_mm512_castsi512_si256(v), simde_mm512_extracti64x4_epi64(v, 1));
	simde__m128i s = simde_mm_add_epi32(simde_mm256_castsi256_si128(h), simde_mm256_extracti128_si256(h, 1));

	s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0x4e));
	s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0xb1));
	return simde_mm_cvtsi128_si32(s);
}

/* ---- f32 --------------------------------------------------------------------------- */

static simde__m512 some(const float *v, size_t n)
{
	_Alignas(64) float filled[16] = { 0 };

	memcpy(filled, v, n * sizeof(*v));
	return simde_mm512_load_ps(filled);
}

static float dot(const float *a, const float *b, size_t n)
{
	simde__m512 s[4] = { simde_mm512_setzero_ps(), simde_mm512_setzero_ps(), simde_mm512_setzero_ps(),
		             simde_mm512_setzero_ps() };
	size_t i = 0;

	for (; i + 64 <= n; i += 64) {
		for (int k = 0; k < 4; k++)
			s[k] = simde_mm512_fmadd_ps(simde_mm512_loadu_ps(a + i + 16 * k),
			                            simde_mm512_loadu_ps(b + i + 16 * k), s[k]);
	}
	for (; i + 16 <= n; i += 16)
		s[0] = simde_mm512_fmadd_ps(simde_mm512_loadu_ps(a + i), simde_mm512_loadu_ps(b + i), s[0]);
	if (i < n)
		s[1] = simde_mm512_fmadd_ps(some(a + i, n - i), some(b + i, n - i), s[1]);
	return sum(simde_mm512_add_ps(simde_mm512_add_ps(s[0], s[1]), simde_mm512_add_ps(s[2], s[3])));
}

static void dot4(const float *q, const float *const rows[4], size_t n, float ret[4])
{
	simde__m512 s[4] = { simde_mm512_setzero_ps(), simde_mm512_setzero_ps(), simde_mm512_setzero_ps(),
		             simde_mm512_setzero_ps() };
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		simde__m512 x = simde_mm512_loadu_ps(q + i);

		for (int r = 0; r < 4; r++)
			s[r] = simde_mm512_fmadd_ps(x, simde_mm512_loadu_ps(rows[r] + i), s[r]);
	}
	if (i < n) {
		simde__m512 x = some(q + i, n - i);

		for (int r = 0; r < 4; r++)
			s[r] = simde_mm512_fmadd_ps(x, some(rows[r] + i, n - i), s[r]);
	}
	simde_mm_storeu_ps(ret, sum4(s));
}

static float l2sq(const float *a, const float *b, size_t n)
{
	simde__m512 s[2] = { simde_mm512_setzero_ps(), simde_mm512_setzero_ps() };
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		for (int k = 0; k < 2; k++) {
			simde__m512 d = simde_mm512_sub_ps(simde_mm512_loadu_ps(a + i + 16 * k),
			                                   simde_mm512_loadu_ps(b + i + 16 * k));

			s[k] = simde_mm512_fmadd_ps(d, d, s[k]);
		}
	}
	for (; i < n; i += 16) {
		size_t left = n - i < 16 ? n - i : 16;
		simde__m512 d = simde_mm512_sub_ps(some(a + i, left), some(b + i, left));

		s[0] = simde_mm512_fmadd_ps(d, d, s[0]);
	}
	return sum(simde_mm512_add_ps(s[0], s[1]));
}

/* ---- i8 ------------------------------------------------------------------------------ */

static simde__m512i bytes(const void *v)
{
	return simde_mm512_loadu_si512(v);
}

static simde__m512i some_bytes(const void *v, size_t n)
{
	_Alignas(64) uint8_t filled[64] = { 0 };

	memcpy(filled, v, n);
	return simde_mm512_load_si512(filled);
}

/* s plus 64 products, in fours. */
static simde__m512i add_products(simde__m512i s, simde__m512i q, simde__m512i codes)
{
#if defined(__AVX512VNNI__)
	return simde_mm512_dpbusd_epi32(s, codes, q);
#else
	/* the even and the odd ones as 16 bits, since pairs of u8 * i8 do not fit there */
	simde__m512i even = simde_mm512_madd_epi16(simde_mm512_srai_epi16(simde_mm512_slli_epi16(q, 8), 8),
	                                           simde_mm512_and_si512(codes, simde_mm512_set1_epi16(255)));
	simde__m512i odd = simde_mm512_madd_epi16(simde_mm512_srai_epi16(q, 8), simde_mm512_srli_epi16(codes, 8));

	return simde_mm512_add_epi32(s, simde_mm512_add_epi32(even, odd));
#endif
}

static int32_t dot_i8(const int8_t *q, const uint8_t *codes, size_t n)
{
	simde__m512i s[2] = { simde_mm512_setzero_si512(), simde_mm512_setzero_si512() };
	size_t i = 0;

	for (; i + 128 <= n; i += 128) {
		s[0] = add_products(s[0], bytes(q + i), bytes(codes + i));
		s[1] = add_products(s[1], bytes(q + i + 64), bytes(codes + i + 64));
	}
	if (i + 64 <= n) {
		s[0] = add_products(s[0], bytes(q + i), bytes(codes + i));
		i += 64;
	}
	if (i < n)
		s[1] = add_products(s[1], some_bytes(q + i, n - i), some_bytes(codes + i, n - i));
	return sum_i32(simde_mm512_add_epi32(s[0], s[1]));
}

static void dot4_i8(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4])
{
	simde__m512i s[4] = { simde_mm512_setzero_si512(), simde_mm512_setzero_si512(), simde_mm512_setzero_si512(),
		              simde_mm512_setzero_si512() };
	size_t i = 0;

	for (; i + 64 <= n; i += 64) {
		simde__m512i x = bytes(q + i);

		for (int r = 0; r < 4; r++)
			s[r] = add_products(s[r], x, bytes(rows[r] + i));
	}
	if (i < n) {
		simde__m512i x = some_bytes(q + i, n - i);

		for (int r = 0; r < 4; r++)
			s[r] = add_products(s[r], x, some_bytes(rows[r] + i, n - i));
	}
	simde_mm_storeu_si128((simde__m128i *)ret, sum4_i32(s));
}

static const struct weft__simd set = {
	.name = SET_NAME, .dot_f32 = dot, .dot4_f32 = dot4, .l2sq_f32 = l2sq, .dot_i8 = dot_i8, .dot4_i8 = dot4_i8
};

const struct weft__simd *const SET = &set;
#else
const struct weft__simd *const SET = NULL;
#endif
