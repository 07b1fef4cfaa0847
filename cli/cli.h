/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cli.h - the subcommands of `weft`, and what they share. */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include <stddef.h>
#include <stdio.h>

#include <weft/base.h>
#include <weft/runtime.h>

#include "cli/options.h"

extern const struct cli_command cli_bench, cli_chat, cli_compare, cli_completion, cli_doctor, cli_mock_llm, cli_plan, cli_replay, cli_report,
	cli_sim, cli_store;

/* The binary itself, for what runs it again. */
const char *cli_own_path(void);

/*
 * Take out of a text what moves a terminal's cursor or turns the order of its text (control characters up to U+009F,
 * bidirectional ones), in place; '\n', '\t' and '\r' become spaces. Returns how many bytes are left; no NUL is added.
 */
size_t cli_clean(char *text, size_t len_bytes);

/** A runtime that runs; 0 workers: one a core. @return 0 or a negative error; *ret_rt may be set then, to be destroyed */
int cli_start_runtime(uint32_t workers, weft_runtime **ret_rt);

/** Whether a file can be written there, as far as can be told without making it. @return 0 or a negative error */
int cli_can_write(const char *path);

/** One line, cleaned, and cut after 1023 bytes: what stands in it may come from anywhere. */
void cli_line(FILE *to, const char *fmt, ...) WEFT_PRINTF(2, 3);

#endif
