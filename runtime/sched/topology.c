/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sched/topology.c - how many CPUs this process may really use.
 *
 * Its affinity mask (cpuset, taskset) counts, and so does a cgroup's CPU quota: in a
 * container with half of a 64-core machine's time as quota, 64 busy workers would
 * be throttled in bursts. A quota of 1.5 CPUs gives 2 workers. In which order they are taken: placement.h.
 */
#include "runtime/sched/placement.h"
#include "runtime/sched/worker.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 512

/* "max 100000" or "150000 100000" (cgroup v2). 0: no limit known. */
static uint32_t quota_v2(const char *path)
{
	char text[64];
	long long quota, period;
	FILE *f = fopen(path, "re");
	uint32_t cpus = 0;

	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f) && sscanf(text, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
		cpus = (uint32_t)((quota + period - 1) / period);
	fclose(f);
	return cpus;
}

static long long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

static uint32_t quota_v1(void)
{
	long long quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	long long period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");

	if (quota <= 0 || period <= 0)
		return 0;
	return (uint32_t)((quota + period - 1) / period);
}

/* The tightest cpu.max on the way from our cgroup up to the root. */
static uint32_t cgroup_quota(void)
{
	char line[PATH_BYTES], path[PATH_BYTES + 64];
	uint32_t tightest = quota_v2("/sys/fs/cgroup/cpu.max");
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (!f)
		return tightest;
	while (fgets(line, sizeof(line), f)) {
		char *group = line + 3;

		if (strncmp(line, "0::", 3) != 0)
			continue;
		group[strcspn(group, "\n")] = '\0';
		while (group[0] == '/' && group[1]) {
			uint32_t cpus;

			snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
			cpus = quota_v2(path);
			if (cpus && (!tightest || cpus < tightest))
				tightest = cpus;
			*strrchr(group, '/') = '\0';
		}
	}
	fclose(f);
	return tightest ? tightest : quota_v1();
}

uint32_t weft__cpus_usable(int *ret_cpus, uint32_t max)
{
	cpu_set_t set;
	uint32_t n = 0, quota;

	if (weft__sim_is_on()) {
		for (; n < max && n < weft__sim->cpus; n++)
			ret_cpus[n] = (int)n;
		return n;
	}
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		ret_cpus[0] = 0;
		return 1;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE && n < max; cpu++) {
		if (CPU_ISSET((size_t)cpu, &set))
			ret_cpus[n++] = cpu;
	}
	weft__cpus_order("/sys", ret_cpus, n);
	quota = cgroup_quota();
	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}
