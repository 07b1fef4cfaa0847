/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: programs as tools, from a host's side: what the model is given, what is refused, what a cancel and the
 * end of a runtime do. Method: calls in place (weft_tools_call), and agents with a scripted model; a churn by seed
 * with the laws started == finished and no process left. The walls themselves: tests/unit/sandbox.
 *
 * Where no sandbox can be made the tools run unsandboxed, which is said; what the walls have to do with is skipped.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <weft/exec.h>
#include <weft/sim.h>

#include "tests/support/agents.h"
#include "tests/support/seed.h"

/* Behind walls where that can be. True: it is. */
static bool add(weft_tools *tools, weft_exec_options opt)
{
	weft_error err = { 0 };
	int r = weft_tools_add_exec(tools, &opt, &err);

	if (r == 0)
		return true;
	cr_assert(r == -EPERM || r == -ENOENT || r == -ENOSYS, "%d %s", r, err.message);
	cr_assert(strstr(err.message, "unsandboxed") != NULL, "it says how: %s", err.message);
	fprintf(stderr, "exec: no sandbox here, run without: %s\n", err.message);
	opt.unsandboxed = true;
	cr_assert_eq(weft_tools_add_exec(tools, &opt, &err), 0, "%s", err.message);
	return false;
}

/* One call in place. The text lives in a static arena until the next. */
static weft_str call(const weft_tools *tools, const char *name, const char *arguments, int status)
{
	static weft_arena *arena;
	weft_str text = { 0 };

	weft_arena_destroy(arena);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_expect_eq(weft_tools_call(tools, weft_str_from(name), weft_str_from(arguments), arena, &text), status, "%.*s",
	             WEFT_STR_ARG(text));
	return text;
}

static weft_tools *tools_with(weft_exec_options opt)
{
	weft_tools *tools;

	cr_assert_eq(weft_tools_create(&tools), 0);
	add(tools, opt);
	return tools;
}

static void expect_text(weft_str text, const char *wanted)
{
	cr_expect(text_is(text, wanted), "%.*s", WEFT_STR_ARG(text));
}

static void expect_part(weft_str text, const char *part)
{
	cr_expect(text_has(text, part), "'%s' in %.*s", part, WEFT_STR_ARG(text));
}

/* ---- what the model is given ------------------------------------------------------- */

Test(exec, a_shell)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_tools *tools = tools_with(opt);

	expect_text(call(tools, "shell", "{\"command\":\"echo hello; echo oops >&2; exit 3\"}", 0),
	            "{\"exit_code\":3,\"stdout\":\"hello\\n\",\"stderr\":\"oops\\n\"}");
	expect_text(call(tools, "shell", "{\"command\":\"tr a-z A-Z\",\"stdin\":\"in\"}", 0),
	            "{\"exit_code\":0,\"stdout\":\"IN\",\"stderr\":\"\"}");
	expect_text(call(tools, "shell", "{\"command\":\"printf '\\\\377'\"}", 0),
	            "{\"exit_code\":0,\"stdout\":\"\xef\xbf\xbd\",\"stderr\":\"\"}");
	expect_part(call(tools, "shell", "{\"command\":\"sleep 100\",\"timeout_s\":0.2}", 0), "\"ended\":\"stopped after 0.2 s\"");
	expect_part(call(tools, "shell", "{\"command\":\"no-such-program\"}", 0), "\"exit_code\":127");
	expect_part(call(tools, "shell", "{\"command\":\"a\\u0000b\"}", WEFT_ETOOL), "NUL");
	call(tools, "shell", "{}", WEFT_ESCHEMA);
	call(tools, "shell", "{\"command\":\"true\",\"root\":true}", WEFT_ESCHEMA);
	weft_tools_unref(tools);
}

