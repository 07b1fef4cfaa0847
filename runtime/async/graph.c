/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/async/graph.c - a graph of steps: built, checked, put in order. */
#include "runtime/async/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

#define NODES_MIN 16u

int weft_graph_create(weft_graph **ret_graph)
{
	struct weft_graph *g;

	WEFT_RETURN_IF(!ret_graph, -EINVAL);
	g = weft_calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	weft__store_relaxed(&g->refs, 1u); /* relaxed: not shared yet */
	*ret_graph = g;
	return 0;
}

void weft__graph_unref(struct weft_graph *graph)
{
	if (weft__fetch_sub_acq_rel(&graph->refs, 1u) != 1)
		return;
	for (uint32_t i = 0; i < graph->node_count; i++)
		weft_free(graph->nodes[i].name);
	for (uint32_t i = 0; i < graph->input_count; i++)
		weft_free(graph->inputs[i].name);
	weft_free(graph->nodes);
	weft_free(graph->inputs);
	weft_free(graph->needs);
	weft_free(graph);
}

void weft_graph_destroy(weft_graph *graph)
{
	if (graph)
		weft__graph_unref(graph);
}

uint32_t weft_graph_count(const weft_graph *graph)
{
	return graph->node_count;
}

const char *weft_graph_name(const weft_graph *graph, uint32_t index)
{
	return index < graph->node_count ? graph->nodes[index].name : NULL;
}

/* ---- building ------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	return name && name[0] && strnlen(name, WEFT_GRAPH_NAME_BYTES_MAX) < WEFT_GRAPH_NAME_BYTES_MAX;
}

static char *copy_of(const char *name)
{
	size_t bytes = strlen(name) + 1;
	char *copy = weft_malloc(bytes);

	return copy ? memcpy(copy, name, bytes) : NULL;
}

/* Room for `more` in an array. False: no memory, and nothing changed. */
static bool grow(void **array, uint32_t *room, uint32_t count, uint32_t more, size_t bytes)
{
	uint32_t want = *room ? *room : NODES_MIN;
	void *larger;

	while (want < count + more)
		want *= 2;
	if (want == *room)
		return true;
	larger = weft_realloc(*array, want * bytes);
	if (!larger)
		return false;
	*array = larger;
	*room = want;
	return true;
}

static int check_node(const struct weft_graph *g, const weft_graph_node *node)
{
	WEFT_RETURN_IF(!is_name(node->name) || !node->fn || (node->input_count && !node->inputs), -EINVAL);
	WEFT_RETURN_IF(g->node_count == WEFT_GRAPH_NODES_MAX, -ENOSPC);
	WEFT_RETURN_IF(node->input_count > WEFT_GRAPH_INPUTS_MAX - g->input_count, -ENOSPC);
	for (uint32_t i = 0; i < node->input_count; i++)
		WEFT_RETURN_IF(!is_name(node->inputs[i].node), -EINVAL);
	return 0;
}

/* The inputs' copies behind those that are there; they are not counted yet. */
static bool inputs_copy(struct weft_graph *g, const weft_graph_node *node)
{
	for (uint32_t i = 0; i < node->input_count; i++) {
		struct weft__graph_input *in = &g->inputs[g->input_count + i];

		*in = (struct weft__graph_input){ .name = copy_of(node->inputs[i].node), .when = node->inputs[i].when };
		if (in->name)
			continue;
		while (i-- > 0)
			weft_free(g->inputs[g->input_count + i].name);
		return false;
	}
	return true;
}

int weft_graph_add(weft_graph *graph, const weft_graph_node *node)
{
	char *name;
	int r;

	WEFT_RETURN_IF(!graph || !node, -EINVAL);
	WEFT_RETURN_IF(graph->checked, -EBUSY);
	r = check_node(graph, node);
	if (r < 0)
		return r;
	if (!grow((void **)&graph->nodes, &graph->node_room, graph->node_count, 1, sizeof(*graph->nodes)) ||
	    !grow((void **)&graph->inputs, &graph->input_room, graph->input_count, node->input_count, sizeof(*graph->inputs)))
		return -ENOMEM;
	name = copy_of(node->name);
	if (!name || !inputs_copy(graph, node)) {
		weft_free(name);
		return -ENOMEM;
	}
	graph->nodes[graph->node_count++] = (struct weft__graph_node){
		.name = name, .fn = node->fn, .arg = node->arg, .inputs = graph->input_count, .input_count = node->input_count
	};
	graph->input_count += node->input_count;
	return 0;
}

/* ---- names ------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct weft__graph_node *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int name_cmp(const void *name, const void *entry)
{
	const struct weft__graph_node *const *n = entry;

	return strcmp(name, (*n)->name);
}

/* Each input's node. sorted has room for all nodes. */
static int inputs_find(struct weft_graph *g, const struct weft__graph_node **sorted, weft_error *err)
{
	for (uint32_t i = 0; i < g->node_count; i++)
		sorted[i] = &g->nodes[i];
	qsort(sorted, g->node_count, sizeof(*sorted), by_name);
	for (uint32_t i = 1; i < g->node_count; i++) {
		if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
			return weft_error_set(err, -EEXIST, "two nodes are called '%s'", sorted[i]->name);
	}
	for (uint32_t n = 0; n < g->node_count; n++) {
		for (uint32_t i = 0; i < g->nodes[n].input_count; i++) {
			struct weft__graph_input *in = &g->inputs[g->nodes[n].inputs + i];
			const struct weft__graph_node **found =
				bsearch(in->name, sorted, g->node_count, sizeof(*sorted), name_cmp);

			if (!found)
				return weft_error_set(err, -ENOENT, "node '%s' needs '%s', and there is no such node",
				                      g->nodes[n].name, in->name);
			in->node = (uint32_t)(*found - g->nodes);
		}
	}
	return 0;
}

