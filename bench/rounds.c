/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/progress.h"

struct rounds {
	const struct bench_options *opt;
	const struct bench_item *items;
	struct bench_outcome *outs;
	double *last_s; /* of a round of each: as it was last, or as was expected; 0: not known */
	bool *keeps;    /* in the rounds to come */
	uint32_t count, rounds, round;
	struct bench_progress progress;
	uint64_t start_ns;
};

/* Intervals of so few rounds are widened by Student's t: of three 2.7 times, of five 1.6 times. */
#define ROUNDS_DEFAULT 5u

uint32_t bench_rounds_of(const struct bench_options *opt)
{
	return opt->rounds ? opt->rounds : opt->quick ? 1 : ROUNDS_DEFAULT;
}

/* ---- pure ---------------------------------------------------------------------------------- */

uint32_t bench_rounds_share(uint32_t iterations, uint32_t rounds, uint32_t round)
{
	uint64_t before = ((uint64_t)iterations * round + rounds - 1) / rounds;
	uint64_t after = ((uint64_t)iterations * (round + 1) + rounds - 1) / rounds;

	return (uint32_t)(after - before);
}

struct priced {
	double cost_s;
	uint32_t item;
};

static int dearest_first(const void *a, const void *b)
{
	const struct priced *x = a, *y = b;

	return x->cost_s != y->cost_s ? (x->cost_s < y->cost_s) - (x->cost_s > y->cost_s) : (x->item > y->item) - (x->item < y->item);
}

int bench_rounds_afford(const double *cost_s, uint32_t count, double left_s, bool *keeps)
{
	struct priced *list = calloc(count ? count : 1, sizeof(*list));
	double sum = 0;
	uint32_t n = 0;
	int dropped = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		if (!keeps[i])
			continue;
		list[n++] = (struct priced){ cost_s[i], i };
		sum += cost_s[i];
	}
	qsort(list, n, sizeof(*list), dearest_first);
	for (uint32_t i = 0; i < n && sum > left_s; i++) {
		keeps[list[i].item] = false;
		sum -= list[i].cost_s;
		dropped++;
	}
	free(list);
	return dropped;
}

/* ---- one round of one item ------------------------------------------------------------------- */

static uint32_t share(const struct rounds *s, uint32_t i, uint32_t round)
{
	const struct bench_item *item = &s->items[i];

	return item->by_itself && item->iterations ? 1 : bench_rounds_share(item->iterations, s->rounds, round);
}

static void run_item(struct rounds *s, uint32_t i)
{
	const struct bench_item *item = &s->items[i];
	struct bench_options one = *s->opt;
	struct bench_outcome out;

	if (!item->by_itself) {
		one.iterations = share(s, i, s->round);
		one.warmup = item->warmup;
		one.warmup_set = true;
	}
	one.rounds = s->rounds;
	if (item->workers)
		one.workers = item->workers;
	bench_child_run(&one, item->child, &out);
	s->last_s[i] = out.wall_s;
	bench_outcome_merge(&s->outs[i], &out);
	if (s->outs[i].error[0])
		s->keeps[i] = false;
}

/* ---- all of them -------------------------------------------------------------------------------- */

static double elapsed_s(const struct rounds *s)
{
	return (double)(weft_now_ns() - s->start_ns) / 1e9;
}

/* What rounds from .. to-1 take of item i, when they are as its last one was. */
static double cost_s(const struct rounds *s, uint32_t i, uint32_t from, uint32_t to)
{
	double sum = 0;

	for (uint32_t r = from; s->keeps[i] && r < to; r++)
		sum += share(s, i, r) ? s->last_s[i] : 0;
	return sum;
}

/* From item `next` of this round to the end, or to the end of the budget. Negative: nobody knows yet. */
static double left_s(const struct rounds *s, uint32_t next)
{
	double all = 0, this_round = 0, budget = s->opt->budget_s - elapsed_s(s);
	uint32_t unknown = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		this_round += i < next ? 0 : cost_s(s, i, s->round, s->round + 1);
		all += cost_s(s, i, i < next ? s->round + 1 : s->round, s->rounds);
		unknown += s->keeps[i] && s->last_s[i] <= 0;
	}
	if (unknown * 4 > s->count)
		return -1;
	if (s->opt->budget_s <= 0 || all <= budget)
		return all;
	return this_round > budget ? this_round : budget;
}

