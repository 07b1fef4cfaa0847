/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/memory/kernels.c - arithmetic on vectors: one query against rows that lie one after another, in as much memory as
 * a level of the cache holds. Four rows a call where there is such a call, since that is how rows are scanned.
 *
 * The rows of a megabyte repeat; what a kernel gives for the first four is compared with a plain sum. Also here: the best
 * ten of many scores, and a batch looked through.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/memory/memory.h"

#define PASS_BYTES (64u << 20) /* read in one iteration, at least once all */
#define ALIKE_BYTES (1u << 20)
#define SCORES 10000u
#define ENTRIES 10000u
#define REPEATS 100u

struct memory_kernel {
	size_t bits; /* of a value */
	double tolerance; /* of a sum, in parts of the largest that it can be: rows have length 1 */
	void (*row)(const float *v, uint32_t dims, void *ret_row);
	void (*query)(const float *v, uint32_t dims, void *ret_query);
	double (*four)(const void *query, const char *rows, size_t row_bytes, uint32_t dims); /* the sum of four results */
	double (*plain)(const void *query, const void *row, uint32_t dims);
};

static volatile double sink;

/* ---- floats ---------------------------------------------------------------------------------- */

static void as_floats(const float *v, uint32_t dims, void *ret)
{
	memcpy(ret, v, dims * sizeof(*v));
}

static double four_f32(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	const float *const r[4] = { (const float *)rows, (const float *)(rows + row_bytes), (const float *)(rows + 2 * row_bytes),
		                    (const float *)(rows + 3 * row_bytes) };
	float dots[4];

	weft_vector_dot4(query, r, dims, dots);
	return dots[0] + dots[1] + dots[2] + dots[3];
}

static double one_f32(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	double s = 0;

	for (int i = 0; i < 4; i++)
		s += weft_vector_dot(query, (const float *)(rows + (size_t)i * row_bytes), dims);
	return s;
}

static double cosines(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	double s = 0;

	for (int i = 0; i < 4; i++)
		s += weft_vector_cosine(query, (const float *)(rows + (size_t)i * row_bytes), dims);
	return s;
}

static double plain_f32(const void *query, const void *row, uint32_t dims)
{
	const float *q = query, *r = row;
	double s = 0;

	for (uint32_t i = 0; i < dims; i++)
		s += (double)q[i] * r[i];
	return s;
}

const struct memory_kernel memory_kernel_f32 = { 32, 1e-5, as_floats, as_floats, four_f32, plain_f32 };
const struct memory_kernel memory_kernel_one = { 32, 1e-5, as_floats, as_floats, one_f32, plain_f32 };
const struct memory_kernel memory_kernel_cosine = { 32, 1e-5, as_floats, as_floats, cosines, plain_f32 };

/* ---- halves ----------------------------------------------------------------------------------- */

static void as_f16(const float *v, uint32_t dims, void *ret)
{
	weft_vector_to_f16(v, dims, ret);
}

static void as_bf16(const float *v, uint32_t dims, void *ret)
{
	weft_vector_to_bf16(v, dims, ret);
}

static double four_f16(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	double s = 0;

	for (int i = 0; i < 4; i++)
		s += weft_vector_dot_f16(query, (const uint16_t *)(rows + (size_t)i * row_bytes), dims);
	return s;
}

static double four_bf16(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	double s = 0;

	for (int i = 0; i < 4; i++)
		s += weft_vector_dot_bf16(query, (const uint16_t *)(rows + (size_t)i * row_bytes), dims);
	return s;
}

static double plain_of_halves(void (*to_floats)(const uint16_t *v, size_t dims, float *ret), const void *query,
                              const void *row, uint32_t dims)
{
	double s = 0;

	for (uint32_t i = 0; i < dims; i++) {
		float q, r;

		to_floats((const uint16_t *)query + i, 1, &q);
		to_floats((const uint16_t *)row + i, 1, &r);
		s += (double)q * r;
	}
	return s;
}

