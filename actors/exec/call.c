/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/exec/call.c - one call of a tool that runs a program.
 *
 * The call is made ready on the agent's thread: arguments into memory of its own. The program runs
 * on a loop, that of the agent's worker if there is one; its end is the call's. A cancel comes on
 * the agent's thread, maybe another one, and goes to the loop as a job:
 *
 *     refs: 1 for the program, 1 for a posted cancel. Whoever is last frees the call.
 */
#include "actors/exec/exec.h"

#include <errno.h>
#include <string.h>

#include <weft/json.h>

#include "runtime/base/refs.h"
#include "runtime/io/loop.h"
#include "runtime/loops.h"

#define ARGS_MAX 256u
#define ARG_BYTES_MAX (120u << 10) /* the kernel's limit of one argument is 128 KiB */
#define STDIN_BYTES_MAX (8u << 20)
#define GRACE_NS 2000000000u
#define PIECE_BYTES 16384u

struct exec_call {
	struct weft__program program; /* first: found by it */
	struct weft__exec *exec;      /* one reference */
	weft_tool_call *call;         /* until it is finished */
	weft_arena *arena;            /* owned: what is below */
	const char **argv;
	weft_str in;
	uint64_t wall_ns;
	struct weft__loop *loop;
	struct weft__job start, cancel;
	weft__refs refs;
	_Atomic(uint32_t) canceled;
	uint8_t partial[2][4]; /* of stdout and stderr: the beginning of a character whose rest has not come */
	uint8_t partial_len[2];
};

static void call_unref(struct exec_call *c)
{
	if (!weft__refs_drop(&c->refs))
		return;
	weft__fetch_sub_relaxed(&c->exec->running, 1); /* relaxed: a count, nothing follows from it */
	weft__exec_unref(c->exec);
	weft_arena_destroy(c->arena);
	weft_free(c);
}

/* ---- arguments ------------------------------------------------------------------------ */

static int refuse(weft_tool_call *call, const char *why)
{
	return weft_tool_fail(call, -EINVAL, "%s", why);
}

/* A copy with a NUL behind it, which must be its only one. NULL: call was failed. */
static const char *argument(struct exec_call *c, weft_json value)
{
	weft_str text = { 0 };

	(void)weft_json_get_str(value, &text);
	if (text.len_bytes > ARG_BYTES_MAX) {
		refuse(c->call, "more than 120 KiB in one argument; write it to a file in pieces, or pass it as stdin");
		return NULL;
	}
	if (text.len_bytes && memchr(text.ptr, '\0', text.len_bytes)) {
		refuse(c->call, "a NUL byte cannot be passed to a program");
		return NULL;
	}
	return weft_arena_dup(c->arena, text.len_bytes ? text : WEFT_STR("")).ptr;
}

static bool is_listed(char *const *programs, const char *name)
{
	for (; *programs; programs++) {
		if (strcmp(*programs, name) == 0)
			return true;
	}
	return false;
}

static int program_argv(struct exec_call *c, weft_json list)
{
	size_t count = weft_json_count(list), i = 0;
	weft_json_iter it;

	c->argv = weft_arena_alloc(c->arena, (count + 1) * sizeof(*c->argv));
	if (!c->argv)
		return -ENOMEM;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		c->argv[i] = argument(c, it.value);
		if (!c->argv[i++])
			return -EINVAL;
	}
	c->argv[i] = NULL;
	if (c->exec->programs && !is_listed(c->exec->programs, c->argv[0]))
		return weft_tool_fail(c->call, -EACCES, "the program '%.100s' is not among those that may be run", c->argv[0]);
	return 0;
}

static int code_argv(struct exec_call *c, const char *program, weft_json code)
{
	c->argv = weft_arena_alloc(c->arena, 4 * sizeof(*c->argv));
	if (!c->argv)
		return -ENOMEM;
	c->argv[0] = program;
	c->argv[1] = "-c";
	c->argv[2] = argument(c, code);
	c->argv[3] = NULL;
	return c->argv[2] ? 0 : -EINVAL;
}

static int take_stdin(struct exec_call *c, weft_json args)
{
	weft_str in = { 0 };

	if (!weft_json_get_str(weft_json_find(args, WEFT_STR("stdin")), &in) || !in.len_bytes)
		return 0;
	if (in.len_bytes > STDIN_BYTES_MAX)
		return refuse(c->call, "more than 8 MiB of stdin");
	c->in = weft_arena_dup(c->arena, in);
	return c->in.ptr ? 0 : -ENOMEM;
}

