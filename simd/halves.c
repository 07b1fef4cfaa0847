/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simd/halves.c - values of 16 bits from and to f32, in whole numbers, so that every machine gives the same bits.
 *
 * Each loop is without branches; compilers make registers of it.
 */
#include "simd/simd.h"

#include <string.h>

static inline uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* The upper bits of v, `drop` fewer, rounded to the nearest, ties to even. */
static inline uint32_t rounded(uint32_t v, unsigned drop)
{
	return (v + (1u << (drop - 1)) - 1 + ((v >> drop) & 1)) >> drop;
}

void weft__bf16_from_f32(const float *v, size_t n, uint16_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = bits_of(v[i]);
		uint32_t nan = bits >> 16 | 0x40;

		ret[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded(bits, 16));
	}
}

void weft__bf16_to_f32(const uint16_t *v, size_t n, float *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = from_bits((uint32_t)v[i] << 16);
}

void weft__f16_from_f32(const float *v, size_t n, uint16_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = bits_of(v[i]), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
		uint32_t normal = rounded(size - (112u << 23), 13);          /* exponents count from 15 instead of 127 */
		uint32_t small = bits_of(from_bits(size) + 0.5f) - 0x3f000000; /* below 2^-14: in steps of 2^-24 */
		uint32_t half = size < 0x38800000 ? small : normal;

		half = size >= 0x477ff000 ? 0x7c00 : half; /* 65520, which would round up to 65536 */
		half = size > 0x7f800000 ? 0x7e00 : half;
		ret[i] = (uint16_t)(sign | half);
	}
}

void weft__f16_to_f32(const uint16_t *v, size_t n, float *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t sign = (uint32_t)(v[i] & 0x8000) << 16, size = (uint32_t)(v[i] & 0x7fff) << 13;
		uint32_t bits = bits_of(from_bits(size) * 0x1p112f); /* denormals too: the product is normal */

		bits |= size >= 0x7c00u << 13 ? 0x7f800000 : 0;
		ret[i] = from_bits(sign | bits);
	}
}
