/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/file.h - a recording as it is read: its lines, and which of them belong together.
 *
 * The file is held as text, with an index over it: runs, and the steps of each with the line that begins it and the
 * one that ends it. A line is parsed when the file is read, to check it, and again when it is needed.
 */
#ifndef WEFT_ACTORS_REPLAY_FILE_H
#define WEFT_ACTORS_REPLAY_FILE_H

#include <weft/json.h>
#include <weft/record.h>

enum weft__step_kind {
	WEFT__STEP_NONE = 0,
	WEFT__STEP_MODEL,
	WEFT__STEP_TOOL,
	WEFT__STEP_DRAW, /* this and what follows are one line each */
	WEFT__STEP_PERMIT,
	WEFT__STEP_SUSPENDED,
	WEFT__STEP_RESUMED
};

struct weft__tape_step {
	uint32_t begin, end; /* lines, from 1; end 0: none */
	uint8_t kind;        /* weft__step_kind */
	bool given_up;       /* the run ended before it came back */
	bool used;           /* of run 0: a replay has answered with it */
};

struct weft__tape_file_run {
	uint64_t id;
	uint32_t agent; /* index */
	uint32_t begin, end; /* lines; end 0: none */
	int status;
	bool damaged; /* a line of it was cut or lost */
	bool unknown; /* it went on with a suspended run: with what, is not in a file of version 1 */
	bool outside; /* it was ended by nothing that a replay could do again: canceled, timed out */
	bool claimed; /* a run of this process replays it */
	weft_hash128 key;
	struct weft__tape_step *steps; /* owned */
	uint32_t step_count, step_cap;
};

struct weft__tape_file {
	char *path; /* owned */
	uint32_t version;
	char *text; /* owned */
	size_t len_bytes;
	size_t *lines; /* owned; where line n + 1 begins; one more behind the last */
	uint32_t line_count;
	struct weft__tape_file_run *runs; /* owned; in the order they began */
	uint32_t run_count;
	uint32_t *run_of_id; /* owned; index + 1; as many as there are lines */
	struct weft__tape_file_run loose; /* run 0 */
	uint32_t *agents; /* owned; their lines */
	uint32_t agent_count;
};

/** @return 0, or as weft_replay_open; fini is fine either way */
int weft__tape_file_read(struct weft__tape_file *f, const char *path, bool partial, weft_error *err);
void weft__tape_file_fini(struct weft__tape_file *f);

/** Line n, from 1, without its newline. As long as the file. */
weft_str weft__tape_file_text(const struct weft__tape_file *f, uint32_t n);
/** Parse line n, from 1: it parsed before. @return 0 or -ENOMEM */
int weft__tape_file_line(const struct weft__tape_file *f, uint32_t n, weft_json_doc **ret_doc);


static inline bool weft__tape_run_is_complete(const struct weft__tape_file_run *run)
{
	return run->end && !run->damaged && !run->unknown;
}

#endif
