/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: runs that ask for permission are in a recording, with who said what and when, and replay from it without anybody
 * being asked. Method: record, replay, and compare each result member by member; then the same of whole lives drawn
 * from a seed, with denials, cancels, and runs that go on in another process's recording.
 */
#include <stdlib.h>
#include <unistd.h>

#include <weft/record.h>

#include "tests/support/approvals.h"
#include "tests/support/seed.h"

#define RESULTS_MAX 100
#define LIVES 2

static char folder[64], book_folder[96], path[LIVES][96];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/weft-record-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	for (int i = 0; i < LIVES; i++)
		snprintf(path[i], sizeof(path[i]), "%s/run%d.jsonl", folder, i);
	snprintf(book_folder, sizeof(book_folder), "%s/book", folder);
}

static void teardown(void)
{
	for (int i = 0; i < LIVES; i++)
		unlink(path[i]);
	rmdir(book_folder);
	rmdir(folder);
}

TestSuite(record_permits, .init = setup, .fini = teardown, .timeout = 120);

/* ---- the file -------------------------------------------------------------------------- */

static char *slurp(const char *from)
{
	FILE *f = fopen(from, "r");
	char *text = NULL;
	size_t size = 0;

	cr_assert_not_null(f);
	cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
	fclose(f);
	return text;
}

static int count_in(const char *from, const char *what)
{
	char *text = slurp(from);
	int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	free(text);
	return n;
}

/* Replace each `from` in the file by `to`. */
static void change(const char *file, const char *from, const char *to)
{
	char *text = slurp(file);
	FILE *f = fopen(file, "w");
	char *rest = text;

	cr_assert_not_null(strstr(text, from), "%s is not in the file", from);
	for (char *at; (at = strstr(rest, from)); rest = at + strlen(from))
		fprintf(f, "%.*s%s", (int)(at - rest), rest, to);
	fputs(rest, f);
	fclose(f);
	free(text);
}

static uint32_t line_of(const char *from, const char *what)
{
	char *text = slurp(from), *at = strstr(text, what);
	uint32_t line = 1;

	cr_assert_not_null(at, "%s is not in the file", what);
	for (char *c = text; c < at; c++)
		line += *c == '\n';
	free(text);
	return line;
}

/* ---- results ------------------------------------------------------------------------------ */

struct results {
	weft_msg *list[RESULTS_MAX];
	uint32_t count;
};

static const weft_agent_result *keep(struct results *all, weft_msg *answer)
{
	cr_assert_lt(all->count, RESULTS_MAX);
	all->list[all->count++] = answer;
	return weft_agent_result_of(answer);
}

static void results_end(struct results *all)
{
	while (all->count)
		weft_msg_destroy(all->list[--all->count]);
}

static bool same_approval(const weft_approval *a, const weft_approval *b)
{
	return weft_uuid_eq(a->id, b->id) && weft_uuid_eq(a->run, b->run) && weft_str_eq(a->agent, b->agent) &&
	       weft_str_eq(a->tool, b->tool) && weft_str_eq(a->arguments, b->arguments) && weft_str_eq(a->why, b->why) &&
	       a->asked_ms == b->asked_ms && a->state == b->state && a->resumed == b->resumed;
}

/* All of a result but for times, and ids of this process. */
static void expect_same(const weft_agent_result *a, const weft_agent_result *b, uint32_t n)
{
	cr_assert_eq(a->status, b->status, "run %u: %s, then %s (%.*s)", n, weft_errname(a->status), weft_errname(b->status),
	             WEFT_STR_ARG(b->error));
	cr_assert(weft_str_eq(a->error, b->error), "run %u: '%.*s', then '%.*s'", n, WEFT_STR_ARG(a->error), WEFT_STR_ARG(b->error));
	cr_assert(weft_str_eq(a->text, b->text), "run %u", n);
	cr_assert_eq(a->responded, b->responded);
	if (a->status != -ECANCELED) { /* which is replayed as far as it went, and ended where it asks next */
		cr_assert_eq(a->tool_calls, b->tool_calls, "run %u", n);
		cr_assert_eq(a->iterations, b->iterations, "run %u", n);
	}
	cr_assert_eq(a->usage.prompt_tokens, b->usage.prompt_tokens, "run %u", n);
	cr_assert_eq(a->usage.completion_tokens, b->usage.completion_tokens);
	cr_assert(weft_uuid_eq(a->suspended_run, b->suspended_run), "run %u", n);
	cr_assert_eq(a->approval_count, b->approval_count, "run %u", n);
	for (uint32_t i = 0; i < a->approval_count; i++)
		cr_assert(same_approval(&a->approvals[i], &b->approvals[i]), "run %u, approval %u", n, i);
}

