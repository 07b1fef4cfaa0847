/* SPDX-License-Identifier: Apache-2.0 */
/* cli/main.c - the `weft` command: finds the subcommand. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/weft.h>

#include "cli/cli.h"

const struct cli_command *const cli_commands[] = {
#ifdef WEFT_WITH_BENCH
	&cli_bench,
#endif
	&cli_chat,
#ifdef WEFT_WITH_BENCH
	&cli_compare,
#endif
	&cli_completion,
#ifdef WEFT_WITH_BENCH
	&cli_doctor,
#endif
	&cli_mock_llm,
#ifdef WEFT_WITH_BENCH
	&cli_plan,
#endif
	&cli_replay,
#ifdef WEFT_WITH_BENCH
	&cli_report,
#endif
	&cli_sim,
	&cli_store,
	NULL,
};

static const char *called; /* argv[0] */

static void help(FILE *to)
{
	fputs("usage: weft COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; cli_commands[i]; i++)
		fprintf(to, "  %-10s  %s\n", cli_commands[i]->name, cli_commands[i]->what);
	fputs("\n"
	      "  --help      this text; `weft COMMAND --help` tells of a command\n"
	      "  --version   the version\n",
	      to);
}

const char *cli_own_path(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return called;
	path[n] = '\0';
	return path;
}

int cli_can_write(const char *path)
{
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? -EISDIR : access(path, W_OK) < 0 ? -errno : 0;
	if (errno != ENOENT)
		return -errno;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
	return access(folder, W_OK | X_OK) < 0 ? -errno : 0;
}

int cli_start_runtime(uint32_t workers, weft_runtime **ret_rt)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	int r;

	opt.workers = workers;
	r = weft_runtime_create(&opt, ret_rt);
	return r < 0 ? r : weft_runtime_start(*ret_rt);
}

/* What was printed and did not arrive has failed: a disk that is full, a descriptor that is closed. */
static int after_output(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "weft: cannot write the output%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
	return status ? status : 1;
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc > 2) { /* weft help COMMAND is weft COMMAND --help */
		static char option[] = "--help";

		argv[1] = argv[2];
		argv[2] = option;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weft %s\n", weft_version());
		return 0;
	}
	for (size_t i = 0; cli_commands[i]; i++) {
		if (!strcmp(argv[1], cli_commands[i]->name))
			return cli_commands[i]->run(argc - 1, argv + 1);
	}
	cli_line(stderr, "weft: unknown command '%s'; `weft --help` lists them", argv[1]);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	called = argv[0];
	return after_output(run(argc, argv));
}
