/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/replay/look.c - `weft replay --look`: a line for each run, and one for each of its steps: what was asked of models
 * and tools, what the rules said of a call, who was asked, who answered what, and when.
 */
#include "cli/replay/look.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <weft/json.h>
#include <weft/uuid.h>

#include "cli/cli.h"

#define SHOWN 60 /* bytes of a text */
#define LABEL "    %4u  %-7s "

static weft_str str_of(weft_json object, const char *key)
{
	weft_str text = { 0 };

	(void)weft_json_get_str(weft_json_find(object, weft_str_from(key)), &text);
	return text;
}

/* The beginning of a text, not ending inside a character, and whether there is more. For "%.*s%s". */
#define SHORT(s) short_len(s), (s).ptr ? (s).ptr : "", (s).len_bytes > SHOWN ? "..." : ""

static int short_len(weft_str s)
{
	size_t n = s.len_bytes;

	if (n > SHOWN) {
		for (n = SHOWN; n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80;)
			n--;
	}
	return (int)n;
}

struct when {
	char text[32];
};

static struct when when(weft_json object, const char *key)
{
	struct when w = { "an unknown time" };
	int64_t ms = 0;
	struct tm tm;
	time_t s;

	if (weft_json_get_int(weft_json_find(object, weft_str_from(key)), &ms) && ms > 0) {
		s = (time_t)(ms / 1000);
		if (gmtime_r(&s, &tm))
			strftime(w.text, sizeof(w.text), "%Y-%m-%d %H:%M:%SZ", &tm);
	}
	return w;
}

/* ---- steps ----------------------------------------------------------------------- */

static void look_failed(weft_json ended)
{
	weft_str why = str_of(ended, "why");

	cli_line(stdout, "          %.*s%s%.*s%s", WEFT_STR_ARG(str_of(ended, "error")), why.len_bytes ? ": " : "", SHORT(why));
}

static bool has_failed(weft_json ended)
{
	return str_of(ended, "error").len_bytes > 0;
}

static void look_model(uint32_t number, weft_json ended)
{
	weft_json calls = weft_json_find(ended, WEFT_STR("tool_calls"));
	weft_json_iter it = weft_json_iter_begin(calls);
	weft_str text = str_of(ended, "text");

	if (weft_json_typeof(ended) == WEFT_JSON_NONE)
		cli_line(stdout, LABEL "no answer: the run ended before", number, "model");
	else
		cli_line(stdout, LABEL "%.*s%s", number, "model", SHORT(text));
	while (weft_json_iter_next(&it)) {
		weft_str name = str_of(it.value, "name"), arguments = str_of(it.value, "arguments");

		cli_line(stdout, "                  calls %.*s %.*s%s", WEFT_STR_ARG(name), SHORT(arguments));
	}
}

static void look_tool(uint32_t number, weft_json began, weft_json ended)
{
	weft_str name = str_of(began, "name"), arguments = str_of(began, "arguments"), text = str_of(ended, "text");

	if (weft_json_typeof(ended) == WEFT_JSON_NONE)
		text = WEFT_STR("nothing: the run ended before");
	if (arguments.len_bytes + text.len_bytes <= SHOWN) {
		cli_line(stdout, LABEL "%.*s %.*s -> %.*s", number, "tool", WEFT_STR_ARG(name), WEFT_STR_ARG(arguments), WEFT_STR_ARG(text));
		return;
	}
	cli_line(stdout, LABEL "%.*s %.*s%s", number, "tool", WEFT_STR_ARG(name), SHORT(arguments));
	cli_line(stdout, "              -> %.*s%s", SHORT(text));
}

static void look_draw(uint32_t number, weft_json began)
{
	int64_t value = 0;

	(void)weft_json_get_int(weft_json_find(began, WEFT_STR("value")), &value);
	cli_line(stdout, LABEL "%.*s %lld", number, "draw", WEFT_STR_ARG(str_of(began, "what")), (long long)value);
}

static void look_permit(uint32_t number, weft_json began)
{
	weft_str name = str_of(began, "name"), arguments = str_of(began, "arguments"), why = str_of(began, "why");

	cli_line(stdout, LABEL "%.*s %.*s%s: %.*s by rule '%.*s'%s%.*s%s", number, "permit", WEFT_STR_ARG(name), SHORT(arguments),
	         WEFT_STR_ARG(str_of(began, "permit")), WEFT_STR_ARG(str_of(began, "rule")), why.len_bytes ? ": " : "", SHORT(why));
}

static void look_asked(uint32_t number, weft_json suspended)
{
	weft_json_iter it = weft_json_iter_begin(weft_json_find(suspended, WEFT_STR("approvals")));

	if (weft_json_typeof(suspended) == WEFT_JSON_NONE) {
		cli_line(stdout, LABEL "not: it could not be kept", number, "waits");
		return;
	}
	cli_line(stdout, LABEL "since %s, as run %.*s", number, "waits", when(suspended, "asked_ms").text,
	         WEFT_STR_ARG(str_of(suspended, "run")));
	while (weft_json_iter_next(&it)) {
		weft_str tool = str_of(it.value, "tool"), arguments = str_of(it.value, "arguments");

		cli_line(stdout, "                  for approval of %.*s %.*s%s", WEFT_STR_ARG(tool), SHORT(arguments));
	}
}

