/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: quantiles of the normal and of Student's distribution to ten digits; intervals that hold what they promise.
 *
 * Method: tables (python3's statistics.NormalDist; any table of t); and many sets of values whose truth is known, made
 * from fixed seeds: of the intervals of 95%, about so many have to hold the truth, with rounds that differ too.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>

#include "bench/stat/bootstrap.h"
#include "bench/stat/random.h"
#include "bench/stat/student.h"
#include "bench/stat/verdict.h"

Test(student, normal__as_python_has_it)
{
	cr_expect_float_eq(bench_normal_quantile(0.5), 0, 1e-12);
	cr_expect_float_eq(bench_normal_quantile(0.975), 1.9599639845400536, 1e-10);
	cr_expect_float_eq(bench_normal_quantile(0.995), 2.5758293035489, 1e-10);
	cr_expect_float_eq(bench_normal_quantile(1e-6), -4.753424308822899, 1e-9);
}

/* t with 1 degree of freedom is tan(pi (p - 1/2)), with 2 it is (2p - 1) / sqrt(2 p (1 - p)); others from a table. */
Test(student, t__as_formulas_and_tables_have_it)
{
	cr_expect_float_eq(bench_t_quantile(0.975, 1), 12.706204736174694, 1e-8);
	cr_expect_float_eq(bench_t_quantile(0.975, 2), 0.95 / sqrt(2 * 0.975 * 0.025), 1e-9);
	cr_expect_float_eq(bench_t_quantile(0.025, 2), -0.95 / sqrt(2 * 0.975 * 0.025), 1e-9);
	cr_expect_float_eq(bench_t_quantile(0.975, 4), 2.776445, 1e-6);
	cr_expect_float_eq(bench_t_quantile(0.95, 10), 1.812461, 1e-6);
	cr_expect_float_eq(bench_t_quantile(0.975, 30), 2.042272, 1e-6);
	cr_expect_float_eq(bench_t_quantile(0.975, 1e7), 1.959964, 1e-5);
	cr_expect_float_eq(bench_t_quantile(0.5, 3), 0, 1e-7);
	cr_expect_float_eq(bench_t_reach(0.95, 4), 2.776445, 1e-6);
}

Test(bootstrap, wrong_values__are_refused)
{
	double v[] = { 1, 2, 3 }, bad[] = { 1, NAN }, zero[] = { 0, 1 };
	struct bench_sample a = { v, NULL, 3 }, b = { zero, NULL, 2 };
	struct bench_interval ci = { -1, -1 };

	cr_expect_eq(bench_median_interval(v, NULL, 0, 0.95, 1, &ci), -EINVAL);
	cr_expect_eq(bench_median_interval(v, NULL, 1, 0.95, 1, &ci), -ENODATA);
	cr_expect_eq(bench_median_interval(bad, NULL, 2, 0.95, 1, &ci), -EINVAL);
	cr_expect_eq(bench_median_interval(v, NULL, 3, 1, 1, &ci), -EINVAL);
	cr_expect_eq(bench_ratio_interval(&a, &b, 0.95, 1, &ci), -EDOM);
	cr_expect_eq(bench_ratio_interval(&b, &a, 0.95, 1, &ci), -EDOM);
	cr_expect_eq(ci.low, -1, "untouched");
}

Test(bootstrap, equal_values__have_no_width)
{
	double v[] = { 4, 4, 4, 4, 4, 4 };
	struct bench_interval ci;

	cr_assert_eq(bench_median_interval(v, NULL, 6, 0.95, 1, &ci), 0);
	cr_expect_float_eq(ci.low, 4, 1e-12);
	cr_expect_float_eq(ci.high, 4, 1e-12);
}

Test(bootstrap, one_seed__gives_one_interval)
{
	struct bench_interval a, b, c;
	struct bench_random random = { 3 };
	double v[200];

	for (int i = 0; i < 200; i++)
		v[i] = 100 + bench_random_normal(&random);
	bench_median_interval(v, NULL, 200, 0.95, 7, &a);
	bench_median_interval(v, NULL, 200, 0.95, 7, &b);
	bench_median_interval(v, NULL, 200, 0.95, 8, &c);
	cr_expect_eq(a.low, b.low);
	cr_expect_eq(a.high, b.high);
	cr_expect_lt(fabs(a.low - c.low), 0.05, "another seed, nearly the same");
	/* The median of 200 normal values has a standard error of 1.2533 / sqrt(200) = 0.0886: about 0.35 wide. */
	cr_expect(a.high - a.low > 0.2 && a.high - a.low < 0.55, "%g", a.high - a.low);
}

Test(bootstrap, negative_values__are_fine_for_a_median)
{
	double v[] = { -3, -2, -1, 0, 1, 2, 3 };
	struct bench_interval ci;

	cr_assert_eq(bench_median_interval(v, NULL, 7, 0.95, 1, &ci), 0);
	cr_expect(ci.low < 0 && ci.high > 0);
}

/* The share of sets whose interval holds the truth, 100. */
static double coverage(uint32_t rounds, uint32_t per_round, double between, double within, bool keep_rounds)
{
	uint32_t hit = 0, sets = 300;

	for (uint32_t s = 0; s < sets; s++) {
		struct bench_random random = { 1000 + s };
		struct bench_interval ci;
		uint32_t round_of[512], n = 0;
		double v[512];

		for (uint32_t r = 0; r < rounds; r++) {
			double middle = 100 + between * bench_random_normal(&random);

			for (uint32_t i = 0; i < per_round; i++, n++) {
				v[n] = middle + within * bench_random_normal(&random);
				round_of[n] = 7 * r;
			}
		}
		cr_assert_eq(bench_median_interval(v, keep_rounds ? round_of : NULL, n, 0.95, s, &ci), 0);
		hit += ci.low <= 100 && 100 <= ci.high;
	}
	return hit / (double)sets;
}

/* 300 sets: a coverage of .95 comes out within .91 and .99 with a probability over .999. */
Test(bootstrap, intervals__hold_the_truth_as_often_as_they_say)
{
	double flat = coverage(1, 30, 0, 1, false), rounds = coverage(5, 20, 1, 1, true), three = coverage(3, 20, 1, 1, true);

	cr_log_info("coverage: flat %.3f, 5 rounds %.3f, 3 rounds %.3f", flat, rounds, three);
	cr_expect(flat > 0.91, "%g", flat);
	cr_expect(rounds > 0.91, "%g", rounds);
	cr_expect(three > 0.91, "%g", three);
}

Test(bootstrap, intervals__that_forget_the_rounds_are_too_sure)
{
	double forgot = coverage(5, 20, 1, 1, false);

	cr_expect_lt(forgot, 0.8, "%g", forgot);
}

Test(bootstrap, ratio__holds_the_truth_as_often_as_it_says)
{
	uint32_t hit = 0, sets = 200;

	for (uint32_t s = 0; s < sets; s++) {
		struct bench_random random = { 5000 + s };
		double a[40], b[40];
		uint32_t round_of[40];
		struct bench_sample of_a = { a, round_of, 40 }, of_b = { b, round_of, 40 };
		struct bench_interval ci;

		for (int r = 0; r < 5; r++) {
			double ra = exp(0.05 * bench_random_normal(&random)), rb = 1.25 * exp(0.05 * bench_random_normal(&random));

			for (int i = 8 * r; i < 8 * r + 8; i++) {
				a[i] = ra * exp(0.02 * bench_random_normal(&random));
				b[i] = rb * exp(0.02 * bench_random_normal(&random));
				round_of[i] = (uint32_t)r;
			}
		}
		cr_assert_eq(bench_ratio_interval(&of_a, &of_b, 0.95, s, &ci), 0);
		hit += ci.low <= 1.25 && 1.25 <= ci.high;
	}
	cr_log_info("coverage of ratios: %.3f", hit / (double)sets);
	cr_expect_gt(hit, 0.91 * sets, "%u of %u", hit, sets);
}

Test(verdict, direction__decides_what_is_better)
{
	struct bench_interval more = { 1.10, 1.20 }, less = { 0.80, 0.90 }, about = { 0.97, 1.2 }, within = { 1.01, 1.04 };

	cr_expect_eq(bench_verdict(more, 0.05, 10, 10, true), BENCH_SLOWER);
	cr_expect_eq(bench_verdict(more, 0.05, 10, 10, false), BENCH_FASTER, "throughput that rose is no regression");
	cr_expect_eq(bench_verdict(less, 0.05, 10, 10, true), BENCH_FASTER);
	cr_expect_eq(bench_verdict(less, 0.05, 10, 10, false), BENCH_SLOWER);
	cr_expect_eq(bench_verdict(about, 0.05, 10, 10, true), BENCH_NOISE);
	cr_expect_eq(bench_verdict(within, 0.05, 10, 10, true), BENCH_NOISE);
	cr_expect_eq(bench_verdict(within, 0.0, 10, 10, true), BENCH_SLOWER);
}

Test(verdict, threshold__is_as_far_below_as_above)
{
	struct bench_interval up = { 1.06, 1.2 }, down = { 0.8, 1 / 1.06 }, nearly = { 0.8, 1 / 1.04 }, between = { 0.8, 0.951 };

	cr_expect_eq(bench_verdict(up, 0.05, 10, 10, true), BENCH_SLOWER);
	cr_expect_eq(bench_verdict(down, 0.05, 10, 10, true), BENCH_FASTER);
	cr_expect_eq(bench_verdict(between, 0.05, 10, 10, true), BENCH_FASTER, "1 / 1.05 is .952");
	cr_expect_eq(bench_verdict(nearly, 0.05, 10, 10, true), BENCH_NOISE);
}

Test(verdict, few_values__say_nothing)
{
	struct bench_interval more = { 2, 3 }, none = { NAN, NAN };

	cr_expect_eq(bench_verdict(more, 0.05, 4, 10, true), BENCH_TOO_FEW);
	cr_expect_eq(bench_verdict(more, 0.05, 10, 4, true), BENCH_TOO_FEW);
	cr_expect_eq(bench_verdict(more, 0.05, 5, 5, true), BENCH_SLOWER);
	cr_expect_eq(bench_verdict(none, 0.05, 10, 10, true), BENCH_TOO_FEW);
	cr_expect_str_eq(bench_verdict_text(BENCH_TOO_FEW), "too few samples");
}

/*
 * Of two alike with five rounds each, t has 8 degrees of freedom and not 4 (2.306, 2.776): the ratio's interval is
 * sqrt(2) * .83 = 1.17 times that of one. Against one that never varies it has 4, and is as wide as that.
 */
Test(bootstrap, ratio__counts_the_rounds_of_both)
{
	double a[100], b[100], same[100], alone = 0, both = 0, against = 0;
	uint32_t round[100];
	struct bench_random random = { 17 };

	for (int set = 0; set < 60; set++) {
		struct bench_interval of_a, of_both, of_same;

		for (int i = 0; i < 100; i++) {
			static double shift_a, shift_b;

			shift_a = i % 20 ? shift_a : 0.1 * bench_random_normal(&random);
			shift_b = i % 20 ? shift_b : 0.1 * bench_random_normal(&random);
			round[i] = (uint32_t)i / 20;
			a[i] = exp(shift_a + 0.01 * bench_random_normal(&random));
			b[i] = exp(shift_b + 0.01 * bench_random_normal(&random));
			same[i] = 1;
		}
		cr_assert_eq(bench_median_interval(a, round, 100, 0.95, 1, &of_a), 0);
		cr_assert_eq(bench_ratio_interval(&(struct bench_sample){ a, round, 100 }, &(struct bench_sample){ b, round, 100 }, 0.95, 1, &of_both), 0);
		cr_assert_eq(bench_ratio_interval(&(struct bench_sample){ same, round, 100 }, &(struct bench_sample){ a, round, 100 }, 0.95, 1, &of_same), 0);
		alone += log(of_a.high / of_a.low) / 60;
		both += log(of_both.high / of_both.low) / 60;
		against += log(of_same.high / of_same.low) / 60;
	}
	cr_expect(both / alone > 1.0 && both / alone < 1.3, "%g", both / alone);
	cr_expect_float_eq(against / alone, 1, 0.05, "%g", against / alone);
}
