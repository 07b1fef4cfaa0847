/* SPDX-License-Identifier: Apache-2.0 */
/* bench/seeds/graph.c - graphs of steps: put in order, run; a chain, whose time is that from one node to the next. */
#include <errno.h>

#include "bench/fixture.h"
#include "bench/seeds/seeds.h"

#define WIDTH 3u /* nodes that may run beside each other */
#define CHAIN 1000u

static int step(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

/* Layers of WIDTH nodes, each of which needs all of the layer before; or, narrow, a chain. */
static int graph_make(uint32_t count, uint32_t width, weft_graph **ret_graph)
{
	int r = weft_graph_create(ret_graph);

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		char name[16], before[WIDTH][16];
		weft_graph_input inputs[WIDTH];
		weft_graph_node node = { .name = name, .fn = step, .inputs = inputs };
		uint32_t layer = i / width;

		snprintf(name, sizeof(name), "n%u", i);
		for (uint32_t j = 0; layer && j < width; j++) {
			snprintf(before[j], sizeof(before[j]), "n%u", (layer - 1) * width + j);
			inputs[node.input_count++] = (weft_graph_input){ .node = before[j] };
		}
		r = weft_graph_add(*ret_graph, &node);
	}
	return r == 0 ? weft_graph_check(*ret_graph, NULL) : r;
}

static int sort(uint32_t count, const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint64_t n = opt->quick ? 10000 : 50000, t0;
	weft_graph *g = NULL;
	uint32_t order[64];
	int r = graph_make(count, WIDTH, &g);

	t0 = weft_now_ns();
	for (uint64_t i = 0; r == 0 && i < n; i++)
		r = weft_graph_order(g, order);
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / (double)n;
	*ret_ops = n;
	if (r == 0 && (order[0] != 0 || order[count - 1] != count - 1))
		r = bench_fail(out, "the order is wrong");
	weft_graph_destroy(g);
	return r;
}

int seeds_graph_sort_10(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return sort(10, opt, ret_ms, ret_ops, out);
}

int seeds_graph_sort_50(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	return sort(50, opt, ret_ms, ret_ops, out);
}

/* The graph, so many times, joined by a foreign thread that helps. *ret_ms is that of a run. */
static int runs(uint32_t count, uint32_t width, uint32_t times, const struct bench_options *opt, double *ret_ms,
                struct bench_outcome *out)
{
	weft_runtime *rt = NULL;
	weft_future *future = NULL;
	weft_graph *g = NULL;
	weft_msg *answer;
	uint64_t t0;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_future_create(rt, &future);
	if (r == 0)
		r = graph_make(count, width, &g);
	if (r == 0)
		r = weft_guest_enter(rt);
	t0 = weft_now_ns();
	for (uint32_t i = 0; r == 0 && i < times; i++) {
		r = weft_graph_run(rt, g, NULL, weft_reply_to_future(future), NULL);
		if (r == 0)
			r = weft_future_wait_until(future, &answer, weft_now_ns() + UINT64_C(60000000000));
		if (r < 0)
			break;
		if (weft_group_result_of(answer)->succeeded != count)
			r = bench_fail(out, "%u of %u nodes ran", weft_group_result_of(answer)->succeeded, count);
		weft_msg_destroy(answer);
	}
	*ret_ms = (double)(weft_now_ns() - t0) / 1e6 / times;
	weft_guest_leave(rt);
	weft_graph_destroy(g);
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
	return r;
}

int seeds_graph_10(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint32_t times = opt->quick ? 100 : 5000;

	*ret_ops = times;
	return runs(10, WIDTH, times, opt, ret_ms, out);
}

int seeds_graph_dispatch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out)
{
	uint32_t times = opt->quick ? 2 : 50;
	int r = runs(CHAIN, 1, times, opt, ret_ms, out);

	*ret_ms /= CHAIN;
	*ret_ops = (uint64_t)times * CHAIN;
	return r;
}
