/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers of MCP as a host meets them, over pipes: tools in a registry, calls from any thread, cancellation,
 * questions, deaths and restarts, ends in every order, configuration files.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <weft/mcp.h>

#include "tests/support/agents.h"
#include "tests/support/folder.h"
#include "tests/support/leap.h"

#define SECOND UINT64_C(1000000000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* What the hooks saw. */
static struct seen {
	uint32_t up, down, tools_changed, progress, questions, gone, closed;
	int down_status;
	char why[200], log[8192];
	weft_mcp_question *question;
} seen;

static void on_log(weft_log_level level, const char *line, void *user)
{
	size_t n;

	(void)level;
	(void)user;
	pthread_mutex_lock(&lock);
	n = strlen(seen.log);
	snprintf(seen.log + n, sizeof(seen.log) - n, "%s\n", line);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void count(uint32_t *what)
{
	pthread_mutex_lock(&lock);
	(*what)++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void on_up(weft_mcp *client, void *user)
{
	(void)client;
	(void)user;
	count(&seen.up);
}

static void on_down(weft_mcp *client, int status, const char *why, void *user)
{
	(void)client;
	(void)user;
	pthread_mutex_lock(&lock);
	seen.down_status = status;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
	pthread_mutex_unlock(&lock);
	count(&seen.down);
}

static void on_tools_changed(weft_mcp *client, void *user)
{
	(void)client;
	(void)user;
	count(&seen.tools_changed);
}

static uint64_t leap_ns; /* that far, when a server tells of its progress: in the client's loop */

static void on_progress(weft_mcp *client, weft_str tool, double progress, double total, weft_str message, void *user)
{
	(void)client;
	(void)tool;
	(void)message;
	(void)user;
	cr_assert_eq(total, 3);
	cr_assert_leq(progress, total);
	test_leap(leap_ns);
	count(&seen.progress);
}

static void on_question(weft_mcp *client, weft_mcp_question *question, void *user)
{
	(void)client;
	(void)user;
	pthread_mutex_lock(&lock);
	seen.question = question;
	pthread_mutex_unlock(&lock);
	count(&seen.questions);
}

static void on_gone(weft_mcp *client, weft_mcp_question *question, void *user)
{
	(void)client;
	(void)user;
	cr_assert_eq(question, seen.question);
	count(&seen.gone);
}

static void on_closed(void *user)
{
	(void)user;
	count(&seen.closed);
}

static void wait_for(const uint32_t *what, uint32_t least)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (*what < least && r == 0)
		r = pthread_cond_timedwait(&changed, &lock, &until);
	pthread_mutex_unlock(&lock);
	cr_assert_eq(r, 0, "it did not come: %s", seen.log);
}

static void wait_for_log(const char *text)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (!strstr(seen.log, text) && r == 0)
		r = pthread_cond_timedwait(&changed, &lock, &until);
	pthread_mutex_unlock(&lock);
	cr_assert_eq(r, 0, "never logged '%s': %s", text, seen.log);
}

static const char *server_args[3];

static weft_mcp_options options_of(const char *mode, const char *file)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;

	memset(&seen, 0, sizeof(seen));
	server_args[0] = mode;
	server_args[1] = file;
	opt.name = "t";
	opt.command = MCP_SERVER;
	opt.args = server_args;
	opt.backoff_ns = SECOND / 100;
	opt.log = on_log;
	opt.hooks = (weft_mcp_hooks){ .up = on_up,
		                      .down = on_down,
		                      .tools_changed = on_tools_changed,
		                      .progress = on_progress,
		                      .question = on_question,
		                      .question_gone = on_gone,
		                      .closed = on_closed };
	return opt;
}

static weft_mcp *open_with(weft_runtime *rt, const weft_mcp_options *opt)
{
	weft_mcp *client = NULL;
	weft_error err = { 0 };

	cr_assert_eq(weft_mcp_open(rt, opt, &client, &err), 0, "%s", err.message);
	return client;
}

