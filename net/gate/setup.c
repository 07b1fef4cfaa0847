/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/setup.c - a gate made of its options, its references, and what it shows of itself. */
#include "net/gate/gate.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/rng.h"

#define SECOND_NS UINT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)
#define WAITING_MAX (1u << 20)

static uint32_t count_or(uint32_t given, uint32_t usual)
{
	return given ? given : usual;
}

static uint64_t time_or(uint64_t given, uint64_t usual)
{
	return given ? given : usual;
}

/* All that has a default gets it. */
static void fill(weft_gate_options *o)
{
	uint32_t start;

	if (!o->requests_burst)
		o->requests_burst = count_or(o->requests_per_minute / 60, 1);
	if (!o->tokens_burst)
		o->tokens_burst = count_or(o->tokens_per_minute / 10, 1);
	o->concurrency_min = count_or(o->concurrency_min, 1);
	o->concurrency_max = count_or(o->concurrency_max, 1024);
	start = count_or(o->concurrency_start, 32);
	if (!o->concurrency_start && start < o->concurrency_min)
		start = o->concurrency_min;
	if (!o->concurrency_start && start > o->concurrency_max)
		start = o->concurrency_max;
	o->concurrency_start = start;
	o->waiting_max = count_or(o->waiting_max, 16384);
	o->wait_max_ns = time_or(o->wait_max_ns, 60 * SECOND_NS);
	o->breaker_failures = count_or(o->breaker_failures, 5);
	o->breaker_open_ns = time_or(o->breaker_open_ns, 30 * SECOND_NS);
	o->retries = o->retries < 0 ? 3 : o->retries;
	o->retry_share_percent = count_or(o->retry_share_percent, 20);
	o->retry_first_ns = time_or(o->retry_first_ns, SECOND_NS);
	o->retry_cap_ns = time_or(o->retry_cap_ns, 60 * SECOND_NS);
	o->retry_after_max_ns = time_or(o->retry_after_max_ns, 60 * SECOND_NS);
	if (!o->seed)
		o->seed = weft__entropy();
}

static int check(const weft_gate_options *o, weft_error *err)
{
	const struct {
		const char *name;
		uint64_t ns;
	} times[] = {
		{ "wait_max_ns", o->wait_max_ns },       { "breaker_open_ns", o->breaker_open_ns },
		{ "retry_first_ns", o->retry_first_ns }, { "retry_cap_ns", o->retry_cap_ns },
		{ "retry_after_max_ns", o->retry_after_max_ns },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].ns > DAY_NS)
			return weft_error_set(err, -EINVAL, "%s: more than a day", times[i].name);
	}
	if (o->concurrency_max > WEFT__PACE_MAX)
		return weft_error_set(err, -EINVAL, "concurrency_max: more than %u", WEFT__PACE_MAX);
	if (o->concurrency_min > o->concurrency_max)
		return weft_error_set(err, -EINVAL, "concurrency_min: more than concurrency_max");
	if (o->concurrency_start < o->concurrency_min || o->concurrency_start > o->concurrency_max)
		return weft_error_set(err, -EINVAL, "concurrency_start: not between concurrency_min and concurrency_max");
	if (o->waiting_max > WAITING_MAX)
		return weft_error_set(err, -EINVAL, "waiting_max: more than %u", WAITING_MAX);
	if (o->breaker_failures > WEFT__BREAKER_FAILURES_MAX && o->breaker_failures != UINT32_MAX)
		return weft_error_set(err, -EINVAL, "breaker_failures: more than %u", WEFT__BREAKER_FAILURES_MAX);
	if (o->retries > 100)
		return weft_error_set(err, -EINVAL, "retries: more than 100");
	if (o->retry_share_percent > 100)
		return weft_error_set(err, -EINVAL, "retry_share_percent: more than 100");
	return 0;
}

