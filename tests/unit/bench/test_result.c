/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: an outcome survives its way through JSON, rounds become one, and a result file is what bench/result.schema.json says. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/entry.h"

static void make(struct bench_outcome *out)
{
	bench_outcome_begin(out, 3, 1);
	for (int i = 1; i <= 3; i++)
		bench_outcome_add(out, i * 0.5, 10);
	out->total_ms = 3;
	out->cpu_ms = 4;
	out->stage_ms[BENCH_MODEL] = 0.75;
	out->stage_runs[BENCH_MODEL] = 3;
	out->rss_start_mb = 5;
	out->rss_peak_mb = 9;
	out->rss_end_mb = 8;
}

static weft_json_doc *json_of(const struct bench_outcome *out)
{
	weft_json_writer *w;
	weft_json_doc *doc = NULL;
	weft_str text;

	cr_assert_eq(weft_json_writer_create(0, &w), 0);
	bench_outcome_write(w, out);
	cr_assert_eq(weft_json_writer_text(w, &text), 0);
	cr_assert_eq(weft_json_parse(text, &doc, NULL), 0);
	weft_json_writer_destroy(w);
	return doc;
}

Test(result, outcome__survives_the_pipe)
{
	struct bench_outcome out, back;
	weft_json_doc *doc;

	make(&out);
	doc = json_of(&out);
	cr_assert_eq(bench_outcome_read(weft_json_root(doc), &back), 0);
	weft_json_release(doc);
	cr_expect_eq(back.iterations, 3);
	cr_expect_eq(back.warmup, 1);
	cr_assert_eq(back.raw_count, 3);
	cr_expect_eq(back.raw_ms[2], 1.5);
	cr_expect_eq(back.messages, 30);
	cr_expect_eq(back.total_ms, 3);
	cr_expect_eq(back.cpu_ms, 4);
	cr_expect_eq(back.stage_ms[BENCH_MODEL], 0.25, "an average from here on");
	cr_expect_eq(back.rss_peak_mb, 9);
	cr_expect_str_eq(back.error, "");
	bench_outcome_free(&out);
	bench_outcome_free(&back);
}

Test(result, outcome__carries_its_failure)
{
	struct bench_outcome out, back;
	weft_json_doc *doc;

	make(&out);
	cr_expect_eq(bench_fail(&out, "the %s", "first"), -1);
	bench_fail(&out, "the second");
	doc = json_of(&out);
	cr_assert_eq(bench_outcome_read(weft_json_root(doc), &back), 0);
	cr_expect_str_eq(back.error, "the first");
	weft_json_release(doc);
	bench_outcome_free(&out);
	bench_outcome_free(&back);
}

Test(result, outcome__carries_the_recall_of_a_search)
{
	struct bench_outcome out, back;
	weft_json_doc *doc;

	make(&out);
	cr_expect_lt(out.recall, 0, "not a search");
	out.recall = 0;
	out.rows = 4000;
	out.ef = 32;
	out.lost = 0;
	doc = json_of(&out);
	cr_assert_eq(bench_outcome_read(weft_json_root(doc), &back), 0);
	cr_expect_eq(back.recall, 0);
	cr_expect_eq(back.rows, 4000);
	cr_expect_eq(back.ef, 32);
	cr_expect_eq(back.lost, 0);
	weft_json_release(doc);
	bench_outcome_free(&back);
	out.recall = -1;
	out.lost = -1;
	doc = json_of(&out);
	cr_assert_eq(bench_outcome_read(weft_json_root(doc), &back), 0);
	cr_expect_lt(back.recall, 0);
	cr_expect_lt(back.lost, 0);
	weft_json_release(doc);
	bench_outcome_free(&out);
	bench_outcome_free(&back);
}

static struct bench_open_loop *open_loop_of(uint64_t a, uint64_t b)
{
	struct bench_open_loop *o = calloc(1, sizeof(*o));
	uint64_t values[2] = { a, b };

	cr_assert_not_null(o);
	o->offered_per_s = 1000;
	o->intended = o->done = 2;
	o->late = 1;
	cr_assert_eq(bench_histogram_of(values, 2, &o->from_intended), 0);
	cr_assert_eq(bench_histogram_of(values, 1, &o->from_sent), 0);
	return o;
}

