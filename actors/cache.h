/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/cache.h - remembered answers, and calls that several asks wait for: weft/cache.h says what it does.
 *
 *	ask ---key---> shard --- an answer? ---> copy it
 *	                  \---- a flight? -----> take a seat in it, wait
 *	                   \--- neither: a flight with one seat, and call the handler
 *
 * A flight is one call of one handler that belongs to no run: it has an arena and a copy of the request of its own, so
 * any of those who wait may go, the first too. What it ends with is given to each seat as if its handler had ended so.
 * The next handler is another flight, which those who failed together find together. All seats are of one runtime:
 * the call waits on a loop of it, and ends with it.
 *
 * One lock a shard, held for a look into a list, and while a piece of a streamed answer is handed to the seats; never
 * while a handler runs or an ask is finished. Whoever takes a seat out of its flight, under the lock, finishes its ask.
 */
#ifndef WEFT_ACTORS_CACHE_H
#define WEFT_ACTORS_CACHE_H

#include <weft/cache.h>

#include "actors/model.h"

/** As the handler's function would: 0, WEFT_PENDING, or negative. Inside the ask's op. */
int weft__cache_call(weft_cache *cache, struct weft__model_ask *ask, struct weft__model_handler *h);

/** Is there an answer to exactly this? Without a promise that there is one a moment later. */
bool weft__cache_has(weft_cache *cache, struct weft__model_ask *ask);

/** Whether this answer is one to remember. */
bool weft__cache_is_worth(const weft_cache *cache, const weft_model_request *request, const weft_model_response *response,
                          weft_arena *arena);

/** For answers to what is nearly the same; NULL: not wanted. */
struct weft__near *weft__cache_near(weft_cache *cache);

/** A remembered answer is streamed, in pieces, to whoever listens. */
void weft__cache_stream(struct weft__model_ask *ask);

#endif
