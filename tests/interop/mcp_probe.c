/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/interop/mcp_probe.c - asks an MCP server what it is told to, and prints what comes back.
 *
 *   mcp-probe [STEP ARGUMENT...]... -- (URL | COMMAND [ARGUMENT...])
 *
 * Steps: "tools" lists their names; "call NAME JSON" prints "ok TEXT" or "failed TEXT"; "request METHOD JSON" prints
 * status and result; "run COMMAND" has the shell run it; "info" prints server, version and protocol; "progress" and "questions" print how many came. Questions
 * are answered with what their forms preset. Exit status 1 when the server does not start.
 *
 * For servers that want authorization, MCP_PROBE_OPEN is a program that is given the address a person would open, and prints where it
 * was sent to. MCP_CONFORMANCE_CONTEXT is an object with client_id, client_secret, private_key_pem, as the conformance scenarios
 * give it; MCP_CONFORMANCE_SCENARIO is the name of one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

static unsigned questions, progress;

static void on_log(weft_log_level level, const char *line, void *user)
{
	(void)user;
	if (level >= WEFT_LOG_INFO || getenv("MCP_PROBE_LOG"))
		fprintf(stderr, "%s\n", line);
}

static void on_progress(weft_mcp *client, weft_str tool, double at, double total, weft_str message, void *user)
{
	(void)client;
	(void)tool;
	(void)at;
	(void)total;
	(void)message;
	(void)user;
	__atomic_fetch_add(&progress, 1, __ATOMIC_RELAXED);
}

static void on_question(weft_mcp *client, weft_mcp_question *question, void *user)
{
	weft_error err = { 0 };
	bool form = weft_str_eq(weft_mcp_question_method(question), WEFT_STR("elicitation/create"));

	(void)client;
	(void)user;
	__atomic_fetch_add(&questions, 1, __ATOMIC_RELAXED);
	if (weft_mcp_answer(question,
	                    form ? WEFT_STR("{\"action\":\"accept\"}") :
	                           WEFT_STR("{\"role\":\"assistant\",\"model\":\"probe\",\"content\":{\"type\":\"text\",\"text\":\"a sample\"}}"),
	                    &err) < 0) {
		fprintf(stderr, "the form is not filled in by its defaults: %s\n", err.message);
		weft_mcp_decline(question, "no defaults");
	}
}

/* ---- authorization ------------------------------------------------------------------ */

struct visit {
	weft_mcp *client; /* a reference */
	char url[16384];
};

/* What a person and a browser would do, in a thread of its own since it takes its time. */
static void *visit(void *arg)
{
	struct visit *v = arg;
	const char *opener = getenv("MCP_PROBE_OPEN");
	char command[sizeof(v->url) + 1024], redirect[16384] = "";
	FILE *out = NULL;

	if (opener && !strchr(v->url, '\'')) {
		snprintf(command, sizeof(command), "%s '%s'", opener, v->url);
		out = popen(command, "r");
	}
	if (!out || !fgets(redirect, sizeof(redirect), out) || weft_mcp_authorize(v->client, weft_str_from(redirect)) < 0)
		weft_mcp_refuse(v->client);
	if (out)
		pclose(out);
	weft_mcp_unref(v->client);
	free(v);
	return NULL;
}

static void on_open(weft_mcp *client, const char *url, void *user)
{
	struct visit *v = malloc(sizeof(*v));
	pthread_t thread;

	(void)user;
	if (!v)
		exit(2);
	v->client = weft_mcp_ref(client);
	snprintf(v->url, sizeof(v->url), "%s", url);
	if (pthread_create(&thread, NULL, visit, v) != 0)
		exit(2);
	pthread_detach(thread);
}

static const char *context_text(weft_json context, const char *name)
{
	weft_str text;

	return weft_json_get_str(weft_json_find(context, weft_str_from(name)), &text) ? strndup(text.ptr, text.len_bytes) : NULL;
}

static void oauth_fill(weft_mcp_oauth *oauth)
{
	const char *scenario = getenv("MCP_CONFORMANCE_SCENARIO"), *context = getenv("MCP_CONFORMANCE_CONTEXT");
	weft_json_doc *doc = NULL;

	*oauth = (weft_mcp_oauth)WEFT_MCP_OAUTH_INIT;
	oauth->open = on_open;
	oauth->redirect_uri = "http://127.0.0.1:9/callback"; /* nobody listens: the opener sees where it is sent */
	if (!scenario)
		return;
	if (strstr(scenario, "2025-03-26"))
		oauth->flags |= WEFT_MCP_OAUTH_OLD_SERVERS;
	if (strstr(scenario, "cimd"))
		oauth->client_document = "https://conformance-test.local/client-metadata.json";
	if (strstr(scenario, "client-credentials"))
		oauth->flags |= WEFT_MCP_OAUTH_MACHINE;
	if (!context || weft_json_parse(weft_str_from(context), &doc, NULL) < 0)
		return;
	oauth->client_id = context_text(weft_json_root(doc), "client_id");
	oauth->client_secret = context_text(weft_json_root(doc), "client_secret");
	oauth->client_key = context_text(weft_json_root(doc), "private_key_pem");
	weft_json_release(doc);
}

