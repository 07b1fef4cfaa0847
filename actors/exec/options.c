/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/exec/options.c - from options to a tool: defaults, the walls, what the model is told of it.
 */
#include <errno.h>
#include <string.h>

#include "actors/exec/exec.h"

#define MIB ((uint64_t)1 << 20)
#define BYTES_MAX ((uint64_t)1 << 50)
#define SECOND UINT64_C(1000000000)
#define OF_THE_WALLS 4u /* processes: bubblewrap's two, a shell, and one that is just starting */

static const struct {
	const char *name, *description, *schema;
} kinds[] = {
	[WEFT_EXEC_SHELL] = { "shell", "Run a command with /bin/sh in a sandbox. Gives exit code, stdout and stderr.",
	                      "{\"type\":\"object\",\"properties\":{"
	                      "\"command\":{\"type\":\"string\",\"minLength\":1,\"description\":\"the shell command\"},"
	                      "\"stdin\":{\"type\":\"string\",\"description\":\"its standard input\"},"
	                      "\"timeout_s\":{\"type\":\"number\",\"exclusiveMinimum\":0}},"
	                      "\"required\":[\"command\"],\"additionalProperties\":false}" },
	[WEFT_EXEC_PYTHON] = { "python", "Run Python code in a sandbox; print what you want to see. Gives exit code, stdout and stderr.",
	                       "{\"type\":\"object\",\"properties\":{"
	                       "\"code\":{\"type\":\"string\",\"minLength\":1,\"description\":\"the Python program\"},"
	                       "\"stdin\":{\"type\":\"string\",\"description\":\"its standard input\"},"
	                       "\"timeout_s\":{\"type\":\"number\",\"exclusiveMinimum\":0}},"
	                       "\"required\":[\"code\"],\"additionalProperties\":false}" },
	[WEFT_EXEC_PROGRAM] = { "exec", "Run a program in a sandbox, without a shell. Gives exit code, stdout and stderr.",
	                        "{\"type\":\"object\",\"properties\":{"
	                        "\"argv\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":256,"
	                        "\"description\":\"the program and its arguments\"},"
	                        "\"stdin\":{\"type\":\"string\",\"description\":\"its standard input\"},"
	                        "\"timeout_s\":{\"type\":\"number\",\"exclusiveMinimum\":0}},"
	                        "\"required\":[\"argv\"],\"additionalProperties\":false}" },
};

/* ---- the tool's own part ------------------------------------------------------------- */

static void list_free(char **list)
{
	for (char **at = list; at && *at; at++)
		weft_free(*at);
	weft_free(list);
}

void weft__exec_unref(struct weft__exec *exec)
{
	if (!exec || !weft__refs_drop(&exec->refs))
		return;
	weft__walls_destroy(exec->walls);
	list_free(exec->programs);
	weft_free(exec->python);
	weft_free(exec);
}

static void release(void *user)
{
	weft__exec_unref(user);
}

static int list_copy(const char *const *from, char ***ret_list)
{
	uint32_t count = 0;
	char **list;

	while (from[count])
		count++;
	list = weft_calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		list[i] = weft_strndup(from[i], strlen(from[i]));
		if (!list[i]) {
			list_free(list);
			return -ENOMEM;
		}
	}
	*ret_list = list;
	return 0;
}

static uint64_t or_default(uint64_t given, uint64_t otherwise)
{
	return given ? given : otherwise;
}

static int exec_create(const weft_exec_options *opt, struct weft__exec **ret_exec)
{
	const char *python = opt->python ? opt->python : "/usr/bin/python3";
	struct weft__exec *exec = weft_calloc(1, sizeof(*exec));
	int r = 0;

	if (!exec)
		return -ENOMEM;
	weft__refs_init(&exec->refs, 1);
	exec->kind = opt->kind;
	exec->concurrent = opt->concurrent ? opt->concurrent : 16;
	exec->wall_ns = or_default(opt->wall_ns, 60 * SECOND);
	exec->output_bytes = (size_t)or_default(opt->output_bytes, 32u << 10);
	exec->output_bytes_max = or_default(opt->output_bytes_max, 64 * MIB);
	exec->python = weft_strndup(python, strlen(python));
	if (opt->programs)
		r = list_copy(opt->programs, &exec->programs);
	if (r < 0 || !exec->python) {
		weft__exec_unref(exec);
		return -ENOMEM;
	}
	*ret_exec = exec;
	return 0;
}

