/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/exec/config.c - an exec tool from a JSON object. Each key stands in one table; one that does not is an error.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "actors/exec/exec.h"
#include "net/json/json.h"

#define LIST_MAX 1024u

struct reading {
	weft_arena *arena; /* strings and lists, until the tool is added */
	weft_error *err;
	weft_exec_options opt;
};

enum type { TEXT, FLAG, U32, U64, SECONDS, KIND, BINDS, ENV, TEXTS };

static const struct key {
	const char *name;
	enum type type;
	size_t offset;
} keys[] = {
	{ "kind", KIND, 0 },
	{ "unsandboxed", FLAG, offsetof(weft_exec_options, unsandboxed) },
	{ "network", FLAG, offsetof(weft_exec_options, network) },
	{ "workspace_read_only", FLAG, offsetof(weft_exec_options, workspace_read_only) },
	{ "name", TEXT, offsetof(weft_exec_options, name) },
	{ "description", TEXT, offsetof(weft_exec_options, description) },
	{ "workspace", TEXT, offsetof(weft_exec_options, workspace) },
	{ "python", TEXT, offsetof(weft_exec_options, python) },
	{ "bwrap", TEXT, offsetof(weft_exec_options, bwrap) },
	{ "cgroup", TEXT, offsetof(weft_exec_options, cgroup) },
	{ "cpu_percent", U32, offsetof(weft_exec_options, cpu_percent) },
	{ "binds", BINDS, 0 },
	{ "env", ENV, 0 },
	{ "programs", TEXTS, 0 },
	{ "processes", U32, offsetof(weft_exec_options, processes) },
	{ "concurrent", U32, offsetof(weft_exec_options, concurrent) },
	{ "uid", U32, offsetof(weft_exec_options, uid) },
	{ "gid", U32, offsetof(weft_exec_options, gid) },
	{ "wall_s", SECONDS, offsetof(weft_exec_options, wall_ns) },
	{ "cpu_seconds", U64, offsetof(weft_exec_options, cpu_seconds) },
	{ "memory_bytes", U64, offsetof(weft_exec_options, memory_bytes) },
	{ "file_bytes", U64, offsetof(weft_exec_options, file_bytes) },
	{ "tmp_bytes", U64, offsetof(weft_exec_options, tmp_bytes) },
	{ "output_bytes", U64, offsetof(weft_exec_options, output_bytes) },
	{ "output_bytes_max", U64, offsetof(weft_exec_options, output_bytes_max) },
};

static int wrong(struct reading *in, const char *key, const char *wanted)
{
	return weft_error_set(in->err, WEFT_ECONFIG, "exec: '%s' is %s", key, wanted);
}

/* A copy with a NUL behind it. NULL: no string, one with a NUL inside, or no memory. */
static const char *text(struct reading *in, weft_json value)
{
	weft_str s;

	if (!weft_json_get_str(value, &s) || (s.len_bytes && memchr(s.ptr, '\0', s.len_bytes)))
		return NULL;
	return weft_arena_dup(in->arena, s.len_bytes ? s : WEFT_STR("")).ptr;
}

static int read_kind(struct reading *in, weft_json value)
{
	static const char *const names[] = { "shell", "python", "program" };
	const char *name = text(in, value);

	for (uint8_t i = 0; name && i < 3; i++) {
		if (strcmp(name, names[i]) == 0) {
			in->opt.kind = i;
			return 0;
		}
	}
	return wrong(in, "kind", "\"shell\", \"python\" or \"program\"");
}

static int read_texts(struct reading *in, weft_json list)
{
	size_t count = weft_json_count(list), i = 0;
	const char **texts = NULL;
	weft_json_iter it;

	if (weft_json_typeof(list) == WEFT_JSON_ARRAY && count <= LIST_MAX)
		texts = weft_arena_calloc(in->arena, (count + 1) * sizeof(*texts));
	if (!texts)
		return wrong(in, "programs", "a list of strings");
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it); i++) {
		texts[i] = text(in, it.value);
		if (!texts[i])
			return wrong(in, "programs", "a list of strings");
	}
	in->opt.programs = texts;
	return 0;
}

static int read_env(struct reading *in, weft_json object)
{
	size_t count = weft_json_count(object), i = 0;
	const char **texts = NULL;
	weft_json_iter it;

	if (weft_json_typeof(object) == WEFT_JSON_OBJECT && count <= LIST_MAX)
		texts = weft_arena_calloc(in->arena, (count + 1) * sizeof(*texts));
	if (!texts)
		return wrong(in, "env", "an object of strings");
	for (it = weft_json_iter_begin(object); weft_json_iter_next(&it); i++) {
		const char *value = text(in, it.value);

		if (!value)
			return wrong(in, "env", "an object of strings");
		texts[i] = weft_arena_printf(in->arena, "%.*s=%s", WEFT_STR_ARG(it.key), value).ptr;
		if (!texts[i])
			return -ENOMEM;
	}
	in->opt.env = texts;
	return 0;
}

