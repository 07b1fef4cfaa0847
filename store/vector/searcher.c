/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/searcher.c - what one search needs of memory, kept for the next; see vector.h. */
#include "store/vector/vector.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/hash.h"

#define FIRST_STAMPS 1024u

void weft__searcher_free(struct weft__searcher *s)
{
	if (!s)
		return;
	weft_free(s->query);
	weft_free(s->pool);
	weft_free(s->stamps);
	weft_free(s->scanned);
	weft_free(s);
}

static struct weft__searcher *searcher_create(const weft_index *index)
{
	size_t floats = (index->opt.dims + WEFT_CACHELINE - 1) / WEFT_CACHELINE * WEFT_CACHELINE;
	size_t bytes = floats * (sizeof(float) + sizeof(int16_t) + 4);
	struct weft__searcher *s = weft_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->query = weft_aligned_alloc(WEFT_CACHELINE, bytes);
	if (!s->query) {
		weft_free(s);
		return NULL;
	}
	memset(s->query, 0, bytes);
	s->row_rests = (int16_t *)(void *)(s->query + floats);
	s->row_codes = (uint8_t *)(s->row_rests + floats);
	s->codes = (int8_t *)(s->row_codes + floats);
	s->probe = s->codes + floats;
	s->ones = s->probe + floats;
	memset(s->ones, 1, floats);
	return s;
}

static int ready_pool(struct weft__searcher *s, uint32_t ef)
{
	struct weft__near *pool;

	if (ef <= s->pool_cap)
		return 0;
	pool = weft_malloc(2 * ((size_t)ef + 1) * sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	weft_free(s->pool);
	s->pool = pool;
	s->candidates = pool + ef + 1;
	s->pool_cap = ef;
	return 0;
}

static int ready_stamps(struct weft__searcher *s, uint32_t rows)
{
	uint32_t cap = s->stamps_cap ? s->stamps_cap : FIRST_STAMPS;
	uint16_t *stamps;

	if (rows <= s->stamps_cap)
		return 0;
	while (cap < rows)
		cap *= 2;
	stamps = weft_calloc(cap, sizeof(*stamps));
	if (!stamps)
		return -ENOMEM;
	weft_free(s->stamps);
	s->stamps = stamps;
	s->stamps_cap = cap;
	s->stamp = 0;
	return 0;
}

int weft__searcher_ready(weft_index *index, struct weft__searcher *s, uint32_t ef)
{
	int r = ready_pool(s, ef);

	return r < 0 ? r : ready_stamps(s, weft__slab_count(&index->rows.slab));
}

struct weft__near *weft__searcher_scanned(struct weft__searcher *s, uint32_t cap)
{
	if (s->scanned_cap < cap) {
		struct weft__near *more = weft_malloc(cap * sizeof(*more));

		if (!more)
			return NULL;
		weft_free(s->scanned);
		s->scanned = more;
		s->scanned_cap = cap;
	}
	return s->scanned;
}

/* Where a thread begins to look, so that two rarely meet. */
static uint32_t first_slot(void)
{
	static _Thread_local char here;

	return (uint32_t)weft__mix64((uintptr_t)&here);
}

static struct weft__searcher *idle_take(weft_index *index)
{
	uint32_t first = first_slot();

	for (uint32_t i = 0; i < WEFT__SEARCHERS_KEPT; i++) {
		_Atomic(struct weft__searcher *) *slot = &index->idle[(first + i) % WEFT__SEARCHERS_KEPT];
		struct weft__searcher *s = NULL;

		/* relaxed: only whether it is worth an exchange */
		if (weft__load_relaxed(slot))
			s = weft__xchg_acq_rel(slot, NULL);
		if (s)
			return s;
	}
	return NULL;
}

void weft__searcher_give(weft_index *index, struct weft__searcher *s)
{
	uint32_t first = first_slot();

	for (uint32_t i = 0; i < WEFT__SEARCHERS_KEPT; i++) {
		_Atomic(struct weft__searcher *) *slot = &index->idle[(first + i) % WEFT__SEARCHERS_KEPT];
		struct weft__searcher *none = NULL;

		/* acq_rel: whoever takes it goes on where we left it */
		if (!weft__load_relaxed(slot) && weft__cas_acq_rel(slot, &none, s)) /* relaxed: as above */
			return;
	}
	weft__searcher_free(s);
}

/* A row that was normalised stays as it is, however often it is stored and read again. */
#define UNIT_ERROR 0x1p-20f

/* v to length 1 in ret, and -0 to 0, so that equal vectors are equal bytes. */
static int unit(const weft_index *index, const float *v, float *ret)
{
	size_t n = index->opt.dims;
	float sum = index->simd->dot_f32(v, v, n), scale;

	if (sum > 1e-20f && sum < 1e20f) {
		scale = fabsf(sum - 1) < UNIT_ERROR ? 1 : 1 / sqrtf(sum);
		for (size_t i = 0; i < n; i++)
			ret[i] = v[i] * scale + 0.0f;
		return 0;
	}
	memcpy(ret, v, n * sizeof(*v));
	if (weft__normalise_f32(ret, n) < 0) /* in doubles: huge and tiny ones too */
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret[i] += 0.0f;
	return 0;
}

static void code(weft_index *index, struct weft__searcher *s)
{
	if (index->rows.code_bytes)
		s->coded = weft__quantise_query(s->query, index->opt.dims, s->codes); /* what is behind them stays 0 */
}

int weft__searcher_point(weft_index *index, struct weft__searcher *s, const float *vector)
{
	int r = unit(index, vector, s->query);

	if (!r)
		code(index, s);
	return r;
}

int weft__searcher_take(weft_index *index, const float *vector, struct weft__searcher **ret)
{
	struct weft__searcher *s = idle_take(index);
	int r;

	if (!s)
		s = searcher_create(index);
	if (!s)
		return -ENOMEM;
	r = vector ? weft__searcher_point(index, s, vector) : 0;
	if (r < 0) {
		weft__searcher_give(index, s);
		return r;
	}
	*ret = s;
	return 0;
}

void weft__searcher_load(weft_index *index, struct weft__searcher *s, uint32_t row)
{
	weft__row_copy(&index->rows, row, s->query);
	code(index, s);
}
