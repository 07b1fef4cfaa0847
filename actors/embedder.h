/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/embedder.h - giving remembered messages their embeddings, without anybody waiting.
 *
 * Each agent that handles messages has one embedder, an actor of its own with a
 * queue of WEFT__EMBED_QUEUE messages. It asks the TEXT_EMBEDDING model for up to
 * WEFT__EMBED_BATCH of them at a time, each up to WEFT__EMBED_TRIES times. What
 * does not fit the queue or fails every try is dropped and counted
 * (weft_agent_stats): a message without an embedding is found by everything but search.
 */
#ifndef WEFT_ACTORS_EMBEDDER_H
#define WEFT_ACTORS_EMBEDDER_H

#include "actors/turn.h"

#define WEFT__EMBED_QUEUE 1000u
#define WEFT__EMBED_BATCH 10u
#define WEFT__EMBED_TRIES 3u

/** Queue the turn's message for embedding. Never waits, never fails the turn. */
void weft__embed_later(weft_turn *turn);

#endif
