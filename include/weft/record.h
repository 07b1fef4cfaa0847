/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/record.h - runs written to a file, and run again from it without models, tools or network.
 *
 * A recorder is given to agent definitions (weft_agent_options.recorder): every exchange of their runs with a model or a
 * tool becomes lines of JSON in one file. A replay is opened from such a file and given to a definition
 * (weft_agent_options.replay), whose models and tools then answer from it. A run that does something else than it
 * did before ends with WEFT_EDIVERGED, and the error names the line of the file and what differs.
 *
 * Source: docs/internals/record.md, docs/guide/replay.md.
 */
#ifndef WEFT_RECORD_H
#define WEFT_RECORD_H

#include <weft/agent.h>
#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/permission.h>

WEFT_BEGIN_DECLS

/* ---- recording ----------------------------------------------------------- */

/**
 * A host's own redaction, after weft's: text is a value that is about to be written, or to be compared with what was.
 * @return the text itself, or another in arena. It must leave alone what it gave before: f(f(x)) = f(x). Threads: any.
 */
typedef weft_str (*weft_redact_fn)(weft_str text, weft_arena *arena, void *user);

typedef struct weft_recorder_options {
	uint32_t size;           /* set by WEFT_RECORDER_OPTIONS_INIT */
	uint32_t line_bytes_max; /* a longer line is replaced by a note, and its run cannot be replayed; 0 = 4 MiB */
	uint64_t buffer_bytes_max; /* of lines that wait to be written: past it lines are lost, and counted; 0 = 64 MiB */
	weft_redact_fn redact;   /* may be NULL */
	void *redact_user;
} weft_recorder_options;

#define WEFT_RECORDER_OPTIONS_INIT                                                                         \
	{                                                                                                  \
		.size = sizeof(weft_recorder_options)                                                      \
	}

/**
 * Create the file, readable by its owner alone. Values that look like keys, passwords and tokens, and the values of
 * environment variables whose names say that they are (..._KEY, _TOKEN, _SECRET, PASSWORD), are written as "[redacted]".
 * Written by a thread of its own; agents only put lines into its buffer. Holds one reference.
 * @param opt  may be NULL
 * @return 0, -EEXIST (a recording is never written over; err says so), -errno, -EINVAL, -ENOMEM
 */
WEFT_API int weft_recorder_open(const char *path, const weft_recorder_options *opt, weft_recorder **ret_recorder,
                                weft_error *err);
WEFT_API weft_recorder *weft_recorder_ref(weft_recorder *recorder);
/** The last one closes the file as weft_recorder_close does, if that was not done. NULL is fine. */
WEFT_API void weft_recorder_unref(weft_recorder *recorder);

/**
 * Write what was recorded, and the last line, and close the file: what runs do from here on is not recorded. For the
 * thread that opened it; waits for the disk. The reference stays.
 * @return 0, -errno of the first write that failed, -EALREADY
 */
WEFT_API int weft_recorder_close(weft_recorder *recorder);

typedef struct weft_recorder_stats {
	uint32_t size; /* sizeof(weft_recorder_stats), set by the caller */
	int32_t status; /* of the writes: 0, or -errno of the first that failed */
	uint64_t runs, exchanges;
	uint64_t lines, bytes; /* put into the buffer */
	uint64_t lines_lost;   /* the buffer was full, or there was no memory */
	uint64_t redactions;
} weft_recorder_stats;
/** @return 0 or -EINVAL. Threads: any. */
WEFT_API int weft_recorder_stats_read(const weft_recorder *recorder, weft_recorder_stats *ret_stats);

/* ---- replaying ------------------------------------------------------------- */

typedef struct weft_replay_options {
	uint32_t size; /* set by WEFT_REPLAY_OPTIONS_INIT */
	bool partial;  /* take a file whose end is missing: runs that did not end in it are left out */
	weft_redact_fn redact; /* the recorder's */
	void *redact_user;
} weft_replay_options;

#define WEFT_REPLAY_OPTIONS_INIT                                                                           \
	{                                                                                                  \
		.size = sizeof(weft_replay_options)                                                        \
	}

/**
 * Read a recording. Holds one reference.
 * @param opt  may be NULL
 * @return 0, -errno, -EINVAL, -ENOMEM, -EFBIG (over 1 GiB), WEFT_EVERSION (another format), WEFT_EPARSE or WEFT_EDAMAGED (err
 *         names file and line)
 */
