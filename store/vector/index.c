/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/index.c - making an index, and writing to it.
 *
 * A put first finds or makes the row of its vector and hangs a new item on it, then takes the id's old item
 * away; in between a search may see both, and keeps the better one (search.c), or pass by each at the wrong moment.
 * Whatever can fail is done before the first thing that a search can see.
 */
#include "store/vector/vector.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <weft/alloc.h>

#include "runtime/base/hash.h"
#include "store/vector/graph.h"

#define M_DEFAULT 16u
#define EF_CONSTRUCTION_DEFAULT 200u
#define GRAPH_FROM_BYTES 7000000u /* of codes: a scan of so many takes some 250 us, a row in the graph half of that */
#define SCAN_SHARDS 8u
#define AUTO_SHARDS 32u
#define GRAPH_SHARDS 256u

/* ---- hashes ----------------------------------------------------------------------- */

static uint32_t hash_of_id(uint64_t id)
{
	return (uint32_t)weft__mix64(id);
}

static uint32_t hash_of_item(const void *owner, uint32_t item)
{
	const weft_index *index = owner;

	return hash_of_id(*weft__item_id(&index->items, item));
}

static uint32_t hash_of_row(const void *owner, uint32_t row)
{
	const weft_index *index = owner;

	return *weft__row_hash(&index->rows, weft__slab_chunk(&index->rows.slab, row), row);
}

static bool item_has_id(const void *owner, uint32_t item, const void *key)
{
	const weft_index *index = owner;

	return *weft__item_id(&index->items, item) == *(const uint64_t *)key;
}

/* Eight bytes at a time; both are multiples of them. */
static uint32_t hash_of_bytes(const void *bytes, size_t n, uint64_t seed)
{
	const char *at = bytes;
	uint64_t hash = seed, word;

	for (size_t i = 0; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		hash = weft__mix2(hash, word);
	}
	return (uint32_t)weft__mix64(hash);
}

/* ---- create, ref, unref ---------------------------------------------------------------- */

static int fill_in(const weft_index_options *opt, weft_index_options *ret)
{
	WEFT_RETURN_IF(!opt || opt->size != sizeof(*opt), -EINVAL);
	WEFT_RETURN_IF(!opt->dims || opt->dims > WEFT_INDEX_DIMS_MAX, -EINVAL);
	WEFT_RETURN_IF(opt->kind > WEFT_INDEX_GRAPH || opt->codes > WEFT_INDEX_CODES_NONE, -EINVAL);
	WEFT_RETURN_IF(opt->m && (opt->m < 4 || opt->m > WEFT_INDEX_M_MAX), -EINVAL);
	WEFT_RETURN_IF(opt->ef_construction > WEFT_INDEX_EF_MAX || opt->reserved, -EINVAL);
	*ret = *opt;
	if (!ret->m)
		ret->m = M_DEFAULT;
	if (!ret->ef_construction)
		ret->ef_construction = EF_CONSTRUCTION_DEFAULT;
	if (!ret->graph_from)
		ret->graph_from = GRAPH_FROM_BYTES / (opt->dims + 64) + 1000;
	return 0;
}

static void destroy(weft_index *index)
{
	for (uint32_t i = 0; i < WEFT__SEARCHERS_KEPT; i++)
		weft__searcher_free(index->idle[i]);
	weft__graph_destroy(weft__index_graph(index));
	weft__lookup_fini(&index->by_id);
	weft__lookup_fini(&index->by_vector);
	weft__slab_fini(&index->items.slab);
	weft__slab_fini(&index->rows.slab);
	if (index->map)
		munmap(index->map, index->map_bytes);
	weft_free(index);
}

static int create_graph(weft_index *index)
{
	struct weft__graph *g;
	int r = weft__graph_create(index, &g);

	if (r < 0)
		return r;
	g->build.stage = WEFT__BUILD_READY; /* there is nothing to catch up with */
	index->graph = g;
	return 0;
}

