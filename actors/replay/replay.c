/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/replay.c - runs answered from a recording, and compared with it.
 *
 * A run of this process claims the first recorded run of an agent of its name that was asked the same. From then on
 * its steps are compared with the recorded ones, one by one: the same kind of step, the same request by its hash, the
 * same tool and arguments. What is the same is answered with what was recorded. The first that is not the same is told
 * with the file's line, and everything after it fails: the run ends with WEFT_EDIVERGED.
 *
 * Steps are numbered in the order in which a run begins them, so tools of a turn may end in any order, as they may have
 * when they were recorded. Which thread runs what does not matter; claims and numbers are under one lock.
 */
#include <weft/record.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/record/asked.h"
#include "actors/replay/diff.h"
#include "actors/replay/run.h"

#define DIFFERENCE_BYTES 160u

/* ---- differing -------------------------------------------------------------------- */

void weft__replayed_diverge(struct weft__replayed *rp, uint32_t line, const char *fmt, ...)
{
	struct weft_replay *replay = weft__replay_of(rp);
	const char *name = strrchr(replay->file.path, '/');
	char what[200];
	va_list args;

	if (rp->error.code)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	weft_error_set(&rp->error, WEFT_EDIVERGED, "%s:%u: %s", name ? name + 1 : replay->file.path, line, what);
	rp->error.line = line;
	pthread_mutex_lock(&replay->lock);
	replay->stats.diverged++;
	if (!replay->stats.first.code)
		replay->stats.first = rp->error;
	pthread_mutex_unlock(&replay->lock);
}

static const char *kind_name(uint8_t kind)
{
	static const char *const names[] = { "nothing", "a question to a model", "a tool call", "a value from outside",
		                             "what the rules say of a call", "a wait for an approval",
		                             "what was said of a suspended run" };

	return names[kind];
}

/* Compare the line of the scribe with a recorded one. True: text says what differs. */
static bool lines_differ(struct weft__replayed *rp, uint32_t line, char *text, size_t size)
{
	weft_json_doc *recorded = NULL, *now = NULL;
	bool differ = true;
	weft_str mine;

	snprintf(text, size, "it cannot be compared: out of memory");
	if (weft__scribe_end(&rp->scribe, &mine) == 0 && weft_json_parse(mine, &now, NULL) == 0 &&
	    weft__tape_file_line(&weft__replay_of(rp)->file, line, &recorded) == 0)
		differ = weft__diff(weft_json_root(recorded), weft_json_root(now), text, size);
	weft_json_release(recorded);
	weft_json_release(now);
	return differ;
}

/* They are known to differ. */
static void diverge_by_lines(struct weft__replayed *rp, uint32_t line, uint32_t step)
{
	char text[DIFFERENCE_BYTES];

	if (!lines_differ(rp, line, text, sizeof(text)))
		snprintf(text, sizeof(text), "its hash differs: it was changed by hand, or redacted by other rules");
	if (step)
		weft__replayed_diverge(rp, line, "step %u: %s", step, text);
	else
		weft__replayed_diverge(rp, line, "what it was asked: %s", text);
}

void weft__replayed_compare(struct weft__replayed *rp, uint32_t line, uint32_t step)
{
	char text[DIFFERENCE_BYTES];

	if (lines_differ(rp, line, text, sizeof(text)))
		weft__replayed_diverge(rp, line, "step %u: %s", step, text);
}

/* ---- steps -------------------------------------------------------------------------- */

struct weft__tape_step *weft__replayed_next(struct weft__replayed *rp, uint8_t kind, uint32_t *ret_number)
{
	struct weft__tape_file_run *rec = rp->rec;
	struct weft__tape_step *step;

	*ret_number = ++rp->steps;
	if (rp->error.code)
		return NULL;
	rp->over = rp->steps > rec->step_count && rec->outside;
	if (rp->over)
		return NULL;
	if (rp->steps > rec->step_count) {
		weft__replayed_diverge(rp, rec->end ? rec->end : rec->begin, "step %u: recorded was the end of the run, now comes %s", rp->steps,
		        kind_name(kind));
		return NULL;
	}
	step = &rec->steps[rp->steps - 1];
	if (step->kind != kind) {
		weft__replayed_diverge(rp, step->begin ? step->begin : rec->begin, "step %u: recorded was %s, now comes %s", rp->steps,
		        kind_name(step->kind), kind_name(kind));
		return NULL;
	}
	return step;
}

