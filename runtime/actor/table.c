/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/table.c - the cells that actors live in.
 *
 * Segments of 256 cells, made when needed and kept until the runtime is destroyed.
 * Free cells are kept a worker, and traded with the table CELLS_CHAIN at a time
 * under its lock. Foreign threads use the table's list directly.
 */
#include "runtime/actor/core.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#define CELLS_CHAIN 128u
#define CELLS_CACHED_MAX (4 * CELLS_CHAIN)
#define CELLS_MOST (UINT64_C(1) << WEFT__CELL_BITS) /* a reference names no more */

int weft__table_init(struct weft__table *t, uint32_t actors_max, uint32_t places)
{
	/* A free cell in one worker's cache is out of another's reach: such cells come on top. */
	uint64_t cells = actors_max + (uint64_t)places * CELLS_CACHED_MAX;

	if (cells > CELLS_MOST)
		cells = CELLS_MOST;
	t->segments_max = (uint32_t)((cells + WEFT__SEGMENT_CELLS - 1) >> WEFT__SEGMENT_BITS);
	t->segments = weft_calloc(t->segments_max, sizeof(*t->segments));
	if (!t->segments)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->next_cell = WEFT__SEGMENT_CELLS;
	return 0;
}

void weft__table_fini(struct weft__table *t)
{
	if (!t->segments)
		return;
	weft__region_fini(&t->cells);
	weft_free(t->segments);
	t->segments = NULL;
	pthread_mutex_destroy(&t->lock);
}

static bool segment_add_locked(struct weft__table *t)
{
	size_t bytes = WEFT__SEGMENT_CELLS * sizeof(struct weft_actor);
	struct weft_actor *cells = weft__region_take(&t->cells, bytes);

	if (!cells)
		return false;
	memset(cells, 0, bytes);
	for (uint32_t i = 0; i < WEFT__SEGMENT_CELLS; i++) {
		cells[i].cell = (t->segments_used << WEFT__SEGMENT_BITS) + i;
		weft__store_relaxed(&cells[i].word, t->first_life); /* relaxed: published below */
	}
	weft__store_release(&t->segments[t->segments_used], cells); /* -> weft__ref_cell */
	t->segments_used++;
	t->next_cell = 0;
	return true;
}

static struct weft_actor *cell_take_locked(struct weft__table *t, bool *ret_full)
{
	struct weft_actor *a = t->free;

	if (a) {
		t->free = a->free_next;
		return a;
	}
	if (t->next_cell == WEFT__SEGMENT_CELLS) {
		*ret_full = t->segments_used == t->segments_max;
		if (*ret_full || !segment_add_locked(t))
			return NULL;
	}
	/* relaxed: written under this lock */
	return &weft__load_relaxed(&t->segments[t->segments_used - 1])[t->next_cell++];
}

struct weft_actor *weft__cell_take(struct weft_runtime *rt, struct weft__worker *w, bool *ret_full)
{
	struct weft__table *t = &rt->table;
	struct weft_actor *a;

	*ret_full = false;
	if (w && w->cells.free) {
		a = w->cells.free;
		w->cells.free = a->free_next;
		w->cells.count--;
		return a;
	}
	pthread_mutex_lock(&t->lock);
	a = cell_take_locked(t, ret_full);
	for (uint32_t i = 1; a && w && i < CELLS_CHAIN; i++) {
		bool full;
		struct weft_actor *more = cell_take_locked(t, &full);

		if (!more)
			break;
		more->free_next = w->cells.free;
		w->cells.free = more;
		w->cells.count++;
	}
	pthread_mutex_unlock(&t->lock);
	return a;
}

void weft__cell_give(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a)
{
	struct weft__table *t = &rt->table;

	if ((weft__load_relaxed(&a->word) & WEFT__LIFE_MASK) >= WEFT__LIFE_MASK - 2) /* relaxed: ours alone */
		return; /* lives used up: the cell rests for good */
	if (w) {
		a->free_next = w->cells.free;
		w->cells.free = a;
		if (++w->cells.count <= CELLS_CACHED_MAX)
			return;
	}
	pthread_mutex_lock(&t->lock);
	if (!w) {
		a->free_next = t->free;
		t->free = a;
	}
	for (uint32_t i = 0; w && i < CELLS_CHAIN; i++) {
		struct weft_actor *give = w->cells.free;

		w->cells.free = give->free_next;
		w->cells.count--;
		give->free_next = t->free;
		t->free = give;
	}
	pthread_mutex_unlock(&t->lock);
}

void weft__table_each(struct weft__table *t, void (*fn)(struct weft_actor *a, void *user), void *user)
{
	for (uint32_t i = 0; i < t->segments_used; i++) {
		struct weft_actor *cells = weft__load_acquire(&t->segments[i]);
		uint32_t used = i + 1 == t->segments_used ? t->next_cell : WEFT__SEGMENT_CELLS;

		for (uint32_t j = 0; j < used; j++)
			fn(&cells[j], user);
	}
}
