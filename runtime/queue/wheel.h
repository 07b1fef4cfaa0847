/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/wheel.h - a hierarchical timing wheel, owned by one thread.
 *
 * Time is cut into ticks of 65,536 ns. A timer's level is where its tick first differs
 * from the wheel's, in groups of six bits; its slot is that group's value:
 *
 *   tick    | far ... | level 5 | level 4 | level 3 | level 2 | level 1 | level 0 |
 *   a slot       -      19.5 h     18.3 m    17.2 s    268 ms    4.2 ms    66 us
 *   a level      -      52 days    19.5 h    18.3 m    17.2 s    268 ms    4.2 ms
 *
 * When the wheel's tick enters a slot of level n > 0, that slot's timers are filed
 * again and land on lower levels; timers beyond level 5 wait in one list and are
 * filed again every 52 days. One word a level says which slots hold anything.
 *
 * Invariants: no timer of level n > 0 lies in the slot the wheel's tick is in, but for those in `refiling`, so all timers
 * of level n run before any of level n+1; a slot's bit is set exactly when its
 * list is not empty; a list is in the order of filing, so timers of one tick run in
 * the order they were added.
 *
 * Cost: add and cancel O(1); a timer is filed at most seven times; an advance stops at a limit.
 * Threads: one at a time. Source: Varghese and Lauck 1987; tests: tests/unit/queue/test_wheel.c.
 */
#ifndef WEFT_RUNTIME_QUEUE_WHEEL_H
#define WEFT_RUNTIME_QUEUE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT__WHEEL_TICK_SHIFT 16
#define WEFT__WHEEL_TICK_NS (UINT64_C(1) << WEFT__WHEEL_TICK_SHIFT)
#define WEFT__WHEEL_LEVELS 6
#define WEFT__WHEEL_SLOT_BITS 6
#define WEFT__WHEEL_SLOTS (1u << WEFT__WHEEL_SLOT_BITS)

/* A place in a list, or the list's head. */
struct weft__timer_link {
	struct weft__timer_link *next, *prev;
};

/* Embedded by its owner, which keeps it alive while it is armed. Zeroed is not armed. */
struct weft__timer {
	struct weft__timer_link link; /* the wheel's; next NULL: not armed */
	uint64_t due_tick;
};

/* 6.2 KiB; must not move. */
struct weft__wheel {
	uint64_t tick; /* every timer due before it has run */
	uint64_t armed;
	uint64_t occupied[WEFT__WHEEL_LEVELS];
	bool advancing;
	struct weft__timer_link far;      /* due beyond level 5 */
	struct weft__timer_link refiling; /* of the slot that is being filed again */
	struct weft__timer_link running;  /* of the tick that is being run */
	struct weft__timer_link slots[WEFT__WHEEL_LEVELS][WEFT__WHEEL_SLOTS];
};

/* now_ns: the time from which the wheel counts. Nothing to undo it: a wheel owns no memory. */
void weft__wheel_init(struct weft__wheel *wheel, uint64_t now_ns);

/* Arm timer. A due_ns in the past runs at the next advance. It must not be armed already. */
void weft__wheel_add(struct weft__wheel *wheel, struct weft__timer *timer, uint64_t due_ns);

/* Disarm timer; nothing happens when it is not armed. */
void weft__wheel_cancel(struct weft__wheel *wheel, struct weft__timer *timer);

static inline bool weft__timer_is_armed(const struct weft__timer *timer)
{
	return timer->link.next != NULL;
}

/*
 * Run every timer with due_ns <= the last tick boundary not after now_ns, in the order of
 * their ticks. In fn the timer is no longer armed; fn may add, cancel and free any
 * timer, but must not advance. A timer added by fn runs in a later tick than fn's.
 * A now_ns that went back does nothing. Returns how many were run.
 *
 * At most limit timers are run or filed again: a million that are due at once must not hold up everything
 * else. What is left is done first the next time; weft__wheel_next_ns then says 0.
 */
uint64_t weft__wheel_advance(struct weft__wheel *wheel, uint64_t now_ns, uint64_t limit,
                             void (*fn)(struct weft__timer *timer, void *user), void *user);

/*
 * How long until advance should be called next: when the first timer runs out or the
 * first slot must be filed again, whichever comes first. UINT64_MAX: nothing is armed.
 */
uint64_t weft__wheel_next_ns(const struct weft__wheel *wheel, uint64_t now_ns);

#endif
