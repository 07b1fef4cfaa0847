/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/vectors.c - reading, making and judging sets of vectors. Formats: tests/data/README.md. */
#include "tests/support/vectors.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the files are little-endian"
#endif

#define COUNT_MAX 100000000u
#define DIMS_MAX 65536u

/* ---- files -------------------------------------------------------------------------------- */

struct file {
	FILE *f;
	char path[1024];
	char *why;
	size_t why_size;
};

static int fail(struct file *file, int r, const char *what)
{
	if (file->why)
		snprintf(file->why, file->why_size, "%s: %s", file->path, what);
	return r;
}

static int file_open(struct file *file, const char *folder, const char *set, const char *name)
{
	if ((size_t)snprintf(file->path, sizeof(file->path), "%s/%s/%s", folder, set, name) >= sizeof(file->path))
		return fail(file, -ENAMETOOLONG, "too long a path");
	file->f = fopen(file->path, "rbe");
	return file->f ? 0 : fail(file, -errno, strerror(errno));
}

static void file_close(struct file *file)
{
	if (file->f)
		fclose(file->f);
	file->f = NULL;
}

static int file_read(struct file *file, void *to, size_t size, size_t count)
{
	return fread(to, size, count, file->f) == count ? 0 : fail(file, -EBADMSG, "ends too early");
}

static int file_ends(struct file *file)
{
	return fgetc(file->f) == EOF ? 0 : fail(file, -EBADMSG, "goes on behind its end");
}

/* ---- matrices ------------------------------------------------------------------------------- */

/* IEEE half to single precision. */
static float half_to_float(uint16_t h)
{
	uint32_t exponent = (h >> 10) & 31u, fraction = h & 1023u, bits;
	float value;

	if (exponent == 0) {
		value = (float)fraction * 0x1p-24f;
	} else {
		bits = ((exponent == 31 ? 255u : exponent + 112u) << 23) | (fraction << 13);
		memcpy(&value, &bits, sizeof(value));
	}
	return h & 0x8000u ? -value : value;
}

static float number_at(const void *from, size_t size, size_t i)
{
	uint16_t half;
	float value;

	switch (size) {
	case 1:
		return ((const uint8_t *)from)[i];
	case 2:
		memcpy(&half, (const char *)from + i * 2, sizeof(half));
		return half_to_float(half);
	default:
		memcpy(&value, (const char *)from + i * 4, sizeof(value));
		return value;
	}
}

static void normalise(float *v, uint32_t dims)
{
	double sum = 0;

	for (uint32_t i = 0; i < dims; i++)
		sum += (double)v[i] * v[i];
	for (uint32_t i = 0; i < dims && sum > 0; i++)
		v[i] = (float)(v[i] / sqrt(sum));
}

/* What is in an open matrix file of numbers of so many bytes. */
static int read_matrix(struct file *file, size_t size, uint32_t *ret_count, uint32_t *ret_dims, float **ret_numbers)
{
	uint32_t head[2];
	float *numbers;
	void *row;
	int r = file_read(file, head, sizeof(head), 1);

	if (r < 0)
		return r;
	if (!head[0] || head[0] > COUNT_MAX || !head[1] || head[1] > DIMS_MAX)
		return fail(file, -EBADMSG, "no such count or dimensions");
	numbers = malloc(sizeof(float) * head[0] * head[1]);
	row = malloc(size * head[1]);
	r = numbers && row ? 0 : fail(file, -ENOMEM, "out of memory");
	for (uint32_t i = 0; r == 0 && i < head[0]; i++) {
		float *to = numbers + (size_t)i * head[1];

		r = file_read(file, row, size, head[1]);
		for (uint32_t j = 0; r == 0 && j < head[1]; j++)
			to[j] = number_at(row, size, j);
		if (r == 0)
			normalise(to, head[1]);
	}
	free(row);
	if (r == 0)
		r = file_ends(file);
	if (r < 0) {
		free(numbers);
		return r;
	}
	*ret_count = head[0];
	*ret_dims = head[1];
	*ret_numbers = numbers;
	return 0;
}

