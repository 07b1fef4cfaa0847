/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a result file of either version, of any runtime, is read as it stands; whatever is wrong in one is an error that
 * names file and field. Method: a whole file with every field, then the same with one text replaced at a time.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/results.h"

#define VERSION_1                                                                                              \
	"{\"runtime\":\"typescript\",\"timestamp\":\"2026-11-21T09:30:00.250Z\",\"system\":{\"os\":\"linux 6\"," \
	"\"arch\":\"x64\",\"cpus\":2,\"memory_gb\":8,\"runtime_version\":\"node v20\"},"                         \
	"\"scenarios\":{\"single-message\":{\"iterations\":3,\"warmup\":1,\"latency\":{\"median_ms\":2,"         \
	"\"raw_ms\":[1,2,4]},\"throughput\":{\"messages_per_second\":357.5},\"checks\":{\"responded\":3}}}}"

#define VERSION_2                                                                                              \
	"{\"schema_version\":2,\"runtime\":\"weft\",\"timestamp\":\"2026-11-21T09:30:00Z\",\"system\":{\"os\":"  \
	"\"Linux 6.1\",\"arch\":\"x86_64\",\"cpus\":2,\"memory_gb\":7.7,\"runtime_version\":\"weft 0.1.0\","     \
	"\"cpu_model\":\"a cpu\",\"fingerprint\":\"0123456789abcdef\"},\"machine_check\":{\"verdict\":\"noisy\"," \
	"\"findings\":[{\"id\":\"steal\",\"severity\":\"warning\",\"text\":\"9 % stolen\",\"fix\":\"wait\"}]},"  \
	"\"rounds\":2,\"wall_s\":61.5,\"binary_size_bytes\":3000000,\"goals\":[{\"entry\":\"burst-1000\","       \
	"\"metric\":\"per_cpu_second\",\"value\":90000,\"limit\":100000,\"text\":\"at least 100 k\",\"verdict\":"   \
	"\"missed\"},{\"entry\":\"burst-1000\",\"against\":\"burst-100\",\"metric\":\"median_ratio\",\"value\":9,"   \
	"\"ci95\":[8,10],\"limit\":11,\"text\":\"at most 11 x\",\"verdict\":\"reached\"}],"                           \
	"\"scenarios\":{\"burst-1000\":{"                                                                       \
	"\"suite\":\"scenarios\",\"group\":\"throughput\",\"description\":\"a thousand\",\"iterations\":4,"      \
	"\"warmup\":3,\"workers\":2,\"base\":\"burst-1000\",\"latency\":{\"min_ms\":4,\"max_ms\":7,"             \
	"\"avg_ms\":5.5,\"median_ms\":5,\"p90_ms\":7,\"p95_ms\":7,\"p99_ms\":7,\"p999_ms\":7,\"stddev_ms\":1,"   \
	"\"mad_ms\":1.5,\"median_ci95_ms\":[4,6],\"raw_ms\":[4,5,6,7],\"raw_round\":[0,0,1,1]},"                 \
	"\"throughput\":{\"messages_per_second\":200000,\"total_messages\":4000,\"total_time_ms\":22},"          \
	"\"pipeline\":{\"compose_state_avg_ms\":0.5,\"model_call_avg_ms\":0},\"resources\":"                     \
	"{\"memory_rss_start_mb\":9,\"memory_rss_peak_mb\":12,\"memory_rss_end_mb\":8,\"memory_delta_mb\":-1},"  \
	"\"outliers\":0,\"unit\":\"ms\",\"higher_is_better\":false,\"published\":{\"metric\":\"median_ms\","     \
	"\"low\":3,\"high\":4,\"ratio\":0.7,\"what\":\"a paper\",\"other_hardware\":true},\"open_loop\":{"       \
	"\"offered_per_s\":1000,\"intended\":5000,\"done\":4999,\"late\":1,\"from_intended_ms\":{\"p50\":1,"     \
	"\"p90\":2,\"p99\":3,\"p999\":4,\"max\":5},\"from_sent_ms\":{\"p50\":1,\"p90\":2,\"p99\":3,\"p999\":4,"  \
	"\"max\":4.5},\"histogram\":[[1,4000],[5,999]]}},\"actor-idle-bytes\":{\"iterations\":1,\"warmup\":0,"   \
	"\"latency\":{\"median_ms\":0,\"raw_ms\":[]},\"bytes\":148.5,\"unit\":\"bytes\"},\"search\":{"           \
	"\"iterations\":1,\"warmup\":0,\"latency\":{\"median_ms\":0.01},\"recall\":0.99,\"rows\":4000,\"ef\":32,"\
	"\"lost\":2},\"broken\":{\"iterations\":0,\"warmup\":0,\"latency\":{},\"error\":\"it\\u001bended\"}}}"

