/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/kernels.h - the kernels, written once, over the vocabulary of a lanes file.
 *
 * An instruction set's own file includes its lanes, names its table with SET and SET_NAME, and includes this: one
 * source, compiled once a set. Not a header in the usual sense; nothing else includes it.
 *
 * A kernel for floats is the same whatever the values are stored as, so it is written over `struct values`, which
 * says how a type comes out of memory and how it is multiplied. Everything is inlined: the table of functions is
 * constant where it is used, and costs nothing.
 *
 * An addition takes four cycles. One against one waits for its two loads a product, and four sums side by side are
 * enough; one against four loads a value of the query once for four rows, and needs eight.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "simd/simd.h"

#define INLINE static inline __attribute__((always_inline))

struct values {
	size_t size; /* bytes of one */
	size_t step; /* how many a register holds */
	vf (*load)(const void *p);
	vf (*part)(const void *p, size_t count); /* fewer than a register holds; zeros for the rest */
	vf (*product)(vf a, vf b, vf sum);       /* sum + a * b */
	vf (*gap)(vf a, vf b, vf sum);           /* sum + (a - b)^2 */
};

static inline vf f32_gap(vf a, vf b, vf sum)
{
	vf d = vf_sub(a, b);

	return vf_fma(d, d, sum);
}

#if !defined(HAVE_BF16_PRODUCT)
static inline vf bf16_product(vf a, vf b, vf sum)
{
	return vf_fma(bf16_high(a), bf16_high(b), vf_fma(bf16_low(a), bf16_low(b), sum));
}
#endif

static inline vf bf16_gap(vf a, vf b, vf sum)
{
	return f32_gap(bf16_high(a), bf16_high(b), f32_gap(bf16_low(a), bf16_low(b), sum));
}

static const struct values f32 = { 4, LANES, f32_load, f32_part, vf_fma, f32_gap };
static const struct values f16 = { 2, LANES, f16_load, f16_part, vf_fma, f32_gap };
static const struct values bf16 = { 2, 2 * LANES, bf16_load, bf16_part, bf16_product, bf16_gap };

/* ---- one against one --------------------------------------------------------------------- */

/* The sum of add(a[i], b[i]), which is a product or a square of a difference. */
INLINE float sum_of(struct values t, vf (*add)(vf a, vf b, vf sum), const char *a, const char *b, size_t n)
{
	vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
	const size_t bytes = t.step * t.size;

	for (; n >= 4 * t.step; n -= 4 * t.step, a += 4 * bytes, b += 4 * bytes) {
		s0 = add(t.load(a), t.load(b), s0);
		s1 = add(t.load(a + bytes), t.load(b + bytes), s1);
		s2 = add(t.load(a + 2 * bytes), t.load(b + 2 * bytes), s2);
		s3 = add(t.load(a + 3 * bytes), t.load(b + 3 * bytes), s3);
	}
	for (; n >= t.step; n -= t.step, a += bytes, b += bytes)
		s0 = add(t.load(a), t.load(b), s0);
	if (n)
		s1 = add(t.part(a, n), t.part(b, n), s1);
	return vf_sum(vf_add(vf_add(s0, s1), vf_add(s2, s3)));
}

/* a . b, a . a and b . b of what a register holds. */
struct three {
	vf ab, aa, bb;
};

INLINE void three_add(struct values t, vf a, vf b, struct three *s)
{
	s->ab = t.product(a, b, s->ab);
	s->aa = t.product(a, a, s->aa);
	s->bb = t.product(b, b, s->bb);
}

INLINE void three_of(struct values t, const char *a, const char *b, size_t n, float ret[3])
{
	struct three s0 = { vf_zero(), vf_zero(), vf_zero() }, s1 = s0;
	const size_t bytes = t.step * t.size;

	for (; n >= 2 * t.step; n -= 2 * t.step, a += 2 * bytes, b += 2 * bytes) {
		three_add(t, t.load(a), t.load(b), &s0);
		three_add(t, t.load(a + bytes), t.load(b + bytes), &s1);
	}
	for (; n >= t.step; n -= t.step, a += bytes, b += bytes)
		three_add(t, t.load(a), t.load(b), &s0);
	if (n)
		three_add(t, t.part(a, n), t.part(b, n), &s1);
	ret[0] = vf_sum(vf_add(s0.ab, s1.ab));
	ret[1] = vf_sum(vf_add(s0.aa, s1.aa));
	ret[2] = vf_sum(vf_add(s0.bb, s1.bb));
}

