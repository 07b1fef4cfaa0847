/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/mcp_server.c - an MCP server on stdin and stdout, well behaved or not, for the tests of the client.
 *
 *   mcp-server [MODE]
 *
 * Tools: echo, add, fail, refuse, slow (answers when it is cancelled), steps (tells progress), die (ends without an
 * answer), ask (a form), names (in $MCP_NAMES), env (one variable), more (one more tool, and says so; "late": while it is being listed), big.
 * Modes: "silent" never answers; "exit" ends at once; "crash-once FILE" ends at the first start, told by FILE;
 * "deaf" does not end when its stdin does; "chatty" writes lines that are no messages.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <weft/json.h>

static weft_json_writer *w;
static int more_tools;
static bool more_late; /* the next one comes between two pages of a list */
static char slow_id[64]; /* of the call that waits to be cancelled */
static char asking_id[64];

static void flush_line(void)
{
	weft_str text;

	if (weft_json_writer_text(w, &text) < 0)
		exit(3);
	fwrite(text.ptr, 1, text.len_bytes, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

static void begin(void)
{
	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("jsonrpc"));
	weft_json_put_str(w, WEFT_STR("2.0"));
}

static void answer_raw(const char *id, const char *member, const char *value)
{
	begin();
	weft_json_key(w, WEFT_STR("id"));
	weft_json_put_raw(w, weft_str_from(id));
	weft_json_key(w, weft_str_from(member));
	weft_json_put_raw(w, weft_str_from(value));
	weft_json_end_object(w);
	flush_line();
}

static void answer_text(const char *id, const char *text, bool failed)
{
	begin();
	weft_json_key(w, WEFT_STR("id"));
	weft_json_put_raw(w, weft_str_from(id));
	weft_json_key(w, WEFT_STR("result"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("content"));
	weft_json_begin_array(w);
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("type"));
	weft_json_put_str(w, WEFT_STR("text"));
	weft_json_key(w, WEFT_STR("text"));
	weft_json_put_str(w, weft_str_from(text));
	weft_json_end_object(w);
	weft_json_end_array(w);
	if (failed) {
		weft_json_key(w, WEFT_STR("isError"));
		weft_json_put_bool(w, true);
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
	flush_line();
}

static void put_tool(const char *name, const char *schema, bool read_only)
{
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("name"));
	weft_json_put_str(w, weft_str_from(name));
	weft_json_key(w, WEFT_STR("description"));
	weft_json_put_str(w, weft_str_from("of the test server"));
	weft_json_key(w, WEFT_STR("inputSchema"));
	weft_json_put_raw(w, weft_str_from(schema));
	if (read_only) {
		weft_json_key(w, WEFT_STR("annotations"));
		weft_json_put_raw(w, WEFT_STR("{\"readOnlyHint\":true,\"openWorldHint\":false}"));
	}
	weft_json_end_object(w);
}

static void tell_tools_changed(void)
{
	begin();
	weft_json_key(w, WEFT_STR("method"));
	weft_json_put_str(w, WEFT_STR("notifications/tools/list_changed"));
	weft_json_end_object(w);
	flush_line();
}

/* Two tools a page. */
static void list_tools(const char *id, weft_json params)
{
	static const char *const names[] = { "echo", "add", "fail", "refuse", "slow", "steps", "die", "ask", "env", "more", "big" };
	const char *extra = getenv("MCP_NAMES");
	size_t from = 0, count = sizeof(names) / sizeof(names[0]);
	weft_str cursor;
	char next[16];

	if (weft_json_get_str(weft_json_find(params, WEFT_STR("cursor")), &cursor))
		from = (size_t)atoi(cursor.ptr);
	if (from && more_late) {
		more_late = false;
		more_tools++;
		tell_tools_changed();
	}
	begin();
	weft_json_key(w, WEFT_STR("id"));
	weft_json_put_raw(w, weft_str_from(id));
	weft_json_key(w, WEFT_STR("result"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("tools"));
	weft_json_begin_array(w);
	for (size_t i = from; i < from + 2 && i < count; i++)
		put_tool(names[i],
		         i == 1 ? "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},\"required\":[\"a\",\"b\"]}" :
		                  "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}",
		         i < 2);
	if (from == 0 && extra)
		put_tool(extra, "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"(?P<year>[0-9])\"}}}", false);
	for (int i = 0; from == 0 && i < more_tools; i++) {
		snprintf(next, sizeof(next), "more-%d", i);
		put_tool(next, "{\"type\":\"object\"}", false);
	}
	weft_json_end_array(w);
	if (from + 2 < count) {
		snprintf(next, sizeof(next), "%zu", from + 2);
		weft_json_key(w, WEFT_STR("nextCursor"));
		weft_json_put_str(w, weft_str_from(next));
	}
	weft_json_end_object(w);
	weft_json_end_object(w);
	flush_line();
}

static void tell_progress(weft_json params, int step)
{
	weft_json token = weft_json_find(weft_json_find(params, WEFT_STR("_meta")), WEFT_STR("progressToken"));

	if (weft_json_typeof(token) == WEFT_JSON_NONE)
		return;
	begin();
	weft_json_key(w, WEFT_STR("method"));
	weft_json_put_str(w, WEFT_STR("notifications/progress"));
	weft_json_key(w, WEFT_STR("params"));
	weft_json_begin_object(w);
	weft_json_key(w, WEFT_STR("progressToken"));
	weft_json_put_value(w, token);
	weft_json_key(w, WEFT_STR("progress"));
	weft_json_put_int(w, step);
	weft_json_key(w, WEFT_STR("total"));
	weft_json_put_int(w, 3);
	weft_json_end_object(w);
	weft_json_end_object(w);
	flush_line();
}

static void call_tool(const char *id, weft_json params)
{
	weft_json arguments = weft_json_find(params, WEFT_STR("arguments"));
	weft_str name = { 0 }, text = { "", 0 };
	double a = 0, b = 0;
	char buf[256], *big;

	weft_json_get_str(weft_json_find(params, WEFT_STR("name")), &name);
	weft_json_get_str(weft_json_find(arguments, WEFT_STR("text")), &text);
	snprintf(buf, sizeof(buf), "%.*s", (int)(text.len_bytes < 200 ? text.len_bytes : 200), text.ptr);
	if (weft_str_eq(name, WEFT_STR("echo"))) {
		answer_text(id, buf, false);
	} else if (weft_str_eq(name, WEFT_STR("add"))) {
		weft_json_get_double(weft_json_find(arguments, WEFT_STR("a")), &a);
		weft_json_get_double(weft_json_find(arguments, WEFT_STR("b")), &b);
		snprintf(buf, sizeof(buf), "%g", a + b);
		answer_text(id, buf, false);
	} else if (weft_str_eq(name, WEFT_STR("fail"))) {
		answer_text(id, "it went wrong, as it was asked to", true);
	} else if (weft_str_eq(name, WEFT_STR("refuse"))) {
		answer_raw(id, "error", "{\"code\":-32000,\"message\":\"not today\"}");
	} else if (weft_str_eq(name, WEFT_STR("slow"))) {
		snprintf(slow_id, sizeof(slow_id), "%s", id);
		tell_progress(params, 1);
	} else if (weft_str_eq(name, WEFT_STR("steps"))) {
		for (int i = 1; i <= 3; i++)
			tell_progress(params, i);
		answer_text(id, "done", false);
	} else if (weft_str_eq(name, WEFT_STR("die"))) {
		fprintf(stderr, "dying as asked\n");
		exit(7);
	} else if (weft_str_eq(name, WEFT_STR("ask"))) {
		snprintf(asking_id, sizeof(asking_id), "%s", id);
		begin();
		weft_json_key(w, WEFT_STR("id"));
		weft_json_put_str(w, WEFT_STR("question-1"));
		weft_json_key(w, WEFT_STR("method"));
		weft_json_put_str(w, WEFT_STR("elicitation/create"));
		weft_json_key(w, WEFT_STR("params"));
		weft_json_put_raw(w, WEFT_STR("{\"message\":\"who?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
		                              "\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\",\"default\":7}},\"required\":[\"name\"]}}"));
		weft_json_end_object(w);
		flush_line();
	} else if (weft_str_eq(name, WEFT_STR("env"))) {
		answer_text(id, getenv(buf) ? getenv(buf) : "(not set)", false);
	} else if (weft_str_eq(name, WEFT_STR("more"))) {
		more_late = !strcmp(buf, "late");
		more_tools += !more_late;
		tell_tools_changed();
		answer_text(id, "there is one more", false);
	} else if (weft_str_eq(name, WEFT_STR("big"))) {
		big = calloc(1, 300001);
		memset(big, 'x', 300000);
		answer_text(id, big, false);
		free(big);
	} else {
		answer_raw(id, "error", "{\"code\":-32602,\"message\":\"no such tool\"}");
	}
}

static void request(const char *id, weft_str method, weft_json params)
{
	if (weft_str_eq(method, WEFT_STR("initialize")))
		answer_raw(id, "result",
		           "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{}},"
		           "\"serverInfo\":{\"name\":\"test-server\",\"version\":\"1.2\"},\"instructions\":\"Use it with care.\"}");
	else if (weft_str_eq(method, WEFT_STR("tools/list")))
		list_tools(id, params);
	else if (weft_str_eq(method, WEFT_STR("tools/call")))
		call_tool(id, params);
	else if (weft_str_eq(method, WEFT_STR("resources/list")))
		answer_raw(id, "result", weft_json_typeof(weft_json_find(params, WEFT_STR("cursor"))) == WEFT_JSON_NONE ?
		                                 "{\"resources\":[{\"uri\":\"a:1\",\"name\":\"one\"}],\"nextCursor\":\"2\"}" :
		                                 "{\"resources\":[{\"uri\":\"a:2\",\"name\":\"two\"}]}");
	else if (weft_str_eq(method, WEFT_STR("resources/read")))
		answer_raw(id, "result", "{\"contents\":[{\"uri\":\"a:1\",\"text\":\"words\"}]}");
	else
		answer_raw(id, "error", "{\"code\":-32601,\"message\":\"Method not found\"}");
}

/* What the client answered to the question is the result of the call that led to it. */
static void answered(weft_json result)
{
	char said[256] = "declined";
	weft_str text;

	weft_json_writer_reset(w);
	weft_json_put_value(w, result);
	if (weft_json_typeof(result) == WEFT_JSON_OBJECT && weft_json_writer_text(w, &text) == 0)
		snprintf(said, sizeof(said), "%s", text.ptr);
	if (asking_id[0])
		answer_text(asking_id, said, false);
	asking_id[0] = '\0';
}

static void message(weft_json m)
{
	weft_str method, text;
	char id[64] = "";

	weft_json_writer_reset(w);
	if (weft_json_typeof(weft_json_find(m, WEFT_STR("id"))) != WEFT_JSON_NONE) {
		weft_json_put_value(w, weft_json_find(m, WEFT_STR("id")));
		if (weft_json_writer_text(w, &text) == 0)
			snprintf(id, sizeof(id), "%s", text.ptr);
	}
	if (!weft_json_get_str(weft_json_find(m, WEFT_STR("method")), &method)) {
		answered(weft_json_find(m, WEFT_STR("result")));
	} else if (id[0]) {
		request(id, method, weft_json_find(m, WEFT_STR("params")));
	} else if (weft_str_eq(method, WEFT_STR("notifications/cancelled")) && slow_id[0]) {
		fprintf(stderr, "cancelled\n");
		answer_text(slow_id, "too late", false); /* nobody waits for it any more */
		slow_id[0] = '\0';
	}
}

static void serve(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		weft_json_doc *doc = NULL;

		if (weft_json_parse((weft_str){ line, (size_t)n }, &doc, NULL) == 0)
			message(weft_json_root(doc));
		weft_json_release(doc);
	}
	free(line);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "exit")) {
		fprintf(stderr, "no configuration\n");
		return 4;
	}
	if (!strcmp(mode, "crash-once") && argc > 2 && access(argv[2], F_OK) != 0) {
		fclose(fopen(argv[2], "w"));
		return 5;
	}
	while (!strcmp(mode, "silent"))
		pause();
	if (!strcmp(mode, "chatty"))
		printf("Welcome to the test server!\n\n{\"not\":\"a message\"}\n");
	if (weft_json_writer_create(0, &w) < 0)
		return 3;
	serve();
	weft_json_writer_destroy(w);
	while (!strcmp(mode, "deaf"))
		pause();
	return 0;
}
