/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/exec.h - programs as tools: a shell, Python, or any program, behind walls.
 *
 * A program that a model wrote runs in a sandbox of bubblewrap and seccomp: a read-only /usr, a /tmp of its
 * own, no network, no capability, no other process in sight, no environment of the host's, and limits on time,
 * memory, processes, files and output. Where no sandbox can be made, adding the tool fails; it runs without
 * one only when the options say so by name.
 *
 * The model gets {"exit_code", "stdout", "stderr"}, whatever the exit code, with "ended" when the program was
 * stopped, and is told how much was left out of the middle of a long output. Output comes as progress
 * (weft_tool_progress) while it runs. A run that is canceled kills its programs.
 *
 * How each wall is made and what it does not hold back: docs/internals/sandbox.md. Guide: docs/guide/tools.md.
 */
#ifndef WEFT_EXEC_H
#define WEFT_EXEC_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/tool.h>

WEFT_BEGIN_DECLS

typedef enum weft_exec_kind {
	WEFT_EXEC_SHELL = 0, /* {"command"}: run by /bin/sh */
	WEFT_EXEC_PYTHON,    /* {"code"}: run by Python */
	WEFT_EXEC_PROGRAM    /* {"argv": [...]}: no shell in between */
} weft_exec_kind; /* each of them also takes "stdin" and "timeout_s" */

/** A file or folder of the host's that the program sees. */
typedef struct weft_exec_bind {
	const char *from; /* absolute */
	const char *to;   /* absolute, inside; NULL: the same */
	bool writable;
} weft_exec_bind;

typedef struct weft_exec_options {
	uint32_t size; /* set by WEFT_EXEC_OPTIONS_INIT */
	uint8_t kind;  /* weft_exec_kind */
	bool unsandboxed;         /* no walls: the program may do what the host's user may */
	bool network;             /* the host's network */
	bool workspace_read_only;
	const char *name;        /* NULL: "shell", "python", "exec" */
	const char *description; /* for the model; NULL: a plain one */
	const char *workspace;   /* absolute; the program's folder, inside /workspace; NULL: it starts in its /tmp */
	const weft_exec_bind *binds;
	uint32_t bind_count;
	uint32_t processes;          /* inside, at one time; 0 = 64; not without walls */
	const char *const *env;      /* "NAME=value", NULL at the end: all it gets beside PATH, HOME, LANG, TERM, TMPDIR */
	const char *const *programs; /* WEFT_EXEC_PROGRAM: only these, by argv[0], NULL at the end; NULL: any */
	const char *python;          /* path inside; NULL: /usr/bin/python3 */
	const char *bwrap;           /* path; NULL: where it usually is */
	uint64_t wall_ns;            /* the longest run; 0 = 60 s. timeout_s of a call may shorten it */
	uint64_t cpu_seconds;        /* of each process; 0 = 60 */
	uint64_t memory_bytes;       /* address space of each process; 0 = 1 GiB, at most 1 PiB */
	uint64_t file_bytes;         /* the largest file; 0 = 256 MiB */
	uint64_t tmp_bytes;          /* all of /tmp, and of /dev/shm; they are memory; 0 = 64 MiB, at most 1 PiB */
	uint64_t output_bytes;       /* kept of stdout, and of stderr; 0 = 32 KiB */
	uint64_t output_bytes_max;   /* of both; a program that prints more is killed; 0 = 64 MiB */
	/**
	 * Path of a control group (version 2) that is delegated to this process and has no process in it; each run gets a group below
	 * it, which goes with it, or with the next run after a crash. It bounds all processes of a run together: in bytes of memory
	 * (memory.max: memory_bytes + 2 * tmp_bytes, no swap; past it all are killed), in number (pids.max: processes + 4, which are the
	 * sandbox's own; threads count) and, with cpu_percent, in time (cpu.max). Where a bound cannot be set, adding the tool fails:
	 * -ENOENT, -ENOTDIR (no group of version 2), -EACCES, -EROFS, -EBUSY, -EOPNOTSUPP (a controller is not delegated).
	 * NULL: no group; the bounds above are each process's, as they say. Nothing is looked for by itself.
	 */
	const char *cgroup;
	uint32_t cpu_percent;        /* of one core, in each 100 ms; 200: two cores. 0: no bound. -EINVAL without cgroup */
	uint32_t concurrent;         /* programs of this tool at one time; a call beyond fails; 0 = 16 */
	uint32_t uid, gid;           /* a host that is root runs programs as this user; 0 = 65534 */
} weft_exec_options;

#define WEFT_EXEC_OPTIONS_INIT                                                                             \
	{                                                                                                  \
		.size = sizeof(weft_exec_options)                                                          \
	}

/**
 * Add a tool that runs programs. A trial program is run, some 10 ms: call it where you set up, not on a worker.
 * Options are copied.
 *
 * @return 0; -ENOENT (no bubblewrap, no workspace), -EPERM (no sandbox can be made here), -ENOSYS (built without
 *         libseccomp, or the machine is simulated), -EINVAL, -ENOTDIR, -ENOMEM, what cgroup says, or as weft_tools_add; err
 *         says what is missing and what to do
 */
WEFT_API int weft_tools_add_exec(weft_tools *tools, const weft_exec_options *opt, weft_error *err);

/**
 * The same from configuration, a JSON object: "kind" ("shell", "python", "program"), and the options above
 * by name, with binds as [{"from", "to", "writable"}], env as {"NAME": "value"}, programs as a list, wall_s for wall_ns.
 * An unknown key is an error. @return also WEFT_EPARSE, WEFT_ECONFIG
 */
WEFT_API int weft_tools_add_exec_json(weft_tools *tools, weft_str json, weft_error *err);

WEFT_END_DECLS

#endif
