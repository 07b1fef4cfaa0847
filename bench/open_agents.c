/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/open_agents.c - agents that come as independent users do, at shares of what this machine can do and at a fixed
 * rate. Each is spawned, asked, makes three tool calls, answers and ends. A call computes for a few microseconds: with tools that
 * do nothing a worker is as fast as one generator, which then would measure itself.
 *
 * What it can do is found first, in the same process: as many as are done when there are always IN_FLIGHT under way. One
 * core is left to the generator, and there are at most two workers, so that one generator is enough to ask for more than they
 * can do. An iteration is a tenth of a second; its value is the median delay of what was due in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cores.h"
#include "bench/fixture.h"
#include "bench/open_loop.h"
#include "bench/stat/quantile.h"

#define SINKS 16u
#define TOOL_STEPS 1000u /* of a call: about three microseconds */
#define IN_FLIGHT 256u
#define WINDOW_S 0.1
#define PROBE_NS UINT64_C(200000000)
#define REQUESTS_MAX 4000000u
#define SEED 2024u
#define TRIES 5u /* of a run whose generator was held up: by the host, mostly */
#define ANSWER_NS UINT64_C(10000000000) /* longest wait for the last answers */

struct detail {
	uint32_t percent; /* of what it can do; 0: rate */
	double rate;
};

struct load {
	weft_runtime *rt;
	weft_agent_def *def;
	weft_ref sinks[SINKS];
	struct bench_requests q;
	uint64_t *due_ns, *sent_ns, *done_ns;
	_Atomic(uint32_t) answered, failed;
};

/* ---- the agents --------------------------------------------------------------------------------- */

/* As much work each time, whatever the clock says. */
static int compute(weft_tool_call *call, void *user)
{
	uint64_t x = UINT64_C(88172645463325252);
	char text[40];
	int n;

	(void)user;
	for (uint32_t i = 0; i < TOOL_STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	n = snprintf(text, sizeof(text), "{\"result\":%u}", (unsigned)(x >> 40));
	weft_tool_return(call, (weft_str){ text, (size_t)n });
	return 0;
}

static int make_tools(weft_tools **ret_tools)
{
	weft_tool_options to = WEFT_TOOL_OPTIONS_INIT;
	int r = weft_tools_create(ret_tools);

	to.name = "compute";
	to.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{\"step\":{\"type\":\"integer\"}}}");
	to.fn = compute;
	return r < 0 ? r : weft_tools_add(*ret_tools, &to, NULL);
}

static int make_def(weft_agent_def **ret_def)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "compute", "{\"step\":1}" } }, .call_count = 1 },
		{ .calls = { { "compute", "{\"step\":2}" } }, .call_count = 1 },
		{ .calls = { { "compute", "{\"step\":3}" } }, .call_count = 1 },
		{ .text = "The final result is 12" },
	};
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_models *models = NULL;
	weft_tools *tools = NULL;
	int r = weft_models_create(&models);

	mock.steps = steps;
	mock.step_count = sizeof(steps) / sizeof(steps[0]);
	if (r == 0)
		r = weft_models_add_mock(models, 0, &mock);
	if (r == 0)
		r = make_tools(&tools);
	ao.models = models;
	ao.tools = tools;
	ao.system = "You are a calculator agent";
	if (r == 0)
		r = weft_agent_def_create(&ao, ret_def, NULL);
	weft_models_unref(models);
	weft_tools_unref(tools);
	return r;
}

/* ---- answers ---------------------------------------------------------------------------------- */

struct sink {
	struct load *load;
};

/* Stamps the time of each answer by its number. Its own count publishes the stamp. */
static int sink_behaviour(weft_actor *self, weft_msg *msg)
{
	struct load *l = ((struct sink *)weft_actor_state(self))->load;
	const weft_agent_result *result = weft_agent_result_of(msg);
	uint64_t i = weft_msg_token(msg);

	if (!result || result->status < 0 || result->tool_calls != 3)
		l->failed++;
	if (i < l->q.count)
		l->done_ns[i] = weft_now_ns();
	l->answered++;
	return 0;
}