/* ---- replaying -------------------------------------------------------------------------------- */

static uint32_t asked; /* people, by a book */

static void count_asked(const weft_approval *approval, void *user)
{
	(void)approval;
	(void)user;
	asked++;
}

/* With a book of the host's, which is not to be used. permissions NULL: the recorded ones. */
static void replay_with(const char *from, weft_permissions *permissions, struct results *ret, weft_replay_stats *ret_stats)
{
	weft_approvals_options bopt = WEFT_APPROVALS_OPTIONS_INIT;
	weft_approvals *book;
	weft_replay *replay;
	weft_error err = { 0 };
	weft_arena *arena;
	struct kit k;

	bopt.asked = count_asked;
	cr_assert_eq(weft_approvals_open(&bopt, &book, NULL), 0);
	cr_assert_eq(weft_replay_open(from, NULL, &replay, &err), 0, "%s", err.message);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	kit_make(&k, NULL, 0, NULL, NULL);
	cr_assert_eq(weft_replay_agent_options(replay, 0, &k.options, &err), 0, "%s", err.message);
	k.options.approvals = book;
	if (permissions)
		k.options.permissions = permissions;
	kit_start(&k, 1);
	for (uint32_t i = 0; i < weft_replay_run_count(replay); i++) {
		weft_replay_run run = { .size = sizeof(run) };

		cr_assert_eq(weft_replay_run_at(replay, i, arena, &run), 0);
		cr_assert(run.complete);
		keep(ret, weft_uuid_is_nil(run.resumes) ? kit_ask(&k, &run.ask) : kit_resume(&k, run.resumes));
	}
	ret_stats->size = sizeof(*ret_stats);
	cr_assert_eq(weft_replay_stats_read(replay, ret_stats), 0);
	cr_assert_eq(waiting(book), 0);
	weft_arena_destroy(arena);
	kit_end(&k);
	weft_replay_unref(replay);
	weft_approvals_unref(book);
}

static void expect_identical(const char *from, const struct results *recorded)
{
	struct results again = { .count = 0 };
	weft_replay_stats stats;

	asked = made = 0;
	replay_with(from, NULL, &again, &stats);
	cr_assert_eq(stats.diverged, 0, "%s", stats.first.message);
	cr_assert_eq(again.count, recorded->count);
	cr_assert_eq(stats.runs_identical, recorded->count);
	for (uint32_t i = 0; i < again.count; i++)
		expect_same(weft_agent_result_of(recorded->list[i]), weft_agent_result_of(again.list[i]), i);
	cr_assert_eq(asked, 0, "somebody was asked");
	cr_assert_eq(made, 0, "a tool was called");
	results_end(&again);
}

static void expect_differs(const char *from, weft_permissions *permissions, uint32_t line, const char *what)
{
	struct results again = { .count = 0 };
	weft_replay_stats stats;

	asked = made = 0;
	replay_with(from, permissions, &again, &stats);
	cr_assert_gt(stats.diverged, 0, "it did not differ");
	cr_assert_eq(stats.first.line, line, "%s", stats.first.message);
	cr_assert(strstr(stats.first.message, what), "%s", stats.first.message);
	cr_assert_eq(asked, 0);
	cr_assert_eq(made, 0);
	results_end(&again);
}

/* ---- recording ----------------------------------------------------------------------------------- */

static weft_recorder *record_into(struct kit *k, const char *to)
{
	weft_recorder *recorder;
	weft_error err = { 0 };

	cr_assert_eq(weft_recorder_open(to, NULL, &recorder, &err), 0, "%s", err.message);
	k->options.recorder = recorder;
	return recorder;
}

static void record_end(struct kit *k, weft_recorder *recorder)
{
	kit_end(k);
	cr_assert_eq(weft_recorder_close(recorder), 0);
	weft_recorder_unref(recorder);
}

static void answer_with(weft_approvals *book, weft_uuid id, const char *arguments)
{
	weft_approval_answer a = WEFT_APPROVAL_ANSWER_INIT;

	a.approve = true;
	a.by = "anna";
	a.reason = "less of it";
	a.arguments_json = weft_str_from(arguments);
	cr_assert_eq(weft_approvals_answer(book, id, &a, NULL), 0);
}

