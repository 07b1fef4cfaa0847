/* SPDX-License-Identifier: Apache-2.0 */
/* cli/compare_cmd.c - the options of `weft compare`. */
#include <stdio.h>

#include "bench/compare/compare.h"
#include "bench/compare/table.h"
#include "cli/cli.h"

struct options {
	struct bench_compare_options compare;
	struct cli_rest files;
};

/* "5%" or "5". */
static bool read_percent(const char *value, void *options, weft_str *ret_wrong)
{
	struct bench_compare_options *opt = &((struct options *)options)->compare;
	double percent = 0;
	const char *end;

	(void)ret_wrong;
	if (!cli_read_real(value, &end, &percent) || percent > 1000)
		return false;
	if (*end && (end[0] != '%' || end[1]))
		return false;
	opt->threshold = percent / 100;
	opt->fail_on_regression = true;
	return true;
}

static int wrong(const char *why)
{
	fprintf(stderr, "weft compare: %s\n", why);
	return CLI_USAGE;
}

/* Options that do not go together. */
static int check(const struct options *opt)
{
	const struct bench_compare_options *c = &opt->compare;
	char text[80];

	snprintf(text, sizeof(text), "%u file%s; expected 2 to %u", opt->files.count, opt->files.count == 1 ? "" : "s", BENCH_COMPARE_FILES_MAX);
	if (opt->files.count < (c->merge ? 1 : 2) || opt->files.count > BENCH_COMPARE_FILES_MAX)
		return wrong(text);
	if (c->force && !c->merge)
		return wrong("--force: there is nothing to force; expected --merge beside it");
	if (c->merge && (c->json || c->reference || c->names || c->filter || c->fail_on_regression))
		return wrong("--merge: goes with --force alone");
	return 0;
}

static int compare_run(int argc, char **argv)
{
	struct options opt = { .compare = { .threshold = BENCH_COMPARE_THRESHOLD, .ascii = !bench_table_is_utf8(), .columns = bench_table_columns() } };
	int r = cli_read_options(&cli_compare, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	r = check(&opt);
	if (r != 0)
		return r;
	for (; opt.compare.count < opt.files.count; opt.compare.count++)
		opt.compare.paths[opt.compare.count] = opt.files.list[opt.compare.count];
	return bench_compare_main(&opt.compare, stdout, stderr);
}

#define AT(field) offsetof(struct options, field)

static const struct cli_option options[] = {
	{ "reference", "NAME", "ratios to this file instead of to the fastest", .kind = CLI_TEXT, .at = AT(compare.reference) },
	{ "names", "A,B,..", "names of the files (default: the runtimes; weft#1, weft#2 of several)", .kind = CLI_TEXT,
	  .at = AT(compare.names) },
	{ "filter", "GLOB", "only scenarios whose id matches", .kind = CLI_TEXT, .at = AT(compare.filter) },
	{ "fail-on-regression", "P%", "exit status 1 when a file is surely slower than the reference (the first file, "
	  "unless --reference) by more than that", .kind = CLI_OWN, .read = read_percent, .expected = "percents from 0 to 1000, as 5%" },
	{ "json", NULL, "the report as JSON", .kind = CLI_FLAG, .at = AT(compare.json) },
	{ "ascii", NULL, "boxes of ASCII (default where the locale is not UTF-8)", .kind = CLI_FLAG, .at = AT(compare.ascii) },
	{ "merge", NULL, "runs of one runtime on one machine as one result file, on standard output", .kind = CLI_FLAG,
	  .at = AT(compare.merge) },
	{ "force", NULL, "with --merge: of other versions and machines, too", .kind = CLI_FLAG, .at = AT(compare.force) },
	{ .name = NULL },
};

static const struct cli_operand operands[] = { { "A.json B.json...", .at = AT(files), .many = true }, { .name = NULL } };

const struct cli_command cli_compare = {
	.name = "compare",
	.what = "result files side by side, of any runtime; regressions",
	.intro = "Result files of the bench side by side, whichever runtime wrote them: a box a scenario, a line a file.",
	.outro = "Exit status: 0; 1 for a regression; 2 for a wrong option or result file.",
	.options = options,
	.operands = operands,
	.run = compare_run,
};