/* ---- order ---------------------------------------------------------------------------------------- */

/* Who needs whom, by node: counted, then put in their places in the order of the indices. */
static void needs_fill(struct weft_graph *g)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < g->node_count; i++)
		g->nodes[i].need_count = 0;
	for (uint32_t i = 0; i < g->input_count; i++)
		g->nodes[g->inputs[i].node].need_count++;
	for (uint32_t i = 0; i < g->node_count; i++) {
		g->nodes[i].needs = at;
		at += g->nodes[i].need_count;
		g->nodes[i].need_count = 0;
	}
	for (uint32_t n = 0; n < g->node_count; n++) {
		for (uint32_t i = 0; i < g->nodes[n].input_count; i++) {
			struct weft__graph_node *from = &g->nodes[g->inputs[g->nodes[n].inputs + i].node];

			g->needs[from->needs + from->need_count++] = n;
		}
	}
}

/* Kahn: the order is its own queue. waiting has room for all nodes; afterwards it is 0 for those in the order. @return how many */
static uint32_t kahn(const struct weft_graph *g, uint32_t *order, uint32_t *waiting)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < g->node_count; i++) {
		waiting[i] = g->nodes[i].input_count;
		if (!waiting[i])
			order[count++] = i;
	}
	for (uint32_t done = 0; done < count; done++) {
		const struct weft__graph_node *n = &g->nodes[order[done]];

		for (uint32_t i = 0; i < n->need_count; i++) {
			uint32_t to = g->needs[n->needs + i];

			if (--waiting[to] == 0)
				order[count++] = to;
		}
	}
	return count;
}

/* An input of n that is in no order, as n is; there is one. */
static uint32_t input_that_waits(const struct weft_graph *g, uint32_t n, const uint32_t *waiting)
{
	for (uint32_t i = 0; i < g->nodes[n].input_count; i++) {
		uint32_t from = g->inputs[g->nodes[n].inputs + i].node;

		if (waiting[from])
			return from;
	}
	return n;
}

static void append(char *text, size_t size, const char *name, const char *arrow)
{
	size_t at = strlen(text);

	snprintf(text + at, size - at, "%s%s", arrow, name);
}

/*
 * Who is in no order waits for somebody who is in none either: going back from any of them ends in a circle, of which this is the
 * node that was added first. Each node's inputs are looked at once. been has room for all nodes.
 */
static uint32_t find_circle(const struct weft_graph *g, const uint32_t *waiting, uint32_t *been)
{
	uint32_t n = 0, first;

	while (!waiting[n])
		n++;
	memset(been, 0, g->node_count * sizeof(*been));
	for (; !been[n]; n = input_that_waits(g, n, waiting))
		been[n] = 1;
	first = n;
	for (uint32_t at = input_that_waits(g, n, waiting); at != n; at = input_that_waits(g, at, waiting))
		first = at < first ? at : first;
	return first;
}

/* Told in the direction of the work; of a long one the beginning. steps has room for all nodes. */
static int tell_circle(const struct weft_graph *g, const uint32_t *waiting, uint32_t *steps, weft_error *err)
{
	char text[200] = "";
	uint32_t n = find_circle(g, waiting, steps), length = 0, at = n;

	do {
		steps[length++] = at;
		at = input_that_waits(g, at, waiting);
	} while (at != n);
	append(text, sizeof(text), g->nodes[n].name, "");
	for (uint32_t i = length; i-- > 1;) {
		if (strlen(text) + strlen(g->nodes[steps[i]].name) + strlen(g->nodes[n].name) + 16 > sizeof(text)) {
			append(text, sizeof(text), "...", " -> ");
			break;
		}
		append(text, sizeof(text), g->nodes[steps[i]].name, " -> ");
	}
	append(text, sizeof(text), g->nodes[n].name, " -> ");
	return weft_error_set(err, -ELOOP, "a circle: %s", text);
}

static int order_check(struct weft_graph *g, weft_error *err)
{
	uint32_t *order = weft_malloc((g->node_count + 1) * 2 * sizeof(*order)), *waiting = order + g->node_count;
	uint32_t *needs;
	int r = 0;

	needs = order ? weft_realloc(g->needs, (g->input_count + 1) * sizeof(*needs)) : NULL;
	if (!needs) {
		weft_free(order);
		return weft_error_set(err, -ENOMEM, "no memory to check a graph of %u nodes", g->node_count);
	}
	g->needs = needs;
	needs_fill(g);
	if (kahn(g, order, waiting) < g->node_count)
		r = tell_circle(g, waiting, order, err);
	weft_free(order);
	return r;
}

int weft_graph_check(weft_graph *graph, weft_error *err)
{
	const struct weft__graph_node **sorted;
	int r;

	WEFT_RETURN_IF(!graph, -EINVAL);
	if (graph->checked)
		return 0;
	sorted = weft_malloc((graph->node_count + 1) * sizeof(*sorted));
	if (!sorted)
		return weft_error_set(err, -ENOMEM, "no memory to check a graph of %u nodes", graph->node_count);
	r = inputs_find(graph, sorted, err);
	weft_free(sorted);
	if (r == 0)
		r = order_check(graph, err);
	graph->checked = r == 0;
	return r;
}

#define ON_STACK 256u

int weft_graph_order(const weft_graph *graph, uint32_t *ret_order)
{
	uint32_t few[ON_STACK], *waiting = few;

	WEFT_RETURN_IF(!graph || !ret_order || !graph->checked, -EINVAL);
	if (graph->node_count > ON_STACK)
		waiting = weft_malloc(graph->node_count * sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	kahn(graph, ret_order, waiting);
	if (waiting != few)
		weft_free(waiting);
	return 0;
}
