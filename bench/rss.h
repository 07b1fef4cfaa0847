/* SPDX-License-Identifier: Apache-2.0 */
/* bench/rss.h - resident memory of this process, as the kernel counts it, and its processor time. */
#ifndef WEFT_BENCH_RSS_H
#define WEFT_BENCH_RSS_H

struct bench_rss {
	double now_mb, peak_mb; /* 0 when they cannot be read */
};

struct bench_rss bench_rss_read(void);

/* Processor time that all threads have had. */
double bench_cpu_ms(void);

#endif