static int load_matrix(struct file *file, const char *folder, const char *set, const char *stem, uint32_t *ret_count,
                       uint32_t *ret_dims, float **ret_numbers)
{
	static const struct {
		const char *suffix;
		size_t size;
	} kinds[] = { { "f16bin", 2 }, { "u8bin", 1 }, { "fbin", 4 } };
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s.%s", stem, kinds[i].suffix);
		r = file_open(file, folder, set, name);
		if (r == 0)
			r = read_matrix(file, kinds[i].size, ret_count, ret_dims, ret_numbers);
		file_close(file);
	}
	return r;
}

/* ---- what goes with them ---------------------------------------------------------------------- */

static int read_truth(struct file *file, struct vectors *v)
{
	uint32_t head[2];
	size_t count;
	int r = file_read(file, head, sizeof(head), 1);

	if (r < 0)
		return r;
	if (head[0] != v->query_count || !head[1] || head[1] > v->count)
		return fail(file, -EBADMSG, "does not go with the queries");
	count = (size_t)head[0] * head[1];
	v->truth_k = head[1];
	v->truth_ids = malloc(count * sizeof(*v->truth_ids));
	v->truth_scores = malloc(count * sizeof(*v->truth_scores));
	if (!v->truth_ids || !v->truth_scores)
		return fail(file, -ENOMEM, "out of memory");
	r = file_read(file, v->truth_ids, sizeof(*v->truth_ids), count);
	if (r == 0)
		r = file_read(file, v->truth_scores, sizeof(*v->truth_scores), count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (v->truth_ids[i] >= v->count)
			r = fail(file, -EBADMSG, "names a row that is not there");
	}
	return r == 0 ? file_ends(file) : r;
}

static int read_meta(struct file *file, uint32_t count, struct vectors_meta **ret_meta)
{
	uint32_t head[2];
	int r = file_read(file, head, sizeof(head), 1);

	_Static_assert(sizeof(struct vectors_meta) == 16, "is what is stored");
	if (r < 0)
		return r;
	if (head[0] != count || head[1] != sizeof(struct vectors_meta))
		return fail(file, -EBADMSG, "does not go with the rows");
	*ret_meta = malloc(count * sizeof(**ret_meta));
	if (!*ret_meta)
		return fail(file, -ENOMEM, "out of memory");
	r = file_read(file, *ret_meta, sizeof(**ret_meta), count);
	return r == 0 ? file_ends(file) : r;
}

static int load_meta(struct file *file, const char *folder, const char *set, const char *name, uint32_t count,
                     struct vectors_meta **ret_meta)
{
	int r = file_open(file, folder, set, name);

	if (r == 0)
		r = read_meta(file, count, ret_meta);
	file_close(file);
	return r == -ENOENT ? 0 : r; /* not every set has it */
}

int vectors_load(struct vectors *ret, const char *folder, const char *set, char *why, size_t why_size)
{
	struct file file = { .why = why, .why_size = why_size };
	struct vectors v = { 0 };
	uint32_t dims = 0;
	int r = load_matrix(&file, folder, set, "base", &v.count, &v.dims, &v.rows);

	if (r == 0)
		r = load_matrix(&file, folder, set, "query", &v.query_count, &dims, &v.queries);
	if (r == 0 && dims != v.dims)
		r = fail(&file, -EBADMSG, "not of the dimensions that the rows have");
	if (r == 0)
		r = file_open(&file, folder, set, "query.gt");
	if (r == 0)
		r = read_truth(&file, &v);
	file_close(&file);
	if (r == 0)
		r = load_meta(&file, folder, set, "base.meta", v.count, &v.meta);
	if (r == 0)
		r = load_meta(&file, folder, set, "query.meta", v.query_count, &v.query_meta);
	if (r < 0)
		vectors_free(&v);
	else
		*ret = v;
	return r;
}

