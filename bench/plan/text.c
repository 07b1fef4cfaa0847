/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/plan/text.c - the plan for people, within 100 columns: the answer first, then what it rests on. What is not known is
 * not printed as a number.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/plan/plan.h"

#define COLUMNS 98
#define VALUES_AT 24 /* the column of values */

/* Text from column `at` on, with line breaks between words; the first line is there up to that column. */
static void folded(FILE *to, int at, const char *text)
{
	int column = at;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > at && column + 1 + len > COLUMNS) {
			fprintf(to, "\n%*s", at, "");
			column = at;
		} else if (column > at) {
			fputc(' ', to);
			column++;
		}
		fwrite(text, 1, (size_t)len, to);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', to);
}

static void line(FILE *to, const char *name, const char *fmt, ...) WEFT_PRINTF(3, 4);

static void line(FILE *to, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(to, "  %-*s", VALUES_AT - 2, name);
	folded(to, strlen(name) > VALUES_AT - 2 ? (int)strlen(name) + 2 : VALUES_AT, text);
}

static void work(FILE *to, const struct plan_ask *a)
{
	fprintf(to, "asked\n");
	line(to, "rate", "%.10g agents/s", a->rate);
	line(to, "an agent", "%u model call%s of %.10g ms %s, %u tool call%s of %.10g ms, %u messages of history", a->work.tools + 1, a->work.tools ? "s" : "",
	     a->work.model_ms, a->work.inline_model ? "inside the process" : "over plain HTTP", a->work.tools, a->work.tools == 1 ? "" : "s", a->work.tool_ms,
	     a->work.history);
	if (a->slo_ms > 0)
		line(to, "objective", "p%g of what weft adds <= %.10g ms, on top of %.10g ms of models and tools", 100 * a->slo_quantile, a->slo_ms,
		     plan_waits_ms(&a->work));
	line(to, "headroom", "%.0f%% of the processors", 100 * a->headroom);
}

/* ---- the answer -------------------------------------------------------------------------------------- */

static void latency(FILE *to, const struct plan_ask *ask, const struct plan_machines *k)
{
	double percent = ask->slo_ms > 0 ? 100 * ask->slo_quantile : 99;
	char ci[48] = "", own[64] = "";

	if (isnan(k->latency_ms))
		return;
	if (!isnan(k->latency_ci.low))
		snprintf(ci, sizeof(ci), " (95%%: %.2f to %.2f)", k->latency_ci.low, k->latency_ci.high);
	if (!isnan(k->latency_own_ms))
		snprintf(own, sizeof(own), "; %.2f without this host's stalls", k->latency_own_ms);
	line(to, "", "p%g of what weft adds: %.2f ms%s%s", percent, k->latency_ms, ci, own);
}

static void number_of(FILE *to, const struct plan_machines *k)
{
	char up_to[48] = "", price[64] = "", price_high[48] = "";

	if (k->count_high > k->count)
		snprintf(up_to, sizeof(up_to), " (95%%: up to %u)", k->count_high);
	if (k->vm.usd_month > 0 && k->count_high > k->count)
		snprintf(price_high, sizeof(price_high), " (up to $%.2f)", k->usd_month_high);
	if (k->vm.usd_month > 0)
		snprintf(price, sizeof(price), ": $%.2f a month%s", k->usd_month, price_high);
	line(to, k->vm.name, "%u machine%s of %.0f cores, %.0f GB%s%s; set by %s", k->count, k->count == 1 ? "" : "s", k->vm.cores, k->vm.memory_gb, k->count_high ? up_to : " (no interval)", price,
	     k->count_by);
}

static void machine(FILE *to, const struct plan_ask *ask, const struct plan_machines *k)
{
	double one_less = k->busy * k->count / (k->count - 1.0);
	char memory[32] = "";

	if (k->memory_gb > 0)
		snprintf(memory, sizeof(memory), " in %.2f GB", k->memory_gb);
	if (k->refused) {
		line(to, k->vm.name, "no answer: %s", k->reason);
		return;
	}
	number_of(to, k);
	line(to, "", "each does %.0f agents/s at most; here %.0f%% busy of %.0f%% planned with (%s), %.0f agents under way%s", k->capacity, 100 * k->busy,
	     100 * k->load, k->load_by, k->under_way, memory);
	latency(to, ask, k);
	if (k->count > 1)
		line(to, "", "breaks first: %s, at %.*f times the rate; with one lost: %.0f%% busy%s", k->breaks_first, k->breaks_at < 100 ? 2 : 0, k->breaks_at,
		     100 * one_less, one_less >= 1 ? ", too much" : "");
	else
		line(to, "", "breaks first: %s, at %.*f times the rate", k->breaks_first, k->breaks_at < 100 ? 2 : 0, k->breaks_at);
	if (k->reason[0])
		line(to, "", "%s", k->reason);
}

