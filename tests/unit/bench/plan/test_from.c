/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what was written is read again, to the same plan; files that are no such thing are refused by the field. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

#include "plan_data.h"

static struct plan_data d, back;
static struct plan_model m;
static struct plan_answer a;
static const struct plan_checks none;
static char path[64];

static struct plan_ask asked(void)
{
	return (struct plan_ask){ .work = { .model_ms = 150, .tool_ms = 7, .tools = 3, .history = 20 }, .rate = 5000, .headroom = 0.3, .slo_quantile = 0.95, .slo_ms = 30 };
}

static void file_with(const char *text, size_t len)
{
	FILE *f;

	strcpy(path, "/tmp/weft-test-plan-XXXXXX");
	f = fdopen(mkstemp(path), "w");
	cr_assert_not_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

/* Four turns of each open load, and a few stalls. */
static void add_turns(void)
{
	for (uint32_t i = 0; i < d.count; i++) {
		struct plan_point *p = &d.points[i];

		if (p->kind != PLAN_OPEN)
			continue;
		for (uint32_t k = 0; k < 400; k++)
			plan_turn_add(&p->turns[k % 4], p->added_ms[PLAN_P50] * (1 + k % 11) + k % 4);
		p->stalls[PLAN_WORKERS].seconds = 2;
		plan_stalls_add(&p->stalls[PLAN_WORKERS], 3.5);
		plan_stalls_add(&p->stalls[PLAN_WORKERS], 80);
		p->own_share = 0.5;
		p->own_mean_ms = NAN;
		memcpy(p->own_ms, (double[]){ NAN, NAN, NAN, NAN }, sizeof(p->own_ms));
	}
}

static char *shown(int (*show)(FILE *, const struct plan_shown *), struct plan_ask *ask, size_t *ret_len)
{
	struct plan_shown s = { ask, &d, &m, &a, &none };
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	plan_data_make(&d, &plan_truth, 4);
	add_turns();
	strcpy(plan_data_add(&d, PLAN_CLOSED, 2)->error, "killed by signal 9");
	cr_assert_eq(plan_fit(&d, &m), 0);
	plan_answer_make(ask, &d, &m, &a);
	cr_assert_eq(show(f, &s), 0);
	fclose(f);
	return text;
}

Test(from, what_was_saved__gives_the_same_model)
{
	struct plan_ask ask = asked(), again = { .rate = 1, .work = { .tools = 2, .history = 100 } };
	struct plan_model model;
	size_t len;
	char *text = shown(plan_json, &ask, &len);
	weft_error err = { 0 };

	file_with(text, len);
	cr_assert_eq(plan_from(path, &again, &back, &err), 0, "%s", err.message);
	cr_expect_eq(back.count, d.count);
	cr_expect_eq(back.cores, 4u);
	cr_expect_eq(again.work.tools, 3u, "the work is the file's");
	cr_expect_eq(again.work.model_ms, 150);
	cr_expect_str_eq(back.points[back.count - 1].error, "killed by signal 9");
	cr_assert_eq(plan_fit(&back, &model), 0);
	cr_expect_eq(model.usl.lambda, m.usl.lambda);
	cr_expect_eq(model.usl.sigma_ci.high, m.usl.sigma_ci.high);
	cr_expect_eq(model.latency[PLAN_P99].slope_ms, m.latency[PLAN_P99].slope_ms);
	cr_expect_eq(model.part_us[PLAN_PART_STORE], m.part_us[PLAN_PART_STORE]);
	cr_expect_eq(model.bytes_per_message, m.bytes_per_message);
	cr_expect_eq(model.draws, PLAN_DRAWS);
	cr_expect(memcmp(model.again, m.again, sizeof(m.again)) == 0);
	cr_expect(memcmp(&model.stalls, &m.stalls, sizeof(m.stalls)) == 0);
	unlink(path);
	free(text);
}

Test(from, other_work__is_refused_but_other_waits_are_fine)
{
	struct plan_ask ask = asked(), other = asked();
	size_t len;
	char *text = shown(plan_json, &ask, &len);
	weft_error err = { 0 };

	file_with(text, len);
	other.work.tools = 1;
	other.given = PLAN_GIVEN_TOOLS;
	cr_expect_eq(plan_from(path, &other, &back, &err), WEFT_ECONFIG);
	cr_expect(strstr(err.message, "asked.tools") && strstr(err.message, "--tools"), "%s", err.message);
	other = asked();
	other.work.model_ms = 900;
	other.given = PLAN_GIVEN_WAITS;
	cr_assert_eq(plan_from(path, &other, &back, &err), 0);
	cr_expect_eq(other.work.model_ms, 900);
	unlink(path);
	free(text);
}

/* Each change of a good file, and what the error has to name. */
Test(from, broken_files__are_refused_by_the_field)
{
	static const char *const changes[][3] = {
		{ "\"schema_version\": 1", "\"schema_version\": 7", "schema_version" },
		{ "\"kind\": \"closed\"", "\"kind\": \"odd\"", "measured.points[0]: kind" },
		{ "\"workers\": 1,", "\"workers\": 0,", "measured.points[0]: workers" },
		{ "\"cpu_us\":", "\"cpu\":", "measured.points[0]: cpu_us" },
		{ "\"cores\": 4", "\"cores\": \"4\"", "measured: cores" },
		{ "\"tools\": 3", "\"tools\": 99", "asked: tools" },
		{ "\"tools\": 3", "\"tools\": 2.5", "asked: tools: not a whole number" },
		{ "\"model_inline\": false", "\"model_inline\": \"no\"", "asked: model_inline: neither true nor false" },
		{ "\"oversubscribed\": false", "\"oversubscribed\": 1", "measured.points[0]: oversubscribed" },
		{ "\"turns\": [", "\"turns\": [[128, 1],", "measured.points[15]: turns" },
		{ "\"turns\": [", "\"turns\": [[5],", "measured.points[15]: turns" },
		{ "\"points\": [", "\"dots\": [", "measured.points: not a list" },
		{ "\"asked\": {", "\"asked\": {,", "" },
	};
	struct plan_ask ask = asked();
	size_t len;
	char *text = shown(plan_json, &ask, &len);

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct plan_ask other = asked();
		weft_error err = { 0 };
		char *at = strstr(text, changes[i][0]), *changed = malloc(len + 64);

		cr_assert_not_null(at, "%s", changes[i][0]);
		snprintf(changed, len + 64, "%.*s%s%s", (int)(at - text), text, changes[i][1], at + strlen(changes[i][0]));
		file_with(changed, strlen(changed));
		cr_expect_lt(plan_from(path, &other, &back, &err), 0, "%s", changes[i][1]);
		cr_expect(err.message[0] && strstr(err.message, changes[i][2]) != NULL, "%s: %s", changes[i][1], err.message);
		unlink(path);
		free(changed);
	}
	free(text);
}

