/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/suite.c - a run: the entries that were selected, round after round, and the report and result file at the end.
 * With --child, one of them in this process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/entry.h"
#include "bench/open_loop.h"
#include "bench/rounds.h"
#include "bench/select.h"

/* ---- a child's work ------------------------------------------------------------------- */

static void run_here(const struct bench_options *opt, const struct bench_entry *e, struct bench_outcome *out)
{
	if (e->micro)
		bench_micro_run(opt, e->micro, out);
	else if (e->scenario->config.db[0] || e->scenario->config.startup_only || e->scenario->config.agents_ms)
		bench_system_run(opt, e->scenario, out);
	else
		bench_scenario_run(opt, e->scenario, out);
}

static int child_main(const struct bench_options *opt, const struct bench_selection *s)
{
	weft_json_writer *w;
	weft_str text;
	int r = 1;

	for (uint32_t i = 0; i < s->count; i++) {
		struct bench_outcome out;

		if (strcmp(s->entries[i].id, opt->child) != 0)
			continue;
		run_here(opt, &s->entries[i], &out);
		if (weft_json_writer_create(0, &w) < 0)
			return 1;
		bench_outcome_write(w, &out);
		if (weft_json_writer_text(w, &text) == 0 && fwrite(text.ptr, 1, text.len_bytes, stdout) == text.len_bytes)
			r = 0; /* a failure is told in the outcome */
		weft_json_writer_destroy(w);
		bench_outcome_free(&out);
	}
	return r;
}

static int list(const struct bench_selection *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		printf("%-34s %s\n", s->entries[i].id, s->entries[i].description);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Workers of a runtime as the entries make it. */
static uint32_t cores(const struct bench_options *opt)
{
	weft_runtime_options ro = WEFT_RUNTIME_OPTIONS_INIT;
	weft_runtime *rt = NULL;
	uint32_t n = 1;

	ro.workers = opt->workers;
	if (weft_runtime_create(&ro, &rt) == 0)
		n = weft_runtime_workers(rt);
	weft_runtime_destroy(rt);
	return n;
}

/* Only where that entry ran, worked, and was not asked for with or without. */
static void watched(const struct bench_options *opt, const struct bench_selection *s, const struct bench_outcome *outs)
{
	struct bench_watched w;

	for (uint32_t i = 0; opt->events < 0 && !opt->quick && i < s->count; i++) {
		if (strcmp(s->entries[i].id, BENCH_WATCHED_ID) != 0 || outs[i].error[0])
			continue;
		if (bench_watched(opt, &w) == 0)
			printf("\ninstrumentation: %s takes %+.1f%% with stage times on (goal: under 3%%), and %+.1f%% more "
			       "with a subscriber to every event\n",
			       BENCH_WATCHED_ID, (w.times - 1) * 100, (w.events - 1) * 100);
	}
}

/* ret: the entries as rows of a table, one each. @return how many failed */
static int rows_of(const struct bench_options *opt, const struct bench_selection *s, const struct bench_outcome *outs,
                   struct bench_row *ret)
{
	int failed = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct bench_entry *e = &s->entries[i];

		ret[i] = (struct bench_row){ .id = e->id,
			                     .group = e->group,
			                     .unit = e->micro ? e->micro->unit : NULL,
			                     .out = &outs[i],
			                     .suite = e->suite,
			                     .description = e->description,
			                     .base = e->base,
			                     .workers = e->workers ? e->workers : opt->workers };
		failed += outs[i].error[0] != '\0';
	}
	return failed;
}

static int save(const struct bench_options *opt, const struct bench_result *result)
{
	int r = opt->json_path ? bench_result_write(opt->json_path, result) : 0;

	if (r < 0)
		fprintf(stderr, "weft bench: %s: %s\n", opt->json_path, weft_strerror(r));
	else if (opt->json_path)
		printf("results: %s\n", opt->json_path);
	return r;
}

/* Findings of the run itself come after those of before. */
static void tell_meanwhile(struct bench_machine *machine)
{
	uint32_t before = machine->count;

	bench_doctor_after(machine);
	for (uint32_t i = before; i < machine->count; i++)
		printf("meanwhile: %s\n", machine->findings[i].text);
}

static int finish(const struct bench_options *opt, const struct bench_selection *s, struct bench_outcome *outs,
                  struct bench_machine *machine, double seconds)
{
	struct bench_row *rows = calloc(s->count + 1, sizeof(*rows));
	struct bench_result result = { .program = opt->program,
		                       .rows = rows,
		                       .count = s->count,
		                       .rounds = bench_rounds_of(opt),
		                       .wall_s = seconds,
		                       .machine = machine };
	struct bench_goal goals[BENCH_GOALS_MAX];
	uint32_t workers = cores(opt);
	int failed, r;

