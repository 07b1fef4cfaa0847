/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/options.h - a subcommand as a table: what it takes, where that goes, and what is said of it.
 *
 * From the one table come the parser (getopt_long's rules: --name VALUE, --name=VALUE, options and operands in any order,
 * -- ends the options), the text of --help, the sentence about a wrong option, and the completion of `weft completion`.
 */
#ifndef WEFT_CLI_OPTIONS_H
#define WEFT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/base.h>

#define CLI_USAGE 2 /* the exit code of a command line that is not understood */
#define CLI_GO_ON (-1)

enum cli_kind {
	CLI_FLAG, /* bool; no value */
	CLI_TEXT, /* const char *; not empty */
	CLI_FILE, /* the same: a file or folder */
	CLI_WORD, /* the same: one of words */
	CLI_WORDS, /* the same: several of them, between commas */
	CLI_U16,
	CLI_U32,
	CLI_U64,  /* uint16_t, uint32_t, uint64_t; from min to max, max 0: to the end of the type */
	CLI_REAL, /* double, not negative */
	CLI_OWN   /* what read makes of it */
};

struct cli_option {
	const char *name;  /* without its dashes; NULL ends a table */
	const char *value; /* what stands for it in the help: "N"; NULL: a flag */
	const char *help;  /* lines; NULL: not told of */
	enum cli_kind kind;
	size_t at; /* in the command's struct */
	uint64_t min, max;
	const char *const *words; /* WORD, WORDS: all there are; OWN: some that completion offers; ended by NULL */
	/* OWN: false: ret_wrong is the part of the value that it does not take; set to all of it before */
	bool (*read)(const char *value, void *options, weft_str *ret_wrong);
	bool files;           /* OWN: a file is one, too */
	char letter;          /* "-o" is the same; 0: none */
	const char *expected; /* OWN: "shares from 0 to 1, as 429:0.05" */
};

struct cli_operand {
	const char *name; /* as in the help; NULL ends a table */
	size_t at;        /* a const char * in the command's struct; many: a struct cli_rest */
	bool optional;
	bool many; /* this one and all that follow */
	const char *const *words; /* one of these; NULL: a file or folder */
};

struct cli_rest {
	char **list; /* part of argv */
	uint32_t count;
};

struct cli_command {
	const char *name;
	const char *what;  /* it does: for `weft --help` */
	const char *intro; /* of its own help */
	const char *outro; /* the same: at the end; exit codes */
	const struct cli_option *options;   /* NULL: none */
	const struct cli_operand *operands; /* NULL: none */
	int (*run)(int argc, char **argv);  /* argv[0] is its name */
};

/**
 * Read a command line into the command's struct, which holds the defaults. Texts are argv's. What is wrong, and what is
 * expected in its place, is said on standard error; --help is answered.
 * @return CLI_GO_ON, or the exit code to end with
 */
int cli_read_options(const struct cli_command *command, int argc, char **argv, void *options);

/** For CLI_OWN: all of the text is such a number. */
bool cli_read_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/** The same of a real number that is not negative; *ret_end is behind it. */
bool cli_read_real(const char *text, const char **ret_end, double *ret);

/** All commands, in the order of the help; ended by NULL. */
extern const struct cli_command *const cli_commands[];

#endif
