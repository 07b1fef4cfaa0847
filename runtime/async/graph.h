/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/async/graph.h - a graph as its two files see it: graph.c builds and checks it, run.c runs it.
 *
 * Checked, the edges lie in two arrays by node: where its inputs come from, and who needs it.
 *
 *     inputs    | of node 0 | of node 1 | ...     in the order in which each was given
 *     needs     | 0 is needed by | 1 is ... |     in the order of the indices
 */
#ifndef WEFT_RUNTIME_ASYNC_GRAPH_H
#define WEFT_RUNTIME_ASYNC_GRAPH_H

#include <weft/graph.h>

#include "runtime/base/atomic.h"

struct weft__graph_node {
	char *name; /* owned */
	weft_job_fn fn;
	void *arg;
	uint32_t inputs, input_count; /* the first one's place */
	uint32_t needs, need_count;   /* once checked: as above, of those that need it */
};

struct weft__graph_input {
	char *name;    /* owned; of the node */
	bool (*when)(weft_job *job, uint32_t input);
	uint32_t node; /* once checked */
};

struct weft_graph {
	struct weft__graph_node *nodes;
	struct weft__graph_input *inputs;
	uint32_t *needs; /* once checked */
	uint32_t node_count, node_room, input_count, input_room;
	_Atomic(uint32_t) refs; /* the owner, and each run */
	bool checked;
};

void weft__graph_unref(struct weft_graph *graph);

#endif
