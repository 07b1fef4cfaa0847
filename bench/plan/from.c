/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/from.c - points that were measured before.
 *
 * Of what `weft plan --save` wrote all points come back, and the work that they belong to. Of a result of `weft bench`
 * come io-agents-1000 (the processor time of an agent with two tools, on one worker) and how agents-per-second grows with
 * workers (--sweep): less is known then, which is said.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/plan/plan.h"
#include "bench/results.h"
#include "bench/results_fields.h"

#define ERROR_BYTES_MAX 150u

struct reader {
	const char *path;
	weft_error *err;
	int status; /* the first that went wrong */
};

static void wrong(struct reader *r, const char *field, int index, const char *what)
{
	char at[16] = "";

	if (r->status < 0)
		return;
	if (index >= 0)
		snprintf(at, sizeof(at), "[%d]", index);
	r->status = weft_error_set(r->err, WEFT_ECONFIG, "%s: %s%s: %s", r->path, field, at, what);
}

/* A number from min to max; null and absent give `otherwise`, when that is not NAN. */
static double number(struct reader *r, weft_json object, const char *name, const char *field, int index, double min, double max, double otherwise)
{
	weft_json v = weft_json_find(object, weft_str_from(name));
	char what[96];
	double value;

	if ((weft_json_typeof(v) == WEFT_JSON_NONE || weft_json_typeof(v) == WEFT_JSON_NULL) && !isnan(otherwise))
		return otherwise;
	if (!weft_json_get_double(v, &value) || value < min || value > max) {
		snprintf(what, sizeof(what), "%s: not a number from %g to %g", name, min, max);
		wrong(r, field, index, what);
		return min;
	}
	return value;
}

static uint32_t whole(struct reader *r, weft_json object, const char *name, const char *field, int index, double min, double max, double otherwise)
{
	double value = number(r, object, name, field, index, min, max, otherwise);
	char what[96];

	if (value != floor(value)) {
		snprintf(what, sizeof(what), "%s: not a whole number", name);
		wrong(r, field, index, what);
	}
	return (uint32_t)value;
}

/* Null and absent are false. */
static bool truth(struct reader *r, weft_json object, const char *name, const char *field, int index)
{
	weft_json v = weft_json_find(object, weft_str_from(name));
	bool value = false;
	char what[96];

	if (weft_json_typeof(v) != WEFT_JSON_NONE && weft_json_typeof(v) != WEFT_JSON_NULL && !weft_json_get_bool(v, &value)) {
		snprintf(what, sizeof(what), "%s: neither true nor false", name);
		wrong(r, field, index, what);
	}
	return value;
}

/* ---- what `weft plan --save` wrote -------------------------------------------------------------- */

static void read_work(struct reader *r, weft_json asked, struct plan_ask *ask)
{
	struct plan_work w = { .model_ms = number(r, asked, "model_ms", "asked", -1, 0, 600000, NAN),
		               .tool_ms = number(r, asked, "tool_ms", "asked", -1, 0, 600000, NAN),
		               .tools = whole(r, asked, "tools", "asked", -1, 0, PLAN_TOOLS_MAX, NAN),
		               .history = whole(r, asked, "history", "asked", -1, 0, PLAN_HISTORY_MAX, NAN),
		               .inline_model = truth(r, asked, "model_inline", "asked", -1) };

	if ((ask->given & PLAN_GIVEN_TOOLS) && ask->work.tools != w.tools)
		wrong(r, "asked.tools", -1, "was measured with another number than --tools");
	if ((ask->given & PLAN_GIVEN_HISTORY) && ask->work.history != w.history)
		wrong(r, "asked.history", -1, "was measured with another number than --history");
	if ((ask->given & PLAN_GIVEN_INLINE) && ask->work.inline_model != w.inline_model)
		wrong(r, "asked.model_inline", -1, "was measured with models over HTTP");
	if (ask->given & PLAN_GIVEN_WAITS) { /* they decide how many are under way, not what each costs */
		w.model_ms = ask->work.model_ms;
		w.tool_ms = ask->work.tool_ms;
	}
	ask->work = w;
}

static void read_quantiles(struct reader *r, weft_json ms, int i, double otherwise, double *ret_ms)
{
	static const char *const names[PLAN_QUANTILES] = { "p50", "p90", "p99", "p999" };

	for (int q = 0; q < PLAN_QUANTILES; q++)
		ret_ms[q] = number(r, ms, names[q], "measured.points", i, 0, 1e9, otherwise);
}

