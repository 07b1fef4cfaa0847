/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/mcp/load.c - the servers of a file, in the form that other programs write:
 *
 *   {"mcpServers": {"files": {"command": "npx", "args": ["-y", "..."], "env": {"KEY": "${KEY}"}},
 *                   "search": {"url": "https://host/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}},
 *                   "mail": {"url": "https://host/mcp", "oauth": {"client_id": "x", "issuer": "https://auth.host"}}}}
 *
 * Such files carry members for other programs too, so what is not known is passed over.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/mcp/client.h"

#define VALUE_BYTES_MAX (64u << 10)
#define LIST_MAX 256u

struct loading {
	weft_arena *arena;
	const char *path;
	weft_str server; /* under way */
	weft_error *err;
};

static int wrong(struct loading *l, const char *member, const char *what)
{
	return weft_error_set(l->err, WEFT_ECONFIG, "%s: server '%.*s': %s %s", l->path, (int)(l->server.len_bytes < 64 ? l->server.len_bytes : 64), l->server.ptr, member,
	                      what);
}

/* ---- values -------------------------------------------------------------------------- */

struct text {
	char *at;
	size_t len, room;
};

static bool put(struct text *to, const char *from, size_t len)
{
	if (len > to->room - to->len)
		return false;
	memcpy(to->at + to->len, from, len);
	to->len += len;
	return true;
}

/* NAME or NAME:-else, between the braces. */
static int put_variable(struct loading *l, const char *member, struct text *to, const char *inside, size_t len)
{
	const char *otherwise = memmem(inside, len, ":-", 2);
	size_t name_len = otherwise ? (size_t)(otherwise - inside) : len;
	weft_str name = weft_arena_dup(l->arena, (weft_str){ inside, name_len });
	const char *value = name.ptr ? getenv(name.ptr) : NULL;

	if (!name.ptr)
		return -ENOMEM;
	if (value && (*value || !otherwise))
		return put(to, value, strlen(value)) ? 0 : wrong(l, member, "is too long");
	if (!otherwise) {
		weft_error_set(l->err, WEFT_ECONFIG, "%s: server '%.*s': %s needs the environment variable %s", l->path,
		               WEFT_STR_ARG(l->server), member, name.ptr);
		return WEFT_ECONFIG;
	}
	return put(to, otherwise + 2, len - name_len - 2) ? 0 : wrong(l, member, "is too long");
}

static int expand(struct loading *l, const char *member, weft_str raw, struct text *to)
{
	const char *at = raw.ptr, *end = raw.ptr + raw.len_bytes;
	int r = 0;

	while (at < end && r == 0) {
		const char *close = at[0] == '$' && end - at > 2 && at[1] == '{' ? memchr(at + 2, '}', (size_t)(end - at - 2)) : NULL;

		if (close) {
			r = put_variable(l, member, to, at + 2, (size_t)(close - at - 2));
			at = close + 1;
		} else {
			r = put(to, at++, 1) ? 0 : wrong(l, member, "is too long");
		}
	}
	return r;
}

/* before + value, its variables filled in. */
static int value_take(struct loading *l, const char *member, weft_str before, const char *between, weft_json value, const char **ret)
{
	struct text to = { .room = VALUE_BYTES_MAX };
	weft_str raw, kept;
	int r;

	if (!weft_json_get_str(value, &raw) || memchr(raw.ptr, '\0', raw.len_bytes))
		return wrong(l, member, "must be text");
	to.at = weft_malloc(to.room);
	if (!to.at)
		return -ENOMEM;
	r = put(&to, before.ptr, before.len_bytes) && put(&to, between, strlen(between)) ? expand(l, member, raw, &to) :
	                                                                                   wrong(l, member, "is too long");
	if (r == 0) {
		kept = weft_arena_dup(l->arena, (weft_str){ to.at, to.len });
		r = kept.ptr ? 0 : -ENOMEM;
		*ret = kept.ptr;
	}
	explicit_bzero(to.at, to.len);
	weft_free(to.at);
	return r;
}

/* A member that may be missing. */
static int text_take(struct loading *l, weft_json server, const char *member, const char **ret)
{
	weft_json value = weft_json_find(server, weft_str_from(member));

	if (weft_json_typeof(value) == WEFT_JSON_NONE || weft_json_typeof(value) == WEFT_JSON_NULL)
		return 0;
	return value_take(l, member, (weft_str){ "", 0 }, "", value, ret);
}

/* An array of texts, or an object whose members become name<between>value. */
static int list_take(struct loading *l, weft_json server, const char *member, weft_json_type type, const char *between,
                     const char *const **ret)
{
	weft_json list = weft_json_find(server, weft_str_from(member));
	size_t n = weft_json_count(list), at = 0;
	const char **values;
	weft_json_iter it;
	int r = 0;

	if (weft_json_typeof(list) == WEFT_JSON_NONE || weft_json_typeof(list) == WEFT_JSON_NULL)
		return 0;
	if (weft_json_typeof(list) != type)
		return wrong(l, member, type == WEFT_JSON_ARRAY ? "must be a list" : "must be an object");
	if (n > LIST_MAX)
		return wrong(l, member, "is too long");
	values = weft_arena_calloc(l->arena, (n + 1) * sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (it = weft_json_iter_begin(list); r == 0 && weft_json_iter_next(&it); at++)
		r = value_take(l, member, it.key.ptr ? it.key : (weft_str){ "", 0 }, between, it.value, &values[at]);
	*ret = values;
	return r;
}

/* ---- servers ---------------------------------------------------------------------------- */

/* The server's name, as it can be a client's. */
static const char *name_take(struct loading *l)
{
	size_t n = l->server.len_bytes < 32 ? l->server.len_bytes : 32;
	weft_str name = weft_arena_dup(l->arena, (weft_str){ l->server.ptr, n });
	char *at = (char *)(uintptr_t)name.ptr; /* the copy is ours */

	for (size_t i = 0; at && i < n; i++) {
		unsigned char c = (unsigned char)at[i];

		if (c >= 0x80 || !(isalnum(c) || c == '_' || c == '-'))
			at[i] = '_';
	}
	return name.ptr;
}

static int type_check(struct loading *l, weft_json server)
{
	weft_str type;

	if (!weft_json_get_str(weft_json_find(server, WEFT_STR("type")), &type))
		return 0;
	if (weft_str_eq(type, WEFT_STR("sse")))
		return wrong(l, "type", "sse is the transport of 2024, which is not spoken here; most servers have http too");
	return 0;
}

static int flag_take(struct loading *l, weft_json object, const char *member, uint32_t flag, uint32_t *flags)
{
	weft_json value = weft_json_find(object, weft_str_from(member));
	bool on = false;

	if (weft_json_typeof(value) == WEFT_JSON_NONE)
		return 0;
	if (!weft_json_get_bool(value, &on))
		return wrong(l, member, "must be true or false");
	*flags = on ? *flags | flag : *flags & ~flag;
	return 0;
}

static int oauth_texts_take(struct loading *l, weft_json object, weft_mcp_oauth *a)
{
	const struct {
		const char *member, **to;
	} texts[] = { { "client_id", &a->client_id },     { "client_secret", &a->client_secret }, { "client_document", &a->client_document },
		      { "client_name", &a->client_name }, { "issuer", &a->issuer },               { "scope", &a->scope },
		      { "redirect_uri", &a->redirect_uri } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = text_take(l, object, texts[i].member, texts[i].to);
	return r;
}

/* What stands in the object goes before what the host has for all. */
static int oauth_take(struct loading *l, weft_json server, weft_mcp_options *opt)
{
	weft_json object = weft_json_find(server, WEFT_STR("oauth"));
	weft_mcp_oauth *a;
	int r;

	if (weft_json_typeof(object) == WEFT_JSON_NONE || weft_json_typeof(object) == WEFT_JSON_NULL)
		return 0;
	if (weft_json_typeof(object) != WEFT_JSON_OBJECT)
		return wrong(l, "oauth", "must be an object");
	a = weft_arena_calloc(l->arena, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = opt->oauth ? *opt->oauth : (weft_mcp_oauth)WEFT_MCP_OAUTH_INIT;
	r = oauth_texts_take(l, object, a);
	if (r == 0)
		r = flag_take(l, object, "machine", WEFT_MCP_OAUTH_MACHINE, &a->flags);
	if (r == 0)
		r = flag_take(l, object, "old_servers", WEFT_MCP_OAUTH_OLD_SERVERS, &a->flags);
	opt->oauth = a;
	return r;
}

static int server_take(struct loading *l, weft_json server, weft_mcp_options *opt)
{
	int r = weft_json_typeof(server) == WEFT_JSON_OBJECT ? type_check(l, server) : wrong(l, "it", "must be an object");

	opt->name = name_take(l);
	opt->command = opt->url = NULL;
	opt->args = opt->env = opt->headers = NULL;
	if (!opt->name)
		return -ENOMEM;
	if (r == 0)
		r = text_take(l, server, "command", &opt->command);
	if (r == 0)
		r = text_take(l, server, "url", &opt->url);
	if (r == 0)
		r = text_take(l, server, "cwd", &opt->cwd);
	if (r == 0)
		r = list_take(l, server, "args", WEFT_JSON_ARRAY, "", &opt->args);
	if (r == 0)
		r = list_take(l, server, "env", WEFT_JSON_OBJECT, "=", &opt->env);
	if (r == 0)
		r = list_take(l, server, "headers", WEFT_JSON_OBJECT, ": ", &opt->headers);
	if (r == 0)
		r = oauth_take(l, server, opt);
	if (r == 0 && !opt->command == !opt->url)
		r = wrong(l, "it", "needs a command or a url, not both");
	return r;
}

static int server_open(struct loading *l, weft_runtime *rt, weft_json server, const weft_mcp_options *base,
                       weft_mcp **ret)
{
	weft_mcp_options opt = base ? *base : (weft_mcp_options)WEFT_MCP_OPTIONS_INIT;
	int r = server_take(l, server, &opt);

	if (r == 0 && opt.oauth && base && opt.oauth == base->oauth && !weft__mcp_oauth_fits(&opt))
		opt.oauth = NULL; /* the host's is for those of the file that it can be for */
	return r < 0 ? r : weft_mcp_open(rt, &opt, ret, l->err);
}

static bool is_disabled(weft_json server)
{
	bool disabled = false;

	weft_json_get_bool(weft_json_find(server, WEFT_STR("disabled")), &disabled);
	return disabled;
}

static int servers_open(struct loading *l, weft_runtime *rt, weft_json root, const weft_mcp_options *base,
                        weft_mcp **clients, uint32_t cap)
{
	weft_json servers = weft_json_find(root, WEFT_STR("mcpServers"));
	weft_json_iter it;
	uint32_t n = 0;
	int r = 0;

	if (weft_json_typeof(servers) != WEFT_JSON_OBJECT)
		return weft_error_set(l->err, WEFT_ECONFIG, "%s: there is no object \"mcpServers\"", l->path);
	for (it = weft_json_iter_begin(servers); r == 0 && weft_json_iter_next(&it);) {
		l->server = it.key;
		if (is_disabled(it.value))
			continue;
		r = n < cap ? server_open(l, rt, it.value, base, &clients[n]) :
		              weft_error_set(l->err, -E2BIG, "%s: more than %u servers", l->path, cap);
		n += r == 0;
	}
	for (; r < 0 && n > 0; n--)
		weft_mcp_unref(clients[n - 1]);
	return r < 0 ? r : (int)n;
}

int weft_mcp_load(weft_runtime *rt, const char *path, const weft_mcp_options *base, weft_mcp **clients, uint32_t cap,
                  weft_error *err)
{
	struct loading l = { .path = path, .err = err };
	weft_json_doc *doc = NULL;
	int r;

	if (!path || !clients || (base && base->size != sizeof(*base)))
		return weft_error_set(err, -EINVAL, "a path, options of the right size and room for clients are needed");
	r = weft_json_parse_file(path, &doc, err);
	if (r < 0)
		return r;
	r = weft_arena_create(0, &l.arena);
	if (r == 0)
		weft_arena_wipe_at_end(l.arena);
	if (r == 0)
		r = servers_open(&l, rt, weft_json_root(doc), base, clients, cap);
	weft_arena_destroy(l.arena);
	weft_json_release(doc);
	return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
}
