/* SPDX-License-Identifier: Apache-2.0 */
/* bench/results.c - a result file as a whole: the machine, what was found out about it, and the entries. */
#include "bench/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/results_fields.h"
#include "bench/text_file.h"

/* ---- the machine ------------------------------------------------------------------------- */

static int check_fingerprint(const struct bench_reader *r, const struct bench_place *up, const char *text)
{
	struct bench_place at = bench_read_below(up, "fingerprint");

	if (text && (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16))
		return bench_read_refuse(r, &at, "not 16 hexadecimal digits");
	return 0;
}

static int read_system(const struct bench_reader *r, const struct bench_place *root, weft_json v,
                       struct bench_results *ret)
{
	static const struct bench_field fields[] = {
		BENCH_NEEDED(bench_results_system, TEXT, "os", os),
		BENCH_NEEDED(bench_results_system, TEXT, "arch", arch),
		BENCH_NEEDED(bench_results_system, SMALL, "cpus", cpus),
		BENCH_NEEDED(bench_results_system, AMOUNT, "memory_gb", memory_gb),
		BENCH_NEEDED(bench_results_system, TEXT, "runtime_version", runtime_version),
		BENCH_FIELD(bench_results_system, TEXT, "cpu_model", cpu_model),
		BENCH_FIELD(bench_results_system, TEXT, "fingerprint", fingerprint),
	};
	struct bench_place at = bench_read_below(root, "system");
	int res = bench_read_fields(r, &at, weft_json_find(v, at.key), fields, BENCH_COUNT(fields),
	                            &ret->system);

	return res == 0 ? check_fingerprint(r, &at, ret->system.fingerprint) : res;
}

static int read_finding(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item)
{
	struct bench_results_finding *f = item;
	static const struct bench_field fields[] = {
		BENCH_NEEDED(bench_results_finding, NAME, "id", id),
		BENCH_NEEDED(bench_results_finding, NAME, "severity", severity),
		BENCH_NEEDED(bench_results_finding, TEXT, "text", text),
		BENCH_FIELD(bench_results_finding, TEXT, "fix", fix),
	};
	static const char *const severities[] = { "note", "warning", "error", NULL };
	int res = bench_read_fields(r, at, v, fields, BENCH_COUNT(fields), f);

	if (res == 0)
		res = bench_read_one_of(r, at, "severity", f->severity, severities);
	return res < 0 ? res : 0;
}

static int read_check(const struct bench_reader *r, const struct bench_place *root, weft_json v,
                      struct bench_results *ret)
{
	static const struct bench_field fields[] = { BENCH_NEEDED(bench_results, NAME, "verdict",
		                                                  machine_verdict) };
	static const char *const verdicts[] = { "quiet", "noisy", "unfit", NULL };
	struct bench_place at = bench_read_below(root, "machine_check"), list = bench_read_below(&at, "findings");
	weft_json check = weft_json_find(v, at.key);
	int res;

	if (!bench_read_is_there(check))
		return 0;
	res = bench_read_fields(r, &at, check, fields, BENCH_COUNT(fields), ret);
	if (res == 0)
		res = bench_read_one_of(r, &at, "verdict", ret->machine_verdict, verdicts);
	if (res < 0)
		return res;
	return bench_read_items(r, &list, weft_json_find(check, list.key), BENCH_RESULTS_FINDINGS_MAX, sizeof(*ret->findings),
	                        read_finding, &ret->findings, &ret->finding_count);
}

/* ---- goals ----------------------------------------------------------------------------------- */

const char *const bench_goal_metrics[] = {
	[BENCH_GOAL_MEDIAN] = "median_ms",
	[BENCH_GOAL_RATE] = "per_second",
	[BENCH_GOAL_PEAK] = "memory_rss_peak_mb",
	[BENCH_GOAL_RATIO] = "median_ratio",
	[BENCH_GOAL_RATIO_P99] = "p99_ratio",
	[BENCH_GOAL_BYTES] = "bytes",
	[BENCH_GOAL_PER_CORE] = "per_core_second",
	[BENCH_GOAL_PER_CPU] = "per_cpu_second",
	[BENCH_GOAL_RECALL] = "recall",
	[BENCH_GOAL_METRICS] = NULL,
};

const char *const bench_goal_verdicts[] = { "reached", "missed", "noise", NULL };

