/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/topk.c - the best k of many scores: a heap with the worst of them on top.
 *
 * Once it is full, nearly every score is worse than its top: inside_f32 passes over those, and what is left costs
 * O(log k). Of n scores in random order about k * ln(n / k) get in.
 */
#include "simd/simd.h"

#include <math.h>

static int is_worse(weft_vector_hit a, weft_vector_hit b)
{
	return a.score < b.score || (a.score == b.score && a.at > b.at);
}

/* Put s at the top of a heap of count, and let it sink to its place. */
static void sink(weft_vector_hit *heap, uint32_t count, weft_vector_hit s)
{
	uint64_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && is_worse(heap[child + 1], heap[child]))
			child++;
		if (!is_worse(heap[child], s))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = s;
}

/* Put s at the end, and let it rise. */
static void rise(weft_vector_hit *heap, uint32_t count, weft_vector_hit s)
{
	uint32_t at = count;

	while (at && is_worse(s, heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = s;
}

void weft__topk_offer(struct weft__topk *t, const float *scores, size_t n, const uint32_t *ids, uint32_t first_id)
{
	const struct weft__simd *simd = weft__simd();
	size_t i = 0;

	if (!t->k)
		return;
	for (; i < n && t->count < t->k; i++) {
		if (!isnan(scores[i]))
			rise(t->best, t->count++, (weft_vector_hit){ scores[i], ids ? ids[i] : first_id + (uint32_t)i });
	}
	for (; i < n; i++) {
		weft_vector_hit s;

		i += simd->inside_f32(scores + i, n - i, t->best[0].score, INFINITY);
		if (i == n)
			return;
		s = (weft_vector_hit){ scores[i], ids ? ids[i] : first_id + (uint32_t)i };
		if (is_worse(t->best[0], s))
			sink(t->best, t->count, s);
	}
}

uint32_t weft__topk_end(struct weft__topk *t)
{
	for (uint32_t left = t->count; left > 1; left--) {
		weft_vector_hit worst = t->best[0];

		sink(t->best, left - 1, t->best[left - 1]);
		t->best[left - 1] = worst;
	}
	return t->count;
}

uint32_t weft__topk(const float *scores, const uint32_t *ids, size_t n, uint32_t k, weft_vector_hit *ret)
{
	struct weft__topk t = weft__topk_begin(ret, k);

	weft__topk_offer(&t, scores, n, ids, 0);
	return weft__topk_end(&t);
}
