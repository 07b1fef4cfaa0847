/* SPDX-License-Identifier: Apache-2.0 */
/* cli/main.c - the `weft` command: finds the subcommand. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#include "cli/cli.h"

static void help(FILE *to)
{
	fputs("usage: weft COMMAND [OPTION...]\n"
	      "\n"
	      "  bench      measure agents, actors and the store on this machine\n"
	      "  sim        run actors on a simulated machine, from a seed\n"
	      "  store      look at the folder of a durable store, tidy it, carry it elsewhere\n"
	      "\n"
	      "  --help     this text; `weft COMMAND --help` tells of a command\n"
	      "  --version  the version\n",
	      to);
}

/* The binary itself, for what runs it again. */
static const char *own_path(const char *argv0)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return argv0;
	path[n] = '\0';
	return path;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weft %s\n", weft_version());
		return 0;
	}
#ifdef WEFT_WITH_BENCH
	if (!strcmp(argv[1], "bench"))
		return cli_bench(own_path(argv[0]), argc - 1, argv + 1);
#else
	(void)own_path;
#endif
	if (!strcmp(argv[1], "sim"))
		return cli_sim(argc - 1, argv + 1);
	if (!strcmp(argv[1], "store"))
		return cli_store(argc - 1, argv + 1);
	fprintf(stderr, "weft: unknown command '%s'\n", argv[1]);
	help(stderr);
	return 2;
}
