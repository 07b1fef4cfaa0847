/* SPDX-License-Identifier: Apache-2.0 */
/* simd/dispatch.c - which sets this CPU can run, and the one that it gets, decided once. */
#include "simd/simd.h"

#include <stdbool.h>
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

#define SETS 6u

/* What a set needs beyond the one before it; asked only when that one runs. */
static int has(unsigned set)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	switch (set) {
	case 0:
		return 1;
	case 1:
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
	case 2: /* every CPU with AVX2 and FMA has F16C; not every compiler can ask for it */
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	case 3:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	case 4:
		return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
	default:
		return __builtin_cpu_supports("avx512bf16");
	}
#else
	return set == 0;
#endif
}

const struct weft__simd *weft__simd_at(unsigned index)
{
	const struct weft__simd *const sets[SETS] = { weft__simd_baseline, weft__simd_sse42,      weft__simd_avx2,
		                                      weft__simd_avx512,   weft__simd_avx512vnni, weft__simd_avx512bf16 };

	for (unsigned i = 0; i < SETS && has(i); i++) {
		if (sets[i] && !index--)
			return sets[i];
	}
	return NULL;
}

static const struct weft__simd *detect(void)
{
	const char *limit = getenv("WEFT_SIMD");
	const struct weft__simd *best = weft__simd_baseline, *next;

	for (unsigned i = 0; (next = weft__simd_at(i)); i++) {
		best = next;
		if (limit && !strcmp(limit, best->name))
			break;
	}
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

	if (READS_NOTHING_IN_VAIN || s == weft__simd_baseline || s == weft__simd_sse42)
		return &weft__match_scalar;
	return s == weft__simd_avx2 ? &weft__match_avx2 : &weft__match_avx512;
}
