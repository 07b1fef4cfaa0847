/* SPDX-License-Identifier: Apache-2.0 */
/* simd/dispatch.c - which sets this CPU can run, and the one that it gets, decided once. */
#include "simd/simd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

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

struct candidate {
	const char *name;
	const struct weft__simd *const *set; /* what it points to is NULL where the build has none */
	bool (*runs)(void);                  /* on this CPU */
};

static bool always(void)
{
	return true;
}

#if defined(__x86_64__)
static bool runs_sse42(void)
{
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

/* Every CPU with AVX2 and FMA has F16C; not every compiler can ask for it. */
static bool runs_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Not every compiler can ask for this one either: leaf 7, second part, eax. */
static bool runs_avxvnni(void)
{
	unsigned eax, ebx, ecx, edx;

	return runs_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4);
}

static bool runs_avx512(void)
{
	return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool runs_avx512vnni(void)
{
	return runs_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
}

static bool runs_avx512bf16(void)
{
	return runs_avx512vnni() && __builtin_cpu_supports("avx512bf16");
}

static const struct candidate candidates[] = {
	{ "baseline", &weft__simd_baseline, always },
	{ "sse42", &weft__simd_sse42, runs_sse42 },
	{ "avx2", &weft__simd_avx2, runs_avx2 },
	{ "avxvnni", &weft__simd_avxvnni, runs_avxvnni },
	{ "avx512", &weft__simd_avx512, runs_avx512 },
	{ "avx512vnni", &weft__simd_avx512vnni, runs_avx512vnni },
	{ "avx512bf16", &weft__simd_avx512bf16, runs_avx512bf16 },
};
#elif defined(__aarch64__) && defined(__linux__)
static bool runs_i8mm(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_I8MM;
}

static const struct candidate candidates[] = {
	{ "neon", &weft__simd_baseline, always },
	{ "i8mm", &weft__simd_i8mm, runs_i8mm },
};
#else
static const struct candidate candidates[] = {
	{ "baseline", &weft__simd_baseline, always },
};
#endif

#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

static const struct weft__simd *usable(const struct candidate *c)
{
	return *c->set && c->runs() ? *c->set : NULL;
}

const struct weft__simd *weft__simd_at(unsigned index)
{
	for (size_t i = 0; i < CANDIDATES; i++) {
		const struct weft__simd *s = usable(&candidates[i]);

		if (s && !index--)
			return s;
	}
	return NULL;
}

/* The last that runs, or the last up to the one that WEFT_SIMD names, be it there or not. */
static const struct weft__simd *detect(void)
{
	const char *limit = getenv("WEFT_SIMD");
	const struct weft__simd *best = weft__simd_baseline;

	for (size_t i = 0; i < CANDIDATES; i++) {
		const struct weft__simd *s = usable(&candidates[i]);

		best = s ? s : best;
		if (limit && !strcmp(limit, candidates[i].name))
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

	if (READS_NOTHING_IN_VAIN || s == weft__simd_baseline || s == weft__simd_sse42 || s == weft__simd_i8mm)
		return &weft__match_scalar;
	return s == weft__simd_avx2 || s == weft__simd_avxvnni ? &weft__match_avx2 : &weft__match_avx512;
}
