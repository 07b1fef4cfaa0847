/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel of every set that this CPU can run, against long doubles and whole numbers: all lengths around the
 * kernels' steps and some real ones, every alignment of the type, rows that end at a page that cannot be read;
 * ordinary, huge, denormal, mixed, zero and non-finite values. Float errors stay within what simd.h says.
 */
#include "simd/simd.h"

#include <float.h>

#include "tests/unit/simd/reference.h"

#define N_MAX   1536u
#define SHIFTS  3u /* values by which rows are out of line */
#define SPACE   (N_MAX + SHIFTS)
#define N_EVERY 140u /* all lengths up to here: four steps of 32 and some */

enum type { F32, F16, BF16, TYPES };

static const char *const type_names[TYPES] = { "f32", "f16", "bf16" };
static const size_t sizes[TYPES] = { 4, 2, 2 };
static const size_t long_ones[] = { 255, 384, 511, 513, 768, 1000, N_MAX };

/* Five rows of each type, and what they are as f32. */
static char *rows[TYPES][5];
static float values[TYPES][5][SPACE];

static float dot(const struct weft__simd *s, enum type t, const void *a, const void *b, size_t n)
{
	return t == F32 ? s->dot_f32(a, b, n) : t == F16 ? s->dot_f16(a, b, n) : s->dot_bf16(a, b, n);
}

static float l2sq(const struct weft__simd *s, enum type t, const void *a, const void *b, size_t n)
{
	return t == F32 ? s->l2sq_f32(a, b, n) : t == F16 ? s->l2sq_f16(a, b, n) : s->l2sq_bf16(a, b, n);
}

static void dot4(const struct weft__simd *s, enum type t, const void *q, const char *const r[4], size_t n, float ret[4])
{
	const float *const f[4] = { (const void *)r[0], (const void *)r[1], (const void *)r[2], (const void *)r[3] };
	const uint16_t *const h[4] = { (const void *)r[0], (const void *)r[1], (const void *)r[2], (const void *)r[3] };

	if (t == F32)
		s->dot4_f32(q, f, n, ret);
	else
		(t == F16 ? s->dot4_f16 : s->dot4_bf16)(q, h, n, ret);
}

static void products(const struct weft__simd *s, enum type t, const void *a, const void *b, size_t n, float ret[3])
{
	if (t == F32)
		s->products_f32(a, b, n, ret);
	else
		(t == F16 ? s->products_f16 : s->products_bf16)(a, b, n, ret);
}

/* Store row r's values as type t, the last of them right before the page that cannot be read. */
static void store(enum type t, int r, const float *v)
{
	if (!rows[t][r])
		rows[t][r] = before_the_end(SPACE * sizes[t]);
	if (t == F32) {
		memcpy(rows[t][r], v, SPACE * sizeof(*v));
		memcpy(values[t][r], v, SPACE * sizeof(*v));
	} else if (t == F16) {
		weft__f16_from_f32(v, SPACE, (uint16_t *)(void *)rows[t][r]);
		weft__f16_to_f32((uint16_t *)(void *)rows[t][r], SPACE, values[t][r]);
	} else {
		weft__bf16_from_f32(v, SPACE, (uint16_t *)(void *)rows[t][r]);
		weft__bf16_to_f32((uint16_t *)(void *)rows[t][r], SPACE, values[t][r]);
	}
}

/* What a sum is, and how far off it may be. */
struct sum {
	long double value, absolute, lost;
};

static void sum_add(struct sum *s, enum type t, float x, float y, long double term)
{
	s->value += term;
	s->absolute += fabsl(term);
	/* what is too small to be normal: a rounding; for bf16 all of it */
	s->lost += ldexpl(1, t == BF16 ? -125 : -148);
	if (t == BF16 && (fabsf(x) < FLT_MIN || fabsf(y) < FLT_MIN))
		s->lost += fabsl(term);
}

static void expect(const char *what, const struct weft__simd *s, enum type t, size_t n, float got, struct sum want)
{
	long double bound = WEFT__SIMD_ERROR(n) * want.absolute + want.lost;

	if (!(want.absolute <= FLT_MAX / 4))
		return; /* beyond f32: any Inf or NaN may come out */
	cr_assert(fabsl((long double)got - want.value) <= bound, "%s %s_%s n=%zu: got %.9g, want %.9Lg, bound %.3Lg", s->name, what,
	          type_names[t], n, (double)got, want.value, bound);
}

static struct sum dot_of(enum type t, const float *a, const float *b, size_t n)
{
	struct sum s = { 0 };

	for (size_t i = 0; i < n; i++)
		sum_add(&s, t, a[i], b[i], (long double)a[i] * b[i]);
	return s;
}

static struct sum l2sq_of(enum type t, const float *a, const float *b, size_t n)
{
	struct sum s = { 0 };

