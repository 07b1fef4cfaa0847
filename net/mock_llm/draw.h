/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/draw.h - how long a request waits and what goes wrong with it: draws that a seed repeats. */
#ifndef WEFT_NET_MOCK_LLM_DRAW_H
#define WEFT_NET_MOCK_LLM_DRAW_H

#include <weft/error.h>

#include "runtime/base/rng.h"

/* A distribution of times. Zeroed: always 0. */
struct weft__draw_times {
	enum { WEFT__TIMES_CONSTANT, WEFT__TIMES_LOGNORMAL, WEFT__TIMES_LIST } kind;
	double median_ms, sigma;
	double *list_ms; /* owned */
	uint32_t count;
};

#define WEFT__TIMES_MS_MAX 3600000.0 /* an hour */

/* text: see weft_mock_llm_options.latency; NULL is "0". 0, -EINVAL, WEFT_ECONFIG (the file), -ENOMEM; err says why. */
int weft__draw_times_parse(const char *text, struct weft__draw_times *ret, weft_error *err);
void weft__draw_times_fini(struct weft__draw_times *t);
uint64_t weft__draw_time_ns(const struct weft__draw_times *t, struct weft__rng *rng);

/* 0 <= x < 1 */
double weft__draw_unit(struct weft__rng *rng);

#endif
