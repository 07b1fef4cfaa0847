/* SPDX-License-Identifier: Apache-2.0 */
/* cli/doctor_cmd.c - `weft doctor`: is this machine fit to measure on? */
#include <stdio.h>

#include "bench/doctor.h"
#include "cli/cli.h"

struct options {
	bool json;
};

static int print_json(const struct bench_machine *m)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(1, &w);

	if (r < 0)
		return r;
	bench_doctor_write(m, w, true);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		printf("%.*s\n", WEFT_STR_ARG(text));
	weft_json_writer_destroy(w);
	return r;
}

static int doctor_run(int argc, char **argv)
{
	struct options opt = { .json = false };
	struct bench_machine m;
	int r = cli_read_options(&cli_doctor, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	r = bench_doctor(&m, false);
	if (r == 0 && opt.json)
		r = print_json(&m);
	else if (r == 0)
		bench_doctor_show(&m, stdout);
	if (r < 0) {
		fprintf(stderr, "weft doctor: %s\n", weft_strerror(r));
		return 1;
	}
	return m.verdict == BENCH_UNFIT;
}

static const struct cli_option options[] = {
	{ "json", NULL, "the same as one JSON object", .kind = CLI_FLAG, .at = offsetof(struct options, json) },
	{ .name = NULL },
};

const struct cli_command cli_doctor = {
	.name = "doctor",
	.what = "say what on this machine moves measured times, and how to end it",
	.intro = "Say what on this machine moves measured times, and how to end it; and a verdict:\n"
		 "  quiet   fit to measure on\n"
		 "  noisy   figures move from run to run: compare medians and intervals\n"
		 "  unfit   figures say nothing: an unoptimised build, time stolen by neighbours",
	.outro = "Nothing is changed. Exit status: 0 quiet or noisy, 1 unfit, 2 a wrong option.",
	.options = options,
	.run = doctor_run,
};
