/* SPDX-License-Identifier: Apache-2.0 */
/* cli/bench_cmd.c - the options of `weft bench`. */
#include <stdio.h>
#include <string.h>

#include <weft/error.h>

#include "bench/bench.h"
#include "cli/cli.h"

static bool read_warmup(const char *value, void *options, weft_str *ret_wrong)
{
	struct bench_options *opt = options;
	uint64_t n;

	(void)ret_wrong;
	if (!cli_read_uint(value, 0, BENCH_ITERATIONS_MAX, &n))
		return false;
	opt->warmup = (uint32_t)n;
	opt->warmup_set = true;
	return true;
}

static bool read_budget(const char *value, void *options, weft_str *ret_wrong)
{
	uint64_t n = 0;
	bool ok = cli_read_uint(value, 1, 86400, &n);

	(void)ret_wrong;
	((struct bench_options *)options)->budget_s = (double)n;
	return ok;
}

static bool read_on_off(const char *value, int *ret)
{
	*ret = !strcmp(value, "on");
	return *ret || !strcmp(value, "off");
}

static bool read_events(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_on_off(value, &((struct bench_options *)options)->events);
}

static bool read_times(const char *value, void *options, weft_str *ret_wrong)
{
	(void)ret_wrong;
	return read_on_off(value, &((struct bench_options *)options)->times);
}

static int bench_run(int argc, char **argv)
{
	struct bench_options opt = { .program = cli_own_path(), .events = -1, .times = 1 };
	int r = cli_read_options(&cli_bench, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	r = opt.json_path && !opt.list ? cli_can_write(opt.json_path) : 0; /* now, not after minutes */
	if (r < 0) {
		fprintf(stderr, "weft bench: --json: %s: %s\n", opt.json_path, weft_strerror(r));
		return 1;
	}
	if (opt.child)
		opt.suite = "all";
	else if (!opt.suite)
		opt.suite = opt.sweep ? "scenarios,actors" : "scenarios";
	return bench_main(&opt);
}

#define AT(field) offsetof(struct bench_options, field)

static const char *const suites[] = { "scenarios", "micro", "actors", "memory", "io", "seeds", "all", NULL };

static const char *const on_off[] = { "on", "off", NULL };

static const struct cli_option options[] = {
	{ "suite", "NAME,..", "scenarios (default), micro, actors, memory, io, seeds or all", .kind = CLI_WORDS, .at = AT(suite), .words = suites },
	{ "filter", "GLOB", "only entries whose id matches", .kind = CLI_TEXT, .at = AT(filter) },
	{ "iterations", "N", "measured iterations an entry (default 10, or the entry's own)", .kind = CLI_U32, .at = AT(iterations), .min = 1, .max = BENCH_ITERATIONS_MAX },
	{ "warmup", "N", "iterations before them (default 3, or the entry's own)", .kind = CLI_OWN, .read = read_warmup,
	  .expected = "a number of iterations" },
	{ "rounds", "N", "run every entry once a round, its iterations shared out (default 5)", .kind = CLI_U32, .at = AT(rounds), .min = 1, .max = BENCH_ROUNDS_MAX },
	{ "budget", "SECONDS", "leave the dearest entries out of later rounds, to be done by then", .kind = CLI_OWN, .read = read_budget,
	  .expected = "a number of seconds from 1 to 86400" },
	{ "workers", "N", "workers of each runtime (default: one a core)", .kind = CLI_U32, .at = AT(workers), .min = 1, .max = 256 },
	{ "events", "on|off", "with or without a subscriber to the agents' events", .kind = CLI_OWN, .read = read_events, .words = on_off,
	  .expected = "on or off" },
	{ "times", "on|off", "with or without stage times in the results (default on)", .kind = CLI_OWN, .read = read_times, .words = on_off,
	  .expected = "on or off" },
	{ "scenarios", "FILE", "another scenario file", .kind = CLI_FILE, .at = AT(scenarios_path) },
	{ "data", "FOLDER", "sets of vectors for suite memory (default $WEFT_DATA, or tests/data)", .kind = CLI_FILE, .at = AT(data) },
	{ "json", "FILE", "write the results", .kind = CLI_FILE, .at = AT(json_path) },
	{ "quick", NULL, "fewer and shorter iterations", .kind = CLI_FLAG, .at = AT(quick) },
	{ "sweep", NULL, "only what scales, with 1 worker, 2, .. one a core (or --workers)", .kind = CLI_FLAG, .at = AT(sweep) },
	{ "list", NULL, "say what would run", .kind = CLI_FLAG, .at = AT(list) },
	{ "child", "ID", NULL, .kind = CLI_TEXT, .at = AT(child) },
	{ .name = NULL },
};

const struct cli_command cli_bench = {
	.name = "bench",
	.what = "measure agents, actors and the store on this machine",
	.intro = "Run agents, actors and the store against a mock model, and print how long they take.",
	.outro = "Exit status: 0; 1 when an entry failed; 2 for a wrong option or scenario file.",
	.options = options,
	.run = bench_run,
};
