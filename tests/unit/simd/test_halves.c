/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions of 16-bit values: each of the 65,536 to f32 against arithmetic in doubles and back again; f32 of random
 * bits, and all that lie halfway between two neighbours, against rounding in doubles.
 */
#include "simd/simd.h"

#include "tests/unit/simd/reference.h"

struct format {
	const char *name;
	int digits, exponent_min; /* bits after the point; of the smallest normal */
	double largest;
	void (*from)(const float *v, size_t n, uint16_t *ret);
	void (*to)(const uint16_t *v, size_t n, float *ret);
};

static const struct format f16 = { "f16", 10, -14, 65504, weft__f16_from_f32, weft__f16_to_f32 };
static const struct format bf16 = { "bf16", 7, -126, 0x1.fep127, weft__bf16_from_f32, weft__bf16_to_f32 };

/* What the bits mean, by the definition of the format. */
static double meaning(const struct format *f, uint16_t h)
{
	int exponents = 1 << (15 - f->digits), exponent = (h & 0x7fff) >> f->digits;
	double fraction = (h & ((1 << f->digits) - 1)) / (double)(1 << f->digits), sign = h & 0x8000 ? -1 : 1;

	if (exponent == exponents - 1)
		return fraction > 0 ? (double)NAN : sign * (double)INFINITY;
	if (!exponent)
		return sign * ldexp(fraction, f->exponent_min);
	return sign * ldexp(1 + fraction, exponent - 1 + f->exponent_min);
}

/* x rounded to what the format has: to the nearest, ties to even. */
static double rounded(const struct format *f, double x)
{
	int exponent = x != 0 && isfinite(x) ? ilogb(x) : 0;
	double step = ldexp(1, (exponent > f->exponent_min ? exponent : f->exponent_min) - f->digits), y;

	if (!isfinite(x))
		return x;
	y = nearbyint(x / step) * step;
	return fabs(y) > f->largest ? copysign((double)INFINITY, x) : copysign(y, x);
}

static void check_from(const struct format *f, float x)
{
	double want = rounded(f, x), got;
	uint16_t h;

	f->from(&x, 1, &h);
	got = meaning(f, h);
	cr_assert(isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want), "%s of %a: got %a, want %a", f->name,
	          (double)x, got, want);
}

static void check_all(const struct format *f)
{
	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t h = (uint16_t)i, back;
		double want = meaning(f, h), next = meaning(f, (uint16_t)(i + 1));
		float got;

		f->to(&h, 1, &got);
		cr_assert(isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want), "%s %04x: got %a, want %a", f->name, i,
		          (double)got, want);
		f->from(&got, 1, &back);
		cr_assert(back == h || isnan(want), "%s %04x came back as %04x", f->name, i, back);
		cr_assert(!isnan(want) || isnan(meaning(f, back)), "%s %04x: NaN was lost", f->name, i);
		if (isfinite(want) && isfinite(next)) {
			float half = (float)((want + next) / 2);

			check_from(f, half);
			check_from(f, nextafterf(half, INFINITY));
			check_from(f, nextafterf(half, -INFINITY));
		}
	}
}

Test(halves, f16__each_of_them_and_what_lies_between)
{
	check_all(&f16);
}

Test(halves, bf16__each_of_them_and_what_lies_between)
{
	check_all(&bf16);
}

Test(halves, floats__of_random_bits)
{
	uint64_t rnd = test_seed("halves");

	for (int i = 0; i < 500000; i++) {
		float x = random_bits_float(&rnd);

		check_from(&f16, x);
		check_from(&bf16, x);
		check_from(&f16, random_float(&rnd, 70000));
	}
	check_from(&f16, 65519.99f);
	check_from(&f16, 65520);
	check_from(&bf16, 0x1.ffp127f);
}

Test(halves, arrays__are_their_values)
{
	uint64_t rnd = test_seed("arrays");
	float v[67], back[67];
	uint16_t h[67], one;

	for (int i = 0; i < 67; i++)
		v[i] = random_float(&rnd, 10);
	weft__f16_from_f32(v, 67, h);
	weft__f16_to_f32(h, 67, back);
	for (int i = 0; i < 67; i++) {
		weft__f16_from_f32(&v[i], 1, &one);
		cr_assert(one == h[i] && back[i] == rounded(&f16, v[i]), "%d", i);
	}
}
