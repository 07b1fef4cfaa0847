/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/bench/plan/plan_data.h - points made from a law that is known. */
#ifndef WEFT_TESTS_PLAN_DATA_H
#define WEFT_TESTS_PLAN_DATA_H

#include <math.h>
#include <string.h>

#include "bench/plan/plan.h"

struct plan_truth {
	struct bench_usl usl;
	double base_ms[PLAN_QUANTILES], slope_ms[PLAN_QUANTILES];
	double spread; /* points of capacity lie so far above and below, in turns: 0.01 */
};

static inline struct plan_point *plan_data_add(struct plan_data *d, enum plan_kind kind, uint32_t workers)
{
	struct plan_point *p = &d->points[d->count++];

	*p = (struct plan_point){ .kind = kind, .workers = workers, .busy = 1, .seconds = 1, .oversubscribed = workers > d->cores };
	return p;
}

/* Of a host with so many cores: three rounds of capacity, parts of 70, 10 and 20%, memory, three loads of one worker. */
static inline void plan_data_make(struct plan_data *d, const struct plan_truth *t, uint32_t cores)
{
	static const double loads[] = { 0.2, 0.5, 0.8 };

	*d = (struct plan_data){ .cores = cores, .memory_gb = 8, .wait_scale = 1, .source = "a test" };
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t n = 1; n <= cores; n++) {
			struct plan_point *p = plan_data_add(d, PLAN_CLOSED, n);
			double x = bench_usl_x(&t->usl, n) * (1 + ((int)round - 1) * t->spread);

			p->round = round;
			p->cpu_us = n * 1e6 / x;
			p->done_per_s = x;
		}
	plan_data_add(d, PLAN_NO_HTTP, 1)->cpu_us = 0.3e6 / t->usl.lambda;
	plan_data_add(d, PLAN_NO_STORE, 1)->cpu_us = 0.2e6 / t->usl.lambda;
	*plan_data_add(d, PLAN_MEMORY, 1) = (struct plan_point){ .kind = PLAN_MEMORY, .workers = 1, .bytes_per_agent = 16384, .bytes_per_message = 400, .base_mb = 10 };
	for (int i = 0; i < 3; i++) {
		struct plan_point *p = plan_data_add(d, PLAN_OPEN, 1);

		p->offered_per_s = p->done_per_s = loads[i] * t->usl.lambda;
		p->cpu_us = 1e6 / t->usl.lambda;
		for (int q = 0; q < PLAN_QUANTILES; q++)
			p->added_ms[q] = t->base_ms[q] + t->slope_ms[q] * plan_wait_factor(loads[i], 1);
	}
}

static const struct plan_truth plan_truth = { .usl = { .lambda = 5000, .sigma = 0.02, .kappa = 0.001 },
	                                      .base_ms = { 1, 2, 4, 8 },
	                                      .slope_ms = { 0.5, 1, 2, 4 },
	                                      .spread = 0.01 };

#endif
