/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/actors.h - the work items of `weft bench --suite actors`, which `scripts/peers actors` runs
 * beside other runtimes: what each is, docs/guide/peers.md.
 *
 *   tree.c    skynet, fibonacci          big.c     big, fork-join
 *   ring.c    ring                       meet.c    chameneos, bank
 *   tasks.c   tasks, tasks-foreign       wait.c    open-loop
 *   broadcast.c   broadcast, events
 *
 * Ping-pong, many-to-one, spawn and idle are those of the micro suite, with more to do.
 *
 * All work alike: a runtime, a few actors, a request to the one that measures; it stamps the time when it
 * starts and answers with how long everything took, when the last message of the work is there. What came out
 * is checked: a wrong sum fails the entry.
 */
#ifndef WEFT_BENCH_ACTORS_H
#define WEFT_BENCH_ACTORS_H

#include <errno.h>
#include <string.h>

#include "bench/fixture.h"
#include "bench/micro.h"

/* One iteration: the time of one operation, and how many there were. 0 or negative, then out says why. */
typedef int actors_run_fn(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

actors_run_fn actors_ping_pong, actors_ring, actors_many_to_one;
actors_run_fn actors_big, actors_fork_join, actors_chameneos, actors_bank, actors_fibonacci, actors_skynet;
actors_run_fn actors_tasks_1, actors_tasks_5, actors_tasks_10, actors_tasks_20, actors_tasks_50;
actors_run_fn actors_foreign_1, actors_foreign_5, actors_foreign_10, actors_foreign_20, actors_foreign_50;
actors_run_fn actors_broadcast_4, actors_events_4;
/* All iterations at once: a sample is the delay of one message. */
void actors_open_loop(const struct bench_options *opt, struct bench_outcome *out);

/* ---- what they share ------------------------------------------------------------------- */

enum { ACTORS_GO = 1, ACTORS_DONE, ACTORS_PLAY, ACTORS_RESULT };

/* Keeps the request to start, and answers it. */
struct actors_clock {
	weft_msg *asked;
	uint64_t start_ns;
};

static inline void actors_clock_start(struct actors_clock *c, weft_actor *self, weft_msg *go)
{
	weft_msg_keep(self, go);
	c->asked = go;
	c->start_ns = weft_now_ns();
}

/* Everything is done: answer with the time since start. For a behaviour to return. */
int actors_clock_stop(struct actors_clock *c);

/* Ask `to` to go and wait until it is done. Others work meanwhile, this thread does not. */
int actors_measure(weft_runtime *rt, weft_ref to, struct bench_outcome *out, uint64_t *ret_ns);

/*
 * All of an iteration whose work begins with one actor: a runtime, the actor from state, the question, the end. The time is
 * spread over ops.
 */
int actors_run_one(const struct bench_options *opt, const weft_actor_class *class, const void *state, uint64_t ops, double *ret_ms,
                   uint64_t *ret_ops, struct bench_outcome *out);

/* The time in such an answer, which is released. NULL: there was none. */
int actors_answer(weft_msg *answer, uint64_t *ret_ns);

/* The end of each iteration: the runtime is destroyed, ns spread over ops. Gives r back. */
int actors_end(weft_runtime *rt, int r, uint64_t ns, uint64_t ops, double *ret_ms, uint64_t *ret_ops);

/* A message of so many bytes, from payload unless that is NULL. NULL: out of memory. */
static inline weft_msg *actors_msg(uint32_t kind, const void *payload, size_t len_bytes)
{
	weft_msg *m = weft_msg_create(kind, len_bytes);

	if (m && payload)
		memcpy(weft_msg_data(m), payload, len_bytes);
	return m;
}

/* Send m, or release it. For a behaviour to return. */
static inline int actors_send(weft_ref to, weft_msg *m)
{
	int r = m ? weft_send(to, m) : -ENOMEM;

	if (r < 0)
		weft_msg_destroy(m);
	return r;
}

/* xorshift64: the same numbers in every language. */
static inline uint64_t actors_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