	for (size_t i = 0; i < n; i++)
		sum_add(&s, t, a[i], b[i], ((long double)a[i] - b[i]) * ((long double)a[i] - b[i]));
	return s;
}

/* Rows of n values, `shift` of them left out at the end of the first, none at the others' ends. */
static void check_length(const struct weft__simd *s, enum type t, size_t n, size_t shift)
{
	size_t at = SPACE - n, first = at - shift;
	const char *a = rows[t][0] + first * sizes[t], *b = rows[t][1] + at * sizes[t];
	const float *av = values[t][0] + first;
	const char *r[4];
	float four[4], three[3];

	expect("dot", s, t, n, dot(s, t, a, b, n), dot_of(t, av, values[t][1] + at, n));
	expect("l2sq", s, t, n, l2sq(s, t, a, b, n), l2sq_of(t, av, values[t][1] + at, n));
	products(s, t, a, b, n, three);
	expect("products[0]", s, t, n, three[0], dot_of(t, av, values[t][1] + at, n));
	expect("products[1]", s, t, n, three[1], dot_of(t, av, av, n));
	expect("products[2]", s, t, n, three[2], dot_of(t, values[t][1] + at, values[t][1] + at, n));
	for (size_t k = 0; k < 4; k++)
		r[k] = rows[t][1 + k] + (at - (k == shift ? shift : 0)) * sizes[t];
	dot4(s, t, a, r, n, four);
	for (size_t k = 0; k < 4; k++)
		expect("dot4", s, t, n, four[k], dot_of(t, av, values[t][1 + k] + at - (k == shift ? shift : 0), n));
}

static void check_lengths(const struct weft__simd *s)
{
	for (enum type t = F32; t < TYPES; t++) {
		for (size_t n = 0; n <= N_EVERY; n++)
			check_length(s, t, n, n % (SHIFTS + 1));
		for (size_t i = 0; i < sizeof(long_ones) / sizeof(*long_ones); i++)
			check_length(s, t, long_ones[i], long_ones[i] == N_MAX ? 3 : i % 3);
	}
}

static void fill(uint64_t *rnd, float (*make)(uint64_t *rnd, float scale), float scale)
{
	for (int r = 0; r < 5; r++) {
		float v[SPACE];

		for (uint32_t i = 0; i < SPACE; i++)
			v[i] = make(rnd, scale);
		for (enum type t = F32; t < TYPES; t++)
			store(t, r, v);
	}
}

/* Every size of value beside every other, and zeros of both signs. */
static float make_mixed(uint64_t *rnd, float scale)
{
	float v = ldexpf(random_float(rnd, scale), (int)test_below(rnd, 120) - 60);

	return test_below(rnd, 8) ? v : copysignf(0, v);
}

Test(kernels, sums_of_floats__are_within_the_bound)
{
	static const float scales[] = { 1, 1e15f, 3e18f, 1e-20f, 1e-40f, 0, 60000, 1e-7f };
	uint64_t rnd = test_seed("kernels");

	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
		fill(&rnd, random_float, scales[i]);
		each_set(check_lengths);
	}
	fill(&rnd, make_mixed, 1);
	each_set(check_lengths);
}

/* ---- what is not finite ------------------------------------------------------------------- */

static void put(enum type t, int r, size_t at, float x)
{
	if (t == F32)
		memcpy(rows[t][r] + at * 4, &x, 4);
	else
		(t == F16 ? weft__f16_from_f32 : weft__bf16_from_f32)(&x, 1, (uint16_t *)(void *)(rows[t][r] + at * 2));
}

static void check_not_finite(const struct weft__simd *s, enum type t, size_t n, size_t bad)
{
	const char *r[4] = { rows[t][1], rows[t][2], rows[t][3], rows[t][4] };
	const char *where = type_names[t];
	float four[4], three[3];

	put(t, 2, bad, NAN);
	cr_assert(isnan(dot(s, t, rows[t][0], r[1], n)), "%s %s n=%zu: NaN at %zu was lost", s->name, where, n, bad);
	cr_assert(isnan(l2sq(s, t, rows[t][0], r[1], n)), "%s %s n=%zu: NaN at %zu was lost", s->name, where, n, bad);
	products(s, t, rows[t][0], r[1], n, three);
	cr_assert(isnan(three[0]) && !isnan(three[1]) && isnan(three[2]), "%s %s n=%zu %zu", s->name, where, n, bad);
	dot4(s, t, rows[t][0], r, n, four);
	for (int k = 0; k < 4; k++)
		cr_assert_eq(isnan(four[k]) != 0, k == 1, "%s %s n=%zu: NaN at %zu of row 1, row %d", s->name, where, n, bad, k);
	put(t, 2, bad, -INFINITY);
	cr_assert(isinf(dot(s, t, rows[t][0], r[1], n)), "%s %s n=%zu: Inf at %zu was lost", s->name, where, n, bad);
	cr_assert(isinf(l2sq(s, t, rows[t][0], r[1], n)), "%s %s n=%zu: Inf at %zu was lost", s->name, where, n, bad);
	dot4(s, t, rows[t][0], r, n, four);
	for (int k = 0; k < 4; k++)
		cr_assert_eq(isinf(four[k]) != 0, k == 1, "%s %s n=%zu: Inf at %zu of row 1, row %d", s->name, where, n, bad, k);
	put(t, 2, bad, 1);
}

