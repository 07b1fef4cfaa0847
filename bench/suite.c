/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/suite.c - which entries run, how they are shown while they do, and the
 * report and result file at the end.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

#define BAR 24u

struct entry {
	const char *id, *group, *description;
	const struct bench_scenario *scenario; /* one of the two */
	const struct bench_micro *micro;
};

struct suite {
	struct bench_file file;
	struct entry *entries;
	uint32_t count;
};

static bool is_wanted(const struct bench_options *opt, const char *id, const char *suite)
{
	if (strcmp(opt->suite, "all") != 0 && strcmp(opt->suite, suite) != 0)
		return false;
	return !opt->filter || fnmatch(opt->filter, id, 0) == 0;
}

static void add(struct suite *s, struct entry e)
{
	s->entries[s->count++] = e;
}

static void add_micros(struct suite *s, const struct bench_options *opt, const struct bench_micro *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct bench_micro *m = &list[i];

		if (is_wanted(opt, m->id, m->suite) && (!m->data || opt->child || bench_data_is_there(opt, m->data)))
			add(s, (struct entry){ m->id, m->group, m->description, NULL, m });
	}
}

static int suite_make(struct suite *s, const struct bench_options *opt)
{
	weft_error err = { 0 };

	if (bench_file_load(opt->scenarios_path, &s->file, &err) < 0) {
		fprintf(stderr, "weft bench: %s\n", err.message);
		return -1;
	}
	s->entries = calloc(s->file.count + bench_micro_count + bench_actor_count + bench_memory_count, sizeof(*s->entries));
	if (!s->entries)
		return -1;
	for (uint32_t i = 0; i < s->file.count; i++) {
		struct bench_scenario *sc = &s->file.scenarios[i];

		if (is_wanted(opt, sc->id, "scenarios"))
			add(s, (struct entry){ sc->id, sc->config.group, sc->description, sc, NULL });
	}
	add_micros(s, opt, bench_micros, bench_micro_count);
	add_micros(s, opt, bench_actors, bench_actor_count);
	add_micros(s, opt, bench_memories, bench_memory_count);
	return 0;
}

static void suite_free(struct suite *s)
{
	free(s->entries);
	bench_file_free(&s->file);
}

/* ---- a child's work ------------------------------------------------------------------- */

static void run_here(const struct bench_options *opt, const struct entry *e, struct bench_outcome *out)
{
	if (e->micro)
		bench_micro_run(opt, e->micro, out);
	else if (e->scenario->config.db[0] || e->scenario->config.startup_only || e->scenario->config.agents_ms)
		bench_system_run(opt, e->scenario, out);
	else
		bench_scenario_run(opt, e->scenario, out);
}

static int child_main(const struct bench_options *opt, const struct suite *s)
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
		bench_outcome_write(w, &out, NULL, true);
		if (weft_json_writer_text(w, &text) == 0 && fwrite(text.ptr, 1, text.len_bytes, stdout) == text.len_bytes)
			r = 0; /* a failure is told in the outcome */
		weft_json_writer_destroy(w);
		bench_outcome_free(&out);
	}
	return r;
}

/* ---- showing ----------------------------------------------------------------------------- */

static void list(const struct suite *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		printf("%-34s %s\n", s->entries[i].id, s->entries[i].description);
}

/* A bar is drawn over itself: not into a file, nor where the terminal cannot or should not. */
static bool is_terminal(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(2) && !getenv("CI") && !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
}

static void progress(const struct suite *s, uint32_t done, bool terminal)
{
	char bar[BAR + 1];
	uint32_t full = s->count ? done * BAR / s->count : 0;

	if (!terminal)
		return;
	memset(bar, '-', BAR);
	memset(bar, '#', full);
	bar[BAR] = '\0';
	fprintf(stderr, "\r\033[K[%s] %u/%u %s", bar, done, s->count, done < s->count ? s->entries[done].id : "");
	if (done == s->count)
		fprintf(stderr, "\r\033[K");
	fflush(stderr);
}