static struct bench_results *parsed(const char *text)
{
	struct bench_results *r = NULL;
	weft_error err = { 0 };

	cr_assert_eq(bench_results_parse(weft_str_from(text), "a.json", &r, &err), 0, "%s", err.message);
	return r;
}

/* A copy of VERSION_2 in which a text, which has to be there, is another. */
static char *with(const char *from, const char *to)
{
	const char *at = strstr(VERSION_2, from);
	size_t size = sizeof(VERSION_2) + strlen(to);
	char *text = malloc(size);

	cr_assert_not_null(at, "%s", from);
	snprintf(text, size, "%.*s%s%s", (int)(at - VERSION_2), VERSION_2, to, at + strlen(from));
	return text;
}

static void expect_refused(const char *text, const char *said)
{
	struct bench_results *r = NULL;
	weft_error err = { 0 };
	char whole[300];

	snprintf(whole, sizeof(whole), "b.json: %s", said);
	cr_expect_lt(bench_results_parse(weft_str_from(text), "b.json", &r, &err), 0, "%s", said);
	cr_expect_str_eq(err.message, whole);
	cr_expect_null(r);
}

static void expect_wrong(const char *from, const char *to, const char *said)
{
	char *text = with(from, to);

	expect_refused(text, said);
	free(text);
}

Test(results, version_1__of_another_runtime_is_read)
{
	struct bench_results *r = parsed(VERSION_1);
	const struct bench_results_entry *e = bench_results_find(r, "single-message");

	cr_expect_eq(r->version, 1);
	cr_expect_str_eq(r->runtime, "typescript");
	cr_expect_eq(r->timestamp_s, 1795253400);
	cr_expect_null(r->system.fingerprint);
	cr_expect_null(r->machine_verdict);
	cr_expect_not(bench_is_given(r->wall_s));
	cr_assert_not_null(e);
	cr_expect_eq(e->latency.raw_count, 3);
	cr_expect_eq(e->messages_per_second, 357.5);
	cr_expect_not(bench_is_given(e->rss_peak_mb));
	cr_expect_not(bench_is_given(e->stage_ms[0]));
	cr_expect_eq(e->outliers, -1);
	cr_expect_null(e->latency.round);
	cr_expect_null(bench_results_find(r, "no-such"));
	bench_results_free(r);
}

Test(results, raw_values__give_the_statistics_that_are_not_there)
{
	struct bench_results *r = parsed(VERSION_1);
	const struct bench_results_latency *l = &r->entries[0].latency;

	cr_expect_eq(l->min, 1);
	cr_expect_eq(l->max, 4);
	cr_expect_eq(l->median, 2);
	cr_expect_eq(l->p90, 4);
	cr_expect_eq(l->p999, 4);
	cr_expect_float_eq(l->avg, 7.0 / 3, 1e-12);
	cr_expect_float_eq(l->stddev, 1.247219128924647, 1e-12);
	cr_expect_float_eq(l->mad, 1.4826, 1e-12, "the median of 1, 0 and 2 is 1");
	cr_expect_not(bench_is_given(l->median_low));
	bench_results_free(r);
}

