/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/embed_words.c - words cut at everything that is no letter or digit, folded and hashed; eight places each; the sum
 * brought to length one.
 */
#include "actors/embed_words.h"

#include <math.h>

#define PLACES 8u

/* The finaliser of splitmix64: every bit of the word's hash reaches every place. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void add_word(uint64_t hash, float *v, uint32_t dims)
{
	for (uint32_t i = 0; i < PLACES; i += 2) {
		uint64_t h = hash = mix(hash + 0x9e3779b97f4a7c15u);

		/* 31 bits choose the place by multiplication, one the sign */
		v[((uint32_t)h >> 1) * (uint64_t)dims >> 31] += h & 1 ? 1.0f : -1.0f;
		h >>= 32;
		v[((uint32_t)h >> 1) * (uint64_t)dims >> 31] += h & 1 ? 1.0f : -1.0f;
	}
}

static void normalise(float *v, uint32_t dims)
{
	float sum[8] = { 0 }, all = 0, scale;
	uint32_t i = 0;

	for (; i + 8 <= dims; i += 8) { /* eight sums: the compiler may use a register of them */
		for (uint32_t j = 0; j < 8; j++)
			sum[j] += v[i + j] * v[i + j];
	}
	for (; i < dims; i++)
		all += v[i] * v[i];
	for (uint32_t j = 0; j < 8; j++)
		all += sum[j];
	if (all == 0) { /* the words took each other away */
		v[0] = all = 1;
	}
	scale = 1.0f / sqrtf(all);
	for (i = 0; i < dims; i++)
		v[i] *= scale;
}

void weft__embed_words(weft_str text, float *ret_vector, uint32_t dims)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < dims; i++)
		ret_vector[i] = 0;
	for (size_t i = 0; i <= text.len_bytes; i++) {
		unsigned char c = i < text.len_bytes ? (unsigned char)text.ptr[i] : 0;

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
			hash = (hash ^ c) * 0x100000001b3u + 1;
		} else if (hash) {
			add_word(hash, ret_vector, dims);
			hash = 0;
		}
	}
	normalise(ret_vector, dims);
}