/* ---- one against four --------------------------------------------------------------------- */

/* A sum a row. */
struct four {
	vf a, b, c, d;
};

INLINE void four_add(struct values t, vf q, const char *const r[4], size_t at, struct four *s)
{
	s->a = t.product(q, t.load(r[0] + at), s->a);
	s->b = t.product(q, t.load(r[1] + at), s->b);
	s->c = t.product(q, t.load(r[2] + at), s->c);
	s->d = t.product(q, t.load(r[3] + at), s->d);
}

INLINE void four_add_part(struct values t, vf q, const char *const r[4], size_t at, size_t n, struct four *s)
{
	s->a = t.product(q, t.part(r[0] + at, n), s->a);
	s->b = t.product(q, t.part(r[1] + at, n), s->b);
	s->c = t.product(q, t.part(r[2] + at, n), s->c);
	s->d = t.product(q, t.part(r[3] + at, n), s->d);
}

INLINE void four_of(struct values t, const char *q, const char *const r[4], size_t n, float ret[4])
{
	struct four s = { vf_zero(), vf_zero(), vf_zero(), vf_zero() }, u = s;
	const size_t bytes = t.step * t.size;
	size_t at = 0;

	for (; n >= 2 * t.step; n -= 2 * t.step, at += 2 * bytes) {
		four_add(t, t.load(q + at), r, at, &s);
		four_add(t, t.load(q + at + bytes), r, at + bytes, &u);
	}
	if (n >= t.step) {
		four_add(t, t.load(q + at), r, at, &s);
		n -= t.step;
		at += bytes;
	}
	if (n)
		four_add_part(t, t.part(q + at, n), r, at, n, &u);
	vf_sum4(vf_add(s.a, u.a), vf_add(s.b, u.b), vf_add(s.c, u.c), vf_add(s.d, u.d), ret);
}

/* ---- the float kernels, a type each -------------------------------------------------------- */

static float dot_f32(const float *a, const float *b, size_t n)
{
	return sum_of(f32, f32.product, (const char *)a, (const char *)b, n);
}

static void dot4_f32(const float *q, const float *const rows[4], size_t n, float ret[4])
{
	const char *const r[4] = { (const char *)rows[0], (const char *)rows[1], (const char *)rows[2], (const char *)rows[3] };

	four_of(f32, (const char *)q, r, n, ret);
}

static float l2sq_f32(const float *a, const float *b, size_t n)
{
	return sum_of(f32, f32.gap, (const char *)a, (const char *)b, n);
}

static void products_f32(const float *a, const float *b, size_t n, float ret[3])
{
	three_of(f32, (const char *)a, (const char *)b, n, ret);
}

static float dot_f16(const uint16_t *a, const uint16_t *b, size_t n)
{
	return sum_of(f16, f16.product, (const char *)a, (const char *)b, n);
}

static void dot4_f16(const uint16_t *q, const uint16_t *const rows[4], size_t n, float ret[4])
{
	const char *const r[4] = { (const char *)rows[0], (const char *)rows[1], (const char *)rows[2], (const char *)rows[3] };

	four_of(f16, (const char *)q, r, n, ret);
}

static float l2sq_f16(const uint16_t *a, const uint16_t *b, size_t n)
{
	return sum_of(f16, f16.gap, (const char *)a, (const char *)b, n);
}

static void products_f16(const uint16_t *a, const uint16_t *b, size_t n, float ret[3])
{
	three_of(f16, (const char *)a, (const char *)b, n, ret);
}

static float dot_bf16(const uint16_t *a, const uint16_t *b, size_t n)
{
	return sum_of(bf16, bf16.product, (const char *)a, (const char *)b, n);
}

static void dot4_bf16(const uint16_t *q, const uint16_t *const rows[4], size_t n, float ret[4])
{
	const char *const r[4] = { (const char *)rows[0], (const char *)rows[1], (const char *)rows[2], (const char *)rows[3] };

	four_of(bf16, (const char *)q, r, n, ret);
}

static float l2sq_bf16(const uint16_t *a, const uint16_t *b, size_t n)
{
	return sum_of(bf16, bf16.gap, (const char *)a, (const char *)b, n);
}

static void products_bf16(const uint16_t *a, const uint16_t *b, size_t n, float ret[3])
{
	three_of(bf16, (const char *)a, (const char *)b, n, ret);
}

/* ---- 24 bits, in two parts --------------------------------------------------------------------- */