static double plain_f16(const void *query, const void *row, uint32_t dims)
{
	return plain_of_halves(weft_vector_from_f16, query, row, dims);
}

static double plain_bf16(const void *query, const void *row, uint32_t dims)
{
	return plain_of_halves(weft_vector_from_bf16, query, row, dims);
}

const struct memory_kernel memory_kernel_f16 = { 16, 1e-5, as_f16, as_f16, four_f16, plain_f16 };
const struct memory_kernel memory_kernel_bf16 = { 16, 1e-5, as_bf16, as_bf16, four_bf16, plain_bf16 };

/* ---- bytes, bits -------------------------------------------------------------------------------- */

static void row_i8(const float *v, uint32_t dims, void *ret)
{
	weft_vector_row_i8(v, dims, ret);
}

static void query_i8(const float *v, uint32_t dims, void *ret)
{
	weft_vector_query_i8(v, dims, ret);
}

static double four_i8(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	const uint8_t *const r[4] = { (const uint8_t *)rows, (const uint8_t *)rows + row_bytes,
		                      (const uint8_t *)rows + 2 * row_bytes, (const uint8_t *)rows + 3 * row_bytes };
	int32_t sums[4];

	weft_vector_dot4_i8(query, r, dims, sums);
	return (double)sums[0] + sums[1] + sums[2] + sums[3];
}

static double plain_i8(const void *query, const void *row, uint32_t dims)
{
	const int8_t *q = query;
	const uint8_t *r = row;
	int32_t s = 0;

	for (uint32_t i = 0; i < dims; i++)
		s += q[i] * r[i];
	return s;
}

/* The signs: a bit a value. */
static void as_bits(const float *v, uint32_t dims, void *ret)
{
	uint64_t *words = ret;

	memset(words, 0, dims / 8);
	for (uint32_t i = 0; i < dims; i++)
		words[i / 64] |= (uint64_t)(v[i] > 0) << (i % 64);
}

static double four_bits(const void *query, const char *rows, size_t row_bytes, uint32_t dims)
{
	uint64_t s = 0;

	for (int i = 0; i < 4; i++)
		s += weft_vector_hamming(query, (const uint64_t *)(rows + (size_t)i * row_bytes), dims / 64);
	return (double)s;
}

static double plain_bits(const void *query, const void *row, uint32_t dims)
{
	const uint8_t *q = query, *r = row;
	double s = 0;

	for (uint32_t i = 0; i < dims; i++)
		s += (q[i / 8] ^ r[i / 8]) >> (i % 8) & 1;
	return s;
}

const struct memory_kernel memory_kernel_i8 = { 8, 0, row_i8, query_i8, four_i8, plain_i8 };
const struct memory_kernel memory_kernel_bits = { 1, 0, as_bits, as_bits, four_bits, plain_bits };

/* ---- rows ------------------------------------------------------------------------------------------ */

struct kernel_rows {
	char *rows;
	size_t bytes, row_bytes; /* bytes: of a whole number of fours */
	uint32_t dims;
	_Alignas(64) char query[16384];
};

static void random_direction(uint64_t *seed, float *v, uint32_t dims)
{
	for (uint32_t i = 0; i < dims; i++)
		v[i] = (float)(vectors_random(seed) >> 40) / (float)(1 << 23) - 1;
	weft_vector_normalise(v, dims);
}

static int rows_make(struct kernel_rows *k, const struct memory_kernel *kernel, uint32_t dims, size_t bytes)
{
	uint64_t seed = MEMORY_SEED;
	float v[2048];
	size_t alike;

	k->dims = dims;
	k->row_bytes = dims * kernel->bits / 8;
	k->bytes = bytes / (4 * k->row_bytes) * (4 * k->row_bytes);
	if (posix_memalign((void **)&k->rows, 2u << 20, k->bytes) != 0)
		return -ENOMEM;
	madvise(k->rows, k->bytes, MADV_HUGEPAGE); /* or not: then the larger ones take longer */
	alike = k->bytes < ALIKE_BYTES ? k->bytes : ALIKE_BYTES / k->row_bytes * k->row_bytes;
	for (size_t at = 0; at < alike; at += k->row_bytes) {
		random_direction(&seed, v, dims);
		kernel->row(v, dims, k->rows + at);
	}
	for (size_t at = alike; at < k->bytes; at += alike)
		memcpy(k->rows + at, k->rows, k->bytes - at < alike ? k->bytes - at : alike);
	random_direction(&seed, v, dims);
	kernel->query(v, dims, k->query);
	return 0;
}

