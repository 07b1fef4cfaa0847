/* SPDX-License-Identifier: Apache-2.0 */
/* cli/chat/tools.c - what --tools means: time, shell, python, and files of MCP servers, between commas. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/chat/chat.h"

#define MCP_START_NS (UINT64_C(30) * 1000000000u)
#define MCP_PERSON_NS (UINT64_C(300) * 1000000000u)
#define MCP_LOOK_NS (UINT64_C(200) * 1000000u) /* whether Ctrl-C came */

static int tell_time(weft_tool_call *call, void *user)
{
	time_t now = (time_t)(weft_wall_ms() / 1000);
	struct tm tm;
	char text[64];
	size_t n;

	(void)user;
	localtime_r(&now, &tm);
	n = strftime(text, sizeof(text), "%A %Y-%m-%d %H:%M:%S %Z", &tm);
	weft_tool_return(call, (weft_str){ text, n });
	return 0;
}

static int add_time(weft_tools *tools, weft_error *err)
{
	weft_tool_options opt = WEFT_TOOL_OPTIONS_INIT;

	opt.name = "time";
	opt.description = "The date and the time, here and now.";
	opt.schema_json = WEFT_STR("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}");
	opt.fn = tell_time;
	return weft_tools_add(tools, &opt, err);
}

/* In a sandbox, or not at all. */
static int add_exec(weft_tools *tools, weft_exec_kind kind, weft_error *err)
{
	weft_exec_options opt = WEFT_EXEC_OPTIONS_INIT;

	opt.kind = (uint8_t)kind;
	return weft_tools_add_exec(tools, &opt, err);
}

/* In a thread of the library's. To standard error: the answers alone are on standard output. */
static void show_address(weft_mcp *client, const char *url, void *user)
{
	(void)client;
	(void)user;
	fprintf(stderr, "An MCP server wants to know who you are. Open this in a browser on this machine:\n\n  %s\n\n", url);
}

/* Until it is there, or will not be, or Ctrl-C: a person who has to open an address may change their mind. */
static int wait_for(weft_mcp *client, weft_error *err)
{
	uint64_t begun = weft_now_ns(), looked;
	int r;

	do {
		looked = weft_now_ns();
		r = weft_mcp_wait(client, MCP_LOOK_NS, err);
		if (chat_interrupted()) {
			weft_mcp_refuse(client);
			return weft_error_set(err, -ECANCELED, "canceled while an MCP server was starting");
		}
		/* sooner than that it is what the start came to */
	} while (r == -ETIMEDOUT && weft_now_ns() - looked >= MCP_LOOK_NS && looked - begun < MCP_START_NS + MCP_PERSON_NS);
	return r;
}

static int add_servers(struct chat_tools *t, weft_runtime *rt, const char *path, weft_error *err)
{
	weft_mcp_options base = WEFT_MCP_OPTIONS_INIT;
	weft_mcp_oauth oauth = WEFT_MCP_OAUTH_INIT;
	int room = (int)(sizeof(t->mcp) / sizeof(t->mcp[0])) - t->mcp_count, n;

	oauth.open = isatty(STDERR_FILENO) ? show_address : NULL; /* else there is nobody to read it */
	oauth.person_ns = MCP_PERSON_NS;
	base.oauth = &oauth;
	n = weft_mcp_load(rt, path, &base, t->mcp + t->mcp_count, (uint32_t)room, err);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		weft_mcp *client = t->mcp[t->mcp_count++];
		int r = wait_for(client, err);

		if (r == 0)
			r = weft_tools_add_mcp(t->tools, client, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool chat_is_json_file(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".json");
}

static bool is_one(const char *what)
{
	return !strcmp(what, "time") || !strcmp(what, "shell") || !strcmp(what, "python") || chat_is_json_file(what);
}

bool chat_tools_are(const char *list, weft_str *ret_wrong)
{
	for (const char *at = list; *at;) {
		size_t len = strcspn(at, ",");
		char *what = strndup(at, len);
		bool ok = what && is_one(what);

		free(what);
		*ret_wrong = (weft_str){ at, len };
		if (!ok)
			return false;
		at += len + (at[len] == ',');
	}
	return *list != '\0';
}

static int add(struct chat_tools *t, weft_runtime *rt, const char *what, weft_error *err)
{
	if (!strcmp(what, "time"))
		return add_time(t->tools, err);
	if (!strcmp(what, "shell"))
		return add_exec(t->tools, WEFT_EXEC_SHELL, err);
	if (!strcmp(what, "python"))
		return add_exec(t->tools, WEFT_EXEC_PYTHON, err);
	return add_servers(t, rt, what, err);
}

int chat_tools_make(struct chat_tools *t, weft_runtime *rt, const char *list, weft_error *err)
{
	char *copy = strdup(list), *at = copy, *what;
	int r = weft_tools_create(&t->tools);

	if (!copy || r < 0) {
		free(copy);
		return weft_error_set(err, -ENOMEM, "out of memory");
	}
	while (r == 0 && (what = strsep(&at, ",")))
		r = *what ? add(t, rt, what, err) : 0;
	free(copy);
	return r < 0 ? r : 0;
}

void chat_tools_end(struct chat_tools *t)
{
	weft_tools_unref(t->tools);
	for (int i = 0; i < t->mcp_count; i++)
		weft_mcp_unref(t->mcp[i]);
	*t = (struct chat_tools){ 0 };
}
