/* SPDX-License-Identifier: Apache-2.0 */
/* Cosine, norm, normalise, quantise, against doubles: any scale that f32 has, and what has no direction. */
#include "simd/simd.h"

#include <errno.h>

#include "tests/unit/simd/reference.h"

#define N_MAX 200u

static double reference_cosine(const float *a, const float *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa) / sqrt(bb) : 0;
}

static void check_cosine(const char *what, float got, double want, size_t n)
{
	cr_assert(fabs(got - want) <= 2 * WEFT__SIMD_ERROR(n), "%s n=%zu: got %.9g, want %.9g", what, n, (double)got, want);
	cr_assert(got >= -1 && got <= 1, "%s n=%zu: %.9g", what, n, (double)got);
}

static void check_cosines(const float *a, const float *b, size_t n)
{
	float x[N_MAX], y[N_MAX];
	uint16_t h[N_MAX], k[N_MAX];

	check_cosine("f32", weft__cosine_f32(a, b, n), reference_cosine(a, b, n), n);
	weft__f16_from_f32(a, n, h);
	weft__f16_from_f32(b, n, k);
	weft__f16_to_f32(h, n, x);
	weft__f16_to_f32(k, n, y);
	if (isfinite(weft__norm_f32(x, n)) && isfinite(weft__norm_f32(y, n)))
		check_cosine("f16", weft__cosine_f16(h, k, n), reference_cosine(x, y, n), n);
	weft__bf16_from_f32(a, n, h);
	weft__bf16_from_f32(b, n, k);
	weft__bf16_to_f32(h, n, x);
	weft__bf16_to_f32(k, n, y);
	check_cosine("bf16", weft__cosine_bf16(h, k, n), reference_cosine(x, y, n), n);
}

Test(derived, cosine__at_any_scale_of_either)
{
	uint64_t rnd = test_seed("cosine");

	for (int round = 0; round < 3000; round++) {
		size_t n = 1 + test_below(&rnd, N_MAX);
		float a[N_MAX], b[N_MAX];
		float sa = ldexpf(1, (int)test_below(&rnd, 250) - 124), sb = ldexpf(1, (int)test_below(&rnd, 250) - 124);
		uint32_t kind = test_below(&rnd, 3);

		for (size_t i = 0; i < n; i++) {
			float x = random_float(&rnd, 1);

			a[i] = x * sa;
			b[i] = kind == 0 ? x * sb : kind == 1 ? -x * sb : random_float(&rnd, 1) * sb;
		}
		check_cosines(a, b, n);
	}
}

Test(derived, cosine__of_what_has_no_direction)
{
	float a[5] = { 1, 2, 3, 4, 5 }, zero[5] = { 0 }, nan[5] = { 1, 2, 3, NAN, 1 }, inf[5] = { 0, 0, -INFINITY, 1 };
	float small[5] = { 1e-45f }, large[5] = { 3e38f, 3e38f };

	cr_assert_eq(weft__cosine_f32(a, zero, 5), 0);
	cr_assert_eq(weft__cosine_f32(zero, zero, 5), 0);
	cr_assert_eq(weft__cosine_f32(a, a, 0), 0);
	cr_assert(isnan(weft__cosine_f32(a, nan, 5)));
	cr_assert(isnan(weft__cosine_f32(inf, a, 5)));
	cr_assert(isnan(weft__cosine_f32(zero, nan, 5)));
	cr_assert_eq(weft__cosine_f32(small, small, 5), 1);
	cr_assert_float_eq(weft__cosine_f32(large, large, 5), 1, 1e-7);
	cr_assert_float_eq(weft__cosine_f32(large, small, 5), sqrt(0.5), 1e-6);
}

Test(derived, normalise__gives_length_one_at_any_scale)
{
	uint64_t rnd = test_seed("normalise");

	for (int exponent = -126; exponent <= 127; exponent++) {
		size_t n = 1 + test_below(&rnd, N_MAX);
		double sum = 0, norm = 0, direction;
		float v[N_MAX], was[N_MAX];

		for (size_t i = 0; i < n; i++) {
			was[i] = v[i] = ldexpf(random_float(&rnd, 1), exponent);
			norm += (double)v[i] * v[i];
		}
		if (norm <= 0)
			continue;
		cr_assert_float_eq(weft__norm_f32(v, n) / sqrt(norm), 1, 1e-6);
		cr_assert_eq(weft__normalise_f32(v, n), 0);
		for (size_t i = 0; i < n; i++)
			sum += (double)v[i] * v[i];
		cr_assert(fabs(sum - 1) < 1e-6, "2^%d: length^2 %.9g", exponent, sum);
		direction = reference_cosine(v, was, n);
		cr_assert(direction > 1 - 1e-6, "2^%d: cosine to what it was %g", exponent, direction);
	}
}