Test(exec, python)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_tools *tools;

	if (access("/usr/bin/python3", X_OK) < 0)
		cr_skip_test("no /usr/bin/python3");
	opt.kind = WEFT_EXEC_PYTHON;
	tools = tools_with(opt);
	expect_text(call(tools, "python", "{\"code\":\"print(sum(range(10)))\"}", 0),
	            "{\"exit_code\":0,\"stdout\":\"45\\n\",\"stderr\":\"\"}");
	expect_part(call(tools, "python", "{\"code\":\"1/0\"}", 0), "ZeroDivisionError");
	weft_tools_unref(tools);
}

Test(exec, a_program_of_a_list)
{
	static const char *const programs[] = { "/bin/echo", "/bin/cat", NULL };
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_tools *tools;

	opt.kind = WEFT_EXEC_PROGRAM;
	opt.name = "run";
	opt.programs = programs;
	tools = tools_with(opt);
	expect_text(call(tools, "run", "{\"argv\":[\"/bin/echo\",\"$HOME; ls\"]}", 0),
	            "{\"exit_code\":0,\"stdout\":\"$HOME; ls\\n\",\"stderr\":\"\"}");
	expect_part(call(tools, "run", "{\"argv\":[\"/bin/sh\",\"-c\",\"ls\"]}", WEFT_ETOOL), "not among those");
	call(tools, "run", "{\"argv\":[]}", WEFT_ESCHEMA);
	call(tools, "run", "{\"argv\":[1]}", WEFT_ESCHEMA);
	weft_tools_unref(tools);
}

Test(exec, long_output_keeps_both_ends)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_tools *tools;
	weft_str text;

	opt.output_bytes = 2000;
	opt.output_bytes_max = 3000000;
	tools = tools_with(opt);
	text = call(tools, "shell", "{\"command\":\"echo first; seq 100000; echo last\"}", 0);
	expect_part(text, "\"stdout\":\"first\\n1\\n2\\n");
	expect_part(text, "bytes left out ...]");
	expect_part(text, "100000\\nlast\\n");
	cr_expect_lt(text.len_bytes, 5000);
	text = call(tools, "shell", "{\"command\":\"yes\"}", 0);
	expect_part(text, "\"ended\":\"stopped: it printed more than 3000000 bytes\"");
	weft_tools_unref(tools);
}

Test(exec, nothing_of_the_host_is_in_its_environment)
{
	static const char *const env[] = { "GIVEN=yes", NULL };
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_tools *tools;
	weft_str text;

	setenv("OPENAI_API_KEY", "sk-secret", 1);
	opt.env = env;
	tools = tools_with(opt);
	text = call(tools, "shell", "{\"command\":\"env; cat /proc/*/environ 2>/dev/null | tr '\\\\0' '\\\\n'\"}", 0);
	expect_part(text, "GIVEN=yes");
	cr_expect(!text_has(text, "PWD=/root"));
	weft_tools_unref(tools);
}

Test(exec, the_workspace_stays)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	char work[] = "/tmp/weft-test-exec-XXXXXX", path[64];
	weft_tools *tools;

	cr_assert_not_null(mkdtemp(work));
	chmod(work, 0777);
	opt.workspace = work;
	tools = tools_with(opt);
	call(tools, "shell", "{\"command\":\"echo kept >note\"}", 0);
	expect_part(call(tools, "shell", "{\"command\":\"cat note\"}", 0), "kept");
	snprintf(path, sizeof(path), "%s/note", work);
	cr_expect_eq(access(path, F_OK), 0);
	weft_tools_unref(tools);
	unlink(path);
	rmdir(work);
}

/* ---- refusals ------------------------------------------------------------------------- */

Test(exec, without_a_sandbox_it_is_not_added)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_tools *tools;
	int r;

	cr_assert_eq(weft_tools_create(&tools), 0);
	opt.bwrap = "/no/such/bwrap";
	r = weft_tools_add_exec(tools, &opt, &err);
	cr_expect_eq(r, -ENOENT);
	cr_expect_not_null(strstr(err.message, "unsandboxed"), "%s", err.message);
	cr_expect_eq(weft_tools_count(tools), 0);
	opt.unsandboxed = true;
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), 0, "by name it runs without");
	expect_part(call(tools, "shell", "{\"command\":\"echo $((6*7))\"}", 0), "42");
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -EEXIST);
	weft_tools_unref(tools);
}

