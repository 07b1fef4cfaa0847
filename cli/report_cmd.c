/* SPDX-License-Identifier: Apache-2.0 */
/* cli/report_cmd.c - `weft report`: result files as one HTML page. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/page/page.h"
#include "cli/cli.h"

struct options {
	const char *out, *history;
	struct cli_rest files; /* the first is the run */
	bool keep;
};

struct inputs { /* all owned */
	struct bench_results **given; /* the run, and the others in the order of the command line */
	uint32_t given_count;
	struct bench_results **kept; /* from the history's folder */
	int kept_count;
};

static int load(const struct options *opt, struct inputs *in)
{
	weft_error err = { 0 };
	uint32_t bad = 0;

	for (; in->given_count < opt->files.count; in->given_count++) {
		if (bench_results_load(opt->files.list[in->given_count], &in->given[in->given_count], &err) < 0) {
			fprintf(stderr, "weft report: %s\n", err.message);
			return 2;
		}
	}
	if (!opt->history)
		return 0;
	if (!opt->keep && access(opt->history, R_OK) < 0) { /* --keep makes it */
		fprintf(stderr, "weft report: --history: %s: %s\n", opt->history, strerror(errno));
		return 2;
	}
	in->kept_count = bench_kept_load(opt->history, in->given[0], &in->kept, &bad);
	if (in->kept_count < 0) {
		fprintf(stderr, "weft report: %s: %s\n", opt->history, weft_strerror(in->kept_count));
		in->kept_count = 0;
		return 2;
	}
	if (bad)
		fprintf(stderr, "weft report: %u files in %s are no results; left out\n", bad, opt->history);
	return 0;
}

static void unload(struct inputs *in)
{
	for (uint32_t i = 0; i < in->given_count; i++)
		bench_results_free(in->given[i]);
	free(in->given);
	bench_kept_free(in->kept, in->kept_count);
}

static int by_time(const void *a, const void *b)
{
	const struct bench_results *const *x = a, *const *y = b;

	return ((*x)->timestamp_s > (*y)->timestamp_s) - ((*x)->timestamp_s < (*y)->timestamp_s);
}

/* Which of the others are earlier runs, and which are peers; lists is as long as all of them, twice. */
static struct bench_page arrange(const struct inputs *in, const struct bench_results **lists)
{
	struct bench_page page = { .run = in->given[0], .earlier = lists, .peers = lists + in->given_count + (uint32_t)in->kept_count };
	const struct bench_results **peers = lists + in->given_count + (uint32_t)in->kept_count;

	for (int i = 0; i < in->kept_count; i++)
		lists[page.earlier_count++] = in->kept[i];
	for (uint32_t i = 1; i < in->given_count; i++) {
		if (!strcmp(in->given[i]->runtime, page.run->runtime))
			lists[page.earlier_count++] = in->given[i];
		else
			peers[page.peer_count++] = in->given[i];
	}
	qsort(lists, page.earlier_count, sizeof(*lists), by_time);
	return page;
}

/* RUN.json -> RUN.html; owned by the caller. */
static char *page_path(const struct options *opt)
{
	const char *from = opt->out ? opt->out : opt->files.list[0];
	size_t n = strlen(from);
	char *path = malloc(n + 6);

	if (!path)
		return NULL;
	memcpy(path, from, n + 1);
	if (opt->out)
		return path;
	if (n > 5 && !strcmp(from + n - 5, ".json"))
		n -= 5;
	memcpy(path + n, ".html", 6);
	return path;
}

static int write_page(const struct options *opt, const struct bench_page *page)
{
	char *path = page_path(opt);
	bool out = path && !strcmp(path, "-");
	FILE *to = out ? stdout : path ? fopen(path, "we") : NULL;
	int r = to ? bench_page_write(to, page) : path ? -errno : -ENOMEM;

	if (to && !out && fclose(to) != 0 && r == 0)
		r = -errno;
	if (r < 0)
		fprintf(stderr, "weft report: %s: %s\n", path ? path : "", weft_strerror(r));
	else if (!out)
		printf("report: %s\n", path);
	free(path);
	return r < 0;
}

static int make_page(const struct options *opt)
{
	struct inputs in = { .given = calloc(opt->files.count, sizeof(*in.given)) };
	const struct bench_results **lists = NULL;
	weft_error err = { 0 };
	struct bench_page page;
	int r = in.given ? load(opt, &in) : 1;

	if (r == 0) {
		lists = calloc(2 * (in.given_count + (size_t)in.kept_count), sizeof(*lists));
		r = !lists;
	}
	if (r == 0) {
		page = arrange(&in, lists);
		r = write_page(opt, &page);
	}
	if (r == 0 && opt->keep && bench_keep(opt->files.list[0], opt->history, &err) < 0) {
		fprintf(stderr, "weft report: %s\n", err.message);
		r = 1;
	}
	free(lists);
	unload(&in);
	return r;
}

static int report_run(int argc, char **argv)
{
	struct options opt = { .out = NULL };
	int r = cli_read_options(&cli_report, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	if (opt.keep && !opt.history) {
		fputs("weft report: --keep: there is no history; expected --history FOLDER beside it\n", stderr);
		return CLI_USAGE;
	}
	return make_page(&opt);
}

#define AT(field) offsetof(struct options, field)

static const struct cli_option options[] = {
	{ "out", "FILE", "where the page goes, also -o (default: RUN.html beside RUN.json); - is standard output", .kind = CLI_FILE,
	  .at = AT(out), .letter = 'o' },
	{ "history", "FOLDER", "earlier results are there; those of this runtime and machine make the trend", .kind = CLI_FILE,
	  .at = AT(history) },
	{ "keep", NULL, "put RUN.json into the history, without its raw values", .kind = CLI_FLAG, .at = AT(keep) },
	{ .name = NULL },
};

static const struct cli_operand operands[] = { { "RUN.json [OTHER.json...]", .at = AT(files), .many = true }, { .name = NULL } };

const struct cli_command cli_report = {
	.name = "report",
	.what = "results of the bench as one HTML page",
	.intro = "One HTML page of a result: it needs nothing from anywhere. OTHER is a result of another runtime, which is "
		 "shown beside it, or an earlier one of the same, which is part of the trend.",
	.outro = "Exit status: 0; 1 when the page could not be written; 2 for a wrong option or a file that is no result.",
	.options = options,
	.operands = operands,
	.run = report_run,
};
