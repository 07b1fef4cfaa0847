/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/data.c - sets of vectors for the items, and the ends that all items have. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/memory/memory.h"

#define MADE_QUERIES 200u
#define QUICK_ROWS 300u
#define QUICK_QUERIES 20u

static const char *folder_of(const struct bench_options *opt)
{
	const char *named = opt->data ? opt->data : getenv("WEFT_DATA");

	return named && *named ? named : "tests/data";
}

bool bench_data_is_there(const struct bench_options *opt, const char *set)
{
	static const char *told[8]; /* sets that are missing */
	char path[1024];
	size_t i = 0;

	snprintf(path, sizeof(path), "%s/%s/query.gt", folder_of(opt), set);
	if (access(path, R_OK) == 0)
		return true;
	while (i < sizeof(told) / sizeof(told[0]) && told[i] && strcmp(told[i], set) != 0)
		i++;
	if (i < sizeof(told) / sizeof(told[0]) && !told[i]) {
		told[i] = set;
		fprintf(stderr, "weft bench: no %s in %s (--data): its entries are left out\n", set, folder_of(opt));
	}
	return false;
}

static int make(uint32_t count, uint32_t dims, bool quick, struct vectors *v)
{
	return vectors_make(v, count, quick ? QUICK_QUERIES : MADE_QUERIES, dims, MEMORY_SEED);
}

/* The first rows and queries only. What the truth was no longer holds. */
static void shorten(struct vectors *v)
{
	v->count = v->count < QUICK_ROWS ? v->count : QUICK_ROWS;
	v->query_count = v->query_count < QUICK_QUERIES ? v->query_count : QUICK_QUERIES;
	v->truth_k = 0;
}

int memory_set_read(const struct bench_options *opt, const struct bench_micro *self, struct vectors *ret, struct bench_outcome *out)
{
	const struct memory_detail *d = memory_detail(self);
	char why[200] = "out of memory";
	int r = d->set ? vectors_load(ret, folder_of(opt), d->set, why, sizeof(why))
	               : make(opt->quick && d->count > QUICK_ROWS ? QUICK_ROWS : d->count, d->dims, opt->quick, ret);

	if (r < 0)
		return bench_fail(out, "%s", why);
	if (d->set && opt->quick)
		shorten(ret);
	out->rows = ret->count;
	return 0;
}

int memory_set_open(const struct bench_options *opt, const struct bench_micro *self, struct vectors *ret, struct bench_outcome *out)
{
	int r = memory_set_read(opt, self, ret, out);

	if (r == 0 && ret->truth_k < MEMORY_TOP) {
		r = vectors_find_truth(ret, MEMORY_TOP, NULL, NULL);
		if (r < 0)
			vectors_free(ret);
	}
	return r;
}

int memory_folder_make(char *ret_folder, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	if ((size_t)snprintf(ret_folder, size, "%s/weft-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp") >= size)
		return -ENAMETOOLONG;
	return mkdtemp(ret_folder) ? 0 : -errno;
}

void memory_folder_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0); /* "." and "..": EISDIR */
	if (dir)
		closedir(dir);
	rmdir(path);
}

void memory_begin(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	uint32_t iterations, warmup;

	bench_counts(opt, self->iterations, self->iterations != 0, self->warmup, &iterations, &warmup);
	bench_outcome_begin(out, iterations, warmup);
	out->rss_start_mb = bench_rss_read().now_mb;
}

void memory_add(struct bench_outcome *out, uint32_t iteration, uint64_t start_ns, uint64_t ops)
{
	double ms = (double)(weft_now_ns() - start_ns) / 1e6;

	if (iteration < out->warmup)
		return;
	bench_outcome_add(out, ms / (double)ops, ops);
	out->total_ms += ms;
}

void memory_end(struct bench_outcome *out, int r)
{
	if (r < 0)
		bench_fail(out, "%s", weft_strerror(r));
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
}