static float dot_fine(const float *q, const uint8_t *codes, const int16_t *rests, size_t n)
{
	vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();

	for (; n >= 4 * LANES; n -= 4 * LANES, q += 4 * LANES, codes += 4 * LANES, rests += 4 * LANES) {
		s0 = vf_fma(f32_load(q), fine_load(codes, rests), s0);
		s1 = vf_fma(f32_load(q + LANES), fine_load(codes + LANES, rests + LANES), s1);
		s2 = vf_fma(f32_load(q + 2 * LANES), fine_load(codes + 2 * LANES, rests + 2 * LANES), s2);
		s3 = vf_fma(f32_load(q + 3 * LANES), fine_load(codes + 3 * LANES, rests + 3 * LANES), s3);
	}
	for (; n >= LANES; n -= LANES, q += LANES, codes += LANES, rests += LANES)
		s0 = vf_fma(f32_load(q), fine_load(codes, rests), s0);
	if (n)
		s1 = vf_fma(f32_part(q, n), fine_part(codes, rests, n), s1);
	return vf_sum(vf_add(vf_add(s0, s1), vf_add(s2, s3)));
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int32_t dot_i8(const int8_t *q, const uint8_t *codes, size_t n)
{
	vi s0 = vi_zero(), s1 = vi_zero(), s2 = vi_zero(), s3 = vi_zero();

	for (; n >= 4 * BYTES; n -= 4 * BYTES, q += 4 * BYTES, codes += 4 * BYTES) {
		s0 = i8_product(signed_load(q), codes_load(codes), s0);
		s1 = i8_product(signed_load(q + BYTES), codes_load(codes + BYTES), s1);
		s2 = i8_product(signed_load(q + 2 * BYTES), codes_load(codes + 2 * BYTES), s2);
		s3 = i8_product(signed_load(q + 3 * BYTES), codes_load(codes + 3 * BYTES), s3);
	}
	for (; n >= BYTES; n -= BYTES, q += BYTES, codes += BYTES)
		s0 = i8_product(signed_load(q), codes_load(codes), s0);
	if (n)
		s1 = i8_product(signed_part(q, n), codes_part(codes, n), s1);
	return vi_sum(vi_add(vi_add(s0, s1), vi_add(s2, s3)));
}

/* A sum a row. */
struct four_i8 {
	vi a, b, c, d;
};

INLINE void four_i8_add(vi q, const uint8_t *const r[4], size_t at, struct four_i8 *s)
{
	s->a = i8_product(q, codes_load(r[0] + at), s->a);
	s->b = i8_product(q, codes_load(r[1] + at), s->b);
	s->c = i8_product(q, codes_load(r[2] + at), s->c);
	s->d = i8_product(q, codes_load(r[3] + at), s->d);
}

INLINE void four_i8_add_part(vi q, const uint8_t *const r[4], size_t at, size_t n, struct four_i8 *s)
{
	s->a = i8_product(q, codes_part(r[0] + at, n), s->a);
	s->b = i8_product(q, codes_part(r[1] + at, n), s->b);
	s->c = i8_product(q, codes_part(r[2] + at, n), s->c);
	s->d = i8_product(q, codes_part(r[3] + at, n), s->d);
}

static void dot4_i8(const int8_t *q, const uint8_t *const rows[4], size_t n, int32_t ret[4])
{
	const uint8_t *const r[4] = { rows[0], rows[1], rows[2], rows[3] };
	struct four_i8 s = { vi_zero(), vi_zero(), vi_zero(), vi_zero() }, u = s;
	size_t at = 0;

	for (; at + 2 * BYTES <= n; at += 2 * BYTES) {
		four_i8_add(signed_load(q + at), r, at, &s);
		four_i8_add(signed_load(q + at + BYTES), r, at + BYTES, &u);
	}
	if (at + BYTES <= n) {
		four_i8_add(signed_load(q + at), r, at, &s);
		at += BYTES;
	}
	if (at < n)
		four_i8_add_part(signed_part(q + at, n - at), r, at, n - at, &u);
	vi_sum4(vi_add(s.a, u.a), vi_add(s.b, u.b), vi_add(s.c, u.c), vi_add(s.d, u.d), ret);
}

static uint32_t l2sq_i8(const uint8_t *a, const uint8_t *b, size_t n)
{
	vi s0 = vi_zero(), s1 = vi_zero();

	for (; n >= 2 * GAP_BYTES; n -= 2 * GAP_BYTES, a += 2 * GAP_BYTES, b += 2 * GAP_BYTES) {
		s0 = wide_gap(wide_load(a), wide_load(b), s0);
		s1 = wide_gap(wide_load(a + GAP_BYTES), wide_load(b + GAP_BYTES), s1);
	}
	for (; n >= GAP_BYTES; n -= GAP_BYTES, a += GAP_BYTES, b += GAP_BYTES)
		s0 = wide_gap(wide_load(a), wide_load(b), s0);
	if (n)
		s1 = wide_gap(wide_part(a, n), wide_part(b, n), s1);
	return (uint32_t)vi_sum(vi_add(s0, s1));
}

/* ---- where values lie -------------------------------------------------------------------------- */

/* The first i whose being inside low..high is what is looked for, or n. */
INLINE size_t find(const float *v, size_t n, float low, float high, uint32_t inside)
{
	const uint32_t all = (1u << LANES) - 1, flip = inside ? 0 : all;
	const vf l = vf_all(low), h = vf_all(high);
	size_t i = 0;

	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		uint32_t first = vf_inside(f32_load(v + i), l, h) ^ flip;
		uint32_t second = vf_inside(f32_load(v + i + LANES), l, h) ^ flip;

		if (first | second)
			return i + (size_t)__builtin_ctz(first | second << LANES);
	}
	for (; i < n; i++) {
		if ((v[i] >= low && v[i] <= high) == inside)
			return i;
	}
	return n;
}

