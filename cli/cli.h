/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cli.h - the subcommands of `weft`. Each gets its own arguments, argv[0] being its name. */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

int cli_bench(const char *program, int argc, char **argv);
int cli_sim(int argc, char **argv);
int cli_store(int argc, char **argv);

#endif