void vectors_free(struct vectors *v)
{
	if (!v)
		return;
	free(v->rows);
	free(v->queries);
	free(v->truth_ids);
	free(v->truth_scores);
	free(v->meta);
	free(v->query_meta);
	*v = (struct vectors){ 0 };
}

/* ---- making ---------------------------------------------------------------------------------- */

#define FACTORS 24u  /* dimensions that matter */
#define CLUSTERS 64u

/* About normal: the sum of twelve even numbers, less its mean. */
static float normal(uint64_t *seed)
{
	uint32_t sum = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t r = vectors_random(seed);

		sum += (uint32_t)(r & 0xffff) + (uint32_t)((r >> 16) & 0xffff) + (uint32_t)((r >> 32) & 0xffff) + (uint32_t)(r >> 48);
	}
	return (float)sum / 65536.0f - 6.0f;
}

/* The first clusters are the larger ones. */
static uint32_t cluster(uint64_t *seed)
{
	uint32_t a = (uint32_t)(vectors_random(seed) % CLUSTERS), b = (uint32_t)(vectors_random(seed) % CLUSTERS);

	return a < b ? a : b;
}

static void make_row(float *row, uint32_t dims, const float *factors, const float *centres, uint64_t *seed)
{
	const float *centre = centres + (size_t)cluster(seed) * FACTORS;
	float at[FACTORS];

	for (uint32_t f = 0; f < FACTORS; f++)
		at[f] = centre[f] + 0.7f * normal(seed);
	for (uint32_t i = 0; i < dims; i++) {
		float sum = 0.5f * normal(seed);

		for (uint32_t f = 0; f < FACTORS; f++)
			sum += at[f] * factors[(size_t)i * FACTORS + f];
		row[i] = sum;
	}
	normalise(row, dims);
}

int vectors_make(struct vectors *ret, uint32_t count, uint32_t query_count, uint32_t dims, uint64_t seed)
{
	struct vectors v = { .count = count, .query_count = query_count, .dims = dims };
	float *factors = malloc(sizeof(float) * FACTORS * dims), *centres = malloc(sizeof(float) * FACTORS * CLUSTERS);

	v.rows = malloc(sizeof(float) * count * dims);
	v.queries = malloc(sizeof(float) * query_count * dims);
	if (!factors || !centres || !v.rows || !v.queries) {
		free(factors);
		free(centres);
		vectors_free(&v);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < FACTORS * dims; i++)
		factors[i] = normal(&seed);
	for (uint32_t i = 0; i < FACTORS * CLUSTERS; i++)
		centres[i] = normal(&seed);
	for (uint32_t i = 0; i < count; i++)
		make_row(v.rows + (size_t)i * dims, dims, factors, centres, &seed);
	for (uint32_t i = 0; i < query_count; i++)
		make_row(v.queries + (size_t)i * dims, dims, factors, centres, &seed);
	free(factors);
	free(centres);
	*ret = v;
	return 0;
}

void vectors_repeat(struct vectors *v, uint64_t seed)
{
	for (uint32_t i = 1; i < v->count; i += 2) {
		uint32_t from = (uint32_t)(vectors_random(&seed) % 5) * (v->count / 10) * 2; /* an even one: it stays */

		memcpy(v->rows + (size_t)i * v->dims, vectors_row(v, from), sizeof(float) * v->dims);
	}
	v->truth_k = 0;
}

void vectors_stray(struct vectors *v, uint64_t seed)
{
	float length = sqrtf((float)v->dims); /* of a vector of such numbers, about */

	for (uint32_t q = 0; q < v->query_count; q++) {
		float *query = v->queries + (size_t)q * v->dims;

		for (uint32_t i = 0; i < v->dims; i++)
			query[i] += normal(&seed) / length;
		normalise(query, v->dims);
	}
	v->truth_k = 0;
}

