/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/measure.c - which points are run, and for how long. First what the time is spent on, by leaving parts out, and
 * what an agent holds. Then rounds of everything that scatters: capacity with 1, 2, .. workers, and one process that goes
 * four times through six loads, three for the fit and three others that it never sees. So what disturbs the machine falls on
 * all of them, not on one number of workers or one load. Rounds are made until they agree, at least two on hosts of few
 * cores, and at most as many as the time allows.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/plan/plan.h"
#include "bench/stat/quantile.h"

#define UNDER_WAY_MAX 2500u /* agents a worker, closed and open: each has a connection to its model */
#define UNDER_WAY_MIN 64u
#define FULL 1.3            /* closed: so many times what keeps a worker busy */
#define OPEN_WAITS_MS 40.0  /* open: waits beyond this make a run longer, not its latency */
#define LOOKS 3u            /* at most, before anything is measured */
#define SECONDS 28.0        /* a round that would end later is not begun, */
#define SECONDS_QUICK 10.0
#define SECONDS_LONG 90.0
#define ROUNDS_MIN 2u       /* but for the first ones, */
#define COUNTS_MANY 5u      /* unless there are so many numbers of workers to measure */
#define ROUNDS_MAX 5u
#define ROUNDS_LONG 12u
#define AGREE_CAPACITY 0.03 /* from the least to the greatest of the rounds, of their median: then they agree */
#define AGREE_P99 0.15
#define HELD 2000u
#define HELD_MS 600000.0

/* Rising: a load that is not held leaves a line behind, and none comes after the highest. */
static const struct {
	double load;
	bool held_out; /* of the fit: the model is verified by it */
} open_loads[] = { { 0.2, false }, { 0.35, true }, { 0.5, false }, { 0.6, true }, { 0.7, true }, { 0.8, false } };

#define OPEN_LOADS (sizeof(open_loads) / sizeof(open_loads[0]))
static_assert(OPEN_LOADS <= PLAN_LOADS_MAX, "one run has them all");

struct series {
	const struct plan_ask *ask;
	struct plan_data *data;
	plan_progress_fn *progress;
	void *user;
	weft_error *err;
	uint64_t begin_ns;
	double seconds, round_s; /* that it may take; that the last round took, 0: none yet */
	uint32_t round, rounds_max;
	const char *what;
	uint32_t workers[16], worker_count;
	double cpu_us;   /* of an agent, one worker */
	double capacity; /* by the first round, of as many workers as latency is measured with; 0: not yet */
};

static uint32_t cores_here(void)
{
	weft_runtime *rt = NULL;
	uint32_t cores = 1;

	if (weft_runtime_create(NULL, &rt) == 0)
		cores = weft_runtime_workers(rt);
	weft_runtime_destroy(rt); /* never started: this process has no threads yet when others are made of it */
	return cores < PLAN_WORKERS_MAX / 2 ? cores : PLAN_WORKERS_MAX / 2;
}

static double memory_here_gb(void)
{
	return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1073741824.0;
}

static void choose_workers(struct series *s, uint32_t cores)
{
	uint32_t n = 1;

	while (n < cores && s->worker_count < 13) {
		s->workers[s->worker_count++] = n;
		n = n < 4 ? n + 1 : n + n / 2;
	}
	s->workers[s->worker_count++] = cores;
}

static double elapsed_s(const struct series *s)
{
	return (double)(weft_now_ns() - s->begin_ns) / 1e9;
}

static void tick(void *user)
{
	const struct series *s = user;
	double now = elapsed_s(s), total = fmax(s->seconds, now + 0.5);

	if (s->progress)
		s->progress(now / total, total - now, s->what, s->user);
}

static struct plan_work scaled(const struct plan_work *w, double scale)
{
	struct plan_work s = *w;

	s.model_ms = fmax(w->model_ms > 0, floor(w->model_ms * scale)); /* endpoints wait whole milliseconds */
	s.tool_ms *= scale;
	return s;
}

static uint32_t servers_for(const struct plan_work *w, uint32_t workers)
{
	return w->inline_model ? 0 : (workers + 1) / 2 < 32 ? (workers + 1) / 2 : 32;
}

/* Its points are the last of the data's, from *ret on. */
static int run_points(struct series *s, struct plan_run *run, const char *what, struct plan_point **ret)
{
	struct plan_data *d = s->data;
	struct plan_point *p = &d->points[d->count];
	uint32_t count = plan_run_points(run);

	if (d->count + count > PLAN_POINTS_MAX)
		return weft_error_set(s->err, -E2BIG, "more than %u points", PLAN_POINTS_MAX);
	s->what = what;
	run->cores = d->cores;
	run->servers = servers_for(&run->work, run->workers);
	run->seed = s->ask->seed + d->count;
	run->tick = tick;
	run->user = s;
	tick(s);
	plan_point_run(run, p);
	for (uint32_t i = 0; i < count; i++)
		p[i].round = s->round;
	d->count += count;
	if (ret)
		*ret = p;
	return 0;
}

