/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/batch.h - many searches of an index at once, over all workers of a runtime.
 *
 * A search is microseconds of one core; a batch of them is shared out in small portions, so that no worker waits for
 * another and whatever else runs on them gets its turns. One answer comes when all are done.
 *
 *     weft_future_create(rt, &future);
 *     weft_index_search_batch(rt, index, &batch, weft_reply_to_future(future));
 *     weft_future_wait_until(future, &answer, WEFT_FOREVER);     this thread helps meanwhile
 *
 * Source: docs/internals/vector.md.
 */
#ifndef WEFT_BATCH_H
#define WEFT_BATCH_H

#include <weft/index.h>
#include <weft/port.h>
#include <weft/runtime.h>

WEFT_BEGIN_DECLS

typedef struct weft_index_batch {
	uint32_t size;  /* set by WEFT_INDEX_BATCH_INIT */
	uint32_t count; /* queries */
	uint32_t k;     /* hits wanted for each, at least 1 */
	uint32_t reserved;
	const float *queries;        /* count times the index's dims, one after another */
	const weft_index_query *opt; /* for all of them; may be NULL */
	weft_index_hit *ret_hits;    /* room for count * k: those of query i from i * k on */
	int *ret_found;              /* room for count: how many hits query i has, or its error as weft_index_search gives it;
	                                -ECANCELED: the runtime stopped before its turn */
} weft_index_batch;

#define WEFT_INDEX_BATCH_INIT                                                                              \
	{                                                                                                  \
		.size = sizeof(weft_index_batch)                                                           \
	}

/**
 * Search for every query of a batch.
 *
 * @param batch     copied; what it points to, opt's filter too, stays the caller's and in use until the answer
 * @param reply_to  gets an answer of kind 0; its status is 0, or -ECANCELED when some had no turn, or the error of one
 *                  query that failed
 * @return 0, -EINVAL (a pointer missing, k 0), -ENOMEM, -EAGAIN (actors_max), -ESHUTDOWN, as weft_promise_create; no
 *         answer comes then
 *
 * Threads: any.   Blocks: never.   The index is held until the answer.
 */
WEFT_API int weft_index_search_batch(weft_runtime *rt, weft_index *index, const weft_index_batch *batch,
                                     weft_reply_to reply_to);

WEFT_END_DECLS

#endif
