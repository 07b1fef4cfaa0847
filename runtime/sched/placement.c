/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/sched/placement.c - see placement.h. */
#include "runtime/sched/placement.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 256
#define NODES_MAX 64
#define CPUS_MAX 4096

/* The next range of a list like "0-3,8,10-11"; false: its end, or something else. */
static bool next_range(const char **text, long *ret_first, long *ret_last)
{
	char *end;

	*ret_first = *ret_last = strtol(*text, &end, 10);
	if (end == *text || *ret_first < 0 || *ret_first >= CPUS_MAX)
		return false;
	if (*end == '-') {
		const char *last = end + 1;

		*ret_last = strtol(last, &end, 10);
		if (end == last || *ret_last < *ret_first || *ret_last >= CPUS_MAX)
			return false;
	}
	*text = *end == ',' ? end + 1 : end;
	return true;
}

static bool read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool read = f && fgets(line, size, f);

	if (f)
		fclose(f);
	return read;
}

static bool list_has(const char *list, int cpu)
{
	long first, last;

	while (next_range(&list, &first, &last)) {
		if (cpu >= first && cpu <= last)
			return true;
	}
	return false;
}

static int core_of(const char *sysfs, int cpu)
{
	char path[PATH_BYTES], line[1024];
	const char *list = line;
	long first, last;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/cpu%d/topology/thread_siblings_list", sysfs, cpu);
	if (!read_line(path, line, sizeof(line)) || !list_has(line, cpu) || !next_range(&list, &first, &last))
		return cpu;
	return (int)first;
}

static int node_of(const char *sysfs, int cpu)
{
	char path[PATH_BYTES], line[1024];

	for (int node = 0; node < NODES_MAX; node++) {
		snprintf(path, sizeof(path), "%s/devices/system/node/node%d/cpulist", sysfs, node);
		if (read_line(path, line, sizeof(line)) && list_has(line, cpu))
			return node;
	}
	return 0;
}

struct weft__place weft__place_of(const char *sysfs, int cpu)
{
	return (struct weft__place){ .core = core_of(sysfs, cpu), .node = node_of(sysfs, cpu) };
}

struct candidate {
	struct weft__place place;
	uint32_t thread; /* which of its core's: 0 the first in the list */
	int cpu;
};

static int compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->place.node != b->place.node)
		return a->place.node - b->place.node;
	return a->cpu - b->cpu;
}

void weft__cpus_order(const char *sysfs, int *cpus, uint32_t count)
{
	struct candidate all[256]; /* no more workers than that */

	if (count > sizeof(all) / sizeof(all[0]))
		count = sizeof(all) / sizeof(all[0]);
	for (uint32_t i = 0; i < count; i++) {
		all[i] = (struct candidate){ .place = weft__place_of(sysfs, cpus[i]), .cpu = cpus[i] };
		for (uint32_t j = 0; j < i; j++)
			all[i].thread += all[j].place.core == all[i].place.core;
	}
	qsort(all, count, sizeof(all[0]), compare);
	for (uint32_t i = 0; i < count; i++)
		cpus[i] = all[i].cpu;
}
