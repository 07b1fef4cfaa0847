/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on vectors as a host has it. Goal: each public function is the one it says it is (the kernels behind them
 * have tests of their own), the widest one and a lesser one agree, and the documented way from bytes to a score holds.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <weft/weft.h>

#include "tests/support/seed.h"

#define DIMS 133u

static float rows[5][DIMS];

static void fill(uint64_t *rnd)
{
	for (int r = 0; r < 5; r++) {
		for (uint32_t i = 0; i < DIMS; i++)
			rows[r][i] = (float)test_below(rnd, 20001) / 10000.0f - 1.0f;
	}
}

static double dot(const float *a, const float *b)
{
	double s = 0;

	for (uint32_t i = 0; i < DIMS; i++)
		s += (double)a[i] * b[i];
	return s;
}

static double distance(const float *a, const float *b)
{
	double s = 0;

	for (uint32_t i = 0; i < DIMS; i++)
		s += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return s;
}

/* All of weft/vector.h once, with whatever instructions this process uses. */
static void check_all(uint64_t *rnd)
{
	const float *const four[4] = { rows[1], rows[2], rows[3], rows[4] };
	const double bound = WEFT_VECTOR_ERROR(DIMS) * DIMS;
	double cosine, want;
	uint16_t a[DIMS], b[DIMS];
	float dots[4], back[DIMS];

	fill(rnd);
	cr_assert_float_eq(weft_vector_dot(rows[0], rows[1], DIMS), dot(rows[0], rows[1]), bound);
	cr_assert_float_eq(weft_vector_l2sq(rows[0], rows[1], DIMS), distance(rows[0], rows[1]), 4 * bound);
	weft_vector_dot4(rows[0], four, DIMS, dots);
	for (int r = 0; r < 4; r++)
		cr_assert_float_eq(dots[r], dot(rows[0], four[r]), bound);
	want = dot(rows[0], rows[1]) / sqrt(dot(rows[0], rows[0]) * dot(rows[1], rows[1]));
	cosine = weft_vector_cosine(rows[0], rows[1], DIMS);
	cr_assert_float_eq(cosine, want, 1e-5);
	cr_assert_float_eq(weft_vector_norm(rows[0], DIMS), sqrt(dot(rows[0], rows[0])), 1e-5);

	weft_vector_to_f16(rows[0], DIMS, a);
	weft_vector_to_f16(rows[1], DIMS, b);
	weft_vector_from_f16(a, DIMS, back);
	for (uint32_t i = 0; i < DIMS; i++)
		cr_assert_float_eq(back[i], rows[0][i], 0x1p-12);
	cr_assert_float_eq(weft_vector_dot_f16(a, b, DIMS), dot(rows[0], rows[1]), DIMS * 0x1p-11);
	cr_assert_float_eq(weft_vector_cosine_f16(a, b, DIMS), want, 1e-3);
	weft_vector_to_bf16(rows[0], DIMS, a);
	weft_vector_to_bf16(rows[1], DIMS, b);
	weft_vector_from_bf16(a, DIMS, back);
	for (uint32_t i = 0; i < DIMS; i++)
		cr_assert_float_eq(back[i], rows[0][i], 0x1p-9);
	cr_assert_float_eq(weft_vector_dot_bf16(a, b, DIMS), dot(rows[0], rows[1]), DIMS * 0x1p-8);
	cr_assert_float_eq(weft_vector_cosine_bf16(a, b, DIMS), want, 1e-2);
}

Test(vector, floats_and_halves__are_near_what_doubles_give)
{
	uint64_t rnd = test_seed("vector");

	fprintf(stderr, "instructions: %s\n", weft_vector_simd());
	for (int round = 0; round < 100; round++)
		check_all(&rnd);
}

Test(vector, floats_and_halves__with_the_least_instructions)
{
	uint64_t rnd = test_seed("vector baseline");

#if defined(__aarch64__)
	const char *least = "neon";
#else
	const char *least = "baseline";
#endif

	setenv("WEFT_SIMD", least, 1);
	cr_assert_str_eq(weft_vector_simd(), least);
	for (int round = 0; round < 100; round++)
		check_all(&rnd);
}

Test(vector, bytes__give_the_score_that_the_header_says)
{
	uint64_t rnd = test_seed("vector bytes");

	for (int round = 0; round < 200; round++) {
		uint8_t codes[4][DIMS];
		int8_t query[DIMS];
		const uint8_t *const four[4] = { codes[0], codes[1], codes[2], codes[3] };
		float scales[4];
		int32_t sums[4];
		weft_vector_i8 q;

		fill(&rnd);
		for (int r = 0; r < 5; r++)
			cr_assert_eq(weft_vector_normalise(rows[r], DIMS), 0);
		q = weft_vector_query_i8(rows[0], DIMS, query);
		for (int r = 0; r < 4; r++)
			scales[r] = weft_vector_row_i8(rows[1 + r], DIMS, codes[r]);
		weft_vector_dot4_i8(query, four, DIMS, sums);
		for (int r = 0; r < 4; r++) {
			double score = (double)(sums[r] - q.offset) * q.scale * scales[r];

			cr_assert_float_eq(score, dot(rows[0], rows[1 + r]), 0.01);
		}
	}
}

Test(vector, what_has_no_direction__is_told)
{
	float zero[3] = { 0 }, bad[3] = { 1, NAN, 2 };

	cr_assert_eq(weft_vector_normalise(zero, 3), -EINVAL);
	cr_assert_eq(weft_vector_normalise(bad, 3), -EINVAL);
	cr_assert_eq(bad[2], 2, "unchanged");
	cr_assert_eq(weft_vector_cosine(zero, zero, 3), 0);
	cr_assert(isnan(weft_vector_cosine(bad, bad, 3)));
}

Test(vector, bits_and_the_best)
{
	uint64_t a[3] = { 0, 7, UINT64_MAX }, b[3] = { 1, 7, 0 };
	float scores[6] = { 3, NAN, 5, 5, -INFINITY, 4 };
	weft_vector_hit hits[6];

	cr_assert_eq(weft_vector_hamming(a, b, 3), 65);
	cr_assert_eq(weft_vector_topk(scores, 6, 3, hits), 3);
	cr_assert(hits[0].at == 2 && hits[1].at == 3 && hits[2].at == 5 && hits[2].score == 4);
	cr_assert_eq(weft_vector_topk(scores, 6, 6, hits), 5);
	cr_assert(hits[4].at == 4);
	cr_assert_eq(weft_vector_topk(scores, 0, 6, hits), 0);
	cr_assert_eq(weft_vector_topk(scores, 6, 0, hits), 0);
}