static int read_goal(const struct bench_reader *r, const struct bench_place *at, weft_json v, void *item)
{
	struct bench_goal *ret = item;
	struct goal {
		struct bench_goal of;
		const char *metric, *verdict;
	} g = { 0 };
	static const struct bench_field fields[] = {
		BENCH_NEEDED(goal, NAME, "entry", of.entry),   BENCH_FIELD(goal, NAME, "against", of.against),
		BENCH_NEEDED(goal, NAME, "metric", metric),    BENCH_NEEDED(goal, AMOUNT, "value", of.value),
		BENCH_NEEDED(goal, AMOUNT, "limit", of.limit), BENCH_NEEDED(goal, TEXT, "text", of.text),
		BENCH_NEEDED(goal, NAME, "verdict", verdict),
	};
	int res = bench_read_fields(r, at, v, fields, BENCH_COUNT(fields), &g);
	int metric = res < 0 ? res : bench_read_one_of(r, at, "metric", g.metric, bench_goal_metrics);
	int verdict = metric < 0 ? metric : bench_read_one_of(r, at, "verdict", g.verdict, bench_goal_verdicts);

	if (verdict < 0)
		return verdict;
	g.of.metric = (enum bench_goal_metric)metric;
	g.of.verdict = (enum bench_goal_verdict)verdict;
	res = bench_read_interval(r, at, v, "ci95", &g.of.low, &g.of.high);
	*ret = g.of;
	return res;
}

static int read_goals(const struct bench_reader *r, const struct bench_place *root, weft_json v, struct bench_results *ret)
{
	struct bench_place at = bench_read_below(root, "goals");

	return bench_read_items(r, &at, weft_json_find(v, at.key), BENCH_GOALS_MAX, sizeof(*ret->goals), read_goal, &ret->goals,
	                        &ret->goal_count);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* "2026-11-21T09:30:00Z", with fractions of the second or without. */
static int read_time(const struct bench_reader *r, const struct bench_place *root, struct bench_results *ret)
{
	struct bench_place at = bench_read_below(root, "timestamp");
	struct tm tm = { 0 };
	const char *rest = strptime(ret->timestamp, "%Y-%m-%dT%H:%M:%S", &tm);

	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || strcmp(rest, "Z") != 0)
		return bench_read_refuse(r, &at, "not a time like 2026-11-21T09:30:00Z");
	ret->timestamp_s = timegm(&tm);
	return 0;
}

static int read_id(const struct bench_reader *r, const struct bench_place *all, weft_str key,
                   struct bench_results_entry *e)
{
	weft_str id = weft_arena_dup(r->arena, key);

	if (!id.ptr)
		return bench_read_no_memory(r);
	if (!id.len_bytes || id.len_bytes > BENCH_RESULTS_NAME_BYTES_MAX || bench_read_has_control(id))
		return bench_read_refuse(r, all, "an id that is empty, too long or has control characters");
	e->id = id.ptr;
	return 0;
}

static int read_entries(const struct bench_reader *r, const struct bench_place *root, weft_json v,
                        struct bench_results *ret)
{
	struct bench_place all = bench_read_below(root, "scenarios"), at = { &all, { 0 }, 0 };
	weft_json list = weft_json_find(v, all.key);
	struct bench_results_entry *entries;
	weft_json_iter it;
	int res = 0;

	if (weft_json_typeof(list) != WEFT_JSON_OBJECT)
		return bench_read_refuse(r, &all, bench_read_is_there(list) ? "not an object" : "missing");
	if (weft_json_count(list) > BENCH_RESULTS_ENTRIES_MAX)
		return bench_read_refuse(r, &all, "too many");
	entries = weft_arena_calloc(r->arena, (weft_json_count(list) + 1) * sizeof(*entries));
	if (!entries)
		return bench_read_no_memory(r);
	ret->entries = entries;
	for (it = weft_json_iter_begin(list); res == 0 && weft_json_iter_next(&it); ret->entry_count++) {
		at.key = it.key;
		res = read_id(r, &all, it.key, &entries[ret->entry_count]);
		if (res == 0)
			res = bench_read_entry(r, &at, it.value, &entries[ret->entry_count]);
	}
	return res;
}

static int read_version(const struct bench_reader *r, const struct bench_place *root, weft_json v,
                        struct bench_results *ret)
{
	struct bench_place at = bench_read_below(root, "schema_version");
	weft_json version = weft_json_find(v, at.key);
	int64_t n = 1;
	int res = bench_read_is_there(version) ? bench_read_count(r, &at, version, UINT32_MAX, &n) : 0;

