/* SPDX-License-Identifier: Apache-2.0 */
/* cli/bench_cmd.c - the options of `weft bench`. Anything it does not know is an error that names it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "cli/cli.h"

static void help(FILE *to)
{
	fputs("usage: weft bench [OPTION...]\n"
	      "\n"
	      "  --suite NAME      scenarios (default), micro, actors, memory or all\n"
	      "  --filter GLOB     only entries whose id matches\n"
	      "  --iterations N    measured iterations an entry (default 10, or the entry's own)\n"
	      "  --warmup N        iterations before them (default 3, or the entry's own)\n"
	      "  --workers N       workers of each runtime (default: one a core)\n"
	      "  --events on|off   with or without a subscriber to the agents' events\n"
	      "  --times on|off    with or without stage times in the results (default on)\n"
	      "  --scenarios FILE  another scenario file\n"
	      "  --data FOLDER     sets of vectors for suite memory (default $WEFT_DATA, or tests/data)\n"
	      "  --json FILE       write the results\n"
	      "  --quick           fewer and shorter iterations\n"
	      "  --sweep           suite actors or memory with 1 worker, 2, .. one a core (or --workers)\n"
	      "  --list            say what would run\n"
	      "\n"
	      "Exit status: 0; 1 when an entry failed; 2 for a wrong option or scenario file.\n",
	      to);
}

static int wrong(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "weft bench: %s %s: %s\n", option, value ? value : "", why);
	return -1;
}

static int count(const char *option, const char *value, uint32_t min, uint32_t max, uint32_t *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = value && value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10) : (end = "?", 0);
	if (*end || errno || n < min || n > max) {
		fprintf(stderr, "weft bench: %s: '%s' is not a number from %u to %u\n", option, value ? value : "", min, max);
		return -1;
	}
	*ret = (uint32_t)n;
	return 0;
}

static int suite(const char *value, struct bench_options *opt)
{
	if (strcmp(value, "scenarios") != 0 && strcmp(value, "micro") != 0 && strcmp(value, "actors") != 0 &&
	    strcmp(value, "memory") != 0 && strcmp(value, "all") != 0)
		return wrong("--suite", value, "not scenarios, micro, actors, memory or all");
	opt->suite = value;
	return 0;
}

static int on_off(const char *name, const char *value, int *ret)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return wrong(name, value, "not on or off");
	*ret = !strcmp(value, "on");
	return 0;
}

/* An option with a value. 1: not one of those. */
static int with_value(const char *name, const char *value, struct bench_options *opt)
{
	static const char *const names[] = { "--suite",   "--filter",    "--iterations", "--warmup", "--workers",
		                             "--events", "--scenarios", "--json",       "--times",  "--data",
		                             "--child" };
	size_t which = 0;

	while (which < sizeof(names) / sizeof(names[0]) && strcmp(name, names[which]) != 0)
		which++;
	if (which == sizeof(names) / sizeof(names[0]))
		return 1;
	if (!value)
		return wrong(name, NULL, "needs a value");
	switch (which) {
	case 0:
		return suite(value, opt);
	case 1:
		opt->filter = value;
		return 0;
	case 2:
		return count(name, value, 1, BENCH_ITERATIONS_MAX, &opt->iterations);
	case 3:
		opt->warmup_set = true;
		return count(name, value, 0, BENCH_ITERATIONS_MAX, &opt->warmup);
	case 4:
		return count(name, value, 1, 256, &opt->workers);
	case 5:
		return on_off(name, value, &opt->events);
	case 6:
		opt->scenarios_path = value;
		return 0;
	case 7:
		opt->json_path = value;
		return 0;
	case 8:
		return on_off(name, value, &opt->times);
	case 9:
		opt->data = value;
		return 0;
	default:
		opt->child = value;
		opt->suite = "all";
		return 0;
	}
}

int cli_bench(const char *program, int argc, char **argv)
{
	struct bench_options opt = { .suite = "scenarios", .program = program, .events = -1, .times = 1 };

	for (int i = 1; i < argc; i++) {
		int r;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			help(stdout);
			return 0;
		}
		if (!strcmp(argv[i], "--quick")) {
			opt.quick = true;
			continue;
		}
		if (!strcmp(argv[i], "--sweep")) {
			opt.sweep = true;
			if (!strcmp(opt.suite, "scenarios"))
				opt.suite = "actors";
			continue;
		}
		if (!strcmp(argv[i], "--list")) {
			opt.list = true;
			continue;
		}
		r = with_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, &opt);
		if (r < 0)
			return 2;
		if (r > 0) {
			fprintf(stderr, "weft bench: unknown option '%s'\n", argv[i]);
			return 2;
		}
		i++;
	}
	return bench_main(&opt);
}
