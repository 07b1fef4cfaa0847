/* SPDX-License-Identifier: Apache-2.0 */
/* store/vector/probe.c - see probe.h. */
#include "store/vector/probe.h"

#include <string.h>

#define AHEAD 8u /* rows asked for before they are needed: as much as a core has open requests for */

static inline void ask_for(const char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += WEFT_CACHELINE)
		__builtin_prefetch(at + i, 0, 3);
}

static inline const char *first_byte(const struct weft__rows *r, char *const *table, uint32_t row)
{
	char *chunk = table[row >> r->slab.shift];

	return r->code_bytes ? (char *)weft__row_codes(r, chunk, row) : (char *)weft__row_vector(r, chunk, row);
}

static void score_codes(const weft_index *index, char *const *table, const struct weft__probe *p, const uint32_t *rows,
                        uint32_t n, float *ret)
{
	const struct weft__rows *r = &index->rows;
	uint32_t i = 0;

	for (uint32_t j = 0; j < n && j < AHEAD; j++)
		ask_for(first_byte(r, table, rows[j]), r->code_bytes);
	for (; i + 4 <= n; i += 4) {
		const uint8_t *codes[4];
		int32_t dot[4];

		for (uint32_t j = 0; j < 4; j++) {
			codes[j] = (const uint8_t *)first_byte(r, table, rows[i + j]);
			if (i + j + AHEAD < n)
				ask_for(first_byte(r, table, rows[i + j + AHEAD]), r->code_bytes);
		}
		index->simd->dot4_i8(p->codes, codes, r->code_bytes, dot);
		for (uint32_t j = 0; j < 4; j++)
			ret[i + j] = weft__code_score(dot[j], p->coded,
			                              *weft__row_largest(r, table[rows[i + j] >> r->slab.shift], rows[i + j]));
	}
	for (; i < n; i++) {
		char *chunk = table[rows[i] >> r->slab.shift];

		ret[i] = weft__code_score(index->simd->dot_i8(p->codes, weft__row_codes(r, chunk, rows[i]), r->code_bytes),
		                          p->coded, *weft__row_largest(r, chunk, rows[i]));
	}
}

static void score_floats(const weft_index *index, char *const *table, const struct weft__probe *p, const uint32_t *rows,
                         uint32_t n, float *ret)
{
	const struct weft__rows *r = &index->rows;
	size_t bytes = r->vector_floats * sizeof(float);
	uint32_t i = 0;

	for (uint32_t j = 0; j < n && j < AHEAD / 4; j++)
		ask_for(first_byte(r, table, rows[j]), bytes);
	for (; i + 4 <= n; i += 4) {
		const float *v[4];

		for (uint32_t j = 0; j < 4; j++) {
			v[j] = (const float *)(const void *)first_byte(r, table, rows[i + j]);
			if (i + j + 4 < n)
				ask_for(first_byte(r, table, rows[i + j + 4]), bytes);
		}
		index->simd->dot4_f32(p->vector, v, r->vector_floats, ret + i);
	}
	for (; i < n; i++)
		ret[i] = index->simd->dot_f32(p->vector, (const float *)(const void *)first_byte(r, table, rows[i]),
		                              r->vector_floats);
}

void weft__probe_score(const weft_index *index, char *const *table, const struct weft__probe *p, const uint32_t *rows,
                       uint32_t n, float *ret)
{
	if (index->rows.code_bytes)
		score_codes(index, table, p, rows, n, ret);
	else
		score_floats(index, table, p, rows, n, ret);
}

/* From value + 128 to value. Eight at a time: bytes may alias anything, and compilers then take one at a time. */
static void to_signed(int8_t *ret, const uint8_t *codes, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, codes + i, sizeof(word));
		word ^= 0x8080808080808080u;
		memcpy(ret + i, &word, sizeof(word));
	}
}

struct weft__probe weft__probe_of_row(const weft_index *index, struct weft__searcher *s, uint32_t row)
{
	const struct weft__rows *r = &index->rows;
	char *chunk = weft__slab_chunk(&r->slab, row);
	const uint8_t *codes = weft__row_codes(r, chunk, row);
	int32_t sum;

	if (!r->code_bytes)
		return (struct weft__probe){ .vector = weft__row_vector(r, chunk, row) };
	to_signed(s->probe, codes, r->code_bytes);
	sum = index->simd->dot_i8(s->ones, codes, r->code_bytes) - 128 * (int32_t)r->code_bytes;
	return (struct weft__probe){
		.codes = s->probe,
		.coded = { .scale = *weft__row_largest(r, chunk, row) * (1 / 127.0f), .offset = 128 * sum },
	};
}
