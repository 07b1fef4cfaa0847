/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/exec/exec.h - a tool that runs programs, as its own files see it.
 */
#ifndef WEFT_ACTORS_EXEC_EXEC_H
#define WEFT_ACTORS_EXEC_EXEC_H

#include <weft/exec.h>

#include "runtime/base/refs.h"
#include "sandbox/program.h"

/* Shared by the registry and the calls under way; written by nobody but running and refs. */
struct weft__exec {
	weft__refs refs;
	_Atomic(uint32_t) running; /* programs now; any thread */
	uint32_t concurrent;
	uint8_t kind; /* weft_exec_kind */
	char *python;
	char **programs; /* owned; NULL: any */
	struct weft__walls *walls;
	uint64_t wall_ns, output_bytes_max;
	size_t output_bytes;
};

void weft__exec_unref(struct weft__exec *exec); /* NULL and half-built are fine */

/* The tool's handler; user is the weft__exec. */
int weft__exec_call(weft_tool_call *call, void *user);

#endif