Test(result, outcome__carries_an_open_loop)
{
	struct bench_outcome out, back;
	weft_json_doc *doc;

	make(&out);
	out.open_loop = open_loop_of(900, 1000000);
	doc = json_of(&out);
	cr_assert_eq(bench_outcome_read(weft_json_root(doc), &back), 0);
	weft_json_release(doc);
	cr_assert_not_null(back.open_loop);
	cr_expect_eq(back.open_loop->offered_per_s, 1000);
	cr_expect_eq(back.open_loop->late, 1);
	cr_expect_eq(back.open_loop->from_intended.total, 2);
	cr_expect_eq(back.open_loop->from_sent.total, 1);
	cr_expect_eq(bench_histogram_quantile(&back.open_loop->from_intended, 1), 1000000);
	bench_outcome_free(&out);
	bench_outcome_free(&back);
}

Test(result, merge__keeps_times_with_their_round_and_the_worst_memory)
{
	struct bench_outcome all = { 0 }, round;

	make(&round);
	round.wall_s = 1;
	round.open_loop = open_loop_of(100, 300);
	round.bytes = 100;
	bench_outcome_merge(&all, &round);
	cr_expect_eq(all.rounds, 1);
	make(&round);
	round.wall_s = 2;
	round.rss_peak_mb = 12;
	round.rss_end_mb = 11;
	round.open_loop = open_loop_of(100, 500);
	round.bytes = 200;
	bench_fail(&round, "the second");
	bench_outcome_merge(&all, &round);
	cr_expect_eq(all.rounds, 2);
	cr_expect_eq(all.iterations, 6);
	cr_expect_eq(all.messages, 60);
	cr_expect_eq(all.total_ms, 6);
	cr_expect_eq(all.wall_s, 3);
	cr_assert_eq(all.raw_count, 6);
	cr_expect_eq(all.raw_round[2], 0);
	cr_expect_eq(all.raw_round[3], 1);
	cr_expect_eq(all.raw_ms[3], 0.5);
	cr_expect_eq(all.rss_peak_mb, 12);
	cr_expect_eq(all.rss_end_mb, 11);
	cr_expect_eq(all.bytes, 150);
	cr_expect_eq(all.open_loop->intended, 4);
	cr_expect_eq(all.open_loop->from_intended.total, 4);
	cr_expect_eq(bench_histogram_quantile(&all.open_loop->from_intended, 0.5), 100);
	cr_expect_eq(bench_histogram_quantile(&all.open_loop->from_intended, 1), 500);
	cr_expect_str_eq(all.error, "the second");
	bench_outcome_free(&all);
	bench_outcome_free(&round);
}

Test(result, outcome__of_something_else_is_refused)
{
	struct bench_outcome back;
	weft_json_doc *doc;

	cr_assert_eq(weft_json_parse(WEFT_STR("{\"latency\":3}"), &doc, NULL), 0);
	cr_expect_lt(bench_outcome_read(weft_json_root(doc), &back), 0);
	weft_json_release(doc);
}

Test(result, add__keeps_no_more_than_was_announced)
{
	struct bench_outcome out;

	bench_outcome_begin(&out, 1, 0);
	bench_outcome_add(&out, 1, 1);
	bench_outcome_add(&out, 2, 1);
	cr_expect_eq(out.raw_count, 1);
	cr_expect_eq(out.messages, 2);
	bench_outcome_free(&out);
}

static weft_json_schema *schema_load(void)
{
	weft_json_schema *schema = NULL;
	weft_json_doc *doc;
	weft_error err = { 0 };

	cr_assert_eq(weft_json_parse_file(BENCH_SCHEMA, &doc, &err), 0, "%s", err.message);
	cr_assert_eq(weft_json_schema_compile(weft_json_root(doc), &schema, &err), 0, "%s", err.message);
	weft_json_release(doc);
	return schema;
}