/* How many are under way, and waits so short that they are enough to keep `workers` busy. */
static void closed_run(struct series *s, const struct plan_work *work, uint32_t workers, double cpu_us, struct plan_run *ret)
{
	double waits_us = plan_waits_ms(work) * 1e3, need = FULL * waits_us / cpu_us, scale = fmin(1, UNDER_WAY_MAX / fmax(need, 1));
	double each = fmax(UNDER_WAY_MIN, fmin(need, UNDER_WAY_MAX));

	*ret = (struct plan_run){ .work = scaled(work, scale), .kind = PLAN_CLOSED, .workers = workers,
		                  .under_way = (uint32_t)(each * workers), .window_s = s->ask->quick ? 0.3 : 0.4 };
	ret->warm_s = 0.1 + plan_waits_ms(&ret->work) / 1e3;
	if (work == &s->ask->work)
		s->data->wait_scale = fmin(s->data->wait_scale, scale);
}

/*
 * One worker, to know how many agents keep it busy. With too few it looks for work in between, which counts as processor
 * time of theirs: so with as many as that asks for again, until it asks for no more.
 */
static int calibrate(struct series *s)
{
	struct plan_work work = scaled(&s->ask->work, fmin(1, 100 / fmax(plan_waits_ms(&s->ask->work), 1)));
	struct plan_run run = { .work = work, .kind = PLAN_CLOSED, .workers = 1, .under_way = 512, .warm_s = 0.3, .window_s = 0.3 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < LOOKS; i++) {
		struct plan_point *p = NULL;
		bool enough;

		r = run_points(s, &run, "a first look", &p);
		if (r == 0 && p->error[0])
			r = weft_error_set(s->err, -EIO, "%s", p->error);
		if (r < 0)
			break;
		enough = p->busy > 0.85 || (i > 0 && p->cpu_us > 0.85 * s->cpu_us);
		s->cpu_us = p->cpu_us;
		s->data->count = 0; /* it is no point of the fit */
		if (enough)
			break;
		closed_run(s, &s->ask->work, 1, s->cpu_us, &run);
		run.window_s = 0.3;
	}
	s->data->wait_scale = 1;
	return r;
}

static int capacity(struct series *s)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->worker_count; i++) {
		struct plan_run run;

		closed_run(s, &s->ask->work, s->workers[i], s->cpu_us, &run);
		r = run_points(s, &run, "capacity", NULL);
	}
	return r;
}

/* The same work with models inside, and without a store. */
static int parts(struct series *s)
{
	struct plan_work inside = s->ask->work;
	struct plan_run run;
	int r = 0;

	inside.inline_model = true;
	if (!s->ask->work.inline_model) {
		closed_run(s, &inside, 1, s->cpu_us / 4, &run);
		run.kind = PLAN_NO_HTTP;
		r = run_points(s, &run, "models inside", NULL);
	}
	if (r == 0 && inside.history) {
		closed_run(s, &inside, 1, s->cpu_us / 4, &run);
		run.kind = PLAN_NO_STORE;
		run.no_store = true;
		r = run_points(s, &run, "no store", NULL);
	}
	return r;
}

static int memory(struct series *s)
{
	struct plan_run run = { .work = s->ask->work, .kind = PLAN_MEMORY, .workers = 1, .under_way = HELD };

	run.work.model_ms = HELD_MS;
	return run_points(s, &run, "memory", NULL);
}

/* The mean capacity of so many workers, in agents a second; 0: none was measured. */
static double capacity_of(const struct plan_data *d, uint32_t workers)
{
	double best = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *p = &d->points[i];

		if (p->kind == PLAN_CLOSED && p->workers == workers && !p->error[0]) {
			best += workers * 1e6 / p->cpu_us;
			count++;
		}
	}
	return count ? best / count : 0;
}

static void open_run(const struct plan_ask *ask, const struct plan_data *d, double capacity, struct plan_run *ret)
{
	uint32_t workers = d->cores >= 4 ? d->cores / 2 : 1;
	double waits_ms = fmax(1, plan_waits_ms(&ask->work)), scale = fmin(1, OPEN_WAITS_MS / waits_ms);

	scale = fmin(scale, UNDER_WAY_MAX * workers / fmax(capacity * waits_ms / 1e3, 1));
	*ret = (struct plan_run){ .work = scaled(&ask->work, scale), .workers = workers, .lead_s = 0.3, .window_s = 0.18, .cycles = ask->quick ? 2 : 4 };
	ret->warm_s = 0.05 + 1.2 * plan_waits_ms(&ret->work) / 1e3;
	for (uint32_t i = 0; i < OPEN_LOADS; i++)
		if (!open_loads[i].held_out || !ask->no_verify)
			ret->load[ret->loads++] = (struct plan_load){ open_loads[i].held_out ? PLAN_VERIFY : PLAN_OPEN, open_loads[i].load * capacity };
}

