/* SPDX-License-Identifier: Apache-2.0 */
/* The best k against a sort of everything: many ties, ids in any order, NaN and Inf, k of 0 and beyond n, in pieces. */
#include "simd/simd.h"

#include "tests/unit/simd/reference.h"

#define N_MAX 700u

static int by_rank(const void *a, const void *b)
{
	const weft_vector_hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static float some_score(uint64_t *rnd, uint32_t kinds)
{
	uint32_t r = test_below(rnd, 50);

	return r == 0 ? NAN : r == 1 ? INFINITY : r == 2 ? -INFINITY : (float)test_below(rnd, kinds) - (float)kinds / 2;
}

static void check(uint64_t *rnd)
{
	uint32_t n = test_below(rnd, N_MAX), k = test_below(rnd, 4) ? test_below(rnd, 40) : test_below(rnd, 2 * N_MAX);
	uint32_t kinds = test_below(rnd, 2) ? 1000000 : 5, count = 0, got, step = 1 + test_below(rnd, n + 1);
	weft_vector_hit want[N_MAX], *best = malloc((k + 1) * sizeof(*best));
	uint32_t ids[N_MAX];
	float scores[N_MAX];
	struct weft__topk t = weft__topk_begin(best, k);

	best[k] = (weft_vector_hit){ 7, 7 };
	for (uint32_t i = 0; i < n; i++) {
		scores[i] = some_score(rnd, kinds);
		ids[i] = (uint32_t)(test_random(rnd) & 1 ? UINT32_MAX - i : i);
		if (!isnan(scores[i]))
			want[count++] = (weft_vector_hit){ scores[i], ids[i] };
	}
	qsort(want, count, sizeof(*want), by_rank);
	for (uint32_t at = 0; at < n; at += step)
		weft__topk_offer(&t, scores + at, n - at < step ? n - at : step, ids + at, 0);
	got = weft__topk_end(&t);
	cr_assert_eq(got, count < k ? count : k, "n=%u k=%u: %u", n, k, got);
	for (uint32_t i = 0; i < got; i++)
		cr_assert(!by_rank(&best[i], &want[i]), "n=%u k=%u: rank %u is %g of %u, not %g of %u", n, k, i, (double)best[i].score,
		          best[i].at, (double)want[i].score, want[i].at);
	cr_assert(best[k].score == 7 && best[k].at == 7, "wrote beyond k");
	free(best);
}

Test(topk, best__are_those_of_a_sort)
{
	uint64_t rnd = test_seed("topk");

	for (int round = 0; round < 3000; round++)
		check(&rnd);
}

Test(topk, ids__are_places_when_none_are_given)
{
	float scores[5] = { 1, 3, NAN, 3, 2 };
	weft_vector_hit best[3];
	struct weft__topk t = weft__topk_begin(best, 3);

	cr_assert_eq(weft__topk(scores, NULL, 5, 3, best), 3);
	cr_assert(best[0].at == 1 && best[1].at == 3 && best[2].at == 4);
	weft__topk_offer(&t, scores, 5, NULL, 100);
	cr_assert_eq(weft__topk_end(&t), 3);
	cr_assert(best[0].at == 101 && best[1].at == 103 && best[2].at == 104);
	cr_assert_eq(weft__topk(scores + 2, NULL, 1, 3, best), 0, "NaN is never chosen");
}
