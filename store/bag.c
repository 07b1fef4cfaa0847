/* SPDX-License-Identifier: Apache-2.0 */
/* store/bag.c - see bag.h. */
#include "store/bag.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/assert.h"

void weft__bag_free(void *bag)
{
	struct weft__bag *b = bag;

	if (!b)
		return;
	weft_free(b->items);
	weft_free(b);
}

static int grow(struct weft__bag *b)
{
	uint32_t cap = b->cap ? b->cap * 2 : 2;
	void **more = weft_realloc(b->items, cap * sizeof(*more));

	if (!more)
		return -ENOMEM;
	b->items = more;
	b->cap = cap;
	return 0;
}

int weft__bag_reserve(struct weft__shard *shard, weft_uuid id)
{
	struct weft__bag *b = weft__shard_find(shard, id);
	int r;

	if (b)
		return b->count == b->cap ? grow(b) : 0;
	b = weft_calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->id = id;
	r = grow(b);
	if (r == 0)
		r = weft__shard_insert(shard, b);
	if (r < 0)
		weft__bag_free(b);
	return r;
}

/* Where it is; count: nowhere. */
static uint32_t place_of(const struct weft__bag *b, const void *item)
{
	uint32_t i = 0;

	while (i < b->count && b->items[i] != item)
		i++;
	return i;
}

void weft__bag_put(struct weft__shard *shard, weft_uuid id, void *old, void *item)
{
	struct weft__bag *b = weft__shard_find(shard, id);
	uint32_t at = old ? place_of(b, old) : b->count;

	WEFT_ASSERT(at < b->cap);
	b->items[at] = item;
	b->count += at == b->count;
}

void weft__bag_remove(struct weft__shard *shard, weft_uuid id, const void *item)
{
	struct weft__bag *b = weft__shard_find(shard, id);
	uint32_t at = b ? place_of(b, item) : 0;

	if (!b || at == b->count)
		return;
	memmove(&b->items[at], &b->items[at + 1], (b->count - at - 1) * sizeof(*b->items));
	b->count--;
	weft__bag_trim(shard, id);
}

void weft__bag_trim(struct weft__shard *shard, weft_uuid id)
{
	struct weft__bag *b = weft__shard_find(shard, id);

	if (b && !b->count)
		weft__bag_free(weft__shard_remove(shard, id));
}
