/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/recall.c - what a store's memories are found by: the nearest ten of a room, asked for as an agent's
 * provider asks. Exact, so its recall is 1 but for rounding.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

struct recall {
	weft_store *store;
	weft_uuid room, *ids;
	struct vectors v;
};

static int fill(struct recall *a)
{
	weft_uuid entity = weft_uuid_v7();
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < a->v.count; i++) {
		weft_memory m = { .type = WEFT_MEMORY_FACT, .room_id = a->room, .entity_id = entity, .text = WEFT_STR("a fact") };

		r = weft_store_add(a->store, &m, &a->ids[i]);
		if (r == 0)
			r = weft_store_set_embedding(a->store, a->ids[i], vectors_row(&a->v, i), a->v.dims);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(weft_uuid));
}

/* Ids of memories are in the order in which they were made: the row is where the id stands. */
static uint32_t row_of(const struct recall *a, weft_uuid id)
{
	const weft_uuid *at = bsearch(&id, a->ids, a->v.count, sizeof(id), compare);

	return at ? (uint32_t)(at - a->ids) : VECTORS_NONE;
}

static int ask_all(struct recall *a)
{
	weft_search_hit hits[MEMORY_TOP];

	for (uint32_t q = 0; q < a->v.query_count; q++) {
		int n = weft_store_search(a->store, a->room, WEFT_MEMORY_FACT, vectors_query(&a->v, q), a->v.dims, MEMORY_TOP, hits);

		if (n != (int)MEMORY_TOP)
			return n < 0 ? n : -EIO;
	}
	return 0;
}

static int judge(struct recall *a, struct bench_outcome *out)
{
	weft_search_hit hits[MEMORY_TOP];
	uint32_t rows[MEMORY_TOP], right = 0;

	for (uint32_t q = 0; q < a->v.query_count; q++) {
		int n = weft_store_search(a->store, a->room, WEFT_MEMORY_FACT, vectors_query(&a->v, q), a->v.dims, MEMORY_TOP, hits);

		for (int i = 0; i < (int)MEMORY_TOP; i++)
			rows[i] = i < n ? row_of(a, hits[i].id) : VECTORS_NONE;
		right += vectors_right(&a->v, q, rows, MEMORY_TOP);
	}
	out->recall = (double)right / (a->v.query_count * MEMORY_TOP);
	return 0;
}

void memory_store_search(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct recall a = { .room = weft_uuid_v7() };
	int r;

	memory_begin(opt, self, out);
	r = memory_set_open(opt, self, &a.v, out);
	a.ids = r == 0 ? malloc(a.v.count * sizeof(*a.ids)) : NULL;
	if (r == 0)
		r = a.ids ? weft_store_create(NULL, &a.store) : -ENOMEM;
	if (r == 0)
		r = fill(&a);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		r = ask_all(&a);
		memory_add(out, i, t0, a.v.query_count);
	}
	if (r == 0)
		r = judge(&a, out);
	weft_store_unref(a.store);
	free(a.ids);
	vectors_free(&a.v);
	memory_end(out, r);
}
