/* SPDX-License-Identifier: Apache-2.0 */
/* simd/scalar.c - the kernels in plain C: 16 partial sums, which any compiler can vectorise. */
#include "simd/simd.h"

#define LANES 16

static float sum(const float *part)
{
	float s = 0;

	for (int i = 0; i < LANES; i++)
		s += part[i];
	return s;
}

static float dot(const float *a, const float *b, size_t n)
{
	float part[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++)
			part[j] += a[i + j] * b[i + j];
	}
	for (int j = 0; i < n; i++, j++)
		part[j] += a[i] * b[i];
	return sum(part);
}

static void dot4(const float *q, const float *const rows[4], size_t n, float ret[4])
{
	for (int r = 0; r < 4; r++)
		ret[r] = dot(q, rows[r], n);
}

static float l2sq(const float *a, const float *b, size_t n)
{
	float part[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) {
			float d = a[i + j] - b[i + j];

			part[j] += d * d;
		}
	}
	for (int j = 0; i < n; i++, j++) {
		float d = a[i] - b[i];

		part[j] += d * d;
	}
	return sum(part);
}

static int32_t dot_i8(const int8_t *q, const uint8_t *codes, size_t n)
{
	int32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += q[i] * codes[i];
	return s;
}

static void dot4_i8(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4])
{
	for (int r = 0; r < 4; r++)
		ret[r] = dot_i8(q, rows[r], n);
}

const struct weft__simd weft__simd_scalar = {
	.name = "scalar", .dot_f32 = dot, .dot4_f32 = dot4, .l2sq_f32 = l2sq, .dot_i8 = dot_i8, .dot4_i8 = dot4_i8
};