/* ---- runs ------------------------------------------------------------------------------ */

static bool hash_eq(weft_hash128 a, weft_hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* Claim the first run of the agent that was asked this. *ret_next: the first that is left, if none was. */
static struct weft__tape_file_run *claim(struct weft_replay *replay, weft_str name, weft_hash128 key,
                                         struct weft__tape_file_run **ret_next)
{
	struct weft__tape_file_run *found = NULL;

	*ret_next = NULL;
	pthread_mutex_lock(&replay->lock);
	for (uint32_t i = 0; !found && i < replay->file.run_count; i++) {
		struct weft__tape_file_run *run = &replay->file.runs[i];

		if (run->claimed || !weft__tape_run_is_complete(run) ||
		    !weft_str_eq(weft_str_from(replay->names[run->agent]), name))
			continue;
		if (hash_eq(run->key, key))
			found = run;
		else if (!*ret_next)
			*ret_next = run;
	}
	if (found)
		found->claimed = true;
	replay->stats.runs_begun++;
	pthread_mutex_unlock(&replay->lock);
	return found;
}

static void on_run_begin(struct weft__tape *tape, struct weft__run *run)
{
	struct weft_replay *replay = (struct weft_replay *)tape;
	struct weft__replayed *rp = weft_calloc(1, sizeof(*rp));
	struct weft__tape_file_run *next;
	weft_str name = weft__def_name(run->agent->def);
	weft_hash128 key = { 0 };

	if (!rp || weft__scribe_init(&rp->scribe, &replay->redact) < 0 || weft__asked_hash(&rp->scribe, run->request, &key) < 0) {
		if (rp)
			weft__scribe_fini(&rp->scribe);
		weft_free(rp);
		return; /* its models find no run and say so */
	}
	rp->base.tape = weft__tape_ref(tape);
	run->tape = &rp->base;
	rp->rec = claim(replay, name, key, &next);
	if (!rp->rec && next) {
		weft__scribe_begin(&rp->scribe, "run", 0, 0);
		weft__scribe_asked(&rp->scribe, run->request);
		weft__scribe_uint(&rp->scribe, "agent", next->agent + 1u);
		diverge_by_lines(rp, next->begin, 0);
	} else if (!rp->rec) {
		weft__replayed_diverge(rp, replay->file.line_count, "no run of agent '%.*s' is left", WEFT_STR_ARG(name));
	}
}

/* The end, compared with the recorded one, unless that came from outside. */
static void compare_end(struct weft__replayed *rp, const weft_agent_result *result)
{
	struct weft__tape_file_run *rec = rp->rec;
	char text[DIFFERENCE_BYTES];

	if (rp->error.code || rec->outside)
		return;
	if (rp->steps < rec->step_count) {
		struct weft__tape_step *missing = &rec->steps[rp->steps];

		weft__replayed_diverge(rp, missing->begin, "step %u: recorded was %s, now the run has ended", rp->steps + 1, kind_name(missing->kind));
		return;
	}
	weft__scribe_begin(&rp->scribe, "end", 0, 0);
	weft__scribe_ended(&rp->scribe, result, rp->steps);
	if (lines_differ(rp, rec->end, text, sizeof(text)))
		weft__replayed_diverge(rp, rec->end, "the end of the run: %s", text);
}

/* It was ended from outside, where it stood: so it is here. */
static void end_as_recorded(struct weft__replayed *rp, struct weft__run *run)
{
	weft_json_doc *doc;

	if (weft__tape_file_line(&weft__replay_of(rp)->file, rp->rec->end, &doc) < 0)
		return; /* it ends as it came to its end */
	run->result.status = rp->rec->status;
	run->result.error = weft_arena_dup(run->arena, weft__read_str(weft_json_root(doc), "why"));
	weft_json_release(doc);
}

static void on_run_end(struct weft__run *run)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft_replay *replay = weft__replay_of(rp);

	compare_end(rp, &run->result);
	if (!rp->error.code && rp->rec->outside)
		end_as_recorded(rp, run);
	if (rp->error.code) {
		run->result.status = WEFT_EDIVERGED;
		run->result.error = weft_str_from(rp->error.message); /* as long as the run */
		run->result.responded = false;
		return;
	}
	pthread_mutex_lock(&replay->lock);
	replay->stats.runs_identical++;
	pthread_mutex_unlock(&replay->lock);
}

