/* SPDX-License-Identifier: Apache-2.0 */
/* simd/avx512.c - the kernels with AVX-512F, built with -mavx512f where the compiler has it. */
#include "simd/simd.h"

#if defined(__AVX512F__)

#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>

static float sum(simde__m512 v)
{
	float part[16], s = 0;

	simde_mm512_storeu_ps(part, v);
	for (int width = 8; width; width /= 2) {
		for (int i = 0; i < width; i++)
			part[i] += part[i + width];
	}
	s = part[0];
	return s;
}

static float dot(const float *a, const float *b, size_t n)
{
	simde__m512 s[4] = { simde_mm512_setzero_ps(), simde_mm512_setzero_ps(), simde_mm512_setzero_ps(),
		             simde_mm512_setzero_ps() };
	size_t i = 0;
	float rest = 0;

	for (; i + 64 <= n; i += 64) {
		for (int k = 0; k < 4; k++)
			s[k] = simde_mm512_fmadd_ps(simde_mm512_loadu_ps(a + i + 16 * k),
			                            simde_mm512_loadu_ps(b + i + 16 * k), s[k]);
	}
	for (; i + 16 <= n; i += 16)
		s[0] = simde_mm512_fmadd_ps(simde_mm512_loadu_ps(a + i), simde_mm512_loadu_ps(b + i), s[0]);
	for (; i < n; i++)
		rest += a[i] * b[i];
	return rest + sum(simde_mm512_add_ps(simde_mm512_add_ps(s[0], s[1]), simde_mm512_add_ps(s[2], s[3])));
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
	for (int r = 0; r < 4; r++) {
		ret[r] = sum(s[r]);
		for (size_t j = i; j < n; j++)
			ret[r] += q[j] * rows[r][j];
	}
}

static float l2sq(const float *a, const float *b, size_t n)
{
	simde__m512 s = simde_mm512_setzero_ps();
	size_t i = 0;
	float rest = 0;

	for (; i + 16 <= n; i += 16) {
		simde__m512 d = simde_mm512_sub_ps(simde_mm512_loadu_ps(a + i), simde_mm512_loadu_ps(b + i));

		s = simde_mm512_fmadd_ps(d, d, s);
	}
	for (; i < n; i++)
		rest += (a[i] - b[i]) * (a[i] - b[i]);
	return rest + sum(s);
}

static const struct weft__simd avx512 = { .name = "avx512", .dot_f32 = dot, .dot4_f32 = dot4, .l2sq_f32 = l2sq };

const struct weft__simd *const weft__simd_avx512 = &avx512;
#else
const struct weft__simd *const weft__simd_avx512 = NULL;
#endif
