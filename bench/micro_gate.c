/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/micro_gate.c - in and out of a gate with both rates, by one thread and by two that share it; beside the same work
 * under one mutex, which is what a gate without the art would be.
 */
#include <pthread.h>

#include "bench/micro.h"

#define THREADS_MAX 2u

/* The plain one: both buckets, places, failures in a row, retries' budget; no line, and nothing given back. */
struct locked {
	pthread_mutex_t lock;
	double level[2], rate[2], burst[2];
	uint64_t now_ns, open_until_ns;
	uint32_t taken, limit, failures, points;
};

static bool locked_enter(struct locked *g, uint64_t now_ns, uint32_t tokens)
{
	const double wanted[2] = { 1, tokens };
	bool may;

	pthread_mutex_lock(&g->lock);
	may = now_ns >= g->open_until_ns && g->taken < g->limit;
	for (int i = 0; i < 2; i++) {
		g->level[i] += (double)(now_ns - g->now_ns) * g->rate[i];
		g->level[i] = g->level[i] < g->burst[i] ? g->level[i] : g->burst[i];
		may = may && g->level[i] >= wanted[i];
	}
	g->now_ns = now_ns;
	for (int i = 0; may && i < 2; i++)
		g->level[i] -= wanted[i];
	g->taken += may;
	pthread_mutex_unlock(&g->lock);
	return may;
}

static void locked_leave(struct locked *g, bool good, uint32_t back)
{
	pthread_mutex_lock(&g->lock);
	g->taken--;
	g->failures = good ? 0 : g->failures + 1;
	g->points = g->points < 1000 ? g->points + 20 : 1000;
	g->level[1] += back;
	pthread_mutex_unlock(&g->lock);
}

struct racer {
	pthread_t thread;
	uint64_t n, refused;
	weft_gate *gate; /* NULL: the locked one */
	struct locked *locked;
};

static void *race(void *arg)
{
	const weft_gate_outcome good = { .http_status = 200, .tokens_used = 80 };
	struct racer *r = arg;
	weft_gate_pass pass = { 0 };
	uint64_t now = 1000000000;

	for (uint64_t i = 0; i < r->n; i++, now += 100) {
		if (r->gate && weft_gate_enter(r->gate, &pass, now, 100) == 0) {
			weft_gate_leave(r->gate, &pass, &good, now);
		} else if (!r->gate && locked_enter(r->locked, now, 100)) {
			locked_leave(r->locked, true, 20);
		} else {
			r->refused++;
			weft_gate_cancel(r->gate, &pass, now);
		}
	}
	return NULL;
}

static int gate_up(weft_gate **ret_gate)
{
	weft_gate_options o = WEFT_GATE_OPTIONS_INIT;

	o.requests_per_minute = o.tokens_per_minute = UINT32_MAX;
	o.requests_burst = o.tokens_burst = UINT32_MAX;
	return weft_gate_create(&o, ret_gate, NULL);
}

/* Wall time a pair of calls, as each thread sees it. */
static int measure(const struct bench_options *opt, uint32_t threads, bool locks, double *ret_ms, uint64_t *ret_ops,
                   struct bench_outcome *out)
{
	struct locked locked = { .lock = PTHREAD_MUTEX_INITIALIZER, .limit = 1024, .points = 1000,
		                 .rate = { 1, 1 }, .burst = { 1e12, 1e12 }, .level = { 1e12, 1e12 } };
	struct racer racers[THREADS_MAX] = { 0 };
	uint64_t n = opt->quick ? 100000 : 3000000, refused = 0, t0;
	weft_gate *gate = NULL;
	uint32_t started = 0;
	int r = locks ? 0 : gate_up(&gate);

	t0 = weft_now_ns();
	for (; r == 0 && started < threads; started++) {
		racers[started] = (struct racer){ .n = n, .gate = gate, .locked = &locked };
		r = -pthread_create(&racers[started].thread, NULL, race, &racers[started]);
		started -= r < 0;
	}
	for (uint32_t i = 0; i < started; i++) {
		pthread_join(racers[i].thread, NULL);
		refused += racers[i].refused;
	}
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n * threads;
	if (r == 0 && refused)
		r = bench_fail(out, "%llu refused", (unsigned long long)refused);
	weft_gate_unref(gate);
	return r;
}

int micro_gate_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return measure(opt, 1, false, ret_ms, ret_ops, out);
}

int micro_gate_2(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return measure(opt, 2, false, ret_ms, ret_ops, out);
}

int micro_gate_mutex_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return measure(opt, 1, true, ret_ms, ret_ops, out);
}

int micro_gate_mutex_2(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return measure(opt, 2, true, ret_ms, ret_ops, out);
}
