/* SPDX-License-Identifier: Apache-2.0 */
/* bench/plan/simulate_show.c - what a simulation came to, for people and for programs. */
#include <math.h>

#include "bench/plan/simulate.h"
#include "bench/put.h"

static const char *const balances[] = { "random", "least", "two" };

/* What the agents' processor time is of the cores, at the end: 1 and more cannot be kept up with. */
static double load(const struct sim_ask *ask)
{
	return ask->rate * ask->bursts * ask->service_s / ((double)(ask->machines - ask->fail) * ask->cores);
}

void sim_text(FILE *to, const struct sim_ask *ask, const struct sim_answer *a)
{
	fprintf(to, "simulated: %u machine%s of %u core%s, %.10g agents/s, balanced %s%s\n", ask->machines, ask->machines == 1 ? "" : "s", ask->cores,
	        ask->cores == 1 ? "" : "s", ask->rate,
	        ask->balance == SIM_TWO ? "to the better of two" : ask->balance == SIM_LEAST ? "to the least loaded" : "at random",
	        ask->at_once > 1 ? ", in bursts" : "");
	fprintf(to, "  %-22s%u bursts of %.4g us (variation %.3g), seed %llu\n", "an agent", ask->bursts, ask->service_s * 1e6, ask->cs2, (unsigned long long)ask->seed);
	fprintf(to, "  %-22s%llu in %.3f s, %.1f million events\n", "agents", (unsigned long long)a->done, a->seconds, (double)a->events / 1e6);
	if (ask->fail)
		fprintf(to, "  %-22s%u machine%s at %.10g s; %llu agents began anew\n", "failed", ask->fail, ask->fail == 1 ? "" : "s", ask->fail_at_s, (unsigned long long)a->lost);
	fprintf(to, "  %-22s%.2f%% of the cores\n", "busy", 100 * a->utilisation);
	if (load(ask) >= 1)
		fprintf(to, "  %-22sthe rate wants %.*f times the cores%s: lines grow until the last agent has come\n", "over capacity", load(ask) < 10 ? 2 : 0,
		        load(ask), ask->fail ? " that are left" : "");
	fprintf(to, "  %-22s%.0f agents on average, %.0f at most; %u on one machine\n", "under way", a->under_way_mean, a->under_way_max, a->machine_under_way_max);
	if (ask->bytes_per_agent > 0)
		fprintf(to, "  %-22s%.2f GB on the fullest machine\n", "memory", a->machine_memory_gb);
	fprintf(to, "\n  %-22s %10s %10s %10s %10s %10s %10s\n", "ms", "mean", "p50", "p90", "p99", "p99.9", "max");
	fprintf(to, "  %-22s %10.3f %10.3f %10.3f %10.3f %10.3f\n", "in line, a burst", a->wait_mean_ms, a->wait_ms[SIM_P50], a->wait_ms[SIM_P90], a->wait_ms[SIM_P99],
	        a->wait_ms[SIM_P999]);
	fprintf(to, "  %-22s %10.3f %10.3f %10.3f %10.3f %10.3f %10.3f\n", "added to the waits", a->added_mean_ms, a->added_ms[SIM_P50], a->added_ms[SIM_P90],
	        a->added_ms[SIM_P99], a->added_ms[SIM_P999], a->added_max_ms);
}

/* Whole numbers are written as such; what is not finite is null. */
static void put(weft_json_writer *w, const char *name, double value)
{
	bench_put_key(w, name);
	if (value == floor(value) && fabs(value) < 1e15)
		weft_json_put_int(w, (int64_t)value);
	else
		weft_json_put_double(w, value);
}

static void quantiles(weft_json_writer *w, const char *name, double mean, const double *ms)
{
	bench_put_object(w, name);
	put(w, "mean", mean);
	put(w, "p50", ms[SIM_P50]);
	put(w, "p90", ms[SIM_P90]);
	put(w, "p99", ms[SIM_P99]);
	put(w, "p999", ms[SIM_P999]);
	weft_json_end_object(w);
}

/* Nothing of the simulation's own time: the same seed gives the same bytes. */
int sim_json(FILE *to, const struct sim_ask *ask, const struct sim_answer *a)
{
	weft_json_writer *w;
	int r = weft_json_writer_create(2, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put(w, "schema_version", 1);
	bench_put_text(w, "kind", "weft plan --simulate");
	put(w, "machines", ask->machines);
	put(w, "cores", ask->cores);
	put(w, "rate", ask->rate);
	put(w, "agents", (double)ask->agents);
	put(w, "bursts", ask->bursts);
	put(w, "burst_us", ask->service_s * 1e6);
	put(w, "cs2", ask->cs2);
	bench_put_text(w, "balance", balances[ask->balance]);
	put(w, "at_once", ask->at_once);
	put(w, "fail", ask->fail);
	put(w, "seed", (double)ask->seed);
	put(w, "seconds", a->seconds);
	put(w, "done", (double)a->done);
	put(w, "begun_anew", (double)a->lost);
	put(w, "busy", a->utilisation);
	put(w, "under_way_mean", a->under_way_mean);
	put(w, "under_way_max", a->under_way_max);
	put(w, "machine_under_way_max", a->machine_under_way_max);
	put(w, "machine_memory_gb", ask->bytes_per_agent > 0 ? a->machine_memory_gb : (double)NAN);
	quantiles(w, "in_line_ms", a->wait_mean_ms, a->wait_ms);
	quantiles(w, "added_ms", a->added_mean_ms, a->added_ms);
	weft_json_end_object(w);
	r = bench_put_print(w, to);
	weft_json_writer_destroy(w);
	return r;
}