/* ---- steps -------------------------------------------------------------------------- */

static void call(const weft_tools *tools, const char *name, const char *arguments)
{
	weft_arena *arena;
	weft_str text = { "", 0 };
	int r;

	if (weft_arena_create(0, &arena) < 0)
		exit(2);
	r = weft_tools_call(tools, weft_str_from(name), weft_str_from(arguments), arena, &text);
	printf("%s %.*s\n", r == 0 ? "ok" : "failed", WEFT_STR_ARG(text));
	weft_arena_destroy(arena);
}

static void request(weft_mcp *client, const char *method, const char *params)
{
	weft_arena *arena;
	weft_str text = { "", 0 };
	int r;

	if (weft_arena_create(0, &arena) < 0)
		exit(2);
	r = weft_mcp_request_wait(client, weft_str_from(method), weft_str_from(params), 0, arena, &text);
	printf("%s %.*s\n", r == 0 ? "ok" : weft_errname(r), WEFT_STR_ARG(text));
	weft_arena_destroy(arena);
}

static void list(const weft_tools *tools)
{
	weft_json_doc *doc = NULL;
	weft_json_iter it;
	weft_str name = { "", 0 };

	if (!weft_tools_count(tools) || weft_json_parse(weft_tools_json(tools), &doc, NULL) < 0)
		return;
	for (it = weft_json_iter_begin(weft_json_root(doc)); weft_json_iter_next(&it);) {
		weft_json_get_str(weft_json_find(weft_json_find(it.value, WEFT_STR("function")), WEFT_STR("name")), &name);
		printf("tool %.*s\n", WEFT_STR_ARG(name));
	}
	weft_json_release(doc);
}

static void info(const weft_mcp *client)
{
	weft_mcp_info i = WEFT_MCP_INFO_INIT;

	weft_mcp_get_info(client, &i);
	printf("server %s %s, protocol %s, %u tools\n", i.server, i.server_version, i.protocol, i.tools);
}

static void steps(weft_mcp *client, const weft_tools *tools, char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (!strcmp(*argv, "tools")) {
			list(tools);
		} else if (!strcmp(*argv, "info")) {
			info(client);
		} else if (!strcmp(*argv, "progress")) {
			printf("progress %u\n", progress);
		} else if (!strcmp(*argv, "questions")) {
			printf("questions %u\n", questions);
		} else if (!strcmp(*argv, "run") && argv[1]) {
			printf("run %d\n", system(*++argv));
		} else if (!strcmp(*argv, "call") && argv[1] && argv[2]) {
			call(tools, argv[1], argv[2]);
			argv += 2;
		} else if (!strcmp(*argv, "request") && argv[1] && argv[2]) {
			request(client, argv[1], argv[2]);
			argv += 2;
		} else {
			fprintf(stderr, "mcp-probe: what is '%s'?\n", *argv);
			exit(2);
		}
		fflush(stdout);
	}
}

static bool is_url(const char *text)
{
	return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

int main(int argc, char **argv)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;
	weft_mcp_oauth oauth;
	weft_mcp *client;
	weft_tools *tools;
	weft_error err = { 0 };
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at + 1 >= argc)
		return 2;
	opt.name = "probe";
	opt.flags = WEFT_MCP_ELICITATION | WEFT_MCP_SAMPLING;
	opt.log = on_log;
	opt.log_from = "debug";
	opt.roots = (const char *const[]){ "file:///tmp", NULL };
	opt.restarts_max = UINT32_MAX;
	opt.hooks.question = on_question;
	opt.hooks.progress = on_progress;
	oauth_fill(&oauth);
	if (is_url(argv[at + 1]))
		opt.url = argv[at + 1], opt.oauth = getenv("MCP_PROBE_OPEN") ? &oauth : NULL;
	else
		opt.command = argv[at + 1], opt.args = (const char *const *)&argv[at + 2];
	if (weft_mcp_open(NULL, &opt, &client, &err) < 0 || weft_tools_create(&tools) < 0 ||
	    weft_tools_add_mcp(tools, client, "", &err) < 0) {
		fprintf(stderr, "mcp-probe: %s\n", err.message);
		return 1;
	}
	steps(client, tools, argv + 1);
	weft_tools_unref(tools);
	weft_mcp_unref(client);
	return 0;
}