Test(results, version_2__every_field_arrives)
{
	struct bench_results *r = parsed(VERSION_2);
	const struct bench_results_entry *e = bench_results_find(r, "burst-1000");

	cr_expect_str_eq(r->path, "a.json");
	cr_expect_str_eq(r->system.fingerprint, "0123456789abcdef");
	cr_expect_str_eq(r->system.cpu_model, "a cpu");
	cr_expect_eq(r->system.cpus, 2);
	cr_expect_eq(r->rounds, 2);
	cr_expect_eq(r->wall_s, 61.5);
	cr_expect_eq(r->binary_size_bytes, 3e6);
	cr_expect_str_eq(r->machine_verdict, "noisy");
	cr_assert_eq(r->finding_count, 1);
	cr_expect_str_eq(r->findings[0].fix, "wait");
	cr_assert_eq(r->goal_count, 2);
	cr_expect_eq(r->goals[0].metric, BENCH_GOAL_PER_CPU);
	cr_expect_eq(r->goals[0].verdict, BENCH_GOAL_MISSED);
	cr_expect_null(r->goals[0].against);
	cr_expect_not(bench_is_given(r->goals[0].low));
	cr_expect_eq(r->goals[1].metric, BENCH_GOAL_RATIO);
	cr_expect_str_eq(r->goals[1].against, "burst-100");
	cr_expect_eq(r->goals[1].high, 10);
	cr_expect_eq(r->goals[1].limit, 11);
	cr_expect_eq(r->entry_count, 4);
	cr_assert_not_null(e);
	cr_expect_str_eq(e->base, "burst-1000");
	cr_expect_eq(e->workers, 2);
	cr_expect_eq(e->latency.mad, 1.5, "the file's own");
	cr_expect_eq(e->latency.median_low, 4);
	cr_expect_eq(e->latency.median_high, 6);
	cr_expect_eq(e->latency.round[3], 1);
	cr_expect_eq(e->total_messages, 4000);
	cr_expect_eq(e->stage_ms[0], 0.5);
	cr_expect_eq(e->stage_ms[3], 0, "it did not run");
	cr_expect_not(bench_is_given(e->stage_ms[1]));
	cr_expect_eq(e->rss_delta_mb, -1);
	cr_assert_not_null(e->published);
	cr_expect_eq(e->published->high, 4);
	cr_expect(e->published->other_hardware);
	cr_assert_not_null(e->open_loop);
	cr_expect_eq(e->open_loop->done, 4999);
	cr_expect_eq(e->open_loop->from_sent.max, 4.5);
	cr_assert_eq(e->open_loop->bucket_count, 2);
	cr_expect_eq(e->open_loop->histogram[1].count, 999);
	bench_results_free(r);
}

Test(results, entries__say_what_they_do_not_have)
{
	struct bench_results *r = parsed(VERSION_2);
	const struct bench_results_entry *e = bench_results_find(r, "actor-idle-bytes");

	cr_expect_eq(e->bytes, 148.5);
	cr_expect_not(bench_is_given(e->latency.median), "the zero of no values is none");
	cr_expect_not(bench_is_given(e->recall));
	e = bench_results_find(r, "search");
	cr_expect_eq(e->latency.median, 0.01, "without raw values");
	cr_expect_null(e->latency.raw);
	cr_expect_eq(e->recall, 0.99);
	cr_expect_eq(e->rows, 4000);
	cr_expect_eq(e->ef, 32);
	cr_expect_eq(e->lost, 2);
	e = bench_results_find(r, "broken");
	cr_expect_str_eq(e->error, "it ended", "no control character reaches a terminal");
	bench_results_free(r);
}

