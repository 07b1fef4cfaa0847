/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim_cmd.c - the options of `weft sim`. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sim/sim.h"

#define STEPS_DEFAULT 5000u

struct options {
	const char *scenario; /* NULL: all */
	uint64_t seed, seeds, steps;
	bool trace, list;
};

static void list(void)
{
	for (size_t i = 0; sim_scenarios[i]; i++)
		printf("%-12s %s\n", sim_scenarios[i]->name, sim_scenarios[i]->what);
}

static int run(const struct options *opt)
{
	bool found = false;
	int failed = 0;

	for (size_t i = 0; sim_scenarios[i]; i++) {
		const struct sim_scenario *s = sim_scenarios[i];

		if (opt->scenario && strcmp(opt->scenario, s->name) != 0)
			continue;
		found = true;
		if (opt->scenario && !opt->seeds)
			sim_run_here(s, opt->seed, opt->steps, opt->trace);
		else
			failed += sim_run_seeds(s, opt->seed, opt->seeds ? opt->seeds : 1, opt->steps);
	}
	if (!found) {
		cli_line(stderr, "weft sim: --scenario: '%s' is not known; expected one that --list names", opt->scenario);
		return CLI_USAGE;
	}
	return failed ? 1 : 0;
}

static int sim_run(int argc, char **argv)
{
	struct options opt = { .seed = 1, .steps = STEPS_DEFAULT };
	int r = cli_read_options(&cli_sim, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	if (opt.list) {
		list();
		return 0;
	}
	if (opt.trace && (!opt.scenario || opt.seeds)) {
		fputs("weft sim: --trace: it shows one seed of one scenario; expected with --scenario and without --seeds\n", stderr);
		return CLI_USAGE;
	}
	return run(&opt);
}

#define AT(field) offsetof(struct options, field)

static const struct cli_option options[] = {
	{ "scenario", "NAME", "what to run (default: all of them)", .kind = CLI_TEXT, .at = AT(scenario) },
	{ "seed", "S", "the first seed (default 1)", .kind = CLI_U64, .at = AT(seed) },
	{ "seeds", "N", "how many, each in a process of its own; without it, seed S alone, in this one", .kind = CLI_U64, .at = AT(seeds), .min = 1 },
	{ "steps", "N", "how long things are made to happen (default 5000)", .kind = CLI_U64, .at = AT(steps) },
	{ "trace", NULL, "a line for each step of a single seed", .kind = CLI_FLAG, .at = AT(trace) },
	{ "list", NULL, "say what can be run", .kind = CLI_FLAG, .at = AT(list) },
	{ .name = NULL },
};

const struct cli_command cli_sim = {
	.name = "sim",
	.what = "run actors on a simulated machine, from a seed",
	.intro = "Run scenarios on a simulated machine, where a seed decides what happens, and check that what must hold holds.",
	.outro = "Exit status: 0; 1 when a seed failed; 2 for a wrong option.",
	.options = options,
	.run = sim_run,
};