static void answer(FILE *to, const struct plan_ask *ask, const struct plan_answer *a, const struct plan_model *m)
{
	int digits = a->cores < 0.1 ? 4 : a->cores < 1000 ? 2 : 0;

	fprintf(to, "\nanswer\n");
	if (isfinite(a->cores_ci.high))
		line(to, "cores", "%.*f busy (95%%: %.*f to %.*f), %.*f with headroom, of this host's kind", digits, a->cores, digits, a->cores_ci.low, digits,
		     a->cores_ci.high, digits, a->cores_planned);
	else
		line(to, "cores", "%.*f busy (no interval), %.*f with headroom, of this host's kind", digits, a->cores, digits, a->cores_planned);
	if (m->has_memory)
		line(to, "under way", "%.0f agents at a time (Little's law), in %.2f GB", a->under_way, a->memory_gb);
	else
		line(to, "under way", "%.0f agents at a time (Little's law)", a->under_way);
	for (uint32_t i = 0; i < a->machine_count; i++)
		machine(to, ask, &a->machines[i]);
}

/* ---- what it rests on ---------------------------------------------------------------------------------- */

static void coefficient(FILE *to, const char *name, double value, struct bench_interval ci, bool told, bool interval)
{
	if (!told)
		line(to, name, "not told by this data, taken for 0");
	else if (interval)
		line(to, name, "%.4g (95%%: %.4g to %.4g)", value, ci.low, ci.high);
	else
		line(to, name, "%.4g (no interval)", value);
}

static void law(FILE *to, const struct bench_usl *u)
{
	bool interval = !(u->flags & BENCH_USL_NO_INTERVAL);

	if (interval)
		line(to, "one worker", "%.0f agents/s (95%%: %.0f to %.0f)", u->lambda, u->lambda_ci.low, u->lambda_ci.high);
	else
		line(to, "one worker", "%.0f agents/s (no interval)", u->lambda);
	coefficient(to, "contention (sigma)", u->sigma, u->sigma_ci, !(u->flags & BENCH_USL_NO_SIGMA), interval);
	coefficient(to, "coherency (kappa)", u->kappa, u->kappa_ci, !(u->flags & (BENCH_USL_NO_KAPPA | BENCH_USL_NO_SIGMA)), interval);
}

