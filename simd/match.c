/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/match.c - which of 64 numbers are what is asked for, as a bit each; built once an instruction set.
 *
 * A filter over columns: eight numbers a compare with AVX-512, four with AVX2. Bits that are not wanted are not
 * looked at by the plain build, and looked at in vain by the others.
 */
#include "simd/match.h"

#if !defined(SET)
#define SET weft__match_scalar
#endif

#if defined(__AVX512F__)
#include <simde/x86/avx512.h>

#define STEP 8u
typedef simde__m512i numbers;

static numbers load(const void *v)
{
	return simde_mm512_loadu_si512(v);
}

static numbers all(uint64_t x)
{
	return simde_mm512_set1_epi64((int64_t)x);
}

static uint64_t equal(numbers a, numbers b)
{
	return simde_mm512_cmpeq_epi64_mask(a, b);
}

static uint64_t above(numbers a, numbers b)
{
	return simde_mm512_cmpgt_epi64_mask(a, b);
}

static numbers both(numbers a, numbers b)
{
	return simde_mm512_and_si512(a, b);
}

#elif defined(__AVX2__)
#include <simde/x86/avx2.h>

#define STEP 4u
typedef simde__m256i numbers;

static numbers load(const void *v)
{
	return simde_mm256_loadu_si256(v);
}

static numbers all(uint64_t x)
{
	return simde_mm256_set1_epi64x((int64_t)x);
}

static uint64_t bits(simde__m256i mask)
{
	return (uint64_t)simde_mm256_movemask_pd(simde_mm256_castsi256_pd(mask));
}

static uint64_t equal(numbers a, numbers b)
{
	return bits(simde_mm256_cmpeq_epi64(a, b));
}

static uint64_t above(numbers a, numbers b)
{
	return bits(simde_mm256_cmpgt_epi64(a, b));
}

static numbers both(numbers a, numbers b)
{
	return simde_mm256_and_si256(a, b);
}
#endif

#if defined(STEP)
#define MASK ((UINT64_C(1) << STEP) - 1)
#define EACH(found)                                                                                        \
	uint64_t ret = 0;                                                                                  \
	for (uint32_t i = 0; i < 64; i += STEP)                                                            \
		ret |= ((found) & MASK) << i;                                                              \
	return ret & wanted

static uint64_t equal64(const uint64_t *v, uint64_t key, uint64_t wanted)
{
	numbers k = all(key);

	EACH(equal(load(v + i), k));
}

static uint64_t within64(const int64_t *v, int64_t min, int64_t max, uint64_t wanted)
{
	numbers lo = all((uint64_t)min), hi = all((uint64_t)max);

	EACH(~(above(lo, load(v + i)) | above(load(v + i), hi)));
}

static uint64_t any64(const uint64_t *v, uint64_t of, uint64_t wanted)
{
	numbers k = all(of), none = all(0);

	EACH(~equal(both(load(v + i), k), none));
}

static uint64_t all64(const uint64_t *v, uint64_t of, uint64_t wanted)
{
	numbers k = all(of);

	EACH(equal(both(load(v + i), k), k));
}

#else
#define EACH(found)                                                                                        \
	uint64_t ret = 0;                                                                                  \
	for (uint64_t left = wanted; left; left &= left - 1) {                                             \
		uint32_t i = (uint32_t)__builtin_ctzll(left);                                              \
		ret |= (uint64_t)(found) << i;                                                             \
	}                                                                                                  \
	return ret

static uint64_t equal64(const uint64_t *v, uint64_t key, uint64_t wanted)
{
	EACH(v[i] == key);
}

static uint64_t within64(const int64_t *v, int64_t min, int64_t max, uint64_t wanted)
{
	EACH(v[i] >= min && v[i] <= max);
}

static uint64_t any64(const uint64_t *v, uint64_t of, uint64_t wanted)
{
	EACH((v[i] & of) != 0);
}

static uint64_t all64(const uint64_t *v, uint64_t of, uint64_t wanted)
{
	EACH((v[i] & of) == of);
}
#endif

const struct weft__match_kernels SET = {
	.equal64 = equal64, .within64 = within64, .any64 = any64, .all64 = all64
};
