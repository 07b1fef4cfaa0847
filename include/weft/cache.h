/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/cache.h - answers of models, remembered; equal requests that come at once, asked once.
 *
 * A cache belongs to registries (weft_models_set_cache), usually to one; it may be shared by several whose models
 * are the same. A request finds an answer when all of it is equal: the conversation, tools, schema, options; a random
 * seed or temperature does not keep an answer from being remembered, so set a cache where the same answer is wanted.
 *
 * Not remembered are errors, answers that are cut short, filtered or refused, answers that do not fit the request's
 * schema and, unless asked for, answers that call tools.
 *
 * Requests that wait for the same call share its fate: they get its answer, each a copy, and what was streamed is
 * streamed to each; when it fails, it has failed for all who waited for it (each then asks its next handler),
 * and for nobody who comes later. One that is canceled takes none of the others with it; when the last one is, so is the call.
 * Agents of different runtimes share answers, but no call: none fails because another's runtime ends.
 *
 * A remembered answer that had been streamed is streamed again, in pieces, at once. Its usage is zero and
 * weft_model_response.cached is set; llm.completed has "cached".
 *
 * Source: docs/guide/resilience.md.
 */
#ifndef WEFT_CACHE_H
#define WEFT_CACHE_H

#include <weft/base.h>
#include <weft/error.h>

WEFT_BEGIN_DECLS

typedef struct weft_cache weft_cache;

typedef struct weft_cache_options {
	uint32_t size;       /* set by WEFT_CACHE_OPTIONS_INIT */
	bool tool_calls;     /* also remember answers that call tools */
	uint64_t bytes_max;  /* of requests and answers together; the least recently used goes first; 0 = 64 MiB */
	uint64_t age_max_ns; /* older ones are not used; 0 = 1 h */
	/*
	 * Also answers to questions that mean nearly the same: the last message, the user's, is embedded by the registry's
	 * TEXT_EMBEDDING model, and an answer to one at least as near (cosine), in an otherwise equal request, is taken.
	 * Costs an embedding a question. 0: exact requests only; 0.95 is careful. Asks of agents' tool loops only.
	 */
	float near_min;
	uint32_t near_answers_max; /* the oldest goes; 0 = 4,096; at most 1,048,576 */
} weft_cache_options;

#define WEFT_CACHE_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_cache_options)                                                         \
	}

/** Holds one reference. opt may be NULL. @return 0, -EINVAL, -ENOMEM */
WEFT_API int weft_cache_create(const weft_cache_options *opt, weft_cache **ret_cache);
WEFT_API weft_cache *weft_cache_ref(weft_cache *cache);
WEFT_API void weft_cache_unref(weft_cache *cache); /* NULL is fine */

/** Forget all answers. Calls under way go on. Threads: any. */
WEFT_API void weft_cache_clear(weft_cache *cache);

typedef struct weft_cache_stats {
	uint32_t size; /* sizeof(weft_cache_stats), set by the caller */
	uint32_t reserved;
	uint64_t hits;    /* answered from memory, exactly */
	uint64_t near;    /* answered from memory, nearly */
	uint64_t joined;  /* answered by a call that was under way already */
	uint64_t misses;  /* calls made */
	uint64_t evicted, expired;
	uint64_t answers, bytes; /* now */
} weft_cache_stats;

/** @return 0 or -EINVAL. Threads: any. */
WEFT_API int weft_cache_stats_read(weft_cache *cache, weft_cache_stats *ret_stats);

WEFT_END_DECLS

#endif
