/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every entry once a round, round after round; no iteration lost or made up; a budget leaves the dearest out.
 * Method: the program that is run is a shell script that writes down what it was asked for.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/progress.h"
#include "bench/rounds.h"

Test(rounds, share__adds_up_and_begins_early)
{
	for (uint32_t n = 0; n < 40; n++) {
		for (uint32_t rounds = 1; rounds < 9; rounds++) {
			uint32_t sum = 0, last = UINT32_MAX;

			for (uint32_t r = 0; r < rounds; r++) {
				uint32_t one = bench_rounds_share(n, rounds, r);

				cr_expect(one == n / rounds || one == n / rounds + 1, "%u of %u in %u: %u", r, n, rounds, one);
				sum += one;
				last = one;
			}
			cr_expect_eq(sum, n);
			cr_expect_leq(last, bench_rounds_share(n, rounds, 0), "one iteration is one of the first round");
		}
	}
	cr_expect_eq(bench_rounds_share(BENCH_ITERATIONS_MAX, BENCH_ROUNDS_MAX, BENCH_ROUNDS_MAX - 1), BENCH_ITERATIONS_MAX / BENCH_ROUNDS_MAX);
}

Test(rounds, afford__drops_the_dearest_until_it_fits)
{
	double cost[] = { 1, 50, 0, 20, 3 };
	bool keeps[] = { true, true, true, true, false };

	cr_expect_eq(bench_rounds_afford(cost, 5, 71, keeps), 0);
	cr_expect_eq(bench_rounds_afford(cost, 5, 25, keeps), 1);
	cr_expect(keeps[0] && !keeps[1] && keeps[2] && keeps[3] && !keeps[4]);
	cr_expect_eq(bench_rounds_afford(cost, 5, -1, keeps), 3, "nothing fits into less than nothing");
	cr_expect_eq(bench_rounds_afford(cost, 0, 0, keeps), 0);
}

/* Runs items by a script that appends its arguments to a file and then does `body`. */
static char *run(const struct bench_options *of, const struct bench_item *items, uint32_t count, struct bench_outcome *outs,
                 const char *body)
{
	char script[] = "/tmp/weft-rounds-XXXXXX", log[] = "/tmp/weft-rounds-XXXXXX";
	struct bench_options opt = *of;
	int fd = mkstemp(script), log_fd = mkstemp(log);
	char *text = calloc(1, 4096);

	cr_assert(fd >= 0 && log_fd >= 0 && text);
	cr_assert_gt(dprintf(fd, "#!/bin/sh\necho \"$@\" >> %s\n%s\n", log, body), 0);
	cr_assert_eq(fchmod(fd, 0700), 0);
	close(fd);
	opt.program = script;
	opt.events = -1;
	opt.times = 1;
	cr_assert_eq(bench_rounds_run(&opt, items, count, outs), 0);
	cr_assert_geq(read(log_fd, text, 4095), 0);
	close(log_fd);
	unlink(script);
	unlink(log);
	return text;
}

#define RESULT "echo '{\"iterations\":1,\"warmup\":2,\"latency\":{\"raw_ms\":[1.5]},\"throughput\":{\"total_messages\":1,\"total_time_ms\":2}}'"

Test(rounds, run__goes_round_after_round)
{
	struct bench_item items[] = {
		{ .id = "a", .child = "a", .iterations = 5, .warmup = 2 },
		{ .id = "once", .child = "once", .iterations = 1 },
		{ .id = "never", .child = "never" },
		{ .id = "b@3", .child = "b", .workers = 3, .iterations = 2 },
		{ .id = "self", .child = "self", .iterations = 1, .by_itself = true },
	};
	struct bench_outcome outs[5] = { 0 };
	char *text = run(&(struct bench_options){ .rounds = 2 }, items, 5, outs, RESULT);

	cr_expect_str_eq(text, "bench --child a --iterations 3 --warmup 2 --rounds 2\n"
	                       "bench --child once --iterations 1 --warmup 0 --rounds 2\n"
	                       "bench --child b --iterations 1 --warmup 0 --workers 3 --rounds 2\n"
	                       "bench --child self --rounds 2\n"
	                       "bench --child a --iterations 2 --warmup 2 --rounds 2\n"
	                       "bench --child b --iterations 1 --warmup 0 --workers 3 --rounds 2\n"
	                       "bench --child self --rounds 2\n");
	cr_expect_eq(outs[0].rounds, 2);
	cr_expect_eq(outs[0].raw_count, 2);
	cr_expect_eq(outs[0].raw_round[1], 1);
	cr_expect_eq(outs[1].rounds, 1);
	cr_expect_eq(outs[2].rounds, 0);
	cr_expect_eq(outs[4].messages, 2);
	cr_expect_gt(outs[0].wall_s, 0);
	for (int i = 0; i < 5; i++)
		bench_outcome_free(&outs[i]);
	free(text);
}

Test(rounds, run__leaves_failed_entries_alone)
{
	struct bench_item items[] = { { .id = "bad", .child = "bad", .iterations = 9 }, { .id = "good", .child = "good", .iterations = 9 } };
	struct bench_outcome outs[2] = { 0 };
	char *text = run(&(struct bench_options){ .rounds = 3 }, items, 2, outs, "test $3 = bad && exit 7\n" RESULT);
	uint32_t lines = 0;

	for (char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	cr_expect_eq(lines, 4, "%s", text);
	cr_expect_not_null(strstr(outs[0].error, "exited with 7"));
	cr_expect_eq(outs[1].rounds, 3);
	bench_outcome_free(&outs[0]);
	bench_outcome_free(&outs[1]);
	free(text);
}

/* A budget that is used up after the first round: what costs nothing to speak of has to go as well, but only then. */
Test(rounds, run__first_round_is_run_whatever_the_budget)
{
	struct bench_item items[] = { { .id = "a", .child = "a", .iterations = 9 }, { .id = "b", .child = "b", .iterations = 9 } };
	struct bench_outcome outs[2] = { 0 };
	char *text = run(&(struct bench_options){ .rounds = 3, .budget_s = 1e-9 }, items, 2, outs, RESULT);

	cr_expect_eq(outs[0].rounds, 1);
	cr_expect_eq(outs[1].rounds, 1);
	bench_outcome_free(&outs[0]);
	bench_outcome_free(&outs[1]);
	free(text);
}

Test(rounds, expect__takes_the_times_of_an_earlier_file)
{
	char path[] = "/tmp/weft-earlier-XXXXXX";
	struct bench_item items[] = { { .id = "a" }, { .id = "b" }, { .id = "c" } };
	int fd = mkstemp(path);

	cr_assert_gt(dprintf(fd, "{\"scenarios\":{\"a\":{\"wall_s\":6,\"rounds\":3},\"b\":{\"wall_s\":\"x\"},\"d\":4}}"), 0);
	close(fd);
	bench_rounds_expect(path, items, 3);
	cr_expect_eq(items[0].expected_s, 2);
	cr_expect_eq(items[1].expected_s, 0);
	cr_expect_eq(items[2].expected_s, 0);
	unlink(path);
	bench_rounds_expect(path, items, 3);
	bench_rounds_expect(NULL, items, 3);
	cr_expect_eq(items[0].expected_s, 2);
}

Test(rounds, progress__says_the_time_left)
{
	char text[24];

	bench_progress_time(0, text, sizeof(text));
	cr_expect_str_eq(text, "0:00");
	bench_progress_time(61.2, text, sizeof(text));
	cr_expect_str_eq(text, "1:02");
	bench_progress_time(3723, text, sizeof(text));
	cr_expect_str_eq(text, "1:02:03");
}
