/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/child.c - one entry in a process of its own.
 *
 * The same binary is run again with --child ID; it writes the outcome as JSON to its
 * standard output. So every entry starts with the same small memory, and one that
 * crashes fails alone, with its signal named.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/entry.h"

#define ARGS_MAX 24

extern char **environ;

struct args {
	char *list[ARGS_MAX];
	char numbers[4][16];
	int count;
};

static void add(struct args *a, const char *text)
{
	if (text && a->count < ARGS_MAX - 1)
		a->list[a->count++] = (char *)(uintptr_t)text; /* posix_spawn takes char *const, and does not write */
}

static void add_number(struct args *a, int slot, const char *flag, uint32_t n)
{
	snprintf(a->numbers[slot], sizeof(a->numbers[slot]), "%u", n);
	add(a, flag);
	add(a, a->numbers[slot]);
}

static void args_make(struct args *a, const struct bench_options *opt, const char *id)
{
	add(a, opt->program);
	add(a, "bench");
	add(a, "--child");
	add(a, id);
	if (opt->iterations)
		add_number(a, 0, "--iterations", opt->iterations);
	if (opt->warmup_set)
		add_number(a, 1, "--warmup", opt->warmup);
	if (opt->workers)
		add_number(a, 2, "--workers", opt->workers);
	if (opt->rounds)
		add_number(a, 3, "--rounds", opt->rounds);
	if (opt->quick)
		add(a, "--quick");
	if (opt->events >= 0) {
		add(a, "--events");
		add(a, opt->events ? "on" : "off");
	}
	if (!opt->times) {
		add(a, "--times");
		add(a, "off");
	}
	if (opt->scenarios_path) {
		add(a, "--scenarios");
		add(a, opt->scenarios_path);
	}
	if (opt->data) {
		add(a, "--data");
		add(a, opt->data);
	}
}

/* Everything the child writes, with a NUL; NULL: out of memory. */
static char *read_all(int fd, size_t *ret_len)
{
	size_t len = 0, cap = 16384;
	char *text = malloc(cap);

	while (text) {
		ssize_t n = read(fd, text + len, cap - len - 1);
		char *more;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len + 1 < cap)
			continue;
		more = realloc(text, cap *= 2);
		if (!more) {
			free(text);
			return NULL;
		}
		text = more;
	}
	if (text)
		text[len] = '\0';
	*ret_len = len;
	return text;
}

static int start(const struct bench_options *opt, const char *id, pid_t *ret_pid, int *ret_fd)
{
	posix_spawn_file_actions_t actions;
	struct args args = { .count = 0 };
	int fds[2], r;

	if (pipe(fds) != 0)
		return -errno;
	args_make(&args, opt, id);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	posix_spawn_file_actions_addclose(&actions, fds[1]);
	r = -posix_spawn(ret_pid, opt->program, &actions, NULL, args.list, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (r < 0)
		close(fds[0]);
	else
		*ret_fd = fds[0];
	return r;
}

void bench_child_run(const struct bench_options *opt, const char *id, struct bench_outcome *out)
{
	weft_json_doc *doc = NULL;
	size_t len = 0;
	int status = 0, fd = -1, r;
	uint64_t t0 = weft_now_ns();
	char *text;
	pid_t pid;

	*out = (struct bench_outcome){ 0 };
	r = start(opt, id, &pid, &fd);
	if (r < 0) {
		bench_fail(out, "cannot start %s: %s", opt->program, strerror(-r));
		return;
	}
	text = read_all(fd, &len);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		bench_fail(out, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!text || weft_json_parse((weft_str){ text, len }, &doc, NULL) < 0 ||
	         bench_outcome_read(weft_json_root(doc), out) < 0)
		bench_fail(out, "the child wrote no result and exited with %d", WEXITSTATUS(status));
	else if (WEXITSTATUS(status))
		bench_fail(out, "the child exited with %d", WEXITSTATUS(status));
	out->wall_s = (double)(weft_now_ns() - t0) / 1e9;
	weft_json_release(doc);
	free(text);
}