static const weft_mock_step paint[] = {
	{ .calls = { { "act", "{\"what\":\"paint\"}" }, { "look", "{}" }, { "shred", "{}" } }, .call_count = 3 },
	{ .text = "Done." }
};

/* One run that is allowed, asks and is denied; resumed too early, answered, resumed, resumed once more. */
static void record_one(struct results *all)
{
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_approvals *book = book_of(NULL);
	const weft_agent_result *first;
	weft_recorder *recorder;
	struct kit k;

	rule(p, WEFT_PERMIT_ASK, "act", "it changes things");
	rule(p, WEFT_PERMIT_DENY, "shred", NULL);
	kit_make(&k, paint, 2, p, book);
	kit_tool(&k, "shred", NULL, act, NULL);
	recorder = record_into(&k, path[0]);
	kit_start(&k, 1);
	first = keep(all, kit_say(&k, "go"));
	cr_assert_eq(first->status, WEFT_EAPPROVAL);
	cr_assert_eq(keep(all, kit_resume(&k, first->suspended_run))->status, -EAGAIN);
	answer_with(book, first->approvals[0].id, "{\"what\":\"chalk\"}");
	cr_assert_eq(keep(all, kit_resume(&k, first->suspended_run))->status, 0);
	cr_assert_eq(keep(all, kit_resume(&k, first->suspended_run))->status, -ENOENT);
	cr_assert_eq(made, 1);
	record_end(&k, recorder);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

Test(record_permits, asked_and_answered__is_in_the_file_and_replays)
{
	struct results all = { .count = 0 };

	record_one(&all);
	cr_expect_eq(count_in(path[0], "\"type\":\"permit\""), 3);
	cr_expect_eq(count_in(path[0], "\"permit\":\"ask\",\"rule\":\"act\",\"why\":\"it changes things\",\"waits\":true"), 1);
	cr_expect_eq(count_in(path[0], "\"permit\":\"allow\",\"rule\":\"default\""), 1);
	cr_expect_eq(count_in(path[0], "\"permit\":\"deny\",\"rule\":\"shred\""), 1);
	cr_expect_eq(count_in(path[0], "\"type\":\"suspended\""), 1);
	cr_expect_eq(count_in(path[0], "\"type\":\"resumed\""), 3);
	cr_expect_eq(count_in(path[0], "\"state\":\"approved\""), 1);
	cr_expect_eq(count_in(path[0], "\"by\":\"anna\",\"reason\":\"less of it\",\"arguments_now\":\"{\\\"what\\\":\\\"chalk\\\"}\",\"answered_ms\":1"), 1);
	expect_identical(path[0], &all);
	results_end(&all);
}

Test(record_permits, a_rule_that_decides_otherwise__is_the_difference)
{
	struct results all = { .count = 0 };
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	uint32_t line;

	record_one(&all);
	results_end(&all);
	line = line_of(path[0], "\"type\":\"permit\"");
	rule(p, WEFT_PERMIT_ASK, "a*", "it changes things");
	rule(p, WEFT_PERMIT_DENY, "l*", NULL);
	expect_differs(path[0], p, line + 1, "step 3: of tool 'look': recorded allow by rule 'default', now deny by rule 'l*'");
	weft_permissions_unref(p);
	p = rules(WEFT_PERMIT_ALLOW);
	expect_differs(path[0], p, line, "step 2: of tool 'act': recorded ask by rule 'act', now allow by rule 'default'");
	weft_permissions_unref(p);
	p = rules(WEFT_PERMIT_ALLOW);
	rule(p, WEFT_PERMIT_ASK, "act", "it changes nothing");
	expect_differs(path[0], p, line, "step 2: why: recorded ...\"t changes things\", now ...\"t changes nothing\"");
	weft_permissions_unref(p);
}

/* The recorded rules are the file's: changed there, they decide otherwise, too. */
Test(record_permits, what_was_changed_by_hand__is_a_difference)
{
	struct results all = { .count = 0 };
	uint32_t line;

	record_one(&all);
	results_end(&all);
	line = line_of(path[0], "\"type\":\"suspended\"");
	change(path[0], "\"tool\":\"act\",\"arguments\":\"{\\\"what\\\":\\\"paint\\\"}\",\"why\"", "\"tool\":\"act\",\"arguments\":\"{}\",\"why\"");
	expect_differs(path[0], NULL, line, "suspended/approvals/0/arguments: recorded \"{}\", now");
}

Test(record_permits, what_was_said_and_is_changed__is_a_difference)
{
	struct results all = { .count = 0 };

	record_one(&all);
	results_end(&all);
	change(path[0], "\"state\":\"approved\"", "\"state\":\"denied\"");
	expect_differs(path[0], NULL, line_of(path[0], "\"type\":\"tool\",\"run\":3"), "");
}

/* One waits, and expires; for the next one there is no place. */
Test(record_permits, no_place_and_no_answer__are_replayed)
{
	weft_approvals_options bopt = WEFT_APPROVALS_OPTIONS_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	struct results all = { .count = 0 };
	const weft_agent_result *first;
	weft_recorder *recorder;
	weft_approvals *book;
	struct kit k;

	bopt.runs_max = 1;
	bopt.expires_ns = 1;
	cr_assert_eq(weft_approvals_open(&bopt, &book, NULL), 0);
	kit_make(&k, act_once, 2, p, book);
	recorder = record_into(&k, path[0]);
	kit_start(&k, 1);
	first = keep(&all, kit_say(&k, "go"));
	cr_assert_eq(first->status, WEFT_EAPPROVAL);
	cr_assert_eq(keep(&all, kit_say(&k, "go"))->status, 0, "refused, and the model says so");
	cr_assert_eq(keep(&all, kit_resume(&k, first->suspended_run))->status, 0);
	cr_assert_eq(made, 0);
	record_end(&k, recorder);
	cr_expect_eq(count_in(path[0], "\"error\":\"ENOSPC\""), 1);
	cr_expect_eq(count_in(path[0], "\"state\":\"expired\""), 1);
	expect_identical(path[0], &all);
	results_end(&all);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* ---- rules now, none then ----------------------------------------------------------------------- */

Test(record_permits, rules_where_there_were_none__differ_when_they_forbid)
{
	struct results all = { .count = 0 };
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_recorder *recorder;
	struct kit k;
	weft_replay_stats stats;

	kit_make(&k, act_once, 2, NULL, NULL);
	recorder = record_into(&k, path[0]);
	kit_start(&k, 1);
	cr_assert_eq(keep(&all, kit_say(&k, "go"))->status, 0);
	record_end(&k, recorder);
	cr_expect_eq(count_in(path[0], "permi"), 0, "nothing is written of rules that are not there");
	expect_identical(path[0], &all);
	results_end(&all);
	replay_with(path[0], p, &all, &stats);
	cr_expect_eq(stats.runs_identical, 1, "they allow it");
	results_end(&all);
	weft_permissions_unref(p);
	p = rules(WEFT_PERMIT_DENY);
	expect_differs(path[0], p, line_of(path[0], "\"type\":\"tool\""), "step 2: recorded was a tool call, now comes what the rules say of a call");
	weft_permissions_unref(p);
}

/* ---- secrets -------------------------------------------------------------------------------------- */

Test(record_permits, secrets__are_not_in_the_file_and_it_replays)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":\"planted-1\",\"token\":\"planted-2\"}" } }, .call_count = 1 }, { .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_approvals *book = book_of(NULL);
	struct results all = { .count = 0 }, again = { .count = 0 };
	const weft_agent_result *first;
	weft_recorder *recorder;
	weft_replay_stats stats;
	struct kit k;

	setenv("PLANTED_API_KEY", "planted-1", 1);
	rule_of(p, WEFT_PERMIT_ASK, "act", "what", "planted*");
	kit_make(&k, steps, 2, p, book);
	recorder = record_into(&k, path[0]);
	kit_start(&k, 1);
	first = keep(&all, kit_say(&k, "go"));
	cr_assert_eq(first->status, WEFT_EAPPROVAL);
	answer_with(book, first->approvals[0].id, "{\"what\":\"planted-1\",\"password\":\"planted-3\"}");
	cr_assert_eq(keep(&all, kit_resume(&k, first->suspended_run))->status, 0);
	expect_text((weft_str){ last_argument, strlen(last_argument) }, "planted-1");
	record_end(&k, recorder);
	for (int i = 1; i <= 3; i++) {
		char what[16];

		snprintf(what, sizeof(what), "planted-%d", i);
		cr_expect_eq(count_in(path[0], what), 0, "%s", what);
	}
	replay_with(path[0], NULL, &again, &stats);
	cr_expect_eq(stats.runs_identical, 2, "%s", stats.first.message);
	unsetenv("PLANTED_API_KEY");
	results_end(&all);
	results_end(&again);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

static uint64_t state;

/* ---- files that are damaged --------------------------------------------------------------------- */

/* A damaged name or prompt may be none that an agent can have. */
static bool is_agent(const weft_agent_options *options)
{
	weft_agent_def *def = NULL;
	weft_error err = { 0 };
	int r = weft_agent_def_create(options, &def, &err);

	if (r < 0)
		cr_assert_gt(strlen(err.message), 0);
	weft_agent_def_unref(def);
	return r == 0;
}

/* Run what there is; how it ends is open, that it ends is not. */
static void run_all(weft_replay *replay)
{
	weft_error err = { 0 };
	weft_arena *arena;
	struct kit k;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	kit_make(&k, NULL, 0, NULL, NULL);
	if (weft_replay_agent_count(replay) && weft_replay_agent_options(replay, 0, &k.options, &err) == 0 && is_agent(&k.options)) {
		kit_start(&k, 1);
		for (uint32_t i = 0; i < weft_replay_run_count(replay); i++) {
			weft_replay_run run = { .size = sizeof(run) };

			if (weft_replay_run_at(replay, i, arena, &run) == 0 && run.complete)
				weft_msg_destroy(weft_uuid_is_nil(run.resumes) ? kit_ask(&k, &run.ask) : kit_resume(&k, run.resumes));
		}
		kit_end(&k);
	} else {
		weft_models_unref(k.models);
		weft_tools_unref(k.tools);
	}
	weft_arena_destroy(arena);
}

/* A byte of each line that holds what is new here is another one, somewhere else each time. */
Test(record_permits, any_byte__may_be_wrong)
{
	struct results all = { .count = 0 };
	uint32_t tried = 0;
	size_t len;
	char *text;

	state = test_seed("record permits, a wrong byte");
	record_one(&all);
	results_end(&all);
	text = slurp(path[0]);
	len = strlen(text);
	for (int i = 0; i < 120; i++) {
		size_t at = test_below(&state, (uint32_t)len);
		char was = text[at];
		weft_replay *replay;
		weft_error err = { 0 };
		FILE *f = fopen(path[1], "w");

		text[at] = "0,\"}z9"[test_below(&state, 6)];
		fputs(text, f);
		fclose(f);
		text[at] = was;
		asked = made = 0;
		if (weft_replay_open(path[1], NULL, &replay, &err) < 0) {
			cr_assert_gt(strlen(err.message), 0);
			continue;
		}
		run_all(replay);
		weft_replay_unref(replay);
		tried++;
		cr_assert_eq(made, 0);
	}
	cr_expect_gt(tried, 20, "most bytes are in texts");
	free(text);
}

/* ---- whole lives ------------------------------------------------------------------------------------ */

static uint32_t serial; /* calls differ: the loop guard is not the matter here */

static int any_model(weft_model_call *call, void *user)
{
	static const char *const tools[] = { "act", "look", "shred", "none" };
	uint32_t n = call->request->message_count > 9 ? 0 : test_below(&state, 4);
	weft_tool_request *calls = weft_arena_alloc(call->arena, 4 * sizeof(*calls));

	(void)user;
	call->response->text = n ? WEFT_STR("") : weft_arena_printf(call->arena, "answer %u", serial++);
	for (uint32_t i = 0; i < n; i++) {
		calls[i].id = weft_arena_printf(call->arena, "call-%u", serial);
		calls[i].name = weft_str_from(tools[test_below(&state, 4)]);
		calls[i].arguments_json = weft_arena_printf(call->arena, "{\"what\":\"%s%u\"}", test_below(&state, 3) ? "x" : "secret", serial++);
	}
	call->response->tool_calls = calls;
	call->response->tool_call_count = n;
	call->response->usage.prompt_tokens = test_below(&state, 100);
	return 0;
}

static weft_tool_call *held;

/* Some wait until they are canceled. */
static int any_tool(weft_tool_call *call, void *user)
{
	(void)user;
	if (test_below(&state, 8) == 0 && !__atomic_load_n(&held, __ATOMIC_RELAXED)) {
		__atomic_store_n(&held, call, __ATOMIC_RELEASE);
		return WEFT_PENDING;
	}
	if (test_below(&state, 8) == 0)
		return weft_tool_fail(call, -EIO, "it broke");
	weft_tool_return(call, WEFT_STR("acted"));
	return 0;
}

/* Wait for a run, and cancel it when a tool of it is held. */
static weft_msg *wait_or_cancel(struct kit *k, weft_future *future)
{
	weft_msg *answer = NULL;

	for (;;) {
		weft_tool_call *call;

		if (weft_future_wait_until(future, &answer, weft_now_ns() + 1000000u) == 0)
			break;
		call = __atomic_exchange_n(&held, NULL, __ATOMIC_ACQUIRE);
		if (!call)
			continue;
		cr_assert_eq(weft_agent_cancel(k->agent, 0), 0);
		cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
		do
			weft_tool_finish(call, -ECANCELED);
		while ((call = __atomic_exchange_n(&held, NULL, __ATOMIC_ACQUIRE)));
		break;
	}
	weft_future_destroy(future);
	return answer;
}

static weft_msg *ask_any(struct kit *k, const weft_uuid *resume)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	cr_assert_eq(weft_future_create(k->rt, &future), 0);
	ask.input = WEFT_STR("go");
	cr_assert_eq(resume ? weft_agent_resume(k->agent, *resume, weft_reply_to_future(future))
	                    : weft_agent_ask(k->agent, &ask, weft_reply_to_future(future)),
	             0);
	return wait_or_cancel(k, future);
}