static const weft_actor_class sink_class = { .size = sizeof(sink_class),
	                                     .name = "open-loop-sink",
	                                     .behaviour = sink_behaviour,
	                                     .state_bytes = sizeof(struct sink) };

static int send_one(uint32_t i, void *user)
{
	struct load *l = user;
	weft_ask ask = WEFT_ASK_INIT;
	weft_ref agent;
	int r = weft_agent_spawn(l->rt, l->def, NULL, &agent);

	if (r < 0)
		return r;
	ask.input = WEFT_STR("Calculate (5 + 3) * 2 - 4");
	ask.end_after = true;
	return weft_agent_ask(agent, &ask, weft_reply_to_actor(l->sinks[i % SINKS], i));
}

/* Until `count` answers have come. */
static int wait_answers(struct load *l, uint32_t count)
{
	uint64_t until = weft_now_ns() + ANSWER_NS;

	while (l->answered < count) {
		if (weft_now_ns() > until)
			return -ETIMEDOUT;
		usleep(500);
	}
	return 0;
}

/* ---- up and down -------------------------------------------------------------------------------- */

static uint32_t workers_of(const struct bench_options *opt)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return opt->workers ? opt->workers : cores > 2 ? 2 : 1;
}

static int up(struct load *l, const struct bench_options *opt)
{
	struct bench_options one = *opt;
	struct sink sink = { l };
	cpu_set_t all = bench_cores_all();
	int r;

	one.workers = workers_of(opt);
	bench_cores_keep(&all, 0, one.workers);
	r = bench_runtime_up(&one, &l->rt);
	bench_cores_keep(&all, one.workers, (uint32_t)CPU_COUNT(&all)); /* this thread's: it sends */
	if (r == 0)
		r = make_def(&l->def);
	for (uint32_t i = 0; r == 0 && i < SINKS; i++)
		r = weft_actor_spawn(l->rt, &sink_class, &sink, &l->sinks[i]);
	return r;
}

static void forget(struct load *l)
{
	free(l->due_ns);
	free(l->sent_ns);
	free(l->done_ns);
	l->due_ns = l->sent_ns = l->done_ns = NULL;
	l->answered = 0;
}

static void down(struct load *l)
{
	weft_runtime_destroy(l->rt);
	weft_agent_def_unref(l->def);
	forget(l);
}

/* ---- what it can do ------------------------------------------------------------------------------- */

/* Agents a second with always IN_FLIGHT of them under way; stamps nothing, as the schedule has no requests yet. */
static int find_capacity(struct load *l, uint64_t probe_ns, double *ret_per_s)
{
	uint64_t t0 = weft_now_ns();
	uint32_t sent = 0;
	int r = 0;

	while (r == 0 && weft_now_ns() - t0 < probe_ns) {
		if (sent - l->answered < IN_FLIGHT)
			r = send_one(sent++, l);
	}
	*ret_per_s = (double)l->answered * 1e9 / (double)(weft_now_ns() - t0);
	if (r == 0)
		r = wait_answers(l, sent);
	l->answered = 0;
	return r;
}

/* ---- the run ------------------------------------------------------------------------------------------ */

static int make_schedule(struct load *l, double per_s, double seconds)
{
	double wanted = per_s * seconds;
	uint32_t count = wanted < 1 ? 1 : wanted > REQUESTS_MAX ? REQUESTS_MAX : (uint32_t)wanted;

	l->due_ns = calloc(count, sizeof(*l->due_ns));
	l->sent_ns = calloc(count, sizeof(*l->sent_ns));
	l->done_ns = calloc(count, sizeof(*l->done_ns));
	if (!l->due_ns || !l->sent_ns || !l->done_ns)
		return -ENOMEM;
	bench_arrivals_fill(BENCH_POISSON, per_s, SEED, l->due_ns, count);
	l->q = (struct bench_requests){ .count = count,
		                        .due_ns = l->due_ns,
		                        .sent_ns = l->sent_ns,
		                        .done_ns = l->done_ns,
		                        .rests = sysconf(_SC_NPROCESSORS_ONLN) < 2,
		                        .send = send_one,
		                        .user = l };
	return 0;
}

