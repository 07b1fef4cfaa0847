/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/hold.h - waiting on a loop for a time that the loop's end cuts short.
 *
 * An alarm of a loop that retires is never called. Who waits here is called either way, exactly once: when
 * the time has come, or when the loop ends first. All in the loop's thread.
 */
#ifndef WEFT_ACTORS_REMOTE_HOLD_H
#define WEFT_ACTORS_REMOTE_HOLD_H

#include "runtime/io/loop.h"

/* Embedded by its owner, zeroed at first. */
struct weft__hold {
	struct weft__hold *next, **prev; /* all that wait on the loop */
	struct weft__alarm alarm;
	struct weft__loop *loop;
	void (*over)(struct weft__hold *hold, bool loop_ends); /* hold is idle again */
};

/** @return 0, -ENOMEM, or -ESHUTDOWN: the loop ends; then over is not called */
int weft__hold(struct weft__hold *hold, struct weft__loop *loop, uint64_t ns,
               void (*over)(struct weft__hold *hold, bool loop_ends));
/** over is not called any more. Fine for one that does not wait. */
void weft__hold_end(struct weft__hold *hold);

static inline bool weft__hold_is_on(const struct weft__hold *hold)
{
	return hold->prev != NULL;
}

#endif