/* The same rates in each round, to the last bit, by the capacity of the first: runs of one load are told by it. */
static int latency(struct series *s)
{
	uint32_t workers = s->data->cores >= 4 ? s->data->cores / 2 : 1;
	struct plan_run run;

	if (!(s->capacity > 0))
		s->capacity = capacity_of(s->data, workers);
	if (!(s->capacity > 0))
		return weft_error_set(s->err, -ENODATA, "no point of capacity came out: %s", s->data->points[0].error);
	open_run(s->ask, s->data, s->capacity, &run);
	return run_points(s, &run, "latency", NULL);
}

/* From the least to the greatest, of the median; 0: fewer than two. */
static double spread(double *v, uint32_t n)
{
	bench_sort(v, n);
	return n > 1 && v[n / 2] > 0 ? (v[n - 1] - v[0]) / bench_median(v, n) : 0;
}

/* Do the rounds say the same, of capacity and of the tail at the fitted loads? */
static bool rounds_agree(const struct plan_data *d)
{
	for (uint32_t i = 0; i < d->count; i++) {
		const struct plan_point *runs[PLAN_POINTS_MAX], *p = &d->points[i];
		uint32_t n = p->kind == PLAN_CLOSED || p->kind == PLAN_OPEN ? plan_runs_of_load(d, i, runs) : 0, good = 0;
		double v[PLAN_POINTS_MAX];

		for (uint32_t k = 0; k < n; k++)
			if (!runs[k]->error[0])
				v[good++] = p->kind == PLAN_CLOSED ? runs[k]->cpu_us : runs[k]->added_ms[PLAN_P99];
		if (spread(v, good) > (p->kind == PLAN_CLOSED ? AGREE_CAPACITY : AGREE_P99))
			return false;
	}
	return true;
}

/* With one core agents would wait for the endpoint of their models, too: that is not weft's. */
static bool tells_latency(const struct series *s)
{
	return s->data->cores > 1 || s->ask->work.inline_model;
}

/* On a host that is not free everything is refused: more points would say it again. */
static bool is_worth_it(const struct series *s)
{
	return s->ask->force || plan_host_free(s->data) >= PLAN_FREE_MIN;
}

/* Two rounds tell what one does not: whether it was like the other. On hosts of many cores one has points enough to tell errors by. */
static bool is_enough(const struct series *s)
{
	if (!s->round || !is_worth_it(s))
		return s->round > 0;
	if (s->ask->quick || s->round == s->rounds_max || elapsed_s(s) > s->seconds || s->data->count + s->worker_count + OPEN_LOADS > PLAN_POINTS_MAX)
		return true;
	if (elapsed_s(s) + s->round_s > s->seconds)
		return s->round >= ROUNDS_MIN || s->worker_count >= COUNTS_MANY;
	return s->round >= ROUNDS_MIN && !s->ask->long_one && rounds_agree(s->data);
}

int plan_measure(const struct plan_ask *ask, struct plan_data *ret, plan_progress_fn *progress, void *user, weft_error *err)
{
	struct series s = { .ask = ask, .data = ret, .progress = progress, .user = user, .err = err, .begin_ns = weft_now_ns(),
		            .seconds = ask->quick ? SECONDS_QUICK : ask->long_one ? SECONDS_LONG : SECONDS,
		            .rounds_max = ask->long_one ? ROUNDS_LONG : ROUNDS_MAX };
	int r;

	*ret = (struct plan_data){ .cores = cores_here(), .memory_gb = memory_here_gb(), .wait_scale = 1, .source = "this host" };
	if (!tells_latency(&s))
		snprintf(ret->note, sizeof(ret->note), "one core, which the models' endpoint takes its part of: latency was not measured. Use a host of two cores, or --model-inline");
	choose_workers(&s, ret->cores);
	r = calibrate(&s);
	if (r == 0)
		r = parts(&s);
	if (r == 0)
		r = memory(&s);
	while (r == 0 && !is_enough(&s)) {
		double before = elapsed_s(&s);

		r = capacity(&s);
		if (r == 0 && is_worth_it(&s) && tells_latency(&s))
			r = latency(&s);
		s.round_s = elapsed_s(&s) - before;
		s.round++;
	}
	ret->rounds = s.round;
	ret->seconds = elapsed_s(&s);
	if (progress)
		progress(1, 0, "", user);
	return r;
}