static void line(const struct entry *e, const struct bench_outcome *out, bool terminal)
{
	char median[24];

	if (terminal)
		return;
	bench_time_text(bench_stats_of(out->raw_ms, out->raw_count).median, median, sizeof(median));
	if (out->error[0])
		fprintf(stderr, "%-34s FAILED: %s\n", e->id, out->error);
	else
		fprintf(stderr, "%-34s %s\n", e->id, median);
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
static void watched(const struct bench_options *opt, const struct suite *s, const struct bench_outcome *outs)
{
	struct bench_watched w;

	for (uint32_t i = 0; opt->events < 0 && i < s->count; i++) {
		if (strcmp(s->entries[i].id, BENCH_WATCHED_ID) != 0 || outs[i].error[0])
			continue;
		if (bench_watched(opt, &w) == 0)
			printf("\ninstrumentation: %s takes %+.1f %% with stage times on (goal: under 3 %%), and %+.1f %% more "
			       "with a subscriber to every event\n",
			       BENCH_WATCHED_ID, (w.times - 1) * 100, (w.events - 1) * 100);
	}
}

static int finish(const struct bench_options *opt, const struct suite *s, struct bench_outcome *outs, double seconds)
{
	struct bench_row *rows = calloc(s->count + 1, sizeof(*rows));
	const char **ids = calloc(s->count + 1, sizeof(*ids)), **units = calloc(s->count + 1, sizeof(*units));
	int failed = 0, r = 0;

	for (uint32_t i = 0; rows && ids && units && i < s->count; i++) {
		ids[i] = s->entries[i].id;
		units[i] = s->entries[i].micro ? s->entries[i].micro->unit : NULL;
		rows[i] = (struct bench_row){ ids[i], s->entries[i].group, units[i], &outs[i] };
		failed += outs[i].error[0] != '\0';
	}
	if (rows && ids && units) {
		bench_report(stdout, rows, s->count, seconds);
		bench_goals(stdout, rows, s->count, cores(opt));
		if (opt->quick)
			printf("  --quick: too short to judge by\n");
		watched(opt, s, outs);
		if (opt->json_path)
			r = bench_result_write(opt->json_path, opt->program, ids, units, outs, s->count);
	}
	if (r < 0)
		fprintf(stderr, "weft bench: %s: %s\n", opt->json_path, weft_strerror(r));
	else if (opt->json_path)
		printf("results: %s\n", opt->json_path);
	free(rows);
	free(ids);
	free(units);
	return failed || r < 0;
}

static int run_all(const struct bench_options *opt, const struct suite *s)
{
	struct bench_outcome *outs = calloc(s->count + 1, sizeof(*outs));
	bool terminal = is_terminal();
	uint64_t t0 = weft_now_ns();
	int r;

	if (!outs)
		return 1;
	for (uint32_t i = 0; i < s->count; i++) {
		progress(s, i, terminal);
		bench_child_run(opt, s->entries[i].id, &outs[i]);
		line(&s->entries[i], &outs[i], terminal);
	}
	progress(s, s->count, terminal);
	r = finish(opt, s, outs, (double)(weft_now_ns() - t0) / 1e9);
	for (uint32_t i = 0; i < s->count; i++)
		bench_outcome_free(&outs[i]);
	free(outs);
	return r;
}

static int sweep(const struct bench_options *opt, const struct suite *s)
{
	const struct bench_micro **items = calloc(s->count, sizeof(const struct bench_micro *));
	uint32_t count = 0;
	int r = 2;

	for (uint32_t i = 0; items && i < s->count; i++) {
		if (s->entries[i].micro && s->entries[i].micro->scales)
			items[count++] = s->entries[i].micro;
	}
	if (count)
		r = bench_sweep(opt, items, count, cores(opt));
	else
		fprintf(stderr, "weft bench: nothing to sweep: suites actors and memory have items that scale\n");
	free(items);
	return r;
}

int bench_main(const struct bench_options *opt)
{
	struct suite s = { 0 };
	int r;

	if (suite_make(&s, opt) < 0)
		return 2;
	if (opt->child) {
		r = child_main(opt, &s);
	} else if (!s.count) {
		fprintf(stderr, "weft bench: nothing matches '%s'\n", opt->filter ? opt->filter : opt->suite);
		r = 2;
	} else if (opt->list) {
		list(&s);
		r = 0;
	} else if (opt->sweep) {
		r = sweep(opt, &s);
	} else {
		r = run_all(opt, &s);
	}
	suite_free(&s);
	return r;
}