static int take_arguments(struct exec_call *c)
{
	weft_json args = c->call->arguments;
	double seconds;
	int r;

	if (c->exec->kind == WEFT_EXEC_PROGRAM)
		r = program_argv(c, weft_json_find(args, WEFT_STR("argv")));
	else if (c->exec->kind == WEFT_EXEC_PYTHON)
		r = code_argv(c, c->exec->python, weft_json_find(args, WEFT_STR("code")));
	else
		r = code_argv(c, "/bin/sh", weft_json_find(args, WEFT_STR("command")));
	if (r == 0)
		r = take_stdin(c, args);
	c->wall_ns = c->exec->wall_ns;
	if (weft_json_get_double(weft_json_find(args, WEFT_STR("timeout_s")), &seconds) && seconds > 0 &&
	    seconds * 1e9 < (double)c->wall_ns)
		c->wall_ns = (uint64_t)(seconds * 1e9);
	return r;
}

/* ---- progress --------------------------------------------------------------------------- */

/* Bytes at the end of text that begin a character of UTF-8 and do not finish it. */
static size_t unfinished(const uint8_t *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		uint8_t b = text[len - back];

		if (b < 0x80)
			return 0;
		if (b >= 0xc0)
			return back < (b >= 0xf0 ? 4u : b >= 0xe0 ? 3u : 2u) ? back : 0;
	}
	return 0;
}

static void on_output(struct weft__program *p, int which, const uint8_t *bytes, size_t len)
{
	struct exec_call *c = (struct exec_call *)p;
	uint8_t *partial = c->partial[which - WEFT__CHILD_OUT], *partial_len = &c->partial_len[which - WEFT__CHILD_OUT];
	uint8_t text[PIECE_BYTES + 4];

	while (len) {
		size_t had = *partial_len, n = len < PIECE_BYTES ? len : PIECE_BYTES, cut;

		memcpy(text, partial, had);
		memcpy(text + had, bytes, n);
		bytes += n;
		len -= n;
		cut = unfinished(text, had + n);
		*partial_len = (uint8_t)cut;
		memcpy(partial, text + had + n - cut, cut);
		if (had + n > cut)
			weft_tool_progress(c->call, (weft_str){ (const char *)text, had + n - cut });
	}
}

/* ---- the end ------------------------------------------------------------------------------- */

static void put_kept(weft_json_writer *w, weft_str key, const struct weft__capture *kept)
{
	size_t len = weft__capture_len(kept);
	char *text = weft_malloc(len + 1);

	weft_json_key(w, key);
	if (text)
		weft__capture_copy(kept, text);
	weft_json_put_str(w, text ? (weft_str){ text, len } : WEFT_STR("[out of memory]"));
	weft_free(text);
}

static weft_str how_it_ended(struct exec_call *c)
{
	switch (c->program.end) {
	case WEFT__PROGRAM_TIMED_OUT:
		return weft_arena_printf(c->arena, "stopped after %.1f s", (double)c->wall_ns / 1e9);
	case WEFT__PROGRAM_TALKED_OUT:
		return weft_arena_printf(c->arena, "stopped: it printed more than %llu bytes",
		                         (unsigned long long)c->exec->output_bytes_max);
	case WEFT__PROGRAM_CANCELED:
		return WEFT_STR("stopped: canceled");
	case WEFT__PROGRAM_NO_MEMORY:
		return WEFT_STR("killed: all of its processes together used more memory than they may");
	default:
		if (!c->program.exit.known)
			return WEFT_STR("ended; its exit code was taken by somebody else in this process");
		if (c->program.exit.signal)
			return weft_arena_printf(c->arena, "killed by signal %d (SIG%s)", c->program.exit.signal,
			                         sigabbrev_np(c->program.exit.signal));
		return (weft_str){ 0 };
	}
}

static int tell_result(struct exec_call *c)
{
	weft_str text, ended = how_it_ended(c);
	weft_json_writer *w;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	if (c->program.exit.known && !c->program.exit.signal) {
		weft_json_key(w, WEFT_STR("exit_code"));
		weft_json_put_int(w, c->program.exit.code);
	}
	if (ended.len_bytes) {
		weft_json_key(w, WEFT_STR("ended"));
		weft_json_put_str(w, ended);
	}
	put_kept(w, WEFT_STR("stdout"), &c->program.kept[0]);
	put_kept(w, WEFT_STR("stderr"), &c->program.kept[1]);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		weft_tool_return(c->call, text);
	weft_json_writer_destroy(w);
	return r;
}

