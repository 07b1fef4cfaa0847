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
#include <string.h>

#define STEPS 127.0f

/* 1 / the scale, or 0 when there is nothing to tell apart. */
static float steps_a_unit(const float *v, size_t n)
{
	float largest = weft__simd()->largest_f32(v, n);

	return isfinite(largest) && largest >= 0x1p-120f ? STEPS / largest : 0; /* a smaller one's inverse may be infinite */
}

float weft__quantise_row(const float *v, size_t n, uint8_t *ret_codes)
{
	float per = steps_a_unit(v, n);

	if (!(per > 0)) {
		memset(ret_codes, 128, n);
		return 0;
	}
	weft__simd()->encode_i8(v, n, per, 128, ret_codes);
	return 1 / per;
}

struct weft__query_i8 weft__quantise_query(const float *v, size_t n, int8_t *ret_codes)
{
	float per = steps_a_unit(v, n);
	int32_t sum = 0;

	if (!(per > 0)) {
		memset(ret_codes, 0, n);
		return (struct weft__query_i8){ 0 };
	}
	weft__simd()->encode_i8(v, n, per, 0, (uint8_t *)ret_codes);
	for (size_t i = 0; i < n; i++)
		sum += ret_codes[i];
	return (struct weft__query_i8){ .scale = 1 / per, .offset = 128 * sum };
}
