/* SPDX-License-Identifier: Apache-2.0 */
/* simd/avx2.c - the kernels with AVX2 and FMA, built with -mavx2 -mfma where the compiler has them. */
#include "simd/simd.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>

static float sum(simde__m256 v)
{
	simde__m128 s = simde_mm_add_ps(simde_mm256_castps256_ps128(v), simde_mm256_extractf128_ps(v, 1));

	s = simde_mm_add_ps(s, simde_mm_movehl_ps(s, s));
	s = simde_mm_add_ss(s, simde_mm_shuffle_ps(s, s, 1));
	return simde_mm_cvtss_f32(s);
}

static float dot(const float *a, const float *b, size_t n)
{
	simde__m256 s[4] = { simde_mm256_setzero_ps(), simde_mm256_setzero_ps(), simde_mm256_setzero_ps(),
		             simde_mm256_setzero_ps() };
	size_t i = 0;
	float rest = 0;

	for (; i + 32 <= n; i += 32) {
		for (int k = 0; k < 4; k++)
			s[k] = simde_mm256_fmadd_ps(simde_mm256_loadu_ps(a + i + 8 * k),
			                            simde_mm256_loadu_ps(b + i + 8 * k), s[k]);
	}
	for (; i + 8 <= n; i += 8)
		s[0] = simde_mm256_fmadd_ps(simde_mm256_loadu_ps(a + i), simde_mm256_loadu_ps(b + i), s[0]);
	for (; i < n; i++)
		rest += a[i] * b[i];
	return rest + sum(simde_mm256_add_ps(simde_mm256_add_ps(s[0], s[1]), simde_mm256_add_ps(s[2], s[3])));
}

static void dot4(const float *q, const float *const rows[4], size_t n, float ret[4])
{
	simde__m256 s[4] = { simde_mm256_setzero_ps(), simde_mm256_setzero_ps(), simde_mm256_setzero_ps(),
		             simde_mm256_setzero_ps() };
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		simde__m256 x = simde_mm256_loadu_ps(q + i);

		for (int r = 0; r < 4; r++)
			s[r] = simde_mm256_fmadd_ps(x, simde_mm256_loadu_ps(rows[r] + i), s[r]);
	}
	for (int r = 0; r < 4; r++) {
		ret[r] = sum(s[r]);
		for (size_t j = i; j < n; j++)
			ret[r] += q[j] * rows[r][j];
	}
}

static float l2sq(const float *a, const float *b, size_t n)
{
	simde__m256 s[2] = { simde_mm256_setzero_ps(), simde_mm256_setzero_ps() };
	size_t i = 0;
	float rest = 0;

	for (; i + 16 <= n; i += 16) {
		for (int k = 0; k < 2; k++) {
			simde__m256 d = simde_mm256_sub_ps(simde_mm256_loadu_ps(a + i + 8 * k),
			                                   simde_mm256_loadu_ps(b + i + 8 * k));

			s[k] = simde_mm256_fmadd_ps(d, d, s[k]);
		}
	}
	for (; i < n; i++)
		rest += (a[i] - b[i]) * (a[i] - b[i]);
	return rest + sum(simde_mm256_add_ps(s[0], s[1]));
}

/* Sixteen products, in pairs: widened first, since pairs of u8 * i8 do not fit 16 bits. */
static simde__m256i products(const int8_t *q, const uint8_t *codes)
{
	return simde_mm256_madd_epi16(simde_mm256_cvtepi8_epi16(simde_mm_loadu_si128((const simde__m128i *)q)),
	                              simde_mm256_cvtepu8_epi16(simde_mm_loadu_si128((const simde__m128i *)codes)));
}

static int32_t sum_i32(simde__m256i v)
{
	simde__m128i s = simde_mm_add_epi32(simde_mm256_castsi256_si128(v), simde_mm256_extracti128_si256(v, 1));

	s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0x4e));
	s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0xb1));
	return simde_mm_cvtsi128_si32(s);
}

static int32_t dot_i8(const int8_t *q, const uint8_t *codes, size_t n)
{
	simde__m256i s[2] = { simde_mm256_setzero_si256(), simde_mm256_setzero_si256() };
	size_t i = 0;
	int32_t rest = 0;

	for (; i + 32 <= n; i += 32) {
		s[0] = simde_mm256_add_epi32(s[0], products(q + i, codes + i));
		s[1] = simde_mm256_add_epi32(s[1], products(q + i + 16, codes + i + 16));
	}
	for (; i < n; i++)
		rest += q[i] * codes[i];
	return rest + sum_i32(simde_mm256_add_epi32(s[0], s[1]));
}

static void dot4_i8(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4])
{
	simde__m256i s[4] = { simde_mm256_setzero_si256(), simde_mm256_setzero_si256(), simde_mm256_setzero_si256(),
		              simde_mm256_setzero_si256() };
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		for (int r = 0; r < 4; r++)
			s[r] = simde_mm256_add_epi32(s[r], products(q + i, rows[r] + i));
	}
	for (int r = 0; r < 4; r++) {
		ret[r] = sum_i32(s[r]);
		for (size_t j = i; j < n; j++)
			ret[r] += q[j] * rows[r][j];
	}
}

static const struct weft__simd avx2 = {
	.name = "avx2", .dot_f32 = dot, .dot4_f32 = dot4, .l2sq_f32 = l2sq, .dot_i8 = dot_i8, .dot4_i8 = dot4_i8
};

const struct weft__simd *const weft__simd_avx2 = &avx2;
#else
const struct weft__simd *const weft__simd_avx2 = NULL;
#endif
