/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that are recorded and replayed: the same answers without models, the first difference told with its line,
 * secrets that are not in the file, files that are damaged.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/agents.h"

#define SCHEMA "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}"

static char folder[64], path[96];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/weft-record-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run.jsonl", folder);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(record, .init = setup, .fini = teardown, .timeout = 120);

/* ---- the file ------------------------------------------------------------------- */

static char *slurp(void)
{
	FILE *f = fopen(path, "r");
	char *text;
	long n;

	cr_assert_not_null(f);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)n + 1);
	cr_assert_eq(fread(text, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	return text;
}

static void spill(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	cr_assert_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Replace the first `from` in the file by `to`. */
static void change(const char *from, const char *to)
{
	char *text = slurp(), *at = strstr(text, from), *out;

	cr_assert_not_null(at, "%s is not in the file", from);
	out = calloc(1, strlen(text) + strlen(to) + 1);
	memcpy(out, text, (size_t)(at - text));
	strcat(out, to);
	strcat(out, at + strlen(from));
	spill(out, strlen(out));
	free(out);
	free(text);
}

static int count_in(const char *text, const char *what)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* ---- recording -------------------------------------------------------------------- */

/* Squares; the model's own arguments decide how long it takes and whether it fails. */
static int square(weft_tool_call *call, void *user)
{
	int64_t n = 0;
	char text[32];

	++*(int *)user;
	weft_json_get_int(weft_json_find(call->arguments, WEFT_STR("n")), &n);
	if (n < 0)
		return weft_tool_fail(call, -EDOM, "%d is negative", (int)n);
	snprintf(text, sizeof(text), "%lld", (long long)(n * n));
	weft_tool_return(call, weft_str_from(text));
	return 0;
}

static const weft_mock_step steps[] = {
	{ .text = "Let me see.",
	  .calls = { { "square", "{\"n\":3}" }, { "square", "{\"n\":-1}" }, { "none", "{}" } },
	  .call_count = 3 },
	{ .text = "Once more.", .calls = { { "square", "{ \"n\" : 3 }" }, { "square", "{\"n\":\"x\"}" } }, .call_count = 2 },
	{ .text = "It is nine, d\303\251j\303\240." },
};

static int squared;

static void begin(struct kit *k)
{
	squared = 0;
	kit_init(k);
	k->options.name = "Ada";
	k->mock.steps = steps;
	k->mock.step_count = 3;
	k->mock.chunk_bytes = 7;
	kit_tool(k, "square", SCHEMA, square, &squared);
}

static void record_with(struct kit *k, const weft_recorder_options *opt, uint32_t runs)
{
	weft_recorder *recorder;
	weft_error err = { 0 };

	cr_assert_eq(weft_recorder_open(path, opt, &recorder, &err), 0, "%s", err.message);
	k->options.recorder = recorder;
	kit_start(k, 2);
	for (uint32_t i = 0; i < runs; i++) {
		char input[32];
		weft_msg *answer;

		snprintf(input, sizeof(input), "What is 3 squared? (%u)", i);
		answer = kit_say(k, input);
		cr_assert_eq(weft_msg_status(answer), 0);
		weft_msg_destroy(answer);
	}
	kit_end(k);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	cr_assert_eq(weft_recorder_close(recorder), -EALREADY);
	weft_recorder_unref(recorder);
}

static void record(uint32_t runs)
{
	struct kit k;

	begin(&k);
	record_with(&k, NULL, runs);
}

/* ---- replaying ---------------------------------------------------------------------- */

struct outcome {
	int status; /* of the first run that did not end as it should; 0: none */
	char why[260];
	weft_replay_stats stats;
};

/* Run all of the recording again, all at once when together. */
static struct outcome replay_with(const weft_agent_options *change_to, bool together)
{
	struct outcome o = { .stats = { .size = sizeof(o.stats) } };
	weft_agent_options opt;
	weft_replay *replay;
	weft_error err = { 0 };
	weft_arena *arena;
	weft_agent_def *def;
	weft_runtime *rt = test_runtime(2);
	weft_port *port;
	weft_ref agent;
	uint32_t n, open = 0;

	cr_assert_eq(weft_replay_open(path, NULL, &replay, &err), 0, "%s", err.message);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_replay_agent_options(replay, 0, &opt, &err), 0, "%s", err.message);
	if (change_to && change_to->system)
		opt.system = change_to->system;
	if (change_to && change_to->max_tool_iterations)
		opt.max_tool_iterations = change_to->max_tool_iterations;
	if (change_to && change_to->tools)
		opt.tools = change_to->tools;
	cr_assert_eq(weft_agent_def_create(&opt, &def, &err), 0, "%s", err.message);
	cr_assert_eq(weft_agent_spawn(rt, def, NULL, &agent), 0);
	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	n = weft_replay_run_count(replay);
	for (uint32_t i = 0; i < n; i++) {
		weft_replay_run run = { .size = sizeof(run) };

		cr_assert_eq(weft_replay_run_at(replay, i, arena, &run), 0);
		if (!run.complete)
			continue;
		cr_assert_eq(weft_agent_ask(agent, &run.ask, weft_reply_to_port(port, i)), 0);
		for (open++; open && (!together || i == n - 1); open--) {
			weft_msg *m = NULL;

			cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_LONG), 1);
			if (weft_msg_status(m) == WEFT_EDIVERGED && !o.status) {
				o.status = weft_msg_status(m);
				snprintf(o.why, sizeof(o.why), "%.*s", WEFT_STR_ARG(weft_agent_result_of(m)->error));
			}
			weft_msg_destroy(m);
		}
	}
	cr_assert_eq(weft_replay_stats_read(replay, &o.stats), 0);
	weft_port_destroy(port);
	test_runtime_end(rt);
	weft_agent_def_unref(def);
	weft_arena_destroy(arena);
	weft_replay_unref(replay);
	return o;
}

