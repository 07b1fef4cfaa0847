/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/run.c - a run of a graph: a group whose jobs are the nodes.
 *
 *     waits for inputs --the last one ended--> queue --> runs --> ended --> those that need it
 *             |                                           |
 *             +------ the run is canceled ---------------+---------> CANCELED
 *                                   no input counts: SKIPPED
 *
 * All memory is taken at the start: a job a node. A node whose inputs have ended is queued by whoever ended the last one, under
 * the group's lock; whether any of them counts is found where it would run, since that may call the caller's function. The last
 * runner of the group stays (parked) until the run is over: a node that becomes ready when no runner is there needs none made.
 *
 * Outcomes are written by whoever has the node, before it is settled, and read by nodes that need it, which are queued after that
 * under the same lock.
 */
#include "runtime/async/graph.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/async/group.h"

struct node_run {
	struct weft_job job;
	weft_node_outcome outcome;
	uint32_t waiting; /* inputs that have not ended */
	bool queued;      /* or ended */
};

struct graph_run {
	struct weft_graph *graph; /* a reference */
	void *context;
	weft_node_outcome *ret_nodes; /* the caller's; NULL: none */
	bool failed_count;
	struct node_run nodes[];
};

static struct graph_run *run_of(const struct weft_job *job)
{
	return job->group->hooks_user;
}

/* Not of a job that was spawned beside the nodes. */
static bool is_node(const struct weft_job *job)
{
	return job->memory == WEFT__JOB_NODE;
}

static struct node_run *node_of(struct weft_job *job)
{
	return (struct node_run *)((char *)job - offsetof(struct node_run, job));
}

/* ---- a node ------------------------------------------------------------------------------------- */

static bool counts(const struct graph_run *run, struct weft_job *job, uint32_t input)
{
	const struct weft__graph_node *n = &run->graph->nodes[job->index];
	const struct weft__graph_input *in = &run->graph->inputs[n->inputs + input];
	const weft_node_outcome *outcome = &run->nodes[in->node].outcome;

	if (outcome->state != WEFT_NODE_COMPLETED && !(outcome->state == WEFT_NODE_FAILED && run->failed_count))
		return false;
	return !in->when || in->when(job, input);
}

static int node_job(weft_job *job, void *arg)
{
	const struct graph_run *run = run_of(job);
	const struct weft__graph_node *n = &run->graph->nodes[job->index];
	bool any = n->input_count == 0;

	(void)arg;
	for (uint32_t i = 0; !any && i < n->input_count; i++)
		any = counts(run, job, i);
	if (any)
		return n->fn(job, n->arg);
	job->ran = false;
	node_of(job)->outcome.state = WEFT_NODE_SKIPPED;
	return -ECANCELED;
}

void *weft_node_context(const weft_job *job)
{
	return run_of(job) ? run_of(job)->context : NULL;
}

const weft_node_outcome *weft_node_input(const weft_job *job, uint32_t input)
{
	const struct graph_run *run = run_of(job);
	const struct weft__graph_node *n;

	if (!is_node(job))
		return NULL;
	n = &run->graph->nodes[job->index];
	return input < n->input_count ? &run->nodes[run->graph->inputs[n->inputs + input].node].outcome : NULL;
}

void weft_node_set_result(weft_job *job, void *result)
{
	if (is_node(job))
		node_of(job)->outcome.result = result;
}

/* ---- the group's hooks --------------------------------------------------------------------------- */

static void queue_node(struct weft_group *g, struct node_run *n)
{
	n->queued = true;
	weft__jobs_push(&g->queue, &n->job);
}

