/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resample's median depends on the ranks of what was drawn alone: values are sorted once, draws count ranks, and the
 * median is where the counts reach the half. So a resample costs n draws and a walk, and no sorting.
 */
#include "bench/stat/bootstrap.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stat/quantile.h"
#include "bench/stat/random.h"
#include "bench/stat/student.h"

#define RESAMPLES_MAX 2000u
#define RESAMPLES_MIN 200u
#define DRAWS_MAX 20000000u /* fewer resamples of very many values: there the interval is narrow anyway */

struct entry {
	double value;
	uint32_t round;
	uint32_t rank;
};

struct pool { /* one sample, ready to be drawn from; owned */
	struct entry *entries;  /* by round */
	uint32_t *round_begins; /* rounds + 1 of them */
	double *sorted;
	uint32_t *drawn;        /* how often each rank was; zero between resamples */
	uint32_t n, rounds;
	double centre, squares; /* its median; squared distances of its resamples' medians from that */
};

static int by_value(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static int by_round(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->round != y->round ? (x->round > y->round) - (x->round < y->round) : (x->rank > y->rank) - (x->rank < y->rank);
}

static void pool_fini(struct pool *p)
{
	free(p->entries);
	free(p->round_begins);
	free(p->sorted);
	free(p->drawn);
}

static int pool_init(struct pool *p, const struct bench_sample *s)
{
	*p = (struct pool){ .n = (uint32_t)s->n };
	p->entries = calloc(s->n, sizeof(*p->entries));
	p->round_begins = calloc(s->n + 1, sizeof(*p->round_begins));
	p->sorted = calloc(s->n, sizeof(*p->sorted));
	p->drawn = calloc(s->n, sizeof(*p->drawn));
	if (!p->entries || !p->round_begins || !p->sorted || !p->drawn)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n; i++)
		p->entries[i] = (struct entry){ .value = s->values[i], .round = s->round_of_value ? s->round_of_value[i] : 0 };
	qsort(p->entries, p->n, sizeof(*p->entries), by_value);
	for (uint32_t i = 0; i < p->n; i++) {
		p->entries[i].rank = i;
		p->sorted[i] = p->entries[i].value;
	}
	qsort(p->entries, p->n, sizeof(*p->entries), by_round);
	for (uint32_t i = 0; i < p->n; i++)
		if (i == 0 || p->entries[i].round != p->entries[i - 1].round)
			p->round_begins[p->rounds++] = i;
	p->round_begins[p->rounds] = p->n;
	return 0;
}

/* Things that were drawn independently: rounds, or the values of the only one. */
static uint32_t pool_units(const struct pool *p)
{
	return p->rounds > 1 ? p->rounds : p->n;
}

static double resample_median(struct pool *p, struct bench_random *random)
{
	uint32_t drawn = 0, seen = 0, rank = 0;

	for (uint32_t i = 0; i < p->rounds; i++) {
		uint32_t round = bench_random_below(random, p->rounds);
		uint32_t begin = p->round_begins[round], size = p->round_begins[round + 1] - begin;

		for (uint32_t k = 0; k < size; k++)
			p->drawn[p->entries[begin + bench_random_below(random, size)].rank]++;
		drawn += size;
	}
	while ((seen += p->drawn[rank]) < (drawn + 1) / 2)
		rank++;
	memset(p->drawn, 0, p->n * sizeof(*p->drawn));
	return p->sorted[rank];
}

static int check(const struct bench_sample *s, double confidence)
{
	if (!s->n || s->n > UINT32_MAX / 2 || !(confidence > 0 && confidence < 1))
		return -EINVAL;
	for (size_t i = 0; i < s->n; i++)
		if (!isfinite(s->values[i]))
			return -EINVAL;
	return s->n < 2 ? -ENODATA : 0;
}