static void look_answer(weft_json approval)
{
	weft_str by = str_of(approval, "by"), reason = str_of(approval, "reason"), now = str_of(approval, "arguments_now");
	weft_str tool = str_of(approval, "tool"), state = str_of(approval, "state");
	bool expired = weft_str_eq(state, WEFT_STR("expired"));

	cli_line(stdout, "                  %.*s: %.*s%s%.*s%s%s%s%.*s%s%s%.*s%s", WEFT_STR_ARG(tool), WEFT_STR_ARG(state),
	         by.len_bytes ? " by " : "", WEFT_STR_ARG(by), expired ? "" : " at ", expired ? "" : when(approval, "answered_ms").text,
	         reason.len_bytes ? ": " : "", SHORT(reason), now.len_bytes ? ", with " : "", SHORT(now));
}

static void look_answers(uint32_t number, weft_json suspended)
{
	weft_json_iter it = weft_json_iter_begin(weft_json_find(suspended, WEFT_STR("approvals")));

	if (weft_json_typeof(suspended) == WEFT_JSON_NONE) {
		cli_line(stdout, LABEL "nothing", number, "resumes");
		return;
	}
	cli_line(stdout, LABEL "run %.*s, asked %s", number, "resumes", WEFT_STR_ARG(str_of(suspended, "run")),
	         when(suspended, "asked_ms").text);
	while (weft_json_iter_next(&it))
		look_answer(it.value);
}

static void look_lines(const weft_replay_step *step, uint32_t number, weft_json began, weft_json ended)
{
	weft_json suspended = weft_json_find(began, WEFT_STR("suspended"));

	switch (step->kind) {
	case WEFT_REPLAY_MODEL:
		look_model(number, ended);
		break;
	case WEFT_REPLAY_TOOL:
		look_tool(number, began, ended);
		break;
	case WEFT_REPLAY_DRAW:
		look_draw(number, began);
		break;
	case WEFT_REPLAY_PERMIT:
		look_permit(number, began);
		break;
	case WEFT_REPLAY_SUSPENDED:
		look_asked(number, suspended);
		break;
	case WEFT_REPLAY_RESUMED:
		look_answers(number, suspended);
		break;
	case WEFT_REPLAY_NOTHING:
		cli_line(stdout, LABEL "it was lost", number, "?");
	}
	if (has_failed(ended))
		look_failed(ended);
	else if (has_failed(began))
		look_failed(began);
}

static int look_step(weft_replay *replay, uint32_t run, uint32_t index)
{
	weft_replay_step step = { .size = sizeof(step) };
	weft_json_doc *began = NULL, *ended = NULL;
	int r = weft_replay_step_at(replay, run, index, &step);

	if (r == 0 && step.began.len_bytes)
		r = weft_json_parse(step.began, &began, NULL);
	if (r == 0 && step.ended.len_bytes)
		r = weft_json_parse(step.ended, &ended, NULL);
	if (r == 0)
		look_lines(&step, index + 1, weft_json_root(began), weft_json_root(ended));
	weft_json_release(began);
	weft_json_release(ended);
	return r;
}

/* ---- runs --------------------------------------------------------------------------- */

static void look_begin(const weft_replay_run *run, const char *name)
{
	char id[WEFT_UUID_TEXT_LEN];
	weft_str text = run->kind == WEFT_REPLAY_MESSAGE ? run->incoming.message.text : run->ask.input;

	weft_uuid_format(run->resumes, id);
	if (!run->complete)
		cli_line(stdout, "  run %llu of %s, line %u: not whole in the file", (unsigned long long)run->id, name, run->line);
	else if (!weft_uuid_is_nil(run->resumes))
		cli_line(stdout, "  run %llu of %s, line %u: goes on with run %.*s", (unsigned long long)run->id, name, run->line,
		         (int)sizeof(id), id);
	else
		cli_line(stdout, "  run %llu of %s, line %u: %s \"%.*s%s\"", (unsigned long long)run->id, name, run->line,
		         run->kind == WEFT_REPLAY_MESSAGE ? "told" : "asked", SHORT(text));
}

static int look_run(weft_replay *replay, uint32_t index, weft_arena *arena)
{
	weft_replay_run run = { .size = sizeof(run) };
	weft_agent_options agent;
	int r = weft_replay_run_at(replay, index, arena, &run);

	if (r == 0)
		r = weft_replay_agent_options(replay, run.agent, &agent, NULL);
	if (r < 0)
		return r;
	look_begin(&run, agent.name);
	for (uint32_t i = 0; r == 0 && i < run.steps; i++)
		r = look_step(replay, index, i);
	if (r == 0)
		cli_line(stdout, "          end     %s%.*s%s", run.status < 0 ? weft_errname(run.status) : "", SHORT(run.text));
	return r;
}

int replay_look(weft_replay *replay, const char *path)
{
	uint32_t runs = weft_replay_run_count(replay), agents = weft_replay_agent_count(replay);
	weft_arena *arena;
	int r = weft_arena_create(0, &arena);

	if (r < 0)
		return r;
	cli_line(stdout, "%s: %u agent%s, %u run%s", path, agents, agents == 1 ? "" : "s", runs, runs == 1 ? "" : "s");
	for (uint32_t i = 0; r == 0 && i < runs; i++) {
		r = look_run(replay, i, arena);
		weft_arena_reset(arena);
	}
	weft_arena_destroy(arena);
	return r;
}