Test(derived, normalise__refuses_zero_and_non_finite)
{
	float zero[3] = { 0 }, nan[3] = { 1, NAN, 0 }, inf[2] = { INFINITY, 1 };

	cr_assert_eq(weft__normalise_f32(zero, 3), -EINVAL);
	cr_assert_eq(weft__normalise_f32(zero, 0), -EINVAL);
	cr_assert_eq(weft__normalise_f32(nan, 3), -EINVAL);
	cr_assert_eq(weft__normalise_f32(inf, 2), -EINVAL);
	cr_assert_eq(inf[1], 1, "untouched");
}

/* ---- quantise ------------------------------------------------------------------------------ */

/* |score - cosine| within the header's bound, whatever the scale, and usually far below it. */
static void quantised_pair(uint64_t *rnd, size_t n, float scale, double *largest)
{
	float a[N_MAX], b[N_MAX], row_scale, got;
	double want = 0, bound;
	uint8_t codes[N_MAX];
	int8_t query[N_MAX];
	struct weft__query_i8 q;

	for (size_t i = 0; i < n; i++) {
		a[i] = random_float(rnd, scale);
		b[i] = random_float(rnd, scale);
	}
	if (weft__normalise_f32(a, n) < 0 || weft__normalise_f32(b, n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		want += (double)a[i] * b[i];
	q = weft__quantise_query(a, n, query);
	row_scale = weft__quantise_row(b, n, codes);
	got = weft__i8_score(weft__simd()->dot_i8(query, codes, n), q, row_scale);
	for (size_t i = 0; i < n; i++) {
		cr_assert(fabs(((double)codes[i] - 128) * row_scale - b[i]) <= row_scale * 0.50001, "row n=%zu i=%zu", n, i);
		cr_assert(fabs((double)query[i] * q.scale - a[i]) <= q.scale * 0.50001, "query n=%zu i=%zu", n, i);
		cr_assert(codes[i] >= 1 && query[i] >= -127, "n=%zu i=%zu", n, i);
	}
	bound = (row_scale + q.scale) / 2 * sqrt((double)n) + (double)n / 4 * row_scale * q.scale + 1e-6;
	cr_assert(fabs(got - want) <= bound, "n=%zu: %g, cosine %g, bound %g", n, (double)got, want, bound);
	if (fabs(got - want) > *largest)
		*largest = fabs(got - want);
}

Test(quantise, scores__are_within_the_bound)
{
	uint64_t rnd = test_seed("quantise");
	double largest = 0;

	for (size_t n = 1; n <= N_MAX; n++) {
		for (int i = 0; i < 20; i++)
			quantised_pair(&rnd, n, 1, &largest);
	}
	cr_assert_leq(largest, 0.02);
}

/* Each set gives the same codes as rounding in doubles would, but for what lies within a rounding of a tie. */
static void encoded(const struct weft__simd *s)
{
	uint64_t rnd = 42;
	float v[131];
	uint8_t codes[131];

	for (int round = 0; round < 200; round++) {
		size_t n = test_below(&rnd, 132);

		for (size_t i = 0; i < n; i++)
			v[i] = random_float(&rnd, 1);
		s->encode_i8(v, n, 127, 128, codes);
		for (size_t i = 0; i < n; i++)
			cr_assert(fabs((double)codes[i] - 128 - (double)v[i] * 127) <= 0.50001, "%s n=%zu i=%zu", s->name, n, i);
	}
}

Test(quantise, codes__of_every_set)
{
	each_set(encoded);
}

/* Off by half a step, with the codes that a byte alone would have (but where that is a tie), and the same when it is done again. */
static void fine_row(uint64_t *rnd, size_t n, float scale)
{
	float v[N_MAX], back[N_MAX], largest;
	uint8_t codes[N_MAX], alone[N_MAX], again[N_MAX];
	int16_t rests[N_MAX], rests_again[N_MAX];

	for (size_t i = 0; i < n; i++)
		v[i] = test_below(rnd, 4) ? random_float(rnd, scale) : ldexpf(random_float(rnd, scale), -(int)test_below(rnd, 30));
	largest = weft__quantise_fine(v, n, codes, rests);
	cr_assert_eq(weft__quantise_fine(v, n, alone, NULL), largest);
	cr_assert(!memcmp(codes, alone, n));
	if (largest == 0) /* too small */
		return;
	weft__fine_to_f32(codes, rests, largest, n, back);
	for (size_t i = 0; i < n; i++) {
		double step = (double)largest / WEFT__FINE_STEPS;

		cr_assert_leq(fabsf(v[i]), largest);
		cr_assert_leq(fabs((double)back[i] - v[i]), step * 0.50001 + fabs(v[i]) * 0x1p-24, "n=%zu i=%zu", n, i);
		cr_assert_leq(fabs((double)codes[i] - 128 - v[i] * 127.0 / largest), 0.50001, "n=%zu i=%zu", n, i);
	}
	cr_assert_eq(weft__quantise_fine(back, n, again, rests_again), largest);
	cr_assert(!memcmp(codes, again, n) && !memcmp(rests, rests_again, n * sizeof(*rests)), "n=%zu", n);
}

Test(quantise, of_24_bits__are_half_a_step_off_and_stay)
{
	static const float scales[] = { 1, 0.05f, 3e38f, 1e-30f };
	uint64_t rnd = test_seed("quantise fine");

	for (size_t n = 1; n <= N_MAX; n++) {
		for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++)
			fine_row(&rnd, n, scales[i]);
	}
}

/* What simd.h says of a dot product: also where one number is nearly all of the row, and the steps are coarse for the others. */
static void fine_scores(const struct weft__simd *s)
{
	static float q[N_MAX], v[N_MAX];
	uint64_t rnd = 43;
	double worst = 0;

	for (uint32_t round = 0; round < 2000; round++) {
		size_t n = 1 + test_below(&rnd, N_MAX);
		double want = 0, sum_q = 0, absolute = 0, got;
		uint8_t codes[N_MAX];
		int16_t rests[N_MAX];
		float largest;

		for (size_t i = 0; i < n; i++) {
			q[i] = random_float(&rnd, 1);
			v[i] = random_float(&rnd, 1) * (round % 2 && i ? 0x1p-12f : 1);
		}
		weft__normalise_f32(q, n);
		weft__normalise_f32(v, n);
		for (size_t i = 0; i < n; i++) {
			want += (double)q[i] * v[i];
			absolute += fabs((double)q[i] * v[i]);
			sum_q += fabs((double)q[i]);
		}
		largest = weft__quantise_fine(v, n, codes, rests);
		got = (double)weft__fine_score(s->dot_fine(q, codes, rests, n), largest);
		cr_assert_leq(fabs(got - want), 6.01e-8 * largest * sum_q + 2 * WEFT__SIMD_ERROR(n) * absolute, "%s n=%zu", s->name, n);
		worst = fabs(got - want) > worst ? fabs(got - want) : worst;
	}
	cr_assert_leq(worst, 1e-6, "%s: %g", s->name, worst);
}

Test(quantise, scores_of_24_bits__are_within_the_bound)
{
	each_set(fine_scores);
}

Test(quantise, of_what_has_no_direction__is_zero)
{
	float bad[][3] = { { 0, 0, 0 }, { 1, NAN, 0 }, { 1, 2, INFINITY }, { 1e-45f, 0, 0 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t row[3];
		int16_t rests[3];
		int8_t q[3];
		struct weft__query_i8 info = weft__quantise_query(bad[i], 3, q);

		cr_assert_eq(weft__quantise_row(bad[i], 3, row), 0);
		cr_assert(row[0] == 128 && row[1] == 128 && row[2] == 128);
		cr_assert(info.scale == 0 && info.offset == 0 && !q[0] && !q[1] && !q[2]);
		cr_assert_eq(weft__quantise_fine(bad[i], 3, row, rests), 0);
		cr_assert(row[0] == 128 && row[2] == 128 && !rests[0] && !rests[1] && !rests[2]);
	}
}

Test(quantise, of_the_largest_and_the_smallest__keeps_them)
{
	float v[4] = { 3.4e38f, -3.4e38f, 1e38f, 0 }, w[2] = { 0x1p-120f, -0x1p-121f };
	uint8_t row[4];
	float scale = weft__quantise_row(v, 4, row);

	cr_assert(row[0] == 255 && row[1] == 1 && row[3] == 128);
	cr_assert_float_eq(scale * 127 / 3.4e38f, 1, 1e-6);
	cr_assert_float_eq(weft__quantise_row(w, 2, row) * 127 / 0x1p-120f, 1, 1e-6);
	cr_assert(row[0] == 255 && row[1] == 64);
}
