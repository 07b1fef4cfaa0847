/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/program.h - a server that is a program: messages are lines on its stdin and stdout.
 *
 * What it writes to stderr is its log, told line by line as chatter, so many lines a second and no
 * more; the last one is quoted when the program ends without being asked to.
 */
#ifndef WEFT_NET_MCP_PROGRAM_H
#define WEFT_NET_MCP_PROGRAM_H

#include <weft/error.h>

#include "net/mcp/lines.h"
#include "net/mcp/transport.h"
#include "runtime/io/child.h"
#include "runtime/io/loop.h"

#define WEFT__MCP_LAST_WORDS 160u

struct weft__mcp_program_options {
	const char *const *argv; /* as weft__child_options */
	const char *const *envp;
	const char *cwd;
	size_t message_bytes_max;
	uint64_t grace_ns; /* for the program to end by itself once its stdin has ended, and again after SIGTERM */
};

struct weft__mcp_program {
	struct weft__mcp_transport transport; /* first */
	/* private */
	struct weft__loop *loop;
	struct weft__child child;
	struct weft__lines out, err;
	struct weft__alarm alarm;
	struct weft__job job;
	uint64_t grace_ns, window_ns; /* of the lines of stderr */
	uint32_t window_lines, left_out;
	bool closing, lost;              /* asked to end; told */
	bool ended, err_ended, exited, gone; /* stdout, stderr, the program, the child */
	struct weft__child_exit exit;
	char last_words[WEFT__MCP_LAST_WORDS + 1];
};

/*
 * Start the program. transport.heard is set by the owner before. 0, or what weft__child_spawn answers: err says it, and
 * nothing will be told.
 */
int weft__mcp_program_open(struct weft__loop *loop, struct weft__mcp_program *program,
                         const struct weft__mcp_program_options *options, weft_error *err);

#endif
