/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/queue/wheel.c - see wheel.h. */
#include "runtime/queue/wheel.h"

#include <assert.h>
#include <stddef.h>

#include "runtime/base/assert.h"

#define SLOT_MASK (WEFT__WHEEL_SLOTS - 1u)
#define WHEEL_BITS (WEFT__WHEEL_LEVELS * WEFT__WHEEL_SLOT_BITS)
#define FAR WEFT__WHEEL_LEVELS

static_assert(WEFT__WHEEL_SLOTS == 64, "a level's slots are the bits of one word");
static_assert(WHEEL_BITS < 64 - WEFT__WHEEL_TICK_SHIFT, "the far list has time left to cover");
static_assert(offsetof(struct weft__timer, link) == 0, "a link is cast to its timer");

static void list_init(struct weft__timer_link *head)
{
	head->next = head;
	head->prev = head;
}

static bool list_is_empty(const struct weft__timer_link *head)
{
	return head->next == head;
}

static void list_append(struct weft__timer_link *head, struct weft__timer_link *link)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

static void list_remove(struct weft__timer_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = NULL;
}

/* Move all of from, in order, to the empty list to. */
static void list_move(struct weft__timer_link *from, struct weft__timer_link *to)
{
	WEFT_ASSERT(list_is_empty(to));
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

void weft__wheel_init(struct weft__wheel *wheel, uint64_t now_ns)
{
	wheel->tick = now_ns >> WEFT__WHEEL_TICK_SHIFT;
	wheel->armed = 0;
	wheel->advancing = false;
	list_init(&wheel->far);
	list_init(&wheel->refiling);
	list_init(&wheel->running);
	for (int level = 0; level < WEFT__WHEEL_LEVELS; level++) {
		wheel->occupied[level] = 0;
		for (unsigned slot = 0; slot < WEFT__WHEEL_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
	}
}

static void file(struct weft__wheel *wheel, struct weft__timer *timer)
{
	uint64_t differs = (timer->due_tick ^ wheel->tick) | 1; /* equal: level 0, too */
	unsigned level = (63u - (unsigned)__builtin_clzll(differs)) / WEFT__WHEEL_SLOT_BITS;
	unsigned slot;

	WEFT_ASSERT(timer->due_tick >= wheel->tick);
	if (__builtin_expect(level >= FAR, 0)) {
		list_append(&wheel->far, &timer->link);
		return;
	}
	slot = (unsigned)(timer->due_tick >> (level * WEFT__WHEEL_SLOT_BITS)) & SLOT_MASK;
	list_append(&wheel->slots[level][slot], &timer->link);
	wheel->occupied[level] |= UINT64_C(1) << slot;
}

void weft__wheel_add(struct weft__wheel *wheel, struct weft__timer *timer, uint64_t due_ns)
{
	uint64_t first = wheel->tick + wheel->advancing;
	uint64_t due_tick = (due_ns >> WEFT__WHEEL_TICK_SHIFT) + ((due_ns & (WEFT__WHEEL_TICK_NS - 1)) != 0);

	WEFT_ASSERT(!weft__timer_is_armed(timer));
	timer->due_tick = due_tick < first ? first : due_tick;
	wheel->armed++;
	file(wheel, timer);
}

void weft__wheel_cancel(struct weft__wheel *wheel, struct weft__timer *timer)
{
	struct weft__timer_link *head = timer->link.next;
	uintptr_t index;

	if (!head)
		return;
	WEFT_ASSERT(wheel->armed > 0);
	list_remove(&timer->link);
	wheel->armed--;
	if (!list_is_empty(head))
		return;
	/* Alone in its list, so what was next is the head; far, refiling and running have no bit. */
	index = ((uintptr_t)head - (uintptr_t)wheel->slots) / sizeof(*head);
	if (index < WEFT__WHEEL_LEVELS * WEFT__WHEEL_SLOTS)
		wheel->occupied[index / WEFT__WHEEL_SLOTS] &= ~(UINT64_C(1) << (index & SLOT_MASK));
}

/* The first tick at which there is something to do, and where; false: nothing is armed. */
static bool next_event(const struct weft__wheel *wheel, uint64_t *ret_tick, unsigned *ret_level, unsigned *ret_slot)
{
	for (unsigned level = 0; level < WEFT__WHEEL_LEVELS; level++) {
		unsigned shift = level * WEFT__WHEEL_SLOT_BITS;
		uint64_t round = ~((UINT64_C(1) << (shift + WEFT__WHEEL_SLOT_BITS)) - 1);

		if (!wheel->occupied[level])
			continue;
		*ret_level = level;
		*ret_slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
		*ret_tick = (wheel->tick & round) | (uint64_t)*ret_slot << shift;
		WEFT_ASSERT(*ret_tick >= wheel->tick);
		return true;
	}
	if (list_is_empty(&wheel->far))
		return false;
	*ret_level = FAR;
	*ret_slot = 0;
	*ret_tick = ((wheel->tick >> WHEEL_BITS) + 1) << WHEEL_BITS;
	return true;
}

/* What one advance may still do. */
struct advance {
	struct weft__wheel *wheel;
	uint64_t left, ran;
	void (*fn)(struct weft__timer *timer, void *user);
	void *user;
};

/* File again what a slot held. False: the limit. */
static bool refile(struct advance *a)
{
	struct weft__timer_link *list = &a->wheel->refiling;

	while (!list_is_empty(list)) {
		struct weft__timer *timer = (struct weft__timer *)list->next;

		if (!a->left)
			return false;
		a->left--;
		list_remove(&timer->link);
		file(a->wheel, timer);
	}
	return true;
}

/* Run what a slot held; in a list of the wheel's, so that fn can cancel those that have yet to run. False: the limit. */
static bool run(struct advance *a)
{
	struct weft__wheel *wheel = a->wheel;

	while (!list_is_empty(&wheel->running)) {
		struct weft__timer *timer = (struct weft__timer *)wheel->running.next;

		if (!a->left)
			return false;
		a->left--;
		WEFT_ASSERT(timer->due_tick == wheel->tick);
		list_remove(&timer->link);
		wheel->armed--;
		a->ran++;
		a->fn(timer, a->user);
	}
	return true;
}

/* Enter the next tick at which there is something to do. False: none until target. */
static bool enter(struct weft__wheel *wheel, uint64_t target)
{
	uint64_t tick;
	unsigned level, slot;

	if (!next_event(wheel, &tick, &level, &slot) || tick > target)
		return false;
	wheel->tick = tick;
	if (level == FAR) {
		list_move(&wheel->far, &wheel->refiling);
		return true;
	}
	wheel->occupied[level] &= ~(UINT64_C(1) << slot);
	list_move(&wheel->slots[level][slot], level == 0 ? &wheel->running : &wheel->refiling);
	return true;
}

uint64_t weft__wheel_advance(struct weft__wheel *wheel, uint64_t now_ns, uint64_t limit,
                             void (*fn)(struct weft__timer *timer, void *user), void *user)
{
	uint64_t target = now_ns >> WEFT__WHEEL_TICK_SHIFT;
	struct advance a = { .wheel = wheel, .left = limit, .fn = fn, .user = user };
	bool done;

	WEFT_ASSERT(!wheel->advancing);
	if (target < wheel->tick)
		return 0;
	wheel->advancing = true;
	do {
		done = refile(&a) && run(&a);
	} while (done && enter(wheel, target));
	if (done)
		wheel->tick = target;
	wheel->advancing = false;
	return a.ran;
}

uint64_t weft__wheel_next_ns(const struct weft__wheel *wheel, uint64_t now_ns)
{
	uint64_t tick, due_ns;
	unsigned level, slot;

	if (!list_is_empty(&wheel->refiling) || !list_is_empty(&wheel->running))
		return 0;
	if (!next_event(wheel, &tick, &level, &slot))
		return UINT64_MAX;
	due_ns = tick << WEFT__WHEEL_TICK_SHIFT;
	return due_ns > now_ns ? due_ns - now_ns : 0;
}
