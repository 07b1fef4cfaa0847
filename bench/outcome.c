/* SPDX-License-Identifier: Apache-2.0 */
/* bench/outcome.c - what an entry gathers while it runs. */
#include <stdarg.h>
#include <stdlib.h>

#include "bench/bench.h"

#define ITERATIONS_DEFAULT 10u
#define WARMUP_DEFAULT 3u

void bench_counts(const struct bench_options *opt, uint32_t own_iterations, bool own_warmup_set, uint32_t own_warmup,
                  uint32_t *ret_iterations, uint32_t *ret_warmup)
{
	uint32_t iterations = own_iterations ? own_iterations : ITERATIONS_DEFAULT;
	uint32_t warmup = own_warmup_set ? own_warmup : WARMUP_DEFAULT;

	if (opt->quick) {
		iterations = iterations > 3 ? 3 : iterations;
		warmup = warmup > 1 ? 1 : warmup;
	}
	*ret_iterations = opt->iterations ? opt->iterations : iterations;
	*ret_warmup = opt->warmup_set ? opt->warmup : warmup;
}

void bench_outcome_begin(struct bench_outcome *out, uint32_t iterations, uint32_t warmup)
{
	*out = (struct bench_outcome){ .iterations = iterations, .warmup = warmup, .recall = -1, .lost = -1 };
	out->raw_ms = calloc(iterations ? iterations : 1, sizeof(*out->raw_ms));
	if (!out->raw_ms)
		bench_fail(out, "out of memory");
}

void bench_outcome_add(struct bench_outcome *out, double ms, uint64_t messages)
{
	if (out->raw_count < out->iterations)
		out->raw_ms[out->raw_count++] = ms;
	out->messages += messages;
}

int bench_fail(struct bench_outcome *out, const char *fmt, ...)
{
	va_list args;

	if (out->error[0])
		return -1; /* the first reason counts */
	va_start(args, fmt);
	vsnprintf(out->error, sizeof(out->error), fmt, args);
	va_end(args);
	return -1;
}

void bench_outcome_free(struct bench_outcome *out)
{
	free(out->raw_ms);
	out->raw_ms = NULL;
}
