/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/simulate.h - a cluster, event by event: agents that come at random, machines with cores and a line before
 * them, a balancer in front, and machines that fail.
 *
 * An agent is `bursts` pieces of processor time with waits between them, which are always as long: what it waits for is
 * somebody else's. It stays on the machine that it was given to. The same question and seed give the same answer on
 * every machine.
 */
#ifndef WEFT_BENCH_PLAN_SIMULATE_H
#define WEFT_BENCH_PLAN_SIMULATE_H

#include <stdint.h>
#include <stdio.h>

#include <weft/weft.h>

#define SIM_MACHINES_MAX 1000u
#define SIM_CORES_MAX 1024u
#define SIM_AGENTS_MAX 100000000u
#define SIM_BURSTS_MAX 64u
#define SIM_UNDER_WAY_MAX 16000000u /* at a time; 40 bytes each */

enum sim_balance {
	SIM_RANDOM = 0,
	SIM_LEAST, /* the machine with the fewest agents under way */
	SIM_TWO    /* the one with fewer of two at random */
};

struct sim_ask {
	uint32_t machines, cores;
	double rate;      /* agents a second, in all */
	uint64_t agents;  /* to be simulated */
	uint32_t bursts;  /* of an agent, at least 1 */
	double service_s; /* mean of a burst */
	double cs2;       /* its squared coefficient of variation: 0 always the same, 1 exponential */
	double wait_s[2]; /* after the first burst, the third, ..; after the second, the fourth, .. */
	enum sim_balance balance;
	uint32_t at_once;    /* arrivals that come together; 1: Poisson */
	double fail_at_s;    /* when `fail` machines end, and their agents begin anew elsewhere; 0: never */
	uint32_t fail;
	double bytes_per_agent, base_bytes; /* of memory; of a machine's, besides */
	uint64_t seed;
};

enum { SIM_P50 = 0, SIM_P90, SIM_P99, SIM_P999, SIM_QUANTILES };

struct sim_answer {
	uint64_t done, lost; /* lost: begun anew for a machine that failed */
	uint64_t events;
	double seconds;     /* simulated, of which the first tenth of agents is warm-up and counts for nothing below */
	double utilisation; /* of the cores, machines that failed left out */
	double wait_mean_ms, wait_ms[SIM_QUANTILES];    /* in line, of a burst */
	double added_mean_ms, added_ms[SIM_QUANTILES], added_max_ms; /* an agent's time less its waits */
	double under_way_mean, under_way_max;                        /* agents, in all */
	double stay_mean_s;                                          /* an agent's whole time */
	double rate;                                                 /* arrivals that came */
	uint32_t machine_under_way_max;
	double machine_memory_gb; /* of the fullest */
	double wall_s, memory_mb; /* of the simulation itself */
};

/* 0, -EINVAL (a number out of its range: err names it), -EOVERFLOW (too many are under way: it is overloaded), -ENOMEM */
int sim_run(const struct sim_ask *ask, struct sim_answer *ret, weft_error *err);

void sim_text(FILE *to, const struct sim_ask *ask, const struct sim_answer *a);
int sim_json(FILE *to, const struct sim_ask *ask, const struct sim_answer *a);

#endif
