/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a result file: refused with a reason that names the file, or a whole in which what readers count on holds:
 * every id findable, every number finite or not given, statistics only of values.
 */
#include <string.h>

#include "bench/results.h"
#include "tests/fuzz/fuzz.h"

static void check_latency(const struct bench_results_latency *l)
{
	for (uint32_t i = 0; i < l->raw_count; i++) {
		FUZZ_CHECK(isfinite(l->raw[i]) && l->raw[i] >= 0);
		FUZZ_CHECK(!l->round || i == 0 || l->round[i] >= l->round[i - 1]);
	}
	FUZZ_CHECK(!l->raw || !l->raw_count || (bench_is_given(l->median) && bench_is_given(l->p999)));
	FUZZ_CHECK(bench_is_given(l->median_low) == bench_is_given(l->median_high));
	FUZZ_CHECK(!bench_is_given(l->median_low) || l->median_low <= l->median_high);
}

static void check_entry(const struct bench_results *r, const struct bench_results_entry *e)
{
	FUZZ_CHECK(e->id[0] && bench_results_find(r, e->id) == e);
	check_latency(&e->latency);
	FUZZ_CHECK(!bench_is_given(e->messages_per_second) || isfinite(e->messages_per_second));
	FUZZ_CHECK(!e->published || e->published->low <= e->published->high);
	for (uint32_t i = 1; e->open_loop && i < e->open_loop->bucket_count; i++)
		FUZZ_CHECK(e->open_loop->histogram[i].upper_ms > e->open_loop->histogram[i - 1].upper_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench_results *r = NULL;
	weft_error err = { 0 };

	if (bench_results_parse((weft_str){ (const char *)data, size }, "x.json", &r, &err) < 0) {
		FUZZ_CHECK(!strncmp(err.message, "x.json: ", 8) && err.message[8]);
		return 0;
	}
	FUZZ_CHECK(r->runtime[0] && r->system.os && (r->version == 1 || r->version == 2));
	for (uint32_t i = 0; i < r->entry_count; i++)
		check_entry(r, &r->entries[i]);
	bench_results_free(r);
	return 0;
}
