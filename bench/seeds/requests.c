/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/seeds/requests.c - agents asked at a rate, by the clock, whether those before were answered or not. Each is spawned, asked a
 * question, waits for a model that takes 100 ms, answers, ends.
 *
 * A sample is the time from when a question was due to when its answer was taken; the rate is answers over the time from the first
 * question to the last answer. One that is late is made up for. The thread that asks does not help.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/fixture.h"
#include "bench/micro.h"
#include "bench/outcome.h"
#include "bench/seeds/seeds.h"

#define RATE 8000u
#define MODEL_NS UINT64_C(100000000)
#define SECOND_NS UINT64_C(1000000000)
#define SAMPLE_EVERY 10u

struct load {
	weft_runtime *rt;
	weft_agent_def *def;
	weft_port *port;
	uint32_t count, asked, answered;
	uint64_t from_ns;
	bool failed;
};

static int load_up(struct load *l, const struct bench_options *opt)
{
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_models *models = NULL;
	int r = bench_runtime_up(opt, &l->rt);

	mock.delay_ns = MODEL_NS;
	if (r == 0)
		r = weft_models_create(&models);
	if (r == 0)
		r = weft_models_add_mock(models, 0, &mock);
	ao.models = models;
	if (r == 0)
		r = weft_agent_def_create(&ao, &l->def, NULL);
	weft_models_unref(models);
	return r == 0 ? weft_port_create(l->rt, NULL, &l->port) : r;
}

static uint64_t due(const struct load *l, uint64_t i)
{
	return l->from_ns + i * SECOND_NS / RATE;
}

static int ask_next(struct load *l)
{
	weft_ask question = WEFT_ASK_INIT;
	weft_ref agent;
	int r = weft_agent_spawn(l->rt, l->def, NULL, &agent);

	question.input = WEFT_STR("Hello, how are you?");
	question.end_after = true;
	if (r == 0)
		r = weft_agent_ask(agent, &question, weft_reply_to_port(l->port, l->asked));
	l->asked += r == 0;
	return r;
}

/* What is there; *ret_last is when the last one was taken. */
static void take(struct load *l, struct bench_outcome *out, uint64_t *ret_last)
{
	weft_msg *msgs[64];
	int n = weft_port_reap(l->port, msgs, 64);
	uint64_t now = weft_now_ns();

	for (int i = 0; i < n; i++) {
		const weft_agent_result *result = weft_agent_result_of(msgs[i]);
		uint64_t token = weft_msg_token(msgs[i]);

		l->failed |= !result || result->status < 0;
		if (token % SAMPLE_EVERY == 0)
			bench_outcome_add(out, (double)(now - due(l, token)) / 1e6, 0);
		weft_msg_destroy(msgs[i]);
		l->answered++;
		*ret_last = now;
	}
}

static int load_run(struct load *l, struct bench_outcome *out)
{
	uint64_t last = 0, until;
	int r = 0;

	l->from_ns = weft_now_ns();
	until = l->from_ns + 60 * SECOND_NS;
	while (r == 0 && l->answered < l->count) {
		uint64_t now = weft_now_ns();

		if (l->asked < l->count && now >= due(l, l->asked))
			r = ask_next(l);
		else
			take(l, out, &last);
		if (now > until)
			r = bench_fail(out, "%u of %u were answered", l->answered, l->count);
	}
	if (r == 0 && l->failed)
		r = bench_fail(out, "an agent failed");
	out->messages = l->count;
	out->total_ms = (double)(last - l->from_ns) / 1e6;
	return r;
}

void seeds_requests(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct load l = { .count = opt->quick ? RATE / 2 : 2 * RATE };
	int r;

	(void)self;
	bench_outcome_begin(out, 1, 0);
	out->rss_start_mb = bench_rss_read().now_mb;
	r = load_up(&l, opt);
	if (r == 0)
		r = load_run(&l, out);
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
	if (r < 0 && !out->error[0])
		bench_fail(out, "%s", weft_strerror(r));
	weft_port_destroy(l.port);
	weft_runtime_destroy(l.rt);
	weft_agent_def_unref(l.def);
}