static void identical(uint32_t runs)
{
	for (int together = 0; together < 2; together++) {
		struct outcome o = replay_with(NULL, together);

		cr_assert_eq(o.status, 0, "%s", o.why);
		cr_assert_eq(o.stats.runs_begun, runs);
		cr_assert_eq(o.stats.runs_identical, runs, "%s", o.stats.first.message);
		cr_assert_eq(o.stats.diverged, 0);
		cr_assert_eq(o.stats.first.code, 0);
	}
}

static void differs(const weft_agent_options *change_to, uint32_t line, const char *part)
{
	struct outcome o = replay_with(change_to, false);

	cr_assert_eq(o.status, WEFT_EDIVERGED, "it did not differ");
	cr_assert_eq(o.stats.first.line, line, "line %u: %s", o.stats.first.line, o.why);
	cr_assert(strstr(o.why, part), "%s", o.why);
	cr_assert_eq(strncmp(o.why, "run.jsonl:", 10), 0, "%s", o.why);
}

Test(record, replay__is_the_same_without_models_and_tools)
{
	struct stat st;
	char *text;

	record(3);
	cr_assert_eq(squared, 3 * 2, "n=3 and n=-1; the rest is refused or told from before");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	text = slurp();
	cr_assert_eq(count_in(text, "\"type\":\"model\""), 9);
	cr_assert_eq(count_in(text, "\"type\":\"answer\""), 9);
	cr_assert_eq(count_in(text, "\"type\":\"tool\""), 6);
	cr_assert_eq(count_in(text, "\"type\":\"result\""), 6);
	cr_assert_eq(count_in(text, "\"type\":\"end\""), 3);
	cr_assert_eq(count_in(text, "\"chunks\":[7,4]"), 3, "\"Let me see.\" in pieces of 7");
	free(text);
	squared = 0;
	identical(3);
	cr_assert_eq(squared, 0);
}

Test(record, replay__of_nothing)
{
	record(0);
	identical(0);
}

Test(record, differs__in_the_system_prompt)
{
	weft_agent_options opt = { .system = "You test!" };

	record(1);
	differs(&opt, 4, "messages/0/content: recorded \"You test.\", now \"You test!\"");
}

