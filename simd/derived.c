/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/derived.c - cosine, norm, normalise.
 *
 * Squares of ordinary values are summed by the kernels. A sum near the ends of f32 may have lost values to overflow
 * or to zero; then, and only then, all is done again in doubles, which no square of an f32 can leave.
 */
#include "simd/simd.h"

#include <errno.h>
#include <math.h>

/* A sum of squares so far from f32's ends that nothing that counts was lost. */
static int is_ordinary(float sum)
{
	return sum > 0x1p-80f && sum < 0x1p+120f;
}

typedef double read_fn(const void *v, size_t i);

static double read_f32(const void *v, size_t i)
{
	return ((const float *)v)[i];
}

static double read_f16(const void *v, size_t i)
{
	float x;

	weft__f16_to_f32((const uint16_t *)v + i, 1, &x);
	return x;
}

static double read_bf16(const void *v, size_t i)
{
	float x;

	weft__bf16_to_f32((const uint16_t *)v + i, 1, &x);
	return x;
}

static double within_one(double cosine)
{
	return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

static float cosine_in_doubles(read_fn *read, const void *a, const void *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		double x = read(a, i), y = read(b, i);

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	if (!isfinite(aa) || !isfinite(bb))
		return NAN;
	return aa > 0 && bb > 0 ? (float)within_one(ab / (sqrt(aa) * sqrt(bb))) : 0;
}

static float cosine(const float products[3], read_fn *read, const void *a, const void *b, size_t n)
{
	if (!is_ordinary(products[1]) || !is_ordinary(products[2]))
		return cosine_in_doubles(read, a, b, n);
	return (float)within_one(products[0] / sqrt((double)products[1] * products[2]));
}

float weft__cosine_f32(const float *a, const float *b, size_t n)
{
	float products[3];

	weft__simd()->products_f32(a, b, n, products);
	return cosine(products, read_f32, a, b, n);
}

float weft__cosine_f16(const uint16_t *a, const uint16_t *b, size_t n)
{
	float products[3];

	weft__simd()->products_f16(a, b, n, products);
	return cosine(products, read_f16, a, b, n);
}

float weft__cosine_bf16(const uint16_t *a, const uint16_t *b, size_t n)
{
	float products[3];

	weft__simd()->products_bf16(a, b, n, products);
	return cosine(products, read_bf16, a, b, n);
}

double weft__norm_f32(const float *v, size_t n)
{
	float fast = weft__simd()->dot_f32(v, v, n);
	double sum = 0;

	if (is_ordinary(fast))
		return sqrt((double)fast);
	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	return sqrt(sum);
}

int weft__normalise_f32(float *v, size_t n)
{
	double norm = weft__norm_f32(v, n), scale = 1 / norm;

	if (!isfinite(norm) || norm <= 0)
		return -EINVAL;
	if (scale >= 0x1p-100 && scale <= 0x1p100) {
		for (size_t i = 0; i < n; i++)
			v[i] *= (float)scale;
	} else { /* no f32, or one that makes it lose what v[i] has */
		for (size_t i = 0; i < n; i++)
			v[i] = (float)(v[i] * scale);
	}
	return 0;
}
