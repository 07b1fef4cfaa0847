/* SPDX-License-Identifier: Apache-2.0 */
/* Every match kernel that this CPU can run against a plain loop: any alignment, any wanted bits, the ends of the range. */
#include "simd/match.h"

#include <criterion/criterion.h>

#include "tests/support/seed.h"

static uint64_t numbers[64 + 3];

static uint64_t some_bits(uint64_t *rnd)
{
	return test_below(rnd, 1u << 16) | (uint64_t)test_below(rnd, 1u << 16) << 48 | (uint64_t)test_below(rnd, 1u << 16) << 20;
}

static void check(const char *name, const struct weft__match_kernels *k, uint64_t *rnd)
{
	const uint64_t *v = numbers + test_below(rnd, 4);
	uint64_t key = test_below(rnd, 2) ? v[test_below(rnd, 64)] : some_bits(rnd), wanted = some_bits(rnd) * 0x9e3779b9u;
	int64_t min = (int64_t)v[test_below(rnd, 64)], max = (int64_t)v[test_below(rnd, 64)];
	uint64_t equal = 0, within = 0, any = 0, all = 0;

	for (uint32_t i = 0; i < 64; i++) {
		equal |= (uint64_t)(v[i] == key) << i;
		within |= (uint64_t)((int64_t)v[i] >= min && (int64_t)v[i] <= max) << i;
		any |= (uint64_t)((v[i] & key) != 0) << i;
		all |= (uint64_t)((v[i] & key) == key) << i;
	}
	cr_assert_eq(k->equal64(v, key, wanted), equal & wanted, "%s equal64", name);
	cr_assert_eq(k->within64((const int64_t *)v, min, max, wanted), within & wanted, "%s within64", name);
	cr_assert_eq(k->any64(v, key, wanted), any & wanted, "%s any64", name);
	cr_assert_eq(k->all64(v, key, wanted), all & wanted, "%s all64", name);
}

Test(match, kernels__agree_with_a_loop)
{
	uint64_t rnd = test_seed("match");

	for (int round = 0; round < 2000; round++) {
		for (uint32_t i = 0; i < 64 + 3; i++)
			numbers[i] = test_below(&rnd, 3) ? some_bits(&rnd) : i & 1 ? UINT64_MAX : (uint64_t)INT64_MIN;
		check("scalar", &weft__match_scalar, &rnd);
#if defined(__x86_64__)
		if (__builtin_cpu_supports("avx2"))
			check("avx2", &weft__match_avx2, &rnd);
		if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
			check("avx512", &weft__match_avx512, &rnd);
#endif
	}
}

Test(match, kernels__of_the_ends)
{
	const struct weft__match_kernels *k = weft__match_kernels();

	for (int i = 0; i < 64; i++)
		numbers[i] = i & 1 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
	cr_assert_eq(k->within64((const int64_t *)numbers, INT64_MIN, INT64_MAX, UINT64_MAX), UINT64_MAX);
	cr_assert_eq(k->within64((const int64_t *)numbers, 0, INT64_MAX, UINT64_MAX), UINT64_C(0xaaaaaaaaaaaaaaaa));
	cr_assert_eq(k->within64((const int64_t *)numbers, 1, 0, UINT64_MAX), 0);
	cr_assert_eq(k->any64(numbers, 0, UINT64_MAX), 0);
	cr_assert_eq(k->all64(numbers, 0, UINT64_MAX), UINT64_MAX);
}