/* Degrees of freedom: of a difference those of Welch and Satterthwaite, by what each side has of its variance. */
static double freedom_of(const struct pool *a, const struct pool *b)
{
	double df_a = pool_units(a) - 1.0, df_b = pool_units(b) - 1.0, both = a->squares + b->squares;

	if (!a->n || !(both > 0))
		return a->n ? fmin(df_a, df_b) : df_b;
	return both * both / (a->squares * a->squares / df_a + b->squares * b->squares / df_b);
}

/* The percentile interval of sorted estimates, widened about the centre as so few units ask for. */
static struct bench_interval widen(const double *estimates, uint32_t n, double centre, uint32_t units, double df, double confidence)
{
	double wider = bench_t_reach(confidence, df) / bench_normal_quantile(0.5 + confidence / 2) * sqrt(units / (units - 1.0));
	double low = bench_quantile(estimates, n, (1 - confidence) / 2), high = bench_quantile(estimates, n, (1 + confidence) / 2);

	return (struct bench_interval){ centre - wider * fmax(centre - low, 0), centre + wider * fmax(high - centre, 0) };
}

static uint32_t resamples_of(size_t n)
{
	size_t r = DRAWS_MAX / n;

	return r < RESAMPLES_MIN ? RESAMPLES_MIN : r > RESAMPLES_MAX ? RESAMPLES_MAX : (uint32_t)r;
}

static double resample(struct pool *p, bool logs, struct bench_random *random)
{
	double median = resample_median(p, random), value = logs ? log(median) : median;

	p->squares += (value - p->centre) * (value - p->centre);
	return value;
}

static int pool_ready(struct pool *p, const struct bench_sample *s, bool logs)
{
	int r = pool_init(p, s);

	if (r == 0) {
		double median = bench_median(p->sorted, p->n);

		p->centre = logs ? log(median) : median;
	}
	return r;
}

/* Of log(median b / median a), or of the median of b alone, as a logarithm or as it is. */
static int interval_of(const struct bench_sample *a, const struct bench_sample *b, bool logs, double confidence, uint64_t seed,
                       struct bench_interval *ret)
{
	struct bench_random random = { seed };
	uint32_t resamples = resamples_of(b->n + (a ? a->n : 0)), units;
	double *estimates = calloc(resamples, sizeof(*estimates));
	struct pool pa = { 0 }, pb = { 0 };
	int r = estimates ? pool_ready(&pb, b, logs) : -ENOMEM;

	if (r == 0 && a)
		r = pool_ready(&pa, a, logs);
	for (uint32_t i = 0; r == 0 && i < resamples; i++) {
		double of_b = resample(&pb, logs, &random);

		estimates[i] = of_b - (a ? resample(&pa, logs, &random) : 0);
	}
	if (r == 0) {
		bench_sort(estimates, resamples);
		units = pool_units(&pb);
		if (a && pool_units(&pa) < units)
			units = pool_units(&pa);
		*ret = widen(estimates, resamples, pb.centre - pa.centre, units, freedom_of(&pa, &pb), confidence);
		if (logs)
			*ret = (struct bench_interval){ exp(ret->low), exp(ret->high) };
	}
	pool_fini(&pa);
	pool_fini(&pb);
	free(estimates);
	return r;
}

static bool all_positive(const struct bench_sample *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!(s->values[i] > 0))
			return false;
	return true;
}

int bench_median_interval(const double *values, const uint32_t *round_of_value, size_t n, double confidence, uint64_t seed,
                          struct bench_interval *ret)
{
	struct bench_sample s = { values, round_of_value, n };
	int r = check(&s, confidence);

	/* As logarithms where that can be: an interval of times does not reach below zero then. */
	return r < 0 ? r : interval_of(NULL, &s, all_positive(&s), confidence, seed, ret);
}

int bench_ratio_interval(const struct bench_sample *a, const struct bench_sample *b, double confidence, uint64_t seed,
                         struct bench_interval *ret)
{
	int r = check(a, confidence);

	if (r == 0)
		r = check(b, confidence);
	if (r == 0 && !(all_positive(a) && all_positive(b)))
		r = -EDOM;
	return r < 0 ? r : interval_of(a, b, true, confidence, seed, ret);
}
