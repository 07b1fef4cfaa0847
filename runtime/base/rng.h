/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/rng.h - random numbers that a seed replays, and where seeds come from.
 *
 * xoshiro256++ (Blackman and Vigna), filled by splitmix64: about a nanosecond a word,
 * good for scheduling, ids and tests, useless for secrets. One thread owns a generator.
 * weft__entropy is the only source of true randomness; simulation replaces it.
 */
#ifndef WEFT_RUNTIME_BASE_RNG_H
#define WEFT_RUNTIME_BASE_RNG_H

#include <stdint.h>

#include "runtime/base/hash.h"

struct weft__rng {
	uint64_t s[4];
};

static inline uint64_t weft__splitmix(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return weft__mix64(*state);
}

/* Any seed will do, 0 too. */
static inline void weft__rng_seed(struct weft__rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->s[i] = weft__splitmix(&seed);
}

static inline uint64_t weft__rotl64(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

static inline uint64_t weft__rng_next(struct weft__rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = weft__rotl64(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = weft__rotl64(s[3], 45);
	return result;
}

/* 0 .. bound-1 by Lemire's multiplication; bias below bound / 2^64. bound must not be 0. */
static inline uint64_t weft__rng_below(struct weft__rng *rng, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)weft__rng_next(rng) * bound) >> 64);
}

/* 64 bits from the kernel, or from the source set below. Any thread. Never fails. */
uint64_t weft__entropy(void);

/* Replace the source; NULL restores the kernel's. Before any other thread uses weft. */
void weft__entropy_source_set(uint64_t (*fn)(void *user), void *user);

#endif
