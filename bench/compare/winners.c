/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/compare/winners.c - who is best at what.
 *
 * A category counts the scenarios for which every file has the figure: a mean over different scenarios would compare
 * nothing. The score is the geometric mean of cost over the best cost, so that no scenario outweighs another by its
 * size; 1 is the best in all of them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare/compare.h"

const char *const bench_compare_categories[BENCH_CATEGORIES] = { "latency", "throughput", "memory",
	                                                         "start-up", "scale" };
const char *const bench_compare_meanings[BENCH_CATEGORIES] = {
	"medians of all but start-up",
	"messages a second where an iteration has more than one",
	"peak resident memory, and bytes",
	"medians of start-up",
	"medians at the largest size of each family",
};

struct sums {
	double log_cost[BENCH_COMPARE_FILES_MAX], log_growth[BENCH_COMPARE_FILES_MAX];
	uint32_t scenarios;
};

/* ---- costs of one scenario --------------------------------------------------------------------- */

static bool is_startup(const char *id)
{
	return strstr(id, "startup") != NULL;
}

static double cost_of(const struct bench_compare_row *row, const struct bench_compare_cell *cell,
                      enum bench_compare_category category)
{
	const struct bench_results_entry *e = cell->entry;

	if (!e || e->error)
		return NAN;
	switch (category) {
	case BENCH_THROUGHPUT:
		return e->total_messages > e->iterations ? 1 / e->messages_per_second : NAN;
	case BENCH_MEMORY:
		return row->metric == BENCH_METRIC_BYTES ? cell->figure : e->rss_peak_mb;
	default:
		if (row->metric != BENCH_METRIC_MEDIAN || is_startup(row->id) != (category == BENCH_STARTUP))
			return NAN;
		return row->lower_is_better ? cell->figure : 1 / cell->figure;
	}
}

/* The costs of all files. @return false: one has none */
static bool costs_of(const struct bench_compare *c, const struct bench_compare_row *row,
                     enum bench_compare_category category, double *costs)
{
	for (uint32_t f = 0; f < c->count; f++) {
		costs[f] = cost_of(row, &row->cells[f], category);
		if (!isfinite(costs[f]) || costs[f] <= 0)
			return false;
	}
	return true;
}

static void add(const struct bench_compare *c, const double *costs, struct sums *s)
{
	double best = costs[0];

	for (uint32_t f = 1; f < c->count; f++)
		best = costs[f] < best ? costs[f] : best;
	for (uint32_t f = 0; f < c->count; f++)
		s->log_cost[f] += log(costs[f] / best);
	s->scenarios++;
}

/* ---- families: ids that differ in a number at the end alone --------------------------------------------- */

/* Where the number begins, 0 where there is none; it follows a '-' or an '@'. */
static size_t number_at(const char *id)
{
	size_t at = strlen(id);

	while (at && isdigit((unsigned char)id[at - 1]))
		at--;
	return id[at] && at > 1 && (id[at - 1] == '-' || id[at - 1] == '@') ? at : 0;
}

static bool is_family(const char *a, const char *b)
{
	size_t at = number_at(a);

	return at && at == number_at(b) && !strncmp(a, b, at);
}

static double size_of(const struct bench_compare_row *row)
{
	return strtod(row->id + number_at(row->id), NULL);
}

/* Is a row the largest of its family, of those that every file has a cost for? And which is the smallest? */
static bool is_largest(const struct bench_compare *c, const struct bench_compare_row *row,
                       const struct bench_compare_row **ret_smallest)
{
	double costs[BENCH_COMPARE_FILES_MAX];

	*ret_smallest = row;
	if (!number_at(row->id))
		return false;
	for (uint32_t i = 0; i < c->row_count; i++) {
		const struct bench_compare_row *other = &c->rows[i];

		if (!is_family(row->id, other->id) || !costs_of(c, other, BENCH_SCALE, costs))
			continue;
		if (size_of(other) > size_of(row))
			return false;
		if (size_of(other) < size_of(*ret_smallest))
			*ret_smallest = other;
	}
	return *ret_smallest != row;
}

static void add_scale(const struct bench_compare *c, const struct bench_compare_row *row, struct sums *s)
{
	double costs[BENCH_COMPARE_FILES_MAX], small[BENCH_COMPARE_FILES_MAX];
	const struct bench_compare_row *smallest;

	if (!costs_of(c, row, BENCH_SCALE, costs) || !is_largest(c, row, &smallest) ||
	    !costs_of(c, smallest, BENCH_SCALE, small))
		return;
	add(c, costs, s);
	for (uint32_t f = 0; f < c->count; f++)
		s->log_growth[f] += log(costs[f] / small[f]);
}

/* ---- the winner --------------------------------------------------------------------------------------------- */

static void decide(const struct bench_compare *c, const struct sums *s, bool scale,
                   struct bench_compare_winner *w)
{
	double second = INFINITY;

	w->file = -1;
	w->scenarios = s->scenarios;
	for (uint32_t f = 0; f < c->count; f++) {
		w->score[f] = s->scenarios ? exp(s->log_cost[f] / s->scenarios) : NAN;
		w->growth[f] = s->scenarios && scale ? exp(s->log_growth[f] / s->scenarios) : NAN;
		if (s->scenarios && (w->file < 0 || w->score[f] < w->score[w->file]))
			w->file = (int)f;
	}
	for (uint32_t f = 0; f < c->count && w->file >= 0; f++) {
		if ((int)f != w->file)
			second = fmin(second, w->score[f]);
	}
	w->tie = w->file >= 0 && second <= w->score[w->file] * (1 + c->threshold);
}

void bench_compare_winners(struct bench_compare *c)
{
	double costs[BENCH_COMPARE_FILES_MAX];

	for (enum bench_compare_category k = 0; k < BENCH_CATEGORIES; k++) {
		struct sums s = { 0 };

		for (uint32_t i = 0; i < c->row_count; i++) {
			if (k == BENCH_SCALE)
				add_scale(c, &c->rows[i], &s);
			else if (costs_of(c, &c->rows[i], k, costs))
				add(c, costs, &s);
		}
		decide(c, &s, k == BENCH_SCALE, &c->winners[k]);
	}
}