void vectors_swap(struct vectors *v, uint32_t a, uint32_t b)
{
	float *x = v->rows + (size_t)a * v->dims, *y = v->rows + (size_t)b * v->dims;

	for (uint32_t i = 0; i < v->dims; i++) {
		float swap = x[i];

		x[i] = y[i];
		y[i] = swap;
	}
	v->truth_k = 0;
}

/* ---- truth ------------------------------------------------------------------------------------- */

double vectors_cosine(const struct vectors *v, uint32_t row, uint32_t query)
{
	const float *a = vectors_row(v, row), *b = vectors_query(v, query);
	double sum[4] = { 0 };
	uint32_t i = 0;

	for (; i + 4 <= v->dims; i += 4) {
		for (uint32_t j = 0; j < 4; j++)
			sum[j] += (double)a[i + j] * b[i + j];
	}
	for (; i < v->dims; i++)
		sum[0] += (double)a[i] * b[i];
	return sum[0] + sum[1] + sum[2] + sum[3];
}

/* Keep the best k in order; those that are equal, in the order in which they come. */
static uint32_t keep(double *scores, uint32_t *ids, uint32_t used, uint32_t k, double score, uint32_t id)
{
	uint32_t at = used;

	if (used == k && score <= scores[k - 1])
		return used;
	if (used == k)
		at--;
	else
		used++;
	for (; at > 0 && scores[at - 1] < score; at--) {
		scores[at] = scores[at - 1];
		ids[at] = ids[at - 1];
	}
	scores[at] = score;
	ids[at] = id;
	return used;
}

static void find_one(struct vectors *v, uint32_t query, uint32_t k, const uint8_t *allowed, double *scores)
{
	uint32_t *ids = v->truth_ids + (size_t)query * k, used = 0;

	for (uint32_t i = 0; i < v->count; i++) {
		if (allowed[i])
			used = keep(scores, ids, used, k, vectors_cosine(v, i, query), i);
	}
	for (uint32_t i = 0; i < k; i++) {
		if (i >= used)
			ids[i] = VECTORS_NONE;
		v->truth_scores[(size_t)query * k + i] = i < used ? (float)scores[i] : -2.0f;
	}
}

int vectors_find_truth(struct vectors *v, uint32_t k, vectors_allows allows, void *user)
{
	size_t count = (size_t)v->query_count * k;
	uint32_t *ids = malloc(count * sizeof(*ids));
	float *truth_scores = malloc(count * sizeof(*truth_scores));
	double *scores = malloc(k * sizeof(*scores));
	uint8_t *allowed = malloc(v->count);
	int r = -ENOMEM;

	if (ids && truth_scores && scores && allowed) {
		free(v->truth_ids);
		free(v->truth_scores);
		v->truth_ids = ids;
		v->truth_scores = truth_scores;
		v->truth_k = k;
		ids = NULL;
		truth_scores = NULL;
		for (uint32_t i = 0; i < v->count; i++)
			allowed[i] = !allows || allows(v, i, user);
		for (uint32_t q = 0; q < v->query_count; q++)
			find_one(v, q, k, allowed, scores);
		r = 0;
	}
	free(ids);
	free(truth_scores);
	free(scores);
	free(allowed);
	return r;
}

uint32_t vectors_wanted(const struct vectors *v, uint32_t query, uint32_t k)
{
	const uint32_t *ids = v->truth_ids + (size_t)query * v->truth_k;

	while (k && ids[k - 1] == VECTORS_NONE)
		k--;
	return k;
}

uint32_t vectors_right(const struct vectors *v, uint32_t query, const uint32_t *ids, uint32_t k)
{
	uint32_t wanted = vectors_wanted(v, query, k), right = 0;
	double least = wanted ? v->truth_scores[(size_t)query * v->truth_k + wanted - 1] - VECTORS_TIE : 0;

	for (uint32_t i = 0; i < wanted; i++) {
		bool again = false;

		for (uint32_t j = 0; j < i; j++)
			again |= ids[j] == ids[i];
		right += !again && ids[i] < v->count && vectors_cosine(v, ids[i], query) >= least;
	}
	return right;
}
