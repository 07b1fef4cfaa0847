/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/actor/timerset.h - an actor's timers, found by their id.
 *
 * A list while they are few, newest first; from WEFT__TIMERS_LISTED on a hash table of such lists, which grows by
 * four where there is memory and stays as it is where there is none. One word of the cell: NULL, the
 * list's first, or the table with bit 0 set.
 *
 * Owner: the actor; whoever runs it. A timer is linked by a pointer to what points to it, so that it can be
 * taken out without a search; the table may not move while it is.
 *
 * Cost: add, find, remove O(1) on average. Threads: one at a time. Tests: tests/unit/actor/test_timerset.c,
 * tests/api/test_timer.c.
 */
#ifndef WEFT_RUNTIME_ACTOR_TIMERSET_H
#define WEFT_RUNTIME_ACTOR_TIMERSET_H

#include <stdbool.h>
#include <stdint.h>

#define WEFT__TIMERS_LISTED 16u

/* Embedded by a timer. */
struct weft__timer_entry {
	struct weft__timer_entry *next, **prev;
	uint64_t id;
};

struct weft__timer_set {
	uintptr_t word; /* struct weft__timer_entry *, or struct weft__timer_table * | 1; 0: empty */
};

void weft__timer_set_add(struct weft__timer_set *set, struct weft__timer_entry *entry);
/* NULL: not here. */
struct weft__timer_entry *weft__timer_set_find(const struct weft__timer_set *set, uint64_t id);
void weft__timer_set_remove(struct weft__timer_set *set, struct weft__timer_entry *entry);
/* Visit each; fn may remove the one it is given. */
void weft__timer_set_each(struct weft__timer_set *set, void (*fn)(struct weft__timer_entry *entry, void *user), void *user);
/* It is empty from now on, whatever was in it. */
void weft__timer_set_clear(struct weft__timer_set *set);

#endif
