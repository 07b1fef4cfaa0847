/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs of steps. Goal: what cannot be run is named; an order has every node after its inputs; a run runs each node
 * once, after its inputs, or says why not. Method: small graphs by hand, and random ones from a printed seed against a check that
 * looks at every edge.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/actors.h"
#include "tests/support/seed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add(weft_graph *g, const char *name, weft_job_fn fn, const weft_graph_input *inputs, uint32_t count)
{
	weft_graph_node node = { .name = name, .fn = fn, .inputs = inputs, .input_count = count };

	cr_assert_eq(weft_graph_add(g, &node), 0);
}

#define NEEDS(...) (const weft_graph_input[]){ __VA_ARGS__ }, COUNT(((const weft_graph_input[]){ __VA_ARGS__ }))

static weft_graph *graph(void)
{
	weft_graph *g = NULL;

	cr_assert_eq(weft_graph_create(&g), 0);
	return g;
}

static weft_group_result run(weft_runtime *rt, weft_graph *g, const weft_graph_run_options *opt)
{
	weft_future *future = NULL;
	weft_group_result result;
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_graph_run(rt, g, opt, weft_reply_to_future(future), NULL), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_assert_not_null(weft_group_result_of(answer));
	result = *weft_group_result_of(answer);
	cr_expect_eq(result.jobs, weft_graph_count(g));
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	return result;
}

static int nothing(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static int fails(weft_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return -EIO;
}

/* ---- what is no graph ---------------------------------------------------------------------------- */

static void expect_wrong(weft_graph *g, int code, const char *text)
{
	weft_error err = { 0 };

	cr_expect_eq(weft_graph_check(g, &err), code);
	cr_expect_eq(err.code, code);
	cr_expect_str_eq(err.message, text);
	cr_expect_eq(weft_graph_check(g, NULL), code);
	weft_graph_destroy(g);
}

Test(graph, check__names_a_circle_with_its_path)
{
	weft_graph *g = graph();

	add(g, "before", nothing, NULL, 0);
	add(g, "a", nothing, NEEDS({ .node = "c" }, { .node = "before" }));
	add(g, "b", nothing, NEEDS({ .node = "a" }));
	add(g, "c", nothing, NEEDS({ .node = "before" }, { .node = "b" }));
	add(g, "after", nothing, NEEDS({ .node = "c" }));
	expect_wrong(g, -ELOOP, "a circle: a -> b -> c -> a");
}

Test(graph, check__names_a_node_that_needs_itself)
{
	weft_graph *g = graph();

	add(g, "me", nothing, NEEDS({ .node = "me" }));
	expect_wrong(g, -ELOOP, "a circle: me -> me");
}

/* Going back as many steps as there are nodes, through all inputs each time, would take minutes. */
Test(graph, check__finds_a_circle_behind_many_inputs, .timeout = 120)
{
	enum { MANY = 30000 };
	static weft_graph_input inputs[10 * MANY + 1];
	weft_graph *g = graph();
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		add(g, name, nothing, NULL, 0);
	}
	for (uint32_t i = 0; i < COUNT(inputs); i++)
		inputs[i].node = i < 10 * MANY ? "0" : "b";
	add(g, "a", nothing, inputs, COUNT(inputs));
	add(g, "b", nothing, NEEDS({ .node = "a" }));
	expect_wrong(g, -ELOOP, "a circle: a -> b -> a");
}

Test(graph, check__cuts_a_long_circle)
{
	weft_graph *g = graph();
	weft_error err = { 0 };
	char name[32], input[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "step-%d", i);
		snprintf(input, sizeof(input), "step-%d", (i + 999) % 1000);
		add(g, name, nothing, NEEDS({ .node = input }));
	}
	cr_expect_eq(weft_graph_check(g, &err), -ELOOP);
	cr_expect_not_null(strstr(err.message, " -> ... -> step-"), "%s", err.message);
	weft_graph_destroy(g);
}

Test(graph, check__names_what_is_missing)
{
	weft_graph *g = graph();

	add(g, "a", nothing, NULL, 0);
	add(g, "b", nothing, NEEDS({ .node = "a" }, { .node = "z" }));
	expect_wrong(g, -ENOENT, "node 'b' needs 'z', and there is no such node");
}

Test(graph, check__names_what_is_there_twice)
{
	weft_graph *g = graph();

	add(g, "b", nothing, NULL, 0);
	add(g, "a", nothing, NULL, 0);
	add(g, "b", nothing, NULL, 0);
	expect_wrong(g, -EEXIST, "two nodes are called 'b'");
}