Test(record, differs__in_an_answer_that_was_changed)
{
	record(2);
	change("Once more.", "Twice more.");
	differs(NULL, 12, "step 5: messages/0/content: recorded \"Once more.\", now \"Twice more.\"");
}

Test(record, differs__in_a_result_that_was_changed)
{
	record(1);
	change("\"text\":\"9\"", "\"text\":\"81\"");
	differs(NULL, 10, "step 4: messages/1/content: recorded \"9\", now \"81\"");
}

Test(record, differs__and_moves_no_cursor)
{
	record(1);
	change("\"text\":\"9\"", "\"text\":\"\\u001b[2J\\u009b\\u202e8\"");
	differs(NULL, 10, "recorded \"9\", now \" [2J     8\"");
}

Test(record, differs__in_arguments)
{
	record(1);
	change("\"arguments\":\"{\\\"n\\\":3}\"", "\"arguments\":\"{\\\"n\\\":4}\""); /* of the answer */
	differs(NULL, 6, "step 2: arguments");
}

Test(record, differs__in_the_end)
{
	record(1);
	change("\"type\":\"end\",\"run\":1,\"steps\":5,\"text\":\"It is nine", "\"type\":\"end\",\"run\":1,\"steps\":5,\"text\":\"It is ten");
	differs(NULL, 14, "the end of the run: text: recorded");
}

Test(record, differs__in_a_step_that_does_not_come)
{
	weft_agent_options opt = { .max_tool_iterations = 2 };

	record(1);
	differs(&opt, 12, "step 5: recorded was a question to a model, now the run has ended");
}

Test(record, differs__in_what_it_is_asked)
{
	struct kit k;
	weft_replay *replay;
	weft_msg *answer;
	weft_error err = { 0 };

	record(1);
	cr_assert_eq(weft_replay_open(path, NULL, &replay, &err), 0, "%s", err.message);
	begin(&k);
	k.options.replay = replay;
	k.options.models = NULL;
	cr_assert_eq(weft_models_add_mock(k.models, 0, NULL), 0);
	kit_start(&k, 1);
	answer = kit_say(&k, "What is 4 squared? (0)");
	cr_assert_eq(weft_msg_status(answer), WEFT_EDIVERGED);
	cr_assert(text_has(weft_agent_result_of(answer)->error, "run.jsonl:3: what it was asked: input: recorded"), "%.*s",
	          WEFT_STR_ARG(weft_agent_result_of(answer)->error));
	weft_msg_destroy(answer);
	answer = kit_say(&k, "What is 3 squared? (0)");
	cr_assert_eq(weft_msg_status(answer), 0, "the other run is still there");
	weft_msg_destroy(answer);
	answer = kit_say(&k, "What is 3 squared? (0)");
	cr_assert_eq(weft_msg_status(answer), WEFT_EDIVERGED);
	cr_assert(text_has(weft_agent_result_of(answer)->error, "no run of agent 'Ada' is left"));
	weft_msg_destroy(answer);
	cr_assert_eq(squared, 0, "the host's own tool is not called");
	kit_end(&k);
	weft_replay_unref(replay);
}

/* A recording that is kept: what was written by an earlier weft is still read, and agents still do the same. */
Test(record, fixture__replays)
{
	FILE *from = fopen(WEFT_RECORDING, "r");
	char buf[65536];
	size_t n;

	cr_assert_not_null(from);
	n = fread(buf, 1, sizeof(buf), from);
	fclose(from);
	spill(buf, n);
	identical(3);
}

/* ---- secrets -------------------------------------------------------------------------- */

static int keyed(weft_tool_call *call, void *user)
{
	(void)user;
	weft_tool_return(call, WEFT_STR("{\"access_token\": \"planted-four\", \"sum\": 1, \"cookie\":\"planted-five\"}"));
	return 0;
}

static weft_str hide_six(weft_str text, weft_arena *arena, void *user)
{
	const char *at = memmem(text.ptr, text.len_bytes, "planted-six", 11);

	(void)user;
	return at ? weft_arena_printf(arena, "%.*s[six]%.*s", (int)(at - text.ptr), text.ptr,
	                              (int)(text.len_bytes - (size_t)(at - text.ptr) - 11), at + 11)
	          : text;
}

