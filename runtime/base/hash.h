/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/hash.h - bits stirred well enough for tables.
 *
 * weft__mix64 is a bijection: no two inputs collide, and every input bit reaches every
 * output bit. Not keyed: never for a table whose keys a stranger chooses.
 */
#ifndef WEFT_RUNTIME_BASE_HASH_H
#define WEFT_RUNTIME_BASE_HASH_H

#include <stdint.h>

/* The finaliser of splitmix64 (Stafford's variant 13). */
static inline uint64_t weft__mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Both halves of the product folded: mixes two words in three cycles or so. */
static inline uint64_t weft__mix2(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
