/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/scenario.c - one message scenario: a fresh runtime an iteration, the
 * messages handed over and answered by the mock model, every answer checked.
 *
 * Only the time from the first message handed over to the last answer taken is
 * measured. The measuring thread is a guest: it runs actors while it waits, as a
 * C service would that has nothing else to do.
 */
#include <errno.h>

#include "bench/fixture.h"

#define REAP 256u

static const weft_stage stage_of[BENCH_PIPELINE_COUNT] = {
	[BENCH_COMPOSE] = WEFT_STAGE_COMPOSE,
	[BENCH_PROVIDERS] = WEFT_STAGE_PROVIDERS,
	[BENCH_SHOULD_RESPOND] = WEFT_STAGE_SHOULD_RESPOND,
	[BENCH_MODEL] = WEFT_STAGE_MODEL,
	[BENCH_ACTIONS] = WEFT_STAGE_ACTIONS,
	[BENCH_EVALUATOR] = WEFT_STAGE_EVALUATE,
	[BENCH_MEMORY_CREATE] = WEFT_STAGE_REMEMBER,
	[BENCH_MEMORY_GET] = WEFT_STAGE_RECALL,
	[BENCH_SERIALIZATION] = WEFT_STAGE_RENDER,
};

struct run {
	struct bench_fixture *f;
	const struct bench_scenario *s;
	struct bench_outcome *out;
	weft_port *port;
	uint32_t answered;
	bool measured;
};

/* Every action that was named was run, and worked. */
static bool actions_worked(const weft_agent_result *r)
{
	for (uint32_t i = 0; i < r->action_count; i++) {
		if (r->actions[i].status < 0)
			return false;
	}
	return r->action_count > 0;
}

static int check_answer(struct run *run, const weft_msg *reply)
{
	const weft_agent_result *r = weft_agent_result_of(reply);
	bool said;

	if (!r)
		return bench_fail(run->out, "no answer: %s", weft_strerror(weft_msg_status(reply)));
	if (r->status < 0)
		return bench_fail(run->out, "%s: %.*s", weft_errname(r->status), WEFT_STR_ARG(r->error));
	/* custom actions are the answer; a model that only acts says nothing */
	said = run->s->config.custom_actions ? r->action_count == 2 && actions_worked(r) : r->text.len_bytes > 0;
	if (!r->responded || !said)
		return bench_fail(run->out, "not answered as expected: responded %d, %zu bytes of text, %u actions",
		                  r->responded, r->text.len_bytes, r->action_count);
	if (run->measured) {
		for (int i = 0; i < BENCH_PIPELINE_COUNT; i++) {
			run->out->stage_ms[i] += (double)r->stage_ns[stage_of[i]] / 1e6;
			run->out->stage_runs[i] += r->stage_runs[stage_of[i]];
		}
	}
	return 0;
}

/*
 * A subscriber that looks afterwards: what is measured is what agents pay for being
 * watched, not what the reader does with its own time.
 */
static int check_events(struct run *run)
{
	weft_event events[64];
	uint64_t seen = 0;
	int n;

	if (!run->f->events)
		return 0;
	while ((n = weft_events_read(run->f->events, events, 64)) > 0)
		seen += (uint64_t)n;
	return seen ? 0 : bench_fail(run->out, "a subscriber saw no event");
}

/* Take answers until at least `until` have come. */
static int reap(struct run *run, uint32_t until)
{
	weft_msg *got[REAP];

	while (run->answered < until) {
		int n = weft_port_wait_until(run->port, got, REAP, weft_now_ns() + UINT64_C(30000000000));

		if (n <= 0)
			return bench_fail(run->out, "only %u of %u messages were answered", run->answered,
			                  run->s->message_count);
		for (int i = 0; i < n; i++) {
			check_answer(run, got[i]); /* the first reason to fail is kept */
			weft_msg_destroy(got[i]);
		}
		run->answered += (uint32_t)n;
		if (run->out->error[0])
			return -1;
	}
	return 0;
}

static int hand_over(struct run *run, uint32_t i)
{
	weft_incoming in = WEFT_INCOMING_INIT;
	int r;

	in.message.room_id = run->f->rooms[run->s->config.room_per_message ? i : 0];
	in.message.entity_id = run->f->user_id;
	in.message.source = WEFT_STR("benchmark");
	in.message.text = weft_str_from(run->s->messages[i]);
	for (;;) {
		r = weft_agent_handle_message(run->f->agent, &in, weft_reply_to_port(run->port, i));
		if (r != -EAGAIN)
			break;
		if (reap(run, run->answered + 1) < 0) /* the mailbox is full: answers make room */
			return -1;
	}
	return r < 0 ? bench_fail(run->out, "message %u: %s", i, weft_strerror(r)) : 0;
}

static int exchange(struct run *run)
{
	for (uint32_t i = 0; i < run->s->message_count; i++) {
		if (hand_over(run, i) < 0 || (!run->s->config.concurrent && reap(run, i + 1) < 0))
			return -1;
	}
	return reap(run, run->s->message_count);
}

#define SETTLE_MESSAGES 8u

/*
 * Filling a history leaves the caches full of it, the more the longer it is. A few
 * messages that are not measured put every length on the same footing.
 */
static int settle(struct run *run)
{
	bool measured = run->measured;
	int r = 0;

	if (!run->s->config.history)
		return 0;
	run->measured = false;
	for (uint32_t i = 0; r == 0 && i < SETTLE_MESSAGES; i++) {
		r = hand_over(run, 0) < 0 ? -1 : reap(run, 1);
		run->answered = 0;
	}
	run->measured = measured;
	return r;
}

static int iteration(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out,
                     bool measured)
{
	struct bench_fixture f;
	struct run run = { .f = &f, .s = s, .out = out, .measured = measured };
	weft_error err = { 0 };
	uint64_t t0, t1;
	double cpu;
	int r = bench_fixture_up(&f, opt, s, &err);

	if (r < 0)
		bench_fail(out, "%s", err.message[0] ? err.message : weft_strerror(r));
	else
		r = weft_port_create(f.rt, NULL, &run.port);
	if (r == 0) {
		weft_guest_enter(f.rt);
		r = settle(&run);
		cpu = bench_cpu_ms();
		t0 = weft_now_ns();
		r = r < 0 ? r : exchange(&run);
		t1 = weft_now_ns();
		cpu = bench_cpu_ms() - cpu;
		weft_guest_leave(f.rt);
		if (r == 0)
			r = check_events(&run);
		if (r == 0 && measured) {
			out->cpu_ms += cpu;
			bench_outcome_add(out, (double)(t1 - t0) / 1e6, s->message_count);
			out->total_ms += (double)(t1 - t0) / 1e6;
		}
	}
	if (measured) {
		struct bench_rss rss = bench_rss_read();

		out->rss_end_mb = rss.now_mb;
		out->rss_peak_mb = rss.peak_mb;
	}
	weft_port_destroy(run.port);
	bench_fixture_down(&f);
	return r;
}

void bench_scenario_run(const struct bench_options *opt, const struct bench_scenario *s, struct bench_outcome *out)
{
	uint32_t iterations, warmup;
	int r = 0;

	bench_counts(opt, s->config.iterations, s->config.has_warmup, s->config.warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	for (uint32_t i = 0; r == 0 && i < warmup; i++)
		r = iteration(opt, s, out, false);
	out->rss_start_mb = bench_rss_read().now_mb;
	for (uint32_t i = 0; r == 0 && i < iterations; i++)
		r = iteration(opt, s, out, true);
}