Test(record, secrets__are_not_in_the_file_and_it_replays)
{
	static const weft_mock_step secret_steps[] = {
		{ .text = "planted-six", .calls = { { "keyed", "{\"api_key\":\"planted-one\"}" } }, .call_count = 1 },
		{ .text = "The key is sk-planted00000000two, use it as Authorization: Bearer planted-three" },
	};
	weft_recorder_options opt = WEFT_RECORDER_OPTIONS_INIT;
	weft_replay_options ropt = WEFT_REPLAY_OPTIONS_INIT;
	weft_recorder *recorder;
	weft_replay *replay;
	weft_agent_options again;
	weft_msg *answer;
	struct kit k;
	char *text;

	setenv("SOME_SERVICE_TOKEN", "planted-zero", 1);
	opt.redact = hide_six;
	kit_init(&k);
	k.mock.steps = secret_steps;
	k.mock.step_count = 2;
	k.mock.chunk_bytes = 5; /* cuts secrets in two */
	k.options.system = "password: planted-seven\nBe kind.";
	kit_tool(&k, "keyed", "{}", keyed, NULL);
	cr_assert_eq(weft_recorder_open(path, &opt, &recorder, NULL), 0);
	k.options.recorder = recorder;
	kit_start(&k, 1);
	answer = kit_say(&k, "my token is planted-zero");
	cr_assert_eq(weft_msg_status(answer), 0);
	cr_assert(text_has(weft_agent_result_of(answer)->text, "planted-three"), "the run itself has what it was given");
	weft_msg_destroy(answer);
	kit_end(&k);
	weft_recorder_unref(recorder);
	text = slurp();
	cr_assert_null(strstr(text, "planted"), "%s", text);
	cr_assert_geq(count_in(text, "[redacted]"), 7);
	cr_assert(strstr(text, "Be kind."));
	cr_assert_eq(count_in(text, "\"type\":\"closed\""), 1, "the last reference closed it");
	free(text);

	/* and again, with the host's own redaction */
	ropt.redact = hide_six;
	cr_assert_eq(weft_replay_open(path, &ropt, &replay, NULL), 0);
	cr_assert_eq(weft_replay_agent_options(replay, 0, &again, NULL), 0);
	kit_init(&k);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
	k.models = weft_models_ref(again.models);
	k.tools = weft_tools_ref(again.tools);
	k.options = again;
	kit_start(&k, 1);
	answer = kit_say(&k, "my token is [redacted]");
	cr_assert_eq(weft_msg_status(answer), 0, "%.*s", WEFT_STR_ARG(weft_agent_result_of(answer)->error));
	weft_msg_destroy(answer);
	kit_end(&k);
	weft_replay_unref(replay);
}

/* ---- files that are not right -------------------------------------------------------------- */

static void refused(int status, uint32_t line, const char *part)
{
	weft_error err = { 0 };
	weft_replay *replay;
	int r = weft_replay_open(path, NULL, &replay, &err);

	cr_assert_eq(r, status, "%s: %s", weft_errname(r), err.message);
	cr_assert_eq(err.line, line, "%u: %s", err.line, err.message);
	cr_assert(strstr(err.message, part), "%s", err.message);
}

Test(record, refused__by_name_and_line)
{
	refused(-ENOENT, 0, "run.jsonl");
	spill("", 0);
	refused(WEFT_EVERSION, 0, "empty");
	spill("hello\n", 6);
	refused(WEFT_EVERSION, 1, "no recording");
	spill("{\"type\":\"recording\",\"version\":99}\n", 35);
	refused(WEFT_EVERSION, 1, "version 99");
}

