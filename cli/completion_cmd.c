/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/completion_cmd.c - `weft completion bash`: a shell's completion of this command, made from its tables.
 *
 * What is printed is one function with a case for each command: the names of its options, the words that a value or
 * operand may be, and files where a file is wanted.
 */
#include <stdio.h>

#include "cli/cli.h"

struct options {
	const char *shell;
};

static void put_words(const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		printf("%s%s", i ? " " : "", words[i]);
}

static void put_option_names(const struct cli_command *c)
{
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		if (o->help)
			printf("--%s ", o->name);
	}
	fputs("--help", stdout);
}

/* What may stand behind an option that takes a value: nothing where that is a number or a text of one's own. */
static void put_values(const struct cli_command *c)
{
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		if (!o->help || !o->value)
			continue;
		printf("\t\t\t--%s) ", o->name);
		if (o->words) {
			fputs("words=\"", stdout);
			put_words(o->words);
			fputs("\" ", stdout);
		}
		if (o->kind == CLI_FILE || o->files)
			fputs("files=1 ", stdout);
		puts(o->words || o->kind == CLI_FILE || o->files ? ";;" : "return ;;");
	}
}

static void put_command(const struct cli_command *c)
{
	printf("\t\t%s)\n\t\t\toptions=\"", c->name);
	put_option_names(c);
	fputs("\"\n\t\t\tcase $previous in\n", stdout);
	put_values(c);
	fputs("\t\t\t*) words=\"", stdout);
	for (const struct cli_operand *o = c->operands; o && o->name; o++) {
		if (o->words)
			put_words(o->words);
	}
	printf("\" files=%d ;;\n\t\t\tesac ;;\n", c->operands != NULL);
}

static void put_bash(void)
{
	fputs("# bash completion of weft: made by `weft completion bash`\n"
	      "_weft()\n{\n"
	      "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options= words= files=0\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\toptions=\"--help --version\" words=\"",
	      stdout);
	for (size_t i = 0; cli_commands[i]; i++)
		printf("%s%s", i ? " " : "", cli_commands[i]->name);
	fputs("\"\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n", stdout);
	for (size_t i = 0; cli_commands[i]; i++)
		put_command(cli_commands[i]);
	fputs("\t\t*) return ;;\n\t\tesac\n\tfi\n"
	      "\tcase $current in\n"
	      "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
	      "\t*) [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	      "\t\t[ \"$files\" -eq 0 ] || COMPREPLY+=($(compgen -f -- \"$current\")) ;;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -o filenames -F _weft weft\n",
	      stdout);
}

static int completion_run(int argc, char **argv)
{
	struct options opt = { .shell = NULL };
	int r = cli_read_options(&cli_completion, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	put_bash();
	return 0;
}

static const char *const shells[] = { "bash", NULL };

static const struct cli_operand operands[] = { { "SHELL", .at = offsetof(struct options, shell), .words = shells }, { .name = NULL } };

const struct cli_command cli_completion = {
	.name = "completion",
	.what = "print the completion of this command for a shell",
	.intro = "Print what completes this command's words in a shell. SHELL is bash: `. <(weft completion bash)`",
	.outro = "Exit status: 0; 2 for a wrong option.",
	.operands = operands,
	.run = completion_run,
};
