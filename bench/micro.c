/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro.c - the list of micro benches, running one, and what they share. */
#include "bench/micro.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define MICRO(id_, group_, text, unit_, run_, iterations_, warmup_)                                                    \
	{ .id = (id_), .suite = "micro", .group = (group_), .description = (text), .unit = (unit_), .run = (run_),      \
	  .iterations = (iterations_), .warmup = (warmup_) }

const struct bench_micro bench_micros[] = {
	MICRO("agent-no-tools", "agents", "An agent asked from another actor: no tools.", "ns", micro_agent_0, 0, 0),
	MICRO("agent-1-tool", "agents", "The same with one tool call, arguments checked by schema.", "ns", micro_agent_1, 0, 0),
	MICRO("agent-3-tools", "agents", "The same with three tool calls, one after another.", "ns", micro_agent_3, 0, 0),
	MICRO("recorded-no-tools", "recording", "agent-no-tools, written down by a recorder; nobody listens.", "ns", micro_recorded_0, 0, 0),
	MICRO("recorded-1-tool", "recording", "agent-1-tool, written down.", "ns", micro_recorded_1, 0, 0),
	MICRO("recorded-3-tools", "recording", "agent-3-tools, written down.", "ns", micro_recorded_3, 0, 0),
	MICRO("tool-dispatch", "agents", "Look a tool up, check its parsed arguments, call it.", "ns", micro_tool_dispatch, 0, 0),
	MICRO("loop-detection", "agents", "What one loop check adds to a run: guard on against off.", "ns", micro_loop_detection, 0, 0),
	MICRO("event-1-subscriber", "events", "Emit an event that one subscriber reads.", "ns", micro_event_1, 0, 0),
	MICRO("event-4-subscribers", "events", "Emit an event that four subscribers read.", "ns", micro_event_4, 0, 0),
	MICRO("event-form", "events", "As event-1-subscriber, by a form.", "ns", micro_event_form, 0, 0),
	MICRO("histogram-record", "events", "Count a value in a histogram.", "ns", micro_histogram, 0, 0),
	MICRO("gate-1-thread", "gates", "Into a gate with both rates, and out.", "ns", micro_gate_1, 5, 1),
	MICRO("gate-2-threads", "gates", "The same by two threads that share it.", "ns", micro_gate_2, 5, 1),
	MICRO("gate-mutex-1-thread", "gates", "The same work under one mutex.", "ns", micro_gate_mutex_1, 5, 1),
	MICRO("gate-mutex-2-threads", "gates", "The same by two threads that share it.", "ns", micro_gate_mutex_2, 5, 1),
	MICRO("concurrent-agents-1", "joined", "Spawn one agent, ask it, join it from a foreign thread.", "us", micro_concurrent_1, 0, 0),
	MICRO("concurrent-agents-5", "joined", "Five agents a batch.", "us", micro_concurrent_5, 0, 0),
	MICRO("concurrent-agents-10", "joined", "Ten agents a batch.", "us", micro_concurrent_10, 0, 0),
	MICRO("concurrent-agents-20", "joined", "Twenty agents a batch.", "us", micro_concurrent_20, 0, 0),
	MICRO("concurrent-agents-50", "joined", "Fifty agents a batch.", "us", micro_concurrent_50, 0, 0),
	MICRO("actor-ping-pong-same-core", "actors", "A message there and back on one worker.", "ns", micro_ping_pong_same, 0, 0),
	MICRO("actor-ping-pong-cross-core", "actors", "A message there and back between actors pinned to two workers.", "ns", micro_ping_pong_cross, 5, 1),
	MICRO("mailbox-many-to-one", "actors", "A hundred senders, one receiver: a message.", "ns", micro_many_to_one, 5, 1),
	MICRO("mailbox-many-to-one-muted", "actors", "The same with senders that rest when it is full.", "ns", micro_many_to_one_muted, 5, 1),
	MICRO("actor-spawn", "actors", "An actor made, sent a message, answering and gone.", "ns", micro_spawn, 5, 1),
	MICRO("timer-arm-cancel", "actors", "A timer armed and cancelled, beside a million others of the same actor.", "ns", micro_timer_arm_cancel, 5, 1),
	MICRO("timer-fire", "actors", "A timer that runs out, to its message handled; a million at once.", "ns", micro_timer_fire, 5, 1),
	MICRO("actor-idle-bytes", "actors", "Resident bytes an idle actor.", "bytes", micro_idle_bytes, 1, 0),
};

const uint32_t bench_micro_count = sizeof(bench_micros) / sizeof(bench_micros[0]);