/* And until nothing is told any more. */
static void end_with(weft_mcp *client)
{
	weft_mcp_unref(client);
	wait_for(&seen.closed, 1);
}

static weft_tools *tools_of(weft_mcp *client)
{
	weft_tools *tools;
	weft_error err = { 0 };

	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_geq(weft_tools_add_mcp(tools, client, NULL, &err), 11, "%s", err.message);
	return tools;
}

static void expect_call(const weft_tools *tools, const char *name, const char *arguments, int status, const char *expected)
{
	weft_arena *arena;
	weft_str text = { 0 };

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_tools_call(tools, weft_str_from(name), weft_str_from(arguments), arena, &text), status, "%.*s",
	             WEFT_STR_ARG(text));
	cr_assert(strstr(text.ptr, expected) != NULL, "said: %.*s", WEFT_STR_ARG(text));
	weft_arena_destroy(arena);
}

Test(mcp, tools_are_called)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client = open_with(NULL, &opt);
	weft_tools *tools = tools_of(client);
	weft_mcp_info info = WEFT_MCP_INFO_INIT;
	uint32_t flags = 0;

	expect_call(tools, "t_echo", "{\"text\":\"hello\\nworld\"}", 0, "hello\nworld");
	expect_call(tools, "t_add", "{\"a\":2,\n\"b\":3}", 0, "5");
	expect_call(tools, "t_add", "{\"a\":2}", WEFT_ESCHEMA, "invalid arguments"); /* our own check: the server is not asked */
	expect_call(tools, "t_fail", "{}", WEFT_ETOOL, "it went wrong, as it was asked to");
	expect_call(tools, "t_refuse", "{}", WEFT_ETOOL, "not today (error -32000 of the server 't')");
	expect_call(tools, "t_steps", "{}", 0, "done");
	expect_call(tools, "t_env", "{\"text\":\"WEFT_SECRET\"}", 0, "(not set)");
	expect_call(tools, "t_big", "{}", 0, "[37856 more bytes left out]");
	cr_assert_eq(seen.progress, 3);
	cr_assert_eq(weft_mcp_get_info(client, &info), 0);
	cr_assert(info.up);
	cr_assert_eq(info.calls, 7);
	cr_assert_eq(info.failures, 2);
	cr_assert_eq(info.tools, 11);
	cr_assert_str_eq(info.server, "test-server");
	cr_assert_str_eq(info.protocol, "2025-06-18");
	cr_assert_eq(weft_tools_flags(tools, WEFT_STR("t_echo"), &flags), 0);
	cr_assert_eq(flags, WEFT_TOOL_READ_ONLY);
	cr_assert_eq(weft_tools_flags(tools, WEFT_STR("t_fail"), &flags), 0);
	cr_assert_eq(flags, WEFT_TOOL_DESTRUCTIVE | WEFT_TOOL_OPEN_WORLD);
	weft_mcp_unref(client); /* the tools hold it */
	expect_call(tools, "t_echo", "{\"text\":\"still\"}", 0, "still");
	weft_tools_unref(tools);
}

Test(mcp, requests_and_lists)
{
	weft_mcp_options opt = options_of("chatty", NULL);
	weft_mcp *client = open_with(NULL, &opt);
	weft_arena *arena;
	weft_str text;

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("resources/list"), (weft_str){ 0 }, 0, arena, &text), 0);
	cr_assert_str_eq(text.ptr, "{\"resources\":[{\"uri\":\"a:1\",\"name\":\"one\"},{\"uri\":\"a:2\",\"name\":\"two\"}]}");
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("resources/read"), WEFT_STR("{\"uri\":\"a:1\"}"), 0, arena, &text), 0);
	cr_assert_str_eq(text.ptr, "{\"contents\":[{\"uri\":\"a:1\",\"text\":\"words\"}]}");
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("no/such"), WEFT_STR("{}"), 0, arena, &text), -EREMOTEIO);
	cr_assert_str_eq(text.ptr, "Method not found");
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("prompts/list"), WEFT_STR("{}"), 0, arena, &text), -EOPNOTSUPP);
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("x"), WEFT_STR("[]"), 0, arena, &text), -EINVAL);
	cr_assert_eq(weft_mcp_request_wait(client, WEFT_STR("x"), WEFT_STR("{"), 0, arena, &text), WEFT_EPARSE);
	cr_assert_eq(weft_mcp_instructions(client, arena, &text), 0);
	cr_assert_str_eq(text.ptr, "Use it with care.");
	wait_for_log("no JSON: Welcome to the test server!");
	weft_arena_destroy(arena);
	weft_mcp_unref(client);
}

