/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.c - see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define OPTIONS_MAX 40
#define COLUMN_MAX 22 /* where the help's texts begin, at most */
#define WIDTH 80      /* of the help */

/* An option's number for getopt_long: above any character. */
#define FIRST 256
#define HELP (FIRST + OPTIONS_MAX)

/* ---- help -------------------------------------------------------------------------- */

static int width_of(const struct cli_option *o)
{
	return 2 + (int)strlen(o->name) + (o->value ? 1 + (int)strlen(o->value) : 0);
}

/* How much of a text goes on a line with so much room: to its end, or between words. */
static int line_of(const char *text, size_t room)
{
	size_t len = strcspn(text, "\n"), n = room;

	if (len <= room)
		return (int)len;
	while (n > 0 && text[n] != ' ')
		n--;
	return (int)(n > 0 ? n : strcspn(text, " \n")); /* a word that is too long stays one */
}

/* A text whose further lines stand under its first, each within WIDTH. */
static void put_lines(FILE *to, const char *text, int column)
{
	for (;;) {
		int n = line_of(text, (size_t)(WIDTH - column));

		fprintf(to, "%.*s\n", n, text);
		if (!text[n])
			return;
		text += n + 1;
		fprintf(to, "%*s", column, "");
	}
}

static void put_option(FILE *to, const struct cli_option *o, int column)
{
	int gap = column - width_of(o);

	fprintf(to, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	if (gap > 1)
		fprintf(to, "%*s", gap, "");
	else /* a long name has a line of its own */
		fprintf(to, "\n%*s", column + 2, "");
	put_lines(to, o->help, column + 2);
}

static void put_help(FILE *to, const struct cli_command *c)
{
	static const struct cli_option help = { .name = "help", .help = "this text" };
	int column = width_of(&help);

	for (const struct cli_option *o = c->options; o && o->name; o++) {
		int width = width_of(o);

		if (o->help && width > column && width < COLUMN_MAX)
			column = width;
	}
	column += 2;
	fprintf(to, "usage: weft %s [OPTION...]", c->name);
	for (const struct cli_operand *o = c->operands; o && o->name; o++)
		fprintf(to, o->optional ? " [%s]" : " %s", o->name);
	fputs("\n\n", to);
	put_lines(to, c->intro, 0);
	fputc('\n', to);
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		if (o->help)
			put_option(to, o, column);
	}
	put_option(to, &help, column);
	fputc('\n', to);
	put_lines(to, c->outro, 0);
}

/* ---- what is wrong ------------------------------------------------------------------- */

/* Behind it, on the same line, comes what is expected. */
static void begin_wrong(const struct cli_command *c, const char *name, weft_str wrong)
{
	char text[256];

	if (wrong.len_bytes)
		snprintf(text, sizeof(text), "weft %s: %s: '%.*s' is not understood; expected ", c->name, name, WEFT_STR_ARG(wrong));
	else
		snprintf(text, sizeof(text), "weft %s: %s: it is empty; expected ", c->name, name);
	fprintf(stderr, "%.*s", (int)cli_clean(text, strlen(text)), text);
}

static void put_words(const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		fprintf(stderr, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static uint64_t max_of(const struct cli_option *o)
{
	if (o->max)
		return o->max;
	return o->kind == CLI_U16 ? UINT16_MAX : o->kind == CLI_U32 ? UINT32_MAX : UINT64_MAX;
}

static void put_expected(const struct cli_option *o)
{
	switch (o->kind) {
	case CLI_WORD:
	case CLI_WORDS:
		put_words(o->words);
		fputs(o->kind == CLI_WORDS ? ", several between commas" : "", stderr);
		break;
	case CLI_U16:
	case CLI_U32:
	case CLI_U64:
		if (max_of(o) == UINT64_MAX)
			fprintf(stderr, "a number from %" PRIu64 " on", o->min);
		else
			fprintf(stderr, "a number from %" PRIu64 " to %" PRIu64, o->min, max_of(o));
		break;
	case CLI_REAL:
		fputs("a number that is not negative", stderr);
		break;
	case CLI_FILE:
		fputs("the name of a file or folder", stderr);
		break;
	case CLI_OWN:
		fputs(o->expected, stderr);
		break;
	default:
		fputs("a text", stderr);
	}
	fputc('\n', stderr);
}

static int wrong_value(const struct cli_command *c, const struct cli_option *o, weft_str wrong)
{
	char name[64];

	snprintf(name, sizeof(name), "--%s", o->name);
	begin_wrong(c, name, wrong);
	put_expected(o);
	return CLI_USAGE;
}

static int no_value(const struct cli_command *c, const struct cli_option *o)
{
	fprintf(stderr, "weft %s: --%s: no value; expected ", c->name, o->name);
	put_expected(o);
	return CLI_USAGE;
}

static int wrong_word(const struct cli_command *c, const char *what, const char *word)
{
	cli_line(stderr, "weft %s: %s '%s'; `weft %s --help` tells what it takes", c->name, what, word, c->name);
	return CLI_USAGE;
}

/* ---- values ------------------------------------------------------------------------------ */

bool cli_read_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > max)
		return false;
	*ret = n;
	return true;
}

bool cli_read_real(const char *text, const char **ret_end, double *ret)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || !(n >= 0) || !isfinite(n))
		return false;
	*ret = n;
	*ret_end = end;
	return true;
}

