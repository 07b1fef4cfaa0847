/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever becomes of an entry's process, its entry fails alone and says why.
 * Method: the program that is run again is a shell script here.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"

/* Run body as the child and give its outcome. */
static struct bench_outcome run(const char *body)
{
	char path[] = "/tmp/weft-child-XXXXXX";
	struct bench_options opt = { .program = path, .suite = "all", .events = -1, .times = 1 };
	struct bench_outcome out;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_gt(dprintf(fd, "#!/bin/sh\n%s\n", body), 0);
	cr_assert_eq(fchmod(fd, 0700), 0);
	close(fd);
	bench_child_run(&opt, "some-id", &out);
	unlink(path);
	return out;
}

static void expect_error(const char *body, const char *needle)
{
	struct bench_outcome out = run(body);

	cr_expect(strstr(out.error, needle) != NULL, "'%s' does not say '%s'", out.error, needle);
	bench_outcome_free(&out);
}

Test(child, crash__names_the_signal)
{
	expect_error("kill -SEGV $$", "signal 11 (Segmentation fault)");
	expect_error("kill -KILL $$", "signal 9 (Killed)");
}

Test(child, no_result__names_the_exit_status)
{
	expect_error("exit 3", "exited with 3");
	expect_error("echo not json; exit 0", "wrote no result");
	expect_error("echo '{}'", "wrote no result");
}

Test(child, program_that_is_not_there__is_named)
{
	struct bench_options opt = { .program = "/nowhere/weft", .suite = "all", .events = -1, .times = 1 };
	struct bench_outcome out;

	bench_child_run(&opt, "some-id", &out);
	cr_expect(strstr(out.error, "cannot start /nowhere/weft") != NULL, "%s", out.error);
	bench_outcome_free(&out);
}

Test(child, result__is_taken_over_a_pipe)
{
	struct bench_outcome out = run("test \"$1 $2 $3\" = 'bench --child some-id' || exit 9\n"
	                               "echo '{\"iterations\":2,\"warmup\":1,\"latency\":{\"raw_ms\":[1.5,2]},"
	                               "\"throughput\":{\"total_messages\":7,\"total_time_ms\":3.5}}'");

	cr_expect_str_eq(out.error, "");
	cr_assert_eq(out.raw_count, 2);
	cr_expect_eq(out.raw_ms[0], 1.5);
	cr_expect_eq(out.messages, 7);
	cr_expect_eq(out.total_ms, 3.5);
	bench_outcome_free(&out);
}

Test(child, long_result__is_taken_whole)
{
	struct bench_outcome out = run("awk 'BEGIN { printf \"{\\\"iterations\\\":50000,\\\"latency\\\":{\\\"raw_ms\\\":[1\";"
	                               "for (i = 1; i < 50000; i++) printf \",1\"; print \"]},\\\"throughput\\\":{}}\" }'");

	cr_expect_str_eq(out.error, "");
	cr_expect_eq(out.raw_count, 50000);
	bench_outcome_free(&out);
}
