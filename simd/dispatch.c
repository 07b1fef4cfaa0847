/* SPDX-License-Identifier: Apache-2.0 */
/* simd/dispatch.c - which kernels this CPU gets, decided once; and what is built from them. */
#include "simd/simd.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "simd/match.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(WITH_TSAN)
#define READS_NOTHING_IN_VAIN true
#else
#define READS_NOTHING_IN_VAIN false
#endif

static const struct weft__simd *detect(void)
{
	const struct weft__simd *best = &weft__simd_scalar;
	const char *limit = getenv("WEFT_SIMD");

#if defined(__x86_64__)
	if (limit && !strcmp(limit, "scalar"))
		return best;
	__builtin_cpu_init();
	if (weft__simd_avx2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		best = weft__simd_avx2;
	if (limit && !strcmp(limit, "avx2"))
		return best;
	if (weft__simd_avx512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		best = weft__simd_avx512;
	if (best != weft__simd_avx512 || (limit && !strcmp(limit, "avx512")))
		return best;
	if (weft__simd_avx512vnni && __builtin_cpu_supports("avx512vnni"))
		best = weft__simd_avx512vnni;
#else
	(void)limit;
#endif
	return best;
}

const struct weft__simd *weft__simd(void)
{
	static _Atomic(const struct weft__simd *) chosen;
	/* relaxed: what it points to is constant, and every thread would choose the same */
	const struct weft__simd *s = weft__load_relaxed(&chosen);

	if (!s) {
		s = detect();
		weft__store_relaxed(&chosen, s);
	}
	return s;
}

const struct weft__match_kernels *weft__match_kernels(void)
{
	const struct weft__simd *s = weft__simd();

	if (READS_NOTHING_IN_VAIN || s == &weft__simd_scalar)
		return &weft__match_scalar;
	return s == weft__simd_avx2 ? &weft__match_avx2 : &weft__match_avx512;
}

float weft__cosine_f32(const float *a, const float *b, size_t n)
{
	const struct weft__simd *s = weft__simd();
	float aa = s->dot_f32(a, a, n), bb = s->dot_f32(b, b, n);

	return aa > 0 && bb > 0 ? s->dot_f32(a, b, n) / (sqrtf(aa) * sqrtf(bb)) : 0;
}

int weft__normalise_f32(float *v, size_t n)
{
	double sum = 0, scale;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	if (!isfinite(sum) || sum <= 0)
		return -EINVAL;
	scale = 1 / sqrt(sum);
	for (size_t i = 0; i < n; i++)
		v[i] = (float)(v[i] * scale);
	return 0;
}
