/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/gather.h - embeddings that are asked for at the same time go to their handler together.
 *
 * Nobody waits for company: while no call is under way, a text goes at once. What comes meanwhile waits in a line, and
 * when the call returns, all of it that has the same model, length and runtime goes as the next one. So a batch
 * is as large as the handler is slow, up to texts_max.
 *
 *	ask --member--> line --(nothing under way, or a call is back)--> batch: one loose call, a row for each member
 *
 * All texts of a batch are of one runtime, and the last to leave waits while the handler is being called, and tells it: so
 * a runtime that ends takes its batch with it, and no handler is called with a runtime that is gone.
 *
 * One lock a handler, held for looks into the line and a batch's members, never while the handler runs or an ask
 * is finished. Whoever takes a member out of line or batch, under the lock, finishes its ask.
 */
#ifndef WEFT_ACTORS_GATHER_H
#define WEFT_ACTORS_GATHER_H

#include "actors/model.h"

#define WEFT__GATHER_TEXTS_MAX 2048u

/** Is it one text? */
bool weft__gather_takes(const weft_model_request *request);

/** As the handler's function would. Inside the ask's op. */
int weft__gather_call(struct weft__gather *g, struct weft__model_ask *ask);

/** For one handler, which outlives it. NULL: out of memory */
struct weft__gather *weft__gather_create(weft_model_fn fn, void *user, uint32_t texts_max);
void weft__gather_destroy(struct weft__gather *g); /* NULL is fine */

#endif
