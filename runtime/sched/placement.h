/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/placement.h - which CPUs share a core, which a memory node: from sysfs.
 *
 * Workers fill cores before hyper-threads, node by node: two threads of one core are little more than one, and memory
 * of another node is farther. And a thief looks first at whose cache it shares. What sysfs does not
 * tell (a container may hide it) is taken as: a core of its own, one node.
 *
 * Tests: tests/unit/sched/test_placement.c.
 */
#ifndef WEFT_RUNTIME_SCHED_PLACEMENT_H
#define WEFT_RUNTIME_SCHED_PLACEMENT_H

#include <stdint.h>

struct weft__place {
	int core; /* the first CPU of it */
	int node;
};

/* How far apart: 0 the same core, 1 the same node, 2 another. */
enum { WEFT__NEAR_CORE = 0, WEFT__NEAR_NODE, WEFT__FAR, WEFT__DISTANCES };

/* Where a CPU is. sysfs: "/sys", or a copy of it in a test. */
struct weft__place weft__place_of(const char *sysfs, int cpu);

/* Sort CPUs into the order in which workers take them: the first thread of each core, node by node; then the second of each. */
void weft__cpus_order(const char *sysfs, int *cpus, uint32_t count);

static inline int weft__distance(struct weft__place a, struct weft__place b)
{
	return a.core == b.core ? WEFT__NEAR_CORE : a.node == b.node ? WEFT__NEAR_NODE : WEFT__FAR;
}

#endif