Test(exec, options_are_checked)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_tools *tools;

	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_expect_eq(weft_tools_add_exec(NULL, &opt, &err), -EINVAL);
	cr_expect_eq(weft_tools_add_exec(tools, NULL, &err), -EINVAL);
	opt.kind = 9;
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -EINVAL);
	opt.kind = 0;
	opt.workspace = "not/absolute";
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -EINVAL);
	opt.workspace = NULL;
	opt.cpu_percent = 50;
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -EINVAL, "nothing would hold it");
	opt.cpu_percent = 0;
	opt.memory_bytes = UINT64_MAX;
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -EINVAL);
	weft_tools_unref(tools);
}

/* A bound that was asked for and cannot be had: no tool, rather than one without it. */
Test(exec, cgroup__that_is_none_is_refused)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_tools *tools;

	cr_assert_eq(weft_tools_create(&tools), 0);
	opt.unsandboxed = true;
	opt.cgroup = "/tmp";
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -ENOTDIR);
	cr_expect_not_null(strstr(err.message, "'/tmp' is no cgroup"), "%s", err.message);
	opt.cgroup = "/sys/fs/cgroup/nowhere";
	cr_expect_eq(weft_tools_add_exec(tools, &opt, &err), -ENOENT);
	cr_expect_eq(weft_tools_count(tools), 0);
	weft_tools_unref(tools);
}

static int configure(weft_tools *tools, const char *json, weft_error *err)
{
	*err = (weft_error){ 0 };
	return weft_tools_add_exec_json(tools, weft_str_from(json), err);
}

Test(exec, from_configuration)
{
	static const char *const bad[] = {
		"{\"kinds\":\"shell\"}", "{\"kind\":\"perl\"}", "{\"network\":1}", "{\"processes\":-1}", "{\"wall_s\":0}",
		"{\"env\":{\"A\":1}}", "{\"binds\":[{\"to\":\"/x\"}]}", "{\"binds\":[{\"from\":\"/x\",\"mode\":\"rw\"}]}",
		"{\"programs\":\"ls\"}", "{\"name\":7}", "[]", "{\"name\":\"a\\u0000b\"}",
	};
	weft_tools *tools;
	weft_error err;

	cr_assert_eq(weft_tools_create(&tools), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(configure(tools, bad[i], &err), WEFT_ECONFIG, "%s: %s", bad[i], err.message);
	cr_expect_eq(configure(tools, "{", &err), WEFT_EPARSE);
	cr_assert_eq(configure(tools, "{\"kind\":\"program\",\"name\":\"run\",\"unsandboxed\":true,\"wall_s\":100,"
	                              "\"env\":{\"A\":\"b\"},\"programs\":[\"/bin/sh\"],\"binds\":[],\"concurrent\":3}", &err),
	             0, "%s", err.message);
	expect_part(call(tools, "run", "{\"argv\":[\"/bin/sh\",\"-c\",\"echo $A\"]}", 0), "b\\n");
	cr_assert_eq(configure(tools, "{\"kind\":\"program\",\"name\":\"brief\",\"unsandboxed\":true,\"wall_s\":0.5,"
	                              "\"programs\":[\"/bin/sh\"]}", &err), 0, "%s", err.message);
	expect_part(call(tools, "brief", "{\"argv\":[\"/bin/sh\",\"-c\",\"sleep 50\"]}", 0), "stopped after 0.5 s");
	weft_tools_unref(tools);
}

static void not_stuck(const char *why, void *user)
{
	(void)user;
	cr_assert_fail("%s", why);
}

Test(exec, a_simulated_machine_has_no_programs)
{
	weft_exec_options exec = WEFT_EXEC_OPTIONS_INIT;
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	weft_error err = { 0 };
	weft_tools *tools;

	opt.stuck = not_stuck;
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_sim_begin(&opt), 0);
	cr_expect_eq(weft_tools_add_exec(tools, &exec, &err), -ENOSYS, "%s", err.message);
	weft_sim_end();
	weft_tools_unref(tools);
}