static int read_bind(struct reading *in, weft_json object, weft_exec_bind *bind)
{
	weft_json_iter it;

	if (weft_json_typeof(object) != WEFT_JSON_OBJECT)
		return wrong(in, "binds", "a list of {\"from\", \"to\", \"writable\"}");
	for (it = weft_json_iter_begin(object); weft_json_iter_next(&it);) {
		bool known = true;

		if (weft_str_eq(it.key, WEFT_STR("from")))
			known = (bind->from = text(in, it.value)) != NULL;
		else if (weft_str_eq(it.key, WEFT_STR("to")))
			known = (bind->to = text(in, it.value)) != NULL;
		else
			known = weft_str_eq(it.key, WEFT_STR("writable")) && weft_json_get_bool(it.value, &bind->writable);
		if (!known)
			return wrong(in, "binds", "a list of {\"from\", \"to\", \"writable\"}");
	}
	return bind->from ? 0 : wrong(in, "binds", "a list, each with \"from\"");
}

static int read_binds(struct reading *in, weft_json list)
{
	size_t count = weft_json_count(list), i = 0;
	weft_exec_bind *binds = NULL;
	weft_json_iter it;
	int r = 0;

	if (weft_json_typeof(list) == WEFT_JSON_ARRAY && count <= LIST_MAX)
		binds = weft_arena_calloc(in->arena, (count + 1) * sizeof(*binds));
	if (!binds)
		return wrong(in, "binds", "a list of {\"from\", \"to\", \"writable\"}");
	for (it = weft_json_iter_begin(list); r == 0 && weft_json_iter_next(&it); i++)
		r = read_bind(in, it.value, &binds[i]);
	in->opt.binds = binds;
	in->opt.bind_count = (uint32_t)count;
	return r;
}

static int read_number(struct reading *in, const struct key *key, weft_json value, void *at)
{
	double seconds = 0;
	int64_t n = -1;

	if (key->type == SECONDS) {
		if (!weft_json_get_double(value, &seconds) || seconds <= 0 || seconds > 1e9)
			return wrong(in, key->name, "a number of seconds above 0");
		*(uint64_t *)at = (uint64_t)(seconds * 1e9);
		return 0;
	}
	if (!weft_json_get_int(value, &n) || n < 0 || (key->type == U32 && n > UINT32_MAX))
		return wrong(in, key->name, "a whole number, not negative");
	if (key->type == U32)
		*(uint32_t *)at = (uint32_t)n;
	else
		*(uint64_t *)at = (uint64_t)n;
	return 0;
}

static int read_value(struct reading *in, const struct key *key, weft_json value)
{
	char *at = (char *)&in->opt + key->offset;

	switch (key->type) {
	case KIND:
		return read_kind(in, value);
	case BINDS:
		return read_binds(in, value);
	case ENV:
		return read_env(in, value);
	case TEXTS:
		return read_texts(in, value);
	case FLAG:
		return weft_json_get_bool(value, (bool *)at) ? 0 : wrong(in, key->name, "true or false");
	case TEXT:
		*(const char **)at = text(in, value);
		return *(const char **)at ? 0 : wrong(in, key->name, "a string");
	default:
		return read_number(in, key, value, at);
	}
}

static int read_all(struct reading *in, weft_json root)
{
	weft_json_iter it;
	int r = 0;

	if (weft_json_typeof(root) != WEFT_JSON_OBJECT)
		return weft_error_set(in->err, WEFT_ECONFIG, "exec: the configuration is no object");
	for (it = weft_json_iter_begin(root); r == 0 && weft_json_iter_next(&it);) {
		const struct key *key = NULL;

		for (size_t i = 0; !key && i < sizeof(keys) / sizeof(*keys); i++) {
			if (weft_str_eq(it.key, weft_str_from(keys[i].name)))
				key = &keys[i];
		}
		r = key ? read_value(in, key, it.value)
		        : weft_error_set(in->err, WEFT_ECONFIG, "exec: there is no key '%.*s'",
		                         (int)(it.key.len_bytes < 64 ? it.key.len_bytes : 64), it.key.ptr);
	}
	return r;
}

int weft_tools_add_exec_json(weft_tools *tools, weft_str json, weft_error *err)
{
	struct reading in = { .err = err, .opt = WEFT_EXEC_OPTIONS_INIT };
	weft_json_doc *doc = NULL;
	int r = weft__json_parse_secret(json, NULL, &doc, err);

	if (r < 0)
		return r;
	r = weft_arena_create(0, &in.arena);
	if (r == 0)
		weft_arena_wipe_at_end(in.arena); /* values of variables */
	if (r == 0)
		r = read_all(&in, weft_json_root(doc));
	if (r == 0)
		r = weft_tools_add_exec(tools, &in.opt, err);
	weft_arena_destroy(in.arena);
	weft_json_release(doc);
	return r;
}