/* The median delay of each window is a value. */
static int add_windows(const struct load *l, double window_s, struct bench_outcome *out)
{
	double *ms = calloc(l->q.count, sizeof(*ms));
	uint64_t window = (uint64_t)(window_s * 1e9), last = 0;

	if (!ms)
		return -ENOMEM;
	for (uint32_t w = 0, i = 0; w < out->iterations; w++) {
		uint32_t n = 0;

		for (; i < l->q.count && l->due_ns[i] < (w + 1) * window; i++) {
			ms[n++] = ((double)l->done_ns[i] - (double)(l->q.start_ns + l->due_ns[i])) / 1e6;
			last = l->done_ns[i] > last ? l->done_ns[i] : last;
		}
		bench_sort(ms, n);
		if (n)
			bench_outcome_add(out, bench_median(ms, n), n);
	}
	out->total_ms += last > l->q.start_ns ? (double)(last - l->q.start_ns) / 1e6 : 0;
	free(ms);
	return 0;
}

/* Send them all; again, when this thread was stopped meanwhile so that the times are not those of the schedule. */
static int send_on_time(struct load *l, double per_s, double seconds)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < TRIES; i++) {
		forget(l);
		r = make_schedule(l, per_s, seconds);
		if (r == 0)
			r = bench_requests_send(&l->q);
		if (r == 0)
			r = wait_answers(l, l->q.count);
		if (r == 0 && !bench_requests_are_late(&l->q))
			break;
	}
	return r;
}

static int run(struct load *l, const struct bench_options *opt, const struct detail *d, struct bench_outcome *out)
{
	double per_s = d->rate, window_s = opt->quick ? WINDOW_S / 10 : WINDOW_S;
	int r = 0;

	if (d->percent) {
		r = find_capacity(l, opt->quick ? PROBE_NS / 10 : PROBE_NS, &per_s);
		per_s *= d->percent / 100.0;
		per_s = per_s > 1 ? per_s : 1; /* a machine that stood still meanwhile */
	}
	if (r == 0)
		r = send_on_time(l, per_s, out->iterations * window_s);
	if (r < 0)
		return r;
	if (l->failed)
		return bench_fail(out, "%u agents failed", l->failed);
	bench_requests_judge(&l->q, per_s, opt->quick, out);
	return add_windows(l, window_s, out);
}

static void open_agents(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct load l = { .answered = 0 };
	uint32_t iterations, warmup;
	int r;

	bench_counts(opt, self->iterations, true, self->warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	r = up(&l, opt);
	out->rss_start_mb = bench_rss_read().now_mb;
	if (r == 0)
		r = run(&l, opt, self->detail, out);
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
	if (r < 0)
		bench_fail(out, "%s", weft_strerror(r));
	down(&l);
}

#define ITEM(id_, text, ...)                                                                                            \
	{ .id = "open-loop-" id_, .suite = "scenarios", .group = "open loop", .description = (text), .unit = "us",      \
	  .run_item = open_agents, .iterations = 15, .warmup = 0, .detail = &(const struct detail){ __VA_ARGS__ } }

const struct bench_micro bench_open_loops[] = {
	ITEM("25", "Agents with three tool calls come at a quarter of what the machine can do: the delay of one.", .percent = 25),
	ITEM("50", "At half of it.", .percent = 50),
	ITEM("75", "At three quarters.", .percent = 75),
	ITEM("90", "At nine tenths.", .percent = 90),
	ITEM("110", "At more than it can do: the delay grows until it ends.", .percent = 110),
	ITEM("20000", "At 20,000 a second.", .rate = 20000),
};

const uint32_t bench_open_loop_count = sizeof(bench_open_loops) / sizeof(bench_open_loops[0]);
