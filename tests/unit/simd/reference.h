/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/simd/reference.h - what the tests of simd/ share: rows that end where reading ends, values of every kind,
 * and each kernel set in turn.
 */
#ifndef WEFT_TESTS_SIMD_REFERENCE_H
#define WEFT_TESTS_SIMD_REFERENCE_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "simd/simd.h"
#include "tests/support/seed.h"

/* -1 .. 1 in steps of 1e-6, times scale */
static inline float random_float(uint64_t *rnd, float scale)
{
	return ((float)test_below(rnd, 2000001) / 1000000.0f - 1.0f) * scale;
}

static inline float random_bits_float(uint64_t *rnd)
{
	uint32_t bits = (uint32_t)test_random(rnd);
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* The last `bytes` bytes before a page that cannot be read: one byte too far ends the test. Never given back. */
static inline void *before_the_end(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
	char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(map, MAP_FAILED);
	cr_assert_eq(mprotect(map + whole, page, PROT_NONE), 0);
	return map + whole - bytes;
}

static inline void each_set(void (*fn)(const struct weft__simd *s))
{
	const struct weft__simd *s;

	for (unsigned i = 0; (s = weft__simd_at(i)); i++)
		fn(s);
}

#endif