/* As many numbers as there are, at most n; the others stay. null: NAN */
static void read_numbers(struct reader *r, weft_json v, const char *name, int i, double max, double *ret, uint32_t n)
{
	char what[96];
	uint32_t k = 0;

	for (weft_json_iter it = weft_json_iter_begin(weft_json_find(v, weft_str_from(name))); k < n && weft_json_iter_next(&it); k++) {
		ret[k] = NAN;
		if (weft_json_typeof(it.value) != WEFT_JSON_NULL && (!weft_json_get_double(it.value, &ret[k]) || ret[k] < 0 || ret[k] > max)) {
			snprintf(what, sizeof(what), "%s: not numbers from 0 to %g", name, max);
			wrong(r, "measured.points", i, what);
		}
	}
}

/* [bucket, agents, ..] each */
static void read_turns(struct reader *r, weft_json v, int i, struct plan_turn *turns)
{
	weft_json_iter turn = weft_json_iter_begin(weft_json_find(v, WEFT_STR("turns")));

	for (uint32_t c = 0; c < PLAN_CYCLES_MAX && weft_json_iter_next(&turn); c++) {
		weft_json_iter it = weft_json_iter_begin(turn.value);
		int64_t bucket, agents;

		while (weft_json_iter_next(&it)) {
			bool good = weft_json_get_int(it.value, &bucket) && weft_json_iter_next(&it) && weft_json_get_int(it.value, &agents);

			if (!good || bucket < 0 || bucket >= PLAN_BUCKETS || agents < 0 || agents > 1000000000) {
				wrong(r, "measured.points", i, "turns: not buckets with how many agents are in them");
				return;
			}
			turns[c].agents[bucket] = (uint32_t)agents;
		}
	}
}

static void read_stalls(struct reader *r, weft_json v, int i, struct plan_stalls *s)
{
	double count[PLAN_STALL_KINDS] = { 0 };

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return;
	s->seconds = number(r, v, "seconds", "measured.points", i, 0, 1e9, NAN);
	read_numbers(r, v, "count", i, 1e9, count, PLAN_STALL_KINDS);
	read_numbers(r, v, "ms", i, 1e12, s->ms, PLAN_STALL_KINDS);
	for (uint32_t k = 0; k < PLAN_STALL_KINDS; k++) {
		s->count[k] = count[k] > 0 ? (uint32_t)count[k] : 0;
		s->ms[k] = s->count[k] && s->ms[k] > 0 ? s->ms[k] : 0;
	}
}

static void read_latency(struct reader *r, weft_json v, int i, struct plan_point *p)
{
	read_quantiles(r, weft_json_find(v, WEFT_STR("added_ms")), i, NAN, p->added_ms);
	p->added_mean_ms = number(r, v, "added_mean_ms", "measured.points", i, -1e9, 1e9, 0);
	p->added_max_ms = number(r, v, "added_max_ms", "measured.points", i, 0, 1e9, 0);
	read_turns(r, v, i, p->turns);
	p->own_share = number(r, v, "own_share", "measured.points", i, 0, 1, 0);
	if (weft_json_get_double(weft_json_find(v, WEFT_STR("own_mean_ms")), &p->own_mean_ms)) { /* null: too few agents */
		p->own_mean_ms = number(r, v, "own_mean_ms", "measured.points", i, -1e9, 1e9, NAN);
		read_quantiles(r, weft_json_find(v, WEFT_STR("own_ms")), i, NAN, p->own_ms);
	}
	read_stalls(r, weft_json_find(v, WEFT_STR("stalls")), i, &p->stalls[PLAN_WORKERS]);
	read_stalls(r, weft_json_find(v, WEFT_STR("endpoint_stalls")), i, &p->stalls[PLAN_ENDPOINTS]);
}

/* Whole characters as far as there is room, none of them a control character: it is shown in a terminal. */
static void read_error(weft_str error, struct plan_point *p)
{
	size_t n = error.len_bytes < ERROR_BYTES_MAX ? error.len_bytes : ERROR_BYTES_MAX;

	while (n && n < error.len_bytes && ((unsigned char)error.ptr[n] & 0xc0) == 0x80)
		n--;
	snprintf(p->error, sizeof(p->error), "%.*s", (int)n, n ? error.ptr : "");
	if (!p->error[0])
		snprintf(p->error, sizeof(p->error), "it does not say why");
	bench_read_clean(p->error, strlen(p->error));
}

