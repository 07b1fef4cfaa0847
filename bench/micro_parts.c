/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro_parts.c - a tool call without an agent, events without one, a histogram by itself. */
#include <errno.h>

#include "bench/fixture.h"
#include "bench/micro.h"

int micro_tool_dispatch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 100000 : 2000000, t0;
	weft_tools *tools = NULL;
	weft_arena *arena = NULL;
	weft_json_doc *doc = NULL;
	weft_str result;
	int r = micro_tools(&tools);

	if (r == 0)
		r = weft_arena_create(0, &arena);
	if (r == 0)
		r = weft_json_parse(WEFT_STR("{\"operation\":\"add\",\"a\":5,\"b\":3}"), &doc, NULL);
	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		r = weft_tools_call_parsed(tools, WEFT_STR("calculator"), weft_json_root(doc), arena, &result);
		if (r == 0 && !weft_str_eq(result, WEFT_STR("{\"result\":8}")))
			r = bench_fail(out, "wrong result: %.*s", WEFT_STR_ARG(result));
		weft_arena_reset(arena);
	}
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
	weft_json_release(doc);
	weft_arena_destroy(arena);
	weft_tools_unref(tools);
	return r;
}

/* ---- events -------------------------------------------------------------------------------- */

#define EVENT_BATCH 256u

/* Read what there is with every subscription; give how many the first one got. */
static uint64_t read_all(weft_subscription **subs, uint32_t count)
{
	weft_event events[EVENT_BATCH];
	uint64_t first = 0;

	for (uint32_t i = 0; i < count; i++) {
		int n;

		while ((n = weft_events_read(subs[i], events, EVENT_BATCH)) > 0)
			first += i == 0 ? (uint64_t)n : 0;
	}
	return first;
}

static void emit_desc(weft_runtime *rt)
{
	const weft_event_field fields[2] = { { .key = WEFT_STR("agent"), .kind = WEFT_FIELD_STR, .str = WEFT_STR("bench") },
		                             { .key = WEFT_STR("result"), .kind = WEFT_FIELD_STR, .str = WEFT_STR("done") } };
	const weft_event_desc desc = { .scope = WEFT_SCOPE_TOOL,
		                       .type = WEFT_EVENT_COMPLETED,
		                       .component_id = WEFT_STR("calculator"),
		                       .workflow_id = 1,
		                       .fields = fields,
		                       .field_count = 2 };

	weft_event_emit(rt, &desc);
}

static void emit_form(weft_runtime *rt)
{
	static const weft_event_form form = { .scope = WEFT_SCOPE_TOOL,
		                              .text_count = 2,
		                              .keys = { WEFT_EVENT_KEY("agent", WEFT_FIELD_STR),
		                                        WEFT_EVENT_KEY("result", WEFT_FIELD_STR) } };
	const weft_str texts[2] = { WEFT_STR("bench"), WEFT_STR("done") };
	const weft_event_values values = { .type = WEFT_EVENT_COMPLETED,
		                           .workflow_id = 1,
		                           .component_id = WEFT_STR("calculator"),
		                           .texts = texts };

	weft_event_emit_form(rt, &form, &values);
}

/*
 * From this thread, in batches: emit, then let everybody read. What is timed is the
 * emitting, which is what agents pay, fields and all; that every event arrives is checked.
 */
static int event(const struct bench_options *opt, void (*emit)(weft_runtime *rt), uint32_t subscribers, double *ret_ms,
                 uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 100 : 2000, emit_ns = 0, arrived = 0;
	weft_subscribe_options so = WEFT_SUBSCRIBE_OPTIONS_INIT;
	weft_subscription *subs[4] = { 0 };
	weft_runtime *rt = NULL;
	int r = bench_runtime_up(opt, &rt);

	for (uint32_t i = 0; r == 0 && i < subscribers; i++)
		r = weft_events_subscribe(rt, &so, &subs[i]);
	if (r == 0)
		r = weft_guest_enter(rt);
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t j = 0; j < EVENT_BATCH; j++)
			emit(rt);
		emit_ns += weft_now_ns() - t0;
		arrived += read_all(subs, subscribers);
	}
	weft_guest_leave(rt);
	arrived += read_all(subs, subscribers);
	if (r == 0 && arrived != n * EVENT_BATCH)
		r = bench_fail(out, "%llu of %llu events arrived", (unsigned long long)arrived,
		               (unsigned long long)(n * EVENT_BATCH));
	*ret_ms = (double)emit_ns / 1e6 / (double)(n * EVENT_BATCH);
	*ret_ops = n * EVENT_BATCH;
	for (uint32_t i = 0; i < subscribers; i++)
		weft_events_unsubscribe(subs[i]);
	weft_runtime_destroy(rt);
	return r;
}

int micro_event_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return event(opt, emit_desc, 1, ret_ms, ret_ops, out);
}

int micro_event_4(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return event(opt, emit_desc, 4, ret_ms, ret_ops, out);
}

int micro_event_form(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return event(opt, emit_form, 1, ret_ms, ret_ops, out);
}

/* ---- histograms ------------------------------------------------------------------------------ */

/* Values as latencies are: of all sizes between 100 ns and 1 ms, in no order. */
int micro_histogram(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 1000000 : 20000000, random = 1, t0;
	weft_histogram *h = NULL;
	int r = weft_histogram_create(&h);

	if (r < 0)
		return r;
	t0 = weft_now_ns();
	for (uint64_t i = 0; i < n; i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		weft_histogram_record(h, (UINT64_C(1) << 20) >> (random >> 60) | (random >> 57));
	}
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
	if (weft_histogram_count(h) != n)
		r = bench_fail(out, "%llu of %llu values counted", (unsigned long long)weft_histogram_count(h),
		               (unsigned long long)n);
	weft_histogram_destroy(h);
	return r;
}
