/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/progress.h - how far it is, on stderr: a bar with the time left on a terminal, plain lines elsewhere (and under
 * CI, NO_COLOR or TERM=dumb).
 */
#ifndef WEFT_BENCH_PROGRESS_H
#define WEFT_BENCH_PROGRESS_H

#include "bench/outcome.h"

struct bench_progress {
	bool terminal;
	uint32_t round, rounds;
};

void bench_progress_begin(struct bench_progress *p);
void bench_progress_round(struct bench_progress *p, uint32_t round, uint32_t rounds);
/* About to run item `done` of `count`; left_s to the end of all rounds, negative: not known. */
void bench_progress_item(struct bench_progress *p, const char *id, uint32_t done, uint32_t count, double left_s);
/* An item is done with. */
void bench_progress_line(struct bench_progress *p, const char *id, const struct bench_outcome *out);
void bench_progress_end(struct bench_progress *p);

/* "0:42", "3:05", "1:02:03"; rounded up. */
void bench_progress_time(double seconds, char *buf, size_t size);

#endif