static void not_finite(const struct weft__simd *s)
{
	for (enum type t = F32; t < TYPES; t++) {
		for (size_t n = 1; n <= N_EVERY; n += 23) {
			for (size_t bad = 0; bad < n; bad++)
				check_not_finite(s, t, n, bad);
		}
	}
}

static float make_one(uint64_t *rnd, float scale)
{
	return test_below(rnd, 2) ? scale : 2 * scale;
}

Test(kernels, nan_and_inf__come_out_and_stay_in_their_row)
{
	uint64_t rnd = test_seed("not finite");

	fill(&rnd, make_one, 1);
	each_set(not_finite);
}

/* ---- bytes -------------------------------------------------------------------------------- */

static int8_t *query;
static uint8_t *codes[4];

static void exact_bytes(const struct weft__simd *s)
{
	for (size_t n = 0; n <= 300; n++) {
		size_t at = 303 - n, shift = n % 4;
		const uint8_t *r[4] = { codes[0] + at - shift, codes[1] + at, codes[2] + at, codes[3] + at };
		const int8_t *q = query + at - (n % 3);
		int32_t four[4], want[4] = { 0 };
		uint32_t gap = 0;

		for (int k = 0; k < 4; k++) {
			for (size_t i = 0; i < n; i++)
				want[k] += q[i] * r[k][i];
			cr_assert_eq(s->dot_i8(q, r[k], n), want[k], "%s: n=%zu row %d", s->name, n, k);
		}
		s->dot4_i8(q, r, n, four);
		cr_assert(!memcmp(four, want, sizeof(want)), "%s: n=%zu, four at once", s->name, n);
		for (size_t i = 0; i < n; i++)
			gap += (uint32_t)((r[0][i] - r[1][i]) * (r[0][i] - r[1][i]));
		cr_assert_eq(s->l2sq_i8(r[0], r[1], n), gap, "%s: l2sq n=%zu", s->name, n);
	}
}

Test(kernels, sums_of_bytes__are_exact)
{
	uint64_t rnd = test_seed("bytes");

	query = before_the_end(303);
	for (int r = 0; r < 4; r++)
		codes[r] = before_the_end(303);
	for (uint32_t i = 0; i < 303; i++) {
		query[i] = (int8_t)(test_below(&rnd, 256) - 128);
		for (int r = 0; r < 4; r++)
			codes[r][i] = (uint8_t)test_below(&rnd, 256);
	}
	each_set(exact_bytes);
	memset(query, -128, 303); /* as large as they get */
	for (int r = 0; r < 4; r++)
		memset(codes[r], r == 1 ? 0 : 255, 303);
	each_set(exact_bytes);
}

/* ---- 24 bits in two parts ------------------------------------------------------------------- */

static float *fine_query;
static int16_t *fine_rests;
static uint8_t *fine_codes;

static void fine_sums(const struct weft__simd *s)
{
	for (size_t n = 0; n <= 303; n++) {
		size_t at = 303 - n, shift = n % 4 < at ? n % 4 : 0;
		const float *q = fine_query + at - shift;
		const uint8_t *c = fine_codes + at;
		const int16_t *r = fine_rests + at;
		long double want = 0, absolute = 0;

		for (size_t i = 0; i < n; i++) {
			long double term = (long double)q[i] * ((c[i] - 128) * 65536 + r[i]);

			want += term;
			absolute += fabsl(term);
		}
		cr_assert(fabsl(s->dot_fine(q, c, r, n) - want) <= WEFT__SIMD_ERROR(n) * absolute, "%s: n=%zu", s->name, n);
	}
}

Test(kernels, sums_of_24_bits__are_within_the_bound)
{
	uint64_t rnd = test_seed("24 bits");

	fine_query = before_the_end(303 * sizeof(*fine_query));
	fine_rests = before_the_end(303 * sizeof(*fine_rests));
	fine_codes = before_the_end(303);
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 303; i++) {
			fine_query[i] = random_float(&rnd, 1);
			fine_codes[i] = (uint8_t)test_below(&rnd, 256);
			fine_rests[i] = (int16_t)(test_below(&rnd, 8) ? (int)test_below(&rnd, 65536) - 32768 : -32768);
		}
		each_set(fine_sums);
	}
}