Test(mcp, a_server_that_dies_is_started_again_and_nothing_repeated)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client = open_with(NULL, &opt);
	weft_tools *tools = tools_of(client);
	weft_mcp_info info = WEFT_MCP_INFO_INIT;

	for (uint32_t round = 1; round <= 3; round++) {
		expect_call(tools, "t_die", "{}", WEFT_ETOOL, "was lost during the call; it may have done it or not");
		expect_call(tools, "t_echo", "{\"text\":\"again\"}", 0, "again"); /* waits for the next session */
	}
	cr_assert_str_eq(seen.why, "the server has ended with status 7: dying as asked");
	cr_assert_eq(weft_mcp_get_info(client, &info), 0);
	cr_assert_eq(info.starts, 4);
	cr_assert_eq(info.losses, 3);
	cr_assert_eq(info.changes, 0);
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

Test(mcp, servers_that_do_not_start)
{
	weft_mcp_options opt = options_of("exit", NULL);
	weft_mcp *client;
	weft_tools *tools;
	weft_error err = { 0 };

	opt.restarts_max = 1;
	client = open_with(NULL, &opt);
	cr_assert_eq(weft_mcp_wait(client, 60 * SECOND, &err), -EPIPE);
	cr_assert_str_eq(err.message, "MCP server 't': the server has ended with status 4: no configuration");
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_mcp(tools, client, NULL, &err), -EPIPE);
	wait_for(&seen.down, 2);
	wait_for_log("the next call tries again");
	end_with(client);

	opt = options_of(NULL, NULL);
	opt.command = "/no/such/program";
	client = open_with(NULL, &opt);
	cr_assert_eq(weft_mcp_wait(client, 60 * SECOND, &err), -ENOENT);
	cr_assert(strstr(err.message, "'/no/such/program' could not be started") != NULL, "%s", err.message);
	end_with(client);

	opt = options_of("silent", NULL);
	opt.start_ns = SECOND / 20;
	client = open_with(NULL, &opt);
	cr_assert_eq(weft_mcp_wait(client, 60 * SECOND, &err), -ETIMEDOUT);
	end_with(client);
	weft_tools_unref(tools);
}

Test(mcp, a_second_start_may_succeed)
{
	char folder[256];
	char file[300];
	weft_mcp_options opt;
	weft_mcp *client;
	weft_tools *tools;

	test_folder(folder);
	snprintf(file, sizeof(file), "%s/started", folder);
	opt = options_of("crash-once", file);
	client = open_with(NULL, &opt);
	wait_for(&seen.up, 1);
	tools = tools_of(client);
	expect_call(tools, "t_echo", "{\"text\":\"yes\"}", 0, "yes");
	weft_tools_unref(tools);
	weft_mcp_unref(client);
	test_folder_remove(folder);
}

Test(mcp, patience_ends)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client;
	weft_tools *tools;

	test_leaps();
	leap_ns = opt.call_ns = TEST_HOUR;
	client = open_with(NULL, &opt);
	tools = tools_of(client);
	expect_call(tools, "t_slow", "{}", WEFT_ETOOL, "did not answer in time");
	wait_for_log("cancelled"); /* the server was told, and says so */
	expect_call(tools, "t_echo", "{\"text\":\"well\"}", 0, "well");
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

