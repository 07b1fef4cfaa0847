/* SPDX-License-Identifier: Apache-2.0 */
/* simd/vector.c - the kernels' public side: the same functions behind names that stay. */
#include <weft/vector.h>

#include "simd/simd.h"

const char *weft_vector_simd(void)
{
	return weft__simd()->name;
}

float weft_vector_dot(const float *a, const float *b, size_t dims)
{
	return weft__simd()->dot_f32(a, b, dims);
}

void weft_vector_dot4(const float *query, const float *const rows[4], size_t dims, float ret_dots[4])
{
	weft__simd()->dot4_f32(query, rows, dims, ret_dots);
}

float weft_vector_l2sq(const float *a, const float *b, size_t dims)
{
	return weft__simd()->l2sq_f32(a, b, dims);
}

float weft_vector_cosine(const float *a, const float *b, size_t dims)
{
	return weft__cosine_f32(a, b, dims);
}

double weft_vector_norm(const float *v, size_t dims)
{
	return weft__norm_f32(v, dims);
}

int weft_vector_normalise(float *v, size_t dims)
{
	return weft__normalise_f32(v, dims);
}

void weft_vector_to_f16(const float *v, size_t dims, uint16_t *ret_values)
{
	weft__f16_from_f32(v, dims, ret_values);
}

void weft_vector_to_bf16(const float *v, size_t dims, uint16_t *ret_values)
{
	weft__bf16_from_f32(v, dims, ret_values);
}

void weft_vector_from_f16(const uint16_t *v, size_t dims, float *ret_values)
{
	weft__f16_to_f32(v, dims, ret_values);
}

void weft_vector_from_bf16(const uint16_t *v, size_t dims, float *ret_values)
{
	weft__bf16_to_f32(v, dims, ret_values);
}

float weft_vector_dot_f16(const uint16_t *a, const uint16_t *b, size_t dims)
{
	return weft__simd()->dot_f16(a, b, dims);
}

float weft_vector_dot_bf16(const uint16_t *a, const uint16_t *b, size_t dims)
{
	return weft__simd()->dot_bf16(a, b, dims);
}

float weft_vector_cosine_f16(const uint16_t *a, const uint16_t *b, size_t dims)
{
	return weft__cosine_f16(a, b, dims);
}

float weft_vector_cosine_bf16(const uint16_t *a, const uint16_t *b, size_t dims)
{
	return weft__cosine_bf16(a, b, dims);
}

float weft_vector_row_i8(const float *v, size_t dims, uint8_t *ret_codes)
{
	return weft__quantise_row(v, dims, ret_codes);
}

weft_vector_i8 weft_vector_query_i8(const float *v, size_t dims, int8_t *ret_codes)
{
	struct weft__query_i8 q = weft__quantise_query(v, dims, ret_codes);

	return (weft_vector_i8){ .scale = q.scale, .offset = q.offset };
}

void weft_vector_dot4_i8(const int8_t *query, const uint8_t *const rows[4], size_t dims, int32_t ret_sums[4])
{
	weft__simd()->dot4_i8(query, rows, dims, ret_sums);
}

uint64_t weft_vector_hamming(const uint64_t *a, const uint64_t *b, size_t words)
{
	return weft__simd()->hamming(a, b, words);
}

uint32_t weft_vector_topk(const float *scores, uint32_t count, uint32_t k, weft_vector_hit *ret_hits)
{
	return weft__topk(scores, NULL, count, k, ret_hits);
}
