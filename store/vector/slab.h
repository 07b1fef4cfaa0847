/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/vector/slab.h - numbered records in chunks whose addresses never change.
 *
 * A record is a number; a chunk holds 2^shift of them as columns, whose places in the
 * chunk the owner of the slab lays out (rows.h). The table of chunks is replaced when it
 * is full, and the old tables stay until the end, so a reader needs no lock: having
 * learnt a number through an acquire load, it loads the table and finds the chunk there.
 * Chunks are small, so that a slab of few records is, too; they are allocated in pieces,
 * each as large as all before, up to some 2 MiB, on huge pages where there are any.
 *
 *     table -> | chunk 0 | chunk 1 | ...      number -> table[number >> shift], column + (number & mask) * bytes
 *
 * A retired number is handed out again after a grace period: fresh, then ripening (with a
 * stamp), then free. The chains run through a column of 32-bit words that nothing else uses.
 *
 * Threads: take and retire any, under the slab's lock. Readers: any. Tests: tests/unit/store/test_slab.c.
 */
#ifndef WEFT_STORE_VECTOR_SLAB_H
#define WEFT_STORE_VECTOR_SLAB_H

#include <stddef.h>

#include "store/vector/grace.h"

#define WEFT__NONE UINT32_MAX
#define WEFT__SLAB_NUMBERS_MAX (UINT32_C(1) << 31)
#define WEFT__SLAB_TABLES_MAX 28u

struct weft__slab {
	uint32_t shift, mask;       /* constant from here ... */
	size_t chunk_bytes;
	size_t at_chain;            /* the chain's column */
	struct weft__grace *grace;
	void (*clear)(const struct weft__slab *slab, char *chunk); /* a new chunk, before anybody sees it; may be NULL */
	_Atomic(char **) table;     /* written under lock; read by all */
	_Atomic(uint32_t) count;    /* numbers handed out once at least; their chunks are there */
	struct weft__lock lock;     /* of what follows */
	uint32_t table_cap, tables_count;
	uint32_t mapped_chunks;     /* the first ones: not ours to free */
	uint32_t chunks;            /* that there is memory for */
	uint32_t free, ripening, fresh; /* heads of the chains, WEFT__NONE: empty */
	uint64_t ripe_stamp;        /* of ripening */
	uint32_t unused;            /* in all three */
	char **tables[WEFT__SLAB_TABLES_MAX]; /* owned, the newest last */
};

/* chunk_bytes, at_chain and clear are set already. */
void weft__slab_init(struct weft__slab *slab, uint32_t shift, struct weft__grace *grace);
void weft__slab_fini(struct weft__slab *slab);

/* A number. 0, -ENOMEM, -ENOSPC. */
int weft__slab_take(struct weft__slab *slab, uint32_t *ret_number);
/* n numbers in a row within one chunk, never used before. n <= 2^shift. */
int weft__slab_take_run(struct weft__slab *slab, uint32_t n, uint32_t *ret_first);
/* Nothing leads to it any more, though readers may still be there. */
void weft__slab_retire(struct weft__slab *slab, uint32_t number);
/* Chunks that lie in a file's mapping, before anything else. */
int weft__slab_adopt(struct weft__slab *slab, char *const *chunks, uint32_t chunk_count, uint32_t count);

static inline char *const *weft__slab_table(const struct weft__slab *slab)
{
	/* acquire: the chunks of every number learnt so far are in it */
	return weft__load_acquire(&((struct weft__slab *)slab)->table);
}

static inline char *weft__slab_chunk(const struct weft__slab *slab, uint32_t number)
{
	return weft__slab_table(slab)[number >> slab->shift];
}

static inline uint32_t weft__slab_count(const struct weft__slab *slab)
{
	/* acquire: the chunks of all below are in the table */
	return weft__load_acquire(&((struct weft__slab *)slab)->count);
}

static inline size_t weft__slab_bytes(const struct weft__slab *slab)
{
	size_t chunks = ((size_t)weft__slab_count(slab) + slab->mask) >> slab->shift;

	return chunks * slab->chunk_bytes;
}

#endif
