/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/seed.h - one seed a test run, printed, and taken from WEFT_SEED to
 * replay. Helpers for random choices that follow from it, nothing else.
 */
#ifndef WEFT_TESTS_SUPPORT_SEED_H
#define WEFT_TESTS_SUPPORT_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The seed of this test: WEFT_SEED, or something new. Printed, so that a failure can be replayed. */
static inline uint64_t test_seed(const char *what)
{
	const char *text = getenv("WEFT_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = text && *text ? strtoull(text, NULL, 0) : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
	fprintf(stderr, "%s: WEFT_SEED=%" PRIu64 "\n", what, seed);
	return seed;
}

/* splitmix64: any state will do. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. below-1 */
static inline uint32_t test_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)(test_random(state) % below);
}

#endif
