/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a recording: refused with a reason that names the line, or a whole that can be asked about. What it
 * holds is not run. Oracles: no reason is empty; a run has a line of its own, and a complete one an agent.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/json.h>
#include <weft/record.h>

#include "tests/fuzz/fuzz.h"

/* Each is what it is by its lines, which are JSON: the reader has parsed them. */
static void look_at_steps(weft_replay *replay, uint32_t run, uint32_t count)
{
	weft_replay_step step = { .size = sizeof(step) };

	for (uint32_t i = 0; i < count; i++) {
		weft_json_doc *doc;

		FUZZ_CHECK(weft_replay_step_at(replay, run, i, &step) == 0);
		FUZZ_CHECK((step.kind == WEFT_REPLAY_NOTHING) == (step.began.len_bytes == 0));
		FUZZ_CHECK(!step.ended.len_bytes || step.kind == WEFT_REPLAY_MODEL || step.kind == WEFT_REPLAY_TOOL);
		if (step.began.len_bytes) {
			FUZZ_CHECK(step.line > 1 && weft_json_parse(step.began, &doc, NULL) == 0);
			weft_json_release(doc);
		}
	}
	FUZZ_CHECK(weft_replay_step_at(replay, run, count, &step) == -EINVAL);
}

static void look(weft_replay *replay)
{
	weft_agent_options opt;
	weft_arena *arena;

	FUZZ_CHECK(weft_arena_create(0, &arena) == 0);
	for (uint32_t i = 0; i < weft_replay_run_count(replay); i++) {
		weft_replay_run run = { .size = sizeof(run) };

		if (weft_replay_run_at(replay, i, arena, &run) < 0)
			continue; /* a history that is none: only the run that wants it finds out */
		FUZZ_CHECK(run.line > 1);
		FUZZ_CHECK(run.agent < weft_replay_agent_count(replay) || !run.complete);
		look_at_steps(replay, i, run.steps);
		weft_arena_reset(arena);
	}
	for (uint32_t i = 0; i < weft_replay_agent_count(replay); i++)
		(void)weft_replay_agent_options(replay, i, &opt, NULL);
	weft_arena_destroy(arena);
}

static void try_file(const char *path, bool partial)
{
	weft_replay_options opt = WEFT_REPLAY_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_replay *replay;

	opt.partial = partial;
	if (weft_replay_open(path, &opt, &replay, &err) < 0) {
		FUZZ_CHECK(err.message[0]);
		return;
	}
	look(replay);
	weft_replay_unref(replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("recording", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	try_file(path, false);
	try_file(path, true);
	close(fd);
	return 0;
}