Test(results, top__names_what_is_wrong)
{
	expect_refused("[]", "not a result file");
	expect_refused("{}", "runtime: missing");
	expect_wrong("\"schema_version\":2", "\"schema_version\":3", "schema_version: 1 and 2 are known");
	expect_wrong("\"schema_version\":2", "\"schema_version\":\"2\"", "schema_version: not a whole number");
	expect_wrong("\"weft\"", "7", "runtime: not a text");
	expect_wrong("\"weft\"", "\"\"", "runtime: empty");
	expect_wrong("\"weft\"", "\"we\\u0007ft\"", "runtime: has control characters");
	expect_wrong("\"weft\"", "\"we\\u202eft\"", "runtime: has control characters");
	expect_wrong("00Z", "00", "timestamp: not a time like 2026-11-21T09:30:00Z");
	expect_wrong("\"os\":", "\"so\":", "system.os: missing");
	expect_wrong("\"cpus\":2", "\"cpus\":2.5", "system.cpus: not a whole number");
	expect_wrong("\"cpus\":2", "\"cpus\":-2", "system.cpus: negative");
	expect_wrong("\"cpus\":2", "\"cpus\":4294967296", "system.cpus: too large");
	expect_wrong("\"memory_gb\":7.7", "\"memory_gb\":true", "system.memory_gb: not a number");
	expect_wrong("abcdef\"", "abcdeg\"", "system.fingerprint: not 16 hexadecimal digits");
	expect_wrong("\"noisy\"", "\"loud\"", "machine_check.verdict: not one of those that are known");
	expect_wrong("\"warning\"", "\"bad\"", "machine_check.findings[0].severity: not one of those that are known");
	expect_wrong("\"text\":\"9 % stolen\",", "", "machine_check.findings[0].text: missing");
	expect_wrong("\"per_cpu_second\"", "\"speed\"", "goals[0].metric: not one of those that are known");
	expect_wrong("\"missed\"", "\"bad\"", "goals[0].verdict: not one of those that are known");
	expect_wrong("\"limit\":11,", "", "goals[1].limit: missing");
	expect_wrong("[8,10]", "[10,8]", "goals[1].ci95: the low end is above the high one");
	expect_wrong("\"goals\":[", "\"goals\":3,\"old\":[", "goals: not a list");
	expect_wrong("\"scenarios\":{", "\"scenarios_\":{", "scenarios: missing");
	expect_wrong("\"runtime\":", "\"rounds\":3,\"runtime\":", "the key 'rounds' is given twice");
}

Test(results, entry__names_what_is_wrong)
{
#define HERE "scenarios.burst-1000."
	expect_wrong("\"burst-1000\":{", "\"\":{", "scenarios: an id that is empty, too long or has control characters");
	expect_wrong("\"burst-1000\":{", "\"a\\nb\":{", "scenarios: an id that is empty, too long or has control characters");
	expect_wrong("\"iterations\":4", "\"iterations\":[]", HERE "iterations: not a whole number");
	expect_wrong("[4,5,6,7]", "[4,5,6,\"7\"]", HERE "latency.raw_ms[3]: not a number");
	expect_wrong("[4,5,6,7]", "[4,-5,6,7]", HERE "latency.raw_ms[1]: negative");
	expect_wrong("[4,5,6,7]", "[4,null,6,7]", HERE "latency.raw_ms[1]: not a number");
	expect_wrong("[4,5,6,7]", "4", HERE "latency.raw_ms: not a list");
	expect_wrong("[0,0,1,1]", "[0,0,1]", HERE "latency.raw_round: not as long as raw_ms");
	expect_wrong("[0,0,1,1]", "[0,1,0,1]", HERE "latency.raw_round[2]: falls");
	expect_wrong("[0,0,1,1]", "[0,0,1,4294967295]", HERE "latency.raw_round[3]: too large");
	expect_wrong("[4,6]", "[4]", HERE "latency.median_ci95_ms: not two numbers");
	expect_wrong("[4,6]", "[6,4]", HERE "latency.median_ci95_ms: the low end is above the high one");
	expect_wrong("\"median_ms\":5", "\"median_ms\":{}", HERE "latency.median_ms: not a number");
	expect_wrong("\"throughput\":{\"m", "\"throughput\":[],\"t\":{\"m", HERE "throughput: not an object");
	expect_wrong("200000", "\"fast\"", HERE "throughput.messages_per_second: not a number");
	expect_wrong("\"model_call_avg_ms\":0", "\"model_call_avg_ms\":-1", HERE "pipeline.model_call_avg_ms: negative");
	expect_wrong("rss_peak_mb\":12", "rss_peak_mb\":-1", HERE "resources.memory_rss_peak_mb: negative");
	expect_wrong("\"higher_is_better\":false", "\"higher_is_better\":0", HERE "higher_is_better: not true or false");
	expect_wrong("\"metric\":\"median_ms\"", "\"metric\":\"speed\"", HERE "published.metric: not one of those that are known");
	expect_wrong("\"low\":3", "\"low\":9", HERE "published.low: is above high");
	expect_wrong("\"intended\":5000,", "", HERE "open_loop.intended: missing");
	expect_wrong("\"p999\":4,\"max\":4.5", "\"max\":\"4.5\"", HERE "open_loop.from_sent_ms.max: not a number");
	expect_wrong("[5,999]", "[1,999]", HERE "open_loop.histogram[1]: does not rise");
	expect_wrong("[5,999]", "[5,999,1]", HERE "open_loop.histogram[1]: not [upper_ms, count]");
	expect_wrong("\"recall\":0.99", "\"recall\":1.5", "scenarios.search.recall: above 1");
	expect_wrong("\"latency\":{},", "", "scenarios.broken.latency: missing");
}

