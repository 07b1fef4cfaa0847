/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rss.h"

#include <libproc2/pids.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The kernel's own high-water mark: libproc2 does not carry it, and samples would miss a short peak. */
static double peak_mb(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmHWM: %lu", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return (double)kib / 1024.0;
}

struct bench_rss bench_rss_read(void)
{
	enum pids_item items[] = { PIDS_VM_RSS }; /* KiB */
	struct bench_rss rss = { .peak_mb = peak_mb() };
	struct pids_info *info = NULL;
	struct pids_fetch *fetch;
	unsigned pid = (unsigned)getpid();

	if (procps_pids_new(&info, items, 1) < 0)
		return rss;
	fetch = procps_pids_select(info, &pid, 1, PIDS_SELECT_PID);
	if (fetch && fetch->counts->total == 1)
		rss.now_mb = (double)PIDS_VAL(0, ul_int, fetch->stacks[0], info) / 1024.0;
	procps_pids_unref(&info);
	if (rss.peak_mb < rss.now_mb)
		rss.peak_mb = rss.now_mb;
	return rss;
}

double bench_cpu_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
