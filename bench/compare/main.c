/* SPDX-License-Identifier: Apache-2.0 */
/* bench/compare/main.c - files in, report out. */
#include <errno.h>
#include <string.h>

#include "bench/compare/compare.h"
#include "bench/compare/table.h"

static int load_all(const struct bench_compare_options *opt, struct bench_results **results, FILE *err_to)
{
	for (uint32_t f = 0; f < opt->count; f++) {
		weft_error err = { 0 };

		if (bench_results_load(opt->paths[f], &results[f], &err) < 0) {
			fprintf(err_to, "weft compare: %s\n", err.message);
			return -1;
		}
	}
	return 0;
}

static int say(FILE *err_to, int r, const weft_error *err)
{
	fprintf(err_to, "weft compare: %s\n", err->message[0] ? err->message : weft_strerror(r));
	return BENCH_COMPARE_WRONG;
}

static int compare(const struct bench_compare_options *opt, const struct bench_results *const *results,
                   FILE *to, FILE *err_to)
{
	struct bench_compare *c = NULL;
	weft_error err = { 0 };
	int r = bench_compare_make(results, opt->count, opt, &c, &err), status;

	if (r == 0)
		r = opt->json ? bench_compare_json(to, c) : bench_compare_text(to, c, opt->ascii);
	if (r == 0 && fflush(to) != 0)
		r = -errno;
	status = r < 0                          ? say(err_to, r, &err)
	         : bench_compare_regressions(c) ? BENCH_COMPARE_REGRESSION
	                                        : BENCH_COMPARE_FINE;
	bench_compare_free(c);
	return status;
}

static int merge(const struct bench_compare_options *opt, const struct bench_results *const *results,
                 FILE *to, FILE *err_to)
{
	weft_error err = { 0 };
	int r = bench_compare_merge(results, opt->count, opt->force, to, err_to, &err);

	if (r == 0 && fflush(to) != 0)
		r = -errno;
	return r < 0 ? say(err_to, r, &err) : BENCH_COMPARE_FINE;
}

int bench_compare_main(const struct bench_compare_options *opt, FILE *to, FILE *err_to)
{
	struct bench_results *results[BENCH_COMPARE_FILES_MAX] = { NULL };
	int status = BENCH_COMPARE_WRONG;

	if (load_all(opt, results, err_to) == 0) {
		const struct bench_results *const *read = (const struct bench_results *const *)results;

		status = opt->merge ? merge(opt, read, to, err_to) : compare(opt, read, to, err_to);
	}
	for (uint32_t f = 0; f < opt->count; f++)
		bench_results_free(results[f]);
	return status;
}
