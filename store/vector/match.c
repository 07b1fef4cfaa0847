/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/match.c - see match.h. */
#include "store/vector/match.h"

uint64_t weft__match(const struct weft__items *items, const struct weft__match_kernels *kernels, const weft_index_filter *filter,
                     uint32_t first)
{
	uint32_t fields = filter->fields;
	/* acquire, V2: their columns */
	uint64_t bits = weft__load_acquire(weft__item_live(items, first));

	/* what tells most apart goes first */
	if (bits && (fields & WEFT_INDEX_BY_ROOM))
		bits = kernels->equal64(weft__item_room(items, first), filter->room, bits);
	if (bits && (fields & WEFT_INDEX_BY_ENTITY))
		bits &= kernels->equal64(weft__item_entity(items, first), filter->entity, bits);
	if (bits && (fields & WEFT_INDEX_BY_TIME))
		bits &= kernels->within64(weft__item_time(items, first), filter->time_min_ms, filter->time_max_ms, bits);
	if (bits && (fields & WEFT_INDEX_BY_TYPE))
		bits &= kernels->any64(weft__item_kind(items, first), filter->types, bits);
	if (bits && (fields & WEFT_INDEX_BY_TAGS_ALL))
		bits &= kernels->all64(weft__item_tags(items, first), filter->tags_all, bits);
	if (bits && (fields & WEFT_INDEX_BY_TAGS_ANY))
		bits &= kernels->any64(weft__item_tags(items, first), filter->tags_any, bits);
	return bits;
}

uint32_t weft__match_count(const struct weft__items *items, const struct weft__match_kernels *kernels,
                           const weft_index_filter *filter, uint32_t limit)
{
	uint32_t end = weft__slab_count(&items->slab), n = 0;

	for (uint32_t first = 0; first < end && n < limit; first += WEFT__MATCH_ITEMS)
		n += (uint32_t)__builtin_popcountll(weft__match(items, kernels, filter, first));
	return n;
}

bool weft__match_one(const struct weft__items *items, const weft_index_filter *filter, uint32_t item)
{
	uint32_t fields = filter ? filter->fields : 0;

	if ((fields & WEFT_INDEX_BY_ROOM) && *weft__item_room(items, item) != filter->room)
		return false;
	if ((fields & WEFT_INDEX_BY_ENTITY) && *weft__item_entity(items, item) != filter->entity)
		return false;
	if ((fields & WEFT_INDEX_BY_TYPE) && !(*weft__item_kind(items, item) & filter->types))
		return false;
	if ((fields & WEFT_INDEX_BY_TIME) && (*weft__item_time(items, item) < filter->time_min_ms ||
	                                      *weft__item_time(items, item) > filter->time_max_ms))
		return false;
	if ((fields & WEFT_INDEX_BY_TAGS_ALL) && filter->tags_all & ~*weft__item_tags(items, item))
		return false;
	return !(fields & WEFT_INDEX_BY_TAGS_ANY) || filter->tags_any & *weft__item_tags(items, item);
}