Test(record, refused__what_is_damaged)
{
	char *text;

	record(1);
	text = slurp();
	spill(text, strlen(text) - 10);
	refused(WEFT_EDAMAGED, 15, "cut off");
	spill(text, (size_t)(strstr(text, "{\"type\":\"closed\"") - text));
	refused(WEFT_EDAMAGED, 14, "not closed");
	spill(text, strlen(text));
	change("{\"type\":\"answer\",\"run\":1,\"step\":1,", "{\"type\":\"answer\" \"run\":1,\"step\":1,");
	refused(WEFT_EPARSE, 5, ":5:");
	spill(text, strlen(text));
	change("{\"type\":\"answer\",\"run\":1,\"step\":1,", "{\"type\":\"answer\",\"run\":1,\"step\":5,");
	refused(WEFT_EDAMAGED, 14, "is missing");
	spill(text, strlen(text));
	change("{\"type\":\"result\",\"run\":1,\"step\":3,", "{\"type\":\"result\",\"run\":1,\"step\":2,");
	refused(WEFT_EDAMAGED, 9, "ends twice");
	spill(text, strlen(text));
	change("{\"type\":\"tool\",\"run\":1,\"step\":2,", "{\"type\":\"tool\",\"run\":7,\"step\":2,");
	refused(WEFT_EDAMAGED, 6, "did not begin");
	spill(text, strlen(text));
	change("{\"type\":\"result\",\"run\":1,\"step\":2,", "{\"type\":\"unheard\",\"run\":1,\"step\":2,");
	refused(WEFT_EDAMAGED, 7, "does not know");
	free(text);
}

/* Any byte turned over: refused, differs, or the same; nothing worse. */
Test(record, any_byte__may_be_wrong)
{
	char *text;
	size_t len;

	record(1);
	text = slurp();
	len = strlen(text);
	for (size_t i = 0; i < len; i += 13) {
		char *copy = malloc(len);
		weft_replay *replay;
		weft_error err = { 0 };

		memcpy(copy, text, len);
		copy[i] = (char)(copy[i] ^ (1 << (i % 8)));
		spill(copy, len);
		free(copy);
		if (weft_replay_open(path, NULL, &replay, &err) == 0)
			weft_replay_unref(replay);
		else
			cr_assert(err.message[0], "no reason at %zu", i);
	}
	for (size_t n = 0; n < len - 1; n += 17) { /* without its last newline it is whole */
		weft_replay_options opt = WEFT_REPLAY_OPTIONS_INIT;
		weft_replay *replay;

		opt.partial = true;
		spill(text, n);
		cr_assert_lt(weft_replay_open(path, NULL, &replay, NULL), 0);
		if (weft_replay_open(path, &opt, &replay, NULL) == 0)
			weft_replay_unref(replay);
	}
	free(text);
}

Test(record, open__what_cannot_be)
{
	weft_recorder *recorder;
	weft_error err = { 0 };
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	weft_agent_def *def;
	char below[96];

	cr_assert_eq(weft_recorder_open(NULL, NULL, &recorder, &err), -EINVAL);
	snprintf(below, sizeof(below), "%s/none/x", folder);
	cr_assert_eq(weft_recorder_open(below, NULL, &recorder, &err), -ENOENT);
	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, &err), 0);
	cr_assert_eq(weft_agent_def_create(&opt, &def, &err), -EINVAL);
	weft_recorder_unref(recorder);
	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, &err), -EEXIST, "a recording is never written over");
	cr_assert(strstr(err.message, path) && strstr(err.message, "give another name or remove it"), "%s", err.message);
	weft_recorder_unref(NULL);
	weft_replay_unref(NULL);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

Test(record, line_too_long__is_noted_and_its_run_left_out)
{
	weft_recorder_options opt = WEFT_RECORDER_OPTIONS_INIT;
	char *system = calloc(1, 9001), *text;
	weft_replay *replay;
	struct kit k;

	opt.line_bytes_max = 4096;
	memset(system, 'x', 9000);
	begin(&k);
	k.options.system = system;
	record_with(&k, &opt, 1);
	free(system);
	text = slurp();
	cr_assert_geq(count_in(text, "\"cut\":9"), 2, "the agent's line and the first question");
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		cr_assert_leq(end - line, 4096);
	free(text);
	cr_assert_eq(weft_replay_open(path, NULL, &replay, NULL), WEFT_EDAMAGED, "the agent itself is cut");
}

