/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/bag.h - what belongs to an id: the relationships of an entity, the tasks of a room. Few each, in the
 * order they came. A bag is a record of a map, there while it holds something; its shard is locked by the caller.
 */
#ifndef WEFT_STORE_BAG_H
#define WEFT_STORE_BAG_H

#include "store/store.h"

struct weft__bag {
	weft_uuid id; /* first: the map's key */
	void **items; /* whose they are, the user of the map says */
	uint32_t count, cap;
};

void weft__bag_free(void *bag); /* not the items */

/* Room for one more: the next put cannot fail. A bag that was made for nothing goes with weft__bag_trim. 0, -ENOMEM. */
int weft__bag_reserve(struct weft__shard *shard, weft_uuid id);
/* item takes the place of old, or (NULL, or not there) the last one. */
void weft__bag_put(struct weft__shard *shard, weft_uuid id, void *old, void *item);
/* Fine when it is not there. */
void weft__bag_remove(struct weft__shard *shard, weft_uuid id, const void *item);
/* The bag goes when it is empty. */
void weft__bag_trim(struct weft__shard *shard, weft_uuid id);

#endif