static void read_point(struct reader *r, weft_json v, int i, struct plan_point *p)
{
	static const char *const kinds[PLAN_KINDS] = { "closed", "open", "verify", "memory", "no-http", "no-store" };
	const char *field = "measured.points";
	weft_str kind = WEFT_STR(""), error;
	int k = 0;

	weft_json_get_str(weft_json_find(v, WEFT_STR("kind")), &kind);
	while (k < PLAN_KINDS && !weft_str_eq(kind, weft_str_from(kinds[k])))
		k++;
	if (k == PLAN_KINDS) {
		wrong(r, field, i, "kind: none that is known");
		return;
	}
	*p = (struct plan_point){ .kind = (enum plan_kind)k, .own_mean_ms = NAN, .own_ms = { NAN, NAN, NAN, NAN } };
	p->workers = whole(r, v, "workers", field, i, 1, PLAN_WORKERS_MAX, NAN);
	p->oversubscribed = truth(r, v, "oversubscribed", field, i);
	if (weft_json_get_str(weft_json_find(v, WEFT_STR("error")), &error)) {
		read_error(error, p);
		return;
	}
	p->under_way = number(r, v, "under_way", field, i, 0, 1e9, 0);
	if (k == PLAN_MEMORY) {
		p->bytes_per_agent = number(r, v, "bytes_per_agent", field, i, 0, 1e12, NAN);
		p->bytes_per_message = number(r, v, "bytes_per_message", field, i, 0, 1e12, NAN);
		p->base_mb = number(r, v, "base_mb", field, i, 0, 1e9, NAN);
		return;
	}
	p->round = whole(r, v, "round", field, i, 0, 1000, 0);
	p->offered_per_s = number(r, v, "offered_per_s", field, i, 0, 1e9, 0);
	p->seconds = number(r, v, "seconds", field, i, 0, 1e6, 0);
	p->done_per_s = number(r, v, "done_per_s", field, i, 0, 1e9, NAN);
	p->cpu_us = number(r, v, "cpu_us", field, i, 1e-3, 1e9, NAN);
	p->busy = number(r, v, "busy", field, i, 0, 1000, 0);
	p->sched_p99_ms = number(r, v, "sched_p99_ms", field, i, 0, 1e9, 0);
	p->mailbox_depth_max = (uint64_t)number(r, v, "mailbox_depth_max", field, i, 0, 1e12, 0);
	p->refused = (uint64_t)number(r, v, "refused", field, i, 0, 1e15, 0);
	p->muted = (uint64_t)number(r, v, "muted", field, i, 0, 1e15, 0);
	if (p->offered_per_s > 0)
		read_latency(r, v, i, p);
}

static int from_plan(struct reader *r, weft_json root, struct plan_ask *ask, struct plan_data *d)
{
	weft_json measured = weft_json_find(root, WEFT_STR("measured"));
	weft_json points = weft_json_find(measured, WEFT_STR("points"));
	int i = 0;

	if (number(r, root, "schema_version", "weft plan", -1, 1, 1, NAN) < 1 || r->status < 0)
		return r->status;
	read_work(r, weft_json_find(root, WEFT_STR("asked")), ask);
	d->cores = whole(r, measured, "cores", "measured", -1, 1, 4096, NAN);
	d->memory_gb = number(r, measured, "memory_gb", "measured", -1, 0, 1e6, NAN);
	d->rounds = whole(r, measured, "rounds", "measured", -1, 0, 1000, 0);
	d->seconds = number(r, measured, "seconds", "measured", -1, 0, 1e6, 0);
	d->wait_scale = number(r, measured, "wait_scale", "measured", -1, 0, 1, 1);
	if (weft_json_typeof(points) != WEFT_JSON_ARRAY)
		wrong(r, "measured.points", -1, "not a list");
	else if (weft_json_count(points) > PLAN_POINTS_MAX)
		wrong(r, "measured.points", -1, "more than are read");
	if (r->status < 0)
		return r->status;
	for (weft_json_iter it = weft_json_iter_begin(points); r->status == 0 && weft_json_iter_next(&it); i++)
		read_point(r, it.value, i, &d->points[d->count++]);
	return r->status;
}

/* ---- a result of `weft bench` ------------------------------------------------------------------------ */