Test(results, load__says_which_file)
{
	char path[] = "/tmp/weft-results-XXXXXX", said[80];
	struct bench_results *r = NULL;
	weft_error err = { 0 };
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, VERSION_2, sizeof(VERSION_2) - 1), (ssize_t)sizeof(VERSION_2) - 1);
	cr_assert_eq(bench_results_load(path, &r, &err), 0, "%s", err.message);
	cr_expect_str_eq(r->path, path);
	bench_results_free(r);
	cr_assert_eq(write(fd, "}", 1), 1);
	close(fd);
	cr_expect_eq(bench_results_load(path, &r, &err), WEFT_EPARSE);
	cr_expect_eq(strncmp(err.message, path, strlen(path)), 0, "%s", err.message);
	cr_expect_eq(err.line, 1);
	unlink(path);
	cr_expect_eq(bench_results_load(path, &r, &err), -ENOENT);
	snprintf(said, sizeof(said), "%s: %s", path, weft_strerror(-ENOENT));
	cr_expect_str_eq(err.message, said);
	cr_expect_eq(bench_results_load("/tmp", &r, &err), -EISDIR, "%s", err.message);
}

Test(results, load__reads_what_weft_bench_writes)
{
	char path[] = "/tmp/weft-results-XXXXXX";
	struct bench_outcome out;
	struct bench_row row = { .id = "one", .unit = "us", .out = &out, .suite = "micro", .workers = 2 };
	struct bench_result result = { .program = "/proc/self/exe", .rows = &row, .count = 1, .rounds = 3, .wall_s = 1.5 };
	struct bench_results *r = NULL;
	weft_error err = { 0 };

	close(mkstemp(path));
	bench_outcome_begin(&out, 2, 0);
	bench_outcome_add(&out, 1.5, 10);
	bench_outcome_add(&out, 2.5, 10);
	cr_assert_eq(bench_result_write(path, &result), 0);
	cr_assert_eq(bench_results_load(path, &r, &err), 0, "%s", err.message);
	cr_expect_str_eq(r->runtime, "weft");
	cr_expect_eq(r->version, BENCH_SCHEMA_VERSION);
	cr_expect_eq(r->rounds, 3);
	cr_expect_eq(r->entries[0].latency.raw[1], 2.5);
	cr_expect_eq(r->entries[0].total_messages, 20);
	cr_expect_str_eq(r->entries[0].unit, "us");
	cr_expect_eq(r->entries[0].workers, 2);
	bench_results_free(r);
	bench_outcome_free(&out);
	unlink(path);
}
