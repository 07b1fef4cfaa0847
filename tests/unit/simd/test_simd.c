/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel set that this CPU can run, against sums in doubles: all lengths
 * around the kernels' steps, unaligned pointers, huge, denormal, zero and non-finite input.
 */
#include "simd/simd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/seed.h"

#define N_MAX 200u

static float pool[6][N_MAX + 8];

static float random_float(uint64_t *rnd, float scale)
{
	return ((float)test_below(rnd, 2000001) / 1000000.0f - 1.0f) * scale;
}

static void fill(uint64_t *rnd, float scale)
{
	for (int v = 0; v < 6; v++) {
		for (uint32_t i = 0; i < N_MAX + 8; i++)
			pool[v][i] = random_float(rnd, scale);
	}
}

/*
 * |got - want| within n/8 * 2^-24 of the sum of absolute products (simd.h); and, where products are too small to be
 * normal, half of the smallest float for each product and each sum.
 */
static void close_to(const char *what, const char *set, float got, double want, double absolute, size_t n)
{
	double bound = ((double)n / 8 + 4) * ldexp(1, -24) * absolute + ((double)n + 4) * ldexp(1, -149);

	cr_assert(fabs(got - want) <= bound, "%s %s n=%zu: got %.9g, want %.9g, bound %.3g", set, what, n, (double)got, want,
	          bound);
}

static void check_set(const struct weft__simd *s, size_t n, size_t shift)
{
	const float *a = pool[0] + shift, *b = pool[1] + shift / 2;
	const float *rows[4] = { pool[2] + shift, pool[3], pool[4] + 3, pool[5] + 1 };
	double dot = 0, dot_abs = 0, l2 = 0;
	float four[4];

	for (size_t i = 0; i < n; i++) {
		dot += (double)a[i] * b[i];
		dot_abs += fabs((double)a[i] * b[i]);
		l2 += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	}
	close_to("dot", s->name, s->dot_f32(a, b, n), dot, dot_abs, n);
	/* the differences are rounded before they are squared */
	close_to("l2sq", s->name, s->l2sq_f32(a, b, n), l2, l2 * 4, n);
	s->dot4_f32(a, rows, n, four);
	for (int r = 0; r < 4; r++) {
		double want = 0, absolute = 0;

		for (size_t i = 0; i < n; i++) {
			want += (double)a[i] * rows[r][i];
			absolute += fabs((double)a[i] * rows[r][i]);
		}
		close_to("dot4", s->name, four[r], want, absolute, n);
	}
}

static void each_set(void (*fn)(const struct weft__simd *s))
{
	const struct weft__simd *s;

	for (unsigned i = 0; (s = weft__simd_at(i)); i++)
		fn(s);
}

static void all_lengths(const struct weft__simd *s)
{
	for (size_t n = 0; n <= N_MAX; n++) {
		for (size_t shift = 0; shift < 4; shift++)
			check_set(s, n, shift);
	}
}

Test(simd, kernels__agree_with_doubles)
{
	uint64_t rnd = test_seed("simd");

	fill(&rnd, 1.0f);
	each_set(all_lengths);
	fill(&rnd, 1e15f); /* products near 1e30: sums stay finite */
	each_set(all_lengths);
	fill(&rnd, 1e-20f); /* products are denormal or zero */
	each_set(all_lengths);
}

/* ---- bytes ------------------------------------------------------------------------------ */

static int8_t query[N_MAX + 8];
static uint8_t codes[4][N_MAX + 8];

static void exact_dots(const struct weft__simd *s)
{
	for (size_t n = 0; n <= N_MAX; n++) {
		for (size_t shift = 0; shift < 4; shift++) {
			const uint8_t *rows[4] = { codes[0] + shift, codes[1], codes[2] + 3, codes[3] + 1 };
			int32_t four[4], want[4] = { 0 };

			for (int r = 0; r < 4; r++) {
				for (size_t i = 0; i < n; i++)
					want[r] += query[shift + i] * rows[r][i];
				cr_assert_eq(s->dot_i8(query + shift, rows[r], n), want[r], "%s: n=%zu row %d", s->name, n, r);
			}
			s->dot4_i8(query + shift, rows, n, four);
			cr_assert(!memcmp(four, want, sizeof(want)), "%s: n=%zu, four at once", s->name, n);
		}
	}
}

Test(simd, i8_dots__are_exact)
{
	uint64_t rnd = test_seed("simd i8");

	for (uint32_t i = 0; i < N_MAX + 8; i++) {
		query[i] = (int8_t)(test_below(&rnd, 255) - 127);
		for (int r = 0; r < 4; r++)
			codes[r][i] = (uint8_t)(1 + test_below(&rnd, 255));
	}
	each_set(exact_dots);
	memset(query, -127, sizeof(query)); /* as large as they get */
	memset(codes, 255, sizeof(codes));
	each_set(exact_dots);
}

/* As large as they get, at the length that the header allows. */
static void longest(const struct weft__simd *s)
{
	size_t n = 65536;
	int8_t *q = malloc(n);
	uint8_t *row = malloc(n);
	const uint8_t *rows[4] = { row, row, row, row };
	int32_t four[4];

	memset(q, 127, n);
	memset(row, 255, n);
	cr_assert_eq(s->dot_i8(q, row, n), 127 * 255 * 65536, "%s", s->name);
	s->dot4_i8(q, rows, n, four);
	cr_assert_eq(four[3], 127 * 255 * 65536, "%s", s->name);
	free(q);
	free(row);
}

