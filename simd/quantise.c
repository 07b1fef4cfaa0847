/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/quantise.c - a value in a byte: a quarter of the memory to read, and four products an instruction.
 *
 * Rows are unsigned and queries signed, because that is what the CPU multiplies (VNNI): a row's code is the
 * rounded value plus 128, so a dot product is too large by 128 times the sum of the query's codes, which is
 * taken off once a query. Each row has a scale of its own: rows in a narrow cone (pixels) keep their resolution.
 *
 * A byte is too little for scores that must be right. What it leaves over is kept in two more, apart from it, so that a search
 * reads bytes and a score 24 bits: no less than a float has of a row's largest values, and three quarters of its memory.
 */
#include "simd/simd.h"

#include <math.h>
#include <string.h>

#define STEPS 127.0f

/* The largest |v[i]|, or 0 when there is nothing to tell apart. */
static float largest_of(const float *v, size_t n)
{
	float largest = weft__simd()->largest_f32(v, n);

	return isfinite(largest) && largest >= 0x1p-120f ? largest : 0; /* a smaller one's inverse may be infinite */
}

/* 1 / the scale, or 0. */
static float steps_a_unit(const float *v, size_t n)
{
	float largest = largest_of(v, n);

	return largest > 0 ? STEPS / largest : 0;
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

/* ---- 24 bits ------------------------------------------------------------------------- */

/*
 * The nearest step. In doubles, where adding 1.5 * 2^52 leaves the integer in the low bits: a float of k steps is off by less than half
 * a step, as k < 2^23, so that the same k comes back.
 */
static int32_t step_of(float v, double per)
{
	double x = (double)v * per + 0x1.8p52;
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return (int32_t)(uint32_t)bits;
}

float weft__quantise_fine(const float *v, size_t n, uint8_t *ret_codes, int16_t *ret_rests)
{
	float largest = largest_of(v, n);
	double per = largest > 0 ? WEFT__FINE_STEPS / (double)largest : 0;

	for (size_t i = 0; i < n; i++) {
		int32_t k = per > 0 ? step_of(v[i], per) : 0;

		ret_codes[i] = (uint8_t)(((k + 0x8000) >> 16) + 128);
		if (ret_rests)
			ret_rests[i] = (int16_t)k;
	}
	return largest;
}

void weft__fine_to_f32(const uint8_t *codes, const int16_t *rests, float largest, size_t n, float *ret)
{
	double step = (double)largest / WEFT__FINE_STEPS;

	for (size_t i = 0; i < n; i++)
		ret[i] = (float)(((int32_t)codes[i] - 128) * 65536 * step + (rests ? rests[i] * step : 0));
}
