/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/plain/criterion.c - runs what tests/plain/criterion/criterion.h registered.
 *
 * Each test in a child of its own, one after another; a child that a signal ends has
 * crashed, one that ends with another status has failed (the sanitizer's reports too).
 * --filter SUITE/NAME takes a glob, as Criterion does.
 */
#include <criterion/criterion.h>

#include <fnmatch.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_STRETCH 10 /* sanitizers are slow */
#define EXIT_SKIPPED 77

static struct plain_test *first, **last = &first;
static atomic_bool test_failed; /* a test's threads may all say so */

void plain_register(struct plain_test *test)
{
	*last = test;
	last = &test->next;
}

void plain_say(const char *fmt, ...)
{
	va_list args;

	if (strcmp(fmt, " ") == 0)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

void plain_failed(bool fatal, const char *file, int line, const char *what)
{
	fprintf(stderr, "[----] %s:%d: assertion failed: %s\n", file, line, what);
	atomic_store_explicit(&test_failed, true, memory_order_relaxed); /* read once they are joined */
	if (fatal)
		_exit(1);
}

void plain_skip(void)
{
	_exit(EXIT_SKIPPED);
}

static const struct plain_options *options_of_suite(const char *suite)
{
	static const struct plain_options none;

	for (struct plain_test *t = first; t; t = t->next)
		if (!t->name && !strcmp(t->suite, suite))
			return &t->options;
	return &none;
}

/* The test's own option, else the suite's. */
#define OPTION(test, field) ((test)->options.field ? (test)->options.field : options_of_suite((test)->suite)->field)

_Noreturn static void run_child(const struct plain_test *test)
{
	double seconds = test->options.timeout > 0 ? test->options.timeout : options_of_suite(test->suite)->timeout;

	if (seconds > 0)
		alarm((unsigned)(seconds * TIMEOUT_STRETCH) + 1);
	if (OPTION(test, init))
		OPTION(test, init)();
	test->fn();
	if (OPTION(test, fini))
		OPTION(test, fini)();
	exit(atomic_load_explicit(&test_failed, memory_order_relaxed));
}

/* The child's wait status. */
static int run(const struct plain_test *test)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_child(test);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return status;
}

static bool wanted(const struct plain_test *test, const char *filter)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", test->suite, test->name ? test->name : "");
	return test->name && !OPTION(test, disabled) && (!filter || fnmatch(filter, full, 0) == 0);
}

int main(int argc, char **argv)
{
	const char *filter = argc == 3 && !strcmp(argv[1], "--filter") ? argv[2] : NULL;
	int tested = 0, passing = 0, failing = 0, crashing = 0;

	for (struct plain_test *t = first; t; t = t->next) {
		int status;

		if (!wanted(t, filter))
			continue;
		status = run(t);
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
			printf("[SKIP] %s::%s\n", t->suite, t->name);
			continue;
		}
		tested++;
		if (WIFSIGNALED(status) ? WTERMSIG(status) == t->options.signal && t->options.signal
		                        : WEXITSTATUS(status) == t->options.exit_code && !t->options.signal) {
			passing++;
			continue;
		}
		if (WIFSIGNALED(status))
			crashing++;
		else
			failing++;
		printf("[FAIL] %s::%s: %s %d\n", t->suite, t->name, WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: %d\n", tested, passing, failing,
	       crashing);
	return failing + crashing > 0;
}