/* An error in a file that somebody sent: shown, but it commands no terminal, ends with a whole character, and is one also when empty. */
Test(from, errors_of_points__are_text_for_a_terminal)
{
	static const struct {
		const char *written, *read;
	} errors[] = {
		{ "\\u001b]0;x\\u0007\\u009b2J\\u202eb\\r\\n", " ]0;x   2J   b  " },
		{ "", "it does not say why" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789012345678\\u00e9", /* 149 and two more */
		  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789012345678" },
	};
	struct plan_ask ask = asked();
	weft_error err = { 0 };
	char text[800];

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		int n = snprintf(text, sizeof(text), "{\"kind\":\"weft plan\",\"schema_version\":1,"
		                 "\"asked\":{\"model_ms\":1,\"tool_ms\":1,\"tools\":1,\"history\":1},"
		                 "\"measured\":{\"cores\":1,\"memory_gb\":1,"
		                 "\"points\":[{\"kind\":\"closed\",\"workers\":1,\"error\":\"%s\"}]}}", errors[i].written);

		file_with(text, (size_t)n);
		cr_assert_eq(plan_from(path, &ask, &back, &err), 0, "%s", err.message);
		cr_expect_str_eq(back.points[0].error, errors[i].read);
		unlink(path);
	}
}

Test(from, a_bench_result__gives_capacity_and_says_what_is_missing)
{
#define ENTRY(id, more, rate) "\"" id "\":{\"iterations\":3,\"warmup\":0," "\"latency\":{" more "},\"throughput\":{\"messages_per_second\":" rate ",\"total_messages\":3,\"total_time_ms\":3}}"
	static const char result[] = "{\"schema_version\":2,\"runtime\":\"weft\",\"timestamp\":\"2026-11-01T10:00:00Z\",\"system\":{\"os\":\"Linux\",\"arch\":\"x86_64\",\"cpus\":2,"
				     "\"memory_gb\":8,\"runtime_version\":\"0.1.0\"},\"binary_size_bytes\":1,\"scenarios\":{"
		ENTRY("agents-per-second@1", "", "1000000") "," ENTRY("agents-per-second@2", "", "1900000") ","
		ENTRY("io-agents-1000", "\"raw_ms\":[0.1,0.11,0.09]", "1000") "}}";
	struct plan_ask ask = asked();
	weft_error err = { 0 };
	struct plan_model model;

	file_with(result, sizeof(result) - 1);
	cr_assert_eq(plan_from(path, &ask, &back, &err), 0, "%s", err.message);
	cr_expect_eq(back.count, 4u, "three of one worker, one of two");
	cr_assert_eq(plan_fit(&back, &model), 0);
	cr_expect_float_eq(bench_usl_x(&model.usl, 2) / bench_usl_x(&model.usl, 1), 1.9, 0.05);
	cr_expect_eq(ask.work.tools, 2u);
	plan_answer_make(&ask, &back, &model, &a);
	cr_expect(a.note_count && strstr(a.notes[0], "from a bench result") != NULL);

	ask = asked(); /* three tools, and a history */
	ask.given = PLAN_GIVEN_TOOLS;
	cr_expect_eq(plan_from(path, &ask, &back, &err), WEFT_ECONFIG, "other work is not answered for this");
	cr_expect(strstr(err.message, "--tools") != NULL, "%s", err.message);
	ask.given = PLAN_GIVEN_HISTORY;
	cr_expect_eq(plan_from(path, &ask, &back, &err), WEFT_ECONFIG);
	cr_expect(strstr(err.message, "--history") != NULL, "%s", err.message);
	ask.given = PLAN_GIVEN_INLINE;
	cr_expect_eq(plan_from(path, &ask, &back, &err), WEFT_ECONFIG);
	ask.work.tools = 2;
	ask.work.history = 0;
	ask.given = PLAN_GIVEN_TOOLS | PLAN_GIVEN_HISTORY | PLAN_GIVEN_WAITS;
	cr_expect_eq(plan_from(path, &ask, &back, &err), 0, "the same work");
	unlink(path);
}

Test(from, page__is_whole_and_asks_nobody)
{
	struct plan_ask ask = asked();
	size_t len;
	char *text;

	ask.vm_count = 1;
	strcpy(ask.vms[0].name, "<b>\"&x");
	ask.vms[0].cores = 4;
	ask.vms[0].memory_gb = 8;
	text = shown(plan_html, &ask, &len);
	cr_expect(strstr(text, "</html>") && strstr(text, "<svg") && strstr(text, "aria-label"));
	cr_expect(!strstr(text, "http:") && !strstr(text, "https:") && !strstr(text, "<script") && !strstr(text, "src="), "nothing is loaded");
	cr_expect(!strstr(text, "<b>\"") && strstr(text, "&lt;b&gt;&quot;&amp;x"), "names are text");
	cr_expect(!strstr(text, "nan") && !strstr(text, "inf,"), "no number that is none");
	free(text);
}