static void parts(FILE *to, const struct plan_model *m)
{
	double whole = m->part_us[0] + m->part_us[1] + m->part_us[2];
	char text[256];
	int n = snprintf(text, sizeof(text), "%.0f us an agent", whole);

	for (int i = 0; i < PLAN_PARTS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %.0f%% %s", i ? "," : ":", 100 * m->part_us[i] / whole, plan_part_names[i]);
	line(to, "processor time", "%s", text);
}

int plan_digits(double value)
{
	return !(value < 10) ? 0 : value < 1 ? 2 : 1;
}

static void service(FILE *to, const struct plan_model *m)
{
	const struct plan_stalls *s = &m->stalls[PLAN_WORKERS];
	double half = plan_stalls_quantile_ms(s, 0.5), most = plan_stalls_quantile_ms(s, 0.99), share = 100 * plan_stalls_share(s);

	if (!isnan(m->own_cs2))
		line(to, "service varies", "cs2 %.*f, %.*f without stalls (Allen-Cunneen, from how the mean wait grows)",
		     plan_digits(m->cs2), m->cs2, plan_digits(m->own_cs2), m->own_cs2);
	else if (!isnan(m->cs2))
		line(to, "service varies", "cs2 %.*f (Allen-Cunneen, from how the mean wait grows)", plan_digits(m->cs2), m->cs2);
	if (s->seconds > 0)
		line(to, "this host's stalls", "%.*f a second of each worker, half of them over %.*f ms, 1%% over %.*f ms: %.*f%% of its time",
		     plan_digits(plan_stalls_per_s(s)), plan_stalls_per_s(s), plan_digits(half), half, plan_digits(most), most, plan_digits(share), share);
}

static void measured(FILE *to, const struct plan_data *d, const struct plan_model *m)
{
	const struct bench_usl *u = &m->usl;

	fprintf(to, "\nmeasured (%s: %u cores, %.1f GB", d->source, d->cores, d->memory_gb);
	if (d->rounds)
		fprintf(to, "; %u round%s, %.0f s", d->rounds, d->rounds == 1 ? "" : "s", d->seconds);
	fputs(")\n", to);
	line(to, "range", "%.0f to %.0f workers, up to %.0f agents/s; nothing beyond was seen", u->n_min, u->n_max, m->rate_max);
	law(to, u);
	if (m->has_parts)
		parts(to, m);
	if (m->has_memory)
		line(to, "memory", "%.1f KB an agent under way, %.0f bytes a message of history", m->bytes_per_agent / 1024, m->bytes_per_message);
	service(to, m);
	if (m->mailbox_depth_max) /* a result of the bench has none */
		line(to, "runtime's counters", "deepest mailbox %llu, refused %llu, actors wait %.2f ms (p99) to run", (unsigned long long)m->mailbox_depth_max,
		     (unsigned long long)m->refused, m->sched_p99_ms);
}

static void check(FILE *to, const struct plan_check *k)
{
	const struct plan_point *p = &k->measured;
	char planned[48];

	fprintf(to, "  %4.0f%% %9.0f", 100 * k->busy, p->offered_per_s);
	if (p->error[0]) {
		fprintf(to, "  not measured: %s\n", p->error);
		return;
	}
	fprintf(to, " %9.0f %+5.1f%%", p->done_per_s, 100 * k->done_error);
	if (isnan(k->p99_error)) {
		fputc('\n', to);
		return;
	}
	if (isnan(k->p99_ci.low))
		snprintf(planned, sizeof(planned), "%.2f", k->added_p99_ms);
	else
		snprintf(planned, sizeof(planned), "%.2f (%.2f to %.2f)", k->added_p99_ms, k->p99_ci.low, k->p99_ci.high);
	fprintf(to, " %7.2f %7.2f  %23s %+5.0f%%  %s\n", p->added_ms[PLAN_P50], p->added_ms[PLAN_P99], planned, 100 * k->p99_error,
	        p->kind == PLAN_VERIFY ? plan_verdict_names[k->verdict] : "fitted");
}

static void checks(FILE *to, const struct plan_checks *c)
{
	fprintf(to, "\nverified: the model beside %u load%s that it was not fitted to\n  %5s %9s %9s %6s %7s %7s  %23s %6s\n", c->held_out,
	        c->held_out == 1 ? "" : "s", "load", "offered/s", "done/s", "off", "p50 ms", "p99 ms", "predicted p99 (95%)", "off");
	for (uint32_t i = 0; i < c->count; i++)
		check(to, &c->of[i]);
	fprintf(to, "  good: within %.0f%% of agents done and %.0f%% of p99, or p99 inside its interval\n", 100 * PLAN_THROUGHPUT_GOAL, 100 * PLAN_LATENCY_GOAL);
}

static void listed(FILE *to, const char *text)
{
	fputs("  - ", to);
	folded(to, 4, text);
}

void plan_text(FILE *to, const struct plan_shown *s)
{
	work(to, s->ask);
	if (s->answer->machine_count)
		answer(to, s->ask, s->answer, s->model);
	if (s->answer->refusal_count)
		fprintf(to, s->ask->force ? "\nrefused without --force\n" : "\nno answer\n");
	for (uint32_t i = 0; i < s->answer->refusal_count; i++)
		listed(to, s->answer->refusals[i]);
	if (s->checks && s->checks->held_out)
		checks(to, s->checks);
	measured(to, s->data, s->model);
	if (s->answer->note_count)
		fprintf(to, "\nto know\n");
	for (uint32_t i = 0; i < s->answer->note_count; i++)
		listed(to, s->answer->notes[i]);
}