/* Answer some of what is open, any way. */
static void answer_any(weft_approvals *book)
{
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	for (uint32_t i = 0; i < count; i++) {
		if (list[i].state != WEFT_APPROVAL_OPEN || test_below(&state, 4) == 0)
			continue;
		switch (test_below(&state, 3)) {
		case 0:
			cr_assert_eq(answer(book, list[i].id, false, "not today", NULL), 0);
			break;
		case 1:
			cr_assert_eq(answer(book, list[i].id, true, NULL, NULL), 0);
			break;
		default:
			answer_with(book, list[i].id, "{\"what\":\"other\"}");
		}
	}
	weft_arena_destroy(arena);
}

/* Take up one of the runs that wait. */
static bool resume_any(struct kit *k, weft_approvals *book, struct results *all)
{
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	if (count)
		keep(all, ask_any(k, &list[test_below(&state, count)].run));
	weft_arena_destroy(arena);
	return count > 0;
}

static weft_permissions *some_rules(void)
{
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);

	rule(p, WEFT_PERMIT_ASK, "act", "it changes things");
	rule(p, WEFT_PERMIT_DENY, "shred", "never");
	rule_of(p, WEFT_PERMIT_ASK, "look", "what", "secret*");
	return p;
}

/* One process: new runs, answers, and runs that go on. */
static void live(const char *to, bool serial_calls, uint32_t turns, struct results *all)
{
	weft_permissions *p = some_rules();
	weft_approvals *book = book_of(book_folder);
	weft_recorder *recorder;
	struct kit k;

	kit_make(&k, NULL, 0, p, book);
	weft_tools_unref(k.tools);
	cr_assert_eq(weft_tools_create(&k.tools), 0);
	k.options.tools = k.tools;
	kit_tool(&k, "act", NULL, any_tool, NULL);
	kit_tool(&k, "look", NULL, look, NULL);
	kit_tool(&k, "shred", NULL, any_tool, NULL);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "any", any_model, NULL, NULL), 0);
	k.options.serial_tool_calls = serial_calls;
	recorder = record_into(&k, to);
	kit_start(&k, 1);
	for (uint32_t i = 0; i < turns; i++) {
		answer_any(book);
		if (test_below(&state, 2) || !resume_any(&k, book, all))
			keep(all, ask_any(&k, NULL));
	}
	record_end(&k, recorder);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
}

/* Runs that broke off stay in the folder: they are forgotten, so that it can be removed. */
static void forget_all(void)
{
	weft_approvals *book = book_of(book_folder);
	weft_approval *list;
	weft_arena *arena;
	uint32_t count;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_approvals_list(book, arena, &list, &count), 0);
	for (uint32_t i = 0; i < count; i++) {
		(void)weft_approvals_retry(book, list[i].run);
		(void)weft_approvals_forget(book, list[i].run);
	}
	weft_arena_destroy(arena);
	weft_approvals_unref(book);
	remove_folder(book_folder);
}

/* Each process's recording replays alone, though its runs began in the one before. */
static void lives(bool serial_calls)
{
	struct results all[LIVES] = { { .count = 0 } };

	for (int i = 0; i < LIVES; i++)
		live(path[i], serial_calls, 60, &all[i]);
	for (int i = 0; i < LIVES; i++) {
		expect_identical(path[i], &all[i]);
		results_end(&all[i]);
	}
	forget_all();
}

Test(record_permits, lives__replay_as_they_were)
{
	state = test_seed("record permits");
	lives(false);
}

Test(record_permits, lives_one_call_after_another__replay_as_they_were)
{
	state = test_seed("record permits, serial");
	lives(true);
}
