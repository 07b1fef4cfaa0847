/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/replay_cmd.c - `weft replay`: the runs of a recording again, offline, one after another as they began.
 *
 * Each agent of the recording becomes a definition as it was recorded, or with the character that the command line has
 * for its name, and with the rules that it has instead of the recorded ones. Agents that handled messages get a store
 * of their own, empty at first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#include "cli/cli.h"
#include "cli/replay/look.h"

enum { DIVERGED = 1, UNREADABLE = 3 }; /* exit codes */

#define CHARACTERS_MAX 64
#define RUN_NS (UINT64_C(60) * 1000000000u) /* a replayed run waits for nobody */

struct options {
	const char *path;
	const char *characters[CHARACTERS_MAX]; /* files */
	int character_count;
	const char *permissions; /* a file of rules; NULL: the recorded ones */
	bool look, partial, quiet;
};

struct agent {
	weft_agent_def *def;
	weft_store *store; /* NULL: it was only asked */
	weft_ref ref;
};

struct player {
	const struct options *opt;
	weft_runtime *rt;
	weft_replay *replay;
	weft_arena *arena;
	weft_future *future;
	struct agent *agents;
	const weft_character *characters[CHARACTERS_MAX];
	weft_permissions *permissions; /* NULL: as recorded */
	uint32_t left_out; /* runs */
};

static int complain(const char *what)
{
	cli_line(stderr, "weft replay: %s", what);
	return UNREADABLE;
}

/* ---- agents ------------------------------------------------------------------ */

static int load_characters(struct player *p)
{
	for (int i = 0; i < p->opt->character_count; i++) {
		weft_error err = { 0 };

		if (weft_character_load(p->opt->characters[i], &p->characters[i], &err) < 0)
			return complain(err.message);
	}
	return 0;
}

/* {"otherwise": "ask", "rules": [...]}: as a recording has it. */
static int read_permissions(weft_json root, weft_permissions **ret_permissions, weft_error *err)
{
	weft_json otherwise = weft_json_find(root, WEFT_STR("otherwise")), rules = weft_json_find(root, WEFT_STR("rules"));
	weft_permit permit = WEFT_PERMIT_ALLOW;
	weft_json_writer *w;
	weft_str text;
	int r;

	if (!weft_json_get_str(otherwise, &text))
		return weft_error_set(err, WEFT_ECONFIG, "\"otherwise\" is wanted: \"allow\", \"ask\" or \"deny\"");
	while (permit <= WEFT_PERMIT_DENY && !weft_str_eq(text, weft_str_from(weft_permit_name(permit))))
		permit++;
	r = weft_permissions_create(permit, ret_permissions);
	if (r < 0)
		return weft_error_set(err, WEFT_ECONFIG, "\"otherwise\" is \"allow\", \"ask\" or \"deny\", not \"%.*s\"", WEFT_STR_ARG(text));
	if (weft_json_typeof(rules) == WEFT_JSON_NONE)
		return 0;
	r = weft_json_writer_create(0, &w);
	if (r < 0)
		return r;
	weft_json_put_value(w, rules);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = weft_permissions_add_json(*ret_permissions, text, err);
	weft_json_writer_destroy(w);
	return r;
}

static int load_permissions(struct player *p)
{
	weft_error err = { 0 };
	weft_json_doc *doc;

	if (!p->opt->permissions)
		return 0;
	if (weft_json_parse_file(p->opt->permissions, &doc, &err) < 0)
		return complain(err.message);
	if (read_permissions(weft_json_root(doc), &p->permissions, &err) < 0) {
		cli_line(stderr, "weft replay: %s: %s", p->opt->permissions, err.message);
		weft_json_release(doc);
		return UNREADABLE;
	}
	weft_json_release(doc);
	return 0;
}

static const weft_character *character_for(const struct player *p, const char *name)
{
	for (int i = 0; i < p->opt->character_count; i++) {
		if (weft_str_eq(p->characters[i]->name, weft_str_from(name)))
			return p->characters[i];
	}
	return NULL;
}

static bool handles_messages(const struct player *p, uint32_t agent)
{
	weft_replay_run run = { .size = sizeof(run) };

	for (uint32_t i = 0; i < weft_replay_run_count(p->replay); i++) {
		if (weft_replay_run_at(p->replay, i, p->arena, &run) == 0 && run.agent == agent && run.kind == WEFT_REPLAY_MESSAGE)
			return true;
	}
	return false;
}

