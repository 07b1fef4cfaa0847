/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/runnable.c - into which queue an actor goes that is neither plain nor normal: one that is pinned to a worker,
 * or of a priority class of its own. The plain way is in core.h.
 */
#include "runtime/actor/core.h"

uint32_t weft__actor_class_of(const struct weft__task *task)
{
	const struct weft_actor *a = (const struct weft_actor *)((const char *)task - offsetof(struct weft_actor, task));
	uint32_t flags = a->flags;

	if (flags & WEFT_ACTOR_SYSTEM)
		return WEFT__SYSTEM;
	if (flags & WEFT_ACTOR_HIGH)
		return WEFT__HIGH;
	return flags & WEFT_ACTOR_BACKGROUND ? WEFT__BACKGROUND : WEFT__NORMAL;
}

void weft__actor_enqueue_special(struct weft_runtime *rt, struct weft__worker *w, struct weft_actor *a)
{
	uint32_t home = weft__load_relaxed(&a->home) & WEFT__HOME_MASK; /* relaxed: constant for a pinned actor, but for flags */
	bool pinned = a->flags & WEFT_ACTOR_PINNED;

	if (!w || (pinned && w->id != home))
		weft__schedule_remote(&rt->sched, home, pinned, &a->task);
	else if (pinned)
		weft__schedule_pinned(w, &a->task);
	else
		weft__schedule_class(w, weft__actor_class_of(&a->task), &a->task);
}
