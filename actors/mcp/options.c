/* SPDX-License-Identifier: Apache-2.0 */
/* actors/mcp/options.c - the options of a client: checked, copied, completed. */
#include "actors/mcp/client.h"

#include <errno.h>
#include <string.h>

#include "net/http/url.h"

#define NAME_BYTES_MAX 32u
#define LIST_MAX 1024u
#define SECOND_NS UINT64_C(1000000000)

extern char **environ;

/* What a program gets of the host's environment: enough to run, and no secrets. */
static const char *const passed_on[] = { "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER" };

static const char *copy(weft_arena *arena, const char *text)
{
	return text ? weft_arena_dup(arena, weft_str_from(text)).ptr : NULL;
}

static size_t list_count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n] && n <= LIST_MAX)
		n++;
	return n;
}

/* first (may be NULL) and then list, NULL at the end. */
static const char *const *list_copy(weft_arena *arena, const char *first, const char *const *list)
{
	size_t n = list_count(list), at = 0;
	const char **copied = weft_arena_calloc(arena, (n + 2) * sizeof(*copied));

	if (!copied)
		return NULL;
	if (first && !(copied[at++] = copy(arena, first)))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!(copied[at++] = copy(arena, list[i])))
			return NULL;
	}
	return copied;
}

static bool is_named(const char *variable, const char *name, size_t len)
{
	return !strncmp(variable, name, len) && variable[len] == '=';
}

static bool is_among(const char *variable, const char *const *list)
{
	size_t len = strcspn(variable, "=");

	for (; list && *list; list++) {
		if (is_named(*list, variable, len))
			return true;
	}
	return false;
}

/* The few that are passed on, those of env before them. */
static const char *const *env_make(weft_arena *arena, const char *const *env)
{
	const size_t most = sizeof(passed_on) / sizeof(passed_on[0]);
	const char **all = weft_arena_calloc(arena, (list_count(env) + most + 1) * sizeof(*all));
	size_t n = 0;

	if (!all)
		return NULL;
	for (; env && *env; env++) {
		if (!(all[n++] = copy(arena, *env)))
			return NULL;
	}
	for (size_t i = 0; i < most; i++) {
		for (char **at = environ; at && *at; at++) {
			if (!is_named(*at, passed_on[i], strlen(passed_on[i])) || is_among(*at, all))
				continue;
			if (!(all[n++] = copy(arena, *at)))
				return NULL;
		}
	}
	return all;
}

static int program_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err)
{
	struct weft__mcp_program_options *to = &m->engine.options.program;

	for (size_t i = 0; opt->env && opt->env[i]; i++) {
		if (!strchr(opt->env[i], '=') || opt->env[i][0] == '=')
			return weft_error_set(err, -EINVAL, "MCP server '%s': an entry of env is not NAME=value", opt->name);
	}
	to->argv = list_copy(m->arena, opt->command, opt->args);
	to->envp = env_make(m->arena, opt->env);
	to->cwd = copy(m->arena, opt->cwd);
	to->message_bytes_max = m->options.message_bytes_max;
	to->grace_ns = SECOND_NS;
	return to->argv && to->envp && (to->cwd || !opt->cwd) ? 0 : -ENOMEM;
}

/* "Name: value" */
static int field_take(weft_arena *arena, const char *header, struct weft__http_field *field)
{
	weft_str text = weft_arena_dup(arena, weft_str_from(header));
	const char *colon = text.ptr ? strchr(text.ptr, ':') : NULL, *value;

	if (!text.ptr)
		return -ENOMEM;
	if (!colon || colon == text.ptr)
		return -EINVAL;
	value = colon + 1 + strspn(colon + 1, " \t");
	field->name = (weft_str){ text.ptr, (size_t)(colon - text.ptr) };
	field->value = weft_str_from(value);
	return 0;
}