static void node_ended(struct weft_group *g, struct weft_job *job, struct weft__jobs *ended)
{
	struct graph_run *run = g->hooks_user;
	const struct weft__graph_node *n = &run->graph->nodes[job->index];
	struct node_run *node = node_of(job);

	(void)ended;
	if (node->outcome.state == WEFT_NODE_PENDING)
		node->outcome.state = !job->ran ? WEFT_NODE_CANCELED : job->status < 0 ? WEFT_NODE_FAILED : WEFT_NODE_COMPLETED;
	node->outcome.status = job->status;
	if (run->ret_nodes)
		run->ret_nodes[job->index] = node->outcome;
	for (uint32_t i = 0; i < n->need_count; i++) {
		struct node_run *to = &run->nodes[run->graph->needs[n->needs + i]];

		if (--to->waiting == 0 && !to->queued)
			queue_node(g, to);
	}
}

static void run_canceled(struct weft_group *g, struct weft__jobs *ended)
{
	struct graph_run *run = g->hooks_user;

	for (uint32_t i = 0; i < run->graph->node_count; i++) {
		if (run->nodes[i].queued)
			continue;
		run->nodes[i].queued = true;
		weft__jobs_push(ended, &run->nodes[i].job);
	}
}

static void run_fini(struct weft_group *g)
{
	struct graph_run *run = g->hooks_user;

	weft__graph_unref(run->graph);
	weft_free(run);
}

static const struct weft__group_hooks hooks = { .ended = node_ended, .canceled = run_canceled, .fini = run_fini };

/* ---- starting --------------------------------------------------------------------------------------- */

/* The group's, to be released by run_fini. 0 or -ENOMEM */
static int nodes_make(struct weft_group *g, struct weft_graph *graph, const weft_graph_run_options *opt)
{
	struct graph_run *run = weft_calloc(1, sizeof(*run) + graph->node_count * sizeof(run->nodes[0]));

	if (!run)
		return -ENOMEM;
	weft__fetch_add_relaxed(&graph->refs, 1u); /* relaxed: the caller holds one */
	run->graph = graph;
	run->context = opt->context;
	run->ret_nodes = opt->ret_nodes;
	run->failed_count = opt->policy == WEFT_GRAPH_RUN_DEPENDENTS;
	for (uint32_t i = 0; i < graph->node_count; i++) {
		struct node_run *n = &run->nodes[i];

		n->waiting = graph->nodes[i].input_count;
		n->job.group = g;
		n->job.fn = node_job;
		n->job.arg = graph->nodes[i].arg;
		n->job.index = i;
		n->job.memory = WEFT__JOB_NODE;
	}
	pthread_mutex_lock(&g->lock); /* the keeper of its time may be looking */
	g->hooks_user = run;
	g->hooks = &hooks;
	pthread_mutex_unlock(&g->lock);
	return 0;
}

/* Those without inputs, in the order of adding. */
static void roots_queue(struct weft_group *g)
{
	struct graph_run *run = g->hooks_user;

	for (uint32_t i = 0; i < run->graph->node_count; i++) {
		if (!run->nodes[i].waiting)
			queue_node(g, &run->nodes[i]);
	}
}

int weft_graph_run(weft_runtime *rt, weft_graph *graph, const weft_graph_run_options *opt, weft_reply_to reply_to,
                   weft_group **ret_group)
{
	weft_graph_run_options o = WEFT_GRAPH_RUN_OPTIONS_INIT;
	weft_group_options group = WEFT_GROUP_OPTIONS_INIT;
	struct weft_group *g;
	int r;

	WEFT_RETURN_IF(!rt || !graph || !graph->checked, -EINVAL);
	WEFT_RETURN_IF(opt && (opt->size != sizeof(*opt) || opt->policy > WEFT_GRAPH_FAIL_FAST), -EINVAL);
	o = opt ? *opt : o;
	group.policy = o.policy == WEFT_GRAPH_FAIL_FAST ? WEFT_GROUP_FAIL_FAST : WEFT_GROUP_ALL;
	group.limit = o.limit;
	group.timeout_ns = o.timeout_ns;
	g = weft__group_new(rt, &group, &r);
	if (!g)
		return r;
	r = nodes_make(g, graph, &o);
	if (r < 0) {
		weft_group_destroy(g);
		return r;
	}
	return weft__group_start(g, graph->node_count, roots_queue, reply_to, ret_group);
}
