/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/late.h - memory for what a handler says after it has returned.
 *
 * While a handler runs inside its agent's behaviour, what it says is copied into
 * the turn's arena. A handler that answered WEFT_PENDING speaks later, from any
 * thread, while the turn may be at work elsewhere in that arena: what it says
 * then goes into an arena of its own, made for it on the first word.
 */
#ifndef WEFT_ACTORS_LATE_H
#define WEFT_ACTORS_LATE_H

#include <weft/alloc.h>

#include "actors/op.h"

struct weft__late {
	weft_arena *arena;        /* NULL until needed; owned */
	struct weft__late *older; /* of an earlier run of the same handler for this turn */
};

/** Where to copy to, now. NULL when out of memory. */
static inline weft_arena *weft__late_arena(struct weft__late *late, const struct weft__op *op,
                                           weft_arena *turn_arena)
{
	if (weft__op_is_inline(op))
		return turn_arena;
	if (!late->arena && weft_arena_create(0, &late->arena) < 0)
		return NULL;
	return late->arena;
}

static inline void weft__late_fini(struct weft__late *late)
{
	for (; late; late = late->older) {
		weft_arena_destroy(late->arena);
		late->arena = NULL;
	}
}

#endif