static void *answer_thread(void *arg)
{
	weft_error err = { 0 };

	(void)arg;
	wait_for(&seen.questions, 1);
	cr_assert(weft_str_eq(weft_mcp_question_method(seen.question), WEFT_STR("elicitation/create")));
	cr_assert_eq(weft_mcp_answer(seen.question, WEFT_STR("{\"action\":\"accept\",\"content\":{}}"), &err), WEFT_ESCHEMA);
	cr_assert_eq(weft_mcp_answer(seen.question, WEFT_STR("no"), &err), WEFT_EPARSE);
	cr_assert_eq(weft_mcp_answer(seen.question, WEFT_STR("{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}"), &err), 0);
	wait_for(&seen.questions, 2);
	weft_mcp_decline(seen.question, "nobody is here");
	return NULL;
}

Test(mcp, questions_are_answered_from_anywhere)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client;
	weft_tools *tools;
	pthread_t thread;

	opt.flags = WEFT_MCP_ELICITATION;
	client = open_with(NULL, &opt);
	tools = tools_of(client);
	pthread_create(&thread, NULL, answer_thread, NULL);
	expect_call(tools, "t_ask", "{}", 0, "{\"action\":\"accept\",\"content\":{\"name\":\"Ann\",\"age\":7}}");
	expect_call(tools, "t_ask", "{}", 0, "declined");
	pthread_join(thread, NULL);
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

static void *ask_thread(void *tools)
{
	expect_call(tools, "t_ask", "{}", WEFT_ETOOL, "the server 't' was lost during the call");
	return NULL;
}

Test(mcp, a_question_may_outlive_its_session)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client;
	weft_tools *tools;
	pthread_t thread;

	opt.flags = WEFT_MCP_ELICITATION;
	client = open_with(NULL, &opt);
	tools = tools_of(client);
	pthread_create(&thread, NULL, ask_thread, tools);
	wait_for(&seen.questions, 1);
	weft_mcp_close(client);
	pthread_join(thread, NULL);
	wait_for(&seen.gone, 1);
	cr_assert_eq(weft_mcp_answer(seen.question, WEFT_STR("{\"action\":\"cancel\"}"), NULL), 0);
	expect_call(tools, "t_echo", "{}", WEFT_ETOOL, "closed");
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

Test(mcp, tools_that_change_are_for_new_registries)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client = open_with(NULL, &opt);
	weft_tools *tools = tools_of(client), *newer;
	weft_mcp_info info = WEFT_MCP_INFO_INIT;

	expect_call(tools, "t_more", "{}", 0, "there is one more");
	wait_for(&seen.tools_changed, 1);
	cr_assert_eq(weft_tools_count(tools), 11);
	newer = tools_of(client);
	cr_assert_eq(weft_tools_count(newer), 12);
	cr_assert_eq(weft_mcp_get_info(client, &info), 0);
	cr_assert_eq(info.changes, 1);
	expect_call(tools, "t_more", "{\"text\":\"late\"}", 0, "there is one more"); /* the list changes while it is read */
	wait_for(&seen.tools_changed, 2);
	cr_assert_eq(weft_mcp_get_info(client, &info), 0);
	cr_assert_eq(info.tools, 13);
	weft_tools_unref(newer);
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

Test(mcp, names_are_made_to_fit)
{
	static const char *const env[] = { "MCP_NAMES=files.read all/of it: a name that is far longer than any model would take it", NULL };
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client;
	weft_tools *tools;
	weft_error err = { 0 };

	opt.env = env;
	client = open_with(NULL, &opt);
	tools = tools_of(client);
	cr_assert_eq(weft_tools_count(tools), 12);
	cr_assert(strstr(weft_tools_json(tools).ptr, "\"t_files_read_all_of_it__a_name_that_is_far_longer_than__") != NULL, "%s",
	          weft_tools_json(tools).ptr);
	wait_for_log("a schema is not checked here"); /* its pattern is none of ours; the server checks */
	cr_assert_eq(weft_tools_add_mcp(tools, client, NULL, &err), -EEXIST);
	cr_assert_eq(weft_tools_count(tools), 12);
	cr_assert_eq(weft_tools_add_mcp(tools, client, "other", &err), 12);
	expect_call(tools, "other_echo", "{\"text\":\"hi\"}", 0, "hi");
	weft_tools_unref(tools);
	weft_mcp_unref(client);
}