static bool rows_are_right(const struct kernel_rows *k, const struct memory_kernel *kernel)
{
	double want = 0;

	for (size_t i = 0; i < 4; i++)
		want += kernel->plain(k->query, k->rows + i * k->row_bytes, k->dims);
	return fabs(kernel->four(k->query, k->rows, k->row_bytes, k->dims) - want) <= 4 * kernel->tolerance;
}

/* Every row, so many times. */
static void rows_pass(const struct kernel_rows *k, const struct memory_kernel *kernel, size_t times)
{
	double sum = 0;

	for (; times; times--) {
		for (size_t at = 0; at < k->bytes; at += 4 * k->row_bytes)
			sum += kernel->four(k->query, k->rows + at, k->row_bytes, k->dims);
	}
	sink = sum;
}

void memory_kernels(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	const struct memory_detail *d = memory_detail(self);
	size_t bytes = (size_t)d->kib << 10, times;
	struct kernel_rows k = { .rows = NULL };
	int r;

	if (opt->quick && bytes > ALIKE_BYTES)
		bytes = ALIKE_BYTES;
	memory_begin(opt, self, out);
	r = rows_make(&k, d->kernel, d->dims, bytes);
	if (r == 0 && !rows_are_right(&k, d->kernel))
		r = bench_fail(out, "the kernel is wrong");
	times = r < 0 || opt->quick || k.bytes > PASS_BYTES ? 1 : PASS_BYTES / k.bytes;
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		rows_pass(&k, d->kernel, times);
		memory_add(out, i, t0, times * (k.bytes / k.row_bytes));
	}
	free(k.rows);
	memory_end(out, r);
}

/* ---- the best of many, a batch -------------------------------------------------------------------------- */

void memory_topk(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	float *scores = malloc(SCORES * sizeof(*scores));
	weft_vector_hit best[MEMORY_TOP];
	uint64_t seed = MEMORY_SEED;
	int r = scores ? 0 : -ENOMEM;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; scores && i < SCORES; i++)
		scores[i] = (float)(vectors_random(&seed) >> 40);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t n = 0; n < REPEATS; n++)
			weft_vector_topk(scores, SCORES, MEMORY_TOP, best);
		memory_add(out, i, t0, REPEATS);
		for (uint32_t n = 0; r == 0 && n < SCORES; n++) {
			if (scores[n] > best[0].score)
				r = bench_fail(out, "the best is not among the best");
		}
	}
	free(scores);
	memory_end(out, r);
}

void memory_validate(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	weft_uuid *senders = malloc(ENTRIES * sizeof(*senders));
	weft_str *texts = malloc(ENTRIES * sizeof(*texts));
	float *confidences = malloc(ENTRIES * sizeof(*confidences));
	weft_batch b = WEFT_BATCH_INIT;
	int r = senders && texts && confidences ? 0 : -ENOMEM;

	memory_begin(opt, self, out);
	for (uint32_t i = 0; r == 0 && i < ENTRIES; i++) {
		senders[i] = weft_uuid_v7();
		texts[i] = WEFT_STR("a message");
		confidences[i] = (float)i / ENTRIES;
	}
	b.count = ENTRIES;
	b.senders = senders;
	b.texts = texts;
	b.confidences = confidences;
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		for (uint32_t n = 0; r == 0 && n < REPEATS; n++)
			r = weft_batch_validate(&b, NULL);
		memory_add(out, i, t0, (uint64_t)REPEATS * ENTRIES);
	}
	free(senders);
	free(texts);
	free(confidences);
	memory_end(out, r);
}