static void on_released(struct weft__run *run)
{
	struct weft__replayed *rp = weft__replayed_of(run);

	weft__scribe_fini(&rp->scribe);
	weft__digest_fini(&rp->before);
	weft__tape_unref(rp->base.tape);
	weft_free(rp);
	run->tape = NULL;
}

/* ---- models -------------------------------------------------------------------------------- */

/* Is it what was asked then? The line that is written to compare keeps as many messages as the recorded one did. */
static void compare_request(struct weft__replayed *rp, const struct weft__tape_step *step, uint32_t number,
                            const weft_model_request *req)
{
	struct weft__digest now = { 0 };
	weft_json_doc *doc = NULL;
	uint32_t kept, common;
	char hash[WEFT__HASH_TEXT];

	if (weft__digest_make(&rp->scribe, req, NULL, &now) < 0 || weft__tape_file_line(&weft__replay_of(rp)->file, step->begin, &doc) < 0) {
		weft__replayed_diverge(rp, step->begin, "step %u: out of memory", number);
		weft__digest_fini(&now);
		return;
	}
	weft__hash_text(now.hash, hash);
	kept = (uint32_t)weft__read_uint(weft_json_root(doc), "kept");
	common = weft__digest_common(&rp->before, &now);
	if (!weft_str_eq(weft__read_str(weft_json_root(doc), "hash"), weft_str_from(hash))) {
		if (common < kept) {
			weft__replayed_diverge(rp, step->begin, "step %u: messages/%u is not what it was in the step before", number, common);
		} else {
			weft__scribe_begin(&rp->scribe, "model", 0, 0);
			weft__scribe_request(&rp->scribe, req, kept);
			diverge_by_lines(rp, step->begin, number);
		}
	}
	weft_json_release(doc);
	weft__digest_keep(&rp->before, &now);
}

static void on_asked(struct weft__tape *tape, struct weft__model_ask *ask)
{
	struct weft__replayed *rp = weft__replayed_of(ask->run);
	struct weft__tape_step *step;
	uint32_t number;

	(void)tape;
	ask->taped = (struct weft__taped){ 0 };
	if (!rp)
		return;
	step = weft__replayed_next(rp, WEFT__STEP_MODEL, &number);
	if (step)
		compare_request(rp, step, number, &ask->request);
	ask->taped.step = number;
}

/* Some of run 0 that was asked the same; the last one answers again when there are no more. */
static struct weft__tape_step *find_loose(struct weft_replay *replay, const weft_model_request *req)
{
	struct weft__tape_file_run *loose = &replay->file.loose;
	struct weft__tape_step *found = NULL;
	struct weft__digest now = { 0 };
	struct weft__scribe s;
	char hash[WEFT__HASH_TEXT] = "";

	if (weft__scribe_init(&s, &replay->redact) == 0 && weft__digest_make(&s, req, NULL, &now) == 0)
		weft__hash_text(now.hash, hash);
	weft__scribe_fini(&s);
	weft__digest_fini(&now);
	pthread_mutex_lock(&replay->lock);
	for (uint32_t i = 0; i < loose->step_count && !(found && !found->used); i++) {
		weft_json_doc *doc;

		if (!loose->steps[i].end || weft__tape_file_line(&replay->file, loose->steps[i].begin, &doc) < 0)
			continue;
		if (weft_str_eq(weft__read_str(weft_json_root(doc), "hash"), weft_str_from(hash)))
			found = &loose->steps[i];
		weft_json_release(doc);
	}
	if (found)
		found->used = true;
	pthread_mutex_unlock(&replay->lock);
	return found;
}

