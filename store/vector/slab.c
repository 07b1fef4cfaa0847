/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/slab.c - see slab.h. */
#include "store/vector/slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <weft/alloc.h>

#define FIRST_TABLE 8u
#define HUGE_BYTES ((size_t)2 << 20)

void weft__slab_init(struct weft__slab *slab, uint32_t shift, struct weft__grace *grace)
{
	slab->shift = shift;
	slab->mask = (UINT32_C(1) << shift) - 1;
	slab->grace = grace;
	slab->free = slab->ripening = slab->fresh = WEFT__NONE;
}

/* How many chunks are allocated together when there are so many: the same whenever it is asked. */
static uint32_t piece_of(const struct weft__slab *slab, uint32_t chunks)
{
	uint32_t ours = chunks - slab->mapped_chunks, most = (uint32_t)((HUGE_BYTES + slab->chunk_bytes - 1) / slab->chunk_bytes);

	ours = ours < most ? ours : most;
	return ours ? ours : 1;
}

void weft__slab_fini(struct weft__slab *slab)
{
	for (uint32_t i = slab->mapped_chunks; i < slab->chunks; i += piece_of(slab, i))
		weft_free(weft__slab_table(slab)[i]);
	for (uint32_t i = 0; i < slab->tables_count; i++)
		weft_free(slab->tables[i]);
}

static uint32_t *chain_of(const struct weft__slab *slab, uint32_t number)
{
	return (uint32_t *)(weft__slab_chunk(slab, number) + slab->at_chain) + (number & slab->mask);
}

/* Room for n chunks in the table. With the lock. */
static int grow_table(struct weft__slab *slab, uint32_t n)
{
	uint32_t cap = slab->table_cap ? slab->table_cap : FIRST_TABLE;
	char **table;

	if (n <= slab->table_cap)
		return 0;
	while (cap < n)
		cap *= 2;
	table = weft_calloc(cap, sizeof(*table));
	if (!table)
		return -ENOMEM;
	if (slab->table_cap)
		memcpy(table, weft__slab_table(slab), slab->table_cap * sizeof(*table));
	WEFT_ASSERT(slab->tables_count < WEFT__SLAB_TABLES_MAX);
	slab->tables[slab->tables_count++] = table;
	slab->table_cap = cap;
	/* release -> acquire in weft__slab_table. Publishes: the copied chunks */
	weft__store_release(&slab->table, table);
	return 0;
}

/* Memory for the next piece. With the lock. */
static int grow(struct weft__slab *slab)
{
	uint32_t n = piece_of(slab, slab->chunks);
	size_t bytes = n * slab->chunk_bytes;
	bool large = bytes >= HUGE_BYTES;
	int r = grow_table(slab, slab->chunks + n);
	char *piece;

	if (r < 0)
		return r;
	piece = weft_aligned_alloc(large ? HUGE_BYTES : WEFT_CACHELINE, bytes);
	if (!piece)
		return -ENOMEM;
	if (large)
		(void)madvise(piece, bytes & ~(HUGE_BYTES - 1), MADV_HUGEPAGE); /* or small pages do */
	/* plain: nobody looks here before it learns a number of these chunks */
	for (uint32_t i = 0; i < n; i++)
		((char **)weft__slab_table(slab))[slab->chunks++] = piece + i * slab->chunk_bytes;
	return 0;
}

/* The chunk is there, and cleared. With the lock. */
static int open_chunk(struct weft__slab *slab, uint32_t at)
{
	int r = at < slab->chunks ? 0 : grow(slab);

	if (!r && slab->clear)
		slab->clear(slab, weft__slab_table(slab)[at]);
	return r;
}

int weft__slab_adopt(struct weft__slab *slab, char *const *chunks, uint32_t chunk_count, uint32_t count)
{
	int r = grow_table(slab, chunk_count);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < chunk_count; i++)
		((char **)weft__slab_table(slab))[i] = chunks[i];
	slab->mapped_chunks = slab->chunks = chunk_count;
	weft__store_release(&slab->count, count); /* as below */
	return 0;
}

/* n new numbers, none before the next chunk when this one has no room for all. With the lock. */
static int take_new(struct weft__slab *slab, uint32_t n, uint32_t *ret_first)
{
	uint32_t count = weft__load_relaxed(&slab->count); /* relaxed: written under our lock */
	uint32_t first = count;
	int r;

	if ((first & slab->mask) + n > slab->mask + 1)
		first = (first | slab->mask) + 1;
	if (first > WEFT__SLAB_NUMBERS_MAX - n)
		return -ENOSPC;
	if (!(first & slab->mask)) {
		r = open_chunk(slab, first >> slab->shift);
		if (r < 0)
			return r;
	}
	/* release -> acquire in weft__slab_count. Publishes: the chunk, its cleared columns and the table */
	weft__store_release(&slab->count, first + n);
	*ret_first = first;
	return 0;
}

/* What was retired long enough ago becomes free; what was retired since starts ripening. With the lock. */
static void ripen(struct weft__slab *slab)
{
	if (slab->ripening != WEFT__NONE && weft__grace_over(slab->grace, slab->ripe_stamp)) {
		WEFT_ASSERT(slab->free == WEFT__NONE);
		slab->free = slab->ripening;
		slab->ripening = WEFT__NONE;
	}
	if (slab->ripening == WEFT__NONE && slab->fresh != WEFT__NONE) {
		slab->ripening = slab->fresh;
		slab->fresh = WEFT__NONE;
		slab->ripe_stamp = weft__grace_stamp(slab->grace);
	}
}

static bool take_used(struct weft__slab *slab, uint32_t *ret_number)
{
	if (slab->free == WEFT__NONE && slab->unused) {
		weft__grace_poll(slab->grace);
		ripen(slab);
	}
	if (slab->free == WEFT__NONE)
		return false;
	*ret_number = slab->free;
	slab->free = *chain_of(slab, slab->free);
	slab->unused--;
	return true;
}

int weft__slab_take(struct weft__slab *slab, uint32_t *ret_number)
{
	int r = 0;

	weft__lock_take(&slab->lock);
	if (!take_used(slab, ret_number))
		r = take_new(slab, 1, ret_number);
	weft__lock_give(&slab->lock);
	return r;
}

int weft__slab_take_run(struct weft__slab *slab, uint32_t n, uint32_t *ret_first)
{
	int r;

	WEFT_ASSERT(n && n <= slab->mask + 1);
	weft__lock_take(&slab->lock);
	r = take_new(slab, n, ret_first);
	weft__lock_give(&slab->lock);
	return r;
}

void weft__slab_retire(struct weft__slab *slab, uint32_t number)
{
	weft__lock_take(&slab->lock);
	*chain_of(slab, number) = slab->fresh;
	slab->fresh = number;
	slab->unused++;
	if (slab->ripening == WEFT__NONE)
		ripen(slab);
	weft__lock_give(&slab->lock);
}