Test(result, file__is_what_the_schema_says)
{
	char path[] = "/tmp/weft-result-XXXXXX";
	weft_json_schema *schema = schema_load();
	struct bench_outcome outs[2];
	struct bench_row rows[] = {
		{ .id = "single-message", .group = "g", .out = &outs[0], .suite = "scenarios", .description = "d" },
		{ .id = "seeds-startup-memory", .unit = "bytes", .out = &outs[1], .base = "ring", .workers = 2 },
	};
	struct bench_result result = { .program = "/proc/self/exe", .rows = rows, .count = 2, .rounds = 3, .wall_s = 1.5 };
	struct bench_machine machine = { .verdict = BENCH_NOISY,
		                         .findings = { { "load", BENCH_WARNING, "busy", "top" }, { "virtual", BENCH_NOTE, "a machine in one", "" } },
		                         .count = 2,
		                         .cpu_model = "CPU",
		                         .fingerprint = "0123456789abcdef" };
	const struct bench_goal goals[] = {
		{ "single-message", NULL, BENCH_GOAL_MEDIAN, BENCH_GOAL_NOISE, 1, 0.9, 0.5, 1.5, "at most 900 us" },
		{ "single-message", "other", BENCH_GOAL_RATIO_P99, BENCH_GOAL_REACHED, 1, 2, NAN, NAN, "at most 2 x" },
	};
	weft_json_doc *doc;
	weft_json entry;
	weft_error err = { 0 };
	weft_str runtime = { 0 };
	double v = 0;

	make(&outs[0]);
	make(&outs[1]);
	outs[1].bytes = 144;
	outs[1].recall = 0.98;
	outs[1].rows = 10;
	outs[1].ef = 24;
	outs[1].lost = 3;
	bench_fail(&outs[1], "for the test");
	outs[0].open_loop = open_loop_of(900, 1000000);
	result.machine = &machine;
	result.goals = goals;
	result.goal_count = 2;
	close(mkstemp(path));
	cr_assert_eq(bench_result_write(path, &result), 0);
	cr_assert_eq(weft_json_parse_file(path, &doc, &err), 0, "%s", err.message);
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), &err), 0, "%s", err.message);
	cr_expect(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("runtime")), &runtime));
	cr_expect(weft_str_eq(runtime, WEFT_STR("weft")));
	entry = weft_json_find(weft_json_find(weft_json_root(doc), WEFT_STR("scenarios")), WEFT_STR("single-message"));
	cr_expect(weft_json_get_double(weft_json_find(weft_json_find(entry, WEFT_STR("throughput")),
	                                              WEFT_STR("messages_per_second")), &v));
	cr_expect_float_eq(v, 10000, 1e-6);
	cr_expect(weft_json_get_double(weft_json_find(weft_json_find(entry, WEFT_STR("resources")),
	                                              WEFT_STR("memory_delta_mb")), &v));
	cr_expect_float_eq(v, 3, 1e-9);
	cr_expect(weft_json_get_double(weft_json_find(weft_json_root(doc), WEFT_STR("schema_version")), &v));
	cr_expect_eq(v, 2);
	cr_expect_eq(weft_json_count(weft_json_find(weft_json_find(weft_json_root(doc), WEFT_STR("machine_check")), WEFT_STR("findings"))), 2);
	cr_expect_eq(weft_json_count(weft_json_find(weft_json_root(doc), WEFT_STR("goals"))), 2);
	entry = weft_json_find(entry, WEFT_STR("open_loop"));
	cr_expect(weft_json_get_double(weft_json_find(weft_json_find(entry, WEFT_STR("from_intended_ms")), WEFT_STR("max")), &v));
	cr_expect_eq(v, 1);
	cr_expect_eq(weft_json_count(weft_json_find(entry, WEFT_STR("histogram"))), 2);
	weft_json_release(doc);
	weft_json_schema_destroy(schema);
	bench_outcome_free(&outs[0]);
	bench_outcome_free(&outs[1]);
	unlink(path);
}

Test(result, schema__refuses_what_is_no_result)
{
	weft_json_schema *schema = schema_load();
	struct bench_outcome out;
	weft_json_doc *doc;

	make(&out);
	doc = json_of(&out); /* an entry, not a file */
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(doc), NULL), WEFT_ESCHEMA);
	weft_json_release(doc);
	weft_json_schema_destroy(schema);
	bench_outcome_free(&out);
}

Test(result, file__that_cannot_be_written_is_an_error)
{
	cr_expect_lt(bench_result_write("/nowhere/result.json", &(struct bench_result){ .program = "/proc/self/exe" }), 0);
}
