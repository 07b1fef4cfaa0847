/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/near.h - answers to questions that mean nearly the same (weft_cache_options.near_min).
 *
 * Only the last message, the user's, may differ; all else of the request must be equal, byte by byte (its context).
 * The message is embedded by the registry's own TEXT_EMBEDDING model, looked for in an index among those of the
 * same context, and compared once more with the vector that the answer was kept with.
 *
 *	ask -> exact? -> embed -> index: near enough, same context? -> that answer
 *	                             \-- no --> the handlers, and the answer is kept with the vector
 *
 * Kept answers lie in a ring: a new one takes the place of the oldest. A place is its id in the index.
 */
#ifndef WEFT_ACTORS_NEAR_H
#define WEFT_ACTORS_NEAR_H

#include "actors/model.h"

struct weft__near;

/** @return NULL: out of memory */
struct weft__near *weft__near_create(float min, uint32_t answers_max, uint64_t age_max_ns);
void weft__near_destroy(struct weft__near *near); /* NULL is fine */
void weft__near_clear(struct weft__near *near);

/**
 * Before the handlers of an ask. then is called, if WEFT_PENDING was returned, with 0 or -ENOENT.
 * @return 0: ask->response is an answer; WEFT_PENDING; -ENOENT: ask the handlers
 */
int weft__near_begin(struct weft__near *near, struct weft__model_ask *ask, void (*then)(struct weft__model_ask *ask, int status));

/** The handlers have answered, and it is worth keeping. */
void weft__near_keep(struct weft__near *near, struct weft__model_ask *ask);

uint64_t weft__near_hits(struct weft__near *near);

#endif
