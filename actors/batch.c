/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/batch.c - a batch of searches: an actor a worker, which take portions of the queries from one counter.
 *
 *     batch { next, parties } <-- party, party, ...      each turn: next += PORTION, search those
 *     the last party's end answers the promise and frees the batch
 *
 * A party ends when nothing is left, or is ended by a runtime that stops: its fini counts either way, so there is
 * exactly one answer, and what had no turn says so.
 */
#include <weft/batch.h>

#include <errno.h>

#include <weft/alloc.h>

#include "runtime/base/refs.h"

#define PORTION 8u
#define PARTIES_MAX 64u
#define GO 1u

struct batch {
	weft_index *index; /* a reference */
	weft_index_batch b;
	size_t dims;
	weft_msg *promise; /* owed to the caller */
	_Atomic(uint32_t) next; /* the first query that nobody has taken */
	_Atomic(uint32_t) done; /* queries that had their turn */
	weft__refs parties;     /* that have not ended */
	_Atomic(int) error;     /* of one query */
};

struct party {
	struct batch *batch;
};

static void batch_over(struct batch *b)
{
	int status = b->done == b->b.count ? b->error : -ECANCELED;

	if (b->promise)
		weft_promise_finish(b->promise, 0, status);
	weft_index_unref(b->index);
	weft_free(b);
}

/* The last one sees what all others wrote. */
static void party_over(struct batch *b)
{
	if (weft__refs_drop(&b->parties))
		batch_over(b);
}

static void party_fini(weft_actor *self)
{
	party_over(((struct party *)weft_actor_state(self))->batch);
}

static void search_one(struct batch *b, uint32_t i)
{
	int n = weft_index_search(b->index, b->b.queries + i * b->dims, b->b.k, b->b.opt, b->b.ret_hits + (size_t)i * b->b.k);

	b->b.ret_found[i] = n;
	if (n < 0)
		weft__store_relaxed(&b->error, n); /* relaxed: any of them; ordered by party_over */
	weft__fetch_add_relaxed(&b->done, 1u); /* relaxed: as above */
}

static int party_behaviour(weft_actor *self, weft_msg *msg)
{
	struct batch *b = ((struct party *)weft_actor_state(self))->batch;
	/* relaxed: only who takes what */
	uint32_t first = weft__fetch_add_relaxed(&b->next, PORTION);
	uint32_t count = b->b.count;

	for (uint32_t i = first; i < count && i - first < PORTION; i++)
		search_one(b, i);
	if (count - first > PORTION && first < count) {
		weft_actor_yield(self);
		return weft_send(weft_actor_ref(self), msg);
	}
	weft_actor_exit(self, 0);
	return 0;
}

static const weft_actor_class party_class = { .size = sizeof(party_class),
	                                      .name = "batch search",
	                                      .behaviour = party_behaviour,
	                                      .fini = party_fini,
	                                      .state_bytes = sizeof(struct party) };

static uint32_t parties_for(const weft_runtime *rt, uint32_t count)
{
	uint32_t n = weft_runtime_workers(rt), portions = count / PORTION + (count % PORTION != 0);

	n = n > PARTIES_MAX ? PARTIES_MAX : n;
	return n < portions ? n : portions;
}

/* A party and what sets it going. */
static int party_make(weft_runtime *rt, struct batch *b, weft_ref *ret_ref, weft_msg **ret_go)
{
	struct party p = { .batch = b };
	weft_msg *go = weft_msg_create(GO, 0);
	int r = go ? weft_actor_spawn(rt, &party_class, &p, ret_ref) : -ENOMEM;

	if (r < 0) {
		weft_msg_destroy(go);
		return r;
	}
	*ret_go = go;
	return 0;
}

/* The caller's own part is held in parties too, so that nothing is over before all are on their way. */
static int start(weft_runtime *rt, struct batch *b, weft_reply_to reply_to)
{
	uint32_t want = parties_for(rt, b->b.count), n = 0;
	weft_ref refs[PARTIES_MAX];
	weft_msg *go[PARTIES_MAX];
	int r = 0;

	while (n < want) {
		weft__refs_take(&b->parties); /* before its end may come */
		r = party_make(rt, b, &refs[n], &go[n]);
		if (r < 0) {
			(void)weft__refs_drop(&b->parties); /* not the last: the caller's own */
			break;
		}
		n++;
	}
	if (n || !want)
		r = weft_promise_create(reply_to, &b->promise);
	for (uint32_t i = 0; i < n; i++) {
		if (r == 0 && weft_send(refs[i], go[i]) == 0)
			continue;
		weft_msg_destroy(go[i]);
		weft_actor_stop(refs[i]);
	}
	return r;
}

int weft_index_search_batch(weft_runtime *rt, weft_index *index, const weft_index_batch *batch, weft_reply_to reply_to)
{
	weft_index_stats stats = WEFT_INDEX_STATS_INIT;
	struct batch *b;
	int r;

	if (!rt || !index || !batch || batch->size != sizeof(*batch) || !batch->k ||
	    (batch->count && (!batch->queries || !batch->ret_hits || !batch->ret_found)) || batch->count > INT32_MAX)
		return -EINVAL;
	b = weft_calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	weft_index_stats_read(index, &stats);
	b->index = weft_index_ref(index);
	b->b = *batch;
	b->dims = stats.dims;
	b->parties = 1;
	for (uint32_t i = 0; i < batch->count; i++)
		batch->ret_found[i] = -ECANCELED;
	r = start(rt, b, reply_to);
	party_over(b);
	return r;
}