/* Fewer say next to nothing about how rounds differ: as many as can have so many, before any has more. */
#define ROUNDS_LEAST 3u

/* Before every round but the first: does it fit, with those that each should have at least? */
static int fit_budget(struct rounds *s)
{
	uint32_t to = s->round + 1 > ROUNDS_LEAST ? s->round + 1 : ROUNDS_LEAST < s->rounds ? ROUNDS_LEAST : s->rounds;
	double *cost = calloc(s->count ? s->count : 1, sizeof(*cost));
	int r;

	if (!cost)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->count; i++)
		cost[i] = cost_s(s, i, s->round, to);
	r = bench_rounds_afford(cost, s->count, s->opt->budget_s - elapsed_s(s), s->keeps);
	for (uint32_t i = 0; r > 0 && i < s->count; i++) {
		if (cost[i] > 0 && !s->keeps[i])
			bench_progress_line(&s->progress, s->items[i].id, &s->outs[i]);
	}
	free(cost);
	return r < 0 ? r : 0;
}

/* Is this the last that will be seen of item i? */
static bool is_last(const struct rounds *s, uint32_t i)
{
	return cost_s(s, i, s->round + 1, s->rounds) <= 0;
}

static int run_round(struct rounds *s)
{
	if (s->opt->budget_s > 0 && s->round > 0) {
		int r = fit_budget(s);

		if (r < 0)
			return r;
	}
	bench_progress_round(&s->progress, s->round, s->rounds);
	for (uint32_t i = 0; i < s->count; i++) {
		if (!s->keeps[i] || !share(s, i, s->round))
			continue;
		bench_progress_item(&s->progress, s->items[i].id, i, s->count, left_s(s, i));
		run_item(s, i);
		if (is_last(s, i))
			bench_progress_line(&s->progress, s->items[i].id, &s->outs[i]);
	}
	return 0;
}

int bench_rounds_run(const struct bench_options *opt, const struct bench_item *items, uint32_t count, struct bench_outcome *outs)
{
	struct rounds s = { .opt = opt,
		            .items = items,
		            .outs = outs,
		            .last_s = calloc(count + 1, sizeof(double)),
		            .keeps = calloc(count + 1, sizeof(bool)),
		            .count = count,
		            .rounds = bench_rounds_of(opt),
		            .start_ns = weft_now_ns() };
	int r = s.last_s && s.keeps ? 0 : -ENOMEM;

	bench_progress_begin(&s.progress);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		s.keeps[i] = items[i].iterations > 0;
		s.last_s[i] = items[i].expected_s;
	}
	for (; r == 0 && s.round < s.rounds; s.round++)
		r = run_round(&s);
	bench_progress_end(&s.progress);
	free(s.last_s);
	free(s.keeps);
	return r;
}

/* ---- an earlier run ----------------------------------------------------------------------------- */

void bench_rounds_expect(const char *path, struct bench_item *items, uint32_t count)
{
	weft_json_doc *doc = NULL;
	weft_json scenarios;

	if (!path || weft_json_parse_file(path, &doc, NULL) < 0)
		return; /* the first time there is none */
	scenarios = weft_json_find(weft_json_root(doc), WEFT_STR("scenarios"));
	for (uint32_t i = 0; i < count; i++) {
		weft_json entry = weft_json_find(scenarios, weft_str_from(items[i].id));
		double wall = 0, rounds = 0;

		weft_json_get_double(weft_json_find(entry, WEFT_STR("wall_s")), &wall);
		weft_json_get_double(weft_json_find(entry, WEFT_STR("rounds")), &rounds);
		if (wall > 0 && rounds >= 1)
			items[i].expected_s = wall / rounds;
	}
	weft_json_release(doc);
}