/* ---- in a run ----------------------------------------------------------------------------- */

static bool nobody_left(void)
{
	int r = 0;

	for (int i = 0; i < 6000 && r >= 0; i++) {
		r = waitpid(-1, NULL, WNOHANG | __WALL);
		if (r >= 0)
			usleep(10000);
	}
	return r < 0;
}

Test(exec, output_is_progress)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "shell", "{\"command\":\"echo one; printf '\\\\303'; sleep 0.05; printf '\\\\251\\\\n'\"}" } }, .call_count = 1 },
		{ .text = "Done." }
	};
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_event *events = calloc(64, sizeof(*events));
	char said[64] = "";
	weft_subscription *sub;
	weft_msg *answer;
	struct kit k;
	int n;

	kit_init(&k);
	k.mock.steps = steps;
	k.mock.step_count = 2;
	add(k.tools, opt);
	kit_start(&k, 2);
	cr_assert_eq(weft_events_subscribe(k.rt, NULL, &sub), 0);
	answer = kit_say(&k, "go");
	cr_expect(text_is(weft_agent_result_of(answer)->text, "Done."));
	test_quiet(k.rt);
	n = weft_events_read(sub, events, 64);
	for (int i = 0; i < n; i++) {
		if (events[i].scope == WEFT_SCOPE_TOOL && events[i].type == WEFT_EVENT_PROGRESS)
			strncat(said, events[i].fields[2].str.ptr, events[i].fields[2].str.len_bytes);
	}
	cr_expect_str_eq(said, "one\n\xc3\xa9\n", "a character is never cut: '%s'", said);
	weft_events_unsubscribe(sub);
	weft_msg_destroy(answer);
	kit_end(&k);
	free(events);
	cr_expect(nobody_left());
}

static weft_future *ask_later(struct kit *k, uint64_t workflow)
{
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	ask.input = WEFT_STR("go");
	ask.workflow_id = workflow;
	cr_assert_eq(weft_future_create(k->rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k->agent, &ask, weft_reply_to_future(future)), 0);
	return future;
}

static weft_msg *answer_of(weft_future *future)
{
	weft_msg *answer = NULL;

	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_future_destroy(future);
	return answer;
}

/* Wait until a program of ours is under way: a file appears in its workspace. */
static void wait_for_file(const char *path)
{
	for (int i = 0; i < 6000 && access(path, F_OK) < 0; i++)
		usleep(10000);
	cr_assert_eq(access(path, F_OK), 0);
}

static void with_a_long_program(struct kit *k, char *work, char *path)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "shell", "{\"command\":\"echo >up; trap '' TERM; sleep 1000; sleep 1000\"}" } }, .call_count = 1 },
		{ .text = "Done." }
	};
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;

	cr_assert_not_null(mkdtemp(work));
	chmod(work, 0777);
	sprintf(path, "%s/up", work);
	kit_init(k);
	k->mock.steps = steps;
	k->mock.step_count = 2;
	opt.workspace = work;
	add(k->tools, opt);
	kit_start(k, 2);
}

Test(exec, a_cancel_kills_the_program)
{
	char work[] = "/tmp/weft-test-exec-XXXXXX", path[64];
	weft_future *future;
	weft_msg *answer;
	struct kit k;

	with_a_long_program(&k, work, path);
	future = ask_later(&k, 77);
	wait_for_file(path);
	cr_assert_eq(weft_agent_cancel(k.agent, 77), 0);
	answer = answer_of(future);
	cr_expect_eq(weft_agent_result_of(answer)->status, -ECANCELED);
	weft_msg_destroy(answer);
	cr_expect(nobody_left(), "while the runtime lives");
	kit_end(&k);
	unlink(path);
	rmdir(work);
}

