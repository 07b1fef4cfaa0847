/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/registry.c - from a reference to its runtime, from any thread.
 *
 * Workers know their runtime. A foreign thread that holds a weft_ref does not, and
 * the runtime may be being destroyed: it enters the slot, looks, and leaves; who
 * removes a runtime empties the slot first and then waits until nobody is inside.
 * Store here, load there, so both sides are seq_cst (G1: users then rt; G2: rt then users).
 *
 *     enter                   quiesce
 *     users + 1     (G1)      rt = NULL       (G2)
 *     look at rt              look at users, until 0
 *
 * Invariant: between an enter that gave rt and its leave, users > 0, and rt is not freed. Who enters and finds NULL
 * holds quiesce up for a moment. A slot that is taken is empty until its runtime is ready. Tests: tests/model/test_registry.c, tests/api/test_runtime.c.
 *
 * Each slot remembers the highest life its cells reached, so that references into
 * a runtime that is gone never fit an actor of the next one in the same slot.
 */
#include "runtime/actor/core.h"

#include <errno.h>

static struct slot {
	_Alignas(WEFT_CACHELINE) _Atomic(struct weft_runtime *) rt;
	_Atomic(uint32_t) users;
	uint64_t life;
	uint8_t era;
	bool taken;
} slots[WEFT__RUNTIMES_MAX];

static uint32_t start; /* go round, so that a slot rests as long as possible */
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all but rt and users */

int weft__registry_add(struct weft_runtime *rt)
{
	int r = -EAGAIN;

	pthread_mutex_lock(&slots_lock);
	for (uint32_t i = 0; i < WEFT__RUNTIMES_MAX; i++) {
		struct slot *s = &slots[(start + i) % WEFT__RUNTIMES_MAX];

		if (s->taken)
			continue;
		s->taken = true;
		rt->slot = (start + i) % WEFT__RUNTIMES_MAX;
		s->era = s->era == UINT8_MAX ? 1 : s->era + 1; /* 0 is no era: weft_msg.rt_era */
		rt->era = s->era;
		rt->table.first_life = s->life;
		start = rt->slot + 1;
		r = 0;
		break;
	}
	pthread_mutex_unlock(&slots_lock);
	return r;
}

void weft__registry_publish(struct weft_runtime *rt)
{
	weft__store_seq_cst(&slots[rt->slot].rt, rt); /* release: all of rt, to who holds a reference from before its time */
}

void weft__registry_quiesce(struct weft_runtime *rt)
{
	struct slot *s = &slots[rt->slot];

	weft__store_seq_cst(&s->rt, NULL);      /* G2: rt, then users */
	while (weft__load_seq_cst(&s->users)) /* short: nobody waits inside */
		weft__thread_yield();
}

void weft__registry_remove(struct weft_runtime *rt, uint64_t life)
{
	struct slot *s = &slots[rt->slot];

	pthread_mutex_lock(&slots_lock);
	/* even, and past everything used; a slot that used its lives up stays taken */
	s->life = (life | 1) + 1;
	s->taken = s->life >= WEFT__LIFE_MASK / 2;
	pthread_mutex_unlock(&slots_lock);
}

struct weft_runtime *weft__registry_enter(uint32_t slot)
{
	struct slot *s = &slots[slot % WEFT__RUNTIMES_MAX];
	struct weft_runtime *rt;

	/* relaxed: a look before G1, so that those who try again and again do not hold quiesce up */
	if (!weft__load_relaxed(&s->rt))
		return NULL;
	weft__fetch_add_seq_cst(&s->users, 1u); /* G1: users, then rt */
	rt = weft__load_seq_cst(&s->rt);
	if (!rt)
		weft__fetch_sub_seq_cst(&s->users, 1u);
	return rt;
}

void weft__registry_leave(uint32_t slot)
{
	weft__fetch_sub_seq_cst(&slots[slot % WEFT__RUNTIMES_MAX].users, 1u);
}