Test(graph, check__may_be_mended_and_then_it_is_constant)
{
	weft_graph *g = graph();

	add(g, "b", nothing, NEEDS({ .node = "a" }));
	cr_expect_eq(weft_graph_check(g, NULL), -ENOENT);
	cr_expect_eq(weft_graph_order(g, &(uint32_t){ 0 }), -EINVAL);
	add(g, "a", nothing, NULL, 0);
	cr_expect_eq(weft_graph_check(g, NULL), 0);
	cr_expect_eq(weft_graph_check(g, NULL), 0);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "c", .fn = nothing }), -EBUSY);
	cr_expect_eq(weft_graph_count(g), 2);
	cr_expect_str_eq(weft_graph_name(g, 1), "a");
	cr_expect_null(weft_graph_name(g, 2));
	weft_graph_destroy(g);
}

Test(graph, add__checks_what_it_is_given)
{
	weft_graph *g = graph();
	char name[WEFT_GRAPH_NAME_BYTES_MAX + 1];

	memset(name, 'x', sizeof(name));
	name[WEFT_GRAPH_NAME_BYTES_MAX] = '\0';
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .fn = nothing }), -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "", .fn = nothing }), -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = name, .fn = nothing }), -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "a" }), -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "a", .fn = nothing, .input_count = 1 }), -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "a", .fn = nothing, .inputs = &(weft_graph_input){ NULL, NULL }, .input_count = 1 }),
	             -EINVAL);
	cr_expect_eq(weft_graph_add(g, &(weft_graph_node){ .name = "a", .fn = nothing, .inputs = &(weft_graph_input){ "b", NULL },
	                                                   .input_count = WEFT_GRAPH_INPUTS_MAX + 1 }), -ENOSPC);
	cr_expect_eq(weft_graph_add(NULL, NULL), -EINVAL);
	cr_expect_eq(weft_graph_count(g), 0);
	cr_expect_eq(weft_graph_check(g, NULL), 0, "nothing is a graph, too");
	weft_graph_destroy(g);
	weft_graph_destroy(NULL);
}