static void add_capacity(struct plan_data *d, uint32_t workers, double cpu_us)
{
	if (d->count < PLAN_POINTS_MAX && workers >= 1 && workers <= PLAN_WORKERS_MAX && cpu_us > 0 && isfinite(cpu_us))
		d->points[d->count++] = (struct plan_point){ .kind = PLAN_CLOSED, .workers = workers, .oversubscribed = workers > d->cores,
			                                     .cpu_us = cpu_us, .busy = 1, .done_per_s = workers * 1e6 / cpu_us };
}

/* Agents a second with so many workers; 0: the file does not say. */
static double swept(const struct bench_results *f, uint32_t workers)
{
	const struct bench_results_entry *e;
	char id[48];

	snprintf(id, sizeof(id), "agents-per-second@%u", workers);
	e = bench_results_find(f, id);
	return e && !e->error && bench_is_given(e->messages_per_second) ? e->messages_per_second : 0;
}

/* What such a file measured, and that nothing else was asked for: other work costs something else. */
static int result_work(const char *path, const struct plan_ask *ask, bool io, struct plan_work *ret, weft_error *err)
{
	*ret = (struct plan_work){ .model_ms = ask->work.model_ms, .tool_ms = ask->work.tool_ms, .tools = io ? 2 : 0, .inline_model = !io };
	if ((ask->given & PLAN_GIVEN_TOOLS) && ask->work.tools != ret->tools)
		return weft_error_set(err, WEFT_ECONFIG, "%s: scenarios: measured with %u tools, not with the %u of --tools", path, ret->tools, ask->work.tools);
	if ((ask->given & PLAN_GIVEN_HISTORY) && ask->work.history)
		return weft_error_set(err, WEFT_ECONFIG, "%s: scenarios: measured without a history, not with the %u messages of --history", path, ask->work.history);
	if ((ask->given & PLAN_GIVEN_INLINE) && io)
		return weft_error_set(err, WEFT_ECONFIG, "%s: scenarios.io-agents-1000: was measured with models over HTTP, not with --model-inline", path);
	return 0;
}

static int from_result(const char *path, struct plan_ask *ask, struct plan_data *d, weft_error *err)
{
	struct bench_results *f = NULL;
	const struct bench_results_entry *io = NULL;
	struct plan_work work;
	double alone, one_us;
	int r = bench_results_load(path, &f, err);

	if (r < 0)
		return r;
	d->cores = f->system.cpus;
	d->memory_gb = f->system.memory_gb;
	io = bench_results_find(f, "io-agents-1000");
	if (io && (io->error || !io->latency.raw_count))
		io = NULL;
	for (uint32_t i = 0; io && i < io->latency.raw_count && i < PLAN_POINTS_MAX / 2; i++)
		add_capacity(d, 1, io->latency.raw[i] * 1e3);
	alone = swept(f, 1);
	one_us = io ? io->latency.median * 1e3 : alone > 0 ? 1e6 / alone : 0;
	for (uint32_t n = io ? 2 : 1; alone > 0 && n <= d->cores && n <= PLAN_WORKERS_MAX; n++)
		if (swept(f, n) > 0)
			add_capacity(d, n, one_us * alone * n / swept(f, n));
	if (!d->count)
		r = weft_error_set(err, WEFT_ECONFIG, "%s: scenarios: neither io-agents-1000 nor agents-per-second@1: run weft bench --suite all --sweep --filter '*agents*' --json FILE", path);
	if (r == 0)
		r = result_work(path, ask, io != NULL, &work, err);
	if (r == 0)
		ask->work = work;
	snprintf(d->note, sizeof(d->note), "from a bench result: agents %s; no latency, no memory, no history in it", io ?
	         "with two tools over HTTP, one worker; more workers as agents-per-second grows" : "without tools, models inside the process: yours cost more");
	bench_results_free(f);
	return r;
}

int plan_from(const char *path, struct plan_ask *ask, struct plan_data *ret, weft_error *err)
{
	struct reader reader = { .path = path, .err = err };
	weft_json_doc *doc = NULL;
	weft_str kind = WEFT_STR("");
	int r = weft_json_parse_file(path, &doc, err);

	*ret = (struct plan_data){ .wait_scale = 1 };
	snprintf(ret->source, sizeof(ret->source), "%.90s", path);
	if (r < 0)
		return err && err->message[0] ? r : weft_error_set(err, r, "%s: %s", path, weft_strerror(r));
	weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("kind")), &kind);
	if (weft_str_eq(kind, WEFT_STR("weft plan")))
		r = from_plan(&reader, weft_json_root(doc), ask, ret);
	else
		r = from_result(path, ask, ret, err);
	weft_json_release(doc);
	return r;
}