Test(record, buffer_full__lines_are_lost_and_counted)
{
	weft_recorder_options opt = WEFT_RECORDER_OPTIONS_INIT;
	weft_recorder_stats stats = { .size = sizeof(stats) };
	weft_recorder *recorder;
	weft_replay *replay;
	weft_error err = { 0 };
	struct kit k;

	opt.buffer_bytes_max = 1; /* only what must be written is */
	begin(&k);
	cr_assert_eq(weft_recorder_open(path, &opt, &recorder, NULL), 0);
	k.options.recorder = recorder;
	kit_start(&k, 1);
	weft_msg_destroy(kit_say(&k, "What is 3 squared?"));
	kit_end(&k);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	cr_assert_eq(weft_recorder_stats_read(recorder, &stats), 0);
	cr_assert_gt(stats.lines_lost, 0);
	cr_assert_eq(stats.runs, 1);
	weft_recorder_unref(recorder);
	cr_assert_eq(weft_replay_open(path, NULL, &replay, &err), WEFT_EDAMAGED, "its beginning is lost");
}

/* ---- messages --------------------------------------------------------------------------------- */

/* The pipeline over an empty store, some messages one after another; a recorder or a replay watches. */
static void converse(weft_recorder *recorder, weft_replay *replay, const char *const *texts, int *ret_status)
{
	static const weft_str json = WEFT_STR("{\"name\":\"Ada\",\"system\":\"You are Ada.\",\"bio\":\"Ada counts.\"}");
	weft_agent_options opt = WEFT_AGENT_OPTIONS_INIT;
	const weft_character *character = NULL;
	weft_uuid room = weft_uuid_v7(), user = weft_uuid_v7();
	weft_models *models = NULL;
	weft_agent_def *def;
	weft_future *future;
	weft_runtime *rt = test_runtime(1);
	weft_ref agent;

	if (replay) {
		cr_assert_eq(weft_replay_agent_options(replay, 0, &opt, NULL), 0);
	} else {
		cr_assert_eq(weft_character_parse(json, "ada", &character, NULL), 0);
		cr_assert_eq(weft_models_create(&models), 0);
		cr_assert_eq(weft_models_add_mock(models, 0, NULL), 0);
		opt.character = character;
		opt.models = models;
		opt.recorder = recorder;
	}
	cr_assert_eq(weft_store_create(NULL, &opt.store), 0);
	cr_assert_eq(weft_agent_def_create(&opt, &def, NULL), 0);
	cr_assert_eq(weft_agent_spawn(rt, def, NULL, &agent), 0);
	cr_assert_eq(weft_future_create(rt, &future), 0);
	for (int i = 0; texts[i]; i++) {
		weft_incoming in = WEFT_INCOMING_INIT;
		weft_msg *answer;

		in.message.room_id = room;
		in.message.entity_id = user;
		in.message.text = weft_str_from(texts[i]);
		cr_assert_eq(weft_agent_handle_message(agent, &in, weft_reply_to_future(future)), 0);
		cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
		*ret_status = weft_msg_status(answer);
		weft_msg_destroy(answer);
	}
	weft_future_destroy(future);
	test_runtime_end(rt);
	weft_agent_def_unref(def);
	weft_store_unref(opt.store);
	weft_models_unref(models);
	weft_character_destroy(character);
}