/* ---- inside a runtime ---------------------------------------------------------------------- */

/* A model that has the tool called that the user names, and then says what it said. */
static int obey(weft_model_call *call, void *user)
{
	const weft_model_request *q = call->request;
	const weft_chat_message *last = &q->messages[q->message_count - 1];
	weft_tool_request *calls = weft_arena_calloc(call->arena, sizeof(*calls));

	(void)user;
	if (last->role == WEFT_ROLE_TOOL) {
		call->response->text = last->content;
		return 0;
	}
	calls->id = WEFT_STR("call");
	calls->name = last->content;
	calls->arguments_json = WEFT_STR("{\"text\":\"over\"}");
	call->response->tool_calls = calls;
	call->response->tool_call_count = 1;
	return 0;
}

Test(mcp, agents_call_from_workers)
{
	struct kit k;
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client;
	weft_error err = { 0 };
	weft_msg *answer;
	weft_ask ask = WEFT_ASK_INIT;
	weft_future *future;

	kit_init(&k);
	k.rt = test_runtime(2);
	client = open_with(k.rt, &opt);
	cr_assert_eq(weft_tools_add_mcp(k.tools, client, NULL, &err), 11, "%s", err.message);
	weft_mcp_unref(client);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "obey", obey, NULL, NULL), 0);
	cr_assert_eq(weft_agent_def_create(&k.options, &k.def, &err), 0, "%s", err.message);
	cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &k.agent), 0);
	for (int i = 0; i < 20; i++) { /* each fifth time the server dies */
		answer = kit_say(&k, i % 5 == 4 ? "t_die" : "t_echo");
		cr_assert(text_has(weft_agent_result_of(answer)->text, i % 5 == 4 ? "may have done it or not" : "over"));
		weft_msg_destroy(answer);
	}

	ask.input = WEFT_STR("t_slow");
	ask.workflow_id = weft_workflow_id(k.rt);
	seen.progress = 0;
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	wait_for(&seen.progress, 1); /* the server is at it */
	cr_assert_eq(weft_agent_cancel(k.agent, ask.workflow_id), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	wait_for_log("says: cancelled");
	kit_end(&k);
}

Test(mcp, ends_in_every_order)
{
	for (int order = 0; order < 6; order++) {
		weft_mcp_options opt = options_of(order % 2 ? "deaf" : NULL, NULL);
		weft_runtime *rt = test_runtime(1);
		weft_mcp *client = open_with(rt, &opt);

		if (order >= 2)
			cr_assert_eq(weft_mcp_wait(client, 60 * SECOND, NULL), 0);
		if (order >= 4)
			weft_mcp_close(client);
		if (order == 3 || order == 0) {
			weft_mcp_unref(client);
			test_runtime_end(rt);
		} else {
			test_runtime_end(rt);
			weft_error err = { 0 };
			int r = weft_mcp_wait(client, 60 * SECOND, &err);

			cr_assert_eq(r, -ESHUTDOWN, "order %d: %s, %s", order, weft_errname(r), err.message);
			cr_assert_eq(weft_mcp_request(client, WEFT_STR("ping"), (weft_str){ 0 }, 0, (weft_mcp_done_fn)abort, NULL), -ESHUTDOWN);
			weft_mcp_unref(client);
		}
	}
}

/* ---- configuration --------------------------------------------------------------------------- */

