/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/histogram.h - how often which latency came, in buckets that are at most 1/128 of their value wide.
 *
 * What it is for: tails of many requests, from several processes. Buckets have the same bounds everywhere, so
 * histograms add up; only those with something in them are kept, in rising order. Quantiles are upper bounds of
 * buckets: never less than the truth, and less than 0.8% more.
 */
#ifndef WEFT_BENCH_HISTOGRAM_H
#define WEFT_BENCH_HISTOGRAM_H

#include <stdint.h>

struct bench_histogram {
	struct bench_bucket {
		uint64_t upper_ns; /* the greatest value that counts here */
		uint64_t count;
	} *buckets;            /* owned */
	uint32_t bucket_count;
	uint64_t total, max_ns;
};

/* The greatest value in the bucket of this one. */
uint64_t bench_bucket_upper(uint64_t ns);
/* Of `count` values, which are sorted by this. 0 or -ENOMEM; *ret is to be given to bench_histogram_free. */
int bench_histogram_of(uint64_t *values_ns, uint32_t count, struct bench_histogram *ret);
/* Put `count` more values at upper_ns, which is above the last one. 0, -ENOMEM or -EINVAL: not in order. */
int bench_histogram_append(struct bench_histogram *h, uint64_t upper_ns, uint64_t count);
/* Add what is in `from`. 0 or -ENOMEM: then nothing has changed. */
int bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from);
/* The least bound that a share q of all values does not exceed, at most max_ns; q >= 1: max_ns; nothing in it: 0. */
uint64_t bench_histogram_quantile(const struct bench_histogram *h, double q);
void bench_histogram_free(struct bench_histogram *h);

#endif
