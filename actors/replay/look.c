/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/look.c - what is in a recording: agents as options of definitions, runs as they were asked.
 *
 * Tools and characters are made when they are first asked for, and kept as long as the replay.
 */
#include <weft/record.h>

#include <errno.h>
#include <stdio.h>

#include "actors/record/asked.h"
#include "actors/record/permits.h"
#include "actors/record/scribe.h"
#include "actors/replay/replay.h"

weft_models *weft_replay_models(weft_replay *replay)
{
	return replay->models;
}

uint32_t weft_replay_agent_count(const weft_replay *replay)
{
	return replay ? replay->file.agent_count : 0;
}

uint32_t weft_replay_run_count(const weft_replay *replay)
{
	return replay ? replay->file.run_count : 0;
}

/* A tool of a replay answers from the recording; it is called only without a run. */
static int tool_fn(weft_tool_call *call, void *user)
{
	(void)user;
	return weft_tool_fail(call, WEFT_EDIVERGED, "a tool of a replay answers inside its runs only");
}

static int tool_add(weft_tools *tools, weft_json function, weft_error *err)
{
	weft_str name = weft__read_str(function, "name"), description = weft__read_str(function, "description");
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;
	char name_text[80], *description_text = weft_strndup(description.ptr ? description.ptr : "", description.len_bytes);
	weft_json_writer *w = NULL;
	int r = description_text ? weft_json_writer_create(0, &w) : -ENOMEM;

	if (r == 0) {
		snprintf(name_text, sizeof(name_text), "%.*s", WEFT_STR_ARG(name));
		weft_json_put_value(w, weft_json_find(function, WEFT_STR("parameters")));
		r = weft_json_writer_text(w, &opt.schema_json);
	}
	if (r == 0) {
		opt.name = name_text;
		opt.description = description_text;
		opt.fn = tool_fn;
		r = weft_tools_add(tools, &opt, err);
	}
	weft_json_writer_destroy(w);
	weft_free(description_text);
	return r;
}

/* As they were, in their order. */
static int tools_make(weft_json list, weft_tools **ret_tools, weft_error *err)
{
	weft_json_iter it = weft_json_iter_begin(list);
	weft_tools *tools;
	int r = weft_tools_create(&tools);

	while (r == 0 && weft_json_iter_next(&it))
		r = tool_add(tools, weft_json_find(it.value, WEFT_STR("function")), err);
	if (r < 0) {
		weft_tools_unref(tools);
		return r;
	}
	*ret_tools = tools;
	return 0;
}

/* NUL-terminated, as long as the replay; NULL when it is not there. */
static const char *text_of(weft_replay *replay, weft_json line, const char *key, int *r)
{
	weft_str s = weft__read_str(line, key);

	if (!s.len_bytes)
		return NULL;
	s = weft_arena_dup(replay->arena, s);
	if (!s.ptr)
		*r = -ENOMEM;
	return s.ptr;
}

/* Who the agent was, when it was recorded with a character. */
static int character_make(weft_json line, const weft_character **ret_character, weft_error *err)
{
	weft_json c = weft_json_find(line, WEFT_STR("character"));
	weft_json_writer *w;
	weft_str text;
	int r;

	if (weft_json_typeof(c) != WEFT_JSON_OBJECT)
		return 0;
	r = weft_json_writer_create(0, &w);
	if (r < 0)
		return r;
	weft_json_put_value(w, c);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_character_parse(text, "the recorded character", ret_character, err);
	weft_json_writer_destroy(w);
	return r;
}

/* What is made once and kept: tools, permissions, character. Under the lock. */
static int agent_make(weft_replay *replay, uint32_t agent, weft_error *err)
{
	weft_json line = weft_json_root(replay->agents[agent]);
	int r = 0;

	if (!replay->tools[agent])
		r = tools_make(weft_json_find(line, WEFT_STR("tools")), &replay->tools[agent], err);
	if (r == 0 && !replay->permissions[agent])
		r = weft__read_permissions(line, &replay->permissions[agent], err);
	if (r == 0 && !replay->characters[agent])
		r = character_make(line, &replay->characters[agent], err);
	return r;
}