static int load(const char *text, weft_mcp **clients, uint32_t cap, weft_error *err)
{
	char folder[256];
	char path[300];
	weft_mcp_options base = options_of(NULL, NULL);
	FILE *f;
	int r;

	test_folder(folder);
	snprintf(path, sizeof(path), "%s/mcp.json", folder);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	r = weft_mcp_load(NULL, path, &base, clients, cap, err);
	test_folder_remove(folder);
	return r;
}

Test(mcp, servers_of_a_file)
{
	weft_mcp *clients[2] = { NULL };
	weft_error err = { 0 };
	weft_tools *tools;

	setenv("MCP_TEST_WORD", "from outside", 1);
	cr_assert_eq(load("{\"mcpServers\":{\"my server\":{\"command\":\"" MCP_SERVER "\",\"args\":[\"${NOT_SET:-chatty}\"],"
	                  "\"env\":{\"WORD\":\"<${MCP_TEST_WORD}>\"},\"autoApprove\":[1]},\"off\":{\"disabled\":true,\"command\":\"x\"}}}",
	                  clients, 2, &err), 1, "%s", err.message);
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_mcp(tools, clients[0], NULL, &err), 11, "%s", err.message);
	expect_call(tools, "my_server_env", "{\"text\":\"WORD\"}", 0, "<from outside>");
	weft_tools_unref(tools);
	weft_mcp_unref(clients[0]);
}

static void refused(const char *text, int status, const char *expected)
{
	weft_mcp *clients[1];
	weft_error err = { 0 };

	cr_assert_eq(load(text, clients, 1, &err), status, "%s: %s", text, err.message);
	cr_assert(strstr(err.message, expected) != NULL, "%s", err.message);
}

Test(mcp, files_that_are_wrong)
{
	weft_mcp *clients[1];
	weft_error err = { 0 };

	refused("{", WEFT_EPARSE, "mcp.json:1:2");
	refused("{\"servers\":{}}", WEFT_ECONFIG, "no object \"mcpServers\"");
	refused("{\"mcpServers\":{\"a\":{}}}", WEFT_ECONFIG, "server 'a': it needs a command or a url");
	refused("{\"mcpServers\":{\"a\":{\"command\":\"x\",\"url\":\"http://h\"}}}", WEFT_ECONFIG, "not both");
	refused("{\"mcpServers\":{\"a\":{\"command\":7}}}", WEFT_ECONFIG, "command must be text");
	refused("{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":\"y\"}}}", WEFT_ECONFIG, "args must be a list");
	refused("{\"mcpServers\":{\"a\":{\"command\":\"x\",\"env\":{\"A\":\"${NO_SUCH_VARIABLE_HERE}\"}}}}", WEFT_ECONFIG,
	        "env needs the environment variable NO_SUCH_VARIABLE_HERE");
	refused("{\"mcpServers\":{\"a\":{\"url\":\"ftp://h\"}}}", -EPROTONOSUPPORT, "'a'");
	refused("{\"mcpServers\":{\"a\":{\"type\":\"sse\",\"url\":\"http://h\"}}}", WEFT_ECONFIG, "sse is the transport of 2024");
	refused("{\"mcpServers\":{\"a\":{\"command\":\"" MCP_SERVER "\"},\"b\":{\"command\":\"x\"}}}", -E2BIG, "more than 1");
	cr_assert_eq(weft_mcp_load(NULL, "/no/such/file", NULL, clients, 1, &err), -ENOENT);
}

Test(mcp, options_are_checked)
{
	weft_mcp_options opt = options_of(NULL, NULL);
	weft_mcp *client = NULL;
	weft_error err = { 0 };

	opt.name = "a b";
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL);
	opt.name = "a";
	opt.url = "http://h";
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL);
	opt.url = NULL;
	opt.flags = WEFT_MCP_SAMPLING;
	opt.hooks.question = NULL;
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL);
	opt.flags = 0;
	opt.env = (const char *const[]){ "NOVALUE", NULL };
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL);
	opt.size--;
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL);
	cr_assert_null(client);
}