	if (res == 0 && n != 1 && n != 2)
		res = bench_read_refuse(r, &at, "1 and 2 are known");
	ret->version = (uint32_t)n;
	return res;
}

static int read_root(const struct bench_reader *r, weft_json v, struct bench_results *ret)
{
	static const struct bench_field fields[] = {
		BENCH_NEEDED(bench_results, NAME, "runtime", runtime),
		BENCH_NEEDED(bench_results, NAME, "timestamp", timestamp),
		BENCH_FIELD(bench_results, SMALL, "rounds", rounds),
		BENCH_FIELD(bench_results, AMOUNT, "wall_s", wall_s),
		BENCH_FIELD(bench_results, AMOUNT, "binary_size_bytes", binary_size_bytes),
	};
	struct bench_place root = { 0 };
	int res;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return bench_read_refuse(r, &root, "not a result file");
	res = read_version(r, &root, v, ret); /* first: another version may have other fields */
	if (res == 0)
		res = bench_read_fields(r, &root, v, fields, BENCH_COUNT(fields), ret);
	if (res == 0)
		res = read_time(r, &root, ret);
	if (res == 0)
		res = read_system(r, &root, v, ret);
	if (res == 0)
		res = read_check(r, &root, v, ret);
	if (res == 0)
		res = read_goals(r, &root, v, ret);
	return res == 0 ? read_entries(r, &root, v, ret) : res;
}

/* JSON with no key twice. Its errors name the file. */
static int parse(const struct bench_reader *r, weft_str text, weft_json_doc **ret)
{
	weft_error inner = { 0 };
	weft_json_doc *doc = NULL;
	int res = weft_json_parse(text, &doc, &inner);

	if (res == 0)
		res = weft_json_check_keys(weft_json_root(doc), &inner);
	if (res == 0) {
		*ret = doc;
		return 0;
	}
	weft_json_release(doc);
	bench_read_clean(inner.message, strlen(inner.message));
	weft_error_set(r->err, res, "%s: %s", r->name, inner.message[0] ? inner.message : weft_strerror(res));
	if (r->err) {
		r->err->line = inner.line;
		r->err->column = inner.column;
	}
	return res;
}

int bench_results_parse(weft_str text, const char *name, struct bench_results **ret, weft_error *err)
{
	struct bench_reader r = { NULL, name, err };
	struct bench_results *results = NULL;
	weft_json_doc *doc = NULL;
	int res;

	if (text.len_bytes > BENCH_RESULTS_BYTES_MAX)
		return weft_error_set(err, -EFBIG, "%s: larger than %u MiB", name,
		                      BENCH_RESULTS_BYTES_MAX >> 20);
	res = parse(&r, text, &doc);
	if (res < 0)
		return res;
	res = weft_arena_create(64 << 10, &r.arena);
	if (res == 0) {
		results = weft_arena_calloc(r.arena, sizeof(*results));
		res = results ? read_root(&r, weft_json_root(doc), results) : -ENOMEM;
	}
	weft_json_release(doc);
	if (res == 0) {
		results->path = weft_arena_dup(r.arena, weft_str_from(name)).ptr;
		results->arena = r.arena;
		res = results->path ? 0 : -ENOMEM;
	}
	if (res < 0) {
		weft_arena_destroy(r.arena);
		return res == -ENOMEM ? bench_read_no_memory(&r) : res;
	}
	*ret = results;
	return 0;
}

int bench_results_load(const char *path, struct bench_results **ret, weft_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int res = bench_text_read(path, BENCH_RESULTS_BYTES_MAX, &text, &len);

	if (res == 0)
		res = bench_results_parse((weft_str){ text, len }, path, ret, err);
	else if (res == -EFBIG)
		weft_error_set(err, res, "%s: larger than %u MiB", path, BENCH_RESULTS_BYTES_MAX >> 20);
	else
		weft_error_set(err, res, "%s: %s", path, weft_strerror(res));
	free(text);
	return res;
}

void bench_results_free(struct bench_results *r)
{
	if (r)
		weft_arena_destroy(r->arena);
}

const struct bench_results_entry *bench_results_find(const struct bench_results *r, const char *id)
{
	for (uint32_t i = 0; i < r->entry_count; i++) {
		if (!strcmp(r->entries[i].id, id))
			return &r->entries[i];
	}
	return NULL;
}