static size_t inside_f32(const float *v, size_t n, float low, float high)
{
	return find(v, n, low, high, 1);
}

static size_t outside_f32(const float *v, size_t n, float low, float high)
{
	return find(v, n, low, high, 0);
}

/* ---- f32 to bytes: loops that any compiler makes the most of ------------------------------------ */

/* As integers the bits of floats without sign are in the floats' order, and what is not finite comes last. */
static float largest_f32(const float *v, size_t n)
{
	uint32_t most = 0;
	float ret;

	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, v + i, sizeof(bits));
		bits &= 0x7fffffff;
		most = bits > most ? bits : most;
	}
	memcpy(&ret, &most, sizeof(ret));
	return ret;
}

/* Adding 1.5 * 2^23 rounds, ties to even, and leaves the integer in the low bits. */
static void encode_i8(const float *v, size_t n, float per, uint8_t zero, uint8_t *restrict ret)
{
	for (size_t i = 0; i < n; i++) {
		float x = v[i] * per + 0x1.8p23f;
		uint32_t bits;

		memcpy(&bits, &x, sizeof(bits));
		ret[i] = (uint8_t)(bits + zero);
	}
}

/* ---- bits ----------------------------------------------------------------------------------- */

static uint64_t hamming(const uint64_t *a, const uint64_t *b, size_t words)
{
	vw s0 = vw_zero(), s1 = vw_zero();

	for (; words >= 2 * WORDS; words -= 2 * WORDS, a += 2 * WORDS, b += 2 * WORDS) {
		s0 = vw_differ(vw_load(a), vw_load(b), s0);
		s1 = vw_differ(vw_load(a + WORDS), vw_load(b + WORDS), s1);
	}
	if (words >= WORDS) {
		s0 = vw_differ(vw_load(a), vw_load(b), s0);
		words -= WORDS;
		a += WORDS;
		b += WORDS;
	}
	if (words)
		s1 = vw_differ(vw_part(a, words), vw_part(b, words), s1);
	return vw_sum(s0) + vw_sum(s1);
}

static const struct weft__simd SET = {
	.name = SET_NAME,
	.dot_f32 = dot_f32,
	.dot4_f32 = dot4_f32,
	.l2sq_f32 = l2sq_f32,
	.products_f32 = products_f32,
	.largest_f32 = largest_f32,
	.inside_f32 = inside_f32,
	.outside_f32 = outside_f32,
	.dot_f16 = dot_f16,
	.dot4_f16 = dot4_f16,
	.l2sq_f16 = l2sq_f16,
	.products_f16 = products_f16,
	.dot_bf16 = dot_bf16,
	.dot4_bf16 = dot4_bf16,
	.l2sq_bf16 = l2sq_bf16,
	.products_bf16 = products_bf16,
	.dot_fine = dot_fine,
	.dot_i8 = dot_i8,
	.dot4_i8 = dot4_i8,
	.l2sq_i8 = l2sq_i8,
	.encode_i8 = encode_i8,
	.hamming = hamming,
};