Test(graph, order__is_stable)
{
	static const uint32_t expected[] = { 1, 3, 2, 0, 4 };
	weft_graph *g = graph();
	uint32_t order[5];

	add(g, "e", nothing, NEEDS({ .node = "b" }, { .node = "c" }));
	add(g, "b", nothing, NULL, 0);
	add(g, "c", nothing, NEEDS({ .node = "b" }));
	add(g, "d", nothing, NULL, 0);
	add(g, "f", nothing, NEEDS({ .node = "e" }, { .node = "d" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	cr_assert_eq(weft_graph_order(g, order), 0);
	cr_expect_eq(memcmp(order, expected, sizeof(expected)), 0);
	weft_graph_destroy(g);
}

/* ---- runs -------------------------------------------------------------------------------------------- */

static int one(weft_job *job, void *arg)
{
	(void)arg;
	weft_node_set_result(job, (void *)(uintptr_t)1);
	return 0;
}

/* The sum of its inputs, and the context. */
static int sum(weft_job *job, void *arg)
{
	const weft_node_outcome *in;
	uintptr_t s = *(uintptr_t *)weft_node_context(job);

	(void)arg;
	for (uint32_t i = 0; (in = weft_node_input(job, i)); i++) {
		cr_expect_eq(in->state, WEFT_NODE_COMPLETED);
		s += (uintptr_t)in->result;
	}
	weft_node_set_result(job, (void *)s);
	return 0;
}

Test(graph, run__nodes_see_the_results_of_their_inputs, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(2);
	weft_graph *g = graph();
	weft_node_outcome out[4];
	uintptr_t hundred = 100;

	add(g, "a", one, NULL, 0);
	add(g, "b", sum, NEEDS({ .node = "a" }));
	add(g, "c", sum, NEEDS({ .node = "a" }, { .node = "b" }));
	add(g, "d", sum, NEEDS({ .node = "b" }, { .node = "c" }, { .node = "a" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.context = &hundred;
	opt.ret_nodes = out;
	cr_expect_eq(run(rt, g, &opt).succeeded, 4);
	cr_expect_eq((uintptr_t)out[1].result, 101);
	cr_expect_eq((uintptr_t)out[2].result, 202);
	cr_expect_eq((uintptr_t)out[3].result, 404);
	for (int i = 0; i < 4; i++)
		cr_expect(out[i].state == WEFT_NODE_COMPLETED && out[i].status == 0);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}

Test(graph, run__of_nothing)
{
	weft_runtime *rt = test_runtime(1);
	weft_graph *g = graph();

	cr_expect_eq(weft_graph_run(rt, g, NULL, weft_reply_to_none(), NULL), -EINVAL, "not checked");
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	cr_expect_eq(weft_graph_run(rt, g, NULL, weft_reply_to_none(), NULL), -EINVAL);
	cr_expect_eq(run(rt, g, NULL).status, 0);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}

/* a fails; b needs a alone, c needs a and d, e needs b. */
static weft_graph *with_a_failure(void)
{
	weft_graph *g = graph();

	add(g, "a", fails, NULL, 0);
	add(g, "d", nothing, NULL, 0);
	add(g, "b", nothing, NEEDS({ .node = "a" }));
	add(g, "c", nothing, NEEDS({ .node = "a" }, { .node = "d" }));
	add(g, "e", nothing, NEEDS({ .node = "b" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	return g;
}

static void expect_states(uint32_t policy, const weft_node_state states[5], const weft_group_result *expected)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_graph *g = with_a_failure();
	weft_node_outcome out[5];
	weft_group_result r;

	opt.policy = policy;
	opt.limit = 1;
	opt.ret_nodes = out;
	r = run(rt, g, &opt);
	for (int i = 0; i < 5; i++)
		cr_expect_eq(out[i].state, states[i], "%s: %d instead of %d", weft_graph_name(g, (uint32_t)i), out[i].state, states[i]);
	cr_expect_eq(r.status, -EIO);
	cr_expect_eq(r.first, 0);
	cr_expect_eq(r.succeeded, expected->succeeded);
	cr_expect_eq(r.failed, 1);
	cr_expect_eq(r.canceled, expected->canceled);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}

Test(graph, failure__skips_who_has_no_other_input, .timeout = 120)
{
	expect_states(WEFT_GRAPH_SKIP_DEPENDENTS,
	              (weft_node_state[]){ WEFT_NODE_FAILED, WEFT_NODE_COMPLETED, WEFT_NODE_SKIPPED, WEFT_NODE_COMPLETED, WEFT_NODE_SKIPPED },
	              &(weft_group_result){ .succeeded = 2, .canceled = 2 });
}

Test(graph, failure__may_count_as_any_other, .timeout = 120)
{
	expect_states(WEFT_GRAPH_RUN_DEPENDENTS,
	              (weft_node_state[]){ WEFT_NODE_FAILED, WEFT_NODE_COMPLETED, WEFT_NODE_COMPLETED, WEFT_NODE_COMPLETED, WEFT_NODE_COMPLETED },
	              &(weft_group_result){ .succeeded = 4 });
}

Test(graph, failure__may_cancel_the_run, .timeout = 120)
{
	expect_states(WEFT_GRAPH_FAIL_FAST,
	              (weft_node_state[]){ WEFT_NODE_FAILED, WEFT_NODE_CANCELED, WEFT_NODE_CANCELED, WEFT_NODE_CANCELED, WEFT_NODE_CANCELED },
	              &(weft_group_result){ .canceled = 4 });
}

static bool when_one(weft_job *job, uint32_t input)
{
	return (uintptr_t)weft_node_input(job, input)->result == 1;
}

static bool when_two(weft_job *job, uint32_t input)
{
	return (uintptr_t)weft_node_input(job, input)->result == 2;
}

Test(graph, condition__chooses_a_branch_and_what_comes_after_both_runs, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(2);
	weft_graph *g = graph();
	weft_node_outcome out[4];
	weft_group_result r;

	add(g, "choose", one, NULL, 0);
	add(g, "left", nothing, NEEDS({ "choose", when_one }));
	add(g, "right", nothing, NEEDS({ "choose", when_two }));
	add(g, "join", nothing, NEEDS({ .node = "left" }, { .node = "right" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.ret_nodes = out;
	r = run(rt, g, &opt);
	cr_expect_eq(r.status, 0, "to be skipped is no failure");
	cr_expect_eq(r.canceled, 1);
	cr_expect_eq(out[1].state, WEFT_NODE_COMPLETED);
	cr_expect_eq(out[2].state, WEFT_NODE_SKIPPED);
	cr_expect_eq(out[3].state, WEFT_NODE_COMPLETED);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}

static _Atomic(weft_job *) waiting;

static int waits(weft_job *job, void *arg)
{
	(void)arg;
	waiting = job;
	return WEFT_PENDING;
}

static weft_job *wait_for_it(void)
{
	weft_job *job;

	while (!(job = atomic_exchange(&waiting, NULL)))
		;
	return job;
}

Test(graph, pending__nodes_follow_each_other_without_a_runner, .timeout = 120)
{
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_graph *g = graph();
	weft_msg *answer;

	add(g, "a", waits, NULL, 0);
	add(g, "b", waits, NEEDS({ .node = "a" }));
	add(g, "c", waits, NEEDS({ .node = "b" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_graph_run(rt, g, NULL, weft_reply_to_future(future), NULL), 0);
	weft_graph_destroy(g); /* the run holds it */
	for (int i = 0; i < 3; i++)
		weft_job_finish(wait_for_it(), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_expect_eq(weft_group_result_of(answer)->succeeded, 3);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	test_runtime_end(rt);
}

Test(graph, cancel__ends_what_has_not_begun, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_future *future = NULL;
	weft_group *run = NULL;
	weft_graph *g = graph();
	weft_node_outcome out[3];
	weft_msg *answer;

	add(g, "a", waits, NULL, 0);
	add(g, "b", nothing, NEEDS({ .node = "a" }));
	add(g, "c", nothing, NEEDS({ .node = "b" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.ret_nodes = out;
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_graph_run(rt, g, &opt, weft_reply_to_future(future), &run), 0);
	weft_job *job = wait_for_it();
	weft_group_cancel(run, -EINTR);
	weft_job_finish(job, 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, WEFT_FOREVER), 0);
	cr_expect_eq(weft_msg_status(answer), -EINTR);
	cr_expect_eq(out[0].state, WEFT_NODE_COMPLETED);
	cr_expect(out[1].state == WEFT_NODE_CANCELED && out[1].status == -EINTR);
	cr_expect_eq(out[2].state, WEFT_NODE_CANCELED);
	weft_msg_destroy(answer);
	weft_group_destroy(run);
	weft_future_destroy(future);
	weft_graph_destroy(g);
	test_runtime_end(rt);
}

Test(graph, halt__ends_every_node, .timeout = 120)
{
	weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_runtime *rt = test_runtime(1);
	weft_node_outcome out[2];
	weft_port *port = NULL;
	weft_graph *g = graph();
	weft_msg *answer;
	weft_job *job;

	add(g, "a", waits, NULL, 0);
	add(g, "b", nothing, NEEDS({ .node = "a" }));
	cr_assert_eq(weft_graph_check(g, NULL), 0);
	opt.ret_nodes = out;
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	cr_assert_eq(weft_graph_run(rt, g, &opt, weft_reply_to_port(port, 0), NULL), 0);
	job = wait_for_it();
	weft_graph_destroy(g);
	weft_runtime_destroy(rt);
	weft_job_finish(job, 0);
	cr_assert_eq(weft_port_reap(port, &answer, 1), 1);
	cr_expect_eq(weft_msg_status(answer), -ESHUTDOWN);
	cr_expect_eq(out[0].state, WEFT_NODE_COMPLETED);
	cr_expect(out[1].state == WEFT_NODE_CANCELED && out[1].status == -ESHUTDOWN);
	weft_msg_destroy(answer);
	weft_port_destroy(port);
}

/* ---- random ones, by seed ------------------------------------------------------------------------------ */

#define NODES_MAX 60u

static _Atomic(uint32_t) clock_now, ran_at[NODES_MAX];

static int stamp(weft_job *job, void *arg)
{
	uint64_t rnd = (uintptr_t)arg;

	cr_assert_eq(ran_at[weft_job_index(job)], 0, "it runs once");
	ran_at[weft_job_index(job)] = ++clock_now;
	return test_below(&rnd, 30) ? 0 : -EIO;
}

struct made {
	weft_graph *graph;
	uint32_t count, input_count[NODES_MAX], inputs[NODES_MAX][4];
};

/* Edges lead from lower to higher ranks; ranks are dealt to nodes at random, so that the order of adding says nothing. */
static struct made make(uint64_t *rnd)
{
	struct made m = { .graph = graph(), .count = 1 + test_below(rnd, NODES_MAX) };
	uint32_t rank[NODES_MAX], by_rank[NODES_MAX];
	char name[NODES_MAX][16];

	for (uint32_t i = 0; i < m.count; i++) {
		uint32_t j = test_below(rnd, i + 1);

		by_rank[i] = by_rank[j];
		by_rank[j] = i;
		snprintf(name[i], sizeof(name[i]), "n%u", i);
	}
	for (uint32_t i = 0; i < m.count; i++)
		rank[by_rank[i]] = i;
	for (uint32_t i = 0; i < m.count; i++) {
		weft_graph_input inputs[4] = { { NULL, NULL } };

		m.input_count[i] = rank[i] ? test_below(rnd, 5) : 0;
		for (uint32_t j = 0; j < m.input_count[i]; j++) {
			m.inputs[i][j] = by_rank[test_below(rnd, rank[i])];
			inputs[j].node = name[m.inputs[i][j]];
		}
		weft_graph_node node = { .name = name[i], .fn = stamp, .arg = (void *)(uintptr_t)test_random(rnd), .inputs = inputs,
			                 .input_count = m.input_count[i] };
		cr_assert_eq(weft_graph_add(m.graph, &node), 0);
	}
	cr_assert_eq(weft_graph_check(m.graph, NULL), 0);
	return m;
}

static void check_order(const struct made *m, const uint32_t *order)
{
	uint32_t place[NODES_MAX] = { 0 };

	for (uint32_t i = 0; i < m->count; i++)
		place[order[i]]++;
	for (uint32_t i = 0; i < m->count; i++)
		cr_assert_eq(place[i], 1, "each once");
	for (uint32_t i = 0; i < m->count; i++)
		place[order[i]] = i;
	for (uint32_t i = 0; i < m->count; i++) {
		for (uint32_t j = 0; j < m->input_count[i]; j++)
			cr_assert_lt(place[m->inputs[i][j]], place[i]);
	}
}

/* What ran ran after its inputs; what did not had a reason. */
static void check_run(const struct made *m, const weft_node_outcome *out, uint32_t policy)
{
	for (uint32_t i = 0; i < m->count; i++) {
		bool ran = out[i].state == WEFT_NODE_COMPLETED || out[i].state == WEFT_NODE_FAILED, counts = !m->input_count[i];

		cr_assert_eq(ran, ran_at[i] != 0);
		for (uint32_t j = 0; j < m->input_count[i]; j++) {
			const weft_node_outcome *in = &out[m->inputs[i][j]];

			cr_assert(!ran || ran_at[m->inputs[i][j]] < ran_at[i]);
			counts |= in->state == WEFT_NODE_COMPLETED || (in->state == WEFT_NODE_FAILED && policy == WEFT_GRAPH_RUN_DEPENDENTS);
		}
		if (out[i].state == WEFT_NODE_SKIPPED)
			cr_assert_not(counts);
		else if (policy != WEFT_GRAPH_FAIL_FAST)
			cr_assert(ran && counts);
	}
}

Test(graph, random__every_node_once_and_after_its_inputs, .timeout = 120)
{
	uint64_t rnd = test_seed("graphs");
	weft_runtime *rt = test_runtime(2);

	for (int n = 0; n < 300; n++) {
		weft_graph_run_options opt = WEFT_GRAPH_RUN_OPTIONS_INIT;
		weft_node_outcome out[NODES_MAX];
		uint32_t order[NODES_MAX];
		struct made m = make(&rnd);

		cr_assert_eq(weft_graph_order(m.graph, order), 0);
		check_order(&m, order);
		clock_now = 0;
		memset(ran_at, 0, sizeof(ran_at));
		opt.policy = test_below(&rnd, 3);
		opt.limit = test_below(&rnd, 4);
		opt.ret_nodes = out;
		run(rt, m.graph, &opt);
		check_run(&m, out, opt.policy);
		for (uint32_t i = 0; opt.limit == 1 && opt.policy == WEFT_GRAPH_RUN_DEPENDENTS && i < m.count; i++)
			cr_assert_eq(ran_at[order[i]], i + 1, "one at a time, in that order");
		weft_graph_destroy(m.graph);
	}
	test_runtime_end(rt);
}

Test(graph, random__a_circle_is_found_whatever_is_around_it, .timeout = 120)
{
	uint64_t rnd = test_seed("circles");

	for (int n = 0; n < 300; n++) {
		uint32_t count = 2 + test_below(&rnd, 40), back = 1 + test_below(&rnd, count - 1), to = test_below(&rnd, back);
		weft_graph *g = graph();
		weft_error err = { 0 };
		char name[16], from[16], closing[16], step[32];

		snprintf(closing, sizeof(closing), "n%u", back);
		for (uint32_t i = 0; i < count; i++) { /* a chain, and one input that leads back */
			snprintf(name, sizeof(name), "n%u", i);
			snprintf(from, sizeof(from), "n%u", i - 1);
			add(g, name, nothing, (weft_graph_input[]){ { .node = i == to ? closing : from }, { .node = from } },
			    (i == to) + (uint32_t)(i > 0));
		}
		cr_assert_eq(weft_graph_check(g, &err), -ELOOP);
		snprintf(step, sizeof(step), "n%u -> n%u", back, to);
		cr_expect(strstr(err.message, step) || strstr(err.message, "..."), "%s has no %s", err.message, step);
		weft_graph_destroy(g);
	}
}
