/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/many.c - gather, race, map: a group whose jobs are the items of an array.
 *
 * Items become jobs when their turn comes, in slots that are used again, so that memory follows the limit and not the
 * number of items. The answer is owed before the first one is made: what fails, fails before anything ran.
 */
#include "runtime/async/group.h"

#include <errno.h>

#include <weft/alloc.h>

struct weft_job *weft__item_next(struct weft_group *g)
{
	struct weft_job *job = g->items.free;

	WEFT_ASSERT(job); /* as many slots as jobs in flight */
	g->items.free = job->next;
	job->group = g;
	job->memory = WEFT__JOB_ITEM;
	job->index = g->items.next++;
	job->fn = g->items.fn;
	job->arg = g->items.base ? g->items.base + job->index * g->items.item_bytes : NULL;
	return job;
}

void weft__item_status(struct weft_group *g, uint32_t index, int status)
{
	if (g->items.status)
		*(int *)(void *)((char *)g->items.status + index * g->items.status_stride) = status;
}

static int slots_make(struct weft_group *g, uint32_t count)
{
	uint32_t slots = g->limit && g->limit < count ? g->limit : count;

	if (!slots)
		return 0;
	g->items.slots = weft_calloc(slots, sizeof(*g->items.slots));
	if (!g->items.slots)
		return -ENOMEM;
	for (uint32_t i = slots; i-- > 0;) {
		g->items.slots[i].next = g->items.free;
		g->items.free = &g->items.slots[i];
	}
	return 0;
}

static void items_come(struct weft_group *g)
{
	g->items.count = g->unended;
}

static int run(weft_runtime *rt, const struct weft__items *items, const weft_group_options *opt, weft_reply_to reply_to,
               weft_group **ret_group)
{
	struct weft_group *g;
	int r;

	g = weft__group_new(rt, opt, &r);
	if (!g)
		return r;
	r = slots_make(g, items->count);
	if (r < 0) {
		weft_group_destroy(g);
		return r;
	}
	g->items.fn = items->fn;
	g->items.base = items->base;
	g->items.item_bytes = items->item_bytes;
	g->items.status = items->status;
	g->items.status_stride = items->status_stride;
	return weft__group_start(g, items->count, items_come, reply_to, ret_group);
}

static int call(weft_job *job, void *arg)
{
	weft_call *c = arg;

	job->arg = c->arg; /* as its on_cancel is to see it */
	return c->fn(job, c->arg);
}

static int run_calls(weft_runtime *rt, weft_call *calls, uint32_t count, const weft_group_options *opt, weft_reply_to reply_to,
                     weft_group **ret_group)
{
	struct weft__items items = {
		.fn = call, .base = (char *)calls, .item_bytes = sizeof(*calls), .count = count, .status_stride = sizeof(*calls)
	};

	WEFT_RETURN_IF(!rt || (count && !calls) || count > INT32_MAX, -EINVAL);
	for (uint32_t i = 0; i < count; i++)
		WEFT_RETURN_IF(!calls[i].fn, -EINVAL);
	if (count)
		items.status = &calls->status;
	return run(rt, &items, opt, reply_to, ret_group);
}

int weft_gather(weft_runtime *rt, weft_call *calls, uint32_t count, const weft_group_options *opt, weft_reply_to reply_to,
                weft_group **ret_group)
{
	return run_calls(rt, calls, count, opt, reply_to, ret_group);
}

int weft_race(weft_runtime *rt, weft_call *calls, uint32_t count, const weft_group_options *opt, weft_reply_to reply_to,
              weft_group **ret_group)
{
	weft_group_options race = WEFT_GROUP_OPTIONS_INIT;

	if (opt)
		race = *opt;
	race.policy = WEFT_GROUP_RACE;
	return run_calls(rt, calls, count, &race, reply_to, ret_group);
}

int weft_map(weft_runtime *rt, const weft_map_work *work, const weft_group_options *opt, weft_reply_to reply_to,
             weft_group **ret_group)
{
	struct weft__items items;

	WEFT_RETURN_IF(!rt || !work || !work->fn || work->count > INT32_MAX, -EINVAL);
	WEFT_RETURN_IF(work->count && work->item_bytes && !work->items, -EINVAL);
	items = (struct weft__items){ .fn = work->fn,
		                      .base = work->items,
		                      .item_bytes = work->item_bytes,
		                      .count = work->count,
		                      .status = work->ret_status,
		                      .status_stride = sizeof(int) };
	return run(rt, &items, opt, reply_to, ret_group);
}