Test(record, messages__replay_with_the_time_they_had)
{
	static const char *const texts[] = { "Ada, hello", "And again, do you remember?", NULL };
	static const char *const others[] = { "Ada, hello", "And something else", NULL };
	weft_replay_run run = { .size = sizeof(run) };
	weft_replay_stats stats = { .size = sizeof(stats) };
	weft_recorder *recorder;
	weft_replay *replay;
	weft_arena *arena;
	int status = 1;
	char *text;

	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, NULL), 0);
	converse(recorder, NULL, texts, &status);
	cr_assert_eq(status, 0);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	weft_recorder_unref(recorder);
	text = slurp();
	cr_assert_eq(count_in(text, "\"what\":\"time\""), 2);
	free(text);
	sleep(1); /* the prompt shows seconds: another time now */
	cr_assert_eq(weft_replay_open(path, NULL, &replay, NULL), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	status = weft_replay_run_at(replay, 1, arena, &run);
	cr_assert_eq(status, 0, "%s", weft_errname(status));
	cr_assert_eq(run.kind, WEFT_REPLAY_MESSAGE);
	cr_assert(text_is(run.incoming.message.text, texts[1]));
	weft_arena_destroy(arena);
	converse(NULL, replay, texts, &status);
	cr_assert_eq(weft_replay_stats_read(replay, &stats), 0);
	cr_assert_eq(status, 0, "%s", stats.first.message);
	cr_assert_eq(stats.runs_identical, 2);
	weft_replay_unref(replay);
	cr_assert_eq(weft_replay_open(path, NULL, &replay, NULL), 0);
	converse(NULL, replay, others, &status);
	cr_assert_eq(status, WEFT_EDIVERGED);
	weft_replay_unref(replay);
}

/* ---- answers by a schema ------------------------------------------------------------------------- */

Test(record, schema_and_budget__come_back)
{
	static const weft_mock_step json_steps[] = { { .text = "{\"n\":9}" } };
	weft_ask ask = WEFT_ASK_INIT;
	weft_replay_run run = { .size = sizeof(run) };
	weft_recorder *recorder;
	weft_replay *replay;
	weft_arena *arena;
	weft_msg *answer;
	struct kit k;

	kit_init(&k);
	k.mock.steps = json_steps;
	k.mock.step_count = 1;
	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, NULL), 0);
	k.options.recorder = recorder;
	kit_start(&k, 1);
	ask.input = WEFT_STR("a number");
	ask.json_schema = WEFT_STR(SCHEMA);
	ask.budget.tokens = 100000;
	answer = kit_ask(&k, &ask);
	cr_assert_eq(weft_msg_status(answer), 0);
	weft_msg_destroy(answer);
	kit_end(&k);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	weft_recorder_unref(recorder);
	cr_assert_eq(weft_replay_open(path, NULL, &replay, NULL), 0);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_replay_run_at(replay, 0, arena, &run), 0);
	cr_assert(weft_str_eq(run.ask.json_schema, ask.json_schema));
	cr_assert_eq(run.ask.budget.tokens, 100000);
	weft_arena_destroy(arena);
	weft_replay_unref(replay);
	identical(1);
}

/* ---- runs that end early ----------------------------------------------------------------------- */

static weft_model_call *held;

static int hold(weft_model_call *call, void *user)
{
	(void)user;
	__atomic_store_n(&held, call, __ATOMIC_RELEASE);
	return WEFT_PENDING;
}

Test(record, canceled__its_question_is_given_up_and_it_replays_so_far)
{
	weft_recorder *recorder;
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;
	weft_msg *answer;
	struct outcome o;
	struct kit k;
	char *text;

	held = NULL;
	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "hold", hold, NULL, NULL), 0);
	cr_assert_eq(weft_recorder_open(path, NULL, &recorder, NULL), 0);
	k.options.recorder = recorder;
	kit_start(&k, 1);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	ask.input = WEFT_STR("wait");
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		usleep(200);
	weft_model_chunk(held, WEFT_STR("I am"));
	cr_assert_eq(weft_agent_cancel(k.agent, 0), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(answer), -ECANCELED);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_model_chunk(held, WEFT_STR(" late"));
	weft_model_finish(held, 0);
	kit_end(&k);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	weft_recorder_unref(recorder);
	text = slurp();
	cr_assert_eq(count_in(text, "\"type\":\"given_up\""), 1);
	cr_assert_eq(count_in(text, "\"type\":\"answer\""), 0);
	cr_assert(strstr(text, "\"error\":\"ECANCELED\""));
	free(text);
	o = replay_with(NULL, false);
	cr_assert_eq(o.status, 0, "%s", o.why);
	cr_assert_eq(o.stats.runs_identical, 1);
}
