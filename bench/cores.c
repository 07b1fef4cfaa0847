/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/cores.h"

cpu_set_t bench_cores_all(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	sched_getaffinity(0, sizeof(all), &all);
	return all;
}

void bench_cores_keep(const cpu_set_t *all, uint32_t from, uint32_t to)
{
	cpu_set_t some;
	uint32_t seen = 0;

	CPU_ZERO(&some);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, all))
			continue;
		if (seen >= from && seen < to)
			CPU_SET(i, &some);
		seen++;
	}
	sched_setaffinity(0, sizeof(some), CPU_COUNT(&some) ? &some : all);
}