int weft_replay_agent_options(weft_replay *replay, uint32_t agent, weft_agent_options *ret_opt, weft_error *err)
{
	weft_agent_options opt;
	weft_json line;
	int r;

	if (!replay || !ret_opt || agent >= replay->file.agent_count)
		return -EINVAL;
	line = weft_json_root(replay->agents[agent]);
	weft__read_def(line, &opt);
	pthread_mutex_lock(&replay->lock);
	r = agent_make(replay, agent, err);
	opt.system = text_of(replay, line, "system", &r);
	opt.loop_message = text_of(replay, line, "loop_message", &r);
	pthread_mutex_unlock(&replay->lock);
	if (r < 0)
		return r;
	opt.name = replay->names[agent];
	opt.models = replay->models;
	opt.tools = replay->tools[agent];
	opt.permissions = replay->permissions[agent];
	opt.character = replay->characters[agent];
	opt.replay = replay;
	*ret_opt = opt;
	return 0;
}

static int read_ask(weft_json line, weft_arena *arena, weft_replay_run *run)
{
	weft_str suspended = weft__read_str(line, "suspended");

	if (suspended.len_bytes && weft_uuid_parse(suspended, &run->resumes) < 0)
		return -EINVAL;
	return weft__read_ask(line, arena, &run->ask);
}

int weft_replay_run_at(const weft_replay *replay, uint32_t index, weft_arena *arena, weft_replay_run *ret_run)
{
	weft_replay_run out = { .size = sizeof(out) };
	const struct weft__tape_file_run *run;
	weft_json_doc *doc;
	int r;

	if (!replay || !arena || !ret_run || ret_run->size != sizeof(*ret_run) || index >= replay->file.run_count)
		return -EINVAL;
	run = &replay->file.runs[index];
	out.agent = run->agent;
	out.id = run->id;
	out.line = run->begin;
	out.status = run->status;
	out.complete = weft__tape_run_is_complete(run);
	out.outside = run->outside;
	out.steps = run->step_count;
	r = weft__tape_file_line(&replay->file, run->begin, &doc);
	if (r < 0)
		return r;
	out.kind = weft__read_is_message(weft_json_root(doc)) ? WEFT_REPLAY_MESSAGE : WEFT_REPLAY_ASK;
	if (!out.complete)
		r = 0;
	else if (out.kind == WEFT_REPLAY_ASK)
		r = read_ask(weft_json_root(doc), arena, &out);
	else
		r = weft__read_incoming(weft_json_root(doc), arena, &out.incoming);
	weft_json_release(doc);
	if (r == 0 && run->end && (r = weft__tape_file_line(&replay->file, run->end, &doc)) == 0) {
		out.text = weft_arena_dup(arena, weft__read_str(weft_json_root(doc), "text"));
		weft_json_release(doc);
	}
	if (r == 0)
		*ret_run = out;
	return r;
}

int weft_replay_step_at(const weft_replay *replay, uint32_t run, uint32_t step, weft_replay_step *ret_step)
{
	static const weft_replay_step_kind kinds[] = {
		[WEFT__STEP_MODEL] = WEFT_REPLAY_MODEL,         [WEFT__STEP_TOOL] = WEFT_REPLAY_TOOL,
		[WEFT__STEP_DRAW] = WEFT_REPLAY_DRAW,           [WEFT__STEP_PERMIT] = WEFT_REPLAY_PERMIT,
		[WEFT__STEP_SUSPENDED] = WEFT_REPLAY_SUSPENDED, [WEFT__STEP_RESUMED] = WEFT_REPLAY_RESUMED,
	};
	weft_replay_step out = { .size = sizeof(out) };
	const struct weft__tape_step *s;

	if (!replay || !ret_step || ret_step->size != sizeof(*ret_step) || run >= replay->file.run_count ||
	    step >= replay->file.runs[run].step_count)
		return -EINVAL;
	s = &replay->file.runs[run].steps[step];
	out.kind = kinds[s->kind];
	out.line = s->begin;
	if (s->begin)
		out.began = weft__tape_file_text(&replay->file, s->begin);
	if (s->end > s->begin && !s->given_up)
		out.ended = weft__tape_file_text(&replay->file, s->end);
	*ret_step = out;
	return 0;
}

int weft_replay_stats_read(const weft_replay *replay, weft_replay_stats *ret_stats)
{
	weft_replay *r = (weft_replay *)(uintptr_t)replay; /* only its lock is written */

	if (!replay || !ret_stats || ret_stats->size != sizeof(*ret_stats))
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	*ret_stats = r->stats;
	pthread_mutex_unlock(&r->lock);
	return 0;
}
