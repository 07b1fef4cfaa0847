/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/micro_agent.c - tool-loop agents: asked from another actor, and in batches
 * that are joined from a foreign thread. A subscriber reads the events of the first kind.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/record.h>

#include "bench/fixture.h"
#include "bench/micro.h"

enum { GO = 1, DONE };

static const weft_mock_step calculator_steps[3] = {
	{ .calls = { { "calculator", "{\"operation\":\"add\",\"a\":5,\"b\":3}" } }, .call_count = 1 },
	{ .calls = { { "calculator", "{\"operation\":\"multiply\",\"a\":8,\"b\":2}" } }, .call_count = 1 },
	{ .calls = { { "calculator", "{\"operation\":\"subtract\",\"a\":16,\"b\":4}" } }, .call_count = 1 },
};

#define LOOP_CALLS 8u

/* A turn of LOOP_CALLS calls, each with other arguments, and the answer. */
static void many_calls(weft_mock_step steps[2])
{
	static const char *const arguments[LOOP_CALLS] = {
		"{\"operation\":\"add\",\"a\":1,\"b\":3}", "{\"operation\":\"add\",\"a\":2,\"b\":3}",
		"{\"operation\":\"add\",\"a\":3,\"b\":3}", "{\"operation\":\"add\",\"a\":4,\"b\":3}",
		"{\"operation\":\"add\",\"a\":5,\"b\":3}", "{\"operation\":\"add\",\"a\":6,\"b\":3}",
		"{\"operation\":\"add\",\"a\":7,\"b\":3}", "{\"operation\":\"add\",\"a\":8,\"b\":3}",
	};

	steps[0] = (weft_mock_step){ .call_count = LOOP_CALLS };
	for (uint32_t i = 0; i < LOOP_CALLS; i++) {
		steps[0].calls[i].name = "calculator";
		steps[0].calls[i].arguments_json = arguments[i];
	}
	steps[1] = (weft_mock_step){ .text = "Done." };
}

/* recorder: may be NULL */
static int def_up(uint32_t tools, uint8_t loop_policy, weft_recorder *recorder, weft_agent_def **ret_def)
{
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_mock_options mock = WEFT_MOCK_OPTIONS_INIT;
	weft_mock_step steps[4];
	bool at_once = tools == LOOP_CALLS;
	weft_models *models = NULL;
	weft_tools *registry = NULL;
	int r = weft_models_create(&models);

	if (at_once) {
		many_calls(steps);
	} else {
		memcpy(steps, calculator_steps, tools * sizeof(steps[0]));
		steps[tools] = (weft_mock_step){ .text = "The final result is 12" };
	}
	mock.steps = steps;
	mock.step_count = at_once ? 2 : tools + 1;
	if (r == 0)
		r = weft_models_add_mock(models, 0, &mock);
	if (r == 0 && tools)
		r = micro_tools(&registry);
	ao.models = models;
	ao.tools = registry;
	ao.system = "You are a calculator agent";
	ao.loop_policy = loop_policy;
	ao.recorder = recorder;
	if (r == 0)
		r = weft_agent_def_create(&ao, ret_def, NULL);
	weft_models_unref(models);
	weft_tools_unref(registry);
	return r;
}

/* ---- asked from an actor ------------------------------------------------------------------ */

struct asker {
	weft_ref agent;
	uint64_t rounds, left, t0;
	uint32_t tools;
	weft_msg *asked;
};

static int ask(weft_actor *self, struct asker *a)
{
	weft_ask question = WEFT_ASK_INIT;

	question.input = WEFT_STR("Calculate (5 + 3) * 2 - 4");
	return weft_agent_ask(a->agent, &question, weft_reply_to_actor(weft_actor_ref(self), 0));
}

static int asker_behaviour(weft_actor *self, weft_msg *msg)
{
	struct asker *a = weft_actor_state(self);
	const weft_agent_result *result;
	uint64_t ns;
	weft_msg *done;

	if (weft_msg_kind(msg) == GO) {
		weft_msg_keep(self, msg);
		a->asked = msg;
		a->left = a->rounds;
		a->t0 = weft_now_ns();
		return ask(self, a);
	}
	result = weft_agent_result_of(msg);
	if (!result || result->status < 0 || result->tool_calls != a->tools || !result->text.len_bytes)
		return -EIO; /* the request that waits is answered NOREPLY: the bench fails */
	if (--a->left)
		return ask(self, a);
	ns = weft_now_ns() - a->t0;
	done = weft_msg_create(DONE, sizeof(ns));
	if (!done)
		return -ENOMEM;
	memcpy(weft_msg_data(done), &ns, sizeof(ns));
	return weft_reply(a->asked, done);
}