/* As large as they get, at the length that the header allows. */
static void longest(const struct weft__simd *s)
{
	static int8_t q[65536];
	static uint8_t row[65536], zero[65536];
	const uint8_t *r[4] = { row, zero, row, row };
	int32_t four[4];

	memset(q, -128, sizeof(q));
	memset(row, 255, sizeof(row));
	cr_assert_eq(s->dot_i8(q, row, 65536), -128 * 255 * 65536, "%s", s->name);
	s->dot4_i8(q, r, 65536, four);
	cr_assert(four[3] == -128 * 255 * 65536 && four[1] == 0, "%s", s->name);
	cr_assert_eq(s->l2sq_i8(row, zero, 65536), 255u * 255u * 65536u, "%s", s->name);
}

Test(kernels, sums_of_bytes__of_the_longest_rows)
{
	each_set(longest);
}

/* ---- bits, and where values lie ------------------------------------------------------------------ */

static uint64_t *words[2];

static void exact_bits(const struct weft__simd *s)
{
	for (size_t n = 0; n <= 70; n++) {
		const uint64_t *a = words[0] + 71 - n - (n & 1), *b = words[1] + 71 - n;
		uint64_t want = 0;

		for (size_t i = 0; i < n; i++) {
			for (uint64_t d = a[i] ^ b[i]; d; d &= d - 1)
				want++;
		}
		cr_assert_eq(s->hamming(a, b, n), want, "%s: %zu words", s->name, n);
	}
}

Test(kernels, bits__are_counted)
{
	uint64_t rnd = test_seed("bits");

	for (int r = 0; r < 2; r++) {
		words[r] = before_the_end(71 * sizeof(uint64_t));
		for (int i = 0; i < 71; i++)
			words[r][i] = test_random(&rnd);
	}
	each_set(exact_bits);
	for (int i = 0; i < 71; i++) {
		words[0][i] = 0;
		words[1][i] = UINT64_MAX;
	}
	each_set(exact_bits);
}

static uint64_t find_rnd;

static float make_for_find(void)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY, -0.0f, FLT_MAX, -FLT_MAX, 0x1p-149f };

	return test_below(&find_rnd, 4) ? random_float(&find_rnd, 1) : odd[test_below(&find_rnd, 7)];
}

static void check_find(const struct weft__simd *s)
{
	float *all = before_the_end(80 * sizeof(*all));

	for (int round = 0; round < 2000; round++) {
		size_t n = test_below(&find_rnd, 81), in = n, out = n;
		float *v = all + 80 - n, low = make_for_find(), high = make_for_find(), largest = 0;
		bool inside = round & 1; /* most are, or most are not: so that the first that differs comes late */

		for (size_t i = 0; i < n; i++)
			v[i] = test_below(&find_rnd, 40) == 0 ? make_for_find() : inside ? low : NAN;
		for (size_t i = n; i-- > 0;) {
			if (v[i] >= low && v[i] <= high)
				in = i;
			else
				out = i;
			largest = isnan(largest) || fabsf(v[i]) <= largest ? largest : fabsf(v[i]);
		}
		cr_assert_eq(s->inside_f32(v, n, low, high), in, "%s: n=%zu low %g high %g", s->name, n, (double)low, (double)high);
		cr_assert_eq(s->outside_f32(v, n, low, high), out, "%s: n=%zu low %g high %g", s->name, n, (double)low, (double)high);
		cr_assert(isnan(largest) ? isnan(s->largest_f32(v, n)) : s->largest_f32(v, n) == largest, "%s: largest", s->name);
	}
}

Test(kernels, the_first_inside_and_outside__and_the_largest)
{
	find_rnd = test_seed("find");
	each_set(check_find);
}

/* ---- dispatch ------------------------------------------------------------------------------------- */

Test(kernels, dispatch__goes_down_when_told)
{
	setenv("WEFT_SIMD", weft__simd_at(0)->name, 1);
	cr_assert_eq(weft__simd(), weft__simd_at(0));
}

/* A name of a set that is not there, too: the last one below it. */
Test(kernels, dispatch__never_goes_beyond_the_name)
{
#if defined(__x86_64__)
	setenv("WEFT_SIMD", "avxvnni", 1);
	cr_assert(strncmp(weft__simd()->name, "avx512", 6) != 0, "%s", weft__simd()->name);
#endif
}

Test(kernels, dispatch__takes_the_last_when_not)
{
	const struct weft__simd *s, *last = NULL;

	setenv("WEFT_SIMD", "unheard-of", 1);
	for (unsigned i = 0; (s = weft__simd_at(i)); i++)
		last = s;
	cr_assert_eq(weft__simd(), last);
	fprintf(stderr, "the widest set here: %s\n", last->name);
}