Test(exec, programs_end_with_their_runtime)
{
	char work[] = "/tmp/weft-test-exec-XXXXXX", path[64];
	weft_future *future;
	weft_msg *answer = NULL;
	struct kit k;

	with_a_long_program(&k, work, path);
	future = ask_later(&k, 0);
	wait_for_file(path);
	cr_assert_eq(weft_runtime_stop(k.rt, 50000000), 0);
	(void)weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	weft_runtime_join(k.rt);
	weft_runtime_destroy(k.rt);
	cr_expect(nobody_left());
	weft_agent_def_unref(k.def);
	weft_models_unref(k.models);
	weft_tools_unref(k.tools);
	unlink(path);
	rmdir(work);
}

/* ---- churn ------------------------------------------------------------------------------------ */

#define AGENTS 6
#define ASKS 60

/* Calls a program by the seed, then answers. */
static const char *const commands[] = {
	"{\"command\":\"true\"}",
	"{\"command\":\"exit 9\"}",
	"{\"command\":\"seq 2000\"}",
	"{\"command\":\"cat\",\"stdin\":\"abc\"}",
	"{\"command\":\"sleep 100\",\"timeout_s\":0.05}",
	"{\"command\":\"kill -9 $$\"}",
	"{\"command\":\"sleep 100 & exit 0\"}",
};

static int model(weft_model_call *call, void *user)
{
	uint64_t *seed = user;
	weft_tool_request *request;

	if (call->request->messages[call->request->message_count - 1].role == WEFT_ROLE_TOOL) {
		call->response->text = WEFT_STR("done");
		return 0;
	}
	request = weft_arena_calloc(call->arena, sizeof(*request));
	cr_assert_not_null(request);
	request->id = WEFT_STR("c1");
	request->name = WEFT_STR("shell");
	request->arguments_json = weft_str_from(
		commands[__atomic_fetch_add(seed, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED) % (sizeof(commands) / sizeof(*commands))]);
	call->response->tool_calls = request;
	call->response->tool_call_count = 1;
	return 0;
}

Test(exec, churn, .timeout = 120)
{
	uint64_t seed = test_seed("exec churn"), model_seed = seed;
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;
	weft_future *futures[ASKS];
	uint32_t completed = 0, canceled = 0, calls = 0;
	weft_agent_stats stats = { .size = sizeof(stats) };
	struct kit k;

	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "drawn", model, &model_seed, NULL), 0);
	opt.concurrent = ASKS;
	add(k.tools, opt);
	kit_start(&k, 2);
	for (uint32_t i = 0; i < ASKS; i++) {
		futures[i] = ask_later(&k, i + 1);
		if (test_below(&seed, 4) == 0)
			cr_assert_eq(weft_agent_cancel(k.agent, test_below(&seed, i + 1) + 1), 0);
		if (test_below(&seed, 6) == 0)
			usleep(test_below(&seed, 20000));
	}
	for (uint32_t i = 0; i < ASKS; i++) {
		weft_msg *answer = answer_of(futures[i]);
		const weft_agent_result *result = weft_agent_result_of(answer);

		cr_assert_not_null(result);
		cr_assert(result->status == 0 || result->status == -ECANCELED, "%d", result->status);
		completed += result->status == 0;
		canceled += result->status == -ECANCELED;
		calls += result->tool_calls;
		weft_msg_destroy(answer);
	}
	cr_expect_eq(completed + canceled, ASKS);
	cr_assert_eq(weft_agent_stats_read(k.def, &stats), 0);
	cr_expect_eq(stats.runs_started, ASKS);
	cr_expect_eq(stats.tool_calls, calls);
	cr_expect(nobody_left());
	kit_end(&k);
}