static int url_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err)
{
	struct weft__mcp_http_options *to = &m->engine.options.http;
	size_t n = list_count(opt->headers);
	struct weft__http_field *fields;
	struct weft__url url;
	weft_error why = { 0 };
	int r = weft__url_parse(weft_str_from(opt->url), &url, &why);

	if (r < 0)
		return weft_error_set(err, r, "MCP server '%s': its url: %s", opt->name, why.message);
	if (n > WEFT__MCP_HTTP_FIELDS)
		return weft_error_set(err, -EINVAL, "MCP server '%s': more than %u headers", opt->name, WEFT__MCP_HTTP_FIELDS);
	fields = weft_arena_calloc(m->arena, (n + 1) * sizeof(*fields));
	for (size_t i = 0; fields && i < n; i++) {
		r = field_take(m->arena, opt->headers[i], &fields[i]);
		if (r == -EINVAL)
			return weft_error_set(err, r, "MCP server '%s': header %zu is not \"Name: value\"", opt->name, i + 1);
		if (r < 0)
			return r;
	}
	*to = (struct weft__mcp_http_options){ .url = weft_arena_dup(m->arena, weft_str_from(opt->url)),
		                               .fields = fields,
		                               .field_count = (uint32_t)n,
		                               .message_bytes_max = m->options.message_bytes_max,
		                               .retry_ns = SECOND_NS,
		                               .retry_ns_min = SECOND_NS / 2,
		                               .retry_ns_max = 60 * SECOND_NS,
		                               .end_ns = SECOND_NS,
		                               .ca_file = copy(m->arena, opt->ca_file),
		                               .proxy = copy(m->arena, opt->proxy),
		                               .insecure = opt->flags & WEFT_MCP_INSECURE };
	if (!fields || !to->url.ptr || (!to->ca_file && opt->ca_file) || (!to->proxy && opt->proxy))
		return -ENOMEM;
	return weft__mcp_oauth_take(m, opt, err);
}

static int check(const weft_mcp_options *opt, weft_error *err)
{
	size_t n = opt->name ? strspn(opt->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") : 0;

	if (!n || n > NAME_BYTES_MAX || opt->name[n])
		return weft_error_set(err, -EINVAL, "the name of an MCP server has 1 to 32 of A-Z a-z 0-9 _ -");
	if (!opt->command == !opt->url)
		return weft_error_set(err, -EINVAL, "MCP server '%s' needs a command or a url, not both", opt->name);
	if ((opt->flags & (WEFT_MCP_ELICITATION | WEFT_MCP_SAMPLING)) && !opt->hooks.question)
		return weft_error_set(err, -EINVAL, "MCP server '%s' is offered answers, but there is no hook for its questions",
		                      opt->name);
	if (list_count(opt->args) > LIST_MAX || list_count(opt->env) > LIST_MAX || list_count(opt->roots) > LIST_MAX)
		return weft_error_set(err, -E2BIG, "MCP server '%s': a list is longer than %u", opt->name, LIST_MAX);
	return 0;
}

static void preset(uint64_t *value, uint64_t otherwise)
{
	if (!*value)
		*value = otherwise;
}

static void config_fill(weft_mcp *m)
{
	struct weft__mcp_client_options *to = &m->engine.options;
	const weft_mcp_options *o = &m->options;

	to->config = (struct weft__mcp_config){ .client_name = "weft",
		                                .client_version = weft_version(),
		                                .roots = o->roots,
		                                .root_count = (uint32_t)list_count(o->roots),
		                                .sampling = o->flags & WEFT_MCP_SAMPLING,
		                                .elicitation = o->flags & WEFT_MCP_ELICITATION,
		                                .log_level = o->log_from,
		                                .greet_ns = o->start_ns,
		                                .list_ns = o->start_ns,
		                                .calls_max = o->calls_max };
	to->backoff_ns = o->backoff_ns;
	to->backoff_ns_max = o->backoff_ns_max > o->backoff_ns ? o->backoff_ns_max : o->backoff_ns;
	to->restarts_max = o->restarts_max == UINT32_MAX ? 0 : o->restarts_max ? o->restarts_max : 5;
}

int weft__mcp_options_take(weft_mcp *m, const weft_mcp_options *opt, weft_error *err)
{
	weft_mcp_options *o = &m->options;
	int r = check(opt, err);

	if (r < 0)
		return r;
	*o = *opt;
	o->name = copy(m->arena, opt->name);
	o->log_from = copy(m->arena, opt->log_from);
	o->roots = opt->roots ? list_copy(m->arena, NULL, opt->roots) : NULL;
	if (!o->name || (!o->log_from && opt->log_from) || (!o->roots && opt->roots))
		return -ENOMEM;
	preset(&o->start_ns, 30 * SECOND_NS);
	preset(&o->call_ns, 60 * SECOND_NS);
	preset(&o->call_total_ns, 600 * SECOND_NS);
	preset(&o->backoff_ns, SECOND_NS / 2);
	preset(&o->backoff_ns_max, 30 * SECOND_NS);
	preset(&o->message_bytes_max, UINT64_C(16) << 20);
	preset(&o->result_bytes_max, UINT64_C(256) << 10);
	r = opt->command ? program_take(m, opt, err) : url_take(m, opt, err);
	if (r < 0)
		return r;
	config_fill(m);
	/* what was taken elsewhere, and is the caller's */
	o->command = o->cwd = o->url = o->ca_file = o->proxy = NULL;
	o->args = o->env = o->headers = NULL;
	o->oauth = NULL;
	return 0;
}
