/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/relevant.h - older messages and facts of the room that the message reminds of, for the prompt.
 *
 * The conversation and the facts that a prompt shows are the newest ones. What lies behind them is found by what it means:
 * the message is embedded by the models' TEXT_EMBEDDING, the nearest memories of the room are looked up
 * (weft_store_recall), and up to RECALL of them are shown, the oldest first:
 *
 *   # Remembered from before
 *   - 2026-11-20 Bob: the key is under the mat
 *
 * Only of this room: what was said elsewhere stays there. Nothing is asked while nothing older has an embedding.
 */
#ifndef WEFT_ACTORS_RELEVANT_H
#define WEFT_ACTORS_RELEVANT_H

#include <weft/plugin.h>

#define WEFT__RELEVANT_SHOWN 5u
#define WEFT__FACTS_SHOWN 10u /* the newest, by the provider FACTS */

/* A weft_provider_fn. */
int weft__relevant(weft_provider_call *call, void *user);

#endif