void bench_micro_run(const struct bench_options *opt, const struct bench_micro *m, struct bench_outcome *out)
{
	uint32_t iterations, warmup;
	int r = 0;

	if (m->run_all || m->run_item) {
		if (m->run_all)
			m->run_all(opt, out);
		else
			m->run_item(opt, m, out);
		return;
	}
	bench_counts(opt, m->iterations, m->iterations != 0, m->warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	out->rss_start_mb = bench_rss_read().now_mb;
	for (uint32_t i = 0; r == 0 && i < warmup + iterations; i++) {
		double ms = 0;
		uint64_t ops = 0;

		r = m->run(opt, &ms, &ops, out);
		if (r < 0)
			bench_fail(out, "%s", weft_strerror(r));
		else if (i >= warmup) {
			bench_outcome_add(out, ms, ops);
			out->total_ms += ms * (double)ops;
		}
	}
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
}

/* ---- the calculator ------------------------------------------------------------------ */

const char micro_calculator_schema[] =
	"{\"type\":\"object\",\"properties\":{\"operation\":{\"type\":\"string\",\"enum\":[\"add\",\"multiply\",\"subtract\"]},"
	"\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},\"required\":[\"operation\",\"a\",\"b\"],"
	"\"additionalProperties\":false}";

int micro_calculator(weft_tool_call *call, void *user)
{
	double a = 0, b = 0;
	weft_str operation = { 0 };
	char text[32];
	int n;

	(void)user;
	weft_json_get_double(weft_json_find(call->arguments, WEFT_STR("a")), &a);
	weft_json_get_double(weft_json_find(call->arguments, WEFT_STR("b")), &b);
	weft_json_get_str(weft_json_find(call->arguments, WEFT_STR("operation")), &operation);
	switch (operation.len_bytes ? operation.ptr[0] : 0) {
	case 'a':
		a += b;
		break;
	case 'm':
		a *= b;
		break;
	default:
		a -= b;
		break;
	}
	memcpy(text, "{\"result\":", 10);
	n = 10;
	{ /* whole numbers only: this bench is not about printf */
		char digits[24], *at = digits + sizeof(digits);
		long long v = (long long)a;
		bool negative = v < 0;

		v = negative ? -v : v;
		do {
			*--at = (char)('0' + v % 10);
			v /= 10;
		} while (v);
		if (negative)
			*--at = '-';
		memcpy(text + n, at, (size_t)(digits + sizeof(digits) - at));
		n += (int)(digits + sizeof(digits) - at);
	}
	text[n++] = '}';
	weft_tool_return(call, (weft_str){ text, (size_t)n });
	return 0;
}

int micro_tools(weft_tools **ret_tools)
{
	weft_tool_options to = WEFT_TOOL_OPTIONS_INIT;
	int r = weft_tools_create(ret_tools);

	if (r < 0)
		return r;
	to.name = "calculator";
	to.description = "Performs arithmetic";
	to.schema_json = weft_str_from(micro_calculator_schema);
	to.fn = micro_calculator;
	return weft_tools_add(*ret_tools, &to, NULL);
}

/* ---- asking ---------------------------------------------------------------------------- */

int micro_request_send(weft_runtime *rt, weft_ref to, uint32_t kind, weft_port **ret_port)
{
	weft_msg *msg;
	int r = weft_port_create(rt, NULL, ret_port);

	if (r < 0)
		return r;
	msg = weft_msg_create(kind, 0);
	if (!msg)
		return -ENOMEM;
	r = weft_request(to, msg, weft_reply_to_port(*ret_port, 0));
	if (r < 0)
		weft_msg_destroy(msg);
	return r;
}

weft_msg *micro_request_wait(weft_port *port, struct bench_outcome *out)
{
	struct pollfd p = { .fd = weft_port_fd(port), .events = POLLIN };
	weft_msg *answer = NULL;

	while (!answer) {
		if (poll(&p, 1, (int)(MICRO_WAIT_NS / 1000000)) != 1) {
			bench_fail(out, "no answer: %s", weft_strerror(-ETIMEDOUT));
			return NULL;
		}
		weft_port_reap(port, &answer, 1);
	}
	if (weft_msg_kind(answer) == WEFT_KIND_NOREPLY) {
		bench_fail(out, "the actor ended without an answer");
		weft_msg_destroy(answer);
		answer = NULL;
	}
	return answer;
}

weft_msg *micro_request(weft_runtime *rt, weft_ref to, uint32_t kind, struct bench_outcome *out)
{
	weft_port *port = NULL;
	weft_msg *answer = NULL;
	int r = micro_request_send(rt, to, kind, &port);

	if (r < 0)
		bench_fail(out, "nothing asked: %s", weft_strerror(r));
	else
		answer = micro_request_wait(port, out);
	weft_port_destroy(port);
	return answer;
}
