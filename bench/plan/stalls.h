/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/stalls.h - moments in which a thread had work and no core: somebody else had it.
 *
 * The kernel counts, of each thread, how long it was ready and did not run (/proc/PID/task/TID/schedstat). A watcher
 * reads that every millisecond; where it has grown by half a millisecond or more, there was a stall, and its length is
 * what it has grown by. What the hypervisor takes is not in it.
 */
#ifndef WEFT_BENCH_PLAN_STALLS_H
#define WEFT_BENCH_PLAN_STALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PLAN_STALL_MIN_MS 0.5
#define PLAN_STALL_KINDS 10u /* 0.5 to 1 ms, 1 to 2, 2 to 4, .. 256 and more */

struct plan_stalls {
	double seconds; /* that were watched, times threads; 0: none were */
	uint32_t count[PLAN_STALL_KINDS];
	double ms[PLAN_STALL_KINDS]; /* all of a kind together */
};

void plan_stalls_add(struct plan_stalls *s, double ms);
void plan_stalls_merge(struct plan_stalls *into, const struct plan_stalls *from);
/* How many there were a second, and how much of the time; 0 when nothing was watched. */
double plan_stalls_per_s(const struct plan_stalls *s);
double plan_stalls_share(const struct plan_stalls *s);
/* The greatest length that is exceeded by a share 1 - q of them, as far as the kinds tell; 0: there were none. */
double plan_stalls_quantile_ms(const struct plan_stalls *s, double q);

/* ---- watching ------------------------------------------------------------------------------------ */

struct plan_stall {
	uint64_t end_ns; /* at most a millisecond after it ended, of weft_now_ns() */
	uint64_t ns;
	uint32_t who; /* as given to plan_watch_add */
};

struct plan_watch;

/* Threads are added before it is started. NULL: out of memory. */
struct plan_watch *plan_watch_create(void);
/* The threads of a process that there are now, as `who`, whose names begin so (NULL: any). @return how many; 0: this kernel does not tell, or none */
uint32_t plan_watch_add(struct plan_watch *w, pid_t pid, uint32_t who, const char *name);
int plan_watch_start(struct plan_watch *w);
/* Ends it; what it saw is the watch's, in rising order of end_ns. */
const struct plan_stall *plan_watch_stop(struct plan_watch *w, uint32_t *ret_count);
/* How many threads of `who` are watched. */
uint32_t plan_watch_threads(const struct plan_watch *w, uint32_t who);
void plan_watch_destroy(struct plan_watch *w);

#endif