Test(simd, i8_dots__of_the_longest_rows)
{
	each_set(longest);
}

/* |score - cosine| within the header's bound, whatever the scale, and usually far below it. */
static void quantised_pair(uint64_t *rnd, size_t n, float scale, double *largest)
{
	double want = 0, bound;
	struct weft__query_i8 q;
	float row_scale, got;

	for (size_t i = 0; i < n; i++) {
		pool[0][i] = random_float(rnd, scale);
		pool[1][i] = random_float(rnd, scale);
	}
	if (weft__normalise_f32(pool[0], n) < 0 || weft__normalise_f32(pool[1], n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		want += (double)pool[0][i] * pool[1][i];
	q = weft__quantise_query(pool[0], n, query);
	row_scale = weft__quantise_row(pool[1], n, codes[0]);
	got = weft__i8_score(weft__simd()->dot_i8(query, codes[0], n), q, row_scale);
	for (size_t i = 0; i < n; i++)
		cr_assert(fabs(((double)codes[0][i] - 128) * row_scale - pool[1][i]) <= row_scale * 0.50001, "n=%zu i=%zu", n, i);
	bound = (row_scale + q.scale) / 2 * sqrt((double)n) + (double)n / 4 * row_scale * q.scale + 1e-6;
	cr_assert(fabs(got - want) <= bound, "n=%zu: %g, cosine %g, bound %g", n, (double)got, want, bound);
	if (fabs(got - want) > *largest)
		*largest = fabs(got - want);
}

Test(simd, quantise__keeps_scores_within_the_bound)
{
	uint64_t rnd = test_seed("quantise");
	double largest = 0;

	for (size_t n = 1; n <= N_MAX; n++) {
		for (int i = 0; i < 20; i++)
			quantised_pair(&rnd, n, 1, &largest);
	}
	cr_assert_leq(largest, 0.02);
}

Test(simd, quantise__of_what_has_no_direction_is_zero)
{
	float bad[][3] = { { 0, 0, 0 }, { 1, NAN, 0 }, { 1, 2, INFINITY }, { 1e-45f, 0, 0 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t row[3];
		int8_t q[3];
		struct weft__query_i8 info = weft__quantise_query(bad[i], 3, q);

		cr_assert_eq(weft__quantise_row(bad[i], 3, row), 0);
		cr_assert(row[0] == 128 && row[1] == 128 && row[2] == 128);
		cr_assert(info.scale == 0 && info.offset == 0 && !q[0] && !q[1] && !q[2]);
	}
}

/* ---- what is not finite -------------------------------------------------------------------- */

static void not_finite(const struct weft__simd *s)
{
	float a[33] = { 0 }, b[33] = { 0 };

	for (int at = 0; at < 33; at += 8) {
		memset(a, 0, sizeof(a));
		a[at] = NAN;
		b[at] = 1;
		cr_assert(isnan(s->dot_f32(a, b, 33)), "%s: NaN at %d was lost", s->name, at);
		a[at] = INFINITY;
		cr_assert(isinf(s->dot_f32(a, b, 33)), "%s: Inf at %d was lost", s->name, at);
		b[at] = 0;
	}
}

Test(simd, kernels__pass_nan_and_inf_on)
{
	each_set(not_finite);
}

Test(simd, normalise__gives_length_one_at_any_scale)
{
	uint64_t rnd = test_seed("normalise");

	for (float scale = 1e-30f; scale < 1e30f; scale *= 1000) {
		double sum = 0;
		float v[77];

		for (int i = 0; i < 77; i++)
			v[i] = random_float(&rnd, scale);
		cr_assert_eq(weft__normalise_f32(v, 77), 0);
		for (int i = 0; i < 77; i++)
			sum += (double)v[i] * v[i];
		cr_assert(fabs(sum - 1) < 1e-5, "scale %g: length^2 %g", (double)scale, sum);
	}
}

Test(simd, normalise__refuses_zero_and_non_finite)
{
	float zero[3] = { 0 }, nan[3] = { 1, NAN, 0 }, inf[2] = { INFINITY, 1 };

	cr_assert_eq(weft__normalise_f32(zero, 3), -EINVAL);
	cr_assert_eq(weft__normalise_f32(nan, 3), -EINVAL);
	cr_assert_eq(weft__normalise_f32(inf, 2), -EINVAL);
	cr_assert_eq(inf[1], 1, "untouched");
}

Test(simd, cosine__of_parallel_opposite_orthogonal_and_zero)
{
	float a[3] = { 1, 2, 3 }, b[3] = { 2, 4, 6 }, c[3] = { -1, -2, -3 }, d[3] = { 3, 0, -1 }, zero[3] = { 0 };

	cr_assert_float_eq(weft__cosine_f32(a, b, 3), 1, 1e-6);
	cr_assert_float_eq(weft__cosine_f32(a, c, 3), -1, 1e-6);
	cr_assert_float_eq(weft__cosine_f32(a, d, 3), 0, 1e-6);
	cr_assert_eq(weft__cosine_f32(a, zero, 3), 0);
}