/* The agent as it was, but for what the command line says. */
static int agent_start(struct player *p, uint32_t i)
{
	const weft_character *other;
	weft_agent_options opt;
	struct agent *a = &p->agents[i];
	weft_error err = { 0 };
	int r = weft_replay_agent_options(p->replay, i, &opt, &err);

	if (r == 0) {
		other = character_for(p, opt.name);
		if (other) {
			opt.character = other;
			opt.system = NULL;
		}
		if (p->permissions)
			opt.permissions = p->permissions;
		if (handles_messages(p, i)) {
			r = weft_store_create(NULL, &a->store);
			opt.store = a->store;
		}
	}
	if (r == 0)
		r = weft_agent_def_create(&opt, &a->def, &err);
	if (r == 0)
		r = weft_agent_spawn(p->rt, a->def, NULL, &a->ref);
	return r < 0 ? complain(err.message[0] ? err.message : weft_strerror(r)) : 0;
}

/* Every character that was named must be somebody's. */
static int check_names(const struct player *p)
{
	for (int c = 0; c < p->opt->character_count; c++) {
		bool used = false;

		for (uint32_t i = 0; i < weft_replay_agent_count(p->replay); i++) {
			weft_agent_options opt;

			used |= weft_replay_agent_options(p->replay, i, &opt, NULL) == 0 &&
			        weft_str_eq(p->characters[c]->name, weft_str_from(opt.name));
		}
		if (!used) {
			cli_line(stderr, "weft replay: %s: no agent of the recording is named '%.*s'", p->opt->characters[c],
			     WEFT_STR_ARG(p->characters[c]->name));
			return UNREADABLE;
		}
	}
	return 0;
}

/* ---- runs --------------------------------------------------------------------- */

static int play(struct player *p, const weft_replay_run *run)
{
	weft_reply_to to = weft_reply_to_future(p->future);
	weft_ref agent = p->agents[run->agent].ref;
	weft_msg *answer;
	int r;

	if (run->kind == WEFT_REPLAY_MESSAGE)
		r = weft_agent_handle_message(agent, &run->incoming, to);
	else if (!weft_uuid_is_nil(run->resumes))
		r = weft_agent_resume(agent, run->resumes, to);
	else
		r = weft_agent_ask(agent, &run->ask, to);
	if (r < 0)
		return complain(weft_strerror(r));
	r = weft_future_wait_until(p->future, &answer, weft_now_ns() + RUN_NS);
	if (r < 0)
		return complain("a run does not end");
	weft_msg_destroy(answer);
	return 0;
}

static int play_all(struct player *p)
{
	for (uint32_t i = 0; i < weft_replay_run_count(p->replay); i++) {
		weft_replay_run run = { .size = sizeof(run) };
		int r = weft_replay_run_at(p->replay, i, p->arena, &run);

		if (r < 0)
			return complain(weft_strerror(r));
		if (!run.complete) {
			p->left_out++;
			continue;
		}
		r = play(p, &run);
		if (r)
			return r;
		weft_arena_reset(p->arena);
	}
	return 0;
}

static void say_left_out(const struct player *p)
{
	if (p->left_out)
		cli_line(stdout, "%s: %u run%s left out: not whole in the file", p->opt->path, p->left_out, p->left_out == 1 ? "" : "s");
}

static int say(const struct player *p)
{
	weft_replay_stats s = { .size = sizeof(s) };

	(void)weft_replay_stats_read(p->replay, &s);
	if (!s.runs_begun) {
		cli_line(stderr, "weft replay: %s: no whole run is in it: nothing was compared", p->opt->path);
		return UNREADABLE;
	}
	if (s.diverged) {
		cli_line(stdout, "%s", s.first.message);
		cli_line(stdout, "%s: replayed %u run%s, %u exchange%s: %u run%s", p->opt->path, s.runs_begun, s.runs_begun == 1 ? "" : "s",
		         s.exchanges, s.exchanges == 1 ? "" : "s", s.diverged, s.diverged == 1 ? " differs" : "s differ");
		say_left_out(p);
		return DIVERGED;
	}
	if (!p->opt->quiet) {
		cli_line(stdout, "%s: replayed %u run%s, %u exchange%s: identical", p->opt->path, s.runs_begun, s.runs_begun == 1 ? "" : "s",
		     s.exchanges, s.exchanges == 1 ? "" : "s");
		say_left_out(p);
	}
	return 0;
}

