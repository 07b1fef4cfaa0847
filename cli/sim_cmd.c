/* SPDX-License-Identifier: Apache-2.0 */
/* cli/sim_cmd.c - the options of `weft sim`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sim/sim.h"

#define STEPS_DEFAULT 5000u

struct options {
	const char *scenario; /* NULL: all */
	uint64_t seed, seeds, steps;
	bool trace;
};

static void help(FILE *to)
{
	fputs("usage: weft sim [OPTION...]\n"
	      "\n"
	      "  --scenario NAME  what to run (default: all of them)\n"
	      "  --seed S         the first seed (default 1)\n"
	      "  --seeds N        how many, each in a process of its own; without it, seed S alone, in this one\n"
	      "  --steps N        how long things are made to happen (default 5000)\n"
	      "  --trace          a line for each step of a single seed\n"
	      "  --list           say what can be run\n"
	      "\n"
	      "Exit status: 0; 1 when a seed failed; 2 for a wrong option.\n",
	      to);
}

static void list(void)
{
	for (size_t i = 0; sim_scenarios[i]; i++)
		printf("%-12s %s\n", sim_scenarios[i]->name, sim_scenarios[i]->what);
}

static int number(const char *option, const char *text, uint64_t *ret)
{
	char *end = NULL;

	errno = 0;
	if (text && text[0] >= '0' && text[0] <= '9')
		*ret = strtoull(text, &end, 0);
	if (!end || *end || errno) {
		fprintf(stderr, "weft sim: %s: '%s' is not a number\n", option, text ? text : "");
		return -1;
	}
	return 0;
}

/* An option with a value. 0, or -1 and it was said what is wrong. */
static int with_value(const char *name, const char *value, struct options *opt)
{
	if (!strcmp(name, "--scenario")) {
		opt->scenario = value ? value : "";
		return 0;
	}
	if (!strcmp(name, "--seed"))
		return number(name, value, &opt->seed);
	if (!strcmp(name, "--seeds"))
		return number(name, value, &opt->seeds);
	if (!strcmp(name, "--steps"))
		return number(name, value, &opt->steps);
	fprintf(stderr, "weft sim: unknown option '%s'\n", name);
	return -1;
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
		fprintf(stderr, "weft sim: no scenario '%s'; --list names them\n", opt->scenario);
		return 2;
	}
	return failed ? 1 : 0;
}

int cli_sim(int argc, char **argv)
{
	struct options opt = { .seed = 1, .steps = STEPS_DEFAULT };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			help(stdout);
			return 0;
		}
		if (!strcmp(argv[i], "--list")) {
			list();
			return 0;
		}
		if (!strcmp(argv[i], "--trace")) {
			opt.trace = true;
			continue;
		}
		if (with_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, &opt) < 0)
			return 2;
		i++;
	}
	return run(&opt);
}