/* Show the answer in the pieces it came in, as far as they fit it: what was redacted may have made it shorter. */
static void stream(weft_model_call *call, weft_json line)
{
	weft_json_iter it = weft_json_iter_begin(weft_json_find(line, WEFT_STR("chunks")));
	weft_str rest = weft__read_str(line, "streamed");

	if (!rest.len_bytes)
		rest = weft__read_str(line, "text");
	while (weft_json_iter_next(&it) && rest.len_bytes) {
		int64_t size = 0;
		size_t n;

		(void)weft_json_get_int(it.value, &size);
		n = size < 0 || (uint64_t)size > rest.len_bytes ? rest.len_bytes : (size_t)size;
		weft_model_chunk(call, (weft_str){ rest.ptr, n });
		rest = (weft_str){ rest.ptr + n, rest.len_bytes - n };
	}
}

static int answer_with(struct weft_replay *replay, const struct weft__tape_step *step, weft_model_call *call)
{
	weft_json_doc *doc;
	weft_json line;
	int r, status;

	if (step->given_up)
		return -ECANCELED;
	if (weft__tape_file_line(&replay->file, step->end, &doc) < 0)
		return -ENOMEM;
	line = weft_json_root(doc);
	stream(call, line);
	status = (int)weft__read_int(line, "status");
	if (status < 0) {
		weft_str why = weft__read_str(line, "why");

		r = weft_error_set(call->error, status, "%.*s", WEFT_STR_ARG(why));
	} else {
		r = weft__read_response(line, call->arena, call->response);
	}
	weft_json_release(doc);
	return r;
}

static void count_exchange(struct weft_replay *replay)
{
	pthread_mutex_lock(&replay->lock);
	replay->stats.exchanges++;
	pthread_mutex_unlock(&replay->lock);
}

static int model_fn(weft_model_call *call, void *user)
{
	struct weft__model_ask *ask = (struct weft__model_ask *)call;
	struct weft__replayed *rp = ask->run ? weft__replayed_of(ask->run) : NULL;
	const struct weft__tape_step *step;
	struct weft_replay *replay = user;

	if (ask->run && ask->run->request && !rp)
		return weft_error_set(call->error, WEFT_EDIVERGED, "the run's definition has no replay");
	if (rp && rp->error.code) {
		*call->error = rp->error;
		return WEFT_EDIVERGED;
	}
	if (rp && rp->over)
		return -ECANCELED;
	step = rp ? &rp->rec->steps[ask->taped.step - 1] : find_loose(replay, call->request);
	if (!step)
		return weft_error_set(call->error, WEFT_EDIVERGED, "%s: this question was not recorded", replay->file.path);
	count_exchange(replay);
	return answer_with(replay, step, call);
}

/* The status the exchange had, whatever the pipeline made of the same answer now: who else was asked is not known. */
static int on_answered(struct weft__model_ask *ask, int status)
{
	struct weft__replayed *rp = weft__replayed_of(ask->run);
	const struct weft__tape_step *step;
	weft_json_doc *doc;
	int recorded;

	if (!rp || rp->error.code || rp->over || !ask->taped.step)
		return status;
	step = &rp->rec->steps[ask->taped.step - 1];
	if (step->given_up || weft__tape_file_line(&weft__replay_of(rp)->file, step->end, &doc) < 0)
		return status;
	recorded = (int)weft__read_int(weft_json_root(doc), "status");
	if (recorded < 0) {
		weft_str why = weft__read_str(weft_json_root(doc), "why");

		weft_error_set(&ask->error, recorded, "%.*s", WEFT_STR_ARG(why));
		ask->why = weft_str_from(ask->error.message);
		status = recorded;
	}
	weft_json_release(doc);
	return status;
}

static void on_chunk(struct weft__model_ask *ask, weft_str chunk)
{
	(void)ask;
	(void)chunk;
}

/* ---- tools, and values from outside -------------------------------------------------------------- */