/* ---- all of it ------------------------------------------------------------------ */

static int open_recording(struct player *p)
{
	weft_replay_options ropt = WEFT_REPLAY_OPTIONS_INIT;
	weft_error err = { 0 };

	ropt.partial = p->opt->partial;
	if (weft_replay_open(p->opt->path, &ropt, &p->replay, &err) == 0)
		return 0;
	complain(err.message);
	ropt.partial = true;
	if (!p->opt->partial && weft_replay_open(p->opt->path, &ropt, &p->replay, NULL) == 0)
		fputs("--partial takes the runs that are whole\n", stderr);
	return UNREADABLE;
}

static int look(const struct player *p)
{
	int r = replay_look(p->replay, p->opt->path);

	return r < 0 ? complain(weft_strerror(r)) : 0;
}

static int begin(struct player *p)
{
	int r = weft_arena_create(0, &p->arena);

	if (r == 0)
		r = cli_start_runtime(1, &p->rt);
	if (r == 0)
		r = weft_future_create(p->rt, &p->future);
	p->agents = calloc(weft_replay_agent_count(p->replay) + 1, sizeof(*p->agents));
	if (r < 0 || !p->agents)
		return complain(weft_strerror(r < 0 ? r : -ENOMEM));
	r = load_characters(p);
	if (r == 0)
		r = check_names(p);
	if (r == 0)
		r = load_permissions(p);
	for (uint32_t i = 0; r == 0 && i < weft_replay_agent_count(p->replay); i++)
		r = agent_start(p, i);
	return r;
}

static int replay(struct player *p)
{
	int r = begin(p);

	if (r == 0)
		r = play_all(p);
	return r ? r : say(p);
}

static void end(struct player *p)
{
	weft_future_destroy(p->future);
	weft_runtime_destroy(p->rt);
	for (uint32_t i = 0; p->agents && i < weft_replay_agent_count(p->replay); i++) {
		weft_agent_def_unref(p->agents[i].def);
		weft_store_unref(p->agents[i].store);
	}
	free(p->agents);
	for (int i = 0; i < p->opt->character_count; i++)
		weft_character_destroy(p->characters[i]);
	weft_permissions_unref(p->permissions);
	weft_arena_destroy(p->arena);
	weft_replay_unref(p->replay);
}

static int replay_run(int argc, char **argv)
{
	struct options opt = { .path = NULL };
	struct player p = { .opt = &opt };
	int r = cli_read_options(&cli_replay, argc, argv, &opt);

	if (r != CLI_GO_ON)
		return r;
	r = open_recording(&p);
	if (r == 0 && opt.look)
		r = look(&p);
	else if (r == 0)
		r = replay(&p);
	end(&p);
	return r;
}

static bool read_agent(const char *value, void *options, weft_str *ret_wrong)
{
	struct options *opt = options;

	(void)ret_wrong;
	if (!*value || opt->character_count == CHARACTERS_MAX)
		return false;
	opt->characters[opt->character_count++] = value;
	return true;
}

#define AT(field) offsetof(struct options, field)

static const struct cli_option options[] = {
	{ "agent", "F", "a character file: the agent of this name runs with it (any number)", .kind = CLI_OWN, .read = read_agent, .files = true,
	  .expected = "a character file, 64 of them at most" },
	{ "permissions", "F", "a file of rules, in place of those that were recorded", .kind = CLI_FILE, .at = AT(permissions) },
	{ "look", NULL, "say what is in the file, and run nothing", .kind = CLI_FLAG, .at = AT(look) },
	{ "partial", NULL, "take a file whose end is missing: runs that did not end in it are left out", .kind = CLI_FLAG, .at = AT(partial) },
	{ "quiet", NULL, "say nothing when all is identical", .kind = CLI_FLAG, .at = AT(quiet) },
	{ .name = NULL },
};

static const struct cli_operand operands[] = { { "FILE", .at = AT(path) }, { .name = NULL } };

const struct cli_command cli_replay = {
	.name = "replay",
	.what = "run what was recorded again, offline, and say where it differs",
	.intro = "Run the agents of a recording again, without models and tools, and say where they differ.",
	.outro = "Exit status: 0 identical, 1 something differs, 2 not understood, 3 the file cannot be read or replayed.",
	.options = options,
	.operands = operands,
	.run = replay_run,
};