int weft_gate_create(const weft_gate_options *opt, weft_gate **ret_gate, weft_error *err)
{
	weft_gate_options o = WEFT_GATE_OPTIONS_INIT;
	weft_gate *g;
	int r;

	if (!ret_gate)
		return -EINVAL;
	if (opt && (opt->size < sizeof(o.size) || opt->size > 4096))
		return weft_error_set(err, -EINVAL, "size: not set by WEFT_GATE_OPTIONS_INIT");
	if (opt)
		memcpy(&o, opt, opt->size < sizeof(o) ? opt->size : sizeof(o));
	fill(&o);
	r = check(&o, err);
	if (r < 0)
		return r;
	g = weft_aligned_alloc(WEFT_CACHELINE, sizeof(*g));
	if (!g)
		return weft_error_set(err, -ENOMEM, "out of memory");
	memset(g, 0, sizeof(*g));
	if (weft__line_init(&g->line, o.waiting_max) < 0) {
		weft_free(g);
		return weft_error_set(err, -ENOMEM, "out of memory");
	}
	weft__breaker_init(&g->breaker, o.breaker_failures == UINT32_MAX ? 0 : o.breaker_failures, o.breaker_open_ns);
	weft__pace_init(&g->pace, o.concurrency_min, o.concurrency_start, o.concurrency_max);
	weft__bucket_init(&g->buckets[0], o.requests_per_minute, o.requests_burst);
	weft__bucket_init(&g->buckets[1], o.tokens_per_minute, o.tokens_burst);
	weft__retry_budget_init(&g->budget, o.retry_share_percent);
	g->retries = (uint32_t)o.retries;
	g->wait_max_ns = o.wait_max_ns;
	g->retry_first_ns = o.retry_first_ns;
	g->retry_cap_ns = o.retry_cap_ns;
	g->retry_after_max_ns = o.retry_after_max_ns;
	g->seed = o.seed;
	weft__refs_init(&g->refs, 1);
	*ret_gate = g;
	return 0;
}

weft_gate *weft_gate_ref(weft_gate *gate)
{
	weft__refs_take(&gate->refs);
	return gate;
}

void weft_gate_unref(weft_gate *gate)
{
	/* acq_rel: what the others did to it happened before it goes */
	if (!gate || !weft__refs_drop(&gate->refs))
		return;
	weft__line_fini(&gate->line);
	weft_free(gate);
}

int weft_gate_stats_read(const weft_gate *gate, weft_gate_stats *ret_stats)
{
	weft_gate_stats s = { .size = sizeof(s) };

	if (!gate || !ret_stats || ret_stats->size < sizeof(s.size))
		return -EINVAL;
	s.under_way = weft__line_taken(&gate->line);
	s.waiting = weft__line_waiting(&gate->line);
	s.concurrency = weft__pace_limit(&gate->pace);
	s.breaker = (uint32_t)weft__breaker_state(&gate->breaker);
	/* relaxed: statistics */
	s.held_until_ns = weft__load_relaxed(&gate->quiet_ns);
	s.refused_breaker = weft__load_relaxed(&gate->counts[WEFT__GATE_REFUSED_BREAKER]);
	s.refused_overload = weft__load_relaxed(&gate->counts[WEFT__GATE_REFUSED_OVERLOAD]);
	s.refused_deadline = weft__load_relaxed(&gate->counts[WEFT__GATE_REFUSED_DEADLINE]);
	s.retries = weft__load_relaxed(&gate->counts[WEFT__GATE_RETRIES]);
	s.retries_denied = weft__load_relaxed(&gate->counts[WEFT__GATE_RETRIES_DENIED]);
	s.cuts = weft__load_relaxed(&gate->counts[WEFT__GATE_CUTS]);
	s.breaker_opened = weft__load_relaxed(&gate->counts[WEFT__GATE_OPENED]);
	s.size = ret_stats->size;
	memcpy(ret_stats, &s, s.size < sizeof(s) ? s.size : sizeof(s));
	return 0;
}
