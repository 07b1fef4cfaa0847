/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/quantise.c - a value in a byte: a quarter of the memory to read, and four products an instruction.
 *
 * Rows are unsigned and queries signed, because that is what the CPU multiplies (VNNI): a row's code is the
 * rounded value plus 128, so a dot product is too large by 128 times the sum of the query's codes, which is
 * taken off once a query. Each row has a scale of its own: rows in a narrow cone (pixels) keep their resolution.
 */
#include "simd/simd.h"

#include <math.h>

#define STEPS 127.0f

/* 1 / the scale, or 0 when there is nothing to tell apart. */
static float steps_a_unit(const float *v, size_t n)
{
	float largest = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		float a = fabsf(v[i]);

		largest = a > largest ? a : largest;
		sum += a;
	}
	/* a tiny one's inverse is infinite; sum: whatever is not finite shows there */
	return isfinite(sum) && largest > 0 && isfinite(STEPS / largest) ? STEPS / largest : 0;
}

/* Ties to even, as the CPU rounds: adding 1.5 * 2^23 leaves the integer in the low bits. For |x| < 2^22. */
static int32_t nearest(float x)
{
	union {
		float f;
		int32_t i;
	} u = { .f = x + 12582912.0f };

	return u.i - 0x4b400000;
}

float weft__quantise_row(const float *v, size_t n, uint8_t *ret_codes)
{
	float per = steps_a_unit(v, n);

	if (!(per > 0)) {
		for (size_t i = 0; i < n; i++)
			ret_codes[i] = 128;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		ret_codes[i] = (uint8_t)(nearest(v[i] * per) + 128);
	return 1 / per;
}

struct weft__query_i8 weft__quantise_query(const float *v, size_t n, int8_t *ret_codes)
{
	float per = steps_a_unit(v, n);
	int32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		ret_codes[i] = per > 0 ? (int8_t)nearest(v[i] * per) : 0;
		sum += ret_codes[i];
	}
	return (struct weft__query_i8){ .scale = per > 0 ? 1 / per : 0, .offset = 128 * sum };
}
