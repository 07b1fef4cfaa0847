/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/stat/random.h - chance with a seed: the same seed gives the same draws on every machine.
 *
 * splitmix64 (Steele, Lea, Flood 2014): 64 bits of state, passes BigCrush, any seed is a good one.
 */
#ifndef WEFT_BENCH_STAT_RANDOM_H
#define WEFT_BENCH_STAT_RANDOM_H

#include <math.h>
#include <stdint.h>

struct bench_random {
	uint64_t state; /* the seed, to begin with */
};

static inline uint64_t bench_random_next(struct bench_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. n - 1; n at least 1. The high half of a product: its bias is below n / 2^32. */
static inline uint32_t bench_random_below(struct bench_random *r, uint32_t n)
{
	return (uint32_t)(((bench_random_next(r) >> 32) * n) >> 32);
}

/* Above 0, at most 1: its logarithm is finite. */
static inline double bench_random_unit(struct bench_random *r)
{
	return ((double)(bench_random_next(r) >> 11) + 1) * 0x1p-53;
}

static inline double bench_random_exponential(struct bench_random *r, double mean)
{
	return -mean * log(bench_random_unit(r));
}

/* Box and Muller's, one of the two. */
static inline double bench_random_normal(struct bench_random *r)
{
	double radius = sqrt(-2 * log(bench_random_unit(r)));

	return radius * cos(6.283185307179586477 * bench_random_unit(r));
}

#endif
