/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/observe/events.h - the event bus of a runtime: a lane a worker or guest, one
 * for foreign threads, and subscriptions that read them all.
 *
 * Each lane is a broadcast ring with one writer, so emitting costs the same for
 * one subscriber or a hundred, and nothing but a look at `wanted` for none.
 * Rings are made at the first subscription. Source: docs/internals/events.md.
 */
#ifndef WEFT_RUNTIME_OBSERVE_EVENTS_H
#define WEFT_RUNTIME_OBSERVE_EVENTS_H

#include <weft/event.h>

struct weft__bus;

/* lanes: workers and guests; one more is added for foreign threads. ring_bytes: a power of two. 0, -ENOMEM. */
int weft__bus_create(uint32_t lanes, uint32_t ring_bytes, struct weft__bus **ret_bus);
/* No subscription is left. NULL is fine. */
void weft__bus_destroy(struct weft__bus *bus);

/* Does anybody listen? One relaxed load. Any thread. */
bool weft__bus_wanted(const struct weft__bus *bus);
/*
 * For who listens; ask whether somebody does. lane: this thread's own, or the last one (== lanes) for a foreign
 * thread. turn: changes with each message that this worker handles; 0: outside of any. Never waits on a lane of one's own.
 */
void weft__bus_emit(struct weft__bus *bus, uint32_t lane, uint64_t turn, const weft_event_desc *desc);
/* Likewise. weft_ticks() of the event, 0: there was none, as the form is not in order. */
uint64_t weft__bus_emit_form(struct weft__bus *bus, uint32_t lane, uint64_t turn, const weft_event_form *form,
                             const weft_event_values *values);
/*
 * A subscriber that must not lose events is about to be overtaken in this lane: its
 * worker should stop for a moment. False again when it read, or did not for its block_ns.
 */
bool weft__bus_pressed(struct weft__bus *bus, uint32_t lane);

int weft__bus_subscribe(struct weft__bus *bus, const weft_subscribe_options *opt, weft_subscription **ret_sub);

/* Of a runtime; defined by the floor above (runtime/runtime.c). */
struct weft__bus *weft__runtime_bus(const weft_runtime *rt);
uint32_t weft__current_lane(const weft_runtime *rt, uint64_t *ret_turn);

#endif