static bool is_one_of(const char *const *words, weft_str value)
{
	for (; *words; words++) {
		if (weft_str_eq(weft_str_from(*words), value))
			return true;
	}
	return false;
}

/* *ret_wrong: the first that is none */
static bool are_some_of(const char *const *words, const char *value, weft_str *ret_wrong)
{
	for (;; value++) {
		*ret_wrong = (weft_str){ value, strcspn(value, ",") };
		if (!is_one_of(words, *ret_wrong))
			return false;
		value += ret_wrong->len_bytes;
		if (!*value)
			return true;
	}
}

static bool store_uint(const struct cli_option *o, const char *value, void *to)
{
	uint64_t n;

	if (!cli_read_uint(value, o->min, max_of(o), &n))
		return false;
	if (o->kind == CLI_U16)
		*(uint16_t *)to = (uint16_t)n;
	else if (o->kind == CLI_U32)
		*(uint32_t *)to = (uint32_t)n;
	else
		*(uint64_t *)to = n;
	return true;
}

static bool store_value(const struct cli_option *o, const char *value, void *options, weft_str *ret_wrong)
{
	void *to = (char *)options + o->at;
	const char *end;

	*ret_wrong = weft_str_from(value);
	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)to = true;
		return true;
	case CLI_TEXT:
	case CLI_FILE:
		*(const char **)to = value;
		return *value;
	case CLI_WORD:
		*(const char **)to = value;
		return is_one_of(o->words, *ret_wrong);
	case CLI_WORDS:
		*(const char **)to = value;
		return are_some_of(o->words, value, ret_wrong);
	case CLI_REAL:
		return cli_read_real(value, &end, to) && !*end;
	case CLI_OWN:
		return o->read(value, options, ret_wrong);
	default:
		return store_uint(o, value, to);
	}
}

/* ---- the command line ------------------------------------------------------------------------ */

/* letters: "-x" and "-x VALUE" of those that have one */
static void tables_for_getopt(const struct cli_command *c, struct option *table, char *letters)
{
	int n = 0;

	*letters++ = ':'; /* tell a value that is missing from an unknown option */
	*letters++ = 'h';
	for (; c->options && c->options[n].name && n < OPTIONS_MAX; n++) {
		if (c->options[n].letter)
			*letters++ = c->options[n].letter;
		if (c->options[n].letter && c->options[n].value)
			*letters++ = ':';
		table[n] = (struct option){ c->options[n].name, c->options[n].value ? required_argument : no_argument, NULL, FIRST + n };
	}
	*letters = '\0';
	table[n++] = (struct option){ "help", no_argument, NULL, HELP };
	table[n] = (struct option){ 0 };
}

/* The option that getopt_long gave. */
static const struct cli_option *option_of(const struct cli_command *c, int which)
{
	const struct cli_option *o = c->options;

	if (which >= FIRST)
		return o + (which - FIRST);
	while (o->letter != which)
		o++;
	return o;
}

/* What getopt_long stumbled over. */
static int wrong_option(const struct cli_command *c, char **argv)
{
	char letter[3] = { '-', (char)optopt };

	if (optopt == HELP)
		return wrong_word(c, "--help takes no value:", argv[optind - 1]);
	if (optopt >= FIRST)
		return wrong_word(c, "an option that takes no value has one:", argv[optind - 1]);
	return wrong_word(c, "unknown option", optopt ? letter : argv[optind - 1]);
}

static int read_operands(const struct cli_command *c, int argc, char **argv, void *options)
{
	for (const struct cli_operand *o = c->operands; o && o->name; o++) {
		if (optind == argc && o->optional)
			return CLI_GO_ON;
		if (optind == argc) {
			fprintf(stderr, "weft %s: no %.*s; `weft %s --help` tells what it takes\n", c->name, (int)strcspn(o->name, " "), o->name,
			        c->name);
			return CLI_USAGE;
		}
		if (o->words ? !is_one_of(o->words, weft_str_from(argv[optind])) : !*argv[optind]) {
			struct cli_option shown = { .name = o->name, .kind = o->words ? CLI_WORD : CLI_FILE, .words = o->words };

			begin_wrong(c, o->name, weft_str_from(argv[optind]));
			put_expected(&shown);
			return CLI_USAGE;
		}
		if (o->many) {
			*(struct cli_rest *)((char *)options + o->at) = (struct cli_rest){ argv + optind, (uint32_t)(argc - optind) };
			return CLI_GO_ON;
		}
		*(const char **)((char *)options + o->at) = argv[optind++];
	}
	return optind < argc ? wrong_word(c, "one too many:", argv[optind]) : CLI_GO_ON;
}

int cli_read_options(const struct cli_command *c, int argc, char **argv, void *options)
{
	struct option table[OPTIONS_MAX + 2];
	char letters[3 + 2 * OPTIONS_MAX];
	int which;

	tables_for_getopt(c, table, letters);
	opterr = 0;
	optind = 0; /* begin anew */
	while ((which = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		const struct cli_option *o;
		weft_str wrong;

		if (which == 'h' || which == HELP) {
			put_help(stdout, c);
			return 0;
		}
		if (which == '?')
			return wrong_option(c, argv);
		if (which == ':')
			return no_value(c, option_of(c, optopt));
		o = option_of(c, which);
		if (!store_value(o, optarg, options, &wrong))
			return wrong_value(c, o, wrong);
	}
	return read_operands(c, argc, argv, options);
}