/* ---- the walls --------------------------------------------------------------------------- */

static int walls_create(const weft_exec_options *opt, struct weft__walls **ret_walls, weft_error *err)
{
	struct weft__bind *binds = weft_calloc(opt->bind_count + 1, sizeof(*binds));
	struct weft__walls_options w = {
		.unsandboxed = opt->unsandboxed,
		.bwrap = opt->bwrap,
		.workspace = opt->workspace,
		.workspace_read_only = opt->workspace_read_only,
		.binds = binds,
		.bind_count = opt->bind_count,
		.env = opt->env,
		.network = opt->network,
		.tmp_bytes = or_default(opt->tmp_bytes, 64 * MIB),
		.processes = opt->processes ? opt->processes : 64,
		.limits = { .cpu_seconds = or_default(opt->cpu_seconds, 60),
		            .address_bytes = or_default(opt->memory_bytes, 1024 * MIB),
		            .file_bytes = or_default(opt->file_bytes, 256 * MIB),
		            .files = 256 },
		.cgroup = opt->cgroup,
		.all = { .memory_bytes = or_default(opt->memory_bytes, 1024 * MIB) + 2 * or_default(opt->tmp_bytes, 64 * MIB),
		         .processes = (opt->processes ? opt->processes : UINT64_C(64)) + OF_THE_WALLS,
		         .cpu_percent = opt->cpu_percent },
		.uid = opt->uid,
		.gid = opt->gid,
	};
	int r;

	if (!binds)
		return -ENOMEM;
	for (uint32_t i = 0; i < opt->bind_count; i++)
		binds[i] = (struct weft__bind){ opt->binds[i].from, opt->binds[i].to, opt->binds[i].writable };
	r = weft__walls_create(&w, ret_walls, err);
	weft_free(binds);
	return r;
}

/* ---- add ------------------------------------------------------------------------------------ */

static int check(const weft_tools *tools, const weft_exec_options *opt, weft_error *err)
{
	if (!tools || !opt || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "an exec tool needs a registry and options of the right size");
	if (opt->kind > WEFT_EXEC_PROGRAM || (opt->bind_count && !opt->binds))
		return weft_error_set(err, -EINVAL, "an exec tool needs a kind that there is, and its binds");
	if (opt->cpu_percent && !opt->cgroup)
		return weft_error_set(err, -EINVAL, "cpu_percent needs a cgroup");
	if (opt->memory_bytes > BYTES_MAX || opt->tmp_bytes > BYTES_MAX)
		return weft_error_set(err, -EINVAL, "memory_bytes and tmp_bytes are at most 1 PiB");
	if (opt->output_bytes > 4 * MIB)
		return weft_error_set(err, -EINVAL, "output_bytes is at most 4 MiB: a model reads it");
	return 0;
}

static int add(weft_tools *tools, const weft_exec_options *opt, struct weft__exec *exec, weft_error *err)
{
	weft_tool_options tool = WEFT_TOOL_OPTIONS_INIT;

	tool.name = opt->name ? opt->name : kinds[opt->kind].name;
	tool.description = opt->description ? opt->description : kinds[opt->kind].description;
	tool.schema_json = weft_str_from(kinds[opt->kind].schema);
	tool.fn = weft__exec_call;
	tool.user = exec;
	tool.release = release;
	tool.flags = WEFT_TOOL_DESTRUCTIVE | (opt->network || opt->unsandboxed ? WEFT_TOOL_OPEN_WORLD : 0u);
	return weft_tools_add(tools, &tool, err);
}

int weft_tools_add_exec(weft_tools *tools, const weft_exec_options *opt, weft_error *err)
{
	struct weft__exec *exec = NULL;
	int r = check(tools, opt, err);

	if (r < 0)
		return r;
	r = exec_create(opt, &exec);
	if (r == 0)
		r = walls_create(opt, &exec->walls, err);
	if (r == -ENOMEM)
		(void)weft_error_set(err, r, "out of memory");
	if (r == 0)
		r = add(tools, opt, exec, err);
	if (r < 0)
		weft__exec_unref(exec); /* the registry did not take it */
	return r;
}