WEFT_API int weft_replay_open(const char *path, const weft_replay_options *opt, weft_replay **ret_replay, weft_error *err);
WEFT_API weft_replay *weft_replay_ref(weft_replay *replay);
WEFT_API void weft_replay_unref(weft_replay *replay); /* NULL is fine */

/** Handlers of every type that answer from the recording. Borrowed: lives as long as the replay. */
WEFT_API weft_models *weft_replay_models(weft_replay *replay);

/** The agents of a recording: definitions, in the order they were made. */
WEFT_API uint32_t weft_replay_agent_count(const weft_replay *replay);
/**
 * Fill in a definition's options as they were recorded: name, system, policies, models, tools, permissions, character,
 * and replay. What they point to lives as long as the replay. Tools have the names and schemas they had, and answer from
 * the recording; a host's own in their place are not called. Other permissions in place of the recorded ones are: a call of
 * which they say something else is a difference. Nobody is asked again: approvals beside a replay are not used. Runs of the kind MESSAGE want a store beside that, with what it
 * held then: nothing, mostly.
 * @return 0, -EINVAL, -ENOMEM, or what weft_tools_add says
 */
WEFT_API int weft_replay_agent_options(weft_replay *replay, uint32_t agent, weft_agent_options *ret_opt, weft_error *err);

typedef enum weft_replay_kind { WEFT_REPLAY_ASK = 0, WEFT_REPLAY_MESSAGE } weft_replay_kind;

/** A recorded run. Strings live as long as the replay. */
typedef struct weft_replay_run {
	uint32_t size;  /* sizeof(weft_replay_run), set by the caller */
	uint32_t agent; /* index */
	uint64_t id;
	uint32_t line; /* in the file, where it begins */
	weft_replay_kind kind;
	weft_ask ask;           /* ASK: as it was */
	weft_uuid resumes;      /* ASK: not nil: no ask, it went on with this suspended run, by weft_agent_resume */
	weft_incoming incoming; /* MESSAGE: as it was */
	int status;    /* it ended with */
	bool complete; /* its end is in the file, and no line of it was lost or cut */
	bool outside;  /* it was ended from outside: canceled, timed out, superseded, refused */
	weft_str text; /* its answer */
	uint32_t steps;
} weft_replay_run;

WEFT_API uint32_t weft_replay_run_count(const weft_replay *replay);
/** @return 0, -EINVAL, -ENOMEM. The history of an ask lives in arena. */
WEFT_API int weft_replay_run_at(const weft_replay *replay, uint32_t index, weft_arena *arena, weft_replay_run *ret_run);

typedef enum weft_replay_step_kind {
	WEFT_REPLAY_NOTHING = 0, /* it was lost */
	WEFT_REPLAY_MODEL,       /* a question to a model, and its answer */
	WEFT_REPLAY_TOOL,        /* a call, and its result */
	WEFT_REPLAY_DRAW,        /* a value from outside */
	WEFT_REPLAY_PERMIT,      /* what the rules said of a call */
	WEFT_REPLAY_SUSPENDED,   /* the run waits for approvals */
	WEFT_REPLAY_RESUMED      /* it goes on: what was said of its calls, by whom, when */
} weft_replay_step_kind;

/** A step of a recorded run: its lines of the file, as they are (docs/internals/record.md). As long as the replay. */
typedef struct weft_replay_step {
	uint32_t size; /* sizeof(weft_replay_step), set by the caller */
	weft_replay_step_kind kind;
	uint32_t line;  /* in the file, of began */
	weft_str began; /* JSON */
	weft_str ended; /* JSON: of MODEL and TOOL; empty: the run ended before it came back */
} weft_replay_step;

/** Step `step` of run `run`, both from 0, as weft_replay_run_count and weft_replay_run.steps count. @return 0 or -EINVAL */
WEFT_API int weft_replay_step_at(const weft_replay *replay, uint32_t run, uint32_t step, weft_replay_step *ret_step);

typedef struct weft_replay_stats {
	uint32_t size; /* sizeof(weft_replay_stats), set by the caller */
	uint32_t diverged; /* runs */
	uint32_t runs_begun, runs_identical; /* identical: the same exchanges and the same end */
	uint32_t exchanges; /* answered from the recording */
	weft_error first;   /* the first divergence: code WEFT_EDIVERGED, the line, what differs; code 0: none */
} weft_replay_stats;
/** @return 0 or -EINVAL. Threads: any. */
WEFT_API int weft_replay_stats_read(const weft_replay *replay, weft_replay_stats *ret_stats);

WEFT_END_DECLS

#endif
