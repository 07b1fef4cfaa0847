/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rss.h"

#include <stdio.h>
#include <time.h>

/* Both from one file, and the peak is the kernel's own: samples would miss a short one. */
struct bench_rss bench_rss_read(void)
{
	unsigned long now_kib = 0, peak_kib = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "VmHWM: %lu", &peak_kib);
		if (sscanf(line, "VmRSS: %lu", &now_kib) == 1)
			break; /* behind VmHWM, and younger */
	}
	if (f)
		fclose(f);
	if (peak_kib < now_kib)
		peak_kib = now_kib;
	return (struct bench_rss){ .now_mb = (double)now_kib / 1024.0, .peak_mb = (double)peak_kib / 1024.0 };
}

double bench_cpu_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
