/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/graph.h - steps of work that need each other's results, run as soon as they can be.
 *
 * A graph is built once: nodes by name, each with its function and the names of its inputs. It is checked (a missing node
 * and a circle are named), and from then on constant: any number of runs of it may be under way. A run is a group of
 * jobs (weft/async.h): a node runs once, when all of its inputs have ended, on a worker.
 *
 *     weft_graph_create(&graph);
 *     weft_graph_add(graph, &(weft_graph_node){ .name = "fetch", .fn = fetch });
 *     weft_graph_add(graph, &(weft_graph_node){ .name = "parse", .fn = parse, .inputs = (weft_graph_input[]){ { .node = "fetch" } },
 *                                               .input_count = 1 });
 *     weft_graph_check(graph, &err);
 *     weft_graph_run(rt, graph, NULL, weft_reply_to_future(future), NULL);
 *
 * A node that asks an agent is a job that returns WEFT_PENDING (docs/guide/async.md).
 *
 * Source: docs/internals/async.md.
 */
#ifndef WEFT_GRAPH_H
#define WEFT_GRAPH_H

#include <weft/async.h>

WEFT_BEGIN_DECLS

#define WEFT_GRAPH_NODES_MAX 65536u
#define WEFT_GRAPH_INPUTS_MAX 1048576u /* of all nodes together */
#define WEFT_GRAPH_NAME_BYTES_MAX 256u

typedef struct weft_graph weft_graph;

/** What a node needs. */
typedef struct weft_graph_input {
	const char *node; /* the name of one that is added before or after */
	/* NULL: always. Else asked when all inputs of the node have ended, from where it would run: does this one count? */
	bool (*when)(weft_job *job, uint32_t input);
} weft_graph_input;

/** A step. Copied, names too. */
typedef struct weft_graph_node {
	const char *name; /* one of its own in this graph */
	weft_job_fn fn;
	void *arg;        /* the caller's; of all runs of the graph */
	const weft_graph_input *inputs;
	uint32_t input_count;
} weft_graph_node;

/** An empty graph. @return 0, -EINVAL, -ENOMEM */
WEFT_API int weft_graph_create(weft_graph **ret_graph);
/** Runs under way hold the graph, too. NULL is fine. Threads: any. */
WEFT_API void weft_graph_destroy(weft_graph *graph);

/**
 * Add a node. Its index is the number of nodes before.
 * @return 0, -EINVAL (no name or function, a name that is empty or too long), -ENOSPC (WEFT_GRAPH_*_MAX), -EBUSY (the graph
 *         was checked), -ENOMEM
 * Threads: one at a time.
 */
WEFT_API int weft_graph_add(weft_graph *graph, const weft_graph_node *node);

/**
 * Is it a graph that can be run? From then on nothing can be added.
 * @param err  says what is wrong, with names; may be NULL
 * @return 0; -ENOENT (an input that is no node), -EEXIST (two nodes of one name), -ELOOP (a circle: its path is told),
 *         -ENOMEM. After a failure it may be added to, and checked again. Threads: one at a time, before any run.
 */
WEFT_API int weft_graph_check(weft_graph *graph, weft_error *err);

/** Nodes of the graph. */
WEFT_API uint32_t weft_graph_count(const weft_graph *graph);
/** Of a node by its index, as long as the graph; NULL: there is none. */
WEFT_API const char *weft_graph_name(const weft_graph *graph, uint32_t index);

/**
 * An order in which every node comes after its inputs: Kahn's, those that could come at the same time in the order in
 * which they became possible, and of adding. A run with limit 1 runs them in this order.
 * @param ret_order  room for weft_graph_count indices
 * @return 0, -EINVAL (not checked), -ENOMEM. Threads: any.
 */
WEFT_API int weft_graph_order(const weft_graph *graph, uint32_t *ret_order);

/* ---- running ----------------------------------------------------------- */

typedef enum weft_graph_policy {
	WEFT_GRAPH_SKIP_DEPENDENTS = 0, /* a failed node's result counts for nobody: who has no other input is skipped */
	WEFT_GRAPH_RUN_DEPENDENTS = 1,  /* a failed node counts as any other */
	WEFT_GRAPH_FAIL_FAST = 2        /* the first failure cancels the run */
} weft_graph_policy;

typedef enum weft_node_state {
	WEFT_NODE_PENDING = 0, /* not in an outcome */
	WEFT_NODE_COMPLETED,
	WEFT_NODE_FAILED,
	WEFT_NODE_SKIPPED,     /* it has inputs, and none of them counted */
	WEFT_NODE_CANCELED     /* it never ran: the run was canceled, failed, ran out of time or halted */
} weft_node_state;

typedef struct weft_node_outcome {
	weft_node_state state;
	int status;   /* 0, or why not */
	void *result; /* as the node set it; weft neither looks at it nor releases it */
} weft_node_outcome;

typedef struct weft_graph_run_options {
	uint32_t size;       /* set by WEFT_GRAPH_RUN_OPTIONS_INIT */
	uint32_t policy;     /* weft_graph_policy */
	uint32_t limit;      /* nodes that run or are pending at once; 0: no limit */
	uint32_t reserved;
	uint64_t timeout_ns; /* of the run; 0: none */
	void *context;       /* for weft_node_context; the caller's, in use until the answer */
	weft_node_outcome *ret_nodes; /* room for weft_graph_count, or NULL; the caller's, filled in before the answer */
} weft_graph_run_options;

#define WEFT_GRAPH_RUN_OPTIONS_INIT                                                                        \
	{                                                                                                  \
		.size = sizeof(weft_graph_run_options)                                                     \
	}

/**
 * Run it; one answer, as of a group (weft_group_result_of), when every node has ended or never will run. Nodes that
 * were skipped count as canceled there; a run without a failure has status 0.
 * @param opt        may be NULL; copied
 * @param ret_group  may be NULL; else the caller's, to cancel the run by, and to be destroyed
 * @return 0, -EINVAL (not checked), -ENOMEM, -EAGAIN (actors_max), -ESHUTDOWN, and as weft_request for the place at the asker:
 *         nothing has run and no answer comes. All memory of a run is taken here. Threads: any. Blocks: never.
 */
WEFT_API int weft_graph_run(weft_runtime *rt, weft_graph *graph, const weft_graph_run_options *opt, weft_reply_to reply_to,
                            weft_group **ret_group);

/*
 * From a node's function, or until its job is finished; weft_job_index is the node's index. A job that a node spawned into the run's
 * group counts in its result, and has the run's context, but no inputs and no result.
 */

/** The run's context. */
WEFT_API void *weft_node_context(const weft_job *job);
/** How its input ended: state, status, result. NULL: it has no such input. */
WEFT_API const weft_node_outcome *weft_node_input(const weft_job *job, uint32_t input);
/** What others get from it: a pointer of the caller's. */
WEFT_API void weft_node_set_result(weft_job *job, void *result);

WEFT_END_DECLS

#endif
