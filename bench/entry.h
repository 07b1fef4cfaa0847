/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/entry.h - an outcome as JSON: what a child sends its parent, whole, and the parts that the result file shares
 * with it. The times go in the order of measuring; a mean of a stage is all that is sent of it.
 */
#ifndef WEFT_BENCH_ENTRY_H
#define WEFT_BENCH_ENTRY_H

#include "bench/outcome.h"
#include "bench/put.h"

/* From a child: one object. */
void bench_outcome_write(weft_json_writer *w, const struct bench_outcome *out);
/* To its parent. *out is to be freed whatever comes back. @return 0, -EINVAL: no outcome; -ENOMEM */
int bench_outcome_read(weft_json v, struct bench_outcome *out);

/* Parts. The caller has begun an object. */
void bench_put_counts(weft_json_writer *w, const struct bench_outcome *out); /* iterations and warm-up */
void bench_put_raw(weft_json_writer *w, const struct bench_outcome *out);    /* "raw_ms" */
void bench_put_latency(weft_json_writer *w, const struct bench_outcome *out); /* all that its times say; outliers */
void bench_put_parts(weft_json_writer *w, const struct bench_outcome *out);  /* throughput to error */

#endif