static bool same_arguments(weft_str a, weft_str b)
{
	weft_json_doc *x = NULL, *y = NULL;
	bool same = weft_str_eq(a, b);

	if (!same && weft_json_parse(a, &x, NULL) == 0 && weft_json_parse(b, &y, NULL) == 0)
		same = hash_eq(weft_json_canonical_hash(weft_json_root(x)), weft_json_canonical_hash(weft_json_root(y)));
	weft_json_release(x);
	weft_json_release(y);
	return same;
}

void weft__replayed_compare_call(struct weft__replayed *rp, const struct weft__tape_step *step, uint32_t number,
                                 const weft_tool_call *call)
{
	weft_json_doc *doc;
	weft_str arguments;
	weft_json line;

	if (weft__tape_file_line(&weft__replay_of(rp)->file, step->begin, &doc) < 0) {
		weft__replayed_diverge(rp, step->begin, "step %u: out of memory", number);
		return;
	}
	line = weft_json_root(doc);
	weft_arena_reset(rp->scribe.scratch);
	arguments = weft__redact(rp->scribe.redact, call->arguments_text, rp->scribe.scratch);
	if (!weft_str_eq(weft__read_str(line, "name"), call->name) || !same_arguments(weft__read_str(line, "arguments"), arguments)) {
		weft__scribe_begin(&rp->scribe, "tool", 0, 0);
		weft__scribe_call(&rp->scribe, call);
		diverge_by_lines(rp, step->begin, number);
	}
	weft_json_release(doc);
}

static int return_recorded(struct weft__replayed *rp, const struct weft__tape_step *step, weft_tool_call *call)
{
	weft_json_doc *doc;
	weft_str why;
	int status;

	if (step->given_up)
		return -ECANCELED;
	if (weft__tape_file_line(&weft__replay_of(rp)->file, step->end, &doc) < 0)
		return -ENOMEM;
	status = (int)weft__read_int(weft_json_root(doc), "status");
	why = weft__read_str(weft_json_root(doc), "why");
	if (status == 0)
		weft_tool_return(call, weft__read_str(weft_json_root(doc), "text"));
	else if (why.len_bytes)
		(void)weft_tool_fail(call, status, "%.*s", WEFT_STR_ARG(why));
	weft_json_release(doc);
	return status;
}

static bool on_called(struct weft__run *run, struct weft__tool_run *t, int *ret_r)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft__tape_step *step;
	uint32_t number;

	t->taped = (struct weft__taped){ 0 };
	step = weft__replayed_next(rp, WEFT__STEP_TOOL, &number);
	if (step)
		weft__replayed_compare_call(rp, step, number, &t->call);
	if (rp->error.code) {
		*ret_r = weft_tool_fail(&t->call, WEFT_EDIVERGED, "%s", rp->error.message);
		return true;
	}
	if (!step) {
		*ret_r = -ECANCELED;
		return true;
	}
	count_exchange(weft__replay_of(rp));
	*ret_r = return_recorded(rp, step, &t->call);
	return true;
}

static void on_returned(struct weft__run *run, struct weft__tool_run *t, int status)
{
	(void)run;
	(void)t;
	(void)status;
}

static int64_t on_draw(struct weft__run *run, enum weft__draw what, int64_t value)
{
	struct weft__replayed *rp = weft__replayed_of(run);
	struct weft__tape_step *step;
	weft_json_doc *doc;
	uint32_t number;

	(void)what;
	step = weft__replayed_next(rp, WEFT__STEP_DRAW, &number);
	if (!step || weft__tape_file_line(&weft__replay_of(rp)->file, step->begin, &doc) < 0)
		return value;
	value = weft__read_int(weft_json_root(doc), "value");
	weft_json_release(doc);
	return value;
}

/* ---- life ----------------------------------------------------------------------------------------- */

static int on_bind(struct weft__tape *tape, struct weft_agent_def *def)
{
	(void)tape;
	(void)def;
	return 0;
}

