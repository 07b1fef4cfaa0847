/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sets DATA OUT: writes the sets of vectors that `weft bench --suite memory` makes for itself, so that everybody else can
 * read the same: exact-1000x768, exact-10000x384, made768; and of DATA's notes384 one in which five rows are half of all.
 * In the layout of tests/data.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/vectors.h"

#define SEED UINT64_C(20250101) /* as bench/memory/data.c has it */
#define QUERIES 200u
#define TOP 10u

static int put(const char *folder, const char *name, const uint32_t head[2], const void *a, size_t a_size, const void *b,
               size_t b_size)
{
	char path[1024];
	FILE *f;
	int good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	good = fwrite(head, 8, 1, f) == 1 && fwrite(a, 1, a_size, f) == a_size && fwrite(b, 1, b_size, f) == b_size;
	return fclose(f) == 0 && good ? 0 : -EIO;
}

static int write_set(struct vectors *v, const char *out, const char *name)
{
	uint32_t rows[2] = { v->count, v->dims }, queries[2] = { v->query_count, v->dims }, truth[2] = { v->query_count, TOP };
	size_t answers = (size_t)v->query_count * TOP;
	char folder[1000];
	int r = vectors_find_truth(v, TOP, NULL, NULL);

	snprintf(folder, sizeof(folder), "%s/%s", out, name);
	if (r == 0 && mkdir(folder, 0777) != 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = put(folder, "base.fbin", rows, v->rows, sizeof(float) * v->count * v->dims, NULL, 0);
	if (r == 0)
		r = put(folder, "query.fbin", queries, v->queries, sizeof(float) * v->query_count * v->dims, NULL, 0);
	if (r == 0)
		r = put(folder, "query.gt", truth, v->truth_ids, sizeof(uint32_t) * answers, v->truth_scores, sizeof(float) * answers);
	vectors_free(v);
	return r;
}

static int write_made(const char *out, const char *name, uint32_t count, uint32_t dims)
{
	struct vectors v = { 0 };
	int r = vectors_make(&v, count, QUERIES, dims, SEED);

	return r < 0 ? r : write_set(&v, out, name);
}

static int write_repeated(const char *data, const char *out)
{
	char why[1200] = "";
	struct vectors v = { 0 };
	int r = vectors_load(&v, data, "notes384", why, sizeof(why));

	if (r < 0) {
		fprintf(stderr, "sets: %s\n", why);
		return r == -ENOENT ? 0 : r;
	}
	v.query_count = v.query_count < QUERIES ? v.query_count : QUERIES;
	vectors_repeat(&v, SEED);
	return write_set(&v, out, "repeated");
}

int main(int argc, char **argv)
{
	int r;

	if (argc != 3) {
		fputs("usage: sets DATA OUT\n", stderr);
		return 2;
	}
	r = write_made(argv[2], "exact-1000x768", 1000, 768);
	if (r == 0)
		r = write_made(argv[2], "exact-10000x384", 10000, 384);
	if (r == 0)
		r = write_made(argv[2], "made768", 10000, 768);
	if (r == 0)
		r = write_repeated(argv[1], argv[2]);
	if (r < 0)
		fprintf(stderr, "sets: %s: %s\n", argv[2], strerror(-r));
	return r < 0;
}