	if (!rows)
		return 1;
	failed = rows_of(opt, s, outs, rows);
	bench_report(stdout, &result);
	tell_meanwhile(machine);
	bench_open_loop_report(stdout, rows, s->count);
	bench_sweep_report(stdout, rows, s->count);
	bench_seeds_report(stdout, rows, s->count);
	result.goals = opt->quick ? NULL : goals; /* of shortened work nothing can be said that is to be kept */
	result.goal_count = bench_goals_answer(rows, s->count, workers, goals);
	bench_goals_report(stdout, goals, result.goal_count, workers);
	if (opt->quick)
		printf("  --quick: too short to judge by\n");
	watched(opt, s, outs);
	r = save(opt, &result);
	free(rows);
	return failed || r < 0;
}

static void items_of(const struct bench_options *opt, const struct bench_selection *s, struct bench_item *ret)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct bench_entry *e = &s->entries[i];

		ret[i] = (struct bench_item){ .id = e->id,
			                      .child = e->base ? e->base : e->id,
			                      .workers = e->workers,
			                      .by_itself = e->micro && e->micro->run_all };
		bench_entry_counts(opt, s, e, &ret[i].iterations, &ret[i].warmup);
		if (bench_entry_same(s, e))
			ret[i].iterations = 0;
	}
	bench_rounds_expect(opt->json_path, ret, s->count);
}

/* Bytes that were weighed beside something else belong to the entry that is named after them. */
static void keep_bytes(struct bench_outcome *out, bool its_own)
{
	if (its_own)
		out->raw_count = 0;
	else
		out->bytes = 0;
}

/* What other entries have measured for these. */
static void fill_same(const struct bench_selection *s, struct bench_outcome *outs)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct bench_entry *same = bench_entry_same(s, &s->entries[i]);

		if (!same)
			continue;
		bench_outcome_copy(&outs[i], &outs[same - s->entries]);
		outs[i].wall_s = 0; /* it took none */
	}
	for (uint32_t i = 0; i < s->count; i++) {
		const struct bench_micro *m = s->entries[i].micro;

		if (m && outs[i].bytes > 0)
			keep_bytes(&outs[i], !strcmp(m->unit, "bytes"));
	}
}

/* A look at the machine, and what it is fit for on one line. */
static int examine(const struct bench_options *opt, struct bench_machine *ret)
{
	int r = bench_doctor(ret, opt->quick);
	char line[512];

	if (r < 0)
		return r;
	bench_doctor_line(ret, line, sizeof(line));
	printf("machine: %s%s\n", line, ret->verdict == BENCH_QUIET ? "" : " (weft doctor)");
	fflush(stdout);
	return 0;
}

static int run_all(const struct bench_options *opt, const struct bench_selection *s)
{
	struct bench_outcome *outs = calloc(s->count + 1, sizeof(*outs));
	struct bench_item *items = calloc(s->count + 1, sizeof(*items));
	uint64_t t0 = weft_now_ns();
	int r = outs && items ? 0 : -ENOMEM;
	struct bench_machine machine;

	if (r == 0)
		r = examine(opt, &machine);
	if (r == 0) {
		items_of(opt, s, items);
		r = bench_rounds_run(opt, items, s->count, outs);
	}
	if (r == 0) {
		fill_same(s, outs);
		r = finish(opt, s, outs, &machine, (double)(weft_now_ns() - t0) / 1e9);
	}
	for (uint32_t i = 0; outs && i < s->count; i++)
		bench_outcome_free(&outs[i]);
	free(items);
	free(outs);
	return r < 0 ? 1 : r;
}

/* Nothing to do is a wrong command line. */
static int explain_none(const struct bench_options *opt)
{
	if (opt->sweep)
		fprintf(stderr, "weft bench: nothing to sweep: no entry that scales matches '%s'\n", opt->filter ? opt->filter : opt->suite);
	else
		fprintf(stderr, "weft bench: nothing of suite %s matches '%s'\n", opt->suite ? opt->suite : "scenarios", opt->filter ? opt->filter : "*");
	fputs("`weft bench --suite all --list` says what there is; several at once: --filter '@(a|b)'\n", stderr);
	return 2;
}

int bench_main(const struct bench_options *opt)
{
	struct bench_selection s;
	int r = 2;

	if (bench_select(opt, opt->child ? 1 : cores(opt), &s) < 0)
		r = 2;
	else if (opt->child)
		r = child_main(opt, &s);
	else if (!s.count)
		r = explain_none(opt);
	else if (opt->list)
		r = list(&s);
	else
		r = run_all(opt, &s);
	bench_selection_free(&s);
	return r;
}
