/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: published figures belong to items that exist, and the ratio says what it says in both directions. */
#include <criterion/criterion.h>
#include <string.h>

#include "bench/seeds/seeds.h"

static const struct seeds_published faster = { .id = "t", .metric = SEEDS_MEDIAN, .low = 50, .high = 100 };
static const struct seeds_published more = { .id = "m", .metric = SEEDS_RATE, .low = 1000, .high = 2000 };

Test(seeds, ratio__is_to_the_better_end_of_a_range)
{
	cr_expect_float_eq(seeds_ratio(&faster, 25), 2, 1e-12);
	cr_expect_float_eq(seeds_ratio(&faster, 100), 0.5, 1e-12);
	cr_expect_float_eq(seeds_ratio(&more, 4000), 2, 1e-12);
	cr_expect_float_eq(seeds_ratio(&more, 1000), 0.5, 1e-12);
	cr_expect_eq(seeds_ratio(&faster, 0), 0, "nothing was measured");
}

Test(seeds, as_good__is_within_or_better)
{
	cr_expect(seeds_is_as_good(&faster, 100));
	cr_expect(seeds_is_as_good(&faster, 1));
	cr_expect_not(seeds_is_as_good(&faster, 101));
	cr_expect_not(seeds_is_as_good(&faster, 0));
	cr_expect(seeds_is_as_good(&more, 1000));
	cr_expect_not(seeds_is_as_good(&more, 999));
}

Test(seeds, value__is_of_the_metric)
{
	struct seeds_published p = faster;
	struct bench_outcome out;

	bench_outcome_begin(&out, 20, 0);
	for (int i = 1; i <= 20; i++)
		bench_outcome_add(&out, i, 500);
	out.total_ms = 4000;
	out.rss_peak_mb = 12;
	cr_expect_eq(seeds_value_of(&p, &out), 10);
	p.metric = SEEDS_P95;
	cr_expect_eq(seeds_value_of(&p, &out), 19);
	p.metric = SEEDS_RATE;
	cr_expect_eq(seeds_value_of(&p, &out), 2500, "10,000 in four seconds");
	p.metric = SEEDS_A_CORE;
	cr_expect_eq(seeds_value_of(&p, &out), 100, "of 10 ms each");
	p.metric = SEEDS_PEAK;
	cr_expect_eq(seeds_value_of(&p, &out), 12);
	p.metric = SEEDS_AT_ONCE;
	cr_expect_eq(seeds_value_of(&p, &out), 500);
	bench_outcome_free(&out);
}

Test(seeds, formats__are_there_when_they_were_built_in)
{
	uint32_t looked = 0;

	for (uint32_t i = 0; i < bench_seeds_count; i++) {
		const struct bench_micro *m = &bench_seeds[i];

		if (!m->is_there)
			continue;
		looked++;
		cr_expect_eq(m->is_there(m), weft_codec_has(*(const weft_codec_format *)m->detail, NULL) == 0, "%s", m->id);
	}
	cr_expect_eq(looked, 2);
}

Test(seeds, items__each_has_a_published_figure_and_one_only)
{
	for (uint32_t i = 0; i < bench_seeds_count; i++)
		cr_expect_not_null(seeds_published_of(bench_seeds[i].id), "%s", bench_seeds[i].id);
	for (uint32_t i = 0; i < seeds_published_count; i++) {
		cr_expect(seeds_published[i].low > 0 && seeds_published[i].low <= seeds_published[i].high, "%s", seeds_published[i].id);
		for (uint32_t j = 0; j < i; j++)
			cr_expect(strcmp(seeds_published[i].id, seeds_published[j].id) != 0, "%s", seeds_published[i].id);
	}
}

Test(seeds, published__of_nobody_is_null)
{
	cr_expect_null(seeds_published_of("single-message"));
}

/* The entry of id as JSON, with one sample. */
static weft_json_doc *written(const char *id, double ms)
{
	weft_json_doc *doc = NULL;
	struct bench_outcome out;
	weft_json_writer *w;
	weft_str text;

	bench_outcome_begin(&out, 1, 0);
	bench_outcome_add(&out, ms, 1);
	cr_assert_eq(weft_json_writer_create(0, &w), 0);
	weft_json_begin_object(w);
	bench_published_write(w, id, &out);
	weft_json_end_object(w);
	cr_assert_eq(weft_json_writer_text(w, &text), 0);
	cr_assert_eq(weft_json_parse(text, &doc, NULL), 0);
	weft_json_writer_destroy(w);
	bench_outcome_free(&out);
	return doc;
}

static bool has_ratio(weft_json_doc *doc, double *ret_ratio)
{
	weft_json published = weft_json_find(weft_json_root(doc), WEFT_STR("published"));

	return weft_json_get_double(weft_json_find(published, WEFT_STR("ratio")), ret_ratio);
}

Test(seeds, result__has_what_was_published)
{
	weft_json_doc *doc = written("seeds-gather-100", 0.137);
	double ratio = 0;

	cr_expect(has_ratio(doc, &ratio));
	cr_expect_float_eq(ratio, 10, 1e-9);
	weft_json_release(doc);
	doc = written("seeds-loop-detection", 0);
	cr_expect_not(has_ratio(doc, &ratio), "nothing that can be divided by");
	weft_json_release(doc);
	doc = written("single-message", 1);
	cr_expect_eq(weft_json_count(weft_json_root(doc)), 0);
	weft_json_release(doc);
}