int weft__index_create(const weft_index_options *opt, bool with_graph, weft_index **ret_index)
{
	weft_index_options full;
	weft_index *index;
	uint32_t shards;
	int r = fill_in(opt, &full);

	WEFT_RETURN_IF(r < 0, r);
	WEFT_RETURN_IF(!ret_index, -EINVAL);
	index = weft_aligned_alloc(WEFT_CACHELINE, sizeof(*index));
	if (!index)
		return -ENOMEM;
	memset(index, 0, sizeof(*index));
	index->opt = full;
	weft__refs_init(&index->refs, 1);
	index->simd = weft__simd();
	index->match = weft__match_kernels();
	shards = full.kind == WEFT_INDEX_SCAN ? SCAN_SHARDS : full.kind == WEFT_INDEX_AUTO ? AUTO_SHARDS : GRAPH_SHARDS;
	weft__rows_init(&index->rows, &full, WEFT__INDEX_SHIFT, &index->grace);
	weft__items_init(&index->items, WEFT__INDEX_SHIFT, &index->grace);
	r = weft__lookup_init(&index->by_id, shards, hash_of_item, index);
	if (!r)
		r = weft__lookup_init(&index->by_vector, shards, hash_of_row, index);
	if (!r && (full.kind == WEFT_INDEX_GRAPH || with_graph))
		r = create_graph(index);
	if (r < 0) {
		destroy(index);
		return r;
	}
	*ret_index = index;
	return 0;
}

int weft_index_create(const weft_index_options *opt, weft_index **ret_index)
{
	return weft__index_create(opt, false, ret_index);
}

weft_index *weft_index_ref(weft_index *index)
{
	weft__refs_take(&index->refs);
	return index;
}

