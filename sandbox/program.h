/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/program.h - one run of a program, bounded in time, input and output, on one loop.
 *
 *     start --0--> output ... output --> done (once, inside a wait)
 *        \--negative: nothing comes
 *
 * The loop's thread only, as child.h. done gives the program back to its owner, who looks at
 * the result and calls weft__program_fini.
 */
#ifndef WEFT_SANDBOX_PROGRAM_H
#define WEFT_SANDBOX_PROGRAM_H

#include "runtime/io/child.h"
#include "sandbox/capture.h"
#include "sandbox/walls.h"

enum weft__program_end {
	WEFT__PROGRAM_EXITED = 0,
	WEFT__PROGRAM_TIMED_OUT,  /* ended at wall_ns */
	WEFT__PROGRAM_TALKED_OUT, /* ended at output_bytes_max */
	WEFT__PROGRAM_CANCELED,
	WEFT__PROGRAM_NO_MEMORY,  /* all of it together wanted more than its cgroup has */
};

struct weft__program_options {
	const struct weft__walls *walls; /* outlives the run */
	const char *const *argv;         /* used up before start returns */
	const void *in; /* its stdin; copied */
	size_t in_len;
	uint64_t wall_ns;          /* SIGTERM then; 0: no limit */
	uint64_t grace_ns;         /* SIGKILL so much later */
	size_t keep_bytes;         /* of stdout, and of stderr */
	uint64_t output_bytes_max; /* of both together; past it the program is killed. 0: no limit */
};

/* Embedded by its owner, who sets output (may be NULL), done and user. */
struct weft__program {
	void (*output)(struct weft__program *p, int which, const uint8_t *bytes, size_t len);
	void (*done)(struct weft__program *p);
	void *user;

	/* the result, from done on */
	enum weft__program_end end;
	struct weft__child_exit exit;
	struct weft__capture kept[2]; /* stdout, stderr */
	uint64_t wall_ns;             /* it took */

	/* private */
	struct weft__child child;
	struct weft__loop *loop;
	const struct weft__walls *walls;
	struct weft__cgroup_run run;
	struct weft__alarm wall;
	uint64_t started_ns, grace_ns, output_bytes_max, output_bytes;
	bool late; /* wall_ns is over, and the loop has one more look */
};

/* 0, or as weft__walls_plan and weft__child_spawn; then p is the caller's, and there is nothing to fini. */
int weft__program_start(struct weft__loop *loop, struct weft__program *p, const struct weft__program_options *options);

/* done still comes, soon. Fine when it came. */
void weft__program_cancel(struct weft__program *p);

void weft__program_fini(struct weft__program *p);

#endif