static void finish(struct exec_call *c, int status)
{
	weft_tool_finish(c->call, status); /* waits for a cancel that is being told: none comes after it */
	c->call = NULL;
	call_unref(c);
}

static void on_done(struct weft__program *p)
{
	struct exec_call *c = (struct exec_call *)p;
	int r = tell_result(c);

	weft__program_fini(p);
	finish(c, r);
}

/* ---- start and cancel, in the loop's thread --------------------------------------------------- */

static int program_start(struct exec_call *c)
{
	struct weft__program_options o = {
		.walls = c->exec->walls,
		.argv = c->argv,
		.in = c->in.ptr,
		.in_len = c->in.len_bytes,
		.wall_ns = c->wall_ns,
		.grace_ns = GRACE_NS,
		.keep_bytes = c->exec->output_bytes,
		.output_bytes_max = c->exec->output_bytes_max,
	};

	c->program.output = on_output;
	c->program.done = on_done;
	return weft__program_start(c->loop, &c->program, &o);
}

static int told_start(struct exec_call *c, int r)
{
	return weft_tool_fail(c->call, r, "the program could not be started: %s", weft_strerror(r));
}

static void run_start(struct weft__job *job)
{
	struct exec_call *c = (struct exec_call *)((char *)job - offsetof(struct exec_call, start));
	int r = weft__load_relaxed(&c->canceled) ? -ECANCELED : program_start(c); /* relaxed: a hint */

	if (r < 0)
		finish(c, told_start(c, r));
}

static void run_cancel(struct weft__job *job)
{
	struct exec_call *c = (struct exec_call *)((char *)job - offsetof(struct exec_call, cancel));

	if (c->call) /* written by this thread */
		weft__program_cancel(&c->program);
	call_unref(c);
}

/* On the agent's thread, while the call cannot be finished. */
static void on_cancel(void *user)
{
	struct exec_call *c = user;

	weft__store_relaxed(&c->canceled, 1); /* relaxed: a hint; the job does it */
	weft__refs_take(&c->refs); /* the program still has one */
	c->cancel.run = run_cancel;
	if (weft__loop_post(c->loop, &c->cancel) < 0) /* the loop goes, and its programs with it */
		call_unref(c);
}

/* ---- the handler --------------------------------------------------------------------------------- */

static int call_make(weft_tool_call *call, struct weft__exec *exec, struct exec_call **ret_call)
{
	struct exec_call *c = weft_calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	if (weft_arena_create(0, &c->arena) < 0) {
		weft_free(c);
		return -ENOMEM;
	}
	c->call = call;
	c->exec = exec;
	weft__refs_init(&c->refs, 1);
	weft__refs_take(&exec->refs); /* the registry holds one */
	*ret_call = c;
	return 0;
}

static int call_begin(struct exec_call *c)
{
	int r = take_arguments(c);

	if (r < 0)
		return r;
	c->loop = c->call->rt ? weft__loop_any(c->call->rt) : weft__loop_own();
	if (!c->loop)
		return weft_tool_fail(c->call, -ENOSYS, "there is no I/O loop to run a program on");
	(void)weft_tool_on_cancel(c->call, on_cancel, c);
	if (weft__loop_here() == c->loop)
		r = program_start(c);
	else {
		c->start.run = run_start;
		r = weft__loop_post(c->loop, &c->start);
	}
	return r < 0 ? told_start(c, r) : WEFT_PENDING;
}

int weft__exec_call(weft_tool_call *call, void *user)
{
	struct weft__exec *exec = user;
	struct exec_call *c;
	int r;

	/* relaxed: a count, nothing follows from it */
	if (weft__fetch_add_relaxed(&exec->running, 1) >= exec->concurrent) {
		weft__fetch_sub_relaxed(&exec->running, 1);
		return weft_tool_fail(call, -EBUSY, "%u programs of this tool are running already; try again later",
		                      exec->concurrent);
	}
	r = call_make(call, exec, &c);
	if (r < 0) {
		weft__fetch_sub_relaxed(&exec->running, 1);
		return r;
	}
	r = call_begin(c);
	if (r < 0)
		call_unref(c);
	return r;
}
