/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/plan.h - how many cores, how much memory, how many machines: what the files of `weft plan` share.
 *
 *   measure.c    which points are run, in what order, with progress     from.c      or they come from a file
 *     point.c      a run of one point, or of one a load, in a process of its own
 *     added.c      what its agents took beyond their waits
 *     work.c       what one agent does, and the drivers that start them
 *     stalls.c     when somebody else had the core meanwhile
 *   fit.c        points -> a model: the law, the latency, memory, what the time is spent on
 *     turns.c      how far its latency can be trusted
 *   verify.c     the model beside points that it has not seen
 *   answer.c     the model and what is asked -> machines; or why there is no answer
 *   text.c  json.c  html.c    the three ways of showing it
 *   simulate.c   a cluster, event by event, for what no test host can show
 *
 * The capacity of n workers is n over the processor time of an agent while n workers work: X(n) = n / D(n). What an
 * agent waits for, models and tools, costs no processor; it decides how many are under way (Little's law), so memory.
 */
#ifndef WEFT_BENCH_PLAN_PLAN_H
#define WEFT_BENCH_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/weft.h>

#include "bench/plan/stalls.h"
#include "bench/stat/bootstrap.h"
#include "bench/stat/usl.h"

#define PLAN_VMS_MAX 16u
#define PLAN_POINTS_MAX 128u
#define PLAN_REASONS_MAX 12u
#define PLAN_CHECKS_MAX 8u
#define PLAN_WORKERS_MAX 256u
#define PLAN_TOOLS_MAX 8u
#define PLAN_HISTORY_MAX 100000u
#define PLAN_LOADS_MAX 8u
#define PLAN_CYCLES_MAX 8u
#define PLAN_PHASES_MAX (PLAN_LOADS_MAX * PLAN_CYCLES_MAX)
#define PLAN_BUCKETS 128u
#define PLAN_DRAWS 200u
#define PLAN_OWN_MIN 200u /* agents that met no stall: fewer tell no p99 of their own */
#define PLAN_EXTRAPOLATE_MAX 4.0 /* times the workers that were measured */

/* ---- what is asked ------------------------------------------------------------------------ */

struct plan_work { /* what one agent does */
	double model_ms;  /* until a model answers; it is asked tools + 1 times */
	double tool_ms;   /* until a tool answers */
	uint32_t tools;   /* calls, one after another */
	uint32_t history; /* messages in its room; the last ten go to the model, question and answer are added */
	bool inline_model; /* models inside the process: no HTTP */
};

struct plan_vm {
	char name[48];
	double cores, memory_gb, usd_month; /* usd_month 0: not given */
};

struct plan_ask {
	struct plan_work work;
	double rate;                     /* agents a second */
	double slo_quantile, slo_ms;     /* of the latency that weft adds; slo_ms 0: none */
	double headroom;                 /* of the processor, to be left over: 0.3 */
	struct plan_vm vms[PLAN_VMS_MAX];
	uint32_t vm_count;
	uint64_t seed;
	bool force, quick, long_one, no_verify; /* long_one: three times as many rounds */
	uint32_t given; /* of work: PLAN_GIVEN_*, said on the command line */
};

enum { PLAN_GIVEN_WAITS = 1, PLAN_GIVEN_TOOLS = 2, PLAN_GIVEN_HISTORY = 4, PLAN_GIVEN_INLINE = 8 };

/* Milliseconds that an agent waits for others. */
static inline double plan_waits_ms(const struct plan_work *w)
{
	return (w->tools + 1) * w->model_ms + w->tools * w->tool_ms;
}

/* ---- what is measured ---------------------------------------------------------------------- */

enum plan_kind {
	PLAN_CLOSED = 0, /* as many under way as keep the workers busy: capacity */
	PLAN_OPEN,       /* agents come by the clock: latency */
	PLAN_VERIFY,     /* as open, or closed; kept out of the fit */
	PLAN_MEMORY,     /* none ends: what one costs */
	PLAN_NO_HTTP,    /* as closed, models inside the process */
	PLAN_NO_STORE,   /* the same without a store */
	PLAN_KINDS
};

enum { PLAN_P50 = 0, PLAN_P90, PLAN_P99, PLAN_P999, PLAN_QUANTILES };
extern const double plan_quantiles[PLAN_QUANTILES];

enum plan_side { PLAN_WORKERS = 0, PLAN_ENDPOINTS, PLAN_SIDES }; /* whose stalls */

struct plan_turn { /* how many agents took how long beyond their waits (turns.c) */
	uint32_t agents[PLAN_BUCKETS];
};

struct plan_point {
	enum plan_kind kind;
	uint32_t workers, round;
	bool oversubscribed;  /* more workers than cores: shown, never fitted */
	double offered_per_s; /* 0: closed */
	double under_way;     /* agents, closed: how many; open: on average, by Little's law and counted */
	double seconds, done_per_s;
	double cpu_us; /* processor time of this process an agent */
	double busy;   /* of the workers' time: 1 is all of it */
	double added_mean_ms, added_ms[PLAN_QUANTILES], added_max_ms; /* an agent's time, from when it was due, less what it waited for */
	uint64_t done, failed;
	struct plan_turn turns[PLAN_CYCLES_MAX]; /* through the loads; empty: not that many, or not known */
	/* of the agents that met no stall of the host: what is weft's own; NAN: too few of them, or stalls were not watched */
	double own_share, own_mean_ms, own_ms[PLAN_QUANTILES];
	struct plan_stalls stalls[PLAN_SIDES];
	/* the runtime's own counters, meanwhile */
	double sched_p99_ms; /* from becoming runnable until run */
	uint64_t mailbox_depth_max, refused, muted;
	double steals_per_s, parks_per_s;
	double bytes_per_agent, bytes_per_message, base_mb; /* PLAN_MEMORY */
	char error[160];
};

/* Open: as many ended as came. Of a rate that is not held the line only grows: its latency says nothing. */
static inline bool plan_is_held(const struct plan_point *p)
{
	return p->done_per_s >= 0.9 * p->offered_per_s;
}

struct plan_data {
	struct plan_point points[PLAN_POINTS_MAX];
	uint32_t count;
	uint32_t cores;   /* of the host, as the runtime counts them */
	double memory_gb;
	uint32_t rounds;  /* 0: not known */
	double seconds;   /* that it took */
	double wait_scale; /* of the closed points: below 1, waits were shortened so that fewer agents do */
	char source[96];   /* "this host", or the file */
	char note[256];    /* what to know of a file's points; "": nothing */
};

/*
 * Of their cores, what workers got that had all to do and a core left for the endpoint; 1 where no point says. Where it is
 * little something else runs there, and figures are mostly about that.
 */
double plan_host_free(const struct plan_data *d);
#define PLAN_FREE_MIN 0.5

/* ---- what it comes to ----------------------------------------------------------------------- */

enum plan_part { PLAN_PART_MODEL = 0, PLAN_PART_STORE, PLAN_PART_REST, PLAN_PARTS };
extern const char *const plan_part_names[PLAN_PARTS];

struct plan_latency { /* of a quantile: base + slope * wait factor of M/G/c (plan_wait_factor) */
	double base_ms, slope_ms;
};

struct plan_model {
	struct bench_usl usl;
	bool has_latency, has_memory, has_parts;
	bool has_own; /* enough agents met no stall at two loads */
	struct plan_latency latency[PLAN_QUANTILES], mean; /* of all agents; Little's law asks for the mean */
	struct plan_latency own[PLAN_QUANTILES], own_mean; /* of those that met no stall */
	double cs2, own_cs2; /* of the service, as the mean wait grows; NAN: not known */
	struct plan_stalls stalls[PLAN_SIDES];             /* of all open points */
	uint32_t draws, turns; /* 0: turns are not known; of the load with the fewest */
	struct plan_latency drawn[PLAN_DRAWS][PLAN_QUANTILES]; /* what else the fit might have come to */
	double again[PLAN_DRAWS]; /* p99: what a further measurement may find, over what is so */
	double latency_busy_max; /* the highest load with a latency */
	uint32_t latency_workers;
	double part_us[PLAN_PARTS];
	double bytes_per_agent, bytes_per_message, base_mb;
	uint64_t mailbox_depth_max, refused, muted;
	double sched_p99_ms;
	double rate_max; /* the highest that was really run */
};

struct plan_machines { /* of one type */
	struct plan_vm vm;
	bool refused;
	bool extrapolated; /* more cores than were measured */
	char reason[256]; /* refused, or worth knowing */
	double capacity;  /* agents a second of one, all its processors busy */
	struct bench_interval capacity_ci;
	double load;      /* share of capacity that is planned with */
	const char *load_by; /* what sets it: "headroom", "latency" */
	uint32_t count, count_high; /* machines; at the low end of the capacity */
	const char *count_by; /* "processors" or "memory" */
	double busy, latency_ms; /* at the rate, spread over them; latency at the SLO's quantile, NAN: not known */
	double latency_own_ms;   /* of it, without the stalls of the host that was measured; NAN: not known */
	struct bench_interval latency_ci; /* 95%; NAN: not known */
	double memory_gb;        /* of one */
	double under_way;        /* agents on one */
	double usd_month, usd_month_high;
	const char *breaks_first;
	double breaks_at; /* at so many times the rate */
};

struct plan_answer {
	double cores;                   /* busy ones, at the rate */
	struct bench_interval cores_ci;
	double cores_planned;           /* with headroom */
	double under_way, memory_gb;    /* all agents together */
	double added_ms[PLAN_QUANTILES];
	enum plan_part limit;
	struct plan_machines machines[PLAN_VMS_MAX];
	uint32_t machine_count;
	char refusals[PLAN_REASONS_MAX][256]; /* why the whole is not to be believed */
	uint32_t refusal_count;
	char notes[PLAN_REASONS_MAX][256];
	uint32_t note_count;
};

/* The runs of the load of points[first], failed ones too; 0 when an earlier point has that load. ret: PLAN_POINTS_MAX of them. */
uint32_t plan_runs_of_load(const struct plan_data *d, uint32_t first, const struct plan_point **ret);

/*
 * One point that stands for several runs of the same load: each figure the median of theirs, so that a moment in which a
 * neighbour had the core counts for one run. Runs with an error are left out; when all have one, so has the result.
 */
void plan_point_median(const struct plan_point *const *runs, uint32_t count, struct plan_point *ret);

enum plan_verdict {
	PLAN_OK = 0,
	PLAN_INSIDE,            /* p99 is off by more than the goal, and inside the interval that was predicted */
	PLAN_MISSED_THROUGHPUT,
	PLAN_MISSED_LATENCY,
	PLAN_UNTOLD,            /* p99 is off by more than the goal, and the interval so wide that it says nothing */
	PLAN_FAILED,            /* it was not measured */
	PLAN_VERDICTS
};
extern const char *const plan_verdict_names[PLAN_VERDICTS];

struct plan_check { /* one load: what was predicted beside what was measured */
	struct plan_point measured;
	double done_per_s, busy, added_p50_ms, added_p99_ms, own_p99_ms; /* predicted; NAN: not known */
	double done_error, busy_error, p50_error, p99_error, own_error;  /* measured over predicted, less 1; NAN likewise */
	struct bench_interval p99_ci; /* predicted: where a measured p99 is in 95 of 100 cases; NAN: not known */
	enum plan_verdict verdict;
};

struct plan_checks {
	struct plan_check of[PLAN_CHECKS_MAX];
	uint32_t count, held_out; /* all; those that the fit has not seen: PLAN_VERIFY */
	bool all_ok; /* of these */
};

#define PLAN_THROUGHPUT_GOAL 0.10
#define PLAN_LATENCY_GOAL 0.25
#define PLAN_LATENCY_WIDE 4.0 /* an interval from its low to its high end: beyond, it says nothing */

/* ---- measure.c, point.c ---------------------------------------------------------------------- */

typedef void plan_progress_fn(double share, double left_s, const char *what, void *user); /* 0 to 1; left_s at most */

/* Everything the fit wants. 0, or negative with err. */
int plan_measure(const struct plan_ask *ask, struct plan_data *ret, plan_progress_fn *progress, void *user, weft_error *err);

struct plan_run {
	struct plan_work work;
	enum plan_kind kind; /* of a closed run */
	uint32_t workers, cores, servers;
	struct plan_load {
		enum plan_kind kind;
		double rate;
	} load[PLAN_LOADS_MAX];  /* one after another, */
	uint32_t loads, cycles;  /* and again. loads 0: closed */
	uint32_t under_way;      /* closed: how many */
	double warm_s, window_s; /* open: of each turn of each load */
	double lead_s;           /* open: at the last rate, before the first turn; connections are made, memory gets warm */
	uint64_t seed;
	bool no_store;
	void (*tick)(void *user); /* now and then meanwhile, by the process that waits; NULL: no need */
	void *user;
};

/* How many points a run gives. */
static inline uint32_t plan_run_points(const struct plan_run *run)
{
	return run->loads ? run->loads : 1;
}

/* In a process of its own, that this one waits for. ret: plan_run_points() of them. What goes wrong is said in their error. */
void plan_point_run(const struct plan_run *run, struct plan_point *ret);

/* ---- fit.c, answer.c, verify.c ------------------------------------------------------------------ */

/* 0; -ENODATA: no point of capacity; others of bench_usl_fit. Points with an error are left out. */
int plan_fit(const struct plan_data *data, struct plan_model *ret);
/* How much longer the line is than with one idle server: Erlang C over c (1 - load). INFINITY from load 1 on. */
double plan_wait_factor(double load, double servers);
/* y = base + slope g, both at least 0, by least squares of the errors of log y; y above 0. */
struct plan_latency plan_latency_line(const double *g, const double *y, size_t count);
double plan_latency_at(const struct plan_model *m, int quantile, double load, double workers);
double plan_latency_mean(const struct plan_model *m, double load, double workers);
/* Another quantile lies between those that were fitted, or beyond the last along an exponential tail. @return ms; NAN: no latencies */
double plan_latency_quantile(const struct plan_model *m, double q, double load, double workers);
/* The same of agents that meet no stall of the host, at most that of all; NAN: not known. */
double plan_latency_own(const struct plan_model *m, double q, double load, double workers);
/* Of lines of each quantile, at a wait factor. */
double plan_latency_line_quantile(const struct plan_latency *of, double q, double g);

/* ---- turns.c ---- */

void plan_turn_add(struct plan_turn *t, double ms);
double plan_turn_quantile(const struct plan_turn *t, double q); /* NAN: empty */
/* What else the latency of a fitted model might have come to. */
void plan_draw(const struct plan_data *data, struct plan_model *m);
/* 95%: where the true quantile is; where the p99 of a further measurement, as long as those before, will be. NAN: not known */
struct bench_interval plan_latency_interval(const struct plan_model *m, double q, double load, double workers);
struct bench_interval plan_p99_measured_again(const struct plan_model *m, double load, double workers);

/* Never fails: what cannot be said is in refusals and in each machine's reason. */
void plan_answer_make(const struct plan_ask *ask, const struct plan_data *data, const struct plan_model *m, struct plan_answer *ret);

/* The model beside each load, those that it was fitted to and those of PLAN_VERIFY; none of the latter: all_ok is false. */
void plan_verify(const struct plan_data *data, const struct plan_model *m, struct plan_checks *ret);
/* The model beside one point. */
void plan_check_make(const struct plan_model *m, const struct plan_point *p, struct plan_check *ret);
/* Throughput within its goal; and p99 within its, or inside an interval that says something. */
enum plan_verdict plan_check_judge(const struct plan_check *c);

/* ---- from.c, text.c, json.c, html.c ----------------------------------------------------------------- */

/*
 * Points of a file: of `weft plan --save`, or a result of `weft bench`. The work is the file's; one that was given and
 * costs something else is an error. 0, or negative with err, which names file and field.
 */
int plan_from(const char *path, struct plan_ask *ask, struct plan_data *ret, weft_error *err);

struct plan_shown {
	const struct plan_ask *ask;
	const struct plan_data *data;
	const struct plan_model *model;
	const struct plan_answer *answer;
	const struct plan_checks *checks; /* NULL: not verified */
};

/* Digits behind the point that two significant ones need, for "%.*f": never an exponent. */
int plan_digits(double value);

void plan_text(FILE *to, const struct plan_shown *s);
int plan_json(FILE *to, const struct plan_shown *s);
int plan_html(FILE *to, const struct plan_shown *s);

#endif
