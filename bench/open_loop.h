/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/open_loop.h - requests at the times they are due, whatever became of the ones before.
 *
 * A client that waits for its answer before it asks again goes easy on a slow server, and its figures hide every stall
 * that it sat through. Here the times are fixed beforehand, from a seed. The delay of a request counts from the time it
 * was due, which is what a user waits, and beside that from the time it was really sent.
 *
 * A generator that cannot keep up would measure itself: requests that were sent more than BENCH_LATE_NS after their time
 * are counted, and too many of them fail the entry. A system that cannot keep up fails nothing: its delays grow, and
 * fewer are done a second than are offered.
 */
#ifndef WEFT_BENCH_OPEN_LOOP_H
#define WEFT_BENCH_OPEN_LOOP_H

#include "bench/bench.h"

#define BENCH_LATE_NS 1000000u
#define BENCH_LATE_SHARE 0.05 /* of all requests: more, and the entry fails */

enum bench_arrivals {
	BENCH_EVENLY,  /* one as far from the next as any other */
	BENCH_POISSON  /* as independent users come */
};

/* When `count` requests are due, in ns from the start, rising; the same for the same seed. */
void bench_arrivals_fill(enum bench_arrivals how, double per_s, uint64_t seed, uint64_t *ret_due_ns, uint32_t count);

struct bench_requests {
	uint32_t count;
	const uint64_t *due_ns; /* from the start; borrowed */
	uint64_t *sent_ns;      /* when each was sent, absolute; by bench_requests_send */
	uint64_t *done_ns;      /* when each was answered, absolute; 0: it was not. By whoever answers; read after the last */
	uint64_t start_ns;      /* of the schedule; by bench_requests_send */
	bool rests;             /* sleep until the next one is due, for where no core is free; else spin */
	int (*send)(uint32_t i, void *user); /* request i; negative ends it all */
	void *user;
};

/* Send them all. @return 0, or what send said */
int bench_requests_send(struct bench_requests *q);

/* Were too many of them sent late? After bench_requests_send. */
bool bench_requests_are_late(const struct bench_requests *q);

/* What came out: counts, delays, histograms into out->open_loop; too many late ones fail it, unless lenient. */
void bench_requests_judge(const struct bench_requests *q, double per_s, bool lenient, struct bench_outcome *out);

/* Those with an open loop, as a table; nothing when there is none. */
void bench_open_loop_report(FILE *to, const struct bench_row *rows, uint32_t count);

/* open_agents.c: agents at shares of what the machine can do, in suite scenarios. */
extern const struct bench_micro bench_open_loops[];
extern const uint32_t bench_open_loop_count;

#endif