static void asker_fini(weft_actor *self)
{
	struct asker *a = weft_actor_state(self);

	weft_msg_destroy(a->asked);
}

static const weft_actor_class asker_class = { .size = sizeof(asker_class),
	                                      .name = "asker",
	                                      .behaviour = asker_behaviour,
	                                      .fini = asker_fini,
	                                      .state_bytes = sizeof(struct asker) };

/* A subscriber on a thread of its own, reading while agents run, often enough to miss next to nothing. */
struct listener {
	weft_subscription *sub;
	pthread_t thread;
	_Atomic(bool) stop;
	bool running;
};

static void *listen(void *arg)
{
	struct listener *l = arg;
	weft_event events[64];
	struct timespec rest = { .tv_nsec = 100000 };

	while (!l->stop) {
		if (weft_events_read(l->sub, events, 64) <= 0)
			nanosleep(&rest, NULL);
	}
	return NULL;
}

static int listener_up(struct listener *l, weft_runtime *rt)
{
	weft_subscribe_options so = WEFT_SUBSCRIBE_OPTIONS_INIT;
	int r = weft_events_subscribe(rt, &so, &l->sub);

	if (r == 0)
		l->running = pthread_create(&l->thread, NULL, listen, l) == 0;
	return r;
}

static void listener_down(struct listener *l)
{
	l->stop = true;
	if (l->running)
		pthread_join(l->thread, NULL);
	weft_events_unsubscribe(l->sub);
}

/* What agents are asked with, besides their tools. */
struct conditions {
	uint8_t loop_policy;
	bool events;
	weft_recorder *recorder; /* may be NULL */
};

static int asked(const struct bench_options *opt, uint32_t tools, const struct conditions *with, uint64_t rounds,
                 double *ret_ms, struct bench_outcome *out)
{
	struct bench_options one = *opt;
	struct asker a = { .rounds = rounds, .tools = tools };
	struct listener l = { 0 };
	weft_agent_def *def = NULL;
	weft_runtime *rt = NULL;
	weft_msg *answer = NULL;
	weft_ref asker;
	int r;

	one.workers = 1;
	r = bench_runtime_up(&one, &rt);
	if (r == 0 && with->events)
		r = listener_up(&l, rt);
	if (r == 0)
		r = def_up(tools, with->loop_policy, with->recorder, &def);
	if (r == 0)
		r = weft_agent_spawn(rt, def, NULL, &a.agent);
	if (r == 0)
		r = weft_actor_spawn(rt, &asker_class, &a, &asker);
	if (r == 0) {
		answer = micro_request(rt, asker, GO, out);
		r = answer ? 0 : -EIO;
	}
	if (answer) {
		uint64_t ns;

		memcpy(&ns, weft_msg_data(answer), sizeof(ns));
		*ret_ms = (double)ns / 1e6 / (double)rounds;
		weft_msg_destroy(answer);
	}
	listener_down(&l);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	return r;
}

static int agent(const struct bench_options *opt, uint32_t tools, double *ret_ms, uint64_t *ret_ops,
                 struct bench_outcome *out)
{
	const struct conditions with = { .loop_policy = WEFT_LOOP_INJECT, .events = opt->events != 0 };

	*ret_ops = opt->quick ? 10000 : 100000;
	return asked(opt, tools, &with, *ret_ops, ret_ms, out);
}

int micro_agent_0(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return agent(opt, 0, ret_ms, ret_ops, out);
}

int micro_agent_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return agent(opt, 1, ret_ms, ret_ops, out);
}

int micro_agent_3(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return agent(opt, 3, ret_ms, ret_ops, out);
}

/* ---- recorded ---------------------------------------------------------------------- */

/* Into a file that is gone when it is closed. */
static int recorder_up(weft_recorder **ret_recorder)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/weft-bench-%d.jsonl", tmp && *tmp ? tmp : "/tmp", (int)getpid());
	r = weft_recorder_open(path, NULL, ret_recorder, NULL);
	if (r == 0)
		unlink(path);
	return r;
}