static void on_destroy(struct weft__tape *tape)
{
	struct weft_replay *replay = (struct weft_replay *)tape;

	weft_models_unref(replay->models);
	for (uint32_t i = 0; i < replay->file.agent_count; i++) {
		if (replay->tools)
			weft_tools_unref(replay->tools[i]);
		if (replay->permissions)
			weft_permissions_unref(replay->permissions[i]);
		if (replay->characters)
			weft_character_destroy(replay->characters[i]);
		if (replay->agents)
			weft_json_release(replay->agents[i]);
		if (replay->names)
			weft_free(replay->names[i]);
	}
	weft_free(replay->tools);
	weft_free(replay->permissions);
	weft_free(replay->characters);
	weft_free(replay->agents);
	weft_free(replay->names);
	weft_arena_destroy(replay->arena);
	weft__tape_file_fini(&replay->file);
	weft__redact_fini(&replay->redact);
	pthread_mutex_destroy(&replay->lock);
	weft_free(replay);
}

static const struct weft__tape_fns fns = { .bind = on_bind,
	                                   .run_begin = on_run_begin,
	                                   .run_end = on_run_end,
	                                   .released = on_released,
	                                   .asked = on_asked,
	                                   .chunk = on_chunk,
	                                   .answered = on_answered,
	                                   .called = on_called,
	                                   .returned = on_returned,
	                                   .draw = on_draw,
	                                   .permitted = weft__replay_permitted,
	                                   .suspended = weft__replay_suspended,
	                                   .resumed = weft__replay_resumed,
	                                   .destroy = on_destroy };

static int models_make(struct weft_replay *replay)
{
	int r = weft_models_create(&replay->models);

	for (int type = 0; r == 0 && type < WEFT_MODEL_TYPE_COUNT; type++)
		r = weft_models_add(replay->models, (weft_model_type)type, 0, "replay", model_fn, replay, NULL);
	return r;
}

static int agents_read(struct weft_replay *replay)
{
	uint32_t n = replay->file.agent_count;

	replay->tools = weft_calloc(n + 1, sizeof(*replay->tools));
	replay->permissions = weft_calloc(n + 1, sizeof(*replay->permissions));
	replay->characters = weft_calloc(n + 1, sizeof(*replay->characters));
	replay->agents = weft_calloc(n + 1, sizeof(*replay->agents));
	replay->names = weft_calloc(n + 1, sizeof(*replay->names));
	if (!replay->tools || !replay->permissions || !replay->characters || !replay->agents || !replay->names)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		weft_str name;

		if (weft__tape_file_line(&replay->file, replay->file.agents[i], &replay->agents[i]) < 0)
			return -ENOMEM;
		name = weft__read_str(weft_json_root(replay->agents[i]), "name");
		replay->names[i] = weft_strndup(name.ptr ? name.ptr : "", name.len_bytes);
		if (!replay->names[i])
			return -ENOMEM;
	}
	return 0;
}

int weft_replay_open(const char *path, const weft_replay_options *opt, weft_replay **ret_replay, weft_error *err)
{
	const weft_replay_options plain = WEFT_REPLAY_OPTIONS_INIT;
	struct weft_replay *replay;
	int r;

	opt = opt ? opt : &plain;
	if (!path || !ret_replay || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "a replay needs a path, and options of the right size");
	replay = weft_calloc(1, sizeof(*replay));
	if (!replay)
		return weft_error_set(err, -ENOMEM, "out of memory");
	replay->tape = (struct weft__tape){ .fns = &fns, .refs = 1 };
	replay->stats.size = sizeof(replay->stats);
	pthread_mutex_init(&replay->lock, NULL);
	r = weft__redact_init(&replay->redact, opt->redact, opt->redact_user);
	if (r == 0)
		r = weft__tape_file_read(&replay->file, path, opt->partial, err);
	if (r == 0)
		r = weft_arena_create(0, &replay->arena);
	if (r == 0)
		r = agents_read(replay);
	if (r == 0)
		r = models_make(replay);
	if (r == -ENOMEM)
		weft_error_set(err, r, "out of memory");
	if (r < 0) {
		on_destroy(&replay->tape);
		return r;
	}
	*ret_replay = replay;
	return 0;
}

weft_replay *weft_replay_ref(weft_replay *replay)
{
	weft__tape_ref(&replay->tape);
	return replay;
}

void weft_replay_unref(weft_replay *replay)
{
	weft__tape_unref(replay ? &replay->tape : NULL);
}