void weft_index_unref(weft_index *index)
{
	/* acq_rel: the last one frees what the others wrote */
	if (index && weft__refs_drop(&index->refs))
		destroy(index);
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct vector_key { /* what makes two vectors the same: the floats, or all that is kept of them */
	const weft_index *index;
	const float *vector;  /* the searcher's, as the next two; NULL: codes are kept */
	const uint8_t *codes;
	const int16_t *rests;
	float largest;
	uint32_t hash;
};

static bool row_has_vector(const void *owner, uint32_t row, const void *key)
{
	const struct vector_key *k = key;
	const weft_index *index = owner;
	const struct weft__rows *r = &index->rows;
	char *chunk = weft__slab_chunk(&r->slab, row);

	if (*weft__row_hash(r, chunk, row) != k->hash)
		return false;
	if (k->vector)
		return !memcmp(weft__row_vector(r, chunk, row), k->vector, r->vector_floats * sizeof(*k->vector));
	return *weft__row_largest(r, chunk, row) == k->largest && !memcmp(weft__row_codes(r, chunk, row), k->codes, r->code_bytes) &&
	       !memcmp(weft__row_rests(r, chunk, row), k->rests, r->rest_words * sizeof(*k->rests));
}

/* The key of a searcher's vector. Its codes and rests are put where the searcher has room for them. */
static struct vector_key key_of(const weft_index *index, struct weft__searcher *s)
{
	const struct weft__rows *r = &index->rows;
	struct vector_key k = { .index = index };

	if (r->vector_floats) {
		k.vector = s->query;
		k.hash = hash_of_bytes(k.vector, r->vector_floats * sizeof(*k.vector), index->opt.seed);
		return k;
	}
	k.codes = s->row_codes;
	k.rests = s->row_rests;
	k.largest = weft__row_code(r, s->query, s->row_codes, s->row_rests);
	k.hash = hash_of_bytes(k.rests, r->rest_words * sizeof(*k.rests), hash_of_bytes(k.codes, r->code_bytes, index->opt.seed));
	return k;
}

/* Of the row that had this number before; the floors stay. */
static void forget_marks(_Atomic(uint32_t) *state)
{
	/* relaxed: nobody knows the row */
	weft__store_relaxed(state, weft__load_relaxed(state) & ~WEFT__ROW_MARKS);
}

/* A row that holds the vector; nobody knows it yet. */
static int row_create(weft_index *index, const struct vector_key *key, uint32_t *ret_row)
{
	const struct weft__rows *rows = &index->rows;
	uint32_t row;
	char *chunk;
	int r = weft__slab_take(&index->rows.slab, &row);

	if (r < 0)
		return r;
	chunk = weft__slab_chunk(&rows->slab, row);
	if (rows->vector_floats)
		memcpy(weft__row_vector(rows, chunk, row), key->vector, rows->vector_floats * sizeof(*key->vector));
	if (rows->code_bytes)
		memcpy(weft__row_codes(rows, chunk, row), key->codes, rows->code_bytes);
	if (rows->rest_words)
		memcpy(weft__row_rests(rows, chunk, row), key->rests, rows->rest_words * sizeof(*key->rests));
	*weft__row_largest(rows, chunk, row) = key->largest;
	*weft__row_hash(rows, chunk, row) = key->hash;
	forget_marks(weft__row_state(rows, chunk, row));
	*ret_row = row;
	return 0;
}

static bool is_dead(const weft_index *index, uint32_t row)
{
	/* relaxed: under the lock of its vector */
	return weft__load_relaxed(weft__row_head(&index->rows, weft__slab_chunk(&index->rows.slab, row), row)) == WEFT__NONE;
}

/* The row of the vector, made if there is none. With the vector's shard locked. */
static int row_get(weft_index *index, struct weft__lookup_shard *shard, struct weft__searcher *s,
                   const struct vector_key *key, uint32_t *ret_row)
{
	uint32_t row = weft__lookup_find(&index->by_vector, shard, key->hash, row_has_vector, key);
	int r;

	if (row == WEFT__NONE) {
		r = weft__lookup_reserve(&index->by_vector, shard);
		if (!r)
			r = row_create(index, key, &row);
		if (r < 0)
			return r;
		weft__lookup_insert(&index->by_vector, shard, row);
		if (s->links)
			weft__graph_link(index, s, row);
	} else if (weft__row_is_linked(&index->rows, row) && is_dead(index, row)) {
		weft__fetch_sub_relaxed(&weft__index_graph(index)->dead, 1); /* relaxed: a counter; it lives again */
	}
	*ret_row = row;
	return 0;
}

/*
 * Take an item off its row. The last one takes the row with it; in the graph the row stays, dead, until it is
 * swept out or its vector comes again. Under the id's shard.
 */
static void detach(weft_index *index, uint32_t item)
{
	uint32_t row = weft__load_relaxed(weft__item_row(&index->items, item)); /* relaxed: our lock */
	struct weft__lookup_shard *shard = weft__lookup_lock(&index->by_vector, hash_of_row(index, row));

	if (weft__row_detach(&index->rows, &index->items, row, item)) {
		weft__fetch_sub_relaxed(&index->live_rows, 1); /* relaxed: a counter */
		if (weft__row_is_linked(&index->rows, row)) {
			weft__fetch_add_relaxed(&weft__index_graph(index)->dead, 1); /* relaxed: the same */
		} else {
			weft__lookup_remove(&index->by_vector, shard, row);
			weft__slab_retire(&index->rows.slab, row);
		}
	}
	weft__lookup_unlock(shard);
	weft__slab_retire(&index->items.slab, item);
}

/* ---- put, delete, get ---------------------------------------------------------------------------- */

/*
 * Hang item on the row of the searcher's vector, whose key is given. old is what the id had, or WEFT__NONE: when it hangs there
 * too, item takes its place and the answer is 1; else 0.
 */
static int attach(weft_index *index, struct weft__searcher *s, const struct vector_key *key, uint32_t item, uint32_t old)
{
	struct weft__lookup_shard *shard = weft__lookup_lock(&index->by_vector, key->hash);
	uint32_t row;
	int r = row_get(index, shard, s, key, &row);

	/* relaxed: written under the lock of the id */
	if (!r && old != WEFT__NONE && weft__load_relaxed(weft__item_row(&index->items, old)) == row) {
		weft__row_replace(&index->rows, &index->items, row, old, item);
		r = 1;
	} else if (!r && weft__row_attach(&index->rows, &index->items, row, item)) {
		weft__fetch_add_relaxed(&index->live_rows, 1); /* relaxed: a counter */
	}
	weft__lookup_unlock(shard);
	return r;
}

static int item_create(weft_index *index, uint64_t id, const weft_index_attrs *attrs, uint32_t *ret_item)
{
	int r = weft__slab_take(&index->items.slab, ret_item);

	if (r < 0)
		return r;
	*weft__item_id(&index->items, *ret_item) = id;
	weft__item_put_attrs(&index->items, *ret_item, attrs);
	return 0;
}

/* Is this what the item has already? */
static bool is_same(const weft_index *index, const struct vector_key *key, uint32_t item, const weft_index_attrs *attrs)
{
	const weft_index_attrs has = weft__item_get_attrs(&index->items, item), none = { 0 };
	uint32_t row = weft__load_relaxed(weft__item_row(&index->items, item)); /* relaxed: written under the lock of the id */

	return !memcmp(&has, attrs ? attrs : &none, sizeof(has)) && row_has_vector(index, row, key);
}

/* With the id's shard locked. 1: nothing has changed. */
static int put_locked(weft_index *index, struct weft__lookup_shard *shard, struct weft__searcher *s, const struct vector_key *key,
                      uint64_t id, const weft_index_attrs *attrs)
{
	uint32_t old = weft__lookup_find(&index->by_id, shard, hash_of_id(id), item_has_id, &id), item;
	int r;

	if (old != WEFT__NONE && is_same(index, key, old, attrs))
		return 1;
	r = weft__lookup_reserve(&index->by_id, shard);
	if (!r)
		r = item_create(index, id, attrs, &item);
	if (r < 0)
		return r;
	r = attach(index, s, key, item, old);
	if (r < 0) {
		weft__slab_retire(&index->items.slab, item);
		return r;
	}
	if (old == WEFT__NONE) {
		weft__lookup_insert(&index->by_id, shard, item);
		weft__fetch_add_relaxed(&index->ids, 1); /* relaxed: a counter */
		return 0;
	}
	weft__lookup_replace(&index->by_id, shard, old, item);
	if (r == 1)
		weft__slab_retire(&index->items.slab, old);
	else
		detach(index, old);
	return 0;
}

/* What a write leaves to be done, a little of it. No locks held, outside of the grace counters. */
static void tidy(weft_index *index, struct weft__searcher *s)
{
	struct weft__graph *g = weft__index_graph(index);

	if (index->opt.kind == WEFT_INDEX_SCAN)
		return;
	if (!g || !weft__graph_is_ready(g)) {
		weft__build_step(index, s);
	} else {
		weft__sweep_step(index, s);
		weft__calibrate_step(index, s);
	}
}

int weft_index_put(weft_index *index, uint64_t id, const float *vector, const weft_index_attrs *attrs)
{
	struct weft__searcher *s;
	struct weft__lookup_shard *shard;
	struct vector_key key;
	weft__grace_place place;
	int r;

	WEFT_RETURN_IF(!index || !vector, -EINVAL);
	r = weft__searcher_take(index, vector, &s);
	if (r < 0)
		return r;
	key = key_of(index, s);
	place = weft__grace_enter(&index->grace);
	s->links = weft__index_graph(index);
	if (s->links)
		r = weft__searcher_ready(index, s, index->opt.ef_construction);
	if (!r) {
		shard = weft__lookup_lock(&index->by_id, hash_of_id(id));
		r = put_locked(index, shard, s, &key, id, attrs);
		weft__lookup_unlock(shard);
	}
	weft__grace_leave(place);
	if (!r)
		tidy(index, s);
	weft__searcher_give(index, s);
	return r < 0 ? r : 0;
}

int weft_index_delete(weft_index *index, uint64_t id)
{
	struct weft__lookup_shard *shard;
	struct weft__searcher *s;
	uint32_t item;

	WEFT_RETURN_IF(!index, -EINVAL);
	shard = weft__lookup_lock(&index->by_id, hash_of_id(id));
	item = weft__lookup_find(&index->by_id, shard, hash_of_id(id), item_has_id, &id);
	if (item != WEFT__NONE) {
		weft__lookup_remove(&index->by_id, shard, item);
		weft__fetch_sub_relaxed(&index->ids, 1); /* relaxed: a counter */
		detach(index, item);
	}
	weft__lookup_unlock(shard);
	if (weft__index_graph(index) && item != WEFT__NONE && !weft__searcher_take(index, NULL, &s)) { /* without memory: another time */
		tidy(index, s);
		weft__searcher_give(index, s);
	}
	return item == WEFT__NONE ? -ENOENT : 0;
}

int weft_index_sweep(weft_index *index)
{
	struct weft__searcher *s;
	int r;

	WEFT_RETURN_IF(!index, -EINVAL);
	if (!weft__index_graph(index))
		return 0;
	r = weft__searcher_take(index, NULL, &s);
	if (r < 0)
		return r;
	r = weft__build_all(index, s);
	if (!r)
		r = weft__sweep_all(index, s);
	if (!r)
		weft__calibrate_all(index, s);
	weft__searcher_give(index, s);
	return r;
}

int weft_index_get(weft_index *index, uint64_t id, float *ret_vector, weft_index_attrs *ret_attrs)
{
	struct weft__lookup_shard *shard;
	uint32_t item;

	WEFT_RETURN_IF(!index, -EINVAL);
	shard = weft__lookup_lock(&index->by_id, hash_of_id(id));
	item = weft__lookup_find(&index->by_id, shard, hash_of_id(id), item_has_id, &id);
	if (item != WEFT__NONE) {
		if (ret_vector) /* relaxed: written under our lock */
			weft__row_copy(&index->rows, weft__load_relaxed(weft__item_row(&index->items, item)), ret_vector);
		if (ret_attrs)
			*ret_attrs = weft__item_get_attrs(&index->items, item);
	}
	weft__lookup_unlock(shard);
	return item == WEFT__NONE ? -ENOENT : 0;
}

int weft_index_stats_read(weft_index *index, weft_index_stats *ret_stats)
{
	WEFT_RETURN_IF(!index || !ret_stats || ret_stats->size != sizeof(*ret_stats), -EINVAL);
	*ret_stats = (weft_index_stats){
		.size = sizeof(*ret_stats),
		.dims = index->opt.dims,
		/* relaxed: a snapshot of counters */
		.ids = weft__load_relaxed(&index->ids),
		.rows = weft__load_relaxed(&index->live_rows),
		.bytes = sizeof(*index) + weft__slab_bytes(&index->rows.slab) + weft__slab_bytes(&index->items.slab) +
		         weft__lookup_bytes(&index->by_id) + weft__lookup_bytes(&index->by_vector),
		.linked = weft__index_graph(index) ? weft__load_relaxed(&weft__index_graph(index)->linked) : 0,
		.dead = weft__index_graph(index) ? weft__load_relaxed(&weft__index_graph(index)->dead) : 0,
		.searches_by_graph = weft__load_relaxed(&index->by_graph),
		.searches_by_scan = weft__load_relaxed(&index->by_scan),
	};
	return 0;
}