/* Nobody listens: the difference to agent-*, without events, is what recording costs. No line may be lost. */
static int recorded(const struct bench_options *opt, uint32_t tools, double *ret_ms, uint64_t *ret_ops,
                    struct bench_outcome *out)
{
	struct conditions with = { .loop_policy = WEFT_LOOP_INJECT };
	weft_recorder_stats stats = { .size = sizeof(stats) };
	int r = recorder_up(&with.recorder);

	*ret_ops = opt->quick ? 2000 : 10000;
	if (r == 0)
		r = asked(opt, tools, &with, *ret_ops, ret_ms, out);
	if (r == 0)
		r = weft_recorder_close(with.recorder);
	if (r == 0)
		r = weft_recorder_stats_read(with.recorder, &stats);
	if (r == 0 && (stats.lines_lost || stats.runs != *ret_ops))
		r = bench_fail(out, "%llu lines are lost", (unsigned long long)stats.lines_lost);
	weft_recorder_unref(with.recorder);
	return r;
}

int micro_recorded_0(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return recorded(opt, 0, ret_ms, ret_ops, out);
}

int micro_recorded_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return recorded(opt, 1, ret_ms, ret_ops, out);
}

int micro_recorded_3(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return recorded(opt, 3, ret_ms, ret_ops, out);
}

/*
 * Eight checks a run: what they add is the difference between guard on and off, a
 * check an eighth of it. On and off take turns, so that a slow moment hits both.
 */
int micro_loop_detection(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t rounds = opt->quick ? 2000 : 10000;
	const struct conditions guarded = { .loop_policy = WEFT_LOOP_INJECT }, not_guarded = { .loop_policy = WEFT_LOOP_OFF };
	double on = 1e9, off = 1e9;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		double ms;

		r = asked(opt, LOOP_CALLS, &guarded, rounds, &ms, out);
		on = r == 0 && ms < on ? ms : on;
		if (r == 0)
			r = asked(opt, LOOP_CALLS, &not_guarded, rounds, &ms, out);
		off = r == 0 && ms < off ? ms : off;
	}
	*ret_ms = on > off ? (on - off) / LOOP_CALLS : 0;
	*ret_ops = rounds * LOOP_CALLS;
	return r;
}

/* ---- joined from a foreign thread ------------------------------------------------------------- */

static int batch(weft_runtime *rt, weft_agent_def *def, weft_port *port, uint32_t n, struct bench_outcome *out)
{
	weft_ask question = WEFT_ASK_INIT;
	weft_msg *got[64];
	uint32_t back = 0;
	int r = weft_guest_enter(rt);

	question.input = WEFT_STR("Hello, how are you?");
	question.end_after = true;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		weft_ref ref;

		r = weft_agent_spawn(rt, def, NULL, &ref);
		if (r == 0)
			r = weft_agent_ask(ref, &question, weft_reply_to_port(port, i));
	}
	while (r == 0 && back < n) {
		int took = weft_port_wait_until(port, got, 64, weft_now_ns() + MICRO_WAIT_NS);

		if (took <= 0)
			r = took < 0 ? took : -ETIMEDOUT;
		for (int i = 0; i < took; i++) {
			if (weft_msg_status(got[i]) < 0)
				r = bench_fail(out, "an agent failed: %s", weft_strerror(weft_msg_status(got[i])));
			weft_msg_destroy(got[i]);
		}
		back += took > 0 ? (uint32_t)took : 0;
	}
	weft_guest_leave(rt);
	return r;
}

static int concurrent(const struct bench_options *opt, uint32_t n, double *ret_ms, uint64_t *ret_ops,
                      struct bench_outcome *out)
{
	uint64_t batches = (opt->quick ? 2000 : 20000) / n, t0;
	weft_agent_def *def = NULL;
	weft_runtime *rt = NULL;
	weft_port *port = NULL;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = def_up(0, WEFT_LOOP_INJECT, NULL, &def);
	if (r == 0)
		r = weft_port_create(rt, NULL, &port);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < batches; i++)
		r = batch(rt, def, port, n, out);
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)batches;
	*ret_ops = batches;
	weft_port_destroy(port);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	return r;
}

int micro_concurrent_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return concurrent(opt, 1, ret_ms, ret_ops, out);
}

int micro_concurrent_5(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return concurrent(opt, 5, ret_ms, ret_ops, out);
}

int micro_concurrent_10(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return concurrent(opt, 10, ret_ms, ret_ops, out);
}

int micro_concurrent_20(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return concurrent(opt, 20, ret_ms, ret_ops, out);
}

int micro_concurrent_50(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return concurrent(opt, 50, ret_ms, ret_ops, out);
}
